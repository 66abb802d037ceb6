/* school suspects: counted parcels that are doubtful since a revocation: listed, taken out of the numbers, believed. */
#include "hub/commands.h"

#include "hub/suspects.h"
#include "protocol/receipt.h"

#include <stdio.h>
#include <string.h>

/* ---- the list ---- */

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
    char generation[SUSPECT_NUMBERING], sequence[24], received[64], marked[64], records[24];
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
        suspect_numbering(generation, &s->gen);
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

/* ---- a decision ---- */

struct decision {
    struct hub *h;
    const char *school, *which, *word;
    bool is_kept;
    uint32_t participant;
    struct suspect_list list;
    struct doubt *doubt;
    struct doubt_outcome out;
};

/* Without holding the writer: it may take a while. */
static enum err look(struct decision *d)
{
    struct store_txn *t = NULL;
    const struct participant *p = NULL;
    enum err e = command_school(d->h, d->school, &p);

    if (e != OK || (e = store_begin_read(d->h->store, &t)) != OK)
        return e;
    d->participant = p->index;
    if ((e = suspects_named(d->h, t, p->index, d->which, &d->list)) == OK &&
        (e = ledger_doubt_new(&d->doubt, d->h->ledger, d->list.items, d->list.count)) == OK && !d->is_kept)
        e = ledger_doubt_look(d->doubt, t);
    store_abort(t);
    return e;
}

static enum err decide(struct decision *d)
{
    struct store_txn *t = NULL;
    char who[80];
    enum err e = command_begin(d->h, &t);

    if (e != OK)
        return e;
    command_user(who, sizeof(who));
    e = d->is_kept ? suspects_keep(d->h, t, who, d->doubt, &d->list, d->word)
                   : suspects_take_out(d->h, t, who, d->doubt, &d->list, d->word, &d->out);
    return command_finish(d->h, t, e);
}

static void say(const struct decision *d)
{
    char n[2][32];

    cli_format_count(n[0], sizeof(n[0]), d->list.count);
    if (d->is_kept) {
        (void)printf(_("Parcels that are believed again and stay counted: %s.\n"), n[0]);
        return;
    }
    cli_format_count(n[1], sizeof(n[1]), d->out.taken);
    (void)printf(
        _("Parcels taken out of the numbers: %s; submissions that are kept apart now: %s. Decide about them with "
          "\"svodka-hub quarantine release\" and \"quarantine reject\".\n"),
        n[0], n[1]);
    if (d->out.given_back > 0) {
        cli_format_count(n[0], sizeof(n[0]), d->out.given_back);
        (void)printf(_("Earlier submissions that they had replaced and that count again: %s.\n"), n[0]);
    }
    if (d->out.stayed > 0) {
        cli_format_count(n[0], sizeof(n[0]), d->out.stayed);
        (void)printf(_("Submissions that stay counted: %s. They, or what they replaced, are erased: the sums hold what "
                       "they contributed, and nothing is left to put in their place.\n"),
                     n[0]);
    }
    if (d->out.closed > 0) {
        cli_format_count(n[0], sizeof(n[0]), d->out.closed);
        (void)printf(_("Returns among these that are of closed periods: %s. What was frozen when the period was closed "
                       "stays as it is; the present values change.\n"),
                     n[0]);
    }
}

static enum err check_decision(const char *school, const char *take_out, const char *keep, const char *word)
{
    if (take_out != NULL && keep != NULL)
        return err_set(ERR_USAGE, _("--take-out and --keep are opposites: give one of them"));
    if (take_out == NULL && keep == NULL)
        return word == NULL ? OK : err_set(ERR_USAGE, _("--reason goes with --take-out or --keep"));
    if (school == NULL)
        return err_set(ERR_USAGE, _("name the school whose parcels are meant"));
    if (take_out != NULL && (word == NULL || word[0] == '\0'))
        return err_set(ERR_USAGE, _("--reason is missing: the school is told why"));
    return OK;
}

int cmd_school_suspects(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *take_out = NULL, *keep = NULL, *word = NULL;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        FORMAT_OPTION(&format),
        {"take-out", 0, N_("NUMBER"), N_("take this parcel, or \"all\", out of the numbers: kept apart as if held"),
         &take_out},
        {"keep", 0, N_("NUMBER"), N_("this parcel, or \"all\", is believed: the doubt ends"), &keep},
        {"reason", 0, N_("TEXT"), N_("why; with --take-out the school reads it"), &word},
        LAST_OPTION};
    struct decision d = {.h = NULL};
    enum table_format f;
    int count = cli_parse(command_named("school suspects"), options, argc, argv, 0, 1);
    enum err e;

    if (count < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK ||
        (e = check_decision(count > 0 ? argv[0] : NULL, take_out, keep, word)) != OK)
        return cli_fail(e);
    if (take_out == NULL && keep == NULL) {
        if ((e = command_open(&d.h, home, HUB_READ)) == OK)
            e = list_suspects(d.h, count > 0 ? argv[0] : NULL, f);
        return command_close(d.h, e, false);
    }
    d.school = argv[0];
    d.which = keep != NULL ? keep : take_out;
    d.word = word == NULL ? "" : word;
    d.is_kept = keep != NULL;
    if ((e = command_open(&d.h, home, HUB_WRITE)) == OK && (e = look(&d)) == OK && (e = decide(&d)) == OK)
        say(&d);
    doubt_outcome_fini(&d.out);
    ledger_doubt_free(d.doubt);
    suspect_list_fini(&d.list);
    return command_close(d.h, e, true);
}
