#include "common/cli.h"
#include "common/xlsx_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SOME_DAY 18506 /* 2020-09-01 */

struct folder {
    char dir[64];
    char path[96]; /* of the workbook */
};

static void folder_new(struct folder *f)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(f->dir, sizeof(f->dir), "%.30s/svodka-xlsx-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/book.xlsx", f->dir);
}

static void folder_drop(struct folder *f)
{
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0); /* nothing else was left there */
}

static struct xlsx *book_new(void)
{
    struct xlsx *x = NULL;

    assert_int_equal(xlsx_new(&x, "Книга", SOME_DAY), OK);
    return x;
}

static void fill(struct xlsx *x)
{
    static const char *const yes_no[] = {"да", "нет"};
    struct xlsx_rule r = {.kind = XLSX_LIST, .hint = "подсказка", .message = "да или нет"};
    struct xlsx_sheet *s = xlsx_sheet(x, "Лист");

    r.list = xlsx_list(x, yes_no, 2);
    xlsx_text(s, 0, 0, XLSX_HEADING, "Вид");
    xlsx_open_column(s, 0, XLSX_TEXT, 0);
    xlsx_decimal(s, 1, 1, XLSX_CELL, 1250, 2);
    xlsx_date(s, 1, 2, XLSX_CELL, SOME_DAY);
    xlsx_rule(s, 1, 0, 10, 0, &r);
    xlsx_protect(s);
}

static void *bytes_of_book(const struct folder *f, size_t *len)
{
    struct xlsx *x = book_new();
    void *bytes = NULL;

    fill(x);
    assert_int_equal(xlsx_save(x, f->path, true), OK);
    xlsx_free(x);
    assert_int_equal(cli_read_file(f->path, 1 << 20, &bytes, len), OK);
    return bytes;
}

static void the_same_content_gives_the_same_bytes(void **state)
{
    struct folder f;
    size_t len = 0, again_len = 0;
    void *bytes, *again;

    (void)state;
    folder_new(&f);
    bytes = bytes_of_book(&f, &len);
    assert_memory_equal((uint8_t *)bytes + 10, "\x00\x00\x21\x00", 4); /* no clock: 1 January 1980, midnight */
    again = bytes_of_book(&f, &again_len);
    assert_int_equal(len, again_len);
    assert_memory_equal(bytes, again, len);
    free(bytes);
    free(again);
    folder_drop(&f);
}

static void a_file_that_is_there_is_not_overwritten_unless_that_is_wanted(void **state)
{
    struct folder f;
    struct xlsx *x = book_new();

    (void)state;
    folder_new(&f);
    assert_int_equal(cli_write_file(f.path, "mine", 4, 0600, false), OK);
    fill(x);
    assert_int_equal(xlsx_save(x, f.path, false), ERR_EXISTS);
    xlsx_free(x);
    folder_drop(&f);
}

static void a_name_without_xlsx_is_refused(void **state)
{
    static const char *const names[] = {"/tmp/a.xls", "/tmp/a", ".xlsx", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct xlsx *x = book_new();

        fill(x);
        assert_int_equal(xlsx_save(x, names[i], true), ERR_USAGE);
        xlsx_free(x);
    }
}

static void expect_name(const char *wanted, const char *given)
{
    struct xlsx *x = book_new();
    struct xlsx_sheet *s = xlsx_sheet(x, wanted);

    assert_non_null(s);
    assert_string_equal(xlsx_sheet_name(s), given);
    xlsx_free(x);
}

static void a_sheet_gets_a_name_that_excel_takes(void **state)
{
    (void)state;
    expect_name("Паспорт", "Паспорт");
    expect_name("[a]:*?/\\b", "-a------b");
    expect_name("'quoted'", "-quoted-");
    expect_name("", "-");
    expect_name("Из многодетных или малообеспеченных семей", "Из многодетных или малообеспече");
    expect_name("123456789012345678901234567890'x", "123456789012345678901234567890-");
    expect_name("\xF0\x9F\x98\x80"
                "23456789012345678901234567890z",
                "\xF0\x9F\x98\x80"
                "23456789012345678901234567890"); /* two units in Excel's count */
}

static void two_sheets_never_have_one_name(void **state)
{
    struct xlsx *x = book_new();

    (void)state;
    assert_string_equal(xlsx_sheet_name(xlsx_sheet(x, "Классы")), "Классы");
    assert_string_equal(xlsx_sheet_name(xlsx_sheet(x, "КЛАССЫ")), "КЛАССЫ (2)");
    assert_string_equal(xlsx_sheet_name(xlsx_sheet(x, "классы")), "классы (3)");
    assert_string_equal(xlsx_sheet_name(xlsx_sheet(x, "Из многодетных или малообеспеченных А")),
                        "Из многодетных или малообеспече");
    assert_string_equal(xlsx_sheet_name(xlsx_sheet(x, "Из многодетных или малообеспеченных Б")),
                        "Из многодетных или малообес (2)");
    xlsx_free(x);
}

/* Invariant 8: what Excel cannot hold is refused with its place, and no file is made. */
static void what_excel_cannot_hold_is_refused_with_its_place(void **state)
{
    char *text = malloc(XLSX_MAX_TEXT + 2);
    struct folder f;
    struct xlsx *x;

    (void)state;
    assert_non_null(text);
    folder_new(&f);
    memset(text, 'x', XLSX_MAX_TEXT + 1);
    text[XLSX_MAX_TEXT + 1] = '\0';
    x = book_new();
    xlsx_text(xlsx_sheet(x, "Лист"), 2, 27, XLSX_CELL, text);
    assert_int_equal(xlsx_save(x, f.path, false), ERR_LIMIT);
    assert_non_null(strstr(err_text(), "AB3"));
    xlsx_free(x);
    text[XLSX_MAX_TEXT] = '\0';
    x = book_new();
    xlsx_text(xlsx_sheet(x, "Лист"), 2, 27, XLSX_CELL, text);
    assert_int_equal(xlsx_save(x, f.path, false), OK);
    xlsx_free(x);
    free(text);
    assert_int_equal(unlink(f.path), 0);
    x = book_new();
    xlsx_text(xlsx_sheet(x, "Лист"), XLSX_MAX_ROWS, 0, XLSX_CELL, "one too far");
    assert_int_equal(xlsx_save(x, f.path, false), ERR_LIMIT);
    xlsx_free(x);
    x = book_new();
    xlsx_text(xlsx_sheet(x, "Лист"), 0, XLSX_MAX_COLUMNS, XLSX_CELL, "one too far");
    xlsx_text(xlsx_sheet(x, "Другой"), 0, 0, XLSX_CELL, "after a failure nothing is taken");
    assert_int_equal(xlsx_save(x, f.path, false), ERR_LIMIT);
    assert_non_null(strstr(err_text(), "Лист"));
    xlsx_free(x);
    folder_drop(&f);
}

static void too_many_sheets_are_refused(void **state)
{
    struct folder f;
    struct xlsx *x = book_new();

    (void)state;
    folder_new(&f);
    for (unsigned i = 0; i < XLSX_MAX_SHEETS; i++)
        assert_non_null(xlsx_sheet(x, "Лист"));
    assert_null(xlsx_sheet(x, "Лист"));
    assert_int_equal(xlsx_save(x, f.path, false), ERR_LIMIT);
    xlsx_free(x);
    folder_drop(&f);
}

static void long_messages_are_cut_and_long_formulas_refused(void **state)
{
    char words[4 * XLSX_MAX_MESSAGE + 1] = "";
    struct xlsx_rule r = {.kind = XLSX_ANY, .hint_title = words, .hint = words, .message_title = words};
    struct folder f;
    struct xlsx *x = book_new();
    struct xlsx_sheet *s = xlsx_sheet(x, "Лист");

    (void)state;
    folder_new(&f);
    for (size_t i = 0; i + 2 < sizeof(words); i += 2)
        memcpy(words + i, "ж", 3);
    r.message = words;
    xlsx_rule(s, 0, 0, 0, 0, &r);
    assert_int_equal(xlsx_save(x, f.path, false), OK);
    xlsx_free(x);
    x = book_new();
    s = xlsx_sheet(x, "Лист");
    memset(words, '1', XLSX_MAX_FORMULA + 1);
    words[XLSX_MAX_FORMULA + 1] = '\0';
    r = (struct xlsx_rule){.kind = XLSX_FORMULA, .formula = words};
    xlsx_rule(s, 0, 0, 0, 0, &r);
    assert_int_equal(xlsx_save(x, f.path, true), ERR_LIMIT);
    xlsx_free(x);
    folder_drop(&f);
}

static void cells_have_the_names_that_excel_gives_them(void **state)
{
    static const struct {
        uint32_t row, column;
        bool is_fixed;
        const char *name;
    } cells[] = {{0, 0, false, "A1"},     {2, 25, false, "Z3"},
                 {2, 26, false, "AA3"},   {9, 701, true, "$ZZ$10"},
                 {0, 702, false, "AAA1"}, {XLSX_MAX_ROWS - 1, XLSX_MAX_COLUMNS - 1, true, "$XFD$1048576"}};
    char name[XLSX_CELL_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        xlsx_cell_name(name, cells[i].row, cells[i].column, cells[i].is_fixed);
        assert_string_equal(name, cells[i].name);
    }
}

static void labels_are_wrapped_between_words(void **state)
{
    (void)state;
    assert_int_equal(xlsx_wrapped("", 10), 1);
    assert_int_equal(xlsx_wrapped("Возраст", 12), 1);
    assert_int_equal(xlsx_wrapped("Учебная нагрузка в неделю", 13), 3);
    assert_int_equal(xlsx_wrapped("Раз\nдва", 100), 1);
    assert_true(xlsx_wrapped("Достопримечательность", 10) >= 3); /* a word that is broken */
    assert_true(xlsx_longest_word("на достопримечательность") > 21);
    assert_true(xlsx_longest_word("a b c") < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_content_gives_the_same_bytes),
        cmocka_unit_test(a_file_that_is_there_is_not_overwritten_unless_that_is_wanted),
        cmocka_unit_test(a_name_without_xlsx_is_refused),
        cmocka_unit_test(a_sheet_gets_a_name_that_excel_takes),
        cmocka_unit_test(two_sheets_never_have_one_name),
        cmocka_unit_test(what_excel_cannot_hold_is_refused_with_its_place),
        cmocka_unit_test(too_many_sheets_are_refused),
        cmocka_unit_test(long_messages_are_cut_and_long_formulas_refused),
        cmocka_unit_test(cells_have_the_names_that_excel_gives_them),
        cmocka_unit_test(labels_are_wrapped_between_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
