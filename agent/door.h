/* door.h: joining with nothing but a sheet: over the hub's door the agent asks who the hub is and what it is invited
 * to, and checks all of it against the sheet's fingerprint (SPEC.md section 6.9).  What comes out is an invitation as a
 * file would have been.  Used by one thread. */
#ifndef SVODKA_AGENT_DOOR_H
#define SVODKA_AGENT_DOOR_H

#include "agent/link.h"
#include "protocol/ticket.h"

/* Tries the ticket's doors in turn.  Empties `keep` (8 MiB at most) and fills it; *out holds loans from it.  Objects
 * for which there is no room come at the first meeting.  With a sentence for people: ERR_DENIED: the hub does not know
 * this code, or says what is wrong with it; ERR_AUTH: the hub is not the one of the fingerprint; ERR_MALFORMED:
 * something else answers; ERR_NET; ERR_BUSY; ERR_CANCELLED. */
MUST_CHECK enum err door_fetch(struct invitation *out, struct buf *keep, const struct ticket *t,
                               const volatile sig_atomic_t *cancelled);

#endif
