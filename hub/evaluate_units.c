/* Kinds that look at the units one by one, and roll-ups. */
#include "hub/evaluate_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- who takes part ---- */

struct parties {
    struct list *active, *eligible;
};

static enum err add_eligible(struct evaluation *e, const struct look *l, uint32_t unit, struct parties *kept)
{
    struct look own = *l;
    struct formula_reading read;
    bool is_in = true;
    enum err err = unit_is_party(e, unit, l->period, &is_in);

    if (err != OK || !is_in || unit == e->district)
        return err;
    kept->active->at[kept->active->count++] = unit;
    own.at = (struct scope){unit, 0, l->at.merge_day, false};
    if (l->i->units.source != NULL)
        err = formula_test(e, &own, &l->i->units, &is_in, &read);
    if (err == OK && is_in)
        kept->eligible->at[kept->eligible->count++] = unit;
    return err;
}

/* Lists for both; remembered only when they are complete, because a condition may come back here. */
static enum err list_parties(struct evaluation *e, const struct look *l, struct parties *out)
{
    const struct list *candidates;
    enum err err = scope_candidates(e, l->at, &candidates);
    size_t size;

    if (err != OK)
        return err;
    size = sizeof(struct list) + ((size_t)candidates->count + 1) * sizeof(uint32_t);
    out->active = arena_alloc(e, size);
    out->eligible = arena_alloc(e, size);
    if (out->active == NULL || out->eligible == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < candidates->count && err == OK; i++)
        err = add_eligible(e, l, candidates->at[i], out);
    return err;
}

enum err eligible_units(struct evaluation *e, const struct look *l, const struct list **active,
                        const struct list **eligible)
{
    /* Without a condition the roster alone decides: the same for all indicators. */
    const struct memo_key key = {.what = MEMO_ELIGIBLE,
                                 .index = l->i->units.source == NULL ? NONE : e->views[l->view].first + l->first,
                                 .unit = NONE,
                                 .period = l->period,
                                 .filter = l->at.filter,
                                 .merge_day = l->at.merge_day};
    struct parties *kept = memo_get(&e->memo, &key);
    struct parties fresh;
    enum err err = OK;

    if (kept == NULL) {
        if ((err = list_parties(e, l, &fresh)) != OK || (err = memo_put(e, &key, sizeof(*kept), (void **)&kept)) != OK)
            return err;
        *kept = fresh;
    }
    *active = kept->active;
    if (eligible != NULL)
        *eligible = kept->eligible;
    return OK;
}

static struct scope unit_in(const struct look *l, uint32_t unit)
{
    return (struct scope){unit, 0, l->at.merge_day, false};
}

static enum err outcome_of_unit(struct evaluation *e, const struct look *l, uint32_t indicator, uint32_t unit,
                                struct outcome *out)
{
    return outcome_of(e, l->view, indicator, unit_in(l, unit), l->period, 0, out);
}

/* ---- two levels ---- */

static void set_fraction(const struct look *l, struct outcome *out, uint64_t numerator, uint64_t denominator)
{
    out->why = NULL;
    out->has_fraction = true;
    out->has_denominator = !l->i->as_count;
    out->numerator = (i128)numerator;
    out->denominator = l->i->as_count ? 0 : (i128)denominator;
    out->fraction_places = 0;
    outcome_set_double(out, l->i->as_count ? (double)numerator : (double)numerator * l->i->times / (double)denominator);
}

/* Whether any unit has said anything that the condition asks for.  A period of which nobody has spoken is none in which
 * nobody fulfils it. */
static enum err is_answered(struct evaluation *e, const struct look *l, bool *out)
{
    const struct memo_key key = {.what = MEMO_ANSWERED,
                                 .index = e->views[l->view].first + l->first,
                                 .unit = NONE,
                                 .period = l->period,
                                 .merge_day = DAY_NONE};
    bool *kept = memo_get(&e->memo, &key);
    struct look everybody = *l;
    const struct list *active;
    enum err err = OK;

    *out = false;
    everybody.at = scope_municipality(0);
    if (kept != NULL) {
        *out = *kept;
        return OK;
    }
    if ((err = eligible_units(e, &everybody, &active, NULL)) != OK)
        return err;
    for (uint32_t i = 0; i < active->count && !*out && err == OK; i++) {
        struct look own = *l;
        struct formula_reading read;
        bool holds;

        own.at = unit_in(&everybody, active->at[i]);
        err = formula_test(e, &own, &l->i->condition, &holds, &read);
        *out = err == OK && read.own > 0;
    }
    if (err == OK && (err = memo_put(e, &key, sizeof(*kept), (void **)&kept)) == OK)
        *kept = *out;
    return err;
}

enum err units_at_unit(struct evaluation *e, const struct look *l, struct outcome *out)
{
    struct formula_reading read;
    bool holds = true;
    bool answered = true;
    enum err err = OK;

    if (l->i->among_kind == AMONG_WHERE)
        err = formula_test(e, l, &l->i->among, &holds, &read);
    if (err == OK && !holds) {
        outcome_fail(out, why_not_eligible);
        return OK;
    }
    if (err != OK || (err = formula_test(e, l, &l->i->condition, &holds, &read)) != OK)
        return err;
    if (l->i->among_kind == AMONG_ROSTER && read.own == 0 && (err = is_answered(e, l, &answered)) != OK)
        return err;
    out->n = read.n;
    out->used = read.used;
    out->has_data = read.missing == 0;
    if ((l->i->among_kind == AMONG_REPORTED && read.missing > 0) || !answered)
        outcome_fail(out, answered ? formula_why(&read) : why_no_data);
    else
        set_fraction(l, out, holds ? 1 : 0, 1);
    return OK;
}

enum err units_municipal(struct evaluation *e, const struct look *l, struct outcome *out)
{
    const struct list *active;
    uint64_t yes = 0, all = 0;
    enum err err = eligible_units(e, l, &active, NULL);

    for (uint32_t i = 0; err == OK && i < active->count; i++) {
        struct outcome one;

        if ((err = outcome_of_unit(e, l, l->first, active->at[i], &one)) != OK)
            break;
        if (one.why == why_not_eligible) {
            out->excluded++;
            continue;
        }
        out->reported += one.has_data;
        out->n += one.n;
        all += one.why == NULL;
        yes += one.why == NULL && one.numerator > 0;
    }
    if (err != OK)
        return err;
    out->expected = active->count - out->excluded;
    out->has_data = out->reported > 0;
    if (all == 0)
        outcome_fail(out, out->excluded == 0 || out->expected > 0 ? why_no_data : why_zero); /* nobody is eligible */
    else
        set_fraction(l, out, yes, all);
    return OK;
}

/* ---- class: how many units are of it ---- */

static uint32_t class_named(const struct indicator *i, const char *part)
{
    if (strncmp(part, "class=", 6) != 0)
        return 0;
    for (uint32_t k = 0; k < i->class_count; k++)
        if (strcmp(i->classes[k].code, part + 6) == 0)
            return k + 1;
    return 0;
}

enum err class_municipal(struct evaluation *e, const struct look *l, struct outcome *out)
{
    uint32_t wanted = class_named(l->i, e->parts.items[l->part]);
    const struct list *active;
    const struct list *eligible;
    uint64_t units = 0;
    enum err err = eligible_units(e, l, &active, &eligible);

    for (uint32_t i = 0; err == OK && i < eligible->count; i++) {
        struct outcome one;

        if ((err = outcome_of_unit(e, l, l->first, eligible->at[i], &one)) != OK)
            break;
        out->reported += one.why == NULL;
        out->n += one.why == NULL;
        units += one.why == NULL && one.class_index == wanted;
    }
    if (err != OK)
        return err;
    out->expected = eligible->count;
    out->excluded = active->count - eligible->count;
    out->has_data = out->reported > 0;
    if (wanted == 0 || out->reported == 0) {
        outcome_fail(out, wanted == 0 ? why_level : why_no_data);
        return OK;
    }
    out->has_fraction = true;
    out->numerator = (i128)units;
    outcome_set_double(out, (double)units);
    return OK;
}

/* ---- roll-ups ---- */

struct rollup {
    double sum, weights, least, most;
    uint32_t count;
};

static void take(struct rollup *r, double x, double weight)
{
    r->sum += x * weight;
    r->weights += weight;
    r->least = r->count == 0 ? x : fmin(r->least, x);
    r->most = r->count == 0 ? x : fmax(r->most, x);
    r->count++;
}

static double rolled(const struct rollup *r, enum indicator_rollup how)
{
    switch (how) {
    case ROLLUP_POOLED:
    case ROLLUP_MEAN:
    case ROLLUP_WEIGHTED: return r->sum / r->weights;
    case ROLLUP_MIN: return r->least;
    case ROLLUP_MAX: return r->most;
    case ROLLUP_RANGE: return r->most - r->least;
    }
    return NAN;
}

static enum err weight_of(struct evaluation *e, const struct look *l, uint32_t unit, double *out)
{
    struct look own = *l;
    struct formula_reading read;

    *out = 1;
    if (l->i->rollup != ROLLUP_WEIGHTED)
        return OK;
    own.at = unit_in(l, unit);
    return formula_number(e, &own, &l->i->weight, out, &read);
}

/* Units without a weight do not take part. */
static enum err roll_unit(struct evaluation *e, const struct look *l, uint32_t indicator, uint32_t unit,
                          struct rollup *r, struct outcome *out)
{
    struct outcome one;
    double weight;
    enum err err = outcome_of_unit(e, l, indicator, unit, &one);

    if (err != OK)
        return err;
    out->has_data |= one.has_data;
    if (one.why != NULL || (err = weight_of(e, l, unit, &weight)) != OK || isnan(weight) || weight < 0)
        return err;
    take(r, one.number, weight);
    out->reported++;
    out->n += one.n;
    return OK;
}

enum err rollup_municipal(struct evaluation *e, const struct look *l, struct outcome *out)
{
    const struct list *active;
    const struct list *eligible;
    struct rollup r = {0};
    enum err err = eligible_units(e, l, &active, &eligible);

    for (uint32_t i = 0; err == OK && i < eligible->count; i++)
        err = roll_unit(e, l, l->first, eligible->at[i], &r, out);
    if (err != OK)
        return err;
    out->expected = eligible->count;
    out->excluded = active->count - eligible->count;
    if (r.count == 0 || !(r.weights > 0))
        outcome_fail(out, r.count == 0 ? why_no_data : why_zero);
    else
        outcome_set_double(out, rolled(&r, l->i->rollup));
    return OK;
}

/* ---- gap ---- */

static enum err side(struct evaluation *e, const struct look *l, const uint32_t *units, uint32_t count, double *value,
                     struct outcome *out)
{
    struct rollup r = {0};
    struct outcome o;
    struct scope at;
    enum err err = OK;

    *value = NAN;
    if (l->i->rollup == ROLLUP_POOLED) {
        at = scope_municipality(0);
        if ((err = filter_put(e, units, count, &at.filter)) != OK ||
            (err = outcome_of(e, l->view, (uint32_t)l->i->of, at, l->period, 0, &o)) != OK)
            return err;
        *value = o.why == NULL ? o.number : NAN;
        out->reported += o.reported;
        out->n += o.n;
        return OK;
    }
    for (uint32_t i = 0; i < count && err == OK; i++)
        err = roll_unit(e, l, (uint32_t)l->i->of, units[i], &r, out);
    if (r.count > 0)
        *value = l->i->as_range ? r.most - r.least : r.sum / r.weights;
    return err;
}

/* The group first, the rest after it. */
static enum err split(struct evaluation *e, const struct look *l, const struct list *all, uint32_t *units,
                      uint32_t *group)
{
    uint32_t rest = all->count;
    enum err err = OK;

    *group = 0;
    for (uint32_t i = all->count; i-- > 0 && err == OK;) {
        struct look own = *l;
        struct formula_reading read;
        bool is_in = true;

        own.at = scope_unit(all->at[i]);
        if (!l->i->as_range)
            err = formula_test(e, &own, &l->i->group, &is_in, &read);
        if (!is_in)
            units[--rest] = all->at[i];
    }
    for (uint32_t i = 0; i < all->count; i++) {
        bool is_rest = false;

        for (uint32_t k = rest; k < all->count && !is_rest; k++)
            is_rest = units[k] == all->at[i];
        if (!is_rest)
            units[(*group)++] = all->at[i];
    }
    return err;
}

/* A look at `of` in the period that stands for the gap's own. */
enum err gap_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    const struct indicator *of = e->views[l->view].p->indicators[l->i->of];
    struct look then = *l;
    const struct list *active;
    const struct list *eligible;
    uint32_t *units;
    uint32_t group;
    double of_group, of_rest = NAN;
    enum err err;

    if (l->at.unit != NONE) {
        outcome_fail(out, why_level);
        return OK;
    }
    if ((err = eligible_units(e, l, &active, &eligible)) != OK ||
        (err = time_align(e, of->series, of->series_count, l->period, l->i->align_begun, &then.period)) != OK)
        return err;
    if (then.period == NONE) {
        outcome_fail(out, why_no_data);
        return OK;
    }
    if ((units = calloc((size_t)eligible->count + 1, sizeof(*units))) == NULL)
        return ERR_NOMEM;
    if ((err = split(e, l, eligible, units, &group)) == OK &&
        (err = side(e, &then, units, group, &of_group, out)) == OK && !l->i->as_range)
        err = side(e, &then, units + group, eligible->count - group, &of_rest, out);
    free(units);
    if (err != OK)
        return err;
    out->expected = eligible->count;
    out->excluded = active->count - eligible->count;
    out->has_data = out->reported > 0;
    if (isnan(of_group) || (!l->i->as_range && isnan(of_rest)))
        outcome_fail(out, why_no_data);
    else
        outcome_set_double(out, l->i->as_range ? of_group : of_rest - of_group);
    return OK;
}
