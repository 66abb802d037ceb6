#!/bin/sh
# fuzz.sh BUILD [--cpu S | --smoke | --shrink | --table] [TARGET ...]: what `./run fuzz` does once the targets are built.
#
# A target is what a file fuzz_TARGET.c here makes; none named: all.  Time is processor time, not the clock's, and it is
# counted for the program as it is: what a target has had since it last changed stands in BUILD/TARGET.cpu, one line
# for each stretch (digest of the program, seconds, runs, places reached), so that a search that was stopped goes on
# where it was, and one that is done is not done again.  What was found on the way is kept in BUILD/corpus/TARGET; what
# made a target fail, in BUILD/found/TARGET, where it is tried first the next time.
set -eu
build=$1
shift
cd "$(dirname "$0")/../.."
seeds=tests/fuzz/corpus
stretch=120 # seconds between two notes of what was reached
for folder in /usr/lib/llvm-*/bin; do # where the symbolizer is that names the places of a finding
    [ ! -d "$folder" ] || PATH=$PATH:$folder
done

say() { printf '%s\n' "$*" >&2; }
die() { say "fuzz: $*"; exit 2; }

names() { # [TARGET ...]
    if [ $# = 0 ]; then
        for source in tests/fuzz/fuzz_*.c; do
            name=${source##*/fuzz_}
            printf '%s\n' "${name%.c}"
        done
        return
    fi
    for name in "$@"; do
        name=${name#fuzz_}
        [ -f "tests/fuzz/fuzz_$name.c" ] || die "there is no target '$name'; there are: $(names | tr '\n' ' ')"
        printf '%s\n' "$name"
    done
}

program() { printf '%s/tests/fuzz/fuzz_%s' "$build" "$1"; }
digest() { sha256sum "$(program "$1")" | cut -c 1-16; }

# Processor seconds of all children so far, in hundredths: `times` counts them only in this shell itself.
note_times() {
    times >"$build/$1.times"
    cpu_now=$(awk -F '[ms ]+' 'NR == 2 { printf "%d", 100 * ($1 * 60 + $2 + $3 * 60 + $4) }' "$build/$1.times")
    rm -f "$build/$1.times"
}

# What the program, as it is, has had: seconds, runs, places reached.
reached() { # NAME
    awk -v d="$(digest "$1")" '$1 == d { s += $2; n += $3; if ($4 > c) c = $4 } END { printf "%.1f %d %d\n", s, n, c }' \
        "$build/$1.cpu" 2>/dev/null || echo '0.0 0 0'
}

run_target() { # NAME LOG ARGS...: one process
    name=$1
    log=$2
    shift 2
    mkdir -p "$build/found/$name"
    "$(program "$name")" -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/found/$name/" \
        -max_len="$(max_len "$name")" -len_control="$(len_control "$name")" "$@" >"$log" 2>&1
}

# Scripts are as long as what is read of them; decoders get what their corpus and libFuzzer think right (0).
max_len() {
    case $1 in
    core) echo 1024 ;;
    gateway) echo 4096 ;;
    *) echo 0 ;;
    esac
}

# How slowly libFuzzer lets inputs grow: a script of four bytes shows nothing, so scripts are long from the start.
len_control() {
    case $1 in
    core | gateway) echo 0 ;;
    *) echo 100 ;;
    esac
}

said() { # LOG PATTERN: the last number after it, 0 if there is none
    number=$(sed -n "s/.*$2\([0-9][0-9]*\).*/\1/p" "$1" | tail -n 1)
    echo "${number:-0}"
}

# One stretch; adds its line.  `pace`: how many of the clock's seconds one of processor time took.
search() { # NAME SECONDS
    log=$build/$1.log
    mkdir -p "$build/corpus/$1"
    from=
    [ ! -d "$seeds/$1" ] || from=$seeds/$1
    note_times "$1"
    before=$cpu_now
    began=$(date +%s)
    is_good=true
    as_it_is=$(digest "$1")
    # shellcheck disable=SC2086
    run_target "$1" "$log" -max_total_time="$2" "$build/corpus/$1" $from || is_good=false
    note_times "$1"
    had=$((cpu_now - before))
    pace=$(awk -v wall="$(($(date +%s) - began))" -v cpu=$had \
        'BEGIN { p = cpu > 0 ? 100 * wall / cpu : 1; printf "%.2f", p < 1 ? 1 : p }')
    printf '%s %s %s %s %s\n' "$as_it_is" "$(awk -v c=$had 'BEGIN { printf "%.2f", c / 100 }')" \
        "$(said "$log" 'stat::number_of_executed_units: *')" "$(said "$log" ' cov: ')" "$is_good" >>"$build/$1.cpu"
    $is_good
}

# What failed before must pass now.
try_found() { # NAME
    for file in "$build/found/$1"/*; do
        [ -f "$file" ] || continue
        if run_target "$1" "$build/$1.log" "$file"; then
            mkdir -p "$build/corpus/$1"
            mv "$file" "$build/corpus/$1/"
        else
            say "$1: still fails on $file"
            return 1
        fi
    done
}

search_until() { # NAME SECONDS
    pace=1
    try_found "$1" || return 1
    while :; do
        so_far=$(reached "$1")
        had=${so_far%% *}
        left=$(awk -v goal="$2" -v had="$had" -v pace="$pace" -v most=$stretch \
            'BEGIN { l = (goal - had) * pace; print (l <= 0 ? 0 : l > most ? most : l < 5 ? 5 : int(l + 0.5)) }')
        say "$1: $had of $2 s; runs, places reached: ${so_far#* }"
        [ "$left" != 0 ] || return 0
        search "$1" "$left" || {
            tail -n 40 "$build/$1.log"
            say "$1: found something ($build/found/$1, $build/$1.log)"
            return 1
        }
    done
}

# From the seeds alone: what is found on the way is thrown away.
smoke() { # NAME SECONDS
    work=$build/smoke-$1
    rm -rf "$work"
    mkdir -p "$work"
    from=
    [ ! -d "$seeds/$1" ] || from=$seeds/$1
    is_good=true
    # shellcheck disable=SC2086
    run_target "$1" "$build/$1-smoke.log" -max_total_time="$2" "$work" $from || is_good=false
    rm -rf "$work"
    $is_good || {
        tail -n 40 "$build/$1-smoke.log"
        say "$1: found something ($build/found/$1)"
        return 1
    }
}

# The seeds that have names of their own stay; of what was found, the fewest and smallest that reach every place.
files_max=60
bytes_max=200000
shrink() { # NAME
    [ -d "$build/corpus/$1" ] || return 0
    work=$build/shrink-$1
    rm -rf "$work"
    mkdir -p "$work/new" "$work/out" "$seeds/$1"
    list=$work/list
    find "$seeds/$1" "$build/corpus/$1" -type f >"$list"
    # Each once, by what is in it: the seeds first.
    while read -r file; do
        cp -n "$file" "$work/new/$(sha1sum "$file" | cut -c 1-40)"
    done <"$list"
    run_target "$1" "$build/$1-shrink.log" -set_cover_merge=1 -use_counters=0 \
        -merge_control_file="$work/control" "$work/out" "$work/new" || return 1
    for file in "$seeds/$1"/*; do
        [ -f "$file" ] || continue
        case ${file##*/} in
        *[!0-9a-f]* | ???????????????????????????????????????????*) ;;
        ????????????????????????????????????????) rm -f "$file"; continue ;; # found once: chosen again or not
        esac
        printf '%s %s\n' "$(sha1sum "$file" | cut -c 1-40)" "$file"
    done >"$work/kept"
    awk -v files=$files_max -v bytes=$bytes_max -f tests/fuzz/shrink.awk "$work/kept" "$work/control" >"$work/chosen"
    while read -r sha; do
        cp "$work/new/$sha" "$seeds/$1/$sha"
    done <"$work/chosen"
    say "$1: $(find "$seeds/$1" -type f | wc -l) files, $(cat "$seeds/$1"/* | wc -c) bytes; found were $(wc -l <"$list")"
    rm -rf "$work"
}

mode=search
seconds=60
case ${1:-} in
--cpu)
    seconds=${2:-}
    case $seconds in '' | *[!0-9]*) die "--cpu: a number of seconds is expected, not '$seconds'" ;; esac
    shift 2
    ;;
--smoke | --smoke-one | --shrink | --table)
    mode=${1#--}
    shift
    ;;
-*) die "unknown option '$1'" ;;
esac
targets=$(names "$@") || exit 2
bad=0
case $mode in
search)
    for name in $targets; do
        search_until "$name" "$seconds" || bad=$((bad + 1))
    done
    [ $bad = 0 ] || { say "fuzz: $bad targets found something"; exit 1; }
    say 'fuzz: nothing was found'
    ;;
smoke) # every target for 2 s, as many at once as there are processors
    printf '%s\n' "$targets" | xargs -n 1 -P "$(nproc)" sh "tests/fuzz/${0##*/}" "$build" --smoke-one ||
        { say 'fuzz: the search from the kept corpora found something'; exit 1; }
    say "fuzz: nothing was found ($(printf '%s\n' "$targets" | wc -l) targets, 2 s each)"
    ;;
smoke-one) smoke "$targets" 2 ;;
shrink)
    for name in $targets; do
        shrink "$name" || { say "$name: cannot be merged ($build/$name-shrink.log)"; bad=1; }
    done
    exit $bad
    ;;
table)
    printf '%-12s %10s %12s %8s %6s\n' target seconds runs places found
    for name in $targets; do
        [ -x "$(program "$name")" ] || continue
        reached "$name" | {
            read -r had runs places
            printf '%-12s %10s %12s %8s %6s\n' "$name" "$had" "$runs" "$places" \
                "$(find "$build/found/$name" -type f 2>/dev/null | wc -l)"
        }
    done
    ;;
esac
