/* draft.h: answers that somebody began to type: kept locked in the home until they are submitted or thrown away.  One
 * draft for a form, a unit and a period. */
#ifndef SVODKA_AGENT_DRAFT_H
#define SVODKA_AGENT_DRAFT_H

#include "agent/capture.h"

/* `at`: the field that comes next. */
MUST_CHECK enum err draft_put(struct agent *a, const struct capture *c, const struct value *values, uint32_t at);
/* Texts live in `keep` (see value_parse()).  What the form no longer takes (its version changed) comes as MISSING, and
 * *is_whole is false.  ERR_NOT_FOUND. */
MUST_CHECK enum err draft_get(const struct agent *a, const struct capture *c, struct value *values, struct buf *keep,
                              uint32_t *at, int64_t *saved_ms, bool *is_whole);
MUST_CHECK enum err draft_delete(struct agent *a, const struct capture *c); /* also when there is none */
/* Each draft, in the order of forms; the names are loans until `each` returns. */
MUST_CHECK enum err draft_each(const struct agent *a,
                               enum err (*each)(void *ctx, const char *form, const char *unit, const char *period,
                                                int64_t saved_ms),
                               void *ctx);
MUST_CHECK enum err draft_count(const struct agent *a, uint64_t *count);

#endif
