/* today.h: what day it is at the school, as far as this computer can know. */
#ifndef SVODKA_AGENT_TODAY_H
#define SVODKA_AGENT_TODAY_H

#include "agent/home.h"

struct today {
    int32_t day;   /* in the school's time zone */
    bool is_guess; /* the clock is certainly wrong, or may be, and nobody knows by how much: whoever enters something is
                      told, and may say the day.  A dead battery stops nothing */
};
/* A clock that was days off at the last receipt is corrected by that, until somebody sets it. */
MUST_CHECK enum err agent_today(const struct agent *a, struct today *out);

#endif
