/* ledger_internal.h: shared by the ledger_*.c files alone. */
#ifndef SVODKA_HUB_LEDGER_INTERNAL_H
#define SVODKA_HUB_LEDGER_INTERNAL_H

#include "hub/decode.h"
#include "hub/ledger.h"
#include "hub/ledger_replay.h"
#include "hub/ledger_stored.h"
#include "hub/prepared.h"
#include "protocol/notice.h"

#define LEDGER_BLOB_CHUNK  (15u * 4096u - 16u)
#define LEDGER_CACHE_BYTES (16u << 20)
#define LEDGER_CACHE_SIZE  64u

/* Why something is kept apart, as the receipts and the quarantine say it. */
#define LEDGER_WHY_CONFLICT "another submission with this number was received before"
#define LEDGER_WHY_ERASED   "what this was about has been erased at the hub; it is not counted again"

/* A batch of the journal, opened. */
struct held_batch {
    uint64_t lsn;
    uint32_t participant;
    struct generation gen;
    struct batch_plain *plain;
    struct holes *holes; /* NULL: all of it is there */
    uint64_t used;       /* when it was last asked for */
};

struct ledger {
    struct hub *hub;
    struct slot_key slot_key;
    struct decoder *decoder;
    struct variable_eval *eval; /* made when first needed, and again when the hub's definitions changed */
    uint64_t eval_serial;
    struct cell_sums *sums;
    struct replay *replay; /* NULL: the living ledger; else slots and cells go there (borrowed) */
    struct held_batch cache[LEDGER_CACHE_SIZE];
    size_t cache_bytes, cache_max;
    uint64_t clock;
    uint64_t first_pending; /* lsn of the first entry not committed yet; 0: none */
    struct intake *intake;  /* for what is judged again; made when first needed, as `eval` is */
    uint64_t intake_serial;
};

/* ---- the journal (ledger.c) ---- */

struct journal_head {
    uint64_t lsn; /* 0: empty */
    uint8_t digest[DIGEST_BYTES];
};
MUST_CHECK enum err journal_head(struct store_txn *t, struct journal_head *out);
MUST_CHECK enum err journal_append(struct ledger *l, struct store_txn *t, enum journal_type type, int64_t wall_ms,
                                   struct bytes payload, size_t elements, uint64_t *lsn);
/* First three elements of an entry; `m` then stands at the payload, `elements` are left. */
MUST_CHECK enum err journal_read(struct bytes entry, struct mp *m, enum journal_type *type, int64_t *wall_ms,
                                 uint8_t previous[DIGEST_BYTES], size_t *elements);
MUST_CHECK enum err journal_get(struct store_txn *t, uint64_t lsn, struct bytes *entry);
MUST_CHECK enum err blob_put(struct store_txn *t, uint64_t lsn, struct bytes bytes);
/* All chunks; ERR_CORRUPT when there are none. */
MUST_CHECK enum err blob_get(struct store_txn *t, uint64_t lsn, struct buf *out);
/* Closed generations: the hub takes no new batch of them. */
MUST_CHECK enum err generation_is_closed(struct store_txn *t, uint32_t participant, const struct generation *gen,
                                         bool *is_closed);
MUST_CHECK enum err generation_mark_closed(struct store_txn *t, uint32_t participant, const struct generation *gen);

/* ---- a batch's entry (ledger_entry.c) ---- */

/* What was true when the batch came, and cannot be known afterwards. */
struct batch_entry {
    int64_t wall_ms;
    uint64_t lsn;
    uint8_t digest[DIGEST_BYTES];
    uint32_t length;
    uint32_t participant;
    struct generation gen;
    uint64_t sequence;
    uint8_t sign_key[KEY_BYTES];
    enum participant_state state;
    uint64_t grant_version, directory_version;
    int32_t school_year;   /* in which it was received: with the retention class names the storage key of a section */
    struct bytes verdicts; /* loan: what intake refused: varints row count, run, reason ... */
};
void batch_entry_put(struct buf *out, const struct batch_entry *e, size_t *elements);
MUST_CHECK enum err batch_entry_get(struct batch_entry *out, uint64_t lsn, struct bytes entry);
/* The key that signed it.  ERR_NOT_FOUND: it was refused, and that is not kept. */
MUST_CHECK enum err batch_signer(struct store_txn *t, uint64_t lsn, uint8_t sign[KEY_BYTES]);
void verdicts_put(struct buf *out, const struct prepared *p);
/* The same of one byte a record. */
void reasons_put(struct buf *out, const uint8_t *reasons, uint32_t count);
/* Into one byte a record. */
MUST_CHECK enum err verdicts_get(uint8_t *reasons, uint32_t count, struct bytes in);

/* ---- held batches and their records (ledger_read.c) ---- */

/* Valid until the next call.  ERR_CORRUPT. */
MUST_CHECK enum err held_open(struct ledger *l, struct store_txn *t, uint64_t lsn, const struct held_batch **out);
/* NULL: it would have to be opened. */
const struct held_batch *held_at_hand(struct ledger *l, uint64_t lsn);
/* Takes an opened batch (and what is missing of it) and sets both to NULL. */
void held_keep(struct ledger *l, uint64_t lsn, uint32_t participant, const struct generation *gen,
               struct batch_plain **plain, struct holes **holes);
void held_forget(struct ledger *l, uint64_t from_lsn);
/* ERR_ERASED: its content was destroyed; *number is set, held_erased() has what stayed of it. */
MUST_CHECK enum err held_record(const struct held_batch *b, uint32_t row, struct bytes *record, uint64_t *number);
MUST_CHECK enum err held_find_row(const struct held_batch *b, uint64_t number, uint32_t *row); /* ERR_NOT_FOUND */
/* NULL: it is there, or there is no such number. */
const struct erased_record *held_erased(const struct held_batch *b, uint64_t number);
MUST_CHECK enum err plain_find_row(const struct batch_plain *p, uint64_t number, uint32_t *row); /* ERR_NOT_FOUND */
/* What lies in the store of a batch, taken apart; stored_fini(), after `raw` is the caller's buffer of STORED_MAX. */
MUST_CHECK enum err stored_get(struct store_txn *t, uint64_t lsn, struct buf *raw, struct stored_batch *out);
/* Value in H_RANGES: last number u64 | lsn u64. */
MUST_CHECK enum err range_get(struct bytes value, uint64_t *last, uint64_t *lsn);
/* Which batch holds the number; ERR_NOT_FOUND. */
MUST_CHECK enum err range_find(struct store_txn *t, uint32_t participant, const struct record_ref *ref, uint64_t *lsn);
/* The current variables' evaluation. */
MUST_CHECK enum err ledger_eval(struct ledger *l);
/* Adds or takes away what a record of the journal contributes to the variables of `eval`. */
MUST_CHECK enum err ledger_contribute(struct ledger *l, struct variable_eval *eval, struct bytes record,
                                      struct cell_sums *sums, int sign);

/* ---- applying (ledger_apply.c: the batch as a whole; ledger_numbers.c: the numbers of its records and what they name;
 * ledger_slots.c: the slots they take) ---- */

enum row_flag {
    ROW_HELD = 1,        /* the number is held already */
    ROW_CONFLICT = 2,    /* ... with other content */
    ROW_DEAD = 4,        /* named by a correction or retraction */
    ROW_CURRENT = 8,     /* counts now */
    ROW_UNREADABLE = 16, /* quarantined as unreadable before; this is a readable copy */
    ROW_FROZEN = 32,     /* its slot, or what it corrects or retracts, was erased: kept apart */
    ROW_TWIN = 64        /* an answer that is held under another number */
};

/* What a replay takes from the entry, and the living hub from its clock and directory. */
struct apply_facts {
    int64_t wall_ms;
    uint64_t directory_version;
    int32_t school_year;
};

/* A submission of an earlier batch that left its slot. */
struct old_row {
    uint64_t lsn;
    uint32_t row;
};
/* What is named, and lies in an earlier batch. */
struct apply_kill {
    uint64_t lsn;
    struct record_ref ref;
};
struct apply {
    struct ledger *ledger;
    struct store_txn *t;
    const struct prepared *p;
    const struct apply_facts *facts;
    uint64_t lsn;
    uint8_t *flags;     /* one a record */
    struct buf leaving; /* struct old_row: current until now, in earlier batches */
    struct buf kills;   /* struct apply_kill */
    uint32_t current;   /* rows that count now */
    bool tells;         /* the living ledger: what the receipt cannot say goes into words (ledger_words.c) */
    struct buf said;
};
MUST_CHECK enum err apply_say(struct apply *a, const struct record_ref *ref, enum standing standing,
                              enum quarantine_reason reason);
/* A correction or retraction of `target` is accepted: if that waits in quarantine, it needs nobody's word any more. */
MUST_CHECK enum err apply_say_corrected(struct apply *a, const struct record_ref *target);
MUST_CHECK enum err apply_send_words(const struct apply *a);

/* Runs of numbers that this batch brought, but those that are held already. */
MUST_CHECK enum err apply_put_ranges(const struct apply *a);
/* Accepted: it is not refused, and this batch is the first to bring it. */
bool apply_is_accepted(const struct apply *a, uint32_t row);
/* Numbers that are held already; then targets that die, and rows that are dead already. */
MUST_CHECK enum err apply_find_held(struct apply *a);
MUST_CHECK enum err apply_find_dead(struct apply *a);
/* Between the two: rows that speak about what was erased. */
MUST_CHECK enum err apply_find_frozen(struct apply *a);
/* Sets `flag` on the rows whose numbers have an entry in a table that is keyed by number. */
MUST_CHECK enum err apply_mark_listed(struct apply *a, unsigned table, enum row_flag flag);
MUST_CHECK enum err apply_fill_slots(struct apply *a);
/* What stands in a slot; ERR_NOT_FOUND. */
MUST_CHECK enum err apply_current(struct apply *a, const uint8_t slot[SLOT_BYTES], struct slot_current *out);
/* Puts something else there, or nothing at all; `was_dead`: nothing counted there.  A frozen slot is never changed. */
MUST_CHECK enum err apply_set_current(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES],
                                      bool was_dead, const struct slot_current *c);
MUST_CHECK enum err apply_drop_current(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES],
                                       bool was_dead);
MUST_CHECK enum err apply_settle_cells(struct apply *a);

/* ---- places with frozen slots (ledger_frozen.c) ---- */
MUST_CHECK enum err frozen_get(struct store_txn *t, const char *form, const char *unit, const char *period,
                               uint64_t *act); /* number; ERR_NOT_FOUND */
MUST_CHECK enum err frozen_put(struct store_txn *t, const char *form, const char *unit, const char *period,
                               uint64_t act);

MUST_CHECK enum err ledger_apply_with(struct ledger *l, struct store_txn *t, const struct prepared *p,
                                      const struct apply_facts *facts, struct buf *receipt,
                                      enum ledger_outcome *outcome); /* a replay tells nobody */

/* A decision of ledger_release() again, from its entry.  ERR_MALFORMED: damaged; nothing was changed. */
MUST_CHECK enum err ledger_release_replay(struct ledger *l, struct store_txn *t, struct mp *m, size_t elements);
MUST_CHECK enum err ledger_reject_replay(struct store_txn *t, uint64_t lsn, struct mp *m, size_t elements);

/* Key in H_BATCHES to its value's parts. */
struct batch_row {
    uint64_t lsn;
    const uint8_t *digest;
    struct bytes receipt;
};
MUST_CHECK enum err batch_row_get(struct batch_row *out, struct bytes value);

/* Number key of the tables. */
static inline struct bytes place_key(uint8_t raw[PLACE_KEY_BYTES], uint32_t participant, const struct generation *gen,
                                     uint64_t number)
{
    place_key_put(raw, participant, gen, number);
    return bytes_of(raw, PLACE_KEY_BYTES);
}
/* Value in H_QUARANTINE. */
struct quarantine_row {
    uint64_t lsn;
    uint32_t row;
    struct refusal why;
    uint64_t rejected;               /* lsn of the decision that it will never count; 0: it waits */
    char word[RECEIPT_TEXT_MAX + 1]; /* the operator's, with that */
};
MUST_CHECK enum err quarantine_row_store(struct store_txn *t, struct bytes key, const struct quarantine_row *q);
MUST_CHECK enum err quarantine_row_get(struct quarantine_row *out, struct bytes value);
/* Is `key` of that participant and generation? */
bool place_key_is_of(struct bytes key, uint32_t participant, const struct generation *gen);
static inline uint64_t place_key_number(struct bytes key)
{
    return be64_get(key.p + GEN_KEY_BYTES);
}

#endif
