/* ledger_refuse.h: batches that no key of this hub opens or will ever open: remembered by their digest, so that the
 * same bytes get the same answer and the sequence goes on; nothing of them is counted (SPEC.md 6.6, 8.1). */
#ifndef SVODKA_HUB_LEDGER_REFUSE_H
#define SVODKA_HUB_LEDGER_REFUSE_H

#include "hub/ledger_internal.h"

/* Journals it, signs the receipt (appended), keeps both. */
MUST_CHECK enum err ledger_refuse(struct ledger *l, struct store_txn *t, const struct prepared *p,
                                  const struct apply_facts *facts, struct buf *receipt);
/* For the ledger's replay: does again what an entry of type JOURNAL_KEY says; `m` stands at its payload.  An entry
 * about a key alone only takes its number.  ERR_MALFORMED. */
MUST_CHECK enum err ledger_refuse_replay(struct ledger *l, struct store_txn *t, int64_t wall_ms, struct mp *m,
                                         size_t elements);
/* The digest that a refused batch says stands before it.  ERR_NOT_FOUND: the entry is not about one. */
MUST_CHECK enum err refused_previous(struct store_txn *t, uint64_t lsn, uint8_t previous[DIGEST_BYTES]);

#endif
