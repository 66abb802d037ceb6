/* xlsx_mark_internal.h: shared by xlsx_mark*.c alone. */
#ifndef SVODKA_COMMON_XLSX_MARK_INTERNAL_H
#define SVODKA_COMMON_XLSX_MARK_INTERNAL_H

#include "common/report.h"
#include "common/xlsx_mark.h"
#include "common/xlsx_read_internal.h"
#include "common/xml_edit.h"
#include "common/zip_edit.h"

/* A cell to be marked. */
struct spot {
    uint32_t sheet, row, column;
    uint32_t base;  /* its style now: the cell's, else its row's or column's */
    uint32_t style; /* the same on red */
    struct bytes text;
    bool is_noted; /* its comment is written */
};

/* A part that is new in the workbook. */
struct added_part {
    char name[48];
    bool is_drawing;
};

struct marking {
    struct xlsx_book *b;
    struct zip_edit *zip;
    struct spot *spots; /* by sheet, row, column; no two of one cell */
    uint32_t count;
    struct buf text; /* what theirs points to: does not move */
    struct added_part *added;
    uint32_t added_count;
    uint32_t next_part; /* number of the next part that is added */
};

MUST_CHECK enum err mark_cannot(const char *why);
/* "D7" with a sheet's first row and column 1. */
#define MARK_PLACE_MAX 24u
void mark_place(char out[MARK_PLACE_MAX], uint32_t row, uint32_t column);
/* Puts the edited part into the new workbook. */
MUST_CHECK enum err mark_put(struct marking *m, struct xml_edit *x);

/* ---- xlsx_mark_survey.c: what there is to know about a sheet before it is edited ---- */

/* A frozen or split view. */
struct mark_pane {
    bool is_there, is_frozen;
    uint32_t rows, columns; /* frozen */
};
struct mark_survey {
    struct book_area *merged;
    uint32_t merged_count, merged_cap;
    struct mark_columns *columns; /* styles of whole columns */
    uint32_t column_count, column_cap;
    char drawing[64]; /* id of the relation to the drawing with its comments; "": none */
    struct mark_pane pane;
};
MUST_CHECK enum err mark_survey(struct mark_survey *s, struct xml_edit *x);
void mark_survey_fini(struct mark_survey *s);
/* The spots' `base`, of one sheet. */
MUST_CHECK enum err mark_bases(const struct mark_survey *s, struct xml_edit *x, struct spot *spots, uint32_t count);

/* ---- xlsx_mark_style.c ---- */

/* Gives each spot its `style`. */
MUST_CHECK enum err mark_styles(struct marking *m);
#define MARK_SIGN "<!--svodka: marked copy-->" /* in the part with the styles: no program keeps it */

/* ---- xlsx_mark_sheet.c ---- */

/* The cells of one sheet; is_first: the workbook opens here, at the first of them.  `drawing`: id of a new relation to
 * a drawing with comments; "": there is one already. */
MUST_CHECK enum err mark_sheet(struct marking *m, struct xml_edit *x, const struct mark_survey *s, struct spot *spots,
                               uint32_t count, bool is_first, const char *drawing);

/* ---- xlsx_mark_notes.c ---- */

/* The comments of one sheet; `drawing` becomes the id of the relation that mark_sheet() has to name. */
#define MARK_ID_MAX 32u
MUST_CHECK enum err mark_notes(struct marking *m, const struct mark_survey *s, struct spot *spots, uint32_t count,
                               char drawing[MARK_ID_MAX]);

#endif
