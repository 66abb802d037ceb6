/* units.h: which units the hub knows, and of which a form is expected.  A unit is known when a grant or the roster
 * names it or when something that counts is about it: a participant that may report about every unit (grant.h) names
 * none. */
#ifndef SVODKA_HUB_UNITS_H
#define SVODKA_HUB_UNITS_H

#include "hub/roster.h"

/* A set of ids, sorted. */
struct units;
MUST_CHECK enum err units_new(struct units **out); /* empty */
MUST_CHECK enum err units_put(struct units *u, const char *id);
void units_free(struct units *u); /* NULL does nothing */
size_t units_count(const struct units *u);
const char *units_at(const struct units *u, size_t i); /* as long as the set lives */
bool units_has(const struct units *u, const char *id);

/* All of them. */
MUST_CHECK enum err units_known(struct units **out, struct hub *h, struct store_txn *t);
/* Without the roster: what the roster is made of while nobody has entered it. */
MUST_CHECK enum err units_named(struct units **out, const struct hub *h, struct store_txn *t);
/* Of which the form is expected in a period (NULL: at any time): those that a participant of its role, unless it is
 * closed, may report about, and that the roster does not say to be gone.  Where it may report about every unit: those
 * that are active by the roster.  A form about the district is expected of that alone. */
MUST_CHECK enum err units_expected(struct units **out, const struct hub *h, const struct roster *r,
                                   const struct form *f, const struct period *p);

#endif
