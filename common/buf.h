/* buf.h: a growing byte buffer with a ceiling and a sticky failure, and big-endian fields.
 *
 * A writer puts many fields and checks `failed` once.  A failed buffer keeps what it held and takes nothing more. */
#ifndef SVODKA_COMMON_BUF_H
#define SVODKA_COMMON_BUF_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t touched; /* no byte at or past it was ever written */
    size_t max;     /* never grows past it */
    bool failed;    /* no memory, or `max` reached */
    bool over_max;  /* which of the two */
    bool secret;    /* leaves no copy behind when it grows */
};

/* The caller's storage.  `max` is the most bytes it may ever hold. */
void buf_init(struct buf *b, size_t max);
/* The same for plain text of submissions and keys: where it has to move, the old place is wiped, as is all of it by
 * buf_fini(). */
void buf_init_secret(struct buf *b, size_t max);
/* Frees the bytes; the buffer is empty and usable again with the same `max`. */
void buf_fini(struct buf *b);
/* Overwrites the bytes before freeing, whatever kind of buffer it is: all that was ever written, not the spare room
 * behind it, which the system may never have had to find memory for. */
void buf_wipe(struct buf *b);
/* Empties it and clears `failed`; keeps the memory. */
void buf_reset(struct buf *b);

void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v); /* big-endian, as all below */
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_str(struct buf *b, const char *s); /* without its NUL */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Unsigned LEB128; and zigzag for signed numbers. */
void buf_put_varint(struct buf *b, uint64_t v);
void buf_put_zigzag(struct buf *b, int64_t v);
/* Room for `len` more bytes, already counted in `len`; NULL when failed.  Valid until the next put. */
uint8_t *buf_grow(struct buf *b, size_t len);
/* Room for `len` more bytes without counting them: the next puts of as many move nothing.  False when failed. */
bool buf_reserve(struct buf *b, size_t len);
/* Adds a NUL that is not counted in len, so that data is a C string; "" when failed or empty. */
const char *buf_cstr(struct buf *b);
/* OK, ERR_NOMEM or ERR_LIMIT: what `failed` stands for. */
MUST_CHECK enum err buf_status(const struct buf *b);

/* Reading: a loan over bytes with sticky failure; a failed reader returns zeros. */
struct rd {
    const uint8_t *p;
    const uint8_t *end;
    bool failed;
};
struct rd rd_of(const void *bytes, size_t len);
size_t rd_left(const struct rd *r);
const uint8_t *rd_bytes(struct rd *r, size_t len); /* NULL when fewer are left */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* Refuses over-long encodings and more than 64 bits. */
uint64_t rd_varint(struct rd *r);
int64_t rd_zigzag(struct rd *r);

void be32_put(uint8_t out[4], uint32_t v);
void be64_put(uint8_t out[8], uint64_t v);
uint32_t be32_get(const uint8_t in[4]);
uint64_t be64_get(const uint8_t in[8]);

/* A loan over bytes. */
struct bytes {
    const uint8_t *p;
    size_t len;
};

static inline struct bytes bytes_of(const void *p, size_t len)
{
    struct bytes b = {(const uint8_t *)p, len};

    return b;
}
/* Without the blanks and tabs at both ends; a loan of the same bytes. */
struct bytes bytes_trimmed(struct bytes b);

#endif
