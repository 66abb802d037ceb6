/* queue_proof.h: what a receipt proves about single submissions: the batch that carried them, all of its records, and
 * the certificate of who signed (protocol/proof.h). */
#ifndef SVODKA_AGENT_QUEUE_PROOF_H
#define SVODKA_AGENT_QUEUE_PROOF_H

#include "agent/queue.h"
#include "protocol/proof.h"
#include "protocol/record_tree.h"

/* A receipt as it was signed, and the digests of all records of its batch, by ascending number. */
struct queue_proof {
    struct batch_state batch;
    struct buf receipt, certificate;
    uint64_t *numbers;
    uint8_t (*digests)[DIGEST_BYTES];
    uint32_t count;
    struct record_tree tree;
};
void queue_proof_fini(struct queue_proof *p);
/* Of the batch that carried a submission.  ERR_NOT_FOUND: there is no receipt.  ERR_CORRUPT: what is kept here is not
 * what the district confirmed. */
MUST_CHECK enum err queue_proof_of(const struct agent *a, const struct record_ref *ref, struct queue_proof *out);
/* The proof of one of them.  ERR_NOT_FOUND: no such number in it.  ERR_VERSION: the receipt is of an earlier year, and
 * speaks of the batch alone. */
MUST_CHECK enum err queue_prove(const struct queue_proof *p, const struct receipt *r, uint64_t number,
                                struct proof_record *out);

/* Every generation with anything in it, oldest first. */
MUST_CHECK enum err queue_every_generation(const struct agent *a, struct generation *out, size_t max, size_t *count);
/* The directory's certificate stays with the first receipt of each of the hub's signing keys. */
MUST_CHECK enum err queue_keep_certificate(const struct agent *a, struct store_txn *t, const uint8_t signer[KEY_BYTES]);

#endif
