#!/bin/sh
# cli_agent.sh BUILD_DIR: the school's program from outside: every command, its exit codes, what it prints where, and bad
# input (invariant 9).  Most of it without a hub, as at a school without a line.
set -eu
name=cli-agent
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"
checks=0

# expect CODE COMMAND...: its exit code; stdout and stderr are kept in out.txt and err.txt.
expect() {
    expect_code=$1
    shift
    expect_got=0
    "$@" >out.txt 2>err.txt <"${input:-/dev/null}" || expect_got=$?
    checks=$((checks + 1))
    if [ "$expect_got" != "$expect_code" ]; then
        warn "$*: exit $expect_got, expected $expect_code"
        cat out.txt err.txt >&2
        exit 1
    fi
    if [ "$expect_code" != 0 ] && [ ! -s err.txt ]; then
        fail "$*: failed without a word"
    fi
}
prints() { # TEXT: on stdout
    grep -qF -- "$1" out.txt || { cat out.txt err.txt >&2; fail "stdout has no \"$1\""; }
}
says() { # TEXT: on stderr
    grep -qF -- "$1" err.txt || { cat out.txt err.txt >&2; fail "stderr has no \"$1\""; }
}
silent() { # nothing on stdout: a failure is no result
    [ ! -s out.txt ] || { cat out.txt >&2; fail 'a failure printed a result'; }
}
a() { "$agent_program" "$@"; }
waiting() { # how many submissions wait
    a queue --format csv | awk 'END {print NR - 1}'
}
expect_waiting() { # COUNT
    [ "$(waiting)" = "$1" ] || fail "$(waiting) submissions wait, $1 expected"
}

# ---- the program as a whole ----

expect 0 a --help
prints 'import'
twice=$("$agent_program" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' | sort | uniq -d)
[ -z "$twice" ] || fail "listed twice: $twice"
expect 0 a --version
prints svodka-agent
expect 2 a
expect 2 a imprt
says 'did you mean "import"?'
expect 0 a import --help
prints '--accept-valid FILE'
expect 2 a status
says 'say which folder to work in: --home DIR, or the variable SVODKA_HOME'
expect 1 a status --home "$work/none"
says 'is not the home of an agent (no agent.yaml in it); make one with: svodka-agent join INVITATION --home'
silent

# ---- join ----

make_hub "$source_dir/tests/data/packs/uci"
hub school add gp --name 'Гимназия' --invite "$work/gp.invite" >add.txt
expect 1 a join "$work/missing.invite" --home "$work/gp"
says 'missing.invite'
printf 'hello\n' >bad.invite
expect 1 a join bad.invite --home "$work/gp"
says 'bad.invite: This is not an invitation'
head -n 20 gp.invite >cut.invite
expect 1 a join cut.invite --home "$work/gp"
says 'The file is cut off'
[ ! -e "$work/gp" ] || fail 'a failed join left a home behind'
expect 2 a join gp.invite
expect 0 a join gp.invite --home "$work/gp"
prints "Fingerprint of the district's key: "
expect 1 a join gp.invite --home "$work/gp"
says 'exists and is not empty; choose another folder'
SVODKA_HOME=$work/gp
export SVODKA_HOME
expect 0 a status
prints 'not yet: the first meeting does it'

# ---- forms ----

expect 0 a forms
prints 'grades-por'
expect 0 a forms --format json
prints '"form": "family"'
expect 0 a forms family --format csv
prints 'field,type,label,required,choices,hint'
expect 1 a forms famly
says 'there is no form "famly"; did you mean "family"?'
expect 2 a forms --template x.csv
expect 2 a forms grades-por --template x.xls
says 'such a workbook is not written; name it .xlsx'
expect 0 a forms grades-por --template t.csv
prints 't-choices.csv: what may stand in the cells'
expect 1 a forms grades-por --template t.csv
says 'exists already'
expect 2 a forms --format xml
says 'csv'
printf 'p1;12;\r\np2;13;4\r\n' >>t.csv
expect 0 a import grades-por --period 2005/06-P2 --csv t.csv
prints '2 submissions queued: gp/1.'
expect_waiting 2

# ---- import ----

awk -F ';' 'NR == 1 {print "pupil;" $0} NR > 1 && $1 == "\"GP\"" {print NR ";" $0}' \
    "$source_dir/tests/data/uci_student_performance/student-por.csv" >por.csv
rows=$(($(wc -l <por.csv) - 1))
expect 0 a import family --period 2005/06 --csv por.csv --map family
prints "$rows submissions queued: gp/1."
says 'older than 20: check the age'
expect 0 a import grades-por --period 2005/06-P1 --csv por.csv --map "$source_dir/tests/data/packs/uci/maps/grades-por-p1.yaml"
expect_waiting $((2 * rows + 2))
expect 0 a verify
prints "all is well: $((2 * rows + 2)) submissions"

import_bad() { # TEXT-ON-STDERR [OPTION...]: bad.csv is refused and nothing is queued
    import_said=$1
    shift
    expect 1 a import grades-por --period 2005/06-P3 --csv bad.csv "$@"
    says "$import_said"
    silent
    expect_waiting $((2 * rows + 2))
}
printf 'pupil;grade\na;10\nb;21\nc;x\n' >bad.csv
import_bad 'bad.csv:3:2: grade: from 0 to 20 (found: 21)'
says 'bad.csv:4:2: grade: expected a whole number (found: x)'
says 'nothing was queued: 2 rows of 3 have mistakes; put them right and import the file again, or take the good rows with --accept-valid FILE'
printf 'pupil;grade\na;10\nb\n' >bad.csv
import_bad 'bad.csv:3: the row has 1 cell, but the number of headings is 2'
says 'nothing was queued: 1 row of 2 has mistakes;'
printf 'pupil;note\na;10\n' >bad.csv
import_bad 'bad.csv:1:2: note: the form "grades-por" has no field with this name or label'
says 'nothing was queued; put the file right and import it again'
printf 'pupil;grade\na;10\n"b;1\n' >bad.csv
import_bad 'bad.csv: line 3, column 1: the quote opened here is never closed'
printf 'pupil;grade\na;10\n\320\270\320;1\n' >bad.csv
import_bad 'bad.csv: line 3, column 1: the text is not valid UTF-8' --encoding utf-8
: >bad.csv
import_bad 'bad.csv: the file is empty: a row of headings was expected'
printf 'pupil;grade\na;10\nИтого;10\n' >bad.csv
import_bad 'bad.csv:3:1: this looks like a row of totals'
printf 'pupil;grade\na;10\na;11\n' >bad.csv
import_bad 'bad.csv:3:1: pupil: line 2 has the same key'
{ printf 'pupil;grade\na;10\n' && head -c 10485760 /dev/zero | tr '\0' x && printf ';1\n'; } >bad.csv
import_bad 'bad.csv: line 3, column 1: the cell is longer than 1048576 bytes'
printf 'pupil;grade\na;10\n' >bad.csv
import_bad 'there is no map "grades-por-p9"; did you mean "grades-por-p' --map grades-por-p9
printf 'form: grades-por\ncolumns: {a: pupi}\n' >map.yaml
import_bad 'map.yaml:2:14: pupi: the form "grades-por" has no such field; did you mean "pupil"?' --map map.yaml
says 'the map map.yaml is not right; nothing was queued'
expect 1 a import grades-por --period 2005/06-P9 --csv bad.csv
says '2005/06-P9'
expect 1 a import grades --period 2005/06-P1 --csv bad.csv
says 'there is no form "grades"'
expect 1 a import grades-por --period 2005/06-P1 --csv bad.csv --unit ms
says '"gp" has no right to report about "ms"; the district can give it'
expect 1 a import grades-por --period 2005/06-P1 --csv none.csv
says 'none.csv: cannot be opened'
expect 2 a import grades-por --csv bad.csv
says 'import needs --period P and either --csv FILE or --xlsx FILE'
expect 2 a import grades-por --period 2005/06-P1 --csv bad.csv --delimiter ab
expect 2 a import grades-por --period 2005/06-P1 --csv bad.csv --encoding koi8-r
says '--encoding: auto, utf-8 or windows-1251 was expected'
expect 2 a import grades-por --period 2005/06-P1 --csv bad.csv --replace --accept-valid r.csv
expect_waiting $((2 * rows + 2))

printf 'pupil,grade\na,10\nb,21\nc,12\n' >bad.csv
expect 0 a import grades-por --period 2005/06-P3 --csv bad.csv --delimiter , --accept-valid refused.csv
prints '2 submissions queued: '
prints '1 row refused, see refused.csv'
[ "$(tr -d '\r' <refused.csv)" = "$(printf 'pupil,grade\nb,21')" ] || fail 'the refused rows are not as they were'
printf 'pupil;grade\nc;13\n' >bad.csv
expect 0 a import grades-por --period 2005/06-P3 --csv bad.csv --replace
prints '1 submission queued: '
prints '1 submission retracted: its key is no longer in the list'

# ---- submit ----

printf '{"pupil": "j1", "grade": 15}' >good.json
expect 0 a submit grades-mat --period '1 период 2005/06' --json good.json --remark 'grade=written anew'
id=$(cat out.txt)
case $id in gp/1.*/*) ;; *) fail "submit printed \"$id\"" ;; esac
input=good.json
expect 0 a submit grades-mat --period 2005/06-P2 --json -
input=
printf '{"pupil": "j1", "grade": "x", "grad": 1}' >bad.json
expect 1 a submit grades-mat --period 2005/06-P2 --json bad.json
says 'grade: expected a whole number, for example 12 (found: "x")'
says 'grad: the form has no such field; did you mean "grade"?'
says 'nothing was queued'
printf '{"pupil": "j1", "grade": 1, "grade": 2}' >bad.json
expect 1 a submit grades-mat --period 2005/06-P2 --json bad.json
says 'not JSON: a key is given twice'
printf '[[[[[[[[[[[[1]]]]]]]]]]]]' >bad.json
expect 1 a submit grades-mat --period 2005/06-P2 --json bad.json
says 'the JSON nests deeper than 8 levels'
printf '{"pupil": "j1", "grade": 22}' >bad.json
expect 1 a submit grades-mat --period 2005/06-P2 --json bad.json
says 'grade: from 0 to 20 (found: 22)'
expect 2 a submit grades-mat --period 2005/06-P2
says 'there is no terminal to ask on; give the answers with --json FILE or --json -'
expect 2 a submit grades-mat --json good.json
says 'say the period: --period P'
expect 2 a submit grades-mat --period 2005/06-P2 --json good.json --on-behalf letter
expect 2 a submit grades-mat --period 2005/06-P2 --json good.json --remark note=x
says 'the form "grades-mat" has no field "note"'

# ---- on a terminal: last time's answers, and who enters ----

expect 1 a submit grades-mat --period 2005/06-P3 --json good.json --by Semyonova
says 'nobody is called "Semyonova" in the list of those who enter here'
expect 2 a submit grades-mat --period 2005/06-P3 --json good.json --by Semyonova --entered-by P1
if command -v script >/dev/null 2>&1; then
    # Written in; the pupil; what it was last time; absences; yes.
    expect_typed=$(printf '%s\n' y j1 = 3 y | script -qec "'$agent_program' submit grades-mat --period 2005/06-P3 --by 'Semyonova A.'" /dev/null)
    for words in 'last time (Period 2 2005/06): 15' '"Semyonova A." is not in the list' 'Absences  *3' 'Grade  *15  *15'; do
        printf '%s\n' "$expect_typed" | grep -q -- "$words" || fail "the terminal did not show: $words ($expect_typed)"
    done
    expect 0 a return grades-mat --period 2005/06-P3 --format csv
    prints ',P1,'
    expect 0 a retract grades-mat --period 2005/06-P3 --key j1 --reason 'was for the test' --by 'semyonova a.'
else
    say "$name: WITHOUT a terminal, LOUDLY: script (package bsdutils) is not installed"
    expect 0 a people add 'Semyonova A.'
fi
expect 0 a people --format csv
prints 'Semyonova A.,P1'
if grep -rqa Semyonova gp; then fail 'a name lies in the home in clear'; fi
expect 1 a people add 'Another One' --code P1
expect 0 a people add 'Another One' --code deputy
expect 0 a people remove deputy
expect 1 a people remove deputy

# ---- who stands behind a code; a code that was wrong; two codes that are one person ----

row() { # PERIOD PUPIL GRADE
    printf '{"pupil": "%s", "grade": %s}' "$2" "$3" >row.json
    expect 0 a submit grades-mat --period "2005/06-$1" --json row.json
}
codes() { a codes grades-mat --format csv | grep '^c[0-9]' || true; }
row P1 c1 11
row P2 c1 12
row P2 c2 13
expect 0 a codes name grades-mat c1 'Ivanova Vera'
[ "$(codes)" = 'c1,Ivanova Vera,2005/06-P1,2005/06-P2
c2,,2005/06-P2,2005/06-P2' ] || fail "the codes are: $(codes)"
if grep -rqa Ivanova gp; then fail 'a name lies in the home in clear'; fi
expect 1 a codes rename grades-mat c1 c2
says '"c2" stands in 2005/06-P2 already; if both are one person: svodka-agent codes merge grades-mat c1 c2'
expect 1 a codes rename grades-mat c9 c3
says 'there is no row "c9" in "grades-mat"'
expect 2 a codes rename grades-mat c1 c1
expect 2 a codes family-of-none-such c1
expect 0 a codes merge grades-mat c1 c2
prints 'Period 1 2005/06: the row c1 becomes c2'
prints 'Period 2 2005/06: the row c1 is withdrawn, c2 stays'
says 'Nothing was queued'
[ "$(codes | wc -l)" = 2 ] || fail 'a proposal changed something'
expect 0 a codes merge grades-mat c1 c2 --queue
[ "$(codes)" = 'c2,Ivanova Vera,2005/06-P1,2005/06-P2' ] || fail "after the merger the codes are: $(codes)"
expect 0 a history grades-mat --period 2005/06-P1 --values --format csv
prints '""pupil"": ""c2"", ""grade"": 11'
expect 0 a history grades-mat --period 2005/06-P2 --values --format csv
prints 'c1 and c2 are one'
expect 0 a codes rename grades-mat c2 c3 --queue --reason 'typing mistake'
[ "$(codes)" = 'c3,Ivanova Vera,2005/06-P1,2005/06-P2' ] || fail "after the renaming the codes are: $(codes)"
expect 0 a codes name grades-mat c3 ''
[ "$(codes)" = 'c3,,2005/06-P1,2005/06-P2' ] || fail 'a name is not forgotten'

# ---- what a new deputy head must know ----

a codes name grades-mat c3 'Ivanova Vera' || fail 'a name is not written in again'
expect 0 a handover --without-names
prints '== Questions of the district without an answer =='
prints 'nothing'
if grep -q 'Ivanova\|Semyonova\|c3' out.txt; then fail 'names were to be left out'; fi
if command -v script >/dev/null 2>&1; then
    printf '%s\n' '' j2 | script -qec "'$agent_program' submit grades-por --period 2005/06-P2" /dev/null >typed.txt || true
    expect 0 a handover
    prints 'draft  Grades: Portuguese language  gp    Period 2 2005/06'
fi
expect 0 a handover
prints 'Semyonova A.  P1'
prints 'c3    Ivanova Vera  Period 1 2005/06  Period 2 2005/06'
prints "$(a status --format csv | sed -n 's/^key,.*,\([^,]*\)$/\1/p')"
expect 0 a handover --print handover.html
grep -q '<h2>Those who enter here</h2>' handover.html || fail 'the page has no list of those who enter'
[ "$(grep -c 'Ivanova Vera' handover.html)" = 1 ] || fail 'the page has no local codes'
[ "$(stat -c %a handover.html)" = 600 ] || fail 'others can read the page'
expect 1 a handover --print handover.html
expect 2 a handover --print handover.txt

# ---- correct and retract ----

expect 0 a correct grades-mat --period 2005/06-P1 --key j1 --set grade=16 absences=2 --reason 'typing mistake'
corrected=$(cat out.txt)
expect 1 a correct "$id" --set grade=17 --reason again
says "$id was corrected already: change its correction, $corrected"
expect 0 a history grades-mat --period 2005/06-P1 --values --format csv
prints "$corrected,grades-mat,gp,2005/06-P1,j1,correction,"
prints '""grade"": 16, ""absences"": 2'
expect 1 a correct "$corrected" --set grade=99 --reason x
says 'grade: from 0 to 20 (found: 99)'
expect 1 a correct "$corrected" --set grade=ten --reason x
expect 2 a correct "$corrected" --set grad=1 --reason x
says 'the form "grades-mat" has no field "grad"; did you mean "grade"?'
expect 2 a correct "$corrected" --set grade=1
says 'say why: --reason TEXT'
expect 2 a correct "$corrected" --reason x
expect 2 a correct "$corrected" --reason x --set grade=1 --json good.json
expect 2 a correct grades-mat --period 2005/06-P1 --set grade=1 --reason x
says 'say which row: --key K, the value of "pupil"'
expect 1 a correct grades-mat --period 2005/06-P1 --key nobody --set grade=1 --reason x
says 'nothing to change: "grades-mat" of gp for 2005/06-P1 has no row "nobody" here, or it was withdrawn'
expect 0 a correct "$corrected" --json good.json --reason 'whole anew'
number=$(sed 's|.*/||' out.txt)
expect 0 a retract "$number" --reason 'left the school'
expect 1 a retract "1/$number" --reason again
says 'was withdrawn already, by gp/1.'
expect 1 a retract grades-mat --period 2005/06-P1 --key j1 --reason again
expect 2 a retract grades-mat --period 2005/06-P1 --key j1
expect 1 a retract ms/1/5 --reason x
says 'ms/1/5 is a submission of "ms", but this queue is of "gp"'
expect 1 a retract 999999 --reason x
says 'this queue has no submission 999999'

# ---- listings ----

expect 0 a queue grades-mat --period 2005/06-P1 --format json
prints '"kind": "retraction"'
expect 0 a queue --unit nowhere --format csv
[ "$(wc -l <out.txt)" = 1 ] || fail 'a filter that fits nothing lists something'
expect 1 a history nothing
expect 1 a receipt "$number"
says "there is no receipt for $number yet"
expect 1 a receipt rubbish
says 'there is no form "rubbish"'
expect 0 a status --format csv
prints 'item,title,value'
expect 0 a status --read
made=$(a history --format csv | awk 'END {print NR - 1}')
expect 0 a verify
prints "all is well: $made submissions"

# ---- a home that is not as it should be ----

cp -a "$work/gp" broken
chmod 755 broken
expect 1 a status --home broken
says 'other users of this computer may look into it; run: chmod 700 broken'
chmod 700 broken
chmod 644 broken/keys/sign.key
expect 1 a status --home broken
says 'keys/sign.key'
chmod 600 broken/keys/sign.key
mv broken/keys/home.key aside.key
expect 1 a status --home broken
says 'keys/home.key'
"$agent_program" join gp.invite --home other >out.txt
cp other/keys/home.key broken/keys/home.key
expect 1 a status --home broken
says 'broken/keys/home.key is not the key of this home; put back the file that was made with it'
mv aside.key broken/keys/home.key
printf 'sync.windw: "01:00-05:00"\n' >broken/agent.yaml
expect 1 a status --home broken
says 'agent.yaml:1:1'
: >broken/agent.yaml
dd if=/dev/urandom of=broken/store/data.mdb bs=4096 count=2 conv=notrunc 2>dd.txt
expect 1 a status --home broken
says 'store'

# ---- kill -9 in the middle of an import: all of it or nothing (invariants 1 and 4) ----

awk 'BEGIN {print "pupil;grade"; for (i = 1; i <= 60000; i++) print "k" i ";" 1 + i % 20}' >large.csv
before=$made
for delay in 0.02 0.05 0.1 0.2 0.3; do
    "$agent_program" import grades-mat --period 2005/06-P3 --csv large.csv >import.txt 2>&1 &
    import_pid=$!
    remember "$import_pid"
    sleep "$delay"
    kill_hard "$import_pid"
    expect 0 a verify
    after=$(sed -n 's/^all is well: \([0-9]*\) .*/\1/p' out.txt)
    [ "$after" = "$before" ] || [ "$after" = $((before + 60000)) ] || fail "a killed import left $((after - before)) rows"
    before=$after
done

# ---- with a hub ----

start_hub
sync_until_done gp
expect 0 a queue --format csv
[ "$(wc -l <out.txt)" = 1 ] || fail 'something still waits after a meeting'
expect 0 a status --format csv
prints 'enrolled,known to the district,yes'
expect 0 a receipt "$corrected" --format csv
prints 'verdict,verdict,accepted'
expect 0 a verify

say "$name: $checks commands behaved as they should"
