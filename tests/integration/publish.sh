#!/bin/sh
# publish.sh BUILD_DIR: the only door out (invariant 7), with a real hub and six schools: closed periods only, small
# numbers hidden, the same bytes again, nothing that came late, everything signed, listed and kept.
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

# ---- to schools: their own, and of others nothing ----

hub publish 2020/21 --for school --out one >school.txt 2>err.txt || { cat err.txt >&2; fail 'not published for schools'; }
own=one/well-2020-21-school-b.csv
grep -q '^well,W-1,unit,b,2020/21,,2.222222,2,90,,ok,' "$own" || { cat "$own" >&2; fail 'b does not see its own number'; }
[ "$(grep -c '^well,W-1,unit' "$own")" = 1 ] || { cat "$own" >&2; fail 'b sees another school'; }
[ "$(hub publish --list --format csv | grep -c '2020/21,school,')" = 6 ] || { hub publish --list >&2; cat school.txt err.txt >&2; fail "not every school has a publication"; }

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
