#!/bin/sh
# users.sh BUILD_DIR: gateway and core under users of their own, as the units start them (invariant 6).
#
# The gateway's user can read neither keys nor store, nor stand in for the core; a whole meeting with spooled batches
# works; keys may come as a service manager's credentials; nobody of the same user looks into a process with keys.  The
# units themselves are install.sh's.
set -eu
LC_ALL=C
export LC_ALL
unset LANGUAGE
name=users
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ $# -ge 1 ] || {
    echo 'usage: users.sh BUILD_DIR' >&2
    exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
pack=$here/../fault/pack
begin "$1"

[ "$(id -u)" = 0 ] || {
    warn "$name: SKIPPED in part: not root: no users can be changed to"
    exit 0
}
command -v setpriv >/dev/null || fail 'setpriv is missing (package util-linux)'

# ---- the users: numbers that no account has ----

core_user=64101
gateway_user=64102
stranger=64103
shared=64110
# In words, for processes in the background: there a function would be one more process.
core_words="setpriv --reuid=$core_user --regid=$core_user --groups=$shared --"
gateway_words="setpriv --reuid=$gateway_user --regid=$gateway_user --groups=$shared --"
as_core() { $core_words "$@"; }
as_gateway() { $gateway_words "$@"; }
as_stranger() { setpriv --reuid=$stranger --regid=$stranger --clear-groups -- "$@"; }

# What tmpfiles.d makes on a real machine.
chmod 711 "$work"
mkdir "$work/bin" "$work/exchange" "$work/exchange/spool" "$work/made"
chown "$core_user:$shared" "$work/exchange"
chmod 2750 "$work/exchange"
chown "$gateway_user:$shared" "$work/exchange/spool"
chmod 2770 "$work/exchange/spool"
chown "$core_user:$core_user" "$work/made"
chmod 711 "$work/made"
# Nobody may be able to reach the build folder.
cp "$hub_program" "$build/hub/svodka-hub-gateway" "$work/bin/"
cp -R "$pack" "$work/pack"
chmod -R a+rX "$work/bin" "$work/pack"
hub_program=$work/bin/svodka-hub
hub_home=$work/made/home
credentials= # a folder, once the keys are there
hub() { as_core env ${credentials:+"CREDENTIALS_DIRECTORY=$credentials"} "$hub_program" "$@" --home "$hub_home"; }

free_port
as_core "$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" </dev/null >"$work/init.txt"
printf 'gateway.user: "%s"\ngateway.folder: %s\ngateway.chunk: 1K\n' "$gateway_user" "$work/exchange" >"$work/more.yaml"
as_core sh -c "cat >>'$hub_home/hub.yaml'" <"$work/more.yaml"
hub programme load "$work/pack" >"$work/load.txt"
for school in a b; do
    as_core "$hub_program" school add "$school" --name "Школа $school" --invite "$work/made/$school.invite" \
        --home "$hub_home" >"$work/add.txt"
    "$agent_program" join "$work/made/$school.invite" --home "$work/$school" >"$work/join.txt"
done

start_core() { # [NAME=VALUE]
    $core_words env ${1+"$1"} "$hub_program" core --home "$hub_home" >>"$work/hub.log" 2>&1 &
    core_pid=$!
    remember "$core_pid"
}
start_gateway() {
    $gateway_words "$work/bin/svodka-hub-gateway" --exchange "$work/exchange" >>"$work/hub.log" 2>&1 &
    gateway_pid=$!
    remember "$gateway_pid"
}
start_both() {
    start_core "$@"
    wait_until 20 test -S "$work/exchange/core.sock" || fail 'the core does not start within 20 seconds'
    start_gateway
    wait_until 20 port_listens "$port" || fail 'the gateway does not listen within 20 seconds'
}
end_both() {
    end_process "$gateway_pid"
    [ "$end_code" = 0 ] || fail "the gateway ended with $end_code"
    end_process "$core_pid"
    [ "$end_code" = 0 ] || fail "the core ended with $end_code"
    rm -f "$work/exchange/core.sock"
}

start_both

# ---- what the gateway's user gets to see ----

kinds='root.key sign.key storage.key curve.key'
for key in $kinds; do
    as_core test -r "$hub_home/keys/$key" || fail "its own user cannot read $key: the test below says nothing"
done
find "$hub_home" -type f >"$work/files.txt"
[ "$(wc -l <"$work/files.txt")" -ge 7 ] || fail 'the home has hardly any files?'
while read -r file; do
    ! as_gateway cat "$file" >/dev/null 2>&1 || fail "the gateway's user reads $file"
    # ... even if the home's folder were open: each file and folder defends itself.
done <"$work/files.txt"
chmod 755 "$hub_home"
while read -r file; do
    ! as_gateway cat "$file" >/dev/null 2>&1 || fail "only the home's own mode keeps the gateway's user from $file"
done <"$work/files.txt"
chmod 700 "$hub_home"
! as_gateway ls "$hub_home/keys" >/dev/null 2>&1 || fail "the gateway's user lists the keys"
! as_gateway "$hub_program" status --home "$hub_home" >/dev/null 2>&1 || fail "the gateway's user gives commands"
for fd in /proc/"$gateway_pid"/fd/*; do
    case $(readlink "$fd" || true) in
    "$hub_home"*) fail "the gateway has $(readlink "$fd") open" ;;
    esac
done
! as_gateway rm -f "$work/exchange/core.sock" 2>/dev/null || fail "the gateway's user can take the core's place"
! as_gateway touch "$work/exchange/x" 2>/dev/null || fail "the gateway's user writes beside the spool"
! as_stranger ls "$work/exchange" >/dev/null 2>&1 || fail 'a stranger sees what core and gateway share'

# Somebody of the group who is not the gateway's user.
setpriv --reuid=$stranger --regid=$stranger --groups=$shared -- \
    "$work/bin/svodka-hub-gateway" --exchange "$work/exchange" >"$work/stranger.txt" 2>&1 &
stranger_pid=$!
remember "$stranger_pid"
wait_until 20 grep -q 'another user wanted to be the gateway; refused' "$work/hub.log" ||
    fail 'the core does not refuse a gateway of another user'
end_process "$stranger_pid"

# ---- memory ----

$core_words sleep 60 &
control_of_core=$!
remember "$control_of_core"
wait_until 10 grep -q "^Uid:.$core_user" "/proc/$control_of_core/status" || fail 'the control does not start'
as_core cat "/proc/$control_of_core/maps" >/dev/null || fail 'a process cannot be looked into at all: the test says nothing'
for pid in $core_pid $gateway_pid; do
    grep -q '^Max core file size *0 *0 ' "/proc/$pid/limits" || fail "process $pid may write a core file"
    [ "$(stat -c %u "/proc/$pid/mem")" = 0 ] || fail "process $pid can be looked into by its own user"
done
! as_core cat "/proc/$core_pid/maps" >/dev/null 2>&1 || fail "the core's own user looks into the core"
! as_gateway cat "/proc/$gateway_pid/maps" >/dev/null 2>&1 || fail "the gateway's own user looks into the gateway"
end_process "$control_of_core"

# ---- a whole meeting ----

seed_random 20201
model_new
for school in a b; do
    make_rows "$work/$school.csv" 300 400 "$school"
    agent "$school" import marks --period 2020/21-Q1 --csv "$work/$school.csv" >"$work/import.txt" 2>&1 || {
        cat "$work/import.txt" >&2
        fail 'the import failed'
    }
    model_import "$school" 2020/21-Q1 "$work/$school.csv"
    sync_until_done "$school"
done
same_cells 'a meeting through two users'
[ "$(find "$work/exchange/spool" -type f | wc -l)" = 0 ] || fail 'the core does not empty the spool'
kill_hard "$gateway_pid"
start_gateway
wait_until 20 port_listens "$port" || fail 'the gateway does not come back'
make_rows "$work/more.csv" 100 400 more
agent a import marks --period 2020/21-Q2 --csv "$work/more.csv" >"$work/import.txt"
model_import a 2020/21-Q2 "$work/more.csv"
sync_until_done a
same_cells 'the gateway was killed'
end_both
verify_clean a b

# ---- keys as credentials ----

mkdir "$work/made/credentials" "$work/agent-credentials"
for key in "$hub_home"/keys/*.key; do
    case ${key##*/} in
    root.key) ;;
    *) mv "$key" "$work/made/credentials/svodka-${key##*/}" ;;
    esac
done
chown -R "$core_user:$core_user" "$work/made/credentials"
chmod 700 "$work/made/credentials"
hub status >"$work/said.txt" 2>&1 && fail 'a hub without its keys opens'
grep -q 'key file is missing' "$work/said.txt" || { cat "$work/said.txt" >&2; fail 'it does not say which key is missing'; }
as_core sh -c "echo 'keys.credentials: true' >>'$hub_home/hub.yaml'"
hub status >"$work/said.txt" 2>&1 && fail 'a hub opens without credentials'
start_both "CREDENTIALS_DIRECTORY=$work/made/credentials"
for key in sign curve home; do
    mv "$work/a/keys/$key.key" "$work/agent-credentials/svodka-$key.key"
    chmod 440 "$work/agent-credentials/svodka-$key.key"
done
echo 'keys.credentials: true' >>"$work/a/agent.yaml"
! agent a status >"$work/said.txt" 2>&1 || fail 'an agent without its keys opens'
make_rows "$work/last.csv" 50 400 last
CREDENTIALS_DIRECTORY=$work/agent-credentials
export CREDENTIALS_DIRECTORY
agent a import marks --period 2020/21-Q3 --csv "$work/last.csv" >"$work/import.txt"
sync_until_done a
unset CREDENTIALS_DIRECTORY
model_import a 2020/21-Q3 "$work/last.csv"
credentials=$work/made/credentials
same_cells 'keys came as credentials'
end_both
hub verify >"$work/verify.txt" 2>&1 || { cat "$work/verify.txt" >&2; fail 'verify is not clean with credentials'; }

# ---- the simple way stays: one user, `serve`, the folder still shared ----

chown -R "$core_user" "$work/exchange/spool"
$core_words env CREDENTIALS_DIRECTORY="$work/made/credentials" "$hub_program" serve --home "$hub_home" >>"$work/hub.log" 2>&1 &
hub_pid=$!
remember "$hub_pid"
wait_until 20 hub_is_up || fail 'serve does not start'
CREDENTIALS_DIRECTORY=$work/agent-credentials agent a sync >"$work/sync-said.txt" 2>&1 || {
    cat "$work/sync-said.txt" >&2
    fail 'no meeting under serve'
}
stop_hub
say "$name: gateway and core under two users: keys and store closed to the gateway, meetings whole"
