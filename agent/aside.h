/* aside.h: pages of the school's own history (own_history.h) and what was published for it (figures.h) that came and
 * cannot be opened here, because the key that they are sealed to (keys/seal.key) is missing or another one.  They are
 * put aside as they came, sealed, so that later words go on, and are taken when a key is there that opens them. */
#ifndef SVODKA_AGENT_ASIDE_H
#define SVODKA_AGENT_ASIDE_H

#include "agent/home.h"

#define ASIDE_MAX_BYTES                                                                                                \
    (32u << 20) /* of all of them together; what comes beyond that is given up, and that is said                       \
                 */

/* Inside the word's transaction.  The person is told with the first one, and when the first one is given up. */
MUST_CHECK enum err aside_put(struct agent *a, struct store_txn *t, uint64_t serial, struct bytes object);
/* Takes what can be opened by now, each in a transaction of its own; stops at the first that still cannot.  The caller
 * holds "sync.lock". */
MUST_CHECK enum err aside_take(struct agent *a);
/* How many wait, and how many were given up. */
MUST_CHECK enum err aside_count(const struct agent *a, uint64_t *waiting, uint64_t *given_up);

#endif
