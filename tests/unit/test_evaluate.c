/* test_evaluate.c: the example of three schools whole, and what every kind has in common: the roster, mergers, exact
 * sums and rounding, the order of the listing, inputs (invariants 3 and 5). */
#include "tests/unit/evaluate_fixture.h"

#define Y0 "2018/19"
#define Y1 "2019/20"
#define Y2 "2020/21"

/* ---- the example of three schools ---- */

struct raw {
    const char *unit, *period;
    int64_t assessed, good, lowered, confirmed, raised, takers, marks;
};
static const struct raw raws[] = {
    {"A", Y1, 54, 15, 20, 16, 2, 6, 18}, {"A", Y2, 56, 20, 19, 18, 3, 5, 16},   {"B", Y1, 31, 9, 11, 12, 1, 4, 13},
    {"B", Y2, 30, 8, 12, 9, 1, 3, 9},    {"C", Y1, 130, 52, 44, 43, 5, 10, 37}, {"C", Y2, 133, 57, 41, 49, 6, 15, 54},
};
struct social {
    const char *unit;
    int64_t pupils, both_he, one_parent, registers, non_native;
    int staff, main, course_rows, trained, trained_main;
    int64_t answers, positive;
};
static const struct social socials[] = {{"A", 62, 9, 17, 2, 1, 14, 14, 6, 4, 4, 24, 9},
                                        {"B", 34, 3, 11, 1, 0, 9, 8, 3, 2, 1, 4, 2},
                                        {"C", 148, 44, 36, 3, 9, 22, 22, 9, 7, 7, 60, 20}};

static void put_raw(struct world *w, const struct raw *r)
{
    cell(w, "assessed", r->unit, r->period, r->assessed, 1);
    cell(w, "good", r->unit, r->period, r->good, 1);
    cell(w, "lowered", r->unit, r->period, r->lowered, 1);
    cell(w, "confirmed", r->unit, r->period, r->confirmed, 1);
    cell(w, "raised", r->unit, r->period, r->raised, 1);
    cell(w, "takers", r->unit, r->period, r->takers, 1);
    cell(w, "marks", r->unit, r->period, r->marks, 1);
}

/* Teachers T0, T1, ...: the first `main` have their main place there; of those that took a course, the first
 * `trained_main`, and then from the end. */
static void put_teachers(struct world *w, const struct social *s)
{
    char code[16];

    for (int i = 0; i < s->staff; i++) {
        (void)snprintf(code, sizeof(code), "T%u", (unsigned)i & 0xFFu);
        key(w, "teachers", s->unit, Y2, code, 0);
        if (i < s->main) {
            key(w, "teachers", s->unit, Y2, code, 1);
            key(w, "trained", s->unit, Y2, code, 1);
        }
        if (i < s->trained_main || i >= s->staff - (s->trained - s->trained_main))
            key(w, "trained", s->unit, Y2, code, 0);
    }
    cell(w, "staff_rows", s->unit, Y2, s->staff, (uint64_t)s->staff);
    cell(w, "course_rows", s->unit, Y2, s->course_rows, (uint64_t)s->course_rows);
}

static void put_social(struct world *w, const struct social *s)
{
    cell(w, "pupils", s->unit, Y2, s->pupils, 1);
    cell(w, "both_he", s->unit, Y2, s->both_he, 1);
    cell(w, "one_parent", s->unit, Y2, s->one_parent, 1);
    cell(w, "registers", s->unit, Y2, s->registers, 1);
    cell(w, "non_native", s->unit, Y2, s->non_native, 1);
    cell(w, "ZHG-35", s->unit, Y2, s->positive, (uint64_t)s->answers);
    cell(w, "ZHG-35/given", s->unit, Y2, s->answers, (uint64_t)s->answers);
    put_teachers(w, s);
}

static struct world *open_three(void)
{
    struct world *w = open_example("E");

    three_schools(w);
    for (size_t i = 0; i < COUNT(raws); i++)
        put_raw(w, &raws[i]);
    for (size_t i = 0; i < COUNT(socials); i++)
        put_social(w, &socials[i]);
    cell(w, "region", UNIT_DISTRICT, Y2, 340, 1);
    return w;
}

static void e_1_and_2_the_quality_rate_pooled_and_mean_and_its_change(void **state)
{
    struct world *w = open_three();

    (void)state;
    expect(w, "ZHG-08", "A", Y2, "35.714286 = 20/56");
    expect(w, "ZHG-08", "B", Y2, "26.666667 = 8/30");
    expect(w, "ZHG-08", "C", Y2, "42.857143 = 57/133");
    expect(w, "ZHG-08", NULL, Y2, "38.812785 = 85/219"); /* 20 + 8 + 57; 56 + 30 + 133 */
    expect(w, "ZHG-08-mean", NULL, Y2, "35.079365");     /* 105.2380952 / 3 */
    expect(w, "ZHG-08", NULL, Y1, "35.348837 = 76/215"); /* 15 + 9 + 52; 54 + 31 + 130 */
    expect(w, "ZHG-46", NULL, Y2, "3.463948");           /* 38.8127854 - 35.3488372 */
    expect(w, "ZHG-46-percent", NULL, Y2, "9.799327");   /* 3.4639482 / 35.3488372 * 100 */
    done(w);
}

static void e_3_the_choice_of_the_mean_doubles_a_two_level_share(void **state)
{
    struct world *w = open_three();

    (void)state;
    expect(w, "ZHG-09", NULL, Y2, "33.333333 = 1/3");
    expect(w, "ZHG-09-mean", NULL, Y2, "66.666667 = 2/3");
    done(w);
}

static void e_4_marks_that_are_not_confirmed(void **state)
{
    struct world *w = open_three();

    (void)state;
    expect(w, "ZHG-10", "A", Y2, "47.500000 = 19/40");
    expect(w, "ZHG-10", "B", Y2, "54.545455 = 12/22");
    expect(w, "ZHG-10", "C", Y2, "42.708333 = 41/96");
    expect(w, "ZHG-10", NULL, Y2, "45.569620 = 72/158");      /* 19 + 12 + 41; 40 + 22 + 96 */
    expect(w, "ZHG-10-both", NULL, Y2, "51.898734 = 82/158"); /* and 3 + 1 + 6 raised */
    expect(w, "ZHG-10", NULL, Y1, "48.701299 = 75/154");      /* 20 + 11 + 44; 38 + 24 + 92 */
    done(w);
}

static void e_5_most_schools_are_below_the_region_and_the_district_is_above(void **state)
{
    struct world *w = open_three();

    (void)state;
    expect(w, "exam", "A", Y2, "3.200000 = 16/5");
    expect(w, "exam", "B", Y2, "3.000000 = 9/3");
    expect(w, "exam", "C", Y2, "3.600000 = 54/15");
    expect(w, "ZHG-13", NULL, Y2, "66.666667 = 2/3");
    expect(w, "exam", NULL, Y2, "3.434783 = 79/23");
    expect(w, "exam-gap", NULL, Y2, "0.034783");
    done(w);
}

static enum err take_status(void *ctx, const struct indicator_line *l)
{
    *(enum target_status *)ctx = l->status;
    return OK;
}

static void e_6_two_of_three_signs_are_above_the_range_of_the_year(void **state)
{
    struct world *w = open_three();
    const struct indicator_query q = {.indicator = "ZHG-07", .period = Y2, .level = LEVEL_MUNICIPALITY};
    enum target_status status = TARGET_NONE;

    (void)state;
    expect(w, "ZHG-07", "A", Y2, "100.000000 = 1/1"); /* 27.78 -> 35.71, 52.63 -> 47.50, 3.00 -> 3.20 */
    expect(w, "ZHG-07", "B", Y2, "0.000000 = 0/1");   /* 29.03 -> 26.67, 45.83 -> 54.55, 3.25 -> 3.00 */
    expect(w, "ZHG-07", "C", Y2, "100.000000 = 1/1"); /* 40.00 -> 42.86, 47.83 -> 42.71, 3.70 -> 3.60 */
    expect(w, "ZHG-07", NULL, Y2, "66.666667 = 2/3");
    expect(w, "ZHG-07-all", NULL, Y2, "33.333333 = 1/3");
    expect(w, "ZHG-07", NULL, Y1, "-: no data"); /* nobody has a year before */
    MUST(evaluation_lines(evaluation_of(w), &q, take_status, &status));
    assert_int_equal(status, TARGET_ABOVE);
    done(w);
}

static void e_7_the_index_of_social_well_being(void **state)
{
    struct world *w = open_three();

    (void)state;
    /* A: (900/62 + 100 - 1700/62 + 100 - 200/62 + 100 - 100/62) / 4 = (14.5161 + 72.5806 + 96.7742 + 98.3871) / 4 */
    expect(w, "KOR-01", "A", Y2, "70.564516");
    expect(w, "KOR-01", "B", Y2, "68.382353"); /* (8.8235 + 67.6471 + 97.0588 + 100) / 4 */
    expect(w, "KOR-01", "C", Y2, "74.324324"); /* (29.7297 + 75.6757 + 97.9730 + 93.9189) / 4 */
    /* From 56, 64, 6 and 10 of 244: (22.9508 + 73.7705 + 97.5410 + 95.9016) / 4 */
    expect(w, "KOR-01", NULL, Y2, "72.540984");
    expect(w, "KOR-01-mean", NULL, Y2, "71.090398"); /* 213.2711935 / 3 */
    expect(w, "KOR-01-weighted", "A", Y2, "59.354839");
    expect(w, "KOR-01-weighted", "B", Y2, "56.470588");
    expect(w, "KOR-01-weighted", "C", Y2, "65.405405");
    expect(w, "KOR-01-weighted", NULL, Y2, "62.622951"); /* 0.4 * 22.9508 + 0.2 * 267.2131 */
    done(w);
}

static void e_8_distinct_teachers_are_not_rows(void **state)
{
    struct world *w = open_three();

    (void)state;
    expect(w, "VSH-05", "A", Y2, "28.571429 = 4/14");
    expect(w, "VSH-05", "B", Y2, "22.222222 = 2/9");
    expect(w, "VSH-05", "C", Y2, "31.818182 = 7/22");
    expect(w, "VSH-05", NULL, Y2, "27.272727 = 12/44"); /* 4 + 1 + 7; 14 + 8 + 22 */
    expect(w, "VSH-05-rows", NULL, Y2, "40.000000 = 18/45");
    done(w);
}

static void e_9_a_school_below_the_minimum_counts_in_the_district(void **state)
{
    struct world *w = open_three();

    (void)state;
    expect(w, "ZHG-35", "A", Y2, "37.500000 = 9/24");
    expect(w, "ZHG-35", "B", Y2, "-: too few answers");
    expect(w, "ZHG-35", "C", Y2, "33.333333 = 20/60");
    expect(w, "ZHG-35", NULL, Y2, "35.227273 = 31/88");
    done(w);
}

/* ---- the roster ---- */

static const char simple[] =
    "base_period: {school_year: 2018/19}\n"
    "parameters: {limit: 30}\n"
    "variables:\n"
    "  - {id: good, form: marks, rows: rows, value: \"${only_4_5}\"}\n"
    "  - {id: assessed, form: marks, rows: rows, value: \"${assessed}\"}\n"
    "  - {id: by_subject, form: marks, rows: rows, value: \"${assessed}\", by: subject}\n"
    "  - {id: ref, form: reference, value: \"${mean}\", places: 2}\n"
    "  - {id: loads, kind: values, form: staff, value: \"${load}\"}\n"
    "indicators:\n"
    "  - {id: Q, name: Q, kind: share, numerator: \"${good}\", denominator: \"${assessed}\"}\n"
    "  - {id: D, name: D, kind: change, of: Q, against: previous}\n"
    "  - {id: M, name: M, kind: formula, value: \"${Q}\", rollup: mean}\n"
    "  - {id: MD, name: MD, kind: change, of: M, against: previous, level: municipality}\n"
    "  - {id: S, name: S, kind: sum, value: \"${by_subject}\", breakdown: true}\n"
    "  - {id: R, name: R, kind: sum, value: \"${ref}\", level: municipality}\n"
    "  - {id: H, name: H, kind: formula, value: \"${Q} div (${Q} - ${Q})\", hidden: true}\n"
    "  - {id: L, name: L, kind: units, condition: \"${Q} < ${param.limit}\"}\n"
    "  - {id: V, name: V, kind: formula, value: \"${n.loads}\"}\n"
    "  - {id: CY, name: CY, kind: formula, value: \"${Q}\", period: calendar_year}\n"
    "  - {id: CB, name: CB, kind: formula, value: \"${Q}\", period: calendar_year, align: begun}\n"
    "  - {id: BQ, name: BQ, kind: change, of: Q, against: base, base: {value: 34, period: 2018/19, compare: true}}\n";

static void rate(struct world *w, const char *unit, const char *period, int64_t good, int64_t assessed)
{
    cell(w, "good", unit, period, good, 1);
    cell(w, "assessed", unit, period, assessed, 1);
}

static void a_school_outside_the_roster_of_the_period_is_not_counted_and_said_to_be_left_out(void **state)
{
    struct world *w = open_text(simple);

    (void)state;
    school(w, "A", NULL, NULL, NULL);
    school(w, "B", NULL, "2020-08-31", NULL); /* closed before 2020/21 */
    rate(w, "A", Y1, 1, 4);
    rate(w, "B", Y1, 3, 4);
    rate(w, "A", Y2, 2, 4);
    rate(w, "B", Y2, 4, 4);
    rate(w, "Z", Y2, 4, 4); /* nobody knows it */
    expect(w, "Q", NULL, Y1, "50.000000 = 4/8");
    expect_units(w, "Q", Y1, 2, 2, 0);
    expect(w, "Q", NULL, Y2, "50.000000 = 2/4");
    expect_units(w, "Q", Y2, 1, 1, 2);
    expect(w, "Q", "B", Y2, "-: not in the roster in this period");
    expect(w, "M", NULL, Y1, "50.000000"); /* (25 + 75) / 2 */
    expect(w, "MD", NULL, Y2, "0.000000"); /* 50 - 50: each year with its own schools */
    done(w);
}

static void without_a_roster_everybody_who_has_cells_counts(void **state)
{
    struct world *w = open_text(simple);

    (void)state;
    rate(w, "A", Y2, 2, 4);
    rate(w, "Z", Y2, 4, 4);
    expect(w, "Q", NULL, Y2, "75.000000 = 6/8");
    expect_units(w, "Q", Y2, 2, 2, 0);
    done(w);
}

static void what_a_form_does_not_hold_is_none_where_it_was_sent_and_unknown_where_it_was_not(void **state)
{
    struct world *w = open_text("variables:\n"
                                "  - {id: zero, form: staff, where: \"${main_place}\", absent: 0}\n"
                                "  - {id: known, form: staff, where: \"${main_place}\", value: \"${load}\"}\n"
                                "  - {id: codes, kind: keys, form: training, key: \"${code}\"}\n"
                                "indicators:\n"
                                "  - {id: Z, name: Z, kind: sum, value: \"${zero}\"}\n"
                                "  - {id: K, name: K, kind: sum, value: \"${known}\"}\n"
                                "  - {id: C, name: C, kind: sum, value: \"${codes}\"}\n");

    (void)state;
    three_schools(w);
    cell(w, "zero", "A", Y2, 3, 3);
    sent(w, "zero", "B", Y2, 0);
    sent(w, "codes", "B", Y2, 0);
    key(w, "codes", "A", Y2, "t1", 0);
    expect(w, "Z", "A", Y2, "3.000000 = 3");
    expect(w, "Z", "B", Y2, "0.000000 = 0"); /* sent, and nobody is at the main place */
    expect(w, "Z", "C", Y2, "-: no data");
    expect(w, "Z", NULL, Y2, "3.000000 = 3");
    expect_units(w, "Z", Y2, 2, 3, 0);
    expect(w, "K", "A", Y2, "-: no data"); /* without `absent` nothing found is not known */
    expect(w, "C", "A", Y2, "1.000000 = 1");
    expect(w, "C", "B", Y2, "0.000000 = 0"); /* an empty list was sent */
    expect(w, "C", "C", Y2, "-: no data");
    expect_units(w, "C", Y2, 2, 3, 0);
    done(w);
}

static void a_share_of_the_roster_says_nothing_of_a_period_that_nobody_spoke_of(void **state)
{
    struct world *w = open_text("variables:\n"
                                "  - {id: good, form: marks, rows: rows, value: \"${only_4_5}\"}\n"
                                "indicators:\n"
                                "  - {id: U, name: U, kind: units, condition: \"${good} > 0\", among: roster}\n");

    (void)state;
    three_schools(w);
    cell(w, "good", "A", Y2, 1, 1);
    expect(w, "U", NULL, Y2, "33.333333 = 1/3");
    expect(w, "U", NULL, Y1, "-: no data");
    done(w);
}

static void put_merger(struct world *w)
{
    school(w, "A", NULL, NULL, NULL);
    school(w, "B", NULL, "2020-08-31", "A");
    rate(w, "A", Y1, 10, 40);
    rate(w, "B", Y1, 20, 60);
    rate(w, "A", Y2, 45, 100);
}

static void a_merged_schools_earlier_value_is_that_of_both_schools_together(void **state)
{
    struct world *w = open_text(simple);

    (void)state;
    put_merger(w);
    expect(w, "Q", "A", Y1, "25.000000 = 10/40"); /* asked for itself, the year is what it was */
    expect(w, "D", "A", Y2, "15.000000");         /* 45 - (10 + 20) / (40 + 60) * 100 = 45 - 30 */
    expect(w, "D", NULL, Y2, "15.000000");
    done(w);
}

static void across_a_merger_there_is_no_earlier_value_where_the_programme_says_so(void **state)
{
    char text[sizeof(simple) + 32];
    struct world *w;

    (void)state;
    (void)snprintf(text, sizeof(text), "merger: none\n%s", simple);
    w = open_text(text);
    put_merger(w);
    expect(w, "D", "A", Y2, "-: an earlier value is missing");
    expect(w, "D", NULL, Y2, "15.000000"); /* the district was not merged */
    done(w);
}

static void a_relation_needs_an_end_in_the_roster_or_two_where_both_are_asked_for(void **state)
{
    struct world *w = open_example("L-22");
    static const char *const variables[] = {"agreements", "inside"};

    (void)state;
    school(w, "A", NULL, NULL, NULL);
    school(w, "B", NULL, "2020-08-31", NULL); /* closed */
    school(w, "C", NULL, NULL, NULL);
    for (size_t i = 0; i < COUNT(variables); i++) {
        relation(w, variables[i], "A", Y2, "1", "B"); /* one end is there */
        relation(w, variables[i], "B", Y2, "2", "");  /* none */
        relation(w, variables[i], "A", Y2, "3", "C"); /* both */
        relation(w, variables[i], "A", Y2, "4", "A"); /* with itself: one end, and no other */
    }
    expect(w, "ZHG-56", "A", Y2, "3.000000 = 3");
    expect(w, "ZHG-56", NULL, Y2, "3.000000 = 3"); /* 1, 3 and 4 */
    expect(w, "ZHG-58", "A", Y2, "1.000000 = 1");  /* 3: one school is not two */
    expect(w, "ZHG-58", NULL, Y2, "1.000000 = 1");
    done(w);
}

/* ---- numbers ---- */

static void values_are_rounded_once_half_up_towards_plus_infinity(void **state)
{
    static const struct {
        int64_t a, b, expected;
    } cases[] = {{5, 2, 3},   {-5, 2, -2}, {7, 3, 2}, {-7, 3, -2}, {8, 3, 3},
                 {-8, 3, -3}, {0, 5, 0},   {1, 2, 1}, {-1, 2, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(divide_half_up(cases[i].a, cases[i].b) == cases[i].expected);
    assert_true(divide_half_up(((i128)1 << 126) - 1, (i128)1 << 126) == 1); /* 2a would not fit */
}

static void sums_beyond_a_double_stay_exact_and_beyond_128_bits_have_no_value(void **state)
{
    struct world *w = open_text(simple);

    (void)state;
    three_schools(w);
    /* 10^17 + 1 of 10^17: a double would lose the one. */
    rate(w, "A", Y2, INT64_C(100000000000000001), INT64_C(100000000000000000));
    expect(w, "Q", "A", Y2, "100.000000 = 100000000000000001/100000000000000000");
    cell(w, "good", "B", Y2, 1, 1);
    w->cells[w->cell_count - 1].c.sum = ((i128)1 << 126);
    cell(w, "good", "C", Y2, 1, 1);
    w->cells[w->cell_count - 1].c.sum = ((i128)1 << 126);
    cell(w, "assessed", "B", Y2, 1, 1);
    cell(w, "assessed", "C", Y2, 1, 1);
    evaluation_free(w->e);
    w->e = NULL;
    expect(w, "Q", NULL, Y2, "-: the number is too large");
    expect(w, "Q", "A", Y2, "100.000000 = 100000000000000001/100000000000000000");
    done(w);
}

static void a_formula_that_divides_by_zero_has_no_value(void **state)
{
    struct world *w = open_text(simple);

    (void)state;
    three_schools(w);
    rate(w, "A", Y2, 1, 3);
    expect(w, "H", "A", Y2, "-: the denominator is zero");
    expect(w, "H", "B", Y2, "-: no data");
    done(w);
}

static void another_series_gives_the_period_that_has_ended_or_has_begun(void **state)
{
    struct world *w = open_text(simple);

    (void)state;
    three_schools(w);
    rate(w, "A", Y1, 1, 4); /* ended on 2020-08-31 */
    rate(w, "A", Y2, 2, 4); /* began on 2020-09-01 */
    expect(w, "CY", "A", "2020", "25.000000");
    expect(w, "CB", "A", "2020", "50.000000");
    done(w);
}

static void the_district_itself_is_no_school_but_what_is_said_of_it_counts(void **state)
{
    struct world *w = open_text(simple);

    (void)state;
    three_schools(w);
    cell(w, "ref", UNIT_DISTRICT, Y2, 1250, 1);
    expect(w, "R", NULL, Y2, "12.500000 = 12.5");
    expect_units(w, "R", Y2, 1, 1, 0); /* one number of one unit, the district, and nobody else owes it */
    done(w);
}

/* ---- the listing ---- */

struct listed {
    struct buf text;
};

static enum err list_line(void *ctx, const struct indicator_line *l)
{
    struct listed *out = ctx;
    struct buf value;

    describe(&l->result, &value);
    buf_printf(&out->text, "%s|%s|%s|%s|%s|%llu/%llu\n", l->indicator->id, l->period->id, l->unit, l->breakdown,
               buf_cstr(&value), (unsigned long long)l->result.reported, (unsigned long long)l->result.expected);
    buf_fini(&value);
    return OK;
}

static void expect_lines(struct world *w, const struct indicator_query *q, const char *expected)
{
    struct listed out;

    buf_init(&out.text, 1u << 20);
    MUST(evaluation_lines(evaluation_of(w), q, list_line, &out));
    assert_string_equal(buf_cstr(&out.text), expected);
    buf_fini(&out.text);
}

static void lines_come_by_period_units_then_the_municipality_and_silent_schools_are_seen(void **state)
{
    struct world *w = open_text(simple);
    const struct indicator_query all = {.indicator = "Q", .level = -1};
    const struct indicator_query one = {.indicator = "Q", .level = -1, .period = "2021/22"};
    const struct indicator_query parts = {.indicator = "S", .level = -1};
    const struct indicator_query unit = {.indicator = "Q", .level = -1, .unit = "B", .period = Y2};
    const struct indicator_query district = {.indicator = "Q", .level = LEVEL_MUNICIPALITY, .period = Y2};
    const struct indicator_query hidden = {.indicator = "H", .level = -1};

    (void)state;
    school(w, "A", NULL, NULL, NULL);
    school(w, "B", "2020-09-01", NULL, NULL);
    rate(w, "A", Y2, 2, 4);
    rate(w, "A", Y1, 1, 4);
    cell(w, "by_subject", "A", Y2, 6, 2);
    part(w, "by_subject", "A", Y2, "subject=rus", 4, 1);
    part(w, "by_subject", "A", Y2, "subject=math", 2, 1);
    expect_lines(w, &all,
                 "Q|2019/20|A||25.000000 = 1/4|1/1\n"
                 "Q|2019/20|||25.000000 = 1/4|1/1\n"
                 "Q|2020/21|A||50.000000 = 2/4|1/1\n"
                 "Q|2020/21|B||-: no data|0/1\n"
                 "Q|2020/21|||50.000000 = 2/4|1/2\n");
    expect_lines(w, &one, "Q|2021/22|A||-: no data|0/1\nQ|2021/22|B||-: no data|0/1\nQ|2021/22|||-: no data|0/2\n");
    expect_lines(w, &parts,
                 "S|2020/21|A||6.000000 = 6|1/1\n"
                 "S|2020/21|A|subject=math|2.000000 = 2|1/1\n"
                 "S|2020/21|A|subject=rus|4.000000 = 4|1/1\n"
                 "S|2020/21|B||-: no data|0/1\n"
                 "S|2020/21|||6.000000 = 6|1/2\n"
                 "S|2020/21||subject=math|2.000000 = 2|1/2\n"
                 "S|2020/21||subject=rus|4.000000 = 4|1/2\n");
    expect_lines(w, &unit, "Q|2020/21|B||-: no data|0/1\n");
    expect_lines(w, &district, "Q|2020/21|||50.000000 = 2/4|1/2\n");
    expect_lines(w, &hidden, "");
    done(w);
}

static void what_is_not_computed_there_is_not_found(void **state)
{
    struct world *w = open_text(simple);
    struct result r;

    (void)state;
    three_schools(w);
    assert_int_equal(look(w, "MD", "A", Y2, "", &r), ERR_NOT_FOUND);       /* of the district alone */
    assert_int_equal(look(w, "Q", "A", "2020", "", &r), ERR_NOT_FOUND);    /* of school years */
    assert_int_equal(look(w, "Q", "A", Y2, "grade=5", &r), ERR_NOT_FOUND); /* has no parts */
    done(w);
}

/* ---- inputs ---- */

static enum err list_input(void *ctx, const struct input *i)
{
    struct listed *out = ctx;

    buf_printf(&out->text, "%s%u|%s|%s", i->is_variable ? "v" : "i", i->index, i->unit == NULL ? "" : i->unit,
               i->period.id);
    if (i->is_variable)
        buf_printf(&out->text, "|%lld %lld|%lld\n", (long long)i->in_numerator, (long long)i->in_denominator,
                   (long long)i->cell.sum);
    else {
        buf_put_u8(&out->text, '|');
        result_put_value(&out->text, &i->result, 3);
        buf_put_u8(&out->text, '\n');
    }
    return OK;
}

static void expect_inputs(struct world *w, const char *id, const char *unit, const char *period, const char *expected)
{
    struct listed out;
    struct period p;

    buf_init(&out.text, 1u << 20);
    MUST(calendar_find(w->calendar, NULL, period, &p));
    MUST(evaluation_inputs(evaluation_of(w), w->p, (uint32_t)programme_find_indicator(w->p, id, ""), unit, &p, "",
                           list_input, &out));
    assert_string_equal(buf_cstr(&out.text), expected);
    buf_fini(&out.text);
}

static void inputs_add_up_to_what_they_are_inputs_of(void **state)
{
    struct world *w = open_text(simple);
    unsigned good, assessed, q;
    char text[512];

    (void)state;
    put_merger(w);
    good = variable_of(w, "good");
    assessed = variable_of(w, "assessed");
    q = (unsigned)programme_find_indicator(w->p, "Q", "");
    (void)snprintf(text, sizeof(text),
                   "v%u|A|2019/20|1 0|10\nv%u|A|2019/20|0 1|40\nv%u|B|2019/20|1 0|20\n"
                   "v%u|B|2019/20|0 1|60\nv%u|district|2019/20|1 0|0\nv%u|district|2019/20|0 1|0\n",
                   good, assessed, good, assessed, good, assessed);
    expect_inputs(w, "Q", NULL, Y1, text);
    (void)snprintf(text, sizeof(text), "i%u|A|2020/21|45.000\ni%u|A|2019/20|30.000\n", q, q);
    expect_inputs(w, "D", "A", Y2, text);
    (void)snprintf(text, sizeof(text), "i%u|A|2019/20|25.000\ni%u|B|2019/20|33.333\n",
                   (unsigned)programme_find_indicator(w->p, "M", ""),
                   (unsigned)programme_find_indicator(w->p, "M", ""));
    expect_inputs(w, "M", NULL, Y1, text); /* a mean rests upon the units' own values */
    done(w);
}

static uint64_t n_behind(struct world *w, const char *id, const char *unit)
{
    struct result r;

    MUST(look(w, id, unit, Y2, "", &r));
    return r.n;
}

/* How much stands behind a value: of a median the values it is in the middle of; of a school that is set against the
 * municipality the school's own, or `minimum` would never hold it back. */
static void behind_a_value_stands_what_its_own_unit_sent(void **state)
{
    static const char text[] =
        "variables:\n"
        "  - {id: loads, kind: values, form: staff, value: \"${load}\"}\n"
        "  - {id: staff, form: staff}\n"
        "indicators:\n"
        "  - {id: middle, name: Middle, kind: formula, value: \"${median.loads}\"}\n"
        "  - {id: few, name: Few, kind: formula, value: \"${staff} - ${municipality.staff}\", minimum: {n: 3}}\n";
    struct world *w = open_text(text);

    (void)state;
    three_schools(w);
    value(w, "loads", "A", Y2, 18, 2);
    value(w, "loads", "A", Y2, 30, 1);
    value(w, "loads", "B", Y2, 20, 1);
    cell(w, "staff", "A", Y2, 3, 3);
    cell(w, "staff", "B", Y2, 1, 1);
    assert_int_equal(n_behind(w, "middle", "A"), 3);
    assert_int_equal(n_behind(w, "middle", "B"), 1);
    assert_int_equal(n_behind(w, "middle", NULL), 4);
    expect(w, "few", "A", Y2, "-1.000000");          /* 3 - 4, from 3 of A */
    expect(w, "few", "B", Y2, "-: too few answers"); /* 1 of B, whatever the municipality has */
    expect(w, "few", NULL, Y2, "0.000000");          /* 4 - 4, from 4 */
    done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e_1_and_2_the_quality_rate_pooled_and_mean_and_its_change),
        cmocka_unit_test(e_3_the_choice_of_the_mean_doubles_a_two_level_share),
        cmocka_unit_test(e_4_marks_that_are_not_confirmed),
        cmocka_unit_test(e_5_most_schools_are_below_the_region_and_the_district_is_above),
        cmocka_unit_test(e_6_two_of_three_signs_are_above_the_range_of_the_year),
        cmocka_unit_test(e_7_the_index_of_social_well_being),
        cmocka_unit_test(e_8_distinct_teachers_are_not_rows),
        cmocka_unit_test(e_9_a_school_below_the_minimum_counts_in_the_district),
        cmocka_unit_test(a_school_outside_the_roster_of_the_period_is_not_counted_and_said_to_be_left_out),
        cmocka_unit_test(without_a_roster_everybody_who_has_cells_counts),
        cmocka_unit_test(what_a_form_does_not_hold_is_none_where_it_was_sent_and_unknown_where_it_was_not),
        cmocka_unit_test(a_share_of_the_roster_says_nothing_of_a_period_that_nobody_spoke_of),
        cmocka_unit_test(a_merged_schools_earlier_value_is_that_of_both_schools_together),
        cmocka_unit_test(across_a_merger_there_is_no_earlier_value_where_the_programme_says_so),
        cmocka_unit_test(a_relation_needs_an_end_in_the_roster_or_two_where_both_are_asked_for),
        cmocka_unit_test(values_are_rounded_once_half_up_towards_plus_infinity),
        cmocka_unit_test(sums_beyond_a_double_stay_exact_and_beyond_128_bits_have_no_value),
        cmocka_unit_test(a_formula_that_divides_by_zero_has_no_value),
        cmocka_unit_test(another_series_gives_the_period_that_has_ended_or_has_begun),
        cmocka_unit_test(the_district_itself_is_no_school_but_what_is_said_of_it_counts),
        cmocka_unit_test(lines_come_by_period_units_then_the_municipality_and_silent_schools_are_seen),
        cmocka_unit_test(what_is_not_computed_there_is_not_found),
        cmocka_unit_test(inputs_add_up_to_what_they_are_inputs_of),
        cmocka_unit_test(behind_a_value_stands_what_its_own_unit_sent)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
