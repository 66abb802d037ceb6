#!/bin/sh
# office.sh BUILD_DIR: the office's own year: what it enters for a school from paper or by telephone, what waits at a
# school by its code, extensions and waivers, reminders, and forty schools from a table.
set -eu
name=office
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"

# ---- a district with two schools and the office's own computer, which may enter what schools give on paper ----

mkdir -p pack/forms
cat >pack/programme.yaml <<'YAML'
programme: visits
version: "1"
title: Visits
indicators:
  - {id: V-1, name: Visits, form: visit, kind: sum, value: "${count}", shown: 0}
  - {id: V-2, name: Teachers, form: staff, kind: count, shown: 0}
YAML
cat >pack/forms/visit.yaml <<'YAML'
form: visit
version: "1"
title: {ru: Посещения, en: Visits}
mode: record
role: school
period: month
survey:
  - {type: integer, name: count, label: Count, required: true, constraint: ". >= 0"}
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
  - {type: text, name: code, label: Code, required: true}
YAML
cat >pack/forms/mood.yaml <<'YAML'
form: mood
version: "1"
title: {ru: Настроение, en: Mood}
mode: answers
role: school
period: month
survey:
  - {type: integer, name: mood, label: Mood, required: true}
YAML
cat >pack/calendar.yaml <<'YAML'
calendar:
  - {form: visit, due: {days: 10, after: end}, late_until: {days: 20, after: end}}
  - {form: staff, due: {days: 10, after: end}, late_until: {days: 20, after: end}}
YAML
hub_home=$work/hub
free_port
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" </dev/null >init.txt
hub programme load pack >load.txt
# The office comes last, and its word is less than that of a school all the same.
for school in a b; do
    hub school add "$school" --name "Школа $school" --invite "$school.invite" >add.txt
    "$agent_program" join "$school.invite" --home "$work/$school" >join.txt
done
refused 1 'either one' hub school add office --name 'Отдел' --role school --on-behalf school --unit '*' --invite office.invite
hub school add office --name 'Отдел' --role office --on-behalf school --unit '*' --invite office.invite >add.txt
"$agent_program" join office.invite --home "$work/office" >join.txt
hub school list --format csv >list.csv
grep -q '^office,Отдел,.*,\*,office,school,' list.csv || { cat list.csv >&2; fail 'the list does not say for whom the office enters'; }
start_hub

month=$(date +%Y-%m)
period=2020-09
# stands FORM UNIT COLUMN=VALUE: in completeness, for $period.
stands() {
    hub completeness --form "$1" --period "$period" --unit "$2" --format csv >rows.csv
    awk -F , -v want="$3" '
        NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i}
        NR == 2 {split(want, w, "="); found = $at[w[1]] == w[2]}
        END {exit !(found && NR == 2)}' rows.csv || { cat rows.csv >&2; fail "$1 of $2 should have $3"; }
}
# value INDICATOR NUMBER: of the district.
value() {
    hub indicators --period 2020-09 --level municipality --format csv 2>err.txt >values.csv
    awk -F , -v id="$1" '$2 == id {print $7 + 0}' values.csv >value.txt
    [ "$(cat value.txt)" = "$2" ] || { cat values.csv >&2; fail "$1 should be $2"; }
}

# ---- a late school's paper (invariants 3, 9) ----

printf '{"count": 7}' >seven.json
refused 2 '--on-behalf paper or --on-behalf phone' agent office submit visit --unit b --period 2020-09 --json seven.json
refused 1 'anonymous' agent office submit mood --unit b --period 2020-09 --on-behalf paper --json - </dev/null
refused 1 'has no right to report about "b"' agent a submit visit --unit b --period 2020-09 --json seven.json --on-behalf paper
agent office submit visit --unit b --period 2020-09 --on-behalf paper --json seven.json >/dev/null
printf 'code\nT1\nT2\n' >staff.csv
agent office import staff --unit b --period 2020-09 --on-behalf phone --csv staff.csv >/dev/null 2>&1
agent office return visit --unit b --period 2020-09 >return.txt
grep -qx 'Entered on behalf of b from paper.' return.txt || { cat return.txt >&2; fail 'the return does not say whose hand it is'; }
refused 2 '--on-behalf' agent office return visit --unit b --period 2020-09 --complete
agent office return visit --unit b --period 2020-09 --complete --on-behalf paper >/dev/null
agent office return visit --unit b --period 2020-09 --print page.html >/dev/null
grep -qF 'Entered on behalf of b from paper.' page.html || fail 'the page does not say whose hand it is'
agent office return visit --unit a --period 2020-09 --nothing --on-behalf phone >/dev/null
sync_until_done office
stands visit b on_behalf=paper
stands visit b state=late # filled in today, and due ten days after September 2020
stands visit b cover_match=same
stands staff b on_behalf=phone
hub completeness --period 2020-09 >table.txt
grep -q '^b  *visit .*complete, said by the office; entered by the office from paper$' table.txt &&
    grep -q '^a  *visit .*nothing to report, said by the office$' table.txt ||
    { cat table.txt >&2; fail 'people are not told that the office entered it'; }
hub table visit --period 2020-09 >table.txt 2>err.txt
grep -qx 'Not entered by the school itself: .*b (entered by the office from paper)' table.txt || { cat table.txt >&2; fail 'no note under the table'; }
hub explain V-1 --period 2020-09 >explain.txt 2>err.txt
grep -q '^office/1\..* entered by the office from paper *$' explain.txt || { cat explain.txt >&2; fail 'explain does not say whose hand it is'; }
value V-1 7
value V-2 2

# The school's own word comes later: it counts, once, and what the office had entered is not hidden.
printf '{"count": 9}' >nine.json
agent b submit visit --period 2020-09 --json nine.json >/dev/null
printf 'code\nT1\nТ-02\n' >staff.csv
agent b import staff --period 2020-09 --csv staff.csv >/dev/null 2>&1
sync_until_done b
value V-1 9
stands visit b on_behalf=replaced
# Even what the office enters after that.
printf '{"count": 8}' >eight.json
agent office submit visit --unit b --period 2020-09 --on-behalf paper --json eight.json >/dev/null 2>&1
sync_until_done office
value V-1 9
hub completeness --period 2020-09 --unit b >table.txt
grep -q 'visit .*the office had entered it; what its sender sent counts instead' table.txt ||
    { cat table.txt >&2; fail 'what the office had entered is hidden'; }
# Of rows those with other codes stand beside the school's: people are told, and take the office's back in one step.
stands staff b on_behalf=part
grep -q 'staff .*1 of 3 rows entered by the office: look for doubles' table.txt || { cat table.txt >&2; fail 'nobody looks for doubles'; }
refused 2 'say why' agent office retract staff --unit b --period 2020-09 --all
refused 1 'nothing of staff about a' agent office retract staff --unit a --period 2020-09 --all --reason 'sent its own'
agent office retract staff --unit b --period 2020-09 --all --reason 'sent its own' >retract.txt
grep -qx 'Withdrawn: 2.' retract.txt || { cat retract.txt >&2; fail 'how much was withdrawn?'; }
sync_until_done office
value V-2 2
stands staff b on_behalf=
hub quarantine list --format csv >apart.csv
[ "$(wc -l <apart.csv)" = 1 ] || { cat apart.csv >&2; fail 'something is kept apart'; }

# ---- what waits at a school, read out over the telephone ----

agent a waits >waits.txt
grep -qx 'Nothing waits here.' waits.txt || { cat waits.txt >&2; fail 'nothing was entered yet'; }
agent a sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'a cannot sync'; } # it joins
agent a submit visit --period "$month" --json seven.json >/dev/null
agent a return staff --period "$month" --nothing >/dev/null
agent a waits --format csv >waits.csv
code=$(awk -F , -v p="$month" '$1 == "visit" && $2 == "a" && $3 == p && $4 == 1 {print $5}' waits.csv)
other=$(awk -F , '$1 == "staff" && $4 == 1 {print $5}' waits.csv)
[ -n "$code" ] && [ -n "$other" ] || { cat waits.csv >&2; fail 'what waits has no code'; }
agent a waits >waits.txt
grep -q "$code" waits.txt && grep -q 'read out the code' waits.txt || { cat waits.txt >&2; fail 'people are not told what to do'; }
agent a status >status.txt
grep -qF 'svodka-agent waits' status.txt || { cat status.txt >&2; fail 'status does not name the codes'; }
refused 1 'not one of' hub waits b "$code"
refused 1 'not one of' hub waits a "$code" --day 2020-01-01
# Two letters that change places are refused, and told from another school's code but for one time in 32: the letter that
# checks the others has five bits.
told=0
for swap in 's/^\(.\)\(.\)/\2\1/' 's/^\(.\)\(.\)\(.\)/\1\3\2/' 's/^\(..\)\(.\)\(.\)/\1\3\2/' 's/\(.\)\(.\)$/\2\1/'; do
    wrong=$(printf '%s' "$code" | sed "$swap")
    [ "$wrong" != "$code" ] || continue
    if hub waits a "$wrong" >out.txt 2>err.txt; then fail "the code $wrong is taken"; fi
    if grep -qF 'a letter of the code is wrong' err.txt; then told=$((told + 1)); fi
done
[ "$told" -gt 0 ] || fail "a letter of $code that was misheard is not told"
refused 1 'has 8 letters' hub waits a ABCD
# As it is heard: Cyrillic letters, lower case, a blank for the hyphen.
typed=$(printf '%s' "$code" | tr -- '-' ' ' | sed 's/A/а/g; s/E/Е/g; s/K/к/g; s/M/м/g; s/T/Т/g; s/X/х/g')
hub waits a "$typed" --by Анна >call.txt
grep -q '^Школа a: on .* 1 entry waited at the school: Visits, .* (a)\.$' call.txt || { cat call.txt >&2; fail 'the call is not noted'; }
hub waits a "$other" >call.txt
period=$month stands visit a state=waiting
period=$month stands visit a called_count=1
period=$month stands staff a state=waiting
hub completeness --period "$month" --unit a >table.txt
grep -q 'waiting at the school .*by telephone on .*: entries 1' table.txt || { cat table.txt >&2; fail 'nobody is told that it waits'; }
hub waive list >list.txt
grep -q '^a .*waiting at the school .*Анна' list.txt || { cat list.txt >&2; fail 'the call is not listed'; }
sync_until_done a
period=$month stands visit a state=received
period=$month stands visit a called_on=

# ---- another day, and none at all ----

refused 2 '--reason' hub extend visit --unit b --period "$month" --until 2099-01-31
refused 2 '--until' hub extend visit --unit b --period "$month" --reason 'no line'
refused 1 'is due on' hub extend visit --unit b --period "$month" --until 2001-01-31 --reason 'no line'
refused 1 'does not ask' hub waive visit --unit district --period "$month" --reason 'no line'
refused 1 'is here already' hub waive visit --unit a --period "$month" --reason 'no line'
refused 1 'nothing was decided' hub waive visit --unit b --period "$month" --remove
hub extend visit --unit a --unit b --period "$month" --until 31.01.2099 --reason 'The line is cut' >said.txt
grep -q 'is due on 31 Jan 2099 for 2;' said.txt || { cat said.txt >&2; fail 'the extension is not said'; }
hub waive staff --unit b --period "$month" --reason 'Closed for repair' >said.txt
period=$month stands visit b due=2099-01-31
period=$month stands visit b extended=yes
period=$month stands visit b 'text=The line is cut'
period=$month stands staff b state=waived
sync_until_done b
agent b status >status.txt
grep -q 'Visits, b, .*until 31 Jan 2099: The line is cut$' status.txt &&
    grep -q 'Teachers, b, .*the district does without it: Closed for repair$' status.txt ||
    { cat status.txt >&2; fail 'the school does not see its new day'; }
agent b forms --format csv >forms.csv
grep -q "^visit,.*,$month,.*,2099-01-31,.*,until 31 Jan 2099: The line is cut," forms.csv || { cat forms.csv >&2; fail 'forms does not show the new day'; }
hub extend visit --unit b --period "$month" --remove >said.txt
hub waive list --format csv >list.csv
grep -q "^a,visit,$month,extension,2099-01-31,,The line is cut," list.csv && ! grep -q '^b,visit,.*extension' list.csv ||
    { cat list.csv >&2; fail 'the list is wrong'; }
period=$month stands visit b extended=no
sync_until_done b
agent b status --read >status.txt
! grep -q '^excused\|until 31 Jan 2099' status.txt || { cat status.txt >&2; fail 'the school still sees a day that was taken back'; }

# ---- what each school is reminded of ----

hub reminder --period 2020-09 >remind.txt
grep -qx 'Школа a (a)' remind.txt && grep -qx -- '- Teachers, .*: it was due on 10 Oct 2020, and we do not have it' remind.txt ||
    { cat remind.txt >&2; fail 'a school is not reminded'; }
! grep -q 'Школа b' remind.txt || { cat remind.txt >&2; fail 'b has sent all of September'; }
grep -qF 'by stick already, there is nothing to do' remind.txt || fail 'people who sent a stick are not told that all is well'
LC_ALL=ru_RU.UTF-8 LANGUAGE=ru hub reminder --period 2020-09 --form staff >remind.txt
grep -qx -- '- Учителя, .*: срок был 10 октября 2020, отчёта у нас нет' remind.txt || { cat remind.txt >&2; fail 'no reminder in Russian'; }
hub reminder --school b --days 366 --format csv >remind.csv
grep -q "^b,Школа b,visit,Visits,$month,.*,due,.*" remind.csv || { cat remind.csv >&2; fail 'what is due soon is not told'; }
! grep -q ",staff,.*,$month," remind.csv || { cat remind.csv >&2; fail 'what is waived is asked for'; }
hub reminder --school b --days 0 --period "$month" >remind.txt
grep -q '^Nobody has to be reminded' remind.txt || { cat remind.txt >&2; fail 'nothing is due today'; }

# ---- all schools of a table at once, or none ----

printf 'unit_id;name;Адрес;Организации\nКод школы;Название;;\nc;Школа c;Лесная, 1;\nd;Школа d;;d d-branch\n' >schools.csv
hub school add --from schools.csv --preview >said.txt 2>err.txt
grep -q '^d  *Школа d  *d d-branch' said.txt && grep -qF 'Адрес' err.txt && grep -qx 'Nobody was invited.' err.txt ||
    { cat said.txt err.txt >&2; fail 'the preview does not say who would be invited'; }
printf 'id;name\nc;Школа c\nШкола;\nc;again\n' >wrong.csv
refused 1 'wrong.csv:3:1: 1 to 32 letters' hub school add --from wrong.csv --folder invitations
grep -q 'wrong.csv:3:2: a name of' err.txt && grep -q 'wrong.csv:4:1: this id stands in row 2 already (found: c)' err.txt ||
    { cat err.txt >&2; fail 'not every mistake is told'; }
printf 'id;name\nc;Школа c\nb;again\n' >wrong.csv
refused 1 'row 3' hub school add --from wrong.csv --folder invitations
printf 'id,name,units\nc,Школа c,\ne,Школа e,c\n' >wrong.csv
refused 1 'row 3' hub school add --from wrong.csv --folder invitations
[ ! -e invitations ] || fail 'invitations of a refused table are left behind'
hub school list --format csv | grep -q '^c,' && fail 'part of a refused table was added'
refused 2 '--folder' hub school add --from schools.csv
refused 2 'do not go with it' hub school add c --from schools.csv --folder invitations
hub school add --from schools.csv --folder invitations >said.txt 2>err.txt </dev/null
grep -q '^2 schools are invited' err.txt || { cat err.txt >&2; fail 'nobody is told how many were invited'; }
[ "$(ls invitations | tr '\n' ' ')" = 'c.html c.inv d.html d.inv ' ] || fail 'each school has an invitation and a sheet'
[ "$(stat -c %a invitations invitations/c.inv invitations/c.html | tr '\n' ' ')" = '700 600 600 ' ] || fail 'others may read the invitations'
"$agent_program" join invitations/d.inv --home "$work/d" >join.txt
hub school list --format csv | grep -q '^d,Школа d,.*,d d-branch,school,' || fail 'd reports about its branch'
refused 1 'row 3' hub school add --from schools.csv --folder invitations2 # they are there already
# The same out of a workbook, with a title above and a total below.
python3 - <<'PYTHON'
import zipfile
rows = [["Школы района"], ["№", "Код", "Наименование"], ["1", "f", "Школа f"], ["2", "g g", "Школа g"], ["Итого"]]
cells = "".join('<row r="%d">%s</row>' % (y + 1, "".join(
    '<c r="%s%d" t="inlineStr"><is><t>%s</t></is></c>' % ("ABC"[x], y + 1, text) for x, text in enumerate(row)))
    for y, row in enumerate(rows))
main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
package = "http://schemas.openxmlformats.org/package/2006/"
parts = {
    "[Content_Types].xml": '<Types xmlns="%scontent-types"><Default Extension="rels" ContentType="application/'
    'vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>' % package,
    "_rels/.rels": '<Relationships xmlns="%srelationships"><Relationship Id="r1" Type="%s/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>' % (package, office),
    "xl/workbook.xml": '<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="Школы" sheetId="1" r:id="r1"/></sheets>'
    '</workbook>' % (main, office),
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="%srelationships"><Relationship Id="r1" Type="%s/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>' % (package, office),
}
for name, bad in (("wrong.xlsx", True), ("schools.xlsx", False)):
    with zipfile.ZipFile(name, "w") as z:
        for part, text in parts.items():
            z.writestr(part, text)
        z.writestr("xl/worksheets/sheet1.xml", '<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>'
                   % (main, cells if bad else cells.replace("g g", "g")))
PYTHON
refused 1 'sheet "Школы", cell B4: 1 to 32 letters' hub school add --from wrong.xlsx --folder invitations2
hub school add --from schools.xlsx --folder invitations2 >said.txt 2>err.txt </dev/null || { cat err.txt >&2; fail 'the workbook is not read'; }
hub school list --format csv | grep -q '^g,Школа g,' || fail 'a school of the workbook is not there'
printf 'name\nШкола h\n' >wrong.csv
refused 1 'no row has the headings' hub school add --from wrong.csv --folder invitations3
stop_hub
hub verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'verify is not clean'; }

say "$name: as expected"
