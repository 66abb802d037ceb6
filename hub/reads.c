#include "hub/reads.h"

#include <stdlib.h>
#include <string.h>

static void read_indicator(struct reads *r, uint32_t index);

static void read_formula(struct reads *r, const struct formula *f)
{
    for (uint32_t i = 0; f->source != NULL && i < f->count; i++) {
        if (f->references[i].what == REFERENCE_VARIABLE)
            r->variables[f->references[i].index] = true;
        else if (f->references[i].what == REFERENCE_INDICATOR)
            read_indicator(r, f->references[i].index);
    }
}

static void read_linear(struct reads *r, const struct linear *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        r->variables[l->terms[i].variable] = true;
}

/* All versions of an id and part: which one is valid depends on the period. */
static void read_versions(struct reads *r, uint32_t index)
{
    const struct indicator *of = r->p->indicators[index];

    for (uint32_t i = index + 1; i < r->p->indicator_count; i++)
        if (strcmp(r->p->indicators[i]->id, of->id) == 0 && strcmp(r->p->indicators[i]->part, of->part) == 0)
            read_indicator(r, i);
}

static void read_indicator(struct reads *r, uint32_t index)
{
    const struct indicator *i = r->p->indicators[index];

    if (r->indicators[index])
        return;
    r->indicators[index] = true;
    read_linear(r, &i->numerator);
    read_linear(r, &i->denominator);
    read_linear(r, &i->answers);
    read_formula(r, &i->units);
    read_formula(r, &i->condition);
    read_formula(r, &i->among);
    read_formula(r, &i->group);
    read_formula(r, &i->value);
    read_formula(r, &i->weight);
    if (i->of >= 0 && (i->kind == KIND_CHANGE || i->kind == KIND_GAP || i->kind == KIND_HISTORY))
        read_indicator(r, (uint32_t)i->of);
    for (uint32_t k = 0; k < i->component_count; k++)
        read_indicator(r, i->components[k].indicator);
    for (uint32_t k = 0; k < i->class_count; k++)
        read_formula(r, &i->classes[k].condition);
    for (uint32_t k = 0; k < i->target_count; k++)
        read_formula(r, &i->targets[k].reference);
    if ((i->kind == KIND_EXECUTION || i->kind == KIND_PROGRESS) && i->done_variable != UINT32_MAX)
        r->variables[i->done_variable] = true;
    if (i->kind == KIND_EXECUTION && i->excluded_variable != UINT32_MAX)
        r->variables[i->excluded_variable] = true;
    for (uint32_t k = 0; i->kind == KIND_PROGRESS && k < i->plan_count; k++)
        read_indicator(r, i->plan_indicators[k]);
    for (uint32_t k = 0; i->kind == KIND_PROGRESS && i->plan_count == 0 && k < r->p->indicator_count; k++)
        if (r->p->indicators[k]->direction != DIRECTION_NONE)
            read_indicator(r, k);
    read_versions(r, index);
}

enum err reads_init(struct reads *r, const struct programme *p)
{
    *r = (struct reads){.p = p};
    r->variables = calloc(p->variable_count + 1, sizeof(bool));
    r->indicators = calloc(p->indicator_count + 1, sizeof(bool));
    return r->variables == NULL || r->indicators == NULL ? ERR_NOMEM : OK;
}

void reads_fini(struct reads *r)
{
    free(r->variables);
    free(r->indicators);
    *r = (struct reads){0};
}

void reads_find(struct reads *r, uint32_t index)
{
    memset(r->variables, 0, r->p->variable_count);
    memset(r->indicators, 0, r->p->indicator_count);
    read_indicator(r, index);
}

const struct form *reads_form(const struct programme *p, const char *id)
{
    for (size_t i = 0; i < p->form_count; i++)
        if (strcmp(p->forms[i]->id, id) == 0)
            return p->forms[i];
    return NULL;
}
