/* storage_keys_internal.h: shared by the storage_keys*.c files alone.
 *
 *   storage_keys.c       what the store knows, the cache, opening and erasing
 *   storage_keys_tree.c  the tree: leaves, and what pricking leaves of it
 *   storage_keys_file.c  the file: written, read, replaced and destroyed */
#ifndef SVODKA_HUB_STORAGE_KEYS_INTERNAL_H
#define SVODKA_HUB_STORAGE_KEYS_INTERNAL_H

#include "hub/storage_keys.h"

#define LSN_BITS  40u
#define NODES_MAX 32768u

/* All entries whose first `depth` bits are those of `first`.  At depth LSN_BITS: one entry, from `version` on. */
struct storage_node {
    uint64_t first;
    uint32_t depth, version;
    uint8_t secret[KEY_BYTES];
};
/* Disjoint, ascending; in guarded memory. */
struct storage_tree {
    struct storage_node *nodes;
    size_t count;
};
MUST_CHECK enum err storage_tree_new(struct storage_tree *out); /* a fresh random root */
MUST_CHECK enum err storage_tree_of(struct storage_tree *out, size_t count);
void storage_tree_fini(struct storage_tree *t);
/* ERR_ERASED, ERR_LIMIT. */
MUST_CHECK enum err storage_tree_leaf(const struct storage_tree *t, uint64_t lsn, uint32_t version,
                                      uint8_t out[KEY_BYTES]);
/* Another tree, without the present versions of those entries.  ERR_ERASED: there is none.  ERR_LIMIT. */
MUST_CHECK enum err storage_tree_prick(struct storage_tree *out, const struct storage_tree *from, const uint64_t *lsn,
                                       size_t count);
/* Do the nodes follow the rules above? */
bool storage_tree_is_good(const struct storage_tree *t);

/* Paths are HOME/keys/storage/CLASS-YEAR.key. */
MUST_CHECK enum err storage_file_path(char *out, const char *home, const char *retention, int32_t year);
MUST_CHECK enum err storage_file_folder(const char *home);
/* ERR_EXISTS: never overwritten. */
MUST_CHECK enum err storage_file_write(const char *path, const struct storage_tree *t);
MUST_CHECK enum err storage_file_read(struct storage_tree *out, const char *path);
/* The new tree in place of the old one, whose bytes are overwritten. */
MUST_CHECK enum err storage_file_replace(const char *path, const struct storage_tree *t);
/* What a crash left beside it: overwritten and removed. */
MUST_CHECK enum err storage_file_tidy(const char *path);

#endif
