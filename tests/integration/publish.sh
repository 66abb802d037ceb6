#!/bin/sh
# publish.sh BUILD_DIR: the only door out (invariant 7), with a real hub, six schools and two that came later: closed
# periods only, small numbers hidden, the same bytes again, nothing that came late, everything signed, listed and kept.
set -eu
name=publish
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: publish.sh BUILD_DIR'
    exit 2
}
begin "$1"
LANGUAGE=en
export LANGUAGE
cd "$work"

# The exit code and a part of what is said on stderr.

mkdir -p pack/forms
cat >pack/programme.yaml <<'YAML'
programme: well
version: "1"
title: Well-being
indicators:
  - {id: W-1, name: {ru: Поставлены на учёт, en: On registers}, kind: share, numerator: "${registers}", denominator: "${pupils}", privacy: family, audience: [office, school, region, public]}
  - {id: W-2, name: {ru: Только для отдела, en: Office}, kind: sum, value: "${pupils}", privacy: open, audience: [office]}
YAML
cat >pack/variables.yaml <<'YAML'
variables:
  - {id: registers, form: social, value: "${registers}"}
  - {id: pupils, form: social, value: "${pupils}"}
YAML
cat >pack/forms/social.yaml <<'YAML'
form: social
version: "1"
title: {ru: Паспорт, en: Passport}
mode: record
role: school
period: school_year
survey:
  - {type: integer, name: pupils, label: Pupils, required: true}
  - {type: integer, name: registers, label: Registers, required: true}
YAML
hub_home=$work/hub
free_port
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" </dev/null >init.txt
hub programme load pack >load.txt
#            a  b  c  d  e  f; b has 2 of 90: hidden
for line in a:9:60 b:2:90 c:7:70 d:8:80 e:6:60 f:12:96; do
    school=${line%%:*}
    rest=${line#*:}
    hub school add "$school" --name "Школа $school" --invite "$school.invite" >add.txt
    "$agent_program" join "$school.invite" --home "$work/$school" >join.txt
    printf '{"registers": %d, "pupils": %d}' "${rest%%:*}" "${rest#*:}" |
        "$agent_program" submit social --period 2020/21 --json - --home "$work/$school" >submit.txt
done
start_hub
for school in a b c d e f; do
    "$agent_program" sync --home "$work/$school" >sync.txt 2>&1 || { cat sync.txt >&2; fail "$school cannot sync"; }
done

# ---- closed periods only ----

refused 2 '--for' hub publish 2020/21
refused 2 'region or public' hub publish 2020/21 --for everybody
refused 2 'take no period' hub publish 2020/21 --list
refused 2 'goes with --for school' hub publish 2020/21 --for region --school a
refused 1 'there is no unit "g"' hub publish 2020/21 --for school --school g
refused 1 'there is no period' hub publish 2020/2 --for region
refused 1 'there is no programme "wel"' hub publish 2020/21 --for region --programme wel
refused 1 'the period 2020/21 is not closed' hub publish 2020/21 --for region
hub period close 2020/21 >close.txt
refused 1 'there is no publication 1' hub publish --show 1

# ---- hidden, and in the files nothing else ----

mkdir -p one two
cp -r hub twin # the same office, once more
hub publish 2020/21 --for region --out one >region.txt 2>err.txt || { cat err.txt >&2; fail 'not published'; }
csv=one/well-2020-21-region.csv
for file in "$csv" one/well-2020-21-region.json one/well-2020-21-region.signed; do
    [ -s "$file" ] || fail "$file was not written"
done
# Seven numbers, 44 of 456 in all.  b is hidden; and one more, or b were 44 less all others.
grep -q '^well,W-1,unit,b,2020/21,,,,,,suppressed,' "$csv" || { cat "$csv" >&2; fail 'b is not hidden'; }
[ "$(grep -c ',ok,' "$csv")" -le 5 ] || { cat "$csv" >&2; fail 'b follows from the others'; }
[ "$(grep -c ',ok,' "$csv")" -ge 4 ] || { cat "$csv" >&2; fail 'more is hidden than need be'; }
! grep -q W-2 "$csv" || fail 'what is for the office alone was published'
awk -F , 'NR > 1 && $11 != "ok" && $7 $8 $9 $10 $13 != "" {exit 1}' "$csv" || fail 'a hidden line has a number'
awk -F , 'NR > 1 && $10 != "" {exit 1}' "$csv" || fail 'the number of submissions is told'
grep -qF 'hidden: ' region.txt || { cat region.txt >&2; fail 'what was hidden is not added up'; }
grep -qF 'all safe' region.txt || { cat region.txt >&2; fail 'the audit is not told'; }
grep -qF 'On registers' region.txt || fail 'people are shown no names'
hub indicators --period 2020/21 >office.txt 2>err.txt
grep -qF 'For the office alone' err.txt || fail 'the office is not told that its own view is not for passing on'
grep -q '2.2' office.txt || fail "the office's own view is not complete"

# ---- the same again, byte for byte, here and at its twin ----

hub publish 2020/21 --for region --out two >again.txt 2>err.txt
grep -qF 'published before' err.txt || { cat err.txt >&2; fail 'nobody is told that it was published before'; }
for file in one/*; do
    cmp -s "$file" "two/${file##*/}" || fail "${file##*/}: the same publication has other bytes"
done
rm two/*
LANGUAGE=ru "$hub_program" publish 2020/21 --for region --home twin --out two >again.txt 2>err.txt || { cat err.txt >&2; fail 'the twin cannot publish'; }
for file in one/*; do
    cmp -s "$file" "two/${file##*/}" || fail "${file##*/}: the same office elsewhere publishes other bytes"
done
grep -qF 'скрыто' again.txt || { cat again.txt >&2; fail 'not in Russian'; }
id=$(hub publish --list --format csv | awk -F , 'NR == 2 {print $1}')
hub publish --list --format csv | grep -q "^$id,.*,well,2020/21,region,," || fail 'it is not listed'
hub publish --show "$id" --format csv | cmp -s - "$csv" || fail 'it is not shown as it was published'
hub audit | grep -q "published *well *period: 2020/21; for: region; number: $id" || fail 'the audit does not say what left the office'

# ---- to schools: their own, and of others nothing; h came after the closing, and sent something, too ----

make_school h
printf '{"registers": 5, "pupils": 50}' | agent h submit social --period 2020/21 --json - >submit.txt
agent h sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'h cannot sync'; }
refused 1 'h came after the period 2020/21 was closed' hub publish 2020/21 --for school --school h
hub publish 2020/21 --for school --out one >school.txt 2>err.txt || { cat err.txt >&2; fail 'not published for schools'; }
own=one/well-2020-21-school-b.csv
grep -q '^well,W-1,unit,b,2020/21,,2.222222,2,90,,ok,' "$own" || { cat "$own" >&2; fail 'b does not see its own number'; }
[ "$(grep -c '^well,W-1,unit' "$own")" = 1 ] || { cat "$own" >&2; fail 'b sees another school'; }
[ "$(hub publish --list --format csv | grep -c '2020/21,school,')" = 6 ] || { hub publish --list >&2; cat school.txt err.txt >&2; fail "not every school has a publication"; }

# ---- and it travels down to them: by line, by stick, to who joins later ----

grep -qF 'Not in it, because they came after the period was closed: h.' err.txt || { cat err.txt >&2; fail 'nobody is told that a school is not in it'; }
[ ! -e one/well-2020-21-school-h.csv ] || fail 'a school that came after the closing has a sheet of its own'
! grep -q 506 one/*.csv || fail 'what came after the closing is published'

told() { hub publish --told --format csv | cut -d , -f 1,5,8; }
own() { # HOME: its figures for programs
    agent "$1" indicators --period 2020/21 --format csv
}
carry() { # HOME: there and back on a stick
    rm -rf stick
    mkdir stick
    agent "$1" bundle write stick/up.svodka >write.txt || fail "$1 cannot write the stick"
    hub bundle read stick/up.svodka --receipt stick >read.txt 2>&1 || { cat read.txt >&2; fail "the stick of $1 is not read"; }
}

grep -qF '7 schools get it with the next meeting' err.txt || { cat err.txt >&2; fail 'nobody is told that it travels down'; }
agent b indicators >empty.txt 2>&1
grep -qF 'published nothing' empty.txt || { cat empty.txt >&2; fail 'something is there before it came'; }
agent b sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'b cannot sync'; }
agent b sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'b cannot sync again'; } # says what it holds
agent b status | grep -qF 'the district has published the indicators' || fail 'status does not tell that something was published'
line=$(own b | awk -F , '$2 == "W-1"')
district=$(awk -F , '$2 == "W-1" && $3 == "municipality" {print $7 "," $8 "," $9}' "$own") # as it was published
[ "$district" = 9.649123,44,456 ] || fail "the district's value is $district"
[ "${line%,*}" = "well,W-1,b,2020/21,,2.222222,2,90,ok,,,,$district,ok,,,,6,6" ] || { own b >&2; fail 'b does not see its own beside the district'; }
LANGUAGE=ru "$agent_program" indicators --period 2020/21 --home b >ru.txt 2>err.txt
grep -q 'W-1 *Поставлены на учёт *2,2 % *9,6 % *6 из 6$' ru.txt || { cat ru.txt >&2; fail 'not as a person reads it'; }
agent b indicators | grep -q 'Well-being *School year 2020/21 *b *1 .*published' || { agent b indicators >&2; fail 'the list does not name it'; }
agent b indicators --period 2020/21 --xlsx own.xlsx --html own.html 2>err.txt || { cat err.txt >&2; fail 'no workbook and no page'; }
grep -qF '2.2' own.html || fail 'the page has not the number'
[ "$(stat -c %a own.xlsx)" = 600 ] || fail 'others may read the workbook'
refused 1 'published nothing of that' agent b indicators --period 2019/20

# A leak would be a number of another school that the district's file does not say: nobody has another row than its own.
for school in a c; do
    agent "$school" sync >sync.txt 2>&1 || { cat sync.txt >&2; fail "$school cannot sync"; }
    own "$school" | awk -F , -v s="$school" 'NR > 1 && $3 != s {exit 1}' || fail "$school holds another school's figures"
    [ "$(own "$school" | wc -l)" = 2 ] || fail "$school was told more than one line"
done
carry d
if LC_ALL=C grep -aqE '11\.428571|W-1|Поставлены' stick/*-answer.svodka; then fail 'whoever finds the stick reads the figures'; fi
agent d bundle receipt stick/*-answer.svodka >receipt.txt 2>&1 || { cat receipt.txt >&2; fail 'd cannot take the answer'; }
own d | grep -q '^well,W-1,d,2020/21,,10.000000,8,80,ok,' || { own d >&2; fail 'the stick does not bring the figures'; }
carry d # says what it holds
[ "$(told)" = 'school,unit,state
a,a,waiting
b,b,received
c,c,waiting
d,d,received
e,e,waiting
f,f,waiting
h,,waiting' ] || { told >&2; fail 'the office does not see who has it'; }

hub publish 2020/21 --for school >again.txt 2>err.txt
if grep -qF 'get it with the next' err.txt; then cat err.txt >&2; fail 'the same is told twice'; fi

# ---- withdrawn, and published again ----

refused 2 'why it is withdrawn' hub publish 2020/21 --for school --withdraw
refused 2 'with --for school alone' hub publish 2020/21 --for region --withdraw --reason x
hub publish 2020/21 --for school --withdraw --reason 'Ошибка в школе f' >back.txt
grep -qF '7 schools are told' back.txt || { cat back.txt >&2; fail 'not all are told that it holds no more'; }
agent b sync >sync.txt 2>&1
agent b indicators --period 2020/21 2>err.txt | grep -qF 'withdrawn by the district: Ошибка в школе f' || fail 'b still shows what was withdrawn'
[ "$(own b | wc -l)" = 1 ] || { own b >&2; fail 'what was withdrawn is still there'; }
refused 1 'nothing to print' agent b indicators --period 2020/21 --html again.html
hub publish --told | grep -qF 'withdrawn, on its way' || fail 'the office does not see that it was withdrawn'
hub publish 2020/21 --for school >again.txt 2>err.txt
agent b sync >sync.txt 2>&1
[ "$(own b | awk -F , '$2 == "W-1"')" = "$line" ] || { own b >&2; fail 'what was published again does not come back'; }
# One that joins afterwards has no figures of its own, and gets the district's.
make_school g
hub publish 2020/21 --for school >again.txt 2>err.txt || { cat err.txt >&2; fail 'a school that came later keeps the others from their sheets'; }
grep -qF 'was closed: g, h.' err.txt || { cat err.txt >&2; fail 'nobody is told who is not in it'; }
agent h sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'h cannot sync'; }
agent g sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'g cannot sync'; }
for school in g h; do
    [ "$(own "$school" | tail -n 1 | cut -d , -f 1-8,13-15)" = 'well,W-1,,2020/21,,,,,9.649123,44,456' ] ||
        { own "$school" >&2; fail 'a newcomer is not told the district alone'; }
done
# A new computer of a school gets what was published before it was there.
hub school rekey c --invite c2.invite >rekey.txt
"$agent_program" join c2.invite --home "$work/c2" >join.txt
agent c2 sync >sync.txt 2>&1 || { cat sync.txt >&2; fail 'the new computer of c cannot sync'; }
own c2 | grep -q '^well,W-1,c,2020/21,,10.000000,7,70,ok,' || { own c2 >&2; fail 'a new computer does not get the figures'; }
verify_clean b c2 d g
# A school that is closed after the period stays in what was published of it.
hub school close f >close.txt
hub publish 2020/21 --for region --format csv 2>err.txt | cmp -s - "$csv" || { cat err.txt >&2; fail 'a school was closed, and the past is another one'; }

# ---- what came late is not published ----

printf '{"registers": 3, "pupils": 90}' |
    "$agent_program" correct social --period 2020/21 --reason 'one more' --json - --home "$work/b" >correct.txt 2>&1
"$agent_program" sync --home "$work/b" >sync.txt 2>&1 || { cat sync.txt >&2; fail 'b cannot sync again'; }
refused 1 'is not what is there now (W-1, b)' hub publish 2020/21 --for public
hub publish 2020/21 --for region --format csv 2>err.txt | cmp -s - "$csv" || fail 'what was published changes'
hub period reopen 2020/21 --reason 'b counted again' >reopen.txt
refused 1 'is not closed' hub publish 2020/21 --for region
hub period close 2020/21 >close.txt
# 44 of 456 was told, and now it would be 45: the difference is b's.
hub publish 2020/21 --for public --out one >public.txt 2>err.txt || { cat err.txt >&2; fail 'not published for all'; }
grep -q '^well,W-1,unit,b,2020/21,,,,,,suppressed,' one/well-2020-21-public.csv || fail 'b is not hidden from the public'

hub verify >verify.txt 2>&1 || { cat verify.txt >&2; fail 'verify is not clean'; }
stop_hub
