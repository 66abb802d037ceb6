/* queue_internal.h: the stored layout, shared by queue*.c and reconcile.c alone.
 *
 * Generation row (T_META, "g" | counter u32 | tag 8): end u64, sealed u64, sequence u64, head 32, from u64
 *   end       last number that is part of the queue; pages beyond it are staged and may vanish
 *   sealed    last number inside a sealed batch
 *   sequence  last sealed batch; head: its digest
 * Page (T_PAGES): count u32 | locked( count x (number varint delta | length varint | bytes) ); AAD is the key.
 * Segment: 65,536 numbers of a generation share one key (T_SEGMENTS: counter u32 | tag 8 | number >> 16 u32 -> locked
 * key): destroying it destroys the records, wherever copies of the pages may lie. */
#ifndef SVODKA_AGENT_QUEUE_INTERNAL_H
#define SVODKA_AGENT_QUEUE_INTERNAL_H

#include "agent/queue.h"

#define GEN_BYTES     (4u + TAG_BYTES)
#define PAGE_KEY      (GEN_BYTES + 8u)
#define CHUNK_KEY     (GEN_BYTES + 12u)
#define SEGMENT_SHIFT 16u
#define PAGE_PLAIN    (4u * 4096u - 16u - 4u - LOCK_OVERHEAD) /* four whole pages of LMDB, header taken off */

struct gen_row {
    struct generation gen;
    uint64_t end, sealed, sequence;
    uint8_t head[DIGEST_BYTES];
};

void gen_put(uint8_t out[GEN_BYTES], const struct generation *g);
struct generation gen_get(const uint8_t in[GEN_BYTES]);
void page_key(uint8_t out[PAGE_KEY], const struct generation *g, uint64_t number);
/* A generation without a row is empty: zeros. */
MUST_CHECK enum err gen_row_get(struct store_txn *t, const struct generation *g, struct gen_row *out);
MUST_CHECK enum err gen_row_put(struct store_txn *t, const struct gen_row *row);
/* Next generation with a row after `after` (NULL: the first).  ERR_NOT_FOUND. */
MUST_CHECK enum err gen_row_next(struct store_txn *t, const struct generation *after, struct gen_row *out);

/* The key of a number's segment; `create` makes a missing one in the write transaction. */
MUST_CHECK enum err segment_key(const struct agent *a, struct store_txn *t, const struct generation *g, uint64_t number,
                                bool create, uint8_t out[KEY_BYTES]);

/* A decrypted page. */
struct page {
    struct buf plain;
    uint64_t first; /* from the key */
    uint32_t count;
};
MUST_CHECK enum err page_open(const struct agent *a, struct store_txn *t, struct bytes key, struct bytes value,
                              struct page *out);
/* The first page at or after `key_io` of its generation, or with `before` the last one before it; opened, and its key
 * in `key_io`.  ERR_NOT_FOUND. */
MUST_CHECK enum err page_find(const struct agent *a, struct store_txn *t, uint8_t key_io[PAGE_KEY], bool before,
                              struct page *out);
/* Walks a page: false at its end.  *failed: damaged. */
struct page_walk {
    struct rd rd;
    uint64_t number;
    uint32_t left;
};
struct page_walk page_walk_of(const struct page *p);
bool page_next(struct page_walk *w, uint64_t *number, struct bytes *record);

/* Collects records into pages inside write transactions. */
struct page_maker {
    struct agent *a;
    struct generation gen;
    struct buf plain;
    uint64_t first, last;
    uint32_t count;
};
void page_maker_init(struct page_maker *m, struct agent *a, const struct generation *g);
void page_maker_fini(struct page_maker *m);
bool page_maker_fits(const struct page_maker *m, uint64_t number, size_t len);
void page_maker_add(struct page_maker *m, uint64_t number, struct bytes record);
/* Writes what is there, if anything; *bytes gets the stored size. */
MUST_CHECK enum err page_maker_flush(struct page_maker *m, struct store_txn *t, size_t *bytes);

MUST_CHECK enum err batch_row_put(struct store_txn *t, const struct batch_state *b, struct bytes receipt);
/* *receipt (may be NULL) is a loan of the transaction. */
MUST_CHECK enum err batch_row_read(struct batch_state *out, struct bytes key, struct bytes value,
                                   struct bytes *receipt);
/* Last of the batches from `first` on whose records were sealed again; 0: `first` is not the beginning of such. */
uint64_t queue_given_up(struct store_txn *t, const struct generation *g, uint64_t first);
/* First batch with (gen, sequence >= from) in the transaction. */
MUST_CHECK enum err batch_row_at(struct store_txn *t, const struct generation *g, uint64_t from,
                                 struct batch_state *out, struct bytes *receipt);
/* Before a batch with its receipt is destroyed (queue_past.c). */
MUST_CHECK enum err past_keep_receipt(struct store_txn *t, const struct batch_state *b, struct bytes receipt);
/* A page that is destroyed: a summary of each submission stays.  Its segment's key is the caller's. */
MUST_CHECK enum err page_destroy(const struct agent *a, struct store_txn *t, const uint8_t key[PAGE_KEY]);
/* The destroyed batch that carried a submission: its place, numbers and count, no more.  *receipt is a loan of the
 * transaction.  ERR_NOT_FOUND. */
MUST_CHECK enum err past_batch(struct store_txn *t, const struct record_ref *ref, struct batch_state *out,
                               struct bytes *receipt);
/* The summaries of a generation's numbers from `first` to `last`, in order. */
MUST_CHECK enum err past_each(const struct agent *a, struct store_txn *t, const struct generation *g, uint64_t first,
                              uint64_t last, enum err (*visit)(void *ctx, const struct queue_past *p), void *ctx);
MUST_CHECK enum err batch_delete(struct store_txn *t, const struct batch_state *b);

/* Records without a batch here, so without a receipt (queue_leftover.c).  Destroys, in the transaction, those whose
 * time is over; stops soon after *records reaches `max`.  *is_changed: there is something to commit.  `now`: the hub's
 * time; 0: it never said. */
MUST_CHECK enum err leftover_expire(struct agent *a, struct store_txn *t, int64_t now, uint64_t max, uint64_t *records,
                                    bool *is_changed);
/* More of a generation came (NULL: the hub may have gone back to an older state, all of them): what was archived before
 * proves nothing about it. */
MUST_CHECK enum err leftover_begin_again(struct store_txn *t, const struct generation *g);

#endif
