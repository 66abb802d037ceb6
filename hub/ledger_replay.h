/* ledger_replay.h: what a replay (ledger_verify.c) keeps in memory while it applies batches to its scratch store: which
 * submission stands in each slot, and what the cells become.  A tree on disk takes keys in random order slowly; here
 * H_CELLS of the scratch store is written at the end, and H_CURRENT and H_SLOTS only when memory is full, in the order
 * of their keys; else they are read from memory.
 *
 * Changes belong to the transaction at hand: replay_commit() keeps them, replay_abort() takes them back. */
#ifndef SVODKA_HUB_LEDGER_REPLAY_H
#define SVODKA_HUB_LEDGER_REPLAY_H

#include "hub/cells.h"
#include "hub/slot.h"

struct ledger;
struct replay;

/* `slots_max`: so many slots are kept in memory between transactions; 0: two million (180 MiB). */
MUST_CHECK enum err replay_new(struct replay **out, uint32_t slots_max);
void replay_free(struct replay *r); /* NULL does nothing */

/* ---- slots (ledger_slots.c) ---- */

/* In place of H_CURRENT's row.  ERR_NOT_FOUND: nothing ever stood there. */
MUST_CHECK enum err replay_current(struct replay *r, struct store_txn *t, const uint8_t slot[SLOT_BYTES],
                                   struct slot_current *out);
/* Also lists the slot in H_SLOTS under `at`, or takes it from there when it is dead. */
MUST_CHECK enum err replay_set_current(struct replay *r, const uint8_t slot[SLOT_BYTES], const struct slot_current *c,
                                       const struct place *at);
/* As if nothing had ever stood there. */
MUST_CHECK enum err replay_drop_current(struct replay *r, const uint8_t slot[SLOT_BYTES], const struct place *at);

/* ---- cells: what a batch adds is in the ledger's sums until the commit ---- */

/* A submission of an earlier batch counts no more.  It is taken away by replay_finish(), when each batch is opened
 * once for all that have left it. */
MUST_CHECK enum err replay_leave(struct replay *r, uint64_t lsn, uint32_t row);

/* ---- transactions ---- */

/* Before store_commit() of `t`; takes the ledger's sums. */
MUST_CHECK enum err replay_commit(struct replay *r, struct ledger *l, struct store_txn *t);
void replay_abort(struct replay *r, struct ledger *l);
/* Everything that memory still holds, into the scratch store, in a transaction of its own; but slots that were never
 * written stay in memory: *in_memory.  Nothing can be applied afterwards. */
MUST_CHECK enum err replay_finish(struct replay *r, struct ledger *l, struct store_txn *t, bool *in_memory);
/* Then: the rows of H_CURRENT and of H_SLOTS in the order of their keys, once.  `ctx` is the replay. */
enum err replay_next_current(void *ctx, struct bytes *key, struct bytes *value);
enum err replay_next_slot(void *ctx, struct bytes *key, struct bytes *value);

#endif
