#!/bin/sh
# workbook_mend.sh BUILD_DIR: a workbook with mistakes comes back as a copy that shows them in their cells, mended there it
# is taken; and what a table changes is said before it is queued (invariants 4 and 9).  Files that are no workbook are
# refused in words.
set -eu
name=workbook-mend
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
stored=0
checks=0

a() { "$agent_program" "$@" --home "$work/school"; }
tool() { python3 "$here/workbook_mend.py" "$@" || fail "workbook_mend.py $*"; }
says() { # TEXT FILE
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "$2 does not say \"$1\""; }
    checks=$((checks + 1))
}
says_not() { # TEXT FILE
    if grep -qF -- "$1" "$2"; then cat "$2" >&2; fail "$2 says \"$1\""; fi
    checks=$((checks + 1))
}
holds() { # COUNT: submissions
    stored=$((stored + $1))
    [ "$(history_count school)" = "$stored" ] || fail "$1 submissions more were expected"
}
not_taken() { # ARGUMENT...: the import fails, and nothing is stored
    if a import "$@" >out.txt 2>err.txt; then fail "taken: import $*"; fi
    holds 0
}
taken() { # COUNT ARGUMENT...
    taken_count=$1
    shift
    a import "$@" >out.txt 2>err.txt || { cat err.txt >&2; fail "refused: import $*"; }
    holds "$taken_count"
}
marks_are() { # FILE: the expected ones on stdin: sheet, cell and text with tabs
    cat >expected.txt
    tool marks "$1" >marks.txt
    cmp -s expected.txt marks.txt || { diff expected.txt marks.txt >&2 || :; fail "$1: other marks"; }
    checks=$((checks + 1))
}

make_hub "$source_dir/configs/programmes/klin"
hub programme load "$source_dir/tests/data/packs/lists" >load.txt || fail 'the lists were not loaded'
make_school school

# ---- two mistakes in the social passport, found and mended ----

sheet='Социальный паспорт'
a forms soc --template soc.xlsx --period soc-2025-10-01 >out.txt
tool set soc.xlsx паспорт.xlsx "$sheet" A3=100 B3=150 C3=12 D3=5 E3=много F3=1 G3=10 H3=10 I3=20 J3=3 K3=0 L3=10 M3=4 N3=150 \
    O3=70 P3=60 Q3=20
cp паспорт.xlsx before.xlsx
not_taken --xlsx паспорт.xlsx
says "паспорт.xlsx: лист «$sheet», ячейка B3, «Оба родителя с высшим образованием»: " err.txt
says "паспорт.xlsx: лист «$sheet», ячейка E3, «Русский язык не родной»: ожидалось целое число (найдено: много)" err.txt
says 'паспорт-ошибки.xlsx — копия вашей книги' err.txt
cmp паспорт.xlsx before.xlsx || fail 'the workbook itself was changed'
[ "$(stat -c %a паспорт-ошибки.xlsx)" = 600 ] || fail 'others may read the copy'
marks_are паспорт-ошибки.xlsx <<END
$sheet	B3	от 0 до числа обучающихся (найдено: 150)
$sheet	E3	ожидалось целое число (найдено: много)
END
[ "$(tool opens паспорт-ошибки.xlsx)" = "$sheet	B3" ] || fail 'it does not open at the first mistake'
tool same паспорт.xlsx паспорт-ошибки.xlsx
# The same again writes the copy anew; one that somebody has saved stays.
not_taken --xlsx паспорт.xlsx
[ ! -e паспорт-ошибки-2.xlsx ] || fail 'a copy that nobody touched was kept'
tool resaved паспорт-ошибки.xlsx паспорт-ошибки.xlsx
cp паспорт-ошибки.xlsx before.xlsx
not_taken --xlsx паспорт.xlsx
says 'паспорт-ошибки-2.xlsx — копия' err.txt
cmp паспорт-ошибки.xlsx before.xlsx || fail 'somebody'\''s work was overwritten'
not_taken --xlsx паспорт.xlsx --marked паспорт-ошибки.xlsx
says 'паспорт-ошибки.xlsx: файл с таким именем уже есть' err.txt
cmp паспорт-ошибки.xlsx before.xlsx || fail 'somebody'\''s work was overwritten'
not_taken --xlsx паспорт.xlsx --marked паспорт.xlsx
says 'паспорт.xlsx: файл с таким именем уже есть' err.txt
not_taken --xlsx паспорт.xlsx --marked elsewhere.xlsx
cp expected.txt same.txt
marks_are elsewhere.xlsx <same.txt
# Mended in the copy, it is taken.
tool set elsewhere.xlsx elsewhere.xlsx "$sheet" B3=50 E3=7
a import --xlsx elsewhere.xlsx --preview >out.txt 2>err.txt || { cat err.txt >&2; fail 'preview'; }
says 'На этом компьютере она ещё не заполнялась.' out.txt
holds 0
taken 1 --xlsx elsewhere.xlsx
[ ! -e elsewhere-ошибки.xlsx ] || fail 'a copy of a good workbook'
# A correction a week later, by the workbook.
tool set elsewhere.xlsx later.xlsx "$sheet" A3=101 B3=51
a import --xlsx later.xlsx --preview >out.txt 2>err.txt || { cat err.txt >&2; fail 'preview'; }
printf '%s\n' 'Изменятся ответы (как здесь → как в таблице):' '  Обучающихся всего: 100 → 101' \
    '  Оба родителя с высшим образованием: 50 → 51' >expected.txt
tail -n +2 out.txt | cmp -s expected.txt - || { cat out.txt >&2; fail 'what changes is not said'; }
says 'ничего не поставлено в очередь' err.txt
holds 0
taken 1 --xlsx later.xlsx
says 'Строк в таблице: 1, было: 1; новых: 0, изменённых: 1, без изменений: 0' err.txt
a import --xlsx later.xlsx --preview >out.txt 2>err.txt
says 'Все ответы такие же, как уже записаны здесь.' out.txt

# ---- rows: what is new, what changes, who is no longer there ----

{
    echo 'row;kind;topic;active_methods;hours;start_date;end_date;document;level;consultant'
    echo 'T01-1;курсы повышения квалификации;ученики с ОВЗ;да;36;01.10.2025;05.10.2025;да;;'
    echo 'T02-1;профессиональный конкурс;другое;нет;?na;2025-11-01;;нет;региональный;'
    echo 'T03-1;вебинар;переход в эффективный режим;нет;2;2025-12-01;;нет;;да'
    echo 'T04-1;тренинг;медиация;да;8;2026-01-15;;нет;;'
} >pd.csv
taken 4 pd --period 2025/26 --csv pd.csv
[ ! -s err.txt ] || { cat err.txt >&2; fail 'something is said of a first table'; }
a correct pd --period 2025/26 --key T04-1 --set hours=9 --reason 'опечатка' >out.txt
stored=$((stored + 1))
sed -e '/T02/d' -e 's/вебинар/тренинг/; s/;2;2025-12-01/;4;2025-12-01/; s/;8;2026/;9;2026/' pd.csv >pd2.csv
echo 'T05-1;тренинг;медиация;да;8;2026-01-15;;нет;;' >>pd2.csv
cat >expected.txt <<'END'
Новых строк: 1
  T05-1
Изменённых строк: 1
  T03-1: Вид: вебинар → тренинг; Часов: 2 → 4
В таблице больше нет: 1 (выбыли? Они останутся как есть; отзывает их --replace)
  T02-1?
Без изменений: 2
Строк в таблице: 4, было: 4
END
a import pd --period 2025/26 --csv pd2.csv --preview >out.txt 2>err.txt || fail 'preview'
tail -n +2 out.txt | cmp -s expected.txt - || { cat out.txt >&2; fail 'what changes is not said'; }
holds 0
a import pd --period 2025/26 --csv pd2.csv --preview --replace >out.txt 2>err.txt || fail 'preview --replace'
says 'В таблице больше нет: 1 (выбыли? Они будут отозваны)' out.txt
holds 0
# On a terminal the same is shown and asked; nothing is asked anywhere else.
answer() { # WORD: what the person types
    answer_code=0
    printf '%s\n' "$1" | script -qec "'$agent_program' import pd --period 2025/26 --csv pd2.csv --replace --home '$work/school'" \
        /dev/null >out.txt 2>&1 || answer_code=$?
}
if command -v script >/dev/null 2>&1; then
    answer нет
    says '  T02-1?' out.txt
    says 'Поставить это в очередь?' out.txt
    [ "$answer_code" = 1 ] || fail 'a "no" is no success'
    holds 0
    answer да
    [ "$answer_code" = 0 ] || { cat out.txt >&2; fail 'a "yes" is a success'; }
    holds 5 # T02-1 is retracted
else
    say "$name: WITHOUT a terminal, LOUDLY: script (package bsdutils) is not installed"
    a import pd --period 2025/26 --csv pd2.csv --replace >out.txt 2>err.txt
    holds 5
fi
taken 4 pd --period 2025/26 --csv pd2.csv
says 'Строк в таблице: 4, было: 4; новых: 0, изменённых: 0, без изменений: 4, в таблице больше нет: 0' err.txt
says_not 'выбыли' err.txt
# More than a screen: the rest is counted.
{
    echo 'row;kind;topic;active_methods;hours;start_date;end_date;document;level;consultant'
    i=0
    while [ $i -lt 45 ]; do
        i=$((i + 1))
        echo "T$((100 + i))-1;тренинг;медиация;да;8;2026-01-15;;нет;;"
    done
} >many.csv
a import pd --period 2025/26 --csv many.csv --preview >out.txt 2>err.txt || { cat err.txt >&2; fail 'preview of many'; }
says 'Новых строк: 45' out.txt
says '  … и ещё 5' out.txt
[ "$(grep -c '^  T1' out.txt)" = 40 ] || fail 'not the first 40 are shown'
holds 0

# ---- lists: a mistake is marked in its own sheet, rows and cells are made where there are none ----

a forms class --template class.xlsx --period 2020/21-Q1 >out.txt
tool sheets class.xlsx >sheets.txt
main=$(sed -n 1p sheets.txt)
list=$(sed -n 2p sheets.txt)
tool set class.xlsx two.xlsx "$main" A3=5А B3=двадцать A60=5Б B60=24 C60=x
tool set two.xlsx two.xlsx "$list" A3=5А B3=музей D3=-1 A9=5В B9=театр D9=3
not_taken --xlsx two.xlsx
tool marks two-ошибки.xlsx >marks.txt
tool same two.xlsx two-ошибки.xlsx
cut -f 1,2 marks.txt >places.txt
for place in "$main	B3" "$list	A9"; do
    grep -qxF "$place" places.txt || { cat err.txt marks.txt >&2; fail "not marked: $place"; }
done
a forms pd --template pd.xlsx --period 2025/26 >out.txt
tool set pd.xlsx none.xlsx "$(tool sheets pd.xlsx | sed -n 1p)" A3=T01-1
not_taken --xlsx none.xlsx
tool marks none-ошибки.xlsx >marks.txt
cut -f 2 marks.txt | grep -qx B3 || { cat err.txt marks.txt >&2; fail 'a cell that is not there was not made'; }

# ---- other programs open it, and keep the marks ----

if command -v soffice >/dev/null 2>&1; then
    by_libreoffice lo two-ошибки.xlsx
    tool marks two-ошибки.xlsx | sort >ours.txt
    tool marks lo/two-ошибки.xlsx | sort >theirs.txt
    cmp -s ours.txt theirs.txt || { diff ours.txt theirs.txt >&2 || :; fail 'LibreOffice sees other marks'; }
    # What it has saved has comments already: they are added to, and its own stay.
    mv lo/two-ошибки.xlsx third.xlsx
    not_taken --xlsx third.xlsx
    tool marks third-ошибки.xlsx >marks.txt
    tool same third.xlsx third-ошибки.xlsx
    grep -F "$main	B3	" marks.txt | grep -qF ' | ' || { cat marks.txt >&2; fail 'the comment that was there is gone'; }
    checks=$((checks + 3))
else
    say "$name: WITHOUT LibreOffice, LOUDLY: soffice is not installed"
fi
if command -v ssconvert >/dev/null 2>&1; then
    ssconvert -T Gnumeric_Excel:xlsx2 two-ошибки.xlsx gnumeric.xlsx >convert.txt 2>&1 ||
        { cat convert.txt >&2; fail 'Gnumeric does not open the copy'; }
    ssconvert -S two.xlsx 'was-%n.csv' >convert.txt 2>&1
    ssconvert -S two-ошибки.xlsx 'is-%n.csv' >convert.txt 2>&1
    for number in 0 1; do
        cmp "was-$number.csv" "is-$number.csv" || fail 'Gnumeric reads other values'
    done
    checks=$((checks + 1))
else
    say "$name: WITHOUT Gnumeric, LOUDLY: ssconvert is not installed"
fi

# ---- files that are no workbook, as real programs write them ----

no_book() { # FILE TEXT
    not_taken soc --period soc-2025-10-01 --xlsx "$1"
    says "$1: $2" err.txt
}
cp soc.xlsx soc.csv
cp pd.csv renamed.xlsx
no_book renamed.xlsx 'это не книга'
: >empty.xlsx
no_book empty.xlsx 'файл пуст'
head -c 3000 soc.xlsx >half.xlsx
no_book half.xlsx 'файл повреждён'
if command -v ssconvert >/dev/null 2>&1; then
    ssconvert -T Gnumeric_Excel:excel_biff8 soc.xlsx soc.xls >convert.txt 2>&1 || { cat convert.txt >&2; fail 'Gnumeric writes no xls'; }
    ssconvert -T Gnumeric_OpenCalc:odf soc.xlsx soc.ods >convert.txt 2>&1 || { cat convert.txt >&2; fail 'Gnumeric writes no ods'; }
    no_book soc.xls 'это книга старого Excel (.xls)'
    no_book soc.ods 'это файл OpenDocument (.ods)'
fi
says_not 'копия вашей книги' err.txt

say "$name: $checks checks"
