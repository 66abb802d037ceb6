/* cmd_form_table.h: what a form's table on the terminal and on paper share. */
#ifndef SVODKA_HUB_CMD_FORM_TABLE_H
#define SVODKA_HUB_CMD_FORM_TABLE_H

#include "hub/commands.h"
#include "hub/form_table.h"

/* How a unit's return stands; "": nobody asks for it. */
const char *form_table_state(const struct form_table_unit *u, bool for_people);
/* Columns before those of the form: unit, state and, of what is not filled in once, how many there are ... */
size_t form_table_heads(const struct form *f);
/* ... and how that is called. */
const char *form_table_counted(const struct form *f);
/* "10 of 12": how many units the total of the column is of. */
void form_table_put_answered(struct buf *out, const struct form_table *ft, size_t column);
/* Writes the workbook or the page (handout.h) and says so on stderr. */
MUST_CHECK enum err form_table_write(const struct form_table *ft, const struct hub *h, bool only_total,
                                     const char *path);

#endif
