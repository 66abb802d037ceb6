# shellcheck shell=sh disable=SC2034
# lib.sh: what the shell scripts of tests/integration, tests/fault and tests/bench share.  Sourced, never run.
#
# A script sets `name`, sources this file and calls `begin BUILD_DIR`.  From then on there is a fresh folder $work that
# goes away at the end, however the script ends, together with every process that was started through this file.  What is
# about the disk itself sets on_disk=yes before: $work is not in memory then, wherever TMPDIR points (./run test).
# Addresses are 127.0.0.1 only.

name=${name:?the name of the script is expected}

# Debian's own: what a version manager puts before it in PATH takes ten times as long to start.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
python3() { command "$python" "$@"; }

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
fail() {
    warn "$name: $*"
    exit 1
}

begin() { # BUILD_DIR
    build=$(cd "$1" && pwd) || exit 2
    hub_program=$build/hub/svodka-hub
    agent_program=$build/agent/svodka-agent
    for program in "$hub_program" "$build/hub/svodka-hub-gateway" "$agent_program"; do
        [ -x "$program" ] || fail "$program is missing: build it first (./run build)"
    done
    SVODKA_LOCALEDIR=$build/locale
    export SVODKA_LOCALEDIR
    unset SVODKA_HOME
    exec </dev/null # nothing is asked, whoever runs the script
    started=
    mounted=
    loop_device=
    spaces= # network namespaces
    hub_pid=
    hub_home=
    work=
    trap finish EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    begin_in=${TMPDIR:-/tmp}
    [ -z "${on_disk:-}" ] || begin_in=${SVODKA_TEST_DISK:-$begin_in}
    work=$(mktemp -d "$begin_in/svodka-$name-XXXXXX") || exit 1
    chmod 700 "$work"
}

# The exit code of the script is kept.
finish() {
    finish_code=$?
    trap - EXIT
    trap '' HUP INT TERM
    if [ "$finish_code" != 0 ] && [ "$finish_code" -lt 129 ] && [ -n "$work" ] && [ -s "$work/hub.log" ]; then
        warn "$name: the end of the hub's log:"
        tail -n 30 "$work/hub.log" >&2
    fi
    for finish_pid in $started; do
        end_process "$finish_pid"
    done
    for finish_space in $spaces; do
        ip netns del "$finish_space" || true
    done
    if [ -n "$mounted" ]; then
        umount "$mounted" || umount -l "$mounted"
    fi
    [ -z "$loop_device" ] || losetup -d "$loop_device"
    if [ -n "$work" ]; then
        if [ "$finish_code" != 0 ] && [ -n "${SVODKA_KEEP:-}" ]; then
            warn "$name: kept (SVODKA_KEEP): $work"
        else
            rm -rf "$work"
        fi
    fi
    exit "$finish_code"
}

# ---- processes ----

is_alive() { # PID: neither gone nor a zombie
    is_alive_state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 1
    [ -n "$is_alive_state" ] && [ "$is_alive_state" != Z ]
}

children_of() { # PID
    cat "/proc/$1/task/$1/children" 2>/dev/null || true
}

remember() { started="$started $1"; }

forget() { # PID
    forget_rest=
    for forget_pid in $started; do
        [ "$forget_pid" = "$1" ] || forget_rest="$forget_rest $forget_pid"
    done
    started=$forget_rest
}

# Asks it to end, waits ten seconds, then kills it and the children it had; sets end_code to its exit code.
end_process() { # PID
    end_children=$(children_of "$1")
    kill -TERM "$1" 2>/dev/null || true
    end_tries=0
    while is_alive "$1" && [ "$end_tries" -lt 200 ]; do
        sleep 0.05
        end_tries=$((end_tries + 1))
    done
    if is_alive "$1"; then
        warn "$name: process $1 does not end; killed"
        # shellcheck disable=SC2086
        kill -KILL "$1" $end_children 2>/dev/null || true
    fi
    end_code=0
    wait "$1" 2>/dev/null || end_code=$?
    forget "$1"
}

kill_hard() { # PID: kill -9 of a child of this shell, and its end
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    forget "$1"
}

# True as soon as the command succeeds; false when SECONDS are over.
wait_until() { # SECONDS COMMAND...
    wait_left=$(($1 * 50))
    shift
    until "$@"; do
        wait_left=$((wait_left - 1))
        [ "$wait_left" -gt 0 ] || return 1
        sleep 0.02
    done
}

refused() { # CODE TEXT COMMAND...: it exits so and says this on stderr; out.txt and err.txt have what it said
    refused_code=$1
    refused_text=$2
    shift 2
    refused_got=0
    "$@" >out.txt 2>err.txt </dev/null || refused_got=$?
    [ "$refused_got" = "$refused_code" ] || { cat out.txt err.txt >&2; fail "$*: exit $refused_got, expected $refused_code"; }
    grep -qF -- "$refused_text" err.txt || { cat err.txt >&2; fail "$*: nobody is told \"$refused_text\""; }
}

# ---- numbers ----

seed_random() { # SEED: random numbers below come from it, the same in every shell
    random_state=$(($1 % 2147483647))
    [ "$random_state" -gt 0 ] || random_state=1
}

# Sets `random` to a number from 0 to LIMIT - 1.  (Lehmer's generator; no subshell, or the state would be lost.)
draw() { # LIMIT
    random_state=$((random_state * 48271 % 2147483647))
    random=$((random_state / 7 % $1))
}

milliseconds() { # N: as seconds for sleep
    printf '%d.%03d' "$(($1 / 1000))" "$(($1 % 1000))"
}

now_ms() { echo "$(($(date +%s%N) / 1000000))"; }

# ---- ports ----

port_listens() { # PORT
    awk -v port="$(printf '%04X' "$1")" '$4 == "0A" && $2 ~ ":" port "$" {found = 1} END {exit !found}' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Sets `port` to one that nobody has, below the range from which the kernel takes ports by itself.
free_port() {
    port_offset=$(($(od -An -N2 -tu2 /dev/urandom) % 12000))
    port=$(awk -v offset="$port_offset" '
        FNR > 1 {n = $2; sub(/.*:/, "", n); taken[n] = 1}
        END {for (i = 0; i < 12000; i++) {p = 20000 + (offset + i) % 12000
             if (!(sprintf("%04X", p) in taken)) {print p; exit}}}' /proc/net/tcp /proc/net/tcp6)
    [ -n "$port" ] || fail 'no free port on 127.0.0.1'
}

# ---- the programs ----

hub() { "$hub_program" "$@" --home "$hub_home"; }
agent() { # HOME COMMAND...
    agent_home=$1
    shift
    "$agent_program" "$@" --home "$work/$agent_home"
}

# A hub in $hub_home with the pack PACK on a free port; sets `port`.
make_hub() { # PACK
    hub_home=$work/hub
    free_port
    "$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" </dev/null >"$work/init.txt"
    hub programme load "$1" >"$work/load.txt"
}

# Invites a school and makes its home $work/HOME (SCHOOL if not said).
make_school() { # SCHOOL [HOME]
    hub school add "$1" --name "Школа $1" --invite "$work/$1.invite" >"$work/add.txt"
    "$agent_program" join "$work/$1.invite" --home "$work/${2:-$1}" >"$work/join.txt"
}

hub_is_up() { port_listens "$port" && [ -S "$hub_home/run/operator.sock" ]; }

# Starts gateway and core in $hub_home; sets hub_pid.
start_hub() {
    "$hub_program" serve --home "$hub_home" >>"$work/hub.log" 2>&1 &
    hub_pid=$!
    remember "$hub_pid"
    wait_until 20 hub_is_up || fail 'the hub does not start within 20 seconds'
}

stop_hub() {
    [ -n "$hub_pid" ] || return 0
    end_process "$hub_pid"
    hub_pid=
    [ "$end_code" = 0 ] || fail "svodka-hub serve ended with $end_code"
    # What a sanitizer found in its processes would else be seen by nobody.
    if grep -E 'ERROR: [A-Za-z]+Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$work/hub.log" >&2; then
        fail 'a sanitizer found something in the hub'
    fi
}

# ---- other days ----

# Before the functions below; without libfaketime the script ends here, and says so.
other_days_or_skip() {
    command -v faketime >/dev/null 2>&1 || {
        say "$name: SKIPPED, LOUDLY: faketime is not installed"
        exit 0
    }
    # shellcheck disable=SC2016 # of the inner shell
    fake=$(faketime -f +1d sh -c 'printf %s "$LD_PRELOAD"')
}
# on DAY COMMAND...: as if it were noon of that day.  (The program faketime would stand between us and the process.)
on() {
    on_day=$1
    shift
    env FAKETIME="@$on_day 12:00:00" FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD="$fake" \
        ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "$@"
}
hub_on() { # DAY COMMAND...
    hub_day=$1
    shift
    on "$hub_day" "$hub_program" "$@" --home "$hub_home"
}
agent_on() { # DAY HOME COMMAND...
    agent_day=$1
    agent_home=$work/$2
    shift 2
    on "$agent_day" "$agent_program" "$@" --home "$agent_home"
}
# The hub's processes have a clock of their own: it runs on from noon of that day.
serve_on() { # DAY
    sh -c 'exec env FAKETIME="@$1 12:00:00" FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD="$2" \
        ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "$3" serve --home "$4"' \
        serve "$1" "$fake" "$hub_program" "$hub_home" >>"$work/hub.log" 2>&1 &
    hub_pid=$!
    remember "$hub_pid"
    wait_until 20 hub_is_up || fail 'the hub does not start within 20 seconds'
}

# The hub's two children by name; sets gateway_pid and core_pid ("" while one is being started again).
find_hub_parts() {
    gateway_pid=
    core_pid=
    for part_pid in $(children_of "$hub_pid"); do
        case $(cat "/proc/$part_pid/comm" 2>/dev/null || true) in
        svodka-hub-gate*) gateway_pid=$part_pid ;;
        svodka-hub) core_pid=$part_pid ;;
        esac
    done
}

# ---- workbooks by other programs ----

# FILE as a workbook, and whatever else they read, saved anew as .xlsx in FOLDER.  A start of LibreOffice costs six seconds
# of processor time whatever it converts: all files together.  Tables (.csv) have commas.
by_libreoffice() { # FOLDER FILE...
    lo_folder=$1
    shift
    soffice "-env:UserInstallation=file://$work/soffice" --headless --norestore --convert-to xlsx \
        --infilter=CSV:44,34,76,1,,1033,false,false --outdir "$lo_folder" "$@" >"$work/convert.txt" 2>&1 || :
    for lo_file in "$@"; do
        lo_file=${lo_file##*/}
        [ -s "$lo_folder/${lo_file%.*}.xlsx" ] || {
            cat "$work/convert.txt" >&2
            fail "LibreOffice cannot convert $lo_file"
        }
    done
}

by_gnumeric() { # FILE OUT
    LC_ALL=C.UTF-8 ssconvert --import-encoding=UTF-8 -T Gnumeric_Excel:xlsx2 "$1" "$2" >"$work/convert.txt" 2>&1 || :
    [ -s "$2" ] || {
        cat "$work/convert.txt" >&2
        fail "Gnumeric cannot convert $1"
    }
}

# What both take apart without being told.
with_commas() { # FILE.csv SEPARATOR OUT.csv
    python3 -c 'import csv, sys; csv.writer(open(sys.argv[3], "w", encoding="utf-8", newline="")).writerows(
        csv.reader(open(sys.argv[1], encoding="utf-8-sig", newline=""), delimiter=sys.argv[2]))' "$1" "$2" "$3"
}

# ---- what must be true at the end of everything ----

# The indicators as the hub gives them to programs, in $work/indicators.csv.
read_indicators() {
    hub indicators --format csv >"$work/indicators.csv" 2>"$work/indicators.txt" || {
        cat "$work/indicators.txt" >&2
        fail 'svodka-hub indicators failed'
    }
}

# Columns of them that two computations must agree on, sorted; units without data are left out.
hub_cells() { # FILE
    read_indicators
    awk -F , '
        NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i
                 for (i = split("indicator level unit period breakdown value n state", want, " "); i > 0; i--)
                     if (!(want[i] in at)) {print "no column " want[i] > "/dev/stderr"; exit 1}
                 next}
        $at["state"] == "no-data" {next}
        {gsub(/"/, ""); print $at["indicator"] "|" $at["level"] "|" $at["unit"] "|" $at["period"] "|" \
            $at["breakdown"] "|" $at["value"] "|" $at["n"]}' "$work/indicators.csv" | sort >"$1"
}

verify_clean() { # SCHOOL...
    hub verify >"$work/verify.txt" 2>&1 || {
        cat "$work/verify.txt" >&2
        fail 'svodka-hub verify is not clean'
    }
    for verify_school in "$@"; do
        agent "$verify_school" verify >"$work/verify.txt" 2>&1 || {
            cat "$work/verify.txt" >&2
            fail "svodka-agent verify of $verify_school is not clean"
        }
    done
}

# ---- the register of marks (tests/fault/pack): what the indicators should be, by sqlite3 alone ----
#
# $work/model.db holds, for each school, quarter and pupil, the row that counts.  A later row of a pupil replaces the
# earlier one, a correction replaces the row it names, a retraction takes it away.

model() { sqlite3 -batch "$work/model.db" "$@"; }

model_new() {
    model <<'SQL'
CREATE TABLE marks (unit TEXT, period TEXT, pupil TEXT, sex TEXT, grade INTEGER, absences INTEGER, note TEXT,
    PRIMARY KEY (unit, period, pupil));
CREATE TABLE rows (pupil TEXT, sex TEXT, grade TEXT, absences TEXT, note TEXT);
CREATE VIEW scoped AS
    SELECT 'unit' AS level, unit, period, pupil, sex, grade, absences, note FROM marks
    UNION ALL SELECT 'municipality', '', period, pupil, sex, grade, absences, note FROM marks;
SQL
}

# Rows of a CSV (pupil;sex;grade;absences;note with headings) that a school has sent.
model_import() { # UNIT PERIOD FILE
    model <<SQL
DELETE FROM rows;
.mode csv
.separator ;
.import --skip 1 $3 rows
INSERT OR REPLACE INTO marks
    SELECT '$1', '$2', pupil, sex, CAST(grade AS INTEGER), CAST(NULLIF(absences, '') AS INTEGER), note FROM rows;
SQL
}

model_correct() { # UNIT PERIOD PUPIL GRADE
    model "UPDATE marks SET grade = $4 WHERE unit = '$1' AND period = '$2' AND pupil = '$3';"
}

model_retract() { # UNIT PERIOD PUPIL
    model "DELETE FROM marks WHERE unit = '$1' AND period = '$2' AND pupil = '$3';"
}

# Sets `pupil` to one who has a row there, by chance; to "" when nobody has.
pick_pupil() { # UNIT PERIOD
    draw 100000
    pupil=$(model "SELECT pupil FROM marks WHERE unit = '$1' AND period = '$2' ORDER BY pupil
           LIMIT 1 OFFSET $random % max(1, (SELECT count(*) FROM marks WHERE unit = '$1' AND period = '$2'));")
}

# The cells as hub_cells() writes them.  All division is of whole numbers, half up to six places.
model_cells() { # FILE
    model "
        WITH cells (indicator, level, unit, period, breakdown, numerator, denominator, n) AS (
            SELECT 'pupils', level, unit, period, '', count(*), 1, count(*) FROM scoped GROUP BY level, unit, period
            UNION ALL SELECT 'absences', level, unit, period, '', sum(absences), 1, count(absences)
                FROM scoped GROUP BY level, unit, period
            UNION ALL SELECT 'mean-grade', level, unit, period, '', sum(grade), count(grade), count(grade)
                FROM scoped GROUP BY level, unit, period
            UNION ALL SELECT 'quality', level, unit, period, '', 100 * sum(grade >= 14), count(*), count(*)
                FROM scoped GROUP BY level, unit, period
            UNION ALL SELECT 'failing', level, unit, period, '', 100 * sum(grade < 10), count(*), count(*)
                FROM scoped GROUP BY level, unit, period
            UNION ALL SELECT 'failing', level, unit, period, 'sex=' || sex, 100 * sum(grade < 10), count(*), count(*)
                FROM scoped GROUP BY level, unit, period, sex),
        exact AS (
            SELECT *, (2000000 * numerator + denominator) / (2 * denominator) AS millionths FROM cells WHERE n > 0)
        SELECT indicator, level, unit, period, breakdown, printf('%d.%06d', millionths / 1000000, millionths % 1000000),
            n FROM exact;" | sort >"$1"
}

same_cells() { # what happened before, for the message
    hub_cells "$work/cells.hub"
    model_cells "$work/cells.model"
    [ -s "$work/cells.hub" ] || fail "after $1: the hub has no indicators"
    if ! cmp -s "$work/cells.hub" "$work/cells.model"; then
        diff "$work/cells.hub" "$work/cells.model" | head -n 20 >&2
        fail "after $1: the indicators (<) differ from the independent computation (>)"
    fi
}

# COUNT rows of different pupils out of PUPILS, whose codes begin with PREFIX.
make_rows() { # FILE COUNT PUPILS [PREFIX]
    draw 1000000
    awk -v count="$2" -v pupils="$3" -v prefix="${4:-p}" -v seed="$random" 'BEGIN {
        srand(seed)
        print "pupil;sex;grade;absences;note"
        for (i = 1; i <= pupils && count > 0; i++)
            if (rand() * (pupils - i + 1) < count) {
                count--
                printf "%s%d;%s;%d;%s;", prefix, i, rand() < 0.5 ? "F" : "M", rand() * 21,
                    rand() < 0.1 ? "" : int(rand() * 94)
                # What does not pack well makes batches of several chunks out of few rows.
                for (k = 0; k < 12; k++) printf "%c%d", 97 + int(rand() * 26), rand() * 1000
                print ""
            }
    }' >"$1"
}

# How many submissions a school has ever made here.
history_count() { # SCHOOL
    agent "$1" history --format csv | awk 'END {print (NR > 0 ? NR - 1 : 0)}'
}

# One figure of `svodka-hub status`.
hub_figure() { # NAME
    hub status --format csv | awk -F , -v name="$1" '$1 == name {print $3}'
}

# The hub has received every submission of these schools, and each of them once; others have made OTHERS.
same_submissions() { # WHAT OTHERS HOME...
    same_after=$1
    made=$2
    shift 2
    for same_home in "$@"; do
        made=$((made + $(history_count "$same_home")))
    done
    received=$(hub_figure submissions)
    [ "$received" = "$made" ] || fail "after $same_after: $made submissions were made, the hub has received $received"
    [ "$(hub_figure quarantined)" = 0 ] || fail "after $same_after: something is in quarantine"
}

# Meetings until one has gone well: after a crash the hub needs a moment.
sync_until_done() { # SCHOOL
    sync_tries=0
    until agent "$1" sync >"$work/sync-said.txt" 2>&1; do
        sync_tries=$((sync_tries + 1))
        if [ "$sync_tries" -ge 60 ]; then
            cat "$work/sync-said.txt" >&2
            fail "$1: no meeting went well in 60 tries"
        fi
        sleep 0.25
    done
}
