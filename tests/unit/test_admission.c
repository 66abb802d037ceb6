/* test_admission.c: a herd at the hub's door, in virtual time: who is told "come back in n" finds a slot then.  Holds
 * invariant 8 (bounded).  The agents are those of schedule.c: they come back after n and a random tenth. */
#include "hub/admission.h"
#include "hub/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HERD_MAX 6000u
#define SLOTS    100u
#define BEGAN_MS 1000000
#define AWAY     INT64_MAX /* it does not come any more */

/* ---- chance ---- */

static uint64_t state_of;

static uint64_t chance(void)
{
    uint64_t z = state_of += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t below(int64_t n)
{
    return n <= 0 ? 0 : (int64_t)(chance() % (uint64_t)n);
}

/* ---- the herd ---- */

struct one {
    int64_t next_ms; /* when it comes, or when its meeting ends */
    bool is_in, ignores, is_served;
    uint32_t attempts;
    int64_t served_ms;
};
struct herd {
    struct admission a;
    struct one all[HERD_MAX];
    uint32_t count, slots, ignoring, absent_percent;
    int64_t window_ms; /* all come first within it */
    int64_t meeting_ms;
    size_t taken;
    uint64_t attempts; /* of those that obey */
    uint32_t worst, served;
    int64_t end_ms; /* the last of those that obey was served */
};

static void key_of(uint8_t out[KEY_BYTES], uint32_t n)
{
    memset(out, 0, KEY_BYTES);
    be32_put(out, n);
}

/* Half of it fixed, half of it as chance will have it. */
static int64_t meeting_length(const struct herd *h)
{
    return h->meeting_ms / 2 + below(h->meeting_ms);
}

static void comes(struct herd *h, uint32_t n, int64_t now_ms)
{
    struct one *o = &h->all[n];
    uint8_t curve[KEY_BYTES];
    uint32_t later;

    key_of(curve, n);
    o->attempts++;
    later = admission_ask(&h->a, curve, h->slots, h->taken, now_ms);
    if (later == 0) {
        o->is_in = true;
        o->next_ms = now_ms + meeting_length(h);
        h->taken++;
        assert_true(h->taken <= h->slots);
        return;
    }
    assert_in_range(later, ADMISSION_LEAST, ADMISSION_MOST);
    o->next_ms = now_ms + (o->ignores ? 3000 : later * INT64_C(1000) + below(later * INT64_C(100) + 1));
    if (!o->ignores && o->attempts == 1 && below(100) < h->absent_percent)
        o->next_ms = AWAY;
}

static void leaves(struct herd *h, uint32_t n, int64_t now_ms)
{
    struct one *o = &h->all[n];

    h->taken--;
    admission_ended(&h->a, meeting_length(h));
    o->is_in = false;
    o->is_served = true;
    o->served_ms = now_ms;
    o->next_ms = AWAY;
    if (o->ignores) { /* and comes for more */
        o->next_ms = now_ms + 3000;
        return;
    }
    h->served++;
    h->attempts += o->attempts;
    if (o->attempts > h->worst)
        h->worst = o->attempts;
    h->end_ms = now_ms;
}

static uint32_t first_of(const struct herd *h)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < h->count; i++)
        if (h->all[i].next_ms < h->all[first].next_ms)
            first = i;
    return first;
}

/* Until all that obey and come are served. */
static void play(struct herd *h)
{
    uint32_t wanted = h->count - h->ignoring;

    for (uint32_t i = 0; i < h->count; i++) {
        h->all[i].next_ms = BEGAN_MS + below(h->window_ms);
        h->all[i].ignores = i < h->ignoring;
    }
    for (;;) {
        uint32_t n = first_of(h);
        int64_t now_ms = h->all[n].next_ms;

        if (now_ms == AWAY || h->served == wanted)
            break;
        assert_true(now_ms < BEGAN_MS + INT64_C(86400000));
        if (h->all[n].is_in)
            leaves(h, n, now_ms);
        else
            comes(h, n, now_ms);
        assert_true(h->a.count <= h->count);
    }
}

static struct herd *herd_new(uint32_t count, int64_t meeting_ms, int64_t window_ms)
{
    struct herd *h = calloc(1, sizeof(*h));

    assert_non_null(h);
    state_of = 1;
    h->count = count;
    h->slots = SLOTS;
    h->meeting_ms = meeting_ms;
    h->window_ms = window_ms;
    admission_init(&h->a);
    return h;
}

/* An ordinary night lies behind it. */
static struct herd *herd_known(uint32_t count, int64_t meeting_ms, int64_t window_ms)
{
    struct herd *h = herd_new(count, meeting_ms, window_ms);

    for (unsigned i = 0; i < 60; i++)
        admission_ended(&h->a, meeting_length(h));
    return h;
}

static void herd_free(struct herd *h)
{
    admission_fini(&h->a);
    free(h);
}

/* Attempts in hundredths for each that was served. */
static void expect(struct herd *h, uint64_t attempts, uint32_t worst, int64_t end_s)
{
    play(h);
    print_message("%.2f attempts on average, %u at most; %.0f s\n", (double)h->attempts / h->served, h->worst,
                  (double)(h->end_ms - BEGAN_MS) / 1e3);
    assert_true(h->attempts * 100 <= attempts * h->served);
    assert_true(h->worst <= worst);
    assert_true(h->end_ms - BEGAN_MS <= end_s * 1000);
    herd_free(h);
}

static void five_thousand_at_once_are_served_in_about_two_attempts_each(void **state)
{
    (void)state; /* 100 slots, 20 s: 1,000 s if nobody ever waited for anybody */
    expect(herd_known(5000, 20000, 2000), 230, 9, 1250);
}

static struct herd *herd_small(int64_t meeting_ms)
{
    struct herd *h = herd_known(1000, meeting_ms, 2000);

    h->slots = 20;
    return h;
}

static void whether_meetings_are_long_or_short_their_length_is_learnt(void **state)
{
    struct herd *h = herd_new(1000, 20000, 2000); /* knows nothing */

    (void)state;
    h->slots = 20;
    expect(h, 350, 12, 1500);
    expect(herd_small(500), 260, 9, 110);
    expect(herd_small(60000), 275, 12, 3900);
}

/* 40 knock every three seconds, whatever they are told, and want another meeting after each: they take what is spare,
 * and no promise is broken for them. */
static void who_ignores_the_moment_makes_nobody_else_wait_for_it(void **state)
{
    struct herd *h = herd_small(20000);

    (void)state;
    h->ignoring = 40;
    expect(h, 280, 12, 1900);
}

/* A fifth of them is told a moment and never comes back. */
static void slots_that_are_not_used_are_given_on(void **state)
{
    struct herd *h = herd_small(20000);

    (void)state;
    h->absent_percent = 20;
    expect(h, 250, 12, 1200);
}

/* ---- one by one ---- */

static uint32_t ask(struct admission *a, uint32_t n, size_t taken, int64_t now_ms)
{
    uint8_t curve[KEY_BYTES];

    key_of(curve, n);
    return admission_ask(a, curve, 2, taken, now_ms);
}

static void who_comes_back_in_time_goes_before_who_comes_first(void **state)
{
    struct admission a;
    uint32_t later;

    (void)state;
    admission_init(&a);
    assert_int_equal(ask(&a, 1, 1, BEGAN_MS), 0);
    later = ask(&a, 2, 2, BEGAN_MS);
    assert_in_range(later, ADMISSION_LEAST, 30);
    assert_int_equal(a.count, 1);
    /* One slot has become free when its moment comes, and somebody new is quicker. */
    assert_true(ask(&a, 3, 1, BEGAN_MS + later * INT64_C(1000)) > 0);
    assert_int_equal(ask(&a, 2, 1, BEGAN_MS + later * INT64_C(1000)), 0);
    assert_int_equal(a.count, 1); /* that of the third */
    admission_fini(&a);
}

static void who_comes_too_early_hears_the_same_moment_again(void **state)
{
    struct admission a;
    uint32_t later;

    (void)state;
    admission_init(&a);
    for (uint32_t n = 1; n < 100; n++)
        (void)ask(&a, n, 2, BEGAN_MS);
    later = ask(&a, 100, 2, BEGAN_MS);
    assert_int_equal(a.count, 100);
    for (uint32_t s = 1; s < later - 10; s += 3)
        assert_int_equal(ask(&a, 100, 2, BEGAN_MS + s * INT64_C(1000)), later - s);
    admission_fini(&a);
}

/* The hub is slower than it thought: the waits become longer, and each keeps its right to go first. */
static void a_promise_that_the_hub_breaks_is_made_again_for_later(void **state)
{
    struct admission a;
    uint32_t later[6];
    int64_t now_ms = BEGAN_MS;

    (void)state;
    admission_init(&a);
    for (size_t i = 0; i < 6; i++) {
        later[i] = ask(&a, 1, 2, now_ms);
        assert_true(i < 2 || later[i] > later[i - 1]);
        now_ms += later[i] * INT64_C(1000);
    }
    assert_int_equal(a.count, 1);
    assert_int_equal(ask(&a, 1, 1, now_ms), 0);
    admission_fini(&a);
}

static void a_promise_that_is_not_used_is_void(void **state)
{
    struct admission a;
    uint32_t later;

    (void)state;
    admission_init(&a);
    later = ask(&a, 1, 2, BEGAN_MS);
    assert_true(ask(&a, 2, 1, BEGAN_MS + later * INT64_C(1000)) > 0);
    assert_int_equal(ask(&a, 3, 1, BEGAN_MS + (later + 200) * INT64_C(1000)), 0);
    assert_int_equal(a.count, 0);
    admission_fini(&a);
}

/* Its place in the row is kept meanwhile. */
static void who_must_wait_longer_than_an_hour_asks_again_in_between(void **state)
{
    struct admission a;

    (void)state;
    admission_init(&a);
    for (uint32_t n = 0; n < 4000; n++) /* two at once, 5 s each: nearly three hours */
        assert_in_range(ask(&a, n, 2, BEGAN_MS), ADMISSION_LEAST, ADMISSION_MOST);
    assert_int_equal(ask(&a, 3999, 2, BEGAN_MS), ADMISSION_MOST);
    assert_int_equal(ask(&a, 3999, 2, BEGAN_MS + 3600000), ADMISSION_MOST);
    assert_in_range(ask(&a, 3999, 2, BEGAN_MS + 7200000), 2600, 3200);
    admission_fini(&a);
}

static void while_the_core_is_away_each_gets_a_moment_of_its_own_after_that(void **state)
{
    struct admission a;
    uint8_t curve[KEY_BYTES];
    uint32_t last = 0;

    (void)state;
    admission_init(&a);
    for (uint32_t n = 0; n < 40; n++) {
        uint32_t later;

        key_of(curve, n);
        later = admission_put_off(&a, curve, 2, 30, BEGAN_MS);
        assert_in_range(later, 30, 140);
        assert_true(later >= last);
        assert_int_equal(admission_put_off(&a, curve, 2, 30, BEGAN_MS), later); /* once for each */
        last = later;
    }
    assert_true(last > 120);
    assert_int_equal(a.count, 40);
    admission_fini(&a);
}

static void there_is_an_end_to_promises_and_not_to_answers(void **state)
{
    struct admission a;

    (void)state;
    admission_init(&a);
    assert_true(ADMISSION_MAX >= IPC_MAX_ALLOWED);
    for (uint32_t n = 0; a.count < 10; n++)
        (void)ask(&a, n, 2, BEGAN_MS);
    a.promises = realloc(a.promises, ADMISSION_MAX * sizeof(*a.promises));
    assert_non_null(a.promises);
    a.cap = ADMISSION_MAX;
    for (; a.count < ADMISSION_MAX; a.count++) {
        a.promises[a.count] = a.promises[0];
        be32_put(a.promises[a.count].curve, (uint32_t)a.count);
    }
    assert_in_range(ask(&a, 1000000, 2, BEGAN_MS), ADMISSION_LEAST, ADMISSION_MOST);
    assert_int_equal(a.count, ADMISSION_MAX);
    assert_int_equal(a.cap, ADMISSION_MAX);
    admission_fini(&a);
}

static void one_meeting_over_a_bad_line_does_not_make_all_lines_bad(void **state)
{
    struct admission a;

    (void)state;
    admission_init(&a);
    for (unsigned i = 0; i < 200; i++)
        admission_ended(&a, 1000);
    assert_in_range(a.average_us, 900000, 1100000);
    admission_ended(&a, 7200000);
    assert_in_range(a.average_us, 1000000, 1300000);
    for (unsigned i = 0; i < 200; i++)
        admission_ended(&a, 0);
    assert_in_range(a.average_us, 1000, 20000);
    admission_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_thousand_at_once_are_served_in_about_two_attempts_each),
        cmocka_unit_test(whether_meetings_are_long_or_short_their_length_is_learnt),
        cmocka_unit_test(who_ignores_the_moment_makes_nobody_else_wait_for_it),
        cmocka_unit_test(slots_that_are_not_used_are_given_on),
        cmocka_unit_test(who_comes_back_in_time_goes_before_who_comes_first),
        cmocka_unit_test(who_comes_too_early_hears_the_same_moment_again),
        cmocka_unit_test(a_promise_that_the_hub_breaks_is_made_again_for_later),
        cmocka_unit_test(a_promise_that_is_not_used_is_void),
        cmocka_unit_test(who_must_wait_longer_than_an_hour_asks_again_in_between),
        cmocka_unit_test(while_the_core_is_away_each_gets_a_moment_of_its_own_after_that),
        cmocka_unit_test(there_is_an_end_to_promises_and_not_to_answers),
        cmocka_unit_test(one_meeting_over_a_bad_line_does_not_make_all_lines_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
