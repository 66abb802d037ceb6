/* protect_near.c: the linear program of a target's neighbourhood, with a price on every shown row that moves. */
#include "hub/protect_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- the neighbourhood ---- */

static bool is_soft(const struct protect *p, uint32_t row)
{
    uint32_t item = p->rows[row].item;

    return item != NONE && !p->items[item].is_pinned && !p->items[item].is_hidden;
}

static void add_atom(struct plan *x, uint32_t atom, uint32_t cap)
{
    if (x->p->view.is_known[atom] || x->p->local[atom] != NONE || x->atom_count >= cap)
        return;
    x->p->local[atom] = 0;
    x->atoms[x->atom_count++] = atom;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Soft rows to the front, each kind by number: the order does not depend on the walk. */
static void sort_rows(struct plan *x)
{
    uint32_t soft = 0;

    qsort(x->rows, x->row_count, sizeof(*x->rows), by_number);
    for (uint32_t k = 0; k < x->row_count; k++)
        if (is_soft(x->p, x->rows[k])) {
            uint32_t row = x->rows[k];

            memmove(x->rows + soft + 1, x->rows + soft, (k - soft) * sizeof(*x->rows));
            x->rows[soft++] = row;
        }
    x->soft_count = soft;
}

/* Breadth first from the target, over everything that would have to move with it. */
static void find_neighbours(struct plan *x, uint32_t cap)
{
    struct protect *p = x->p;

    protect_next_mark(p);
    for (uint32_t k = 0; k < x->t->count; k++)
        add_atom(x, p->terms[x->t->first + k].atom, NONE);
    for (uint32_t i = 0; i < x->atom_count; i++)
        for (uint32_t k = p->at_first[x->atoms[i]]; k < p->at_first[x->atoms[i] + 1]; k++) {
            uint32_t row = p->at_row[k];

            if (p->row_mark[row] == p->mark || !(p->view.is_active[row] || is_soft(p, row)))
                continue;
            p->row_mark[row] = p->mark;
            x->rows[x->row_count++] = row;
            for (uint32_t j = 0; j < p->rows[row].count; j++)
                add_atom(x, p->terms[p->rows[row].first + j].atom, cap);
        }
    qsort(x->atoms, x->atom_count, sizeof(*x->atoms), by_number);
    for (uint32_t i = 0; i < x->atom_count; i++)
        p->local[x->atoms[i]] = i;
    sort_rows(x);
}

void plan_close(struct plan *x)
{
    if (x == NULL)
        return;
    for (uint32_t i = 0; i < x->atom_count; i++)
        x->p->local[x->atoms[i]] = NONE;
    lp_free(x->lp);
    free(x->atoms);
    free(x->rows);
    free(x->weight);
    free(x->objective);
    free(x->lo);
    free(x->hi);
    free(x);
}

/* ---- the linear program ---- */

struct triple {
    uint32_t col;
    uint32_t row;
    double coef;
};

struct matrix {
    struct triple *entries;
    size_t count;
    int *start;
    int *index;
    double *coef;
    double *row_lo;
    double *row_hi;
};

static void matrix_fini(struct matrix *m)
{
    free(m->entries);
    free(m->start);
    free(m->index);
    free(m->coef);
    free(m->row_lo);
    free(m->row_hi);
}

static void put(struct matrix *m, uint32_t col, uint32_t row, double coef)
{
    m->entries[m->count++] = (struct triple){col, row, coef};
}

static void put_terms(const struct plan *x, struct matrix *m, uint32_t first, uint32_t count, uint32_t row)
{
    for (uint32_t k = 0; k < count; k++) {
        const struct protect_term *t = &x->p->terms[first + k];

        if (x->p->local[t->atom] != NONE)
            put(m, x->p->local[t->atom], row, (double)t->coef);
    }
}

static enum err matrix_alloc(struct matrix *m, const struct plan *x)
{
    size_t entries = 2 * (size_t)x->soft_count + x->t->count + 1;

    for (uint32_t k = 0; k < x->row_count; k++)
        entries += x->p->rows[x->rows[k]].count;
    m->entries = calloc(entries, sizeof(*m->entries));
    m->index = calloc(entries, sizeof(*m->index));
    m->coef = calloc(entries, sizeof(*m->coef));
    m->start = calloc((size_t)x->cols + 2, sizeof(*m->start));
    m->row_lo = calloc((size_t)x->row_count + 1, sizeof(*m->row_lo));
    m->row_hi = calloc((size_t)x->row_count + 1, sizeof(*m->row_hi));
    return m->entries != NULL && m->index != NULL && m->coef != NULL && m->start != NULL && m->row_lo != NULL &&
                   m->row_hi != NULL
               ? OK
               : ERR_NOMEM;
}

/* Row k: functional + below - above within its slack; the last row: target = its column. */
static void fill(const struct plan *x, struct matrix *m)
{
    for (uint32_t k = 0; k < x->row_count; k++) {
        const struct row *r = &x->p->rows[x->rows[k]];

        m->row_lo[k] = lp_slack(r->lo);
        m->row_hi[k] = lp_slack(r->hi);
        put_terms(x, m, r->first, r->count, k);
        if (k < x->soft_count) {
            put(m, x->atom_count + 2 * k, k, 1.0);
            put(m, x->atom_count + 2 * k + 1, k, -1.0);
        }
    }
    put_terms(x, m, x->t->first, x->t->count, x->row_count);
    put(m, x->cols - 1, x->row_count, -1.0);
}

static void by_columns(const struct plan *x, struct matrix *m)
{
    int *at = m->start + 1;

    for (size_t k = 0; k < m->count; k++)
        at[m->entries[k].col + 1]++;
    for (uint32_t c = 0; c < x->cols; c++)
        at[c + 1] += at[c];
    for (size_t k = 0; k < m->count; k++) {
        int to = at[m->entries[k].col]++;

        m->index[to] = (int)m->entries[k].row;
        m->coef[to] = m->entries[k].coef;
    }
}

static void set_bounds(struct plan *x, int64_t box)
{
    for (uint32_t i = 0; i < x->atom_count; i++) {
        x->lo[i] = lp_within(x->p->view.lb[x->atoms[i]], box);
        x->hi[i] = lp_within(x->p->view.ub[x->atoms[i]], box);
    }
    for (uint32_t i = x->atom_count; i < x->cols; i++) {
        x->lo[i] = 0.0;
        x->hi[i] = 1e15;
    }
}

static enum err load(struct plan *x, int64_t box)
{
    struct matrix m = {NULL, 0, NULL, NULL, NULL, NULL, NULL};
    struct lp_shape shape;
    enum err e;

    if ((e = matrix_alloc(&m, x)) == OK) {
        fill(x, &m);
        by_columns(x, &m);
        set_bounds(x, box);
        shape =
            (struct lp_shape){x->cols, x->row_count + 1, m.start, m.index, m.coef, x->lo, x->hi, m.row_lo, m.row_hi};
        e = lp_new(&x->lp, &shape);
    }
    matrix_fini(&m);
    return e;
}

enum err plan_open(struct plan **out, struct protect *p, const struct target *t, uint32_t cap, int64_t box)
{
    struct plan *x = calloc(1, sizeof(*x));
    enum err e = OK;

    if (x == NULL)
        return ERR_NOMEM;
    x->p = p;
    x->t = t;
    x->atoms = calloc((size_t)p->atom_count + 1, sizeof(*x->atoms));
    x->rows = calloc((size_t)p->row_count + 1, sizeof(*x->rows));
    if (x->atoms == NULL || x->rows == NULL) {
        plan_close(x);
        return ERR_NOMEM;
    }
    find_neighbours(x, cap);
    x->cols = x->atom_count + 2 * x->soft_count + 1;
    x->weight = calloc((size_t)x->soft_count + 1, sizeof(*x->weight));
    x->objective = calloc(x->cols, sizeof(*x->objective));
    x->lo = calloc(x->cols, sizeof(*x->lo));
    x->hi = calloc(x->cols, sizeof(*x->hi));
    if (x->weight == NULL || x->objective == NULL || x->lo == NULL || x->hi == NULL)
        e = ERR_NOMEM;
    for (uint32_t k = 0; e == OK && k < x->soft_count; k++)
        x->weight[k] = (double)protect_hide_cost(p, p->rows[x->rows[k]].item);
    if (e == OK)
        e = load(x, box);
    if (e != OK)
        plan_close(x);
    else
        *out = x;
    return e;
}
