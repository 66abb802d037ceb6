#include "hub/ledger_doubt_internal.h"

#include <string.h>

/* Versions of one form share their slots: the newest stands for all. */
static enum err set_place(struct doubt *d, struct fact *f, const struct form *form, const char *unit,
                          const char *period)
{
    const struct form *newest = hub_form_by_id(d->ledger->hub, form->id);
    bool is_new;

    f->has_place = true;
    return places_index(d->places, newest == NULL ? form : newest, unit, period, &f->place, &is_new);
}

static enum err read_erased(struct doubt *d, const struct held_batch *b, struct fact *f)
{
    const struct erased_record *r = held_erased(b, f->ref.number);
    const struct erased_place *p = r == NULL || !r->is_readable ? NULL : &b->holes->list.places[r->place];
    const struct form *form = p == NULL ? NULL : hub_form(d->ledger->hub, p->form);

    f->is_erased = true;
    if (p == NULL)
        return OK;
    if (form == NULL)
        return err_set(ERR_CORRUPT, "ledger: what stayed of an erased submission is damaged");
    f->has_slot = r->kind != RECORD_RETRACTION;
    if (f->has_slot)
        memcpy(f->slot, r->slot, SLOT_BYTES);
    f->has_target = r->kind != RECORD_NEW && record_ref_compare(&r->target, &f->ref) < 0;
    f->target = r->target;
    return set_place(d, f, form, p->unit, p->period);
}

enum err fact_read(struct doubt *d, const struct held_batch *b, uint32_t row, struct fact *f)
{
    struct ledger *l = d->ledger;
    const struct form *form;
    struct bytes bytes;
    struct record r;
    enum err e;

    memset(f, 0, sizeof(*f));
    f->participant = b->participant;
    f->ref.gen = b->gen;
    f->lsn = b->lsn;
    f->row = row;
    e = held_record(b, row, &bytes, &f->ref.number);
    if (e == ERR_ERASED)
        return read_erased(d, b, f);
    if (e != OK)
        return e;
    if ((e = decoder_read(l->decoder, bytes, &r, &form)) == ERR_NOMEM)
        return e;
    if (e != OK) { /* by its head alone, as intake did */
        f->has_target = record_names_earlier(bytes, &f->ref, &r);
        if (f->has_target)
            f->target = r.target;
        return OK;
    }
    f->has_target = r.kind != RECORD_NEW && record_ref_compare(&r.target, &f->ref) < 0;
    f->target = r.target;
    f->has_slot = r.kind != RECORD_RETRACTION;
    if (f->has_slot)
        slot_of(f->slot, &l->slot_key, form, f->participant, bytes, &r);
    return set_place(d, f, form, r.unit, r.period);
}

static uint32_t rows_of(const struct held_batch *b)
{
    return b->holes == NULL ? batch_plain_count(b->plain) : b->holes->total;
}

/* As intake refused all of it, and for ever: its rows have never counted. */
static bool was_unreadable(struct bytes verdicts)
{
    struct rd r = rd_of(verdicts.p, verdicts.len);

    (void)rd_varint(&r);
    (void)rd_varint(&r);
    return rd_u8(&r) == QUARANTINE_UNREADABLE && !r.failed;
}

enum err fact_rows(struct doubt *d, struct store_txn *t, uint64_t lsn, const struct held_batch **b, uint32_t *count)
{
    struct batch_entry entry;
    struct bytes bytes;
    enum err e = journal_get(t, lsn, &bytes);

    *count = 0;
    if (e != OK)
        return e;
    if (batch_entry_get(&entry, lsn, bytes) != OK) /* sealed to a lost key: its entry is another one */
        return OK;
    e = held_open(d->ledger, t, lsn, b);
    if (e == OK)
        *count = rows_of(*b);
    return e == ERR_CORRUPT && was_unreadable(entry.verdicts) ? OK : e;
}

enum err fact_stands(struct store_txn *t, const struct fact *f, enum fact_standing *out, struct quarantine_row *q)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes value;
    uint64_t lsn;
    enum err e = range_find(t, f->participant, &f->ref, &lsn);

    *out = FACT_NOT_HELD;
    if (e != OK || lsn != f->lsn)
        return e == ERR_NOT_FOUND ? OK : e;
    *out = FACT_ACCEPTED;
    e = store_get(t, H_QUARANTINE, place_key(raw, f->participant, &f->ref.gen, f->ref.number), &value);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = quarantine_row_get(q, value)) == OK && q->lsn == f->lsn) /* else it is about another copy */
        *out = FACT_WAITS;
    return e;
}
