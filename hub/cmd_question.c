/* question, question list: what the office asks a school, and what comes back. */
#include "hub/cmd_question.h"

#include "common/clock.h"
#include "common/utf8.h"

#include <stdio.h>
#include <string.h>

#define CELL_MAX 256u

/* ---- asking ---- */

struct ask_options {
    const char *form, *unit, *period, *field, *key, *text, *due, *by;
};

enum err question_read_due(const char *text, struct question_ask *a)
{
    if (text == NULL)
        return OK;
    if (date_parse_local(&a->due, text, strlen(text)) != OK)
        return err_set(ERR_USAGE, _("--due: \"%.40s\" is not a date; expected one like 2020-09-01 or 01.09.2020"),
                       text);
    if (a->due < clock_today())
        return err_set(ERR_USAGE, _("--due: the day %.40s is past"), text);
    a->has_due = true;
    return OK;
}

enum err question_note(struct hub *h, struct store_txn *t, const char *who, const char *by, const struct question *q)
{
    return hub_audit_do(h, t, who, AUDIT_RETURN_QUESTION, q->form, "unit=%s\nperiod=%s\nby=%s\nquestion=%llu\nfield=%s",
                        q->unit, q->period, by != NULL ? by : "", (unsigned long long)q->number, q->field);
}

static enum err ask_in(struct hub *h, struct store_txn *t, const struct ask_options *o, struct question *q)
{
    struct question_ask a = {.unit = o->unit, .field = o->field, .key = o->key, .text = o->text};
    struct period period;
    char who[80];
    int32_t field;
    enum err e;

    command_user(who, sizeof(who));
    a.by = o->by != NULL ? o->by : who;
    if ((e = question_read_due(o->due, &a)) != OK || (e = command_form(h, o->form, &a.form)) != OK ||
        (strcmp(o->unit, UNIT_DISTRICT) != 0 && (e = command_unit(h, o->unit)) != OK) ||
        (e = form_period(a.form, h->calendar, o->period, &period)) != OK)
        return e;
    if (o->field != NULL && (field = form_find_field_said(a.form, o->field, strlen(o->field))) >= 0)
        a.field = a.form->fields[field].name;
    a.period = period.id;
    e = questions_ask(h, t, &a, q);
    return e == OK ? question_note(h, t, who, o->by, q) : e;
}

static enum err ask(struct hub *h, const struct ask_options *o)
{
    const struct participant *to;
    struct store_txn *t = NULL;
    struct question q = {.number = 0};
    enum err e = command_begin(h, &t);

    if (e == OK)
        e = command_finish(h, t, ask_in(h, t, o, &q));
    if (e != OK)
        return e;
    (void)printf(_("Form %s of %s for %s is asked back about; a change there makes it \"received\" again.\n"), o->form,
                 o->unit, o->period);
    to = registry_by_index(h->registry, q.participant);
    (void)printf(_("Question %llu goes to %s with the next meeting or file.\n"), (unsigned long long)q.number,
                 to != NULL ? to->grant.name : q.unit);
    return OK;
}

static enum err check_options(const struct ask_options *o)
{
    if (o->unit == NULL)
        return err_set(ERR_USAGE, _("--unit is missing: whose return is it?"));
    if (o->period == NULL)
        return err_set(ERR_USAGE, _("--period is missing: for which period is it?"));
    if (o->text == NULL || o->text[0] == '\0')
        return err_set(ERR_USAGE, _("--text is missing: what is asked?"));
    return OK;
}

int cmd_question(int argc, char **argv)
{
    struct ask_options o = {.form = NULL};
    const char *home = NULL;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"unit", 'u', N_("U"), N_("unit"), &o.unit},
        {"period", 'p', N_("P"), N_("period: its id or its label"), &o.period},
        {"field", 0, N_("F"), N_("field that is asked about"), &o.field},
        {"key", 'k', N_("K"), N_("key of the row that is asked about"), &o.key},
        {"text", 0, N_("TEXT"), N_("what is asked (no personal data: a file on a stick is not locked)"), &o.text},
        {"due", 0, N_("DATE"), N_("until when an answer is expected"), &o.due},
        {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &o.by},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named("question"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    o.form = argv[0];
    if ((e = check_options(&o)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = ask(h, &o);
    return command_close(h, e, true);
}

/* ---- the list ---- */

struct list {
    struct hub *hub;
    struct table *rows;
    enum table_format format;
    const char *unit, *form, *period;
    bool open, answered;
};

static bool is_wanted(const struct list *l, const struct question_line *x)
{
    bool is_answered = x->state == QUESTION_CHECKED || x->state == QUESTION_CORRECTED || x->state == QUESTION_UNKNOWN;

    if ((l->unit != NULL && strcmp(l->unit, x->q->unit) != 0) ||
        (l->form != NULL && strcmp(l->form, x->q->form) != 0) ||
        (l->period != NULL && strcmp(l->period, x->q->period) != 0))
        return false;
    if (!l->open && !l->answered)
        return true;
    return (l->open && x->state == QUESTION_OPEN) || (l->answered && is_answered);
}

/* For people the form's and the field's own titles. */
static void put_titles(const struct list *l, const struct question *q, char form[CELL_MAX], char field[CELL_MAX])
{
    const struct form *f = l->format == TABLE_TEXT ? hub_form_by_id(l->hub, q->form) : NULL;
    int32_t i = f == NULL || q->field[0] == '\0' ? -1 : form_find_field(f, q->field, strlen(q->field));

    utf8_copy(form, CELL_MAX, f == NULL ? q->form : cli_pick(f->title_ru, f->title_en));
    utf8_copy(field, CELL_MAX, i < 0 ? q->field : cli_pick(f->fields[i].label_ru, f->fields[i].label_en));
}

static enum err put_line(void *ctx, const struct question_line *x)
{
    struct list *l = ctx;
    const struct question *q = x->q;
    char number[24], form[CELL_MAX], field[CELL_MAX], asked[64], due[11] = "", answered[64];
    bool is_gone = x->is_withdrawn && l->format == TABLE_TEXT;
    const char *state = l->format == TABLE_TEXT ? question_state_word(x->state) : question_state_name(x->state);
    const char *cells[] = {number,    form,     q->unit,      q->period,
                           field,     x->key,   q->text,      asked,
                           due,       state,    x->old_value, is_gone ? _("withdrawn") : x->new_value,
                           x->remark, answered, q->by};

    if (!is_wanted(l, x))
        return OK;
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)q->number);
    put_titles(l, q, form, field);
    command_time(asked, sizeof(asked), q->asked_ms, l->format);
    command_time(answered, sizeof(answered), x->answered_ms, l->format);
    if (q->has_due)
        date_format(due, q->due);
    return table_row(l->rows, cells);
}

static enum err show_list(struct list *l)
{
    const struct table_column columns[] = {{"question", _("Question"), TABLE_RIGHT, true},
                                           {"form", _("Form"), TABLE_LEFT, false},
                                           {"unit", _("Unit"), TABLE_LEFT, false},
                                           {"period", _("Period"), TABLE_LEFT, false},
                                           {"field", _("Field"), TABLE_LEFT, false},
                                           {"key", _("Row"), TABLE_LEFT, false},
                                           {"text", _("What is asked"), TABLE_LEFT, false},
                                           {"asked", _("Asked"), TABLE_LEFT, false},
                                           {"due", _("Answer until"), TABLE_LEFT, false},
                                           {"state", _("State"), TABLE_LEFT, false},
                                           {"old_value", _("Was"), TABLE_LEFT, false},
                                           {"new_value", _("Is now"), TABLE_LEFT, false},
                                           {"remark", _("The school says"), TABLE_LEFT, false},
                                           {"answered", _("Answered"), TABLE_LEFT, false},
                                           {"by", _("By whom"), TABLE_LEFT, false}};
    struct store_txn *t = NULL;
    enum err e = table_new(&l->rows, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(l->hub->store, &t)) == OK)
        e = questions_lines(l->hub, t, put_line, l);
    store_abort(t);
    return command_print(l->rows, l->format, e);
}

int cmd_question_list(int argc, char **argv)
{
    struct list l = {.hub = NULL};
    const char *home = NULL, *format = NULL, *open = NULL, *answered = NULL, *proposed = NULL, *period = NULL;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        FORMAT_OPTION(&format),
        {"open", 0, NULL, N_("only those that have no answer"), &open},
        {"answered", 0, NULL, N_("only those that wait for the office: answered, not accepted"), &answered},
        {"proposed", 0, NULL, N_("what the forms' soft checks propose to ask, instead"), &proposed},
        {"form", 0, N_("F"), N_("only this form"), &l.form},
        {"unit", 'u', N_("U"), N_("only this unit"), &l.unit},
        {"period", 'p', N_("P"), N_("only this period"), &period},
        LAST_OPTION};
    struct period found;
    enum err e;

    if (cli_parse(command_named("question list"), options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    l.open = open != NULL;
    l.answered = answered != NULL;
    if ((e = command_format(&l.format, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&l.hub, home, HUB_WRITE)) == OK &&
        (period == NULL || (e = command_period(l.hub, period, &found)) == OK)) {
        l.period = period == NULL ? NULL : found.id;
        e = command_note(l.hub, AUDIT_VIEW_QUESTIONS, l.form != NULL ? l.form : "", "unit=%s\nperiod=%s",
                         l.unit != NULL ? l.unit : "", l.period != NULL ? l.period : "");
        if (e == OK)
            e = proposed != NULL
                    ? question_show_proposed(l.hub, &(struct proposal_filter){l.form, l.unit, l.period}, l.format)
                    : show_list(&l);
    }
    return command_close(l.hub, e, false);
}
