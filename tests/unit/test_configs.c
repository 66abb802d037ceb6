/* test_configs.c: the forms that districts share (configs/forms): each is complete in both languages, says how long and
 * for whom its submissions are kept, takes a right return and names the rule that a wrong one breaks (invariant 9). */
#include "form_fixture.h"

#include "configs_cases.h"

#include "common/cli.h"
#include "common/period.h"

#include <glob.h>

#define FORMS_FOLDER SVODKA_SOURCE_DIR "/configs/forms/"

static void load_path(struct filled *x, const char *path)
{
    void *bytes;
    size_t len;

    assert_int_equal(cli_read_file(path, FORM_MAX_BYTES, &bytes, &len), OK);
    load_bytes(x, bytes, len);
    free(bytes);
    if (x->e != OK) {
        report_print(x->r, stderr);
        fail_msg("%s was refused", path);
    }
    assert_true(x->form->field_count <= MAX_VALUES);
}

static void load_form(struct filled *x, const char *id)
{
    char path[512];

    (void)snprintf(path, sizeof(path), FORMS_FOLDER "%s.yaml", id);
    load_path(x, path);
}

/* Runs `each` for every form of the folder. */
static void for_each_form(void (*each)(const struct form *f, void *ctx), void *ctx)
{
    glob_t found;

    assert_int_equal(glob(FORMS_FOLDER "*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *base = found.gl_pathv[i] + strlen(FORMS_FOLDER);
        struct filled x;

        load_path(&x, found.gl_pathv[i]);
        assert_int_equal(strncmp(base, x.form->id, strlen(x.form->id)), 0); /* file name = form id */
        assert_string_equal(base + strlen(x.form->id), ".yaml");
        each(x.form, ctx);
        finish(&x);
    }
    globfree(&found);
}

/* A text that is missing in one language is taken from the other: then both are the same. */
static void both_languages(const struct form *f, const char *what, const char *ru, const char *en)
{
    if (ru == NULL || en == NULL || strcmp(ru, en) == 0)
        fail_msg("%s: %s is not in both languages (%s)", f->id, what, ru != NULL ? ru : "none");
}

static void field_is_complete(const struct form *f, const struct form_field *field)
{
    both_languages(f, field->name, field->label_ru, field->label_en);
    if (field->hint_ru != NULL)
        both_languages(f, field->name, field->hint_ru, field->hint_en);
    if (field->constraint != NULL)
        both_languages(f, field->name, field->constraint_message_ru, field->constraint_message_en);
    if (field->warning != NULL)
        both_languages(f, field->name, field->warning_message_ru, field->warning_message_en);
    for (uint32_t i = 0; field->choices != NULL && i < field->choices->count; i++)
        both_languages(f, field->choices->items[i].code, field->choices->items[i].label_ru,
                       field->choices->items[i].label_en);
    for (uint32_t i = 0; i < field->column_count; i++)
        field_is_complete(f, &field->columns[i]);
}

static void form_is_complete(const struct form *f, void *ctx)
{
    (void)ctx;
    both_languages(f, "title", f->title_ru, f->title_en);
    both_languages(f, "purpose", f->purpose_ru, f->purpose_en);
    both_languages(f, "basis", f->basis_ru, f->basis_en);
    for (uint32_t i = 0; i < f->field_count; i++)
        field_is_complete(f, &f->fields[i]);
    for (uint32_t i = 0; i < f->note_count; i++)
        both_languages(f, "note", f->notes[i].text_ru, f->notes[i].text_en);
}

static void every_form_is_complete_in_both_languages(void **state)
{
    (void)state;
    for_each_form(form_is_complete, NULL);
}

#define CLASSES 32u
struct classes {
    char name[CLASSES][65];
    uint32_t years[CLASSES];
    uint32_t count;
};

/* The key that is destroyed at the end belongs to a class and year: one class has one term. */
static void class_has_one_term(const struct form *f, void *ctx)
{
    struct classes *c = ctx;
    uint32_t i = 0;

    assert_string_not_equal(f->retention, "default");
    assert_true(f->retention_years >= 1 && f->audience != 0);
    while (i < c->count && strcmp(c->name[i], f->retention) != 0)
        i++;
    if (i == c->count) {
        assert_true(c->count < CLASSES);
        (void)snprintf(c->name[i], sizeof(c->name[i]), "%s", f->retention);
        c->years[c->count++] = f->retention_years;
    }
    if (c->years[i] != f->retention_years)
        fail_msg("%s: class %s has %u years elsewhere", f->id, f->retention, c->years[i]);
}

static void every_form_says_how_long_it_is_kept_and_who_may_see_it(void **state)
{
    struct classes c = {.count = 0};

    (void)state;
    for_each_form(class_has_one_term, &c);
    assert_true(c.count <= 16); /* a batch has room for that many classes */
}

static void restricted_forms_are_for_who_holds_them_alone(void **state)
{
    static const struct {
        const char *form;
        uint32_t audience;
    } cases[] = {
        {"reg", FORM_FOR_SCHOOL}, {"diag", FORM_FOR_CENTRE}, {"staff", FORM_FOR_SCHOOL},
        {"pd", FORM_FOR_SCHOOL},  {"def", FORM_FOR_SCHOOL},  {"survey-bos", FORM_FOR_OFFICE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct filled x;

        load_form(&x, cases[i].form);
        assert_int_equal(x.form->audience, cases[i].audience);
        finish(&x);
    }
}

static void belongs_to_who_submits_it(const struct form *f, void *ctx)
{
    static const char *const district[] = {"ref", "roster", "docs-district", "event-district"};
    bool is_about_district = false;

    for (size_t i = 0; i < COUNT(district); i++)
        is_about_district = is_about_district || strcmp(f->id, district[i]) == 0;
    assert_int_equal(f->is_about_district, is_about_district);
    if (is_about_district)
        assert_string_equal(f->role, "office");
    if (f->mode == FORM_ANSWERS)
        assert_string_equal(f->role, "school");
    ++*(size_t *)ctx;
}

static void what_is_about_the_district_comes_from_its_office(void **state)
{
    size_t forms = 0;

    (void)state;
    for_each_form(belongs_to_who_submits_it, &forms);
    assert_int_equal(forms, COUNT(configs_cases));
}

/* Nothing can be written into an anonymous sheet by which somebody could be known. */
static void sheet_is_anonymous(const struct form *f, void *ctx)
{
    (void)ctx;
    for (uint32_t i = 0; f->mode == FORM_ANSWERS && i < f->field_count; i++)
        assert_true(f->fields[i].type == VALUE_INTEGER || f->fields[i].type == VALUE_SELECT_ONE ||
                    f->fields[i].type == VALUE_SELECT_MULTIPLE);
}

static void questionnaires_take_no_free_text_and_no_date(void **state)
{
    (void)state;
    for_each_form(sheet_is_anonymous, NULL);
}

static void read_calendar(struct calendar **c)
{
    void *bytes;
    size_t len;
    struct yaml_doc *d;
    struct report *r;

    assert_int_equal(cli_read_file(SVODKA_SOURCE_DIR "/configs/periods.yaml", FORM_MAX_BYTES, &bytes, &len), OK);
    assert_int_equal(report_new(&r, 0), OK);
    assert_int_equal(calendar_new(c), OK);
    assert_int_equal(yaml_parse(&d, "periods.yaml", bytes, len, r), OK);
    if (!calendar_read(*c, d, yaml_get(yaml_root(d), "periods"), r)) {
        report_print(r, stderr);
        fail_msg("the calendar was refused");
    }
    yaml_free(d);
    report_free(r);
    free(bytes);
}

static void series_exist(const struct form *f, void *ctx)
{
    for (uint32_t i = 0; i < f->series_count; i++)
        if (!calendar_has_series(ctx, f->all_series[i]))
            fail_msg("%s: no series %s", f->id, f->all_series[i]);
}

static void every_form_is_due_in_series_that_exist(void **state)
{
    struct calendar *c;

    (void)state;
    read_calendar(&c);
    for_each_form(series_exist, c);
    calendar_free(c);
}

static void the_calendar_has_the_dates_that_were_agreed(void **state)
{
    struct calendar *c;
    struct period p;

    (void)state;
    read_calendar(&c);
    assert_int_equal(calendar_find(c, "soc_date", "на 1 октября 2020 г.", &p), OK);
    assert_string_equal(p.id, "soc-2020-10-01");
    assert_int_equal(p.first, date_from_civil(2020, 10, 1));
    assert_int_equal(p.last, p.first);
    assert_int_equal(calendar_step(c, &p, 1, &p), OK);
    assert_string_equal(p.id, "soc-2021-05-01");
    assert_int_equal(calendar_on(c, "reg_date", date_from_civil(2021, 5, 1), &p), OK);
    assert_string_equal(p.id, "reg-2021-05-01");
    assert_int_equal(calendar_step(c, &p, -1, &p), OK);
    assert_string_equal(p.label_en, "1 January 2021");
    assert_int_equal(calendar_find(c, "school_trimester", "1 триместр 2020/21", &p), OK);
    assert_string_equal(p.id, "2020/21-T1");
    assert_int_equal(calendar_on(c, "school_trimester", date_from_civil(2024, 2, 29), &p), OK); /* leap year */
    assert_string_equal(p.id, "2023/24-T2");
    assert_int_equal(calendar_find(c, "school_trimester", "2017/18-T1", &p), OK);
    assert_int_equal(calendar_find(c, "school_trimester", "2027/28-T3", &p), OK);
    assert_int_equal(p.last, date_from_civil(2028, 5, 31));
    calendar_free(c);
}

static void form_has_a_case(const struct form *f, void *ctx)
{
    size_t *count = ctx;

    for (size_t i = 0; i < COUNT(configs_cases); i++)
        if (strcmp(configs_cases[i].form, f->id) == 0) {
            ++*count;
            return;
        }
    fail_msg("no return is tried for the form %s", f->id);
}

static void a_right_return_of_every_form_is_accepted(void **state)
{
    size_t tried = 0;

    (void)state;
    for_each_form(form_has_a_case, &tried);
    assert_int_equal(tried, COUNT(configs_cases));
    for (size_t i = 0; i < COUNT(configs_cases); i++) {
        struct filled x;

        load_form(&x, configs_cases[i].form);
        if (fill(&x, configs_cases[i].right) != OK || check(&x) != OK || report_warnings(x.r) > 0) {
            report_print(x.r, stderr);
            fail_msg("%s: a right return was refused or doubted: %s", configs_cases[i].form, err_text());
        }
        finish(&x);
    }
}

/* The right return with one change. */
static void change(char out[4096], const char *right, const struct configs_break *b)
{
    const char *at = strstr(right, b->from);

    if (at == NULL)
        fail_msg("\"%s\" is not in %s", b->from, right);
    (void)snprintf(out, 4096, "%.*s%s%s", (int)(at - right), right, b->to, at + strlen(b->from));
}

static bool names_field(const struct report *r, const char *field)
{
    for (size_t i = 0; i < report_kept(r); i++) {
        const char *f = report_at(r, i)->field;
        const char *column = f != NULL ? strchr(f, '.') : NULL; /* rows[1].grade */

        if (f != NULL && strcmp(column != NULL ? column + 1 : f, field) == 0)
            return true;
    }
    return false;
}

static void try_break(const struct configs_case *c, const struct configs_break *b)
{
    struct filled x;
    char json[4096];

    change(json, c->right, b);
    load_form(&x, c->form);
    if (fill(&x, json) == OK && check(&x) == OK)
        fail_msg("%s: accepted, but %s is wrong: %s", c->form, b->field, json);
    if (!names_field(x.r, b->field)) {
        report_print(x.r, stderr);
        fail_msg("%s: %s is not named for %s (%s)", c->form, b->field, b->to, err_text());
    }
    finish(&x);
}

static void a_return_that_breaks_a_rule_is_refused_by_the_name_of_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(configs_cases); i++) {
        const struct configs_case *c = &configs_cases[i];

        assert_non_null(c->breaks[0].from);
        for (size_t k = 0; k < CASE_BREAKS && c->breaks[k].from != NULL; k++)
            try_break(c, &c->breaks[k]);
    }
}

static const struct configs_case *case_of(const char *form)
{
    for (size_t i = 0; i < COUNT(configs_cases); i++)
        if (strcmp(configs_cases[i].form, form) == 0)
            return &configs_cases[i];
    fail_msg("no case %s", form);
    return NULL;
}

static void fill_case(struct filled *x, const char *form)
{
    load_form(x, form);
    assert_int_equal(fill(x, case_of(form)->right), OK);
    assert_int_equal(check(x), OK);
}

static void assert_number(struct filled *x, const char *name, int64_t expected)
{
    const struct value *v = value_of(x, name);

    assert_int_equal(v->state, VALUE_PRESENT);
    assert_int_equal(v->as.i, expected);
}

/* A select's value is the number of its choice. */
static void assert_code(struct filled *x, const char *name, const char *code)
{
    int32_t i = form_find_field(x->form, name, strlen(name));

    assert_true(i >= 0 && x->values[i].state == VALUE_PRESENT);
    assert_string_equal(x->form->fields[i].choices->items[x->values[i].as.i].code, code);
}

static void a_passport_adds_up_its_stages(void **state)
{
    struct filled x;

    (void)state;
    fill_case(&x, "pass");
    assert_number(&x, "classes_total", 3); /* 1 + 0 + 1 + 1 */
    assert_number(&x, "pupils_1_4", 11);   /* 6 + 5 */
    assert_number(&x, "pupils_5_9", 23);   /* 10 + 13 */
    assert_number(&x, "pupils_10_11", 0);
    assert_number(&x, "pupils_8_11", 13); /* grade 9 alone */
    finish(&x);
}

static void a_surplus_does_not_make_up_for_what_is_missing(void **state)
{
    struct filled x;
    char json[4096];
    const struct configs_break more = {"\"have\": 24", "\"have\": 40", NULL};

    (void)state;
    fill_case(&x, "res");
    assert_number(&x, "needed_total", 32); /* 30 + 1 + 1 */
    assert_number(&x, "have_total", 25);   /* 24 + 0 + 1 */
    change(json, case_of("res")->right, &more);
    assert_int_equal(fill(&x, json), OK);
    assert_int_equal(check(&x), OK);
    assert_int_equal(report_warnings(x.r), 1);
    assert_number(&x, "have_total", 31); /* 30 + 0 + 1, not 41 */
    finish(&x);
}

static void the_parts_of_a_key_become_fields(void **state)
{
    struct filled x;

    (void)state;
    fill_case(&x, "def");
    assert_memory_equal(value_of(&x, "teacher")->as.text.p, "T01", 3);
    assert_int_equal(value_of(&x, "teacher")->as.text.len, 3);
    assert_number(&x, "round", 2);
    assert_code(&x, "area", "lesson");
    finish(&x);
    fill_case(&x, "ref");
    assert_code(&x, "series", "mean");
    assert_code(&x, "level", "region");
    assert_code(&x, "exam", "oge");
    assert_code(&x, "subject", "math");
    assert_int_equal(value_of(&x, "grade")->state, VALUE_MISSING);
    assert_int_equal(fill(&x, "{\"row\": \"below_min-country-vpr-soc_st-11\", \"value\": 7, \"source\": \"x\","
                              " \"date\": \"2020-08-20\"}"),
                     OK);
    assert_int_equal(check(&x), OK);
    assert_code(&x, "series", "below_min");
    assert_code(&x, "exam", "vpr");
    assert_code(&x, "subject", "soc_st");
    assert_number(&x, "grade", 11);
    finish(&x);
    fill_case(&x, "prac");
    assert_number(&x, "used_by_count", 2); /* s2 and s5 */
    finish(&x);
}

/* 3 groups x 10 grades x 12 subjects would be 360 rows; the codes of the rows must fit the limit of a text. */
static void marks_of_a_whole_school_fit(void **state)
{
    static const char *const subjects[] = {"all", "rus",  "math",   "lit", "phys", "chem",
                                           "bio", "hist", "soc_st", "geo", "eng",  "inf"};
    static char json[FORM_JSON_MAX_BYTES];
    struct filled x;
    size_t len = 0;

    (void)state;
    len += (size_t)snprintf(json, sizeof(json), "{\"rows\": [");
    for (int grade = 2; grade <= 11; grade++)
        for (size_t s = 0; s < COUNT(subjects); s++)
            for (int g = 0; g < 3; g++)
                len += (size_t)snprintf(json + len, sizeof(json) - len,
                                        "%s{\"grade\": %d, \"group\": \"%s\", \"subject\": \"%s\", \"assessed\": 20,"
                                        " \"only_4_5\": 8, \"failing\": 1}",
                                        json[len - 1] == '[' ? "" : ", ", grade,
                                        g == 0   ? "all"
                                        : g == 1 ? "nonnative"
                                                 : "large_or_low",
                                        subjects[s]);
    (void)snprintf(json + len, sizeof(json) - len, "]}");
    load_form(&x, "marks");
    assert_int_equal(fill(&x, json), OK);
    if (check(&x) != OK) {
        report_print(x.r, stderr);
        fail_msg("refused");
    }
    finish(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_complete_in_both_languages),
        cmocka_unit_test(every_form_says_how_long_it_is_kept_and_who_may_see_it),
        cmocka_unit_test(restricted_forms_are_for_who_holds_them_alone),
        cmocka_unit_test(what_is_about_the_district_comes_from_its_office),
        cmocka_unit_test(questionnaires_take_no_free_text_and_no_date),
        cmocka_unit_test(every_form_is_due_in_series_that_exist),
        cmocka_unit_test(the_calendar_has_the_dates_that_were_agreed),
        cmocka_unit_test(a_right_return_of_every_form_is_accepted),
        cmocka_unit_test(a_return_that_breaks_a_rule_is_refused_by_the_name_of_its_field),
        cmocka_unit_test(a_passport_adds_up_its_stages),
        cmocka_unit_test(a_surplus_does_not_make_up_for_what_is_missing),
        cmocka_unit_test(the_parts_of_a_key_become_fields),
        cmocka_unit_test(marks_of_a_whole_school_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
