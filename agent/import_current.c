/* The rows that stand on this computer before the table is taken. */
#include "agent/import_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX (1u << 20) /* a record's values as text */

struct dead_list {
    struct record_ref *items;
    size_t count, cap;
};

struct search {
    struct current_rows *rows;
    size_t cap;
    struct dead_list dead; /* what something later named */
    struct buf key, text;  /* of the submission at hand */
};

struct bytes row_key(const struct form *f, const struct value *values, const char *unit, struct buf *keep)
{
    const struct value *v = f->key >= 0 ? &values[f->key] : NULL;

    buf_reset(keep);
    if (v != NULL && v->state != VALUE_PRESENT)
        return bytes_of("", 0);
    buf_put(keep, unit, strlen(unit) + 1);
    if (v != NULL && f->fields[f->key].type == VALUE_TEXT)
        buf_put(keep, v->as.text.p, v->as.text.len);
    else if (v != NULL)
        buf_put_u64(keep, (uint64_t)v->as.i);
    return bytes_of(keep->data, keep->len);
}

/* ---- what values say, whatever the version of the form ---- */

static void short_digest(uint8_t out[ROW_DIGEST], struct bytes in)
{
    uint8_t whole[DIGEST_BYTES];

    digest(whole, in);
    memcpy(out, whole, ROW_DIGEST);
}

enum err row_digest(uint8_t out[ROW_DIGEST], const struct form *now, const struct form *of, const struct value *values,
                    struct buf *keep)
{
    buf_reset(keep);
    for (uint32_t i = 0; i < now->field_count; i++) {
        int32_t k = form_same_field(&now->fields[i], of->fields, of->field_count);

        if (k >= 0)
            value_format(keep, &of->fields[k], &values[k]);
        buf_put_u8(keep, 0);
    }
    short_digest(out, bytes_of(keep->data, keep->len));
    return buf_status(keep);
}

/* ---- finding them ---- */

static enum err push_dead(struct dead_list *l, const struct record_ref *ref)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        struct record_ref *grown = reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = *ref;
    return OK;
}

static struct current_row *push(struct search *x)
{
    struct current_rows *rows = x->rows;

    if (rows->count == x->cap) {
        size_t cap = x->cap == 0 ? 64 : x->cap * 2;
        struct current_row *grown = reallocarray(rows->items, cap, sizeof(*grown));

        if (grown == NULL)
            return NULL;
        rows->items = grown;
        x->cap = cap;
    }
    return &rows->items[rows->count++];
}

static enum err look(void *ctx, const struct queue_submission *s)
{
    struct search *x = ctx;
    struct current_row *row;
    struct bytes key;
    enum err e = s->record->kind == RECORD_NEW ? OK : push_dead(&x->dead, &s->record->target);

    if (e != OK || s->record->kind == RECORD_RETRACTION || s->record->values == NULL)
        return e;
    key = row_key(s->form, s->record->values, s->record->unit, &x->key);
    if (key.len == 0 || (e = buf_status(&x->key)) != OK)
        return e;
    if ((row = push(x)) == NULL)
        return ERR_NOMEM;
    *row = (struct current_row){.ref = s->ref};
    short_digest(row->key, key);
    memcpy(row->unit, s->record->unit, sizeof(row->unit));
    return row_digest(row->values, x->rows->form, s->form, s->record->values, &x->text);
}

static int by_ref(const void *a, const void *b)
{
    return record_ref_compare(a, b);
}

static int by_key(const void *a, const void *b)
{
    const struct current_row *x = a;
    const struct current_row *y = b;
    int order = memcmp(x->key, y->key, sizeof(x->key));

    return order != 0 ? order : record_ref_compare(&x->ref, &y->ref);
}

static bool is_dead(const struct dead_list *dead, const struct current_row *row)
{
    return dead->count > 0 && bsearch(&row->ref, dead->items, dead->count, sizeof(row->ref), by_ref) != NULL;
}

/* The last of each key is current, if nothing has named it. */
static void keep_current(struct search *x)
{
    struct current_rows *rows = x->rows;
    size_t kept = 0;

    if (x->dead.count > 0)
        qsort(x->dead.items, x->dead.count, sizeof(*x->dead.items), by_ref);
    if (rows->count > 0)
        qsort(rows->items, rows->count, sizeof(*rows->items), by_key);
    for (size_t i = 0; i < rows->count; i++) {
        bool is_last = i + 1 == rows->count || memcmp(rows->items[i].key, rows->items[i + 1].key, ROW_DIGEST) != 0;

        if (is_last && !is_dead(&x->dead, &rows->items[i]))
            rows->items[kept++] = rows->items[i];
    }
    rows->count = kept;
}

enum err current_rows_read(struct current_rows *out, const struct agent *a, const struct capture *c, bool many_units)
{
    const struct form *f = capture_form(c);
    struct queue_filter slot = {f->id, many_units ? NULL : capture_unit(c), capture_period(c)->id};
    struct search x = {.rows = out};
    enum err e;

    *out = (struct current_rows){.form = f};
    if (f->mode == FORM_ANSWERS) /* each adds, none replaces another */
        return OK;
    buf_init_secret(&x.key, ROW_KEY_MAX);
    buf_init_secret(&x.text, VALUES_MAX);
    e = queue_each(a, &slot, look, &x);
    keep_current(&x);
    buf_wipe(&x.key);
    buf_wipe(&x.text);
    free(x.dead.items);
    return e;
}

void current_rows_fini(struct current_rows *r)
{
    free(r->items);
    r->items = NULL;
    r->count = 0;
}

static int by_age(const void *a, const void *b)
{
    const struct current_row *x = a;
    const struct current_row *y = b;

    return record_ref_compare(&x->ref, &y->ref);
}

void current_rows_sort(struct current_rows *r)
{
    if (r->count > 0)
        qsort(r->items, r->count, sizeof(*r->items), by_age);
}

struct current_row *current_rows_find(const struct current_rows *r, struct bytes key)
{
    uint8_t wanted[ROW_DIGEST];
    size_t from = 0;
    size_t to = r->count;

    short_digest(wanted, key);
    while (from < to) {
        size_t at = from + (to - from) / 2;
        int order = memcmp(wanted, r->items[at].key, sizeof(wanted));

        if (order == 0)
            return &r->items[at];
        if (order < 0)
            to = at;
        else
            from = at + 1;
    }
    return NULL;
}
