/* school add --from: all schools of a table at once: an invitation and a sheet for each, in a new folder; all of them
 * or none. */
#include "hub/cmd_school.h"

#include "common/ask.h"
#include "common/folder.h"
#include "hub/invite_sheet.h"
#include "hub/school_list.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- the preview ---- */

static enum err put_row(struct table *t, const struct school_row *row)
{
    struct buf units;
    enum err e;

    buf_init(&units, 64u << 10);
    for (uint32_t i = 0; i < row->unit_count; i++)
        buf_printf(&units, "%s%s", i > 0 ? " " : "", row->units[i]);
    e = table_row(t, (const char *const[]){row->id, row->name, row->unit_count > 0 ? buf_cstr(&units) : row->id});
    buf_fini(&units);
    return e;
}

static enum err show(const struct school_list *l, enum table_format f)
{
    const struct table_column columns[] = {{"id", _("ID"), TABLE_LEFT, false},
                                           {"name", _("Name"), TABLE_LEFT, false},
                                           {"units", _("Units"), TABLE_LEFT, false}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < l->count && e == OK; i++)
        e = put_row(t, &l->rows[i]);
    return command_print(t, f, e);
}

/* ---- adding ---- */

static enum err write_two(const char *folder, const char *id, const struct buf *invitation, const struct ticket *ticket)
{
    char name[ID_MAX + 8], path[FOLDER_PATH_MAX];
    struct buf sheet;
    enum err e;

    (void)snprintf(name, sizeof(name), "%s.inv", id);
    if ((e = folder_path(path, folder, name)) != OK ||
        (e = cli_write_file(path, invitation->data, invitation->len, 0600, false)) != OK)
        return e;
    buf_init(&sheet, SHEET_MAX);
    (void)snprintf(name, sizeof(name), "%s.html", id);
    if ((e = folder_path(path, folder, name)) == OK && (e = invite_sheet_put(&sheet, ticket, SHEET_HTML)) == OK)
        e = cli_write_file(path, sheet.data, sheet.len, 0600, false);
    buf_wipe(&sheet);
    return e;
}

static enum err add_one(struct hub *h, struct store_txn *t, const struct school_all *a, const struct school_row *row,
                        const char *folder, const char *who)
{
    const char *units[GRANT_MAX_UNITS];
    struct ticket ticket;
    struct school_add school = {.id = row->id,
                                .name = row->name,
                                .units = units,
                                .unit_count = row->unit_count,
                                .valid_days = a->days,
                                .ticket = &ticket};
    struct buf text;
    enum err e;

    for (uint32_t i = 0; i < row->unit_count; i++)
        units[i] = row->units[i];
    buf_init_secret(&text, INVITATION_MAX);
    if ((e = registry_add(h, t, &school, &text)) == OK)
        e = write_two(folder, row->id, &text, &ticket);
    else
        e = err_prefix(e, _("row %u"), row->line);
    buf_wipe(&text);
    wipe(&ticket, sizeof(ticket));
    if (e == OK) /* the next one is held against it */
        e = hub_reload(h, t);
    return e == OK ? hub_audit_do(h, t, who, AUDIT_SCHOOL_INVITE, row->id, "again=") : e;
}

static enum err add_in(struct hub *h, struct store_txn *t, const struct school_all *a, const struct school_list *l,
                       const char *folder)
{
    char who[80];
    enum err e = OK;

    if (hub_directory_is_stale(h) && ((e = hub_issue_directory(h, t)) != OK || (e = hub_reload(h, t)) != OK))
        return e;
    command_user(who, sizeof(who));
    for (size_t i = 0; i < l->count && e == OK; i++) {
        cli_progress(_("Inviting"), i, l->count);
        e = add_one(h, t, a, &l->rows[i], folder, who);
    }
    cli_progress_end();
    return e;
}

/* The folder first, then the commit: invitations without their schools are harmless. */
static enum err add_all(struct hub *h, const struct school_all *a, const struct school_list *l)
{
    char fresh[FOLDER_PATH_MAX];
    struct store_txn *t = NULL;
    bool is_there = false;
    enum err e = folder_begin(fresh, a->folder);

    if (e != OK)
        return e;
    if ((e = command_begin(h, &t)) == OK) {
        e = add_in(h, t, a, l, fresh);
        if (e == OK && (e = folder_finish(fresh, a->folder)) == OK)
            is_there = true;
        e = command_finish(h, t, e);
    }
    if (e != OK)
        folder_remove(is_there ? a->folder : fresh);
    return e;
}

/* ---- the command ---- */

static enum err confirm(const struct school_all *a, const struct school_list *l, bool *go)
{
    char question[160];
    enum err e = show(l, a->format);

    *go = e == OK && !a->is_preview;
    if (!*go || isatty(STDIN_FILENO) == 0)
        return e;
    (void)snprintf(question, sizeof(question),
                   ngettext("Invite this %zu school?", "Invite these %zu schools?", l->count), l->count);
    return ask_yes_no(question, go);
}

int school_add_all(const struct school_all *a, const char *home)
{
    struct school_list l = {.count = 0};
    struct report *r = NULL;
    struct hub *h = NULL;
    bool go = false;
    enum err e;

    if (a->folder == NULL && !a->is_preview)
        return cli_fail(err_set(ERR_USAGE, _("--folder is missing: the new folder that the invitations go to")));
    if ((e = report_new(&r, 0)) == OK) {
        e = school_list_read(&l, a->from, r);
        report_print(r, stderr);
    }
    report_free(r);
    if (e == OK && (e = confirm(a, &l, &go)) == OK && go && (e = command_open(&h, home, HUB_WRITE)) == OK &&
        (e = add_all(h, a, &l)) == OK)
        (void)fprintf(
            stderr,
            ngettext("%zu school is invited. Its invitation (.inv) and its sheet to print (.html) are in %s: "
                     "hand them over and keep no copy.\n",
                     "%zu schools are invited. Their invitations (.inv) and their sheets to print (.html) are "
                     "in %s: hand them over and keep no copy.\n",
                     l.count),
            l.count, a->folder);
    else if (e == OK)
        (void)fprintf(stderr, "%s\n", _("Nobody was invited."));
    school_list_fini(&l);
    return command_close(h, e, true);
}
