/* reconcile.h: what the hub holds of one generation in a range of numbers, signed: (number, record digest) pairs, at
 * most 4,096 a reply (SPEC.md sections 5.9 and 7). */
#ifndef SVODKA_PROTOCOL_RECONCILE_H
#define SVODKA_PROTOCOL_RECONCILE_H

#include "protocol/batch.h"
#include "protocol/signed.h"

#define RECONCILE_MAX       4096u
#define RECORD_DIGEST_BYTES 16u /* first half of BLAKE2b-256 of the record's bytes */
struct reconcile_item {
    uint64_t number;
    uint8_t digest[RECORD_DIGEST_BYTES];
};
struct reconcile {
    uint8_t district[16];
    char participant[ID_MAX + 1];
    struct generation gen;
    uint64_t first, last;      /* numbers covered by this reply; last >= held_last_number: it is the last page */
    uint64_t held_last_number; /* greatest number the hub holds of this generation; 0: none */
    uint64_t held_last_sequence;
    uint32_t next_counter; /* the generation counter to begin */
    bool is_closed;        /* the hub takes nothing new of this generation: only then may numbers be given anew */
    uint32_t count;
    struct reconcile_item *items; /* by ascending number; owned: reconcile_fini() */
};
void reconcile_fini(struct reconcile *r);
/* ERR_INVALID: something in `r` that reconcile_open() would refuse. */
MUST_CHECK enum err reconcile_make(struct buf *out, const struct reconcile *r, const struct key *hub_sign);
/* On failure *out is all zeros. */
MUST_CHECK enum err reconcile_open(struct reconcile *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES]);
void record_digest(uint8_t out[RECORD_DIGEST_BYTES], struct bytes record);

#endif
