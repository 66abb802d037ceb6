#include "hub/ledger_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- opened batches, the last used ones ---- */

void ledger_forget(struct ledger *l)
{
    if (l != NULL)
        held_forget(l, 0);
}

static void drop(struct ledger *l, struct held_batch *b)
{
    if (b->plain == NULL)
        return;
    l->cache_bytes -= batch_plain_bytes(b->plain);
    batch_plain_free(b->plain);
    holes_free(b->holes);
    memset(b, 0, sizeof(*b));
}

void held_forget(struct ledger *l, uint64_t from_lsn)
{
    for (size_t i = 0; i < LEDGER_CACHE_SIZE; i++)
        if (l->cache[i].plain != NULL && l->cache[i].lsn >= from_lsn)
            drop(l, &l->cache[i]);
}

/* An empty place, after making room for `bytes` more. */
static struct held_batch *make_place(struct ledger *l, size_t bytes)
{
    for (;;) {
        struct held_batch *oldest = NULL;
        struct held_batch *empty = NULL;

        for (size_t i = 0; i < LEDGER_CACHE_SIZE; i++) {
            struct held_batch *b = &l->cache[i];

            if (b->plain == NULL)
                empty = b;
            else if (oldest == NULL || b->used < oldest->used)
                oldest = b;
        }
        if (empty != NULL && (oldest == NULL || l->cache_bytes + bytes <= l->cache_max))
            return empty;
        drop(l, oldest);
    }
}

enum err stored_get(struct store_txn *t, uint64_t lsn, struct buf *raw, struct stored_batch *out)
{
    enum err e = blob_get(t, lsn, raw);

    return e == OK ? stored_parse(out, bytes_of(raw->data, raw->len)) : e;
}

static enum err open_parts(struct ledger *l, const struct batch_entry *entry, const struct stored_batch *s,
                           struct batch_plain **plain, struct holes **holes)
{
    const struct stored_at at = {l->hub->storage_keys, entry->lsn, entry->school_year, entry->digest};
    struct stored_opened o;
    enum err e = stored_open(&o, s, &at, ~0u);

    if (e != OK)
        return e;
    if ((e = batch_open_parts(plain, &s->header, o.parts)) == OK && !o.is_whole &&
        (e = holes_new(holes, &o.erased, &s->header)) != OK) {
        batch_plain_free(*plain);
        *plain = NULL;
    }
    stored_opened_fini(&o);
    return e;
}

static enum err open_held(struct ledger *l, struct store_txn *t, uint64_t lsn, struct batch_plain **plain,
                          struct holes **holes, struct batch_entry *entry)
{
    struct stored_batch s;
    struct bytes raw_entry;
    struct buf raw;
    enum err e;

    buf_init(&raw, STORED_MAX);
    if ((e = journal_get(t, lsn, &raw_entry)) == OK && (e = batch_entry_get(entry, lsn, raw_entry)) == OK &&
        (e = stored_get(t, lsn, &raw, &s)) == OK) {
        e = open_parts(l, entry, &s, plain, holes);
        stored_fini(&s);
    }
    buf_fini(&raw);
    return e;
}

static enum err put_bytes(struct ledger *l, const struct batch_entry *entry, const struct stored_batch *s,
                          struct buf *out)
{
    const struct stored_at at = {l->hub->storage_keys, entry->lsn, entry->school_year, entry->digest};
    struct stored_opened o;
    enum err e = stored_open(&o, s, &at, ~0u);

    if (e != OK)
        return e;
    if (o.is_whole)
        buf_put(out, o.raw.data, o.raw.len);
    else
        e = err_set(ERR_ERASED, "ledger: not all of the batch of entry %llu is there any more",
                    (unsigned long long)entry->lsn);
    stored_opened_fini(&o);
    return e == OK ? buf_status(out) : e;
}

enum err ledger_batch_bytes(struct ledger *l, struct store_txn *t, uint64_t lsn, struct buf *out)
{
    struct batch_entry entry;
    struct stored_batch s;
    struct bytes raw_entry;
    struct buf raw;
    enum err e;

    buf_init(&raw, STORED_MAX);
    if ((e = journal_get(t, lsn, &raw_entry)) == OK && (e = batch_entry_get(&entry, lsn, raw_entry)) == OK &&
        (e = stored_get(t, lsn, &raw, &s)) == OK) {
        e = put_bytes(l, &entry, &s, out);
        stored_fini(&s);
    }
    buf_fini(&raw);
    return e;
}

enum err ledger_batch_keys(struct hub *h, struct store_txn *t, uint64_t lsn, struct buf *raw, struct section_keys *keys,
                           uint32_t *count, uint32_t *mask)
{
    struct batch_entry entry;
    struct stored_batch s;
    struct stored_opened o;
    struct bytes raw_entry;
    struct buf stored;
    enum err e;

    buf_init(&stored, STORED_MAX);
    if ((e = journal_get(t, lsn, &raw_entry)) != OK || (e = batch_entry_get(&entry, lsn, raw_entry)) != OK ||
        (e = stored_get(t, lsn, &stored, &s)) != OK)
        goto fini;
    if ((e = stored_open(&o, &s, &(struct stored_at){h->storage_keys, lsn, entry.school_year, entry.digest}, ~0u)) ==
        OK) {
        if (o.is_whole) {
            buf_put(raw, o.raw.data, o.raw.len);
            *keys = o.keys;
            *count = s.header.section_count;
            *mask = (1u << s.header.section_count) - 1u;
            e = buf_status(raw);
        } else
            e = err_set(ERR_ERASED, "ledger: not all of the batch of entry %llu is there any more",
                        (unsigned long long)lsn);
        stored_opened_fini(&o);
    }
    stored_fini(&s);
fini:
    buf_fini(&stored);
    return e;
}

const struct held_batch *held_at_hand(struct ledger *l, uint64_t lsn)
{
    for (size_t i = 0; i < LEDGER_CACHE_SIZE; i++)
        if (l->cache[i].plain != NULL && l->cache[i].lsn == lsn) {
            l->cache[i].used = ++l->clock;
            return &l->cache[i];
        }
    return NULL;
}

void held_keep(struct ledger *l, uint64_t lsn, uint32_t participant, const struct generation *gen,
               struct batch_plain **plain, struct holes **holes)
{
    struct held_batch *b = make_place(l, batch_plain_bytes(*plain));

    *b = (struct held_batch){lsn, participant, *gen, *plain, *holes, ++l->clock};
    l->cache_bytes += batch_plain_bytes(*plain);
    *plain = NULL;
    *holes = NULL;
}

enum err held_open(struct ledger *l, struct store_txn *t, uint64_t lsn, const struct held_batch **out)
{
    struct batch_plain *plain = NULL;
    struct holes *holes = NULL;
    struct batch_entry entry;
    enum err e;

    if ((*out = held_at_hand(l, lsn)) != NULL)
        return OK;
    e = open_held(l, t, lsn, &plain, &holes, &entry);
    if (e == ERR_NOMEM || e == ERR_IO)
        return e;
    if (e != OK) {
        (void)err_prefix(e, "ledger: batch of entry %llu", (unsigned long long)lsn);
        return ERR_CORRUPT;
    }
    held_keep(l, lsn, entry.participant, &entry.gen, &plain, &holes);
    *out = held_at_hand(l, lsn);
    return OK;
}

static enum err no_row(const struct held_batch *b, uint32_t row)
{
    return err_set(ERR_CORRUPT, "ledger: entry %llu has no row %u", (unsigned long long)b->lsn, row);
}

enum err held_record(const struct held_batch *b, uint32_t row, struct bytes *record, uint64_t *number)
{
    uint32_t index = row;

    if (b->holes == NULL) {
        if (row >= batch_plain_count(b->plain))
            return no_row(b, row);
    } else {
        *number = holes_number(b->holes, row);
        *record = bytes_of("", 0);
        if (*number == 0)
            return no_row(b, row);
        if (plain_find_row(b->plain, *number, &index) != OK)
            return held_erased(b, *number) == NULL ? no_row(b, row)
                                                   : err_set(ERR_ERASED, "ledger: number %llu of entry %llu was erased",
                                                             (unsigned long long)*number, (unsigned long long)b->lsn);
    }
    *record = batch_plain_record(b->plain, index, number, NULL);
    return OK;
}

enum err held_find_row(const struct held_batch *b, uint64_t number, uint32_t *row)
{
    return b->holes == NULL ? plain_find_row(b->plain, number, row) : holes_row(b->holes, number, row);
}

const struct erased_record *held_erased(const struct held_batch *b, uint64_t number)
{
    return b->holes == NULL ? NULL : erased_find(&b->holes->list, number);
}

enum err plain_find_row(const struct batch_plain *p, uint64_t number, uint32_t *row)
{
    uint32_t low = 0;
    uint32_t high = batch_plain_count(p);

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t section;
        uint64_t at;

        (void)batch_plain_record(p, middle, &at, &section);
        if (at == number) {
            *row = middle;
            return OK;
        }
        if (at < number)
            low = middle + 1;
        else
            high = middle;
    }
    return ERR_NOT_FOUND;
}

enum err range_get(struct bytes value, uint64_t *last, uint64_t *lsn)
{
    if (value.len != 16)
        return err_set(ERR_CORRUPT, "ledger: an entry of the ranges is damaged");
    *last = be64_get(value.p);
    *lsn = be64_get(value.p + 8);
    return OK;
}

enum err range_find(struct store_txn *t, uint32_t participant, const struct record_ref *ref, uint64_t *lsn)
{
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    struct bytes wanted;
    uint8_t raw[PLACE_KEY_BYTES];
    uint64_t last = 0;
    enum err e = store_cursor_open(t, H_RANGES, &c);

    if (e != OK)
        return e;
    wanted = place_key(raw, participant, &ref->gen, ref->number);
    e = store_seek(c, wanted, &key, &value);
    if (e == ERR_NOT_FOUND || (e == OK && (key.len != wanted.len || memcmp(key.p, wanted.p, wanted.len) != 0)))
        e = store_seek_before(c, wanted, &key, &value);
    if (e == OK && !place_key_is_of(key, participant, &ref->gen))
        e = ERR_NOT_FOUND;
    if (e == OK && (e = range_get(value, &last, lsn)) == OK && last < ref->number)
        e = ERR_NOT_FOUND;
    store_cursor_close(c);
    return e;
}

/* ---- what a record contributes ---- */

enum err ledger_eval(struct ledger *l)
{
    if (l->eval != NULL && l->eval_serial == l->hub->definitions_serial)
        return OK;
    variable_eval_free(l->eval);
    l->eval = NULL;
    decoder_forget(l->decoder);
    l->eval_serial = l->hub->definitions_serial;
    return variable_eval_new(&l->eval, l->hub, NULL, NULL);
}

enum err ledger_contribute(struct ledger *l, struct variable_eval *eval, struct bytes record, struct cell_sums *sums,
                           int sign)
{
    const struct form *f;
    struct record r;
    uint32_t place;
    bool is_new;
    enum err e = decoder_read(l->decoder, record, &r, &f);

    if (e == ERR_NOMEM)
        return e;
    if (e != OK) {
        (void)err_prefix(e, "ledger: a submission that counts");
        return ERR_CORRUPT;
    }
    if ((e = places_index(cell_sums_places(sums), f, r.unit, r.period, &place, &is_new)) != OK)
        return e;
    return cell_sums_record(sums, eval, place, &r, sign);
}
