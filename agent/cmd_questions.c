/* questions, answer: what the office asks about what was sent, and the school's word that it is correct. */
#include "agent/cmd_common.h"

#include "agent/people.h"
#include "agent/questions.h"
#include "common/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- questions ---- */

static enum err put_question(struct table *t, const struct agent *a, const struct asked *q, enum table_format f)
{
    const struct notice_return *r = &q->about;
    char number[24], name[ASKED_NAME], field[ASKED_NAME], asked[64], due[11] = "";
    bool is_text = f == TABLE_TEXT;
    const char *cells[] = {number,
                           is_text ? name : r->form,
                           r->unit,
                           r->period,
                           is_text ? field : r->field,
                           q->key,
                           q->text,
                           due,
                           is_text ? asked_state_word(q->state) : asked_state_name(q->state),
                           q->old_value,
                           q->is_withdrawn && is_text ? _("withdrawn") : q->new_value,
                           q->remark,
                           asked};
    const char *for_people[] = {number, name, field, q->key, q->text, due, cells[8], cells[9], cells[10], q->remark};

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)r->question);
    asked_name(a, r, name);
    asked_field(a, r, field);
    cli_format_utc(asked, sizeof(asked), q->asked_ms);
    if (r->has_due)
        date_format(due, r->due);
    return table_row(t, is_text ? for_people : cells);
}

/* For people the return in one cell, by its title; for programs its parts. */
static enum err new_table(struct table **out, enum table_format f)
{
    static struct table_column columns[13];
    static struct table_column for_people[10];
    const struct table_column all[] = {
        {"question", _("Question"), TABLE_RIGHT, true},  {"form", _("Form"), TABLE_LEFT, false},
        {"unit", _("Unit"), TABLE_LEFT, false},          {"period", _("Period"), TABLE_LEFT, false},
        {"field", _("Field"), TABLE_LEFT, false},        {"key", _("Row"), TABLE_LEFT, false},
        {"text", _("What is asked"), TABLE_LEFT, false}, {"due", _("Answer until"), TABLE_LEFT, false},
        {"state", _("State"), TABLE_LEFT, false},        {"old_value", _("Was"), TABLE_LEFT, false},
        {"new_value", _("Is now"), TABLE_LEFT, false},   {"remark", _("Your remark"), TABLE_LEFT, false},
        {"asked", _("Asked"), TABLE_LEFT, false}};
    static const size_t shown[] = {0, 1, 4, 5, 6, 7, 8, 9, 10, 11};

    memcpy(columns, all, sizeof(columns));
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        for_people[i] = all[shown[i]];
    return f == TABLE_TEXT ? table_new(out, for_people, sizeof(for_people) / sizeof(for_people[0]))
                           : table_new(out, columns, sizeof(columns) / sizeof(columns[0]));
}

static enum err show(const struct agent *a, bool all, enum table_format f)
{
    struct table *t = NULL;
    struct asked_list l;
    size_t shown = 0, open = 0;
    enum err e = questions_list(a, &l);

    if (e == OK)
        e = new_table(&t, f);
    for (size_t i = 0; e == OK && i < l.count; i++) {
        if (l.items[i].state == ASKED_ACCEPTED && !all)
            continue;
        shown++;
        open += l.items[i].state == ASKED_OPEN;
        e = put_question(t, a, &l.items[i], f);
    }
    if (e == OK && f == TABLE_TEXT && shown == 0)
        (void)printf("%s\n", _("The district asks nothing."));
    else if (e == OK)
        e = table_print(t, f, stdout);
    if (e == OK && f == TABLE_TEXT && open > 0)
        (void)printf("%s\n", _("Answer by a correction (svodka-agent correct, svodka-agent retract), or say that it is "
                               "right: svodka-agent answer QUESTION --checked --remark TEXT."));
    table_free(t);
    asked_list_fini(&l);
    return e;
}

int cmd_questions(int argc, char **argv)
{
    static const struct cli_command self = {
        "questions", "[--all]",
        N_("Lists what the district asks about what was sent, until when, and how each question stands."),
        cmd_questions};
    const char *home = NULL, *format_name = NULL, *all = NULL;
    const struct cli_option options[] = {{"all", 0, NULL, N_("also those that the district has accepted"), &all},
                                         OPTION_FORMAT(&format_name),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    enum table_format format;
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK)
        e = show(a, all != NULL, format);
    agent_close(a);
    return cli_fail(e);
}

/* ---- answer ---- */

struct answer_command {
    const char *number, *remark, *entered_by, *by;
};

static enum err find_question(const struct asked_list *l, const char *text, const struct asked **out)
{
    char *end;
    unsigned long long number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9')
        return err_set(ERR_USAGE, _("\"%.40s\" is not the number of a question; svodka-agent questions lists them"),
                       text);
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].about.question == number) {
            *out = &l->items[i];
            return OK;
        }
    return err_set(ERR_NOT_FOUND, _("the district has asked no question %llu; svodka-agent questions lists them"),
                   number);
}

static enum err put_answer(struct agent *a, const struct asked *q, const struct answer_command *cmd)
{
    struct capture_options o = {.form = a->builtin.forms[BUILTIN_ANSWER],
                                .unit = q->about.unit,
                                .period = q->about.period,
                                .entered_by = cmd->entered_by};
    struct answer said = {.question = q->about.question, .asked_ms = q->asked_ms};
    struct value values[ANSWER_FIELDS];
    struct buf keep;
    struct capture *c = NULL;
    struct report *r = NULL;
    struct record_ref ref;
    enum err e = report_new(&r, 0);

    buf_init_secret(&keep, 64u << 10);
    answer_write(&said, values);
    if (e == OK)
        e = value_parse(&values[ANSWER_REMARK], &o.form->fields[ANSWER_REMARK], cmd->remark, strlen(cmd->remark),
                        &keep);
    if (e == OK && (e = capture_open(&c, a, &o)) == OK && (e = capture_judge(c, values, false, NULL, r)) == OK)
        e = capture_one(c, values, NULL, &ref);
    else
        command_report(r);
    capture_close(c);
    report_free(r);
    buf_wipe(&keep);
    return e;
}

static enum err answer(struct agent *a, const struct answer_command *cmd)
{
    const struct asked *q = NULL;
    char name[ASKED_NAME];
    struct asked_list l;
    enum err e = questions_list(a, &l);

    if (e != OK)
        return e;
    if ((e = find_question(&l, cmd->number, &q)) == OK && q->state == ASKED_ACCEPTED)
        e = err_set(ERR_EXISTS, _("the district has accepted it already: nothing is left to answer"));
    if (e == OK && (e = put_answer(a, q, cmd)) == OK) {
        asked_name(a, &q->about, name);
        (void)printf(_("%s: the answer to question %llu waits to be sent.\n"), name,
                     (unsigned long long)q->about.question);
    }
    asked_list_fini(&l);
    return e;
}

int cmd_answer(int argc, char **argv)
{
    static const struct cli_command self = {
        "answer", "QUESTION --checked --remark TEXT",
        N_("Answers a question of the district: what was sent was checked, and is correct. Something wrong is answered "
           "by svodka-agent correct or retract."),
        cmd_answer};
    struct answer_command cmd = {.number = NULL};
    char code[RECORD_ENTERED_BY_MAX + 1];
    const char *home = NULL, *checked = NULL;
    const struct cli_option options[] = {
        {"checked", 0, NULL, N_("it was checked, and is correct"), &checked},
        {"remark", 0, N_("TEXT"), N_("why it is as it is, for the district"), &cmd.remark},
        {"entered-by", 0, N_("WHO"), N_("role or local code of the one who enters it"), &cmd.entered_by},
        OPTION_BY(&cmd.by),
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e = OK;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    cmd.number = argv[0];
    if (checked == NULL)
        e = err_set(ERR_USAGE, _("say that it was checked: --checked; something wrong is answered by svodka-agent "
                                 "correct or retract"));
    else if (cmd.remark == NULL || cmd.remark[0] == '\0')
        e = err_set(ERR_USAGE, _("say why it is as it is: --remark TEXT"));
    else if (strlen(cmd.remark) > ANSWER_REMARK_MAX || !utf8_is_valid(cmd.remark, strlen(cmd.remark)))
        e = err_set(ERR_USAGE, _("--remark: at most %u bytes (half as many Russian letters)"), ANSWER_REMARK_MAX);
    if (e == OK && (e = command_open(&a, home)) == OK && (e = people_by(a, cmd.by, false, code, &cmd.entered_by)) == OK)
        e = answer(a, &cmd);
    agent_close(a);
    return cli_fail(e);
}
