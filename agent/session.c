#include "agent/session_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN_MAX  4096u
#define ROW_FIELDS 10u
#define BLOCK_MAX  ((size_t)SESSION_BLOCK * (RECORD_MAX + 4u))
#define LIST_MAX   100000u

/* ---- rows ---- */

struct bytes session_key(uint8_t raw[ROW_KEY_MAX], enum session_row kind, const uint8_t id[SESSION_ID_BYTES],
                         const uint8_t *tail)
{
    raw[0] = (uint8_t)kind;
    memcpy(raw + 1, id, SESSION_ID_BYTES);
    if (tail != NULL)
        memcpy(raw + 1 + SESSION_ID_BYTES, tail, ROW_TAIL);
    return bytes_of(raw, 1 + SESSION_ID_BYTES + (tail != NULL ? ROW_TAIL : 0));
}

static enum err put_locked(const struct agent *a, struct store_txn *t, struct bytes key, struct bytes plain)
{
    struct buf locked;
    enum err e;

    buf_init(&locked, BLOCK_MAX + LOCK_OVERHEAD);
    if ((e = lock_bytes(&locked, key_secret(a->home_key), key, plain)) == OK)
        e = store_put(t, T_SESSIONS, key, bytes_of(locked.data, locked.len));
    buf_fini(&locked);
    return e;
}

static enum err damaged(enum err e)
{
    return e == OK || e == ERR_NOMEM ? e : err_set(ERR_CORRUPT, _("a session of anonymous answers is damaged"));
}

enum err session_row_put(const struct agent *a, struct store_txn *t, const struct session *s)
{
    uint8_t raw[ROW_KEY_MAX];
    struct buf b;
    enum err e;

    buf_init_secret(&b, PLAIN_MAX);
    mp_put_array(&b, ROW_FIELDS);
    mp_put_cstr(&b, s->word.form);
    mp_put_cstr(&b, s->unit);
    mp_put_cstr(&b, s->period);
    mp_put_cstr(&b, s->word.name);
    mp_put_cstr(&b, s->word.group);
    mp_put_uint(&b, s->word.expected);
    mp_put_uint(&b, (uint64_t)s->word.state);
    mp_put_int(&b, s->day);
    mp_put_uint(&b, s->word.entered);
    mp_put_uint(&b, s->kept);
    if ((e = buf_status(&b)) == OK)
        e = put_locked(a, t, session_key(raw, ROW_SESSION, s->id, NULL), bytes_of(b.data, b.len));
    buf_wipe(&b);
    return e;
}

static bool parse(struct bytes plain, struct session *s)
{
    struct mp m = mp_of(plain);

    (void)mp_array(&m, ROW_FIELDS, 32);
    mp_text(&m, s->word.form, 1, FORM_NAME_MAX);
    mp_text(&m, s->unit, 1, ID_MAX);
    mp_text(&m, s->period, 1, PERIOD_ID_MAX);
    mp_text(&m, s->word.name, 1, SESSION_NAME_MAX);
    mp_text(&m, s->word.group, 0, SESSION_NAME_MAX);
    s->word.expected = (uint32_t)mp_uint(&m, SESSION_EXPECT_MAX);
    s->word.state = (enum session_state)mp_uint(&m, SESSION_WITHDRAWN);
    s->day = (int32_t)mp_int(&m);
    s->word.entered = (uint32_t)mp_uint(&m, SESSION_ANSWERS_MAX);
    s->kept = (uint32_t)mp_uint(&m, SESSION_BLOCK);
    return !m.failed;
}

static enum err read_row(const struct agent *a, struct bytes key, struct bytes value, struct session *out)
{
    struct buf plain;
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init_secret(&plain, PLAIN_MAX);
    e = unlock_bytes(&plain, key_secret(a->home_key), key, value);
    if (e == OK && !parse(bytes_of(plain.data, plain.len), out))
        e = ERR_CORRUPT;
    memcpy(out->id, key.p + 1, SESSION_ID_BYTES);
    buf_wipe(&plain);
    return damaged(e);
}

enum err session_row_get(const struct agent *a, struct store_txn *t, const uint8_t id[SESSION_ID_BYTES],
                         struct session *out)
{
    uint8_t raw[ROW_KEY_MAX];
    struct bytes key = session_key(raw, ROW_SESSION, id, NULL);
    struct bytes value;
    enum err e = store_get(t, T_SESSIONS, key, &value);

    return e == OK ? read_row(a, key, value, out) : e;
}

enum err session_row_next(const struct agent *a, struct store_txn *t, const uint8_t *after, struct session *out)
{
    uint8_t from[1 + SESSION_ID_BYTES + 1] = {ROW_SESSION}; /* with one more zero byte: the first key after it */
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_SESSIONS, &c);

    if (e != OK)
        return e;
    if (after != NULL)
        memcpy(from + 1, after, SESSION_ID_BYTES);
    e = store_seek(c, bytes_of(from, after != NULL ? sizeof(from) : 1), &key, &value);
    if (e == OK && (key.p[0] != ROW_SESSION || key.len != 1 + SESSION_ID_BYTES))
        e = ERR_NOT_FOUND;
    if (e == OK)
        e = read_row(a, key, value, out);
    store_cursor_close(c);
    return e;
}

enum err session_block_get(const struct agent *a, struct store_txn *t, const uint8_t id[SESSION_ID_BYTES],
                           struct session_pool *out)
{
    uint8_t raw[ROW_KEY_MAX];
    struct bytes key = session_key(raw, ROW_BLOCK, id, NULL);
    struct session_pool held;
    struct bytes value;
    struct bytes record;
    size_t at = 0;
    enum err e = store_get(t, T_SESSIONS, key, &value);

    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    session_pool_init(&held);
    e = damaged(unlock_bytes(&held.records, key_secret(a->home_key), key, value));
    while (e == OK && session_pool_next(&held, &at, &record))
        e = session_pool_add(out, record);
    if (e == OK && at != held.records.len)
        e = damaged(ERR_CORRUPT);
    session_pool_fini(&held);
    return e;
}

enum err session_block_put(const struct agent *a, struct store_txn *t, const uint8_t id[SESSION_ID_BYTES],
                           const struct session_pool *p)
{
    uint8_t raw[ROW_KEY_MAX];
    struct bytes key = session_key(raw, ROW_BLOCK, id, NULL);
    enum err e;

    if (p->count > 0)
        return put_locked(a, t, key, bytes_of(p->records.data, p->records.len));
    e = store_delete(t, T_SESSIONS, key);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err session_rows_each(struct store_txn *t, enum session_row kind, const uint8_t id[SESSION_ID_BYTES],
                           enum err (*each)(void *ctx, const uint8_t *tail, struct bytes value), void *ctx)
{
    uint8_t raw[ROW_KEY_MAX];
    struct bytes prefix = session_key(raw, kind, id, NULL);
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_SESSIONS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, prefix, &key, &value);
         e == OK && key.len == prefix.len + ROW_TAIL && memcmp(key.p, prefix.p, prefix.len) == 0;
         e = store_next(c, &key, &value))
        if ((e = each(ctx, key.p + prefix.len, value)) != OK)
            break;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err keep_tail(void *ctx, const uint8_t *tail, struct bytes value)
{
    (void)value;
    buf_put(ctx, tail, ROW_TAIL);
    return buf_status(ctx);
}

enum err session_rows_drop(struct store_txn *t, enum session_row kind, const uint8_t id[SESSION_ID_BYTES])
{
    uint8_t raw[ROW_KEY_MAX];
    struct buf tails;
    enum err e;

    buf_init(&tails, (size_t)SESSION_ANSWERS_MAX * ROW_TAIL);
    e = session_rows_each(t, kind, id, keep_tail, &tails);
    for (size_t i = 0; e == OK && i < tails.len; i += ROW_TAIL)
        e = store_delete(t, T_SESSIONS, session_key(raw, kind, id, tails.data + i));
    buf_fini(&tails);
    return e;
}

/* ---- looking ---- */

static bool fits(const struct session_filter *f, const struct session *s)
{
    if (f->open_only && s->word.state != SESSION_OPEN)
        return false;
    return (f->form == NULL || strcmp(f->form, s->word.form) == 0) &&
           (f->unit == NULL || strcmp(f->unit, s->unit) == 0) &&
           (f->period == NULL || strcmp(f->period, s->period) == 0) &&
           (f->name == NULL || strcmp(f->name, s->word.name) == 0);
}

static int by_name(const void *x, const void *y)
{
    const struct session *a = x;
    const struct session *b = y;
    int order = strcmp(a->word.form, b->word.form);

    if (order == 0)
        order = strcmp(a->period, b->period);
    if (order == 0)
        order = strcmp(a->unit, b->unit);
    return order != 0 ? order : strcmp(a->word.name, b->word.name);
}

static enum err keep(struct session_list *l, const struct session *s)
{
    struct session *grown;

    if (l->count == LIST_MAX)
        return err_set(ERR_LIMIT, _("more than %u sessions of anonymous answers"), LIST_MAX);
    if ((l->count & (l->count - 1)) == 0) { /* full at each power of two */
        grown = reallocarray(l->items, l->count == 0 ? 1 : 2 * l->count, sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
    }
    l->items[l->count++] = *s;
    return OK;
}

enum err session_list(const struct agent *a, const struct session_filter *f, struct session_list *out)
{
    struct store_txn *t = NULL;
    struct session s;
    enum err e = store_begin_read(a->store, &t);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    for (e = session_row_next(a, t, NULL, &s); e == OK; e = session_row_next(a, t, s.id, &s))
        if (fits(f, &s) && (e = keep(out, &s)) != OK)
            break;
    store_abort(t);
    if (e != ERR_NOT_FOUND) {
        session_list_fini(out);
        return e;
    }
    if (out->count > 1)
        qsort(out->items, out->count, sizeof(*out->items), by_name);
    return OK;
}

void session_list_fini(struct session_list *l)
{
    free(l->items);
    memset(l, 0, sizeof(*l));
}

enum err session_find(const struct agent *a, const struct session_filter *f, struct session *out)
{
    struct session_list l;
    enum err e = session_list(a, f, &l);

    if (e != OK)
        return e;
    if (l.count == 1)
        *out = l.items[0];
    else
        e = l.count == 0 ? ERR_NOT_FOUND : ERR_USAGE;
    session_list_fini(&l);
    return e;
}

enum err session_totals(const struct agent *a, struct store_txn *t, struct session_totals *out)
{
    struct store_txn *own = NULL;
    struct session s;
    enum err e = t != NULL ? OK : store_begin_read(a->store, &own);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    if (t == NULL)
        t = own;
    for (e = session_row_next(a, t, NULL, &s); e == OK; e = session_row_next(a, t, s.id, &s)) {
        out->entered += s.word.entered;
        out->kept += s.kept;
    }
    store_abort(own);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err verify_one(const struct agent *a, struct store_txn *t, const struct session *s, FILE *to, uint64_t *bad)
{
    struct session_pool held;
    enum err e;

    session_pool_init(&held);
    e = session_block_get(a, t, s->id, &held);
    if (e == ERR_CORRUPT || (e == OK && held.count != s->kept)) {
        ++*bad;
        (void)fprintf(to, _("session %s: the answers that wait in it are damaged\n"), s->word.name);
        e = OK;
    }
    session_pool_fini(&held);
    return e;
}

enum err session_verify(const struct agent *a, FILE *to, uint64_t *bad)
{
    struct store_txn *t = NULL;
    struct session s;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    for (e = session_row_next(a, t, NULL, &s); e == OK; e = session_row_next(a, t, s.id, &s))
        if ((e = verify_one(a, t, &s, to, bad)) != OK)
            break;
    store_abort(t);
    if (e == ERR_CORRUPT) {
        ++*bad;
        (void)fprintf(to, "%s\n", err_text());
        return OK;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

const char *session_state_name(enum session_state s)
{
    switch (s) {
    case SESSION_OPEN: return "open";
    case SESSION_CLOSED: return "closed";
    case SESSION_WITHDRAWN: return "withdrawn";
    }
    return "";
}

const char *session_state_word(enum session_state s)
{
    switch (s) {
    case SESSION_OPEN: return _("session open");
    case SESSION_CLOSED: return _("session closed");
    case SESSION_WITHDRAWN: return _("session withdrawn");
    }
    return "";
}
