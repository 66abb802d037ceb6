/* test_form.c: what a form's YAML becomes, and that every mistake in it is named with its place (invariants 8, 9). */
#include "form_fixture.h"

#include "common/cli.h"

static void a_form_has_what_its_yaml_says(void **state)
{
    struct filled x;
    const struct form *f;

    (void)state;
    load_right(&x, "form: family\n"
                   "version: 2020-1\n"
                   "title: {ru: Анкета, en: Questionnaire}\n"
                   "mode: rows\n"
                   "role: centre\n"
                   "about: district\n"
                   "period: school_year\n"
                   "key: pupil\n"
                   "retention: pupils\n"
                   "retention_years: 5\n"
                   "audience: [school, office]\n"
                   "purpose: {ru: цель, en: purpose}\n"
                   "basis: order 12\n"
                   "choices:\n"
                   "  yn: [{code: y, label: {ru: да, en: 'yes'}}, {code: n, label: нет}]\n"
                   "survey:\n"
                   "  - {type: text, name: pupil, required: yes, label: {ru: Ученик}}\n"
                   "  - {type: select_one yn, name: meals, was: dinners, retention: short, allow: [unknown, na],\n"
                   "     hint: {en: at school}, default: n, read_only: true}\n"
                   "  - {type: decimal, name: mean, places: 3}\n"
                   "  - {type: note, label: Спасибо}\n");
    f = x.form;
    assert_string_equal(f->id, "family");
    assert_string_equal(f->version, "2020-1");
    assert_string_equal(f->title_ru, "Анкета");
    assert_string_equal(f->title_en, "Questionnaire");
    assert_int_equal(f->mode, FORM_ROWS);
    assert_string_equal(f->role, "centre");
    assert_true(f->is_about_district);
    assert_string_equal(f->series, "school_year");
    assert_string_equal(f->retention, "pupils");
    assert_int_equal(f->retention_years, 5);
    assert_int_equal(f->audience, FORM_FOR_SCHOOL | FORM_FOR_OFFICE);
    assert_string_equal(f->purpose_en, "purpose");
    assert_string_equal(f->basis_ru, "order 12");
    assert_int_equal(f->key, 0);
    assert_int_equal(f->field_count, 3);
    assert_true(f->fields[0].is_required);
    assert_string_equal(f->fields[0].label_en, "Ученик"); /* from the other language */
    assert_null(f->fields[0].hint_ru);
    assert_int_equal(f->fields[1].type, VALUE_SELECT_ONE);
    assert_string_equal(f->fields[1].was, "dinners");
    assert_string_equal(f->fields[1].retention, "short");
    assert_string_equal(f->fields[1].hint_ru, "at school");
    assert_true(f->fields[1].allows_unknown && f->fields[1].allows_inapplicable && f->fields[1].is_read_only);
    assert_int_equal(f->fields[1].default_value->as.i, 1);
    assert_string_equal(f->fields[1].choices->items[0].label_en, "yes");
    assert_string_equal(f->fields[1].choices->items[1].label_en, "нет");
    assert_string_equal(f->fields[1].label_ru, "meals"); /* no label: the name */
    assert_int_equal(f->fields[2].places, 3);
    assert_int_equal(f->fields[2].line, 20);
    assert_int_equal(f->note_count, 1);
    assert_int_equal(f->notes[0].before, 3);
    assert_int_equal(form_find_field(f, "mean", 4), 2);
    assert_int_equal(form_find_field(f, "meaning", 7), -1);
    finish(&x);
}

static void a_form_needs_little(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: integer, name: n}\n");
    assert_string_equal(x.form->role, "school");
    assert_false(x.form->is_about_district);
    assert_string_equal(x.form->retention, "default");
    assert_int_equal(x.form->key, -1);
    assert_null(x.form->purpose_ru);
    assert_int_equal(x.form->retention_years, 0);
    assert_int_equal(x.form->audience, 0);
    finish(&x);
}

#define DUE_IN(periods)                                                                                                \
    "form: demo\nversion: \"1\"\ntitle: Demo\nmode: record\nperiod: " periods                                          \
    "\nsurvey:\n  - {type: integer, name: n}\n"

static void a_form_may_be_due_in_several_series(void **state)
{
    struct calendar *c;
    struct period p;
    struct filled x;

    (void)state;
    assert_int_equal(calendar_new(&c), OK);
    load_right(&x, DUE_IN("month"));
    assert_int_equal(x.form->series_count, 1);
    assert_int_equal(form_period(x.form, c, "2020-09", &p), OK);
    assert_int_equal(form_period(x.form, c, "2020/21-Q1", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "a period of the series month is expected, such as 2020-09"));
    finish(&x);
    load_right(&x, DUE_IN("[school_quarter, school_year]"));
    assert_int_equal(x.form->series_count, 2);
    assert_string_equal(x.form->series, "school_quarter");
    assert_string_equal(x.form->all_series[1], "school_year");
    assert_int_equal(form_period(x.form, c, "1 четверть 2020/21", &p), OK);
    assert_string_equal(p.id, "2020/21-Q1");
    assert_int_equal(form_period(x.form, c, "2020/21", &p), OK);
    assert_string_equal(p.series, "school_year");
    assert_int_equal(form_period(x.form, c, "2020-09", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "of the series school_quarter, school_year is expected, such as 2020/21-Q1"));
    assert_int_equal(form_period(x.form, c, "2020/22", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "in the series school_quarter, school_year; did you mean \"2020/21\"?"));
    finish(&x);
    calendar_free(c);
}

static void a_wrong_list_of_series_is_refused(void **state)
{
    (void)state;
    assert_refused(DUE_IN("[]"), 5, 9, "period", "1 to 8 series");
    assert_refused(DUE_IN("[a, b, c, d, e, f, g, h, i]"), 5, 9, "period", "1 to 8 series");
    assert_refused(DUE_IN("{a: b}"), 5, 9, "period", "the name of a series of periods was expected");
    assert_refused(DUE_IN("[month, 2020]"), 5, 17, "period", "the name of a series of periods was expected");
    assert_refused(DUE_IN("[month, [a]]"), 5, 17, "period", "the name of a series of periods was expected");
    assert_refused(DUE_IN("[month, stage, month]"), 5, 24, "period", "\"month\" stands in this list twice");
}

static void the_digest_is_of_the_exact_bytes(void **state)
{
    static const char one[] = SURVEY "  - {type: integer, name: n}\n";
    static const char two[] = SURVEY "  - {type: integer, name: n} \n";
    struct filled x, y, z;

    (void)state;
    load_right(&x, one);
    load_right(&y, one);
    load_right(&z, two);
    assert_memory_equal(x.form->digest, y.form->digest, FORM_DIGEST_BYTES);
    assert_memory_not_equal(x.form->digest, z.form->digest, FORM_DIGEST_BYTES);
    assert_int_equal(x.form->source.len, strlen(one));
    assert_memory_equal(x.form->source.p, one, strlen(one));
    finish(&x);
    finish(&y);
    finish(&z);
}

static void every_type_of_field_is_known(void **state)
{
    static const char yaml[] =
        HEAD "choices:\n  l: [{code: a}, {code: b}]\n"
             "survey:\n"
             "  - {type: integer, name: i}\n"
             "  - {type: decimal, name: d}\n"
             "  - {type: text, name: t}\n"
             "  - {type: date, name: day}\n"
             "  - {type: boolean, name: b}\n"
             "  - {type: select_one l, name: one}\n"
             "  - {type: select_multiple  l , name: many}\n"
             "  - {type: calculate, name: c, calculation: 1}\n"
             "  - {type: calculate, name: ci, value: integer, calculation: 1}\n"
             "  - {type: calculate, name: ct, value: text, calculation: 1}\n"
             "  - {type: calculate, name: cb, value: boolean, calculation: 1}\n"
             "  - {type: calculate, name: cd, value: date, calculation: today()}\n"
             "  - {type: repeat, name: r, survey: [{type: text, name: x}, {type: date, name: y}]}\n"
             "  - {type: text, name: after}\n";
    static const enum value_type types[] = {
        VALUE_INTEGER, VALUE_DECIMAL, VALUE_TEXT, VALUE_DATE,    VALUE_BOOLEAN, VALUE_SELECT_ONE, VALUE_SELECT_MULTIPLE,
        VALUE_DECIMAL, VALUE_INTEGER, VALUE_TEXT, VALUE_BOOLEAN, VALUE_DATE,    VALUE_REPEAT,     VALUE_TEXT};
    struct filled x;

    (void)state;
    load_right(&x, yaml);
    assert_int_equal(x.form->field_count, COUNT(types));
    for (uint32_t i = 0; i < COUNT(types); i++)
        assert_int_equal(x.form->fields[i].type, types[i]);
    assert_int_equal(x.form->fields[1].places, 2);
    assert_int_equal(x.form->fields[7].places, 2);
    assert_true(x.form->fields[7].is_calculated && x.form->fields[7].is_read_only);
    assert_int_equal(x.form->fields[12].column_count, 2);
    assert_string_equal(x.form->fields[12].columns[1].name, "y");
    assert_int_equal(form_find_field(x.form, "y", 1), -1); /* a column is not at top level */
    finish(&x);
}

static void groups_give_headings_and_share_their_condition(void **state)
{
    static const char yaml[] = SURVEY "  - {type: integer, name: a}\n"
                                      "  - type: group\n"
                                      "    label: {ru: Внешняя, en: Outer}\n"
                                      "    relevant: ${a} > 1\n"
                                      "    survey:\n"
                                      "      - {type: text, name: b}\n"
                                      "      - type: group\n"
                                      "        relevant: ${a} < 9\n"
                                      "        survey:\n"
                                      "          - {type: text, name: c}\n"
                                      "          - {type: text, name: d, relevant: \"${b} = 'x'\"}\n"
                                      "          - {type: note, label: n}\n"
                                      "      - {type: text, name: e}\n"
                                      "  - {type: text, name: f}\n";
    struct filled x;

    (void)state;
    load_right(&x, yaml);
    assert_null(x.form->fields[0].group_en);
    assert_string_equal(x.form->fields[1].group_en, "Outer");
    assert_string_equal(x.form->fields[2].group_ru, "Внешняя"); /* the inner group has no heading of its own */
    assert_null(x.form->fields[5].group_en);
    assert_null(x.form->fields[0].relevant);
    assert_non_null(x.form->fields[1].relevant);
    assert_ptr_equal(x.form->fields[1].relevant, x.form->fields[4].relevant);
    assert_ptr_not_equal(x.form->fields[1].relevant, x.form->fields[2].relevant);
    assert_ptr_equal(x.form->notes[0].relevant, x.form->fields[2].relevant);
    finish(&x);
}

static void a_mistake_in_an_expression_is_named_to_the_column(void **state)
{
    (void)state;
    assert_refused(SURVEY "  - type: integer\n    name: a\n    constraint: . > ${nosuch}\n", SURVEY_LINE + 2, 21, "a",
                   "nosuch");
    assert_refused(SURVEY "  - type: integer\n    name: a\n    constraint: '. > ${nosuch}'\n", SURVEY_LINE + 2, 22, "a",
                   "nosuch");
    assert_refused(SURVEY "  - {type: text, name: a, hint: Я, required: \"'я' = ${nosuch}\"}\n", SURVEY_LINE, 53, "a",
                   "nosuch");
    /* folded over lines: the scalar's own place, and where in the expression */
    assert_refused(SURVEY "  - type: integer\n    name: a\n    constraint: >\n      . > 1 and\n      . < ${nosuch}\n",
                   SURVEY_LINE + 2, 17, "a", "character 15");
}

static void a_condition_of_a_group_is_refused_once_where_it_stands(void **state)
{
    struct filled x;

    (void)state;
    load(&x, SURVEY "  - type: group\n    relevant: ${nosuch} = 1\n    survey:\n"
                    "      - {type: text, name: a}\n      - {type: text, name: b, relevant: \"${a} = 'x'\"}\n");
    assert_int_equal(x.e, ERR_INVALID);
    assert_int_equal(report_errors(x.r), 1);
    assert_said(&x, SURVEY_LINE + 1, 15, NULL, "nosuch");
    finish(&x);
}

static void a_rule_inside_a_group_is_refused_where_it_stands(void **state)
{
    struct filled x;

    (void)state;
    load(&x, SURVEY "  - {type: integer, name: a}\n  - type: group\n    relevant: ${a} = 1\n    survey:\n"
                    "      - type: text\n        name: b\n        relevant: ${nosuch} = 1\n");
    assert_int_equal(report_errors(x.r), 1);
    assert_said(&x, SURVEY_LINE + 6, 19, "b", "nosuch");
    finish(&x);
}

static void conditions_of_groups_that_grow_too_long_together_are_refused(void **state)
{
    struct buf yaml;

    (void)state;
    buf_init(&yaml, FORM_MAX_BYTES);
    buf_put_str(&yaml, SURVEY "  - {type: integer, name: a}\n");
    for (int depth = 0; depth < 2; depth++) {
        buf_printf(&yaml, "%*s- type: group\n%*srelevant: ${a} = 1", depth * 4 + 2, "", depth * 4 + 4, "");
        for (int i = 0; i < 450; i++)
            buf_printf(&yaml, " or ${a} = %d", i);
        buf_printf(&yaml, "\n%*ssurvey:\n", depth * 4 + 4, "");
    }
    buf_put_str(&yaml, "          - {type: text, name: b}\n");
    assert_refused(buf_cstr(&yaml), 0, 0, "b", "");
    buf_fini(&yaml);
}

static void a_cycle_is_refused_and_told_step_by_step(void **state)
{
    (void)state;
    assert_refused(SURVEY "  - {type: calculate, name: a, calculation: \"${b} + 1\"}\n"
                          "  - {type: calculate, name: b, calculation: \"${c} + 1\"}\n"
                          "  - {type: integer, name: c, relevant: \"${a} > 0\"}\n",
                   SURVEY_LINE, 0, "a", "a -> b -> c -> a");
    assert_refused(SURVEY "  - {type: integer, name: a, relevant: \"${a} > 0\"}\n", 0, 0, "a", "a -> a");
    assert_refused(SURVEY "  - {type: group, relevant: \"${a} > 0\", survey: [{type: integer, name: a}]}\n", 0, 0, "a",
                   "a -> a");
    assert_refused(SURVEY
                   "  - {type: repeat, name: r, relevant: \"sum(${x}) > 0\", survey: [{type: integer, name: x}]}\n",
                   0, 0, NULL, "depends on itself");
}

static void a_rule_may_read_what_stands_later_or_its_own_row(void **state)
{
    struct filled x;

    (void)state;
    load_right(&x, SURVEY "  - {type: calculate, name: a, calculation: \"${b} + 1\"}\n"
                          "  - {type: calculate, name: b, calculation: \"sum(${x2})\"}\n"
                          "  - type: repeat\n"
                          "    name: r\n"
                          "    survey:\n"
                          "      - {type: calculate, name: x2, calculation: \"${x} * 2\"}\n"
                          "      - {type: integer, name: x}\n");
    finish(&x);
}

struct refused {
    const char *yaml;
    uint32_t line, column;
    const char *field, *part;
};

static void assert_all_refused(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(cases[i].yaml, cases[i].line, cases[i].column, cases[i].field, cases[i].part);
}

static void a_wrong_head_is_refused(void **state)
{
    static const char yaml[] = "form: f\nversion: \"%s\"\ntitle: T\nmode: %s\nperiod: month\n%s"
                               "survey:\n  - {type: text, name: a}\n";
    char text[512];

    (void)state;
    (void)snprintf(text, sizeof(text), yaml, "1 2", "record", "");
    assert_refused(text, 2, 10, "version", "Latin letters");
    (void)snprintf(text, sizeof(text), yaml, "", "record", "");
    assert_refused(text, 2, 10, "version", "Latin letters");
    (void)snprintf(text, sizeof(text), yaml, "123456789012345678901234567890123", "record", "");
    assert_refused(text, 2, 10, "version", "at most 32 bytes");
    (void)snprintf(text, sizeof(text), yaml, "1", "rows", "");
    assert_refused(text, 0, 0, "key", "\"key\" is missing");
    (void)snprintf(text, sizeof(text), yaml, "1", "record", "key: a\n");
    assert_refused(text, 6, 6, "key", "only with");
    (void)snprintf(text, sizeof(text), yaml, "1", "rows", "key: b\n");
    assert_refused(text, 6, 6, "key", "no field");
    (void)snprintf(text, sizeof(text), yaml, "1", "table", "");
    assert_refused(text, 4, 7, "mode", "");
    assert_refused("title: T\n", 0, 0, "form", "required");
    assert_refused("- a\n- b\n", 0, 0, NULL, "");
    assert_refused(HEAD "survey: []\n", HEAD_LINES + 1, 0, NULL, "at least one field");
    assert_refused(HEAD "survey:\n  - {type: note, label: n}\n", 0, 0, NULL, "at least one field");
}

static void a_wrong_term_or_audience_is_refused(void **state)
{
    static const struct refused cases[] = {
        {HEAD "retention_years: 0\nsurvey: [{type: text, name: a}]\n", HEAD_LINES + 1, 18, "retention_years", "100"},
        {HEAD "retention_years: 101\nsurvey: [{type: text, name: a}]\n", HEAD_LINES + 1, 18, "retention_years", "100"},
        {HEAD "audience: [office, all]\nsurvey: [{type: text, name: a}]\n", HEAD_LINES + 1, 20, "audience",
         "office, centre, school"},
        {HEAD "audience: [[office]]\nsurvey: [{type: text, name: a}]\n", HEAD_LINES + 1, 12, "audience",
         "office, centre, school"},
        {HEAD "audience: [region, region]\nsurvey: [{type: text, name: a}]\n", HEAD_LINES + 1, 20, "audience", "twice"},
        {HEAD "audience: []\nsurvey: [{type: text, name: a}]\n", HEAD_LINES + 1, 11, "audience", "at least one"},
        {HEAD "audience: office\nsurvey: [{type: text, name: a}]\n", HEAD_LINES + 1, 0, "audience", ""},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void a_wrong_item_is_refused(void **state)
{
    static const struct refused cases[] = {
        {SURVEY "  - {type: integr, name: a}\n", SURVEY_LINE, 12, "a", "did you mean \"integer\""},
        {SURVEY "  - {type: x, name: a}\n", SURVEY_LINE, 12, "a", "was expected"},
        {SURVEY "  - {name: a}\n", SURVEY_LINE, 0, "type", "required"},
        {SURVEY "  - {type: text}\n", SURVEY_LINE, 5, NULL, "\"name\" is missing"},
        {SURVEY "  - {type: text, name: 1a}\n", SURVEY_LINE, 0, NULL, ""},
        {SURVEY "  - {type: text x, name: a}\n", SURVEY_LINE, 12, "a", "nothing was expected after the type"},
        {SURVEY "  - {type: text, name: a, places: 2}\n", SURVEY_LINE, 0, "a", "\"places\" has no meaning"},
        {SURVEY "  - {type: decimal, name: a, places: 10}\n", SURVEY_LINE, 0, NULL, ""},
        {SURVEY "  - {type: text, name: a, value: text}\n", SURVEY_LINE, 0, "a", "\"value\" has no meaning"},
        {SURVEY "  - {type: text, name: a, survey: []}\n", SURVEY_LINE, 0, "a", "\"survey\" has no meaning"},
        {SURVEY "  - {type: calculate, name: a}\n", SURVEY_LINE, 0, "a", "\"calculation\" is missing"},
        {SURVEY "  - {type: calculate, name: a, value: text, places: 1, calculation: 1}\n", 0, 0, "a", "only with"},
        {SURVEY "  - {type: integer, name: a, calculation: 1, default: 1}\n", 0, 0, "a", "cannot have a default"},
        {SURVEY "  - {type: integer, name: a, calculation: 1, allow: [na]}\n", 0, 0, "a", "with a state"},
        {SURVEY "  - {type: text, name: a, allow: [none]}\n", SURVEY_LINE, 35, "a", "\"unknown\" or \"na\""},
        {SURVEY "  - {type: text, name: a, required: [1]}\n", SURVEY_LINE, 37, "a", "an expression was expected"},
        {SURVEY "  - {type: text, name: a, required: }\n", SURVEY_LINE, 0, "a", "an expression was expected"},
        {SURVEY "  - {type: text, name: a, relevant: {}}\n", SURVEY_LINE, 37, "a", "an expression was expected"},
        {SURVEY "  - {type: integer, name: a, default: x}\n", SURVEY_LINE, 39, "a", "does not fit"},
        {SURVEY "  - {type: integer, name: a, default: [1]}\n", SURVEY_LINE, 39, "a", "a single value"},
        {SURVEY "  - {type: text, name: a, relevent: 1}\n", SURVEY_LINE, 0, NULL, "did you mean \"relevant\""},
        {SURVEY "  - {type: text, name: a}\n  - {type: date, name: a}\n", SURVEY_LINE + 1, 24, "a", "another field"},
        {SURVEY "  - {type: group}\n", SURVEY_LINE, 5, NULL, "\"survey\" is missing"},
        {SURVEY "  - {type: group, required: true, survey: []}\n", SURVEY_LINE, 0, NULL, "\"required\" has no meaning"},
        {SURVEY "  - {type: note}\n", SURVEY_LINE, 5, NULL, "\"label\" is missing"},
        {SURVEY "  - {type: text, name: a, relevant: \". = 1\"}\n", SURVEY_LINE, 38, "a", "relevant"},
        {SURVEY "  - 5\n", SURVEY_LINE, 0, NULL, ""},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void a_wrong_repeat_is_refused(void **state)
{
    static const struct refused cases[] = {
        {SURVEY "  - {type: repeat, name: r, survey: []}\n", SURVEY_LINE, 37, "r", "at least one field"},
        {SURVEY "  - {type: repeat, name: r, survey: [{type: group, survey: []}]}\n", SURVEY_LINE, 37, "r", "at least"},
        {SURVEY "  - {type: repeat, name: r}\n", SURVEY_LINE, 5, "r", "\"survey\" is missing"},
        {SURVEY "  - {type: repeat, survey: [{type: text, name: a}]}\n", SURVEY_LINE, 5, NULL, "\"name\" is missing"},
        {SURVEY "  - type: repeat\n    name: r\n    survey:\n"
                "      - {type: repeat, name: s, survey: [{type: text, name: a}]}\n",
         SURVEY_LINE + 3, 9, "s", "inside a repeat"},
        {SURVEY "  - {type: repeat, name: r, survey: [{type: note, label: n}, {type: text, name: a}]}\n", SURVEY_LINE,
         38, NULL, "a note cannot stand inside a repeat"},
        {SURVEY "  - {type: repeat, name: r, calculation: 1, survey: [{type: text, name: a}]}\n", SURVEY_LINE, 0, "r",
         "\"calculation\" has no meaning"},
        {SURVEY "  - {type: repeat, name: r, constraint: \". > 1\", survey: [{type: text, name: a}]}\n", SURVEY_LINE,
         42, "r", "constraint"},
    };

    (void)state;
    assert_all_refused(cases, COUNT(cases));
}

static void a_wrong_list_of_choices_is_refused(void **state)
{
    static const char tail[] = "survey:\n  - {type: text, name: a}\n";
    static const struct {
        const char *choices;
        uint32_t column;
        const char *part;
    } cases[] = {
        {"  l: []\n", 6, "a list of choices was expected"},
        {"  l: {code: a}\n", 6, "a list of choices was expected"},
        {"  l: [{code: a}, {code: a}]\n", 18, "stands in this list twice"},
        {"  l: [{code: a b}]\n", 14, "cannot be a code"},
        {"  l: [{code: \"?a\"}]\n", 14, "cannot be a code"},
        {"  l: [{code: \"a;b\"}]\n", 14, "cannot be a code"},
        {"  l: [{code: \"\"}]\n", 14, ""},
        {"  l: [{label: a}]\n", 0, "required"},
        {"  l: [a, b]\n", 0, ""},
    };
    char yaml[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)snprintf(yaml, sizeof(yaml), HEAD "choices:\n%s%s", cases[i].choices, tail);
        assert_refused(yaml, HEAD_LINES + 2, cases[i].column, NULL, cases[i].part);
    }
    assert_refused(SURVEY "  - {type: select_one, name: a}\n", SURVEY_LINE, 12, "a", "the name of a list");
    assert_refused(SURVEY "  - {type: select_one l, name: a}\n", SURVEY_LINE, 12, "a", "no list of choices");
}

static void a_key_must_always_be_answered(void **state)
{
    static const char head[] = "form: f\nversion: \"1\"\ntitle: T\nmode: rows\nperiod: month\nkey: k\nsurvey:\n";
    static const char *const wrong[] = {
        "  - {type: date, name: k}\n",
        "  - {type: text, name: k, required: false}\n",
        "  - {type: text, name: k, required: \"1 = 1\"}\n",
        "  - {type: text, name: k, relevant: \"1 = 1\"}\n",
        "  - {type: text, name: k, allow: [na]}\n",
        "  - {type: text, name: k, allow: [unknown]}\n",
        "  - {type: integer, name: k, calculation: 1}\n",
        "  - {type: group, survey: [{type: text, name: k}]}\n",
        "  - {type: repeat, name: r, survey: [{type: text, name: k}]}\n",
    };
    char yaml[512];
    struct filled x;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        (void)snprintf(yaml, sizeof(yaml), "%s%s", head, wrong[i]);
        assert_refused(yaml, 6, 6, "key", "");
    }
    (void)snprintf(yaml, sizeof(yaml), "%s  - {type: date, name: a}\n  - {type: integer, name: k}\n", head);
    load_right(&x, yaml);
    assert_int_equal(x.form->key, 1);
    assert_true(x.form->fields[1].is_required); /* a key need not say so */
    finish(&x);
}

static void put_choices(struct buf *yaml, unsigned count)
{
    buf_put_str(yaml, HEAD "choices:\n  l:\n");
    for (unsigned i = 0; i < count; i++)
        buf_printf(yaml, "    - code: c%u\n", i);
}

static void the_limits_are_the_stated_ones(void **state)
{
    struct buf yaml;
    struct filled x;

    (void)state;
    buf_init(&yaml, FORM_MAX_BYTES * 2);
    put_choices(&yaml, VALUE_MAX_CHOICES_MULTIPLE + 1);
    buf_put_str(&yaml, "survey:\n  - {type: select_multiple l, name: a}\n");
    assert_refused(buf_cstr(&yaml), 0, 0, "a", "at most 64");
    buf_reset(&yaml);
    put_choices(&yaml, FORM_MAX_CHOICES + 1);
    buf_put_str(&yaml, "survey:\n  - {type: select_one l, name: a}\n");
    assert_refused(buf_cstr(&yaml), 0, 0, "l", "at most 10000");
    for (unsigned count = FORM_MAX_FIELDS; count <= FORM_MAX_FIELDS + 1; count++) {
        buf_reset(&yaml);
        buf_put_str(&yaml, SURVEY "  - type: repeat\n    name: r\n    survey:\n");
        for (unsigned i = 1; i < count; i++)
            buf_printf(&yaml, "    - {type: text, name: f%u}\n", i);
        if (count == FORM_MAX_FIELDS) {
            load(&x, buf_cstr(&yaml));
            assert_int_equal(x.e, OK);
            finish(&x);
        } else {
            assert_refused(buf_cstr(&yaml), 0, 0, "survey", "at most 1000");
        }
    }
    assert_non_null(buf_grow(&yaml, FORM_MAX_BYTES));
    load_bytes(&x, yaml.data, FORM_MAX_BYTES + 1);
    assert_int_equal(x.e, ERR_LIMIT);
    assert_int_equal(report_errors(x.r), 1);
    finish(&x);
    buf_fini(&yaml);
}

static void a_chain_of_a_thousand_calculations_is_ordered(void **state)
{
    struct buf yaml;
    struct value *values = calloc(FORM_MAX_FIELDS, sizeof(*values));
    struct filled x;

    (void)state;
    buf_init(&yaml, FORM_MAX_BYTES);
    buf_put_str(&yaml, SURVEY);
    for (unsigned i = 1; i < FORM_MAX_FIELDS; i++)
        buf_printf(&yaml, "  - {type: calculate, name: f%u, value: integer, calculation: \"${f%u} + 1\"}\n", i, i + 1);
    buf_printf(&yaml, "  - {type: integer, name: f%u}\n", FORM_MAX_FIELDS);
    load(&x, buf_cstr(&yaml));
    assert_int_equal(x.e, OK);
    values[FORM_MAX_FIELDS - 1].as.i = 1;
    assert_int_equal(form_complete(x.form, x.c, values, SOME_DAY, false), OK);
    assert_int_equal(values[0].as.i, FORM_MAX_FIELDS);
    assert_int_equal(form_check(x.form, x.c, values, FORM_MAX_FIELDS, SOME_DAY, NULL, NULL), OK);
    finish(&x);
    free(values);
    buf_fini(&yaml);
}

static void all_mistakes_are_named_in_one_pass(void **state)
{
    struct filled x;

    (void)state;
    load(&x, HEAD "choices:\n  l: []\nsurvey:\n"
                  "  - {type: text, name: a, places: 2, constraint: nosuch(1)}\n"
                  "  - {type: integr, name: b}\n"
                  "  - {type: integer, name: c, default: x}\n");
    assert_int_equal(x.e, ERR_INVALID);
    assert_int_equal(report_errors(x.r), 5);
    assert_non_null(strstr(err_text(), "5"));
    finish(&x);
}

static void without_a_report_a_mistake_is_in_the_sentence(void **state)
{
    static const char wrong[] = SURVEY "  - {type: integr, name: a}\n";
    struct form *f = NULL;

    (void)state;
    assert_int_equal(form_load(&f, NULL, wrong, strlen(wrong), NULL), ERR_INVALID);
    assert_non_null(strstr(err_text(), "integr"));
    assert_int_equal(form_load(&f, "x.yaml", "a: [", 4, NULL), ERR_MALFORMED);
    assert_null(f);
    form_free(NULL);
    form_checker_free(NULL);
}

static void an_expression_compiles_against_the_form(void **state)
{
    struct filled x;
    struct expr_schema schema;
    struct expr_symbol symbol;
    struct expr_error error;
    struct expr *e;

    (void)state;
    load_right(&x, SURVEY "  - {type: decimal, name: a, places: 3}\n"
                          "  - {type: repeat, name: r, survey: [{type: text, name: x}, {type: date, name: y}]}\n");
    schema = form_schema(x.form);
    assert_true(schema.find(schema.ctx, "y", 1, &symbol));
    assert_int_equal(symbol.repeat, 1);
    assert_int_equal(symbol.index, 1);
    assert_true(schema.find(schema.ctx, "a", 1, &symbol));
    assert_int_equal(symbol.repeat, -1);
    assert_int_equal(symbol.places, 3);
    assert_int_equal(expr_compile(&e, "count(${r}) > ${a}", 18, &schema, &error), OK);
    expr_free(e);
    assert_int_equal(expr_compile(&e, "${b}", 4, &schema, &error), ERR_INVALID);
    finish(&x);
}

static void the_forms_that_come_with_the_project_load(void **state)
{
    static const char *const files[] = {
        "tests/data/forms/school-passport.yaml",       "tests/data/forms/satisfaction-parents.yaml",
        "tests/data/packs/uci/forms/family.yaml",      "tests/data/packs/uci/forms/grades-por.yaml",
        "tests/data/packs/uci/forms/grades-mat.yaml",  "tests/data/packs/moscow/forms/ege.yaml",
        "tests/data/packs/mali/forms/conditions.yaml", "tests/data/packs/roster/forms/roster.yaml",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[512];
        void *bytes;
        size_t len;
        struct filled x;

        (void)snprintf(path, sizeof(path), "%s/%s", SVODKA_SOURCE_DIR, files[i]);
        assert_int_equal(cli_read_file(path, FORM_MAX_BYTES, &bytes, &len), OK);
        load_bytes(&x, bytes, len);
        free(bytes);
        report_print(x.r, stderr);
        assert_int_equal(x.e, OK);
        for (uint32_t f = 0; f < x.form->field_count; f++) /* complete in both languages */
            assert_string_not_equal(x.form->fields[f].label_ru, x.form->fields[f].label_en);
        finish(&x);
    }
}

static void the_example_in_the_document_loads(void **state)
{
    char *text, *from, *to;
    void *bytes;
    size_t len;
    struct filled x;

    (void)state;
    assert_int_equal(cli_read_file(SVODKA_SOURCE_DIR "/docs/forms.md", 1 << 20, &bytes, &len), OK);
    text = strndup(bytes, len);
    free(bytes);
    assert_non_null(from = strstr(text, "```yaml\n"));
    from += strlen("```yaml\n");
    assert_non_null(to = strstr(from, "```"));
    *to = '\0';
    load_right(&x, from);
    free(text);
    finish(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_has_what_its_yaml_says),
        cmocka_unit_test(a_form_needs_little),
        cmocka_unit_test(a_form_may_be_due_in_several_series),
        cmocka_unit_test(a_wrong_list_of_series_is_refused),
        cmocka_unit_test(the_digest_is_of_the_exact_bytes),
        cmocka_unit_test(every_type_of_field_is_known),
        cmocka_unit_test(groups_give_headings_and_share_their_condition),
        cmocka_unit_test(a_mistake_in_an_expression_is_named_to_the_column),
        cmocka_unit_test(a_condition_of_a_group_is_refused_once_where_it_stands),
        cmocka_unit_test(a_rule_inside_a_group_is_refused_where_it_stands),
        cmocka_unit_test(conditions_of_groups_that_grow_too_long_together_are_refused),
        cmocka_unit_test(a_cycle_is_refused_and_told_step_by_step),
        cmocka_unit_test(a_rule_may_read_what_stands_later_or_its_own_row),
        cmocka_unit_test(a_wrong_head_is_refused),
        cmocka_unit_test(a_wrong_term_or_audience_is_refused),
        cmocka_unit_test(a_wrong_item_is_refused),
        cmocka_unit_test(a_wrong_repeat_is_refused),
        cmocka_unit_test(a_wrong_list_of_choices_is_refused),
        cmocka_unit_test(a_key_must_always_be_answered),
        cmocka_unit_test(the_limits_are_the_stated_ones),
        cmocka_unit_test(a_chain_of_a_thousand_calculations_is_ordered),
        cmocka_unit_test(all_mistakes_are_named_in_one_pass),
        cmocka_unit_test(without_a_report_a_mistake_is_in_the_sentence),
        cmocka_unit_test(an_expression_compiles_against_the_form),
        cmocka_unit_test(the_forms_that_come_with_the_project_load),
        cmocka_unit_test(the_example_in_the_document_loads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
