#!/bin/sh
# workbook.sh BUILD_DIR: workbooks as a school gets them: what Gnumeric reads in a template, what Excel is told to refuse,
# and that a sheet filled in below its headings is taken by the import as it is.
set -eu
name=workbook
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
LC_ALL=C.UTF-8
LANGUAGE=ru
TZ=UTC
export LC_ALL LANGUAGE TZ
begin "$1"
cd "$work"
if ! command -v ssconvert >/dev/null 2>&1; then
    say "$name: SKIPPED, LOUDLY: ssconvert (package gnumeric) is not installed"
    exit 0
fi

a() { "$agent_program" "$@" --home "$work/school"; }
# sheet FILE NUMBER: that sheet, from 0, as CSV on stdout.
sheet() {
    rm -f sheet-*.csv
    ssconvert -S "$1" 'sheet-%n.csv' >convert.txt 2>&1 || { cat convert.txt >&2; fail "Gnumeric does not take $1"; }
    [ ! -s convert.txt ] || { cat convert.txt >&2; fail "Gnumeric complains of $1"; }
    sed -E 's#([0-9]{4})/([0-9]{2})/([0-9]{2})#\1-\2-\3#g' "sheet-$2.csv" # its way of writing dates
}
# inside FILE PART: that part of the workbook, on stdout.
inside() {
    python3 -c 'import sys, zipfile; sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())' "$1" "$2"
}
has() { # TEXT FILE
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "$2 has no \"$1\""; }
}

hub_home=$work/hub
"$hub_program" init --home hub --name 'Отдел образования' --listen tcp://127.0.0.1:5799 >init.txt 2>&1
"$hub_program" programme load "$source_dir/configs/programmes/klin" --home hub >load.txt 2>&1
"$hub_program" school add s1 --name 'Средняя школа № 1' --invite s1.invite --home hub >add.txt 2>&1
"$agent_program" join s1.invite --home school >join.txt 2>&1

# ---- an empty template ----

a forms pass --template pass.xlsx --period 2026/27 >out.txt
[ "$(stat -c %a pass.xlsx)" = 600 ] || fail 'others may read the workbook'
sheet pass.xlsx 0 >head.csv
[ "$(head -n 1 head.csv | cut -d, -f1-3)" = kind,settlement,small ] || { cat head.csv >&2; fail 'the names of the fields'; }
has 'Малокомплектная школа' head.csv
[ "$(sheet pass.xlsx 1 | head -n 1)" = grade,classes,grade_pupils ] || fail 'the list of grades has no sheet'
inside pass.xlsx xl/workbook.xml >book.xml
has 'name="Паспорт школы"' book.xml
has 'name="Классы по параллелям"' book.xml
has 'name="_svodka" sheetId="5" state="hidden"' book.xml
has 'svodka_list_1' book.xml
sheet pass.xlsx 4 >facts.csv
grep -E '^(form,pass|unit,s1|period,2026/27|rows,0|version,[0-9a-f]{64}|made,20[0-9-]{8}|sheet,"Паспорт школы"|sheet:grades,"Классы по параллелям")$' \
    facts.csv | wc -l >count.txt
[ "$(cat count.txt)" = 8 ] || { cat facts.csv >&2; fail 'the workbook does not say what it is for'; }
inside pass.xlsx xl/worksheets/sheet1.xml >sheet.xml
has '<sheetProtection sheet="1"' sheet.xml
has 'type="list"' sheet.xml
has '<formula1>svodka_list_1</formula1>' sheet.xml
has 'state="frozen"' sheet.xml
# The rule of a list's column, where Excel can say it, and only that part of it; a rule of the head, in words of the form.
inside pass.xlsx xl/worksheets/sheet2.xml >sheet.xml
has 'IF(ISNUMBER(A3),AND(A3=INT(A3),AND(A3&gt;=1,A3&lt;=11)),FALSE)' sheet.xml
has 'error="от 1 до 11, не выше последней параллели школы"' sheet.xml
a forms soc --template soc.xlsx >out.txt
inside soc.xlsx xl/worksheets/sheet1.xml >sheet.xml
has 'IF(ISNUMBER(B3),AND(B3=INT(B3),AND(B3&gt;=0,NOT(IF(ISNUMBER(A3),B3&gt;A3,FALSE)))),B3="?unknown")' sheet.xml
has 'prompt="дома говорят на другом языке; гражданство не важно&#' sheet.xml
# On paper: as wide as the page, the headings on every page; what nobody could read then goes on over several pages.
inside pass.xlsx xl/worksheets/sheet1.xml >sheet.xml
has '<pageSetUpPr fitToPage="1"/>' sheet.xml
has 'paperSize="9" fitToHeight="0" orientation="landscape"' sheet.xml
has "<definedName name=\"_xlnm.Print_Titles\" localSheetId=\"0\">'Паспорт школы'!\$1:\$2</definedName>" book.xml
inside soc.xlsx xl/worksheets/sheet1.xml >sheet.xml
has 'paperSize="9" scale="70" pageOrder="overThenDown" orientation="landscape"' sheet.xml
if grep -q fitToPage sheet.xml; then fail 'a form of 17 columns is pressed onto one page'; fi
# Every form of the programme.
for form in $(a forms --format csv | tail -n +2 | cut -d, -f1 | sort -u); do
    a forms "$form" --template "all-$form.xlsx" >out.txt || fail "no template of $form"
    sheet "all-$form.xlsx" 0 >out.txt
done

# ---- what cannot be ----

refused 1 'pass.xlsx' a forms pass --template pass.xlsx
refused 2 '.xlsx' a forms pass --template pass.xls
refused 2 '--period' a forms pass --template x.xlsx --last
refused 2 '--period' a forms pass --template x.xlsx --unit s1
refused 2 '.xlsx' a forms pass --template x.csv --period 2026/27
refused 1 'no-such' a forms pass --template x.xlsx --period no-such
refused 1 's9' a forms pass --template x.xlsx --period 2026/27 --unit s9
[ ! -e x.xlsx ] || fail 'a refused template was written'

# ---- last time's values, and back through the import ----

{
    echo 'row;kind;topic;active_methods;hours;start_date;end_date;document;level;consultant'
    echo 'T01-1;курсы повышения квалификации;ученики с ОВЗ;да;36;01.10.2025;05.10.2025;да;;'
    echo 'T02-1;профессиональный конкурс;другое;нет;?na;2025-11-01;;нет;региональный;'
    echo 'T03-1;вебинар;переход в эффективный режим;нет;2;2025-12-01;;нет;;да'
    echo 'T04-1;тренинг;медиация;да;8;2026-01-15;;нет;;'
} >pd.csv
a import pd --period 2025/26 --csv pd.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'import'; }
a correct pd --period 2025/26 --key T04-1 --set hours=9 --reason 'опечатка' >out.txt 2>err.txt ||
    { cat err.txt >&2; fail 'correct'; }
a retract pd --period 2025/26 --key T02-1 --reason 'не было' >out.txt 2>err.txt || { cat err.txt >&2; fail 'retract'; }
a forms pd --template pd.xlsx --period 2026/27 --last >out.txt
has '2025/26' out.txt
sheet pd.xlsx 0 >filled.csv
[ "$(awk 'END {print NR}' filled.csv)" = 5 ] || { cat filled.csv >&2; fail 'three rows stand'; }
has 'T01-1,"курсы повышения квалификации","ученики с ОВЗ",да,36,' filled.csv
has 'T04-1,тренинг,медиация,да,9,' filled.csv
if grep -q T02-1 filled.csv; then fail 'what was retracted came back'; fi
a import pd --period 2026/27 --csv filled.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'a template does not import'; }
a forms pd --template again.xlsx --period 2026/27 --last >out.txt
sheet again.xlsx 0 >again.csv
cmp filled.csv again.csv || fail 'last time is not what was there'
# On paper: no word of a heading is broken, and it stands on every page.
{
    echo 'teacher;post;main_place;inner_part_time;subject;education;category;seniority;age;load_hours;matches_subject'
    echo 'T01;учитель;да;нет;начальные классы;высшее;соответствие должности;21 год и больше;55 и старше;18–25 ч;да'
} >staff.csv
a import staff --period 2025/26 --csv staff.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'import of staff'; }
a return staff --period 2025/26 --print paper.xlsx >out.txt 2>&1 || { cat out.txt >&2; fail 'print'; }
python3 - paper.xlsx <<'PY' || fail 'a heading of the paper is too narrow'
import re, sys, zipfile
import xml.etree.ElementTree as E

z = zipfile.ZipFile(sys.argv[1])
n = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
texts = ["".join(t.text or "" for t in s.iter(n + "t")) for s in E.fromstring(z.read("xl/sharedStrings.xml"))]
sheet = E.fromstring(z.read("xl/worksheets/sheet1.xml"))
widths = {}
for c in sheet.iter(n + "col"):
    for i in range(int(c.get("min")), int(c.get("max")) + 1):
        widths[i] = float(c.get("width"))
rows = [[(ord(c.get("r")[0]) - 64, texts[int(c.find(n + "v").text)]) for c in r if c.get("t") == "s"]
        for r in sheet.iter(n + "row")]
heads = next(r for r in rows if any("Квалификационная" in t for _, t in r))
assert len(heads) > 5, heads
for column, text in heads:
    assert widths[column] >= max(len(w) for w in text.split()) * 1.1, (text, widths[column])
assert "Print_Titles" in z.read("xl/workbook.xml").decode()
PY
rm paper.xlsx
# The lists of a record.
printf '%s' '{"kind": "basic", "settlement": "village", "small": true, "remote": false, "pupils": 30, "staff_total": 9,
    "teachers": 7, "mediation_service": false, "bonus_rules_updated": true, "marking_primary": "quarter",
    "marking_basic": "quarter", "grades": [{"grade": 1, "classes": 1, "grade_pupils": 12},
    {"grade": 2, "classes": 1, "grade_pupils": 18}]}' >pass.json
a submit pass --period 2025/26 --json pass.json >out.txt 2>err.txt || { cat err.txt >&2; fail 'submit'; }
a forms pass --template last.xlsx --period 2026/27 --last >out.txt
sheet last.xlsx 0 >head.csv
has '"основная (1–9)","село, деревня",да,нет,30,9,7,нет,да,"по четвертям","по четвертям",' head.csv
sheet last.xlsx 1 >list.csv
[ "$(tail -n 2 list.csv | tr '\n' ' ')" = '1,1,12 2,1,18 ' ] || { cat list.csv >&2; fail 'the rows of the list'; }
sheet last.xlsx 4 | grep -qx 'rows,1' || fail 'the workbook does not say how much of it is from last time'
for book in *.xlsx; do
    for part in 1 2; do
        inside "$book" "xl/worksheets/sheet$part.xml" >sheet.xml
        if grep -q '<f>' sheet.xml; then fail "$book has a formula"; fi
    done
done

# ---- the table of a form, at the office ----

h() { "$hub_program" "$@" --home "$work/hub"; }
h school add s2 --name 'Школа <b>№ 2</b>' --invite s2.invite >add.txt 2>&1
h school add s10 --name 'Школа № 10' --invite s10.invite >add.txt 2>&1
a bundle write s1.svodka >out.txt 2>err.txt || { cat err.txt >&2; fail 'bundle write'; }
h bundle read s1.svodka --receipt answers >out.txt 2>err.txt || { cat err.txt >&2; fail 'bundle read'; }
h table pass --period 2025/26 --format csv >table.csv 2>err.txt || { cat err.txt >&2; fail 'table'; }
has 'публиковать это нельзя' err.txt
cut -d, -f1,2,4 table.csv >rows.txt
printf '%s\n' row,unit,state unit,s1,late unit,s10,missing unit,s2,missing total,, reported,, | sort >expected.txt
sort rows.txt | sed -E 's/,(late|received|accepted)$/,late/; s/,(due|not-due|missing)$/,missing/; s/^(unit,s(10|2)),late$/\1,missing/' >got.txt
cmp -s expected.txt got.txt || { cat table.csv >&2; fail 'not every unit has its row'; }
column() { # NAME ROW: a cell of table.csv, whose names hold no comma here
    python3 -c 'import csv, sys; print([r for r in csv.DictReader(open("table.csv")) if r["row"] == sys.argv[2] or r["unit"] == sys.argv[2]][0][sys.argv[1]])' "$1" "$2"
}
[ "$(column pupils s1)" = 30 ] && [ "$(column pupils total)" = 30 ] && [ "$(column pupils reported)" = 1 ] ||
    { cat table.csv >&2; fail 'pupils'; }
[ "$(column grades.grade_pupils s1)" = 30 ] && [ "$(column grades.classes total)" = 2 ] ||
    { cat table.csv >&2; fail 'sums over a list'; }
[ "$(column kind s1)" = basic ] && [ -z "$(column kind total)" ] || { cat table.csv >&2; fail 'a choice has no total'; }
h table pass --period 2025/26 >out.txt 2>err.txt
has 'Предварительно: отчитались 1 из 3.' out.txt
h table pass --period 2025/26 --xlsx table.xlsx --html table.html >out.txt 2>err.txt || { cat err.txt >&2; fail 'table --xlsx'; }
[ "$(stat -c %a table.xlsx table.html | sort -u)" = 600 ] || fail 'others may read the table'
sheet table.xlsx 0 >book.csv
has 'публиковать это нельзя' book.csv
has 'Итого' book.csv
has '1 из 3' book.csv
has 'Предварительно: отчитались 1 из 3.' book.csv
has 'Школа &lt;b&gt;№ 2&lt;/b&gt;' table.html
if grep -qF '<b>' table.html; then fail 'a name became markup'; fi
has '<tfoot><tr><td>Только для служебного пользования' table.html
# What stands in rows is added only where the form says so; of anonymous answers nobody is told what was answered.
h table pd --period 2026/27 --format csv >table.csv 2>err.txt
[ "$(column hours total)" = 47 ] && [ "$(column submissions s1)" = 3 ] && [ "$(column kind=webinar s1)" = 1 ] ||
    { cat table.csv >&2; fail 'rows'; }
refused 1 'table.xlsx' h table pass --period 2025/26 --xlsx table.xlsx
refused 2 '.xlsx' h table pass --period 2025/26 --xlsx table.xls
refused 2 '--period' h table pass
refused 1 'no-such' h table no-such --period 2025/26
if inside table.xlsx xl/worksheets/sheet1.xml | grep -q '<f>'; then fail 'the table has a formula'; fi
say "$name: ok"
