/* One value: who may have it, what was computed already, and what the kind makes of the place. */
#include "hub/evaluate_internal.h"

#include "common/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const why_no_data = N_("no data");
const char *const why_too_few = N_("too few answers");
const char *const why_too_few_units = N_("too few units have data");
const char *const why_zero = N_("the denominator is zero");
const char *const why_not_eligible = N_("not eligible");
const char *const why_level = N_("not computed at this level");
const char *const why_earlier = N_("an earlier value is missing");
const char *const why_component = N_("a component is missing");
const char *const why_not_in_roster = N_("not in the roster in this period");
const char *const why_too_large = N_("the number is too large");
const char *const why_no_class = N_("no class fits");
const char *const why_not_defined = N_("not defined for this period");

/* ---- the definition that is valid ---- */

bool indicator_has_series(const struct indicator *i, const char *series)
{
    for (uint32_t s = 0; s < i->series_count; s++)
        if (strcmp(i->series[s], series) == 0)
            return true;
    return false;
}

/* ---- the kind's own rule ---- */

enum err kind_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    switch (l->i->kind) {
    case KIND_COUNT:
    case KIND_SUM:
    case KIND_MEAN:
    case KIND_SHARE:
    case KIND_RATIO:
    case KIND_SURVEY: return linear_at(e, l, out);
    case KIND_UNITS: return units_at_unit(e, l, out);
    case KIND_CHANGE: return change_at(e, l, out);
    case KIND_FORMULA: return formula_at(e, l, out);
    case KIND_INDEX: return index_at(e, l, out);
    case KIND_CLASS: return class_at(e, l, out);
    case KIND_GAP: return gap_at(e, l, out);
    case KIND_HISTORY: return history_at(e, l, out);
    case KIND_EXECUTION: return execution_at(e, l, out);
    case KIND_PROGRESS: return progress_at(e, l, out);
    }
    return ERR_INTERNAL;
}

/* ---- a unit ---- */

/* An earlier value may be that of schools that were merged since: one of them is enough. */
static enum err is_there(struct evaluation *e, const struct look *l, bool *out)
{
    const struct list *units;
    enum err err;

    if (l->at.merge_day == DAY_NONE)
        return unit_is_active(e, l->at.unit, l->period, out);
    err = scope_candidates(e, l->at, &units);
    *out = false;
    for (uint32_t i = 0; err == OK && i < units->count && !*out; i++)
        err = unit_is_active(e, units->at[i], l->period, out);
    return err;
}

static enum err at_unit(struct evaluation *e, const struct look *l, struct outcome *out)
{
    struct formula_reading read;
    bool is_in = true;
    enum err err = is_there(e, l, &is_in);

    if (err != OK || !is_in) {
        outcome_fail(out, why_not_in_roster);
        return err;
    }
    if (l->i->units.source != NULL)
        err = formula_test(e, l, &l->i->units, &is_in, &read);
    if (err != OK || !is_in) {
        outcome_fail(out, why_not_eligible);
        out->excluded = 1;
        return err;
    }
    out->expected = 1;
    if ((err = kind_at(e, l, out)) != OK)
        return err;
    out->reported = out->has_data;
    if (out->why == why_not_eligible) {
        out->expected = 0;
        out->excluded = 1;
    }
    if (out->why == NULL && out->n < l->i->minimum_n)
        outcome_fail(out, why_too_few);
    return OK;
}

/* ---- the municipality ---- */

/* How many units have data for it: linear sums have counted them already. */
static enum err count_units(struct evaluation *e, const struct look *l, const struct list *eligible,
                            struct outcome *out)
{
    enum err err = OK;

    for (uint32_t i = 0; i < eligible->count && err == OK; i++) {
        struct outcome one;

        err = outcome_of(e, l->view, l->first, (struct scope){eligible->at[i], 0, l->at.merge_day, false}, l->period, 0,
                         &one);
        out->reported += err == OK && one.has_data;
    }
    return err;
}

/* The formula over the district's numbers; where only some units take part, over theirs. */
static enum err pooled(struct evaluation *e, const struct look *l, struct outcome *out)
{
    struct look restricted = *l;
    const struct list *active;
    const struct list *eligible;
    enum err err = eligible_units(e, l, &active, &eligible);

    if (err == OK && l->i->units.source != NULL)
        err = filter_put(e, eligible->at, eligible->count, &restricted.at.filter);
    if (err != OK || (err = kind_at(e, &restricted, out)) != OK)
        return err;
    out->expected = eligible->count > out->reported ? eligible->count : out->reported;
    out->excluded += active->count - eligible->count;
    return indicator_is_linear(l->i) ? OK : count_units(e, l, eligible, out);
}

static enum err at_municipality(struct evaluation *e, const struct look *l, struct outcome *out)
{
    enum err err;

    if (l->i->kind == KIND_UNITS)
        err = units_municipal(e, l, out);
    else if (l->i->kind == KIND_CLASS)
        err = class_municipal(e, l, out);
    else if (l->i->kind == KIND_GAP)
        err = gap_at(e, l, out);
    else if (l->i->rollup != ROLLUP_POOLED)
        err = rollup_municipal(e, l, out);
    else
        err = pooled(e, l, out);
    if (err == OK && e->views[l->view].is_of_district[l->first]) { /* of one unit, the district, it is expected */
        out->expected = 1;
        out->reported = out->has_data;
        out->excluded = 0;
    }
    if (err == OK && out->why == NULL && out->reported < l->i->minimum_units)
        outcome_fail(out, why_too_few_units);
    return err;
}

/* ---- memo ---- */

static enum err compute(struct evaluation *e, struct look *l, struct outcome *out)
{
    const struct programme *p = e->views[l->view].p;
    enum err err;

    if (e->depth >= DEPTH_MAX)
        return err_set(ERR_LIMIT, _("indicator %s: indicators read each other more than %u deep"),
                       p->indicators[l->first]->id, DEPTH_MAX);
    if ((l->i = programme_version(p, l->first, time_at(e, l->period)->last)) == NULL) {
        outcome_fail(out, why_not_defined);
        return OK;
    }
    e->depth++;
    err = l->at.unit != NONE ? at_unit(e, l, out) : at_municipality(e, l, out);
    e->depth--;
    return err;
}

enum err outcome_of(struct evaluation *e, uint32_t view, uint32_t first, struct scope at, uint32_t period,
                    uint32_t part, struct outcome *out)
{
    const struct memo_key key = {
        MEMO_OUTCOME, e->views[view].first + first, at.unit, period, part, at.filter, at.merge_day, at.counts};
    struct look l = {.view = view, .first = first, .at = at, .period = period, .part = part};
    struct outcome *kept = memo_get(&e->memo, &key);
    enum err err;

    if (kept != NULL) {
        *out = *kept;
        return OK;
    }
    *out = (struct outcome){.used = NONE, .number = NAN};
    if ((err = compute(e, &l, out)) != OK)
        return err;
    if ((err = memo_put(e, &key, sizeof(*kept), (void **)&kept)) == OK)
        *kept = *out;
    return err;
}

/* ---- for the caller ---- */

uint32_t view_of(const struct evaluation *e, const struct programme *p)
{
    for (uint32_t i = 0; i < e->w.programme_count; i++)
        if (e->views[i].p == p)
            return i;
    return NONE;
}

void result_of(const struct evaluation *e, const struct outcome *o, struct result *out)
{
    memset(out, 0, sizeof(*out));
    out->state = o->why == NULL ? RESULT_OK : RESULT_NO_DATA;
    out->value = o->value;
    out->number = o->number;
    out->has_fraction = o->has_fraction;
    out->has_denominator = o->has_denominator;
    out->numerator = o->numerator;
    out->denominator = o->denominator;
    out->fraction_places = o->fraction_places;
    out->n = o->n;
    out->reported = o->reported;
    out->expected = o->expected;
    out->excluded = o->excluded;
    out->why_not = o->why;
    out->is_reweighted = o->is_reweighted;
    out->class_index = o->class_index;
    if (o->used != NONE)
        out->used = *time_at(e, o->used);
}

/* Is there such a number at all? */
static bool is_computed(const struct indicator *i, const char *unit, const char *part)
{
    bool is_class = i->kind == KIND_CLASS && unit == NULL;

    if (i->levels != LEVELS_BOTH && (i->levels == LEVELS_MUNICIPALITY) != (unit == NULL))
        return false;
    if (i->kind == KIND_GAP && unit != NULL)
        return false;
    if (part[0] == '\0')
        return !is_class;
    return is_class ? strncmp(part, "class=", 6) == 0 : i->has_breakdown && indicator_is_linear(i);
}

static enum err look_for(struct evaluation *e, const struct programme *p, uint32_t indicator, const char *unit,
                         const struct period *period, const char *part, struct look *out)
{
    const struct indicator *i;
    enum err err;

    *out = (struct look){.view = view_of(e, p), .first = indicator, .at = scope_municipality(0)};
    if (out->view == NONE || indicator >= p->indicator_count)
        return err_set(ERR_NOT_FOUND, "no such indicator");
    i = programme_version(p, indicator, period->last);
    if (i != NULL && (!indicator_has_series(i, period->series) || !is_computed(i, unit, part)))
        return err_set(ERR_NOT_FOUND, _("indicator %s is not computed for that level, period or part"), i->id);
    if (unit != NULL && (err = names_put(e, &e->units, unit, &out->at.unit)) != OK)
        return err;
    if ((err = time_intern(e, period, &out->period)) != OK)
        return err;
    return names_put(e, &e->parts, part, &out->part);
}

enum err evaluation_value(struct evaluation *e, const struct programme *p, uint32_t indicator, const char *unit,
                          const struct period *period, const char *part, struct result *out)
{
    struct outcome o;
    struct look l;
    enum err err = look_for(e, p, indicator, unit, period, part == NULL ? "" : part, &l);

    if (err != OK || (err = outcome_of(e, l.view, l.first, l.at, l.period, l.part, &o)) != OK)
        return err;
    result_of(e, &o, out);
    return OK;
}

enum err evaluation_inputs(struct evaluation *e, const struct programme *p, uint32_t indicator, const char *unit,
                           const struct period *period, const char *part,
                           enum err (*each)(void *ctx, const struct input *i), void *ctx)
{
    struct look l;
    enum err err = look_for(e, p, indicator, unit, period, part == NULL ? "" : part, &l);

    if (err != OK)
        return err;
    l.i = programme_version(p, indicator, period->last);
    return l.i == NULL ? OK : inputs_of(e, &l, each, ctx);
}

/* ---- from beginning to end ---- */

static enum err add_units(struct evaluation *e)
{
    uint32_t unit;
    enum err err = OK;

    for (size_t i = 0; i < e->w.units.count && err == OK; i++)
        err = names_put(e, &e->units, e->w.units.ids[i], &unit);
    return err == OK ? names_put(e, &e->units, UNIT_DISTRICT, &e->district) : err;
}

/* No id has a bracket in it. */
static enum err mark_first(struct evaluation *e, struct programme_view *v)
{
    struct names seen = {0};
    enum err err = OK;

    if ((v->is_first = arena_alloc(e, v->p->indicator_count + 1)) == NULL)
        return ERR_NOMEM;
    for (size_t n = 0; n < v->p->indicator_count && err == OK; n++) {
        char name[FORM_NAME_MAX + PART_MAX + 4];
        uint32_t before = seen.count, at;

        (void)snprintf(name, sizeof(name), "%s[%s", v->p->indicators[n]->id, v->p->indicators[n]->part);
        err = names_put(e, &seen, name, &at);
        v->is_first[n] = seen.count > before;
    }
    names_free(&seen);
    return err;
}

static enum err add_views(struct evaluation *e)
{
    uint32_t indicators = 0, variables = 0;
    enum err err = OK;

    if ((e->views = calloc(e->w.programme_count + 1, sizeof(*e->views))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < e->w.programme_count && err == OK; i++) {
        e->views[i].p = e->w.programmes[i];
        e->views[i].first = indicators;
        e->views[i].first_variable = variables;
        indicators += (uint32_t)e->w.programmes[i]->indicator_count;
        variables += (uint32_t)e->w.programmes[i]->variable_count;
        if ((err = mark_first(e, &e->views[i])) == OK)
            err = reads_mark_district(e, &e->views[i]);
    }
    return err;
}

enum err evaluation_make(struct evaluation **out, const struct evaluation_world *w)
{
    struct evaluation *e = calloc(1, sizeof(*e));
    uint32_t nothing;
    enum err err;

    if (e == NULL)
        return ERR_NOMEM;
    e->w = *w;
    if ((err = add_views(e)) == OK && (err = names_put(e, &e->parts, "", &nothing)) == OK &&
        (err = add_units(e)) == OK && (err = expr_arena_new(&e->expr, 0)) == OK)
        err = cells_load(e);
    if (err != OK) {
        evaluation_free(e);
        return err;
    }
    *out = e;
    return OK;
}

void evaluation_free(struct evaluation *e)
{
    if (e == NULL)
        return;
    cells_free(e);
    names_free(&e->units);
    names_free(&e->period_ids);
    names_free(&e->parts);
    memo_free(&e->memo);
    free(e->periods);
    free(e->views);
    free(e->filters);
    expr_arena_free(e->expr);
    buf_fini(&e->scratch);
    if (e->hub_free != NULL)
        e->hub_free(e->hub);
    arena_free(e);
    free(e);
}

const struct roster *evaluation_roster(const struct evaluation *e)
{
    return e->roster;
}
