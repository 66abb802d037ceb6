#include "hub/ledger_quarantine.h"

#include "common/cli.h"
#include "hub/ledger_internal.h"

#include <string.h>

/* ---- rows ---- */

#define ROW_OLD   4u                                /* words alone */
#define ROW_KNOWN (ROW_OLD + REFUSAL_DETAIL_FIELDS) /* and rule, field, expected */
#define ROW_WORD  (ROW_KNOWN + 2u)                  /* and the operator's word */

enum err quarantine_row_store(struct store_txn *t, struct bytes key, const struct quarantine_row *q)
{
    struct buf b;
    enum err e;

    buf_init(&b, sizeof(*q) + 128);
    mp_put_array(&b, q->rejected == 0 ? ROW_KNOWN : ROW_WORD);
    mp_put_uint(&b, q->lsn);
    mp_put_uint(&b, q->row);
    mp_put_uint(&b, (uint64_t)q->why.reason);
    mp_put_cstr(&b, q->why.text);
    refusal_put_detail(&b, &q->why);
    if (q->rejected != 0) {
        mp_put_uint(&b, q->rejected);
        mp_put_cstr(&b, q->word);
    }
    if ((e = buf_status(&b)) == OK)
        e = store_put(t, H_QUARANTINE, key, bytes_of(b.data, b.len));
    buf_fini(&b);
    return e;
}

enum err quarantine_row_get(struct quarantine_row *out, struct bytes value)
{
    struct mp m = mp_of(value);
    size_t elements = mp_array(&m, ROW_OLD, ROW_WORD);

    memset(out, 0, sizeof(*out));
    out->lsn = mp_uint(&m, UINT64_MAX);
    out->row = (uint32_t)mp_uint(&m, UINT32_MAX);
    out->why.reason = (enum quarantine_reason)mp_uint(&m, UINT8_MAX);
    mp_text(&m, out->why.text, 0, RECEIPT_TEXT_MAX);
    if (elements >= ROW_KNOWN)
        refusal_read_detail(&m, &out->why);
    if (elements == ROW_WORD) {
        out->rejected = mp_uint(&m, UINT64_MAX);
        mp_text(&m, out->word, 0, RECEIPT_TEXT_MAX);
    }
    return mp_done(&m) ? OK : err_set(ERR_CORRUPT, "ledger: an entry of the quarantine is damaged");
}

/* ---- reading ---- */

bool quarantined_waits(const struct quarantined *q)
{
    return q->rejected == 0 && !q->is_corrected;
}

static enum err read_row(struct store_txn *t, struct quarantined *out, struct bytes key, struct bytes value)
{
    struct quarantine_row row;
    struct bytes by;
    enum err e;

    if (key.len != PLACE_KEY_BYTES)
        return err_set(ERR_CORRUPT, "ledger: a key of the quarantine is damaged");
    if ((e = quarantine_row_get(&row, value)) != OK)
        return e;
    memset(out, 0, sizeof(*out));
    out->participant = be32_get(key.p);
    out->ref = record_ref_get(key.p + 4);
    out->lsn = row.lsn;
    out->row = row.row;
    out->why = row.why;
    out->rejected = row.rejected;
    memcpy(out->word, row.word, sizeof(out->word));
    e = store_get(t, H_DEAD, key, &by);
    if (e == OK && by.len == RECORD_REF_BYTES) {
        out->is_corrected = true;
        out->by = record_ref_get(by.p);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err ledger_each_quarantined(struct store_txn *t, enum err (*each)(void *ctx, const struct quarantined *q),
                                 void *ctx)
{
    struct store_cursor *c = NULL;
    struct quarantined q;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, H_QUARANTINE, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
        if ((e = read_row(t, &q, key, value)) != OK || (e = each(ctx, &q)) != OK)
            break;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err ledger_quarantined(struct store_txn *t, uint32_t participant, const struct record_ref *ref,
                            struct quarantined *out)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes key = place_key(raw, participant, &ref->gen, ref->number);
    struct bytes value;
    enum err e = store_get(t, H_QUARANTINE, key, &value);

    return e == OK ? read_row(t, out, key, value) : e;
}

enum err ledger_quarantined_signer(struct store_txn *t, const struct quarantined *q, uint8_t sign[KEY_BYTES])
{
    return batch_signer(t, q->lsn, sign);
}

enum err ledger_quarantined_record(struct ledger *l, struct store_txn *t, const struct quarantined *q,
                                   struct bytes *record)
{
    const struct held_batch *b;
    uint64_t number;
    enum err e;

    if (q->why.reason == QUARANTINE_UNREADABLE)
        return ERR_NOT_FOUND;
    if ((e = held_open(l, t, q->lsn, &b)) != OK)
        return e;
    e = held_record(b, q->row, record, &number);
    if (e == ERR_ERASED)
        return err_set(e, _("erased under act %llu"), (unsigned long long)held_erased(b, number)->act);
    if (e != OK)
        return e;
    return number == q->ref.number ? OK
                                   : err_set(ERR_CORRUPT, "ledger: entry %llu does not hold number %llu in row %u",
                                             (unsigned long long)q->lsn, (unsigned long long)q->ref.number, q->row);
}

/* ---- rejected ---- */

#define REJECT_ELEMENTS 5u

static enum err reject_in(struct store_txn *t, uint64_t lsn, uint32_t participant, const struct record_ref *ref,
                          const char *word)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes key = place_key(raw, participant, &ref->gen, ref->number);
    struct quarantine_row row;
    struct bytes value;
    enum err e = store_get(t, H_QUARANTINE, key, &value);

    if (e != OK || (e = quarantine_row_get(&row, value)) != OK)
        return e;
    row.rejected = lsn;
    memset(row.word, 0, sizeof(row.word));
    memcpy(row.word, word, strnlen(word, RECEIPT_TEXT_MAX));
    return quarantine_row_store(t, key, &row);
}

enum err ledger_reject(struct ledger *l, struct store_txn *t, const struct quarantined *q, const char *word)
{
    struct buf payload;
    uint64_t lsn;
    enum err e;

    if (q->rejected != 0)
        return err_set(ERR_EXISTS, "ledger: it was rejected by entry %llu", (unsigned long long)q->rejected);
    if (strlen(word) > RECEIPT_TEXT_MAX)
        return err_set(ERR_LIMIT, "ledger: a word of %zu bytes, at most %u", strlen(word), RECEIPT_TEXT_MAX);
    buf_init(&payload, RECEIPT_TEXT_MAX + 128);
    mp_put_uint(&payload, q->participant);
    mp_put_uint(&payload, q->ref.gen.counter);
    mp_put_bin(&payload, q->ref.gen.tag, TAG_BYTES);
    mp_put_uint(&payload, q->ref.number);
    mp_put_cstr(&payload, word);
    if ((e = buf_status(&payload)) == OK &&
        (e = ledger_decide(l, t, JOURNAL_REJECT, bytes_of(payload.data, payload.len), REJECT_ELEMENTS, &lsn)) == OK)
        e = reject_in(t, lsn, q->participant, &q->ref, word);
    buf_fini(&payload);
    return e;
}

enum err ledger_reject_replay(struct store_txn *t, uint64_t lsn, struct mp *m, size_t elements)
{
    struct record_ref ref;
    char word[RECEIPT_TEXT_MAX + 1];
    uint32_t participant = (uint32_t)mp_uint(m, UINT32_MAX);
    enum err e;

    ref.gen.counter = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_bin_exact(m, ref.gen.tag, TAG_BYTES);
    ref.number = mp_uint(m, UINT64_MAX);
    mp_text(m, word, 0, RECEIPT_TEXT_MAX);
    if (m->failed || elements < REJECT_ELEMENTS)
        return err_set(ERR_MALFORMED, "ledger: entry %llu is damaged", (unsigned long long)lsn);
    e = reject_in(t, lsn, participant, &ref, word);
    return e == ERR_NOT_FOUND
               ? err_set(ERR_MALFORMED, "ledger: entry %llu rejects what is not in quarantine", (unsigned long long)lsn)
               : e;
}
