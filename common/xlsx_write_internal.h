/* xlsx_write_internal.h: shared by xlsx_write*.c alone. */
#ifndef SVODKA_COMMON_XLSX_WRITE_INTERNAL_H
#define SVODKA_COMMON_XLSX_WRITE_INTERNAL_H

#include "common/late_xlsx.h"
#include "common/value.h"
#include "common/xlsx_write.h"

/* How numbers are shown. */
#define FORMAT_GENERAL 0u
#define FORMAT_TEXT    1u
#define FORMAT_DATE    2u
#define FORMAT_PLACES  3u /* with 0 places; those with 1 to 9 follow */
#define FORMATS        (FORMAT_PLACES + VALUE_MAX_PLACES + 1u)

#define EXCEL_EPOCH     25569    /* 1970-01-01 in Excel's days */
#define EXCEL_FIRST_DAY (-25508) /* 1900-03-01: before it Excel's calendar has a day too many */

struct xlsx_sheet {
    struct xlsx *x;
    lxw_worksheet *sheet;
    char name[XLSX_MAX_SHEET_NAME * 4 + 1];
    struct buf widths; /* double per column: 0 nothing was said or written, negative: said */
    bool has_footer;
    struct buf kinds; /* uint8_t per column: 1 + format of inputs; 0: locked */
};

struct xlsx {
    char tmp[32]; /* /proc/self/fd/N */
    int fd;       /* a file in memory: nothing of the content is left anywhere */
    lxw_workbook *book;
    lxw_format *formats[XLSX_STYLES][FORMATS];
    struct xlsx_sheet *sheets[XLSX_MAX_SHEETS];
    uint32_t sheet_count;
    struct xlsx_sheet *lists;
    uint32_t list_count;
    struct buf text; /* what is being written */
    enum err failed;
    char why[512];
};

/* ---- xlsx_write.c ---- */

/* The first failure is kept. */
void xlsx_fail(struct xlsx *x, enum err e);
void xlsx_check(struct xlsx *x, lxw_error e);
bool xlsx_is_usable(const struct xlsx_sheet *s); /* there, and not failed */
bool xlsx_is_inside(struct xlsx_sheet *s, uint32_t row, uint32_t column);
size_t xlsx_units(const char *text, size_t len); /* of UTF-16: what Excel counts */
size_t xlsx_cut(const char *text, size_t units); /* the longest beginning of so many, in bytes */

/* ---- xlsx_write_cell.c ---- */

/* NULL: the workbook has failed. */
lxw_format *xlsx_format(struct xlsx *x, enum xlsx_style style, uint32_t number);
void xlsx_set_columns(struct xlsx_sheet *s);

#endif
