/* line.h: what the line of a meeting can carry, learned from what is acknowledged, and what follows from it: how large
 * a chunk is, and how much may be under way.  Pure: no clock, no socket; used by one thread.
 *
 * A chunk that is lost with its connection is sent again, so on a slow line chunks are small.  What is under way stands
 * before everything that the agent has to say later, and makes every round trip longer by the time that it takes: on a
 * slow line too much of it makes a live line look dead (SPEC.md 6.1: heartbeats) and a dead one alive.  So no more is
 * under way than passes in some seconds, or two chunks; and never more than the hub granted. */
#ifndef SVODKA_AGENT_LINE_H
#define SVODKA_AGENT_LINE_H

#include <stdbool.h>
#include <stdint.h>

#define LINE_MARKS 64u

struct line_mark {
    int64_t end;                /* position behind the chunk */
    int64_t acked, acked_at_ms; /* what was acknowledged when it left, and since when */
};

struct line {
    int64_t rate;  /* bytes a second; 0: not known yet */
    bool is_heard; /* something was acknowledged in this meeting */
    int64_t acked, acked_at_ms;
    struct line_mark marks[LINE_MARKS]; /* of chunks under way, oldest first; of more than these none is kept */
    unsigned first, count;
};

/* `rate`: what an earlier meeting has found, bytes a second; 0: nothing. */
void line_init(struct line *l, int64_t rate);
/* Positions are of the meeting's chunk data (SPEC.md 6.4) and begin anew at 0 with each HELLO. */
void line_greeted(struct line *l);
void line_sent(struct line *l, int64_t end, int64_t now_ms);
void line_acked(struct line *l, int64_t position, int64_t now_ms);
/* The connection was lost.  When not even one chunk came through, what was known before is no longer believed. */
void line_lost(struct line *l);

/* Bytes of the next chunk, at most; `most`: what hub and settings allow. */
uint32_t line_chunk(const struct line *l, uint32_t most);
/* Bytes that may be under way: at most `credit`. */
int64_t line_window(const struct line *l, uint32_t credit);

#endif
