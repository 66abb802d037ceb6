/* checkpoint.h: what the cells were on earlier days, for `indicators --as-of`.
 *
 * H_HISTORY holds, under cell key | day (u32, big-endian), the cell as it was at that day's checkpoint, for every cell
 * that had changed since the one before; an empty value: the cell was gone.  So a cell at a checkpoint is its newest
 * entry of that day or earlier.  A cell's key is at most STORE_KEY_MAX - 4 bytes, and no cell's key continues another's
 * with a byte of 0 (variables.h: parts that are bytes are of one length for each variable, the others are texts).
 *
 * A checkpoint is one consistent look at all cells, written in short transactions beside the work that goes on.  It
 * counts only when its row is in H_CHECKPOINTS, in the same transaction as its entry in the journal: a signed head with
 * the digest of all history that was added since the one before.  What a killed one left behind is gone over again.
 *
 * What stood there at a moment of the past cannot be recomputed from the ledger: batches are ordered, but a checkpoint
 * looks between two of them, and definitions may have changed since.  So verify checks that the history is what was
 * signed, and not that it is what it should have been. */
#ifndef SVODKA_HUB_CHECKPOINT_H
#define SVODKA_HUB_CHECKPOINT_H

#include "hub/ledger.h"

#define CHECKPOINT_KEY_MAX (STORE_KEY_MAX - 4u) /* of a cell */

/* A checkpoint that counts. */
struct checkpoint_mark {
    int32_t day;
    int64_t wall_ms;
    uint64_t lsn;      /* its entry in the journal */
    uint64_t head_lsn; /* the newest entry it saw */
    uint64_t cells, changed;
    uint8_t digest[DIGEST_BYTES]; /* of the history since the checkpoint before */
};
/* The last one of that day or earlier.  ERR_NOT_FOUND. */
MUST_CHECK enum err checkpoint_at(struct store_txn *t, int32_t day, struct checkpoint_mark *out);

/* ---- making one ---- */

struct checkpoint;
/* ERR_EXISTS: that day's counts already; ERR_INVALID: a later one counts (a clock went back).  Another one that is
 * being made, in whatever process, will find out and end with ERR_BUSY. */
MUST_CHECK enum err checkpoint_begin(struct checkpoint **out, struct hub *h, int32_t day);
/* One short transaction; *done: it counts now (NULL mark is allowed).  After an error it can only be freed; what it
 * wrote does not count, and the next one goes over it. */
MUST_CHECK enum err checkpoint_step(struct checkpoint *c, bool *done);
const struct checkpoint_mark *checkpoint_result(const struct checkpoint *c); /* when it is done */
void checkpoint_free(struct checkpoint *c);

/* Checkpoints of days after that one do not count any more: they were made by a clock that was wrong, and would stand
 * in the way of all others until their day has come.  Journalled; *count: how many. */
MUST_CHECK enum err checkpoint_forget_later(struct hub *h, struct store_txn *t, int32_t day, unsigned *count);

/* ---- reading ---- */

/* Every cell at the checkpoint of exactly that day whose key begins with `prefix`, in key order; loans.  `mark` comes
 * from checkpoint_at().  A callback that returns anything but OK ends it. */
MUST_CHECK enum err checkpoint_each(struct store_txn *t, const struct checkpoint_mark *mark, struct bytes prefix,
                                    enum err (*each)(void *ctx, struct bytes key, struct bytes cell), void *ctx);

/* ---- for verify ---- */

/* Does again what the entry says; `m` stands at the payload.  ERR_MALFORMED, ERR_AUTH. */
MUST_CHECK enum err checkpoint_replay(const struct hub *h, struct store_txn *t, uint64_t lsn, struct mp *m,
                                      size_t elements);
/* Is the history what the checkpoints were signed over?  `say` is told of each checkpoint that differs. */
MUST_CHECK enum err checkpoint_check(struct store_txn *t, void (*say)(void *ctx, int32_t day), void *ctx);

#endif
