#include "protocol/block_internal.h"

#include <string.h>

void sink_u8(struct block_sink *s, uint8_t v)
{
    if (s->out != NULL)
        buf_put_u8(s->out, v);
    s->len++;
}

static size_t varint_len(uint64_t v)
{
    return ((unsigned)(63 - __builtin_clzll(v | 1)) * 9u + 73u) / 64u;
}

void sink_varint(struct block_sink *s, uint64_t v)
{
    if (s->out != NULL)
        buf_put_varint(s->out, v);
    s->len += varint_len(v);
}

static void sink_zigzag(struct block_sink *s, int64_t v)
{
    sink_varint(s, zigzag(v));
}

void sink_bytes(struct block_sink *s, struct bytes b)
{
    if (s->out != NULL)
        buf_put(s->out, b.p, b.len);
    s->len += b.len;
}

void sink_digits(struct block_sink *s, const uint8_t *digits, size_t count, unsigned span)
{
    unsigned per_byte = pack_per_byte(span);
    size_t len = pack_len(count, span);
    uint8_t *at = s->out == NULL ? NULL : buf_grow(s->out, len);

    s->len += len;
    if (at == NULL)
        return;
    for (size_t i = 0; i < count; i += per_byte) {
        size_t n = count - i < per_byte ? count - i : per_byte;
        unsigned byte = 0;

        while (n-- > 0)
            byte = byte * (span + 1) + digits[i + n];
        *at++ = (uint8_t)byte;
    }
}

/* ---- integer streams ---- */

/* Differences are taken modulo 2^64, so that every pair of numbers has one. */
static int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

struct range {
    int64_t min, max;
    size_t plain_len; /* as zigzag varints; only asked for when it can matter */
};

static void range_add(struct range *r, int64_t v)
{
    if (v < r->min)
        r->min = v;
    if (v > r->max)
        r->max = v;
}

static uint64_t span_of(const struct range *r)
{
    return (uint64_t)r->max - (uint64_t)r->min;
}

static void measure(const int64_t *values, size_t count, struct range *all, struct range *steps)
{
    int64_t last = values[0];

    *all = (struct range){last, last, 0};
    *steps = (struct range){INT64_MAX, INT64_MIN, 0};
    for (size_t i = 1; i < count; i++) {
        range_add(all, values[i]);
        range_add(steps, difference(values[i], last));
        last = values[i];
    }
    /* One byte or less per number is never beaten by varints. */
    if (span_of(all) <= 255 || count < 3 || span_of(steps) <= 255)
        return;
    all->plain_len = varint_len(zigzag(values[0]));
    for (size_t i = 1; i < count; i++) {
        all->plain_len += varint_len(zigzag(values[i]));
        steps->plain_len += varint_len(zigzag(difference(values[i], values[i - 1])));
    }
}

static size_t packed_len(const struct range *r, size_t count)
{
    return varint_len(zigzag(r->min)) + varint_len(span_of(r)) + pack_len(count, span_of(r));
}

static enum ints_mode choose(const struct range *all, const struct range *steps, size_t count, int64_t first)
{
    enum ints_mode best = INTS_PACKED;
    size_t first_len = varint_len(zigzag(first));
    size_t least;

    if (span_of(all) == 0)
        return INTS_CONSTANT;
    if (steps->min == steps->max)
        return INTS_STEPS_CONSTANT;
    least = packed_len(all, count);
    if (all->plain_len > 0 && all->plain_len < least) {
        best = INTS_PLAIN;
        least = all->plain_len;
    }
    if (first_len + packed_len(steps, count - 1) < least) {
        best = INTS_STEPS_PACKED;
        least = first_len + packed_len(steps, count - 1);
    }
    if (steps->plain_len > 0 && first_len + steps->plain_len < least)
        best = INTS_STEPS_PLAIN;
    return best;
}

static void put_digits_of(uint8_t *at, const int64_t *values, size_t count, const struct range *r)
{
    unsigned per_byte = pack_per_byte(span_of(r));
    unsigned base = (unsigned)span_of(r) + 1;

    for (size_t i = 0; i < count; i += per_byte) {
        size_t n = count - i < per_byte ? count - i : per_byte;
        unsigned byte = 0;

        while (n-- > 0)
            byte = byte * base + (unsigned)difference(values[i + n], r->min);
        *at++ = (uint8_t)byte;
    }
}

static void put_packed(struct block_sink *s, const int64_t *values, size_t count, const struct range *r)
{
    size_t len = pack_len(count, span_of(r));
    uint8_t *at;

    sink_zigzag(s, r->min);
    sink_varint(s, span_of(r));
    s->len += len;
    if (s->out == NULL || (at = buf_grow(s->out, len)) == NULL)
        return;
    if (span_of(r) <= 255) {
        put_digits_of(at, values, count, r);
        return;
    }
    for (unsigned plane = pack_planes(span_of(r)); plane-- > 0;)
        for (size_t i = 0; i < count; i++)
            *at++ = (uint8_t)((uint64_t)difference(values[i], r->min) >> (8 * plane));
}

static void put_plain(struct block_sink *s, const int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sink_zigzag(s, values[i]);
}

/* values[i] becomes the step from the one before it; the first stays. */
static void to_steps(int64_t *values, size_t count)
{
    while (--count > 0)
        values[count] = difference(values[count], values[count - 1]);
}

void sink_ints(struct block_sink *s, int64_t *values, size_t count)
{
    struct range all;
    struct range steps;
    enum ints_mode mode;

    measure(values, count, &all, &steps);
    mode = choose(&all, &steps, count, values[0]);
    sink_u8(s, (uint8_t)mode);
    switch (mode) {
    case INTS_CONSTANT: sink_zigzag(s, values[0]); break;
    case INTS_PACKED: put_packed(s, values, count, &all); break;
    case INTS_PLAIN: put_plain(s, values, count); break;
    case INTS_STEPS_CONSTANT:
        sink_zigzag(s, values[0]);
        sink_zigzag(s, steps.min);
        break;
    case INTS_STEPS_PACKED:
        to_steps(values, count);
        sink_zigzag(s, values[0]);
        put_packed(s, values + 1, count - 1, &steps);
        break;
    case INTS_STEPS_PLAIN:
        to_steps(values, count);
        put_plain(s, values, count);
        break;
    }
}
