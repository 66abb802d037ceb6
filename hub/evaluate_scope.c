/* Who belongs to a place: the roster of a period, mergers, filters. */
#include "hub/evaluate_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists of units ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

enum err filter_put(struct evaluation *e, const uint32_t *units, uint32_t count, uint32_t *out)
{
    struct list *l;
    struct list **grown;

    for (uint32_t i = 1; i < e->filter_count; i++)
        if (e->filters[i]->count == count && memcmp(e->filters[i]->at, units, count * sizeof(*units)) == 0) {
            *out = i;
            return OK;
        }
    if ((l = arena_alloc(e, sizeof(*l) + count * sizeof(*units))) == NULL)
        return ERR_NOMEM;
    l->count = count;
    if (count > 0)
        memcpy(l->at, units, count * sizeof(*units));
    if ((grown = reallocarray(e->filters, (size_t)e->filter_count + 2, sizeof(struct list *))) == NULL)
        return ERR_NOMEM;
    e->filters = grown;
    if (e->filter_count == 0)
        e->filters[e->filter_count++] = NULL; /* 0 is no filter */
    *out = e->filter_count;
    e->filters[e->filter_count++] = l;
    return OK;
}

/* ---- the roster ---- */

enum err unit_is_active(struct evaluation *e, uint32_t unit, uint32_t period, bool *out)
{
    struct period_view *v = e->periods[period];

    if (!e->w.units.has_roster || unit == e->district) {
        *out = true;
        return OK;
    }
    if (v->active_count < e->units.count) { /* units are known from the start: once */
        if ((v->active = arena_alloc(e, e->units.count)) == NULL)
            return ERR_NOMEM;
        v->active_count = e->units.count;
    }
    if (v->active[unit] == 0) {
        bool is = e->w.units.is_active(e->w.units.ctx, e->units.items[unit], v->p.first, v->p.last);

        v->active[unit] = is ? 1 : 2;
    }
    *out = v->active[unit] == 1;
    return OK;
}

static void mark_parties(const struct evaluation *e, const struct period_view *v)
{
    const struct unit_facts *f = &e->w.units;

    for (uint32_t u = 0; u < e->units.count; u++)
        v->party[u] = u < f->count && f->is_active(f->ctx, e->units.items[u], v->p.first, v->p.last);
    for (uint32_t t = 0; t < e->table_count; t++)
        for (uint32_t g = 0; g < e->tables[t].group_count; g++) {
            const struct period *p = time_at(e, (uint32_t)e->tables[t].groups[g].key);

            v->party[e->tables[t].groups[g].key >> 32] |= p->first <= v->p.last && p->last >= v->p.first;
        }
}

enum err unit_is_party(struct evaluation *e, uint32_t unit, uint32_t period, bool *out)
{
    struct period_view *v = e->periods[period];

    if (e->w.units.has_roster || unit == e->district)
        return unit_is_active(e, unit, period, out);
    if (v->party_count < e->units.count) {
        if ((v->party = arena_alloc(e, e->units.count)) == NULL)
            return ERR_NOMEM;
        v->party_count = e->units.count;
        mark_parties(e, v);
    }
    *out = v->party[unit];
    return OK;
}

/* ---- candidates ---- */

struct growing {
    struct evaluation *e;
    uint32_t *at;
    uint32_t count, cap;
};

static enum err grow(struct growing *g, uint32_t unit)
{
    if (g->count == g->cap) {
        uint32_t cap = g->cap == 0 ? 16 : g->cap * 2;
        uint32_t *grown = reallocarray(g->at, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        g->at = grown;
        g->cap = cap;
    }
    g->at[g->count++] = unit;
    return OK;
}

/* A unit that the evaluation does not know has no cells either. */
static enum err take_predecessor(void *to, const char *predecessor)
{
    struct growing *g = to;
    uint32_t unit = names_find(&g->e->units, predecessor);

    return unit == NONE ? OK : grow(g, unit);
}

static enum err add_with_merged(struct evaluation *e, struct growing *g, uint32_t unit, int32_t merge_day)
{
    const struct unit_facts *f = &e->w.units;
    enum err err = grow(g, unit);

    if (err != OK || merge_day == DAY_NONE || f->each_predecessor == NULL || unit == e->district)
        return err;
    return f->each_predecessor(f->ctx, e->units.items[unit], merge_day, take_predecessor, g);
}

static void sort_out(struct growing *g)
{
    uint32_t kept = 0;

    if (g->count > 1)
        qsort(g->at, g->count, sizeof(*g->at), by_number);
    for (uint32_t i = 0; i < g->count; i++)
        if (kept == 0 || g->at[kept - 1] != g->at[i])
            g->at[kept++] = g->at[i];
    g->count = kept;
}

static enum err gather_candidates(struct evaluation *e, struct scope at, struct growing *g)
{
    const struct list *filter = at.filter == 0 ? NULL : e->filters[at.filter];
    uint32_t count = filter != NULL ? filter->count : e->units.count;
    enum err err = OK;

    if (at.unit != NONE)
        return add_with_merged(e, g, at.unit, at.merge_day);
    for (uint32_t i = 0; i < count && err == OK; i++) {
        uint32_t unit = filter != NULL ? filter->at[i] : i;

        if (unit != e->district)
            err = filter != NULL ? add_with_merged(e, g, unit, at.merge_day) : grow(g, unit);
    }
    return err;
}

enum err scope_candidates(struct evaluation *e, struct scope at, const struct list **out)
{
    const struct memo_key key = {
        .what = MEMO_CANDIDATES, .unit = at.unit, .filter = at.filter, .merge_day = at.merge_day};
    struct growing g = {.e = e};
    struct list *kept = memo_get(&e->memo, &key);
    enum err err = OK;

    if (kept != NULL) {
        *out = kept;
        return OK;
    }
    if ((err = gather_candidates(e, at, &g)) == OK) {
        sort_out(&g);
        if (at.unit == NONE) /* last, whatever its number: what was reported about the district itself */
            err = grow(&g, e->district);
    }
    if (err == OK &&
        (err = memo_put(e, &key, sizeof(*kept) + ((size_t)g.count + 1) * sizeof(kept->at[0]), (void **)&kept)) == OK) {
        kept->count = g.count;
        if (g.count > 0)
            memcpy(kept->at, g.at, g.count * sizeof(kept->at[0]));
    }
    free(g.at);
    *out = kept;
    return err;
}

/* ---- earlier ---- */

static enum err has_merged(struct evaluation *e, struct scope at, uint32_t earlier, bool *out)
{
    const struct list *l;
    enum err err = scope_candidates(e, at, &l);

    *out = false;
    for (uint32_t i = 0; err == OK && i < l->count && !*out; i++)
        if (l->at[i] != at.unit)
            err = unit_is_active(e, l->at[i], earlier, out);
    return err;
}

enum err scope_earlier(struct evaluation *e, const struct programme *p, struct scope at, uint32_t asked,
                       uint32_t earlier, struct scope *out, bool *missing)
{
    struct scope with = at;
    bool merged = false;
    enum err err;

    *missing = false;
    *out = at;
    if (e->w.units.each_predecessor == NULL || (at.unit == NONE && at.filter == 0))
        return OK;
    if (with.merge_day == DAY_NONE) /* else it was asked for from a still later period */
        with.merge_day = time_at(e, asked)->last;
    if (at.unit == NONE) {
        out->merge_day = with.merge_day;
        return OK;
    }
    if ((err = has_merged(e, with, earlier, &merged)) != OK || !merged)
        return err;
    *missing = !p->merger_pools;
    *out = with;
    return OK;
}
