/* ledger_quarantine.h: what was received and could not be counted, for the operator's eyes. */
#ifndef SVODKA_HUB_LEDGER_QUARANTINE_H
#define SVODKA_HUB_LEDGER_QUARANTINE_H

#include "hub/ledger.h"

struct quarantined {
    uint32_t participant; /* index */
    struct record_ref ref;
    uint64_t lsn; /* of the batch's entry */
    uint32_t row;
    struct refusal why; /* beyond the reason it may be empty */
};
/* In the order of participants, generations and numbers.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err ledger_each_quarantined(struct store_txn *t,
                                            enum err (*each)(void *ctx, const struct quarantined *q), void *ctx);
/* The plain canonical bytes, a loan until the next ledger call of this thread.  ERR_NOT_FOUND: the batch could not be
 * opened, there is nothing to show. */
MUST_CHECK enum err ledger_quarantined_record(struct ledger *l, struct store_txn *t, const struct quarantined *q,
                                              struct bytes *record);

#endif
