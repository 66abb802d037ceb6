/* import.h: a table's rows become submissions: all of them or none.  Defined over rows of cells: whatever can hand out
 * such rows can be imported; csv_source_open() does it for CSV, book_source_rows() for a sheet of a workbook.
 * docs/import.md tells it to people. */
#ifndef SVODKA_AGENT_IMPORT_H
#define SVODKA_AGENT_IMPORT_H

#include "agent/capture.h"
#include "agent/import_map.h"
#include "agent/import_preview.h"
#include "common/csv.h"

/* Rows of cells, headings first. */
struct import_source {
    const char *name; /* as the user named it */
    void *ctx;
    /* As csv_next(): the cells are loans until the next call.  ERR_NOT_FOUND: no more; another error ends the import,
     * its sentence says where. */
    enum err (*next)(void *ctx, struct csv_row *row);
    uint64_t (*offset)(void *ctx); /* how far it has read, for progress; NULL: not known */
    uint64_t size;                 /* of the whole, in the same unit */
    const char *sheet;             /* of a workbook: there the headings may stand below other rows; NULL: no workbook */
    /* What should be told about the rows when all are read; or NULL.  ERR_INVALID: nothing may be queued. */
    enum err (*notes)(void *ctx, struct report *r);
    bool has_one_row; /* lists that do not say whose they are stand elsewhere: a second row would have them, too */
    /* Where the n-th row (from 1) of a list of the row handed out last stands: sets sheet and line of `f`, and its
     * column where `f->field` names one ("list[2].column").  NULL: a list stands in its cell. */
    void (*place)(void *ctx, const char *list, size_t list_len, uint32_t n, struct finding *f);
};

struct import_options {
    const struct import_map *map; /* NULL: headings are names or labels */
    const char *unit_heading;     /* the column that names each row's unit; NULL: all are about the capture's */
    const char *unit_prefix;      /* before the text of its cells; NULL: nothing */
    bool replace;                 /* the table is the whole list: keys it does not have are retracted; with a column of
                                     units, the whole list of each unit that it names */
    const char *refused_path;     /* take the good rows, write the others to this new file; NULL: all or none */
    char delimiter;               /* of that file */
    bool preview_only;            /* everything but the end: nothing is queued, no row is written aside */
    /* Gets what the table changes, once it is known to be good, before anything is queued; NULL: nobody asks. */
    void (*say_preview)(void *ctx, const struct import_preview *p);
    void *say_ctx;
    const uint8_t *expected; /* import_result.table of the preview that somebody agreed to; NULL: nobody did */
};

struct import_result {
    uint64_t rows;                 /* below the headings, totals not counted */
    uint64_t queued;               /* submissions with values; `preview_only`: that would be */
    uint64_t refused;              /* rows with mistakes */
    uint64_t totals;               /* rows left out because the map says so */
    uint64_t retracted;            /* by `replace` */
    uint8_t table[DIGEST_BYTES];   /* of what its good rows say */
    struct record_ref first, last; /* of what was queued; numbers 0: nothing */
};

/* Checks the whole table and queues it in the form, unit and period of `c` (source: import; with a column of units it
 * was opened for many).  Every bad cell goes to
 * `r` with line, column, field and value; *out is filled as far as it came.
 * ERR_INVALID: there were mistakes, and nothing was queued.  With `refused_path`: ERR_EXISTS when the file is there;
 * ERR_INVALID when no row at all is good; it is OK when some rows were refused.  With `expected`: ERR_BUSY when the
 * table says something else by now. */
MUST_CHECK enum err import_run(struct agent *a, struct capture *c, struct import_source *s,
                               const struct import_options *o, struct report *r, struct import_result *out);

/* A CSV file ("-": standard input, if it is a file). */
struct csv_source;
MUST_CHECK enum err csv_source_open(struct csv_source **out, const char *path, const struct csv_options *o);
void csv_source_close(struct csv_source *s); /* NULL does nothing */
struct import_source *csv_source_rows(struct csv_source *s);
char csv_source_delimiter(const struct csv_source *s);

/* A workbook ("-": standard input).  What its hidden sheet `_svodka` says it was made for; each NULL: not said. */
struct book_source;
struct book_source_claims {
    const char *form, *version, *unit, *period;
    const char *sheet; /* the one with the form's own fields */
};
#define WORKBOOK_CLAIMS "_svodka" /* that sheet: keys in column A, values in column B; version: the form's digest */
MUST_CHECK enum err book_source_open(struct book_source **out, const char *path);
void book_source_close(struct book_source *w); /* NULL does nothing */
const struct book_source_claims *book_source_claims(const struct book_source *w);
struct xlsx_book;
struct xlsx_book *book_source_book(struct book_source *w);
/* Reads the form's lists from the sheets that a workbook of ours has for them.  What is wrong there goes to `r`
 * (ERR_INVALID).  The form must outlive the workbook. */
MUST_CHECK enum err book_source_lists(struct book_source *w, const struct form *f, struct report *r);
/* The rows of the sheet of that name; NULL: of the one that a workbook of ours names, else of the only one that is
 * not hidden.  *out belongs to the workbook.  ERR_NOT_FOUND: there is no such sheet; ERR_USAGE: it must be said which.
 */
MUST_CHECK enum err book_source_rows(struct import_source **out, struct book_source *w, const char *sheet);

#endif
