/* test_programme_kinds.c: every kind of indicator becomes what docs/indicators.md says, and what cannot work is refused
 * at its place (invariant 9). */
#include "programme_fixture.h"

/* The first line of the indicators is line 7, and each stands on one line of its own: "  - {id: ". */
#define H         "  - {id: H, name: H, kind: share, form: f, condition: \"${a} > 1\"}\n"
#define MUNICIPAL "  - {id: MU, name: MU, kind: sum, value: \"${a}\", level: municipality}\n"
#define OF_UNITS  "  - {id: UN, name: UN, kind: sum, value: \"${a}\", level: unit}\n"

static const struct variable *variable_of(const struct programme *p, const struct linear *sum, uint32_t term)
{
    assert_true(term < sum->count);
    return p->variables[sum->terms[term].variable];
}

/* ---- over one form ---- */

static void a_kind_over_one_form_is_short_for_a_variable(void **state)
{
    static const char yaml[] =
        HEAD "  - {id: C, name: C, kind: count, form: f, where: \"${a} > 1\", breakdown: sex}\n"
             "  - {id: S, name: S, kind: sum, form: f, value: \"${d}\", places: 2}\n"
             "  - {id: M, name: M, kind: mean, form: f, rows: rows, value: \"${pupils} + ${a}\"}\n" H;
    struct programme *p = load_good(yaml, NULL);
    const struct indicator *i;

    (void)state;
    assert_int_equal(p->variable_count, 4);
    i = indicator_of(p, "C", "");
    assert_int_equal(i->kind, KIND_COUNT);
    assert_int_equal(i->numerator.terms[0].stat, STAT_VALUE);
    assert_null(i->denominator.source);
    assert_true(i->has_breakdown);
    assert_string_equal(i->unit_en, "");
    assert_int_equal(i->series_count, 1);
    assert_string_equal(i->series[0], "month"); /* the form's */
    assert_string_equal(variable_of(p, &i->numerator, 0)->definition, "sum form=\"f\" where=\"${a} > 1\" by=\"sex\"");
    i = indicator_of(p, "S", "");
    assert_int_equal(i->places, 2);
    assert_string_equal(variable_of(p, &i->numerator, 0)->definition, "sum form=\"f\" value=\"${d}\" places=\"2\"");
    i = indicator_of(p, "M", "");
    assert_int_equal(i->numerator.terms[0].stat, STAT_VALUE);
    assert_int_equal(i->denominator.terms[0].stat, STAT_N);
    assert_int_equal(i->denominator.terms[0].variable, i->numerator.terms[0].variable);
    assert_true(i->times > 0.5 && i->times < 1.5);
    assert_string_equal(variable_of(p, &i->numerator, 0)->clauses[0].rows, "rows");
    /* A condition counts 1 when it holds, whatever it gives: ${a} alone would add the number. */
    i = indicator_of(p, "H", "");
    assert_string_equal(variable_of(p, &i->numerator, 0)->value, "if(${a} > 1, 1, 0)");
    assert_int_equal(i->denominator.terms[0].stat, STAT_N);
    assert_true(i->times > 99 && i->times < 101);
    assert_string_equal(i->unit_en, "%");
    assert_int_equal(i->of, -1);
    done(p);
}

static void a_condition_cannot_reach_out_of_its_place(void **state)
{
    (void)state;
    /* In if(..., 1, 0) this would compile. */
    expect_mistake(HEAD "  - {id: A, name: A, kind: share, form: f, condition: \"1, 1, 0) + if(1\"}\n", NULL,
                   "programme.yaml:7:57: A: condition:");
}

static void mistakes_in_a_form_s_expressions_have_their_column(void **state)
{
    static const struct mistake cases[] = {
        {HEAD "  - id: A\n    name: A\n    form: f\n    kind: sum\n    value: ${a} + ${nosuch}\n",
         "programme.yaml:11:19: A: value: there is no field \"nosuch\""},
        {HEAD "  - id: A\n    name: A\n    form: f\n    kind: share\n    condition: \"'ё' = ${zz}\"\n",
         "programme.yaml:11:23: A: condition:"},
        {HEAD "  - id: A\n    name: A\n    form: f\n    kind: count\n    where: \"${a} =\\u0020\"\n",
         "programme.yaml:11:12: A: where, character 8 of the expression:"},
        {HEAD "  - id: A\n    name: A\n    form: f\n    kind: count\n    where: ${a} > today()\n",
         "programme.yaml:11:19: A: where:"},
        {HEAD "  - {id: A, name: A, form: f, kind: count, where: \"${pupils} > 1\"}\n",
         "programme.yaml:7:52: A: where:"},
        {HEAD "  - {id: A, name: A, form: f, kind: count, rows: nosuch}\n", "programme.yaml:7:50: A: rows:"},
        {HEAD "  - {id: A, name: A, form: f, kind: count, breakdown: d}\n", "programme.yaml:7:55: A: breakdown:"},
        {HEAD "  - {id: A, name: A, form: f, kind: count, where: [1]}\n", "programme.yaml:7:51: where: a text"},
        {HEAD "  - {id: A, name: A, form: g, kind: count}\n", "programme.yaml:7:28: form: the pack has no form 'g'"},
        {HEAD "  - {id: A, name: A, form: ff, kind: count}\n",
         "programme.yaml:7:28: form: the pack has no form 'ff' in "
         "forms/; did you mean 'f'?"},
        {HEAD "  - {id: A, name: A, form: f, kind: count, places: 7}\n", "programme.yaml:7:52: places:"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), NULL);
}

static void a_key_that_a_kind_does_not_have_or_needs_is_told(void **state)
{
    static const struct mistake cases[] = {
        {HEAD "  - {id: A, name: A, form: f, kind: share}\n",
         "programme.yaml:7:5: condition: kind 'share' needs this key"},
        {HEAD "  - {id: A, name: A, form: f, kind: sum}\n", "programme.yaml:7:5: value: kind 'sum' needs this key"},
        {HEAD "  - {id: A, name: A, kind: sum}\n", "programme.yaml:7:5: value: kind 'sum' needs this key"},
        {HEAD "  - {id: A, name: A, kind: count}\n", "programme.yaml:7:5: form: kind 'count' needs this key"},
        {HEAD "  - {id: A, name: A, form: f, kind: count, value: \"1\"}\n",
         "programme.yaml:7:44: value: kind 'count' has no such key; it has: form rows where breakdown places"},
        {HEAD "  - {id: A, name: A, form: f, kind: count, condition: \"1\"}\n", "programme.yaml:7:44: condition:"},
        {HEAD "  - {id: A, name: A, kind: sum, value: \"${a}\", where: \"1\"}\n",
         "programme.yaml:7:48: where: kind 'sum'"},
        {HEAD "  - {id: A, name: A, kind: sum, value: \"${a}\", places: 2}\n", "programme.yaml:7:48: places:"},
        {HEAD "  - {id: A, name: A, kind: formula, value: \"${a}\", against: base}\n", "programme.yaml:7:52: against:"},
        {HEAD "  - {id: A, name: A, kind: median}\n", "programme.yaml:7:28: kind: expected one of: count"},
        {HEAD "  - {id: A, name: A}\n", "programme.yaml:7:5: kind: this key is required"},
        {HEAD "  - {id: A, kind: sum, value: \"${a}\"}\n", "programme.yaml:7:5: name: this key is required"},
        {HEAD "  - {id: A, name: A, kind: sum, value: \"${a}\", weigth: 1}\n",
         "programme.yaml:7:48: weigth: unknown key; did you mean \"weight\"?"},
        {HEAD "  - {id: A, name: A, kind: ratio, numerator: \"${a}\", denominator: \"${b}\", times: zero}\n",
         "programme.yaml:7:82: times: a number is expected"},
        {HEAD "  - {id: A, name: A, kind: ratio, numerator: \"${a}\", denominator: \"${b}\", times: 0}\n",
         "programme.yaml:7:82: times: a number above 0"},
        {HEAD "  - {id: A, name: A, kind: ratio, numerator: \"${a}\", denominator: \"${b}\", times: \"5\"}\n",
         "programme.yaml:7:82: times:"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

static void every_key_that_is_missing_is_told(void **state)
{
    struct programme *p;

    (void)state;
    assert_int_equal(load_texts(HEAD "  - {id: A, name: A, kind: share}\n", variables_yaml, &p), ERR_INVALID);
    expect_line("programme.yaml:7:5: numerator: kind 'share' needs this key");
    expect_line("programme.yaml:7:5: denominator: kind 'share' needs this key");
    assert_int_equal(report_errors(loaded_report), 2);
    done(p);
}

/* ---- over variables ---- */

static void a_sum_keeps_each_variable_with_its_factor(void **state)
{
    static const char yaml[] = HEAD "  - {id: VS, name: VS, kind: sum, value: \"${a} + ${b} - ${t}\"}\n"
                                    "  - {id: VH, name: VH, kind: share, numerator: \"${by1}\", denominator: \"${by1} "
                                    "+ ${by2}\", breakdown: true}\n"
                                    "  - {id: VR, name: VR, kind: ratio, numerator: \"2 * (${a} - 3 * ${rose.pr})\", "
                                    "denominator: \"${n.b}\", times: 2.5}\n";
    struct programme *p = load_good(yaml, variables_yaml);
    const struct indicator *i = indicator_of(p, "VS", "");

    (void)state;
    assert_int_equal(i->numerator.count, 3);
    assert_int_equal(i->numerator.terms[2].coefficient, -1);
    assert_string_equal(variable_of(p, &i->numerator, 2)->id, "t");
    assert_string_equal(i->series[0], "school_year");
    assert_null(i->denominator.source);
    i = indicator_of(p, "VH", "");
    assert_true(i->has_breakdown);
    assert_int_equal(i->denominator.count, 2);
    assert_true(i->times > 99);
    assert_string_equal(i->unit_ru, "%");
    /* 2 * (a - 3 * rose) = 2 a - 6 rose */
    i = indicator_of(p, "VR", "");
    assert_int_equal(i->numerator.count, 2);
    assert_int_equal(i->numerator.terms[0].coefficient, 2);
    assert_int_equal(i->numerator.terms[1].coefficient, -6);
    assert_int_equal(i->numerator.terms[1].stat, STAT_ROSE);
    assert_int_equal(i->denominator.terms[0].stat, STAT_N);
    assert_true(i->times > 2.4 && i->times < 2.6);
    done(p);
}

static void what_is_no_sum_of_variables_is_refused(void **state)
{
#define SUM(text) HEAD "  - {id: A, name: A, kind: sum, value: \"" text "\"}\n"
    static const struct mistake cases[] = {
        {SUM("${a} + 1"), "programme.yaml:7:41: A: value: a sum of variables has no number of its own"},
        {SUM("5"), "programme.yaml:7:41: A: value: a sum of variables is expected"},
        {SUM("${a} * ${b}"), "programme.yaml:7:41: A: value: a variable has no part in this sum"},
        {SUM("${a} + ${b} + ${a} * ${b}"), "programme.yaml:7:41: A: value: a sum of variables is expected, each with a "
                                           "whole factor: no products"},
        {SUM("${a} * 0.5"),
         "programme.yaml:7:41: A: value: a sum of variables is expected, each with a whole factor of"},
        {SUM("${a} div 2"),
         "programme.yaml:7:41: A: value: a sum of variables is expected, each with a whole factor of"},
        {SUM("${a} div ${b}"), "programme.yaml:7:41: A: value:"},
        {SUM("${a} * ${b} div ${b}"), "programme.yaml:7:41: A: value:"},
        {SUM("${a} * 1000001"), "programme.yaml:7:41: A: value:"},
        {SUM("${a} - ${a}"), "programme.yaml:7:41: A: value: a variable has no part in this sum"},
        /* What would change the meaning of a missing value, and what no point of a few would show. */
        {SUM("${b} + coalesce(${a}, 0)"), "programme.yaml:7:48: A: value: variables are added and subtracted here"},
        {SUM("${a} > 0"), "programme.yaml:7:46: A: value: variables are added and subtracted here"},
        {SUM("if(${a} = 77777, 0, ${a})"), "programme.yaml:7:41: A: value: variables are added"},
        {SUM("${v}"), "programme.yaml:7:41: A: value: \"v\" is of kind values"},
        {SUM("${n.v}"), "programme.yaml:7:41: A: value: \"v\" is of kind values"},
        {SUM("${previous.a}"), "programme.yaml:7:41: A: value: a sum is made of variables as they are"},
        {SUM("${municipality.a}"), "programme.yaml:7:41: A: value: a sum is made of variables as they are"},
        {SUM("${a} * ${param.low}"), "programme.yaml:7:48: A: value: a sum is made of variables as they are"},
        {HEAD H "  - {id: A, name: A, kind: sum, value: \"${a} + ${H}\"}\n",
         "programme.yaml:8:48: A: value: \"H\" is an indicator: a sum is made of variables"},
        {HEAD "  - {id: A, name: A, kind: sum, value: \"${by1}\", breakdown: sex}\n",
         "programme.yaml:7:61: breakdown: without form, yes or no"},
        {HEAD "  - {id: A, name: A, kind: sum, value: \"${a}\", breakdown: true}\n",
         "programme.yaml:7:59: breakdown: variable 'a' has no by"},
        {HEAD "  - {id: A, name: A, kind: sum, value: \"${by1} + ${by3}\", breakdown: true}\n",
         "programme.yaml:7:70: breakdown: variables 'by1' and 'by3' have not the same by"},
        {HEAD "  - {id: A, name: A, kind: share, numerator: \"${by1}\", denominator: \"${a}\", breakdown: true}\n",
         "breakdown: variable 'a' has no by"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

/* ---- survey ---- */

#define GIVEN1 "${q1} >= 1 and ${q1} <= 4"
#define GIVEN2 "${q2} >= 1 and ${q2} <= 4"
#define ANY    "((" GIVEN1 ") or (" GIVEN2 "))"

static void a_survey_becomes_sums_over_the_sheets_with_an_answer(void **state)
{
    static const char yaml[] =
        HEAD "  - {id: Q, name: Q, kind: survey, form: f, items: [q1, q2], positive: [1, 3, 4], reversed: [q2]}\n"
             "  - {id: QT, name: QT, kind: survey, form: f, items: [q1, q2], positive: [3, 4], together: true, "
             "where: \"${a} > 0\"}\n"
             "  - {id: QM, name: QM, kind: survey, form: f, items: [q1, q2], reversed: [q1], as: mean}\n"
             "  - {id: QI, name: QI, kind: survey, form: f, items: [q1], scale: {from: -1, to: 4}, as: index}\n";
    struct programme *p = load_good(yaml, NULL);
    const struct indicator *i = indicator_of(p, "Q", "");
    const struct variable *v = variable_of(p, &i->numerator, 0);

    (void)state;
    /* Positive are 1, 3 and 4; turned, 5 - x: 4, 2 and 1. */
    assert_string_equal(v->clauses[0].where, ANY);
    assert_string_equal(v->value, "if(${q1} >= 1 and ${q1} <= 1 or ${q1} >= 3 and ${q1} <= 4, 1, 0) + "
                                  "if(${q2} >= 4 and ${q2} <= 4 or ${q2} >= 1 and ${q2} <= 2, 1, 0)");
    v = variable_of(p, &i->denominator, 0);
    assert_string_equal(v->id, "Q/given");
    assert_string_equal(v->clauses[0].where, ANY);
    assert_string_equal(v->value, "if(" GIVEN1 ", 1, 0) + if(" GIVEN2 ", 1, 0)");
    assert_int_equal(i->denominator.terms[0].stat, STAT_VALUE);
    assert_null(i->answers.source); /* the n of the numerator's variable: sheets with an answer */
    assert_true(i->times > 99);
    /* Together: sheets in which all are positive, of those in which all are given; n counts any. */
    i = indicator_of(p, "QT", "");
    v = variable_of(p, &i->numerator, 0);
    assert_string_equal(v->clauses[0].where, "(${a} > 0) and ((" GIVEN1 ") and (" GIVEN2 "))");
    assert_string_equal(v->value, "if(((${q1} >= 3 and ${q1} <= 4) and (${q2} >= 3 and ${q2} <= 4)), 1, 0)");
    assert_int_equal(i->denominator.terms[0].stat, STAT_N);
    assert_int_equal(i->denominator.terms[0].variable, i->numerator.terms[0].variable);
    assert_string_equal(variable_of(p, &i->answers, 0)->clauses[0].where, "(${a} > 0) and " ANY);
    assert_int_equal(i->answers.terms[0].stat, STAT_N);
    i = indicator_of(p, "QM", "");
    assert_string_equal(variable_of(p, &i->numerator, 0)->value,
                        "if(" GIVEN1 ", 5 - ${q1}, 0) + if(" GIVEN2 ", ${q2}, 0)");
    assert_true(i->times > 0.9 && i->times < 1.1 && i->minus > -0.1 && i->minus < 0.1);
    assert_string_equal(i->unit_en, "");
    /* (mean + 1) / 5 * 100: `minus` -1, `times` 20 */
    i = indicator_of(p, "QI", "");
    assert_true(i->minus > -1.1 && i->minus < -0.9 && i->times > 19.9 && i->times < 20.1);
    done(p);
}

static void mistakes_of_a_survey_are_told_at_their_item(void **state)
{
#define Q "  - {id: Q, name: Q, kind: survey, form: f, items: "
    static const struct mistake cases[] = {
        {HEAD Q "[q1, q9]}\n", "programme.yaml:7:57: items: a field of form f is expected"},
        {HEAD Q "[q1, sex, d]}\n", "programme.yaml:7:62: items: a field of form f is expected"}, /* sex is a select */
        {HEAD Q "[]}\n", "programme.yaml:7:52: items: a text or a list"},
        {HEAD Q "[q1, q1]}\n", "programme.yaml:7:57: items: this stands here twice"},
        {HEAD Q "[q1], reversed: [q2]}\n", "programme.yaml:7:69: reversed: one of the items"},
        {HEAD Q "[q1], positive: [5]}\n", "programme.yaml:7:69: positive: a value of the scale"},
        {HEAD Q "[q1], scale: {from: 4, to: 1}, positive: [1]}\n",
         "programme.yaml:7:65: scale: expected from below to"},
        {HEAD Q "[q1], scale: {from: 1, to: 1000}, positive: [1]}\n", "programme.yaml:7:79: to: expected a value from"},
        {HEAD Q "[q1], scale: {from: 1, to: 5}}\n", "programme.yaml:7:5: positive: as: share needs this key"},
        {HEAD Q "[q1], as: mean, positive: [4]}\n", "programme.yaml:7:78: positive: positive values are of as: share"},
        {HEAD Q "[q1], as: mean, together: true}\n", "programme.yaml:7:78: together:"},
        {HEAD Q "[q1], as: sum}\n", "programme.yaml:7:62: as: expected one of: share, mean, index"},
        {HEAD Q "[q1], where: \"1) or (1\"}\n", "programme.yaml:7:67: Q: where:"},
        {HEAD Q "[q1], breakdown: sex}\n", "programme.yaml:7:58: breakdown: kind 'survey' has no such key"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), NULL);
}

/* ---- over units and other indicators ---- */

static void kinds_over_others_keep_what_they_read(void **state)
{
    static const char yaml[] = HEAD H
        "  - {id: U, name: U, kind: units, condition: \"${H} > ${municipality.H}\"}\n"
        "  - {id: UR, name: UR, kind: units, condition: \"${H} > 1\", among: roster, as: count}\n"
        "  - {id: UW, name: UW, kind: units, condition: \"${H} > 1\", among: \"${a} > 0\"}\n"
        "  - {id: D, name: D, kind: change, of: H, against: last_year, as: percent}\n"
        "  - {id: F, name: F, kind: formula, value: \"${H} div ${param.low} + ${median.v}\", rollup: weighted, weight: "
        "\"${a}\"}\n"
        "  - {id: G, name: G, kind: gap, of: H, group: \"${K} = 1\"}\n"
        "  - {id: GR, name: GR, kind: gap, of: H, as: range, rollup: pooled}\n"
        "  - {id: Y, name: Y, kind: history, condition: \"${H} < 30\", last: 3, at_least: 1, at_most: 2, observed: 2}\n"
        "  - {id: T, name: T, kind: history, of: H, last: 4, as: trend}\n"
        "  - id: K\n    name: K\n    kind: class\n    classes:\n"
        "      - {code: low, name: {ru: \"мало\", en: low}, condition: \"${H} < 30\"}\n      - {code: rest, name: "
        "rest}\n"
        "  - id: I\n    name: I\n    kind: index\n    missing: reweight\n    components:\n"
        "      - {of: H, weight: param.half}\n      - {of: U, weight: 0.5, turn: true, rescale: {from: 0, to: 50}}\n";
    struct programme *p = load_good(yaml, variables_yaml);
    uint32_t h = (uint32_t)programme_find_indicator(p, "H", "");
    const struct indicator *i = indicator_of(p, "U", "");

    (void)state;
    assert_int_equal(i->among_kind, AMONG_REPORTED);
    assert_int_equal(i->condition.count, 2);
    assert_int_equal(i->condition.references[0].index, h);
    assert_false(i->condition.references[0].municipality);
    assert_true(i->condition.references[1].municipality);
    assert_true(i->times > 99);
    i = indicator_of(p, "UR", "");
    assert_int_equal(i->among_kind, AMONG_ROSTER);
    assert_true(i->as_count);
    assert_true(i->times < 2);
    i = indicator_of(p, "UW", "");
    assert_int_equal(i->among_kind, AMONG_WHERE);
    assert_int_equal(i->among.count, 1);
    i = indicator_of(p, "D", "");
    assert_int_equal(i->of, h);
    assert_int_equal(i->against, SHIFT_LAST_YEAR);
    assert_int_equal(i->change_as, CHANGE_PERCENT);
    i = indicator_of(p, "F", "");
    assert_int_equal(i->rollup, ROLLUP_WEIGHTED);
    assert_int_equal(i->weight.count, 1);
    assert_int_equal(i->value.count, 3);
    assert_int_equal(i->value.references[1].what, REFERENCE_PARAMETER);
    assert_true(i->value.references[1].number > 4.9 && i->value.references[1].number < 5.1);
    assert_int_equal(i->value.references[2].stat, STAT_MEDIAN);
    i = indicator_of(p, "G", "");
    assert_int_equal(i->levels, LEVELS_MUNICIPALITY);
    assert_int_equal(i->rollup, ROLLUP_MEAN);
    assert_non_null(i->group.code);
    assert_false(i->as_range);
    i = indicator_of(p, "GR", "");
    assert_true(i->as_range);
    assert_int_equal(i->rollup, ROLLUP_POOLED);
    i = indicator_of(p, "Y", "");
    assert_int_equal(i->last, 3);
    assert_int_equal(i->at_least, 1);
    assert_int_equal(i->at_most, 2);
    assert_int_equal(i->observed, 2);
    assert_int_equal(i->of, -1);
    i = indicator_of(p, "T", "");
    assert_true(i->as_trend);
    assert_int_equal(i->of, h);
    i = indicator_of(p, "K", "");
    assert_int_equal(i->class_count, 2);
    assert_string_equal(i->classes[0].name_ru, "мало");
    assert_non_null(i->classes[0].condition.code);
    assert_null(i->classes[1].condition.source);
    i = indicator_of(p, "I", "");
    assert_true(i->reweight);
    assert_int_equal(i->component_count, 2);
    assert_true(i->components[0].weight > 0.49 && i->components[0].weight < 0.51);
    assert_true(i->components[1].turn && i->components[1].rescale && i->components[1].to > 49);
    done(p);
}

static void mistakes_of_kinds_over_others_are_told_at_their_place(void **state)
{
#define CLASSES HEAD "  - id: K\n    name: K\n    kind: class\n    classes:\n"
#define INDEX   HEAD H "  - id: I\n    name: I\n    kind: index\n    components:\n"
    static const struct mistake cases[] = {
        {HEAD "  - {id: U, name: U, kind: units, condition: \"${a} > 1\", as: mean}\n",
         "programme.yaml:7:62: as: expected "
         "one of: share, count"},
        {HEAD "  - {id: U, name: U, kind: units, condition: \"${a} > 1\", among: rooster}\n",
         "programme.yaml:7:65: U: among: \"rooster\" stands alone"},
        {HEAD "  - {id: D, name: D, kind: change, of: nosuch, against: previous}\n",
         "programme.yaml:7:40: of: there is no indicator \"nosuch\""},
        {HEAD H "  - {id: D, name: D, kind: change, of: H, against: next}\n",
         "programme.yaml:8:52: against: expected one of"},
        {HEAD "  - {id: D, name: D, kind: change, of: D, against: previous}\n",
         "programme.yaml:7:40: of: an indicator never uses itself"},
        {HEAD "  - {id: D, name: D, kind: change, of: a, against: previous}\n",
         "programme.yaml:7:40: of: \"a\" is a variable: an indicator is expected"},
        {HEAD H "  - {id: D, name: D, kind: change, of: H, against: base, period: school_year}\n",
         "programme.yaml:8:52: against: no base period is given"},
        {HEAD MUNICIPAL "  - {id: D, name: D, kind: change, of: MU, against: previous}\n",
         "programme.yaml:8:40: of: \"MU\" is computed for the district alone"},
        {HEAD OF_UNITS "  - {id: D, name: D, kind: change, of: UN, against: previous, level: municipality}\n",
         "programme.yaml:8:40: of: \"UN\" is computed for units alone"},
        {HEAD H "  - {id: G, name: G, kind: gap, of: H}\n",
         "programme.yaml:8:5: group: expected either group, or as: range"},
        {HEAD H "  - {id: G, name: G, kind: gap, of: H, as: range, group: \"${a} > 1\"}\n",
         "programme.yaml:8:58: group:"},
        {HEAD H "  - {id: G, name: G, kind: gap, of: H, as: range, level: unit}\n",
         "programme.yaml:8:58: level: a gap is"},
        {HEAD H "  - {id: G, name: G, kind: gap, of: H, as: range, rollup: min}\n",
         "programme.yaml:8:59: rollup: a gap is"},
        {HEAD MUNICIPAL "  - {id: G, name: G, kind: gap, of: MU, as: range}\n",
         "programme.yaml:8:37: of: \"MU\" is computed"},
        {HEAD "  - {id: Y, name: Y, kind: history, condition: \"${a} > 1\"}\n",
         "programme.yaml:7:5: last: kind 'history' needs"},
        {HEAD "  - {id: Y, name: Y, kind: history, last: 3}\n",
         "programme.yaml:7:5: condition: expected either condition"},
        {HEAD H "  - {id: Y, name: Y, kind: history, last: 3, of: H}\n",
         "programme.yaml:8:5: condition: expected either"},
        {HEAD H "  - {id: Y, name: Y, kind: history, last: 2, of: H, as: trend}\n",
         "programme.yaml:8:43: last: a trend is over at least three periods"},
        {HEAD H "  - {id: Y, name: Y, kind: history, last: 3, of: H, as: trend, observed: 3}\n",
         "programme.yaml:8:74: observed: a trend has no such key"},
        {HEAD "  - {id: Y, name: Y, kind: history, condition: \"${a} > 1\", last: 0}\n",
         "programme.yaml:7:66: last: expected a value"},
        {HEAD "  - {id: Y, name: Y, kind: history, condition: \"${a} > 1\", last: 3, at_least: 4}\n",
         "programme.yaml:7:79: at_least: at most as many periods"},
        {HEAD "  - {id: Y, name: Y, kind: history, condition: \"${a} > 1\", last: 3, at_least: 3, at_most: 2}\n",
         "programme.yaml:7:91: at_most: expected at_least <= at_most"},
        {CLASSES "      []\n", "programme.yaml:11:7: classes: 1 to 100 are expected, and here are 0"},
        {CLASSES "      - {code: x, name: x}\n      - {code: y, name: y}\n",
         "programme.yaml:11:9: condition: only the last class may have no condition"},
        {CLASSES "      - {code: x, name: x, condition: \"${a} > 1\"}\n      - {code: x, name: y}\n",
         "programme.yaml:12:16: code: class 'x' stands here twice"},
        {CLASSES "      - {code: x, condition: \"${a} > 1\"}\n", "programme.yaml:11:9: name: this key is required"},
        {INDEX "      - {of: H, weight: 0.5}\n",
         "programme.yaml:12:7: components: the weights sum to 0.5: 1 is expected"},
        {INDEX "      - {of: H, weight: param.third}\n      - {of: H, weight: 0.7000001}\n",
         "components: the weights sum to 1.0000001"},
        {INDEX "      - {of: H, weight: param.nosuch}\n",
         "programme.yaml:12:25: weight: there is no parameter \"nosuch\""},
        {INDEX "      - {of: H, weight: 2}\n", "programme.yaml:12:25: weight: a weight above 0"},
        {INDEX "      - {of: H, weight: 1, rescale: {from: 3, to: 3}}\n",
         "programme.yaml:12:37: rescale: expected two"},
        {INDEX "      - {of: I, weight: 1}\n", "programme.yaml:12:14: of: an indicator never uses itself"},
        {HEAD MUNICIPAL "  - {id: I, name: I, kind: index, components: [{of: MU, weight: 1}]}\n",
         "programme.yaml:8:53: of: \"MU\" is computed for the district alone"},
        {HEAD OF_UNITS "  - {id: I, name: I, kind: index, level: municipality, components: [{of: UN, weight: 1}]}\n",
         "programme.yaml:8:74: of: \"UN\" is computed for units alone"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

/* ---- roadmap and plan ---- */

static const char roadmap_yaml[] =
    "measures:\n"
    "  - {code: \"1.1\", title: One, due: 2021-03-01}\n"
    "  - {code: 4.2.4a, title: {ru: \"Два\", en: Two}, from: 2020-09-01, due: 2020-10-01,\n"
    "     yearly: true, until: 2022-12-31, by: office, proposal: true}\n";

static void execution_and_progress_read_variables_by_code(void **state)
{
    static const char yaml[] =
        HEAD H "  - {id: E, name: E, kind: execution, done: by1, excluded: by2}\n"
               "  - {id: EA, name: EA, kind: execution, done: by1, as: all_units}\n"
               "  - {id: P, name: P, kind: progress, plan: by1}\n"
               "  - {id: PL, name: PL, kind: progress, plan: by1, of: [X]}\n"
               "  - {id: X, name: X, kind: sum, value: \"${a}\", direction: up}\n"
               "  - {id: X, part: \"sex=F\", value: \"${b}\"}\n"
               "  - {id: Z, name: Z, kind: sum, value: \"${a}\", direction: down, hidden: true}\n";
    struct pack_file files[] = {file_of("programme.yaml", yaml), file_of("forms/f.yaml", form_yaml),
                                file_of("variables.yaml", variables_yaml), file_of("roadmap.yaml", roadmap_yaml)};
    struct programme *p;
    const struct indicator *i;

    (void)state;
    assert_int_equal(load(files, 4, &p), OK);
    i = indicator_of(p, "E", "");
    assert_string_equal(p->variables[i->done_variable]->id, "by1");
    assert_string_equal(p->variables[i->excluded_variable]->id, "by2");
    assert_false(i->all_units);
    assert_true(indicator_of(p, "EA", "")->all_units);
    assert_int_equal(indicator_of(p, "EA", "")->excluded_variable, UINT32_MAX);
    /* All with a direction, but not their parts: the plan is by the id. */
    i = indicator_of(p, "P", "");
    assert_int_equal(i->plan_count, 2);
    assert_string_equal(p->indicators[i->plan_indicators[0]]->id, "X");
    assert_string_equal(p->indicators[i->plan_indicators[1]]->id, "Z");
    assert_int_equal(indicator_of(p, "PL", "")->plan_count, 1);
    assert_int_equal(p->roadmap_count, 2);
    assert_string_equal(p->roadmap[0].code, "1.1");
    assert_int_equal(p->roadmap[0].from, p->roadmap[0].due);
    assert_int_equal(p->roadmap[0].until, DATE_MAX);
    assert_false(p->roadmap[0].of_office);
    assert_string_equal(p->roadmap[1].title_ru, "Два");
    assert_int_equal(p->roadmap[1].from, date_from_civil(2020, 9, 1));
    assert_true(p->roadmap[1].is_yearly && p->roadmap[1].of_office && p->roadmap[1].is_proposal);
    assert_int_equal(p->roadmap[1].until, date_from_civil(2022, 12, 31));
    done(p);
}

static void mistakes_of_execution_and_progress_are_told(void **state)
{
    static const struct mistake cases[] = {
        {HEAD "  - {id: E, name: E, kind: execution, done: by1}\n",
         "programme.yaml:7:28: kind: kind 'execution' needs the measures of a roadmap.yaml"},
        {HEAD "  - {id: P, name: P, kind: progress, plan: nosuch, of: [X]}\n  - {id: X, name: X, kind: sum, value: "
              "\"${a}\", direction: up}\n",
         "programme.yaml:7:44: plan: there is no variable \"nosuch\""},
        {HEAD "  - {id: P, name: P, kind: progress, plan: a, of: [X]}\n  - {id: X, name: X, kind: sum, value: "
              "\"${a}\", direction: up}\n",
         "programme.yaml:7:44: plan: a variable of kind sum with one field in by is expected"},
        {HEAD "  - {id: P, name: P, kind: progress, plan: by1}\n",
         "programme.yaml:7:5: of: no other indicator has a direction"},
        {HEAD H "  - {id: P, name: P, kind: progress, plan: by1, of: [H]}\n",
         "programme.yaml:8:54: of: \"H\" has no direction"},
        {HEAD "  - {id: P, name: P, kind: progress, plan: by1, of: []}\n", "programme.yaml:7:53: of: a list of 1 to"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

static void mistakes_of_the_roadmap_are_told(void **state)
{
    static const struct mistake cases[] = {
        {"measures: 5\n", "roadmap.yaml:1:11: measures: expected a list"},
        {"measures:\n  - {code: x, title: X}\n", "roadmap.yaml:2:5: due: this key is required"},
        {"measures:\n  - {code: x, title: X, due: 2021-02-30}\n", "roadmap.yaml:2:30: due:"},
        {"measures:\n  - {code: \"x=1\", title: X, due: 2021-02-01}\n",
         "roadmap.yaml:2:12: code: a code of at most 64"},
        {"measures:\n  - {code: x, title: X, due: 2021-02-01}\n  - {code: x, title: X, due: 2021-02-01}\n",
         "roadmap.yaml:3:12: code: measure 'x' stands here twice"},
        {"measures:\n  - {code: x, title: X, from: 2021-02-02, due: 2021-02-01}\n", "roadmap.yaml:2:31: from:"},
        {"measures:\n  - {code: x, title: X, due: 2021-02-01, until: 2022-02-01}\n", "roadmap.yaml:2:49: until: only"},
        {"measures:\n  - {code: x, title: X, due: 2021-02-01, yearly: true, until: 2020-02-01}\n",
         "roadmap.yaml:2:63: until: expected due <= until"},
        {"measures:\n  - {code: x, title: X, due: 2021-02-01, by: nobody}\n", "roadmap.yaml:2:46: by: expected one of"},
        {"measures: [\n", "roadmap.yaml:"},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(cases); n++) {
        struct pack_file files[] = {file_of("programme.yaml", HEAD H), file_of("forms/f.yaml", form_yaml),
                                    file_of("roadmap.yaml", cases[n].yaml)};
        struct programme *p;

        assert_int_equal(load(files, 3, &p), ERR_INVALID);
        expect_line(cases[n].line);
        assert_int_equal(report_errors(loaded_report), 1);
        done(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_over_one_form_is_short_for_a_variable),
        cmocka_unit_test(a_condition_cannot_reach_out_of_its_place),
        cmocka_unit_test(mistakes_in_a_form_s_expressions_have_their_column),
        cmocka_unit_test(a_key_that_a_kind_does_not_have_or_needs_is_told),
        cmocka_unit_test(every_key_that_is_missing_is_told),
        cmocka_unit_test(a_sum_keeps_each_variable_with_its_factor),
        cmocka_unit_test(what_is_no_sum_of_variables_is_refused),
        cmocka_unit_test(a_survey_becomes_sums_over_the_sheets_with_an_answer),
        cmocka_unit_test(mistakes_of_a_survey_are_told_at_their_item),
        cmocka_unit_test(kinds_over_others_keep_what_they_read),
        cmocka_unit_test(mistakes_of_kinds_over_others_are_told_at_their_place),
        cmocka_unit_test(execution_and_progress_read_variables_by_code),
        cmocka_unit_test(mistakes_of_execution_and_progress_are_told),
        cmocka_unit_test(mistakes_of_the_roadmap_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
