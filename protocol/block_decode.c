#include "protocol/block.h"

#include "common/utf8.h"
#include "protocol/block_internal.h"

#include <stdlib.h>
#include <string.h>

/* Nothing of a block is unpacked before it is needed: each column keeps a cursor into the block's bytes, and records
 * are put together row by row.  Where the streams lie and that they are whole is known before the first row. */

#define ROW_ROOM (BLOCK_MAX_ROW + 1u)

static enum err malformed(const char *what)
{
    return err_set(ERR_MALFORMED, "block: %s", what);
}

/* ---- packed numbers ---- */

struct unpack {
    const uint8_t *p;   /* next byte; planes: of the first plane */
    uint64_t span;      /* greatest number allowed */
    uint32_t plane_len; /* planes: bytes of one */
    uint8_t planes;     /* 0: digits */
    uint8_t per_byte, left;
    uint8_t byte; /* digits not yet taken */
    uint32_t base, inverse;
};

/* ceil(65536 / base): exact for every byte and every base up to 256, and no division per number. */
static void unpack_begin(struct unpack *u, struct rd *in, uint32_t count, uint64_t span)
{
    memset(u, 0, sizeof(*u));
    u->span = span;
    u->per_byte = (uint8_t)pack_per_byte(span);
    if (u->per_byte == 0) {
        u->planes = (uint8_t)pack_planes(span);
        u->plane_len = count;
    } else {
        u->base = (uint32_t)span + 1;
        u->inverse = (65536u + u->base - 1) / u->base;
    }
    u->p = rd_bytes(in, pack_len(count, span));
}

static uint64_t unpack_wide(struct unpack *u)
{
    const uint8_t *p = u->p++;
    uint64_t v = 0;

    for (unsigned i = 0; i < u->planes; i++, p += u->plane_len)
        v = v << 8 | *p;
    return v;
}

/* May be above `span` in what somebody else made: the caller checks. */
static inline uint64_t unpack_next(struct unpack *u)
{
    uint32_t rest;
    uint32_t digit;

    if (u->planes > 0)
        return unpack_wide(u);
    if (u->left == 0) {
        u->byte = *u->p++;
        u->left = u->per_byte;
    }
    if (--u->left == 0) /* what is left of the byte: too much of it makes the last digit too great */
        return u->byte;
    rest = u->byte * u->inverse >> 16;
    digit = u->byte - rest * u->base;
    u->byte = (uint8_t)rest;
    return digit;
}

/* After the last number: the unused digits of the last byte are zero. */
static bool unpack_is_clean(const struct unpack *u)
{
    return u->left == 0 || u->byte == 0;
}

/* ---- integer streams ---- */

struct ints {
    enum ints_mode mode;
    bool is_first;
    int64_t value; /* constant; or the last one of steps */
    int64_t base;  /* packed: what zero stands for; STEPS_CONSTANT: the step */
    struct unpack packed;
    struct rd varints;
};

static void take_packed(struct ints *s, struct rd *in, uint32_t count)
{
    uint64_t span;

    s->base = rd_zigzag(in);
    span = rd_varint(in);
    if (span == 0)
        in->failed = true;
    else
        unpack_begin(&s->packed, in, count, span);
}

static void take_plain(struct ints *s, struct rd *in, uint32_t count)
{
    s->varints = *in;
    while (count-- > 0 && !in->failed)
        (void)rd_varint(in);
    s->varints.end = in->p;
}

static void ints_begin(struct ints *s, struct rd *in, uint32_t count)
{
    uint8_t mode = rd_u8(in);

    memset(s, 0, sizeof(*s));
    s->mode = (enum ints_mode)mode;
    if (mode > INTS_STEPS_PLAIN || count == 0 || (mode >= INTS_STEPS_CONSTANT && count < 2)) {
        in->failed = true;
        s->mode = INTS_CONSTANT;
        return;
    }
    s->is_first = mode >= INTS_STEPS_CONSTANT;
    if (s->is_first || s->mode == INTS_CONSTANT)
        s->value = rd_zigzag(in);
    switch (s->mode) {
    case INTS_CONSTANT: break;
    case INTS_PACKED: take_packed(s, in, count); break;
    case INTS_PLAIN: take_plain(s, in, count); break;
    case INTS_STEPS_CONSTANT: s->base = rd_zigzag(in); break;
    case INTS_STEPS_PACKED: take_packed(s, in, count - 1); break;
    case INTS_STEPS_PLAIN: take_plain(s, in, count - 1); break;
    }
}

static inline int64_t add(int64_t a, uint64_t b)
{
    return (int64_t)((uint64_t)a + b);
}

static inline bool packed_next(struct ints *s, int64_t *v)
{
    uint64_t n = unpack_next(&s->packed);

    *v = add(s->base, n);
    return n <= s->packed.span;
}

static inline bool ints_next(struct ints *s, int64_t *v)
{
    bool is_good = true;

    if (s->mode == INTS_PACKED)
        return packed_next(s, v);
    if (s->is_first) {
        s->is_first = false;
        *v = s->value;
        return true;
    }
    switch (s->mode) {
    case INTS_PACKED:
    case INTS_CONSTANT: break;
    case INTS_PLAIN: s->value = rd_zigzag(&s->varints); break;
    case INTS_STEPS_CONSTANT: s->value = add(s->value, (uint64_t)s->base); break;
    case INTS_STEPS_PACKED:
        is_good = packed_next(s, v);
        s->value = add(s->value, (uint64_t)*v);
        break;
    case INTS_STEPS_PLAIN: s->value = add(s->value, (uint64_t)rd_zigzag(&s->varints)); break;
    }
    *v = s->value;
    return is_good;
}

/* All lengths of a stream of bytes, from a copy of its cursor. */
static bool ints_sum(struct ints s, uint32_t count, size_t most, size_t *sum)
{
    int64_t v;

    *sum = 0;
    while (count-- > 0) {
        if (!ints_next(&s, &v) || v < 0 || v > BLOCK_MAX_ROW || *sum + (size_t)v > most)
            return false;
        *sum += (size_t)v;
    }
    return true;
}

/* ---- columns ---- */

struct texts {
    bool is_constant;
    struct bytes same;
    struct ints lens;
    const uint8_t *p;
};

struct column {
    struct bytes fixed; /* p != NULL: the canonical bytes of one or more columns that are the same in every row */
    uint8_t kinds[KIND_COUNT];
    uint8_t used; /* how many of them */
    struct unpack places;
    struct ints ints;
    struct rd bigs;
    struct texts texts[3]; /* STR, BIN, ARRAY */
};

struct decoder {
    uint32_t rows, columns;
    struct ints numbers;
    struct column *column;
    uint32_t segments; /* of `column` in use: neighbouring fixed columns share one */
    struct buf fixed;  /* their bytes */
};

/* Where a row is written. */
struct pen {
    uint8_t *p, *end;
};

static void pen_put(struct pen *w, const uint8_t *bytes, size_t len)
{
    if ((size_t)(w->end - w->p) < len) {
        w->end = w->p; /* nothing more fits: noticed at the end of the row */
        return;
    }
    memcpy(w->p, bytes, len);
    w->p += len;
}

static void pen_head(struct pen *w, uint8_t first, unsigned width, uint64_t v)
{
    uint8_t raw[9];

    raw[0] = first;
    for (unsigned i = width; i > 0; i--, v >>= 8)
        raw[i] = (uint8_t)v;
    pen_put(w, raw, 1 + width);
}

static void pen_int(struct pen *w, int64_t v)
{
    if (v >= 0) {
        if (v <= 0x7f)
            pen_head(w, (uint8_t)v, 0, 0);
        else if (v <= UINT8_MAX)
            pen_head(w, 0xcc, 1, (uint64_t)v);
        else if (v <= UINT16_MAX)
            pen_head(w, 0xcd, 2, (uint64_t)v);
        else if (v <= UINT32_MAX)
            pen_head(w, 0xce, 4, (uint64_t)v);
        else
            pen_head(w, 0xcf, 8, (uint64_t)v);
    } else if (v >= -32) {
        pen_head(w, (uint8_t)v, 0, 0);
    } else if (v >= INT8_MIN) {
        pen_head(w, 0xd0, 1, (uint64_t)v);
    } else if (v >= INT16_MIN) {
        pen_head(w, 0xd1, 2, (uint64_t)v);
    } else if (v >= INT32_MIN) {
        pen_head(w, 0xd2, 4, (uint64_t)v);
    } else {
        pen_head(w, 0xd3, 8, (uint64_t)v);
    }
}

static void pen_array(struct pen *w, uint32_t count)
{
    if (count < 16)
        pen_head(w, (uint8_t)(0x90 | count), 0, 0);
    else
        pen_head(w, 0xdc, 2, count); /* never more than BLOCK_MAX_COLUMNS */
}

static bool pen_bytes(struct pen *w, enum block_kind kind, struct bytes b)
{
    struct mp m;

    if (kind == KIND_ARRAY) { /* stands in the block as it is, so it is checked here */
        m = mp_of(b);
        m.depth = 1;
        if (mp_next(&m).type != MP_ARRAY || !mp_done(&m))
            return false;
    } else if (kind == KIND_STR) {
        if (!utf8_is_valid(b.p, b.len))
            return false;
        if (b.len < 32)
            pen_head(w, (uint8_t)(0xa0 | b.len), 0, 0);
        else
            pen_head(w, b.len < 0x100 ? 0xd9 : 0xda, b.len < 0x100 ? 1 : 2, b.len);
    } else {
        pen_head(w, b.len < 0x100 ? 0xc4 : 0xc5, b.len < 0x100 ? 1 : 2, b.len);
    }
    pen_put(w, b.p, b.len);
    return true;
}

static bool texts_begin(struct texts *t, struct rd *in, uint32_t count)
{
    uint8_t mode = rd_u8(in);
    uint64_t len;
    size_t sum;

    if (mode == BYTES_CONSTANT) {
        len = rd_varint(in);
        t->is_constant = true;
        t->same.len = (size_t)len;
        t->same.p = len > BLOCK_MAX_ROW ? NULL : rd_bytes(in, (size_t)len);
        return t->same.p != NULL;
    }
    if (mode != BYTES_EACH)
        return false;
    ints_begin(&t->lens, in, count);
    if (in->failed || !ints_sum(t->lens, count, rd_left(in), &sum))
        return false;
    t->p = rd_bytes(in, sum);
    return true;
}

static bool texts_next(struct texts *t, struct bytes *out)
{
    int64_t len;

    if (t->is_constant) {
        *out = t->same;
        return true;
    }
    if (!ints_next(&t->lens, &len)) /* cannot be: ints_sum() has been here */
        return false;
    *out = (struct bytes){t->p, (size_t)len};
    t->p += len;
    return true;
}

/* How often each kind occurs; only needed where some have values. */
static bool count_kinds(const struct column *c, uint32_t rows, uint32_t found[KIND_COUNT])
{
    struct unpack places = c->places;

    if (c->used == 1) {
        found[c->kinds[0]] = rows;
        return true;
    }
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t place = unpack_next(&places);

        if (place >= c->used)
            return false;
        found[c->kinds[place]]++;
    }
    return unpack_is_clean(&places);
}

static enum err column_begin(struct column *c, struct rd *in, uint32_t rows)
{
    uint32_t found[KIND_COUNT] = {0};
    uint64_t mask = rd_varint(in);

    memset(c, 0, sizeof(*c));
    if (in->failed || mask == 0 || mask >> KIND_COUNT != 0)
        return malformed("a column does not begin with the kinds of its elements");
    for (unsigned k = 0; k < KIND_COUNT; k++)
        if ((mask >> k & 1) != 0)
            c->kinds[c->used++] = (uint8_t)k;
    if (c->used > 1)
        unpack_begin(&c->places, in, rows, c->used - 1u);
    if (in->failed || !count_kinds(c, rows, found))
        return malformed("the kinds of a column's elements are damaged");
    for (unsigned k = 0; k < c->used; k++)
        if (found[c->kinds[k]] == 0)
            return malformed("a column announces a kind of element that it does not have");
    if (found[KIND_INT] > 0)
        ints_begin(&c->ints, in, found[KIND_INT]);
    if (found[KIND_BIG] > 0) {
        c->bigs = *in;
        if (rd_bytes(in, (size_t)found[KIND_BIG] * 8) == NULL)
            return malformed("a column's large integers are cut off");
    }
    for (unsigned k = KIND_STR; k <= KIND_ARRAY; k++)
        if (found[k] > 0 && !texts_begin(&c->texts[k - KIND_STR], in, found[k]))
            return malformed("a column's texts are damaged");
    return in->failed ? malformed("a column's integers are damaged") : OK;
}

static bool put_big(struct column *c, struct pen *w)
{
    uint64_t v = rd_u64(&c->bigs);

    pen_head(w, 0xcf, 8, v);
    return v > INT64_MAX;
}

/* The next element of a column, in canonical form. */
static bool put_element(struct column *c, struct pen *w)
{
    static const uint8_t simple[KIND_INT][3] = {{0xc0}, {0xc2}, {0xc3}, {0xd4, 1, 1}, {0xd4, 1, 2}, {0xd4, 1, 3}};
    enum block_kind kind = (enum block_kind)c->kinds[c->used == 1 ? 0 : unpack_next(&c->places)];
    struct bytes text;
    int64_t v;

    switch (kind) {
    case KIND_NIL:
    case KIND_FALSE:
    case KIND_TRUE: pen_put(w, simple[kind], 1); return true;
    case KIND_NOT_ASKED:
    case KIND_NOT_KNOWN:
    case KIND_NOT_APPLICABLE: pen_put(w, simple[kind], 3); return true;
    case KIND_INT:
        if (!ints_next(&c->ints, &v))
            return false;
        pen_int(w, v);
        return true;
    case KIND_BIG: return put_big(c, w);
    case KIND_STR:
    case KIND_BIN:
    case KIND_ARRAY: return texts_next(&c->texts[kind - KIND_STR], &text) && pen_bytes(w, kind, text);
    }
    return false;
}

static bool is_fixed(const struct column *c)
{
    enum block_kind kind = (enum block_kind)c->kinds[0];

    if (c->used > 1)
        return false;
    return kind < KIND_INT || (kind == KIND_INT && c->ints.mode == INTS_CONSTANT) ||
           (kind >= KIND_STR && c->texts[kind - KIND_STR].is_constant);
}

/* A column that is the same in every row becomes bytes, together with the one before it if that was such, too. */
static enum err keep_column(struct decoder *d, struct column *c)
{
    uint8_t *at;
    struct pen w;
    bool is_good;

    if (!is_fixed(c)) {
        d->segments++;
        return OK;
    }
    if ((at = buf_grow(&d->fixed, BLOCK_MAX_ROW + 8)) == NULL)
        return err_set(ERR_LIMIT, "block: a record of more than %u bytes", BLOCK_MAX_ROW);
    w = (struct pen){at, at + BLOCK_MAX_ROW + 8};
    is_good = put_element(c, &w);
    d->fixed.len = (size_t)(w.p - d->fixed.data);
    if (!is_good)
        return malformed("a column's value is not canonical");
    if (d->segments > 0 && d->column[d->segments - 1].fixed.len > 0) {
        d->column[d->segments - 1].fixed.len += (size_t)(w.p - at);
        return OK;
    }
    /* The buffer may still move: pointers are set when all columns are read. */
    c->fixed = (struct bytes){NULL, (size_t)(w.p - at)};
    d->segments++;
    return OK;
}

static void set_fixed(struct decoder *d)
{
    const uint8_t *at = d->fixed.data;

    if (d->fixed.len == 0)
        return;
    for (uint32_t i = 0; i < d->segments; i++) {
        d->column[i].fixed.p = at;
        at += d->column[i].fixed.len;
    }
}

static enum err read_columns(struct decoder *d, struct rd *in)
{
    enum err e = OK;

    for (uint32_t i = 0; i < d->columns && e == OK; i++) {
        struct column *c = &d->column[d->segments];

        if ((e = column_begin(c, in, d->rows)) == OK)
            e = keep_column(d, c);
    }
    if (e == OK)
        set_fixed(d);
    return e;
}

/* ---- rows ---- */

static bool put_row(struct decoder *d, struct pen *w)
{
    pen_array(w, d->columns);
    for (struct column *c = d->column; c < d->column + d->segments; c++) {
        if (c->fixed.len > 0)
            pen_put(w, c->fixed.p, c->fixed.len);
        else if (!put_element(c, w))
            return false;
    }
    return true;
}

/* Room for one more row and a byte, which tells a row of the greatest size from one that is too large.  The rows are
 * plain text: where they have to move, no copy is left behind; the first row tells how much the others may take. */
static uint8_t *reserve_row(struct buf *b, uint32_t rows_left, size_t row_len)
{
    size_t guess = rows_left * (row_len + row_len / 16);
    size_t most = b->max - b->len;
    struct buf moved;

    if (b->cap > b->len + ROW_ROOM)
        return buf_grow(b, ROW_ROOM);
    guess += guess < b->len ? b->len : ROW_ROOM;
    if (guess < ROW_ROOM)
        guess = ROW_ROOM; /* few bytes may stand there that came by another way (batch_open_parts()) */
    buf_init(&moved, b->max);
    if (!buf_reserve(&moved, b->len + (guess < most ? guess : most)) || moved.cap < b->len + ROW_ROOM) {
        buf_fini(&moved);
        return NULL;
    }
    buf_put(&moved, b->data, b->len);
    buf_wipe(b);
    *b = moved;
    return buf_grow(b, ROW_ROOM);
}

static enum err put_rows(struct decoder *d, const struct block_rows *out, size_t start, size_t max_plain)
{
    size_t row_len = 0;
    int64_t last = 0;

    for (uint32_t i = 0; i < d->rows; i++) {
        size_t before = out->bytes->len;
        uint8_t *at = reserve_row(out->bytes, d->rows - i, row_len);
        struct pen w = {at, at == NULL ? NULL : at + ROW_ROOM};
        uint32_t end;
        int64_t number;

        if (at == NULL)
            return err_set(ERR_NOMEM, "no room for the records of a block");
        if (!put_row(d, &w))
            return malformed("an element is out of its range or not canonical");
        row_len = (size_t)(w.p - at);
        out->bytes->len = before + row_len;
        if (w.p == w.end || out->bytes->len - start > max_plain)
            return err_set(ERR_LIMIT, "block: records of more than %u bytes, or of more than %zu together",
                           BLOCK_MAX_ROW, max_plain);
        if (!ints_next(&d->numbers, &number) || number <= last)
            return malformed("the records' numbers do not ascend from 1");
        last = number;
        end = (uint32_t)out->bytes->len;
        buf_put(out->ends, &end, sizeof(end));
        buf_put(out->numbers, &number, sizeof(number));
    }
    if (out->ends->failed || out->numbers->failed)
        return err_set(ERR_NOMEM, "no room for the records of a block");
    return OK;
}

/* Only now are the last bytes of packed streams known to be clean. */
static bool ints_are_clean(const struct ints *s)
{
    return unpack_is_clean(&s->packed);
}

static bool columns_are_clean(const struct decoder *d)
{
    if (!ints_are_clean(&d->numbers))
        return false;
    for (uint32_t i = 0; i < d->segments; i++) {
        const struct column *c = &d->column[i];

        if (!ints_are_clean(&c->ints) || !ints_are_clean(&c->texts[0].lens) || !ints_are_clean(&c->texts[1].lens) ||
            !ints_are_clean(&c->texts[2].lens))
            return false;
    }
    return true;
}

static enum err read_head(struct decoder *d, struct rd *in, uint32_t max_records, size_t max_plain)
{
    uint64_t columns = rd_varint(in);
    uint64_t rows = rd_varint(in);

    if (in->failed || columns == 0 || rows == 0)
        return malformed("it does not begin with the numbers of its columns and records");
    /* Every element takes at least a byte: with this no small block can cost much work. */
    if (columns > BLOCK_MAX_COLUMNS || rows > max_records || rows * (columns + 1) > max_plain)
        return err_set(ERR_LIMIT, "block: %llu records of %llu elements; allowed are %u of %u, and %zu bytes together",
                       (unsigned long long)rows, (unsigned long long)columns, max_records, BLOCK_MAX_COLUMNS,
                       max_plain);
    d->columns = (uint32_t)columns;
    d->rows = (uint32_t)rows;
    ints_begin(&d->numbers, in, d->rows);
    return in->failed ? malformed("the records' numbers are damaged") : OK;
}

enum err block_decode(struct rd *in, const struct block_rows *out, uint32_t max_records, size_t max_plain,
                      uint32_t *count)
{
    struct decoder d = {0};
    enum err e;

    buf_init_secret(&d.fixed, (size_t)2 * (BLOCK_MAX_ROW + 8));
    if ((e = read_head(&d, in, max_records, max_plain)) != OK)
        return e;
    if ((d.column = malloc(d.columns * sizeof(*d.column))) == NULL)
        return err_set(ERR_NOMEM, "no memory for the columns of a block");
    if ((e = read_columns(&d, in)) == OK)
        e = put_rows(&d, out, out->bytes->len, max_plain);
    if (e == OK && !columns_are_clean(&d))
        e = malformed("a packed stream has bits left over");
    if (e == OK)
        *count = d.rows;
    buf_wipe(&d.fixed);
    free(d.column);
    return e;
}
