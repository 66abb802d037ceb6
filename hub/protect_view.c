/* protect_view.c: what a reader concludes at once.  A row with one unknown atom gives it away; a sum that is as small
 * as its atoms allow gives all of them away.  What stays unknown falls into parts that no row connects, and those are
 * small. */
#include "hub/protect_internal.h"

#include <stdlib.h>
#include <string.h>

/* Bounds could be tightened by ever smaller steps; what is left undone here the linear programs do. */
#define VISITS_MAX 4u

void view_fini(struct view *v)
{
    free(v->is_known);
    free(v->lb);
    free(v->ub);
    free(v->part);
    free(v->is_active);
    free((void *)v->terms);
    free(v->count);
    free(v->rest);
    free(v->is_gone);
    free(v->free_count);
    free(v->part_first);
    free(v->part_atoms);
    free(v->part_row_first);
    free(v->part_rows);
    free(v->queue);
    free(v->is_queued);
    free(v->visits);
    memset(v, 0, sizeof(*v));
}

enum err view_alloc(struct protect *p)
{
    struct view *v = &p->view;
    size_t atoms = (size_t)p->atom_count + 2;
    size_t rows = (size_t)p->row_count + 2;

    view_fini(v);
    v->is_known = calloc(atoms, 1);
    v->lb = calloc(atoms, sizeof(*v->lb));
    v->ub = calloc(atoms, sizeof(*v->ub));
    v->part = calloc(atoms, sizeof(*v->part));
    v->is_active = calloc(rows, 1);
    v->terms = calloc(rows, sizeof(void *));
    v->count = calloc(rows, sizeof(*v->count));
    v->rest = calloc((size_t)p->term_count + 1, sizeof(*v->rest));
    v->is_gone = calloc((size_t)p->term_count + 1, 1);
    v->free_count = calloc(rows, sizeof(*v->free_count));
    v->part_first = calloc(atoms, sizeof(*v->part_first));
    v->part_atoms = calloc(atoms, sizeof(*v->part_atoms));
    v->part_row_first = calloc(atoms, sizeof(*v->part_row_first));
    v->part_rows = calloc(rows, sizeof(*v->part_rows));
    v->queue = calloc(rows, sizeof(*v->queue));
    v->is_queued = calloc(rows, 1);
    v->visits = calloc(rows, 1);
    if (v->is_known == NULL || v->lb == NULL || v->ub == NULL || v->part == NULL || v->is_active == NULL ||
        v->free_count == NULL || v->part_first == NULL || v->part_atoms == NULL || v->part_row_first == NULL ||
        v->part_rows == NULL || v->queue == NULL || v->is_queued == NULL || v->visits == NULL || v->terms == NULL ||
        v->count == NULL || v->rest == NULL || v->is_gone == NULL)
        return ERR_NOMEM;
    return OK;
}

/* ---- shorter equations ---- */

static bool is_equation(const struct protect *p, uint32_t row)
{
    return p->view.is_active[row] && p->rows[row].lo == 0 && p->rows[row].hi == 0;
}

/* Rows are taken off longer rows only, equal ones off later ones: so nothing is lost in a circle. */
static bool is_shorter(const struct protect *p, uint32_t row, uint32_t than)
{
    return p->rows[row].count != p->rows[than].count ? p->rows[row].count < p->rows[than].count : row < than;
}

/* p->dev holds what is left of the longer row. */
static bool lies_in(const struct protect *p, const struct row *r)
{
    for (uint32_t k = 0; k < r->count; k++)
        if (p->dev[p->terms[r->first + k].atom] != p->terms[r->first + k].coef)
            return false;
    return true;
}

static uint32_t shortest_within(const struct protect *p, uint32_t row, uint32_t atom)
{
    uint32_t best = NONE;

    for (uint32_t k = p->at_first[atom]; k < p->at_first[atom + 1]; k++) {
        uint32_t other = p->at_row[k];

        if (is_equation(p, other) && is_shorter(p, other, row) && (best == NONE || is_shorter(p, other, best)) &&
            lies_in(p, &p->rows[other]))
            best = other;
    }
    return best;
}

static void mark_gone(struct protect *p, uint32_t row, uint32_t atom)
{
    for (uint32_t k = p->at_first[atom]; k < p->at_first[atom + 1]; k++)
        if (p->at_row[k] == row)
            p->view.is_gone[k] = 1;
}

/* Keeps what p->dev still holds of the row, and clears it. */
static void keep_rest(struct protect *p, uint32_t row, size_t *used)
{
    struct view *v = &p->view;
    const struct row *r = &p->rows[row];

    v->terms[row] = v->rest + *used;
    v->count[row] = 0;
    for (uint32_t k = 0; k < r->count; k++) {
        const struct protect_term *t = &p->terms[r->first + k];

        if (p->dev[t->atom] == 0) {
            mark_gone(p, row, t->atom);
            continue;
        }
        p->dev[t->atom] = 0;
        v->rest[(*used)++] = *t;
        v->count[row]++;
    }
}

static void shorten(struct protect *p, uint32_t row, size_t *used)
{
    const struct row *r = &p->rows[row];
    bool is_shortened = false;

    for (uint32_t k = 0; k < r->count; k++)
        p->dev[p->terms[r->first + k].atom] = p->terms[r->first + k].coef;
    for (uint32_t k = 0; k < r->count; k++) {
        uint32_t atom = p->terms[r->first + k].atom;
        uint32_t other = p->dev[atom] != 0 ? shortest_within(p, row, atom) : NONE;

        if (other == NONE)
            continue;
        is_shortened = true;
        for (uint32_t j = 0; j < p->rows[other].count; j++)
            p->dev[p->terms[p->rows[other].first + j].atom] = 0;
    }
    if (is_shortened)
        keep_rest(p, row, used);
    for (uint32_t k = 0; k < r->count; k++)
        p->dev[p->terms[r->first + k].atom] = 0;
}

static void shorten_all(struct protect *p)
{
    struct view *v = &p->view;
    size_t used = 0;

    memset(v->is_gone, 0, (size_t)p->term_count + 1);
    for (uint32_t r = 0; r < p->row_count; r++) {
        v->is_active[r] = protect_is_revealed(p, &p->rows[r]);
        v->terms[r] = p->terms + p->rows[r].first;
        v->count[r] = p->rows[r].count;
    }
    for (uint32_t r = 0; r < p->row_count; r++)
        if (is_equation(p, r))
            shorten(p, r, &used);
}

/* ---- conclusions ---- */

struct worklist {
    struct protect *p;
    uint32_t head;
    uint32_t waiting;
};

static void enqueue(struct worklist *w, uint32_t row)
{
    struct view *v = &w->p->view;

    if (!v->is_active[row] || v->is_queued[row])
        return;
    v->is_queued[row] = 1;
    v->queue[(w->head + w->waiting++) % w->p->row_count] = row;
}

static void enqueue_rows_of(struct worklist *w, uint32_t atom)
{
    for (uint32_t k = w->p->at_first[atom]; k < w->p->at_first[atom + 1]; k++)
        if (!w->p->view.is_gone[k])
            enqueue(w, w->p->at_row[k]);
}

static void learn(struct worklist *w, uint32_t atom)
{
    struct view *v = &w->p->view;

    if (v->is_known[atom])
        return;
    v->is_known[atom] = 1;
    v->lb[atom] = 0;
    v->ub[atom] = 0;
    for (uint32_t k = w->p->at_first[atom]; k < w->p->at_first[atom + 1]; k++)
        if (!v->is_gone[k])
            v->free_count[w->p->at_row[k]]--;
    enqueue_rows_of(w, atom);
}

/* Whole numbers: coef * dev <= slack means dev <= slack / coef rounded towards zero, for slack >= 0. */
static void tighten(struct worklist *w, uint32_t atom, int64_t coef, int64_t lo, int64_t hi)
{
    struct view *v = &w->p->view;
    int64_t down = coef > 0 ? lo : hi; /* the slack that bounds a negative deviation */
    int64_t up = coef > 0 ? hi : lo;
    bool is_changed = false;

    if (up != OPEN && up != -OPEN && up / coef < v->ub[atom]) {
        v->ub[atom] = up / coef;
        is_changed = true;
    }
    if (down != OPEN && down != -OPEN && down / coef > v->lb[atom]) {
        v->lb[atom] = down / coef;
        is_changed = true;
    }
    if (v->lb[atom] == 0 && v->ub[atom] == 0)
        learn(w, atom);
    else if (is_changed)
        enqueue_rows_of(w, atom);
}

/* How far the unknown terms of a row can go down together (sign 1) or up (sign -1, given negated); open ones are
 * counted instead. */
struct activity {
    wide least;
    uint32_t open;
};

static int64_t end_of(const struct view *v, const struct protect_term *t, int sign)
{
    return (t->coef > 0) == (sign > 0) ? v->lb[t->atom] : v->ub[t->atom];
}

static bool is_open(int64_t bound)
{
    return bound == OPEN || bound == -OPEN;
}

static struct activity activity_of(const struct view *v, uint32_t row, int sign)
{
    struct activity x = {0, 0};

    for (uint32_t k = 0; k < v->count[row]; k++) {
        const struct protect_term *t = &v->terms[row][k];
        int64_t bound = end_of(v, t, sign);

        if (is_open(bound))
            x.open++;
        else
            x.least += (wide)(sign * t->coef) * bound;
    }
    return x;
}

/* sign * row <= slack, hence each term <= slack - what the others are at least. */
static void propagate(struct worklist *w, uint32_t row, int sign, int64_t row_slack, struct activity x)
{
    struct view *v = &w->p->view;

    for (uint32_t k = 0; k < v->count[row]; k++) {
        const struct protect_term *t = &v->terms[row][k];
        int64_t own = end_of(v, t, sign);
        wide room;

        if (v->is_known[t->atom] || x.open - is_open(own) > 0)
            continue;
        room = row_slack - (x.least - (is_open(own) ? 0 : (wide)(sign * t->coef) * own));
        if (room < OPEN / 2)
            tighten(w, t->atom, sign * t->coef, -OPEN, (int64_t)room);
    }
}

static void learn_all(struct worklist *w, uint32_t row)
{
    for (uint32_t k = 0; k < w->p->view.count[row]; k++)
        learn(w, w->p->view.terms[row][k].atom);
}

static void conclude(struct worklist *w, uint32_t row)
{
    struct protect *p = w->p;
    struct view *v = &p->view;
    const struct row *r = &p->rows[row];

    if (v->free_count[row] == 0)
        return;
    if (v->free_count[row] == 1) {
        for (uint32_t k = 0; k < v->count[row]; k++) {
            const struct protect_term *t = &v->terms[row][k];

            if (!v->is_known[t->atom]) {
                tighten(w, t->atom, t->coef, r->lo, r->hi);
                return;
            }
        }
    }
    for (int sign = 1; sign >= -1; sign -= 2) {
        int64_t row_slack = sign > 0 ? r->hi : r->lo == -OPEN ? OPEN : -r->lo;
        struct activity x;

        if (row_slack == OPEN)
            continue;
        x = activity_of(v, row, sign);
        if (x.open > 1)
            continue;
        if (row_slack == 0 && x.open == 0 && x.least == 0)
            learn_all(w, row);
        else if (v->visits[row] < VISITS_MAX)
            propagate(w, row, sign, row_slack, x);
    }
    if (v->visits[row] < VISITS_MAX)
        v->visits[row]++;
}

static void draw_conclusions(struct protect *p)
{
    struct view *v = &p->view;
    struct worklist w = {p, 0, 0};

    for (uint32_t a = 0; a < p->atom_count; a++) {
        v->lb[a] = -p->value[a];
        v->ub[a] = p->upper[a] == PROTECT_NO_BOUND ? OPEN : p->upper[a] - p->value[a];
        v->is_known[a] = 0;
    }
    for (uint32_t r = 0; r < p->row_count; r++) {
        v->is_queued[r] = 0;
        v->visits[r] = 0;
        v->free_count[r] = v->count[r];
        enqueue(&w, r);
    }
    for (uint32_t a = 0; a < p->atom_count; a++)
        if (v->lb[a] == 0 && v->ub[a] == 0)
            learn(&w, a);
    while (w.waiting > 0) {
        uint32_t row = v->queue[w.head];

        w.head = (w.head + 1) % p->row_count;
        w.waiting--;
        v->is_queued[row] = 0;
        conclude(&w, row);
    }
}

/* ---- parts ---- */

static uint32_t root(uint32_t *parent, uint32_t a)
{
    while (parent[a] != a) {
        parent[a] = parent[parent[a]];
        a = parent[a];
    }
    return a;
}

/* The smaller number becomes the root, so that parts are numbered by their first atom. */
static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = root(parent, a);
    b = root(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

static void join_terms(struct protect *p, uint32_t *parent, const struct protect_term *terms, uint32_t count)
{
    uint32_t before = NONE;

    for (uint32_t k = 0; k < count; k++) {
        uint32_t a = terms[k].atom;

        if (p->view.is_known[a])
            continue;
        if (before != NONE)
            join(parent, before, a);
        before = a;
    }
}

static uint32_t first_unknown(const struct view *v, uint32_t row)
{
    for (uint32_t k = 0; k < v->count[row]; k++)
        if (!v->is_known[v->terms[row][k].atom])
            return v->terms[row][k].atom;
    return NONE;
}

/* part_first[i + 1] counts on entry; afterwards the members of part i stand between [i] and [i + 1]. */
static void list_atoms(struct protect *p)
{
    struct view *v = &p->view;

    for (uint32_t i = 0; i < v->part_count; i++)
        v->part_first[i + 1] += v->part_first[i];
    for (uint32_t a = p->atom_count; a-- > 0;)
        if (v->part[a] != NONE)
            v->part_atoms[--v->part_first[v->part[a] + 1]] = a;
    /* Each end went back to its beginning: move them by one. */
    for (uint32_t i = 0; i < v->part_count; i++)
        v->part_first[i] = v->part_first[i + 1];
}

static void list_rows(struct protect *p)
{
    struct view *v = &p->view;

    for (uint32_t i = 0; i < v->part_count; i++)
        v->part_row_first[i + 1] += v->part_row_first[i];
    for (uint32_t r = p->row_count; r-- > 0;)
        if (v->is_active[r])
            v->part_rows[--v->part_row_first[v->part[first_unknown(v, r)] + 1]] = r;
    for (uint32_t i = 0; i < v->part_count; i++)
        v->part_row_first[i] = v->part_row_first[i + 1];
}

static void find_parts(struct protect *p)
{
    struct view *v = &p->view;
    uint32_t *parent = v->part_atoms; /* filled only afterwards */
    uint32_t atoms = 0;
    uint32_t rows = 0;

    for (uint32_t a = 0; a < p->atom_count; a++)
        parent[a] = a;
    for (uint32_t r = 0; r < p->row_count; r++) {
        if (v->is_active[r] && v->free_count[r] < 2)
            v->is_active[r] = 0; /* what it says stands in the bounds */
        if (v->is_active[r])
            join_terms(p, parent, v->terms[r], v->count[r]);
    }
    for (uint32_t i = 0; i < p->target_count; i++)
        join_terms(p, parent, p->terms + p->targets[i].first, p->targets[i].count);
    v->part_count = 0;
    memset(v->part_first, 0, ((size_t)p->atom_count + 2) * sizeof(*v->part_first));
    memset(v->part_row_first, 0, ((size_t)p->atom_count + 2) * sizeof(*v->part_row_first));
    for (uint32_t a = 0; a < p->atom_count; a++) {
        v->part[a] = NONE;
        if (!v->is_known[a]) {
            uint32_t first = root(parent, a);

            v->part[a] = first == a ? v->part_count++ : v->part[first];
            v->part_first[v->part[a] + 1]++;
            atoms++;
        }
    }
    for (uint32_t r = 0; r < p->row_count; r++)
        if (v->is_active[r]) {
            v->part_row_first[v->part[first_unknown(v, r)] + 1]++;
            rows++;
        }
    list_atoms(p);
    v->part_first[v->part_count] = atoms;
    list_rows(p);
    v->part_row_first[v->part_count] = rows;
}

void view_build(struct protect *p)
{
    shorten_all(p);
    draw_conclusions(p);
    find_parts(p);
}
