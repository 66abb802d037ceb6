/* checkup.h: what `doctor` of both programs finds out: one line a thing that was looked at, whether it is in order, and
 * what to do if it is not. */
#ifndef SVODKA_COMMON_CHECKUP_H
#define SVODKA_COMMON_CHECKUP_H

#include "common/table.h"

enum checkup_state {
    CHECKUP_OK,        /* in order */
    CHECKUP_ATTENTION, /* it works, but somebody should look at it */
    CHECKUP_WRONG      /* it does not work */
};

struct checkup;
MUST_CHECK enum err checkup_new(struct checkup **out, enum table_format format);
void checkup_free(struct checkup *c); /* NULL does nothing */
/* `name`: stable, for programs; `title`: for people, what was looked at; `found`: what it is; `advice`: what to do, ""
 * when there is nothing.  Memory running out is told by checkup_end(). */
void checkup_add(struct checkup *c, const char *name, enum checkup_state state, const char *title, const char *found,
                 const char *advice);
/* Prints: for people what is wrong first, and a sentence that sums it up.  *worst: of all lines. */
MUST_CHECK enum err checkup_end(struct checkup *c, enum checkup_state *worst);

#endif
