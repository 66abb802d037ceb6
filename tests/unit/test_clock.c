/* test_clock.c: the wall clock obeys tests, the other one obeys nobody. */
#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

static int put_clock_back(void **state)
{
    (void)state;
    clock_test_real();
    return 0;
}

static void be_in(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static void the_wall_clock_stands_where_a_test_puts_it(void **state)
{
    int64_t real;

    (void)state;
    clock_test_set(12345);
    assert_true(clock_wall_ms() == 12345);
    assert_true(clock_wall_ms() == 12345);
    clock_test_real();
    real = (int64_t)time(NULL);
    assert_true(clock_wall_ms() / 1000 >= real && clock_wall_ms() / 1000 < real + 3600);
}

static void the_monotonic_clock_goes_on_when_the_wall_clock_stands(void **state)
{
    int64_t before_ns = clock_mono_ns();
    int64_t before_ms = clock_mono_ms();

    (void)state;
    clock_test_set(0);
    assert_true(before_ms >= before_ns / 1000000);
    clock_sleep_ms(1); /* on the real clock; a signal may end it, none is sent here */
    assert_true(clock_mono_ns() - before_ns >= 1000000);
    assert_true(clock_mono_ms() > before_ms);
}

static void no_time_is_slept_for_no_time(void **state)
{
    (void)state;
    clock_sleep_ms(0);
    clock_sleep_ms(INT64_MIN);
}

/* 18:30 UTC is midnight five and a half hours further east. */
static void today_is_the_day_on_the_local_calendar(void **state)
{
    (void)state;
    clock_test_set(20000 * DAY_MS + 18 * 3600000 + 1800000);
    be_in("UTC0");
    assert_int_equal(clock_today(), 20000);
    be_in("<+0530>-5:30");
    assert_int_equal(clock_today(), 20001);
    clock_test_set(20000 * DAY_MS + 18 * 3600000 + 1800000 - 1000);
    assert_int_equal(clock_today(), 20000);
    clock_test_set(20000 * DAY_MS + 2 * 3600000);
    be_in("<-03>3");
    assert_int_equal(clock_today(), 19999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_wall_clock_stands_where_a_test_puts_it, put_clock_back),
        cmocka_unit_test_teardown(the_monotonic_clock_goes_on_when_the_wall_clock_stands, put_clock_back),
        cmocka_unit_test(no_time_is_slept_for_no_time),
        cmocka_unit_test_teardown(today_is_the_day_on_the_local_calendar, put_clock_back),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
