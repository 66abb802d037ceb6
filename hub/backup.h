/* backup.h: the whole hub in one encrypted file, and back (docs/backup.md).
 *
 * Hot: beside a running core, by a lease.  Consistent: everything that changes is read in one snapshot of the store;
 * the journal and what is kept beside it only grow, and are read after it in slices of at most 8 MiB, so that the bulk
 * of the hub, written to a slow stick, pins no pages of the store (one long read lets the database file grow for good).
 * Contents: hub.yaml, keys/ (never root.key*), all tables; the journal's entries each
 * followed by its bytes.
 *
 * An erasure at the same time: one of them gives way.  A backup whose snapshot is older than an act is given up
 * (ERR_BUSY) as long as it is being written; and one enters the register only when it knows every act that there is
 * then: so what an act says about the backups that hold it misses none. */
#ifndef SVODKA_HUB_BACKUP_H
#define SVODKA_HUB_BACKUP_H

#include "hub/archive.h"
#include "protocol/backup_store.h"

/* Writes PATH, reads it back from the disk and opens it whole, with the stream's key that is still at hand and then
 * forgotten: so a file with the digest of a registered backup is known to open, and no key that opens it stays here.
 * Fills a row that is not stored yet.  On failure no file is left.  ERR_BUSY: something was erased meanwhile: again. */
MUST_CHECK enum err backup_write(struct hub *h, const char *path, struct archive_row *row);
/* An unlocked backup, whole: every record, the journal's chain from the first entry to the last, the bytes beside each
 * entry against the digest in it, the head against the journal. */
struct storage_keys;
MUST_CHECK enum err backup_check(struct backup_reader *r, struct storage_keys *keys);
/* A row of what the head says. */
void backup_row_of(struct archive_row *row, const struct backup_head *head, const char *path);
/* Does it lie on another file system than the home, on one that outlives a power cut? */
MUST_CHECK enum err backup_is_elsewhere(const char *path, const char *home, bool *is_elsewhere);

/* The version that follows `version` in a restored hub: seconds since 1970, which are above all that were handed out
 * after the backup, since versions rise by single steps; by a clock that is plainly wrong, a million more. */
uint64_t backup_version_after(uint64_t version);
/* The head alone, before anybody is asked for the passphrase of the root key; errors as of backup_open(), ERR_INVALID:
 * a school's. */
MUST_CHECK enum err backup_is_hub(const char *path);
/* Restores into a fresh folder, whole or not at all: the file is checked whole first.  Versions of directory and grants
 * jump above all that were ever handed out (SPEC.md 11.5).  `who`: for the audit of the restored hub.
 * *acts: how many acts of erasure it knows; what later ones erased is in it again. */
MUST_CHECK enum err backup_restore_hub(const char *path, const char *home, const struct key *root, const char *who,
                                       struct backup_head *head, uint64_t *acts);

#endif
