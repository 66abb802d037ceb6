/* form_table.h: the сводка of a form in a period: units × what the form asks, from what is current in the ledger, in
 * one read transaction.  The office's own view: small numbers are not hidden (invariant 7).
 *
 * A form that is filled in once shows each unit's own answers, and of its lists how many rows they have and the sums of
 * the columns that the form says to add (`total: sum`).  A form with rows shows how many there are, the sums of the
 * numbers that it says to add, and how often yes and each choice stand there.  Of anonymous answers it shows how many
 * there are and how many answered each question, never what was answered, and of a unit with few of them not even that:
 * what they say is the indicators' business, which have thresholds.
 *
 * What is quarantined, superseded or erased is no part of it; the notes say so. */
#ifndef SVODKA_HUB_FORM_TABLE_H
#define SVODKA_HUB_FORM_TABLE_H

#include "hub/returns.h"
#include "hub/roster.h"

#define FORM_TABLE_MAX_COLUMNS 400u
#define FORM_TABLE_MAX_UNITS   5000u
#define FORM_TABLE_MAX_CHOICES 40u /* a longer list is not split into columns */

enum form_table_kind {
    FORM_TABLE_WORD,    /* the unit's own answer, as it is */
    FORM_TABLE_NUMBER,  /* its own number */
    FORM_TABLE_SUM,     /* over its rows, or over the rows of a list */
    FORM_TABLE_COUNT,   /* how many said yes, chose this, or how many rows a list has */
    FORM_TABLE_ANSWERED /* of anonymous answers: how many answered this */
};
struct form_table_column {
    const struct form_field *field;
    const struct form_field *inner; /* of the list `field`: the column that is added; NULL: the field itself */
    int32_t choice;                 /* of the field's list, that is counted; -1: none */
    enum form_table_kind kind;
    bool is_added;                    /* has a total */
    char name[2 * FORM_NAME_MAX + 2]; /* "pupils", "post=teacher", "grades.classes": for programs */
    char title[640];                  /* for people */
};
struct form_table_cell {
    int64_t sum;       /* scaled */
    uint64_t n;        /* values behind it; 0: there is none */
    char *text, *code; /* WORD, and states of a number: for people, for programs; NULL: nothing */
};
struct form_table_unit {
    char id[ID_MAX + 1];
    const char *known_name; /* a loan of the roster; NULL: it knows none */
    bool is_expected;
    bool has_state; /* the calendar asks for it */
    enum return_state state;
    struct return_cover cover; /* with has_state */
    struct return_behalf behalf;
    bool is_nothing; /* "nothing to report": it has reported */
    char *question;  /* of the office, or the reason of a waiver; NULL: none */
    bool is_few;     /* anonymous answers, too few to say more than how many: its cells are empty, in no total */
    uint64_t submissions, erased, act, apart;
    struct form_table_cell *cells;
};
struct form_table {
    const struct form *form;
    struct period period;
    struct form_table_column *columns;
    size_t column_count;
    struct form_table_unit *units; /* by name */
    size_t unit_count, unit_cap;
    size_t unit_last;               /* the one that was looked for last */
    struct form_table_cell *totals; /* sum over units; n: units with a value */
    uint64_t reported, expected;    /* units of which something is here; these and those that should report */
    uint64_t submissions;
    uint32_t few; /* anonymous answers of a unit that are too few */
    bool is_closed;
    struct roster *roster;
};

/* `form` is the newest version; it and the hub outlive the table.  ERR_LIMIT: beyond the limits above, or a sum of more
 * than 64 bits. */
MUST_CHECK enum err form_table_new(struct form_table **out, struct hub *h, struct store_txn *t, const struct form *form,
                                   const struct period *p, int32_t today);
void form_table_free(struct form_table *ft); /* NULL does nothing */
/* For people: its id where nobody has named it. */
static inline const char *form_table_unit_name(const struct form_table_unit *u)
{
    return u->known_name != NULL ? u->known_name : u->id;
}

/* Places of the numbers of a column. */
unsigned form_table_places(const struct form_table_column *c);
/* One cell, "" when there is nothing; `for_people`: in words and the decimal mark of the language. */
void form_table_put(struct buf *out, const struct form_table *ft, size_t column, const struct form_table_cell *c,
                    bool for_people);
/* Calls `each` for every note that belongs under the table, in words. */
MUST_CHECK enum err form_table_notes(const struct form_table *ft, enum err (*each)(void *ctx, const char *note),
                                     void *ctx);

#endif
