/* receipt.h: the hub's signed word about a batch (SPEC.md section 8).  Its signed digests, for when two histories meet,
 * have a header of their own, included at the end. */
#ifndef SVODKA_PROTOCOL_RECEIPT_H
#define SVODKA_PROTOCOL_RECEIPT_H

#include "protocol/batch.h"
#include "protocol/refusal.h"
#include "protocol/signed.h"

#define RECEIPT_MAX_REFUSALS 1024u /* named one by one; more are only counted */

enum receipt_state { RECEIPT_STORED = 1, RECEIPT_ARCHIVED = 2, RECEIPT_REFUSED = 3 };

/* One verdict for each record. */
enum verdict { VERDICT_COUNTED = 0, VERDICT_SUPERSEDED = 1, VERDICT_DUPLICATE = 2, VERDICT_QUARANTINED = 3 };
#define VERDICT_COUNT 4

struct receipt_refusal {
    uint64_t number;
    struct refusal why;
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
    bool has_records;                 /* false: of an earlier year */
    uint8_t records[DIGEST_BYTES]; /* root over the batch's records (record_tree.h); zeros: it holds none, or unread */
};
void receipt_fini(struct receipt *r);
/* ERR_INVALID: something in `r` that receipt_open() would refuse. */
MUST_CHECK enum err receipt_make(struct buf *out, const struct receipt *r, const struct key *hub_sign);
/* On failure *out is all zeros.  The caller believes it only about a batch of its own whose digest is equal. */
MUST_CHECK enum err receipt_open(struct receipt *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES]);
const char *verdict_name(enum verdict v);

#include "protocol/reconcile.h"

#endif
