#include "hub/backup.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "hub/act.h"
#include "hub/home_internal.h"
#include "hub/ledger_internal.h"
#include "hub/recovery.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SLICE_BYTES (8u << 20)

/* ---- the head ---- */

static enum err fill_head(struct hub *h, struct store_txn *t, struct backup_head *head)
{
    struct journal_head journal;
    struct bytes certificate;
    enum err e = journal_head(t, &journal);

    memset(head, 0, sizeof(*head));
    if (e != OK || (e = hub_certificate(h, &certificate)) != OK ||
        (e = recovery_public(head->recovery, h->dir, h->root, h->district)) != OK)
        return e;
    if (certificate.len > sizeof(head->certificate))
        return err_set(ERR_CORRUPT, "the hub's certificate is damaged");
    memcpy(head->district, h->district, sizeof(head->district));
    memcpy(head->chain, journal.digest, sizeof(head->chain));
    memcpy(head->certificate, certificate.p, certificate.len);
    head->certificate_len = certificate.len;
    head->kind = BACKUP_HUB;
    head->made_ms = clock_wall_ms();
    head->lsn = journal.lsn;
    return OK;
}

void backup_row_of(struct archive_row *row, const struct backup_head *head, const char *path)
{
    memset(row, 0, sizeof(*row));
    row->made_ms = head->made_ms;
    row->lsn = head->lsn;
    memcpy(row->chain, head->chain, sizeof(row->chain));
    (void)snprintf(row->path, sizeof(row->path), "%s", path);
}

/* ---- writing ---- */

static bool only_grows(unsigned table)
{
    return table == H_JOURNAL || table == H_BLOBS;
}

/* The offline root's key has no business in a backup that it opens. */
static bool is_left_out(const char *name)
{
    return strncmp(name, "keys/root.key", 13) == 0;
}

static enum err save_snapshot(struct backup_writer *w, struct hub *h, struct store_txn *t)
{
    enum err e = OK;

    for (unsigned i = 0; e == OK && i < HUB_TABLES; i++)
        e = backup_put_table(w, (uint8_t)i, hub_tables[i]);
    /* After the snapshot was taken: a key that is rotated in just now is rather there than missing. */
    if (e == OK && (e = backup_save_file(w, h->dir, "hub.yaml")) == OK)
        e = backup_save_folder(w, h->dir, "keys", is_left_out);
    for (unsigned i = 0; e == OK && i < HUB_TABLES; i++)
        if (!only_grows(i))
            e = backup_save_table(w, t, i);
    return e;
}

static enum err save_blobs(struct backup_writer *w, struct store_cursor *c, uint64_t lsn, size_t *bytes)
{
    struct bytes key;
    struct bytes value;
    uint8_t from[8];
    enum err e;

    be64_put(from, lsn);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value);
         e == OK && key.len == 12 && be64_get(key.p) == lsn; e = store_next(c, &key, &value)) {
        enum err put = backup_put_row(w, H_BLOBS, key, value);

        if (put != OK)
            return put == ERR_NOT_FOUND ? ERR_IO : put;
        *bytes += value.len;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Entries from *lsn on with what lies beside them, until the slice is full or `last` is done. */
static enum err save_slice(struct backup_writer *w, struct store_txn *t, uint64_t *lsn, uint64_t last)
{
    struct store_cursor *blobs = NULL;
    struct bytes entry;
    uint8_t key[8];
    size_t bytes = 0;
    enum err e = store_cursor_open(t, H_BLOBS, &blobs);

    for (; e == OK && *lsn <= last && bytes < SLICE_BYTES; (*lsn)++) {
        be64_put(key, *lsn);
        if ((e = journal_get(t, *lsn, &entry)) == OK &&
            (e = backup_put_row(w, H_JOURNAL, bytes_of(key, sizeof(key)), entry)) == OK)
            e = save_blobs(w, blobs, *lsn, &bytes);
        bytes += entry.len;
    }
    store_cursor_close(blobs);
    return e;
}

/* An erasure replaces what lies beside entries of long ago and destroys keys: after it the snapshot and what is still
 * to be read are of different times. */
static enum err check_acts(struct store_txn *t, uint64_t acts)
{
    return act_count(t) == acts
               ? OK
               : err_set(ERR_BUSY, _("something was erased while the backup was being written: write it again"));
}

static enum err save_journal(struct backup_writer *w, struct hub *h, uint64_t last, uint64_t acts)
{
    enum err e = OK;

    for (uint64_t lsn = 1; e == OK && lsn <= last;) {
        struct store_txn *t = NULL;

        if ((e = store_begin_read(h->store, &t)) != OK)
            break;
        if ((e = check_acts(t, acts)) == OK)
            e = save_slice(w, t, &lsn, last);
        store_abort(t);
        cli_progress(_("Writing the backup"), lsn, last);
    }
    cli_progress_end();
    return e;
}

/* A file of a key that vanished, or anything else that an erasure did to us, is told as what it is. */
static enum err look_again(struct hub *h, uint64_t acts, enum err e)
{
    struct store_txn *t = NULL;
    enum err again = OK;

    if (e == ERR_BUSY || store_begin_read(h->store, &t) != OK)
        return e;
    if (act_count(t) != acts)
        again = check_acts(t, acts);
    store_abort(t);
    return again == OK ? e : again;
}

static enum err save_all(struct hub *h, const char *path, struct backup_head *head, uint64_t *acts,
                         struct backup_written *written)
{
    struct backup_writer *w = NULL;
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    *acts = act_count(t);
    if ((e = fill_head(h, t, head)) == OK && (e = backup_begin(&w, path, head, h->sign, false)) == OK)
        e = save_snapshot(w, h, t);
    store_abort(t);
    if (e == OK)
        e = save_journal(w, h, head->lsn, *acts);
    if (w != NULL)
        e = look_again(h, *acts, e);
    if (e == OK)
        return backup_finish(w, written);
    backup_drop(w);
    return e;
}

static enum err read_back(const struct hub *h, const char *path, const struct backup_written *written)
{
    struct backup_reader *r = NULL;
    uint8_t found[DIGEST_BYTES];
    uint64_t bytes = 0;
    enum err e = backup_file_digest(path, found, &bytes);

    if (e == OK && (bytes != written->bytes || !digest_equal(found, written->digest)))
        e = err_set(ERR_CORRUPT, _("what the disk gives back is not what was written"));
    if (e == OK && (e = backup_open(&r, path)) == OK && (e = backup_unlock_with(r, written->key)) == OK)
        e = backup_check(r, h->storage_keys);
    backup_close(r);
    if (e != OK)
        e = err_prefix(e, _("%s: the backup does not read back as it was written, and is removed"), path);
    return e;
}

enum err backup_write(struct hub *h, const char *path, struct archive_row *row)
{
    struct backup_head head;
    struct backup_written written = {0};
    uint64_t acts = 0;
    enum err e;

    if (strlen(path) > ARCHIVE_PATH_MAX)
        return err_set(ERR_LIMIT, _("%s: the path is too long"), path);
    if ((e = save_all(h, path, &head, &acts, &written)) != OK)
        return e;
    if ((e = read_back(h, path, &written)) != OK) {
        (void)unlink(path);
    } else {
        backup_row_of(row, &head, path);
        row->acts = acts;
        memcpy(row->digest, written.digest, DIGEST_BYTES);
        row->bytes = written.bytes;
    }
    wipe(written.key, sizeof(written.key));
    return e;
}

/* ---- where it lies ---- */

enum err backup_is_elsewhere(const char *path, const char *home, bool *is_elsewhere)
{
    char store[FOLDER_PATH_MAX];
    struct stat there;
    struct stat here;
    struct statfs fs;
    enum err e = folder_path(store, home, "store");

    if (e != OK)
        return e;
    if (stat(path, &there) != 0 || statfs(path, &fs) != 0)
        return err_errno(ERR_IO, errno, "%s", path);
    if (stat(store, &here) != 0)
        return err_errno(ERR_IO, errno, "%s", store);
    *is_elsewhere = there.st_dev != here.st_dev && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
    return OK;
}
