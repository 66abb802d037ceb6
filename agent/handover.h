/* handover.h: what a new deputy head must know on the first day, out of this home: what is due, what was sent, what is
 * open, who is who, where keys and copies are, whom to call. */
#ifndef SVODKA_AGENT_HANDOVER_H
#define SVODKA_AGENT_HANDOVER_H

#include "agent/home.h"
#include "common/handout.h"

/* To the terminal (`page` NULL), or into the page, which the caller saves.  `has_names`: with the local books. */
MUST_CHECK enum err handover_write(struct agent *a, struct handout *page, bool has_names);

#endif
