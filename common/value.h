/* value.h: one answer.  A value is present or in one of four states, none of which is zero. */
#ifndef SVODKA_COMMON_VALUE_H
#define SVODKA_COMMON_VALUE_H

#include "common/buf.h"

enum value_type {
    VALUE_INTEGER,
    VALUE_DECIMAL, /* a scaled integer: 3.50 with two places is 350 */
    VALUE_TEXT,    /* UTF-8, NFC */
    VALUE_DATE,    /* days since 1970-01-01, proleptic Gregorian */
    VALUE_BOOLEAN,
    VALUE_SELECT_ONE,      /* index into the choice list of this very form version */
    VALUE_SELECT_MULTIPLE, /* bit i set: choice i; at most 64 choices */
    VALUE_REPEAT
};

enum value_state {
    VALUE_PRESENT = 0,
    VALUE_NOT_ASKED = 1, /* `relevant` was false */
    VALUE_NOT_KNOWN = 2,
    VALUE_NOT_APPLICABLE = 3,
    VALUE_MISSING = 4 /* asked, left empty */
};

struct value;
struct value_rows {
    const struct value *cells; /* row-major: cells[row * columns + column] */
    uint32_t rows;
    uint32_t columns;
};

/* Text and rows are loans; whoever fills a value says how long they live. */
struct value {
    enum value_state state; /* anything but VALUE_PRESENT: `as` means nothing */
    union {
        int64_t i;    /* INTEGER, DECIMAL, DATE, BOOLEAN (0 or 1), SELECT_ONE */
        uint64_t set; /* SELECT_MULTIPLE */
        struct bytes text;
        struct value_rows rows;
    } as;
};

#define VALUE_MAX_CHOICES_MULTIPLE 64u
#define VALUE_MAX_PLACES           9u

/* A choice is known by its code for ever; labels are for people. */
struct choice {
    const char *code;
    const char *label_ru; /* NULL: none */
    const char *label_en;
};
struct choice_list {
    const char *name;
    const struct choice *items;
    uint32_t count;
};
/* Index of the code, or -1. */
int32_t choice_find(const struct choice_list *l, const char *code, size_t len);

/* Dates, ISO 8601 (YYYY-MM-DD), and the Russian DD.MM.YYYY (also 1.9.2020) where a person types; years 0001 to 9999.
 * ERR_MALFORMED: not a date.  ERR_INVALID: there is no such day.  On failure *days is untouched. */
#define DATE_MIN (-719162) /* 0001-01-01 */
#define DATE_MAX 2932896   /* 9999-12-31 */
MUST_CHECK enum err date_parse(int32_t *days, const char *text, size_t len);
MUST_CHECK enum err date_parse_local(int32_t *days, const char *text, size_t len); /* both forms */
/* "0000-00-00" for days outside DATE_MIN to DATE_MAX. */
void date_format(char out[11], int32_t days);
int32_t date_from_civil(int year, int month, int day);
int32_t date_year_before(int32_t day); /* the same day of the year before; of 29 February the 28th */
void date_to_civil(int32_t days, int *year, int *month, int *day);

/* Decimal text to a scaled integer; accepts '.' and ',' and a sign, no exponent.
 * ERR_MALFORMED: not a number; ERR_INVALID: more places than `places` (zeros at the end do not count: 3.500 is 3.50);
 * ERR_LIMIT: beyond 18 digits.  On failure *scaled is untouched. */
MUST_CHECK enum err decimal_parse(int64_t *scaled, const char *text, size_t len, unsigned places);
void decimal_format(struct buf *out, int64_t scaled, unsigned places);

#endif
