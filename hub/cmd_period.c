/* period close, reopen, list: what a period's numbers were is frozen, and stays. */
#include "hub/commands.h"

#include "common/clock.h"
#include "hub/closing.h"
#include "hub/returns.h"
#include "hub/snapshot_take.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 200u /* returns that are not here, named one by one */

/* ---- what is not here yet ---- */

struct absent {
    uint64_t count;
};

static enum err name_absent(void *ctx, const struct return_row *r)
{
    struct absent *a = ctx;
    char due[11];

    if (r->facts.is_here || r->state == RETURN_WAIVED)
        return OK;
    date_format(due, r->days.due);
    if (a->count++ < LISTED_MAX)
        (void)fprintf(stderr, _("not here: %s of %s (due %s, %s)\n"), r->form->id, r->unit, due,
                      return_state_word(r->state));
    return OK;
}

static enum err count_absent(struct hub *h, struct store_txn *t, const struct closing_order *o, uint64_t *count)
{
    struct returns_query q = {.period = o->period, .group = o->group, .today = clock_today(), .with_closed = true};
    struct absent a = {0};
    enum err e = returns_each(h, t, &q, name_absent, &a);

    *count = a.count;
    if (a.count > LISTED_MAX)
        (void)fprintf(stderr, _("... and %llu more\n"), (unsigned long long)(a.count - LISTED_MAX));
    return e;
}

/* ---- period close ---- */

static enum err close_in(struct hub *h, struct store_txn *t, struct closing_order *o, uint64_t *lines)
{
    struct snapshot_writer w;
    enum err e = count_absent(h, t, o, &o->missing);

    if (e != OK)
        return e;
    if (o->missing > 0 && !o->is_forced)
        return err_set(ERR_INVALID,
                       ngettext("%llu return is not here; wait for it, waive it, or close with --force --reason TEXT",
                                "%llu returns are not here; wait for them, waive them, or close with --force --reason "
                                "TEXT",
                                o->missing),
                       (unsigned long long)o->missing);
    snapshot_writer_init(&w);
    if ((e = snapshot_take(h, t, o->period, o->group, &w)) == OK)
        e = closing_close(h, t, o, &w);
    *lines = w.count;
    snapshot_writer_fini(&w);
    return e;
}

static const char *in_group(char *out, size_t size, const char *group)
{
    (void)snprintf(out, size, "%s%s%s", group == NULL ? "" : " (", group == NULL ? "" : group,
                   group == NULL ? "" : ")");
    return out;
}

static enum err close_period(struct hub *h, const char *text, const struct closing_order *asked)
{
    char who[80], group[FORM_NAME_MAX + 8], lines[32];
    struct store_txn *t = NULL;
    struct closing_order o = *asked;
    struct period p;
    uint64_t count = 0;
    enum err e = command_begin(h, &t);

    if (e != OK)
        return e;
    command_user(who, sizeof(who));
    if (o.by == NULL)
        o.by = who;
    o.period = p.id;
    if ((e = command_period(h, text, &p)) == OK && (e = close_in(h, t, &o, &count)) == OK)
        e = hub_audit_do(h, t, who, AUDIT_PERIOD_CLOSE, p.id, "group=%s\nforced=%s\nby=%s",
                         o.group != NULL ? o.group : "", o.is_forced ? "yes" : "", o.by == who ? "" : o.by);
    if ((e = command_finish(h, t, e)) != OK)
        return e;
    cli_format_count(lines, sizeof(lines), count);
    (void)printf(_("Period %s%s is closed; values frozen: %s.\n"), p.id, in_group(group, sizeof(group), o.group),
                 lines);
    return OK;
}

int cmd_period_close(int argc, char **argv)
{
    const char *home = NULL, *force = NULL;
    struct closing_order o = {.period = NULL};
    const struct cli_command *c = command_named("period close");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"group", 'g', N_("G"), N_("only the forms of this group of the calendar"), &o.group},
        {"force", 0, NULL, N_("although returns are not here"), &force},
        {"reason", 'r', N_("TEXT"), N_("why"), &o.reason},
        {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &o.by},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    o.is_forced = force != NULL;
    if (o.is_forced && (o.reason == NULL || o.reason[0] == '\0'))
        return cli_fail(err_set(ERR_USAGE, _("--reason is missing: why is it closed although returns are not here?")));
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = close_period(h, argv[0], &o);
    return command_close(h, e, true);
}

/* ---- period reopen ---- */

static enum err reopen_period(struct hub *h, const char *text, const struct closing_order *asked)
{
    char who[80], group[FORM_NAME_MAX + 8];
    struct closing_order o = *asked;
    struct store_txn *t = NULL;
    struct period p;
    enum err e = command_begin(h, &t);

    if (e != OK)
        return e;
    command_user(who, sizeof(who));
    if (o.by == NULL)
        o.by = who;
    o.period = p.id;
    if ((e = command_period(h, text, &p)) == OK && (e = closing_reopen(h, t, &o)) == OK)
        e = hub_audit_do(h, t, who, AUDIT_PERIOD_REOPEN, p.id, "group=%s\nby=%s", o.group != NULL ? o.group : "",
                         o.by == who ? "" : o.by);
    if ((e = command_finish(h, t, e)) == OK)
        (void)printf(_("Period %s%s is open again; what was frozen can still be read.\n"), p.id,
                     in_group(group, sizeof(group), o.group));
    return e;
}

int cmd_period_reopen(int argc, char **argv)
{
    const char *home = NULL;
    struct closing_order o = {.period = NULL};
    const struct cli_command *c = command_named("period reopen");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"group", 'g', N_("G"), N_("only the forms of this group of the calendar"), &o.group},
        {"reason", 'r', N_("TEXT"), N_("why"), &o.reason},
        {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &o.by},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (o.reason == NULL || o.reason[0] == '\0')
        return cli_fail(err_set(ERR_USAGE, _("--reason is missing: why is it opened again?")));
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = reopen_period(h, argv[0], &o);
    return command_close(h, e, true);
}

/* ---- period list ---- */

struct listing {
    struct table *table;
    enum table_format format;
};

static enum err put_closing(void *ctx, const struct closing *c)
{
    const struct listing *l = ctx;
    char when[64], missing[24];
    const char *state = c->is_closed ? N_("closed") : N_("open again");
    const char *cells[] = {c->period,
                           c->group,
                           l->format == TABLE_TEXT ? _(state)
                           : c->is_closed          ? "closed"
                                                   : "reopened",
                           when,
                           c->by,
                           c->is_forced ? (l->format == TABLE_TEXT ? _("yes") : "yes")
                                        : (l->format == TABLE_TEXT ? _("no") : "no"),
                           missing,
                           c->reason};

    command_time(when, sizeof(when), c->wall_ms, l->format);
    (void)snprintf(missing, sizeof(missing), "%llu", (unsigned long long)c->missing);
    return table_row(l->table, cells);
}

static enum err list(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {
        {"period", _("Period"), TABLE_LEFT, false},   {"group", _("Group"), TABLE_LEFT, false},
        {"state", _("State"), TABLE_LEFT, false},     {"time", _("Since"), TABLE_LEFT, false},
        {"by", _("By"), TABLE_LEFT, false},           {"forced", _("Forced"), TABLE_LEFT, false},
        {"missing", _("Missing"), TABLE_RIGHT, true}, {"reason", _("Reason"), TABLE_LEFT, false}};
    struct listing l = {.format = f};
    struct store_txn *t = NULL;
    enum err e = table_new(&l.table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = closing_each(t, put_closing, &l);
    store_abort(t);
    return command_print(l.table, f, e);
}

int cmd_period_list(int argc, char **argv)
{
    return command_show("period list", argc, argv, HUB_READ, list);
}
