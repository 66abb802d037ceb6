/* test_value.c: dates, decimals and choices. */
#include "common/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void dates_agree_with_the_days_they_are_counted_from(void **state)
{
    static const struct {
        int year, month, day;
        int32_t days;
    } known[] = {{1970, 1, 1, 0},     {1969, 12, 31, -1},       {2000, 2, 29, 11016}, {2020, 9, 1, 18506},
                 {1, 1, 1, DATE_MIN}, {9999, 12, 31, DATE_MAX}, {1900, 3, 1, -25508}, {2100, 2, 28, 47540}};

    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        int year, month, day;

        assert_int_equal(date_from_civil(known[i].year, known[i].month, known[i].day), known[i].days);
        date_to_civil(known[i].days, &year, &month, &day);
        assert_int_equal(year, known[i].year);
        assert_int_equal(month, known[i].month);
        assert_int_equal(day, known[i].day);
    }
}

static void every_day_of_four_centuries_survives_text_and_agrees_with_the_c_library(void **state)
{
    int32_t from = date_from_civil(1800, 1, 1);
    int32_t to = date_from_civil(2200, 1, 1);

    (void)state;
    for (int32_t d = from; d < to; d++) {
        time_t at = (time_t)d * 86400;
        struct tm tm;
        char text[11], theirs[32];
        int32_t back = 0;

        date_format(text, d);
        assert_non_null(gmtime_r(&at, &tm));
        (void)strftime(theirs, sizeof(theirs), "%Y-%m-%d", &tm);
        assert_string_equal(text, theirs);
        assert_int_equal(date_parse(&back, text, 10), OK);
        assert_int_equal(back, d);
    }
}

static void a_date_is_read_whole_or_refused(void **state)
{
    static const struct {
        const char *text;
        enum err iso, local;
    } cases[] = {
        {"2020-09-01", OK, OK},
        {"01.09.2020", ERR_MALFORMED, OK},
        {"1.9.2020", ERR_MALFORMED, OK},
        {"2020-02-29", OK, OK},
        {"2021-02-29", ERR_INVALID, ERR_INVALID},
        {"31.04.2021", ERR_MALFORMED, ERR_INVALID},
        {"2020-13-01", ERR_INVALID, ERR_INVALID},
        {"2020-00-10", ERR_INVALID, ERR_INVALID},
        {"2020-01-00", ERR_INVALID, ERR_INVALID},
        {"0000-01-01", ERR_INVALID, ERR_INVALID},
        {"00.00.0000", ERR_MALFORMED, ERR_INVALID},
        {"2020-9-1", ERR_MALFORMED, ERR_MALFORMED},
        {"20-09-01", ERR_MALFORMED, ERR_MALFORMED},
        {"01.09.20", ERR_MALFORMED, ERR_MALFORMED},
        {"2020-09-01 ", ERR_MALFORMED, ERR_MALFORMED},
        {" 2020-09-01", ERR_MALFORMED, ERR_MALFORMED},
        {"2020-09-011", ERR_MALFORMED, ERR_MALFORMED},
        {"001.09.2020", ERR_MALFORMED, ERR_MALFORMED},
        {"2020/09/01", ERR_MALFORMED, ERR_MALFORMED},
        {"-2020-09-01", ERR_MALFORMED, ERR_MALFORMED},
        {"2020-09-", ERR_MALFORMED, ERR_MALFORMED},
        {"", ERR_MALFORMED, ERR_MALFORMED},
        {"вчера", ERR_MALFORMED, ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int32_t days = 12345;

        if (date_parse(&days, cases[i].text, strlen(cases[i].text)) != cases[i].iso)
            fail_msg("date_parse(\"%s\"): %s", cases[i].text, err_text());
        if (cases[i].iso != OK)
            assert_int_equal(days, 12345);
        if (date_parse_local(&days, cases[i].text, strlen(cases[i].text)) != cases[i].local)
            fail_msg("date_parse_local(\"%s\"): %s", cases[i].text, err_text());
        if (cases[i].local != OK)
            assert_int_equal(days, 12345);
    }
}

static void a_day_that_no_calendar_has_is_named_in_the_sentence(void **state)
{
    int32_t days;

    (void)state;
    assert_int_equal(date_parse_local(&days, "30.02.2021", 10), ERR_INVALID);
    assert_non_null(strstr(err_text(), "30.02.2021"));
}

static void days_outside_four_digit_years_are_shown_as_no_date(void **state)
{
    static const int32_t outside[] = {DATE_MIN - 1, DATE_MAX + 1, INT32_MIN, INT32_MAX};
    char text[11];

    (void)state;
    for (size_t i = 0; i < COUNT(outside); i++) {
        int year, month, day;

        date_to_civil(outside[i], &year, &month, &day); /* must not overflow */
        date_format(text, outside[i]);
        assert_string_equal(text, "0000-00-00");
    }
}

static void decimals_are_scaled_exactly(void **state)
{
    static const struct {
        const char *text;
        unsigned places;
        enum err e;
        int64_t scaled;
    } cases[] = {
        {"3.50", 2, OK, 350},
        {"3,5", 2, OK, 350},
        {"+3", 2, OK, 300},
        {"-0.01", 2, OK, -1},
        {"-0", 0, OK, 0},
        {"007", 0, OK, 7},
        {"3.500", 2, OK, 350}, /* what a spreadsheet writes */
        {"5.0", 0, OK, 5},
        {"000000000000000000000001", 0, OK, 1},
        {"999999999999999999", 0, OK, INT64_C(999999999999999999)},
        {"-999999999999999999", 0, OK, INT64_C(-999999999999999999)},
        {"999999999.999999999", 9, OK, INT64_C(999999999999999999)},
        {"1000000000000000000", 0, ERR_LIMIT, 0},
        {"1000000000.0", 9, ERR_LIMIT, 0},
        {"1", 19, ERR_LIMIT, 0},
        {"3.501", 2, ERR_INVALID, 0},
        {"5.5", 0, ERR_INVALID, 0},
        {"", 2, ERR_MALFORMED, 0},
        {"-", 2, ERR_MALFORMED, 0},
        {".5", 2, ERR_MALFORMED, 0},
        {"5.", 2, ERR_MALFORMED, 0},
        {"5.,1", 2, ERR_MALFORMED, 0},
        {"1e3", 2, ERR_MALFORMED, 0},
        {"1 000", 2, ERR_MALFORMED, 0},
        {"--1", 2, ERR_MALFORMED, 0},
        {"1.2.3", 2, ERR_MALFORMED, 0},
        {"0x10", 2, ERR_MALFORMED, 0},
        {"nan", 2, ERR_MALFORMED, 0},
        {"пять", 2, ERR_MALFORMED, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t scaled = -77;

        if (decimal_parse(&scaled, cases[i].text, strlen(cases[i].text), cases[i].places) != cases[i].e)
            fail_msg("\"%s\" with %u places: %s", cases[i].text, cases[i].places, err_text());
        assert_int_equal(scaled, cases[i].e == OK ? cases[i].scaled : -77);
    }
}

static void decimals_are_written_with_all_their_places(void **state)
{
    static const struct {
        int64_t scaled;
        unsigned places;
        const char *text;
    } cases[] = {
        {350, 2, "3.50"},
        {-1, 2, "-0.01"},
        {0, 0, "0"},
        {0, 3, "0.000"},
        {7, 0, "7"},
        {-120, 1, "-12.0"},
        {INT64_MAX, 0, "9223372036854775807"},
        {INT64_MIN, 9, "-9223372036.854775808"},
        {1, 18, "0.000000000000000001"},
        {1, 99, "0.000000000000000001"},
    };
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT(cases); i++) {
        buf_reset(&b);
        decimal_format(&b, cases[i].scaled, cases[i].places);
        assert_string_equal(buf_cstr(&b), cases[i].text);
    }
    buf_fini(&b);
}

static void random_decimals_come_back_from_their_text(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    struct buf b;

    (void)state;
    print_message("seed %u\n", seed);
    srandom(seed);
    buf_init(&b, 100);
    for (int i = 0; i < 20000; i++) {
        int64_t v = ((int64_t)random() << 31 | random()) % INT64_C(1000000000000000000) * (random() % 2 == 0 ? 1 : -1);
        unsigned places = (unsigned)random() % (VALUE_MAX_PLACES + 1);
        int64_t back = 0;

        buf_reset(&b);
        decimal_format(&b, v, places);
        assert_int_equal(decimal_parse(&back, buf_cstr(&b), b.len, places), OK);
        assert_int_equal(back, v);
    }
    buf_fini(&b);
}

static void a_choice_is_found_by_its_whole_code_only(void **state)
{
    static const struct choice items[] = {{"kdn", NULL, NULL}, {"kd", NULL, NULL}, {"pdn", NULL, NULL}};
    static const struct choice_list list = {"registers", items, 3};

    (void)state;
    assert_int_equal(choice_find(&list, "kdn", 3), 0);
    assert_int_equal(choice_find(&list, "kdnx", 2), 1);
    assert_int_equal(choice_find(&list, "pdn", 3), 2);
    assert_int_equal(choice_find(&list, "pd", 2), -1);
    assert_int_equal(choice_find(&list, "pdn\0x", 5), -1);
    assert_int_equal(choice_find(&list, "", 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_agree_with_the_days_they_are_counted_from),
        cmocka_unit_test(every_day_of_four_centuries_survives_text_and_agrees_with_the_c_library),
        cmocka_unit_test(a_date_is_read_whole_or_refused),
        cmocka_unit_test(a_day_that_no_calendar_has_is_named_in_the_sentence),
        cmocka_unit_test(days_outside_four_digit_years_are_shown_as_no_date),
        cmocka_unit_test(decimals_are_scaled_exactly),
        cmocka_unit_test(decimals_are_written_with_all_their_places),
        cmocka_unit_test(random_decimals_come_back_from_their_text),
        cmocka_unit_test(a_choice_is_found_by_its_whole_code_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
