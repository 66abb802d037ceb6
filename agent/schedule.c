#include "agent/schedule.h"

#define MINUTE_MS       INT64_C(60000)
#define DAY_MS          (ZONE_DAY_MIN * MINUTE_MS)
#define HOUR_MS         (60 * MINUTE_MS)
#define FIRST_JITTER_MS 15000 /* a computer that has just joined */
#define NIGHTS_MAX      370   /* looked at for the next one in which it is sent */
#define CLOCK_MS        120000

static int64_t from_chance(uint64_t chance, int64_t below_ms)
{
    return below_ms <= 0 ? 0 : (int64_t)(chance % (uint64_t)below_ms);
}

/* ---- the window ---- */

/* By what clocks show at the school: also when they are put on or back in that night. */
static int64_t moment_of_day(const struct agent_conf *c, uint64_t own, int32_t day)
{
    int64_t minutes = (c->window_to_min - c->window_from_min + ZONE_DAY_MIN) % ZONE_DAY_MIN;
    int64_t in_window = from_chance(own, (minutes == 0 ? ZONE_DAY_MIN : minutes) * MINUTE_MS);
    int64_t minute = c->window_from_min + in_window / MINUTE_MS;

    return zone_moment(c->zone, day + (int32_t)(minute / ZONE_DAY_MIN), (int32_t)(minute % ZONE_DAY_MIN)) +
           in_window % MINUTE_MS;
}

/* The first one after `now_ms`, and whether days without matter. */
static int64_t night_after(const struct agent_conf *c, uint64_t own, int64_t now_ms, bool any_day)
{
    int32_t day = zone_at(c->zone, now_ms).day - 1;

    for (int i = 0; i < NIGHTS_MAX; i++, day++)
        if ((any_day || sync_days_has(&c->days, day)) && moment_of_day(c, own, day) > now_ms)
            return moment_of_day(c, own, day);
    return SCHEDULE_NEVER;
}

int64_t schedule_night(const struct agent_conf *c, uint64_t own, int64_t now_ms)
{
    return night_after(c, own, now_ms, false);
}

static int64_t last_night(const struct agent_conf *c, uint64_t own, int64_t now_ms)
{
    int32_t day = zone_at(c->zone, now_ms).day;

    for (int i = 0; i < NIGHTS_MAX; i++, day--)
        if (sync_days_has(&c->days, day) && moment_of_day(c, own, day) <= now_ms)
            return moment_of_day(c, own, day);
    return INT64_MIN;
}

/* ---- deciding ---- */

bool schedule_is_missed(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, int64_t now_ms)
{
    return s->success_ms > now_ms + CLOCK_MS || s->success_ms < last_night(c, own, now_ms) ||
           s->success_ms == INT64_MIN; /* as if */
}

static int64_t backoff(const struct agent_conf *c, uint32_t failures, uint64_t chance)
{
    int64_t most = c->retry_first_ms;

    for (uint32_t i = 0; i < failures && most < c->retry_cap_ms; i++)
        most *= 2;
    return from_chance(chance, most < c->retry_cap_ms ? most : c->retry_cap_ms);
}

/* The hub's word, or once a day, is still ahead.  If the clock was put back since, nobody knows how long ago it was
 * said. */
static int64_t wait_for_hub(const struct schedule_state *s, int64_t now_ms, uint64_t chance)
{
    int64_t said_ms = s->not_before_ms - s->noted_ms;

    if (s->noted_ms <= now_ms + CLOCK_MS)
        return s->not_before_ms;
    if (said_ms < 0 || said_ms > HOUR_MS)
        said_ms = HOUR_MS;
    return now_ms + said_ms + from_chance(chance, SCHEDULE_MISSED_MS);
}

int64_t schedule_next(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, int64_t now_ms,
                      uint64_t chance)
{
    if (s->not_before_ms == SCHEDULE_NEVER)
        return SCHEDULE_NEVER;
    if (s->not_before_ms > now_ms)
        return wait_for_hub(s, now_ms, chance);
    if (s->failures > 0)
        return now_ms + backoff(c, s->failures, chance);
    if (s->urgent != 0)
        return now_ms;
    if (s->success_ms == 0)
        return now_ms + from_chance(chance, FIRST_JITTER_MS);
    if (s->not_before_ms != 0 && now_ms - s->not_before_ms < SCHEDULE_MISSED_MS) /* asked back, and it is time */
        return now_ms;
    if (s->not_before_ms != 0 || schedule_is_missed(s, c, own, now_ms))
        return now_ms + from_chance(chance, SCHEDULE_MISSED_MS);
    return schedule_night(c, own, now_ms);
}

/* SPEC.md 6.7: what each refusal asks of us. */
static void after_refusal(struct schedule_state *s, const struct agent_conf *c, uint64_t own, enum message_error why,
                          int64_t now_ms)
{
    switch (why) {
    case MERR_VERSION:
    case MERR_UNKNOWN:
    case MERR_REVOKED:
    case MERR_HELD:
    case MERR_SIGNATURE: s->not_before_ms = night_after(c, own, now_ms, true); return;
    case MERR_INVITATION_USED:
    case MERR_INVITATION_EXPIRED:
    case MERR_INVITATION_LOCKED:
    case MERR_ENROL: s->not_before_ms = SCHEDULE_NEVER; return;
    case MERR_MALFORMED:
    case MERR_ORDER:
    case MERR_SEQUENCE:
    case MERR_BUSY:
    case MERR_ROOM:
    case MERR_LIMIT:
    case MERR_INTERNAL: break;
    }
    s->not_before_ms = 0;
    if (s->failures < UINT32_MAX)
        s->failures++;
}

void schedule_after(struct schedule_state *s, const struct agent_conf *c, uint64_t own, const struct sync_result *r,
                    int64_t now_ms, uint64_t chance)
{
    int64_t later_ms = (int64_t)r->later_seconds * 1000;

    if (r->outcome == SYNC_LOCKED) /* another is at it */
        return;
    s->noted_ms = now_ms;
    s->last = r->outcome;
    s->refusal = r->outcome == SYNC_REFUSED ? r->refusal : 0;
    switch (r->outcome) {
    case SYNC_COMPLETE:
        s->success_ms = now_ms;
        s->failures = 0;
        s->not_before_ms = 0;
        return;
    case SYNC_LATER:
        s->failures = 0;
        s->not_before_ms = now_ms + later_ms + from_chance(chance, later_ms / 10 + 1);
        return;
    case SYNC_REFUSED: after_refusal(s, c, own, r->refusal, now_ms); return;
    case SYNC_LOCKED:
    case SYNC_KEY_REFUSED:
    case SYNC_NO_HUB:
    case SYNC_UNREACHABLE:
    case SYNC_FAILED: break;
    }
    s->not_before_ms = 0;
    if (s->failures < UINT32_MAX)
        s->failures++;
}

/* ---- sync.max_bytes_per_night ---- */

uint64_t schedule_budget(const struct schedule_state *s, const struct agent_conf *c, int64_t now_ms)
{
    uint64_t most = (uint64_t)c->max_night;
    uint64_t sent = s->night == zone_at(c->zone, now_ms + DAY_MS / 2).day ? s->night_bytes : 0;

    if (c->max_night == 0 || s->urgent != 0) /* what is urgent does not wait for another night */
        return UINT64_MAX;
    return sent < most ? most - sent : 0;
}

void schedule_put_back(struct schedule_state *s, int64_t by_ms)
{
    int64_t *const moments[] = {&s->success_ms, &s->not_before_ms, &s->noted_ms};

    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        if (*moments[i] > by_ms && *moments[i] != SCHEDULE_NEVER)
            *moments[i] -= by_ms;
}
