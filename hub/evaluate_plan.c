/* The plan: measures of the roadmap that are done, indicators that reached what was planned, targets. */
#include "hub/evaluate_internal.h"

#include <math.h>
#include <string.h>

/* ---- execution ---- */

#define OCCURRENCES_MAX 200u /* of one yearly measure */

struct execution {
    const struct look *l;
    const struct programme_view *pv;
    const struct list *active;
    uint64_t done, due;
};

/* Is there a cell for that code and unit, about a day from `from` to `to`?  In whatever period it was reported, if that
 * has begun. */
static bool is_done(struct evaluation *e, const struct execution *x, uint32_t variable, uint32_t unit, const char *code,
                    int32_t from, int32_t to)
{
    const struct variable *v = x->pv->p->variables[variable];
    const struct cell_table *t = &e->tables[x->pv->table[variable]];
    char part[PART_MAX + 1];

    if (v->by_count == 0 || (size_t)snprintf(part, sizeof(part), "%s=%s", v->by[0], code) >= sizeof(part))
        return false;
    for (uint32_t i = 0; i < t->period_count; i++) {
        const struct cell_group *g = cells_group(t, unit, t->periods[i]);
        const struct cell_row *row = g == NULL ? NULL : cells_part(e, t, g, part);
        i128 day;

        if (row == NULL || row->c.n == 0 || time_at(e, t->periods[i])->first > time_at(e, x->l->period)->last)
            continue;
        day = divide_half_up(row->c.sum, (i128)row->c.n * i128_power10(v->places));
        if (day >= from && day <= to)
            return true;
    }
    return false;
}

/* Said in a return whose period begins in `from`..`to`: of a yearly measure each year has its own word. */
static bool is_said(struct evaluation *e, const struct execution *x, uint32_t unit, const char *code, int32_t from,
                    int32_t to)
{
    const struct variable *v = x->pv->p->variables[x->l->i->excluded_variable];
    const struct cell_table *t = &e->tables[x->pv->table[x->l->i->excluded_variable]];
    char part[PART_MAX + 1];

    if (v->by_count == 0 || (size_t)snprintf(part, sizeof(part), "%s=%s", v->by[0], code) >= sizeof(part))
        return false;
    for (uint32_t i = 0; i < t->period_count; i++) {
        const struct cell_group *g = cells_group(t, unit, t->periods[i]);
        const struct cell_row *row = g == NULL ? NULL : cells_part(e, t, g, part);
        int32_t first = time_at(e, t->periods[i])->first;

        if (row != NULL && row->c.n > 0 && first >= from && first <= to)
            return true;
    }
    return false;
}

static bool is_excluded(struct evaluation *e, const struct execution *x, uint32_t unit, const char *code, int32_t from,
                        int32_t to)
{
    int32_t last = time_at(e, x->l->period)->last;

    if (to > last)
        to = last;
    return x->l->i->excluded_variable != NONE &&
           (is_said(e, x, unit, code, from, to) || is_said(e, x, e->district, code, from, to));
}

static int32_t next_year(int32_t day, int32_t first)
{
    int year, month, d, unused;

    date_to_civil(day, &year, &month, &unused);
    date_to_civil(first, &unused, &month, &d);
    if (month == 2 && d == 29)
        d = 28;
    return date_from_civil(year + 1, month, d);
}

/* The day on which it is due within the period, and the one before; false: it is not. */
static bool due_within(const struct roadmap_item *m, const struct period *p, int32_t *before, int32_t *due)
{
    *before = DATE_MIN;
    *due = m->due;
    for (unsigned i = 0; i < OCCURRENCES_MAX && m->is_yearly && *due < p->first; i++) {
        *before = *due;
        *due = next_year(*due, m->due);
    }
    return *due >= p->first && *due <= p->last && (!m->is_yearly || *due <= m->until);
}

static void count_on_time(struct evaluation *e, struct execution *x, const struct roadmap_item *m)
{
    int32_t before, due;

    if (!due_within(m, time_at(e, x->l->period), &before, &due))
        return;
    for (uint32_t i = 0; i < (m->of_office ? 1 : x->active->count); i++) {
        uint32_t unit = m->of_office ? e->district : x->active->at[i];

        if (is_excluded(e, x, unit, m->code, before + 1, due))
            continue;
        x->due++;
        x->done += is_done(e, x, x->l->i->done_variable, unit, m->code, before + 1, due);
    }
}

/* A measure is held when anybody did it within the period. */
static void count_whole(struct evaluation *e, struct execution *x, const struct roadmap_item *m)
{
    const struct period *p = time_at(e, x->l->period);
    uint32_t variable = x->l->i->done_variable;
    uint32_t wanted = 0, took_part = 0;
    bool is_held = false;

    for (uint32_t u = 0; u < e->units.count && !is_held; u++)
        is_held = is_done(e, x, variable, u, m->code, p->first, p->last);
    for (uint32_t i = 0; i < x->active->count; i++) {
        if (is_excluded(e, x, x->active->at[i], m->code, DATE_MIN, p->last))
            continue;
        wanted++;
        took_part += is_done(e, x, variable, x->active->at[i], m->code, p->first, p->last);
    }
    if (!is_held || m->of_office || wanted == 0)
        return;
    x->due++;
    x->done += took_part == wanted;
}

/* A unit's own plan is what the schools have to do; the municipality's, all of it. */
static enum err parties_of(struct evaluation *e, const struct look *l, const struct list **out)
{
    return l->at.unit == NONE ? eligible_units(e, l, out, NULL) : scope_candidates(e, l->at, out);
}

static void set_share(const struct look *l, struct outcome *out, uint64_t numerator, uint64_t denominator)
{
    out->has_data = denominator > 0;
    if (denominator == 0) {
        outcome_fail(out, why_zero);
        return;
    }
    out->n = denominator;
    outcome_set_double(out, (double)numerator * l->i->times / (double)denominator);
    out->has_fraction = out->has_denominator = true;
    out->numerator = (i128)numerator;
    out->denominator = (i128)denominator;
}

enum err execution_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    const struct programme *p = e->views[l->view].p;
    struct execution x = {.l = l, .pv = &e->views[l->view]};
    enum err err = parties_of(e, l, &x.active);

    if (err != OK)
        return err;
    for (size_t i = 0; i < p->roadmap_count && i < MEASURES_MAX; i++) {
        if (l->i->all_units)
            count_whole(e, &x, &p->roadmap[i]);
        else if (l->at.unit == NONE || !p->roadmap[i].of_office)
            count_on_time(e, &x, &p->roadmap[i]);
    }
    set_share(l, out, x.done, x.due);
    return OK;
}

/* ---- progress ---- */

struct progress {
    uint64_t reached, planned;
};

/* As an expression names it: the id, and of a part the codes: KOR-37.pupil. */
static bool name_of(const struct indicator *i, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "%s", i->id);

    for (const char *p = i->part; *p != '\0' && len < size;) {
        const char *code = strchr(p, '=');
        size_t n = code == NULL ? 0 : strcspn(code + 1, ";");

        if (code == NULL)
            return false;
        len += (size_t)snprintf(out + len, size - len, ".%.*s", (int)n, code + 1);
        p = code + 1 + n + (code[1 + n] == ';');
    }
    return len < size;
}

/* The plan of a school is what it reported; the municipality's is reported about the district. */
static enum err plan_of(struct evaluation *e, const struct look *l, const struct indicator *i, double *out, bool *has)
{
    const struct programme *p = e->views[l->view].p;
    const struct variable *v = p->variables[l->i->done_variable];
    struct scope at = l->at.unit == NONE ? scope_unit(e->district) : l->at;
    char name[PART_MAX + 1];
    char text[PART_MAX + 1];
    struct amount a;
    uint32_t part;
    enum err err;

    *has = false;
    if (v->by_count == 0 || !name_of(i, name, sizeof(name)) ||
        (size_t)snprintf(text, sizeof(text), "%s=%s", v->by[0], name) >= sizeof(text))
        return OK;
    if ((err = names_put(e, &e->parts, text, &part)) != OK ||
        (err = variable_amount(e, l->view, l->i->done_variable, at, l->period, part, &a)) != OK)
        return err;
    *has = a.has && a.n > 0;
    *out = *has ? (double)a.sum / (double)a.n / (double)i128_power10(v->places) : NAN;
    return OK;
}

static enum err count_progress(struct evaluation *e, const struct look *l, uint32_t of, struct progress *c)
{
    const struct indicator *i = e->views[l->view].p->indicators[of];
    const struct reference r = {.what = REFERENCE_INDICATOR, .stat = STAT_VALUE, .index = of};
    struct reading now;
    double plan;
    bool has;
    enum err err = plan_of(e, l, i, &plan, &has);

    if (err != OK || !has || (err = reference_read(e, l, &r, &now)) != OK)
        return err;
    c->planned++;
    if (now.has)
        c->reached += i->direction == DIRECTION_DOWN ? round_half_up(now.number * RESULT_SCALE) <= plan * RESULT_SCALE
                                                     : round_half_up(now.number * RESULT_SCALE) >= plan * RESULT_SCALE;
    return OK;
}

enum err progress_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    const struct programme *p = e->views[l->view].p;
    struct progress c = {0};
    enum err err = OK;

    for (uint32_t i = 0; i < l->i->plan_count && err == OK; i++)
        err = count_progress(e, l, l->i->plan_indicators[i], &c);
    for (uint32_t i = 0; i < p->indicator_count && l->i->plan_count == 0 && err == OK; i++)
        if (i != l->first && p->indicators[i]->direction != DIRECTION_NONE && p->indicators[i]->part[0] == '\0' &&
            p->indicators[i]->kind != KIND_PROGRESS && e->views[l->view].is_first[i])
            err = count_progress(e, l, i, &c);
    if (err == OK)
        set_share(l, out, c.reached, c.planned);
    return err;
}

/* ---- targets ---- */

static const struct target *target_for(const struct indicator *i, const char *period)
{
    const struct target *best = NULL;

    for (uint32_t k = 0; k < i->target_count; k++)
        if (strcmp(i->targets[k].period, period) == 0 && (best == NULL || i->targets[k].revision >= best->revision))
            best = &i->targets[k];
    return best;
}

static i128 scaled(double x)
{
    return fabs(x) < 1e18 ? (i128)round_half_up(x * RESULT_SCALE) : 0;
}

static enum target_status compare(const struct target *t, double from, i128 value)
{
    if (t->yes)
        return value > 0 ? TARGET_WITHIN : TARGET_BELOW;
    if (t->has_from && (t->more_than ? value <= scaled(from) : value < scaled(from)))
        return TARGET_BELOW;
    return t->has_to && value > scaled(t->to) ? TARGET_ABOVE : TARGET_WITHIN;
}

static bool is_zero(const struct target *t, double from)
{
    return !t->yes && !t->more_than && t->reference.source == NULL && (!t->has_from || from == 0) &&
           (!t->has_to || t->to == 0);
}

/* What the target asks for; has: its reference has a value. */
static enum err floor_of(struct evaluation *e, const struct look *l, const struct target *t, double *from, bool *has)
{
    struct formula_reading read;
    enum err err = OK;

    *from = t->from;
    if (t->reference.source != NULL)
        err = formula_number(e, l, &t->reference, from, &read);
    *has = !isnan(*from);
    return err;
}

enum err target_of(struct evaluation *e, const struct look *l, const struct outcome *value,
                   const struct target **target, enum target_status *status)
{
    struct target at;
    double from;
    bool has;
    enum err err;

    *target = target_for(l->i, time_at(e, l->period)->id);
    *status = l->i->target_count == 0 ? TARGET_NONE : TARGET_NOT_DUE;
    if (*target == NULL)
        return OK;
    at = **target;
    if ((err = floor_of(e, l, &at, &from, &has)) != OK)
        return err;
    at.has_from |= at.reference.source != NULL;
    if (is_zero(&at, from))
        return OK;
    if (value->why != NULL || !has)
        *status = TARGET_NO_DATA;
    else
        *status = compare(&at, from, value->value);
    return OK;
}
