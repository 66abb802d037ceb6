/* questions_internal.h: shared by the questions*.c files alone. */
#ifndef SVODKA_AGENT_QUESTIONS_INTERNAL_H
#define SVODKA_AGENT_QUESTIONS_INTERNAL_H

#include "agent/questions.h"

/* Puts state, key, values and remark into a list of questions as they are stored. */
MUST_CHECK enum err asked_follow(const struct agent *a, struct asked_list *l);

#endif
