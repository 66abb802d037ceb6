#!/bin/sh
# return_cover.sh BUILD_DIR: a school marks its returns complete, partial or "nothing to report", has them approved, prints
# them, and changes them afterwards; the office sees each of it, whichever comes first, the cover or the rows, and verify is
# clean all the way (invariants 3, 5, 9).
set -eu
name=return_cover
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"
period=$(date -u +%Y-%m)

sync_now() { # HOME
    agent "$1" sync >sync.txt 2>&1 || { cat sync.txt >&2; fail "$1 cannot sync"; }
}
submit() { # HOME FORM JSON
    printf '%s' "$3" | agent "$1" submit "$2" --period $period --json - >submit.txt 2>submit.err ||
        { cat submit.err >&2; fail "$1 cannot submit $2"; }
}
says() { # FILE TEXT
    grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "nobody is told \"$2\""; }
}
# What the office sees of a return: state, submissions, cover, what of it is here, approved by.
at_hub() { # FORM UNIT
    hub completeness --form "$1" --period $period --unit "$2" --format csv >rows.csv 2>err.txt ||
        { cat err.txt >&2; fail 'completeness failed'; }
    awk -F , 'NR == 2 {print $4, $14, $17, $18, $19}' rows.csv
}
is_at_hub() { # FORM UNIT EXPECTED
    [ "$(at_hub "$1" "$2")" = "$3" ] || { cat rows.csv >&2; fail "the office should see: $1 of $2: $3"; }
}

mkdir -p pack/forms
cat >pack/programme.yaml <<'YAML'
programme: visits
version: "1"
title: Visits
indicators:
  - {id: V-1, name: Visits, form: visit, kind: sum, value: "${count}", shown: 0}
YAML
cat >pack/forms/visit.yaml <<'YAML'
form: visit
version: "1"
title: {ru: Посещения, en: Visits}
mode: record
role: school
period: month
choices:
  places:
    - {code: home, label: {ru: дома, en: at home}}
    - {code: school, label: {ru: в школе, en: at school}}
survey:
  - {type: integer, name: count, label: {ru: Посещений, en: Number of visits}, required: true}
  - {type: select_one places, name: place, label: {ru: Где, en: Where}}
YAML
cat >pack/forms/staff.yaml <<'YAML'
form: staff
version: "1"
title: {ru: Учителя, en: Teachers}
mode: rows
key: code
role: school
period: month
survey:
  - {type: text, name: code, label: {ru: Код, en: Code}, required: true}
  - {type: integer, name: hours, label: {ru: Часов в неделю, en: Hours a week}, required: true}
  - {type: text, name: subject, label: {ru: Предмет, en: Subject}}
YAML
cat >pack/calendar.yaml <<'YAML'
calendar:
  - {form: visit, due: {days: 10, after: end}, late_until: {days: 20, after: end}}
  - {form: staff, due: {days: 20, after: end}, late_until: {days: 20, after: end}}
YAML
make_hub pack
for school in a b; do make_school "$school"; done
start_hub
