#include "hub/cells.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256u
#define NONE          UINT32_MAX
#define SUMS_MAX      (1u << 22)
#define PARTS_MAX     (64u << 20)

struct sum {
    const struct variable *variable;
    struct contribution total;
    uint64_t hash;
    uint32_t place;
    uint32_t part, part_len; /* in `parts` */
    uint32_t follower;       /* the cell touched after this one last time: most submissions touch the same in a row */
};

struct cell_sums {
    struct places *places;
    struct sum *items;
    uint32_t count, cap;
    uint32_t *buckets; /* as in place.c */
    uint32_t bucket_count;
    struct buf parts;
    uint64_t seed;
    uint32_t last;
    /* of the submission at hand, for the callback */
    uint32_t place;
    int sign;
    bool failed;
};

/* ---- a cell's bytes ---- */

static void i128_put(uint8_t out[16], i128 v)
{
    be64_put(out, (uint64_t)((unsigned __int128)v >> 64));
    be64_put(out + 8, (uint64_t)(unsigned __int128)v);
}

static i128 i128_get(const uint8_t in[16])
{
    return (i128)((unsigned __int128)be64_get(in) << 64 | be64_get(in + 8));
}

void cell_put(uint8_t out[CELL_BYTES], const struct cell *c)
{
    i128_put(out, c->sum);
    be64_put(out + 16, c->n);
}

enum err cell_get(struct cell *c, struct bytes in)
{
    if (in.len != CELL_BYTES)
        return err_set(ERR_CORRUPT, "ledger: a cell of %zu bytes, %u are expected", in.len, CELL_BYTES);
    c->sum = i128_get(in.p);
    c->n = be64_get(in.p + 16);
    return OK;
}

_Static_assert(VARIABLE_DIGEST_BYTES + ID_MAX + 1 + PERIOD_ID_MAX + 1 + VARIABLE_PART_MAX == STORE_KEY_MAX,
               "a part has the room that a key leaves it");

size_t cell_key(uint8_t out[CELL_KEY_MAX], const uint8_t digest[VARIABLE_DIGEST_BYTES], const char *unit,
                const char *period, struct bytes part)
{
    size_t unit_len = strlen(unit) + 1;
    size_t period_len = strlen(period) + 1;
    size_t at = VARIABLE_DIGEST_BYTES;

    if (unit_len > ID_MAX + 1 || period_len > PERIOD_ID_MAX + 1 || part.len > VARIABLE_PART_MAX)
        return 0;
    memcpy(out, digest, at);
    memcpy(out + at, unit, unit_len);
    at += unit_len;
    memcpy(out + at, period, period_len);
    at += period_len;
    if (part.len > 0)
        memcpy(out + at, part.p, part.len);
    return at + part.len;
}

/* The text at *at, with its NUL; NULL when it does not end before `end`. */
static const char *take_text(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
    const char *text = (const char *)*at;

    if (nul == NULL)
        return NULL;
    *at = nul + 1;
    return text;
}

enum err cell_key_read(struct cell_at *out, struct bytes key)
{
    const uint8_t *end = key.p + key.len;
    const uint8_t *at = key.len < VARIABLE_DIGEST_BYTES ? end : key.p + VARIABLE_DIGEST_BYTES;

    out->digest = key.p;
    out->unit = take_text(&at, end);
    out->period = out->unit == NULL ? NULL : take_text(&at, end);
    if (out->period == NULL)
        return err_set(ERR_CORRUPT, "ledger: the key of a cell is damaged");
    out->part = bytes_of(at, (size_t)(end - at));
    return OK;
}

/* ---- gathering ---- */

static void clear_buckets(struct cell_sums *s)
{
    for (uint32_t i = 0; i < s->bucket_count; i++)
        s->buckets[i] = NONE;
}

enum err cell_sums_new(struct cell_sums **out)
{
    struct cell_sums *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return ERR_NOMEM;
    buf_init(&s->parts, PARTS_MAX);
    s->last = NONE;
    s->bucket_count = FIRST_BUCKETS;
    random_bytes(&s->seed, sizeof(s->seed));
    if ((e = places_new(&s->places)) != OK)
        goto free_sums;
    if ((s->buckets = malloc(s->bucket_count * sizeof(*s->buckets))) == NULL) {
        e = ERR_NOMEM;
        goto free_places;
    }
    clear_buckets(s);
    *out = s;
    return OK;

free_places:
    places_free(s->places);
free_sums:
    free(s);
    return e;
}

void cell_sums_free(struct cell_sums *s)
{
    if (s == NULL)
        return;
    places_free(s->places);
    buf_fini(&s->parts);
    free(s->items);
    free(s->buckets);
    free(s);
}

void cell_sums_reset(struct cell_sums *s)
{
    places_reset(s->places);
    buf_reset(&s->parts);
    s->count = 0;
    s->last = NONE;
    clear_buckets(s);
}

struct places *cell_sums_places(struct cell_sums *s)
{
    return s->places;
}

uint32_t cell_sums_count(const struct cell_sums *s)
{
    return s->count;
}

static bool is_sum(const struct cell_sums *s, uint32_t index, uint32_t place, const struct variable *v,
                   struct bytes part)
{
    const struct sum *at = &s->items[index];

    return at->variable == v && at->place == place && at->part_len == part.len &&
           (part.len == 0 || memcmp(s->parts.data + at->part, part.p, part.len) == 0);
}

static struct bytes part_of(const struct cell_sums *s, const struct sum *at)
{
    return at->part_len == 0 ? bytes_of("", 0) : bytes_of(s->parts.data + at->part, at->part_len);
}

static void insert(struct cell_sums *s, uint32_t index)
{
    uint32_t b = (uint32_t)s->items[index].hash & (s->bucket_count - 1);

    while (s->buckets[b] != NONE)
        b = (b + 1) & (s->bucket_count - 1);
    s->buckets[b] = index;
}

static enum err make_room(struct cell_sums *s)
{
    if (s->count == SUMS_MAX)
        return err_set(ERR_LIMIT, "more than %u cells are touched at once", SUMS_MAX);
    if (s->count == s->cap) {
        uint32_t cap = s->cap == 0 ? 64 : s->cap * 2;
        struct sum *grown = realloc(s->items, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        s->items = grown;
        s->cap = cap;
    }
    if ((s->count + 1) * 2 > s->bucket_count) {
        uint32_t *grown = malloc((size_t)s->bucket_count * 2 * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        free(s->buckets);
        s->buckets = grown;
        s->bucket_count *= 2;
        clear_buckets(s);
        for (uint32_t i = 0; i < s->count; i++)
            insert(s, i);
    }
    return OK;
}

static enum err find_sum(struct cell_sums *s, uint32_t place, const struct variable *v, struct bytes part,
                         uint32_t *index)
{
    uint64_t key[2] = {(uint64_t)(uintptr_t)v, place};
    uint64_t hash = place_hash(place_hash(s->seed, key, sizeof(key)), part.p, part.len);
    struct sum *fresh;
    enum err e;

    for (uint32_t b = (uint32_t)hash & (s->bucket_count - 1); s->buckets[b] != NONE;
         b = (b + 1) & (s->bucket_count - 1))
        if (is_sum(s, s->buckets[b], place, v, part)) {
            *index = s->buckets[b];
            return OK;
        }
    if ((e = make_room(s)) != OK)
        return e;
    fresh = &s->items[s->count];
    memset(fresh, 0, sizeof(*fresh));
    fresh->variable = v;
    fresh->hash = hash;
    fresh->place = place;
    fresh->part = (uint32_t)s->parts.len;
    fresh->part_len = (uint32_t)part.len;
    fresh->follower = NONE;
    buf_put(&s->parts, part.p, part.len);
    if (s->parts.failed)
        return buf_status(&s->parts);
    insert(s, s->count);
    *index = s->count++;
    return OK;
}

static bool add_contribution(struct contribution *to, const struct contribution *c, int sign)
{
    bool over;

    if (sign > 0) {
        over = __builtin_add_overflow(to->sum, c->sum, &to->sum);
        over |= __builtin_add_overflow(to->n, c->n, &to->n);
    } else {
        over = __builtin_sub_overflow(to->sum, c->sum, &to->sum);
        over |= __builtin_sub_overflow(to->n, c->n, &to->n);
    }
    return !over;
}

enum err cell_sums_add(struct cell_sums *s, uint32_t place, const struct variable *v, struct bytes part,
                       const struct contribution *c, int sign)
{
    uint32_t index = s->last == NONE ? NONE : s->items[s->last].follower;
    enum err e;

    if (part.len > VARIABLE_PART_MAX)
        return err_set(ERR_LIMIT, "variable %s: a part of %zu bytes, at most %u are allowed", v->id, part.len,
                       VARIABLE_PART_MAX);
    if (index == NONE || !is_sum(s, index, place, v, part)) {
        if ((e = find_sum(s, place, v, part, &index)) != OK)
            return e;
        if (s->last != NONE)
            s->items[s->last].follower = index;
    }
    s->last = index;
    if (!add_contribution(&s->items[index].total, c, sign))
        return err_set(ERR_LIMIT, "variable %s: a sum is beyond 128 bits", v->id);
    return OK;
}

static enum err each_contribution(void *ctx, const struct variable *v, struct bytes part, const struct contribution *c)
{
    struct cell_sums *s = ctx;
    enum err e = cell_sums_add(s, s->place, v, part, c, s->sign);

    if (e != OK)
        s->failed = true;
    return e;
}

enum err cell_sums_record(struct cell_sums *s, struct variable_eval *eval, uint32_t place, const struct record *r,
                          int sign)
{
    const struct form *f = places_at(s->places, place)->form;
    enum err e;

    s->place = place;
    s->sign = sign;
    s->failed = false;
    e = variable_eval_record(eval, f, r->unit, r->values, r->value_count, r->filled_on, each_contribution, s);
    if (s->failed || (e != ERR_LIMIT && e != ERR_INVALID))
        return e;
    /* It stopped half way.  Evaluating is deterministic: the same again with the other sign stops at the same point and
     * takes away exactly what was added. */
    s->sign = -sign;
    e = variable_eval_record(eval, f, r->unit, r->values, r->value_count, r->filled_on, each_contribution, s);
    return s->failed || e == ERR_NOMEM ? e : OK;
}

enum err cell_sums_merge(struct cell_sums *into, const struct cell_sums *from)
{
    uint32_t place = 0;
    uint32_t mapped = NONE;
    bool is_new;

    for (uint32_t i = 0; i < from->count; i++) {
        const struct sum *at = &from->items[i];
        enum err e = OK;

        if (at->place != mapped) {
            const struct place *p = places_at(from->places, at->place);

            e = places_index(into->places, p->form, p->unit, p->period, &place, &is_new);
            mapped = at->place;
        }
        if (e != OK || (e = cell_sums_add(into, place, at->variable, part_of(from, at), &at->total, 1)) != OK)
            return e;
    }
    return OK;
}

/* ---- into the store ---- */

static bool is_zero(const struct contribution *c)
{
    return c->sum == 0 && c->n == 0;
}

enum err cell_add(struct store_txn *t, struct bytes key, const struct contribution *c)
{
    uint8_t raw[CELL_BYTES];
    struct cell held = {0, 0};
    struct contribution sum;
    struct bytes value;
    enum err e = store_get(t, H_CELLS, key, &value);

    if (e == OK)
        e = cell_get(&held, value);
    else if (e == ERR_NOT_FOUND)
        e = OK;
    if (e != OK)
        return e;
    sum = (struct contribution){held.sum, (int64_t)held.n};
    if (!add_contribution(&sum, c, 1) || sum.n < 0)
        return err_set(ERR_CORRUPT, "the cell does not hold what is to leave it");
    if (is_zero(&sum)) {
        e = store_delete(t, H_CELLS, key);
        return e == ERR_NOT_FOUND ? OK : e;
    }
    held = (struct cell){sum.sum, (uint64_t)sum.n};
    cell_put(raw, &held);
    return store_put(t, H_CELLS, key, bytes_of(raw, sizeof(raw)));
}

static enum err store_sum(const struct cell_sums *s, const struct sum *at, struct store_txn *t)
{
    const struct place *p = places_at(s->places, at->place);
    uint8_t raw_key[CELL_KEY_MAX];
    struct bytes key = bytes_of(raw_key, cell_key(raw_key, at->variable->digest, p->unit, p->period, part_of(s, at)));
    enum err e = cell_add(t, key, &at->total);

    return e == ERR_CORRUPT ? err_prefix(e, "variable %s, unit %s, period %s", at->variable->id, p->unit, p->period)
                            : e;
}

enum err cell_sums_each(const struct cell_sums *s,
                        enum err (*each)(void *ctx, struct bytes key, const struct contribution *c), void *ctx)
{
    enum err e = OK;

    for (uint32_t i = 0; i < s->count && e == OK; i++) {
        const struct sum *at = &s->items[i];
        const struct place *p = places_at(s->places, at->place);
        uint8_t raw_key[CELL_KEY_MAX];

        if (!is_zero(&at->total))
            e = each(ctx,
                     bytes_of(raw_key, cell_key(raw_key, at->variable->digest, p->unit, p->period, part_of(s, at))),
                     &at->total);
    }
    return e;
}

enum err cell_sums_store(const struct cell_sums *s, struct store_txn *t)
{
    for (uint32_t i = 0; i < s->count; i++) {
        enum err e = is_zero(&s->items[i].total) ? OK : store_sum(s, &s->items[i], t);

        if (e != OK)
            return e;
    }
    return OK;
}
