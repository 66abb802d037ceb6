/* import_internal.h: shared by import*.c alone. */
#ifndef SVODKA_AGENT_IMPORT_INTERNAL_H
#define SVODKA_AGENT_IMPORT_INTERNAL_H

#include "agent/import.h"
#include "agent/key_set.h"

/* ---- import_refused.c: the rows that were not taken, as a new CSV file ---- */

struct refused_rows;
/* ERR_EXISTS: the file is there already.  It is made when the first row comes. */
MUST_CHECK enum err refused_rows_new(struct refused_rows **out, const char *path, char delimiter);
void refused_rows_heading(struct refused_rows *x, const struct csv_row *row);
MUST_CHECK enum err refused_rows_add(struct refused_rows *x, const struct csv_row *row);
/* Makes what was added durable. */
MUST_CHECK enum err refused_rows_finish(struct refused_rows *x);
/* Without `keep` the file goes, too.  NULL does nothing. */
void refused_rows_close(struct refused_rows *x, bool keep);

/* ---- import_replace.c: what the table no longer has ---- */

/* The key of a row as bytes; len 0: the field has no value. */
#define ROW_KEY_MAX (FORM_MAX_TEXT + 8u)
struct bytes row_key(const struct form *f, const struct value *values, uint8_t number[8]);
/* Stages a retraction for every current submission of the capture's slot whose key is not in `keys`. */
MUST_CHECK enum err replace_rest(struct agent *a, struct capture *c, struct queue_writer *w, const struct key_set *keys,
                                 uint64_t *retracted);

/* ---- import_totals.c: rows that sum up others ---- */

struct totals;
MUST_CHECK enum err totals_new(struct totals **out, const struct import_map *m);
void totals_free(struct totals *t); /* NULL does nothing */
enum totals_verdict { TOTALS_NO, TOTALS_SKIP, TOTALS_SUSPECT };
/* Judged by the first cell that is not empty; *cell is its index. */
enum totals_verdict totals_judge(struct totals *t, const struct csv_row *row, uint32_t *cell);

#endif
