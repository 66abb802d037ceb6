#include "agent/figures.h"

#include "agent/standing.h"
#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* T_FIGURES: programme 0 period 0 unit 0 part u32 -> the part's plain array, locked. */
#define KEY_MAX   (FORM_NAME_MAX + 1u + PERIOD_ID_MAX + 1u + ID_MAX + 1u + 4u)
#define LIST_MAX  10000u
#define VALUE_MAX (FIGURES_PLAIN_MAX + LOCK_OVERHEAD)

struct own_figures {
    struct figures part;
    struct buf plain;
};

void own_figures_free(struct own_figures *x)
{
    if (x == NULL)
        return;
    figures_fini(&x->part);
    buf_wipe(&x->plain);
    free(x);
}

enum err own_figures_open(struct own_figures **out, const struct agent *a, struct bytes object,
                          const uint8_t hub_sign[KEY_BYTES])
{
    struct own_figures *x;
    enum err e = ERR_AUTH;

    if ((x = calloc(1, sizeof(*x))) == NULL)
        return ERR_NOMEM;
    buf_init_secret(&x->plain, FIGURES_PLAIN_MAX);
    if (a->history_key != NULL)
        e = figures_open(&x->part, &x->plain, object, hub_sign, a->history_key);
    if (e == ERR_AUTH) /* the signature is good: it is the seal */
        e = err_set(ERR_NOT_FOUND, _("this computer has no key for what the district sent (keys/seal.key)"));
    if (e != OK) {
        own_figures_free(x);
        return e;
    }
    *out = x;
    return OK;
}

/* ---- rows ---- */

/* Without the part: what all parts begin with. */
static size_t put_prefix(uint8_t raw[KEY_MAX], const struct figures *f)
{
    int n = snprintf((char *)raw, KEY_MAX, "%s%c%s%c%s%c", f->programme, '\0', f->period, '\0', f->unit, '\0');

    return n > 0 && (size_t)n < KEY_MAX - 3 ? (size_t)n : 0;
}

static enum err unlock(const struct agent *a, struct bytes key, struct bytes value, struct buf *plain,
                       struct figures *out)
{
    enum err e;

    buf_reset(plain);
    if ((e = unlock_bytes(plain, key_secret(a->home_key), key, value)) == OK)
        e = figures_read(out, bytes_of(plain->data, plain->len));
    return e == OK || e == ERR_NOMEM ? e : err_set(ERR_CORRUPT, _("what the district published is damaged here"));
}

static enum err first_part(const struct agent *a, struct store_txn *t, struct bytes prefix, uint8_t raw[KEY_MAX],
                           size_t *len, struct figures *out)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    struct buf plain;
    enum err e = store_cursor_open(t, T_FIGURES, &c);

    if (e != OK)
        return e;
    buf_init_secret(&plain, FIGURES_PLAIN_MAX);
    if ((e = store_seek(c, prefix, &key, &value)) == OK &&
        (key.len != prefix.len + 4 || memcmp(key.p, prefix.p, prefix.len) != 0))
        e = ERR_NOT_FOUND;
    if (e == OK) {
        memcpy(raw, key.p, key.len);
        *len = key.len;
        memset(out, 0, sizeof(*out));
        if ((e = unlock(a, key, value, &plain, out)) == ERR_CORRUPT) /* one that is damaged gives way, too */
            e = OK;
    }
    buf_wipe(&plain);
    store_cursor_close(c);
    return e;
}

static bool is_same(const struct figures *held, const struct figures *f)
{
    return held->publication == f->publication && held->published_ms == f->published_ms && held->state == f->state &&
           held->parts == f->parts;
}

/* Parts of another publication go.  `raw` holds the prefix. */
static enum err make_room(const struct agent *a, struct store_txn *t, const struct figures *f, struct bytes prefix)
{
    struct figures held;
    uint8_t raw[KEY_MAX];
    size_t len;
    enum err e;

    while ((e = first_part(a, t, prefix, raw, &len, &held)) == OK) {
        bool stays = is_same(&held, f);

        figures_fini(&held);
        if (stays)
            return OK;
        if ((e = store_delete(t, T_FIGURES, bytes_of(raw, len))) != OK)
            return e;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err count_parts(struct store_txn *t, struct bytes prefix, uint32_t *count)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    enum err e = store_cursor_open(t, T_FIGURES, &c);

    *count = 0;
    if (e != OK)
        return e;
    for (e = store_seek(c, prefix, &key, &value);
         e == OK && key.len == prefix.len + 4 && memcmp(key.p, prefix.p, prefix.len) == 0;
         e = store_next(c, &key, &value))
        ++*count;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put_locked(const struct agent *a, struct store_txn *t, struct bytes key, struct bytes plain)
{
    struct buf locked;
    enum err e;

    buf_init(&locked, VALUE_MAX);
    if ((e = lock_bytes(&locked, key_secret(a->home_key), key, plain)) == OK)
        e = store_put(t, T_FIGURES, key, bytes_of(locked.data, locked.len));
    buf_fini(&locked);
    return e;
}

/* ---- taking ---- */

/* State u8, then title and period in both languages and the district's remark, each with a 0 behind it. */
static enum err tell(struct agent *a, struct store_txn *t, const struct figures *f)
{
    const char *const texts[] = {f->title_ru,  f->title_en, f->label_ru, f->label_en,
                                 f->programme, f->period,   f->remark};
    struct buf b;
    enum err e;

    buf_init(&b, (size_t)8 * FIGURES_NAME_MAX);
    buf_put_u8(&b, STANDING_FIGURES);
    buf_put_u8(&b, (uint8_t)f->state);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        buf_put(&b, texts[i], strlen(texts[i]) + 1);
    if ((e = buf_status(&b)) == OK)
        e = agent_tell_bytes_in(a, t, bytes_of(b.data, b.len));
    buf_fini(&b);
    return e;
}

void figures_message(struct bytes event, char *out, size_t size)
{
    struct rd r = rd_of(event.p, event.len);
    unsigned state = rd_u8(&r);
    const char *texts[7];
    const char *title, *period;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t len = r.failed ? 0 : strnlen((const char *)r.p, rd_left(&r));

        if (r.failed || len == rd_left(&r))
            return;
        texts[i] = (const char *)rd_bytes(&r, len + 1);
    }
    title = cli_pick(texts[0], texts[1])[0] != '\0' ? cli_pick(texts[0], texts[1]) : texts[4];
    period = cli_pick(texts[2], texts[3])[0] != '\0' ? cli_pick(texts[2], texts[3]) : texts[5];
    if (state == FIGURES_WITHDRAWN)
        (void)snprintf(out, size, _("%s, %s: the district has withdrawn what it published. Its reason: %s"), title,
                       period, texts[6]);
    else
        (void)snprintf(out, size,
                       _("%s, %s: the district has published the indicators; your school's beside the district's: "
                         "svodka-agent indicators --period %s"),
                       title, period, texts[5]);
}

enum err own_figures_take(struct agent *a, struct store_txn *t, const struct own_figures *x)
{
    const struct figures *f = &x->part;
    uint8_t raw[KEY_MAX];
    size_t len = put_prefix(raw, f);
    struct bytes prefix = bytes_of(raw, len);
    uint32_t before, after;
    enum err e;

    if (len == 0)
        return err_set(ERR_MALFORMED, "figures without a place");
    if ((e = make_room(a, t, f, prefix)) != OK || (e = count_parts(t, prefix, &before)) != OK)
        return e;
    be32_put(raw + len, f->part);
    if ((e = put_locked(a, t, bytes_of(raw, len + 4), bytes_of(x->plain.data, x->plain.len))) != OK ||
        (e = count_parts(t, prefix, &after)) != OK)
        return e;
    return after == f->parts && before < after ? tell(a, t, f) : OK;
}

/* ---- listing ---- */

void figures_list_fini(struct figures_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        for (uint32_t k = 0; k < l->items[i].count; k++)
            figures_fini(&l->items[i].parts[k]);
        free(l->items[i].parts);
    }
    free(l->items);
    memset(l, 0, sizeof(*l));
}

static bool is_same_place(const struct figures *a, const struct figures *b)
{
    return strcmp(a->programme, b->programme) == 0 && strcmp(a->period, b->period) == 0 &&
           strcmp(a->unit, b->unit) == 0;
}

static enum err add_item(struct figures_list *l)
{
    size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
    struct figures_held *grown;

    if (l->count == LIST_MAX)
        return err_set(ERR_LIMIT, _("more than %u publications of the district"), LIST_MAX);
    if (l->items == NULL || l->count == l->cap) {
        if ((grown = realloc(l->items, cap * sizeof(*grown))) == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = (struct figures_held){.parts = NULL};
    return OK;
}

/* Takes *f. */
static enum err add_part(struct figures_list *l, struct figures *f)
{
    struct figures_held *at = l->count > 0 ? &l->items[l->count - 1] : NULL;
    struct figures *grown;
    enum err e = OK;

    if (at == NULL || at->count == 0 || !is_same_place(&at->parts[0], f)) {
        if ((e = add_item(l)) == OK)
            at = &l->items[l->count - 1];
    }
    if (e == OK && (grown = realloc(at->parts, (at->count + 1) * sizeof(*grown))) != NULL) {
        at->parts = grown;
        at->parts[at->count++] = *f;
        at->is_whole = at->count == f->parts;
        return OK;
    }
    figures_fini(f);
    return e == OK ? ERR_NOMEM : e;
}

struct wanted {
    const char *programme, *period;
    const char *id; /* of the period, if the calendar knows it under what was typed */
};

static bool is_wanted(const struct wanted *w, const struct figures *f)
{
    if (w->programme != NULL && strcmp(w->programme, f->programme) != 0)
        return false;
    return w->period == NULL || strcmp(w->period, f->period) == 0 || strcmp(w->period, f->label_ru) == 0 ||
           strcmp(w->period, f->label_en) == 0 || (w->id != NULL && strcmp(w->id, f->period) == 0);
}

static enum err read_all(struct figures_list *l, const struct agent *a, const struct wanted *w, struct store_txn *t)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    struct figures f;
    struct buf plain;
    enum err e = store_cursor_open(t, T_FIGURES, &c);

    if (e != OK)
        return e;
    buf_init_secret(&plain, FIGURES_PLAIN_MAX);
    while ((e = store_next(c, &key, &value)) == OK) {
        if ((e = unlock(a, key, value, &plain, &f)) != OK)
            break;
        if (!is_wanted(w, &f))
            figures_fini(&f);
        else if ((e = add_part(l, &f)) != OK)
            break;
    }
    buf_wipe(&plain);
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err figures_list_read(struct figures_list *out, const struct agent *a, const char *programme, const char *period)
{
    struct wanted w = {programme, period, NULL};
    struct store_txn *t = NULL;
    struct period known;
    enum err e;

    memset(out, 0, sizeof(*out));
    if (period != NULL && a->calendar != NULL && calendar_find(a->calendar, NULL, period, &known) == OK)
        w.id = known.id;
    if ((e = store_begin_read(a->store, &t)) == OK)
        e = read_all(out, a, &w, t);
    store_abort(t);
    return e;
}
