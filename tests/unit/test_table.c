#include "common/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static const struct table_column columns[] = {
    {"school", "Школа", TABLE_LEFT, false},
    {"value", "Значение", TABLE_RIGHT, true},
    {"note", "Примечание", TABLE_LEFT, false},
};

static struct table *table_of(const char *const (*rows)[3], size_t count)
{
    struct table *t = NULL;

    assert_int_equal(table_new(&t, columns, 3), OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(table_row(t, rows[i]), OK);
    return t;
}

static char *printed(const struct table *t, enum table_format f)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    assert_int_equal(table_print(t, f, to), OK);
    (void)fclose(to);
    return text;
}

static void expect_printed(const char *const (*rows)[3], size_t count, enum table_format f, const char *expected)
{
    struct table *t = table_of(rows, count);
    char *text = printed(t, f);

    assert_string_equal(text, expected);
    free(text);
    table_free(t);
}

static void columns_of_cyrillic_line_up(void **state)
{
    static const char *const rows[][3] = {{"СОШ № 1", "34.5", ""}, {"Лицей", "7", "с вопросом"}, {"x", NULL, NULL}};

    (void)state;
    expect_printed(rows, 3, TABLE_TEXT,
                   "Школа    Значение  Примечание\n"
                   "СОШ № 1      34.5\n"
                   "Лицей           7  с вопросом\n"
                   "x\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    static const char *const rows[][3] = {{"a\033[2Jb\n", "1",
                                           "\xC2\x9B"
                                           "31mx\x7F"}};

    (void)state;
    expect_printed(rows, 1, TABLE_TEXT,
                   "Школа    Значение  Примечание\n"
                   "a [2Jb          1   31mx\n");
}

static void csv_has_stable_headings_and_harmless_text(void **state)
{
    static const char *const rows[][3] = {{"МБОУ \"Лицей\"", "-34.5", "=1+1"}, {"a,b", "", "c\nd"}};

    (void)state;
    expect_printed(rows, 2, TABLE_CSV,
                   "school,value,note\n"
                   "\"МБОУ \"\"Лицей\"\"\",-34.5,'=1+1\n"
                   "\"a,b\",,\"c\nd\"\n");
}

static void json_keeps_digits_and_escapes_text(void **state)
{
    static const char *const rows[][3] = {{"МБОУ \"Лицей\"", "34.500000", "a\nb\\"}, {"x", "", "\033"}};

    (void)state;
    expect_printed(rows, 2, TABLE_JSON,
                   "[\n"
                   "  {\"school\": \"МБОУ \\\"Лицей\\\"\", \"value\": 34.500000, \"note\": \"a\\nb\\\\\"},\n"
                   "  {\"school\": \"x\", \"value\": null, \"note\": \"\\u001B\"}\n"
                   "]\n");
}

static void only_what_json_calls_a_number_stands_without_quotes(void **state)
{
    static const struct {
        const char *cell;
        const char *shown;
    } cases[] = {{"0", "0"},         {"-0.5", "-0.5"},   {"1e9", "1e9"},     {"1E+2", "1E+2"},   {"1e-2", "1e-2"},
                 {"007", "\"007\""}, {"1.", "\"1.\""},   {".5", "\".5\""},   {"-", "\"-\""},     {"1e", "\"1e\""},
                 {"+1", "\"+1\""},   {"1 2", "\"1 2\""}, {"nan", "\"nan\""}, {"0x1", "\"0x1\""}, {"1,5", "\"1,5\""}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const rows[][3] = {{"", cases[i].cell, ""}};
        char expected[100];

        (void)snprintf(expected, sizeof(expected), "[\n  {\"school\": \"\", \"value\": %s, \"note\": \"\"}\n]\n",
                       cases[i].shown);
        expect_printed(rows, 1, TABLE_JSON, expected);
    }
}

static void an_empty_listing_is_still_well_formed(void **state)
{
    (void)state;
    expect_printed(NULL, 0, TABLE_JSON, "[]\n");
    expect_printed(NULL, 0, TABLE_CSV, "school,value,note\n");
    expect_printed(NULL, 0, TABLE_TEXT, "Школа  Значение  Примечание\n");
    table_free(NULL);
}

static void many_rows_come_out_in_order_as_json_that_loads(void **state)
{
    struct table *t = table_of(NULL, 0);
    char *text;
    json_t *root;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        char number[16];
        const char *cells[3] = {"школа", number, "x"};

        (void)snprintf(number, sizeof(number), "%d", i);
        assert_int_equal(table_row(t, cells), OK);
    }
    text = printed(t, TABLE_JSON);
    root = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(root), 5000);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(root, 4999), "value")), 4999);
    json_decref(root);
    free(text);
    table_free(t);
}

static void text_that_is_not_utf8_is_refused_in_json(void **state)
{
    static const char *const rows[][3] = {{"\xFF", "1", ""}};
    struct table *t = table_of(rows, 1);
    FILE *to = tmpfile();

    (void)state;
    assert_int_equal(table_print(t, TABLE_JSON, to), ERR_INVALID);
    (void)fclose(to);
    table_free(t);
}

static void a_full_disk_is_reported(void **state)
{
    static const char *const rows[][3] = {{"a", "1", ""}};
    struct table *t = table_of(rows, 1);
    FILE *to = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(to);
    assert_int_equal(table_print(t, TABLE_CSV, to), ERR_IO);
    (void)fclose(to);
    to = fopen("/dev/full", "w");
    (void)setvbuf(to, NULL, _IONBF, 0);
    assert_int_equal(table_print(t, TABLE_CSV, to), ERR_IO);
    (void)fclose(to);
    table_free(t);
}

static void format_names_are_three(void **state)
{
    enum table_format f = TABLE_TEXT;

    (void)state;
    assert_int_equal(table_format_parse(&f, "json"), OK);
    assert_int_equal(f, TABLE_JSON);
    assert_int_equal(table_format_parse(&f, "csv"), OK);
    assert_int_equal(f, TABLE_CSV);
    assert_int_equal(table_format_parse(&f, "table"), OK);
    assert_int_equal(f, TABLE_TEXT);
    assert_int_equal(table_format_parse(&f, "xml"), ERR_USAGE);
    assert_non_null(strstr(err_text(), "table, csv or json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_cyrillic_line_up),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(csv_has_stable_headings_and_harmless_text),
        cmocka_unit_test(json_keeps_digits_and_escapes_text),
        cmocka_unit_test(only_what_json_calls_a_number_stands_without_quotes),
        cmocka_unit_test(an_empty_listing_is_still_well_formed),
        cmocka_unit_test(many_rows_come_out_in_order_as_json_that_loads),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_in_json),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(format_names_are_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
