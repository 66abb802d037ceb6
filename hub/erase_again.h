/* erase_again.h: what a hub that was restored from an older backup must erase again, by the files that the act was
 * written to: NUMBER.act (signed by the hub) and, unless it was about a whole class, NUMBER.csv beside it (the extract,
 * whose digest the act holds). */
#ifndef SVODKA_HUB_ERASE_AGAIN_H
#define SVODKA_HUB_ERASE_AGAIN_H

#include "hub/ledger_erase.h"

struct erase_again {
    struct act act; /* as signed */
    bool is_known;  /* this hub has this very act in its journal: nothing is to be done */
    struct erase_ref *refs;
    size_t count;
    uint64_t unknown; /* submissions of participants whom this hub does not know: left out */
    char order[ACT_ORDER_MAX + 1];
};
/* ERR_AUTH: not signed by a key of this hub; ERR_MALFORMED; ERR_NOT_FOUND: no extract beside it; ERR_VERSION: an act of
 * a program that did not write down which submissions it was about.  On failure nothing is to be freed. */
MUST_CHECK enum err erase_again_read(struct erase_again *out, struct hub *h, struct store_txn *t, const char *file);
void erase_again_fini(struct erase_again *a);
/* The order that erases the same.  Strings are loans of `a`; the caller sets `by`. */
void erase_again_order(const struct erase_again *a, struct erase_order *o);

/* ---- the extract, for tests ---- */
#define ERASE_REFS_MAX 1000000u
/* Reads what act_extract() wrote: bounded, whole or not at all.  `index_of`: participant's index by its id, or
 * UINT32_MAX.  Sorts. */
MUST_CHECK enum err erase_refs_read(struct erase_again *out, struct bytes csv,
                                    uint32_t (*index_of)(const void *ctx, const char *id), const void *ctx);

#endif
