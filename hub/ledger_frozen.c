/* Submissions that come after an erasure and speak about what was erased.  What was counted stays counted (its act
 * holds the sums), so its slot is frozen: a later submission into it, and a correction or retraction of it, is kept
 * apart. */
#include "hub/ledger_internal.h"

#include <stdlib.h>
#include <string.h>

static struct bytes place_bytes(uint8_t raw[SLOT_LIST_KEY_MAX], const char *form, const char *unit, const char *period)
{
    static const uint8_t none[SLOT_BYTES];

    return bytes_of(raw, slot_list_key(raw, form, unit, period, none) - SLOT_BYTES);
}

enum err frozen_get(struct store_txn *t, const char *form, const char *unit, const char *period, uint64_t *act)
{
    uint8_t raw[SLOT_LIST_KEY_MAX];
    struct bytes value;
    enum err e = store_get(t, H_FROZEN, place_bytes(raw, form, unit, period), &value);

    if (e == OK && value.len != 8)
        return err_set(ERR_CORRUPT, "ledger: an entry of the frozen places is damaged");
    if (e == OK)
        *act = be64_get(value.p);
    return e;
}

enum err frozen_put(struct store_txn *t, const char *form, const char *unit, const char *period, uint64_t act)
{
    uint8_t raw[SLOT_LIST_KEY_MAX];
    uint8_t value[8];

    be64_put(value, act);
    return store_put(t, H_FROZEN, place_bytes(raw, form, unit, period), bytes_of(value, sizeof(value)));
}

/* ---- into a frozen slot ---- */

static enum err mark_places(const struct apply *a, uint8_t **out, bool *any)
{
    struct places *places = cell_sums_places(a->p->sums);
    uint32_t count = places_count(places);
    uint8_t *is_frozen = calloc((size_t)count + 1, 1);
    enum err e = is_frozen == NULL ? ERR_NOMEM : OK;

    *any = false;
    for (uint32_t i = 0; e == OK && i < count; i++) {
        const struct place *p = places_at(places, i);
        uint64_t act;

        e = frozen_get(a->t, p->form->id, p->unit, p->period, &act);
        is_frozen[i] = e == OK;
        *any |= e == OK;
        if (e == ERR_NOT_FOUND)
            e = OK;
    }
    *out = is_frozen;
    return e;
}

static enum err find_slots(struct apply *a)
{
    uint8_t *is_frozen;
    bool any;
    enum err e = mark_places(a, &is_frozen, &any);

    for (uint32_t i = 0; e == OK && any && i < a->p->value_count; i++) {
        uint32_t row = a->p->by_slot[i];
        struct slot_current held;

        if (!apply_is_accepted(a, row) || is_frozen[a->p->records[row].place] == 0)
            continue;
        e = apply_current(a, a->p->records[row].slot, &held);
        if (e == OK && held.is_frozen)
            a->flags[row] |= ROW_FROZEN;
        if (e == ERR_NOT_FOUND)
            e = OK;
    }
    free(is_frozen);
    return e;
}

/* ---- corrections and retractions of what stands in a frozen slot ---- */

/* Does the slot hold this one?  An answer holds it under whichever number it has there. */
static enum err is_held_by(const struct apply *a, const struct slot_current *held, const struct record_ref *target,
                           const struct erased_place *at, bool *is)
{
    const struct form *form = hub_form(a->ledger->hub, at->form);

    if (form == NULL)
        return err_set(ERR_CORRUPT, "ledger: what stayed of an erased submission is damaged");
    *is = form->mode == FORM_ANSWERS || slot_compare(held->participant, &held->ref, a->p->participant, target) == 0;
    return OK;
}

static enum err judge_target(struct apply *a, uint32_t row)
{
    const struct record_ref *target = &a->p->records[row].target;
    const struct erased_record *gone;
    const struct held_batch *b;
    struct slot_current held;
    struct bytes value;
    uint8_t key[8];
    uint64_t lsn;
    bool is_frozen = false;
    enum err e = range_find(a->t, a->p->participant, target, &lsn);

    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    be64_put(key, lsn);
    if ((e = store_get(a->t, H_ERASED, bytes_of(key, sizeof(key)), &value)) != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = held_open(a->ledger, a->t, lsn, &b)) != OK)
        return e;
    gone = held_erased(b, target->number);
    if (gone == NULL || !gone->is_readable || gone->kind == RECORD_RETRACTION)
        return OK;
    if ((e = apply_current(a, gone->slot, &held)) == OK && held.is_frozen &&
        (e = is_held_by(a, &held, target, &b->holes->list.places[gone->place], &is_frozen)) == OK && is_frozen)
        a->flags[row] |= ROW_FROZEN;
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err apply_find_frozen(struct apply *a)
{
    enum err e;

    if (store_count(a->t, H_FROZEN) == 0)
        return OK;
    e = find_slots(a);
    for (uint32_t row = 0; e == OK && row < a->p->count; row++)
        if (a->p->records[row].kind != RECORD_NEW && apply_is_accepted(a, row))
            e = judge_target(a, row);
    return e;
}
