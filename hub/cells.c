#include "hub/cells.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256u
#define NONE          UINT32_MAX
#define SUMS_MAX      (1u << 22)
#define TEXTS_MAX     (64u << 20)

struct sum {
    const struct indicator *indicator;
    struct contribution total;
    uint64_t hash;
    uint32_t place;
    uint32_t text, text_len; /* the breakdown, in `texts` */
    uint32_t follower;       /* the cell touched after this one last time: most submissions touch the same in a row */
};

struct cell_sums {
    struct places *places;
    struct sum *items;
    uint32_t count, cap;
    uint32_t *buckets; /* as in place.c */
    uint32_t bucket_count;
    struct buf texts;
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
    i128_put(out, c->numerator);
    i128_put(out + 16, c->denominator);
    be64_put(out + 32, c->n);
}

enum err cell_get(struct cell *c, struct bytes in)
{
    if (in.len != CELL_BYTES)
        return err_set(ERR_CORRUPT, "ledger: a cell of %zu bytes, %u are expected", in.len, CELL_BYTES);
    c->numerator = i128_get(in.p);
    c->denominator = i128_get(in.p + 16);
    c->n = be64_get(in.p + 32);
    return OK;
}

size_t cell_key(uint8_t out[CELL_KEY_MAX], const uint8_t digest[INDICATOR_DIGEST_BYTES], const char *unit,
                const char *period, const char *breakdown)
{
    size_t unit_len = strlen(unit) + 1;
    size_t period_len = strlen(period) + 1;
    size_t breakdown_len = breakdown == NULL ? 0 : strlen(breakdown);
    size_t at = INDICATOR_DIGEST_BYTES;

    if (unit_len > ID_MAX + 1 || period_len > 33 || breakdown_len > CELL_BREAKDOWN_MAX)
        return 0;
    memcpy(out, digest, at);
    memcpy(out + at, unit, unit_len);
    at += unit_len;
    memcpy(out + at, period, period_len);
    at += period_len;
    if (breakdown != NULL)                          /* its NUL is not part of the key */
        memcpy(out + at, breakdown, breakdown_len); /* NOLINT(bugprone-not-null-terminated-result) */
    return at + breakdown_len;
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
    buf_init(&s->texts, TEXTS_MAX);
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
    buf_fini(&s->texts);
    free(s->items);
    free(s->buckets);
    free(s);
}

void cell_sums_reset(struct cell_sums *s)
{
    places_reset(s->places);
    buf_reset(&s->texts);
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

static bool is_sum(const struct cell_sums *s, uint32_t index, uint32_t place, const struct indicator *i,
                   const char *text, size_t len)
{
    const struct sum *at = &s->items[index];

    return at->indicator == i && at->place == place && at->text_len == len &&
           (len == 0 || memcmp(s->texts.data + at->text, text, len) == 0);
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

static enum err find_sum(struct cell_sums *s, uint32_t place, const struct indicator *i, const char *text, size_t len,
                         uint32_t *index)
{
    uint64_t key[2] = {(uint64_t)(uintptr_t)i, place};
    uint64_t hash = place_hash(place_hash(s->seed, key, sizeof(key)), text, len);
    struct sum *fresh;
    enum err e;

    for (uint32_t b = (uint32_t)hash & (s->bucket_count - 1); s->buckets[b] != NONE;
         b = (b + 1) & (s->bucket_count - 1))
        if (is_sum(s, s->buckets[b], place, i, text, len)) {
            *index = s->buckets[b];
            return OK;
        }
    if ((e = make_room(s)) != OK)
        return e;
    fresh = &s->items[s->count];
    memset(fresh, 0, sizeof(*fresh));
    fresh->indicator = i;
    fresh->hash = hash;
    fresh->place = place;
    fresh->text = (uint32_t)s->texts.len;
    fresh->text_len = (uint32_t)len;
    fresh->follower = NONE;
    buf_put(&s->texts, text, len);
    if (s->texts.failed)
        return buf_status(&s->texts);
    insert(s, s->count);
    *index = s->count++;
    return OK;
}

static bool add_contribution(struct contribution *to, const struct contribution *c, int sign)
{
    bool over;

    if (sign > 0) {
        over = __builtin_add_overflow(to->numerator, c->numerator, &to->numerator);
        over |= __builtin_add_overflow(to->denominator, c->denominator, &to->denominator);
        over |= __builtin_add_overflow(to->n, c->n, &to->n);
    } else {
        over = __builtin_sub_overflow(to->numerator, c->numerator, &to->numerator);
        over |= __builtin_sub_overflow(to->denominator, c->denominator, &to->denominator);
        over |= __builtin_sub_overflow(to->n, c->n, &to->n);
    }
    return !over;
}

enum err cell_sums_add(struct cell_sums *s, uint32_t place, const struct indicator *i, const char *breakdown,
                       const struct contribution *c, int sign)
{
    size_t len = strlen(breakdown);
    uint32_t index = s->last == NONE ? NONE : s->items[s->last].follower;
    enum err e;

    if (len > CELL_BREAKDOWN_MAX)
        return err_set(ERR_LIMIT, "indicator %s: a breakdown of %zu bytes, at most %u are allowed", indicator_id(i),
                       len, CELL_BREAKDOWN_MAX);
    if (index == NONE || !is_sum(s, index, place, i, breakdown, len)) {
        if ((e = find_sum(s, place, i, breakdown, len, &index)) != OK)
            return e;
        if (s->last != NONE)
            s->items[s->last].follower = index;
    }
    s->last = index;
    if (!add_contribution(&s->items[index].total, c, sign))
        return err_set(ERR_LIMIT, "indicator %s: a sum is beyond 128 bits", indicator_id(i));
    return OK;
}

static enum err each_contribution(void *ctx, const struct indicator *i, const char *breakdown,
                                  const struct contribution *c)
{
    struct cell_sums *s = ctx;
    enum err e = cell_sums_add(s, s->place, i, breakdown, c, s->sign);

    if (e != OK)
        s->failed = true;
    return e;
}

enum err cell_sums_record(struct cell_sums *s, struct indicator_eval *eval, uint32_t place, const struct record *r,
                          int sign)
{
    const struct form *f = places_at(s->places, place)->form;
    enum err e;

    s->place = place;
    s->sign = sign;
    s->failed = false;
    e = indicator_eval_record(eval, f, r->values, r->value_count, r->filled_on, each_contribution, s);
    if (s->failed || (e != ERR_LIMIT && e != ERR_INVALID))
        return e;
    /* It stopped half way.  Evaluating is deterministic: the same again with the other sign stops at the same point and
     * takes away exactly what was added. */
    s->sign = -sign;
    e = indicator_eval_record(eval, f, r->values, r->value_count, r->filled_on, each_contribution, s);
    return s->failed || e == ERR_NOMEM ? e : OK;
}

enum err cell_sums_merge(struct cell_sums *into, const struct cell_sums *from)
{
    char text[CELL_BREAKDOWN_MAX + 1];
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
        if (at->text_len > 0)
            memcpy(text, from->texts.data + at->text, at->text_len);
        text[at->text_len] = '\0';
        if (e != OK || (e = cell_sums_add(into, place, at->indicator, text, &at->total, 1)) != OK)
            return e;
    }
    return OK;
}

/* ---- into the store ---- */

static bool is_zero(const struct contribution *c)
{
    return c->numerator == 0 && c->denominator == 0 && c->n == 0;
}

static enum err store_sum(const struct cell_sums *s, const struct sum *at, struct store_txn *t)
{
    const struct place *p = places_at(s->places, at->place);
    char text[CELL_BREAKDOWN_MAX + 1];
    uint8_t raw_key[CELL_KEY_MAX];
    uint8_t raw[CELL_BYTES];
    struct cell held = {0, 0, 0};
    struct contribution sum;
    struct bytes key;
    struct bytes value;
    enum err e;

    if (at->text_len > 0)
        memcpy(text, s->texts.data + at->text, at->text_len);
    text[at->text_len] = '\0';
    key = bytes_of(raw_key, cell_key(raw_key, indicator_digest(at->indicator), p->unit, p->period, text));
    e = store_get(t, H_CELLS, key, &value);
    if (e == OK)
        e = cell_get(&held, value);
    else if (e == ERR_NOT_FOUND)
        e = OK;
    if (e != OK)
        return e;
    sum = (struct contribution){held.numerator, held.denominator, (int64_t)held.n};
    if (!add_contribution(&sum, &at->total, 1) || sum.n < 0)
        return err_set(ERR_CORRUPT, "indicator %s, unit %s, period %s: the cell does not hold what is to leave it",
                       indicator_id(at->indicator), p->unit, p->period);
    if (is_zero(&sum)) {
        e = store_delete(t, H_CELLS, key);
        return e == ERR_NOT_FOUND ? OK : e;
    }
    held = (struct cell){sum.numerator, sum.denominator, (uint64_t)sum.n};
    cell_put(raw, &held);
    return store_put(t, H_CELLS, key, bytes_of(raw, sizeof(raw)));
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
