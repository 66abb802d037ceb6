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
                                  .left = 9};
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
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(sync_result_decode(&back, text, bytes_of(b.data, len)), ERR_MALFORMED);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_computer_has_a_moment_of_its_own_inside_the_window),
        cmocka_unit_test(a_window_over_midnight_works),
        cmocka_unit_test(a_computer_that_was_never_synced_does_it_soon),
        cmocka_unit_test(a_missed_night_is_made_up_for_with_jitter_and_a_kept_one_waits),
        cmocka_unit_test(failures_are_tried_again_with_full_jitter_up_to_the_cap),
        cmocka_unit_test(later_is_obeyed_plus_a_random_tenth),
        cmocka_unit_test(refusals_are_asked_about_once_a_day_or_never_by_itself),
        cmocka_unit_test(a_result_travels_whole_between_processes),
    };

    return cmocka_run_group_tests_name("schedule", tests, in_utc, NULL);
}
