/* soft_values.h: what the soft checks of a form's submissions are compared with (`compare` of the form), out of what
 * stands in the ledger; for proposals.h.  Nothing of it is stored. */
#ifndef SVODKA_HUB_SOFT_VALUES_H
#define SVODKA_HUB_SOFT_VALUES_H

#include "hub/hub.h"
#include "protocol/record.h"

#define SOFT_VALUES_MAX 2000000u /* numbers read at once */

/* Of all versions of one form, as `t` sees the ledger; used by one thread. */
struct soft_values;
/* Reads the ledger; `unit`, `period` (by id; NULL: all) as of the submissions that will be asked about.  *out is NULL
 * when no version compares anything.  ERR_LIMIT: more than SOFT_VALUES_MAX. */
MUST_CHECK enum err soft_values_read(struct soft_values **out, struct hub *h, struct store_txn *t, const char *form,
                                     const char *unit, const char *period);
void soft_values_free(struct soft_values *c); /* NULL does nothing */
/* f->compare_count values for the submission, a loan until the next call; what is not known, or was said by two
 * participants, is MISSING.  `c` NULL: *out is NULL. */
MUST_CHECK enum err soft_values_find(struct soft_values *c, const struct form *f, const struct record *r,
                                     const struct value **out);

#endif
