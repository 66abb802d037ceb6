/* interview.h: a form filled in field by field on a terminal: what does not apply is not asked, what breaks a rule is
 * asked again at once, "<" goes back, what was answered last time is shown and taken by "=" alone. */
#ifndef SVODKA_AGENT_INTERVIEW_H
#define SVODKA_AGENT_INTERVIEW_H

#include "agent/capture.h"
#include "agent/earlier.h"

struct interview;
/* `values`: what is known already (MISSING elsewhere), all fields; copied.  The capture outlives the interview. */
MUST_CHECK enum err interview_new(struct interview **out, struct capture *c, const struct value *values);
void interview_free(struct interview *i); /* NULL does nothing */

/* Shows beside each question what was answered in the latest earlier period of the same series, if anything was.  Not
 * for anonymous answers. */
MUST_CHECK enum err interview_compare(struct interview *i, const struct agent *a);

/* Asks from field `from` on.  After each answer `saved` (may be NULL) gets the answers so far and the next field.
 * ERR_CANCELLED: Ctrl-C or Ctrl-D; ERR_USAGE: no terminal. */
MUST_CHECK enum err interview_run(struct interview *i, uint32_t from,
                                  enum err (*saved)(void *ctx, const struct value *values, uint32_t next), void *ctx);
/* The answers, as typed: capture_judge() comes after.  Valid until interview_free(). */
struct value *interview_values(struct interview *i);
/* All questions that apply with their answers, beside those of last time, to standard error; `values`: completed. */
MUST_CHECK enum err interview_summary(struct interview *i, const struct value *values);
/* What was remarked on unusual answers, in the order of fields; `out` has room for one a field. */
uint32_t interview_remarks(const struct interview *i, struct record_remark *out);

#endif
