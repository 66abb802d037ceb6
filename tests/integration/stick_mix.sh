#!/bin/sh
# stick_mix.sh BUILD_DIR: schools that use the line and sticks as it comes: old files beside new ones, the same file
# twice, half a file, a file of another district, answers applied late or twice, queues restored and cloned, a hub that
# went back.  At the end each entry is at the hub, once (invariants 2, 3), verify is clean on both sides, and every
# indicator equals sqlite3's.  SVODKA_TEST_SEED repeats a run.
set -eu
name=stick_mix
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
LC_ALL=C
export LC_ALL
unset LANGUAGE
begin "$1"
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "$name: SVODKA_TEST_SEED=$seed"
period=2020/21-Q1
pack=$here/../fault/pack
mkdir "$work/sticks" "$work/answers"

imports() { # HOME UNIT [PREFIX]
    make_rows "$work/rows.csv" 12 40 "${3:-p}"
    agent "$1" import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1
    model_import "$2" "$period" "$work/rows.csv"
}

written=0
write_stick() { # HOME; sets `stick`
    written=$((written + 1))
    stick=$work/sticks/$1.$written.svodka
    agent "$1" bundle write "$stick" >"$work/write.txt" || fail "bundle write of $1 failed"
    grep -q 'may be pulled out now' "$work/write.txt" || fail 'nobody is told when the stick may be pulled'
    [ ! -e "$stick.part" ] || fail 'a half file is left'
}

# Exit 0, whatever the file's age.
read_stick() { # FILE
    hub bundle read "$1" --receipt "$work/answers" >"$work/read.txt" 2>"$work/read.err" ||
        { cat "$work/read.err" >&2; fail "bundle read $1 failed"; }
}
take_answer() { # HOME FILE
    agent "$1" bundle receipt "$2" >"$work/receipt.txt" 2>"$work/receipt.err" ||
        { cat "$work/receipt.err" >&2; fail "bundle receipt $2 failed at $1"; }
}
take_all_answers() { # HOME UNIT
    for answer in "$work/answers/svodka-$2-"*-answer.svodka; do
        [ ! -e "$answer" ] || take_answer "$1" "$answer"
    done
}
waits() { # HOME: entries that have no receipt
    agent "$1" queue --format csv | awk 'NR > 1' | wc -l
}
# A file there, its answer back, until nothing waits.
exchange() { # HOME UNIT
    exchange_rounds=0
    rm -f "$work/answers/"*
    write_stick "$1"
    read_stick "$stick"
    take_all_answers "$1" "$2"
    until [ "$(waits "$1")" = 0 ]; do
        exchange_rounds=$((exchange_rounds + 1))
        [ "$exchange_rounds" -le 4 ] || fail "$1: entries wait after 4 exchanges of files"
        write_stick "$1"
        read_stick "$stick"
        take_all_answers "$1" "$2"
    done
}
pick() { # FILE...: sets `picked`
    draw $#
    shift "$random"
    picked=$1
}
keep() {
    rm -rf "${work:?}/$2"
    cp -a "$work/$1" "$work/$2"
}
all_is_well() { # WHAT OTHERS HOME...
    well_after=$1
    same_submissions "$@"
    shift 2
    same_cells "$well_after"
    verify_clean "$@"
    say "$name: $well_after: verified, indicators equal"
}

# Another district, and a file for it.
make_hub "$pack"
mv "$work/hub" "$work/hub2"
hub_home=$work/hub2
make_school a other
write_stick other
foreign=$work/foreign.svodka
mv "$stick" "$foreign"
mv "$work/a.invite" "$work/other.invite"

make_hub "$pack"
printf 'inbox: "%s"\n' "$work/inbox" >>"$hub_home/hub.yaml"
make_school a
make_school b
model_new
start_hub

# ---- b joins by a stick; a by the line ----
imports b b
write_stick b
grep -q 'request to let this computer join' "$work/write.txt" || fail 'the request to join is not in the file'
head -c 2000 "$stick" | grep -aq 'From: *Школа b (b)' || fail 'the file does not say from whom it is'
read_stick "$stick"
hub school list --format csv >"$work/list.csv"
grep -q '^b,.*active' "$work/list.csv" || { cat "$work/list.csv" >&2; fail 'b has not joined by its file'; }
take_all_answers b b
grep -q 'has joined the district' "$work/receipt.txt" || fail 'b is not told that it has joined'
grep -q 'Received by the district on .*counted: 12' "$work/receipt.txt" || fail 'b is not told what was received'
take_all_answers b b
grep -q 'known here already' "$work/receipt.txt" || fail 'the same answer again is not harmless'
imports a a
sync_until_done a
all_is_well 'joining by stick and by line' 0 a b

# ---- as it comes ----
step=0
while [ "$step" -lt 40 ]; do
    step=$((step + 1))
    draw 2
    home=a
    [ "$random" = 0 ] || home=b
    draw 8
    case $random in
    0 | 1) imports "$home" "$home" ;;
    2) sync_until_done "$home" ;;
    3) write_stick "$home" ;;
    4) # an old one or a new one
        pick "$work/sticks/"[ab].*.svodka
        read_stick "$picked"
        ;;
    5) # half of one
        pick "$work/sticks/"[ab].*.svodka
        size=$(wc -c <"$picked")
        draw "$((size - 1))"
        head -c "$((random + 1))" "$picked" >"$work/half.svodka"
        code=0
        hub bundle read "$work/half.svodka" --receipt "$work/answers" >"$work/read.txt" 2>"$work/read.err" || code=$?
        [ "$code" = 1 ] || fail "half a file: exit $code, expected 1"
        grep -Eq 'cut off|not a file of Svodka' "$work/read.err" || { cat "$work/read.err" >&2; fail 'nobody is told that the file is cut off'; }
        ;;
    6) # some answer, late or again
        for answer in "$work/answers/svodka-$home-"*-answer.svodka; do
            [ -e "$answer" ] || continue
            draw 2
            [ "$random" = 0 ] || take_answer "$home" "$answer"
        done
        ;;
    7) # two at once, one of them twice
        write_stick "$home"
        pick "$work/sticks/"[ab].*.svodka
        hub bundle read "$stick" "$picked" "$stick" --receipt "$work/answers" >"$work/read.txt" 2>"$work/read.err" ||
            { cat "$work/read.err" >&2; fail 'two files, one of them twice'; }
        ;;
    esac
done
for home in a b; do
    exchange "$home" "$home"
done
all_is_well 'forty steps' 0 a b

# ---- what is no file of a school: told, and the rest goes on ----
imports a a
write_stick a
mkfifo "$work/pipe"
: >"$work/empty"
head -c 3000 /dev/urandom >"$work/junk.svodka"
answer=$(find "$work/answers" -name '*-answer.svodka' | head -n 1)
code=0
hub bundle read "$work/pipe" "$work/empty" "$work/junk.svodka" "$work/answers" "$work/nothing" "$foreign" "$work/b.invite" \
    "$answer" "$stick" --format csv >"$work/read.csv" 2>"$work/read.err" || code=$?
[ "$code" = 1 ] || fail "bad files: exit $code, expected 1"
for words in 'pipe: this is not a file' 'empty: the file is empty' 'junk.svodka: this is not a file of Svodka' \
    'answers: this is a folder' 'nothing: No such file' 'foreign.svodka: the file is for another district' \
    'b.invite: this is an invitation' 'this is an answer of a hub'; do
    grep -qF "$words" "$work/read.err" || { cat "$work/read.err" >&2; fail "nobody is told \"$words\""; }
done
grep -q '^a,,1,0,12,0,0,0,0,0$' "$work/read.csv" || { cat "$work/read.csv" >&2; fail 'the good file was not read'; }
agent b bundle receipt "$stick" >"$work/receipt.txt" 2>&1 && fail 'a file for the district was taken as an answer'
grep -q 'this is a file for the district' "$work/receipt.txt" || fail 'nobody is told what the file is'
agent b bundle write "$work/nowhere/x.svodka" >"$work/write.txt" 2>&1 && fail 'written to nowhere'
printf 'precious\n' >"$work/precious.txt"
agent b bundle write "$work/precious.txt" >"$work/write.txt" 2>&1 && fail 'something else was overwritten'
[ "$(cat "$work/precious.txt")" = precious ] || fail 'a file of another kind was overwritten'
exchange a a
all_is_well 'files of other kinds' 0 a b

# An answer for another school, at a school of the same district and at one of another.
rm -f "$work/answers/"*
write_stick a
read_stick "$stick"
answer=$(find "$work/answers" -name '*-answer.svodka')
for home in b other; do
    agent "$home" bundle receipt "$answer" >"$work/receipt.txt" 2>"$work/receipt.err" && fail "$home took the answer for a"
    grep -Eq 'for another school: a|from another district' "$work/receipt.err" || { cat "$work/receipt.err" >&2; fail "$home is not told for whom the answer is"; }
done

# ---- the watched folder ----
in_inbox() { [ -e "$work/inbox/$1" ]; }
imports b b
write_stick b
cp "$stick" "$work/inbox/from-b.svodka.part"
mv "$work/inbox/from-b.svodka.part" "$work/inbox/from-b.svodka"
cp "$foreign" "$work/inbox/foreign.svodka"
head -c 700 "$stick" >"$work/inbox/half.svodka"
ln -s "$stick" "$work/inbox/link.svodka"
cp "$stick" "$work/inbox/unfinished.part"
wait_until 20 in_inbox done/from-b.svodka || fail 'the file in the inbox was not taken'
wait_until 20 in_inbox bad/half.svodka.txt || fail 'half a file was not put into bad/'
wait_until 20 in_inbox bad/foreign.svodka.txt || fail 'a foreign file was not put into bad/'
wait_until 20 in_inbox bad/link.svodka.txt || fail 'a link was not put into bad/'
in_inbox unfinished.part || fail 'an unfinished file was touched'
grep -q 'another district' "$work/inbox/bad/foreign.svodka.txt" || fail 'bad/foreign.svodka.txt does not say why'
grep -q 'cut off' "$work/inbox/bad/half.svodka.txt" || fail 'bad/half.svodka.txt does not say why'
grep -q 'link' "$work/inbox/bad/link.svodka.txt" || fail 'bad/link.svodka.txt does not say why'
agent b bundle receipt "$work/inbox/answers" >"$work/receipt.txt"
[ "$(waits b)" = 0 ] || fail 'the answer of the watched folder confirms nothing'
all_is_well 'the watched folder' 0 a b

# ---- a queue restored from an old copy, without a line ----
keep b b.old
imports b b
exchange b b
imports b b
exchange b b
keep b b.gone
rm -rf "${work:?}/b"
keep b.old b
imports b b q
rm -f "$work/answers/"*
write_stick b
early=$stick
imports b b q
write_stick b
hub bundle read "$stick" --receipt "$work/answers" --format csv >"$work/read.csv" 2>"$work/read.err" || fail 'a fork is no fault of the file'
grep -q '^b,,1,0,0,0,0,0,0,[1-9]' "$work/read.csv" || { cat "$work/read.csv" >&2; fail 'the other history was not put aside'; }
take_all_answers b b
grep -q 'held newer work of this school' "$work/receipt.txt" || { cat "$work/receipt.txt" >&2; fail 'the school is not told of the two histories'; }
take_all_answers b b
grep -q 'held newer work' "$work/receipt.txt" && fail 'the same pages were used twice'
exchange b b
# The stick that was written before: nothing of it counts again.
read_stick "$early"
take_all_answers b b
all_is_well 'a queue restored without a line' 24 a b

# ---- two clones, one with a line, one without ----
keep a a.clone
imports a a x
imports a.clone a y
write_stick a.clone
early=$stick
sync_until_done a
exchange a.clone a
read_stick "$early"
sync_until_done a
exchange a.clone a
# What both had before is in both histories, once at the hub.
twice=$(($(history_count a.clone) - 12))
all_is_well 'two clones' "$((24 - twice))" a b a.clone

# ---- a stick from before, read after the line has settled the two histories ----
keep b b.old
imports b b
exchange b b
rm -rf "${work:?}/b"
keep b.old b
imports b b z
write_stick b
early=$stick
sync_until_done b
read_stick "$early"
take_all_answers b b
all_is_well 'a stick from before' "$((36 - twice))" a b a.clone

# ---- a hub that went back, and schools without a line ----
stop_hub
keep hub hub.old
start_hub
imports b b
exchange b b
stop_hub
rm -rf "${work:?}/hub"
keep hub.old hub
start_hub
write_stick b
rm -f "$work/answers/"*
read_stick "$stick"
take_all_answers b b
grep -q 'asks for it again' "$work/receipt.txt" || { cat "$work/receipt.txt" >&2; fail 'the school is not asked for what the hub lost'; }
exchange b b
all_is_well 'a hub that went back' "$((36 - twice))" a b a.clone
stop_hub
say "$name: all as it should be"
