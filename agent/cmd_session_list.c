/* session list, session show: the stacks, and how far they are. */
#include "agent/cmd_session.h"

#include "agent/cmd_sheet.h"
#include "agent/people.h"
#include "agent/queue.h"

#include <string.h>

/* ---- in words ---- */

static const char *title_of(const struct agent *a, const char *form_id)
{
    const struct form *f = agent_form(a, form_id);

    return f == NULL ? form_id : cli_pick(f->title_ru, f->title_en);
}

static void label_of(const struct agent *a, const char *period_id, char *out, size_t size)
{
    struct period p;
    bool is_known = a->calendar != NULL && calendar_find(a->calendar, NULL, period_id, &p) == OK;

    (void)snprintf(out, size, "%s", is_known ? cli_pick(p.label_ru, p.label_en) : period_id);
}

/* ---- list ---- */

static enum err put_session(struct table *t, const struct agent *a, const struct session *s, enum table_format f)
{
    char label[256], count[SESSION_COUNT_TEXT], entered[16], expected[16] = "", kept[16];
    const char *for_people[] = {
        s->word.name, title_of(a, s->word.form), label, s->word.group, session_state_word(s->word.state), count, kept};
    const char *cells[] = {s->word.name, s->word.form,  s->unit,
                           s->period,    s->word.group, session_state_name(s->word.state),
                           entered,      expected,      kept};

    label_of(a, s->period, label, sizeof(label));
    command_session_count(count, s);
    (void)snprintf(entered, sizeof(entered), "%u", s->word.entered);
    if (s->word.expected > 0)
        (void)snprintf(expected, sizeof(expected), "%u", s->word.expected);
    (void)snprintf(kept, sizeof(kept), "%u", s->kept);
    return table_row(t, f == TABLE_TEXT ? for_people : cells);
}

static enum err new_table(struct table **out, enum table_format f)
{
    static const struct table_column columns[] = {
        {"session", "session", TABLE_LEFT, false}, {"form", "form", TABLE_LEFT, false},
        {"unit", "unit", TABLE_LEFT, false},       {"period", "period", TABLE_LEFT, false},
        {"group", "group", TABLE_LEFT, false},     {"state", "state", TABLE_LEFT, false},
        {"entered", "entered", TABLE_RIGHT, true}, {"expected", "expected", TABLE_RIGHT, true},
        {"waiting", "waiting", TABLE_RIGHT, true}};
    static struct table_column for_people[7]; /* must outlive the table */
    const struct table_column people[] = {{"session", _("Session"), TABLE_LEFT, false},
                                          {"form", _("Questionnaire"), TABLE_LEFT, false},
                                          {"period", _("Period"), TABLE_LEFT, false},
                                          {"group", _("Group"), TABLE_LEFT, false},
                                          {"state", _("State"), TABLE_LEFT, false},
                                          {"entered", _("Answers"), TABLE_RIGHT, false},
                                          {"waiting", _("Wait for others"), TABLE_RIGHT, false}};

    memcpy(for_people, people, sizeof(for_people));
    return f == TABLE_TEXT ? table_new(out, for_people, sizeof(for_people) / sizeof(for_people[0]))
                           : table_new(out, columns, sizeof(columns) / sizeof(columns[0]));
}

static enum err list_sessions(const struct agent *a, const struct session_filter *f, enum table_format format)
{
    struct session_list l;
    struct table *t = NULL;
    enum err e = session_list(a, f, &l);

    if (e == OK)
        e = new_table(&t, format);
    for (size_t i = 0; e == OK && i < l.count; i++)
        e = put_session(t, a, &l.items[i], format);
    if (e == OK && format == TABLE_TEXT && l.count == 0)
        (void)printf("%s\n", f->open_only ? _("No session is open.") : _("There is no session."));
    else if (e == OK)
        e = table_print(t, format, stdout);
    table_free(t);
    session_list_fini(&l);
    return e;
}

int cmd_session_list(int argc, char **argv)
{
    static const struct cli_command self = {
        "session list", "[FORM] [--period P] [--all]",
        N_("Lists the sessions of anonymous answers that are open: how many answers each has, and of how many."),
        cmd_session_list};
    const char *home = NULL, *format_name = NULL, *all = NULL, *period_text = NULL;
    const struct cli_option options[] = {OPTION_PERIOD(&period_text),
                                         {"all", 0, NULL, N_("also those that are closed or withdrawn"), &all},
                                         OPTION_FORMAT(&format_name),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    struct session_filter f = {NULL, NULL, NULL, NULL, false};
    enum table_format format;
    struct period period;
    struct agent *a = NULL;
    int count;
    enum err e;

    if ((count = cli_parse(&self, options, argc, argv, 0, 1)) < 0)
        return cli_exit_code();
    f.form = count > 0 ? argv[0] : NULL;
    f.open_only = all == NULL;
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK &&
        (period_text == NULL || (e = calendar_find(a->calendar, NULL, period_text, &period)) == OK)) {
        f.period = period_text == NULL ? NULL : period.id;
        e = list_sessions(a, &f, format);
    }
    agent_close(a);
    return cli_fail(e);
}

/* ---- show ---- */

struct said_by {
    const struct session *s;
    char code[RECORD_ENTERED_BY_MAX + 1];
};

/* The last word about it, by whom. */
static enum err look_who(void *ctx, const struct queue_submission *q)
{
    struct said_by *x = ctx;
    struct session_word w;
    const struct bytes *by = &q->record->entered_by;

    if (q->record->values == NULL || !session_word_read(&w, q->record->values, q->record->value_count) ||
        strcmp(w.form, x->s->word.form) != 0 || strcmp(w.name, x->s->word.name) != 0)
        return OK;
    (void)snprintf(x->code, sizeof(x->code), "%.*s", (int)by->len, (const char *)by->p);
    return OK;
}

static enum err show_who(struct sheet *sheet, const struct agent *a, const struct session *s, enum table_format format)
{
    const struct queue_filter words = {SESSION_FORM, s->unit, s->period};
    char name[BOOK_WHO_MAX + 1];
    struct said_by x = {.s = s};
    enum err e = queue_each(a, &words, look_who, &x);

    if (e == OK)
        e = people_name(a, x.code, name);
    if (e == OK)
        e = sheet_text(sheet, "entered_by", _("last changed by"), format == TABLE_TEXT ? name : x.code);
    wipe(name, sizeof(name));
    return e;
}

static enum err show_session(const struct agent *a, const struct session *s, enum table_format format)
{
    const struct table_column columns[] = {{"item", _("item"), TABLE_LEFT, false},
                                           {"title", _("what"), TABLE_LEFT, false},
                                           {"value", _("value"), TABLE_LEFT, false}};
    struct sheet sheet;
    char label[256], day[11];
    enum err e = sheet_new(&sheet, columns, format);

    label_of(a, s->period, label, sizeof(label));
    date_format(day, s->day);
    if (e == OK && (e = sheet_text(&sheet, "session", _("session"), s->word.name)) == OK &&
        (e = sheet_text(&sheet, "form", _("questionnaire"),
                        format == TABLE_TEXT ? title_of(a, s->word.form) : s->word.form)) == OK &&
        (e = sheet_text(&sheet, "unit", _("about"), s->unit)) == OK &&
        (e = sheet_text(&sheet, "period", _("period"), format == TABLE_TEXT ? label : s->period)) == OK &&
        (e = sheet_text(&sheet, "group", _("group"), s->word.group)) == OK &&
        (e = sheet_text(&sheet, "day", _("day that all its answers have"), day)) == OK &&
        (e = sheet_text(&sheet, "state", _("state"),
                        format == TABLE_TEXT ? session_state_word(s->word.state)
                                             : session_state_name(s->word.state))) == OK &&
        (e = sheet_count(&sheet, "entered", _("answers in it"), s->word.entered)) == OK &&
        (s->word.expected == 0 ||
         (e = sheet_count(&sheet, "expected", _("sheets handed out"), s->word.expected)) == OK))
        e = sheet_count(&sheet, "waiting", _("of these, wait here for others to leave with"), s->kept);
    if (e == OK)
        e = show_who(&sheet, a, s, format);
    if (e == OK)
        e = table_print(sheet.t, format, stdout);
    table_free(sheet.t);
    if (e == OK && format == TABLE_TEXT)
        command_session_explain();
    return e;
}

int cmd_session_show(int argc, char **argv)
{
    static const struct cli_command self = {"session show", "NAME",
                                            N_("Shows a session, and what of it can be seen: how many, never what."),
                                            cmd_session_show};
    struct session_choice choice = {.name = NULL};
    const char *home = NULL, *format_name = NULL;
    const struct cli_option options[] = {OPTION_CHOICE_FORM(&choice), OPTION_PERIOD(&choice.period),
                                         OPTION_UNIT(&choice.unit),   OPTION_FORMAT(&format_name),
                                         OPTION_HOME(&home),          OPTION_END};
    enum table_format format;
    struct agent *a = NULL;
    struct session s;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    choice.name = argv[0];
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK &&
        (e = command_find_session(a, &choice, &s)) == OK)
        e = show_session(a, &s, format);
    agent_close(a);
    return cli_fail(e);
}
