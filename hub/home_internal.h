/* home_internal.h: shared by hub.c, hub_create.c, hub_keys.c and hub_objects.c alone. */
#ifndef SVODKA_HUB_HOME_INTERNAL_H
#define SVODKA_HUB_HOME_INTERNAL_H

#include "hub/hub.h"

extern const char *const hub_tables[HUB_TABLES + 1];

MUST_CHECK enum err hub_meta_get(struct store_txn *t, const char *key, struct bytes *out);
MUST_CHECK enum err hub_meta_put(struct store_txn *t, const char *key, struct bytes value);
MUST_CHECK enum err hub_conf_load(struct hub *h);
/* keys/: everything that the core and the commands need. */
MUST_CHECK enum err hub_keys_load(struct hub *h);
/* They must be the ones that this hub was made with: another storage key would hide the ledger's own entries from it,
 * another sealing or transport key would turn every school away. */
MUST_CHECK enum err hub_keys_check(const struct hub *h);
MUST_CHECK enum err hub_wrong_key(const struct hub *h, const char *file);
/* What the store keeps of the storage key, to know it again. */
void hub_storage_mark(const struct hub *h, uint8_t mark[DIGEST_BYTES]);

/* Definitions: what hub_reload() swaps in whole. */
struct definitions {
    struct directory *directory;
    struct buf directory_object;
    struct calendar *calendar;
    struct form **forms;
    size_t form_count;
    struct programme **programmes;
    struct due_rules **due;
    size_t programme_count;
};
MUST_CHECK enum err definitions_load(struct definitions *out, struct hub *h, struct store_txn *t);
void definitions_fini(struct definitions *d);

#endif
