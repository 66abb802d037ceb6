/* ledger_arrivals.h: what came in some stretch of time, whichever way: by line, in a file, on a stick. */
#ifndef SVODKA_HUB_LEDGER_ARRIVALS_H
#define SVODKA_HUB_LEDGER_ARRIVALS_H

#include "hub/ledger.h"

struct ledger_arrival {
    uint32_t participant;
    int64_t wall_ms; /* by the hub's clock */
    uint32_t bytes;  /* of the batch */
    uint64_t submissions, quarantined;
};
/* Batches that were received at or after `from_ms` and before `to_ms`, the newest first.  The journal is read from its
 * end backwards, to a day before `from_ms`: the hub's clock may have been put back by so much. */
MUST_CHECK enum err ledger_each_arrival(struct hub *h, struct store_txn *t, int64_t from_ms, int64_t to_ms,
                                        enum err (*each)(void *ctx, const struct ledger_arrival *a), void *ctx);

#endif
