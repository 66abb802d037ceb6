/* ledger_erase.h: content is destroyed when its time is over, or when somebody may ask for it; that it was sent, and
 * what it added to the sums, stays (design section 5, "Retention and erasure").
 *
 * In one transaction each touched section gives way to what stays of it (erased.h), the slots of what counted are
 * frozen, what that had contributed is written beside an act (act.h), and the act is journalled.  After the commit the
 * storage keys go (storage_keys_check()); a crash before it leaves everything, a crash after it is completed when the
 * hub is opened next. */
#ifndef SVODKA_HUB_LEDGER_ERASE_H
#define SVODKA_HUB_LEDGER_ERASE_H

#include "hub/act.h"

/* A submission as the extract of an act names it. */
struct erase_ref {
    uint32_t participant, counter;
    uint8_t tag4[4];
    uint64_t number;
};
int erase_ref_compare(const void *a, const void *b); /* struct erase_ref, for qsort() and bsearch() */

struct erase_order {
    enum act_scope scope;
    const char *retention; /* ACT_CLASS */
    int32_t year;
    uint32_t participant; /* ACT_SUBMISSION */
    struct record_ref ref;
    const char *form, *unit, *period; /* ACT_RETURN */
    const char *key;                  /* of one row, as people write it; NULL: all of the return */
    bool is_again; /* after a restore: not what is named above but these submissions, sorted (erase_again.h) */
    const struct erase_ref *refs;
    size_t ref_count;
    const char *by, *order;
    uint32_t years;    /* the class's term, for the act */
    bool is_uncounted; /* what it contributed is taken away from the sums, too */
};

/* Fills *out with what was (or, with `is_rehearsal`, would be) erased.  ERR_NOT_FOUND: there is nothing of it.
 * ERR_DENIED: the school year is not over, or what the hub itself works by (roster, waivers) is among it.
 * ERR_LIMIT.  After any error, and after a rehearsal, abort `t`. */
MUST_CHECK enum err ledger_erase(struct hub *h, struct store_txn *t, const struct erase_order *o, bool is_rehearsal,
                                 struct act *out);
/* After the commit: the keys go, and what this process remembers of them. */
MUST_CHECK enum err ledger_erase_keys(struct hub *h);

/* Adds what acts have frozen to the cells in `to`, of those variables for which `wanted` says so (NULL: all that the
 * hub's programmes have); acts and what lies beside them are read from `from`. */
MUST_CHECK enum err ledger_add_frozen(struct hub *h, struct store_txn *from, struct store_txn *to,
                                      bool (*wanted)(const void *ctx, const uint8_t *variable), const void *ctx);

/* Calls `each` for every cell that acts have frozen, with the act's number. */
MUST_CHECK enum err ledger_each_frozen(struct hub *h, struct store_txn *t,
                                       enum err (*each)(void *ctx, uint64_t act, const struct cell_at *at,
                                                        const struct cell *c),
                                       void *ctx);
/* Have acts frozen anything of this variable? */
MUST_CHECK enum err ledger_has_frozen(struct hub *h, struct store_txn *t, const uint8_t *variable, bool *has);

/* ---- for the ledger's replay ---- */

/* Does again what the entry says: freezes the slots in the scratch store `t`.  What stayed is read from `living`, and
 * compared with what the act vouches for.  ERR_MALFORMED, ERR_AUTH, ERR_CORRUPT: what is wrong, in words. */
MUST_CHECK enum err ledger_erase_replay(struct ledger *l, struct store_txn *living, struct store_txn *t, uint64_t lsn,
                                        struct mp *m, size_t elements, struct act *out);

#endif
