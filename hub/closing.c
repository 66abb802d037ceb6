#include "hub/closing.h"

#include "common/cli.h"
#include "hub/closing_internal.h"

#include <string.h>

size_t closing_key(uint8_t out[CLOSING_KEY_MAX], const char *period, const char *group)
{
    size_t p = strlen(period);
    size_t g = strlen(group);

    if (p > PERIOD_ID_MAX || g > FORM_NAME_MAX)
        return 0;
    memcpy(out, period, p + 1);
    memcpy(out + p + 1, group, g + 1);
    return p + g + 2;
}

static enum err read_key(struct closing *out, struct bytes key)
{
    const char *period = (const char *)key.p;
    size_t p = strnlen(period, key.len);
    size_t g = p < key.len ? strnlen(period + p + 1, key.len - p - 1) : 0;

    if (p > PERIOD_ID_MAX || g > FORM_NAME_MAX || p + g + 2 != key.len)
        return err_set(ERR_CORRUPT, "the key of a closed period is damaged");
    memcpy(out->period, period, p + 1);
    memcpy(out->group, period + p + 1, g + 1);
    return OK;
}

static enum err read_value(struct closing *out, struct bytes value)
{
    struct mp m = mp_of(value);

    (void)mp_array(&m, CLOSING_ELEMENTS, 32);
    out->is_closed = mp_bool(&m);
    out->lsn = mp_uint(&m, UINT64_MAX);
    out->wall_ms = mp_int(&m);
    mp_text(&m, out->by, 0, RETURN_BY_MAX);
    mp_text(&m, out->reason, 0, CLOSING_REASON_MAX);
    out->is_forced = mp_bool(&m);
    out->missing = mp_uint(&m, UINT64_MAX);
    out->snapshot_lsn = mp_uint(&m, UINT64_MAX);
    out->head = mp_bin(&m, SIGNED_MAX);
    return m.failed ? err_set(ERR_CORRUPT, "what is kept of the closed period %s is damaged", out->period) : OK;
}

enum err closing_get(struct store_txn *t, const char *period, const char *group, struct closing *out)
{
    uint8_t raw[CLOSING_KEY_MAX];
    size_t len = closing_key(raw, period, group);
    struct bytes value;
    enum err e = len == 0 ? ERR_NOT_FOUND : store_get(t, H_PERIODS, bytes_of(raw, len), &value);

    memset(out, 0, sizeof(*out));
    if (e == OK)
        e = read_key(out, bytes_of(raw, len));
    return e == OK ? read_value(out, value) : e;
}

enum err closing_is_closed(struct store_txn *t, const char *period, const char *group, bool *is_closed, uint64_t *lsn)
{
    const char *const groups[] = {"", group};
    struct closing c;

    *is_closed = false;
    *lsn = 0;
    for (size_t i = 0; i < 2; i++) {
        enum err e = closing_get(t, period, groups[i], &c);

        if (e != OK && e != ERR_NOT_FOUND)
            return e;
        if (e == OK && c.is_closed && (!*is_closed || c.lsn < *lsn)) {
            *is_closed = true;
            *lsn = c.lsn;
        }
    }
    return OK;
}

enum err closing_each(struct store_txn *t, enum err (*each)(void *ctx, const struct closing *c), void *ctx)
{
    struct store_cursor *cursor = NULL;
    struct closing c;
    struct bytes key;
    struct bytes value;
    enum err visited = OK;
    enum err e = store_cursor_open(t, H_PERIODS, &cursor);

    if (e != OK)
        return e;
    for (e = store_seek(cursor, bytes_of("", 0), &key, &value); e == OK; e = store_next(cursor, &key, &value)) {
        memset(&c, 0, sizeof(c));
        if ((visited = read_key(&c, key)) != OK || (visited = read_value(&c, value)) != OK ||
            (visited = each(ctx, &c)) != OK)
            break;
    }
    store_cursor_close(cursor);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}
