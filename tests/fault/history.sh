#!/bin/sh
# history.sh BUILD_DIR: what happens to computers in schools and offices: a queue restored from an old copy, a home that
# was cloned and is used in two places, a hub restored from an old copy, receipts that never arrived, a clock that is a
# year off, a new computer that lost a key (invariants 2, 3, 5).  After each, both verifies are clean and every indicator equals sqlite3's.
# SVODKA_TEST_SEED repeats a run.
set -eu
name=history
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: history.sh BUILD_DIR'
    exit 2
}
begin "$1"
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "history: SVODKA_TEST_SEED=$seed"
period=2020/21-Q1

# Imports 60 rows of HOME in the name of UNIT.  The pupils are of the same 100 each time, so that later rows replace
# earlier ones; with PREFIX they are others.
imports() { # HOME UNIT [PREFIX]
    make_rows "$work/rows.csv" 60 100 "${3:-p}"
    agent "$1" import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1
    model_import "$2" "$period" "$work/rows.csv"
}

keep() { # HOME COPY
    rm -rf "${work:?}/$2"
    cp -a "$work/$1" "$work/$2"
}

bring_back() { # COPY HOME: the copy stays
    rm -rf "${work:?}/$2"
    cp -a "$work/$1" "$work/$2"
}

all_is_well() { # WHAT HOME...
    well_after=$1
    shift
    same_cells "$well_after"
    verify_clean "$@"
    say "history: $well_after: verified, indicators equal"
}

make_hub "$here/pack"
make_school a
make_school b
model_new
start_hub

# ---- a queue restored from an old copy ----
imports a a
sync_until_done a
keep a a.old
imports a a
sync_until_done a
imports a a
sync_until_done a
bring_back a.old a
imports a a # the restored queue gives these rows numbers that the hub has already seen
sync_until_done a
all_is_well 'a queue restored from an old copy' a

# The same with rows in the copy that were sent after it was made: they are not counted twice.
imports a a
keep a a.old
sync_until_done a
bring_back a.old a
imports a a
sync_until_done a
all_is_well 'a restored queue whose rows had been sent since' a

# ---- a cloned home on two computers in turn ----
imports b b both
keep b b2 # with rows that neither has sent yet
sync_until_done b
imports b2 b two
sync_until_done b2
imports b b one
sync_until_done b
imports b2 b three
sync_until_done b2
sync_until_done b
all_is_well 'a cloned home on two computers in turn' b b2

# ---- a hub restored from an old copy ----
stop_hub
keep hub hub.old
start_hub
imports a a
sync_until_done a
imports b b one
sync_until_done b
stop_hub
bring_back hub.old hub
start_hub
imports a a
sync_until_done a
sync_until_done b
sync_until_done b2
all_is_well 'a hub restored from an old copy' a b b2

# ---- receipts that never arrived: the batch is sealed while nobody answers, and brought back after the meeting ----
stop_hub
imports a a
if agent a sync >"$work/sync-a.txt" 2>&1; then
    fail 'a sync without a hub says that all went well'
fi
keep a a.sealed
start_hub
sync_until_done a
bring_back a.sealed a
sync_until_done a
all_is_well 'receipts that never arrived' a

# ---- a clock a year off, both ways ----
with_clock() { # OFFSET HOME COMMAND...
    clock_offset=$1
    clock_home=$2
    shift 2
    # (A sanitizer built in wants to be the first library.)
    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" FAKETIME_DONT_FAKE_MONOTONIC=1 \
        faketime -f "$clock_offset" "$agent_program" "$@" --home "$work/$clock_home"
}

if ! command -v faketime >/dev/null 2>&1; then
    say 'history: SKIPPED, LOUDLY: a clock a year off: faketime is not installed'
else
    for offset in +365d -365d; do
        make_rows "$work/rows.csv" 60 100
        with_clock "$offset" a import marks --period "$period" --csv "$work/rows.csv" \
            >"$work/import.txt" 2>&1
        model_import a "$period" "$work/rows.csv"
        tries=0
        until with_clock "$offset" a sync >"$work/sync-a.txt" 2>&1; do
            tries=$((tries + 1))
            [ "$tries" -lt 10 ] || {
                cat "$work/sync-a.txt" >&2
                fail "no meeting with a clock $offset off"
            }
            sleep 0.25
        done
        LANGUAGE=en with_clock "$offset" a status >"$work/status.txt" 2>&1 ||
            fail "status fails with a clock $offset off"
        grep -qi 'clock' "$work/status.txt" || {
            cat "$work/status.txt" >&2
            fail "nobody is told that the clock is $offset off"
        }
        all_is_well "a clock $offset off" a
    done
    # Right again.
    imports a a
    sync_until_done a
    all_is_well 'the clock set right' a
fi

# ---- a new computer without the key that its history is sealed to: the history waits there, and nothing else does ----
aside() { agent a3 status --format csv >"$work/status.csv" && sed -n 's/^aside,.*,\([0-9]*\)$/\1/p' "$work/status.csv"; }
hub school rekey a --invite "$work/a3.invite" >"$work/rekey.txt" 2>&1
"$agent_program" join "$work/a3.invite" --home "$work/a3" >"$work/join.txt"
mv "$work/a3/keys/seal.key" "$work/a3-seal.key"
imports a3 a
sync_until_done a3
[ -n "$(aside)" ] || { cat "$work/status.csv" >&2; fail 'status does not count what waits for its key'; }
same_cells 'a new computer without its key'
mv "$work/a3-seal.key" "$work/a3/keys/seal.key"
sync_until_done a3
[ -z "$(aside)" ] || { cat "$work/status.csv" >&2; fail 'with its key the history is not taken'; }
agent a3 history --format csv >"$work/history.csv"
[ "$(wc -l <"$work/history.csv")" -gt 100 ] || { cat "$work/history.csv" >&2; fail 'the history did not come back'; }
all_is_well 'a new computer that lost its key for a while' a3
stop_hub
