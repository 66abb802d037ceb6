/* test_outlook.c: what `svodka-agent status` says of what happens next: always something, and always what the schedule
 * will do. */
#include "agent/outlook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)
#define NOON (INT64_C(18518) * DAY + 12 * HOUR) /* 13 September 2020, UTC */

static const struct agent_conf conf = {
    .window_from_min = 60, .window_to_min = 300, .retry_first_ms = 30000, .retry_cap_ms = 3600000};

static int in_utc(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    return 0;
}

static void expect(const struct schedule_state *s, const struct agent_conf *c, bool is_running, int64_t now,
                   enum outlook_kind kind, const char *words)
{
    struct outlook o = outlook_of(s, c, 0, is_running, now);
    char text[OUTLOOK_TEXT];

    outlook_say(text, &o, s, c, now);
    if (o.kind != kind || strstr(text, words) == NULL)
        fail_msg("%s: \"%s\" instead of \"%s\"", outlook_name(o.kind), text, words);
}

static void a_quiet_evening_names_the_hour_and_what_if_the_computer_is_off(void **state)
{
    struct schedule_state s = {.success_ms = NOON - HOUR, .noted_ms = NOON - HOUR};
    struct agent_conf c = conf;

    (void)state;
    expect(&s, &conf, true, NOON, OUTLOOK_NIGHT,
           "tonight at 01:00, if this computer is on then; else within 5 minutes after it is switched on");
    expect(&s, &conf, true, NOON + 12 * HOUR + 1, OUTLOOK_NIGHT, "tonight at 01:00");
    assert_int_equal(sync_days_read(&c.days, "wed"), OK);
    expect(&s, &c, true, NOON, OUTLOOK_NIGHT, "on 16 Sep 2020 at 01:00");
    c = conf;
    assert_int_equal(zone_open(&c.zone, "Asia/Kamchatka"), OK); /* midnight there: the school's clocks count */
    expect(&s, &c, true, NOON + HOUR / 2, OUTLOOK_NIGHT, "tonight at 01:00");
    zone_free(c.zone);
}

static void everything_else_is_said_as_well(void **state)
{
    struct schedule_state s = {.success_ms = 0};
    struct agent_conf c = conf;

    (void)state;
    expect(&s, &conf, true, NOON, OUTLOOK_SOON, "within 5 minutes");
    expect(&s, &conf, false, NOON, OUTLOOK_BY_HAND, "svodka-agent run is not at work on this computer");
    s = (struct schedule_state){.success_ms = NOON - 2 * DAY, .noted_ms = NOON - 2 * DAY};
    expect(&s, &conf, true, NOON, OUTLOOK_SOON, "within 5 minutes"); /* a missed night */
    s.noted_ms = NOON;
    s.failures = 2;
    s.next_ms = NOON + HOUR;
    expect(&s, &conf, true, NOON, OUTLOOK_RETRY, "could not be reached (2 tries); again today at 13:00");
    expect(&s, &conf, true, NOON + 2 * HOUR, OUTLOOK_RETRY, "it is being tried again");
    s.failures = 0;
    s.not_before_ms = NOON + HOUR;
    s.last = SYNC_LATER;
    expect(&s, &conf, true, NOON, OUTLOOK_LATER, "asked us to come back today at 13:00");
    s.last = SYNC_REFUSED;
    s.not_before_ms = NOON + 13 * HOUR;
    expect(&s, &conf, true, NOON, OUTLOOK_REFUSED, "takes nothing from this computer at present");
    s.not_before_ms = SCHEDULE_NEVER;
    expect(&s, &conf, false, NOON, OUTLOOK_NEVER, "ask the district office for a new one");
    s = (struct schedule_state){.success_ms = NOON, .noted_ms = NOON, .urgent = 1};
    expect(&s, &conf, true, NOON, OUTLOOK_SOON, "within 5 minutes");
    s.urgent = 0;
    assert_int_equal(sync_holidays_read(&c.days, "01-01..12-31"), OK);
    expect(&s, &c, true, NOON, OUTLOOK_NO_NIGHT, "there is no night for it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_evening_names_the_hour_and_what_if_the_computer_is_off),
        cmocka_unit_test(everything_else_is_said_as_well),
    };

    return cmocka_run_group_tests_name("outlook", tests, in_utc, NULL);
}
