/* block.h: records of equal length, turned into columns and back (SPEC.md section 4.3).  Self-describing: works on
 * canonical MessagePack arrays without their form.  decode(encode(x)) == x, byte for byte. */
#ifndef SVODKA_PROTOCOL_BLOCK_H
#define SVODKA_PROTOCOL_BLOCK_H

#include "protocol/mp.h"

#define BLOCK_MAX_COLUMNS 1100u
#define BLOCK_MAX_ROWS    65536u
#define BLOCK_MAX_ROW     (64u << 10)           /* bytes of one record */
#define BLOCK_MAX_NUMBER  ((uint64_t)INT64_MAX) /* numbers go from 1 to this */

/* Keeps the records by columns, a column whose elements are all equal only once: that is what makes 65,536 pupils fit
 * into a small PC. */
struct block_maker;
MUST_CHECK enum err block_maker_new(struct block_maker **out);
void block_maker_free(struct block_maker *m); /* wipes: it held plain text */
void block_maker_reset(struct block_maker *m);
/* `record`: one canonical array; numbers ascending.  On failure the maker is as before.
 * ERR_INVALID: another number of elements than the first one's, or a number that does not ascend.
 * ERR_MALFORMED: not canonical.  ERR_FULL: BLOCK_MAX_ROWS are in. */
MUST_CHECK enum err block_maker_add(struct block_maker *m, uint64_t number, struct bytes record);
uint32_t block_maker_count(const struct block_maker *m);
/* How many of the records have a number up to `number`. */
uint32_t block_maker_count_to(const struct block_maker *m, uint64_t number);
/* Bytes the columns take in memory; encoded they are rarely more. */
size_t block_maker_plain_len(const struct block_maker *m);

/* The first `count` (at least 1) records.  A block is a sequence of parts (its head, then a column each), so that it
 * can be compressed as it is made; all parts one after another are the block. */
uint32_t block_maker_parts(const struct block_maker *m);
MUST_CHECK enum err block_maker_encode_part(struct block_maker *m, uint32_t count, uint32_t part, struct buf *out);
MUST_CHECK enum err block_maker_encode(struct block_maker *m, uint32_t count, struct buf *out);
/* Exactly the bytes that encoding will give. */
MUST_CHECK enum err block_maker_measure(struct block_maker *m, uint32_t count, size_t *len);

/* Appends the records' canonical bytes to `out`, and for each its end offset in `out` and its number.
 * Consumes exactly one block from `in`.  Bounds: at most max_records records, max_plain bytes out.
 * ERR_MALFORMED, ERR_LIMIT; then what was appended is worthless.  `bytes` may hold max_plain + BLOCK_MAX_ROW + 1 more
 * at least; it is wiped where it moves. */
struct block_rows {
    struct buf *bytes;
    struct buf *ends;    /* u32 host order, one a record */
    struct buf *numbers; /* u64 host order */
};
MUST_CHECK enum err block_decode(struct rd *in, const struct block_rows *out, uint32_t max_records, size_t max_plain,
                                 uint32_t *count);

#endif
