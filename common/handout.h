/* handout.h: a table for people to print, to hand round and to open: a workbook or a page of HTML, by the name's end
 * (.xlsx; .html, .htm).  What it is about on top, one or several tables, notes below; colour never says what words do
 * not say as well.
 *
 * Like a struct buf, a handout fails once and then takes nothing more: whoever fills it asks handout_save() alone.
 * Texts are UTF-8 and copied; in a workbook they are never formulas, in a page never markup.  A page has no scripts and
 * nothing from elsewhere.  Used by one thread. */
#ifndef SVODKA_COMMON_HANDOUT_H
#define SVODKA_COMMON_HANDOUT_H

#include "common/buf.h"

#define HANDOUT_MAX_BYTES (64u << 20) /* of the file */

enum handout_look {
    HANDOUT_CELL,
    HANDOUT_TOTAL,
    HANDOUT_GOOD,   /* on green */
    HANDOUT_BAD,    /* on red */
    HANDOUT_UNSURE, /* on yellow */
    HANDOUT_LOOKS
};
struct handout_column {
    const char *title;
    double width;   /* of a workbook, in characters; 0: as its words ask for */
    bool is_number; /* aligned to the right */
};

/* The options --xlsx and --html (each NULL: not given) name files of that kind.  ERR_USAGE: one does not. */
MUST_CHECK enum err handout_names(const char *xlsx, const char *html);

struct handout;
/* `title` of the whole.  `mark` (NULL: none) stands on every sheet and at the foot of every printed page: who may see
 * it.  `day`: days since 1970-01-01, the day that a workbook says it was made.  ERR_USAGE: another end of the name. */
MUST_CHECK enum err handout_new(struct handout **out, const char *path, const char *title, const char *mark,
                                int32_t day);
void handout_free(struct handout *o); /* NULL does nothing */

/* Columns of a table that a page of paper holds; a workbook takes them all.  The caller makes several tables of it. */
size_t handout_columns_at_once(const struct handout *o);

/* Begins a sheet (in a page: on a new side of paper) with its title and the mark.  Everything below belongs to a sheet.
 */
void handout_sheet(struct handout *o, const char *name, const char *title);
/* A line of text: below the title what it is about, below a table a note. */
void handout_line(struct handout *o, const char *text);
/* A line that begins a part of the sheet, over its table. */
void handout_heading(struct handout *o, const char *text);
/* Begins a table with its headings; ends the one before. */
void handout_table(struct handout *o, const struct handout_column *columns, size_t count);
/* A heading over all columns. */
void handout_span(struct handout *o, const char *text);
/* Begins a row; its cells follow in order, as many as there are columns. */
void handout_row(struct handout *o);
void handout_text(struct handout *o, enum handout_look look, const char *text);
/* `scaled` with `places` digits after the point (at most 9). */
void handout_number(struct handout *o, enum handout_look look, int64_t scaled, unsigned places);

/* Writes the file whole or not at all, readable by its owner alone; ends the handout, which then can only be freed.
 * ERR_EXISTS: it is there already; ERR_LIMIT: beyond what Excel takes, or HANDOUT_MAX_BYTES. */
MUST_CHECK enum err handout_save(struct handout *o);

#endif
