/* fields.h: what signed objects and messages share: arrays of fields at fixed positions that may grow at their end.
 * For this folder only.  Reading fails stickily, as the cursor does (mp.h). */
#ifndef SVODKA_PROTOCOL_FIELDS_H
#define SVODKA_PROTOCOL_FIELDS_H

#include "protocol/batch.h"

#define FIELDS_MAX 32u /* in one array, those of later versions included */

/* Years 1 to 9999 in milliseconds, so that a difference of two times never overflows. */
#define TIME_MIN_MS (-62135596800000)
#define TIME_MAX_MS 253402300799999

/* Opens an array of at least `known` fields; returns how many unknown ones stand after them, for fields_end(). */
size_t fields_begin(struct mp *m, size_t known);
void fields_end(struct mp *m, size_t unknown);

uint64_t fields_u64(struct mp *m, uint64_t min, uint64_t max);
uint32_t fields_u32(struct mp *m, uint32_t min, uint32_t max);
int64_t fields_time(struct mp *m);
void fields_id(struct mp *m, char out[ID_MAX + 1]);
void fields_generation(struct mp *m, struct generation *out); /* two fields */
void fields_put_generation(struct buf *b, const struct generation *g);

/* A flat list FIRST, COUNT, FIRST, COUNT, ...: ascending, disjoint, numbers from 1, counts from 1. */
uint32_t fields_ranges(struct mp *m, struct number_range *out, uint32_t max);
void fields_put_ranges(struct buf *b, const struct number_range *ranges, uint32_t count);

/* OK when the cursor has read its input whole; else ERR_MALFORMED with a sentence about `what`. */
MUST_CHECK enum err fields_done(const struct mp *m, const char *what);

#endif
