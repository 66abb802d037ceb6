/* record_tree.h: one digest over all records of a batch, and the proof that one record is among them which tells
 * nothing of the others (SPEC.md section 5.8). */
#ifndef SVODKA_PROTOCOL_RECORD_TREE_H
#define SVODKA_PROTOCOL_RECORD_TREE_H

#include "protocol/keys.h"

#define RECORD_TREE_PATH_MAX 16u /* 65,536 leaves */

/* Of a record under its number: `digest_in` is H of its canonical bytes. */
void record_tree_leaf(uint8_t out[DIGEST_BYTES], uint64_t number, const uint8_t digest_in[DIGEST_BYTES]);
/* All levels of a tree.  record_tree_init(), then the leaves into nodes[0] to nodes[count - 1] in the order of their
 * numbers, then record_tree_build(). */
struct record_tree {
    uint8_t (*nodes)[DIGEST_BYTES];
    uint32_t count;
};
MUST_CHECK enum err record_tree_init(struct record_tree *t, uint32_t count);
void record_tree_fini(struct record_tree *t);
void record_tree_build(struct record_tree *t);
/* Zeros for a tree without leaves. */
void record_tree_root(const struct record_tree *t, uint8_t out[DIGEST_BYTES]);
/* The digests beside the way from leaf `index` to the root; how many. */
uint32_t record_tree_path(const struct record_tree *t, uint32_t index, uint8_t (*path)[DIGEST_BYTES]);
/* The root that leaf `index` of `count` gives with that path.  False: no path of such a tree has this length. */
bool record_tree_climb(uint8_t out[DIGEST_BYTES], const uint8_t leaf[DIGEST_BYTES], uint32_t index, uint32_t count,
                       const uint8_t (*path)[DIGEST_BYTES], uint32_t path_len);

#endif
