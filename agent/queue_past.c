#include "agent/queue_internal.h"

#include "common/cli.h"

#include <string.h>

/* T_PAST: counter u32 | tag 8 | kind u8 | u64.
 *   's' number   -> locked [form id, unit, period, filled on, kind, digest 32]
 *   'r' sequence -> [first number, last number, submissions, receipt]
 * The digests are what the receipt's root is made of: together they prove each submission as long as they are kept.
 * Summaries name units and periods, never answers; they are locked under the home's key like everything a person
 * entered.  Receipts are the hub's signed word and hold nothing of it. */
#define PAST_KEY       (GEN_BYTES + 9u)
#define SUMMARY        's'
#define RECEIPT        'r'
#define SUMMARY_FIELDS 6u
#define RECEIPT_FIELDS 4u
#define SUMMARY_MAX    1024u

static struct bytes past_key(uint8_t raw[PAST_KEY], const struct generation *g, char kind, uint64_t n)
{
    gen_put(raw, g);
    raw[GEN_BYTES] = (uint8_t)kind;
    be64_put(raw + GEN_BYTES + 1, n);
    return bytes_of(raw, PAST_KEY);
}

static enum err keep_record(const struct agent *a, struct store_txn *t, const struct record_ref *ref,
                            struct bytes record)
{
    const struct form *form;
    uint8_t raw[PAST_KEY];
    uint8_t d[DIGEST_BYTES];
    struct bytes key = past_key(raw, &ref->gen, SUMMARY, ref->number);
    struct record head;
    struct buf plain;
    struct buf locked;
    enum err e = record_decode_head(&head, record);

    if (e != OK)
        return err_prefix(ERR_CORRUPT, _("a submission in the queue"));
    form = agent_form_by_digest(a, head.form);
    digest(d, record);
    buf_init(&plain, SUMMARY_MAX);
    buf_init(&locked, SUMMARY_MAX + LOCK_OVERHEAD);
    mp_put_array(&plain, SUMMARY_FIELDS);
    mp_put_cstr(&plain, form != NULL ? form->id : "");
    mp_put_cstr(&plain, head.unit);
    mp_put_cstr(&plain, head.period);
    mp_put_int(&plain, head.filled_on);
    mp_put_uint(&plain, head.kind);
    mp_put_bin(&plain, d, sizeof(d));
    if ((e = buf_status(&plain)) == OK &&
        (e = lock_bytes(&locked, key_secret(a->home_key), key, bytes_of(plain.data, plain.len))) == OK)
        e = store_put(t, T_PAST, key, bytes_of(locked.data, locked.len));
    buf_wipe(&plain);
    buf_fini(&locked);
    return e;
}

static enum err keep_page(const struct agent *a, struct store_txn *t, struct bytes key, struct bytes value)
{
    struct page page;
    struct page_walk walk;
    struct record_ref ref;
    struct bytes record;
    enum err e;

    buf_init(&page.plain, RECORD_MAX + 4096);
    if ((e = page_open(a, t, key, value, &page)) == OK) {
        ref.gen = gen_get(key.p);
        walk = page_walk_of(&page);
        while (e == OK && page_next(&walk, &ref.number, &record))
            e = keep_record(a, t, &ref, record);
    }
    buf_wipe(&page.plain);
    return e;
}

enum err page_destroy(const struct agent *a, struct store_txn *t, const uint8_t key[PAGE_KEY])
{
    struct bytes value;
    enum err e;

    if ((e = store_get(t, T_PAGES, bytes_of(key, PAGE_KEY), &value)) != OK ||
        (e = keep_page(a, t, bytes_of(key, PAGE_KEY), value)) != OK ||
        (e = store_delete(t, T_PAGES, bytes_of(key, PAGE_KEY))) != OK)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    return OK;
}

enum err past_keep_receipt(struct store_txn *t, const struct batch_state *b, struct bytes receipt)
{
    uint8_t raw[PAST_KEY];
    struct buf value;
    enum err e;

    buf_init(&value, SIGNED_MAX + 64);
    mp_put_array(&value, RECEIPT_FIELDS);
    mp_put_uint(&value, b->first_number);
    mp_put_uint(&value, b->last_number);
    mp_put_uint(&value, b->records);
    mp_put_bin(&value, receipt.p, receipt.len);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, T_PAST, past_key(raw, &b->gen, RECEIPT, b->sequence), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

static bool read_batch(struct batch_state *out, const struct generation *g, struct bytes key, struct bytes value,
                       struct bytes *receipt)
{
    struct mp m = mp_of(value);

    memset(out, 0, sizeof(*out));
    out->gen = *g;
    out->sequence = be64_get(key.p + GEN_BYTES + 1);
    (void)mp_array(&m, RECEIPT_FIELDS, 32);
    out->first_number = mp_uint(&m, UINT64_MAX);
    out->last_number = mp_uint(&m, UINT64_MAX);
    out->records = (uint32_t)mp_uint(&m, BATCH_MAX_RECORDS);
    *receipt = mp_bin(&m, SIGNED_MAX);
    return !m.failed;
}

enum err past_batch(struct store_txn *t, const struct record_ref *ref, struct batch_state *out, struct bytes *receipt)
{
    struct store_cursor *c = NULL;
    uint8_t raw[PAST_KEY];
    struct bytes key;
    struct bytes value;
    bool found = false;
    enum err e = store_cursor_open(t, T_PAST, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, past_key(raw, &ref->gen, RECEIPT, 0), &key, &value);
         e == OK && !found && key.len == PAST_KEY && memcmp(key.p, raw, GEN_BYTES + 1) == 0;
         e = store_next(c, &key, &value))
        if (!read_batch(out, &ref->gen, key, value, receipt))
            e = err_set(ERR_CORRUPT, _("the receipt of an old submission is damaged"));
        else
            found = out->first_number <= ref->number && ref->number <= out->last_number;
    store_cursor_close(c);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    return found ? OK : ERR_NOT_FOUND;
}

enum err queue_find_past(const struct agent *a, const struct record_ref *ref)
{
    struct store_txn *t = NULL;
    uint8_t raw[PAST_KEY];
    struct bytes value;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    e = store_get(t, T_PAST, past_key(raw, &ref->gen, SUMMARY, ref->number), &value);
    store_abort(t);
    return e;
}

/* ---- listing ---- */

static enum err read_summary(struct queue_past *out, const struct agent *a, struct bytes key, struct bytes value,
                             struct buf *plain)
{
    struct mp m;
    enum err e;

    buf_reset(plain);
    memset(out, 0, sizeof(*out));
    if ((e = unlock_bytes(plain, key_secret(a->home_key), key, value)) != OK)
        return e == ERR_NOMEM ? e : err_set(ERR_CORRUPT, _("the summary of an old submission is damaged"));
    m = mp_of(bytes_of(plain->data, plain->len));
    (void)mp_array(&m, SUMMARY_FIELDS, 32);
    mp_text(&m, out->form, 0, sizeof(out->form) - 1);
    mp_text(&m, out->unit, 0, sizeof(out->unit) - 1);
    mp_text(&m, out->period, 0, sizeof(out->period) - 1);
    out->filled_on = (int32_t)mp_int(&m);
    out->kind = (enum record_kind)mp_uint(&m, RECORD_RETRACTION);
    mp_bin_exact(&m, out->digest, sizeof(out->digest));
    out->ref.gen = gen_get(key.p);
    out->ref.number = be64_get(key.p + GEN_BYTES + 1);
    return m.failed ? err_set(ERR_CORRUPT, _("the summary of an old submission is damaged")) : OK;
}

enum err past_each(const struct agent *a, struct store_txn *t, const struct generation *g, uint64_t first,
                   uint64_t last, enum err (*visit)(void *ctx, const struct queue_past *p), void *ctx)
{
    struct store_cursor *c = NULL;
    struct queue_past past;
    uint8_t raw[PAST_KEY];
    struct bytes key;
    struct bytes value;
    struct buf plain;
    enum err visited = OK;
    enum err e = store_cursor_open(t, T_PAST, &c);

    if (e != OK)
        return e;
    buf_init(&plain, SUMMARY_MAX);
    for (e = store_seek(c, past_key(raw, g, SUMMARY, first), &key, &value);
         e == OK && visited == OK && key.len == PAST_KEY && memcmp(key.p, raw, GEN_BYTES + 1) == 0 &&
         be64_get(key.p + GEN_BYTES + 1) <= last;
         e = store_next(c, &key, &value))
        if ((visited = read_summary(&past, a, key, value, &plain)) == OK)
            visited = visit(ctx, &past);
    store_cursor_close(c);
    buf_wipe(&plain);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}

static bool fits(const struct queue_filter *f, const struct queue_past *p)
{
    return f == NULL ||
           ((f->form == NULL || strcmp(f->form, p->form) == 0) && (f->unit == NULL || strcmp(f->unit, p->unit) == 0) &&
            (f->period == NULL || strcmp(f->period, p->period) == 0));
}

enum err queue_each_past(const struct agent *a, const struct queue_filter *filter,
                         enum err (*visit)(void *ctx, const struct queue_past *p), void *ctx)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct queue_past past;
    struct bytes key;
    struct bytes value;
    struct buf plain;
    enum err visited = OK;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    buf_init(&plain, SUMMARY_MAX);
    if ((e = store_cursor_open(t, T_PAST, &c)) == OK) {
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK && visited == OK;
             e = store_next(c, &key, &value)) {
            if (key.len != PAST_KEY || key.p[GEN_BYTES] != SUMMARY)
                continue;
            if ((visited = read_summary(&past, a, key, value, &plain)) == OK && fits(filter, &past))
                visited = visit(ctx, &past);
        }
        store_cursor_close(c);
    }
    buf_wipe(&plain);
    store_abort(t);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}
