/* accept, question: the office's word about a return. */
#include "hub/commands.h"

#include "hub/returns.h"

#include <stdio.h>
#include <string.h>

struct word_options {
    enum return_word word;
    const char *form, *unit, *period, *by, *text;
};

static enum err decide_in(struct hub *h, struct store_txn *t, const struct word_options *o, char *who, size_t who_size)
{
    const struct form *form;
    struct period period;
    enum err e;

    if ((e = command_form(h, o->form, &form)) != OK ||
        (strcmp(o->unit, UNIT_DISTRICT) != 0 && (e = command_unit(h, o->unit)) != OK) ||
        (e = form_period(form, h->calendar, o->period, &period)) != OK)
        return e;
    command_user(who, who_size);
    if ((e = returns_decide(h, t, o->word, form->id, o->unit, period.id, o->by != NULL ? o->by : who, o->text)) != OK)
        return e;
    return hub_audit_do(h, t, who, o->word == WORD_ACCEPTED ? AUDIT_RETURN_ACCEPT : AUDIT_RETURN_QUESTION, form->id,
                        "unit=%s\nperiod=%s\nby=%s", o->unit, period.id, o->by != NULL ? o->by : "");
}

static enum err decide(struct hub *h, const struct word_options *o)
{
    struct store_txn *t = NULL;
    char who[80];
    enum err e = command_begin(h, &t);

    if (e == OK)
        e = command_finish(h, t, decide_in(h, t, o, who, sizeof(who)));
    if (e == OK)
        (void)printf(
            o->word == WORD_ACCEPTED
                ? _("Form %s of %s for %s is accepted as it is now; a later change makes it \"received\" again.\n")
                : _("Form %s of %s for %s is asked back about; a change there makes it \"received\" again.\n"),
            o->form, o->unit, o->period);
    return e;
}

static enum err check_options(const struct word_options *o)
{
    if (o->unit == NULL)
        return err_set(ERR_USAGE, _("--unit is missing: whose return is it?"));
    if (o->period == NULL)
        return err_set(ERR_USAGE, _("--period is missing: for which period is it?"));
    if (o->word == WORD_QUESTIONED && (o->text == NULL || o->text[0] == '\0'))
        return err_set(ERR_USAGE, _("--text is missing: what is asked?"));
    return OK;
}

static int run(int argc, char **argv, struct word_options *o)
{
    const char *home = NULL;
    const struct cli_command *c = command_named(o->word == WORD_ACCEPTED ? "accept" : "question");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"unit", 'u', N_("U"), N_("unit"), &o->unit},
        {"period", 'p', N_("P"), N_("period: its id or its label"), &o->period},
        {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &o->by},
        {o->word == WORD_QUESTIONED ? "text" : NULL, 0, N_("TEXT"), N_("what is asked"), &o->text},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    o->form = argv[0];
    if ((e = check_options(o)) != OK)
        return cli_fail(e);
    if (o->text == NULL)
        o->text = "";
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = decide(h, o);
    return command_close(h, e, true);
}

int cmd_accept(int argc, char **argv)
{
    struct word_options o = {.word = WORD_ACCEPTED};

    return run(argc, argv, &o);
}

int cmd_question(int argc, char **argv)
{
    struct word_options o = {.word = WORD_QUESTIONED};

    return run(argc, argv, &o);
}
