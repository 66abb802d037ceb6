/* questions_internal.h: shared by the questions*.c files and excused.c alone. */
#ifndef SVODKA_AGENT_QUESTIONS_INTERNAL_H
#define SVODKA_AGENT_QUESTIONS_INTERNAL_H

#include "agent/questions.h"

/* Key in T_QUESTIONS: a letter, then form 0 unit 0 period 0; empty when it is too long. */
#define QUESTIONS_KEY_MAX (1u + FORM_NAME_MAX + 1u + ID_MAX + 1u + PERIOD_ID_MAX + 1u)
struct bytes questions_return_key(uint8_t raw[QUESTIONS_KEY_MAX], char letter, const char *form, const char *unit,
                                  const char *period);
/* Locks a row to its key and stores it. */
MUST_CHECK enum err questions_put_locked(const struct agent *a, struct store_txn *t, struct bytes key,
                                         const struct buf *plain);

/* Puts state, key, values and remark into a list of questions as they are stored. */
MUST_CHECK enum err asked_follow(const struct agent *a, struct asked_list *l);

#endif
