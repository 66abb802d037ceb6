#include "hub/own_history.h"

#include "common/clock.h"
#include "hub/ledger.h"
#include "hub/ledger_internal.h"
#include "hub/registry_status.h"
#include "hub/words.h"
#include "protocol/history.h"

#include <stdlib.h>
#include <string.h>

/* Content of the word: counter u32 | tag 8 | sequence u64. */
#define CONTENT_BYTES (4u + TAG_BYTES + 8u)

enum err own_history_add(struct hub *h, struct store_txn *t, const struct participant *p, const struct generation *gen,
                         uint64_t sequence)
{
    uint8_t content[CONTENT_BYTES];
    uint64_t serial;

    if (registry_reader(p) == NULL)
        return OK;
    be32_put(content, gen->counter);
    memcpy(content + 4, gen->tag, TAG_BYTES);
    be64_put(content + 4 + TAG_BYTES, sequence);
    return words_add(h, t, p->index, WORD_HISTORY, bytes_of(content, sizeof(content)), &serial);
}

enum err own_history_add_all(struct hub *h, struct store_txn *t, const struct participant *p)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t from[4];
    enum err e;

    if (registry_reader(p) == NULL)
        return OK;
    if ((e = store_cursor_open(t, H_BATCHES, &c)) != OK)
        return e;
    be32_put(from, p->index);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value);
         e == OK && key.len == PLACE_KEY_BYTES && memcmp(key.p, from, sizeof(from)) == 0;
         e = store_next(c, &key, &value)) {
        struct record_ref at = record_ref_get(key.p + 4);

        if ((e = own_history_add(h, t, p, &at.gen, at.number)) != OK)
            break;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- the page ---- */

/* What is kept apart of this batch, as it is now. */
static enum err find_apart(struct store_txn *t, uint32_t participant, const struct generation *gen, uint64_t lsn,
                           uint64_t first, struct history *page)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t raw[PLACE_KEY_BYTES];
    enum err e;

    if ((page->apart = calloc(HISTORY_MAX_APART, sizeof(*page->apart))) == NULL)
        return ERR_NOMEM;
    if ((e = store_cursor_open(t, H_QUARANTINE, &c)) != OK)
        return e;
    for (e = store_seek(c, place_key(raw, participant, gen, first), &key, &value);
         e == OK && place_key_is_of(key, participant, gen) && page->apart_count < HISTORY_MAX_APART;
         e = store_next(c, &key, &value)) {
        struct quarantine_row row;

        if ((e = quarantine_row_get(&row, value)) != OK || row.lsn > lsn)
            break;
        if (row.lsn != lsn)
            continue;
        page->apart[page->apart_count++] =
            (struct history_apart){place_key_number(key), STANDING_QUARANTINED, (unsigned)row.why.reason};
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err first_number(struct bytes batch, uint64_t *first)
{
    struct batch_header h;
    enum err e = batch_parse(&h, batch);

    if (e != OK)
        return e;
    *first = h.range_count > 0 ? h.ranges[0].first : 1;
    batch_header_fini(&h);
    return OK;
}

static enum err fill(struct hub *h, struct store_txn *t, const struct participant *p, const struct generation *gen,
                     uint64_t sequence, struct buf *raw, struct history *page)
{
    uint8_t key[PLACE_KEY_BYTES];
    struct batch_row row;
    struct bytes value;
    uint64_t first = 1;
    enum err e = store_get(t, H_BATCHES, place_key(key, p->index, gen, sequence), &value);

    if (e != OK || (e = batch_row_get(&row, value)) != OK ||
        (e = ledger_batch_keys(h, t, row.lsn, raw, &page->keys, &page->section_count, &page->section_mask)) != OK)
        return e == ERR_NOT_FOUND ? err_set(ERR_CORRUPT, "a parcel that a word names is not in the ledger") : e;
    page->batch = bytes_of(raw->data, raw->len);
    if ((e = first_number(page->batch, &first)) != OK)
        return e;
    return find_apart(t, p->index, gen, row.lsn, first, page);
}

enum err own_history_make(struct hub *h, struct store_txn *t, const struct participant *p, const struct word_head *head,
                          struct bytes content, struct buf *out)
{
    const struct signer *to = registry_reader(p);
    struct history page = {.head = *head, .hub_ms = clock_wall_ms()};
    struct generation gen;
    struct buf raw;
    enum err e;

    if (content.len != CONTENT_BYTES || to == NULL)
        return err_set(ERR_CORRUPT, "word %llu to %s is damaged", (unsigned long long)head->serial, head->participant);
    gen.counter = be32_get(content.p);
    memcpy(gen.tag, content.p + 4, TAG_BYTES);
    buf_init(&raw, BATCH_MAX_SEALED);
    if ((e = fill(h, t, p, &gen, be64_get(content.p + 4 + TAG_BYTES), &raw, &page)) == OK)
        e = history_make(out, &page, to->history, h->sign);
    history_fini(&page);
    buf_fini(&raw);
    return e;
}
