/* test_schedule_keep.c: what the schedule keeps over restarts (schedule_keep.c). */
#include "agent/queue.h"
#include "agent/schedule.h"
#include "agent_fixture.h"

#include <time.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct sync_result complete = {.outcome = SYNC_COMPLETE};
static const struct sync_result dead_line = {.outcome = SYNC_UNREACHABLE};

static int in_utc(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    return 0;
}

static struct schedule_state loaded(const struct school *s)
{
    struct schedule_state st;

    assert_int_equal(schedule_load(s->a, &st), OK);
    return st;
}

static void note(struct school *s, const struct sync_result *r)
{
    struct schedule_state st = loaded(s);

    assert_int_equal(schedule_note(s->a, r, &st), OK);
}

static void put_number(const struct school *s, const char *key, int64_t n)
{
    uint8_t raw[8];

    be64_put(raw, (uint64_t)n);
    assert_int_equal(agent_meta_put(s->a, NULL, key, bytes_of(raw, sizeof(raw))), OK);
}

static void everything_is_there_after_a_restart(void **state)
{
    struct school *s = *state;
    struct schedule_state st, back;

    st = loaded(s);
    assert_int_equal(st.success_ms, 0);
    note(s, &complete);
    note(s, &dead_line);
    note(s, &dead_line);
    assert_int_equal(schedule_urgent(s->a), OK);
    st = loaded(s);
    assert_int_equal(st.failures, 2);
    assert_int_equal(st.success_ms, TEST_NOW_MS);
    assert_int_equal(st.noted_ms, TEST_NOW_MS);
    assert_int_equal(st.last, SYNC_UNREACHABLE);
    assert_true(st.urgent != 0);
    reopen(s);
    back = loaded(s);
    assert_memory_equal(&back, &st, sizeof(st));
}

/* What is queued as urgent while a pass is under way is not settled by it. */
static void a_wish_that_comes_during_a_pass_outlives_it(void **state)
{
    struct school *s = *state;
    struct schedule_state before;

    note(s, &complete);
    assert_int_equal(schedule_urgent(s->a), OK);
    before = loaded(s);
    assert_int_equal(schedule_urgent(s->a), OK); /* another one, meanwhile */
    assert_int_equal(schedule_note(s->a, &complete, &before), OK);
    assert_true(before.urgent != 0);
    assert_int_equal(before.next_ms, TEST_NOW_MS); /* so it goes again, at once */
    note(s, &dead_line);
    assert_true(loaded(s).urgent != 0); /* a line that is dead settles nothing */
    note(s, &complete);
    assert_int_equal(loaded(s).urgent, 0);
    assert_true(loaded(s).next_ms > TEST_NOW_MS);
}

/* A dead battery: it is the same minute of the same day whenever the computer is switched on. */
static void a_computer_whose_clock_is_known_to_be_wrong_sends_when_it_is_switched_on(void **state)
{
    struct school *s = *state;
    struct schedule_state st;

    note(s, &complete);
    put_number(s, "hub-time", TEST_NOW_MS);
    put_number(s, "offset", 0);
    assert_int_equal(schedule_plan(s->a, SCHEDULE_START, &st), OK);
    assert_true(st.next_ms > TEST_NOW_MS + SCHEDULE_MISSED_MS);
    put_number(s, "hub-time", TEST_NOW_MS + 4000 * DAY);
    put_number(s, "offset", 4000 * DAY);
    assert_int_equal(schedule_plan(s->a, 0, &st), OK); /* while it stays on it waits for its night like others */
    assert_true(st.next_ms > TEST_NOW_MS + SCHEDULE_MISSED_MS);
    assert_int_equal(schedule_plan(s->a, SCHEDULE_START, &st), OK);
    assert_in_range(st.next_ms, TEST_NOW_MS, TEST_NOW_MS + SCHEDULE_MISSED_MS);
    assert_int_equal(loaded(s).success_ms, TEST_NOW_MS);
}

static void what_an_earlier_version_kept_is_read(void **state)
{
    struct school *s = *state;
    struct buf v;

    buf_init(&v, 64);
    mp_put_array(&v, 3);
    mp_put_int(&v, TEST_NOW_MS - HOUR);
    mp_put_int(&v, 0);
    mp_put_uint(&v, 7);
    assert_int_equal(agent_meta_put(s->a, NULL, "schedule", bytes_of(v.data, v.len)), OK);
    buf_fini(&v);
    assert_int_equal(loaded(s).success_ms, TEST_NOW_MS - HOUR);
    assert_int_equal(loaded(s).failures, 7);
    assert_int_equal(agent_meta_put(s->a, NULL, "schedule", bytes_of("x", 1)), OK);
    assert_int_equal(loaded(s).failures, 0); /* only a habit is lost */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_there_after_a_restart, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_wish_that_comes_during_a_pass_outlives_it, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_computer_whose_clock_is_known_to_be_wrong_sends_when_it_is_switched_on,
                                        school_open, school_close),
        cmocka_unit_test_setup_teardown(what_an_earlier_version_kept_is_read, school_open, school_close),
    };

    return cmocka_run_group_tests_name("schedule_keep", tests, in_utc, NULL);
}
