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
/* Everything that follows from the journal, byte for byte. */
MUST_CHECK enum err compare_tables(struct compare *c, struct store_txn *held, struct store_txn *computed);

#endif
