#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64u

void buf_init(struct buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max < SIZE_MAX ? max : SIZE_MAX - 1; /* one more is for the NUL of buf_cstr() */
}

void buf_init_secret(struct buf *b, size_t max)
{
    buf_init(b, max);
    b->secret = true;
}

void buf_fini(struct buf *b)
{
    bool secret = b->secret;
    size_t max = b->max;

    if (secret && b->data != NULL)
        explicit_bzero(b->data, b->touched);
    free(b->data);
    buf_init(b, max);
    b->secret = secret;
}

void buf_wipe(struct buf *b)
{
    if (!b->secret && b->data != NULL)
        explicit_bzero(b->data, b->touched);
    buf_fini(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    b->over_max = false;
}

/* realloc() may move the bytes and leave the old ones where they were. */
static uint8_t *grow_secret(struct buf *b, size_t cap)
{
    uint8_t *grown = malloc(cap);

    if (grown == NULL || b->data == NULL)
        return grown;
    memcpy(grown, b->data, b->len);
    explicit_bzero(b->data, b->touched);
    b->touched = b->len;
    free(b->data);
    return grown;
}

/* Makes sure that `more` bytes fit, plus one for buf_cstr(). */
bool buf_reserve(struct buf *b, size_t more)
{
    size_t cap = b->cap == 0 ? FIRST_CAP : b->cap;
    uint8_t *grown;

    if (b->failed)
        return false;
    if (more > b->max - b->len) {
        b->failed = true;
        b->over_max = true;
        return false;
    }
    if (b->cap > b->len + more)
        return true;
    while (cap <= b->len + more)
        cap = cap > SIZE_MAX / 2 ? b->len + more + 1 : cap * 2;
    grown = b->secret ? grow_secret(b, cap) : realloc(b->data, cap);
    if (grown == NULL) {
        b->failed = true;
        return false;
    }
    b->data = grown;
    b->cap = cap;
    return true;
}

static void count(struct buf *b, size_t len)
{
    b->len += len;
    if (b->touched < b->len)
        b->touched = b->len;
}

uint8_t *buf_grow(struct buf *b, size_t len)
{
    uint8_t *at;

    if (!buf_reserve(b, len))
        return NULL;
    at = b->data + b->len;
    count(b, len);
    return at;
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
    uint8_t *at = buf_grow(b, len);

    if (at != NULL && len > 0)
        memcpy(at, bytes, len);
}

void buf_put_u8(struct buf *b, uint8_t v)
{
    buf_put(b, &v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v)
{
    uint8_t raw[2] = {(uint8_t)(v >> 8), (uint8_t)v};

    buf_put(b, raw, sizeof(raw));
}

void buf_put_u32(struct buf *b, uint32_t v)
{
    uint8_t raw[4];

    be32_put(raw, v);
    buf_put(b, raw, sizeof(raw));
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    uint8_t raw[8];

    be64_put(raw, v);
    buf_put(b, raw, sizeof(raw));
}

void buf_put_str(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    int need;

    va_start(ap, fmt);
    va_copy(again, ap);
    need = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (need < 0)
        b->failed = true;
    else if (buf_reserve(b, (size_t)need)) {
        (void)vsnprintf((char *)b->data + b->len, (size_t)need + 1, fmt, again);
        count(b, (size_t)need);
    }
    va_end(again);
}

void buf_put_varint(struct buf *b, uint64_t v)
{
    uint8_t raw[10];
    size_t n = 0;

    while (v >= 0x80u) {
        raw[n++] = (uint8_t)(v | 0x80u);
        v >>= 7;
    }
    raw[n++] = (uint8_t)v;
    buf_put(b, raw, n);
}

void buf_put_zigzag(struct buf *b, int64_t v)
{
    buf_put_varint(b, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

const char *buf_cstr(struct buf *b)
{
    if (b->len == 0 || !buf_reserve(b, 0))
        return "";
    b->data[b->len] = '\0';
    return (const char *)b->data;
}

enum err buf_status(const struct buf *b)
{
    if (!b->failed)
        return OK;
    return b->over_max ? ERR_LIMIT : ERR_NOMEM;
}

struct rd rd_of(const void *bytes, size_t len)
{
    struct rd r = {bytes, (const uint8_t *)bytes + len, false};

    return r;
}

size_t rd_left(const struct rd *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->p);
}

const uint8_t *rd_bytes(struct rd *r, size_t len)
{
    const uint8_t *at = r->p;

    if (r->failed || len > (size_t)(r->end - r->p)) {
        r->failed = true;
        return NULL;
    }
    r->p += len;
    return at;
}

uint8_t rd_u8(struct rd *r)
{
    const uint8_t *at = rd_bytes(r, 1);

    return at == NULL ? 0 : at[0];
}

uint16_t rd_u16(struct rd *r)
{
    const uint8_t *at = rd_bytes(r, 2);

    return at == NULL ? 0 : (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

uint32_t rd_u32(struct rd *r)
{
    const uint8_t *at = rd_bytes(r, 4);

    return at == NULL ? 0 : be32_get(at);
}

uint64_t rd_u64(struct rd *r)
{
    const uint8_t *at = rd_bytes(r, 8);

    return at == NULL ? 0 : be64_get(at);
}

uint64_t rd_varint(struct rd *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = rd_u8(r);

        if (shift == 63 && byte > 1) /* past 64 bits */
            break;
        v |= (uint64_t)(byte & 0x7Fu) << shift;
        if ((byte & 0x80u) == 0) {
            if (byte == 0 && shift > 0) /* over-long */
                break;
            return r->failed ? 0 : v;
        }
    }
    r->failed = true;
    return 0;
}

int64_t rd_zigzag(struct rd *r)
{
    uint64_t v = rd_varint(r);

    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

void be32_put(uint8_t out[4], uint32_t v)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        out[i] = (uint8_t)v;
}

void be64_put(uint8_t out[8], uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        out[i] = (uint8_t)v;
}

uint32_t be32_get(const uint8_t in[4])
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

uint64_t be64_get(const uint8_t in[8])
{
    return (uint64_t)be32_get(in) << 32 | be32_get(in + 4);
}

struct bytes bytes_trimmed(struct bytes b)
{
    while (b.len > 0 && (b.p[0] == ' ' || b.p[0] == '\t'))
        b = bytes_of(b.p + 1, b.len - 1);
    while (b.len > 0 && (b.p[b.len - 1] == ' ' || b.p[b.len - 1] == '\t'))
        b.len--;
    return b;
}
