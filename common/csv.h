/* csv.h: rows of cells out of CSV bytes (RFC 4180, any one-byte delimiter, UTF-8 with or without BOM, Windows-1251),
 * and the writer.  The source of `import` is "rows of cells"; other readers (spreadsheets) can stand beside this one.
 *
 * Lines end with CRLF, LF or a lone CR, in any mixture.  A quote opens a quoted cell only as its first character;
 * elsewhere it is text (ГБОУ "Лицей").  Zero bytes are refused. */
#ifndef SVODKA_COMMON_CSV_H
#define SVODKA_COMMON_CSV_H

#include "common/buf.h"

#include <stdio.h>

#define CSV_MAX_CELL    (1u << 20)
#define CSV_MAX_COLUMNS 2000u
#define CSV_MAX_ROW     (8u << 20) /* bytes of one row besides its longest allowed cell */

enum csv_encoding { CSV_ENCODING_AUTO, CSV_UTF8, CSV_CP1251 };

struct csv_options {
    char delimiter;             /* 0: the most frequent of ; , TAB outside quotes in the first line; none: ; */
    enum csv_encoding encoding; /* AUTO: UTF-8 when the file is valid UTF-8 or a damaged one, else Windows-1251 */
    size_t max_cell;            /* 0: CSV_MAX_CELL */
};

struct csv_row {
    uint32_t line; /* of its first character, from 1 */
    uint32_t count;
    const struct bytes *cells; /* UTF-8, not NUL-terminated, loans until the next csv_next() */
    /* Why a cell cannot be taken whatever its text, a sentence; or NULL.  NULL for all: CSV has no such cells,
     * workbooks have. */
    const char *const *faults;
    /* The same cells, but those that were merged have the text of the first of them that stands in this row: so
     * headings over several columns are read.  NULL: `cells`. */
    const struct bytes *spread;
};

struct csv;

/* Reads from an open file that stays the caller's and must be seekable (AUTO looks through it first).  A byte order
 * mark of UTF-8 decides the encoding whatever was asked.  ERR_MALFORMED: not CSV but UTF-16 or a spreadsheet file. */
MUST_CHECK enum err csv_open(struct csv **out, FILE *from, const struct csv_options *o);
void csv_close(struct csv *c); /* csv_close(NULL) does nothing */
/* ERR_NOT_FOUND: no more rows.  ERR_MALFORMED: unclosed quote, text after a closing quote, bad encoding, zero byte:
 * err_text() names line and column (counted in cells); reading cannot go on.  ERR_LIMIT: cell, row or columns.
 * Rows of blank cells only are skipped. */
MUST_CHECK enum err csv_next(struct csv *c, struct csv_row *row);
char csv_delimiter(const struct csv *c);
enum csv_encoding csv_encoding_found(const struct csv *c);
/* Bytes read so far, for progress. */
uint64_t csv_offset(const struct csv *c);

/* One cell, quoted when needed.  `neutralise`: a leading = + - @ TAB CR gets an apostrophe (spreadsheet formulas);
 * not for numbers. */
void csv_put_cell(struct buf *out, char delimiter, const char *text, size_t len, bool neutralise);

#endif
