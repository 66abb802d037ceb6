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
# saved PROGRAM FILE OUT: FILE as the program writes it.
saved() {
    case $1 in
    svodka) cp "$2" "$3" ;;
    gnumeric) ssconvert -T Gnumeric_Excel:xlsx2 "$2" "$3" >convert.txt 2>&1 || { cat convert.txt >&2; fail "Gnumeric: $2"; } ;;
    libreoffice)
        mkdir -p lo
        soffice "-env:UserInstallation=file://$work/lo/home" --headless --convert-to xlsx --outdir lo "$2" >convert.txt 2>&1 ||
            { cat convert.txt >&2; fail "LibreOffice: $2"; }
        mv "lo/$2" "$3"
        ;;
    esac
}

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

# back FORM COUNT PERIOD: the last COUNT submissions of FORM go into a template for PERIOD and come back from it.
back() {
    back_form=$1 back_count=$2 back_period=$3
    stored=$((stored + back_count))
    [ "$(history_count school)" = "$stored" ] || fail "$back_form: $back_count submissions were expected to begin with"
    values "$back_form" "$back_count" | only_values | sort >was.txt
    a forms "$back_form" --template "$back_form.xlsx" --period "$back_period" --last >out.txt
    for back_program in $programs; do
        saved "$back_program" "$back_form.xlsx" "$back_form-$back_program.xlsx"
        a import --xlsx "$back_form-$back_program.xlsx" >out.txt 2>err.txt ||
            { cat err.txt >&2; fail "$back_form: refused as $back_program saves it"; }
        if grep -v '^Строк в таблице: ' err.txt >&2; then fail "$back_form: something is said of what $back_program saves"; fi
        [ "$back_program" = svodka ] || has "новых: 0, изменённых: 0, без изменений: $back_count," err.txt
        stored=$((stored + back_count))
        [ "$(history_count school)" = "$stored" ] || fail "$back_form: not $back_count came back from $back_program"
        values "$back_form" "$back_count" >now.txt
        [ "$(grep -cF "$back_period" now.txt)" = "$back_count" ] || fail "$back_form: not for the workbook's period"
        only_values <now.txt | sort >is.txt
        cmp -s was.txt is.txt || { diff was.txt is.txt >&2 || :; fail "$back_form: $back_program: not what it was"; }
        checks=$((checks + 1))
    done
}

cat >class.csv <<'CSV'
class;pupils;trips
007;25;"[{""where"": ""=1+1"", ""day"": ""2020-09-01"", ""went"": 20}, {""where"": ""1e5"", ""went"": 7}]"
5 «Б»;24;
@в;0;"[{""where"": ""музей _x0041_ _xAG, \""Глобус\""\n  & <b>\t_"", ""day"": ""2020-02-29""}]"
CSV
a import class --period 2020/21-Q1 --csv class.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'class'; }
back class 3 2020/21-Q2

echo '{"rooms": [{"room": "12", "seats": 30}, {"room": "007"}, {"room": "спортзал", "seats": 0}]}' >rooms.json
a submit rooms --period 2020/21-Q1 --json rooms.json >out.txt 2>err.txt || { cat err.txt >&2; fail 'rooms'; }
back rooms 1 2020/21-Q2

cat >subjects.csv <<'CSV'
subject;teachers;young;hours;since
Математика;7;2;12,5;2020-09-01
-1;;0;0,30;
CSV
a import subjects --period 2020/21-Q1 --csv subjects.csv >out.txt 2>err.txt || { cat err.txt >&2; fail 'subjects'; }
back subjects 2 2020/21-Q2

printf '%s' '{"kind": "basic", "settlement": "village", "small": true, "remote": false, "pupils": 30, "staff_total": 9,
    "teachers": 7, "mediation_service": false, "bonus_rules_updated": true, "marking_primary": "quarter",
    "marking_basic": "quarter", "grades": [{"grade": 1, "classes": 1, "grade_pupils": 12},
    {"grade": 2, "classes": 1, "grade_pupils": 18}]}' >pass.json
a submit pass --period 2025/26 --json pass.json >out.txt 2>err.txt || { cat err.txt >&2; fail 'pass'; }
back pass 1 2026/27

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
back pd 40 2026/27

# A workbook that says what it is for is not taken for anything else.
if a import class --period 2020/21-Q1 --xlsx class.xlsx >out.txt 2>err.txt; then fail 'taken for another period'; fi
has '2020/21-Q2' err.txt
if a import subjects --xlsx class.xlsx >out.txt 2>err.txt; then fail 'taken for another form'; fi
has '«class»' err.txt
[ "$(history_count school)" = "$stored" ] || fail 'something of it was stored'
say "$name: $checks times back as it was, from: $programs"
