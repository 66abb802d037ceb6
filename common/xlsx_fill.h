/* xlsx_fill.h: a workbook that somebody else made, with other values in some cells; everything else (styles, formulas,
 * merged cells, pictures) stays byte for byte.  What formulas had computed is taken away, and whoever opens the
 * workbook is told to compute them anew.
 *
 * The template is hostile, as in xlsx_read.h.  One thread. */
#ifndef SVODKA_COMMON_XLSX_FILL_H
#define SVODKA_COMMON_XLSX_FILL_H

#include "common/xlsx_read.h"

#define XLSX_FILL_MAX_CELLS  10000u
#define XLSX_FILL_MAX_PLACES 6u

struct xlsx_fill_cell {
    uint32_t sheet;       /* of xlsx_book_sheets() */
    uint32_t row, column; /* from 1 */
    bool is_number;
    int64_t scaled; /* a number: with `places` digits after the point, at most XLSX_FILL_MAX_PLACES ... */
    unsigned places;
    bool is_percent;  /* ... which are percent: a cell that is shown in percent gets a hundredth */
    const char *text; /* else: UTF-8, never a formula; "": the cell becomes empty */
};

/* Appends the filled workbook.  `cells` are sorted by sheet, row and column, each place once.  The style of a cell that
 * is there stays; one that is not takes that of its row or column.  ERR_INVALID: the cell *bad holds a formula, or is
 * covered by merged cells; ERR_MALFORMED, ERR_LIMIT: the template cannot be edited. */
MUST_CHECK enum err xlsx_fill(struct xlsx_book *b, const struct xlsx_fill_cell *cells, size_t count, struct buf *out,
                              size_t *bad);
/* "C7", "$AB$12" to numbers from 1; false: no cell that a sheet can have. */
bool xlsx_cell_parse(const char *text, uint32_t *row, uint32_t *column);

#endif
