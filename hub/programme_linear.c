/* programme_linear.c: kinds that are sums or quotients of sums: count, sum, mean, share, ratio. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct variable *make_variable(struct loader *l, const struct draft *d, const char *suffix)
{
    const struct kind_keys *k = &d->keys.k;
    struct variable *v = loader_alloc(l, 1, sizeof(*v));
    struct variable_clause *c;

    if (v == NULL)
        return NULL;
    c = &v->clauses[0];
    (void)snprintf(v->id, sizeof(v->id), d->i->part[0] == '\0' ? "%s%s%s" : "%s[%s]%s", d->i->id, d->i->part, suffix);
    if (d->nth > 1)
        (void)snprintf(v->id + strlen(v->id), sizeof(v->id) - strlen(v->id), "#%u", d->nth);
    v->kind = VARIABLE_SUM;
    v->clause_count = v->group_count = 1;
    v->places = k->places < 0 ? 0 : (unsigned)k->places;
    c->form = k->form;
    c->rows = k->rows;
    if (k->where != NULL && (c->where = loader_scalar(l, &l->programme, k->where, "where")) == NULL) {
        variable_free(v);
        return NULL;
    }
    return v;
}

/* `unit:` is a percent sign where nothing else is said. */
static void default_unit(struct indicator *i)
{
    if (i->unit_ru[0] == '\0' && i->unit_en[0] == '\0')
        i->unit_ru = i->unit_en = "%";
}

void make_of_form(struct loader *l, struct draft *d)
{
    const struct kind_keys *k = &d->keys.k;
    struct indicator *i = d->i;
    struct variable *v = make_variable(l, d, "");
    const struct yaml_node *value = i->kind == KIND_SHARE ? k->condition : k->value;
    int32_t at;

    i->places = k->places < 0 ? 0 : (unsigned)k->places;
    if (i->kind == KIND_SHARE)
        default_unit(i);
    if (v == NULL)
        return;
    if ((value != NULL &&
         (v->value = loader_scalar(l, &l->programme, value, i->kind == KIND_SHARE ? "condition" : "value")) == NULL) ||
        (k->breakdown != NULL && (v->by[0] = loader_scalar(l, &l->programme, k->breakdown, "breakdown")) == NULL)) {
        variable_free(v);
        return;
    }
    v->by_count = k->breakdown != NULL ? 1 : 0;
    i->has_breakdown = v->by_count > 0;
    i->times = i->kind == KIND_SHARE ? 100 : 1;
    if ((at = loader_add_variable(l, v, k->at, i->kind == KIND_SHARE)) < 0)
        return;
    (void)linear_one(l, (uint32_t)at, STAT_VALUE, &i->numerator);
    if (i->kind == KIND_MEAN || i->kind == KIND_SHARE)
        (void)linear_one(l, (uint32_t)at, STAT_N, &i->denominator);
}

/* ---- over variables ---- */

static bool same_by(const struct variable *a, const struct variable *b)
{
    if (a->by_count != b->by_count)
        return false;
    for (uint32_t i = 0; i < a->by_count; i++)
        if (strcmp(a->by[i], b->by[i]) != 0)
            return false;
    return true;
}

/* A line for each part is possible when all variables have the same parts. */
static void check_breakdown(struct loader *l, const struct draft *d)
{
    const struct linear *sums[] = {&d->i->numerator, &d->i->denominator};
    const struct variable *first = NULL;

    for (size_t s = 0; s < 2; s++) {
        for (uint32_t t = 0; t < sums[s]->count; t++) {
            const struct variable *v = l->prog->variables[sums[s]->terms[t].variable];

            first = first == NULL ? v : first;
            if (v->by_count == 0)
                loader_complain(l, &l->programme, d->keys.k.breakdown, "breakdown",
                                _("variable '%s' has no by: there are no parts"), v->id);
            else if (!same_by(first, v))
                loader_complain(l, &l->programme, d->keys.k.breakdown, "breakdown",
                                _("variables '%s' and '%s' have not the same by"), first->id, v->id);
            else
                continue;
            return;
        }
    }
}

/* With `form` it names a field, without it says yes or no. */
static bool read_breakdown(struct loader *l, const struct yaml_node *n, bool *out)
{
    bool is_plain = n->kind == YAML_SCALAR && !n->is_quoted;

    *out = is_plain && (strcasecmp(n->text, "true") == 0 || strcasecmp(n->text, "yes") == 0);
    if (*out || (is_plain && (strcasecmp(n->text, "false") == 0 || strcasecmp(n->text, "no") == 0)))
        return true;
    loader_complain(l, &l->programme, n, "breakdown", "%s",
                    _("without form, yes or no is expected: the parts are those of the variables"));
    return false;
}

void make_linear(struct loader *l, struct draft *d)
{
    const struct kind_keys *k = &d->keys.k;
    struct indicator *i = d->i;
    bool good = true;

    if (i->kind == KIND_SHARE)
        default_unit(i);
    i->times = i->kind == KIND_SHARE ? 100 : 1;
    if (k->times != NULL)
        good = loader_number(l, &l->programme, k->times, "times", &i->times);
    if (good && !(i->times > 0)) {
        loader_complain(l, &l->programme, k->times, "times", "%s", _("a number above 0 is expected"));
        good = false;
    }
    if (k->breakdown != NULL)
        good = read_breakdown(l, k->breakdown, &i->has_breakdown) && good;
    if (i->kind == KIND_SUM)
        good = linear_read(l, d, k->value, "value", &i->numerator) && good;
    else
        good = linear_read(l, d, k->numerator, "numerator", &i->numerator) && good;
    good = linear_read(l, d, k->denominator, "denominator", &i->denominator) && good;
    if (good && i->has_breakdown && l->e == OK)
        check_breakdown(l, d);
}
