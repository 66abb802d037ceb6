#include "agent/today.h"

#include "agent/queue.h"
#include "common/cli.h"
#include "common/clock.h"

#define DAY_MS INT64_C(86400000)

enum err agent_today(const struct agent *a, int32_t *day)
{
    int64_t wall_ms = clock_wall_ms();
    int64_t here_ms = wall_ms;
    char clock[32], said[32];
    struct queue_clock c;
    enum err e = queue_clock(a, NULL, &c);

    if (e != OK)
        return e;
    /* The least of the two that is not before what the district has said: who sets the clock right is believed. */
    if (c.has_offset && c.offset_ms < -DAY_MS && wall_ms + c.offset_ms >= c.hub_ms - DAY_MS)
        here_ms = wall_ms + c.offset_ms;
    else if (c.has_offset && c.offset_ms > DAY_MS && wall_ms < c.hub_ms - DAY_MS)
        here_ms = wall_ms + c.offset_ms;
    if (here_ms >= c.hub_ms - DAY_MS) {
        *day = zone_at(a->conf.zone, here_ms).day;
        return OK;
    }
    cli_format_day(clock, sizeof(clock), wall_ms);
    cli_format_day(said, sizeof(said), c.hub_ms);
    return err_set(ERR_INVALID,
                   _("by the clock of this computer it is %s, but the district's last word is of %s: set the clock, or "
                     "give the day with --filled-on"),
                   clock, said);
}
