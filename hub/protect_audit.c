/* protect_audit.c: the judgement on a choice, from the beginning. */
#include "hub/protect_internal.h"

#include <stdlib.h>

/* How far the target could go at most, were its atoms free within their bounds; PROTECT_FAR: further. */
static int64_t at_most(const struct protect *p, const struct target *t, int sign)
{
    const struct view *v = &p->view;
    wide sum = 0;

    for (uint32_t k = 0; k < t->count; k++) {
        const struct protect_term *term = &p->terms[t->first + k];
        int64_t bound = (term->coef > 0) == (sign > 0) ? v->ub[term->atom] : v->lb[term->atom];

        if (bound == OPEN || bound == -OPEN)
            return PROTECT_FAR;
        sum += (wide)(sign * term->coef) * bound;
    }
    return sum > PROTECT_FAR ? PROTECT_FAR : (int64_t)sum;
}

/* The targets roll->targets[from..to) of one part. */
struct stretch {
    struct protect *p;
    struct part *x;
    const struct roll *roll;
    uint32_t from;
    uint32_t to;
};

/* A world found for one target often goes to the end of others too, and saves their linear programs. */
static void offer_all(const struct stretch *s, struct world *w)
{
    for (uint32_t k = s->from; k < s->to; k++)
        target_offer(s->p, &s->p->targets[s->roll->targets[k]], w);
}

static enum err reach(const struct stretch *s, const struct target *t, int sign, int64_t *bound)
{
    int64_t most = at_most(s->p, t, sign);
    struct world *w;
    enum err e;

    if ((sign > 0 ? t->above : t->below) >= most) {
        *bound = sign * most;
        return OK;
    }
    if ((e = part_reach(s->x, t, sign, bound, &w)) != OK || w == NULL)
        return e;
    offer_all(s, w);
    world_release(w);
    return OK;
}

/* The bounds as a reader finds them, and worlds at their ends where these are whole. */
static enum err bound_part(const struct stretch *s)
{
    enum err e = OK;

    for (uint32_t k = s->from; e == OK && k < s->to; k++) {
        struct target *t = &s->p->targets[s->roll->targets[k]];
        int64_t low = 0;
        int64_t high = 0;

        if ((e = reach(s, t, -1, &low)) == OK)
            e = reach(s, t, 1, &high);
        t->bounds.min = t->value + low;
        t->bounds.max = t->value + high;
    }
    return e;
}

static enum err bound_all(struct protect *p)
{
    struct roll roll;
    enum err e;

    if ((e = roll_new(&roll, p, false)) != OK)
        return e;
    for (uint32_t k = 0; e == OK && k < roll.count;) {
        uint32_t part = target_part(p, &p->targets[roll.targets[k]]);
        struct stretch s = {p, NULL, &roll, k, k};

        if (part == NONE)
            break;
        while (s.to < roll.count && target_part(p, &p->targets[roll.targets[s.to]]) == part)
            s.to++;
        if ((e = part_open(&s.x, p, part, PROTECT_FAR)) == OK)
            e = bound_part(&s);
        part_close(s.x);
        k = s.to;
    }
    roll_fini(&roll);
    return e;
}

static bool is_wide(const struct target *t)
{
    const struct protect_bounds *b = &t->bounds;

    return t->value - b->min >= t->need.lo && b->max - t->value >= t->need.hi && b->max - b->min >= t->need.width;
}

enum err audit_run(struct protect *p, struct protect_summary *out)
{
    uint32_t recomputed = 0;
    enum err e;

    if ((e = prove_needs(p)) != OK)
        return e;
    for (uint32_t i = 0; i < p->target_count; i++) {
        struct target *t = &p->targets[i];

        target_forget(t);
        t->bounds = (struct protect_bounds){t->value, t->value, t->value, false, false};
    }
    view_build(p);
    if ((e = rank_audit(p, &recomputed)) != OK || (e = bound_all(p)) != OK || (e = prove_all(p, false)) != OK)
        return e;
    for (uint32_t i = 0; i < p->target_count; i++) {
        struct target *t = &p->targets[i];

        t->bounds.is_safe = !t->bounds.is_determined && is_wide(t) && target_is_proved(t);
    }
    protect_count(p, out);
    out->recomputed = recomputed;
    return OK;
}

enum err protect_audit(struct protect *p, struct protect_summary *out)
{
    enum err e;

    if ((e = protect_ready(p)) != OK)
        return e;
    protect_budget(p);
    if ((e = audit_run(p, out)) != OK)
        for (uint32_t i = 0; i < p->target_count; i++)
            p->targets[i].bounds.is_safe = false;
    return e;
}

enum err protect_prove(struct protect *p, uint32_t *unproved)
{
    enum err e;

    *unproved = p->target_count;
    if ((e = protect_ready(p)) != OK)
        return e;
    protect_budget(p);
    if ((e = prove_needs(p)) != OK)
        return e;
    for (uint32_t i = 0; i < p->target_count; i++) {
        target_forget(&p->targets[i]);
        p->targets[i].bounds = (struct protect_bounds){0, 0, 0, false, false};
    }
    view_build(p);
    if ((e = prove_all(p, false)) != OK)
        return e;
    *unproved = 0;
    for (uint32_t i = 0; i < p->target_count; i++)
        *unproved += !target_is_proved(&p->targets[i]);
    return OK;
}
