/* Periods: neighbours, what stands for a period in another series, and the roles of time. */
#include "hub/evaluate_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- periods as numbers ---- */

static enum err add_period(struct evaluation *e, const struct period *p, uint32_t *out)
{
    struct period_view *v = arena_alloc(e, sizeof(*v));
    enum err err;

    if (v == NULL)
        return ERR_NOMEM;
    if (e->period_ids.count == e->period_cap) {
        uint32_t cap = e->period_cap == 0 ? 64 : e->period_cap * 2;
        struct period_view **grown = reallocarray(e->periods, cap, sizeof(struct period_view *));

        if (grown == NULL)
            return ERR_NOMEM;
        e->periods = grown;
        e->period_cap = cap;
    }
    *v = (struct period_view){.p = *p, .previous = NONE, .year_before = NONE};
    e->periods[e->period_ids.count] = v; /* first, so that no number is ever without its period */
    err = names_put(e, &e->period_ids, p->id, out);
    return err;
}

enum err time_intern(struct evaluation *e, const struct period *p, uint32_t *out)
{
    if ((*out = names_find(&e->period_ids, p->id)) != NONE)
        return OK;
    return add_period(e, p, out);
}

enum err time_named(struct evaluation *e, const char *id, uint32_t *out)
{
    struct period p;
    enum err err;

    if ((*out = names_find(&e->period_ids, id)) != NONE)
        return OK;
    err = calendar_find(e->w.calendar, NULL, id, &p);
    if (err == ERR_NOT_FOUND || (err == OK && strcmp(p.id, id) != 0))
        return OK;
    return err == OK ? add_period(e, &p, out) : err;
}

/* ---- neighbours ---- */

static enum err found(struct evaluation *e, enum err err, const struct period *p, uint32_t *out)
{
    *out = NONE;
    if (err == ERR_NOT_FOUND)
        return OK;
    return err == OK ? time_intern(e, p, out) : err;
}

enum err time_previous(struct evaluation *e, uint32_t period, uint32_t *out)
{
    struct period_view *v = e->periods[period];
    struct period p;
    enum err err = OK;

    if (!v->knows_previous) {
        err = found(e, calendar_step(e->w.calendar, &v->p, -1, &p), &p, &v->previous);
        v->knows_previous = err == OK;
    }
    *out = v->previous;
    return err;
}

enum err time_year_before(struct evaluation *e, uint32_t period, uint32_t *out)
{
    struct period_view *v = e->periods[period];
    struct period p;
    enum err err = OK;

    if (!v->knows_year_before) {
        err = found(e, calendar_year_before(e->w.calendar, &v->p, &p), &p, &v->year_before);
        v->knows_year_before = err == OK;
    }
    *out = v->year_before;
    return err;
}

/* ---- other series ---- */

enum err time_latest(struct evaluation *e, const char *series, int32_t day, bool ended, uint32_t *out)
{
    struct memo_key key = {.what = MEMO_LATEST, .period = (uint32_t)day, .more = ended};
    struct period p;
    uint32_t *kept;
    enum err err;

    if ((err = names_put(e, &e->parts, series, &key.index)) != OK)
        return err;
    if ((kept = memo_get(&e->memo, &key)) == NULL) {
        if ((err = found(e, calendar_latest(e->w.calendar, series, day, ended, &p), &p, out)) != OK ||
            (err = memo_put(e, &key, sizeof(*kept), (void **)&kept)) != OK)
            return err;
        *kept = *out;
    }
    *out = *kept;
    return OK;
}

enum err time_align(struct evaluation *e, const char *const *series, uint32_t count, uint32_t period, bool begun,
                    uint32_t *out)
{
    const struct period *p = time_at(e, period);
    int32_t last = p->last;
    enum err err = OK;

    *out = period;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(series[i], p->series) == 0)
            return OK;
    *out = NONE;
    for (uint32_t i = 0; i < count && err == OK && *out == NONE; i++)
        err = time_latest(e, series[i], last, !begun, out);
    return err;
}

/* ---- time roles ---- */

enum variable_time time_role(const struct variable *v, uint32_t clause)
{
    enum variable_time own = v->clauses[clause].time;

    return own != TIME_DEFAULT ? own : v->time;
}

static unsigned role_years(const struct variable *v, uint32_t clause)
{
    return v->clauses[clause].time == TIME_ROLLING ? v->clauses[clause].years : v->years;
}

struct role {
    enum variable_time time;
    unsigned years;
    int32_t from, first, last; /* of the period; `from`: where the rolling window begins */
};

static int32_t years_before(int32_t day, unsigned years)
{
    while (years-- > 0)
        day = date_year_before(day);
    return day;
}

static bool role_takes(const struct role *r, const struct period *p)
{
    switch (r->time) {
    case TIME_FLOW: return p->last >= r->first && p->last <= r->last;
    case TIME_CUMULATIVE:
    case TIME_LAST: return p->first <= r->last;
    case TIME_ROLLING: return p->last > r->from && p->last <= r->last;
    case TIME_WITHIN: return p->first >= r->first && p->last <= r->last;
    case TIME_DEFAULT:
    case TIME_SAME:
    case TIME_STATE:
    case TIME_ENDED: return false;
    }
    return false;
}

/* Of the periods that have cells: the first of the form's series that has any which the role takes. */
static uint32_t take_periods(const struct evaluation *e, const struct cell_table *t, const struct form *f,
                             const struct role *r, uint32_t *out)
{
    uint32_t count = 0;

    for (uint32_t s = 0; s < f->series_count && count == 0; s++)
        for (uint32_t i = 0; i < t->period_count; i++) {
            const struct period *p = time_at(e, t->periods[i]);

            if (strcmp(p->series, f->all_series[s]) == 0 && role_takes(r, p))
                out[count++] = t->periods[i];
        }
    return count;
}

static bool is_of(const struct form *f, const char *series)
{
    for (uint32_t s = 0; s < f->series_count; s++)
        if (strcmp(f->all_series[s], series) == 0)
            return true;
    return false;
}

/* One period that the calendar names, whether there are cells or not. */
static enum err take_one(struct evaluation *e, const struct form *f, enum variable_time time, uint32_t period,
                         uint32_t *out)
{
    bool is_same = is_of(f, time_at(e, period)->series);
    int32_t last = time_at(e, period)->last;
    enum err err = OK;

    *out = NONE;
    if ((time == TIME_SAME || time == TIME_DEFAULT) && is_same)
        *out = period;
    else if (time != TIME_SAME)
        for (uint32_t s = 0; s < f->series_count && err == OK && *out == NONE; s++)
            err = time_latest(e, f->all_series[s], last, time == TIME_ENDED, out);
    return err;
}

static enum err resolve(struct evaluation *e, const struct cell_table *t, const struct form *f, const struct role *r,
                        uint32_t period, struct list *out)
{
    enum err err;

    if (r->time < TIME_LAST) {
        if ((err = take_one(e, f, r->time, period, &out->at[0])) != OK)
            return err;
        out->count = out->at[0] != NONE;
        return OK;
    }
    out->count = take_periods(e, t, f, r, out->at);
    for (uint32_t i = 0; time_is_last(r->time) && i < out->count / 2; i++) {
        uint32_t other = out->at[out->count - 1 - i];

        out->at[out->count - 1 - i] = out->at[i];
        out->at[i] = other;
    }
    return OK;
}

enum err time_resolve(struct evaluation *e, uint32_t view, uint32_t variable, uint32_t clause, uint32_t period,
                      const struct list **out)
{
    const struct programme_view *pv = &e->views[view];
    const struct variable *v = pv->p->variables[variable];
    const struct cell_table *t = &e->tables[pv->table[variable]];
    const struct form *f = reads_form(pv->p, v->clauses[clause].form);
    const struct memo_key key = {
        .what = MEMO_PERIODS, .index = pv->first_variable + variable, .period = period, .more = clause};
    const struct period *p = time_at(e, period);
    struct role role = {time_role(v, clause), role_years(v, clause), 0, p->first, p->last};
    struct list *kept = memo_get(&e->memo, &key);
    enum err err = OK;

    if (kept == NULL) {
        role.from = role.time == TIME_ROLLING ? years_before(p->last, role.years) : p->first;
        if ((err = memo_put(e, &key, sizeof(*kept) + (t->period_count + 1) * sizeof(kept->at[0]), (void **)&kept)) !=
            OK)
            return err;
        if (f != NULL)
            err = resolve(e, t, f, &role, period, kept);
    }
    *out = kept;
    return err;
}
