/* quarantine release, quarantine reject: the operator's word about what is kept apart. */
#include "hub/commands.h"

#include "hub/quarantine.h"
#include "hub/registry_status.h"

#include <stdio.h>
#include <string.h>

/* ---- release ---- */

struct release_options {
    const char *id; /* NULL: all that fit */
    struct quarantine_filter filter;
};

/* Of a sender that is on hold or revoked, or of a computer that is revoked although the school has another one now. */
static enum err is_held(const struct hub *h, struct store_txn *t, const struct quarantined *q, bool *is)
{
    const struct participant *p = registry_by_index(h->registry, q->participant);
    const struct signer *s;
    uint8_t sign[KEY_BYTES];
    enum err e;

    *is = p == NULL || p->state == PARTICIPANT_HELD || p->state == PARTICIPANT_REVOKED;
    if (*is || q->why.reason != QUARANTINE_HELD)
        return OK;
    if ((e = ledger_quarantined_signer(t, q, sign)) != OK)
        return e;
    s = registry_signer_by_key(p, sign);
    *is = s != NULL && s->is_revoked;
    return OK;
}

/* Those that stay on hold with their sender are let out by name, or by this very reason: never by the way. */
static enum err drop_held(const struct hub *h, struct store_txn *t, const struct release_options *o,
                          struct quarantine_list *l)
{
    size_t kept = 0;
    enum err e = OK;

    for (size_t i = 0; e == OK && i < l->count; i++) {
        bool is = false;

        if (o->id == NULL && o->filter.reason != QUARANTINE_HELD)
            e = is_held(h, t, &l->items[i], &is);
        if (!is)
            l->items[kept++] = l->items[i];
    }
    l->count = kept;
    return e;
}

/* An unreadable batch is opened whole or not at all. */
static enum err find_batch(struct hub *h, struct store_txn *t, const struct quarantined *q, struct quarantine_list *l)
{
    struct quarantine_filter f = {.reason = q->why.reason, .waits = true};
    size_t kept = 0;
    enum err e = quarantine_find(h, t, &f, l);

    for (size_t i = 0; e == OK && i < l->count; i++)
        if (l->items[i].lsn == q->lsn &&
            (q->why.reason == QUARANTINE_UNREADABLE || record_ref_compare(&l->items[i].ref, &q->ref) == 0))
            l->items[kept++] = l->items[i];
    l->count = kept;
    return e;
}

static enum err find_one(struct hub *h, struct store_txn *t, const char *id, struct quarantine_list *l)
{
    struct quarantined q;
    enum err e = quarantine_named(h, t, id, &q);

    if (e != OK)
        return e;
    if (q.rejected != 0)
        return err_set(ERR_INVALID, _("%s was rejected for good: %s"), id, q.word);
    if (q.is_corrected)
        return err_set(ERR_INVALID, _("%s was corrected by the school (number %llu): there is nothing to release"), id,
                       (unsigned long long)q.by.number);
    return find_batch(h, t, &q, l);
}

static enum err find(struct hub *h, const struct release_options *o, struct quarantine_list *l)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    e = o->id != NULL ? find_one(h, t, o->id, l) : quarantine_find(h, t, &o->filter, l);
    if (e == OK)
        e = drop_held(h, t, o, l);
    store_abort(t);
    return e;
}

/* Each batch in a transaction of its own: what was found may have been decided by somebody else meanwhile. */
static enum err release_batch(struct hub *h, const char *who, struct quarantined *items, size_t count,
                              struct quarantine_outcome *out)
{
    struct store_txn *t = NULL;
    size_t kept = 0;
    enum err e = command_begin(h, &t);

    if (e != OK)
        return e;
    for (size_t i = 0; e == OK && i < count; i++) {
        struct quarantined now;

        e = ledger_quarantined(t, items[i].participant, &items[i].ref, &now);
        if (e == OK && now.lsn == items[i].lsn && quarantined_waits(&now))
            items[kept++] = now;
        if (e == ERR_NOT_FOUND)
            e = OK;
    }
    if (e == OK && kept > 0)
        e = quarantine_release(h, t, who, items, kept, out);
    return command_finish(h, t, e);
}

static void say(const struct release_options *o, const struct quarantine_outcome *out)
{
    char n[3][32], why[1024];

    cli_format_count(n[0], sizeof(n[0]), out->counted);
    cli_format_count(n[1], sizeof(n[1]), out->superseded);
    cli_format_count(n[2], sizeof(n[2]), out->stayed);
    (void)printf(_("Counted now: %s; accepted, but replaced by something later: %s; still kept apart: %s.\n"), n[0],
                 n[1], n[2]);
    if (out->stayed == 0)
        return;
    refusal_say(why, sizeof(why), &out->last.why, NULL);
    if (o->id != NULL && out->last.why.reason != 0)
        (void)printf(_("Why: %s%s%s\n"), command_reason(out->last.why.reason), why[0] == '\0' ? "" : ": ", why);
    else
        (void)printf("%s\n", _("`svodka-hub quarantine list` says why."));
}

static enum err release(struct hub *h, const struct release_options *o)
{
    struct quarantine_list l = {.count = 0};
    struct quarantine_outcome out = {.counted = 0};
    char who[80];
    enum err e = find(h, o, &l);

    command_user(who, sizeof(who));
    for (size_t from = 0, n = 0; e == OK && from < l.count; from += n) {
        n = quarantine_run(&l, from);
        cli_progress(_("Judging again"), from, l.count);
        e = release_batch(h, who, &l.items[from], n, &out);
    }
    cli_progress_end();
    quarantine_list_fini(&l);
    if (e == OK)
        say(o, &out);
    return e;
}

static enum err parse_reason(const char *text, enum quarantine_reason *out)
{
    static const char *names[QUARANTINE_CONFLICT + 1];
    const char *near;

    if (text == NULL)
        return OK;
    for (unsigned r = QUARANTINE_UNKNOWN_FORM; r <= QUARANTINE_CONFLICT; r++) {
        names[r - 1] = quarantine_reason_name((enum quarantine_reason)r);
        if (strcmp(names[r - 1], text) == 0) {
            *out = (enum quarantine_reason)r;
            return OK;
        }
    }
    near = cli_nearest(text, names, QUARANTINE_CONFLICT);
    return err_set(ERR_USAGE, _("--reason-code: there is no reason %s; did you mean %s?"), text,
                   near != NULL ? near : names[0]);
}

int cmd_quarantine_release(int argc, char **argv)
{
    struct release_options o = {.id = NULL, .filter = {.waits = true}};
    const char *home = NULL, *all = NULL, *reason = NULL;
    const struct cli_command *c = command_named("quarantine release");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"all", 0, NULL, N_("all that wait, as far as the other options say"), &all},
        {"reason-code", 0, N_("R"), N_("with --all: kept apart for this reason alone"), &reason},
        {"form", 0, N_("F"), N_("with --all: of this form alone"), &o.filter.form},
        {"school", 0, N_("ID"), N_("with --all: of this sender alone"), &o.filter.participant},
        LAST_OPTION};
    struct hub *h = NULL;
    int count = cli_parse(c, options, argc, argv, 0, 1);
    enum err e;

    if (count < 0)
        return cli_exit_code();
    o.id = count > 0 ? argv[0] : NULL;
    if ((o.id == NULL) == (all == NULL))
        return cli_fail(err_set(ERR_USAGE, _("name one submission, or write --all")));
    if (all == NULL && (reason != NULL || o.filter.form != NULL || o.filter.participant != NULL))
        return cli_fail(err_set(ERR_USAGE, _("--reason-code, --form and --school go with --all")));
    if ((e = parse_reason(reason, &o.filter.reason)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = release(h, &o);
    return command_close(h, e, true);
}

/* ---- reject ---- */

static enum err reject(struct hub *h, const char *id, const char *word)
{
    struct store_txn *t = NULL;
    struct quarantined q;
    char who[80];
    enum err e = command_begin(h, &t);

    command_user(who, sizeof(who));
    if (e == OK && (e = quarantine_named(h, t, id, &q)) == OK)
        e = quarantine_reject(h, t, who, &q, word);
    e = command_finish(h, t, e);
    if (e == OK)
        (void)printf(_("%s will never be counted; the school is told why at the next meeting.\n"), id);
    return e;
}

int cmd_quarantine_reject(int argc, char **argv)
{
    const char *home = NULL, *word = NULL;
    const struct cli_command *c = command_named("quarantine reject");
    const struct cli_option options[] = {
        HOME_OPTION(&home), {"reason", 0, N_("TEXT"), N_("why: the school reads it"), &word}, LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (word == NULL || word[0] == '\0')
        return cli_fail(err_set(ERR_USAGE, _("--reason is missing: the school is told why")));
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = reject(h, argv[0], word);
    return command_close(h, e, true);
}
