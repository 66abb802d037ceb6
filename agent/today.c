#include "agent/today.h"

#include "agent/queue.h"
#include "common/cli.h"
#include "common/clock.h"

#define DAY_MS       INT64_C(86400000)
#define TRUSTED_DAYS 100 /* that a clock goes wrong alike */

static bool was_wrong(const struct queue_clock *c)
{
    return c->has_offset && (c->offset_ms > DAY_MS || c->offset_ms < -DAY_MS);
}

/* Not before what the district has said; and of a clock that was wrong already not long after it, either. */
static bool can_be(const struct queue_clock *c, int64_t here_ms)
{
    return here_ms >= c->hub_ms - DAY_MS && (!was_wrong(c) || here_ms <= c->hub_ms + TRUSTED_DAYS * DAY_MS);
}

enum err agent_today(const struct agent *a, int32_t *day)
{
    int64_t wall_ms = clock_wall_ms();
    char clock[32], said[32];
    struct queue_clock c;
    int32_t by_clock, by_district;
    enum err e = queue_clock(a, NULL, &c);

    if (e != OK)
        return e;
    by_clock = by_district = zone_at(a->conf.zone, wall_ms).day; /* as it is, and if it is as wrong as it was */
    if (was_wrong(&c))
        by_district = zone_at(a->conf.zone, wall_ms + c.offset_ms).day;
    if (can_be(&c, wall_ms) && (by_clock == by_district || !can_be(&c, wall_ms + c.offset_ms))) {
        *day = by_clock;
        return OK;
    }
    if (by_clock != by_district && can_be(&c, wall_ms + c.offset_ms) && !can_be(&c, wall_ms)) {
        *day = by_district;
        return OK;
    }
    cli_format_day(clock, sizeof(clock), wall_ms);
    cli_format_day(said, sizeof(said), c.hub_ms);
    return err_set(ERR_INVALID,
                   _("by the clock of this computer it is %s, but it is wrong or was when the district confirmed "
                     "something last, on %s: give the day with --filled-on, or set the clock and sync"),
                   clock, said);
}
