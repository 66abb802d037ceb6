#include "hub/ledger_replay.h"

#include "hub/ledger_internal.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX     (1u << 21)
#define SLOTS_LIMIT   (1u << 30) /* of one transaction */
#define FIRST_BUCKETS 1024u
#define NONE          UINT32_MAX
#define CELLS_MAX     (1u << 18) /* gathered in memory */
#define LEAVING_MAX   (64u << 20)
#define UNDO_MAX      (1u << 30)
#define HEADS         65536u /* values of a slot's first two bytes */

struct held_slot {
    uint8_t slot[SLOT_BYTES];
    struct slot_current current;
    uint32_t place;
    bool is_gone; /* nothing stands there, and nothing ever did */
};
struct undo {
    uint32_t index;
    struct held_slot was;
};
struct left_row {
    uint64_t lsn;
    uint32_t row;
};

struct slot_ref {
    const struct held_slot *at;
};

struct replay {
    uint32_t slots_max;
    struct held_slot *slots;
    uint32_t count, cap;
    uint32_t *buckets; /* open addressing; a slot is a keyed digest, and its first bytes are as good as any hash */
    uint32_t bucket_count;
    struct places *places;
    bool is_spilled; /* some slots are in the store */
    struct cell_sums *cells;
    struct buf leaving; /* struct left_row */
    /* when it is finished, or spilled */
    struct slot_ref *by_slot, *by_place;
    uint32_t next_current, next_slot;
    uint8_t raw_current[SLOT_CURRENT_BYTES], raw_slot[SLOT_LIST_KEY_MAX];
    /* of the transaction at hand */
    uint32_t count_before;
    size_t leaving_before;
    struct buf undo; /* of slots below count_before */
};

static void clear_buckets(struct replay *r)
{
    memset(r->buckets, 0xFF, (size_t)r->bucket_count * sizeof(*r->buckets));
}

enum err replay_new(struct replay **out, uint32_t slots_max)
{
    struct replay *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    r->slots_max = slots_max == 0 ? SLOTS_MAX : slots_max;
    buf_init(&r->leaving, LEAVING_MAX);
    buf_init(&r->undo, UNDO_MAX);
    r->bucket_count = FIRST_BUCKETS;
    if ((r->buckets = malloc(r->bucket_count * sizeof(*r->buckets))) == NULL)
        e = ERR_NOMEM;
    else if ((e = places_new(&r->places)) == OK)
        e = cell_sums_new(&r->cells);
    if (e != OK) {
        replay_free(r);
        return e;
    }
    clear_buckets(r);
    *out = r;
    return OK;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    cell_sums_free(r->cells);
    places_free(r->places);
    buf_fini(&r->leaving);
    buf_fini(&r->undo);
    free(r->by_slot);
    free(r->by_place);
    free(r->slots);
    free(r->buckets);
    free(r);
}

/* ---- slots in memory ---- */

/* Where it is, or where it would be.  By the highest bits: a batch's slots come in their order, and so do buckets. */
static uint32_t *bucket_of(const struct replay *r, const uint8_t slot[SLOT_BYTES])
{
    uint32_t b = (uint32_t)((uint64_t)be32_get(slot) * r->bucket_count >> 32);

    while (r->buckets[b] != NONE && memcmp(r->slots[r->buckets[b]].slot, slot, SLOT_BYTES) != 0)
        b = (b + 1) & (r->bucket_count - 1);
    return &r->buckets[b];
}

static void fill_buckets(struct replay *r)
{
    clear_buckets(r);
    for (uint32_t i = 0; i < r->count; i++)
        *bucket_of(r, r->slots[i].slot) = i;
}

static enum err make_room(struct replay *r)
{
    if (r->count == SLOTS_LIMIT)
        return err_set(ERR_LIMIT, "more than %u slots are touched at once", SLOTS_LIMIT);
    if (r->count == r->cap) {
        uint32_t cap = r->cap == 0 ? FIRST_BUCKETS / 2 : r->cap * 2;
        struct held_slot *grown = reallocarray(r->slots, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        r->slots = grown;
        r->cap = cap;
    }
    if ((r->count + 1) * 2 > r->bucket_count) {
        uint32_t *grown = reallocarray(NULL, (size_t)r->bucket_count * 2, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        free(r->buckets);
        r->buckets = grown;
        r->bucket_count *= 2;
        fill_buckets(r);
    }
    return OK;
}

enum err replay_current(struct replay *r, struct store_txn *t, const uint8_t slot[SLOT_BYTES], struct slot_current *out)
{
    uint32_t index = *bucket_of(r, slot);
    struct bytes value;
    enum err e;

    if (index != NONE) {
        *out = r->slots[index].current;
        return r->slots[index].is_gone ? ERR_NOT_FOUND : OK;
    }
    if (!r->is_spilled)
        return ERR_NOT_FOUND;
    e = store_get(t, H_CURRENT, bytes_of(slot, SLOT_BYTES), &value);
    return e == OK ? slot_current_get(out, value) : e;
}

static enum err set_slot(struct replay *r, const uint8_t slot[SLOT_BYTES], struct held_slot fresh,
                         const struct place *at)
{
    uint32_t *bucket;
    bool is_new;
    enum err e = places_index(r->places, at->form, at->unit, at->period, &fresh.place, &is_new);

    if (e != OK || (e = make_room(r)) != OK)
        return e;
    memcpy(fresh.slot, slot, SLOT_BYTES);
    bucket = bucket_of(r, slot);
    if (*bucket == NONE) {
        r->slots[r->count] = fresh;
        *bucket = r->count++;
        return OK;
    }
    if (*bucket < r->count_before) {
        struct undo u = {*bucket, r->slots[*bucket]};

        buf_put(&r->undo, &u, sizeof(u));
        if ((e = buf_status(&r->undo)) != OK)
            return e;
    }
    r->slots[*bucket] = fresh;
    return OK;
}

enum err replay_set_current(struct replay *r, const uint8_t slot[SLOT_BYTES], const struct slot_current *c,
                            const struct place *at)
{
    return set_slot(r, slot, (struct held_slot){.current = *c}, at);
}

enum err replay_drop_current(struct replay *r, const uint8_t slot[SLOT_BYTES], const struct place *at)
{
    return set_slot(r, slot, (struct held_slot){.current = {.is_dead = true}, .is_gone = true}, at);
}

/* ---- slots in the order of their keys ---- */

static int compare_slots(const void *a, const void *b)
{
    const struct slot_ref *x = a;
    const struct slot_ref *y = b;

    return memcmp(x->at->slot, y->at->slot, SLOT_BYTES);
}

/* By their first two bytes, then the few of each: digests are spread evenly. */
static enum err order_by_slot(struct replay *r)
{
    struct slot_ref *order = reallocarray(NULL, (size_t)r->count + 1, sizeof(*order));
    uint32_t *from = calloc(HEADS + 1, sizeof(*from));

    r->by_slot = order;
    if (order == NULL || from == NULL) {
        free(from);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < r->count; i++)
        from[(be32_get(r->slots[i].slot) >> 16) + 1]++;
    for (uint32_t h = 0; h < HEADS; h++)
        from[h + 1] += from[h];
    for (uint32_t i = 0; i < r->count; i++)
        order[from[be32_get(r->slots[i].slot) >> 16]++].at = &r->slots[i];
    for (uint32_t h = 0; h < HEADS; h++) { /* by now each stands where the next one began */
        uint32_t first = h == 0 ? 0 : from[h - 1];

        if (from[h] > first + 1)
            qsort(order + first, from[h] - first, sizeof(*order), compare_slots);
    }
    free(from);
    return OK;
}

struct ranked {
    uint8_t key[SLOT_LIST_KEY_MAX];
    size_t len;
    uint32_t place;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

    if (order != 0)
        return order;
    return x->len == y->len ? 0 : (x->len < y->len ? -1 : 1);
}

/* rank[place]: the same for versions of one form. */
static enum err rank_places(const struct replay *r, uint32_t **out, uint32_t *ranks)
{
    static const uint8_t none[SLOT_BYTES];
    uint32_t count = places_count(r->places);
    struct ranked *list = calloc((size_t)count + 1, sizeof(*list));
    uint32_t *rank = calloc((size_t)count + 1, sizeof(*rank));

    if (list == NULL || rank == NULL) {
        free(list);
        free(rank);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct place *at = places_at(r->places, i);

        list[i].len = slot_list_key(list[i].key, at->form->id, at->unit, at->period, none);
        list[i].place = i;
    }
    if (count > 0)
        qsort(list, count, sizeof(*list), compare_ranked);
    *ranks = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && compare_ranked(&list[i - 1], &list[i]) != 0)
            ++*ranks;
        rank[list[i].place] = *ranks;
    }
    ++*ranks;
    free(list);
    *out = rank;
    return OK;
}

/* Slots come in their own order; dealt out by place they are in the order of H_SLOTS. */
static enum err order_by_place(struct replay *r)
{
    struct slot_ref *dealt = reallocarray(NULL, (size_t)r->count + 1, sizeof(*dealt));
    uint32_t *rank = NULL;
    uint32_t *from = NULL;
    uint32_t ranks = 0;
    enum err e;

    r->by_place = dealt;
    if ((e = dealt == NULL ? ERR_NOMEM : rank_places(r, &rank, &ranks)) != OK)
        return e;
    if ((from = calloc((size_t)ranks + 1, sizeof(*from))) == NULL) {
        free(rank);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < r->count; i++)
        from[rank[r->by_slot[i].at->place] + 1]++;
    for (uint32_t k = 0; k < ranks; k++)
        from[k + 1] += from[k];
    for (uint32_t i = 0; i < r->count; i++)
        dealt[from[rank[r->by_slot[i].at->place]]++] = r->by_slot[i];
    free(from);
    free(rank);
    return OK;
}

static enum err order_slots(struct replay *r)
{
    enum err e;

    r->next_current = r->next_slot = 0;
    return (e = order_by_slot(r)) != OK ? e : order_by_place(r);
}

static struct bytes list_key(struct replay *r, const struct held_slot *s)
{
    const struct place *at = places_at(r->places, s->place);

    return bytes_of(r->raw_slot, slot_list_key(r->raw_slot, at->form->id, at->unit, at->period, s->slot));
}

enum err replay_next_current(void *ctx, struct bytes *key, struct bytes *value)
{
    struct replay *r = ctx;
    const struct held_slot *s;

    while (r->next_current < r->count && r->by_slot[r->next_current].at->is_gone)
        r->next_current++;
    if (r->next_current == r->count)
        return ERR_NOT_FOUND;
    s = r->by_slot[r->next_current++].at;
    slot_current_put(r->raw_current, &s->current);
    *key = bytes_of(s->slot, SLOT_BYTES);
    *value = bytes_of(r->raw_current, sizeof(r->raw_current));
    return OK;
}

enum err replay_next_slot(void *ctx, struct bytes *key, struct bytes *value)
{
    struct replay *r = ctx;

    while (r->next_slot < r->count && r->by_place[r->next_slot].at->current.is_dead)
        r->next_slot++;
    if (r->next_slot == r->count)
        return ERR_NOT_FOUND;
    *key = list_key(r, r->by_place[r->next_slot++].at);
    *value = bytes_of("", 0);
    return OK;
}

/* ---- slots into the store ---- */

static enum err put_all(struct store_txn *t, unsigned table, struct replay *r,
                        enum err (*next)(void *ctx, struct bytes *key, struct bytes *value))
{
    struct bytes key;
    struct bytes value;
    enum err e;

    while ((e = next(r, &key, &value)) == OK)
        if ((e = store_put(t, table, key, value)) != OK)
            return e;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* An earlier spill may have listed them. */
static enum err unlist_dead(struct replay *r, struct store_txn *t)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct held_slot *s = r->by_place[i].at;
        enum err e = s->current.is_dead ? store_delete(t, H_SLOTS, list_key(r, s)) : OK;

        if ((e == OK || e == ERR_NOT_FOUND) && s->is_gone)
            e = store_delete(t, H_CURRENT, bytes_of(s->slot, SLOT_BYTES));
        if (e != OK && e != ERR_NOT_FOUND)
            return e;
    }
    return OK;
}

static enum err spill_slots(struct replay *r, struct store_txn *t)
{
    enum err e = order_slots(r);

    if (e == OK && (e = put_all(t, H_CURRENT, r, replay_next_current)) == OK &&
        (e = put_all(t, H_SLOTS, r, replay_next_slot)) == OK && r->is_spilled)
        e = unlist_dead(r, t);
    free(r->by_slot);
    free(r->by_place);
    r->by_slot = r->by_place = NULL;
    r->is_spilled = true;
    r->count = 0;
    clear_buckets(r);
    return e;
}

/* ---- cells ---- */

enum err replay_leave(struct replay *r, uint64_t lsn, uint32_t row)
{
    struct left_row left = {lsn, row};

    buf_put(&r->leaving, &left, sizeof(left));
    return buf_status(&r->leaving);
}

static int compare_left(const void *a, const void *b)
{
    const struct left_row *x = a;
    const struct left_row *y = b;

    if (x->lsn != y->lsn)
        return x->lsn < y->lsn ? -1 : 1;
    return x->row == y->row ? 0 : (x->row < y->row ? -1 : 1);
}

static enum err take_leaving(struct replay *r, struct ledger *l, struct store_txn *t)
{
    struct left_row *rows = (struct left_row *)(void *)r->leaving.data;
    size_t count = r->leaving.len / sizeof(*rows);
    enum err e = OK;

    if (count > 0)
        qsort(rows, count, sizeof(*rows), compare_left);
    for (size_t i = 0; e == OK && i < count; i++) {
        const struct held_batch *b;
        struct bytes record;
        uint64_t number;

        if ((e = held_open(l, t, rows[i].lsn, &b)) == OK && (e = held_record(b, rows[i].row, &record, &number)) == OK)
            e = ledger_contribute(l, l->eval, record, r->cells, -1);
        else if (e == ERR_ERASED)
            e = OK; /* it contributed nothing when it came */
    }
    buf_reset(&r->leaving);
    return e;
}

/* What left is taken away first: a cell never holds less than nothing in the store. */
static enum err spill_cells(struct replay *r, struct ledger *l, struct store_txn *t)
{
    enum err e = take_leaving(r, l, t);

    if (e == OK)
        e = cell_sums_store(r->cells, t);
    cell_sums_reset(r->cells);
    return e;
}

/* ---- transactions ---- */

enum err replay_commit(struct replay *r, struct ledger *l, struct store_txn *t)
{
    enum err e = cell_sums_merge(r->cells, l->sums);

    cell_sums_reset(l->sums);
    if (e == OK && (cell_sums_count(r->cells) >= CELLS_MAX || r->leaving.len >= LEAVING_MAX / 2))
        e = spill_cells(r, l, t);
    if (e == OK && r->count >= r->slots_max)
        e = spill_slots(r, t);
    buf_reset(&r->undo);
    r->count_before = r->count;
    r->leaving_before = r->leaving.len;
    return e;
}

void replay_abort(struct replay *r, struct ledger *l)
{
    const struct undo *list = (const struct undo *)(const void *)r->undo.data;

    for (size_t i = r->undo.len / sizeof(*list); i > 0; i--)
        r->slots[list[i - 1].index] = list[i - 1].was;
    buf_reset(&r->undo);
    r->count = r->count_before;
    fill_buckets(r);
    r->leaving.len = r->leaving_before;
    cell_sums_reset(l->sums);
}

enum err replay_finish(struct replay *r, struct ledger *l, struct store_txn *t, bool *in_memory)
{
    enum err e = ledger_eval(l);

    *in_memory = !r->is_spilled;
    if (e != OK || (e = spill_cells(r, l, t)) != OK)
        return e;
    return r->is_spilled ? spill_slots(r, t) : order_slots(r);
}
