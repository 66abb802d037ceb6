/* today.h: what day it is at the school, as far as this computer can know. */
#ifndef SVODKA_AGENT_TODAY_H
#define SVODKA_AGENT_TODAY_H

#include "agent/home.h"

/* In the school's time zone.  A clock that was days off at the last receipt is corrected by that, until somebody sets
 * it.  ERR_INVALID, with a sentence: it is certainly wrong (earlier than what the district has said, or wrong already
 * when that was long ago), and nobody knows by how much. */
MUST_CHECK enum err agent_today(const struct agent *a, int32_t *day);

#endif
