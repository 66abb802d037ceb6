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
    hub completeness --form "$1" --period "$period" --unit "$2" --format csv >rows.csv 2>err.txt ||
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

# ---- nothing is marked; what cannot be said is refused ----

submit a staff '{"code": "T1", "hours": 30, "subject": "x"}'
submit a staff '{"code": "T2", "hours": 18}'
agent a return staff --period "$period" >return.txt
says return.txt 'The return is not marked yet.'
says return.txt 'Rows: 2.'
refused 1 '2 rows are entered' agent a return staff --period "$period" --nothing
refused 1 'if there is nothing to report, say so' agent a return visit --period "$period" --complete
refused 1 'if there is nothing to report, say so' agent a return visit --period "$period" --print empty.html
refused 2 'one of them was expected' agent a return staff --period "$period" --partial --complete
refused 2 'a name was expected' agent a return staff --period "$period" --approve ''
refused 2 'say the period' agent a return staff
refused 1 'has no right' agent a return staff --period "$period" --unit b

# ---- marked and approved; the same again changes nothing; the office sees it ----

agent a return staff --period "$period" --complete --entered-by 'Иванова А. А.' --approve 'Петров И. И.' >return.txt
says return.txt 'marked as complete; approved by: Петров И. И.'
agent a return staff --period "$period" --complete >return.txt
says return.txt 'it was marked like this already'
[ "$(agent a history return-cover --format csv | wc -l)" = 2 ] || fail 'a mark was queued twice'
agent a return staff --period "$period" >return.txt
says return.txt 'Drawn up by: Иванова А. А.'
says return.txt 'Nothing has changed since then.'
is_at_hub staff a 'due 0   '
sync_now a
is_at_hub staff a 'received 2 complete same Петров И. И.'
hub completeness --form staff --period "$period" --unit a >rows.txt
says rows.txt 'complete; approved by Петров И. И., '
verify_clean a b

# ---- changed afterwards: the school is told at each step, gives the reason, and the approval is over ----

submit a staff '{"code": "T3", "hours": 10}'
says submit.err 'has changed since. Mark it again: svodka-agent return staff'
agent a correct staff --period "$period" --key T1 --reason 'counted again' --set hours=31 >correct.txt 2>correct.err
says correct.err 'has changed since'
agent a retract staff --period "$period" --key T2 --reason 'left in August' >retract.txt 2>retract.err
says retract.err 'has changed since'
printf 'code,hours\nT4,12\n' >more.csv
agent a import staff --period "$period" --csv more.csv >import.txt 2>import.err || { cat import.err >&2; fail 'cannot import'; }
says import.err 'has changed since'
agent a return staff --period "$period" >return.txt
says return.txt 'It has changed since then: added 2, corrected 1, withdrawn 1.'
agent a return staff --period "$period" --format csv | cut -d , -f 1,8 >changes.csv
[ "$(cat changes.csv)" = 'key,change
T1,corrected
T3,added
T4,added
T2,withdrawn' ] || { cat changes.csv >&2; fail 'what has changed is not told row by row'; }
agent a forms --format csv | grep -q "^staff,.*,$period,.*,changed\$" || { agent a forms --format csv >&2; fail 'forms does not show what has changed'; }
sync_now a
is_at_hub staff a 'received 3 complete differs Петров И. И.'
hub table staff --period "$period" >table.txt 2>&1
says table.txt 'Other than what the school marked and approved: Школа a (complete; what is here was changed since it was marked; approved by Петров И. И.'
refused 1 'say why, --reason' agent a return staff --period "$period" --complete
agent a return staff --period "$period" --partial --reason 'Т2 ушёл' >return.txt
says return.txt 'marked as partial; not approved yet'
sync_now a
is_at_hub staff a 'received 3 partial same '
hub table staff --period "$period" >table.txt 2>&1
says table.txt 'partial: Школа a'
agent a return staff --period "$period" --complete --approve 'Петров И. И.' >return.txt
sync_now a
is_at_hub staff a 'received 3 complete same Петров И. И.'
hub table staff --period "$period" >table.txt 2>&1
says table.txt 'Approved by the heads as it is here: 1 of 2.'
agent a forms --format csv | grep -q "^staff,.*,$period,.*,complete\$" || fail 'forms does not show the mark'
verify_clean a b

# ---- nothing to report: received without a submission, accepted, and over as soon as there is one ----

agent a return visit --period "$period" --nothing --approve 'Петров И. И.' >return.txt
sync_now a
is_at_hub visit a 'received 0 nothing same Петров И. И.'
hub table visit --period "$period" >table.txt 2>&1
says table.txt 'Preliminary: 1 of 2 have reported.'
says table.txt 'nothing to report: Школа a'
hub accept visit --unit a --period "$period" --by Ольга >accept.txt
is_at_hub visit a 'accepted 0 nothing same Петров И. И.'
agent a return visit --period "$period" --approve 'Сидорова С. С.' >return.txt
sync_now a
is_at_hub visit a 'received 0 nothing same Сидорова С. С.'
hub accept visit --unit a --period "$period" --by Ольга >accept.txt
submit a visit '{"count": 4, "place": "home"}'
says submit.err 'has changed since'
sync_now a
is_at_hub visit a 'received 1 nothing differs Сидорова С. С.'
agent a return visit --period "$period" --complete --reason 'нашлось' >return.txt
sync_now a
is_at_hub visit a 'received 1 complete same '
verify_clean a b

# ---- the cover on a stick comes before the rows that wait at the school ----

submit b staff '{"code": "T1", "hours": 20}'
agent b return staff --period "$period" --complete >return.txt
mkdir stick
agent b bundle write stick/up.svodka >write.txt
hub bundle read stick/up.svodka --receipt stick >read.txt 2>&1 || { cat read.txt >&2; fail 'the stick is not read'; }
agent b bundle receipt stick/*-answer.svodka >receipt.txt 2>&1 || { cat receipt.txt >&2; fail 'the answer is not taken'; }
is_at_hub staff b 'received 1 complete same '
verify_clean a b

# ---- on paper ----

agent a return staff --period "$period" --print staff.html >print.txt
says print.txt 'staff.html: print it and have it signed.'
says staff.html '<td>T3</td>'
says staff.html 'Петров И. И.'
digest=$(agent a return staff --period "$period" | sed -n 's/^Digest: //p')
[ "$(printf %s "$digest" | wc -c)" = 79 ] || fail 'the digest is not shown in groups of four'
[ "$(grep -c "Digest: $digest" staff.html)" = 2 ] || fail 'the digest is not on the page and at its foot'
[ "$(stat -c %a staff.html)" = 600 ] || fail 'the page can be read by others'
refused 1 'take another name' agent a return staff --period "$period" --print staff.html
refused 2 'a name ending in .xlsx or .html' agent a return staff --period "$period" --print staff.pdf
env LC_ALL=ru_RU.UTF-8 LANGUAGE=ru "$agent_program" return visit --period "$period" --print visit.html --home a >print.txt
says visit.html 'дома'
says visit.html 'Посещений'
agent a return visit --period "$period" --print visit.xlsx >print.txt
unzip -p visit.xlsx xl/sharedStrings.xml >strings.xml
says strings.xml 'Number of visits'
says strings.xml "$(agent a return visit --period "$period" | sed -n 's/^Digest: //p')"
say "$name: marked, approved, changed, nothing to report and printed; verify is clean"
