#include "hub/protect_internal.h"

#include "common/cli.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

const struct protect_limits protect_limits_default = {
    .atoms = 200000,
    .items = 100000,
    .targets = 100000,
    .rows = 500000,
    .terms = 4000000,
    .lp_iterations = 5000000,
    .steps = 2000000000,
    .time_ms = 120000,
};

/* ---- building ---- */

enum err protect_new(struct protect **out, const struct protect_limits *limits)
{
    struct protect *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return ERR_NOMEM;
    p->limits = limits != NULL ? *limits : protect_limits_default;
    *out = p;
    return OK;
}

void protect_free(struct protect *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->item_count; i++)
        free(p->items[i].id);
    for (uint32_t i = 0; i < p->target_count; i++) {
        target_forget(&p->targets[i]);
        free(p->targets[i].id);
    }
    view_fini(&p->view);
    free(p->value);
    free(p->upper);
    free(p->terms);
    free(p->rows);
    free(p->items);
    free(p->edges);
    free(p->targets);
    free(p->item_order);
    free(p->target_order);
    free(p->users);
    free(p->work);
    free(p->at_first);
    free(p->at_row);
    free(p->at_coef);
    free(p->dev);
    free(p->local);
    free(p->row_mark);
    free(p);
}

static enum err fail(struct protect *p, enum err e)
{
    p->is_failed = true;
    return e;
}

/* Room for `more` elements after `count`, doubling, never past `max`. */
static enum err grow(struct protect *p, void **array, uint32_t *cap, uint32_t count, size_t more, uint32_t max,
                     size_t size)
{
    uint32_t want;
    void *grown;

    p->is_ready = false;
    if (p->is_failed)
        return err_set(ERR_INVALID, _("the publication's protection: the problem was not completed"));
    if (more > max || count > max - (uint32_t)more)
        return fail(p, err_set(ERR_LIMIT,
                               _("the publication is too large to be protected (limit %u); publish fewer "
                                 "periods or indicators at once"),
                               max));
    if (count + (uint32_t)more <= *cap)
        return OK;
    want = *cap < 64 ? 64 : *cap > max / 2 ? max : *cap * 2;
    if (want < count + (uint32_t)more)
        want = count + (uint32_t)more;
    grown = realloc(*array, want * size);
    if (grown == NULL)
        return fail(p, ERR_NOMEM);
    *array = grown;
    *cap = want;
    return OK;
}

#define GROW(p, field, cap, count, more, max)                                                                          \
    grow((p), (void **)&(p)->field, &(p)->cap, (p)->count, (more), (max), sizeof(*(p)->field))

static enum err invalid(struct protect *p, const char *what)
{
    return fail(p, err_set(ERR_INVALID, _("the publication's protection: %s"), what));
}

enum err protect_atom(struct protect *p, int64_t value, int64_t upper, uint32_t *atom)
{
    enum err e;

    if ((e = GROW(p, value, value_cap, atom_count, 1, p->limits.atoms)) != OK)
        return e;
    if ((e = GROW(p, upper, upper_cap, atom_count, 1, p->limits.atoms)) != OK)
        return e;
    if (value < 0 || value > PROTECT_VALUE_MAX || upper < value)
        return invalid(p, _("a quantity is below zero or above its bound"));
    p->value[p->atom_count] = value;
    p->upper[p->atom_count] = upper;
    *atom = p->atom_count++;
    return OK;
}

static enum err copy_id(struct protect *p, char **out, const char *id)
{
    if (id[0] == '\0' || strlen(id) > PROTECT_ID_MAX)
        return invalid(p, _("an id is empty or too long"));
    *out = strdup(id);
    return *out != NULL ? OK : fail(p, ERR_NOMEM);
}

enum err protect_item(struct protect *p, const char *id, uint32_t cost, enum protect_state state, uint32_t *item)
{
    struct item *i;
    enum err e;

    if ((e = GROW(p, items, item_cap, item_count, 1, p->limits.items)) != OK)
        return e;
    if (cost == 0)
        return invalid(p, _("hiding costs at least 1"));
    i = &p->items[p->item_count];
    memset(i, 0, sizeof(*i));
    if ((e = copy_id(p, &i->id, id)) != OK)
        return e;
    i->cost = cost;
    i->state = state;
    *item = p->item_count++;
    return OK;
}

static int by_atom(const void *a, const void *b)
{
    const struct protect_term *x = a;
    const struct protect_term *y = b;

    return x->atom < y->atom ? -1 : x->atom > y->atom;
}

/* Sorts the `count` terms just copied to the end of p->terms, adds those of the same atom, drops zeros. */
static uint32_t merge_terms(struct protect_term *t, size_t count)
{
    uint32_t kept = 0;

    qsort(t, count, sizeof(*t), by_atom);
    for (size_t k = 0; k < count;) {
        struct protect_term sum = t[k++];

        while (k < count && t[k].atom == sum.atom)
            sum.coef += t[k++].coef;
        if (sum.coef != 0)
            t[kept++] = sum;
    }
    return kept;
}

/* Adds a functional to p->terms; *value is its true value. */
static enum err add_terms(struct protect *p, const struct protect_term *terms, size_t count, uint32_t *first,
                          uint32_t *kept, int64_t *value)
{
    struct protect_term *t;
    wide sum = 0;
    enum err e;

    if ((e = GROW(p, terms, term_cap, term_count, count, p->limits.terms)) != OK)
        return e;
    t = p->terms + p->term_count;
    for (size_t k = 0; k < count; k++) {
        if (terms[k].atom >= p->atom_count || terms[k].coef > PROTECT_COEF_MAX || terms[k].coef < -PROTECT_COEF_MAX)
            return invalid(p, _("a sum names an unknown quantity or multiplies it by too much"));
        t[k] = terms[k];
    }
    *kept = count > 0 ? merge_terms(t, count) : 0;
    for (uint32_t k = 0; k < *kept; k++) {
        if (t[k].coef > PROTECT_COEF_MAX || t[k].coef < -PROTECT_COEF_MAX)
            return invalid(p, _("a sum names an unknown quantity or multiplies it by too much"));
        sum += (wide)t[k].coef * p->value[t[k].atom];
    }
    if (sum > PROTECT_VALUE_MAX || sum < -PROTECT_VALUE_MAX)
        return invalid(p, _("a sum is too large"));
    *first = p->term_count;
    *value = (int64_t)sum;
    p->term_count += *kept;
    return OK;
}

/* The distance from the true value to a bound. */
static bool slack_of(int64_t bound, int64_t value, int64_t *slack)
{
    if (bound == PROTECT_NO_BOUND || bound == -PROTECT_NO_BOUND)
        *slack = bound;
    else if (bound > 2 * PROTECT_VALUE_MAX || bound < -2 * PROTECT_VALUE_MAX)
        return false;
    else
        *slack = bound - value;
    return true;
}

static enum err add_row(struct protect *p, uint32_t item, const struct protect_term *terms, size_t count, int64_t min,
                        int64_t max, bool is_exact)
{
    struct row r = {.item = item};
    int64_t value = 0;
    enum err e;

    if ((e = GROW(p, rows, row_cap, row_count, 1, p->limits.rows)) != OK ||
        (e = add_terms(p, terms, count, &r.first, &r.count, &value)) != OK)
        return e;
    if (!slack_of(is_exact ? value : min, value, &r.lo) || !slack_of(is_exact ? value : max, value, &r.hi))
        return invalid(p, _("a bound is too large"));
    if (r.lo > 0 || r.hi < 0)
        return invalid(p, _("the true values break a rule that everybody is taken to know"));
    p->rows[p->row_count++] = r;
    return OK;
}

enum err protect_reveal(struct protect *p, uint32_t item, const struct protect_term *terms, size_t count)
{
    if (item >= p->item_count)
        return invalid(p, _("an unknown line"));
    return add_row(p, item, terms, count, 0, 0, true);
}

enum err protect_reveal_range(struct protect *p, uint32_t item, const struct protect_term *terms, size_t count,
                              int64_t min, int64_t max)
{
    if (item >= p->item_count)
        return invalid(p, _("an unknown line"));
    return add_row(p, item, terms, count, min, max, false);
}

enum err protect_structural(struct protect *p, const struct protect_term *terms, size_t count, int64_t min, int64_t max)
{
    return add_row(p, NONE, terms, count, min, max, false);
}

enum err protect_depends(struct protect *p, uint32_t item, uint32_t input)
{
    enum err e;

    if (item >= p->item_count || input >= p->item_count || item == input)
        return invalid(p, _("an unknown line"));
    if ((e = GROW(p, edges, edge_cap, edge_count, 1, p->limits.rows)) != OK)
        return e;
    p->edges[p->edge_count++] = (struct edge){item, input};
    return OK;
}

static bool is_need(int64_t n)
{
    return n >= 0 && n <= PROTECT_NEED_MAX;
}

enum err protect_target(struct protect *p, const char *id, const struct protect_term *terms, size_t count,
                        const struct protect_need *need, uint32_t *target)
{
    struct target *t;
    enum err e;

    if ((e = GROW(p, targets, target_cap, target_count, 1, p->limits.targets)) != OK)
        return e;
    t = &p->targets[p->target_count];
    memset(t, 0, sizeof(*t));
    if (!is_need(need->lo) || !is_need(need->hi) || !is_need(need->width))
        return invalid(p, _("a target asks for too wide an interval"));
    if ((e = add_terms(p, terms, count, &t->first, &t->count, &t->value)) != OK)
        return e;
    if (t->count == 0)
        return invalid(p, _("a target speaks about nothing"));
    if ((e = copy_id(p, &t->id, id)) != OK)
        return e;
    t->asked = *need;
    if (t->asked.width < 1)
        t->asked.width = 1;
    *target = p->target_count++;
    return OK;
}

/* ---- the choice ---- */

bool protect_is_revealed(const struct protect *p, const struct row *r)
{
    const struct item *i;

    if (r->item == NONE)
        return true;
    i = &p->items[r->item];
    if (i->is_pinned)
        return p->pretend != STRUCTURE_ONLY && !i->is_ignored;
    return p->pretend == AS_CHOSEN && !i->is_hidden;
}

bool protect_is_hidden(const struct protect *p, uint32_t item)
{
    const struct item *i = &p->items[item];

    return i->state == PROTECT_HIDDEN || (i->state != PROTECT_SHOWN && i->is_hidden);
}

/* Fail closed. */
void protect_hide_all(struct protect *p)
{
    for (uint32_t i = 0; i < p->item_count; i++)
        p->items[i].is_hidden = p->items[i].state != PROTECT_SHOWN;
}

void protect_reset_choice(struct protect *p)
{
    for (uint32_t i = 0; i < p->item_count; i++)
        p->items[i].is_hidden = p->items[i].is_forced;
}

static bool can_still_hide(const struct item *i)
{
    return !i->is_hidden && i->state != PROTECT_SHOWN;
}

uint32_t protect_hide_closure(struct protect *p, uint32_t item)
{
    uint32_t count = 0;

    if (!can_still_hide(&p->items[item]))
        return 0;
    p->items[item].is_hidden = true;
    p->work[count++] = item;
    for (uint32_t at = 0; at < count; at++) {
        const struct item *i = &p->items[p->work[at]];

        for (uint32_t k = 0; k < i->user_count; k++) {
            uint32_t user = p->users[i->first_user + k];

            if (!can_still_hide(&p->items[user]))
                continue;
            p->items[user].is_hidden = true;
            p->work[count++] = user;
        }
    }
    return count;
}

uint64_t protect_hide_cost(struct protect *p, uint32_t item)
{
    uint32_t count = protect_hide_closure(p, item);
    uint64_t cost = 0;

    for (uint32_t k = 0; k < count; k++) {
        cost += p->items[p->work[k]].cost;
        p->items[p->work[k]].is_hidden = false;
    }
    return cost;
}

enum err protect_hide(struct protect *p, uint32_t item, bool hide)
{
    enum err e;

    if (item >= p->item_count)
        return invalid(p, _("an unknown line"));
    if ((e = protect_ready(p)) != OK)
        return e;
    if (p->items[item].is_pinned || p->items[item].is_forced)
        return err_set(ERR_INVALID, _("the publication's protection: whether %s is shown is settled already"),
                       p->items[item].id);
    if (hide)
        (void)protect_hide_closure(p, item);
    else
        p->items[item].is_hidden = false;
    return OK;
}

struct protect_bounds protect_bounds(const struct protect *p, uint32_t target)
{
    return p->targets[target].bounds;
}

bool protect_is_lost(const struct protect *p, uint32_t target)
{
    return p->targets[target].is_lost;
}

void protect_count(const struct protect *p, struct protect_summary *out)
{
    memset(out, 0, sizeof(*out));
    out->items = p->item_count;
    out->targets = p->target_count;
    out->linear_programs = p->linear_programs;
    for (uint32_t i = 0; i < p->item_count; i++) {
        if (!protect_is_hidden(p, i))
            out->shown++;
        else if (p->items[i].is_forced)
            out->primary++;
        else
            out->extra++;
    }
    for (uint32_t i = 0; i < p->target_count; i++) {
        out->unsafe += !p->targets[i].bounds.is_safe;
        out->determined += p->targets[i].bounds.is_determined;
    }
}

/* ---- one call ---- */

enum err protect_ready(struct protect *p)
{
    enum err e;

    if (p->is_failed)
        return err_set(ERR_INVALID, _("the publication's protection: the problem was not completed"));
    if (p->is_ready)
        return OK;
    if ((e = protect_index(p)) != OK || (e = view_alloc(p)) != OK)
        return fail(p, e);
    protect_reset_choice(p);
    p->is_ready = true;
    return OK;
}

void protect_budget(struct protect *p)
{
    p->iterations_left = p->limits.lp_iterations;
    p->steps_left = p->limits.steps;
    p->deadline_ms = clock_mono_ms() + p->limits.time_ms;
    p->linear_programs = 0;
}

enum err protect_check_time(const struct protect *p)
{
    if (clock_mono_ms() > p->deadline_ms)
        return err_set(ERR_LIMIT, _("protecting the publication takes longer than %u s; nothing is published"),
                       p->limits.time_ms / 1000);
    return OK;
}
