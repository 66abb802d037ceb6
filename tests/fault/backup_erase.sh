#!/bin/sh
# backup_erase.sh BUILD_DIR: something is erased while a backup is being written.  The backup that comes of it is of one
# moment: it restores, verifies, and either knows the act or is named by it; none lies in between (invariants 4, 5).
set -eu
name=backup_erase
on_disk=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: backup_erase.sh BUILD_DIR'
    exit 2
}
begin "$1"
LANGUAGE=en
export LANGUAGE
cd "$work"
period=2020/21-Q1
rounds=12

hub_home=$work/hub
free_port
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" >init.txt
mkdir safe
mv "$hub_home"/keys/root.key* safe
hub programme load "$here/pack" >load.txt
hub school add a --name 'Школа' --invite a.invite >add.txt
"$agent_program" join a.invite --home "$work/a" >join.txt
start_hub
seed_random "${SVODKA_TEST_SEED:-7}"
for round in 1 2 3 4 5 6; do
    make_rows rows.csv 300 100 "p$round"
    "$agent_program" import marks --period "$period" --csv rows.csv --home "$work/a" >import.txt 2>&1 || {
        cat import.txt >&2
        fail 'no import'
    }
    "$agent_program" sync --home "$work/a" >sync.txt 2>&1 || fail 'no sync'
done
hub indicators --format csv >before.csv
"$agent_program" history --format csv --home "$work/a" >history.csv
column() { # NAME NUMBER: of `backup list`
    hub backup list --format csv >backups.csv
    awk -F , -v name="$1" -v number="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i}
        $1 == number {print $at}' backups.csv
}

has_ended() { ! is_alive "$1"; }
# Beside a backup that stands still; one that was stopped too late, with the store's lock, is let go first.
erase_one() { # LINE ORDER PID
    id=$(awk -F , -v line="$1" '$5 != "" && NR == line {print $1}' history.csv)
    "$hub_program" erase --submission "$id" --order "$2" --yes --home "$hub_home" >act.txt 2>erase.txt &
    erase_pid=$!
    remember "$erase_pid"
    wait_until 5 has_ended "$erase_pid" || true
    kill -CONT "$3" 2>/dev/null || true
    code=0
    wait "$erase_pid" || code=$?
    forget "$erase_pid"
    [ "$code" = 0 ] || { cat erase.txt >&2; fail 'nothing is erased beside a backup'; }
}

again=0
late=0
acts=0
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    file=safe/$round.svdk
    "$hub_program" backup "$file" --home "$hub_home" >backup.txt 2>said.txt &
    backup_pid=$!
    remember "$backup_pid"
    # Odd rounds stop it as soon as its snapshot is there; in even ones both run as they will, from the moment when the
    # file has its name and is read back.
    if [ $((round % 2)) = 1 ]; then waited=$file.part; else waited=$file; fi
    while [ ! -e "$waited" ] && is_alive "$backup_pid"; do :; done
    [ "$waited" = "$file" ] || kill -STOP "$backup_pid" 2>/dev/null || true
    erase_one "$((10 + 20 * round))" "No. $round" "$backup_pid"
    acts=$((acts + 1))
    code=0
    wait "$backup_pid" || code=$?
    forget "$backup_pid"
    [ "$code" = 0 ] || { cat said.txt >&2; fail "the backup ends with $code"; }
    if grep -q 'the backup is written again' said.txt; then
        again=$((again + 1))
        [ -z "$(column acts "$round")" ] || fail 'a backup that was written again holds what was erased meanwhile'
    else
        # It was done before: the act names it.
        late=$((late + 1))
        [ "$(column acts "$round")" = "$acts" ] || fail "backup $round is older than act $acts, which does not name it"
        grep -qF "No. $round of " erase.txt || fail "act $acts does not name backup $round"
    fi
    rm -rf restored
    "$hub_program" restore "$file" --home "$work/restored" --root safe/root.key >restore.txt || fail "backup $round does not restore"
    "$hub_program" verify --home "$work/restored" >verify.txt 2>&1 || {
        cat verify.txt >&2
        fail "a hub from backup $round is not clean"
    }
    "$hub_program" indicators --format csv --home "$work/restored" >after.csv 2>/dev/null
    cmp before.csv after.csv || fail "the sums of backup $round"
    known=$("$hub_program" erase act --format csv --home "$work/restored" | awk 'NR > 1' | wc -l)
    [ $((known + (late > 0 && $(column acts "$round" | wc -c) > 1))) = "$acts" ] || fail "backup $round knows $known acts of $acts"
done
say "backup_erase: of $rounds backups $again were written again, $late were done before"
[ "$again" -gt 0 ] || fail 'no backup met an erasure: this machine is too fast for the test'

# An erasure in each of its tries: it is refused in words, and no file is left.
said_fewer() { # LINES; without another process, which would take longer than the backup
    lines=0
    while read -r _; do lines=$((lines + 1)); done <said.txt
    [ "$lines" -lt "$1" ]
}
line=260
refused=
attempt=0
while [ -z "$refused" ] && [ "$attempt" -lt 10 ]; do
    attempt=$((attempt + 1))
    tries=0
    rm -f safe/never.svdk
    "$hub_program" backup safe/never.svdk --home "$hub_home" >backup.txt 2>said.txt &
    backup_pid=$!
    remember "$backup_pid"
    while is_alive "$backup_pid"; do
        while { said_fewer "$tries" || [ ! -e safe/never.svdk.part ]; } && is_alive "$backup_pid"; do :; done
        kill -STOP "$backup_pid" 2>/dev/null || break
        tries=$((tries + 1))
        line=$((line + 1))
        erase_one "$line" "No. x$line" "$backup_pid"
    done
    code=0
    wait "$backup_pid" || code=$?
    forget "$backup_pid"
    [ "$code" != 0 ] || continue
    refused=yes
    grep -q 'something was erased while the backup was being written' said.txt || {
        cat said.txt >&2
        fail 'it is refused for another reason'
    }
    [ ! -e safe/never.svdk ] && [ ! -e safe/never.svdk.part ] || fail 'a refused backup left a file'
done
if [ -n "$refused" ]; then
    say 'backup_erase: an erasure in each try: refused in words'
else
    say 'backup_erase: SKIPPED, LOUDLY: no backup was met in each of its tries'
fi
hub verify >verify.txt
stop_hub
