#include "hub/nights.h"

#include "common/value.h"
#include "protocol/mp.h"

#include <string.h>
#include <time.h>

#define ROW_ELEMENTS 7u
#define ROW_MAX      256u
#define RUNS_MAX     (16u + NIGHT_RUNS_MAX * 24u)
#define HALF_DAY_MS  INT64_C(43200000)

/* ---- days ---- */

int32_t night_of(int64_t wall_ms)
{
    time_t then = (time_t)(wall_ms / 1000);
    struct tm local;

    if (localtime_r(&then, &local) == NULL)
        return (int32_t)((wall_ms + HALF_DAY_MS) / (2 * HALF_DAY_MS));
    return date_from_civil(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday) + (local.tm_hour >= 12 ? 1 : 0);
}

static int64_t noon_of(int32_t day)
{
    struct tm local = {.tm_hour = 12, .tm_isdst = -1};

    date_to_civil(day, &local.tm_year, &local.tm_mon, &local.tm_mday);
    local.tm_year -= 1900;
    local.tm_mon--;
    return (int64_t)mktime(&local) * 1000;
}

void night_span(int32_t day, int64_t *from_ms, int64_t *to_ms)
{
    *from_ms = noon_of(day - 1);
    *to_ms = noon_of(day);
}

/* ---- rows: day u32 | participant index u32 ---- */

#define KEY_BYTES_OF_ROW 8u

static struct bytes key_of(uint8_t raw[KEY_BYTES_OF_ROW], int32_t day, uint32_t participant)
{
    be32_put(raw, (uint32_t)day);
    be32_put(raw + 4, participant);
    return bytes_of(raw, KEY_BYTES_OF_ROW);
}

static enum err damaged(void)
{
    return err_set(ERR_CORRUPT, "what is kept of a night is damaged");
}

static enum err row_get(struct night_row *r, uint32_t participant, struct bytes value)
{
    struct mp m = mp_of(value);

    memset(r, 0, sizeof(*r));
    r->participant = participant;
    (void)mp_array(&m, ROW_ELEMENTS, 32);
    r->first_ms = mp_int(&m);
    r->last_ms = mp_int(&m);
    r->greetings = mp_uint(&m, UINT64_MAX);
    r->refused = mp_uint(&m, UINT64_MAX);
    r->refusal = (enum message_error)mp_uint(&m, MERR_LAST);
    r->bad_batches = mp_uint(&m, UINT64_MAX);
    r->bad_batch = (enum message_error)mp_uint(&m, MERR_LAST);
    return m.failed ? damaged() : OK;
}

static enum err row_put(struct store_txn *t, int32_t day, const struct night_row *r)
{
    uint8_t raw[KEY_BYTES_OF_ROW];
    struct buf value;
    enum err e;

    buf_init(&value, ROW_MAX);
    mp_put_array(&value, ROW_ELEMENTS);
    mp_put_int(&value, r->first_ms);
    mp_put_int(&value, r->last_ms);
    mp_put_uint(&value, r->greetings);
    mp_put_uint(&value, r->refused);
    mp_put_uint(&value, (uint64_t)r->refusal);
    mp_put_uint(&value, r->bad_batches);
    mp_put_uint(&value, (uint64_t)r->bad_batch);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_NIGHTS, key_of(raw, day, r->participant), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

static void merge(struct night_row *to, const struct night_row *r)
{
    if (r->first_ms != 0 && (to->first_ms == 0 || r->first_ms < to->first_ms))
        to->first_ms = r->first_ms;
    if (r->last_ms > to->last_ms)
        to->last_ms = r->last_ms;
    to->greetings += r->greetings;
    to->refused += r->refused;
    to->bad_batches += r->bad_batches;
    if (r->refusal != 0)
        to->refusal = r->refusal;
    if (r->bad_batch != 0)
        to->bad_batch = r->bad_batch;
}

enum err night_add(struct store_txn *t, int32_t day, const struct night_row *r)
{
    struct night_row held = {.participant = r->participant};
    uint8_t raw[KEY_BYTES_OF_ROW];
    struct bytes value;
    enum err e = store_get(t, H_NIGHTS, key_of(raw, day, r->participant), &value);

    if (e == OK)
        e = row_get(&held, r->participant, value);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    merge(&held, r);
    return row_put(t, day, &held);
}

enum err night_each(struct store_txn *t, int32_t day, enum err (*each)(void *ctx, const struct night_row *r), void *ctx)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    uint8_t raw[KEY_BYTES_OF_ROW];
    enum err visited = OK;
    enum err e = store_cursor_open(t, H_NIGHTS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, key_of(raw, day, 1), &key, &value);
         e == OK && key.len == KEY_BYTES_OF_ROW && be32_get(key.p) == (uint32_t)day; e = store_next(c, &key, &value)) {
        struct night_row r;

        if ((visited = row_get(&r, be32_get(key.p + 4), value)) != OK || (visited = each(ctx, &r)) != OK)
            break;
    }
    store_cursor_close(c);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- the hub's own row, of participant 0 ---- */

enum err night_runs(struct store_txn *t, int32_t day, struct night_run out[NIGHT_RUNS_MAX], size_t *count)
{
    uint8_t raw[KEY_BYTES_OF_ROW];
    struct bytes value;
    struct mp m;
    enum err e = store_get(t, H_NIGHTS, key_of(raw, day, 0), &value);

    *count = 0;
    if (e != OK)
        return e;
    m = mp_of(value);
    *count = mp_array(&m, 0, NIGHT_RUNS_MAX);
    for (size_t i = 0; i < *count && !m.failed; i++) {
        (void)mp_array(&m, 2, 2);
        out[i].from_ms = mp_int(&m);
        out[i].to_ms = mp_int(&m);
    }
    if (!mp_done(&m))
        *count = 0;
    return mp_done(&m) ? OK : damaged();
}

static enum err put_runs(struct store_txn *t, int32_t day, const struct night_run *runs, size_t count)
{
    uint8_t raw[KEY_BYTES_OF_ROW];
    struct buf value;
    enum err e;

    buf_init(&value, RUNS_MAX);
    mp_put_array(&value, count);
    for (size_t i = 0; i < count; i++) {
        mp_put_array(&value, 2);
        mp_put_int(&value, runs[i].from_ms);
        mp_put_int(&value, runs[i].to_ms);
    }
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_NIGHTS, key_of(raw, day, 0), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err night_note_run(struct store_txn *t, int32_t day, const struct night_run *r)
{
    struct night_run runs[NIGHT_RUNS_MAX];
    size_t count;
    enum err e = night_runs(t, day, runs, &count);

    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (count > 0 && runs[count - 1].from_ms == r->from_ms)
        count--;
    if (count == NIGHT_RUNS_MAX)
        memmove(runs, runs + 1, --count * sizeof(*runs));
    runs[count++] = *r;
    return put_runs(t, day, runs, count);
}

enum err night_prune(struct store_txn *t, int32_t before)
{
    uint8_t raw[KEY_BYTES_OF_ROW];
    struct bytes key, value;

    for (;;) {
        struct store_cursor *c = NULL;
        enum err e = store_cursor_open(t, H_NIGHTS, &c);

        if (e != OK)
            return e;
        e = store_seek(c, bytes_of("", 0), &key, &value);
        if (e == OK && key.len == KEY_BYTES_OF_ROW)
            memcpy(raw, key.p, sizeof(raw));
        else if (e == OK)
            e = damaged();
        store_cursor_close(c);
        if (e == ERR_NOT_FOUND || (e == OK && (int32_t)be32_get(raw) >= before))
            return OK;
        if (e != OK || (e = store_delete(t, H_NIGHTS, bytes_of(raw, sizeof(raw)))) != OK)
            return e;
    }
}
