/* key_change.h: the decisions about the hub's keys (docs/keys.md).  Each works inside the caller's write transaction,
 * journals what it did and issues a fresh directory.  A new key's file is written before the transaction ends; what is
 * to be done to files after it is done by key_change_done(), or, when the process ends before, by whoever opens the
 * home next (hub_keys.c).  When the decision itself failed: key_change_undo(). */
#ifndef SVODKA_HUB_KEY_CHANGE_H
#define SVODKA_HUB_KEY_CHANGE_H

#include "common/folder.h"
#include "hub/hub.h"
#include "hub/key_ring.h"

struct key_change {
    struct hub *h;
    struct store_txn *t;
    const char *who;               /* for the audit */
    char written[FOLDER_PATH_MAX]; /* "": nothing */
    char destroy[FOLDER_PATH_MAX]; /* to be wiped when it is done */
};

/* A new signing key, certified by the root; directory and every grant are signed anew. */
MUST_CHECK enum err key_change_sign(struct key_change *c, const struct key *root);
/* A new sealing key of that school year: the current one from now on, unless a later year has one. */
MUST_CHECK enum err key_change_seal(struct key_change *c, int32_t year, struct ring_key **out);
/* The secret half is gone: schools seal again what is not archived.  When it was the current key, a second one of its
 * year is made.  ERR_EXISTS: its file is there and is the right one. */
MUST_CHECK enum err key_change_lost(struct key_change *c, struct ring_key *k);
/* The secret half is destroyed.  The caller has asked key_behind_retired() before.  ERR_INVALID: it is the current one.
 */
MUST_CHECK enum err key_change_retire(struct key_change *c, struct ring_key *k);

/* The three steps of a new transport key.  ERR_INVALID: not this step's turn, or the address is none.  The caller has
 * asked key_behind_curve() before the second and the third. */
MUST_CHECK enum err key_change_curve_begin(struct key_change *c, const char *listen, const char *announce);
MUST_CHECK enum err key_change_curve_switch(struct key_change *c);
MUST_CHECK enum err key_change_curve_finish(struct key_change *c);

void key_change_done(struct key_change *c);
void key_change_undo(struct key_change *c);

/* ---- who is not so far yet ---- */

enum key_behind_why {
    BEHIND_DIRECTORY,  /* its computer does not know the newest keys */
    BEHIND_BATCHES,    /* it has sealed what is not here yet */
    BEHIND_INVITATION, /* an invitation that was written before is open still */
    BEHIND_NEVER,      /* it has joined, and never been heard of since */
    /* of key_behind_retired() alone: */
    BEHIND_CLOSED,  /* it is closed, and has not said that nothing waits there */
    BEHIND_EARLIER, /* its computer was replaced, and has not said so */
    BEHIND_REVOKED  /* a revoked computer may hold something that the operator would want to see */
};
typedef enum err (*key_behind_each)(void *ctx, const char *participant, const char *name, enum key_behind_why why);
/* Schools that would be cut off by the next step of the transport key. */
MUST_CHECK enum err key_behind_curve(struct hub *h, struct store_txn *t, key_behind_each each, void *ctx);
/* Schools of which something may still be sealed to this key: also closed ones and replaced or revoked computers, until
 * they have said that nothing waits there, unless they came after the key or were gone before it.  A school may be
 * named more than once. */
MUST_CHECK enum err key_behind_retired(struct hub *h, struct store_txn *t, const struct ring_key *k,
                                       key_behind_each each, void *ctx);
/* How many of the enrolled participants (active or on hold) know the newest directory. */
MUST_CHECK enum err key_knowing(struct hub *h, struct store_txn *t, size_t *know, size_t *all);

#endif
