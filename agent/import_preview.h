/* import_preview.h: what a table changes, in a person's words, against what stands on this computer for its form, units
 * and period: rows that are new, changed (what was, what will be), as they were, and no longer in the table. */
#ifndef SVODKA_AGENT_IMPORT_PREVIEW_H
#define SVODKA_AGENT_IMPORT_PREVIEW_H

#include "agent/capture.h"

#include <stdio.h>

#define PREVIEW_SHOWN 40u /* rows of each kind; the others are counted */

struct import_preview;
struct import_units;
struct current_rows;

/* All is borrowed; `many_units`: rows are named with their units. */
MUST_CHECK enum err import_preview_new(struct import_preview **out, struct agent *a, const struct capture *c,
                                       bool many_units);
void import_preview_free(struct import_preview *p); /* NULL does nothing */
/* Reads what stands: before the first row, with the queue's lock held when the table is to be queued. */
MUST_CHECK enum err import_preview_begin(struct import_preview *p);
/* A row about the unit at hand of the capture. */
MUST_CHECK enum err import_preview_row(struct import_preview *p, const struct value *values);
/* After the last row; `units` (NULL: one) are those that the table names. */
MUST_CHECK enum err import_preview_end(struct import_preview *p, const struct import_units *units);
/* Of what the rows say, in their order. */
void import_preview_digest(const struct import_preview *p, uint8_t out[DIGEST_BYTES]);
const struct current_rows *import_preview_current(const struct import_preview *p);

/* `is_replace`: what is not in the table is going to be retracted. */
void import_preview_print(const struct import_preview *p, bool is_replace, FILE *to);
/* The same in one line. */
void import_preview_summary(const struct import_preview *p, bool is_replace, FILE *to);

#endif
