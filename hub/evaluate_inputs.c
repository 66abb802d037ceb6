/* What a value rests upon, one step down. */
#include "hub/evaluate_internal.h"

#include <string.h>

struct inputs {
    struct evaluation *e;
    const struct look *l;
    enum err (*each)(void *ctx, const struct input *i);
    void *ctx;
};

static const char *name_of(const struct evaluation *e, uint32_t unit)
{
    return unit == NONE ? NULL : e->units.items[unit];
}

/* ---- variables ---- */

static i128 stat_of(const struct amount *a, enum reference_stat stat)
{
    if (stat == STAT_N)
        return (i128)a->n;
    if (stat == STAT_ROSE)
        return a->rose;
    return stat == STAT_FELL ? a->fell : a->sum;
}

/* The one period that it was taken from; of several, the one that was asked for. */
static enum err period_of(const struct inputs *in, uint32_t variable, uint32_t asked, struct period *out)
{
    const struct list *periods;
    enum err err = time_resolve(in->e, in->l->view, variable, 0, asked, &periods);

    if (err == OK)
        *out = *time_at(in->e, periods->count == 1 ? periods->at[0] : asked);
    return err;
}

static enum err put_variable(const struct inputs *in, struct input *i, struct scope at, uint32_t period, uint32_t part)
{
    struct amount a;
    enum err err = variable_amount(in->e, in->l->view, i->index, at, period, part, &a);

    if (err != OK || (err = period_of(in, i->index, period, &i->period)) != OK)
        return err;
    i->is_variable = true;
    i->unit = name_of(in->e, at.unit);
    i->part = in->e->parts.items[part];
    i->cell = (struct cell){stat_of(&a, i->stat), a.n};
    i->has_cell = a.has;
    return in->each(in->ctx, i);
}

static int64_t factor(const struct linear *l, uint32_t variable, enum reference_stat stat)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < l->count; i++)
        if (l->terms[i].variable == variable && l->terms[i].stat == stat)
            sum += l->terms[i].coefficient;
    return sum;
}

static bool came_before(const struct linear *l, uint32_t upto, const struct linear_term *t)
{
    for (uint32_t i = 0; i < upto; i++)
        if (l->terms[i].variable == t->variable && l->terms[i].stat == t->stat)
            return true;
    return false;
}

/* `relations` alone, or all but them: of the municipality they are one number, because two units share each. */
static enum err put_terms(const struct inputs *in, struct scope at, bool relations, bool others)
{
    const struct indicator *ind = in->l->i;
    const struct linear *linears[] = {&ind->numerator, &ind->denominator};
    const struct programme *p = in->e->views[in->l->view].p;
    enum err err = OK;

    for (unsigned k = 0; k < 2; k++)
        for (uint32_t n = 0; n < linears[k]->count && err == OK; n++) {
            const struct linear_term *t = &linears[k]->terms[n];
            bool is_relation = p->variables[t->variable]->kind == VARIABLE_RELATIONS;
            struct input i = {.index = t->variable, .stat = t->stat};

            if (came_before(linears[k], n, t) || (k == 1 && came_before(linears[0], linears[0]->count, t)) ||
                !(is_relation ? relations : others))
                continue;
            i.in_numerator = factor(&ind->numerator, t->variable, t->stat);
            i.in_denominator = factor(&ind->denominator, t->variable, t->stat);
            err = put_variable(in, &i, at, in->l->period, in->l->part);
        }
    return err;
}

static enum err linear_inputs(const struct inputs *in)
{
    const struct list *units;
    enum err err;

    if (in->l->at.unit != NONE)
        return put_terms(in, in->l->at, true, true);
    err = scope_candidates(in->e, in->l->at, &units);
    for (uint32_t u = 0; err == OK && u < units->count; u++)
        err = put_terms(in, (struct scope){units->at[u], 0, DAY_NONE, true}, false, true);
    return err == OK ? put_terms(in, in->l->at, true, false) : err;
}

/* ---- indicators ---- */

static enum err put_indicator(const struct inputs *in, uint32_t index, struct scope at, uint32_t period)
{
    struct input i = {.index = index, .unit = name_of(in->e, at.unit), .part = "", .stat = STAT_VALUE};
    struct outcome o = {.why = why_earlier, .used = NONE};
    enum err err = OK;

    if (period != NONE) {
        i.period = *time_at(in->e, period);
        err = outcome_of(in->e, in->l->view, index, at, period, 0, &o);
    }
    if (err != OK)
        return err;
    result_of(in->e, &o, &i.result);
    return in->each(in->ctx, &i);
}

static enum err put_reference(const struct inputs *in, const struct look *l, const struct reference *r,
                              enum reference_shift shift)
{
    struct input i = {.index = r->index, .stat = r->stat};
    struct reading x;
    enum err err;

    if (r->what == REFERENCE_PARAMETER)
        return OK;
    if ((err = shifted_read(in->e, l, r, shift, &x)) != OK)
        return err;
    if (r->what == REFERENCE_INDICATOR)
        return put_indicator(in, r->index, x.at, x.period);
    return x.period == NONE ? OK : put_variable(in, &i, x.at, x.period, 0);
}

static enum err put_formula(const struct inputs *in, const struct look *l, const struct formula *f)
{
    enum err err = OK;

    for (uint32_t i = 0; f->source != NULL && i < f->count && err == OK; i++)
        err = put_reference(in, l, &f->references[i], f->references[i].shift);
    return err;
}

static enum err put_units(const struct inputs *in, uint32_t indicator)
{
    const struct list *active;
    enum err err = eligible_units(in->e, in->l, &active, NULL);

    for (uint32_t i = 0; err == OK && i < active->count; i++)
        err = put_indicator(in, indicator, scope_unit(active->at[i]), in->l->period);
    return err;
}

static enum err change_inputs(const struct inputs *in)
{
    const struct reference r = {.what = REFERENCE_INDICATOR, .stat = STAT_VALUE, .index = (uint32_t)in->l->i->of};
    enum err err = put_reference(in, in->l, &r, SHIFT_NONE);

    return err == OK ? put_reference(in, in->l, &r, in->l->i->against) : err;
}

static enum err index_inputs(const struct inputs *in)
{
    enum err err = OK;

    for (uint32_t k = 0; k < in->l->i->component_count && err == OK; k++) {
        const struct reference r = {
            .what = REFERENCE_INDICATOR, .stat = STAT_VALUE, .index = in->l->i->components[k].indicator};

        err = put_reference(in, in->l, &r, SHIFT_NONE);
    }
    return err;
}

static enum err history_inputs(const struct inputs *in)
{
    const struct reference of = {.what = REFERENCE_INDICATOR, .stat = STAT_VALUE, .index = (uint32_t)in->l->i->of};
    struct look then = *in->l;
    enum err err = OK;

    for (unsigned k = 0; k < in->l->i->last && err == OK && then.period != NONE; k++) {
        bool missing = false;

        if (k > 0)
            err = scope_earlier(in->e, in->e->views[in->l->view].p, in->l->at, in->l->period, then.period, &then.at,
                                &missing);
        if (err == OK && !missing)
            err = in->l->i->as_trend ? put_reference(in, &then, &of, SHIFT_NONE)
                                     : put_formula(in, &then, &in->l->i->condition);
        if (err == OK)
            err = time_previous(in->e, then.period, &then.period);
    }
    return err;
}

static enum err class_inputs(const struct inputs *in)
{
    enum err err = OK;

    for (uint32_t k = 0; k < in->l->i->class_count && err == OK; k++)
        err = put_formula(in, in->l, &in->l->i->classes[k].condition);
    return err;
}

/* ---- the plan ---- */

struct plan_walk {
    const struct inputs *in;
    uint32_t variable;
};

static enum err put_row(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    const struct plan_walk *w = ctx;
    const struct inputs *in = w->in;
    struct bytes text = cells_text(in->e, row);
    char part[PART_MAX + 1];
    struct input i = {.is_variable = true,
                      .index = w->variable,
                      .unit = name_of(in->e, unit),
                      .period = *time_at(in->e, period),
                      .part = part,
                      .stat = STAT_VALUE,
                      .cell = row->c,
                      .has_cell = true};

    if (text.len == 0 || text.len >= sizeof(part))
        return OK;
    memcpy(part, text.p, text.len);
    part[text.len] = '\0';
    return in->each(in->ctx, &i);
}

/* All that was reported of the plan, in periods that have begun. */
static enum err put_rows(const struct inputs *in, uint32_t variable)
{
    const struct cell_table *t = &in->e->tables[in->e->views[in->l->view].table[variable]];
    struct plan_walk w = {in, variable};
    enum err err = OK;

    for (uint32_t g = 0; g < t->group_count && err == OK; g++) {
        uint32_t unit = (uint32_t)(t->groups[g].key >> 32);
        uint32_t period = (uint32_t)t->groups[g].key;

        if ((in->l->at.unit != NONE && in->l->at.unit != unit) ||
            time_at(in->e, period)->first > time_at(in->e, in->l->period)->last)
            continue;
        for (uint32_t r = t->groups[g].first; r < t->groups[g].first + t->groups[g].count && err == OK; r++)
            err = put_row(&w, unit, period, &t->rows[r]);
    }
    return err;
}

static enum err progress_inputs(const struct inputs *in)
{
    enum err err = put_rows(in, in->l->i->done_variable);

    for (uint32_t k = 0; k < in->l->i->plan_count && err == OK; k++) {
        const struct reference r = {
            .what = REFERENCE_INDICATOR, .stat = STAT_VALUE, .index = in->l->i->plan_indicators[k]};

        err = put_reference(in, in->l, &r, SHIFT_NONE);
    }
    return err;
}

/* ---- all kinds ---- */

static enum err kind_inputs(const struct inputs *in)
{
    const struct look *l = in->l;
    enum err err;

    switch (l->i->kind) {
    case KIND_COUNT:
    case KIND_SUM:
    case KIND_MEAN:
    case KIND_SHARE:
    case KIND_RATIO:
    case KIND_SURVEY: return linear_inputs(in);
    case KIND_UNITS:
        err = put_formula(in, l, &l->i->among);
        return err == OK ? put_formula(in, l, &l->i->condition) : err;
    case KIND_CHANGE: return change_inputs(in);
    case KIND_FORMULA: return put_formula(in, l, &l->i->value);
    case KIND_INDEX: return index_inputs(in);
    case KIND_CLASS: return class_inputs(in);
    case KIND_GAP: return put_units(in, (uint32_t)l->i->of);
    case KIND_HISTORY: return history_inputs(in);
    case KIND_EXECUTION: return put_rows(in, l->i->done_variable);
    case KIND_PROGRESS: return progress_inputs(in);
    }
    return ERR_INTERNAL;
}

enum err inputs_of(struct evaluation *e, const struct look *l, enum err (*each)(void *ctx, const struct input *i),
                   void *ctx)
{
    struct look at = *l;
    const struct inputs in = {e, &at, each, ctx};
    bool one_by_one = l->i->kind == KIND_UNITS || l->i->kind == KIND_CLASS ||
                      (l->i->rollup != ROLLUP_POOLED && l->i->kind != KIND_GAP);
    const struct list *active;
    const struct list *eligible;
    enum err err;

    if (l->at.unit == NONE && one_by_one)
        return put_units(&in, l->first);
    if (l->at.unit == NONE && l->i->units.source != NULL) {
        if ((err = eligible_units(e, l, &active, &eligible)) != OK ||
            (err = filter_put(e, eligible->at, eligible->count, &at.at.filter)) != OK)
            return err;
    }
    return kind_inputs(&in);
}
