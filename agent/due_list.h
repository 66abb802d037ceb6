/* due_list.h: what this home has to fill in: each of its forms in each period that the calendar asks for now, and how
 * its own return of it stands. */
#ifndef SVODKA_AGENT_DUE_LIST_H
#define SVODKA_AGENT_DUE_LIST_H

#include "agent/queue.h"

/* A form in one period: what the calendar says is open now, and each of the form's series as it stands today. */
struct due_line {
    const struct form *form;
    struct period period;        /* id "" in a gap */
    const struct due_rule *rule; /* NULL: the calendar says nothing of it */
    struct due_days days;
    size_t programme;       /* whose rule it is */
    uint64_t entered;       /* submissions with values for it */
    struct record_ref last; /* the newest about our own unit; number 0: none */
    bool is_marked;         /* our own return has, or had, a cover */
};

struct due_list {
    struct due_line *lines;
    size_t count, cap;
    /* while it is read */
    const struct agent *a;
    int32_t until;
    const struct form *form; /* whose lines are added */
    const struct due_rule *rule;
    size_t programme;
};

/* What is open today or opens within so many days, and each series as it stands today.  Fini it whatever came. */
MUST_CHECK enum err due_list_read(struct due_list *out, const struct agent *a, int32_t days);
void due_list_fini(struct due_list *l);
/* Whose return is meant when a line names none: the sender's own unit, or the district. */
const char *due_unit(const struct agent *a, const struct form *f);
/* The day on which the office accepted our own return, unless something was entered since; "". */
MUST_CHECK enum err due_line_accepted(const struct agent *a, const struct due_line *l, char out[11]);
/* How our own return was marked: "complete", "changed" since it was marked, "" when it was not. */
MUST_CHECK enum err due_line_marked(const struct agent *a, const struct due_line *l, bool in_words, const char **out);

#endif
