#!/bin/sh
# session.sh BUILD_DIR: a survey of forty pupils on paper: a class's stack is opened, typed in and imported from a table and
# from a workbook, the same sheet twice is noticed, the stack is closed, sent and withdrawn as a whole.  What travels and
# what stays here tells neither who answered when nor after whom; what is withdrawn counts nowhere, whatever comes late
# (invariants 2, 4, 5), and verify is clean all the way.
set -eu
name=session
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
scripts=$(cd "$(dirname "$0")" && pwd)
begin "$1"
cd "$work"

mkdir -p pack/forms
cat >pack/programme.yaml <<'YAML'
programme: climate
version: "1"
title: Climate
indicators:
  - {id: C-1, name: Answers, form: climate, kind: count}
  - {id: C-2, name: Mark, form: climate, kind: sum, value: "${mark}", shown: 0}
YAML
cat >pack/forms/climate.yaml <<'YAML'
form: climate
version: "1"
title: {ru: Климат в классе, en: Climate in class}
mode: answers
role: school
period: month
survey:
  - {type: integer, name: mark, label: {ru: Оценка, en: Mark}, required: true, constraint: ". >= 1 and . <= 5"}
  - {type: integer, name: row, label: {ru: Номер, en: Number}}
  - {type: text, name: wish, label: {ru: Пожелание, en: Wish}}
YAML
cat >pack/calendar.yaml <<'YAML'
calendar:
  - {form: climate, series: month, due: {days: 10, after: end}}
YAML
make_hub pack
make_school a
start_hub

sync_now() { # HOME
    agent "$1" sync >sync.txt 2>&1 || { cat sync.txt >&2; fail "$1 cannot sync"; }
}
session() { agent a session "$@"; }
same() { # WHAT EXPECTED GOT
    [ "$2" = "$3" ] || { printf 'expected:\n%s\ngot:\n%s\n' "$2" "$3" >&2; fail "$1"; }
}
# entered, expected, waiting and state of a stack, as programs see it
stack() { session list --all --format csv | awk -F , -v n="$1" '$1 == n {print $7 "," $8 "," $9 "," $6}'; }
figure() { # INDICATOR
    hub indicators --format csv 2>/dev/null | awk -F , -v i="$1" '$2 == i && $4 == "a" && $5 == "2020-09" && $6 == "" {print $7 + 0}'
}

# ---- open ----

refused 2 'say what it is called' agent a session open climate --period 2020-09
refused 1 'nobody is called "Анна"' agent a session open climate --period 2020-09 --name 7А --by Анна
agent a people add Анна >people.txt
session open climate --period 2020-09 --name 7А --group '7 класс' --expected 40 --filled-on 2020-09-15 --by Анна >out.txt 2>err.txt
grep -q 'The session "7А" is open' out.txt || fail 'nobody is told that it is open'
refused 1 'there is a session "7А" already' agent a session open climate --period 2020-09 --name 7А
same 'an open stack' '0,40,0,open' "$(stack 7А)"

# ---- typed: the only open one is taken and named ----

i=0
while [ "$i" -lt 9 ]; do
    i=$((i + 1))
    printf '{"mark": %d, "row": %d, "wish": "Plain-Wish-%d"}' $((1 + i % 5)) "$i" "$i" |
        agent a submit climate --period 2020-09 --json - --sheet-number "$i" >out.txt 2>err.txt
    same 'what is said of an answer' accepted "$(cat out.txt)"
    grep -q '^Session: 7А$' err.txt || fail 'nobody is told which session it is'
done
printf '{"mark": 3}' >again.json
refused 1 'the sheet number 4 is in the session "7А" already' agent a submit climate --period 2020-09 --json again.json --sheet-number 4
refused 2 'leave out --filled-on' agent a submit climate --period 2020-09 --json again.json --filled-on 2020-09-16
refused 1 'there is no session "7Б"' agent a submit climate --period 2020-09 --json again.json --session 7Б
# What waits is not readable in what lies here, and what was asked and answered stands in no log.
if grep -rqaF Plain-Wish "$work/a" "$work/hub.log"; then fail 'an answer that waits lies here in clear'; fi
same 'nine wait for others' '9,40,9,open' "$(stack 7А)"
agent a status --format csv >status.csv 2>&1
grep -q '^session,session 7А is open,"9 of 40 answers are in; its period is over' status.csv || { cat status.csv >&2; fail 'status says nothing of the open session'; }
# A copy of this computer would hold them; there is none yet, so they would be lost: nine answers and one word.
grep -q '^at_risk_entries,[^,]*,10$' status.csv || { cat status.csv >&2; fail 'what would be lost'; }
# Less than a full block: nothing of it can be sent, so nothing tells when it was answered.
sync_now a
same 'nothing left before sixteen were together' '' "$(figure C-1)"
same 'only the word about the session is in the queue' 1 "$(history_count a)"

# The office sees that a session is open, of how many sheets.
completeness() {
    hub completeness --period 2020-09 --unit a --form climate --format csv | awk -F , '
        NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next}
        {print $at["submissions"] "," $at["sessions_open"] "," $at["sessions_closed"] "," $at["sheets_expected"]}'
}
same 'the office: nothing is here' '0,1,0,40' "$(completeness)"

# ---- imported ----

awk 'BEGIN {print "mark,row"; for (i = 10; i <= 39; i++) printf "%d,%d\n", 1 + i % 5, i}' >sheet.csv
agent a import climate --period 2020-09 --csv sheet.csv --session 7А >out.txt 2>err.txt || { cat err.txt >&2; fail import; }
same 'what is said of a sheet' '30 answers accepted. Session "7А": 39 of 40' "$(cat out.txt)"
same 'blocks of sixteen went' '39,40,7,open' "$(stack 7А)"
# The same rows in another order are the same sheet.
{ head -n 1 sheet.csv; tail -n +2 sheet.csv | sort -r; } >sorted.csv
refused 1 'a sheet with these very answers is in the session "7А" already' agent a import climate --period 2020-09 --csv sorted.csv --session 7А
same 'a sheet that comes twice changes nothing' '39,40,7,open' "$(stack 7А)"
printf 'mark,row\n9,1\n' >bad.csv
refused 1 'nothing was queued' agent a import climate --period 2020-09 --csv bad.csv

# ---- closed ----

printf '{"mark": 5, "row": 40}' | agent a submit climate --period 2020-09 --json - >out.txt 2>err.txt
agent a session close 7А --by P1 >out.txt 2>err.txt
same 'a closed stack' 'The session "7А" is closed. Answers: 40 of 40.' "$(cat out.txt)"
refused 1 'is closed: open another one' agent a submit climate --period 2020-09 --json again.json --session 7А
refused 1 'is closed: open another one' agent a session close 7А
same 'all of it went' '40,40,0,closed' "$(stack 7А)"
sync_now a
same 'forty answers are counted' '40' "$(figure C-1)"
same 'the office: all are here' '40,0,1,40' "$(completeness)"
hub completeness --period 2020-09 --unit a >table.txt
grep -q '40 of 40 sheets' table.txt || { cat table.txt >&2; fail 'the office is not told of how many sheets'; }
same 'with their marks' "$(awk 'BEGIN {for (i = 1; i < 40; i++) s += 1 + i % 5; print s + 5}')" "$(figure C-2)"
verify_clean a

# Neither the numbers nor the times tell the order: the numbers of the sheets are not sorted, and no answer has a time.
agent a history climate --format json --values >history.json
python3 - history.json <<'PY' || fail 'the history tells an order or a time'
import json, sys
rows = [json.loads(r["values"])["row"] for r in json.load(open(sys.argv[1]))]
assert len(rows) == 40 and sorted(rows) == list(range(1, 41)), rows
assert rows != sorted(rows), rows
PY

# Who opened and closed it is said of the stack, to the district by a code, and of no answer.
session show 7А 2>err.txt | grep -q 'last changed by *Анна$' || { session show 7А >&2; fail 'nobody sees who closed it'; }
session show 7А --format csv 2>err.txt | grep -q '^entered_by,.*,P1$' || fail 'it is no code'
same 'no answer has a name' 0 "$(hub export submissions --form climate --period 2020-09 --unsafe-raw 2>err.txt | grep -c ,P1, || true)"

# ---- another stack, more than expected; one without a session ----

session open climate --period 2020-09 --name 7Б --expected 1 >/dev/null
printf 'mark,row\n1,1\n1,1\n' >two.csv
agent a import climate --period 2020-09 --csv two.csv >out.txt 2>err.txt
grep -q 'More than expected: "7Б" has 2 answers, 1 were expected' err.txt || { cat err.txt >&2; fail 'nobody is told that there are too many'; }
agent a import climate --period 2020-09 --csv two.csv --again >out.txt 2>err.txt
same 'the same rows once more, meant so' '4,1,4,open' "$(stack 7Б)"
# The same two sheets in a workbook are the same two sheets.
printf '{"sheets": [{"name": "7", "rows": [["mark", "row"], [1, 1], [1, 1]]}]}' | python3 "$scripts/workbook.py" two.xlsx
refused 1 'a sheet with these very answers is in the session "7Б" already' agent a import climate --period 2020-09 --xlsx two.xlsx
session close 7Б >/dev/null 2>&1
printf '{"mark": 2}' | agent a submit climate --period 2020-09 --json - >out.txt 2>err.txt
same 'without a session' accepted "$(cat out.txt)"
sync_now a
same 'all are counted' 45 "$(figure C-1)"
refused 1 'a single one cannot be changed or withdrawn' agent a retract "$(agent a history climate --format csv | awk -F , 'NR == 2 {print $1}')" --reason no

# ---- withdrawn as a whole ----

refused 2 'say why' agent a session withdraw 7А
refused 1 'did you mean "7А"' agent a session withdraw 7А1 --reason x
agent a session withdraw 7А --reason 'анкеты не того класса' >out.txt 2>err.txt
same 'what is said' 'The session "7А" is withdrawn. Answers that the district will take out: 40; that had not left: 0.' "$(cat out.txt)"
refused 1 'was withdrawn already' agent a session withdraw 7А --reason x
sync_now a
same 'the others are left' '5' "$(figure C-1)"
same 'with their marks' '6' "$(figure C-2)"
same 'the office: the other two are left' '5,0,1,1' "$(completeness)"
same 'nothing waits for a word' 0 "$(hub_figure quarantined)"
verify_clean a
refused 1 'close it or withdraw it with svodka-agent session' agent a retract \
    "$(agent a history --format csv | awk -F , '$2 == "answer-session" && !seen++ {print $1}')" --reason no
session show 7А >show.txt 2>err.txt
grep -q 'withdrawn' show.txt || fail 'show does not say that it is withdrawn'
grep -q 'Whose an answer is' err.txt || fail 'show does not say what nobody can see'

# What is withdrawn before it leaves never leaves.
session open climate --period 2020-09 --name 7В >/dev/null
agent a import climate --period 2020-09 --csv two.csv >out.txt 2>err.txt
agent a session withdraw 7В --reason 'не тот месяц' >out.txt
same 'dropped' 'The session "7В" is withdrawn. Answers that the district will take out: 0; that had not left: 2.' "$(cat out.txt)"
sync_now a
same 'they were never counted' '5' "$(figure C-1)"
verify_clean a
stop_hub
say 'session: forty sheets in, closed, counted and withdrawn as a whole; the same sheet twice was noticed'
