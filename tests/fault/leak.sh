#!/bin/sh
# leak.sh BUILD_DIR: nothing of what schools answer, and no private key, lies or travels anywhere in clear (invariant 6).
#
# Marked answers go every way: submit, import, a draft, refused rows, a batch cut off in the middle of the spool, a whole
# sync.  Then queue, ledger, spool, logs, a core file and the memory of the gateway, and a capture of the loopback are
# searched for the marks (UTF-8, UTF-16, Windows-1251, JSON escapes) and for every private key (raw and hex).
#
# Where a mark or key may be: the files of keys/; the gateway's memory, and its core file made by a debugger: curve.key
# alone; what a person made or asked for by name: the imported table, the file of --accept-valid (0600).
set -eu
LC_ALL=C.UTF-8
export LC_ALL
unset LANGUAGE
name=leak
on_disk=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"
[ $# -ge 1 ] || {
    echo 'usage: leak.sh BUILD_DIR' >&2
    exit 2
}
begin "$1"
[ "$(id -u)" = 0 ] || {
    warn "$name: SKIPPED: not root: neither memory nor the loopback can be looked at"
    exit 77
}
for tool in python3 tcpdump gcore; do
    command -v "$tool" >/dev/null || fail "$tool is missing (packages python3, tcpdump, gdb)"
done

# ---- marks ----

tag=$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
mark() { # NAME: a text of Cyrillic and Latin that stands nowhere else, of at most 20 letters
    printf 'Жук%s%s' "$1" "$tag"
}
: >"$work/marks.txt"
for way in Submit Import Refused Draft Wrong Spool Pupil; do
    python3 - "$way" "$(mark "$way")" >>"$work/marks.txt" <<'PY'
import json, sys
name, text = sys.argv[1:]
for coding in ("utf-8", "utf-16-le", "utf-16-be", "cp1251"):
    print(f"mark-{name}-{coding}\t{text.encode(coding).hex()}")
print(f"mark-{name}-json\t{json.dumps(text)[1:-1].encode().hex()}")
PY
done

search() { # ARGUMENTS of leak_search.py after the secrets: into found.txt
    python3 "$here/leak_search.py" "$work/secrets.txt" "$@" >"$work/found.txt" || fail "the search of $* did not run"
}
finds_nothing() { # WHAT ARGUMENTS...
    finds_what=$1
    shift
    search "$@"
    [ ! -s "$work/found.txt" ] || {
        cat "$work/found.txt" >&2
        fail "$finds_what: something is in clear that must not be"
    }
}

# ---- the hub and the schools ----

hub_home=$work/hub
free_port
make_hub "$here/pack"
printf 'gateway.chunk: 1K\n' >>"$hub_home/hub.yaml"
make_school a
make_school b
# Every private key: its first 32 bytes (a signing key's other half is public), raw and as it is written.
cp "$work/marks.txt" "$work/secrets.txt"
for key in "$hub_home"/keys/*.key "$work"/[ab]/keys/*.key; do
    digits=$(sed -n 's/^secret: \(.\{64\}\).*/\1/p' "$key")
    [ ${#digits} = 64 ] || fail "$key: no secret in it"
    id=$(basename "$(dirname "$(dirname "$key")")")-$(basename "$key")
    printf 'key-%s\t%s\n' "$id" "$digits" >>"$work/secrets.txt"
    printf 'key-%s-hex\t%s\n' "$id" "$(printf %s "$digits" | od -An -v -tx1 | tr -d ' \n')" >>"$work/secrets.txt"
done
[ "$(grep -c '^key-.*-hex' "$work/secrets.txt")" -ge 11 ] || fail 'hardly any keys?'

start_parts() {
    "$hub_program" core --verbose --home "$hub_home" >>"$work/hub.log" 2>&1 &
    core_pid=$!
    remember "$core_pid"
    start_gateway
}
start_gateway() {
    (cd "$work/cores" && ulimit -c unlimited && exec "$build/hub/svodka-hub-gateway" --verbose --home "$hub_home") \
        >>"$work/hub.log" 2>&1 &
    gateway_pid=$!
    remember "$gateway_pid"
    wait_until 20 hub_is_up || fail 'the hub does not start within 20 seconds'
}
mkdir "$work/cores"
tcpdump -i lo -U -s 0 -w "$work/lo.pcap" "tcp port $port" >"$work/tcpdump.txt" 2>&1 &
capture_pid=$!
remember "$capture_pid"
wait_until 20 grep -q 'listening on lo' "$work/tcpdump.txt" || fail 'tcpdump does not listen'
start_parts

# ---- answers, every way ----

printf '{"pupil":"p1","sex":"F","grade":12,"absences":3,"note":"%s"}' "$(mark Submit)" >"$work/one.json"
agent a submit marks --period 2020/21-Q1 --json "$work/one.json" >"$work/said.txt"
printf '{"pupil":"p2","sex":"F","grade":99,"note":"%s"}' "$(mark Wrong)" >"$work/wrong.json"
agent a submit marks --period 2020/21-Q1 --json "$work/wrong.json" >>"$work/said.txt" 2>&1 && fail 'a wrong answer was taken'
SVODKA_HOME=$work/a "$python" "$here/leak_draft.py" "$(mark Draft)" "$agent_program" submit marks --period 2020/21-Q2
agent a status --format csv >"$work/said.txt"
{
    echo 'pupil;sex;grade;absences;note'
    printf '%s;F;12;1;%s\n' "$(mark Pupil)" "$(mark Import)"
    printf 'wrong;F;77;1;%s\n' "$(mark Refused)"
} >"$work/b.csv"
agent b import marks --period 2020/21-Q1 --csv "$work/b.csv" --accept-valid "$work/refused.csv" >"$work/said.txt" 2>&1
seed_random 7
make_rows "$work/long.csv" 400 500 long
awk -v mark="$(mark Spool)" -F ';' 'NR == 1 {print; next} {print $1 ";" $2 ";" $3 ";" $4 ";" mark " " substr($5, 1, 60)}' \
    "$work/long.csv" >"$work/long-marked.csv"
agent b import marks --period 2020/21-Q2 --csv "$work/long-marked.csv" >"$work/said.txt"
printf 'sync.max_rate: 4K\nsync.chunk: 1K\n' >>"$work/b/agent.yaml"

# ---- a line that breaks: the beginning of a batch stays in the spool ----

"$agent_program" sync --verbose --home "$work/b" >"$work/agent-b.log" 2>&1 &
sync_pid=$!
remember "$sync_pid"
has_spooled() { find "$hub_home/spool" -type f -size +1 | grep -q .; }
wait_until 60 has_spooled || fail 'nothing came into the spool'
kill -STOP "$gateway_pid" # the looks take longer than the meeting
cp -R "$hub_home/spool" "$work/spool-then"
gcore -o "$work/core-gateway" "$gateway_pid" >"$work/gcore.txt" 2>&1 || { cat "$work/gcore.txt" >&2; fail 'gcore failed'; }
python3 "$here/leak_search.py" "$work/secrets.txt" --memory "$gateway_pid" >"$work/memory.txt" || fail 'no look into the gateway'
kill -ABRT "$gateway_pid"
kill -CONT "$gateway_pid"
wait "$gateway_pid" 2>/dev/null || true
forget "$gateway_pid"
[ -z "$(ls "$work/cores")" ] || fail 'the gateway wrote a core file although more than one was allowed'
end_process "$sync_pid"
start_gateway
sed -i 's/^sync.max_rate: .*/sync.max_rate: 0/' "$work/b/agent.yaml"
for school in a b; do
    tries=0
    until "$agent_program" sync --verbose --home "$work/$school" >>"$work/agent-$school.log" 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || fail "$school: no meeting went well in 60 tries"
        sleep 0.25
    done
done
for view in 'status' 'indicators' 'quarantine list' 'explain quality --period 2020/21-Q1' \
    'export submissions --form marks --period 2020/21-Q1 --unsafe-raw'; do
    # shellcheck disable=SC2086
    hub $view >"$work/view.txt" 2>&1 || { cat "$work/view.txt" >&2; fail "$view failed"; }
done
grep -qF "$(mark Submit)" "$work/view.txt" || fail 'the answers did not arrive: the search below would say nothing'
rm "$work/view.txt"
hub audit --format json >"$work/audit.json"
hub audit export "$work/audit.file" >"$work/said2.txt"
hub verify >>"$work/hub.log" 2>&1 || fail 'verify is not clean'
python3 "$here/leak_search.py" "$work/secrets.txt" --memory "$gateway_pid" >>"$work/memory.txt" || fail 'no look into the gateway'
end_process "$gateway_pid"
end_process "$core_pid"
end_process "$capture_pid"

# ---- the search can fail ----

printf 'a line\nintake: %s\n' "$(mark Submit)" >"$work/control.log"
search "$work/control.log"
grep -q 'mark-Submit-utf-8' "$work/found.txt" || fail 'the search does not find a mark in a log'
search "$work/refused.csv"
grep -q 'mark-Refused-utf-8' "$work/found.txt" || fail 'the search does not find what --accept-valid wrote'
[ "$(stat -c %a "$work/refused.csv")" = 600 ] || fail 'others may read the refused rows'
search "$hub_home/keys"
[ "$(cut -f 1 "$work/found.txt" | sort -u | grep -c 'key-hub')" -ge 5 ] || fail 'the search does not find keys in key files'
env MARK="$(mark Import)" sleep 60 &
control=$!
remember "$control"
wait_until 10 grep -q '^Name:.sleep' "/proc/$control/status"
search --memory "$control"
grep -q 'mark-Import-utf-8' "$work/found.txt" || fail 'the search does not find a mark in memory'
end_process "$control"
grep -aq 'CURVE' "$work/lo.pcap" || fail 'the capture holds no handshake'
[ "$(stat -c %s "$work/lo.pcap")" -gt 20000 ] || fail 'the capture holds hardly anything'
[ -n "$(find "$work/spool-then" -type f)" ] || fail 'the spool was empty when it was looked at'

# ---- the search ----

finds_nothing 'queues of the schools' "$work"/[ab]/store "$work"/[ab]/*.yaml
finds_nothing 'the ledger' "$hub_home/store" "$hub_home/spool" "$hub_home/run" "$hub_home/hub.yaml" "$hub_home/home.lock"
finds_nothing 'the spool of a broken line' "$work/spool-then"
finds_nothing 'logs' "$work/hub.log" "$work"/agent-*.log
finds_nothing 'the audit' "$work/audit.json" "$work/audit.file"
finds_nothing 'the capture of the loopback' "$work/lo.pcap"
# Anything else that lies in the homes, but key files.
find "$hub_home" "$work/a" "$work/b" -type f ! -path '*/keys/*.key' >"$work/rest.txt"
set --
while read -r file; do
    set -- "$@" "$file"
done <"$work/rest.txt"
finds_nothing 'what else lies in the homes' "$@"
# The gateway holds the transport's key, and no other.
search "$work"/core-gateway.*
grep -q '^key-hub-curve.key	' "$work/found.txt" || fail "the gateway's core file does not even hold its own key: was it read?"
for finds in found memory; do
    grep -v '^key-hub-curve.key	' "$work/$finds.txt" >"$work/other.txt" || true
    [ ! -s "$work/other.txt" ] || {
        cat "$work/other.txt" >&2
        fail "the gateway's memory holds what it must not"
    }
done
say "$name: $(wc -l <"$work/secrets.txt") patterns, none where it must not be"
