/* protect_rank.c: which sums follow exactly from what is shown.
 *
 * A sum is determined when it lies in the span of the revealed equations.  The elimination runs modulo a prime of 61
 * bits, so that nothing is rounded and numbers do not grow; a second prime catches the case that the first one divides
 * a minor.  A sum in the span under either prime counts as determined.  The other error (both primes call independent
 * what depends) cannot let anything pass, because a target is safe only with two worlds in whole numbers that differ in
 * it, and such worlds exist for no determined sum. */
#include "common/cli.h"
#include "hub/protect_internal.h"

#include <stdlib.h>
#include <string.h>

#define PRIME_BITS 61u
#define PRIME_TOP  (UINT64_C(1) << PRIME_BITS)

struct entry {
    uint32_t col;
    uint64_t value;
};

struct echelon {
    struct protect *p;
    uint64_t below;        /* the prime is 2^61 - below */
    const uint32_t *col;   /* of each atom: rare atoms first, for they fill in least */
    uint32_t *pivot_first; /* per column: its row in pool, NONE if none */
    uint32_t *pivot_count;
    struct entry *pool;
    size_t used;
    size_t cap;
    uint64_t *sum;  /* per column: the row being reduced */
    uint32_t *heap; /* its columns, the least on top; a column may stand twice */
    size_t heap_count;
    size_t heap_cap;
};

/* ---- arithmetic modulo 2^61 - below ---- */

static uint64_t fold(unsigned __int128 x, uint64_t below)
{
    while (x >> PRIME_BITS != 0)
        x = (x & (PRIME_TOP - 1)) + (x >> PRIME_BITS) * below;
    return (uint64_t)x >= PRIME_TOP - below ? (uint64_t)x - (PRIME_TOP - below) : (uint64_t)x;
}

static uint64_t mul(uint64_t a, uint64_t b, uint64_t below)
{
    return fold((unsigned __int128)a * b, below);
}

static uint64_t add(uint64_t a, uint64_t b, uint64_t below)
{
    return fold((unsigned __int128)a + b, below);
}

static uint64_t negate(uint64_t a, uint64_t below)
{
    return a == 0 ? 0 : PRIME_TOP - below - a;
}

static uint64_t of_integer(int64_t v, uint64_t below)
{
    return v >= 0 ? fold((unsigned __int128)v, below) : negate(fold(-(unsigned __int128)v, below), below);
}

/* Fermat: a^(p-2). */
static uint64_t inverse(uint64_t a, uint64_t below)
{
    uint64_t power = PRIME_TOP - below - 2;
    uint64_t result = 1;

    for (; power != 0; power >>= 1) {
        if ((power & 1) != 0)
            result = mul(result, a, below);
        a = mul(a, a, below);
    }
    return result;
}

/* ---- the row being reduced ---- */

static enum err push(struct echelon *h, uint32_t col)
{
    size_t at = h->heap_count;

    if (at == h->heap_cap) {
        size_t cap = h->heap_cap < 256 ? 256 : h->heap_cap * 2;
        uint32_t *grown = realloc(h->heap, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        h->heap = grown;
        h->heap_cap = cap;
    }
    h->heap_count++;
    while (at > 0 && h->heap[(at - 1) / 2] > col) {
        h->heap[at] = h->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    h->heap[at] = col;
    return OK;
}

static uint32_t pop(struct echelon *h)
{
    uint32_t top = h->heap[0];
    uint32_t last = h->heap[--h->heap_count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= h->heap_count)
            break;
        if (child + 1 < h->heap_count && h->heap[child + 1] < h->heap[child])
            child++;
        if (h->heap[child] >= last)
            break;
        h->heap[at] = h->heap[child];
        at = child;
    }
    h->heap[at] = last;
    return top;
}

static enum err load(struct echelon *h, uint32_t first, uint32_t count)
{
    enum err e = OK;

    for (uint32_t k = 0; e == OK && k < count; k++) {
        const struct protect_term *t = &h->p->terms[first + k];

        if (h->p->view.is_known[t->atom])
            continue;
        h->sum[h->col[t->atom]] = of_integer(t->coef, h->below);
        e = push(h, h->col[t->atom]);
    }
    return e;
}

/* Adds factor times the pivot's row; what stood in its own column vanishes. */
static enum err subtract(struct echelon *h, uint32_t col)
{
    uint64_t factor = negate(h->sum[col], h->below);
    enum err e = OK;

    if (h->pivot_count[col] > h->p->steps_left)
        return err_set(ERR_LIMIT, _("protecting the publication takes more steps than allowed; nothing is published"));
    h->p->steps_left -= h->pivot_count[col];
    for (uint32_t k = 0; e == OK && k < h->pivot_count[col]; k++) {
        const struct entry *n = &h->pool[h->pivot_first[col] + k];

        if (h->sum[n->col] == 0 && n->col != col)
            e = push(h, n->col);
        h->sum[n->col] = add(h->sum[n->col], mul(factor, n->value, h->below), h->below);
    }
    return e;
}

static enum err keep(struct echelon *h, uint32_t col, uint64_t value)
{
    if (h->used == h->cap) {
        size_t cap = h->cap < 1024 ? 1024 : h->cap * 2;
        struct entry *grown = cap < NONE ? realloc(h->pool, cap * sizeof(*grown)) : NULL;

        if (grown == NULL)
            return ERR_NOMEM;
        h->pool = grown;
        h->cap = cap;
    }
    h->pool[h->used++] = (struct entry){col, value};
    return OK;
}

/* Reduces what was loaded.  *is_new: something was left; with `add_row` it becomes a pivot row.  sum is zero again. */
static enum err reduce(struct echelon *h, bool add_row, bool *is_new)
{
    size_t begin = h->used;
    uint64_t scale = 0;
    uint32_t pivot = NONE;
    enum err e = OK;

    *is_new = false;
    while (h->heap_count > 0) {
        uint32_t col = pop(h);

        if (h->sum[col] != 0 && e == OK && pivot == NONE && h->pivot_first[col] != NONE)
            e = subtract(h, col);
        if (h->sum[col] == 0 || e != OK) {
            h->sum[col] = 0;
            continue;
        }
        if (pivot == NONE) {
            pivot = col;
            *is_new = true;
            scale = add_row ? inverse(h->sum[col], h->below) : 0;
        }
        if (add_row)
            e = keep(h, col, mul(h->sum[col], scale, h->below));
        h->sum[col] = 0;
    }
    if (e == OK && add_row && pivot != NONE) {
        h->pivot_first[pivot] = (uint32_t)begin;
        h->pivot_count[pivot] = (uint32_t)(h->used - begin);
    }
    return e;
}

/* ---- the audit ---- */

static enum err eliminate(struct echelon *h)
{
    struct protect *p = h->p;
    bool is_new;
    enum err e = OK;

    for (uint32_t r = 0; e == OK && r < p->row_count; r++) {
        if (!p->view.is_active[r] || p->rows[r].lo != 0 || p->rows[r].hi != 0)
            continue;
        if ((e = load(h, p->rows[r].first, p->rows[r].count)) == OK)
            e = reduce(h, true, &is_new);
    }
    return e;
}

static enum err judge_targets(struct echelon *h)
{
    struct protect *p = h->p;
    bool is_new;
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < p->target_count; i++) {
        if ((e = load(h, p->targets[i].first, p->targets[i].count)) == OK && (e = reduce(h, false, &is_new)) == OK &&
            !is_new)
            p->targets[i].bounds.is_determined = true;
    }
    return e;
}

/* Hidden items all of whose exact functionals follow from the rest. */
static enum err judge_items(struct echelon *h, uint32_t *recomputed)
{
    struct protect *p = h->p;
    enum err e = OK;

    *recomputed = 0;
    for (uint32_t i = 0; e == OK && i < p->item_count; i++) {
        const struct item *item = &p->items[i];
        bool is_new = item->row_count == 0 || !protect_is_hidden(p, i);

        for (uint32_t k = 0; e == OK && !is_new && k < item->row_count; k++) {
            const struct row *r = &p->rows[item->first_row + k];

            if ((e = load(h, r->first, r->count)) == OK)
                e = reduce(h, false, &is_new);
        }
        *recomputed += e == OK && !is_new;
    }
    return e;
}

struct degree {
    uint32_t atom;
    uint32_t rows;
};

static int by_degree(const void *a, const void *b)
{
    const struct degree *x = a;
    const struct degree *y = b;

    if (x->rows != y->rows)
        return x->rows < y->rows ? -1 : 1;
    return x->atom < y->atom ? -1 : x->atom > y->atom;
}

static enum err order_columns(const struct protect *p, uint32_t **out)
{
    struct degree *d = calloc((size_t)p->atom_count + 1, sizeof(*d));
    uint32_t *col = calloc((size_t)p->atom_count + 1, sizeof(*col));

    if (d == NULL || col == NULL) {
        free(d);
        free(col);
        return ERR_NOMEM;
    }
    for (uint32_t a = 0; a < p->atom_count; a++) {
        d[a].atom = a;
        for (uint32_t k = p->at_first[a]; k < p->at_first[a + 1]; k++)
            d[a].rows += p->view.is_active[p->at_row[k]];
    }
    qsort(d, p->atom_count, sizeof(*d), by_degree);
    for (uint32_t i = 0; i < p->atom_count; i++)
        col[d[i].atom] = i;
    free(d);
    *out = col;
    return OK;
}

static enum err run(struct protect *p, const uint32_t *col, uint64_t below, uint32_t *recomputed)
{
    size_t cols = (size_t)p->atom_count + 1;
    struct echelon h = {.p = p, .below = below, .col = col};
    enum err e = OK;

    h.pivot_first = malloc(cols * sizeof(*h.pivot_first));
    h.pivot_count = calloc(cols, sizeof(*h.pivot_count));
    h.sum = calloc(cols, sizeof(*h.sum));
    if (h.pivot_first == NULL || h.pivot_count == NULL || h.sum == NULL) {
        e = ERR_NOMEM;
    } else {
        memset(h.pivot_first, 0xFF, cols * sizeof(*h.pivot_first));
        e = eliminate(&h);
    }
    if (e == OK)
        e = judge_targets(&h);
    if (e == OK)
        e = judge_items(&h, recomputed);
    free(h.pivot_first);
    free(h.pivot_count);
    free(h.pool);
    free(h.sum);
    free(h.heap);
    return e;
}

enum err rank_audit(struct protect *p, uint32_t *recomputed)
{
    static const uint64_t below[] = {1, 31}; /* 2^61 - 1 and 2^61 - 31 are prime */
    uint32_t *col = NULL;
    enum err e = order_columns(p, &col);

    for (uint32_t i = 0; i < p->target_count; i++)
        p->targets[i].bounds.is_determined = false;
    *recomputed = 0;
    for (size_t k = 0; e == OK && k < sizeof(below) / sizeof(below[0]); k++) {
        uint32_t found = 0;

        e = run(p, col, below[k], &found);
        if (found > *recomputed)
            *recomputed = found;
    }
    free(col);
    return e;
}
