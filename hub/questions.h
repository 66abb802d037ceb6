/* questions.h: what the office asks a school about a return, a field or a value, and what came of it.
 *
 * A question is a decision of the journal (JOURNAL_QUESTION) and goes to the participant that speaks for the unit, as a
 * word (words.h).  Its number is given once and for ever in this hub; after a hub went back to a backup, number and
 * time together tell which one it is.  An answer is a submission of the form in answer.h; a correction of what was
 * asked about is an answer, too.  How a question stands is never stored: it follows from the submissions and the
 * journal. */
#ifndef SVODKA_HUB_QUESTIONS_H
#define SVODKA_HUB_QUESTIONS_H

#include "hub/registry.h"
#include "hub/returns.h"
#include "protocol/answer.h"
#include "protocol/notice.h"

struct question {
    uint64_t number, lsn;
    int64_t asked_ms;
    uint32_t participant; /* whom it went to */
    char form[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    char field[FORM_NAME_MAX + 1]; /* "": no one field */
    bool has_due;
    int32_t due;
    char by[RETURN_BY_MAX + 1];
    char text[RETURN_TEXT_MAX + 1];
    uint8_t mark[RETURN_MARK_BYTES]; /* of the return, as it was */
    enum notice_scope scope;
    bool has_target; /* one submission; of a whole return its newest */
    uint32_t target_participant;
    struct record_ref target;
    uint64_t accepted_lsn; /* 0: not accepted */
    int64_t accepted_ms;
};

/* ---- asking ---- */
struct question_ask {
    const struct form *form;
    const char *unit, *period; /* ids */
    const char *field, *key;   /* NULL: none */
    bool has_due;
    int32_t due;
    const char *by, *text;
};
/* Journals it and says it to the school.  ERR_NOT_FOUND: nothing is here of the return or the row, or nobody may speak
 * about the unit; ERR_INVALID: no such field, or answers of nobody; ERR_LIMIT: a text is too long. */
MUST_CHECK enum err questions_ask(struct hub *h, struct store_txn *t, const struct question_ask *q,
                                  struct question *out);
/* The office accepts the return and says so to the school; what it asked about it before is settled. */
MUST_CHECK enum err questions_accept(struct hub *h, struct store_txn *t, const char *form, const char *unit,
                                     const char *period, const char *by);

/* ---- reading ---- */

/* ERR_NOT_FOUND. */
MUST_CHECK enum err question_get(struct store_txn *t, uint64_t number, struct question *out);
/* In the order of their numbers.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err questions_each(struct store_txn *t, enum err (*each)(void *ctx, const struct question *q),
                                   void *ctx);

enum question_state {
    QUESTION_OPEN,
    QUESTION_CHECKED,   /* the school says: checked, correct */
    QUESTION_CORRECTED, /* what was asked about has changed, or was withdrawn */
    QUESTION_ACCEPTED,  /* by the office */
    QUESTION_UNKNOWN    /* an answer to a question that is not known here */
};
const char *question_state_name(enum question_state s); /* "open" ...: stable, for programs */
const char *question_state_word(enum question_state s); /* translated */

struct question_line {
    const struct question *q; /* UNKNOWN: number, unit and period alone */
    enum question_state state;
    bool is_withdrawn;                 /* what was asked about is not here any more */
    const char *key;                   /* of the row, "" */
    const char *old_value, *new_value; /* of the field; "" for none, or not here any more */
    const char *remark;                /* of the answer; "" */
    int64_t answered_ms;               /* when the answer was received; 0: none */
};
/* All questions with how they stand, then answers to questions that are not known here.  Texts are loans until the
 * callback returns. */
MUST_CHECK enum err questions_lines(struct hub *h, struct store_txn *t,
                                    enum err (*each)(void *ctx, const struct question_line *l), void *ctx);

/* ---- for returns_decide.c ---- */

#define QUESTION_ELEMENTS 6u /* of the journal's entry, behind those of any decision about a return */
/* For the replay: what stands behind a decision's other elements; entries of before have nothing there. */
MUST_CHECK enum err questions_replay(struct store_txn *t, struct question *q, struct mp *m, size_t elements);
MUST_CHECK enum err questions_settle(struct store_txn *t, const char *form, const char *unit, const char *period,
                                     uint64_t lsn, int64_t wall_ms);
void question_put_elements(struct buf *b, const struct question *q);
MUST_CHECK enum err question_put(struct store_txn *t, const struct question *q);

#endif
