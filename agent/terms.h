/* terms.h: how long the school's own copies are kept.  Invariant 2 comes first: nothing goes before the hub has
 * archived it and 30 days are over.  Then a copy goes when store.keep_days are over or, if that is earlier, when the
 * term of its form is; and drafts of forms that say `drafts: period` when their period is over.  Only the hub's signed
 * time counts.
 *
 * A summary stays: form, period, numbers, digest of the delivery, when. */
#ifndef SVODKA_AGENT_TERMS_H
#define SVODKA_AGENT_TERMS_H

#include "agent/queue.h"

#define TERMS_DAYS_MIN 30 /* after archived, whatever a form says */

/* Is the term of any form in the batch over?  `now`: the hub's time. */
MUST_CHECK enum err terms_are_over(const struct agent *a, struct store_txn *t, const struct batch_state *b, int64_t now,
                                   bool *are_over);
/* Before the batch and its records are destroyed. */
MUST_CHECK enum err terms_note(const struct agent *a, struct store_txn *t, const struct batch_state *b);
MUST_CHECK enum err terms_drop_drafts(const struct agent *a, struct store_txn *t, int64_t now, uint64_t *dropped);

struct sent_summary {
    struct record_ref first;
    uint64_t count;                                                            /* numbers from the first on */
    char form[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1]; /* form "": not held any more */
    uint64_t sequence;
    uint8_t batch[DIGEST_BYTES];
    int64_t receipt_ms;
};
/* Oldest first.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err terms_each_summary(const struct agent *a, enum err (*each)(void *ctx, const struct sent_summary *s),
                                       void *ctx);

#endif
