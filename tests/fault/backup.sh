#!/bin/sh
# backup.sh BUILD_DIR [SCENARIO]...: the drills (invariants 2, 3, 5): a hub that comes back on an empty machine, one that
# comes back from yesterday, a school's computer that comes back from an old copy with and without a line; backups that
# were cut, altered, forged or made by a later program; a full disk, kill -9 at any moment, and the end of the 30 days.
# After each drill both verifies are clean and every indicator equals sqlite3's.
# SVODKA_TEST_SEED repeats a run.
set -eu
name=backup
on_disk=yes
here=$(cd "$(dirname "$0")" && pwd)
# Who is not root may still mount a tmpfs in a name space of his own.
if [ "$(id -u)" != 0 ] && [ -z "${SVODKA_UNSHARED:-}" ] && unshare -rm true 2>/dev/null; then
    SVODKA_UNSHARED=1 exec unshare -rm sh "$0" "$@"
fi
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: backup.sh BUILD_DIR [SCENARIO]...'
    exit 2
}
begin "$1"
shift
LANGUAGE=en
export LANGUAGE
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "backup: SVODKA_TEST_SEED=$seed"
period=2020/21-Q1
safe=$work/safe
pass=$safe/passphrase

# ---- the district: the hub lives in memory, the safe on the disk, so that they are two file systems ----

# Where the lock of the root key is not the matter it is a plain file: each unlocking costs 0.6 s of processor time.
make_district() { # [locked]: a fresh one; the root key lies in the safe
    rm -rf "$safe" "$work/a" "$work/b" "$work/model.db" "$work/a.invite" "$work/b.invite"
    mkdir -p "$safe"
    printf 'four words and a number 17\n' >"$pass"
    chmod 600 "$pass"
    hub_home=$shm/hub
    rm -rf "$hub_home"
    free_port
    if [ "${1:-}" = locked ]; then
        root=$safe/root.key.locked
        set -- --root-passphrase-file "$pass"
    else
        root=$safe/root.key
        set --
    fi
    "$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" "$@" >"$work/init.txt"
    mv "$hub_home/keys/${root##*/}" "$root"
    hub programme load "$here/pack" >"$work/load.txt"
    make_school a
    make_school b
    model_new
    sed -n 's/^ *\([0-9A-Z-]\{29\}\)$/\1/p' "$work/join.txt" >"$safe/b.code"
    start_hub
}

imports() { # HOME UNIT
    make_rows "$work/rows.csv" 60 100 p
    agent "$1" import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1
    model_import "$2" "$period" "$work/rows.csv"
}

all_is_well() { # WHAT
    same_cells "$1"
    verify_clean a b
    same_submissions "$1" 0 a b
    say "backup: $1: verified, indicators equal"
}

back_up() { # FILE
    back_up_code=0
    hub backup "$1" >"$work/backup.txt" 2>&1 || back_up_code=$?
    [ "$back_up_code" = 0 ] || {
        cat "$work/backup.txt" >&2
        fail "svodka-hub backup $1 failed with $back_up_code"
    }
}

with_root() { # COMMAND...: the key from the safe with it
    case $root in
    *.locked) "$@" --root "$root" --root-passphrase-file "$pass" ;;
    *) "$@" --root "$root" ;;
    esac
}

restore() { # FILE HOME
    with_root "$hub_program" restore "$1" --home "$2" >"$work/restore.txt" 2>&1 || {
        cat "$work/restore.txt" >&2
        fail "svodka-hub restore $1 failed"
    }
}

archived_at() { # HOME
    agent "$1" status --format csv | awk -F , '$1 == "archived" {print $3}'
}

stored_at() { # HOME
    agent "$1" status --format csv | awk -F , '$1 == "stored" {print $3}'
}

refuses() { # WHAT WORDS COMMAND...: exit code 1, these words, and nothing is made at $work/nowhere
    refused_what=$1
    refused_words=$2
    shift 2
    refused_code=0
    "$@" >"$work/refused.txt" 2>&1 || refused_code=$?
    [ "$refused_code" = 1 ] || fail "$refused_what: exit code $refused_code"
    grep -q "$refused_words" "$work/refused.txt" || {
        cat "$work/refused.txt" >&2
        fail "$refused_what: not said: $refused_words"
    }
    for refused_left in "$work"/nowhere*; do
        [ ! -e "$refused_left" ] || fail "$refused_what: $refused_left was made"
    done
}

restore_nowhere() { # FILE
    with_root "$hub_program" restore "$1" --home "$work/nowhere"
}

restore_school_nowhere() { # FILE CODE_FILE
    "$agent_program" restore "$1" --home "$work/nowhere" --code-file "$2"
}

# ---- the hub ----

empty_machine() {
    make_district locked
    imports a a
    sync_until_done a
    imports b b
    sync_until_done b
    [ "$(archived_at a)" = 0 ] || fail 'something is archived before there is a backup'
    umask 000
    back_up "$safe/hub.svdk" # beside the running core
    umask 022
    [ "$(stat -c %a "$safe/hub.svdk")" = 600 ] || fail 'others may read the backup'
    if [ "$shm" = "$work" ]; then
        hub backup confirm "$safe/hub.svdk" >"$work/confirm.txt"
    else
        grep -q '^Archived: ' "$work/backup.txt" || fail 'a backup on another disk archives nothing'
    fi
    sync_until_done a
    [ "$(archived_at a)" = 60 ] || fail 'the school is not told that its rows are archived'
    [ "$(archived_at b)" = 0 ] || fail 'b knows what it cannot know yet'
    stop_hub
    printf 'quite another passphrase\n' >"$work/wrong"
    refuses 'a wrong passphrase' 'passphrase' "$hub_program" restore "$safe/hub.svdk" --home "$work/nowhere" \
        --root "$root" --root-passphrase-file "$work/wrong"
    rm -rf "$hub_home" # the machine is gone; what is left lies in the safe
    hub_home=$work/other/machine
    mkdir "$work/other"
    restore "$safe/hub.svdk" "$hub_home"
    [ "$(stat -c %a "$hub_home")" = 700 ] || fail 'others may look into the restored home'
    [ ! -e "$hub_home/keys/root.key.locked" ] || fail 'the root key came out of a backup'
    verify_clean a b
    hub audit | grep -q 'restored from a backup *made: .*; up to entry of the journal: ' || fail 'the audit says nothing of the restore'
    start_hub
    imports a a
    imports b b
    sync_until_done a
    sync_until_done b
    version=$(hub_figure directory_version)
    [ "$version" -gt 1000000 ] || fail "the restored hub's directory has version $version"
    all_is_well 'a hub on an empty machine'
    # It can be backed up again, and yesterday's file says so itself.
    back_up "$safe/hub2.svdk"
    with_root hub backup "$safe/hub.svdk" --verify >"$work/verify.txt"
    grep -q 'opened, all of it is whole' "$work/verify.txt" || fail 'the old backup does not verify with the root key'
    hub backup list --format csv >"$work/list.csv"
    [ "$(wc -l <"$work/list.csv")" = 3 ] || fail 'the register of backups is not as it should be'
    verify_clean a b
    stop_hub
    rm -rf "$work/other"
}

yesterday() {
    make_district
    imports a a
    sync_until_done a
    sync_until_done b # joins: a school that joined after the backup would have to join again
    back_up "$safe/monday.svdk"
    hub backup confirm "$safe/monday.svdk" >"$work/confirm.txt"
    sync_until_done a
    [ "$(archived_at a)" = 60 ] || fail 'the first rows are not archived'
    imports a a
    imports b b
    sync_until_done a
    sync_until_done b
    imports a a
    sync_until_done a
    stop_hub
    rm -rf "$hub_home"
    restore "$safe/monday.svdk" "$hub_home"
    [ "$(hub_figure submissions)" = 60 ] || fail "monday's hub has received $(hub_figure submissions) rows"
    start_hub
    # Nobody enters anything: the agents are asked for what is not archived.
    sync_until_done a
    sync_until_done b
    [ "$(archived_at a)" = 60 ] && [ "$(stored_at a)" = 120 ] || fail 'what was archived was asked for again, or not all came'
    all_is_well 'a hub from yesterday'
    # A backup of the history that was given up says nothing about this one.
    stop_hub
    rm -rf "$work/branch"
    cp -a "$hub_home" "$work/branch"
    start_hub
    imports a a
    sync_until_done a
    stop_hub
    kept=$hub_home
    hub_home=$work/branch
    imports_into_branch=$safe/branch.svdk
    hub period list >/dev/null
    hub school add c --name 'Школа c' --invite "$work/c.invite" >/dev/null
    hub backup "$imports_into_branch" >/dev/null
    hub_home=$kept
    refuses 'a backup of another history' 'not of what this hub holds now' \
        with_root hub backup "$imports_into_branch" --verify
    rm -rf "$work/branch"
    verify_clean a b
}

refused() {
    make_district
    imports a a
    sync_until_done a
    back_up "$safe/hub.svdk"
    agent a backup "$safe/a.svdk" --new-code >"$work/code.txt"
    sed -n 's/^ *\([0-9A-Z-]\{29\}\)$/\1/p' "$work/code.txt" >"$safe/a.code"
    [ "$(wc -c <"$safe/a.code")" = 30 ] || fail 'no recovery code was shown'
    stop_hub
    size=$(stat -c %s "$safe/hub.svdk")
    # shellcheck disable=SC2043
    for left in $((size - 1)) $((size / 2)) 40 0; do
        head -c "$left" "$safe/hub.svdk" >"$safe/cut.svdk"
        refuses "a backup cut after $left bytes" 'cut.svdk' restore_nowhere "$safe/cut.svdk"
        refuses "a backup cut after $left bytes" 'cut.svdk' hub backup "$safe/cut.svdk" --verify
    done
    cp "$safe/hub.svdk" "$safe/altered.svdk"
    printf '\125' | dd of="$safe/altered.svdk" bs=1 seek=$((size - 100)) conv=notrunc 2>/dev/null
    printf '\252' | dd of="$safe/altered.svdk" bs=1 seek=$((size - 99)) conv=notrunc 2>/dev/null
    refuses 'an altered backup' 'altered, cut short, or made for another key' restore_nowhere "$safe/altered.svdk"
    refuses 'an altered backup' 'none that this hub wrote' hub backup "$safe/altered.svdk" --verify
    cp "$safe/hub.svdk" "$safe/later.svdk"
    printf '\002' | dd of="$safe/later.svdk" bs=1 seek=4 conv=notrunc 2>/dev/null
    refuses 'a backup of a later program' 'of format 2' restore_nowhere "$safe/later.svdk"
    refuses "a school's copy as a hub" "of a school's agent, not of a hub" restore_nowhere "$safe/a.svdk"
    refuses 'a hub as a school' 'the backup of a hub' restore_school_nowhere "$safe/hub.svdk" "$safe/a.code"
    refuses 'no backup at all' 'not a backup of this program' restore_nowhere "$work/rows.csv"
    refuses 'no backup at all, before the passphrase' 'not a backup of this program' "$hub_program" restore \
        "$work/rows.csv" --home "$work/nowhere" --root "$safe/root.key.locked" --root-passphrase-file "$work/none"
    "$hub_program" init --home "$work/foreign" --name 'Соседи' --listen tcp://127.0.0.1:1 >"$work/init.txt"
    refuses "another district's root" "another district's" \
        "$hub_program" restore "$safe/hub.svdk" --home "$work/nowhere" --root "$work/foreign/keys/root.key"
    "$hub_program" backup "$safe/foreign.svdk" --home "$work/foreign" >"$work/backup.txt"
    refuses "another district's backup" 'not a backup of this hub' hub backup "$safe/foreign.svdk" --verify
    rm -rf "$work/foreign"
    refuses 'a code of another computer' 'does not fit this copy' restore_school_nowhere "$safe/a.svdk" "$safe/b.code"
    size=$(stat -c %s "$safe/a.svdk")
    head -c "$((size - 1))" "$safe/a.svdk" >"$safe/cut.svdk"
    refuses "a school's copy cut short" 'cut short' restore_school_nowhere "$safe/cut.svdk" "$safe/a.code"
    mkdir "$work/full"
    : >"$work/full/letter"
    code=0
    with_root "$hub_program" restore "$safe/hub.svdk" --home "$work/full" >"$work/refused.txt" 2>&1 || code=$?
    { [ "$code" = 1 ] && [ "$(ls "$work/full")" = letter ]; } || fail 'a folder that is not empty was restored into'
    rm -rf "$work/full"
    code=0
    hub backup "$safe/hub.svdk" >"$work/refused.txt" 2>&1 || code=$?
    { [ "$code" = 1 ] && grep -q 'never replaces' "$work/refused.txt"; } || fail 'a backup replaces another'
    say 'backup: what is cut, altered, foreign or later is refused, and nothing is made of it'
}

full_disk() {
    mkdir -p "$work/disk"
    if ! mount -t tmpfs -o size=1m,mode=700 svodka "$work/disk" 2>/dev/null; then
        say 'backup: SKIPPED, LOUDLY: a full disk: no small file system can be mounted here'
        return 0
    fi
    mounted=$work/disk
    make_district
    for round in 1 2 3 4; do # what does not compress: sealed batches
        imports a a
        sync_until_done a
        [ "$round" = 0 ] || imports b b
        sync_until_done b
    done
    dd if=/dev/zero of="$work/disk/ballast" bs=1k count=1012 2>/dev/null
    refuses 'a backup on a full disk' 'removed' hub backup "$work/disk/hub.svdk"
    [ "$(ls "$work/disk")" = ballast ] || fail 'a full disk keeps half a backup'
    agent a backup --new-code >"$work/code.txt"
    refuses "a school's copy on a full disk" 'removed' agent a backup "$work/disk/a.svdk"
    [ "$(ls "$work/disk")" = ballast ] || fail "a full disk keeps half a school's copy"
    rm "$work/disk/ballast"
    back_up "$work/disk/hub.svdk"
    grep -q 'nothing is archived by it' "$work/backup.txt" || fail 'a backup that lies in memory archives something'
    agent a backup "$work/disk/a.svdk" >"$work/copy.txt"
    verify_clean a b
    stop_hub
    umount "$mounted"
    mounted=
    say 'backup: a full disk keeps nothing of it and harms nothing'
}

# At any moment there is either nothing but FILE.part, or a whole backup.
killed() {
    make_district
    for round in 1 2 3; do
        imports a a
        sync_until_done a
    done
    back_up "$safe/hub.svdk"
    killed_from=$(now_ms)
    rm "$safe/hub.svdk"
    back_up "$safe/hub.svdk"
    killed_span=$(($(now_ms) - killed_from))
    whole=0
    for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
        rm -f "$safe/hub.svdk"
        "$hub_program" backup "$safe/hub.svdk" --home "$hub_home" >"$work/backup.txt" 2>&1 &
        killed_pid=$!
        remember "$killed_pid"
        draw $((killed_span * 3 / 2 + 2))
        sleep "$(milliseconds "$random")"
        kill_hard "$killed_pid"
        for left in "$safe"/hub*; do
            case $left in
            "$safe/hub*" | "$safe/hub.svdk.part") ;;
            "$safe/hub.svdk")
                whole=$((whole + 1))
                restore "$left" "$work/again"
                rm -rf "$work/again"
                ;;
            *) fail "a killed backup left $left" ;;
            esac
        done
    done
    rm -f "$safe/hub.svdk"
    back_up "$safe/hub.svdk" # what the killed ones left gives way
    [ ! -e "$safe/hub.svdk.part" ] || fail 'what a killed run left is still there'
    imports b b
    sync_until_done b
    all_is_well "a backup killed at any moment ($whole of 16 were whole)"
    stop_hub
}

# ---- the school ----

take_copy() { # HOME FILE
    agent "$1" backup "$2" --new-code >"$work/code.txt" || fail "svodka-agent backup of $1 failed"
    sed -n 's/^ *\([0-9A-Z-]\{29\}\)$/\1/p' "$work/code.txt" >"$2.code"
}

bring_back() { # HOME FILE: the computer is gone, its copy lies on the stick
    rm -rf "${work:?}/$1"
    "$agent_program" restore "$2" --home "$work/$1" --code-file "$2.code" >"$work/restore.txt" 2>&1 || {
        cat "$work/restore.txt" >&2
        fail "svodka-agent restore of $1 failed"
    }
}

school_with_line() {
    make_district
    imports a a
    sync_until_done a
    imports a a # in the copy, and sent after it was made
    take_copy a "$safe/a.svdk"
    sync_until_done a
    imports a a # in no copy, and sent
    sync_until_done a
    bring_back a "$safe/a.svdk"
    sync_until_done a
    same_cells 'a school restored from an old copy'
    verify_clean a b
    imports a a
    sync_until_done a
    same_cells 'a school restored from an old copy'
    verify_clean a b
    [ "$(hub_figure quarantined)" = 0 ] || fail 'something is in quarantine'
    # 4 imports of 60 rows: nothing is counted twice, nothing lost.
    [ "$(hub_figure submissions)" = 240 ] || fail "the hub has received $(hub_figure submissions) rows of 240"
    say 'backup: a school from an old copy, with a line: verified, indicators equal'
    stop_hub
}

school_without_line() {
    make_district
    imports b b
    take_copy b "$safe/b.svdk"
    imports b b
    sync_until_done b
    stop_hub
    bring_back b "$safe/b.svdk"
    imports b b # under numbers that the hub has seen with other rows
    if agent b sync >"$work/sync.txt" 2>&1; then
        fail 'a sync without a hub says that all went well'
    fi
    imports b b
    agent b status >"$work/status.txt" 2>&1
    grep -q 'was restored from its copy' "$work/status.txt" || fail 'the school is not told that it was restored'
    take_copy b "$safe/b.svdk" # a copy of the restored one, restored once more
    bring_back b "$safe/b.svdk"
    start_hub
    sync_until_done b
    same_cells 'a school restored from an old copy without a line'
    verify_clean a b
    [ "$(hub_figure quarantined)" = 0 ] || fail 'something is in quarantine'
    [ "$(hub_figure submissions)" = 240 ] || fail "the hub has received $(hub_figure submissions) rows of 240"
    say 'backup: a school from an old copy, without a line: verified, indicators equal'
    stop_hub
}

at_risk() { # HOME
    agent "$1" status --format csv | awk -F , '$1 == "at_risk_entries" {print $3}'
}

would_lose() {
    make_district
    imports a a
    [ "$(at_risk a)" = 60 ] || fail "status: $(at_risk a) rows at risk of 60"
    agent a status | grep -q 'if this computer died now, you would lose *60 entries since' || fail 'status does not say it'
    take_copy a "$safe/a.svdk"
    [ "$(at_risk a)" = 0 ] || fail 'rows in the copy are at risk'
    imports a a
    [ "$(at_risk a)" = 60 ] || fail 'rows after the copy are not at risk'
    sync_until_done a
    [ "$(at_risk a)" = 0 ] || fail 'rows that the district received are at risk'
    stop_hub
    say 'backup: status says what would be lost'
}

# ---- the end of the 30 days ----

expired() {
    if ! command -v faketime >/dev/null 2>&1; then
        say 'backup: SKIPPED, LOUDLY: the end of the 30 days: faketime is not installed'
        return 0
    fi
    make_district
    imports a a
    sync_until_done a
    back_up "$safe/hub.svdk"
    hub backup confirm 1 >"$work/confirm.txt"
    sync_until_done a
    [ "$(archived_at a)" = 60 ] || fail 'the rows are not archived'
    first=$(agent a history --format csv | sed -n '2s/,.*//p')
    stop_hub
    preload=$(faketime -f +0d printenv LD_PRELOAD) # the wrapper would stand between this shell and the hub
    for days in 29 31; do
        # (A sanitizer built in wants to be the first library.)
        ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" FAKETIME_DONT_FAKE_MONOTONIC=1 \
            FAKETIME="+${days}d" LD_PRELOAD=$preload "$hub_program" serve --home "$hub_home" >>"$work/hub.log" 2>&1 &
        hub_pid=$!
        remember "$hub_pid"
        wait_until 20 hub_is_up || fail 'the hub does not start'
        imports a a # by this computer's clock it is still the first day
        sync_until_done a
        stop_hub
        if [ "$days" = 29 ]; then
            [ "$(archived_at a)" = 60 ] || fail 'rows were destroyed before their time'
        else
            [ "$(archived_at a)" = 0 ] || fail 'rows are still kept after 31 days'
        fi
    done
    [ "$(history_count a)" = 180 ] || fail 'the history has forgotten what is no longer kept'
    agent a receipt "$first" | grep -q 'in the archive' || fail 'the receipt went with the rows'
    start_hub
    verify_clean a b
    same_cells 'the end of the 30 days'
    stop_hub
    say 'backup: after 30 days the content goes, its receipt stays'
}

leave() { # with the script's exit code
    leave_code=$?
    set +e
    rm -rf "$shm"
    (exit "$leave_code")
    finish
}

# The hub's home needs a file system of its own that is not the one of $work.
shm=$work
if [ -d /dev/shm ] && [ -w /dev/shm ] && [ "$(stat -f -c %T "$work")" != tmpfs ] &&
    [ "$(stat -c %d /dev/shm)" != "$(stat -c %d "$work")" ]; then
    shm=$(mktemp -d /dev/shm/svodka-backup-XXXXXX)
    trap leave EXIT
else
    say 'backup: SKIPPED, LOUDLY: there is no second file system: backups are confirmed by word alone'
fi

[ $# -gt 0 ] || set -- empty_machine yesterday refused full_disk killed school_with_line school_without_line would_lose \
    expired
for scenario; do
    "$scenario"
done
