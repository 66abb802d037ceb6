/* What is remembered of a night (nights.h), and what came in it (ledger_arrivals.h): nothing is told twice, nothing is
 * kept for longer than was said, and damage is an error and no empty night. */
#include "hub/nights.h"

#include "common/value.h"
#include "hub/core_internal.h"
#include "hub/ledger_arrivals.h"
#include "ledger_fixture.h"

#include <time.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

static int32_t day_of(const char *text)
{
    int32_t day = 0;

    MUST(date_parse(&day, text, strlen(text)));
    return day;
}

static void zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static struct store_txn *begin(struct world *w)
{
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    return t;
}

static void a_night_lasts_from_noon_to_noon_in_local_time(void **state)
{
    int64_t from, to, next;
    int32_t day = day_of("2020-09-02");

    (void)state;
    zone("IRK-8");
    night_span(day, &from, &to);
    assert_int_equal(to - from, DAY_MS);
    assert_int_equal(to, (int64_t)day * DAY_MS + 4 * HOUR_MS);
    assert_int_equal(night_of(from), day);
    assert_int_equal(night_of(from - 1000), day - 1);
    assert_int_equal(night_of(to - 1000), day);
    assert_int_equal(night_of(to), day + 1);
    /* Where clocks are still put on and back a night has 23 or 25 hours, and no moment is of two nights or of none. */
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    for (day = day_of("2020-01-01"); day < day_of("2021-01-01"); day++) {
        night_span(day, &from, &to);
        night_span(day + 1, &next, &from);
        assert_int_equal(next, to);
        assert_int_equal(night_of(to - 1000), day);
        assert_int_equal(night_of(to), day + 1);
    }
    night_span(day_of("2020-03-29"), &from, &to);
    assert_int_equal(to - from, 23 * HOUR_MS);
    night_span(day_of("2020-10-25"), &from, &to);
    assert_int_equal(to - from, 25 * HOUR_MS);
    zone("UTC");
}

struct seen {
    struct night_row rows[8];
    size_t count;
};

static enum err see(void *ctx, const struct night_row *r)
{
    struct seen *s = ctx;

    assert_true(s->count < COUNT(s->rows));
    s->rows[s->count++] = *r;
    return OK;
}

static void what_a_school_did_in_a_night_adds_up(void **state)
{
    struct night_row early = {.participant = 2, .first_ms = 500, .last_ms = 600, .greetings = 1};
    struct night_row late = {.participant = 2,
                             .first_ms = 900,
                             .last_ms = 950,
                             .greetings = 2,
                             .bad_batches = 1,
                             .bad_batch = MERR_SIGNATURE};
    struct night_row turned_away = {.participant = 1, .refused = 3, .refusal = MERR_HELD};
    struct seen s = {.count = 0};
    struct store_txn *t;
    struct world w;

    (void)state;
    world_open(&w);
    t = begin(&w);
    MUST(night_add(t, 18000, &late));
    MUST(night_add(t, 18000, &early));
    MUST(night_add(t, 18000, &turned_away));
    turned_away.refused = 1;
    turned_away.refusal = MERR_LIMIT;
    MUST(night_add(t, 18000, &turned_away));
    MUST(night_add(t, 18001, &early)); /* another night */
    MUST(night_each(t, 18000, see, &s));
    assert_int_equal(s.count, 2);
    assert_int_equal(s.rows[0].participant, 1);
    assert_int_equal(s.rows[0].refused, 4);
    assert_int_equal(s.rows[0].refusal, MERR_LIMIT);
    assert_int_equal(s.rows[0].first_ms, 0);
    assert_int_equal(s.rows[1].first_ms, 500);
    assert_int_equal(s.rows[1].last_ms, 950);
    assert_int_equal(s.rows[1].greetings, 3);
    assert_int_equal(s.rows[1].bad_batches, 1);
    assert_int_equal(s.rows[1].bad_batch, MERR_SIGNATURE);
    store_abort(t);
    world_close(&w);
}

/* What is noted at one minute to noon and written at one minute past is of the night that ends. */
static void a_meeting_just_before_noon_is_of_the_night_that_ends(void **state)
{
    struct core core = {.gateway = NULL};
    struct seen ending = {.count = 0}, beginning = {.count = 0};
    int32_t day = day_of("2020-09-02");
    int64_t noon = (int64_t)day * DAY_MS + 12 * HOUR_MS;
    struct store_txn *t;
    struct world w;

    (void)state;
    zone("UTC");
    world_open(&w);
    core.hub = w.hub;
    clock_test_set(noon - 60000);
    core_nights_met(&core, 1);
    core_nights_met(&core, 2);
    clock_test_set(noon + 30000);
    core_nights_met(&core, 1);
    clock_test_set(noon + 60000);
    core_nights_flush(&core);
    t = begin(&w);
    MUST(night_each(t, day, see, &ending));
    MUST(night_each(t, day + 1, see, &beginning));
    store_abort(t);
    assert_int_equal(ending.count, 2);
    assert_int_equal(beginning.count, 1);
    assert_int_equal(beginning.rows[0].participant, 1);
    assert_int_equal(beginning.rows[0].greetings, 1);
    core_nights_fini(&core);
    clock_test_real();
    world_close(&w);
}

static void the_hubs_own_stretches_are_kept_up_to_their_limit(void **state)
{
    struct night_run runs[NIGHT_RUNS_MAX], run;
    size_t count = 7;
    struct store_txn *t;
    struct world w;

    (void)state;
    world_open(&w);
    t = begin(&w);
    assert_int_equal(night_runs(t, 18000, runs, &count), ERR_NOT_FOUND);
    assert_int_equal(count, 0);
    for (int64_t i = 0; i < (int64_t)NIGHT_RUNS_MAX; i++) {
        run = (struct night_run){100 * i + 1, 100 * i + 10};
        MUST(night_note_run(t, 18000, &run));
        run.to_ms += 20; /* the same one goes on */
        MUST(night_note_run(t, 18000, &run));
    }
    MUST(night_runs(t, 18000, runs, &count));
    assert_int_equal(count, NIGHT_RUNS_MAX);
    assert_int_equal(runs[0].from_ms, 1);
    assert_int_equal(runs[0].to_ms, 30);
    run = (struct night_run){70001, 70002};
    MUST(night_note_run(t, 18000, &run)); /* one more: the oldest goes */
    MUST(night_runs(t, 18000, runs, &count));
    assert_int_equal(count, NIGHT_RUNS_MAX);
    assert_int_equal(runs[0].from_ms, 101);
    assert_int_equal(runs[count - 1].to_ms, 70002);
    store_abort(t);
    world_close(&w);
}

static void nights_before_a_day_are_forgotten_and_no_others(void **state)
{
    struct night_row r = {.participant = 1, .first_ms = 1, .last_ms = 1, .greetings = 1};
    struct night_run run = {1, 2};
    struct store_txn *t;
    struct world w;

    (void)state;
    world_open(&w);
    t = begin(&w);
    MUST(night_prune(t, 18000)); /* nothing to forget */
    for (int32_t day = 17990; day < 18010; day++) {
        MUST(night_add(t, day, &r));
        MUST(night_note_run(t, day, &run));
    }
    MUST(night_prune(t, 18000));
    assert_int_equal(store_count(t, H_NIGHTS), 20);
    for (int32_t day = 17990; day < 18010; day++) {
        struct seen s = {.count = 0};

        MUST(night_each(t, day, see, &s));
        assert_int_equal(s.count, day < 18000 ? 0 : 1);
    }
    store_abort(t);
    world_close(&w);
}

static void damage_is_told(void **state)
{
    static const uint8_t keys[2][8] = {{0, 0, 0x46, 0x50, 0, 0, 0, 0}, {0, 0, 0x46, 0x50, 0, 0, 0, 1}}; /* day 18000 */
    struct night_run runs[NIGHT_RUNS_MAX];
    struct seen s = {.count = 0};
    struct store_txn *t;
    struct world w;
    size_t count;

    (void)state;
    world_open(&w);
    t = begin(&w);
    for (size_t i = 0; i < 2; i++)
        MUST(store_put(t, H_NIGHTS, bytes_of(keys[i], 8), bytes_of("\x93\x01\x02", 3)));
    assert_int_equal(night_runs(t, 18000, runs, &count), ERR_CORRUPT);
    assert_int_equal(count, 0);
    assert_int_equal(night_each(t, 18000, see, &s), ERR_CORRUPT);
    assert_int_equal(s.count, 0);
    store_abort(t);
    world_close(&w);
}

/* ---- what came ---- */

struct came {
    struct ledger_arrival all[8];
    size_t count;
};

static enum err take_one(void *ctx, const struct ledger_arrival *a)
{
    struct came *c = ctx;

    assert_true(c->count < COUNT(c->all));
    c->all[c->count++] = *a;
    return OK;
}

static void what_came_in_a_stretch_of_time_is_read_from_the_journal(void **state)
{
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 99)}; /* the second breaks a rule */
    struct sub two[] = {grade(3, "vera", 9)};
    struct sub three[] = {grade(4, "gleb", 9)};
    uint8_t head[DIGEST_BYTES];
    struct came c = {.count = 0};
    struct store_txn *t;
    struct world w;

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    clock_test_set(SOME_MS + HOUR_MS);
    take_array(&w, two, 1, 2, head, NULL);
    clock_test_set(SOME_MS - HOUR_MS); /* the clock was put back */
    take_array(&w, three, 1, 3, head, NULL);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_each_arrival(w.hub, t, SOME_MS, SOME_MS + HOUR_MS, take_one, &c));
    assert_int_equal(c.count, 1); /* from the one on, before the other */
    assert_int_equal(c.all[0].participant, 1);
    assert_int_equal(c.all[0].submissions, 2);
    assert_int_equal(c.all[0].quarantined, 1);
    assert_true(c.all[0].bytes > 0);
    c.count = 0;
    MUST(ledger_each_arrival(w.hub, t, SOME_MS - 2 * HOUR_MS, SOME_MS + 2 * HOUR_MS, take_one, &c));
    assert_int_equal(c.count, 3);
    assert_int_equal(c.all[0].submissions, 1);
    assert_int_equal(c.all[2].submissions, 2);
    store_abort(t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_night_lasts_from_noon_to_noon_in_local_time),
        cmocka_unit_test(what_a_school_did_in_a_night_adds_up),
        cmocka_unit_test(a_meeting_just_before_noon_is_of_the_night_that_ends),
        cmocka_unit_test(the_hubs_own_stretches_are_kept_up_to_their_limit),
        cmocka_unit_test(nights_before_a_day_are_forgotten_and_no_others),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(what_came_in_a_stretch_of_time_is_read_from_the_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
