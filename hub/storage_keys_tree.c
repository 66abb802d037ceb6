#include "hub/storage_keys_internal.h"

#include <sodium.h>
#include <string.h>

#define NODE_DOMAIN  "svodka storage node v1"
#define NEXT_DOMAIN  "svodka storage next v1"
#define LEAF_DOMAIN  "svodka storage leaf v1"
#define VERSIONS_MAX 65536u /* steps that are taken at once */

enum err storage_tree_of(struct storage_tree *out, size_t count)
{
    if (count > NODES_MAX)
        return err_set(ERR_LIMIT, "a storage key of more than %u parts", NODES_MAX);
    if ((out->nodes = sodium_allocarray(count, sizeof(*out->nodes))) == NULL)
        return err_set(ERR_NOMEM, "no guarded memory for a storage key");
    out->count = count;
    return OK;
}

enum err storage_tree_new(struct storage_tree *out)
{
    enum err e = storage_tree_of(out, 1);

    if (e != OK)
        return e;
    memset(out->nodes, 0, sizeof(*out->nodes));
    random_bytes(out->nodes[0].secret, KEY_BYTES);
    return OK;
}

void storage_tree_fini(struct storage_tree *t)
{
    sodium_free(t->nodes);
    *t = (struct storage_tree){NULL, 0};
}

static uint64_t span(const struct storage_node *n)
{
    return UINT64_C(1) << (LSN_BITS - n->depth);
}

bool storage_tree_is_good(const struct storage_tree *t)
{
    uint64_t end = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct storage_node *n = &t->nodes[i];

        if (n->depth > LSN_BITS || n->first < end || n->first >> LSN_BITS != 0 || (n->first & (span(n) - 1)) != 0 ||
            (n->version != 0 && n->depth != LSN_BITS))
            return false;
        end = n->first + span(n);
    }
    return t->count > 0;
}

static const struct storage_node *find(const struct storage_tree *t, uint64_t lsn)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (t->nodes[middle].first + span(&t->nodes[middle]) <= lsn)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->count && t->nodes[low].first <= lsn ? &t->nodes[low] : NULL;
}

static void step(uint8_t out[KEY_BYTES], const uint8_t key[KEY_BYTES], unsigned bit)
{
    uint8_t side = (uint8_t)bit;

    derive(out, key, NODE_DOMAIN, bytes_of(&side, 1));
}

static unsigned bit_at(uint64_t lsn, uint32_t depth)
{
    return (unsigned)(lsn >> (LSN_BITS - 1 - depth) & 1u);
}

enum err storage_tree_leaf(const struct storage_tree *t, uint64_t lsn, uint32_t version, uint8_t out[KEY_BYTES])
{
    const struct storage_node *n = lsn >> LSN_BITS != 0 ? NULL : find(t, lsn);
    uint8_t key[KEY_BYTES];

    if (n == NULL || n->version > version)
        return err_set(ERR_ERASED, "the storage key of entry %llu was destroyed", (unsigned long long)lsn);
    if (version - n->version > VERSIONS_MAX)
        return err_set(ERR_LIMIT, "the storage key of entry %llu has no version %u", (unsigned long long)lsn, version);
    memcpy(key, n->secret, KEY_BYTES);
    for (uint32_t depth = n->depth; depth < LSN_BITS; depth++)
        step(key, key, bit_at(lsn, depth));
    for (uint32_t v = n->version; v < version; v++)
        derive(key, key, NEXT_DOMAIN, bytes_of("", 0));
    derive(out, key, LEAF_DOMAIN, bytes_of("", 0));
    wipe(key, sizeof(key));
    return OK;
}

/* ---- pricking ---- */

/* What is left of `n` when lsn[0 .. count) in it lose their present version. */
static enum err split(struct storage_tree *out, const struct storage_node *n, const uint64_t *lsn, size_t count)
{
    struct storage_node half = {.depth = n->depth + 1};
    uint64_t middle = n->first + span(n) / 2;
    size_t left = 0;
    enum err e;

    if (out->count == NODES_MAX)
        return err_set(ERR_LIMIT, "a storage key of more than %u parts", NODES_MAX);
    if (count == 0) {
        out->nodes[out->count++] = *n;
        return OK;
    }
    if (n->depth == LSN_BITS) {
        struct storage_node *at = &out->nodes[out->count++];

        *at = *n;
        at->version++;
        derive(at->secret, n->secret, NEXT_DOMAIN, bytes_of("", 0));
        return OK;
    }
    while (left < count && lsn[left] < middle)
        left++;
    half.first = n->first;
    step(half.secret, n->secret, 0);
    e = split(out, &half, lsn, left);
    half.first = middle;
    step(half.secret, n->secret, 1);
    if (e == OK)
        e = split(out, &half, lsn + left, count - left);
    wipe(&half, sizeof(half));
    return e;
}

enum err storage_tree_prick(struct storage_tree *out, const struct storage_tree *from, const uint64_t *lsn,
                            size_t count)
{
    struct storage_tree all;
    size_t done = 0;
    enum err e = storage_tree_of(&all, NODES_MAX);

    if (e != OK)
        return e;
    all.count = 0;
    for (size_t i = 0; i < from->count && e == OK; i++) {
        size_t first = done;

        while (done < count && lsn[done] < from->nodes[i].first + span(&from->nodes[i]))
            done++;
        if (first < done && lsn[first] < from->nodes[i].first)
            e = err_set(ERR_ERASED, "the storage key of entry %llu was destroyed", (unsigned long long)lsn[first]);
        else
            e = split(&all, &from->nodes[i], lsn + first, done - first);
    }
    if (e == OK && done < count)
        e = err_set(ERR_ERASED, "the storage key of entry %llu was destroyed", (unsigned long long)lsn[done]);
    if (e == OK && (e = storage_tree_of(out, all.count)) == OK)
        memcpy(out->nodes, all.nodes, all.count * sizeof(*all.nodes));
    storage_tree_fini(&all);
    return e;
}
