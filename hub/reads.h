/* reads.h: what an indicator reads, all the way down.  Of one programme; immutable while it is used. */
#ifndef SVODKA_HUB_READS_H
#define SVODKA_HUB_READS_H

#include "hub/programme.h"

struct reads {
    const struct programme *p;
    bool *variables, *indicators; /* by number in the programme; the indicator itself included */
};
MUST_CHECK enum err reads_init(struct reads *r, const struct programme *p);
void reads_fini(struct reads *r);
/* Of the indicator with that number, in whatever period: of all versions of its id and part. */
void reads_find(struct reads *r, uint32_t index);
const struct form *reads_form(const struct programme *p, const char *id); /* NULL: not one of the pack's */

#endif
