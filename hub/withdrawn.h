/* withdrawn.h: forms that no programme offers any more.  What was filled in before is still accepted, and counted as
 * far as anything counts it; nothing new is asked for.  People are told since when. */
#ifndef SVODKA_HUB_WITHDRAWN_H
#define SVODKA_HUB_WITHDRAWN_H

#include "hub/hub.h"

/* After a programme was stored and the directory issued, both in `t`; h->directory is still the one before. */
MUST_CHECK enum err withdrawn_note(const struct hub *h, struct store_txn *t);
/* When the form was withdrawn.  ERR_NOT_FOUND: it is offered, or nobody ever heard of it. */
MUST_CHECK enum err withdrawn_since(struct store_txn *t, const char *form_id, int64_t *wall_ms);

#endif
