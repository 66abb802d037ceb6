#!/bin/sh
# erase_copies.sh BUILD_DIR: what backups still hold of what was erased is named, before and after, until the operator
# says that they are destroyed; a hub restored from one of them is told by the act's files what to erase again, and no
# file of its home holds an answer then (invariants 2, 5).
set -eu
name=erase_copies
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: erase_copies.sh BUILD_DIR'
    exit 2
}
begin "$1"
LANGUAGE=en
export LANGUAGE
cd "$work"

has() { # FILE TEXT
    grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "\"$2\" is not in $1"; }
}
has_not() { # FILE TEXT
    ! grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "\"$2\" is in $1"; }
}
enters() { # CODE MARK
    printf '{"code": "%s", "words": "Zhelezyaka-%s", "mark": %d}' "$1" "$1" "$2" |
        "$agent_program" submit pupils --period 2020/21 --json - --home "$work/gp" >submit.txt
}
syncs() {
    "$agent_program" sync --home "$work/gp" >sync.txt 2>&1 || { cat sync.txt >&2; fail 'no sync'; }
}
column() { # NAME NUMBER: of `backup list`
    hub backup list --format csv >backups.csv
    awk -F , -v name="$1" -v number="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i}
        $1 == number {print $at}' backups.csv
}

mkdir -p pack safe
cp -R "$here/../data/packs/registers/." pack
hub_home=$work/hub
free_port
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" >init.txt
root=$work/safe/root.key
mv "$hub_home"/keys/root.key* "$root"
printf 'backup.erased_days: 11\n' >>"$hub_home/hub.yaml"
hub programme load pack >load.txt
hub school add gp --name 'Школа' --invite gp.invite >add.txt
"$agent_program" join gp.invite --home "$work/gp" >join.txt
hub backup safe/before-all.svdk >backup.txt # nothing is in it yet
enters anna 3
enters boris 4
start_hub
syncs
hub backup safe/early.svdk >backup.txt
enters vera 5
syncs
hub backup safe/late.svdk >backup.txt
hub indicators --format csv >before.csv

# ---- before: it is said, and nothing happens ----
[ -z "$(column acts 2)" ] || fail 'a backup holds what no act erased'
hub erase list --format csv >list.csv
has list.csv ',2 3'
refused 2 'svodka-hub backup destroyed' hub erase --form pupils --unit gp --period 2020/21 --key vera --order 'No. 1'
has err.txt '1 backup of this hub still holds it'
has err.txt 'No. 3 of '
has err.txt 'safe/late.svdk: destroy it by '
has_not err.txt 'early.svdk'

# ---- afterwards: in the act, the register, the lists ----
hub erase --form pupils --unit gp --period 2020/21 --key vera --order 'No. 1' --yes >act.txt 2>said.txt
has act.txt 'Backup that holds it: No. 3 of '
has said.txt 'Keep 1.act and 1.csv outside this computer'
has "$hub_home/acts/1.html" 'safe/late.svdk'
hub backup safe/after.svdk >backup.txt
hub erase --form pupils --unit gp --period 2020/21 --key anna --order 'No. 2' --yes >act.txt 2>said.txt
has said.txt '3 backups of this hub still hold it'
mkdir acts
cp "$hub_home"/acts/* acts
[ "$(column acts 1)" = '' ] || fail 'backup 1 holds what was received after it'
[ "$(column acts 2)" = 2 ] || fail "backup 2 holds what act 2 erased, not: $(column acts 2)"
[ "$(column acts 3)" = 1-2 ] || fail "backup 3 holds what acts 1 and 2 erased, not: $(column acts 3)"
[ "$(column acts 4)" = 2 ] || fail "backup 4 was made after act 1: $(column acts 4)"
until=$(date -u -d '+11 days' +%Y-%m-%d)
soon=$(date -u -d '+12 days' +%Y-%m-%d) # midnight passes while this runs
case $(column destroy_by 3) in
"$until" | "$soon") ;;
*) fail "backup 3 is to be destroyed by $(column destroy_by 3), not $until" ;;
esac
hub register --html register.html >register.txt
has register.txt 'late.svdk'
has register.txt '(holds what was erased under act 1-2)'
has register.html 'early.svdk'
has_not register.txt 'before-all.svdk'

# ---- the operator's word ----
refused 1 'no backup of this number' hub backup destroyed 9
hub backup destroyed 3 >out.txt 2>err.txt
has out.txt 'is taken to be destroyed'
hub backup destroyed 3 >out.txt 2>err.txt # said twice
hub audit --format csv >audit.csv
[ "$(grep -c 'backup.destroyed' audit.csv)" = 1 ] || fail 'the word stands in the audit once'
hub erase act 1 >act.txt
has act.txt 'said to be destroyed on'
[ -z "$(column acts 3)" ] || fail 'a destroyed backup holds something'
hub register >register.txt
has_not register.txt 'late.svdk'
refused 1 'was said to be destroyed' hub backup confirm 3
hub backup safe/late.svdk --verify >out.txt
has out.txt 'that word is taken back'
[ "$(column acts 3)" = 1-2 ] || fail 'a backup that turned up holds nothing'

# ---- after the signing key was changed acts are believed as before ----
hub verify >verify.txt
has verify.txt 'Erased under act 2'
hub key rotate sign --root "$root" >key.txt 2>&1 || { cat key.txt >&2; fail 'the signing key does not change'; }
hub verify >verify.txt || { cat verify.txt >&2; fail 'verify: an act signed by the earlier key'; }
hub erase act 1 >act.txt
stop_hub

# ---- restored from before ----
rm -rf "$hub_home"
"$hub_program" restore safe/late.svdk --home "$hub_home" --root "$root" >restore.txt
has restore.txt 'acts of erasure up to No. 0'
has restore.txt 'erase --again'
hub export submissions --form pupils --period 2020/21 --unsafe-raw >export.csv 2>said.txt
has export.csv 'Zhelezyaka-vera' # it is there again: so much is said
cp acts/1.act broken.act
refused 1 'is missing' hub erase --again broken.act --yes
sed 's/,1$/,2/' acts/1.csv >broken.csv
cmp -s broken.csv acts/1.csv && sed 's/gp/gx/' acts/1.csv >broken.csv
refused 1 'is not the extract that the act was signed over' hub erase --again broken.act --yes
head -c 300 acts/1.act >cut.act
refused 1 'cut.act' hub erase --again cut.act --yes
refused 2 'the act itself says' hub erase --again acts/1.act --order x
for act in 1 2; do
    hub erase --again "acts/$act.act" --yes >act.txt 2>said.txt || { cat said.txt >&2; fail "act $act is not carried out again"; }
    has act.txt "again, as by act No. $act of"
    has act.txt 'Submissions erased: 1'
    hub erase --again "acts/$act.act" --yes >act.txt 2>said.txt # as often as one likes
    has act.txt "Nothing that act $act erased is here"
done
hub indicators --format csv >after.csv
cmp before.csv after.csv || fail 'the sums changed'
hub export submissions --form pupils --period 2020/21 --unsafe-raw >export.csv 2>said.txt
has export.csv 'Zhelezyaka-boris'
has_not export.csv 'Zhelezyaka-vera'
has_not export.csv 'Zhelezyaka-anna'
hub verify >verify.txt || { cat verify.txt >&2; fail 'verify after it was erased again'; }
has verify.txt 'Erased under act 2'
start_hub
syncs
hub verify >verify.txt

# ---- restored from before the delivery: the school sends it again, and it is erased then ----
stop_hub
rm -rf "$hub_home"
"$hub_program" restore safe/early.svdk --home "$hub_home" --root "$root" >restore.txt
hub erase --again acts/1.act --yes >act.txt 2>said.txt
has act.txt 'Nothing that act 1 erased is here'
start_hub
syncs
hub export submissions --form pupils --period 2020/21 --unsafe-raw >export.csv 2>said.txt
has export.csv 'Zhelezyaka-vera'
hub erase --again acts/1.act --yes >act.txt 2>said.txt
has act.txt 'Submissions erased: 1'
mkdir -p kept
cp acts/2.* "$hub_home/acts/" # an act of the lost history in the place of the next one
hub erase --again acts/2.act --yes >act.txt 2>said.txt
has said.txt '2-before.*'
cmp acts/2.act "$hub_home/acts/2-before.act" || fail 'the files of an act were lost'
hub erase --form pupils --unit gp --period 2020/21 --order 'No. 3' --yes >act.txt 2>said.txt
hub indicators --format csv >after.csv
cmp before.csv after.csv || fail 'the sums changed'
hub verify >verify.txt || { cat verify.txt >&2; fail 'verify after the second restore'; }
stop_hub
find "$hub_home" -type f >files.txt
while read -r file; do
    ! LC_ALL=C grep -aqF -e Zhelezyaka "$file" || fail "$file holds an answer"
done <files.txt
say 'erase_copies: which backups hold it, until when, and what a restored hub erases again: as they should be'
