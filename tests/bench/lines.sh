#!/bin/sh
# lines.sh BUILD_DIR [PROFILE ...]: 5,000 submissions over bad lines, each arriving once, beside a plain TCP program and
# rsync.
#
# A line (line_relay list names them) lies between two network namespaces: the agent in one, the hub in the other.  The
# plain TCP program sends as many bytes up as the agent's connections carried, on a fresh line of the same kind; so does
# rsync over ssh with the table that was imported, as it is and packed by gzip.  A program whose connection was lost is
# started again until it is done.  SVODKA_BENCH_SEED chooses what is lost; SVODKA_BENCH_CC the congestion controls
# (default: cubic, and bbr where the kernel has it); SVODKA_BENCH_BESIDE=no leaves rsync out;
# SVODKA_BENCH_ROWS: more rows or fewer; SVODKA_BENCH_PATIENCE: seconds that the others have (900).
# Asserted: everything arrives, once, within the profile's deadline, generously.
set -eu
name=lines
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"
# shellcheck source=tests/bench/line_lib.sh
. "$here/line_lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: lines.sh BUILD_DIR [PROFILE ...]'
    exit 2
}
begin "$1"
shift
[ $# -gt 0 ] || set -- dsl vsat gprs edge radio far short skew
relay=$build/tests/bench/line_relay
refusal=$(line_refusal)
[ -z "$refusal" ] || {
    say "lines: SKIPPED, LOUDLY: $refusal"
    exit 77
}
seed=${SVODKA_BENCH_SEED:-1}
rows=${SVODKA_BENCH_ROWS:-5000}
period=2020/21
patience=${SVODKA_BENCH_PATIENCE:-900} # seconds for the others
load_before=$(cut -d ' ' -f 1-3 /proc/loadavg)
controls=${SVODKA_BENCH_CC:-cubic}
if [ -z "${SVODKA_BENCH_CC:-}" ] && grep -qw bbr /proc/sys/net/ipv4/tcp_available_congestion_control; then
    controls='cubic bbr'
fi

deadline_of() { # PROFILE: seconds, of so many rows
    times=$(((rows + 4999) / 5000))
    case $1 in
    dsl | plain) echo $((30 * times)) ;;
    vsat) echo $((90 * times)) ;;
    edge | far | skew) echo $((180 * times)) ;;
    gprs | radio) echo $((300 * times)) ;;
    short) echo $((600 * times)) ;;
    *) fail "there is no line '$1': $("$relay" list | cut -f 1 | tr '\n' ' ')" ;;
    esac
}
for profile in "$@"; do
    deadline_of "$profile" >"$work/out"
done

# ---- preparing: a school that has joined, with its rows in the queue ----

say "Preparing $rows submissions (seed $seed) ..."
"$build/tests/bench/bench_pupils" "$here/../data/uci_student_performance/student-por.csv" "$rows" "$seed" \
    >"$work/rows.csv"
gzip -9 -k "$work/rows.csv"
make_spaces
hub_home=$work/hub
"$hub_program" init --home "$hub_home" --name 'Район' --listen 'tcp://*:4780' --announce "tcp://$far_address:4780" \
    >"$work/init.txt"
hub programme load "$here/pack" >"$work/load.txt"
make_school school
start_line plain
start_far_hub
at_near "$agent_program" sync --home "$work/school" >"$work/sync.txt" 2>&1 || fail 'the school cannot join'
stop_hub
stop_line
agent school import pupils --period "$period" --csv "$work/rows.csv" >"$work/import.txt"
mkdir "$work/ready"
mv "$work/hub" "$work/school" "$work/ready/"
hub_home=$work/run/hub

prepare_ssh() {
    mkdir -p /run/sshd "$work/ssh" "$work/arrived"
    ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host"
    ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/user"
    cat >"$work/ssh/sshd_config" <<CONF
Port 22
HostKey $work/ssh/host
AuthorizedKeysFile $work/ssh/user.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
CONF
    printf '%s %s\n' "$far_address" "$(cut -d ' ' -f 1,2 "$work/ssh/host.pub")" >"$work/ssh/known"
    ip netns exec "$far" /usr/sbin/sshd -D -f "$work/ssh/sshd_config" 2>"$work/ssh/said.txt" &
    remember "$!"
}

# ---- one run of each ----

# until_done SECONDS COMMAND...: again and again until it has gone well; sets `took` (ms), "" when the time is over.
until_done() {
    until_most=$(($1 * 1000))
    shift
    until_began=$(now_ms)
    tries=1
    until at_near timeout "$((until_most / 1000))" "$@" >>"$work/said.txt" 2>&1; do
        if [ "$(($(now_ms) - until_began))" -ge "$until_most" ]; then
            took=
            return
        fi
        tries=$((tries + 1))
        sleep 1
    done
    took=$(($(now_ms) - until_began))
}

# What was found, as a line of the table: seconds, beside which time it stands, bytes of IP both ways.
tell() { # WHO BESIDE_MS
    if [ -z "$took" ]; then
        printf '  %-34s %9s %9s %10s %8s %6s\n' "$1" 'not done' '' "$(($(line_figure wire_up) + $(line_figure wire_down)))" '' "$tries"
        return
    fi
    printf '  %-34s %9s %9s %10s %8s %6s\n' "$1" "$(awk -v t="$took" 'BEGIN {printf "%.2f", t / 1000}')" \
        "${2:+$(awk -v a="$took" -v b="$2" 'BEGIN {printf "%.2f", a / b}')}" \
        "$(($(line_figure wire_up) + $(line_figure wire_down)))" \
        "$(($(line_figure lost) + $(line_figure dropped)))" "$tries"
}

send_ours() { # PROFILE: sets took, payload
    rm -rf "$work/run"
    mkdir "$work/run"
    cp -a "$work/ready/hub" "$work/ready/school" "$work/run/"
    start_line "$1" "seed=$seed"
    start_far_hub
    until_done "$(deadline_of "$1")" "$agent_program" sync --home "$work/run/school"
    stop_line
    stop_hub
    [ -n "$took" ] || {
        tail -n 20 "$work/said.txt" >&2
        fail "$1: the submissions have not arrived after $(deadline_of "$1") seconds"
    }
    payload=$(line_figure payload_up)
    same_submissions "$1" 0 run/school
    [ "$(hub_figure counted)" = "$rows" ] || fail "$1: $(hub_figure counted) submissions are counted, not $rows"
    hub verify >"$work/verify.txt" 2>&1 || fail "$1: svodka-hub verify is not clean"
}

send_plain() { # PROFILE BYTES: sets took
    start_line "$1" "seed=$seed"
    ip netns exec "$far" "$build/tests/bench/line_plain" receive 5000 "$2" &
    receiver=$!
    remember "$receiver"
    until_done "$patience" "$build/tests/bench/line_plain" send "$far_address" 5000 "$2" "$patience"
    end_process "$receiver"
    stop_line
}

send_rsync() { # PROFILE FILE: sets took
    rm -f "$work/arrived/"*
    start_line "$1" "seed=$seed"
    until_done "$patience" rsync --partial --timeout=60 -e "ssh -i $work/ssh/user -o UserKnownHostsFile=$work/ssh/known \
-o ServerAliveInterval=10 -o ServerAliveCountMax=3 -o ConnectTimeout=60 -o BatchMode=yes" \
        "$2" "root@$far_address:$work/arrived/"
    stop_line
    [ -z "$took" ] || cmp -s "$2" "$work/arrived/${2##*/}" || fail "$1: rsync did not copy $2"
}

[ "${SVODKA_BENCH_BESIDE:-}" = no ] || prepare_ssh
say "$(uname -m), $(nproc) cores, kernel $(uname -r); $rows rows, $(wc -c <"$work/rows.csv") bytes of CSV," \
    "$(wc -c <"$work/rows.csv.gz") packed; load average $load_before"
for profile in "$@"; do
    say ''
    say "$profile: $("$relay" list | awk -F '\t' -v name="$profile" '$1 == name {print $2}')"
    printf '  %-34s %9s %9s %10s %8s %6s\n' '' seconds 'x plain' 'IP bytes' lost tries
    for control in $controls; do
        set_congestion "$control"
        send_ours "$profile"
        ours=$took
        ours_tries=$tries
        tell_ours=$(cat "$work/line.txt")
        send_plain "$profile" "$payload"
        plain=$took
        mv "$work/line.txt" "$work/line-plain.txt"
        printf '%s\n' "$tell_ours" >"$work/line.txt"
        plain_tries=$tries
        took=$ours tries=$ours_tries
        tell "svodka-agent sync, $control" "$plain"
        mv "$work/line-plain.txt" "$work/line.txt"
        took=$plain tries=$plain_tries
        tell "plain TCP, $payload bytes, $control" "$plain"
    done
    [ "${SVODKA_BENCH_BESIDE:-}" != no ] || continue
    set_congestion cubic
    for file in rows.csv rows.csv.gz; do
        send_rsync "$profile" "$work/$file"
        tell "rsync over ssh, $file, cubic" ''
    done
done
