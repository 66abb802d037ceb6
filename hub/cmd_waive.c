/* waive, extend, waive list: the office does without a return, or gives it another day. */
#include "hub/commands.h"

#include "common/clock.h"
#include "common/utf8.h"
#include "hub/excuse.h"
#include "protocol/notice.h"

#include <stdio.h>
#include <string.h>

struct waive {
    const char *form, *period, *until, *reason, *by, *remove;
    struct command_list units;
    bool extends;
    int32_t day;
    uint64_t done;
};

/* ---- what the calendar says of the return ---- */

struct look {
    bool is_asked, is_here;
    int32_t due; /* without any extension */
};

static enum err look_at(void *ctx, const struct return_row *r)
{
    struct look *l = ctx;
    struct due_days days = r->days;

    (void)due_rule_days(r->rule, r->form, r->period, &days);
    l->is_asked = true;
    l->is_here = r->facts.is_here;
    l->due = days.due;
    return OK;
}

static enum err check(struct hub *h, struct store_txn *t, const struct waive *w, const char *unit, const char *period)
{
    const struct returns_query q = {.form = w->form, .unit = unit, .period = period, .today = clock_today()};
    struct look l = {.is_asked = false};
    char due[40];
    enum err e = returns_each(h, t, &q, look_at, &l);

    if (e != OK)
        return e;
    if (!l.is_asked)
        return err_set(ERR_NOT_FOUND, _("the calendar does not ask %s for form %s in %s: there is nothing to change"),
                       unit, w->form, period);
    if (!w->extends)
        return l.is_here ? err_set(ERR_EXISTS, _("form %s of %s for %s is here already"), w->form, unit, period) : OK;
    cli_format_date(due, sizeof(due), l.due);
    return w->day > l.due ? OK : err_set(ERR_INVALID, _("--until: it is due on %s anyway"), due);
}

/* ---- deciding ---- */

static enum err decide_unit(struct hub *h, struct store_txn *t, struct waive *w, const struct form *f, const char *unit,
                            const struct period *p)
{
    struct excuse x = {.kind = w->remove != NULL ? EXCUSE_NONE
                               : w->extends      ? EXCUSE_EXTENSION
                                                 : EXCUSE_WAIVER,
                       .day = w->day};
    enum audit_action action = w->remove != NULL ? AUDIT_RETURN_UNDO
                               : w->extends      ? AUDIT_RETURN_EXTEND
                                                 : AUDIT_RETURN_WAIVE;
    char who[80], until[11] = "";
    enum err e = strcmp(unit, UNIT_DISTRICT) == 0 ? OK : command_unit(h, unit);

    if (e != OK || (w->remove == NULL && (e = check(h, t, w, unit, p->id)) != OK))
        return e;
    command_user(who, sizeof(who));
    (void)snprintf(x.form, sizeof(x.form), "%s", f->id);
    (void)snprintf(x.unit, sizeof(x.unit), "%s", unit);
    (void)snprintf(x.period, sizeof(x.period), "%s", p->id);
    utf8_copy(x.by, sizeof(x.by), w->by != NULL ? w->by : who);
    utf8_copy(x.reason, sizeof(x.reason), w->reason != NULL ? w->reason : "");
    if ((e = excuse_decide(h, t, &x)) == ERR_NOT_FOUND)
        return err_set(e,
                       _("nothing was decided here about form %s of %s for %s; what stands in the form \"waiver\" is "
                         "taken back there"),
                       f->id, unit, p->id);
    if (w->extends && w->remove == NULL)
        date_format(until, w->day);
    w->done++;
    return e == OK ? hub_audit_do(h, t, who, action, f->id, "unit=%s\nperiod=%s\nuntil=%s\nby=%s", unit, p->id, until,
                                  w->by != NULL ? w->by : "")
                   : e;
}

static enum err decide_in(struct hub *h, struct store_txn *t, struct waive *w)
{
    const struct form *f;
    struct period p;
    enum err e;

    if ((e = command_form(h, w->form, &f)) != OK || (e = form_period(f, h->calendar, w->period, &p)) != OK)
        return e;
    for (size_t i = 0; i < w->units.count && e == OK; i++)
        e = decide_unit(h, t, w, f, w->units.items[i], &p);
    return e;
}

static void say(const struct waive *w)
{
    char until[40];

    cli_format_date(until, sizeof(until), w->day);
    if (w->remove != NULL)
        (void)printf(_("Taken back for %llu of %s for %s; the schools are told.\n"), (unsigned long long)w->done,
                     w->form, w->period);
    else if (w->extends)
        (void)printf(_("Form %s for %s is due on %s for %llu; the schools see it after the next meeting or file.\n"),
                     w->form, w->period, until, (unsigned long long)w->done);
    else
        (void)printf(_("Form %s for %s is not asked of %llu; the schools see it after the next meeting or file.\n"),
                     w->form, w->period, (unsigned long long)w->done);
}

static enum err check_usage(struct waive *w)
{
    if (w->units.count == 0)
        return err_set(ERR_USAGE, _("--unit is missing: whose return is it?"));
    if (w->period == NULL)
        return err_set(ERR_USAGE, _("--period is missing"));
    if (w->remove != NULL)
        return OK;
    if (w->reason == NULL || w->reason[0] == '\0')
        return err_set(ERR_USAGE,
                       _("--reason is missing: why, in a few words; they are kept with the decision, and the school "
                         "reads them"));
    if (strlen(w->reason) > NOTICE_TEXT_MAX)
        return err_set(ERR_USAGE, _("--reason: at most %u bytes (half as many Russian letters)"), NOTICE_TEXT_MAX);
    if (w->by != NULL && strlen(w->by) > RETURN_BY_MAX)
        return err_set(ERR_USAGE, _("the name of who says it is longer than %u bytes"), RETURN_BY_MAX);
    if (!w->extends)
        return OK;
    if (w->until == NULL)
        return err_set(ERR_USAGE, _("--until is missing: the new day"));
    return date_parse_local(&w->day, w->until, strlen(w->until)) == OK
               ? OK
               : err_set(ERR_USAGE, _("--until: \"%.40s\" is not a date; expected one like 2020-09-01 or 01.09.2020"),
                         w->until);
}

static int run(const char *name, int argc, char **argv, bool extends)
{
    const char *home = NULL;
    struct waive w = {.extends = extends};
    const struct cli_option until = {"until", 0, N_("DATE"), N_("the new day, included"), &w.until};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"unit", 'u', N_("U"), N_("whose return; may be given several times"), NULL},
        {"period", 'p', N_("P"), N_("the period: its id or its label"), &w.period},
        {"reason", 'r', N_("TEXT"), N_("why: the school reads it (no personal data)"), &w.reason},
        {"by", 0, N_("NAME"), N_("who decides (default: the account)"), &w.by},
        {"remove", 0, NULL, N_("take the decision back"), &w.remove},
        extends ? until : (struct cli_option)LAST_OPTION,
        LAST_OPTION};
    struct store_txn *t = NULL;
    struct hub *h = NULL;
    enum err e = command_take_list(options, "unit", &argc, argv, &w.units);

    if (e != OK)
        return cli_fail(e);
    if (cli_parse(command_named(name), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    w.form = argv[0];
    if ((e = check_usage(&w)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = command_begin(h, &t)) == OK &&
        (e = command_finish(h, t, decide_in(h, t, &w))) == OK)
        say(&w);
    return command_close(h, e, true);
}

int cmd_waive(int argc, char **argv)
{
    return run("waive", argc, argv, false);
}

int cmd_extend(int argc, char **argv)
{
    return run("extend", argc, argv, true);
}

/* ---- the list ---- */

struct list {
    struct table *rows;
    enum table_format format;
};

static enum err put_row(void *ctx, const struct excuse *x)
{
    const struct list *l = ctx;
    char day[11] = "", count[24] = "", when[64];
    const char *cells[] = {x->unit, x->form, x->period, NULL, day, count, x->reason, x->by, when};

    cells[3] = l->format == TABLE_TEXT ? excuse_kind_word(x->kind) : excuse_kind_name(x->kind);
    if (x->kind != EXCUSE_WAIVER)
        date_format(day, x->day);
    if (x->kind == EXCUSE_CALL)
        (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)x->count);
    command_time(when, sizeof(when), x->wall_ms, l->format);
    return table_row(l->rows, cells);
}

static enum err show_list(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {
        {"unit", _("Unit"), TABLE_LEFT, false},      {"form", _("Form"), TABLE_LEFT, false},
        {"period", _("Period"), TABLE_LEFT, false},  {"kind", _("Decided"), TABLE_LEFT, false},
        {"day", _("Day"), TABLE_LEFT, false},        {"waiting", _("Entries"), TABLE_RIGHT, true},
        {"reason", _("Reason"), TABLE_LEFT, false},  {"by", _("Who decided"), TABLE_LEFT, false},
        {"written", _("Written"), TABLE_LEFT, false}};
    struct list l = {.format = f};
    struct store_txn *t = NULL;
    enum err e = table_new(&l.rows, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = excuse_each(t, put_row, &l);
    store_abort(t);
    return command_print(l.rows, f, e);
}

int cmd_waive_list(int argc, char **argv)
{
    return command_show("waive list", argc, argv, HUB_READ, show_list);
}
