/* roster_internal.h: what roster_load.c fills and roster.c answers from. */
#ifndef SVODKA_HUB_ROSTER_INTERNAL_H
#define SVODKA_HUB_ROSTER_INTERNAL_H

#include "hub/roster.h"

#define ROSTER_NO_TEXT 0u /* offset of the empty text */

/* What one row says.  Texts are offsets in `texts`. */
struct roster_row {
    uint32_t unit, name, kind, settlement, successor, branch_of;
    int32_t begins;       /* first day of its period */
    int32_t since, until; /* INT32_MIN, INT32_MAX: not known */
    uint32_t order;       /* as it was read: the later one holds when two begin on one day */
    uint8_t status, small, remote;
};

struct roster_unit {
    uint32_t first_row, row_count; /* sorted by `begins` */
};

struct roster {
    bool is_entered;
    struct roster_row *rows; /* by unit, then by time */
    size_t row_count, row_cap;
    struct roster_unit *units; /* by id */
    size_t unit_count;
    uint32_t *leavers; /* of units: those of which some row names a successor */
    size_t leaver_count;
    struct buf texts; /* each ends with 0 */
};

static inline const char *roster_text(const struct roster *r, uint32_t offset)
{
    return (const char *)r->texts.data + offset;
}

#endif
