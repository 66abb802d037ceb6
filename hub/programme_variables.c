/* programme_variables.c: variables.yaml, the pack's own and the district's.
 *
 * All are read; those of the district come into the programme only when an indicator uses them, and are held against
 * the forms only then: a pack has few of the forms that the district's variables speak of. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABSENT_NOT_GIVEN INT64_MIN

static const char *const kind_names[] = {"sum", "values", "keys", "pairs", "relations", NULL};
static const char *const level_names[] = {"municipality", NULL};

struct variable_keys {
    const struct yaml_node *id, *where, *value, *by, *key, *all, *within, *order, *partner, *time;
    const char *form, *rows;
    int kind;
    int64_t places, absent;
    bool both_ends;
};
#define KEY(member) offsetof(struct variable_keys, member)
static const struct yaml_key variable_table[] = {{"id", YAML_WANT_NODE, true, KEY(id), 0, 0, NULL},
                                                 {"kind", YAML_WANT_ENUM, false, KEY(kind), 0, 0, kind_names},
                                                 {"form", YAML_WANT_NAME, false, KEY(form), 0, 0, NULL},
                                                 {"rows", YAML_WANT_NAME, false, KEY(rows), 0, 0, NULL},
                                                 {"where", YAML_WANT_NODE, false, KEY(where), 0, 0, NULL},
                                                 {"value", YAML_WANT_NODE, false, KEY(value), 0, 0, NULL},
                                                 {"places", YAML_WANT_INTEGER, false, KEY(places), 0, PLACES_MAX, NULL},
                                                 {"by", YAML_WANT_NODE, false, KEY(by), 0, 0, NULL},
                                                 {"key", YAML_WANT_NODE, false, KEY(key), 0, 0, NULL},
                                                 {"all", YAML_WANT_SEQUENCE, false, KEY(all), 0, 0, NULL},
                                                 {"within", YAML_WANT_NODE, false, KEY(within), 0, 0, NULL},
                                                 {"order", YAML_WANT_NODE, false, KEY(order), 0, 0, NULL},
                                                 {"partner", YAML_WANT_NODE, false, KEY(partner), 0, 0, NULL},
                                                 {"both_ends", YAML_WANT_BOOLEAN, false, KEY(both_ends), 0, 0, NULL},
                                                 {"time", YAML_WANT_NODE, false, KEY(time), 0, 0, NULL},
                                                 {"absent", YAML_WANT_INTEGER, false, KEY(absent), 0, 0, NULL},
                                                 {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

/* What a kind has, beside id and kind, and which of it it needs. */
static const struct {
    const char *has[10], *needs[4];
} rules[] = {
    [VARIABLE_SUM] = {{"form", "rows", "where", "value", "places", "by", "time", "absent"}, {"form"}},
    [VARIABLE_VALUES] = {{"form", "rows", "where", "value", "places", "time"}, {"form", "value"}},
    [VARIABLE_KEYS] = {{"form", "rows", "where", "key", "all", "time"}, {NULL}},
    [VARIABLE_PAIRS] = {{"form", "rows", "where", "value", "places", "key", "within", "order", "time", "absent"},
                        {"form", "key", "order"}},
    [VARIABLE_RELATIONS] = {{"form", "rows", "where", "key", "partner", "both_ends", "time", "absent"},
                            {"form", "key", "partner"}},
};

static bool is_among(const char *const *names, size_t max, const char *name)
{
    for (size_t i = 0; i < max && names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_known(const char *key)
{
    const struct yaml_key *k = variable_table;

    while (k->name != NULL && strcmp(k->name, key) != 0)
        k++;
    return k->name != NULL;
}

static bool fits_kind(struct loader *l, const struct source *s, const struct yaml_node *at, int kind)
{
    bool good = true;

    for (uint32_t i = 0; i < at->count; i++) {
        const char *key = at->pairs[i].key->text;

        if (strcmp(key, "id") == 0 || strcmp(key, "kind") == 0 || !is_known(key) || is_among(rules[kind].has, 10, key))
            continue; /* what nobody knows was told */
        loader_complain(l, s, at->pairs[i].key, key, _("a variable of kind '%s' has no such key"), kind_names[kind]);
        good = false;
    }
    for (size_t i = 0; i < 4 && rules[kind].needs[i] != NULL; i++) {
        if (yaml_get(at, rules[kind].needs[i]) != NULL)
            continue;
        loader_complain(l, s, at, rules[kind].needs[i], _("a variable of kind '%s' needs this key"), kind_names[kind]);
        good = false;
    }
    return good;
}

/* ---- time ---- */

static const char *const time_names[] = {"same", "state", "ended", "last", "within", "flow", "cumulative", NULL};

static bool read_time(struct loader *l, const struct source *s, const struct yaml_node *n, enum variable_time *time,
                      unsigned *years)
{
    const char *text = n == NULL ? NULL : loader_scalar(l, s, n, "time");
    char *end;
    unsigned long number;

    if (n == NULL)
        return true;
    if (text == NULL)
        return false;
    for (unsigned i = 0; time_names[i] != NULL; i++)
        if (strcmp(text, time_names[i]) == 0) {
            *time = (enum variable_time)(TIME_SAME + i);
            return true;
        }
    if (strncmp(text, "rolling ", 8) == 0 && text[8] >= '1' && text[8] <= '9') {
        number = strtoul(text + 8, &end, 10);
        if (*end == '\0' && number <= YEARS_MAX) {
            *time = TIME_ROLLING;
            *years = (unsigned)number;
            return true;
        }
    }
    loader_complain(l, s, n, "time",
                    _("expected same, state, ended, last, within, flow, cumulative, or rolling N with 1 to %u years"),
                    YEARS_MAX);
    return false;
}

/* ---- clauses of `all` ---- */

struct clause_keys {
    const char *form, *rows;
    const struct yaml_node *where, *key, *time, *any;
    int level;
};
#define KEY(member) offsetof(struct clause_keys, member)
static const struct yaml_key clause_table[] = {{"form", YAML_WANT_NAME, true, KEY(form), 0, 0, NULL},
                                               {"rows", YAML_WANT_NAME, false, KEY(rows), 0, 0, NULL},
                                               {"where", YAML_WANT_NODE, false, KEY(where), 0, 0, NULL},
                                               {"key", YAML_WANT_NODE, true, KEY(key), 0, 0, NULL},
                                               {"time", YAML_WANT_NODE, false, KEY(time), 0, 0, NULL},
                                               {"level", YAML_WANT_ENUM, false, KEY(level), 0, 0, level_names},
                                               {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
static const struct yaml_key any_table[] = {{"any", YAML_WANT_SEQUENCE, true, KEY(any), 0, 0, NULL},
                                            {"level", YAML_WANT_ENUM, false, KEY(level), 0, 0, level_names},
                                            {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

static bool add_clause(struct loader *l, const struct source *s, struct variable_draft *d, const struct yaml_node *at,
                       bool municipality_only)
{
    struct variable *v = d->v;
    struct clause_keys k = {.level = -1};
    struct variable_clause *c = &v->clauses[v->clause_count];
    bool good;

    if (v->clause_count == VARIABLE_MAX_CLAUSES) {
        loader_complain(l, s, at, "all", _("at most %u clauses are expected"), VARIABLE_MAX_CLAUSES);
        return false;
    }
    if (!yaml_read(s->doc, at, clause_table, &k, l->r))
        return false;
    good = k.where == NULL || (c->where = loader_scalar(l, s, k.where, "where")) != NULL;
    good = (c->key = loader_scalar(l, s, k.key, "key")) != NULL && good;
    c->form = k.form;
    c->rows = k.rows;
    c->group = v->group_count;
    c->municipality_only = municipality_only || k.level == 0;
    c->time = v->time;
    c->years = v->years;
    good = read_time(l, s, k.time, &c->time, &c->years) && good;
    d->clauses[v->clause_count++] = at;
    return good;
}

/* Whether an alternative is asked for must not depend on which of them it is. */
static bool add_alternatives(struct loader *l, const struct source *s, struct variable_draft *d,
                             const struct yaml_node *at)
{
    struct clause_keys k = {.level = -1};
    bool good = true;

    if (!yaml_read(s->doc, at, any_table, &k, l->r))
        return false;
    if (k.any->count == 0) {
        loader_complain(l, s, k.any, "any", "%s", _("at least one clause is expected"));
        return false;
    }
    for (uint32_t i = 0; i < k.any->count && good; i++) {
        const struct yaml_node *level = yaml_get(k.any->items[i], "level");

        if (level != NULL) {
            loader_complain(l, s, level, "level", "%s",
                            _("the level of alternatives stands beside any, for all of them"));
            good = false;
        }
        good = good && add_clause(l, s, d, k.any->items[i], k.level == 0);
    }
    return good;
}

static bool read_all(struct loader *l, const struct source *s, struct variable_draft *d, const struct yaml_node *all)
{
    bool is_anywhere = false;
    bool good = true;

    if (all->count == 0) {
        loader_complain(l, s, all, "all", "%s", _("at least one clause is expected"));
        return false;
    }
    for (uint32_t i = 0; i < all->count && good; i++) {
        const struct yaml_node *at = all->items[i];

        good = yaml_get(at, "any") != NULL ? add_alternatives(l, s, d, at) : add_clause(l, s, d, at, false);
        d->v->group_count++;
    }
    for (uint32_t i = 0; i < d->v->clause_count; i++)
        is_anywhere = is_anywhere || !d->v->clauses[i].municipality_only;
    if (good && !is_anywhere) {
        loader_complain(l, s, all, "all", "%s", _("at least one clause that is asked for a unit, too, is expected"));
        good = false;
    }
    return good;
}

/* `form`, `where`, `key` of a variable itself are short for one clause. */
static bool read_single(struct loader *l, const struct source *s, struct variable_draft *d,
                        const struct variable_keys *k)
{
    struct variable *v = d->v;
    struct variable_clause *c = &v->clauses[0];
    bool good = k->where == NULL || (c->where = loader_scalar(l, s, k->where, "where")) != NULL;

    if (k->key != NULL)
        good = (c->key = loader_scalar(l, s, k->key, "key")) != NULL && good;
    c->form = k->form;
    c->rows = k->rows;
    c->time = v->time;
    c->years = v->years;
    d->clauses[0] = d->at;
    v->clause_count = v->group_count = 1;
    return good;
}

static bool read_keys(struct loader *l, const struct source *s, struct variable_draft *d, const struct variable_keys *k)
{
    static const char *const short_for_one[] = {"form", "rows", "where", "key", NULL};
    const struct yaml_node *n;

    for (size_t i = 0; short_for_one[i] != NULL; i++) {
        n = yaml_get(d->at, short_for_one[i]);
        if (k->all != NULL && n != NULL) {
            loader_complain(l, s, n, short_for_one[i], "%s", _("beside all, this key stands in each clause"));
            return false;
        }
        if (k->all == NULL && n == NULL && i != 1 && i != 2) {
            loader_complain(l, s, d->at, short_for_one[i], _("a variable of kind '%s' needs this key"), "keys");
            return false;
        }
    }
    return k->all != NULL ? read_all(l, s, d, k->all) : read_single(l, s, d, k);
}

/* ---- one variable ---- */

static bool read_by(struct loader *l, const struct source *s, const struct yaml_node *n, struct variable *v)
{
    const struct yaml_node *words[VARIABLE_MAX_BY];

    if (n == NULL)
        return true;
    v->by_count = loader_words(l, s, n, "by", words, VARIABLE_MAX_BY);
    for (uint32_t i = 0; i < v->by_count; i++)
        v->by[i] = words[i]->text;
    return v->by_count > 0;
}

static bool read_source(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key,
                        const char **out)
{
    return n == NULL || (*out = loader_scalar(l, s, n, key)) != NULL;
}

static bool fill(struct loader *l, const struct source *s, struct variable_draft *d, const struct variable_keys *k)
{
    struct variable *v = d->v;
    bool good = read_time(l, s, k->time, &v->time, &v->years);

    v->kind = (enum variable_kind)k->kind;
    v->places = (unsigned)k->places;
    v->both_ends = k->both_ends;
    v->absent_is_zero = k->absent == 0;
    if (k->absent != 0 && k->absent != ABSENT_NOT_GIVEN) {
        loader_complain(l, s, yaml_get(d->at, "absent"), "absent", "%s", _("expected 0: nothing submitted means none"));
        good = false;
    }
    good = read_source(l, s, k->value, "value", &v->value) && good;
    good = read_source(l, s, k->within, "within", &v->within) && good;
    good = read_source(l, s, k->order, "order", &v->order) && good;
    good = read_source(l, s, k->partner, "partner", &v->partner) && good;
    good = read_by(l, s, k->by, v) && good;
    return (v->kind == VARIABLE_KEYS ? read_keys(l, s, d, k) : read_single(l, s, d, k)) && good;
}

/* A variable with mistakes stays in the list without its clauses, so that its name is known. */
static struct variable_draft *read_variable(struct loader *l, const struct source *s, const struct yaml_node *at)
{
    struct variable_keys k = {.kind = VARIABLE_SUM, .absent = ABSENT_NOT_GIVEN};
    struct variable_draft *d;
    bool good;

    if (at->kind != YAML_MAPPING) {
        loader_complain(l, s, at, "variables", "%s", _("a variable is a mapping: id, kind, form, where, value ..."));
        l->has_broken_variables = true;
        return NULL;
    }
    good = yaml_read(s->doc, at, variable_table, &k, l->r);
    if (k.id == NULL || !loader_check_id(l, s, k.id, "id")) {
        l->has_broken_variables = true;
        return NULL;
    }
    if (loader_variable(l, k.id->text) != NULL) {
        loader_complain(l, s, k.id, "id", _("a variable '%s' was defined before"), k.id->text);
        return NULL;
    }
    if ((d = loader_new_variable(l, loader_alloc(l, 1, sizeof(struct variable)), s, at)) == NULL)
        return NULL;
    d->is_declared = true;
    (void)snprintf(d->v->id, sizeof(d->v->id), "%s", k.id->text);
    good = fits_kind(l, s, at, k.kind) && good;
    if (!good || !fill(l, s, d, &k))
        d->v->clause_count = 0;
    return d;
}

struct file_keys {
    const struct yaml_node *variables;
};
static const struct yaml_key file_table[] = {
    {"variables", YAML_WANT_SEQUENCE, true, offsetof(struct file_keys, variables), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

void load_variables(struct loader *l, const char *file, struct source *s, bool is_shared)
{
    struct file_keys k = {NULL};

    if (!loader_parse(l, file, s)) {
        l->has_broken_variables = l->has_broken_variables || s->file != NULL;
        return;
    }
    (void)yaml_read(s->doc, yaml_root(s->doc), file_table, &k, l->r); /* its mistakes are told */
    if (k.variables == NULL) {
        l->has_broken_variables = true;
        return;
    }
    if (k.variables->count > VARIABLES_MAX) {
        loader_complain(l, s, k.variables, "variables", _("%u are too many: at most %u are expected"),
                        k.variables->count, VARIABLES_MAX);
        l->has_broken_variables = true;
        return;
    }
    for (uint32_t i = 0; i < k.variables->count && l->e == OK; i++) {
        struct variable_draft *d = read_variable(l, s, k.variables->items[i]);

        if (d != NULL && !is_shared)
            (void)loader_take_variable(l, d); /* what is wrong was told */
    }
}

/* ---- finding ---- */

struct variable_draft *loader_variable(struct loader *l, const char *id)
{
    for (size_t i = 0; i < l->variable_count; i++)
        if (l->variables[i].is_declared && strcmp(l->variables[i].v->id, id) == 0)
            return &l->variables[i];
    return NULL;
}

void variable_free(struct variable *v)
{
    if (v == NULL)
        return;
    free(v->definition);
    free(v);
}
