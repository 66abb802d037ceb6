/* fill_map.h: which cell of a region's own workbook gets which number (docs/summary.md describes the YAML).  Everything
 * that it names is looked up when it is read: a map that was read can be filled in. */
#ifndef SVODKA_HUB_FILL_MAP_H
#define SVODKA_HUB_FILL_MAP_H

#include "common/report.h"
#include "common/xlsx_fill.h"
#include "hub/programme.h"

/* What a cell gets. */
enum fill_what {
    FILL_VALUE,
    FILL_NUMERATOR,
    FILL_DENOMINATOR,
    FILL_N,        /* submissions behind it */
    FILL_REPORTED, /* units with a value, and how many should have one */
    FILL_EXPECTED,
    FILL_TARGET,
    FILL_STATUS,
    FILL_COMMENT,
    FILL_LABEL,
    FILL_MEASURE,  /* its unit of measure */
    FILL_OF_LINES, /* those above are about a line, those below about the whole */
    FILL_PROGRAMME = FILL_OF_LINES,
    FILL_PERIOD,
    FILL_DATE,
    FILL_DISTRICT,
    FILL_COMPLETENESS /* "Preliminary: 10 of 12 ..." */
};

struct fill_cell {
    uint32_t sheet, row, column; /* as in struct xlsx_fill_cell */
    enum fill_what what;
    const struct programme *programme; /* of lines, and of FILL_PROGRAMME where one was named; else NULL */
    const char *indicator;             /* id; NULL: not about a line */
    const char *breakdown;             /* as `indicators` names it; "" */
    const char *unit;                  /* id; NULL: the municipality */
    struct period period;
    uint32_t line, line_column; /* where the map says so */
};
struct fill_map {
    struct fill_cell *cells; /* sorted by sheet, row, column */
    size_t count;
    struct yaml_doc *doc; /* the texts lie there */
};

/* `period` (found already) and `programme` (NULL: any) hold where the map names no others.  Mistakes go to `r`, with
 * the line of `file`: then ERR_INVALID (or ERR_MALFORMED, ERR_LIMIT).  fill_map_fini() after an error, too. */
MUST_CHECK enum err fill_map_read(struct fill_map *out, struct hub *h, const struct xlsx_book *book, const char *file,
                                  struct bytes text, const struct period *period, const char *programme,
                                  struct report *r);
void fill_map_fini(struct fill_map *m);

#endif
