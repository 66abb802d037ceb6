#include "agent/schedule.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdio.h>
#include <string.h>

#define STATE_MAX    160u
#define FIELDS       9u
#define FIRST_FIELDS 3u /* that an earlier version kept */
#define URGENT_BYTES 8u
#define DAY_MS       INT64_C(86400000)

uint64_t schedule_own(const struct agent *a)
{
    uint8_t d[DIGEST_BYTES];

    digest_domain(d, "svodka schedule v1", bytes_of(key_public(a->sign), KEY_BYTES));
    return be64_get(d);
}

/* ---- what is urgent: kept by itself, so that it is never lost to a pass that ends meanwhile ---- */

static enum err load_urgent(const struct agent *a, struct store_txn *t, uint64_t *out)
{
    struct buf v;
    enum err e;

    *out = 0;
    buf_init(&v, 64);
    if ((e = agent_meta_get(a, t, "urgent", &v)) == OK && v.len == URGENT_BYTES)
        *out = be64_get(v.data);
    buf_fini(&v);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put_urgent(const struct agent *a, struct store_txn *t, uint64_t urgent)
{
    uint8_t raw[URGENT_BYTES];

    be64_put(raw, urgent);
    return agent_meta_put(a, t, "urgent", bytes_of(raw, sizeof(raw)));
}

enum err schedule_urgent(struct agent *a)
{
    uint64_t urgent = 0;

    while (urgent == 0)
        random_bytes(&urgent, sizeof(urgent));
    return put_urgent(a, NULL, urgent);
}

/* Unless another wish came meanwhile. */
static enum err settle_urgent(struct agent *a, struct schedule_state *s)
{
    struct store_txn *t = NULL;
    uint64_t now = 0;
    enum err e = store_begin_write(a->store, &t);

    if (e != OK)
        return e;
    if ((e = load_urgent(a, t, &now)) != OK || (now == s->urgent && (e = put_urgent(a, t, 0)) != OK)) {
        store_abort(t);
        return e;
    }
    s->urgent = now == s->urgent ? 0 : now;
    return store_commit(t);
}

/* ---- the rest ---- */

static bool read_state(struct schedule_state *s, struct bytes value)
{
    struct mp m = mp_of(value);
    size_t fields = mp_array(&m, FIRST_FIELDS, 32);

    s->success_ms = mp_int(&m);
    s->not_before_ms = mp_int(&m);
    s->failures = (uint32_t)mp_uint(&m, UINT32_MAX);
    if (fields >= FIELDS) {
        s->noted_ms = mp_int(&m);
        s->next_ms = mp_int(&m);
        s->night = (int32_t)mp_uint(&m, INT32_MAX);
        s->night_bytes = mp_uint(&m, UINT64_MAX);
        s->last = (enum sync_outcome)mp_uint(&m, SYNC_FAILED);
        s->refusal = (enum message_error)mp_uint(&m, MERR_LAST);
    }
    return !m.failed;
}

enum err schedule_load(const struct agent *a, struct schedule_state *out)
{
    struct buf v;
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init(&v, STATE_MAX);
    if ((e = agent_meta_get(a, NULL, "schedule", &v)) == OK && !read_state(out, bytes_of(v.data, v.len)))
        memset(out, 0, sizeof(*out)); /* only a habit is lost */
    buf_fini(&v);
    return e == OK || e == ERR_NOT_FOUND ? load_urgent(a, NULL, &out->urgent) : e;
}

static enum err store_state(struct agent *a, const struct schedule_state *s)
{
    struct buf v;
    enum err e;

    buf_init(&v, STATE_MAX);
    mp_put_array(&v, FIELDS);
    mp_put_int(&v, s->success_ms);
    mp_put_int(&v, s->not_before_ms);
    mp_put_uint(&v, s->failures);
    mp_put_int(&v, s->noted_ms);
    mp_put_int(&v, s->next_ms);
    mp_put_uint(&v, s->night < 0 ? 0 : (uint64_t)s->night);
    mp_put_uint(&v, s->night_bytes);
    mp_put_uint(&v, (uint64_t)s->last);
    mp_put_uint(&v, (uint64_t)s->refusal);
    if ((e = buf_status(&v)) == OK)
        e = agent_meta_put(a, NULL, "schedule", bytes_of(v.data, v.len));
    buf_fini(&v);
    return e;
}

/* `is_missed`: as if a night had been missed. */
static enum err plan_and_store(struct agent *a, bool is_missed, struct schedule_state *s)
{
    struct schedule_state as_if = *s;
    uint64_t chance;

    if (is_missed && s->success_ms != 0)
        as_if.success_ms = INT64_MIN;
    random_bytes(&chance, sizeof(chance));
    s->next_ms = schedule_next(&as_if, &a->conf, schedule_own(a), clock_wall_ms(), chance);
    return store_state(a, s);
}

/* By the last receipt, or by what the district said before. */
static bool clock_is_wrong(const struct agent *a)
{
    struct queue_clock c;

    return queue_clock(a, NULL, &c) == OK &&
           (clock_wall_ms() < c.hub_ms - DAY_MS || c.offset_ms > DAY_MS || c.offset_ms < -DAY_MS);
}

enum err schedule_plan(struct agent *a, int64_t put_back_ms, struct schedule_state *out)
{
    enum err e = schedule_load(a, out);

    if (e != OK)
        return e;
    if (put_back_ms > 0)
        schedule_put_back(out, put_back_ms);
    return plan_and_store(a, put_back_ms == SCHEDULE_START && clock_is_wrong(a), out);
}

enum err schedule_note(struct agent *a, const struct sync_result *r, struct schedule_state *s)
{
    uint64_t chance;
    enum err e = OK;

    random_bytes(&chance, sizeof(chance));
    schedule_after(s, &a->conf, schedule_own(a), r, clock_wall_ms(), chance);
    if (r->outcome == SYNC_COMPLETE)
        e = settle_urgent(a, s);
    return e == OK ? plan_and_store(a, false, s) : e;
}

enum err schedule_pass(struct agent *a, struct sync_result *r, struct schedule_state *out)
{
    char text[SYNC_TEXT] = "";
    int32_t night;
    enum err noted;
    enum err e = schedule_load(a, out);

    memset(r, 0, sizeof(*r));
    r->outcome = SYNC_FAILED;
    if (e != OK)
        return e;
    if ((e = sync_once_within(a, schedule_budget(out, &a->conf, clock_wall_ms()), r)) != OK)
        (void)snprintf(text, sizeof(text), "%s", err_text());
    if (e == ERR_CANCELLED || r->outcome == SYNC_LOCKED)
        return e;
    night = zone_at(a->conf.zone, clock_wall_ms() + INT64_C(43200000)).day;
    if (night != out->night)
        out->night_bytes = 0;
    out->night = night;
    out->night_bytes += r->bytes;
    if ((noted = schedule_note(a, r, out)) != OK) {
        log_warning("sync: when to send next could not be kept: %s", err_text());
        return e == OK ? noted : err_set(e, "%s", text);
    }
    return e == OK ? OK : err_set(e, "%s", text);
}
