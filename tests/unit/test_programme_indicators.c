/* test_programme_indicators.c: the keys that all indicators have, several definitions of one id, targets and base
 * values (invariant 9). */
#include "programme_fixture.h"

#define S "  - {id: S, name: S, kind: sum, value: \"${a}\", "

static void every_common_key_is_kept(void **state)
{
    static const char yaml[] = HEAD
        "  - id: S\n    name: {ru: \"Сумма\", en: Sum}\n    kind: sum\n    value: ${a}\n"
        "    unit: {ru: \"школ\", en: schools}\n    period: [school_year, month]\n    shown: 3\n    level: "
        "municipality\n"
        "    rollup: max\n    units: ${b} > 1\n    align: begun\n    direction: down\n    valid_from: 2020-09-01\n"
        "    valid_to: 2021-08-31\n    minimum: {n: 5, units: 3}\n    audience: [school, public]\n    privacy: staff\n"
        "    lowest: municipality\n    hidden: true\n    source: \"показатель 1\"\n    proposal: true\n"
        "    base: {value: 34.5, period: 2019/20, source: report, compare: true}\n"
        "  - {id: T, name: T, kind: sum, value: \"${a}\"}\n";
    struct programme *p = load_good(yaml, variables_yaml);
    const struct indicator *i = indicator_of(p, "S", "");

    (void)state;
    assert_string_equal(i->name_ru, "Сумма");
    assert_string_equal(i->name_en, "Sum");
    assert_string_equal(i->unit_ru, "школ");
    assert_int_equal(i->series_count, 2);
    assert_string_equal(i->series[1], "month");
    assert_int_equal(i->shown, 3);
    assert_int_equal(i->levels, LEVELS_MUNICIPALITY);
    assert_int_equal(i->rollup, ROLLUP_MAX);
    assert_string_equal(i->units.source, "${b} > 1");
    assert_true(i->align_begun);
    assert_int_equal(i->direction, DIRECTION_DOWN);
    assert_int_equal(i->valid_from, date_from_civil(2020, 9, 1));
    assert_int_equal(i->valid_to, date_from_civil(2021, 8, 31));
    assert_int_equal(i->minimum_n, 5);
    assert_int_equal(i->minimum_units, 3);
    assert_int_equal(i->audience, AUDIENCE_SCHOOL | AUDIENCE_PUBLIC);
    assert_int_equal(i->privacy, PRIVACY_STAFF);
    assert_true(i->municipality_only && i->is_hidden && i->is_proposal);
    assert_string_equal(i->source, "показатель 1");
    assert_true(i->has_base_value && i->base_value > 34.4 && i->base_value < 34.6);
    assert_string_equal(i->base_period, "2019/20");
    assert_string_equal(i->base_source, "report");
    assert_true(i->base_compare);
    assert_string_equal(i->definition_en,
                        "kind sum; value: ${a}; period: [school_year, month]; level: municipality; rollup: max; units: "
                        "${b} > 1; align: begun; minimum: {n: 5, units: 3}; valid: 2020-09-01 – 2021-08-31");
    assert_non_null(strstr(i->definition_ru, "вид sum; значение: ${a}"));
    i = indicator_of(p, "T", "");
    assert_int_equal(i->shown, 1);
    assert_int_equal(i->levels, LEVELS_BOTH);
    assert_int_equal(i->rollup, ROLLUP_POOLED);
    assert_int_equal(i->audience, AUDIENCE_OFFICE);
    assert_int_equal(i->privacy, PRIVACY_RESULTS);
    assert_int_equal(i->valid_from, DATE_MIN);
    assert_int_equal(i->valid_to, DATE_MAX);
    assert_false(i->municipality_only || i->is_hidden || i->is_proposal || i->has_base_value);
    assert_null(i->base_period);
    assert_string_equal(i->unit_ru, "");
    done(p);
}

static void mistakes_of_common_keys_are_told_at_their_place(void **state)
{
    static const struct mistake cases[] = {
        {HEAD S "period: nosuch}\n", "programme.yaml:7:56: period: no such series of periods"},
        {HEAD S "period: [month, nosuch]}\n", "programme.yaml:7:64: period: no such series"},
        {HEAD S "period: [month, school_year, calendar_year, school_quarter, school_half_year]}\n",
         "programme.yaml:7:56: period: 5 are too many"},
        {HEAD S "level: town}\n", "programme.yaml:7:55: level: expected one of: both, unit, municipality"},
        {HEAD S "rollup: sum}\n", "programme.yaml:7:56: rollup: expected one of"},
        {HEAD S "align: later}\n", "programme.yaml:7:55: align: expected one of: ended, begun"},
        {HEAD S "direction: right}\n", "programme.yaml:7:59: direction: expected one of: none, up, down"},
        {HEAD S "privacy: secret}\n", "programme.yaml:7:57: privacy: expected one of"},
        {HEAD S "lowest: school}\n", "programme.yaml:7:56: lowest: expected one of: unit, municipality"},
        {HEAD S "shown: 7}\n", "programme.yaml:7:55: shown: expected a value from 0 to 6"},
        {HEAD S "hidden: perhaps}\n", "programme.yaml:7:56: hidden: expected yes or no"},
        {HEAD S "audience: [office, parents]}\n",
         "programme.yaml:7:67: audience: expected one of: office, school, region"},
        {HEAD S "audience: []}\n", "programme.yaml:7:58: audience: a text or a list"},
        {HEAD S "minimum: {n: 0}}\n", "programme.yaml:7:61: n: expected a value from 1"},
        {HEAD S "minimum: {units: 100001}}\n", "programme.yaml:7:65: units: expected a value from 1"},
        {HEAD S "minimum: 5}\n", "programme.yaml:7:57: minimum: expected n, units or both"},
        {HEAD S "minimum: {}}\n", "programme.yaml:7:57: minimum: expected n, units or both"},
        {HEAD S "valid_from: 2021-02-30}\n", "programme.yaml:7:60: valid_from:"},
        {HEAD S "valid_from: 2021-02-02, valid_to: 2021-02-01}\n",
         "programme.yaml:7:82: valid_to: the last day is before"},
        {HEAD S "units: \"${nosuch} = 1\"}\n", "programme.yaml:7:56: S: units: there is no variable or indicator"},
        {HEAD S "part: rus}\n", "programme.yaml:7:54: part: a breakdown is expected"},
        {HEAD S "part: \"subject=\"}\n", "programme.yaml:7:54: part: a breakdown is expected"},
        {HEAD S "part: \"a=b;\"}\n", "programme.yaml:7:54: part: a breakdown is expected"},
        {HEAD S "base: {}}\n", "programme.yaml:7:54: base: expected value, period or both"},
        {HEAD S "base: {value: \"34\"}}\n", "programme.yaml:7:62: value: a number is expected"},
        {HEAD S "base: {period: 2020-09}}\n",
         "programme.yaml:7:63: period: a period of the series school_year is expected"},
        {HEAD S "base: {period: 2020}}\n", "programme.yaml:7:63: period: a period of the series school_year"},
        {HEAD "  - {id: 1S, name: S, kind: sum, value: \"${a}\"}\n", "programme.yaml:7:10: id: an id is expected"},
        {HEAD "  - {id: S.1, name: S, kind: sum, value: \"${a}\"}\n", "programme.yaml:7:10: id: an id is expected"},
        {HEAD "  - {id: base, name: S, kind: sum, value: \"${a}\"}\n",
         "programme.yaml:7:10: id: \"base\" has a meaning"},
        {HEAD "  - {name: S, kind: sum, value: \"${a}\"}\n", "programme.yaml:7:5: id: this key is required"},
        {HEAD "  - nonsense\n", "programme.yaml:7:5: indicators: an indicator is a mapping"},
        {HEAD "  - {id: S, id: T, name: S, kind: sum, value: \"${a}\"}\n", "programme.yaml:7:13:"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

/* ---- several definitions ---- */

static void later_definitions_take_what_they_leave_out_from_the_first(void **state)
{
    static const char yaml[] = HEAD
        "  - {id: S, name: First, kind: share, numerator: \"${a}\", denominator: \"${b}\", direction: up, shown: 2,\n"
        "     audience: school, targets: [{period: 2020/21, from: 5}], valid_to: 2020-12-31}\n"
        "  - {id: S, part: \"subject=rus\", numerator: \"${by1}\", denominator: \"${by2}\", name: Part}\n"
        "  - {id: S, valid_from: 2021-01-01, kind: formula, value: \"${a} div ${b}\", targets: []}\n"
        "  - {id: S, part: \"subject=math\", direction: down}\n";
    struct programme *p = load_good(yaml, variables_yaml);
    const struct indicator *first = p->indicators[0];
    const struct indicator *i = p->indicators[1];

    (void)state;
    assert_string_equal(i->name_en, "Part");
    assert_string_equal(i->part, "subject=rus");
    assert_int_equal(i->kind, KIND_SHARE);
    assert_int_equal(i->direction, DIRECTION_UP);
    assert_int_equal(i->shown, 2);
    assert_int_equal(i->audience, AUDIENCE_SCHOOL);
    assert_int_equal(i->target_count, 1);
    assert_int_equal(i->valid_to, DATE_MAX); /* what tells them apart is each one's own */
    assert_int_not_equal(i->numerator.terms[0].variable, first->numerator.terms[0].variable);
    i = p->indicators[2];
    assert_int_equal(i->kind, KIND_FORMULA);
    assert_string_equal(i->name_en, "First");
    assert_string_equal(i->part, "");
    assert_null(i->numerator.source);
    assert_int_equal(i->target_count, 0);
    i = p->indicators[3];
    assert_int_equal(i->direction, DIRECTION_DOWN);
    assert_int_equal(i->numerator.terms[0].variable, first->numerator.terms[0].variable);
    assert_string_equal(i->definition_en, "kind share; numerator: ${a}; denominator: ${b}");
    done(p);
}

/* A change of monthly numbers is monthly. */
static void a_part_without_a_form_is_computed_in_the_series_of_the_first(void **state)
{
    struct programme *p =
        load_good(HEAD "  - {id: S, name: S, kind: count, form: f}\n"
                       "  - {id: S, part: \"change=previous\", kind: change, of: S, against: previous}\n"
                       "  - {id: T, name: T, kind: change, of: S, against: previous}\n",
                  NULL);

    (void)state;
    assert_string_equal(p->indicators[1]->series[0], "month");
    assert_int_equal(p->indicators[1]->series_count, 1);
    assert_string_equal(p->indicators[2]->series[0], "school_year");
    done(p);
}

/* It is inherited, so there is no place of its own to point at but the definition itself. */
static void what_was_taken_over_and_does_not_fit_is_told_at_the_definition(void **state)
{
    (void)state;
    expect_mistake(HEAD S "rollup: mean}\n  - {id: S, part: \"x=y\", level: unit}\n", variables_yaml,
                   "programme.yaml:8:5: rollup: with level: unit");
}

/* In one line, however it was written. */
static void a_definition_is_one_line(void **state)
{
    struct programme *p = load_good(
        HEAD "  - id: S\n    name: S\n    kind: formula\n    value: |\n      ${a} +\n      ${b}\n", variables_yaml);

    (void)state;
    assert_string_equal(p->indicators[0]->definition_en, "kind formula; value: ${a} + ${b} ");
    done(p);
}

/* The kind's keys are one whole: a later `where` does not keep the first one's condition. */
static void keys_of_the_kind_are_taken_as_a_whole(void **state)
{
    (void)state;
    expect_mistake(HEAD "  - {id: S, name: S, kind: share, form: f, condition: \"${a} > 1\"}\n"
                        "  - {id: S, part: \"sex=F\", form: f, where: \"${sex} = 'F'\"}\n",
                   NULL, "programme.yaml:8:5: condition: kind 'share' needs this key");
    expect_mistake(HEAD
                   "  - {id: S, name: S, kind: share, form: f, condition: \"${a} > \"}\n  - {id: S, part: \"sex=F\"}\n",
                   NULL, "programme.yaml:7:63: S: condition:"); /* once, although two have it */
}

static void made_variables_have_ids_of_their_own(void **state)
{
    static const char yaml[] =
        HEAD "  - {id: S, name: S, kind: count, form: f, valid_to: 2020-12-31}\n"
             "  - {id: S, form: f, where: \"${a} > 1\", valid_from: 2021-01-01}\n"
             "  - {id: S, part: \"sex=F\", form: f, where: \"${sex} = 'F'\"}\n"
             "  - {id: Q, name: Q, kind: survey, form: f, items: [q1], positive: [4], together: true}\n"
             "  - {id: Q, part: \"x=y\", kind: survey, form: f, items: [q2], positive: [4]}\n";
    static const char *const ids[] = {"S", "S#2", "S[sex=F]", "Q", "Q/sheets", "Q[x=y]", "Q[x=y]/given"};
    struct programme *p = load_good(yaml, NULL);

    (void)state;
    assert_int_equal(p->variable_count, COUNT(ids));
    for (size_t n = 0; n < COUNT(ids); n++)
        assert_string_equal(p->variables[n]->id, ids[n]);
    assert_int_equal(programme_find_variable(p, "S[sex=F]"), 2);
    assert_int_equal(programme_find_variable(p, "nosuch"), -1);
    done(p);
}

static void a_period_has_the_version_that_is_valid_on_its_last_day(void **state)
{
    static const char yaml[] = HEAD S "valid_to: 2020-12-31}\n"
                                      "  - {id: S, part: \"x=y\"}\n"
                                      "  - {id: S, valid_from: 2021-01-01, valid_to: 2021-12-31, direction: up}\n";
    struct programme *p = load_good(yaml, variables_yaml);

    (void)state;
    assert_ptr_equal(programme_version(p, 0, date_from_civil(2020, 12, 31)), p->indicators[0]);
    assert_ptr_equal(programme_version(p, 0, date_from_civil(2021, 1, 1)), p->indicators[2]);
    assert_null(programme_version(p, 0, date_from_civil(2022, 1, 1)));
    assert_ptr_equal(programme_version(p, 1, date_from_civil(2022, 1, 1)), p->indicators[1]);
    assert_null(programme_version(p, 3, 0));
    assert_int_equal(programme_find_indicator(p, "S", ""), 0);
    assert_int_equal(programme_find_indicator(p, "S", NULL), 0);
    assert_int_equal(programme_find_indicator(p, "S", "x=y"), 1);
    assert_int_equal(programme_find_indicator(p, "S", "x=z"), -1);
    done(p);
}

static void no_day_has_two_definitions(void **state)
{
    static const struct mistake cases[] = {
        {HEAD S "shown: 1}\n" S "shown: 2}\n",
         "programme.yaml:8:10: id: 'S' stands in line 7 already, valid at the same time"},
        {HEAD S "valid_to: 2021-01-01}\n" S "valid_from: 2021-01-01}\n",
         "programme.yaml:8:10: id: 'S' stands in line 7"},
        {HEAD S "part: \"x=y\"}\n" S "part: \"x=y\"}\n", "programme.yaml:8:10: id: 'S' stands in line 7"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

static void a_digest_is_of_everything_that_decides_the_value(void **state)
{
    static const char *const yamls[] = {
        HEAD "  - {id: F, name: F, kind: formula, value: \"${a} * ${param.low}\"}\n",
        HEAD "  - {id: F, name: Other, kind: formula, value: \"${a} * ${param.low}\", unit: x, shown: 0, source: y}\n",
        HEAD "  - {id: F, name: F, kind: formula, value: \"${a} * ${param.half}\"}\n",
        HEAD "  - {id: F, name: F, kind: formula, value: \"${a} * ${param.low}\", rollup: mean}\n",
        HEAD "  - {id: G, name: F, kind: formula, value: \"${a} * ${param.low}\"}\n",
        HEAD "  - {id: F, part: \"x=y\", name: F, kind: formula, value: \"${a} * ${param.low}\"}\n",
        "programme: q\nversion: \"1\"\ntitle: P\nparameters: {low: 5}\nindicators:\n"
        "  - {id: F, name: F, kind: formula, value: \"${a} * ${param.low}\"}\n",
        "programme: p\nversion: \"2\"\ntitle: P\nparameters: {low: 6}\nindicators:\n"
        "  - {id: F, name: F, kind: formula, value: \"${a} * ${param.low}\"}\n",
        "programme: p\nversion: \"2\"\ntitle: P\nparameters: {low: 5}\nindicators:\n"
        "  - {id: F, name: F, kind: formula, value: \"${a} * ${param.low}\"}\n",
    };
    uint8_t digests[COUNT(yamls) + 1][VARIABLE_DIGEST_BYTES];

    (void)state;
    for (size_t n = 0; n <= COUNT(yamls); n++) {
        /* The last: the same text over a variable of the same name that is another one. */
        struct programme *p = n < COUNT(yamls)
                                  ? load_good(yamls[n], variables_yaml)
                                  : load_good(yamls[0], "variables:\n  - {id: a, form: f, value: \"${b}\"}\n");

        memcpy(digests[n], p->indicators[0]->digest, VARIABLE_DIGEST_BYTES);
        done(p);
    }
    assert_memory_equal(digests[0], digests[1], VARIABLE_DIGEST_BYTES); /* words only */
    assert_memory_equal(digests[0], digests[8], VARIABLE_DIGEST_BYTES); /* the version is not a part of it */
    for (size_t n = 2; n <= COUNT(yamls); n++)
        if (n != 8)
            assert_memory_not_equal(digests[0], digests[n], VARIABLE_DIGEST_BYTES);
}

/* ---- targets ---- */

static void targets_say_what_is_to_be_reached_in_a_period(void **state)
{
    static const char yaml[] = HEAD S
        "period: [calendar_year, month], targets: [\n"
        "     {period: \"2021\", from: 30, to: 50.5}, {period: \"2021\", at: 80, revision: 2, order: \"№ 15\"},\n"
        "     {period: \"2022\", more_than: -0.5}, {period: \"2023\", yes: true}, {period: 2020-09, to: 3},\n"
        "     {period: 2020-10, reference: \"${municipality.a} + ${param.low}\"}]}\n";
    struct programme *p = load_good(yaml, variables_yaml);
    const struct indicator *i = indicator_of(p, "S", "");
    const struct target *t = i->targets;

    (void)state;
    assert_int_equal(i->target_count, 6);
    assert_string_equal(t[0].period, "2021");
    assert_true(t[0].has_from && t[0].has_to && t[0].from > 29 && t[0].to > 50.4 && t[0].to < 50.6);
    assert_int_equal(t[0].revision, 1);
    assert_null(t[0].order);
    assert_true(t[1].has_from && t[1].has_to && !(t[1].from < t[1].to) && t[1].from > 79);
    assert_int_equal(t[1].revision, 2);
    assert_string_equal(t[1].order, "№ 15");
    assert_true(t[2].more_than && t[2].has_from && !t[2].has_to && t[2].from < -0.4);
    assert_true(t[3].yes && t[3].has_from && t[3].from > 0.9);
    assert_true(!t[4].has_from && t[4].has_to);
    assert_true(t[5].has_from && t[5].reference.code != NULL);
    assert_int_equal(t[5].reference.count, 2);
    done(p);
}

static void mistakes_of_targets_are_told_at_their_place(void **state)
{
#define T S "targets: ["
    static const struct mistake cases[] = {
        {HEAD S "targets: 5}\n", "programme.yaml:7:57: targets: a list of at most 100 targets"},
        {HEAD T "{from: 5}]}\n", "programme.yaml:7:58: period: this key is required"},
        {HEAD T "{period: 2020/21}]}\n", "programme.yaml:7:58: targets: expected one of: from and to"},
        {HEAD T "{period: 2020/21, at: 5, from: 3}]}\n", "programme.yaml:7:58: targets: expected one of: from and to"},
        {HEAD T "{period: 2020/21, yes: no}]}\n", "programme.yaml:7:58: targets: expected one of: from and to"},
        {HEAD T "{period: 2020/21, from: 5, to: 3}]}\n", "programme.yaml:7:89: to: expected from <= to"},
        {HEAD T "{period: 2020/21, from: five}]}\n", "programme.yaml:7:82: from: a number is expected"},
        {HEAD T "{period: 2020/22, at: 5}]}\n", "programme.yaml:7:67: period:"},
        {HEAD T "{period: \"2021\", at: 5}]}\n", "programme.yaml:7:67: period: a period of the series school_year is "
                                                 "expected, in which the indicator is computed"},
        {HEAD T "{period: 2020/21, at: 5}, {period: 2020/21, at: 6}]}\n",
         "programme.yaml:7:93: period: there is a target for this period already"},
        {HEAD T "{period: 2020/2021, at: 5}]}\n", "programme.yaml:7:67: period:"},
        {HEAD S "period: month, targets: [{period: сентябрь 2020 г., at: 5}]}\n",
         "programme.yaml:7:82: period: the id of a period is expected: 2020-09"},
        {HEAD T "{period: 2020/21, at: 5, revision: 0}]}\n", "programme.yaml:7:93: revision: expected a value from 1"},
        {HEAD T "{period: 2020/21, reference: \"${nosuch}\"}]}\n", "programme.yaml:7:88: S: reference: there is no"},
        {HEAD T "{period: 2020/21, at: 5, oder: x}]}\n",
         "programme.yaml:7:83: oder: unknown key; did you mean \"order\"?"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_common_key_is_kept),
        cmocka_unit_test(mistakes_of_common_keys_are_told_at_their_place),
        cmocka_unit_test(later_definitions_take_what_they_leave_out_from_the_first),
        cmocka_unit_test(a_part_without_a_form_is_computed_in_the_series_of_the_first),
        cmocka_unit_test(what_was_taken_over_and_does_not_fit_is_told_at_the_definition),
        cmocka_unit_test(a_definition_is_one_line),
        cmocka_unit_test(keys_of_the_kind_are_taken_as_a_whole),
        cmocka_unit_test(made_variables_have_ids_of_their_own),
        cmocka_unit_test(a_period_has_the_version_that_is_valid_on_its_last_day),
        cmocka_unit_test(no_day_has_two_definitions),
        cmocka_unit_test(a_digest_is_of_everything_that_decides_the_value),
        cmocka_unit_test(targets_say_what_is_to_be_reached_in_a_period),
        cmocka_unit_test(mistakes_of_targets_are_told_at_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
