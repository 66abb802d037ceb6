#include "hub/admission.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_US      INT64_C(5000000) /* a meeting, before there was one */
#define LEAST_US      INT64_C(1000)
#define AVERAGE_SHARE 16      /* the last meeting weighs a sixteenth; */
#define LONGEST       4       /* ... and counts as so many usual ones at most: one bad line is not all lines */
#define GRACE_MS      60000   /* to connect over a bad line */
#define EARLY_MS      1000    /* seconds are rounded */
#define BROKEN_MAX    6u      /* doublings */
#define SPREAD        10      /* agents add a random tenth */
#define MICROS        1000000 /* of one slot */

void admission_init(struct admission *a)
{
    *a = (struct admission){.promises = NULL, .average_us = FIRST_US};
}

void admission_fini(struct admission *a)
{
    free(a->promises);
    a->promises = NULL;
    a->count = a->cap = 0;
}

void admission_ended(struct admission *a, int64_t took_ms)
{
    int64_t took_us = took_ms * 1000;

    if (took_us > a->average_us * LONGEST)
        took_us = a->average_us * LONGEST;
    a->average_us += (took_us - a->average_us) / AVERAGE_SHARE;
    if (a->average_us < LEAST_US)
        a->average_us = LEAST_US;
}

/* ---- promises ---- */

static void forget(struct admission *a, size_t i)
{
    a->promises[i] = a->promises[--a->count];
    if (a->count == 0)
        a->last_ms = a->again_ms = 0;
}

/* NULL: there is no memory, or no place. */
static struct promise *add(struct admission *a, const uint8_t curve[KEY_BYTES])
{
    struct promise *p;

    if (a->count == ADMISSION_MAX)
        return NULL;
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 64 : a->cap * 2;

        if ((p = realloc(a->promises, cap * sizeof(*p))) == NULL)
            return NULL;
        a->promises = p;
        a->cap = cap;
    }
    p = &a->promises[a->count++];
    memset(p, 0, sizeof(*p));
    memcpy(p->curve, curve, KEY_BYTES);
    return p;
}

/* In millionths: how likely it is that this one comes while a meeting that begins now is still there. */
static int64_t chance_of(const struct promise *p, int64_t average_ms, int64_t now_ms)
{
    int64_t from = p->at_ms > now_ms ? p->at_ms : now_ms;
    int64_t overlap = now_ms + average_ms - from;
    int64_t window = p->until_ms - from;

    if (overlap <= 0)
        return 0;
    return overlap >= window ? MICROS : overlap * MICROS / window;
}

/* This key's promise, or NULL.  Those that are void are forgotten on the way; *needed: slots that the others will want
 * during a meeting that begins now. */
static struct promise *look(struct admission *a, const uint8_t curve[KEY_BYTES], int64_t now_ms, size_t *needed)
{
    int64_t average_ms = a->average_us / 1000 + 1;
    int64_t chances = 0;
    size_t own = SIZE_MAX;

    for (size_t i = 0; i < a->count;) {
        if (a->promises[i].until_ms < now_ms) {
            forget(a, i);
            continue;
        }
        if (memcmp(a->promises[i].curve, curve, KEY_BYTES) == 0)
            own = i;
        else
            chances += chance_of(&a->promises[i], average_ms, now_ms);
        i++;
    }
    *needed = (size_t)((chances + MICROS - 1) / MICROS);
    return own == SIZE_MAX ? NULL : &a->promises[own];
}

/* ---- moments ---- */

static uint32_t seconds_until(int64_t at_ms, int64_t now_ms)
{
    int64_t seconds = (at_ms - now_ms + 999) / 1000;

    return seconds < ADMISSION_LEAST ? ADMISSION_LEAST : seconds > ADMISSION_MOST ? ADMISSION_MOST : (uint32_t)seconds;
}

/* The next one of a row of moments, as far apart as slots become free, none before `least_ms` from now. */
static int64_t next_moment(const struct admission *a, int64_t *row_ms, uint32_t slots, int64_t least_ms, int64_t now_ms)
{
    int64_t gap_ms = a->average_us / 1000 / (slots > 0 ? slots : 1) + 1;

    if (*row_ms < now_ms + least_ms)
        *row_ms = now_ms + least_ms;
    *row_ms += gap_ms;
    return *row_ms;
}

static uint32_t promise(struct promise *p, int64_t at_ms, int64_t now_ms)
{
    if (p != NULL) {
        p->at_ms = at_ms;
        p->until_ms = at_ms + (at_ms - now_ms) / SPREAD + GRACE_MS;
    }
    return seconds_until(at_ms, now_ms);
}

/* It came in time and there is no slot: its wait begins again, ahead of the newcomers, and longer each time. */
static uint32_t promise_again(struct admission *a, struct promise *p, uint32_t slots, int64_t now_ms)
{
    int64_t least_ms = (INT64_C(1000) * ADMISSION_LEAST) << p->broken;

    if (p->broken < BROKEN_MAX)
        p->broken++;
    return promise(p, next_moment(a, &a->again_ms, slots, least_ms, now_ms), now_ms);
}

static bool has_come(const struct promise *p, int64_t now_ms)
{
    return p != NULL && p->at_ms <= now_ms + EARLY_MS;
}

bool admission_is_due(struct admission *a, const uint8_t curve[KEY_BYTES], int64_t now_ms)
{
    size_t needed = 0;

    return has_come(look(a, curve, now_ms, &needed), now_ms);
}

uint32_t admission_ask(struct admission *a, const uint8_t curve[KEY_BYTES], uint32_t slots, size_t taken,
                       int64_t now_ms)
{
    size_t needed = 0;
    struct promise *p = look(a, curve, now_ms, &needed);
    size_t left = taken < slots ? slots - taken : 0;
    bool is_due = has_come(p, now_ms);

    if (left > (is_due ? 0 : needed)) {
        if (p != NULL)
            forget(a, (size_t)(p - a->promises));
        return 0;
    }
    if (is_due)
        return promise_again(a, p, slots, now_ms);
    if (p != NULL)
        return seconds_until(p->at_ms, now_ms);
    return promise(add(a, curve), next_moment(a, &a->last_ms, slots, a->average_us / 1000, now_ms), now_ms);
}

uint32_t admission_put_off(struct admission *a, const uint8_t curve[KEY_BYTES], uint32_t slots, uint32_t least_s,
                           int64_t now_ms)
{
    int64_t least_ms = INT64_C(1000) * least_s;
    size_t needed = 0;
    struct promise *p = look(a, curve, now_ms, &needed);

    if (p != NULL && p->at_ms >= now_ms + least_ms)
        return seconds_until(p->at_ms, now_ms);
    if (p == NULL)
        p = add(a, curve);
    return promise(p, next_moment(a, &a->last_ms, slots, least_ms, now_ms), now_ms);
}
