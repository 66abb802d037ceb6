/* signed.h: everything the hub says that an agent must believe (and the little an agent signs besides batches):
 *   "SVDO" | version 1 | type u8 | payload length u32 | payload | signer's public key 32 | Ed25519ph signature 64
 * over the domain of its type and all that stands before the signature.  Receivers ignore what they do not know at the
 * end of a payload's array (SPEC.md sections 2.3 and 5.2). */
#ifndef SVODKA_PROTOCOL_SIGNED_H
#define SVODKA_PROTOCOL_SIGNED_H

#include "protocol/keys.h"
#include "protocol/mp.h"

#define SIGNED_MAX      (1u << 20) /* the whole object */
#define SIGNED_OVERHEAD (10u + KEY_BYTES + SIGNATURE_BYTES)

enum signed_type {
    SIGNED_CERTIFICATE = 1, /* root: the hub's signing key */
    SIGNED_DIRECTORY = 2,
    SIGNED_GRANT = 3,
    SIGNED_RECEIPT = 4,
    SIGNED_RECONCILE = 5,   /* the hub's digests for a range of numbers */
    SIGNED_ENROL = 6,       /* agent's request, signed by its new key */
    SIGNED_SNAPSHOT = 7,    /* all values of a closed period; stays at the hub */
    SIGNED_CHECKPOINT = 8,  /* what the cells were on a day; stays at the hub */
    SIGNED_PUBLICATION = 9, /* what left the office; stands beside the published table */
    SIGNED_NOTICE = 10,     /* a word of the hub about submissions (notice.h) */
    SIGNED_HISTORY = 11,    /* a word that gives a participant its own history back */
    SIGNED_BUNDLE = 12,     /* the list of a file's parts (bundle.h) */
    SIGNED_AUDIT = 13,      /* the newest entry of the audit; stays at the hub, or goes to an inspector */
    SIGNED_ACT = 14,        /* what was erased, by whose order; stays at the hub, and is printed */
    SIGNED_BACKUP = 15,     /* a backup's head: who made it, of what, when (backup.h) */
    SIGNED_FIGURES = 16     /* a word: what was published for a school (figures.h) */
};

/* Appends the object; on failure `out` is as before.  ERR_LIMIT: larger than SIGNED_MAX. */
MUST_CHECK enum err signed_make(struct buf *out, enum signed_type type, struct bytes payload, const struct key *sign);
/* ERR_AUTH unless the signature is by `signer` (NULL: by whatever key it names) and of that type.  ERR_MALFORMED,
 * ERR_LIMIT, ERR_VERSION: not such an object at all.  The payload is a loan from `object`. */
MUST_CHECK enum err signed_open(struct bytes *payload, struct bytes object, enum signed_type type,
                                const uint8_t *signer);
const uint8_t *signed_signer(struct bytes object); /* NULL when too short */

#endif
