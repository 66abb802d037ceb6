#!/bin/sh
# readme.sh BUILD_DIR: the README's five minutes, as they stand there, timed: who follows them gets through.  Only what
# cannot be the same here is replaced: the build, the folder, the two ports, and the line that asks on a terminal.
set -eu
name=readme
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
LC_ALL=C
export LC_ALL
unset LANGUAGE
begin "$1"
cd "$root"
free_port
first=$port
free_port
while [ "$port" = "$first" ]; do free_port; done
echo 'trap "jobs -p | xargs -r kill 2>/dev/null || true" EXIT' >"$work/steps.sh" # nothing stays behind when a step fails
awk '/^## Five minutes/ {here = 1} here && /^```$/ {exit} inside {print} here && /^```sh$/ {inside = 1}' README.md |
    sed -e '/^\.\/run build/d' -e '/^export PATH/d' -e "s|/tmp/|$work/|g" -e "s/:5555/:$first/g; s/:5556/:$port/g" \
        -e 's/\(svodka-agent submit .*\) # asks on the terminal/echo "{}" | \1 --json - || true/' \
        >>"$work/steps.sh"
for command in init 'school add' 'join' 'sync' 'school accept' 'school show' '--grant' '--offline' '--sheet'; do
    grep -q -e "$command" "$work/steps.sh" || fail "the README's five minutes have no \"$command\" any more"
done
from=$(now_ms)
PATH=$build/hub:$build/agent:$PATH bash -eu "$work/steps.sh" >"$work/said.txt" 2>"$work/err.txt" || {
    tail -n 20 "$work/said.txt" "$work/err.txt" >&2
    fail 'the README does not get through'
}
[ "$(grep -c 'This computer has joined the district.' "$work/said.txt")" = 3 ] || {
    cat "$work/said.txt" "$work/err.txt" >&2
    fail 'three schools were to join'
}
grep -q 'Six words' "$work/said.txt" || fail 'the office is shown no words'
say "$name: the five minutes took $(($(now_ms) - from)) ms"
