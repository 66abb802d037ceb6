/* audit, audit export, audit check: who did what; and verify, which checks that too. */
#include "hub/commands.h"

#include "common/clock.h"
#include "hub/act.h"
#include "hub/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- audit ---- */

struct listing {
    struct table *table;
    enum table_format format;
    uint64_t from;
    int64_t from_ms, until_ms;
    const char *who, *what;
    struct buf detail;
};

/* "anna" is "office:anna"; "view" is every "view.…". */
static bool is_wanted(const struct listing *l, const struct audit_entry *e)
{
    const char *colon = strchr(e->who, ':');
    size_t len = l->what != NULL ? strlen(l->what) : 0;

    if (e->number < l->from || e->wall_ms < l->from_ms || e->wall_ms >= l->until_ms)
        return false;
    if (l->who != NULL && strcmp(l->who, e->who) != 0 && (colon == NULL || strcmp(l->who, colon + 1) != 0))
        return false;
    return l->what == NULL || (strncmp(l->what, e->code, len) == 0 && (e->code[len] == '\0' || e->code[len] == '.'));
}

static enum err put_entry(void *ctx, enum audit_row kind, uint64_t number, struct bytes bytes)
{
    struct listing *l = ctx;
    struct audit_entry entry;
    char id[24], when[64];
    const char *cells[] = {id, when, entry.who, entry.code, entry.subject, entry.detail};
    enum err e;

    if (kind != AUDIT_ROW_ENTRY)
        return OK;
    if ((e = audit_entry_decode(&entry, number, bytes)) != OK)
        return err_set(ERR_CORRUPT, _("entry %llu of the audit cannot be read; run svodka-hub verify"),
                       (unsigned long long)number);
    if (!is_wanted(l, &entry))
        return OK;
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)number);
    command_time(when, sizeof(when), entry.wall_ms, l->format);
    buf_reset(&l->detail);
    if (l->format == TABLE_TEXT) {
        cells[3] = audit_words(entry.code);
        audit_put_detail(&l->detail, entry.detail);
    } else {
        buf_put_str(&l->detail, entry.detail);
        for (size_t i = 0; i < l->detail.len; i++)
            if (l->detail.data[i] == '\n')
                l->detail.data[i] = ';';
    }
    cells[5] = buf_cstr(&l->detail);
    return table_row(l->table, cells);
}

static enum err show(struct hub *h, struct listing *l, int64_t last)
{
    const struct table_column columns[] = {
        {"number", _("No."), TABLE_RIGHT, true},    {"time", _("When"), TABLE_LEFT, false},
        {"who", _("Who"), TABLE_LEFT, false},       {"action", _("What"), TABLE_LEFT, false},
        {"subject", _("About"), TABLE_LEFT, false}, {"detail", _("In detail"), TABLE_LEFT, false}};
    struct store_txn *t = NULL;
    uint64_t newest = 0;
    enum err e = table_new(&l->table, columns, sizeof(columns) / sizeof(columns[0]));

    buf_init(&l->detail, (size_t)4 * AUDIT_ENTRY_MAX);
    if (e == OK && (e = store_begin_read(h->store, &t)) == OK && (e = audit_last(t, &newest)) == OK) {
        l->from = newest > (uint64_t)last ? newest - (uint64_t)last + 1 : 0;
        e = audit_walk(t, l->from, put_entry, l);
    }
    store_abort(t);
    buf_fini(&l->detail);
    return command_print(l->table, l->format, e);
}

/* Local midnight that begins day `text`, or the one after it. */
static enum err read_day(const char *option, const char *text, int days_on, int64_t *ms)
{
    struct tm tm = {.tm_isdst = -1};
    int32_t day;
    time_t seconds;

    if (text == NULL)
        return OK;
    if (date_parse_local(&day, text, strlen(text)) != OK)
        return err_set(ERR_USAGE, _("--%s: a date is expected, such as 2026-09-01 (found: %s)"), option, text);
    seconds = (time_t)(day + days_on) * 86400;
    if (gmtime_r(&seconds, &tm) == NULL)
        return err_set(ERR_USAGE, _("--%s: a date is expected, such as 2026-09-01 (found: %s)"), option, text);
    tm.tm_isdst = -1;
    *ms = (int64_t)mktime(&tm) * 1000;
    return OK;
}

int cmd_audit(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *last = NULL, *from = NULL, *until = NULL;
    struct listing l = {.from_ms = INT64_MIN, .until_ms = INT64_MAX};
    const struct cli_command *c = command_named("audit");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        FORMAT_OPTION(&format),
        {"last", 0, N_("N"), N_("only of the last N entries"), &last},
        {"from", 0, N_("DATE"), N_("from this day on"), &from},
        {"to", 0, N_("DATE"), N_("up to this day, the day included"), &until},
        {"who", 0, N_("NAME"), N_("only what this one did: an account of the office, or a participant"), &l.who},
        {"what", 0, N_("ACTION"), N_("only this: view, view.explain, school, publish, ... (--format csv shows them)"),
         &l.what},
        LAST_OPTION};
    struct hub *h = NULL;
    int64_t count = INT64_MAX;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&l.format, format)) != OK ||
        (e = command_number(&count, "last", last, 1, INT64_MAX)) != OK ||
        (e = read_day("from", from, 0, &l.from_ms)) != OK || (e = read_day("to", until, 1, &l.until_ms)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = show(h, &l, count);
    return command_close(h, e, false);
}

/* ---- audit export ---- */

static enum err export_to(struct hub *h, const char *file)
{
    struct store_txn *t = NULL;
    uint64_t entries = 0;
    struct buf out;
    char count[32], root[40];
    enum err e = command_note(h, AUDIT_EXPORT_AUDIT, "", "%s", "");

    buf_init(&out, AUDIT_FILE_MAX);
    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = audit_export(h, t, &out, &entries);
    store_abort(t);
    if (e == OK)
        e = cli_write_file(file, out.data, out.len, 0600, false);
    buf_fini(&out);
    if (e != OK)
        return e;
    cli_format_count(count, sizeof(count), entries);
    fingerprint(root, h->root);
    (void)printf(_("Entries written to %s: %s.\nAnyone who has this program can check the file: svodka-hub audit check "
                   "%s --root %s\n"),
                 file, count, file, root);
    return OK;
}

int cmd_audit_export(int argc, char **argv)
{
    const char *home = NULL;
    const struct cli_command *c = command_named("audit export");
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = export_to(h, argv[0]);
    return command_close(h, e, false);
}

/* ---- audit check ---- */

static void say_fault(void *ctx, const char *text)
{
    (void)fprintf(ctx, "%s\n", text);
}

struct newest {
    bool is_found;
    uint64_t number;
    uint8_t digest[DIGEST_BYTES];
};

/* Whether the newest signed entry of the earlier file is in this one, the same. */
static enum err find_entry(void *ctx, enum audit_row kind, uint64_t number, struct bytes bytes)
{
    struct newest *n = ctx;
    uint8_t d[DIGEST_BYTES];

    if (kind == AUDIT_ROW_ENTRY && number == n->number) {
        audit_entry_digest(d, number, bytes);
        n->is_found = digest_equal(d, n->digest);
    }
    return OK;
}

static enum err check_bytes(struct bytes file, const char *root, struct audit_totals *totals)
{
    struct audit_file_head head;
    struct audit_check *c = NULL;
    uint8_t typed[FINGERPRINT_BYTES];
    uint8_t found[FINGERPRINT_BYTES];
    char real[FINGERPRINT_CHARS + 1];
    enum err e = fingerprint_read(typed, root);

    if (e != OK || (e = audit_file_read(&head, file, NULL, NULL)) != OK)
        return e;
    fingerprint(real, head.root);
    fingerprint_bytes(found, head.root);
    if (memcmp(typed, found, sizeof(typed)) != 0)
        return err_set(ERR_AUTH, _("the file is of a hub whose root key has another fingerprint: %s"), real);
    if ((e = audit_check_new(&c, head.district, head.root, say_fault, stdout)) != OK)
        return e;
    e = audit_file_read(&head, file, audit_check_row, c);
    audit_check_end(c, totals);
    return e;
}

/* An entry that was signed once must be in every later file. */
static enum err check_earlier(struct bytes file, const char *path, const char *root)
{
    struct audit_totals before = {0};
    struct audit_file_head head;
    struct newest n = {.is_found = false};
    void *bytes = NULL;
    size_t len = 0;
    enum err e = cli_read_file(path, AUDIT_FILE_MAX, &bytes, &len);

    if (e == OK && (e = check_bytes(bytes_of(bytes, len), root, &before)) != OK)
        e = err_prefix(e, "%s", path);
    free(bytes);
    if (e != OK || before.signed_number == 0)
        return e;
    n.number = before.signed_number;
    memcpy(n.digest, before.signed_digest, DIGEST_BYTES);
    if ((e = audit_file_read(&head, file, find_entry, &n)) == OK && !n.is_found)
        e = err_set(ERR_CORRUPT,
                    _("entry %llu, signed in the earlier file, is missing here or is another one: the audit was "
                      "rewritten"),
                    (unsigned long long)n.number);
    return e;
}

static enum err check_file(const char *path, const char *root, const char *earlier)
{
    struct audit_totals n = {0};
    void *bytes = NULL;
    size_t len = 0;
    char entries[32], when[64];
    enum err e = cli_read_file(path, AUDIT_FILE_MAX, &bytes, &len);

    if (e == OK && (e = check_bytes(bytes_of(bytes, len), root, &n)) != OK)
        e = err_prefix(e, "%s", path);
    if (e == OK && earlier != NULL)
        e = check_earlier(bytes_of(bytes, len), earlier, root);
    free(bytes);
    if (e != OK)
        return e;
    if (n.bad > 0)
        return err_set(ERR_CORRUPT, ngettext("%llu fault was found", "%llu faults were found", n.bad),
                       (unsigned long long)n.bad);
    cli_format_count(entries, sizeof(entries), n.entries);
    cli_format_time(when, sizeof(when), n.signed_ms);
    (void)printf(_("Entries: %s. No gap, nothing altered; the hub has signed them up to entry %llu, on %s.\n"), entries,
                 (unsigned long long)n.signed_number, when);
    return OK;
}

int cmd_audit_check(int argc, char **argv)
{
    const char *root = NULL, *earlier = NULL;
    const struct cli_command *c = command_named("audit check");
    const struct cli_option options[] = {
        {"root", 0, N_("FINGERPRINT"), N_("of the hub's root key, as it stands on every invitation"), &root},
        {"since", 0, N_("FILE"), N_("an earlier file of the same hub: this one must continue it"), &earlier},
        LAST_OPTION};

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (root == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--root is missing: whose audit is it? The fingerprint of the hub's root "
                                             "key stands on every invitation")));
    return cli_fail(check_file(argv[0], root, earlier));
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
    struct audit_totals audit = {0};
    uint64_t bad = 0;
    char entries[32], records[32], cells[32], audited[32];
    enum err e = ledger_verify(h, stdout, &bad);

    if (e == OK)
        e = audit_verify(h, say_fault, stdout, &audit);
    if (e != OK)
        return e;
    bad += audit.bad;
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
    cli_format_count(audited, sizeof(audited), audit.entries);
    (void)printf(_("The audit: entries %s, none missing or altered; signed up to entry %llu.\n"), audited,
                 (unsigned long long)audit.signed_number);
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
