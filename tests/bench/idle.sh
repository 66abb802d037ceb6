#!/bin/sh
# idle.sh BUILD_DIR [SECONDS]: what an agent costs that has nothing to do (default: watched for 60 s).
#
# Prints key=value lines: asleep_ticks (of processor time, 100 a second), asleep_switches (how often it woke up),
# asleep_anon_kib, asleep_rss_kib; night_up, night_down (bytes of a meeting without news, its handshake included, without
# the headers of TCP/IP).  Exit code 1: more than there should be.
set -eu
name=idle
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: idle.sh BUILD_DIR [SECONDS]'
    exit 2
}
begin "$1"
seconds=${2:-60}
ticks_max=1
switches_max=$((seconds / 30 + 4))
anon_max=4096
bytes_max=2048

# ---- a night without news, through a relay that counts ----

free_port
relay_port=$port
hub_home=$work/hub
while free_port && [ "$port" = "$relay_port" ]; do :; done
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" </dev/null >"$work/init.txt"
printf 'announce:\n  - "tcp://127.0.0.1:%s"\n' "$relay_port" >>"$hub_home/hub.yaml"
hub programme load "$here/pack" >"$work/load.txt"
make_school school
start_hub
meet() {
    "$build/tests/bench/bench_run" --relay "$relay_port" "$port" -- "$agent_program" sync --home "$work/school" \
        >"$work/out" 2>"$work/sync.txt" || fail "the meeting through the relay failed: $(cat "$work/sync.txt")"
}
meet # it joins
meet # what came of joining
meet
up=$(sed -n 's/^relay_up=//p' "$work/out")
down=$(sed -n 's/^relay_down=//p' "$work/out")
stop_hub

# ---- asleep ----

from=$(date -d '+3 hours' +%H:00)
to=$(date -d '+4 hours' +%H:00)
sed -i "s/^sync.window:.*/sync.window: \"$from-$to\"/" "$work/school/agent.yaml"
"$agent_program" run --home "$work/school" >"$work/run.txt" 2>&1 &
remember $!
runner=$!
wait_until 10 test -S "$work/school/run.sock"
sleep 2

read_agent() { # sets ticks, switches, anon, rss
    ticks=$(sed 's/^.*) //' "/proc/$runner/stat" | awk '{print $12 + $13}')
    switches=$(awk '/^voluntary_ctxt_switches/ {print $2}' "/proc/$runner/status")
    anon=$(awk '/^RssAnon/ {print $2}' "/proc/$runner/status")
    rss=$(awk '/^VmRSS/ {print $2}' "/proc/$runner/status")
}

read_agent
ticks_before=$ticks
switches_before=$switches
sleep "$seconds"
is_alive "$runner" || fail "svodka-agent run has ended: $(cat "$work/run.txt")"
read_agent
end_process "$runner"
forget "$runner"
ticks=$((ticks - ticks_before))
switches=$((switches - switches_before))
cat <<TXT
asleep_seconds=$seconds
asleep_ticks=$ticks
asleep_switches=$switches
asleep_anon_kib=$anon
asleep_rss_kib=$rss
night_up=$up
night_down=$down
TXT
[ "$ticks" -le "$ticks_max" ] || fail "an agent asleep used $ticks ticks in $seconds s; at most $ticks_max are expected"
[ "$switches" -le "$switches_max" ] || fail "an agent asleep woke up $switches times in $seconds s; at most $switches_max are expected"
[ "$anon" -le "$anon_max" ] || fail "an agent asleep holds $anon KiB; at most $anon_max are expected"
[ "$((up + down))" -le "$bytes_max" ] ||
    fail "a night without news costs $((up + down)) bytes; at most $bytes_max are expected"
