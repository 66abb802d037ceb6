/* protect_world.c: possible worlds.  A world is the proof that a reader cannot exclude another value; it is checked
 * here in whole numbers, so that what the linear solver says is only ever a hint. */
#include "hub/protect_internal.h"

#include <stdlib.h>
#include <string.h>

/* p->dev holds the deviations. */
static bool row_holds(const struct protect *p, const struct row *r)
{
    wide sum = 0;

    for (uint32_t k = 0; k < r->count; k++)
        sum += (wide)p->terms[r->first + k].coef * p->dev[p->terms[r->first + k].atom];
    return (r->lo == -OPEN || sum >= r->lo) && (r->hi == OPEN || sum <= r->hi);
}

static bool rows_hold(struct protect *p, uint32_t atom)
{
    for (uint32_t k = p->at_first[atom]; k < p->at_first[atom + 1]; k++) {
        uint32_t row = p->at_row[k];

        if (p->row_mark[row] == p->mark)
            continue;
        p->row_mark[row] = p->mark;
        if (protect_is_revealed(p, &p->rows[row]) && !row_holds(p, &p->rows[row]))
            return false;
    }
    return true;
}

void protect_next_mark(struct protect *p)
{
    if (++p->mark == 0) {
        memset(p->row_mark, 0, ((size_t)p->row_count + 1) * sizeof(*p->row_mark));
        p->mark = 1;
    }
}

/* Only rows that speak about an atom that differs can be broken. */
bool world_is_possible(struct protect *p, const struct world *w)
{
    bool holds = true;

    protect_next_mark(p);
    for (uint32_t k = 0; k < w->count; k++)
        p->dev[w->terms[k].atom] = w->terms[k].coef;
    for (uint32_t k = 0; holds && k < w->count; k++) {
        uint32_t a = w->terms[k].atom;
        int64_t d = w->terms[k].coef;

        holds =
            d >= -p->value[a] && (p->upper[a] == PROTECT_NO_BOUND || d <= p->upper[a] - p->value[a]) && rows_hold(p, a);
    }
    for (uint32_t k = 0; k < w->count; k++)
        p->dev[w->terms[k].atom] = 0;
    return holds;
}

static struct world *world_alloc(uint32_t count)
{
    struct world *w = malloc(sizeof(*w) + (size_t)count * sizeof(w->terms[0]));

    if (w == NULL) {
        return NULL;
    }
    w->refs = 1;
    w->count = 0;
    w->stamp = 0;
    w->is_broken = false;
    return w;
}

static enum err accept(struct world **out, struct protect *p, struct world *w)
{
    if (w->count == 0 || !world_is_possible(p, w)) {
        world_release(w);
        return ERR_NOT_FOUND;
    }
    *out = w;
    return OK;
}

enum err world_new(struct world **out, struct protect *p, const uint32_t *atoms, const int64_t *devs, uint32_t count)
{
    struct world *w;
    uint32_t differ = 0;

    for (uint32_t k = 0; k < count; k++)
        differ += devs[k] != 0;
    if ((w = world_alloc(differ)) == NULL)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < count; k++)
        if (devs[k] != 0)
            w->terms[w->count++] = (struct protect_term){atoms[k], devs[k]};
    return accept(out, p, w);
}

enum err world_mirror(struct world **out, struct protect *p, const struct world *of)
{
    struct world *w = world_alloc(of->count);

    if (w == NULL)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < of->count; k++)
        w->terms[w->count++] = (struct protect_term){of->terms[k].atom, -of->terms[k].coef};
    return accept(out, p, w);
}

void world_release(struct world *w)
{
    if (w != NULL && --w->refs == 0)
        free(w);
}

/* ---- what a world says about a target ---- */

/* Both are sorted by atom. */
static wide product(const struct protect *p, const struct world *w, uint32_t first, uint32_t count)
{
    const struct protect_term *term = p->terms + first;
    const struct protect_term *end = term + count;
    wide sum = 0;

    for (uint32_t k = 0; k < w->count && term < end; k++) {
        while (term < end && term->atom < w->terms[k].atom)
            term++;
        if (term < end && term->atom == w->terms[k].atom)
            sum += (wide)term->coef * w->terms[k].coef;
    }
    return sum;
}

int64_t world_target(const struct protect *p, const struct world *w, const struct target *t)
{
    wide sum = product(p, w, t->first, t->count);

    return sum > PROTECT_VALUE_MAX ? PROTECT_VALUE_MAX : sum < -PROTECT_VALUE_MAX ? -PROTECT_VALUE_MAX : (int64_t)sum;
}

bool world_row_holds(const struct protect *p, const struct world *w, const struct row *r)
{
    wide sum = product(p, w, r->first, r->count);

    return (r->lo == -OPEN || sum >= r->lo) && (r->hi == OPEN || sum <= r->hi);
}

static void keep(struct world **slot, struct world *w)
{
    world_release(*slot);
    w->refs++;
    *slot = w;
}

void target_offer(const struct protect *p, struct target *t, struct world *w)
{
    int64_t d = world_target(p, w, t);

    if (d > t->above) {
        t->above = d;
        keep(&t->high, w);
    } else if (-d > t->below) {
        t->below = -d;
        keep(&t->low, w);
    }
}

void target_forget(struct target *t)
{
    world_release(t->low);
    world_release(t->high);
    t->low = NULL;
    t->high = NULL;
    t->below = 0;
    t->above = 0;
}

bool target_is_proved(const struct target *t)
{
    return t->below >= t->need.lo && t->above >= t->need.hi && t->below + t->above >= t->need.width;
}
