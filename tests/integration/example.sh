#!/bin/sh
# example.sh BUILD_DIR: three schools, two school years, nine indicators worked out by hand, from answers that travelled
# from agents to a hub (invariants 3 and 5).  The arithmetic stands beside each expected value.
set -eu
name=example
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/lib.sh"
[ $# -ge 1 ] || {
    warn 'usage: example.sh BUILD_DIR'
    exit 2
}
begin "$1"
cd "$work"
hub_home=$work/hub
y1=2020/21
y2=2021/22
free_port
"$hub_program" init --home hub --name Example --listen "tcp://127.0.0.1:$port" </dev/null >/dev/null
"$hub_program" programme load "$here/../data/packs/example" --home hub >/dev/null
for unit in a b c; do
    "$hub_program" school add "$unit" --name "School $unit" --invite "$unit.invite" --home hub >/dev/null
done
"$hub_program" school add office --name Office --unit '*' --role office --invite office.invite --home hub >/dev/null
for who in a b c office; do
    "$agent_program" join "$who.invite" --home "$who" >/dev/null
    "$agent_program" forms --home "$who" --format csv | sed 1d | cut -d , -f 1 | sort -u >"forms-$who.txt"
done
# Each is shown the forms that are its own to fill in.
if grep -qxFf forms-office.txt forms-a.txt || ! grep -qx marks forms-a.txt || ! [ -s forms-office.txt ]; then
    cat forms-a.txt forms-office.txt >&2
    fail 'a school is shown what the office fills in, or the other way round'
fi

submit() { # WHO FORM PERIOD JSON
    printf '%s' "$4" | "$agent_program" submit "$2" --home "$1" --period "$3" --json - >/dev/null ||
        fail "$1: $2 was refused"
}
rows() { # WHO FORM PERIOD CSV
    "$agent_program" import "$2" --home "$1" --period "$3" --csv "$4" >/dev/null 2>import.txt || {
        cat import.txt >&2
        fail "$1: $2 was refused"
    }
}

# assessed, only 4 and 5; lowered, confirmed, raised; participants, sum of marks
results() { # UNIT PERIOD A B L C R N S
    submit "$1" marks "$2" "{\"rows\": [{\"grade\": 5, \"group\": \"all\", \"subject\": \"all\", \"assessed\": $3,
        \"only_4_5\": $4, \"failing\": 0}]}"
    all=$(($5 + $6 + $7))
    submit "$1" vpr "$2" "{\"rows\": [{\"grade\": 5, \"subject\": \"math\", \"participants\": $all, \"mark_2\": 0,
        \"mark_3\": $all, \"mark_4\": 0, \"mark_5\": 0, \"lowered\": $5, \"confirmed\": $6, \"raised\": $7}]}"
    submit "$1" exam "$2" "{\"rows\": [{\"exam\": \"oge\", \"subject\": \"math\", \"participants\": $8,
        \"score_sum\": $9, \"below_min\": 0, \"high\": 0, \"after_resit\": false}]}"
}
results a $y1 54 15 20 16 2 6 18
results a $y2 56 20 19 18 3 5 16
results b $y1 31 9 11 12 1 4 13
results b $y2 30 8 12 9 1 3 9
results c $y1 130 52 44 43 5 10 37
results c $y2 133 57 41 49 6 15 54

families() { # UNIT PUPILS HE ONE_PARENT REGISTERS NON_NATIVE
    submit "$1" soc soc-2022-05-01 "{\"pupils\": $2, \"both_parents_he\": $3, \"one_parent_family\": $4,
        \"on_registers\": $5, \"non_native_russian\": $6, \"from_abroad\": 0, \"large_family\": 0, \"low_income\": 0,
        \"large_or_low_income\": 0, \"aoop\": 0, \"intellectual\": 0, \"risk_zone\": 0,
        \"risk_zone_in_large_or_low\": 0, \"parents\": $2, \"parents_worker\": 0,
        \"parents_secondary_or_vocational\": 0, \"parents_no_vocational\": 0}"
}
families a 62 9 17 2 1
families b 34 3 11 1 0
families c 148 44 36 3 9

# TEACHERS of whom the last OTHER have their main place elsewhere; course rows for the teachers named
staff() { # UNIT TEACHERS OTHER
    awk -v n="$2" -v other="$3" 'BEGIN {
        print "teacher,post,main_place,inner_part_time,subject,education,category,seniority,age,load_hours,matches_subject"
        for (i = 1; i <= n; i++)
            printf "T%02d,teacher,%s,no,math,higher,first,y4_10,a30_54,h18_25,yes\n", i, (i > n - other ? "no" : "yes")
    }' >staff.csv
    rows "$1" staff $y2 staff.csv
}
courses() { # UNIT TEACHER...
    unit=$1
    shift
    echo 'row,kind,topic,active_methods,hours,start_date,end_date,document' >pd.csv
    n=0
    for teacher in "$@"; do
        n=$((n + 1))
        echo "$teacher-$n,course,modern_methods,yes,36,2021-10-01,2021-10-20,yes" >>pd.csv
    done
    rows "$unit" pd $y2 pd.csv
}
staff a 14 0
staff b 9 1
staff c 22 0
courses a T01 T01 T02 T02 T03 T04             # 6 rows, 4 teachers
courses b T01 T01 T09                         # 3 rows, 2 teachers, T09 with the main place elsewhere
courses c T01 T01 T02 T03 T04 T05 T05 T06 T07 # 9 rows, 7 teachers

answers() { # UNIT ALL OF_THEM_1_OR_2
    awk -v n="$2" -v low="$3" 'BEGIN {
        print "group,band,q1,q2,q3,q4,q5,q6,q7,q8,q9,q10,q11,q12"
        for (i = 1; i <= n; i++) printf "pupil,b5_9,%d,0,0,0,0,0,0,0,0,0,0,0\n", i <= low ? 1 + i % 2 : 3 + i % 2
    }' >answers.csv
    rows "$1" survey-bos $y2 answers.csv
}
answers a 24 9
answers b 4 2
answers c 60 20

cat >roster.csv <<'CSV'
unit_id,name,kind,settlement,status,since,small,remote
a,School A,secondary,village,active,1990-09-01,yes,no
b,School B,basic,village,active,1990-09-01,yes,yes
c,School C,secondary,township,active,1990-09-01,no,no
CSV
rows office roster $y1 roster.csv
cat >ref.csv <<'CSV'
row,value,source,date
mean-region-oge-math,3.40,Region,2022-08-20
CSV
rows office ref $y2 ref.csv

start_hub
for who in office a b c; do
    "$agent_program" sync --home "$who" >/dev/null 2>sync.txt || {
        cat sync.txt >&2
        fail "$who could not send"
    }
done
"$hub_program" indicators --home hub --programme example --format csv >lines.csv 2>/dev/null

# Of anonymous answers the table says how many there are; of the four of b nothing else, and no total gives them away.
"$hub_program" table survey-bos --home hub --period $y2 --format csv >table.csv 2>/dev/null
grep -q '^unit,a,School A,[a-z]*,24,0,24,24,' table.csv && grep -q '^unit,b,School B,[a-z]*,4,0,,,,,,,,,,,,,,$' table.csv &&
    grep -q '^total,,,,88,,84,84,' table.csv || {
    cat table.csv >&2
    fail 'the table of anonymous answers'
}

bad=0
expect_value() { # INDICATOR UNIT PERIOD BREAKDOWN VALUE NUMERATOR/DENOMINATOR|-
    got=$(awk -F, -v i="$1" -v u="$2" -v p="$3" -v b="$4" '$2 == i && $4 == u && $5 == p && $6 == b {print $7 " " $8 "/" $9}' lines.csv)
    case $6 in
    -) [ "${got%% *}" = "$5" ] || { warn "$1 $2 $3 $4: expected $5, found $got"; bad=$((bad + 1)); } ;;
    *) [ "$got" = "$5 $6" ] || { warn "$1 $2 $3 $4: expected $5 $6, found $got"; bad=$((bad + 1)); } ;;
    esac
}
# 1. quality rate
expect_value E1 a $y2 '' 35.714286 20/56
expect_value E1 b $y2 '' 26.666667 8/30
expect_value E1 c $y2 '' 42.857143 57/133
expect_value E1 '' $y2 '' 38.812785 85/219  # (20 + 8 + 57) / (56 + 30 + 133)
expect_value E1 '' $y2 'mean=schools' 35.079365 - # (35.714286 + 26.666667 + 42.857143) / 3
expect_value E1 '' $y1 '' 35.348837 76/215  # (15 + 9 + 52) / (54 + 31 + 130)
# 2. 38.812785 - 35.348837; 85/219 : 76/215 - 1 = 1631 / 16644
expect_value E2 '' $y2 '' 3.463948 -
expect_value E2 '' $y2 'as=percent' 9.799327 -
# 3. only C reaches 38.81; A and C reach 35.08
expect_value E3 '' $y2 '' 33.333333 1/3
expect_value E3 '' $y2 'mean=schools' 66.666667 2/3
# 4. 72 of 158 works; with the raised ones 82; a year before 75 of 154
expect_value E4 '' $y2 '' 45.569620 72/158
expect_value E4 '' $y2 'variant=with_raised' 51.898734 82/158
expect_value E4 '' $y1 '' 48.701299 75/154
# 5. 16/5, 9/3, 54/15 against 3.40: A and B are below; the district 79/23 is 0.034783 above
expect_value E5 a $y2 'of=mean' 3.200000 -
expect_value E5 b $y2 'of=mean' 3.000000 -
expect_value E5 c $y2 'of=mean' 3.600000 -
expect_value E5 '' $y2 'of=schools' 66.666667 2/3
expect_value E5 '' $y2 'of=difference' 0.034783 -
# 6. A rose in 3 of 3, B in 0, C in 2
expect_value E6 '' $y2 '' 66.666667 2/3
expect_value E6 '' $y2 'rule=all' 33.333333 1/3
# 7. A (9/62, 1 - 17/62, 1 - 2/62, 1 - 1/62) / 4 ...; the district from 56, 64, 6, 10 of 244
expect_value E7 a $y2 '' 70.564516 -
expect_value E7 b $y2 '' 68.382353 -
expect_value E7 c $y2 '' 74.324324 -
expect_value E7 '' $y2 '' 72.540984 -
expect_value E7 '' $y2 'mean=schools' 71.090398 -
expect_value E7 a $y2 'weights=unequal' 59.354839 -
expect_value E7 b $y2 'weights=unequal' 56.470588 -
expect_value E7 c $y2 'weights=unequal' 65.405405 -
expect_value E7 '' $y2 'weights=unequal' 62.622951 -
# 8. 4/14, 2/9, 7/22; the district (4 + 1 + 7) / (14 + 8 + 22); rows 18/45, schools added 13/45
expect_value E8 a $y2 '' 28.571429 4/14
expect_value E8 b $y2 '' 22.222222 2/9
expect_value E8 c $y2 '' 31.818182 7/22
expect_value E8 '' $y2 '' 27.272727 12/44
expect_value E8 '' $y2 'wrong=rows' 40.000000 18/45
expect_value E8 '' $y2 'wrong=schools' 28.888889 13/45
# 9. 9/24, 20/60; B has four answers: no value; the district (9 + 2 + 20) / (24 + 4 + 60)
expect_value E9 a $y2 '' 37.500000 9/24
expect_value E9 c $y2 '' 33.333333 20/60
expect_value E9 '' $y2 '' 35.227273 31/88
[ "$(awk -F, '$2 == "E9" && $4 == "b" && $5 == "2021/22" {print $7 $11}' lines.csv)" = no-data ] || {
    warn 'E9 b: four answers must not give a value'
    bad=$((bad + 1))
}
[ "$bad" = 0 ] || fail "$bad values differ from those worked out by hand"
"$hub_program" verify --home hub >/dev/null || fail 'the ledger does not verify'
stop_hub
say 'example: all nine indicators are as worked out by hand'
