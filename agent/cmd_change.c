#include "agent/cmd_change.h"

#include "agent/interview.h"
#include "agent/people.h"
#include "common/form_json.h"
#include "common/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEP_MAX (4u << 20)

/* What is to be changed, and the way it is done. */
struct change {
    struct agent *a;
    const struct change_command *cmd;
    struct record_ref target;
    struct buf bytes; /* of the target */
    struct record_space *space;
    struct record record; /* decoded from `bytes` */
    const struct form *form;
    struct capture *c;
    struct value *values;
    struct buf keep;
};

/* ---- finding it ---- */

/* Forms begin with a letter and have no slash; ids of submissions begin with a digit or have one. */
static bool is_id(const char *what)
{
    return strchr(what, '/') != NULL || (what[0] >= '0' && what[0] <= '9');
}

/* The key as records hold it: a person may have typed a choice's label. */
static enum err key_text(const struct form *f, const char *typed, struct buf *out)
{
    struct value v;
    struct buf keep;
    enum err e;

    if (f->key < 0)
        return typed == NULL ? OK : err_set(ERR_USAGE, _("the form \"%s\" has no keyed rows: leave out --key"), f->id);
    if (typed == NULL)
        return err_set(ERR_USAGE, _("say which row: --key K, the value of \"%s\""), f->fields[f->key].name);
    buf_init_secret(&keep, FORM_MAX_BYTES);
    if ((e = value_parse(&v, &f->fields[f->key], typed, strlen(typed), &keep)) == OK)
        value_format(out, &f->fields[f->key], &v);
    else if (e == ERR_INVALID)
        e = err_prefix(ERR_USAGE, "--key");
    buf_fini(&keep);
    return e;
}

static enum err find_by_name(struct change *x)
{
    struct capture_options o = {.unit = x->cmd->unit, .period = x->cmd->period, .only_looks = true};
    struct queue_filter slot;
    struct buf key;
    enum err e;

    if (x->cmd->period == NULL)
        return err_set(ERR_USAGE, _("say the period: --period P"));
    buf_init(&key, (size_t)4 * FORM_MAX_TEXT);
    if ((e = command_form(x->a, x->cmd->what, &o.form)) != OK || (e = key_text(o.form, x->cmd->key, &key)) != OK ||
        (e = capture_open(&x->c, x->a, &o)) != OK)
        goto done;
    slot = (struct queue_filter){o.form->id, capture_unit(x->c), capture_period(x->c)->id};
    e = queue_find_current(x->a, &slot, o.form->key >= 0 ? buf_cstr(&key) : NULL, &x->target);
    if (e == ERR_NOT_FOUND && o.form->key >= 0)
        e = err_set(e, _("nothing to change: \"%s\" of %s for %s has no row \"%.80s\" here, or it was withdrawn"),
                    o.form->id, slot.unit, slot.period, buf_cstr(&key));
    else if (e == ERR_NOT_FOUND)
        e = err_set(e, _("nothing to change: \"%s\" of %s for %s is not here, or it was withdrawn"), o.form->id,
                    slot.unit, slot.period);
    capture_close(x->c);
    x->c = NULL;
done:
    buf_fini(&key);
    return e;
}

/* What is dead already cannot be changed once more: the correction of it can. */
static enum err look_for_successor(void *ctx, const struct queue_submission *s)
{
    const struct change *x = ctx;
    char old_id[RECORD_ID_TEXT];
    char new_id[RECORD_ID_TEXT];

    if (s->record->kind == RECORD_NEW || record_ref_compare(&s->record->target, &x->target) != 0)
        return OK;
    record_id_format(old_id, x->a->grant->participant, &x->target);
    record_id_format(new_id, x->a->grant->participant, &s->ref);
    if (s->record->kind == RECORD_RETRACTION)
        return err_set(ERR_INVALID, _("%s was withdrawn already, by %s"), old_id, new_id);
    return err_set(ERR_INVALID, _("%s was corrected already: change its correction, %s"), old_id, new_id);
}

/* Decodes the target and binds a capture to its form version, unit and period. */
static enum err take_target(struct change *x)
{
    struct capture_options o = {.filled_on = x->cmd->filled_on, .entered_by = x->cmd->entered_by};
    struct queue_filter any = {NULL, NULL, NULL};
    char code[RECORD_ENTERED_BY_MAX + 1];
    struct bytes bytes;
    enum err e;

    if ((e = queue_get(x->a, &x->target, &x->bytes)) != OK)
        return e;
    bytes = bytes_of(x->bytes.data, x->bytes.len);
    if ((e = record_space_new(&x->space)) != OK || (e = record_decode_head(&x->record, bytes)) != OK)
        return e;
    if ((x->form = agent_form_by_digest(x->a, x->record.form)) == NULL)
        return err_set(ERR_NOT_FOUND, _("the version of the form that it was filled in with is not here any more"));
    if ((e = record_decode(&x->record, x->space, bytes, x->form)) != OK)
        return e;
    if (x->form->mode == FORM_ANSWERS)
        return err_set(ERR_DENIED,
                       _("the answers to \"%s\" are anonymous: a single one cannot be changed or withdrawn"),
                       x->form->id);
    if (builtin_is(x->form, BUILTIN_SESSION))
        return err_set(ERR_DENIED, "%s",
                       _("this tells the district of a session of anonymous answers: close it or withdraw it with "
                         "svodka-agent session"));
    if (x->record.kind == RECORD_RETRACTION)
        return err_set(ERR_INVALID, _("this is a retraction; what was withdrawn can only be submitted anew"));
    if ((e = queue_each(x->a, &any, look_for_successor, x)) != OK)
        return e;
    if ((e = people_by(x->a, x->cmd->by, false, code, &o.entered_by)) != OK)
        return e;
    o.form = x->form;
    o.unit = x->record.unit;
    o.period = x->record.period;
    if (source_is_behalf(x->record.source)) /* they stay somebody else's words */
        o.source = x->record.source;
    return capture_open(&x->c, x->a, &o);
}

enum err change_check_reason(const struct change_command *cmd)
{
    if (cmd->reason == NULL || cmd->reason[0] == '\0')
        return err_set(ERR_USAGE, _("say why: --reason TEXT"));
    if (strlen(cmd->reason) > RECORD_REASON_MAX)
        return err_set(ERR_USAGE, _("--reason: at most %u bytes (half as many Russian letters)"), RECORD_REASON_MAX);
    return OK;
}

static enum err change_open(struct change *x, struct agent *a, const struct change_command *cmd)
{
    enum err e;

    *x = (struct change){.a = a, .cmd = cmd};
    buf_init_secret(&x->bytes, RECORD_MAX);
    buf_init_secret(&x->keep, KEEP_MAX);
    if ((e = change_check_reason(cmd)) != OK)
        return e;
    e = is_id(cmd->what) ? queue_resolve(a, cmd->what, &x->target) : find_by_name(x);
    return e == OK ? take_target(x) : e;
}

static void change_fini(struct change *x)
{
    capture_close(x->c);
    record_space_free(x->space);
    free(x->values);
    buf_wipe(&x->bytes);
    buf_wipe(&x->keep);
}

/* ---- new values ---- */

/* The whole answer anew. */
static enum err values_from_json(struct change *x)
{
    struct report *r = NULL;
    void *text = NULL;
    size_t len = 0;
    enum err e = cli_read_file(x->cmd->json, FORM_JSON_MAX_BYTES, &text, &len);

    if (e == OK && (e = report_new(&r, 0)) == OK) {
        report_set_file(r, x->cmd->json);
        e = form_values_from_json(x->form, text, len, x->values, &x->keep, r);
        command_report(r);
        if (e != OK && report_kept(r) > 0)
            e = err_set(e, _("%s: nothing was queued"), x->cmd->json);
    }
    report_free(r);
    if (text != NULL)
        wipe(text, len);
    free(text);
    return e;
}

/* What was answered before, with some answers changed. */
static enum err values_from_sets(struct change *x)
{
    for (size_t i = 0; i < x->cmd->set_count; i++) {
        const char *text = NULL;
        uint32_t field = 0;
        enum err e = command_field(x->form, x->cmd->sets[i], &field, &text);

        if (e != OK)
            return e;
        if (x->form->fields[field].is_calculated || x->form->fields[field].is_read_only)
            return err_set(ERR_USAGE, _("the form fills in \"%s\" itself"), x->form->fields[field].name);
        if ((e = value_parse(&x->values[field], &x->form->fields[field], text, strlen(text), &x->keep)) != OK)
            return err_prefix(e, "%s", x->form->fields[field].name);
    }
    return OK;
}

static enum err values_asked(struct change *x, struct interview **out)
{
    enum err e;

    if (isatty(STDIN_FILENO) == 0)
        return err_set(ERR_USAGE, _("there is no terminal to ask on; use --set FIELD=VALUE, --json FILE or --json -"));
    if ((e = interview_new(out, x->c, x->values)) != OK || (e = interview_run(*out, 0, NULL, NULL)) != OK)
        return e;
    memcpy(x->values, interview_values(*out), x->form->field_count * sizeof(*x->values));
    return OK;
}

/* The target's values to begin with. */
static enum err copy_values(struct change *x)
{
    if ((x->values = calloc(x->form->field_count + 1, sizeof(*x->values))) == NULL)
        return ERR_NOMEM;
    memcpy(x->values, x->record.values, x->form->field_count * sizeof(*x->values));
    return OK;
}

static enum err judge(struct change *x, bool drop_irrelevant)
{
    struct report *r = NULL;
    enum err e = report_new(&r, 0);

    if (e != OK)
        return e;
    e = capture_judge(x->c, x->values, drop_irrelevant, NULL, r);
    command_report(r);
    report_free(r);
    return e == ERR_INVALID ? err_set(e, "%s", _("nothing was queued; put the answers right first")) : e;
}

static enum err queue_deed(struct change *x, enum record_kind kind)
{
    struct capture_deed deed = {.kind = kind, .target = x->target, .reason = x->cmd->reason};
    struct record_ref ref;
    char id[RECORD_ID_TEXT];
    enum err e = capture_one(x->c, kind == RECORD_RETRACTION ? NULL : x->values, &deed, &ref);

    if (e != OK)
        return e;
    record_id_format(id, x->a->grant->participant, &ref);
    (void)printf("%s\n", id);
    command_return_changed(x->a, x->form, capture_unit(x->c), capture_period(x->c)->id);
    return OK;
}

enum err command_correct(struct agent *a, const struct change_command *cmd)
{
    struct interview *i = NULL;
    struct change x;
    bool is_partial = cmd->json == NULL;
    enum err e;

    if (cmd->json != NULL && cmd->set_count > 0)
        return err_set(ERR_USAGE, _("--json gives all answers, --set some of them: use one of the two"));
    if ((e = change_open(&x, a, cmd)) == OK && (e = copy_values(&x)) == OK)
        e = cmd->json != NULL ? values_from_json(&x) : cmd->set_count > 0 ? values_from_sets(&x) : values_asked(&x, &i);
    /* Changing one answer may make others irrelevant; what somebody wrote down whole should fit. */
    if (e == OK && (e = judge(&x, is_partial)) == OK)
        e = queue_deed(&x, RECORD_CORRECTION);
    interview_free(i);
    change_fini(&x);
    return e;
}

enum err command_retract(struct agent *a, const struct change_command *cmd)
{
    struct change x;
    enum err e = change_open(&x, a, cmd);

    if (e == OK)
        e = queue_deed(&x, RECORD_RETRACTION);
    change_fini(&x);
    return e;
}

/* ---- the commands ---- */

int cmd_correct(int argc, char **argv)
{
    static const struct cli_command self = {
        "correct", "ID|FORM [--key K] [--period P] --reason TEXT [--set FIELD=VALUE...] [--json FILE|-]",
        N_("Changes something that was submitted, named by its id or by form, period and key. Without --set and --json "
           "it asks on the terminal."),
        cmd_correct};
    struct change_command cmd = {.what = NULL};
    const char *home = NULL;
    const char *set = NULL;
    const struct cli_option options[] = {
        {"key", 'k', N_("K"), N_("key of the row"), &cmd.key},
        OPTION_PERIOD(&cmd.period),
        OPTION_UNIT(&cmd.unit),
        {"reason", 'r', N_("TEXT"), N_("why, for the district"), &cmd.reason},
        {"set", 0, N_("FIELD=VALUE"), N_("the new answer of one field; may be repeated"), &set},
        {"json", 0, N_("FILE"), N_("all answers anew as a JSON object; - is standard input"), &cmd.json},
        {"filled-on", 0, N_("DATE"), N_("the day it was filled in (else today)"), &cmd.filled_on},
        {"entered-by", 0, N_("WHO"), N_("role or local code of the one who enters it"), &cmd.entered_by},
        OPTION_BY(&cmd.by),
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    int count;
    enum err e = command_repeated(argc, argv, "set", cmd.sets, REPEAT_MAX, &cmd.set_count);

    if ((count = cli_parse(&self, options, argc, argv, 1, -1)) < 0)
        return cli_exit_code();
    for (int i = 1; i < count && e == OK; i++) { /* --set a=1 b=2 */
        if (set == NULL || strchr(argv[i], '=') == NULL || cmd.set_count == REPEAT_MAX)
            e = err_set(ERR_USAGE, _("\"%.80s\" is one argument too many"), argv[i]);
        else
            cmd.sets[cmd.set_count++] = argv[i];
    }
    if (e == OK && set != NULL && cmd.set_count == 0) /* an abbreviation, --se */
        cmd.sets[cmd.set_count++] = set;
    cmd.what = argv[0];
    if (e == OK && (e = command_open(&a, home)) == OK)
        e = command_correct(a, &cmd);
    agent_close(a);
    return cli_fail(e);
}

int cmd_retract(int argc, char **argv)
{
    static const struct cli_command self = {
        "retract", "ID|FORM [--key K | --all] [--period P] --reason TEXT",
        N_("Withdraws something that was submitted, named by its id or by form, period and key; or a whole return."),
        cmd_retract};
    struct change_command cmd = {.what = NULL};
    const char *home = NULL;
    const struct cli_option options[] = {
        {"key", 'k', N_("K"), N_("key of the row"), &cmd.key},
        OPTION_PERIOD(&cmd.period),
        OPTION_UNIT(&cmd.unit),
        {"all", 0, NULL, N_("everything that is entered of the form for the unit and period"), &cmd.all},
        {"reason", 'r', N_("TEXT"), N_("why, for the district"), &cmd.reason},
        {"entered-by", 0, N_("WHO"), N_("role or local code of the one who enters it"), &cmd.entered_by},
        OPTION_BY(&cmd.by),
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    cmd.what = argv[0];
    if ((e = change_check_reason(&cmd)) == OK && (e = command_open(&a, home)) == OK)
        e = cmd.all != NULL ? change_retract_all(a, &cmd) : command_retract(a, &cmd);
    agent_close(a);
    return cli_fail(e);
}
