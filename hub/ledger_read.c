#include "hub/ledger.h"

#include "hub/ledger_internal.h"
#include "hub/ledger_quarantine.h"

#include <stdlib.h>
#include <string.h>

/* At most so many rows of one form, unit and period are put in the order they were entered in; more come in runs. */
#define RUN_MAX (1u << 18)
/* A rebuild empties its sums into the store when it has gathered so many cells. */
#define REBUILD_CELLS (1u << 16)

/* ---- current submissions ---- */

struct walk {
    struct ledger *ledger;
    struct store_txn *t;
    enum err (*each)(void *ctx, const struct submission *s);
    void *ctx;
    struct slot_current *run;
    size_t count, cap;
};

static int compare_rows(const void *a, const void *b)
{
    const struct slot_current *x = a;
    const struct slot_current *y = b;

    if (x->lsn != y->lsn)
        return x->lsn < y->lsn ? -1 : 1;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return 0;
}

static enum err deliver(struct walk *w)
{
    enum err e = OK;

    if (w->count > 0)
        qsort(w->run, w->count, sizeof(*w->run), compare_rows);
    for (size_t i = 0; e == OK && i < w->count; i++) {
        const struct slot_current *at = &w->run[i];
        struct submission s = {at->participant, at->ref, at->lsn, at->row, {NULL, 0}};
        const struct held_batch *b;
        uint64_t number;

        if ((e = held_open(w->ledger, w->t, at->lsn, &b)) == OK &&
            (e = held_record(b, at->row, &s.record, &number)) == OK)
            e = w->each(w->ctx, &s);
    }
    w->count = 0;
    return e;
}

static enum err collect(struct walk *w, const uint8_t *slot)
{
    struct bytes value;
    enum err e;

    if (w->count == RUN_MAX && (e = deliver(w)) != OK)
        return e;
    if (w->count == w->cap) {
        size_t cap = w->cap == 0 ? 1024 : w->cap * 2;
        struct slot_current *grown = realloc(w->run, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        w->run = grown;
        w->cap = cap;
    }
    e = store_get(w->t, H_CURRENT, bytes_of(slot, SLOT_BYTES), &value);
    if (e == ERR_NOT_FOUND)
        return err_set(ERR_CORRUPT, "ledger: a slot is listed, but nothing stands in it");
    if (e != OK || (e = slot_current_get(&w->run[w->count], value)) != OK)
        return e;
    w->count++;
    return OK;
}

/* What all wanted keys begin with: the form, and the unit and the period as far as they are given without a hole. */
static size_t common_prefix(uint8_t out[SLOT_LIST_KEY_MAX], const char *form_id, const char *unit, const char *period)
{
    static const uint8_t none[SLOT_BYTES];

    if (form_id == NULL)
        return 0;
    if (unit == NULL)
        return slot_list_key(out, form_id, "", "", none) - SLOT_BYTES - 2;
    if (period == NULL)
        return slot_list_key(out, form_id, unit, "", none) - SLOT_BYTES - 1;
    return slot_list_key(out, form_id, unit, period, none) - SLOT_BYTES;
}

static bool is_wanted(const struct slot_list_entry *at, const char *form_id, const char *unit, const char *period)
{
    return (form_id == NULL || strcmp(at->form_id, form_id) == 0) && (unit == NULL || strcmp(at->unit, unit) == 0) &&
           (period == NULL || strcmp(at->period, period) == 0);
}

static enum err walk_slots(struct walk *w, struct store_cursor *c, const char *form_id, const char *unit,
                           const char *period)
{
    uint8_t prefix[SLOT_LIST_KEY_MAX];
    uint8_t group[SLOT_LIST_KEY_MAX];
    size_t prefix_len = common_prefix(prefix, form_id, unit, period);
    size_t group_len = 0;
    struct slot_list_entry at;
    struct bytes key;
    struct bytes value;
    enum err e;

    for (e = store_seek(c, bytes_of(prefix, prefix_len), &key, &value);
         e == OK && key.len >= prefix_len && memcmp(key.p, prefix, prefix_len) == 0; e = store_next(c, &key, &value)) {
        if ((e = slot_list_read(&at, key)) != OK)
            return e;
        if (!is_wanted(&at, form_id, unit, period))
            continue;
        if (at.group_len != group_len || memcmp(key.p, group, group_len) != 0) {
            if ((e = deliver(w)) != OK)
                return e;
            group_len = at.group_len;
            memcpy(group, key.p, group_len);
        }
        if ((e = collect(w, at.slot)) != OK)
            return e;
    }
    return e == OK || e == ERR_NOT_FOUND ? deliver(w) : e;
}

enum err ledger_each_current(struct ledger *l, struct store_txn *t, const char *form_id, const char *unit,
                             const char *period, enum err (*each)(void *ctx, const struct submission *s), void *ctx)
{
    struct walk w = {l, t, each, ctx, NULL, 0, 0};
    struct store_cursor *c;
    enum err e;

    if (strlen(form_id == NULL ? "" : form_id) > FORM_NAME_MAX || strlen(unit == NULL ? "" : unit) > ID_MAX ||
        strlen(period == NULL ? "" : period) > PERIOD_ID_MAX)
        return OK; /* no such name can have been stored */
    if ((e = store_cursor_open(t, H_SLOTS, &c)) != OK)
        return e;
    e = walk_slots(&w, c, form_id, unit, period);
    store_cursor_close(c);
    free(w.run);
    return e;
}

enum err ledger_find(struct ledger *l, struct store_txn *t, uint32_t participant, const struct record_ref *ref,
                     struct submission *out)
{
    const struct held_batch *b;
    uint64_t number;
    uint64_t lsn;
    uint32_t row;
    enum err e;

    if ((e = range_find(t, participant, ref, &lsn)) != OK || (e = held_open(l, t, lsn, &b)) != OK)
        return e;
    if (plain_find_row(b->plain, ref->number, &row) != OK)
        return err_set(ERR_CORRUPT, "ledger: entry %llu does not hold number %llu", (unsigned long long)lsn,
                       (unsigned long long)ref->number);
    *out = (struct submission){participant, *ref, lsn, row, {NULL, 0}};
    return held_record(b, row, &out->record, &number);
}

/* ---- two histories ---- */

static enum err add_items(struct ledger *l, struct store_txn *t, struct reconcile *out, uint64_t first, uint64_t last,
                          uint64_t lsn)
{
    const struct held_batch *b;
    uint32_t row = 0;
    enum err e;

    if ((e = held_open(l, t, lsn, &b)) != OK)
        return e;
    if (plain_find_row(b->plain, first, &row) != OK)
        return err_set(ERR_CORRUPT, "ledger: entry %llu does not hold number %llu", (unsigned long long)lsn,
                       (unsigned long long)first);
    for (uint64_t n = first;; n++, row++) {
        struct reconcile_item *item = &out->items[out->count];
        struct bytes record;

        if ((e = held_record(b, row, &record, &item->number)) != OK)
            return e;
        record_digest(item->digest, record);
        if (++out->count == RECONCILE_MAX || n == last)
            return OK;
    }
}

/* Greatest key of the generation in a table, and its value; 0: none. */
static enum err held_last(struct store_txn *t, unsigned table, uint32_t participant, const struct generation *gen,
                          uint64_t *last, struct bytes *value)
{
    struct store_cursor *c;
    struct bytes key;
    uint8_t raw[PLACE_KEY_BYTES];
    enum err e = store_cursor_open(t, table, &c);

    if (e != OK)
        return e;
    *last = 0;
    e = store_seek_before(c, place_key(raw, participant, gen, UINT64_MAX), &key, value);
    if (e == OK && place_key_is_of(key, participant, gen))
        *last = place_key_number(key);
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err fill_reconcile(struct ledger *l, struct store_txn *t, uint32_t participant,
                               const struct generation *gen, uint64_t from, struct reconcile *out)
{
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    uint8_t raw[PLACE_KEY_BYTES];
    enum err e = store_cursor_open(t, H_RANGES, &c);

    if (e != OK)
        return e;
    e = store_seek_before(c, place_key(raw, participant, gen, from), &key, &value);
    if (e == ERR_NOT_FOUND || (e == OK && !place_key_is_of(key, participant, gen)))
        e = store_next(c, &key, &value);
    for (; e == OK && place_key_is_of(key, participant, gen) && out->count < RECONCILE_MAX;
         e = store_next(c, &key, &value)) {
        uint64_t first = place_key_number(key);
        uint64_t last;
        uint64_t lsn;

        if ((e = range_get(value, &last, &lsn)) == OK && last >= from)
            e = add_items(l, t, out, first < from ? from : first, last, lsn);
        if (e != OK)
            break;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err ledger_reconcile(struct ledger *l, struct store_txn *t, uint32_t participant, const struct generation *gen,
                          uint64_t from, struct reconcile *out)
{
    const struct participant *who = registry_by_index(l->hub->registry, participant);
    struct reconcile r = {.gen = *gen};
    struct bytes value = {NULL, 0};
    uint64_t lsn;
    uint32_t counter;
    enum err e;

    if (who == NULL)
        return err_set(ERR_NOT_FOUND, "no participant has the index %u", participant);
    memcpy(r.district, l->hub->district, sizeof(r.district));
    memcpy(r.participant, who->id, sizeof(r.participant));
    r.first = from == 0 ? 1 : from;
    if ((r.items = calloc(RECONCILE_MAX, sizeof(*r.items))) == NULL)
        return ERR_NOMEM;
    if ((e = held_last(t, H_RANGES, participant, gen, &r.held_last_number, &value)) != OK)
        goto fini;
    if (r.held_last_number != 0 && (e = range_get(value, &r.held_last_number, &lsn)) != OK)
        goto fini;
    if ((e = held_last(t, H_BATCHES, participant, gen, &r.held_last_sequence, &value)) != OK ||
        (e = generation_is_closed(t, participant, gen, &r.is_closed)) != OK ||
        (e = ledger_max_counter(t, participant, &counter)) != OK ||
        (e = fill_reconcile(l, t, participant, gen, r.first, &r)) != OK)
        goto fini;
    r.next_counter = (counter > gen->counter ? counter : gen->counter) + 1;
    r.last = r.count == RECONCILE_MAX ? r.items[r.count - 1].number : r.held_last_number;
    if (r.last < r.first)
        r.last = r.first;
    *out = r;
    return OK;
fini:
    reconcile_fini(&r);
    return e;
}

/* ---- cells anew ---- */

struct rebuild {
    struct ledger *ledger;
    struct store_txn *t;
};

static enum err add_current(void *ctx, const struct submission *s)
{
    struct rebuild *r = ctx;
    struct cell_sums *sums = r->ledger->sums;
    enum err e = ledger_contribute(r->ledger, r->ledger->eval, s->record, sums, 1);

    if (e != OK || cell_sums_count(sums) < REBUILD_CELLS)
        return e;
    e = cell_sums_store(sums, r->t);
    cell_sums_reset(sums);
    return e;
}

enum err ledger_rebuild_cells(struct ledger *l, struct store_txn *t)
{
    struct rebuild r = {l, t};
    enum err e;

    if ((e = ledger_eval(l)) != OK || (e = store_clear(t, H_CELLS)) != OK)
        return e;
    cell_sums_reset(l->sums);
    if ((e = ledger_each_current(l, t, NULL, NULL, NULL, add_current, &r)) == OK)
        e = cell_sums_store(l->sums, t);
    cell_sums_reset(l->sums);
    return e;
}

/* ---- totals ---- */

static enum err count_waiting(void *ctx, const struct quarantined *q)
{
    *(uint64_t *)ctx += quarantined_waits(q);
    return OK;
}

enum err ledger_totals(struct store_txn *t, struct ledger_totals *out)
{
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    uint64_t last;
    uint64_t lsn;
    enum err e = store_cursor_open(t, H_RANGES, &c);

    if (e != OK)
        return e;
    *out = (struct ledger_totals){.entries = store_count(t, H_JOURNAL),
                                  .batches = store_count(t, H_BATCHES),
                                  .counted = store_count(t, H_SLOTS),
                                  .cells = store_count(t, H_CELLS)};
    for (e = store_seek(c, bytes_of(NULL, 0), &key, &value); e == OK; e = store_next(c, &key, &value))
        if (key.len == PLACE_KEY_BYTES && range_get(value, &last, &lsn) == OK)
            out->records += last - place_key_number(key) + 1;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? ledger_each_quarantined(t, count_waiting, &out->quarantined) : e;
}
