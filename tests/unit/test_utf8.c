/* test_utf8.c: design section 3, invariants 8 (bounded) and 9 (explained). */
#include "common/utf8.h"

#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include <cmocka.h>

#define LAST_POINT 0x10FFFF

static uint64_t seed;

static uint32_t random_u32(void)
{
    seed ^= seed << 13; /* xorshift64 */
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static void expect_folded(const char *in, const char *expected)
{
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(utf8_put_folded(&out, in, strlen(in)), OK);
    assert_string_equal(buf_cstr(&out), expected);
    buf_fini(&out);
}

static void expect_nfc(const char *in, const char *expected)
{
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(utf8_put_nfc(&out, in, strlen(in)), OK);
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(utf8_is_nfc(in, strlen(in)), strcmp(in, expected) == 0);
    assert_true(utf8_is_nfc(expected, strlen(expected)));
    buf_fini(&out);
}

static void every_code_point_but_the_surrogates_is_valid(void **state)
{
    (void)state;
    for (int point = 0; point <= LAST_POINT; point++) {
        uint8_t bytes[4];
        size_t len = (size_t)utf8proc_encode_char(point, bytes);
        bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;

        assert_int_equal(utf8_is_valid(bytes, len), !is_surrogate);
        if (is_surrogate)
            continue;
        assert_int_equal(utf8_count(bytes, len), 1);
        for (size_t cut = 1; cut < len; cut++) /* every prefix is refused at its first byte */
            assert_int_equal(utf8_first_bad(bytes, cut), 0);
    }
}

static void malformed_bytes_are_found_where_they_stand(void **state)
{
    static const struct {
        const char *bytes;
        size_t len, bad;
    } cases[] = {
        {"", 0, 0},
        {"abcdefghijkl", 12, 12},
        {"abcdefgh\x80", 9, 8},
        {"\xC0\x80", 2, 0},                       /* over-long NUL */
        {"a\xC1\xBF", 3, 1},                      /* over-long */
        {"\xE0\x9F\xBF", 3, 0},                   /* over-long */
        {"\xF0\x8F\xBF\xBF", 4, 0},               /* over-long */
        {"\xED\xA0\x80", 3, 0},                   /* surrogate */
        {"\xF4\x90\x80\x80", 4, 0},               /* above U+10FFFF */
        {"\xF5\x80\x80\x80", 4, 0},               /* no such first byte */
        {"\xFF", 1, 0},                           /* no such byte */
        {"\xD0\x9F\xD1", 3, 2},                   /* cut */
        {"\xD0\x9F\xE2\x82\x28", 5, 2},           /* third byte wrong */
        {"12345678\xF0\x9F\x98\x80\xBF", 13, 12}, /* one too many */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(utf8_first_bad(cases[i].bytes, cases[i].len), cases[i].bad);
        assert_int_equal(utf8_is_valid(cases[i].bytes, cases[i].len), cases[i].bad == cases[i].len);
    }
}

static void malformed_text_is_refused_and_nothing_is_appended(void **state)
{
    const char bad[] = "\xD0\x9F\xD1";
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(utf8_put_nfc(&out, bad, 3), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "byte 3"));
    assert_int_equal(utf8_put_folded(&out, bad, 3), ERR_MALFORMED);
    assert_int_equal(utf8_put_cp1251(&out, "ab\x98", 3), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "byte 3"));
    assert_int_equal(out.len, 0);
    assert_false(utf8_is_nfc(bad, 3));
    buf_fini(&out);
}

static void composed_and_decomposed_letters_become_the_same(void **state)
{
    (void)state;
    expect_nfc("Школа № 7 «Заря» — Ёлкино", "Школа № 7 «Заря» — Ёлкино");
    expect_nfc("и\xCC\x86", "й");
    expect_nfc("Е\xCC\x88лка", "Ёлка");
    expect_nfc("e\xCC\x81", "\xC3\xA9");
    expect_nfc("\xE2\x84\xAB", "\xC3\x85");               /* Angstrom sign */
    expect_nfc("q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87"); /* order of marks */
    expect_nfc("", "");
}

/* The quick check must agree with the whole algorithm on each character and on each pair with a mark. */
static void the_quick_check_agrees_with_the_algorithm(void **state)
{
    static const char *const marks[] = {"", "\xCC\x81", "\xCC\x88", "\xCC\x86", "\xD2\x83"};

    (void)state;
    for (int point = 1; point <= 0x3000; point++)
        for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]); m++) {
            utf8proc_uint8_t *nfc;
            uint8_t text[16] = {0};
            size_t len = (size_t)utf8proc_encode_char(point, text);

            memcpy(text + len, marks[m], strlen(marks[m]) + 1);
            nfc = utf8proc_NFC(text);
            assert_non_null(nfc);
            assert_int_equal(utf8_is_nfc(text, strlen((char *)text)), strcmp((char *)nfc, (char *)text) == 0);
            free(nfc);
        }
}

static void folding_makes_headings_comparable(void **state)
{
    (void)state;
    expect_folded("  Дата\t рождения\n", "дата рождения");
    expect_folded("ДАТА\xC2\xA0РОЖДЕНИЯ", "дата рождения");
    expect_folded("Класс (Буква) №\xE2\x80\x83"
                  "2",
                  "класс (буква) №\x20"
                  "2");
    expect_folded("ЁЖИК Ђ", "ёжик ђ");
    expect_folded("Stra\xC3\x9F"
                  "E",
                  "strasse");
    expect_folded("и\xCC\x86ОД", "йод");
    expect_folded(" \t\r\n\xE3\x80\x80", "");
    expect_folded("", "");
    expect_folded("Имя", "имя");
    expect_folded("\xC3\x80 \xC2\x85 \xE2\x80\xA8 b", "\xC3\xA0 b");
}

static void folding_twice_changes_nothing(void **state)
{
    struct buf once;
    struct buf twice;

    (void)state;
    buf_init(&once, 4096);
    buf_init(&twice, 4096);
    for (int point = 0; point <= LAST_POINT; point++) {
        uint8_t bytes[4];
        size_t len = (size_t)utf8proc_encode_char(point, bytes);

        if ((point >= 0xD800 && point <= 0xDFFF) || point == 0)
            continue;
        buf_reset(&once);
        buf_reset(&twice);
        assert_int_equal(utf8_put_folded(&once, bytes, len), OK);
        assert_int_equal(utf8_put_folded(&twice, once.data, once.len), OK);
        assert_int_equal(once.len, twice.len);
        if (once.len > 0)
            assert_memory_equal(once.data, twice.data, once.len);
    }
    buf_fini(&once);
    buf_fini(&twice);
}

static void random_bytes_are_judged_as_iconv_judges_them(void **state)
{
    iconv_t to_utf16 = iconv_open("UTF-16LE", "UTF-8");

    (void)state;
    assert_true(to_utf16 != (iconv_t)-1);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 100000; round++) {
        static const uint8_t likely[] = {'a', 0xD0, 0x9F, 0x80, 0xBF, 0xE2, 0xED, 0xA0, 0xF0, 0xF4, 0x8F, 0x90, 0xC2};
        char in[12];
        char out[64];
        char *from = in;
        char *to = out;
        size_t from_left = random_u32() % sizeof(in);
        size_t to_left = sizeof(out);
        size_t len = from_left;

        for (size_t i = 0; i < len; i++)
            in[i] = (char)(random_u32() % 4 == 0 ? random_u32() : likely[random_u32() % sizeof(likely)]);
        (void)iconv(to_utf16, NULL, NULL, NULL, NULL);
        assert_int_equal(utf8_is_valid(in, len), iconv(to_utf16, &from, &from_left, &to, &to_left) != (size_t)-1);
        assert_int_equal(utf8_first_bad(in, len), len - from_left);
    }
    (void)iconv_close(to_utf16);
}

static void windows_1251_is_read_as_iconv_reads_it(void **state)
{
    iconv_t to_utf8 = iconv_open("UTF-8", "CP1251");
    struct buf out;

    (void)state;
    assert_true(to_utf8 != (iconv_t)-1);
    buf_init(&out, 4096);
    for (unsigned byte = 0; byte < 256; byte++) {
        char in[3] = {'a', (char)byte, 'z'};
        char expected[16];
        char *from = in;
        char *to = expected;
        size_t from_left = sizeof(in);
        size_t to_left = sizeof(expected);
        bool is_known = iconv(to_utf8, &from, &from_left, &to, &to_left) != (size_t)-1;

        (void)iconv(to_utf8, NULL, NULL, NULL, NULL);
        buf_reset(&out);
        assert_int_equal(utf8_put_cp1251(&out, in, sizeof(in)), is_known ? OK : ERR_MALFORMED);
        assert_int_equal(is_known, byte != 0x98);
        if (is_known) {
            assert_int_equal(out.len, sizeof(expected) - to_left);
            assert_memory_equal(out.data, expected, out.len);
        }
    }
    buf_reset(&out);
    assert_int_equal(utf8_put_cp1251(&out, "", 0), OK);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
    (void)iconv_close(to_utf8);
}

static void a_full_buffer_says_so(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    assert_int_not_equal(utf8_put_nfc(&out, "школа", 10), OK);
    buf_reset(&out);
    assert_int_not_equal(utf8_put_cp1251(&out, "\xF8\xEA\xEE\xEB\xE0", 5), OK);
    buf_reset(&out);
    assert_int_not_equal(utf8_put_folded(&out, "школа", 10), OK);
    buf_fini(&out);
}

static void width_counts_columns_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(utf8_width(""), 0);
    assert_int_equal(utf8_width("Школа 7"), 7);
    assert_int_equal(utf8_width("и\xCC\x86"), 1);
    assert_int_equal(utf8_width("日本"), 4);
    assert_int_equal(utf8_width("a\tb\x1B"), 2);
    assert_int_equal(utf8_width("\xFFz"), 2);
    assert_int_equal(utf8_width("№ «»—…"), 6);
}

static void count_counts_code_points(void **state)
{
    (void)state;
    assert_int_equal(utf8_count("", 0), 0);
    assert_int_equal(utf8_count("Школа 7", strlen("Школа 7")), 7);
    assert_int_equal(utf8_count("и\xCC\x86", 4), 2);
}

/* Invariant 8: utf8proc would sort the marks one by one, for minutes. */
static void endless_combining_marks_are_refused_at_once(void **state)
{
    struct buf out;
    struct buf text;

    (void)state;
    buf_init(&out, 1 << 20);
    buf_init(&text, 1 << 20);
    buf_put_str(&text, "и");
    for (int i = 0; i < 30; i++)
        buf_put_str(&text, "\xCC\x86"); /* U+0306 */
    assert_int_equal(utf8_put_nfc(&out, text.data, text.len), OK);
    for (int i = 0; i < 100000; i++)
        buf_put_str(&text, i % 2 == 0 ? "\xCC\xA3" : "\xCC\x86");
    assert_int_equal(utf8_put_nfc(&out, text.data, text.len), ERR_MALFORMED);
    buf_fini(&out);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_but_the_surrogates_is_valid),
        cmocka_unit_test(malformed_bytes_are_found_where_they_stand),
        cmocka_unit_test(malformed_text_is_refused_and_nothing_is_appended),
        cmocka_unit_test(composed_and_decomposed_letters_become_the_same),
        cmocka_unit_test(the_quick_check_agrees_with_the_algorithm),
        cmocka_unit_test(folding_makes_headings_comparable),
        cmocka_unit_test(folding_twice_changes_nothing),
        cmocka_unit_test(random_bytes_are_judged_as_iconv_judges_them),
        cmocka_unit_test(windows_1251_is_read_as_iconv_reads_it),
        cmocka_unit_test(a_full_buffer_says_so),
        cmocka_unit_test(width_counts_columns_of_a_terminal),
        cmocka_unit_test(count_counts_code_points),
        cmocka_unit_test(endless_combining_marks_are_refused_at_once),
    };

    seed = (uint64_t)time(NULL) | 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
