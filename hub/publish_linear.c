/* What stands above and below the line of a sum, in quantities. */
#include "hub/publish_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 400u

int64_t power10(unsigned places)
{
    int64_t p = 1;

    while (places-- > 0)
        p *= 10;
    return p;
}

/* ---- the quantities behind one input ---- */

struct putting {
    struct publication *p;
    const struct variable *v;
    const char *stat;
    int64_t coef;
    bool of_survey, is_number; /* of submissions or rows */
    struct sum *to;
    char period[PERIOD_ID_MAX + 1]; /* of what was added up so far; "": nothing */
    const char *unit;               /* and of whom */
    i128 so_far;
    bool any;
};

static enum err put_atom(struct putting *w, const char *unit, const char *period, struct bytes part, i128 value)
{
    char key[KEY_MAX];
    uint32_t atom, unit_id;
    int at = 0;
    enum err e;

    if (value < 0 || value > PROTECT_VALUE_MAX)
        return ERR_NOT_FOUND; /* no quantity that the engine knows */
    if ((e = texts_put(&w->p->g.units, unit, &unit_id)) != OK)
        return e;
    for (unsigned i = 0; i < VARIABLE_DIGEST_BYTES; i++)
        at += snprintf(key + at, sizeof(key) - (size_t)at, "%02x", w->v->digest[i]);
    (void)snprintf(key + at, sizeof(key) - (size_t)at, "|%.60s|%s|%.*s|%s", unit, period, (int)part.len,
                   part.len == 0 ? "" : (const char *)part.p, w->stat);
    if ((e = graph_atom(&w->p->g, key, (int64_t)value, unit_id, &atom)) != OK)
        return e;
    w->p->g.atoms[atom].of_survey |= w->of_survey;
    w->any = true;
    return graph_term(&w->p->g, w->to, atom, w->coef);
}

static enum err flush(struct putting *w)
{
    enum err e = w->period[0] == '\0' ? OK : put_atom(w, w->unit, w->period, bytes_of("", 0), w->so_far);

    w->period[0] = '\0';
    w->so_far = 0;
    return e;
}

/* Of kind values each value has a cell of its own: a period's are added up. */
static enum err take_cell(void *ctx, const char *unit, const struct period *of, struct bytes part, const struct cell *c)
{
    struct putting *w = ctx;
    i128 x = w->is_number ? (i128)c->n : c->sum;
    enum err e = OK;

    if (w->v->kind == VARIABLE_SUM)
        return put_atom(w, unit, of->id, part, x);
    if ((unit != w->unit || strcmp(w->period, of->id) != 0) && (e = flush(w)) != OK)
        return e;
    w->unit = unit;
    (void)snprintf(w->period, sizeof(w->period), "%s", of->id);
    w->so_far += x;
    return OK;
}

static const char *stat_name(const struct variable *v, enum reference_stat stat)
{
    /* Where each counts as one their number is the sum. */
    if (stat == STAT_N && !(v->kind == VARIABLE_SUM && v->value == NULL))
        return "n";
    return stat == STAT_ROSE ? "rose" : stat == STAT_FELL ? "fell" : "sum";
}

static bool asks_the_municipality(const struct variable *v)
{
    for (uint32_t c = 0; c < v->clause_count; c++)
        if (v->clauses[c].municipality_only)
            return true;
    return false;
}

enum err linear_input(struct publication *p, const struct input *in, bool counts, int64_t coef, bool of_survey,
                      struct sum *to)
{
    const struct variable *v = p->order.programme->variables[in->index];
    bool adds_up = v->kind == VARIABLE_SUM || v->kind == VARIABLE_VALUES;
    struct putting w = {.p = p,
                        .v = v,
                        .stat = stat_name(v, in->stat),
                        .coef = coef,
                        .of_survey = of_survey,
                        .is_number = in->stat == STAT_N,
                        .to = to};
    const char *unit = in->unit == NULL ? "" : in->unit;
    enum err e = OK;

    if (!in->has_cell)
        return OK;
    if (adds_up) {
        e = evaluation_amount_cells(p->e, p->order.programme, in->index, in->unit, counts, &in->period, in->part,
                                    take_cell, &w);
        if (e == OK)
            e = flush(&w);
        /* What is absent and counts as nothing is a zero that a reader does not know either. */
        return e != OK || w.any ? e : put_atom(&w, unit, in->period.id, bytes_of(in->part, strlen(in->part)), 0);
    }
    if (counts && asks_the_municipality(v))
        w.stat = "counted";
    return put_atom(&w, unit, in->period.id, bytes_of("", 0), in->cell.sum);
}

/* ---- the inputs of a line ---- */

struct gathered {
    struct input *items;
    uint32_t count, cap;
};

static enum err keep_input(void *ctx, const struct input *in)
{
    struct gathered *g = ctx;
    enum err e = grow_array((void **)&g->items, &g->cap, g->count, INPUTS_MAX, sizeof(*g->items));

    if (e == OK)
        g->items[g->count++] = *in;
    return e;
}

static bool is_same_term(const struct input *a, const struct input *b)
{
    return a->index == b->index && a->stat == b->stat;
}

static bool is_of_district(const struct input *in)
{
    return in->unit == NULL || strcmp(in->unit, UNIT_DISTRICT) == 0;
}

/* As the district's value counts: a unit that lacks what any school has is left out (evaluate_linear.c). */
static bool is_wanted(const struct gathered *g, const struct input *term)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (g->items[i].has_cell && !is_of_district(&g->items[i]) && is_same_term(&g->items[i], term))
            return true;
    return false;
}

static void leave_out(struct gathered *g, uint32_t from, uint32_t to)
{
    bool is_whole = true;

    for (uint32_t i = from; i < to; i++)
        is_whole &= g->items[i].has_cell || !is_wanted(g, &g->items[i]);
    for (uint32_t i = from; i < to && !is_whole; i++)
        g->items[i].index = NONE;
}

static void leave_out_incomplete(struct gathered *g)
{
    for (uint32_t from = 0; from < g->count;) {
        uint32_t to = from + 1;

        while (to < g->count && g->items[to].unit == g->items[from].unit)
            to++;
        if (!is_of_district(&g->items[from]))
            leave_out(g, from, to);
        from = to;
    }
}

/* ---- the sums ---- */

static unsigned places_of(const struct programme *p, const struct input *in)
{
    const struct variable *v = p->variables[in->index];

    return in->stat == STAT_VALUE && v->kind <= VARIABLE_VALUES ? v->places : 0;
}

static enum err add_up(struct publication *p, struct line *l, const struct gathered *g, bool is_below, struct sum *to)
{
    bool counts = line_is_municipal(p, l);
    enum err e = OK;

    for (uint32_t i = 0; i < g->count && e == OK; i++) {
        const struct input *in = &g->items[i];
        int64_t coef = is_below ? in->in_denominator : in->in_numerator;

        if (in->index != NONE && coef != 0)
            e = linear_input(p, in, counts, coef * power10(l->places - places_of(p->order.programme, in)),
                             l->i->privacy == PRIVACY_SURVEY, to);
    }
    return e;
}

/* What the reader computed and what the quantities come to must be the same, or the line is never shown. */
static bool agrees(const struct publication *p, const struct line *l)
{
    i128 above, below;

    if (graph_value(&p->g, &l->numerator, &above) != OK || graph_value(&p->g, &l->denominator, &below) != OK)
        return false;
    if (below < 0) {
        above = -above;
        below = -below;
    }
    if (l->result.state != RESULT_OK)
        return true;
    return l->result.has_fraction && l->result.numerator == above &&
           (!l->has_denominator || l->result.denominator == below);
}

static enum err sums_of(struct publication *p, struct line *l, struct gathered *g, const char *unit)
{
    bool any = false;
    enum err e;

    if (unit == NULL)
        leave_out_incomplete(g);
    for (uint32_t i = 0; i < g->count; i++) {
        any |= g->items[i].index != NONE && g->items[i].has_cell;
        if (g->items[i].index != NONE && places_of(p->order.programme, &g->items[i]) > l->places)
            l->places = places_of(p->order.programme, &g->items[i]);
    }
    l->has_denominator = l->i->denominator.count > 0;
    if ((e = add_up(p, l, g, false, &l->numerator)) != OK || (e = add_up(p, l, g, true, &l->denominator)) != OK)
        return e;
    l->has_sums = any;
    return agrees(p, l) ? OK : ERR_NOT_FOUND;
}

enum err linear_sums(struct publication *p, struct line *l, const char *unit, const char *part)
{
    struct gathered g = {NULL, 0, 0};
    enum err e = evaluation_inputs(p->e, p->order.programme, l->index, unit, &l->period, part, keep_input, &g);

    if (e == OK)
        e = sums_of(p, l, &g, unit);
    free(g.items);
    return e;
}
