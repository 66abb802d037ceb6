/* signers_internal.h: shared by the signers*.c files alone.
 *
 *   signers.c       deeds: decided, journalled, replayed, and what follows from each
 *   signers_rows.c  what is kept: computers, how a participant stands, doubtful batches */
#ifndef SVODKA_HUB_SIGNERS_INTERNAL_H
#define SVODKA_HUB_SIGNERS_INTERNAL_H

#include "hub/signers.h"

MUST_CHECK enum err signer_put(struct store_txn *t, uint32_t participant, const struct signer *s);
MUST_CHECK enum err stands_put(struct store_txn *t, uint32_t participant, const struct stands *s);
/* Batches of the generation that are held now; the batches' table is not written meanwhile. */
MUST_CHECK enum err suspects_mark(struct store_txn *t, uint64_t lsn, uint32_t participant,
                                  const struct suspect_from *from);

#endif
