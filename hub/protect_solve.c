/* protect_solve.c: what to hide in addition.  Hide for one target after the other, then show again whatever turns out
 * not to be needed, then let the audit judge. */
#include "common/buf.h"
#include "common/cli.h"
#include "hub/protect_internal.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 1000u
#define NAMED_MAX  5u

/* ---- what no hiding can save ---- */

static void view_as_if(struct protect *p, enum pretence pretend)
{
    p->pretend = pretend;
    view_build(p);
    p->pretend = AS_CHOSEN;
}

static enum err is_unsafe_without(struct protect *p, struct target *t, bool *is_unsafe)
{
    enum err e;

    target_forget(t);
    p->pretend = ALL_HIDDEN;
    view_build(p);
    e = prove_one(p, t);
    p->pretend = AS_CHOSEN;
    *is_unsafe = !target_is_proved(t);
    return e;
}

/* Takes away items in ever smaller portions as long as the target follows from the rest. */
static enum err narrow(struct protect *p, struct target *t, uint32_t *items, uint32_t *count)
{
    enum err e = OK;

    for (uint32_t portion = (*count + 1) / 2; e == OK && portion >= 1; portion = portion == 1 ? 0 : (portion + 1) / 2) {
        uint32_t kept = 0;

        for (uint32_t at = 0; e == OK && at < *count; at += portion) {
            uint32_t end = at + portion < *count ? at + portion : *count;
            bool is_unsafe = false;

            for (uint32_t k = at; k < end; k++)
                p->items[items[k]].is_ignored = true;
            if ((e = is_unsafe_without(p, t, &is_unsafe)) != OK || is_unsafe)
                continue;
            for (uint32_t k = at; k < end; k++) {
                p->items[items[k]].is_ignored = false;
                items[kept++] = items[k];
            }
        }
        *count = kept;
    }
    return e;
}

static enum err name_reasons(struct protect *p, const struct target *t, const uint32_t *items, uint32_t count)
{
    struct buf names;
    enum err e;

    buf_init(&names, ((size_t)PROTECT_ID_MAX + 8) * (NAMED_MAX + 1));
    for (uint32_t k = 0; k < count && k < NAMED_MAX; k++)
        buf_printf(&names, "%s%s", k > 0 ? ", " : "", p->items[items[k]].id);
    if (count > NAMED_MAX)
        buf_put_str(&names, ", ...");
    if (count == 0)
        e = err_set(ERR_DENIED, _("%s cannot be protected: it follows from what everybody knows"), t->id);
    else
        e = err_set(
            ERR_DENIED,
            _("%s cannot be protected, whatever is hidden now: it follows from what was published earlier (%s)"), t->id,
            buf_cstr(&names));
    buf_fini(&names);
    return e;
}

static enum err explain(struct protect *p, struct target *t)
{
    uint32_t *items = calloc((size_t)p->item_count + 1, sizeof(*items));
    uint32_t count = 0;
    enum err e;

    if (items == NULL)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < p->item_count; k++)
        if (p->items[p->item_order[k]].is_pinned)
            items[count++] = p->item_order[k];
    e = narrow(p, t, items, &count);
    for (uint32_t i = 0; i < p->item_count; i++)
        p->items[i].is_ignored = false;
    if (e == OK)
        e = name_reasons(p, t, items, count);
    free(items);
    return e;
}

/* With everything hidden that may be, each target must be safe. */
static enum err find_lost(struct protect *p)
{
    struct target *first = NULL;
    enum err e;

    p->pretend = ALL_HIDDEN;
    view_build(p);
    e = prove_all(p, false);
    p->pretend = AS_CHOSEN;
    if (e != OK)
        return e;
    for (uint32_t k = 0; k < p->target_count; k++) {
        struct target *t = &p->targets[p->target_order[k]];

        t->is_lost = !target_is_proved(t);
        if (t->is_lost && first == NULL)
            first = t;
    }
    return first != NULL ? explain(p, first) : OK;
}

/* ---- hiding ---- */

static int64_t widest(const struct target *t)
{
    int64_t most = t->need.lo > t->need.hi ? t->need.lo : t->need.hi;

    return most > t->need.width ? most : t->need.width;
}

/* Who asks for most is served first: what is hidden for it often serves the others. */
static int by_need(const void *a, const void *b, void *arg)
{
    const struct protect *p = arg;
    const struct target *x = &p->targets[*(const uint32_t *)a];
    const struct target *y = &p->targets[*(const uint32_t *)b];

    if (widest(x) != widest(y))
        return widest(x) > widest(y) ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static enum err hide_for(struct protect *p, const uint32_t *targets, uint32_t count, uint32_t *hidden)
{
    enum err e = OK;

    view_as_if(p, ALL_HIDDEN);
    for (uint32_t k = 0; e == OK && k < count; k++) {
        uint32_t more = 0;

        if (target_is_proved(&p->targets[targets[k]]))
            continue;
        e = plan_hide(p, &p->targets[targets[k]], &more);
        *hidden += more;
    }
    return e;
}

static uint32_t list_unproved(struct protect *p, uint32_t *targets)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->target_count; i++)
        if (!target_is_proved(&p->targets[i]))
            targets[count++] = i;
    if (count > 0)
        qsort_r(targets, count, sizeof(*targets), by_need, p);
    return count;
}

static enum err hide_enough(struct protect *p)
{
    uint32_t *targets = calloc((size_t)p->target_count + 1, sizeof(*targets));
    uint32_t rounds = 0;
    enum err e = OK;

    if (targets == NULL)
        return ERR_NOMEM;
    for (;;) {
        uint32_t hidden = 0;
        uint32_t count;

        view_build(p);
        if ((e = prove_all(p, false)) != OK || (count = list_unproved(p, targets)) == 0)
            break;
        if ((e = hide_for(p, targets, count, &hidden)) != OK)
            break;
        if (hidden == 0 || ++rounds > ROUNDS_MAX) {
            view_build(p);
            if ((e = prove_all(p, false)) == OK && list_unproved(p, targets) > 0)
                e = err_set(ERR_LIMIT, _("%s could not be protected in the steps allowed; nothing is published"),
                            p->targets[targets[0]].id);
            break;
        }
    }
    free(targets);
    return e;
}

/* ---- showing again ---- */

struct saved {
    uint32_t target;
    struct world *low;
    struct world *high;
    int64_t below;
    int64_t above;
};

struct trial {
    struct protect *p;
    struct saved *saved;
    uint32_t saved_count;
};

static bool breaks(struct protect *p, struct world *w, const struct item *item)
{
    if (w == NULL)
        return false;
    if (w->stamp == p->stamp)
        return w->is_broken;
    w->stamp = p->stamp;
    w->is_broken = false;
    for (uint32_t k = 0; !w->is_broken && k < item->row_count; k++)
        w->is_broken = !world_row_holds(p, w, &p->rows[item->first_row + k]);
    return w->is_broken;
}

static void set_aside(struct trial *x, uint32_t target, bool low, bool high)
{
    struct target *t = &x->p->targets[target];

    x->saved[x->saved_count++] = (struct saved){target, t->low, t->high, t->below, t->above};
    if (t->low != NULL && !low)
        t->low->refs++;
    if (t->high != NULL && !high)
        t->high->refs++;
    if (low) {
        t->low = NULL;
        t->below = 0;
    }
    if (high) {
        t->high = NULL;
        t->above = 0;
    }
}

static void put_back(struct trial *x)
{
    for (uint32_t k = 0; k < x->saved_count; k++) {
        const struct saved *s = &x->saved[k];
        struct target *t = &x->p->targets[s->target];

        target_forget(t);
        t->low = s->low;
        t->high = s->high;
        t->below = s->below;
        t->above = s->above;
    }
    x->saved_count = 0;
}

static void let_go(struct trial *x)
{
    for (uint32_t k = 0; k < x->saved_count; k++) {
        world_release(x->saved[k].low);
        world_release(x->saved[k].high);
    }
    x->saved_count = 0;
}

/* Shows the item if every target can still be proved. */
static enum err try_show(struct trial *x, uint32_t item, bool *is_shown)
{
    struct protect *p = x->p;
    bool need_proof = false;
    enum err e = OK;

    p->stamp++;
    p->items[item].is_hidden = false;
    for (uint32_t i = 0; i < p->target_count; i++) {
        bool low = breaks(p, p->targets[i].low, &p->items[item]);
        bool high = breaks(p, p->targets[i].high, &p->items[item]);

        if (!low && !high)
            continue;
        set_aside(x, i, low, high);
        need_proof = need_proof || !target_is_proved(&p->targets[i]);
    }
    if (need_proof) {
        view_build(p);
        e = prove_all(p, true);
        for (uint32_t k = 0; k < x->saved_count; k++)
            if (!target_is_proved(&p->targets[x->saved[k].target]))
                *is_shown = false;
    }
    if (e != OK)
        *is_shown = false;
    if (*is_shown) {
        let_go(x);
    } else {
        p->items[item].is_hidden = true;
        put_back(x);
    }
    return e;
}

static int dearest_first(const void *a, const void *b, void *arg)
{
    const struct protect *p = arg;
    const struct item *x = &p->items[*(const uint32_t *)a];
    const struct item *y = &p->items[*(const uint32_t *)b];

    if (x->cost != y->cost)
        return x->cost > y->cost ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static uint32_t list_extra(struct protect *p, uint32_t *items)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->item_count; i++)
        if (p->items[i].is_hidden && !p->items[i].is_forced)
            items[count++] = i;
    if (count > 0)
        qsort_r(items, count, sizeof(*items), dearest_first, p);
    return count;
}

/* What is computed from a hidden item cannot be shown before it. */
static void count_hidden_inputs(const struct protect *p, uint32_t *hidden_inputs)
{
    memset(hidden_inputs, 0, ((size_t)p->item_count + 1) * sizeof(*hidden_inputs));
    for (uint32_t k = 0; k < p->edge_count; k++)
        hidden_inputs[p->edges[k].item] += p->items[p->edges[k].input].is_hidden;
}

static enum err show_what_can_be(struct trial *x, uint32_t *items, uint32_t *hidden_inputs)
{
    struct protect *p = x->p;
    bool again = true;
    enum err e = OK;

    /* Showing one makes it only harder to show another, except for what depends on it: a second pass is for that. */
    while (e == OK && again) {
        uint32_t count = list_extra(p, items);

        again = false;
        for (uint32_t k = 0; e == OK && k < count; k++) {
            bool is_shown = true;

            count_hidden_inputs(p, hidden_inputs);
            if (hidden_inputs[items[k]] > 0)
                continue;
            e = try_show(x, items[k], &is_shown);
            again = again || (is_shown && p->items[items[k]].user_count > 0);
        }
    }
    return e;
}

static enum err clean_up(struct protect *p)
{
    struct trial x = {p, calloc((size_t)p->target_count + 1, sizeof(*x.saved)), 0};
    uint32_t *items = calloc((size_t)p->item_count + 1, sizeof(*items));
    uint32_t *hidden_inputs = calloc((size_t)p->item_count + 1, sizeof(*hidden_inputs));
    enum err e = OK;

    if (x.saved == NULL || items == NULL || hidden_inputs == NULL)
        e = ERR_NOMEM;
    else
        e = show_what_can_be(&x, items, hidden_inputs);
    free(x.saved);
    free(items);
    free(hidden_inputs);
    return e;
}

/* ---- the whole ---- */

static enum err solve(struct protect *p, struct protect_summary *out)
{
    enum err e;

    if ((e = prove_needs(p)) != OK)
        return e;
    for (uint32_t i = 0; i < p->target_count; i++) {
        target_forget(&p->targets[i]);
        p->targets[i].is_lost = false;
        p->targets[i].bounds =
            (struct protect_bounds){p->targets[i].value, p->targets[i].value, p->targets[i].value, false, false};
    }
    protect_hide_all(p);
    if ((e = find_lost(p)) != OK)
        return e;
    protect_reset_choice(p);
    prove_recheck(p);
    if ((e = hide_enough(p)) != OK || (e = clean_up(p)) != OK || (e = audit_run(p, out)) != OK)
        return e;
    /* A world proves more than the bounds that are computed in floating point: if they disagree, nothing is right. */
    if (out->unsafe > 0)
        return err_set(ERR_LIMIT, _("the audit refuses what was chosen; nothing is published"));
    return OK;
}

enum err protect_solve(struct protect *p, struct protect_summary *out)
{
    struct protect_summary own;
    enum err e;

    if ((e = protect_ready(p)) != OK) {
        protect_hide_all(p);
        return e;
    }
    protect_budget(p);
    if (out == NULL)
        out = &own;
    if ((e = solve(p, out)) == OK)
        return OK;
    p->pretend = AS_CHOSEN;
    protect_hide_all(p);
    for (uint32_t i = 0; i < p->target_count; i++)
        p->targets[i].bounds.is_safe = false;
    return e;
}
