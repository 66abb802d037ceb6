#!/bin/sh
# disk.sh BUILD_DIR: disks that are full or broken, under the agent and under the hub (invariants 1, 2, 4, 8): a small
# file system, a full LMDB map, EIO from the disk.  Each time: a clear message, exit code 1, what was stored before is
# safe; and once there is room again all is delivered, both verifies are clean, the indicators equal sqlite3's.
# SVODKA_TEST_SEED repeats a run; scenarios may be named one by one (see the end).
set -eu
name=disk
on_disk=yes
here=$(cd "$(dirname "$0")" && pwd)
# Who is not root may still mount a tmpfs in a name space of his own.
if [ "$(id -u)" != 0 ] && [ -z "${SVODKA_UNSHARED:-}" ] && unshare -rm true 2>/dev/null; then
    SVODKA_UNSHARED=1 exec unshare -rm sh "$0" "$@"
fi
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: disk.sh BUILD_DIR [SCENARIO]...'
    exit 2
}
begin "$1"
cd "$work"
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "disk: SVODKA_TEST_SEED=$seed"
LANGUAGE=en
export LANGUAGE
period=2020/21-Q1

# ---- a small disk at $work/disk ----

small_disk() { # false: not possible here
    mkdir "$work/disk"
    truncate -s 16M "$work/disk.img"
    if mkfs.ext4 -q "$work/disk.img" 2>/dev/null && loop_device=$(losetup -f --show "$work/disk.img" 2>/dev/null); then
        if mount "$loop_device" "$work/disk" 2>/dev/null; then
            mounted=$work/disk
            chmod 700 "$work/disk"
            return 0
        fi
        losetup -d "$loop_device"
    fi
    loop_device=
    if mount -t tmpfs -o size=16m,mode=700 svodka "$work/disk" 2>/dev/null; then
        mounted=$work/disk
        return 0
    fi
    rmdir "$work/disk"
    return 1
}

drop_disk() {
    umount "$mounted"
    mounted=
    [ -z "$loop_device" ] || losetup -d "$loop_device"
    loop_device=
    rmdir "$work/disk"
    rm -f "$work/disk.img"
}

# Takes all room but about LEAVE KiB.
ballast() { # LEAVE_KIB
    ballast_kib=$(($(df -Pk "$work/disk" | awk 'NR == 2 {print $4}') - $1))
    [ "$ballast_kib" -le 0 ] || dd if=/dev/zero of="$work/disk/ballast" bs=1024 count="$ballast_kib" 2>/dev/null
}

# ---- what each scenario does ----

# The last command must have ended with 1 and said something about it.
said() { # CODE FILE PATTERN WHAT
    [ "$1" = 1 ] || {
        cat "$2" >&2
        fail "$4: exit code $1; 1 was expected"
    }
    grep -qiE "$3" "$2" || {
        cat "$2" >&2
        fail "$4: the message does not say why ($3)"
    }
}

# Imports of ROWS rows until one is refused; what came before must be untouched.  The model follows.
fill() { # HOME UNIT ROWS TIMES PATTERN WHAT
    fill_times=0
    while :; do
        [ "$fill_times" -lt "$4" ] || fail "$6: still not full after $4 imports"
        fill_times=$((fill_times + 1))
        make_rows "$work/rows.csv" "$3" 100000
        before=$(history_count "$1")
        code=0
        agent "$1" import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1 || code=$?
        [ "$code" = 0 ] || break
        model_import "$2" "$period" "$work/rows.csv"
    done
    said "$code" "$work/import.txt" "$5" "$6"
    [ "$(history_count "$1")" = "$before" ] || fail "$6: a refused import changed the queue"
    agent "$1" verify >"$work/verify.txt" 2>&1 || {
        cat "$work/verify.txt" >&2
        fail "$6: verify is not clean"
    }
    say "disk: $6: refused after $fill_times imports: $(tail -n 1 "$work/import.txt")"
}

settle() { # WHAT HOME...
    settle_what=$1
    shift
    for settle_home in "$@"; do
        sync_until_done "$settle_home"
    done
    same_cells "$settle_what"
    verify_clean "$@"
    say "disk: $settle_what: delivered, verified, indicators equal"
}

fresh_hub() {
    rm -rf "$work/hub" "$work/model.db" "$work"/*.invite
    make_hub "$here/pack"
    model_new
}

# ---- a full disk under the agent ----

agent_on_full_disk() {
    fresh_hub
    make_school full disk/full
    start_hub
    make_rows "$work/rows.csv" 10 100
    code=0
    agent disk/full import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1 || code=$?
    said "$code" "$work/import.txt" 'disk' 'a disk smaller than the reserve'
    echo 'store.disk_reserve: 0' >>"$work/disk/full/agent.yaml"
    ballast 4096
    fill disk/full full 3000 60 'disk|full|space' 'a full disk under the agent'
    # The queue may or may not find the room to seal a batch; it must not lose anything by trying.
    agent disk/full sync >"$work/sync.txt" 2>&1 || say "disk: sync on the full disk: $(tail -n 1 "$work/sync.txt")"
    rm -f "$work/disk/ballast"
    settle 'a full disk under the agent' disk/full
    stop_hub
    rm -rf "$work/disk/full"
}

# ---- a full disk under the hub ----

# The edge: less is free than is kept.  Nothing is begun, nothing is lost, and both sides are told; nothing has to be
# started again when there is room.
hub_nearly_full() {
    ballast 3072
    cp "$work/model.db" "$work/model.before"
    make_rows "$work/rows.csv" 300 100000
    agent school import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1
    model_import school "$period" "$work/rows.csv"
    refused 1 'the hub has no room on its disk' agent school sync # by the gateway, before anything lies in its spool
    stop_hub
    mkdir -m 700 "$work/exchange" "$work/exchange/spool"
    echo "gateway.folder: $work/exchange" >>"$hub_home/hub.yaml"
    start_hub
    find_hub_parts
    near_parts="$core_pid $gateway_pid"
    refused 1 'the hub has no room on its disk' agent school sync # the spool is on another disk: by the core
    agent school bundle write "$work/near.svodka" >"$work/bundle.txt"
    refused 1 "the hub's disk is nearly full" hub bundle read "$work/near.svodka"
    refused_code=0
    hub doctor >"$work/doctor.txt" || refused_code=$?
    [ "$refused_code" = 1 ] || fail 'doctor finds nothing wrong with a disk that is nearly full'
    grep -qF 'nothing that schools send is taken any more' "$work/doctor.txt" ||
        fail 'doctor does not say what a nearly full disk means'
    for near_line in "core: the hub's disk is nearly full" 'gateway: the disk with the spool is nearly full'; do
        [ "$(grep -cF "$near_line" "$work/hub.log")" = 1 ] || fail "the hub's log does not say once: $near_line"
    done
    mv "$work/model.db" "$work/model.after"
    mv "$work/model.before" "$work/model.db"
    same_cells 'a disk that is nearly full'
    mv "$work/model.after" "$work/model.db"
    rm -f "$work/disk/ballast"
    settle 'a disk that was nearly full' school
    find_hub_parts
    [ "$near_parts" = "$core_pid $gateway_pid" ] || fail 'the hub did not live through a disk that was nearly full'
    stop_hub
    sed -i -e 's/^store.disk_reserve: .*/store.disk_reserve: 0/' -e '/^gateway.folder/d' "$hub_home/hub.yaml"
    start_hub
}

hub_on_full_disk() {
    rm -rf "$work/hub" "$work/model.db" "$work"/*.invite
    make_hub "$here/pack"
    mv "$work/hub" "$work/disk/hub"
    hub_home=$work/disk/hub
    echo 'store.disk_reserve: 4M' >>"$hub_home/hub.yaml"
    model_new
    make_school school
    start_hub
    make_rows "$work/rows.csv" 100 100000
    agent school import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt"
    model_import school "$period" "$work/rows.csv"
    settle 'a hub on a small disk' school
    hub_nearly_full
    ballast 256
    make_rows "$work/rows.csv" 8000 100000
    agent school import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt"
    model_before=$work/model.before
    cp "$work/model.db" "$model_before"
    model_import school "$period" "$work/rows.csv"
    code=0
    agent school sync >"$work/sync.txt" 2>&1 || code=$?
    said "$code" "$work/sync.txt" '.' 'a full disk under the hub'
    say "disk: a full disk under the hub: the school reads: $(tail -n 1 "$work/sync.txt")"
    grep -qiE 'disk|full|space' "$work/hub.log" || fail "the hub's log does not say that its disk is full"
    # All or nothing: the indicators are those of before.
    mv "$work/model.db" "$work/model.after"
    mv "$model_before" "$work/model.db"
    same_cells 'a full disk under the hub'
    mv "$work/model.after" "$work/model.db"
    rm -f "$work/disk/ballast"
    settle 'a full disk under the hub' school
    stop_hub
    rm -rf "$work/disk/hub" "$work/school"
}

# ---- a full map ----

agent_with_full_map() {
    fresh_hub
    make_school map
    start_hub
    echo 'store.map_size: 1M' >>"$work/map/agent.yaml"
    fill map map 1000 60 'full|map|store' 'a full map under the agent'
    agent map sync >"$work/sync.txt" 2>&1 || say "disk: sync with the full map: $(tail -n 1 "$work/sync.txt")"
    sed -i 's/^store.map_size: .*/store.map_size: 64M/' "$work/map/agent.yaml"
    settle 'a full map under the agent' map
    stop_hub
    rm -rf "$work/map"
}

hub_with_full_map() {
    fresh_hub
    make_school school
    echo 'store.map_size: 16M' >>"$hub_home/hub.yaml"
    start_hub
    code=0
    times=0
    while [ "$code" = 0 ]; do
        [ "$times" -lt 15 ] || fail "the hub's map of 16 MiB is not full after $times imports"
        times=$((times + 1))
        make_rows "$work/rows.csv" 20000 1000000
        agent school import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt"
        model_import school "$period" "$work/rows.csv"
        agent school sync >"$work/sync.txt" 2>&1 || code=$?
    done
    said "$code" "$work/sync.txt" '.' 'a full map under the hub'
    say "disk: a full map under the hub after $times imports: the school reads: $(tail -n 1 "$work/sync.txt")"
    grep -qiE 'full|map|limit' "$work/hub.log" || fail "the hub's log does not say that its store is full"
    hub verify >"$work/verify.txt" 2>&1 || {
        cat "$work/verify.txt" >&2
        fail 'verify is not clean with a full map under the hub'
    }
    stop_hub
    sed -i 's/^store.map_size: .*/store.map_size: 256M/' "$hub_home/hub.yaml"
    start_hub
    settle 'a full map under the hub' school
    stop_hub
    rm -rf "$work/school"
}

# ---- EIO ----

# The N-th of these calls fails with EIO.  (A sanitizer's leak check cannot work under strace.)
agent_with_eio() { # CALLS NTH HOME COMMAND...
    eio_calls=$1
    eio_nth=$2
    eio_home=$3
    shift 3
    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" strace -f -qq -o "$work/strace.txt" \
        -e trace="$eio_calls" -e inject="$eio_calls:error=EIO:when=$eio_nth" \
        "$agent_program" "$@" --home "$work/$eio_home"
}

# All of an import is in, or nothing.  A meeting may fail anywhere, and loses nothing.
agent_eio() {
    fresh_hub
    make_school eio
    start_hub
    failures=0
    lost_meetings=0
    for calls in fdatasync pwrite64,pwritev,writev; do
        nth=1
        while [ "$nth" -le 6 ]; do
            make_rows "$work/rows.csv" 300 100000
            before=$(history_count eio)
            code=0
            agent_with_eio "$calls" "$nth" eio import marks --period "$period" --csv "$work/rows.csv" \
                >"$work/import.txt" 2>&1 || code=$?
            after=$(history_count eio)
            if [ "$code" = 0 ]; then
                [ "$after" = "$((before + 300))" ] || fail "EIO at $calls $nth: said to be queued, and it is not"
                model_import eio "$period" "$work/rows.csv"
            else
                said "$code" "$work/import.txt" 'input/output|disk' "EIO at $calls $nth"
                [ "$after" = "$before" ] ||
                    fail "EIO at $calls $nth: said to have failed, and $((after - before)) are in"
                failures=$((failures + 1))
                refusal=$(tail -n 1 "$work/import.txt")
            fi
            if ! agent_with_eio "$calls" "$nth" eio sync >"$work/sync.txt" 2>&1; then
                lost_meetings=$((lost_meetings + 1))
                lost=$(tail -n 1 "$work/sync.txt")
            fi
            nth=$((nth + 1))
        done
    done
    [ "$failures" -ge 2 ] || fail "EIO never made an import fail: nothing was tested"
    say "disk: EIO under the agent: $failures imports refused: $refusal"
    [ "$lost_meetings" -ge 2 ] || fail "EIO never made a meeting fail: nothing was tested"
    say "disk: EIO under the agent: $lost_meetings meetings failed: $lost"
    settle 'EIO under the agent' eio
    stop_hub
    rm -rf "$work/eio"
}

core_is_traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$core_pid/status"; }

hub_eio() {
    fresh_hub
    make_school school
    start_hub
    sync_until_done school
    for calls in fdatasync pwrite64,pwritev,writev; do
        for when in 1 1..5; do
            make_rows "$work/rows.csv" 2000 100000
            agent school import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt"
            model_import school "$period" "$work/rows.csv"
            find_hub_parts
            strace -f -qq -o "$work/strace.txt" -e trace="$calls" -e inject="$calls:error=EIO:when=$when" \
                -p "$core_pid" 2>"$work/strace-said.txt" &
            tracer=$!
            remember "$tracer"
            wait_until 10 core_is_traced || fail "strace cannot attach to the core: $(cat "$work/strace-said.txt")"
            agent school sync >"$work/sync.txt" 2>&1 ||
                say "disk: EIO under the core ($calls $when): the school reads: $(tail -n 1 "$work/sync.txt")"
            end_process "$tracer"
            grep -q INJECTED "$work/strace.txt" || fail "EIO under the core ($calls $when) was never met"
            settle "EIO under the core ($calls $when)" school
        done
    done
    grep -qiE 'input/output|disk' "$work/hub.log" || fail "the hub's log does not say that its disk failed"
    stop_hub
    rm -rf "$work/school"
}

on_small_disk() {
    if small_disk; then
        "$1"
        drop_disk
    else
        say "disk: SKIPPED, LOUDLY: $1: neither a loop device nor a tmpfs can be mounted here"
    fi
}

with_strace() {
    if command -v strace >/dev/null 2>&1 && strace -qq -o /dev/null true 2>/dev/null; then
        "$1"
    else
        say "disk: SKIPPED, LOUDLY: $1: strace is missing or may not trace here"
    fi
}

shift
[ $# -gt 0 ] || set -- agent_on_full_disk hub_on_full_disk agent_with_full_map hub_with_full_map agent_eio hub_eio
for scenario in "$@"; do
    case $scenario in
    *_on_full_disk) on_small_disk "$scenario" ;;
    *_eio) with_strace "$scenario" ;;
    *_with_full_map) "$scenario" ;;
    *) fail "there is no scenario '$scenario'" ;;
    esac
done
