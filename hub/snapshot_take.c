#include "hub/snapshot_take.h"

#include "common/cli.h"
#include "hub/reads.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_MAX 256u /* forms of a group */

/* ---- which forms stand behind an indicator ---- */

static bool is_of_forms(const struct variable *v, const char *const *forms, size_t count)
{
    for (uint32_t i = 0; i < v->clause_count; i++)
        for (size_t k = 0; k < count; k++)
            if (strcmp(v->clauses[i].form, forms[k]) == 0)
                return true;
    return false;
}

enum err indicator_reads_forms(const struct programme *p, uint32_t indicator, const char *const *forms, size_t count,
                               bool *reads)
{
    struct reads r;
    enum err e = reads_init(&r, p);

    *reads = false;
    if (e == OK) {
        reads_find(&r, indicator);
        for (uint32_t i = 0; i < p->variable_count && !*reads; i++)
            *reads = r.variables[i] && is_of_forms(p->variables[i], forms, count);
    }
    reads_fini(&r);
    return e;
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
