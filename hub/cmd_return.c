/* accept: the office's word that a return is right, one by one or all that raised no warning. */
#include "hub/cmd_question.h"

#include <stdio.h>
#include <string.h>

#define UNITS_BYTES (1u << 20)

struct accept_options {
    const char *form, *unit, *period, *by;
};

static enum err accept_in(struct hub *h, struct store_txn *t, const struct accept_options *o)
{
    const struct form *form;
    struct period period;
    char who[80];
    enum err e;

    if ((e = command_form(h, o->form, &form)) != OK ||
        (strcmp(o->unit, UNIT_DISTRICT) != 0 && (e = command_unit(h, o->unit)) != OK) ||
        (e = form_period(form, h->calendar, o->period, &period)) != OK)
        return e;
    command_user(who, sizeof(who));
    if ((e = questions_accept(h, t, form->id, o->unit, period.id, o->by != NULL ? o->by : who)) != OK)
        return e;
    return hub_audit_do(h, t, who, AUDIT_RETURN_ACCEPT, form->id, "unit=%s\nperiod=%s\nby=%s", o->unit, period.id,
                        o->by != NULL ? o->by : "");
}

static enum err accept_one(struct hub *h, const struct accept_options *o)
{
    struct store_txn *t = NULL;
    enum err e = command_begin(h, &t);

    if (e == OK)
        e = command_finish(h, t, accept_in(h, t, o));
    if (e == OK)
        (void)printf(_("Form %s of %s for %s is accepted as it is now; a later change makes it \"received\" again.\n"),
                     o->form, o->unit, o->period);
    return e;
}

/* ---- all that raised no warning ---- */

struct bulk {
    const struct accept_options *o;
    const char *period; /* its id */
    struct buf units;   /* each with a 0 behind it */
    char last[ID_MAX + 1];
    struct proposal_list warned;
    const char *unit; /* in hand */
    bool is_asked;    /* about the unit in hand, not accepted */
    uint64_t accepted, warnings, asked;
};

/* They come sorted by unit. */
static enum err note_unit(void *ctx, const struct submission *s)
{
    struct bulk *b = ctx;
    struct record r;
    enum err e;

    if (s->erased != NULL)
        return OK;
    if ((e = record_decode_head(&r, s->record)) != OK)
        return err_prefix(ERR_CORRUPT, "a current submission");
    if (strcmp(b->last, r.unit) == 0)
        return OK;
    memcpy(b->last, r.unit, sizeof(b->last));
    buf_put(&b->units, r.unit, strlen(r.unit) + 1);
    return buf_status(&b->units);
}

static enum err note_asked(void *ctx, const struct question *q)
{
    struct bulk *b = ctx;

    if (q->accepted_lsn == 0 && strcmp(q->form, b->o->form) == 0 && strcmp(q->unit, b->unit) == 0 &&
        strcmp(q->period, b->period) == 0)
        b->is_asked = true;
    return OK;
}

static bool is_warned(const struct bulk *b)
{
    for (size_t i = 0; i < b->warned.count; i++)
        if (strcmp(b->warned.items[i].unit, b->unit) == 0)
            return true;
    return false;
}

static enum err is_accepted(struct hub *h, struct store_txn *t, const struct bulk *b, bool *out)
{
    struct return_decision d;
    struct return_facts facts;
    enum err e = returns_decision(t, b->o->form, b->unit, b->period, &d);

    *out = false;
    if (e != OK || d.word != WORD_ACCEPTED)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = returns_facts(h, t, b->o->form, b->unit, b->period, &facts)) == OK)
        *out = memcmp(facts.mark, d.mark, RETURN_MARK_BYTES) == 0;
    return e;
}

/* What is asked about waits for the operator's own eye, whatever was answered. */
static enum err accept_unit(struct hub *h, struct store_txn *t, struct bulk *b)
{
    struct accept_options one = *b->o;
    bool accepted;
    enum err e;

    b->is_asked = false;
    if ((e = is_accepted(h, t, b, &accepted)) != OK || accepted || (e = questions_each(t, note_asked, b)) != OK)
        return e;
    if (is_warned(b)) {
        b->warnings++;
        return OK;
    }
    if (b->is_asked) {
        b->asked++;
        return OK;
    }
    one.unit = b->unit;
    if ((e = accept_in(h, t, &one)) == OK)
        b->accepted++;
    return e;
}

static enum err accept_all_in(struct hub *h, struct store_txn *t, struct bulk *b)
{
    const struct form *form;
    struct period period;
    enum err e;

    if ((e = command_form(h, b->o->form, &form)) != OK ||
        (e = form_period(form, h->calendar, b->o->period, &period)) != OK)
        return e;
    b->period = period.id;
    if ((e = proposals_find(h, t, &(struct proposal_filter){form->id, NULL, period.id}, true, &b->warned)) == OK)
        e = ledger_each_current(h->ledger, t, form->id, NULL, period.id, note_unit, b);
    for (size_t at = 0; e == OK && at < b->units.len; at += strlen(b->unit) + 1) {
        b->unit = (const char *)b->units.data + at;
        e = accept_unit(h, t, b);
    }
    proposal_list_fini(&b->warned);
    return e;
}

static enum err accept_all(struct hub *h, const struct accept_options *o)
{
    struct store_txn *t = NULL;
    struct bulk b = {.o = o};
    enum err e = command_begin(h, &t);

    buf_init(&b.units, UNITS_BYTES);
    if (e == OK)
        e = command_finish(h, t, accept_all_in(h, t, &b));
    buf_fini(&b.units);
    if (e == OK)
        (void)printf(_("Accepted: %llu. Left for you: %llu with warnings, %llu that are asked about.\n"),
                     (unsigned long long)b.accepted, (unsigned long long)b.warnings, (unsigned long long)b.asked);
    return e;
}

/* ---- the command ---- */

static enum err check_options(const struct accept_options *o, bool is_bulk)
{
    if (is_bulk && o->unit != NULL)
        return err_set(ERR_USAGE, _("--all-without-warnings is about all units: leave out --unit"));
    if (o->form == NULL)
        return err_set(ERR_USAGE, _("say which form"));
    if (!is_bulk && o->unit == NULL)
        return err_set(ERR_USAGE, _("--unit is missing: whose return is it?"));
    if (o->period == NULL)
        return err_set(ERR_USAGE, _("--period is missing: for which period is it?"));
    return OK;
}

int cmd_accept(int argc, char **argv)
{
    struct accept_options o = {.form = NULL};
    const char *home = NULL, *all = NULL;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"unit", 'u', N_("U"), N_("unit"), &o.unit},
        {"period", 'p', N_("P"), N_("period: its id or its label"), &o.period},
        {"all-without-warnings", 0, NULL, N_("all returns that raised no warning and are not asked about"), &all},
        {"form", 0, N_("F"), N_("form, with --all-without-warnings"), &o.form},
        {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &o.by},
        LAST_OPTION};
    struct hub *h = NULL;
    int count;
    enum err e;

    if ((count = cli_parse(command_named("accept"), options, argc, argv, 0, 1)) < 0)
        return cli_exit_code();
    if (count == 1)
        o.form = argv[0];
    if ((e = check_options(&o, all != NULL)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = all != NULL ? accept_all(h, &o) : accept_one(h, &o);
    return command_close(h, e, true);
}
