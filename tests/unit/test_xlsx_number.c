/* test_xlsx_number.c: a number of a workbook is the text that a person sees in its cell; invariant 9: what is no day
 * and no number is refused, never guessed. */
#include "common/xlsx_number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct buf text;

static const char *shown(const char *number, const char *code, bool is_1904)
{
    buf_reset(&text);
    assert_int_equal(xlsx_number_put(&text, number, strlen(number), xlsx_format_of(code), is_1904), OK);
    return buf_cstr(&text);
}

static const char *plain(const char *number)
{
    return shown(number, "General", false);
}

static void assert_fails(enum err e, const char *number, const char *code, bool is_1904)
{
    buf_reset(&text);
    assert_int_equal(xlsx_number_put(&text, number, strlen(number), xlsx_format_of(code), is_1904), e);
    assert_int_equal(text.len, 0);
}

static void a_number_has_the_fifteen_digits_that_excel_shows(void **state)
{
    (void)state;
    assert_string_equal(plain("0"), "0");
    assert_string_equal(plain("-0"), "0");
    assert_string_equal(plain("7.0"), "7");
    assert_string_equal(plain("0.30000000000000004"), "0.3");
    assert_string_equal(plain("2.9999999999999996"), "3");
    assert_string_equal(plain("999999999999999.9"), "1000000000000000");
    assert_string_equal(plain("-12.5"), "-12.5");
    assert_string_equal(plain("1E+3"), "1000");
    assert_string_equal(plain("1.5e-3"), "0.0015");
    assert_string_equal(plain("1E-30"), "0.000000000000000000000000000001");
    assert_string_equal(plain("123456789012345678"), "123456789012346000");
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = {"",    "-",    ".",   "1,5", "1 ",    " 1", "1e",
                                      "1e+", "0x10", "nan", "inf", "1.2.3", "1-"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(ERR_MALFORMED, bad[i], "General", false);
    assert_fails(ERR_LIMIT, "1e31", "General", false);
    assert_fails(ERR_LIMIT, "1e-99999999999999999999", "General", false);
}

static void days_count_by_either_calendar_of_excel(void **state)
{
    (void)state;
    assert_string_equal(shown("1", "dd.mm.yyyy", false), "1900-01-01");
    assert_string_equal(shown("59", "dd.mm.yyyy", false), "1900-02-28");
    assert_string_equal(shown("61", "dd.mm.yyyy", false), "1900-03-01");
    assert_string_equal(shown("44075", "[$-419]d mmmm yyyy", false), "2020-09-01");
    assert_string_equal(shown("2958465", "d/m/yy", false), "9999-12-31");
    assert_string_equal(shown("0", "yyyy", true), "1904-01-01");
    assert_string_equal(shown("42613", "dd.mm.yyyy", true), "2020-09-01");
    assert_string_equal(shown("44075.9", "mmm", false), "2020-09-01");
}

static void there_is_no_29_february_1900_and_nothing_before(void **state)
{
    (void)state;
    assert_fails(ERR_INVALID, "60", "dd.mm.yyyy", false);
    assert_fails(ERR_INVALID, "0", "dd.mm.yyyy", false);
    assert_fails(ERR_INVALID, "-1", "dd.mm.yyyy", false);
    assert_fails(ERR_INVALID, "2958466", "dd.mm.yyyy", false);
    assert_fails(ERR_INVALID, "2958465", "dd.mm.yyyy", true); /* of that calendar in the year 10003 */
}

static void a_time_is_told_to_the_second(void **state)
{
    (void)state;
    assert_string_equal(shown("44075.354166666664", "dd.mm.yyyy hh:mm", false), "2020-09-01 08:30");
    assert_string_equal(shown("44075.999999999", "dd.mm.yyyy hh:mm", false), "2020-09-02");
    assert_string_equal(shown("0.354166666666667", "h:mm", false), "08:30");
    assert_string_equal(shown("1.5", "[h]:mm", false), "36:00");
    assert_string_equal(shown("0.00001157407", "h:mm:ss", false), "00:00:01");
}

static void shares_and_codes_keep_what_is_shown_with_them(void **state)
{
    (void)state;
    assert_string_equal(shown("0.45", "0%", false), "45%");
    assert_string_equal(shown("0.125", "0.0%", false), "12.5%");
    assert_string_equal(shown("12", "00000", false), "00012");
    assert_string_equal(shown("123456", "00000", false), "123456");
}

static void only_what_is_shown_of_a_format_makes_it_a_date(void **state)
{
    static const char *const numbers[] = {"General", "@",    "0",   "0.00",       "#,##0 \"дней\"", "0.00E+00",
                                          "[Red]0",  "0\\d", "0_h", "#,##0\"y\"", "# ?/?"};
    static const char *const dates[] = {"dd.mm.yyyy", "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "m", "yy\"г.\"",
                                        "dd.mm.yyyy;@"};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_int_equal(xlsx_format_of(numbers[i]).shown, XLSX_SHOWN_NUMBER);
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        assert_int_equal(xlsx_format_of(dates[i]).shown, XLSX_SHOWN_DATE);
    assert_int_equal(xlsx_format_of("mm:ss").shown, XLSX_SHOWN_TIME);
    assert_int_equal(xlsx_format_of("[mm]").shown, XLSX_SHOWN_TIME);
    assert_int_equal(xlsx_format_of("d.m.yy h:mm").shown, XLSX_SHOWN_MOMENT);
    assert_int_equal(xlsx_format_builtin(0).shown, XLSX_SHOWN_NUMBER);
    assert_int_equal(xlsx_format_builtin(14).shown, XLSX_SHOWN_DATE);
    assert_int_equal(xlsx_format_builtin(22).shown, XLSX_SHOWN_MOMENT);
    assert_int_equal(xlsx_format_builtin(20).shown, XLSX_SHOWN_TIME);
    assert_int_equal(xlsx_format_builtin(9).shown, XLSX_SHOWN_PERCENT);
}

static int set_up(void **state)
{
    (void)state;
    buf_init(&text, 256);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_the_fifteen_digits_that_excel_shows),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(days_count_by_either_calendar_of_excel),
        cmocka_unit_test(there_is_no_29_february_1900_and_nothing_before),
        cmocka_unit_test(a_time_is_told_to_the_second),
        cmocka_unit_test(shares_and_codes_keep_what_is_shown_with_them),
        cmocka_unit_test(only_what_is_shown_of_a_format_makes_it_a_date),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
