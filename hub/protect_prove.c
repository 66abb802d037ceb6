/* protect_prove.c: for each target, worlds in which it has another value. */
#include "hub/protect_internal.h"

#include <stdlib.h>

#define SMALL_MOVES 4u /* of how many of its atoms a target is tried */

/* ---- targets by part ---- */

uint32_t target_part(const struct protect *p, const struct target *t)
{
    for (uint32_t k = 0; k < t->count; k++) {
        uint32_t part = p->view.part[p->terms[t->first + k].atom];

        if (part != NONE)
            return part;
    }
    return NONE;
}

static int by_part(const void *a, const void *b, void *arg)
{
    const struct protect *p = arg;
    const struct target *x = &p->targets[*(const uint32_t *)a];
    const struct target *y = &p->targets[*(const uint32_t *)b];
    uint32_t i = target_part(p, x);
    uint32_t j = target_part(p, y);

    if (i != j)
        return i < j ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

enum err roll_new(struct roll *r, const struct protect *p, bool unproved_only)
{
    r->count = 0;
    r->targets = calloc((size_t)p->target_count + 1, sizeof(*r->targets));
    if (r->targets == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < p->target_count; i++)
        if (!unproved_only || !target_is_proved(&p->targets[i]))
            r->targets[r->count++] = i;
    if (r->count > 0)
        qsort_r(r->targets, r->count, sizeof(*r->targets), by_part, (void *)(uintptr_t)p);
    return OK;
}

void roll_fini(struct roll *r)
{
    free(r->targets);
    r->targets = NULL;
    r->count = 0;
}

/* ---- proving ---- */

/* The targets roll->targets[from..to) lie in one part. */
struct stretch {
    struct protect *p;
    const struct roll *roll;
    uint32_t from;
    uint32_t to;
};

static void offer_unproved(const struct stretch *s, struct world *w)
{
    for (uint32_t k = s->from; k < s->to; k++) {
        struct target *t = &s->p->targets[s->roll->targets[k]];

        if (!target_is_proved(t))
            target_offer(s->p, t, w);
    }
}

/* A world and, where it is possible too, its mirror image. */
static enum err offer_both(const struct stretch *s, struct world *w)
{
    struct world *mirror;
    enum err e;

    offer_unproved(s, w);
    e = world_mirror(&mirror, s->p, w);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    offer_unproved(s, mirror);
    world_release(mirror);
    return OK;
}

/* ---- small moves: before a linear program is set up, one atom, or one and another that has to follow ---- */

struct small_move {
    uint32_t atoms[2];
    int64_t devs[2];
    uint32_t count;
};

static enum err offer_small(const struct stretch *s, const struct small_move *m, bool *is_possible)
{
    struct world *w;
    enum err e = world_new(&w, s->p, m->atoms, m->devs, m->count);

    *is_possible = e == OK;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    offer_unproved(s, w);
    world_release(w);
    return OK;
}

/* The other atom of a broken row of two, moved as far as the first: the whole grows with its part. */
static bool add_follower(const struct protect *p, struct small_move *m, const struct row *r)
{
    const struct protect_term *t = p->terms + r->first;
    uint32_t other = r->count == 2 && t[0].atom == m->atoms[0] ? 1 : 0;

    if (r->count != 2 || t[0].coef + t[1].coef != 0 || p->view.is_known[t[other].atom])
        return false;
    m->count = 2;
    if (t[other].atom > m->atoms[0]) {
        m->atoms[1] = t[other].atom;
    } else {
        m->atoms[1] = m->atoms[0];
        m->atoms[0] = t[other].atom;
    }
    m->devs[1] = m->devs[0];
    return true;
}

static enum err move_atom(const struct stretch *s, uint32_t atom, int64_t dev)
{
    const struct protect *p = s->p;
    bool is_possible = false;
    enum err e = OK;

    dev = dev < p->view.lb[atom] ? p->view.lb[atom] : dev > p->view.ub[atom] ? p->view.ub[atom] : dev;
    if (dev == 0)
        return OK;
    e = offer_small(s, &(struct small_move){{atom, 0}, {dev, 0}, 1}, &is_possible);
    for (uint32_t k = p->at_first[atom]; e == OK && !is_possible && k < p->at_first[atom + 1]; k++) {
        struct small_move m = {{atom, 0}, {dev, 0}, 1};

        if (p->view.is_active[p->at_row[k]] && add_follower(p, &m, &p->rows[p->at_row[k]]))
            e = offer_small(s, &m, &is_possible);
    }
    return e;
}

static enum err move_target(const struct stretch *s, const struct target *t)
{
    const struct protect_need *n = &t->need;
    enum err e = OK;

    for (uint32_t k = 0; e == OK && k < t->count && k < SMALL_MOVES && !target_is_proved(t); k++) {
        const struct protect_term *term = &s->p->terms[t->first + k];

        if (s->p->view.is_known[term->atom] || (term->coef != 1 && term->coef != -1))
            continue;
        if ((e = move_atom(s, term->atom, term->coef * (n->hi > n->width ? n->hi : n->width))) == OK &&
            !target_is_proved(t))
            e = move_atom(s, term->atom, -term->coef * (n->lo > n->width ? n->lo : n->width));
    }
    return e;
}

/* ---- linear programs ---- */

static enum err reach_and_offer(const struct stretch *s, struct part *x, const struct target *t, int sign)
{
    struct world *w;
    int64_t bound;
    enum err e;

    if (target_is_proved(t))
        return OK;
    if ((e = part_reach(x, t, sign, &bound, &w)) != OK || w == NULL)
        return e;
    e = offer_both(s, w);
    world_release(w);
    return e;
}

static enum err prove_within(const struct stretch *s, uint32_t part, int64_t box)
{
    struct part *x;
    enum err e;

    if ((e = part_open(&x, s->p, part, box)) != OK)
        return e;
    for (uint32_t k = s->from; e == OK && k < s->to; k++) {
        const struct target *t = &s->p->targets[s->roll->targets[k]];

        if ((e = reach_and_offer(s, x, t, 1)) == OK)
            e = reach_and_offer(s, x, t, -1);
    }
    part_close(x);
    return e;
}

static bool all_proved(const struct stretch *s)
{
    for (uint32_t k = s->from; k < s->to; k++)
        if (!target_is_proved(&s->p->targets[s->roll->targets[k]]))
            return false;
    return true;
}

/* A small box first: worlds near the truth are whole more often, and break less when more is shown. */
static enum err prove_stretch(const struct stretch *s, uint32_t part)
{
    int64_t box = 16;
    enum err e = OK;

    for (uint32_t k = s->from; e == OK && k < s->to; k++)
        e = move_target(s, &s->p->targets[s->roll->targets[k]]);
    if (e != OK || all_proved(s))
        return e;
    for (uint32_t k = s->from; k < s->to; k++) {
        const struct protect_need *n = &s->p->targets[s->roll->targets[k]].need;
        int64_t most = n->lo > n->hi ? n->lo : n->hi;

        if (n->width > most)
            most = n->width;
        if (4 * most > box)
            box = 4 * most;
    }
    if ((e = prove_within(s, part, box)) != OK || all_proved(s) || (e = prove_within(s, part, PROTECT_FAR)) != OK)
        return e;
    for (uint32_t k = s->from; e == OK && k < s->to; k++)
        e = repair_prove(s->p, &s->p->targets[s->roll->targets[k]]);
    return e;
}

enum err prove_all(struct protect *p, bool or_none)
{
    struct roll roll;
    enum err e;

    if ((e = roll_new(&roll, p, true)) != OK)
        return e;
    for (uint32_t k = 0; e == OK && k < roll.count;) {
        uint32_t part = target_part(p, &p->targets[roll.targets[k]]);
        struct stretch s = {p, &roll, k, k};

        if (part == NONE || (or_none && target_part(p, &p->targets[roll.targets[roll.count - 1]]) == NONE))
            break;
        while (s.to < roll.count && target_part(p, &p->targets[roll.targets[s.to]]) == part)
            s.to++;
        e = prove_stretch(&s, part);
        if (or_none && !all_proved(&s))
            break;
        k = s.to;
    }
    roll_fini(&roll);
    return e;
}

enum err prove_one(struct protect *p, struct target *t)
{
    uint32_t number = (uint32_t)(t - p->targets);
    struct roll roll = {&number, 1};
    struct stretch s = {p, &roll, 0, 1};
    uint32_t part = target_part(p, t);

    return part == NONE || target_is_proved(t) ? OK : prove_stretch(&s, part);
}

/* ---- rechecking ---- */

static bool is_broken(struct protect *p, struct world *w)
{
    if (w->stamp != p->stamp) {
        w->stamp = p->stamp;
        w->is_broken = !world_is_possible(p, w);
    }
    return w->is_broken;
}

static void drop_broken(struct protect *p, struct world **slot, int64_t *reach)
{
    if (*slot == NULL || !is_broken(p, *slot))
        return;
    world_release(*slot);
    *slot = NULL;
    *reach = 0;
}

void prove_recheck(struct protect *p)
{
    p->stamp++;
    for (uint32_t i = 0; i < p->target_count; i++) {
        struct target *t = &p->targets[i];

        drop_broken(p, &t->low, &t->below);
        drop_broken(p, &t->high, &t->above);
    }
}

/* ---- needs ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum err clip(struct protect *p, struct target *t)
{
    uint32_t part = target_part(p, t);
    struct world *w;
    struct part *x;
    int64_t down = 0;
    int64_t up = 0;
    enum err e;

    if (part == NONE)
        return OK; /* known to everybody: it stays unproved for ever */
    if ((e = part_open(&x, p, part, PROTECT_FAR)) != OK)
        return e;
    if ((e = part_reach(x, t, -1, &down, &w)) == OK) {
        world_release(w);
        if ((e = part_reach(x, t, 1, &up, &w)) == OK)
            world_release(w);
    }
    part_close(x);
    t->need.lo = least(t->need.lo, -down);
    t->need.hi = least(t->need.hi, up);
    t->need.width = least(t->need.width, up - down);
    if (t->need.width < 1)
        t->need.width = 1;
    return e;
}

enum err prove_needs(struct protect *p)
{
    enum err e = OK;

    if (p->has_needs)
        return OK;
    p->pretend = STRUCTURE_ONLY;
    view_build(p);
    for (uint32_t i = 0; i < p->target_count; i++) {
        target_forget(&p->targets[i]);
        p->targets[i].need = p->targets[i].asked;
    }
    if ((e = prove_all(p, false)) == OK)
        for (uint32_t i = 0; e == OK && i < p->target_count; i++)
            if (!target_is_proved(&p->targets[i]))
                e = clip(p, &p->targets[i]);
    for (uint32_t i = 0; i < p->target_count; i++)
        target_forget(&p->targets[i]);
    p->pretend = AS_CHOSEN;
    p->has_needs = e == OK;
    return e;
}
