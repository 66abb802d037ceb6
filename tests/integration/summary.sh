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
hub indicators --period 2020-09 --xlsx a.xlsx --html a.html
cells a.xlsx 1; cells a.xlsx 2
cp a.xlsx a.html /tmp/
