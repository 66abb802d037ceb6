/* What was answered last time, and the summary at the end. */
#include "agent/interview_internal.h"

#include "common/cli.h"
#include "common/table.h"
#include "common/utf8.h"

#include <string.h>

#define SHOWN_MAX 160u /* bytes of one answer on a line */

enum err interview_compare(struct interview *i, const struct agent *a)
{
    struct period before;
    enum err e;

    if (i->form->mode == FORM_ANSWERS || i->last != NULL)
        return OK;
    e = earlier_period(a, i->form->id, capture_unit(i->c), capture_period(i->c), &before);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    utf8_copy(i->last_label, sizeof(i->last_label), cli_pick(before.label_ru, before.label_en));
    return earlier_read(&i->last, a, i->form, capture_unit(i->c), before.id);
}

/* ---- finding it ---- */

/* The submission that the one in hand would follow: of the same key. */
static bool find_row(struct interview *i, const struct value **values, const struct form **of)
{
    const struct form *f = i->form;
    struct buf key;
    bool found = false;

    if (i->last == NULL)
        return false;
    buf_init_secret(&key, (size_t)4 * FORM_MAX_TEXT);
    if (f->key < 0 || i->values[f->key].state == VALUE_PRESENT) {
        queue_key_text(&key, f, i->values);
        found = buf_status(&key) == OK && earlier_values(i->last, buf_cstr(&key), values, of) == OK;
    }
    buf_wipe(&key);
    return found;
}

/* What tells the rows of a list apart: the choices that its columns begin with, or else the first column. */
static uint32_t leading(const struct form_field *repeat)
{
    uint32_t n = 0;

    while (n < repeat->column_count && repeat->columns[n].type == VALUE_SELECT_ONE)
        n++;
    return n > 0 ? n : 1;
}

static bool says_same(const struct form_field *f, const struct value *v, const struct form_field *of,
                      const struct value *was)
{
    struct buf now, then;
    bool same;

    buf_init_secret(&now, (size_t)4 * FORM_MAX_TEXT);
    buf_init_secret(&then, (size_t)4 * FORM_MAX_TEXT);
    value_format(&now, f, v);
    value_format(&then, of, was);
    same = now.len > 0 && strcmp(buf_cstr(&now), buf_cstr(&then)) == 0;
    buf_wipe(&now);
    buf_wipe(&then);
    return same;
}

static bool is_same_row(const struct interview *i, const struct place *p, const struct form_field *was_list,
                        const struct value *was)
{
    const struct form_field *list = &i->form->fields[p->top];
    const struct value *row = &i->rows[p->top][(size_t)p->row * list->column_count];

    for (uint32_t k = 0; k < leading(list); k++) {
        int32_t n = form_same_field(&list->columns[k], was_list->columns, was_list->column_count);

        if (n < 0 || !says_same(&list->columns[k], &row[k], &was_list->columns[n], &was[n]))
            return false;
    }
    return true;
}

/* The cell of the one row of the list that began with the same; NULL: there is none, or there are several. */
static const struct value *find_cell(const struct interview *i, const struct place *p,
                                     const struct form_field *was_list, const struct value *was,
                                     const struct form_field **of)
{
    int32_t column = form_same_field(p->field, was_list->columns, was_list->column_count);
    const struct value *found = NULL;

    if (was->state != VALUE_PRESENT || column < 0 || p->cell < leading(&i->form->fields[p->top]))
        return NULL;
    for (uint32_t r = 0; r < was->as.rows.rows; r++) {
        const struct value *row = &was->as.rows.cells[(size_t)r * was->as.rows.columns];

        if (!is_same_row(i, p, was_list, row))
            continue;
        if (found != NULL)
            return NULL;
        found = &row[column];
    }
    *of = &was_list->columns[column];
    return found;
}

bool interview_last(struct interview *i, const struct place *p, struct buf *keep, struct value *out)
{
    const struct form_field *top = &i->form->fields[p->top];
    const struct form_field *of;
    const struct value *values, *v;
    const struct form *was;
    int32_t k;

    if ((int32_t)p->top == i->form->key || p->field->type == VALUE_REPEAT || !find_row(i, &values, &was) ||
        (k = form_same_field(top, was->fields, was->field_count)) < 0)
        return false;
    of = &was->fields[k];
    v = &values[k];
    if (p->in_row && (v = find_cell(i, p, of, v, &of)) == NULL)
        return false;
    return value_carry(out, p->field, of, v, keep);
}

/* ---- showing ---- */

static void put_shown(struct buf *out, const struct form_field *f, const struct value *v)
{
    char cut[SHOWN_MAX];
    struct buf text;

    buf_init_secret(&text, FORM_KEEP_MAX);
    value_show(&text, f, v);
    utf8_copy(cut, sizeof(cut), buf_cstr(&text));
    buf_printf(out, "%s%s", cut, strlen(cut) < text.len ? "…" : "");
    buf_wipe(&text);
}

/* Without the noughts that it was scaled by. */
static void put_compared(struct buf *out, int64_t scaled)
{
    unsigned places = FORM_COMPARE_PLACES;

    for (; places > 0 && scaled % 10 == 0; places--)
        scaled /= 10;
    decimal_format(out, scaled, places);
    cli_localise(out);
}

/* What its soft check compares it with, in the form's words. */
static void show_compared(struct interview *i, const struct form_field *f)
{
    const struct value *with = NULL;

    if (f->compare_warning == NULL || capture_compared(i->c, i->values, &with) != OK || with == NULL)
        return;
    for (uint32_t k = 0; k < i->form->compare_count; k++) {
        const struct form_compare *by = &i->form->compares[k];
        struct buf number;

        if (by->label_ru == NULL || with[k].state != VALUE_PRESENT ||
            !expr_uses(f->compare_warning, i->form->field_count + k))
            continue;
        buf_init_secret(&number, 64);
        put_compared(&number, with[k].as.i);
        (void)fprintf(stderr, "  %s: %s\n", cli_pick(by->label_ru, by->label_en), buf_cstr(&number));
        buf_wipe(&number);
    }
}

void interview_show_last(struct interview *i, const struct place *p)
{
    struct value v;
    struct buf text;

    show_compared(i, p->field);
    buf_reset(&i->last_keep);
    if (!interview_last(i, p, &i->last_keep, &v))
        return;
    buf_init_secret(&text, 1024);
    put_shown(&text, p->field, &v);
    (void)fprintf(stderr, "  ");
    (void)fprintf(stderr, _("last time (%s): %s   (= takes it)"), i->last_label, buf_cstr(&text));
    (void)fputc('\n', stderr);
    buf_wipe(&text);
}

/* One line for each row of a list. */
static enum err put_list(struct table *t, const struct form_field *f, const struct value *v)
{
    struct buf name, text;
    enum err e = OK;

    buf_init_secret(&name, 4096);
    buf_init_secret(&text, FORM_KEEP_MAX);
    for (uint32_t r = 0; r < v->as.rows.rows && e == OK; r++) {
        buf_reset(&name);
        buf_reset(&text);
        buf_printf(&name, "  %u", r + 1);
        for (uint32_t k = 0; k < f->column_count; k++) {
            const struct value *cell = &v->as.rows.cells[(size_t)r * v->as.rows.columns + k];

            if (cell->state == VALUE_NOT_ASKED || cell->state == VALUE_MISSING)
                continue;
            buf_put_str(&text, text.len > 0 ? "; " : "");
            put_shown(&text, &f->columns[k], cell);
        }
        e = table_row(t, (const char *const[]){buf_cstr(&name), buf_cstr(&text), ""});
    }
    buf_wipe(&name);
    buf_wipe(&text);
    return e;
}

static enum err put_answer(struct interview *i, struct table *t, uint32_t field, const struct value *v)
{
    const struct form_field *f = &i->form->fields[field];
    struct place p = {.field = f, .top = field};
    struct buf now, then;
    struct value was;
    enum err e;

    if (v->state == VALUE_NOT_ASKED)
        return OK;
    buf_init_secret(&now, 4096);
    buf_init_secret(&then, 4096);
    buf_reset(&i->last_keep);
    if (v->state == VALUE_MISSING)
        buf_put_str(&now, "–");
    else
        put_shown(&now, f, v);
    if (interview_last(i, &p, &i->last_keep, &was))
        put_shown(&then, f, &was);
    e = table_row(t, (const char *const[]){cli_pick(f->label_ru, f->label_en), buf_cstr(&now), buf_cstr(&then)});
    buf_wipe(&now);
    buf_wipe(&then);
    if (e == OK && f->type == VALUE_REPEAT && v->state == VALUE_PRESENT)
        e = put_list(t, f, v);
    return e;
}

enum err interview_summary(struct interview *i, const struct value *values)
{
    const struct table_column columns[] = {{"question", _("question"), TABLE_LEFT, false},
                                           {"answer", _("answer"), TABLE_LEFT, false},
                                           {"last", i->last_label, TABLE_LEFT, false}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, i->last != NULL ? 3 : 2);

    for (uint32_t k = 0; e == OK && k < i->form->field_count; k++)
        e = put_answer(i, t, k, &values[k]);
    if (e == OK) {
        (void)fputc('\n', stderr);
        e = table_print(t, TABLE_TEXT, stderr);
    }
    table_free(t);
    return e;
}
