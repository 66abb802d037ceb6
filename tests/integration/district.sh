#!/bin/sh
# district.sh BUILD_DIR DISTRICT [--seed N]: two school years of a programme, played by real agents and a real hub.
#
# tests/data/district invents the district (klin, abinsky, veshkaima, zhigalovo, korolyov) and writes down what happens,
# and what must be there at the end.  Every indicator is computed a second time by sqlite3 from the latter alone.  Ends
# non-zero when any row is missing, extra or different, and when an indicator has no value that would show a mistake.
# Russian when LANG (LC_ALL, LC_MESSAGES) begins with ru, else English.
set -eu
name=district
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

usage() {
    warn 'usage: district.sh BUILD_DIR klin|abinsky|veshkaima|zhigalovo|korolyov [--seed N]'
    exit 2
}

[ $# -ge 2 ] || usage
build_dir=$1
district=$2
shift 2
seed=1
while [ $# -gt 0 ]; do
    case $1 in
    --seed)
        [ $# -ge 2 ] || usage
        seed=$2
        shift 2
        ;;
    *) usage ;;
    esac
done
case $seed in *[!0-9]* | '') usage ;; esac
# Ids of indicators: prefix and number of them in the programme's text.
case $district in
klin) prefix=KLN indicators=50 ;;
abinsky) prefix=ABN indicators=34 ;;
veshkaima) prefix=VSH indicators=42 ;;
zhigalovo) prefix=ZHG indicators=76 ;;
korolyov) prefix=KOR indicators=58 ;;
*) usage ;;
esac

begin "$build_dir"
data=$here/../data/district
configs=$(cd "$here/../../configs" && pwd)
pack=$configs/programmes/$district
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
ru*) language=ru ;;
*) language=en ;;
esac
LANGUAGE=$language
export LANGUAGE
lane_pids=
lanes=3 # agents that work at the same time: while one waits for its disk, the others go on
cd "$work"

# ---- the voice ----

pick() { # RUSSIAN ENGLISH
    if [ "$language" = ru ]; then printf '%s' "$1"; else printf '%s' "$2"; fi
}

started_at=$(now_ms)
tell() { # RUSSIAN ENGLISH
    tell_ms=$(($(now_ms) - started_at))
    printf '%3d.%d s  %s\n' "$((tell_ms / 1000))" "$((tell_ms % 1000 / 100))" "$(pick "$1" "$2")"
}

# ---- the plan ----

generate() {
    "$python" "$data/generate.py" "$district" --seed "$seed" --out "$work/plan" --pack "$pack" --check >generated.txt || fail "$(pick 'данные не придуманы' 'no data were invented')"
}

# Everybody who has an agent.
everybody() { cut -f 1 "$work/plan/participants.tsv"; }

enrol() {
    while IFS='	' read -r who role units title; do
        hub school add "$who" --name "$title" --role "$role" --unit "$units" --invite "$work/$who.invite" >add.txt
        "$agent_program" join "$work/$who.invite" --home "$work/$who" >join.txt
    done <"$work/plan/participants.tsv"
}

# One line of the plan by the agent it names.
play() { # KIND WHO FORM PERIOD UNIT KEY FILLED_ON FILE REASON
    kind=$1 who=$2 form=$3 period=$4 unit=$5 key=$6 filled_on=$7 file=$8 reason=$9
    set -- "$form" --period "$period"
    [ "$filled_on" = - ] || set -- "$@" --filled-on "$filled_on"
    case $kind in
    import | replace)
        set -- import "$@" --csv "$work/plan/$file"
        [ "$unit" != '*' ] || set -- "$@" --unit-column unit
        [ "$kind" != replace ] || set -- "$@" --replace
        ;;
    correct | retract)
        [ "$unit" = "$who" ] || set -- "$@" --unit "$unit"
        [ "$key" = - ] || set -- "$@" --key "$key"
        set -- "$kind" "$@" --reason "$reason"
        [ "$file" = - ] || set -- "$@" --json "$work/plan/$file"
        ;;
    *) fail "plan.tsv: $kind" ;;
    esac
    "$agent_program" "$@" --home "$work/$who" >>"$work/lane-$lane.out" 2>"$work/lane-$lane.err" || {
        { echo "$*"; cat "$work/lane-$lane.err"; } >"$work/lane-$lane.failed"
        return 1
    }
}

# Steps of a file, by as many lanes as there are; an agent is in one lane alone, in the order of its steps.
play_all() { # FILE
    [ -s "$1" ] || return 0
    awk -F '\t' -v lanes="$lanes" -v to="$work/lane-" '
        NR == FNR {count[$3]++; next}
        !($3 in lane) {least = 1
            for (i = 2; i <= lanes; i++) if (load[i] + 0 < load[least] + 0) least = i
            lane[$3] = least; load[least] += count[$3]}
        {print >(to lane[$3] ".steps")}' "$1" "$1"
    lane=0
    while [ "$lane" -lt "$lanes" ]; do
        lane=$((lane + 1))
        [ -s "lane-$lane.steps" ] || continue
        (
            while IFS='	' read -r _ kind who form period unit key filled_on file reason _; do
                play "$kind" "$who" "$form" "$period" "$unit" "$key" "$filled_on" "$file" "$reason" || break
            done <"lane-$lane.steps"
        ) &
        lane_pids="$lane_pids $!"
        remember "$!"
    done
    wait_lanes
}

wait_lanes() {
    for lane_pid in $lane_pids; do
        wait "$lane_pid" || true
        forget "$lane_pid"
    done
    lane_pids=
    rm -f lane-*.steps
    for failed in lane-*.failed; do
        [ -e "$failed" ] || continue
        cat "$failed" >&2
        fail "$(pick 'агент отказался' 'an agent refused')"
    done
}

sync_all() { # [EXCEPT]
    everybody | grep -vxF -- "${1:--}" >to-sync.txt
    lane=0
    while [ "$lane" -lt "$lanes" ]; do
        lane=$((lane + 1))
        (
            awk -v lane="$lane" -v lanes="$lanes" 'NR % lanes == lane % lanes' to-sync.txt | while read -r who; do
                tries=0
                until "$agent_program" sync --home "$work/$who" >"sync-$who.out" 2>&1; do
                    tries=$((tries + 1))
                    [ "$tries" -lt 20 ] || { cp "sync-$who.out" "$work/lane-$lane.failed"; break; }
                    sleep 0.2
                done
            done
        ) &
        lane_pids="$lane_pids $!"
        remember "$!"
    done
    wait_lanes
}

# Sets `held` to the bytes of the unfinished batch that the hub has; its whole length is in the name of the spool file.
half_is_there() {
    for part in "$hub_home"/spool/*.part; do
        [ -e "$part" ] || return 1
        total=${part##*/}
        total=${total#*.}
        total=${total%%.*}
        held=$(wc -c <"$part" 2>/dev/null || echo 0)
        [ "$((held * 3))" -ge "$total" ] && return 0
    done
    return 1
}

# kill -9 of an agent when a part of its batch has come; the next meeting goes on there.
kill_in_the_middle() { # WHO
    cp "$1/agent.yaml" agent.yaml.kept
    printf 'sync.max_rate: 16K\nsync.chunk: 512\n' >>"$1/agent.yaml"
    "$agent_program" sync --home "$1" >killed.txt 2>&1 &
    agent_pid=$!
    remember "$agent_pid"
    wait_until 60 half_is_there || {
        cat killed.txt >&2
        fail "$(pick 'часть отправки так и не пришла' 'no part of the batch ever came')"
    }
    kill_hard "$agent_pid"
    mv agent.yaml.kept "$1/agent.yaml"
}

# A copy of the pack in which a form asks one thing more.
second_version() { # FORM
    mkdir -p changed/programmes
    cp -r "$configs/forms" changed/
    for shared in periods.yaml variables.yaml; do
        [ ! -e "$configs/$shared" ] || cp "$configs/$shared" changed/
    done
    cp -r "$pack" changed/programmes/
    awk '/^version:/ {print "version: \"2\""; next}
         !added && /^      - type: calculate/ {added = 1
             print "      - type: integer"
             print "        name: peer_help"
             print "        label: {ru: \"Помогают сверстники\", en: \"Helped by other pupils\"}"
             print "        constraint: \". >= 0 and not(. > ${band_pupils})\""}
         {print}' "$configs/forms/$1.yaml" >"changed/forms/$1.yaml"
    awk '/^version:/ {print "version: \"1.1\""; next} {print}' "$pack/programme.yaml" \
        >"changed/programmes/$district/programme.yaml"
    hub programme load "changed/programmes/$district" >load.txt 2>&1 || {
        cat load.txt >&2
        fail "$(pick 'второй вариант не загружен' 'the second version was not loaded')"
    }
}

# Imports are collected and played together; anything else is done at once.
play_plan() {
    : >batch.tsv
    while IFS='	' read -r number kind who form period unit key filled_on file ru en; do
        case $kind in
        kind) continue ;; # the heading
        import | replace | correct | retract)
            printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$number" "$kind" "$who" "$form" "$period" "$unit" "$key" \
                "$filled_on" "$file" "$ru" >>batch.tsv
            continue
            ;;
        esac
        # Whoever reads the list of steps is not to eat the plan.
        play_all batch.tsv </dev/null
        : >batch.tsv
        case $kind in
        phase) tell "$ru" "$en" ;;
        hub-start) start_hub ;;
        sync-all) sync_all "$key" </dev/null ;;
        second-version) second_version "$form" </dev/null ;;
        killed) kill_in_the_middle "$who" </dev/null ;;
        *) fail "plan.tsv:$number: $kind" ;;
        esac
    done <"$work/plan/plan.tsv"
    play_all batch.tsv </dev/null
}

# ---- what must be true ----

check_counts() {
    sent=$(awk -F '[: ]+' -v district="$district" '$1 == district {print $2}' generated.txt)
    received=$(hub_figure submissions)
    [ "$(hub_figure quarantined)" = 0 ] || fail "$(pick 'что-то не принято: svodka-hub quarantine list' 'something is in quarantine')"
    [ "$received" = "$sent" ] || fail "$(pick 'сведений сделано' 'submissions made'): $sent, $(pick 'получено' 'received'): $received"
}

by_sqlite3() { # OUT
    for table in plan/truth/*.csv; do
        table_name=${table##*/}
        printf '.import --csv %s %s\n' "$table" "${table_name%.csv}"
    done >tables.sql
    cat tables.sql "$data/sql/$prefix.sql" >all.sql
    sqlite3 -batch -bail -noheader -separator '|' :memory: <all.sql >"$1" 2>sqlite.err || {
        cat sqlite.err >&2
        fail "sqlite3: $prefix.sql"
    }
}

compare() {
    hub indicators --programme "$district" --format csv >hub.csv || fail 'svodka-hub indicators'
    by_sqlite3 sql.txt
    "$python" "$data/compare.py" hub.csv sql.txt "$prefix" "$indicators" ||
        fail "$(pick 'показатели расходятся или не показательны' 'indicators differ, or show nothing')"
}

# ---- what people look at ----

# A command as one would type it, and the first lines of what it says.
show() { # LINES COMMAND...
    show_lines=$1
    shift
    printf '\n       $ svodka-hub %s\n' "$*"
    hub "$@" >shown.txt 2>shown.err || {
        cat shown.txt shown.err >&2
        fail "svodka-hub $*"
    }
    head -n "$show_lines" shown.txt | sed 's/^/       /'
    show_rest=$(($(wc -l <shown.txt) - show_lines))
    [ "$show_rest" -le 0 ] || printf '       ... %s %d\n' "$(pick 'и ещё строк:' 'and more lines:')" "$show_rest"
}

last_school_year() { awk -F , '$1 == "school_year" {last = $2} END {print last}' plan/truth/periods.csv; }
last_calendar_year() { awk -F , '$1 == "calendar_year" {last = $2} END {print last}' plan/truth/periods.csv; }

# The whole programme with targets and status, as the office sees it.
show_table() {
    show 500 indicators --programme "$district" --level municipality --period "$(last_school_year)"
    show 100 indicators --programme "$district" --level municipality --period "$(last_calendar_year)"
}

show_completeness() { show 60 completeness --summary --period "$(last_school_year)"; }

# How three of the numbers came about.
show_explanations() {
    case $district in
    klin) set -- KLN-14 2022/23-H1 KLN-18 2022/23 KLN-40 2022/23 ;;
    abinsky) set -- ABN-06 2019/20 ABN-08 2019/20 ABN-21 2019/20 ;;
    veshkaima) set -- VSH-09 2021/22 VSH-21 2021/22 VSH-23 2021/22 ;;
    zhigalovo) set -- ZHG-08 2021/22 ZHG-10 2021/22 ZHG-61 2021/22 ;;
    korolyov) set -- KOR-05 2019/20 KOR-16 2019/20 KOR-25 2019/20 ;;
    esac
    while [ $# -gt 0 ]; do
        show 14 explain "$1" --period "$2"
        shift 2
    done
}

# The last school year is closed, published for the region, and laid beside what the office sees.
show_publication() {
    year=$(last_school_year)
    hub period close "$year" --force --reason 'played' >shown.txt 2>shown.err || fail "svodka-hub period close $year"
    mkdir -p published
    printf '\n       $ svodka-hub publish %s --for region\n' "$year"
    hub publish "$year" --for region --programme "$district" --out published >shown.txt 2>shown.err || {
        cat shown.txt shown.err >&2
        fail "svodka-hub publish $year"
    }
    hub indicators --programme "$district" --period "$year" --format csv >office.csv 2>shown.err ||
        fail 'svodka-hub indicators'
    "$python" "$data/beside.py" office.csv published/*-region.csv 60 >beside.txt ||
        fail "$(pick 'опубликовано не то' 'what was published is not the office'\''s')"
    sed 's/^/       /' beside.txt
    tail -n 2 shown.txt | sed 's/^/       /'
    cp published/*-region.csv first.csv
    hub publish "$year" --for region --programme "$district" --out published >shown.txt 2>&1 || fail 'svodka-hub publish'
    cmp -s published/*-region.csv first.csv ||
        fail "$(pick 'вторая публикация отличается от первой' 'published again, it is not the same')"
}

# In this order; each is a function.
parts='table completeness explanations publication'

# ---- the district, played ----

generate
hub_home=$work/hub
free_port
"$hub_program" init --home "$hub_home" --name "$(pick 'Район' 'District')" --listen "tcp://127.0.0.1:$port" </dev/null >init.txt
hub programme load "$pack" >load.txt 2>&1 || {
    cat load.txt >&2
    fail "$(pick 'программа не загружена' 'the programme was not loaded')"
}
enrol
play_plan
tell 'Всё пересчитывается и сверяется.' 'Everything is computed again and compared.'
check_counts
hub verify >verify.txt 2>&1 || {
    cat verify.txt >&2
    fail 'svodka-hub verify'
}
compare
for part in $parts; do
    "show_$part"
done
stop_hub
