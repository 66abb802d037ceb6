#include "agent/queue.h"

#include "agent/queue_internal.h"
#include "common/cli.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

#define GEN_ROW_BYTES (24u + DIGEST_BYTES)

/* ---- keys and rows ---- */

void gen_put(uint8_t out[GEN_BYTES], const struct generation *g)
{
    be32_put(out, g->counter);
    memcpy(out + 4, g->tag, TAG_BYTES);
}

struct generation gen_get(const uint8_t in[GEN_BYTES])
{
    struct generation g;

    g.counter = be32_get(in);
    memcpy(g.tag, in + 4, TAG_BYTES);
    return g;
}

void page_key(uint8_t out[PAGE_KEY], const struct generation *g, uint64_t number)
{
    gen_put(out, g);
    be64_put(out + GEN_BYTES, number);
}

static void gen_row_key(uint8_t out[1 + GEN_BYTES], const struct generation *g)
{
    out[0] = 'g';
    gen_put(out + 1, g);
}

static enum err gen_row_read(struct gen_row *out, struct bytes key, struct bytes value)
{
    struct rd r = rd_of(value.p, value.len);
    const uint8_t *head;

    out->gen = gen_get(key.p + 1);
    out->end = rd_u64(&r);
    out->sealed = rd_u64(&r);
    out->sequence = rd_u64(&r);
    head = rd_bytes(&r, DIGEST_BYTES);
    if (head == NULL || rd_left(&r) != 0)
        return err_set(ERR_CORRUPT, _("the queue's state is damaged"));
    memcpy(out->head, head, DIGEST_BYTES);
    return OK;
}

enum err gen_row_get(struct store_txn *t, const struct generation *g, struct gen_row *out)
{
    uint8_t key[1 + GEN_BYTES];
    struct bytes value;
    enum err e;

    memset(out, 0, sizeof(*out));
    out->gen = *g;
    gen_row_key(key, g);
    e = store_get(t, T_META, bytes_of(key, sizeof(key)), &value);
    if (e == ERR_NOT_FOUND)
        return OK;
    return e == OK ? gen_row_read(out, bytes_of(key, sizeof(key)), value) : e;
}

enum err gen_row_put(struct store_txn *t, const struct gen_row *row)
{
    uint8_t key[1 + GEN_BYTES];
    uint8_t value[GEN_ROW_BYTES];

    gen_row_key(key, &row->gen);
    be64_put(value, row->end);
    be64_put(value + 8, row->sealed);
    be64_put(value + 16, row->sequence);
    memcpy(value + 24, row->head, DIGEST_BYTES);
    return store_put(t, T_META, bytes_of(key, sizeof(key)), bytes_of(value, sizeof(value)));
}

enum err gen_row_next(struct store_txn *t, const struct generation *after, struct gen_row *out)
{
    struct store_cursor *c = NULL;
    uint8_t from[1 + GEN_BYTES + 1] = {'g'};
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_META, &c);

    if (e != OK)
        return e;
    if (after != NULL)
        gen_row_key(from, after); /* with one more zero byte: the first key after it */
    e = store_seek(c, bytes_of(from, after != NULL ? sizeof(from) : 1), &key, &value);
    while (e == OK && key.p[0] == 'g' && key.len != 1 + GEN_BYTES) /* "generation", "grant" */
        e = store_next(c, &key, &value);
    if (e == OK && key.p[0] != 'g')
        e = ERR_NOT_FOUND;
    if (e == OK)
        e = gen_row_read(out, key, value);
    store_cursor_close(c);
    return e;
}

/* ---- segments ---- */

enum err segment_key(const struct agent *a, struct store_txn *t, const struct generation *g, uint64_t number,
                     bool create, uint8_t out[KEY_BYTES])
{
    uint8_t key[GEN_BYTES + 4];
    struct bytes value;
    struct buf box;
    enum err e;

    gen_put(key, g);
    be32_put(key + GEN_BYTES, (uint32_t)(number >> SEGMENT_SHIFT));
    buf_init_secret(&box, KEY_BYTES + LOCK_OVERHEAD);
    e = store_get(t, T_SEGMENTS, bytes_of(key, sizeof(key)), &value);
    if (e == OK) {
        e = unlock_bytes(&box, key_secret(a->home_key), bytes_of(key, sizeof(key)), value);
        if (e == OK && box.len == KEY_BYTES)
            memcpy(out, box.data, KEY_BYTES);
        else if (e != ERR_NOMEM)
            e = err_set(ERR_CORRUPT, _("a key of the queue does not open: keys/home.key is not the one of this home"));
    } else if (e == ERR_NOT_FOUND && create) {
        random_bytes(out, KEY_BYTES);
        e = lock_bytes(&box, key_secret(a->home_key), bytes_of(key, sizeof(key)), bytes_of(out, KEY_BYTES));
        if (e == OK)
            e = store_put(t, T_SEGMENTS, bytes_of(key, sizeof(key)), bytes_of(box.data, box.len));
    } else if (e == ERR_NOT_FOUND) {
        e = err_set(ERR_CORRUPT, _("a key of the queue is missing"));
    }
    buf_wipe(&box);
    return e;
}

/* ---- pages ---- */

enum err page_open(const struct agent *a, struct store_txn *t, struct bytes key, struct bytes value, struct page *out)
{
    struct generation g;
    uint8_t secret[KEY_BYTES];
    enum err e;

    if (key.len != PAGE_KEY || value.len < 4)
        return err_set(ERR_CORRUPT, _("a page of the queue is damaged"));
    g = gen_get(key.p);
    out->first = be64_get(key.p + GEN_BYTES);
    out->count = be32_get(value.p);
    buf_reset(&out->plain);
    if ((e = segment_key(a, t, &g, out->first, false, secret)) != OK)
        return e;
    e = unlock_bytes(&out->plain, secret, key, bytes_of(value.p + 4, value.len - 4));
    wipe(secret, sizeof(secret));
    if (e == ERR_AUTH)
        e = err_set(ERR_CORRUPT, _("the page of the queue from number %llu on is damaged"),
                    (unsigned long long)out->first);
    return e;
}

enum err page_find(const struct agent *a, struct store_txn *t, uint8_t key_io[PAGE_KEY], bool before, struct page *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_PAGES, &c);

    if (e != OK)
        return e;
    e = before ? store_seek_before(c, bytes_of(key_io, PAGE_KEY), &key, &value)
               : store_seek(c, bytes_of(key_io, PAGE_KEY), &key, &value);
    if (e == OK && (key.len != PAGE_KEY || memcmp(key.p, key_io, GEN_BYTES) != 0))
        e = ERR_NOT_FOUND;
    if (e == OK) {
        memcpy(key_io, key.p, PAGE_KEY);
        e = page_open(a, t, key, value, out);
    }
    store_cursor_close(c);
    return e;
}

struct page_walk page_walk_of(const struct page *p)
{
    struct page_walk w = {rd_of(p->plain.data, p->plain.len), p->first, p->count};

    return w;
}

bool page_next(struct page_walk *w, uint64_t *number, struct bytes *record)
{
    uint64_t delta;
    uint64_t len;

    if (w->left == 0)
        return false;
    delta = rd_varint(&w->rd);
    len = rd_varint(&w->rd);
    if (w->rd.failed || len > RECORD_MAX || delta > UINT64_MAX - w->number)
        return false;
    record->p = rd_bytes(&w->rd, (size_t)len);
    record->len = (size_t)len;
    if (record->p == NULL)
        return false;
    w->number += delta;
    w->left--;
    *number = w->number;
    return true;
}

void page_maker_init(struct page_maker *m, struct agent *a, const struct generation *g)
{
    memset(m, 0, sizeof(*m));
    m->a = a;
    m->gen = *g;
    buf_init_secret(&m->plain, RECORD_MAX + 4096);
}

void page_maker_fini(struct page_maker *m)
{
    buf_wipe(&m->plain);
}

bool page_maker_fits(const struct page_maker *m, uint64_t number, size_t len)
{
    return m->count == 0 ||
           (m->plain.len + len + 13 <= PAGE_PLAIN && number >> SEGMENT_SHIFT == m->first >> SEGMENT_SHIFT);
}

void page_maker_add(struct page_maker *m, uint64_t number, struct bytes record)
{
    if (m->count == 0)
        m->first = m->last = number;
    buf_put_varint(&m->plain, number - m->last);
    buf_put_varint(&m->plain, record.len);
    buf_put(&m->plain, record.p, record.len);
    m->last = number;
    m->count++;
}

enum err page_maker_flush(struct page_maker *m, struct store_txn *t, size_t *bytes)
{
    uint8_t key[PAGE_KEY];
    uint8_t secret[KEY_BYTES];
    struct buf value;
    enum err e;

    *bytes = 0;
    if (m->count == 0)
        return OK;
    if ((e = buf_status(&m->plain)) != OK || (e = segment_key(m->a, t, &m->gen, m->first, true, secret)) != OK)
        return e;
    page_key(key, &m->gen, m->first);
    buf_init(&value, RECORD_MAX + 8192);
    buf_put_u32(&value, m->count);
    e = lock_bytes(&value, secret, bytes_of(key, sizeof(key)), bytes_of(m->plain.data, m->plain.len));
    wipe(secret, sizeof(secret));
    if (e == OK)
        e = store_put(t, T_PAGES, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    *bytes = value.len;
    buf_fini(&value);
    if (e == OK) {
        buf_reset(&m->plain);
        m->count = 0;
    }
    return e;
}

/* ---- batch rows: [first, last, records, length, digest, life, sealed ms, receipt ms, receipt, seal key] ---- */

enum err batch_row_put(struct store_txn *t, const struct batch_state *b, struct bytes receipt)
{
    uint8_t key[PAGE_KEY];
    struct buf value;
    enum err e;

    page_key(key, &b->gen, b->sequence);
    buf_init(&value, SIGNED_MAX);
    mp_put_array(&value, 10);
    mp_put_uint(&value, b->first_number);
    mp_put_uint(&value, b->last_number);
    mp_put_uint(&value, b->records);
    mp_put_uint(&value, b->length);
    mp_put_bin(&value, b->digest, DIGEST_BYTES);
    mp_put_uint(&value, (uint64_t)b->life);
    mp_put_int(&value, b->sealed_ms);
    mp_put_int(&value, b->receipt_ms);
    mp_put_bin(&value, receipt.p, receipt.len);
    mp_put_bin(&value, b->seal_key, KEY_BYTES);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, T_BATCHES, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err batch_row_read(struct batch_state *out, struct bytes key, struct bytes value, struct bytes *receipt)
{
    struct mp m = mp_of(value);
    struct bytes object;
    size_t elements;

    if (key.len != PAGE_KEY)
        return err_set(ERR_CORRUPT, _("the list of batches is damaged"));
    out->gen = gen_get(key.p);
    out->sequence = be64_get(key.p + GEN_BYTES);
    elements = mp_array(&m, 9, 32);
    out->first_number = mp_uint(&m, UINT64_MAX);
    out->last_number = mp_uint(&m, UINT64_MAX);
    out->records = (uint32_t)mp_uint(&m, BATCH_MAX_RECORDS);
    out->length = (uint32_t)mp_uint(&m, BATCH_MAX_SEALED);
    mp_bin_exact(&m, out->digest, DIGEST_BYTES);
    out->life = (enum batch_life)mp_uint(&m, BATCH_REFUSED);
    out->sealed_ms = mp_int(&m);
    out->receipt_ms = mp_int(&m);
    object = mp_bin(&m, SIGNED_MAX);
    memset(out->seal_key, 0, KEY_BYTES);
    if (elements > 9)
        mp_bin_exact(&m, out->seal_key, KEY_BYTES);
    if (m.failed)
        return err_set(ERR_CORRUPT, _("the entry of batch %llu is damaged"), (unsigned long long)out->sequence);
    if (receipt != NULL)
        *receipt = object;
    return OK;
}

enum err batch_row_at(struct store_txn *t, const struct generation *g, uint64_t from, struct batch_state *out,
                      struct bytes *receipt)
{
    struct store_cursor *c = NULL;
    uint8_t seek[PAGE_KEY];
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_BATCHES, &c);

    if (e != OK)
        return e;
    page_key(seek, g, from);
    if ((e = store_seek(c, bytes_of(seek, sizeof(seek)), &key, &value)) == OK) {
        if (key.len != PAGE_KEY || memcmp(key.p, seek, GEN_BYTES) != 0)
            e = ERR_NOT_FOUND;
        else
            e = batch_row_read(out, key, value, receipt);
    }
    store_cursor_close(c);
    return e;
}

enum err batch_delete(struct store_txn *t, const struct batch_state *b)
{
    uint8_t key[CHUNK_KEY];
    enum err e = OK;

    page_key(key, &b->gen, b->sequence);
    for (uint32_t i = 0; i * AGENT_CHUNK_BYTES < b->length && e == OK; i++) {
        be32_put(key + PAGE_KEY, i);
        e = store_delete(t, T_CHUNKS, bytes_of(key, sizeof(key)));
    }
    if (e == OK)
        e = store_delete(t, T_BATCHES, bytes_of(key, PAGE_KEY));
    /* Never "not found": callers walk the list of batches, and would take it for the list's end. */
    return e == ERR_NOT_FOUND
               ? err_set(ERR_CORRUPT, _("batch %llu is not whole any more"), (unsigned long long)b->sequence)
               : e;
}

/* ---- reading records ---- */

struct queue_reader {
    const struct agent *a;
    struct generation gen;
    uint64_t next; /* number to look for */
    struct page page;
    struct page_walk walk;
    bool has_page;
    struct gen_row row;
    struct batch_state batch; /* that the last number fell into */
    bool has_batch;
    bool started;
};

enum err queue_reader_open(struct queue_reader **out, const struct agent *a, const struct record_ref *from)
{
    struct queue_reader *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return ERR_NOMEM;
    r->a = a;
    buf_init_secret(&r->page.plain, RECORD_MAX + 4096);
    if (from != NULL) {
        r->gen = from->gen;
        r->next = from->number;
    }
    r->started = from != NULL;
    *out = r;
    return OK;
}

void queue_reader_close(struct queue_reader *r)
{
    if (r == NULL)
        return;
    buf_wipe(&r->page.plain);
    free(r);
}

/* The page that holds number `r->next` or the first one after it, in this generation. */
static enum err load_page(struct queue_reader *r, struct store_txn *t)
{
    struct store_cursor *c = NULL;
    uint8_t at[PAGE_KEY];
    struct bytes key;
    struct bytes value;
    enum err e;

    if ((e = store_cursor_open(t, T_PAGES, &c)) != OK)
        return e;
    page_key(at, &r->gen, r->next);
    if (r->next < UINT64_MAX && !r->has_page) { /* starting: the number may stand inside an earlier page */
        uint8_t above[PAGE_KEY];

        page_key(above, &r->gen, r->next + 1);
        if (store_seek_before(c, bytes_of(above, sizeof(above)), &key, &value) == OK && key.len == PAGE_KEY &&
            memcmp(key.p, at, GEN_BYTES) == 0)
            memcpy(at, key.p, PAGE_KEY);
    }
    e = store_seek(c, bytes_of(at, sizeof(at)), &key, &value);
    if (e == OK &&
        (key.len != PAGE_KEY || memcmp(key.p, at, GEN_BYTES) != 0 || be64_get(key.p + GEN_BYTES) > r->row.end))
        e = ERR_NOT_FOUND;
    if (e == OK)
        e = page_open(r->a, t, key, value, &r->page);
    store_cursor_close(c);
    if (e == OK) {
        r->walk = page_walk_of(&r->page);
        r->has_page = true;
    }
    return e;
}

static enum err next_generation(struct queue_reader *r, struct store_txn *t)
{
    struct gen_row row;
    enum err e = gen_row_next(t, r->started ? &r->gen : NULL, &row);

    if (e != OK)
        return e;
    r->started = true;
    r->gen = row.gen;
    r->row = row;
    r->next = 1;
    r->has_page = false;
    r->has_batch = false;
    return OK;
}

static enum err load_next_page(struct queue_reader *r)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(r->a->store, &t);

    if (e != OK)
        return e;
    e = r->started ? gen_row_get(t, &r->gen, &r->row) : next_generation(r, t);
    while (e == OK && (e = load_page(r, t)) == ERR_NOT_FOUND)
        e = next_generation(r, t);
    store_abort(t);
    return e;
}

static enum err state_of(struct queue_reader *r, uint64_t number, enum record_state *out)
{
    struct store_txn *t = NULL;
    enum err e = OK;

    *out = RECORD_WAITING;
    if (number > r->row.sealed) {
        /* Of an older generation only what the hub said it holds stays behind (reconcile.c). */
        if (generation_compare(&r->gen, &r->a->gen) < 0)
            *out = RECORD_STORED;
        return OK;
    }
    if (!r->has_batch || number > r->batch.last_number) {
        uint64_t from = r->has_batch ? r->batch.sequence + 1 : 0;

        if ((e = store_begin_read(r->a->store, &t)) != OK)
            return e;
        do {
            e = batch_row_at(t, &r->gen, from, &r->batch, NULL);
            from = r->batch.sequence + 1;
        } while (e == OK && r->batch.last_number < number);
        store_abort(t);
        r->has_batch = e == OK;
        if (e == ERR_NOT_FOUND)
            *out = RECORD_STORED;
        if (e != OK)
            return e == ERR_NOT_FOUND ? OK : e;
    }
    if (number < r->batch.first_number)
        *out = RECORD_STORED;
    else
        *out = r->batch.life == BATCH_SEALED     ? RECORD_SEALED
               : r->batch.life == BATCH_ARCHIVED ? RECORD_ARCHIVED
                                                 : RECORD_STORED;
    return OK;
}

enum err queue_reader_next(struct queue_reader *r, struct queue_item *item)
{
    uint64_t number;
    enum err e;

    for (;;) {
        while (r->has_page && page_next(&r->walk, &number, &item->record)) {
            if (number > r->row.end)
                break;
            if (number < r->next)
                continue;
            r->next = number + 1;
            item->ref.gen = r->gen;
            item->ref.number = number;
            return state_of(r, number, &item->state);
        }
        if (r->has_page && r->walk.left > 0 && r->walk.rd.failed)
            return err_set(ERR_CORRUPT, _("the page of the queue from number %llu on is damaged"),
                           (unsigned long long)r->page.first);
        if ((e = load_next_page(r)) != OK)
            return e;
    }
}

enum err queue_get(const struct agent *a, const struct record_ref *ref, struct buf *record)
{
    struct queue_reader *r = NULL;
    struct queue_item item;
    enum err e = queue_reader_open(&r, a, ref);

    if (e != OK)
        return e;
    e = queue_reader_next(r, &item);
    if (e == OK && record_ref_compare(&item.ref, ref) != 0)
        e = ERR_NOT_FOUND;
    if (e == OK) {
        buf_put(record, item.record.p, item.record.len);
        e = buf_status(record);
    } else if (e == ERR_NOT_FOUND) {
        e = err_set(ERR_NOT_FOUND, _("there is no submission with this number"));
    }
    queue_reader_close(r);
    return e;
}
