#include "hub/commands.h"

#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- school add ---- */

struct add {
    struct school_add school;
    const char *file;
};

static enum err check_file(const char *file)
{
    struct stat st;

    if (lstat(file, &st) == 0)
        return err_set(ERR_EXISTS, _("%s exists already and is not overwritten: an invitation is for one school, once"),
                       file);
    return errno == ENOENT ? OK : err_errno(ERR_IO, errno, "%s", file);
}

static enum err add_in(struct hub *h, struct store_txn *t, struct add *a)
{
    struct buf text;
    char who[80];
    enum err e = OK;

    if (hub_directory_is_stale(h) && ((e = hub_issue_directory(h, t)) != OK || (e = hub_reload(h, t)) != OK))
        return e;
    buf_init_secret(&text, INVITATION_MAX);
    if ((e = registry_add(h, t, &a->school, &text)) == OK) {
        command_user(who, sizeof(who));
        if ((e = hub_audit_do(h, t, who, AUDIT_SCHOOL_INVITE, a->school.id, "%s", "")) == OK)
            e = cli_write_file(a->file, text.data, text.len, 0600, false);
    }
    buf_wipe(&text);
    return e;
}

/* The file first, then the commit: a school without its invitation would have to be removed by hand, a file without its
 * school is harmless. */
static enum err add_school(struct hub *h, struct add *a)
{
    struct store_txn *t = NULL;
    bool is_written;
    enum err e = check_file(a->file);

    if (e != OK || (e = command_begin(h, &t)) != OK)
        return e;
    e = add_in(h, t, a);
    is_written = e == OK;
    e = command_finish(h, t, e);
    if (e != OK && is_written)
        (void)unlink(a->file);
    return e;
}

static void say_added(const struct hub *h, const struct add *a)
{
    int64_t days = a->school.valid_days > 0 ? a->school.valid_days : h->conf.invitation_days;
    char until[64];
    char root[40];

    fingerprint(root, h->root);
    cli_format_time(until, sizeof(until), clock_wall_ms() + days * INT64_C(86400000));
    (void)printf(_("School %s (%s) is invited. The invitation is in %s and good until %s.\n"), a->school.id,
                 a->school.name, a->file, until);
    (void)printf(
        _("Whoever has the file can join as this school: hand it over on a stick, or send it by e-mail and compare "
          "the fingerprint by telephone: %s\n"),
        root);
}

int cmd_school_add(int argc, char **argv)
{
    const char *home = NULL, *name = NULL, *invite = NULL, *days = NULL;
    const struct cli_command *c = command_named("school add");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"name", 0, N_("NAME"), N_("the school's name"), &name},
        {"invite", 0, N_("FILE"), N_("where the invitation goes; must not exist yet"), &invite},
        {"unit", 0, N_("U"),
         N_("a unit it reports about (default: its own ID); may be given several times; '*': every unit"), NULL},
        {"role", 0, N_("R"), N_("whose forms it fills in (default: school); may be given several times"), NULL},
        {"days", 0, N_("N"), N_("how long the invitation is good (default: invitation.days of hub.yaml)"), &days},
        LAST_OPTION};
    struct command_list units = {.count = 0};
    struct command_list roles = {.count = 0};
    struct add a = {0};
    struct hub *h = NULL;
    enum err e = command_take_list(options, "unit", &argc, argv, &units);

    if (e == OK)
        e = command_take_list(options, "role", &argc, argv, &roles);
    if (e != OK)
        return cli_fail(e);
    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (name == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--name is missing: the school's name")));
    if (invite == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--invite is missing: the file that the invitation goes to")));
    if ((e = command_number(&a.school.valid_days, "days", days, 1, 365)) != OK)
        return cli_fail(e);
    a.file = invite;
    a.school.id = argv[0];
    a.school.name = name;
    a.school.units = units.items;
    a.school.unit_count = units.count;
    a.school.roles = roles.items;
    a.school.role_count = roles.count;
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = add_school(h, &a)) == OK)
        say_added(h, &a);
    return command_close(h, e, true);
}

/* ---- school list ---- */

enum {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_UNITS,
    COLUMN_ROLES,
    COLUMN_INVITED,
    COLUMN_UNTIL,
    COLUMN_ENROLLED,
    COLUMN_SEEN,
    COLUMN_COUNT
};

static void join(struct buf *out, const char (*items)[ID_MAX + 1], uint32_t count)
{
    buf_reset(out);
    for (uint32_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", items[i]);
}

static enum err put_school(struct table *t, const struct participant *p, enum table_format f)
{
    const char *cells[COLUMN_COUNT] = {p->id, p->grant.name, command_state(p->state, f)};
    char invited[64], until[64], enrolled[64], seen[64];
    struct buf units, roles;
    enum err e;

    buf_init(&units, 64u << 10);
    buf_init(&roles, 4096);
    join(&units, p->grant.units, p->grant.unit_count);
    join(&roles, p->grant.roles, p->grant.role_count);
    command_time(invited, sizeof(invited), p->invited_ms, f);
    command_time(until, sizeof(until), p->invite_used ? 0 : p->invite_expires_ms, f);
    command_time(enrolled, sizeof(enrolled), p->enrolled_ms, f);
    command_time(seen, sizeof(seen), p->last_seen_ms, f);
    cells[COLUMN_UNITS] = buf_cstr(&units);
    cells[COLUMN_ROLES] = buf_cstr(&roles);
    cells[COLUMN_INVITED] = invited;
    cells[COLUMN_UNTIL] = until;
    cells[COLUMN_ENROLLED] = enrolled;
    cells[COLUMN_SEEN] = seen;
    e = table_row(t, cells);
    buf_fini(&units);
    buf_fini(&roles);
    return e;
}

static enum err list_schools(const struct hub *h, enum table_format f)
{
    const struct table_column columns[COLUMN_COUNT] = {
        {"id", _("ID"), TABLE_LEFT, false},
        {"name", _("Name"), TABLE_LEFT, false},
        {"state", _("State"), TABLE_LEFT, false},
        {"units", _("Units"), TABLE_LEFT, false},
        {"roles", _("Roles"), TABLE_LEFT, false},
        {"invited", _("Invited"), TABLE_LEFT, false},
        {"invitation_until", _("Invitation until"), TABLE_LEFT, false},
        {"enrolled", _("Enrolled"), TABLE_LEFT, false},
        {"last_seen", _("Last seen"), TABLE_LEFT, false},
    };
    struct table *t = NULL;
    enum err e = table_new(&t, columns, COLUMN_COUNT);

    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++)
        e = put_school(t, registry_at(h->registry, i), f);
    return command_print(t, f, e);
}

int cmd_school_list(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    const struct cli_command *c = command_named("school list");
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format), LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = list_schools(h, f);
    return command_close(h, e, false);
}
