/* schedule.h: when to sync: once a night at a moment of this computer's own inside the window; after a missed night
 * soon after the computer is on, with jitter; after failures with full jitter; never before the hub asked us back. The
 * deciding functions are pure: they are given the time and the chance. */
#ifndef SVODKA_AGENT_SCHEDULE_H
#define SVODKA_AGENT_SCHEDULE_H

#include "agent/sync.h"

#define SCHEDULE_NEVER INT64_MAX /* not by itself: a person must do something first */

/* Kept in the store over restarts. */
struct schedule_state {
    int64_t success_ms;    /* last pass that was complete; 0: never */
    int64_t not_before_ms; /* LATER, or once a day; 0: nothing of that */
    uint32_t failures;     /* since the hub's last WELCOME */
};

/* What a pass that ended at `now_ms` changes.  `chance`: any random number. */
void schedule_after(struct schedule_state *s, const struct agent_conf *c, uint64_t own, const struct sync_result *r,
                    int64_t now_ms, uint64_t chance);
/* The moment of the next pass, at or after `now_ms` (wall clock).  `own`: a number of this computer's own, that fixes
 * its moment in the window. */
int64_t schedule_next(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, int64_t now_ms,
                      uint64_t chance);
/* This night's moment: the first one after `now_ms`. */
int64_t schedule_night(const struct agent_conf *c, uint64_t own, int64_t now_ms);

uint64_t schedule_own(const struct agent *a);
MUST_CHECK enum err schedule_load(const struct agent *a, struct schedule_state *out);
/* Loads, applies the result of a pass that ended now, stores. */
MUST_CHECK enum err schedule_note(struct agent *a, const struct sync_result *r, struct schedule_state *out);

#endif
