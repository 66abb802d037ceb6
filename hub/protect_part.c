/* protect_part.c: how far a target can move within the connected part it lies in. */
#include "common/cli.h"
#include "hub/protect_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-6
#define NODES_MAX 48u /* of the search for whole numbers, per question */
#define COLS_MAX  20000u

struct part {
    struct protect *p;
    struct lp *lp;
    const uint32_t *atoms; /* a loan from the view, ascending */
    uint32_t cols;
    double *objective;
    double *lo;
    double *hi;
    int64_t *devs;
    uint32_t nodes_left;
};

/* ---- building ---- */

struct columns {
    int *start;
    int *index;
    double *coef;
    double *row_lo;
    double *row_hi;
};

static void columns_fini(struct columns *c)
{
    free(c->start);
    free(c->index);
    free(c->coef);
    free(c->row_lo);
    free(c->row_hi);
}

static enum err part_alloc(struct part *x, struct columns *c, uint32_t rows, size_t entries)
{
    x->objective = calloc(x->cols + 1, sizeof(double));
    x->lo = calloc(x->cols + 1, sizeof(double));
    x->hi = calloc(x->cols + 1, sizeof(double));
    x->devs = calloc(x->cols + 1, sizeof(int64_t));
    c->start = calloc(x->cols + 1, sizeof(int));
    c->index = calloc(entries + 1, sizeof(int));
    c->coef = calloc(entries + 1, sizeof(double));
    c->row_lo = calloc(rows + 1, sizeof(double));
    c->row_hi = calloc(rows + 1, sizeof(double));
    if (x->objective == NULL || x->lo == NULL || x->hi == NULL || x->devs == NULL || c->start == NULL ||
        c->index == NULL || c->coef == NULL || c->row_lo == NULL || c->row_hi == NULL)
        return ERR_NOMEM;
    return OK;
}

/* A row of the part has its number in p->row_mark while the columns are gathered; no mark is 0. */
static void gather(struct part *x, struct columns *c, const uint32_t *rows, uint32_t row_count, int64_t box)
{
    struct protect *p = x->p;
    int at = 0;

    for (uint32_t k = 0; k < row_count; k++) {
        p->row_mark[rows[k]] = k;
        c->row_lo[k] = lp_slack(p->rows[rows[k]].lo);
        c->row_hi[k] = lp_slack(p->rows[rows[k]].hi);
    }
    for (uint32_t i = 0; i < x->cols; i++) {
        uint32_t a = x->atoms[i];

        x->lo[i] = lp_within(p->view.lb[a], box);
        x->hi[i] = lp_within(p->view.ub[a], box);
        c->start[i] = at;
        for (uint32_t k = p->at_first[a]; k < p->at_first[a + 1]; k++) {
            if (p->view.is_gone[k] || !p->view.is_active[p->at_row[k]])
                continue;
            c->index[at] = (int)p->row_mark[p->at_row[k]];
            c->coef[at++] = (double)p->at_coef[k];
        }
    }
    c->start[x->cols] = at;
    for (uint32_t k = 0; k < row_count; k++)
        p->row_mark[rows[k]] = 0;
}

static size_t count_entries(const struct part *x)
{
    size_t entries = 0;

    for (uint32_t i = 0; i < x->cols; i++)
        entries += x->p->at_first[x->atoms[i] + 1] - x->p->at_first[x->atoms[i]];
    return entries;
}

enum err part_open(struct part **out, struct protect *p, uint32_t part, int64_t box)
{
    const struct view *v = &p->view;
    struct part *x = calloc(1, sizeof(*x));
    struct columns c = {NULL, NULL, NULL, NULL, NULL};
    struct lp_shape shape;
    uint32_t rows = v->part_row_first[part + 1] - v->part_row_first[part];
    enum err e;

    if (x == NULL)
        return ERR_NOMEM;
    x->p = p;
    x->atoms = v->part_atoms + v->part_first[part];
    x->cols = v->part_first[part + 1] - v->part_first[part];
    if (x->cols > COLS_MAX) {
        e = err_set(ERR_LIMIT,
                    _("protecting the publication: %u unknown quantities hang together, the limit is %u; "
                      "publish fewer indicators at once"),
                    x->cols, COLS_MAX);
        goto close;
    }
    if ((e = part_alloc(x, &c, rows, count_entries(x))) != OK)
        goto close;
    gather(x, &c, v->part_rows + v->part_row_first[part], rows, box);
    shape = (struct lp_shape){x->cols, rows, c.start, c.index, c.coef, x->lo, x->hi, c.row_lo, c.row_hi};
    if ((e = lp_new(&x->lp, &shape)) != OK)
        goto close;
    columns_fini(&c);
    *out = x;
    return OK;
close:
    columns_fini(&c);
    part_close(x);
    return e;
}

void part_close(struct part *x)
{
    if (x == NULL)
        return;
    lp_free(x->lp);
    free(x->objective);
    free(x->lo);
    free(x->hi);
    free(x->devs);
    free(x);
}

/* ---- asking ---- */

static uint32_t column_of(const struct part *x, uint32_t atom)
{
    uint32_t lo = 0;
    uint32_t hi = x->cols;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (x->atoms[mid] < atom)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->cols && x->atoms[lo] == atom ? lo : NONE;
}

static void set_objective(struct part *x, const struct target *t, int sign)
{
    memset(x->objective, 0, x->cols * sizeof(double));
    for (uint32_t k = 0; k < t->count; k++) {
        const struct protect_term *term = &x->p->terms[t->first + k];
        uint32_t col = column_of(x, term->atom);

        if (col != NONE)
            x->objective[col] = sign * (double)term->coef;
    }
}

/* Rounds the solution to whole numbers; returns the column furthest from one, NONE if all are whole. */
static uint32_t round_solution(struct part *x)
{
    const double *y = lp_solution(x->lp);
    double worst = TOLERANCE;
    uint32_t at = NONE;

    for (uint32_t i = 0; i < x->cols; i++) {
        double whole = nearbyint(y[i]);

        x->devs[i] = (int64_t)whole;
        if (fabs(y[i] - whole) > worst) {
            worst = fabs(y[i] - whole);
            at = i;
        }
    }
    return at;
}

/* Depth first: the nearer side of the broken column, then the other one. */
static enum err search(struct part *x, uint32_t depth, struct world **world)
{
    double value;
    double y;
    double saved[2];
    uint32_t at;
    enum err e;

    if (x->nodes_left == 0 || depth > 24)
        return ERR_NOT_FOUND;
    x->nodes_left--;
    if ((e = lp_maximise(x->p, x->lp, x->objective, &value)) != OK)
        return e;
    at = round_solution(x);
    e = world_new(world, x->p, x->atoms, x->devs, x->cols);
    if (e != ERR_NOT_FOUND || at == NONE)
        return e;
    y = lp_solution(x->lp)[at];
    saved[0] = x->lo[at];
    saved[1] = x->hi[at];
    for (int side = 0; side < 2 && e == ERR_NOT_FOUND; side++) {
        if ((y - floor(y) < 0.5) == (side == 0))
            x->hi[at] = floor(y);
        else
            x->lo[at] = ceil(y);
        lp_set_columns(x->lp, x->lo, x->hi);
        e = search(x, depth + 1, world);
        x->lo[at] = saved[0];
        x->hi[at] = saved[1];
        lp_set_columns(x->lp, x->lo, x->hi);
    }
    return e;
}

enum err part_reach(struct part *x, const struct target *t, int sign, int64_t *bound, struct world **world)
{
    double value;
    uint32_t at;
    enum err e;

    *world = NULL;
    set_objective(x, t, sign);
    e = lp_maximise(x->p, x->lp, x->objective, &value);
    if (e == ERR_NOT_FOUND) /* the truth itself is a solution */
        return err_set(ERR_LIMIT, _("protecting the publication: the linear solver gave up; nothing is published"));
    if (e != OK)
        return e;
    *bound = sign * (int64_t)floor(value + TOLERANCE * (1.0 + fabs(value) * TOLERANCE));
    if (*bound == 0)
        return OK;
    at = round_solution(x);
    e = world_new(world, x->p, x->atoms, x->devs, x->cols);
    if (e == ERR_NOT_FOUND && at != NONE) {
        x->nodes_left = NODES_MAX;
        e = search(x, 0, world);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}
