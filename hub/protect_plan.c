/* protect_plan.c: which items to hide so that a target can move.
 *
 * A linear program moves the target by what it asks for, and pays for every shown row that has to move with it what its
 * item costs to hide.  That is the known relaxation of cell suppression; solving it a second time, with the weight of a
 * row divided by how far it moved, draws the movement together on few items.  It looks at the neighbourhood of the
 * target only: atoms further away are held still, which is always possible. */
#include "hub/protect_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-6
#define FAINT     0.05 /* a row that did not move is as dear as if it had moved by this */

struct plan {
    struct protect *p;
    const struct target *t;
    uint32_t atom_count;
    uint32_t row_count;
    uint32_t soft_count;
    uint32_t cols;   /* the atoms, two for each soft row, one for the target */
    uint32_t *atoms; /* ascending */
    uint32_t *rows;  /* soft rows first */
    double *weight;  /* per soft row: what hiding its item costs */
    double *objective;
    double *lo;
    double *hi;
    struct lp *lp;
};

/* One movement of the target. */
struct way {
    bool is_found;
    int64_t *devs;     /* per atom of the plan */
    uint8_t *is_moved; /* per soft row */
};

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

static void plan_close(struct plan *x)
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

static double slack(int64_t s)
{
    return s == OPEN ? HUGE_VAL : s == -OPEN ? -HUGE_VAL : (double)s;
}

static double within(int64_t dev, int64_t box)
{
    return (double)(dev > box ? box : dev < -box ? -box : dev);
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

        m->row_lo[k] = slack(r->lo);
        m->row_hi[k] = slack(r->hi);
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
        x->lo[i] = within(x->p->view.lb[x->atoms[i]], box);
        x->hi[i] = within(x->p->view.ub[x->atoms[i]], box);
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

static enum err plan_open(struct plan **out, struct protect *p, const struct target *t, uint32_t cap, int64_t box)
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

/* ---- one movement ---- */

static double moved_by(const struct plan *x, uint32_t soft)
{
    const double *y = lp_solution(x->lp) + x->atom_count + (size_t)2 * soft;

    return y[0] + y[1];
}

static void weigh_plainly(struct plan *x)
{
    for (uint32_t k = 0; k < x->soft_count; k++)
        x->objective[x->atom_count + 2 * k] = x->objective[x->atom_count + 2 * k + 1] = -x->weight[k];
}

/* Rows of one item stand together and are hidden together. */
static void weigh_by_movement(struct plan *x)
{
    for (uint32_t k = 0; k < x->soft_count;) {
        uint32_t item = x->p->rows[x->rows[k]].item;
        double moved = FAINT;
        uint32_t end = k;

        for (; end < x->soft_count && x->p->rows[x->rows[end]].item == item; end++)
            moved += moved_by(x, end);
        for (; k < end; k++)
            x->objective[x->atom_count + 2 * k] = x->objective[x->atom_count + 2 * k + 1] = -x->weight[k] / moved;
    }
}

static bool is_outside(const struct plan *x, const int64_t *devs, const struct row *r)
{
    wide sum = 0;

    for (uint32_t k = 0; k < r->count; k++) {
        const struct protect_term *t = &x->p->terms[r->first + k];

        if (x->p->local[t->atom] != NONE)
            sum += (wide)t->coef * devs[x->p->local[t->atom]];
    }
    return (r->lo != -OPEN && sum < r->lo) || (r->hi != OPEN && sum > r->hi);
}

static enum err way_init(struct way *w, const struct plan *x)
{
    w->is_found = false;
    w->devs = calloc((size_t)x->atom_count + 1, sizeof(*w->devs));
    w->is_moved = calloc((size_t)x->soft_count + 1, 1);
    return w->devs != NULL && w->is_moved != NULL ? OK : ERR_NOMEM;
}

static void way_fini(struct way *w)
{
    free(w->devs);
    free(w->is_moved);
}

static enum err find_way(struct plan *x, struct way *w, int sign, int64_t by)
{
    double value;
    enum err e;

    x->lo[x->cols - 1] = sign > 0 ? (double)by : -(double)PROTECT_FAR;
    x->hi[x->cols - 1] = sign > 0 ? (double)PROTECT_FAR : -(double)by;
    lp_set_columns(x->lp, x->lo, x->hi);
    weigh_plainly(x);
    if ((e = lp_maximise(x->p, x->lp, x->objective, &value)) == OK) {
        weigh_by_movement(x);
        e = lp_maximise(x->p, x->lp, x->objective, &value);
    }
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    for (uint32_t i = 0; i < x->atom_count; i++)
        w->devs[i] = (int64_t)nearbyint(lp_solution(x->lp)[i]);
    for (uint32_t k = 0; k < x->soft_count; k++)
        w->is_moved[k] = moved_by(x, k) > TOLERANCE || is_outside(x, w->devs, &x->p->rows[x->rows[k]]);
    w->is_found = true;
    return OK;
}

/* ---- the choice between movements ---- */

struct move {
    struct way down;
    struct way up;
    double cost;
};

static void move_fini(struct move *m)
{
    way_fini(&m->down);
    way_fini(&m->up);
}

static double cost_of(const struct plan *x, const struct move *m)
{
    double cost = 0;
    uint32_t before = NONE;

    for (uint32_t k = 0; k < x->soft_count; k++) {
        uint32_t item = x->p->rows[x->rows[k]].item;

        if (item == before || !(m->down.is_moved[k] || m->up.is_moved[k]))
            continue;
        cost += x->weight[k];
        before = item;
    }
    return cost;
}

/* m->cost stays infinite when there is no such movement. */
static enum err try_move(struct plan *x, struct move *m, int64_t down, int64_t up)
{
    enum err e;

    m->cost = HUGE_VAL;
    m->down = m->up = (struct way){false, NULL, NULL};
    if ((e = way_init(&m->down, x)) != OK || (e = way_init(&m->up, x)) != OK)
        return e;
    if (down > x->t->below && ((e = find_way(x, &m->down, -1, down)) != OK || !m->down.is_found))
        return e;
    if (up > x->t->above && ((e = find_way(x, &m->up, 1, up)) != OK || !m->up.is_found))
        return e;
    m->cost = cost_of(x, m);
    return OK;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The width may lie below, above, or on both sides of the value: the cheapest. */
static enum err best_move(struct plan *x, struct move *best)
{
    const struct protect_need *n = &x->t->need;
    int64_t half = n->width / 2;
    const int64_t tries[3][2] = {
        {n->lo, greatest(n->hi, n->width - n->lo)},
        {greatest(n->lo, n->width - n->hi), n->hi},
        {greatest(n->lo, half), greatest(n->hi, n->width - half)},
    };
    enum err e = OK;

    *best = (struct move){{false, NULL, NULL}, {false, NULL, NULL}, HUGE_VAL};
    for (size_t k = 0; e == OK && k < sizeof(tries) / sizeof(tries[0]); k++) {
        struct move m;

        e = try_move(x, &m, tries[k][0], tries[k][1]);
        if (e == OK && m.cost < best->cost) {
            move_fini(best);
            *best = m;
        } else {
            move_fini(&m);
        }
    }
    return e;
}

/* ---- hiding ---- */

static enum err offer(struct protect *p, struct world *w)
{
    for (uint32_t i = 0; i < p->target_count; i++)
        if (!target_is_proved(&p->targets[i]))
            target_offer(p, &p->targets[i], w);
    return OK;
}

/* What does not turn out possible in whole numbers is no loss: the targets are looked at again afterwards. */
static enum err offer_way(struct plan *x, const struct way *way)
{
    struct world *w;
    struct world *mirror;
    enum err e;

    if (!way->is_found)
        return OK;
    e = world_new(&w, x->p, x->atoms, way->devs, x->atom_count);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    (void)offer(x->p, w);
    e = world_mirror(&mirror, x->p, w);
    world_release(w);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    (void)offer(x->p, mirror);
    world_release(mirror);
    return OK;
}

static uint32_t hide_moved(struct plan *x, const struct move *m)
{
    uint32_t hidden = 0;

    for (uint32_t k = 0; k < x->soft_count; k++)
        if (m->down.is_moved[k] || m->up.is_moved[k])
            hidden += protect_hide_closure(x->p, x->p->rows[x->rows[k]].item);
    return hidden;
}

/* When the program finds no way that could be proved: the cheapest item nearby, so that every round comes closer. */
static uint32_t hide_cheapest(struct plan *x)
{
    uint32_t best = NONE;

    for (uint32_t k = 0; k < x->soft_count; k++)
        if (best == NONE || x->weight[k] < x->weight[best])
            best = k;
    return best == NONE ? 0 : protect_hide_closure(x->p, x->p->rows[x->rows[best]].item);
}

static enum err plan_within(struct protect *p, struct target *t, uint32_t cap, int64_t box, bool is_last,
                            uint32_t *hidden)
{
    struct move best;
    struct plan *x = NULL;
    enum err e;

    if ((e = plan_open(&x, p, t, cap, box)) != OK)
        return e;
    e = best_move(x, &best);
    if (e == OK && best.cost < HUGE_VAL) {
        *hidden = hide_moved(x, &best);
        if ((e = offer_way(x, &best.down)) == OK)
            e = offer_way(x, &best.up);
    }
    if (e == OK && *hidden == 0 && is_last && !target_is_proved(t))
        *hidden = hide_cheapest(x);
    move_fini(&best);
    plan_close(x);
    return e;
}

enum err plan_hide(struct protect *p, struct target *t, uint32_t *hidden)
{
    int64_t most = greatest(greatest(t->need.lo, t->need.hi), t->need.width);
    const struct {
        uint32_t cap;
        int64_t box;
    } tries[] = {{300, 4 * most + 16}, {3000, 4 * most + 16}, {NONE, PROTECT_FAR}};
    enum err e = OK;

    *hidden = 0;
    for (size_t k = 0; e == OK && k < 3 && *hidden == 0 && !target_is_proved(t); k++)
        e = plan_within(p, t, tries[k].cap, tries[k].box, k == 2, hidden);
    return e;
}
