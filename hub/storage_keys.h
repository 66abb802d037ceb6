/* storage_keys.h: the keys under which the ledger's stored sections lie: one for each retention class and school year,
 * a file of its own (HOME/keys/storage/CLASS-YEAR.key, 0600), so that destroying the file erases all that was sent in
 * that year under that class, whatever copies of pages lie on the disk.
 *
 * A key is a tree: from its root a key is derived for each entry of the journal (LSN_BITS binary steps), and from that
 * one for each version of what is kept of the entry's section.  Where a single section is to be erased the tree is
 * pricked: the root goes, the branches beside the way to the entry stay, and so does the entry's next version, under
 * which what is left of the section lies.  Nothing else has to be locked again.
 *
 * What the store knows of a key (H_STORAGE) is a mark: a missing, wrong or damaged file is noticed when the hub is
 * opened.  A key is destroyed after the commit that says so; what a crash left undone is done when the hub is opened
 * next.
 *
 * Threads: leaves may be asked for by many at once; all else belongs to the thread that has the write transaction. */
#ifndef SVODKA_HUB_STORAGE_KEYS_H
#define SVODKA_HUB_STORAGE_KEYS_H

#include "common/store.h"
#include "protocol/batch.h"

#define STORAGE_FOLDER     "storage" /* in HOME/keys */
#define STORAGE_MAX_PRICKS 4096u     /* sections of one class and year in one act */

struct storage_keys;

/* `home` and `master` (KEY_SECRET, marks are made with it) outlive it. */
MUST_CHECK enum err storage_keys_new(struct storage_keys **out, const char *home, const struct key *master);
void storage_keys_free(struct storage_keys *s); /* wipes; NULL does nothing */
/* What was read of the files is read again: another process may have destroyed some. */
void storage_keys_forget(struct storage_keys *s);

/* Every key that the store knows is there and is the right one; what was decided but not carried out (a crash after the
 * commit) is carried out.  ERR_NOT_FOUND, ERR_INVALID, ERR_MALFORMED, ERR_DENIED: with the file's name and what to do.
 */
MUST_CHECK enum err storage_keys_check(struct storage_keys *s, struct store_txn *t);

/* Inside a write transaction: the key of that class and year is there, made and on the disk before the transaction can
 * commit.  ERR_ERASED: it was destroyed. */
MUST_CHECK enum err storage_keys_need(struct storage_keys *s, struct store_txn *t, const char *retention, int32_t year);
/* Key of what is kept of the section at `lsn` in its `version` (0: as received).  ERR_ERASED: that version was
 * destroyed; ERR_NOT_FOUND: the file is missing. */
MUST_CHECK enum err storage_keys_leaf(struct storage_keys *s, const char *retention, int32_t year, uint64_t lsn,
                                      uint32_t version, uint8_t out[KEY_BYTES]);

/* ---- erasing: rows in the transaction; the files follow in storage_keys_check() after the commit ---- */

MUST_CHECK enum err storage_keys_erase(struct store_txn *t, const char *retention, int32_t year, uint64_t act);
/* The present versions of these entries' sections (ascending).  ERR_LIMIT: too many single ones were erased: the whole
 * class and year has to be. */
MUST_CHECK enum err storage_keys_prick(struct storage_keys *s, struct store_txn *t, const char *retention, int32_t year,
                                       const uint64_t *lsn, size_t count);

struct storage_row {
    char retention[RETENTION_MAX + 1];
    int32_t year;
    uint64_t act; /* that destroyed it; 0: it is there */
};
/* By class, then year.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err storage_keys_each(struct store_txn *t, enum err (*each)(void *ctx, const struct storage_row *r),
                                      void *ctx);
/* The act that destroyed it; 0: none did. */
MUST_CHECK enum err storage_keys_act(struct store_txn *t, const char *retention, int32_t year, uint64_t *act);

#endif
