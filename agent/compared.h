/* compared.h: what the soft checks of a form are compared with (`compare` of the form), out of this computer's own
 * history: without a line, and as it stands here now. */
#ifndef SVODKA_AGENT_COMPARED_H
#define SVODKA_AGENT_COMPARED_H

#include "agent/earlier.h"

/* Of one form and period; used by one thread. */
struct compared;
/* `form` and `period` outlive it.  *out is NULL when the form compares nothing. */
MUST_CHECK enum err compared_new(struct compared **out, const struct agent *a, const struct form *form,
                                 const struct period *period);
void compared_free(struct compared *c); /* NULL does nothing */
/* form->compare_count values for the submission `values` about the unit, a loan until the next call; what is not known
 * is MISSING.  History is read once for each unit that follows another one. */
MUST_CHECK enum err compared_find(struct compared *c, const char *unit, const struct value *values,
                                  const struct value **out);

#endif
