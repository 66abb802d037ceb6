#include "hub/checkpoint_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_ELEMENTS 7u
#define ROW_ELEMENTS  2u
#define HEAD_MAX      1024u

/* ---- keys ---- */

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

    if (order != 0)
        return order;
    return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

size_t history_key(uint8_t out[STORE_KEY_MAX], struct bytes cell, int32_t day)
{
    if (cell.len == 0 || cell.len > CHECKPOINT_KEY_MAX)
        return 0;
    memcpy(out, cell.p, cell.len);
    be32_put(out + cell.len, (uint32_t)day);
    return cell.len + 4;
}

enum err history_key_read(struct bytes key, struct bytes *cell, int32_t *day)
{
    uint32_t raw;

    if (key.len < 5)
        return err_set(ERR_CORRUPT, "a key of the cells' history is damaged");
    *cell = bytes_of(key.p, key.len - 4);
    raw = be32_get(key.p + key.len - 4);
    *day = (int32_t)raw;
    return raw > INT32_MAX ? err_set(ERR_CORRUPT, "a key of the cells' history is damaged") : OK;
}

/* Each step covers the digest so far, so that it can be computed along the way. */
void history_fold(uint8_t digest_io[DIGEST_BYTES], struct bytes key, struct bytes value)
{
    uint8_t raw[DIGEST_BYTES + 4 + STORE_KEY_MAX + 4 + DIGEST_BYTES];
    size_t at = DIGEST_BYTES;

    memcpy(raw, digest_io, DIGEST_BYTES);
    be32_put(raw + at, (uint32_t)key.len);
    memcpy(raw + at + 4, key.p, key.len);
    at += 4 + key.len;
    be32_put(raw + at, (uint32_t)value.len);
    at += 4;
    digest(raw + at, value); /* whatever length a cell has */
    at += DIGEST_BYTES;
    digest(digest_io, bytes_of(raw, at));
}

/* ---- marks ---- */

static void put_head(struct buf *b, const struct hub *h, const struct checkpoint_mark *m)
{
    mp_put_array(b, HEAD_ELEMENTS);
    mp_put_bin(b, h->district, sizeof(h->district));
    mp_put_int(b, m->day);
    mp_put_int(b, m->wall_ms);
    mp_put_uint(b, m->head_lsn);
    mp_put_uint(b, m->cells);
    mp_put_uint(b, m->changed);
    mp_put_bin(b, m->digest, DIGEST_BYTES);
}

static enum err read_head(struct checkpoint_mark *out, struct bytes payload)
{
    struct mp m = mp_of(payload);
    uint8_t district[DISTRICT_BYTES];

    (void)mp_array(&m, HEAD_ELEMENTS, 32);
    mp_bin_exact(&m, district, sizeof(district));
    out->day = (int32_t)mp_int(&m);
    out->wall_ms = mp_int(&m);
    out->head_lsn = mp_uint(&m, UINT64_MAX);
    out->cells = mp_uint(&m, UINT64_MAX);
    out->changed = mp_uint(&m, UINT64_MAX);
    mp_bin_exact(&m, out->digest, DIGEST_BYTES);
    return m.failed || out->day < 0 ? err_set(ERR_MALFORMED, "the head of a checkpoint is damaged") : OK;
}

/* Key: day u32.  Value: lsn, signed head. */
static enum err put_row(struct store_txn *t, int32_t day, uint64_t lsn, struct bytes head)
{
    struct buf value;
    uint8_t key[4];
    enum err e;

    be32_put(key, (uint32_t)day);
    buf_init(&value, (size_t)2 * HEAD_MAX);
    mp_put_array(&value, ROW_ELEMENTS);
    mp_put_uint(&value, lsn);
    mp_put_bin(&value, head.p, head.len);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_CHECKPOINTS, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

/* The signature is verify's to check: the row is our own. */
static enum err read_row(struct checkpoint_mark *out, struct bytes key, struct bytes value)
{
    struct mp m = mp_of(value);
    struct bytes head;
    struct bytes payload;
    enum err e;

    memset(out, 0, sizeof(*out));
    (void)mp_array(&m, ROW_ELEMENTS, 32);
    out->lsn = mp_uint(&m, UINT64_MAX);
    head = mp_bin(&m, SIGNED_MAX);
    e = m.failed || key.len != 4 ? ERR_MALFORMED : signed_open(&payload, head, SIGNED_CHECKPOINT, NULL);
    if (e == OK)
        e = read_head(out, payload);
    if (e == OK && (uint32_t)out->day == be32_get(key.p))
        return OK;
    return e == ERR_NOMEM ? e : err_set(ERR_CORRUPT, "what is kept of a checkpoint is damaged");
}

enum err mark_write(struct hub *h, struct store_txn *t, struct checkpoint_mark *mark)
{
    struct buf head, payload, object;
    enum err e;

    buf_init(&head, HEAD_MAX);
    buf_init(&object, HEAD_MAX + SIGNED_OVERHEAD);
    buf_init(&payload, (size_t)2 * HEAD_MAX);
    put_head(&head, h, mark);
    if ((e = buf_status(&head)) != OK ||
        (e = signed_make(&object, SIGNED_CHECKPOINT, bytes_of(head.data, head.len), h->sign)) != OK)
        goto done;
    mp_put_bin(&payload, object.data, object.len);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide(h->ledger, t, JOURNAL_CHECKPOINT, bytes_of(payload.data, payload.len), 1, &mark->lsn);
    if (e == OK)
        e = put_row(t, mark->day, mark->lsn, bytes_of(object.data, object.len));
done:
    buf_fini(&payload);
    buf_fini(&object);
    buf_fini(&head);
    return e;
}

/* Their history goes when the next checkpoint comes by. */
static enum err forget_later(struct store_txn *t, int32_t day, unsigned *count)
{
    struct checkpoint_mark last;
    uint8_t key[4];
    enum err e;

    *count = 0;
    while ((e = mark_last(t, &last)) == OK && last.day > day) {
        be32_put(key, (uint32_t)last.day);
        if ((e = store_delete(t, H_CHECKPOINTS, bytes_of(key, sizeof(key)))) != OK)
            return e;
        (*count)++;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err checkpoint_forget_later(struct hub *h, struct store_txn *t, int32_t day, unsigned *count)
{
    struct buf payload;
    uint64_t lsn;
    enum err e = forget_later(t, day, count);

    if (e != OK || *count == 0)
        return e;
    buf_init(&payload, 16);
    mp_put_int(&payload, day);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide(h->ledger, t, JOURNAL_CHECKPOINT, bytes_of(payload.data, payload.len), 1, &lsn);
    buf_fini(&payload);
    return e;
}

/* The entry is the signed head of a checkpoint, or the day after which those before it are forgotten. */
enum err checkpoint_replay(const struct hub *h, struct store_txn *t, uint64_t lsn, struct mp *m, size_t elements)
{
    struct checkpoint_mark mark;
    struct bytes payload;
    struct bytes head;
    unsigned count;
    enum err e;

    if (mp_peek(m) == MP_UINT) {
        uint64_t day = mp_uint(m, INT32_MAX);

        return m->failed ? err_set(ERR_MALFORMED, "the entry of a checkpoint is damaged")
                         : forget_later(t, (int32_t)day, &count);
    }
    head = mp_bin(m, SIGNED_MAX);
    e = m->failed || elements < 1 ? err_set(ERR_MALFORMED, "the entry of a checkpoint is damaged")
                                  : signed_open(&payload, head, SIGNED_CHECKPOINT, hub_signer(h, head));
    if (e == OK)
        e = read_head(&mark, payload);
    return e == OK ? put_row(t, mark.day, lsn, head) : e;
}

static enum err mark_before(struct store_txn *t, uint32_t before, struct checkpoint_mark *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t raw[4];
    enum err e = store_cursor_open(t, H_CHECKPOINTS, &c);

    if (e != OK)
        return e;
    be32_put(raw, before);
    if ((e = store_seek_before(c, bytes_of(raw, sizeof(raw)), &key, &value)) == OK)
        e = read_row(out, key, value);
    store_cursor_close(c);
    return e;
}

enum err mark_last(struct store_txn *t, struct checkpoint_mark *out)
{
    return mark_before(t, UINT32_MAX, out);
}

enum err checkpoint_at(struct store_txn *t, int32_t day, struct checkpoint_mark *out)
{
    char text[11];
    enum err e = day < 0 ? ERR_NOT_FOUND : mark_before(t, (uint32_t)day + 1, out);

    if (e != ERR_NOT_FOUND)
        return e;
    date_format(text, day);
    return err_set(e, _("there is no checkpoint of %s or earlier"), text);
}

/* ---- reading ---- */

/* The newest entry of the cell at hand that the checkpoint saw. */
struct newest {
    uint8_t key[STORE_KEY_MAX];
    size_t len; /* 0: no cell yet */
    struct bytes value;
};

static bool begins_with(struct bytes key, struct bytes prefix)
{
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.p, prefix.p, prefix.len) == 0);
}

enum err checkpoint_each(struct store_txn *t, const struct checkpoint_mark *mark, struct bytes prefix,
                         enum err (*each)(void *ctx, struct bytes key, struct bytes cell), void *ctx)
{
    struct newest at = {.len = 0};
    struct store_cursor *c = NULL;
    struct bytes key, value;
    struct bytes cell = {NULL, 0};
    int32_t day = 0;
    enum err visited = OK;
    enum err e = store_cursor_open(t, H_HISTORY, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, prefix, &key, &value); e == OK && begins_with(key, prefix);
         e = store_next(c, &key, &value)) {
        if ((visited = history_key_read(key, &cell, &day)) != OK)
            break;
        if (at.len > 0 && bytes_compare(cell, bytes_of(at.key, at.len)) != 0 && at.value.len > 0 &&
            (visited = each(ctx, bytes_of(at.key, at.len), at.value)) != OK)
            break;
        if (at.len == 0 || bytes_compare(cell, bytes_of(at.key, at.len)) != 0) {
            memcpy(at.key, cell.p, cell.len);
            at.len = cell.len;
            at.value = bytes_of(NULL, 0);
        }
        if (day <= mark->day)
            at.value = value;
    }
    if (visited == OK && (e == OK || e == ERR_NOT_FOUND) && at.len > 0 && at.value.len > 0)
        visited = each(ctx, bytes_of(at.key, at.len), at.value);
    store_cursor_close(c);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- checking ---- */

struct marks {
    struct checkpoint_mark *items; /* by day */
    uint8_t (*found)[DIGEST_BYTES];
    size_t count;
};

static enum err load_marks(struct store_txn *t, struct marks *out)
{
    size_t cap = (size_t)store_count(t, H_CHECKPOINTS);
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e;

    out->items = calloc(cap + 1, sizeof(*out->items));
    out->found = calloc(cap + 1, sizeof(*out->found));
    if (out->items == NULL || out->found == NULL)
        return ERR_NOMEM;
    if ((e = store_cursor_open(t, H_CHECKPOINTS, &c)) != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK && out->count < cap;
         e = store_next(c, &key, &value)) {
        if ((e = read_row(&out->items[out->count], key, value)) != OK)
            break;
        out->count++;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* The first checkpoint of that day or later: the one that covers it.  NULL: not covered yet. */
static uint8_t *covering(const struct marks *m, int32_t day)
{
    size_t low = 0;
    size_t high = m->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (m->items[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->count ? m->found[low] : NULL;
}

static enum err fold_all(struct store_txn *t, const struct marks *m)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    struct bytes cell = {NULL, 0};
    enum err e = store_cursor_open(t, H_HISTORY, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        uint8_t *into;
        int32_t day = 0;

        if ((e = history_key_read(key, &cell, &day)) != OK)
            break;
        if ((into = covering(m, day)) != NULL)
            history_fold(into, key, value);
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err checkpoint_check(struct store_txn *t, void (*say)(void *ctx, int32_t day), void *ctx)
{
    struct marks m = {NULL, NULL, 0};
    enum err e = load_marks(t, &m);

    if (e == OK)
        e = fold_all(t, &m);
    for (size_t i = 0; e == OK && i < m.count; i++)
        if (!digest_equal(m.items[i].digest, m.found[i]))
            say(ctx, m.items[i].day);
    free(m.items);
    free(m.found);
    return e;
}
