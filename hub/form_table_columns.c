/* form_table_columns.c: which columns a form's table has. */
#include "hub/form_table_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>

static enum err add_column(struct form_table *ft, const struct form_table_column *c, const char *code, const char *word)
{
    struct form_table_column *to;
    const char *label = cli_pick(c->field->label_ru, c->field->label_en);
    char title[1300];

    if (ft->column_count == FORM_TABLE_MAX_COLUMNS)
        return err_set(ERR_LIMIT, _("the table would have more than %u columns"), FORM_TABLE_MAX_COLUMNS);
    to = &ft->columns[ft->column_count++];
    *to = *c;
    if (code == NULL) {
        (void)snprintf(to->name, sizeof(to->name), "%s", c->field->name);
        utf8_copy(to->title, sizeof(to->title), label);
        return OK;
    }
    (void)snprintf(to->name, sizeof(to->name), "%s%s%s", c->field->name, c->inner != NULL ? "." : "=", code);
    (void)snprintf(title, sizeof(title), "%.600s: %.600s", label, word != NULL ? word : code);
    utf8_copy(to->title, sizeof(to->title), title);
    return OK;
}

static enum err add_plain(struct form_table *ft, const struct form_field *f, enum form_table_kind kind, bool is_added)
{
    return add_column(ft, &(struct form_table_column){.field = f, .choice = -1, .kind = kind, .is_added = is_added},
                      NULL, NULL);
}

static enum err add_choices(struct form_table *ft, const struct form_field *f)
{
    enum err e = OK;

    for (uint32_t i = 0; i < f->choices->count && f->choices->count <= FORM_TABLE_MAX_CHOICES && e == OK; i++) {
        const struct choice *c = &f->choices->items[i];
        struct form_table_column column = {
            .field = f, .choice = (int32_t)i, .kind = FORM_TABLE_COUNT, .is_added = true};

        e = add_column(ft, &column, c->code, cli_pick(c->label_ru, c->label_en));
    }
    return e;
}

static enum err add_list(struct form_table *ft, const struct form_field *f)
{
    enum err e = add_plain(ft, f, FORM_TABLE_COUNT, true);

    for (uint32_t i = 0; i < f->column_count && e == OK; i++) {
        const struct form_field *inner = &f->columns[i];
        struct form_table_column column = {
            .field = f, .inner = inner, .choice = -1, .kind = FORM_TABLE_SUM, .is_added = true};

        if (inner->is_added)
            e = add_column(ft, &column, inner->name, cli_pick(inner->label_ru, inner->label_en));
    }
    return e;
}

/* Filled in once: what a form calculates as text is for its own rules. */
static enum err add_of_record(struct form_table *ft, const struct form_field *f)
{
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL: return add_plain(ft, f, FORM_TABLE_NUMBER, f->is_added);
    case VALUE_REPEAT: return add_list(ft, f);
    case VALUE_TEXT: return f->is_calculated ? OK : add_plain(ft, f, FORM_TABLE_WORD, false);
    case VALUE_DATE:
    case VALUE_BOOLEAN:
    case VALUE_SELECT_ONE:
    case VALUE_SELECT_MULTIPLE: break;
    }
    return add_plain(ft, f, FORM_TABLE_WORD, false);
}

static enum err add_of_rows(struct form_table *ft, const struct form_field *f)
{
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL: return f->is_added ? add_plain(ft, f, FORM_TABLE_SUM, true) : OK;
    case VALUE_REPEAT: return add_list(ft, f);
    case VALUE_BOOLEAN: return add_plain(ft, f, FORM_TABLE_COUNT, true);
    case VALUE_SELECT_ONE:
    case VALUE_SELECT_MULTIPLE: return add_choices(ft, f);
    case VALUE_TEXT:
    case VALUE_DATE: break;
    }
    return OK;
}

static enum err add_field(struct form_table *ft, const struct form_field *f)
{
    switch (ft->form->mode) {
    case FORM_RECORD: return add_of_record(ft, f);
    case FORM_ROWS: return add_of_rows(ft, f);
    case FORM_ANSWERS: break;
    }
    return f->is_calculated ? OK : add_plain(ft, f, FORM_TABLE_ANSWERED, true);
}

enum err form_table_add_columns(struct form_table *ft)
{
    enum err e = OK;

    if ((ft->columns = calloc(FORM_TABLE_MAX_COLUMNS, sizeof(*ft->columns))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < ft->form->field_count && e == OK; i++)
        if ((int32_t)i != ft->form->key)
            e = add_field(ft, &ft->form->fields[i]);
    if (e == OK && (ft->totals = calloc(ft->column_count + 1, sizeof(*ft->totals))) == NULL)
        e = ERR_NOMEM;
    return e;
}
