/* closing.h: periods that the office has closed, all forms of it or a group of them, and opened again.
 *
 * Closing freezes a signed snapshot of every value (snapshot.h) and changes nothing else: what comes later is counted
 * and changes the living values, is marked late, and leaves the snapshot as it is. */
#ifndef SVODKA_HUB_CLOSING_H
#define SVODKA_HUB_CLOSING_H

#include "hub/returns.h"

#define CLOSING_REASON_MAX 1000u

struct closing {
    char period[PERIOD_ID_MAX + 1];
    char group[FORM_NAME_MAX + 1]; /* "": all forms */
    bool is_closed;                /* false: opened again */
    uint64_t lsn;                  /* of the entry that says so */
    int64_t wall_ms;
    char by[RETURN_BY_MAX + 1];
    char reason[CLOSING_REASON_MAX + 1]; /* of force, or of opening again; "" */
    bool is_forced;                      /* closed although returns were missing */
    uint64_t missing;                    /* returns that were not here */
    uint64_t snapshot_lsn;               /* of the entry that last closed it: its lines are kept beside that */
    struct bytes head;                   /* signed head of that snapshot (snapshot.h), a loan of the transaction */
};

/* ERR_NOT_FOUND: never closed. */
MUST_CHECK enum err closing_get(struct store_txn *t, const char *period, const char *group, struct closing *out);
/* Is a form of that group closed in the period, by itself or with all others?  *lsn: since that entry (the earlier). */
MUST_CHECK enum err closing_is_closed(struct store_txn *t, const char *period, const char *group, bool *is_closed,
                                      uint64_t *lsn);
/* By period, then group.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err closing_each(struct store_txn *t, enum err (*each)(void *ctx, const struct closing *c), void *ctx);

/* ---- decisions ---- */

struct snapshot_writer; /* snapshot.h */
struct closing_order {
    const char *period, *group; /* id; NULL: all forms */
    const char *by, *reason;    /* reason NULL: none */
    bool is_forced;
    uint64_t missing;
};
/* Freezes the lines and journals it.  ERR_EXISTS: closed already; ERR_LIMIT: a text is too long. */
MUST_CHECK enum err closing_close(struct hub *h, struct store_txn *t, const struct closing_order *o,
                                  const struct snapshot_writer *lines);
/* ERR_NOT_FOUND: it is not closed. */
MUST_CHECK enum err closing_reopen(struct hub *h, struct store_txn *t, const struct closing_order *o);

/* ---- for the ledger's replay ---- */

/* Does again what the entry says; `m` stands at the payload.  *has_snapshot: it closed a period, and its lines lie
 * beside it.  ERR_MALFORMED. */
MUST_CHECK enum err closing_replay(struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m, size_t elements,
                                   bool *has_snapshot);
/* Are the lines beside the entry in `t` those that its head was signed over, and can all of them be read?
 * ERR_AUTH, ERR_CORRUPT, ERR_MALFORMED. */
MUST_CHECK enum err closing_check(struct hub *h, struct store_txn *t, uint64_t lsn);

#endif
