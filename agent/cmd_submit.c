#include "agent/cmd_session.h"

#include "agent/draft.h"
#include "agent/interview.h"
#include "agent/people.h"
#include "common/ask.h"
#include "common/form_json.h"
#include "common/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEP_MAX (4u << 20)

struct submit_command {
    const char *period, *unit, *json, *filled_on, *entered_by, *behalf, *session, *sheet_number, *by, *urgent;
    const char *remarks[REPEAT_MAX];
    size_t remark_count;
};

/* One submission in the making. */
struct submission {
    struct agent *a;
    struct capture *c;
    const struct form *form;
    struct value *values;
    struct record_remark *remarks;
    uint32_t remark_count;
    struct buf keep;
    struct session session; /* with has_session */
    bool has_session;
    const char *sheet_number; /* NULL: not said */
};

/* Into its session; what is on the paper is remembered as a mark alone, apart from what was answered. */
static enum err put_into_session(struct submission *s, const struct value *values, const struct capture_deed *deed)
{
    uint8_t mark[SESSION_MARK_BYTES];
    struct session_pool p;
    struct bytes record;
    enum err e = capture_encode(s->c, values, deed, &record);

    if (e != OK)
        return e;
    session_pool_init(&p);
    if (s->sheet_number != NULL)
        session_mark_number(s->a, &s->session, s->sheet_number, mark);
    if ((e = session_pool_add(&p, record)) == OK)
        e = session_put(s->a, &s->session, &p, s->sheet_number != NULL ? mark : NULL, false);
    session_pool_fini(&p);
    if (e == ERR_EXISTS)
        return err_set(e, _("the sheet number %.40s is in the session \"%s\" already; nothing was taken in"),
                       s->sheet_number, s->session.word.name);
    if (e == OK)
        command_session_warn(&s->session);
    return e;
}

/* Judges, queues and tells; mistakes go to stderr, in the name of `file` (NULL: asked on the terminal). */
static enum err queue_it(struct submission *s, struct value *values, bool drop_irrelevant, const char *file)
{
    struct capture_deed deed = {.kind = RECORD_NEW, .remarks = s->remarks, .remark_count = s->remark_count};
    struct record_ref ref;
    struct report *r = NULL;
    char id[RECORD_ID_TEXT];
    enum err e = report_new(&r, 0);

    if (e == OK) {
        report_set_file(r, file);
        e = capture_judge(s->c, values, drop_irrelevant, NULL, r);
    }
    if (r != NULL)
        command_report(r);
    report_free(r);
    if (e == ERR_INVALID)
        return err_set(e, "%s", _("nothing was queued; put the answers right and submit again"));
    if (e == OK)
        e = s->has_session ? put_into_session(s, values, &deed) : capture_one(s->c, values, &deed, &ref);
    if (e != OK)
        return e;
    if (s->form->mode == FORM_ANSWERS) { /* a number would tell who was when */
        (void)printf("%s\n", _("accepted"));
        return OK;
    }
    record_id_format(id, s->a->grant->participant, &ref);
    (void)printf("%s\n", id);
    command_return_changed(s->a, s->form, capture_unit(s->c), capture_period(s->c)->id);
    return OK;
}

/* ---- JSON ---- */

static enum err submit_json(struct submission *s, const char *path)
{
    struct report *r = NULL;
    void *text = NULL;
    size_t len = 0;
    enum err e = cli_read_file(path, FORM_JSON_MAX_BYTES, &text, &len);

    if (e == OK && (e = report_new(&r, 0)) == OK) {
        report_set_file(r, path);
        e = form_values_from_json(s->form, text, len, s->values, &s->keep, r);
        if (report_kept(r) > 0) {
            command_report(r);
            e = err_set(e, _("%s: nothing was queued; put the answers right and submit again"), path);
        }
    }
    report_free(r);
    if (text != NULL)
        wipe(text, len);
    free(text);
    return e == OK ? queue_it(s, s->values, false, path) : e;
}

/* ---- the terminal ---- */

/* What an anonymous respondent typed must not greet the next one. */
static bool keeps_drafts(const struct submission *s)
{
    return s->form->mode != FORM_ANSWERS;
}

static enum err save(void *ctx, const struct value *values, uint32_t next)
{
    struct submission *s = ctx;

    return keeps_drafts(s) ? draft_put(s->a, s->c, values, next) : OK;
}

static enum err offer_draft(struct submission *s, uint32_t *at)
{
    char when[64];
    char question[256];
    int64_t saved_ms = 0;
    bool is_whole = true;
    bool go_on = false;
    enum err e;

    *at = 0;
    if (!keeps_drafts(s))
        return OK;
    if ((e = draft_get(s->a, s->c, s->values, &s->keep, at, &saved_ms, &is_whole)) != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    cli_format_time(when, sizeof(when), saved_ms);
    (void)snprintf(question, sizeof(question), _("There is a draft of %s. Go on with it?"), when);
    if ((e = ask_yes_no(question, &go_on)) != OK)
        return e;
    if (go_on && !is_whole)
        (void)fprintf(stderr, "%s\n", _("The form has changed since; some answers are asked again."));
    if (go_on)
        return OK;
    *at = 0;
    for (uint32_t i = 0; i < s->form->field_count; i++)
        s->values[i] = (struct value){.state = VALUE_MISSING};
    return draft_delete(s->a, s->c);
}

static void introduce(const struct submission *s)
{
    const struct period *p = capture_period(s->c);

    (void)fprintf(stderr, "%s\n%s, %s\n", cli_pick(s->form->title_ru, s->form->title_en), capture_unit(s->c),
                  cli_pick(p->label_ru, p->label_en));
    (void)fprintf(stderr, "%s\n",
                  _("Enter keeps what stands in brackets, < goes back, ?- empties an answer. * must be answered."));
    if (s->has_session)
        command_session_explain();
    else if (s->form->mode == FORM_ANSWERS)
        (void)fprintf(stderr, "%s\n",
                      _("No session is open: what is entered now goes by itself, and cannot be withdrawn. Open one "
                        "first (svodka-agent session open), and nothing will tell which answers came one after "
                        "another."));
    if (keeps_drafts(s))
        (void)fprintf(stderr, "%s\n", _("Ctrl-D stops; what was answered is kept and offered next time."));
}

/* Asks, and asks again from the start as long as the whole does not hold together or the person wants to look again. */
static enum err interview_until_sent(struct submission *s, struct interview *i, uint32_t at)
{
    for (;;) {
        struct report *r = NULL;
        bool send = false;
        bool is_good;
        enum err e = interview_run(i, at, save, s);

        if (e != OK || (e = report_new(&r, 0)) != OK)
            return e;
        memcpy(s->values, interview_values(i), s->form->field_count * sizeof(*s->values));
        e = capture_judge(s->c, s->values, true, NULL, r);
        is_good = e == OK;
        if (e == ERR_INVALID)
            command_report(r);
        report_free(r);
        if (e != OK && e != ERR_INVALID)
            return e;
        if (is_good && (e = interview_summary(i, s->values)) != OK)
            return e;
        if (is_good && (e = ask_yes_no(_("Submit this now? \"No\" goes through it again."), &send)) != OK)
            return e;
        if (send)
            return OK;
        at = 0;
    }
}

static enum err submit_asked(struct submission *s)
{
    struct interview *i = NULL;
    uint32_t at = 0;
    enum err e;

    if (isatty(STDIN_FILENO) == 0)
        return err_set(ERR_USAGE, _("there is no terminal to ask on; give the answers with --json FILE or --json -"));
    introduce(s);
    if ((e = offer_draft(s, &at)) != OK || (e = interview_new(&i, s->c, s->values)) != OK)
        return e;
    if ((e = interview_compare(i, s->a)) == OK && (e = interview_until_sent(s, i, at)) == OK) {
        if (s->remark_count == 0)
            s->remark_count = interview_remarks(i, s->remarks);
        memcpy(s->values, interview_values(i), s->form->field_count * sizeof(*s->values));
        e = queue_it(s, s->values, true, NULL);
        if (e == OK && keeps_drafts(s))
            e = draft_delete(s->a, s->c);
    } else if (e == ERR_CANCELLED) {
        e = keeps_drafts(s) ? err_set(e, "%s", _("stopped; what was answered is kept as a draft"))
                            : err_set(e, "%s", _("stopped; nothing was kept"));
    }
    interview_free(i);
    return e;
}

/* ---- the command ---- */

static enum err submit_with(struct agent *a, const char *form_id, const struct submit_command *cmd)
{
    struct capture_options o = {
        .unit = cmd->unit, .period = cmd->period, .filled_on = cmd->filled_on, .entered_by = cmd->entered_by};
    char code[RECORD_ENTERED_BY_MAX + 1];
    struct submission s = {.a = a, .sheet_number = cmd->sheet_number};
    enum err e;

    if ((e = command_source(cmd->behalf, &o.source)) != OK || (e = command_form(a, form_id, &o.form)) != OK)
        return e;
    if (cmd->urgent != NULL && o.form->mode == FORM_ANSWERS) /* the hour would tell whose it is */
        return err_set(ERR_USAGE, "%s", _("--urgent is not for anonymous answers: they leave together with others"));
    if ((o.form->mode != FORM_ANSWERS && (e = people_by(a, cmd->by, cmd->json == NULL, code, &o.entered_by)) != OK) ||
        (e = capture_open(&s.c, a, &o)) != OK)
        return e;
    s.form = o.form;
    e = command_choose_session(a, s.c, cmd->session, cmd->filled_on, &s.session, &s.has_session);
    if (e == OK && cmd->sheet_number != NULL && !s.has_session)
        e = err_set(ERR_USAGE, "%s", _("--sheet-number is for answers that go into a session"));
    buf_init_secret(&s.keep, KEEP_MAX);
    s.values = calloc(s.form->field_count + 1, sizeof(*s.values));
    s.remarks = calloc(s.form->field_count + 1, sizeof(*s.remarks));
    for (uint32_t i = 0; s.values != NULL && i < s.form->field_count; i++)
        s.values[i].state = VALUE_MISSING;
    if (e == OK && (s.values == NULL || s.remarks == NULL))
        e = ERR_NOMEM;
    if (e == OK && (e = command_remarks(s.form, cmd->remarks, cmd->remark_count, s.remarks, &s.remark_count)) == OK)
        e = cmd->json != NULL ? submit_json(&s, cmd->json) : submit_asked(&s);
    free(s.values);
    free(s.remarks);
    buf_wipe(&s.keep);
    capture_close(s.c);
    return e;
}

int cmd_submit(int argc, char **argv)
{
    static const struct cli_command self = {
        "submit", "FORM --period P [--unit U] [--json FILE|-] [--session NAME]",
        N_("Fills in a form and queues it: from a JSON object, or question by question on the terminal."), cmd_submit};
    struct submit_command cmd = {.period = NULL};
    const char *home = NULL;
    const char *remark = NULL;
    const struct cli_option options[] = {
        OPTION_PERIOD(&cmd.period),
        OPTION_UNIT(&cmd.unit),
        {"json", 0, N_("FILE"), N_("the answers as a JSON object; - is standard input"), &cmd.json},
        {"remark", 0, N_("FIELD=TEXT"), N_("a remark on an answer; may be repeated"), &remark},
        {"filled-on", 0, N_("DATE"), N_("the day it was filled in (else today)"), &cmd.filled_on},
        {"entered-by", 0, N_("WHO"), N_("role or local code of the one who enters it"), &cmd.entered_by},
        OPTION_BY(&cmd.by),
        {"session", 0, N_("NAME"), N_("of anonymous answers: the session they go into"), &cmd.session},
        {"sheet-number", 0, N_("N"),
         N_("the number on the paper: noticed when it comes twice, not kept with the answer"), &cmd.sheet_number},
        {"urgent", 0, NULL, N_("send it at once, not tonight: as soon as there is a line"), &cmd.urgent},
        OPTION_BEHALF(&cmd.behalf),
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e = command_repeated(argc, argv, "remark", cmd.remarks, REPEAT_MAX, &cmd.remark_count);

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (e == OK && cmd.period == NULL)
        e = err_set(ERR_USAGE, _("say the period: --period P"));
    if (e == OK && (e = command_open(&a, home)) == OK)
        e = submit_with(a, argv[0], &cmd);
    if (e == OK && cmd.urgent != NULL)
        e = command_urgent(a);
    agent_close(a);
    return cli_fail(e);
}
