/* The amount of a variable at a place: the cells behind it, and what they come to. */
#include "hub/evaluate_internal.h"

#include "common/cli.h"

#include <string.h>

/* ---- walking the cells ---- */

struct walk {
    struct evaluation *e;
    const struct cell_table *t;
    const struct list *periods;
    const char *part; /* NULL: all */
    uint32_t asked;   /* period */
    bool is_last, needs_roster;
    struct amount *seen;
    cells_each each;
    void *ctx;
};

/* TIME_LAST asks for the roster of the period that is looked at: a school that is closed counts no more. */
static enum err belongs(struct walk *w, uint32_t unit, uint32_t period, bool *out)
{
    *out = true;
    return w->needs_roster ? unit_is_active(w->e, unit, w->is_last ? w->asked : period, out) : OK;
}

static enum err walk_group(struct walk *w, uint32_t unit, uint32_t period, const struct cell_group *g)
{
    bool is_in;
    enum err err = belongs(w, unit, period, &is_in);

    if (err == OK && w->seen != NULL) {
        w->seen->has_outsiders |= !is_in;
        w->seen->present |= is_in ? g->present : 0;
    }
    if (err != OK || !is_in)
        return err;
    if (w->part != NULL) {
        const struct cell_row *row = cells_part(w->e, w->t, g, w->part);

        return row == NULL ? OK : w->each(w->ctx, unit, period, row);
    }
    for (uint32_t r = g->first; err == OK && r < g->first + g->count; r++)
        err = w->each(w->ctx, unit, period, &w->t->rows[r]);
    return err;
}

static enum err walk_unit(struct walk *w, uint32_t unit)
{
    enum err err = OK;

    for (uint32_t i = 0; i < w->periods->count && err == OK; i++) {
        const struct cell_group *g = cells_group(w->t, unit, w->periods->at[i]);

        if (g == NULL)
            continue;
        err = walk_group(w, unit, w->periods->at[i], g);
        if (w->is_last)
            break;
    }
    return err;
}

enum err variable_walk(struct evaluation *e, uint32_t view, uint32_t variable, uint32_t clause, struct scope at,
                       uint32_t period, const char *part, struct amount *seen, cells_each each, void *ctx)
{
    const struct programme_view *pv = &e->views[view];
    const struct list *units;
    struct walk w = {.e = e,
                     .t = &e->tables[pv->table[variable]],
                     .part = part,
                     .asked = period,
                     .is_last = time_is_last(time_role(pv->p->variables[variable], clause)),
                     .needs_roster = at.counts || at.unit == NONE,
                     .seen = seen,
                     .each = each,
                     .ctx = ctx};
    enum err err = time_resolve(e, view, variable, clause, period, &w.periods);

    if (err != OK || w.periods->count == 0)
        return err;
    if (at.unit != NONE && at.merge_day == DAY_NONE)
        return walk_unit(&w, at.unit);
    err = scope_candidates(e, at, &units);
    for (uint32_t i = 0; err == OK && i < units->count; i++)
        err = walk_unit(&w, units->at[i]);
    return err;
}

/* ---- sums ---- */

struct summing {
    struct amount *out;
    bool has_overflown;
};

static bool add_row(struct amount *out, const struct cell_row *row)
{
    out->has = true;
    return !__builtin_add_overflow(out->sum, row->c.sum, &out->sum) &&
           !__builtin_add_overflow(out->n, row->c.n, &out->n);
}

static enum err add_cell(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    struct summing *s = ctx;

    (void)unit;
    (void)period;
    s->has_overflown |= !add_row(s->out, row);
    return OK;
}

/* One unit in one period, the common case, without a callback. */
static bool add_direct(struct evaluation *e, const struct cell_table *t, uint32_t unit, uint32_t period,
                       const char *part, struct amount *out)
{
    const struct cell_group *g = cells_group(t, unit, period);
    const struct cell_row *row = g == NULL ? NULL : cells_part(e, t, g, part);

    return row == NULL || add_row(out, row);
}

/* The distinct values of kind values add up like sums. */
static enum err sum_at(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                       uint32_t part, struct amount *out)
{
    const struct programme_view *pv = &e->views[view];
    const struct variable *v = pv->p->variables[variable];
    const char *text = e->parts.items[part];
    struct summing s = {.out = out};
    const struct list *periods;
    enum err err = time_resolve(e, view, variable, 0, period, &periods);

    if (err != OK)
        return err;
    if (v->kind == VARIABLE_SUM && at.unit != NONE && at.merge_day == DAY_NONE && !at.counts && periods->count == 1)
        s.has_overflown = !add_direct(e, &e->tables[pv->table[variable]], at.unit, periods->at[0], text, out);
    else
        err = variable_walk(e, view, variable, 0, at, period, v->kind == VARIABLE_SUM ? text : NULL, out, add_cell, &s);
    if (err == OK && s.has_overflown)
        err = err_set(ERR_LIMIT, _("the sum of variable %s is too large"), v->id);
    return err;
}

/* ---- all kinds ---- */

static enum err amount_of_kind(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                               uint32_t part, struct amount *out)
{
    switch (e->views[view].p->variables[variable]->kind) {
    case VARIABLE_SUM:
    case VARIABLE_VALUES: return sum_at(e, view, variable, at, period, part, out);
    case VARIABLE_KEYS: return gather_keys(e, view, variable, at, period, out);
    case VARIABLE_PAIRS: return gather_pairs(e, view, variable, at, period, out);
    case VARIABLE_RELATIONS: return gather_relations(e, view, variable, at, period, out);
    }
    return ERR_INTERNAL;
}

static enum err pass(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    (void)ctx;
    (void)unit;
    (void)period;
    (void)row;
    return OK;
}

/* Nothing was found in what was sent: zero; nothing was sent: no value. */
static enum err see_presence(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                             struct amount *out)
{
    enum err err = variable_walk(e, view, variable, 0, at, period, NULL, out, pass, NULL);

    out->has = out->present != 0;
    return err;
}

/* Sums of one unit are found faster than remembered. */
static bool is_remembered(const struct variable *v, struct scope at)
{
    return v->kind != VARIABLE_SUM || at.unit == NONE;
}

enum err variable_amount(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                         uint32_t part, struct amount *out)
{
    const struct variable *v = e->views[view].p->variables[variable];
    const struct memo_key key = {
        MEMO_AMOUNT, e->views[view].first_variable + variable, at.unit, period, part, at.filter, at.merge_day,
        at.counts};
    struct amount *kept = is_remembered(v, at) ? memo_get(&e->memo, &key) : NULL;
    enum err err = OK;

    if (kept != NULL) {
        *out = *kept;
        return OK;
    }
    memset(out, 0, sizeof(*out));
    if ((err = amount_of_kind(e, view, variable, at, period, part, out)) != OK)
        return err;
    if (!out->has && v->absent_is_zero && (err = see_presence(e, view, variable, at, period, out)) != OK)
        return err;
    if (is_remembered(v, at) && (err = memo_put(e, &key, sizeof(*kept), (void **)&kept)) == OK)
        *kept = *out;
    return err;
}
