#!/bin/sh
# stick_edges.sh BUILD_DIR [SCENARIO]...: sticks and mails at their edges (invariants 2, 3, 4, 8, 9): an old stick after a
# new computer, sticks out of order, the same file twice, a file cut anywhere, more than one file may hold, media that
# are full, write-protected, pulled out, or FAT, and a computer that comes back out of the copy on its stick.  After each:
# every entry is at the hub, once, both verifies are clean, and every indicator equals sqlite3's.
# SVODKA_TEST_SEED repeats a run.
set -eu
name=stick_edges
here=$(cd "$(dirname "$0")" && pwd)
# Who is not root may still mount a tmpfs in a name space of his own.
if [ "$(id -u)" != 0 ] && [ -z "${SVODKA_UNSHARED:-}" ] && unshare -rm true 2>/dev/null; then
    SVODKA_UNSHARED=1 exec unshare -rm sh "$0" "$@"
fi
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
LC_ALL=C
export LC_ALL
unset LANGUAGE
[ $# -ge 1 ] || {
    warn 'usage: stick_edges.sh BUILD_DIR [SCENARIO]...'
    exit 2
}
begin "$1"
shift
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "$name: SVODKA_TEST_SEED=$seed"
period=2020/21-Q1
pack=$here/../fault/pack
answers=$work/answers

# ---- a district, its school, and the courier ----

fresh_district() {
    stop_hub
    rm -rf "$work/hub" "$work/model.db" "$work/a" "$work/new" "$answers" "$work/sticks" "$work"/*.invite
    mkdir "$answers" "$work/sticks"
    make_hub "$pack"
    make_school a
    sed -n 's/^ *\([0-9A-Z-]\{29\}\)$/\1/p' "$work/join.txt" >"$work/a.code"
    model_new
}
imports() { # HOME [PREFIX [ROWS]]
    make_rows "$work/rows.csv" "${3:-12}" "$((${3:-12} * 3))" "${2:-p}"
    agent "$1" import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1 ||
        { cat "$work/import.txt" >&2; fail "import at $1 failed"; }
    model_import a "$period" "$work/rows.csv"
}
write_stick() { # HOME FILE|FOLDER
    agent "$1" bundle write "$2" >"$work/write.txt" 2>"$work/write.err" ||
        { cat "$work/write.err" >&2; fail "bundle write of $1 failed"; }
}
read_stick() { # FILE...
    hub bundle read "$@" --receipt "$answers" --format csv >"$work/read.csv" 2>"$work/read.err" ||
        { cat "$work/read.err" >&2; fail "bundle read $* failed"; }
}
take_answers() { # HOME
    agent "$1" bundle receipt "$answers" >"$work/receipt.txt" 2>"$work/receipt.err" ||
        { cat "$work/receipt.err" >&2; fail "bundle receipt failed at $1"; }
}
waits() { # HOME: entries that have no receipt
    agent "$1" queue --format csv | awk 'NR > 1' | wc -l
}
exchange() { # HOME: files there, their answers back, until nothing waits
    exchange_rounds=0
    while :; do
        rm -rf "$work/courier"
        mkdir "$work/courier"
        write_stick "$1" "$work/courier"
        read_stick "$work/courier/"*.svodka
        take_answers "$1"
        [ "$(waits "$1")" != 0 ] || break
        exchange_rounds=$((exchange_rounds + 1))
        [ "$exchange_rounds" -le 4 ] || fail "$1: entries wait after 4 exchanges of files"
    done
}
told() { # WORDS FILE
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "nobody is told \"$1\""; }
}
not_told() { # WORDS FILE
    ! grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "\"$1\" is told"; }
}
refused() { # WORDS COMMAND...: exit code 1 and these words
    refused_words=$1
    shift
    refused_code=0
    "$@" >"$work/refused.txt" 2>&1 || refused_code=$?
    [ "$refused_code" = 1 ] || { cat "$work/refused.txt" >&2; fail "$*: exit code $refused_code, expected 1"; }
    told "$refused_words" "$work/refused.txt"
}
nothing_half() { # FOLDER
    nothing_half_left=$(find "$1" -name '*.part' 2>/dev/null)
    [ -z "$nothing_half_left" ] || fail "half a file is left: $nothing_half_left"
}
all_is_well() { # WHAT HOME: the history of HOME is the whole school's
    same_submissions "$1" 0 "$2"
    same_cells "$1"
    verify_clean "$2"
    say "$name: $1: verified, indicators equal"
}

# ---- small media at $work/disk ----

mount_small() { # SIZE
    mkdir -p "$work/disk"
    mount -t tmpfs -o "size=$1,mode=700" svodka "$work/disk" 2>/dev/null || return 1
    mounted=$work/disk
}
# A real stick's file system on a loop device: by the kernel, or for exFAT through FUSE.
mount_fat() { # vfat|exfat SIZE
    mkdir -p "$work/disk"
    rm -f "$work/disk.img"
    truncate -s "$2" "$work/disk.img"
    "mkfs.$1" "$work/disk.img" >/dev/null 2>&1 || return 1
    loop_device=$(losetup -f --show "$work/disk.img" 2>/dev/null) || loop_device=
    if [ -n "$loop_device" ]; then
        if mount -i -t "$1" -o iocharset=utf8 "$loop_device" "$work/disk" 2>/dev/null ||
            { [ "$1" = exfat ] && mount.exfat-fuse "$loop_device" "$work/disk" >/dev/null 2>&1; }; then
            mounted=$work/disk
            return 0
        fi
        losetup -d "$loop_device"
    fi
    loop_device=
    return 1
}
unmount() {
    umount "$mounted" || umount -l "$mounted"
    mounted=
    [ -z "$loop_device" ] || losetup -d "$loop_device"
    loop_device=
}
ballast() { # LEAVE_KIB
    ballast_kib=$(($(df -Pk "$work/disk" | awk 'NR == 2 {print $4}') - $1))
    [ "$ballast_kib" -le 0 ] || dd if=/dev/zero of="$work/disk/ballast" bs=1024 count="$ballast_kib" 2>/dev/null
}

# ---- an old stick after a new computer ----

new_computer() { # OPTION...: joined, not yet met
    rm -f "$work/new.invite"
    hub school rekey a --invite "$work/new.invite" "$@" >"$work/rekey.txt"
    "$agent_program" join "$work/new.invite" --home "$work/new" >"$work/join.txt"
}

# The old one's stick comes after the new one has joined and met: it counts, behind what the new one says.
old_stick_late() {
    fresh_district
    start_hub
    imports a
    sync_until_done a
    imports a q
    write_stick a "$work/sticks/old.svodka"
    old=$work/sticks/old.svodka
    new_computer
    sync_until_done new
    imports new p # over what the old one's stick says
    sync_until_done new
    read_stick "$old"
    grep -q '^a,,1,0,12,0,0,0,0,0$' "$work/read.csv" || { cat "$work/read.csv" >&2; fail 'the old stick was not counted'; }
    # Its answer, at the new computer and at the old one: it is for the school, and harms neither.
    take_answers new
    agent a bundle receipt "$answers" >"$work/receipt.txt" 2>&1 || { cat "$work/receipt.txt" >&2; fail 'the old computer cannot take its answer'; }
    told 'counted: 12' "$work/receipt.txt"
    read_stick "$old" # once more
    grep -q '^a,,1,0,0,0,0,0,' "$work/read.csv" || { cat "$work/read.csv" >&2; fail 'the old stick counts again'; }
    sync_until_done new
    verify_clean a
    all_is_well 'an old stick after a new computer' new
}

# It comes before the new one has met, and the answer to it is taken there.
old_stick_early() {
    fresh_district
    imports a
    exchange a
    imports a q
    write_stick a "$work/sticks/old.svodka"
    new_computer
    imports new
    start_hub
    rm -f "$answers/"*
    read_stick "$work/sticks/old.svodka"
    take_answers new
    told 'for the computer that this school had before' "$work/receipt.txt"
    [ "$(waits new)" = 12 ] || fail "the old computer's answer has confirmed entries of the new one"
    sync_until_done new
    [ "$(waits new)" = 0 ] || fail 'the new computer cannot join after the answer for the old one'
    take_answers new
    imports new
    exchange new
    read_stick "$work/sticks/old.svodka"
    sync_until_done new
    all_is_well 'an old stick before the new computer' new
}

# Nobody has a line: two computers of a school one after the other, sticks alone, the old one's last.
old_stick_alone() {
    fresh_district
    imports a
    exchange a
    imports a q
    write_stick a "$work/sticks/old1.svodka"
    imports a r
    write_stick a "$work/sticks/old2.svodka"
    new_computer
    imports new
    exchange new
    read_stick "$work/sticks/old2.svodka"
    read_stick "$work/sticks/old1.svodka"
    imports new
    exchange new
    agent a bundle receipt "$answers" >"$work/receipt.txt" 2>&1 || { cat "$work/receipt.txt" >&2; fail 'the old computer cannot take its answers'; }
    [ "$(waits a)" = 0 ] || fail "the old computer's sticks are not confirmed to it"
    told 'for another computer of this school' "$work/receipt.txt"
    # It is no stranger by that: what it still has counts, behind what the new one says.
    imports a t
    exchange a
    exchange new # what the old one had comes back to the new one
    all_is_well 'sticks of two computers' new
}

# The computer was stolen: what its stick says is kept apart, and blocks nothing.
old_stick_stolen() {
    fresh_district
    start_hub
    imports a
    sync_until_done a
    make_rows "$work/rows.csv" 12 36 q
    agent a import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1 # counts nowhere
    write_stick a "$work/sticks/old.svodka"
    new_computer --lost --reason 'stolen'
    imports new
    sync_until_done new
    read_stick "$work/sticks/old.svodka"
    grep -q '^a,,1,0,0,0,0,12,0,0$' "$work/read.csv" || { cat "$work/read.csv" >&2; fail "the stolen computer's stick is not kept apart"; }
    imports new
    exchange new
    [ "$(hub_figure quarantined)" = 12 ] || fail 'twelve entries should be kept apart'
    same_cells 'a stolen computer'
    verify_clean new
    say "$name: a stolen computer's stick: kept apart, verified, indicators equal"
}

# ---- order, and pieces ----

out_of_order() {
    fresh_district
    imports a
    exchange a
    for i in 1 2 3; do
        imports a "s$i"
        write_stick a "$work/sticks/$i.svodka"
    done
    imports a s4
    mkdir "$work/sticks/last"
    write_stick a "$work/sticks/last"
    read_stick "$work/sticks/3.svodka"
    read_stick "$work/sticks/1.svodka" "$work/sticks/last/"*.svodka "$work/sticks/1.svodka"
    read_stick "$work/sticks/2.svodka" "$work/sticks/2.svodka"
    grep -q '^a,,2,0,0,0,0,0,' "$work/read.csv" || { cat "$work/read.csv" >&2; fail 'an old file counts again'; }
    take_answers a
    [ "$(waits a)" = 0 ] || fail 'not everything is confirmed'
    all_is_well 'sticks out of order' a
}

# Twenty places by chance, each a reading of its own, then the whole.
cut_anywhere() {
    fresh_district
    imports a p 60
    for i in 1 2 3 4; do # several parts
        agent a bundle write "$work/sticks/whole.svodka" >"$work/write.txt"
        imports a "c$i" 40
    done
    write_stick a "$work/sticks/whole.svodka"
    size=$(wc -c <"$work/sticks/whole.svodka")
    cuts=0
    while [ "$cuts" -lt 20 ]; do
        cuts=$((cuts + 1))
        draw "$((size - 1))"
        cut=$((random + 1))
        head -c "$cut" "$work/sticks/whole.svodka" >"$work/sticks/cut.svodka"
        code=0
        hub bundle read "$work/sticks/cut.svodka" --receipt "$answers" >"$work/read.txt" 2>"$work/read.err" || code=$?
        [ "$code" = 1 ] || fail "cut after $cut of $size bytes: exit code $code, expected 1"
        grep -Eq 'cut off|not a file of Svodka' "$work/read.err" || { cat "$work/read.err" >&2; fail "cut after $cut of $size bytes: nobody is told"; }
        hub verify >"$work/verify.txt" 2>&1 || { cat "$work/verify.txt" >&2; fail "cut after $cut of $size bytes: verify is not clean"; }
        # And half an answer, if there is one already.
        for answer in "$answers"/*-answer.svodka; do
            [ -e "$answer" ] || continue
            draw "$(($(wc -c <"$answer") - 1))"
            head -c "$((random + 1))" "$answer" >"$work/sticks/cut-answer.svodka"
            refused '' agent a bundle receipt "$work/sticks/cut-answer.svodka"
            grep -Eq 'cut off|not a file of Svodka' "$work/refused.txt" || { cat "$work/refused.txt" >&2; fail 'half an answer: nobody is told'; }
            rm "$answer"
        done
    done
    read_stick "$work/sticks/whole.svodka"
    take_answers a
    [ "$(waits a)" = 0 ] || fail 'not everything is confirmed'
    all_is_well "twenty pieces of one file" a
}

# ---- more than one file may hold ----

# Chance does not pack: each batch is as long as it is.
many_rows() { # HOME IMPORTS
    many_left=$2
    while [ "$many_left" -gt 0 ]; do
        many_left=$((many_left - 1))
        awk -v tag="$many_left" 'BEGIN {
            srand(tag + 7)
            print "pupil;sex;grade;absences;note"
            for (i = 1; i <= 10000; i++) {
                printf "n%s-%d;%s;%d;%d;", tag, i, rand() < 0.5 ? "F" : "M", rand() * 21, rand() * 94
                for (k = 0; k < 190; k++) printf "%c", 33 + int(rand() * 26) + (rand() < 0.5 ? 32 : 64)
                print ""
            }}' | tr ';"' ';_' >"$work/rows.csv"
        agent "$1" import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1 ||
            { cat "$work/import.txt" >&2; fail 'the large import failed'; }
        model_import a "$period" "$work/rows.csv"
    done
}
too_large() {
    fresh_district
    echo 'bundle.max_size: 4M' >>"$work/a/agent.yaml"
    echo 'bundle.max_size: 4M' >>"$hub_home/hub.yaml"
    many_rows a 4
    mkdir "$work/sticks/two"
    write_stick a "$work/sticks/two"
    files=$(find "$work/sticks/two" -name '*.svodka' | wc -l)
    [ "$files" -ge 2 ] || { ls -l "$work/sticks/two" >&2; fail 'more than 4 MiB went into one file'; }
    told "Files: $files" "$work/write.txt"
    told 'all of them' "$work/write.txt"
    for file in "$work/sticks/two/"*.svodka; do
        [ "$(wc -c <"$file")" -le 4194304 ] || fail "$file is larger than bundle.max_size"
    done
    # Under a name of its own: the others beside it.
    write_stick a "$work/sticks/report.svodka"
    [ -e "$work/sticks/report-2.svodka" ] || fail 'the second file has no name of its own'
    # A hub that takes less says so, and how to change it; nothing is stored.
    largest=$(find "$work/sticks/two" -name '*.svodka' -size +3900k | head -n 1)
    [ -n "$largest" ] || fail 'the first file is not filled'
    { cat "$largest"; head -c 4194304 /dev/zero; } >"$work/sticks/long.svodka"
    refused 'is larger than 4' hub bundle read "$work/sticks/long.svodka"
    told 'bundle.max_size' "$work/refused.txt"
    # The second alone, then the first: each is whole by itself.
    last=$(find "$work/sticks/two" -name '*.svodka' | sort -V | tail -n 1)
    read_stick "$last"
    take_answers a
    [ "$(waits a)" != 0 ] || fail 'one of two files has confirmed all'
    read_stick "$work/sticks/two/"*.svodka
    take_answers a
    [ "$(waits a)" = 0 ] || fail 'both files have not confirmed all'
    all_is_well 'more than one file may hold' a
    # The limit's own limits.
    cp "$work/a/agent.yaml" "$work/agent.yaml"
    for size in 3M 4194303 4G; do
        sed "s/^bundle.max_size:.*/bundle.max_size: $size/" "$work/agent.yaml" >"$work/a/agent.yaml"
        refused 'bundle.max_size' agent a bundle write "$work/sticks/edge.svodka"
        [ ! -e "$work/sticks/edge.svodka" ] || fail 'written with a limit that is none'
    done
    sed 's/^bundle.max_size:.*/bundle.max_size: 3G/' "$work/agent.yaml" >"$work/a/agent.yaml"
    write_stick a "$work/sticks/edge.svodka"
}

# ---- media ----

full_medium() {
    mount_small 6m || {
        say "$name: SKIPPED, LOUDLY: no tmpfs can be mounted here: a full medium"
        return 0
    }
    fresh_district
    many_rows a 1
    ballast 512 # not enough for the file
    refused 'are needed' agent a bundle write "$work/disk"
    told 'make room on the medium, or take another one' "$work/refused.txt"
    [ "$(ls "$work/disk")" = ballast ] || fail 'something is left on the full medium'
    rm "$work/disk/ballast"
    # Room for the file, none for the copy of the computer: the file is good, and it is said.
    write_stick a "$work/sticks/size.svodka"
    kib=$(($(wc -c <"$work/sticks/size.svodka") / 1024 + 256))
    ballast "$kib"
    refused 'the file for the district is written and good, but the copy of this computer is not' agent a bundle write "$work/disk"
    told 'The stick may be pulled out now.' "$work/refused.txt"
    nothing_half "$work/disk"
    [ -z "$(find "$work/disk" -name '*.copy')" ] || fail 'half a copy is left'
    read_stick "$work/disk/"*.svodka
    take_answers a
    [ "$(waits a)" = 0 ] || fail 'the file on the full medium was not good'
    # An older copy stays as it was when the next one does not fit.
    rm -f "$work/disk/"*
    write_stick a "$work/disk"
    copy=$(find "$work/disk" -name '*.copy')
    [ -n "$copy" ] || fail 'no copy of the computer is on the stick'
    before=$(sha256sum <"$copy")
    imports a more
    ballast 64
    refused 'but the copy of this computer is not' agent a bundle write "$work/disk"
    [ "$(sha256sum <"$copy")" = "$before" ] || fail 'the older copy was spoilt'
    nothing_half "$work/disk"
    # The answer finds no room either.
    rm -f "$work/disk/ballast"
    last=$(find "$work/disk" -name '*.svodka' | sort -V | tail -n 1)
    cp "$last" "$work/sticks/last.svodka"
    ballast 0
    code=0
    hub bundle read "$work/sticks/last.svodka" --receipt "$work/disk" >"$work/read.txt" 2>"$work/read.err" || code=$?
    [ "$code" = 1 ] || fail "an answer on a full medium: exit code $code"
    told 'no room left' "$work/read.err"
    nothing_half "$work/disk"
    read_stick "$work/sticks/last.svodka"
    take_answers a
    unmount
    all_is_well 'a full medium' a
}

read_only_medium() {
    mount_small 6m || {
        say "$name: SKIPPED, LOUDLY: no tmpfs can be mounted here: a write-protected medium"
        return 0
    }
    fresh_district
    imports a
    mount -o remount,ro "$work/disk"
    refused 'the medium is write-protected; move its switch, or take another one' agent a bundle write "$work/disk"
    [ "$(waits a)" = 12 ] || fail 'entries were lost'
    mount -o remount,rw "$work/disk"
    write_stick a "$work/disk"
    mount -o remount,ro "$work/disk"
    # The office reads from it, and has to put the answer elsewhere.
    code=0
    hub bundle read "$work/disk/"*.svodka --receipt "$work/disk" >"$work/read.txt" 2>"$work/read.err" || code=$?
    [ "$code" = 1 ] || fail "an answer on a write-protected medium: exit code $code"
    told 'write-protected' "$work/read.err"
    read_stick "$work/disk/"*.svodka
    take_answers a
    unmount
    all_is_well 'a write-protected medium' a
}

# Pulled while the program writes, at any moment: what is there afterwards under its own name is whole.
pulled_out() {
    mount_small 64m || {
        say "$name: SKIPPED, LOUDLY: no tmpfs can be mounted here: a medium pulled out"
        return 0
    }
    unmount
    fresh_district
    many_rows a 3
    pulls=0
    said=0
    while [ "$pulls" -lt 6 ]; do
        pulls=$((pulls + 1))
        mount_small 64m
        agent a bundle write "$work/disk" >"$work/write.txt" 2>"$work/write.err" &
        writer=$!
        remember "$writer"
        draw 400
        sleep "$(milliseconds "$random")"
        umount -l "$work/disk"
        mounted=
        code=0
        wait "$writer" || code=$?
        forget "$writer"
        [ "$code" -le 1 ] || fail "a pulled stick: exit code $code"
        if [ "$code" = 1 ]; then
            said=$((said + 1))
            [ -s "$work/write.err" ] || fail 'a pulled stick, and nobody is told'
        fi
        [ -z "$(find "$work/disk" -name '*.part')" ] || fail 'the program has written beside the stick'
        [ -z "$(find "$work/disk" -name '*.svodka')" ] || rm -f "$work/disk/"* # it wrote into the bare folder, whole
    done
    say "$name: pulled out $pulls times, told $said times"
    exchange a
    all_is_well 'a medium pulled out' a
}

fat_media() {
    fat_medium vfat
    fat_medium exfat
}
fat_medium() { # vfat|exfat
    mount_fat "$1" 16M || {
        say "$name: SKIPPED, LOUDLY: no $1 file system can be made and mounted here"
        return 0
    }
    fresh_district
    imports a
    write_stick a "$work/disk"
    file=$(find "$work/disk" -name 'svodka-a-*.svodka')
    [ -n "$file" ] || fail 'no file is on the stick'
    [ -n "$(find "$work/disk" -name '*.copy')" ] || fail 'no copy of the computer is on the stick'
    nothing_half "$work/disk"
    # Names as people give them: long, Cyrillic, with spaces; and short ones in capitals.
    mv "$file" "$work/disk/Отчёт школы (1) за первую четверть – копия.svodka"
    read_stick "$work/disk/Отчёт школы (1) за первую четверть – копия.svodka"
    write_stick a "$work/disk/REPORT.SVD"
    imports a q
    write_stick a "$work/disk/REPORT.SVD" # over the older one: a FAT has no exchange of names
    write_stick a "$work/disk"
    write_stick a "$work/disk" # the copy over the older copy
    [ "$(find "$work/disk" -name '*.copy' | wc -l)" = 1 ] || fail 'the copies of one computer pile up'
    hub bundle read "$work/disk/REPORT.SVD" "$work/disk/"*.svodka --receipt "$work/disk" >"$work/read.txt" 2>"$work/read.err" ||
        { cat "$work/read.err" >&2; fail 'reading from the stick failed'; }
    agent a bundle receipt "$work/disk" >"$work/receipt.txt" 2>&1 || { cat "$work/receipt.txt" >&2; fail 'the answer on the stick was not taken'; }
    [ "$(waits a)" = 0 ] || fail 'the answer on the stick confirms nothing'
    ballast 0
    imports a r
    refused 'medium' agent a bundle write "$work/disk"
    nothing_half "$work/disk"
    unmount
    exchange a
    all_is_well "a stick with $1" a
}

# ---- the copy on the stick ----

# The computer died; the stick is all that is left, and there is no line.
copy_on_the_stick() {
    fresh_district
    imports a
    exchange a
    for i in 1 2 3; do
        imports a "k$i"
        rm -rf "$work/sticks/stick.old"
        [ ! -d "$work/sticks/stick" ] || cp -a "$work/sticks/stick" "$work/sticks/stick.old"
        mkdir -p "$work/sticks/stick"
        write_stick a "$work/sticks/stick"
        told 'Copy of this whole computer' "$work/write.txt"
        copy=$(find "$work/sticks/stick" -name 'svodka-a-*.copy')
        [ "$(stat -c %a "$copy")" = 600 ] || fail 'others may read the copy'
        # Never older than the file beside it: whatever is in the file is in the copy.
        newest=$(find "$work/sticks/stick" -name '*.svodka' | sort -V | tail -n 1)
        [ "$(stat -c %Y "$copy")" -ge "$(stat -c %Y "$newest")" ] || fail 'the copy is older than the file'
        risk=$(agent a status --format csv | awk -F , '$1 == "at_risk_entries" {print $3}')
        [ "$risk" = 0 ] || fail "${risk:-?} entries are in no copy right after it was made"
    done
    made=$(history_count a)
    rm -rf "${work:?}/a"
    "$agent_program" restore "$copy" --home "$work/a" --code-file "$work/a.code" >"$work/restore.txt" 2>&1 ||
        { cat "$work/restore.txt" >&2; fail 'the copy on the stick cannot be restored'; }
    [ "$(history_count a)" = "$made" ] || fail "the restored computer holds $(history_count a) of $made entries"
    # Work goes on at once; the file that the old one wrote arrives as well, before and after.
    imports a k4
    read_stick "$newest"
    exchange a
    read_stick "$newest"
    take_answers a
    [ "$(waits a)" = 0 ] || fail 'something waits'
    all_is_well 'restored from the stick, without a line' a

    # From an older stick: what came later is at the hub and is not numbered twice.
    rm -rf "${work:?}/a"
    copy=$(find "$work/sticks/stick.old" -name 'svodka-a-*.copy')
    "$agent_program" restore "$copy" --home "$work/a" --code-file "$work/a.code" >"$work/restore.txt" 2>&1 ||
        { cat "$work/restore.txt" >&2; fail 'the older copy cannot be restored'; }
    before=$(hub_figure submissions)
    imports a k5
    exchange a
    [ "$(hub_figure submissions)" = "$((before + 12))" ] || fail "the hub has $(hub_figure submissions) entries, $((before + 12)) were expected"
    same_cells 'restored from an older stick'
    verify_clean a
    say "$name: restored from an older stick: verified, indicators equal"
}

scenarios="old_stick_late old_stick_early old_stick_alone old_stick_stolen out_of_order cut_anywhere too_large full_medium
    read_only_medium pulled_out fat_media copy_on_the_stick"
[ $# -gt 0 ] || {
    # shellcheck disable=SC2086
    set -- $scenarios
}
for scenario; do
    case " $(echo $scenarios) " in
    *" $scenario "*) "$scenario" ;;
    *)
        warn "no scenario \"$scenario\"; there are: $(echo $scenarios)"
        exit 2
        ;;
    esac
done
stop_hub
say "$name: all as it should be"
