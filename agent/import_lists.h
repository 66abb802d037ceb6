/* import_lists.h: the lists of a form (`repeat`), each on a sheet of its own in a workbook that was made by us: its
 * rows become what stands in the list's cell of the row that they belong to. */
#ifndef SVODKA_AGENT_IMPORT_LISTS_H
#define SVODKA_AGENT_IMPORT_LISTS_H

#include "common/form.h"
#include "common/xlsx_read.h"

#define IMPORT_LIST_MAX_ROWS 20000u /* of one sheet */

struct import_list;

/* Reads the sheet of the repeat `field`.  In a form with a key its first column names the row that a row belongs to.
 * Every cell that cannot be taken goes to `r` with sheet and cell (ERR_INVALID).  The form must outlive the list. */
MUST_CHECK enum err import_list_read(struct import_list **out, const struct form *f, uint32_t field,
                                     struct xlsx_book *b, uint32_t sheet, const char *file, struct report *r);
void import_list_free(struct import_list *l); /* NULL does nothing */

const char *import_list_name(const struct import_list *l);
/* Does it have rows that do not say whose they are?  Then the main sheet may have one row only. */
bool import_list_is_anyones(const struct import_list *l);
/* Is this the heading of the form's key? */
bool import_list_is_key(struct import_list *l, struct bytes heading);
/* Appends the rows that belong to this key, as value_parse() reads them; nothing when there are none.  In a form
 * without a key all rows belong to any. */
MUST_CHECK enum err import_list_put(struct import_list *l, struct bytes key, struct buf *out);
/* The number in its sheet of the n-th row (from 1) that the last import_list_put() gave; 0: there is none. */
uint32_t import_list_row(const struct import_list *l, uint32_t n);
/* The column of the sheet, from 1, that has this column of the list; 0: none has. */
uint32_t import_list_column(const struct import_list *l, const char *name);
const char *import_list_sheet(const struct import_list *l);
/* Rows that no import_list_put() asked for: each goes to `r`; false: there are none. */
bool import_list_tell_lost(const struct import_list *l, const char *file, struct report *r);

#endif
