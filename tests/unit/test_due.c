/* test_due.c: the rules of a calendar: what is due when, and what is said when they are wrong (invariant 9). */
#include "common/due.h"

#include "common/cli.h"

#include <dirent.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char form_yaml[] = "form: marks\nversion: \"1\"\ntitle: Marks\nmode: record\nrole: school\n"
                                "period: [school_quarter, school_year]\n"
                                "survey:\n  - {type: integer, name: n, label: N, required: true}\n";
static const char office_yaml[] = "form: assess\nversion: \"1\"\ntitle: Assess\nmode: record\nrole: office\n"
                                  "period: school_year\n"
                                  "survey:\n  - {type: integer, name: n, label: N, required: true}\n";

struct world {
    struct calendar *calendar;
    struct form *forms[2];
    struct report *report;
    struct due_rules *rules;
};

static void world_open(struct world *w)
{
    memset(w, 0, sizeof(*w));
    assert_int_equal(calendar_new(&w->calendar), OK);
    assert_int_equal(report_new(&w->report, 0), OK);
    assert_int_equal(form_load(&w->forms[0], "marks.yaml", form_yaml, sizeof(form_yaml) - 1, w->report), OK);
    assert_int_equal(form_load(&w->forms[1], "assess.yaml", office_yaml, sizeof(office_yaml) - 1, w->report), OK);
}

static void world_close(struct world *w)
{
    due_rules_free(w->rules);
    form_free(w->forms[0]);
    form_free(w->forms[1]);
    report_free(w->report);
    calendar_free(w->calendar);
}

static enum err read_rules(struct world *w, const char *text)
{
    struct due_scope scope = {w->calendar, w->forms, 2};

    return due_rules_read(&w->rules, "calendar.yaml", text, strlen(text), &scope, w->report);
}

static void must_read(struct world *w, const char *text)
{
    if (read_rules(w, text) != OK) {
        report_print(w->report, stderr);
        fail_msg("the rules were refused");
    }
}

static void assert_days(const struct world *w, size_t rule, size_t form, const char *period, const char *opens,
                        const char *due, const char *until)
{
    char text[11];
    struct due_days d;
    struct period p;

    assert_int_equal(calendar_find(w->calendar, NULL, period, &p), OK);
    assert_true(due_rule_days(due_rules_at(w->rules, rule), w->forms[form], &p, &d));
    date_format(text, d.opens);
    assert_string_equal(text, opens);
    date_format(text, d.due);
    assert_string_equal(text, due);
    date_format(text, d.late_until);
    assert_string_equal(text, until);
}

static bool holds(const struct world *w, size_t rule, size_t form, const char *period)
{
    struct due_days d;
    struct period p;

    assert_int_equal(calendar_find(w->calendar, NULL, period, &p), OK);
    return due_rule_days(due_rules_at(w->rules, rule), w->forms[form], &p, &d);
}

static void a_day_is_counted_from_the_beginning_or_the_end_of_the_period(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n"
                  "  - {form: marks, series: school_quarter, due: {days: 10, after: end}, "
                  "late_until: {days: 30, after: end}}\n"
                  "  - {form: marks, series: school_year, opens: {days: -5, after: start}, "
                  "due: {days: 0, after: start}}\n");
    /* Quarter 1 of 2020/21 is 1 September to 31 October.  31 October + 10 days: November has 10 of them. */
    assert_days(&w, 0, 0, "2020/21-Q1", "2020-09-01", "2020-11-10", "2020-11-30");
    /* Quarter 3 is 1 January to 31 March; 31 March + 30 = 30 April. */
    assert_days(&w, 0, 0, "2020/21-Q3", "2021-01-01", "2021-04-10", "2021-04-30");
    /* 1 September - 5: August has 31 days: 27 August.  No late_until: the due day itself. */
    assert_days(&w, 1, 0, "2020/21", "2020-08-27", "2020-09-01", "2020-09-01");
    assert_false(holds(&w, 0, 0, "2020/21"));
    assert_false(holds(&w, 1, 0, "2020/21-Q1"));
    world_close(&w);
}

static void a_day_of_the_year_is_the_next_one_after_the_periods_beginning(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n"
                  "  - {form: marks, series: school_year, due: {on: \"10-01\"}}\n"
                  "  - {form: marks, series: school_year, due: {on: \"05-20\"}}\n"
                  "  - {form: marks, series: school_year, due: {on: \"09-01\"}}\n"
                  "  - {form: marks, series: school_quarter, due: {on: \"03-01\"}}\n"
                  "  - {form: marks, series: school_year, due: {on: \"08-31\"}, late_until: {on: \"09-30\"}}\n");
    assert_days(&w, 0, 0, "2020/21", "2020-09-01", "2020-10-01", "2020-10-01");
    assert_days(&w, 1, 0, "2020/21", "2020-09-01", "2021-05-20", "2021-05-20");
    assert_days(&w, 2, 0, "2020/21", "2020-09-01", "2020-09-01", "2020-09-01"); /* the first day itself */
    /* After the quarter (1 September to 31 October), not the March before it. */
    assert_days(&w, 3, 0, "2020/21-Q1", "2020-09-01", "2021-03-01", "2021-03-01");
    assert_days(&w, 4, 0, "2020/21", "2020-09-01", "2021-08-31", "2021-09-30"); /* the September after the due day */
    world_close(&w);
}

static void a_rule_without_a_series_is_about_each_of_the_forms(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n  - {form: marks, due: {days: 1, after: end}}\n");
    assert_true(holds(&w, 0, 0, "2020/21"));
    assert_true(holds(&w, 0, 0, "2020/21-Q4"));
    assert_false(holds(&w, 0, 0, "2020-09"));
    assert_false(holds(&w, 0, 1, "2020/21")); /* another form */
    world_close(&w);
}

static void a_rule_holds_for_periods_that_end_within_its_time(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n  - {form: marks, series: school_year, from: 2021-08-31, to: 2022-08-30, "
                  "due: {days: 1, after: end}}\n");
    assert_false(holds(&w, 0, 0, "2019/20"));
    assert_true(holds(&w, 0, 0, "2020/21"));  /* ends on 31 August 2021 */
    assert_false(holds(&w, 0, 0, "2021/22")); /* ends on 31 August 2022 */
    world_close(&w);
}

static void a_date_is_for_the_periods_that_are_named(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n  - {form: marks, periods: [2019/20], opens: 2020-09-15, due: 2020-10-30}\n");
    assert_days(&w, 0, 0, "2019/20", "2020-09-15", "2020-10-30", "2020-10-30");
    assert_false(holds(&w, 0, 0, "2020/21"));
    due_rules_free(w.rules);
    w.rules = NULL;
    assert_int_equal(read_rules(&w, "calendar:\n  - {form: marks, due: 2020-10-30}\n"), ERR_INVALID);
    assert_string_equal(report_at(w.report, 0)->field, "due");
    world_close(&w);
}

static void who_owes_a_return_follows_from_the_form(void **state)
{
    struct world w;
    const struct due_rule *r;

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n"
                  "  - {form: marks, due: {days: 1, after: end}, units: {kinds: [secondary, basic]}, group: results}\n"
                  "  - {form: assess, due: {days: 1, after: end}}\n"
                  "  - {form: assess, due: {days: 1, after: end}, units: all, proposal: true, source: \"2.5\","
                  " note: {ru: Заметка, en: Note}}\n");
    r = due_rules_at(w.rules, 0);
    assert_string_equal(due_rule_role(r, w.forms[0]), "school");
    assert_int_equal(due_rule_about(r, w.forms[0]), DUE_ABOUT_UNITS);
    assert_int_equal(r->kind_count, 2);
    assert_string_equal(r->kinds[1], "basic");
    assert_string_equal(r->group, "results");
    r = due_rules_at(w.rules, 1);
    assert_string_equal(due_rule_role(r, w.forms[1]), "office");
    assert_int_equal(due_rule_about(r, w.forms[1]), DUE_ABOUT_DISTRICT);
    assert_string_equal(r->group, "assess");
    r = due_rules_at(w.rules, 2);
    assert_int_equal(due_rule_about(r, w.forms[1]), DUE_ABOUT_UNITS);
    assert_true(r->is_proposal);
    assert_string_equal(r->note_ru, "Заметка");
    world_close(&w);
}

struct found {
    char text[512];
};

static enum err note_period(void *ctx, const struct period *p, const struct due_days *d)
{
    struct found *f = ctx;
    size_t at = strlen(f->text);

    (void)d;
    (void)snprintf(f->text + at, sizeof(f->text) - at, "%s ", p->id);
    return OK;
}

static void what_is_open_on_a_day_is_found_by_its_rule(void **state)
{
    struct world w;
    struct found f = {""};
    int32_t day = date_from_civil(2020, 11, 5);

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n"
                  "  - {form: marks, due: {days: 10, after: end}}\n"
                  "  - {form: marks, periods: [2009/10], due: 2020-11-05}\n");
    /* 5 November 2020: quarter 1 until 10 November, quarter 2 began on 1 November; the year 2020/21. */
    assert_int_equal(due_rule_each(due_rules_at(w.rules, 0), w.forms[0], w.calendar, day, day, note_period, &f), OK);
    assert_string_equal(f.text, "2020/21-Q1 2020/21-Q2 2020/21 ");
    f.text[0] = '\0';
    assert_int_equal(due_rule_each(due_rules_at(w.rules, 0), w.forms[0], w.calendar, day + 6, day + 6, note_period, &f),
                     OK);
    assert_string_equal(f.text, "2020/21-Q2 2020/21 ");
    f.text[0] = '\0'; /* ten years later, but by name */
    assert_int_equal(due_rule_each(due_rules_at(w.rules, 1), w.forms[0], w.calendar, day, day, note_period, &f), OK);
    assert_string_equal(f.text, "2009/10 ");
    world_close(&w);
}

static void everything_wrong_is_told_with_its_place(void **state)
{
    static const char text[] = "calendar:\n"
                               "  - {form: mark, due: {days: 1, after: end}}\n"
                               "  - {form: marks, due: {days: 1}}\n"
                               "  - {form: marks, due: {on: \"02-29\"}}\n"
                               "  - {form: marks, series: month, due: {days: 1, after: end}}\n"
                               "  - {form: marks, series: school_year, opens: {days: 5, after: end}, "
                               "due: {days: 1, after: end}}\n"
                               "  - {form: marks, due: {days: 1, after: end}, units: everybody}\n"
                               "  - {form: marks, due: {days: 1, after: end}, until: 3}\n"
                               "  - {form: marks, due: {days: 1, after: end}, periods: [2020-13]}\n"
                               "  - {form: marks, due: {days: 5000, after: end}}\n"
                               "  - {form: marks, due: soon}\n"
                               "  - {form: marks, from: 2021-01-01, to: 2020-01-01, due: {days: 1, after: end}}\n"
                               "  - {form: marks, due: {days: 9, after: end}, late_until: {days: 8, after: end}}\n";
    static const uint32_t places[][2] = {{2, 12}, {3, 24}, {4, 29},  {5, 27},  {6, 75},  {7, 54},
                                         {8, 47}, {9, 57}, {10, 31}, {11, 24}, {12, 41}, {13, 59}};
    struct world w;

    (void)state;
    world_open(&w);
    assert_int_equal(read_rules(&w, text), ERR_INVALID);
    for (size_t i = 0; i < report_kept(w.report); i++) {
        const struct finding *f = report_at(w.report, i);

        if (i >= sizeof(places) / sizeof(places[0]) || f->line != places[i][0] || f->column != places[i][1])
            fail_msg("finding %zu at %u:%u: %s: %s", i, f->line, f->column, f->field, f->text);
        assert_string_equal(f->file, "calendar.yaml");
    }
    assert_int_equal(report_errors(w.report), sizeof(places) / sizeof(places[0]));
    assert_non_null(strstr(report_at(w.report, 0)->text, "marks"));   /* did you mean */
    assert_non_null(strstr(report_at(w.report, 4)->text, "2000/01")); /* the first period that shows it */
    world_close(&w);
}

static void a_rule_that_is_never_used_is_worth_a_word(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    must_read(&w, "calendar:\n"
                  "  - {form: marks, due: {days: 10, after: end}}\n"
                  "  - {form: marks, series: school_year, due: {days: 20, after: end}}\n"
                  "  - {form: assess, units: {kinds: [basic]}, due: {days: 1, after: end}}\n"
                  "  - {form: assess, units: all, due: {days: 1, after: end}}\n");
    assert_int_equal(report_warnings(w.report), 1);
    assert_int_equal(report_at(w.report, 0)->line, 3);
    assert_int_equal(due_rules_count(w.rules), 4);
    world_close(&w);
}

static void a_school_reads_rules_of_forms_it_has_not_got_yet(void **state)
{
    static const char text[] = "calendar:\n  - {form: later, due: {days: 1, after: end}}\n";
    struct world w;
    struct due_scope scope;

    (void)state;
    world_open(&w);
    scope = (struct due_scope){w.calendar, NULL, 0};
    assert_int_equal(due_rules_read(&w.rules, "calendar.yaml", text, sizeof(text) - 1, &scope, NULL), OK);
    assert_int_equal(due_rules_count(w.rules), 1);
    assert_int_equal(due_rules_count(NULL), 0);
    world_close(&w);
}

static void the_next_period_of_a_series_is_found_across_gaps(void **state)
{
    struct world w;
    struct period p;

    (void)state;
    world_open(&w);
    assert_int_equal(calendar_next(w.calendar, "school_quarter", date_from_civil(2021, 6, 15), &p), OK);
    assert_string_equal(p.id, "2021/22-Q1"); /* summer belongs to no quarter */
    assert_int_equal(calendar_next(w.calendar, "month", date_from_civil(2020, 9, 1), &p), OK);
    assert_string_equal(p.id, "2020-09");
    assert_int_equal(calendar_next(w.calendar, "school_year", date_from_civil(1970, 1, 1), &p), OK);
    assert_string_equal(p.id, "1990/91");
    assert_int_equal(calendar_next(w.calendar, "calendar_year", date_from_civil(2099, 1, 2), &p), ERR_NOT_FOUND);
    assert_int_equal(calendar_next(w.calendar, "nothing", 0, &p), ERR_NOT_FOUND);
    world_close(&w);
}

/* ---- the programmes that come with the program ---- */

#define CONFIGS SVODKA_SOURCE_DIR "/configs/"
#define MOST    64u

struct shipped {
    struct calendar *calendar;
    struct form *forms[MOST];
    size_t form_count;
    struct report *report;
};

static void read_file(const char *path, void **bytes, size_t *len)
{
    enum err e = cli_read_file(path, 1u << 20, bytes, len);

    if (e != OK)
        fail_msg("%s: %s", path, err_text());
}

static void add_periods(struct shipped *s, const char *path)
{
    struct yaml_doc *d = NULL;
    void *bytes;
    size_t len;

    if (access(path, R_OK) != 0)
        return;
    read_file(path, &bytes, &len);
    assert_int_equal(yaml_parse(&d, path, bytes, len, s->report), OK);
    assert_true(calendar_read(s->calendar, d, yaml_get(yaml_root(d), "periods"), s->report));
    yaml_free(d);
    free(bytes);
}

static void add_forms(struct shipped *s)
{
    DIR *dir = opendir(CONFIGS "forms");
    char path[512];
    void *bytes;
    size_t len;

    assert_non_null(dir);
    for (struct dirent *f; (f = readdir(dir)) != NULL;) {
        if (strstr(f->d_name, ".yaml") == NULL)
            continue;
        assert_true(s->form_count < MOST);
        (void)snprintf(path, sizeof(path), CONFIGS "forms/%.100s", f->d_name);
        read_file(path, &bytes, &len);
        assert_int_equal(form_load(&s->forms[s->form_count++], path, bytes, len, s->report), OK);
        free(bytes);
    }
    (void)closedir(dir);
}

static void the_calendars_of_the_five_programmes_are_read(void **state)
{
    static const char *const programmes[] = {"abinsky", "klin", "korolyov", "veshkaima", "zhigalovo"};
    struct shipped s = {.form_count = 0};
    struct due_scope scope;
    char path[512];

    (void)state;
    assert_int_equal(report_new(&s.report, 0), OK);
    assert_int_equal(calendar_new(&s.calendar), OK);
    add_forms(&s);
    add_periods(&s, CONFIGS "periods.yaml");
    for (size_t i = 0; i < sizeof(programmes) / sizeof(programmes[0]); i++) {
        struct due_rules *rules = NULL;
        void *bytes;
        size_t len;
        enum err e;

        (void)snprintf(path, sizeof(path), CONFIGS "programmes/%s/periods.yaml", programmes[i]);
        add_periods(&s, path);
        (void)snprintf(path, sizeof(path), CONFIGS "programmes/%s/calendar.yaml", programmes[i]);
        read_file(path, &bytes, &len);
        scope = (struct due_scope){s.calendar, s.forms, s.form_count};
        e = due_rules_read(&rules, path, bytes, len, &scope, s.report);
        report_print(s.report, stderr);
        assert_int_equal(e, OK);
        assert_true(due_rules_count(rules) >= 15);
        due_rules_free(rules);
        free(bytes);
    }
    assert_int_equal(report_warnings(s.report), 0);
    for (size_t i = 0; i < s.form_count; i++)
        form_free(s.forms[i]);
    calendar_free(s.calendar);
    report_free(s.report);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_is_counted_from_the_beginning_or_the_end_of_the_period),
        cmocka_unit_test(a_day_of_the_year_is_the_next_one_after_the_periods_beginning),
        cmocka_unit_test(a_rule_without_a_series_is_about_each_of_the_forms),
        cmocka_unit_test(a_rule_holds_for_periods_that_end_within_its_time),
        cmocka_unit_test(a_date_is_for_the_periods_that_are_named),
        cmocka_unit_test(who_owes_a_return_follows_from_the_form),
        cmocka_unit_test(what_is_open_on_a_day_is_found_by_its_rule),
        cmocka_unit_test(everything_wrong_is_told_with_its_place),
        cmocka_unit_test(a_rule_that_is_never_used_is_worth_a_word),
        cmocka_unit_test(a_school_reads_rules_of_forms_it_has_not_got_yet),
        cmocka_unit_test(the_calendars_of_the_five_programmes_are_read),
        cmocka_unit_test(the_next_period_of_a_series_is_found_across_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
