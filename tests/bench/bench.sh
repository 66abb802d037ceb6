#!/bin/sh
# bench.sh BUILD_DIR [--quick]: how fast, how small, beside what the plain libraries allow in the same run.
#
# Real programs, durable stores, a real TCP connection on 127.0.0.1; the median of five runs, ours and the plain ones
# taking turns.  --quick: a tenth of the rows, once; good for trying, not for quoting.
set -eu
name=bench
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: bench.sh BUILD_DIR [--quick]'
    exit 2
}
begin "$1"
rows=200000
wire_rows=60000
ledger_few=10000
ledger_some=100000
ledger_rows=1000000
runs=5
if [ "${2:-}" = --quick ]; then
    rows=20000
    wire_rows=6000
    ledger_few=6000
    ledger_some=10000
    ledger_rows=100000
    runs=1
fi
agents=20
load_before=$(cut -d ' ' -f 1-3 /proc/loadavg)
seed=${SVODKA_BENCH_SEED:-1}
period=2020/21
tools=$build/tests/bench
data=$here/../data/uci_student_performance/student-por.csv
part=$((rows / agents))
schools=$(seq -f 's%g' "$agents")

# ---- figures: a line "key value" for each measurement ----

note() { # PREFIX FILE: lines key=value
    sed "s/^/$1_/; s/=/ /" "$2" >>"$work/figures"
}

median() { # KEY
    awk -v key="$1" '$1 == key {print $2}' "$work/figures" | sort -n | awk '
        {v[NR] = $1}
        END {if (NR == 0) {print "?"; exit 1}
             print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}

most() { # KEY
    awk -v key="$1" '$1 == key && $2 > m {m = $2} END {print m + 0}' "$work/figures"
}

measure() { # PREFIX BENCH_RUN_ARGS...
    measure_prefix=$1
    shift
    "$tools/bench_run" "$@" >"$work/out" 2>"$work/said.txt" || {
        cat "$work/said.txt" >&2
        fail "$measure_prefix failed (bench_run $*)"
    }
    note "$measure_prefix" "$work/out"
}

fresh() { # a fresh copy of the prepared homes in $work/run
    rm -rf "$work/run"
    mkdir "$work/run"
    for fresh_home in "$@"; do
        cp -a "$work/ready/$fresh_home" "$work/run/"
    done
}

# The district's sum over all schools must be exactly the rows that were sent: a fast loss is no speed.
check_count() { # ROWS
    read_indicators
    awk -F , -v want="$1" '
        NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next}
        {gsub(/"/, "")}
        $at["indicator"] == "mean-grade" && $at["level"] == "municipality" {n = $at["n"]}
        END {exit n == want ? 0 : 1}' "$work/indicators.csv" ||
        fail "the hub does not count $1 submissions; see its indicators: $(grep mean-grade "$work/indicators.csv")"
}

# ---- preparing ----

say "Preparing: $rows rows, $agents agents (seed $seed) ..."
mkdir "$work/ready"
"$tools/bench_pupils" "$data" "$rows" "$seed" >"$work/all.csv"
"$tools/bench_pupils" "$data" "$wire_rows" "$((seed + 1000))" >"$work/wire.csv"
for i in $(seq "$agents"); do
    "$tools/bench_pupils" "$data" "$part" "$((seed + i))" >"$work/part-$i.csv"
done

make_hub "$here/pack"
for school in $schools importer; do
    make_school "$school"
done
start_hub
for school in $schools importer; do
    agent "$school" sync >"$work/sync.txt" 2>&1 || fail "$school cannot join"
done
stop_hub
for i in $(seq "$agents"); do
    agent "s$i" import pupils --period "$period" --csv "$work/part-$i.csv" >"$work/import.txt"
done
for home in hub $schools importer; do
    mv "$work/$home" "$work/ready/"
done
hub_home=$work/run/hub

# ---- import ----

import_once() {
    fresh importer
    measure import -- "$agent_program" import pupils --period "$period" --csv "$work/all.csv" \
        --home "$work/run/importer"
    rm -rf "$work/plain"
    "$tools/bench_plain" import "$work/all.csv" "$work/plain" >"$work/out"
    note plain_import "$work/out"
}

# ---- drain ----

prepare_plain_drain() {
    mkdir "$work/plain-drain"
    for i in $(seq "$agents"); do
        "$tools/bench_plain" import "$work/part-$i.csv" "$work/plain-drain/$i" >"$work/plain-drain/$i.rows"
    done
}

drain_once() {
    # shellcheck disable=SC2086
    fresh hub $schools
    start_hub
    find_hub_parts
    measure drain --copies "$agents" --sample 20 --watch gateway "$gateway_pid" --watch core "$core_pid" -- \
        "$agent_program" sync --home "$work/run/s{}"
    check_count "$rows"
    stop_hub
    rm -rf "$work/plain-drain/hub"
    "$tools/bench_plain" drain "$work/plain-drain" "$agents" >"$work/out"
    note plain_drain "$work/out"
}

# ---- bytes on the wire: everything between agent and hub but the headers of TCP/IP ----

wire() {
    rm -rf "$work/hub"
    free_port
    relay_port=$port
    hub_home=$work/hub
    while free_port && [ "$port" = "$relay_port" ]; do :; done
    "$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" </dev/null >"$work/init.txt"
    printf 'announce:\n  - "tcp://127.0.0.1:%s"\n' "$relay_port" >>"$hub_home/hub.yaml"
    hub programme load "$here/pack" >"$work/load.txt"
    make_school wire
    start_hub
    "$tools/bench_run" --relay "$relay_port" "$port" -- "$agent_program" sync --home "$work/wire" \
        >"$work/out" 2>"$work/sync.txt" || fail 'the meeting through the relay failed'
    agent wire import pupils --period "$period" --csv "$work/wire.csv" >"$work/import.txt"
    measure wire --relay "$relay_port" "$port" -- "$agent_program" sync --home "$work/wire"
    check_count "$wire_rows"
    hub verify >"$work/verify.txt" || fail 'svodka-hub verify is not clean'
    stop_hub
}

run=1
prepare_plain_drain
while [ "$run" -le "$runs" ]; do
    say "Run $run of $runs: import ..."
    import_once
    say "Run $run of $runs: drain ..."
    drain_once
    run=$((run + 1))
done
say 'Bytes on the wire ...'
wire

# ---- a publication: 60 schools, 80 indicators, 15 % hidden from the start ----

say 'Protecting a publication ...'
"$tools/bench_protect" 60 80 "$runs" "$seed" >"$work/out" || fail 'bench_protect failed'
grep = "$work/out" >"$work/protect"
note protect "$work/protect"
"$tools/bench_publish" 60 80 1 "$seed" >"$work/out" || fail 'bench_publish failed'
grep = "$work/out" >"$work/publish"
note publish "$work/publish"

# ---- the language of indicators: five packs, and a district's hub with many submissions (Zhigalovo, invented) ----

configs=$here/../../configs
python=/usr/bin/python3
[ -x "$python" ] || python=python3

say 'Loading packs ...'
"$tools/bench_hub" packs "$configs/programmes" "$runs" >"$work/out" || fail 'bench_hub packs failed'
note pack "$work/out"
for run in $(seq "$runs"); do
    measure check -- "$hub_program" programme check "$configs/programmes/zhigalovo"
done

say "Filling a hub with $ledger_rows submissions, and its table at $ledger_few, $ledger_some and all of them ..."
"$python" "$here/../data/district/generate.py" zhigalovo --seed "$seed" --out "$work/plan" >"$work/out" ||
    fail 'no district was invented'
"$tools/bench_hub" home "$work/district" "$configs/programmes/zhigalovo" "$work/plan" "$seed" "$runs" \
    "$ledger_few" "$ledger_some" "$ledger_rows" >"$work/out" || fail 'bench_hub home failed'
note hub "$work/out"

say 'Verifying it, and building new indicators over it ...'
hub_home=$work/district
mkdir "$work/configs"
cp -r "$configs/forms" "$configs/periods.yaml" "$configs/variables.yaml" "$configs/programmes" "$work/configs/"
pack=$work/configs/programmes/zhigalovo
for run in $(seq "$runs"); do
    measure verify -- "$hub_program" verify --home "$hub_home"
    for form in comf bos mgmt meth; do
        printf '  - {id: bench_%s_%s, form: survey-%s, where: "${q1} > 1 and %s > 0"}\n' \
            "$form" "$run" "$form" "$run" >>"$pack/variables.yaml"
    done
    sed -i "s/^version: .*/version: \"bench $run\"/" "$pack/programme.yaml"
    measure build -- "$hub_program" programme load "$pack" --home "$hub_home"
done
ledger_counted=$(hub status --format csv | awk -F , '$1 == "counted" {print $3}')

# ---- the table ----

line() { printf '%-44s %14s %14s %8s   %s\n' "$@"; }
rate() { awk -v n="$1" -v s="$2" 'BEGIN {printf "%.0f", n / s}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a / b}'; }
mib() { awk -v a="$1" -v r="$2" 'BEGIN {printf "%.1f (%.1f)", a / 1024, r / 1024}'; }
seconds() { awk -v s="$1" 'BEGIN {printf "%.2f", s}'; }

say ''
say "$(uname -m), $(nproc) cores, kernel $(uname -r); $rows rows of 33 fields and a number, $agents agents, seed $seed"
say "median of $runs; memory: the most of all runs; load average before and after: $load_before," \
    "$(cut -d ' ' -f 1-3 /proc/loadavg)"
say ''
line what ours 'plain limit' ratio aim
ours=$(rate "$rows" "$(median import_wall_s)")
plain=$(rate "$rows" "$(median plain_import_wall_s)")
line 'import, rows/s' "$ours" "$plain" "$(ratio "$ours" "$plain")" '>= 150000'
ours=$(rate "$rows" "$(median drain_wall_s)")
plain=$(rate "$rows" "$(median plain_drain_wall_s)")
line "drain, $agents agents, submissions/s" "$ours" "$plain" "$(ratio "$ours" "$plain")" '>= 150000'
ours=$(awk -v b="$(median wire_relay_up)" -v d="$(median wire_relay_down)" -v n="$wire_rows" \
    'BEGIN {printf "%.2f", (b + d) / n}')
plain=$(awk -v b="$(median plain_drain_bytes)" -v n="$rows" 'BEGIN {printf "%.2f", b / n}')
line "bytes on the wire per submission ($wire_rows)" "$ours" "$plain" "$(ratio "$ours" "$plain")" '<= 12'
line 'RssAnon (VmRSS), MiB: agent importing' "$(mib "$(most import_anon_kib)" "$(most import_rss_kib)")" '' '' '<= 8'
line "  agent syncing ($part)" "$(mib "$(most drain_anon_kib)" "$(most drain_rss_kib)")" '' '' '<= 8'
line "  agent syncing ($wire_rows)" "$(mib "$(most wire_anon_kib)" "$(most wire_rss_kib)")" '' '' '<= 8'
line "  gateway, $agents agents" "$(mib "$(most drain_gateway_anon_kib)" "$(most drain_gateway_rss_kib)")" '' '' '<= 16'
line '  core' "$(mib "$(most drain_core_anon_kib)" "$(most drain_core_rss_kib)")" '' '' '<= 48'
ours=$(seconds "$(median import_cpu_s)")
plain=$(seconds "$(median plain_import_cpu_s)")
line 'CPU seconds: import' "$ours" "$plain" "$(ratio "$ours" "$plain")" ''
agents_s=$(seconds "$(median drain_cpu_s)")
gateway_s=$(seconds "$(median drain_gateway_cpu_s)")
core_s=$(seconds "$(median drain_core_cpu_s)")
ours=$(awk -v a="$agents_s" -v g="$gateway_s" -v c="$core_s" 'BEGIN {printf "%.2f", a + g + c}')
plain=$(seconds "$(median plain_drain_cpu_s)")
line "  drain: $agents agents" "$agents_s" '' '' ''
line '  drain: gateway' "$gateway_s" '' '' ''
line '  drain: core' "$core_s" '' '' ''
line '  drain: together' "$ours" "$plain" "$(ratio "$ours" "$plain")" ''
for pack in abinsky klin korolyov veshkaima zhigalovo; do
    ours=$(median "pack_${pack}_load_ms")
    plain=$(median "pack_${pack}_yaml_ms")
    line "loading the pack $pack, ms" "$ours" "$plain" "$(ratio "$ours" "$plain")" ''
done
line '  programme check zhigalovo, the whole program, ms' "$(median check_wall_s | awk '{printf "%.1f", $1 * 1000}')" '' '' ''
ours=$(median hub_count_s)
plain=$(median hub_decode_s)
line "validated and counted by $(median hub_variables) variables, submissions/s" "$ours" "$plain" "$(ratio "$ours" "$plain")" ''
ours=$(median hub_intake_s)
plain=$(median hub_open_s)
line '  all of intake, one thread' "$ours" "$plain" "$(ratio "$ours" "$plain")" ''
for count in "$ledger_few" "$ledger_some" "$ledger_rows"; do
    ours=$(median "hub_table_ms_$count")
    plain=$(median "hub_read_ms_$count")
    line "the table with $count submissions, ms" "$ours" "$plain" "$(ratio "$ours" "$plain")" '<= 50'
done
ours=$(rate "$ledger_rows" "$(median verify_wall_s)")
plain=$(median hub_open_all_s)
line "verify, $ledger_rows submissions, a second" "$ours" "$plain" "$(ratio "$ours" "$plain")" '>= 500000'
line '  CPU seconds; RssAnon (VmRSS), MiB' "$(seconds "$(median verify_cpu_s)")" \
    "$(mib "$(most verify_anon_kib)" "$(most verify_rss_kib)")" '' ''
ours=$(rate "$ledger_counted" "$(median build_wall_s)")
line 'four new variables, submissions/s' "$ours" "$plain" "$(ratio "$ours" "$plain")" ''
line '  seconds; RssAnon (VmRSS), MiB' "$(seconds "$(median build_wall_s)")" \
    "$(mib "$(most build_anon_kib)" "$(most build_rss_kib)")" '' ''
line 'a publication of 60 schools x 80, s: audit' "$(seconds "$(median protect_audit_s)")" '' '' '<= 1'
line '  choosing what to hide, with its audit' "$(seconds "$(median protect_solve_s)")" '' '' ''
line '  publish: for everybody and 60 schools' "$(seconds "$(median publish_publish_s)")" '' '' ''
