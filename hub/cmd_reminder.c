/* reminder: for each school that owes something, or soon will, a text to paste into a message: what, for which period,
 * until when, and what to do.  Nothing personal is in it. */
#include "hub/commands.h"

#include "common/clock.h"
#include "hub/returns.h"
#include "hub/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_AHEAD  7
#define RETURNS_MAX 1000000u
#define DAY_TEXT    40u

struct owed {
    char unit[ID_MAX + 1];
    const char *name; /* the school's, a loan of the roster or the registry */
    const struct form *form;
    struct period period;
    enum return_state state;
    int32_t due, late_until;
};
struct owing {
    const struct hub *hub;
    const struct roster *roster;
    int32_t today, last; /* what is due up to that day is told */
    struct owed *items;
    size_t count, cap;
};

/* ---- who owes what ---- */

static const char *name_of(const struct owing *o, const char *unit)
{
    const struct participant *p = registry_by_id(o->hub->registry, unit);
    const char *name = roster_name(o->roster, unit);

    return strcmp(name, unit) == 0 && p != NULL ? p->grant.name : name;
}

/* What is received, accepted or waived is nobody's business here; the district's own returns are the office's. */
static bool is_owed(const struct owing *o, const struct return_row *r)
{
    if (strcmp(r->unit, UNIT_DISTRICT) == 0 || r->facts.is_here)
        return false;
    switch (r->state) {
    case RETURN_LATE:
    case RETURN_MISSING:
    case RETURN_WAITING: return true;
    case RETURN_DUE: return r->days.due <= o->last;
    case RETURN_NOT_DUE:
    case RETURN_RECEIVED:
    case RETURN_ACCEPTED:
    case RETURN_QUESTIONED:
    case RETURN_WAIVED:
    case RETURN_STATES: break;
    }
    return false;
}

static enum err take(void *ctx, const struct return_row *r)
{
    struct owing *o = ctx;
    struct owed *at;

    if (!is_owed(o, r))
        return OK;
    if (o->count == o->cap) {
        size_t cap = o->cap == 0 ? 64 : 2 * o->cap;
        struct owed *grown = o->cap >= RETURNS_MAX ? NULL : reallocarray(o->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        o->items = grown;
        o->cap = cap;
    }
    at = &o->items[o->count++];
    *at = (struct owed){
        .form = r->form, .period = *r->period, .state = r->state, .due = r->days.due, .late_until = r->days.late_until};
    (void)snprintf(at->unit, sizeof(at->unit), "%s", r->unit);
    at->name = name_of(o, r->unit);
    return OK;
}

static int by_school(const void *a, const void *b)
{
    const struct owed *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (order == 0)
        order = strcmp(x->unit, y->unit);
    if (order == 0)
        order = (x->due > y->due) - (x->due < y->due);
    return order != 0 ? order : strcmp(x->form->id, y->form->id);
}

/* ---- the text ---- */

static void say_return(const struct owing *o, const struct owed *r)
{
    char due[DAY_TEXT], late[DAY_TEXT];

    cli_format_date(due, sizeof(due), r->due);
    cli_format_date(late, sizeof(late), r->late_until);
    (void)printf("- %s, %s: ", cli_pick(r->form->title_ru, r->form->title_en),
                 cli_pick(r->period.label_ru, r->period.label_en));
    if (r->state == RETURN_WAITING)
        (void)printf(_("it is filled in at your school but has not come to us; it was due on %s\n"), due);
    else if (r->state == RETURN_MISSING)
        (void)printf(_("it was due on %s, and we do not have it\n"), due);
    else if (r->state == RETURN_LATE && r->late_until > o->today)
        (void)printf(_("it was due on %s; we take it until %s\n"), due, late);
    else if (r->state == RETURN_LATE)
        (void)printf(_("it was due on %s; today is the last day\n"), due);
    else if (r->due == o->today)
        (void)printf(_("it is due today\n"));
    else
        (void)printf(_("it is due on %s\n"), due);
}

static void say_school(const struct owing *o, size_t first, size_t end)
{
    const struct hub_conf *conf = &o->hub->conf;

    (void)printf("%s (%s)\n\n%s\n", o->items[first].name, o->items[first].unit,
                 _("Good day! We are waiting for the following from you:"));
    for (size_t i = first; i < end; i++)
        say_return(o, &o->items[i]);
    (void)printf(
        "\n%s\n%s\n%s\n%s\n", _("Fill in what is missing and send it: svodka-agent sync."),
        _("If there is nothing to report, say that: svodka-agent return FORM --period P --nothing."),
        _("If you have sent it by mail or by stick already, there is nothing to do: it is counted as soon as the "
          "file has reached us."),
        _("If there is no line, call us and read out the codes that svodka-agent waits shows."));
    if (conf->telephone != NULL)
        (void)printf(_("Telephone: %s\n"), conf->telephone);
    (void)printf("%s\n", conf->name);
}

static void say_all(const struct owing *o)
{
    for (size_t first = 0; first < o->count;) {
        size_t end = first;

        while (end < o->count && strcmp(o->items[end].unit, o->items[first].unit) == 0)
            end++;
        (void)printf("%s", first > 0 ? "\n----------------------------------------\n\n" : "");
        say_school(o, first, end);
        first = end;
    }
    if (o->count == 0)
        (void)printf("%s\n", _("Nobody has to be reminded: nothing is late, and nothing is due so soon."));
}

static enum err print_rows(const struct owing *o, enum table_format f)
{
    const struct table_column columns[] = {{"unit", "unit", TABLE_LEFT, false},
                                           {"name", "name", TABLE_LEFT, false},
                                           {"form", "form", TABLE_LEFT, false},
                                           {"title", "title", TABLE_LEFT, false},
                                           {"period", "period", TABLE_LEFT, false},
                                           {"label", "label", TABLE_LEFT, false},
                                           {"state", "state", TABLE_LEFT, false},
                                           {"due", "due", TABLE_LEFT, false},
                                           {"late_until", "late_until", TABLE_LEFT, false}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < o->count && e == OK; i++) {
        const struct owed *r = &o->items[i];
        char due[11], late[11];

        date_format(due, r->due);
        date_format(late, r->late_until);
        e = table_row(t, (const char *const[]){r->unit, r->name, r->form->id,
                                               cli_pick(r->form->title_ru, r->form->title_en), r->period.id,
                                               cli_pick(r->period.label_ru, r->period.label_en),
                                               return_state_name(r->state), due, late});
    }
    return command_print(t, f, e);
}

/* ---- the command ---- */

static enum err remind(struct hub *h, struct returns_query *q, int64_t days, enum table_format f)
{
    struct owing o = {.hub = h, .today = q->today, .last = q->today + (int32_t)days};
    struct roster *roster = NULL;
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e == OK && (e = roster_load(&roster, h, t)) == OK) {
        o.roster = roster;
        e = returns_each(h, t, q, take, &o);
    }
    store_abort(t);
    if (e == OK && o.count > 1)
        qsort(o.items, o.count, sizeof(*o.items), by_school);
    if (e == OK && f == TABLE_TEXT)
        say_all(&o);
    else if (e == OK)
        e = print_rows(&o, f);
    free(o.items);
    roster_free(roster);
    return e;
}

int cmd_reminder(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *ahead = NULL;
    struct returns_query q = {.today = clock_today()};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"form", 'f', N_("F"), N_("only this form"), &q.form},
        {"period", 'p', N_("P"), N_("only this period"), &q.period},
        {"school", 0, N_("U"), N_("only this school, by its unit"), &q.unit},
        {"days", 0, N_("N"), N_("also what is due within so many days (default: 7)"), &ahead},
        FORMAT_OPTION(&format),
        LAST_OPTION};
    struct period period;
    const struct form *form;
    int64_t days = DAYS_AHEAD;
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named("reminder"), options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK || (e = command_number(&days, "days", ahead, 0, 366)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK &&
        (q.form == NULL || (e = command_form(h, q.form, &form)) == OK) &&
        (q.unit == NULL || (e = command_unit(h, q.unit)) == OK) &&
        (q.period == NULL || (e = command_period(h, q.period, &period)) == OK)) {
        if (q.period != NULL)
            q.period = period.id;
        e = remind(h, &q, days, f);
    }
    return command_close(h, e, false);
}
