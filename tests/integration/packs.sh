#!/bin/sh
# packs.sh BUILD_DIR: what `programme check` says of a pack.  The five municipal programmes of configs/programmes are
# right, and everything the programmes' texts name is there; in both languages, as table, CSV and JSON.  Then a new version
# of a programme beside a hub with answers: what it would do to them is told before anything is changed (invariant 9).
set -eu
name=packs
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
[ $# -ge 1 ] || {
    warn 'usage: packs.sh BUILD_DIR'
    exit 2
}
begin "$1"
cd "$work"
root=$(cd "$here/../.." && pwd)
LANG=C.UTF-8
LANGUAGE=en
TZ=UTC
export LANG LANGUAGE TZ
unset LC_ALL LC_MESSAGES

is() { # WHAT FOUND EXPECTED
    [ "$2" = "$3" ] || fail "$1: $2, expected $3"
}
says() { # TEXT FILE
    grep -qF -- "$1" "$2" || {
        cat "$2" >&2
        fail "\"$1\" was expected in $2"
    }
}
count() { # WHAT [SUBJECT]: of check.csv
    awk -F , -v what="$1" -v subject="${2:-}" '$1 == what && $8 == subject {print $10}' check.csv
}
total() { # WHAT: all its subjects together
    awk -F , -v what="$1" '$1 == what {n += $10} END {print n + 0}' check.csv
}
lines() { # WHAT
    awk -F , -v what="$1" '$1 == what {n++} END {print n + 0}' check.csv
}

# ---- the five programmes ----

check_pack() { # PACK IDS
    pack=$root/configs/programmes/$1
    "$hub_program" programme check "$pack" --year 2020/21 --format csv >check.csv 2>err.txt || {
        cat err.txt >&2
        fail "$1 is refused"
    }
    is "$1: indicators" "$(count indicators)" "$2"
    is "$1: indicators of all kinds" "$(total indicators_kind)" "$2"
    is "$1: indicators of all levels" "$(total indicators_level)" "$2"
    # What stands in the files, counted by others.
    is "$1: forms" "$(lines form)" "$(sed -n 's/^forms: \[\(.*\)\].*/\1/p' "$pack/programme.yaml" | tr , '\n' | wc -l)"
    is "$1: definitions" "$(count definitions)" "$(sed -n '/^indicators:/,$p' "$pack/programme.yaml" |
        grep -cE '^  - (\{)?id: ')"
    is "$1: measures" "$(count measures)" "$(grep -cE '^ +- \{code: ' "$pack/roadmap.yaml")"
    is "$1: rules" "$(count calendar_rules)" "$(grep -cE '^ +- \{form: ' "$pack/calendar.yaml")"
    is "$1: due dates" "$(lines due)" "$(total due_dates)"
    is "$1: proposals" "$(awk -F , '$1 == "due" && $9 == "yes"' check.csv | wc -l)" "$(total due_dates_proposed)"
    awk -F , '$1 == "due" && ($7 < "2020-09-01" || $7 > "2021-08-31")' check.csv >outside.txt
    [ ! -s outside.txt ] || fail "$1: a due date outside the school year: $(cat outside.txt)"
    [ "$(count variables)" -gt 0 ] || fail "$1 has no variables"

    "$hub_program" programme check "$pack" --year 2020/21 --format json >check.json 2>err.txt
    python3 - check.json "$2" <<'PY' || fail "$1: the JSON says something else"
import json, sys
rows = json.load(open(sys.argv[1]))
assert [r["count"] for r in rows if r["what"] == "indicators"] == [int(sys.argv[2])]
assert all(isinstance(r["count"], int) and r["count"] > 0 for r in rows if r["what"] == "form")
PY
    "$hub_program" programme check "$pack" >check.txt 2>err.txt
    says "Nothing is wrong with programme $1, version " check.txt
    LANGUAGE=ru "$hub_program" programme check "$pack" >check.ru.txt 2>err.txt
    says "В программе $1, версия " check.ru.txt
    grep -qE "^Показателей +$2\$" check.ru.txt || fail "$1: the Russian table has not its $2 indicators"
    # Every line of its tables has a Russian word, or only names and numbers of the pack.
    grep -E '[a-z]{3,} [a-z]{3,}' check.ru.txt >english.txt && fail "$1: English in the Russian table: $(cat english.txt)"
    say "$1: $2 indicators, $(total due_dates) due dates in 2020/21, $(total due_dates_proposed) of them proposals"
}
check_pack klin 50
check_pack abinsky 34
check_pack veshkaima 42
check_pack korolyov 58
check_pack zhigalovo 76
# By hand, from its calendar.  Once a year: pass, staff, pd, def, vpr, exam, res, net, tand, docs, prog, swot, assess, ref,
# roster, four surveys, marks: 20.  soc on two days, marks and kim in four quarters, supp and exec in two half-years:
# 20 + 2 + 8 + 4 = 34.  Proposals: those once a year but res, swot, two surveys, marks: 15; and soc, supp, exec: 6.
is 'due dates of zhigalovo' "$(total due_dates)" 34
is 'proposals of zhigalovo' "$(total due_dates_proposed)" 21
is 'the day of a quarter' "$(awk -F , '$1 == "due" && $2 == "kim" && $6 == "2020/21-Q1" {print $7}' check.csv)" 2020-11-07
if "$hub_program" programme check "$root/configs/programmes/klin" --year 2020/22 >out.txt 2>err.txt; then
    fail 'a school year that there is not was taken'
fi
says 'there is no period "2020/22"' err.txt

# ---- a new version beside answers ----

make_hub "$here/../fault/pack"
for unit in a b c d; do
    make_school "$unit"
done
heading='pupil;sex;grade;absences;note'
printf '%s\np1;F;15;0;\np2;M;7;3;\n' "$heading" >two.csv
printf '%s\np1;F;12;1;\n' "$heading" >one.csv
agent a import marks --period 2020/21-Q1 --csv two.csv >out.txt
agent b import marks --period 2020/21-Q1 --csv one.csv >out.txt
agent b import marks --period 2020/21-Q2 --csv one.csv >out.txt
start_hub
for unit in a b c d; do
    agent "$unit" sync >sync.txt 2>&1 || fail "$unit cannot send"
done

cp -r "$here/../fault/pack" next
sed -i 's/^version: "1"/version: "2"/' next/programme.yaml next/forms/marks.yaml
cat >>next/forms/marks.yaml <<'YAML'
  - {type: integer, name: tasks}
  - {type: integer, name: solved}
YAML
sed -i 's/grade} >= 14/grade} >= 15/; /- id: absences/,/places: 0/d' next/programme.yaml
cat >>next/programme.yaml <<'YAML'
  - {id: tasks, name: Tasks, form: marks, kind: sum, value: "${tasks}"}
  - {id: solved, name: Solved, form: marks, kind: share, where: "${tasks} > 0", condition: "${solved} = ${tasks}"}
  - {id: load, name: Load, kind: formula, value: "${tasks} div ${pupils}"}
  - {id: better, name: Better, kind: change, of: quality, against: previous}
YAML
before=$(hub indicators --format csv 2>err.txt)

hub programme check next >check.txt 2>err.txt || {
    cat err.txt >&2
    fail 'the next version is refused'
}
says 'Programme marks: version 2 takes the place of version 1.' check.txt
says 'Form marks: version 2 comes.' check.txt
says '  2 of 4 schools answered version 1 (4 submissions); 3 indicators have no data for them: tasks, solved, load.' check.txt
says '    Ask them only for the 2 new fields: tasks, solved.' check.txt
says '  new (4): tasks, solved, load, better.' check.txt
says '  with another definition (1): quality.' check.txt
says '  not there any more (1): absences.' check.txt
grep -qE 'variables are built anew from 4 submissions: ' check.txt || fail 'not said: what is built anew'
LANGUAGE=ru hub programme check next >check.ru.txt 2>err.txt
says '  2 из 4 школ ответили по версии 1 (4 записи); по ним нет данных для 3 показателей: tasks, solved, load.' check.ru.txt
says '    Спросите у них только 2 новых поля: tasks, solved.' check.ru.txt
says '  больше не считаются (1): absences.' check.ru.txt

hub programme check next --format csv >check.csv 2>err.txt
is 'who answered' "$(grep -c '^answered,marks,1,,,,,,,2,4$' check.csv)" 1
is 'submissions of the old version' "$(grep -c '^submissions,marks,1,,,,,,,4,$' check.csv)" 1
is 'new fields' "$(awk -F , '$1 == "field_new" {print $8}' check.csv | tr '\n' ' ')" 'tasks solved '
is 'without data' "$(awk -F , '$1 == "without_data" {print $8}' check.csv | tr '\n' ' ')" 'tasks solved load '
is 'changed' "$(awk -F , '$1 == "indicator_changed" {print $8}' check.csv)" quality
is 'removed' "$(awk -F , '$1 == "indicator_removed" {print $8}' check.csv)" absences
is 'from submissions' "$(awk -F , '$1 == "variables_built" {print $11}' check.csv)" 4
hub programme check next --format json >check.json 2>err.txt
python3 -c 'import json, sys; r = json.load(open("check.json")); sys.exit([x["of"] for x in r if x["what"] == "answered"] != [4])' ||
    fail 'the JSON says something else'

# A check changes nothing; a load says the same first, and what it said comes true.
[ "$(hub indicators --format csv 2>err.txt)" = "$before" ] || fail 'a check changed the indicators'
versions() { # of the indicators, as they stand in CSV
    hub indicators --format csv 2>err.txt | awk -F , '
        NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next} {print $at["programme"], $at["version"]}' | sort -u
}
is 'versions before' "$(versions)" 'marks 1'
frozen() { hub indicators --snapshot --period 2020/21-Q1 --format csv 2>err.txt; }
hub period close 2020/21-Q1 --force --reason 'the version that it keeps' >out.txt 2>err.txt || {
    cat err.txt >&2
    fail 'the period does not close'
}
frozen >frozen.csv
hub programme load next >load.txt 2>err.txt || {
    cat err.txt >&2
    fail 'the next version does not load'
}
says '3 indicators have no data for them: tasks, solved, load.' load.txt
says 'Programme marks, version 2 (Register) is loaded.' load.txt
is 'versions after' "$(versions)" 'marks 2'
# What was frozen before keeps the version it was computed by, and its values: quality of a in Q1 was 1 of 2 then, too,
# and absences, which are not there any more, 3.
frozen >frozen.now.csv
cmp -s frozen.csv frozen.now.csv || fail 'what was frozen changed with a new version'
is 'versions frozen' "$(awk -F , '
    NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next} {print $at["version"]}' frozen.now.csv | sort -u)" 1
is 'what is not computed any more' "$(awk -F , '$2 == "absences" && $4 == "a" {print $7}' frozen.now.csv)" 3.000000
hub indicators --format csv >now.csv 2>err.txt
is 'values of an indicator that has no data' \
    "$(grep -cE '^marks,(tasks|solved|load),[^,]*,[^,]*,[^,]*,[^,]*,[0-9]' now.csv)" 0
# quality of a in Q1: 15 counts still, 7 does not: 1 of 2.
is 'what is still there' "$(awk -F , '$2 == "quality" && $4 == "a" && $5 == "2020/21-Q1" {print $7}' now.csv)" 50.000000
hub programme check next >check.txt 2>err.txt
says 'The indicators stay as they are.' check.txt
says 'No variable is built anew.' check.txt

# What is refused says nothing of effects.
sed 's/name: tasks}/name: tasks, label: {en: T}}/; s/type: text, name: note/type: integer, name: note/; s/, constraint: "string-length(.) <= 200"//' \
    next/forms/marks.yaml >marks.yaml
sed 's/^version: "2"/version: "3"/' marks.yaml >next/forms/marks.yaml
if hub programme check next >out.txt 2>err.txt; then
    fail 'a field that changed its type was taken'
fi
[ ! -s out.txt ] || fail 'a refused pack printed a result'
says 'note: the type is integer now and was text in version' err.txt
verify_clean a b c d
stop_hub
say "$name: five programmes are right; a new version tells what it does to the answers of the old one"
