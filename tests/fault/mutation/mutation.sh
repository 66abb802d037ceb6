#!/bin/sh
# The check of the tests themselves: each patch beside this file breaks the code in one place that matters.  It is
# applied to a copy of the tree, the copy is built, and the tests run to the first failure: the likely ones, which the
# patch names, then all others.  A mutation that no test notices is a test that is missing.
#
#   mutation.sh --check            does every patch still apply to this tree?  (In ./run test: a second.)
#   mutation.sh [--likely] [NAME ...]
#                                  runs them (none named: all).  --likely: not the others
#   mutation.sh --table            what is known of this tree
#
# Results lie in build/mutation/results: what was stopped goes on where it was.  A result stands until the patch, the
# product's code or the test that caught it changes; that nothing caught it, until any test changes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/build/mutation
tree=$work/tree
debug=$tree/build/debug

say() { printf '%s\n' "$*" >&2; }
die() { say "mutation: $*"; exit 1; }

names() { (cd "$here" && printf '%s\n' *.patch | sed 's/\.patch$//'); }
header() { sed -n "s/^$2:* //p" "$here/$1.patch" | head -n 1; } # NAME invariant|tests

# ---- do they apply? ----

# With the lines around it as they are, and at one place only.
applies() { # NAME TREE
    patch --dry-run --force --silent --fuzz=0 -p1 -d "$2" -i "$here/$1.patch" >/dev/null 2>&1
}

check() {
    bad=
    count=0
    for name in $(names); do
        count=$((count + 1))
        applies "$name" "$root" || bad="$bad $name"
    done
    bad="$bad $(cd "$here" && grep -L '^invariant [1-9]: ' -- *.patch; cd "$here" && grep -L '^tests: .' -- *.patch)"
    bad=$(printf '%s' "$bad" | tr -s ' \n' ' ')
    bad=${bad# }
    [ -z "$bad" ] || die "these no longer apply, or do not say what they attack: $bad
     The code that they break was rewritten: break the new one in the same way (tests/fault/mutation/NAME.patch)."
    [ "$count" -ge 40 ] || die "only $count mutations"
    say "mutation: all $count apply"
}

# ---- the copy ----

source_files() { # what a build or a test of the tree reads
    (cd "$root" && find CMakeLists.txt CMakePresets.json LICENSE README.md CHANGELOG.md run common protocol agent hub \
        configs docs tests -type f ! -path 'tests/fault/mutation/*.patch' | LC_ALL=C sort)
}
digest_of() { (cd "$root" && xargs -d '\n' sha256sum) | sha256sum | cut -c1-16; } # of the files named on stdin
tests_digest() { # TEST; none: of all
    source_files | grep "^tests/.*${1:+/$1\.\(c\|sh\)\$}" | digest_of
}

# Only what differs is copied, and never with its old time: a file that is put back must be compiled again.
refresh() {
    mkdir -p "$tree"
    source_files >"$work/files"
    while IFS= read -r file; do
        cmp -s "$root/$file" "$tree/$file" || {
            mkdir -p "$tree/$(dirname "$file")"
            cp "$root/$file" "$tree/$file"
        }
    done <"$work/files"
    (cd "$tree" && find . -name build -prune -o -type f -print | sed 's|^\./||' | LC_ALL=C sort) >"$work/there"
    LC_ALL=C comm -13 "$work/files" "$work/there" | while IFS= read -r file; do
        case $file in
        tests/fault/mutation/*.patch) ;;
        *) rm -f "$tree/$file" ;;
        esac
    done
}

built() { cmake --build "$debug" ${1:+--target} "$@" >"$work/build.log" 2>&1; }

configure() {
    mkdir -p "$tree/tests/fault/mutation"
    cp "$here"/*.patch "$tree/tests/fault/mutation/" # the copy's own check of them
    (cd "$tree" && cmake --preset debug -DSVODKA_WERROR=OFF) >"$work/configure.log" 2>&1 || {
        cat "$work/configure.log" >&2
        die 'configuring the copy failed'
    }
}

# ---- running tests ----

target_of() { # TEST: what has to be built for it
    if grep -q "/$1\$" "$work/programs"; then
        printf '%s' "$1"
    else
        printf 'svodka-hub svodka-hub-gateway svodka-agent catalogues'
    fi
}

passes() { # TEST
    ctest --test-dir "$debug" --no-tests=error -R "^$1\$" >"$work/test.log" 2>&1
}

# A test that fails as the tree is catches nothing.
baseline() { # TEST
    good=$work/results/$digest.good.$1.$(tests_digest "$1")
    [ ! -e "$good" ] || return 0
    # shellcheck disable=SC2046
    built $(target_of "$1") || {
        tail -n 30 "$work/build.log" >&2
        die "the copy does not build"
    }
    passes "$1" || {
        tail -n 40 "$work/test.log" >&2
        die "$1 fails in a tree that nobody broke"
    }
    : >"$good"
}

rest() { # tests that the patch does not name; sets caught
    built || {
        caught='it does not build'
        return
    }
    named=$(printf '%s' "$1" | tr ' ' '|')
    ctest --test-dir "$debug" --stop-on-failure -j 2 -E "^($named|mutations_apply)\$" >"$work/test.log" 2>&1 && return
    caught=$(sed -n 's/.*Test *#[0-9]*: \([a-z_0-9]*\) .*\*\*\*.*/\1/p' "$work/test.log" | head -n 1)
    caught=${caught:-unknown}
}

put_back() {
    file=$(sed -n 's|^+++ b/||p' "$here/$1.patch")
    cp "$root/$file" "$tree/$file"
}

run_one() { # NAME: sets caught
    caught=
    tests=$(header "$1" tests)
    for test in $tests; do
        baseline "$test"
    done
    applies "$1" "$tree" || die "$1 no longer applies"
    patch --force --silent -p1 -d "$tree" -i "$here/$1.patch" >/dev/null
    trap 'put_back "$1"; exit 130' INT TERM
    for test in $tests; do
        # shellcheck disable=SC2046
        if ! built $(target_of "$test"); then
            caught='it does not build'
            break
        fi
        if ! passes "$test"; then
            caught=$test
            break
        fi
    done
    [ -n "$caught" ] || [ "$likely" = yes ] || rest "$tests"
    put_back "$1"
    trap - INT TERM
}

result_file() { # NAME
    printf '%s/%s.%s.%s' "$work/results" "$digest" "$1" "$(sha256sum "$here/$1.patch" | cut -c1-12)"
}

# Empty: it has not run, or not since what matters changed.
result_of() { # NAME
    file=$(result_file "$1")
    [ -e "$file" ] || return 0
    { read -r result && read -r was; } <"$file"
    case $result in
    'NOT CAUGHT'*) now=$(tests_digest '') ;;
    *) now=$(tests_digest "$result") ;;
    esac
    [ "$was" != "$now" ] || printf '%s' "$result"
}

note() { # NAME RESULT
    case $2 in
    'NOT CAUGHT'*) now=$(tests_digest '') ;;
    *) now=$(tests_digest "$2") ;;
    esac
    printf '%s\n%s\n' "$2" "$now" >"$(result_file "$1")"
}

table() {
    missed=0
    unknown=0
    for name in "$@"; do
        result=$(result_of "$name")
        case ${result:=(has not run)} in
        'NOT CAUGHT'* | 'it does not build') missed=$((missed + 1)) ;;
        '(has not run)') unknown=$((unknown + 1)) ;;
        esac
        printf '%-28s %-26s %s\n' "$name" "$result" "$(header "$name" invariant)"
    done
    say "mutation: $# in all, $missed not caught, $unknown not run"
    [ $((missed + unknown)) -eq 0 ]
}

likely=no
case ${1:-} in
--check)
    check
    exit
    ;;
--likely)
    likely=yes
    shift
    ;;
esac
only_table=no
if [ "${1:-}" = --table ]; then
    only_table=yes
    shift
fi
[ $# -gt 0 ] || {
    # shellcheck disable=SC2046
    set -- $(names)
}
for name in "$@"; do
    [ -f "$here/$name.patch" ] || die "there is no mutation '$name': one of
$(names)"
done
mkdir -p "$work/results"
digest=$(source_files | grep -E '^(CMake|common/|protocol/|agent/|hub/|configs/)' | digest_of)
if [ $only_table = yes ]; then
    table "$@"
    exit
fi
refresh
configure
ninja -C "$debug" -t targets all 2>/dev/null | sed -n 's/: C_EXECUTABLE_LINKER.*//p' >"$work/programs"
for name in "$@"; do
    case $(result_of "$name") in
    '') ;;
    *likely*) [ $likely = no ] || continue ;;
    *) continue ;;
    esac
    run_one "$name"
    if [ -z "$caught" ]; then
        caught='NOT CAUGHT'
        [ $likely = no ] || caught='NOT CAUGHT by the likely'
    fi
    say "$name: $caught"
    note "$name" "$caught"
done
table "$@"
