/* programme_lists.c: kinds with a list: index, class. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- index ---- */

struct component_keys {
    const struct yaml_node *of, *weight, *rescale;
    bool turn;
};
#define KEY(member) offsetof(struct component_keys, member)
static const struct yaml_key component_table[] = {{"of", YAML_WANT_NODE, true, KEY(of), 0, 0, NULL},
                                                  {"weight", YAML_WANT_NODE, true, KEY(weight), 0, 0, NULL},
                                                  {"turn", YAML_WANT_BOOLEAN, false, KEY(turn), 0, 0, NULL},
                                                  {"rescale", YAML_WANT_NODE, false, KEY(rescale), 0, 0, NULL},
                                                  {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

struct range_keys {
    const struct yaml_node *from, *to;
};
static const struct yaml_key range_table[] = {
    {"from", YAML_WANT_NODE, true, offsetof(struct range_keys, from), 0, 0, NULL},
    {"to", YAML_WANT_NODE, true, offsetof(struct range_keys, to), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

static bool read_weight(struct loader *l, const struct yaml_node *n, double *out)
{
    bool is_parameter = n->kind == YAML_SCALAR && strncmp(n->text, "param.", 6) == 0;
    bool found = false;

    for (size_t i = 0; is_parameter && i < l->parameter_count && !found; i++)
        if (strcmp(l->parameters[i].name, n->text + 6) == 0) {
            *out = l->parameters[i].number;
            found = true;
        }
    if (is_parameter && !found) {
        loader_complain(l, &l->programme, n, "weight", _("there is no parameter \"%s\""), n->text + 6);
        return false;
    }
    if (!is_parameter && !loader_number(l, &l->programme, n, "weight", out))
        return false;
    if (*out > 0 && *out <= 1)
        return true;
    loader_complain(l, &l->programme, n, "weight", "%s", _("a weight above 0 and up to 1 is expected"));
    return false;
}

static bool read_range(struct loader *l, const struct yaml_node *n, struct index_component *c)
{
    struct range_keys k = {NULL, NULL};
    bool good;

    if (n == NULL)
        return true;
    if (!yaml_read(l->programme.doc, n, range_table, &k, l->r) || k.from == NULL)
        return false;
    good = loader_number(l, &l->programme, k.from, "from", &c->from);
    good = loader_number(l, &l->programme, k.to, "to", &c->to) && good;
    c->rescale = true;
    if (!good || c->from < c->to || c->from > c->to)
        return good;
    loader_complain(l, &l->programme, n, "rescale", "%s", _("expected two different numbers"));
    return false;
}

static bool read_component(struct loader *l, struct draft *d, const struct yaml_node *n, struct index_component *c)
{
    struct component_keys k = {NULL, NULL, NULL, false};
    const struct draft *to;
    int32_t at;
    bool good;

    if (!yaml_read(l->programme.doc, n, component_table, &k, l->r) || k.of == NULL)
        return false;
    at = loader_need_indicator(l, d, k.of, "of");
    good = read_weight(l, k.weight, &c->weight);
    good = read_range(l, k.rescale, c) && good;
    c->turn = k.turn;
    if (at < 0)
        return false;
    c->indicator = (uint32_t)at;
    to = &l->drafts[at];
    if (!to->is_bad && to->i->levels == LEVELS_MUNICIPALITY && draft_is_on_units(d)) {
        loader_complain(l, &l->programme, k.of, "of",
                        _("\"%s\" is computed for the district alone, and this one for units"), k.of->text);
        return false;
    }
    if (!to->is_bad && to->i->levels == LEVELS_UNIT && !draft_is_on_units(d)) {
        loader_complain(l, &l->programme, k.of, "of",
                        _("\"%s\" is computed for units alone, and this one for the district"), k.of->text);
        return false;
    }
    loader_add_edge(l, d, (uint32_t)at, k.of, loader_text_column(l->programme.file, k.of));
    return good;
}

static bool is_list(struct loader *l, const struct yaml_node *n, const char *key)
{
    if (n->count > 0 && n->count <= LIST_MAX)
        return true;
    loader_complain(l, &l->programme, n, key, _("1 to %u are expected, and here are %u"), LIST_MAX, n->count);
    return false;
}

void make_index(struct loader *l, struct draft *d)
{
    const struct yaml_node *list = d->keys.k.components;
    struct indicator *i = d->i;
    double sum = 0;
    bool good = true;

    i->reweight = d->keys.k.missing == 1;
    if (!is_list(l, list, "components") ||
        (i->components = loader_alloc(l, list->count, sizeof(*i->components))) == NULL)
        return;
    i->component_count = list->count;
    for (uint32_t n = 0; n < list->count; n++) {
        good = read_component(l, d, list->items[n], &i->components[n]) && good;
        sum += i->components[n].weight;
    }
    if (good && fabs(sum - 1) > 1e-9)
        loader_complain(l, &l->programme, list, "components", _("the weights sum to %.9g: 1 is expected"), sum);
}

/* ---- class ---- */

struct class_keys {
    const char *code;
    struct yaml_label name;
    const struct yaml_node *condition;
};
#define KEY(member) offsetof(struct class_keys, member)
static const struct yaml_key class_table[] = {{"code", YAML_WANT_NAME, true, KEY(code), 0, 0, NULL},
                                              {"name", YAML_WANT_LABEL, true, KEY(name), 0, 0, NULL},
                                              {"condition", YAML_WANT_NODE, false, KEY(condition), 0, 0, NULL},
                                              {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

static void read_class(struct loader *l, struct draft *d, const struct yaml_node *n, bool is_last)
{
    struct indicator *i = d->i;
    struct class_rule *c = &i->classes[i->class_count];
    struct class_keys k = {NULL, {NULL, NULL, NULL}, NULL};

    if (!yaml_read(l->programme.doc, n, class_table, &k, l->r) || k.code == NULL)
        return;
    for (uint32_t other = 0; other < i->class_count; other++)
        if (strcmp(i->classes[other].code, k.code) == 0)
            loader_complain(l, &l->programme, yaml_get(n, "code"), "code", _("class '%s' stands here twice"), k.code);
    if (k.condition == NULL && !is_last)
        loader_complain(l, &l->programme, n, "condition", "%s",
                        _("only the last class may have no condition: those after it would be empty"));
    c->code = k.code;
    c->name_ru = k.name.ru != NULL ? k.name.ru : k.name.en;
    c->name_en = k.name.en != NULL ? k.name.en : k.name.ru;
    i->class_count++;
    (void)formula_read(l, d, k.condition, "condition", ON_UNITS, &c->condition);
}

void make_class(struct loader *l, struct draft *d)
{
    const struct yaml_node *list = d->keys.k.classes;

    if (!is_list(l, list, "classes") || (d->i->classes = loader_alloc(l, list->count, sizeof(*d->i->classes))) == NULL)
        return;
    for (uint32_t n = 0; n < list->count && l->e == OK; n++)
        read_class(l, d, list->items[n], n + 1 == list->count);
}
