#include "common/due.h"

#include <string.h>

#define FAR (DUE_MAX_DAYS + 400) /* days between a period and what is due for it, at most */

const char *due_rule_role(const struct due_rule *r, const struct form *f)
{
    return r->who != NULL ? r->who : f->role;
}

enum due_about due_rule_about(const struct due_rule *r, const struct form *f)
{
    if (f->is_about_district)
        return DUE_ABOUT_DISTRICT;
    if (r->has_about)
        return r->about;
    return strcmp(due_rule_role(r, f), "school") == 0 ? DUE_ABOUT_UNITS : DUE_ABOUT_DISTRICT;
}

/* The first such day of a year that is not before `from`. */
static int32_t day_of_year(const struct due_day *d, int32_t from)
{
    int year, month, day;
    int32_t at;

    date_to_civil(from, &year, &month, &day);
    at = date_from_civil(year, d->month, d->day);
    return at >= from ? at : date_from_civil(year + 1, d->month, d->day);
}

/* A day of a year is looked for from `from` on. */
static int32_t day_of(const struct due_day *d, const struct period *p, int32_t from)
{
    switch (d->kind) {
    case DUE_DAY_START: return p->first + d->days;
    case DUE_DAY_END: return p->last + d->days;
    case DUE_DAY_ON: return day_of_year(d, from);
    case DUE_DAY_DATE: break;
    }
    return d->date;
}

static bool is_series_of(const struct due_rule *r, const struct form *f, const char *series)
{
    if (r->series != NULL)
        return strcmp(r->series, series) == 0;
    for (uint32_t i = 0; i < f->series_count; i++)
        if (strcmp(f->all_series[i], series) == 0)
            return true;
    return false;
}

static bool is_named(const struct due_rule *r, const char *period)
{
    for (uint32_t i = 0; i < r->period_count; i++)
        if (strcmp(r->periods[i], period) == 0)
            return true;
    return r->period_count == 0;
}

bool due_rule_days(const struct due_rule *r, const struct form *f, const struct period *p, struct due_days *out)
{
    if (strcmp(r->form, f->id) != 0 || !is_series_of(r, f, p->series) || !is_named(r, p->id) || p->last < r->from ||
        p->last > r->to)
        return false;
    out->opens = r->opens.is_given ? day_of(&r->opens, p, p->first) : p->first;
    out->due = day_of(&r->due, p, p->first);
    if (!r->opens.is_given && out->due < out->opens)
        out->opens = out->due; /* asked for before the period begins: a plan */
    out->late_until = r->late_until.is_given ? day_of(&r->late_until, p, out->due) : out->due;
    return true;
}

struct walk {
    const struct due_rule *rule;
    const struct form *form;
    const struct calendar *calendar;
    int32_t first, last;
    enum err (*each)(void *ctx, const struct period *p, const struct due_days *d);
    void *ctx;
};

static enum err walk_series(const struct walk *w, const char *series)
{
    struct period p;
    struct due_days d;
    enum err e = calendar_next(w->calendar, series, w->first - FAR - 366, &p);

    while (e == OK && p.first <= w->last + FAR) {
        struct period at = p;

        if (due_rule_days(w->rule, w->form, &p, &d) && d.opens <= w->last && d.late_until >= w->first &&
            (e = w->each(w->ctx, &p, &d)) != OK)
            return e;
        e = calendar_step(w->calendar, &at, 1, &p);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Named periods, too: a date may be far away from them. */
static enum err walk_named(const struct walk *w)
{
    struct period p;
    struct due_days d;
    enum err e = OK;

    for (uint32_t i = 0; i < w->rule->period_count && e == OK; i++)
        if (calendar_find(w->calendar, NULL, w->rule->periods[i], &p) == OK &&
            due_rule_days(w->rule, w->form, &p, &d) && d.opens <= w->last && d.late_until >= w->first)
            e = w->each(w->ctx, &p, &d);
    return e;
}

enum err due_rule_each(const struct due_rule *r, const struct form *f, const struct calendar *c, int32_t first,
                       int32_t last, enum err (*each)(void *ctx, const struct period *p, const struct due_days *d),
                       void *ctx)
{
    struct walk w = {r, f, c, first, last, each, ctx};
    enum err e = OK;

    if (r->period_count > 0)
        return walk_named(&w);
    if (r->series != NULL)
        return walk_series(&w, r->series);
    for (uint32_t i = 0; i < f->series_count && e == OK; i++)
        e = walk_series(&w, f->all_series[i]);
    return e;
}
