/* codes rename, codes merge: a code was wrong, or two codes are one person.  What was sent under them is corrected row
 * by row, as a person would: nothing is changed behind anybody's back. */
#include "agent/cmd_change.h"
#include "agent/cmd_codes.h"
#include "agent/code_follow.h"

#include "common/ask.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct recode {
    struct agent *a;
    const struct form *form;
    struct code_list *l;
    char unit[ID_MAX + 1];
    const char *from, *to, *reason, *by;
    bool merges;
    bool at[CODE_PERIODS_MAX];   /* `from` stands there */
    bool both[CODE_PERIODS_MAX]; /* and `to` as well */
    uint32_t count;
    struct code_followers others; /* rows of other forms that have it */
    bool moves_others;
};

static enum err find(struct recode *x)
{
    enum err e = OK;

    for (uint32_t i = 0; i < x->l->period_count && e == OK; i++) {
        if ((e = code_stands(x->a, x->l, i, x->from, &x->at[i])) != OK || !x->at[i])
            continue;
        x->count++;
        if ((e = code_stands(x->a, x->l, i, x->to, &x->both[i])) == OK && x->both[i] && !x->merges)
            return err_set(ERR_EXISTS,
                           _("\"%s\" stands in %s already; if both are one person: svodka-agent codes merge %s %s %s"),
                           x->to, x->l->periods[i].id, x->form->id, x->from, x->to);
    }
    if (e == OK)
        e = code_followers_read(&x->others, x->a, x->form, x->unit, x->from, x->to);
    for (size_t i = 0; i < x->others.count; i++)
        x->moves_others |= code_follower_moves(&x->others.items[i]);
    if (e == OK && x->count == 0 && !x->moves_others && book_find(&x->l->book, x->from) == NULL)
        return err_set(ERR_NOT_FOUND, _("there is no row \"%.80s\" in \"%s\"; svodka-agent codes %s lists the codes"),
                       x->from, x->form->id, x->form->id);
    return e;
}

/* Of another form's row: what will be done, or what is left for a person to decide. */
static void propose_other(const struct recode *x, const struct code_follower *f)
{
    const char *form = cli_pick(f->form->title_ru, f->form->title_en);
    const char *period = cli_pick(f->period.label_ru, f->period.label_en);
    const char *row = f->key[0] != '\0' ? f->key : "-";

    if (f->place == CODE_BUILT_ON && !f->is_taken)
        (void)printf(_("%s, %s: the row %s becomes %s"), form, period, f->key, f->fresh);
    else if (f->place == CODE_BUILT_ON)
        (void)printf(_("%s, %s: the row %s stays, because %s stands as well. If they are two, give it a free code: "
                       "svodka-agent correct %s --period %s --key %s --set %s=CODE --reason TEXT"),
                     form, period, f->key, f->fresh, f->form->id, f->period.id, f->key, f->field);
    else if (f->place == CODE_SAME)
        (void)printf(_("%s, %s, row %s: \"%s\" becomes %s"), form, period, row, f->label, x->to);
    else if (f->place == CODE_ROW)
        (void)printf(_("%s has a row %s, too, which stays. If it is the same person: svodka-agent codes %s %s %s %s"),
                     form, x->from, x->merges ? "merge" : "rename", f->form->id, x->from, x->to);
    else
        (void)printf(_("%s, %s, row %s: \"%s\" is %s and stays. If the same person is meant: svodka-agent correct %s "
                       "--period %s%s%s --set %s=%s --reason TEXT"),
                     form, period, row, f->label, x->from, f->form->id, f->period.id,
                     f->key[0] != '\0' ? " --key " : "", f->key, f->field, x->to);
    (void)fputc('\n', stdout);
}

/* What will be done, in words and as the commands that do it one by one. */
static void propose(const struct recode *x)
{
    for (uint32_t i = 0; i < x->l->period_count; i++) {
        const struct period *p = &x->l->periods[i];

        if (!x->at[i])
            continue;
        if (x->both[i])
            (void)printf(_("%s: the row %s is withdrawn, %s stays"), cli_pick(p->label_ru, p->label_en), x->from,
                         x->to);
        else
            (void)printf(_("%s: the row %s becomes %s"), cli_pick(p->label_ru, p->label_en), x->from, x->to);
        (void)fputc('\n', stdout);
    }
    for (size_t i = 0; i < x->others.count; i++)
        propose_other(x, &x->others.items[i]);
}

static enum err set_code(const struct recode *x, struct change_command *cmd, const char *field, const char *code)
{
    char set[FORM_NAME_MAX + 2 + FORM_MAX_TEXT];
    enum err e;

    (void)snprintf(set, sizeof(set), "%s=%s", field, code);
    cmd->sets[0] = set;
    cmd->set_count = 1;
    e = command_correct(x->a, cmd);
    cmd->sets[0] = NULL;
    cmd->set_count = 0;
    return e;
}

static enum err change_others(const struct recode *x, struct change_command *cmd)
{
    enum err e = OK;

    for (size_t i = 0; i < x->others.count && e == OK; i++) {
        const struct code_follower *f = &x->others.items[i];

        if (!code_follower_moves(f))
            continue;
        cmd->what = f->form->id;
        cmd->key = f->form->key >= 0 ? f->key : NULL;
        cmd->period = f->period.id;
        e = set_code(x, cmd, f->field, f->fresh != NULL ? f->fresh : x->to);
    }
    return e;
}

static enum err change_rows(const struct recode *x)
{
    struct change_command cmd = {.what = x->form->id, .key = x->from, .unit = x->unit, .by = x->by};
    char reason[RECORD_REASON_MAX + 1];
    enum err e = OK;

    (void)snprintf(reason, sizeof(reason), x->merges ? _("%s and %s are one") : _("the code %s is %s now"), x->from,
                   x->to);
    cmd.reason = x->reason != NULL ? x->reason : reason;
    for (uint32_t i = 0; i < x->l->period_count && e == OK; i++) {
        if (!x->at[i])
            continue;
        cmd.period = x->l->periods[i].id;
        e = x->both[i] ? command_retract(x->a, &cmd) : set_code(x, &cmd, x->form->fields[x->form->key].name, x->to);
    }
    return e == OK ? change_others(x, &cmd) : e;
}

/* The local book follows, once the rows do. */
static enum err move_entry(void *ctx, struct book *b)
{
    const struct recode *x = ctx;
    const struct book_entry *old = book_find(b, x->from), *present = book_find(b, x->to);
    char who[BOOK_WHO_MAX + 1];
    enum err e = OK;

    if (old == NULL)
        return OK;
    memcpy(who, old->who, sizeof(who));
    if (present == NULL)
        e = book_put(b, x->to, who);
    if (e == OK)
        book_drop(b, x->from);
    wipe(who, sizeof(who));
    return e;
}

struct replaced {
    const char *from, *to;
};

/* So that a table made before this one can be told (import_preview.c). */
static enum err note_replaced(void *ctx, struct book *b)
{
    const struct replaced *r = ctx;
    enum err e;

    book_drop(b, r->to);
    e = book_put(b, r->from, r->to);
    return e == ERR_INVALID || e == ERR_LIMIT ? OK : e; /* an unusually long code, or very many: it cannot be told */
}

static enum err note_all_replaced(const struct recode *x)
{
    struct replaced r = {.from = x->from, .to = x->to};
    char name[BOOK_NAME_MAX];
    enum err e = book_change(x->a, book_of_old_codes(name, x->form->id, x->unit), note_replaced, &r);

    for (size_t i = 0; i < x->others.count && e == OK; i++) {
        const struct code_follower *f = &x->others.items[i];

        if (f->place != CODE_BUILT_ON || f->is_taken)
            continue;
        r = (struct replaced){.from = f->key, .to = f->fresh};
        e = book_change(x->a, book_of_old_codes(name, f->form->id, x->unit), note_replaced, &r);
    }
    return e;
}

static enum err agree(const struct recode *x, bool queue, bool *yes)
{
    *yes = queue || (x->count == 0 && !x->moves_others);
    if (*yes)
        return OK;
    if (isatty(STDIN_FILENO) != 0)
        return ask_yes_no(_("Queue these corrections?"), yes);
    (void)fprintf(stderr, "%s\n", _("Nothing was queued. With --queue these corrections go to the district."));
    return OK;
}

static enum err recode(struct recode *x, const char *form_id, const char *unit, bool queue)
{
    char name[BOOK_NAME_MAX];
    bool yes = false;
    enum err e = command_codes_of(x->a, form_id, unit, &x->form, x->unit);

    if (e == OK && strcmp(x->from, x->to) == 0)
        e = err_set(ERR_USAGE, "%s", _("the two codes are the same"));
    if (e != OK || (e = code_list_read(&x->l, x->a, x->form, x->unit)) != OK || (e = find(x)) != OK)
        return e;
    propose(x);
    if ((e = agree(x, queue, &yes)) != OK || !yes)
        return e;
    if ((e = change_rows(x)) == OK && (e = note_all_replaced(x)) == OK)
        e = book_change(x->a, book_of_form(name, x->form->id, x->unit), move_entry, x);
    return e;
}

static int run(const struct cli_command *self, bool merges, int argc, char **argv)
{
    struct recode x = {.merges = merges};
    const char *home = NULL, *unit = NULL, *queue = NULL;
    const struct cli_option options[] = {
        OPTION_UNIT(&unit),
        {"reason", 'r', N_("TEXT"), N_("why, for the district (else the two codes)"), &x.reason},
        {"queue", 0, NULL, N_("queue the corrections, and do not ask"), &queue},
        OPTION_BY(&x.by),
        OPTION_HOME(&home),
        OPTION_END};
    enum err e;

    if (cli_parse(self, options, argc, argv, 3, 3) < 0)
        return cli_exit_code();
    x.from = argv[1];
    x.to = argv[2];
    if ((e = command_open(&x.a, home)) == OK)
        e = recode(&x, argv[0], unit, queue != NULL);
    code_followers_fini(&x.others);
    code_list_free(x.l);
    agent_close(x.a);
    return cli_fail(e);
}

int cmd_codes_rename(int argc, char **argv)
{
    static const struct cli_command self = {
        "codes rename", "FORM CODE NEW [--unit U] [--queue]",
        N_("A code was wrong: says which rows are to be corrected, in every period that is here, and queues the "
           "corrections when you agree."),
        cmd_codes_rename};

    return run(&self, false, argc, argv);
}

int cmd_codes_merge(int argc, char **argv)
{
    static const struct cli_command self = {"codes merge", "FORM CODE INTO [--unit U] [--queue]",
                                            N_("Two codes were one person: the rows of the first are corrected to the "
                                               "second, and withdrawn where the second "
                                               "stands, too."),
                                            cmd_codes_merge};

    return run(&self, true, argc, argv);
}
