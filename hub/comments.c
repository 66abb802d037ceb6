#include "hub/comments.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/home_internal.h"
#include "protocol/mp.h"

#include <string.h>

#define PARTS     5u
#define FIELDS    3u
#define VALUE_MAX 2048u
#define KEY_MAX   (2 * (FORM_NAME_MAX + 1) + PERIOD_ID_MAX + 1 + ID_MAX + 1 + COMMENT_BREAKDOWN_MAX + 1)

_Static_assert(KEY_MAX <= STORE_KEY_MAX, "the longest place must fit into a key");

/* ---- where: programme 0 indicator 0 period 0 unit 0 breakdown 0 ---- */

static enum err put_key(uint8_t out[KEY_MAX], size_t *len, const struct comment_place *at)
{
    const char *const parts[PARTS] = {at->programme, at->indicator, at->period, at->unit, at->breakdown};
    static const size_t most[PARTS] = {FORM_NAME_MAX, FORM_NAME_MAX, PERIOD_ID_MAX, ID_MAX, COMMENT_BREAKDOWN_MAX};

    *len = 0;
    for (size_t i = 0; i < PARTS; i++) {
        size_t bytes = strlen(parts[i]);

        if (bytes > most[i])
            return err_set(ERR_LIMIT, _("\"%.40s...\" is too long"), parts[i]);
        memcpy(out + *len, parts[i], bytes + 1);
        *len += bytes + 1;
    }
    return OK;
}

static enum err read_key(struct bytes key, struct comment_place *out)
{
    const char **const parts[PARTS] = {&out->programme, &out->indicator, &out->period, &out->unit, &out->breakdown};
    size_t at = 0;

    for (size_t i = 0; i < PARTS; i++) {
        const uint8_t *end = at < key.len ? memchr(key.p + at, 0, key.len - at) : NULL;

        if (end == NULL)
            return err_set(ERR_CORRUPT, "the place of a comment is damaged");
        *parts[i] = (const char *)key.p + at;
        at = (size_t)(end - key.p) + 1;
    }
    return at == key.len ? OK : err_set(ERR_CORRUPT, "the place of a comment is damaged");
}

/* ---- what ---- */

static enum err check_text(const char *text)
{
    size_t len = strlen(text);

    if (len == 0)
        return err_set(ERR_INVALID, _("the comment is empty; --remove takes one away"));
    if (len > COMMENT_TEXT_MAX)
        return err_set(ERR_LIMIT, _("the comment has %zu bytes; at most %u are kept (about %u Russian letters)"), len,
                       COMMENT_TEXT_MAX, COMMENT_TEXT_MAX / 2);
    if (!utf8_is_valid(text, len))
        return err_set(ERR_INVALID, _("the comment is not UTF-8 text"));
    for (size_t i = 0; i < len; i++)
        if (((uint8_t)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7F)
            return err_set(ERR_INVALID, _("the comment holds a control character at byte %zu"), i + 1);
    return OK;
}

static enum err read_value(struct bytes value, struct comment *out)
{
    struct mp m = mp_of(value);

    (void)mp_array(&m, FIELDS, FIELDS);
    out->wall_ms = mp_int(&m);
    mp_text(&m, out->by, 1, COMMENT_BY_MAX);
    mp_text(&m, out->text, 1, COMMENT_TEXT_MAX);
    return mp_done(&m) ? OK : err_set(ERR_CORRUPT, "a comment is damaged");
}

enum err comment_put(struct store_txn *t, const struct comment_place *at, const char *by, const char *text,
                     int64_t wall_ms)
{
    uint8_t key[KEY_MAX];
    struct buf value;
    size_t len;
    enum err e = check_text(text);

    if (e != OK || (e = put_key(key, &len, at)) != OK)
        return e;
    buf_init(&value, VALUE_MAX);
    mp_put_array(&value, FIELDS);
    mp_put_int(&value, wall_ms);
    mp_put_str(&value, by, strnlen(by, COMMENT_BY_MAX));
    mp_put_cstr(&value, text);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_COMMENTS, bytes_of(key, len), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err comment_get(struct store_txn *t, const struct comment_place *at, struct comment *out)
{
    uint8_t key[KEY_MAX];
    struct bytes value;
    size_t len;
    enum err e = put_key(key, &len, at);

    if (e != OK || (e = store_get(t, H_COMMENTS, bytes_of(key, len), &value)) != OK)
        return e;
    return read_value(value, out);
}

enum err comment_of_line(struct store_txn *t, const struct indicator_line *l, struct comment *out)
{
    const struct comment_place at = {.programme = l->programme->id,
                                     .indicator = l->indicator->id,
                                     .period = l->period->id,
                                     .unit = l->unit,
                                     .breakdown = l->breakdown};
    enum err e = comment_get(t, &at, out);

    if (e == ERR_NOT_FOUND) {
        out->text[0] = '\0';
        e = OK;
    }
    return e;
}

bool comments_are_there(struct store_txn *t)
{
    return store_count(t, H_COMMENTS) > 0;
}

enum err comment_remove(struct store_txn *t, const struct comment_place *at)
{
    uint8_t key[KEY_MAX];
    size_t len;
    enum err e = put_key(key, &len, at);

    return e == OK ? store_delete(t, H_COMMENTS, bytes_of(key, len)) : e;
}

/* ---- all ---- */

struct walk {
    const char *programme;
    enum err (*each)(void *ctx, const struct comment_place *at, const struct comment *c);
    void *ctx;
};

static enum err visit(void *ctx, struct bytes key, struct bytes value)
{
    const struct walk *w = ctx;
    struct comment_place at;
    struct comment c;
    enum err e = read_key(key, &at);

    if (e != OK || (w->programme != NULL && strcmp(at.programme, w->programme) != 0))
        return e;
    e = read_value(value, &c);
    return e == OK ? w->each(w->ctx, &at, &c) : e;
}

enum err comments_each(struct store_txn *t, const char *programme,
                       enum err (*each)(void *ctx, const struct comment_place *at, const struct comment *c), void *ctx)
{
    struct walk w = {programme, each, ctx};

    return hub_each_row(t, H_COMMENTS, visit, &w);
}
