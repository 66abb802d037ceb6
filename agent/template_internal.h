/* template_internal.h: shared by template_*.c alone. */
#ifndef SVODKA_AGENT_TEMPLATE_INTERNAL_H
#define SVODKA_AGENT_TEMPLATE_INTERNAL_H

#include "agent/template_xlsx.h"
#include "common/xlsx_write.h"

#define TEMPLATE_FIRST_ROW 2u    /* below the names and the labels */
#define TEMPLATE_ROWS      5000u /* that the rules reach */
#define TEMPLATE_NO_COLUMN UINT32_MAX

/* One sheet: the form's own fields, or the columns of a list. */
struct template_part {
    int32_t repeat; /* top-level index of the list; -1: the form's own fields */
    const struct form_field *fields;
    uint32_t count;
    const struct form_field *key; /* a list of a form with rows: whose row it belongs to, in the first column; NULL */
    uint32_t *column_of;          /* field -> column or TEMPLATE_NO_COLUMN */
    struct xlsx_sheet *sheet;     /* NULL: nothing is asked there */
    uint32_t next_row;
};

struct template
{
    const struct form *form;
    struct xlsx *book;
    struct template_part *parts; /* the first: the form's own fields */
    uint32_t part_count;
    struct buf keep, text; /* for value_parse(), for messages */
};

/* A word for the i-th choice that the import understands: its label, or its code when the label is not its own. */
const char *template_choice(struct template *t, const struct form_field *f, uint32_t i);

/* ---- template_rule.c ---- */

/* What may be typed into the field's column, and what is said about it. */
void template_rule(struct template *t, const struct template_part *p, uint32_t field);

/* ---- template_last.c ---- */

/* Writes the current submissions of that period; *rows counts them. */
MUST_CHECK enum err template_last(struct template *t, const struct agent *a, const char *unit, const char *period,
                                  uint64_t *rows);

#endif
