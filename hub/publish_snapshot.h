/* publish_snapshot.h: is what is evaluated now what was frozen when the period was closed? */
#ifndef SVODKA_HUB_PUBLISH_SNAPSHOT_H
#define SVODKA_HUB_PUBLISH_SNAPSHOT_H

#include "hub/evaluate.h"
#include "hub/snapshot.h"

/* An evaluation in which all lines of the programme in the period are what was frozen.  Units that came after the
 * closing, none of which has a line there, are left out of it if that is all that is new: *late (units.h) then names
 * them, else it is NULL; it must outlive the evaluation.  ERR_INVALID: something else came after the closing that
 * changes them; err_text() names the first. */
MUST_CHECK enum err snapshot_evaluation(struct evaluation **out, struct units **late, struct hub *h,
                                        struct store_txn *t, const struct programme *p, const struct period *period);

#endif
