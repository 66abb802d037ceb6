#!/bin/sh
# workbook_back.sh BUILD_DIR: what a template holds comes back as it was (invariants 4 and 9): written by us, saved anew by
# Gnumeric and by LibreOffice, and read by the import, it gives the submissions that it was filled with, value for value:
# lists on sheets of their own, choices, decimals, dates, texts that look like numbers and formulas, 40 teachers.
set -eu
name=workbook-back
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
begin "$1"
cd "$work"
source_dir=$(cd "$here/../.." && pwd)
LC_ALL=C.UTF-8
LANGUAGE=ru
TZ=UTC
export LC_ALL LANGUAGE TZ

a() { "$agent_program" "$@" --home "$work/school"; }
has() { # TEXT FILE
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "$2 has no \"$1\""; }
}
# The values of the last COUNT submissions of FORM.
values() { a history "$1" --format csv --values | awk 'NR > 1' | tail -n "$2"; }
only_values() { sed 's/^[^{]*//'; }
programs=svodka
for program in gnumeric:ssconvert libreoffice:soffice; do
    if command -v "${program#*:}" >/dev/null 2>&1; then
        programs="$programs ${program%:*}"
    else
        say "$name: WITHOUT ${program%:*}, LOUDLY: ${program#*:} is not installed"
    fi
done

make_hub "$source_dir/configs/programmes/klin"
hub programme load "$source_dir/tests/data/packs/lists" >load.txt
make_school school
checks=0
stored=0
templates=

# template FORM COUNT PERIOD: the last COUNT submissions of FORM go into a template for PERIOD.
template() {
    stored=$((stored + $2))
    [ "$(history_count school)" = "$stored" ] || fail "$1: $2 submissions were expected to begin with"
    values "$1" "$2" | only_values | sort >"$1-was.txt"
    a forms "$1" --template "$1.xlsx" --period "$3" --last >out.txt
    cp "$1.xlsx" "$1-svodka.xlsx"
    templates="$templates $1:$2:$3"
}
# back FORM COUNT PERIOD PROGRAM: they come back from it as that program has saved it.
back() {
    a import --xlsx "$1-$4.xlsx" >out.txt 2>err.txt || { cat err.txt >&2; fail "$1: refused as $4 saves it"; }
    if grep -v '^Строк в таблице: ' err.txt >&2; then fail "$1: something is said of what $4 saves"; fi
    [ "$4" = svodka ] || has "новых: 0, изменённых: 0, без изменений: $2," err.txt
    stored=$((stored + $2))
    [ "$(history_count school)" = "$stored" ] || fail "$1: not $2 came back from $4"
    values "$1" "$2" >now.txt
    [ "$(grep -cF "$3" now.txt)" = "$2" ] || fail "$1: not for the workbook's period"
    only_values <now.txt | sort >is.txt
    cmp -s "$1-was.txt" is.txt || { diff "$1-was.txt" is.txt >&2 || :; fail "$1: $4: not what it was"; }
    checks=$((checks + 1))
}

cat >class.csv <<'CSV'
class;pupils;trips
007;25;"[{""where"": ""=1+1"", ""day"": ""2020-09-01"", ""went"": 20}, {""where"": ""1e5"", ""went"": 7}]"
5 «Б»;24;
@в;0;"[{""where"": ""музей _x0041_ _xAG, \""Глобус\""\n  & <b>\t_"", ""day"": ""2020-02-29""}]"
CSV
a import class --period 2020/21-Q1 --csv class.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'class'; }
template class 3 2020/21-Q2

echo '{"rooms": [{"room": "12", "seats": 30}, {"room": "007"}, {"room": "спортзал", "seats": 0}]}' >rooms.json
a submit rooms --period 2020/21-Q1 --json rooms.json >out.txt 2>err.txt || { cat err.txt >&2; fail 'rooms'; }
template rooms 1 2020/21-Q2

cat >subjects.csv <<'CSV'
subject;teachers;young;hours;since
Математика;7;2;12,5;2020-09-01
-1;;0;0,30;
CSV
a import subjects --period 2020/21-Q1 --csv subjects.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'subjects'; }
template subjects 2 2020/21-Q2

printf '%s' '{"kind": "basic", "settlement": "village", "small": true, "remote": false, "pupils": 30, "staff_total": 9,
    "teachers": 7, "mediation_service": false, "bonus_rules_updated": true, "marking_primary": "quarter",
    "marking_basic": "quarter", "grades": [{"grade": 1, "classes": 1, "grade_pupils": 12},
    {"grade": 2, "classes": 1, "grade_pupils": 18}]}' >pass.json
a submit pass --period 2025/26 --json pass.json >out.txt 2>err.txt || { cat err.txt >&2; fail 'pass'; }
template pass 1 2026/27

# 40 teachers.
{
    echo 'row;kind;topic;active_methods;hours;start_date;end_date;document;level;consultant'
    i=0
    while [ $i -lt 40 ]; do
        i=$((i + 4))
        echo "T$((10 + i))-1;курсы повышения квалификации;ученики с ОВЗ;да;36;01.10.2025;05.10.2025;да;;"
        echo "T$((10 + i))-2;профессиональный конкурс;другое;нет;?na;2025-11-01;;нет;региональный;"
        echo "T$((10 + i))-3;вебинар;переход в эффективный режим;нет;2;2025-12-01;;нет;;да"
        echo "T$((10 + i))-4;тренинг;медиация;да;$i;2026-01-15;;нет;;"
    done
} >pd.csv
a import pd --period 2025/26 --csv pd.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'pd'; }
template pd 40 2026/27

for program in $programs; do
    case $program in
    libreoffice) # shellcheck disable=SC2046
        by_libreoffice lo $(for one in $templates; do printf '%s.xlsx ' "${one%%:*}"; done) ;;
    esac
    for one in $templates; do
        form=${one%%:*}
        rest=${one#*:}
        case $program in
        gnumeric) by_gnumeric "$form.xlsx" "$form-gnumeric.xlsx" ;;
        libreoffice) mv "lo/$form.xlsx" "$form-libreoffice.xlsx" ;;
        esac
        back "$form" "${rest%%:*}" "${rest#*:}" "$program"
    done
done

# A workbook that says what it is for is not taken for anything else.
if a import class --period 2020/21-Q1 --xlsx class.xlsx >out.txt 2>err.txt; then fail 'taken for another period'; fi
has '2020/21-Q2' err.txt
if a import subjects --xlsx class.xlsx >out.txt 2>err.txt; then fail 'taken for another form'; fi
has '«class»' err.txt
[ "$(history_count school)" = "$stored" ] || fail 'something of it was stored'
say "$name: $checks times back as it was, from: $programs"
