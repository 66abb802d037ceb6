/* publish_snapshot.h: is what is evaluated now what was frozen when the period was closed? */
#ifndef SVODKA_HUB_PUBLISH_SNAPSHOT_H
#define SVODKA_HUB_PUBLISH_SNAPSHOT_H

#include "hub/evaluate.h"
#include "hub/snapshot.h"

/* All lines of the programme in the period.  ERR_INVALID: something came after the closing that changes them;
 * err_text() names the first. */
MUST_CHECK enum err snapshot_is_living(struct hub *h, struct store_txn *t, struct evaluation *e,
                                       const struct programme *p, const struct period *period);

#endif
