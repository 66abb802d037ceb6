#include "agent/schedule.h"
#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(1600000000000) - INT64_C(1600000000000) % DAY + 12 * HOUR) /* 13 September 2020, UTC */

static const struct agent_conf conf = {
    .window_from_min = 60, .window_to_min = 300, .retry_first_ms = 30000, .retry_cap_ms = 3600000};

static int in_utc(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

static void each_computer_has_a_moment_of_its_own_inside_the_window(void **state)
{
    int64_t first = schedule_night(&conf, 1, NOON);
    unsigned different = 0;

    (void)state;
    for (uint64_t own = 0; own < 1000; own++) {
        uint64_t number = own * UINT64_C(0x9e3779b97f4a7c15);
        int64_t at = schedule_night(&conf, number, NOON);

        assert_in_range(at, NOON + 13 * HOUR, NOON + 17 * HOUR - 1);
        assert_int_equal(at, schedule_night(&conf, number, NOON)); /* the same every time */
        assert_int_equal(schedule_night(&conf, number, at), at + DAY);
        different += at != first;
    }
    assert_true(different > 990);
}

static void a_window_over_midnight_works(void **state)
{
    struct agent_conf c = conf;

    (void)state;
    c.window_from_min = 1320;
    c.window_to_min = 240;
    for (uint64_t own = 0; own < 100; own++) {
        int64_t at = schedule_night(&c, own * 999999937, NOON);

        assert_in_range(at, NOON + 10 * HOUR, NOON + 16 * HOUR - 1);
        /* After midnight, inside the window, the next moment is at most a day away. */
        assert_in_range(schedule_night(&c, own * 999999937, NOON + 13 * HOUR), NOON + 13 * HOUR + 1, NOON + 37 * HOUR);
    }
}

static void a_computer_that_was_never_synced_does_it_soon(void **state)
{
    struct schedule_state s = {0};

    (void)state;
    assert_in_range(schedule_next(&s, &conf, 5, NOON, UINT64_MAX), NOON, NOON + 15000);
}

/* The hub's load: as many in each quarter of an hour of the window as in the others. */
static void a_thousand_computers_are_spread_evenly_over_the_window(void **state)
{
    unsigned quarters[16] = {0};

    (void)state;
    for (uint32_t i = 0; i < 16000; i++) {
        uint8_t d[DIGEST_BYTES];
        uint8_t raw[4];

        be32_put(raw, i);
        digest_domain(d, "svodka schedule v1", bytes_of(raw, sizeof(raw)));
        quarters[(schedule_night(&conf, be64_get(d), NOON) - NOON - 13 * HOUR) / (15 * MINUTE)]++;
    }
    for (size_t i = 0; i < 16; i++)
        assert_in_range(quarters[i], 850, 1150); /* five standard deviations */
}

/* ---- time zones, days, holidays ---- */

/* The window is by the school's own clocks, whatever this computer is set to, also when they are put on or back. */
static void the_window_is_that_of_the_schools_time_zone(void **state)
{
    static const struct {
        const char *name;
        int64_t hours; /* before Greenwich, on 13 September 2020 */
    } zones[] = {{"Europe/Kaliningrad", 2}, {"Asia/Yekaterinburg", 5}, {"Asia/Kamchatka", 12}, {"Europe/Berlin", 2}};
    struct agent_conf c = conf;

    (void)state;
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        int64_t now = NOON;

        assert_int_equal(zone_open(&c.zone, zones[i].name), OK);
        assert_in_range((schedule_night(&c, 0, NOON) - NOON + 2 * DAY) % DAY, (13 - zones[i].hours) * HOUR,
                        (13 - zones[i].hours) * HOUR);
        for (unsigned night = 0; night < 400; night++) { /* one each day, and each inside the window */
            int64_t next = schedule_night(&c, 77 * UINT64_C(0x9e3779b97f4a7c15), now);
            struct zone_time t = zone_at(c.zone, next);

            assert_in_range(t.minute, 60, 300 - 1);
            assert_true(next > now);
            assert_true(night == 0 || t.day == zone_at(c.zone, now).day + 1);
            now = next;
        }
        zone_free(c.zone);
        c.zone = NULL;
    }
}

static void in_nights_without_nothing_is_sent_by_itself(void **state)
{
    struct agent_conf c = conf;
    struct schedule_state s = {.success_ms = NOON};

    (void)state;
    assert_int_equal(sync_days_read(&c.days, "mon-wed, fri"), OK); /* 13 September 2020 was a Sunday */
    assert_int_equal(sync_holidays_read(&c.days, "09-14..09-15, 2020-09-18..2020-09-21, 12-30..01-10"), OK);
    assert_int_equal(schedule_night(&c, 0, NOON) - NOON, 2 * DAY + 13 * HOUR);           /* Wednesday the 16th */
    assert_int_equal(schedule_night(&c, 0, NOON + 3 * DAY) - NOON, 8 * DAY + 13 * HOUR); /* Tuesday the 22nd */
    assert_false(schedule_is_missed(&s, &c, 0, NOON + 2 * DAY));
    assert_true(schedule_is_missed(&s, &c, 0, NOON + 3 * DAY));
    /* A missed one is made up for on any day: here on a holiday. */
    assert_in_range(schedule_next(&s, &c, 0, NOON + 5 * DAY, 7), NOON + 5 * DAY, NOON + 5 * DAY + SCHEDULE_MISSED_MS);
    assert_int_equal(sync_holidays_read(&c.days, "01-01..12-31"), OK);
    assert_true(schedule_night(&c, 0, NOON) == SCHEDULE_NEVER);
    assert_true(schedule_next(&s, &c, 0, NOON, 7) == SCHEDULE_NEVER);
}

static void days_and_holidays_are_read_whole_or_refused_with_an_example(void **state)
{
    static const char *const days[] = {"", "mon-", "monday", "mon,,fri", "mon..fri", "1-5", "mon-fri,"};
    static const char *const holidays[] = {
        "", "2020-02-30", "13-01", "01-01..2020-01-08", "2020-05-03..2020-05-01", "01-01-01-08", "01-01,"};
    struct sync_days d = {.off = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        assert_int_equal(sync_days_read(&d, days[i]), ERR_INVALID);
        assert_non_null(strstr(err_text(), "mon-fri"));
    }
    for (size_t i = 0; i < sizeof(holidays) / sizeof(holidays[0]); i++) {
        assert_int_equal(sync_holidays_read(&d, holidays[i]), ERR_INVALID);
        assert_non_null(strstr(err_text(), "12-28..01-08"));
    }
    assert_int_equal(sync_days_read(&d, "пт-пн"), OK); /* over the end of the week */
    assert_int_equal(d.off, 0x0e);
}

/* ---- a clock that is wrong ---- */

/* Put back by years, or on by years, the night still comes, and nobody waits for what another clock said. */
static void a_clock_that_jumped_by_years_stops_no_night(void **state)
{
    const int64_t jumps[] = {-10 * 365 * DAY, -DAY, 3 * DAY, 9 * 365 * DAY};

    (void)state;
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        struct schedule_state kept = {.success_ms = NOON, .noted_ms = NOON};
        struct schedule_state told = {.success_ms = NOON - DAY, .noted_ms = NOON, .not_before_ms = NOON + 20 * HOUR};
        struct schedule_state failing = {.success_ms = NOON - DAY, .noted_ms = NOON, .failures = 40};
        int64_t now = NOON + jumps[i];

        assert_in_range(schedule_next(&kept, &conf, 5, now, 7919) - now, 0, SCHEDULE_MISSED_MS);
        assert_in_range(schedule_next(&told, &conf, 5, now, 7919) - now, 0, HOUR + SCHEDULE_MISSED_MS);
        assert_in_range(schedule_next(&failing, &conf, 5, now, 7919) - now, 0, HOUR);
    }
}

/* While it is watched the waiting goes on as it was. */
static void a_clock_put_back_while_it_is_watched_changes_no_waiting(void **state)
{
    struct schedule_state s = {.success_ms = NOON - HOUR, .noted_ms = NOON, .not_before_ms = NOON + 2 * HOUR};

    (void)state;
    schedule_put_back(&s, 400 * DAY);
    assert_true(schedule_next(&s, &conf, 5, NOON - 400 * DAY, 3) == NOON - 400 * DAY + 2 * HOUR);
    assert_false(schedule_is_missed(&s, &conf, 5, NOON - 400 * DAY));
    s.not_before_ms = SCHEDULE_NEVER;
    schedule_put_back(&s, 400 * DAY);
    assert_true(s.not_before_ms == SCHEDULE_NEVER);
}

/* ---- urgent, and limits ---- */

static void what_is_urgent_goes_at_once_but_not_before_the_hub_asked_us_back(void **state)
{
    struct schedule_state s = {.success_ms = NOON, .noted_ms = NOON, .urgent = 9};

    (void)state;
    assert_int_equal(schedule_next(&s, &conf, 5, NOON + 1, 12345), NOON + 1);
    s.not_before_ms = NOON + 600000;
    assert_int_equal(schedule_next(&s, &conf, 5, NOON + 1, 12345), NOON + 600000);
    s.not_before_ms = 0;
    s.failures = 3;
    assert_in_range(schedule_next(&s, &conf, 5, NOON + 1, 12345), NOON + 1, NOON + 240000);
}

static void a_nights_bytes_are_counted_from_noon_to_noon(void **state)
{
    struct agent_conf c = conf;
    struct schedule_state s = {.night = (int32_t)(NOON / DAY) + 1, .night_bytes = 70000};

    (void)state;
    assert_true(schedule_budget(&s, &c, NOON) == UINT64_MAX);
    c.max_night = 100000;
    assert_int_equal(schedule_budget(&s, &c, NOON + 1), 30000);
    assert_int_equal(schedule_budget(&s, &c, NOON + DAY - 1), 30000);
    assert_int_equal(schedule_budget(&s, &c, NOON + DAY), 100000);
    assert_int_equal(schedule_budget(&s, &c, NOON - 1), 100000);
    s.night_bytes = 200000;
    assert_int_equal(schedule_budget(&s, &c, NOON), 0);
    s.urgent = 1;
    assert_true(schedule_budget(&s, &c, NOON) == UINT64_MAX);
}

static void a_missed_night_is_made_up_for_with_jitter_and_a_kept_one_waits(void **state)
{
    struct schedule_state missed = {.success_ms = NOON - 2 * DAY};
    struct schedule_state kept = {.success_ms = NOON - HOUR};
    int64_t least = INT64_MAX;
    int64_t most = 0;

    (void)state;
    for (uint64_t chance = 0; chance < 1000; chance++) {
        int64_t at = schedule_next(&missed, &conf, 5, NOON, chance * 7919);

        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    assert_in_range(least, NOON, NOON + MINUTE);
    assert_in_range(most, NOON + 4 * MINUTE, NOON + 5 * MINUTE);
    assert_int_equal(schedule_next(&kept, &conf, 5, NOON, 1), schedule_night(&conf, 5, NOON));
}

static void failures_are_tried_again_with_full_jitter_up_to_the_cap(void **state)
{
    struct schedule_state s = {.success_ms = NOON - HOUR};
    const struct sync_result dead = {.outcome = SYNC_UNREACHABLE};
    int64_t limit = conf.retry_first_ms;

    (void)state;
    for (uint32_t n = 1; n < 12; n++) {
        limit = limit * 2 < conf.retry_cap_ms ? limit * 2 : conf.retry_cap_ms;
        schedule_after(&s, &conf, 5, &dead, NOON, 3);
        assert_int_equal(s.failures, n);
        for (uint64_t chance = 0; chance < 100; chance++)
            assert_in_range(schedule_next(&s, &conf, 5, NOON, chance * 104729), NOON, NOON + limit - 1);
    }
    schedule_after(&s, &conf, 5, &(struct sync_result){.outcome = SYNC_COMPLETE}, NOON, 3);
    assert_int_equal(s.failures, 0);
    assert_int_equal(s.success_ms, NOON);
}

static void later_is_obeyed_plus_a_random_tenth(void **state)
{
    struct schedule_state s = {.success_ms = NOON - 3 * DAY, .failures = 4};
    const struct sync_result later = {.outcome = SYNC_LATER, .later_seconds = 600};

    (void)state;
    for (uint64_t chance = 0; chance < 200; chance++) {
        schedule_after(&s, &conf, 5, &later, NOON, chance * 7919);
        assert_in_range(s.not_before_ms, NOON + 600000, NOON + 660000);
        assert_int_equal(schedule_next(&s, &conf, 5, NOON + 1000, chance), s.not_before_ms);
    }
    assert_int_equal(schedule_next(&s, &conf, 5, NOON + 700000, 1), NOON + 700000); /* it is time */
}

static void refusals_are_asked_about_once_a_day_or_never_by_itself(void **state)
{
    struct schedule_state s = {.success_ms = NOON - HOUR};
    struct sync_result r = {.outcome = SYNC_REFUSED, .refusal = MERR_HELD};

    (void)state;
    schedule_after(&s, &conf, 5, &r, NOON, 1);
    assert_int_equal(schedule_next(&s, &conf, 5, NOON, 1), schedule_night(&conf, 5, NOON));
    r.refusal = MERR_INVITATION_USED;
    schedule_after(&s, &conf, 5, &r, NOON, 1);
    assert_true(schedule_next(&s, &conf, 5, NOON + 100 * DAY, 1) == SCHEDULE_NEVER);
    r.refusal = MERR_LIMIT;
    s.not_before_ms = 0;
    schedule_after(&s, &conf, 5, &r, NOON, 1);
    assert_int_equal(s.failures, 1);
    schedule_after(&s, &conf, 5, &(struct sync_result){.outcome = SYNC_LOCKED}, NOON, 1);
    assert_int_equal(s.failures, 1);
}

static void a_result_travels_whole_between_processes(void **state)
{
    const struct sync_result r = {.outcome = SYNC_REFUSED,
                                  .refusal = MERR_HELD,
                                  .later_seconds = 7,
                                  .joined = true,
                                  .records = 1u << 30,
                                  .verdicts = {1, 2, 3, 4},
                                  .resumed_offset = 77,
                                  .left = 9,
                                  .limited = true};
    struct sync_result back;
    char text[SYNC_TEXT];
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    assert_int_equal(sync_result_encode(&b, &r, "приостановлено"), OK);
    assert_int_equal(sync_result_decode(&back, text, bytes_of(b.data, b.len)), OK);
    assert_string_equal(text, "приостановлено");
    assert_int_equal(back.outcome, SYNC_REFUSED);
    assert_int_equal(back.refusal, MERR_HELD);
    assert_int_equal(back.later_seconds, 7);
    assert_true(back.joined);
    assert_int_equal(back.records, 1u << 30);
    assert_memory_equal(back.verdicts, r.verdicts, sizeof(r.verdicts));
    assert_int_equal(back.resumed_offset, 77);
    assert_int_equal(back.left, 9);
    assert_true(back.limited);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(sync_result_decode(&back, text, bytes_of(b.data, len)), ERR_MALFORMED);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_computer_has_a_moment_of_its_own_inside_the_window),
        cmocka_unit_test(a_window_over_midnight_works),
        cmocka_unit_test(a_thousand_computers_are_spread_evenly_over_the_window),
        cmocka_unit_test(the_window_is_that_of_the_schools_time_zone),
        cmocka_unit_test(in_nights_without_nothing_is_sent_by_itself),
        cmocka_unit_test(days_and_holidays_are_read_whole_or_refused_with_an_example),
        cmocka_unit_test(a_clock_that_jumped_by_years_stops_no_night),
        cmocka_unit_test(a_clock_put_back_while_it_is_watched_changes_no_waiting),
        cmocka_unit_test(what_is_urgent_goes_at_once_but_not_before_the_hub_asked_us_back),
        cmocka_unit_test(a_nights_bytes_are_counted_from_noon_to_noon),
        cmocka_unit_test(a_computer_that_was_never_synced_does_it_soon),
        cmocka_unit_test(a_missed_night_is_made_up_for_with_jitter_and_a_kept_one_waits),
        cmocka_unit_test(failures_are_tried_again_with_full_jitter_up_to_the_cap),
        cmocka_unit_test(later_is_obeyed_plus_a_random_tenth),
        cmocka_unit_test(refusals_are_asked_about_once_a_day_or_never_by_itself),
        cmocka_unit_test(a_result_travels_whole_between_processes),
    };

    return cmocka_run_group_tests_name("schedule", tests, in_utc, NULL);
}
