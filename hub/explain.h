/* explain.h: how one number came about; shared by cmd_explain.c (the sentences), cmd_explain_since.c
 * (what changed since the period was closed), cmd_explain_submissions.c and cmd_explain_inputs.c (the lists). */
#ifndef SVODKA_HUB_EXPLAIN_H
#define SVODKA_HUB_EXPLAIN_H

#include "hub/commands.h"
#include "hub/comments.h"
#include "hub/evaluate.h"

#include <stdio.h>

struct explain {
    struct hub *hub;
    struct store_txn *t;
    struct evaluation *e;
    const struct programme *programme;
    const struct indicator *indicator; /* the version that is valid in the period */
    uint32_t index;                    /* the first of its id and part */
    const char *unit;                  /* NULL: the municipality */
    const char *part;                  /* of its variables; "" */
    const char *breakdown;             /* as it was typed; "" */
    struct period period;
    enum table_format format;
    struct result result;
    struct table *table;
    uint64_t behind, others; /* submissions that add something, and others of these forms and periods */
};

/* The line that a person named: its programme (NULL: any), its indicator and x->breakdown, then the period and x->unit.
 * ERR_NOT_FOUND with what is near; ERR_USAGE: several programmes have it. */
MUST_CHECK enum err explain_find(struct explain *x, const char *programme, const char *id, const char *period);
/* Where the office's comment on it stands; loans of `x`. */
struct comment_place explain_comment_place(const struct explain *x);

/* Sums over sums: the submissions.  Other kinds: what they read. */
bool explain_is_of_submissions(const struct indicator *i);
/* Every submission behind it, as a row of x->table; their contributions are compared with the cells.
 * ERR_CORRUPT: they differ. */
MUST_CHECK enum err explain_submissions(struct explain *x);
/* What it was made of: rows of x->table; of the municipality, where units are looked at one by one, with what each of
 * them rests upon. */
MUST_CHECK enum err explain_inputs(struct explain *x);
/* If its period was closed: what it was then, and which submissions came since.  Says nothing if it never was. */
MUST_CHECK enum err explain_since(struct explain *x, FILE *to);

#endif
