/* outlook.h: what was confirmed last and what happens next, in words for people. */
#ifndef SVODKA_AGENT_OUTLOOK_H
#define SVODKA_AGENT_OUTLOOK_H

#include "agent/schedule.h"

#define OUTLOOK_TEXT 512u

enum outlook_kind {
    OUTLOOK_NIGHT,    /* at next_ms, or soon after the computer is on */
    OUTLOOK_SOON,     /* a night was missed, or it was never sent, or something is urgent: within minutes */
    OUTLOOK_RETRY,    /* the hub could not be reached; again at next_ms */
    OUTLOOK_LATER,    /* the hub asked us to come back at next_ms */
    OUTLOOK_REFUSED,  /* the district takes nothing now; asked again at next_ms */
    OUTLOOK_NEVER,    /* not by itself: a new invitation is needed */
    OUTLOOK_NO_NIGHT, /* by sync.days and sync.holidays there is none */
    OUTLOOK_BY_HAND   /* svodka-agent run is not at work here */
};
struct outlook {
    enum outlook_kind kind;
    int64_t next_ms; /* 0: not known */
};
/* `is_running`: svodka-agent run is at work.  Pure. */
struct outlook outlook_of(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, bool is_running,
                          int64_t now_ms);
/* A stable name for programs. */
const char *outlook_name(enum outlook_kind kind);
void outlook_say(char out[OUTLOOK_TEXT], const struct outlook *o, const struct schedule_state *s,
                 const struct agent_conf *c, int64_t now_ms);

#endif
