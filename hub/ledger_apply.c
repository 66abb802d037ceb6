#include "hub/ledger.h"

#include "common/clock.h"
#include "hub/ledger_internal.h"
#include "hub/ledger_refuse.h"
#include "hub/own_history.h"
#include "hub/registry_status.h"
#include "hub/storage_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS    INT64_C(86400000)
#define YEARS_MAX 200 /* that are looked through for one that is not erased */
#define ROW_MAX   (SIGNED_MAX + 8u + DIGEST_BYTES)
#define LISTS_MAX (16u << 20)

/* ---- the chain of batches ---- */

/* The digest that a held batch says stands before it. */
static enum err previous_of(const struct apply *a, uint64_t lsn, uint8_t previous[DIGEST_BYTES])
{
    struct stored_batch held;
    struct buf raw;
    enum err e = refused_previous(a->t, lsn, previous);

    if (e != ERR_NOT_FOUND)
        return e;
    buf_init(&raw, STORED_MAX);
    if ((e = stored_get(a->t, lsn, &raw, &held)) == OK) {
        memcpy(previous, held.header.previous, DIGEST_BYTES);
        stored_fini(&held);
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

static enum err fill_entry(const struct apply *a, struct batch_entry *entry, struct buf *verdicts)
{
    const struct prepared *p = a->p;

    *entry = (struct batch_entry){.wall_ms = a->facts->wall_ms,
                                  .length = p->length,
                                  .participant = p->participant,
                                  .gen = p->header.gen,
                                  .sequence = p->header.sequence,
                                  .state = p->state,
                                  .grant_version = p->grant_version,
                                  .directory_version = a->facts->directory_version,
                                  .school_year = a->facts->school_year};
    memcpy(entry->digest, p->digest, DIGEST_BYTES);
    memcpy(entry->sign_key, p->header.sign_key, KEY_BYTES);
    verdicts_put(verdicts, p);
    entry->verdicts = bytes_of(verdicts->data, verdicts->len);
    return buf_status(verdicts);
}

/* A replay stores what the living store holds. */
static enum err put_bytes(const struct apply *a, const struct batch_entry *entry)
{
    const struct prepared *p = a->p;
    const struct stored_at at = {a->ledger->hub->storage_keys, a->lsn, entry->school_year, entry->digest};
    struct buf stored;
    enum err e = OK;

    if (p->stored.len > 0)
        return blob_put(a->t, a->lsn, bytes_of(p->stored.data, p->stored.len));
    for (uint32_t k = 0; k < p->header.section_count && e == OK; k++)
        e = storage_keys_need(at.keys, a->t, p->header.sections[k].retention, entry->school_year);
    if (e != OK)
        return e;
    buf_init(&stored, STORED_MAX);
    if ((e = stored_make(&stored, &at, &p->header, bytes_of(p->batch.data, p->batch.len), &p->keys)) == OK)
        e = blob_put(a->t, a->lsn, bytes_of(stored.data, stored.len));
    buf_fini(&stored);
    return e;
}

static enum err put_entry(struct apply *a)
{
    struct batch_entry entry;
    struct buf verdicts;
    struct buf payload;
    size_t elements;
    enum err e;

    buf_init(&verdicts, LISTS_MAX);
    buf_init(&payload, LISTS_MAX);
    if ((e = fill_entry(a, &entry, &verdicts)) != OK)
        goto fini;
    batch_entry_put(&payload, &entry, &elements);
    if ((e = buf_status(&payload)) == OK)
        e = journal_append(a->ledger, a->t, JOURNAL_BATCH, a->facts->wall_ms, bytes_of(payload.data, payload.len),
                           elements, &a->lsn);
    if (e == OK)
        e = put_bytes(a, &entry);
fini:
    buf_fini(&payload);
    buf_fini(&verdicts);
    return e;
}

/* Runs of numbers that this batch brought.  A batch that could not be read brought none: a readable copy may come. */
enum err apply_put_ranges(const struct apply *a)
{
    const struct prepared *p = a->p;
    enum err e = OK;

    for (uint32_t row = 0, end; e == OK && !p->is_unreadable && row < p->count; row = end) {
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

/* An earlier entry of the same number stays when the new one is about a copy that conflicts with what is held. */
static enum err put_quarantine(const struct apply *a, uint32_t row, const struct refusal *why)
{
    struct quarantine_row q = {.lsn = a->lsn, .row = row, .why = *why};
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes key = place_key(raw, a->p->participant, &a->p->header.gen, a->p->records[row].number);
    struct bytes held;
    enum err e;

    if ((a->flags[row] & ROW_HELD) != 0 && (e = store_get(a->t, H_QUARANTINE, key, &held)) != ERR_NOT_FOUND)
        return e;
    return quarantine_row_store(a->t, key, &q);
}

/* ---- verdicts and receipt ---- */

static enum verdict verdict_of(const struct apply *a, uint32_t row, enum quarantine_reason *reason)
{
    const struct prepared_record *r = &a->p->records[row];
    uint8_t flags = a->flags[row];

    *reason = (flags & ROW_CONFLICT) != 0 ? QUARANTINE_CONFLICT : (enum quarantine_reason)r->reason;
    if ((flags & ROW_HELD) != 0 && (flags & ROW_CONFLICT) == 0 && !a->p->is_unreadable)
        return VERDICT_DUPLICATE;
    if (*reason == 0 && (flags & ROW_FROZEN) != 0)
        *reason = QUARANTINE_ERASED;
    if (*reason != 0)
        return VERDICT_QUARANTINED;
    if ((flags & ROW_TWIN) != 0)
        return VERDICT_DUPLICATE;
    return r->kind == RECORD_RETRACTION || (flags & ROW_CURRENT) != 0 ? VERDICT_COUNTED : VERDICT_SUPERSEDED;
}

/* Only refusals that the receipt names keep their words in the store. */
static enum err quarantine(struct apply *a, uint32_t row, enum quarantine_reason reason, struct receipt *r)
{
    struct refusal why = {.reason = reason};

    if (r->refusal_count < RECEIPT_MAX_REFUSALS) {
        struct receipt_refusal *at = &r->refusals[r->refusal_count++];

        if (reason == QUARANTINE_CONFLICT)
            (void)snprintf(why.text, sizeof(why.text), "%s", LEDGER_WHY_CONFLICT);
        else if (reason == QUARANTINE_ERASED)
            (void)snprintf(why.text, sizeof(why.text), "%s", LEDGER_WHY_ERASED);
        else
            prepared_why(a->p, &a->p->records[row], &why);
        at->number = a->p->records[row].number;
        at->why = why;
    } else {
        struct record_ref ref = {a->p->header.gen, a->p->records[row].number};
        enum err e = apply_say(a, &ref, STANDING_QUARANTINED, reason);

        if (e != OK)
            return e;
    }
    if (a->p->is_unreadable && (a->flags[row] & ROW_HELD) != 0)
        return OK; /* a readable copy is held */
    return put_quarantine(a, row, &why);
}

static enum err judge_rows(struct apply *a, struct receipt *r)
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

static enum err put_receipt(struct apply *a, struct buf *out)
{
    const struct prepared *p = a->p;
    struct receipt r = {.gen = p->header.gen,
                        .sequence = p->header.sequence,
                        .state = RECEIPT_STORED,
                        .hub_ms = a->facts->wall_ms,
                        .ledger_number = a->lsn,
                        .directory_version = a->facts->directory_version};
    size_t room = p->count < RECEIPT_MAX_REFUSALS ? p->count : RECEIPT_MAX_REFUSALS;
    size_t at = out->len;
    enum err e;

    memcpy(r.district, a->ledger->hub->district, sizeof(r.district));
    memcpy(r.participant, p->participant_id, sizeof(r.participant));
    memcpy(r.batch, p->digest, DIGEST_BYTES);
    r.has_records = true;
    memcpy(r.records, p->tree, DIGEST_BYTES);
    if (room > 0 && (r.refusals = calloc(room, sizeof(*r.refusals))) == NULL)
        return ERR_NOMEM;
    if ((e = judge_rows(a, &r)) == OK && (e = receipt_make(out, &r, a->ledger->hub->sign)) == OK &&
        (e = buf_status(out)) == OK)
        e = put_batch_row(a, bytes_of(out->data + at, out->len - at));
    receipt_fini(&r);
    return e;
}

/* ---- together ---- */

/* So much is kept of what is not believed, and no more. */
static enum err count_held(const struct apply *a)
{
    return signer_add_held(a->t, a->p->participant, a->p->header.sign_key, a->p->length);
}

static enum err apply_new(struct apply *a, struct buf *receipt)
{
    enum err e;

    if ((e = put_entry(a)) != OK || (prepared_is_held(a->p) && (e = count_held(a)) != OK) ||
        (e = apply_find_held(a)) != OK || (e = apply_mark_listed(a, H_QUARANTINE, ROW_UNREADABLE)) != OK ||
        (e = apply_find_frozen(a)) != OK || (e = apply_find_dead(a)) != OK || (e = apply_fill_slots(a)) != OK ||
        (e = apply_settle_cells(a)) != OK || (e = apply_put_ranges(a)) != OK)
        return e;
    return put_receipt(a, receipt);
}

enum err ledger_apply_with(struct ledger *l, struct store_txn *t, const struct prepared *p,
                           const struct apply_facts *facts, struct buf *receipt, enum ledger_outcome *outcome)
{
    struct apply a = {.ledger = l, .t = t, .p = p, .facts = facts, .tells = l->replay == NULL};
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
    buf_init(&a.said, LISTS_MAX);
    if ((a.flags = calloc(p->count + 1u, sizeof(*a.flags))) == NULL)
        e = ERR_NOMEM;
    else
        e = apply_new(&a, receipt);
    if (e == OK)
        e = apply_send_words(&a);
    buf_fini(&a.said);
    free(a.flags);
    buf_fini(&a.kills);
    buf_fini(&a.leaving);
    return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

/* That of today.  Where a class of the batch is erased for it already (a clock that went back), a later one: what came
 * after an act is never under a key that the act destroyed. */
static enum err choose_year(struct store_txn *t, const struct prepared *p, int32_t *year)
{
    for (int tries = 0; tries < YEARS_MAX; tries++, ++*year) {
        bool is_erased = false;

        for (uint32_t k = 0; k < p->header.section_count && !is_erased; k++) {
            uint64_t act;
            enum err e = storage_keys_act(t, p->header.sections[k].retention, *year, &act);

            if (e != OK)
                return e;
            is_erased = act != 0;
        }
        if (!is_erased)
            return OK;
    }
    return err_set(ERR_ERASED, "%d school years in a row are erased: is the clock right?", YEARS_MAX);
}

/* A parcel of an earlier computer: the present one does not have it. */
static enum err give_back(struct ledger *l, struct store_txn *t, const struct prepared *p)
{
    const struct participant *who =
        l->hub->registry == NULL ? NULL : registry_by_index(l->hub->registry, p->participant);
    const struct signer *s = who == NULL ? NULL : registry_signer_by_key(who, p->header.sign_key);

    if (s == NULL || registry_is_present(who, s) || prepared_is_held(p))
        return OK;
    return own_history_add(l->hub, t, who, &p->header.gen, p->header.sequence);
}

enum err ledger_apply(struct ledger *l, struct store_txn *t, const struct prepared *p, struct buf *receipt,
                      enum ledger_outcome *outcome)
{
    int64_t now = clock_wall_ms();
    struct apply_facts facts = {now, l->hub->directory == NULL ? 0 : l->hub->directory->version,
                                school_year_of((int32_t)(now / DAY_MS))};
    enum err e = choose_year(t, p, &facts.school_year);

    if (e == OK)
        e = ledger_apply_with(l, t, p, &facts, receipt, outcome);
    return e == OK && *outcome == LEDGER_STORED ? give_back(l, t, p) : e;
}
