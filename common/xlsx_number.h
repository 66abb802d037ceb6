/* xlsx_number.h: what a number in a workbook says, by the format of its cell: Excel keeps dates, shares and codes all
 * as numbers and tells them apart by how they are shown. */
#ifndef SVODKA_COMMON_XLSX_NUMBER_H
#define SVODKA_COMMON_XLSX_NUMBER_H

#include "common/buf.h"

enum xlsx_shown {
    XLSX_SHOWN_NUMBER,
    XLSX_SHOWN_DATE,    /* a day; the hour is not shown */
    XLSX_SHOWN_MOMENT,  /* a day and a time */
    XLSX_SHOWN_TIME,    /* a time of day, or a duration */
    XLSX_SHOWN_PERCENT, /* 0.45 stands there as 45 % */
    XLSX_SHOWN_ZEROS    /* 00000: a code with zeros in front */
};
struct xlsx_format {
    enum xlsx_shown shown;
    uint8_t zeros; /* of ZEROS: digits at least */
};

/* By the number of a built-in format; 14 to 22, 27 to 36, 45 to 47 and 50 to 58 are dates and times. */
struct xlsx_format xlsx_format_builtin(uint32_t id);
/* By a format's code, as `dd.mm.yyyy`, `[$-419]mmmm yyyy`, `0.0%` or `#,##0 "г."`: its first section counts. */
struct xlsx_format xlsx_format_of(const char *code);

/* Appends the number as text, rounded to the 15 significant digits that Excel shows: 0.30000000000000004 is 0.3.  It
 * never goes through a double.  Dates become 2020-09-01, moments 2020-09-01 08:30 (2020-09-01 at midnight), times
 * 08:30, shares 45%.  `is_1904`: days count from 1904-01-01, else from 1900-01-01 with its day too many. ERR_MALFORMED:
 * no number; ERR_LIMIT: more than 30 digits before or after the point; ERR_INVALID: no day of the calendar, 29 February
 * 1900 among them.  Then nothing was appended. */
MUST_CHECK enum err xlsx_number_put(struct buf *out, const char *text, size_t len, struct xlsx_format format,
                                    bool is_1904);

#endif
