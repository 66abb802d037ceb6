/* protect_audit.c: the judgement on a choice, from the beginning. */
#include "hub/protect_internal.h"

#include <stdlib.h>

/* The bounds as a reader finds them, and worlds at their ends where these are whole. */
static enum err bound(struct protect *p, struct part *x, struct target *t)
{
    struct world *w;
    int64_t reach[2] = {0, 0};
    enum err e = OK;

    for (int side = 0; e == OK && side < 2; side++) {
        if ((e = part_reach(x, t, side == 0 ? -1 : 1, &reach[side], &w)) != OK || w == NULL)
            continue;
        target_offer(p, t, w);
        world_release(w);
    }
    t->bounds.min = t->value + reach[0];
    t->bounds.max = t->value + reach[1];
    return e;
}

static enum err bound_part(struct protect *p, const struct roll *roll, uint32_t *k, uint32_t part)
{
    struct part *x;
    enum err e;

    if ((e = part_open(&x, p, part, PROTECT_FAR)) != OK)
        return e;
    for (; e == OK && *k < roll->count && target_part(p, &p->targets[roll->targets[*k]]) == part; (*k)++)
        e = bound(p, x, &p->targets[roll->targets[*k]]);
    part_close(x);
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

        if (part == NONE)
            break;
        e = bound_part(p, &roll, &k, part);
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
