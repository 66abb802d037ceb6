/* schedule.h: when to sync: once a night at a moment of this computer's own inside the window; after a missed night
 * soon after the computer is on, with jitter; at once for what is urgent; after failures with full jitter; never before
 * the hub asked us back.  The deciding functions are pure: they are given the time and the chance.
 *
 * The computer's clock may be years off and may jump.  What is kept says when it was noted; what lies in the future by
 * then was noted by another clock: it is not waited for, but for an hour at most. */
#ifndef SVODKA_AGENT_SCHEDULE_H
#define SVODKA_AGENT_SCHEDULE_H

#include "agent/sync.h"

#define SCHEDULE_NEVER     INT64_MAX /* not by itself: a person must do something first */
#define SCHEDULE_MISSED_MS 300000    /* jitter: a power cut brings a whole valley back at once */

/* Kept in the store over restarts. */
struct schedule_state {
    int64_t success_ms;         /* last pass that was complete; 0: never */
    int64_t not_before_ms;      /* LATER, or once a day; 0: nothing of that */
    uint32_t failures;          /* since the hub's last WELCOME */
    int64_t noted_ms;           /* this computer's clock when that was noted; 0: nothing was yet */
    int64_t next_ms;            /* what schedule_plan() decided last; 0: nothing was yet */
    int32_t night;              /* of night_bytes: the day on which it ends */
    uint64_t night_bytes;       /* sent by itself since noon */
    enum sync_outcome last;     /* how the last pass ended ... */
    enum message_error refusal; /* ... and with REFUSED the reason */
    uint64_t urgent;            /* a number of that wish; 0: nothing is urgent (kept by itself) */
};

/* What a pass that ended at `now_ms` changes.  `chance`: any random number. */
void schedule_after(struct schedule_state *s, const struct agent_conf *c, uint64_t own, const struct sync_result *r,
                    int64_t now_ms, uint64_t chance);
/* The moment of the next pass, at or after `now_ms` (wall clock).  `own`: a number of this computer's own, that fixes
 * its moment in the window. */
int64_t schedule_next(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, int64_t now_ms,
                      uint64_t chance);
/* This night's moment: the first one after `now_ms`, in a night in which it is sent.  SCHEDULE_NEVER: by sync.days and
 * sync.holidays there is none within a year. */
int64_t schedule_night(const struct agent_conf *c, uint64_t own, int64_t now_ms);
/* A night that is over and in which it was not sent is to be made up for. */
bool schedule_is_missed(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, int64_t now_ms);
/* What may still be sent by itself tonight: bytes; UINT64_MAX: no limit. */
uint64_t schedule_budget(const struct schedule_state *s, const struct agent_conf *c, int64_t now_ms);
/* This computer's clock was put back by so much while it was watched. */
void schedule_put_back(struct schedule_state *s, int64_t by_ms);

/* ---- kept (schedule_keep.c) ---- */

uint64_t schedule_own(const struct agent *a);
MUST_CHECK enum err schedule_load(const struct agent *a, struct schedule_state *out);
/* Decides on the next pass and stores it.  `put_back_ms`: see schedule_put_back(); 0: nothing of that; SCHEDULE_START:
 * the computer was just switched on.  If its clock is known to be wrong, perhaps because it begins at the same hour
 * every time, that alone is a reason to sync soon. */
#define SCHEDULE_START (-1)
MUST_CHECK enum err schedule_plan(struct agent *a, int64_t put_back_ms, struct schedule_state *out);
/* Applies the result of a pass that ended now, plans the next one, stores.  *s as it was loaded before the pass. */
MUST_CHECK enum err schedule_note(struct agent *a, const struct sync_result *r, struct schedule_state *s);
/* One pass that nobody asked for, within what may be sent tonight; noted, unless another is at it or it was cancelled.
 * Errors are those of sync_once(). */
MUST_CHECK enum err schedule_pass(struct agent *a, struct sync_result *r, struct schedule_state *out);
/* Something urgent was queued: the next pass is as soon as there is a line. */
MUST_CHECK enum err schedule_urgent(struct agent *a);

#endif
