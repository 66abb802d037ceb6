/* run.h: the agent that stays: syncs by schedule.h, and when somebody asks.
 *
 * HOME/run.lock (flock) is held by the one `run` of a home.  HOME/run.sock (SOCK_SEQPACKET, 0600, the peer's user is
 * checked) is how `sync` asks it for a pass: one packet "sync" goes up; when the pass is done one packet comes down,
 * made by sync_result_encode().  A packet "soon" says that something urgent was queued: it plans anew; no answer. */
#ifndef SVODKA_AGENT_RUN_H
#define SVODKA_AGENT_RUN_H

#include "agent/sync.h"

/* Until SIGTERM or SIGINT.  ERR_BUSY: another one runs in this home. */
MUST_CHECK enum err run_home(const char *home);
/* Asks the running one for a pass and waits for its end.  ERR_NOT_FOUND: none runs. */
MUST_CHECK enum err run_ask(const char *home, struct sync_result *out, char text[SYNC_TEXT]);
/* Tells the running one that something is urgent.  ERR_NOT_FOUND: none runs. */
MUST_CHECK enum err run_nudge(const char *home);
/* Is one at work here? */
bool run_is_at_work(const struct agent *a);

#endif
