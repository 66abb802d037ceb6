#include "agent/excused.h"

#include "agent/questions_internal.h"
#include "agent/standing.h"
#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <string.h>

#define PLAIN_MAX   4096u
#define ROW_FIELDS  7u
#define KEY_EXCUSED 'x' /* then form 0 unit 0 period 0 */

static enum err damaged(enum err e)
{
    return e == OK || e == ERR_NOMEM ? e
                                     : err_set(ERR_CORRUPT, _("what the district decided about a return is damaged"));
}

static bool parse(struct bytes plain, struct excused *x)
{
    struct notice_return *r = &x->about;
    struct mp m = mp_of(plain);
    int64_t due;

    memset(x, 0, sizeof(*x));
    (void)mp_array(&m, ROW_FIELDS, ROW_FIELDS);
    x->hub_ms = mp_int(&m);
    x->kind = (enum excused_kind)mp_uint(&m, EXCUSED_ENDED);
    mp_text(&m, r->form, 1, FORM_NAME_MAX);
    mp_text(&m, r->unit, 1, ID_MAX);
    mp_text(&m, r->period, 1, PERIOD_ID_MAX);
    due = mp_int(&m);
    r->has_due = x->kind == EXCUSED_EXTENDED;
    r->due = (int32_t)due;
    mp_text(&m, x->text, 0, NOTICE_TEXT_MAX);
    return mp_done(&m) && x->kind >= EXCUSED_WAIVED && due >= INT32_MIN && due <= INT32_MAX;
}

static enum err read_row(const struct agent *a, struct bytes key, struct bytes value, struct excused *x)
{
    struct buf plain;
    enum err e;

    buf_init_secret(&plain, PLAIN_MAX);
    e = unlock_bytes(&plain, key_secret(a->home_key), key, value);
    if (e == OK && !parse(bytes_of(plain.data, plain.len), x))
        e = ERR_CORRUPT;
    buf_wipe(&plain);
    return damaged(e);
}

static enum err get(const struct agent *a, struct store_txn *t, const char *form, const char *unit, const char *period,
                    struct excused *out)
{
    uint8_t raw[QUESTIONS_KEY_MAX];
    struct bytes key = questions_return_key(raw, KEY_EXCUSED, form, unit, period);
    struct bytes value;
    enum err e = key.len == 0 ? ERR_NOT_FOUND : store_get(t, T_QUESTIONS, key, &value);

    return e == OK ? read_row(a, key, value, out) : e;
}

static enum err put(const struct agent *a, struct store_txn *t, const struct excused *x)
{
    const struct notice_return *r = &x->about;
    uint8_t raw[QUESTIONS_KEY_MAX];
    struct buf b;
    enum err e;

    buf_init_secret(&b, PLAIN_MAX);
    mp_put_array(&b, ROW_FIELDS);
    mp_put_int(&b, x->hub_ms);
    mp_put_uint(&b, (uint64_t)x->kind);
    mp_put_cstr(&b, r->form);
    mp_put_cstr(&b, r->unit);
    mp_put_cstr(&b, r->period);
    mp_put_int(&b, r->due);
    mp_put_cstr(&b, x->text);
    e = questions_put_locked(a, t, questions_return_key(raw, KEY_EXCUSED, r->form, r->unit, r->period), &b);
    buf_wipe(&b);
    return e;
}

enum err excused_take(struct agent *a, struct store_txn *t, const struct notice *n)
{
    const struct notice_return *r = &n->about;
    struct excused x = {.about = n->about, .hub_ms = n->hub_ms};
    struct excused held;
    enum err e = get(a, t, r->form, r->unit, r->period, &held);

    if (e == OK && held.hub_ms >= n->hub_ms) /* a hub that went back says all of it again */
        return OK;
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_CORRUPT)
        return e;
    x.kind = n->kind == NOTICE_EXCUSE_ENDED ? EXCUSED_ENDED : r->has_due ? EXCUSED_EXTENDED : EXCUSED_WAIVED;
    utf8_copy(x.text, sizeof(x.text), n->text);
    return (e = put(a, t, &x)) == OK ? standing_tell_excused(a, t, r) : e;
}

enum err excused_get(const struct agent *a, const char *form, const char *unit, const char *period, struct excused *out)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    e = get(a, t, form, unit, period, out);
    store_abort(t);
    return e == OK && out->kind == EXCUSED_ENDED ? ERR_NOT_FOUND : e;
}

enum err excused_each(const struct agent *a, enum err (*each)(void *ctx, const struct excused *x), void *ctx)
{
    const uint8_t from = KEY_EXCUSED;
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct bytes key, value;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = store_cursor_open(t, T_QUESTIONS, &c)) == OK)
        for (e = store_seek(c, bytes_of(&from, 1), &key, &value); e == OK && key.len > 0 && key.p[0] == KEY_EXCUSED;
             e = store_next(c, &key, &value)) {
            struct excused x;

            if ((e = read_row(a, key, value, &x)) != OK || (x.kind != EXCUSED_ENDED && (e = each(ctx, &x)) != OK))
                break;
        }
    store_cursor_close(c);
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- for people ---- */

void excused_say(const struct excused *x, char *out, size_t size)
{
    const char *colon = x->text[0] != '\0' ? ": " : "";
    char day[40];

    cli_format_date(day, sizeof(day), x->about.due);
    switch (x->kind) {
    case EXCUSED_EXTENDED: (void)snprintf(out, size, _("until %s%s%s"), day, colon, x->text); break;
    case EXCUSED_WAIVED: (void)snprintf(out, size, _("the district does without it%s%s"), colon, x->text); break;
    case EXCUSED_ENDED: (void)snprintf(out, size, "%s", _("as the calendar says")); break;
    }
}

void excused_message(const struct agent *a, const struct notice_return *r, char *out, size_t size)
{
    struct store_txn *t = NULL;
    char name[ASKED_NAME], text[NOTICE_TEXT_MAX + 128];
    struct excused x;
    enum err e = store_begin_read(a->store, &t);

    if (e == OK)
        e = get(a, t, r->form, r->unit, r->period, &x);
    store_abort(t);
    out[0] = '\0';
    if (e != OK)
        return;
    asked_name(a, r, name);
    excused_say(&x, text, sizeof(text));
    (void)snprintf(out, size, _("%s: the district has changed when it is due: %s"), name, text);
}

enum err excused_put(const struct agent *a, const char *form, const char *unit, const char *period,
                     char due[EXCUSED_DAY], char late[EXCUSED_DAY], struct buf *note)
{
    char text[NOTICE_TEXT_MAX + 128];
    struct excused x;
    enum err e = excused_get(a, form, unit, period, &x);

    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    due[0] = late[0] = '\0';
    if (x.kind == EXCUSED_EXTENDED)
        date_format(due, x.about.due);
    excused_say(&x, text, sizeof(text));
    buf_printf(note, "%s%s", note->len > 0 ? "; " : "", text);
    return OK;
}
