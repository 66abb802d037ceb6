#!/bin/sh
# guides.sh BUILD_DIR: what the Russian guides (docs/ru) and the README tell people to type exists: each command, and each
# of its options, is in that command's --help.  A guide that names what is not there sends a person away at 7:00.
set -eu
name=guides
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
begin "$1"
cd "$work"

# Lines of what is to be typed: after a prompt, or between backticks.
typed() { # FILE
    sed -n 's/^\$ \(svodka-[a-z]* .*\)/\1/p' "$1"
    grep -o '`svodka-[a-z]* [^`]*`' "$1" | tr -d '\140' || true
}
# The longest of its first words that is a command: "school add", "sync".
command_of() { # PROGRAM WORD [WORD]
    of=$1
    shift
    for words in "$1 ${2:-}" "$1"; do
        # shellcheck disable=SC2086
        if grep -qx -- "${words% }" "$of.commands"; then
            printf '%s\n' "${words% }"
            return
        fi
    done
}

for program in agent hub; do
    eval "binary=\$${program}_program"
    "$binary" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' >"svodka-$program.commands"
    [ -s "svodka-$program.commands" ] || fail "svodka-$program --help lists no commands"
done

count=0
for guide in "$root"/docs/ru/*.md "$root/README.md"; do
    typed "$guide" >typed.txt
    while read -r program one two rest; do
        case $program in
        svodka-agent) binary=$agent_program ;;
        svodka-hub) binary=$hub_program ;;
        *) continue ;;
        esac
        case $one in --help | [!a-z]*) continue ;; esac # "svodka-hub КОМАНДА --help" names none
        found=$(command_of "$program" "$one" "$two")
        [ -n "$found" ] || fail "$(basename "$guide"): $program has no command \"$one\""
        # shellcheck disable=SC2086
        "$binary" $found --help >help.txt
        for option in $(printf '%s %s\n' "$two" "$rest" | grep -o -e '--[a-z][a-z-]*' || true); do
            grep -q -e "$option\b" help.txt || fail "$(basename "$guide"): $program $found has no option $option"
        done
        count=$((count + 1))
    done <typed.txt
done
[ "$count" -ge 50 ] || fail "only $count commands were found in the guides"
say "$name: $count commands of the guides are there, with their options"
