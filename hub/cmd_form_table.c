/* table: the сводка of a form: on the terminal, as CSV and JSON, to be printed. */
#include "hub/cmd_form_table.h"

#include "common/clock.h"
#include "common/handout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADS 6u /* columns before those of the form, for programs; for people at most 3 */

struct view {
    const struct form_table *ft;
    struct hub *hub;
    enum table_format format;
    bool only_total;
    const char *xlsx, *html;
    struct buf *texts; /* one a column */
    const char **cells;
    struct table *table;
    size_t heads;
};

/* ---- on the terminal, for programs ---- */

static enum err put_cells(struct view *v, const struct form_table_cell *cells, bool totals)
{
    enum err e = OK;

    for (size_t i = 0; i < v->ft->column_count && e == OK; i++) {
        buf_reset(&v->texts[i]);
        if (!totals || v->ft->columns[i].is_added)
            form_table_put(&v->texts[i], v->ft, i, &cells[i], v->format == TABLE_TEXT);
        v->cells[v->heads + i] = buf_cstr(&v->texts[i]);
        e = buf_status(&v->texts[i]);
    }
    return e == OK ? table_row(v->table, v->cells) : e;
}

static enum err put_unit(struct view *v, const struct form_table_unit *u)
{
    char submissions[24], erased[24];

    (void)snprintf(submissions, sizeof(submissions), "%llu", (unsigned long long)u->submissions);
    (void)snprintf(erased, sizeof(erased), "%llu", (unsigned long long)u->erased);
    if (v->format == TABLE_TEXT) {
        v->cells[0] = form_table_unit_name(u);
        v->cells[1] = form_table_state(u, true);
        v->cells[2] = submissions; /* of a form with rows; else a cell of the form stands there by and by */
    } else {
        v->cells[0] = "unit";
        v->cells[1] = u->id;
        v->cells[2] = form_table_unit_name(u);
        v->cells[3] = form_table_state(u, false);
        v->cells[4] = submissions;
        v->cells[5] = erased;
    }
    return put_cells(v, u->cells, false);
}

static void clear_heads(struct view *v, const char *row, const char *title, const char *submissions)
{
    bool for_people = v->format == TABLE_TEXT;

    for (size_t i = 0; i < v->heads; i++)
        v->cells[i] = "";
    v->cells[0] = for_people ? title : row;
    if (!for_people)
        v->cells[4] = submissions;
    else if (v->heads > 2)
        v->cells[2] = submissions;
}

static enum err put_totals(struct view *v)
{
    char submissions[24];
    enum err e;

    (void)snprintf(submissions, sizeof(submissions), "%llu", (unsigned long long)v->ft->submissions);
    clear_heads(v, "total", _("Total"), submissions);
    if ((e = put_cells(v, v->ft->totals, true)) != OK)
        return e;
    clear_heads(v, "reported", _("Answered"), "");
    for (size_t i = 0; i < v->ft->column_count && e == OK; i++) {
        buf_reset(&v->texts[i]);
        if (v->format == TABLE_TEXT)
            form_table_put_answered(&v->texts[i], v->ft, i);
        else
            buf_printf(&v->texts[i], "%llu", (unsigned long long)v->ft->totals[i].n);
        v->cells[v->heads + i] = buf_cstr(&v->texts[i]);
        e = buf_status(&v->texts[i]);
    }
    return e == OK ? table_row(v->table, v->cells) : e;
}

static enum err print_note(void *ctx, const char *note)
{
    (void)ctx;
    return puts(note) < 0 ? ERR_IO : OK;
}

static struct table_column *columns_of(const struct view *v)
{
    static const char *const names[HEADS] = {"row", "unit", "name", "state", "submissions", "erased"};
    struct table_column *c = calloc(HEADS + v->ft->column_count, sizeof(*c));

    if (c == NULL)
        return NULL;
    for (size_t i = 0; i < HEADS; i++)
        c[i] = (struct table_column){names[i], names[i], TABLE_LEFT, i >= 4};
    if (v->format == TABLE_TEXT) {
        c[0].title = _("Unit");
        c[1].title = _("State");
        c[2].title = form_table_counted(v->ft->form);
        c[2].align = TABLE_RIGHT;
    }
    for (size_t i = 0; i < v->ft->column_count; i++) {
        const struct form_table_column *of = &v->ft->columns[i];
        bool is_word = of->kind == FORM_TABLE_WORD;

        c[v->heads + i] = (struct table_column){of->name, of->title, is_word ? TABLE_LEFT : TABLE_RIGHT, !is_word};
    }
    return c;
}

static enum err print_table(struct view *v)
{
    struct table_column *columns;
    enum err e = OK;

    v->heads = v->format == TABLE_TEXT ? form_table_heads(v->ft->form) : HEADS;
    if ((columns = columns_of(v)) == NULL ||
        (v->cells = calloc(HEADS + v->ft->column_count, sizeof(*v->cells))) == NULL)
        e = ERR_NOMEM;
    if (e == OK)
        e = table_new(&v->table, columns, v->heads + v->ft->column_count);
    for (size_t i = 0; i < v->ft->unit_count && e == OK && !v->only_total; i++)
        e = put_unit(v, &v->ft->units[i]);
    if (e == OK)
        e = put_totals(v);
    e = command_print(v->table, v->format, e);
    if (e == OK && v->format == TABLE_TEXT)
        e = form_table_notes(v->ft, print_note, NULL);
    free(columns);
    return e;
}

/* ---- the command ---- */

static enum err put_out(struct view *v)
{
    enum err e = OK;

    command_mark_internal();
    if (v->xlsx == NULL && v->html == NULL)
        return print_table(v);
    if (v->xlsx != NULL)
        e = form_table_write(v->ft, v->hub, v->only_total, v->xlsx);
    if (e == OK && v->html != NULL)
        e = form_table_write(v->ft, v->hub, v->only_total, v->html);
    return e;
}

static enum err with_texts(struct view *v, const struct form_table *ft)
{
    enum err e;

    v->ft = ft;
    if ((v->texts = calloc(ft->column_count + 1, sizeof(*v->texts))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < ft->column_count; i++)
        buf_init_secret(&v->texts[i], 64u << 10);
    e = put_out(v);
    for (size_t i = 0; i < ft->column_count; i++)
        buf_fini(&v->texts[i]);
    return e;
}

/* Who looked, before anything is shown: nothing leaves without it. */
static enum err show(struct view *v, const struct form *f, const struct period *p)
{
    struct form_table *ft = NULL;
    struct store_txn *t = NULL;
    enum err e = store_begin_read(v->hub->store, &t);

    if (e == OK)
        e = form_table_new(&ft, v->hub, t, f, p, clock_today());
    store_abort(t);
    if (e == OK)
        e = command_note(v->hub, AUDIT_VIEW_TABLE, f->id, "period=%s\nfile=%s%s", p->id, v->xlsx != NULL ? "xlsx " : "",
                         v->html != NULL ? "html" : "");
    if (e == OK)
        e = with_texts(v, ft);
    free(v->texts);
    free(v->cells);
    form_table_free(ft);
    return e;
}

static enum err read_level(const char *text, bool *only_total)
{
    *only_total = text != NULL && strcmp(text, "municipality") == 0;
    if (text == NULL || *only_total || strcmp(text, "unit") == 0)
        return OK;
    return err_set(ERR_USAGE, _("--level: unit or municipality is expected (found: %s)"), text);
}

int cmd_form_table(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *period = NULL, *level = NULL;
    struct view v = {0};
    const struct cli_command *c = command_named("table");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"period", 'p', N_("P"), N_("period: its id or its label"), &period},
        {"level", 0, N_("L"), N_("unit (default), or municipality: the totals alone"), &level},
        {"xlsx", 0, N_("FILE"), N_("write a workbook instead"), &v.xlsx},
        {"html", 0, N_("FILE"), N_("write a page to be printed instead"), &v.html},
        FORMAT_OPTION(&format),
        LAST_OPTION};
    const struct form *form = NULL;
    struct period p;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (period == NULL)
        return cli_fail(err_set(ERR_USAGE, "%s", _("say the period, too: --period P")));
    if ((e = command_format(&v.format, format)) != OK || (e = read_level(level, &v.only_total)) != OK ||
        (e = handout_names(v.xlsx, v.html)) != OK)
        return cli_fail(e);
    if ((e = command_open(&v.hub, home, HUB_WRITE)) == OK && (e = command_form(v.hub, argv[0], &form)) == OK &&
        (e = form_period(form, v.hub->calendar, period, &p)) == OK)
        e = show(&v, form, &p);
    return command_close(v.hub, e, false);
}
