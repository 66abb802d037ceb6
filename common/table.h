/* table.h: what every listing command prints: --format table|csv|json, one definition of the columns. */
#ifndef SVODKA_COMMON_TABLE_H
#define SVODKA_COMMON_TABLE_H

#include "common/buf.h"

#include <stdio.h>

enum table_format { TABLE_TEXT, TABLE_CSV, TABLE_JSON };
enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
    const char *name;  /* csv heading and JSON key: stable English */
    const char *title; /* on the terminal: translated */
    enum table_align align;
    bool is_number; /* JSON without quotes; "" becomes null */
};

struct table;
/* `columns` must outlive the table. */
MUST_CHECK enum err table_new(struct table **out, const struct table_column *columns, size_t count);
void table_free(struct table *t);
/* Cells of one row in order; copied.  NULL is empty. */
MUST_CHECK enum err table_row(struct table *t, const char *const *cells);
/* TEXT lines up by terminal width, Cyrillic included, and shows control characters as blanks; CSV is RFC 4180 with ','
 * and LF, text that a spreadsheet would run as a formula gets an apostrophe; JSON an array of objects, a number column
 * with its digits as they are (what JSON does not call a number stands in quotes).  ERR_IO: `to` took not all. */
MUST_CHECK enum err table_print(const struct table *t, enum table_format f, FILE *to);
/* "table", "csv", "json"; ERR_USAGE with the three names otherwise. */
MUST_CHECK enum err table_format_parse(enum table_format *out, const char *name);

#endif
