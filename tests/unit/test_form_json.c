/* test_form_json.c: a filled form as JSON, there and back; what is wrong is named by field (invariants 8 and 9). */
#include "form_fixture.h"

static const char FORM[] =
    HEAD "choices:\n"
         "  l: [{code: a}, {code: b}, {code: \"3\"}]\n"
         "survey:\n"
         "  - {type: integer, name: i}\n"
         "  - {type: decimal, name: d}\n"
         "  - {type: text, name: t}\n"
         "  - {type: date, name: day}\n"
         "  - {type: boolean, name: yes}\n"
         "  - {type: select_one l, name: one}\n"
         "  - {type: select_multiple l, name: many}\n"
         "  - {type: repeat, name: r, survey: [{type: integer, name: x}, {type: select_one l, name: y}]}\n";

static int setup(void **state)
{
    struct filled *x = malloc(sizeof(*x));

    load_right(x, FORM);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    finish(*state);
    free(*state);
    return 0;
}

static enum err read_json(struct filled *x, const char *json)
{
    forget_findings(x);
    buf_reset(&x->keep);
    return form_values_from_json(x->form, json, strlen(json), x->values, &x->keep, x->r);
}

static void assert_written(struct filled *x, const char *json)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    form_values_to_json(x->form, x->values, &out);
    assert_string_equal(buf_cstr(&out), json);
    buf_fini(&out);
}

static void assert_round_trip(struct filled *x, const char *json, const char *written)
{
    if (read_json(x, json) != OK) {
        report_print(x->r, stderr);
        fail_msg("refused: %s", json);
    }
    assert_written(x, written);
    assert_int_equal(read_json(x, written), OK); /* what we write, we read */
    assert_written(x, written);
}

static void assert_wrong(struct filled *x, const char *json, enum err e, const char *field, const char *part)
{
    assert_int_equal(read_json(x, json), e);
    assert_true(report_errors(x->r) > 0);
    assert_said(x, 0, 0, field, part);
}

static void every_type_goes_there_and_back(void **state)
{
    static const char all[] = "{\"i\": -12, \"d\": 3.50, \"t\": \"слово \\\"в\\\" кавычках\\u000a\\\\\", "
                              "\"day\": \"2020-09-01\", \"yes\": true, \"one\": \"b\", \"many\": [\"a\", \"3\"], "
                              "\"r\": [{\"x\": 1, \"y\": \"a\"}, {\"y\": \"b\"}]}";
    struct filled *x = *state;

    assert_round_trip(x, all, all);
    assert_round_trip(x, "{}", "{}");
    assert_round_trip(x, "{\"yes\": false, \"i\": 0}", "{\"i\": 0, \"yes\": false}"); /* in the form's order */
    assert_round_trip(x, "{\"d\": \"3.5\"}", "{\"d\": 3.50}");
    assert_round_trip(x, "{\"d\": 7}", "{\"d\": 7.00}");
    assert_round_trip(x, "{\"one\": 3}", "{\"one\": \"3\"}");
}

static void nothing_and_empty_are_missing(void **state)
{
    struct filled *x = *state;

    assert_int_equal(read_json(x, "{\"i\": null, \"t\": \"\", \"day\": \"\", \"one\": \"\", \"many\": [], \"r\": []}"),
                     OK);
    for (uint32_t i = 0; i < x->form->field_count; i++)
        assert_int_equal(x->values[i].state, VALUE_MISSING);
}

static void states_are_objects_with_a_question_mark(void **state)
{
    struct filled *x = *state;

    assert_round_trip(x, "{\"i\": {\"?\": \"unknown\"}, \"r\": [{\"x\": {\"?\": \"na\"}}]}",
                      "{\"i\": {\"?\": \"unknown\"}, \"r\": [{\"x\": {\"?\": \"na\"}}]}");
    assert_int_equal(value_of(x, "i")->state, VALUE_NOT_KNOWN);
    assert_wrong(x, "{\"i\": {\"?\": \"never\"}}", ERR_INVALID, "i", "\"unknown\"");
    assert_wrong(x, "{\"i\": {\"?\": 1}}", ERR_INVALID, "i", "whole number");
    assert_wrong(x, "{\"i\": {\"?\": \"na\", \"x\": 1}}", ERR_INVALID, "i", "whole number");
}

static void a_decimal_is_exact_or_refused(void **state)
{
    struct filled *x = *state;

    assert_int_equal(read_json(x, "{\"d\": 0.07}"), OK);
    assert_int_equal(value_of(x, "d")->as.i, 7);
    assert_int_equal(read_json(x, "{\"d\": 1234567890.29}"), OK);
    assert_int_equal(value_of(x, "d")->as.i, 123456789029);
    assert_wrong(x, "{\"d\": 3.505}", ERR_INVALID, "d", "2 digits");
    assert_wrong(x, "{\"d\": 1e300}", ERR_INVALID, "d", "too large");
    assert_wrong(x, "{\"d\": 900719925474099200}", ERR_INVALID, "d", "too large");
    assert_wrong(x, "{\"d\": \"x\"}", ERR_INVALID, "d", "number");
    assert_wrong(x, "{\"d\": \"900719925474099\"}", ERR_INVALID, "d", "too large");
    assert_wrong(x, "{\"i\": 9007199254740992}", ERR_INVALID, "i", "too large");
}

static void a_wrong_type_is_named_with_the_one_expected(void **state)
{
    static const struct {
        const char *json, *field, *part;
    } cases[] = {
        {"{\"i\": \"12\"}", "i", "whole number"},
        {"{\"i\": 1.5}", "i", "whole number"},
        {"{\"i\": true}", "i", "whole number"},
        {"{\"d\": [1]}", "d", "expected a number"},
        {"{\"t\": 5}", "t", "text in quotes"},
        {"{\"day\": 5}", "day", "a date in quotes"},
        {"{\"day\": \"01.09.2020\"}", "day", "expected a date"},
        {"{\"yes\": \"yes\"}", "yes", "true or false"},
        {"{\"yes\": 1}", "yes", "true or false"},
        {"{\"one\": \"z\"}", "one", "no such choice"},
        {"{\"one\": 4}", "one", "no such choice"},
        {"{\"one\": [\"a\"]}", "one", "code of a choice"},
        {"{\"many\": \"a\"}", "many", "a list of codes"},
        {"{\"many\": [1]}", "many", "a list of codes"},
        {"{\"many\": [\"a\", \"z\"]}", "many", "no such choice"},
        {"{\"r\": 1}", "r", "a list of objects"},
        {"{\"r\": [1]}", "r[1]", "an object"},
        {"{\"r\": [{\"x\": 1}, {\"x\": \"a\"}]}", "r[2].x", "whole number"},
        {"{\"r\": [{\"xx\": 1}]}", "r[1].xx", "no such field"},
        {"{\"tt\": 1}", "tt", "did you mean"},
        {"{\"something\": 1}", "something", "no such field"},
        {"{\"x\": 1}", "x", "no such field"},
        {"[1]", NULL, "expected an object"},
        {"{\"t\": \"\\u0001\"}", "t", "control character"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_wrong(*state, cases[i].json, ERR_INVALID, cases[i].field, cases[i].part);
}

static void all_mistakes_are_named_in_one_pass(void **state)
{
    struct filled *x = *state;

    assert_int_equal(read_json(x, "{\"i\": \"x\", \"d\": true, \"nosuch\": 1, \"r\": [{\"x\": []}, 5]}"), ERR_INVALID);
    assert_int_equal(report_errors(x->r), 5);
}

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    struct filled *x = *state;

    assert_wrong(x, "{\"i\": 1,\n \"d\": }", ERR_MALFORMED, NULL, "not JSON");
    assert_int_equal(report_at(x->r, 0)->line, 2);
    assert_wrong(x, "{\"i\": 1, \"i\": 2}", ERR_MALFORMED, NULL, "not JSON: a key is given twice");
    assert_string_equal(report_at(x->r, 0)->value, "\"i\"");
    assert_wrong(x, "", ERR_MALFORMED, NULL, "not JSON: the text ends too early");
    assert_wrong(x, "{\"i\": [1", ERR_MALFORMED, NULL, "not JSON: the text ends too early");
    assert_wrong(x, "{\"t\": \"\xFF\"}", ERR_MALFORMED, NULL, "not JSON: the text is not valid UTF-8");
    assert_wrong(x, "{\"t\": \"a\\u0000b\"}", ERR_MALFORMED, NULL, "not JSON: a text must not hold");
    assert_wrong(x, "{} {}", ERR_MALFORMED, NULL, "not JSON: something stands after");
    assert_wrong(x, "{\"i\": 1e999}", ERR_MALFORMED, NULL, "not JSON: the number is too large");
    assert_wrong(x, "{\"i\": NaN}", ERR_MALFORMED, NULL, "not JSON: a bracket, a comma");
    assert_string_equal(report_at(x->r, 0)->value, "NaN");
}

static void depth_size_and_rows_are_bounded(void **state)
{
    struct filled *x = *state;
    struct buf json;

    assert_wrong(x, "{\"i\":\n[[[[[[[[[[1]]]]]]]]]]}", ERR_LIMIT, NULL, "deeper");
    assert_int_equal(report_at(x->r, 0)->line, 2);
    assert_int_equal(read_json(x, "{\"t\": \"[[[[[[[[[[\\\"[[[[\"}"), OK); /* in a text, brackets are text */
    buf_init(&json, 4u << 20);
    buf_put_str(&json, "{\"r\": [{}");
    for (uint32_t i = 0; i < FORM_MAX_ROWS; i++)
        buf_put_str(&json, ",{}");
    buf_put_str(&json, "]}");
    assert_wrong(x, buf_cstr(&json), ERR_INVALID, "r", "too many");
    assert_non_null(buf_grow(&json, FORM_JSON_MAX_BYTES));
    memset(json.data, ' ', json.len);
    assert_wrong(x, buf_cstr(&json), ERR_LIMIT, NULL, "bytes");
    buf_fini(&json);
}

static void a_full_keep_is_a_limit(void **state)
{
    struct filled *x = *state;
    struct buf keep;

    buf_init(&keep, 100);
    forget_findings(x);
    assert_int_equal(form_values_from_json(x->form, "{\"r\": [{}, {}, {}]}", 20, x->values, &keep, x->r),
                     ERR_MALFORMED);
    assert_int_equal(form_values_from_json(x->form, "{\"r\": [{}, {}, {}]}", 19, x->values, &keep, x->r), ERR_LIMIT);
    assert_int_equal(form_values_from_json(x->form, "{\"t\": \"1234567890\"}", 19, x->values, &keep, x->r), OK);
    assert_true(keep.len >= 10 && keep.touched == keep.len); /* all that is to be wiped, and no more (old computers) */
    buf_fini(&keep);
    buf_init(&keep, 8);
    assert_int_equal(form_values_from_json(x->form, "{\"t\": \"1234567890\"}", 19, x->values, &keep, x->r), ERR_LIMIT);
    buf_fini(&keep);
}

static void without_a_report_a_mistake_is_in_the_sentence(void **state)
{
    struct filled *x = *state;

    assert_int_equal(form_values_from_json(x->form, "{\"i\": \"x\"}", 10, x->values, &x->keep, NULL), ERR_INVALID);
    assert_non_null(strstr(err_text(), "i: expected a whole number"));
}

static void what_does_not_apply_is_not_written(void **state)
{
    struct filled *x = *state;

    assert_int_equal(read_json(x, "{\"i\": 1, \"t\": \"a\"}"), OK);
    value_of(x, "i")->state = VALUE_NOT_ASKED;
    assert_written(x, "{\"t\": \"a\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_goes_there_and_back),
        TEST(nothing_and_empty_are_missing),
        TEST(states_are_objects_with_a_question_mark),
        TEST(a_decimal_is_exact_or_refused),
        TEST(a_wrong_type_is_named_with_the_one_expected),
        TEST(all_mistakes_are_named_in_one_pass),
        TEST(what_is_not_json_is_refused_with_its_place),
        TEST(depth_size_and_rows_are_bounded),
        TEST(a_full_keep_is_a_limit),
        TEST(without_a_report_a_mistake_is_in_the_sentence),
        TEST(what_does_not_apply_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
