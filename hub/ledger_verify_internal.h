/* ledger_verify_internal.h: shared by the ledger_verify*.c files alone.
 *
 *   ledger_verify.c        the journal read in order, each entry applied again, the comparison at the end
 *   ledger_verify_jobs.c   entries on their way: read ahead, prepared by threads, taken in order
 *   ledger_verify_batch.c  what a thread does with a batch: a pure function of its bytes and the hub's keys and
 *                          definitions */
#ifndef SVODKA_HUB_LEDGER_VERIFY_INTERNAL_H
#define SVODKA_HUB_LEDGER_VERIFY_INTERNAL_H

#include "hub/intake.h"
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

/* ---- jobs ---- */

struct verify_jobs;
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
