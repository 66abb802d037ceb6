#include "agent/key_set.h"

#include "protocol/keys.h"

#include <stdlib.h>
#include <string.h>

#define SHARDS     256u /* grow one by one: no moment at which the whole set stands in memory twice */
#define FIRST_CAP  16u
#define HASH_BYTES 12u

/* line 0: free. */
struct key_entry {
    uint8_t hash[HASH_BYTES];
    uint32_t line;
};

struct shard {
    struct key_entry *entries; /* open addressing, at most 7/8 full */
    uint32_t cap, count;
};

struct key_set {
    uint8_t secret[KEY_BYTES];
    struct shard shards[SHARDS];
};

enum err key_set_new(struct key_set **out)
{
    struct key_set *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return ERR_NOMEM;
    random_bytes(s->secret, sizeof(s->secret));
    *out = s;
    return OK;
}

void key_set_free(struct key_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        free(s->shards[i].entries);
    free(s);
}

/* The entry with this hash, or the free one where it belongs. */
static struct key_entry *find_entry(const struct shard *s, const uint8_t hash[HASH_BYTES])
{
    uint32_t at = be32_get(hash + 1) & (s->cap - 1);

    while (s->entries[at].line != 0 && memcmp(s->entries[at].hash, hash, HASH_BYTES) != 0)
        at = (at + 1) & (s->cap - 1);
    return &s->entries[at];
}

static enum err grow(struct shard *s)
{
    struct shard bigger = {.cap = s->cap == 0 ? FIRST_CAP : s->cap * 2, .count = s->count};

    if ((bigger.entries = calloc(bigger.cap, sizeof(*bigger.entries))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < s->cap; i++)
        if (s->entries[i].line != 0)
            *find_entry(&bigger, s->entries[i].hash) = s->entries[i];
    free(s->entries);
    *s = bigger;
    return OK;
}

static void hash_key(const struct key_set *s, struct bytes key, uint8_t out[KEY_BYTES])
{
    derive(out, s->secret, "svodka key of a row", key);
}

enum err key_set_add(struct key_set *s, struct bytes key, uint32_t line, uint32_t *earlier)
{
    uint8_t hash[KEY_BYTES];
    struct shard *shard;
    struct key_entry *entry;
    enum err e;

    hash_key(s, key, hash);
    shard = &s->shards[hash[0]];
    if (shard->count >= shard->cap / 8 * 7 && (e = grow(shard)) != OK)
        return e;
    entry = find_entry(shard, hash);
    *earlier = entry->line;
    if (entry->line != 0)
        return OK;
    memcpy(entry->hash, hash, HASH_BYTES);
    entry->line = line;
    shard->count++;
    return OK;
}

bool key_set_has(const struct key_set *s, struct bytes key)
{
    uint8_t hash[KEY_BYTES];

    hash_key(s, key, hash);
    return s->shards[hash[0]].cap > 0 && find_entry(&s->shards[hash[0]], hash)->line != 0;
}
