/* questions.h: what the office asks about what this school sent, and what it accepts, as its words said it (word.h);
 * locked at rest.  How a question stands is never stored: it follows from what was entered here since, so that a
 * correction is recognised as the answer by itself. */
#ifndef SVODKA_AGENT_QUESTIONS_H
#define SVODKA_AGENT_QUESTIONS_H

#include "agent/home.h"
#include "protocol/answer.h"
#include "protocol/notice.h"

/* Takes a notice of kind QUESTION or ACCEPTED, and tells the school. */
MUST_CHECK enum err questions_take(struct agent *a, struct store_txn *t, const struct notice *n);

enum asked_state {
    ASKED_OPEN,
    ASKED_CHECKED,   /* answered: checked, correct */
    ASKED_CORRECTED, /* corrected or withdrawn */
    ASKED_ACCEPTED   /* the office has accepted the return */
};
const char *asked_state_name(enum asked_state s); /* "open" ...: stable, for programs */
const char *asked_state_word(enum asked_state s); /* translated */

struct asked {
    int64_t asked_ms;
    struct notice_return about;
    char text[NOTICE_TEXT_MAX + 1];
    bool is_accepted; /* the office accepted the return after it had asked */
    enum asked_state state;
    bool is_withdrawn;
    bool has_target;                            /* here, so that key and value are known */
    char *key, *old_value, *new_value, *remark; /* never NULL once listed */
};
struct asked_list {
    struct asked *items;
    size_t count, cap;
};
/* All of them, in the order of their numbers, with how they stand. */
MUST_CHECK enum err questions_list(const struct agent *a, struct asked_list *out);
void asked_list_fini(struct asked_list *l);
/* That the office accepted a return, as it was when `target` was its newest submission. */
struct acceptance {
    int64_t wall_ms; /* hub's */
    bool has_target;
    struct record_ref target;
};
/* ERR_NOT_FOUND: it has not.  `t` NULL: own transaction. */
MUST_CHECK enum err return_accepted(const struct agent *a, struct store_txn *t, const char *form, const char *unit,
                                    const char *period, struct acceptance *out);

/* ---- for people ---- */

/* The form's title and the period's label; what is not known here by its id. */
#define ASKED_NAME 512u
void asked_name(const struct agent *a, const struct notice_return *r, char out[ASKED_NAME]);
/* What `status` says when the question, or the acceptance of a return, has come. */
void asked_message(const struct agent *a, uint64_t number, char *out, size_t size);
void accepted_message(const struct agent *a, const struct notice_return *r, char *out, size_t size);
/* Label of the field that is asked about, or "". */
void asked_field(const struct agent *a, const struct notice_return *r, char out[ASKED_NAME]);

#endif
