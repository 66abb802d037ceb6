/* accept: the office's word that a return is right. */
#include "hub/commands.h"

#include "hub/questions.h"

#include <stdio.h>
#include <string.h>

struct accept_options {
    const char *form, *unit, *period, *by;
};

static enum err accept_in(struct hub *h, struct store_txn *t, const struct accept_options *o)
{
    const struct form *form;
    struct period period;
    char who[80];
    enum err e;

    if ((e = command_form(h, o->form, &form)) != OK ||
        (strcmp(o->unit, UNIT_DISTRICT) != 0 && (e = command_unit(h, o->unit)) != OK) ||
        (e = form_period(form, h->calendar, o->period, &period)) != OK)
        return e;
    command_user(who, sizeof(who));
    if ((e = questions_accept(h, t, form->id, o->unit, period.id, o->by != NULL ? o->by : who)) != OK)
        return e;
    return hub_audit_do(h, t, who, AUDIT_RETURN_ACCEPT, form->id, "unit=%s\nperiod=%s\nby=%s", o->unit, period.id,
                        o->by != NULL ? o->by : "");
}

static enum err accept_one(struct hub *h, const struct accept_options *o)
{
    struct store_txn *t = NULL;
    enum err e = command_begin(h, &t);

    if (e == OK)
        e = command_finish(h, t, accept_in(h, t, o));
    if (e == OK)
        (void)printf(_("Form %s of %s for %s is accepted as it is now; a later change makes it \"received\" again.\n"),
                     o->form, o->unit, o->period);
    return e;
}

int cmd_accept(int argc, char **argv)
{
    struct accept_options o = {.form = NULL};
    const char *home = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home),
                                         {"unit", 'u', N_("U"), N_("unit"), &o.unit},
                                         {"period", 'p', N_("P"), N_("period: its id or its label"), &o.period},
                                         {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &o.by},
                                         LAST_OPTION};
    struct hub *h = NULL;
    enum err e = OK;

    if (cli_parse(command_named("accept"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    o.form = argv[0];
    if (o.unit == NULL)
        e = err_set(ERR_USAGE, _("--unit is missing: whose return is it?"));
    else if (o.period == NULL)
        e = err_set(ERR_USAGE, _("--period is missing: for which period is it?"));
    if (e != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = accept_one(h, &o);
    return command_close(h, e, true);
}
