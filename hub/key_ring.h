/* key_ring.h: which keys this hub has and had: signing, sealing, transport; since when, and what became of each.  One
 * row of the store (H_META "keys"); the secret halves lie in keys/ (docs/keys.md).  Old signing keys stay here with the
 * root's certificate: receipts, snapshots and publications of earlier years are verified by them. */
#ifndef SVODKA_HUB_KEY_RING_H
#define SVODKA_HUB_KEY_RING_H

#include "common/store.h"
#include "protocol/directory.h"

#define RING_MAX             256u
#define RING_FILE_MAX        48u
#define RING_CERTIFICATE_MAX 256u

enum ring_kind { RING_SIGN = 1, RING_SEAL = 2, RING_CURVE = 3 };
enum ring_state {
    RING_CURRENT = 0,
    RING_OLD = 1,    /* sealing: opens what was sealed to it; signing: verifies what it signed; transport: gone */
    RING_LOST = 2,   /* sealing: the secret half is gone */
    RING_ERASED = 3, /* sealing: the secret half was destroyed, nobody needs it any more */
    RING_NEXT = 4    /* transport: listened with at the second address already */
};
struct ring_key {
    enum ring_kind kind;
    enum ring_state state;
    uint8_t public_half[KEY_BYTES];
    int32_t year;     /* sealing: the school year's first */
    uint32_t ordinal; /* sealing: which of that year, from 1 */
    int64_t since_ms; /* made */
    int64_t until_ms; /* current no more; 0: it is */
    uint64_t version; /* of the directory in which it was current no more; 0: it is */
    size_t certificate_len;
    uint8_t certificate[RING_CERTIFICATE_MAX]; /* signing: by the root */
};
/* A new transport key comes in three steps (docs/keys.md). */
enum curve_stage {
    CURVE_STILL = 0,
    CURVE_BOTH = 1,    /* the usual addresses with the current key, `listen` with the next one */
    CURVE_SWITCHED = 2 /* all addresses with the new key; `listen` is still one of them */
};
struct curve_change {
    enum curve_stage stage;
    uint64_t version; /* of the directory that told this stage first */
    char listen[ENDPOINT_MAX + 1], announce[ENDPOINT_MAX + 1];
};
struct key_ring { /* 80 KiB: on the heap */
    size_t count;
    struct ring_key keys[RING_MAX];
    struct curve_change curve;
};

/* ERR_NOT_FOUND: the store has none; ERR_CORRUPT: damaged, or a signing key whose certificate is not the root's. */
MUST_CHECK enum err ring_load(struct key_ring *out, struct store_txn *t, const uint8_t root[KEY_BYTES],
                              const uint8_t district[DISTRICT_BYTES]);
MUST_CHECK enum err ring_store(const struct key_ring *r, struct store_txn *t);
/* The row's bytes.  ERR_MALFORMED. */
MUST_CHECK enum err ring_decode(struct key_ring *out, struct bytes value);
MUST_CHECK enum err ring_encode(struct buf *out, const struct key_ring *r);

/* Of a home from before there was a ring: from its directory and its certificate. */
MUST_CHECK enum err ring_begin(struct key_ring *out, const struct directory *d, struct bytes certificate);

/* A new key of that kind; when it is the current one, the one that was becomes old.  *out may be NULL.
 * ERR_LIMIT: RING_MAX. */
MUST_CHECK enum err ring_add(struct key_ring *r, enum ring_kind kind, enum ring_state state,
                             const uint8_t public_half[KEY_BYTES], int64_t now_ms, struct ring_key **out);
struct ring_key *ring_find(struct key_ring *r, enum ring_kind kind, const uint8_t public_half[KEY_BYTES]);
const struct ring_key *ring_current(const struct key_ring *r, enum ring_kind kind); /* NULL: none */
const struct ring_key *ring_next(const struct key_ring *r);                         /* transport; NULL: none */
/* The newest sealing key that is not lost or erased becomes the current one. */
void ring_settle_seal(struct key_ring *r);
/* The ordinal of a year's next sealing key. */
uint32_t ring_next_ordinal(const struct key_ring *r, int32_t year);
/* "2026" or "2026-2".  ERR_USAGE; ERR_NOT_FOUND: there is no such sealing key. */
MUST_CHECK enum err ring_named(struct key_ring *r, const char *name, struct ring_key **out);

#define RING_SUBJECT 32u
/* As ring_named() and the commands have it, for the audit: "sign", "curve", "seal 2026", "seal 2026-2". */
void ring_subject(char out[RING_SUBJECT], const struct ring_key *k);
/* Its file's name in keys/: "seal-2026.key", "seal-2026-2.key", "sign.key", "curve-next.key". */
void ring_file(char out[RING_FILE_MAX], const struct ring_key *k);
/* The same backwards for sealing keys; false: it is none. */
bool ring_seal_file(const char *name, int32_t *year, uint32_t *ordinal);

#endif
