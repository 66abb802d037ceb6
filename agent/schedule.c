#include "agent/schedule.h"

#include "common/clock.h"

#include <string.h>
#include <time.h>

#define MINUTE_MS        INT64_C(60000)
#define DAY_MINUTES      1440
#define DAY_MS           (DAY_MINUTES * MINUTE_MS)
#define FIRST_JITTER_MS  15000  /* a computer that has just joined */
#define MISSED_JITTER_MS 300000 /* a power cut brings a whole valley back at once */

static int64_t from_chance(uint64_t chance, int64_t below_ms)
{
    return below_ms <= 0 ? 0 : (int64_t)(chance % (uint64_t)below_ms);
}

/* ---- the window ---- */

/* Midnight of the local day that lies `days` from the day of `now_ms`. */
static int64_t midnight(int64_t now_ms, int days)
{
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;

    if (localtime_r(&now, &tm) == NULL)
        return now_ms - now_ms % DAY_MS + days * DAY_MS;
    tm.tm_mday += days;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

static int64_t moment_of_day(const struct agent_conf *c, uint64_t own, int64_t now_ms, int days)
{
    int64_t minutes = (c->window_to_min - c->window_from_min + DAY_MINUTES) % DAY_MINUTES;

    if (minutes == 0)
        minutes = DAY_MINUTES;
    return midnight(now_ms, days) + c->window_from_min * MINUTE_MS + from_chance(own, minutes * MINUTE_MS);
}

int64_t schedule_night(const struct agent_conf *c, uint64_t own, int64_t now_ms)
{
    int days = -1;

    while (moment_of_day(c, own, now_ms, days) <= now_ms)
        days++;
    return moment_of_day(c, own, now_ms, days);
}

static int64_t last_night(const struct agent_conf *c, uint64_t own, int64_t now_ms)
{
    int days = 0;

    while (moment_of_day(c, own, now_ms, days) > now_ms)
        days--;
    return moment_of_day(c, own, now_ms, days);
}

/* ---- deciding ---- */

static int64_t backoff(const struct agent_conf *c, uint32_t failures, uint64_t chance)
{
    int64_t most = c->retry_first_ms;

    for (uint32_t i = 0; i < failures && most < c->retry_cap_ms; i++)
        most *= 2;
    return from_chance(chance, most < c->retry_cap_ms ? most : c->retry_cap_ms);
}

int64_t schedule_next(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, int64_t now_ms,
                      uint64_t chance)
{
    int64_t next;

    if (s->not_before_ms == SCHEDULE_NEVER)
        return SCHEDULE_NEVER;
    if (s->not_before_ms > now_ms)
        return s->not_before_ms;
    if (s->failures > 0)
        next = now_ms + backoff(c, s->failures, chance);
    else if (s->success_ms == 0)
        next = now_ms + from_chance(chance, FIRST_JITTER_MS);
    else if (s->not_before_ms != 0) /* asked back, and it is time */
        next = now_ms;
    else if (s->success_ms < last_night(c, own, now_ms))
        next = now_ms + from_chance(chance, MISSED_JITTER_MS);
    else
        next = schedule_night(c, own, now_ms);
    return next;
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
    case MERR_SIGNATURE: s->not_before_ms = schedule_night(c, own, now_ms); return;
    case MERR_INVITATION_USED:
    case MERR_INVITATION_EXPIRED:
    case MERR_INVITATION_LOCKED:
    case MERR_ENROL: s->not_before_ms = SCHEDULE_NEVER; return;
    case MERR_MALFORMED:
    case MERR_ORDER:
    case MERR_SEQUENCE:
    case MERR_BUSY:
    case MERR_LIMIT:
    case MERR_INTERNAL: break;
    }
    s->failures++;
}

void schedule_after(struct schedule_state *s, const struct agent_conf *c, uint64_t own, const struct sync_result *r,
                    int64_t now_ms, uint64_t chance)
{
    int64_t later_ms = (int64_t)r->later_seconds * 1000;

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
    case SYNC_LOCKED: return; /* another is at it */
    case SYNC_KEY_REFUSED:
    case SYNC_NO_HUB:
    case SYNC_UNREACHABLE:
    case SYNC_FAILED: break;
    }
    s->not_before_ms = 0;
    if (s->failures < UINT32_MAX)
        s->failures++;
}

/* ---- keeping ---- */

uint64_t schedule_own(const struct agent *a)
{
    uint8_t d[DIGEST_BYTES];

    digest_domain(d, "svodka schedule v1", bytes_of(key_public(a->sign), KEY_BYTES));
    return be64_get(d);
}

enum err schedule_load(const struct agent *a, struct schedule_state *out)
{
    struct buf v;
    struct mp m;
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init(&v, 64);
    if ((e = agent_meta_get(a, NULL, "schedule", &v)) == OK) {
        m = mp_of(bytes_of(v.data, v.len));
        (void)mp_array(&m, 3, 32);
        out->success_ms = mp_int(&m);
        out->not_before_ms = mp_int(&m);
        out->failures = (uint32_t)mp_uint(&m, UINT32_MAX);
        if (m.failed)
            memset(out, 0, sizeof(*out)); /* only a habit is lost */
    }
    buf_fini(&v);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err schedule_note(struct agent *a, const struct sync_result *r, struct schedule_state *out)
{
    uint64_t chance;
    struct buf v;
    enum err e = schedule_load(a, out);

    if (e != OK)
        return e;
    random_bytes(&chance, sizeof(chance));
    schedule_after(out, &a->conf, schedule_own(a), r, clock_wall_ms(), chance);
    buf_init(&v, 64);
    mp_put_array(&v, 3);
    mp_put_int(&v, out->success_ms);
    mp_put_int(&v, out->not_before_ms);
    mp_put_uint(&v, out->failures);
    if ((e = buf_status(&v)) == OK)
        e = agent_meta_put(a, NULL, "schedule", bytes_of(v.data, v.len));
    buf_fini(&v);
    return e;
}
