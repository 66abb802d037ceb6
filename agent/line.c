#include "agent/line.h"

#include <string.h>

#define SLOW_RATE     6250   /* 50 kbit/s */
#define FAST_RATE     125000 /* 1 Mbit/s */
#define SLOW_CHUNK    4096u  /* also while nothing is known */
#define CHUNK         16384u
#define FAST_CHUNK    65536u
#define FIRST_WINDOW  16384 /* while nothing is known: what TCP itself sends at first */
#define WINDOW_SECOND 8     /* above any round trip, and the line's own queue stays short */
#define SAMPLE        2048  /* of less than this the round trip is most of the time */
#define RATE_MAX      (INT64_C(1) << 40)

void line_init(struct line *l, int64_t rate)
{
    memset(l, 0, sizeof(*l));
    l->rate = rate > 0 && rate < RATE_MAX ? rate : 0;
}

void line_greeted(struct line *l)
{
    l->acked = l->acked_at_ms = 0;
    l->first = l->count = 0;
}

void line_sent(struct line *l, int64_t end, int64_t now_ms)
{
    if (l->count == LINE_MARKS)
        return;
    if (l->count == 0) /* nothing was under way: what lies between is our silence, not the line's */
        l->acked_at_ms = now_ms;
    l->marks[(l->first + l->count++) % LINE_MARKS] =
        (struct line_mark){.end = end, .acked = l->acked, .acked_at_ms = l->acked_at_ms};
}

void line_acked(struct line *l, int64_t position, int64_t now_ms)
{
    struct line_mark last = {.end = -1};
    int64_t took;
    int64_t rate;

    if (position <= l->acked)
        return;
    while (l->count > 0 && l->marks[l->first].end <= position) {
        last = l->marks[l->first];
        l->first = (l->first + 1) % LINE_MARKS;
        l->count--;
    }
    l->acked = position;
    l->acked_at_ms = now_ms;
    l->is_heard = true;
    if (last.end < 0 || position - last.acked < SAMPLE) /* nothing to reckon with */
        return;
    took = now_ms > last.acked_at_ms ? now_ms - last.acked_at_ms : 1;
    rate = (position - last.acked) * 1000 / took;
    if (l->rate > 0) /* one lucky or unlucky chunk is no other line */
        rate = l->rate + (rate - l->rate) / 4;
    l->rate = rate > 0 ? rate : 1;
}

void line_lost(struct line *l)
{
    if (!l->is_heard && l->count > 0)
        l->rate = 0;
}

uint32_t line_chunk(const struct line *l, uint32_t most)
{
    uint32_t size = SLOW_CHUNK;

    if (l->rate >= FAST_RATE)
        size = FAST_CHUNK;
    else if (l->rate >= SLOW_RATE)
        size = CHUNK;
    return size < most ? size : most;
}

int64_t line_window(const struct line *l, uint32_t credit)
{
    int64_t window = l->rate > 0 ? l->rate * WINDOW_SECOND : FIRST_WINDOW;
    int64_t least = (int64_t)2 * line_chunk(l, FAST_CHUNK);

    if (window < least)
        window = least;
    return window < credit ? window : credit;
}
