/* The return on paper: what is in it, who drew it up and approved it, and the digest that ties the paper to what was
 * sent. */
#include "agent/cmd_return.h"

#include "agent/people.h"
#include "common/clock.h"
#include "common/handout.h"

#include <stdlib.h>
#include <string.h>

struct printing {
    const struct agent *a;
    const struct own_return *r;
    struct handout *out;
    struct record_space *space;
    struct buf text;
};

static const char *label_of(const struct form_field *f)
{
    return cli_pick(f->label_ru, f->label_en);
}

#define PAGE_WIDTH  150.0
#define KEY_WIDTH   24.0
#define OTHER_MIN   12.0
#define OTHER_MAX   40.0
#define LABEL_WIDTH 44.0
#define SIGN_WIDTH  16.0

/* In a workbook, in characters: alike in all tables, because they stand below each other. */
static double width_of(const struct printing *p, size_t column)
{
    const struct form *f = p->r->form;
    double other = f->field_count > 1 ? (PAGE_WIDTH - KEY_WIDTH) / (f->field_count - 1) : OTHER_MAX;

    if (f->mode != FORM_ROWS)
        return column == 0 ? LABEL_WIDTH : column == 1 ? OTHER_MAX : SIGN_WIDTH;
    if (column == 0)
        return KEY_WIDTH;
    return other < OTHER_MIN ? OTHER_MIN : other > OTHER_MAX ? OTHER_MAX : other;
}

static bool is_number(const struct form_field *f)
{
    return f->type == VALUE_INTEGER || f->type == VALUE_DECIMAL;
}

static void put_value(struct printing *p, const struct form_field *f, const struct value *v)
{
    if (is_number(f) && v->state == VALUE_PRESENT) {
        handout_number(p->out, HANDOUT_CELL, v->as.i, f->type == VALUE_DECIMAL ? f->places : 0);
        return;
    }
    buf_reset(&p->text);
    value_show(&p->text, f, v);
    handout_text(p->out, HANDOUT_CELL, buf_cstr(&p->text));
}

/* ---- a form that is filled in once ---- */

static void put_repeat(struct printing *p, const struct form_field *f, const struct value_rows *rows)
{
    size_t at_once = handout_columns_at_once(p->out);

    for (uint32_t first = 0; first < f->column_count; first += (uint32_t)at_once) {
        struct handout_column columns[FORM_MAX_FIELDS];
        uint32_t count = 0;

        for (uint32_t k = first; k < f->column_count && count < at_once; k++)
            columns[count++] = (struct handout_column){.title = label_of(&f->columns[k]),
                                                       .width = width_of(p, k - first),
                                                       .is_number = is_number(&f->columns[k])};
        handout_line(p->out, label_of(f));
        handout_table(p->out, columns, count);
        for (uint32_t i = 0; i < rows->rows; i++) {
            handout_row(p->out);
            for (uint32_t k = 0; k < count && first + k < rows->columns; k++)
                put_value(p, &f->columns[first + k], &rows->cells[(size_t)i * rows->columns + first + k]);
        }
    }
}

static enum err put_record(struct printing *p)
{
    const struct handout_column columns[] = {{_("Question"), width_of(p, 0), false},
                                             {_("Answer"), width_of(p, 1), false}};
    const struct form *f;
    struct record r;
    enum err e = return_decode(p->a, p->space, &p->r->lines[0], &r, &f);

    if (e != OK)
        return e;
    handout_table(p->out, columns, 2);
    for (uint32_t i = 0; i < r.value_count; i++) {
        if (r.values[i].state == VALUE_NOT_ASKED || f->fields[i].type == VALUE_REPEAT)
            continue;
        handout_row(p->out);
        handout_text(p->out, HANDOUT_CELL, label_of(&f->fields[i]));
        put_value(p, &f->fields[i], &r.values[i]);
    }
    for (uint32_t i = 0; i < r.value_count; i++)
        if (f->fields[i].type == VALUE_REPEAT && r.values[i].state == VALUE_PRESENT)
            put_repeat(p, &f->fields[i], &r.values[i].as.rows);
    return OK;
}

/* ---- a form with rows ---- */

/* The same field of the version that the row was filled in with; NULL: it had none. */
static const struct value *value_in(const struct form *f, const struct record *r, const struct form_field *wanted,
                                    const struct form_field **field)
{
    int32_t i = form_find_field(f, wanted->name, strlen(wanted->name));

    if (i < 0 || (uint32_t)i >= r->value_count)
        return NULL;
    *field = &f->fields[i];
    return &r->values[i];
}

static enum err put_row(struct printing *p, const struct return_line *l, const uint32_t *fields, uint32_t count)
{
    const struct form_field *field = NULL;
    const struct form *f;
    struct record r;
    enum err e = return_decode(p->a, p->space, l, &r, &f);

    if (e != OK)
        return e;
    handout_row(p->out);
    for (uint32_t k = 0; k < count; k++) {
        const struct value *v = value_in(f, &r, &p->r->form->fields[fields[k]], &field);

        if (v != NULL)
            put_value(p, field, v);
        else
            handout_text(p->out, HANDOUT_CELL, "");
    }
    return OK;
}

static enum err put_part(struct printing *p, const uint32_t *fields, uint32_t count)
{
    struct handout_column columns[FORM_MAX_FIELDS];
    const struct form *f = p->r->form;
    enum err e = OK;

    for (uint32_t k = 0; k < count; k++)
        columns[k] = (struct handout_column){.title = label_of(&f->fields[fields[k]]),
                                             .width = width_of(p, k),
                                             .is_number = is_number(&f->fields[fields[k]])};
    handout_table(p->out, columns, count);
    for (size_t i = 0; i < p->r->rows && e == OK; i++)
        e = put_row(p, &p->r->lines[i], fields, count);
    return e;
}

/* In parts of so many columns as a page holds, each beginning with the key. */
static enum err put_rows(struct printing *p)
{
    const struct form *f = p->r->form;
    size_t at_once = handout_columns_at_once(p->out);
    uint32_t fields[FORM_MAX_FIELDS], count = 1;
    enum err e = OK;

    fields[0] = (uint32_t)f->key;
    for (uint32_t i = 0; i < f->field_count && e == OK; i++) {
        if ((int32_t)i == f->key)
            continue;
        fields[count++] = i;
        if (count < at_once)
            continue;
        e = put_part(p, fields, count);
        count = 1;
    }
    return e == OK && (count > 1 || f->field_count == 1) ? put_part(p, fields, count) : e;
}

/* ---- around it ---- */

static void put_top(struct printing *p)
{
    const struct own_return *r = p->r;
    const struct grant *g = p->a->grant;
    struct period period;
    char text[1024], day[11];

    (void)snprintf(text, sizeof(text), "%s%s%s", g->name, strcmp(r->unit, g->participant) == 0 ? "" : ": ",
                   strcmp(r->unit, g->participant) == 0 ? "" : r->unit);
    handout_line(p->out, text);
    if (calendar_find(p->a->calendar, NULL, r->period, &period) == OK)
        handout_line(p->out, cli_pick(period.label_ru, period.label_en));
    if (!r->has_cover) {
        handout_line(p->out, _("The return is not marked yet: a draft."));
        return;
    }
    cli_format_day(day, sizeof(day), r->cover.made_ms);
    (void)snprintf(text, sizeof(text), _("The return: %s. Marked on %s."), cover_state_word(r->cover.state), day);
    handout_line(p->out, text);
    if (r->is_changed)
        handout_line(p->out, _("It has changed since it was marked: a draft."));
    if (r->cover.reason[0] != '\0') {
        (void)snprintf(text, sizeof(text), _("Why it was changed: %s"), r->cover.reason);
        handout_line(p->out, text);
    }
}

static void put_signature(struct printing *p, const char *who, const char *name, const char *day)
{
    handout_row(p->out);
    handout_text(p->out, HANDOUT_CELL, who);
    handout_text(p->out, HANDOUT_CELL, name);
    handout_text(p->out, HANDOUT_CELL, "______________");
    handout_text(p->out, HANDOUT_CELL, day[0] != '\0' ? day : "__.__.20__");
}

/* What was said of something else is not printed under this. */
static enum err put_bottom(struct printing *p)
{
    const struct handout_column columns[] = {{"", width_of(p, 0), false},
                                             {_("Surname and initials"), width_of(p, 1), false},
                                             {_("Signature"), width_of(p, 2), false},
                                             {_("Date"), width_of(p, 3), false}};
    const struct own_cover *c = &p->r->cover;
    bool holds = p->r->has_cover && !p->r->is_changed;
    char text[64], day[11] = "", who[BOOK_WHO_MAX + 1];
    enum err e = people_name(p->a, holds ? c->entered_by : "", who);

    if (e != OK)
        return e;
    (void)snprintf(text, sizeof(text), _("Rows: %llu."), (unsigned long long)p->r->rows);
    handout_line(p->out, text);
    if (holds && c->has_approved_on)
        date_format(day, c->approved_on);
    handout_table(p->out, columns, 4);
    put_signature(p, _("Drawn up by"), who, "");
    put_signature(p, _("Approved by (head)"), holds ? c->approved_by : "", day);
    return OK;
}

static enum err put_all(struct printing *p)
{
    const struct own_return *r = p->r;
    char behalf[RETURN_BEHALF];
    enum err e = return_behalf(r, behalf);

    if (e != OK)
        return e;
    put_top(p);
    if (behalf[0] != '\0')
        handout_line(p->out, behalf);
    if (r->form->mode == FORM_ANSWERS) /* what was answered is nobody's to sign */
        handout_line(p->out, _("Anonymous answers: their number alone is told."));
    else if (r->rows == 0)
        handout_line(p->out, _("Nothing to report."));
    else
        e = r->form->mode == FORM_RECORD ? put_record(p) : put_rows(p);
    return e == OK ? put_bottom(p) : e;
}

enum err return_print(const struct agent *a, const struct own_return *r, const char *path)
{
    struct printing p = {.a = a, .r = r};
    const char *title = cli_pick(r->form->title_ru, r->form->title_en);
    char digest_text[RETURN_DIGEST_TEXT], mark[256];
    enum err e;

    if (r->past > 0)
        return err_set(ERR_ERASED, "%s",
                       _("what was sent of this return is no longer kept on this computer: it cannot be printed here"));
    if (r->rows == 0 && (!r->has_cover || r->cover.state != COVER_NOTHING))
        return err_set(ERR_INVALID, "%s", _("nothing is entered; if there is nothing to report, say so: --nothing"));
    return_digest_format(digest_text, r->digest);
    (void)snprintf(mark, sizeof(mark), _("Digest: %s"), digest_text);
    buf_init_secret(&p.text, (size_t)4 * FORM_MAX_TEXT);
    if ((e = record_space_new(&p.space)) == OK && (e = handout_new(&p.out, path, title, mark, clock_today())) == OK) {
        handout_sheet(p.out, title, title);
        if ((e = put_all(&p)) == OK)
            e = handout_save(p.out);
    }
    if (e == ERR_EXISTS)
        e = err_set(e, _("%s is there already; take another name"), path);
    handout_free(p.out);
    record_space_free(p.space);
    buf_wipe(&p.text);
    if (e == OK)
        (void)printf(_("%s: print it and have it signed. The file is not encrypted: delete it when it is printed.\n"),
                     path);
    return e;
}
