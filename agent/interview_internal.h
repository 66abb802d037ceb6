/* interview_internal.h: what the interview*.c files share.  Nobody else includes it. */
#ifndef SVODKA_AGENT_INTERVIEW_INTERNAL_H
#define SVODKA_AGENT_INTERVIEW_INTERNAL_H

#include "agent/interview.h"

#define INTERVIEW_KEEP (4u << 20)
#define PROMPT_MAX     512u

struct interview {
    struct capture *c;
    const struct form *form;
    struct value *values;  /* as typed */
    struct value *scratch; /* completed: what applies now */
    struct value **rows;   /* of each repeat, FORM_MAX_ROWS rows grown as needed; owned */
    char **remarks;        /* of each field; owned */
    uint32_t *asked;       /* fields asked so far, for going back */
    uint32_t asked_count;
    const char *group; /* heading shown last */
    struct expr_arena *arena;
    struct buf keep;      /* texts */
    struct earlier *last; /* what was answered last time; NULL: nothing, or nobody is to see it.  Owned */
    char last_label[96];  /* of that period */
    struct buf last_keep; /* of the question in hand */
};

/* Where an answer goes: a field, or a cell of a repeat's row. */
struct place {
    const struct form_field *field;
    uint32_t top;  /* top-level field */
    uint32_t row;  /* of a repeat */
    uint32_t cell; /* column */
    bool in_row;
};

/* ---- interview.c ---- */
struct value *interview_typed(struct interview *i, const struct place *p);

/* ---- interview_show.c ---- */
void interview_notes(struct interview *i, uint32_t before); /* those that stand before this field and apply */
void interview_question(struct interview *i, const struct place *p);
/* What the line expects, with the present answer in brackets. */
void interview_prompt(struct interview *i, const struct place *p, char out[PROMPT_MAX]);
/* ERR_INVALID with a sentence. */
MUST_CHECK enum err interview_parse(struct interview *i, const struct place *p, const char *line, struct value *out);

/* ---- interview_last.c ---- */
/* The answer to this question last time, as one to the form of today; its texts in `keep`.  False: there was none, or
 * it is no answer any more. */
bool interview_last(struct interview *i, const struct place *p, struct buf *keep, struct value *out);
void interview_show_last(struct interview *i, const struct place *p);

#endif
