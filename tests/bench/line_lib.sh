# shellcheck shell=sh disable=SC2034,SC2154
# line_lib.sh: a bad line (line_relay) between two network namespaces, for scripts that have sourced
# tests/integration/lib.sh and called begin.  The school is in $near at 10.77.0.1, the hub in $far at 10.77.0.2.

near_address=10.77.0.1
far_address=10.77.0.2

# Why there can be no line here; nothing when there can.
line_refusal() {
    if [ "$(id -u)" != 0 ]; then
        echo 'network namespaces need root'
    elif [ ! -c /dev/net/tun ]; then
        echo 'there is no /dev/net/tun'
    elif ! command -v ip >/dev/null 2>&1; then
        echo 'iproute2 is not installed'
    elif ! ip netns add "svodka-try-$$" 2>/dev/null; then
        echo 'no network namespace can be made (ip netns add)'
    else
        ip netns del "svodka-try-$$"
    fi
}

make_spaces() {
    near=svodka-near-$$
    far=svodka-far-$$
    line_count=0
    congestion=
    relay_pid=
    for space in "$near" "$far"; do
        ip netns add "$space" || fail "no network namespace can be made"
        spaces="$spaces $space"
        ip -n "$space" link set lo up
        # What the kernel learned of the line in one run is nothing to begin the next one with.
        ip netns exec "$space" sysctl -q -w net.ipv4.tcp_no_metrics_save=1
    done
}

# Of the lines that follow.  By route: a namespace may not choose every control that the kernel has.
set_congestion() { # cubic|bbr
    congestion=$1
}

# A fresh line; one at a time.
start_line() { # PROFILE [KEY=VALUE]...
    line_count=$((line_count + 1))
    line_near=sn$$x$line_count
    line_far=sf$$x$line_count
    rm -f "$work/line.txt"
    start_profile=$1
    shift
    "$build/tests/bench/line_relay" "$start_profile" "$line_near" "$line_far" "$@" >"$work/line.txt" 2>"$work/line-said.txt" &
    relay_pid=$!
    remember "$relay_pid"
    wait_until 10 grep -qs ready "$work/line.txt" || fail "no line: $(cat "$work/line-said.txt")"
    ip link set "$line_near" netns "$near"
    ip link set "$line_far" netns "$far"
    ip -n "$near" addr add "$near_address/24" dev "$line_near"
    ip -n "$far" addr add "$far_address/24" dev "$line_far"
    ip -n "$near" link set "$line_near" up
    ip -n "$far" link set "$line_far" up
    [ -z "$congestion" ] || {
        ip -n "$near" route replace 10.77.0.0/24 dev "$line_near" src "$near_address" congctl "$congestion"
        ip -n "$far" route replace 10.77.0.0/24 dev "$line_far" src "$far_address" congctl "$congestion"
    }
    ip -n "$far" route add 100.64.0.0/16 dev "$line_far" ${congestion:+congctl "$congestion"}
}

# Ends it; its figures are in $work/line.txt.
stop_line() {
    [ -n "$relay_pid" ] || return 0
    end_process "$relay_pid"
    relay_pid=
    [ "$end_code" = 0 ] || fail "the line ended with $end_code: $(cat "$work/line-said.txt")"
}

line_figure() { # KEY
    sed -n "s/^$1=//p" "$work/line.txt"
}

at_near() { ip netns exec "$near" "$@"; }
at_far() { ip netns exec "$far" "$@"; }

# The hub of $hub_home in its namespace: it listens at `port`.
start_far_hub() {
    # (A function in the background would be a shell that stands between us and the process.)
    ip netns exec "$far" "$hub_program" serve --home "$hub_home" >>"$work/hub.log" 2>&1 &
    hub_pid=$!
    remember "$hub_pid"
    wait_until 20 [ -e "$hub_home/run/ready" ] || fail 'the hub does not start within 20 seconds'
}
