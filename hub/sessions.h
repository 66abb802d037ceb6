/* sessions.h: what schools said of their sessions of anonymous answers (SPEC.md section 3.2), added up for each
 * questionnaire, unit and period: how many sheets were handed out, and whether more will come.  How many came is what
 * the ledger counts. */
#ifndef SVODKA_HUB_SESSIONS_H
#define SVODKA_HUB_SESSIONS_H

#include "hub/hub.h"
#include "protocol/session_form.h"

struct session_sum {
    char form[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    uint32_t open, closed;
    uint32_t unsaid;   /* of these, sessions that did not say how many sheets were handed out */
    uint64_t expected; /* by the others */
};
struct session_sums {
    struct session_sum *items; /* sorted by form, unit, period */
    size_t count;
};
/* Of `unit` and `period` (ids; NULL: all).  What is withdrawn is left out.  session_sums_fini(), on failure too. */
MUST_CHECK enum err session_sums_read(struct hub *h, struct store_txn *t, const char *unit, const char *period,
                                      struct session_sums *out);
void session_sums_fini(struct session_sums *s);
/* NULL: no session was spoken of. */
const struct session_sum *session_sums_find(const struct session_sums *s, const char *form, const char *unit,
                                            const char *period);

#endif
