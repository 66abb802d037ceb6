/* programme_targets.c: targets by period, and the base value. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REVISION_MAX 1000

struct target_keys {
    const char *period, *order;
    const struct yaml_node *from, *to, *at, *more_than, *reference;
    bool yes;
    int64_t revision;
};
#define KEY(member) offsetof(struct target_keys, member)
static const struct yaml_key target_table[] = {
    {"period", YAML_WANT_TEXT, true, KEY(period), 0, 0, NULL},
    {"from", YAML_WANT_NODE, false, KEY(from), 0, 0, NULL},
    {"to", YAML_WANT_NODE, false, KEY(to), 0, 0, NULL},
    {"at", YAML_WANT_NODE, false, KEY(at), 0, 0, NULL},
    {"more_than", YAML_WANT_NODE, false, KEY(more_than), 0, 0, NULL},
    {"yes", YAML_WANT_BOOLEAN, false, KEY(yes), 0, 0, NULL},
    {"reference", YAML_WANT_NODE, false, KEY(reference), 0, 0, NULL},
    {"revision", YAML_WANT_INTEGER, false, KEY(revision), 1, REVISION_MAX, NULL},
    {"order", YAML_WANT_TEXT, false, KEY(order), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

/* A period of one of the indicator's series, by its id. */
static bool check_period(struct loader *l, const struct draft *d, const struct yaml_node *n)
{
    struct period found;

    if (l->calendar == NULL || d->i->series_count == 0)
        return true;
    for (uint32_t s = 0; s < d->i->series_count; s++)
        if (calendar_find(l->calendar, d->i->series[s], n->text, &found) == OK && strcmp(found.id, n->text) == 0)
            return true;
    if (calendar_find(l->calendar, NULL, n->text, &found) != OK)
        loader_complain(l, &l->programme, n, "period", "%s", err_text());
    else if (strcmp(found.id, n->text) != 0)
        loader_complain(l, &l->programme, n, "period", _("the id of a period is expected: %s"), found.id);
    else
        loader_complain(l, &l->programme, n, "period",
                        _("a period of the series %s is expected, in which the indicator is computed"),
                        d->i->series[0]);
    return false;
}

/* Exactly one way to say what is to be reached. */
static bool check_ways(struct loader *l, const struct yaml_node *n, const struct target_keys *k)
{
    const bool given[] = {k->from != NULL || k->to != NULL, k->at != NULL, k->more_than != NULL, k->yes,
                          k->reference != NULL};
    unsigned ways = 0;

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        ways += given[i] ? 1 : 0;
    if (ways == 1)
        return true;
    loader_complain(l, &l->programme, n, "targets", "%s",
                    _("expected one of: from and to (or one of them), at, more_than, yes: true, reference"));
    return false;
}

static bool read_bounds(struct loader *l, const struct target_keys *k, struct target *t)
{
    const struct yaml_node *from = k->from != NULL ? k->from : k->at != NULL ? k->at : k->more_than;
    const char *key = k->from != NULL ? "from" : k->at != NULL ? "at" : "more_than";
    bool good = from == NULL || loader_number(l, &l->programme, from, key, &t->from);

    good = (k->to == NULL || loader_number(l, &l->programme, k->to, "to", &t->to)) && good;
    t->has_from = from != NULL || k->yes || k->reference != NULL;
    t->has_to = k->to != NULL || k->at != NULL;
    t->more_than = k->more_than != NULL;
    t->yes = k->yes;
    if (k->at != NULL)
        t->to = t->from;
    if (k->yes)
        t->from = 1;
    if (!good || !t->has_from || !t->has_to || t->from <= t->to)
        return good;
    loader_complain(l, &l->programme, k->to, "to", "%s", _("expected from <= to"));
    return false;
}

static void read_target(struct loader *l, struct draft *d, const struct yaml_node *n)
{
    struct indicator *i = d->i;
    struct target *t = &i->targets[i->target_count];
    struct target_keys k = {.revision = 1};
    bool good;

    if (!yaml_read(l->programme.doc, n, target_table, &k, l->r) || k.period == NULL)
        return;
    good = check_period(l, d, yaml_get(n, "period"));
    if (!check_ways(l, n, &k) || !read_bounds(l, &k, t) || !good)
        return;
    for (uint32_t other = 0; other < i->target_count; other++)
        if (strcmp(i->targets[other].period, k.period) == 0 && i->targets[other].revision == (unsigned)k.revision)
            loader_complain(l, &l->programme, yaml_get(n, "period"), "period",
                            _("there is a target for this period already: a higher revision is expected"));
    t->period = k.period;
    t->revision = (unsigned)k.revision;
    t->order = k.order;
    i->target_count++;
    (void)formula_read(l, d, k.reference, "reference", ON_LEVELS, &t->reference);
}

void load_targets(struct loader *l, struct draft *d)
{
    const struct yaml_node *list = d->keys.targets;

    if (list == NULL)
        return;
    if (list->kind != YAML_SEQUENCE || list->count > TARGETS_MAX) {
        loader_complain(l, &l->programme, list, "targets", _("a list of at most %u targets is expected"), TARGETS_MAX);
        return;
    }
    d->i->targets = loader_alloc(l, list->count, sizeof(*d->i->targets));
    for (uint32_t n = 0; n < list->count && l->e == OK; n++)
        read_target(l, d, list->items[n]);
}

/* ---- base ---- */

struct base_keys {
    const struct yaml_node *value;
    const char *period, *source;
    bool compare;
};
#define KEY(member) offsetof(struct base_keys, member)
static const struct yaml_key base_table[] = {{"value", YAML_WANT_NODE, false, KEY(value), 0, 0, NULL},
                                             {"period", YAML_WANT_TEXT, false, KEY(period), 0, 0, NULL},
                                             {"source", YAML_WANT_TEXT, false, KEY(source), 0, 0, NULL},
                                             {"compare", YAML_WANT_BOOLEAN, false, KEY(compare), 0, 0, NULL},
                                             {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

void load_base(struct loader *l, struct draft *d)
{
    const struct yaml_node *n = d->keys.base;
    struct base_keys k = {NULL, NULL, NULL, false};
    struct indicator *i = d->i;

    if (n == NULL || !yaml_read(l->programme.doc, n, base_table, &k, l->r))
        return;
    if (k.value == NULL && k.period == NULL) {
        loader_complain(l, &l->programme, n, "base", "%s", _("expected value, period or both"));
        return;
    }
    if (k.value != NULL)
        i->has_base_value = loader_number(l, &l->programme, k.value, "value", &i->base_value);
    if (k.period != NULL && check_period(l, d, yaml_get(n, "period")))
        i->base_period = k.period;
    i->base_source = k.source;
    i->base_compare = k.compare;
}
