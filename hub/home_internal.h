/* home_internal.h: shared by hub.c, hub_create.c, hub_directory.c, hub_keys.c and hub_objects.c
 * alone. */
#ifndef SVODKA_HUB_HOME_INTERNAL_H
#define SVODKA_HUB_HOME_INTERNAL_H

#include "hub/hub.h"
#include "hub/key_ring.h"

extern const char *const hub_tables[HUB_TABLES + 1];

MUST_CHECK enum err hub_meta_get(struct store_txn *t, const char *key, struct bytes *out);
MUST_CHECK enum err hub_meta_put(struct store_txn *t, const char *key, struct bytes value);
MUST_CHECK enum err hub_conf_load(struct hub *h);
/* keys/: the folder and the storage key, before anything else is opened. */
MUST_CHECK enum err hub_keys_begin(struct hub *h);
MUST_CHECK enum err hub_wrong_key(const struct hub *h, const char *file);

/* What hub_reload() swaps in together: the ring as `t` sees it, and the files that must be there for it.  They must
 * hold the very keys that the schools were told: another sealing or transport key would turn every school away. */
struct hub_keys {
    struct key *sign, *seal[HUB_MAX_SEAL_KEYS];
    int32_t seal_year[HUB_MAX_SEAL_KEYS];
    uint32_t seal_ordinal[HUB_MAX_SEAL_KEYS];
    size_t seal_count;
    uint8_t curve[KEY_BYTES];
    struct key_ring *ring;
    bool has_strangers;
};
MUST_CHECK enum err hub_keys_read(struct hub_keys *out, const struct hub *h, struct store_txn *t);
void hub_keys_swap(struct hub *h, struct hub_keys *k);
void hub_keys_fini(struct hub_keys *k);
/* Sealing keys whose files lie in keys/ without being in the ring come into it (not stored yet). */
MUST_CHECK enum err hub_keys_adopt(struct hub *h, struct store_txn *t);
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

/* Calls `each` for every row of a table.  The end of the table is OK; an error of `each` ends the walk and is returned
 * as it is, "not found" included: it must never be taken for the end. */
typedef enum err (*row_visit)(void *ctx, struct bytes key, struct bytes value);
MUST_CHECK enum err hub_each_row(struct store_txn *t, unsigned table, row_visit each, void *ctx);
/* What only the hub reads is kept like the other files of the pack, but never travels. */
#define OBJECT_PROGRAMME ((enum object_kind)9)
enum object_kind hub_kind_of_file(const char *name);
/* A pack as it lies in a row of H_PROGRAMMES: file names and bytes copied; pack_free() it after an error, too. */
MUST_CHECK enum err hub_read_programme(struct store_txn *t, struct bytes value, struct pack *out);

#endif
