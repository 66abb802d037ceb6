/* archive.h: which backups there are, which of them are believed, and what follows: receipts that say "archived".
 *
 * A backup is confirmed when it was opened and found whole on another file system than the hub's, or when the operator
 * says so.  The confirmation is an entry of the journal (JOURNAL_BACKUP): [1, last entry it holds, that entry's digest,
 * the file's digest, made, how, where].  A restored hub writes [2, last entry restored, its digest, made].
 * "Archived" is then everything up to the greatest confirmed entry (H_META "archived"); verify replays it. */
#ifndef SVODKA_HUB_ARCHIVE_H
#define SVODKA_HUB_ARCHIVE_H

#include "hub/hub.h"

#define ARCHIVE_PATH_MAX 1000u

enum archive_how { ARCHIVE_NOT = 0, ARCHIVE_OTHER_DISK = 1, ARCHIVE_OPERATOR = 2 };

struct archive_row {
    uint64_t number; /* 1, 2, 3 ... */
    int64_t made_ms;
    char path[ARCHIVE_PATH_MAX + 1]; /* where it was written or last seen */
    uint64_t lsn;                    /* last entry that it holds */
    uint8_t chain[DIGEST_BYTES];     /* digest of that entry */
    uint8_t digest[DIGEST_BYTES];    /* of the file */
    uint64_t bytes;
    int64_t confirmed_ms; /* 0: not yet */
    enum archive_how how;
    uint64_t acts;        /* not stored: how many acts of erasure it knows, when it was written just now */
    int64_t destroyed_ms; /* the operator said that it and its copies were destroyed; 0: it is there */
};

/* Stores a row; number 0 takes the next one. */
MUST_CHECK enum err archive_put(struct store_txn *t, struct archive_row *row);
/* In the order of their numbers; a callback that returns anything but OK ends it. */
MUST_CHECK enum err archive_each(struct store_txn *t, enum err (*each)(void *ctx, const struct archive_row *row),
                                 void *ctx);
/* By the file's digest (NULL: any), or what a person typed: number, file, or the day it was made on (YYYY-MM-DD: the
 * last one of it).  ERR_NOT_FOUND. */
MUST_CHECK enum err archive_find_digest(struct store_txn *t, const uint8_t digest[DIGEST_BYTES],
                                        struct archive_row *out);
MUST_CHECK enum err archive_find(struct store_txn *t, const char *typed, struct archive_row *out);

/* Is it of the history that this hub holds?  Entries' numbers mean something only in one: after a restore the same ones
 * are given again. */
MUST_CHECK enum err archive_is_ours(struct store_txn *t, uint64_t lsn, const uint8_t chain[DIGEST_BYTES],
                                    bool *is_ours);
/* Journals that this backup is believed, and marks its row.  ERR_INVALID: it is of another history than this hub's (it
 * was made before or after a restore), so nothing follows from it. */
MUST_CHECK enum err archive_confirm(struct hub *h, struct store_txn *t, struct archive_row *row, enum archive_how how);
/* The last entry that is archived; 0: none. */
MUST_CHECK enum err archive_last(struct store_txn *t, uint64_t *lsn);

/* The first entry of a restored hub. */
MUST_CHECK enum err archive_restored(struct hub *h, struct store_txn *t, const struct archive_row *from);

/* verify: an entry again, into the scratch store; `living` reads the hub's own.  ERR_MALFORMED; ERR_INVALID: what it
 * says is not so. */
struct mp;
MUST_CHECK enum err archive_replay(struct store_txn *t, struct store_txn *living, uint64_t lsn, struct mp *m,
                                   size_t elements);

/* Receipts in the state archived, signed now, of a generation's batches above that sequence which are archived; lowest
 * first, `most` at most.  Nothing is stored: an agent keeps the first that it gets, and any other is as good. */
MUST_CHECK enum err archive_each_receipt(const struct hub *h, struct store_txn *t, uint32_t participant,
                                         const struct generation *gen, uint64_t above, unsigned most,
                                         enum err (*each)(void *ctx, uint64_t sequence, struct bytes receipt),
                                         void *ctx);

#endif
