#!/bin/sh
# keys.sh BUILD_DIR: what happens to keys: a sealing key is lost with batches received and under way, the signing key is
# replaced while a school is away, the transport key is replaced in three steps while schools go on sending, a year's key
# is retired, the root key is typed in again from paper on a computer that has nothing else, and key files are missing,
# foreign, open to others or damaged (invariants 2, 3, 5, 6, 9).  After each drill both verifies are clean and every
# indicator equals sqlite3's.  SVODKA_TEST_SEED repeats a run.
set -eu
name=keys
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"

[ $# -ge 1 ] || {
    warn 'usage: keys.sh BUILD_DIR'
    exit 2
}
begin "$1"
LANGUAGE=en
export LANGUAGE
seed=${SVODKA_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
seed_random "$seed"
say "keys: SVODKA_TEST_SEED=$seed"
period=2020/21-Q1

imports() { # HOME
    make_rows "$work/rows.csv" 60 100 p
    agent "$1" import marks --period "$period" --csv "$work/rows.csv" >"$work/import.txt" 2>&1
    model_import "$1" "$period" "$work/rows.csv"
}

all_is_well() { # WHAT HOME...
    well_after=$1
    shift
    same_cells "$well_after"
    verify_clean "$@"
    say "keys: $well_after: verified, indicators equal"
}

refuses() { # TEXT COMMAND...: it fails, and says so on standard error
    refuses_text=$1
    shift
    if "$@" >"$work/out.txt" 2>"$work/err.txt" </dev/null; then
        fail "this should have been refused: $*"
    fi
    grep -qF -- "$refuses_text" "$work/err.txt" || {
        cat "$work/err.txt" >&2
        fail "not said: $refuses_text"
    }
}

key_state() { # KEY: its state in key list
    hub key list --format csv 2>/dev/null | awk -F , -v key="$1" '$1 == key {print $2; exit}'
}

is_state() { # KEY STATE
    [ "$(key_state "$1")" = "$2" ] || fail "the key '$1' is $(key_state "$1"), not $2"
}

printf 'seven words that belong to nobody here\n' >"$work/pass"
hub_home=$work/hub
free_port
"$hub_program" init --home "$hub_home" --name 'Район' --listen "tcp://127.0.0.1:$port" \
    --root-passphrase-file "$work/pass" >"$work/init.txt"
hub programme load "$here/pack" >"$work/load.txt"
year=$(hub key list --format csv 2>/dev/null | sed -n 's/^sealing \([0-9]*\).*/\1/p')
year_name=$(hub key list --format csv 2>/dev/null | sed -n 's/^\(sealing [0-9/]*\),.*/\1/p')
make_school a
make_school b
model_new

# ---- the root key is on paper alone ----
hub key export root --paper "$work/root.txt" --root-passphrase-file "$work/pass" >"$work/out.txt"
hub key export envelopes --paper "$work/envelopes.html" >"$work/out.txt"
[ "$(stat -c %a "$work/root.txt")" = 600 ] || fail 'others may read the sheet'
if grep -q '^ *[1-4]: ' "$work/envelopes.html"; then
    fail 'the page about the envelopes holds the key'
fi
printf 'seven other words that belong to nobody\n' >"$work/wrong"
refuses 'the passphrase is wrong' hub key export root --paper "$work/no.txt" --root-passphrase-file "$work/wrong"
rm "$hub_home/keys/root.key.locked"
is_state root away

# ---- a sealing key is lost: a has everything received, b has sealed what never arrived ----
start_hub
imports a
sync_until_done a
imports b
sync_until_done b
imports a
sync_until_done a
stop_hub
imports b
agent b sync >"$work/out.txt" 2>&1 || true # seals, and finds nobody
mv "$hub_home/keys/seal-$year.key" "$work/stolen.key"
refuses "svodka-hub key lost seal $year" hub status
refuses "keys/seal-$year.key: the key file is missing" "$hub_program" core --home "$hub_home"
cp "$work/stolen.key" "$hub_home/keys/seal-$year.key"
refuses 'nothing is lost' hub key lost seal "$year"
rm "$hub_home/keys/seal-$year.key"
hub key lost seal "$year" >"$work/out.txt"
is_state "$year_name" lost
is_state "$year_name (2)" current
start_hub
sync_until_done b
sync_until_done a
agent b status >"$work/status.txt"
grep -q 'has lost a key' "$work/status.txt" || fail 'the school is not told'
imports b
sync_until_done b
all_is_well 'a sealing key was lost' a b
hub status --format csv >"$work/status.txt"
if grep -q missing_batches "$work/status.txt"; then
    fail 'batches that were given up are waited for'
fi

# ---- the batch was on its way: the agent knows nothing of the loss and the hub has no key for it ----
hub key rotate seal >"$work/out.txt"
is_state "$year_name (3)" current
sync_until_done a
stop_hub
imports a
agent a sync >"$work/out.txt" 2>&1 || true
rm "$hub_home/keys/seal-$year-3.key"
hub key lost seal "$year-3" >"$work/out.txt"
start_hub
sync_until_done a
sync_until_done b
all_is_well 'a sealing key was lost while a batch was on its way' a b

# ---- an old one is retired only when nobody needs it ----
hub key rotate seal >"$work/out.txt"
current=$(hub key list --format csv 2>/dev/null | sed -n "s,^$year_name (\\([0-9]*\\))\\,current.*,\\1,p")
old=$((current - 1))
refuses 'b (' hub key rotate seal --retire "$year-$old"
[ -f "$hub_home/keys/seal-$year-$old.key" ] || fail 'a key that is needed was destroyed'
refuses 'the one that schools use now' hub key rotate seal --retire "$year-$current"
sync_until_done a
sync_until_done a
refuses 'b (' hub key rotate seal --retire "$year-$old"
grep -q '^a (' "$work/err.txt" && fail 'a is named although it has moved on'
sync_until_done b
sync_until_done b
hub key rotate seal --retire "$year-$old" >"$work/out.txt"
[ ! -e "$hub_home/keys/seal-$year-$old.key" ] || fail 'the retired key is still there'
is_state "$year_name ($old)" destroyed
imports a
sync_until_done a
all_is_well 'a sealing key was retired' a b

# ---- the signing key is replaced, by a root that was typed in on another computer, while b is away ----
imports b
sed -n 's/^ *\([1-4]\): /\1: /p' "$work/root.txt" | tr 'A-Z-' 'a-z ' >"$work/typed.txt"
sed '2s/\(.\)$/#/' "$work/typed.txt" >"$work/bad.txt"
refuses 'row 2' "$hub_program" key restore root "$work/bad.txt" --to "$work/new.locked"
fingerprint=$(sed -n 's/^Fingerprint of the root key: //p' "$work/root.txt")
refuses 'another fingerprint' "$hub_program" key restore root "$work/typed.txt" --to "$work/new.locked" \
    --fingerprint AAAA-BBBB
"$hub_program" key restore root - --to "$work/new.locked" --root-passphrase-file "$work/pass" \
    --fingerprint "$fingerprint" <"$work/typed.txt" >"$work/out.txt"
[ "$(stat -c %a "$work/new.locked")" = 600 ] || fail 'others may read the restored root key'
refuses 'the root key is not in' hub key rotate sign
cp "$hub_home/keys/sign.key" "$work/old-sign.key"
hub key rotate sign --root "$work/new.locked" --root-passphrase-file "$work/pass" >"$work/out.txt"
cmp -s "$hub_home/keys/sign.key" "$work/old-sign.key" && fail 'the signing key is the old one'
sync_until_done a
imports a
sync_until_done a
hub key rotate sign --root "$work/new.locked" --root-passphrase-file "$work/pass" >"$work/out.txt"
sync_until_done a
verify_clean a b
say 'keys: the signing key was replaced twice: verified'
sync_until_done b
imports b
sync_until_done b
all_is_well 'a school came back after that' a b
rm "$work/new.locked"

# ---- receipts that were signed by the old key and never arrived ----
stop_hub
imports b
agent b sync >"$work/out.txt" 2>&1 || true # sealed
cp -a "$work/b" "$work/b.before"
start_hub
sync_until_done b
"$hub_program" key restore root "$work/typed.txt" --to "$work/new.key" </dev/null >"$work/out.txt"
hub key rotate sign --root "$work/new.key" >"$work/out.txt"
rm -rf "$work/b"
mv "$work/b.before" "$work/b"
sync_until_done b
if grep -q 'b holds another history' "$work/hub.log"; then
    fail 'a receipt that was lost is no second history'
fi
all_is_well 'receipts of the old signing key came late' a b

# ---- the transport key, in three steps, schools sending at each ----
first_port=$port
free_port
second_port=$port
port=$first_port
cp "$hub_home/keys/curve.key" "$work/old-curve.key"
refuses 'first comes' hub key rotate curve --switch
hub key rotate curve --listen "tcp://127.0.0.1:$second_port" >"$work/out.txt"
wait_until 20 port_listens "$second_port" || fail 'the second address is not listened at'
refuses 'next comes' hub key rotate curve --listen "tcp://127.0.0.1:$second_port"
imports a
sync_until_done a
refuses 'b (' hub key rotate curve --switch
grep -q 'does not know the newest keys yet' "$work/err.txt" || fail 'no reason is given'
sync_until_done b
sync_until_done a
sync_until_done b
hub key rotate curve --switch >"$work/out.txt"
cmp -s "$hub_home/keys/curve.key" "$work/old-curve.key" && fail 'the transport key is the old one'
[ ! -e "$hub_home/keys/curve-next.key" ] || fail 'the next transport key has not taken its name'
wait_until 20 port_listens "$first_port" || fail 'the first address is not listened at'
wait_until 20 port_listens "$second_port" || fail 'the second address is not listened at'
imports b
sync_until_done b # finds the old key gone at the first address, and the second one
refuses 'a (' hub key rotate curve --finish
sync_until_done a
sync_until_done a
sync_until_done b
hub key rotate curve --finish >"$work/out.txt"
second_is_closed() { ! port_listens "$second_port"; }
wait_until 20 second_is_closed || fail 'the second address is still open'
wait_until 20 hub_is_up || fail 'the hub does not listen any more'
imports a
imports b
sync_until_done a
sync_until_done b
all_is_well 'the transport key was replaced' a b

# ---- what is wrong with a key file stops the hub before anything is read or written ----
stop_hub
for key in sign.key storage.key curve.key "seal-$year-$current.key"; do
    file=$hub_home/keys/$key
    cp -p "$file" "$work/kept.key"
    rm "$file"
    refuses "$key" "$hub_program" core --home "$hub_home"
    cp -p "$work/kept.key" "$file"
    chmod 640 "$file"
    refuses "$key" "$hub_program" core --home "$hub_home"
    chmod 600 "$file"
    printf 'svodka key 1\nkind: sign\n' >"$file"
    refuses "$key" "$hub_program" core --home "$hub_home"
    case $key in
    sign.key) cp "$work/old-sign.key" "$file" ;;
    curve.key) cp "$work/old-curve.key" "$file" ;;
    storage.key) cp "$work/a/keys/home.key" "$file" ;;
    *) cp "$work/stolen.key" "$file" ;;
    esac
    refuses "$key" "$hub_program" core --home "$hub_home"
    rm "$file"
    cp -p "$work/kept.key" "$file"
done
# ---- and the agent ----
for key in sign.key curve.key home.key; do
    file=$work/a/keys/$key
    cp -p "$file" "$work/kept.key"
    rm "$file"
    refuses "$key" agent a status
    cp -p "$work/kept.key" "$file"
    chmod 640 "$file"
    refuses "$key" agent a status
    chmod 600 "$file"
    : >"$file"
    refuses "$key" agent a status
    cp "$work/b/keys/$key" "$file"
    refuses "$key" agent a status
    rm "$file"
    cp -p "$work/kept.key" "$file"
done
start_hub
imports a
sync_until_done a
all_is_well 'all key files are back' a b
stop_hub

# ---- the school year begins and nobody is there ----
if command -v faketime >/dev/null 2>&1; then
    # shellcheck disable=SC2016
    fake=$(faketime -f +1d sh -c 'printf %s "$LD_PRELOAD"')
    on() { # DAY COMMAND...
        on_day=$1
        shift
        env FAKETIME="@$on_day 12:00:00" FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD="$fake" \
            ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "$@"
    }
    serve_once() { # DAY HOME: until it is ready
        FAKETIME="@$1 12:00:00" FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD="$fake" \
            ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
            "$hub_program" core --home "$2" >>"$work/hub.log" 2>&1 & # not by on(): the pid is to be the core's
        serve_pid=$!
        remember "$serve_pid"
        wait_until 20 test -S "$2/run/operator.sock" || fail 'the core does not start'
        end_process "$serve_pid"
        rm -f "$2/run/operator.sock"
    }
    year_home=$work/year
    on 2026-08-20 "$hub_program" init --home "$year_home" --name 'Район' --listen tcp://127.0.0.1:9 </dev/null >"$work/init.txt"
    [ -f "$year_home/keys/seal-2025.key" ] || fail 'the key of the year at hand was not made'
    on 2026-08-20 "$hub_program" key list --home "$year_home" 2>"$work/err.txt" >"$work/out.txt"
    grep -q 'sealing key of 2026/27 is due from 1 August' "$work/err.txt" || fail 'what is due is not said'
    serve_once 2026-08-31 "$year_home"
    [ ! -e "$year_home/keys/seal-2026.key" ] || fail 'the key of the next year came too early'
    serve_once 2026-09-01 "$year_home"
    [ -f "$year_home/keys/seal-2026.key" ] || fail 'the core did not make the key of the new year'
    hub_home=$year_home
    is_state 'sealing 2026/27' current
    is_state 'sealing 2025/26' old
    serve_once 2099-01-01 "$year_home" # a dead clock battery
    [ ! -e "$year_home/keys/seal-2098.key" ] || fail 'a wrong clock made a key'
    hub verify >"$work/out.txt" || fail 'verify is not clean'
    say 'keys: the key of a new school year comes by itself'
else
    say "keys: SKIPPED, LOUDLY: the new school year: faketime is not installed"
fi
say 'keys: all drills done'
