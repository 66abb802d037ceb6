/* test_csv.c: design section 3, invariants 8 (bounded) and 9 (explained). */
#include "common/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- helpers: a file of bytes, and rows as "[cell][cell]\n" ---- */

static FILE *file_of(const void *bytes, size_t len)
{
    FILE *f = tmpfile();

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    rewind(f);
    return f;
}

static void put_row(struct buf *shown, const struct csv_row *row)
{
    for (uint32_t i = 0; i < row->count; i++) {
        buf_put_u8(shown, '[');
        buf_put(shown, row->cells[i].p, row->cells[i].len);
        buf_put_u8(shown, ']');
    }
    buf_put_u8(shown, '\n');
}

/* Every row there is; what ended the reading comes back. */
static enum err read_with(const struct csv_options *o, const void *bytes, size_t len, struct buf *shown)
{
    FILE *f = file_of(bytes, len);
    struct csv_row row;
    struct csv *c;
    enum err e = csv_open(&c, f, o);

    if (e == OK) {
        while ((e = csv_next(c, &row)) == OK)
            put_row(shown, &row);
        if (e == ERR_NOT_FOUND)
            assert_int_equal(csv_offset(c), len);
        else
            assert_int_equal(csv_next(c, &row), e); /* reading cannot go on */
        csv_close(c);
    }
    (void)fclose(f);
    return e;
}

static void expect_rows(const char *csv, const char *rows)
{
    const struct csv_options o = {0};
    struct buf shown;

    buf_init(&shown, 1u << 20);
    assert_int_equal(read_with(&o, csv, strlen(csv), &shown), ERR_NOT_FOUND);
    assert_string_equal(buf_cstr(&shown), rows);
    buf_fini(&shown);
}

static void expect_error_with(const struct csv_options *o, const void *csv, size_t len, enum err e,
                              const char *sentence)
{
    struct buf shown;

    buf_init(&shown, 64u << 20);
    assert_int_equal(read_with(o, csv, len, &shown), e);
    if (strstr(err_text(), sentence) == NULL)
        assert_string_equal(err_text(), sentence);
    buf_fini(&shown);
}

static void expect_error(const char *csv, const char *sentence)
{
    const struct csv_options o = {0};

    expect_error_with(&o, csv, strlen(csv), ERR_MALFORMED, sentence);
}

/* ---- reading ---- */

static void plain_rows_come_out_cell_by_cell(void **state)
{
    (void)state;
    expect_rows("", "");
    expect_rows("a", "[a]\n");
    expect_rows("a;b\n1;2\n", "[a][b]\n[1][2]\n");
    expect_rows("a;b\n1;2", "[a][b]\n[1][2]\n");
    expect_rows("a;\n;2", "[a][]\n[][2]\n");
    expect_rows("a;b;", "[a][b][]\n");
}

static void every_line_end_is_one_line_end(void **state)
{
    (void)state;
    expect_rows("a;b\r\n1;2\r\n", "[a][b]\n[1][2]\n");
    expect_rows("a;b\r1;2\r", "[a][b]\n[1][2]\n");
    expect_rows("a;b\r\n1;2\n3;4\r5;6", "[a][b]\n[1][2]\n[3][4]\n[5][6]\n");
    expect_rows("\"a\"\r\n\"b\"\r\"c\"\n", "[a]\n[b]\n[c]\n");
    expect_error("a\r\nb\r\n\"\r\n\r\"\"\n\";\"\n", "line 6, column 2"); /* and it counts as one */
}

static void quotes_keep_what_they_enclose(void **state)
{
    (void)state;
    expect_rows("\"a;b\";c", "[a;b][c]\n");
    expect_rows("\"a\"\"b\";\"\"\"\";\"\"\"x\"\"\"", "[a\"b][\"][\"x\"]\n");
    expect_rows("x;\"\"", "[x][]\n");
    expect_rows("\"a\nb\";\"c\r\nd\";\"e\rf\"", "[a\nb][c\r\nd][e\rf]\n");
    expect_rows("\"\nb\";\"\"\"\n\"\"\"", "[\nb][\"\n\"]\n");
}

static void a_quote_inside_a_plain_cell_is_text(void **state)
{
    (void)state;
    expect_rows("МБОУ \"Лицей № 1\";5", "[МБОУ \"Лицей № 1\"][5]\n");
    expect_rows("a\"b;c\"", "[a\"b][c\"]\n");
    expect_rows("x; \"a\"", "[x][ \"a\"]\n");
}

static void rows_of_blanks_only_are_skipped_and_lines_still_counted(void **state)
{
    static const char text[] = "a;b\n\n;;\n \t;\xC2\xA0\n\"x\ny\";1\n\"\";\"\"\nc;d";
    static const uint32_t lines[] = {1, 5, 8};
    const struct csv_options o = {0};
    FILE *f = file_of(text, strlen(text));
    struct csv_row row;
    struct csv *c;

    (void)state;
    assert_int_equal(csv_open(&c, f, &o), OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(csv_next(c, &row), OK);
        assert_int_equal(row.line, lines[i]);
        assert_int_equal(row.count, 2);
    }
    assert_int_equal(csv_next(c, &row), ERR_NOT_FOUND);
    assert_int_equal(csv_next(c, &row), ERR_NOT_FOUND);
    csv_close(c);
    (void)fclose(f);
    csv_close(NULL);
}

static void expect_delimiter(const char *text, char delimiter)
{
    const struct csv_options o = {0};
    FILE *f = file_of(text, strlen(text));
    struct csv *c;

    assert_int_equal(csv_open(&c, f, &o), OK);
    assert_int_equal(csv_delimiter(c), delimiter);
    csv_close(c);
    (void)fclose(f);
}

static void the_delimiter_is_found_in_the_first_line(void **state)
{
    const struct csv_options comma = {.delimiter = ','};
    struct buf shown;

    (void)state;
    expect_delimiter("a;b,c;d\n1,2,3,4,5", ';');
    expect_delimiter("a,b,c;d", ',');
    expect_delimiter("a\tb\tc;d", '\t');
    expect_delimiter("\r\n\na,b\n;;;", ',');
    expect_delimiter("\"a,b,c,d\";e", ';');
    expect_delimiter("\"a,\"\"b,c\";e", ';');
    expect_delimiter("Фамилия, имя;класс", ';'); /* a tie */
    expect_delimiter("класс", ';');
    expect_delimiter("", ';');
    buf_init(&shown, 1000);
    assert_int_equal(read_with(&comma, "a;b,c", 5, &shown), ERR_NOT_FOUND);
    assert_string_equal(buf_cstr(&shown), "[a;b][c]\n");
    buf_fini(&shown);
}

static void an_impossible_delimiter_is_refused(void **state)
{
    static const char bad[] = {'"', '\r', '\n', (char)0xD0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad); i++) {
        const struct csv_options o = {.delimiter = bad[i]};
        FILE *f = file_of("a", 1);
        struct csv *c = NULL;

        assert_int_equal(csv_open(&c, f, &o), ERR_USAGE);
        assert_null(c);
        (void)fclose(f);
    }
}

/* ---- encodings ---- */

static void expect_encoding(const char *text, enum csv_encoding asked, enum csv_encoding found, const char *rows)
{
    const struct csv_options o = {.encoding = asked};
    FILE *f = file_of(text, strlen(text));
    struct csv_row row;
    struct buf shown;
    struct csv *c;

    buf_init(&shown, 1u << 16);
    assert_int_equal(csv_open(&c, f, &o), OK);
    assert_int_equal(csv_encoding_found(c), found);
    while (csv_next(c, &row) == OK)
        put_row(&shown, &row);
    assert_string_equal(buf_cstr(&shown), rows);
    buf_fini(&shown);
    csv_close(c);
    (void)fclose(f);
}

static void windows_1251_is_recognised_and_converted(void **state)
{
    static const char text[] = "\xD4\xC8\xCE;\xCA\xEB\xE0\xF1\xF1\n\"\xB9 1;\";2\nabc;\xA8";

    (void)state;
    expect_encoding(text, CSV_ENCODING_AUTO, CSV_CP1251, "[ФИО][Класс]\n[№ 1;][2]\n[abc][Ё]\n");
    expect_encoding(text, CSV_CP1251, CSV_CP1251, "[ФИО][Класс]\n[№ 1;][2]\n[abc][Ё]\n");
}

static void utf8_is_recognised_with_and_without_a_mark(void **state)
{
    (void)state;
    expect_encoding("ФИО;Класс", CSV_ENCODING_AUTO, CSV_UTF8, "[ФИО][Класс]\n");
    expect_encoding("\xEF\xBB\xBF"
                    "ФИО;Класс",
                    CSV_ENCODING_AUTO, CSV_UTF8, "[ФИО][Класс]\n");
    expect_encoding("\xEF\xBB\xBF\"ФИО\"", CSV_CP1251, CSV_UTF8, "[ФИО]\n"); /* the mark knows better */
    expect_encoding("\xEF\xBB\xBF", CSV_ENCODING_AUTO, CSV_UTF8, "");
    expect_encoding("plain;ascii", CSV_ENCODING_AUTO, CSV_UTF8, "[plain][ascii]\n");
}

static void a_damaged_utf8_file_is_not_taken_for_windows_1251(void **state)
{
    (void)state;
    expect_error("Фамилия;Имя\nИванова;Анна\nПет\xD1рова;Ольга\n", "line 3, column 1: the text is not valid UTF-8");
    expect_error("Фамилия;Имя\n\"а\nб\";\"в\n\xD0\"", "line 4, column 2: the text is not valid UTF-8");
    expect_error("\xEF\xBB\xBF"
                 "a;\xFF",
                 "line 1, column 2: the text is not valid UTF-8");
}

static void a_byte_outside_windows_1251_is_named(void **state)
{
    (void)state;
    expect_error("\xD4\xC8\xCE;b\n1;\x98", "line 2, column 2: a byte that Windows-1251 does not have");
}

static void a_character_cut_by_the_window_is_still_one_character(void **state)
{
    const struct csv_options o = {0};
    size_t len = (256u << 10) * 3;
    char *text = malloc(len);
    struct csv_row row;
    struct csv *c;
    FILE *f;

    (void)state;
    assert_non_null(text);
    for (size_t shift = 1; shift <= 4; shift++) {
        for (size_t i = 0; i < len; i++)
            text[i] = i % 1000 == 999 ? '\n' : 'x';
        for (size_t i = (256u << 10) - shift; i + 4 < len; i += 256u << 10)
            memcpy(text + i, "\xF0\x9F\x8E\x93", 4);
        f = file_of(text, len);
        assert_int_equal(csv_open(&c, f, &o), OK);
        assert_int_equal(csv_encoding_found(c), CSV_UTF8);
        while (csv_next(c, &row) == OK)
            assert_true(row.cells[0].len >= 4);
        assert_int_equal(csv_offset(c), len);
        csv_close(c);
        (void)fclose(f);
    }
    free(text);
}

static void other_kinds_of_file_are_named(void **state)
{
    const struct csv_options o = {0};

    (void)state;
    expect_error_with(&o,
                      "\xFF\xFE"
                      "a\0;\0",
                      6, ERR_MALFORMED, "UTF-16");
    expect_error_with(&o, "PK\x03\x04rest", 8, ERR_MALFORMED, "workbook");
    expect_error_with(&o, "\xD0\xCF\x11\xE0rest", 8, ERR_MALFORMED, "workbook");
    expect_error_with(&o, "a;b\n1\0;2", 8, ERR_MALFORMED, "line 2, column 1: a zero byte");
    expect_error_with(&o, "a;b\n1;\"\0\"", 9, ERR_MALFORMED, "line 2, column 2: a zero byte");
}

static void a_stream_that_cannot_be_looked_through_is_refused(void **state)
{
    const struct csv_options automatic = {0};
    const struct csv_options known = {.encoding = CSV_UTF8};
    struct csv_row row;
    struct csv *c;
    int ends[2];
    FILE *f;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a;b\n", 4), 4);
    (void)close(ends[1]);
    f = fdopen(ends[0], "r");
    assert_non_null(f);
    assert_int_equal(csv_open(&c, f, &automatic), ERR_IO);
    assert_int_equal(csv_open(&c, f, &known), OK); /* nothing to look for: any stream will do */
    assert_int_equal(csv_next(c, &row), OK);
    assert_int_equal(row.count, 2);
    csv_close(c);
    (void)fclose(f);
}

/* ---- mistakes ---- */

static void an_unclosed_quote_names_the_line_where_it_opened(void **state)
{
    (void)state;
    expect_error("a;b\n1;2\n3;\"4\n5;6\n7;8\n", "line 3, column 2: the quote opened here is never closed");
    expect_error("a;b\n\"x\ny\";\"", "line 3, column 2: the quote opened here is never closed");
    expect_error("\"a\"\"", "line 1, column 1: the quote opened here is never closed");
}

static void text_after_a_closing_quote_is_refused(void **state)
{
    (void)state;
    expect_error("a;b\n1;\"2\"3\n", "line 2, column 2: text after a closing quote");
    expect_error("\"a\" ;b", "line 1, column 1: text after a closing quote");
    expect_error("\"x\ny\"z;b", "line 2, column 1: text after a closing quote");
}

static char *repeated(char c, size_t len, const char *head)
{
    char *text = malloc(len + strlen(head));

    assert_non_null(text);
    memcpy(text, head, strlen(head));
    memset(text + strlen(head), c, len);
    return text;
}

static void a_cell_of_ten_megabytes_is_over_the_limit(void **state)
{
    const struct csv_options o = {0};
    const struct csv_options small = {.max_cell = 4};
    size_t len = 10u << 20;
    char *plain = repeated('x', len, "a;b\n1;");
    char *quoted = repeated('\n', len, "a;b\n1;\"");

    (void)state;
    expect_error_with(&o, plain, len, ERR_LIMIT, "line 2, column 2: the cell is longer than 1048576 bytes");
    expect_error_with(&o, quoted, len, ERR_LIMIT, "line 2, column 2: the cell is longer than 1048576 bytes");
    expect_error_with(&small, "abcd;abcde", 10, ERR_LIMIT, "line 1, column 2");
    expect_error_with(&small, "\"abcd\";\"ab\"\"de\"", 15, ERR_LIMIT, "line 1, column 2");
    expect_error_with(&small, "\"abc\"\"\";\"\"\"\"\"\"\"\"\"\"\"\"", 20, ERR_LIMIT, "line 1, column 2");
    free(quoted);
    free(plain);
}

static void a_cell_at_the_limit_is_read_whole(void **state)
{
    const struct csv_options o = {.delimiter = ';'};
    char *text = repeated('x', CSV_MAX_CELL, "");
    FILE *f = file_of(text, CSV_MAX_CELL);
    struct csv_row row;
    struct csv *c;

    (void)state;
    assert_int_equal(csv_open(&c, f, &o), OK);
    assert_int_equal(csv_next(c, &row), OK);
    assert_int_equal(row.count, 1);
    assert_int_equal(row.cells[0].len, CSV_MAX_CELL);
    assert_memory_equal(row.cells[0].p, text, CSV_MAX_CELL);
    csv_close(c);
    (void)fclose(f);
    free(text);
}

static void too_many_columns_and_too_long_rows_are_over_the_limit(void **state)
{
    const struct csv_options o = {.delimiter = ';'};
    char *columns = repeated(';', CSV_MAX_COLUMNS, "a");
    size_t cell = 1u << 20;
    size_t len = 20 * cell;
    char *row = repeated('x', len, "");
    struct buf shown;

    (void)state;
    buf_init(&shown, 1u << 20);
    assert_int_equal(read_with(&o, columns, CSV_MAX_COLUMNS, &shown), ERR_NOT_FOUND); /* 2,000 cells */
    expect_error_with(&o, columns, CSV_MAX_COLUMNS + 1, ERR_LIMIT, "line 1: more than 2000 columns");
    for (size_t i = cell; i < len; i += cell)
        row[i] = ';';
    expect_error_with(&o, row, len, ERR_LIMIT, "line 1: the row is longer than");
    buf_fini(&shown);
    free(row);
    free(columns);
}

/* ---- against a tiny reference: one character at a time, no limits, no windows ---- */

struct reference {
    struct buf shown;
    bool failed;
};

static void reference_read(struct reference *ref, const char *p, size_t len, char delimiter)
{
    enum { AT_START, IN_PLAIN, IN_QUOTES, AFTER_QUOTE } at = AT_START;
    struct buf row;
    bool blank = true;
    bool open_row = false;

    buf_init(&row, 1u << 20);
    for (size_t i = 0; i <= len && !ref->failed; i++) {
        bool end = i == len;
        char b = end ? '\n' : p[i];

        if (end && at == IN_QUOTES)
            ref->failed = true;
        if (end && !open_row)
            break;
        if (at == IN_QUOTES || (at == AFTER_QUOTE && b == '"' && !end)) {
            if (at == IN_QUOTES && b == '"') {
                at = AFTER_QUOTE;
            } else {
                at = IN_QUOTES;
                blank = blank && (b == ' ' || b == '\t');
                buf_put_u8(&row, (uint8_t)b);
            }
            continue;
        }
        if (!open_row || at == AT_START) {
            if (at == AT_START)
                buf_put_u8(&row, '[');
            open_row = true;
        }
        if (b == '\n' || b == '\r') {
            buf_put_str(&row, "]\n");
            if (!blank)
                buf_put(&ref->shown, row.data, row.len);
            buf_reset(&row);
            if (!end && b == '\r' && i + 1 < len && p[i + 1] == '\n')
                i++;
            blank = true;
            open_row = false;
            at = AT_START;
        } else if (b == delimiter) {
            buf_put_u8(&row, ']');
            at = AT_START;
        } else if (at == AFTER_QUOTE) {
            ref->failed = true;
        } else if (at == AT_START && b == '"') {
            at = IN_QUOTES;
        } else {
            at = IN_PLAIN;
            blank = blank && (b == ' ' || b == '\t');
            buf_put_u8(&row, (uint8_t)b);
        }
    }
    buf_fini(&row);
}

static unsigned seeded(void)
{
    const char *given = getenv("SVODKA_TEST_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    print_message("seed %u (SVODKA_TEST_SEED repeats it)\n", seed);
    return seed;
}

static void any_bytes_read_as_the_reference_reads_them(void **state)
{
    static const char letters[] = "\";\r\n a\"";
    const struct csv_options o = {.delimiter = ';', .encoding = CSV_UTF8};
    unsigned seed = seeded();

    (void)state;
    for (int round = 0; round < 4000; round++) {
        struct reference ref = {.failed = false};
        char text[24];
        size_t len = (size_t)rand_r(&seed) % (sizeof(text) + 1);
        struct buf shown;
        enum err e;

        for (size_t i = 0; i < len; i++)
            text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
        buf_init(&ref.shown, 1u << 20);
        buf_init(&shown, 1u << 20);
        reference_read(&ref, text, len, ';');
        e = read_with(&o, text, len, &shown);
        assert_int_equal(e, ref.failed ? ERR_MALFORMED : ERR_NOT_FOUND);
        assert_string_equal(buf_cstr(&shown), buf_cstr(&ref.shown));
        buf_fini(&shown);
        buf_fini(&ref.shown);
    }
}

/* ---- writing ---- */

static void expect_written(const char *text, bool neutralise, const char *cell)
{
    struct buf out;

    buf_init(&out, 1000);
    csv_put_cell(&out, ';', text, strlen(text), neutralise);
    assert_string_equal(buf_cstr(&out), cell);
    buf_fini(&out);
}

static void a_cell_is_quoted_only_when_it_must_be(void **state)
{
    (void)state;
    expect_written("", false, "");
    expect_written("abc", false, "abc");
    expect_written("a,b", false, "a,b");
    expect_written("a;b", false, "\"a;b\"");
    expect_written("a\"b\"", false, "\"a\"\"b\"\"\"");
    expect_written("a\nb", false, "\"a\nb\"");
    expect_written("a\rb", false, "\"a\rb\"");
    expect_written(" a", false, "\" a\"");
    expect_written("a ", false, "\"a \"");
}

static void a_formula_is_made_harmless(void **state)
{
    (void)state;
    expect_written("=1+1", true, "'=1+1");
    expect_written("=1+1", false, "=1+1");
    expect_written("+7", true, "'+7");
    expect_written("-5", true, "'-5");
    expect_written("@a", true, "'@a");
    expect_written("\t=1", true, "'\t=1");
    expect_written("\r=1", true, "\"'\r=1\"");
    expect_written("=\"x\"", true, "\"'=\"\"x\"\"\"");
    expect_written("a=1", true, "a=1");
}

/* Random rows, long enough to cross the reader's window, come back as they were written. */
static void what_is_written_reads_back(void **state)
{
    static const char *const pieces[] = {"a", "\"", ";",     ",",  "\n",   "\r",           "\r\n",
                                         " ", "ё",  "Школа", "12", "\"\"", "\xE2\x84\x96", "=1"};
    const struct csv_options o = {.delimiter = ';'};
    unsigned seed = seeded();
    struct buf file;
    struct buf expected;
    struct buf shown;

    (void)state;
    buf_init(&file, 16u << 20);
    buf_init(&expected, 16u << 20);
    buf_init(&shown, 16u << 20);
    for (int row = 0; row < 30000; row++) {
        int columns = 1 + rand_r(&seed) % 6;

        for (int i = 0; i < columns; i++) {
            struct buf cell;

            buf_init(&cell, 4096);
            if (i == 0)
                buf_put_u8(&cell, 'x'); /* no row of blanks only */
            for (int n = rand_r(&seed) % 7; n > 0; n--)
                buf_put_str(&cell, pieces[(size_t)rand_r(&seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
            if (i > 0)
                buf_put_u8(&file, ';');
            csv_put_cell(&file, ';', buf_cstr(&cell), cell.len, false);
            buf_printf(&expected, "[%s]", buf_cstr(&cell));
            buf_fini(&cell);
        }
        buf_put_str(&file, row % 3 == 0 ? "\r\n" : "\n");
        buf_put_u8(&expected, '\n');
    }
    assert_int_equal(read_with(&o, file.data, file.len, &shown), ERR_NOT_FOUND);
    assert_int_equal(shown.len, expected.len);
    assert_memory_equal(shown.data, expected.data, expected.len);
    buf_fini(&shown);
    buf_fini(&expected);
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_rows_come_out_cell_by_cell),
        cmocka_unit_test(every_line_end_is_one_line_end),
        cmocka_unit_test(quotes_keep_what_they_enclose),
        cmocka_unit_test(a_quote_inside_a_plain_cell_is_text),
        cmocka_unit_test(rows_of_blanks_only_are_skipped_and_lines_still_counted),
        cmocka_unit_test(the_delimiter_is_found_in_the_first_line),
        cmocka_unit_test(an_impossible_delimiter_is_refused),
        cmocka_unit_test(windows_1251_is_recognised_and_converted),
        cmocka_unit_test(utf8_is_recognised_with_and_without_a_mark),
        cmocka_unit_test(a_damaged_utf8_file_is_not_taken_for_windows_1251),
        cmocka_unit_test(a_byte_outside_windows_1251_is_named),
        cmocka_unit_test(a_character_cut_by_the_window_is_still_one_character),
        cmocka_unit_test(other_kinds_of_file_are_named),
        cmocka_unit_test(a_stream_that_cannot_be_looked_through_is_refused),
        cmocka_unit_test(an_unclosed_quote_names_the_line_where_it_opened),
        cmocka_unit_test(text_after_a_closing_quote_is_refused),
        cmocka_unit_test(a_cell_of_ten_megabytes_is_over_the_limit),
        cmocka_unit_test(a_cell_at_the_limit_is_read_whole),
        cmocka_unit_test(too_many_columns_and_too_long_rows_are_over_the_limit),
        cmocka_unit_test(any_bytes_read_as_the_reference_reads_them),
        cmocka_unit_test(a_cell_is_quoted_only_when_it_must_be),
        cmocka_unit_test(a_formula_is_made_harmless),
        cmocka_unit_test(what_is_written_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
