/* test_evaluate_examples.c: constructs L-01 to L-14 of the indicator language: the YAML stands in docs/indicators.md,
 * "Worked examples"; the numbers were computed by hand (invariants 3 and 5: what is counted, and how). */
#include "tests/unit/evaluate_fixture.h"

#define Y0 "2018/19"
#define Y1 "2019/20"
#define Y2 "2020/21"
#define Y3 "2021/22"

static void l_01_only_what_the_filter_lets_through_is_counted_and_added(void **state)
{
    struct world *w = open_example("L-01");

    (void)state;
    three_schools(w);
    cell(w, "visits", "A", "2020-10", 2, 2);
    cell(w, "visits", "A", "2021-02", 1, 1);
    cell(w, "visits", "B", "2020-11", 2, 2);
    cell(w, "guests", "A", "2020-12", 40, 1);
    cell(w, "guests", "A", "2021-04", 25, 1);
    cell(w, "KLN-30", "A", "2020-10", 2, 2);
    expect(w, "ABN-20", "A", Y2, "3.000000 = 3"); /* 2 + 1 */
    expect(w, "ABN-20", "B", Y2, "2.000000 = 2");
    expect(w, "ABN-20", "C", Y2, "-: no data");
    expect(w, "ABN-20", NULL, Y2, "5.000000 = 5"); /* 3 + 2 */
    expect_units(w, "ABN-20", Y2, 2, 3, 0);
    expect(w, "VSH-39", "A", Y2, "65.000000 = 65"); /* 40 + 25 */
    expect(w, "VSH-39", NULL, Y2, "65.000000 = 65");
    expect(w, "KLN-30", "A", "2020-10", "2.000000 = 2");
    expect(w, "KLN-30", "B", "2020-10", "-: no data");
    expect(w, "KLN-30", NULL, "2020-10", "2.000000 = 2");
    done(w);
}

static void l_02_a_ratio_of_two_forms_counts_whole_schools_and_has_no_value_over_zero(void **state)
{
    struct world *w = open_example("L-02");

    (void)state;
    three_schools(w);
    cell(w, "both_he", "A", Y2, 9, 1);
    cell(w, "pupils", "A", Y2, 62, 1);
    cell(w, "both_he", "B", Y2, 3, 1);
    cell(w, "pupils", "B", Y2, 34, 1);
    cell(w, "both_he", "C", Y2, 44, 1);
    cell(w, "both_he", "A", Y1, 0, 1);
    cell(w, "pupils", "A", Y1, 0, 1);
    expect(w, "KOR-02", "A", Y2, "14.516129 = 9/62"); /* 900/62 = 14.5161290... */
    expect(w, "KOR-02", "B", Y2, "8.823529 = 3/34");  /* 300/34 = 8.8235294... */
    expect(w, "KOR-02", "C", Y2, "-: no data");
    expect(w, "KOR-02", NULL, Y2, "12.500000 = 12/96"); /* (9 + 3) / (62 + 34); not 56/96 */
    expect_units(w, "KOR-02", Y2, 2, 3, 0);
    expect(w, "KOR-02", "A", Y1, "-: the denominator is zero");
    done(w);
}

static void quality(struct world *w, const char *period)
{
    cell(w, "good", "A", period, 20, 1);
    cell(w, "assessed", "A", period, 56, 1);
    cell(w, "good", "B", period, 8, 1);
    cell(w, "assessed", "B", period, 30, 1);
    cell(w, "good", "C", period, 57, 1);
    cell(w, "assessed", "C", period, 133, 1);
}

static void l_03_pooled_mean_and_weighted_are_three_numbers(void **state)
{
    struct world *w = open_example("L-03");

    (void)state;
    three_schools(w);
    quality(w, Y2);
    cell(w, "pupils", "A", Y2, 62, 1);
    cell(w, "pupils", "B", Y2, 34, 1);
    cell(w, "pupils", "C", Y2, 148, 1);
    expect(w, "ZHG-08", NULL, Y2, "38.812785 = 85/219"); /* 8500/219 = 38.8127853... */
    /* (2000/56 + 800/30 + 5700/133) / 3 = (35.7142857 + 26.6666667 + 42.8571429) / 3 = 105.2380952 / 3 */
    expect(w, "ZHG-46", NULL, Y2, "35.079365");
    /* (35.7142857 * 62 + 26.6666667 * 34 + 42.8571429 * 148) / 244
     * = (2214.2857143 + 906.6666667 + 6342.8571429) / 244 = 9463.8095238 / 244 */
    expect(w, "KLN-35", NULL, Y2, "38.786105");
    expect(w, "KLN-35", "B", Y2, "26.666667 = 8/30");
    done(w);
}

static void l_04_parts_by_subject_and_schools_of_one_kind(void **state)
{
    struct world *w = open_example("L-04");

    (void)state;
    three_schools(w);
    cell(w, "low", "A", Y2, 1, 1);
    cell(w, "low", "B", Y2, 0, 1);
    cell(w, "takers", "A", Y2, 12, 2);
    part(w, "takers", "A", Y2, "subject=math", 6, 1);
    part(w, "takers", "A", Y2, "subject=rus", 6, 1);
    cell(w, "failed", "A", Y2, 4, 2);
    part(w, "failed", "A", Y2, "subject=math", 3, 1);
    part(w, "failed", "A", Y2, "subject=rus", 1, 1);
    cell(w, "takers", "B", Y2, 8, 2);
    part(w, "takers", "B", Y2, "subject=math", 4, 1);
    part(w, "takers", "B", Y2, "subject=rus", 4, 1);
    cell(w, "failed", "B", Y2, 2, 2);
    part(w, "failed", "B", Y2, "subject=math", 2, 1);
    part(w, "failed", "B", Y2, "subject=rus", 0, 1);
    expect(w, "ZHG-30", "A", Y2, "33.333333 = 4/12");
    expect_part(w, "ZHG-30", "A", Y2, "subject=math", "50.000000 = 3/6");
    expect(w, "ZHG-30", NULL, Y2, "30.000000 = 6/20");                      /* (4 + 2) / (12 + 8) */
    expect_part(w, "ZHG-30", NULL, Y2, "subject=math", "50.000000 = 5/10"); /* (3 + 2) / (6 + 4) */
    expect_part(w, "ZHG-30", NULL, Y2, "subject=rus", "10.000000 = 1/10");
    expect(w, "ABN-02", "A", Y2, "33.333333 = 4/12");
    expect(w, "ABN-02", "B", Y2, "-: not eligible");
    expect(w, "ABN-02", NULL, Y2, "33.333333 = 4/12");
    expect_units(w, "ABN-02", Y2, 1, 1, 2); /* C's status is not known: it is not one of them */
    done(w);
}

static void l_05_a_teacher_of_two_courses_counts_once_and_shared_staff_once_in_the_district(void **state)
{
    static const char *const codes[] = {"T01", "T02", "T03", "T04"};
    struct world *w = open_example("L-05");

    (void)state;
    three_schools(w);
    for (size_t i = 0; i < COUNT(codes); i++) {
        key(w, "teachers", "A", Y2, codes[i], 0);
        key(w, "teachers", "A", Y2, codes[i], 1);
        key(w, "trained", "A", Y2, codes[i], 1);
    }
    key(w, "trained", "A", Y2, "T01", 0); /* two rows, one cell: n is 2 */
    w->cells[w->cell_count - 1].c = (struct cell){2, 2};
    key(w, "trained", "A", Y2, "T02", 0);
    key(w, "teachers", "B", Y2, "T01", 0);
    key(w, "teachers", "B", Y2, "T02", 0);
    key(w, "teachers", "B", Y2, "T02", 1);
    key(w, "trained", "B", Y2, "T02", 1);
    key(w, "trained", "B", Y2, "T01", 0);
    expect(w, "VSH-05", "A", Y2, "50.000000 = 2/4");
    expect(w, "VSH-05", "B", Y2, "50.000000 = 1/2");
    /* T01 of B has its main place elsewhere: (2 + 0) / (4 + 1) */
    expect(w, "VSH-05", NULL, Y2, "40.000000 = 2/5");
    done(w);
}

static void l_06_a_key_that_has_both_and_a_key_that_has_either(void **state)
{
    struct world *w = open_example("L-06");

    (void)state;
    three_schools(w);
    key(w, "both", "A", Y2, "T01", 0);
    key(w, "both", "A", Y2, "T01", 1);
    key(w, "both", "A", Y2, "T02", 0);
    key(w, "both", "A", Y2, "T03", 1);
    key(w, "either", "A", Y2, "T01", 0);
    key(w, "either", "A", Y2, "T01", 1);
    key(w, "either", "A", Y2, "T02", 0);
    key(w, "either", "A", Y2, "T03", 1);
    expect(w, "VSH-04", "A", Y2, "33.333333 = 1/3");
    expect(w, "VSH-04", "B", Y2, "-: no data"); /* nobody above the line is zero, nobody below it is no data */
    done(w);
}

static void l_07_the_denominator_is_another_numerator(void **state)
{
    struct world *w = open_example("L-07");
    static const char *const codes[] = {"T01", "T02", "T03", "T04"};

    (void)state;
    three_schools(w);
    for (size_t i = 0; i < 4; i++)
        key(w, "teachers", "A", Y2, codes[i], 0);
    for (size_t i = 0; i < 3; i++)
        key(w, "trained", "A", Y2, codes[i], 0);
    key(w, "trained_low", "A", Y2, "T02", 0);
    key(w, "teachers", "B", Y2, "T01", 0);
    key(w, "teachers", "B", Y2, "T02", 0);
    key(w, "trained", "B", Y2, "T02", 0);
    key(w, "trained_low", "B", Y2, "T02", 0);
    expect(w, "ZHG-72", "A", Y2, "75.000000 = 3/4");
    expect(w, "ZHG-73", "A", Y2, "33.333333 = 1/3");
    expect(w, "ZHG-72", "B", Y2, "50.000000 = 1/2");
    expect(w, "ZHG-73", "B", Y2, "100.000000 = 1/1");
    expect(w, "ZHG-72", NULL, Y2, "66.666667 = 4/6");
    expect(w, "ZHG-73", NULL, Y2, "50.000000 = 2/4");
    done(w);
}

static void l_08_conditions_are_joined_and_what_is_not_known_is_not_no(void **state)
{
    struct world *w = open_example("L-08");

    (void)state;
    three_schools(w);
    cell(w, "plan_ready", "A", Y2, 1, 1);
    cell(w, "order_ready", "A", Y2, 1, 1);
    cell(w, "plan_ready", "B", Y2, 1, 1);
    cell(w, "order_ready", "B", Y2, 0, 1);
    cell(w, "plan_ready", "C", Y2, 1, 1);
    expect(w, "ZHG-70", "A", Y2, "100.000000 = 1/1");
    expect(w, "ZHG-70", "B", Y2, "0.000000 = 0/1");
    expect(w, "ZHG-70", "C", Y2, "-: no data");
    expect(w, "ZHG-70", NULL, Y2, "50.000000 = 1/2");
    expect_units(w, "ZHG-70", Y2, 2, 3, 0);
    expect(w, "ABN-33", "A", Y2, "1.000000 = 1");
    expect(w, "ABN-33", NULL, Y2, "1.000000 = 1");
    done(w);
}

static void l_09_a_share_of_schools_is_computed_from_the_schools_values(void **state)
{
    struct world *w = open_example("L-09");

    (void)state;
    three_schools(w);
    quality(w, Y2);
    expect(w, "VSH-10", "A", Y2, "100.000000 = 1/1"); /* 35.7 >= 30 */
    expect(w, "VSH-10", "B", Y2, "0.000000 = 0/1");   /* 26.7 */
    expect(w, "VSH-10", NULL, Y2, "66.666667 = 2/3");
    expect(w, "ABN-15", NULL, Y2, "2.000000 = 2");
    done(w);
}

static void l_10_reported_roster_and_eligible_are_three_denominators(void **state)
{
    struct world *w = open_example("L-10");

    (void)state;
    three_schools(w);
    school(w, "D", NULL, NULL, NULL);
    quality(w, Y2);
    cell(w, "takers", "A", Y2, 6, 1);
    cell(w, "takers", "B", Y2, 4, 1);
    cell(w, "takers", "D", Y2, 3, 1);
    expect(w, "reported", NULL, Y2, "66.666667 = 2/3");
    expect_units(w, "reported", Y2, 3, 4, 0);
    expect(w, "roster", NULL, Y2, "50.000000 = 2/4");
    expect_units(w, "roster", Y2, 3, 4, 0);
    expect(w, "roster", "D", Y2, "0.000000 = 0/1");
    expect(w, "eligible", NULL, Y2, "33.333333 = 1/3"); /* of A, B and D only A */
    expect_units(w, "eligible", Y2, 2, 3, 1);
    expect(w, "eligible", "C", Y2, "-: not eligible");
    done(w);
}

static void l_11_a_change_has_a_choice_of_the_earlier_period_and_names_the_one_it_took(void **state)
{
    struct world *w = open_example("L-11");
    struct result r;

    (void)state;
    three_schools(w);
    cell(w, "marks", "A", Y0, 70, 1);
    cell(w, "takers", "A", Y0, 20, 1);
    cell(w, "marks", "A", Y2, 90, 1);
    cell(w, "takers", "A", Y2, 25, 1);
    cell(w, "marks", "A", Y3, 66, 1);
    cell(w, "takers", "A", Y3, 20, 1);
    expect(w, "KLN-32", "A", Y2, "-: an earlier value is missing");
    expect(w, "ABN-30", "A", Y2, "0.100000"); /* 3.6 - 3.5 */
    MUST(look(w, "ABN-30", "A", Y2, "", &r));
    assert_string_equal(r.used.id, Y0);
    expect(w, "ABN-32", "A", Y2, "2.857143");  /* 0.1 / 3.5 * 100 */
    expect(w, "KLN-32", "A", Y3, "-0.300000"); /* 3.3 - 3.6 */
    expect(w, "VSH-27", "A", Y3, "-1.000000");
    expect(w, "KLN-32", NULL, Y3, "-0.300000"); /* A alone makes the district */
    expect(w, "KLN-32", "B", Y3, "-: no data");
    done(w);
}

static void l_12_several_periods_are_judged_together_and_have_a_trend(void **state)
{
    struct world *w = open_example("L-12");

    (void)state;
    three_schools(w);
    cell(w, "failed", "A", Y0, 8, 1);
    cell(w, "takers", "A", Y0, 20, 1);
    cell(w, "failed", "A", Y1, 4, 1);
    cell(w, "takers", "A", Y1, 20, 1);
    cell(w, "failed", "A", Y2, 7, 1);
    cell(w, "takers", "A", Y2, 20, 1);
    cell(w, "failed", "B", Y2, 8, 1);
    cell(w, "takers", "B", Y2, 20, 1);
    cell(w, "failed", "C", Y0, 6, 1);
    cell(w, "takers", "C", Y0, 20, 1);
    cell(w, "failed", "C", Y1, 7, 1);
    cell(w, "takers", "C", Y1, 20, 1);
    cell(w, "failed", "C", Y2, 8, 1);
    cell(w, "takers", "C", Y2, 20, 1);
    expect(w, "ABN-07", "A", Y2, "0.000000"); /* 20 in 2019/20 */
    expect(w, "ABN-10", "A", Y2, "1.000000"); /* 40 and 35, not 20: two of three */
    /* x = -2, -1, 0; y = 40, 20, 35: n = 3, sum x = -3, sum y = 95, sum xx = 5, sum xy = -100;
     * (3 * -100 + 3 * 95) / (3 * 5 - 9) = -15 / 6 */
    expect(w, "KLN-34", "A", Y2, "-2.500000");
    expect(w, "ABN-07", "B", Y2, "-: an earlier value is missing");
    expect(w, "ABN-10", "B", Y2, "-: an earlier value is missing");
    expect(w, "KLN-34", "B", Y2, "-: an earlier value is missing");
    expect(w, "ABN-07", "C", Y2, "1.000000"); /* 35 and 40 */
    expect(w, "ABN-10", "C", Y2, "0.000000"); /* in all three */
    expect(w, "KLN-34", "C", Y2, "5.000000");
    expect(w, "ABN-07", "C", "2022/23", "-: no data");
    done(w);
}

static void l_13_a_pair_is_the_same_key_in_two_rounds(void **state)
{
    struct world *w = open_example("L-13");

    (void)state;
    three_schools(w);
    level(w, "pairs", "A", Y2, "T01", "subject", 1, 40);
    level(w, "pairs", "A", Y2, "T01", "subject", 2, 60);
    level(w, "pairs", "A", Y2, "T01", "methods", 1, 50);
    level(w, "pairs", "A", Y2, "T01", "methods", 3, 45);
    level(w, "pairs", "A", Y2, "T02", "subject", 1, 70);
    level(w, "pairs", "A", Y2, "T02", "subject", 2, 70);
    level(w, "pairs", "A", Y2, "T03", "subject", 1, 10);
    level(w, "pairs", "A", Y2, "T03", "methods", 2, 90);  /* another area: no pair */
    level(w, "pairs", "B", Y2, "T01", "subject", -1, 30); /* rounds may be any whole numbers */
    level(w, "pairs", "B", Y2, "T01", "subject", 1, 31);
    expect(w, "VSH-09", "A", Y2, "50.000000 = 1/2"); /* T01: (60 - 40) + (45 - 50) = 15; T02: 0 */
    expect(w, "VSH-09", "B", Y2, "100.000000 = 1/1");
    expect(w, "VSH-09", NULL, Y2, "66.666667 = 2/3"); /* T01 of A and T01 of B are two people */
    done(w);
}

static void l_14_a_reference_value_is_reported_about_the_district(void **state)
{
    struct world *w = open_example("L-14");

    (void)state;
    three_schools(w);
    cell(w, "takers", "A", Y2, 5, 1);
    cell(w, "marks", "A", Y2, 16, 1);
    cell(w, "takers", "B", Y2, 3, 1);
    cell(w, "marks", "B", Y2, 9, 1);
    cell(w, "takers", "C", Y2, 15, 1);
    cell(w, "marks", "C", Y2, 54, 1);
    cell(w, "region", UNIT_DISTRICT, Y2, 340, 1);     /* 3.40 with two places */
    expect(w, "ZHG-13", "A", Y2, "100.000000 = 1/1"); /* 3.2 < 3.4 */
    expect(w, "ZHG-13", "C", Y2, "0.000000 = 0/1");   /* 3.6 */
    expect(w, "ZHG-13", NULL, Y2, "66.666667 = 2/3");
    expect(w, "KLN-36", NULL, Y2, "0.034783"); /* 79/23 - 3.4 = 3.4347826... - 3.4 */
    done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l_01_only_what_the_filter_lets_through_is_counted_and_added),
        cmocka_unit_test(l_02_a_ratio_of_two_forms_counts_whole_schools_and_has_no_value_over_zero),
        cmocka_unit_test(l_03_pooled_mean_and_weighted_are_three_numbers),
        cmocka_unit_test(l_04_parts_by_subject_and_schools_of_one_kind),
        cmocka_unit_test(l_05_a_teacher_of_two_courses_counts_once_and_shared_staff_once_in_the_district),
        cmocka_unit_test(l_06_a_key_that_has_both_and_a_key_that_has_either),
        cmocka_unit_test(l_07_the_denominator_is_another_numerator),
        cmocka_unit_test(l_08_conditions_are_joined_and_what_is_not_known_is_not_no),
        cmocka_unit_test(l_09_a_share_of_schools_is_computed_from_the_schools_values),
        cmocka_unit_test(l_10_reported_roster_and_eligible_are_three_denominators),
        cmocka_unit_test(l_11_a_change_has_a_choice_of_the_earlier_period_and_names_the_one_it_took),
        cmocka_unit_test(l_12_several_periods_are_judged_together_and_have_a_trend),
        cmocka_unit_test(l_13_a_pair_is_the_same_key_in_two_rounds),
        cmocka_unit_test(l_14_a_reference_value_is_reported_about_the_district)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
