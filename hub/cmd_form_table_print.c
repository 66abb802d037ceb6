#include "hub/cmd_form_table.h"

#include "common/clock.h"
#include "common/handout.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADS_MAX 3u

const char *form_table_state(const struct form_table_unit *u, bool for_people)
{
    if (u->has_state)
        return for_people ? return_state_word(u->state) : return_state_name(u->state);
    if (u->submissions + u->erased > 0)
        return for_people ? return_state_word(RETURN_RECEIVED) : return_state_name(RETURN_RECEIVED);
    return "";
}

size_t form_table_heads(const struct form *f)
{
    return f->mode == FORM_RECORD ? 2 : HEADS_MAX;
}

const char *form_table_counted(const struct form *f)
{
    return f->mode == FORM_ANSWERS ? _("Sheets") : _("Rows");
}

void form_table_put_answered(struct buf *out, const struct form_table *ft, size_t column)
{
    buf_printf(out, _("%llu of %llu"), (unsigned long long)ft->totals[column].n, (unsigned long long)ft->expected);
}

struct printing {
    const struct form_table *ft;
    struct handout *out;
    size_t first, end; /* columns of the form in this table */
};

static void put_cell(const struct printing *p, size_t column, const struct form_table_cell *c, enum handout_look look)
{
    if (c->text != NULL || c->n == 0)
        handout_text(p->out, look, c->text != NULL ? c->text : "");
    else if (p->ft->columns[column].kind == FORM_TABLE_WORD) /* of the totals: there is none */
        handout_text(p->out, look, "");
    else
        handout_number(p->out, look, c->sum, form_table_places(&p->ft->columns[column]));
}

static enum handout_look look_of(const struct form_table_unit *u)
{
    if (!u->has_state)
        return HANDOUT_CELL;
    if (u->state == RETURN_MISSING)
        return HANDOUT_BAD;
    if (u->state == RETURN_LATE || u->state == RETURN_QUESTIONED)
        return HANDOUT_UNSURE;
    return u->state == RETURN_ACCEPTED ? HANDOUT_GOOD : HANDOUT_CELL;
}

static void put_unit(const struct printing *p, const struct form_table_unit *u)
{
    handout_row(p->out);
    handout_text(p->out, HANDOUT_CELL, form_table_unit_name(u));
    handout_text(p->out, look_of(u), form_table_state(u, true));
    if (form_table_heads(p->ft->form) > 2)
        handout_number(p->out, HANDOUT_CELL, (int64_t)u->submissions, 0);
    for (size_t i = p->first; i < p->end; i++)
        put_cell(p, i, &u->cells[i], HANDOUT_CELL);
}

static void put_totals(const struct printing *p)
{
    const struct form_table *ft = p->ft;
    const struct form_table_cell none = {0};
    struct buf text;

    buf_init(&text, 128);
    handout_row(p->out);
    handout_text(p->out, HANDOUT_TOTAL, _("Total"));
    handout_text(p->out, HANDOUT_TOTAL, "");
    if (form_table_heads(ft->form) > 2)
        handout_number(p->out, HANDOUT_TOTAL, (int64_t)ft->submissions, 0);
    for (size_t i = p->first; i < p->end; i++)
        put_cell(p, i, ft->columns[i].is_added ? &ft->totals[i] : &none, HANDOUT_TOTAL);
    handout_row(p->out);
    handout_text(p->out, HANDOUT_CELL, _("Answered"));
    for (size_t i = 1; i < form_table_heads(ft->form); i++)
        handout_text(p->out, HANDOUT_CELL, "");
    for (size_t i = p->first; i < p->end; i++) {
        buf_reset(&text);
        form_table_put_answered(&text, ft, i);
        handout_text(p->out, HANDOUT_CELL, buf_cstr(&text));
    }
    buf_fini(&text);
}

static enum err put_table(const struct printing *p, bool only_total)
{
    size_t heads = form_table_heads(p->ft->form);
    struct handout_column *columns = calloc(heads + p->end - p->first, sizeof(*columns));

    if (columns == NULL)
        return ERR_NOMEM;
    columns[0] = (struct handout_column){.title = _("Unit")};
    columns[1] = (struct handout_column){.title = _("State"), .width = 14};
    if (heads > 2)
        columns[2] = (struct handout_column){.title = form_table_counted(p->ft->form), .is_number = true};
    for (size_t i = p->first; i < p->end; i++)
        columns[heads + i - p->first] = (struct handout_column){.title = p->ft->columns[i].title,
                                                                .is_number = p->ft->columns[i].kind != FORM_TABLE_WORD};
    handout_table(p->out, columns, heads + p->end - p->first);
    for (size_t i = 0; i < p->ft->unit_count && !only_total; i++)
        put_unit(p, &p->ft->units[i]);
    put_totals(p);
    free(columns);
    return OK;
}

static enum err put_note(void *ctx, const char *note)
{
    handout_line(ctx, note);
    return OK;
}

static void put_top(const struct form_table *ft, const struct hub *h, struct handout *out)
{
    const char *title = cli_pick(ft->form->title_ru, ft->form->title_en);
    char when[64];
    struct buf line;

    buf_init(&line, 4096);
    command_time(when, sizeof(when), clock_wall_ms(), TABLE_TEXT);
    handout_sheet(out, title, title);
    buf_printf(&line, "%s. %s. %s", h->conf.name, cli_pick(ft->period.label_ru, ft->period.label_en), when);
    handout_line(out, buf_cstr(&line));
    buf_fini(&line);
}

enum err form_table_write(const struct form_table *ft, const struct hub *h, bool only_total, const char *path)
{
    struct printing p = {.ft = ft};
    size_t at_once;
    enum err e =
        handout_new(&p.out, path, cli_pick(ft->form->title_ru, ft->form->title_en), command_internal(), clock_today());

    if (e != OK)
        return e;
    put_top(ft, h, p.out);
    at_once = handout_columns_at_once(p.out) - form_table_heads(ft->form);
    do { /* a form without columns has its units all the same */
        p.end = ft->column_count - p.first > at_once ? p.first + at_once : ft->column_count;
        e = put_table(&p, only_total);
        p.first = p.end;
    } while (p.first < ft->column_count && e == OK);
    if (e == OK && (e = form_table_notes(ft, put_note, p.out)) == OK && (e = handout_save(p.out)) == OK)
        (void)fprintf(stderr, _("%s: written; it is not encrypted and for the office alone\n"), path);
    handout_free(p.out);
    return e;
}
