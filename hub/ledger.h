/* ledger.h: the hub's append-only, hash-chained journal and what follows from it: sequences, ranges, dead ids, current
 * submissions, cells, quarantine, receipts.  All of it changes in one transaction or not at all (invariants 3, 4, 5).
 *
 * Entry = MessagePack array [type, wall ms, previous chain digest bin32, payload...].  The chain digest of entry n is
 * BLAKE2b-256 of its bytes; a batch's entry holds the batch's digest and its length.  Its bytes lie beside it, each
 * section locked once more under the storage key of its retention class and school year (ledger_stored.h). */
#ifndef SVODKA_HUB_LEDGER_H
#define SVODKA_HUB_LEDGER_H

#include "hub/hub.h"
#include "protocol/batch.h"

enum journal_type {
    JOURNAL_INIT = 1,
    JOURNAL_BATCH = 2,
    JOURNAL_FORM = 3, /* object digest */
    JOURNAL_PROGRAMME = 4,
    JOURNAL_PARTICIPANT = 5, /* added, enrolled, held, released, revoked, closed */
    JOURNAL_RELEASE = 6,     /* quarantine released */
    JOURNAL_REJECT = 7,
    JOURNAL_FACT = 8,   /* roster */
    JOURNAL_PERIOD = 9, /* closed, reopened */
    JOURNAL_ERASE = 10,
    JOURNAL_GENERATION = 11, /* closed: nothing new of it is taken */
    JOURNAL_ACCEPT = 12,     /* a return: form, unit, period, by, text, mark (returns.h) */
    JOURNAL_QUESTION = 13,   /* the same */
    JOURNAL_CHECKPOINT = 14, /* signed head of a checkpoint, or the day after which they are forgotten (checkpoint.h) */
    JOURNAL_PUBLICATION =
        15,              /* what left the office: signed head, snapshot, digest of what lies beside (publish_store.h) */
    JOURNAL_DOUBT = 16,  /* counted batches that were doubted: taken out, or believed (ledger_doubt.h) */
    JOURNAL_BACKUP = 17, /* a backup was confirmed, or this hub was restored from one (archive.h) */
    JOURNAL_KEY = 18,    /* a key made, lost, destroyed (key_change.c); a batch that no key opens (ledger_refuse.c) */
    JOURNAL_EXCUSE = 19  /* a return that is not here: waived, another day, or waits at the school (excuse.h) */
};

/* State that outlives a transaction: opened batches, the variables' programs.  A ledger is used by one thread at a
 * time; a thread that only reads opens one of its own. */
struct ledger;
MUST_CHECK enum err ledger_open(struct ledger **out, struct hub *h);
void ledger_close(struct ledger *l);
/* Opened batches are let go: another process may have erased some of it.  NULL does nothing. */
void ledger_forget(struct ledger *l);

/* A decision: payload is a MessagePack array's remaining elements, `elements` of them. */
MUST_CHECK enum err ledger_decide(struct ledger *l, struct store_txn *t, enum journal_type type, struct bytes payload,
                                  size_t elements, uint64_t *lsn);

/* Wall clock of an entry, when it was written.  ERR_CORRUPT: missing or damaged. */
MUST_CHECK enum err ledger_time(struct store_txn *t, uint64_t lsn, int64_t *wall_ms);

/* The same with bytes that are kept beside the entry (H_BLOBS), whose digest the payload must hold. */
MUST_CHECK enum err ledger_decide_with(struct ledger *l, struct store_txn *t, enum journal_type type,
                                       struct bytes payload, size_t elements, struct bytes beside, uint64_t *lsn);
/* An entry's payload: `m` stands at its first element, a loan of the transaction. */
MUST_CHECK enum err ledger_payload(struct store_txn *t, uint64_t lsn, struct mp *m, size_t *elements);
/* Those bytes, appended.  ERR_CORRUPT: there are none. */
MUST_CHECK enum err ledger_beside(struct store_txn *t, uint64_t lsn, struct buf *out);
/* Number of the newest entry; 0: none. */
MUST_CHECK enum err ledger_last(struct store_txn *t, uint64_t *lsn);

/* ---- batches ---- */
/* What an intake worker makes of a batch: pure function of batch and definitions (intake.h). */
struct prepared;

enum ledger_outcome {
    LEDGER_STORED,  /* new; receipt made */
    LEDGER_AGAIN,   /* same sequence and digest: the stored receipt again */
    LEDGER_REFUSED, /* new, and sealed to a key that is lost: it will never be counted; receipt made */
    LEDGER_FORK     /* same sequence or broken chain, other digest: reconcile */
};
/* Adds one batch inside `t`: verdict for each record, slots, cells, sequences, receipt (appended to `receipt`).
 * Nothing is visible before store_commit(); after a failed commit everything is prepared and applied again.
 * ERR_BUSY: the hub's definitions changed since `p` was prepared: prepare it again.  After any error abort `t`. */
MUST_CHECK enum err ledger_apply(struct ledger *l, struct store_txn *t, const struct prepared *p, struct buf *receipt,
                                 enum ledger_outcome *outcome);
/* After store_commit() / store_abort() of a transaction with decisions or batches. */
void ledger_committed(struct ledger *l);
void ledger_aborted(struct ledger *l);
/* Both in one: commits when `e` is OK, aborts otherwise, and tells the ledger.  `t` NULL: it was never begun.  Returns
 * `e`, or what the commit said. */
MUST_CHECK enum err ledger_end(struct ledger *l, struct store_txn *t, enum err e);

/* What the hub holds of a generation (WELCOME). */
struct ledger_chain {
    uint64_t next_sequence, held_last;
    bool is_closed; /* ledger_close_generation() */
    uint32_t gap_count;
    struct number_range gaps[64];
};
MUST_CHECK enum err ledger_chain(struct store_txn *t, uint32_t participant, const struct generation *gen,
                                 struct ledger_chain *out);
/* The bytes of a batch as they were received (`lsn`: its entry), and the keys of its `count` sections: a secret, to be
 * wiped.  *mask has a bit for each section whose key is still here. */
MUST_CHECK enum err ledger_batch_keys(struct hub *h, struct store_txn *t, uint64_t lsn, struct buf *raw,
                                      struct section_keys *keys, uint32_t *count, uint32_t *mask);
/* Digest of a held batch, and its stored receipt appended (if `receipt`).  ERR_NOT_FOUND. */
MUST_CHECK enum err ledger_batch(struct store_txn *t, uint32_t participant, const struct generation *gen,
                                 uint64_t sequence, uint8_t digest_out[DIGEST_BYTES], struct buf *receipt);
/* The stored receipts of a generation's batches above that sequence, lowest first, `most` of them at most; loans until
 * the call returns.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err ledger_each_receipt(struct store_txn *t, uint32_t participant, const struct generation *gen,
                                        uint64_t above, unsigned most,
                                        enum err (*each)(void *ctx, uint64_t sequence, struct bytes receipt),
                                        void *ctx);
/* The batch of an entry, appended: the very bytes that were received.  ERR_ERASED: not all of it is there any more. */
MUST_CHECK enum err ledger_batch_bytes(struct ledger *l, struct store_txn *t, uint64_t lsn, struct buf *out);
/* Greatest generation counter of a participant; 0: none. */
MUST_CHECK enum err ledger_max_counter(struct store_txn *t, uint32_t participant, uint32_t *counter);
/* A generation of which nothing is held, of a participant's present computer, which signs with `sign_key`: did that
 * computer begin anew, without knowing of what the participant had said before?  So it is when the hub holds one with
 * an equal or greater counter that another computer signed; then what it says now must come after that (SPEC.md 7.2,
 * point 3).  Otherwise the hub has lost it, or it is of a copy that has not spoken yet: its numbers stand. */
MUST_CHECK enum err ledger_begins_anew(struct store_txn *t, uint32_t participant, const struct generation *gen,
                                       const uint8_t sign_key[KEY_BYTES], bool *out);
/* Two histories met: from now on nothing new of this generation is taken (LEDGER_FORK), whichever copy sends it, so
 * that the copy which asks may give what the hub lacks new numbers without any chance that it is counted under both
 * (invariant 3).  To be called, and committed, before ledger_reconcile() answers.  Again: no change. */
MUST_CHECK enum err ledger_close_generation(struct ledger *l, struct store_txn *t, uint32_t participant,
                                            const struct generation *gen);
/* Record digests of a generation, from `from` on: one reply, ready to be signed; reconcile_fini().  Numbers of batches
 * that could not be read are not among them: the hub does not hold those records. */
MUST_CHECK enum err ledger_reconcile(struct ledger *l, struct store_txn *t, uint32_t participant,
                                     const struct generation *gen, uint64_t from, struct reconcile *out);

/* ---- reading ---- */
struct erased_record;
struct submission {
    uint32_t participant;
    struct record_ref ref;
    uint64_t lsn;
    uint32_t row;
    struct bytes record;                /* plain canonical bytes, a loan until the next ledger call of this thread */
    const struct erased_record *erased; /* erased.h, a loan likewise: what stayed of it; `record` is empty.  NULL: it
                                           is here */
};
/* Submissions whose content was erased are left out; ledger_each_standing() has them, too.
 * Calls `each` for the current submissions of a form id (NULL: all), unit (NULL: all) and period (NULL: all), sorted by
 * these, and within them as they were received; answers-mode submissions included.  A callback that returns anything
 * but OK ends it; it may read the store, but not call the ledger. */
MUST_CHECK enum err ledger_each_current(struct ledger *l, struct store_txn *t, const char *form_id, const char *unit,
                                        const char *period, enum err (*each)(void *ctx, const struct submission *s),
                                        void *ctx);
MUST_CHECK enum err ledger_each_standing(struct ledger *l, struct store_txn *t, const char *form_id, const char *unit,
                                         const char *period, enum err (*each)(void *ctx, const struct submission *s),
                                         void *ctx);
/* ERR_ERASED: its content was erased; out->erased is set. */
MUST_CHECK enum err ledger_find(struct ledger *l, struct store_txn *t, uint32_t participant,
                                const struct record_ref *ref, struct submission *out);

/* Chain, digests, signatures, every batch opened and applied again in order into an empty store (HOME/verify.tmp,
 * removed afterwards); then batches with their receipts, ranges, dead, current, slots, cells and quarantine are
 * compared byte for byte.  Cells are computed by today's variables; what intake refused is taken from the journal,
 * because forms, rights and periods may have changed since.  Differences are printed to `to`, *bad counts them.
 * Progress through cli_progress().  ERR_BUSY: another check is running. */
MUST_CHECK enum err ledger_verify(struct hub *h, FILE *to, uint64_t *bad);
/* Builds all cells again from the current submissions and replaces them, inside `t`: for repair.  What a new version of
 * a programme needs is built by ledger_build.h. */
MUST_CHECK enum err ledger_rebuild_cells(struct ledger *l, struct store_txn *t);

struct ledger_totals {
    uint64_t entries, batches;
    uint64_t records;     /* numbers held */
    uint64_t counted;     /* current submissions: those in the cells now */
    uint64_t quarantined; /* waiting in quarantine */
    uint64_t cells;
    uint64_t acts; /* of erasure */
};
MUST_CHECK enum err ledger_totals(struct store_txn *t, struct ledger_totals *out);

#endif
