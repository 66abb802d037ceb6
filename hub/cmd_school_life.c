#include "hub/commands.h"

#include "common/clock.h"
#include "hub/registry_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- one decision ---- */

struct life {
    struct status_word word;
    char who[80];
    struct revoke_from from;
    uint64_t suspects;
};

static enum err decide(struct hub *h, struct life *l,
                       enum err (*deed)(struct hub *h, struct store_txn *t, struct life *l))
{
    struct store_txn *t = NULL;
    enum err e = command_begin(h, &t);

    if (e != OK)
        return e;
    command_user(l->who, sizeof(l->who));
    l->word.who = l->who;
    e = deed(h, t, l);
    return command_finish(h, t, e);
}

static enum err hold(struct hub *h, struct store_txn *t, struct life *l)
{
    return registry_hold(h, t, &l->word);
}

static enum err release(struct hub *h, struct store_txn *t, struct life *l)
{
    return registry_release(h, t, &l->word);
}

static enum err withdraw(struct hub *h, struct store_txn *t, struct life *l)
{
    return registry_revoke(h, t, &l->word, &l->from, &l->suspects);
}

static enum err shut(struct hub *h, struct store_txn *t, struct life *l)
{
    return registry_close(h, t, &l->word);
}

/* Every decision that is explained by words needs them. */
static enum err need_reason(const char *reason)
{
    return reason != NULL && reason[0] != '\0'
               ? OK
               : err_set(ERR_USAGE, _("--reason is missing: why, in a few words; they are kept with the decision"));
}

static int run(const char *home, struct life *l, enum err e,
               enum err (*deed)(struct hub *h, struct store_txn *t, struct life *l), const char *what, const char *next)
{
    struct hub *h = NULL;

    if (e != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = decide(h, l, deed)) == OK)
        (void)printf("%s: %s %s\n", l->word.id, what, next);
    return command_close(h, e, true);
}

int cmd_school_hold(int argc, char **argv)
{
    const char *home = NULL;
    struct life l = {.word = {.reason = NULL}};
    const struct cli_option options[] = {
        HOME_OPTION(&home), {"reason", 0, N_("TEXT"), N_("why; kept with the decision"), &l.word.reason}, LAST_OPTION};

    if (cli_parse(command_named("school hold"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    l.word.id = argv[0];
    return run(home, &l, need_reason(l.word.reason), hold, _("on hold."),
               _("What it still sends is kept apart and not counted; \"svodka-hub school release\" undoes "
                 "this."));
}

int cmd_school_release(int argc, char **argv)
{
    const char *home = NULL;
    struct life l = {.word = {.reason = ""}};
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};

    if (cli_parse(command_named("school release"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    l.word.id = argv[0];
    return run(home, &l, OK, release, _("not on hold any more."),
               _("What was kept apart meanwhile waits for your word: \"svodka-hub quarantine list\"."));
}

int cmd_school_close(int argc, char **argv)
{
    const char *home = NULL;
    struct life l = {.word = {.reason = ""}};
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};

    if (cli_parse(command_named("school close"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    l.word.id = argv[0];
    return run(home, &l, OK, shut, _("closed."),
               _("Its computer may deliver what it has, then nothing more. That the school itself is "
                 "closed or merged is said in the roster, not here."));
}

/* ---- revoke ---- */

/* The first moment of a day, here; mktime() bears a month and a day beyond their bounds. */
static int64_t midnight_ms(int32_t day)
{
    struct tm tm = {.tm_year = 70, .tm_mday = 1 + day, .tm_isdst = -1};

    return (int64_t)mktime(&tm) * 1000;
}

static enum err parse_since(struct life *l, const char *text)
{
    int32_t day;
    enum err e = date_parse_local(&day, text, strlen(text));

    if (e != OK)
        return err_set(ERR_USAGE, _("--since: a date like 2020-10-01 is expected (found: %s)"), text);
    l->from.since_ms = midnight_ms(day);
    return OK;
}

static enum err parse_from(struct life *l, const char *sequence, const char *since)
{
    int64_t n = 0;
    enum err e = command_number(&n, "from-sequence", sequence, 1, INT64_MAX);

    if (e == OK && sequence != NULL && since != NULL)
        e = err_set(ERR_USAGE, _("--from-sequence and --since say the same in two ways: give one of them"));
    if (e == OK && since != NULL)
        e = parse_since(l, since);
    l->from.sequence = (uint64_t)n;
    return e;
}

static void say_revoked(const struct life *l)
{
    (void)printf(_("School %s is revoked. What it still sends is kept apart and not counted.\n"), l->word.id);
    if (l->suspects > 0)
        (void)printf(
            _("Parcels that were counted already and are doubtful now: %llu; \"svodka-hub school suspects %s\" "
              "lists them.\n"),
            (unsigned long long)l->suspects, l->word.id);
    (void)printf(_("A new computer for this school: \"svodka-hub school rekey %s --invite FILE\".\n"), l->word.id);
}

int cmd_school_revoke(int argc, char **argv)
{
    const char *home = NULL, *sequence = NULL, *since = NULL;
    struct life l = {.word = {.reason = NULL}};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"reason", 0, N_("TEXT"), N_("why; kept with the decision"), &l.word.reason},
        {"from-sequence", 0, N_("N"), N_("parcels of its present numbering from this one on are doubtful"), &sequence},
        {"since", 0, N_("DATE"), N_("parcels received on this day or later are doubtful"), &since},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named("school revoke"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    l.word.id = argv[0];
    if ((e = need_reason(l.word.reason)) != OK || (e = parse_from(&l, sequence, since)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = decide(h, &l, withdraw)) == OK)
        say_revoked(&l);
    return command_close(h, e, true);
}
