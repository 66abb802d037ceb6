#!/bin/sh
# questions.sh BUILD_DIR: the office asks about a return, a row and a value; the schools answer by line and by stick with a
# correction or with "checked, correct"; the office accepts.  Nothing is asked, answered or settled twice, whatever comes
# twice or late, and verify is clean all the way (invariants 3, 5, 9).
set -eu
name=questions
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"

sync_now() { # HOME
    agent "$1" sync >sync.txt 2>&1 || { cat sync.txt >&2; fail "$1 cannot sync"; }
}
# There and back on a stick.
carry() { # HOME
    rm -rf stick
    mkdir stick
    agent "$1" bundle write stick/up.svodka >write.txt || fail "$1 cannot write the stick"
    hub bundle read stick/up.svodka --receipt stick >read.txt 2>&1 || { cat read.txt >&2; fail "the stick of $1 is not read"; }
    agent "$1" bundle receipt stick/*-answer.svodka >receipt.txt 2>&1 ||
        { cat receipt.txt >&2; fail "$1 cannot take the answer from the stick"; }
}
# Columns question, state, old_value, new_value, remark of what the office, or a school, sees.
at_hub() { hub question list --format csv "$@" | cut -d , -f 1,10-13; }
at_school() { # HOME [--all]
    at_home=$1
    shift
    agent "$at_home" questions --format csv "$@" | cut -d , -f 1,9-12
}
same() { # WHAT EXPECTED GOT
    [ "$2" = "$3" ] || { printf 'expected:\n%s\ngot:\n%s\n' "$2" "$3" >&2; fail "$1"; }
}
head_of='question,state,old_value,new_value,remark'

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
compare:
  - {name: before, field: days, when: year_before, label: days a year ago}
survey:
  - {type: integer, name: count, label: {ru: Посещений, en: Number of visits}, required: true, constraint: ". >= 0",
     warning: ". >= 1000", warning_message: {ru: "Больше тысячи?", en: "More than a thousand?"}}
  - {type: integer, name: days, label: Days, compare_warning: ". > ${before} + 5", compare_message: "More days than a year ago?"}
YAML
cat >pack/forms/staff.yaml <<'YAML'
form: staff
version: "1"
title: {ru: Учителя, en: Teachers}
mode: rows
key: code
role: school
period: month
compare:
  - {name: last, field: hours, when: previous}
  - {name: days, form: visit, field: days}
survey:
  - {type: text, name: code, label: Code, required: true}
  - {type: integer, name: hours, label: Hours a week, required: true, compare_warning: ". > 2 * ${last} and . > ${days}",
     compare_message: "Twice as many?"}
  - {type: text, name: subject, label: Subject}
YAML
# A comparison with what is not there is a mistake of the pack.
cp -R pack wrong
sed 's/form: visit, field/form: visti, field/' pack/forms/staff.yaml >wrong/forms/staff.yaml
refused 1 "the pack has no form 'visti' in forms/; did you mean 'visit'?" "$hub_program" programme check wrong
sed 's/field: days}/field: dais}/' pack/forms/staff.yaml >wrong/forms/staff.yaml
refused 1 'the form "visit" has no number "dais" outside its repeats' "$hub_program" programme check wrong
make_hub pack
for school in a b; do make_school "$school"; done
start_hub

submit() { # HOME FORM JSON
    printf '%s' "$3" | agent "$1" submit "$2" --period 2020-09 --json - >submit.txt 2>&1 ||
        { cat submit.txt >&2; fail "$1 cannot submit $2"; }
}
submit a visit '{"count": 7, "days": 3}'
submit a staff '{"code": "T1", "hours": 30, "subject": "x"}'
submit a staff '{"code": "T2", "hours": 18}'
submit b visit '{"count": 5, "days": 1}'
sync_now a
carry b
carry b

# ---- asked ----

agent a questions >questions.txt
grep -qx 'The district asks nothing.' questions.txt || { cat questions.txt >&2; fail 'something is asked before it was'; }
refused 2 '--text' hub question visit --unit a --period 2020-09
refused 2 '--due' hub question visit --unit a --period 2020-09 --text Why --due soon
refused 1 'did you mean "count"' hub question visit --unit a --period 2020-09 --field coumt --text Why
refused 1 'has no row "T9"' hub question staff --unit a --period 2020-09 --key T9 --text Why
refused 1 'nothing has been received' hub question visit --unit a --period 2020-10 --text Why
refused 1 'no keyed rows' hub question visit --unit a --period 2020-09 --key T1 --text Why
hub question visit --unit a --period 2020-09 --field count --text 'Seven only?' --due 2030-10-20 --by Ольга >asked.txt
grep -qx 'Question 1 goes to Школа a with the next meeting or file.' asked.txt || { cat asked.txt >&2; fail 'nobody is told whom it goes to'; }
hub question staff --unit a --period 2020-09 --key T2 --field hours --text 'Less than a half?' >asked.txt
hub question visit --unit b --period 2020-09 --text 'All of September?' --due 2030-10-21 >asked.txt
hub question staff --unit a --period 2020-09 --key T1 --field hours --text 'Thirty?' >asked.txt
hub question staff --unit a --period 2020-09 --text 'Are these all?' >asked.txt
verify_clean a b
hub audit >audit.txt
grep -q 'return asked back about *visit .*field: count' audit.txt || { cat audit.txt >&2; fail 'the audit does not say what was asked about'; }
if grep -wE 'Seven|T2|half' audit.txt; then fail 'the audit holds the text or the key'; fi
same 'open at the office' "$head_of
1,open,7,7,
2,open,18,18,
3,open,,,
4,open,30,30,
5,open,,," "$(at_hub --open)"

# ---- by line: it is there once, in words ----

sync_now a
sync_now a
agent a status --format csv >status.csv
grep -q '^questions,.*,4$' status.csv || { cat status.csv >&2; fail 'status does not count the questions'; }
grep -q '^question,question 1,"Visits, a, .*: answer until 2030-10-20"$' status.csv || { cat status.csv >&2; fail 'status does not say until when'; }
grep -q 'The district asks about Visits, a, .*: Number of visits (question 1): Seven only? Answer until 2030-10-20' status.csv ||
    { cat status.csv >&2; fail 'the school is not told what is asked'; }
[ "$(grep -c 'The district asks about' status.csv)" = 4 ] || { cat status.csv >&2; fail 'told twice'; }
agent a questions >questions.txt
grep -q '1 .*Visits, a, .*Number of visits .*Seven only? *2030-10-20 *waits for your answer *7 ' questions.txt ||
    { cat questions.txt >&2; fail 'the question is not in words'; }
if grep -E 'a/1\.|[0-9a-f]{8}' questions.txt; then fail 'there is an id in what the school reads'; fi
agent a questions --format csv | grep -qx "2,staff,a,2020-09,hours,T2,Less than a half?,,open,18,18,,20.*Z" ||
    { agent a questions --format csv >&2; fail 'the row is not named'; }

# ---- answered: checked; corrected; something else corrected ----

refused 2 '--checked' agent a answer 1 --remark x
refused 2 '--remark' agent a answer 1 --checked
refused 1 'has asked no question 3' agent a answer 3 --checked --remark 'of b'
refused 2 'not the number' agent a answer one --checked --remark x
agent a answer 1 --checked --remark 'Ремонт, две недели' >answer.txt
agent a correct staff --period 2020-09 --key T2 --reason 'counted again' --set hours=20 >correct.txt
agent a correct staff --period 2020-09 --key T1 --reason 'the subject' --set subject=y >correct.txt
same 'as the school sees it' "$head_of
1,checked,7,7,\"Ремонт, две недели\"
2,corrected,18,20,
4,open,30,30,
5,corrected,,," "$(agent a questions --format csv | cut -d , -f 1,9-13 | sed 's/,20[^,]*Z$//; s/,asked$//')"
agent a answer 1 --checked --remark 'Ремонт' >answer.txt # once more: this one holds
sync_now a
same 'what came back by line' "$head_of
1,checked,7,7,Ремонт
2,corrected,18,20,
5,corrected,,," "$(at_hub --answered)"
same 'what has no answer' "$head_of
3,open,,,
4,open,30,30," "$(at_hub --open)"
hub question list >list.txt
grep -q 'Visits .*Number of visits .*Seven only?.*checked, correct.*Ремонт' list.txt || { cat list.txt >&2; fail 'the office does not read it in words'; }
verify_clean a b

# ---- by stick, twice ----

carry b
same 'the question by stick' "$head_of
3,open,,," "$(at_school b)"
agent b answer 3 --checked --remark 'Only a week of it' >answer.txt
rm -rf stick
mkdir stick
agent b bundle write stick/up.svodka >write.txt
for again in 1 2; do
    hub bundle read stick/up.svodka --receipt stick >read.txt 2>&1 || { cat read.txt >&2; fail 'the stick is not read'; }
    same "the answer by stick, $again" "$head_of
3,checked,,,Only a week of it" "$(at_hub --answered --unit b)"
done
agent b bundle receipt stick/*-answer.svodka >receipt.txt 2>&1
verify_clean a b

# ---- accepted ----

hub accept visit --unit a --period 2020-09 >accept.txt
hub accept visit --unit b --period 2020-09 >accept.txt
same 'accepted at the office' "$head_of
1,accepted,7,7,Ремонт
3,accepted,,,Only a week of it" "$(at_hub --form visit)"
sync_now a
carry b
carry b
same 'accepted ones are done with' "$head_of
2,corrected,18,20,
4,open,30,30,
5,corrected,,," "$(at_school a)"
same 'but still to be seen' "$head_of
3,accepted,,,Only a week of it" "$(at_school b --all)"
agent b status >status.txt
grep -q 'Visits, b, .*: the district has accepted it\.' status.txt || { cat status.txt >&2; fail 'the school is not told'; }
refused 1 'accepted it already' agent b answer 3 --checked --remark 'late'

# ---- withdrawn ----

agent a retract staff --period 2020-09 --key T1 --reason 'left in August' >retract.txt
sync_now a
same 'withdrawn' '4,corrected,30,,' "$(at_hub --answered | grep '^4')"
hub question list | grep -q 'Thirty?.*corrected *30 *withdrawn' || fail 'withdrawn is not said'
verify_clean a b

# ---- soft checks against last year, the row's last month and another form: at the school without a line, then here ----

said() { # PERIOD FORM JSON: what the school is told at once
    printf '%s' "$3" | agent a submit "$2" --period "$1" --json - 2>&1 >id.txt | grep -c 'a year ago?\|Twice as many?' || true
}
proposes() { hub question list --proposed --format csv "$@" | sed 1d | cut -d , -f 2-8; }
same 'last year is not known' 0 "$(said 2019-03 visit '{"count": 4, "days": 3}')"
same 'not much more' 0 "$(said 2020-03 visit '{"count": 4, "days": 8}')"
same 'much more' 1 "$(said 2020-03 visit '{"count": 4, "days": 9}')"
same 'first month' 0 "$(said 2020-02 staff '{"code": "T5", "hours": 10}')"
same 'no such row before' 0 "$(said 2020-03 staff '{"code": "T6", "hours": 30}')"
same 'twice as many' 1 "$(said 2020-03 staff '{"code": "T5", "hours": 21}')"
same 'more than twice, but there is no visit to compare with' 0 "$(said 2020-04 staff '{"code": "T5", "hours": 60}')"
sync_now a
same 'what is proposed of 2020-03' "staff,a,2020-03,hours,T5,21,Twice as many?
visit,a,2020-03,days,,9,More days than a year ago?" "$(proposes)"
same 'one period alone' 'visit,a,2020-03,days,,9,More days than a year ago?' "$(proposes --form visit --period 2020-03)"
agent a correct visit --period 2019-03 --reason 'counted anew' --set days=4 >correct.txt
agent a retract staff --period 2020-02 --key T5 --reason 'not a teacher then' >retract.txt
sync_now a
same 'it goes by what stands' '' "$(proposes)"
verify_clean a b

# ---- what the soft checks propose; all that raised no warning ----

month=$(date -u +%Y-%m)
hub question list --proposed >proposed.txt
[ "$(hub question list --proposed --format csv | wc -l)" = 1 ] || { cat proposed.txt >&2; fail 'something is proposed without reason'; }
printf '{"count": 2500, "days": 3}' | agent a submit visit --period $month --json - >submit.txt 2>&1
printf '{"count": 4, "days": 3}' | agent b submit visit --period $month --json - >submit.txt 2>&1
sync_now a
carry b
hub question list --proposed --format csv >proposed.csv
proposal=$(sed -n '2s/,.*//p' proposed.csv)
same 'what is proposed' "proposal,form,unit,period,field,key,value,text,remark
$proposal,visit,a,$month,count,,2500,More than a thousand?," "$(cat proposed.csv)"
hub question list --proposed | grep -q "$proposal *Visits *a *$month *Number of visits *2500 *More than a thousand?" ||
    fail 'the proposal is not in words'
sync_now a
[ "$(agent a questions --all --format csv | grep -c -- "^[0-9]*,visit,a,$month,")" = 0 ] || fail 'a proposal was sent without a word'
refused 2 'neither "all"' hub question send some
refused 1 'no proposal' hub question send 1000000
hub accept --all-without-warnings --form visit --period $month >accept.txt
grep -qx 'Accepted: 1. Left for you: 1 with warnings, 0 that are asked about.' accept.txt || { cat accept.txt >&2; fail 'not all without warnings'; }
hub question send "$proposal" --due 2030-11-01 >send.txt
grep -q '^1 question goes to the schools' send.txt || { cat send.txt >&2; fail 'the proposal was not sent'; }
refused 1 'no proposal' hub question send "$proposal"
hub accept --all-without-warnings --form visit --period $month >accept.txt
grep -qx 'Accepted: 0. Left for you: 1 with warnings, 0 that are asked about.' accept.txt || { cat accept.txt >&2; fail 'accepted twice'; }
sync_now a
agent a questions --format csv | grep -q "^6,visit,a,$month,count,,More than a thousand?,2030-11-01,open,2500,2500," ||
    fail 'what was proposed does not reach the school'
agent a correct visit --period $month --reason 'a nought too many' --set count=250 >correct.txt
sync_now a
same 'answered by a correction' '6,corrected,2500,250,' "$(at_hub --answered | grep '^6')"
hub accept --all-without-warnings --form visit --period $month >accept.txt
grep -qx 'Accepted: 0. Left for you: 0 with warnings, 1 that are asked about.' accept.txt || { cat accept.txt >&2; fail 'what is asked about was accepted unseen'; }
hub accept visit --unit a --period $month >accept.txt
sync_now a
# (A month that ends just now is no longer listed.)
accepted_on() { # HOME
    agent "$1" forms --format csv | grep "^visit,.*,$month," | sed 's/.*,\([^,]*\),[^,]*$/\1/'
}
today=$(date -u +%Y-%m-%d)
accepted=$(accepted_on a)
[ "$accepted" = "$today" ] || [ "$(date -u +%Y-%m-%d)" != "$today" ] || fail "forms does not show that it is accepted: \"$accepted\""
agent a correct visit --period "$month" --reason 'once more' --set count=251 >correct.txt
same 'a change undoes it' '' "$(accepted_on a)"
verify_clean a b

# ---- a new computer of a: what was asked and accepted is there again ----

hub question staff --unit a --period 2020-09 --key T2 --field subject --text 'Which one?' >asked.txt
hub school rekey a --invite a2.invite >rekey.txt
"$agent_program" join a2.invite --home "$work/a2" >join.txt
sync_now a2
sync_now a2
same 'on the new computer' "$head_of
1,accepted,7,7,Ремонт
2,corrected,18,20,
4,corrected,30,,
5,corrected,,,
6,accepted,2500,250,
7,open,,," "$(at_school a2 --all)"
agent a2 answer 7 --checked --remark 'None' >answer.txt
sync_now a2
same 'from the new computer' '7,checked,,,None' "$(at_hub --answered | grep '^7')"
verify_clean a2 b

# ---- a hub that went back: an answer to a question that it does not know any more is shown as such ----

stop_hub
cp -a hub hub.before
hub question visit --unit b --period 2020-09 --text 'Once more?' >asked.txt
carry b
agent b answer 8 --checked --remark 'Once more' >answer.txt
rm -rf hub
mv hub.before hub
carry b
same 'an answer to nothing' '8,unknown,,,Once more' "$(at_hub --answered | grep '^8')"
hub question visit --unit b --period 2020-09 --text 'Another one?' >asked.txt # its number is 8, too
carry b
carry b
same 'another question of that number' '8,open,,,' "$(at_school b | grep '^8')"
agent b answer 8 --checked --remark 'Another' >answer.txt
carry b
same 'and its answer' '8,checked,,,Another' "$(at_hub | grep '^8')"
verify_clean a2 b
say "$name: asked by line and by stick, answered, accepted, once; verify is clean"
