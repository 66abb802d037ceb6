/* session open, close, withdraw: stacks of anonymous questionnaires. */
#include "agent/cmd_session.h"

#include "agent/people.h"
#include "common/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- which one ---- */

static enum err none_of_that_name(const struct agent *a, const char *name)
{
    static const struct session_filter any = {NULL, NULL, NULL, NULL, false};
    const char **names = NULL;
    const char *near;
    struct session_list l;
    enum err e = session_list(a, &any, &l);

    if (e != OK)
        return e;
    if ((names = calloc(l.count + 1, sizeof(*names))) == NULL) {
        session_list_fini(&l);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < l.count; i++)
        names[i] = l.items[i].word.name;
    near = cli_nearest(name, names, l.count);
    if (near != NULL)
        e = err_set(ERR_NOT_FOUND, _("there is no session \"%.120s\"; did you mean \"%s\"?"), name, near);
    else
        e = err_set(ERR_NOT_FOUND, _("there is no session \"%.120s\" here; svodka-agent session list --all shows them"),
                    name);
    free(names);
    session_list_fini(&l);
    return e;
}

enum err command_find_session(const struct agent *a, const struct session_choice *c, struct session *out)
{
    struct session_filter f = {c->form, c->unit, c->period, c->name, false};
    struct period period;
    enum err e;

    if (c->period != NULL) {
        if ((e = calendar_find(a->calendar, NULL, c->period, &period)) != OK)
            return e;
        f.period = period.id;
    }
    e = session_find(a, &f, out);
    if (e == ERR_USAGE)
        return err_set(e, _("several sessions are called \"%.120s\": say which one with --form and --period"), c->name);
    return e == ERR_NOT_FOUND ? none_of_that_name(a, c->name) : e;
}

static enum err check_day(const struct session *s, struct capture *c, const char *filled_on)
{
    char day[11];

    if (filled_on != NULL && capture_day(c) != s->day) {
        date_format(day, s->day);
        return err_set(ERR_USAGE,
                       _("all answers of the session \"%s\" have one day, %s, so that none is known by it: leave out "
                         "--filled-on"),
                       s->word.name, day);
    }
    capture_set_day(c, s->day);
    return OK;
}

static enum err choose_only(const struct agent *a, const struct session_filter *f, struct session *out, bool *has)
{
    enum err e = session_find(a, f, out);

    if (e == ERR_NOT_FOUND)
        return OK;
    if (e == ERR_USAGE)
        return err_set(e, "%s",
                       _("several sessions are open: say which one with --session NAME; svodka-agent session list "
                         "shows them"));
    if (e != OK)
        return e;
    *has = true;
    (void)fprintf(stderr, _("Session: %s\n"), out->word.name);
    return OK;
}

enum err command_choose_session(const struct agent *a, struct capture *c, const char *name, const char *filled_on,
                                struct session *out, bool *has)
{
    const struct form *f = capture_form(c);
    struct session_filter filter = {f->id, capture_unit(c), capture_period(c)->id, name, name == NULL};
    enum err e;

    *has = false;
    if (f->mode != FORM_ANSWERS)
        return name == NULL
                   ? OK
                   : err_set(ERR_USAGE, _("sessions are for anonymous answers; the form \"%s\" is none"), f->id);
    if (name == NULL) {
        e = choose_only(a, &filter, out, has);
    } else {
        e = session_find(a, &filter, out);
        *has = e == OK;
        if (e == ERR_NOT_FOUND)
            e = err_set(e,
                        _("there is no session \"%.120s\" of \"%s\" for %s; open it: svodka-agent session open %s "
                          "--period %s --name NAME"),
                        name, f->id, filter.period, f->id, filter.period);
    }
    return e == OK && *has ? check_day(out, c, filled_on) : e;
}

/* ---- what is said ---- */

void command_session_count(char out[SESSION_COUNT_TEXT], const struct session *s)
{
    if (s->word.expected > 0)
        (void)snprintf(out, SESSION_COUNT_TEXT, _("%u of %u"), s->word.entered, s->word.expected);
    else
        (void)snprintf(out, SESSION_COUNT_TEXT, "%u", s->word.entered);
}

void command_session_warn(const struct session *s)
{
    if (s->word.expected > 0 && s->word.entered > s->word.expected)
        (void)fprintf(stderr,
                      _("More than expected: \"%s\" has %u answers, %u were expected. Was a sheet entered twice? A "
                        "single one cannot be taken out; the session can be withdrawn as a whole.\n"),
                      s->word.name, s->word.entered, s->word.expected);
}

void command_session_explain(void)
{
    (void)fprintf(stderr, "%s\n",
                  _("You can see how many answers are in and, once they have left, what was answered. Whose an answer "
                    "is, when it was given and after which other one, nobody can see, neither here nor at the "
                    "district: answers wait for each other and leave mixed, without a name and without a time. So a "
                    "single one cannot be found, changed or taken out; the session can be withdrawn as a whole."));
}

/* ---- who says so ---- */

struct who {
    const char *entered_by, *by;
    char code[RECORD_ENTERED_BY_MAX + 1];
};
#define OPTIONS_WHO(w, help) {"entered-by", 0, N_("WHO"), help, &(w)->entered_by}, OPTION_BY(&(w)->by)

static enum err read_who(const struct agent *a, struct who *w, struct session_by *out)
{
    enum err e = people_by(a, w->by, false, w->code, &w->entered_by);

    out->entered_by = w->entered_by;
    return e == OK ? report_new(&out->report, 0) : e;
}

/* ---- open ---- */

struct open_command {
    const char *period, *unit, *name, *group, *expected, *filled_on;
    struct who who;
};

static enum err read_expected(const char *text, uint32_t *out)
{
    char *end;
    unsigned long n;

    if (text == NULL)
        return OK;
    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || n == 0 || n > SESSION_EXPECT_MAX)
        return err_set(ERR_USAGE, _("--expected: a number from 1 to %u was expected"), SESSION_EXPECT_MAX);
    *out = (uint32_t)n;
    return OK;
}

static enum err take_name(char *out, const char *text, const char *option)
{
    if (text == NULL)
        return OK;
    if (text[0] == '\0' || strlen(text) > SESSION_NAME_MAX)
        return err_set(ERR_USAGE, _("%s: 1 to %u letters were expected"), option, SESSION_NAME_CHARS);
    (void)snprintf(out, SESSION_NAME_MAX + 1, "%s", text);
    return OK;
}

static enum err fill_session(struct agent *a, const char *form_id, const struct open_command *cmd, struct session *s)
{
    struct capture_options o = {.unit = cmd->unit, .period = cmd->period, .filled_on = cmd->filled_on};
    struct capture *c = NULL;
    enum err e;

    memset(s, 0, sizeof(*s));
    if ((e = take_name(s->word.name, cmd->name, "--name")) != OK ||
        (e = take_name(s->word.group, cmd->group, "--group")) != OK ||
        (e = read_expected(cmd->expected, &s->word.expected)) != OK || (e = command_form(a, form_id, &o.form)) != OK)
        return e;
    if (o.form->mode != FORM_ANSWERS)
        return err_set(ERR_USAGE, _("sessions are for anonymous answers; the form \"%s\" is none"), o.form->id);
    if ((e = capture_open(&c, a, &o)) == OK) {
        (void)snprintf(s->word.form, sizeof(s->word.form), "%s", o.form->id);
        (void)snprintf(s->unit, sizeof(s->unit), "%s", capture_unit(c));
        (void)snprintf(s->period, sizeof(s->period), "%s", capture_period(c)->id);
        s->day = capture_day(c);
    }
    capture_close(c);
    return e;
}

/* What is wrong with a name is told in its field's words. */
static enum err end_judged(struct report *r, enum err e)
{
    if (e == ERR_INVALID && r != NULL && report_kept(r) > 0) {
        command_report(r);
        e = err_set(e, "%s", _("nothing was done"));
    }
    report_free(r);
    return e;
}

static enum err open_session(struct agent *a, const char *form_id, struct open_command *cmd)
{
    struct session_by by = {.report = NULL};
    struct session s;
    enum err e = fill_session(a, form_id, cmd, &s);

    if (e == OK && (e = read_who(a, &cmd->who, &by)) == OK)
        e = end_judged(by.report, session_open(a, &s, &by));
    if (e != OK)
        return e;
    (void)printf(
        _("The session \"%s\" is open. Enter its sheets: svodka-agent submit %s --period %s --session NAME, or "
          "import them.\n"),
        s.word.name, s.word.form, s.period);
    if (isatty(STDIN_FILENO) != 0)
        command_session_explain();
    return OK;
}

int cmd_session_open(int argc, char **argv)
{
    static const struct cli_command self = {
        "session open", "FORM --period P --name NAME [--group G] [--expected N]",
        N_("Begins a session: the stack of sheets of one class or group. Its answers leave mixed, and it can be "
           "withdrawn as a whole."),
        cmd_session_open};
    struct open_command cmd = {.period = NULL};
    const char *home = NULL;
    const struct cli_option options[] = {
        OPTION_PERIOD(&cmd.period),
        OPTION_UNIT(&cmd.unit),
        {"name", 'n', N_("NAME"), N_("what you call it, for example the class"), &cmd.name},
        {"group", 0, N_("G"), N_("whose answers they are, for the district"), &cmd.group},
        {"expected", 0, N_("N"), N_("how many sheets were handed out"), &cmd.expected},
        {"filled-on", 0, N_("DATE"), N_("the day that all its answers have (else today)"), &cmd.filled_on},
        OPTIONS_WHO(&cmd.who, N_("role or local code of the one who opens it")),
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e = OK;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (cmd.period == NULL)
        e = err_set(ERR_USAGE, _("say the period: --period P"));
    else if (cmd.name == NULL)
        e = err_set(ERR_USAGE, "%s", _("say what it is called: --name NAME, for example the class"));
    if (e == OK && (e = command_open(&a, home)) == OK)
        e = open_session(a, argv[0], &cmd);
    agent_close(a);
    return cli_fail(e);
}

/* ---- close ---- */

static enum err close_session(struct agent *a, const struct session_choice *choice, struct who *who)
{
    struct session_by by = {.report = NULL};
    char count[SESSION_COUNT_TEXT];
    struct session s;
    enum err e = command_find_session(a, choice, &s);

    if (e == OK && (e = read_who(a, who, &by)) == OK)
        e = end_judged(by.report, session_close(a, &s, &by));
    if (e != OK)
        return e;
    command_session_count(count, &s);
    (void)printf(_("The session \"%s\" is closed. Answers: %s.\n"), s.word.name, count);
    command_session_warn(&s);
    return OK;
}

int cmd_session_close(int argc, char **argv)
{
    static const struct cli_command self = {
        "session close", "NAME",
        N_("Closes a session: all its sheets are in, and the answers that still waited for others go. No answer can be "
           "added afterwards."),
        cmd_session_close};
    struct session_choice choice = {.name = NULL};
    struct who who = {.by = NULL};
    const char *home = NULL;
    const struct cli_option options[] = {
        OPTION_CHOICE_FORM(&choice), OPTION_PERIOD(&choice.period),
        OPTION_UNIT(&choice.unit),   OPTIONS_WHO(&who, N_("role or local code of the one who closes it")),
        OPTION_HOME(&home),          OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    choice.name = argv[0];
    if ((e = command_open(&a, home)) == OK)
        e = close_session(a, &choice, &who);
    agent_close(a);
    return cli_fail(e);
}

/* ---- withdraw ---- */

static enum err withdraw_session(struct agent *a, const struct session_choice *choice, const char *reason,
                                 struct who *who)
{
    struct session_by by = {.report = NULL};
    struct session_withdrawn done;
    struct session s;
    enum err e = command_find_session(a, choice, &s);

    if (e == OK && (e = read_who(a, who, &by)) == OK)
        e = end_judged(by.report, session_withdraw(a, &s, reason, &by, &done));
    if (e != OK)
        return e;
    (void)printf(_("The session \"%s\" is withdrawn. Answers that the district will take out: %u; that had not left: "
                   "%u.\n"),
                 s.word.name, done.retracted, done.dropped);
    if (done.missing > 0)
        (void)fprintf(stderr,
                      _("%u answers of it are not known to this computer any more and stay as they are: tell the "
                        "district.\n"),
                      done.missing);
    return OK;
}

int cmd_session_withdraw(int argc, char **argv)
{
    static const struct cli_command self = {
        "session withdraw", "NAME --reason TEXT",
        N_("Withdraws a session as a whole: none of its answers counts any more, wherever they are. It cannot be taken "
           "back; the sheets can be entered again in another session."),
        cmd_session_withdraw};
    struct session_choice choice = {.name = NULL};
    struct who who = {.by = NULL};
    const char *home = NULL, *reason = NULL;
    const struct cli_option options[] = {{"reason", 'r', N_("TEXT"), N_("why, for the district"), &reason},
                                         OPTION_CHOICE_FORM(&choice),
                                         OPTION_PERIOD(&choice.period),
                                         OPTION_UNIT(&choice.unit),
                                         OPTIONS_WHO(&who, N_("role or local code of the one who withdraws it")),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    struct agent *a = NULL;
    enum err e = OK;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    choice.name = argv[0];
    if (reason == NULL || reason[0] == '\0')
        e = err_set(ERR_USAGE, _("say why: --reason TEXT"));
    if (e == OK && (e = command_open(&a, home)) == OK)
        e = withdraw_session(a, &choice, reason, &who);
    agent_close(a);
    return cli_fail(e);
}
