/* mp.h: canonical MessagePack.  msgpack-c writes; what comes from outside is read by a bounded cursor that trusts no
 * length and refuses what is not canonical: over-long integers and lengths, floats, maps, NaN, invalid UTF-8, unknown
 * ext types, 0xc1.  Canonical form: SPEC.md section 2. */
#ifndef SVODKA_PROTOCOL_MP_H
#define SVODKA_PROTOCOL_MP_H

#include "common/buf.h"

#define MP_MAX_DEPTH 4u
#define MP_EXT_STATE 1 /* fixext 1: a value state other than present and missing (enum value_state) */

/* Writing: sticky failure lives in the buffer. */
void mp_put_nil(struct buf *b);
void mp_put_bool(struct buf *b, bool v);
void mp_put_uint(struct buf *b, uint64_t v);
void mp_put_int(struct buf *b, int64_t v);
void mp_put_str(struct buf *b, const char *s, size_t len);
void mp_put_cstr(struct buf *b, const char *s);
void mp_put_bin(struct buf *b, const void *bytes, size_t len);
void mp_put_array(struct buf *b, size_t count);
void mp_put_state(struct buf *b, unsigned state);
void mp_put_raw(struct buf *b, struct bytes canonical);

/* Reading. */
enum mp_type { MP_NIL, MP_FALSE, MP_TRUE, MP_UINT, MP_NEGATIVE, MP_STR, MP_BIN, MP_ARRAY, MP_STATE, MP_BAD };

struct mp {
    const uint8_t *p, *end;
    bool failed;
    uint8_t depth;
};
struct mp mp_of(struct bytes in);
enum mp_type mp_peek(const struct mp *m); /* MP_BAD at the end, too */
/* Each returns zero or empty, and sets failed, when the next element is not of that type or beyond the bound. */
bool mp_nil(struct mp *m); /* consumes a nil if there is one; never fails */
bool mp_bool(struct mp *m);
uint64_t mp_uint(struct mp *m, uint64_t max);
int64_t mp_int(struct mp *m);
struct bytes mp_str(struct mp *m, size_t max); /* valid UTF-8; a loan of the input */
struct bytes mp_bin(struct mp *m, size_t max);
void mp_bin_exact(struct mp *m, uint8_t *out, size_t len);
/* A text of 1..max bytes into out[max + 1]; `min` 0 allows empty. */
void mp_text(struct mp *m, char *out, size_t min, size_t max);
unsigned mp_state(struct mp *m);
/* Count of elements, within [min, max]; also never more than the bytes left. */
size_t mp_array(struct mp *m, size_t min, size_t max);
/* One whole element of any canonical type, as bytes (depth and lengths checked). */
struct bytes mp_any(struct mp *m);
void mp_skip(struct mp *m, size_t elements);
/* The next element, whatever canonical type it has; depth, lengths and UTF-8 are checked as by mp_any(). */
struct mp_element {
    enum mp_type type;  /* MP_BAD: the cursor failed */
    uint64_t n;         /* UINT; NEGATIVE (two's complement); STR, BIN: length; ARRAY: count; STATE: enum value_state */
    struct bytes body;  /* STR, BIN: the bytes themselves */
    struct bytes whole; /* the element as it stands, head included */
};
struct mp_element mp_next(struct mp *m);
/* True when nothing failed and nothing is left. */
bool mp_done(const struct mp *m);

#endif
