/* quarantine.h: the operator's word about what is kept apart, as it is given: one submission or all that fit, decided
 * in the journal (ledger_quarantine.h), told to the schools in words (words.h), written into the audit. */
#ifndef SVODKA_HUB_QUARANTINE_H
#define SVODKA_HUB_QUARANTINE_H

#include "hub/hub.h"
#include "hub/ledger_quarantine.h"

/* What a list is made of.  Zero and NULL: any. */
struct quarantine_filter {
    enum quarantine_reason reason;
    const char *form;        /* id; what cannot be read is of no form */
    const char *participant; /* id */
    bool waits;              /* those alone that wait for somebody's word */
};
/* Sorted by participant, batch and number.  `t` is any transaction. */
struct quarantine_list {
    struct quarantined *items;
    size_t count, cap;
};
MUST_CHECK enum err quarantine_find(struct hub *h, struct store_txn *t, const struct quarantine_filter *f,
                                    struct quarantine_list *out);
/* The one that a person named by its id, shortened or not.  ERR_MALFORMED; ERR_NOT_FOUND; ERR_INVALID: it fits several.
 */
MUST_CHECK enum err quarantine_named(struct hub *h, struct store_txn *t, const char *id, struct quarantined *out);
void quarantine_list_fini(struct quarantine_list *l);
/* Calls `each` for every submission of that form and period that waits, with the unit it is about; what cannot be read
 * is of no period.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err quarantine_each_waiting(struct hub *h, struct store_txn *t, const char *form, const char *period,
                                            enum err (*each)(void *ctx, const char *unit), void *ctx);

struct quarantine_outcome {
    uint64_t counted, superseded, stayed;
    struct released last; /* the last one that was looked at */
};
/* Items [from, from + n) of the list: all of one batch, so that the caller can commit batch by batch.  Returns n. */
size_t quarantine_run(const struct quarantine_list *l, size_t from);
/* Releases `count` of one batch; adds to *out.  `who`: for the audit. */
MUST_CHECK enum err quarantine_release(struct hub *h, struct store_txn *t, const char *who,
                                       const struct quarantined *items, size_t count, struct quarantine_outcome *out);
/* `word`: why, 1 to RECEIPT_TEXT_MAX bytes.  ERR_INVALID; ERR_EXISTS: it was rejected before. */
MUST_CHECK enum err quarantine_reject(struct hub *h, struct store_txn *t, const char *who, const struct quarantined *q,
                                      const char *word);

#endif
