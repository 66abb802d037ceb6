#include "protocol/record_tree.h"

#include <stdlib.h>
#include <string.h>

#define LEAF_DOMAIN "svodka record leaf v1"
#define NODE_DOMAIN "svodka record node v1"

void record_tree_leaf(uint8_t out[DIGEST_BYTES], uint64_t number, const uint8_t digest_in[DIGEST_BYTES])
{
    uint8_t both[8 + DIGEST_BYTES];

    be64_put(both, number);
    memcpy(both + 8, digest_in, DIGEST_BYTES);
    digest_domain(out, LEAF_DOMAIN, bytes_of(both, sizeof(both)));
}

static void join(uint8_t out[DIGEST_BYTES], const uint8_t left[DIGEST_BYTES], const uint8_t right[DIGEST_BYTES])
{
    uint8_t both[2 * DIGEST_BYTES];

    memcpy(both, left, DIGEST_BYTES);
    memcpy(both + DIGEST_BYTES, right, DIGEST_BYTES);
    digest_domain(out, NODE_DOMAIN, bytes_of(both, sizeof(both)));
}

enum err record_tree_init(struct record_tree *t, uint32_t count)
{
    /* n + n/2 + n/4 + ..., each rounded up */
    t->count = count;
    t->nodes = calloc((size_t)count * 2 + RECORD_TREE_PATH_MAX + 1, sizeof(*t->nodes));
    return t->nodes == NULL ? ERR_NOMEM : OK;
}

void record_tree_fini(struct record_tree *t)
{
    free(t->nodes);
    memset(t, 0, sizeof(*t));
}

/* Level by level; a node without a neighbour goes up as it is. */
void record_tree_build(struct record_tree *t)
{
    uint8_t(*level)[DIGEST_BYTES] = t->nodes;

    for (uint32_t n = t->count; n > 1; n = (n + 1) / 2) {
        uint8_t(*up)[DIGEST_BYTES] = level + n;

        for (uint32_t i = 0; i < n; i += 2) {
            if (i + 1 < n)
                join(up[i / 2], level[i], level[i + 1]);
            else
                memcpy(up[i / 2], level[i], DIGEST_BYTES);
        }
        level = up;
    }
}

void record_tree_root(const struct record_tree *t, uint8_t out[DIGEST_BYTES])
{
    const uint8_t(*level)[DIGEST_BYTES] = (const uint8_t(*)[DIGEST_BYTES])t->nodes;

    memset(out, 0, DIGEST_BYTES);
    if (t->count == 0)
        return;
    for (uint32_t n = t->count; n > 1; n = (n + 1) / 2)
        level += n;
    memcpy(out, level[0], DIGEST_BYTES);
}

uint32_t record_tree_path(const struct record_tree *t, uint32_t index, uint8_t (*path)[DIGEST_BYTES])
{
    const uint8_t(*level)[DIGEST_BYTES] = (const uint8_t(*)[DIGEST_BYTES])t->nodes;
    uint32_t len = 0;

    for (uint32_t n = t->count; n > 1; n = (n + 1) / 2, index /= 2) {
        if ((index ^ 1u) < n)
            memcpy(path[len++], level[index ^ 1u], DIGEST_BYTES);
        level += n;
    }
    return len;
}

bool record_tree_climb(uint8_t out[DIGEST_BYTES], const uint8_t leaf[DIGEST_BYTES], uint32_t index, uint32_t count,
                       const uint8_t (*path)[DIGEST_BYTES], uint32_t path_len)
{
    uint32_t used = 0;

    if (index >= count)
        return false;
    memcpy(out, leaf, DIGEST_BYTES);
    for (; count > 1; count = (count + 1) / 2, index /= 2) {
        uint8_t up[DIGEST_BYTES];

        if ((index ^ 1u) >= count)
            continue;
        if (used == path_len)
            return false;
        if ((index & 1u) == 0)
            join(up, out, path[used++]);
        else
            join(up, path[used++], out);
        memcpy(out, up, DIGEST_BYTES);
    }
    return used == path_len;
}
