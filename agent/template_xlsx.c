#include "agent/template_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  (64u << 10)
#define WIDTH_MIN 10.0 /* a date */
#define WIDTH_MAX 30.0

static bool is_typed(const struct form_field *f)
{
    return !f->is_calculated && !f->is_read_only && f->type != VALUE_REPEAT;
}

const char *template_choice(struct template *t, const struct form_field *f, uint32_t i)
{
    const struct choice *c = &f->choices->items[i];
    const char *label = cli_pick(c->label_ru, c->label_en);
    struct value v;

    buf_reset(&t->keep);
    if (label == NULL || value_parse(&v, f, label, strlen(label), &t->keep) != OK)
        return c->code;
    if (f->type == VALUE_SELECT_ONE ? v.as.i != (int64_t)i : v.as.set != UINT64_C(1) << i)
        return c->code;
    return label;
}

/* ---- columns ---- */

static enum xlsx_kind kind_of(const struct form_field *f)
{
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL: return XLSX_NUMBER;
    case VALUE_DATE: return XLSX_DATE;
    case VALUE_TEXT:
    case VALUE_SELECT_ONE:
    case VALUE_SELECT_MULTIPLE: return XLSX_TEXT; /* a code of digits is no number */
    case VALUE_BOOLEAN:
    case VALUE_REPEAT: break;
    }
    return XLSX_GENERAL;
}

static void put_heading(struct template_part *p, uint32_t column, const struct form_field *f, bool one_row)
{
    bool must = f->is_required || f->required_if != NULL;
    unsigned places = f->type == VALUE_DECIMAL ? f->places : 0;

    xlsx_text(p->sheet, 0, column, XLSX_CODE, f->name);
    xlsx_text(p->sheet, 1, column, must ? XLSX_REQUIRED : XLSX_HEADING, cli_pick(f->label_ru, f->label_en));
    if (one_row)
        xlsx_blank(p->sheet, TEMPLATE_FIRST_ROW, column, kind_of(f), places);
    else
        xlsx_open_column(p->sheet, column, kind_of(f), places);
}

/* As wide as its longest word and the choices; a long label takes more lines rather than the width of the screen. */
static double width_of(const struct form_field *f)
{
    const char *label = cli_pick(f->label_ru, f->label_en);
    double w = xlsx_longest_word(label);
    double name = (double)strlen(f->name) * 0.8 + 1; /* in small letters */

    if (w < (double)utf8_width(label) / 4)
        w = (double)utf8_width(label) / 4;
    for (uint32_t i = 0; f->type == VALUE_SELECT_ONE && i < f->choices->count; i++) {
        const char *choice = cli_pick(f->choices->items[i].label_ru, f->choices->items[i].label_en);
        double c = choice != NULL ? (double)utf8_width(choice) + 1 : 0;

        w = c > w ? c : w;
    }
    w = name > w && name < WIDTH_MAX ? name : w;
    return w < WIDTH_MIN ? WIDTH_MIN : w > WIDTH_MAX ? WIDTH_MAX : w;
}

/* Returns the width. */
static double set_width(struct template_part *p, uint32_t column, const struct form_field *f, unsigned *lines)
{
    double w = width_of(f);
    unsigned n = xlsx_wrapped(cli_pick(f->label_ru, f->label_en), w);

    xlsx_width(p->sheet, column, w);
    *lines = n > *lines ? n : *lines;
    return w;
}

static const char *part_name(const struct template *t, const struct template_part *p)
{
    const struct form_field *f;

    if (p->repeat < 0)
        return cli_pick(t->form->title_ru, t->form->title_en);
    f = &t->form->fields[p->repeat];
    return cli_pick(f->label_ru, f->label_en);
}

static bool asks_something(const struct template_part *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (is_typed(&p->fields[i]))
            return true;
    return false;
}

static enum err make_part(struct template *t, struct template_part *p)
{
    bool one_row = p->repeat < 0 && t->form->mode == FORM_RECORD;
    uint32_t column = 0;
    unsigned lines = 1;
    double width = 0;

    p->next_row = TEMPLATE_FIRST_ROW;
    if ((p->column_of = calloc(p->count + 1, sizeof(*p->column_of))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < p->count; i++)
        p->column_of[i] = TEMPLATE_NO_COLUMN;
    if (!asks_something(p) || (p->sheet = xlsx_sheet(t->book, part_name(t, p))) == NULL)
        return OK; /* a workbook that failed says so when it is saved */
    if (p->key != NULL) {
        put_heading(p, column, p->key, false);
        width += set_width(p, column++, p->key, &lines);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        if (!is_typed(&p->fields[i]))
            continue;
        p->column_of[i] = column;
        put_heading(p, column, &p->fields[i], one_row);
        width += set_width(p, column++, &p->fields[i], &lines);
    }
    xlsx_lines(p->sheet, 1, lines);
    xlsx_freeze(p->sheet, TEMPLATE_FIRST_ROW, p->repeat < 0 && t->form->key >= 0 ? 1 : 0);
    xlsx_protect(p->sheet);
    if (width <= XLSX_PAGE_WIDTH)
        xlsx_print_wide(p->sheet, TEMPLATE_FIRST_ROW);
    else /* nobody could read it on one page */
        xlsx_print_many(p->sheet, p->key != NULL || (p->repeat < 0 && t->form->key >= 0) ? 1 : 0);
    return OK;
}

/* After all sheets have their columns: rules may speak of other sheets. */
static void put_rules(struct template *t, struct template_part *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->column_of[i] != TEMPLATE_NO_COLUMN)
            template_rule(t, p, i);
}

/* Which sheets there are: the form's own fields, then each of its lists. */
static enum err list_parts(struct template *t)
{
    const struct form *f = t->form;
    struct template_part *parts = calloc(f->field_count + 1, sizeof(*parts));
    uint32_t count = 1;

    if (parts == NULL)
        return ERR_NOMEM;
    parts[0] = (struct template_part){.repeat = -1, .fields = f->fields, .count = f->field_count};
    for (uint32_t i = 0; i < f->field_count; i++) {
        if (f->fields[i].type != VALUE_REPEAT || f->fields[i].is_read_only)
            continue;
        parts[count] = (struct template_part){.repeat = (int32_t)i,
                                              .fields = f->fields[i].columns,
                                              .count = f->fields[i].column_count,
                                              .key = f->key >= 0 ? &f->fields[f->key] : NULL};
        count++;
    }
    t->parts = parts;
    t->part_count = count;
    return OK;
}

static enum err make_parts(struct template *t)
{
    enum err e = list_parts(t);

    if (e != OK)
        return e;
    for (struct template_part *p = t->parts; p < t->parts + t->part_count; p++)
        if ((e = make_part(t, p)) != OK)
            return e;
    for (struct template_part *p = t->parts; p < t->parts + t->part_count; p++)
        put_rules(t, p);
    return OK;
}

/* ---- the words, and what the import reads ---- */

static void put_words(struct template *t, const struct template_order *o)
{
    const struct form *f = t->form;
    struct xlsx_sheet *s = xlsx_sheet(t->book, _("How to fill in"));
    uint32_t row = 0;

    xlsx_width(s, 0, 100);
    xlsx_text(s, row++, 0, XLSX_TITLE, cli_pick(f->title_ru, f->title_en));
    if (o->period != NULL) {
        xlsx_text(s, row++, 0, XLSX_PLAIN, cli_pick(o->period->label_ru, o->period->label_en));
        xlsx_text(s, row++, 0, XLSX_PLAIN, o->unit);
    }
    row++;
    for (uint32_t i = 0; i < f->note_count; i++)
        xlsx_text(s, row++, 0, XLSX_PLAIN, cli_pick(f->notes[i].text_ru, f->notes[i].text_en));
    xlsx_text(s, row++, 0, XLSX_PLAIN,
              _("Write below the headings, from the third row on; leave the headings as they are."));
    xlsx_text(s, row++, 0, XLSX_PLAIN, _("What has a blue heading must be answered, always or in some cases."));
    xlsx_text(s, row++, 0, XLSX_PLAIN,
              _("The sheet says what is expected when a cell is entered; all the rules are checked by the import."));
    xlsx_protect(s);
}

static void put_fact(struct xlsx_sheet *s, uint32_t *row, const char *key, const char *value)
{
    xlsx_text(s, *row, 0, XLSX_CODE, key);
    xlsx_text(s, (*row)++, 1, XLSX_CODE, value);
}

static void put_facts(struct template *t, const struct template_order *o, uint64_t rows)
{
    struct xlsx_sheet *s = xlsx_sheet(t->book, "_svodka");
    char version[2 * FORM_DIGEST_BYTES + 1], made[11], count[24], key[FORM_NAME_MAX + 8];
    uint32_t row = 0;

    for (size_t i = 0; i < FORM_DIGEST_BYTES; i++)
        (void)snprintf(version + 2 * i, 3, "%02x", t->form->digest[i]);
    date_format(made, o->today);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)rows);
    put_fact(s, &row, "form", t->form->id);
    put_fact(s, &row, "version", version);
    put_fact(s, &row, "unit", o->period != NULL ? o->unit : "");
    put_fact(s, &row, "period", o->period != NULL ? o->period->id : "");
    put_fact(s, &row, "made", made);
    put_fact(s, &row, "rows", count);
    for (uint32_t k = 0; k < t->part_count; k++) {
        const struct template_part *p = &t->parts[k];

        (void)snprintf(key, sizeof(key), "sheet%s%s", p->repeat < 0 ? "" : ":",
                       p->repeat < 0 ? "" : t->form->fields[p->repeat].name);
        if (p->sheet != NULL)
            put_fact(s, &row, key, xlsx_sheet_name(p->sheet));
    }
    xlsx_protect(s);
    xlsx_hide(s);
}

static void fini(struct template *t)
{
    for (uint32_t k = 0; k < t->part_count; k++)
        free(t->parts[k].column_of);
    free(t->parts);
    xlsx_free(t->book);
    buf_fini(&t->keep);
    buf_fini(&t->text);
}

enum err template_workbook(const struct agent *a, const struct template_order *o, const char *path, uint64_t *rows)
{
    struct template t = {.form = o->form};
    enum err e;

    *rows = 0;
    buf_init_secret(&t.keep, TEXT_MAX);
    buf_init_secret(&t.text, TEXT_MAX);
    e = xlsx_new(&t.book, cli_pick(o->form->title_ru, o->form->title_en), o->today);
    if (e == OK)
        e = make_parts(&t);
    if (e == OK && o->last != NULL)
        e = template_last(&t, a, o->unit, o->last->id, rows);
    if (e == OK) {
        put_words(&t, o);
        put_facts(&t, o, *rows);
        e = xlsx_save(t.book, path, false);
    }
    fini(&t);
    return e;
}
