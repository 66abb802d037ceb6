#include "agent/line.h"

#include "protocol/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CREDIT 262144u

/* A line of `rate` bytes a second and a round trip of `round_ms`, on which the rest is sent as the agent does: chunk by
 * chunk, within the window; every chunk is acknowledged a round trip after it has passed.  Returns the milliseconds. */
struct simulation {
    struct line line;
    int64_t rate, round_ms, now_ms, sent, acked, busy_until_ms, most_under_way;
    struct {
        int64_t end, at_ms;
    } acks[512];
    unsigned first, count;
};

static void take_ack(struct simulation *s)
{
    s->now_ms = s->acks[s->first].at_ms > s->now_ms ? s->acks[s->first].at_ms : s->now_ms;
    s->acked = s->acks[s->first].end;
    s->first = (s->first + 1) % 512;
    s->count--;
    line_acked(&s->line, s->acked, s->now_ms);
}

static void send_bytes(struct simulation *s, int64_t bytes)
{
    for (int64_t end = s->sent + bytes; s->sent < end;) {
        uint32_t len = line_chunk(&s->line, CHUNK_MAX);
        int64_t begin;

        if (s->sent + len - s->acked > line_window(&s->line, CREDIT)) {
            assert_true(s->count > 0); /* else it would wait for ever */
            take_ack(s);
            continue;
        }
        s->sent += len;
        line_sent(&s->line, s->sent, s->now_ms);
        begin = s->busy_until_ms > s->now_ms ? s->busy_until_ms : s->now_ms;
        s->busy_until_ms = begin + (int64_t)len * 1000 / s->rate;
        s->acks[(s->first + s->count) % 512].end = s->sent;
        s->acks[(s->first + s->count++) % 512].at_ms = s->busy_until_ms + s->round_ms;
        if (s->sent - s->acked > s->most_under_way)
            s->most_under_way = s->sent - s->acked;
        while (s->count > 0 && s->acks[s->first].at_ms <= s->now_ms)
            take_ack(s);
    }
}

static struct simulation line_of(int64_t rate, int64_t round_ms)
{
    struct simulation s = {.rate = rate, .round_ms = round_ms};

    line_init(&s.line, 0);
    return s;
}

static void of_an_unknown_line_nothing_bold_is_asked(void **state)
{
    struct line l;

    (void)state;
    line_init(&l, 0);
    assert_int_equal(line_chunk(&l, CHUNK_MAX), 4096);
    assert_int_equal(line_window(&l, CREDIT), 16384);
    assert_int_equal(line_chunk(&l, 1000), 1000); /* never more than hub and settings allow */
    assert_int_equal(line_window(&l, 8192), 8192);
}

static void on_a_slow_line_chunks_become_small_and_little_is_under_way(void **state)
{
    static const int64_t rates[] = {300, 600, 1200, 3000, 4000};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct simulation s = line_of(rates[i], 800);

        send_bytes(&s, 100000); /* it has learned */
        assert_int_equal(line_chunk(&s.line, CHUNK_MAX), 4096);
        s.most_under_way = 0;
        while (s.count > 0)
            take_ack(&s);
        send_bytes(&s, 1000000);
        print_message("%lld bytes/s: at most %lld under way\n", (long long)rates[i], (long long)s.most_under_way);
        /* Two chunks, or some seconds' worth: a heartbeat behind them is heard in time. */
        assert_true(s.most_under_way <= (rates[i] * 10 > 8192 ? rates[i] * 10 : 8192));
        assert_true(s.most_under_way / rates[i] <= 60);
        assert_true(s.most_under_way >= 2 * 4096);
    }
}

static void on_a_fast_line_chunks_are_large_and_the_whole_credit_is_used(void **state)
{
    struct simulation s = line_of(2000000, 20);

    (void)state;
    send_bytes(&s, 10000000);
    assert_int_equal(line_chunk(&s.line, CHUNK_MAX), 65536);
    assert_int_equal(line_window(&s.line, CREDIT), CREDIT);
}

static void a_line_between_is_taken_in_the_usual_chunks_and_never_starved(void **state)
{
    struct simulation s = line_of(64000, 2000); /* 512 kbit/s, 2 s */

    (void)state;
    send_bytes(&s, 4000000);
    while (s.count > 0)
        take_ack(&s);
    assert_int_equal(line_chunk(&s.line, CHUNK_MAX), 16384);
    /* 128,000 bytes fit on the way: with less under way than that the line would stand idle. */
    assert_true(s.now_ms < 4000000 / 64 + 10000);
}

static void our_own_silence_is_not_the_lines(void **state)
{
    struct simulation s = line_of(200000, 50);

    (void)state;
    for (int i = 0; i < 20; i++) {
        send_bytes(&s, 65536);
        while (s.count > 0)
            take_ack(&s);
        s.now_ms += 60000; /* nothing to send for a minute */
    }
    assert_int_equal(line_chunk(&s.line, CHUNK_MAX), 65536);
}

/* A few hundred bytes are there and back in a round trip, whatever the line could carry. */
static void a_small_batch_says_nothing_about_the_line(void **state)
{
    struct line l;

    (void)state;
    line_init(&l, 1000000);
    for (int64_t i = 1; i < 100; i++) {
        line_greeted(&l);
        line_sent(&l, 700, i * 10000);
        line_acked(&l, 700, i * 10000 + 600);
    }
    assert_int_equal(line_chunk(&l, CHUNK_MAX), 65536);
}

static void a_meeting_lost_before_a_chunk_came_through_makes_the_next_one_careful(void **state)
{
    struct line l;
    struct line next;

    (void)state;
    line_init(&l, 1000000);
    line_greeted(&l);
    line_sent(&l, 65536, 1000);
    line_lost(&l);
    line_init(&next, l.rate);
    assert_int_equal(line_chunk(&next, CHUNK_MAX), 4096);
    assert_int_equal(line_window(&next, CREDIT), 16384);
    /* One that was lost after a chunk, or before any was sent, says nothing new. */
    line_init(&l, 1000000);
    line_lost(&l);
    assert_int_equal(line_chunk(&l, CHUNK_MAX), 65536);
    line_sent(&l, 65536, 1000);
    line_acked(&l, 65536, 1060);
    line_sent(&l, 131072, 1100);
    line_lost(&l);
    assert_int_equal(line_chunk(&l, CHUNK_MAX), 65536);
}

static void what_an_earlier_meeting_found_is_where_the_next_one_begins(void **state)
{
    struct line l;

    (void)state;
    line_init(&l, 1200);
    assert_int_equal(line_chunk(&l, CHUNK_MAX), 4096);
    assert_int_equal(line_window(&l, CREDIT), 9600);
    line_init(&l, -5); /* a store that was damaged */
    assert_int_equal(line_chunk(&l, CHUNK_MAX), 4096);
    line_init(&l, INT64_MAX);
    assert_int_equal(line_window(&l, CREDIT), 16384);
}

/* Invariant 8: whatever a hub acknowledges, in whatever order, the answers stay within what was granted. */
static void acknowledgements_by_chance_break_nothing(void **state)
{
    uint32_t random = 20201126;
    struct line l;
    int64_t sent = 0;
    int64_t now = 0;

    (void)state;
    line_init(&l, 0);
    for (int i = 0; i < 200000; i++) {
        random = random * 1664525u + 1013904223u;
        switch (random >> 28) {
        case 0: line_acked(&l, (int64_t)(random % 1000000) - 1000, now); break;
        case 1: line_acked(&l, sent, now); break;
        case 2:
            line_greeted(&l);
            sent = 0;
            break;
        case 3: now += random % 100000; break;
        case 4: now -= random % 1000; break; /* a clock that jumps */
        default: sent += random % 65536 + 1; line_sent(&l, sent, now);
        }
        assert_in_range(line_chunk(&l, CHUNK_MAX), 4096, 65536);
        assert_in_range(line_window(&l, CREDIT), 8192, CREDIT);
        assert_true(l.rate >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_an_unknown_line_nothing_bold_is_asked),
        cmocka_unit_test(on_a_slow_line_chunks_become_small_and_little_is_under_way),
        cmocka_unit_test(on_a_fast_line_chunks_are_large_and_the_whole_credit_is_used),
        cmocka_unit_test(a_line_between_is_taken_in_the_usual_chunks_and_never_starved),
        cmocka_unit_test(our_own_silence_is_not_the_lines),
        cmocka_unit_test(a_small_batch_says_nothing_about_the_line),
        cmocka_unit_test(a_meeting_lost_before_a_chunk_came_through_makes_the_next_one_careful),
        cmocka_unit_test(what_an_earlier_meeting_found_is_where_the_next_one_begins),
        cmocka_unit_test(acknowledgements_by_chance_break_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
