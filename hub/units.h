/* units.h: which units the hub knows, and of which a form is expected.  A unit is known when a grant names it or when
 * something that counts is about it: a participant that may report about every unit (grant.h) names none. */
#ifndef SVODKA_HUB_UNITS_H
#define SVODKA_HUB_UNITS_H

#include "hub/hub.h"

/* A set of ids, sorted. */
struct units;
void units_free(struct units *u); /* NULL does nothing */
size_t units_count(const struct units *u);
const char *units_at(const struct units *u, size_t i); /* as long as the set lives */
bool units_has(const struct units *u, const char *id);

/* All of them. */
MUST_CHECK enum err units_known(struct units **out, const struct hub *h, struct store_txn *t);
/* Those that a participant of the form's role, unless it is closed, may report about; where it may report about every
 * unit, all that are known except the district itself.  A form about the district is expected of that alone. */
MUST_CHECK enum err units_expected(struct units **out, const struct hub *h, struct store_txn *t, const struct form *f);

#endif
