/* block_internal.h: what both directions of block.h share: the kinds of elements and the modes of streams. */
#ifndef SVODKA_PROTOCOL_BLOCK_INTERNAL_H
#define SVODKA_PROTOCOL_BLOCK_INTERNAL_H

#include "protocol/block.h"

/* What an element of a column can be; a column begins with the mask of those that occur in it. */
enum block_kind {
    KIND_NIL,
    KIND_FALSE,
    KIND_TRUE,
    KIND_NOT_ASKED, /* the three states, in the order of enum value_state */
    KIND_NOT_KNOWN,
    KIND_NOT_APPLICABLE,
    KIND_INT, /* fits a signed 64-bit integer; from here on elements have a value */
    KIND_BIG, /* 2^63 and more */
    KIND_STR,
    KIND_BIN,
    KIND_ARRAY
};
#define KIND_COUNT 11u

enum ints_mode { INTS_CONSTANT, INTS_PACKED, INTS_PLAIN, INTS_STEPS_CONSTANT, INTS_STEPS_PACKED, INTS_STEPS_PLAIN };

enum bytes_mode { BYTES_CONSTANT, BYTES_EACH };

/* Numbers 0 to `span`, several to a byte when they are small: as many digits to the base span + 1 as fit, the first
 * one lowest.  Few values make bytes with much in them, which suits the entropy coder better than one value a byte. */
static inline unsigned pack_per_byte(uint64_t span)
{
    if (span > 255)
        return 0;
    return span == 1 ? 8 : span == 2 ? 5 : span == 3 ? 4 : span <= 5 ? 3 : span <= 15 ? 2 : 1;
}

/* Bytes of one number when it takes more than one: the planes. */
static inline unsigned pack_planes(uint64_t span)
{
    return (71u - (unsigned)__builtin_clzll(span)) / 8u;
}

static inline size_t pack_len(size_t count, uint64_t span)
{
    unsigned per_byte = pack_per_byte(span);

    return per_byte == 0 ? count * pack_planes(span) : (count + per_byte - 1) / per_byte;
}

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

/* Where an encoding goes; without `out` its bytes are only counted. */
struct block_sink {
    struct buf *out;
    size_t len;
};
void sink_u8(struct block_sink *s, uint8_t v);
void sink_varint(struct block_sink *s, uint64_t v);
void sink_bytes(struct block_sink *s, struct bytes b);
/* Digits 0..span of one byte each. */
void sink_digits(struct block_sink *s, const uint8_t *digits, size_t count, unsigned span);
/* An integer stream in the shortest of its modes; count >= 1.  `values` is overwritten. */
void sink_ints(struct block_sink *s, int64_t *values, size_t count);

#endif
