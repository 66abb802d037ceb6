/* import_columns.h: which column of a table fills which field, and the way from a cell to a value.  Used by import.c.
 */
#ifndef SVODKA_AGENT_IMPORT_COLUMNS_H
#define SVODKA_AGENT_IMPORT_COLUMNS_H

#include "agent/import_map.h"
#include "common/csv.h"

struct import_columns;

/* Finds a field for each heading: by the map, else by name or label.  Everything that does not fit goes to `r` with
 * `file` (ERR_INVALID).  Form and map must outlive the columns.  `unit_heading` (NULL: none) is that of the column
 * which names units; it may be a field's as well. */
MUST_CHECK enum err import_columns_bind(struct import_columns **out, const struct form *f, const struct import_map *m,
                                        const char *unit_heading, const struct csv_row *headings, const char *file,
                                        struct report *r);
void import_columns_free(struct import_columns *c); /* NULL does nothing */

/* How many of the row's cells that are not empty, *of, could be headings: by the map, by name, by label, or the units'.
 */
uint32_t import_columns_known(const struct form *f, const struct import_map *m, const char *unit_heading,
                              const struct csv_row *row, uint32_t *of);

/* True for a second row of headings: each of its cells is empty or the label or name of its column's field. */
bool import_columns_is_labels(struct import_columns *c, const struct csv_row *row);

/* Cells to values, all fields of the form; what has no column is as the map or the form's default says, else MISSING.
 * Every cell that cannot be read goes to `r`.  Texts are loans until the next call.
 * ERR_INVALID: the row has such cells: import_columns_failed() tells which.  ERR_MALFORMED: it has not as many cells as
 * there are headings; `values` means nothing then. */
MUST_CHECK enum err import_columns_read(struct import_columns *c, const struct csv_row *row, struct value *values,
                                        struct report *r);
/* Did this field's cell fail in the row read last? */
bool import_columns_failed(const struct import_columns *c, uint32_t field);
/* Column of a field from 1, 0: none. */
uint32_t import_columns_number(const struct import_columns *c, uint32_t field);

/* The column of units, from 1; 0: none was asked for. */
uint32_t import_columns_unit(const struct import_columns *c);

/* A cell as a C string for messages: what is longer than a message shows is cut. */
#define CELL_TEXT_MAX 512u
void cell_text(char out[CELL_TEXT_MAX], struct bytes cell);

#endif
