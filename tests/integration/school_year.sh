#!/bin/sh
# school_year.sh BUILD_DIR: a school year of one school and its office, by the commands and files that a person would use,
# as docs/ru tells it: the sheet with the code, the passport on a terminal, the staff in a workbook, the social passport
# with two mistakes, three weeks without a line, a correction, a question, a teacher who leaves, forty sheets of paper, a
# new computer, the quarter closed, the table for Tuesday, the report against the targets, and the next year.  What the
# office sees at the end is computed a second time by sqlite3 from what was typed (invariants 1, 3, 5, 7, 9).
set -eu
name=school_year
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
begin "$1"
# glibc overwrites what is freed: whoever reads it afterwards shows it.
MALLOC_PERTURB_=165
export MALLOC_PERTURB_
cd "$work"
LC_ALL=C.UTF-8
LANGUAGE=ru
TZ=UTC
export LC_ALL LANGUAGE TZ
other_days_or_skip
programme=$here/../../configs/programmes/zhigalovo
year=2020/21

tool() { python3 "$here/workbook_mend.py" "$@" || fail "workbook_mend.py $*"; }
says() { # TEXT FILE
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "$2 does not say \"$1\""; }
}
# s DAY COMMAND...: at the school, in whichever home it has now; out.txt and err.txt have what it said.
s() {
    s_day=$1
    shift
    agent_on "$s_day" "$school" "$@" >out.txt 2>err.txt </dev/null || { cat out.txt err.txt >&2; fail "$*"; }
}
# o DAY COMMAND...: at the office
o() {
    o_day=$1
    shift
    hub_on "$o_day" "$@" >out.txt 2>err.txt </dev/null || { cat out.txt err.txt >&2; fail "$*"; }
}
# The computer of the office on which it fills in its own forms; the other school.
beside() { # DAY HOME COMMAND...
    agent_on "$@" >beside.txt 2>&1 </dev/null || { cat beside.txt >&2; fail "$*"; }
}
# The hub runs that day, and these homes meet it.
meet() { # DAY HOME...
    meet_day=$1
    shift
    serve_on "$meet_day"
    for meet_home in "$@"; do
        beside "$meet_day" "$meet_home" sync
    done
    stop_hub
}
# What was typed, as somebody with a pencil would note it: tables for sqlite3.
model 'CREATE TABLE marks (unit TEXT, period TEXT, grade INTEGER, assessed INTEGER, good INTEGER, failing INTEGER,
    PRIMARY KEY (unit, period, grade));
    CREATE TABLE soc (unit TEXT, field TEXT, value INTEGER);'

# ---- September: the office, the sheet, the passport on a terminal ----

hub_home=$work/hub
free_port
main_port=$port
free_port
while [ "$port" = "$main_port" ]; do free_port; done
door=127.0.0.1:$port
port=$main_port
on 2020-09-01 "$hub_program" init --home "$hub_home" --name 'Жигаловский район' --listen "tcp://127.0.0.1:$port" \
    --door "tcp://$door" </dev/null >init.txt
o 2020-09-01 programme load "$programme"
o 2020-09-01 school add office --name 'Отдел образования' --role office --unit '*' --invite office.invite
o 2020-09-01 school add s07 --name 'Школа № 7' --invite s07.invite
o 2020-09-01 school add s09 --name 'Школа № 9' --invite s09.invite
o 2020-09-01 school add s05 --name 'Школа № 5' --sheet s05.txt
serve_on 2020-09-02
for who in office s07 s09; do
    on 2020-09-02 "$agent_program" join "$who.invite" --home "$work/$who" >join.txt 2>&1 </dev/null
done
school=old
code=$(sed -n 's/^Одноразовый код: //p' s05.txt)
root=$(sed -n 's/^Отпечаток: //p' s05.txt)
on 2020-09-02 "$agent_program" join "$code" --hub "$door" --root "$root" --home "$work/$school" >join.txt 2>err.txt </dev/null ||
    { cat s05.txt err.txt >&2; fail 'the sheet does not let the school in'; }
says 'Код восстановления' join.txt
s 2020-09-02 people add 'Петрова А. А.'
s 2020-09-02 people add 'Яковлева О. П.'
cat >roster.csv <<'CSV'
unit_id,name,kind,settlement,status,since,small,remote
s05,Школа № 5,secondary,township,active,1990-09-01,no,no
s07,Школа № 7,basic,village,active,1990-09-01,yes,yes
CSV
beside 2020-09-02 office import roster --period "$year" --csv roster.csv
beside 2020-09-02 office sync
beside 2020-09-02 s07 sync
o 2020-09-02 night 2020-09-03 --check # who is expected has come, and the hub is as old as that: --check is content
stop_hub

printf '%s\n' 1 3 2 нет нет 170 20 18 да да 1 1 2 да 1 2 50 да 2 2 50 да 5 3 70 нет да да |
    on 2020-09-14 script -qec "'$agent_program' submit pass --period $year --home '$work/$school'" /dev/null >typed.txt 2>&1 ||
    { cat typed.txt >&2; fail 'the passport cannot be filled in on a terminal'; }
s 2020-09-14 return pass --period "$year" --complete --by 'Петрова А. А.' --approve 'Иванова И. И.'
s 2020-09-14 return pass --period "$year" --print паспорт.html
says '<td>Петрова А. А.</td>' паспорт.html # the paper stays here

# ---- the staff in a workbook ----

staff='Педагогические работники'
s 2020-09-20 forms
says 'только: основная, средняя' out.txt # schools, as the register calls them
s 2020-09-20 forms staff --template staff.xlsx --period "$year"
set --
for i in 1 2 3 4 5 6 7 8 9; do
    row=$((i + 2))
    set -- "$@" "A$row=T0$i" "B$row=учитель" "C$row=да" "D$row=нет" "E$row=математика" "F$row=высшее" "G$row=первая" \
        "H$row=4–10 лет" "I$row=30–54" "J$row=18–25 ч" "K$row=да"
done
tool set staff.xlsx учителя.xlsx "$staff" "$@"
if agent_on 2020-09-21 "$school" import staff --period "$year" --xlsx учителя.xlsx --by Яковлев >out.txt 2>err.txt; then
    fail 'one who is not in the list has entered it'
fi
says 'svodka-agent people add' err.txt
s 2020-09-21 import staff --period "$year" --xlsx учителя.xlsx --by 'яковлева о. п.'
says 'в очередь поставлено 9 записей' out.txt
s 2020-09-21 return staff --period "$year" --format csv
[ "$(grep -c ',P2,' out.txt)" = 9 ] || { cat out.txt >&2; fail 'the code of the one who imported is not with the rows'; }

# ---- October: the social passport with two mistakes, mended in the copy ----

sheet='Социальный паспорт'
s 2020-10-05 forms soc --template soc.xlsx --period soc-2020-10-01
tool set soc.xlsx паспорт.xlsx "$sheet" A3=170 B3=450 C3=20 D3=5 E3=много F3=1 G3=10 H3=10 I3=20 J3=3 K3=0 L3=10 M3=4 \
    N3=250 O3=70 P3=60 Q3=20
if agent_on 2020-10-05 "$school" import soc --period soc-2020-10-01 --xlsx паспорт.xlsx >out.txt 2>err.txt; then
    fail 'a social passport with two mistakes is taken'
fi
says 'ячейка B3' err.txt
says 'ячейка E3' err.txt
tool set паспорт-ошибки.xlsx паспорт-ошибки.xlsx "$sheet" B3=45 E3=7
s 2020-10-05 import soc --period soc-2020-10-01 --xlsx паспорт-ошибки.xlsx
meet 2020-10-05 "$school"
fields='pupils both_parents_he one_parent_family on_registers non_native_russian from_abroad large_family low_income
    large_or_low_income aoop intellectual risk_zone risk_zone_in_large_or_low parents parents_worker
    parents_secondary_or_vocational parents_no_vocational'
passport() { # UNIT FIGURE...: as it is written on paper; soc.json has it, too
    passport_unit=$1
    shift
    json=
    for field in $fields; do
        json="$json${json:+, }\"$field\": $1"
        model "INSERT INTO soc VALUES ('$passport_unit', '$field', $1);"
        shift
    done
    printf '{%s}' "$json" >soc.json
}
passport s05 170 45 20 5 7 1 10 10 20 3 0 10 4 250 70 60 20
passport s07 40 3 11 1 0 0 5 9 12 0 0 6 2 60 30 20 5
beside 2020-10-12 s07 submit soc --period soc-2020-10-01 --json soc.json

# ---- November: three weeks without a line; then all of it arrives ----

if agent_on 2020-11-01 "$school" doctor >out.txt 2>err.txt; then fail 'there is no way to the district, and doctor is content'; fi
says 'ПЛОХО       связь с районом: нет' out.txt
says 'последний сеанс связи с районом: 2020-10-05' out.txt
if agent_on 2010-01-01 "$school" doctor --offline >out.txt 2>err.txt; then fail 'the clock is ten years behind, and doctor is content'; fi
says 'ПЛОХО       часы: 2010-01-01 12:00' out.txt

marks() { # DAY HOME UNIT PERIOD GRADE ASSESSED GOOD FAILING ...
    marks_day=$1 marks_home=$2 marks_unit=$3 marks_period=$4
    shift 4
    rows=
    while [ $# -gt 0 ]; do
        rows="$rows${rows:+, }{\"grade\": $1, \"group\": \"all\", \"subject\": \"all\", \"assessed\": $2, \"only_4_5\": $3, \"failing\": $4}"
        model "INSERT OR REPLACE INTO marks VALUES ('$marks_unit', '$marks_period', $1, $2, $3, $4);"
        shift 4
    done
    printf '{"rows": [%s]}' "$rows" >marks.json
    agent_on "$marks_day" "$marks_home" submit marks --period "$marks_period" --json marks.json >out.txt 2>err.txt </dev/null ||
        { cat err.txt >&2; fail "the marks of $marks_unit for $marks_period are refused"; }
}
marks 2020-11-02 "$school" s05 "$year-Q1" 2 50 22 3 5 70 28 4
if agent_on 2020-11-03 "$school" sync >out.txt 2>err.txt; then fail 'there is no line, and it was used'; fi
says 'Всё, что ждёт отправки, сохранено' err.txt
s 2020-11-20 status
says 'пропало бы  1 запись с 2 ноября 2020' out.txt
marks 2020-11-24 s07 s07 "$year-Q1" 2 12 5 0 5 9 3 1
meet 2020-11-24 "$school" s07
# What the office sees in the morning; the school that let its invitation expire is turned away, and it is said why.
serve_on 2020-11-26
if agent_on 2020-11-26 s09 sync >out.txt 2>err.txt; then fail 'an invitation of September is good in November'; fi
o 2020-11-26 doctor
says 'в порядке   шлюз, к которому подключаются школы: соединён' out.txt
says 'последняя копия: нет' out.txt
s 2020-11-26 doctor
says 'в порядке   связь с районом: да' out.txt
o 2020-11-26 night 2020-11-27 # while the hub is running: what it has in memory is in it
says 'Ночь на 27 ноября 2020' out.txt
says 'Школа № 9          не впущена' out.txt
says 'Пришли: 0 из 3.' out.txt # who has never joined is expected by nobody
says 'срок её приглашения истёк' out.txt
stop_hub
o 2020-11-27 night 2020-11-25
says 'Школа № 5          пришла        2020-11-24 12:00        1' out.txt
says 'Сервер не работал с 2020-11-24 12:00 до 2020-11-25 12:00' out.txt
if hub_on 2020-11-27 night --check >out.txt 2>err.txt; then fail 'a school was turned away, and --check is content'; fi
# Who need not look is told: once a day, and not of what was told already.
cat >tell.sh <<'TELL'
cat >>"$1"
env >"$1.env"
TELL
: >told.txt
printf 'night.alert: ["/bin/sh", "%s", "%s"]\n' "$work/tell.sh" "$work/told.txt" >>"$hub_home/hub.yaml"
o 2020-11-27 night --alert 2020-11-27
says 'ночь на 27 ноября 2020' told.txt
says 's09  Школа № 9: срок её приглашения истёк' told.txt
says 'Сервер не работал с 2020-11-26 12:00 до' told.txt
for figure in SVODKA_NIGHT=2020-11-27 SVODKA_REFUSED=1 SVODKA_EXPECTED=3 SVODKA_CAME=0 SVODKA_SILENT=1; do
    grep -qx "$figure" told.txt.env || { cat told.txt.env >&2; fail "the command is not given $figure"; }
done
! grep -E '^(SVODKA_HOME|LD_PRELOAD|FAKETIME)' told.txt.env >&2 || fail 'the command is given what is ours'
cp told.txt told-once.txt
o 2020-11-27 night --alert 2020-11-27
cmp -s told.txt told-once.txt || fail 'the same thing is told twice on one day'
printf 'exit 7\n' >tell.sh
if hub_on 2020-11-28 night --alert 2020-11-27 >out.txt 2>err.txt; then fail 'nobody was told, and nobody is told that'; fi
says 'кодом 7' err.txt
printf 'cat >"$1"\n' >tell.sh
o 2020-11-28 night --alert 2020-11-27 # the next morning, and after a try that failed
says 'Школа № 9' told.txt
sed -i '/^night.alert/d' "$hub_home/hub.yaml"
o 2020-11-29 night --alert 2020-11-27
says 'Школа № 9' out.txt # there is nobody to tell: it is for the log

# ---- a week later: a correction, and the return is marked again ----

printf '{"rows": [{"grade": 2, "group": "all", "subject": "all", "assessed": 50, "only_4_5": 24, "failing": 2},
        {"grade": 5, "group": "all", "subject": "all", "assessed": 70, "only_4_5": 28, "failing": 4}]}' >marks.json
s 2020-12-01 correct marks --period "$year-Q1" --json marks.json --reason 'пересдали двое'
model "INSERT OR REPLACE INTO marks VALUES ('s05', '$year-Q1', 2, 50, 24, 2);"
s 2020-12-01 return marks --period "$year-Q1" --complete --entered-by 'Петрова А. А.' --approve 'Иванова И. И.'
meet 2020-12-01 "$school"

# ---- December: the office asks, the school answers, the office accepts ----

o 2020-12-02 question soc --unit s05 --period soc-2020-10-01 --field low_income --text 'В прошлом году было 40. Проверьте.' \
    --due 2020-12-10
meet 2020-12-03 "$school"
s 2020-12-03 questions
says 'В прошлом году было 40' out.txt
s 2020-12-03 answer 1 --checked --remark 'Прибыло восемь семей'
meet 2020-12-04 "$school"
o 2020-12-04 question list --answered
says 'Прибыло восемь семей' out.txt
o 2020-12-04 accept soc --unit s05 --period soc-2020-10-01

# ---- January: T07 has left, T10 has come ----

tool set учителя.xlsx новые.xlsx "$staff" A9=T10 # the same workbook, one line of it changed
s 2021-01-12 import staff --period "$year" --xlsx новые.xlsx --replace --preview
says 'T07' out.txt
says 'Новых строк: 1' out.txt
s 2021-01-12 import staff --period "$year" --xlsx новые.xlsx --replace
# A week later: it should have been T11; what is built on the code follows, and the mentor is a person's to decide.
for row in T10-1 T01-1; do
    printf '{"row": "%s", "kind": "course", "topic": "exam_prep", "active_methods": true, "hours": 36, "start_date": "2020-11-02",
        "end_date": "2020-11-20", "document": true}' "$row" >pd.json
    s 2021-01-18 submit pd --period "$year" --json pd.json
done
printf '{"pair": "1", "scope": "in_school", "mentor_school": "s05", "mentor_code": "T01", "mentee_school": "s05",
    "mentee_code": "T10", "area": "methods", "programme": true, "status": "active"}' >tand.json
s 2021-01-18 submit tand --period "$year" --json tand.json
s 2021-01-19 codes rename staff T10 T11 --queue --by 'Петрова А. А.'
says 'Профессиональное развитие, 2020/21 учебный год: строка T10-1 станет T11-1' out.txt
says 'svodka-agent correct tand --period 2020/21 --key 1 --set mentee_code=T11' out.txt
s 2021-01-19 return pd --period "$year" --format csv
for row in T11-1 T01-1; do says "$row" out.txt; done
[ "$(wc -l <out.txt)" = 3 ] || { cat out.txt >&2; fail 'the row of the old code stands as well'; }
# A workbook from before that would bring T10 back: it is told, by its preview and when it is taken.
s 2021-01-19 import staff --period "$year" --xlsx новые.xlsx --preview
says 'Эти коды на этом компьютере уже заменены' out.txt
says '  T10 → T11' out.txt
meet 2021-01-12 "$school"

# ---- February: forty sheets of paper ----

s 2021-02-10 session open survey-comf --period "$year" --name 7А --group '7 класс' --expected 40 --by P2
awk 'BEGIN {
    print "group,band,q1,q2,q3,q4,q5,q6"
    for (i = 0; i < 40; i++) printf "pupil,b5_9,%d,%d,%d,%d,%d,%d\n", i % 5, (i + 1) % 5, 3, 4, i % 4, 2}' >sheets.csv
s 2021-02-11 import survey-comf --period "$year" --csv sheets.csv --session 7А
if agent_on 2021-02-11 "$school" import survey-comf --period "$year" --csv sheets.csv --session 7А >out.txt 2>err.txt; then
    fail 'the same sheets are taken twice'
fi
s 2021-02-12 session close 7А
says 'Анкет: 40 из 40' out.txt
meet 2021-02-12 "$school"
o 2021-02-15 completeness --period "$year" --form survey-comf --unit s05 --format csv
awk -F , 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next}
    {exit !($at["submissions"] == 40 && $at["sheets_expected"] == 40)}' out.txt || { cat out.txt >&2; fail 'not forty sheets'; }

# ---- March: a new computer ----

o 2021-03-01 school rekey s05 --invite new.invite --lost --reason 'сгорел блок питания'
serve_on 2021-03-02
school=new
on 2021-03-02 "$agent_program" join new.invite --home "$work/$school" >join.txt 2>&1 </dev/null || { cat join.txt >&2; fail 'the new computer is not let in'; }
beside 2021-03-02 "$school" sync
if agent_on 2021-03-02 old sync >out.txt 2>err.txt; then fail 'the computer that was lost is let in'; fi
stop_hub
o 2021-03-03 night
says 'Школа № 7          не приходила' out.txt
says 'последний раз 2020-11-24, 98 дней назад' out.txt
says 'Пришли: 1 из 3.' out.txt
s 2021-03-03 history --format csv
grep -q "soc-2020-10-01" out.txt || { cat out.txt >&2; fail 'what the school had sent is not back'; }
marks 2021-03-29 "$school" s05 "$year-Q3" 2 50 25 1 5 70 30 3
marks 2021-03-29 s07 s07 "$year-Q3" 2 12 6 0 5 9 4 1
meet 2021-03-29 "$school" s07

# ---- the quarter is closed; the table for Tuesday ----

o 2021-04-13 period close "$year-Q3" --group results --force --reason 'измерения по району приняты на бумаге'
o 2021-04-13 indicators --snapshot --period "$year-Q3" --group results --indicator ZHG-08 --level municipality --format csv
grep -q ',46.099291,65,141,' out.txt || { cat out.txt >&2; fail 'the closed quarter does not say (25 + 30 + 6 + 4) / (50 + 70 + 12 + 9)'; }
o 2021-04-13 table soc --period soc-2020-10-01 --xlsx вторник.xlsx
tool sheets вторник.xlsx >sheets.txt
[ -s sheets.txt ] || fail 'the table for Tuesday is no workbook'
o 2021-04-13 table soc --period soc-2020-10-01 --format csv
cp out.txt tuesday.csv

# ---- June: the year's marks, the report against the targets ----

marks 2021-06-04 "$school" s05 "$year" 2 50 26 1 5 70 33 2
marks 2021-06-04 s07 s07 "$year" 2 12 6 0 5 9 4 1
meet 2021-06-04 "$school" s07
o 2021-06-15 indicators --programme zhigalovo --period "$year" --xlsx отчёт.xlsx
o 2021-06-15 indicators --programme zhigalovo --period "$year" --html отчёт.html
says '2 из 2' отчёт.html
o 2021-06-15 indicators --programme zhigalovo --format csv
cp out.txt indicators.csv
grep -q '^zhigalovo,ZHG-74,municipality,,2020/21,.*,yes,within,' indicators.csv || fail 'a target that is reached is not told'

# ---- what the office sees is what was typed ----

figures() { # INDICATOR: LEVEL|UNIT|PERIOD|VALUE, as the hub says it
    awk -F , -v i="$1" '
        NR == 1 {for (k = 1; k <= NF; k++) at[$k] = k; next}
        $at["indicator"] == i && $at["breakdown"] == "" && $at["state"] != "no-data" && ($at["period"] ~ /^2020\/21/) {
            print $at["level"] "|" $at["unit"] "|" $at["period"] "|" $at["value"]}' indicators.csv | sort
}
share() { # EXPRESSION: the same from the model, half up to six places
    model "
        WITH scoped AS (SELECT 'unit' AS level, * FROM marks UNION ALL SELECT 'municipality', '', period, grade, assessed,
                good, failing FROM marks),
            sums AS (SELECT level, unit, period, 100 * sum($1) AS n, sum(assessed) AS d FROM scoped GROUP BY level, unit, period)
        SELECT level, unit, period, printf('%d.%06d', (2000000 * n + d) / (2 * d) / 1000000, (2000000 * n + d) / (2 * d) % 1000000)
            FROM sums;" | sort
}
check() { # INDICATOR EXPRESSION
    figures "$1" >figures.hub
    share "$2" >figures.model
    [ "$(wc -l <figures.model)" = 9 ] || { cat figures.model >&2; fail 'two schools and the district, three periods were expected'; }
    cmp -s figures.hub figures.model || { diff figures.hub figures.model >&2; fail "$1: the office (<) sees another figure than was typed (>)"; }
}
awk -F , 'NR == 1 {for (i = 7; i <= NF; i++) field[i] = $i; next}
    $1 == "unit" || $1 == "total" {for (i = 7; i <= NF; i++) if ($i != "") print ($1 == "unit" ? $2 : "total") "|" field[i] "|" $i}' tuesday.csv |
    sort >table.hub
model "SELECT unit, field, value FROM soc UNION ALL SELECT 'total', field, sum(value) FROM soc GROUP BY field;" | sort >table.model
cmp -s table.hub table.model || { diff table.hub table.model >&2; fail 'the table for Tuesday (<) is not what was typed (>)'; }
check ZHG-08 good
check ZHG-11 failing
[ "$(hub_figure quarantined)" = 0 ] || fail 'something is in quarantine'

# ---- the next year ----

o 2021-08-20 programme next-year zhigalovo --year 2021/22
says '2021/22' out.txt
meet 2021-09-02 "$school"
s 2021-09-02 forms --format csv
grep -q '^pass,.*,2021/22,' out.txt || { cat out.txt >&2; fail 'the school is not told what the new year asks'; }
s 2021-09-02 forms staff --template staff-22.xlsx --period 2021/22 --last
python3 -c 'import zipfile; z = zipfile.ZipFile("staff-22.xlsx"); [print(z.read(n).decode()) for n in z.namelist() if n.endswith(".xml")]' >parts.txt
says '>T11<' parts.txt
if grep -qE '>T(07|10)<' parts.txt; then fail 'last year'"'"'s staff has a code that is no more'; fi
o 2021-09-02 verify
s 2021-09-02 verify
say "$name: as expected"
