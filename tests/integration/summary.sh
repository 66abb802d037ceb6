#!/bin/sh
# summary.sh BUILD_DIR: the indicators as a meeting has them: a workbook and a page with the same values as the CSV, who is
# missing, what the office wrote beside the lines, and a region's own template filled in (invariants 7 and 9).
set -eu
name=summary
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
source_dir=$(cd "$here/../.." && pwd)
LC_ALL=C.UTF-8
LANGUAGE=ru
TZ=UTC
export LC_ALL LANGUAGE TZ
begin "$1"
cd "$work"

has() { # TEXT FILE
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "$2 has no \"$1\""; }
}
has_not() { # TEXT FILE
    if grep -qF -- "$1" "$2"; then cat "$2" >&2; fail "$2 has \"$1\""; fi
}
# cells FILE SHEET: what stands in a workbook's sheet (from 1): a line a cell, "B3<TAB>value".
cells() { python3 "$here/workbook_cells.py" "$1" "$2"; }
quiet() { # COMMAND...: its stderr is shown when it fails
    "$@" >out.txt 2>err.txt || { cat out.txt err.txt >&2; fail "$*: exit $?"; }
}

# ---- a district: twelve schools in the roster, ten of which send; a month has two forms ----

mkdir -p pack/forms
cp "$source_dir/tests/data/packs/roster/forms/roster.yaml" pack/forms
cat >pack/programme.yaml <<'YAML'
programme: quality
version: "1"
title: {ru: "Качество образования <«Дорожная карта»>", en: "Quality"}
indicators:
  - {id: Q-1, name: {ru: "Доля обучающихся, успевающих на «хорошо» и «отлично»", en: "Good marks"}, kind: share,
     numerator: "${good}", denominator: "${assessed}", breakdown: true, direction: up, period: month,
     targets: [{period: 2020-09, from: 40, to: 60}]}
  - {id: Q-2, name: {ru: "Доля неуспевающих", en: "Failing"}, kind: share, numerator: "${failing}",
     denominator: "${assessed}", direction: down, period: month, shown: 2, targets: [{period: 2020-09, from: 0, to: 9}]}
  - {id: Q-3, name: {ru: "Посещений", en: "Visits"}, kind: sum, value: "${visits}", shown: 0, period: month}
YAML
cat >pack/variables.yaml <<'YAML'
variables:
  - {id: good, form: marks, value: "${good}", by: [sex]}
  - {id: assessed, form: marks, value: "${assessed}", by: [sex]}
  - {id: failing, form: marks, value: "${failing}"}
  - {id: visits, form: visit, value: "${count}"}
YAML
cat >pack/forms/marks.yaml <<'YAML'
form: marks
version: "1"
title: {ru: "Успеваемость", en: "Marks"}
mode: rows
key: sex
role: school
period: month
choices:
  sexes: [{code: F, label: {ru: девочки, en: girls}}, {code: M, label: {ru: мальчики, en: boys}}]
survey:
  - {type: select_one sexes, name: sex, label: {ru: Пол, en: Sex}, required: true}
  - {type: integer, name: assessed, label: {ru: Аттестовано, en: Assessed}, required: true}
  - {type: integer, name: good, label: {ru: Успевают, en: Good}, required: true}
  - {type: integer, name: failing, label: {ru: Не успевают, en: Failing}, required: true}
YAML
cat >pack/forms/visit.yaml <<'YAML'
form: visit
version: "1"
title: {ru: "Посещения", en: "Visits"}
mode: record
role: school
period: month
survey:
  - {type: integer, name: count, label: {ru: Сколько, en: Count}, required: true}
YAML
cat >pack/calendar.yaml <<'YAML'
calendar:
  - {form: marks, due: {days: 10, after: end}, late_until: {days: 20, after: end}}
  - {form: visit, due: {days: 10, after: end}, late_until: {days: 20, after: end}}
YAML
make_hub pack
quiet hub school add office --name 'Отдел образования' --role office --unit '*' --invite office.invite
quiet "$agent_program" join office.invite --home "$work/office"
{
    echo 'unit_id,name,kind,status'
    for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
        echo "s$n,Средняя общеобразовательная школа № $n имени К. Д. Ушинского,secondary,active"
    done
} >roster.csv
quiet agent office import roster --period 2020/21 --unit district --csv roster.csv
quiet agent office bundle write office.svodka
quiet hub bundle read office.svodka
units=
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do units="$units --unit s$n"; done
# shellcheck disable=SC2086
quiet hub school add all --name 'Школы района' $units --invite all.invite
quiet "$agent_program" join all.invite --home "$work/all"
for n in 1 2 3 4 5 6 7 8 9 10; do # girls: 20 of whom 8 + n; boys: 30 of whom n
    printf 'sex,assessed,good,failing\nF,20,%d,%d\nM,30,%d,%d\n' $((8 + n)) $((n % 3)) "$n" $((n % 4 * 2)) >marks.csv
    quiet agent all import marks --period 2020-09 --unit "s$n" --csv marks.csv
    echo "{\"count\": $n}" >visit.json
    [ "$n" = 10 ] || quiet agent all submit visit --period 2020-09 --unit "s$n" --json visit.json
done
quiet agent all bundle write all.svodka
quiet hub bundle read all.svodka


# ---- what the office writes beside a line ----

refused 2 '--period' hub comment Q-1
refused 1 'Q-1' hub comment Q-9 --period 2020-09
refused 1 'нет примечания' hub comment Q-1 --period 2020-09
refused 1 'нет примечания' hub comment Q-1 --period 2020-09 --remove
refused 1 'примечание пустое' hub comment Q-1 --period 2020-09 --text ''
refused 2 'вместе не указываются' hub comment Q-1 --period 2020-09 --text x --remove
refused 1 's99' hub comment Q-1 --period 2020-09 --unit s99 --text x
refused 1 'хранится не больше 1000' hub comment Q-1 --period 2020-09 --text "$(head -c 1001 /dev/zero | tr '\0' x)"
refused 1 'управляющий символ, байт 2' hub comment Q-1 --period 2020-09 --text "$(printf 'a\tb')"
quiet hub comment Q-1 --period 2020-09 --text '=СУММ(1;2) <b>две школы</b> & «не сдали», "третья"'
quiet hub comment Q-1 --period 'сентябрь 2020 г.' --breakdown sex=F --text 'девочки впереди'
quiet hub comment Q-2 --period 2020-09 --unit s7 --text 'болел учитель'
quiet hub comment Q-2 --period 2020-09 --text 'первое'
quiet hub comment Q-2 --period 2020-09 --text 'второе'
quiet hub comment Q-3 --period 2020-09 --text 'лишнее'
quiet hub comment Q-3 --period 2020-09 --remove
hub comment list --format csv >list.csv
[ "$(wc -l <list.csv)" = 5 ] && has 'quality,Q-2,2020-09,,,второе,' list.csv && has 'quality,Q-2,2020-09,s7,,болел учитель,' list.csv &&
    has 'quality,Q-1,2020-09,,sex=F,девочки впереди,' list.csv || { cat list.csv >&2; fail 'the list of comments'; }
[ "$(hub comment list --unit s7 --format csv | wc -l)" = 2 ] || fail 'the list of one unit'
quiet hub comment Q-2 --period 2020-09
[ "$(head -n 1 out.txt)" = второе ] || { cat out.txt >&2; fail 'the comment itself'; }
# The audit knows who and about what, never the text; numbers do not depend on it.
hub audit --what comment --format csv >audit.csv
[ "$(grep -c ',comment.write,Q-' audit.csv)" = 6 ] && [ "$(grep -c ',comment.remove,Q-3,' audit.csv)" = 1 ] ||
    { cat audit.csv >&2; fail 'the audit of comments'; }
has 'breakdown=sex=F' audit.csv
for word in второе лишнее учитель; do has_not "$word" audit.csv; done
quiet hub explain Q-2 --period 2020-09
has 'Примечание (office:' out.txt
has '): второе' out.txt
quiet hub explain Q-2 --period 2020-09 --unit s7
has 'болел учитель' out.txt
quiet hub explain Q-2 --period 2020-09 --unit s6
has_not 'Примечание' out.txt
verify_clean

# ---- the workbook and the page say what the CSV says ----

refused 2 '--period' hub indicators --xlsx no.xlsx
refused 2 '.xlsx' hub indicators --period 2020-09 --xlsx no.xls
refused 2 '.html' hub indicators --period 2020-09 --html no.pdf
refused 2 '--snapshot' hub indicators --period 2020-09 --xlsx no.xlsx --snapshot
refused 2 '--format' hub indicators --period 2020-09 --xlsx no.xlsx --format csv
refused 1 'no.xlsx не записан' hub indicators --period 2020/21 --programme quality --xlsx no.xlsx
[ ! -e no.xlsx ] || fail 'a refused workbook was written'
hub indicators --period 2020-09 --format csv >all.csv 2>err.txt
head -n 1 all.csv | grep -q ',version,comment$' || fail 'the comment is the last column'
grep -q '^quality,Q-2,unit,s7,.*,болел учитель$' all.csv || { cat all.csv >&2; fail 'the comment in the CSV'; }
grep -q "^quality,Q-1,municipality,,.*,\"'=СУММ(1;2) <b>две школы</b> & «не сдали», \"\"третья\"\"\"\$" all.csv ||
    { cat all.csv >&2; fail 'a comment is never a formula'; }
quiet hub indicators --period 2020-09 --xlsx all.xlsx --html all.html
has 'публиковать это нельзя' err.txt
refused 1 'all.xlsx' hub indicators --period 2020-09 --xlsx all.xlsx
[ "$(stat -c %a all.xlsx)$(stat -c %a all.html)" = 600600 ] || fail 'others may read it'
hub audit --what view.indicators --format csv | tail -n 2 >audit.csv
has 'file=xlsx html' audit.csv
cells all.xlsx 1 >district.txt
cells all.xlsx 2 >schools.txt
# at TEXT FILE: the row of the cell in column A with that text; cell PLACE FILE: what stands there.
at() { awk -F '\t' -v text="$1" '$1 ~ /^A[0-9]/ && index($2, text) == 1 {print substr($1, 2); exit}' "$2"; }
cell() { awk -F '\t' -v place="$1" '$1 == place {print $2}' "$2"; }
python3 - all.csv district.txt schools.txt <<'PY' || fail 'the workbook says something else than the CSV'
import csv
import sys

rows = [r for r in csv.DictReader(open(sys.argv[1], encoding="utf-8"))]
read = lambda path: dict(line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8"))
district, schools = read(sys.argv[2]), read(sys.argv[3])
near = lambda cell, value, places: abs(float(cell) - float(value)) <= 0.5 * 10 ** -places + 1e-9
places = {"Q-1": 1, "Q-2": 2, "Q-3": 0}
names = {c: v for c, v in schools.items() if c.rstrip("0123456789") > "" and v.startswith("Средняя")}
heads = {v.split("№ ")[1].split(" ")[0]: c.rstrip("0123456789") for c, v in names.items() if c[0] != "A"}
assert len(heads) == 12, heads
seen = 0
order = [("Q-1", ""), ("Q-1", "sex=F"), ("Q-1", "sex=M"), ("Q-2", ""), ("Q-3", "")]
first = {p: next(int(c[1:]) for c, v in s.items() if c[0] == "A" and v.startswith("Доля обуч"))
         for p, s in (("d", district), ("s", schools))}
for r in rows:
    line = order.index((r["indicator"], r["breakdown"]))
    if r["level"] == "municipality":
        at = first["d"] + line
        assert near(district[f"C{at}"], r["value"], places[r["indicator"]]), r
        assert district[f"F{at}"] == f'{r["reported"]} из {r["expected"]}', r
        if r["denominator"]:
            assert district[f"E{at}"] == f'{r["numerator"]} / {r["denominator"]}', r
        assert district.get(f"G{at}", "") == r["target"], r
        assert district.get(f"I{at}", "") == r["comment"].lstrip("'"), r
    else:
        got = schools.get(f'{heads[r["unit"][1:]]}{first["s"] + line}')
        assert got == "нет данных" if r["value"] == "" else near(got, r["value"], places[r["indicator"]]), (r, got)
    seen += 1
assert seen == len(rows) and seen > 50, seen
PY
row=$(at 'Доля обучающихся' district.txt)
[ "$(cell "H$row" district.txt)" = 'не достигнута (ниже цели)' ] || { cat district.txt >&2; fail 'the status in words'; }
python3 "$here/workbook_cells.py" all.xlsx 1 --fills >fills.txt
grep -q "^H$row	.*	F4CCCC\$" fills.txt || { cat fills.txt >&2; fail 'what is not reached is not red'; }
grep -q "^H$((row + 3))	достигнута	D9EAD3\$" fills.txt || { cat fills.txt >&2; fail 'what is reached is not green'; }
has 'Предварительно: 9 из 12 школ прислали всё, что требуется.' district.txt
has 'Предварительно: 9 из 12 школ прислали всё, что требуется.' all.html
has 'Успеваемость, сентябрь 2020 г.: не сдано: Средняя общеобразовательная школа № 11 имени К. Д. Ушинского, Средняя общеобразовательная школа № 12 имени К. Д. Ушинского' district.txt
grep 'Посещения, сентябрь 2020 г.: не сдано: .*№ 10 .*№ 11 .*№ 12 ' all.html >out.txt || fail 'the page does not say who is missing'
has 'Q-2: цели достигли 6 из 10 школ, у которых есть значение; не достигли: ' schools.txt
has 'Q-2, Средняя общеобразовательная школа № 7 имени К. Д. Ушинского: болел учитель' schools.txt
has '— Пол: девочки' district.txt
# A page: nothing of it is markup, the number has its comma, and no script or address is in it.
has '=СУММ(1;2) &lt;b&gt;две школы&lt;/b&gt; &amp; «не сдали»' all.html
has '<td class="n">67,5</td>' all.html
has 'Качество образования &lt;«Дорожная карта»&gt;' all.html
if grep -qE '<script|https?://|src=' all.html; then fail 'the page fetches something'; fi
[ "$(grep -c 'публиковать это нельзя' all.html)" -ge 3 ] || fail 'the mark stands on every sheet and at the foot'
# One unit; one level; the rest of the filters.
quiet hub indicators --period 2020-09 --unit s7 --xlsx s7.xlsx
cells s7.xlsx 1 >one.txt
has 'Средняя общеобразовательная школа № 7 имени К. Д. Ушинского, сентябрь 2020 г.' one.txt
has 'болел учитель' one.txt
[ "$(cell "C$(at 'Посещений' one.txt)" one.txt)" = 7 ] || { cat one.txt >&2; fail 'one unit'; }
has_not '№ 11' one.txt
quiet hub indicators --period 2020-09 --level municipality --html district.html
has_not 'цели достигли' district.html
quiet hub indicators --period 2020-09 --level unit --indicator Q-3 --xlsx units.xlsx
cells units.xlsx 1 >units.txt
has 'Посещений' units.txt
has_not 'Доля' units.txt
# Kept apart, asked back, on hold: said below.
quiet hub question visit --unit s3 --period 2020-09 --text 'точно три?'
quiet hub school hold all --reason 'проверка'
quiet hub indicators --period 2020-09 --html held.html
grep -q 'Посещения, сентябрь 2020 г.: .*№ 3 имени К. Д. Ушинского (точно три?)' held.html || fail 'the question is not told'
has 'Приостановлены, новое от них не учитывается: Школы района' held.html
quiet hub school release all

# ---- what the office wrote survives a backup, and closing makes nothing preliminary any more ----

quiet hub backup whole.svdk
quiet "$hub_program" restore whole.svdk --home "$work/again" --root "$hub_home/keys/root.key"
"$hub_program" comment list --format csv --home "$work/again" >again.csv
cmp -s list.csv again.csv || { cat again.csv >&2; fail 'comments did not come back from the backup'; }
quiet hub period close 2020-09 --force --reason 'на совещание'
quiet hub indicators --period 2020-09 --xlsx closed.xlsx
cells closed.xlsx 1 >closed.txt
has 'Период закрыт: всё, что требовалось, прислали 9 из 12 школ.' closed.txt
hub indicators --snapshot --period 2020-09 --format csv 2>err.txt >frozen.csv
grep -q '^quality,Q-2,municipality,.*,второе$' frozen.csv || { cat frozen.csv >&2; fail 'comments beside frozen values'; }

# ---- a region's own workbook ----

book() { python3 "$here/workbook.py" "$1"; }
# Styles 1: in percent; 2: two places.  Row 5 is there and empty, row 6 is not there at all; C10 counts on its own.
book region.xlsx <<'JSON'
{"sheets": [
  {"name": "Титул", "rows": [["Форма № 7 «Качество»"], [null], ["Всего", {"f": "Данные!C3*2", "v": "999"}]]},
  {"name": "Данные", "merged": ["A1:D1"], "rows": [
    ["заголовок", null, null, null],
    ["Показатель", "код", "значение", "в процентах"],
    ["старое", {"v": "1"}, {"v": "7", "s": "0.00"}, {"v": "0.5", "s": "0.0%"}, {"f": "C3+1", "v": "8"}],
    [null, null, "x"],
    [],
    [],
    ["", "", "", "", {"inline": "останется <это>"}]]}]}
JSON
cat >map.yaml <<'YAML'
sheet: Данные
cells:
  - {cell: A1, what: completeness}
  - {cell: A3, indicator: Q-1, what: label}
  - {cell: B3, indicator: Q-1, what: numerator}
  - {cell: C3, indicator: Q-1}
  - {cell: D3, indicator: Q-1}
  - {cell: A4, indicator: Q-1, what: comment}
  - {cell: B4, indicator: Q-1, breakdown: sex=F, what: value}
  - {cell: C4, indicator: Q-1, breakdown: sex=X, what: value}
  - {cell: AB5, indicator: Q-2, unit: s7, what: value}
  - {cell: A6, indicator: Q-1, what: status}
  - {cell: B6, indicator: Q-1, what: target}
  - {cell: C6, indicator: Q-1, unit: s11, what: value}
  - {cell: D6, indicator: Q-1, what: denominator}
  - {cell: F6, indicator: Q-3, what: reported}
  - {cell: G6, indicator: Q-3, what: expected}
  - {cell: H6, indicator: Q-3, what: n}
  - {cell: A9, indicator: Q-1, what: measure}
  - {cell: B9, indicator: Q-1, period: 2020-10, what: value}
  - {sheet: Титул, cell: A2, what: programme}
  - {sheet: титул, cell: B2, what: period}
  - {sheet: Титул, cell: C2, what: district}
  - {sheet: Титул, cell: D2, what: date}
YAML
refused 2 'вместе' hub indicators --period 2020-09 --fill region.xlsx --xlsx filled.xlsx
refused 2 'вместе' hub indicators --period 2020-09 --fill region.xlsx --map map.yaml
refused 2 'вместе' hub indicators --period 2020-09 --map map.yaml --xlsx filled.xlsx
refused 2 'какие показатели' hub indicators --period 2020-09 --fill region.xlsx --map map.yaml --xlsx filled.xlsx --unit s1
quiet hub indicators --period 2020-09 --fill region.xlsx --map map.yaml --xlsx filled.xlsx
has 'публиковать это нельзя' err.txt
has 'заполнено ячеек: 22' err.txt
[ "$(stat -c %a filled.xlsx)" = 600 ] || fail 'others may read the filled workbook'
refused 1 'filled.xlsx' hub indicators --period 2020-09 --fill region.xlsx --map map.yaml --xlsx filled.xlsx
cells filled.xlsx Данные >data.txt
cells filled.xlsx Титул >title.txt
value_of() { awk -F , -v i="$1" -v u="$2" -v b="$3" '$2 == i && $4 == u && $6 == b && $5 == "2020-09" {print $7 + 0}' all.csv; }
expect() { # PLACE TEXT
    [ "$(cell "$1" data.txt)" = "$2" ] || { cat data.txt >&2; fail "$1 should be \"$2\""; }
}
expect A1 'Период закрыт: всё, что требовалось, прислали 9 из 12 школ.'
expect A3 'Доля обучающихся, успевающих на «хорошо» и «отлично»'
expect B3 190
expect C3 "$(value_of Q-1 '' '')"
expect D3 0.38 # the cell is shown in percent
expect E3 '=C3+1'
expect A4 '=СУММ(1;2) <b>две школы</b> & «не сдали», "третья"'
expect B4 "$(value_of Q-1 '' sex=F)"
expect C4 'нет данных'
expect AB5 "$(value_of Q-2 s7 '')"
expect A6 'не достигнута (ниже цели)'
expect B6 40-60
expect C6 'нет данных'
expect D6 500
expect F6 9
expect G6 12
expect H6 9
expect E7 'останется <это>'
expect A9 '%'
expect B9 'нет данных'
[ "$(cell A2 title.txt)" = 'Качество образования <«Дорожная карта»>' ] && [ "$(cell B2 title.txt)" = 'сентябрь 2020 г.' ] &&
    [ "$(cell C2 title.txt)" = 'Район' ] && [ "$(cell D2 title.txt)" = "$(date +%F)" ] || { cat title.txt >&2; fail 'the title'; }
[ "$(cell A1 title.txt)" = 'Форма № 7 «Качество»' ] && [ "$(cell B3 title.txt)" = '=Данные!C3*2' ] ||
    { cat title.txt >&2; fail 'the template lost something'; }
# What is not filled in is byte for byte as it was; what formulas had come to is gone, and all is computed anew.
python3 - <<'PY' || fail 'the filled workbook'
import re
import zipfile
import xml.dom.minidom

a, b = zipfile.ZipFile("region.xlsx"), zipfile.ZipFile("filled.xlsx")
assert a.namelist() == b.namelist(), b.namelist()
assert b.testzip() is None
touched = {n for n in a.namelist() if a.read(n) != b.read(n)}
assert touched == {"xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"}, touched
for n in touched:
    xml.dom.minidom.parseString(b.read(n))
sheet = b.read("xl/worksheets/sheet2.xml").decode()
title = b.read("xl/worksheets/sheet1.xml").decode()
assert 'fullCalcOnLoad="1"' in b.read("xl/workbook.xml").decode()
assert "999" not in title and "<f>Данные!C3*2</f>" in title, title
was = a.read("xl/worksheets/sheet2.xml").decode()
assert "<mergeCell ref=\"A1:D1\"/>" in sheet
for place in ("C3", "D3"):  # the style stays
    style = lambda s: re.search(f'<c r="{place}"[^>]* s="(\\d+)"', s).group(1)
    assert style(was) == style(sheet), place
rows = [int(n) for n in re.findall(r'<row r="(\d+)"', sheet)]
assert rows == sorted(set(rows)) and set(rows) >= {1, 2, 3, 4, 5, 6, 7, 9}, rows
for row in re.findall(r"<row .*?</row>", sheet):
    column = lambda p: sum(26 ** i * (ord(c) - 64) for i, c in enumerate(reversed(p)))
    places = [column(p) for p in re.findall(r'<c r="([A-Z]+)', row)]
    assert places == sorted(set(places)), row
PY
if command -v ssconvert >/dev/null 2>&1; then # another program opens it and computes what had to be computed
    ssconvert -T Gnumeric_stf:stf_csv --recalc -S filled.xlsx 'g-%n.csv' >convert.txt 2>&1 || { cat convert.txt >&2; fail 'Gnumeric does not take it'; }
    has 'Всего,76' g-0.csv
    has ',190,38,0.38,39,' g-1.csv
else
    say "$name: WITHOUT Gnumeric, LOUDLY: ssconvert is not installed"
fi

# The same of a program that writes a prefix before every name, and no <calcPr> but what comes behind it.
python3 - <<'PY'
import re
import zipfile

with zipfile.ZipFile("region.xlsx") as a, zipfile.ZipFile("prefixed.xlsx", "w", zipfile.ZIP_DEFLATED) as z:
    for n in a.namelist():
        text = a.read(n)
        if n == "xl/workbook.xml" or n.startswith("xl/worksheets/"):
            text = re.sub(r"<(/?)([A-Za-z])", r"<\1x:\2", text.decode()).replace(' xmlns="', ' xmlns:x="')
            text = text.replace("</x:workbook>", "<x:extLst></x:extLst></x:workbook>").encode()
        z.writestr(n, text)
PY
quiet hub indicators --period 2020-09 --fill prefixed.xlsx --map map.yaml --xlsx prefixed-filled.xlsx
for sheet in Данные Титул; do
    cells filled.xlsx $sheet >one.txt
    cells prefixed-filled.xlsx $sheet >two.txt
    cmp -s one.txt two.txt || { diff one.txt two.txt >&2; fail 'names with a prefix'; }
done
python3 -c 'import zipfile; print(zipfile.ZipFile("prefixed-filled.xlsx").read("xl/workbook.xml").decode())' >book.xml
has '<x:calcPr fullCalcOnLoad="1"/><x:extLst>' book.xml

# ---- a map that is wrong is told line by line, and nothing is written ----

map_refused() { # LINE TEXT: the line of a map under "cells:", and what is said of it
    printf 'cells:\n  - {sheet: Данные, cell: C3, indicator: Q-1}\n  - %s\n' "$1" >wrong.yaml
    refused 1 "$2" hub indicators --period 2020-09 --fill region.xlsx --map wrong.yaml --xlsx wrong.xlsx
    [ ! -e wrong.xlsx ] || fail "written all the same: $1"
    grep -q '^wrong.yaml:3' err.txt || grep -q 'wrong.yaml:3' err.txt || { cat err.txt >&2; fail "no line is named: $1"; }
}
map_refused '{sheet: Данне, cell: C4, indicator: Q-1}' 'имелось в виду «Данные»'
map_refused '{sheet: Данные, cell: 4C, indicator: Q-1}' 'ожидалась ячейка, например C7'
map_refused '{sheet: Данные, cell: XFE1, indicator: Q-1}' 'ожидалась ячейка, например C7'
map_refused '{sheet: Данные, cell: C3, indicator: Q-2}' 'уже заполняет строка выше'
map_refused '{sheet: Данные, cell: C4, indicator: Q-11}' 'Q-1'
map_refused '{sheet: Данные, cell: C4, indicator: Q-1, unit: s77}' 's7'
map_refused '{sheet: Данные, cell: C4, indicator: Q-1, period: 2020-13}' '2020-13'
map_refused '{sheet: Данные, cell: C4, indicator: Q-1, what: valu}' 'value'
map_refused '{sheet: Данные, cell: C4, what: value}' '`indicator:`'
map_refused '{sheet: Данные, cell: C4, what: date, indicator: Q-1}' 'date'
map_refused '{sheet: Данные, cell: C4, indicator: Q-1, colour: red}' 'colour'
map_refused '{sheet: Данные, cell: C4, indicator: Q-1, programme: klin}' 'klin'
map_refused '{sheet: Данные, cell: C4, indicator: Q-1, period: 2020/21}' 'у показателя нет такой строки'
map_refused '{sheet: Данные, cell: E3, indicator: Q-1}' 'в ячейке формула шаблона'
map_refused '{sheet: Данные, cell: B1, indicator: Q-1}' 'внутри объединённых ячеек A1:D1'
printf 'cells: []\n' >wrong.yaml
refused 1 'не названо ни одной ячейки' hub indicators --period 2020-09 --fill region.xlsx --map wrong.yaml --xlsx wrong.xlsx
printf 'x' >no.xlsx
refused 1 'no.xlsx' hub indicators --period 2020-09 --fill no.xlsx --map map.yaml --xlsx wrong.xlsx
[ ! -e wrong.xlsx ] || fail 'a refused workbook was written'
verify_clean

say "$name: as expected"
