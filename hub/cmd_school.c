#include "hub/cmd_school.h"

#include "hub/invite_sheet.h"
#include "hub/registry_status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- school add, school invite ---- */

struct add {
    struct school_add school;
    bool is_again; /* one that is there already, and has not joined */
    bool is_rekey; /* one that has joined, and has a new computer */
    struct rekey rekey;
    const char *reason;
    const char *file, *sheet; /* either may be NULL */
    enum sheet_form form;
    struct ticket ticket;
};

static enum err check_file(const char *file)
{
    struct stat st;

    if (file == NULL || strcmp(file, "-") == 0)
        return OK;
    if (lstat(file, &st) == 0)
        return err_set(ERR_EXISTS, _("%s exists already and is not overwritten: an invitation is for one school, once"),
                       file);
    return errno == ENOENT ? OK : err_errno(ERR_IO, errno, "%s", file);
}

/* What is asked for must be of use to somebody. */
static enum err check_ways(const struct hub *h, const struct add *a)
{
    if (a->file == NULL && h->conf.door == NULL)
        return err_set(ERR_USAGE, _("this hub has no door (hub.yaml: door), so that the sheet alone is not enough: say "
                                    "with --invite where the invitation file goes"));
    return OK;
}

static enum err write_sheet(const struct add *a)
{
    struct buf text;
    enum err e;

    if (a->sheet == NULL || a->form == SHEET_SCREEN)
        return OK;
    buf_init(&text, SHEET_MAX);
    if ((e = invite_sheet_put(&text, &a->ticket, a->form)) == OK)
        e = cli_write_file(a->sheet, text.data, text.len, 0600, false);
    buf_wipe(&text);
    return e;
}

static enum err write_files(const struct add *a, const struct buf *text)
{
    enum err e = a->file == NULL ? OK : cli_write_file(a->file, text->data, text->len, 0600, false);

    if (e == OK && (e = write_sheet(a)) != OK && a->file != NULL)
        (void)unlink(a->file);
    return e;
}

static void remove_files(const struct add *a)
{
    if (a->file != NULL)
        (void)unlink(a->file);
    if (a->sheet != NULL && a->form != SHEET_SCREEN)
        (void)unlink(a->sheet);
}

static enum err invite_in(struct hub *h, struct store_txn *t, struct add *a, const char *who, struct buf *text)
{
    enum err e = a->is_again ? registry_invite(h, t, a->school.id, a->school.valid_days, text, &a->ticket)
                             : registry_add(h, t, &a->school, text);

    return e == OK ? hub_audit_do(h, t, who, AUDIT_SCHOOL_INVITE, a->school.id, "again=%s", a->is_again ? "yes" : "")
                   : e;
}

static enum err rekey_in(struct hub *h, struct store_txn *t, struct add *a, const char *who, struct buf *text)
{
    const struct status_word word = {a->school.id, who, a->reason};

    a->rekey.valid_days = a->school.valid_days;
    return registry_rekey(h, t, &word, &a->rekey, text, &a->ticket);
}

static enum err add_in(struct hub *h, struct store_txn *t, struct add *a)
{
    struct buf text;
    char who[80];
    enum err e = OK;

    if (hub_directory_is_stale(h) && ((e = hub_issue_directory(h, t)) != OK || (e = hub_reload(h, t)) != OK))
        return e;
    buf_init_secret(&text, INVITATION_MAX);
    a->school.ticket = &a->ticket;
    command_user(who, sizeof(who));
    e = a->is_rekey ? rekey_in(h, t, a, who, &text) : invite_in(h, t, a, who, &text);
    if (e == OK)
        e = write_files(a, &text);
    buf_wipe(&text);
    return e;
}

/* The files first, then the commit: a school without its invitation would have to be removed by hand, a file without
 * its school is harmless. */
static enum err add_school(struct hub *h, struct add *a)
{
    struct store_txn *t = NULL;
    bool is_written;
    enum err e = OK;

    if ((e = check_ways(h, a)) != OK || (e = check_file(a->file)) != OK || (e = check_file(a->sheet)) != OK ||
        (e = command_begin(h, &t)) != OK)
        return e;
    e = add_in(h, t, a);
    is_written = e == OK;
    e = command_finish(h, t, e);
    if (e != OK && is_written)
        remove_files(a);
    return e;
}

static enum err show_sheet(const struct add *a)
{
    struct buf text;
    enum err e;

    buf_init(&text, SHEET_MAX);
    e = invite_sheet_put(&text, &a->ticket, isatty(STDOUT_FILENO) ? SHEET_SCREEN : SHEET_TEXT);
    if (e == OK && fwrite(text.data, 1, text.len, stdout) != text.len)
        e = err_set(ERR_IO, _("the sheet could not be shown"));
    buf_wipe(&text);
    return e;
}

static enum err say_added(const struct hub *h, const struct add *a)
{
    char until[64];
    char root[FINGERPRINT_CHARS + 1];

    if (a->sheet != NULL && a->form == SHEET_SCREEN)
        return show_sheet(a);
    fingerprint(root, h->root);
    cli_format_time(until, sizeof(until), a->ticket.expires_ms);
    if (a->file != NULL) {
        (void)printf(_("School %s (%s) is invited. The invitation is in %s and good until %s.\n"), a->school.id,
                     a->ticket.name, a->file, until);
        (void)printf(
            _("Whoever has the file can join as this school: hand it over on a stick, or send it by e-mail and compare "
              "the fingerprint by telephone: %s\n"),
            root);
    }
    if (a->sheet != NULL)
        (void)printf(_("The sheet for %s (%s) is in %s and good until %s: print it, hand it over, keep no copy.\n"),
                     a->school.id, a->ticket.name, a->sheet, until);
    return OK;
}

/* On stderr: the sheet may be on stdout. */
static void say_rekeyed(const struct add *a)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s\n",
                  a->rekey.is_lost
                      ? _("The old computer is revoked: what it still sends is kept apart and not counted.")
                      : _("The old computer goes on until the new one joins; what it has then still counts."));
    (void)fprintf(stderr, "%s\n",
                  _("What the school sent before comes back to the new computer, sealed to it, when it joins."));
}

static int run_add(struct add *a, const char *home, const char *days)
{
    struct hub *h = NULL;
    int code;
    enum err e = command_number(&a->school.valid_days, "days", days, 1, 365);

    if (e == OK && a->file == NULL && a->sheet == NULL)
        e = err_set(ERR_USAGE,
                    _("--invite is missing: the file that the invitation goes to (or --sheet, to print it)"));
    if (e == OK && a->sheet != NULL)
        e = invite_sheet_form(&a->form, a->sheet);
    if (e != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = add_school(h, a)) == OK)
        e = say_added(h, a);
    if (e == OK && a->is_rekey)
        say_rekeyed(a);
    code = command_close(h, e, true);
    wipe(&a->ticket, sizeof(a->ticket));
    return code;
}

#define INVITE_OPTION(text)                                                                                            \
    {                                                                                                                  \
        "invite", 0, N_("FILE"), N_("where the invitation goes; must not exist yet"), text                             \
    }
#define SHEET_OPTION(text)                                                                                             \
    {                                                                                                                  \
        "sheet", 0, N_("FILE"), N_("where the sheet to print goes: FILE.html, FILE.txt, or - for the screen"), text    \
    }
#define DAYS_OPTION(text)                                                                                              \
    {                                                                                                                  \
        "days", 0, N_("N"), N_("how long the invitation is good (default: invitation.days of hub.yaml)"), text         \
    }

int cmd_school_add(int argc, char **argv)
{
    const char *home = NULL, *name = NULL, *days = NULL, *preview = NULL, *format = NULL;
    const struct cli_command *c = command_named("school add");
    struct add a = {.is_again = false};
    struct school_all all = {.from = NULL};
    int count;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"name", 0, N_("NAME"), N_("the school's name"), &name},
        INVITE_OPTION(&a.file),
        SHEET_OPTION(&a.sheet),
        {"unit", 0, N_("U"),
         N_("a unit it reports about (default: its own ID); may be given several times; '*': every unit"), NULL},
        {"role", 0, N_("R"), N_("whose forms it fills in (default: school); may be given several times"), NULL},
        {"on-behalf", 0, N_("R"),
         N_("the office's own computer: whose forms it may enter from paper or by telephone, for example school"),
         NULL},
        DAYS_OPTION(&days),
        {"from", 0, N_("FILE"), N_("all schools of a table (.csv, .xlsx) with the headings id and name"), &all.from},
        {"folder", 0, N_("DIR"), N_("with --from: the new folder for their invitations and sheets"), &all.folder},
        {"preview", 0, NULL, N_("with --from: show who would be invited, and change nothing"), &preview},
        {"format", 0, N_("FORMAT"), N_("with --from: table (default), csv or json"), &format},
        LAST_OPTION};
    struct command_list units = {.count = 0};
    struct command_list roles = {.count = 0};
    struct command_list behalf = {.count = 0};
    enum err e = command_take_list(options, "unit", &argc, argv, &units);

    if (e == OK)
        e = command_take_list(options, "role", &argc, argv, &roles);
    if (e == OK)
        e = command_take_list(options, "on-behalf", &argc, argv, &behalf);
    if (e != OK)
        return cli_fail(e);
    if ((count = cli_parse(c, options, argc, argv, 0, 1)) < 0)
        return cli_exit_code();
    all.is_preview = preview != NULL;
    if (all.from != NULL && (count > 0 || name != NULL || a.file != NULL || a.sheet != NULL || units.count > 0 ||
                             roles.count > 0 || behalf.count > 0))
        return cli_fail(
            err_set(ERR_USAGE, _("with --from the table says who is invited: ID, --name, --invite, --sheet, "
                                 "--unit, --role and --on-behalf do not go with it")));
    if (all.from != NULL && ((e = command_number(&all.days, "days", days, 1, 365)) != OK ||
                             (e = command_format(&all.format, format)) != OK))
        return cli_fail(e);
    if (all.from != NULL)
        return school_add_all(&all, home);
    if (count == 0)
        return cli_fail(err_set(ERR_USAGE, _("say which school: its id, or --from FILE")));
    if (name == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--name is missing: the school's name")));
    a.school.id = argv[0];
    a.school.name = name;
    a.school.units = units.items;
    a.school.unit_count = units.count;
    a.school.roles = roles.items;
    a.school.role_count = roles.count;
    a.school.behalf = behalf.items;
    a.school.behalf_count = behalf.count;
    return run_add(&a, home, days);
}

int cmd_school_invite(int argc, char **argv)
{
    const char *home = NULL, *days = NULL;
    const struct cli_command *c = command_named("school invite");
    struct add a = {.is_again = true};
    const struct cli_option options[] = {HOME_OPTION(&home), INVITE_OPTION(&a.file), SHEET_OPTION(&a.sheet),
                                         DAYS_OPTION(&days), LAST_OPTION};

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    a.school.id = argv[0];
    return run_add(&a, home, days);
}

int cmd_school_rekey(int argc, char **argv)
{
    const char *home = NULL, *days = NULL, *lost = NULL, *reason = NULL;
    const struct cli_command *c = command_named("school rekey");
    struct add a = {.is_rekey = true};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        INVITE_OPTION(&a.file),
        SHEET_OPTION(&a.sheet),
        {"lost", 0, NULL, N_("the old computer is stolen or lost: revoke it at once"), &lost},
        {"reason", 0, N_("TEXT"), N_("with --lost: why; kept with the decision"), &reason},
        DAYS_OPTION(&days),
        LAST_OPTION};

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    a.school.id = argv[0];
    a.rekey.is_lost = lost != NULL;
    a.reason = reason != NULL ? reason : "";
    if (a.rekey.is_lost && a.reason[0] == '\0')
        return cli_fail(
            err_set(ERR_USAGE, _("--reason is missing: why, in a few words; they are kept with the decision")));
    return run_add(&a, home, days);
}

/* ---- school list ---- */

enum {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_UNITS,
    COLUMN_ROLES,
    COLUMN_BEHALF,
    COLUMN_INVITED,
    COLUMN_UNTIL,
    COLUMN_ENROLLED,
    COLUMN_SEEN,
    COLUMN_SINCE,
    COLUMN_REASON,
    COLUMN_COUNT
};

static void join(struct buf *out, const char (*items)[ID_MAX + 1], uint32_t count)
{
    buf_reset(out);
    for (uint32_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", items[i]);
}

static enum err put_school(struct table *t, struct store_txn *txn, const struct participant *p, enum table_format f)
{
    const char *cells[COLUMN_COUNT] = {p->id, p->grant.name, command_standing(p, f)};
    char invited[64], until[64], enrolled[64], seen[64], since[64];
    struct stands stands;
    struct buf units, roles, behalf;
    enum err e = signers_stands(txn, p->index, &stands);

    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    buf_init(&units, 64u << 10);
    buf_init(&roles, 4096);
    buf_init(&behalf, 4096);
    join(&units, p->grant.units, p->grant.unit_count);
    join(&roles, p->grant.roles, p->grant.role_count);
    join(&behalf, p->grant.behalf, p->grant.behalf_count);
    command_time(invited, sizeof(invited), p->invited_ms, f);
    command_time(until, sizeof(until), p->invite_used ? 0 : p->invite_expires_ms, f);
    command_time(enrolled, sizeof(enrolled), p->enrolled_ms, f);
    command_time(seen, sizeof(seen), p->last_seen_ms, f);
    cells[COLUMN_UNITS] = buf_cstr(&units);
    cells[COLUMN_ROLES] = buf_cstr(&roles);
    cells[COLUMN_BEHALF] = buf_cstr(&behalf);
    cells[COLUMN_INVITED] = invited;
    cells[COLUMN_UNTIL] = until;
    cells[COLUMN_ENROLLED] = enrolled;
    cells[COLUMN_SEEN] = seen;
    command_time(since, sizeof(since), stands.since_ms, f);
    cells[COLUMN_SINCE] = since;
    cells[COLUMN_REASON] = stands.reason;
    e = table_row(t, cells);
    buf_fini(&units);
    buf_fini(&roles);
    buf_fini(&behalf);
    return e;
}

static enum err list_schools(struct hub *h, enum table_format f)
{
    const struct table_column columns[COLUMN_COUNT] = {
        {"id", _("ID"), TABLE_LEFT, false},
        {"name", _("Name"), TABLE_LEFT, false},
        {"state", _("State"), TABLE_LEFT, false},
        {"units", _("Units"), TABLE_LEFT, false},
        {"roles", _("Roles"), TABLE_LEFT, false},
        {"on_behalf", _("On behalf of"), TABLE_LEFT, false},
        {"invited", _("Invited"), TABLE_LEFT, false},
        {"invitation_until", _("Invitation until"), TABLE_LEFT, false},
        {"enrolled", _("Enrolled"), TABLE_LEFT, false},
        {"last_seen", _("Last seen"), TABLE_LEFT, false},
        {"since", _("So since"), TABLE_LEFT, false},
        {"reason", _("Reason"), TABLE_LEFT, false},
    };
    struct table *t = NULL;
    struct store_txn *txn = NULL;
    enum err e = table_new(&t, columns, COLUMN_COUNT);

    if (e == OK)
        e = store_begin_read(h->store, &txn);
    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++)
        e = put_school(t, txn, registry_at(h->registry, i), f);
    store_abort(txn);
    return command_print(t, f, e);
}

int cmd_school_list(int argc, char **argv)
{
    return command_show("school list", argc, argv, HUB_READ, list_schools);
}
