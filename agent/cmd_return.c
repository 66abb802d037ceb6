/* return: a form's return for a period, as a person thinks of it: what is in it, how it was marked, what has changed.
 */
#include "agent/cmd_return.h"

#include "agent/people.h"
#include "agent/questions.h"
#include "agent/standing.h"
#include "common/ask.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct return_command {
    const char *form, *period, *unit, *complete, *partial, *nothing, *approve, *entered_by, *reason, *print, *behalf,
        *by;
    enum table_format format;
};

/* ---- names ---- */

void return_name(const struct agent *a, const struct own_return *r, char out[RETURN_NAME])
{
    struct notice_return about = {.question = 0};

    (void)snprintf(about.form, sizeof(about.form), "%s", r->form->id);
    (void)snprintf(about.unit, sizeof(about.unit), "%s", r->unit);
    (void)snprintf(about.period, sizeof(about.period), "%s", r->period);
    asked_name(a, &about, out);
}

enum err return_decode(const struct agent *a, struct record_space *space, const struct return_line *l,
                       struct record *out, const struct form **form)
{
    enum err e = record_decode_head(out, l->record);

    if (e != OK || (*form = agent_form_by_digest(a, out->form)) == NULL ||
        (e = record_decode(out, space, l->record, *form)) != OK)
        return e == ERR_NOMEM ? e : err_set(ERR_CORRUPT, _("a submission of this return is damaged"));
    return OK;
}

enum err return_behalf(const struct own_return *r, char out[RETURN_BEHALF])
{
    unsigned long long paper = 0, phone = 0;

    out[0] = '\0';
    for (size_t i = 0; i < r->count; i++) {
        struct record head;
        enum err e;

        if (r->lines[i].change == CHANGE_WITHDRAWN)
            continue;
        if ((e = record_decode_head(&head, r->lines[i].record)) != OK)
            return e;
        paper += head.source == SOURCE_PAPER;
        phone += head.source == SOURCE_PHONE;
    }
    if (paper + phone == 0)
        return OK;
    if (paper == r->rows)
        (void)snprintf(out, RETURN_BEHALF, _("Entered on behalf of %s from paper."), r->unit);
    else if (phone == r->rows)
        (void)snprintf(out, RETURN_BEHALF, _("Entered on behalf of %s by telephone."), r->unit);
    else
        (void)snprintf(out, RETURN_BEHALF, _("Entered on behalf of %s: from paper %llu, by telephone %llu."), r->unit,
                       paper, phone);
    return OK;
}

/* ---- its submissions ---- */

static const char *word_of_change(enum return_change c, bool is_text)
{
    switch (c) {
    case CHANGE_NONE: break;
    case CHANGE_ADDED: return is_text ? _("added") : "added";
    case CHANGE_CORRECTED: return is_text ? _("corrected") : "corrected";
    case CHANGE_WITHDRAWN: return is_text ? _("withdrawn") : "withdrawn";
    }
    return "";
}

static enum err put_line(struct table *t, const struct agent *a, const struct return_line *l, bool is_text,
                         uint64_t *apart)
{
    struct standing_row row = {.standing = STANDING_COUNTED};
    char id[RECORD_ID_TEXT], filled[11], entered[RECORD_ENTERED_BY_MAX + 1], why[STANDING_TEXT] = "";
    const char *standing = "";
    struct record r;
    enum err e = record_decode_head(&r, l->record);

    if (e != OK || ((e = standing_get(a, NULL, &l->ref, &row)) != OK && e != ERR_NOT_FOUND))
        return e;
    record_id_format(id, a->grant->participant, &l->ref);
    date_format(filled, r.filled_on);
    (void)snprintf(entered, sizeof(entered), "%.*s", (int)r.entered_by.len, (const char *)r.entered_by.p);
    if (e == OK) {
        standing = is_text ? standing_word(row.standing) : standing_name(row.standing);
        standing_why(why, &row, NULL);
        *apart += row.standing == STANDING_QUARANTINED || row.standing == STANDING_REJECTED;
    }
    if (is_text)
        return table_row(t, (const char *const[]){l->key, filled, entered, word_of_state(l->state), standing, why,
                                                  word_of_change(l->change, true)});
    return table_row(t, (const char *const[]){l->key, id, filled, entered, word_of_state(l->state), standing, why,
                                              word_of_change(l->change, false)});
}

/* Of anonymous answers only their number is told. */
static enum err list_lines(const struct agent *a, const struct own_return *r, enum table_format f, uint64_t *apart)
{
    static struct table_column columns[8];
    const struct table_column all[] = {{"key", _("Row"), TABLE_LEFT, false},
                                       {"id", _("id"), TABLE_LEFT, false},
                                       {"filled_on", _("filled in on"), TABLE_LEFT, false},
                                       {"entered_by", _("entered by"), TABLE_LEFT, false},
                                       {"state", _("state"), TABLE_LEFT, false},
                                       {"standing", _("at the district"), TABLE_LEFT, false},
                                       {"why", _("why"), TABLE_LEFT, false},
                                       {"change", _("since it was marked"), TABLE_LEFT, false}};
    bool is_text = f == TABLE_TEXT;
    struct table *t = NULL;
    enum err e;

    memcpy(columns, all, sizeof(columns));
    if (is_text) /* people do without the id */
        memmove(&columns[1], &columns[2], 6 * sizeof(columns[0]));
    e = table_new(&t, columns, is_text ? 7 : 8);
    for (size_t i = 0; i < r->count && e == OK && r->form->mode != FORM_ANSWERS; i++)
        e = put_line(t, a, &r->lines[i], is_text, apart);
    if (e == OK && (!is_text || (r->count > 0 && r->form->mode != FORM_ANSWERS)))
        e = table_print(t, f, stdout);
    table_free(t);
    return e;
}

/* ---- its answers, when they are one submission ---- */

static enum err list_values(const struct agent *a, const struct own_return *r)
{
    const struct table_column columns[] = {{"label", _("Question"), TABLE_LEFT, false},
                                           {"value", _("Answer"), TABLE_LEFT, false}};
    struct record_space *space = NULL;
    const struct form *f = NULL;
    struct table *t = NULL;
    struct record rec;
    struct buf text;
    enum err e;

    if (r->form->mode != FORM_RECORD || r->rows != 1)
        return OK;
    buf_init_secret(&text, (size_t)4 * FORM_MAX_TEXT);
    if ((e = record_space_new(&space)) == OK && (e = return_decode(a, space, &r->lines[0], &rec, &f)) == OK)
        e = table_new(&t, columns, 2);
    for (uint32_t i = 0; e == OK && i < rec.value_count; i++) {
        if (rec.values[i].state == VALUE_NOT_ASKED)
            continue;
        buf_reset(&text);
        value_show(&text, &f->fields[i], &rec.values[i]);
        e = table_row(t,
                      (const char *const[]){cli_pick(f->fields[i].label_ru, f->fields[i].label_en), buf_cstr(&text)});
    }
    if (e == OK) {
        (void)printf("\n");
        e = table_print(t, TABLE_TEXT, stdout);
    }
    table_free(t);
    record_space_free(space);
    buf_wipe(&text);
    return e;
}

/* ---- how it stands ---- */

static enum err say_cover(const struct agent *a, const struct own_return *r)
{
    const struct own_cover *c = &r->cover;
    char day[11], approved[11], who[BOOK_WHO_MAX + 1];
    enum err e;

    if (!r->has_cover) {
        (void)printf("%s\n", _("The return is not marked yet. Say how it is: --complete, --partial or --nothing."));
        return OK;
    }
    if ((e = people_name(a, c->entered_by, who)) != OK)
        return e;
    cli_format_day(day, sizeof(day), c->made_ms);
    (void)printf(_("Marked on %s: %s\n"), day, cover_state_word(c->state));
    if (who[0] != '\0')
        (void)printf(_("Drawn up by: %s\n"), who);
    if (c->approved_by[0] != '\0') {
        date_format(approved, c->approved_on);
        (void)printf(_("Approved by: %s, %s\n"), c->approved_by, approved);
    } else {
        (void)printf("%s\n", _("Not approved yet: --approve NAME"));
    }
    if (c->reason[0] != '\0')
        (void)printf(_("Why it was changed: %s\n"), c->reason);
    wipe(who, sizeof(who));
    return OK;
}

static void say_changes(const struct own_return *r)
{
    if (!r->has_cover || r->past > 0)
        return;
    if (!r->is_changed) {
        (void)printf("%s\n", _("Nothing has changed since then."));
        return;
    }
    (void)printf(_("It has changed since then: added %llu, corrected %llu, withdrawn %llu. Mark it again, and say why "
                   "(--reason TEXT).\n"),
                 (unsigned long long)r->added, (unsigned long long)r->corrected, (unsigned long long)r->withdrawn);
}

static enum err say_open_questions(const struct agent *a, const struct own_return *r)
{
    struct asked_list l;
    uint64_t open = 0;
    enum err e = questions_list(a, &l);

    if (e != OK)
        return e;
    for (size_t i = 0; i < l.count; i++)
        open += l.items[i].state == ASKED_OPEN && strcmp(l.items[i].about.form, r->form->id) == 0 &&
                strcmp(l.items[i].about.unit, r->unit) == 0 && strcmp(l.items[i].about.period, r->period) == 0;
    asked_list_fini(&l);
    if (open > 0)
        (void)printf(_("The district asks about it, without an answer yet: %llu (svodka-agent questions).\n"),
                     (unsigned long long)open);
    return OK;
}

static enum err show(const struct agent *a, const struct own_return *r, enum table_format f)
{
    char name[RETURN_NAME], digest_text[RETURN_DIGEST_TEXT], behalf[RETURN_BEHALF];
    uint64_t apart = 0;
    enum err e;

    if (f != TABLE_TEXT)
        return list_lines(a, r, f, &apart);
    if ((e = return_behalf(r, behalf)) != OK)
        return e;
    return_name(a, r, name);
    (void)printf("%s\n", name);
    if (behalf[0] != '\0')
        (void)printf("%s\n", behalf);
    if ((e = say_cover(a, r)) != OK)
        return e;
    say_changes(r);
    if (r->past > 0)
        (void)printf(_("No longer kept on this computer after their time: %llu submissions; what follows is the rest "
                       "of them.\n"),
                     (unsigned long long)r->past);
    return_digest_format(digest_text, r->digest);
    (void)printf(_("Rows: %llu.\n"), (unsigned long long)r->rows);
    if (r->rows > 0 && r->past == 0)
        (void)printf(_("Digest: %s\n"), digest_text);
    if (r->count > 0)
        (void)printf("\n");
    if ((e = list_lines(a, r, f, &apart)) != OK || (e = list_values(a, r)) != OK)
        return e;
    if (apart > 0)
        (void)printf(_("The district does not count: %llu. Correct them (svodka-agent correct), then mark the return "
                       "again.\n"),
                     (unsigned long long)apart);
    return say_open_questions(a, r);
}

/* ---- marking it ---- */

static enum err ask_reason(const struct own_return *r, struct return_marking *m, char *text, size_t size)
{
    enum err e = OK;

    if (!r->is_changed || m->reason != NULL || isatty(STDIN_FILENO) == 0)
        return OK;
    if ((e = ask_line(_("It has changed since it was marked. Why?"), text, size)) == OK)
        m->reason = text;
    return e;
}

static void say_marked(const struct agent *a, const struct own_return *r, bool is_new)
{
    const struct own_cover *c = &r->cover;
    char name[RETURN_NAME];

    return_name(a, r, name);
    if (!is_new)
        (void)printf(_("%s: it was marked like this already; nothing is changed.\n"), name);
    else if (c->approved_by[0] != '\0')
        (void)printf(_("%s: marked as %s; approved by: %s\n"), name, cover_state_word(c->state), c->approved_by);
    else
        (void)printf(_("%s: marked as %s; not approved yet (--approve NAME)\n"), name, cover_state_word(c->state));
}

static bool is_marking(const struct return_command *cmd)
{
    return cmd->complete != NULL || cmd->partial != NULL || cmd->nothing != NULL || cmd->approve != NULL ||
           cmd->entered_by != NULL || cmd->by != NULL || cmd->reason != NULL;
}

/* Who approves what nobody has marked yet says that it is complete. */
static enum err choose_state(enum cover_state *out, const struct own_return *r, const struct return_command *cmd)
{
    bool is_said = cmd->complete != NULL || cmd->partial != NULL || cmd->nothing != NULL;

    if (!is_said && !r->has_cover && cmd->approve == NULL)
        return err_set(ERR_USAGE, "%s", _("--complete, --partial and --nothing: one of them was expected"));
    if (!is_said && r->has_cover)
        *out = r->cover.state;
    else
        *out = cmd->partial != NULL ? COVER_PARTIAL : cmd->nothing != NULL ? COVER_NOTHING : COVER_COMPLETE;
    return OK;
}

/* Marks it and reads it again. */
static enum err mark(struct agent *a, struct own_return **r, const struct return_command *cmd,
                     enum record_source source)
{
    struct return_marking m = {
        .approved_by = cmd->approve, .entered_by = cmd->entered_by, .reason = cmd->reason, .source = source};
    struct own_return *fresh = NULL;
    char text[COVER_REASON_BYTES], code[RECORD_ENTERED_BY_MAX + 1];
    bool is_new = false;
    enum err e;

    if ((e = people_by(a, cmd->by, false, code, &m.entered_by)) != OK || (e = choose_state(&m.state, *r, cmd)) != OK ||
        (e = ask_reason(*r, &m, text, sizeof(text))) != OK || (e = own_return_mark(a, *r, &m, &is_new)) != OK ||
        (e = own_return_read(&fresh, a, (*r)->form, (*r)->unit, (*r)->period)) != OK)
        return e;
    own_return_free(*r);
    *r = fresh;
    say_marked(a, *r, is_new);
    return OK;
}

/* ---- after something was queued ---- */

struct changed {
    const struct agent *a;
    const struct form *form;
    const char *period;
};

static enum err say_changed(void *ctx, const struct own_cover *c)
{
    const struct changed *x = ctx;
    struct own_return *r = NULL;
    char name[RETURN_NAME], day[11];
    enum err e = own_return_read(&r, x->a, x->form, c->unit, x->period);

    if (e != OK)
        return e;
    if (r->is_changed && c->state != COVER_PARTIAL) {
        return_name(x->a, r, name);
        cli_format_day(day, sizeof(day), c->made_ms);
        (void)fflush(stdout);
        (void)fprintf(stderr,
                      _("%s: this return was marked on %s (%s) and has changed since. Mark it again: svodka-agent "
                        "return %s --period %s --unit %s --complete --reason TEXT\n"),
                      name, day, cover_state_word(c->state), r->form->id, r->period, r->unit);
    }
    own_return_free(r);
    return OK;
}

void command_return_changed(const struct agent *a, const struct form *form, const char *unit, const char *period)
{
    struct changed x = {a, form, period};

    if (form->mode != FORM_ANSWERS)
        (void)!own_covers_each(a, form->id, unit, period, say_changed, &x);
}

/* ---- the command ---- */

static enum err check_usage(const struct return_command *cmd)
{
    const char *const names[] = {cmd->approve, cmd->entered_by};

    if (cmd->period == NULL)
        return err_set(ERR_USAGE, _("say the period: --period P"));
    if ((cmd->complete != NULL) + (cmd->partial != NULL) + (cmd->nothing != NULL) > 1)
        return err_set(ERR_USAGE, "%s", _("--complete, --partial and --nothing: one of them was expected"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i] != NULL && names[i][0] == '\0')
            return err_set(ERR_USAGE, "%s", _("--approve and --entered-by: a name was expected"));
    return OK;
}

static enum err run(struct agent *a, const struct return_command *cmd)
{
    struct capture_options o = {.unit = cmd->unit, .period = cmd->period, .only_looks = !is_marking(cmd)};
    struct own_return *r = NULL;
    struct capture *c = NULL;
    enum err e;

    if ((e = command_source(cmd->behalf, &o.source)) == OK && (e = command_form(a, cmd->form, &o.form)) == OK &&
        (e = capture_open(&c, a, &o)) == OK &&
        (e = own_return_read(&r, a, o.form, capture_unit(c), capture_period(c)->id)) == OK && is_marking(cmd))
        e = mark(a, &r, cmd, o.source);
    if (e == OK && cmd->print != NULL)
        e = return_print(a, r, cmd->print);
    else if (e == OK && !is_marking(cmd))
        e = show(a, r, cmd->format);
    own_return_free(r);
    capture_close(c);
    return e;
}

int cmd_return(int argc, char **argv)
{
    static const struct cli_command self = {
        "return",
        "FORM --period P [--unit U] [--complete|--partial|--nothing] [--approve NAME] [--print FILE.html|FILE.xlsx]",
        N_("Shows how the return of a form for a period stands and what has changed since it was marked; marks it, and "
           "prints it with the lines for the signatures. The mark goes to the district like everything that is "
           "entered."),
        cmd_return};
    struct return_command cmd = {.form = NULL};
    const char *home = NULL, *format = NULL;
    const struct cli_option options[] = {
        OPTION_PERIOD(&cmd.period),
        OPTION_UNIT(&cmd.unit),
        {"complete", 0, NULL, N_("everything is entered"), &cmd.complete},
        {"partial", 0, NULL, N_("more will follow"), &cmd.partial},
        {"nothing", 0, NULL, N_("there is nothing to report"), &cmd.nothing},
        {"approve", 0, N_("NAME"), N_("who approved it (today)"), &cmd.approve},
        {"entered-by", 0, N_("WHO"), N_("who drew it up"), &cmd.entered_by},
        OPTION_BY(&cmd.by),
        {"reason", 'r', N_("TEXT"), N_("why it was changed after it was marked"), &cmd.reason},
        {"print", 0, N_("FILE"), N_("write a page (.html) or a workbook (.xlsx) to print and sign"), &cmd.print},
        OPTION_BEHALF(&cmd.behalf),
        OPTION_FORMAT(&format),
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    cmd.form = argv[0];
    if ((e = command_format(&cmd.format, format)) == OK && (e = check_usage(&cmd)) == OK &&
        (e = command_open(&a, home)) == OK)
        e = run(a, &cmd);
    agent_close(a);
    return cli_fail(e);
}
