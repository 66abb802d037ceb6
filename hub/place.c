#include "hub/place.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64u
#define NONE          UINT32_MAX
/* A batch holds at most 65,536 records; the sums of a rebuild are emptied long before this. */
#define PLACES_MAX (1u << 20)

struct places {
    struct place *items;
    uint32_t count, cap;
    uint32_t *buckets; /* index or NONE; open addressing, a power of two, at most half full */
    uint32_t bucket_count;
    uint32_t last; /* most records stand where the one before stood */
    uint64_t seed;
};

uint64_t place_hash(uint64_t seed, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t h = seed ^ (len * UINT64_C(0x9E3779B97F4A7C15));

    while (len > 0) {
        size_t take = len < 8 ? len : 8;
        uint64_t word = 0;
        unsigned __int128 wide;

        memcpy(&word, p, take);
        wide = (unsigned __int128)(h ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        h = (uint64_t)wide ^ (uint64_t)(wide >> 64) ^ seed;
        p += take;
        len -= take;
    }
    return h ^ h >> 29;
}

static uint64_t hash_of(const struct places *p, const struct form *form, const char *unit, const char *period)
{
    uintptr_t version = (uintptr_t)form;
    uint64_t h = place_hash(p->seed, unit, strlen(unit));

    h = place_hash(h, period, strlen(period));
    return place_hash(h, &version, sizeof(version));
}

static void clear_buckets(struct places *p)
{
    for (uint32_t i = 0; i < p->bucket_count; i++)
        p->buckets[i] = NONE;
}

enum err places_new(struct places **out)
{
    struct places *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return ERR_NOMEM;
    p->bucket_count = FIRST_BUCKETS;
    if ((p->buckets = malloc(p->bucket_count * sizeof(*p->buckets))) == NULL) {
        free(p);
        return ERR_NOMEM;
    }
    clear_buckets(p);
    p->last = NONE;
    random_bytes(&p->seed, sizeof(p->seed));
    *out = p;
    return OK;
}

void places_free(struct places *p)
{
    if (p == NULL)
        return;
    free(p->items);
    free(p->buckets);
    free(p);
}

void places_reset(struct places *p)
{
    p->count = 0;
    p->last = NONE;
    clear_buckets(p);
}

static void insert(struct places *p, uint32_t index)
{
    const struct place *at = &p->items[index];
    uint32_t b = (uint32_t)hash_of(p, at->form, at->unit, at->period) & (p->bucket_count - 1);

    while (p->buckets[b] != NONE)
        b = (b + 1) & (p->bucket_count - 1);
    p->buckets[b] = index;
}

static enum err make_room(struct places *p)
{
    if (p->count == PLACES_MAX)
        return err_set(ERR_LIMIT, "more than %u forms, units and periods together", PLACES_MAX);
    if (p->count == p->cap) {
        uint32_t cap = p->cap == 0 ? 16 : p->cap * 2;
        struct place *grown = realloc(p->items, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        p->items = grown;
        p->cap = cap;
    }
    if ((p->count + 1) * 2 > p->bucket_count) {
        uint32_t *grown = malloc((size_t)p->bucket_count * 2 * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        free(p->buckets);
        p->buckets = grown;
        p->bucket_count *= 2;
        clear_buckets(p);
        for (uint32_t i = 0; i < p->count; i++)
            insert(p, i);
    }
    return OK;
}

static bool is_at(const struct places *p, uint32_t index, const struct form *form, const char *unit, const char *period)
{
    const struct place *at = &p->items[index];

    return at->form == form && strcmp(at->unit, unit) == 0 && strcmp(at->period, period) == 0;
}

enum err places_index(struct places *p, const struct form *form, const char *unit, const char *period, uint32_t *index,
                      bool *is_new)
{
    struct place *fresh;
    enum err e;

    *is_new = false;
    if (p->last != NONE && is_at(p, p->last, form, unit, period)) {
        *index = p->last;
        return OK;
    }
    for (uint32_t b = (uint32_t)hash_of(p, form, unit, period) & (p->bucket_count - 1); p->buckets[b] != NONE;
         b = (b + 1) & (p->bucket_count - 1))
        if (is_at(p, p->buckets[b], form, unit, period)) {
            *index = p->last = p->buckets[b];
            return OK;
        }
    if ((e = make_room(p)) != OK)
        return e;
    fresh = &p->items[p->count];
    memset(fresh, 0, sizeof(*fresh));
    fresh->form = form;
    memcpy(fresh->unit, unit, strnlen(unit, sizeof(fresh->unit) - 1));
    memcpy(fresh->period, period, strnlen(period, sizeof(fresh->period) - 1));
    insert(p, p->count);
    *index = p->last = p->count++;
    *is_new = true;
    return OK;
}

struct place *places_at(const struct places *p, uint32_t index)
{
    return &p->items[index];
}

uint32_t places_count(const struct places *p)
{
    return p->count;
}
