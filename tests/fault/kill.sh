#!/bin/sh
# kill.sh BUILD_DIR [ROUNDS]: kill -9 of agent, gateway, core and both at random moments (invariants 1 to 5).
#
# Each round two schools (now and then a third that has just been invited) import, correct and retract at random, and
# one process is killed somewhere in the middle.  Then all is allowed to finish, and must be as if nothing had happened:
# nothing lost, nothing doubled, both verifies clean, every indicator equal to what sqlite3 computes from the rows.
# SVODKA_TEST_SEED repeats a run.
set -eu
name='kill'
on_disk=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: kill.sh BUILD_DIR [ROUNDS]'
    exit 2
}
begin "$1"
rounds=${2:-20}
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "kill: $rounds rounds, SVODKA_TEST_SEED=$seed"
pupils=300

# ---- what a school may do; the model follows only what the queue holds ----

pick_period() {
    draw 3
    period=2020/21-Q$((random + 1))
}

# An import is in the queue whole or not at all.
settle_import() { # SCHOOL COUNT_BEFORE ROWS PERIOD FILE
    settled=$(history_count "$1")
    if [ "$settled" = "$(($2 + $3))" ]; then
        model_import "$1" "$4" "$5"
    elif [ "$settled" != "$2" ]; then
        fail "a killed import left $settled submissions of $1; $2 or $(($2 + $3)) were expected"
    fi
}

import_rows() { # SCHOOL
    draw 380
    count=$((random + 20))
    pick_period
    make_rows "$work/$1.csv" "$count" "$pupils"
    count=$(awk 'END {print NR - 1}' "$work/$1.csv")
    before=$(history_count "$1")
}

do_import() { # SCHOOL
    import_rows "$1"
    agent "$1" import marks --period "$period" --csv "$work/$1.csv" >"$work/import.txt" ||
        fail "the import of $1 failed"
    settle_import "$1" "$before" "$count" "$period" "$work/$1.csv"
    [ "$settled" = "$((before + count))" ] || fail "an import that succeeded is not in the queue of $1"
}

do_correct() { # SCHOOL
    pick_period
    pick_pupil "$1" "$period"
    [ -n "$pupil" ] || return 0
    draw 21
    agent "$1" correct marks --key "$pupil" --period "$period" --reason 'ошибка' --set "grade=$random" \
        >"$work/correct.txt" || fail "the correction of $pupil of $1 failed"
    model_correct "$1" "$period" "$pupil" "$random"
}

do_retract() { # SCHOOL
    pick_period
    pick_pupil "$1" "$period"
    [ -n "$pupil" ] || return 0
    agent "$1" retract marks --key "$pupil" --period "$period" --reason 'лишняя запись' >"$work/retract.txt" ||
        fail "the retraction of $pupil of $1 failed"
    model_retract "$1" "$period" "$pupil"
}

do_something() { # SCHOOL
    do_import "$1"
    draw 2
    [ "$random" = 0 ] || do_correct "$1"
    draw 2
    [ "$random" = 0 ] || do_retract "$1"
}

# ---- the deaths ----

caught=0 # how many processes were still at work when they died
count_caught() { # PID...
    for caught_pid in "$@"; do
        if is_alive "$caught_pid"; then
            caught=$((caught + 1))
            return 0
        fi
    done
}

pause() { # at most MS
    draw "$(($1 + 1))"
    sleep "$(milliseconds "$random")"
}

# The shell function agent() would be a subshell's child: the program itself must be ours to kill.
die_importing() { # SCHOOL
    import_rows "$1"
    "$agent_program" import marks --period "$period" --csv "$work/$1.csv" --home "$work/$1" >"$work/import.txt" 2>&1 &
    victim=$!
    remember "$victim"
    pause 12
    count_caught "$victim"
    kill_hard "$victim"
    settle_import "$1" "$before" "$count" "$period" "$work/$1.csv"
}

die_syncing() { # SCHOOL MS
    "$agent_program" sync --home "$work/$1" >"$work/sync-$1.txt" 2>&1 &
    victim=$!
    remember "$victim"
    pause "$2"
    count_caught "$victim"
    kill_hard "$victim"
}

# One of the hub's processes dies while both schools talk to it.
die_serving() { # gateway | core | both
    victims=
    for school in gp ms; do
        "$agent_program" sync --home "$work/$school" >"$work/sync-$school.txt" 2>&1 &
        remember "$!"
        victims="$victims $!"
    done
    pause 140
    find_hub_parts
    # shellcheck disable=SC2086
    count_caught $victims
    case $1 in
    gateway) [ -z "$gateway_pid" ] || kill -KILL "$gateway_pid" 2>/dev/null || true ;;
    core) [ -z "$core_pid" ] || kill -KILL "$core_pid" 2>/dev/null || true ;;
    both)
        # shellcheck disable=SC2086
        kill -KILL "$hub_pid" $gateway_pid $core_pid 2>/dev/null || true
        wait "$hub_pid" 2>/dev/null || true
        forget "$hub_pid"
        wait_until 20 hub_is_down || fail 'a killed hub still listens'
        start_hub
        ;;
    esac
    for victim in $victims; do
        wait "$victim" 2>/dev/null || true # it may well have failed: it is done again below
        forget "$victim"
    done
}

hub_is_down() { ! port_listens "$port"; }

# ---- the rounds ----

make_hub "$here/pack"
printf 'gateway.chunk: 1K\ngateway.credit: 8K\n' >>"$hub_home/hub.yaml"
new_school() {
    make_school "$1"
    # Small chunks at a modest rate: a meeting lasts long enough to be interrupted anywhere.
    printf 'sync.chunk: 512\nsync.max_rate: 100K\nsync.progress: 10s\nsync.retry_first: 200ms\nsync.retry_cap: 1s\n' \
        >>"$work/$1/agent.yaml"
}
new_school gp
new_school ms
schools='gp ms'
guests= # schools that joined in one round and are left alone until the end
guests_made=0
model_new
start_hub

round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    do_something gp
    do_something ms
    if [ $((round % 10)) = 5 ]; then
        death=joining
    else
        draw 6
        death=$(echo 'importing syncing syncing gateway core both' | cut -d ' ' -f "$((random + 1))")
    fi
    case $death in
    joining) # its very first meeting, with the request to join in it
        new_school "n$round"
        schools="$schools n$round"
        do_import "n$round"
        die_syncing "n$round" 120
        ;;
    importing) die_importing gp ;;
    syncing) die_syncing gp 160 ;;
    *) die_serving "$death" ;;
    esac
    for school in $schools; do
        sync_until_done "$school"
    done
    same_cells "round $round ($death)"
    # shellcheck disable=SC2086
    same_submissions "round $round ($death)" "$guests_made" $schools
    # shellcheck disable=SC2086
    verify_clean $schools
    if [ "$death" = joining ]; then
        schools='gp ms'
        guests="$guests n$round"
        guests_made=$((guests_made + $(history_count "n$round")))
    fi
    [ $((round % 50)) != 0 ] || say "kill: $round rounds, $caught of them in the middle of something"
done
stop_hub
# Once more with nobody running, from the files alone.
same_cells 'the end'
# shellcheck disable=SC2086
verify_clean $schools $guests
say "kill: $rounds rounds, $caught of them in the middle of something; nothing lost, nothing doubled"
