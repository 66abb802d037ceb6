/* ledger_verify_internal.h: shared by the ledger_verify*.c files alone.
 *
 *   ledger_verify.c        the journal read in order, the comparison at the end
 *   ledger_verify_entry.c  one entry applied again, by its type
 *   ledger_verify_jobs.c   entries on their way: read ahead, prepared by threads, taken in order
 *   ledger_verify_batch.c  what a thread does with a batch: a pure function of its bytes and the hub's keys and
 *                          definitions */
#ifndef SVODKA_HUB_LEDGER_VERIFY_INTERNAL_H
#define SVODKA_HUB_LEDGER_VERIFY_INTERNAL_H

#include "hub/intake.h"
#include "hub/ledger_compare.h"
#include "hub/ledger_internal.h"

#define VERIFY_TEXT_MAX 512u

/* An entry of the journal on its way. */
struct verify_job {
    uint64_t lsn;
    uint64_t last; /* the journal's head when it was read */
    bool is_missing;
    bool is_batch;
    struct buf entry, blob, row; /* copies of what the living store holds */
    struct batch_entry batch;    /* of a batch; loans from `entry` */
    /* A batch, prepared: */
    enum err error;
    char text[VERIFY_TEXT_MAX]; /* of the error */
    struct prepared *prepared;  /* NULL after an error */
    bool is_done;               /* guarded by the lock of the jobs */
};

/* Digest, header, signature and section keys are checked, the batch is opened, decoded and evaluated; fills error, text
 * and prepared. */
void verify_prepare(const struct hub *h, struct intake *i, struct verify_job *j);

/* ---- entries ---- */

struct verify_jobs;
/* The check at work, on one thread. */
struct verify {
    struct hub *hub;
    struct hub shadow; /* the same definitions and keys over the scratch store */
    struct ledger *ledger;
    struct replay *replay;
    bool slots_in_memory; /* at the end */
    struct verify_jobs *jobs;
    struct compare report;
    struct store_txn *t;  /* on the scratch store */
    uint64_t group_first; /* first entry of that transaction */
    uint32_t group_batches, group_records;
    size_t group_bytes;
    uint8_t chain[DIGEST_BYTES]; /* digest of the entry before */
    uint64_t next;               /* entry at hand */
    uint64_t read;               /* entry to read */
    unsigned missing;            /* entries in a row, of those read */
    struct journal_head head;    /* when the last entry had been read */
    struct store_txn *end;       /* ... and that transaction: nothing comes after what was read */
};
/* What stops the check itself. */
bool verify_is_fatal(enum err e);
/* An entry that only takes its number, so that the next ones get theirs. */
MUST_CHECK enum err verify_put_placeholder(struct verify *v);
/* A batch failed half way: its transaction is spoiled, and with it the batches before it in the group. */
MUST_CHECK enum err verify_lose_group(struct verify *v);
/* The entry at hand, in the scratch store; what is wrong with it is said. */
MUST_CHECK enum err verify_replay_entry(struct verify *v, struct verify_job *j);

/* ---- jobs ---- */

/* `h` stays as it is meanwhile.  Threads: as many as intake has. */
MUST_CHECK enum err verify_jobs_new(struct verify_jobs **out, const struct hub *h);
void verify_jobs_free(struct verify_jobs *q); /* waits for the threads; NULL does nothing */
/* An empty one to be filled; NULL: all are on their way.  Then verify_jobs_add(). */
struct verify_job *verify_jobs_empty(struct verify_jobs *q);
void verify_jobs_add(struct verify_jobs *q);
/* The one that was added first, when it is done; NULL: there is none.  Then verify_jobs_drop(), which makes it an empty
 * one. */
struct verify_job *verify_jobs_first(struct verify_jobs *q);
void verify_jobs_drop(struct verify_jobs *q);

#endif
