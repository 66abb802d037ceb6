/* The listing: which periods, which units, which parts, in which order. */
#include "hub/evaluate_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- the listing at hand ---- */

struct listing {
    struct evaluation *e;
    const struct indicator_query *q;
    enum err (*each)(void *ctx, const struct indicator_line *l);
    void *ctx;
    uint32_t view;
    struct reads reads;
    uint32_t *units; /* sorted by id, without the district */
    uint32_t unit_count;
    uint32_t *periods; /* of the indicator at hand */
    uint32_t period_count, period_cap;
    uint32_t *parts; /* of the place at hand, into evaluation.parts */
    uint32_t part_count, part_cap;
};

/* ---- periods ---- */

static enum err add_period(struct listing *l, uint32_t period)
{
    for (uint32_t i = 0; i < l->period_count; i++)
        if (l->periods[i] == period)
            return OK;
    if (l->period_count == l->period_cap) {
        uint32_t cap = l->period_cap == 0 ? 64 : l->period_cap * 2;
        uint32_t *grown = reallocarray(l->periods, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->periods = grown;
        l->period_cap = cap;
    }
    l->periods[l->period_count++] = period;
    return OK;
}

static bool is_asked(const struct listing *l, uint32_t period)
{
    return l->q->period == NULL || strcmp(time_at(l->e, period)->id, l->q->period) == 0;
}

/* All periods of the series that have a day in common with the one the cells are about. */
static enum err add_meeting(struct listing *l, const char *series, uint32_t about)
{
    int32_t first = time_at(l->e, about)->first;
    uint32_t period;
    enum err err;

    if (strcmp(time_at(l->e, about)->series, series) == 0)
        return is_asked(l, about) ? add_period(l, about) : OK;
    err = time_latest(l->e, series, time_at(l->e, about)->last, false, &period);
    while (err == OK && period != NONE && time_at(l->e, period)->last >= first) {
        if (is_asked(l, period) && (err = add_period(l, period)) != OK)
            break;
        err = time_previous(l->e, period, &period);
    }
    return err;
}

static enum err add_asked(struct listing *l, const struct indicator *i)
{
    uint32_t period = NONE;
    enum err err = l->q->period == NULL ? OK : time_named(l->e, l->q->period, &period);

    return err == OK && period != NONE && indicator_has_series(i, time_at(l->e, period)->series) ? add_period(l, period)
                                                                                                 : err;
}

static int by_time(const void *a, const void *b, void *ctx)
{
    const struct evaluation *e = ctx;
    const struct period *x = time_at(e, *(const uint32_t *)a);
    const struct period *y = time_at(e, *(const uint32_t *)b);

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->last != y->last) /* a year after its quarters would hide it: the longer one first */
        return x->last > y->last ? -1 : 1;
    return strcmp(x->id, y->id);
}

static enum err list_periods(struct listing *l, uint32_t index)
{
    const struct indicator *i = l->reads.p->indicators[index];
    const struct programme_view *pv = &l->e->views[l->view];
    enum err err;

    l->period_count = 0;
    reads_find(&l->reads, index);
    err = add_asked(l, i);
    for (size_t v = 0; v < l->reads.p->variable_count && err == OK; v++) {
        const struct cell_table *t = &l->e->tables[pv->table[v]];

        if (!l->reads.variables[v])
            continue;
        for (uint32_t k = 0; k < t->period_count && err == OK; k++)
            for (uint32_t s = 0; s < i->series_count && err == OK; s++)
                err = add_meeting(l, i->series[s], t->periods[k]);
    }
    if (err == OK && l->period_count > 1)
        qsort_r(l->periods, l->period_count, sizeof(*l->periods), by_time, l->e);
    return err;
}

/* ---- units ---- */

static int by_id(const void *a, const void *b, void *ctx)
{
    const struct evaluation *e = ctx;

    return strcmp(e->units.items[*(const uint32_t *)a], e->units.items[*(const uint32_t *)b]);
}

static enum err list_units(struct listing *l)
{
    const struct evaluation *e = l->e;

    l->unit_count = 0;
    l->units = calloc((size_t)e->units.count + 1, sizeof(*l->units));
    if (l->units == NULL)
        return ERR_NOMEM;
    for (uint32_t u = 0; u < e->units.count; u++)
        if (l->q->unit != NULL ? strcmp(e->units.items[u], l->q->unit) == 0 : u != e->district)
            l->units[l->unit_count++] = u;
    if (l->unit_count > 1)
        qsort_r(l->units, l->unit_count, sizeof(*l->units), by_id, l->e);
    return OK;
}

/* One that was asked for by name is listed in any case. */
static enum err is_listed(struct listing *l, uint32_t unit, uint32_t period, bool *out)
{
    *out = true;
    return l->q->unit != NULL && !l->e->w.units.has_roster ? OK : unit_is_party(l->e, unit, period, out);
}

/* ---- parts ---- */

static enum err add_part(struct listing *l, uint32_t part)
{
    for (uint32_t i = 0; i < l->part_count; i++)
        if (l->parts[i] == part)
            return OK;
    if (l->part_count == l->part_cap) {
        uint32_t cap = l->part_cap == 0 ? 16 : l->part_cap * 2;
        uint32_t *grown = reallocarray(l->parts, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->parts = grown;
        l->part_cap = cap;
    }
    l->parts[l->part_count++] = part;
    return OK;
}

static enum err take_part(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    struct listing *l = ctx;
    struct bytes text = cells_text(l->e, row);
    char part[PART_MAX + 1];
    uint32_t id;
    enum err err;

    (void)unit;
    (void)period;
    if (text.len == 0 || text.len >= sizeof(part))
        return OK;
    memcpy(part, text.p, text.len);
    part[text.len] = '\0';
    err = names_put(l->e, &l->e->parts, part, &id);
    return err == OK ? add_part(l, id) : err;
}

static int by_text(const void *a, const void *b, void *ctx)
{
    const struct evaluation *e = ctx;

    return strcmp(e->parts.items[*(const uint32_t *)a], e->parts.items[*(const uint32_t *)b]);
}

static enum err parts_of_terms(struct listing *l, const struct look *at)
{
    const struct linear *linears[] = {&at->i->numerator, &at->i->denominator};
    enum err err = OK;

    for (unsigned k = 0; k < 2; k++)
        for (uint32_t i = 0; i < linears[k]->count && err == OK; i++)
            err = variable_walk(l->e, at->view, linears[k]->terms[i].variable, 0, at->at, at->period, NULL, NULL,
                                take_part, l);
    if (err == OK && l->part_count > 1)
        qsort_r(l->parts, l->part_count, sizeof(*l->parts), by_text, l->e);
    return err;
}

static enum err parts_of_classes(struct listing *l, const struct indicator *i)
{
    enum err err = OK;

    for (uint32_t k = 0; k < i->class_count && err == OK; k++) {
        char part[FORM_NAME_MAX + 16];
        uint32_t id;

        (void)snprintf(part, sizeof(part), "class=%s", i->classes[k].code);
        if ((err = names_put(l->e, &l->e->parts, part, &id)) == OK)
            err = add_part(l, id);
    }
    return err;
}

/* The whole first, where there is one. */
static enum err list_parts(struct listing *l, const struct look *at)
{
    l->part_count = 0;
    if (at->i->kind == KIND_CLASS && at->at.unit == NONE)
        return parts_of_classes(l, at->i);
    if (at->i->has_breakdown && indicator_is_linear(at->i))
        return parts_of_terms(l, at);
    return OK;
}

/* ---- lines ---- */

/* The line's own part, then that of its variables. */
static const char *name_breakdown(const struct look *at, const char *part, char *room, size_t size)
{
    if (at->i->part[0] == '\0' || part[0] == '\0')
        return part[0] != '\0' ? part : at->i->part;
    (void)snprintf(room, size, "%s;%s", at->i->part, part);
    return room;
}

static enum err put_line(struct listing *l, struct look *at, uint32_t part)
{
    char room[2 * PART_MAX + 2];
    struct indicator_line line = {.programme = l->reads.p,
                                  .indicator = at->i,
                                  .index = at->first,
                                  .level = at->at.unit == NONE ? LEVEL_MUNICIPALITY : LEVEL_UNIT,
                                  .unit = at->at.unit == NONE ? "" : l->e->units.items[at->at.unit],
                                  .period = time_at(l->e, at->period),
                                  .breakdown = name_breakdown(at, l->e->parts.items[part], room, sizeof(room))};
    struct outcome o;
    enum err err = outcome_of(l->e, at->view, at->first, at->at, at->period, part, &o);

    /* A two-level target is about the share of units, and one of a part is not given. */
    if (err == OK && part == 0 && (at->i->kind != KIND_UNITS || at->at.unit == NONE))
        err = target_of(l->e, at, &o, &line.target, &line.status);
    if (err != OK)
        return err;
    result_of(l->e, &o, &line.result);
    return l->each(l->ctx, &line);
}

static enum err put_place(struct listing *l, struct look *at)
{
    bool has_whole = at->i->kind != KIND_CLASS || at->at.unit != NONE;
    enum err err = list_parts(l, at);

    if (err == OK && has_whole)
        err = put_line(l, at, 0);
    for (uint32_t i = 0; i < l->part_count && err == OK; i++)
        err = put_line(l, at, l->parts[i]);
    return err;
}

static bool wants_level(const struct listing *l, const struct indicator *i, enum indicator_level level,
                        bool is_of_district)
{
    if (l->q->level >= 0 && l->q->level != (int)level)
        return false;
    if (level == LEVEL_UNIT)
        return i->levels != LEVELS_MUNICIPALITY && i->kind != KIND_GAP && (!is_of_district || l->q->unit != NULL);
    return i->levels != LEVELS_UNIT && l->q->unit == NULL;
}

static enum err put_period(struct listing *l, uint32_t index, uint32_t period)
{
    const struct period *p = time_at(l->e, period);
    struct look at = {.view = l->view, .first = index, .period = period};
    bool is_of_district = l->e->views[l->view].is_of_district[index];
    enum err err = OK;

    at.i = programme_version(l->reads.p, index, p->last);
    if (at.i == NULL || !indicator_has_series(at.i, p->series))
        return OK;
    for (uint32_t u = 0; u < l->unit_count && err == OK && wants_level(l, at.i, LEVEL_UNIT, is_of_district); u++) {
        bool is_in;

        at.at = scope_unit(l->units[u]);
        if ((err = is_listed(l, l->units[u], period, &is_in)) == OK && is_in)
            err = put_place(l, &at);
    }
    at.at = scope_municipality(0);
    return err == OK && wants_level(l, at.i, LEVEL_MUNICIPALITY, is_of_district) ? put_place(l, &at) : err;
}

static enum err put_indicator(struct listing *l, uint32_t index)
{
    enum err err = list_periods(l, index);

    for (uint32_t i = 0; i < l->period_count && err == OK; i++)
        err = put_period(l, index, l->periods[i]);
    return err;
}

static enum err put_programme(struct listing *l, const struct programme *p)
{
    enum err err = OK;

    err = reads_init(&l->reads, p);
    for (uint32_t i = 0; i < p->indicator_count && err == OK; i++) {
        const struct indicator *of = p->indicators[i];

        if ((of->is_hidden && !l->q->with_hidden) || (l->q->indicator != NULL && strcmp(l->q->indicator, of->id) != 0))
            continue;
        if (l->e->views[l->view].is_first[i])
            err = put_indicator(l, i);
    }
    reads_fini(&l->reads);
    return err;
}

enum err evaluation_lines(struct evaluation *e, const struct indicator_query *q,
                          enum err (*each)(void *ctx, const struct indicator_line *l), void *ctx)
{
    struct listing l = {.e = e, .q = q, .each = each, .ctx = ctx};
    enum err err = list_units(&l);

    for (; l.view < e->w.programme_count && err == OK; l.view++)
        if (q->programme == NULL || strcmp(q->programme, e->w.programmes[l.view]->id) == 0)
            err = put_programme(&l, e->w.programmes[l.view]);
    free(l.units);
    free(l.periods);
    free(l.parts);
    return err;
}
