#include "agent/template_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

/* The newest submission of a key: whatever ends it, nothing older revives. */
struct slot {
    struct record_ref ref;
    char *key;
    bool is_dead;
};

struct last {
    struct template *t;
    struct slot *slots;
    size_t count, cap;
    struct buf text;
    uint64_t rows;
};

/* ---- which of them stand ---- */

static bool is_ref(const struct record_ref *a, const struct record_ref *b)
{
    return a->number == b->number && memcmp(&a->gen, &b->gen, sizeof(a->gen)) == 0;
}

static enum err take_value(struct last *l, const struct record_ref *ref, const char *key)
{
    size_t i = 0;

    while (i < l->count && strcmp(l->slots[i].key, key) != 0)
        i++;
    if (i == l->cap) {
        size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
        struct slot *grown = realloc(l->slots, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->slots = grown;
        l->cap = cap;
    }
    if (i == l->count) {
        l->slots[i] = (struct slot){.key = strdup(key)};
        if (l->slots[i].key == NULL)
            return ERR_NOMEM;
        l->count++;
    }
    l->slots[i].ref = *ref;
    l->slots[i].is_dead = false;
    return OK;
}

static enum err look(void *ctx, const struct queue_submission *s)
{
    struct last *l = ctx;

    if (s->record->kind != RECORD_NEW)
        for (size_t i = 0; i < l->count; i++)
            if (is_ref(&l->slots[i].ref, &s->record->target))
                l->slots[i].is_dead = true;
    if (s->record->kind == RECORD_RETRACTION || s->form == NULL)
        return OK;
    buf_reset(&l->text);
    queue_key_text(&l->text, s->form, s->record->values);
    return take_value(l, &s->ref, buf_cstr(&l->text));
}

/* ---- into cells ---- */

/* By code, because the lists may differ; NULL: there is no such choice any more. */
static const char *choice_word(struct last *l, const struct form_field *f, const struct form_field *was, uint32_t i)
{
    const char *code = was->choices->items[i].code;
    int32_t now = choice_find(f->choices, code, strlen(code));

    return now < 0 ? NULL : template_choice(l->t, f, (uint32_t)now);
}

static void put_set(struct last *l, const struct form_field *f, const struct form_field *was, uint64_t set)
{
    for (uint32_t i = 0; i < was->choices->count; i++) {
        const char *code = was->choices->items[i].code;

        if ((set >> i & 1) != 0 && choice_find(f->choices, code, strlen(code)) >= 0)
            buf_printf(&l->text, "%s%s", l->text.len > 0 ? ", " : "", code);
    }
}

static void put_present(struct last *l, struct xlsx_sheet *s, uint32_t row, uint32_t column, const struct form_field *f,
                        const struct form_field *was, const struct value *v)
{
    const char *word = NULL;

    buf_reset(&l->text);
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
        xlsx_decimal(s, row, column, XLSX_INPUT, v->as.i, f->type == VALUE_DECIMAL ? was->places : 0);
        return;
    case VALUE_DATE: xlsx_date(s, row, column, XLSX_INPUT, (int32_t)v->as.i); return;
    case VALUE_TEXT: buf_put(&l->text, v->as.text.p, v->as.text.len); break;
    case VALUE_BOOLEAN: word = v->as.i != 0 ? _("yes") : _("no"); break;
    case VALUE_SELECT_ONE: word = choice_word(l, f, was, (uint32_t)v->as.i); break;
    case VALUE_SELECT_MULTIPLE: put_set(l, f, was, v->as.set); break;
    case VALUE_REPEAT: return;
    }
    if (word != NULL)
        xlsx_text(s, row, column, XLSX_INPUT, word);
    else if (l->text.len > 0)
        xlsx_text(s, row, column, XLSX_INPUT, buf_cstr(&l->text));
}

static void put_cell(struct last *l, struct xlsx_sheet *s, uint32_t row, uint32_t column, const struct form_field *f,
                     const struct form_field *was, const struct value *v)
{
    switch (v->state) {
    case VALUE_PRESENT: put_present(l, s, row, column, f, was, v); break;
    case VALUE_NOT_KNOWN:
        if (f->allows_unknown)
            xlsx_text(s, row, column, XLSX_INPUT, "?unknown");
        break;
    case VALUE_NOT_APPLICABLE:
        if (f->allows_inapplicable)
            xlsx_text(s, row, column, XLSX_INPUT, "?na");
        break;
    case VALUE_NOT_ASKED:
    case VALUE_MISSING: break;
    }
}

/* One row of a sheet: `values` are those of `was`, as many as there are. */
static void put_row(struct last *l, struct template_part *p, const struct form_field *was, uint32_t was_count,
                    const struct value *values)
{
    for (uint32_t i = 0; i < p->count; i++) {
        int32_t k = p->column_of[i] == TEMPLATE_NO_COLUMN ? -1 : form_same_field(&p->fields[i], was, was_count);

        if (k >= 0)
            put_cell(l, p->sheet, p->next_row, p->column_of[i], &p->fields[i], &was[k], &values[k]);
    }
    p->next_row++;
}

static void put_list(struct last *l, struct template_part *p, const struct queue_submission *s)
{
    const struct form *now = l->t->form;
    int32_t at = form_same_field(&now->fields[p->repeat], s->form->fields, s->form->field_count);
    const struct value *v = at >= 0 ? &s->record->values[at] : NULL;

    if (p->sheet == NULL || v == NULL || v->state != VALUE_PRESENT)
        return;
    for (uint32_t i = 0; i < v->as.rows.rows; i++) {
        int32_t k = p->key != NULL ? form_same_field(p->key, s->form->fields, s->form->field_count) : -1;

        if (k >= 0)
            put_cell(l, p->sheet, p->next_row, 0, p->key, &s->form->fields[k], &s->record->values[k]);
        put_row(l, p, s->form->fields[at].columns, s->form->fields[at].column_count,
                v->as.rows.cells + (size_t)i * v->as.rows.columns);
    }
}

static enum err put_standing(void *ctx, const struct queue_submission *s)
{
    struct last *l = ctx;
    bool stands = false;

    for (size_t i = 0; i < l->count && !stands; i++)
        stands = !l->slots[i].is_dead && is_ref(&l->slots[i].ref, &s->ref);
    if (!stands || s->form == NULL)
        return OK;
    if (l->t->parts[0].sheet != NULL)
        put_row(l, &l->t->parts[0], s->form->fields, s->form->field_count, s->record->values);
    for (uint32_t k = 1; k < l->t->part_count; k++)
        put_list(l, &l->t->parts[k], s);
    l->rows++;
    return OK;
}

enum err template_last(struct template *t, const struct agent *a, const char *unit, const char *period, uint64_t *rows)
{
    struct queue_filter filter = {t->form->id, unit, period};
    struct last l = {.t = t};
    enum err e;

    buf_init_secret(&l.text, 64u << 10);
    if ((e = queue_each(a, &filter, look, &l)) == OK)
        e = queue_each(a, &filter, put_standing, &l);
    *rows = l.rows;
    for (size_t i = 0; i < l.count; i++)
        free(l.slots[i].key);
    free(l.slots);
    buf_fini(&l.text);
    return e;
}
