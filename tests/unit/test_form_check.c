/* test_form_check.c: the one judgement about a filled form, and what follows from the answers (invariant 9: refused
 * with what, where and what was expected; invariant 8: rules cost no more than stated). */
#include "form_fixture.h"

#include "common/cli.h"

static void assert_right(struct filled *x)
{
    if (check(x) != OK) {
        report_print(x->r, stderr);
        fail_msg("refused");
    }
    assert_int_equal(report_errors(x->r), 0);
    assert_int_equal(form_check(x->form, x->c, x->values, x->form->field_count, SOME_DAY, NULL, NULL), OK);
}

/* One mistake, the same one with and without a report. */
static void assert_wrong(struct filled *x, const char *field, const char *part)
{
    assert_int_equal(check(x), ERR_INVALID);
    assert_said(x, 7, 0, field, part);
    if (report_errors(x->r) != 1) {
        report_print(x->r, stderr);
        fail_msg("more than one mistake");
    }
    err_clear();
    assert_int_equal(form_check(x->form, x->c, x->values, x->form->field_count, SOME_DAY, NULL, NULL), ERR_INVALID);
    assert_non_null(strstr(err_text(), part));
}

static void fill_right(struct filled *x, const char *json)
{
    if (fill(x, json) != OK)
        fail_msg("%s", err_text());
}

static void a_required_field_must_be_answered(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: a, required: true, required_message: tell us}\n"
                          "  - {type: integer, name: b, required: \"${a} > 1\"}\n"
                          "  - {type: integer, name: c}\n");
    fill_right(&x, "{}");
    assert_wrong(&x, "a", "tell us");
    fill_right(&x, "{\"a\": 1}");
    assert_right(&x);
    fill_right(&x, "{\"a\": 2}");
    assert_wrong(&x, "b", "an answer is required");
    fill_right(&x, "{\"a\": 2, \"b\": 0}");
    assert_right(&x);
    finish(&x);
}

static void states_count_as_answers_only_where_the_form_allows_them(void **state)
{
    static const char yaml[] = SURVEY "  - {type: integer, name: a, required: true, allow: [unknown]}\n"
                                      "  - {type: integer, name: b, required: true, allow: [na]}\n"
                                      "  - {type: integer, name: c}\n";
    struct filled x;

    (void)state;
    load_right(&x, yaml);
    fill_right(&x, "{\"a\": {\"?\": \"unknown\"}, \"b\": {\"?\": \"na\"}}");
    assert_right(&x);
    fill_right(&x, "{\"a\": {\"?\": \"na\"}, \"b\": 1}");
    assert_wrong(&x, "a", "does not allow \"not applicable\"");
    fill_right(&x, "{\"a\": 1, \"b\": {\"?\": \"unknown\"}}");
    assert_wrong(&x, "b", "does not allow \"not known\"");
    fill_right(&x, "{\"a\": 1, \"b\": 1, \"c\": {\"?\": \"unknown\"}}"); /* not required, and still said wrongly */
    assert_wrong(&x, "c", "does not allow");
    finish(&x);
}

static void what_does_not_apply_is_not_asked(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: boolean, name: bus}\n"
                          "  - {type: integer, name: km, required: true, relevant: \"${bus} = true()\"}\n"
                          "  - {type: integer, name: far, required: true, relevant: \"${km} > 10\"}\n");
    fill_right(&x, "{\"bus\": false}");
    assert_int_equal(value_of(&x, "km")->state, VALUE_NOT_ASKED);
    assert_int_equal(value_of(&x, "far")->state, VALUE_NOT_ASKED);
    assert_right(&x);
    fill_right(&x, "{\"bus\": true, \"km\": 20, \"far\": 1}");
    assert_right(&x);
    fill_right(&x, "{\"bus\": false, \"km\": 2}");
    assert_wrong(&x, "km", "does not apply here: expected no answer");
    value_of(&x, "km")->state = VALUE_MISSING;
    assert_wrong(&x, "km", "expected \"not asked\"");
    value_of(&x, "bus")->as.i = 1;
    value_of(&x, "km")->state = VALUE_NOT_ASKED;
    assert_wrong(&x, "km", "found \"not asked\"");
    finish(&x);
}

static void dropping_what_does_not_apply_is_the_callers_choice(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: boolean, name: bus}\n"
                          "  - {type: integer, name: km, relevant: \"${bus} = true()\"}\n"
                          "  - {type: integer, name: far, relevant: \"${km} > 10\"}\n");
    fill_right(&x, "{\"bus\": false, \"km\": 20, \"far\": 5}");
    assert_int_equal(value_of(&x, "km")->state, VALUE_PRESENT);
    assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, true), OK);
    assert_int_equal(value_of(&x, "km")->state, VALUE_NOT_ASKED);
    assert_int_equal(value_of(&x, "far")->state, VALUE_NOT_ASKED);
    assert_right(&x);
    value_of(&x, "bus")->as.i = 1; /* and back: it is asked again, and empty */
    assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, true), OK);
    assert_int_equal(value_of(&x, "km")->state, VALUE_MISSING);
    assert_int_equal(value_of(&x, "far")->state, VALUE_NOT_ASKED);
    finish(&x);
}

static void groups_pass_their_condition_on(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: a}\n"
                          "  - type: group\n    relevant: ${a} > 1\n    survey:\n"
                          "      - {type: text, name: b, required: true}\n"
                          "      - type: group\n        relevant: ${a} > 2 or ${b} = 'x'\n        survey:\n"
                          "          - {type: text, name: c, required: true, relevant: \"${a} != 5\"}\n");
    fill_right(&x, "{\"a\": 1}");
    assert_int_equal(value_of(&x, "c")->state, VALUE_NOT_ASKED);
    assert_right(&x);
    fill_right(&x, "{\"a\": 2, \"b\": \"x\"}");
    assert_wrong(&x, "c", "required");
    fill_right(&x, "{\"a\": 5, \"b\": \"x\"}");
    assert_right(&x);
    finish(&x);
}

static void a_constraint_refuses_and_says_why(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: a, constraint: . < 100}\n"
                          "  - {type: integer, name: b, constraint: \". <= ${a}\", constraint_message: too many}\n");
    fill_right(&x, "{\"a\": 5, \"b\": 5}");
    assert_right(&x);
    fill_right(&x, "{\"a\": 5, \"b\": 6}");
    assert_wrong(&x, "b", "too many");
    assert_int_equal(check(&x), ERR_INVALID);
    assert_string_equal(report_at(x.r, 0)->value, "6");
    assert_string_equal(report_at(x.r, 0)->file, "rows.csv");
    fill_right(&x, "{\"a\": 100}");
    assert_wrong(&x, "a", "breaks the form's rule: . < 100");
    fill_right(&x, "{}"); /* nothing there, nothing to judge */
    assert_right(&x);
    finish(&x);
}

static void a_warning_asks_and_never_refuses(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: a, warning: . > 60, warning_message: really}\n"
                          "  - {type: integer, name: b, warning: . > 60}\n");
    fill_right(&x, "{\"a\": 61, \"b\": 61}");
    assert_int_equal(check(&x), OK);
    assert_int_equal(report_warnings(x.r), 2);
    assert_int_equal(report_errors(x.r), 0);
    assert_said(&x, 7, 0, "a", "really");
    assert_said(&x, 7, 0, "b", "remark");
    assert_true(report_at(x.r, 0)->is_warning);
    assert_int_equal(form_check(x.form, x.c, x.values, 2, SOME_DAY, NULL, NULL), OK);
    finish(&x);
}

static void calculations_follow_from_the_answers(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x,
               HEAD "choices:\n  l: [{code: low}, {code: high}]\n"
                    "survey:\n"
                    "  - {type: calculate, name: twice, value: integer, calculation: \"${sum} * 2\"}\n"
                    "  - {type: integer, name: a}\n"
                    "  - {type: integer, name: b}\n"
                    "  - {type: calculate, name: sum, value: integer, calculation: \"${a} + ${b}\"}\n"
                    "  - {type: calculate, name: mean, calculation: \"${sum} div 3\"}\n"
                    "  - {type: calculate, name: word, value: text, calculation: \"concat('n', ${a})\"}\n"
                    "  - {type: calculate, name: big, value: boolean, calculation: \"${a} > 10\"}\n"
                    "  - {type: calculate, name: said, value: boolean, calculation: \"if(${a} > 10, 'yes', 'no')\"}\n"
                    "  - {type: calculate, name: day, value: date, calculation: today()}\n"
                    "  - {type: calculate, name: moment, value: date, calculation: now()}\n"
                    "  - {type: calculate, name: later, value: date, calculation: number(today()) + 1.5}\n"
                    "  - {type: select_one l, name: level, calculation: \"if(${a} > 10, 'high', 'low')\"}\n"
                    "  - {type: select_multiple l, name: both, calculation: \"'low high'\"}\n");
    fill_right(&x, "{\"a\": 12, \"b\": 1}");
    assert_int_equal(value_of(&x, "twice")->as.i, 26);
    assert_int_equal(value_of(&x, "mean")->as.i, 433);
    assert_memory_equal(value_of(&x, "word")->as.text.p, "n12", 3);
    assert_int_equal(value_of(&x, "big")->as.i, 1);
    assert_int_equal(value_of(&x, "said")->as.i, 1);
    assert_int_equal(value_of(&x, "day")->as.i, SOME_DAY);
    assert_int_equal(value_of(&x, "moment")->as.i, SOME_DAY);
    assert_int_equal(value_of(&x, "later")->as.i, SOME_DAY + 1);
    assert_int_equal(value_of(&x, "level")->as.i, 1);
    assert_int_equal(value_of(&x, "both")->as.set, 3);
    assert_right(&x);
    fill_right(&x, "{\"a\": 1}"); /* an empty answer is not zero */
    assert_int_equal(value_of(&x, "sum")->state, VALUE_MISSING);
    assert_int_equal(value_of(&x, "twice")->state, VALUE_MISSING);
    assert_int_equal(value_of(&x, "said")->as.i, 0);
    assert_right(&x);
    finish(&x);
}

static void a_calculated_value_must_be_the_calculated_one(void **state)
{
    struct filled x;
    struct value *v;

    (void)state;
    load_right(&x, HEAD "choices:\n  l: [{code: low}, {code: high}]\n"
                        "survey:\n"
                        "  - {type: integer, name: a}\n"
                        "  - {type: calculate, name: n, calculation: \"${a} * 2\"}\n"
                        "  - {type: calculate, name: t, value: text, calculation: \"concat('n', ${a})\"}\n"
                        "  - {type: select_multiple l, name: s, calculation: \"'high'\"}\n");
    fill_right(&x, "{\"a\": 3}");
    assert_right(&x);
    v = value_of(&x, "n");
    v->as.i++;
    assert_wrong(&x, "n", "expected 6.00, from ${a} * 2");
    v->as.i--;
    v->state = VALUE_MISSING;
    assert_wrong(&x, "n", "expected 6.00");
    v->state = VALUE_PRESENT;
    v = value_of(&x, "t");
    v->as.text = (struct bytes){(const uint8_t *)"n4", 2};
    assert_wrong(&x, "t", "expected n3");
    v->as.text = (struct bytes){(const uint8_t *)"n3", 2};
    value_of(&x, "s")->as.set = 1;
    assert_wrong(&x, "s", "expected high");
    value_of(&x, "s")->as.set = 2;
    assert_right(&x);
    value_of(&x, "a")->state = VALUE_MISSING;
    v->as.text = (struct bytes){(const uint8_t *)"n", 1};
    assert_wrong(&x, "n", "calculates no value");
    value_of(&x, "n")->as.i = 0; /* zero is not missing */
    assert_wrong(&x, "n", "calculates no value");
    finish(&x);
}

/* Half up, once, as on paper. */
static void decimals_are_rounded_half_up_once(void **state)
{
    static const struct {
        const char *expression;
        int64_t scaled;
    } cases[] = {
        {"1.005", 101},
        {"2.675", 268},
        {"1.004999", 100},
        {"0.125", 13},
        {"-0.125", -12},
        {"-1.005", -100},
        {"-0.126", -13},
        {"2 div 3", 67},
        {"10 div 4", 250},
        {"0.1 + 0.2", 30},
        {"4.35 * 100", 43500},
        {"0", 0},
        {"90000000000000", INT64_C(9000000000000000)},
    };
    char yaml[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct filled x;

        (void)snprintf(yaml, sizeof(yaml), SURVEY "  - {type: calculate, name: a, calculation: \"%s\"}\n",
                       cases[i].expression);
        load_right(&x, yaml);
        fill_right(&x, "{}");
        assert_int_equal(x.values[0].state, VALUE_PRESENT);
        if (x.values[0].as.i != cases[i].scaled)
            fail_msg("%s: %lld", cases[i].expression, (long long)x.values[0].as.i);
        assert_right(&x);
        finish(&x);
    }
}

static void what_is_no_number_is_missing(void **state)
{
    static const char *const cases[] = {"0 div 0",     "1 div 0",           "-1 div 0",
                                        "number('x')", "90071992547409.93", "1 div ''"};
    char yaml[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct filled x;

        (void)snprintf(yaml, sizeof(yaml),
                       SURVEY "  - {type: calculate, name: a, calculation: \"%s\"}\n"
                              "  - {type: calculate, name: t, value: text, calculation: \"''\"}\n"
                              "  - {type: calculate, name: b, value: boolean, calculation: 0 div 0}\n"
                              "  - {type: calculate, name: d, value: date, calculation: 1 div 0}\n"
                              "  - {type: calculate, name: e, value: date, calculation: 99999999}\n",
                       cases[i]);
        load_right(&x, yaml);
        fill_right(&x, "{}");
        for (uint32_t f = 0; f < x.form->field_count; f++)
            assert_int_equal(x.values[f].state, VALUE_MISSING);
        assert_right(&x);
        finish(&x);
    }
}

static void a_calculation_that_gives_no_value_of_its_type_is_a_mistake(void **state)
{
    static const char *const cases[] = {
        "  - {type: calculate, name: a, value: boolean, calculation: \"'maybe'\"}\n",
        "  - {type: calculate, name: a, value: date, calculation: \"'tomorrow'\"}\n",
        "  - {type: select_one l, name: a, calculation: \"concat('z', 'z')\"}\n",
        "  - {type: calculate, name: a, value: text, calculation: \"'a\\tb\\u0001'\"}\n",
    };
    char yaml[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct filled x;

        (void)snprintf(yaml, sizeof(yaml), HEAD "choices:\n  l: [{code: x}]\nsurvey:\n%s", cases[i]);
        load(&x, yaml);
        if (x.e == OK) { /* else the YAML or the expression itself was refused, which is as well */
            x.values[0].state = VALUE_MISSING;
            assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, false), ERR_INVALID);
            assert_wrong(&x, "a", "could not be evaluated");
        }
        finish(&x);
    }
}

static void two_texts_in_nfc_are_joined_to_one_in_nfc(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: text, name: a}\n  - {type: text, name: b}\n"
                          "  - {type: calculate, name: c, value: text, calculation: \"concat(${a}, ${b})\"}\n");
    fill_right(&x, "{\"a\": \"и\", \"b\": \"\\u0306\"}");
    assert_int_equal(value_of(&x, "c")->as.text.len, 2);
    assert_memory_equal(value_of(&x, "c")->as.text.p, "й", 2);
    assert_right(&x);
    finish(&x);
}

static const char ROWS[] = SURVEY "  - {type: integer, name: total, required: true}\n"
                                  "  - type: repeat\n"
                                  "    name: classes\n"
                                  "    required: true\n"
                                  "    relevant: ${total} > 0\n"
                                  "    constraint: sum(${n}) = ${total}\n"
                                  "    constraint_message: the classes do not add up\n"
                                  "    survey:\n"
                                  "      - {type: integer, name: n, required: true, constraint: . <= 40}\n"
                                  "      - {type: calculate, name: twice, value: integer, calculation: \"${n} * 2\"}\n"
                                  "      - {type: text, name: why, relevant: \"${n} > 30\", required: true}\n"
                                  "  - {type: calculate, name: all, value: integer, calculation: \"sum(${twice})\"}\n";

static void rows_are_judged_each_by_itself_and_together(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, ROWS);
    fill_right(&x, "{\"total\": 55, \"classes\": [{\"n\": 20}, {\"n\": 35, \"why\": \"merged\"}]}");
    assert_int_equal(value_of(&x, "all")->as.i, 110);
    assert_int_equal(value_of(&x, "classes")->as.rows.cells[2].state, VALUE_NOT_ASKED);
    assert_right(&x);
    fill_right(&x, "{\"total\": 55, \"classes\": [{\"n\": 20}, {\"n\": 35}]}");
    assert_wrong(&x, "classes[2].why", "required");
    fill_right(&x, "{\"total\": 56, \"classes\": [{\"n\": 20}, {\"n\": 35, \"why\": \"x\"}]}");
    assert_wrong(&x, "classes", "do not add up");
    fill_right(&x, "{\"total\": 45, \"classes\": [{\"n\": 45, \"why\": \"x\"}]}");
    assert_wrong(&x, "classes[1].n", "breaks the form's rule");
    fill_right(&x, "{\"total\": 5, \"classes\": []}");
    assert_wrong(&x, "classes", "required");
    fill_right(&x, "{\"total\": 0}");
    assert_int_equal(value_of(&x, "classes")->state, VALUE_NOT_ASKED);
    assert_right(&x);
    fill_right(&x, "{\"total\": 0, \"classes\": [{\"n\": 1}]}");
    assert_wrong(&x, "classes", "does not apply");
    finish(&x);
}

static void the_callers_rows_stay_as_they_were(void **state)
{
    struct value cells[3] = {{.state = VALUE_PRESENT, .as.i = 7}, {.state = VALUE_MISSING}, {.state = VALUE_MISSING}};
    struct filled x;

    (void)state;
    load_right(&x, ROWS);
    *value_of(&x, "total") = (struct value){.state = VALUE_PRESENT, .as.i = 7};
    *value_of(&x, "classes") = (struct value){.state = VALUE_PRESENT, .as.rows = {cells, 1, 3}};
    assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, false), OK);
    assert_int_equal(value_of(&x, "classes")->as.rows.cells[1].as.i, 14);
    assert_int_equal(cells[1].state, VALUE_MISSING);
    assert_right(&x);
    value_of(&x, "classes")->as.rows.rows = 0; /* an empty list is no answer */
    assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, false), OK);
    assert_int_equal(value_of(&x, "classes")->state, VALUE_MISSING);
    finish(&x);
}

static const char TYPES[] = HEAD "choices:\n  l: [{code: a}, {code: b}]\n"
                                 "survey:\n"
                                 "  - {type: integer, name: i}\n"
                                 "  - {type: decimal, name: d}\n"
                                 "  - {type: text, name: t}\n"
                                 "  - {type: date, name: day}\n"
                                 "  - {type: boolean, name: b}\n"
                                 "  - {type: select_one l, name: one}\n"
                                 "  - {type: select_multiple l, name: many}\n"
                                 "  - {type: repeat, name: r, survey: [{type: boolean, name: x}]}\n";

/* What a hostile agent may sign: values that no form of ours could have given. */
static void a_value_that_breaks_its_type_is_refused(void **state)
{
    static const uint8_t bad_utf8[] = {0xC0, 0x80};
    static char long_text[FORM_MAX_TEXT + 1];
    static const struct value cell = {.state = VALUE_PRESENT, .as.i = 2};
    const struct {
        const char *field, *part;
        struct value v;
    } cases[] = {
        {"i", "too large", {.as.i = FORM_NUMBER_MAX + 1}},
        {"i", "too large", {.as.i = INT64_MIN}},
        {"d", "too large", {.as.i = -FORM_NUMBER_MAX - 1}},
        {"t", "empty text", {.as.text = {(const uint8_t *)"", 0}}},
        {"t", "UTF-8", {.as.text = {bad_utf8, 2}}},
        {"t", "control", {.as.text = {(const uint8_t *)"a\0b", 3}}},
        {"t", "NFC", {.as.text = {(const uint8_t *)"и\xCC\x86", 4}}},
        {"t", "too long", {.as.text = {(const uint8_t *)long_text, sizeof(long_text)}}},
        {"day", "years 1 to 9999", {.as.i = DATE_MAX + 1}},
        {"day", "years 1 to 9999", {.as.i = DATE_MIN - 1}},
        {"b", "yes or no", {.as.i = 2}},
        {"b", "yes or no", {.as.i = -1}},
        {"one", "no such choice", {.as.i = 2}},
        {"one", "no such choice", {.as.i = -1}},
        {"many", "no choice at all", {.as.set = 0}},
        {"many", "no such choice", {.as.set = 4}},
        {"many", "no such choice", {.as.set = UINT64_C(1) << 63}},
        {"r", "columns of the form", {.as.rows = {&cell, 1, 2}}},
        {"r", "without rows", {.as.rows = {&cell, 0, 1}}},
        {"r", "too many rows", {.as.rows = {&cell, FORM_MAX_ROWS + 1, 1}}},
        {"i", "unknown state", {.state = (enum value_state)5}},
        {"r[1].x", "yes or no", {.as.rows = {&cell, 1, 1}}},
    };
    struct filled x;

    (void)state;
    memset(long_text, 'a', sizeof(long_text));
    load_right(&x, TYPES);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *name = strcmp(cases[i].field, "r[1].x") == 0 ? "r" : cases[i].field;

        for (uint32_t f = 0; f < x.form->field_count; f++)
            x.values[f].state = VALUE_MISSING;
        assert_right(&x);
        *value_of(&x, name) = cases[i].v;
        assert_wrong(&x, cases[i].field, cases[i].part);
        if (strcmp(cases[i].part, "without rows") != 0) /* that one is put right */
            assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, false), ERR_INVALID);
    }
    assert_int_equal(form_check(x.form, x.c, x.values, 3, SOME_DAY, NULL, x.r), ERR_INVALID);
    assert_said(&x, 0, 0, NULL, "8 fields");
    finish(&x);
}

static void a_set_of_all_64_choices_is_right(void **state)
{
    struct buf yaml;
    struct filled x;

    (void)state;
    buf_init(&yaml, 1 << 16);
    buf_put_str(&yaml, HEAD "choices:\n  l:\n");
    for (unsigned i = 0; i < 64; i++)
        buf_printf(&yaml, "    - code: c%u\n", i);
    buf_put_str(&yaml, "survey:\n  - {type: select_multiple l, name: a, constraint: \"selected(., 'c63')\"}\n");
    load_right(&x, buf_cstr(&yaml));
    x.values[0] = (struct value){.state = VALUE_PRESENT, .as.set = UINT64_MAX};
    assert_right(&x);
    finish(&x);
    buf_fini(&yaml);
}

static void all_mistakes_are_named_in_one_pass(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: a, constraint: . > 5}\n  - {type: text, name: b, required: true}\n"
                          "  - {type: integer, name: c, constraint: . > 5}\n");
    fill_right(&x, "{\"a\": 1, \"c\": 1}");
    assert_int_equal(check(&x), ERR_INVALID);
    assert_int_equal(report_errors(x.r), 3);
    assert_int_equal(form_check(x.form, x.c, x.values, 3, SOME_DAY, NULL, NULL), ERR_INVALID);
    assert_non_null(strstr(err_text(), "a: ")); /* without a report: the first */
    finish(&x);
}

static void a_rule_that_cannot_be_evaluated_is_named_and_refuses(void **state)
{
    static const char *const keys[] = {"constraint", "warning", "relevant", "required", "calculation"};
    struct value cells[FORM_MAX_ROWS];
    struct buf yaml;

    (void)state;
    buf_init(&yaml, FORM_MAX_BYTES);
    for (uint32_t i = 0; i < FORM_MAX_ROWS; i++)
        cells[i] = (struct value){.state = VALUE_PRESENT, .as.i = 1};
    for (size_t k = 0; k < COUNT(keys); k++) {
        struct filled x;

        buf_reset(&yaml);
        buf_printf(&yaml,
                   SURVEY "  - {type: repeat, name: r, survey: [{type: integer, name: n}]}\n"
                          "  - type: integer\n    name: a\n    %s: 0 < 0",
                   keys[k]);
        for (int i = 0; i < 200; i++) /* each reads a thousand rows: more than EXPR_MAX_STEPS together */
            buf_put_str(&yaml, " + sum(${n})");
        buf_put_str(&yaml, "\n");
        load_right(&x, buf_cstr(&yaml));
        x.values[0] = (struct value){.state = VALUE_PRESENT, .as.rows = {cells, FORM_MAX_ROWS, 1}};
        x.values[1] = (struct value){.state = k == 3 ? VALUE_MISSING : VALUE_PRESENT, .as.i = 1};
        assert_int_equal(check(&x), ERR_INVALID);
        assert_int_equal(report_errors(x.r), 1);
        assert_said(&x, 0, 0, "a", "could not be evaluated");
        assert_said(&x, 0, 0, "a", keys[k]);
        if (k == 2 || k == 4)
            assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, false), ERR_LIMIT);
        finish(&x);
    }
    buf_fini(&yaml);
}

/* Random answers: completed, they are what form_check() calls right, or it says why; dropped ones never are wrong for
 * not applying.  And completing twice changes nothing. */
static void completing_is_idempotent_and_checks_out(void **state)
{
    unsigned seed = 20200901;
    struct filled x;

    (void)state;
    print_message("seed %u\n", seed);
    load_right(
        &x, SURVEY
        "  - {type: integer, name: a}\n"
        "  - {type: integer, name: b, relevant: \"${a} > 3\"}\n"
        "  - {type: calculate, name: c, calculation: \"${a} div ${b}\"}\n"
        "  - {type: integer, name: d, relevant: \"${c} > 1 or ${b} = 2\"}\n"
        "  - {type: calculate, name: e, value: integer, relevant: \"${d} = 1\", calculation: \"${d} + ${a}\"}\n");
    for (int round = 0; round < 2000; round++) {
        struct value before[MAX_VALUES];

        for (uint32_t i = 0; i < x.form->field_count; i++)
            x.values[i] =
                (struct value){.state = rand_r(&seed) % 2 ? VALUE_PRESENT : VALUE_MISSING, .as.i = rand_r(&seed) % 8};
        assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, true), OK);
        assert_right(&x);
        memcpy(before, x.values, sizeof(before));
        assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, true), OK);
        for (uint32_t i = 0; i < x.form->field_count; i++)
            assert_true(before[i].state == x.values[i].state &&
                        (before[i].state != VALUE_PRESENT || before[i].as.i == x.values[i].as.i));
    }
    finish(&x);
}

static void one_checker_serves_many_forms(void **state)
{
    struct filled x, y;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: a}\n");
    load_right(&y, TYPES);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(form_check(x.form, x.c, x.values, 1, SOME_DAY, NULL, NULL), OK);
        assert_int_equal(form_check(y.form, x.c, y.values, y.form->field_count, SOME_DAY, NULL, NULL), OK);
    }
    finish(&x);
    finish(&y);
}

static void load_file(struct filled *x, const char *file)
{
    char path[512];
    void *bytes;
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s", SVODKA_SOURCE_DIR, file);
    assert_int_equal(cli_read_file(path, FORM_MAX_BYTES, &bytes, &len), OK);
    load_bytes(x, bytes, len);
    free(bytes);
    assert_int_equal(x->e, OK);
}

static void the_example_passport_is_judged_as_its_document_says(void **state)
{
    struct filled x;

    (void)state;
    load_file(&x, "tests/data/forms/school-passport.yaml");
    fill_right(&x,
               "{\"pupils\": 30, \"pupils_support\": 20, \"shifts\": \"1\", \"services\": [\"hot_meals\", \"bus\"], "
               "\"bus_pupils\": 5, \"bus_km\": 12.5, \"inspected\": \"2020-08-20\", \"site\": true, "
               "\"classes\": [{\"class_name\": \"1а\", \"class_level\": \"primary\", \"class_pupils\": 30}]}");
    assert_right(&x);
    assert_int_equal(report_warnings(x.r), 1);
    assert_int_equal(value_of(&x, "share_support")->as.i, 667);
    value_of(&x, "inspected")->as.i = SOME_DAY + 1;
    assert_wrong(&x, "inspected", "still to come");
    finish(&x);
}

/* Every pupil of the data set is right by the demo's form. */
static void the_data_set_fits_its_form(void **state)
{
    static const char *const files[] = {"student-mat.csv", "student-por.csv"};
    struct filled x;
    size_t rows = 0;

    (void)state;
    load_file(&x, "tests/data/packs/uci/forms/family.yaml");
    for (size_t k = 0; k < COUNT(files); k++) {
        char path[512], head[1024], line[1024];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/tests/data/uci_student_performance/%s", SVODKA_SOURCE_DIR, files[k]);
        assert_non_null(f = fopen(path, "r"));
        assert_non_null(fgets(head, sizeof(head), f));
        while (fgets(line, sizeof(line), f) != NULL) {
            char *cell, *name, *names, *cells = line;
            char columns[1024];

            memcpy(columns, head, sizeof(columns));
            names = columns;
            buf_reset(&x.keep);
            for (uint32_t i = 0; i < x.form->field_count; i++)
                x.values[i] = (struct value){.state = VALUE_MISSING};
            assert_int_equal(value_parse(value_of(&x, "pupil"), x.form->fields, "p1", 2, &x.keep), OK);
            while ((name = strsep(&names, ";\n")) != NULL && (cell = strsep(&cells, ";\n")) != NULL) {
                int32_t i = form_find_field(x.form, name, strlen(name));
                size_t len = strlen(cell);

                if (cell[0] == '"') {
                    cell++;
                    len -= 2;
                }
                if (i >= 0)
                    assert_int_equal(value_parse(&x.values[i], &x.form->fields[i], cell, len, &x.keep), OK);
            }
            assert_int_equal(form_complete(x.form, x.c, x.values, SOME_DAY, false), OK);
            assert_right(&x);
            rows++;
        }
        (void)fclose(f);
    }
    assert_int_equal(rows, 395 + 649);
    finish(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_required_field_must_be_answered),
        cmocka_unit_test(states_count_as_answers_only_where_the_form_allows_them),
        cmocka_unit_test(what_does_not_apply_is_not_asked),
        cmocka_unit_test(dropping_what_does_not_apply_is_the_callers_choice),
        cmocka_unit_test(groups_pass_their_condition_on),
        cmocka_unit_test(a_constraint_refuses_and_says_why),
        cmocka_unit_test(a_warning_asks_and_never_refuses),
        cmocka_unit_test(calculations_follow_from_the_answers),
        cmocka_unit_test(a_calculated_value_must_be_the_calculated_one),
        cmocka_unit_test(decimals_are_rounded_half_up_once),
        cmocka_unit_test(what_is_no_number_is_missing),
        cmocka_unit_test(a_calculation_that_gives_no_value_of_its_type_is_a_mistake),
        cmocka_unit_test(two_texts_in_nfc_are_joined_to_one_in_nfc),
        cmocka_unit_test(rows_are_judged_each_by_itself_and_together),
        cmocka_unit_test(the_callers_rows_stay_as_they_were),
        cmocka_unit_test(a_value_that_breaks_its_type_is_refused),
        cmocka_unit_test(a_set_of_all_64_choices_is_right),
        cmocka_unit_test(all_mistakes_are_named_in_one_pass),
        cmocka_unit_test(a_rule_that_cannot_be_evaluated_is_named_and_refuses),
        cmocka_unit_test(completing_is_idempotent_and_checks_out),
        cmocka_unit_test(one_checker_serves_many_forms),
        cmocka_unit_test(the_example_passport_is_judged_as_its_document_says),
        cmocka_unit_test(the_data_set_fits_its_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
