#include "hub/ledger_quarantine.h"

#include "hub/ledger_internal.h"

#include <string.h>

static enum err read_row(struct quarantined *out, struct bytes key, struct bytes value)
{
    struct quarantine_row row;
    enum err e;

    if (key.len != PLACE_KEY_BYTES)
        return err_set(ERR_CORRUPT, "ledger: a key of the quarantine is damaged");
    if ((e = quarantine_row_get(&row, value)) != OK)
        return e;
    out->participant = be32_get(key.p);
    out->ref = record_ref_get(key.p + 4);
    out->lsn = row.lsn;
    out->row = row.row;
    out->why = row.why;
    return OK;
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
        if ((e = read_row(&q, key, value)) != OK || (e = each(ctx, &q)) != OK)
            break;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err ledger_quarantined_record(struct ledger *l, struct store_txn *t, const struct quarantined *q,
                                   struct bytes *record)
{
    const struct held_batch *b;
    uint64_t number;
    enum err e;

    if (q->why.reason == QUARANTINE_UNREADABLE)
        return ERR_NOT_FOUND;
    if ((e = held_open(l, t, q->lsn, &b)) != OK || (e = held_record(b, q->row, record, &number)) != OK)
        return e;
    return number == q->ref.number ? OK
                                   : err_set(ERR_CORRUPT, "ledger: entry %llu does not hold number %llu in row %u",
                                             (unsigned long long)q->lsn, (unsigned long long)q->ref.number, q->row);
}
