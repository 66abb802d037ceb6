/* xlsx_mark.h: a copy of a workbook in which some cells are red and say in a comment what is wrong with them.  All the
 * rest stays as it was: values, styles, formulas, lists to choose from, widths, comments that were there.
 *
 * libxlsxwriter cannot change a workbook, so the parts concerned are edited as text (xml_edit.h) and packed anew
 * (zip_edit.h). */
#ifndef SVODKA_COMMON_XLSX_MARK_H
#define SVODKA_COMMON_XLSX_MARK_H

#include "common/xlsx_read.h"

#define XLSX_MARK_MAX 1000u

struct xlsx_mark {
    uint32_t sheet;       /* as xlsx_book_sheet_name() counts */
    uint32_t row, column; /* from 1; a cell that is not there is made, one under a merged cell means that */
    const char *text;     /* UTF-8, for the comment; marks of one cell are joined line by line */
};

/* Appends the new workbook, which opens at the first of the marked cells.  ERR_MALFORMED, ERR_LIMIT, ERR_INVALID: a
 * sentence says why this workbook cannot be marked. */
MUST_CHECK enum err xlsx_mark(struct xlsx_book *b, const struct xlsx_mark *marks, uint32_t count, struct buf *out);
/* Is it a copy that xlsx_mark() made and that no other program has saved since? */
MUST_CHECK enum err xlsx_mark_is_ours(struct xlsx_book *b, bool *is_ours);

#endif
