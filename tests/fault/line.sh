#!/bin/sh
# line.sh BUILD_DIR: a bad line that breaks in the middle (invariants 2 and 3).
#
# Over a line of 64 kbit/s that loses 5 % a school sends a few hundred submissions; in the middle the line dies, and when
# it is back the provider gives the school another address, so that the connection is gone.  The next meeting goes on at
# the offset, and every submission is at the hub once.  Skipped, loudly, where there are no namespaces or TUN devices.
# SVODKA_TEST_SEED chooses what is lost.  (tests/bench/lines.sh: other lines, and how fast.)
set -eu
name=line
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"
# shellcheck source=tests/bench/line_lib.sh
. "$here/../bench/line_lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: line.sh BUILD_DIR'
    exit 2
}
begin "$1"
refusal=$(line_refusal)
[ -z "$refusal" ] || {
    say "line: SKIPPED, LOUDLY: $refusal"
    exit 77
}
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "line: SVODKA_TEST_SEED=$seed"

make_spaces
hub_home=$work/hub
"$hub_program" init --home "$hub_home" --name 'Район' --listen 'tcp://*:4780' --announce "tcp://$far_address:4780" \
    >"$work/init.txt"
hub programme load "$here/pack" >"$work/load.txt"
make_school gp
echo 'sync.chunk: 2K' >>"$work/gp/agent.yaml"
start_far_hub
start_line plain
at_near "$agent_program" sync --home "$work/gp" >"$work/sync.txt" 2>&1 || fail "the school cannot join: $(cat "$work/sync.txt")"
stop_line
make_rows "$work/rows.csv" 300 400
agent gp import marks --period 2020/21-Q1 --csv "$work/rows.csv" >"$work/import.txt"

start_line edge "seed=$seed" cut=5000 dead=300 nat=rebind
if at_near "$agent_program" sync --home "$work/gp" >"$work/sync.txt" 2>&1; then
    fail "the line broke, and the meeting went well: $(cat "$work/sync.txt" "$work/line.txt")"
fi
[ "$(hub_figure submissions)" = 0 ] || fail 'half a batch was counted'
at_near "$agent_program" sync --home "$work/gp" >"$work/again.txt" 2>&1 || {
    cat "$work/sync.txt" "$work/again.txt" >&2
    fail 'the second meeting, over the line that is back, did not go well'
}
stop_line
grep -q 'resumed .* at offset' "$work/again.txt" || {
    cat "$work/sync.txt" "$work/again.txt" "$work/line.txt" >&2
    fail 'the batch was not resumed at its offset'
}
[ "$(line_figure lives)" = 2 ] || fail "the line lived $(line_figure lives) times"
same_submissions 'a line that broke' 0 gp
verify_clean gp
stop_hub
say "line: ok ($(line_figure lost) packets lost)"
