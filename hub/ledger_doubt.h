/* ledger_doubt.h: counted batches that are doubted since their sender was revoked (signers.h, H_SUSPECTS), and the
 * operator's word about them: believed, or taken out of the numbers.
 *
 * Taken out is: all is as if the batch had come while its sender was on hold.  Its submissions that counted are in
 * quarantine (QUARANTINE_HELD), and ledger_release() and ledger_reject() decide about each; what they had replaced,
 * corrected or retracted counts again, unless something later has done the same; a later one stays where it is.  What
 * is erased stays as it was counted, and so does whatever would have to give its place back to something erased.
 * Snapshots of closed periods are not touched.
 *
 * Each decision is an entry of the journal and replayed by ledger_verify() (invariant 5). */
#ifndef SVODKA_HUB_LEDGER_DOUBT_H
#define SVODKA_HUB_LEDGER_DOUBT_H

#include "hub/ledger.h"
#include "hub/signers.h"
#include "protocol/notice.h"

/* A submission that stands otherwise than before. */
struct doubt_change {
    uint32_t participant;
    struct record_ref ref;
    enum standing standing; /* QUARANTINED: taken out, or it waits there again; COUNTED: it counts again */
    unsigned reason;        /* enum quarantine_reason of QUARANTINED */
};
struct doubt_outcome {
    uint64_t taken;               /* submissions that were taken out */
    uint64_t stayed;              /* ... that count on: something about them is erased */
    uint64_t given_back;          /* earlier ones that count again */
    uint64_t closed;              /* returns of closed periods whose living values this changes */
    struct doubt_change *changes; /* by participant and number; doubt_outcome_fini() */
    size_t change_count;
};
void doubt_outcome_fini(struct doubt_outcome *o);

struct doubt;
/* About `count` doubted batches of one participant (suspects_each(); their order is kept), at least one.  ERR_LIMIT:
 * too many at once. */
#define DOUBT_BATCHES_MAX 4096u
MUST_CHECK enum err ledger_doubt_new(struct doubt **out, struct ledger *l, const struct suspect *batches, size_t count);
void ledger_doubt_free(struct doubt *d); /* NULL does nothing */
/* Looks through the journal for whatever meets these batches, in a read transaction, so that the writer waits only for
 * what comes afterwards.  It may be left out. */
MUST_CHECK enum err ledger_doubt_look(struct doubt *d, struct store_txn *t);
/* Takes them out.  `word`: why, 1 to RECEIPT_TEXT_MAX bytes; it lies beside each of them in the quarantine.
 * ERR_NOT_FOUND: one of them is not doubted (any more).  ERR_LIMIT: too much at once.  After any error abort `t`. */
MUST_CHECK enum err ledger_doubt_take_out(struct doubt *d, struct store_txn *t, const char *word,
                                          struct doubt_outcome *out);
/* They are believed, and stay counted; `word` may be "".  ERR_NOT_FOUND as above. */
MUST_CHECK enum err ledger_doubt_keep(struct doubt *d, struct store_txn *t, const char *word);

/* ---- for the ledger's replay ---- */

/* The same again, from its entry.  ERR_MALFORMED: damaged, or it is about what is not there. */
MUST_CHECK enum err ledger_doubt_replay(struct ledger *l, struct store_txn *t, struct mp *m, size_t elements);

#endif
