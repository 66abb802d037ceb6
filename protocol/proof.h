/* proof.h: receipts that a person can hand on (SPEC.md section 5.8.1): a text file with the hub's signed receipts, the
 * root's certificate of the key that signed them, and for each submission the proof that it is in the batch of its
 * receipt.  Who has the root's fingerprint checks it without asking anybody. */
#ifndef SVODKA_PROTOCOL_PROOF_H
#define SVODKA_PROTOCOL_PROOF_H

#include "protocol/receipt.h"
#include "protocol/record_tree.h"

#define PROOF_MAX_RECEIPTS 1024u
#define PROOF_MAX_RECORDS  65536u /* of all receipts together */
#define PROOF_TEXT_MAX     (16u << 20)

/* One submission of a receipt's batch. */
struct proof_record {
    uint64_t number;
    uint8_t digest[DIGEST_BYTES]; /* H of its canonical bytes */
    struct bytes shown;           /* those bytes, if the school shows them; else empty */
    uint32_t index, count;        /* its place among the batch's records */
    uint32_t path_len;
    uint8_t path[RECORD_TREE_PATH_MAX][DIGEST_BYTES];
};

/* ---- writing ---- */
struct proof_maker;
MUST_CHECK enum err proof_maker_new(struct proof_maker **out);
void proof_maker_free(struct proof_maker *m);
/* A receipt with its certificate, then its records.  ERR_LIMIT. */
MUST_CHECK enum err proof_add_receipt(struct proof_maker *m, struct bytes certificate, struct bytes receipt);
MUST_CHECK enum err proof_add_record(struct proof_maker *m, const struct proof_record *r);
/* The text; `hub_name` and `school_name` are for the people who see the file, and prove nothing. */
MUST_CHECK enum err proof_write(struct proof_maker *m, const char *hub_name, const char *school_name, struct buf *text);

/* ---- checking ---- */
/* Calls `each` for every submission after everything of the file has been checked against the root key with that
 * fingerprint: certificate, receipt, place in the tree, and the shown bytes.  *certificates: the root key is in `root`.
 * ERR_AUTH, ERR_MALFORMED, ERR_LIMIT, ERR_VERSION, each with a sentence. */
MUST_CHECK enum err proof_check(struct bytes text, const char *root_fingerprint,
                                enum err (*each)(void *ctx, const struct receipt *r, const struct proof_record *at),
                                void *ctx);

#endif
