#include "hub/ledger_internal.h"

#include <stdlib.h>

/* The last step of a batch (ledger_slots.c): cells follow what became current and what left its slot. */

static enum err contribute_row(struct apply *a, uint32_t row, int sign)
{
    return a->p->records[row].is_erased
               ? OK /* its act has what it contributed */
               : ledger_contribute(a->ledger, a->ledger->eval, prepared_row(a->p, row), a->ledger->sums, sign);
}

/* Intake has summed up all value records as if all of them counted: mostly they do, and then nothing is evaluated on
 * this thread.  The few (or, when most do not count, the others) are evaluated again. */
static enum err add_coming(struct apply *a)
{
    const struct prepared *p = a->p;
    bool from_sums = p->value_count - a->current <= a->current;
    enum err e = from_sums ? cell_sums_merge(a->ledger->sums, p->sums) : OK;

    if (from_sums && a->current == p->value_count)
        return e;
    for (uint32_t i = 0; e == OK && i < p->value_count; i++) {
        bool counts = (a->flags[p->by_slot[i]] & ROW_CURRENT) != 0;

        if (from_sums != counts)
            e = contribute_row(a, p->by_slot[i], from_sums ? -1 : 1);
    }
    return e;
}

static int compare_old_rows(const void *x, const void *y)
{
    const struct old_row *a = x;
    const struct old_row *b = y;

    if (a->lsn != b->lsn)
        return a->lsn < b->lsn ? -1 : 1;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return 0;
}

/* In the order of their batches, so that each is opened once. */
static enum err take_leaving(struct apply *a)
{
    struct old_row *rows = (struct old_row *)(void *)a->leaving.data;
    size_t count = a->leaving.len / sizeof(*rows);
    enum err e = OK;

    if (count > 0)
        qsort(rows, count, sizeof(*rows), compare_old_rows);
    for (size_t i = 0; e == OK && i < count; i++) {
        const struct held_batch *b;
        struct bytes record;
        uint64_t number;

        if ((e = held_open(a->ledger, a->t, rows[i].lsn, &b)) == OK &&
            (e = held_record(b, rows[i].row, &record, &number)) == OK)
            e = ledger_contribute(a->ledger, a->ledger->eval, record, a->ledger->sums, -1);
        else if (e == ERR_ERASED)
            e = OK; /* it contributed nothing when it came (a replay) */
    }
    return e;
}

/* A replay gathers what all batches of a transaction do; what left goes at once where its batch is at hand. */
static enum err settle_later(struct apply *a)
{
    const struct old_row *rows = (const struct old_row *)(const void *)a->leaving.data;
    size_t count = a->leaving.len / sizeof(*rows);
    enum err e = add_coming(a);

    for (size_t i = 0; e == OK && i < count; i++) {
        const struct held_batch *b = held_at_hand(a->ledger, rows[i].lsn);
        struct bytes record;
        uint64_t number;

        if (b == NULL)
            e = replay_leave(a->ledger->replay, rows[i].lsn, rows[i].row);
        else if ((e = held_record(b, rows[i].row, &record, &number)) == OK)
            e = ledger_contribute(a->ledger, a->ledger->eval, record, a->ledger->sums, -1);
        else if (e == ERR_ERASED)
            e = OK;
    }
    return e;
}

enum err apply_settle_cells(struct apply *a)
{
    enum err e;

    if (a->ledger->replay != NULL)
        return settle_later(a);
    cell_sums_reset(a->ledger->sums);
    if ((e = add_coming(a)) == OK && (e = take_leaving(a)) == OK)
        e = cell_sums_store(a->ledger->sums, a->t);
    cell_sums_reset(a->ledger->sums);
    return e;
}
