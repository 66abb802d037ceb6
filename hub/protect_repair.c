/* protect_repair.c: worlds near the truth.
 *
 * A linear program that goes as far as it can ends at a corner, which ranges (classes) leave between whole numbers.  A
 * target asks for less:
 *
 * - Move it by what it asks for, look at a row that is broken by that, repair it by moving one atom more, and so on.
 * - Move it by what it asks for and everything else by as little as possible: a linear program whose corners are mostly
 *   whole, because ranges hardly matter near the truth.  What is not whole is rounded and repaired.
 *
 * What comes out is checked like any world. */
#include "hub/protect_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOVES_MAX    32u  /* atoms that differ */
#define DEPTH_MAX    8u   /* repairs */
#define TRIES_MAX    400u /* steps, for one target and direction */
#define NODES_MAX    30u  /* linear programs, for one target, direction and size */
#define BRANCHES_MAX 8u
#define SIZES_MAX    4 /* how many sizes of the first move are tried */

struct repair {
    struct protect *p;
    struct protect_term moves[MOVES_MAX]; /* atom and deviation; p->dev holds them, too */
    uint32_t count;
    uint32_t depth; /* repairs so far */
    bool may_move_again;
    uint32_t tries_left;
    struct world *found;
};

static wide sum_of(const struct protect *p, const struct row *r)
{
    wide sum = 0;

    for (uint32_t k = 0; k < r->count; k++)
        sum += (wide)p->terms[r->first + k].coef * p->dev[p->terms[r->first + k].atom];
    return sum;
}

/* What the row lacks; 0: it holds. */
static wide lack_of(const struct protect *p, const struct row *r)
{
    wide sum = sum_of(p, r);

    if (r->lo != -OPEN && sum < r->lo)
        return r->lo - sum;
    return r->hi != OPEN && sum > r->hi ? r->hi - sum : 0;
}

static const struct row *broken_row(const struct repair *x, wide *lack)
{
    const struct protect *p = x->p;

    for (uint32_t m = 0; m < x->count; m++) {
        uint32_t a = x->moves[m].atom;

        for (uint32_t k = p->at_first[a]; k < p->at_first[a + 1]; k++) {
            const struct row *r = &p->rows[p->at_row[k]];

            if (protect_is_revealed(p, r) && (*lack = lack_of(p, r)) != 0)
                return r;
        }
    }
    return NULL;
}

/* Of an atom with that coefficient, to make up for what is lacking: exactly in an equation, or a little more. */
static bool move_for(const struct row *r, int64_t coef, wide lack, int64_t *dev)
{
    wide by = lack / coef;
    wide rest = lack - by * coef;

    if (rest != 0 && r->lo == r->hi)
        return false;
    if (rest != 0)
        by += (lack > 0) == (coef > 0) ? 1 : -1;
    *dev = by > PROTECT_FAR || by < -PROTECT_FAR ? 0 : (int64_t)by;
    return *dev != 0;
}

static bool may_move(const struct protect *p, uint32_t atom, int64_t by)
{
    int64_t dev = p->dev[atom] + by;

    return !p->view.is_known[atom] && dev >= p->view.lb[atom] && dev <= p->view.ub[atom];
}

static int by_atom(const void *a, const void *b)
{
    const struct protect_term *x = a;
    const struct protect_term *y = b;

    return x->atom < y->atom ? -1 : x->atom > y->atom;
}

static enum err finish(struct repair *x)
{
    struct protect_term sorted[MOVES_MAX];
    uint32_t atoms[MOVES_MAX];
    int64_t devs[MOVES_MAX];
    enum err e;

    memcpy(sorted, x->moves, x->count * sizeof(*sorted));
    for (uint32_t m = 0; m < x->count; m++)
        x->p->dev[sorted[m].atom] = 0; /* the check has its own use for it */
    qsort(sorted, x->count, sizeof(*sorted), by_atom);
    for (uint32_t m = 0; m < x->count; m++) {
        atoms[m] = sorted[m].atom;
        devs[m] = sorted[m].coef;
    }
    e = world_new(&x->found, x->p, atoms, devs, x->count);
    for (uint32_t m = 0; m < x->count; m++)
        x->p->dev[x->moves[m].atom] = x->moves[m].coef;
    return e;
}

static enum err step(struct repair *x);

/* Moves an atom, perhaps once more, and takes it back afterwards. */
static enum err with_move(struct repair *x, uint32_t atom, int64_t by)
{
    uint32_t before = x->count;
    uint32_t at = 0;
    enum err e;

    while (at < x->count && x->moves[at].atom != atom)
        at++;
    if (at == MOVES_MAX || x->depth == DEPTH_MAX || (at < x->count && !x->may_move_again))
        return ERR_NOT_FOUND;
    if (at == x->count)
        x->moves[x->count++] = (struct protect_term){atom, 0};
    x->moves[at].coef += by;
    x->p->dev[atom] = x->moves[at].coef;
    x->depth++;
    e = step(x);
    x->depth--;
    x->moves[at].coef -= by;
    x->p->dev[atom] = x->moves[at].coef;
    x->count = before;
    return e;
}

/* ERR_NOT_FOUND: no repair from here. */
static enum err step(struct repair *x)
{
    const struct protect *p = x->p;
    const struct row *r;
    wide lack = 0;
    enum err e = ERR_NOT_FOUND;

    if (x->tries_left == 0)
        return ERR_NOT_FOUND;
    x->tries_left--;
    if ((r = broken_row(x, &lack)) == NULL)
        return finish(x);
    for (uint32_t k = 0; k < r->count && e == ERR_NOT_FOUND; k++) {
        const struct protect_term *t = &p->terms[r->first + k];
        int64_t dev;

        if (move_for(r, t->coef, lack, &dev) && may_move(p, t->atom, dev))
            e = with_move(x, t->atom, dev);
    }
    return e;
}

static enum err try_move(struct protect *p, uint32_t atom, int64_t dev, struct world **out)
{
    struct repair x = {.p = p, .tries_left = TRIES_MAX};
    enum err e = may_move(p, atom, dev) ? with_move(&x, atom, dev) : ERR_NOT_FOUND;

    *out = e == OK ? x.found : NULL;
    return e == ERR_NOT_FOUND ? OK : e;
}

static int64_t asked(const struct target *t, int sign)
{
    int64_t side = sign > 0 ? t->need.hi : t->need.lo;

    return side > t->need.width ? side : t->need.width;
}

/* All the way first: then the other direction need not be gone. */
static enum err repair_towards(struct protect *p, struct target *t, int sign)
{
    enum err e = OK;

    for (uint32_t k = 0; e == OK && k < t->count; k++) {
        const struct protect_term *term = &p->terms[t->first + k];
        int64_t most = asked(t, sign);

        if (term->coef != 1 && term->coef != -1)
            continue;
        for (int64_t dev = most; e == OK && dev > 0 && dev > most - SIZES_MAX && !target_is_proved(t); dev--) {
            struct world *w;

            if ((e = try_move(p, term->atom, sign * term->coef * dev, &w)) != OK || w == NULL)
                continue;
            target_offer(p, t, w);
            world_release(w);
            break;
        }
    }
    return e;
}

/* ---- as little as possible ---- */

/* Each unknown atom of the part has two columns: how much more, how much less. */
struct least {
    struct protect *p;
    const uint32_t *atoms;
    uint32_t n, rows; /* atoms; rows of the part, then the target's */
    int *start, *index;
    double *coef, *lo, *hi, *row_lo, *row_hi, *objective;
    uint32_t nodes_left;
    const struct target *target;
    int64_t dev; /* how far, at least, and in which direction */
    int sign;
};

static void least_fini(struct least *x)
{
    free(x->start);
    free(x->index);
    free(x->coef);
    free(x->lo);
    free(x->hi);
    free(x->row_lo);
    free(x->row_hi);
    free(x->objective);
}

static enum err least_alloc(struct least *x, size_t entries)
{
    size_t cols = (size_t)2 * x->n;

    x->start = calloc(cols + 1, sizeof(int));
    x->index = calloc(entries + 1, sizeof(int));
    x->coef = calloc(entries + 1, sizeof(double));
    x->lo = calloc(cols + 1, sizeof(double));
    x->hi = calloc(cols + 1, sizeof(double));
    x->row_lo = calloc((size_t)x->rows + 1, sizeof(double));
    x->row_hi = calloc((size_t)x->rows + 1, sizeof(double));
    x->objective = calloc(cols + 1, sizeof(double));
    return x->start == NULL || x->index == NULL || x->coef == NULL || x->lo == NULL || x->hi == NULL ||
                   x->row_lo == NULL || x->row_hi == NULL || x->objective == NULL
               ? ERR_NOMEM
               : OK;
}

static double in_target(const struct protect *p, const struct target *t, uint32_t atom)
{
    for (uint32_t k = 0; k < t->count; k++)
        if (p->terms[t->first + k].atom == atom)
            return (double)p->terms[t->first + k].coef;
    return 0;
}

/* One direction of all atoms, after `at` entries; p->row_mark numbers the part's rows. */
static int gather_side(struct least *x, const struct target *t, bool is_less, int at)
{
    struct protect *p = x->p;
    double sign = is_less ? -1 : 1;

    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t a = x->atoms[i];
        uint32_t col = is_less ? x->n + i : i;
        double own = in_target(p, t, a);

        x->start[col] = at;
        x->hi[col] = is_less ? -lp_within(p->view.lb[a], PROTECT_FAR) : lp_within(p->view.ub[a], PROTECT_FAR);
        x->objective[col] = -1;
        for (uint32_t k = p->at_first[a]; k < p->at_first[a + 1]; k++) {
            if (p->view.is_gone[k] || !p->view.is_active[p->at_row[k]])
                continue;
            x->index[at] = (int)p->row_mark[p->at_row[k]];
            x->coef[at++] = sign * (double)p->at_coef[k];
        }
        if (own < 0 || own > 0) {
            x->index[at] = (int)x->rows - 1;
            x->coef[at++] = sign * own;
        }
    }
    return at;
}

static void gather(struct least *x, const struct target *t, uint32_t part)
{
    struct protect *p = x->p;
    const uint32_t *rows = p->view.part_rows + p->view.part_row_first[part];

    for (uint32_t k = 0; k + 1 < x->rows; k++) {
        p->row_mark[rows[k]] = k;
        x->row_lo[k] = lp_slack(p->rows[rows[k]].lo);
        x->row_hi[k] = lp_slack(p->rows[rows[k]].hi);
    }
    x->start[(size_t)2 * x->n] = gather_side(x, t, true, gather_side(x, t, false, 0));
    for (uint32_t k = 0; k + 1 < x->rows; k++)
        p->row_mark[rows[k]] = 0;
}

static double dev_of(const struct least *x, const double *y, uint32_t i)
{
    return y[i] - y[x->n + i];
}

/* The atom furthest from a whole number; NONE: all are whole. */
static uint32_t broken_atom(const struct least *x, const double *y)
{
    double worst = 1e-6;
    uint32_t at = NONE;

    for (uint32_t i = 0; i < x->n; i++) {
        double off = fabs(dev_of(x, y, i) - nearbyint(dev_of(x, y, i)));

        if (off > worst) {
            worst = off;
            at = i;
        }
    }
    return at;
}

/* Whole numbers beside the solution, repaired where they break a row.  ERR_NOT_FOUND: too many differ, or no repair. */
static enum err round_and_repair(struct least *x, const double *y, bool may_move_again, struct world **out)
{
    struct protect *p = x->p;
    struct repair r = {.p = p, .tries_left = TRIES_MAX, .may_move_again = may_move_again};
    enum err e = ERR_NOT_FOUND;
    bool is_small = true;

    for (uint32_t i = 0; i < x->n && is_small; i++) {
        int64_t dev = (int64_t)nearbyint(dev_of(x, y, i));

        is_small = r.count < MOVES_MAX - DEPTH_MAX;
        if (dev == 0 || !is_small)
            continue;
        r.moves[r.count++] = (struct protect_term){x->atoms[i], dev};
        p->dev[x->atoms[i]] = dev;
    }
    if (is_small && r.count > 0)
        e = step(&r);
    for (uint32_t m = 0; m < r.count; m++)
        p->dev[r.moves[m].atom] = 0;
    if (e == OK && x->sign * world_target(p, r.found, x->target) < x->dev) { /* the repair took the move back */
        world_release(r.found);
        e = ERR_NOT_FOUND;
    }
    if (e == OK)
        *out = r.found;
    return e;
}

/* The atom deviates by no more (by no less) than that. */
static void cut(struct least *x, uint32_t i, double bound, bool is_upper)
{
    uint32_t grows = is_upper ? i : x->n + i; /* the column that the bound limits; the other one lies against it */
    uint32_t other = is_upper ? x->n + i : i;
    double most = is_upper ? bound : -bound;

    if (most >= 0) {
        x->hi[grows] = fmin(x->hi[grows], most);
        return;
    }
    x->hi[grows] = 0;
    x->lo[other] = fmax(x->lo[other], -most);
}

/* The nearer side of the broken atom first. */
static enum err branch(struct least *x, struct lp *lp, uint32_t depth, struct world **out)
{
    uint32_t at;
    double value, y;
    enum err e;

    if (x->nodes_left == 0 || depth == BRANCHES_MAX)
        return ERR_NOT_FOUND;
    x->nodes_left--;
    if ((e = lp_maximise(x->p, lp, x->objective, &value)) != OK)
        return e;
    if ((e = round_and_repair(x, lp_solution(lp), false, out)) != ERR_NOT_FOUND ||
        (e = round_and_repair(x, lp_solution(lp), true, out)) != ERR_NOT_FOUND ||
        (at = broken_atom(x, lp_solution(lp))) == NONE)
        return e;
    y = dev_of(x, lp_solution(lp), at);
    for (unsigned side = 0; side < 2 && e == ERR_NOT_FOUND; side++) {
        const double lo[] = {x->lo[at], x->lo[x->n + at]};
        const double hi[] = {x->hi[at], x->hi[x->n + at]};
        bool is_upper = (y - floor(y) < 0.5) == (side == 0);

        cut(x, at, is_upper ? floor(y) : ceil(y), is_upper);
        lp_set_columns(lp, x->lo, x->hi);
        e = branch(x, lp, depth + 1, out);
        x->lo[at] = lo[0];
        x->lo[x->n + at] = lo[1];
        x->hi[at] = hi[0];
        x->hi[x->n + at] = hi[1];
        lp_set_columns(lp, x->lo, x->hi);
    }
    return e;
}

/* *out NULL: none was found. */
static enum err solve_least(struct least *x, int64_t dev, int sign, struct world **out)
{
    const struct lp_shape shape = {2 * x->n, x->rows, x->start, x->index, x->coef, x->lo, x->hi, x->row_lo, x->row_hi};
    struct lp *lp = NULL;
    enum err e;

    *out = NULL;
    x->row_lo[x->rows - 1] = x->row_hi[x->rows - 1] = sign * (double)dev;
    if ((e = lp_new(&lp, &shape)) != OK)
        return e;
    x->nodes_left = NODES_MAX;
    x->dev = dev;
    x->sign = sign;
    e = branch(x, lp, 0, out);
    lp_free(lp);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err least_towards(struct least *x, struct target *t, int sign)
{
    int64_t most = asked(t, sign);
    enum err e = OK;

    for (int64_t dev = most; e == OK && dev > 0 && dev > most - SIZES_MAX && !target_is_proved(t); dev--) {
        struct world *w;

        if ((e = solve_least(x, dev, sign, &w)) != OK || w == NULL)
            continue;
        target_offer(x->p, t, w);
        world_release(w);
        break;
    }
    return e;
}

static enum err prove_by_least(struct protect *p, struct target *t)
{
    uint32_t part = target_part(p, t);
    const struct view *v = &p->view;
    struct least x = {.p = p, .target = t};
    size_t entries = (size_t)2 * t->count;
    enum err e;

    if (part == NONE)
        return OK;
    x.atoms = v->part_atoms + v->part_first[part];
    x.n = v->part_first[part + 1] - v->part_first[part];
    x.rows = v->part_row_first[part + 1] - v->part_row_first[part] + 1;
    for (uint32_t i = 0; i < x.n; i++)
        entries += (size_t)2 * (p->at_first[x.atoms[i] + 1] - p->at_first[x.atoms[i]]);
    if ((e = least_alloc(&x, entries)) == OK) {
        gather(&x, t, part);
        if ((e = least_towards(&x, t, 1)) == OK && !target_is_proved(t))
            e = least_towards(&x, t, -1);
    }
    least_fini(&x);
    return e;
}

enum err repair_prove(struct protect *p, struct target *t)
{
    enum err e = OK;

    if (!target_is_proved(t))
        e = repair_towards(p, t, 1);
    if (e == OK && !target_is_proved(t))
        e = repair_towards(p, t, -1);
    return e == OK && !target_is_proved(t) ? prove_by_least(p, t) : e;
}
