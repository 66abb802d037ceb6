#!/bin/sh
# catalogue.sh BUILD_DIR: every sentence that the programs say to people stands in the Russian catalogue.
#
# Extracts the msgids of the sources again and ends non-zero, listing them, when any is missing in configs/po/ru.po,
# has no translation or only a guessed one, or when msgfmt finds a placeholder that the translation lost.
set -eu
LC_ALL=C.UTF-8
export LC_ALL

[ $# -ge 1 ] || {
    echo 'usage: catalogue.sh BUILD_DIR' >&2
    exit 2
}
root=$(cd "$(dirname "$0")/../.." && pwd)
catalogue=$root/configs/po/ru.po
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    printf 'catalogue: %s\n' "$*" >&2
    exit 1
}

for tool in xgettext msgmerge msgattrib msgfmt; do
    command -v "$tool" >/dev/null || fail "$tool is missing (package gettext)"
done

# Headers too: options that commands share are macros there.
cd "$root"
xgettext --language=C --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --from-code=UTF-8 --add-location=file \
    --output="$work/all.pot" agent/*.[ch] hub/*.[ch] common/*.[ch] protocol/*.[ch]
msgids=$(grep -c '^msgid ' "$work/all.pot") || true
[ "$msgids" -gt 500 ] || fail "only $msgids msgids were extracted: the sources are marked otherwise now?"

msgfmt --check --output-file=/dev/null "$catalogue" || fail "msgfmt refuses $catalogue"
msgmerge --quiet --no-fuzzy-matching --no-wrap --output-file="$work/merged.po" "$catalogue" "$work/all.pot"

bad=0
list() { # TITLE FILE
    count=$(grep -c '^msgid "..*"$' "$2") || true
    [ "$count" -eq 0 ] && return 0
    printf 'catalogue: %s: %s\n' "$1" "$count" >&2
    grep -e '^#: ' -e '^msgid "..*"$' "$2" >&2
    bad=1
}
msgattrib --untranslated --no-obsolete --no-wrap --output-file="$work/untranslated.po" "$work/merged.po"
msgattrib --only-fuzzy --no-obsolete --no-wrap --output-file="$work/fuzzy.po" "$work/merged.po"
for file in untranslated fuzzy; do # msgattrib writes no file when there is nothing to write
    [ -e "$work/$file.po" ] || : >"$work/$file.po"
done
list 'missing or untranslated in ru.po' "$work/untranslated.po"
list 'fuzzy in ru.po' "$work/fuzzy.po"
[ "$bad" -eq 0 ] || exit 1
printf 'catalogue: %s msgids, all of them in Russian\n' "$((msgids - 1))"
