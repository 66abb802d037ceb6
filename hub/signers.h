/* signers.h: every computer that ever signed for a participant, how the participant stands and why, and what the
 * operator doubts: all of it follows from the journal's decisions about participants, by signers_apply() alone, which
 * the living hub and `verify` both call.
 *
 * H_SIGNERS: participant index u32 | signing key 32 -> the computer.  H_STANDING: participant index u32 -> how it
 * stands.  H_SUSPECTS: participant index u32 | counter u32 | tag 8 | sequence u64 -> lsn of the decision. */
#ifndef SVODKA_HUB_SIGNERS_H
#define SVODKA_HUB_SIGNERS_H

#include "hub/hub.h"
#include "protocol/batch.h"

#define SIGNERS_MAX  64u  /* computers of one participant, one after the other */
#define REASON_MAX   300u /* bytes of an operator's words */
#define SUSPECT_FROM 64u  /* generations that one decision may name */

/* What was decided about a participant; the words of the journal. */
enum participant_deed {
    DEED_INVITED,
    DEED_ENROLLED,    /* object: the grant with the new computer's keys */
    DEED_SUPERSEDED,  /* object: the last grant of the computer that another one replaced */
    DEED_HISTORY_KEY, /* object: 32 bytes, what its own history is sealed to */
    DEED_HELD,
    DEED_RELEASED,
    DEED_REVOKED,
    DEED_CLOSED,
    DEED_REKEYED,  /* object: the grant of the new invitation */
    DEED_FINISHED, /* object: 32 bytes, the signing key of a computer that has given all it had */
    DEED_COUNT
};

/* A computer. */
struct signer {
    uint8_t sign[KEY_BYTES], curve[KEY_BYTES];
    uint8_t history[KEY_BYTES];   /* X25519; zeros: none was told */
    uint64_t from_lsn, until_lsn; /* until 0: it is the present one */
    bool is_revoked;              /* an earlier one: nothing that comes later counts without the operator's word */
    bool is_finished;             /* closed, or an earlier one, and has said that nothing waits there any more */
    uint64_t held_bytes;          /* of its batches that were kept apart because it was held or revoked */
    uint64_t farewell_version;    /* 0: none */
    struct buf farewell;          /* the last grant, for an earlier one: says "revoked" */
};
void signer_fini(struct signer *s);

enum stands_as { STANDS_INVITED, STANDS_ACTIVE, STANDS_HELD, STANDS_REVOKED, STANDS_SHUT };
struct stands {
    enum stands_as state;
    uint64_t lsn; /* of the decision */
    int64_t since_ms;
    char reason[REASON_MAX + 1]; /* "" : none was asked for */
};
/* ERR_NOT_FOUND: nothing was ever decided. */
MUST_CHECK enum err signers_stands(struct store_txn *t, uint32_t participant, struct stands *out);

/* Batches of a generation from a sequence on. */
struct suspect_from {
    struct generation gen;
    uint64_t sequence;
};
struct suspect {
    uint32_t participant;
    struct generation gen;
    uint64_t sequence;
    uint64_t lsn; /* of the decision */
};
/* Batches that were counted before their sender was revoked, and that the operator marked then.  In the order of
 * participants, generations, sequences; `participant` 0: of all. */
MUST_CHECK enum err suspects_each(struct store_txn *t, uint32_t participant,
                                  enum err (*each)(void *ctx, const struct suspect *s), void *ctx);
/* The operator has decided about this batch.  ERR_NOT_FOUND. */
MUST_CHECK enum err suspect_clear(struct store_txn *t, uint32_t participant, const struct generation *gen,
                                  uint64_t sequence);

/* Decides: into the journal, and what follows from it.  `object`, `reason`, `from` as the deed needs them. */
MUST_CHECK enum err signers_decide(struct hub *h, struct store_txn *t, const char *id, uint32_t participant,
                                   enum participant_deed deed, struct bytes object, const char *reason,
                                   const struct suspect_from *from, size_t from_count);
/* The same by its word, which may be of no deed that changes anything here ("locked"). */
MUST_CHECK enum err signers_journal(struct hub *h, struct store_txn *t, const char *id, uint32_t participant,
                                    const char *what, struct bytes object);
/* What follows from an entry of the journal; `m` stands at its payload.  ERR_MALFORMED.  Deeds of a later program are
 * passed over. */
MUST_CHECK enum err signers_replay(struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m, size_t elements);

/* All computers of a participant, the oldest first: to be freed with signers_free(). */
MUST_CHECK enum err signers_load(struct store_txn *t, uint32_t participant, struct signer **out, size_t *count);
void signers_free(struct signer *list, size_t count); /* NULL, 0 does nothing */
/* ERR_NOT_FOUND. */
MUST_CHECK enum err signer_get(struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES],
                               struct signer *out);
/* A batch of `bytes` was kept apart because its sender is held or revoked.  No row: nothing is counted. */
MUST_CHECK enum err signer_add_held(struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES],
                                    uint64_t bytes);
/* Would so many bytes more be above what is kept of one computer that is held or revoked (held.max)?  To be asked
 * before ledger_apply() of a batch that prepared_is_held(). */
MUST_CHECK enum err signer_is_full(const struct hub *h, struct store_txn *t, uint32_t participant,
                                   const uint8_t sign[KEY_BYTES], uint64_t bytes, bool *is_full);
/* Is the key one of the participant's?  True also for a participant of whom no computer ever enrolled. */
MUST_CHECK enum err signer_is_known(struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES],
                                    bool *is_known);

#endif
