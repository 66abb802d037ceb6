/* gateway_spool.h: beginnings of batches that come in several chunks, so that a lost line resumes where it was.
 *
 * spool/DIGEST.TOTAL.PARTICIPANT.part (0600; where core and gateway share a folder 0640, for its group) holds the bytes
 * from the beginning on; when all are there and the gateway has checked them, the file is renamed to spool/DIGEST,
 * where the core reads and removes it.  Keyed by participant and digest: nobody touches another's beginning.  Nothing
 * is synced: what a power cut takes is sent again, and that is all that the loss of anything here ever costs.  Used by
 * one thread. */
#ifndef SVODKA_HUB_GATEWAY_SPOOL_H
#define SVODKA_HUB_GATEWAY_SPOOL_H

#include "protocol/batch.h"

#define SPOOL_MAX_EACH    4u /* unfinished batches of one participant; the one untouched longest goes */
#define SPOOL_MAX_ENTRIES 4096u

struct spool;
struct spool_key {
    const char *participant;
    const uint8_t *digest; /* of the whole batch */
    uint32_t total;        /* its length */
};

/* Finds again what is in HOME/spool (made when it is missing); `max_bytes` for all, `days` since the last byte. */
MUST_CHECK enum err spool_open(struct spool **out, const char *home, uint64_t max_bytes, uint32_t days);
void spool_close(struct spool *s); /* the files stay; NULL does nothing */
void spool_set_limits(struct spool *s, uint64_t max_bytes, uint32_t days);
/* So many bytes of the disk are kept free (none, unless it is said); true: fewer are left, and nothing should be begun.
 */
void spool_set_reserve(struct spool *s, uint64_t bytes);
bool spool_is_closed(const struct spool *s);

/* Bytes held from the beginning on; 0: none. */
uint32_t spool_have(struct spool *s, const struct spool_key *k);
/* Adds bytes at the end of what is held; *have is the sum afterwards.  Others make room, the longest untouched first.
 * ERR_LIMIT: more than `total`; ERR_FULL: no room even so; ERR_IO.  After an error nothing of this batch is held. */
MUST_CHECK enum err spool_append(struct spool *s, const struct spool_key *k, struct bytes data, uint32_t *have);
/* The whole batch into `out` (emptied first).  ERR_NOT_FOUND: it is not whole; ERR_IO. */
MUST_CHECK enum err spool_read(struct spool *s, const struct spool_key *k, struct buf *out);
/* Renames it for the core.  Again: no change. */
MUST_CHECK enum err spool_hand_over(struct spool *s, const struct spool_key *k);
void spool_drop(struct spool *s, const struct spool_key *k);
/* Forgets what is too old and what the core has taken. */
void spool_tidy(struct spool *s);
uint64_t spool_bytes(const struct spool *s);

#endif
