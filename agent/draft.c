#include "agent/draft.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/form_json.h"

#include <stdio.h>
#include <string.h>

/* Key: "form|unit|period"; none of the three may hold a bar.  Plain: saved ms u64 | next field u32 | JSON. */
#define DRAFT_KEY_MAX (FORM_NAME_MAX + ID_MAX + PERIOD_ID_MAX + 3u)
#define DRAFT_HEAD    12u
#define DRAFT_MAX     (FORM_JSON_MAX_BYTES + DRAFT_HEAD)

static struct bytes draft_key(char out[DRAFT_KEY_MAX], const struct capture *c)
{
    int n = snprintf(out, DRAFT_KEY_MAX, "%s|%s|%s", capture_form(c)->id, capture_unit(c), capture_period(c)->id);

    return bytes_of(out, (size_t)n);
}

enum err draft_put(struct agent *a, const struct capture *c, const struct value *values, uint32_t at)
{
    char text[DRAFT_KEY_MAX];
    struct bytes key = draft_key(text, c);
    struct store_txn *t = NULL;
    struct buf plain;
    struct buf locked;
    enum err e;

    buf_init_secret(&plain, DRAFT_MAX);
    buf_init(&locked, DRAFT_MAX + LOCK_OVERHEAD);
    buf_put_u64(&plain, (uint64_t)clock_wall_ms());
    buf_put_u32(&plain, at);
    form_values_to_json(capture_form(c), values, &plain);
    if ((e = buf_status(&plain)) != OK ||
        (e = lock_bytes(&locked, key_secret(a->home_key), key, bytes_of(plain.data, plain.len))) != OK ||
        (e = store_begin_write(a->store, &t)) != OK)
        goto done;
    if ((e = store_put(t, T_DRAFTS, key, bytes_of(locked.data, locked.len))) == OK)
        e = store_commit(t);
    else
        store_abort(t);
done:
    buf_wipe(&plain);
    buf_fini(&locked);
    return e;
}

static enum err read_draft(const struct agent *a, struct bytes key, struct buf *plain)
{
    struct store_txn *t = NULL;
    struct bytes locked;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = store_get(t, T_DRAFTS, key, &locked)) == OK &&
        (e = unlock_bytes(plain, key_secret(a->home_key), key, locked)) == OK && plain->len < DRAFT_HEAD)
        e = ERR_CORRUPT;
    store_abort(t);
    if (e == ERR_AUTH || e == ERR_CORRUPT)
        e = err_set(ERR_CORRUPT, _("the draft %.*s is damaged"), (int)key.len, (const char *)key.p);
    return e;
}

enum err draft_get(const struct agent *a, const struct capture *c, struct value *values, struct buf *keep, uint32_t *at,
                   int64_t *saved_ms, bool *is_whole)
{
    char text[DRAFT_KEY_MAX];
    struct report *ignored = NULL;
    struct buf plain;
    struct rd r;
    enum err e;

    buf_init_secret(&plain, DRAFT_MAX);
    if ((e = read_draft(a, draft_key(text, c), &plain)) != OK || (e = report_new(&ignored, 1)) != OK)
        goto done;
    r = rd_of(plain.data, plain.len);
    *saved_ms = (int64_t)rd_u64(&r);
    *at = rd_u32(&r);
    e = form_values_from_json(capture_form(c), r.p, rd_left(&r), values, keep, ignored);
    *is_whole = e == OK;
    if (e == ERR_INVALID)
        e = OK;
done:
    report_free(ignored);
    buf_wipe(&plain);
    return e;
}

enum err draft_delete(struct agent *a, const struct capture *c)
{
    char text[DRAFT_KEY_MAX];
    struct store_txn *t = NULL;
    enum err e = store_begin_write(a->store, &t);

    if (e != OK)
        return e;
    if ((e = store_delete(t, T_DRAFTS, draft_key(text, c))) == OK)
        return store_commit(t);
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* The key is what draft_key() made; a key of another shape was not. */
static enum err tell_draft(const struct agent *a, struct bytes key, struct bytes locked,
                           enum err (*each)(void *ctx, const char *form, const char *unit, const char *period,
                                            int64_t saved_ms),
                           void *ctx)
{
    char text[DRAFT_KEY_MAX], *unit, *period;
    struct buf plain;
    enum err e;

    if (key.len >= sizeof(text))
        return OK;
    memcpy(text, key.p, key.len);
    text[key.len] = '\0';
    if ((unit = strchr(text, '|')) == NULL || (period = strchr(unit + 1, '|')) == NULL)
        return OK;
    *unit++ = *period++ = '\0';
    buf_init_secret(&plain, DRAFT_MAX);
    if ((e = unlock_bytes(&plain, key_secret(a->home_key), key, locked)) == OK && plain.len >= DRAFT_HEAD) {
        struct rd r = rd_of(plain.data, plain.len);

        e = each(ctx, text, unit, period, (int64_t)rd_u64(&r));
    } else if (e == OK || e == ERR_AUTH) {
        e = err_set(ERR_CORRUPT, _("the draft %.*s is damaged"), (int)key.len, (const char *)key.p);
    }
    buf_wipe(&plain);
    return e;
}

enum err draft_each(const struct agent *a,
                    enum err (*each)(void *ctx, const char *form, const char *unit, const char *period,
                                     int64_t saved_ms),
                    void *ctx)
{
    struct store_cursor *c = NULL;
    struct store_txn *t = NULL;
    struct bytes key, value;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = store_cursor_open(t, T_DRAFTS, &c)) == OK) {
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
            if ((e = tell_draft(a, key, value, each, ctx)) != OK)
                break;
        store_cursor_close(c);
    }
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err draft_count(const struct agent *a, uint64_t *count)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    *count = store_count(t, T_DRAFTS);
    store_abort(t);
    return OK;
}
