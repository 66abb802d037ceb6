#include "hub/commands.h"

#include "common/clock.h"
#include "hub/act.h"
#include "hub/backup.h"
#include "hub/copies.h"
#include "hub/ledger.h"
#include "hub/recovery.h"
#include "hub/root_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is told ---- */

static void say_archived(struct hub *h)
{
    struct store_txn *t = NULL;
    uint64_t archived = 0;
    uint64_t last = 0;

    if (store_begin_read(h->store, &t) != OK)
        return;
    if (archive_last(t, &archived) == OK && ledger_last(t, &last) == OK)
        (void)printf(_("Archived: the journal up to entry %llu of %llu.\n"), (unsigned long long)archived,
                     (unsigned long long)last);
    store_abort(t);
}

static void say_same_disk(const char *path)
{
    (void)printf(_("%s lies on the hub's own disk, or in memory only: it protects against mistakes, not against the "
                   "loss of the disk, and nothing is archived by it.\nCopy it to another disk and run: svodka-hub "
                   "backup COPY --verify; or, when it lies in a safe place, svodka-hub backup confirm %s\n"),
                 path, path);
}

/* ---- one transaction: the register, and what follows ---- */

struct note {
    struct archive_row *row;
    enum archive_how how; /* NOT: nothing is confirmed */
    enum audit_action action;
    bool is_fresh; /* written just now: it must know every act */
};

static enum err note_in(struct hub *h, struct store_txn *t, const struct note *n)
{
    char who[128], number[24];
    enum err e = n->is_fresh && act_count(t) != n->row->acts
                     ? err_set(ERR_BUSY, _("something was erased while the backup was being written: write it again"))
                     : archive_put(t, n->row);

    if (e == OK && n->how != ARCHIVE_NOT)
        e = archive_confirm(h, t, n->row, n->how);
    if (e != OK)
        return e;
    command_user(who, sizeof(who));
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)n->row->number);
    return hub_audit_do(h, t, who, n->action, number, "entry=%llu", (unsigned long long)n->row->lsn);
}

static enum err note(struct hub *h, struct note n)
{
    struct store_txn *t = NULL;
    enum err e = command_begin(h, &t);

    return e == OK ? command_finish(h, t, note_in(h, t, &n)) : e;
}

/* As the register names it: from the root of the file system. */
static enum err whole_path(char out[ARCHIVE_PATH_MAX + 1], const char *path)
{
    char *whole = realpath(path, NULL);
    enum err e = whole == NULL || strlen(whole) > ARCHIVE_PATH_MAX
                     ? err_set(ERR_LIMIT, _("%s: the path is too long"), path)
                     : OK;

    if (e == OK)
        (void)snprintf(out, ARCHIVE_PATH_MAX + 1, "%s", whole);
    free(whole);
    return e;
}

/* ---- backup FILE ---- */

#define WRITE_TRIES 3

/* Written and entered in the register.  ERR_BUSY: something was erased meanwhile, and no file is left. */
static enum err write_once(struct hub *h, const char *path, struct archive_row *row, bool *is_elsewhere)
{
    enum err e = backup_write(h, path, row);

    if (e != OK || (e = whole_path(row->path, path)) != OK ||
        (e = backup_is_elsewhere(path, h->dir, is_elsewhere)) != OK)
        return e;
    e = note(h, (struct note){.row = row,
                              .how = *is_elsewhere ? ARCHIVE_OTHER_DISK : ARCHIVE_NOT,
                              .action = AUDIT_BACKUP_WRITE,
                              .is_fresh = true});
    if (e == ERR_BUSY && unlink(path) != 0)
        return err_errno(ERR_IO, errno, _("%s holds what was erased meanwhile, and could not be removed"), path);
    if (e != OK && e != ERR_BUSY)
        e = err_prefix(e, _("%s is written and whole, but could not be entered in the register"), path);
    return e;
}

static enum err write_backup(struct hub *h, const char *path)
{
    struct archive_row row;
    bool is_elsewhere = false;
    char size[40];
    enum err e = OK;

    for (int tries = 1; (e = write_once(h, path, &row, &is_elsewhere)) == ERR_BUSY && tries < WRITE_TRIES; tries++)
        (void)fprintf(stderr, "%s\n", _("Something was erased meanwhile: the backup is written again."));
    if (e != OK)
        return e;
    cli_format_bytes(size, sizeof(size), row.bytes);
    (void)printf(_("Backup %llu: %s, %s, read back and opened whole.\n"), (unsigned long long)row.number, path, size);
    if (is_elsewhere)
        say_archived(h);
    else
        say_same_disk(path);
    return OK;
}

/* ---- backup FILE --verify ---- */

static enum err open_with_root(const struct hub *h, struct backup_reader *r, const char *root_file,
                               const char *passphrase)
{
    struct key *root = NULL;
    struct key *recovery = NULL;
    enum err e = root_key_open(&root, root_file, passphrase, h->root);

    if (e == OK && (e = recovery_key_from_root(&recovery, root, backup_head(r)->district)) == OK &&
        (e = backup_unlock(r, recovery)) == OK)
        e = backup_check(r, h->storage_keys);
    key_free(recovery);
    key_free(root);
    return e;
}

static enum err find_row(struct hub *h, const uint8_t digest_in[DIGEST_BYTES], struct archive_row *row)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    e = archive_find_digest(t, digest_in, row);
    store_abort(t);
    return e;
}

struct check {
    const char *path, *root, *passphrase;
    struct archive_row row;
    bool is_known; /* its digest is in the register: it was opened when it was written */
};

static enum err check_file(struct hub *h, struct check *c)
{
    struct backup_reader *r = NULL;
    uint8_t found[DIGEST_BYTES];
    uint64_t bytes = 0;
    enum err e = backup_open(&r, c->path);

    if (e != OK)
        return e;
    if (backup_head(r)->kind != BACKUP_HUB || memcmp(backup_head(r)->district, h->district, sizeof(h->district)) != 0)
        e = err_set(ERR_AUTH, _("it is not a backup of this hub"));
    if (e == OK && (e = backup_check_signer(backup_head(r), h->root)) == OK &&
        (e = backup_file_digest(c->path, found, &bytes)) == OK) {
        e = find_row(h, found, &c->row);
        c->is_known = e == OK;
        if (e == ERR_NOT_FOUND) {
            backup_row_of(&c->row, backup_head(r), c->path);
            memcpy(c->row.digest, found, DIGEST_BYTES);
            c->row.bytes = bytes;
            e = c->root != NULL
                    ? OK
                    : err_set(ERR_AUTH, _("its bytes are none that this hub wrote: it was altered or cut short, or "
                                          "another copy of the hub made it; with --root FILE it can be opened and "
                                          "judged"));
        }
    }
    if (e == OK && c->root != NULL)
        e = open_with_root(h, r, c->root, c->passphrase);
    backup_close(r);
    return e == OK || e == ERR_USAGE ? e : err_prefix(e, "%s", c->path);
}

static enum err verify_backup(struct hub *h, struct check *c)
{
    bool is_elsewhere = false;
    bool was_destroyed;
    enum err e = check_file(h, c);

    if (e != OK || (e = backup_is_elsewhere(c->path, h->dir, &is_elsewhere)) != OK)
        return e;
    was_destroyed = c->row.destroyed_ms != 0;
    if (!c->is_known || was_destroyed || (is_elsewhere && c->row.how == ARCHIVE_NOT)) {
        enum archive_how how = is_elsewhere && c->row.how == ARCHIVE_NOT ? ARCHIVE_OTHER_DISK : ARCHIVE_NOT;

        c->row.destroyed_ms = 0;
        if ((e = whole_path(c->row.path, c->path)) != OK)
            return e;
        if ((e = note(h, (struct note){.row = &c->row, .how = how, .action = AUDIT_BACKUP_CHECK})) != OK)
            return e;
    }
    if (was_destroyed)
        (void)printf(_("Backup %llu was said to be destroyed, and here it is: that word is taken back.\n"),
                     (unsigned long long)c->row.number);
    if (c->root != NULL)
        (void)printf(_("%s: opened, all of it is whole.\n"), c->path);
    else
        (void)printf(_("%s: byte for byte what was opened and found whole when it was written.\n"), c->path);
    if (is_elsewhere || c->row.how != ARCHIVE_NOT)
        say_archived(h);
    else
        say_same_disk(c->path);
    return OK;
}

int cmd_backup(int argc, char **argv)
{
    const char *home = NULL, *verify = NULL, *root = NULL, *passphrase = NULL;
    const struct cli_command *c = command_named("backup");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"verify", 0, NULL, N_("check this file, or this copy of one, instead of writing it"), &verify},
        {"root", 0, N_("FILE"), N_("the root key: open the backup with it, too"), &root},
        {"root-passphrase-file", 0, N_("FILE"), N_("where the passphrase of a locked root key is"), &passphrase},
        LAST_OPTION};
    struct check check;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (verify == NULL && root != NULL)
        return cli_fail(err_set(ERR_USAGE, _("--root is for --verify: a backup is written without the root key")));
    memset(&check, 0, sizeof(check));
    check.path = argv[0];
    check.root = root;
    check.passphrase = passphrase;
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = verify == NULL ? write_backup(h, argv[0]) : verify_backup(h, &check);
    return command_close(h, e, false);
}

/* ---- backup confirm ---- */

static enum err confirm(struct hub *h, const char *typed)
{
    struct store_txn *t = NULL;
    struct archive_row row;
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    e = archive_find(t, typed, &row);
    if (e == ERR_NOT_FOUND) { /* a relative name of a file that is here */
        char whole[ARCHIVE_PATH_MAX + 1];

        if (whole_path(whole, typed) == OK)
            e = archive_find(t, whole, &row);
        else
            e = archive_find(t, typed, &row);
    }
    store_abort(t);
    if (e != OK)
        return e;
    if (row.destroyed_ms != 0)
        return err_set(ERR_INVALID,
                       _("backup %llu (%s) was said to be destroyed; if it is there after all, let it be looked at "
                         "first: svodka-hub backup FILE --verify"),
                       (unsigned long long)row.number, row.path);
    if (row.how == ARCHIVE_NOT &&
        (e = note(h, (struct note){.row = &row, .how = ARCHIVE_OPERATOR, .action = AUDIT_BACKUP_CONFIRM})) != OK)
        return e;
    (void)printf(_("Backup %llu (%s) is taken for safe.\n"), (unsigned long long)row.number, row.path);
    say_archived(h);
    return OK;
}

int cmd_backup_confirm(int argc, char **argv)
{
    const char *home = NULL;
    const struct cli_command *c = command_named("backup confirm");
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = confirm(h, argv[0]);
    return command_close(h, e, false);
}

/* ---- backup destroyed ---- */

struct left {
    struct store_txn *t;
    uint64_t lsn; /* greatest entry that a confirmed backup holds which is still there */
};

static enum err look_left(void *ctx, const struct archive_row *row)
{
    struct left *l = ctx;
    bool is_ours = false;
    enum err e = OK;

    if (row->how != ARCHIVE_NOT && row->destroyed_ms == 0 &&
        (e = archive_is_ours(l->t, row->lsn, row->chain, &is_ours)) == OK && is_ours && row->lsn > l->lsn)
        l->lsn = row->lsn;
    return e;
}

/* Schools were told that the district holds it twice. */
static enum err say_gap(struct hub *h)
{
    struct left l = {.lsn = 0};
    uint64_t archived = 0;
    enum err e = store_begin_read(h->store, &l.t);

    if (e == OK && (e = archive_last(l.t, &archived)) == OK && (e = archive_each(l.t, look_left, &l)) == OK &&
        l.lsn < archived)
        (void)fprintf(stderr,
                      _("No confirmed backup that is left holds the journal up to entry %llu, which schools were told "
                        "is in the archive: write a new one now.\n"),
                      (unsigned long long)archived);
    store_abort(l.t);
    return e;
}

static enum err destroyed(struct hub *h, uint64_t number)
{
    struct store_txn *t = NULL;
    struct archive_row row;
    char typed[24];
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    (void)snprintf(typed, sizeof(typed), "%llu", (unsigned long long)number);
    e = archive_find(t, typed, &row);
    store_abort(t);
    if (e == OK && row.destroyed_ms == 0) {
        row.destroyed_ms = clock_wall_ms();
        e = note(h, (struct note){.row = &row, .how = ARCHIVE_NOT, .action = AUDIT_BACKUP_DESTROYED});
    }
    if (e != OK)
        return e;
    (void)printf(_("Backup %llu (%s), with all its copies, is taken to be destroyed.\n"),
                 (unsigned long long)row.number, row.path);
    return say_gap(h);
}

int cmd_backup_destroyed(int argc, char **argv)
{
    const char *home = NULL;
    const struct cli_command *c = command_named("backup destroyed");
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};
    struct hub *h = NULL;
    int64_t number = 0;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_number(&number, "NUMBER", argv[0], 1, INT64_MAX)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = destroyed(h, (uint64_t)number);
    return command_close(h, e, false);
}

/* ---- backup list ---- */

struct listing {
    struct table *table;
    struct copies_acts *acts;
    struct store_txn *t;
    enum table_format format;
};

static const char *word_of_how(enum archive_how how, enum table_format f)
{
    const char *text = "";
    const char *name = "";

    switch (how) {
    case ARCHIVE_NOT: name = "no", text = _("not yet"); break;
    case ARCHIVE_OTHER_DISK: name = "other-disk", text = _("on another disk"); break;
    case ARCHIVE_OPERATOR: name = "operator", text = _("by the operator's word"); break;
    }
    return f == TABLE_TEXT ? text : name;
}

static enum err put_backup(void *ctx, const struct archive_row *row)
{
    const struct listing *l = ctx;
    char number[24], made[64], covers[24], bytes[40], confirmed[64], acts[COPIES_ACTS], until[16] = "", destroyed[64];
    const char *cells[] = {number, made,  row->path, covers, bytes, confirmed, word_of_how(row->how, l->format),
                           acts,   until, destroyed};
    int32_t day;
    enum err e = copies_acts_of(l->acts, l->t, row, acts, &day);

    if (e != OK)
        return e;
    if (day != 0)
        date_format(until, day);

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)row->number);
    (void)snprintf(covers, sizeof(covers), "%llu", (unsigned long long)row->lsn);
    if (l->format == TABLE_TEXT)
        cli_format_bytes(bytes, sizeof(bytes), row->bytes);
    else
        (void)snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)row->bytes);
    command_time(made, sizeof(made), row->made_ms, l->format);
    command_time(confirmed, sizeof(confirmed), row->confirmed_ms, l->format);
    command_time(destroyed, sizeof(destroyed), row->destroyed_ms, l->format);
    return table_row(l->table, cells);
}

static enum err list(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {{"number", _("Number"), TABLE_RIGHT, true},
                                           {"made", _("Made"), TABLE_LEFT, false},
                                           {"file", _("File"), TABLE_LEFT, false},
                                           {"covers", _("Entries up to"), TABLE_RIGHT, true},
                                           {"bytes", _("Size"), TABLE_RIGHT, true},
                                           {"confirmed", _("Confirmed"), TABLE_LEFT, false},
                                           {"how", _("Known to be safe"), TABLE_LEFT, false},
                                           {"acts", _("Holds what these acts erased"), TABLE_LEFT, false},
                                           {"destroy_by", _("Destroy by"), TABLE_LEFT, false},
                                           {"destroyed", _("Destroyed"), TABLE_LEFT, false}};
    struct listing l = {.format = f};
    enum err e = table_new(&l.table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &l.t)) == OK && (e = copies_acts_load(&l.acts, h, l.t)) == OK)
        e = archive_each(l.t, put_backup, &l);
    copies_acts_free(l.acts);
    store_abort(l.t);
    return command_print(l.table, f, e);
}

int cmd_backup_list(int argc, char **argv)
{
    return command_show("backup list", argc, argv, HUB_READ, list);
}

/* ---- restore ---- */

static enum err restore(const char *path, const char *home, const char *root_file, const char *passphrase)
{
    struct backup_head head;
    struct key *root = NULL;
    char when[64], who[80];
    uint64_t acts = 0;
    enum err e = backup_is_hub(path);

    command_user(who, sizeof(who));
    if (e == OK && (e = root_key_open(&root, root_file, passphrase, NULL)) == OK)
        e = backup_restore_hub(path, home, root, who, &head, &acts);
    key_free(root);
    if (e != OK)
        return e;
    cli_format_time(when, sizeof(when), head.made_ms);
    (void)printf(_("The hub of %s is restored in %s, up to entry %llu of its journal.\n"), when, home,
                 (unsigned long long)head.lsn);
    (void)printf("%s\n", _("What came after that is asked of the schools at their next meetings; they keep everything "
                           "that was not archived.\nNow: look into hub.yaml whether the addresses are still right, run "
                           "svodka-hub verify, then svodka-hub serve. The old hub must never be started again."));
    (void)printf(_("What was erased after this backup was made is in it again: it knows the acts of erasure up to No. "
                   "%llu. For each later act, in their order and before svodka-hub serve: svodka-hub erase --again "
                   "NUMBER.act --home %s, with the file that was kept outside the old hub; without it, order the "
                   "erasure anew by what the printed act says.\n"),
                 (unsigned long long)acts, home);
    return OK;
}

int cmd_restore(int argc, char **argv)
{
    const char *home = NULL, *root = NULL, *passphrase = NULL, *dir = NULL;
    const struct cli_command *c = command_named("restore");
    const struct cli_option options[] = {
        {"home", 0, N_("DIR"), N_("the folder to make; it must not exist, or be empty"), &home},
        {"root", 0, N_("FILE"), N_("the root key: root.key.locked or root.key"), &root},
        {"root-passphrase-file", 0, N_("FILE"), N_("where the passphrase of a locked root key is"), &passphrase},
        LAST_OPTION};
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (root == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--root is missing: the root key from the safe opens the backup")));
    if ((e = cli_home(home, &dir)) == OK)
        e = restore(argv[0], dir, root, passphrase);
    return cli_fail(e);
}
