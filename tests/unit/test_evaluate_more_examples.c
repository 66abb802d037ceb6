/* test_evaluate_more_examples.c: constructs L-15 to L-28 of the indicator language; see test_evaluate_examples.c. */
#include "tests/unit/evaluate_fixture.h"

#define Y0 "2018/19"
#define Y1 "2019/20"
#define Y2 "2020/21"
#define Y3 "2021/22"

static void quality(struct world *w, const char *period)
{
    cell(w, "good", "A", period, 20, 1);
    cell(w, "assessed", "A", period, 56, 1);
    cell(w, "good", "B", period, 8, 1);
    cell(w, "assessed", "B", period, 30, 1);
    cell(w, "good", "C", period, 57, 1);
    cell(w, "assessed", "C", period, 133, 1);
}

static void l_15_the_districts_value_is_a_threshold_for_its_schools(void **state)
{
    struct world *w = open_example("L-15");

    (void)state;
    three_schools(w);
    quality(w, Y2);
    expect(w, "Q", NULL, Y2, "38.812785 = 85/219");
    expect(w, "Q-mean", NULL, Y2, "35.079365");
    expect(w, "ZHG-09", NULL, Y2, "33.333333 = 1/3"); /* C */
    expect(w, "KLN-44", NULL, Y2, "66.666667 = 2/3"); /* A and C */
    expect(w, "ZHG-09", "A", Y2, "0.000000 = 0/1");
    expect(w, "KLN-44", "A", Y2, "100.000000 = 1/1");
    done(w);
}

/* below the minimum / takers, lowered / works */
static void signs(struct world *w, const char *unit, const char *period, int64_t failed, int64_t takers,
                  int64_t lowered, int64_t works)
{
    cell(w, "failed", unit, period, failed, 1);
    cell(w, "takers", unit, period, takers, 1);
    if (works > 0) {
        cell(w, "lowered", unit, period, lowered, 1);
        cell(w, "works", unit, period, works, 1);
    }
}

static void l_16_two_signs_of_three_and_the_first_class_that_holds(void **state)
{
    struct world *w = open_example("L-16");

    (void)state;
    three_schools(w);
    school(w, "D", NULL, NULL, NULL);
    signs(w, "A", Y1, 8, 20, 0, 0);
    signs(w, "A", Y2, 7, 20, 20, 40);
    signs(w, "B", Y1, 6, 20, 0, 0);
    signs(w, "B", Y2, 2, 20, 15, 40);
    signs(w, "C", Y1, 0, 20, 0, 0);
    signs(w, "C", Y2, 0, 20, 4, 40);
    expect(w, "VSH-11", "A", Y2, "100.000000 = 1/1"); /* 35, 50, 40: all three */
    expect(w, "VSH-11", "B", Y2, "100.000000 = 1/1"); /* 10, 37.5, 30: two */
    expect(w, "VSH-11", "C", Y2, "0.000000 = 0/1");
    expect(w, "VSH-11", NULL, Y2, "66.666667 = 2/3");
    expect(w, "ABN-01", "A", Y2, "1.000000");
    expect(w, "ABN-01", "B", Y2, "2.000000");
    expect(w, "ABN-01", "C", Y2, "3.000000");
    expect(w, "ABN-01", "D", Y2, "-: no data"); /* and not the class that asks for nothing */
    expect_part(w, "ABN-01", NULL, Y2, "class=low", "1.000000 = 1");
    expect_part(w, "ABN-01", NULL, Y2, "class=risk", "1.000000 = 1");
    expect_part(w, "ABN-01", NULL, Y2, "class=good", "1.000000 = 1");
    done(w);
}

static void l_17_an_index_weighs_turns_rescales_and_says_what_is_missing(void **state)
{
    struct world *w = open_example("L-17");
    struct result r;

    (void)state;
    three_schools(w);
    cell(w, "pupils", "A", Y2, 62, 1);
    cell(w, "both_he", "A", Y2, 9, 1);
    cell(w, "one_parent", "A", Y2, 17, 1);
    cell(w, "registers", "A", Y2, 2, 1);
    cell(w, "pupils", "B", Y2, 34, 1);
    cell(w, "both_he", "B", Y2, 3, 1);
    cell(w, "one_parent", "B", Y2, 11, 1);
    cell(w, "pupils", "C", Y2, 148, 1);
    cell(w, "both_he", "C", Y2, 44, 1);
    /* 0.5 * 14.5161290 + 0.3 * 72.5806452 + 0.2 * (100 - 32.2580645)
     * = 7.2580645 + 21.7741935 + 13.5483871 = 42.5806452 */
    expect(w, "KOR-01", "A", Y2, "42.580645");
    expect(w, "KOR-01", "B", Y2, "-: a component is missing");
    expect(w, "KOR-46", "C", Y2, "29.729730"); /* 44/148 = 0.2972972...; weight 0.5 of 0.5 */
    MUST(look(w, "KOR-46", "C", Y2, "", &r));
    assert_true(r.is_reweighted);
    MUST(look(w, "KOR-46", "A", Y2, "", &r));
    assert_false(r.is_reweighted);
    done(w);
}

static void l_18_survey_shares_means_and_sheets_leave_out_what_is_not_on_the_scale(void **state)
{
    struct world *w = open_example("L-18");

    (void)state;
    three_schools(w);
    cell(w, "ZHG-35", "A", Y2, 9, 24);
    cell(w, "ZHG-35/given", "A", Y2, 24, 24);
    cell(w, "ZHG-35", "B", Y2, 2, 4);
    cell(w, "ZHG-35/given", "B", Y2, 4, 4);
    cell(w, "ZHG-35", "C", Y2, 20, 60);
    cell(w, "ZHG-35/given", "C", Y2, 60, 60);
    cell(w, "KOR-35", "A", Y2, 120, 24);
    cell(w, "KOR-35/given", "A", Y2, 48, 24);
    cell(w, "KLN-08", "A", Y2, 6, 24);
    cell(w, "KLN-08/sheets", "A", Y2, 24, 24);
    expect(w, "ZHG-35", "A", Y2, "37.500000 = 9/24");
    expect(w, "ZHG-35", "B", Y2, "-: too few answers");
    expect(w, "ZHG-35", "C", Y2, "33.333333 = 20/60");
    expect(w, "ZHG-35", NULL, Y2, "35.227273 = 31/88"); /* (9 + 2 + 20) / (24 + 4 + 60) */
    expect_units(w, "ZHG-35", Y2, 3, 3, 0);
    expect(w, "KOR-35", "A", Y2, "2.500000 = 120/48");
    expect(w, "KOR-38", "A", Y2, "50.000000 = 120/48"); /* (2.5 - 1) / 3 * 100; the same sums */
    expect(w, "KLN-08", "A", Y2, "25.000000 = 6/24");
    done(w);
}

static void l_19_gaps_between_groups_and_between_best_and_worst(void **state)
{
    struct world *w = open_example("L-19");

    (void)state;
    three_schools(w);
    quality(w, Y2);
    cell(w, "low", "A", Y2, 1, 1);
    cell(w, "low", "B", Y2, 1, 1);
    cell(w, "low", "C", Y2, 0, 1);
    /* 42.8571429 - (35.7142857 + 26.6666667) / 2 = 42.8571429 - 31.1904762 */
    expect(w, "ABN-11", NULL, Y2, "11.666667");
    expect(w, "ABN-16", NULL, Y2, "10.299003"); /* 57/133 - 28/86 = 0.428571429 - 0.325581395 */
    expect(w, "ZHG-76", NULL, Y2, "16.190476"); /* 42.8571429 - 26.6666667 */
    expect(w, "KOR-15", "A", Y2, "-3.098500");  /* 35.7142857 - 38.8127854 */
    done(w);
}

static void l_20_indicators_are_added_and_divided(void **state)
{
    struct world *w = open_example("L-20");

    (void)state;
    three_schools(w);
    cell(w, "marks", "A", Y2, 90, 1);
    cell(w, "takers", "A", Y2, 25, 1);
    cell(w, "lowered", "A", Y2, 10, 1);
    cell(w, "works", "A", Y2, 50, 1);
    cell(w, "marks", "B", Y2, 60, 1);
    cell(w, "takers", "B", Y2, 20, 1);
    expect(w, "KOR-14", "A", Y2, "52.000000"); /* 3.6 / 5 * 100 - 20 */
    expect(w, "KOR-14", "B", Y2, "-: no data");
    expect(w, "KOR-14", NULL, Y2, "46.666667"); /* 150/45 / 5 * 100 - 10/50 * 100 = 66.6666667 - 20 */
    done(w);
}

static void l_21_each_role_of_time_takes_other_periods(void **state)
{
    struct world *w = open_example("L-21");
    static const char *const pupils[] = {"pupils_state", "pupils_ended", "pupils_last"};
    static const char *const visits[] = {"visits_flow", "visits_all"};

    (void)state;
    three_schools(w);
    for (size_t i = 0; i < COUNT(pupils); i++) {
        cell(w, pupils[i], "A", Y1, 60, 1);
        cell(w, pupils[i], "A", Y2, 62, 1);
    }
    for (size_t i = 0; i < COUNT(visits); i++) {
        cell(w, visits[i], "A", "2019-12", 2, 2);
        cell(w, visits[i], "A", "2020-03", 3, 3);
        cell(w, visits[i], "A", "2020-11", 1, 1);
        cell(w, visits[i], "A", "2021-05", 4, 4);
    }
    key(w, "trained", "A", "2017/18", "T01", 0);
    key(w, "trained", "A", "2017/18", "T04", 0);
    key(w, "trained", "A", Y0, "T01", 0);
    key(w, "trained", "A", Y0, "T02", 0);
    key(w, "trained", "A", Y2, "T03", 0);
    expect(w, "state", "A", "2020", "62.000000 = 62"); /* 2020/21 has begun on 2020-09-01 */
    expect(w, "ended", "A", "2020", "60.000000 = 60"); /* 2019/20 ended on 2020-08-31 */
    expect(w, "last", "A", "2020", "62.000000 = 62");
    expect(w, "flow", "A", "2020", "4.000000 = 4");   /* 3 + 1 */
    expect(w, "all", "A", "2020", "6.000000 = 6");    /* 2 + 3 + 1 */
    expect(w, "KOR-16", "A", "2020", "3.000000 = 3"); /* T01, T02, T04 */
    expect(w, "state", "A", "2021", "-: no data");
    expect(w, "ended", "A", "2021", "62.000000 = 62");
    expect(w, "last", "A", "2021", "62.000000 = 62");
    expect(w, "flow", "A", "2021", "4.000000 = 4");
    expect(w, "all", "A", "2021", "10.000000 = 10");
    expect(w, "KOR-16", "A", "2021", "3.000000 = 3"); /* T01, T02, T03; 2017/18 ended too long ago */
    expect(w, "flow", NULL, "2021", "4.000000 = 4");
    done(w);
}

static void l_22_an_agreement_is_one_for_the_district_and_one_for_each_side(void **state)
{
    struct world *w = open_example("L-22");
    static const char *const variables[] = {"agreements", "inside"};

    (void)state;
    three_schools(w);
    for (size_t i = 0; i < COUNT(variables); i++) {
        relation(w, variables[i], "A", Y2, "1", "B");
        relation(w, variables[i], "B", Y2, "1", "A");
        relation(w, variables[i], "A", Y2, "2", "C");
        relation(w, variables[i], "B", Y2, "3", ""); /* a museum */
    }
    expect(w, "ZHG-56", "A", Y2, "2.000000 = 2");
    expect(w, "ZHG-56", "B", Y2, "2.000000 = 2");
    expect(w, "ZHG-56", "C", Y2, "1.000000 = 1"); /* it said nothing itself */
    expect(w, "ZHG-56", NULL, Y2, "3.000000 = 3");
    expect(w, "ZHG-58", "A", Y2, "2.000000 = 2");
    expect(w, "ZHG-58", "B", Y2, "1.000000 = 1");
    expect(w, "ZHG-58", "C", Y2, "1.000000 = 1");
    expect(w, "ZHG-58", NULL, Y2, "2.000000 = 2");
    done(w);
}

static void l_23_least_greatest_mean_median_and_range_come_from_all_values(void **state)
{
    struct world *w = open_example("L-23");

    (void)state;
    three_schools(w);
    value(w, "loads", "A", Y2, 10, 1);
    value(w, "loads", "A", Y2, 18, 2);
    value(w, "loads", "A", Y2, 30, 1);
    value(w, "loads", "B", Y2, 20, 1);
    value(w, "loads", "B", Y2, 24, 1);
    expect(w, "load-least", "A", Y2, "10.000000");
    expect(w, "load-most", "A", Y2, "30.000000");
    expect(w, "load-mean", "A", Y2, "19.000000");    /* 76 / 4 */
    expect(w, "load-median", "A", Y2, "18.000000");  /* between 18 and 18 */
    expect(w, "load-quarter", "A", Y2, "16.000000"); /* at (4 - 1) / 4 = 0.75 between 10 and 18 */
    /* 10, 18, 18, 20, 24, 30: mean 120/6, median (18 + 20)/2, a quarter at 5/4: 18 */
    expect(w, "load-mean", NULL, Y2, "20.000000");
    expect(w, "load-median", NULL, Y2, "19.000000");
    expect(w, "load-quarter", NULL, Y2, "18.000000");
    expect(w, "KLN-32", NULL, Y2, "3.000000"); /* 44/2 - 76/4 */
    done(w);
}

static void l_24_what_was_due_is_done_on_time_or_not(void **state)
{
    struct world *w = open_example("L-24");

    (void)state;
    school(w, "A", NULL, NULL, NULL);
    school(w, "B", NULL, NULL, NULL);
    part(w, "done", "A", Y2, "measure=M1", day("2020-09-28"), 1);
    part(w, "done", "A", Y2, "measure=M2", day("2021-05-30"), 1);
    part(w, "done", "B", Y2, "measure=M1", day("2020-10-05"), 1);
    part(w, "done", UNIT_DISTRICT, Y2, "measure=M3", day("2020-09-15"), 1);
    expect(w, "ZHG-75", "A", Y2, "100.000000 = 2/2");
    expect(w, "ZHG-75", "B", Y2, "0.000000 = 0/2");
    expect(w, "ZHG-75", NULL, Y2, "60.000000 = 3/5"); /* A both, the office M3; B neither */
    expect(w, "ABN-28", NULL, Y2, "50.000000 = 1/2"); /* M1 both, M2 A alone */
    expect(w, "ZHG-75", NULL, Y3, "-: the denominator is zero");
    done(w);
}

struct seen {
    const char *period;
    const char *target;
    enum target_status status;
    unsigned count;
};

static enum err check_target(void *ctx, const struct indicator_line *l)
{
    struct seen *s = ctx;
    struct buf text;

    if (strcmp(l->period->id, s->period) != 0)
        return OK;
    s->count++;
    buf_init(&text, 256);
    if (l->target != NULL)
        target_put(&text, l->target);
    assert_string_equal(buf_cstr(&text), s->target);
    assert_string_equal(target_status_names[l->status], target_status_names[s->status]);
    buf_fini(&text);
    return OK;
}

static void l_25_targets_are_ranges_points_and_more_than_by_period_and_revision(void **state)
{
    struct world *w = open_example("L-25");
    struct seen seen[] = {{Y1, "0", TARGET_NOT_DUE, 0},
                          {Y2, "30-50", TARGET_WITHIN, 0},
                          {Y3, "60-70", TARGET_BELOW, 0},
                          {"2022/23", ">50", TARGET_NO_DATA, 0},
                          {"2023/24", "", TARGET_NOT_DUE, 0}};

    (void)state;
    school(w, "A", NULL, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        cell(w, "good", "A", seen[i].period, 45, 1);
        cell(w, "assessed", "A", seen[i].period, 100, 1);
    }
    for (size_t i = 0; i < COUNT(seen); i++) {
        const struct indicator_query q = {.period = seen[i].period, .level = LEVEL_MUNICIPALITY};

        MUST(evaluation_lines(evaluation_of(w), &q, check_target, &seen[i]));
        assert_int_equal(seen[i].count, 1);
    }
    done(w);
}

static void l_26_the_definition_of_the_period_is_taken(void **state)
{
    struct world *w = open_example("L-26");
    static const char *const years[] = {Y2, Y3};

    (void)state;
    three_schools(w);
    for (size_t i = 0; i < COUNT(years); i++) {
        cell(w, "staff_all", "A", years[i], 10, 10);
        cell(w, "teachers", "A", years[i], 8, 8);
        cell(w, "main", "A", years[i], 6, 6);
    }
    expect(w, "ZHG-03", "A", Y2, "60.000000 = 6/10");
    expect(w, "ZHG-03", "A", Y3, "75.000000 = 6/8");
    expect(w, "ZHG-03", NULL, Y3, "75.000000 = 6/8");
    done(w);
}

static void l_27_indicators_that_reached_their_plan(void **state)
{
    struct world *w = open_example("L-27");

    (void)state;
    three_schools(w);
    cell(w, "good", "A", Y2, 45, 1);
    cell(w, "assessed", "A", Y2, 100, 1);
    cell(w, "failing", "A", Y2, 6, 1);
    part(w, "plan", UNIT_DISTRICT, Y2, "indicator=Q", 4000, 1); /* 40.00 */
    part(w, "plan", UNIT_DISTRICT, Y2, "indicator=F", 500, 1);  /* 5.00 */
    expect(w, "KOR-48", NULL, Y2, "50.000000 = 1/2");           /* 45 >= 40; not 6 <= 5 */
    expect(w, "KOR-48", "A", Y2, "-: the denominator is zero"); /* it has no plan of its own */
    done(w);
}

static void l_28_too_few_answers_have_no_value_but_count_in_the_district(void **state)
{
    struct world *w = open_example("L-28");

    (void)state;
    three_schools(w);
    cell(w, "ZHG-33", "A", Y2, 9, 24);
    cell(w, "ZHG-33/given", "A", Y2, 24, 24);
    cell(w, "ZHG-33", "B", Y2, 2, 4);
    cell(w, "ZHG-33/given", "B", Y2, 4, 4);
    cell(w, "ZHG-33", "C", Y2, 20, 60);
    cell(w, "ZHG-33/given", "C", Y2, 60, 60);
    cell(w, "ZHG-33", "A", Y3, 9, 24);
    cell(w, "ZHG-33/given", "A", Y3, 24, 24);
    cell(w, "ZHG-33", "C", Y3, 20, 60);
    cell(w, "ZHG-33/given", "C", Y3, 60, 60);
    cell(w, "marks", "A", Y2, 16, 1);
    cell(w, "takers", "A", Y2, 5, 1);
    expect(w, "ZHG-33", "B", Y2, "-: too few answers");
    expect(w, "ZHG-33", NULL, Y2, "35.227273 = 31/88");
    expect(w, "ZHG-33", NULL, Y3, "-: too few units have data");
    expect(w, "KOR-30", "A", Y2, "3.200000 = 16/5"); /* `lowest` binds publications, not the office */
    done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l_15_the_districts_value_is_a_threshold_for_its_schools),
        cmocka_unit_test(l_16_two_signs_of_three_and_the_first_class_that_holds),
        cmocka_unit_test(l_17_an_index_weighs_turns_rescales_and_says_what_is_missing),
        cmocka_unit_test(l_18_survey_shares_means_and_sheets_leave_out_what_is_not_on_the_scale),
        cmocka_unit_test(l_19_gaps_between_groups_and_between_best_and_worst),
        cmocka_unit_test(l_20_indicators_are_added_and_divided),
        cmocka_unit_test(l_21_each_role_of_time_takes_other_periods),
        cmocka_unit_test(l_22_an_agreement_is_one_for_the_district_and_one_for_each_side),
        cmocka_unit_test(l_23_least_greatest_mean_median_and_range_come_from_all_values),
        cmocka_unit_test(l_24_what_was_due_is_done_on_time_or_not),
        cmocka_unit_test(l_25_targets_are_ranges_points_and_more_than_by_period_and_revision),
        cmocka_unit_test(l_26_the_definition_of_the_period_is_taken),
        cmocka_unit_test(l_27_indicators_that_reached_their_plan),
        cmocka_unit_test(l_28_too_few_answers_have_no_value_but_count_in_the_district)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
