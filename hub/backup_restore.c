#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "hub/act.h"
#include "hub/audit.h"
#include "hub/backup.h"
#include "hub/home_internal.h"
#include "hub/ledger.h"
#include "hub/recovery.h"
#include "hub/registry.h"
#include "hub/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTORE_MAP (INT64_C(64) << 30) /* a cap; hub.yaml's own holds from the first start on */

/* ---- the file ---- */

/* A hub's, by its head. */
static enum err open_head(struct backup_reader **out, const char *path)
{
    enum err e = backup_open(out, path);

    if (e != OK || backup_head(*out)->kind == BACKUP_HUB)
        return e;
    backup_close(*out);
    *out = NULL;
    return err_prefix(err_set(ERR_INVALID, _("this is the backup of a school's agent, not of a hub")), "%s", path);
}

enum err backup_is_hub(const char *path)
{
    struct backup_reader *r = NULL;
    enum err e = open_head(&r, path);

    backup_close(r);
    return e;
}

/* Signed by a key that this root certified, and unlocked. */
static enum err open_backup(struct backup_reader **out, const char *path, const struct key *root)
{
    struct key *recovery = NULL;
    enum err e = open_head(out, path);

    if (e != OK)
        return e;
    if ((e = backup_check_signer(backup_head(*out), key_public(root))) == OK &&
        (e = recovery_key_from_root(&recovery, root, backup_head(*out)->district)) == OK)
        e = backup_unlock(*out, recovery);
    key_free(recovery);
    if (e != OK) {
        backup_close(*out);
        *out = NULL;
        e = err_prefix(e, "%s", path);
    }
    return e;
}

static enum err check_whole(const char *path, const struct key *root, struct backup_head *head)
{
    struct backup_reader *r = NULL;
    enum err e = open_backup(&r, path, root);

    if (e != OK)
        return e;
    *head = *backup_head(r);
    if ((e = backup_check(r, NULL)) != OK)
        e = err_prefix(e, "%s", path);
    backup_close(r);
    return e;
}

/* ---- into the fresh folder ---- */

static void show_progress(const struct backup_reader *r)
{
    cli_progress(_("Restoring"), backup_read_bytes(r), backup_file_bytes(r));
}

static enum err fill(const char *path, const char *fresh, const struct key *root)
{
    struct store_options o = {.tables = hub_tables, .map_size = (uint64_t)RESTORE_MAP};
    struct backup_reader *r = NULL;
    struct store *store = NULL;
    char inside[FOLDER_PATH_MAX];
    enum err e = open_backup(&r, path, root);

    if (e == OK && (e = folder_make(fresh, "spool")) == OK && (e = folder_make(fresh, "run")) == OK &&
        (e = folder_path(inside, fresh, "store")) == OK && (e = store_open(&store, inside, &o)) == OK)
        e = backup_restore(r, fresh, store, hub_tables, show_progress);
    cli_progress_end();
    store_close(store);
    backup_close(r);
    return e;
}

/* ---- what is said about it ---- */

uint64_t backup_version_after(uint64_t version)
{
    int64_t seconds = clock_wall_ms() / 1000;

    return seconds > 0 && (uint64_t)seconds > version ? (uint64_t)seconds : version + 1000000;
}

static enum err jump_directory(struct hub *h, struct store_txn *t)
{
    uint8_t raw[8];

    be64_put(raw, backup_version_after(h->directory->version) - 1);
    return hub_meta_put(t, "directory-version", bytes_of(raw, sizeof(raw)));
}

static enum err say_restored(struct hub *h, struct store_txn *t, const char *who, const struct backup_head *head)
{
    struct archive_row row;
    char made[32];
    enum err e;

    backup_row_of(&row, head, "");
    cli_format_utc(made, sizeof(made), head->made_ms);
    if ((e = archive_restored(h, t, &row)) != OK || (e = jump_directory(h, t)) != OK ||
        (e = hub_issue_directory(h, t)) != OK || (e = registry_reissue(h, t)) != OK || (e = words_restart(t)) != OK)
        return e;
    return hub_audit_do(h, t, who, AUDIT_BACKUP_RESTORE, "", "made=%s\nentry=%llu", made,
                        (unsigned long long)head->lsn);
}

/* The fresh home opens as a hub: keys, directory, forms and registry belong together. */
static enum err begin_again(const char *fresh, const char *who, const struct backup_head *head, uint64_t *acts)
{
    struct store_txn *t = NULL;
    struct hub *h = NULL;
    enum err e = hub_open(&h, fresh, HUB_CORE);

    if (e != OK)
        return e;
    if (memcmp(h->district, head->district, sizeof(h->district)) != 0)
        e = err_set(ERR_CORRUPT, _("the backup's head and its contents are of different districts"));
    if (e == OK && (e = store_begin_write(h->store, &t)) == OK) {
        *acts = act_count(t);
        if ((e = say_restored(h, t, who, head)) == OK)
            e = audit_sign(h, t);
        e = ledger_end(h->ledger, t, e);
    }
    hub_close(h, false);
    return e;
}

enum err backup_restore_hub(const char *path, const char *home, const struct key *root, const char *who,
                            struct backup_head *head, uint64_t *acts)
{
    char fresh[FOLDER_PATH_MAX];
    enum err e = check_whole(path, root, head);

    if (e != OK || (e = folder_begin(fresh, home)) != OK)
        return e;
    if ((e = fill(path, fresh, root)) == OK && (e = begin_again(fresh, who, head, acts)) == OK)
        e = folder_finish(fresh, home);
    if (e != OK)
        folder_remove(fresh);
    return e;
}
