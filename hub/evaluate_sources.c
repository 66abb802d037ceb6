/* Where the numbers come from: forms and periods of the submissions, and the cells as they are. */
#include "hub/evaluate_internal.h"

#include <string.h>

static enum err look_at(struct evaluation *e, const struct programme *p, const struct period *period, uint32_t *view,
                        uint32_t *number)
{
    if ((*view = view_of(e, p)) == NONE)
        return err_set(ERR_NOT_FOUND, "no such programme");
    return time_intern(e, period, number);
}

enum err evaluation_sources(struct evaluation *e, const struct programme *p, uint32_t variable,
                            const struct period *period,
                            enum err (*each)(void *ctx, const char *form_id, const struct period *period), void *ctx)
{
    uint32_t view, number;
    enum err err = look_at(e, p, period, &view, &number);

    if (err == OK && variable >= p->variable_count)
        err = err_set(ERR_NOT_FOUND, "no such variable");
    for (uint32_t c = 0; err == OK && c < p->variables[variable]->clause_count; c++) {
        const struct list *periods;

        err = time_resolve(e, view, variable, c, number, &periods);
        for (uint32_t i = 0; err == OK && i < periods->count; i++)
            err = each(ctx, p->variables[variable]->clauses[c].form, time_at(e, periods->at[i]));
    }
    return err;
}

enum err evaluation_cells(struct evaluation *e, const struct programme *p, uint32_t variable, const char *unit,
                          const struct period *period,
                          enum err (*each)(void *ctx, const char *unit, struct bytes part, const struct cell *c),
                          void *ctx)
{
    const struct cell_table *t;
    uint32_t view, number;
    enum err err = look_at(e, p, period, &view, &number);

    if (err != OK || variable >= p->variable_count)
        return err != OK ? err : err_set(ERR_NOT_FOUND, "no such variable");
    t = &e->tables[e->views[view].table[variable]];
    for (uint32_t g = 0; g < t->group_count && err == OK; g++) {
        const char *of = e->units.items[t->groups[g].key >> 32];

        if ((uint32_t)t->groups[g].key != number || (unit != NULL && strcmp(unit, of) != 0))
            continue;
        for (uint32_t r = t->groups[g].first; r < t->groups[g].first + t->groups[g].count && err == OK; r++)
            err = each(ctx, of, cells_text(e, &t->rows[r]), &t->rows[r].c);
    }
    return err;
}

/* ---- the quantities behind an amount ---- */

struct amount_walk {
    struct evaluation *e;
    const struct variable *v;
    bool is_whole;
    enum err (*each)(void *ctx, const char *unit, const struct period *of, struct bytes part, const struct cell *c);
    void *ctx;
};

/* A variable with `by` keeps its whole beside its parts: the parts say more. */
static enum err take_amount(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row)
{
    const struct amount_walk *w = ctx;

    if (w->is_whole && w->v->kind == VARIABLE_SUM && (w->v->by_count > 0) != (row->part_len > 0))
        return OK;
    return w->each(w->ctx, w->e->units.items[unit], time_at(w->e, period), cells_text(w->e, row), &row->c);
}

enum err evaluation_amount_cells(struct evaluation *e, const struct programme *p, uint32_t variable, const char *unit,
                                 bool counts, const struct period *period, const char *part,
                                 enum err (*each)(void *ctx, const char *unit, const struct period *of,
                                                  struct bytes part, const struct cell *c),
                                 void *ctx)
{
    struct amount_walk w = {.e = e, .is_whole = part[0] == '\0', .each = each, .ctx = ctx};
    struct scope at = {0, 0, DAY_NONE, counts};
    uint32_t view, number;
    enum err err = look_at(e, p, period, &view, &number);

    if (err == OK && variable >= p->variable_count)
        err = err_set(ERR_NOT_FOUND, "no such variable");
    if (err == OK && unit != NULL)
        err = names_put(e, &e->units, unit, &at.unit);
    if (err != OK)
        return err;
    if (unit == NULL)
        at = scope_municipality(0);
    w.v = p->variables[variable];
    return variable_walk(e, view, variable, 0, at, number, w.is_whole ? NULL : part, NULL, take_amount, &w);
}
