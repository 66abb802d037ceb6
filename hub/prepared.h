/* prepared.h: what an intake worker makes of a batch for the ledger's one writer: everything that needs no store. */
#ifndef SVODKA_HUB_PREPARED_H
#define SVODKA_HUB_PREPARED_H

#include "hub/cells.h"
#include "hub/registry.h"
#include "hub/slot.h"
#include "protocol/refusal.h"

#define PREPARED_NO_TEXT UINT32_MAX

struct prepared_record {
    uint64_t number;
    struct record_ref target; /* CORRECTION, RETRACTION */
    uint32_t place;           /* in cell_sums_places(); unset when refused */
    uint32_t text;            /* offset of prepared_why() in `texts`, or PREPARED_NO_TEXT */
    uint8_t slot[SLOT_BYTES]; /* unset in retractions and when refused */
    uint8_t kind;             /* enum record_kind */
    uint8_t reason;           /* enum quarantine_reason; 0: nothing wrong with it */
    bool is_erased;           /* of a replay: its content is gone, and it contributes nothing here */
};

struct prepared {
    uint64_t
        definitions_serial; /* of the hub when it was prepared: pointers below are good only while it is the same */
    uint32_t participant;   /* index */
    char participant_id[ID_MAX + 1];
    enum participant_state state;
    uint64_t grant_version;

    struct buf batch; /* a copy of the bytes; of a replay empty */
    uint32_t length;  /* of the batch as it was received */
    uint8_t digest[DIGEST_BYTES];
    struct batch_header header;
    struct section_keys keys;
    bool is_unopenable;        /* sealed to a key that this hub has lost, or never had: nothing below is set */
    bool is_unreadable;        /* it did not open; every record is refused as unreadable */
    struct batch_plain *plain; /* NULL: is_unreadable, or somebody has taken it since */
    struct buf stored;         /* of a replay: what lies in the store */
    struct holes *holes;       /* of a replay: what is not in `plain`, because it was erased; NULL: nothing */

    struct prepared_record *records; /* by ascending number */
    uint32_t count;
    uint32_t value_count;   /* of by_slot */
    uint32_t *by_slot;      /* value records that are not refused, by (slot, number) */
    struct cell_sums *sums; /* what all of by_slot[] contribute together */
    struct buf texts;       /* what is wrong in detail; the first RECEIPT_MAX_REFUSALS of a batch */
    uint32_t refused;
    uint8_t tree[DIGEST_BYTES]; /* root over its records (record_tree.h); zeros: none could be read */
};
/* Notes why a record is refused: rule, field, expected, text.  `reason` of `why` is not kept. */
MUST_CHECK enum err prepared_note(struct prepared *p, struct prepared_record *r, const struct refusal *why);
/* The same read again; without a note, empty but for the reason. */
void prepared_why(const struct prepared *p, const struct prepared_record *r, struct refusal *out);

/* Kept apart whatever is in it, until the operator decides. */
static inline bool prepared_is_held(const struct prepared *p)
{
    return p->state == PARTICIPANT_HELD || p->state == PARTICIPANT_REVOKED;
}

/* ---- for the ledger's replay ---- */

/* The verdicts that intake gave when the batch came, from its journal entry: they are decisions, and stand whatever
 * forms, rights and periods say today. */
struct prepared_verdicts {
    const uint8_t *reasons; /* one a record; 0: accepted */
    uint32_t count;
    enum participant_state state;
    uint64_t grant_version;
    bool are_judged; /* 0 stands for: judge it by what forms, rights and periods say now, whatever the state */
};
struct intake;
/* As intake_prepare() after its checks, from what the store holds; the judgement is taken from `v`.  `s` is the stored
 * batch taken apart, `o` the same opened (its list of erased ones is taken over), `digest` that of the batch. */
struct stored_batch;
struct stored_opened;
MUST_CHECK enum err intake_replay(struct intake *i, const struct participant *from, struct bytes stored,
                                  const struct stored_batch *s, struct stored_opened *o,
                                  const uint8_t digest[DIGEST_BYTES], const struct prepared_verdicts *v,
                                  struct prepared **out);
/* Canonical bytes of a row; len 0: erased. */
struct bytes prepared_row(const struct prepared *p, uint32_t row);

#endif
