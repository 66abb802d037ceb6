#include "protocol/mp.h"

#include "common/utf8.h"
#include "common/value.h"

#include <msgpack.h>
#include <string.h>

/* ---- writing ---- */

/* The buffer's failure is sticky, so the packer never needs to hear of it. */
static int put_packed(void *data, const char *bytes, size_t len)
{
    struct buf *b = data;

    buf_put(b, bytes, len);
    return 0;
}

static msgpack_packer packer_of(struct buf *b)
{
    msgpack_packer pk;

    msgpack_packer_init(&pk, b, put_packed);
    return pk;
}

void mp_put_nil(struct buf *b)
{
    msgpack_packer pk = packer_of(b);

    (void)msgpack_pack_nil(&pk);
}

void mp_put_bool(struct buf *b, bool v)
{
    msgpack_packer pk = packer_of(b);

    (void)(v ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk));
}

void mp_put_uint(struct buf *b, uint64_t v)
{
    msgpack_packer pk = packer_of(b);

    (void)msgpack_pack_uint64(&pk, v);
}

void mp_put_int(struct buf *b, int64_t v)
{
    msgpack_packer pk = packer_of(b);

    (void)msgpack_pack_int64(&pk, v);
}

void mp_put_str(struct buf *b, const char *s, size_t len)
{
    msgpack_packer pk = packer_of(b);

    (void)msgpack_pack_str(&pk, len);
    (void)msgpack_pack_str_body(&pk, s, len);
}

void mp_put_cstr(struct buf *b, const char *s)
{
    mp_put_str(b, s, strlen(s));
}

void mp_put_bin(struct buf *b, const void *bytes, size_t len)
{
    msgpack_packer pk = packer_of(b);

    (void)msgpack_pack_bin(&pk, len);
    (void)msgpack_pack_bin_body(&pk, bytes, len);
}

void mp_put_array(struct buf *b, size_t count)
{
    msgpack_packer pk = packer_of(b);

    (void)msgpack_pack_array(&pk, count);
}

void mp_put_state(struct buf *b, unsigned state)
{
    msgpack_packer pk = packer_of(b);
    uint8_t body = (uint8_t)state;

    (void)msgpack_pack_ext(&pk, 1, MP_EXT_STATE);
    (void)msgpack_pack_ext_body(&pk, &body, 1);
}

void mp_put_raw(struct buf *b, struct bytes canonical)
{
    buf_put(b, canonical.p, canonical.len);
}

/* ---- reading ---- */

struct mp mp_of(struct bytes in)
{
    static const uint8_t nothing[1];
    struct mp m = {in.p, in.p, false, 0};

    if (in.p == NULL) {
        m.p = m.end = nothing;
        m.failed = in.len > 0;
    } else {
        m.end = in.p + in.len;
    }
    return m;
}

static enum mp_type type_of(uint8_t first)
{
    if (first <= 0x7f)
        return MP_UINT;
    if (first >= 0xe0)
        return MP_NEGATIVE;
    if (first <= 0x8f) /* fixmap */
        return MP_BAD;
    if (first <= 0x9f)
        return MP_ARRAY;
    if (first <= 0xbf)
        return MP_STR;
    switch (first) {
    case 0xc0: return MP_NIL;
    case 0xc2: return MP_FALSE;
    case 0xc3: return MP_TRUE;
    case 0xc4:
    case 0xc5:
    case 0xc6: return MP_BIN;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: return MP_UINT;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: return MP_NEGATIVE;
    case 0xd4: return MP_STATE;
    case 0xd9:
    case 0xda:
    case 0xdb: return MP_STR;
    case 0xdc:
    case 0xdd: return MP_ARRAY;
    }
    return MP_BAD; /* never used, ext but fixext 1, floats, maps */
}

enum mp_type mp_peek(const struct mp *m)
{
    return m->failed || m->p == m->end ? MP_BAD : type_of(*m->p);
}

static enum mp_type fail(struct mp *m)
{
    m->failed = true;
    return MP_BAD;
}

/* `width` bytes after the first one, big-endian, into *n.  The value must not fit the next shorter form, which ends
 * just below `least`. */
static bool take_wide(struct mp *m, unsigned width, uint64_t least, uint64_t *n)
{
    uint64_t v = 0;

    if ((size_t)(m->end - m->p) < 1u + width)
        return false;
    for (unsigned i = 1; i <= width; i++)
        v = v << 8 | m->p[i];
    m->p += 1u + width;
    *n = v;
    return v >= least;
}

/* The same for negative numbers: the shorter forms reach down to `most` + 1. */
static bool take_negative(struct mp *m, unsigned width, int64_t most, uint64_t *n)
{
    unsigned unused = 64u - 8u * width;
    int64_t v;

    if (!take_wide(m, width, 0, n))
        return false;
    v = (int64_t)(*n << unused) >> unused;
    *n = (uint64_t)v;
    return v <= most;
}

static bool take_state(struct mp *m, uint64_t *n)
{
    if (m->end - m->p < 3 || m->p[1] != MP_EXT_STATE || m->p[2] < VALUE_NOT_ASKED || m->p[2] > VALUE_NOT_APPLICABLE)
        return false;
    *n = m->p[2];
    m->p += 3;
    return true;
}

static bool take_long_head(struct mp *m, uint64_t *n)
{
    switch (*m->p) {
    case 0xcc: return take_wide(m, 1, 0x80, n);
    case 0xcd: return take_wide(m, 2, 0x100, n);
    case 0xce: return take_wide(m, 4, 0x10000, n);
    case 0xcf: return take_wide(m, 8, UINT64_C(0x100000000), n);
    case 0xd0: return take_negative(m, 1, -33, n);
    case 0xd1: return take_negative(m, 2, -129, n);
    case 0xd2: return take_negative(m, 4, -32769, n);
    case 0xd3: return take_negative(m, 8, INT64_C(-2147483649), n);
    case 0xd9: return take_wide(m, 1, 32, n);
    case 0xda: return take_wide(m, 2, 0x100, n);
    case 0xdb: return take_wide(m, 4, 0x10000, n);
    case 0xc4: return take_wide(m, 1, 0, n);
    case 0xc5: return take_wide(m, 2, 0x100, n);
    case 0xc6: return take_wide(m, 4, 0x10000, n);
    case 0xdc: return take_wide(m, 2, 16, n);
    case 0xdd: return take_wide(m, 4, 0x10000, n);
    case 0xd4: return take_state(m, n);
    default: m->p++; return true; /* nil, false, true: type_of() let nothing else through */
    }
}

/* Consumes the head of the next element: its value, state, length or count goes to *n.  Everything that is truncated
 * or not canonical ends here; bodies are still ahead. */
static enum mp_type take_head(struct mp *m, uint64_t *n)
{
    enum mp_type type = mp_peek(m);
    uint8_t first;

    *n = 0;
    if (type == MP_BAD)
        return fail(m);
    first = *m->p;
    if (first <= 0x7f) {
        *n = first;
        m->p++;
    } else if (first >= 0xe0) {
        *n = (uint64_t)((int64_t)first - 0x100);
        m->p++;
    } else if (first <= 0xbf) {
        *n = type == MP_STR ? first & 0x1fu : first & 0x0fu;
        m->p++;
    } else if (!take_long_head(m, n)) {
        return fail(m);
    }
    return type;
}

static bool take_head_of(struct mp *m, enum mp_type want, uint64_t *n)
{
    if (take_head(m, n) == want)
        return true;
    fail(m);
    return false;
}

static struct bytes take_body(struct mp *m, uint64_t len)
{
    struct bytes body = {m->p, 0};

    if (m->failed || len > (size_t)(m->end - m->p)) {
        fail(m);
        return body;
    }
    body.len = (size_t)len;
    m->p += len;
    return body;
}

bool mp_nil(struct mp *m)
{
    if (mp_peek(m) != MP_NIL)
        return false;
    m->p++;
    return true;
}

bool mp_bool(struct mp *m)
{
    uint64_t n;
    enum mp_type type = take_head(m, &n);

    if (type != MP_TRUE && type != MP_FALSE)
        fail(m);
    return type == MP_TRUE;
}

uint64_t mp_uint(struct mp *m, uint64_t max)
{
    uint64_t n;

    if (!take_head_of(m, MP_UINT, &n) || n > max) {
        fail(m);
        return 0;
    }
    return n;
}

int64_t mp_int(struct mp *m)
{
    uint64_t n;
    enum mp_type type = take_head(m, &n);

    if (type == MP_NEGATIVE || (type == MP_UINT && n <= INT64_MAX))
        return (int64_t)n;
    fail(m);
    return 0;
}

struct bytes mp_str(struct mp *m, size_t max)
{
    struct bytes s = {m->p, 0};
    uint64_t n;

    if (!take_head_of(m, MP_STR, &n) || n > max) {
        fail(m);
        return s;
    }
    s = take_body(m, n);
    if (!m->failed && !utf8_is_valid(s.p, s.len)) {
        fail(m);
        s.len = 0;
    }
    return s;
}

struct bytes mp_bin(struct mp *m, size_t max)
{
    struct bytes none = {m->p, 0};
    uint64_t n;

    if (!take_head_of(m, MP_BIN, &n) || n > max) {
        fail(m);
        return none;
    }
    return take_body(m, n);
}

void mp_bin_exact(struct mp *m, uint8_t *out, size_t len)
{
    struct bytes b = mp_bin(m, len);

    if (m->failed || b.len != len) {
        fail(m);
        memset(out, 0, len);
    } else {
        memcpy(out, b.p, len);
    }
}

void mp_text(struct mp *m, char *out, size_t min, size_t max)
{
    struct bytes s = mp_str(m, max);

    if (!m->failed && (s.len < min || memchr(s.p, '\0', s.len) != NULL))
        fail(m);
    if (m->failed)
        s.len = 0;
    memcpy(out, s.p, s.len);
    out[s.len] = '\0';
}

unsigned mp_state(struct mp *m)
{
    uint64_t n;

    return take_head_of(m, MP_STATE, &n) ? (unsigned)n : 0;
}

size_t mp_array(struct mp *m, size_t min, size_t max)
{
    uint64_t n;

    if (!take_head_of(m, MP_ARRAY, &n) || n < min || n > max || n > (size_t)(m->end - m->p)) {
        fail(m);
        return 0;
    }
    return (size_t)n;
}

/* Recursion ends at MP_MAX_DEPTH arrays inside each other. */
struct mp_element mp_next(struct mp *m)
{
    struct mp_element e = {.whole = {m->p, 0}, .body = {m->p, 0}};

    e.type = take_head(m, &e.n);
    switch (e.type) {
    case MP_STR:
    case MP_BIN:
        e.body = take_body(m, e.n);
        if (e.type == MP_STR && !m->failed && !utf8_is_valid(e.body.p, e.body.len))
            fail(m);
        break;
    case MP_ARRAY:
        if (m->depth >= MP_MAX_DEPTH || e.n > (size_t)(m->end - m->p)) {
            fail(m);
            break;
        }
        m->depth++;
        mp_skip(m, (size_t)e.n);
        m->depth--;
        break;
    case MP_NIL:
    case MP_FALSE:
    case MP_TRUE:
    case MP_UINT:
    case MP_NEGATIVE:
    case MP_STATE:
    case MP_BAD: break;
    }
    if (m->failed)
        e.type = MP_BAD;
    else
        e.whole.len = (size_t)(m->p - e.whole.p);
    return e;
}

struct bytes mp_any(struct mp *m)
{
    return mp_next(m).whole;
}

void mp_skip(struct mp *m, size_t elements)
{
    while (elements-- > 0 && !m->failed)
        (void)mp_next(m);
}

bool mp_done(const struct mp *m)
{
    return !m->failed && m->p == m->end;
}
