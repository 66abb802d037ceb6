/* xlsx_read.h: rows of cells out of a workbook (.xlsx), one at a time, as text, with what stands in the way of taking a
 * cell.  libzip and expat stop at zip_in.h and xml_in.h.
 *
 * The workbook is hostile: everything is bounded before there is room made for it, a document type is refused, nothing
 * is computed (a formula's stored result is read), no link is followed.  One thread uses a workbook; its bytes are kept
 * in memory and wiped, rows are not kept.  docs/import.md tells people what is read how. */
#ifndef SVODKA_COMMON_XLSX_READ_H
#define SVODKA_COMMON_XLSX_READ_H

#include "common/buf.h"

#define XLSX_READ_MAX_BYTES        (64u << 20) /* of the file */
#define XLSX_READ_MAX_SHEETS       1024u
#define XLSX_READ_MAX_ROW          1048576u
#define XLSX_READ_MAX_COLUMN       16384u
#define XLSX_READ_MAX_CELL         (128u << 10) /* bytes of one cell's text: Excel's 32,767 characters */
#define XLSX_READ_MAX_STRINGS      (2u << 20)   /* texts that cells share ... */
#define XLSX_READ_MAX_STRING_BYTES (128u << 20) /* ... and their bytes */
#define XLSX_READ_MAX_FORMATS      65536u
#define XLSX_READ_MAX_MERGED       10000u /* of one sheet */
#define XLSX_READ_MAX_ROW_BYTES    (8u << 20)

/* What stands in the way. */
enum xlsx_fault {
    XLSX_FAULT_NONE,
    XLSX_FAULT_ERROR,     /* #N/A, #DIV/0!: the text of the cell */
    XLSX_FAULT_NO_RESULT, /* a formula that no program has computed */
    XLSX_FAULT_NO_DAY,    /* shown as a date, but there is no such day (29.02.1900, or negative) */
    XLSX_FAULT_NO_NUMBER, /* its number cannot be read, or has too many digits */
    XLSX_FAULT_COVERED    /* part of merged cells, not the first of them: its text is that of the first, if it stands in
                             this row, else "" */
};
/* A sentence for a person in the language of the messages; "" for NONE. */
const char *xlsx_fault_text(enum xlsx_fault f);

struct xlsx_cell {
    struct bytes text; /* UTF-8; empty: nothing there */
    enum xlsx_fault fault;
};
struct xlsx_row {
    uint32_t number; /* as in the margin, from 1 */
    uint32_t count;  /* up to the last cell with a text or a fault */
    bool is_hidden;
    const struct xlsx_cell *cells; /* loans until the next row */
};

struct xlsx_book;
/* Takes `bytes` (from malloc), on failure too.  ERR_MALFORMED, ERR_LIMIT: a sentence says what the file is instead
 * (encrypted, .xls, .xlsm, .xlsb, .ods, text, damaged) and what to do. */
MUST_CHECK enum err xlsx_book_open(struct xlsx_book **out, void *bytes, size_t len);
void xlsx_book_close(struct xlsx_book *b); /* NULL does nothing */

/* Sheets with cells, in their order: charts are none. */
uint32_t xlsx_book_sheets(const struct xlsx_book *b);
const char *xlsx_book_sheet_name(const struct xlsx_book *b, uint32_t sheet);
bool xlsx_book_sheet_is_hidden(const struct xlsx_book *b, uint32_t sheet);
/* Index of a name, without regard to case and blanks; -1: there is none. */
int32_t xlsx_book_find_sheet(const struct xlsx_book *b, const char *name);

struct xlsx_rows;
/* Reads the sheet once through for its merged cells; the book must outlive the rows. */
MUST_CHECK enum err xlsx_rows_open(struct xlsx_rows **out, struct xlsx_book *b, uint32_t sheet);
void xlsx_rows_close(struct xlsx_rows *r); /* NULL does nothing */
/* The next row that is not empty.  ERR_NOT_FOUND: no more; ERR_MALFORMED, ERR_LIMIT: reading cannot go on. */
MUST_CHECK enum err xlsx_rows_next(struct xlsx_rows *r, struct xlsx_row *row);
/* Is the column (from 0) hidden? */
bool xlsx_rows_column_is_hidden(const struct xlsx_rows *r, uint32_t column);
/* For progress. */
uint64_t xlsx_rows_offset(const struct xlsx_rows *r);
uint64_t xlsx_rows_size(const struct xlsx_rows *r);

#endif
