#include "hub/ledger_arrivals.h"

#include "hub/ledger_internal.h"

#define DAY_MS INT64_C(86400000)

static enum err read_arrival(struct hub *h, struct store_txn *t, const struct batch_entry *b,
                             struct ledger_arrival *out)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct batch_row row;
    struct bytes value;
    struct receipt r;
    enum err e = store_get(t, H_BATCHES, place_key(raw, b->participant, &b->gen, b->sequence), &value);

    *out = (struct ledger_arrival){.participant = b->participant, .wall_ms = b->wall_ms, .bytes = b->length};
    if (e != OK || (e = batch_row_get(&row, value)) != OK ||
        (e = receipt_open(&r, row.receipt, hub_signer(h, row.receipt))) != OK)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    for (unsigned v = 0; v < VERDICT_COUNT; v++)
        out->submissions += r.verdicts[v];
    out->quarantined = r.verdicts[VERDICT_QUARANTINED];
    receipt_fini(&r);
    return OK;
}

enum err ledger_each_arrival(struct hub *h, struct store_txn *t, int64_t from_ms, int64_t to_ms,
                             enum err (*each)(void *ctx, const struct ledger_arrival *a), void *ctx)
{
    struct journal_head head;
    enum err e = journal_head(t, &head);

    for (uint64_t lsn = head.lsn; e == OK && lsn > 0; lsn--) {
        uint8_t previous[DIGEST_BYTES];
        struct ledger_arrival a;
        struct batch_entry b;
        enum journal_type type;
        struct bytes entry;
        int64_t wall_ms;
        size_t elements;
        struct mp m;

        if ((e = journal_get(t, lsn, &entry)) != OK ||
            (e = journal_read(entry, &m, &type, &wall_ms, previous, &elements)) != OK || wall_ms < from_ms - DAY_MS)
            break;
        if (type != JOURNAL_BATCH || wall_ms < from_ms || wall_ms >= to_ms)
            continue;
        if ((e = batch_entry_get(&b, lsn, entry)) == OK && (e = read_arrival(h, t, &b, &a)) == OK)
            e = each(ctx, &a);
    }
    return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}
