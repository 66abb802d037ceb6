/* ledger_quarantine.h: what was received and could not be counted: for the operator's eyes, and the operator's word
 * about it.  Each decision is an entry of the journal and replayed by ledger_verify() (invariant 5). */
#ifndef SVODKA_HUB_LEDGER_QUARANTINE_H
#define SVODKA_HUB_LEDGER_QUARANTINE_H

#include "hub/ledger.h"

struct quarantined {
    uint32_t participant; /* index */
    struct record_ref ref;
    uint64_t lsn; /* of the batch's entry */
    uint32_t row;
    struct refusal why;              /* beyond the reason it may be empty */
    uint64_t rejected;               /* lsn of the decision that it will never count; 0: none */
    char word[RECEIPT_TEXT_MAX + 1]; /* the operator's, with that */
    bool is_corrected;               /* the school sent a correction or retraction of it, which counts */
    struct record_ref by;            /* ... that one */
};
/* Does it wait for the operator's or the school's word? */
bool quarantined_waits(const struct quarantined *q);
/* In the order of participants, generations and numbers.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err ledger_each_quarantined(struct store_txn *t,
                                            enum err (*each)(void *ctx, const struct quarantined *q), void *ctx);
/* One of them.  ERR_NOT_FOUND. */
MUST_CHECK enum err ledger_quarantined(struct store_txn *t, uint32_t participant, const struct record_ref *ref,
                                       struct quarantined *out);
/* The key by which its batch was signed. */
MUST_CHECK enum err ledger_quarantined_signer(struct store_txn *t, const struct quarantined *q,
                                              uint8_t sign[KEY_BYTES]);
/* The plain canonical bytes, a loan until the next ledger call of this thread.  ERR_NOT_FOUND: the batch could not be
 * opened, there is nothing to show.  ERR_ERASED: with the act in words. */
MUST_CHECK enum err ledger_quarantined_record(struct ledger *l, struct store_txn *t, const struct quarantined *q,
                                              struct bytes *record);

/* What became of one that was released. */
struct released {
    struct record_ref ref;
    bool is_counted;    /* a retraction that has done its work is, too */
    bool is_superseded; /* accepted, but a later one, or a correction, is already there */
    struct refusal why; /* neither: it stays, for this reason */
};
/* The operator lets submissions of one batch out of the quarantine: they are judged again by the forms, rights and
 * periods of today, whatever the state of their sender, and counted as if they had come now; who does not pass stays,
 * with the new reason.  `items`: `count` of one lsn, by ascending number; `out`: as many.  An unreadable batch is
 * opened again, all of it.  When nothing changes, nothing is written.  After any error abort `t`. */
MUST_CHECK enum err ledger_release(struct ledger *l, struct store_txn *t, const struct quarantined *items, size_t count,
                                   struct released *out);
/* It will never count: it stays where it is, for good.  `word`: why, at most RECEIPT_TEXT_MAX bytes.  ERR_EXISTS: so it
 * was decided before. */
MUST_CHECK enum err ledger_reject(struct ledger *l, struct store_txn *t, const struct quarantined *q, const char *word);

#endif
