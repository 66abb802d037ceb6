#!/bin/sh
# cli_hub.sh BUILD_DIR: the district's program from outside: every command, its exit codes, what it prints where, and bad
# input (invariant 9).  Part of it beside a running hub and part of it without.
set -eu
name=cli-hub
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"
free_port
hub_home=$work/hub
checks=0

# expect CODE COMMAND...: its exit code; stdout and stderr are kept in out.txt and err.txt.
expect() {
    expect_code=$1
    shift
    expect_got=0
    "$@" >out.txt 2>err.txt </dev/null || expect_got=$?
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
is_json() {
    awk 'NR == 1 {first = substr($0, 1, 1)} {last = $0} END {exit !(first == "[" && last == "]" || first last == "[[]")}' \
        out.txt || { cat out.txt >&2; fail 'no JSON array'; }
}

# ---- the program as a whole ----

expect 0 "$hub_program" --help
prints 'school add'
expect 0 "$hub_program" --version
prints svodka-hub
expect 2 "$hub_program"
says 'Commands:'
expect 2 "$hub_program" nonsense
says 'unknown command'
expect 2 "$hub_program" scool list
says 'did you mean'
expect 2 "$hub_program" school
says 'second word'
"$hub_program" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' >commands.txt
[ "$(wc -l <commands.txt)" -gt 50 ] || fail 'the commands are not listed'
[ -z "$(sort commands.txt | uniq -d)" ] || fail "listed twice: $(sort commands.txt | uniq -d)"
while read -r command; do
    # shellcheck disable=SC2086
    expect 0 "$hub_program" $command --help
    prints Usage:
    # shellcheck disable=SC2086
    expect 2 "$hub_program" $command --no-such-option
    silent
done <commands.txt
expect 2 "$hub_program" status
says SVODKA_HOME
expect 1 "$hub_program" status --home "$work/none"
says 'svodka-hub init'
silent
expect 2 "$hub_program" status --home "$work/none" extra

# ---- init ----

expect 2 "$hub_program" init --name District --listen "tcp://127.0.0.1:$port"
says --home
expect 2 "$hub_program" init --home hub --listen "tcp://127.0.0.1:$port"
says --name
expect 2 "$hub_program" init --home hub --name District
says --listen
expect 2 "$hub_program" init --home hub --name District --listen
expect 1 "$hub_program" init --home hub --name District --listen 127.0.0.1:4780
says 'tcp://HOST:PORT is expected'
expect 1 "$hub_program" init --home hub --name District --listen 'tcp://0.0.0.0:4780'
says --announce
expect 1 "$hub_program" init --home "$work/no/such/folder" --name District --listen tcp://h:1
expect 1 "$hub_program" init --home hub --name District --listen tcp://h:1 --root-passphrase-file none.txt
[ ! -e hub ] || fail 'a failed init left something behind'
printf 'correct horse battery staple\n' >pass.txt
expect 0 "$hub_program" init --home locked --name District --listen tcp://h:1 --listen=tcp://h:2 \
    --announce tcp://hub.example.org:1 --root-passphrase-file pass.txt
prints 'locked with your passphrase'
[ ! -e locked/keys/root.key ] || fail 'the root key lies there unlocked'
expect 0 "$hub_program" status --home locked --format csv
prints 'listen,,tcp://h:2'
prints 'announce,,tcp://hub.example.org:1'
expect 0 "$hub_program" init --home hub --name 'Район «Север»' --listen "tcp://127.0.0.1:$port" </dev/null
prints 'Fingerprint of its root key: '
prints 'NOT locked'
expect 1 "$hub_program" init --home hub --name Again --listen tcp://h:1
says 'not empty'
[ "$(find hub -perm /077 | wc -l)" = 0 ] || fail 'others may look into the home'
SVODKA_HOME=$hub_home
export SVODKA_HOME

# ---- a home that is not as it should be ----

chmod 770 hub
expect 1 "$hub_program" status
says 'chmod 700'
chmod 700 hub
chmod 644 hub/keys/storage.key
expect 1 "$hub_program" status
says storage.key
chmod 600 hub/keys/storage.key
mv hub/keys/sign.key away.key
expect 1 "$hub_program" status
says sign.key
expect 1 "$hub_program" serve
says sign.key
mv away.key hub/keys/sign.key
cp hub/hub.yaml good.yaml
printf 'gateway.slots: many\n' >>hub/hub.yaml
expect 1 "$hub_program" status
says 'hub.yaml:'
says gateway.slots
expect 1 "$hub_program" core
cp good.yaml hub/hub.yaml
cp hub/store/data.mdb good.mdb
head -c 8192 /dev/zero | tr '\0' 'Z' | dd of=hub/store/data.mdb conv=notrunc 2>/dev/null
expect 1 "$hub_program" status
silent
cp good.mdb hub/store/data.mdb
expect 0 "$hub_program" status
prints 'Район «Север»'

# ---- programme ----

mkdir -p pack/forms
cat >pack/programme.yaml <<'YAML'
programme: visits
version: "1"
title: Visits
indicators:
  - {id: V-1, name: Visits, form: visit, kind: sum, value: "${count}", shown: 0}
  - {id: V-2, name: Mean mark, form: visit, kind: mean, value: "${mark}", places: 1, shown: 2}
YAML
cat >pack/forms/visit.yaml <<'YAML'
form: visit
version: "1"
title: Visit
mode: rows
key: who
role: school
period: month
survey:
  - {type: text, name: who, label: Who, required: true}
  - {type: integer, name: count, label: Count, required: true, constraint: ". >= 0"}
  - {type: decimal, name: mark, places: 1, label: Mark}
YAML
cp -r pack wrong
# shellcheck disable=SC2016 # an expression of the pack
sed -i 's/kind: sum/kind: summ/; s/\${mark}/${marks}/' wrong/programme.yaml
sed -i 's/period: month/period: moon/; s/mode: rows/mode: row/' wrong/forms/visit.yaml
expect 2 "$hub_program" programme load
expect 1 "$hub_program" programme load none
says 'a programme pack is expected'
expect 1 "$hub_program" programme load wrong
silent
says 'wrong/programme.yaml:5:'
says 'wrong/forms/visit.yaml:4:7'
says 'nothing was changed'
expect 1 "$hub_program" programme check wrong
expect 0 "$hub_program" programme check pack
prints 'Nothing is wrong with programme visits'
expect 0 env -u SVODKA_HOME "$hub_program" programme check "$source_dir/tests/data/packs/uci"
says 'checked alone'
expect 0 "$hub_program" programme list --format csv
[ "$(wc -l <out.txt)" = 1 ] || fail 'a check loaded the programme'
expect 0 "$hub_program" programme load pack
prints 'is loaded'
expect 0 "$hub_program" programme list --format csv
prints 'visits,1,Visits,1,2'
expect 0 "$hub_program" programme list --format json
is_json
expect 0 "$hub_program" programme list
prints Programme
expect 2 "$hub_program" programme list --format xml
says 'table, csv or json'
cp -r pack changed
sed -i 's/type: integer, name: count/type: text, name: count/; s/, constraint: [^}]*}/}/' changed/forms/visit.yaml
expect 1 "$hub_program" programme load changed
says 'changed/forms/visit.yaml:2:10: version:'
says 'the type is text now and was integer'
sed -i 's/version: "1"/version: "2"/' changed/forms/visit.yaml
expect 1 "$hub_program" programme check changed
says 'changed/forms/visit.yaml:10:12: count:'

# ---- schools ----

expect 2 "$hub_program" school add
expect 2 "$hub_program" school add s1 --invite s1.invite
says --name
expect 2 "$hub_program" school add s1 --name One
says --invite
expect 2 "$hub_program" school add s1 --name One --invite s1.invite --days 0
says --days
expect 1 "$hub_program" school add 'школа 1' --name One --invite s1.invite
[ ! -e s1.invite ] || fail 'a refused school has an invitation'
expect 0 "$hub_program" school add s1 --name 'Школа № 1' --invite s1.invite --days 3
prints s1.invite
[ "$(stat -c %a s1.invite)" = 600 ] || fail 'the invitation may be read by others'
expect 1 "$hub_program" school add s2 --name Two --invite s1.invite
says 'not overwritten'
expect 1 "$hub_program" school add s1 --name One --invite again.invite
says 'there already'
expect 1 "$hub_program" school add s2 --name Two --unit s1 --invite s2.invite
says 'speaks for it already'
expect 1 "$hub_program" school add s2 --name Two --invite no/such/folder/s2.invite
expect 0 "$hub_program" school add s2 --name Two --unit s2 --unit=s2-branch --role school --invite s2.invite
expect 1 "$hub_program" school add office --name Office --unit '*' --unit s1 --role office --invite office.invite
says 'stands alone'
expect 1 "$hub_program" school add office --name Office --unit '*' --invite office.invite
says 'every unit: s1 speaks already for some in the role school'
expect 0 "$hub_program" school add office --name Office --unit '*' --role office --invite office.invite
expect 1 "$hub_program" school add second --name Second --role office --invite second.invite
says 'unit second: office speaks for it already in the role office'
expect 0 "$hub_program" school list --format csv
prints 's2,Two,invited,s2 s2-branch,school,'
prints 'office,Office,invited,*,office,'
[ "$(wc -l <out.txt)" = 4 ] || fail 'three schools were expected'
expect 0 "$hub_program" school list --format json
is_json
expect 0 "$hub_program" school list
prints 'Школа № 1'

# ---- with the hub running ----

"$agent_program" join s1.invite --home "$work/s1" >join.txt
for row in 'anna 3 4.5' 'boris 4 3.0' 'vera 5 5.0'; do
    # shellcheck disable=SC2086
    set -- $row
    printf '{"who": "%s", "count": %s, "mark": %s}' "$1" "$2" "$3" |
        "$agent_program" submit visit --period 2020-09 --json - --home "$work/s1" >/dev/null
done
start_hub
expect 1 "$hub_program" serve
says 'running there already'
expect 0 "$hub_program" status --format csv
prints 'core,,running'
prints 'gateway,,connected'
"$agent_program" sync --home "$work/s1" >sync.txt 2>&1 || { cat sync.txt >&2; fail 'sync failed'; }
expect 0 "$hub_program" status --format csv
prints 'counted,,3'
prints 'schools,active,1'
prints last_seen,s1,
expect 0 "$hub_program" status --format json
is_json
expect 0 "$hub_program" status
prints 'Last seen'
# A command changes the hub beside the running core, which takes the change over at once.
expect 0 "$hub_program" school add s3 --name Three --invite s3.invite
says_nothing=$(wc -c <err.txt)
[ "$says_nothing" = 0 ] || { cat err.txt >&2; fail 'the running core did not take the change'; }
"$agent_program" join s3.invite --home "$work/s3" >join.txt
"$agent_program" sync --home "$work/s3" >sync.txt 2>&1 || { cat sync.txt >&2; fail 'the new school is not let in'; }
sed -i 's/version: "1"/version: "1.1"/; s/value: "${count}"/value: "${count} + 0"/' pack/programme.yaml
expect 0 "$hub_program" programme load pack
says 'anew from 3 submissions'
# A mean is made of the same variable as the sum: nothing is computed anew.
sed -i 's/version: "1.1"/version: "2"/; s/kind: sum/kind: mean/' pack/programme.yaml
expect 0 "$hub_program" programme load pack
! grep -q anew err.txt || fail 'cells are computed anew although no variable has changed'
expect 0 "$hub_program" indicators --format csv --indicator V-1 --unit s1
prints 'visits,V-1,unit,s1,2020-09,,4.000000,12,3,3,provisional,,,,1,1,2'
says 'For the office alone'
expect 0 "$hub_program" indicators --format csv --indicator V-1 --level municipality
prints 'visits,V-1,municipality,,2020-09,,4.000000,12,3,3,provisional,,,,1,4,2'
expect 0 "$hub_program" indicators --format csv --period 'сентябрь 2020' --level unit --unit s3
prints 'visits,V-2,unit,s3,2020-09,,,,,0,no-data'
expect 0 "$hub_program" indicators --format json
is_json
expect 0 "$hub_program" indicators
prints 'September 2020'
prints 'no data'
expect 0 "$hub_program" indicators --period 2020 # of that calendar year, nothing
says 'no indicator is computed for what was asked'
expect 1 "$hub_program" indicators --period 2020-13
silent
expect 1 "$hub_program" indicators --indicator V-3
says 'did you mean'
expect 2 "$hub_program" indicators --level region
expect 0 "$hub_program" explain V-2 --period 2020-09
prints 'that is 12.5 of 3'
prints 's1/1.'
expect 0 "$hub_program" explain V-2 --period 2020-09 --unit s1 --format csv
prints 'id,unit,period,received,numerator,denominator,codes,source'
prints ',2020-09,20'
prints 'Z,4.5,1,'
[ "$(wc -l <out.txt)" = 4 ] || fail 'three submissions were expected'
expect 0 "$hub_program" explain V-2 --period 2020-09 --format json
is_json
expect 2 "$hub_program" explain V-2
expect 1 "$hub_program" explain V-9 --period 2020-09
expect 0 env LC_ALL=ru_RU.UTF-8 LANGUAGE=ru "$hub_program" explain V-2 --period 2020-09
prints 'вид mean; форма: visit'
expect 1 "$hub_program" export submissions --form visit --period 2020-09
says --unsafe-raw
silent
expect 2 "$hub_program" export submissions --form visit --unsafe-raw
expect 0 "$hub_program" export submissions --form visit --period 2020-09 --unsafe-raw
prints ',new,own,anna,3,4.5'
expect 0 "$hub_program" export submissions --form visit --period 2020-09 --unit s1 --unsafe-raw --format json
is_json
prints '"who": "anna"'
expect 1 "$hub_program" export submissions --form visits --period 2020-09 --unsafe-raw
silent
expect 0 "$hub_program" quarantine list
expect 0 "$hub_program" quarantine list --format json
is_json
expect 1 "$hub_program" quarantine show s1/1/1
says 'not in quarantine'
expect 2 "$hub_program" quarantine show
expect 0 "$hub_program" audit
prints 'submissions written out, raw'
prints 'period: 2020-09; count: 3'
expect 0 "$hub_program" audit --what export --format csv
grep -q ',export.submissions,visit,period=2020-09;unit=;count=3' out.txt || { cat out.txt >&2; fail 'the export is not in the audit'; }
! tail -n +2 out.txt | grep -qv ',export.submissions,' || { cat out.txt >&2; fail 'more than exports is shown'; }
expect 0 "$hub_program" audit --what school --format csv
grep -q ',office:.*,school.invite,s1,again=' out.txt || { cat out.txt >&2; fail 'the invitation is not in the audit'; }
expect 0 "$hub_program" audit --what view --who nobody --format csv
[ "$(wc -l <out.txt)" = 1 ] || fail 'no entry was expected'
expect 0 "$hub_program" audit --to 2000-01-01 --format csv
[ "$(wc -l <out.txt)" = 1 ] || fail 'no entry was expected'
expect 2 "$hub_program" audit --from soon
says '--from: a date is expected'
# what an inspector takes along is checked where there is no hub
expect 0 "$hub_program" audit export log.svdaudit
root=$(sed -n 's/.*--root //p' out.txt)
expect 1 "$hub_program" audit export log.svdaudit
[ "$(stat -c %a log.svdaudit)" = 600 ] || fail 'others may read the exported audit'
expect 0 env -u SVODKA_HOME "$hub_program" audit check log.svdaudit --root "$(printf %s "$root" | tr 'A-Z-' 'a-z ')"
prints 'No gap, nothing altered'
expect 1 "$hub_program" audit check log.svdaudit --root 7K2M-AAAA
says '8 were typed'
expect 1 "$hub_program" audit check log.svdaudit --root 7K2M-AAAA-7K2M-AAAA-7K2M-AAAA-7K2M-AAAA
says 'root key has another fingerprint'
expect 2 "$hub_program" audit check log.svdaudit
head -c 1000 log.svdaudit >cut.svdaudit
expect 1 "$hub_program" audit check cut.svdaudit --root "$root"
says 'damaged or cut off'
expect 0 "$hub_program" audit export later.svdaudit
expect 0 "$hub_program" audit check later.svdaudit --root "$root" --since log.svdaudit
expect 1 "$hub_program" audit check log.svdaudit --root "$root" --since later.svdaudit
says 'the audit was rewritten'
expect 0 "$hub_program" audit --format csv --last 2
[ "$(wc -l <out.txt)" = 3 ] || fail 'two entries were expected'
expect 0 "$hub_program" verify
prints 'bit for bit'
prints 'none missing or altered'

# ---- the life of a school's computers ----

expect 2 "$hub_program" school hold s1
says '--reason is missing'
expect 1 "$hub_program" school hold s11 --reason 'numbers that cannot be'
says 'did you mean "s1"'
silent
expect 0 "$hub_program" school hold s1 --reason 'numbers that cannot be'
prints 'on hold'
expect 0 "$hub_program" school list --format csv
prints 'numbers that cannot be'
prints ',held,'
expect 1 "$hub_program" school close s1
says 'release or revoke it first'
expect 0 "$hub_program" school release s1
expect 1 "$hub_program" school release s1
says 'it is active'
expect 2 "$hub_program" school revoke s1 --reason stolen --since 2020-13-01
says 'a date like'
expect 2 "$hub_program" school revoke s1 --reason stolen --since 2020-10-01 --from-sequence 2
expect 2 "$hub_program" school revoke s1 --reason stolen --from-sequence 0
expect 0 "$hub_program" school revoke s1 --reason stolen --from-sequence 1
prints 'school suspects s1'
expect 0 "$hub_program" school suspects s1 --format csv
prints 's1,'
expect 0 "$hub_program" school suspects --format json
is_json
expect 1 "$hub_program" school suspects nobody
expect 2 "$hub_program" school suspects s1 --take-out all
says '--reason is missing'
expect 2 "$hub_program" school suspects s1 --take-out all --keep all --reason stolen
says 'opposites'
expect 2 "$hub_program" school suspects s1 --reason stolen
says '--take-out or --keep'
expect 2 "$hub_program" school suspects --keep all
says 'name the school'
expect 2 "$hub_program" school suspects s1 --keep first
says 'NUMBERING/NUMBER'
expect 1 "$hub_program" school suspects s1 --keep 999
says 'school suspects s1'
silent
expect 0 "$hub_program" indicators --format csv
cp out.txt counted.csv
expect 0 "$hub_program" school suspects s1 --take-out all --reason 'the computer was stolen'
prints 'Parcels taken out of the numbers: '
prints 'quarantine release'
expect 0 "$hub_program" school suspects s1 --format csv
grep -q '^s1,' out.txt && fail 'a parcel is doubtful still'
expect 1 "$hub_program" school suspects s1 --take-out all --reason 'the computer was stolen'
says 'nothing of school s1 is doubtful'
expect 0 "$hub_program" quarantine list --school s1 --format csv
prints 'the computer was stolen'
expect 0 "$hub_program" indicators --format csv
cmp -s out.txt counted.csv && fail 'what was taken out is in the numbers still'
cp out.txt taken.csv
expect 0 "$hub_program" verify
prints 'bit for bit'
expect 0 "$hub_program" quarantine release --all --school s1 # a revoked one is passed over
expect 0 "$hub_program" indicators --format csv
cmp -s out.txt taken.csv || fail 'what a revoked computer had sent was released by the way'
expect 0 "$hub_program" quarantine release --all --school s1 --reason-code held
expect 0 "$hub_program" indicators --format csv
cmp -s out.txt counted.csv || fail 'what was released again is not in the numbers'
expect 1 "$hub_program" school release s1
says 'school rekey s1'
expect 2 "$hub_program" school rekey s1
says '--invite is missing'
expect 2 "$hub_program" school rekey s1 --invite again.invite --lost
says '--reason is missing'
expect 0 "$hub_program" school rekey s1 --invite again.invite --days 3
prints again.invite
[ "$(stat -c %a again.invite)" = 600 ] || fail 'others may read the invitation'
expect 1 "$hub_program" school rekey s1 --invite again.invite
says 'exists already'
silent
expect 1 "$hub_program" school rekey nobody --invite no.invite
[ ! -e no.invite ] || fail 'an invitation was left behind'
expect 0 "$hub_program" verify
prints 'bit for bit'
stop_hub

# ---- expr ----

expect 0 "$hub_program" expr '1 + 2 * 3'
prints 'number 7'
expect 0 "$hub_program" expr '-5 mod 3'
prints 'number -2'
# shellcheck disable=SC2016 # the program's ${...}, not the shell's
expect 0 "$hub_program" expr --json '{"a": [1, 2], "b": "x"}' 'concat(${b}, sum(${a}))'
prints 'string x3'
# shellcheck disable=SC2016
expect 0 "$hub_program" expr -- '-${a} > 0' --json '{"a": -1}'
prints 'boolean true'
# shellcheck disable=SC2016
expect 1 "$hub_program" expr '1 + ${nosuch}'
says 'column 5'
silent
expect 1 "$hub_program" expr '1 +' --json '{"a"'
expect 2 "$hub_program" expr
expect 2 "$hub_program" expr 1 2

# ---- without the hub: the same commands, and what a changed byte does ----

expect 0 "$hub_program" status --format csv
prints 'core,,stopped'
expect 0 "$hub_program" verify
"$hub_program" indicators >/dev/full 2>err.txt && fail 'a full disk went unnoticed'
says 'cannot be written'

say "$name: $checks commands as expected"
