#include "hub/ledger.h"

#include "common/clock.h"
#include "hub/intake.h"
#include "hub/ledger_internal.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_KEY    "ledger-head"        /* lsn u64 | digest of that entry 32 */
#define CLOSED_KEY  "closed-generation/" /* followed by participant index u32 | counter u32 | tag 8 */
#define ENTRY_MAX   (4u << 20)
#define HEAD_LEN    (8u + DIGEST_BYTES)
#define ENTRY_FIRST 3u /* elements before the payload */

enum err ledger_open(struct ledger **out, struct hub *h)
{
    struct ledger *l = calloc(1, sizeof(*l));
    enum err e;

    if (l == NULL)
        return ERR_NOMEM;
    l->hub = h;
    l->cache_max = LEDGER_CACHE_BYTES;
    slot_key_derive(&l->slot_key, h->storage);
    if ((e = decoder_new(&l->decoder, h)) != OK || (e = cell_sums_new(&l->sums)) != OK) {
        ledger_close(l);
        return e;
    }
    *out = l;
    return OK;
}

void ledger_close(struct ledger *l)
{
    if (l == NULL)
        return;
    held_forget(l, 0);
    variable_eval_free(l->eval);
    intake_free(l->intake);
    cell_sums_free(l->sums);
    decoder_free(l->decoder);
    slot_key_fini(&l->slot_key);
    free(l);
}

void ledger_committed(struct ledger *l)
{
    l->first_pending = 0;
}

/* The numbers of entries that never were will be given again, to other batches. */
void ledger_aborted(struct ledger *l)
{
    if (l->first_pending != 0)
        held_forget(l, l->first_pending);
    l->first_pending = 0;
}

enum err ledger_end(struct ledger *l, struct store_txn *t, enum err e)
{
    if (e == OK)
        e = store_commit(t);
    else
        store_abort(t);
    if (e == OK)
        ledger_committed(l);
    else
        ledger_aborted(l);
    return e;
}

/* ---- journal ---- */

/* Read from the store each time: other processes may have decided something since. */
enum err journal_head(struct store_txn *t, struct journal_head *out)
{
    struct bytes value;
    enum err e = store_get(t, H_META, bytes_of(HEAD_KEY, strlen(HEAD_KEY)), &value);

    memset(out, 0, sizeof(*out));
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e != OK)
        return e;
    if (value.len != HEAD_LEN)
        return err_set(ERR_CORRUPT, "ledger: the journal's head is damaged");
    out->lsn = be64_get(value.p);
    memcpy(out->digest, value.p + 8, DIGEST_BYTES);
    return OK;
}

static enum err put_head(struct store_txn *t, const struct journal_head *head)
{
    uint8_t raw[HEAD_LEN];

    be64_put(raw, head->lsn);
    memcpy(raw + 8, head->digest, DIGEST_BYTES);
    return store_put(t, H_META, bytes_of(HEAD_KEY, strlen(HEAD_KEY)), bytes_of(raw, sizeof(raw)));
}

enum err journal_append(struct ledger *l, struct store_txn *t, enum journal_type type, int64_t wall_ms,
                        struct bytes payload, size_t elements, uint64_t *lsn)
{
    struct journal_head head;
    struct buf entry;
    uint8_t key[8];
    enum err e;

    if ((e = journal_head(t, &head)) != OK)
        return e;
    buf_init(&entry, ENTRY_MAX);
    mp_put_array(&entry, ENTRY_FIRST + elements);
    mp_put_uint(&entry, (uint64_t)type);
    mp_put_int(&entry, wall_ms);
    mp_put_bin(&entry, head.digest, DIGEST_BYTES);
    buf_put(&entry, payload.p, payload.len);
    if ((e = buf_status(&entry)) != OK)
        goto done;
    head.lsn++;
    digest(head.digest, bytes_of(entry.data, entry.len));
    be64_put(key, head.lsn);
    if ((e = store_append(t, H_JOURNAL, bytes_of(key, sizeof(key)), bytes_of(entry.data, entry.len))) != OK ||
        (e = put_head(t, &head)) != OK)
        goto done;
    if (l->first_pending == 0)
        l->first_pending = head.lsn;
    *lsn = head.lsn;
done:
    buf_fini(&entry);
    return e;
}

enum err ledger_decide(struct ledger *l, struct store_txn *t, enum journal_type type, struct bytes payload,
                       size_t elements, uint64_t *lsn)
{
    return journal_append(l, t, type, clock_wall_ms(), payload, elements, lsn);
}

enum err journal_read(struct bytes entry, struct mp *m, enum journal_type *type, int64_t *wall_ms,
                      uint8_t previous[DIGEST_BYTES], size_t *elements)
{
    *m = mp_of(entry);
    *elements = mp_array(m, ENTRY_FIRST, SIZE_MAX);
    *type = (enum journal_type)mp_uint(m, UINT8_MAX);
    *wall_ms = mp_int(m);
    mp_bin_exact(m, previous, DIGEST_BYTES);
    if (m->failed)
        return err_set(ERR_CORRUPT, "ledger: an entry of the journal is damaged");
    *elements -= ENTRY_FIRST;
    return OK;
}

enum err journal_get(struct store_txn *t, uint64_t lsn, struct bytes *entry)
{
    uint8_t key[8];
    enum err e;

    be64_put(key, lsn);
    e = store_get(t, H_JOURNAL, bytes_of(key, sizeof(key)), entry);
    if (e == ERR_NOT_FOUND)
        return err_set(ERR_CORRUPT, "ledger: entry %llu is not in the journal", (unsigned long long)lsn);
    return e;
}

enum err ledger_last(struct store_txn *t, uint64_t *lsn)
{
    struct journal_head head;
    enum err e = journal_head(t, &head);

    *lsn = head.lsn;
    return e;
}

enum err ledger_time(struct store_txn *t, uint64_t lsn, int64_t *wall_ms)
{
    uint8_t previous[DIGEST_BYTES];
    enum journal_type type;
    struct bytes entry;
    size_t elements;
    struct mp m;
    enum err e = journal_get(t, lsn, &entry);

    return e == OK ? journal_read(entry, &m, &type, wall_ms, previous, &elements) : e;
}

/* ---- blobs ---- */

static struct bytes blob_key(uint8_t raw[12], uint64_t lsn, uint32_t chunk)
{
    be64_put(raw, lsn);
    be32_put(raw + 8, chunk);
    return bytes_of(raw, 12);
}

enum err blob_put(struct store_txn *t, uint64_t lsn, struct bytes bytes)
{
    uint8_t raw[12];
    enum err e = OK;

    for (size_t at = 0; e == OK && at < bytes.len; at += LEDGER_BLOB_CHUNK) {
        size_t len = bytes.len - at < LEDGER_BLOB_CHUNK ? bytes.len - at : LEDGER_BLOB_CHUNK;

        e = store_put(t, H_BLOBS, blob_key(raw, lsn, (uint32_t)(at / LEDGER_BLOB_CHUNK)), bytes_of(bytes.p + at, len));
    }
    return e;
}

enum err blob_get(struct store_txn *t, uint64_t lsn, struct buf *out)
{
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    uint8_t raw[12];
    enum err e = store_cursor_open(t, H_BLOBS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, blob_key(raw, lsn, 0), &key, &value);
         e == OK && key.len == sizeof(raw) && be64_get(key.p) == lsn; e = store_next(c, &key, &value))
        buf_put(out, value.p, value.len);
    store_cursor_close(c);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (out->len == 0 && !out->failed)
        return err_set(ERR_CORRUPT, "ledger: the bytes of entry %llu are gone", (unsigned long long)lsn);
    return buf_status(out);
}

enum err ledger_decide_with(struct ledger *l, struct store_txn *t, enum journal_type type, struct bytes payload,
                            size_t elements, struct bytes beside, uint64_t *lsn)
{
    enum err e = ledger_decide(l, t, type, payload, elements, lsn);

    return e == OK ? blob_put(t, *lsn, beside) : e;
}

enum err ledger_payload(struct store_txn *t, uint64_t lsn, struct mp *m, size_t *elements)
{
    uint8_t previous[DIGEST_BYTES];
    enum journal_type type;
    struct bytes entry;
    int64_t wall_ms;
    enum err e = journal_get(t, lsn, &entry);

    return e == OK ? journal_read(entry, m, &type, &wall_ms, previous, elements) : e;
}

enum err ledger_beside(struct store_txn *t, uint64_t lsn, struct buf *out)
{
    return blob_get(t, lsn, out);
}

/* ---- closed generations ---- */

#define CLOSED_LEN (sizeof(CLOSED_KEY) - 1 + GEN_KEY_BYTES)

static struct bytes closed_key(uint8_t raw[CLOSED_LEN + 8], uint32_t participant, const struct generation *gen)
{
    memcpy(raw, CLOSED_KEY, sizeof(CLOSED_KEY) - 1);
    place_key_put(raw + sizeof(CLOSED_KEY) - 1, participant, gen, 0);
    return bytes_of(raw, CLOSED_LEN);
}

enum err generation_is_closed(struct store_txn *t, uint32_t participant, const struct generation *gen, bool *is_closed)
{
    uint8_t raw[CLOSED_LEN + 8];
    struct bytes value;
    enum err e = store_get(t, H_META, closed_key(raw, participant, gen), &value);

    *is_closed = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err generation_mark_closed(struct store_txn *t, uint32_t participant, const struct generation *gen)
{
    uint8_t raw[CLOSED_LEN + 8];

    return store_put(t, H_META, closed_key(raw, participant, gen), bytes_of("", 0));
}

enum err ledger_close_generation(struct ledger *l, struct store_txn *t, uint32_t participant,
                                 const struct generation *gen)
{
    struct buf payload;
    uint64_t lsn;
    bool is_closed;
    enum err e = generation_is_closed(t, participant, gen, &is_closed);

    if (e != OK || is_closed)
        return e;
    buf_init(&payload, 64);
    mp_put_uint(&payload, participant);
    mp_put_uint(&payload, gen->counter);
    mp_put_bin(&payload, gen->tag, TAG_BYTES);
    if ((e = buf_status(&payload)) == OK &&
        (e = ledger_decide(l, t, JOURNAL_GENERATION, bytes_of(payload.data, payload.len), 3, &lsn)) == OK)
        e = generation_mark_closed(t, participant, gen);
    buf_fini(&payload);
    return e;
}

/* ---- what is held of a generation ---- */

bool place_key_is_of(struct bytes key, uint32_t participant, const struct generation *gen)
{
    uint8_t raw[PLACE_KEY_BYTES];

    place_key_put(raw, participant, gen, 0);
    return key.len == PLACE_KEY_BYTES && memcmp(key.p, raw, GEN_KEY_BYTES) == 0;
}

enum err batch_row_get(struct batch_row *out, struct bytes value)
{
    if (value.len < 8 + DIGEST_BYTES)
        return err_set(ERR_CORRUPT, "ledger: an entry of the batches is damaged");
    out->lsn = be64_get(value.p);
    out->digest = value.p + 8;
    out->receipt = bytes_of(value.p + 8 + DIGEST_BYTES, value.len - 8 - DIGEST_BYTES);
    return OK;
}

static void add_gap(struct ledger_chain *c, uint64_t first, uint64_t count)
{
    if (c->gap_count < sizeof(c->gaps) / sizeof(c->gaps[0]))
        c->gaps[c->gap_count++] = (struct number_range){first, count};
}

enum err ledger_chain(struct store_txn *t, uint32_t participant, const struct generation *gen, struct ledger_chain *out)
{
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    uint8_t raw[PLACE_KEY_BYTES];
    enum err e;

    memset(out, 0, sizeof(*out));
    out->next_sequence = 1;
    if ((e = generation_is_closed(t, participant, gen, &out->is_closed)) != OK ||
        (e = store_cursor_open(t, H_BATCHES, &c)) != OK)
        return e;
    for (e = store_seek(c, place_key(raw, participant, gen, 0), &key, &value);
         e == OK && place_key_is_of(key, participant, gen); e = store_next(c, &key, &value)) {
        uint64_t sequence = place_key_number(key);

        if (sequence > out->held_last + 1)
            add_gap(out, out->held_last + 1, sequence - out->held_last - 1);
        else if (sequence == out->next_sequence)
            out->next_sequence++;
        out->held_last = sequence;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err ledger_batch(struct store_txn *t, uint32_t participant, const struct generation *gen, uint64_t sequence,
                      uint8_t digest_out[DIGEST_BYTES], struct buf *receipt)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes value;
    struct batch_row row = {0};
    enum err e = store_get(t, H_BATCHES, place_key(raw, participant, gen, sequence), &value);

    if (e != OK || (e = batch_row_get(&row, value)) != OK)
        return e;
    memcpy(digest_out, value.p + 8, DIGEST_BYTES);
    if (receipt == NULL)
        return OK;
    buf_put(receipt, row.receipt.p, row.receipt.len);
    return buf_status(receipt);
}

/* A cursor on the batch with the greatest key of a participant.  ERR_NOT_FOUND: there is none. */
static enum err seek_greatest(struct store_txn *t, uint32_t participant, struct store_cursor **c, struct bytes *key,
                              struct bytes *value)
{
    uint8_t next[4];
    enum err e = store_cursor_open(t, H_BATCHES, c);

    if (e != OK)
        return e;
    be32_put(next, participant + 1); /* below the next participant's */
    e = participant == UINT32_MAX ? store_last(*c, key, value)
                                  : store_seek_before(*c, bytes_of(next, sizeof(next)), key, value);
    if (e == OK && (key->len != PLACE_KEY_BYTES || be32_get(key->p) != participant))
        e = ERR_NOT_FOUND;
    return e;
}

enum err ledger_max_counter(struct store_txn *t, uint32_t participant, uint32_t *counter)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = seek_greatest(t, participant, &c, &key, &value);

    *counter = e == OK ? be32_get(key.p + 4) : 0;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err ledger_begins_anew(struct store_txn *t, uint32_t participant, const struct generation *gen,
                            const uint8_t sign_key[KEY_BYTES], bool *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = seek_greatest(t, participant, &c, &key, &value);

    *out = false;
    while (e == OK && key.len == PLACE_KEY_BYTES && be32_get(key.p) == participant &&
           be32_get(key.p + 4) >= gen->counter) {
        struct batch_row row = {0};
        uint8_t signer[KEY_BYTES];

        *out = true;
        if ((e = batch_row_get(&row, value)) == OK && (e = batch_signer(t, row.lsn, signer)) == OK) {
            *out = memcmp(signer, sign_key, KEY_BYTES) != 0;
            break;
        }
        if (e == ERR_NOT_FOUND) /* refused: who signed it is not kept */
            e = store_prev(c, &key, &value);
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}
