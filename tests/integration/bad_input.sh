#!/bin/sh
# bad_input.sh BUILD_DIR: everything that people, files and networks get wrong, against the real programs, in both
# languages: each time a clear sentence (what, where, what was expected), exit code 1 (2: the command line itself), and
# nothing of it is stored, not even half (invariant 9).
set -eu
name=bad-input
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: bad_input.sh BUILD_DIR'
    exit 2
}
begin "$1"
cd "$work"
pack=$here/../fault/pack
TZ=UTC
LANG=C.UTF-8
LANGUAGE=en
export TZ LANG LANGUAGE
unset LC_ALL LC_MESSAGES
checks=0
period=2020/21-Q1
heading='pupil;sex;grade;absences;note'

# ---- what is expected ----

# Every line that a person reads must be Russian when Russian is wished for.  Lines of the log are for operators.
is_russian() { # FILE
    LC_ALL=C awk '/^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] / {next} !/\320|\321/ {print; bad = 1} END {exit bad}' "$1"
}

# refused CODE TEXT COMMAND...: ends with CODE, says TEXT on stderr and nothing on stdout; the same again in Russian.
refused() {
    refused_code=$1
    refused_text=$2
    shift 2
    for refused_language in en ru; do
        refused_got=0
        LANGUAGE=$refused_language "$@" >out.txt 2>err.txt <"${input:-/dev/null}" || refused_got=$?
        [ "$refused_got" = "$refused_code" ] || {
            cat out.txt err.txt >&2
            fail "$refused_language: $*: exit code $refused_got, expected $refused_code"
        }
        [ ! -s out.txt ] || [ -n "${may_print:-}" ] || {
            cat out.txt >&2
            fail "$refused_language: $*: a failure printed a result"
        }
        if [ "$refused_language" = en ]; then
            mv err.txt english.txt
            says "$refused_text" || fail "$*: not said: $refused_text"
        else
            [ -s err.txt ] || fail "$*: failed without a word in Russian"
            is_russian err.txt >&2 || fail "$*: said in English to a Russian"
        fi
    done
    checks=$((checks + 1))
}
says() { # TEXT: in English, the last time
    grep -qF -- "$1" english.txt || {
        cat english.txt >&2
        return 1
    }
}
also() { says "$1" || fail "not said: $1"; }

h() { "$hub_program" "$@" --home "$work/hub"; }
a() { "$agent_program" "$@" --home "$work/school"; }

# What the school holds and what the hub holds, in figures that any stored half would change.
school_holds() { agent school verify 2>/dev/null; }
hub_holds() { hub verify && hub programme list --format csv && hub school list --format csv; } 2>/dev/null
nothing_changed() { # school | hub
    case $1 in
    school) [ "$(school_holds)" = "$school_before" ] ;;
    hub) [ "$(hub_holds)" = "$hub_before" ] ;;
    esac || fail "$1: something was stored of what was refused"
}

make_hub "$pack"
make_school school
printf '%s\nok;F;5;1;\n' "$heading" >ok.csv
a import marks --period "$period" --csv ok.csv >out.txt
school_before=$(school_holds)
hub_before=$(hub_holds)

# ---- YAML: programmes and forms ----

fresh_pack() {
    rm -rf bad
    cp -r "$pack" bad
}
programme_is() { # PRINTF-TEXT
    fresh_pack
    # shellcheck disable=SC2059
    printf "$1" >bad/programme.yaml
}
pack_refused() { refused 1 "$1" h programme load bad; }

programme_is 'programme: marks\n\tversion: "1"\n'
pack_refused 'bad/programme.yaml:2:1: a tab in the indentation; use spaces'
also 'nothing was changed'
programme_is 'programme: "marks\nversion: 1\n'
pack_refused 'bad/programme.yaml:1:12: not valid YAML: the quotes that open here are never closed'
programme_is 'programme: [marks\nversion: 1\n'
pack_refused 'bad/programme.yaml:'
programme_is 'title: "\317\360"\n'
pack_refused 'bad/programme.yaml:1:9: the text is not UTF-8 from here on; save the file as UTF-8'
programme_is 'programme: a\000b\n'
pack_refused 'bad/programme.yaml:1:13: not valid YAML: a control character'
programme_is ''
pack_refused 'bad/programme.yaml:1:1: programme: this key is required and missing'
programme_is '\055 a\n\055 b\n'
pack_refused 'bad/programme.yaml:1:1: expected a mapping (key: value) (found: a list)'
programme_is '\055--\nprogramme: a\n\055--\nversion: "1"\n'
pack_refused 'bad/programme.yaml:3:1: a second document begins here; a file holds one'
programme_is 'programme: !!binary aaa\n'
pack_refused 'bad/programme.yaml:1:12: tags (!name) are not used here; leave it out'
programme_is "programme: $(awk 'BEGIN {while (n++ < 5000) printf "["}')\n"
pack_refused 'nested too deeply: at most 32 levels'
fresh_pack
sed -i '/^version/a version: "2"' bad/programme.yaml
pack_refused 'bad/programme.yaml:5:1: version: this key is given twice; it stands in line 4 already'
fresh_pack
sed -i 's/^version/verzion/' bad/programme.yaml
pack_refused 'bad/programme.yaml:4:1: verzion: unknown key; did you mean "version"?'
fresh_pack
printf 'extra: &a x\nmore: *a\n' >>bad/programme.yaml
pack_refused 'anchors are not used here'
also 'aliases are not used here'
fresh_pack
sed -i 's/kind: count/kind: [count]/; s/places: 0/places: two/; s/form: marks/form: marx/' bad/programme.yaml
pack_refused 'kind: expected one of: count, sum, mean, share, ratio,'
also 'places: expected a whole number (found: two)'
also "form: the pack has no form 'marx' in forms/"
fresh_pack
awk 'BEGIN {for (i = 0; i < 120000; i++) print "# forty characters in each line of it"}' >>bad/programme.yaml
pack_refused 'bad/programme.yaml: longer than the allowed'
fresh_pack
sed -i 's/mode: rows/mode: row/; s/type: integer/type: int/; s/{code: M}/{code: F}/' bad/forms/marks.yaml
pack_refused 'bad/forms/marks.yaml:5:7: mode: expected one of: record, rows, answers; did you mean "rows"? (found: row)'
also 'grade: no such type: "int"; did you mean "integer"? (found: int)'
also 'sex: the code "F" stands in this list twice'
also 'the pack has 4 mistakes; nothing was changed'
fresh_pack
sed -i 's/\. >= 0 and \. <= 20/. >= 0 and/' bad/forms/marks.yaml
pack_refused 'bad/forms/marks.yaml:16:'
also 'grade: constraint:'
fresh_pack
rm bad/forms/marks.yaml
pack_refused 'the pack has no form: at least one forms/*.yaml is expected'
# Everything in one pass: each line is told, with its place, and nothing besides.
told_all() { # MISTAKES; the lines on stdin
    while IFS= read -r told_line; do
        also "$told_line"
    done
    also "the pack has $1 mistakes; nothing was changed"
    told_count=$(grep -c '^bad/' english.txt)
    [ "$told_count" = "$1" ] || {
        cat english.txt >&2
        fail "$told_count mistakes are told, expected $1"
    }
}

fresh_pack
cat >bad/variables.yaml <<'YAML'
variables:
  - {id: n, form: marks}
  - {id: pupils, form: marks}
  - {id: good, form: marx, where: "${grade} >= 14"}
  - {id: high, form: marks, where: "${grad} >= 14"}
  - {id: best, form: marks, where: "${grade} >="}
  - {id: twice, form: marks, value: "${grade}", places: 9}
  - {id: twice, form: marks}
  - {id: coded, kind: keys, form: marks}
  - {id: paired, kind: pair, form: marks, key: "${pupil}"}
  - {id: parted, form: marks, by: note2}
  - {id: timed, form: marks, time: rolling}
  - {id: today, form: marks, where: "today() > 0"}
  - {id: rowed, form: marks, rows: rows}
  - {id: own, form: marks, wher: "true()"}
YAML
cat >bad/roadmap.yaml <<'YAML'
measures:
  - {code: "1.1", title: First, due: 2020-02-30}
  - {code: "1.2", due: 2020-03-01}
  - {code: "1.2", title: Again, from: 2020-04-01, due: 2020-03-01}
YAML
cat >bad/calendar.yaml <<'YAML'
calendar:
  - {form: marks, due: {days: 10, after: middle}}
  - {form: marks, due: {on: "31-12"}}
  - {form: marks, series: moon, due: {days: 10, after: end}}
YAML
pack_refused "bad/variables.yaml:4:22: form: the pack has no form 'marx' in forms/; did you mean 'marks'? (found: marx)"
told_all 21 <<'TEXT'
bad/programme.yaml:8:9: id: "pupils" is a variable already: variables and indicators share one set of names (found: pupils)
bad/variables.yaml:2:10: id: "n" has a meaning of its own in expressions; choose another id (found: n)
bad/variables.yaml:5:37: high: where: there is no field "grad"
bad/variables.yaml:6:48: best: where: the expression ends where a value was expected
bad/variables.yaml:7:57: places: expected a value from 0 to 6 (found: 9)
bad/variables.yaml:8:10: id: a variable 'twice' was defined before (found: twice)
bad/variables.yaml:9:5: key: a variable of kind 'keys' needs this key
bad/variables.yaml:10:24: kind: expected one of: sum, values, keys, pairs, relations; did you mean "pairs"? (found: pair)
bad/variables.yaml:10:43: key: a variable of kind 'sum' has no such key (found: key)
bad/variables.yaml:11:35: parted: by: note2: a field of form marks is expected: select_one, boolean, integer or text
bad/variables.yaml:12:36: time: expected same, state, ended, last, within, flow, cumulative, or rolling N
bad/variables.yaml:13:38: today: where: today() is not allowed here
bad/variables.yaml:14:36: rowed: rows: a repeat of form marks is expected
bad/variables.yaml:15:28: wher: unknown key; did you mean "where"?
bad/roadmap.yaml:2:38: due: there is no such day as 2020-02-30 (found: 2020-02-30)
bad/roadmap.yaml:3:5: title: this key is required and missing
bad/roadmap.yaml:4:39: from: expected from <= due (found: 2020-04-01)
bad/calendar.yaml:2:42: after: expected one of: start, end (found: middle)
bad/calendar.yaml:3:29: on: expected month and day in quotes, such as "10-01" (found: 31-12)
bad/calendar.yaml:4:27: series: the calendar has no series of this name (found: moon)
TEXT
nothing_changed hub

fresh_pack
cat >bad/variables.yaml <<'YAML'
variables:
  - {id: all, form: marks}
  - {id: good, form: marks, where: "${grade} >= 14"}
  - {id: grades, kind: values, form: marks, value: "${grade}"}
  - {id: by_sex, form: marks, by: sex}
YAML
cat >bad/programme.yaml <<'YAML'
programme: marks
version: "1"
title: Marks
parameters: {low: 5}
indicators:
  - {id: A, name: A, kind: share, numerator: "${good}"}
  - {id: B, name: B, kind: share, numerator: "${good} * 2.5", denominator: "${all}"}
  - {id: C, name: C, kind: share, numerator: "${godo}", denominator: "${all}"}
  - {id: D, name: D, kind: sum, value: "${good} + 1"}
  - {id: E, name: E, kind: sum, value: "${median.grades}"}
  - {id: F, name: F, kind: formula, value: "${G}"}
  - {id: G, name: G, kind: formula, value: "${F}"}
  - {id: H, name: H, kind: formula, value: "${param.lov}"}
  - {id: I, name: I, kind: units}
  - {id: J, name: J, kind: units, condition: "${J} > 1"}
  - {id: K, name: K, kind: change, of: Z, against: previous}
  - {id: L, name: L, kind: index, components: [{of: A, weight: 0.5}, {of: B, weight: 0.6}]}
  - {id: M, name: M, kind: class, classes: [{code: a, name: a}, {code: a, name: a, condition: "${A} > 1"}]}
  - {id: N, name: N, kind: gap, of: A}
  - {id: O, name: O, kind: history, condition: "${A} > 1", last: 3, at_least: 4}
  - {id: P, name: P, kind: execution, done: by_sex}
  - {id: Q, name: Q, kind: sum, value: "${good}", period: [month, moon]}
  - {id: R, name: R, kind: sum, value: "${good}", targets: [{period: "2020/21", from: 50, to: 30}]}
  - {id: S, name: S, kind: sum, value: "${good}", breakdown: true}
  - {id: T, name: T, kind: sum, value: "${good}", level: school, rollup: median, audience: [everybody]}
  - {id: U, name: U, kind: survey, form: marks, items: [note], as: share}
  - {id: V, kind: sum, value: "${good}"}
  - {id: A, name: A again, kind: sum, value: "${good}"}
  - {id: W, name: W, kind: shar, form: marks, condition: "true()"}
  - {id: X, name: X, kind: formula, value: "(${A} + 1"}
  - {id: Y, name: Y, kind: sum, value: "${good}", numerator: "${good}"}
YAML
pack_refused "bad/programme.yaml:6:5: denominator: kind 'share' needs this key"
told_all 28 <<'TEXT'
bad/programme.yaml:7:47: B: numerator: a sum of variables is expected, each with a whole factor of at most 1,000,000
bad/programme.yaml:8:47: C: numerator: there is no variable or indicator "godo": did you mean "good"?
bad/programme.yaml:9:41: D: value: a sum of variables has no number of its own beside them
bad/programme.yaml:10:41: E: value: "grades" is of kind values: only sum, keys, pairs and relations can be added up
bad/programme.yaml:11:45: F: F -> G -> F: indicators use each other in a circle
bad/programme.yaml:13:45: H: value: there is no parameter "lov": did you mean "low"?
bad/programme.yaml:14:5: condition: kind 'units' needs this key
bad/programme.yaml:15:47: J: condition: an indicator never uses itself, not even of another period
bad/programme.yaml:17:47: components: the weights sum to 1.1: 1 is expected
bad/programme.yaml:19:5: group: expected either group, or as: range
bad/programme.yaml:20:79: at_least: at most as many periods as are looked at are expected: 3 (found: 4)
bad/programme.yaml:21:28: kind: kind 'execution' needs the measures of a roadmap.yaml (found: execution)
bad/programme.yaml:22:67: period: no such series of periods: neither predefined nor in periods.yaml (found: moon)
bad/programme.yaml:23:95: to: expected from <= to (found: 30)
bad/programme.yaml:24:62: breakdown: variable 'good' has no by: there are no parts (found: true)
bad/programme.yaml:25:58: level: expected one of: both, unit, municipality (found: school)
bad/programme.yaml:25:74: rollup: expected one of: pooled, mean, weighted, min, max, range; did you mean "mean"? (found: median)
bad/programme.yaml:25:93: audience: expected one of: office, school, region, public (found: everybody)
bad/programme.yaml:26:57: items: a field of form marks is expected: select_one or integer (found: note)
bad/programme.yaml:27:5: name: this key is required and missing
bad/programme.yaml:28:10: id: 'A' stands in line 6 already, valid at the same time: another part or other days are expected (found: A)
bad/programme.yaml:29:28: kind: expected one of: count, sum, mean, share, ratio, survey,
bad/programme.yaml:30:54: X: value: the expression ends where ")" was expected
bad/programme.yaml:31:51: numerator: kind 'sum' has no such key; it has: value breakdown (found: numerator)
TEXT
nothing_changed hub

# Nothing but the calendar is wrong.
fresh_pack
cat >bad/calendar.yaml <<'YAML'
calendar:
  - {form: marx, due: {days: 10, after: end}}
  - {form: marks, series: month, due: {days: 10, after: end}}
  - {form: marks, opens: {days: 20, after: end}, due: {days: 10, after: end}}
YAML
pack_refused 'bad/calendar.yaml:2:12: form: the programme has no form of this id; did you mean "marks"? (found: marx)'
told_all 3 <<'TEXT'
bad/calendar.yaml:3:27: series: the form is due in the series school_quarter (found: month)
bad/calendar.yaml:4:
TEXT
# Without its periods nothing is said of the calendar: it would only follow.
sed -i 's/series: month/series: stage/' bad/calendar.yaml
printf 'periods:\n  - series: stage\n    periods:\n      - {id: one, from: 2020-09-01, to: 2020-08-31}\n' >bad/periods.yaml
pack_refused 'bad/periods.yaml:4:41: one: the last day is before the first; expected from <= to (found: 2020-08-31)'
also 'the pack has 1 mistake; nothing was changed'
nothing_changed hub

# A version with other content, and fields that mean something else: what is in the ledger keeps its meaning.
fresh_pack
sed -i 's/type: integer, name: absences, constraint: ". >= 0 and . <= 93"/type: text, name: absences/' bad/forms/marks.yaml
sed -i '/- id: absences/,/places: 0/d' bad/programme.yaml
pack_refused 'bad/forms/marks.yaml:3:10: version: version 1 of form marks is loaded already with other content: raise the version'
also 'absences: the type is text now and was integer in version 1: give a new field a new name'
sed -i 's/^version: "1"/version: "2"/; s/^mode: rows/mode: record/; /^key:/d' bad/forms/marks.yaml
pack_refused 'bad/forms/marks.yaml:5:7: mode: version 1 has another mode: a form keeps it; give a new form a new id'
refused 1 'bad/forms/marks.yaml:5:7: mode: version 1 has another mode' h programme check bad
refused 1 'bad/forms/marks.yaml:5:7: mode: version 1 has another mode' h programme check bad --format json
refused 2 'table, csv or json' h programme check "$pack" --format xml
refused 1 'there is no period "2020/22"' h programme check "$pack" --year 2020/22
nothing_changed hub
refused 1 'nosuch: a programme pack is expected: a folder with programme.yaml and forms/ in it' h programme load nosuch
refused 2 'something is missing; expected: programme load DIR' h programme load
nothing_changed hub

# ---- YAML: settings ----

hub_yaml_refused() { # LINE TEXT
    cp hub/hub.yaml good.yaml
    printf '%s\n' "$1" >>hub/hub.yaml
    refused 1 "$2" h status
    cp good.yaml hub/hub.yaml
}
hub_yaml_refused 'gateway.slots: many' 'hub.yaml:5:16: gateway.slots: expected a whole number (found: many)'
hub_yaml_refused 'gateway.slot: 3' 'hub.yaml:5:1: gateway.slot: unknown key; did you mean "gateway.slots"?'
hub_yaml_refused 'gateway.slots: 0' 'gateway.slots: expected a value from 1 to 10000 (found: 0)'
hub_yaml_refused 'gateway.turn: 999ms' 'gateway.turn: expected a value from 1s to 2h (found: 999ms)'
hub_yaml_refused 'gateway.turn: 7201s' 'gateway.turn: expected a value from 1s to 2h (found: 7201s)'
cp hub/hub.yaml good.yaml
for edge in 1s 2h; do
    printf 'gateway.turn: %s\n' "$edge" >>hub/hub.yaml
    h status >out.txt 2>&1 || { cat out.txt >&2; fail "gateway.turn: $edge is refused"; }
    cp good.yaml hub/hub.yaml
done
hub_yaml_refused 'gateway.credit: 4K' 'gateway.credit: at least gateway.chunk (65536 bytes) is expected (found: 4096)'
hub_yaml_refused 'gateway.slots: "1' 'hub.yaml:5:16: not valid YAML: the quotes that open here are never closed'
hub_yaml_refused 'announce: [tcp://nowhere]' 'announce: tcp://HOST:PORT is expected (found: tcp://nowhere)'
agent_yaml_refused() { # LINE TEXT
    cp school/agent.yaml good.yaml
    printf '%s\n' "$1" >>school/agent.yaml
    refused 1 "$2" a status
    cp good.yaml school/agent.yaml
}
agent_yaml_refused 'sync.windo: "1"' 'agent.yaml:3:1: sync.windo: unknown key; did you mean "sync.window"?'
agent_yaml_refused 'sync.window: "02:00-03:00"' \
    'agent.yaml:3:1: sync.window: this key is given twice; it stands in line 2'
agent_yaml_refused 'sync.chunk: 5Q' 'sync.chunk: expected a size in bytes, such as 500, 64K, 1M or 2G (found: 5Q)'
agent_yaml_refused 'store.keep_days: 3' 'store.keep_days: expected a value from 30 to 36500 (found: 3)'

# ---- CSV ----

csv_refused() { # PRINTF-TEXT TEXT [OPTION...]
    # shellcheck disable=SC2059
    printf "$1" >bad.csv
    csv_text=$2
    shift 2
    refused 1 "$csv_text" a import marks --period "$period" --csv bad.csv "$@"
    nothing_changed school
}
csv_refused "$heading\na;F;5;1;\nb;M;6\nc;F;7;1;x;y\n" 'bad.csv:3: the row has 3 cells, but the number of headings is 5'
also 'bad.csv:4: the row has 6 cells, but the number of headings is 5'
also 'nothing was queued: 2 rows of 3 have mistakes'
csv_refused "$heading\na;F;5x;1;\nb;F;6,5;1;\nc;F;99999999999999999999;1;\n" \
    'bad.csv:2:3: grade: expected a whole number (found: 5x)'
also 'bad.csv:3:3: grade: expected a whole number (found: 6,5)'
also 'bad.csv:4:3: grade: the number is too large'
csv_refused "$heading\na;X;5;1;\n" 'bad.csv:2:2: sex: no such choice: expected one of F, M (found: X)'
csv_refused "$heading\na;F;25;-1;\n" \
    "bad.csv:2:3: grade: the answer breaks the form's rule: . >= 0 and . <= 20 (found: 25)"
also 'bad.csv:2:4: absences: '
csv_refused "$heading\n;F;;1;\n" 'bad.csv:2:1: pupil: an answer is required'
also 'bad.csv:2:3: grade: an answer is required'
csv_refused "$heading\nпривет;F;5;1;\n\377\376;F;5;1;\n" \
    'bad.csv: line 3, column 1: the text is not valid UTF-8; save the file as "CSV UTF-8"'
csv_refused "$heading\n\317\360\350;F;5;1;\n" 'bad.csv: line 2, column 1: the text is not valid UTF-8' --encoding utf-8
csv_refused "$heading\n\230;F;5;1;\n" 'bad.csv: line 2, column 1: a byte that Windows-1251 does not have' \
    --encoding windows-1251
csv_refused "$heading\na;F;5;1;\"abc\nb;F;6;2;x\n" 'bad.csv: line 2, column 5: the quote opened here is never closed'
csv_refused "$heading\n\"a\"b;F;5;1;\n" 'bad.csv: line 2, column 1: '
csv_refused '' 'bad.csv: the file is empty: a row of headings was expected'
csv_refused "$heading\n" 'bad.csv: the file has headings, but no rows below them'
csv_refused "$heading\na\000b;F;5;1;\n" 'bad.csv: line 2, column 1: a zero byte; the file is not text'
csv_refused 'PK\003\004aaaa' 'bad.csv: the file is a workbook and no CSV: import takes it with --xlsx; or save it as "CSV UTF-8"'
csv_refused 'pupil;sex;grad;absences;note\na;F;5;1;\n' \
    'bad.csv:1:3: grad: the form "marks" has no field with this name or label; did you mean "grade"?'
csv_refused 'pupil;sex;grade;extra\na;F;5;1\n' \
    'bad.csv:1:4: extra: the form "marks" has no field with this name or label'
csv_refused 'pupil;sex\na;F\n' \
    'bad.csv:1: grade: the form requires this field (grade), but the file has no column for it'
csv_refused 'pupil;sex;grade;pupil\na;F;5;b\n' 'bad.csv:1:4: pupil: the column 1 is for "pupil" already'
csv_refused "$heading\na;F;5;1;\nИтого:;;5;1;\n" 'bad.csv:3:1: this looks like a row of totals'
csv_refused "$heading\na;F;5;1;\na;M;6;1;\n" 'bad.csv:3:1: pupil: line 2 has the same key'
{
    printf '%s\na;F;5;1;' "$heading"
    dd if=/dev/zero bs=1048576 count=10 2>/dev/null | tr '\000' x
    printf '\n'
} >bad.csv
refused 1 'bad.csv: line 2, column 5: the cell is longer than 1048576 bytes' \
    a import marks --period "$period" --csv bad.csv
refused 1 'nosuch.csv: cannot be opened' a import marks --period "$period" --csv nosuch.csv
refused 1 'hub: not a file; the CSV must be in a file' a import marks --period "$period" --csv hub
refused 2 'import needs --period P and either --csv FILE or --xlsx FILE' a import marks --csv ok.csv
# Rows about many units.
printf 'school;pupil;sex;grade\nschool;x;F;5\nother;y;F;5\nшкола 1;z;F;5\n;w;F;5\n' >bad.csv
refused 1 'bad.csv:3:1: school: "school" has no right to report about "other"; the district can give it (found: other)' \
    a import marks --period "$period" --csv bad.csv --unit-column school
also 'bad.csv:4:1: school: "school" has no right to report about "школа 1"'
also 'bad.csv:5:1: school: the id of the unit that the row is about was expected'
also 'nothing was queued: 3 rows of 4 have mistakes'
refused 1 'bad.csv:1: unit: this column should name the unit of each row, but the file has none with this heading' \
    a import marks --period "$period" --csv bad.csv --unit-column unit
refused 2 'the column "school" names the unit of each row, so --unit does not go with it' \
    a import marks --period "$period" --csv bad.csv --unit-column school --unit school
nothing_changed school
# The refused rows may be asked for; the good ones then count, and only they.
printf '%s\nb;F;5;1;\nc;F;x;1;\n' "$heading" >bad.csv
a import marks --period "$period" --csv bad.csv --accept-valid refused.csv >out.txt 2>err.txt ||
    fail '--accept-valid does not take the good rows'
grep -q '^c;F;x;1;' refused.csv || fail 'the refused row was not written aside'
[ "$(history_count school)" = 2 ] || fail 'one good row was expected to be queued'
school_before=$(school_holds)

# ---- JSON ----

json_refused() { # PRINTF-TEXT TEXT
    # shellcheck disable=SC2059
    printf "$1" >bad.json
    refused 1 "$2" a submit marks --period "$period" --json bad.json
    nothing_changed school
}
json_refused "$(awk 'BEGIN {while (n++ < 100000) printf "["}')" 'bad.json:1: the JSON nests deeper than 8 levels'
json_refused '{"pupil": "a",\n "grade": 5, "grade": 6}' 'bad.json:2:20: not JSON: a key is given twice (found: "grade")'
json_refused '{"pupil": 5, "sex": ["F"], "grade": "five"}' 'bad.json: pupil: expected a text in quotes (found: 5)'
also 'bad.json: sex: expected the code of a choice in quotes (found: ["F"])'
also 'bad.json: grade: expected a whole number, for example 12 (found: "five")'
also 'nothing was queued; put the answers right and submit again'
json_refused '{"pupil": "a", "sex": "Z", "grade": 5.5}' \
    'bad.json: sex: no such choice: expected one of F, M (found: "Z")'
also 'bad.json: grade: expected a whole number'
json_refused '{"pupil": "a", "sex": "F", "grade": 25}' "bad.json: grade: the answer breaks the form's rule"
json_refused '{"pupil": "a"}' 'bad.json: sex: an answer is required'
json_refused '{"pupil": "a", "sex": "F", "grade": 5, "absense": 1}' \
    'bad.json: absense: the form has no such field; did you mean "absences"?'
json_refused '[1, 2]' 'bad.json: expected an object, {"field": value, ...}'
json_refused '{"pupil": "a"' 'not JSON: the text ends too early'
json_refused '' 'not JSON: the text ends too early'
json_refused '{} x' 'not JSON: something stands after the last closing bracket'
json_refused '{"pupil": "\377"}' 'not JSON: the text is not valid UTF-8; save the file as UTF-8'
json_refused '{"pupil": "a\\u0000b"}' 'not JSON: a text must not hold the character \u0000'
json_refused '{"grade": 1e999}' 'not JSON: the number is too large (found: 1e999)'
json_refused '{"grade": NaN}' 'not JSON: a bracket, a comma, a colon or a quote is missing or too many (found: NaN)'
dd if=/dev/zero bs=1048576 count=2 2>/dev/null | tr '\000' ' ' >bad.json
refused 1 'bad.json: longer than the allowed 1048576 bytes' a submit marks --period "$period" --json bad.json
refused 1 'nosuch.json: cannot be opened' a submit marks --period "$period" --json nosuch.json
refused 2 'there is no terminal to ask on; give the answers with --json FILE' a submit marks --period "$period"
nothing_changed school

# ---- names that do not exist ----

printf '{"pupil": "a", "sex": "F", "grade": 5}' >ok.json
refused 1 'there is no form "marx"; did you mean "marks"?' a submit marx --period "$period" --json ok.json
refused 1 'there is no form "marx"; did you mean "marks"?' a import marx --period "$period" --csv ok.csv
refused 1 'there is no form "marx"; did you mean "marks"?' a forms marx
refused 1 'there is no period "2020/21-Q9"; did you mean "2020/21-Q1"?' \
    a submit marks --period 2020/21-Q9 --json ok.json
refused 1 '"2020-09" is a period of the series month; a period of the series school_quarter is expected' \
    a submit marks --period 2020-09 --json ok.json
refused 1 'there is no period "one day" in the series school_quarter; write it like' \
    a submit marks --period 'one day' --json ok.json
refused 2 'say the period: --period P' a submit marks --json ok.json
refused 1 '"school" has no right to report about "gymnasium"' \
    a submit marks --period "$period" --unit gymnasium --json ok.json
refused 1 '"school" has no right to report about "gymnasium"' \
    a import marks --period "$period" --unit gymnasium --csv ok.csv
refused 2 'is not a date; expected one like 2020-09-01' \
    a submit marks --period "$period" --filled-on 2020-13-45 --json ok.json
refused 1 'this queue has no submission school/1/99' a retract school/1/99 --reason x
refused 2 'say why: --reason TEXT' a retract 1
refused 1 'has no row "nobody" here' a correct marks --key nobody --period "$period" --reason x --set grade=3
refused 1 'there is no period "2020-13"' h indicators --period 2020-13
refused 1 'there is no indicator "pupilz"; did you mean "pupils"?' h explain pupilz --period "$period"
refused 1 'there is no indicator "pupilz"; did you mean "pupils"?' h indicators --indicator pupilz
refused 1 'there is no programme "marx"; did you mean "marks"?' h indicators --programme marx
refused 1 'there is no period "2020/21-Q9"; did you mean "2020/21-Q1"?' h indicators --period 2020/21-Q9
refused 1 'there is no period "2020/21-Q9"; did you mean "2020/21-Q1"?' h explain pupils --period 2020/21-Q9
refused 1 'there is no unit "schol"; did you mean "school"?' h indicators --unit schol
refused 1 'there is no unit "schol"; did you mean "school"?' h explain pupils --period "$period" --unit schol
refused 1 'there is no form "marx"; did you mean "marks"?' \
    h export submissions --form marx --period "$period" --unsafe-raw
refused 1 'there is no unit "gymnasium"' h indicators --unit gymnasium
nothing_changed school
nothing_changed hub

# ---- invitations ----

h school add second --name 'Second' --invite second.invite >out.txt
hub_before=$(hub_holds)
join_refused() { # TEXT
    refused 1 "$1" "$agent_program" join bad.invite --home "$work/new"
    [ ! -e new ] || fail 'a refused invitation left a home behind'
}
head -c 700 second.invite >bad.invite
join_refused 'bad.invite: The file is cut off'
sed '16s/^./#/; 17s/A/B/; 18s/a/b/' second.invite >bad.invite
join_refused 'the file was changed on its way'
sed '1s/1/2/' second.invite >bad.invite
join_refused 'bad.invite: Line 1: this file was made by a newer Svodka'
echo 'hello' >bad.invite
join_refused 'bad.invite: This is not an invitation'
rm bad.invite
join_refused 'bad.invite: cannot be opened'
refused 1 "this invitation is another's, and needs a folder of its own" "$agent_program" join second.invite --home school
refused 1 'no/such/new: ' "$agent_program" join second.invite --home no/such/new
refused 2 'say which folder to work in' "$agent_program" join second.invite
refused 1 "school 'second' is there already" h school add second --name Again --invite again.invite
refused 1 "'-' and '_' are expected" h school add 'нет' --name Again --invite again.invite
[ ! -e again.invite ] || fail 'a refused school has an invitation'
nothing_changed hub

# ---- homes: missing, damaged, open to others, another's ----

"$agent_program" join second.invite --home "$work/other" >out.txt
"$hub_program" init --home "$work/hub2" --name Other --listen "tcp://127.0.0.1:$port" </dev/null >out.txt
cp -a school school.good
cp -a hub hub.good
restore() {
    rm -rf school hub
    cp -a school.good school
    cp -a hub.good hub
}
school_refused() { # TEXT: after the home was hurt; then it is put back
    refused 1 "$1" a status
    restore
}
hub_refused() { # TEXT
    refused 1 "$1" h status
    refused 1 "$1" h serve
    restore
}
for key in sign curve home; do
    mv school/keys/$key.key away.key
    school_refused "school/keys/$key.key: the key file is missing (nothing was changed): put it back"
    chmod 644 school/keys/$key.key
    school_refused "other users may read this key file; correct it with: chmod 600 $work/school/keys/$key.key"
    echo rubbish >school/keys/$key.key
    school_refused "school/keys/$key.key: this is not a key file of this program, or it is damaged"
    cp other/keys/$key.key school/keys/$key.key
    school_refused "school/keys/$key.key is not the key of this home; put back the file that was made with it"
done
cp school/keys/sign.key school/keys/curve.key
school_refused 'curve.key: a key of kind "curve" is expected here, this one is "sign"'
for part in agent.yaml keys store store/data.mdb; do
    rm -rf "school/${part:?}"
    school_refused "school/$part is missing"
done
for folder in . keys store; do
    chmod 755 school/$folder
    school_refused 'other users of this computer may look into it; run: chmod 700'
done
chmod 644 school/store/data.mdb
school_refused 'Others may read'
: >school/store/data.mdb
school_refused 'is cut short; nothing was changed. Restore a backup.'
head -c 12288 school.good/store/data.mdb >school/store/data.mdb
school_refused 'is cut short; nothing was changed. Restore a backup.'
# overwrite FILE BYTE FIRST COUNT: pages
overwrite() {
    dd if=/dev/zero bs=4096 count="$4" 2>/dev/null | tr '\000' "$2" |
        dd of="$1" bs=4096 seek="$3" conv=notrunc 2>/dev/null
}
for byte in '\001' '\101' '\252' '\377'; do
    overwrite school/store/data.mdb "$byte" 0 2
    school_refused "school/store is damaged"
    # Behind the first two: where LMDB may well be led out of its file.
    overwrite school/store/data.mdb "$byte" 2 "$(($(wc -c <school/store/data.mdb) / 4096 - 2))"
    school_refused "school/store"
done
cp other/store/data.mdb school/store/data.mdb
school_refused 'is not the key of this home; put back the file that was made with it'
refused 1 'is not the home of an agent (no agent.yaml in it); make one with: svodka-agent join' \
    "$agent_program" status --home "$work/hub"
refused 2 'say which folder to work in: --home DIR, or the variable SVODKA_HOME' "$agent_program" status

seal=$(cd hub/keys && echo seal-*.key)
mv "hub/keys/$seal" away.key
hub_refused "hub/keys/$seal: the key file is missing (nothing was changed): put it back from the recovery copy"
for key in sign curve storage; do
    mv hub/keys/$key.key away.key
    hub_refused "hub/keys/$key.key: the key file is missing (nothing was changed): put it back from the recovery copy"
done
for key in sign.key curve.key storage.key "$seal"; do
    chmod 640 "hub/keys/$key"
    hub_refused "other users may read this key file; correct it with: chmod 600 $work/hub/keys/$key"
    cp "hub2/keys/$key" "hub/keys/$key"
    hub_refused 'key of this hub'
done
rm hub/store/data.mdb
hub_refused 'hub/store is missing (nothing was changed): restore a backup'
rm hub/hub.yaml
hub_refused 'is not the home of a hub (no hub.yaml in it); make one with svodka-hub init'
chmod 750 hub/keys
hub_refused 'others may look into the folder of the keys; run: chmod 700'
chmod 750 hub/store
hub_refused 'Others may enter the folder'
overwrite hub/store/data.mdb '\377' 0 2
hub_refused 'is damaged'
nothing_changed school
nothing_changed hub

# ---- the line ----

may_print=1 # what waits is said on stdout
printf 'sync.connect: 1s\nsync.handshake: 1s\nsync.progress: 5s\n' | tee -a other/agent.yaml >>school/agent.yaml
sync_refused() { refused 1 "$1" a sync; }
sync_refused "127.0.0.1:$port cannot be reached: nothing answers there. Is there a line, is the hub switched on?"

# Something else: a web server's answer, silence, an end at once.
something_else() { # http | silence | end
    # shellcheck disable=SC2016 # perl's own
    perl -MIO::Socket::INET -e '
        my ($port, $how) = @ARGV;
        my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 5, ReuseAddr => 1)
            or exit 1;
        my @kept;
        while (my $c = $s->accept) {
            if ($how eq "silence") { push @kept, $c; next }
            if ($how eq "http") {
                sysread $c, my $in, 10;
                syswrite $c, "HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n";
            }
            close $c;
        }' "$port" "$1" &
    other_pid=$!
    remember "$other_pid"
    wait_until 10 port_listens "$port" || fail "nothing listens at port $port"
}
if command -v perl >/dev/null 2>&1 && perl -MIO::Socket::INET -e 1 2>/dev/null; then
    for how in http silence end; do
        something_else "$how"
        sync_refused "something else than a hub answers at 127.0.0.1:$port"
        end_process "$other_pid"
    done
else
    say "$name: SKIPPED, LOUDLY: something else on the hub's port: perl is missing"
fi

# Another district's hub at the same address.
hub_home=$work/hub2
start_hub
sync_refused "or another hub than this school's"
stop_hub
hub_home=$work/hub
nothing_changed hub

# ---- a clock a year off, an invitation that has expired or was used ----

"$agent_program" join second.invite --home "$work/late" >out.txt
"$agent_program" join second.invite --home "$work/late2" >out.txt
cp other/agent.yaml late/agent.yaml
fake=
if command -v faketime >/dev/null 2>&1; then
    # shellcheck disable=SC2016 # of the inner shell
    fake=$(faketime -f +1d sh -c 'printf %s "$LD_PRELOAD"')
fi
# at.sh OFFSET COMMAND...: with the clock there.  (The program faketime would stand between us and the process.)
cat >at.sh <<'SH'
offset=$1
shift
exec env FAKETIME="$offset" FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD="$fake" \
    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "$@"
SH
export fake
at() { sh at.sh "$@"; }
if [ -n "$fake" ]; then
    # The school's clock decides nothing: it may join, and is told.
    at +365d "$agent_program" join second.invite --home "$work/early" >out.txt 2>err.txt ||
        fail 'a clock a year ahead keeps a school from joining'
    grep -qF 'by the clock of this computer the invitation has expired. Only the district decides' err.txt ||
        fail 'nobody is told that the invitation looks expired'
    # The hub's does.
    sh at.sh +60d "$hub_program" serve --home "$work/hub" >>hub.log 2>&1 &
    hub_pid=$!
    remember "$hub_pid"
    wait_until 20 hub_is_up || fail 'the hub does not start within 20 seconds'
    refused 1 'this invitation has expired; ask the district office for a new one' \
        "$agent_program" sync --home "$work/late"
    stop_hub
else
    say "$name: SKIPPED, LOUDLY: clocks: faketime is not installed"
fi
start_hub
"$agent_program" sync --home "$work/late2" >out.txt 2>&1 || fail 'the second school cannot join'
refused 1 'this invitation was used by another computer; ask the district office for a new one' \
    "$agent_program" sync --home "$work/late"
if [ -n "$fake" ]; then
    for offset in +365d -365d; do
        printf '%s\nclock%s;F;5;1;\n' "$heading" "$offset" >clock.csv
        at "$offset" "$agent_program" import marks --period "$period" --csv clock.csv --home "$work/school" \
            >out.txt 2>err.txt
        at "$offset" "$agent_program" sync --home "$work/school" >out.txt 2>err.txt || {
            cat err.txt >&2
            fail "no meeting with a clock $offset off"
        }
        at "$offset" "$agent_program" status --home "$work/school" >out.txt 2>err.txt
        # The second time it is not the same wrong day, so nobody can reckon with it.
        case $offset in
        +*) told='the clock of this computer was off by more than a day' ;;
        *) told='and that is wrong or was when the district was met last' ;;
        esac
        grep -qF "$told" err.txt out.txt || {
            cat err.txt out.txt >&2
            fail "nobody is told that the clock is $offset off"
        }
    done
    [ "$(hub_figure counted)" = 4 ] || fail 'the hub did not count all four submissions'
fi
stop_hub

# ---- too little of the computer ----

# shellcheck disable=SC3045 # not POSIX, but dash, bash and busybox all know it
refuses_descriptors() { (ulimit -n 400 && "$build/hub/svodka-hub-gateway" --home "$work/hub"); }
may_print=
got=0
refuses_descriptors >out.txt 2>err.txt || got=$?
if [ "$got" != 1 ] || ! grep -qF 'the gateway may open only 400 files; at least 600 are needed' err.txt; then
    cat err.txt >&2
    fail 'too few descriptors go unnoticed'
fi
verify_clean school late2

say "$name: $checks kinds of bad input refused in two languages, nothing of them stored"
