/* test_import_preview.c: what a table changes is said before anything is queued, and what was agreed to is what is
 * queued (invariant 4). */
#include "agent_fixture.h"

#include "agent/import.h"
#include "agent/import_internal.h"

#define SAID_MAX 8192u

struct look {
    struct import_options o;
    char said[SAID_MAX]; /* the preview */
    char line[SAID_MAX]; /* the same in one line */
    struct import_result res;
    enum err e;
};

static void keep_said(void *ctx, const struct import_preview *p)
{
    struct look *l = ctx;
    FILE *to = fmemopen(l->said, sizeof(l->said), "w");

    assert_non_null(to);
    import_preview_print(p, l->o.replace, to);
    (void)fclose(to);
    assert_non_null(to = fmemopen(l->line, sizeof(l->line), "w"));
    import_preview_summary(p, l->o.replace, to);
    (void)fclose(to);
}

static void assert_says(const char *said, const char *text)
{
    if (strstr(said, text) == NULL)
        fail_msg("not said: %s\nbut: %s", text, said);
}

/* Takes a table of `form` with the options of `l`. */
static void take(struct school *s, struct look *l, const char *form, const char *period, const char *csv)
{
    struct capture_options co = {.form = agent_form(s->a, form), .period = period, .source = SOURCE_IMPORT};
    struct csv_options csv_options = {.delimiter = ';'};
    struct csv_source *source = NULL;
    struct capture *c = NULL;
    struct report *r = NULL;
    char path[256];

    l->said[0] = l->line[0] = '\0';
    l->o.say_preview = keep_said;
    l->o.say_ctx = l;
    co.many_units = l->o.unit_heading != NULL;
    school_path(path, s, "in.csv");
    assert_int_equal(cli_write_file(path, csv, strlen(csv), 0600, true), OK);
    assert_int_equal(report_new(&r, 10), OK);
    assert_int_equal(capture_open(&c, s->a, &co), OK);
    assert_int_equal(csv_source_open(&source, path, &csv_options), OK);
    l->e = import_run(s->a, c, csv_source_rows(source), &l->o, r, &l->res);
    csv_source_close(source);
    capture_close(c);
    report_free(r);
}

static void grades(struct school *s, struct look *l, const char *csv)
{
    take(s, l, "grades-por", "P1", csv);
}

#define THREE "pupil;grade;absences\na;10;0\nb;?na;\nc;12;3\n"

static void a_preview_queues_nothing(void **state)
{
    struct school *s = *state;
    struct look l = {.o = {.preview_only = true}};

    grades(s, &l, THREE);
    assert_int_equal(l.e, OK);
    assert_int_equal(l.res.queued, 3);
    assert_int_equal(waiting(s), 0);
    assert_says(l.said, "\nNew rows: 3\n  a\n  b\n  c\nChanged rows: 0\nNo longer in the table: 0\nAs they "
                        "were: 0\nRows in the table: 3, was: 0\n");
    assert_string_equal(l.line, ""); /* nothing stood before */
}

static void rows_are_new_changed_as_they_were_or_gone(void **state)
{
    struct school *s = *state;
    struct look l = {.o = {.preview_only = false}};

    grades(s, &l, THREE);
    l.o.preview_only = true;
    grades(s, &l, "pupil;grade;absences\nc;12;4\na;10;0\nd;1;0\n");
    assert_says(l.said, "\nNew rows: 1\n  d\nChanged rows: 1\n  c: Absences: 3 → 4\nNo longer in the table: "
                        "1 (ended? They stay as they are; --replace retracts them)\n  b?\nAs they were: 1\n"
                        "Rows in the table: 3, was: 3\n");
    assert_string_equal(l.line, "Rows in the table: 3, was: 3; new: 1, changed: 1, as they were: 1, no longer in the "
                                "table: 1 (ended? They stay as they are; --replace retracts them)\n");
    l.o.replace = true;
    grades(s, &l, "pupil;grade;absences\na;?na;\n");
    assert_says(l.said, "\n  a: Grade: 10 → does not apply; Absences: 0 → —; Passed: yes → —\n");
    assert_says(l.said, "No longer in the table: 2 (ended? They will be retracted)\n  b?\n  c?\n");
    assert_int_equal(waiting(s), 3);
}

static void what_was_corrected_or_retracted_is_what_it_is_compared_with(void **state)
{
    struct school *s = *state;
    struct look l = {.o = {.preview_only = false}};

    grades(s, &l, THREE);
    l.o.replace = true;
    grades(s, &l, "pupil;grade;absences\na;11;0\nb;?na;\n"); /* c goes */
    l.o.replace = false;
    l.o.preview_only = true;
    grades(s, &l, THREE);
    assert_says(l.said, "\nNew rows: 1\n  c\nChanged rows: 1\n  a: Grade: 11 → 10\nNo longer in the table: "
                        "0\nAs they were: 1\nRows in the table: 3, was: 2\n");
}

#define PASSPORT(support)                                                                                              \
    "pupils;pupils_support;shifts;site;classes\n20;" support                                                           \
    ";1;yes;\"[{\"\"class_name\"\":\"\"1a\"\",\"\"class_level\"\":\"\"primary\"\",\"\"class_pupils\"\":20}]\"\n"

static void a_form_that_is_filled_in_once_shows_each_answer(void **state)
{
    struct school *s = *state;
    struct look l = {.o = {.preview_only = false}};

    take(s, &l, "school-passport", "2020/21", PASSPORT("2"));
    assert_int_equal(l.e, OK);
    assert_says(l.said, "It has not been filled in on this computer before.\n");
    l.o.preview_only = true;
    take(s, &l, "school-passport", "2020/21", PASSPORT("3"));
    assert_says(l.said, "\n  Of these in a difficult situation: 2 → 3\n");
    assert_null(strstr(l.said, "Pupils in total"));
    take(s, &l, "school-passport", "2020/21", PASSPORT("2"));
    assert_says(l.said, "All answers are as they stand here already.\n");
}

static void what_is_queued_is_what_was_agreed_to(void **state)
{
    struct school *s = *state;
    struct look l = {.o = {.preview_only = true}};
    uint8_t agreed[DIGEST_BYTES];

    grades(s, &l, THREE);
    memcpy(agreed, l.res.table, sizeof(agreed));
    l.o.preview_only = false;
    l.o.expected = agreed;
    grades(s, &l, "pupil;grade;absences\na;10;0\nb;?na;\nc;12;4\n");
    assert_int_equal(l.e, ERR_BUSY);
    grades(s, &l, "pupil;grade;absences\na;10;0\nb;?na;\n");
    assert_int_equal(l.e, ERR_BUSY);
    assert_int_equal(waiting(s), 0);
    grades(s, &l, THREE);
    assert_int_equal(l.e, OK);
    assert_int_equal(waiting(s), 3);
}

static void more_rows_than_are_read_are_counted(void **state)
{
    struct school *s = *state;
    struct look l = {.o = {.preview_only = true}};
    struct buf csv;

    buf_init(&csv, 1 << 16);
    buf_put_str(&csv, "pupil;grade\n");
    for (unsigned i = 0; i < PREVIEW_SHOWN + 3; i++)
        buf_printf(&csv, "p%u;7\n", i);
    grades(s, &l, buf_cstr(&csv));
    assert_says(l.said, "New rows: 43\n  p0\n");
    assert_says(l.said, "  p39\n  … and 3 more\nChanged rows: 0\n");
    buf_fini(&csv);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_preview_queues_nothing),
        TEST(rows_are_new_changed_as_they_were_or_gone),
        TEST(what_was_corrected_or_retracted_is_what_it_is_compared_with),
        TEST(a_form_that_is_filled_in_once_shows_each_answer),
        TEST(what_is_queued_is_what_was_agreed_to),
        TEST(more_rows_than_are_read_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
