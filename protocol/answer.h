/* answer.h: the one form that both programs bring with them: a school's answer to a question of the office (SPEC.md
 * section 3.2).  Its submissions travel, are counted and kept as all others; only two rules are its own: any role may
 * send it, and its period is that of the return in question, whatever its series. */
#ifndef SVODKA_PROTOCOL_ANSWER_H
#define SVODKA_PROTOCOL_ANSWER_H

#include "common/form.h"

#define ANSWER_FORM       "question-answer" /* no other form may have this id */
#define ANSWER_REMARK_MAX 1000u             /* bytes */

/* Its fields, in their order. */
enum answer_field { ANSWER_QUESTION, ANSWER_ASKED, ANSWER_VERDICT, ANSWER_REMARK, ANSWER_FIELDS };

/* form_free(). */
MUST_CHECK enum err answer_form_load(struct form **out);
/* This very form, by its bytes. */
bool answer_form_is(const struct form *f);
/* Any of its series for all forms but this one: then any period of the calendar. */
MUST_CHECK enum err answer_period(const struct form *f, const struct calendar *c, const char *text, struct period *out);

/* What an answer says; `remark` is a loan of the values. */
struct answer {
    uint64_t question; /* its number */
    int64_t asked_ms;  /* hub's time of the question: of two questions of one number it tells which */
    struct bytes remark;
};
/* False: not all of it is there. */
bool answer_read(struct answer *out, const struct value *values, uint32_t count);
/* The remark is a loan. */
void answer_write(const struct answer *a, struct value values[ANSWER_FIELDS]);

#endif
