/* next_year_internal.h: shared by next_year*.c alone. */
#ifndef SVODKA_HUB_NEXT_YEAR_INTERNAL_H
#define SVODKA_HUB_NEXT_YEAR_INTERNAL_H

#include "hub/next_year.h"

struct next_year {
    struct pack *pack;
    int year;         /* 2021 for 2021/22 */
    int32_t last_day; /* of that school year */
    struct calendar *calendar;
    next_year_say say;
    void *ctx;
    char *said; /* the last target that was named: versions of one indicator have the same */
};
void next_year_tell(const struct next_year *n, enum next_year_what what, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Replaces a file's bytes by a copy. */
MUST_CHECK enum err next_year_replace(struct pack_file *f, const struct buf *text);
/* The document of a file of the pack; NULL: no such file. */
MUST_CHECK enum err next_year_parse(const struct next_year *n, const char *file, struct yaml_doc **out);

/* ---- a year later (next_year_text.c) ---- */

/* Every year that stands by itself ("2020", "2020/21") one later.  False: there is none. */
bool shift_text(struct buf *out, const char *text);
/* The same day a year later; the last day of February stays that. */
int32_t shift_day(int32_t day);

/* next_year_periods.c: periods.yaml and shared/periods.yaml. */
MUST_CHECK enum err next_year_periods(const struct next_year *n, const char *file);

#endif
