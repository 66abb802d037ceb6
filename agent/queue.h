/* queue.h: the school's durable queue: records get a number once and for ever, are locked in pages, sealed into
 * batches once, and kept until the hub says archived and `keep_days` have passed (invariants 1, 2, 3). */
#ifndef SVODKA_AGENT_QUEUE_H
#define SVODKA_AGENT_QUEUE_H

#include "agent/home.h"
#include "protocol/batch.h"
#include "protocol/receipt.h"

/* ---- queuing: one writer at a time (queue.lock is held between open and close) ---- */
struct queue_writer;
MUST_CHECK enum err queue_writer_open(struct queue_writer **out, struct agent *a);
/* Stages a record; it becomes part of the queue at queue_writer_commit(), all of them or none, whatever happens in
 * between.  `number` is what it will have.  ERR_FULL: disk reserve or map: nothing of this writer stays. */
MUST_CHECK enum err queue_writer_add(struct queue_writer *w, struct bytes record, uint64_t *number);
/* After OK all staged records survive kill -9 and power loss. */
MUST_CHECK enum err queue_writer_commit(struct queue_writer *w);
/* The same; `with` changes other tables in the very transaction that makes the records part of the queue. */
MUST_CHECK enum err queue_writer_commit_with(struct queue_writer *w, enum err (*with)(void *ctx, struct store_txn *t),
                                             void *ctx);
/* Without commit: the staged records never were. */
void queue_writer_close(struct queue_writer *w);
/* What record heads need: this process run's random tag and the next ordinal, and the clock offset from the last
 * signed receipt. */
void queue_stamp(struct agent *a, struct record *r);

/* ---- reading ---- */
enum record_state { RECORD_WAITING, RECORD_SEALED, RECORD_STORED, RECORD_ARCHIVED };
struct queue_item {
    struct record_ref ref;
    struct bytes record; /* plain canonical bytes: a loan until the next step */
    enum record_state state;
};
struct queue_reader;
/* From `from` on (NULL: the very first), all generations in order; sees a snapshot per 10,000 records, never one long
 * read transaction. */
MUST_CHECK enum err queue_reader_open(struct queue_reader **out, const struct agent *a, const struct record_ref *from);
MUST_CHECK enum err queue_reader_next(struct queue_reader *r, struct queue_item *item); /* ERR_NOT_FOUND: end */
void queue_reader_close(struct queue_reader *r);
MUST_CHECK enum err queue_get(const struct agent *a, const struct record_ref *ref, struct buf *record);

/* ---- finding ---- */

/* One decoded submission of the queue; everything is a loan until the visit returns. */
struct queue_submission {
    struct record_ref ref;
    enum record_state state;
    const struct form *form;     /* NULL: this version is not held any more; then `values` is NULL, too */
    const struct record *record; /* values: of kinds NEW and CORRECTION */
    struct bytes bytes;          /* of the record, canonical */
};
/* What to visit; NULL: any. */
struct queue_filter {
    const char *form, *unit, *period; /* ids */
};
/* Visits submissions from the oldest on.  Stops at the first visit that does not return OK and returns that. */
MUST_CHECK enum err queue_each(const struct agent *a, const struct queue_filter *filter,
                               enum err (*visit)(void *ctx, const struct queue_submission *s), void *ctx);
/* The text of the value that makes a row's slot, "" for a form without key. */
void queue_key_text(struct buf *out, const struct form *f, const struct value *values);
/* The current submission of a slot: the greatest id among its value submissions, unless a correction or retraction
 * names it.  `key` is the text of the key field's value, NULL for a form without key.  ERR_NOT_FOUND. */
MUST_CHECK enum err queue_find_current(const struct agent *a, const struct queue_filter *slot, const char *key,
                                       struct record_ref *out);
/* What a person typed as an id.  ERR_MALFORMED; ERR_NOT_FOUND: not in this queue; ERR_INVALID: it fits several. */
MUST_CHECK enum err queue_resolve(const struct agent *a, const char *id, struct record_ref *out);

/* What the last receipts said of the time. */
struct queue_clock {
    int64_t hub_ms;    /* the latest hub's time in any of them, also in those that are gone; 0: none came yet */
    bool has_offset;   /* ... and by how much it was ahead of this computer's clock then */
    int64_t offset_ms; /* ... */
};
/* `t` NULL: own transaction. */
MUST_CHECK enum err queue_clock(const struct agent *a, struct store_txn *t, struct queue_clock *out);

struct queue_status {
    uint64_t waiting, sealed, stored, archived; /* records */
    uint64_t waiting_bytes;                     /* sealed batches not yet receipted */
    uint64_t batches_open;                      /* sealed, without receipt */
    uint64_t refused;                           /* records in the hub's quarantine, by receipts and words */
    uint64_t rejected, erased;                  /* never to be counted; erased at the hub: by words */
    int64_t last_receipt_ms;                    /* hub's clock; 0: never */
    uint64_t last_number;                       /* of the current generation */
};
MUST_CHECK enum err queue_status(const struct agent *a, struct queue_status *out);

/* ---- batches: only the holder of sync.lock ---- */
enum batch_life { BATCH_SEALED = 1, BATCH_STORED = 2, BATCH_ARCHIVED = 3, BATCH_REFUSED = 4 };
struct batch_state {
    struct generation gen;
    uint64_t sequence;
    uint64_t first_number, last_number;
    uint32_t records, length;
    uint8_t digest[DIGEST_BYTES];
    uint8_t seal_key[KEY_BYTES]; /* of the hub, that it is sealed to; zeros: not noted */
    enum batch_life life;
    int64_t sealed_ms, receipt_ms;
};
/* Seals what waits into batches (as many as needed), each in one transaction.  Returns how many. */
MUST_CHECK enum err queue_seal(struct agent *a, uint64_t *sealed);
/* The first batch of (gen, sequence >= from); ERR_NOT_FOUND. */
MUST_CHECK enum err queue_batch(const struct agent *a, const struct generation *gen, uint64_t from,
                                struct batch_state *out);
/* Bytes [offset, offset + len) of a sealed batch, appended. */
MUST_CHECK enum err queue_batch_bytes(const struct agent *a, const struct batch_state *b, uint32_t offset, uint32_t len,
                                      struct buf *out);
/* The current generation, and older ones with batches that are not archived, oldest first. */
#define QUEUE_MAX_GENERATIONS 1024u
MUST_CHECK enum err queue_generations(const struct agent *a, struct generation *out, size_t max, size_t *count);
/* Numbers of a generation: last sealed sequence and its digest, first held, all receipted (as archived) below, and what
 * waits: bytes that are sealed and have no receipt; records with no receipt, sealed or not. */
struct queue_chain {
    uint64_t first_held, last_sealed, receipted, archived;
    uint64_t waiting_bytes, waiting_records;
    uint8_t head[DIGEST_BYTES];
};
MUST_CHECK enum err queue_chain(const struct agent *a, const struct generation *gen, struct queue_chain *out);

/* What the hub can never open (its sealing key is lost, or retired before the batch came) is sealed again: in one
 * transaction the first such batch of the current generation that is not archived, and those after it, are given up,
 * and their records wait for queue_seal() again under their numbers (SPEC.md 7.6).  *records: how many; 0: nothing to
 * do, or the directory has no other key yet. */
MUST_CHECK enum err queue_reseal(struct agent *a, uint64_t *records);

/* The hub asks for a batch that it once receipted (it went back to an old backup): sealed and waiting again, whatever
 * its receipt said; nothing of it is destroyed until a new one says archived (SPEC.md 7.5). */
MUST_CHECK enum err queue_send_again(struct agent *a, const struct batch_state *b);

/* Verifies the signed receipt against the batch it names, stores it, moves the batch on, tells the school about
 * refused records.  ERR_AUTH: signature, or digest differs; ERR_NOT_FOUND: no such batch (harmless). */
MUST_CHECK enum err queue_take_receipt(struct agent *a, struct bytes object);
/* The same for one that was days on its way in a file: it says nothing about this computer's clock. */
MUST_CHECK enum err queue_take_late_receipt(struct agent *a, struct bytes object);

/* Records of a generation that another computer of this school sent, inside a write transaction: kept as received,
 * never sealed or sent.  What is here under the same number stays. */
MUST_CHECK enum err queue_put_history(struct agent *a, struct store_txn *t, const struct generation *gen,
                                      const struct batch_plain *plain);

/* Two histories (SPEC.md section 7).  Begin: an empty plan; feed: one verified reply (all pages, in order);
 * finish: in one transaction the duplicates leave, the rest gets new numbers in a new generation (targets rewritten),
 * and the school is told.  Unsealed records of `gen` and sealed batches that the hub does not hold both count. */
struct reconcile_plan;
MUST_CHECK enum err reconcile_begin(struct reconcile_plan **out, struct agent *a, const struct generation *gen);
uint64_t reconcile_next(const struct reconcile_plan *p); /* number to ask from */
/* Pages from a file begin at number 1, whatever is archived here (SPEC.md 7.3).  Before the first one is fed. */
void reconcile_from_first(struct reconcile_plan *p);
MUST_CHECK enum err reconcile_feed(struct reconcile_plan *p, struct bytes object, bool *is_complete);
MUST_CHECK enum err reconcile_finish(struct reconcile_plan *p, uint64_t *dropped, uint64_t *renumbered);
void reconcile_free(struct reconcile_plan *p);

/* Destroys archived batches and their records after keep_days, or when their forms' terms are over (terms.h), and
 * drafts whose period is over; by receipts' hub time.  What came from another computer or was found at the hub after a
 * restore goes by the same terms, once a batch sealed after it is archived (queue_leftover.c).  A summary of each
 * submission and the signed receipts stay.  Returns how many batches. */
MUST_CHECK enum err queue_expire(struct agent *a, uint64_t *batches);

/* What stays of a submission whose content was destroyed here: which it was, and the digest that the hub knows it by.
 */
struct queue_past {
    struct record_ref ref;
    char form[FORM_NAME_MAX + 1]; /* "": this version was not held any more */
    char unit[ID_MAX + 1];
    char period[33];
    int32_t filled_on;
    enum record_kind kind;
    uint8_t digest[DIGEST_BYTES];
};
/* Its content was destroyed here after its time, and a summary of it is kept.  ERR_NOT_FOUND. */
MUST_CHECK enum err queue_find_past(const struct agent *a, const struct record_ref *ref);
/* In order, as queue_each(). */
MUST_CHECK enum err queue_each_past(const struct agent *a, const struct queue_filter *filter,
                                    enum err (*visit)(void *ctx, const struct queue_past *p), void *ctx);

/* Every page opens, numbers are dense, every batch's digest, signature, chain and coverage are right, receipts
 * verify.  Mistakes are printed one a line to `to`; *bad counts them. */
MUST_CHECK enum err queue_verify(const struct agent *a, FILE *to, uint64_t *bad);

#endif
