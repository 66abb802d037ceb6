#include "hub/ledger_doubt_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define CODE_TAKEN 1u

/* ---- the batches ---- */

static int compare_batches(const void *a, const void *b)
{
    const struct doubted *x = a;
    const struct doubted *y = b;

    return x->lsn < y->lsn ? -1 : x->lsn > y->lsn;
}

static struct doubted *batch_of(const struct doubt *d, uint64_t lsn)
{
    const struct doubted wanted = {.lsn = lsn};

    return bsearch(&wanted, d->batches, d->count, sizeof(*d->batches), compare_batches);
}

bool fact_is_taken(const struct doubt *d, const struct fact *f)
{
    const struct doubted *b = f->participant == d->participant ? batch_of(d, f->lsn) : NULL;

    return b != NULL && f->row < b->count && b->codes[f->row] == CODE_TAKEN;
}

enum err doubt_set_batches(struct doubt *d, struct store_txn *t)
{
    for (size_t i = 0; i < d->count; i++) {
        struct doubted *b = &d->batches[i];
        const struct held_batch *held;
        uint8_t raw[PLACE_KEY_BYTES];
        struct batch_row row;
        struct bytes value;
        enum err e = store_get(t, H_BATCHES, place_key(raw, d->participant, &b->gen, b->sequence), &value);

        if (e != OK || (e = batch_row_get(&row, value)) != OK)
            return e;
        b->lsn = row.lsn;
        if ((e = fact_rows(d, t, b->lsn, &held, &b->count)) != OK)
            return e;
        free(b->codes);
        if ((b->codes = calloc((size_t)b->count + 1, 1)) == NULL)
            return ERR_NOMEM;
    }
    qsort(d->batches, d->count, sizeof(*d->batches), compare_batches);
    return OK;
}

static enum err take_row(struct doubt *d, struct store_txn *t, struct doubted *b, const struct fact *f, bool are_chosen)
{
    enum fact_standing stands;
    struct quarantine_row q;
    enum err e = fact_stands(t, f, &stands, &q);

    if (e != OK)
        return e;
    if (are_chosen && b->codes[f->row] != CODE_TAKEN)
        return OK;
    if (stands != FACT_ACCEPTED)
        return are_chosen ? err_set(ERR_MALFORMED, "ledger: an entry takes out what is not counted") : OK;
    if (!are_chosen && f->is_erased) {
        d->stayed++;
        return OK;
    }
    b->codes[f->row] = CODE_TAKEN;
    buf_put(&d->taken, f, sizeof(*f));
    return buf_status(&d->taken);
}

static enum err take_all(struct doubt *d, struct store_txn *t, bool are_chosen)
{
    enum err e = OK;

    for (size_t i = 0; e == OK && i < d->count; i++) {
        const struct held_batch *held;
        uint32_t count;

        e = fact_rows(d, t, d->batches[i].lsn, &held, &count);
        for (uint32_t row = 0; e == OK && row < count; row++) {
            struct fact f;

            if ((e = fact_read(d, held, row, &f)) == OK)
                e = take_row(d, t, &d->batches[i], &f, are_chosen);
        }
    }
    return e;
}

/* ---- what they name ---- */

static int compare_named(const void *a, const void *b)
{
    return record_ref_compare(&((const struct named *)a)->ref, &((const struct named *)b)->ref);
}

static struct named *named_list(const struct doubt *d, size_t *count)
{
    *count = d->named.len / sizeof(struct named);
    return (struct named *)(void *)d->named.data;
}

static struct named *find_named(const struct doubt *d, size_t count, const struct record_ref *ref)
{
    size_t all;
    struct named *list = named_list(d, &all);
    struct named wanted = {.ref = *ref};

    return count == 0 ? NULL : bsearch(&wanted, list, count, sizeof(*list), compare_named);
}

struct named *doubt_named(const struct doubt *d, const struct record_ref *ref)
{
    return find_named(d, d->named.len / sizeof(struct named), ref);
}

static void sort_named(struct doubt *d)
{
    size_t count;
    struct named *list = named_list(d, &count);
    size_t kept = 0;

    if (count > 0)
        qsort(list, count, sizeof(*list), compare_named);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || record_ref_compare(&list[kept - 1].ref, &list[i].ref) != 0)
            list[kept++] = list[i];
    d->named.len = kept * sizeof(*list);
}

static enum err add_named(struct doubt *d, const struct record_ref *ref)
{
    struct named n;

    memset(&n, 0, sizeof(n));
    n.ref = *ref;
    buf_put(&d->named, &n, sizeof(n));
    return buf_status(&d->named);
}

static enum err resolve(struct doubt *d, struct store_txn *t, struct named *n)
{
    enum fact_standing stands;
    const struct held_batch *b;
    struct quarantine_row q;
    uint64_t lsn;
    uint32_t row;
    enum err e = range_find(t, d->participant, &n->ref, &lsn);

    if (e == ERR_NOT_FOUND)
        return OK; /* it has not come yet */
    if (e != OK || (e = held_open(d->ledger, t, lsn, &b)) != OK)
        return e;
    if (held_find_row(b, n->ref.number, &row) != OK)
        return err_set(ERR_CORRUPT, "ledger: entry %llu does not hold number %llu", (unsigned long long)lsn,
                       (unsigned long long)n->ref.number);
    if ((e = fact_read(d, b, row, &n->fact)) != OK || (e = fact_stands(t, &n->fact, &stands, &q)) != OK)
        return e;
    n->is_here = true;
    n->waits = stands == FACT_WAITS;
    n->reason = n->waits ? q.why.reason : (enum quarantine_reason)0;
    n->has_next = n->waits && n->reason != QUARANTINE_TARGET && n->fact.has_target;
    return OK;
}

/* The chain only goes back, so this ends. */
static enum err find_all_named(struct doubt *d, struct store_txn *t)
{
    const struct fact *taken = (const struct fact *)(const void *)d->taken.data;
    size_t known = 0;
    size_t count;
    enum err e = OK;

    for (size_t i = 0; e == OK && i < d->taken.len / sizeof(*taken); i++)
        if (taken[i].has_target)
            e = add_named(d, &taken[i].target);
    sort_named(d);
    while (e == OK && d->named.len / sizeof(struct named) != known) {
        struct named *list = named_list(d, &count);

        known = count;
        for (size_t i = 0; e == OK && i < count; i++)
            if (!list[i].is_here)
                e = resolve(d, t, &list[i]);
        for (size_t i = 0; e == OK && i < count; i++) {
            struct record_ref next;

            list = named_list(d, &count); /* adding may have moved it, and what is added stands behind `known` */
            count = known;
            next = list[i].fact.target;
            if (list[i].has_next && find_named(d, known, &next) == NULL)
                e = add_named(d, &next);
        }
        sort_named(d);
    }
    return e;
}

/* ---- slots ---- */

static int compare_slots(const void *a, const void *b)
{
    return memcmp(a, b, SLOT_BYTES);
}

static enum err find_slots(struct doubt *d)
{
    const struct fact *taken = (const struct fact *)(const void *)d->taken.data;
    size_t named_count;
    const struct named *named = named_list(d, &named_count);
    size_t count, kept = 0;

    for (size_t i = 0; i < d->taken.len / sizeof(*taken); i++)
        if (taken[i].has_slot)
            buf_put(&d->slots, taken[i].slot, SLOT_BYTES);
    for (size_t i = 0; i < named_count; i++)
        if (named[i].is_here && named[i].fact.has_slot)
            buf_put(&d->slots, named[i].fact.slot, SLOT_BYTES);
    if (buf_status(&d->slots) != OK)
        return buf_status(&d->slots);
    count = d->slots.len / SLOT_BYTES;
    if (count > 0)
        qsort(d->slots.data, count, SLOT_BYTES, compare_slots);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 ||
            memcmp(d->slots.data + (kept - 1) * SLOT_BYTES, d->slots.data + i * SLOT_BYTES, SLOT_BYTES) != 0)
            memmove(d->slots.data + kept++ * SLOT_BYTES, d->slots.data + i * SLOT_BYTES, SLOT_BYTES);
    d->slots.len = kept * SLOT_BYTES;
    return OK;
}

/* ---- whatever meets them ---- */

static bool meets(const struct doubt *d, const struct fact *f)
{
    size_t slots = d->slots.len / SLOT_BYTES;

    if (f->has_target && f->participant == d->participant && doubt_named(d, &f->target) != NULL)
        return true;
    return f->has_slot && slots > 0 && bsearch(f->slot, d->slots.data, slots, SLOT_BYTES, compare_slots) != NULL;
}

static enum err meet_batch(struct doubt *d, struct store_txn *t, uint64_t lsn)
{
    const struct held_batch *b;
    uint32_t count;
    enum err e = fact_rows(d, t, lsn, &b, &count);

    for (uint32_t row = 0; e == OK && row < count; row++) {
        struct fact f;

        if ((e = fact_read(d, b, row, &f)) == OK && meets(d, &f)) {
            buf_put(&d->met, &f, sizeof(f));
            e = buf_status(&d->met);
        }
    }
    return e;
}

/* Has nothing happened since that changes what was gathered, but more batches? */
static enum err may_go_on(struct doubt *d, struct store_txn *t, uint64_t head, bool *may)
{
    uint8_t previous[DIGEST_BYTES];
    enum journal_type type;
    struct bytes entry;
    int64_t wall_ms;
    size_t elements;
    struct mp m;

    *may = d->looked_lsn != 0 && d->looked_serial == d->ledger->hub->definitions_serial &&
           d->looked.len == d->slots.len + d->named.len / sizeof(struct named) * RECORD_REF_BYTES;
    if (*may) {
        size_t count;
        const struct named *named = named_list(d, &count);
        const uint8_t *at = d->looked.data + d->slots.len;

        *may = d->slots.len == 0 || memcmp(d->looked.data, d->slots.data, d->slots.len) == 0;
        for (size_t i = 0; *may && i < count; i++, at += RECORD_REF_BYTES) {
            struct record_ref was = record_ref_get(at);

            *may = record_ref_compare(&was, &named[i].ref) == 0;
        }
    }
    for (uint64_t lsn = d->looked_lsn + 1; *may && lsn <= head; lsn++) {
        enum err e = journal_get(t, lsn, &entry);

        if (e != OK || (e = journal_read(entry, &m, &type, &wall_ms, previous, &elements)) != OK)
            return e;
        *may = type != JOURNAL_ERASE;
    }
    return OK;
}

static enum err note_looked(struct doubt *d, uint64_t head)
{
    size_t count;
    const struct named *named = named_list(d, &count);

    d->looked_lsn = head;
    d->looked_serial = d->ledger->hub->definitions_serial;
    buf_reset(&d->looked);
    buf_put(&d->looked, d->slots.data, d->slots.len);
    for (size_t i = 0; i < count; i++) {
        uint8_t raw[RECORD_REF_BYTES];

        record_ref_put(raw, &named[i].ref);
        buf_put(&d->looked, raw, sizeof(raw));
    }
    return buf_status(&d->looked);
}

static enum err gather(struct doubt *d, struct store_txn *t)
{
    struct journal_head head;
    uint64_t from = 1;
    bool may;
    enum err e = journal_head(t, &head);

    if (e != OK || (e = may_go_on(d, t, head.lsn, &may)) != OK)
        return e;
    if (may)
        from = d->looked_lsn + 1;
    else
        buf_reset(&d->met);
    if (d->slots.len == 0 && d->named.len == 0)
        from = head.lsn + 1;
    for (uint64_t lsn = from; e == OK && lsn <= head.lsn; lsn++) {
        e = meet_batch(d, t, lsn);
        if (d->ledger->replay == NULL)
            cli_progress(_("Looking through the journal"), lsn, head.lsn);
    }
    if (d->ledger->replay == NULL)
        cli_progress_end();
    return e == OK ? note_looked(d, head.lsn) : e;
}

/* ---- what is erased gives nothing back ---- */

static bool is_erased_slot(const struct doubt *d, const struct fact *f)
{
    size_t count = d->erased.len / SLOT_BYTES;

    return f->has_slot && count > 0 && bsearch(f->slot, d->erased.data, count, SLOT_BYTES, compare_slots) != NULL;
}

static enum err find_erased(struct doubt *d)
{
    const struct fact *met = (const struct fact *)(const void *)d->met.data;
    size_t count;
    struct named *named = named_list(d, &count);

    buf_reset(&d->erased);
    for (size_t i = 0; i < d->met.len / sizeof(*met); i++)
        if (met[i].is_erased && met[i].has_slot)
            buf_put(&d->erased, met[i].slot, SLOT_BYTES);
    if (buf_status(&d->erased) != OK)
        return buf_status(&d->erased);
    if (d->erased.len > 0)
        qsort(d->erased.data, d->erased.len / SLOT_BYTES, SLOT_BYTES, compare_slots);
    for (size_t i = 0; i < count; i++) { /* what a named one names stands before it */
        struct named *next = named[i].has_next ? doubt_named(d, &named[i].fact.target) : NULL;

        named[i].is_stuck = (named[i].is_here && is_erased_slot(d, &named[i].fact)) || (next != NULL && next->is_stuck);
    }
    return OK;
}

static enum err leave_erased(struct doubt *d)
{
    struct fact *taken = (struct fact *)(void *)d->taken.data;
    size_t kept = 0;
    enum err e = find_erased(d);

    for (size_t i = 0; e == OK && i < d->taken.len / sizeof(*taken); i++) {
        const struct named *target = taken[i].has_target ? doubt_named(d, &taken[i].target) : NULL;

        if (is_erased_slot(d, &taken[i]) || (target != NULL && target->is_stuck)) {
            batch_of(d, taken[i].lsn)->codes[taken[i].row] = 0;
            d->stayed++;
        } else
            taken[kept++] = taken[i];
    }
    d->taken.len = kept * sizeof(*taken);
    return e;
}

enum err doubt_find(struct doubt *d, struct store_txn *t, bool are_chosen)
{
    enum err e = ledger_eval(d->ledger);

    if (e != OK)
        return e;
    if (d->looked_serial != d->ledger->hub->definitions_serial) {
        places_reset(d->places); /* its forms may be gone */
        d->looked_lsn = 0;
    }
    d->stayed = 0;
    buf_reset(&d->taken);
    buf_reset(&d->named);
    buf_reset(&d->slots);
    if (!are_chosen && (e = doubt_set_batches(d, t)) != OK)
        return e;
    if ((e = take_all(d, t, are_chosen)) != OK || (e = find_all_named(d, t)) != OK || (e = find_slots(d)) != OK ||
        (e = gather(d, t)) != OK)
        return e;
    return are_chosen ? OK : leave_erased(d);
}
