/* interview.h: a form filled in field by field on a terminal: what does not apply is not asked, what breaks a rule is
 * asked again at once, "<" goes back. */
#ifndef SVODKA_AGENT_INTERVIEW_H
#define SVODKA_AGENT_INTERVIEW_H

#include "agent/capture.h"

struct interview;
/* `values`: what is known already (MISSING elsewhere), all fields; copied.  The capture outlives the interview. */
MUST_CHECK enum err interview_new(struct interview **out, struct capture *c, const struct value *values);
void interview_free(struct interview *i); /* NULL does nothing */

/* Asks from field `from` on.  After each answer `saved` (may be NULL) gets the answers so far and the next field.
 * ERR_CANCELLED: Ctrl-C or Ctrl-D; ERR_USAGE: no terminal. */
MUST_CHECK enum err interview_run(struct interview *i, uint32_t from,
                                  enum err (*saved)(void *ctx, const struct value *values, uint32_t next), void *ctx);
/* The answers, as typed: capture_judge() comes after.  Valid until interview_free(). */
struct value *interview_values(struct interview *i);
/* What was remarked on unusual answers, in the order of fields; `out` has room for one a field. */
uint32_t interview_remarks(const struct interview *i, struct record_remark *out);

#endif
