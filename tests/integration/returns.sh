#!/bin/sh
# returns.sh BUILD_DIR: returns from the calendar to the closed year, with a real hub and two schools: what is due, who is
# late, what the office accepts and asks back, what closing freezes, and what stood there on an earlier day.
set -eu
name=returns
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"
other_days_or_skip
# state_is DAY UNIT STATE: of the form visit for September.
state_is() {
    hub_on "$1" completeness --form visit --period 2020-09 --unit "$2" --format csv >rows.csv 2>err.txt ||
        { cat err.txt >&2; fail 'completeness failed'; }
    awk -F , -v state="$3" 'NR == 2 {found = $4 == state} END {exit !(found && NR == 2)}' rows.csv ||
        { cat rows.csv >&2; fail "on $1 the return of $2 should be $3"; }
}

# ---- a district whose form is due ten days after the end of the month, and taken ten days longer ----

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
title: {ru: Посещения, en: Visit}
mode: record
role: school
period: month
survey:
  - {type: integer, name: count, label: Count, required: true, constraint: ". >= 0"}
YAML
cat >pack/calendar.yaml <<'YAML'
calendar:
  - {form: visit, due: {days: 10, after: end}, late_until: {days: 20, after: end}, group: results,
     note: {ru: "без нулей", en: "no zeros"}}
YAML
cp -r pack wrong
sed -i 's/form: visit, due/form: visits, due/; s/after: end}, late/after: ende}, late/' wrong/calendar.yaml
hub_home=$work/hub
free_port
on 2020-09-01 "$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" </dev/null >init.txt
refused 1 'wrong/calendar.yaml:2:' hub_on 2020-09-01 programme load wrong
hub_on 2020-09-01 programme load pack >load.txt
grep -qF 'Rules of the calendar: 1.' load.txt || fail 'the calendar was not read'
for school in a b; do
    hub_on 2020-09-01 school add "$school" --name "Школа $school" --invite "$school.invite" --days 365 >add.txt
    on 2020-09-01 "$agent_program" join "$school.invite" --home "$work/$school" >join.txt
done

# ---- what is due, at the school and at the office ----

# 30 September + 10 days: 10 October; + 20: 20 October.  October has begun, too, and is due on 10 November.
agent_on 2020-10-05 a forms --format csv >forms.csv
grep -q '^visit,1,.*,2020-09,.*,2020-09-30,2020-10-10,2020-10-20,0,no zeros,,$' forms.csv ||
    { cat forms.csv >&2; fail 'the school is not shown when September is due'; }
grep -q '^visit,1,.*,2020-10,.*,2020-10-31,2020-11-10,2020-11-20,0,no zeros,,$' forms.csv ||
    { cat forms.csv >&2; fail 'the school is not shown when October is due'; }
agent_on 2020-10-21 a forms --format csv >forms.csv
[ "$(wc -l <forms.csv)" = 2 ] || { cat forms.csv >&2; fail 'September is over on 21 October'; }
state_is 2020-08-31 a not-due
state_is 2020-09-01 a due
state_is 2020-10-10 a due
state_is 2020-10-11 a late
state_is 2020-10-21 a missing

# ---- a fills in on time and has no line until the 25th; b fills in too late ----

printf '{"count": 7}' | agent_on 2020-10-10 a submit visit --period 2020-09 --json - >/dev/null
printf '{"count": 5}' | agent_on 2020-10-12 b submit visit --period 2020-09 --json - >/dev/null
serve_on 2020-10-25
agent_on 2020-10-25 a sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'a cannot sync'; }
agent_on 2020-10-25 b sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'b cannot sync'; }
state_is 2020-10-25 a received
grep -q '^visit,2020-09,a,received,2020-10-10,2020-10-25T.*Z,2020-10-25T.*Z,2020-09-01,2020-10-10,2020-10-20,yes,no,no,1,,,,,,,,,,,,$' \
    rows.csv || { cat rows.csv >&2; fail 'filled on and received on are not both shown'; }
state_is 2020-10-25 b late
hub_on 2020-10-25 completeness --form visit --period 2020-09 --summary --format csv >sums.csv
# 2 due, 2 here: 100 %; 1 of 2 in time: 50 %; 1 late.
grep -qx 'visit,2020-09,2,2,100.0,1,50.0,0,0,1,0,0,0,0' sums.csv || { cat sums.csv >&2; fail 'the sums are wrong'; }
hub_on 2020-10-25 completeness --period 2020-09 >table.txt
grep -qF '2 of 2 returns are here (100.0 %), 1 filled in on time (50.0 %), 0 are missing.' table.txt ||
    { cat table.txt >&2; fail 'the district is not added up'; }
hub_on 2020-10-25 completeness --period 2020-09 --format json | head -c 1 | grep -qF '[' || fail 'no JSON array'

# ---- accepted, asked back, corrected ----

refused 1 'nothing has been received' hub_on 2020-10-25 accept visit --unit a --period 2020-10
refused 2 '--text' hub_on 2020-10-25 question visit --unit b --period 2020-09
refused 2 '--unit' hub_on 2020-10-25 accept visit --period 2020-09
hub_on 2020-10-25 accept visit --unit a --period 2020-09 --by Ольга >out.txt
hub_on 2020-10-25 question visit --unit b --period 2020-09 --text 'Five only?' >out.txt
state_is 2020-10-25 a accepted
state_is 2020-10-25 b questioned
grep -qF 'Five only?' rows.csv || fail 'the question is not shown'
printf '{"count": 6}' | agent_on 2020-10-26 b correct visit --period 2020-09 --reason 'counted again' --json - >correct.txt 2>&1 ||
    { cat correct.txt >&2; fail 'b cannot correct'; }
agent_on 2020-10-26 b sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'b cannot sync again'; }
state_is 2020-10-26 b late # it counts with the day of what it corrects
hub_on 2020-10-26 verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'verify is not clean'; }
hub_on 2020-10-26 audit >audit.txt
grep -q 'return accepted *visit *unit: a; period: 2020-09; by: Ольга' audit.txt || { cat audit.txt >&2; fail 'the audit does not say who accepted'; }

# ---- a checkpoint, a closed period, and what comes after ----

hub_on 2020-10-26 checkpoint >checkpoint.txt
grep -qF 'changed since the one before' checkpoint.txt || { cat checkpoint.txt >&2; fail 'no checkpoint'; }
hub_on 2020-10-26 checkpoint >checkpoint.txt
grep -qF 'stands already' checkpoint.txt || { cat checkpoint.txt >&2; fail 'a second checkpoint of one day'; }
refused 1 'not here: visit of a' hub_on 2020-11-30 period close 2020-10
grep -qF '2 returns are not here' err.txt || { cat err.txt >&2; fail 'nobody is told how many returns are missing'; }
refused 2 '--reason' hub_on 2020-11-30 period close 2020-10 --force
hub_on 2020-10-26 indicators --period 2020-09 >open.txt 2>err.txt
grep -qx 'Not closed yet, so that its values may still change: 2020-09.' open.txt ||
    { cat open.txt >&2; fail 'nobody is told that values are provisional'; }
hub_on 2020-10-26 period close 2020-09 >close.txt
grep -qF 'Period 2020-09 is closed; values frozen: 3.' close.txt || { cat close.txt >&2; fail 'September is not closed'; }
refused 1 'closed already' hub_on 2020-10-26 period close 2020-09
hub_on 2020-10-26 period close 2020-10 --group results --force --reason 'no line' >close.txt
hub_on 2020-10-26 period list --format csv >periods.csv
grep -q '^2020-09,,closed,2020-10-26T.*Z,.*,no,0,$' periods.csv || { cat periods.csv >&2; fail 'September is not listed'; }
grep -q '^2020-10,results,closed,.*,yes,2,no line$' periods.csv || { cat periods.csv >&2; fail 'force is not listed'; }
# b sends September anew, a day later: it counts, is marked, and the snapshot stays.
printf '{"count": 60}' | agent_on 2020-10-27 b correct visit --period 2020-09 --reason 'all of it' --json - >correct.txt 2>&1
agent_on 2020-10-27 b sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'b cannot sync after the close'; }
state_is 2020-10-27 b late
awk -F , 'NR == 2 {exit $13 != "yes"}' rows.csv || { cat rows.csv >&2; fail 'a change after closing is not marked'; }
hub_on 2020-10-27 indicators --period 2020-09 --level municipality --format csv 2>err.txt | grep -q ',67.000000,67,,2,ok,' ||
    fail 'the living value does not change'
hub_on 2020-10-27 explain V-1 --period 2020-09 >since.txt 2>err.txt || { cat err.txt >&2; fail 'explain fails'; }
grep -q '^When the period was closed, .*: 13.*; now: 67.*Since then:$' since.txt &&
    grep -q '^  Школа b: 6.* → 60' since.txt && grep -q '^  correction from Школа b, visit, received .* (b/1\..*/3)$' since.txt ||
    { cat since.txt >&2; fail 'explain does not say what changed since the closing'; }
hub_on 2020-10-27 explain V-1 --period 2020-09 --unit a >since.txt 2>err.txt || { cat err.txt >&2; fail 'explain fails'; }
grep -q '^The same as when the period was closed, ' since.txt || { cat since.txt >&2; fail 'a did not change'; }
# What was: frozen 7 + 6, at the checkpoint of the 26th as well; now 7 + 60.
hub_on 2020-10-27 indicators --snapshot --period 2020-09 --format csv >frozen.csv 2>err.txt
grep -qx 'visits,V-1,municipality,,2020-09,,13.000000,13,,2,ok,,,,2,2,1,' frozen.csv ||
    { cat frozen.csv >&2; fail 'the frozen value changes'; }
grep -qx 'visits,V-1,unit,b,2020-09,,6.000000,6,,1,ok,,,,1,1,1,' frozen.csv || fail 'the frozen value of b changes'
grep -qF 'As it was frozen when the period 2020-09 was closed' err.txt || fail 'nobody is told that it is frozen'
hub_on 2020-10-27 indicators --snapshot --period 2020-09 2>err.txt | grep -qF Visits || fail 'no table of the snapshot'
refused 1 'never closed' hub_on 2020-10-27 indicators --snapshot --period 2020-08
refused 2 '--period' hub_on 2020-10-27 indicators --snapshot
hub_on 2020-10-27 indicators --as-of 2020-10-26 --period 2020-09 --level municipality --format csv >past.csv 2>err.txt
grep -q ',13.000000,13,,2,provisional,' past.csv || { cat past.csv >&2; fail 'the 26th is not as it was'; }
grep -qF 'checkpoint of 2020-10-26' err.txt || fail 'nobody is told which checkpoint it is'
refused 1 'no checkpoint' hub_on 2020-10-27 indicators --as-of 2020-10-24
refused 2 'a date is expected' hub_on 2020-10-27 indicators --as-of yesterday
refused 2 'do not go together' hub_on 2020-10-27 indicators --as-of 2020-10-26 --snapshot --period 2020-09
hub_on 2020-10-27 checkpoint >checkpoint.txt
hub_on 2020-10-27 verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'verify is not clean after the close'; }
refused 1 'is not closed' hub_on 2020-10-27 period reopen 2020-11 --reason 'typing mistake'
hub_on 2020-10-27 period reopen 2020-10 --group results --reason 'the line is back' >reopen.txt
hub_on 2020-10-27 period list --format csv >periods.csv
grep -q '^2020-10,results,reopened,.*,the line is back$' periods.csv || { cat periods.csv >&2; fail 'not listed as reopened'; }
stop_hub

# ---- the running hub makes its checkpoint by itself, after 6:30 ----

printf 'checkpoint.at: "6.30"\n' >>"$hub_home/hub.yaml"
refused 1 'checkpoint.at: HH:MM' hub_on 2020-10-28 status
sed -i '$d' "$hub_home/hub.yaml"
serve_on 2020-10-28
wait_for_log() { grep -qF 'core: checkpoint: ' "$work/hub.log"; }
wait_until 20 wait_for_log || fail 'the core makes no checkpoint'
stop_hub

# ---- next year ----

hub_on 2021-06-15 programme next-year visits >next.txt
grep -qF 'Programme visits for the school year 2021/22.' next.txt || { cat next.txt >&2; fail 'which year is it for?'; }
grep -qF 'version 2' next.txt || { cat next.txt >&2; fail 'the version is not raised'; }
hub_on 2021-06-15 programme list --format csv | grep -q '^visits,2,' || fail 'the next version is not loaded'
hub_on 2021-06-15 programme next-year visits --write "$work/next" >next.txt
grep -qx 'version: "3"' "$work/next/programme.yaml" || fail 'the pack is not written'
refused 1 'not empty' hub_on 2021-06-15 programme next-year visits --write "$work/next"
refused 1 'there is no programme' hub_on 2021-06-15 programme next-year nothing
hub_on 2021-06-15 programme load "$work/next" >load.txt
hub_on 2021-06-15 verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'verify is not clean at the end'; }

say "$name: as expected"
