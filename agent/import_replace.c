#include "agent/import_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

/* A submission of the slot whose key the table does not have, or a target that something named. */
struct candidate {
    uint8_t key[16]; /* digest of unit and key: the same for all submissions of a row */
    char unit[ID_MAX + 1];
    struct record_ref ref;
};

struct list {
    struct candidate *items;
    size_t count, cap;
};

struct search {
    const struct key_set *keys;
    const struct import_units *units; /* NULL: all that is visited */
    struct buf key;                   /* of the submission at hand */
    struct list candidates, dead;
};

struct bytes row_key(const struct form *f, const struct value *values, const char *unit, struct buf *keep)
{
    const struct value *v = &values[f->key];

    buf_reset(keep);
    if (v->state != VALUE_PRESENT)
        return bytes_of("", 0);
    buf_put(keep, unit, strlen(unit) + 1);
    if (f->fields[f->key].type == VALUE_TEXT)
        buf_put(keep, v->as.text.p, v->as.text.len);
    else
        buf_put_u64(keep, (uint64_t)v->as.i);
    return bytes_of(keep->data, keep->len);
}

static enum err push(struct list *l, const struct candidate *c)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        struct candidate *grown = reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = *c;
    return OK;
}

static enum err look(void *ctx, const struct queue_submission *s)
{
    struct search *x = ctx;
    struct candidate c = {.ref = s->record->target};
    uint8_t key_digest[DIGEST_BYTES];
    struct bytes key;
    enum err e = s->record->kind == RECORD_NEW ? OK : push(&x->dead, &c);

    if (e != OK || s->record->kind == RECORD_RETRACTION || s->record->values == NULL || s->form->key < 0)
        return e;
    if (x->units != NULL && !import_units_named(x->units, s->record->unit))
        return OK; /* the table says nothing about that unit */
    key = row_key(s->form, s->record->values, s->record->unit, &x->key);
    if ((e = buf_status(&x->key)) != OK)
        return e;
    if (key_set_has(x->keys, key))
        return OK;
    digest(key_digest, key);
    memcpy(c.key, key_digest, sizeof(c.key));
    memcpy(c.unit, s->record->unit, sizeof(c.unit));
    c.ref = s->ref;
    return push(&x->candidates, &c);
}

static int by_key(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    int order = memcmp(x->key, y->key, sizeof(x->key));

    return order != 0 ? order : record_ref_compare(&x->ref, &y->ref);
}

static bool is_dead(const struct list *dead, const struct candidate *c)
{
    struct candidate wanted = {.ref = c->ref};

    return dead->count > 0 && bsearch(&wanted, dead->items, dead->count, sizeof(wanted), by_key) != NULL;
}

/* The last of each key is current, if nothing has named it. */
static enum err retract_all(struct capture *c, struct queue_writer *w, const struct search *x, uint64_t *retracted)
{
    const struct list *l = &x->candidates;
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = _("no longer in the full list")};
    uint64_t number;
    enum err e = OK;

    for (size_t i = 0; i < l->count && e == OK; i++) {
        bool is_last = i + 1 == l->count || memcmp(l->items[i].key, l->items[i + 1].key, sizeof(l->items[i].key)) != 0;

        if (!is_last || is_dead(&x->dead, &l->items[i]))
            continue;
        deed.target = l->items[i].ref;
        if ((e = capture_turn_to(c, l->items[i].unit)) == OK && (e = capture_put(c, w, NULL, &deed, &number)) == OK)
            (*retracted)++;
    }
    return e;
}

enum err replace_rest(struct agent *a, struct capture *c, struct queue_writer *w, const struct key_set *keys,
                      const struct import_units *units, uint64_t *retracted)
{
    struct queue_filter slot = {capture_form(c)->id, units == NULL ? capture_unit(c) : NULL, capture_period(c)->id};
    struct search x = {.keys = keys, .units = units};
    enum err e;

    buf_init_secret(&x.key, ROW_KEY_MAX);
    e = queue_each(a, &slot, look, &x);
    buf_wipe(&x.key);

    if (e == OK) {
        if (x.candidates.count > 0)
            qsort(x.candidates.items, x.candidates.count, sizeof(*x.candidates.items), by_key);
        if (x.dead.count > 0)
            qsort(x.dead.items, x.dead.count, sizeof(*x.dead.items), by_key);
        e = retract_all(c, w, &x, retracted);
    }
    free(x.candidates.items);
    free(x.dead.items);
    return e;
}
