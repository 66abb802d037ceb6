#!/bin/sh
# workbooks.sh BUILD_DIR: tables in workbooks (.xlsx) give the submissions that the same table in CSV gives; what is wrong
# is named with sheet and cell, and nothing of it is stored (invariants 4, 8 and 9).  Workbooks written by hand
# (workbook.py), right and wrong, and by Gnumeric, which ssconvert runs.
set -eu
name=workbooks
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
begin "$1"
cd "$work"
data=$(cd "$here/../data" && pwd)
TZ=UTC
LANG=C.UTF-8
LANGUAGE=en
export TZ LANG LANGUAGE
unset LC_ALL LC_MESSAGES
period=2020/21-Q1
checks=0

a() { "$agent_program" "$@" --home "$work/school"; }
book() { python3 "$here/workbook.py" "$1"; } # FILE < DESCRIPTION
says() { # TEXT
    grep -qF -- "$1" err.txt || {
        cat err.txt >&2
        fail "not said: $1"
    }
    checks=$((checks + 1))
}
# refused TEXT ARGUMENT...: `import ARGUMENT...` fails with this text on stderr, also in Russian, and nothing is stored: the
# next one that is taken would find it.
refused() {
    refused_text=$1
    shift
    if LANGUAGE=ru a import "$@" >out.txt 2>err.txt; then
        fail "taken: import $*"
    fi
    LC_ALL=C awk '!/\320|\321/ {print; bad = 1} END {exit bad || NR == 0}' err.txt >&2 ||
        fail "said in English to a Russian: import $*"
    if a import "$@" >out.txt 2>err.txt; then
        fail "taken: import $*"
    fi
    [ ! -s out.txt ] || fail "a failure printed a result: import $*"
    says "$refused_text"
}
sheet_refused() { refused "$1" marks --period "$period" --xlsx x.xlsx; }
# taken COUNT ARGUMENT...
taken() {
    taken_count=$1
    shift
    a import "$@" >out.txt 2>err.txt || {
        cat err.txt >&2
        fail "refused: import $*"
    }
    stored=$((stored + taken_count))
    [ "$(history_count school)" = "$stored" ] || fail "$taken_count submissions were expected of import $*, and none of what was refused before it"
    checks=$((checks + 1))
}
# The values of the last COUNT submissions, in their order.
last_values() { a history --format csv --values | awk 'NR > 1' | tail -n "$1" | sed 's/^[^{]*//; s/""/"/g; s/"$//'; }
last_are() { # EXPECTED, a line each
    last_values "$(printf '%s\n' "$1" | wc -l)" >values.txt
    printf '%s\n' "$1" | cmp -s - values.txt || {
        cat values.txt >&2
        fail "expected: $1"
    }
    checks=$((checks + 1))
}

make_hub "$here/../fault/pack"
hub programme load "$data/packs/lists" >load.txt || fail 'the lists were not loaded'
make_school school
stored=0

# ---- what cells hold ----

book x.xlsx <<'JSON'
{"sheets": [{"name": "Оценки", "rows": [["pupil", "sex", "grade", "absences", "note"],
    ["a", "F", {"v": "5"}, {"v": "1E1"}, {"rich": ["од", "ин"]}], [],
    [{"inline": "b"}, "M", {"v": "7.0"}, null, {"v": "0.30000000000000004"}],
    [{"v": "12", "s": "00000"}, "M", "8", {"f": "1+1", "v": "2"}, {"v": "44075", "s": "14"}],
    ["d", "F", 1, {"v": ""}, {"v": "44075.354166666664", "s": "dd\\.mm\\.yyyy\\ h:mm"}],
    ["e", "F", 1, {"f": "x", "v": "", "t": "str"}, {"v": "0.125", "s": "0.0%"}],
    ["f", "F", 1, 0, "_x0041_ & <b> _x000"],
    ["g", "F", 1, 0, {"v": "42674.5", "s": "[$-419]d mmmm yyyy"}]]}]}
JSON
taken 7 marks --period "$period" --xlsx x.xlsx
last_are '{"pupil": "a", "sex": "F", "grade": 5, "absences": 10, "note": "один"}
{"pupil": "b", "sex": "M", "grade": 7, "note": "0.3"}
{"pupil": "00012", "sex": "M", "grade": 8, "absences": 2, "note": "2020-09-01"}
{"pupil": "d", "sex": "F", "grade": 1, "note": "2020-09-01 08:30"}
{"pupil": "e", "sex": "F", "grade": 1, "note": "12.5%"}
{"pupil": "f", "sex": "F", "grade": 1, "absences": 0, "note": "A & <b> _x000"}
{"pupil": "g", "sex": "F", "grade": 1, "absences": 0, "note": "2016-10-31"}'
[ ! -s err.txt ] || fail 'something was said about a good workbook'

# From 1904 on, texts inside the cells, headings below a title, labels below the names.
book x.xlsx <<'JSON'
{"date1904": true, "shared": false, "sheets": [{"name": "A", "first_row": 3, "merged": ["A3:E3"],
    "rows": [["Школа № 5"], ["за 1 четверть", null, "2020/21"], ["pupil", "sex", "grade", "absences", "note"],
    ["pupil", "sex", "grade", "absences", "note"], ["h", "F", 3, 0, {"v": "42613", "s": "14"}]]},
    {"name": "Скрытый", "state": "hidden", "rows": [["x"]]}]}
JSON
taken 1 marks --period "$period" --xlsx x.xlsx
last_are '{"pupil": "h", "sex": "F", "grade": 3, "absences": 0, "note": "2020-09-01"}'

# ---- mistakes, by sheet and cell; all or nothing ----

book x.xlsx <<'JSON'
{"sheets": [{"name": "Ученики", "first_row": 2, "rows": [["pupil", "sex", "grade", "absences", "note"],
    ["i", "F", {"e": "#N/A"}, true, "x"], ["j", "F", {"f": "1+1"}, 3], [],
    ["k", "F", 1, {"v": "60", "s": "14"}], ["l", "X", 2.5, -1], ["i", "F", 1, 1], ["m", "F", 1, 1, null, "z"],
    ["n", "F", 4, 1, {"v": "-1", "s": "14"}], ["o", "F", 4, {"v": "1e400"}], ["p", "F", "5"], ["", "F", "5"]],
    "merged": ["C12:D12", "A12:A13"], "hidden_rows": [3], "hidden_columns": [2]}]}
JSON
sheet_refused 'x.xlsx: sheet "Ученики", cell C3, "grade": the formula of this cell gives an error: put it right, or write the value (found: #N/A)'
says 'cell D3, "absences": expected a whole number (found: true)'
says 'cell C4, "grade": the formula of this cell has no stored result'
says 'cell D6, "absences": the cell is shown as a date, but there is no such day (found: 60)'
says 'cell B7, "sex": no such choice: expected one of F, M (found: X)'
says 'cell C7, "grade": expected a whole number (found: 2.5)'
says 'cell A8, "pupil": line 3 has the same key'
says 'row 9: the row has 6 cells, but the number of headings is 5'
says 'cell E10, "note": the cell is shown as a date'
says 'cell D11, "absences": the number in this cell cannot be read (found: 1e400)'
says 'cell D12, "absences": the cell is merged with others'
says 'cell A13, "pupil": the cell is merged with others'
says 'row 3: warning: 1 row of the table is hidden in the workbook; it is read like the others'
says 'warning: column B is hidden in the workbook; it is read like the others'
says 'nothing was queued: 10 rows of 10 have mistakes'
if a import marks --period "$period" --xlsx x.xlsx --accept-valid refused.csv >out.txt 2>err.txt; then
    fail 'a workbook without a good row was taken'
fi
[ ! -e refused.csv ] || fail 'a file of refused rows was left behind'

book x.xlsx <<'JSON'
{"sheets": [{"name": "1", "rows": [["pupil", "sex", "grade"], ["q", "F", 1], ["r", "F", {"e": "#DIV/0!"}]]}]}
JSON
taken 1 marks --period "$period" --xlsx x.xlsx --accept-valid refused.csv
tail -n 1 refused.csv | grep -qx 'r;F;#DIV/0!.' || fail 'the refused row was not written aside'

book x.xlsx <<'JSON'
{"sheets": [{"name": "1", "rows": [["pupil", "sex", "grade"], ["q", "F", 1], ["Итого", null, 1]]}]}
JSON
sheet_refused 'sheet "1", cell A3: this looks like a row of totals'
book x.xlsx <<'JSON'
{"sheets": [{"name": "1", "rows": [["имя", "пол"], ["q", "F"]]}]}
JSON
sheet_refused 'sheet "1": no row of headings was found within the first 50 rows'
book x.xlsx <<'JSON'
{"sheets": [{"name": "1", "rows": []}]}
JSON
sheet_refused 'sheet "1": the file is empty: a row of headings was expected'

# ---- which sheet ----

book x.xlsx <<'JSON'
{"sheets": [{"name": "Первый", "rows": [["x"]]}, {"name": "Второй класс", "rows": [["pupil", "sex", "grade"], ["s", "F", 1]]}]}
JSON
sheet_refused 'x.xlsx: there are several sheets; say which one is meant: --sheet NAME ("Первый", "Второй класс")'
refused 'x.xlsx: there is no sheet "Третий"; there are: "Первый", "Второй класс"' \
    marks --period "$period" --xlsx x.xlsx --sheet Третий
taken 1 marks --period "$period" --xlsx x.xlsx --sheet 'второй  КЛАСС'

# ---- a workbook of ours says what it is for ----

ours() { # FORM PERIOD UNIT
    book x.xlsx <<JSON
{"sheets": [{"name": "Как", "rows": [["слова"]]},
    {"name": "Оценки", "rows": [["pupil", "sex", "grade"], ["pupil", "sex", "grade"], ["t", "F", 1]]},
    {"name": "_svodka", "state": "veryHidden", "rows": [["form", "$1"], ["version", ""], ["unit", "$3"], ["period", "$2"],
    ["made", "2020-09-01"], ["rows", "0"], ["sheet", "Оценки"]]}]}
JSON
}
ours marks 2020/21-Q2 school
sheet_refused 'the workbook was made for the period 2020/21-Q2, not for 2020/21-Q1; nothing was queued'
ours other 2020/21-Q1 school
sheet_refused 'the workbook was made for the form "other", not for "marks"; nothing was queued'
ours marks 2020/21-Q1 lyceum
refused 'the workbook was made for the unit "lyceum", not for "school"; nothing was queued' \
    marks --period "$period" --xlsx x.xlsx --unit school
sheet_refused 'has no right to report about "lyceum"'
ours marks 2020/21-Q1 school
taken 1 --xlsx x.xlsx
taken 1 marks --period 2020/21-Q1 --unit school --xlsx x.xlsx

# ---- a form's lists have sheets of their own ----

classes() { # a row of the list's sheet in addition
    book x.xlsx <<JSON
{"sheets": [{"name": "Классы", "rows": [["class", "pupils"], ["Класс", "Учеников"], ["5А", 25], ["5Б", 24]]},
    {"name": "Поездки", "rows": [["class", "where", "day", "went"], ["Класс", "Куда", "Когда", "Сколько"],
        ["5А", "музей", {"v": "44075", "s": "dd.mm.yyyy"}, 20], [], ["5А ", "театр \\"Глобус\\"", null, "7"] $1]},
    {"name": "_svodka", "state": "hidden", "rows": [["form", "class"], ["unit", "school"], ["period", "2020/21-Q1"],
        ["sheet", "Классы"], ["sheet:trips", "Поездки"]]}]}
JSON
}
classes ''
taken 2 --xlsx x.xlsx
last_are '{"class": "5А", "pupils": 25, "trips": [{"where": "музей", "day": "2020-09-01", "went": 20}, {"where": "театр \"Глобус\"", "went": 7}]}
{"class": "5Б", "pupils": 24}'
classes ', ["5А", "цирк", "завтра", 2.5]'
refused 'x.xlsx: sheet "Поездки", cell C6, "When": ' --xlsx x.xlsx
says 'x.xlsx: sheet "Поездки", cell D6, "How many": expected a whole number (found: 2.5)'
classes ', ["5А", null, null, 31]'
refused 'x.xlsx: sheet "Поездки", cell B6, "Where": an answer is required' --xlsx x.xlsx
says 'x.xlsx: sheet "Поездки", cell D6, "How many": the answer breaks the form'
classes ', ["6В", "цирк", null, 3]'
refused 'x.xlsx: sheet "Поездки", row 6: the main sheet has no row with this key (found: 6В)' --xlsx x.xlsx
classes ', [null, "цирк", null, 3]'
refused 'x.xlsx: sheet "Поездки", row 6: the column "class" must say whose row this is' --xlsx x.xlsx

rooms() { # HEADING
    book x.xlsx <<JSON
{"sheets": [{"name": "Кабинеты", "rows": [["room", "$1"], ["Кабинет", "Мест"], ["12", 30], [{"v": "7", "s": "000"}, null]]},
    {"name": "_svodka", "state": "hidden", "rows": [["form", "rooms"], ["period", "2020/21-Q1"],
        ["sheet:rooms", "Кабинеты"]]}]}
JSON
}
rooms seats
taken 1 --xlsx x.xlsx
last_are '{"rooms": [{"room": "12", "seats": 30}, {"room": "007"}]}'
rooms seat
refused 'x.xlsx: sheet "Кабинеты", cell B1: the list "rooms" has no column with this name or label' --xlsx x.xlsx

poll() { # a second row
    book x.xlsx <<JSON
{"sheets": [{"name": "Анкета", "rows": [["mood"], ["хорошо"] $1]}, {"name": "Кружки", "rows": [["club"], ["шахматы"]]},
    {"name": "_svodka", "state": "hidden", "rows": [["form", "poll"], ["period", "2020/21-Q1"], ["sheet", "Анкета"],
        ["sheet:clubs", "Кружки"]]}]}
JSON
}
poll ', ["плохо"]'
refused 'x.xlsx: sheet "Анкета", row 3: the sheets of the lists do not say which row they belong to' --xlsx x.xlsx
poll ''
taken 1 --xlsx x.xlsx
last_are '{"mood": "хорошо", "clubs": [{"club": "шахматы"}]}'

# ---- somebody else's workbook: a title, headings over several columns, words for no answer, two numbers in a cell ----

cat >subjects.yaml <<'YAML'
form: subjects
heading_rows: 2
columns:
  "Учителя / всего (из них молодых)": teachers
  "Учителя / экспертов": experts
  "Дата назначения": since
of_which: {teachers: young}
empty: ["н/д", "-", "–"]
ignore: [Примечание]
totals: [Итого, Директор]
YAML
subjects() { # CELL: what stands for the teachers of mathematics
    book x.xlsx <<JSON
{"sheets": [{"name": "Свод", "rows": [["Сведения о кадрах"], ["на 1 сентября 2020 г."], [],
    ["Предмет", "Учителя", null, "Нагрузка", "Дата\nназначения", "Примечание"],
    [null, "всего  (из них молодых)", "Экспертов"],
    ["Математика", "$1", "н/д", "12,5", {"v": "44075", "s": "[\$-419]d mmmm yyyy"}, "x"], [], [],
    ["Физика", {"v": "3"}, "1", {"v": "18.25"}, "01.09.2020"],
    ["Химия", "5", " - ", {"v": "0.30000000000000004"}, "2020-09-02"],
    ["Биология", "н/д", null, "Н/Д", "–"],
    ["Итого:", 15, 1, null, null], [], ["Директор", null, null, "И. И. Иванова"]],
    "merged": ["A1:F1", "A4:A5", "B4:C4", "D4:D5", "E4:E5", "F4:F5"]}]}
JSON
}
subjects '7 (из них 2)'
taken 4 subjects --period "$period" --xlsx x.xlsx --map subjects.yaml
last_are '{"subject": "Математика", "teachers": 7, "young": 2, "hours": 12.50, "since": "2020-09-01"}
{"subject": "Физика", "teachers": 3, "experts": 1, "hours": 18.25, "since": "2020-09-01"}
{"subject": "Химия", "teachers": 5, "hours": 0.30, "since": "2020-09-02"}
{"subject": "Биология"}'
grep -qx '2 rows of totals left out' out.txt || fail 'what was left out is not said'
for cell in '(из них 2)' '7 (из них 2 или 3)' '7 (из них -2)' '7 (из них двое)' '7 из них 2' '7 (из них 2' '7,5 (из них 2)'; do
    subjects "$cell"
    refused 'x.xlsx: sheet "Свод", cell B6, "Teachers": ' subjects --period "$period" --xlsx x.xlsx --map subjects.yaml
    says "(found: $cell)"
done
subjects '7 (из них 2,5)'
refused 'cell B6, "Teachers": expected a whole number' subjects --period "$period" --xlsx x.xlsx --map subjects.yaml
# The rows that are written aside have the same headings, so the same map reads them.
taken 3 subjects --period "$period" --xlsx x.xlsx --map subjects.yaml --accept-valid aside.csv
sed 's/7 (из них 2,5)/7 (в т. ч. молодых специалистов 2)/' aside.csv >mended.csv
taken 1 subjects --period "$period" --csv mended.csv --map subjects.yaml
last_are '{"subject": "Математика", "teachers": 7, "young": 2, "hours": 12.50, "since": "2020-09-01"}'
# A third row that numbers the columns; and a table that lies directly below its title, where the title and the first row
# would do as headings.
cat >subjects.yaml <<'YAML'
form: subjects
heading_rows: 3
columns: {"Предмет / 1": subject, "Учителя / всего / 2": teachers, "Учителя / экспертов / 3": experts}
YAML
book x.xlsx <<'JSON'
{"sheets": [{"name": "Свод", "rows": [["Предмет", "Учителя"], [null, "всего", "экспертов"], [1, 2, 3], ["География", 2, 1]],
    "merged": ["A1:A2", "B1:C1"]}]}
JSON
taken 1 subjects --period "$period" --xlsx x.xlsx --map subjects.yaml
last_are '{"subject": "География", "teachers": 2, "experts": 1}'
cat >subjects.yaml <<'YAML'
form: subjects
heading_rows: 2
columns: {"Нагрузка / часов": hours}
YAML
book x.xlsx <<'JSON'
{"sheets": [{"name": "Свод", "rows": [[null, null, "Кадры"], ["Предмет", "Учителей", "Нагрузка"], [null, null, "часов"],
    ["История", 4, 20]], "merged": ["A2:A3", "B2:B3"]}]}
JSON
taken 1 subjects --period "$period" --xlsx x.xlsx --map subjects.yaml
last_are '{"subject": "История", "teachers": 4, "hours": 20.00}'
book x.xlsx <<'JSON'
{"sheets": [{"name": "Свод", "rows": [["Предмет", "Учителей", "Нагрузка"], ["История", 4, 20]]}]}
JSON
refused 'sheet "Свод": no row of headings was found' subjects --period "$period" --xlsx x.xlsx --map subjects.yaml

# ---- files that are none, or mean harm ----

no_book() { # TEXT: x.xlsx
    sheet_refused "x.xlsx: $1"
}
: >x.xlsx
no_book 'the file is empty'
printf 'pupil;sex\na;F\n' >x.xlsx
no_book 'this is no workbook (.xlsx), whatever its name says'
refused 'nosuch.xlsx: cannot be opened' marks --period "$period" --xlsx nosuch.xlsx
printf '\320\317\021\340\241\261\032\341.....W\0o\0r\0k\0b\0o\0o\0k\0' >x.xlsx
no_book 'this is a workbook of old Excel (.xls)'
printf '\320\317\021\340\241\261\032\341....E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0' >x.xlsx
no_book 'the workbook is locked with a password'
with_part() { # NAME TEXT: a good workbook with this part
    book x.xlsx <<JSON
{"sheets": [{"name": "1", "rows": [["pupil", "sex", "grade"], ["u", "F", 1]]}], "parts": {"$1": "$2"}}
JSON
}
with_part xl/vbaProject.bin x
no_book 'the workbook has macros (.xlsm)'
with_part xl/workbook.bin x
no_book 'this is a binary workbook (.xlsb)'
with_part word/document.xml x
no_book 'this is a text document (.docx)'
python3 - <<'PY'
import zipfile
with zipfile.ZipFile("x.xlsx", "w") as z:
    z.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    z.writestr("content.xml", "<x/>")
PY
no_book 'this is an OpenDocument file (.ods)'
python3 - <<'PY'
import zipfile
with zipfile.ZipFile("x.xlsx", "w") as z:
    z.writestr("photo.jpg", "x")
PY
no_book 'the file is an archive without a workbook in it'
with_part xl/sharedStrings.xml '<?xml version=\"1.0\"?><!DOCTYPE sst [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><sst><si><t>&b;</t></si></sst>'
no_book 'the file has a document type declaration'
with_part xl/sharedStrings.xml '<sst><si><t>pupil</t></si>'
no_book 'the file is damaged inside'
with_part xl/sharedStrings.xml '<sst><si><t>pupil</t></si></sst>'
sheet_refused 'the workbook contradicts itself'
with_part xl/worksheets/sheet1.xml '<worksheet><sheetData><row r=\"2\"/><row r=\"1\"/></sheetData></worksheet>'
sheet_refused 'the workbook contradicts itself'
with_part xl/worksheets/sheet1.xml '<worksheet><sheetData><row r=\"1\"><c r=\"XFE1\"><v>1</v></c></row></sheetData></worksheet>'
sheet_refused 'the workbook contradicts itself'
with_part xl/worksheets/sheet1.xml "$(awk 'BEGIN {while (n++ < 100) printf "<a>"}')"
no_book 'the file nests its parts deeper than any spreadsheet program does'
with_part _rels/.rels '<Relationships/>'
no_book 'the workbook contradicts itself'
# Cut off, changed by one bit, a bomb, very many parts, a tag without an end, locked.
with_part docProps/app.xml x
good=$(wc -c <x.xlsx)
cp x.xlsx good.xlsx
head -c $((good - 30)) good.xlsx >x.xlsx
no_book 'the file is damaged or was not copied to its end'
head -c 100 good.xlsx >x.xlsx
no_book 'the file is damaged or was not copied to its end'
python3 - <<'PY'
import zipfile

sheet = "xl/worksheets/sheet1.xml"
start = '<?xml version="1.0"?><worksheet><sheetData>'


def copy(to, put):
    with zipfile.ZipFile("good.xlsx") as a, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as z:
        for n in a.namelist():
            if n != sheet:
                z.writestr(n, a.read(n))
        put(z)


def bomb(z):
    with z.open(sheet, "w", force_zip64=False) as f:
        f.write(start.encode())
        for _ in range(600):
            f.write(b" " * 65536)


def endless(z):
    z.writestr(sheet, start + "<row " + " " * 2000000 + "/>")


def long_text(z):
    z.writestr(sheet, start + '<row><c t="inlineStr"><is><t>' + "xyz" * 100000 + "</t></is></c></row></sheetData></worksheet>")


copy("bomb.xlsx", bomb)
copy("endless.xlsx", endless)
copy("long.xlsx", long_text)
copy("many.xlsx", lambda z: [z.writestr(f"xl/x{i}", "") for i in range(5000)])
copy("twice.xlsx", lambda z: [z.writestr(n, "<worksheet/>") for n in (sheet, sheet.upper())])
copy("merged.xlsx", lambda z: z.writestr(sheet, "<worksheet><mergeCells>" + '<mergeCell ref="A1:B2"/>' * 10001 +
                                         "</mergeCells></worksheet>"))
data = bytearray(open("good.xlsx", "rb").read())
at = data.find(b"xl/worksheets/sheet1.xml") + 60
data[at] ^= 0x40
open("bit.xlsx", "wb").write(data)
# The bit that says "encrypted", in the headers of every entry.
data = bytearray(open("good.xlsx", "rb").read())
at = 0
while (at := data.find(b"PK\1\2", at)) >= 0:
    data[at + 8] |= 1
    at += 4
at = 0
while (at := data.find(b"PK\3\4", at)) >= 0:
    data[at + 6] |= 1
    at += 4
open("locked.xlsx", "wb").write(data)
PY
for broken in 'bomb:the file unpacks to far more than its size allows' \
    'endless:a tag of the file is longer than any spreadsheet program writes' \
    'long:row 1: the text of a cell is longer than 128 KiB' \
    'many:the file is packed from more than 4096 parts' \
    'twice:the file holds two parts of one name' \
    'merged:the workbook has more than 10000 parts of one kind' \
    'bit:the file is damaged' 'locked:the file is locked with a password'; do
    cp "${broken%%:*}.xlsx" x.xlsx
    sheet_refused "${broken#*:}"
done
cp good.xlsx x.xlsx
taken 1 marks --period "$period" --xlsx x.xlsx

# ---- usage ----

for wrong in 'import needs --period P and either --csv FILE or --xlsx FILE:marks --period P' \
    'import needs --period P and either --csv FILE or --xlsx FILE:marks --period P --csv x --xlsx x.xlsx' \
    'import needs to know the form:--period P --csv x' '--sheet is for workbooks:marks --period P --csv x --sheet y' \
    '--delimiter and --encoding are for CSV files:marks --period P --xlsx x.xlsx --delimiter ;' \
    'the workbook does not say what it is for:--xlsx x.xlsx'; do
    # shellcheck disable=SC2086
    refused "${wrong%%:*}" ${wrong#*:}
done

[ "$(history_count school)" = "$stored" ] || fail 'something of what was refused last was stored'

# ---- real tables: the same submissions as by CSV (those of Mali: real_data.sh) ----

hub programme load "$data/packs/moscow" >load.txt
hub programme load "$data/packs/uci" >load.txt
hub school add office --name 'Управление образования' --unit '*' --role office --invite office.invite >add.txt
hub school add gp --name 'Gabriel Pereira' --invite gp.invite >add.txt
same() { # WHO FORM PERIOD CSV SEPARATOR ROWS [OPTION...]: as two computers of the same beginnings: numbers are alike, too
    rm -rf by-csv by-xlsx
    "$agent_program" join "$1.invite" --home by-csv >join.txt
    cp -r by-csv by-xlsx
    shift
    same_form=$1
    same_period=$2
    same_table=$3
    same_rows=$5
    with_commas "$same_table.csv" "$4" commas.csv
    by_gnumeric commas.csv "$same_table.xlsx"
    shift 5
    "$agent_program" import "$same_form" --period "$same_period" --csv "$same_table.csv" "$@" --home by-csv \
        >out-csv.txt 2>err.txt || {
        cat err.txt >&2
        fail "$same_table.csv was refused"
    }
    "$agent_program" import "$same_form" --period "$same_period" --xlsx "$same_table.xlsx" "$@" --home by-xlsx \
        >out.txt 2>err.txt || {
        cat err.txt >&2
        fail "$same_table.xlsx was refused"
    }
    for office in by-csv by-xlsx; do
        "$agent_program" history "$same_form" --format csv --values --home "$office" >"$office.txt"
    done
    [ "$(wc -l <by-csv.txt)" -gt "$same_rows" ] || fail 'the history is empty'
    if ! cmp -s by-csv.txt by-xlsx.txt; then
        diff by-csv.txt by-xlsx.txt | head -n 20 >&2
        fail "$same_table: the workbook gave other submissions than the CSV"
    fi
    say "$same_table: $(($(wc -l <by-xlsx.txt) - 1)) submissions alike"
}
cp "$data/moscow_ege_2016/data-9722-2016-10-31.csv" moscow.csv
same office ege 2015/16 moscow ';' 600 --map ege
# The pupils of a Portuguese school, numbered: 30 answers of each.
awk 'NR == 1 {print "pupil;" $0; next} /^"?GP/ {print "p" NR ";" $0}' "$data/uci_student_performance/student-por.csv" >pupils.csv
same gp family 2005/06 pupils ';' 400 --map family

say "workbooks: $checks checks"
