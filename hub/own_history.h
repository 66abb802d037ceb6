/* own_history.h: a participant's own batches, given back to the computer it has now as words (words.h, history.h).
 *
 * When a computer joins, every batch that the participant's earlier ones sent becomes a word to it; so does a batch of
 * an earlier one that comes later.  What is stored is a reference; the page is made when it leaves: sealed to the
 * present computer, of sections that were not erased meanwhile. */
#ifndef SVODKA_HUB_OWN_HISTORY_H
#define SVODKA_HUB_OWN_HISTORY_H

#include "hub/hub.h"
#include "hub/registry.h"
#include "protocol/notice.h"

/* A word for each batch that is held of this participant; nothing when its present computer told no history key. */
MUST_CHECK enum err own_history_add_all(struct hub *h, struct store_txn *t, const struct participant *p);
/* The same for one batch, just stored. */
MUST_CHECK enum err own_history_add(struct hub *h, struct store_txn *t, const struct participant *p,
                                    const struct generation *gen, uint64_t sequence);
/* Appends the word; `content` as stored. */
MUST_CHECK enum err own_history_make(struct hub *h, struct store_txn *t, const struct participant *p,
                                     const struct word_head *head, struct bytes content, struct buf *out);

#endif
