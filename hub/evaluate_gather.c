/* Kinds that keep a cell for each code: what stands behind them is gathered, sorted and counted.  Because each change
 * of a submission only adds or takes away, the counting can wait until somebody reads. */
#include "hub/evaluate_internal.h"

#include "common/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_MAX (512u << 20)

/* One entry; which fields are used depends on the kind. */
struct entry {
    uint64_t key, within;
    int64_t order; /* pairs: period and round; values: the value */
    i128 sum;
    uint64_t n;
    uint32_t clause;
};

struct gathering {
    struct evaluation *e;
    const struct variable *v;
    uint32_t clause;
    bool has_overflown;
};

static struct entry *entries(struct evaluation *e, size_t *count)
{
    *count = e->scratch.len / sizeof(struct entry);
    return (struct entry *)(void *)e->scratch.data;
}

static enum err put_entry(struct evaluation *e, const struct entry *entry)
{
    if (e->scratch.max == 0)
        buf_init(&e->scratch, SCRATCH_MAX);
    buf_put(&e->scratch, entry, sizeof(*entry));
    return buf_status(&e->scratch);
}

static enum err damaged(const struct variable *v)
{
    return err_set(ERR_CORRUPT, "a cell of variable %s is damaged", v->id);
}

static int compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->within != y->within)
        return x->within < y->within ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return 0;
}

/* Sorted entries of the whole place. */
static struct entry *sorted(struct evaluation *e, size_t *count)
{
    struct entry *all = entries(e, count);

    if (*count > 1)
        qsort(all, *count, sizeof(*all), compare);
    return all;
}

/* ---- keys ---- */

static enum err take_key(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    struct gathering *g = ctx;
    struct bytes part = cells_text(g->e, row);

    (void)unit;
    (void)period;
    if (part.len != PART_KEY_BYTES + 1 || part.p[PART_KEY_BYTES] >= VARIABLE_MAX_CLAUSES)
        return damaged(g->v);
    if (part.p[PART_KEY_BYTES] != g->clause)
        return OK;
    return put_entry(g->e, &(struct entry){.key = be64_get(part.p), .clause = g->clause});
}

/* The groups of clauses that a key must have; for a unit's own number the municipality's clauses are not asked. */
static uint32_t wanted_groups(const struct variable *v, bool is_municipal)
{
    uint32_t groups = 0;

    for (uint32_t c = 0; c < v->clause_count; c++)
        if (is_municipal || !v->clauses[c].municipality_only)
            groups |= UINT32_C(1) << (v->clauses[c].group & 31u);
    return groups;
}

/* Of which groups there is a submission of some clause's form. */
static uint32_t groups_of(const struct variable *v, uint32_t present)
{
    uint32_t groups = 0;

    for (uint32_t c = 0; c < v->clause_count; c++)
        if ((present >> c & 1u) != 0)
            groups |= UINT32_C(1) << (v->clauses[c].group & 31u);
    return groups;
}

static uint64_t count_keys(const struct variable *v, const struct entry *all, size_t count, uint32_t wanted)
{
    uint64_t keys = 0;

    for (size_t i = 0; i < count;) {
        uint32_t groups = 0;
        uint64_t key = all[i].key;

        for (; i < count && all[i].key == key; i++)
            groups |= UINT32_C(1) << (v->clauses[all[i].clause].group & 31u);
        keys += (groups & wanted) == wanted;
    }
    return keys;
}

enum err gather_keys(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                     struct amount *out)
{
    const struct variable *v = e->views[view].p->variables[variable];
    struct gathering g = {.e = e, .v = v};
    bool is_municipal = at.unit == NONE || at.counts;
    const struct entry *all;
    uint32_t wanted;
    size_t count;
    enum err err = OK;

    buf_reset(&e->scratch);
    for (; g.clause < v->clause_count && err == OK; g.clause++)
        err = variable_walk(e, view, variable, g.clause, at, period, NULL, out, take_key, &g);
    if (err != OK)
        return err;
    all = sorted(e, &count);
    /* A unit that has sent nothing of one of the forms: not none, but not known. */
    wanted = wanted_groups(v, false);
    out->has = (groups_of(v, out->present) & wanted) == wanted;
    out->n = count_keys(v, all, count, wanted_groups(v, is_municipal));
    out->sum = (i128)out->n;
    return OK;
}

/* ---- pairs ---- */

/* Rounds of a later period come after those of an earlier one, whatever their numbers. */
static int64_t round_order(const struct evaluation *e, uint32_t period, const uint8_t *order)
{
    return (int64_t)time_at(e, period)->first * (INT64_C(1) << 32) + (int64_t)be32_get(order);
}

static enum err take_round(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    struct gathering *g = ctx;
    struct bytes part = cells_text(g->e, row);

    (void)unit;
    if (part.len != 2 * PART_KEY_BYTES + 4 || row->c.n == 0)
        return damaged(g->v);
    return put_entry(g->e, &(struct entry){.key = be64_get(part.p),
                                           .within = be64_get(part.p + PART_KEY_BYTES),
                                           .order = round_order(g->e, period, part.p + 2 * (size_t)PART_KEY_BYTES),
                                           .sum = row->c.sum,
                                           .n = row->c.n});
}

/* Of several values in one round the mean counts, six places more exact than the values themselves. */
static bool round_value(const struct entry *x, i128 *out)
{
    i128 scaled;

    if (__builtin_mul_overflow(x->sum, (i128)RESULT_SCALE, &scaled) || scaled > ((i128)1 << 120) ||
        scaled < -((i128)1 << 120))
        return false;
    *out = divide_half_up(scaled, (i128)x->n);
    return true;
}

/* One key: its first and last round inside each `within` that has two. */
static size_t count_pair(const struct entry *all, size_t count, size_t i, struct amount *out, bool *has_overflown)
{
    uint64_t key = all[i].key;
    i128 change = 0;
    bool is_pair = false;

    while (i < count && all[i].key == key) {
        size_t first = i;
        i128 before, after;

        while (i + 1 < count && all[i + 1].key == key && all[i + 1].within == all[first].within)
            i++;
        if (all[i].order != all[first].order) {
            is_pair = true;
            *has_overflown |= !round_value(&all[first], &before) || !round_value(&all[i], &after) ||
                              __builtin_add_overflow(change, after - before, &change);
        }
        i++;
    }
    out->n += is_pair;
    out->rose += is_pair && change > 0;
    out->fell += is_pair && change < 0;
    return i;
}

enum err gather_pairs(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                      struct amount *out)
{
    struct gathering g = {.e = e, .v = e->views[view].p->variables[variable]};
    const struct entry *all;
    size_t count;
    enum err err;

    buf_reset(&e->scratch);
    err = variable_walk(e, view, variable, 0, at, period, NULL, out, take_round, &g);
    if (err != OK)
        return err;
    all = sorted(e, &count);
    out->has = count > 0;
    for (size_t i = 0; i < count;)
        i = count_pair(all, count, i, out, &g.has_overflown);
    out->sum = (i128)out->n;
    return g.has_overflown ? err_set(ERR_LIMIT, _("the sum of variable %s is too large"), g.v->id) : OK;
}

/* ---- relations ---- */

static uint32_t first_end(const struct cell_table *t, uint32_t unit, uint32_t period)
{
    uint32_t from = 0;
    uint32_t to = t->end_count;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        const struct relation_end *x = &t->ends[middle];

        if (x->unit < unit || (x->unit == unit && x->period < period))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Of the municipality a relation counts when one end is in the roster; with `both_ends` when both are.  A unit's own
 * relation counts unless `both_ends` asks for the other. */
static enum err relation_counts(struct evaluation *e, const struct variable *v, struct scope at, bool is_last,
                                uint32_t asked, const struct relation_end *x, bool *out)
{
    uint32_t period = is_last ? asked : x->period;
    enum err err = OK;

    *out = true;
    if (at.unit == NONE || at.counts || v->both_ends)
        err = unit_is_active(e, x->unit, period, out);
    if (err != OK || !*out || !v->both_ends)
        return err;
    *out = x->other != NONE && x->other != x->unit;
    return *out ? unit_is_active(e, x->other, period, out) : OK;
}

static enum err relations_of(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t unit,
                             uint32_t asked, bool *outsiders)
{
    const struct programme_view *pv = &e->views[view];
    const struct variable *v = pv->p->variables[variable];
    const struct cell_table *t = &e->tables[pv->table[variable]];
    bool is_last = time_is_last(time_role(v, 0));
    const struct list *periods;
    enum err err = time_resolve(e, view, variable, 0, asked, &periods);

    for (uint32_t p = 0; err == OK && p < periods->count; p++) {
        uint32_t i = first_end(t, unit, periods->at[p]);
        bool any = false;

        for (; err == OK && i < t->end_count && t->ends[i].unit == unit && t->ends[i].period == periods->at[p]; i++) {
            bool counts;

            any = true;
            if ((err = relation_counts(e, v, at, is_last, asked, &t->ends[i], &counts)) == OK && counts)
                err = put_entry(e, &(struct entry){.key = t->ends[i].digest});
            else
                *outsiders |= err == OK;
        }
        if (is_last && any)
            break;
    }
    return err;
}

enum err gather_relations(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                          struct amount *out)
{
    const struct list *units;
    const struct entry *all;
    size_t count;
    enum err err = scope_candidates(e, at, &units);

    buf_reset(&e->scratch);
    for (uint32_t i = 0; err == OK && i < units->count; i++)
        err = relations_of(e, view, variable, at, units->at[i], period, &out->has_outsiders);
    if (err != OK)
        return err;
    all = sorted(e, &count);
    out->has = count > 0;
    for (size_t i = 0; i < count; i++)
        out->n += i == 0 || all[i].key != all[i - 1].key;
    out->sum = (i128)out->n;
    return OK;
}

/* ---- values ---- */

static enum err take_value(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    struct gathering *g = ctx;
    struct bytes part = cells_text(g->e, row);

    (void)unit;
    (void)period;
    if (part.len != 8)
        return damaged(g->v);
    return put_entry(g->e, &(struct entry){.order = (int64_t)(be64_get(part.p) ^ (UINT64_C(1) << 63)), .n = row->c.n});
}

/* The k-th smallest, from 0. */
static int64_t kth(const struct entry *all, size_t count, uint64_t k)
{
    size_t i = 0;

    for (; i + 1 < count && k >= all[i].n; i++)
        k -= all[i].n;
    return all[i].order;
}

/* The quantile of `quarters`/4: between two neighbours in proportion, as spreadsheets do (QUARTILE.INC). */
static double quantile(const struct entry *all, size_t count, uint64_t n, unsigned quarters)
{
    uint64_t at = (n - 1) * quarters;
    i128 low = kth(all, count, at / 4);
    i128 high = kth(all, count, at % 4 == 0 ? at / 4 : at / 4 + 1);

    return (double)(low * (i128)(4 - at % 4) + high * (i128)(at % 4)) / 4.0;
}

static double statistic(const struct entry *all, size_t count, enum reference_stat stat)
{
    uint64_t n = 0;
    i128 sum = 0;

    for (size_t i = 0; i < count; i++) {
        n += all[i].n;
        sum += (i128)all[i].order * (i128)all[i].n;
    }
    switch (stat) {
    case STAT_MIN: return (double)all[0].order;
    case STAT_MAX: return (double)all[count - 1].order;
    case STAT_RANGE: return (double)((i128)all[count - 1].order - all[0].order);
    case STAT_MEAN: return (double)sum / (double)n;
    case STAT_MEDIAN: return quantile(all, count, n, 2);
    case STAT_Q25: return quantile(all, count, n, 1);
    case STAT_Q75: return quantile(all, count, n, 3);
    case STAT_VALUE:
    case STAT_N:
    case STAT_ROSE:
    case STAT_FELL:
    case STAT_NUMERATOR:
    case STAT_DENOMINATOR: return NAN;
    }
    return NAN;
}

enum err gather_values(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at, uint32_t period,
                       enum reference_stat stat, double *out, bool *has)
{
    struct gathering g = {.e = e, .v = e->views[view].p->variables[variable]};
    const struct entry *all;
    size_t count;
    enum err err;

    buf_reset(&e->scratch);
    *has = false;
    err = variable_walk(e, view, variable, 0, at, period, NULL, NULL, take_value, &g);
    if (err != OK)
        return err;
    all = sorted(e, &count);
    if (count == 0)
        return OK;
    *out = statistic(all, count, stat);
    *out /= (double)i128_power10(g.v->places);
    *has = !isnan(*out);
    return OK;
}
