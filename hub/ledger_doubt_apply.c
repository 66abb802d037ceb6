#include "hub/ledger_doubt_internal.h"

#include "hub/closing.h"

#include <stdlib.h>
#include <string.h>

/* What the ledger would hold if the batches had come while their sender was on hold.  By the rules of ledger_slots.c:
 * dead is what an accepted correction or retraction names, and what a dead one in quarantine names; of the accepted
 * ones in a slot the greatest stands there.  Only what may change is looked at. */

struct change {
    uint64_t lsn;
    uint32_t row;
    int sign;
};

struct applying {
    struct doubt *d;
    struct store_txn *t;
    struct apply a; /* for the slots alone */
    struct doubt_outcome *out;
    struct fact **by_target, **by_slot; /* of `met` */
    size_t target_count, slot_count;
    struct buf changes; /* struct change: to the cells */
    struct buf told;    /* struct doubt_change */
    uint8_t *is_closed; /* one a place: 1 the period is closed, 2 counted */
};

static enum err tell(struct applying *x, uint32_t participant, const struct record_ref *ref, enum standing standing,
                     unsigned reason)
{
    struct doubt_change c = {participant, *ref, standing, reason};

    if (x->out == NULL)
        return OK;
    buf_put(&x->told, &c, sizeof(c));
    return buf_status(&x->told);
}

/* ---- dead ---- */

/* Of one target the greatest first. */
static int compare_targets(const void *a, const void *b)
{
    const struct fact *x = *(struct fact *const *)a;
    const struct fact *y = *(struct fact *const *)b;
    int order = record_ref_compare(&x->target, &y->target);

    return order != 0 ? order : -record_ref_compare(&x->ref, &y->ref);
}

static enum err is_dead_now(const struct applying *x, uint32_t participant, const struct record_ref *ref, bool *is_dead)
{
    const struct named *n = participant == x->d->participant ? doubt_named(x->d, ref) : NULL;
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes value;
    enum err e;

    if (n != NULL) {
        *is_dead = n->is_dead;
        return OK;
    }
    e = store_get(x->t, H_DEAD, place_key(raw, participant, &ref->gen, ref->number), &value);
    *is_dead = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err stands_now(const struct applying *x, const struct fact *f, enum fact_standing *out,
                           enum quarantine_reason *reason)
{
    struct quarantine_row q;
    enum err e = fact_stands(x->t, f, out, &q);

    *reason = e == OK && *out == FACT_WAITS ? q.why.reason : (enum quarantine_reason)0;
    if (e == OK && *out == FACT_ACCEPTED && fact_is_taken(x->d, f)) {
        *out = FACT_WAITS;
        *reason = QUARANTINE_HELD;
    }
    return e;
}

/* Does it kill what it names? */
static enum err kills(const struct applying *x, const struct fact *f, bool *does)
{
    enum quarantine_reason reason;
    enum fact_standing stands;
    enum err e = stands_now(x, f, &stands, &reason);

    *does = stands == FACT_ACCEPTED;
    if (e == OK && stands == FACT_WAITS && reason != QUARANTINE_TARGET)
        e = is_dead_now(x, f->participant, &f->ref, does);
    return e;
}

static enum err put_dead(const struct applying *x, const struct named *n)
{
    uint8_t raw[PLACE_KEY_BYTES], value[RECORD_REF_BYTES];
    struct bytes key = place_key(raw, x->d->participant, &n->ref.gen, n->ref.number);
    enum err e;

    if (!n->is_dead) {
        e = store_delete(x->t, H_DEAD, key);
        return e == ERR_NOT_FOUND ? OK : e;
    }
    record_ref_put(value, &n->by);
    return store_put(x->t, H_DEAD, key, bytes_of(value, sizeof(value)));
}

static size_t first_with_target(const struct applying *x, const struct record_ref *target)
{
    size_t low = 0;
    size_t high = x->target_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (record_ref_compare(&x->by_target[middle]->target, target) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whoever names one stands after it: the last first, and each finds its namers judged. */
static enum err settle_dead(struct applying *x)
{
    struct named *list = (struct named *)(void *)x->d->named.data;
    enum err e = OK;

    for (size_t i = x->d->named.len / sizeof(*list); e == OK && i-- > 0;) {
        struct named *n = &list[i];

        n->is_dead = false;
        for (size_t k = first_with_target(x, &n->ref); e == OK && !n->is_dead && k < x->target_count &&
                                                       record_ref_compare(&x->by_target[k]->target, &n->ref) == 0;
             k++) {
            e = kills(x, x->by_target[k], &n->is_dead);
            n->by = x->by_target[k]->ref;
        }
        if (e == OK)
            e = put_dead(x, n);
        if (e == OK && !n->is_dead && n->is_here && n->waits) /* the school's correction of it is out */
            e = tell(x, x->d->participant, &n->ref, STANDING_QUARANTINED, (unsigned)n->reason);
    }
    return e;
}

/* ---- slots ---- */

static int compare_in_slot(const void *a, const void *b)
{
    const struct fact *x = *(struct fact *const *)a;
    const struct fact *y = *(struct fact *const *)b;
    int order = memcmp(x->slot, y->slot, SLOT_BYTES);

    return order != 0 ? order : slot_compare(y->participant, &y->ref, x->participant, &x->ref);
}

static enum err change_cells(struct applying *x, uint64_t lsn, uint32_t row, int sign)
{
    struct change c = {lsn, row, sign};

    buf_put(&x->changes, &c, sizeof(c));
    return buf_status(&x->changes);
}

static enum err count_closed(struct applying *x, uint32_t place)
{
    if (x->out == NULL || x->is_closed[place] != 1)
        return OK;
    x->is_closed[place] = 2;
    x->out->closed++;
    return OK;
}

/* The greatest of those that are accepted, or none; of an answer any of them may be the dead one. */
static enum err find_current(const struct applying *x, size_t from, size_t to, struct slot_current *out, bool *has)
{
    bool is_one = places_at(x->d->places, x->by_slot[from]->place)->form->mode == FORM_ANSWERS;
    enum err e = OK;

    *has = false;
    for (size_t i = from; e == OK && i < to && (!*has || (is_one && !out->is_dead)); i++) {
        const struct fact *f = x->by_slot[i];
        enum quarantine_reason reason;
        enum fact_standing stands;

        if ((e = stands_now(x, f, &stands, &reason)) != OK || stands != FACT_ACCEPTED)
            continue;
        if (!*has)
            *out = (struct slot_current){.participant = f->participant, .ref = f->ref, .lsn = f->lsn, .row = f->row};
        *has = true;
        e = is_dead_now(x, f->participant, &f->ref, &out->is_dead);
    }
    return e;
}

static enum err settle_slot(struct applying *x, size_t from, size_t to)
{
    const uint8_t *slot = x->by_slot[from]->slot;
    uint32_t place = x->by_slot[from]->place;
    struct slot_current was = {.is_dead = true};
    struct slot_current is = {.is_dead = true};
    bool had, has, same;
    enum err e = apply_current(&x->a, slot, &was);

    had = e == OK;
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (!had)
        was.is_dead = true;
    if (was.is_frozen)
        return err_set(ERR_CORRUPT, "ledger: a slot is frozen, and nothing that stands in it is erased");
    if ((e = find_current(x, from, to, &is, &has)) != OK || (!had && !has))
        return e;
    same = had && has && slot_compare(was.participant, &was.ref, is.participant, &is.ref) == 0;
    if (same && was.is_dead == is.is_dead)
        return OK;
    if (!was.is_dead && (e = change_cells(x, was.lsn, was.row, -1)) != OK)
        return e;
    if (!is.is_dead && ((e = change_cells(x, is.lsn, is.row, 1)) != OK ||
                        (e = tell(x, is.participant, &is.ref, STANDING_COUNTED, 0)) != OK))
        return e;
    if (x->out != NULL && !is.is_dead)
        x->out->given_back++;
    if ((!was.is_dead || !is.is_dead) && (e = count_closed(x, place)) != OK)
        return e;
    return has ? apply_set_current(&x->a, places_at(x->d->places, place), slot, was.is_dead, &is)
               : apply_drop_current(&x->a, places_at(x->d->places, place), slot, was.is_dead);
}

static bool may_change(const struct applying *x, const uint8_t *slot)
{
    size_t low = 0;
    size_t high = x->d->slots.len / SLOT_BYTES;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(x->d->slots.data + middle * SLOT_BYTES, slot, SLOT_BYTES);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static enum err settle_slots(struct applying *x)
{
    enum err e = OK;

    for (size_t from = 0, to; e == OK && from < x->slot_count; from = to) {
        for (to = from + 1;
             to < x->slot_count && memcmp(x->by_slot[to]->slot, x->by_slot[from]->slot, SLOT_BYTES) == 0;)
            to++;
        if (may_change(x, x->by_slot[from]->slot))
            e = settle_slot(x, from, to);
    }
    return e;
}

/* ---- cells ---- */

static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a;
    const struct change *y = b;

    if (x->lsn != y->lsn)
        return x->lsn < y->lsn ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* In the order of their batches, so that each is opened once.  A replay gathers what a whole transaction does. */
static enum err settle_cells(struct applying *x)
{
    struct change *list = (struct change *)(void *)x->changes.data;
    size_t count = x->changes.len / sizeof(*list);
    struct ledger *l = x->d->ledger;
    bool is_replay = l->replay != NULL;
    enum err e = OK;

    if (!is_replay)
        cell_sums_reset(l->sums);
    if (count > 0)
        qsort(list, count, sizeof(*list), compare_changes);
    for (size_t i = 0; e == OK && i < count; i++) {
        const struct held_batch *b;
        struct bytes record;
        uint64_t number;

        if ((e = held_open(l, x->t, list[i].lsn, &b)) == OK &&
            (e = held_record(b, list[i].row, &record, &number)) == OK)
            e = ledger_contribute(l, l->eval, record, l->sums, list[i].sign);
        else if (e == ERR_ERASED && is_replay)
            e = OK; /* erased since: its act has what it contributed */
    }
    if (is_replay)
        return e;
    if (e == OK)
        e = cell_sums_store(l->sums, x->t);
    cell_sums_reset(l->sums);
    return e;
}

/* ---- quarantine ---- */

static enum err put_apart(struct applying *x, const char *word)
{
    const struct fact *taken = (const struct fact *)(const void *)x->d->taken.data;
    enum err e = OK;

    for (size_t i = 0; e == OK && i < x->d->taken.len / sizeof(*taken); i++) {
        struct quarantine_row q = {.lsn = taken[i].lsn, .row = taken[i].row, .why = {.reason = QUARANTINE_HELD}};
        uint8_t raw[PLACE_KEY_BYTES];

        memcpy(q.why.text, word, strnlen(word, RECEIPT_TEXT_MAX));
        e = quarantine_row_store(x->t, place_key(raw, taken[i].participant, &taken[i].ref.gen, taken[i].ref.number),
                                 &q);
        if (e == OK)
            e = tell(x, taken[i].participant, &taken[i].ref, STANDING_QUARANTINED, QUARANTINE_HELD);
    }
    return e;
}

/* ---- together ---- */

static bool is_of_group(const struct hub *h, const struct form *f, const char *group)
{
    if (group[0] == '\0')
        return true;
    for (size_t i = 0; i < h->programme_count; i++)
        for (size_t k = 0; k < due_rules_count(h->due[i]); k++) {
            const struct due_rule *r = due_rules_at(h->due[i], k);

            if (strcmp(r->form, f->id) == 0 && strcmp(r->group, group) == 0)
                return true;
        }
    return false;
}

static enum err note_closed(void *ctx, const struct closing *c)
{
    struct applying *x = ctx;

    for (uint32_t i = 0; c->is_closed && i < places_count(x->d->places); i++) {
        const struct place *at = places_at(x->d->places, i);

        if (strcmp(at->period, c->period) == 0 && is_of_group(x->d->ledger->hub, at->form, c->group))
            x->is_closed[i] = 1;
    }
    return OK;
}

static enum err order_facts(struct applying *x)
{
    struct fact *met = (struct fact *)(void *)x->d->met.data;
    size_t count = x->d->met.len / sizeof(*met);

    x->by_target = calloc(count + 1, sizeof(struct fact *));
    x->by_slot = calloc(count + 1, sizeof(struct fact *));
    x->is_closed = calloc((size_t)places_count(x->d->places) + 1, 1);
    if (x->by_target == NULL || x->by_slot == NULL || x->is_closed == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (met[i].has_target && met[i].participant == x->d->participant)
            x->by_target[x->target_count++] = &met[i];
        if (met[i].has_slot)
            x->by_slot[x->slot_count++] = &met[i];
    }
    if (x->target_count > 0)
        qsort(x->by_target, x->target_count, sizeof(struct fact *), compare_targets);
    if (x->slot_count > 0)
        qsort(x->by_slot, x->slot_count, sizeof(struct fact *), compare_in_slot);
    return x->out == NULL ? OK : closing_each(x->t, note_closed, x);
}

static int compare_told(const void *a, const void *b)
{
    const struct doubt_change *x = a;
    const struct doubt_change *y = b;

    return slot_compare(x->participant, &x->ref, y->participant, &y->ref);
}

static enum err give_told(struct applying *x)
{
    size_t count = x->told.len / sizeof(struct doubt_change);

    if ((x->out->changes = calloc(count + 1, sizeof(struct doubt_change))) == NULL)
        return ERR_NOMEM;
    x->out->change_count = count;
    if (count == 0)
        return OK;
    memcpy(x->out->changes, x->told.data, x->told.len);
    qsort(x->out->changes, count, sizeof(struct doubt_change), compare_told);
    return OK;
}

enum err doubt_apply(struct doubt *d, struct store_txn *t, const char *word, struct doubt_outcome *out)
{
    struct applying x = {.d = d, .t = t, .a = {.ledger = d->ledger, .t = t}, .out = out};
    enum err e;

    buf_init(&x.changes, DOUBT_LIST_MAX);
    buf_init(&x.told, DOUBT_LIST_MAX);
    if ((e = order_facts(&x)) == OK && (e = settle_dead(&x)) == OK && (e = settle_slots(&x)) == OK &&
        (e = settle_cells(&x)) == OK && (e = put_apart(&x, word)) == OK && out != NULL) {
        out->taken = d->taken.len / sizeof(struct fact);
        out->stayed = d->stayed;
        e = give_told(&x);
    }
    free(x.is_closed);
    free(x.by_slot);
    free(x.by_target);
    buf_fini(&x.told);
    buf_fini(&x.changes);
    return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}
