#include "agent/template_internal.h"

#include "agent/template.h"
#include "common/cli.h"
#include "common/expr_formula.h"

#include <stdlib.h>
#include <string.h>

/* Where rules find their cells: in the first row of a part. */
struct place {
    const struct template *t;
    const struct template_part *part;
    uint32_t field; /* whose rule it is */
};

/* Quotes of a sheet's name are doubled in a formula. */
static void put_sheet(char out[EXPR_CELL_TEXT_MAX], const char *name)
{
    size_t n = 0;

    out[n++] = '\'';
    for (; *name != '\0' && n + 4 < EXPR_CELL_TEXT_MAX; name++) {
        if (*name == '\'')
            out[n++] = '\'';
        out[n++] = *name;
    }
    out[n++] = '\'';
    out[n] = '\0';
}

/* From the sheet of a list the one answer of a record is seen; of a form with rows there are many. */
static enum expr_cell other_sheet(const struct place *p, uint32_t index, char out[EXPR_CELL_TEXT_MAX])
{
    const struct template_part *head = &p->t->parts[0];
    char cell[XLSX_CELL_MAX], sheet[EXPR_CELL_TEXT_MAX];

    if (p->t->form->mode != FORM_RECORD || head->column_of[index] == TEMPLATE_NO_COLUMN)
        return EXPR_CELL_NONE;
    xlsx_cell_name(cell, TEMPLATE_FIRST_ROW, head->column_of[index], true);
    put_sheet(sheet, xlsx_sheet_name(head->sheet));
    if ((size_t)snprintf(out, EXPR_CELL_TEXT_MAX, "%s!%s", sheet, cell) >= EXPR_CELL_TEXT_MAX)
        return EXPR_CELL_NONE;
    return EXPR_CELL_MAYBE;
}

static enum expr_cell cell_of(void *ctx, int32_t repeat, uint32_t index, char out[EXPR_CELL_TEXT_MAX])
{
    const struct place *p = ctx;
    char cell[XLSX_CELL_MAX];

    if (repeat != p->part->repeat)
        return repeat < 0 ? other_sheet(p, index, out) : EXPR_CELL_NONE;
    if (index >= p->part->count || p->part->column_of[index] == TEMPLATE_NO_COLUMN)
        return EXPR_CELL_NONE;
    xlsx_cell_name(cell, TEMPLATE_FIRST_ROW, p->part->column_of[index], false);
    (void)snprintf(out, EXPR_CELL_TEXT_MAX, "%s", cell);
    return index == p->field ? EXPR_CELL_SURE : EXPR_CELL_MAYBE;
}

/* ---- what is said ---- */

static void put_sentence(struct buf *out, const char *text)
{
    if (text != NULL && text[0] != '\0')
        buf_printf(out, "%s%s", out->len > 0 ? "\n" : "", text);
}

static void put_hint(struct template *t, const struct form_field *f)
{
    struct buf *out = &t->text;

    buf_reset(out);
    put_sentence(out, cli_pick(f->hint_ru, f->hint_en));
    if (f->allows_unknown)
        put_sentence(out, _("If it is not known, write ?unknown."));
    if (f->allows_inapplicable)
        put_sentence(out, _("If it does not apply, write ?na."));
    if (f->type == VALUE_SELECT_MULTIPLE) {
        put_sentence(out, _("One or several, with commas between them: "));
        for (uint32_t i = 0; i < f->choices->count; i++)
            buf_printf(out, "%s%s", i > 0 ? ", " : "", template_choice(t, f, i));
    }
}

static const char *message_of(const struct form_field *f)
{
    if (f->constraint != NULL && f->constraint_message_ru != NULL)
        return cli_pick(f->constraint_message_ru, f->constraint_message_en);
    switch (f->type) {
    case VALUE_INTEGER: return _("A whole number is expected here.");
    case VALUE_DECIMAL: return _("A number is expected here.");
    case VALUE_DATE: return _("A date is expected here, such as 01.09.2020.");
    case VALUE_BOOLEAN:
    case VALUE_SELECT_ONE: return _("Choose one of the list.");
    case VALUE_TEXT: return _("The text is too long, or not as the form expects it.");
    case VALUE_SELECT_MULTIPLE:
    case VALUE_REPEAT: break;
    }
    return NULL;
}

/* ---- what is checked ---- */

static void set_list(struct template *t, const struct form_field *f, struct xlsx_rule *r)
{
    uint32_t choices = f->type == VALUE_BOOLEAN ? 2 : f->choices->count;
    const char **texts = calloc(choices + 2u, sizeof(*texts));
    uint32_t n = 0;

    if (texts == NULL)
        return; /* without a list the import still checks */
    for (; n < choices; n++)
        texts[n] = f->type != VALUE_BOOLEAN ? template_choice(t, f, n) : n == 0 ? _("yes") : _("no");
    if (f->allows_unknown)
        texts[n++] = "?unknown";
    if (f->allows_inapplicable)
        texts[n++] = "?na";
    r->kind = XLSX_LIST;
    r->list = xlsx_list(t->book, texts, n);
    free(texts);
}

static bool has_states(const struct form_field *f)
{
    return f->allows_unknown || f->allows_inapplicable;
}

/* `IF(ISNUMBER(B3),AND(B3=INT(B3),B3>=1),B3="?unknown")`; false: longer than Excel takes. */
static bool put_number_formula(struct buf *out, const struct form_field *f, const char *cell, const char *rule)
{
    const char *whole = f->type == VALUE_INTEGER ? "INT" : NULL;

    buf_printf(out, "IF(ISNUMBER(%s),", cell);
    if (whole != NULL && rule[0] != '\0')
        buf_printf(out, "AND(%s=INT(%s),%s)", cell, cell, rule);
    else if (whole != NULL)
        buf_printf(out, "%s=INT(%s)", cell, cell);
    else
        buf_put_str(out, rule[0] != '\0' ? rule : "TRUE");
    if (f->allows_unknown && f->allows_inapplicable)
        buf_printf(out, ",OR(%s=\"?unknown\",%s=\"?na\"))", cell, cell);
    else if (has_states(f))
        buf_printf(out, ",%s=\"%s\")", cell, f->allows_unknown ? "?unknown" : "?na");
    else
        buf_put_str(out, ",FALSE)");
    return out->len < XLSX_MAX_FORMULA;
}

static void set_number(const struct form_field *f, const char *cell, const char *formula, struct buf *out,
                       struct xlsx_rule *r)
{
    r->least = -(double)FORM_NUMBER_MAX;
    r->most = (double)FORM_NUMBER_MAX;
    if (f->type == VALUE_DATE) {
        r->kind = XLSX_DAY;
        r->least = DATE_MIN;
        r->most = DATE_MAX;
    } else {
        r->kind = f->type == VALUE_INTEGER ? XLSX_WHOLE : XLSX_REAL;
    }
    if (!has_states(f) && (f->constraint == NULL || formula[0] == '\0'))
        return;
    if (!has_states(f) && f->type != VALUE_DATE && expr_range(f->constraint, &r->least, &r->most))
        return;
    buf_reset(out);
    if (!put_number_formula(out, f, cell, formula)) {
        buf_reset(out);
        (void)put_number_formula(out, f, cell, "");
    }
    r->kind = XLSX_FORMULA;
    r->formula = buf_cstr(out);
}

static void set_text(const struct form_field *f, const char *formula, struct xlsx_rule *r)
{
    r->kind = XLSX_LENGTH;
    r->least = 0;
    r->most = FORM_MAX_TEXT;
    if (formula[0] == '\0' || has_states(f) || strlen(formula) >= XLSX_MAX_FORMULA)
        return;
    r->kind = XLSX_FORMULA;
    r->formula = formula;
}

void template_rule(struct template *t, const struct template_part *p, uint32_t field)
{
    const struct form_field *f = &p->fields[field];
    struct place place = {t, p, field};
    struct xlsx_rule r = {.kind = XLSX_ANY};
    uint32_t column = p->column_of[field];
    uint32_t last =
        p->repeat < 0 && t->form->mode == FORM_RECORD ? TEMPLATE_FIRST_ROW : TEMPLATE_FIRST_ROW + TEMPLATE_ROWS - 1;
    char cell[XLSX_CELL_MAX];
    struct buf rule, formula;

    buf_init(&rule, 8192);
    buf_init(&formula, 8192);
    xlsx_cell_name(cell, TEMPLATE_FIRST_ROW, column, false);
    if (f->constraint != NULL && expr_formula(&rule, f->constraint, cell_of, &place) != OK)
        buf_reset(&rule);
    if (f->type == VALUE_BOOLEAN || f->type == VALUE_SELECT_ONE)
        set_list(t, f, &r);
    else if (f->type == VALUE_TEXT)
        set_text(f, buf_cstr(&rule), &r);
    else if (f->type != VALUE_SELECT_MULTIPLE)
        set_number(f, cell, buf_cstr(&rule), &formula, &r);
    put_hint(t, f);
    r.hint_title = r.message_title = cli_pick(f->label_ru, f->label_en);
    r.hint = t->text.len > 0 ? buf_cstr(&t->text) : NULL;
    r.message = message_of(f);
    if (r.hint == NULL)
        r.hint_title = NULL;
    if (r.kind != XLSX_ANY || r.hint != NULL)
        xlsx_rule(p->sheet, TEMPLATE_FIRST_ROW, column, last, column, &r);
    buf_fini(&rule);
    buf_fini(&formula);
}
