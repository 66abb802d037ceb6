#!/bin/sh
# install.sh BUILD_DIR: `cmake --install` puts everything in its place, wherever that is; what is installed works without
# the folder that it was built from; the installed units are right, and as closed as was promised (docs/night.md).
set -eu
name=install
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ $# -ge 1 ] || {
    echo 'usage: install.sh BUILD_DIR' >&2
    exit 2
}
begin "$1"
unset SVODKA_LOCALEDIR SVODKA_LIBEXEC
put=$work/put

install_all() { # PREFIX
    cmake --install "$build" --prefix "$1" >"$work/install.txt" 2>&1 || {
        cat "$work/install.txt" >&2
        fail "cmake --install --prefix $1 failed"
    }
}
install_all "$put"

# ---- everything is in its place ----

for file in bin/svodka-hub bin/svodka-agent libexec/svodka/svodka-hub-gateway share/locale/ru/LC_MESSAGES/svodka.mo \
    share/man/man1/svodka-hub.1 share/man/man1/svodka-agent.1 lib/systemd/system/svodka-hub-core.service \
    lib/systemd/system/svodka-hub-gateway.service lib/systemd/system/svodka-hub-night.service \
    lib/systemd/system/svodka-hub-night.timer lib/systemd/system/svodka-agent.service \
    lib/systemd/system/svodka-agent-sync.service lib/systemd/system/svodka-agent-sync.timer \
    lib/sysusers.d/svodka-hub.conf lib/sysusers.d/svodka-agent.conf lib/tmpfiles.d/svodka-hub.conf \
    share/svodka/forms/marks.yaml share/svodka/variables.yaml share/svodka/periods.yaml \
    share/svodka/programmes/klin/programme.yaml share/doc/svodka/README.md share/doc/svodka/LICENSE \
    share/doc/svodka/CHANGELOG.md share/doc/svodka/docs/night.md share/doc/svodka/docs/ru/shkole.md \
    share/doc/svodka/protocol/SPEC.md share/doc/svodka/examples/hub.yaml share/doc/svodka/examples/agent.yaml; do
    [ -s "$put/$file" ] || fail "$file is not installed"
done
! grep -rl "$build" "$put/lib" "$put/share" >&2 || fail 'an installed file names the folder it was built in'
! grep -n '@[a-z]*@' "$put"/lib/systemd/system/* >&2 || fail 'a unit was not filled in'
grep -q "^ExecStart=$put/bin/svodka-hub core " "$put/lib/systemd/system/svodka-hub-core.service" ||
    fail 'a unit does not start the installed program'

# A package is put together in a folder that is not where it will be.
DESTDIR=$work/stage
export DESTDIR
install_all /usr
unset DESTDIR
[ -x "$work/stage/usr/bin/svodka-hub" ] || fail 'DESTDIR is not heeded'
grep -q '^ExecStart=/usr/libexec/svodka/svodka-hub-gateway ' "$work/stage/usr/lib/systemd/system/svodka-hub-gateway.service" ||
    fail 'a unit put together under DESTDIR does not start /usr/libexec/svodka/svodka-hub-gateway'
rm -rf "$work/stage"

# ---- the units ----

if command -v systemd-analyze >/dev/null; then
    units=$put/lib/systemd/system
    # Other units may complain about the machine of the test; ours may not.
    MANPATH=$put/share/man systemd-analyze verify --no-pager "$units"/svodka-* >"$work/verify.txt" 2>&1 || true
    # Where there is no man, it cannot find the manual pages.
    command -v man >/dev/null || sed -i "/^[^ ]*: Command 'man /d" "$work/verify.txt"
    if grep -F svodka "$work/verify.txt" >&2; then
        fail 'systemd finds something wrong in the units'
    fi
    printf '[Service]\nExecStart=/bin/true\nUser=nobody\n' >"$work/open.service"
    for unit in svodka-hub-core:10 svodka-hub-gateway:20 svodka-hub-night:20 svodka-agent:20 svodka-agent-sync:20; do
        systemd-analyze security --no-pager --offline=true --threshold="${unit#*:}" "$units/${unit%:*}.service" \
            >"$work/security.txt" 2>&1 || {
            grep -v '✓' "$work/security.txt" >&2
            fail "${unit%:*} is more open than ${unit#*:} of 100"
        }
    done
    ! systemd-analyze security --no-pager --offline=true --threshold=20 "$work/open.service" >/dev/null 2>&1 ||
        fail 'systemd-analyze finds a unit without any protection closed enough: the check above says nothing'
    printf '[Service]\nExecStart=/nowhere/svodka\nSvodka=1\n' >"$work/wrong.service"
    systemd-analyze verify --no-pager "$work/wrong.service" >"$work/verify.txt" 2>&1 || true
    grep -qF svodka "$work/verify.txt" || fail 'systemd-analyze finds nothing wrong in a wrong unit: the check above says nothing'
    for want in Type=notify WatchdogSec= Restart=always MemoryMax= LimitNOFILE= StartLimitIntervalSec=0; do
        for unit in svodka-hub-core svodka-hub-gateway svodka-agent; do
            grep -q "^$want" "$units/$unit.service" || fail "$unit.service has no $want"
        done
    done
    for unit in svodka-agent.service:svodka-agent-sync.timer svodka-agent-sync.timer:svodka-agent.service; do
        grep -q "^Conflicts=${unit#*:}\$" "$units/${unit%:*}" || fail "${unit%:*} does not exclude ${unit#*:}"
    done
else
    warn "$name: SKIPPED in part, LOUDLY: no systemd-analyze (package systemd): the units are not checked"
fi

# ---- a school, with the installed programs and nothing else ----

bare() { env -i HOME="$work" PATH="$put/bin:/usr/bin:/bin" LANG=ru_RU.UTF-8 "$@"; }
hub_home=$work/hub
free_port
cd "$work"
bare svodka-hub init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" >"$work/init.txt"
grep -q 'готов' "$work/init.txt" || fail 'the installed catalogue is not found'
bare svodka-hub programme load "$put/share/svodka/programmes/zhigalovo" --home "$hub_home" >"$work/load.txt" 2>&1 || {
    cat "$work/load.txt" >&2
    fail 'an installed programme cannot be loaded'
}
bare svodka-hub school add one --name 'Школа' --invite "$work/one.invite" --home "$hub_home" >"$work/add.txt"
bare svodka-agent join "$work/one.invite" --home "$work/one" >"$work/join.txt"
echo '{"agreement": "7-2020", "partner": "college", "role": "equal", "start_date": "2020-09-01", "plan_items": 3, "plan_done": 1, "student_tutors": 0}' >"$work/net.json"
bare svodka-agent submit net --period 2020/21 --json "$work/net.json" --home "$work/one" >"$work/submit.txt" 2>&1 || {
    cat "$work/submit.txt" >&2
    fail 'the installed agent takes no submission'
}
env -i HOME="$work" PATH="$put/bin:/usr/bin:/bin" LANG=ru_RU.UTF-8 svodka-hub serve --home "$hub_home" >>"$work/hub.log" 2>&1 &
hub_pid=$!
remember "$hub_pid"
wait_until 20 hub_is_up || fail 'the installed hub does not start within 20 seconds'
find_hub_parts
[ "$(readlink "/proc/$gateway_pid/exe")" = "$put/libexec/svodka/svodka-hub-gateway" ] ||
    fail "another gateway than the installed one runs: $(readlink "/proc/$gateway_pid/exe")"
bare svodka-agent sync --home "$work/one" >"$work/sync.txt" 2>&1 || {
    cat "$work/sync.txt" >&2
    fail 'no meeting'
}
bare svodka-hub status --format csv --home "$hub_home" | grep -q '^submissions,[^,]*,1$' || fail 'the submission is not there'
stop_hub
bare svodka-hub verify --home "$hub_home" >"$work/verify.txt" 2>&1 || fail 'verify is not clean'
say "$name: everything is in its place, the units are right, and a school reported with the installed programs"
