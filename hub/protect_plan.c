/* protect_plan.c: which items to hide so that a target can move.
 *
 * A linear program moves the target by what it asks for, and pays for every shown row that has to move with it what its
 * item costs to hide.  That is the known relaxation of cell suppression; solving it a second time, with the weight of a
 * row divided by how far it moved, draws the movement together on few items.  It looks at the neighbourhood of the
 * target only: atoms further away are held still, which is always possible. */
#include "hub/protect_internal.h"

#include <math.h>
#include <stdlib.h>

#define TOLERANCE 1e-6
#define FAINT     0.05 /* a row that did not move is as dear as if it had moved by this */

/* One movement of the target. */
struct way {
    bool is_found;
    int64_t *devs;     /* per atom of the plan */
    uint8_t *is_moved; /* per soft row */
};

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

static void offer(struct protect *p, struct world *w)
{
    for (uint32_t i = 0; i < p->target_count; i++)
        if (!target_is_proved(&p->targets[i]))
            target_offer(p, &p->targets[i], w);
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
    offer(x->p, w);
    e = world_mirror(&mirror, x->p, w);
    world_release(w);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    offer(x->p, mirror);
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
