#include "protocol/block.h"

#include "protocol/block_internal.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN_MAX_BYTES (64u << 20)

/* The first `repeats` elements are equal and stand once, at the start of `raw`; the rest follow one by one. */
struct column {
    struct buf raw;
    uint32_t repeats;
    uint32_t singles;
    size_t first_len;
};

struct block_maker {
    uint32_t rows;
    uint32_t columns;
    struct column *column; /* column_cap of them; those past `columns` are empty but keep their memory */
    uint32_t column_cap;
    struct buf numbers; /* varint steps */
    uint64_t last_number;
    size_t held;     /* bytes in numbers and columns */
    uint32_t *ends;  /* of a record's elements: BLOCK_MAX_COLUMNS + 1 */
    uint8_t *kinds;  /* scratch of encoding, one a row */
    int64_t *values; /* scratch of encoding, one a row */
    uint32_t scratch_cap;
};

enum err block_maker_new(struct block_maker **out)
{
    struct block_maker *m = calloc(1, sizeof(*m));

    if (m == NULL || (m->ends = calloc(BLOCK_MAX_COLUMNS + 1, sizeof(*m->ends))) == NULL) {
        free(m);
        return err_set(ERR_NOMEM, "no memory for a block of records");
    }
    buf_init(&m->numbers, COLUMN_MAX_BYTES);
    *out = m;
    return OK;
}

void block_maker_free(struct block_maker *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->column_cap; i++)
        buf_wipe(&m->column[i].raw);
    if (m->values != NULL)
        explicit_bzero(m->values, m->scratch_cap * sizeof(*m->values));
    buf_fini(&m->numbers);
    free(m->column);
    free(m->ends);
    free(m->kinds);
    free(m->values);
    free(m);
}

void block_maker_reset(struct block_maker *m)
{
    for (uint32_t i = 0; i < m->columns; i++) {
        struct column *c = &m->column[i];

        buf_reset(&c->raw);
        c->repeats = c->singles = 0;
    }
    buf_reset(&m->numbers);
    m->rows = m->columns = 0;
    m->last_number = 0;
    m->held = 0;
}

uint32_t block_maker_count(const struct block_maker *m)
{
    return m->rows;
}

size_t block_maker_plain_len(const struct block_maker *m)
{
    return m->held;
}

uint32_t block_maker_count_to(const struct block_maker *m, uint64_t number)
{
    struct rd r = rd_of(m->numbers.data, m->numbers.len);
    uint64_t at = 0;
    uint32_t count = 0;

    if (number >= m->last_number)
        return m->rows;
    while (count < m->rows && (at += rd_varint(&r)) <= number)
        count++;
    return count;
}

/* ---- adding ---- */

static enum err no_memory(void)
{
    return err_set(ERR_NOMEM, "no memory for a block of records");
}

static enum err set_columns(struct block_maker *m, uint32_t count)
{
    struct column *grown;

    if (count > m->column_cap) {
        if ((grown = realloc(m->column, count * sizeof(*grown))) == NULL)
            return no_memory();
        m->column = grown;
        memset(grown + m->column_cap, 0, (count - m->column_cap) * sizeof(*grown));
        for (; m->column_cap < count; m->column_cap++)
            buf_init_secret(&grown[m->column_cap].raw, COLUMN_MAX_BYTES);
    }
    m->columns = count;
    return OK;
}

/* Where each element ends; ends[0] is where the first begins. */
static enum err split(struct block_maker *m, struct bytes record, uint32_t *count)
{
    struct mp in = mp_of(record);
    size_t n = mp_array(&in, 1, BLOCK_MAX_COLUMNS);

    in.depth = 1;
    if (record.len > BLOCK_MAX_ROW)
        return err_set(ERR_LIMIT, "a record of %zu bytes; at most %u are allowed", record.len, BLOCK_MAX_ROW);
    m->ends[0] = (uint32_t)(in.p - record.p);
    for (size_t i = 1; i <= n && !in.failed; i++) {
        if (in.p < in.end && *in.p <= 0x7f) /* most are small numbers */
            in.p++;
        else
            (void)mp_next(&in);
        m->ends[i] = (uint32_t)(in.p - record.p);
    }
    if (!mp_done(&in))
        return err_set(ERR_MALFORMED, "a record for a block is one canonical array of 1 to %u elements",
                       BLOCK_MAX_COLUMNS);
    *count = (uint32_t)n;
    return OK;
}

static bool column_add(struct column *c, const uint8_t *p, size_t len)
{
    if (c->singles == 0) {
        if (c->repeats > 0 && len == c->first_len && memcmp(p, c->raw.data, len) == 0) {
            c->repeats++;
            return true;
        }
        if (c->repeats == 0) {
            buf_put(&c->raw, p, len);
            c->first_len = len;
            c->repeats = c->raw.failed ? 0 : 1;
            return !c->raw.failed;
        }
    }
    buf_put(&c->raw, p, len);
    if (c->raw.failed)
        return false;
    c->singles++;
    return true;
}

/* Takes the last element back, which is `len` bytes long. */
static void column_undo(struct column *c, size_t len)
{
    if (c->singles > 0) {
        c->singles--;
        c->raw.len -= len;
    } else if (--c->repeats == 0) {
        c->raw.len = 0;
    }
}

static enum err add_elements(struct block_maker *m, struct bytes record)
{
    uint32_t i;

    for (i = 0; i < m->columns; i++) {
        struct column *c = &m->column[i];
        size_t len = m->ends[i + 1] - m->ends[i];
        size_t before = c->raw.len;

        if (!column_add(c, record.p + m->ends[i], len))
            break;
        m->held += c->raw.len - before;
    }
    if (i == m->columns)
        return OK;
    m->column[i].raw.failed = false;
    while (i-- > 0) {
        size_t before = m->column[i].raw.len;

        column_undo(&m->column[i], m->ends[i + 1] - m->ends[i]);
        m->held -= before - m->column[i].raw.len;
    }
    return no_memory();
}

enum err block_maker_add(struct block_maker *m, uint64_t number, struct bytes record)
{
    size_t numbers_before = m->numbers.len;
    uint32_t count = 0;
    enum err e;

    if (m->rows == BLOCK_MAX_ROWS)
        return err_set(ERR_FULL, "a block holds at most %u records", BLOCK_MAX_ROWS);
    if (number <= m->last_number || number > BLOCK_MAX_NUMBER)
        return err_set(ERR_INVALID, "number %llu does not follow %llu in a block", (unsigned long long)number,
                       (unsigned long long)m->last_number);
    if ((e = split(m, record, &count)) != OK)
        return e;
    if (m->rows > 0 && count != m->columns)
        return err_set(ERR_INVALID, "a record of %u elements in a block of %u", count, m->columns);
    if (m->rows == 0 && (e = set_columns(m, count)) != OK)
        return e;
    buf_put_varint(&m->numbers, number - m->last_number);
    if (m->numbers.failed) {
        m->numbers.failed = false;
        return no_memory();
    }
    if ((e = add_elements(m, record)) != OK) {
        m->numbers.len = numbers_before;
        return e;
    }
    m->held += m->numbers.len - numbers_before;
    m->last_number = number;
    m->rows++;
    return OK;
}

/* ---- encoding ---- */

static enum err make_scratch(struct block_maker *m)
{
    uint32_t cap = m->scratch_cap == 0 ? 256 : m->scratch_cap;

    if (m->rows <= m->scratch_cap)
        return OK;
    while (cap < m->rows)
        cap *= 2;
    if (m->values != NULL)
        explicit_bzero(m->values, m->scratch_cap * sizeof(*m->values));
    free(m->kinds);
    free(m->values);
    m->kinds = malloc(cap);
    m->values = malloc(cap * sizeof(*m->values));
    m->scratch_cap = cap;
    if (m->kinds != NULL && m->values != NULL)
        return OK;
    free(m->kinds);
    free(m->values);
    m->kinds = NULL;
    m->values = NULL;
    m->scratch_cap = 0;
    return no_memory();
}

struct element {
    enum block_kind kind;
    int64_t value;     /* INT; the others with a value: bytes of `body` */
    struct bytes body; /* BIG: its eight bytes; STR, BIN: without head; ARRAY: the element as it stands */
};

static struct element element_of(const struct mp_element *e)
{
    struct element out = {KIND_NIL, (int64_t)e->body.len, e->body};

    switch (e->type) {
    case MP_FALSE: out.kind = KIND_FALSE; break;
    case MP_TRUE: out.kind = KIND_TRUE; break;
    case MP_STATE: out.kind = (enum block_kind)(KIND_NOT_ASKED + e->n - 1); break;
    case MP_UINT:
    case MP_NEGATIVE:
        out.kind = KIND_INT;
        out.value = (int64_t)e->n;
        if (e->type == MP_UINT && e->n > INT64_MAX) {
            out.kind = KIND_BIG;
            out.body = (struct bytes){e->whole.p + 1, 8};
        }
        break;
    case MP_STR: out.kind = KIND_STR; break;
    case MP_BIN: out.kind = KIND_BIN; break;
    case MP_ARRAY:
        out.kind = KIND_ARRAY;
        out.value = (int64_t)e->whole.len;
        out.body = e->whole;
        break;
    case MP_NIL:
    case MP_BAD: break; /* the columns hold nothing that was not checked */
    }
    return out;
}

static struct element next_element(struct mp *raw)
{
    struct mp_element e;

    if (*raw->p <= 0x7f)
        return (struct element){KIND_INT, *raw->p++, {NULL, 0}};
    if (*raw->p == 0xc2 || *raw->p == 0xc3)
        return (struct element){*raw->p++ == 0xc2 ? KIND_FALSE : KIND_TRUE, 0, {NULL, 0}};
    e = mp_next(raw);
    return element_of(&e);
}

/* Goes through the first `count` elements of a column. */
struct walk {
    struct mp raw;
    struct element element;
    uint32_t repeats; /* how often `element` still comes */
};

static struct walk walk_of(const struct column *c)
{
    struct walk w = {.raw = mp_of((struct bytes){c->raw.data, c->raw.len}), .repeats = c->repeats};

    w.raw.depth = 1;
    w.element = next_element(&w.raw);
    return w;
}

static const struct element *walk_next(struct walk *w)
{
    if (w->repeats > 0)
        w->repeats--;
    else
        w->element = next_element(&w->raw);
    return &w->element;
}

/* Elements of one byte, which most columns consist of. */
static bool is_short(const struct column *c)
{
    return c->first_len == 1 && c->raw.len == 1 + (size_t)c->singles;
}

static enum block_kind short_kind(uint8_t byte)
{
    if (byte <= 0x7f || byte >= 0xe0)
        return KIND_INT;
    switch (byte) {
    case 0xc0: return KIND_NIL;
    case 0xc2: return KIND_FALSE;
    case 0xc3: return KIND_TRUE;
    case 0x90: return KIND_ARRAY;
    }
    return KIND_STR; /* 0xa0: there are no other elements of one byte */
}

static void gather_short(struct block_maker *m, const struct column *c, uint32_t count, uint32_t found[KIND_COUNT])
{
    uint32_t repeats = c->repeats < count ? c->repeats : count;
    const uint8_t *rest = c->raw.data + 1;
    uint32_t bytes[256] = {0};
    uint32_t ints = 0;

    for (uint32_t i = 0; i < count; i++)
        m->kinds[i] = i < repeats ? *c->raw.data : *rest++;
    for (uint32_t i = 0; i < count; i++)
        bytes[m->kinds[i]]++;
    for (unsigned byte = 0; byte < 256; byte++)
        found[short_kind((uint8_t)byte)] += bytes[byte];
    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = m->kinds[i];

        m->kinds[i] = (uint8_t)short_kind(byte);
        m->values[ints] = byte <= 0x7f ? byte : (int64_t)byte - 256;
        ints += m->kinds[i] == KIND_INT;
    }
}

/* How often each kind occurs, and into the scratch the kinds and all values of kind INT. */
static void gather(struct block_maker *m, const struct column *c, uint32_t count, uint32_t found[KIND_COUNT])
{
    struct walk w = walk_of(c);
    uint32_t ints = 0;

    memset(found, 0, KIND_COUNT * sizeof(*found));
    if (is_short(c)) {
        gather_short(m, c, count, found);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct element *e = walk_next(&w);

        m->kinds[i] = (uint8_t)e->kind;
        found[e->kind]++;
        m->values[ints] = e->value;
        ints += e->kind == KIND_INT;
    }
}

/* The kinds as digits: the place of each among those that occur. */
static void put_kinds(struct block_maker *m, uint32_t count, const uint32_t found[KIND_COUNT], struct block_sink *s)
{
    uint8_t place[KIND_COUNT] = {0};
    unsigned used = 0;
    unsigned mask = 0;

    for (unsigned k = 0; k < KIND_COUNT; k++) {
        place[k] = (uint8_t)used;
        used += found[k] > 0;
        mask |= (found[k] > 0 ? 1u : 0u) << k;
    }
    sink_varint(s, mask);
    if (used == 1)
        return;
    if (s->out == NULL) {
        s->len += pack_len(count, used - 1);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        m->kinds[i] = place[m->kinds[i]];
    sink_digits(s, m->kinds, count, used - 1);
}

/* The elements of one kind that have bytes: all equal, or their lengths and then they themselves. */
static void put_bytes(struct block_maker *m, const struct column *c, uint32_t count, enum block_kind kind,
                      struct block_sink *s)
{
    struct walk w = walk_of(c);
    struct bytes first = {NULL, 0};
    bool all_equal = true;
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct element *e = walk_next(&w);

        if (e->kind != kind)
            continue;
        if (n == 0)
            first = e->body;
        all_equal = all_equal && e->body.len == first.len &&
                    (e->body.p == first.p || memcmp(e->body.p, first.p, first.len) == 0);
        m->values[n++] = e->value;
    }
    sink_u8(s, all_equal ? BYTES_CONSTANT : BYTES_EACH);
    if (all_equal) {
        sink_varint(s, first.len);
        sink_bytes(s, first);
        return;
    }
    if (s->out == NULL) /* the numbers are overwritten below */
        for (uint32_t i = 0; i < n; i++)
            s->len += (size_t)m->values[i];
    sink_ints(s, m->values, n);
    w = walk_of(c);
    for (uint32_t i = 0; i < count && s->out != NULL; i++) {
        const struct element *e = walk_next(&w);

        if (e->kind == kind)
            sink_bytes(s, e->body);
    }
}

static void put_bigs(const struct column *c, uint32_t count, struct block_sink *s)
{
    struct walk w = walk_of(c);

    for (uint32_t i = 0; i < count; i++) {
        const struct element *e = walk_next(&w);

        if (e->kind == KIND_BIG)
            sink_bytes(s, e->body);
    }
}

static void put_column(struct block_maker *m, const struct column *c, uint32_t count, struct block_sink *s)
{
    uint32_t found[KIND_COUNT];

    gather(m, c, count, found);
    put_kinds(m, count, found, s);
    if (found[KIND_INT] > 0)
        sink_ints(s, m->values, found[KIND_INT]);
    if (found[KIND_BIG] > 0)
        put_bigs(c, count, s);
    for (enum block_kind k = KIND_STR; k <= KIND_ARRAY; k++)
        if (found[k] > 0)
            put_bytes(m, c, count, k, s);
}

/* A column that is the same all over needs no look at its rows. */
static void put_same(const struct column *c, struct block_sink *s)
{
    struct walk w = walk_of(c);
    const struct element *e = &w.element;
    int64_t value = e->value;

    sink_varint(s, 1u << e->kind);
    if (e->kind == KIND_INT) {
        sink_ints(s, &value, 1);
    } else if (e->kind >= KIND_STR) {
        sink_u8(s, BYTES_CONSTANT);
        sink_varint(s, e->body.len);
        sink_bytes(s, e->body);
    }
}

static void put_numbers(struct block_maker *m, uint32_t count, struct block_sink *s)
{
    struct rd r = rd_of(m->numbers.data, m->numbers.len);
    uint64_t at = 0;

    for (uint32_t i = 0; i < count; i++)
        m->values[i] = (int64_t)(at += rd_varint(&r));
    sink_ints(s, m->values, count);
}

static void put_part(struct block_maker *m, uint32_t count, uint32_t part, struct block_sink *s)
{
    const struct column *c;

    if (part == 0) {
        sink_varint(s, m->columns);
        sink_varint(s, count);
        put_numbers(m, count, s);
        return;
    }
    c = &m->column[part - 1];
    if (c->repeats >= count && *c->raw.data != 0xcf) /* BIG has no short form for many */
        put_same(c, s);
    else
        put_column(m, c, count, s);
}

static enum err check_count(const struct block_maker *m, uint32_t count)
{
    if (count == 0 || count > m->rows)
        return err_set(ERR_INTERNAL, "%u of %u records of a block were asked for", count, m->rows);
    return OK;
}

uint32_t block_maker_parts(const struct block_maker *m)
{
    return 1 + m->columns;
}

enum err block_maker_encode_part(struct block_maker *m, uint32_t count, uint32_t part, struct buf *out)
{
    struct block_sink s = {out, 0};
    enum err e = check_count(m, count);

    if (e == OK)
        e = make_scratch(m);
    if (e != OK)
        return e;
    put_part(m, count, part, &s);
    return (e = buf_status(out)) == OK ? OK : err_set(e, "no room for a block of records");
}

enum err block_maker_encode(struct block_maker *m, uint32_t count, struct buf *out)
{
    enum err e = OK;

    for (uint32_t part = 0; part < block_maker_parts(m) && e == OK; part++)
        e = block_maker_encode_part(m, count, part, out);
    return e;
}

enum err block_maker_measure(struct block_maker *m, uint32_t count, size_t *len)
{
    struct block_sink s = {NULL, 0};
    enum err e = check_count(m, count);

    if (e == OK)
        e = make_scratch(m);
    if (e != OK)
        return e;
    for (uint32_t part = 0; part < block_maker_parts(m); part++)
        put_part(m, count, part, &s);
    *len = s.len;
    return OK;
}
