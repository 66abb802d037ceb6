#include "common/form_internal.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 << 10)
#define ALIGNMENT   ((size_t)16)

struct pool_block {
    struct pool_block *next;
    size_t size, used;
    _Alignas(16) uint8_t bytes[];
};

static struct pool_block *add_block(struct pool *p, size_t size)
{
    size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct pool_block *b;

    if (room > SIZE_MAX - sizeof(*b) || (b = malloc(sizeof(*b) + room)) == NULL)
        return NULL;
    b->size = room;
    b->used = 0;
    if (p->current == NULL) {
        b->next = p->first;
        p->first = b;
    } else {
        b->next = p->current->next;
        p->current->next = b;
    }
    return b;
}

void *pool_alloc(struct pool *p, size_t size)
{
    struct pool_block *b = p->current != NULL ? p->current : p->first;
    void *at;

    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    while (b != NULL && b->size - b->used < size) { /* after a reset: the blocks that follow are empty */
        p->current = b;
        b = b->next;
    }
    if (b == NULL && (b = add_block(p, size)) == NULL)
        return NULL;
    p->current = b;
    at = b->bytes + b->used;
    b->used += size;
    memset(at, 0, size);
    return at;
}

void *pool_array(struct pool *p, size_t count, size_t size)
{
    if (count > SIZE_MAX / size)
        return NULL;
    return pool_alloc(p, count * size);
}

char *pool_text(struct pool *p, const void *text, size_t len)
{
    char *copy = pool_alloc(p, len + 1);

    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

void *pool_more(struct pool *p, void *items, uint32_t count, uint32_t *cap, size_t size)
{
    uint32_t more = *cap == 0 ? 16 : *cap * 2;
    void *grown;

    if (count < *cap)
        return items;
    grown = pool_array(p, more, size);
    if (grown == NULL)
        return NULL;
    if (count > 0)
        memcpy(grown, items, count * size);
    *cap = more;
    return grown;
}

void pool_reset(struct pool *p)
{
    for (struct pool_block *b = p->first; b != NULL; b = b->next)
        b->used = 0;
    p->current = NULL;
}

void pool_free(struct pool *p)
{
    struct pool_block *next;

    for (struct pool_block *b = p->first; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    p->first = p->current = NULL;
}
