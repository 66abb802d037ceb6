/* programme_derived.c: kinds over other indicators and over units: units, change, formula, gap, history, execution,
 * progress. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void percent(struct indicator *i)
{
    i->times = 100;
    if (i->unit_ru[0] == '\0' && i->unit_en[0] == '\0')
        i->unit_ru = i->unit_en = "%";
}

/* `of`: an indicator that has a value wherever this one has; `on_units`: it is looked at for each unit. */
static int32_t need_of(struct loader *l, struct draft *d, bool on_units)
{
    const struct yaml_node *n = d->keys.k.of;
    int32_t at = loader_need_indicator(l, d, n, "of");
    const struct draft *to = at < 0 ? NULL : &l->drafts[at];

    if (to == NULL)
        return -1;
    if (to->is_bad)
        return at;
    if (to->i->levels == LEVELS_MUNICIPALITY && on_units) {
        loader_complain(l, &l->programme, n, "of",
                        _("\"%s\" is computed for the district alone, and this one for units"), n->text);
        return -1;
    }
    if (to->i->levels == LEVELS_UNIT && !on_units) {
        loader_complain(l, &l->programme, n, "of",
                        _("\"%s\" is computed for units alone, and this one for the district"), n->text);
        return -1;
    }
    loader_add_edge(l, d, (uint32_t)at, n, loader_text_column(l->programme.file, n));
    return at;
}

/* ---- units ---- */

void make_units(struct loader *l, struct draft *d)
{
    static const char *const as_names[] = {"share", "count", NULL};
    const struct yaml_node *among = d->keys.k.among;
    struct indicator *i = d->i;

    i->as_count = make_as(l, d, as_names, 0) == 1;
    if (!i->as_count)
        percent(i);
    (void)formula_read(l, d, d->keys.k.condition, "condition", ON_UNITS, &i->condition);
    if (among == NULL || (among->kind == YAML_SCALAR && strcmp(among->text, "reported") == 0)) {
        i->among_kind = AMONG_REPORTED;
    } else if (among->kind == YAML_SCALAR && strcmp(among->text, "roster") == 0) {
        i->among_kind = AMONG_ROSTER;
    } else {
        i->among_kind = AMONG_WHERE;
        (void)formula_read(l, d, among, "among", ON_UNITS, &i->among);
    }
}

/* ---- change, formula ---- */

static bool has_base_period(const struct loader *l, const struct indicator *i)
{
    for (size_t b = 0; b < l->prog->base_period_count; b++)
        for (uint32_t s = 0; s < i->series_count; s++)
            if (strcmp(l->prog->base_periods[b].series, i->series[s]) == 0)
                return true;
    return i->base_period != NULL;
}

void make_change(struct loader *l, struct draft *d)
{
    static const char *const as_names[] = {"difference", "percent", "sign", NULL};
    struct indicator *i = d->i;
    int as = make_as(l, d, as_names, CHANGE_DIFFERENCE);

    i->change_as = as < 0 ? CHANGE_DIFFERENCE : (enum change_as)as;
    i->against = (enum reference_shift)(SHIFT_PREVIOUS + d->keys.k.against);
    if (i->change_as == CHANGE_PERCENT)
        percent(i);
    i->of = need_of(l, d, draft_is_on_units(d));
    if (i->against == SHIFT_BASE && !has_base_period(l, i) && d->keys.base == NULL)
        loader_complain(l, &l->programme, yaml_get(d->keys.k.at, "against"), "against", "%s",
                        _("no base period is given, neither by base: of the indicator nor by base_period: of the "
                          "programme for its series"));
}

void make_formula(struct loader *l, struct draft *d)
{
    static const char *const as_names[] = {"number", "yes_no", NULL};
    int as = make_as(l, d, as_names, 0);

    (void)formula_read(l, d, d->keys.k.value, "value", ON_LEVELS, &d->i->value);
    d->i->is_yes_no = as == 1;
    if (d->i->is_yes_no) {
        d->i->shown = 0;
        if (d->i->unit_ru[0] == '\0' && d->i->unit_en[0] == '\0') {
            d->i->unit_ru = "да 1, нет 0";
            d->i->unit_en = "yes 1, no 0";
        }
    }
}

/* ---- gap ---- */

void make_gap(struct loader *l, struct draft *d)
{
    static const char *const as_names[] = {"range", NULL};
    const struct yaml_node *group = d->keys.k.group;
    struct indicator *i = d->i;

    i->as_range = make_as(l, d, as_names, -1) == 0;
    i->of = need_of(l, d, true);
    if (i->as_range == (group != NULL))
        loader_complain(l, &l->programme, group != NULL ? group : d->at, "group", "%s",
                        _("expected either group, or as: range"));
    (void)formula_read(l, d, group, "group", ON_UNITS, &i->group);
}

/* ---- history ---- */

static void check_bounds(struct loader *l, struct draft *d)
{
    const struct kind_keys *k = &d->keys.k;
    static const char *const names[] = {"at_least", "at_most", "observed"};
    const int64_t values[] = {k->at_least, k->at_most, k->observed};

    for (size_t n = 0; n < 3; n++)
        if (values[n] > k->last)
            loader_complain(l, &l->programme, yaml_get(k->at, names[n]), names[n],
                            _("at most as many periods as are looked at are expected: %lld"), (long long)k->last);
    if (k->at_most >= 0 && k->at_least > k->at_most)
        loader_complain(l, &l->programme, yaml_get(k->at, "at_most"), "at_most", "%s",
                        _("expected at_least <= at_most"));
}

static void make_trend(struct loader *l, struct draft *d)
{
    static const char *const not_of_trend[] = {"at_least", "at_most", "observed", NULL};

    d->i->as_trend = true;
    d->i->of = need_of(l, d, draft_is_on_units(d));
    for (size_t n = 0; not_of_trend[n] != NULL; n++) {
        const struct yaml_node *at = yaml_get(d->keys.k.at, not_of_trend[n]);

        if (at != NULL)
            loader_complain(l, &l->programme, at, not_of_trend[n], "%s", _("a trend has no such key"));
    }
    if (d->keys.k.last < 3)
        loader_complain(l, &l->programme, yaml_get(d->keys.k.at, "last"), "last", "%s",
                        _("a trend is over at least three periods"));
}

void make_history(struct loader *l, struct draft *d)
{
    static const char *const as_names[] = {"trend", NULL};
    const struct kind_keys *k = &d->keys.k;
    struct indicator *i = d->i;
    bool as_trend = make_as(l, d, as_names, -1) == 0;

    i->last = (unsigned)k->last;
    if ((k->condition != NULL) == (k->of != NULL) || as_trend != (k->of != NULL)) {
        loader_complain(l, &l->programme, k->as != NULL ? k->as : d->at, "condition", "%s",
                        _("expected either condition, or of with as: trend"));
        return;
    }
    if (as_trend) {
        make_trend(l, d);
        return;
    }
    i->at_least = k->at_least < 0 ? 0 : (unsigned)k->at_least;
    i->at_most = k->at_most < 0 ? 0 : (unsigned)k->at_most;
    i->observed = k->observed < 0 ? 1 : (unsigned)k->observed;
    check_bounds(l, d);
    (void)formula_read(l, d, k->condition, "condition", ON_LEVELS, &i->condition);
}

/* ---- execution, progress ---- */

/* A variable that has one part for each code. */
static uint32_t need_by_code(struct loader *l, const struct draft *d, const char *id, const char *key)
{
    const struct yaml_node *n = yaml_get(d->keys.k.at, key);
    struct variable_draft *v = loader_variable(l, id);
    const char *near = v == NULL ? loader_nearest(l, id, strlen(id)) : NULL;
    int32_t at;

    if (v == NULL) {
        if (l->has_broken_variables)
            return UINT32_MAX;
        if (near != NULL)
            loader_complain(l, &l->programme, n, key, _("there is no variable \"%s\": did you mean \"%s\"?"), id, near);
        else
            loader_complain(l, &l->programme, n, key, _("there is no variable \"%s\""), id);
        return UINT32_MAX;
    }
    if ((at = loader_take_variable(l, v)) < 0)
        return UINT32_MAX;
    if (v->v->kind != VARIABLE_SUM || v->v->by_count != 1) {
        loader_complain(l, &l->programme, n, key, "%s", _("a variable of kind sum with one field in by is expected"));
        return UINT32_MAX;
    }
    return (uint32_t)at;
}

void make_execution(struct loader *l, struct draft *d)
{
    static const char *const as_names[] = {"on_time", "all_units", NULL};
    struct indicator *i = d->i;

    i->all_units = make_as(l, d, as_names, 0) == 1;
    percent(i);
    i->done_variable = need_by_code(l, d, d->keys.k.done, "done");
    if (d->keys.k.excluded != NULL)
        i->excluded_variable = need_by_code(l, d, d->keys.k.excluded, "excluded");
    if (l->prog->roadmap_count == 0 && (l->roadmap_file.file == NULL || l->roadmap_file.doc != NULL))
        loader_complain(l, &l->programme, draft_key(d, "kind"), "kind", "%s",
                        _("kind 'execution' needs the measures of a roadmap.yaml"));
}

static bool is_planned(const struct draft *d, const struct draft *other)
{
    return other->first == other->index && other->first != d->first && other->i->part[0] == '\0' &&
           other->i->direction != DIRECTION_NONE && other->i->kind != KIND_PROGRESS;
}

static void plan_all(struct loader *l, struct draft *d)
{
    struct indicator *i = d->i;

    if ((i->plan_indicators = loader_alloc(l, l->draft_count, sizeof(*i->plan_indicators))) == NULL)
        return;
    for (uint32_t n = 0; n < l->draft_count; n++)
        if (is_planned(d, &l->drafts[n]))
            i->plan_indicators[i->plan_count++] = n;
    if (i->plan_count == 0)
        loader_complain(l, &l->programme, d->at, "of", "%s",
                        _("no other indicator has a direction: none could reach its plan"));
}

static void plan_listed(struct loader *l, struct draft *d, const struct yaml_node *list)
{
    struct indicator *i = d->i;
    uint32_t count = list->kind == YAML_SEQUENCE ? list->count : 0;

    if (count == 0 || count > INDICATORS_MAX) {
        loader_complain(l, &l->programme, list, "of", _("a list of 1 to %u indicators is expected"), INDICATORS_MAX);
        return;
    }
    if ((i->plan_indicators = loader_alloc(l, count, sizeof(*i->plan_indicators))) == NULL)
        return;
    for (uint32_t n = 0; n < count; n++) {
        int32_t at = loader_need_indicator(l, d, list->items[n], "of");

        if (at < 0)
            continue;
        if (l->drafts[at].i->direction == DIRECTION_NONE)
            loader_complain(l, &l->programme, list->items[n], "of",
                            _("\"%s\" has no direction: whether it reached its plan cannot be said"),
                            l->drafts[at].i->id);
        i->plan_indicators[i->plan_count++] = (uint32_t)at;
    }
}

void make_progress(struct loader *l, struct draft *d)
{
    struct indicator *i = d->i;

    percent(i);
    i->done_variable = need_by_code(l, d, d->keys.k.plan, "plan");
    if (d->keys.k.of != NULL)
        plan_listed(l, d, d->keys.k.of);
    else
        plan_all(l, d);
    for (uint32_t n = 0; n < i->plan_count; n++) {
        const struct yaml_node *at = d->keys.k.of != NULL ? d->keys.k.of : d->at;

        loader_add_edge(l, d, i->plan_indicators[n], at, 0);
    }
}
