#!/bin/sh
# stick_year.sh BUILD_DIR: a school that never has a line, through a school year and into the next: it joins by a file,
# sends four quarters, corrects and withdraws, meets a new version of a form in the middle of the year, hears that an
# entry was kept apart and sends a right one, and gets the next school year's forms.  Only files travel, one way on a
# stick, the other in a mail.  At the end every indicator equals sqlite3's, and both sides verify clean.
set -eu
name=stick_year
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"
if ! command -v faketime >/dev/null 2>&1; then
    say "$name: SKIPPED, LOUDLY: faketime is not installed"
    exit 0
fi
seed_random "${SVODKA_TEST_SEED:-20200901}"
# shellcheck disable=SC2016 # of the inner shell
fake=$(faketime -f +1d sh -c 'printf %s "$LD_PRELOAD"')
today=2020-09-01
# As if it were noon of $today.  (The program faketime would stand between us and the process.)
now() {
    env FAKETIME="@$today 12:00:00" FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD="$fake" \
        ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "$@"
}
hub() { now "$hub_program" "$@" --home "$hub_home"; }
school() { now "$agent_program" "$@" --home "$work/a"; }
told() { # TEXT FILE
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "on $today: nobody is told \"$1\""; }
}

# The courier: the school's file on a stick, the office's answer by mail.
mkdir stick mail
to_office() {
    rm -f stick/*
    school bundle write stick >write.txt
    told 'The stick may be pulled out now.' write.txt
    [ "$(find stick -name 'svodka-a-*.svodka' | wc -l)" = 1 ] || fail 'one file is expected on the stick'
    hub bundle read stick/*.svodka --receipt mail >read.txt 2>read.err || { cat read.err >&2; fail "on $today: bundle read failed"; }
}
to_school() { # all answers that were ever written: old ones do no harm
    school bundle receipt mail >receipt.txt 2>receipt.err || { cat receipt.err >&2; fail "on $today: bundle receipt failed"; }
}
exchange() {
    to_office
    to_school
    [ "$(school queue --format csv | awk 'NR > 1' | wc -l)" = 0 ] || fail "on $today: something still waits"
}
marks() { # PERIOD COUNT
    make_rows rows.csv "$2" 30
    school import marks --period "$1" --csv rows.csv >import.txt 2>&1 || { cat import.txt >&2; fail "on $today: import failed"; }
    model_import a "$1" rows.csv
}
figure() { hub status --format csv | awk -F , -v name="$1" '$1 == name {print $3}'; }

# ---- 1 September: the office makes the invitation; the school has no line and will never have one ----
cp -r "$here/../fault/pack" pack
sed 's/^/  /' >>pack/programme.yaml <<'YAML'
- id: meals
  name: {ru: "Питание", en: "Meals"}
  form: meals
  kind: sum
  value: "${portions}"
  places: 0
YAML
cat >pack/forms/meals.yaml <<'YAML'
form: meals
version: "1"
title: {ru: "Питание", en: "Meals"}
mode: record
role: school
period: inspection
survey:
  - {type: integer, name: portions, required: true, constraint: ". >= 0 and . <= 1000"}
YAML
cat >pack/periods.yaml <<'YAML'
periods:
  - series: inspection
    label: {ru: "Проверка", en: "Inspection"}
    periods:
      - {id: I-1, from: 2020-10-01, to: 2020-10-31}
      - {id: I-2, from: 2021-02-01, to: 2021-02-28}
YAML
hub_home=$work/hub
now "$hub_program" init --home "$hub_home" --name 'Район' --listen tcp://127.0.0.1:1 >init.txt
hub programme load pack >load.txt 2>&1 || { cat load.txt >&2; fail 'the pack was refused'; }
hub school add a --name 'Школа а' --invite a.invite --days 90 >add.txt
now "$agent_program" join a.invite --home "$work/a" >join.txt
model_new

# Work begins at once; the request to join rides in the first file.
today=2020-10-20
marks 2020/21-Q1 20
school submit meals --period I-1 --set portions=120 >submit.txt 2>&1 ||
    printf '{"portions": 120}' | school submit meals --period I-1 --json - >submit.txt
today=2020-10-30
to_office
told 'request to let this computer join' write.txt
to_school
told 'This computer has joined the district.' receipt.txt
told 'Received by the district on' receipt.txt
grep -q 'counted: 21' receipt.txt || { cat receipt.txt >&2; fail 'twenty marks and one record are expected'; }
same=$(hub school list --format csv | grep -c '^a,.*active') || true
[ "$same" = 1 ] || fail 'the school has not joined by its file'

# ---- November: a correction and a withdrawal ----
today=2020-11-10
pick_pupil a 2020/21-Q1
school correct marks --key "$pupil" --period 2020/21-Q1 --reason 'typing mistake' --set grade=17 >correct.txt
model_correct a 2020/21-Q1 "$pupil" 17
pick_pupil a 2020/21-Q1
school retract marks --key "$pupil" --period 2020/21-Q1 --reason 'moved away' >retract.txt
model_retract a 2020/21-Q1 "$pupil"
# The stick is lost on its way; what was in it goes again.
school bundle write stick >write.txt
rm -f stick/*
today=2020-12-29
marks 2020/21-Q2 22
exchange
told 'counted: 24' receipt.txt

# ---- January: a new version of the form, and another date for the inspection ----
today=2021-01-15
sed -i 's/^version: "1"/version: "2"/' pack/programme.yaml pack/forms/marks.yaml
sed -i '/name: note/i\  - {type: integer, name: late, constraint: ". >= 0"}' pack/forms/marks.yaml
sed -i 's/{id: I-2, from: 2021-02-01, to: 2021-02-28}/{id: I-2b, from: 2021-03-01, to: 2021-03-31}/' pack/periods.yaml
hub programme load pack >load.txt 2>&1 || { cat load.txt >&2; fail 'the new version was refused'; }
# The school does not know yet: it fills in by the old form and for the old date.
today=2021-02-10
printf '{"portions": 130}' | school submit meals --period I-2 --json - >submit.txt
today=2021-03-20
marks 2020/21-Q3 18
to_office
[ "$(figure quarantined)" = 1 ] || fail 'the entry for the old date should be kept apart'
grep -q 'a .*1$\|kept apart' read.txt || fail 'the office is not told that something was kept apart'
to_school
told 'kept apart with a remark: 1' receipt.txt
told 'new form: Marks (2)' receipt.txt
school status >status.txt
told 'the district keeps it apart and does not count it' status.txt
told 'Meals, a, I-2' status.txt
# Told, and put right: the same for the date that is collected now.
today=2021-03-25
printf '{"portions": 130}' | school submit meals --period I-2b --json - >submit.txt
exchange
told 'counted: 1,' receipt.txt
# The new version of the form is used from now on.
today=2021-05-28
make_rows rows.csv 25 30
sed 's/;note$/;late;note/; 2,$s/^\([^;]*;[^;]*;[^;]*;[^;]*\);/\1;3;/' rows.csv >rows2.csv
school import marks --period 2020/21-Q4 --csv rows2.csv >import.txt 2>&1 || { cat import.txt >&2; fail 'the new form was refused'; }
model_import a 2020/21-Q4 rows.csv
exchange
told 'counted: 25' receipt.txt

# ---- the next school year's forms come in an answer to a file that holds nothing ----
today=2021-08-27
sed -i 's/^version: "2"/version: "3"/' pack/programme.yaml pack/forms/marks.yaml
sed -i 's/{type: integer, name: late, /{type: integer, name: late, label: {ru: "Опоздания", en: "Late"}, /' pack/forms/marks.yaml
hub programme load pack >load.txt 2>&1 || { cat load.txt >&2; fail "the next year's version was refused"; }
exchange
told 'No entries wait' write.txt
told 'new form: Marks (3)' receipt.txt
school forms marks >form.txt
today=2021-10-28
make_rows rows.csv 30 30
sed 's/;note$/;late;note/; 2,$s/^\([^;]*;[^;]*;[^;]*;[^;]*\);/\1;0;/' rows.csv >rows2.csv
school import marks --period 2021/22-Q1 --csv rows2.csv >import.txt 2>&1 || { cat import.txt >&2; fail "the next year's form was refused"; }
model_import a 2021/22-Q1 rows.csv
exchange
told 'counted: 30' receipt.txt

# ---- the end: equal, and clean ----
hub indicators --format csv >all.csv 2>err.txt
awk -F , '$1 == "marks" && $2 == "meals" && $3 == "municipality" && $5 == "I-1" {print $7}' all.csv | grep -q '^120' || {
    grep meals all.csv >&2
    fail 'the meals of I-1 are not 120'
}
awk -F , '$2 == "meals" && $3 == "municipality" && $5 == "I-2b" {print $7}' all.csv | grep -q '^130' || fail 'the meals of I-2b are not 130'
hub_cells cells.all
grep -v '^meals|' cells.all >cells.hub
model_cells cells.model
[ -s cells.hub ] || fail 'the hub has no indicators'
diff cells.hub cells.model >differs.txt || { head -n 20 differs.txt >&2; fail 'the indicators (<) differ from sqlite3 (>)'; }
made=$(school history --format csv | awk 'END {print NR - 1}')
[ "$(figure submissions)" = "$made" ] || fail "$made entries were made, the hub has $(figure submissions)"
hub verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'svodka-hub verify is not clean'; }
school verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'svodka-agent verify is not clean'; }
# All files of the year once more, the newest first: nothing changes.
for file in $(find mail -name '*-answer.svodka' | sort -r); do
    school bundle receipt "$file" >receipt.txt 2>receipt.err || { cat receipt.err >&2; fail "$file again failed"; }
done
hub_cells cells.again
cmp -s cells.all cells.again || fail 'old answers have changed something'
school verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'svodka-agent verify is not clean'; }
say "$name: $made entries in two school years, $(find mail -name '*-answer.svodka' | wc -l) answers, no line; equal and clean"
