#include "agent/own_return.h"

#include "common/utf8.h"
#include "protocol/builtin.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MAX ((size_t)256 << 20)
#define KEY_MAX  ((size_t)4 * FORM_MAX_TEXT)

/* ---- the cover ---- */

static void take_cover(struct own_cover *out, const struct queue_submission *s, const struct cover *c)
{
    memset(out, 0, sizeof(*out));
    out->ref = s->ref;
    out->sent = s->state;
    memcpy(out->unit, s->record->unit, sizeof(out->unit));
    out->state = c->state;
    out->rows = c->rows;
    memcpy(out->digest, c->digest, sizeof(out->digest));
    cover_text(out->entered_by, sizeof(out->entered_by), c->entered_by);
    cover_text(out->approved_by, sizeof(out->approved_by), c->approved_by);
    cover_text(out->reason, sizeof(out->reason), c->reason);
    out->has_approved_on = c->has_approved_on;
    out->approved_on = c->approved_on;
    out->filled_on = s->record->filled_on;
    out->made_ms = s->record->made_ms;
}

struct covers {
    const char *form;
    struct own_cover *items; /* the last of each unit */
    bool *is_alive;
    size_t count, cap;
};

static enum err grow(struct covers *x)
{
    size_t cap = x->cap == 0 ? 4 : 2 * x->cap;
    struct own_cover *items;
    bool *alive;

    if (x->count < x->cap)
        return OK;
    if ((items = reallocarray(x->items, cap, sizeof(*items))) == NULL)
        return ERR_NOMEM;
    x->items = items;
    if ((alive = reallocarray(x->is_alive, cap, sizeof(*alive))) == NULL)
        return ERR_NOMEM;
    x->is_alive = alive;
    x->cap = cap;
    return OK;
}

/* Ids only rise along the queue, and a target is always earlier than what names it. */
static enum err look_for_cover(void *ctx, const struct queue_submission *s)
{
    struct covers *x = ctx;
    struct cover c;
    size_t i = 0;
    enum err e;

    for (size_t k = 0; k < x->count && s->record->kind != RECORD_NEW; k++)
        if (record_ref_compare(&x->items[k].ref, &s->record->target) == 0)
            x->is_alive[k] = false;
    if (s->record->kind == RECORD_RETRACTION || s->record->values == NULL ||
        !cover_read(&c, s->record->values, s->record->value_count) || c.of.len != strlen(x->form) ||
        memcmp(c.of.p, x->form, c.of.len) != 0)
        return OK;
    while (i < x->count && strcmp(x->items[i].unit, s->record->unit) != 0)
        i++;
    if (i == x->count && (e = grow(x)) != OK)
        return e;
    x->count += i == x->count;
    x->is_alive[i] = true;
    take_cover(&x->items[i], s, &c);
    return OK;
}

enum err own_covers_each(const struct agent *a, const char *form, const char *unit, const char *period,
                         enum err (*each)(void *ctx, const struct own_cover *c), void *ctx)
{
    struct queue_filter covers = {COVER_FORM, unit, period};
    struct covers x = {.form = form};
    enum err e = queue_each(a, &covers, look_for_cover, &x);

    for (size_t i = 0; i < x.count && e == OK; i++)
        if (x.is_alive[i])
            e = each(ctx, &x.items[i]);
    free(x.items);
    free(x.is_alive);
    return e;
}

static enum err keep_cover(void *ctx, const struct own_cover *c)
{
    struct own_return *r = ctx;

    r->cover = *c;
    r->has_cover = true;
    return OK;
}

/* ---- its submissions ---- */

struct item {
    uint8_t slot[DIGEST_BYTES];
    struct record_ref ref;
    enum record_kind kind;
    enum record_state state;
    size_t key, record, len; /* in `keep` */
};
/* What ended a submission. */
struct death {
    struct record_ref target, by;
    enum record_kind kind;
};

struct gather {
    struct own_return *r;
    struct buf items, deaths; /* struct item, struct death */
    struct buf digests;       /* of the current ones */
    size_t key_at;            /* of the one at hand, in r->keep */
};

static enum err take(void *ctx, const struct queue_submission *s)
{
    struct gather *g = ctx;
    struct item it = {.ref = s->ref, .kind = s->record->kind, .state = s->state, .key = g->r->keep.len};
    struct buf *keep = &g->r->keep;

    if (s->record->kind != RECORD_NEW) {
        struct death d = {s->record->target, s->ref, s->record->kind};

        buf_put(&g->deaths, &d, sizeof(d));
    }
    if (s->record->kind == RECORD_RETRACTION || s->record->values == NULL)
        return buf_status(&g->deaths);
    queue_key_text(keep, s->form, s->record->values);
    buf_put_u8(keep, 0);
    if (s->form->mode == FORM_ANSWERS)
        record_ref_put(it.slot, &s->ref); /* each stands for itself */
    else if (!keep->failed)
        digest(it.slot, bytes_of(keep->data + it.key, keep->len - it.key));
    it.record = keep->len;
    it.len = s->bytes.len;
    buf_put(keep, s->bytes.p, s->bytes.len);
    buf_put(&g->items, &it, sizeof(it));
    return buf_status(keep) != OK ? buf_status(keep) : buf_status(&g->items);
}

static int by_slot(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = memcmp(x->slot, y->slot, sizeof(x->slot));

    return order != 0 ? order : record_ref_compare(&x->ref, &y->ref);
}

static int by_target(const void *a, const void *b)
{
    return record_ref_compare(&((const struct death *)a)->target, &((const struct death *)b)->target);
}

/* NULL: nothing ended it. */
static const struct death *death_of(const struct gather *g, const struct item *it)
{
    struct death wanted = {.target = it->ref};
    size_t count = g->deaths.len / sizeof(wanted);

    return count == 0 ? NULL : bsearch(&wanted, g->deaths.data, count, sizeof(wanted), by_target);
}

/* Was it entered, or did it end, before the cover? */
static bool was_before(const struct own_return *r, const struct record_ref *ref)
{
    return record_ref_compare(ref, &r->cover.ref) < 0;
}

/* Of the submissions of a slot, in their order, the last: how it stands, against how the slot stood at the cover. */
static enum return_change change_of(const struct gather *g, const struct item *first, const struct item *last,
                                    const struct death *end)
{
    const struct own_return *r = g->r;
    const struct item *then = NULL;
    const struct death *d;

    if (!r->has_cover)
        return CHANGE_NONE;
    for (const struct item *i = first; i <= last; i++)
        if (was_before(r, &i->ref))
            then = i;
    if (then != NULL && (d = death_of(g, then)) != NULL && was_before(r, &d->by))
        then = NULL;
    if (end != NULL) /* a correction that gave the row another key shows there */
        return then != NULL && end->kind == RECORD_RETRACTION ? CHANGE_WITHDRAWN : CHANGE_NONE;
    if (then == last)
        return CHANGE_NONE;
    return then != NULL || last->kind == RECORD_CORRECTION ? CHANGE_CORRECTED : CHANGE_ADDED;
}

static void put_line(struct gather *g, const struct item *it, enum return_change change)
{
    struct own_return *r = g->r;
    struct return_line *l = &r->lines[r->count++];
    uint8_t d[RECORD_DIGEST_BYTES];

    *l = (struct return_line){.ref = it->ref,
                              .state = it->state,
                              .change = change,
                              .key = (const char *)r->keep.data + it->key,
                              .record = bytes_of(r->keep.data + it->record, it->len)};
    r->added += change == CHANGE_ADDED;
    r->corrected += change == CHANGE_CORRECTED;
    r->withdrawn += change == CHANGE_WITHDRAWN;
    if (change == CHANGE_WITHDRAWN)
        return;
    r->rows++;
    record_digest(d, l->record);
    buf_put(&g->digests, d, sizeof(d));
}

/* T9 before T10. */
static int by_order(const void *a, const void *b)
{
    const struct return_line *x = a, *y = b;
    int order = (x->change == CHANGE_WITHDRAWN) - (y->change == CHANGE_WITHDRAWN);

    if (order == 0)
        order = strverscmp(x->key, y->key);
    return order != 0 ? order : record_ref_compare(&x->ref, &y->ref);
}

static void sort(struct buf *list, size_t size, int (*compare)(const void *, const void *))
{
    if (list->len > size)
        qsort(list->data, list->len / size, size, compare);
}

static enum err judge(struct gather *g)
{
    struct own_return *r = g->r;
    const struct item *items = (const struct item *)(const void *)g->items.data;
    size_t count = g->items.len / sizeof(*items), first = 0;

    if ((r->lines = calloc(count + 1, sizeof(*r->lines))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct death *end;
        enum return_change change;

        if (i + 1 < count && memcmp(items[i].slot, items[i + 1].slot, sizeof(items[i].slot)) == 0)
            continue;
        end = death_of(g, &items[i]);
        change = change_of(g, &items[first], &items[i], end);
        if (end == NULL || change == CHANGE_WITHDRAWN)
            put_line(g, &items[i], change);
        first = i + 1;
    }
    if (r->count > 1)
        qsort(r->lines, r->count, sizeof(*r->lines), by_order);
    return buf_status(&g->digests);
}

static enum err count_past(void *ctx, const struct queue_past *p)
{
    struct own_return *r = ctx;

    (void)p;
    r->past++;
    return OK;
}

static enum err read_in(struct own_return *r, const struct agent *a)
{
    struct queue_filter all = {r->form->id, r->unit, r->period};
    struct gather g = {.r = r};
    enum err e = own_covers_each(a, r->form->id, r->unit, r->period, keep_cover, r);

    buf_init(&g.items, KEEP_MAX);
    buf_init(&g.deaths, KEEP_MAX);
    buf_init(&g.digests, KEEP_MAX);
    if (e == OK && (e = queue_each_past(a, &all, count_past, r)) == OK && (e = queue_each(a, &all, take, &g)) == OK) {
        sort(&g.items, sizeof(struct item), by_slot);
        sort(&g.deaths, sizeof(struct death), by_target);
        e = judge(&g);
    }
    if (e == OK) {
        return_digest(r->digest, (uint8_t(*)[RECORD_DIGEST_BYTES])(void *)g.digests.data, (size_t)r->rows);
        r->is_changed = r->has_cover && r->past == 0 && memcmp(r->digest, r->cover.digest, DIGEST_BYTES) != 0;
    }
    buf_fini(&g.items);
    buf_fini(&g.deaths);
    buf_fini(&g.digests);
    return e;
}

enum err own_return_read(struct own_return **out, const struct agent *a, const struct form *form, const char *unit,
                         const char *period)
{
    struct own_return *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    r->form = form;
    utf8_copy(r->unit, sizeof(r->unit), unit);
    utf8_copy(r->period, sizeof(r->period), period);
    buf_init_secret(&r->keep, KEEP_MAX);
    if ((e = read_in(r, a)) != OK) {
        own_return_free(r);
        return e;
    }
    *out = r;
    return OK;
}

void own_return_free(struct own_return *r)
{
    if (r == NULL)
        return;
    buf_wipe(&r->keep);
    free(r->lines);
    free(r);
}
