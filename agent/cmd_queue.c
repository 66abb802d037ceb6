#include "agent/cmd_common.h"

#include "agent/standing.h"
#include "common/form_json.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX (4u << 20)

struct list_command {
    const char *form, *period, *unit, *values;
    bool all;  /* also what the district has received */
    bool past; /* also what is no longer kept here */
};

/* One listing while the queue is walked. */
struct listing {
    const struct agent *a;
    const struct list_command *cmd;
    struct table *t;
    struct buf key, values;
    enum table_format format;
};

/* What the district makes of it, once it has it: counted, unless it said otherwise. */
static enum err put_standing(const struct listing *l, const struct queue_submission *s, const char **standing,
                             char why[STANDING_TEXT])
{
    bool is_received = s->state == RECORD_STORED || s->state == RECORD_ARCHIVED;
    struct standing_row row = {.standing = STANDING_COUNTED};
    enum err e = standing_get(l->a, NULL, &s->ref, &row);

    *standing = "";
    why[0] = '\0';
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (e == OK)
        standing_why(why, &row, s->form);
    if (e == OK || is_received)
        *standing = l->format == TABLE_TEXT ? e == OK ? standing_word(row.standing) : _("accepted")
                    : e == OK ? standing_name(row.standing)
                                            : "accepted";
    return OK;
}

static enum err put_submission(void *ctx, const struct queue_submission *s)
{
    struct listing *l = ctx;
    const struct record *r = s->record;
    char id[RECORD_ID_TEXT];
    char target[RECORD_ID_TEXT] = "";
    char filled[11];
    char reason[RECORD_REASON_MAX + 1];
    char why[STANDING_TEXT];
    const char *cells[13];
    enum err e;

    if (!l->cmd->all && s->state != RECORD_WAITING && s->state != RECORD_SEALED)
        return OK;
    buf_reset(&l->key);
    buf_reset(&l->values);
    record_id_format(id, l->a->grant->participant, &s->ref);
    date_format(filled, r->filled_on);
    if (r->kind != RECORD_NEW)
        record_id_format(target, l->a->grant->participant, &r->target);
    (void)snprintf(reason, sizeof(reason), "%.*s", (int)r->reason.len, (const char *)r->reason.p);
    if (r->kind != RECORD_RETRACTION && r->values != NULL) {
        queue_key_text(&l->key, s->form, r->values);
        if (l->cmd->values != NULL)
            form_values_to_json(s->form, r->values, &l->values);
    }
    cells[0] = id;
    cells[1] = s->form != NULL ? s->form->id : "";
    cells[2] = r->unit;
    cells[3] = r->period;
    cells[4] = buf_cstr(&l->key);
    cells[5] = word_of_kind(r->kind);
    cells[6] = filled;
    cells[7] = word_of_state(s->state);
    if ((e = put_standing(l, s, &cells[8], why)) != OK)
        return e;
    cells[9] = why;
    cells[10] = target;
    cells[11] = reason;
    cells[12] = buf_cstr(&l->values);
    return table_row(l->t, cells);
}

/* What was filled in is listed also when the form is not asked for any more, and so is what a built-in form says. */
static const struct form *any_version(const struct agent *a, const char *id)
{
    const struct form *form = agent_form(a, id);

    for (size_t i = a->form_count; form == NULL && i > 0; i--)
        if (strcmp(a->forms[i - 1].object->name, id) == 0)
            form = agent_form_at(a, i - 1);
    return form != NULL ? form : builtin_form_by_id(&a->builtin, id);
}

/* Of what was destroyed here after its time only this is left. */
static enum err put_past(void *ctx, const struct queue_past *p)
{
    struct listing *l = ctx;
    char id[RECORD_ID_TEXT];
    char filled[11];
    char why[STANDING_TEXT];
    struct standing_row row;
    enum err e;
    const char *cells[13] = {id,      p->form,
                             p->unit, p->period,
                             "",      word_of_kind(p->kind),
                             filled,  _("in the district's archive; no longer kept here")};

    record_id_format(id, l->a->grant->participant, &p->ref);
    date_format(filled, p->filled_on);
    if ((e = standing_get(l->a, NULL, &p->ref, &row)) == OK) {
        standing_why(why, &row, NULL);
        cells[8] = l->format == TABLE_TEXT ? standing_word(row.standing) : standing_name(row.standing);
        cells[9] = why;
    } else if (e != ERR_NOT_FOUND)
        return e;
    return table_row(l->t, cells);
}

static enum err check_filter(const struct agent *a, const struct list_command *cmd, struct queue_filter *filter,
                             struct period *period)
{
    const struct form *form = NULL;
    enum err e;

    *filter = (struct queue_filter){cmd->form, cmd->unit, NULL};
    if (cmd->form != NULL && (form = any_version(a, cmd->form)) == NULL &&
        (e = command_form(a, cmd->form, &form)) != OK)
        return e;
    if (cmd->period == NULL)
        return OK;
    e = form != NULL ? builtin_period(form, a->calendar, cmd->period, period)
                     : calendar_find(a->calendar, NULL, cmd->period, period);
    filter->period = period->id;
    return e;
}

static enum err list(const struct agent *a, const struct list_command *cmd, enum table_format format)
{
    const struct table_column columns[] = {{"id", _("id"), TABLE_LEFT, false},
                                           {"form", _("form"), TABLE_LEFT, false},
                                           {"unit", _("unit"), TABLE_LEFT, false},
                                           {"period", _("period"), TABLE_LEFT, false},
                                           {"key", _("key"), TABLE_LEFT, false},
                                           {"kind", _("kind"), TABLE_LEFT, false},
                                           {"filled_on", _("filled in on"), TABLE_LEFT, false},
                                           {"state", _("state"), TABLE_LEFT, false},
                                           {"standing", _("at the district"), TABLE_LEFT, false},
                                           {"why", _("why"), TABLE_LEFT, false},
                                           {"target", _("changes"), TABLE_LEFT, false},
                                           {"reason", _("reason"), TABLE_LEFT, false},
                                           {"values", _("answers"), TABLE_LEFT, false}};
    struct listing l = {.a = a, .cmd = cmd, .format = format};
    struct queue_filter filter;
    struct period period;
    enum err e = check_filter(a, cmd, &filter, &period);

    if (e != OK)
        return e;
    buf_init_secret(&l.key, (size_t)4 * FORM_MAX_TEXT);
    buf_init_secret(&l.values, VALUES_MAX);
    /* The last column is there when it was asked for. */
    if ((e = table_new(&l.t, columns, cmd->values != NULL ? 13 : 12)) == OK &&
        (!cmd->past || (e = queue_each_past(a, &filter, put_past, &l)) == OK) &&
        (e = queue_each(a, &filter, put_submission, &l)) == OK)
        e = table_print(l.t, format, stdout);
    table_free(l.t);
    buf_wipe(&l.key);
    buf_wipe(&l.values);
    return e;
}

static int run_list(int count, char **argv, const char *home, const char *format_name, struct list_command *cmd)
{
    enum table_format format;
    struct agent *a = NULL;
    enum err e = command_format(&format, format_name);

    cmd->form = count > 0 ? argv[0] : NULL;
    if (e == OK && (e = command_open(&a, home)) == OK)
        e = list(a, cmd, format);
    agent_close(a);
    return cli_fail(e);
}

int cmd_queue(int argc, char **argv)
{
    static const struct cli_command self = {"queue", "[FORM] [--period P] [--all]",
                                            N_("Lists what was entered and is not yet received by the district."),
                                            cmd_queue};
    struct list_command cmd = {.form = NULL};
    const char *home = NULL;
    const char *format = NULL;
    const char *all = NULL;
    const struct cli_option options[] = {OPTION_PERIOD(&cmd.period),
                                         {"unit", 'u', N_("U"), N_("only this unit"), &cmd.unit},
                                         {"all", 0, NULL, N_("also what was received"), &all},
                                         OPTION_FORMAT(&format),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    int count = cli_parse(&self, options, argc, argv, 0, 1);

    if (count < 0)
        return cli_exit_code();
    cmd.all = all != NULL;
    return run_list(count, argv, home, format, &cmd);
}

int cmd_history(int argc, char **argv)
{
    static const struct cli_command self = {
        "history", "[FORM] [--period P] [--values]",
        N_("Lists everything that was submitted from here, oldest first; of what is no longer kept, which it was."),
        cmd_history};
    struct list_command cmd = {.all = true, .past = true};
    const char *home = NULL;
    const char *format = NULL;
    const struct cli_option options[] = {OPTION_PERIOD(&cmd.period),
                                         {"unit", 'u', N_("U"), N_("only this unit"), &cmd.unit},
                                         {"values", 0, NULL, N_("with the answers, as JSON"), &cmd.values},
                                         OPTION_FORMAT(&format),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    int count = cli_parse(&self, options, argc, argv, 0, 1);

    if (count < 0)
        return cli_exit_code();
    return run_list(count, argv, home, format, &cmd);
}
