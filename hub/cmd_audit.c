#include "hub/commands.h"

#include "hub/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- audit ---- */

static enum err put_entry(struct table *t, struct bytes value, enum table_format f)
{
    struct mp m = mp_of(value);
    char when[64], who[256], what[1100];
    const char *cells[] = {when, who, what};
    int64_t ms;

    (void)mp_array(&m, 3, 32);
    ms = mp_int(&m);
    mp_text(&m, who, 0, sizeof(who) - 1);
    mp_text(&m, what, 0, sizeof(what) - 1);
    if (m.failed)
        return err_set(ERR_CORRUPT, _("an entry of the audit is damaged"));
    command_time(when, sizeof(when), ms, f);
    return table_row(t, cells);
}

/* Entries are numbered without holes; the last `count` of them. */
static enum err put_last(struct store_txn *txn, struct table *t, int64_t count, enum table_format f)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t from[8] = {0};
    enum err e = store_cursor_open(txn, H_AUDIT, &c);

    if (e != OK)
        return e;
    e = store_last(c, &key, &value);
    if (e == OK && key.len == 8 && be64_get(key.p) > (uint64_t)count)
        be64_put(from, be64_get(key.p) - (uint64_t)count + 1);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value); e == OK; e = store_next(c, &key, &value))
        if ((e = put_entry(t, value, f)) != OK)
            break;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err show(struct hub *h, int64_t count, enum table_format f)
{
    const struct table_column columns[] = {{"time", _("When"), TABLE_LEFT, false},
                                           {"who", _("Who"), TABLE_LEFT, false},
                                           {"what", _("What"), TABLE_LEFT, false}};
    struct store_txn *txn = NULL;
    struct table *t = NULL;
    enum err e = table_new(&t, columns, 3);

    if (e != OK)
        return e;
    if ((e = store_begin_read(h->store, &txn)) == OK)
        e = put_last(txn, t, count, f);
    store_abort(txn);
    return command_print(t, f, e);
}

int cmd_audit(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *last = NULL;
    const struct cli_command *c = command_named("audit");
    const struct cli_option options[] = {HOME_OPTION(&home),
                                         FORMAT_OPTION(&format),
                                         {"last", 0, N_("N"), N_("only the last N entries"), &last},
                                         LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    int64_t count = INT64_MAX;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK || (e = command_number(&count, "last", last, 1, INT64_MAX)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = show(h, count, f);
    return command_close(h, e, false);
}

/* ---- verify ---- */

static void say_erased(const struct act *a)
{
    char number[32];

    cli_format_count(number, sizeof(number), a->submissions);
    if (a->scope == ACT_CLASS)
        (void)printf(_("Erased under act %llu: class %s of the school year %d/%02d, submissions %s.\n"),
                     (unsigned long long)a->number, a->retention, (int)a->year, (int)((a->year + 1) % 100), number);
    else
        (void)printf(_("Erased under act %llu: form %s, unit %s, period %s, submissions %s.\n"),
                     (unsigned long long)a->number, a->form, a->unit, a->period, number);
}

static enum err verify(struct hub *h)
{
    struct ledger_totals n = {0};
    struct store_txn *t = NULL;
    uint64_t bad = 0;
    char entries[32], records[32], cells[32];
    enum err e = ledger_verify(h, stdout, &bad);

    if (e != OK)
        return e;
    if (bad > 0)
        return err_set(ERR_CORRUPT,
                       ngettext("%llu difference was found; nothing was changed",
                                "%llu differences were found; nothing was changed", bad),
                       (unsigned long long)bad);
    if ((e = store_begin_read(h->store, &t)) != OK)
        return e;
    e = ledger_totals(t, &n);
    store_abort(t);
    if (e != OK)
        return e;
    cli_format_count(entries, sizeof(entries), n.entries);
    cli_format_count(records, sizeof(records), n.records);
    cli_format_count(cells, sizeof(cells), n.cells);
    for (uint64_t k = 1; k <= n.acts; k++) {
        struct act *a = malloc(sizeof(*a));

        if (a == NULL)
            return ERR_NOMEM;
        if ((e = store_begin_read(h->store, &t)) == OK)
            e = act_get(h, t, k, a, NULL);
        store_abort(t);
        if (e == OK)
            say_erased(a);
        free(a);
        if (e != OK)
            return e;
    }
    (void)printf(
        _("Verified: journal entries %s, submissions %s, cells of indicators %s. Recomputed from the ledger, all is "
          "the same, bit for bit.\n"),
        entries, records, cells);
    return OK;
}

int cmd_verify(int argc, char **argv)
{
    const char *home = NULL;
    const struct cli_command *c = command_named("verify");
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = verify(h);
    return command_close(h, e, false);
}
