#!/bin/sh
# systemd.sh BUILD_DIR: the installed units under a real systemd, with all their protections: it is started in a
# container (systemd-nspawn) over this machine's own files, of which it changes nothing.  Done there word for word:
# docs/install.md.  Then: a submission arrives, what was killed and what is stuck is started again, each program sees
# what it should and nothing else, the timers' services work, and the two ways of a school exclude each other.
set -eu
name=systemd
here=$(cd "$(dirname "$0")" && pwd) # in the container: /stage
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

# ---- in the container ----

inside_fail() {
    {
        systemctl --no-pager --lines=0 status 'svodka-*' 2>&1 | head -n 60
        journalctl --no-pager -q -u 'svodka-*' 2>&1 | tail -n 60
    } >/stage/told
    echo "$*" >/stage/failed
    exit 1
}

main_pid() { systemctl show -P MainPID "$1"; }
is_another() { # UNIT PID
    systemctl -q is-active "$1" && [ "$(main_pid "$1")" != "$2" ] && [ "$(main_pid "$1")" != 0 ]
}
as_hub() { runuser -u svodka-hub -- svodka-hub "$@" --home /var/lib/svodka-hub; }
as_school() { runuser -u svodka-agent -- svodka-agent "$@" --home /var/lib/svodka-agent; }

rows=0
row_arrives() { # WHEN
    rows=$((rows + 1))
    printf 'pupil;sex;grade;absences;note\np%s;F;12;0;\n' "$rows" >/tmp/row.csv
    as_school import marks --period 2020/21-Q1 --csv /tmp/row.csv >/tmp/said 2>&1 || inside_fail "no import $1: $(cat /tmp/said)"
    as_school sync >/tmp/said 2>&1 || inside_fail "no meeting $1: $(cat /tmp/said)"
    as_hub status --format csv | grep -q "^submissions,[^,]*,$rows\$" || inside_fail "what was sent $1 is not at the hub"
}

sees() { # UNIT PATH: the unit's process can look at it
    nsenter -t "$(main_pid "$1")" -m -- setpriv --reuid="$(systemctl show -P User "$1")" \
        --regid="$(systemctl show -P Group "$1")" --clear-groups ls "$2" >/dev/null 2>&1
}
hears_schools() { # UNIT: port 4780 is there in its network
    cat "/proc/$(main_pid "$1")/net/tcp" "/proc/$(main_pid "$1")/net/tcp6" 2>/dev/null | grep -q ":12AC .* 0A "
}

install_as_told() {
    cp -a /stage/put/. /
    systemctl daemon-reload
    systemd-sysusers && systemd-tmpfiles --create
    svodka-hub init --home /var/lib/svodka-hub --name 'Район' --listen tcp://127.0.0.1:4780 >/tmp/said 2>&1 || inside_fail "no hub: $(cat /tmp/said)"
    printf 'gateway.user: svodka-gateway\ngateway.folder: /var/lib/svodka-exchange\n' >>/var/lib/svodka-hub/hub.yaml
    chown -R svodka-hub: /var/lib/svodka-hub
    as_hub programme load /stage/pack >/tmp/said 2>&1 || inside_fail "no programme: $(cat /tmp/said)"
    systemctl -q enable --now svodka-hub-core svodka-hub-gateway svodka-hub-night.timer || inside_fail 'the hub does not start'
    as_hub school add gp --name 'Школа' --invite /var/lib/svodka-hub/gp.inv >/tmp/said 2>&1 || inside_fail "no invitation: $(cat /tmp/said)"
    svodka-agent join /var/lib/svodka-hub/gp.inv --home /var/lib/svodka-agent >/tmp/said 2>&1 || inside_fail "no school: $(cat /tmp/said)"
    chown -R svodka-agent: /var/lib/svodka-agent
    systemctl -q enable --now svodka-agent || inside_fail 'the agent does not start'
}

inside() {
    : >/stage/begun
    export LANG=C.UTF-8
    install_as_told
    for unit in svodka-hub-core svodka-hub-gateway svodka-agent svodka-hub-night.timer; do
        systemctl -q is-active "$unit" || inside_fail "$unit is not active after it was enabled"
    done
    row_arrives 'first'

    # Each under its own user, and blind for the others' homes.
    sees svodka-hub-core /var/lib/svodka-hub || inside_fail 'the core does not see its home'
    ! sees svodka-hub-gateway /var/lib/svodka-hub/keys || inside_fail 'the gateway sees the keys of the hub'
    ! sees svodka-agent /var/lib/svodka-hub || inside_fail 'the agent sees the home of the hub'
    sees svodka-agent /var/lib/svodka-agent || inside_fail 'the agent does not see its home'
    for unit in svodka-hub-core svodka-hub-gateway; do # an agent that waits holds none
        grep -q '^VmLck:[^0]*[1-9]' "/proc/$(main_pid "$unit")/status" || inside_fail "the keys of $unit are not locked in memory"
    done
    ! journalctl -q -u 'svodka-*' | grep -q 'memory be locked' || inside_fail 'LimitMEMLOCK= is too small'
    hears_schools svodka-hub-gateway || inside_fail 'the gateway does not listen'
    ! hears_schools svodka-hub-core || inside_fail 'the core is in the network'
    systemctl show -P StatusText svodka-hub-gateway | grep -q . || inside_fail 'the gateway does not say what it is at'

    # Killed, and stuck: started again, and nothing is missing.
    for unit in svodka-hub-core svodka-hub-gateway svodka-agent; do
        before=$(main_pid "$unit")
        kill -KILL "$before"
        wait_until 30 is_another "$unit" "$before" || inside_fail "$unit was killed and is not started again"
    done
    row_arrives 'after everything was killed'
    mkdir -p /run/systemd/system/svodka-hub-gateway.service.d
    printf '[Service]\nWatchdogSec=2s\nRestartSec=100ms\n' >/run/systemd/system/svodka-hub-gateway.service.d/quick.conf
    systemctl daemon-reload
    systemctl restart svodka-hub-gateway
    before=$(main_pid svodka-hub-gateway)
    kill -STOP "$before"
    wait_until 30 is_another svodka-hub-gateway "$before" || inside_fail 'a gateway that is stuck is not noticed'
    row_arrives 'after the gateway was stuck'

    # What the timers start.
    systemctl start svodka-hub-night || inside_fail 'svodka-hub-night fails'
    systemctl -q enable --now svodka-agent-sync.timer || inside_fail 'the timer does not start'
    ! systemctl -q is-active svodka-agent || inside_fail 'both ways of a school are active at once'
    rows=$((rows + 1))
    printf 'pupil;sex;grade;absences;note\np%s;F;12;0;\n' "$rows" >/tmp/row.csv
    as_school import marks --period 2020/21-Q1 --csv /tmp/row.csv >/tmp/said 2>&1
    systemctl start svodka-agent-sync || inside_fail 'svodka-agent-sync fails'
    as_hub status --format csv | grep -q "^submissions,[^,]*,$rows\$" || inside_fail 'what the timer sent is not at the hub'
    systemctl start svodka-agent
    ! systemctl -q is-active svodka-agent-sync.timer || inside_fail 'both ways of a school are active at once'

    systemctl stop svodka-agent svodka-hub-gateway svodka-hub-core
    for unit in svodka-hub-core svodka-hub-gateway svodka-agent; do
        [ "$(systemctl show -P Result "$unit")" = success ] || inside_fail "$unit does not end well"
    done
    as_hub verify >/tmp/said 2>&1 || inside_fail "verify: $(cat /tmp/said)"
    : >/stage/done
}

if [ "${1:-}" = --inside ]; then
    inside
    exit 0
fi

# ---- outside ----

[ $# -ge 1 ] || {
    warn 'usage: systemd.sh BUILD_DIR'
    exit 2
}
begin "$1"
skip() {
    say "systemd: SKIPPED, LOUDLY: $*"
    exit 77
}
[ "$(id -u)" = 0 ] || skip 'only root starts a container'
command -v systemd-nspawn >/dev/null || skip 'there is no systemd-nspawn (package systemd-container)'
[ -d /run/systemd ] || [ -x /lib/systemd/systemd ] || skip 'there is no systemd (package systemd)'

stage=$work/stage
mkdir -p "$stage/put" "$work/root"
DESTDIR=$stage/put cmake --install "$build" --prefix /usr >"$work/install.txt" 2>&1 || {
    cat "$work/install.txt" >&2
    fail 'cmake --install failed'
}
cp -R "$here/../fault/pack" "$stage/pack"
cp "$here/systemd.sh" "$here/lib.sh" "$stage"
chmod -R a+rX "$stage"
cat >"$stage/test.service" <<'TXT'
[Unit]
After=basic.target
Requires=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh /stage/systemd.sh --inside
StandardOutput=file:/stage/said
StandardError=file:/stage/said
ExecStopPost=/bin/systemctl --no-block exit
TXT

# A mount of its own for /, because a container over the root itself is refused; it goes with the namespace.
unshare --mount --propagation private timeout --kill-after=10 100 sh -c '
    mount --bind / "$1/root"
    exec systemd-nspawn --quiet --directory="$1/root" --volatile=overlay --boot --register=no --keep-unit --private-network \
        --machine="svodka-$$" --link-journal=no --console=pipe --system-call-filter=@memlock \
        --rlimit=RLIMIT_MEMLOCK=64M --bind="$1/stage:/stage" \
        --bind-ro="$1/stage/test.service:/etc/systemd/system/svodka-test.service" -- systemd.unit=svodka-test.service' \
    sh "$work" </dev/null >"$work/boot.txt" 2>&1 &
container=$!
remember "$container"
code=0
wait "$container" || code=$?
forget "$container"
if [ -s "$stage/failed" ]; then
    cat "$stage/told" >&2
    fail "$(cat "$stage/failed")"
fi
[ -e "$stage/begun" ] || {
    tail -n 30 "$work/boot.txt" >&2
    skip 'systemd does not start in a container here'
}
[ -e "$stage/done" ] || {
    cat "$stage/said" >&2
    fail "the container ended ($code) before all was tried"
}
say "$name: installed as docs/install.md says, under a real systemd: started, killed, stuck, by timers, and nothing is missing"
