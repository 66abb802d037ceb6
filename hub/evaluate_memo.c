/* Memory of one evaluation, names as small numbers, and what was computed already. */
#include "hub/evaluate_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory that lives as long as the evaluation ---- */

#define BLOCK_BYTES (256u << 10)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) uint8_t bytes[];
};

void *arena_alloc(struct evaluation *e, size_t size)
{
    struct arena_block *b = e->arena;
    size_t rounded = (size + 15u) & ~(size_t)15u;
    void *p;

    if (b == NULL || b->size - b->used < rounded) {
        size_t room = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;

        if ((b = malloc(sizeof(*b) + room)) == NULL)
            return NULL;
        *b = (struct arena_block){.next = e->arena, .size = room};
        e->arena = b;
    }
    p = b->bytes + b->used;
    b->used += rounded;
    memset(p, 0, size);
    return p;
}

void arena_free(struct evaluation *e)
{
    while (e->arena != NULL) {
        struct arena_block *next = e->arena->next;

        free(e->arena);
        e->arena = next;
    }
}

/* ---- hashing ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t hash_text(const char *text)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    for (; *text != '\0'; text++)
        h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
    return mix(h, 0);
}

/* ---- names ---- */

static uint32_t *names_slot(const struct names *n, const char *text)
{
    uint32_t at = (uint32_t)hash_text(text) & (n->slot_count - 1);

    while (n->slots[at] != NONE && strcmp(n->items[n->slots[at]], text) != 0)
        at = (at + 1) & (n->slot_count - 1);
    return &n->slots[at];
}

uint32_t names_find(const struct names *n, const char *text)
{
    return n->slot_count == 0 ? NONE : *names_slot(n, text);
}

static enum err names_grow(struct names *n)
{
    uint32_t cap = n->cap == 0 ? 64 : n->cap * 2;
    const char **items = reallocarray(n->items, cap, sizeof(*items));
    uint32_t *slots;

    if (items == NULL)
        return ERR_NOMEM;
    n->items = items;
    if ((slots = malloc((size_t)cap * 2 * sizeof(*slots))) == NULL)
        return ERR_NOMEM;
    free(n->slots);
    n->slots = slots;
    n->slot_count = cap * 2;
    n->cap = cap;
    memset(slots, 0xFF, (size_t)cap * 2 * sizeof(*slots));
    for (uint32_t i = 0; i < n->count; i++)
        *names_slot(n, n->items[i]) = i;
    return OK;
}

enum err names_put(struct evaluation *e, struct names *n, const char *text, uint32_t *out)
{
    uint32_t *slot;
    char *copy;
    enum err err;

    if ((*out = names_find(n, text)) != NONE)
        return OK;
    if (n->count == n->cap && (err = names_grow(n)) != OK)
        return err;
    if ((copy = arena_alloc(e, strlen(text) + 1)) == NULL)
        return ERR_NOMEM;
    memcpy(copy, text, strlen(text) + 1);
    slot = names_slot(n, text);
    n->items[n->count] = copy;
    *slot = *out = n->count++;
    return OK;
}

void names_free(struct names *n)
{
    free(n->items);
    free(n->slots);
    *n = (struct names){0};
}

/* ---- memo ---- */

struct memo_node {
    struct memo_key key;
    _Alignas(16) uint8_t payload[];
};

static uint64_t hash_key(const struct memo_key *key)
{
    uint64_t words[4];
    uint64_t h = 0;

    _Static_assert(sizeof(words) == sizeof(*key), "a key has no holes");
    memcpy(words, key, sizeof(words));
    for (unsigned i = 0; i < 4; i++)
        h = mix(h, words[i]);
    return h ^ (h >> 32);
}

static struct memo_slot *memo_slot(const struct memo *m, const struct memo_key *key, uint64_t hash)
{
    size_t at = (size_t)hash & (m->slot_count - 1);

    while (m->slots[at].node != NULL) {
        const struct memo_node *node = m->slots[at].node;

        if (m->slots[at].hash == hash && memcmp(&node->key, key, sizeof(*key)) == 0)
            break;
        at = (at + 1) & (m->slot_count - 1);
    }
    return &m->slots[at];
}

void *memo_get(const struct memo *m, const struct memo_key *key)
{
    struct memo_node *node = m->slot_count == 0 ? NULL : memo_slot(m, key, hash_key(key))->node;

    return node == NULL ? NULL : node->payload;
}

static enum err memo_grow(struct memo *m)
{
    struct memo old = *m;
    size_t slot_count = old.slot_count == 0 ? 1024 : old.slot_count * 2;

    if ((m->slots = calloc(slot_count, sizeof(*m->slots))) == NULL) {
        *m = old;
        return ERR_NOMEM;
    }
    m->slot_count = slot_count;
    for (size_t i = 0; i < old.slot_count; i++) {
        const struct memo_node *node = old.slots[i].node;

        if (node != NULL)
            *memo_slot(m, &node->key, old.slots[i].hash) = old.slots[i];
    }
    free(old.slots);
    return OK;
}

enum err memo_put(struct evaluation *e, const struct memo_key *key, size_t size, void **out)
{
    struct memo *m = &e->memo;
    uint64_t hash = hash_key(key);
    struct memo_node *node;
    enum err err;

    if ((m->count + 1) * 2 > m->slot_count && (err = memo_grow(m)) != OK)
        return err;
    if ((node = arena_alloc(e, sizeof(*node) + size)) == NULL)
        return ERR_NOMEM;
    node->key = *key;
    *memo_slot(m, key, hash) = (struct memo_slot){hash, node};
    m->count++;
    *out = node->payload;
    return OK;
}

void memo_free(struct memo *m)
{
    free(m->slots);
    *m = (struct memo){0};
}
