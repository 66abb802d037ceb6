#include "hub/ledger_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- opened batches, the last used ones ---- */

static void drop(struct ledger *l, struct held_batch *b)
{
    if (b->plain == NULL)
        return;
    l->cache_bytes -= batch_plain_bytes(b->plain);
    batch_plain_free(b->plain);
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

/* The batch as it was received into `raw`, its header (batch_header_fini()) and its sections' keys. */
static enum err load_stored(const struct hub *h, struct store_txn *t, uint64_t lsn, struct batch_entry *entry,
                            struct buf *raw, struct batch_header *header, struct section_keys *keys)
{
    struct bytes raw_entry;
    enum err e;

    if ((e = journal_get(t, lsn, &raw_entry)) != OK || (e = batch_entry_get(entry, lsn, raw_entry)) != OK ||
        (e = blob_get(t, lsn, raw)) != OK || (e = batch_parse(header, bytes_of(raw->data, raw->len))) != OK)
        return e;
    if ((e = section_keys_unwrap(keys, h->storage, entry, header)) != OK)
        batch_header_fini(header);
    return e;
}

static enum err open_stored(struct ledger *l, struct store_txn *t, uint64_t lsn, struct batch_plain **plain,
                            struct batch_entry *entry)
{
    struct section_keys keys;
    struct batch_header header;
    struct buf raw;
    enum err e;

    buf_init(&raw, BATCH_MAX_SEALED);
    if ((e = load_stored(l->hub, t, lsn, entry, &raw, &header, &keys)) == OK) {
        e = batch_open(plain, &header, bytes_of(raw.data, raw.len), &keys, ~0u);
        batch_header_fini(&header);
    }
    wipe(&keys, sizeof(keys));
    buf_fini(&raw);
    return e;
}

enum err ledger_batch_keys(struct hub *h, struct store_txn *t, uint64_t lsn, struct buf *raw, struct section_keys *keys,
                           uint32_t *count, uint32_t *mask)
{
    struct batch_entry entry;
    struct batch_header header;
    enum err e = load_stored(h, t, lsn, &entry, raw, &header, keys);

    if (e != OK)
        return e;
    *count = header.section_count;
    *mask = (1u << header.section_count) - 1u;
    batch_header_fini(&header);
    return OK;
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
               struct batch_plain **plain)
{
    struct held_batch *b = make_place(l, batch_plain_bytes(*plain));

    *b = (struct held_batch){lsn, participant, *gen, *plain, ++l->clock};
    l->cache_bytes += batch_plain_bytes(*plain);
    *plain = NULL;
}

enum err held_open(struct ledger *l, struct store_txn *t, uint64_t lsn, const struct held_batch **out)
{
    struct batch_plain *plain = NULL;
    struct batch_entry entry;
    enum err e;

    if ((*out = held_at_hand(l, lsn)) != NULL)
        return OK;
    e = open_stored(l, t, lsn, &plain, &entry);
    if (e == ERR_NOMEM || e == ERR_IO)
        return e;
    if (e != OK) {
        (void)err_prefix(e, "ledger: batch of entry %llu", (unsigned long long)lsn);
        return ERR_CORRUPT;
    }
    held_keep(l, lsn, entry.participant, &entry.gen, &plain);
    *out = held_at_hand(l, lsn);
    return OK;
}

enum err held_record(const struct held_batch *b, uint32_t row, struct bytes *record, uint64_t *number)
{
    uint32_t section;

    if (row >= batch_plain_count(b->plain))
        return err_set(ERR_CORRUPT, "ledger: entry %llu has no row %u", (unsigned long long)b->lsn, row);
    *record = batch_plain_record(b->plain, row, number, &section);
    return OK;
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
