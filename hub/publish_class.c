/* What stands instead of a hidden number: "fewer than 5" of a restricted count, the third of the scale that an index
 * lies in (rules 6 and 8).  What either gives away is a range of a sum, which the protection engine counts. */
#include "hub/publish_internal.h"

#include <math.h>

#define MILLION 1000000
#define LOW_TO  33 /* an index below it is low */
#define HIGH_TO 67 /* from it on it is high */

/* ---- fewer than 5 ---- */

static void class_of_few(struct line *l)
{
    l->class_code = CLASS_FEW;
    l->ranges[0] = (struct range){l->numerator, 0, RESTRICTED_FEW * power10(l->places) - 1};
    l->range_count = 1;
}

/* ---- an index ----
 *
 * With one denominator d below all components, weights in millionths W and numerators n, the index reaches T percent
 * where  sum of W n (of turned ones: W (d - n))  >=  T 10,000 d:  a sum of quantities without any division. */

static bool same_sum(const struct graph *g, const struct sum *a, const struct sum *b)
{
    if (a->count != b->count || a->count == 0)
        return false;
    for (uint32_t k = 0; k < a->count; k++)
        if (g->terms[a->first + k].atom != g->terms[b->first + k].atom ||
            g->terms[a->first + k].coef != g->terms[b->first + k].coef)
            return false;
    return true;
}

static bool is_millionths(double weight, int64_t *out)
{
    *out = (int64_t)llround(weight * MILLION);
    return fabs(weight * MILLION - (double)*out) < 1e-6;
}

static const struct line *component(const struct graph *g, const struct line *l, uint32_t k)
{
    return &g->lines[g->inputs[l->first_input + k]];
}

static bool has_one_denominator(const struct graph *g, const struct line *l)
{
    int64_t weight;

    if (l->result.is_reweighted || l->input_count != l->i->component_count || l->input_count == 0)
        return false;
    for (uint32_t k = 0; k < l->input_count; k++) {
        const struct line *c = component(g, l, k);

        if (!line_is_share(c) || !c->has_sums || c->result.state != RESULT_OK || l->i->components[k].rescale ||
            c->places != component(g, l, 0)->places || !is_millionths(l->i->components[k].weight, &weight) ||
            !same_sum(g, &c->denominator, &component(g, l, 0)->denominator))
            return false;
    }
    return true;
}

static enum err add_sum(struct graph *g, struct sum *to, const struct sum *from, int64_t by)
{
    enum err e = OK;

    for (uint32_t k = 0; k < from->count && by != 0 && e == OK; k++) {
        const struct protect_term t = g->terms[from->first + k];

        e = graph_term(g, to, t.atom, t.coef * by);
    }
    return e;
}

static enum err above_threshold(struct graph *g, const struct line *l, int64_t percent, struct sum *to)
{
    int64_t of_denominator = -percent * (MILLION / 100);
    enum err e = OK;

    for (uint32_t k = 0; k < l->input_count && e == OK; k++) {
        int64_t weight;

        (void)is_millionths(l->i->components[k].weight, &weight);
        if (l->i->components[k].turn)
            of_denominator += weight;
        e = add_sum(g, to, &component(g, l, k)->numerator, l->i->components[k].turn ? -weight : weight);
    }
    return e == OK ? add_sum(g, to, &component(g, l, 0)->denominator, of_denominator) : e;
}

static bool is_reached(const struct graph *g, const struct sum *s)
{
    i128 value;

    return graph_value(g, s, &value) == OK && value >= 0;
}

static void set_class(struct line *l, const struct sum *low, const struct sum *high, bool above_low, bool above_high)
{
    if (!above_low) {
        l->class_code = CLASS_LOW;
        l->ranges[l->range_count++] = (struct range){*low, -PROTECT_NO_BOUND, -1};
        return;
    }
    l->ranges[l->range_count++] =
        above_high ? (struct range){*high, 0, PROTECT_NO_BOUND} : (struct range){*low, 0, PROTECT_NO_BOUND};
    if (!above_high)
        l->ranges[l->range_count++] = (struct range){*high, -PROTECT_NO_BOUND, -1};
    l->class_code = above_high ? CLASS_HIGH : CLASS_MIDDLE;
}

static enum err class_of_index(struct graph *g, struct line *l)
{
    struct sum low = {0, 0}, high = {0, 0};
    enum err e = above_threshold(g, l, LOW_TO, &low);

    if (e == OK)
        e = above_threshold(g, l, HIGH_TO, &high);
    if (e == OK && low.count > 0 && high.count > 0)
        set_class(l, &low, &high, is_reached(g, &low), is_reached(g, &high));
    return e;
}

enum err classes_prepare(struct publication *p)
{
    enum err e = OK;

    for (uint32_t i = 0; i < p->listed_count && e == OK; i++) {
        struct line l = p->g.lines[p->listed[i]];

        if (!l.is_reportable || l.hidden == HIDDEN_OPAQUE)
            continue;
        if (l.hidden == HIDDEN_NUMBERS && line_is_municipal(p, &l) && l.i->privacy == PRIVACY_RESTRICTED &&
            !l.has_denominator)
            class_of_few(&l);
        else if (l.i->kind == KIND_INDEX && l.result.state == RESULT_OK && has_one_denominator(&p->g, &l))
            e = class_of_index(&p->g, &l);
        p->g.lines[p->listed[i]] = l;
    }
    return e;
}
