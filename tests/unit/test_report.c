/* test_report.c: design section 3, invariants 8 (bounded) and 9 (explained). */
#include "common/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What report_print() writes; free() it. */
static char *printed(const struct report *r)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    report_print(r, f);
    assert_int_equal(fclose(f), 0);
    return text;
}

static struct report *new_report(size_t max)
{
    struct report *r = NULL;

    assert_int_equal(report_new(&r, max), OK);
    return r;
}

static void expect_line(const struct finding *f, const char *text, const char *line)
{
    struct report *r = new_report(0);
    char *all;

    report_add(r, f, "%s", text);
    all = printed(r);
    assert_int_equal(strlen(all), strlen(line) + 1);
    assert_memory_equal(all, line, strlen(line));
    free(all);
    report_free(r);

    err_clear();
    report_add(NULL, f, "%s", text);
    assert_string_equal(err_text(), line);
}

static void a_finding_is_printed_as_far_as_its_place_is_known(void **state)
{
    (void)state;
    expect_line(&(struct finding){.file = "a.csv", .line = 7, .column = 3, .field = "age", .value = "x7"},
                "a whole number is expected", "a.csv:7:3: age: a whole number is expected (found: x7)");
    expect_line(&(struct finding){.file = "a.csv", .line = 7}, "text", "a.csv:7: text");
    expect_line(&(struct finding){.file = "a.csv", .column = 4}, "text", "a.csv: text");
    expect_line(&(struct finding){.line = 2, .column = 1}, "text", "2:1: text");
    expect_line(&(struct finding){.field = "класс"}, "text", "класс: text");
    expect_line(&(struct finding){.value = ""}, "text", "text (found: )");
    expect_line(&(struct finding){.is_warning = true, .file = "a"}, "text", "a: warning: text");
    expect_line(&(struct finding){.is_warning = true, .value = "v"}, "text", "warning: text (found: v)");
    expect_line(&(struct finding){0}, "text", "text");
}

static void what_was_given_is_copied(void **state)
{
    char file[] = "form.yaml";
    char field[] = "field";
    char value[] = "value";
    char text[] = "text";
    struct report *r = new_report(0);
    const struct finding *f;

    (void)state;
    report_add(r, &(struct finding){.file = file, .line = 1, .field = field, .value = value}, "%s", text);
    memset(file, 'x', 4);
    memset(field, 'x', 4);
    memset(value, 'x', 4);
    memset(text, 'x', 4);
    f = report_at(r, 0);
    assert_string_equal(f->file, "form.yaml");
    assert_string_equal(f->field, "field");
    assert_string_equal(f->value, "value");
    assert_string_equal(f->text, "text");
    assert_null(report_at(r, 1));
    report_free(r);
}

static void a_finding_without_a_file_is_in_the_reports_own(void **state)
{
    struct report *r = new_report(0);

    (void)state;
    report_set_file(r, "answers.json");
    report_add(r, &(struct finding){.line = 2}, "text");
    report_add(r, &(struct finding){.file = "other.yaml"}, "text");
    assert_string_equal(report_at(r, 0)->file, "answers.json");
    assert_string_equal(report_at(r, 1)->file, "other.yaml");
    report_free(r);
}

static void a_long_value_is_shortened_to_sixty_code_points(void **state)
{
    struct report *r = new_report(0);
    char sixty[2 * 60 + 1] = "";
    char more[2 * 61 + 1] = "";
    char cut[2 * 59 + 3 + 1] = "";

    (void)state;
    for (int i = 0; i < 61; i++) {
        if (i < 60)
            memcpy(sixty + 2 * i, "ы", 3);
        memcpy(more + 2 * i, "ы", 3);
        if (i < 59)
            memcpy(cut + 2 * i, "ы", 3);
    }
    memcpy(cut + 2 * 59, "…", 4);
    report_add(r, &(struct finding){.value = sixty}, "text");
    report_add(r, &(struct finding){.value = more}, "text");
    assert_string_equal(report_at(r, 0)->value, sixty);
    assert_string_equal(report_at(r, 1)->value, cut);
    report_free(r);
}

static void control_characters_and_broken_utf8_do_not_reach_the_terminal(void **state)
{
    struct report *r = new_report(0);

    (void)state;
    report_add(r,
               &(struct finding){.file = "a\nb",
                                 .field = "\x7F",
                                 .value = "\x1B[31m\xFF\xD0\xC2\x9B"
                                          "1"},
               "one\r\n%s", "two");
    assert_string_equal(report_at(r, 0)->file, "a b");
    assert_string_equal(report_at(r, 0)->field, " ");
    assert_string_equal(report_at(r, 0)->value, " [31m\xEF\xBF\xBD\xEF\xBF\xBD 1");
    assert_string_equal(report_at(r, 0)->text, "one  two");
    report_free(r);
}

static void no_more_than_the_limit_is_kept_and_the_rest_is_counted(void **state)
{
    struct report *r = new_report(20);
    char *all;

    (void)state;
    for (unsigned i = 1; i <= 50; i++)
        report_add(r, &(struct finding){.line = i}, "wrong");
    assert_int_equal(report_errors(r), 50);
    assert_int_equal(report_warnings(r), 0);
    assert_int_equal(report_kept(r), 20);
    all = printed(r);
    assert_non_null(strstr(all, "\n20: wrong\n... and 30 more like these.\n"));
    free(all);
    report_free(r);
}

static void an_error_takes_the_place_of_a_warning_in_a_full_report(void **state)
{
    struct report *r = new_report(3);

    (void)state;
    report_add(r, &(struct finding){.line = 1}, "e");
    report_add(r, &(struct finding){.line = 2, .is_warning = true}, "w");
    report_add(r, &(struct finding){.line = 3, .is_warning = true}, "w");
    report_add(r, &(struct finding){.line = 4, .is_warning = true}, "w");
    report_add(r, &(struct finding){.line = 5}, "e");
    assert_int_equal(report_kept(r), 3);
    assert_int_equal(report_at(r, 0)->line, 1);
    assert_int_equal(report_at(r, 1)->line, 2);
    assert_int_equal(report_at(r, 2)->line, 5);
    report_add(r, &(struct finding){.line = 6}, "e");
    report_add(r, &(struct finding){.line = 7}, "e");
    assert_int_equal(report_at(r, 1)->line, 5);
    assert_int_equal(report_at(r, 2)->line, 6);
    assert_int_equal(report_errors(r), 4);
    assert_int_equal(report_warnings(r), 3);
    report_free(r);
}

static void a_very_long_text_is_cut_and_kept(void **state)
{
    struct report *r = new_report(0);
    char *text = malloc(20001);

    (void)state;
    assert_non_null(text);
    memset(text, '\xFF', 20000); /* each becomes three bytes */
    text[20000] = '\0';
    report_add(r, &(struct finding){.file = text, .field = text, .value = text}, "%s", text);
    assert_int_equal(report_kept(r), 1);
    assert_true(strlen(report_at(r, 0)->text) > 4000);
    free(printed(r));
    report_add(NULL, &(struct finding){.file = text, .field = text, .value = text}, "%s", text);
    assert_true(strlen(err_text()) > 1000);
    free(text);
    report_free(r);
}

static void an_empty_report_prints_nothing(void **state)
{
    struct report *r = new_report(0);
    char *all = printed(r);

    (void)state;
    assert_string_equal(all, "");
    free(all);
    report_free(r);
    report_free(NULL);
}

static const char *label_of(const void *ctx, const char *field)
{
    return strcmp(field, "age") == 0 ? ctx : NULL;
}

/* A CSV file has names in its heading, a sheet has labels. */
static void in_a_sheet_a_field_is_called_by_its_label(void **state)
{
    const struct finding in_sheet = {.file = "a.xlsx", .sheet = "S", .line = 7, .column = 3, .field = "age"};
    const struct finding unknown = {.file = "a.xlsx", .sheet = "S", .line = 7, .column = 3, .field = "other"};
    const struct finding in_csv = {.file = "a.csv", .line = 7, .column = 3, .field = "age"};
    char label[] = "Age in years";
    struct report *r = new_report(0);
    char *all;

    (void)state;
    report_set_labels(r, label_of, label);
    report_add(r, &in_sheet, "text");
    report_add(r, &unknown, "text");
    report_add(r, &in_csv, "text");
    report_set_labels(r, NULL, NULL);
    report_add(r, &in_sheet, "text");
    memset(label, 'x', sizeof(label) - 1); /* it was copied */
    assert_string_equal(report_at(r, 0)->field, "age");
    all = printed(r);
    assert_string_equal(all, "a.xlsx: sheet \"S\", cell C7, \"Age in years\": text\n"
                             "a.xlsx: sheet \"S\", cell C7: other: text\n"
                             "a.csv:7:3: age: text\n"
                             "a.xlsx: sheet \"S\", cell C7: age: text\n");
    free(all);
    report_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_is_printed_as_far_as_its_place_is_known),
        cmocka_unit_test(what_was_given_is_copied),
        cmocka_unit_test(a_finding_without_a_file_is_in_the_reports_own),
        cmocka_unit_test(a_long_value_is_shortened_to_sixty_code_points),
        cmocka_unit_test(control_characters_and_broken_utf8_do_not_reach_the_terminal),
        cmocka_unit_test(no_more_than_the_limit_is_kept_and_the_rest_is_counted),
        cmocka_unit_test(an_error_takes_the_place_of_a_warning_in_a_full_report),
        cmocka_unit_test(a_very_long_text_is_cut_and_kept),
        cmocka_unit_test(an_empty_report_prints_nothing),
        cmocka_unit_test(in_a_sheet_a_field_is_called_by_its_label),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
