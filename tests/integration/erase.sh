#!/bin/sh
# erase.sh BUILD_DIR: what is due is shown, destroyed by an order and told; sums stay, verify is clean, and no file of the
# hub's home holds what was answered (invariants 2, 3, 5).
set -eu
name=erase
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: erase.sh BUILD_DIR'
    exit 2
}
begin "$1"
LANGUAGE=en
export LANGUAGE
cd "$work"

has() { # FILE TEXT
    grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "\"$2\" is not in $1"; }
}

mkdir -p pack
cp -R "$here/../data/packs/registers/." pack
hub_home=$work/hub
free_port
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" >init.txt
printf 'operators:\n  - "Иванова И. И."\n' >>"$hub_home/hub.yaml"
hub programme load pack >load.txt
hub school add gp --name 'Школа' --invite gp.invite >add.txt
"$agent_program" join gp.invite --home "$work/gp" >join.txt
n=0
for code in anna boris vera; do
    n=$((n + 1))
    printf '{"code": "%s", "words": "Zhelezyaka-Marker-%s Железяка-Метка", "mark": %d}' "$code" "$code" "$((n + 2))" |
        "$agent_program" submit pupils --period 2020/21 --json - --home "$work/gp" >submit.txt
done
start_hub
"$agent_program" sync --home "$work/gp" >sync.txt 2>&1 || { cat sync.txt >&2; fail 'no sync'; }

# ---- what is kept ----
hub erase list --format csv >list.csv
has list.csv 'pupils,'
has list.csv ',Trying out,'
has list.csv ',kept,'
hub register --html register.html >register.txt
has register.txt 'Иванова'
has register.html 'Trying out'
[ "$(stat -c %a "$hub_home/keys/storage")" = 700 ] || fail 'the folder of the storage keys is open to others'

# ---- mistakes ----
refused 2 'one of three is expected' hub erase pupils --form pupils --year 2020
refused 2 '--year is missing' hub erase pupils
refused 2 '--order' hub erase --form pupils --unit gp --period 2020/21
refused 2 '--yes is needed' hub erase --form pupils --unit gp --period 2020/21 --key boris --order 'No. 7'
year=$(sed -n 's/^pupils,\([0-9]*\).*/\1/p' list.csv)
refused 1 'is not over' hub erase pupils --year "$year" --order 'No. 8' --yes

# ---- one person, beside the running core ----
hub indicators --format csv >before.csv
printf 'boris\n' >key.txt
hub erase --form pupils --unit gp --period 2020/21 --key - --order 'Request of 1 October, No. 7' --yes <key.txt >act.txt 2>said.txt
has act.txt 'Act of erasure No. 1'
has act.txt 'Request of 1 October, No. 7'
has said.txt 'still hold it'
has "$hub_home/acts/1.html" 'No. 7'
[ -s "$hub_home/acts/1.csv" ] && [ -s "$hub_home/acts/1.act" ] || fail 'the act is not written whole'
hub indicators --format csv >after.csv
cmp before.csv after.csv || fail 'the sums changed'
hub explain R-1 --period 2020/21 >explain.txt
has explain.txt 'erased under act 1'
hub export submissions --form pupils --period 2020/21 --unsafe-raw >export.csv 2>said.txt
has said.txt 'erased under act 1'
has export.csv 'anna'
! grep -q boris export.csv || fail 'an erased row is written out'
hub verify >verify.txt
has verify.txt 'Erased under act 1'
hub erase act --format csv >acts.csv
has acts.csv 'pupils'
refused 1 'was erased already' hub erase --form pupils --unit gp --period 2020/21 --key boris --order x --yes
refused 1 'there is no act 9' hub erase act 9

# ---- the school is told, and nothing there calls it a loss ----
gp() { "$agent_program" "$@" --home "$work/gp"; }
id_of() { # CODE
    gp history --format csv >history.csv
    awk -F , -v code="$1" '$5 == code {print $1}' history.csv
}
day=$(gp receipt "$(id_of anna)" --format csv >receipt.csv && sed -n 's/^verdict,[^,]*,//p' receipt.csv)
[ "$day" = accepted ] || fail "before the word: $day"
gp sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'no sync'; }
gp history --format csv >history.csv
grep ',boris,' history.csv | grep -q ',erased,.*under act No. 1 on ' || { cat history.csv >&2; fail 'history does not say it'; }
! grep ',anna,' history.csv | grep -q erased || fail 'history says it of another'
gp receipt "$(id_of boris)" >receipt.txt
has receipt.txt 'destroyed at the district'
has receipt.txt 'under act No. 1 on '
gp verify --with-hub >verify.txt || { cat verify.txt >&2; fail 'the school takes an erasure for a difference'; }
has verify.txt 'destroyed at the district under act No. 1 on '
has verify.txt 'and erased 1.'
gp status >status.txt
grep -q 'destroyed at the district (no loss) *1$' status.txt || { cat status.txt >&2; fail 'status does not count it'; }
has status.txt 'under act No. 1 on '
has status.txt 'It is no loss'

# ---- the school goes on; what speaks about the erased one is kept apart ----
printf '{"code": "boris", "words": "again", "mark": 5}' |
    "$agent_program" submit pupils --period 2020/21 --json - --home "$work/gp" >submit.txt
"$agent_program" sync --home "$work/gp" >sync.txt 2>&1 || { cat sync.txt >&2; fail 'no sync after the erasure'; }
hub quarantine list --format csv >quarantine.csv
has quarantine.csv 'erased'
hub verify >verify.txt

# ---- all of it ----
hub erase --form pupils --unit gp --period 2020/21 --order 'No. 9' --yes >act.txt 2>said.txt || { cat said.txt >&2; fail "the return is not erased"; }
hub indicators --format csv >after.csv
cmp before.csv after.csv || fail 'the sums changed'
hub verify >verify.txt
has verify.txt 'Erased under act 2'
stop_hub
utf16=$(printf 'Zhelezyaka' | iconv -f UTF-8 -t UTF-16LE | od -An -tx1 | tr -d ' \n')
find "$hub_home" -type f >files.txt
while read -r file; do
    ! LC_ALL=C grep -aqF -e Zhelezyaka -e 'Железяка' "$file" || fail "$file holds an answer"
    ! od -An -v -tx1 "$file" | tr -d ' \n' | grep -qF "$utf16" || fail "$file holds an answer (UTF-16)"
done <files.txt
say 'erase: due, order, act, sums, verify and the disk: as they should be'
