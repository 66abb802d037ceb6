#include "hub/snapshot_take.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_MAX 256u /* forms of a group */

/* ---- which forms stand behind an indicator ---- */

struct looking {
    const struct programme *p;
    const char *const *forms;
    size_t count;
    bool *seen; /* by indicator */
    bool found;
};

static void look_at(struct looking *l, uint32_t indicator);

static void look_at_variable(struct looking *l, uint32_t variable)
{
    const struct variable *v = variable < l->p->variable_count ? l->p->variables[variable] : NULL;

    for (uint32_t i = 0; v != NULL && i < v->clause_count; i++)
        for (size_t k = 0; k < l->count && v->clauses[i].form != NULL; k++)
            l->found = l->found || strcmp(v->clauses[i].form, l->forms[k]) == 0;
}

static void look_at_linear(struct looking *l, const struct linear *of)
{
    for (uint32_t i = 0; i < of->count; i++)
        look_at_variable(l, of->terms[i].variable);
}

static void look_at_formula(struct looking *l, const struct formula *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->references[i].what == REFERENCE_VARIABLE)
            look_at_variable(l, f->references[i].index);
        else if (f->references[i].what == REFERENCE_INDICATOR)
            look_at(l, f->references[i].index);
    }
}

static void look_into(struct looking *l, const struct indicator *i)
{
    const struct formula *const formulas[] = {&i->weight, &i->units, &i->condition, &i->among, &i->group, &i->value};

    look_at_linear(l, &i->numerator);
    look_at_linear(l, &i->denominator);
    look_at_linear(l, &i->answers);
    for (size_t k = 0; k < sizeof(formulas) / sizeof(formulas[0]); k++)
        look_at_formula(l, formulas[k]);
    for (uint32_t k = 0; k < i->target_count; k++)
        look_at_formula(l, &i->targets[k].reference);
    for (uint32_t k = 0; k < i->class_count; k++)
        look_at_formula(l, &i->classes[k].condition);
    for (uint32_t k = 0; k < i->component_count; k++)
        look_at(l, i->components[k].indicator);
    for (uint32_t k = 0; k < i->plan_count; k++)
        look_at(l, i->plan_indicators[k]);
    for (uint32_t k = 0; i->kind == KIND_PROGRESS && i->plan_count == 0 && k < l->p->indicator_count; k++)
        if (l->p->indicators[k]->direction != DIRECTION_NONE)
            look_at(l, k); /* all that have a direction */
    if (i->of >= 0)
        look_at(l, (uint32_t)i->of);
    if (i->kind == KIND_EXECUTION || i->kind == KIND_PROGRESS) {
        look_at_variable(l, i->done_variable);
        look_at_variable(l, i->excluded_variable);
    }
}

/* All versions of its id and part. */
static void look_at(struct looking *l, uint32_t indicator)
{
    const struct indicator *first = indicator < l->p->indicator_count ? l->p->indicators[indicator] : NULL;

    for (size_t k = 0; first != NULL && k < l->p->indicator_count; k++) {
        const struct indicator *i = l->p->indicators[k];

        if (l->seen[k] || strcmp(i->id, first->id) != 0 || strcmp(i->part, first->part) != 0)
            continue;
        l->seen[k] = true;
        look_into(l, i);
    }
}

enum err indicator_reads_forms(const struct programme *p, uint32_t indicator, const char *const *forms, size_t count,
                               bool *reads)
{
    struct looking l = {p, forms, count, calloc(p->indicator_count + 1, sizeof(bool)), false};

    if (l.seen == NULL)
        return ERR_NOMEM;
    look_at(&l, indicator);
    *reads = l.found;
    free(l.seen);
    return OK;
}

/* ---- lines ---- */

void snapshot_line_of(struct snapshot_line *out, const struct indicator_line *l, struct buf *target)
{
    const struct indicator *i = l->indicator;
    const struct result *r = &l->result;

    buf_reset(target);
    if (l->target != NULL)
        target_put(target, l->target);
    *out = (struct snapshot_line){.programme = l->programme->id,
                                  .version = l->programme->version,
                                  .indicator = i->id,
                                  .part = i->part,
                                  .is_municipality = l->level == LEVEL_MUNICIPALITY,
                                  .unit = l->unit == NULL ? "" : l->unit,
                                  .breakdown = l->breakdown == NULL ? "" : l->breakdown,
                                  .is_ok = r->state == RESULT_OK,
                                  .n = r->n,
                                  .reported = r->reported,
                                  .expected = r->expected,
                                  .excluded = r->excluded,
                                  .target = buf_cstr(target),
                                  .target_status = target_status_names[l->status],
                                  .unit_ru = i->unit_ru,
                                  .unit_en = i->unit_en,
                                  .shown = i->shown,
                                  .why_not = r->why_not == NULL ? "" : r->why_not,
                                  .used = r->used.id,
                                  .is_reweighted = r->is_reweighted,
                                  .class_index = r->class_index};
    memcpy(out->definition, i->digest, SNAPSHOT_DIGEST_BYTES);
    if (!out->is_ok)
        return;
    out->value = r->value;
    out->has_fraction = r->has_fraction;
    out->has_denominator = r->has_fraction && r->has_denominator;
    out->numerator = r->has_fraction ? r->numerator : 0;
    out->denominator = out->has_denominator ? r->denominator : 0;
    out->places = r->fraction_places;
}

struct taking {
    struct snapshot_writer *out;
    const char *const *forms; /* NULL: all */
    size_t form_count;
    struct buf target;
    const struct programme *programme; /* of the line before, and whether its indicator is wanted */
    uint32_t index;
    bool is_wanted;
};

static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct taking *k = ctx;
    struct snapshot_line line;
    enum err e;

    if (k->forms != NULL && (l->programme != k->programme || l->index != k->index)) {
        if ((e = indicator_reads_forms(l->programme, l->index, k->forms, k->form_count, &k->is_wanted)) != OK)
            return e;
        k->programme = l->programme;
        k->index = l->index;
    }
    if (!k->is_wanted)
        return OK;
    snapshot_line_of(&line, l, &k->target);
    return snapshot_add(k->out, &line);
}

static enum err forms_of_group(const struct hub *h, const char *group, const char *forms[GROUP_MAX], size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < h->programme_count; i++)
        for (size_t k = 0; k < due_rules_count(h->due[i]); k++) {
            const struct due_rule *rule = due_rules_at(h->due[i], k);

            if (strcmp(rule->group, group) == 0 && *count < GROUP_MAX)
                forms[(*count)++] = rule->form;
        }
    return *count > 0 ? OK : err_set(ERR_NOT_FOUND, _("no calendar has a group of forms called \"%s\""), group);
}

enum err snapshot_take(struct hub *h, struct store_txn *t, const char *period, const char *group,
                       struct snapshot_writer *out)
{
    struct indicator_query q = {.period = period, .level = -1};
    const char *forms[GROUP_MAX];
    struct taking k = {.out = out, .is_wanted = true};
    struct evaluation *e = NULL;
    enum err err = OK;

    if (group != NULL) {
        k.forms = forms;
        if ((err = forms_of_group(h, group, forms, &k.form_count)) != OK)
            return err;
    }
    buf_init(&k.target, SNAPSHOT_TEXT_MAX);
    if ((err = evaluation_new(&e, h, t, NULL)) == OK)
        err = evaluation_lines(e, &q, take_line, &k);
    evaluation_free(e);
    buf_fini(&k.target);
    return err;
}
