/* xlsx_read_internal.h: shared by xlsx_read*.c, xlsx_mark*.c and xlsx_fill.c alone. */
#ifndef SVODKA_COMMON_XLSX_READ_INTERNAL_H
#define SVODKA_COMMON_XLSX_READ_INTERNAL_H

#include "common/xlsx_number.h"
#include "common/xlsx_read.h"
#include "common/xml_in.h"

#define PART_NAME_MAX 512u

struct book_sheet {
    char *name;
    char *part; /* name in the archive */
    bool is_hidden;
};

/* Texts that cells name by number. */
struct book_strings {
    struct buf text;
    size_t *ends;
    uint32_t count, cap;
};

struct xlsx_book {
    void *bytes;
    size_t len;
    struct zip_in *zip;
    struct book_sheet *sheets;
    uint32_t sheet_count, sheet_cap;
    bool is_1904;
    struct xlsx_format *formats; /* by the number in a cell's s= */
    uint32_t format_count, format_cap;
    struct book_strings strings;
    char *part, *styles_part; /* of the list of sheets; of the formats, or NULL */
};

/* ---- xlsx_read_kind.c ---- */

/* What the file is when it is no workbook of ours; OK: it may be one.  `z` NULL: it is no archive. */
MUST_CHECK enum err book_judge_bytes(struct bytes b);
MUST_CHECK enum err book_judge_parts(const struct zip_in *z);

/* ---- xlsx_read_book.c: the parts beside the sheets ---- */

MUST_CHECK enum err book_read_parts(struct xlsx_book *b);

/* What a part says about parts beside it; what lies outside the workbook is left out. */
struct relation {
    char *id, *type, *target; /* type: what stands behind its last slash; target: a part's name */
};
struct relations {
    const char *base; /* the folder that targets start from, with its slash */
    struct relation *items;
    uint32_t count, cap;
};
/* The name of the part with the relations of `part`: "xl/_rels/workbook.xml.rels"; and the folder of `part`. */
#define RELATIONS_NAME_MAX 1024u /* twice PART_NAME_MAX */
void book_relations_name(const char *part, char out[RELATIONS_NAME_MAX], char base[PART_NAME_MAX]);
/* `r->base` is set.  ERR_NOT_FOUND: there is no such part. */
MUST_CHECK enum err book_relations_read(struct xlsx_book *b, const char *part, struct relations *r);
void book_relations_fini(struct relations *r);
/* The first with that id and type, each NULL: any; NULL: there is none. */
const struct relation *book_relation(const struct relations *r, const char *id, const char *type);

/* ---- xlsx_read_strings.c ---- */

MUST_CHECK enum err book_read_strings(struct xlsx_book *b, const char *part);
/* ERR_MALFORMED: there is no such text. */
MUST_CHECK enum err book_string(const struct xlsx_book *b, uint32_t i, struct bytes *out);
/* Appends `text` with Excel's _x000D_ for characters made these again. */
void book_put_unescaped(struct buf *out, struct bytes text);

/* Rows and columns from 1, both ends belong to it. */
struct book_area {
    uint32_t top, left, bottom, right;
};
/* "D7" and "$D$7"; how many bytes it took, 0: no place. */
size_t book_read_place(const char *text, uint32_t *row, uint32_t *column);
/* "A1:B3"; false: no area. */
bool book_read_area(const char *text, struct book_area *a);

/* "12" to 12; false: no number, or more than `max`. */
bool book_read_u32(const char *text, uint32_t max, uint32_t *out);
/* "1", "true": an attribute that says yes. */
bool book_is_true(const char *attribute);
MUST_CHECK enum err book_malformed(void);
/* Room for one more of `size` bytes in *items, which has `count` of *cap and never more than `max`. */
MUST_CHECK enum err book_grow(void *items, size_t size, uint32_t count, uint32_t *cap, uint32_t max);

#endif
