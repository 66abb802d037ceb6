#include "agent/earlier.h"

#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- which period ---- */

struct latest {
    const struct agent *a;
    const struct period *before;
    char seen[PERIOD_ID_MAX + 1]; /* the period looked up last: a table has many rows of one */
    struct period *best;
    bool is_found;
};

static enum err look(void *ctx, const struct queue_submission *s)
{
    struct latest *l = ctx;
    struct period p;

    if (s->record->kind == RECORD_RETRACTION || strcmp(s->record->period, l->seen) == 0)
        return OK;
    utf8_copy(l->seen, sizeof(l->seen), s->record->period);
    if (calendar_find(l->a->calendar, l->before->series, s->record->period, &p) != OK ||
        strcmp(p.id, s->record->period) != 0 || p.first >= l->before->first ||
        (l->is_found && p.first <= l->best->first))
        return OK;
    *l->best = p;
    l->is_found = true;
    return OK;
}

enum err earlier_period(const struct agent *a, const char *form, const char *unit, const struct period *before,
                        struct period *out)
{
    struct queue_filter filter = {form, unit, NULL};
    struct latest l = {.a = a, .before = before, .best = out};
    enum err e = queue_each(a, &filter, look, &l);

    return e == OK && !l.is_found ? ERR_NOT_FOUND : e;
}

/* ---- what stands in it ---- */

struct earlier {
    const struct agent *a;
    struct own_return *all;
    struct record_space *space;
    struct record record;
};

enum err earlier_read(struct earlier **out, const struct agent *a, const struct form *form, const char *unit,
                      const char *period)
{
    struct earlier *x = calloc(1, sizeof(*x));
    enum err e;

    if (x == NULL)
        return ERR_NOMEM;
    x->a = a;
    if ((e = record_space_new(&x->space)) != OK || (e = own_return_read(&x->all, a, form, unit, period)) != OK) {
        earlier_free(x);
        return e;
    }
    *out = x;
    return OK;
}

void earlier_free(struct earlier *e)
{
    if (e == NULL)
        return;
    own_return_free(e->all);
    record_space_free(e->space);
    free(e);
}

static int by_key(const void *key, const void *line)
{
    return strverscmp(key, ((const struct return_line *)line)->key);
}

/* Those that stand come first, by their keys. */
static const struct return_line *line_of(const struct own_return *r, const char *key)
{
    return r->rows == 0 ? NULL : bsearch(key, r->lines, (size_t)r->rows, sizeof(*r->lines), by_key);
}

enum err earlier_values(struct earlier *e, const char *key, const struct value **values, const struct form **of)
{
    const struct return_line *l = line_of(e->all, key);
    const struct form *f;
    enum err err;

    if (l == NULL)
        return ERR_NOT_FOUND;
    if ((err = record_decode_head(&e->record, l->record)) != OK)
        return err;
    if ((f = agent_form_by_digest(e->a, e->record.form)) == NULL)
        return ERR_NOT_FOUND;
    if ((err = record_decode(&e->record, e->space, l->record, f)) != OK)
        return err;
    *values = e->record.values;
    *of = f;
    return OK;
}
