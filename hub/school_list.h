/* school_list.h: the schools of a district out of a table: a CSV file or a workbook with a row of headings (id, name
 * and, where a school reports about more than itself, units).  Read whole or not at all; the bytes are hostile. */
#ifndef SVODKA_HUB_SCHOOL_LIST_H
#define SVODKA_HUB_SCHOOL_LIST_H

#include "common/report.h"
#include "protocol/grant.h"

#define SCHOOL_LIST_MAX 2000u

struct school_row {
    uint32_t line; /* in the file, from 1 */
    char id[ID_MAX + 1];
    char name[NAME_MAX_BYTES + 1];
    char (*units)[ID_MAX + 1]; /* owned; NULL: its id alone */
    uint32_t unit_count;
};
struct school_list {
    struct school_row *rows;
    size_t count, cap;
};
/* The kind of file is told by the end of its name: .xlsx, else CSV.  Everything that is wrong goes to `r` with row or
 * cell: ERR_INVALID, and *out is empty.  Columns that are not known are told as warnings.  ERR_NOT_FOUND,
 * ERR_MALFORMED, ERR_LIMIT: the file cannot be read. */
MUST_CHECK enum err school_list_read(struct school_list *out, const char *path, struct report *r);
void school_list_fini(struct school_list *l);

#endif
