/* zone_internal.h: shared by zone*.c alone. */
#ifndef SVODKA_COMMON_ZONE_INTERNAL_H
#define SVODKA_COMMON_ZONE_INTERNAL_H

#include "common/zone.h"

/* When clocks are put on or back, year after year, after the last change that the file lists. */
enum zone_day_kind { ZONE_DAY_WEEK, ZONE_DAY_JULIAN, ZONE_DAY_NUMBER };
struct zone_day {
    enum zone_day_kind kind;
    int month, week, weekday; /* WEEK: 1..12, 1..5 (5: the last), 0 Sunday */
    int number;               /* JULIAN: 1..365 without 29 February; NUMBER: 0..365 */
    int32_t second;           /* of that day by the clocks before; may lie outside it */
};
struct zone_rule {
    bool is_there, has_summer;
    int32_t standard, summer; /* seconds east of Greenwich */
    struct zone_day from, to; /* of summer time */
};

struct zone {
    size_t count;
    struct zone_change {
        int64_t at; /* seconds since 1970 */
        int32_t offset;
    } * changes;
    int32_t before; /* the offset before the first of them */
    struct zone_rule rule;
};

/* zone_rule.c: the file's last line ("CET-1CEST,M3.5.0,M10.5.0/3").  False: it cannot be read. */
bool zone_rule_read(struct zone_rule *r, const char *text);
int32_t zone_rule_offset(const struct zone_rule *r, int64_t at);

#endif
