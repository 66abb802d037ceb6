#include "hub/ledger.h"

#include "hub/ledger_internal.h"

/* By a cursor, never by counting up: sequences are the sender's, and may be as far apart as he likes. */
enum err ledger_each_receipt(struct store_txn *t, uint32_t participant, const struct generation *gen, uint64_t above,
                             unsigned most, enum err (*each)(void *ctx, uint64_t sequence, struct bytes receipt),
                             void *ctx)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t raw[PLACE_KEY_BYTES];
    unsigned count = 0;
    enum err e;

    if (above == UINT64_MAX)
        return OK;
    if ((e = store_cursor_open(t, H_BATCHES, &c)) != OK)
        return e;
    for (e = store_seek(c, place_key(raw, participant, gen, above + 1), &key, &value);
         e == OK && count < most && place_key_is_of(key, participant, gen); e = store_next(c, &key, &value)) {
        struct batch_row row;

        if ((e = batch_row_get(&row, value)) != OK || (e = each(ctx, place_key_number(key), row.receipt)) != OK)
            break;
        count++;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}
