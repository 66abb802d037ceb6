#include "agent/code_list.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

void code_list_free(struct code_list *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->count; i++)
        free(l->lines[i].code);
    free(l->lines);
    book_fini(&l->book);
    free(l);
}

/* ---- the periods ---- */

struct periods {
    const struct agent *a;
    struct code_list *l;
};

static enum err look(void *ctx, const struct queue_submission *s)
{
    struct periods *x = ctx;
    struct code_list *l = x->l;
    struct period p;

    for (uint32_t i = l->period_count; i > 0; i--) /* a table has many rows of one */
        if (strcmp(l->periods[i - 1].id, s->record->period) == 0)
            return OK;
    if (calendar_find(x->a->calendar, NULL, s->record->period, &p) != OK || strcmp(p.id, s->record->period) != 0)
        return OK;
    if (l->period_count == CODE_PERIODS_MAX)
        return err_set(ERR_LIMIT, _("\"%s\" was submitted for more than %u periods"), l->form->id, CODE_PERIODS_MAX);
    l->periods[l->period_count++] = p;
    return OK;
}

static int by_time(const void *a, const void *b)
{
    const struct period *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

/* ---- the codes ---- */

/* Searched from `*from` on and round: codes of one period come in their order, and so did those before. */
static enum err line_of(struct code_list *l, const char *code, size_t *from, struct code_line **out)
{
    size_t at = l->count;

    for (size_t i = 0; i < l->count && at == l->count; i++)
        if (strcmp(l->lines[(*from + i) % l->count].code, code) == 0)
            at = (*from + i) % l->count;
    *from = at + 1;
    if (at == l->cap) {
        size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
        struct code_line *grown = reallocarray(l->lines, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->lines = grown;
        l->cap = cap;
    }
    if (at == l->count) {
        l->lines[at] = (struct code_line){.code = strdup(code), .first = 1};
        if (l->lines[at].code == NULL)
            return ERR_NOMEM;
        l->count++;
    }
    *out = &l->lines[at];
    return OK;
}

static enum err add_period(struct code_list *l, const struct agent *a, uint32_t period)
{
    struct own_return *r = NULL;
    struct code_line *line;
    size_t from = 0;
    enum err e = own_return_read(&r, a, l->form, l->unit, l->periods[period].id);

    for (size_t i = 0; e == OK && i < r->rows; i++) { /* those that stand come first */
        if ((e = line_of(l, r->lines[i].key, &from, &line)) != OK)
            break;
        if (line->count++ == 0)
            line->first = period;
        line->last = period;
    }
    own_return_free(r);
    return e;
}

static int by_code(const void *a, const void *b)
{
    return strverscmp(((const struct code_line *)a)->code, ((const struct code_line *)b)->code);
}

enum err code_list_read(struct code_list **out, const struct agent *a, const struct form *form, const char *unit)
{
    struct code_list *l = calloc(1, sizeof(*l));
    struct periods x = {a, l};
    char name[BOOK_NAME_MAX];
    struct code_line *line;
    size_t from = 0;
    enum err e;

    if (l == NULL)
        return ERR_NOMEM;
    l->form = form;
    utf8_copy(l->unit, sizeof(l->unit), unit);
    if ((e = queue_each(a, &(struct queue_filter){form->id, unit, NULL}, look, &x)) == OK && l->period_count > 1)
        qsort(l->periods, l->period_count, sizeof(*l->periods), by_time);
    for (uint32_t i = 0; e == OK && i < l->period_count; i++)
        e = add_period(l, a, i);
    if (e == OK)
        e = book_read(a, NULL, book_of_form(name, form->id, unit), &l->book);
    for (size_t i = 0; e == OK && i < l->book.count; i++)
        e = line_of(l, l->book.items[i].code, &from, &line);
    if (e == OK && l->count > 1)
        qsort(l->lines, l->count, sizeof(*l->lines), by_code);
    if (e == OK)
        *out = l;
    else
        code_list_free(l);
    return e;
}

enum err code_stands(const struct agent *a, const struct code_list *l, uint32_t period, const char *code, bool *stands)
{
    struct queue_filter slot = {l->form->id, l->unit, l->periods[period].id};
    struct record_ref ref;
    enum err e = queue_find_current(a, &slot, code, &ref);

    *stands = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}
