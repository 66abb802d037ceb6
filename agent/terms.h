/* terms.h: how long the school's own copies are kept.  Invariant 2 comes first: nothing goes before the hub has
 * archived it and 30 days are over.  Then a copy goes when store.keep_days are over or, if that is earlier, when the
 * term of its form is; and drafts of forms that say `drafts: period` when their period is over.  Only the hub's signed
 * time counts.
 *
 * A summary of each submission and the receipts stay (queue_past.c). */
#ifndef SVODKA_AGENT_TERMS_H
#define SVODKA_AGENT_TERMS_H

#include "agent/queue.h"

#define TERMS_DAYS_MIN 30 /* after archived, whatever a form says */

/* Is the form's term over for what was received on that day?  Days since 1970. */
bool terms_form_is_over(const struct form *f, int32_t received, int32_t today);

/* Is the term of any form in the batch over?  `now`: the hub's time. */
MUST_CHECK enum err terms_are_over(const struct agent *a, struct store_txn *t, const struct batch_state *b, int64_t now,
                                   bool *are_over);
MUST_CHECK enum err terms_drop_drafts(const struct agent *a, struct store_txn *t, int64_t now, uint64_t *dropped);

#endif
