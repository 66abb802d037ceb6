#include "hub/ledger.h"

#include "common/clock.h"
#include "hub/ledger_internal.h"
#include "hub/ledger_refuse.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS      INT64_C(86400000)
#define WRAPPED_LEN ((size_t)KEY_BYTES + LOCK_OVERHEAD)
#define CONFLICT    "another submission with this number was received before"
#define ROW_MAX     (SIGNED_MAX + 8u + DIGEST_BYTES)
#define LISTS_MAX   (16u << 20)

/* ---- the chain of batches ---- */

/* The digest that a held batch says stands before it. */
static enum err previous_of(const struct apply *a, uint64_t lsn, uint8_t previous[DIGEST_BYTES])
{
    struct batch_header h;
    struct buf raw;
    enum err e = refused_previous(a->t, lsn, previous);

    if (e != ERR_NOT_FOUND)
        return e;
    buf_init(&raw, BATCH_MAX_SEALED);
    if ((e = blob_get(a->t, lsn, &raw)) == OK && (e = batch_parse(&h, bytes_of(raw.data, raw.len))) == OK) {
        memcpy(previous, h.previous, DIGEST_BYTES);
        batch_header_fini(&h);
    }
    buf_fini(&raw);
    return e;
}

static enum err batch_at(const struct apply *a, uint64_t sequence, bool *is_held, struct batch_row *out)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes value;
    enum err e = store_get(a->t, H_BATCHES, place_key(raw, a->p->participant, &a->p->header.gen, sequence), &value);

    *is_held = e == OK;
    if (e == ERR_NOT_FOUND)
        return OK;
    return e == OK ? batch_row_get(out, value) : e;
}

static enum err check_chain(const struct apply *a, struct buf *receipt, enum ledger_outcome *outcome)
{
    const struct batch_header *h = &a->p->header;
    uint8_t previous[DIGEST_BYTES];
    struct batch_row row;
    bool is_held;
    enum err e;

    *outcome = LEDGER_STORED;
    if ((e = batch_at(a, h->sequence, &is_held, &row)) != OK)
        return e;
    if (is_held) {
        *outcome = digest_equal(row.digest, a->p->digest) ? LEDGER_AGAIN : LEDGER_FORK;
        if (*outcome == LEDGER_AGAIN)
            buf_put(receipt, row.receipt.p, row.receipt.len);
        return buf_status(receipt);
    }
    if ((e = generation_is_closed(a->t, a->p->participant, &h->gen, &is_held)) != OK)
        return e;
    if (is_held)
        *outcome = LEDGER_FORK;
    if (h->sequence > 1 && (e = batch_at(a, h->sequence - 1, &is_held, &row)) != OK)
        return e;
    if (h->sequence > 1 && is_held && !digest_equal(row.digest, h->previous))
        *outcome = LEDGER_FORK;
    if ((e = batch_at(a, h->sequence + 1, &is_held, &row)) != OK || !is_held)
        return e;
    if ((e = previous_of(a, row.lsn, previous)) != OK)
        return e;
    if (!digest_equal(previous, a->p->digest))
        *outcome = LEDGER_FORK;
    return OK;
}

/* ---- the batch's own rows: entry, bytes, ranges, quarantine ---- */

static enum err fill_entry(const struct apply *a, struct batch_entry *entry, struct buf *wrapped, struct buf *verdicts)
{
    const struct prepared *p = a->p;
    enum err e = OK;

    *entry = (struct batch_entry){.wall_ms = a->facts->wall_ms,
                                  .length = (uint32_t)p->batch.len,
                                  .participant = p->participant,
                                  .gen = p->header.gen,
                                  .sequence = p->header.sequence,
                                  .state = p->state,
                                  .grant_version = p->grant_version,
                                  .directory_version = a->facts->directory_version,
                                  .school_year = a->facts->school_year,
                                  .section_count = p->header.section_count};
    memcpy(entry->digest, p->digest, DIGEST_BYTES);
    memcpy(entry->sign_key, p->header.sign_key, KEY_BYTES);
    for (uint32_t k = 0; k < p->header.section_count && e == OK; k++)
        e = section_key_wrap(wrapped, a->ledger->hub->storage, entry, p->header.sections[k].retention, k,
                             p->keys.key[k]);
    if (e != OK || (e = buf_status(wrapped)) != OK)
        return e;
    for (uint32_t k = 0; k < p->header.section_count; k++)
        entry->wrapped[k] = bytes_of(wrapped->data + k * WRAPPED_LEN, WRAPPED_LEN);
    verdicts_put(verdicts, p);
    entry->verdicts = bytes_of(verdicts->data, verdicts->len);
    return buf_status(verdicts);
}

static enum err put_entry(struct apply *a)
{
    struct batch_entry entry;
    struct buf wrapped;
    struct buf verdicts;
    struct buf payload;
    size_t elements;
    enum err e;

    buf_init(&wrapped, BATCH_MAX_SECTIONS * WRAPPED_LEN);
    buf_init(&verdicts, LISTS_MAX);
    buf_init(&payload, LISTS_MAX);
    if ((e = fill_entry(a, &entry, &wrapped, &verdicts)) != OK)
        goto fini;
    batch_entry_put(&payload, &entry, &elements);
    if ((e = buf_status(&payload)) == OK)
        e = journal_append(a->ledger, a->t, JOURNAL_BATCH, a->facts->wall_ms, bytes_of(payload.data, payload.len),
                           elements, &a->lsn);
    if (e == OK)
        e = blob_put(a->t, a->lsn, bytes_of(a->p->batch.data, a->p->batch.len));
fini:
    buf_fini(&payload);
    buf_fini(&verdicts);
    buf_fini(&wrapped);
    return e;
}

/* Runs of numbers that this batch brought.  A batch that could not be read brought none: a readable copy may come. */
static enum err put_ranges(const struct apply *a)
{
    const struct prepared *p = a->p;
    enum err e = OK;

    for (uint32_t row = 0, end; e == OK && p->plain != NULL && row < p->count; row = end) {
        uint8_t raw[PLACE_KEY_BYTES];
        uint8_t value[16];

        end = row + 1;
        if ((a->flags[row] & ROW_HELD) != 0)
            continue;
        while (end < p->count && (a->flags[end] & ROW_HELD) == 0 &&
               p->records[end].number == p->records[end - 1].number + 1)
            end++;
        be64_put(value, p->records[end - 1].number);
        be64_put(value + 8, a->lsn);
        e = store_put(a->t, H_RANGES, place_key(raw, p->participant, &p->header.gen, p->records[row].number),
                      bytes_of(value, sizeof(value)));
    }
    return e;
}

void quarantine_row_put(struct buf *out, const struct quarantine_row *q)
{
    mp_put_array(out, 4);
    mp_put_uint(out, q->lsn);
    mp_put_uint(out, q->row);
    mp_put_uint(out, (uint64_t)q->reason);
    mp_put_str(out, (const char *)q->text.p, q->text.len);
}

enum err quarantine_row_get(struct quarantine_row *out, struct bytes value)
{
    struct mp m = mp_of(value);

    (void)mp_array(&m, 4, 4);
    out->lsn = mp_uint(&m, UINT64_MAX);
    out->row = (uint32_t)mp_uint(&m, UINT32_MAX);
    out->reason = (enum quarantine_reason)mp_uint(&m, UINT8_MAX);
    out->text = mp_str(&m, RECEIPT_TEXT_MAX);
    return mp_done(&m) ? OK : err_set(ERR_CORRUPT, "ledger: an entry of the quarantine is damaged");
}

/* An earlier entry of the same number stays when the new one is about a copy that conflicts with what is held. */
static enum err put_quarantine(const struct apply *a, uint32_t row, enum quarantine_reason reason, const char *text)
{
    struct quarantine_row q = {a->lsn, row, reason, bytes_of(text, strlen(text))};
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes key = place_key(raw, a->p->participant, &a->p->header.gen, a->p->records[row].number);
    struct bytes held;
    struct buf value;
    enum err e;

    if ((a->flags[row] & ROW_HELD) != 0 && (e = store_get(a->t, H_QUARANTINE, key, &held)) != ERR_NOT_FOUND)
        return e;
    buf_init(&value, RECEIPT_TEXT_MAX + 64);
    quarantine_row_put(&value, &q);
    if ((e = buf_status(&value)) == OK)
        e = store_put(a->t, H_QUARANTINE, key, bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

/* ---- verdicts and receipt ---- */

static enum verdict verdict_of(const struct apply *a, uint32_t row, enum quarantine_reason *reason)
{
    const struct prepared_record *r = &a->p->records[row];
    uint8_t flags = a->flags[row];

    *reason = (flags & ROW_CONFLICT) != 0 ? QUARANTINE_CONFLICT : (enum quarantine_reason)r->reason;
    if ((flags & ROW_HELD) != 0 && (flags & ROW_CONFLICT) == 0 && a->p->plain != NULL)
        return VERDICT_DUPLICATE;
    if (*reason != 0)
        return VERDICT_QUARANTINED;
    return r->kind == RECORD_RETRACTION || (flags & ROW_CURRENT) != 0 ? VERDICT_COUNTED : VERDICT_SUPERSEDED;
}

static const char *text_of(const struct apply *a, uint32_t row, enum quarantine_reason reason)
{
    uint32_t at = a->p->records[row].text;

    if (reason == QUARANTINE_CONFLICT)
        return CONFLICT;
    return at == PREPARED_NO_TEXT ? "" : (const char *)a->p->texts.data + at;
}

/* Only refusals that the receipt names keep their words in the store. */
static enum err quarantine(const struct apply *a, uint32_t row, enum quarantine_reason reason, struct receipt *r)
{
    const char *text = "";

    if (r->refusal_count < RECEIPT_MAX_REFUSALS) {
        struct receipt_refusal *at = &r->refusals[r->refusal_count++];

        text = text_of(a, row, reason);
        at->number = a->p->records[row].number;
        at->reason = reason;
        memcpy(at->text, text, strnlen(text, RECEIPT_TEXT_MAX));
    }
    if (a->p->plain == NULL && (a->flags[row] & ROW_HELD) != 0)
        return OK; /* a readable copy is held */
    return put_quarantine(a, row, reason, text);
}

static enum err judge_rows(const struct apply *a, struct receipt *r)
{
    enum err e = OK;

    for (uint32_t row = 0; e == OK && row < a->p->count; row++) {
        enum quarantine_reason reason;
        enum verdict v = verdict_of(a, row, &reason);

        r->verdicts[v]++;
        if (v == VERDICT_QUARANTINED)
            e = quarantine(a, row, reason, r);
        else if ((a->flags[row] & (ROW_UNREADABLE | ROW_HELD)) == ROW_UNREADABLE) {
            uint8_t raw[PLACE_KEY_BYTES];

            e = store_delete(a->t, H_QUARANTINE,
                             place_key(raw, a->p->participant, &a->p->header.gen, a->p->records[row].number));
        }
    }
    return e;
}

static enum err put_batch_row(const struct apply *a, struct bytes receipt)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct buf value;
    enum err e;

    buf_init(&value, ROW_MAX);
    buf_put_u64(&value, a->lsn);
    buf_put(&value, a->p->digest, DIGEST_BYTES);
    buf_put(&value, receipt.p, receipt.len);
    if ((e = buf_status(&value)) == OK)
        e = store_put(a->t, H_BATCHES, place_key(raw, a->p->participant, &a->p->header.gen, a->p->header.sequence),
                      bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

static enum err put_receipt(const struct apply *a, struct buf *out)
{
    const struct prepared *p = a->p;
    struct receipt r = {.gen = p->header.gen,
                        .sequence = p->header.sequence,
                        .state = RECEIPT_STORED,
                        .hub_ms = a->facts->wall_ms,
                        .ledger_number = a->lsn,
                        .directory_version = a->facts->directory_version};
    size_t at = out->len;
    enum err e;

    memcpy(r.district, a->ledger->hub->district, sizeof(r.district));
    memcpy(r.participant, p->participant_id, sizeof(r.participant));
    memcpy(r.batch, p->digest, DIGEST_BYTES);
    if ((r.refusals = calloc(RECEIPT_MAX_REFUSALS, sizeof(*r.refusals))) == NULL)
        return ERR_NOMEM;
    if ((e = judge_rows(a, &r)) == OK && (e = receipt_make(out, &r, a->ledger->hub->sign)) == OK &&
        (e = buf_status(out)) == OK)
        e = put_batch_row(a, bytes_of(out->data + at, out->len - at));
    receipt_fini(&r);
    return e;
}

/* ---- together ---- */

static enum err apply_new(struct apply *a, struct buf *receipt)
{
    enum err e;

    if ((e = put_entry(a)) != OK || (e = apply_find_held(a)) != OK ||
        (e = apply_mark_listed(a, H_QUARANTINE, ROW_UNREADABLE)) != OK || (e = apply_find_dead(a)) != OK ||
        (e = apply_fill_slots(a)) != OK || (e = apply_settle_cells(a)) != OK || (e = put_ranges(a)) != OK)
        return e;
    return put_receipt(a, receipt);
}

enum err ledger_apply_with(struct ledger *l, struct store_txn *t, const struct prepared *p,
                           const struct apply_facts *facts, struct buf *receipt, enum ledger_outcome *outcome)
{
    struct apply a = {.ledger = l, .t = t, .p = p, .facts = facts};
    enum err e;

    if (p->definitions_serial != l->hub->definitions_serial)
        return err_set(ERR_BUSY, "the definitions have changed since the batch was prepared: prepare it again");
    if ((e = check_chain(&a, receipt, outcome)) != OK || *outcome != LEDGER_STORED)
        return e;
    if (p->is_unopenable) {
        *outcome = LEDGER_REFUSED;
        return ledger_refuse(l, t, p, facts, receipt);
    }
    if ((e = ledger_eval(l)) != OK)
        return e;
    buf_init(&a.leaving, LISTS_MAX);
    buf_init(&a.kills, LISTS_MAX);
    if ((a.flags = calloc(p->count + 1u, sizeof(*a.flags))) == NULL)
        e = ERR_NOMEM;
    else
        e = apply_new(&a, receipt);
    free(a.flags);
    buf_fini(&a.kills);
    buf_fini(&a.leaving);
    return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

enum err ledger_apply(struct ledger *l, struct store_txn *t, const struct prepared *p, struct buf *receipt,
                      enum ledger_outcome *outcome)
{
    int64_t now = clock_wall_ms();
    struct apply_facts facts = {now, l->hub->directory == NULL ? 0 : l->hub->directory->version,
                                school_year_of((int32_t)(now / DAY_MS))};

    return ledger_apply_with(l, t, p, &facts, receipt, outcome);
}
