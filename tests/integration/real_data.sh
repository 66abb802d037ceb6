#!/bin/sh
# real_data.sh BUILD_DIR: the district office reports about every unit, on two real data sets: the exam results of 626
# schools of Moscow and the conditions in 13,615 schools of Mali.  One table each goes through the office's own agent, which
# may speak for all (grant "*"), over the network to the hub; every cell of every indicator is then computed a second time
# by sqlite3 from the same file.  Any difference fails (invariants 3 and 5).  Then the same tables come once more as
# workbooks, made by LibreOffice (Gnumeric's are in workbooks.sh): not one value of them may be another, and no indicator.
set -eu
name=real-data
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
begin "$1"
data=$(cd "$here/../data" && pwd)
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
unset LANGUAGE
cd "$work"

office() { "$agent_program" "$@" --home "$work/office"; }
says() { # TEXT FILE
    grep -qF -- "$1" "$2" || {
        cat "$2" >&2
        fail "\"$1\" was expected in $2"
    }
}
count_is() { # WHAT NUMBER EXPECTED
    [ "$2" = "$3" ] || fail "$1: $2, expected $3"
}

make_hub "$data/packs/moscow"
# A copy in which the form is due in a third series that always has a period, beside one that has none now.
cp -r "$data/packs/moscow" moscow
sed -i 's/^period: .*/period: [school_year, exam_season, calendar_year]/; s/^version: "1"/version: "2"/' \
    moscow/forms/ege.yaml
hub programme load moscow >load.txt
hub programme load "$data/packs/mali" >load.txt
hub school add office --name 'Управление образования' --unit '*' --role office --invite office.invite >add.txt
"$agent_program" join office.invite --home "$work/office" >join.txt
start_hub

# ---- one table about all schools ----

office forms --format csv >forms.csv
count_is 'periods in which the form is due now' "$(grep -c '^ege,' forms.csv)" 2
moscow=$data/moscow_ege_2016/data-9722-2016-10-31.csv
if office submit ege --period 2015/16 --json /dev/null >out.txt 2>err.txt; then
    fail 'a form about schools was taken without a school'
fi
says 'say which unit this is about: --unit U' err.txt
began=$(now_ms)
office import ege --period 2015/16 --csv "$moscow" --map ege >out.txt 2>err.txt || {
    cat err.txt >&2
    fail 'the table of Moscow was refused'
}
says '626 submissions queued' out.txt
[ ! -s err.txt ] || fail 'the table of Moscow is not clean'
say "Moscow: imported in $(($(now_ms) - began)) ms"

# Gnumeric takes an apostrophe at the beginning of a cell for the mark of a text and drops it.
sed "s/,''ECOVA''/,ECOVA/" "$data/mali_schools/MLI_schools.csv" >MLI_schools.csv
mali=$work/MLI_schools.csv
if office import conditions --period survey-2015 --csv "$mali" --map conditions >out.txt 2>err.txt; then
    fail 'rows without a school were taken'
fi
says 'nothing was queued: 4 rows of 13619 have mistakes' err.txt
began=$(now_ms)
office import conditions --period survey-2015 --csv "$mali" --map conditions --accept-valid refused.csv \
    >out.txt 2>err.txt || {
    cat err.txt >&2
    fail 'the table of Mali was refused'
}
say "Mali: imported in $(($(now_ms) - began)) ms"
says '13615 submissions queued' out.txt
says '4 rows refused, see refused.csv' out.txt
# The four schools without a code, by the line each stands on, and nothing else; what contradicts itself is warned of.
awk -F , 'NR > 1 && $10 == "" {print NR}' "$mali" >without.txt
count_is 'schools without a code' "$(wc -l <without.txt)" 4
while read -r line; do
    says "MLI_schools.csv:$line:10: CODE_ETABLISSEMENT: the id of the unit that the row is about was expected" err.txt
done <without.txt
count_is 'rows written aside' "$(($(wc -l <refused.csv) - 1))" 4
count_is 'numbers of latrines that are not there' "$(grep -c 'latrine_count: warning: there are no latrines' err.txt)" 2
count_is 'latrines for girls that are not there' "$(grep -c 'girls_said: warning: there are no latrines' err.txt)" 13

# ---- to the hub ----

began=$(now_ms)
office sync >sync.txt 2>&1 || {
    cat sync.txt >&2
    fail 'the meeting failed'
}
say "Both: sent and counted in $(($(now_ms) - began)) ms"
count_is 'submissions received' "$(hub_figure submissions)" 14241
count_is 'submissions in quarantine' "$(hub_figure quarantined)" 0
count_is 'units' "$(hub_figure units)" 14241

# ---- the same numbers, by sqlite3 from the files alone ----

# All division is of whole numbers, half up to six places; a value that is rounded before it is added is so, too.
cat >indicators.sql <<SQL
.mode csv
.separator ;
.import "$moscow" moscow
.separator ,
.import "$mali" mali
.mode list
.separator |
CREATE TABLE okrugs (label TEXT, code TEXT);
INSERT INTO okrugs VALUES ('Центральный', 'cao'), ('Северный', 'sao'), ('Северо-Восточный', 'svao'),
    ('Восточный', 'vao'), ('Юго-Восточный', 'yuvao'), ('Южный', 'yuao'), ('Юго-Западный', 'yuzao'),
    ('Западный', 'zao'), ('Северо-Западный', 'szao'), ('Зеленоградский', 'zelao');
.mode csv
.import districts.csv districts
.mode list
CREATE TABLE s AS SELECT 'm' || ID AS unit, 'okrug=' || o.code AS okrug, 'district=' || d.code AS district,
        CAST(PASSED_NUMBER_FULL AS INTEGER) AS took, CAST(PASSER_UNDER_160 AS INTEGER) AS from160,
        CAST(PASSES_OVER_220 AS INTEGER) AS over220
    FROM moscow JOIN okrugs o ON AdmArea = o.label || ' административный округ' JOIN districts d ON District = d.label;
CREATE TABLE c AS SELECT 'ml' || CODE_ETABLISSEMENT AS unit, 'region=' || lower("Région") AS region,
        'cycle=' || iif(CYCLE LIKE '1er%', 'first', 'second') AS cycle,
        'status=' || CASE STATUT WHEN 'Public' THEN 'public' WHEN 'Communautaire' THEN 'community'
            WHEN 'Medersa' THEN 'medersa' WHEN 'Privé laïc' THEN 'private_lay' ELSE 'private_faith' END AS status,
        PRESENCE_LATRINES AS latrines, LATRINES_FILLES_SEPAREES AS apart, PRESENCE_RESTAURANT AS canteen,
        CAST(EAU_POTABLE AS INTEGER) AS water, CAST(TOTAL AS INTEGER) AS pupils, CAST(FILLES AS INTEGER) AS girls,
        CAST(NULLIF("NBRE ENSEIGNANTS", '') AS INTEGER) AS teachers
    FROM mali WHERE CODE_ETABLISSEMENT <> '';
-- What one school adds to one indicator: above the line, below it (NULL: there is none); breakdown.  100 times for shares.
CREATE TABLE adds AS
    SELECT 'MOS-01' AS indicator, unit, '2015/16' AS period, okrug AS part, 1 AS above, NULL AS below FROM s
    UNION ALL SELECT 'MOS-03', unit, '2015/16', okrug, 100 * (over220 = 0), 1 FROM s
    UNION ALL SELECT 'MOS-04', unit, '2015/16', okrug, (20000 * over220 + took) / (2 * took), 100 FROM s
    UNION ALL SELECT 'MOS-11', unit, '2015/16', district, took, NULL FROM s
    UNION ALL SELECT 'MOS-12', unit, '2015/16', okrug, 100 * from160, took FROM s
    UNION ALL SELECT 'MOS-13', unit, '2015/16', district, 100 * over220, took FROM s
    UNION ALL SELECT 'MOS-14', unit, '2015/16', okrug, 100 * (took - from160), took FROM s
    UNION ALL SELECT 'MOS-15', unit, '2015/16', okrug, 1000 * over220, from160 FROM s
    UNION ALL SELECT 'MLI-01', unit, 'survey-2015', region, 1, NULL FROM c
    UNION ALL SELECT 'MLI-02', unit, 'survey-2015', region, 100 * (latrines = '1'), 1 FROM c WHERE latrines <> ''
    UNION ALL SELECT 'MLI-03', unit, 'survey-2015', region, 100 * (apart = '1'), 1 FROM c
        WHERE latrines = '1' AND apart <> ''
    UNION ALL SELECT 'MLI-04', unit, 'survey-2015', region, 100 * (water <> 5), 1 FROM c WHERE water > 0
    UNION ALL SELECT 'MLI-05', unit, 'survey-2015', status, 100 * (water < 4), 1 FROM c WHERE water > 0
    UNION ALL SELECT 'MLI-06', unit, 'survey-2015', region, 100 * (canteen = '1'), 1 FROM c WHERE canteen <> ''
    UNION ALL SELECT 'MLI-11', unit, 'survey-2015', region, pupils, NULL FROM c
    UNION ALL SELECT 'MLI-12', unit, 'survey-2015', region, teachers, NULL FROM c WHERE teachers IS NOT NULL
    UNION ALL SELECT 'MLI-13', unit, 'survey-2015', region, pupils, teachers FROM c WHERE teachers IS NOT NULL
    UNION ALL SELECT 'MLI-14', unit, 'survey-2015', region, 100 * girls, pupils FROM c
    UNION ALL SELECT 'MLI-15', unit, 'survey-2015', region, 100 * iif(water = 5, pupils, 0), pupils FROM c
        WHERE water > 0
    UNION ALL SELECT 'MLI-16', unit, 'survey-2015', cycle, pupils, 1 FROM c;
-- Each adds to its unit and to the whole, there and in its part.
CREATE VIEW scoped AS SELECT 'unit' AS level, unit AS scope, '' AS breakdown, * FROM adds
    UNION ALL SELECT 'unit', unit, part, * FROM adds
    UNION ALL SELECT 'municipality', '', '', * FROM adds
    UNION ALL SELECT 'municipality', '', part, * FROM adds;
-- Value above / below, in whole numbers or in doubles; and how many submissions are behind it.
CREATE TABLE cells AS SELECT indicator, level, scope, period, breakdown, sum(above) AS above,
        ifnull(sum(below), 1) AS below, count(*) AS n
    FROM scoped GROUP BY indicator, level, scope, period, breakdown;
DELETE FROM cells WHERE below = 0; -- nothing to divide by

-- Schools judged one by one, and their share or number.
CREATE TABLE judged AS
    SELECT 'MOS-02' AS indicator, unit, '2015/16' AS period, 2 * from160 >= took AS holds, 100 AS times FROM s
    UNION ALL SELECT 'MOS-05', unit, '2015/16', 2 * from160 >= took, NULL FROM s
    UNION ALL SELECT 'MOS-06', unit, '2015/16',
        from160 * (SELECT sum(took) FROM s) >= took * (SELECT sum(from160) FROM s), 100 FROM s
    UNION ALL SELECT 'MLI-21', unit, 'survey-2015', pupils > 50 * teachers, 100 FROM c WHERE teachers > 0;
INSERT INTO cells SELECT indicator, 'unit', unit, period, '', holds * ifnull(times, 1), 1, 1 FROM judged;
INSERT INTO cells SELECT indicator, 'municipality', '', period, '', sum(holds) * ifnull(times, 1),
        iif(times IS NULL, 1, count(*)), count(*) FROM judged GROUP BY indicator;

-- Classes.
CREATE TABLE classed AS
    SELECT 'MOS-07' AS indicator, unit, '2015/16' AS period,
        CASE WHEN 100 * over220 >= 40 * took THEN 1 WHEN 100 * from160 >= 50 * took THEN 2 ELSE 3 END AS class FROM s
    UNION ALL SELECT 'MLI-22', unit, 'survey-2015', CASE WHEN water < 4 THEN 1 WHEN water = 4 THEN 2 ELSE 3 END FROM c
        WHERE water > 0;
CREATE TABLE classes (indicator TEXT, class INTEGER, code TEXT);
INSERT INTO classes VALUES ('MOS-07', 1, 'high'), ('MOS-07', 2, 'middle'), ('MOS-07', 3, 'low'),
    ('MLI-22', 1, 'all_year'), ('MLI-22', 2, 'part'), ('MLI-22', 3, 'none');
INSERT INTO cells SELECT indicator, 'unit', unit, period, '', class, 1, 1 FROM classed;
INSERT INTO cells SELECT k.indicator, 'municipality', '', period, 'class=' || code, sum(u.class = k.class), 1, count(*)
    FROM classed u JOIN classes k ON u.indicator = k.indicator GROUP BY k.indicator, k.class;

-- Medians: between the two in the middle.
CREATE TABLE listed AS
    SELECT 'MOS-08' AS indicator, unit, '2015/16' AS period, (20000 * over220 + took) / (2 * took) AS x, 100 AS scale FROM s
    UNION ALL SELECT 'MLI-25', unit, 'survey-2015', pupils, 1 FROM c;
INSERT INTO cells SELECT indicator, 'unit', unit, period, '', x, scale, 1 FROM listed;
WITH placed AS (SELECT *, row_number() OVER (PARTITION BY indicator ORDER BY x) AS place,
        count(*) OVER (PARTITION BY indicator) AS all_of FROM listed)
INSERT INTO cells SELECT indicator, 'municipality', '', period, '', sum(x), count(*) * scale, all_of FROM placed
    WHERE place IN ((all_of + 1) / 2, (all_of + 2) / 2) GROUP BY indicator;

-- Means and range of the schools' own values, and one group against the rest: in doubles, as the hub has them.
CREATE TABLE own AS
    SELECT 'MOS-21' AS indicator, unit, '2015/16' AS period, 100 * from160 AS above, took AS below FROM s
    UNION ALL SELECT 'MLI-23', unit, 'survey-2015', pupils, teachers FROM c WHERE teachers > 0;
INSERT INTO cells SELECT indicator, 'unit', unit, period, '', above, below, 1 FROM own;
INSERT INTO cells SELECT indicator, 'municipality', '', period, '', sum(1.0 * above / below), count(*), count(*)
    FROM own GROUP BY indicator;
INSERT INTO cells SELECT 'MOS-22', 'municipality', '', period, '', max(1.0 * above / below) - min(1.0 * above / below), 1,
        count(*) FROM own WHERE indicator = 'MOS-21';
INSERT INTO cells SELECT 'MLI-24', 'municipality', '', 'survey-2015', '',
        1.0 * sum(iif(status <> 'status=public', pupils, 0)) / sum(iif(status <> 'status=public', teachers, 0)) -
        1.0 * sum(iif(status = 'status=public', pupils, 0)) / sum(iif(status = 'status=public', teachers, 0)), 1, count(*)
    FROM c WHERE teachers IS NOT NULL;

WITH exact AS (SELECT *, CASE WHEN typeof(above) = 'integer' THEN (2000000 * above + below) / (2 * below)
        ELSE CAST(floor(1000000.0 * above / below + 0.5) AS INTEGER) END AS millionths FROM cells)
SELECT indicator, level, scope, period, breakdown, printf('%s%d.%06d', iif(millionths < 0, '-', ''),
        abs(millionths) / 1000000, abs(millionths) % 1000000), n FROM exact;
SQL
# The codes of the city's districts are the form's.
sed -n 's/^    - {code: \([a-z-]*\), label: "\(.*айон.*\)"}$/\1,\2/p' "$data/packs/moscow/forms/ege.yaml" >districts.txt
{ echo code,label && cat districts.txt; } >districts.csv
count_is 'districts of the city' "$(wc -l <districts.txt)" 125

began=$(now_ms)
hub_cells hub.cells
say "Indicators read in $(($(now_ms) - began)) ms"
sqlite3 -batch csv.db <indicators.sql 2>sql.txt | sort >sqlite.cells
[ -s sqlite.cells ] || {
    cat sql.txt >&2
    fail 'sqlite3 computed nothing'
}
if ! cmp -s hub.cells sqlite.cells; then
    diff hub.cells sqlite.cells | head -n 40 >&2
    fail 'the indicators differ'
fi
say "Cells compared: $(wc -l <hub.cells), differences: 0"

# ---- a unit that only its submissions name can be asked for, and every unit is expected ----

some=$(awk -F ';' 'NR == 2 {gsub(/"/, "", $4); print "m" $4}' "$moscow")
hub explain MOS-11 --period 2015/16 --unit "$some" >explain.txt 2>err.txt || {
    cat err.txt >&2
    fail 'explain does not know the school'
}
says 'Submissions behind it: 1' explain.txt
if hub indicators --indicator MOS-11 --unit "${some}0000000" >out.txt 2>err.txt; then
    fail 'a school that nobody named is known'
fi
says 'there is no unit' err.txt
hub indicators --indicator MOS-11 --period 2015/16 --level municipality --format csv >out.csv 2>err.txt
awk -F , 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next}
    $at["breakdown"] == "" {print $at["reported"], $at["expected"]}' out.csv >expected.txt
# The office speaks for every unit that the hub knows, those of Mali included: there is no roster to tell them apart.
count_is 'schools reported and expected' "$(cat expected.txt)" '626 14241'

# ---- the same tables as workbooks of another program change nothing ----

as_workbook() { # FORM PERIOD TABLE ROWS [OPTION...]
    as_form=$1
    as_period=$2
    as_table=$3
    as_rows=$4
    shift 4
    began=$(now_ms)
    office import "$as_form" --period "$as_period" --xlsx "books/$as_table.xlsx" --map "$as_form" "$@" >out.txt 2>err.txt || {
        cat err.txt >&2
        fail "the workbook of $as_form was refused"
    }
    says "new: 0, changed: 0, as they were: $as_rows, no longer in the table: 0" err.txt
    says "$as_rows submissions queued" out.txt
    say "$as_form: $as_rows rows of a workbook by $by alike, in $(($(now_ms) - began)) ms"
}
with_commas "$moscow" ';' moscow.csv
mkdir books
if command -v soffice >/dev/null 2>&1; then
    by=LibreOffice
    by_libreoffice books moscow.csv MLI_schools.csv
else
    say "$name: WITHOUT LibreOffice, LOUDLY: soffice is not installed, Gnumeric makes the workbooks"
    by=Gnumeric
    for table in moscow MLI_schools; do by_gnumeric $table.csv books/$table.xlsx; done
fi
as_workbook ege 2015/16 moscow 626
as_workbook conditions survey-2015 MLI_schools 13615 --accept-valid refused-xlsx.csv
count_is 'schools without a code, by their cell' "$(grep -c 'cell J[0-9]*: CODE_ETABLISSEMENT: the id of the unit' err.txt)" 4
office sync >sync.txt 2>&1
hub_cells again.cells
cmp -s hub.cells again.cells || fail 'the same tables as workbooks give other indicators'
began=$(now_ms)
verify_clean office
say "Verified in $(($(now_ms) - began)) ms"
stop_hub
