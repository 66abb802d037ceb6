/* earlier.h: what this school said of the same thing before, or in another form, as it stands on this computer now: for
 * whoever fills in a form, and for its soft checks.  Needs no line. */
#ifndef SVODKA_AGENT_EARLIER_H
#define SVODKA_AGENT_EARLIER_H

#include "agent/own_return.h"

/* The latest period of the same series before this one for which something was submitted here.  ERR_NOT_FOUND. */
MUST_CHECK enum err earlier_period(const struct agent *a, const char *form, const char *unit,
                                   const struct period *before, struct period *out);

/* All that stands of a form, a unit and a period.  Used by one thread. */
struct earlier;
MUST_CHECK enum err earlier_read(struct earlier **out, const struct agent *a, const struct form *form, const char *unit,
                                 const char *period);
void earlier_free(struct earlier *e); /* NULL does nothing */
/* The answers of the row with this key ("" where the form has none), in the version `of` that they were given to: loans
 * until the next call.  ERR_NOT_FOUND: there is none. */
MUST_CHECK enum err earlier_values(struct earlier *e, const char *key, const struct value **values,
                                   const struct form **of);

#endif
