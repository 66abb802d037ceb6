/* xlsx_write.h: a workbook in the making: sheets, cells in a few styles, rules for what may be typed.  libxlsxwriter
 * stops here.  The whole is kept in memory until it is written; a workbook is used by one thread.
 *
 * Rows and columns count from 0.  Like a struct buf, a workbook fails once and then takes nothing more: whoever fills
 * it asks xlsx_save() alone.  Texts are UTF-8; they are always written as text, never as formulas, whatever they begin
 * with; control characters become blanks.  The same content gives the same bytes. */
#ifndef SVODKA_COMMON_XLSX_WRITE_H
#define SVODKA_COMMON_XLSX_WRITE_H

#include "common/buf.h"

#define XLSX_MAX_ROWS       1048576u
#define XLSX_MAX_COLUMNS    16384u
#define XLSX_MAX_TEXT       32767u /* UTF-16 units in a cell */
#define XLSX_MAX_SHEET_NAME 31u    /* UTF-16 units */
#define XLSX_MAX_MESSAGE    255u   /* of a rule: what is longer is cut */
#define XLSX_MAX_FORMULA    255u   /* bytes of a rule's formula */
#define XLSX_MAX_SHEETS     64u
#define XLSX_MAX_BYTES      (64u << 20) /* of the file */

struct xlsx;
struct xlsx_sheet; /* belongs to its workbook */

/* How a cell looks; the headings are locked once the sheet is protected, inputs are not. */
enum xlsx_style {
    XLSX_PLAIN,
    XLSX_TITLE,    /* large, bold */
    XLSX_HEADING,  /* bold, wrapped, on grey */
    XLSX_REQUIRED, /* the same, on another ground: must be filled in */
    XLSX_CODE,     /* small and pale: for programs */
    XLSX_NOTE,     /* pale */
    XLSX_CELL,     /* with a frame */
    XLSX_TOTAL,    /* with a frame, bold */
    XLSX_GOOD,     /* with a frame, on green */
    XLSX_BAD,      /* with a frame, on red */
    XLSX_UNSURE,   /* with a frame, on yellow */
    XLSX_GROUP,    /* bold, wrapped, on pale grey: over the rows below */
    XLSX_REMARK,   /* wrapped */
    XLSX_INPUT,    /* unlocked */
    XLSX_STYLES
};
/* What a column of inputs is for: how Excel takes what is typed. */
enum xlsx_kind { XLSX_GENERAL, XLSX_TEXT, XLSX_DATE, XLSX_NUMBER };

/* `day`: days since 1970-01-01, the day that the document says it was made. */
MUST_CHECK enum err xlsx_new(struct xlsx **out, const char *title, int32_t day);
void xlsx_free(struct xlsx *x); /* NULL does nothing */

/* A sheet after those before it.  The name becomes one that Excel takes (at most 31 characters, none of []:*?/\, no
 * other sheet's): xlsx_sheet_name() tells it.  NULL once the workbook has failed. */
struct xlsx_sheet *xlsx_sheet(struct xlsx *x, const char *name);
const char *xlsx_sheet_name(const struct xlsx_sheet *s);

/* All of these do nothing when `s` is NULL or its workbook has failed. */
void xlsx_text(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_style style, const char *text);
/* `scaled` with `places` digits after the point (at most 9), shown with all of them. */
void xlsx_decimal(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_style style, int64_t scaled,
                  unsigned places);
/* Days since 1970-01-01; what Excel's calendar does not reach (before 1 March 1900) is written as text. */
void xlsx_date(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_style style, int32_t day);
/* An empty cell that may be filled in. */
void xlsx_blank(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_kind kind, unsigned places);
/* Every cell of the column that is not written may be filled in. */
void xlsx_open_column(struct xlsx_sheet *s, uint32_t column, enum xlsx_kind kind, unsigned places);
/* In characters.  Without it a column is as wide as its widest text, but at least 8 and at most 40 characters. */
void xlsx_width(struct xlsx_sheet *s, uint32_t column, double characters);
/* Height in lines of text; without it the program that opens the workbook finds it. */
void xlsx_lines(struct xlsx_sheet *s, uint32_t row, unsigned lines);
/* Lines that a bold text takes in a column of that width, broken between words; and the width of its longest word. */
unsigned xlsx_wrapped(const char *text, double characters);
double xlsx_longest_word(const char *text);
void xlsx_hide_row(struct xlsx_sheet *s, uint32_t row);
/* Rows above and columns left of this cell stay in view. */
void xlsx_freeze(struct xlsx_sheet *s, uint32_t row, uint32_t column);
/* One cell over several columns of a row. */
void xlsx_span(struct xlsx_sheet *s, uint32_t row, uint32_t column, uint32_t last_column, enum xlsx_style style,
               const char *text);
/* Against accidents, without a password. */
void xlsx_protect(struct xlsx_sheet *s);
void xlsx_hide(struct xlsx_sheet *s);
#define XLSX_PAGE_WIDTH 200.0 /* characters that can still be read on one page's width */
/* A4, lying, as wide as the page; the first `rows` rows on every page. */
void xlsx_print_wide(struct xlsx_sheet *s, uint32_t rows);
/* A4, lying, as many pages beside each other as it takes; the first columns on every page. */
void xlsx_print_many(struct xlsx_sheet *s, uint32_t columns);
/* What stands at the foot of every printed page, beside its number; what is longer than 100 characters is cut. */
void xlsx_footer(struct xlsx_sheet *s, const char *text);

/* Texts that a cell may have, on a hidden sheet; returns the number of the list, for rules. */
uint32_t xlsx_list(struct xlsx *x, const char *const *texts, uint32_t count);

/* What may be typed into cells.  Empty cells are always allowed. */
enum xlsx_rule_kind {
    XLSX_ANY,     /* the hint alone */
    XLSX_LIST,    /* a text of `list` */
    XLSX_WHOLE,   /* a whole number from least to most */
    XLSX_REAL,    /* a number from least to most */
    XLSX_DAY,     /* a date from least to most, days since 1970-01-01 */
    XLSX_LENGTH,  /* a text of least to most characters */
    XLSX_FORMULA, /* `formula` (without =) is true of the first cell; its references move with the others */
};
struct xlsx_rule {
    enum xlsx_rule_kind kind;
    uint32_t list;
    double least, most;
    const char *formula;
    const char *hint_title, *hint;       /* shown when the cell is entered; NULL: nothing */
    const char *message_title, *message; /* when it is refused; NULL: the program's own words */
};
void xlsx_rule(struct xlsx_sheet *s, uint32_t row, uint32_t column, uint32_t last_row, uint32_t last_column,
               const struct xlsx_rule *rule);

/* "B3", "$B$3": for formulas. */
#define XLSX_CELL_MAX 16u
void xlsx_cell_name(char out[XLSX_CELL_MAX], uint32_t row, uint32_t column, bool is_fixed);

/* Writes the file whole or not at all, readable by its owner alone; ends the workbook, which then can only be freed.
 * ERR_EXISTS unless `may_exist`; ERR_LIMIT: beyond what Excel takes (err_text() names sheet and cell), or too large;
 * ERR_USAGE: no name ending in .xlsx. */
MUST_CHECK enum err xlsx_save(struct xlsx *x, const char *path, bool may_exist);

#endif
