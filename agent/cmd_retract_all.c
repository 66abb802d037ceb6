/* retract --all: a whole return is taken back in one step, for example what the office entered from paper once the
 * school has sent its own. */
#include "agent/cmd_change.h"

#include "agent/own_return.h"

#include <stdio.h>

/* The unit and the period that the person meant. */
static enum err read_return(struct agent *a, const struct change_command *cmd, const struct form *f,
                            struct own_return **out)
{
    struct capture_options o = {.form = f, .unit = cmd->unit, .period = cmd->period, .only_looks = true};
    struct capture *c = NULL;
    enum err e = capture_open(&c, a, &o);

    if (e == OK)
        e = own_return_read(out, a, f, capture_unit(c), capture_period(c)->id);
    capture_close(c);
    if (e == OK && (*out)->rows == 0)
        e = err_set(ERR_NOT_FOUND, _("nothing of %s about %s for %s is entered here, or it was withdrawn"), f->id,
                    (*out)->unit, (*out)->period);
    return e;
}

static enum err queue_all(struct capture *c, struct queue_writer *w, const struct own_return *r, const char *reason)
{
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = reason};
    uint64_t number;
    enum err e = OK;

    for (size_t i = 0; i < r->count && e == OK; i++) {
        deed.target = r->lines[i].ref;
        if (r->lines[i].change != CHANGE_WITHDRAWN)
            e = capture_put(c, w, NULL, &deed, &number);
    }
    return e == OK ? queue_writer_commit(w) : e;
}

/* What was somebody else's words is taken back as that. */
static enum err source_of(const struct own_return *r, enum record_source *out)
{
    enum err e = OK;

    for (size_t i = 0; i < r->count && e == OK; i++) {
        struct record head;

        if ((e = record_decode_head(&head, r->lines[i].record)) == OK && source_is_behalf(head.source))
            *out = head.source;
    }
    return e;
}

enum err change_retract_all(struct agent *a, const struct change_command *cmd)
{
    struct capture_options o = {.entered_by = cmd->entered_by};
    struct queue_writer *w = NULL;
    struct own_return *r = NULL;
    struct capture *c = NULL;
    enum err e;

    if (cmd->key != NULL)
        return err_set(ERR_USAGE, "%s", _("--key is one row, --all the whole return: use one of the two"));
    if (cmd->period == NULL)
        return err_set(ERR_USAGE, _("say the period: --period P"));
    if ((e = command_form(a, cmd->what, &o.form)) != OK)
        return e;
    if (o.form->mode == FORM_ANSWERS)
        return err_set(ERR_DENIED, "%s",
                       _("anonymous answers are withdrawn by their session: svodka-agent session withdraw"));
    if ((e = read_return(a, cmd, o.form, &r)) != OK || (e = source_of(r, &o.source)) != OK)
        goto done;
    o.unit = r->unit;
    o.period = r->period;
    if ((e = capture_open(&c, a, &o)) != OK || (e = queue_writer_open(&w, a)) != OK ||
        (e = queue_all(c, w, r, cmd->reason)) != OK)
        goto done;
    (void)printf(_("Withdrawn: %llu.\n"), (unsigned long long)r->rows);
    command_return_changed(a, o.form, r->unit, r->period);
done:
    queue_writer_close(w);
    capture_close(c);
    own_return_free(r);
    return e;
}
