/* Soft checks against what was said before and elsewhere ("compare"): never a refusal, never a guess (invariant 5: what
 * a submission says follows from itself alone). */
#include "form_fixture.h"

#define COMPARED                                                                                                       \
    HEAD "compare:\n"                                                                                                  \
         "  - {name: before, field: pupils, when: year_before, label: a year ago}\n"                                   \
         "  - {name: elsewhere, form: pass, field: pupils}\n"                                                          \
         "survey:\n"                                                                                                   \
         "  - {type: integer, name: pupils, warning: . > 4000, compare_warning: \". > 1.2 * ${before}\", "             \
         "compare_message: a jump}\n"                                                                                  \
         "  - {type: integer, name: again, compare_warning: \". != ${elsewhere}\", compare_message: another number}\n" \
         "  - type: repeat\n    name: list\n    survey:\n"                                                             \
         "      - {type: integer, name: n, compare_warning: \". > ${before}\", compare_message: more than all}\n"

/* What was warned, of which field; `before` and `elsewhere` as decimals with four places, -1: unknown. */
static const char *warned(struct filled *x, const char *json, int64_t before, int64_t elsewhere)
{
    struct value compared[2] = {{.state = before < 0 ? VALUE_MISSING : VALUE_PRESENT, .as.i = before},
                                {.state = elsewhere < 0 ? VALUE_MISSING : VALUE_PRESENT, .as.i = elsewhere}};
    static char said[256];
    size_t len = 0;

    assert_int_equal(fill(x, json), OK);
    form_checker_compare(x->c, x->form, compared);
    assert_int_equal(check(x), OK); /* a warning never refuses */
    form_checker_compare(x->c, NULL, NULL);
    said[0] = '\0';
    for (size_t i = 0; i < report_kept(x->r); i++) {
        assert_true(report_at(x->r, i)->is_warning);
        len += (size_t)snprintf(said + len, sizeof(said) - len, "%s%s", len > 0 ? " " : "", report_at(x->r, i)->field);
    }
    return said;
}

static void a_jump_against_last_year_is_warned_of(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, COMPARED);
    assert_string_equal(warned(&x, "{\"pupils\": 121}", 1000000, -1), "pupils");
    assert_string_equal(warned(&x, "{\"pupils\": 120}", 1000000, -1), "");
    assert_string_equal(warned(&x, "{\"pupils\": 120}", 999999, -1), "pupils"); /* 99.9999 */
    assert_string_equal(warned(&x, "{\"again\": 5}", -1, 60000), "again");
    assert_string_equal(warned(&x, "{\"again\": 5}", -1, 50000), "");
    assert_string_equal(warned(&x, "{\"list\": [{\"n\": 3}, {\"n\": 4}]}", 30000, -1), "list[2].n");
    finish(&x);
}

static void what_is_not_known_warns_of_nothing(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, COMPARED);
    assert_string_equal(warned(&x, "{\"pupils\": 4000, \"again\": 5, \"list\": [{\"n\": 9}]}", -1, -1), "");
    /* Its own warning does not wait for that. */
    assert_string_equal(warned(&x, "{\"pupils\": 4001}", -1, -1), "pupils");
    assert_int_equal(fill(&x, "{\"pupils\": 3999, \"again\": 5}"), OK);
    assert_int_equal(check(&x), OK); /* nothing was ever said about what it is compared with */
    assert_int_equal(report_kept(x.r), 0);
    finish(&x);
}

static void nothing_but_a_warning_may_read_it(void **state)
{
    static const char *const keys[] = {"constraint: \". < ${before}\"", "relevant: \"${before} > 1\"",
                                       "required: \"${before} > 1\"", "warning: \". > ${before}\"",
                                       "calculation: \"${before} * 2\""};
    char yaml[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        (void)snprintf(yaml, sizeof(yaml),
                       HEAD "compare:\n  - {name: before, field: a, when: previous}\nsurvey:\n"
                            "  - {type: integer, name: a}\n  - {type: integer, name: b, %s}\n",
                       keys[i]);
        assert_refused(yaml, 10, 0, NULL, "only a compare_warning may read it");
    }
    assert_refused(HEAD "compare:\n  - {name: before, field: a, when: previous}\nsurvey:\n"
                        "  - {type: integer, name: a, compare_warning: \". > ${befor}\"}\n",
                   9, 0, NULL, "there is no field \"befor\"");
}

static void a_comparison_that_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *items, *part;
    } bad[] = {
        {"  - {name: x, field: a}\n", "a form is compared with itself of another time"},
        {"  - {name: x, field: a, form: demo, when: same}\n", "a form is compared with itself of another time"},
        {"  - {name: x, field: nosuch, when: previous}\n", "no field \"nosuch\" outside its repeats"},
        {"  - {name: x, field: t, when: previous}\n", "\"t\" is no number"},
        {"  - {name: a, field: a, when: previous}\n", "there is a field or a comparison of this name already"},
        {"  - {name: x, field: a, form: other}\n  - {name: x, field: b, form: other}\n",
         "there is a field or a comparison of this name already"},
        {"  - {name: x, field: a, when: yesterday}\n", "expected one of: same, previous, year_before"},
        {"  - {name: x}\n", "this key is required and missing"},
    };
    char yaml[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        (void)snprintf(yaml, sizeof(yaml),
                       HEAD "compare:\n%ssurvey:\n  - {type: integer, name: a}\n  - {type: text, name: t}\n",
                       bad[i].items);
        assert_refused(yaml, 0, 0, NULL, bad[i].part);
    }
    assert_refused("form: demo\nversion: \"1\"\ntitle: Demo\nmode: answers\nperiod: month\ncompare:\n"
                   "  - {name: x, field: a, when: previous}\nsurvey:\n  - {type: integer, name: a}\n",
                   0, 0, NULL, "anonymous answers are compared with nothing");
}

static void numbers_are_brought_to_four_places(void **state)
{
    struct value v[4] = {{.state = VALUE_PRESENT, .as.i = 12},
                         {.state = VALUE_PRESENT, .as.i = 1234567},
                         {.state = VALUE_PRESENT, .as.i = FORM_NUMBER_MAX},
                         {.state = VALUE_NOT_KNOWN}};
    struct value out;
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: a}\n  - {type: decimal, name: d, places: 6}\n"
                          "  - {type: integer, name: big}\n  - {type: integer, name: u, allow: [unknown]}\n");
    form_compare_value(&out, "a", x.form, v);
    assert_int_equal(out.state, VALUE_PRESENT);
    assert_int_equal(out.as.i, 120000);
    form_compare_value(&out, "d", x.form, v);
    assert_int_equal(out.as.i, 12345);
    form_compare_value(&out, "big", x.form, v); /* does not fit: unknown, never another number */
    assert_int_equal(out.state, VALUE_MISSING);
    form_compare_value(&out, "u", x.form, v);
    assert_int_equal(out.state, VALUE_MISSING);
    form_compare_value(&out, "nosuch", x.form, v);
    assert_int_equal(out.state, VALUE_MISSING);
    finish(&x);
}

/* Which period of `series` a submission of `id` is compared with; "-": none. */
static const char *compared_with(const struct calendar *c, const char *series, const char *id, enum form_when when)
{
    const char *const all[] = {series};
    struct form other = {.series = series, .all_series = all, .series_count = 1};
    struct form_compare by = {.when = when};
    static struct period out;
    struct period p;

    assert_int_equal(calendar_find(c, NULL, id, &p), OK);
    return form_compare_period(&by, &other, c, &p, &out) == OK ? out.id : "-";
}

static void the_period_is_the_one_that_holds_the_last_day(void **state)
{
    static const char yaml[] = "periods:\n  - series: state\n    periods:\n"
                               "      - {id: s19, on: 2019-10-01}\n      - {id: s20m, on: 2020-05-01}\n"
                               "      - {id: s20, on: 2020-10-12}\n      - {id: s22, on: 2022-02-01}\n";
    struct calendar *c = NULL;
    struct yaml_doc *d = NULL;

    (void)state;
    assert_int_equal(calendar_new(&c), OK);
    assert_int_equal(yaml_parse(&d, "periods.yaml", yaml, strlen(yaml), NULL), OK);
    assert_true(calendar_read(c, d, yaml_get(yaml_root(d), "periods"), NULL));
    assert_string_equal(compared_with(c, "state", "s20", COMPARE_SAME), "s20");
    assert_string_equal(compared_with(c, "state", "s20", COMPARE_PREVIOUS), "s20m");
    assert_string_equal(compared_with(c, "state", "s20", COMPARE_YEAR_BEFORE), "s19"); /* 11 days off */
    assert_string_equal(compared_with(c, "state", "s22", COMPARE_YEAR_BEFORE), "-");
    assert_string_equal(compared_with(c, "state", "s19", COMPARE_PREVIOUS), "-");
    assert_string_equal(compared_with(c, "school_year", "s20", COMPARE_SAME), "2020/21");
    assert_string_equal(compared_with(c, "school_year", "s20", COMPARE_YEAR_BEFORE), "2019/20");
    assert_string_equal(compared_with(c, "school_quarter", "2020/21", COMPARE_SAME), "-"); /* summer is in no quarter */
    calendar_free(c);
    yaml_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_against_last_year_is_warned_of),
        cmocka_unit_test(what_is_not_known_warns_of_nothing),
        cmocka_unit_test(nothing_but_a_warning_may_read_it),
        cmocka_unit_test(a_comparison_that_cannot_be_is_refused),
        cmocka_unit_test(numbers_are_brought_to_four_places),
        cmocka_unit_test(the_period_is_the_one_that_holds_the_last_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
