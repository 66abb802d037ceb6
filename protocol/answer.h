/* answer.h: the form of a school's answer to a question of the office, one of the built-in ones (builtin.h; SPEC.md
 * section 3.2).  Any role may send it; its unit and period are those of the return in question. */
#ifndef SVODKA_PROTOCOL_ANSWER_H
#define SVODKA_PROTOCOL_ANSWER_H

#include "common/form.h"

#define ANSWER_FORM       "question-answer" /* no other form may have this id */
#define ANSWER_REMARK_MAX 1000u             /* bytes */

/* Its fields, in their order. */
enum answer_field { ANSWER_QUESTION, ANSWER_ASKED, ANSWER_VERDICT, ANSWER_REMARK, ANSWER_FIELDS };

extern const char answer_yaml[];

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
