#!/bin/sh
# demo.sh BUILD_DIR: the main job on real answers, as a guided tour.
#
# Two schools' questionnaires and grades (tests/data/uci_student_performance) go from their CSV files to the district's
# indicators, and every number is computed a second time by sqlite3 from the same CSV files.  Ends non-zero when any
# cell differs, or when the meeting that is cut off by kill -9 does not resume in the middle.
# Russian when LANG (LC_ALL, LC_MESSAGES) begins with ru, else English.
set -eu
name=demo
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: demo.sh BUILD_DIR'
    exit 2
}
begin "$1"
data=$here/../data/uci_student_performance
pack=$(cd "$here/../data/packs/uci" && pwd)
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
ru*) language=ru ;;
*) language=en ;;
esac
LANGUAGE=$language
export LANGUAGE
# Commands are shown as they are run: from this folder, by these names.
PATH=$build/hub:$build/agent:$PATH
export PATH
cd "$work"

# ---- the tour's voice ----

steps=15
step=0
tell() { # RUSSIAN ENGLISH
    step=$((step + 1))
    if [ "$language" = ru ]; then
        printf '\n%2d/%d  %s\n' "$step" "$steps" "$1"
    else
        printf '\n%2d/%d  %s\n' "$step" "$steps" "$2"
    fi
}

pick() { # RUSSIAN ENGLISH
    if [ "$language" = ru ]; then printf '%s' "$1"; else printf '%s' "$2"; fi
}

# A command as one would type it.
show() {
    shown='       $'
    for word in "$@"; do
        case $word in
        '&' | '<' | '>>') ;;
        *[!A-Za-z0-9_./:=,%+@-]* | '') word="'$word'" ;;
        esac
        shown="$shown $word"
    done
    printf '%s\n' "$shown"
}

run() {
    show "$@"
    "$@" >out.txt 2>err.txt || {
        cat out.txt err.txt >&2
        fail "$(pick 'команда не удалась' 'the command failed'): $*"
    }
}

quote_output() { # [LINES]: what the command said
    head -n "${1:-3}" out.txt | sed 's/^/         /'
}

# ---- the schools' own files: one CSV per school and course, with the line in the file as the pupil's code ----

cut_school() { # SCHOOL COURSE
    awk -F ';' -v school="\"$1\"" 'NR == 1 {print "pupil;" $0} NR > 1 && $1 == school {print NR ";" $0}' \
        "$data/student-$2.csv" >"$1-$2.csv"
}

import_all() { # SCHOOL
    run svodka-agent import family --home "$1" --period 2005/06 --csv "$1-por.csv" --map family
    for course in por mat; do
        for n in 1 2 3; do
            run svodka-agent import "grades-$course" --home "$1" --period "2005/06-P$n" --csv "$1-$course.csv" \
                --map "grades-$course-p$n"
        done
    done
}

# Sets `held` to the bytes of the unfinished batch that the hub has; its whole length is in the name of the spool file.
half_is_there() {
    for part in "$hub_home"/spool/*.part; do
        [ -e "$part" ] || return 1
        total=${part##*/}
        total=${total#*.}
        total=${total%%.*}
        held=$(wc -c <"$part" 2>/dev/null || echo 0)
        [ "$((held * 2))" -ge "$total" ] && return 0
    done
    return 1
}

# ---- the same indicators by sqlite3, from the CSV files alone ----

# Writes indicators.sql.  The correction and the retraction are done to the tables, too.  All division is of whole
# numbers, half up to six places.
write_sql() {
    cat >indicators.sql <<SQL
.mode csv
.separator ;
.import "$data/student-por.csv" por
.import "$data/student-mat.csv" mat
.mode list
.separator |
-- The row's number in the file: headings stand in line 1.
CREATE TABLE family AS SELECT school AS unit, rowid + 1 AS pupil, * FROM por;
CREATE TABLE grades AS
    SELECT 'por' AS course, school AS unit, rowid + 1 AS pupil, 1 AS n, CAST(G1 AS INTEGER) AS grade FROM por
    UNION ALL SELECT 'por', school, rowid + 1, 2, CAST(G2 AS INTEGER) FROM por
    UNION ALL SELECT 'por', school, rowid + 1, 3, CAST(G3 AS INTEGER) FROM por
    UNION ALL SELECT 'mat', school, rowid + 1, 1, CAST(G1 AS INTEGER) FROM mat
    UNION ALL SELECT 'mat', school, rowid + 1, 2, CAST(G2 AS INTEGER) FROM mat
    UNION ALL SELECT 'mat', school, rowid + 1, 3, CAST(G3 AS INTEGER) FROM mat;
UPDATE grades SET grade = $corrected_grade WHERE course = 'por' AND n = 3 AND pupil = $corrected_pupil;
DELETE FROM family WHERE pupil = $retracted_pupil;
-- Every row counts for its school and for the municipality.
CREATE VIEW f AS SELECT 'unit' AS level, unit AS scope, * FROM family
    UNION ALL SELECT 'municipality', '', * FROM family;
CREATE VIEW g AS SELECT 'unit' AS level, unit AS scope, * FROM grades
    UNION ALL SELECT 'municipality', '', * FROM grades;
WITH cells (indicator, level, scope, period, breakdown, numerator, denominator, n) AS (
    SELECT 'UCI-01', level, scope, '2005/06', '', 100 * sum(Medu = '4' AND Fedu = '4'), count(*), count(*)
        FROM f GROUP BY level, scope
    UNION ALL SELECT 'UCI-02', level, scope, '2005/06', '', 100 * sum(Pstatus = 'A'), count(*), count(*)
        FROM f GROUP BY level, scope
    UNION ALL SELECT 'UCI-03', level, scope, '2005/06', '', 100 * sum(internet = 'yes'), count(*), count(*)
        FROM f GROUP BY level, scope
    UNION ALL SELECT 'UCI-03', level, scope, '2005/06', 'address=' || address, 100 * sum(internet = 'yes'), count(*),
        count(*) FROM f GROUP BY level, scope, address
    UNION ALL SELECT 'UCI-04', level, scope, '2005/06', '', count(*), 1, count(*) FROM f GROUP BY level, scope
    UNION ALL SELECT 'UCI-04', level, scope, '2005/06', 'sex=' || sex, count(*), 1, count(*)
        FROM f GROUP BY level, scope, sex
    UNION ALL SELECT 'UCI-05', level, scope, '2005/06', '', sum(absences), 1, count(*) FROM f GROUP BY level, scope
    UNION ALL SELECT 'UCI-06', level, scope, '2005/06', '', sum(absences), count(*), count(*)
        FROM f GROUP BY level, scope
    UNION ALL SELECT iif(course = 'por', 'UCI-11', 'UCI-21'), level, scope, '2005/06-P' || n, '',
        100 * sum(grade >= 14), count(*), count(*) FROM g GROUP BY level, scope, course, n
    UNION ALL SELECT iif(course = 'por', 'UCI-12', 'UCI-22'), level, scope, '2005/06-P' || n, '',
        100 * sum(grade < 10), count(*), count(*) FROM g GROUP BY level, scope, course, n
    UNION ALL SELECT iif(course = 'por', 'UCI-13', 'UCI-23'), level, scope, '2005/06-P' || n, '',
        sum(grade), count(*), count(*) FROM g GROUP BY level, scope, course, n),
exact AS (SELECT *, (2000000 * numerator + denominator) / (2 * denominator) AS millionths FROM cells)
SELECT indicator, level, scope, period, breakdown, printf('%d.%06d', millionths / 1000000, millionths % 1000000), n
    FROM exact;
SQL
}

# Cells of both side by side, a line for each indicator, period and breakdown; false when any differs or is missing.
compare_cells() {
    printf '\n%-26s %23s  %23s  %23s\n' '' 'GP' 'MS' "$(pick 'район' 'municipality')"
    printf '%-26s %23s  %23s  %23s\n' '' 'svodka    sqlite3' 'svodka    sqlite3' 'svodka    sqlite3'
    awk -F '|' -v language="$language" -v pack="$pack/programme.yaml" '
        BEGIN { # names of the indicators, from the pack
            while ((getline line <pack) > 0) {
                if (line ~ /^ *- id:/) {sub(/.*id: */, "", line); id = line}
                if (line ~ /^ *name:/) {
                    sub(".*" language ": *\"", "", line); sub(/".*/, "", line); title[id] = line
                }
            }
        }
        {row = $1 "|" $4 "|" $5; cell = row "|" ($2 == "unit" ? $3 : "*")
         if (!(row in seen)) {seen[row] = 1; rows[++count] = row}
         cells[cell] = 1}
        FILENAME == "hub.cells" {hub[cell] = $6; hub_n[cell] = $7; next}
        {sql[cell] = $6; sql_n[cell] = $7}
        function pair(row, scope,    cell) {
            cell = row "|" scope
            return sprintf("%11s%1s%11s", hub[cell], hub[cell] == sql[cell] && hub_n[cell] == sql_n[cell] ? " " : "!",
                sql[cell])
        }
        END {
            for (i = 1; i <= count; i++) {
                split(rows[i], part, "|")
                if (part[1] != last) print part[1] "  " title[part[1]]
                last = part[1]
                printf "  %-12s %-12s %s  %s  %s\n", part[2], part[3], pair(rows[i], "GP"), pair(rows[i], "MS"),
                    pair(rows[i], "*")
            }
            for (cell in cells) {
                all++
                if (!(cell in hub) || !(cell in sql) || hub[cell] != sql[cell] || hub_n[cell] != sql_n[cell])
                    different++
            }
            printf language == "ru" ? "\nСверено ячеек: %d, расхождений: %d.\n" : \
                "\nCells compared: %d, differences: %d.\n", all, different
            exit different > 0 || all == 0
        }' hub.cells sqlite.cells ||
        fail "$(pick 'показатели расходятся (отмечены !)' 'the indicators differ (marked !)')"
}

# ---- the tour ----

for school in GP MS; do
    for course in por mat; do
        cut_school "$school" "$course"
    done
done
hub_home=$work/hub
corrected_pupil=2
corrected_grade=17
retracted_pupil=425
free_port

tell 'Районный отдел создаёт сервер района: ключи, журнал и настройки в одной папке.' \
    'The district office makes a hub: keys, ledger and settings in one folder.'
run svodka-hub init --home hub --name "$(pick 'Район' 'District')" --listen "tcp://127.0.0.1:$port" </dev/null

tell 'Загружает программу: формы, отчётные периоды и показатели.' \
    'It loads a programme: forms, periods and indicators.'
run svodka-hub programme load "$pack" --home hub
quote_output

tell 'Приглашает каждую школу; в файле приглашения всё, что ей нужно для начала.' \
    'It invites every school; the invitation file holds all that a school needs to begin.'
run svodka-hub school add GP --name 'Gabriel Pereira' --invite GP.invite --home hub
run svodka-hub school add MS --name 'Mousinho da Silveira' --invite MS.invite --home hub

tell 'Сервер ещё не включён, а школы уже начинают работу: у каждой своя папка.' \
    'The hub is not even running; the schools begin all the same, each with an agent of its own.'
run svodka-agent join GP.invite --home GP
run svodka-agent join MS.invite --home MS

tell 'Школа GP ставит в очередь анкеты семей и оценки за три периода из своих таблиц.' \
    'School GP queues its family questionnaires and the grades of three periods, from its own tables.'
import_all GP

tell 'Школа MS делает то же самое.' 'School MS does the same.'
import_all MS

tell 'Утром сервер включают: шлюз, который работает с сетью, и ядро, у которого нет ни одного сетевого соединения.' \
    'In the morning the hub is started: a network process, and a core that has no network at all.'
show svodka-hub serve --home hub '&'
start_hub

tell 'Школа MS передаёт данные; заявка на подключение уходит при той же первой связи.' \
    'School MS sends; its request to join rides in the same first meeting.'
run svodka-agent sync --home MS
quote_output

tell 'У школы GP медленная связь. Когда дошла половина отправки, компьютер «теряет питание».' \
    'School GP has a slow line. When half of its batch is acknowledged, its computer "loses power".'
show cp GP/agent.yaml agent.yaml.kept
cp GP/agent.yaml agent.yaml.kept
for setting in 'sync.max_rate: 8K' 'sync.chunk: 512'; do
    show echo "$setting" '>>' GP/agent.yaml
    echo "$setting" >>GP/agent.yaml
done
show svodka-agent sync --home GP '&'
"$agent_program" sync --home GP >out.txt 2>err.txt &
agent_pid=$!
remember "$agent_pid"
wait_until 15 half_is_there || fail "$(pick 'половина отправки так и не пришла' 'half of the batch never came')"
show kill -9 "$agent_pid"
kill_hard "$agent_pid"
sleep 0.3 # what was still under way comes in
half_is_there || fail "$(pick 'половины отправки больше нет' 'half of the batch is gone')"

tell 'Питание вернулось: передача продолжается с того байта, на котором оборвалась.' \
    'Power is back: the transfer goes on at the byte where it broke off.'
show mv agent.yaml.kept GP/agent.yaml
mv agent.yaml.kept GP/agent.yaml
run svodka-agent sync --home GP
quote_output 5
grep -qw "$held" out.txt || fail "$(pick 'передача не продолжилась с байта' 'the meeting did not go on at byte') $held"

tell 'Учитель ошибся в оценке: школа исправляет её, первичная запись остаётся в журнале.' \
    'A teacher mistook a grade: the school corrects it; the ledger keeps the first version.'
run svodka-agent correct grades-por --home GP --period 2005/06-P3 --key "$corrected_pupil" \
    --set "grade=$corrected_grade" \
    --reason "$(pick 'опечатка' 'slip of the pen')"

tell 'Одна анкета подана по ошибке: школа отзывает её.' \
    'A questionnaire was sent by mistake: the school retracts it.'
run svodka-agent retract family --home MS --period 2005/06 --key "$retracted_pupil" \
    --reason "$(pick 'нет согласия' 'no consent')"

tell 'Исправления уходят в район.' 'Both changes go to the hub.'
run svodka-agent sync --home GP
run svodka-agent sync --home MS

tell 'Показатели по школам и району: рядом то, что sqlite3 сосчитал сам из тех же CSV.' \
    'The indicators by school and for the municipality, beside what sqlite3 computes itself from the same CSV files.'
show svodka-hub indicators --home hub --format csv
hub_cells hub.cells
write_sql
show sqlite3 csv.db '<' indicators.sql
sqlite3 csv.db <indicators.sql | sort >sqlite.cells
compare_cells

tell 'Обе стороны пересчитывают и проверяют всё, что у них хранится.' \
    'Both sides compute again and check all that they hold.'
run svodka-hub verify --home hub
quote_output
run svodka-agent verify --home GP
run svodka-agent verify --home MS
stop_hub
