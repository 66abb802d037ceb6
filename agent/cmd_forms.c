#include "agent/cmd_common.h"

#include "agent/capture.h"
#include "agent/due_list.h"
#include "agent/excused.h"
#include "agent/template.h"
#include "agent/template_xlsx.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the list ---- */

/* A kind of school in words, as the field of that name says it: in the office's register, or else where a form asks for
 * the kind.  NULL: no form here knows it. */
static const char *kind_in(const struct form *f, const char *code)
{
    int32_t at = f != NULL ? form_find_field(f, "kind", 4) : -1;
    const struct choice_list *l = at >= 0 ? f->fields[at].choices : NULL;
    int32_t i = l != NULL ? choice_find(l, code, strlen(code)) : -1;

    return i >= 0 ? cli_pick(l->items[i].label_ru, l->items[i].label_en) : NULL;
}

static const char *kind_word(const struct agent *a, const char *code)
{
    const char *word = kind_in(agent_form(a, "roster"), code);

    for (size_t i = 0; word == NULL && i < a->form_count; i++)
        word = kind_in(agent_form_at(a, i), code);
    return word != NULL ? word : code;
}

/* What else the calendar says: for which kinds of schools, that the day is the office's own proposal, its note. */
static void put_note(struct buf *out, const struct agent *a, const struct due_rule *r)
{
    const char *note = cli_pick(r->note_ru, r->note_en);

    for (uint32_t i = 0; i < r->kind_count; i++)
        buf_printf(out, "%s%s", i == 0 ? _("only: ") : ", ", kind_word(a, r->kinds[i]));
    if (r->is_proposal)
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", _("the day is a proposal"));
    if (note != NULL)
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", note);
}

static enum err put_line(struct table *t, const struct agent *a, const struct due_line *l, enum table_format format)
{
    const struct form *f = l->form;
    const struct period *p = &l->period;
    char count[32], until[11] = "", due[11] = "", late[11] = "", accepted[11];
    struct buf note;
    const char *cells[] = {f->id,
                           f->version,
                           cli_pick(f->title_ru, f->title_en),
                           word_of_mode(f->mode),
                           p->id,
                           p->id[0] != '\0' ? cli_pick(p->label_ru, p->label_en) : "",
                           until,
                           due,
                           late,
                           count,
                           NULL,
                           accepted,
                           NULL};
    enum err e = due_line_accepted(a, l, accepted);

    if (e != OK || (e = due_line_marked(a, l, format == TABLE_TEXT, &cells[12])) != OK)
        return e;
    buf_init(&note, 4096);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)l->entered);
    if (p->id[0] != '\0')
        date_format(until, p->last);
    if (l->rule != NULL) {
        date_format(due, l->days.due);
        if (l->days.late_until > l->days.due)
            date_format(late, l->days.late_until);
        put_note(&note, a, l->rule);
    }
    e = excused_put(a, f->id, due_unit(a, f), p->id, due, late, &note);
    cells[10] = buf_cstr(&note);
    if (e == OK)
        e = table_row(t, cells);
    buf_fini(&note);
    return e;
}

static enum err list_forms(const struct agent *a, enum table_format format)
{
    const struct table_column columns[] = {{"form", _("form"), TABLE_LEFT, false},
                                           {"version", _("version"), TABLE_LEFT, false},
                                           {"title", _("title"), TABLE_LEFT, false},
                                           {"mode", _("filled in as"), TABLE_LEFT, false},
                                           {"period", _("period"), TABLE_LEFT, false},
                                           {"label", _("which is"), TABLE_LEFT, false},
                                           {"until", _("it ends on"), TABLE_LEFT, false},
                                           {"due", _("due on"), TABLE_LEFT, false},
                                           {"late_until", _("late until"), TABLE_LEFT, false},
                                           {"entered", _("entered"), TABLE_RIGHT, true},
                                           {"note", _("note"), TABLE_LEFT, false},
                                           {"accepted", _("accepted on"), TABLE_LEFT, false},
                                           {"return", _("the return is"), TABLE_LEFT, false}};
    struct due_list d;
    struct table *t = NULL;
    enum err e = due_list_read(&d, a, 0);

    if (e == OK)
        e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < d.count && e == OK; i++)
        e = put_line(t, a, &d.lines[i], format);
    if (e == OK)
        e = table_print(t, format, stdout);
    table_free(t);
    due_list_fini(&d);
    return e;
}

/* ---- one form ---- */

struct template_wish {
    const char *path, *period, *unit, *last;
};

static enum err put_field(struct table *t, const struct form_field *f, const char *inside)
{
    char name[2 * FORM_NAME_MAX + 4];
    struct buf choices;
    enum err e;

    (void)snprintf(name, sizeof(name), "%s%s%s", inside != NULL ? inside : "", inside != NULL ? "[]." : "", f->name);
    buf_init(&choices, (size_t)2 * FORM_MAX_BYTES);
    for (uint32_t i = 0; f->choices != NULL && i < f->choices->count; i++)
        buf_printf(&choices, "%s%s=%s", i > 0 ? ", " : "", f->choices->items[i].code,
                   cli_pick(f->choices->items[i].label_ru, f->choices->items[i].label_en));
    e = table_row(t, (const char *const[]){name, word_of_field_type(f), cli_pick(f->label_ru, f->label_en),
                                           word_of_need(f), buf_cstr(&choices), cli_pick(f->hint_ru, f->hint_en)});
    buf_fini(&choices);
    return e;
}

static enum err describe(const struct form *f, enum table_format format)
{
    const struct table_column columns[] = {
        {"field", _("field"), TABLE_LEFT, false},     {"type", _("type"), TABLE_LEFT, false},
        {"label", _("label"), TABLE_LEFT, false},     {"required", _("required"), TABLE_LEFT, false},
        {"choices", _("choices"), TABLE_LEFT, false}, {"hint", _("hint"), TABLE_LEFT, false}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && format == TABLE_TEXT)
        (void)printf("%s (%s, %s %s)\n%s\n\n", cli_pick(f->title_ru, f->title_en), f->id, _("version"), f->version,
                     word_of_mode(f->mode));
    for (uint32_t i = 0; i < f->field_count && e == OK; i++) {
        e = put_field(t, &f->fields[i], NULL);
        for (uint32_t k = 0; k < f->fields[i].column_count && e == OK; k++)
            e = put_field(t, &f->fields[i].columns[k], f->fields[i].name);
    }
    if (e == OK)
        e = table_print(t, format, stdout);
    table_free(t);
    return e;
}

/* The period that stands before, as the form's own calendar has it. */
static enum err find_last(const struct agent *a, const struct period *p, struct period *last)
{
    if (calendar_step(a->calendar, p, -1, last) != OK)
        return err_set(ERR_NOT_FOUND, _("--last: the calendar has no period before %s"),
                       cli_pick(p->label_ru, p->label_en));
    return OK;
}

static enum err save_workbook(struct agent *a, const struct form *f, const struct template_wish *w, struct capture *c)
{
    struct template_order o = {.form = f, .today = clock_today()};
    struct period last;
    uint64_t rows = 0;
    char count[32];
    enum err e = OK;

    if (c != NULL) {
        o.period = capture_period(c);
        o.unit = capture_unit(c);
    }
    if (w->last != NULL) {
        e = find_last(a, o.period, &last);
        o.last = &last;
    }
    if (e != OK || (e = template_workbook(a, &o, w->path, &rows)) != OK)
        return e;
    (void)printf(_("%s: a workbook to fill in; then import it with --xlsx\n"), w->path);
    if (w->last == NULL)
        return OK;
    cli_format_count(count, sizeof(count), rows);
    if (rows == 0)
        (void)printf(_("There is nothing on this computer for %s: the cells are empty.\n"),
                     cli_pick(last.label_ru, last.label_en));
    else
        (void)printf(_("Rows filled in as they were in %s: %s. The file is not encrypted: delete it when it is "
                       "imported.\n"),
                     cli_pick(last.label_ru, last.label_en), count);
    return OK;
}

static enum err make_workbook(struct agent *a, const struct form *f, const struct template_wish *w)
{
    struct capture_options o = {.form = f, .unit = w->unit, .period = w->period, .only_looks = true};
    struct capture *c = NULL;
    enum err e = OK;

    if (w->period == NULL && (w->unit != NULL || w->last != NULL))
        return err_set(ERR_USAGE, "%s", _("say the period, too: --period P"));
    if (w->period != NULL)
        e = capture_open(&c, a, &o);
    if (e == OK)
        e = save_workbook(a, f, w, c);
    capture_close(c);
    return e;
}

static bool is_workbook(const char *path)
{
    size_t len = strlen(path);

    return len > 5 && strcasecmp(path + len - 5, ".xlsx") == 0;
}

static enum err make_table(const struct form *f, const char *path)
{
    char choices[TEMPLATE_PATH_MAX];
    enum err e = template_write(f, path, choices);

    if (e == OK) {
        (void)printf(_("%s: headings and labels; put the rows below them and import the file\n"), path);
        (void)printf(_("%s: what may stand in the cells\n"), choices);
    }
    return e;
}

static enum err make_template(struct agent *a, const struct form *f, const struct template_wish *w)
{
    const char *dot = strrchr(w->path, '.');

    if (is_workbook(w->path))
        return make_workbook(a, f, w);
    if (dot != NULL && (strcasecmp(dot, ".xls") == 0 || strcasecmp(dot, ".ods") == 0))
        return err_set(ERR_USAGE,
                       _("%s: such a workbook is not written; name it .xlsx, every spreadsheet program opens it"),
                       w->path);
    if (w->period != NULL || w->unit != NULL || w->last != NULL)
        return err_set(ERR_USAGE, "%s", _("--period, --unit and --last go with a workbook: --template FILE.xlsx"));
    return make_table(f, w->path);
}

int cmd_forms(int argc, char **argv)
{
    static const struct cli_command self = {
        "forms", "[FORM [--template FILE.xlsx|FILE.csv [--period P] [--unit U] [--last]]]",
        N_("Without a form: all forms, the period that is running, and how much was entered for it. With a form: what "
           "it asks."),
        cmd_forms};
    const char *home = NULL;
    const char *format_name = NULL;
    struct template_wish wish = {NULL, NULL, NULL, NULL};
    const struct cli_option options[] = {
        {"template", 0, N_("FILE"), N_("write a workbook (.xlsx) or a table (.csv) to fill in and import"), &wish.path},
        OPTION_PERIOD(&wish.period),
        OPTION_UNIT(&wish.unit),
        {"last", 0, NULL, N_("a workbook: with what was entered for the period before"), &wish.last},
        OPTION_FORMAT(&format_name),
        OPTION_HOME(&home),
        OPTION_END};
    const struct form *form = NULL;
    enum table_format format;
    struct agent *a = NULL;
    int count;
    enum err e;

    if ((count = cli_parse(&self, options, argc, argv, 0, 1)) < 0)
        return cli_exit_code();
    if (wish.path != NULL && count == 0)
        return cli_fail(err_set(ERR_USAGE, "%s", _("say the form whose template is wanted")));
    if ((e = command_format(&format, format_name)) != OK || (e = command_open(&a, home)) != OK)
        return cli_fail(e);
    if (count == 0)
        e = list_forms(a, format);
    else if ((e = command_form(a, argv[0], &form)) == OK)
        e = wish.path != NULL ? make_template(a, form, &wish) : describe(form, format);
    agent_close(a);
    return cli_fail(e);
}
