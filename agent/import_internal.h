/* import_internal.h: shared by import*.c alone. */
#ifndef SVODKA_AGENT_IMPORT_INTERNAL_H
#define SVODKA_AGENT_IMPORT_INTERNAL_H

#include "agent/import.h"
#include "agent/import_preview.h"
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

/* ---- import_headings.c: where the table begins ---- */

struct headings;
/* All is borrowed.  `o`: its map says how many rows make one row of headings. */
MUST_CHECK enum err headings_new(struct headings **out, const struct import_source *s, const struct form *f,
                                 const struct import_options *o);
void headings_free(struct headings *h); /* NULL does nothing */
/* The row of headings; several rows are joined, column by column.  In a workbook a title, a date and an address may
 * stand above it: it is the first of which at least half is known.  It is written to `refused` (or NULL), too.  A loan
 * until the next call.  ERR_NOT_FOUND: there is no row at all; else as import_source.next(). */
MUST_CHECK enum err headings_find(struct headings *h, struct refused_rows *refused, struct csv_row *out);
/* The rows below, as import_source.next(). */
MUST_CHECK enum err headings_next(struct headings *h, struct csv_row *out);

/* ---- import_current.c: what stands on this computer for the table's form and period ---- */

/* What tells a row from all others of its form and period: unit and key, or the unit alone where a form is filled in
 * once, in `keep`; len 0: the key has no value. */
#define ROW_KEY_MAX (ID_MAX + 1u + FORM_MAX_TEXT + 8u)
struct bytes row_key(const struct form *f, const struct value *values, const char *unit, struct buf *keep);
/* Of what the values say in the fields of `now`; they are those of `of`, a version of the same form. */
#define ROW_DIGEST 16u
MUST_CHECK enum err row_digest(uint8_t out[ROW_DIGEST], const struct form *now, const struct form *of,
                               const struct value *values, struct buf *keep);

/* The current submission of a row. */
struct current_row {
    uint8_t key[ROW_DIGEST], values[ROW_DIGEST]; /* digests: of row_key(), of what it says */
    char unit[ID_MAX + 1];
    struct record_ref ref;
    bool is_in_table;
};
struct current_rows {
    const struct form *form; /* of the table */
    struct current_row *items;
    size_t count;
};
/* Those of the capture's unit, or of all.  Of anonymous answers there are none.  current_rows_fini() follows in any
 * case. */
MUST_CHECK enum err current_rows_read(struct current_rows *out, const struct agent *a, const struct capture *c,
                                      bool many_units);
void current_rows_fini(struct current_rows *r);
/* From the oldest on; after that none can be found any more. */
void current_rows_sort(struct current_rows *r);
struct current_row *current_rows_find(const struct current_rows *r, struct bytes key); /* NULL: there is none */

/* ---- import_replace.c: what the table no longer has ---- */

struct import_units;

/* Stages a retraction for every row that is not in the table: of the capture's unit, or of all those that rows named.
 */
MUST_CHECK enum err replace_rest(struct capture *c, struct queue_writer *w, const struct current_rows *rows,
                                 const struct import_units *units, uint64_t *retracted);

/* ---- import_unit.c: rows about many units ---- */

/* `column` from 1; the rest is borrowed. */
MUST_CHECK enum err import_units_new(struct import_units **out, struct capture *c, const char *heading,
                                     const char *prefix, uint32_t column);
void import_units_free(struct import_units *u); /* NULL does nothing */
/* Turns the capture to the unit that the row names; *earlier: the line that named it first, 0: this one.
 * ERR_INVALID: it may not be; `r` says so.  ERR_MALFORMED: the row has no such cell. */
MUST_CHECK enum err import_units_turn(struct import_units *u, const struct csv_row *row, const char *file,
                                      struct report *r, uint32_t *earlier);
void import_units_tell_twice(const struct import_units *u, const struct csv_row *row, const char *file,
                             struct report *r, uint32_t earlier);
bool import_units_named(const struct import_units *u, const char *unit);

/* ---- import_totals.c: rows that sum up others ---- */

struct totals;
MUST_CHECK enum err totals_new(struct totals **out, const struct import_map *m);
void totals_free(struct totals *t); /* NULL does nothing */
enum totals_verdict { TOTALS_NO, TOTALS_SKIP, TOTALS_SUSPECT };
/* Judged by the first cell that is not empty; *cell is its index. */
enum totals_verdict totals_judge(struct totals *t, const struct csv_row *row, uint32_t *cell);

#endif
