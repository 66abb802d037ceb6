#include "hub/commands.h"

#include "common/clock.h"
#include "hub/invite_sheet.h"
#include "hub/ledger.h"
#include "hub/registry_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- one decision ---- */

struct life {
    struct status_word word;
    char who[80];
    struct revoke_from from;
    uint64_t suspects;
    struct rekey rekey;
    const char *file, *sheet; /* either may be NULL */
    enum sheet_form form;
    struct ticket ticket;
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

/* ---- rekey ---- */

static enum err invite_again(struct hub *h, struct store_txn *t, struct life *l)
{
    struct buf text;
    enum err e = OK;

    if (hub_directory_is_stale(h) && ((e = hub_issue_directory(h, t)) != OK || (e = hub_reload(h, t)) != OK))
        return e;
    buf_init(&text, INVITATION_MAX);
    l->rekey.ticket = &l->ticket;
    e = registry_rekey(h, t, &l->word, &l->rekey, &text);
    if (e == OK && l->file != NULL)
        e = cli_write_file(l->file, text.data, text.len, 0600, false);
    if (e == OK && l->sheet != NULL && (e = invite_sheet_write(l->sheet, &l->ticket, l->form)) != OK && l->file != NULL)
        (void)unlink(l->file);
    buf_wipe(&text);
    return e;
}

static void say_rekeyed(const struct hub *h, const struct life *l)
{
    int64_t days = l->rekey.valid_days > 0 ? l->rekey.valid_days : h->conf.invitation_days;
    char until[64];
    char root[40];

    fingerprint(root, h->root);
    cli_format_time(until, sizeof(until), clock_wall_ms() + days * INT64_C(86400000));
    (void)printf(_("The invitation of a new computer for school %s is in %s and good until %s.\n"), l->word.id,
                 l->file != NULL ? l->file : l->sheet, until);
    (void)printf(_("Whoever has the file can join as this school: hand it over on a stick, or send it by e-mail and "
                   "compare the fingerprint by telephone: %s\n"),
                 root);
    (void)printf("%s\n", l->rekey.is_lost
                             ? _("The old computer is revoked: what it still sends is kept apart and not counted.")
                             : _("The old computer goes on until the new one joins; what it has then still counts."));
    (void)printf("%s\n", _("What the school sent before comes back to the new computer, sealed to it, when it joins."));
}

static enum err check_sheet(const struct life *l)
{
    if (l->form == SHEET_SCREEN)
        return err_set(ERR_USAGE, _("--sheet: a file is expected here"));
    if (access(l->sheet, F_OK) == 0)
        return err_set(ERR_EXISTS, _("%s exists already and is not overwritten: an invitation is for one school, once"),
                       l->sheet);
    return OK;
}

int cmd_school_rekey(int argc, char **argv)
{
    const char *home = NULL, *days = NULL, *lost = NULL, *reason = NULL;
    struct life l = {.word = {.reason = ""}};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"invite", 0, N_("FILE"), N_("where the invitation goes; must not exist yet"), &l.file},
        {"sheet", 0, N_("FILE"), N_("where the sheet to print goes: FILE.html or FILE.txt"), &l.sheet},
        {"lost", 0, NULL, N_("the old computer is stolen or lost: revoke it at once"), &lost},
        {"reason", 0, N_("TEXT"), N_("with --lost: why; kept with the decision"), &reason},
        {"days", 0, N_("N"), N_("how long the invitation is good (default: invitation.days of hub.yaml)"), &days},
        LAST_OPTION};
    struct hub *h = NULL;
    bool is_written;
    enum err e;

    if (cli_parse(command_named("school rekey"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    l.word.id = argv[0];
    l.rekey.is_lost = lost != NULL;
    l.word.reason = reason != NULL ? reason : "";
    if (l.file == NULL && l.sheet == NULL)
        return cli_fail(
            err_set(ERR_USAGE, _("--invite is missing: the file that the invitation goes to (or --sheet, to "
                                 "print it)")));
    if (l.sheet != NULL && ((e = invite_sheet_form(&l.form, l.sheet)) != OK || (e = check_sheet(&l)) != OK))
        return cli_fail(e);
    if ((e = command_number(&l.rekey.valid_days, "days", days, 1, 365)) != OK ||
        (l.rekey.is_lost && (e = need_reason(reason)) != OK))
        return cli_fail(e);
    if (l.file != NULL && access(l.file, F_OK) == 0)
        return cli_fail(err_set(
            ERR_EXISTS, _("%s exists already and is not overwritten: an invitation is for one school, once"), l.file));
    if ((e = command_open(&h, home, HUB_WRITE)) == OK) {
        e = decide(h, &l, invite_again);
        is_written = e != OK && e != ERR_EXISTS;
        if (is_written && l.file != NULL)
            (void)unlink(l.file);
        if (is_written && l.sheet != NULL)
            (void)unlink(l.sheet);
        if (e == OK)
            say_rekeyed(h, &l);
    }
    wipe(&l.ticket, sizeof(l.ticket));
    return command_close(h, e, true);
}

/* ---- suspects ---- */

enum {
    COLUMN_SCHOOL,
    COLUMN_GENERATION,
    COLUMN_SEQUENCE,
    COLUMN_RECEIVED,
    COLUMN_RECORDS,
    COLUMN_MARKED,
    COLUMN_COUNT
};

struct listing {
    struct hub *h;
    struct store_txn *t;
    struct table *table;
    enum table_format format;
};

static enum err put_suspect(void *ctx, const struct suspect *s)
{
    struct listing *l = ctx;
    const struct participant *p = registry_by_index(l->h->registry, s->participant);
    char generation[32], sequence[24], received[64], marked[64], records[24];
    const char *cells[COLUMN_COUNT] = {p == NULL ? "?" : p->id, generation, sequence, received, records, marked};
    struct receipt r;
    struct buf object;
    uint8_t digest_unused[DIGEST_BYTES];
    int64_t marked_ms;
    enum err e;

    buf_init(&object, SIGNED_MAX);
    if ((e = ledger_batch(l->t, s->participant, &s->gen, s->sequence, digest_unused, &object)) == OK &&
        (e = ledger_time(l->t, s->lsn, &marked_ms)) == OK &&
        (e = receipt_open(&r, bytes_of(object.data, object.len), signed_signer(bytes_of(object.data, object.len)))) ==
            OK) {
        uint64_t sum = 0;

        for (unsigned v = 0; v < VERDICT_COUNT; v++)
            sum += r.verdicts[v];
        (void)snprintf(generation, sizeof(generation), "%u.%02x%02x%02x%02x", s->gen.counter, s->gen.tag[0],
                       s->gen.tag[1], s->gen.tag[2], s->gen.tag[3]);
        (void)snprintf(sequence, sizeof(sequence), "%llu", (unsigned long long)s->sequence);
        (void)snprintf(records, sizeof(records), "%llu", (unsigned long long)sum);
        command_time(received, sizeof(received), r.hub_ms, l->format);
        command_time(marked, sizeof(marked), marked_ms, l->format);
        receipt_fini(&r);
        e = table_row(l->table, cells);
    }
    buf_fini(&object);
    return e;
}

static enum err list_suspects(struct hub *h, const char *id, enum table_format f)
{
    const struct table_column columns[COLUMN_COUNT] = {
        {"school", _("School"), TABLE_LEFT, false},       {"numbering", _("Numbering"), TABLE_LEFT, false},
        {"parcel", _("Parcel"), TABLE_RIGHT, true},       {"received", _("Received"), TABLE_LEFT, false},
        {"records", _("Submissions"), TABLE_RIGHT, true}, {"marked", _("Marked"), TABLE_LEFT, false},
    };
    struct listing l = {.h = h, .format = f};
    const struct participant *p = id == NULL ? NULL : registry_by_id(h->registry, id);
    enum err e;

    if (id != NULL && p == NULL)
        return err_set(ERR_NOT_FOUND, _("there is no school \"%s\"; \"svodka-hub school list\" shows them"), id);
    if ((e = table_new(&l.table, columns, COLUMN_COUNT)) == OK && (e = store_begin_read(h->store, &l.t)) == OK)
        e = suspects_each(l.t, p == NULL ? 0 : p->index, put_suspect, &l);
    store_abort(l.t);
    return command_print(l.table, f, e);
}

int cmd_school_suspects(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format), LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    int count = cli_parse(command_named("school suspects"), options, argc, argv, 0, 1);
    enum err e;

    if (count < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = list_suspects(h, count > 0 ? argv[0] : NULL, f);
    return command_close(h, e, false);
}
