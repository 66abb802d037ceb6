/* comment, comment list: what the office writes beside a line of the indicators. */
#include "hub/comments.h"

#include "common/clock.h"
#include "hub/explain.h"

#include <stdio.h>
#include <string.h>

/* ---- one ---- */

static enum err show(struct explain *x)
{
    const struct comment_place at = explain_comment_place(x);
    struct store_txn *t = NULL;
    struct comment c;
    char when[64];
    enum err e = store_begin_read(x->hub->store, &t);

    if (e == OK)
        e = comment_get(t, &at, &c);
    store_abort(t);
    if (e == ERR_NOT_FOUND)
        return err_set(e, _("there is no comment on this line; --text TEXT writes one"));
    if (e != OK)
        return e;
    command_time(when, sizeof(when), c.wall_ms, TABLE_TEXT);
    (void)printf("%s\n%s, %s\n", c.text, c.by, when);
    return OK;
}

static enum err change_in(struct explain *x, struct store_txn *t, const char *text)
{
    const struct comment_place at = explain_comment_place(x);
    char who[COMMENT_BY_MAX];
    enum err e;

    command_user(who, sizeof(who));
    e = text != NULL ? comment_put(t, &at, who, text, clock_wall_ms()) : comment_remove(t, &at);
    if (e != OK)
        return e == ERR_NOT_FOUND ? err_set(e, _("there is no comment on this line: nothing was removed")) : e;
    return hub_audit_do(x->hub, t, who, text != NULL ? AUDIT_COMMENT_WRITE : AUDIT_COMMENT_REMOVE, at.indicator,
                        "programme=%s\nperiod=%s\nunit=%s\nbreakdown=%s", at.programme, at.period, at.unit,
                        at.breakdown);
}

struct wanted {
    const char *programme, *indicator, *period, *text;
};

/* The line is looked for in the transaction's own definitions. */
static enum err change(struct explain *x, const struct wanted *w)
{
    struct store_txn *t = NULL;
    enum err e = command_begin(x->hub, &t);

    if (e != OK)
        return e;
    if ((e = explain_find(x, w->programme, w->indicator, w->period)) == OK)
        e = change_in(x, t, w->text);
    if ((e = command_finish(x->hub, t, e)) != OK)
        return e;
    (void)puts(w->text != NULL ? _("The comment is kept. It stands beside this line in tables, workbooks and pages of "
                                   "the office; `publish` never takes it along.")
                               : _("The comment is removed."));
    return OK;
}

int cmd_comment(int argc, char **argv)
{
    const char *home = NULL, *remove = NULL, *breakdown = NULL;
    struct explain x = {0};
    struct wanted w = {.programme = NULL};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"period", 'p', N_("P"), N_("the period: its id or its label"), &w.period},
        {"unit", 'u', N_("U"), N_("the unit (default: the whole municipality)"), &x.unit},
        {"breakdown", 0, N_("B"), N_("one part of it, as `indicators` names it: NAME=CODE"), &breakdown},
        {"programme", 0, N_("P"), N_("when several programmes have an indicator of this name"), &w.programme},
        {"text", 0, N_("TEXT"), N_("write this comment, over the one that is there (no personal data)"), &w.text},
        {"remove", 0, NULL, N_("take the comment away"), &remove},
        LAST_OPTION};
    enum err e;

    if (cli_parse(command_named("comment"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    w.indicator = argv[0];
    x.breakdown = breakdown != NULL ? breakdown : "";
    if (w.period == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--period is missing")));
    if (w.text != NULL && remove != NULL)
        return cli_fail(err_set(ERR_USAGE, _("--text and --remove do not go together")));
    if ((e = command_open(&x.hub, home, w.text != NULL || remove != NULL ? HUB_WRITE : HUB_READ)) == OK) {
        if (w.text != NULL || remove != NULL)
            e = change(&x, &w);
        else if ((e = explain_find(&x, w.programme, w.indicator, w.period)) == OK)
            e = show(&x);
    }
    return command_close(x.hub, e, false);
}

/* ---- the list ---- */

struct list {
    struct table *rows;
    enum table_format format;
    const char *period, *unit;
};

static enum err put_row(void *ctx, const struct comment_place *at, const struct comment *c)
{
    const struct list *l = ctx;
    char when[64];
    const char *cells[] = {at->programme, at->indicator, at->period, at->unit, at->breakdown, c->text, c->by, when};

    if ((l->period != NULL && strcmp(l->period, at->period) != 0) ||
        (l->unit != NULL && strcmp(l->unit, at->unit) != 0))
        return OK;
    command_time(when, sizeof(when), c->wall_ms, l->format);
    if (l->format == TABLE_TEXT && at->unit[0] == '\0')
        cells[3] = _("municipality");
    return table_row(l->rows, cells);
}

static enum err show_list(struct hub *h, struct list *l, const char *programme)
{
    const struct table_column columns[] = {
        {"programme", _("Programme"), TABLE_LEFT, false}, {"indicator", _("Indicator"), TABLE_LEFT, false},
        {"period", _("Period"), TABLE_LEFT, false},       {"unit", _("Unit"), TABLE_LEFT, false},
        {"breakdown", _("Of them"), TABLE_LEFT, false},   {"comment", _("Comment"), TABLE_LEFT, false},
        {"by", _("By whom"), TABLE_LEFT, false},          {"written", _("Written"), TABLE_LEFT, false}};
    struct store_txn *t = NULL;
    enum err e = table_new(&l->rows, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = comments_each(t, programme, put_row, l);
    store_abort(t);
    return command_print(l->rows, l->format, e);
}

int cmd_comment_list(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *programme = NULL;
    struct list l = {.rows = NULL};
    const struct cli_option options[] = {HOME_OPTION(&home),
                                         FORMAT_OPTION(&format),
                                         {"programme", 0, N_("P"), N_("of this programme only"), &programme},
                                         {"period", 'p', N_("P"), N_("only this period"), &l.period},
                                         {"unit", 'u', N_("U"), N_("only this unit"), &l.unit},
                                         LAST_OPTION};
    struct period period;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named("comment list"), options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&l.format, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK &&
        (l.period == NULL || (e = command_period(h, l.period, &period)) == OK)) {
        if (l.period != NULL)
            l.period = period.id;
        e = show_list(h, &l, programme);
    }
    return command_close(h, e, false);
}
