#include "hub/ledger_internal.h"

#include <stdlib.h>
#include <string.h>

/* What a batch's records do to the slots.  The outcome does not depend on the order in which batches arrive:
 *   - a number is held once, by the first batch that brought it (apply_find_held(), ledger_numbers.c);
 *   - dead is whatever an accepted correction or retraction names, before or after it arrives, and what a dead one in
 *     quarantine names (apply_find_dead());
 *   - of a slot's submissions the greatest is current, and if it is dead the slot is empty (apply_fill_slots()); the
 *     submissions in the slot of an answer are one and the same (slot.h), so one that is dead empties it;
 *   - cells are the sum over current submissions: the difference is added in one go (apply_settle_cells(),
 * ledger_settle.c). */

static enum err leave(struct apply *a, const struct slot_current *c)
{
    struct old_row old = {c->lsn, c->row};

    buf_put(&a->leaving, &old, sizeof(old));
    return buf_status(&a->leaving);
}

static enum err list_slot(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES], bool is_listed)
{
    uint8_t raw[SLOT_LIST_KEY_MAX];
    struct bytes key = bytes_of(raw, slot_list_key(raw, at->form->id, at->unit, at->period, slot));

    enum err e = is_listed ? store_put(a->t, H_SLOTS, key, bytes_of("", 0)) : store_delete(a->t, H_SLOTS, key);

    return e == ERR_NOT_FOUND ? err_set(ERR_CORRUPT, "ledger: a slot that holds a submission is not listed") : e;
}

enum err apply_current(struct apply *a, const uint8_t slot[SLOT_BYTES], struct slot_current *out)
{
    struct bytes value;
    enum err e;

    if (a->ledger->replay != NULL)
        return replay_current(a->ledger->replay, a->t, slot, out);
    e = store_get(a->t, H_CURRENT, bytes_of(slot, SLOT_BYTES), &value);
    return e == OK ? slot_current_get(out, value) : e;
}

enum err apply_set_current(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES], bool was_dead,
                           const struct slot_current *c)
{
    uint8_t raw[SLOT_CURRENT_BYTES];
    enum err e;

    if (a->ledger->replay != NULL)
        return replay_set_current(a->ledger->replay, slot, c, at);
    slot_current_put(raw, c);
    e = store_put(a->t, H_CURRENT, bytes_of(slot, SLOT_BYTES), bytes_of(raw, sizeof(raw)));
    return e != OK || was_dead == c->is_dead ? e : list_slot(a, at, slot, !c->is_dead);
}

enum err apply_drop_current(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES], bool was_dead)
{
    enum err e;

    if (a->ledger->replay != NULL)
        return replay_drop_current(a->ledger->replay, slot, at);
    e = store_delete(a->t, H_CURRENT, bytes_of(slot, SLOT_BYTES));
    return e != OK || was_dead ? e : list_slot(a, at, slot, false);
}

/* What stands in a slot is dead from now on. */
static enum err empty_slot(struct apply *a, const struct place *at, const uint8_t *slot, struct slot_current *held)
{
    enum err e;

    if (held->is_dead || held->is_frozen)
        return OK;
    if ((e = leave(a, held)) != OK)
        return e;
    held->is_dead = true;
    return apply_set_current(a, at, slot, false, held);
}

/* The batch's greatest submission of a slot meets what stands there. */
static enum err fill_slot(struct apply *a, uint32_t row)
{
    const struct prepared_record *r = &a->p->records[row];
    const struct place *at = places_at(cell_sums_places(a->p->sums), r->place);
    bool is_one = at->form->mode == FORM_ANSWERS; /* with whatever stands there */
    struct slot_current mine = {.participant = a->p->participant,
                                .ref = {a->p->header.gen, r->number},
                                .lsn = a->lsn,
                                .row = row,
                                .is_dead = (a->flags[row] & ROW_DEAD) != 0};
    struct slot_current held = {.is_dead = true};
    enum err e = apply_current(a, r->slot, &held);

    if (e == OK) {
        if (is_one)
            a->flags[row] |= ROW_TWIN;
        if (slot_compare(held.participant, &held.ref, mine.participant, &mine.ref) >= 0)
            return is_one && mine.is_dead ? empty_slot(a, at, r->slot, &held) : OK;
        if (is_one && held.is_dead)
            mine.is_dead = true;
        if (!held.is_dead && (e = leave(a, &held)) != OK)
            return e;
    } else if (e != ERR_NOT_FOUND)
        return e;
    if (!mine.is_dead) {
        a->flags[row] |= ROW_CURRENT;
        a->current++;
    }
    return apply_set_current(a, at, r->slot, held.is_dead, &mine);
}

/* Two accepted rows of one slot; the second is greater.  Of an answer the first is a copy of it under another number.
 */
static void pass_over(struct apply *a, uint32_t row, uint32_t greater)
{
    if (places_at(cell_sums_places(a->p->sums), a->p->records[row].place)->form->mode != FORM_ANSWERS)
        return;
    a->flags[row] |= ROW_TWIN;
    a->flags[greater] |= a->flags[row] & ROW_DEAD;
}

static enum err fill_from_batch(struct apply *a)
{
    const struct prepared *p = a->p;
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < p->value_count;) {
        const uint8_t *slot = p->records[p->by_slot[i]].slot;
        uint32_t greatest = p->count;

        for (; i < p->value_count && memcmp(p->records[p->by_slot[i]].slot, slot, SLOT_BYTES) == 0; i++) {
            if (!apply_is_accepted(a, p->by_slot[i]))
                continue;
            if (greatest != p->count)
                pass_over(a, greatest, p->by_slot[i]);
            greatest = p->by_slot[i];
        }
        if (greatest != p->count)
            e = fill_slot(a, greatest);
    }
    return e;
}

static int compare_kills(const void *x, const void *y)
{
    const struct apply_kill *a = x;
    const struct apply_kill *b = y;

    if (a->lsn != b->lsn)
        return a->lsn < b->lsn ? -1 : 1;
    return record_ref_compare(&a->ref, &b->ref);
}

static enum err place_of_erased(const struct apply *a, const struct held_batch *b, const struct erased_record *r,
                                struct place *at)
{
    const struct erased_place *p = &b->holes->list.places[r->place];

    if ((at->form = hub_form(a->ledger->hub, p->form)) == NULL)
        return err_set(ERR_CORRUPT, "ledger: what stayed of an erased submission is damaged");
    memcpy(at->unit, p->unit, sizeof(at->unit));
    memcpy(at->period, p->period, sizeof(p->period));
    return OK;
}

/* The slot of a held submission; a retraction has none. */
static enum err target_of(struct apply *a, const struct held_batch *b, const struct record_ref *ref, struct place *at,
                          uint8_t slot[SLOT_BYTES], bool *has_slot)
{
    const struct erased_record *gone = held_erased(b, ref->number);
    struct bytes record;
    struct record r;
    uint64_t number;
    uint32_t row;
    enum err e;

    *has_slot = false;
    if (gone != NULL) {
        if (!gone->is_readable || gone->kind == RECORD_RETRACTION)
            return OK;
        *has_slot = true;
        memcpy(slot, gone->slot, SLOT_BYTES);
        return place_of_erased(a, b, gone, at);
    }
    if ((e = held_find_row(b, ref->number, &row)) != OK || (e = held_record(b, row, &record, &number)) != OK ||
        (e = decoder_read(a->ledger->decoder, record, &r, &at->form)) != OK)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    if (r.kind == RECORD_RETRACTION)
        return OK;
    *has_slot = true;
    memcpy(at->unit, r.unit, sizeof(at->unit));
    memcpy(at->period, r.period, sizeof(at->period));
    slot_of(slot, &a->ledger->slot_key, at->form, a->p->participant, record, &r);
    return OK;
}

/* A target in an earlier batch: if it, or another copy of the same answer, is current in its slot, the slot is empty
 * from now on. */
static enum err kill(struct apply *a, const struct apply_kill *k)
{
    const struct held_batch *b;
    struct slot_current held;
    struct place at = {0};
    uint8_t slot[SLOT_BYTES];
    bool has_slot;
    enum err e;

    if ((e = held_open(a->ledger, a->t, k->lsn, &b)) != OK ||
        (e = target_of(a, b, &k->ref, &at, slot, &has_slot)) != OK)
        return e;
    if (!has_slot)
        return OK;
    e = apply_current(a, slot, &held);
    if (e == ERR_NOT_FOUND)
        return err_set(ERR_CORRUPT, "ledger: a submission of entry %llu stands in no slot", (unsigned long long)k->lsn);
    if (e != OK)
        return e;
    if (at.form->mode != FORM_ANSWERS && slot_compare(held.participant, &held.ref, a->p->participant, &k->ref) != 0)
        return OK;
    return empty_slot(a, &at, slot, &held);
}

static enum err kill_all(struct apply *a)
{
    struct apply_kill *kills = (struct apply_kill *)(void *)a->kills.data;
    size_t count = a->kills.len / sizeof(*kills);
    enum err e = OK;

    if (count > 0)
        qsort(kills, count, sizeof(*kills), compare_kills);
    for (size_t i = 0; e == OK && i < count; i++)
        e = kill(a, &kills[i]);
    return e;
}

enum err apply_fill_slots(struct apply *a)
{
    enum err e = fill_from_batch(a);

    return e == OK ? kill_all(a) : e;
}
