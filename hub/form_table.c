#include "hub/form_table_internal.h"

#include "hub/commands.h"

#include <stdlib.h>
#include <string.h>

#define FEW_ANSWERS 5u /* unless a programme asks for more (docs/publication.md) */

static int by_name(const void *a, const void *b)
{
    const struct form_table_unit *x = a, *y = b;
    int order = strverscmp(form_table_unit_name(x), form_table_unit_name(y)); /* № 2 before № 10 */

    return order != 0 ? order : strcmp(x->id, y->id);
}

/* How few anonymous answers of a unit are not told apart: the strictest of the programmes says. */
static uint32_t few_answers(const struct hub *h, const struct form *form)
{
    uint32_t few = FEW_ANSWERS;

    if (form->mode != FORM_ANSWERS)
        return 0;
    for (size_t i = 0; i < h->programme_count; i++)
        if (h->programmes[i]->privacy.survey_compute > few)
            few = h->programmes[i]->privacy.survey_compute;
    return few;
}

static void empty_cells(struct form_table *ft, struct form_table_unit *u)
{
    u->is_few = true;
    for (size_t k = 0; k < ft->column_count; k++)
        u->cells[k] = (struct form_table_cell){0}; /* of anonymous answers there are no words in them */
}

static enum err add_unit(struct form_table *ft, const struct form_table_unit *u)
{
    enum err e = OK;

    ft->submissions += u->submissions;
    ft->reported += u->submissions + u->erased > 0 || u->is_nothing ? 1 : 0;
    ft->expected += u->submissions + u->erased > 0 || u->is_expected ? 1 : 0;
    for (size_t k = 0; k < ft->column_count && e == OK; k++) {
        struct form_table_cell *total = &ft->totals[k];
        uint64_t n = total->n;

        if (u->cells[k].n > 0 && ft->columns[k].is_added)
            e = form_table_add(total, u->cells[k].sum);
        total->n = n + (u->cells[k].n > 0 ? 1 : 0);
    }
    return e;
}

static enum err add_up(struct form_table *ft)
{
    enum err e = OK;

    for (size_t i = 0; i < ft->unit_count && e == OK; i++) {
        struct form_table_unit *u = &ft->units[i];

        if (u->submissions > 0 && u->submissions < ft->few)
            empty_cells(ft, u);
        e = add_unit(ft, u);
    }
    return e;
}

enum err form_table_new(struct form_table **out, struct hub *h, struct store_txn *t, const struct form *form,
                        const struct period *p, int32_t today)
{
    struct form_table *ft = calloc(1, sizeof(*ft));
    enum err e;

    if (ft == NULL)
        return ERR_NOMEM;
    ft->form = form;
    ft->period = *p;
    ft->few = few_answers(h, form);
    if ((e = roster_load(&ft->roster, h, t)) == OK && (e = form_table_add_columns(ft)) == OK &&
        (e = form_table_read(ft, h, t, today)) == OK)
        e = add_up(ft);
    if (e != OK) {
        form_table_free(ft);
        return e;
    }
    if (ft->unit_count > 0)
        qsort(ft->units, ft->unit_count, sizeof(*ft->units), by_name);
    *out = ft;
    return OK;
}

void form_table_free(struct form_table *ft)
{
    if (ft == NULL)
        return;
    for (size_t i = 0; i < ft->unit_count; i++) {
        for (size_t k = 0; k < ft->column_count; k++) {
            free(ft->units[i].cells[k].text);
            free(ft->units[i].cells[k].code);
        }
        free(ft->units[i].cells);
        free(ft->units[i].question);
    }
    free(ft->units);
    free(ft->columns);
    free(ft->totals);
    roster_free(ft->roster);
    free(ft);
}

unsigned form_table_places(const struct form_table_column *c)
{
    const struct form_field *f = c->inner != NULL ? c->inner : c->field;
    bool is_its_number = c->kind == FORM_TABLE_NUMBER || c->kind == FORM_TABLE_SUM;

    return is_its_number && f->type == VALUE_DECIMAL ? f->places : 0;
}

void form_table_put(struct buf *out, const struct form_table *ft, size_t column, const struct form_table_cell *c,
                    bool for_people)
{
    const struct form_table_column *of = &ft->columns[column];

    if (c->text != NULL) {
        buf_put_str(out, for_people ? c->text : c->code);
    } else if (c->n > 0) {
        decimal_format(out, c->sum, form_table_places(of));
        if (for_people)
            cli_localise(out);
    }
}
