/* ledger_doubt_internal.h: shared by the ledger_doubt*.c files alone.
 *
 *   ledger_doubt.c        one decision, its entry, its replay
 *   ledger_doubt_fact.c   one submission, read and asked how it stands
 *   ledger_doubt_find.c   whatever meets the doubted batches: what they named, what stood in their slots
 *   ledger_doubt_apply.c  what is dead, what stands in each slot, and the cells, once they are out */
#ifndef SVODKA_HUB_LEDGER_DOUBT_INTERNAL_H
#define SVODKA_HUB_LEDGER_DOUBT_INTERNAL_H

#include "hub/ledger_doubt.h"
#include "hub/ledger_internal.h"

/* What is the same of a submission for ever, whatever becomes of it. */
struct fact {
    uint32_t participant;
    struct record_ref ref;
    uint64_t lsn;
    uint32_t row;
    bool has_place; /* it could be read, and its form is known */
    bool has_slot;  /* and it is no retraction */
    bool has_target;
    bool is_erased;
    uint32_t place; /* form (its newest version), unit, period */
    uint8_t slot[SLOT_BYTES];
    struct record_ref target; /* stands before it */
};

/* A submission of the doubted participant that one of the doubted batches names, by itself or through what waits in
 * quarantine. */
struct named {
    struct record_ref ref;
    bool is_here; /* then `fact` is set */
    bool waits;   /* in quarantine, for that reason */
    enum quarantine_reason reason;
    bool has_next; /* it waits there, and what it names is named through it */
    bool is_stuck; /* it, or what it names, cannot be given back: erased */
    bool is_dead;  /* when the batches are out; then by this one */
    struct record_ref by;
    struct fact fact;
};

struct doubted {
    struct generation gen;
    uint64_t sequence, lsn;
    uint32_t count; /* rows; 0: nothing of it was ever read */
    uint8_t *codes; /* one a row: 1 taken out */
    size_t at;      /* of a replay: which one of the entry */
};

struct doubt {
    struct ledger *ledger;
    uint32_t participant;
    struct doubted *batches;
    size_t count;
    uint64_t stayed;
    struct places *places;
    struct buf taken;  /* struct fact */
    struct buf named;  /* struct named, by rising ref */
    struct buf slots;  /* SLOT_BYTES each, in order: those that may change */
    struct buf met;    /* struct fact: whatever has one of these slots, or names one of the named */
    struct buf erased; /* those slots, in order, of which something is erased */
    /* What `met` was gathered for. */
    uint64_t looked_lsn; /* 0: it was not */
    uint64_t looked_serial;
    struct buf looked; /* the slots and the names */
};

#define DOUBT_LIST_MAX (192u << 20)

/* Opens the batch of this entry; it stays open until another one is.  *count 0: it never opened, and nothing is known
 * of it. */
MUST_CHECK enum err fact_rows(struct doubt *d, struct store_txn *t, uint64_t lsn, const struct held_batch **b,
                              uint32_t *count);
MUST_CHECK enum err fact_read(struct doubt *d, const struct held_batch *b, uint32_t row, struct fact *f);
/* How a submission stands now. */
enum fact_standing { FACT_NOT_HELD, FACT_ACCEPTED, FACT_WAITS };
MUST_CHECK enum err fact_stands(struct store_txn *t, const struct fact *f, enum fact_standing *out,
                                struct quarantine_row *q);
bool fact_is_taken(const struct doubt *d, const struct fact *f);
/* Fills `taken` from the codes, `named`, `slots` and `met`.  `are_chosen`: the codes say which; else all that can be
 * taken out is, and the codes are written. */
MUST_CHECK enum err doubt_find(struct doubt *d, struct store_txn *t, bool are_chosen);
/* NULL: it is not among them. */
struct named *doubt_named(const struct doubt *d, const struct record_ref *ref);
MUST_CHECK enum err doubt_set_batches(struct doubt *d, struct store_txn *t);

/* `out` NULL: a replay. */
MUST_CHECK enum err doubt_apply(struct doubt *d, struct store_txn *t, const char *word, struct doubt_outcome *out);

#endif
