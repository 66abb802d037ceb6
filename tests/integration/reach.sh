#!/bin/sh
# reach.sh BUILD_DIR: ways to the hub: IPv6 and both kinds at one port, an address that answers with a web page, a SOCKS5
# proxy (microsocks), TLS around the connection (stunnel).  What goes which way is read from the logs of those who stand
# between.  (Names, dead addresses and silent ones: test_meeting.c.)
set -eu
name=reach
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: reach.sh BUILD_DIR'
    exit 2
}
begin "$1"
cd "$work"
grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null || {
    say 'reach: SKIPPED, LOUDLY: this computer has no ::1'
    exit 77
}

# Each port once: some are taken only later.
ports=' '
next_port() { # sets `port`
    while free_port && case $ports in *" $port "*) true ;; *) false ;; esac do :; done
    ports="$ports$port "
}
next_port
six=$port # only ::1
next_port
web=$port
next_port
socks=$port
next_port
tls=$port
next_port
near_end=$port
next_port

hub_home=$work/hub
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://*:$port" --listen "tcp://[::1]:$six" \
    --announce "tcp://[::1]:$six" --announce "tcp://localhost:$port" >init.txt
hub programme load "$here/../fault/pack" >load.txt
make_school gp
cp gp/agent.yaml agent.yaml
start_hub

# What the school has now is asked of the hub's own figures; each way brings one more row.
rows=0
settings() { # LINE...: of agent.yaml, besides what every agent has
    cp agent.yaml gp/agent.yaml
    printf '%s\n' 'sync.connect: 5s' 'sync.handshake: 10s' "$@" >>gp/agent.yaml
}
add_row() {
    rows=$((rows + 1))
    printf 'pupil;sex;grade;absences;note\np%s;F;12;0;\n' "$rows" >row.csv
    agent gp import marks --period 2020/21-Q1 --csv row.csv >import.txt 2>&1
}
sync_brings_it() { # WAY
    add_row
    agent gp sync >sync.txt 2>&1 || {
        cat sync.txt >&2
        fail "$1: the meeting did not go well"
    }
    [ "$(hub_figure submissions)" = "$rows" ] || fail "$1: the hub has $(hub_figure submissions) submissions of $rows"
}
listens() { port_listens "$1"; }

# ---- IPv6: the directory names ::1 first; the hub's other port is for both kinds ----

settings
sync_brings_it 'IPv6'
for way in "tcp://[::1]:$port" "tcp://127.0.0.1:$port"; do
    settings "sync.address: $way"
    sync_brings_it "$way, a port that is for both"
    agent gp doctor --format csv >doctor.txt 2>&1 || true
    grep -F "$way" doctor.txt | grep -q '^"*hub"*,"*ok' || {
        cat doctor.txt >&2
        fail "doctor does not reach the hub at $way"
    }
done

# ---- a web page answers, as in a network that asks for a password first: the next address is tried ----

/usr/bin/python3 -c 'import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()' "$web" 2>web.log &
web_pid=$!
remember "$web_pid"
wait_until 10 listens "$web" || fail 'no web page'
settings "sync.address: tcp://127.0.0.1:$web"
sync_brings_it 'behind a web page'
grep -q 'code 400' web.log || fail 'the web page was not asked'
end_process "$web_pid"

# ---- a proxy: it is the one that looks names up ----

microsocks -i 127.0.0.1 -p "$socks" 2>socks.log &
socks_pid=$!
remember "$socks_pid"
wait_until 10 listens "$socks" || fail 'no proxy'
settings "sync.proxy: socks5://localhost:$socks" "sync.address: tcp://localhost:$port"
sync_brings_it 'through a SOCKS5 proxy'
grep -q "connected to localhost:$port" socks.log || {
    cat socks.log >&2
    fail 'the proxy was not asked by name'
}
end_process "$socks_pid"
add_row
refused 1 "through the proxy localhost:$socks (sync.proxy in agent.yaml)" agent gp sync
settings 'sync.proxy: http://127.0.0.1:3128'
refused 1 'socks5://HOST:PORT is expected' agent gp status
settings 'sync.address: somewhere'
refused 1 'tcp://HOST:PORT is expected' agent gp status

# ---- TLS on both ends ----

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hub.example.org -keyout tls.key -out tls.pem \
    -addext subjectAltName=DNS:hub.example.org >openssl.txt 2>&1 || fail "no certificate: $(cat openssl.txt)"
cat >hub.conf <<CONF
foreground = yes
pid =
[svodka]
accept = 127.0.0.1:$tls
connect = 127.0.0.1:$port
cert = $work/tls.pem
key = $work/tls.key
CONF
cat >school.conf <<CONF
foreground = yes
pid =
[svodka]
client = yes
accept = 127.0.0.1:$near_end
connect = 127.0.0.1:$tls
verifyChain = yes
CAfile = $work/tls.pem
checkHost = hub.example.org
CONF
for end in hub school; do
    stunnel4 "$end.conf" 2>"$end-tls.log" &
    remember "$!"
done
wait_until 10 listens "$tls" || fail 'no TLS at the hub'
wait_until 10 listens "$near_end" || fail 'no TLS at the school'
settings "sync.address: tcp://127.0.0.1:$near_end"
sync_brings_it 'through TLS'
grep -q "connected remote server from 127.0.0.1" hub-tls.log || {
    cat hub-tls.log >&2
    fail 'nothing went through TLS'
}

verify_clean gp
stop_hub
say "reach: ok ($rows submissions, each another way)"
