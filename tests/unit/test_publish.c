/* test_publish.c: what `publish` hides, rule by rule, of districts that are written down by hand (invariant 7). */
#include "publish_fixture.h"

#define Y "2020/21"

/* As many schools as wanted, A, B, C ...; each with what it has of up to four variables: exam (sum of marks, takers),
 * family (of them, pupils). */
#define YAML_EXAM                                                                                                      \
    "variables:\n"                                                                                                     \
    "  - {id: marks, form: exam, rows: rows, value: \"${mark_sum}\"}\n"                                                \
    "  - {id: takers, form: exam, rows: rows, value: \"${participants}\"}\n"                                           \
    "  - {id: pupils, form: social, value: \"${pupils}\"}\n"                                                           \
    "  - {id: registers, form: social, value: \"${registers}\"}\n"                                                     \
    "  - {id: both_he, form: social, value: \"${both_he}\"}\n"                                                         \
    "  - {id: one_parent, form: social, value: \"${one_parent}\"}\n"                                                   \
    "  - {id: non_native, form: social, value: \"${non_native}\"}\n"                                                   \
    "  - {id: teachers, kind: keys, form: staff, key: \"${code}\", where: \"${post} = 'teacher'\"}\n"                  \
    "indicators:\n"
#define ALL "audience: [office, school, region, public]"

static struct world *district(const char *indicators)
{
    char text[8192];

    (void)snprintf(text, sizeof(text), "%s%s", YAML_EXAM, indicators);
    return open_text(text);
}

static const char *const letters[] = {"A", "B", "C", "D", "E", "F", "G", "H"};

static void schools(struct world *w, size_t count)
{
    for (size_t i = 0; i < count; i++)
        school(w, letters[i], NULL, NULL, NULL);
}

/* One number a school, in the order of the alphabet; -1: it reported none. */
static void row_in(struct world *w, const char *variable, const char *period, size_t count, const int *values)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] >= 0)
            cell(w, variable, letters[i], period, values[i], 1);
}

#define ROW(w, variable, ...)                                                                                          \
    row_in((w), (variable), Y, COUNT(((const int[]){__VA_ARGS__})), (const int[]){__VA_ARGS__})

static uint32_t count_shown(const struct publication *p, const char *id)
{
    uint32_t shown = 0;

    for (size_t i = 0; i < publication_count(p); i++)
        shown += strcmp(publication_at(p, i).indicator->id, id) == 0 && publication_at(p, i).state == PUBLISHED_OK;
    return shown;
}

/* ---- rule 2: least denominators, small numerators and complements ---- */

static void a_mean_of_results_needs_five_and_another_line_is_hidden_with_it(void **state)
{
    struct world *w = district(
        "  - {id: exam, name: Mean, kind: ratio, numerator: \"${marks}\", denominator: \"${takers}\", " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 6);
    /* B has 4 takers: below 5.  Six schools and the total are seven numbers with one equation between them. */
    ROW(w, "marks", 80, 13, 90, 100, 70, 60);
    ROW(w, "takers", 20, 4, 25, 30, 18, 17);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "exam", "B", "x");
    /* One more line hides B from a stranger, and from a school that knows its own numbers: a third one or the total
     * for whoever's is the second.  Everything else stands. */
    assert_in_range(publication_summary(p)->extra, 1, 2);
    assert_int_equal(publication_summary(p)->primary, 1);
    assert_int_equal(count_shown(p, "exam"), 7 - 1 - publication_summary(p)->extra);
    publication_free(p);
    done(w);
}

static void a_share_of_families_hides_1_to_4_and_their_complements(void **state)
{
    struct world *w = district("  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 8);
    /*            A    B    C    D    E   F   G    H
     * of them    4    5   56   50    0   0   9   50
     * pupils   100  100   60   50    9  10   9  100
     * A 4: small.  B 5: shown.  C 60 - 56 = 4: small.  D all of 50: shown.  E none of 9: "none" speaks about every
     * one of 9.  F none of 10: shown.  G all of 9: as E.  H 50: shown. */
    ROW(w, "registers", 4, 5, 56, 50, 0, 0, 9, 50);
    ROW(w, "pupils", 100, 100, 60, 50, 9, 10, 9, 100);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "x", "A", "x");
    SAID(p, "x", "C", "x");
    SAID(p, "x", "E", "x");
    SAID(p, "x", "G", "x");
    assert_int_equal(publication_summary(p)->primary, 4);
    /* Four numbers that are hidden protect each other: nothing else must go. */
    assert_int_equal(publication_summary(p)->extra, 0);
    SAID(p, "x", "B", "5.000000");
    SAID(p, "x", "D", "100.000000");
    SAID(p, "x", "F", "0.000000");
    publication_free(p);
    done(w);
}

static void staff_needs_five(void **state)
{
    struct world *w = district("  - {id: s, name: S, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: staff, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 8);
    /* A 1 of 4, D 2 of 3, F 3 of 4, H 1 of 4: hidden, and they protect each other.  B 1 of 5: shown; of staff a 1 is no
     * secret. */
    ROW(w, "registers", 1, 1, 6, 2, 3, 3, 1, 1);
    ROW(w, "pupils", 4, 5, 9, 3, 8, 4, 12, 4);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "s", "A", "x");
    SAID(p, "s", "D", "x");
    SAID(p, "s", "F", "x");
    SAID(p, "s", "H", "x");
    SAID(p, "s", "B", "20.000000");
    publication_free(p);
    done(w);
}

/* ---- rule 3: one unit is the district ---- */

static void a_district_value_that_is_one_schools_gets_the_schools_rule(void **state)
{
    struct world *w = district("  - {id: exam, name: Mean, kind: ratio, numerator: \"${marks}\", denominator: "
                               "\"${takers}\", " ALL "}\n"
                               "  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 3);
    /* Only B has takers, three of them: the district's mean is B's. */
    ROW(w, "marks", -1, 9, -1);
    ROW(w, "takers", -1, 3, -1);
    /* All 4 on a register are A's: 4 of 4 is more than 85 %, and A's 4 are hidden. */
    ROW(w, "registers", 4, 0, 0);
    ROW(w, "pupils", 50, 60, 70);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "exam", "B", "x");
    SAID(p, "exam", "", "x");
    SAID(p, "exam", "A", "-");
    SAID(p, "x", "A", "x");
    SAID(p, "x", "", "x");
    publication_free(p);
    done(w);
}

static void one_school_that_may_be_shown_may_be_the_district(void **state)
{
    struct world *w = district("  - {id: exam, name: Mean, kind: ratio, numerator: \"${marks}\", denominator: "
                               "\"${takers}\", " ALL "}\n"
                               "  - {id: low, name: Mean, kind: ratio, numerator: \"${marks}\", denominator: "
                               "\"${takers}\", lowest: municipality, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 3);
    ROW(w, "marks", -1, 60, -1);
    ROW(w, "takers", -1, 20, -1);
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "exam", "", "x"); /* `low` must not be known of B: then the same numbers cannot stand here */
    SAID(p, "low", "", "x");
    SAID(p, "low", "B", "x");
    publication_free(p);
    done(w);
    w = district("  - {id: exam, name: Mean, kind: ratio, numerator: \"${marks}\", denominator: \"${takers}\", " ALL
                 "}\n");
    schools(w, 3);
    ROW(w, "marks", -1, 60, -1);
    ROW(w, "takers", -1, 20, -1);
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "exam", "B", "3.000000");
    SAID(p, "exam", "", "3.000000");
    publication_free(p);
    done(w);
}

/* ---- rule 4: surveys ---- */

#define SURVEY                                                                                                         \
    "indicators:\n  - {id: ZHG-35, name: Like, kind: survey, form: climate, items: [q1], scale: {from: 1, to: 4}, "    \
    "positive: [1, 2], minimum: {n: 5}, privacy: survey, " ALL "}\n"

static void put_sheets(struct world *w, const char *unit, int sheets, int positive)
{
    cell(w, "ZHG-35", unit, Y, positive, (uint64_t)sheets);
    cell(w, "ZHG-35/given", unit, Y, sheets, (uint64_t)sheets);
}

static void a_survey_needs_ten_sheets_to_be_shown_and_three_schools(void **state)
{
    struct world *w = open_text(SURVEY);
    struct publication *p;

    (void)state;
    schools(w, 5);
    put_sheets(w, "A", 24, 9);
    put_sheets(w, "B", 4, 2); /* too few to compute */
    put_sheets(w, "C", 60, 20);
    put_sheets(w, "D", 9, 5); /* too few to show */
    put_sheets(w, "E", 30, 11);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "ZHG-35", "B", "x");
    SAID(p, "ZHG-35", "D", "x");
    assert_int_equal(publication_summary(p)->primary, 2);
    publication_free(p);
    done(w);
    w = open_text(SURVEY);
    schools(w, 3);
    put_sheets(w, "A", 24, 9);
    put_sheets(w, "C", 60, 20);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "ZHG-35", "", "x"); /* of two schools */
    SAID(p, "ZHG-35", "A", "37.500000");
    publication_free(p);
    done(w);
}

/* The worked example, item 9: A 9 of 24, C 20 of 60, all 31 of 88; B would be 31 - 9 - 20 = 2 of 4. */
static void a_total_and_two_schools_would_give_the_third_away(void **state)
{
    struct world *w = open_text(SURVEY);
    struct publication *p;

    (void)state;
    three_schools(w);
    put_sheets(w, "A", 24, 9);
    put_sheets(w, "B", 4, 2);
    put_sheets(w, "C", 60, 20);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "ZHG-35", "B", "x");
    assert_true(count_shown(p, "ZHG-35") <= 2);
    assert_true(count_shown(p, "ZHG-35") >= 1);
    publication_free(p);
    done(w);
}

/* ---- rule 5: change ---- */

static void a_change_is_hidden_where_one_of_its_periods_is(void **state)
{
    static const int registers[] = {5, 9, 7, 8, 6, 12};
    static const int pupils[] = {60, 90, 70, 80, 60, 95};
    struct world *w =
        district("  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                 "\"${pupils}\", privacy: family, " ALL "}\n"
                 "  - {id: c, name: C, kind: change, of: x, against: previous, privacy: family, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 6);
    row_in(w, "registers", "2019/20", 6, registers);
    row_in(w, "pupils", "2019/20", 6, pupils);
    /* KOR-09: 5 -> 2 on a register shows that three left. */
    ROW(w, "registers", 2, 9, 7, 8, 6, 12);
    ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "x", "A", "x");
    SAID(p, "c", "A", "x");
    assert_true(count_shown(p, "c") >= 3);
    publication_free(p);
    done(w);
}

/* ---- rule 6: an index ---- */

static const char index_yaml[] =
    "  - {id: x2, name: B, kind: share, numerator: \"${both_he}\", denominator: \"${pupils}\", privacy: family, " ALL
    "}\n"
    "  - {id: x3, name: B, kind: share, numerator: \"${one_parent}\", denominator: \"${pupils}\", privacy: family, " ALL
    "}\n"
    "  - {id: x4, name: B, kind: share, numerator: \"${registers}\", denominator: \"${pupils}\", privacy: family, " ALL
    "}\n"
    "  - {id: x5, name: B, kind: share, numerator: \"${non_native}\", denominator: \"${pupils}\", privacy: family, " ALL
    "}\n"
    "  - id: KOR-01\n    name: Index\n    kind: index\n    " ALL "\n    privacy: family\n    components:\n"
    "      - {of: x2, weight: 0.25}\n      - {of: x3, weight: 0.25, turn: true}\n"
    "      - {of: x4, weight: 0.25, turn: true}\n      - {of: x5, weight: 0.25, turn: true}\n";

/* The worked example, item 7: registers 2, 1, 3 and non-native 1, 0 are hidden, hence the index 70.56, 68.38, 74.32 is
 * shown as a class; 67 and more is high. */
static void an_index_with_a_hidden_component_is_a_class(void **state)
{
    struct world *w = district(index_yaml);
    struct publication *p;

    (void)state;
    three_schools(w);
    ROW(w, "pupils", 62, 34, 148);
    ROW(w, "both_he", 9, 3, 44);
    ROW(w, "one_parent", 17, 11, 36);
    ROW(w, "registers", 2, 1, 3);
    ROW(w, "non_native", 1, 0, 9);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    for (size_t i = 0; i < 3; i++) {
        SAID(p, "x4", letters[i], "x");
        SAID(p, "KOR-01", letters[i], "x high");
    }
    SAID(p, "x5", "A", "x");
    SAID(p, "x2", "B", "x"); /* 3 */
    publication_free(p);
    done(w);
}

/* (100 n2 + 100 (d - n3) + 100 (d - n4) + 100 (d - n5)) / 4 d with d = 40:
 * A: n 0, 40, 2, 38: (0 + 0 + 95 + 5) / 4 = 25: low.  B: n 20, 20, 3, 18: (50 + 50 + 92.5 + 55) / 4 = 61.875: middle.
 */
static void classes_are_thirds_of_the_scale(void **state)
{
    struct world *w = district(index_yaml);
    struct publication *p;

    (void)state;
    schools(w, 5);
    ROW(w, "pupils", 40, 40, 40, 40, 40);
    ROW(w, "both_he", 0, 20, 20, 20, 20);
    ROW(w, "one_parent", 40, 20, 20, 20, 20);
    ROW(w, "registers", 2, 3, 1, 2, 2);
    ROW(w, "non_native", 30, 18, 12, 12, 12);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "KOR-01", "A", "x low"); /* (0 + 0 + 95 + 25) / 4 = 30 */
    SAID(p, "KOR-01", "B", "x middle");
    publication_free(p);
    done(w);
}

/* ---- rule 7: two levels ---- */

static const char two_levels[] =
    "  - {id: exam, name: Mean, kind: ratio, numerator: \"${marks}\", denominator: \"${takers}\", audience: [office]}\n"
    "  - {id: below, name: Below, kind: units, condition: \"${exam} < 3.4\", " ALL "}\n";

static void a_share_of_schools_names_no_school_and_needs_five(void **state)
{
    struct world *w = district(two_levels);
    struct publication *p;

    (void)state;
    schools(w, 5);
    ROW(w, "marks", 60, 70, 80, 90, 100);
    ROW(w, "takers", 20, 20, 20, 25, 25);
    /* 3.0, 3.5, 4.0, 3.6, 4.0: one of five */
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "below", "", "20.000000");
    SAID(p, "below", "A", "");
    assert_int_equal(publication_count(p), 1);
    publication_free(p);
    done(w);
    w = district(two_levels);
    schools(w, 4);
    ROW(w, "marks", 60, 70, 80, 90);
    ROW(w, "takers", 20, 20, 20, 25);
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "below", "", "x");
    publication_free(p);
    done(w);
}

static void a_share_of_schools_does_not_rest_on_a_hidden_cell(void **state)
{
    struct world *w = district(two_levels);
    struct publication *p;

    (void)state;
    schools(w, 6);
    ROW(w, "marks", 60, 70, 80, 90, 100, 9);
    ROW(w, "takers", 20, 20, 20, 25, 25, 3); /* F: a mean of three */
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "below", "", "x");
    publication_free(p);
    done(w);
}

/* ---- rule 8: restricted ---- */

static void restricted_is_of_the_district_and_from_five_on(void **state)
{
    struct world *w =
        district("  - {id: r, name: R, kind: sum, value: \"${registers}\", privacy: restricted, " ALL "}\n"
                 "  - {id: q, name: Q, kind: sum, value: \"${non_native}\", privacy: restricted, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 6);
    ROW(w, "registers", 1, 0, 1, 1, 0, 1);  /* 4: fewer than 5 */
    ROW(w, "non_native", 2, 5, 3, 4, 3, 2); /* 19 */
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "r", "", "x fewer-than-5");
    SAID(p, "q", "", "19.000000");
    for (size_t i = 0; i < 6; i++) {
        SAID(p, "r", letters[i], "x");
        SAID(p, "q", letters[i], "x");
    }
    publication_free(p);
    done(w);
}

static void lowest_municipality_is_never_shown_of_a_school(void **state)
{
    struct world *w = district("  - {id: r, name: R, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", lowest: municipality, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 4);
    ROW(w, "registers", 40, 50, 60, 45);
    ROW(w, "pupils", 100, 100, 120, 90);
    p = publish(w, NULL, Y, AUDIENCE_REGION);
    SAID(p, "r", "A", "x");
    SAID(p, "r", "D", "x");
    SAID(p, "r", "", "47.560976"); /* 195/410 */
    publication_free(p);
    done(w);
}

static void open_is_shown_whole(void **state)
{
    struct world *w = district("  - {id: o, name: O, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: open, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 2);
    ROW(w, "registers", 1, 0);
    ROW(w, "pupils", 2, 1);
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "o", "A", "50.000000");
    SAID(p, "o", "B", "0.000000");
    SAID(p, "o", "", "33.333333");
    publication_free(p);
    done(w);
}

/* ---- who reads ---- */

static void a_school_has_its_own_lines_and_no_others(void **state)
{
    struct world *w = district("  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 6);
    ROW(w, "registers", 2, 9, 7, 8, 6, 12);
    ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
    p = publish(w, NULL, Y, AUDIENCE_SCHOOL);
    assert_int_equal(publication_count(p), 1); /* the district's: 44/456 */
    SAID(p, "x", "", "9.649123");
    publication_choose_school(p, "A");
    assert_int_equal(publication_count(p), 2);
    SAID(p, "x", "A", "3.333333"); /* its own 2 of 60 */
    assert_true(publication_at(p, 0).is_own);
    publication_choose_school(p, "B");
    SAID(p, "x", "A", "");
    SAID(p, "x", "B", "10.000000");
    publication_free(p);
    done(w);
}

/* With two schools and the total each of them is the other's reader. */
static void of_two_schools_the_total_tells_each_the_other(void **state)
{
    struct world *w = district("  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, " ALL "}\n");
    struct publication *p;

    (void)state;
    schools(w, 2);
    /* A stranger who reads 6 of 120 does not know whether it is 2 + 4, 3 + 3 or 4 + 2: A, who has 3, knows. */
    ROW(w, "registers", 3, 3);
    ROW(w, "pupils", 60, 60);
    p = publish(w, NULL, Y, AUDIENCE_SCHOOL);
    SAID(p, "x", "", "x");
    publication_free(p);
    done(w);
}

static void a_survey_of_few_sheets_is_hidden_from_the_school_itself(void **state)
{
    struct world *w = open_text(SURVEY);
    struct publication *p;

    (void)state;
    schools(w, 5);
    put_sheets(w, "A", 24, 9);
    put_sheets(w, "B", 8, 2);
    put_sheets(w, "C", 60, 20);
    put_sheets(w, "D", 40, 15);
    put_sheets(w, "E", 30, 11);
    p = publish(w, NULL, Y, AUDIENCE_SCHOOL);
    publication_choose_school(p, "B");
    SAID(p, "ZHG-35", "B", "x");
    publication_choose_school(p, "A");
    SAID(p, "ZHG-35", "A", "37.500000");
    publication_free(p);
    done(w);
}

/* ---- earlier publications ---- */

static void what_was_published_is_published_again(void **state)
{
    struct world *w = district("  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, " ALL "}\n");
    struct press past = {.count = 0};
    struct publication *first, *second;

    (void)state;
    schools(w, 6);
    ROW(w, "registers", 2, 9, 7, 8, 6, 12);
    ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
    first = publish(w, &past, Y, AUDIENCE_REGION);
    second = publish(w, &past, Y, AUDIENCE_PUBLIC);
    for (size_t i = 0; i < publication_count(first); i++) {
        struct published_line l = publication_at(first, i);

        assert_string_equal(said(first, "x", l.unit, ""), said(second, "x", l.unit, ""));
    }
    assert_true(publication_summary(second)->earlier > 0);
    publication_free(first);
    publication_free(second);
    press_free(&past);
    done(w);
}

/* The region was told every school but B, and no total.  The public is told the total under another name: 44 - 42 = 2
 * is B's.  Without memory nothing would be wrong with it. */
static void what_the_region_was_told_is_known_to_the_public(void **state)
{
    static const char yaml[] = "  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, level: unit, audience: [office, region]}\n"
                               "  - {id: t, name: T, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, level: municipality, audience: [office, public]}\n";
    struct world *w = district(yaml);
    struct press past = {.count = 0};
    struct publication *p;

    (void)state;
    schools(w, 6);
    ROW(w, "registers", 9, 2, 7, 8, 6, 12);
    ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "t", "", "9.649123"); /* 44/456 */
    publication_free(p);
    p = publish(w, &past, Y, AUDIENCE_REGION);
    SAID(p, "x", "B", "x");
    assert_int_equal(count_shown(p, "x"), 5);
    publication_free(p);
    p = publish(w, &past, Y, AUDIENCE_PUBLIC);
    SAID(p, "t", "", "x");
    publication_free(p);
    press_free(&past);
    done(w);
}

/* Another programme calls the same numbers open and knows nothing of x; what was kept from the region stays kept. */
static void what_one_programme_hid_another_does_not_tell(void **state)
{
    static const char *const yamls[] = {
        "  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: \"${pupils}\", privacy: family, "
        "level: unit, audience: [office, region]}\n",
        "  - {id: t, name: T, kind: sum, value: \"${registers}\", privacy: open, level: municipality, audience: "
        "[office, region]}\n"};
    struct press past = {.count = 0};

    (void)state;
    for (size_t i = 0; i < 3; i++) { /* the other one without the first, then after it */
        struct world *w = district(yamls[(i + 1) % 2]);
        struct publication *p;

        schools(w, 6);
        ROW(w, "registers", 9, 2, 7, 8, 6, 12);
        ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
        p = publish(w, i == 0 ? NULL : &past, Y, AUDIENCE_REGION);
        if (i == 0)
            SAID(p, "t", "", "44.000000");
        if (i == 1)
            SAID(p, "x", "B", "x");
        if (i == 2)
            SAID(p, "t", "", "x"); /* 44 - 9 - 7 - 8 - 6 - 12 = 2 */
        publication_free(p);
        done(w);
    }
    press_free(&past);
}

static void a_damaged_memory_is_refused(void **state)
{
    struct world *w = district("  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, " ALL "}\n");
    struct press past = {.count = 0};
    struct publication *p;

    (void)state;
    schools(w, 6);
    ROW(w, "registers", 2, 9, 7, 8, 6, 12);
    ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
    publication_free(publish(w, &past, Y, AUDIENCE_REGION));
    past.memories[0].len--;
    assert_int_equal(try_publish(w, &past, Y, AUDIENCE_PUBLIC, &p), ERR_CORRUPT);
    press_free(&past);
    done(w);
}

/* What was shown whole under other rules cannot be taken back: x of A was published as open, now 2 of 60 must be
 * hidden. */
static void what_cannot_be_protected_any_more_is_refused_by_name(void **state)
{
    static const char *const privacy[] = {"open", "family"};
    struct press past = {.count = 0};
    struct publication *p = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char yaml[512];
        struct world *w;

        (void)snprintf(yaml, sizeof(yaml),
                       "  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: \"${pupils}\", "
                       "privacy: %s, " ALL "}\n",
                       privacy[i]);
        w = district(yaml);
        schools(w, 6);
        ROW(w, "registers", 2, 9, 7, 8, 6, 12);
        ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
        if (i == 0)
            publication_free(publish(w, &past, Y, AUDIENCE_PUBLIC));
        else
            assert_int_equal(try_publish(w, &past, Y, AUDIENCE_REGION, &p), ERR_DENIED);
        done(w);
    }
    assert_null(p);
    assert_non_null(strstr(err_text(), "x, A, 2020/21 (numerator)"));
    assert_non_null(strstr(err_text(), "publication 1: x, A, 2020/21"));
    press_free(&past);
}

/* Published for the public alone: what is meant for the region must not follow from it either. */
static void what_others_will_be_told_is_kept_from_the_first(void **state)
{
    struct world *w = district("  - {id: o, name: O, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: open, audience: [office, public]}\n"
                               "  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: "
                               "\"${pupils}\", privacy: family, audience: [office, region]}\n");
    struct publication *p;

    (void)state;
    schools(w, 6);
    ROW(w, "registers", 2, 9, 7, 8, 6, 12);
    ROW(w, "pupils", 60, 90, 70, 80, 60, 96);
    p = publish(w, NULL, Y, AUDIENCE_PUBLIC);
    SAID(p, "o", "A", "x");
    publication_free(p);
    done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mean_of_results_needs_five_and_another_line_is_hidden_with_it),
        cmocka_unit_test(a_share_of_families_hides_1_to_4_and_their_complements),
        cmocka_unit_test(staff_needs_five),
        cmocka_unit_test(a_district_value_that_is_one_schools_gets_the_schools_rule),
        cmocka_unit_test(one_school_that_may_be_shown_may_be_the_district),
        cmocka_unit_test(a_survey_needs_ten_sheets_to_be_shown_and_three_schools),
        cmocka_unit_test(a_total_and_two_schools_would_give_the_third_away),
        cmocka_unit_test(a_change_is_hidden_where_one_of_its_periods_is),
        cmocka_unit_test(an_index_with_a_hidden_component_is_a_class),
        cmocka_unit_test(classes_are_thirds_of_the_scale),
        cmocka_unit_test(a_share_of_schools_names_no_school_and_needs_five),
        cmocka_unit_test(a_share_of_schools_does_not_rest_on_a_hidden_cell),
        cmocka_unit_test(restricted_is_of_the_district_and_from_five_on),
        cmocka_unit_test(lowest_municipality_is_never_shown_of_a_school),
        cmocka_unit_test(open_is_shown_whole),
        cmocka_unit_test(a_school_has_its_own_lines_and_no_others),
        cmocka_unit_test(of_two_schools_the_total_tells_each_the_other),
        cmocka_unit_test(a_survey_of_few_sheets_is_hidden_from_the_school_itself),
        cmocka_unit_test(what_was_published_is_published_again),
        cmocka_unit_test(what_the_region_was_told_is_known_to_the_public),
        cmocka_unit_test(what_one_programme_hid_another_does_not_tell),
        cmocka_unit_test(a_damaged_memory_is_refused),
        cmocka_unit_test(what_cannot_be_protected_any_more_is_refused_by_name),
        cmocka_unit_test(what_others_will_be_told_is_kept_from_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
