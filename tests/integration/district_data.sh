#!/bin/sh
# district_data.sh: the invented districts are the same on every machine, keep the rules of their forms, and say what the
# programmes' texts say.  (Agents refuse broken rules, too; here they are all told at once, without playing anything.)
set -eu
data=$(cd "$(dirname "$0")/../data/district" && pwd)
python=/usr/bin/python3
[ -x "$python" ] || python=python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    printf 'district_data: %s\n' "$*" >&2
    exit 1
}

# The numbers that splitmix64 gives from 0 on, as its authors print them.
(cd "$data" && "$python" -B -c '
from rng import Rng
rng = Rng()
rng.state = 0
assert [rng.next() for _ in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]') ||
    fail 'the numbers by chance are not those of splitmix64'

for district in klin abinsky veshkaima zhigalovo korolyov; do
    for seed in 1 7; do
        "$python" "$data/generate.py" "$district" --seed "$seed" --out "$work/$district-$seed" --check >/dev/null ||
            fail "$district, seed $seed: see above"
    done
    PYTHONHASHSEED=1 "$python" "$data/generate.py" "$district" --seed 1 --out "$work/again" >/dev/null
    diff -r "$work/$district-1" "$work/again" >&2 || fail "$district: the same seed gives other data"
    ! diff -rq "$work/$district-1/truth" "$work/$district-7/truth" >/dev/null || fail "$district: another seed gives the same data"
    rm -rf "$work/again"
done
echo 'district_data: five districts, two seeds each'
