#include "agent/today.h"

#include "agent/queue.h"
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

enum err agent_today(const struct agent *a, struct today *out)
{
    int64_t wall_ms = clock_wall_ms();
    struct queue_clock c;
    int64_t as_wrong_ms, least_ms;
    bool is_right, is_as_wrong;
    enum err e = queue_clock(a, NULL, &c);

    if (e != OK)
        return e;
    as_wrong_ms = was_wrong(&c) ? wall_ms + c.offset_ms : wall_ms; /* if it is as wrong as it was */
    least_ms = as_wrong_ms < wall_ms ? as_wrong_ms : wall_ms;
    if (least_ms < c.hub_ms) /* what the district has said is at least over */
        least_ms = c.hub_ms;
    is_right = can_be(&c, wall_ms);
    is_as_wrong = was_wrong(&c) && can_be(&c, as_wrong_ms);
    if (is_right == is_as_wrong)
        *out = (struct today){.day = zone_at(a->conf.zone, least_ms).day, .is_guess = true};
    else /* a clock that is behind is one with a dead battery, most often: it began anew since, and nobody knows when */
        *out = (struct today){.day = zone_at(a->conf.zone, is_right ? wall_ms : as_wrong_ms).day,
                              .is_guess = !is_right && c.offset_ms > 0};
    return OK;
}
