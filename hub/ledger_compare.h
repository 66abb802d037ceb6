/* ledger_compare.h: the ledger's tables against those of a replay (ledger_verify.c alone). */
#ifndef SVODKA_HUB_LEDGER_COMPARE_H
#define SVODKA_HUB_LEDGER_COMPARE_H

#include "hub/hub.h"

#include <stdio.h>

struct compare {
    struct hub *hub;
    FILE *to;
    uint64_t bad;
    uint64_t said; /* lines printed about the table at hand */
};
/* One difference: a line, and one more in `bad`.  After the first few hundred of a table they are only counted. */
void compare_say(struct compare *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Computed rows of a table that is not in a store. */
struct compare_rows {
    /* In the order of their keys; loans until the next call.  ERR_NOT_FOUND: no more. */
    enum err (*next)(void *ctx, struct bytes *key, struct bytes *value);
    void *ctx;
};
/* Everything that follows from the journal, byte for byte.  `current` and `slots` (NULL: they are in `computed` as all
 * others) stand for these two tables. */
MUST_CHECK enum err compare_tables(struct compare *c, struct store_txn *held, struct store_txn *computed,
                                   const struct compare_rows *current, const struct compare_rows *slots);

#endif
