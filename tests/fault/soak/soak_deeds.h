/* soak_deeds.h: a deed in two halves, so that the second can happen in a process that dies in the middle of it. */
#ifndef SVODKA_TESTS_SOAK_DEEDS_H
#define SVODKA_TESTS_SOAK_DEEDS_H

#include "tests/fault/soak/soak.h"

enum plan_kind { PLAN_ENTER, PLAN_CHANGE, PLAN_LIST, PLAN_OPEN, PLAN_ANSWER, PLAN_CLOSE, PLAN_WITHDRAW, PLAN_MARK };
extern const char *const plan_names[];
struct plan {
    enum plan_kind kind;
    uint32_t deed, first, count; /* marks of what is entered */
    unsigned form, period;       /* of a return; of a list */
    struct record_ref target;
    uint32_t sitting;
};
/* Looks, chooses, and writes into the history what may come of it. */
void deed_plan(struct school *s, struct plan *p);
MUST_CHECK enum err deed_run(struct school *s, const struct plan *p);
/* It was acknowledged; nobody knows whether it was done. */
void deed_acknowledged(const struct plan *p);
void deed_unknown(const struct plan *p);

#endif
