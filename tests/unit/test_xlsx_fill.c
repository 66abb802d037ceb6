/* test_xlsx_fill.c: a workbook that somebody else made gets other values in some cells, and keeps everything else. */
#include "common/xlsx_fill.h"

#include "common/cli.h"
#include "common/report.h"
#include "common/xlsx_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum err must_ = (call);                                                                                       \
        if (must_ != OK)                                                                                               \
            fail_msg("%s: %s: %s", #call, err_name(must_), err_text());                                                \
    } while (0)
#define SOME_DAY 18506

/* Two sheets: A1 "слева", B2 7, C4 "внизу"; and an empty one. */
static struct xlsx_book *template_book(void)
{
    char dir[64], path[96];
    const char *tmp = getenv("TMPDIR");
    struct xlsx_book *b = NULL;
    struct xlsx_sheet *s;
    struct xlsx *x = NULL;
    void *bytes = NULL;
    size_t len = 0;

    (void)snprintf(dir, sizeof(dir), "%.30s/svodka-fill-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/t.xlsx", dir);
    MUST(xlsx_new(&x, "T", SOME_DAY));
    s = xlsx_sheet(x, "Лист");
    xlsx_text(s, 0, 0, XLSX_HEADING, "слева");
    xlsx_decimal(s, 1, 1, XLSX_CELL, 7, 0);
    xlsx_text(s, 3, 2, XLSX_CELL, "внизу");
    (void)xlsx_sheet(x, "Пустой");
    MUST(xlsx_save(x, path, false));
    xlsx_free(x);
    MUST(cli_read_file(path, XLSX_READ_MAX_BYTES, &bytes, &len));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    MUST(xlsx_book_open(&b, bytes, len));
    return b;
}

/* "A1=text B2=7 ..." of a sheet. */
static void cells_of(const struct buf *file, uint32_t sheet, char *out, size_t size)
{
    void *bytes = malloc(file->len);
    struct xlsx_book *b = NULL;
    struct xlsx_rows *rows = NULL;
    struct xlsx_row row;
    size_t at = 0;

    assert_non_null(bytes);
    memcpy(bytes, file->data, file->len);
    MUST(xlsx_book_open(&b, bytes, file->len));
    MUST(xlsx_rows_open(&rows, b, sheet));
    out[0] = '\0';
    while (xlsx_rows_next(rows, &row) == OK)
        for (uint32_t i = 0; i < row.count; i++) {
            char name[REPORT_CELL_MAX];

            report_cell_name(name, i + 1, row.number);
            if (row.cells[i].text.len > 0)
                at += (size_t)snprintf(out + at, size - at, "%s=%.*s ", name, (int)row.cells[i].text.len,
                                       (const char *)row.cells[i].text.p);
            assert_true(at < size);
        }
    xlsx_rows_close(rows);
    xlsx_book_close(b);
}

static void filled(const struct xlsx_fill_cell *cells, size_t count, uint32_t sheet, const char *expected)
{
    struct xlsx_book *b = template_book();
    char got[1024];
    struct buf out;
    size_t bad = 0;

    buf_init(&out, 1u << 20);
    MUST(xlsx_fill(b, cells, count, &out, &bad));
    cells_of(&out, sheet, got, sizeof(got));
    assert_string_equal(got, expected);
    buf_fini(&out);
    xlsx_book_close(b);
}

static void nothing_to_fill_leaves_all_values(void **state)
{
    (void)state;
    filled(NULL, 0, 0, "A1=слева B2=7 C4=внизу ");
}

static void cells_are_put_before_between_and_after_those_that_are_there(void **state)
{
    static const struct xlsx_fill_cell cells[] = {
        {.row = 1, .column = 1, .is_number = true, .scaled = -5},
        {.row = 1, .column = 28, .text = "далеко"},
        {.row = 2, .column = 1, .text = "a<b & \"c\"\x01 ]]>"},
        {.row = 2, .column = 2, .text = ""},
        {.row = 2, .column = 3, .is_number = true, .scaled = 12345678, .places = 6, .text = ""},
        {.row = 3, .column = 2, .is_number = true, .scaled = 5, .places = 1, .is_percent = true, .text = ""},
        {.row = 4, .column = 3, .text = "  с краю "},
        {.row = 1048576, .column = 16384, .text = "последняя"}};

    (void)state;
    filled(cells, COUNT(cells), 0,
           "A1=-5 AB1=далеко A2=a<b & \"c\"  ]]> C2=12.345678 B3=0.5 C4=  с краю  XFD1048576=последняя ");
    filled(cells, COUNT(cells), 1, "");
}

static void an_empty_sheet_can_be_filled(void **state)
{
    static const struct xlsx_fill_cell cells[] = {{.sheet = 1, .row = 2, .column = 2, .text = "x"},
                                                  {.sheet = 1, .row = 2, .column = 3, .text = "y"},
                                                  {.sheet = 1, .row = 9, .column = 1, .text = "z"}};

    (void)state;
    filled(cells, COUNT(cells), 1, "B2=x C2=y A9=z ");
    filled(cells, COUNT(cells), 0, "A1=слева B2=7 C4=внизу ");
}

static void the_same_content_gives_the_same_bytes(void **state)
{
    static const struct xlsx_fill_cell cell = {.row = 1, .column = 1, .text = "x"};
    struct xlsx_book *b = template_book();
    struct buf one, two;
    size_t bad;

    (void)state;
    buf_init(&one, 1u << 20);
    buf_init(&two, 1u << 20);
    MUST(xlsx_fill(b, &cell, 1, &one, &bad));
    MUST(xlsx_fill(b, &cell, 1, &two, &bad));
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    buf_fini(&one);
    buf_fini(&two);
    xlsx_book_close(b);
}

static void places_are_read_as_people_write_them(void **state)
{
    static const char *const wrong[] = {"", "7", "C", "C0", "7C", "XFE1", "A1048577", "C7 ", "C7:D8", "Ж1"};
    uint32_t row, column;

    (void)state;
    assert_true(xlsx_cell_parse("C7", &row, &column));
    assert_true(row == 7 && column == 3);
    assert_true(xlsx_cell_parse("$XFD$1048576", &row, &column));
    assert_true(row == 1048576 && column == 16384);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(xlsx_cell_parse(wrong[i], &row, &column));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_fill_leaves_all_values),
        cmocka_unit_test(cells_are_put_before_between_and_after_those_that_are_there),
        cmocka_unit_test(an_empty_sheet_can_be_filled),
        cmocka_unit_test(the_same_content_gives_the_same_bytes),
        cmocka_unit_test(places_are_read_as_people_write_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
