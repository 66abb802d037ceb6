#!/bin/sh
# enrolment.sh BUILD_DIR: a school joins with one command, by each of the four ways of the README, and what happens when
# something about it is wrong (invariants 2, 6 and 9; docs/enrolment.md).  The times are printed and not judged.
set -eu
name=enrolment
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
begin "$1"
cd "$work"

refused() { # TEXT COMMAND...: exit 1, and the text on stderr
    refused_text=$1
    shift
    refused_code=0
    "$@" >out.txt 2>err.txt </dev/null || refused_code=$?
    [ "$refused_code" = 1 ] || { cat out.txt err.txt >&2; fail "$*: exit $refused_code, expected 1"; }
    grep -qF -- "$refused_text" err.txt || { cat err.txt >&2; fail "$*: does not say \"$refused_text\""; }
}
wrong_usage() { # TEXT COMMAND...
    usage_text=$1
    shift
    usage_code=0
    "$@" >out.txt 2>err.txt </dev/null || usage_code=$?
    [ "$usage_code" = 2 ] || { cat out.txt err.txt >&2; fail "$*: exit $usage_code, expected 2"; }
    grep -qF -- "$usage_text" err.txt || { cat err.txt >&2; fail "$*: does not say \"$usage_text\""; }
}
timed() { # WHAT COMMAND...: both sides' commands print how long they took
    timed_what=$1
    shift
    timed_from=$(now_ms)
    "$@" || fail "$timed_what: $* failed"
    say "$name: $timed_what: $(($(now_ms) - timed_from)) ms"
}
shown() { # SCHOOL ITEM: what the office sees
    hub school show "$1" --format csv | awk -F , -v item="$2" '$1 == item {print $3}'
}
status_of() { # HOME ITEM: what the school sees
    agent "$1" status --format csv | awk -F , -v item="$2" '$1 == item {print $3}'
}
same_words() { # SCHOOL HOME
    [ -n "$(shown "$1" words)" ] || fail "$1: the office sees no words"
    [ "$(shown "$1" words)" = "$(status_of "$2" words)" ] || fail "$1: the two screens show different words"
    [ "$(shown "$1" key)" = "$(status_of "$2" key)" ] || fail "$1: the two screens show different keys"
}
row_of() { sed -n "s/^$2: //p" "$1"; } # SHEET.txt LABEL

free_port
main_port=$port
free_port
while [ "$port" = "$main_port" ]; do free_port; done
door=127.0.0.1:$port
port=$main_port
hub_home=$work/hub
"$hub_program" init --home "$hub_home" --name 'Район "Клин" & Ко' --listen "tcp://127.0.0.1:$port" \
    --door "tcp://$door" --telephone '8 (496) 242-12-85' >init.txt
hub programme load "$here/../fault/pack" >load.txt
start_hub

# ---- 1. by the file ----

invite_by_file() { hub school add file --name 'Школа № 1' --invite file.invite >added.txt; }
join_by_file() { "$agent_program" join file.invite --home "$work/file" >joined.txt; }
timed 'by the file, at the office' invite_by_file
timed 'by the file, at the school' join_by_file
[ "$(status_of file enrolled)" = 'not yet: the first meeting does it' ] || fail 'it has joined without a meeting'
timed 'by the file, the first meeting' agent file sync >synced.txt
same_words file file
[ "$(shown file from)" = 127.0.0.1 ] || fail "the office sees that the school came from $(shown file from)"
[ -n "$(shown file enrolled)" ] || fail 'the office does not see when the school joined'

# ---- 2. by the typed code: lower case, no hyphens, Cyrillic letters that look alike ----

sheet_for_code() { hub school add code --name 'Школа № 2' --sheet code.txt >added.txt; }
timed 'by the code, at the office' sheet_for_code
code=$(row_of code.txt 'One-time code')
root=$(row_of code.txt Fingerprint)
[ "$(row_of code.txt Address)" = "tcp://$door" ] || fail 'the sheet says another address'
[ "$(row_of code.txt Questions)" = '8 (496) 242-12-85' ] || fail 'the sheet has no telephone number'
typed=$(printf %s "$code" | tr -d - | sed 's/A/А/g; s/K/к/g; s/0/O/g' | tr 'B-Z' 'b-z')
join_by_code() {
    "$agent_program" join "$typed" --hub "$door" --root "$(printf %s "$root" | tr -d - | tr 'A-Z' 'a-z')" \
        --home "$work/code" >joined.txt 2>joined-err.txt
}
timed 'by the code, at the school' join_by_code
grep -q 'It is the one of the sheet' joined.txt || fail 'it does not say that the fingerprint is the right one'
[ "$(status_of code enrolled)" = yes ] || fail 'with a line it has not joined at once'
same_words code code

# ---- 3. by the line of the QR code, read by a camera from the printed page ----

sheet_for_camera() { hub school add camera --name "Гимназия «Ы» <1> d'Art" --sheet camera.html >added.txt; }
timed 'by the QR code, at the office' sheet_for_camera
[ "$(stat -c %a camera.html)" = 600 ] || fail 'others may read the sheet'
if grep -qi '<script\|src=\|href=\|url(' camera.html; then fail 'the sheet holds more than itself'; fi
grep -qF 'Гимназия «Ы» &lt;1&gt;' camera.html || fail 'a name is not written as text'
sed -n 's/.*<p class="line">\(.*\)<\/p>.*/\1/p' camera.html |
    sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' >printed.line
if command -v zbarimg >/dev/null 2>&1; then
    python3 "$here/qr_to_pbm.py" camera.html camera.pbm
    zbarimg --quiet --raw --nodbus camera.pbm 2>zbar.txt >camera.line || fail 'the code of the page cannot be read'
    python3 "$here/qr_to_pbm.py" code.txt code.pbm
    zbarimg --quiet --raw --nodbus code.pbm 2>zbar.txt >code.line || fail 'the code of the text sheet cannot be read'
    [ "$(cat code.line)" = "$(tail -n 1 code.txt)" ] || fail 'the code of the text sheet holds another line'
else
    say "$name: SKIPPED, LOUDLY: reading the QR codes: zbarimg is not installed"
    cp printed.line camera.line
fi
cmp -s camera.line printed.line || { cat camera.line printed.line >&2; fail 'the QR code holds another line than the page shows'; }
join_by_line() { "$agent_program" join "$(cat camera.line)" --home "$work/camera" >joined.txt 2>joined-err.txt; }
timed 'by the QR code, at the school' join_by_line
same_words camera camera

# ---- 4. with no line at all: the request goes up as a file, the answer comes down as one ----

invite_offline() { hub school add stick --name 'Школа № 4' --invite stick.invite >added.txt; }
join_offline() { "$agent_program" join stick.invite --home "$work/stick" --offline stick.request >joined.txt; }
accept_offline() { hub school accept stick.request --grant stick.grant >accepted.txt; }
take_offline() { "$agent_program" join --grant stick.grant --home "$work/stick" >joined.txt; }
timed 'by files, at the office: the invitation' invite_offline
timed 'by files, at the school: the request' join_offline
timed 'by files, at the office: the answer' accept_offline
timed 'by files, at the school: the end' take_offline
grep -q 'This computer has joined the district.' joined.txt || fail 'it does not say that it has joined'
same_words stick stick
[ "$(shown stick from)" = file ] || fail 'the office does not see that it joined by a file'
agent stick sync >synced.txt || fail 'what joined by files may not meet the hub'

# The same file again gives the same answer; so does the school's own part.
cp stick.grant first.grant
hub school accept stick.request --grant stick.grant >accepted.txt
grep -q 'nothing has changed' accepted.txt || fail 'accepting again is told as the first time'
cmp -s stick.grant first.grant || fail 'the same request has another answer'
"$agent_program" join --grant stick.grant --home "$work/stick" >joined.txt
grep -q 'nothing has changed' joined.txt || fail 'taking the answer again is told as the first time'
refused 'has joined the district already' "$agent_program" join --offline again.request --home "$work/stick"

# ---- the words are ticked off ----

hub school check stick --words-match >checked.txt
[ -n "$(shown stick words_compared)" ] || fail 'the tick is not kept'
hub audit >audit.txt
grep -q 'the six words were compared, and are the same *stick' audit.txt || fail 'the tick is not in the audit'
wrong_usage '--words-match is missing' hub school check file
hub school add never --name Never --invite never.invite >added.txt
refused 'there are no words to compare' hub school check never --words-match

# ---- files that had a hard journey ----

hub school add mail --name 'Школа № 5' --invite mail.invite >added.txt
"$agent_program" join mail.invite --home "$work/mail" >joined.txt
"$agent_program" join --offline mail.request --home "$work/mail" >joined.txt # later, of the home that is there
head -c 400 mail.request >cut.request
refused 'cut off' hub school accept cut.request
sed '/^[^#s]/s/A/B/' mail.request >changed.request
refused 'changed on its way' hub school accept changed.request
refused 'not a request to join' hub school accept mail.invite
refused 'not an invitation' "$agent_program" join mail.request --home "$work/nowhere"
{ printf 'Добрый день!\r\n\r\n'; sed 's/^/> /; s/$/ \r/' mail.request; printf -- '-- \r\nШкола\r\n'; } >quoted.request
hub school accept quoted.request --grant mail.grant >accepted.txt
refused 'and this computer belongs to mail' "$agent_program" join --grant stick.grant --home "$work/mail"
{ printf 'Ответ:\r\n'; sed 's/^/>> /; s/$/\r/' mail.grant; } >quoted.grant
"$agent_program" join --grant quoted.grant --home "$work/mail" >joined.txt
same_words mail mail

# Another computer that had the same invitation: refused with words, on both sides.
"$agent_program" join mail.invite --home "$work/mail2" --offline mail2.request >joined.txt
refused 'has joined already with another computer' hub school accept mail2.request --grant mail2.grant
[ ! -e mail2.grant ] || fail 'a refused request has an answer'
refused 'another computer of' "$agent_program" join --grant mail.grant --home "$work/mail2"
refused 'used by another computer' agent mail2 sync

# Another district's.
first_home=$hub_home
hub_home=$work/other
"$hub_program" init --home "$hub_home" --name 'Другой район' --listen tcp://127.0.0.1:1 >init.txt
refused "another district's hub" hub school accept mail.request
wrong_usage 'has no door' hub school add s --name S --sheet s.html
hub school add s --name S --invite s.invite --sheet s.txt >added.txt
grep -q 'The file comes from the district office' s.txt || fail 'without a door the sheet does not ask for the file'
hub school add mail --name Mail --invite mail-other.invite >added.txt
"$agent_program" join mail-other.invite --home "$work/mail-other" --offline other.request >joined.txt
hub school accept other.request --grant other.grant >accepted.txt
hub_home=$first_home
"$agent_program" join never.invite --home "$work/never" >joined.txt
refused 'does not come from the district that invited' "$agent_program" join --grant other.grant --home "$work/never"
refused "another's, and needs a folder of its own" "$agent_program" join mail-other.invite --home "$work/never"

# ---- what is typed wrong is told before anything is sent; what is missing is asked for only on a terminal ----

refused "letter 3, 'U'" "$agent_program" join 7KU2-EFGH-JKMN --hub "$door" --root "$root" --home "$work/typed"
refused '32 letters and digits are expected, 31' "$agent_program" join 7K22-EFGH-JKMN --hub "$door" \
    --root "$(printf %s "$root" | sed 's/.$//')" --home "$work/typed"
refused 'letter by letter' "$agent_program" join 7K22-EFGH-JKMN --hub "$door" --root "$root" --home "$work/typed"
wrong_usage '--hub is missing' "$agent_program" join 7K22-EFGH-JKMN --root "$root" --home "$work/typed"
wrong_usage '--root is missing' "$agent_program" join 7K22-EFGH-JKMN --hub "$door" --home "$work/typed"
wrong_usage 'say what to join by' "$agent_program" join --home "$work/typed"
wrong_usage '--offline needs the invitation file' "$agent_program" join 7K22-EFGH-JKMN --hub "$door" --root "$root" \
    --offline x.request --home "$work/typed"
[ ! -e typed ] || fail 'something was kept of a code that is none'

# ---- five requests with a wrong code lock an invitation; the next one takes its place, and nothing entered is lost ----

hub school add lock --name 'Школа № 6' --invite lock.invite >added.txt
"$agent_program" join lock.invite --home "$work/lock" >joined.txt
for try in 1 2 3 4 5; do
    # An agent of an older invitation: its code is not the one that is open.
    hub school add "old$try" --name Old --invite "old$try.invite" >added.txt
    "$agent_program" join "old$try.invite" --home "$work/old$try" --offline "old$try.request" >joined.txt
    hub school invite "old$try" --invite "new$try.invite" >added.txt
    refused 'made with another code' hub school accept "old$try.request"
    [ "$(shown "old$try" wrong_tries)" = 1 ] || fail 'a wrong try is not counted'
done
for try in 2 3 4; do refused "Wrong tries: $try of 5" hub school accept old1.request; done
refused 'is locked after five wrong tries' hub school accept old1.request
hub school list --format csv | grep -q '^old1,Old,locked,' || fail 'the list does not say that it is locked'
"$agent_program" join new1.invite --home "$work/new1" >joined.txt
refused 'this invitation is locked' agent new1 sync
printf 'pupil;sex;grade;absences;note\np1;F;12;3;\n' >rows.csv
agent new1 import marks --period 2019/20-Q3 --csv rows.csv >imported.txt 2>&1 || {
    cat imported.txt >&2
    fail 'a school whose invitation is locked cannot work'
}
hub school invite old1 --sheet old1.txt >added.txt
"$agent_program" join "$(tail -n 1 old1.txt)" --home "$work/new1" >joined.txt 2>joined-err.txt
grep -q 'everything entered so far is kept' joined.txt || fail 'it does not say that nothing is lost'
[ "$(status_of new1 enrolled)" = yes ] || fail 'the new invitation does not let it in'
[ "$(hub_figure submissions)" = 1 ] || fail 'what was entered before joining did not arrive'
refused 'has joined already' hub school invite old1 --invite again.invite

# ---- a new computer of a school that has joined comes by a sheet, too ----

hub school rekey code --sheet rekey.txt >added.txt
"$agent_program" join "$(tail -n 1 rekey.txt)" --home "$work/code2" >joined.txt 2>joined-err.txt || {
    cat joined-err.txt >&2
    fail 'a new computer does not join by a sheet'
}
[ "$(status_of code2 enrolled)" = yes ] || fail 'a new computer has not joined at once'
same_words code code2
agent code2 sync >synced.txt 2>&1 || { cat synced.txt >&2; fail 'the new computer may not meet the hub'; }

# ---- a dead clock battery refuses nobody ----

if command -v faketime >/dev/null 2>&1; then
    FAKETIME_DONT_FAKE_MONOTONIC=1
    export FAKETIME_DONT_FAKE_MONOTONIC
    for year in 1970 2099; do
        hub school add "clock$year" --name Clock --invite "clock$year.invite" --sheet "clock$year.txt" >added.txt
        faketime "$year-01-02 00:00:00" "$agent_program" join "clock$year.invite" --home "$work/clock$year" \
            >joined.txt 2>joined-err.txt || { cat joined-err.txt >&2; fail "in $year nobody can join by the file"; }
        faketime "$year-01-02 00:00:00" "$agent_program" sync --home "$work/clock$year" >synced.txt 2>&1 || {
            cat synced.txt >&2
            fail "in $year nobody is let in"
        }
        hub school add "door$year" --name Door --sheet "door$year.txt" >added.txt
        faketime "$year-01-02 00:00:00" "$agent_program" join "$(tail -n 1 "door$year.txt")" \
            --home "$work/door$year" >joined.txt 2>joined-err.txt || {
            cat joined-err.txt >&2
            fail "in $year nobody can join by the sheet"
        }
        [ "$(status_of "door$year" enrolled)" = yes ] || fail "in $year the sheet lets nobody in at once"
        hub school add "file$year" --name File --invite "file$year.invite" >added.txt
        faketime "$year-01-02 00:00:00" "$agent_program" join "file$year.invite" --home "$work/file$year" \
            --offline "file$year.request" >joined.txt 2>&1
        hub school accept "file$year.request" --grant "file$year.grant" >accepted.txt ||
            fail "a request made in $year is refused"
        faketime "$year-01-02 00:00:00" "$agent_program" join --grant "file$year.grant" --home "$work/file$year" \
            >joined.txt 2>&1 || fail "an answer is refused in $year"
    done
else
    say "$name: SKIPPED, LOUDLY: dead clock batteries: faketime is not installed"
fi

# ---- nothing secret has stayed behind ----

for sheet in code.txt old1.txt; do
    secret=$(row_of "$sheet" 'One-time code')
    plain=$(printf %s "$secret" | tr -d -)
    if grep -rqaF -e "$secret" -e "$plain" "$hub_home" "$work/hub.log"; then fail 'the hub has kept a code'; fi
    if grep -rqaF -e "$secret" -e "$plain" "$work/code" "$work/new1"; then fail 'an agent keeps its code in the open'; fi
done

hub verify >verify.txt || { cat verify.txt >&2; fail 'svodka-hub verify is not clean'; }
stop_hub
say "$name: ok"
