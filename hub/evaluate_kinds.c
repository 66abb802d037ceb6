/* Kinds made of other indicators at one place. */
#include "hub/evaluate_internal.h"

#include <math.h>
#include <string.h>

#define TREND_LEAST 3u /* periods with a value */

static struct reference of_indicator(uint32_t index)
{
    return (struct reference){.what = REFERENCE_INDICATOR, .stat = STAT_VALUE, .index = index};
}

/* ---- change ---- */

static double change_between(double now, double before, enum change_as as)
{
    switch (as) {
    case CHANGE_DIFFERENCE: return now - before;
    case CHANGE_PERCENT: return (now - before) / fabs(before) * 100;
    case CHANGE_SIGN: return (now > before) - (now < before);
    }
    return NAN;
}

/* Differences of what is shown, not of noise in the last bits: 0.1 + 0.2 against 0.3 is no rise. */
static double cleaned(double x)
{
    return fabs(x) < 1e9 ? round_half_up(x * 1e9) / 1e9 : x;
}

enum err change_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    const struct reference r = of_indicator((uint32_t)l->i->of);
    struct reading now, before;
    enum err err;

    if ((err = shifted_read(e, l, &r, SHIFT_NONE, &now)) != OK ||
        (err = shifted_read(e, l, &r, l->i->against, &before)) != OK)
        return err;
    out->n = now.n;
    out->used = before.used;
    out->has_data = now.has && before.has;
    if (!now.has || !before.has)
        outcome_fail(out, now.has ? why_earlier : why_no_data);
    else if (l->i->change_as == CHANGE_PERCENT && before.number == 0)
        outcome_fail(out, why_zero);
    else
        outcome_set_double(out, change_between(cleaned(now.number), cleaned(before.number), l->i->change_as));
    return OK;
}

/* ---- index ---- */

static double component(const struct index_component *c, double x)
{
    if (c->rescale) {
        x = (x - c->from) / (c->to - c->from) * 100;
        x = fmin(fmax(x, 0), 100);
    }
    return c->turn ? 100 - x : x;
}

enum err index_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    double sum = 0, weights = 0;
    uint32_t missing = 0;
    enum err err = OK;

    for (uint32_t k = 0; k < l->i->component_count && err == OK; k++) {
        const struct index_component *c = &l->i->components[k];
        const struct reference r = of_indicator(c->indicator);
        struct reading x;

        if ((err = reference_read(e, l, &r, &x)) != OK)
            break;
        if (!x.has) {
            missing++;
            continue;
        }
        sum += c->weight * component(c, x.number);
        weights += c->weight;
        out->n = x.n > out->n ? x.n : out->n;
    }
    if (err != OK)
        return err;
    out->has_data = missing < l->i->component_count;
    out->is_reweighted = missing > 0 && l->i->reweight;
    if (!out->has_data || !(weights > 0))
        outcome_fail(out, why_no_data);
    else if (missing > 0 && !l->i->reweight)
        outcome_fail(out, why_component);
    else
        outcome_set_double(out, missing > 0 ? sum / weights : sum);
    return OK;
}

/* ---- class ---- */

/* The first class whose condition holds.  A unit of which nothing is known has no class, although the last one may ask
 * for nothing. */
enum err class_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    bool is_judged = false, holds = false;
    uint32_t k = 0;

    for (; k < l->i->class_count && !holds; k++) {
        const struct class_rule *c = &l->i->classes[k];
        struct formula_reading read = {.used = NONE};
        enum err err = OK;

        holds = c->condition.source == NULL;
        if (!holds && (err = formula_test(e, l, &c->condition, &holds, &read)) != OK)
            return err;
        is_judged |= c->condition.source != NULL && read.missing < c->condition.count;
        out->n = read.n > out->n ? read.n : out->n;
    }
    out->has_data = is_judged;
    if (!is_judged || !holds) {
        outcome_fail(out, is_judged ? why_no_class : why_no_data);
        return OK;
    }
    outcome_set_double(out, k);
    out->class_index = k;
    return OK;
}

/* ---- history ---- */

struct history {
    uint32_t period;
    uint32_t observed, held;
};

static enum err judge(struct evaluation *e, const struct look *l, struct history *h, struct outcome *out)
{
    struct look then = *l;
    struct formula_reading read;
    bool holds, missing = false;
    enum err err = OK;

    then.period = h->period;
    if (h->period != l->period)
        err = scope_earlier(e, e->views[l->view].p, l->at, l->period, h->period, &then.at, &missing);
    if (err != OK || missing || (err = formula_test(e, &then, &l->i->condition, &holds, &read)) != OK)
        return err;
    if (read.missing == 0) {
        h->observed++;
        h->held += holds;
    }
    out->n = read.n > out->n ? read.n : out->n;
    return OK;
}

static enum err count_history(struct evaluation *e, const struct look *l, struct outcome *out)
{
    struct history h = {.period = l->period};
    uint32_t least;
    enum err err = OK;

    for (unsigned i = 0; i < l->i->last && err == OK && h.period != NONE; i++) {
        if ((err = judge(e, l, &h, out)) == OK)
            err = time_previous(e, h.period, &h.period);
    }
    if (err != OK)
        return err;
    out->has_data = h.observed > 0;
    if (h.observed < l->i->observed || h.observed == 0) {
        outcome_fail(out, h.observed == 0 ? why_no_data : why_earlier);
        return OK;
    }
    least = l->i->at_least == 0 ? h.observed : l->i->at_least;
    outcome_set_double(out, h.held >= least && (l->i->at_most == 0 || h.held <= l->i->at_most) ? 1 : 0);
    return OK;
}

/* Slope by least squares; x counts periods, also those without a value. */
static enum err trend(struct evaluation *e, const struct look *l, struct outcome *out)
{
    const struct reference r = of_indicator((uint32_t)l->i->of);
    struct look then = *l;
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    enum err err = OK;

    for (unsigned i = 0; i < l->i->last && then.period != NONE; i++) {
        struct reading y = {.has = false};
        double x = -(double)i;
        bool missing = false;

        if (i > 0)
            err = scope_earlier(e, e->views[l->view].p, l->at, l->period, then.period, &then.at, &missing);
        if (err != OK || (!missing && (err = reference_read(e, &then, &r, &y)) != OK))
            return err;
        if (y.has) {
            n++;
            sx += x;
            sy += y.number;
            sxx += x * x;
            sxy += x * y.number;
            out->n = y.n > out->n ? y.n : out->n;
        }
        if ((err = time_previous(e, then.period, &then.period)) != OK)
            return err;
    }
    out->has_data = n > 0;
    if (n < TREND_LEAST)
        outcome_fail(out, n > 0 ? why_earlier : why_no_data);
    else
        outcome_set_double(out, (n * sxy - sx * sy) / (n * sxx - sx * sx));
    return OK;
}

enum err history_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    return l->i->as_trend ? trend(e, l, out) : count_history(e, l, out);
}
