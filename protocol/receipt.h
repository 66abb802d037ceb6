/* receipt.h: the hub's signed word about a batch (SPEC.md section 8).  Its signed digests, for when two histories meet,
 * have a header of their own, included at the end. */
#ifndef SVODKA_PROTOCOL_RECEIPT_H
#define SVODKA_PROTOCOL_RECEIPT_H

#include "protocol/batch.h"
#include "protocol/signed.h"

#define RECEIPT_MAX_REFUSALS 1024u /* named one by one; more are only counted */
#define RECEIPT_TEXT_MAX     300u

enum receipt_state { RECEIPT_STORED = 1, RECEIPT_ARCHIVED = 2, RECEIPT_REFUSED = 3 };

/* One verdict for each record. */
enum verdict { VERDICT_COUNTED = 0, VERDICT_SUPERSEDED = 1, VERDICT_DUPLICATE = 2, VERDICT_QUARANTINED = 3 };
#define VERDICT_COUNT 4

enum quarantine_reason {
    QUARANTINE_UNKNOWN_FORM = 1,
    QUARANTINE_MALFORMED = 2,  /* the record's bytes */
    QUARANTINE_INVALID = 3,    /* form_check() */
    QUARANTINE_UNIT = 4,       /* no right to speak for this unit */
    QUARANTINE_ROLE = 5,       /* the form is another role's */
    QUARANTINE_PERIOD = 6,     /* unknown period, or of another series */
    QUARANTINE_UNREADABLE = 7, /* the section did not open */
    QUARANTINE_TARGET = 8,     /* correction or retraction of something that cannot be (answers, itself, later) */
    QUARANTINE_HELD = 9,       /* participant held or revoked */
    QUARANTINE_CONFLICT = 10,  /* same number, other content */
    QUARANTINE_ERASED = 11     /* about something whose content was erased at the hub */
};

struct receipt_refusal {
    uint64_t number;
    enum quarantine_reason reason;   /* from a later hub it may be a number not named above (at most 255) */
    char text[RECEIPT_TEXT_MAX + 1]; /* where and why, English; the agent translates by reason */
};
struct receipt {
    uint8_t district[16];
    char participant[ID_MAX + 1];
    struct generation gen;
    uint64_t sequence;
    uint8_t batch[DIGEST_BYTES];
    enum receipt_state state;
    int64_t hub_ms;         /* the hub's clock at the commit */
    uint64_t ledger_number; /* place in the journal */
    uint64_t directory_version;
    uint64_t verdicts[VERDICT_COUNT]; /* how many of each */
    uint32_t refusal_count;           /* kept here */
    struct receipt_refusal *refusals; /* owned: receipt_fini() */
};
void receipt_fini(struct receipt *r);
/* ERR_INVALID: something in `r` that receipt_open() would refuse. */
MUST_CHECK enum err receipt_make(struct buf *out, const struct receipt *r, const struct key *hub_sign);
/* On failure *out is all zeros.  The caller believes it only about a batch of its own whose digest is equal. */
MUST_CHECK enum err receipt_open(struct receipt *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES]);
const char *verdict_name(enum verdict v);
const char *quarantine_reason_name(enum quarantine_reason r); /* "unknown-form" ..., "other" */

#include "protocol/reconcile.h"

#endif
