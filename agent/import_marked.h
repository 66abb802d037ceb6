/* import_marked.h: a workbook that was refused comes back as a copy in which the wrong cells are red and say in a comment
 * what is wrong (common/xlsx_mark.h). */
#ifndef SVODKA_AGENT_IMPORT_MARKED_H
#define SVODKA_AGENT_IMPORT_MARKED_H

#include "common/report.h"
#include "common/xlsx_read.h"

#define MARKED_PATH_MAX 4096u

/* Marks the cells that the mistakes of `r` name and writes the copy, 0600: to `wanted`, else beside the workbook `path`,
 * as NAME-errors.xlsx in the language of the messages.  Only a copy that was made so, and that nobody has saved since,
 * is overwritten: `wanted` is then refused (ERR_EXISTS), else another name is taken.  `out` becomes its path.
 * ERR_NOT_FOUND: no mistake names a cell; ERR_INVALID, ERR_LIMIT, ERR_MALFORMED: a sentence says why the workbook cannot
 * be marked. */
MUST_CHECK enum err marked_write(struct xlsx_book *b, const char *path, const char *wanted, const struct report *r,
                                 char out[MARKED_PATH_MAX]);

#endif
