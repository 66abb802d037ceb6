/* protect_index.c: the problem in an order of its own, so that the answer does not depend on that of the calls. */
#include "common/cli.h"
#include "hub/protect_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

static int by_item_id(const void *a, const void *b, void *arg)
{
    const struct protect *p = arg;

    return strcmp(p->items[*(const uint32_t *)a].id, p->items[*(const uint32_t *)b].id);
}

static int by_target_id(const void *a, const void *b, void *arg)
{
    const struct protect *p = arg;

    return strcmp(p->targets[*(const uint32_t *)a].id, p->targets[*(const uint32_t *)b].id);
}

static uint32_t rank_of(const struct protect *p, uint32_t item)
{
    return item == NONE ? 0 : p->items[item].rank + 1;
}

static int compare_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_content(const void *a, const void *b, void *arg)
{
    const struct protect *p = arg;
    const struct row *x = a;
    const struct row *y = b;
    int c = compare_u32(rank_of(p, x->item), rank_of(p, y->item));

    if (c == 0)
        c = compare_u32(x->count, y->count);
    for (uint32_t k = 0; c == 0 && k < x->count; k++) {
        const struct protect_term *s = &p->terms[x->first + k];
        const struct protect_term *t = &p->terms[y->first + k];

        c = s->atom != t->atom ? compare_u32(s->atom, t->atom) : compare_i64(s->coef, t->coef);
    }
    if (c == 0)
        c = compare_i64(x->lo, y->lo);
    return c != 0 ? c : compare_i64(x->hi, y->hi);
}

/* One element more, so that an empty problem needs no special case. */
static bool renew(void *slot, size_t count, size_t size)
{
    void **at = slot;

    free(*at);
    *at = calloc(count + 1, size);
    return *at != NULL;
}

static enum err order_ids(struct protect *p)
{
    if (!renew(&p->item_order, p->item_count, sizeof(uint32_t)) ||
        !renew(&p->target_order, p->target_count, sizeof(uint32_t)))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < p->item_count; i++)
        p->item_order[i] = i;
    for (uint32_t i = 0; i < p->target_count; i++)
        p->target_order[i] = i;
    qsort_r(p->item_order, p->item_count, sizeof(uint32_t), by_item_id, p);
    qsort_r(p->target_order, p->target_count, sizeof(uint32_t), by_target_id, p);
    for (uint32_t i = 0; i < p->item_count; i++) {
        p->items[p->item_order[i]].rank = i;
        if (i > 0 && by_item_id(&p->item_order[i - 1], &p->item_order[i], p) == 0)
            return err_set(ERR_EXISTS, _("the publication's protection: %s stands twice"),
                           p->items[p->item_order[i]].id);
    }
    for (uint32_t i = 0; i < p->target_count; i++) {
        p->targets[p->target_order[i]].rank = i;
        if (i > 0 && by_target_id(&p->target_order[i - 1], &p->target_order[i], p) == 0)
            return err_set(ERR_EXISTS, _("the publication's protection: %s stands twice"),
                           p->targets[p->target_order[i]].id);
    }
    return OK;
}

static bool is_same_row(const struct protect *p, const struct row *x, const struct row *y)
{
    return x->item == y->item && by_content(x, y, (void *)(uintptr_t)p) == 0;
}

/* Rows by item and content, each once. */
static void order_rows(struct protect *p)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < p->item_count; i++)
        p->items[i].row_count = 0;
    if (p->row_count > 0)
        qsort_r(p->rows, p->row_count, sizeof(*p->rows), by_content, p);
    for (uint32_t r = 0; r < p->row_count; r++) {
        if (kept > 0 && is_same_row(p, &p->rows[kept - 1], &p->rows[r]))
            continue;
        p->rows[kept] = p->rows[r];
        if (p->rows[kept].item != NONE) {
            struct item *i = &p->items[p->rows[kept].item];

            if (i->row_count++ == 0)
                i->first_row = kept;
        }
        kept++;
    }
    p->row_count = kept;
}

/* ---- which rows speak about an atom ---- */

static enum err index_atoms(struct protect *p)
{
    uint32_t *at;

    if (!renew(&p->at_first, (size_t)p->atom_count + 1, sizeof(uint32_t)) ||
        !renew(&p->at_row, p->term_count, sizeof(uint32_t)) || !renew(&p->at_coef, p->term_count, sizeof(int64_t)) ||
        !renew(&p->dev, p->atom_count, sizeof(int64_t)) || !renew(&p->local, p->atom_count, sizeof(uint32_t)) ||
        !renew(&p->row_mark, p->row_count, sizeof(uint32_t)))
        return ERR_NOMEM;
    p->mark = 0;
    at = p->at_first + 1; /* at[a] counts, then points past the rows of atom a */
    for (uint32_t r = 0; r < p->row_count; r++)
        for (uint32_t k = 0; k < p->rows[r].count; k++)
            at[p->terms[p->rows[r].first + k].atom + 1]++;
    for (uint32_t a = 0; a < p->atom_count; a++) {
        at[a + 1] += at[a];
        p->local[a] = NONE;
    }
    for (uint32_t r = 0; r < p->row_count; r++)
        for (uint32_t k = 0; k < p->rows[r].count; k++) {
            const struct protect_term *t = &p->terms[p->rows[r].first + k];

            p->at_row[at[t->atom]] = r;
            p->at_coef[at[t->atom]++] = t->coef;
        }
    return OK;
}

/* ---- what depends on what ---- */

static int by_edge(const void *a, const void *b, void *arg)
{
    const struct protect *p = arg;
    const struct edge *x = a;
    const struct edge *y = b;
    int c = compare_u32(p->items[x->input].rank, p->items[y->input].rank);

    return c != 0 ? c : compare_u32(p->items[x->item].rank, p->items[y->item].rank);
}

static enum err index_users(struct protect *p)
{
    if (!renew(&p->users, p->edge_count, sizeof(uint32_t)) || !renew(&p->work, p->item_count, sizeof(uint32_t)))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < p->item_count; i++)
        p->items[i].user_count = 0;
    if (p->edge_count > 0)
        qsort_r(p->edges, p->edge_count, sizeof(*p->edges), by_edge, p);
    for (uint32_t k = 0; k < p->edge_count; k++) {
        struct item *input = &p->items[p->edges[k].input];

        if (input->user_count++ == 0)
            input->first_user = k;
        p->users[k] = p->edges[k].item;
    }
    return OK;
}

/* Pinned travels from an item to its inputs, forced from an input to what uses it. */
static void settle(struct protect *p)
{
    bool again = true;

    for (uint32_t i = 0; i < p->item_count; i++) {
        p->items[i].is_pinned = p->items[i].state == PROTECT_SHOWN;
        p->items[i].is_forced = p->items[i].state == PROTECT_HIDDEN;
    }
    while (again) {
        again = false;
        for (uint32_t k = 0; k < p->edge_count; k++) {
            struct item *item = &p->items[p->edges[k].item];
            struct item *input = &p->items[p->edges[k].input];

            if (item->is_pinned && !input->is_pinned)
                input->is_pinned = again = true;
            if (input->is_forced && !item->is_forced && item->state != PROTECT_SHOWN)
                item->is_forced = again = true;
        }
    }
}

enum err protect_index(struct protect *p)
{
    enum err e;

    p->has_needs = false;
    for (uint32_t i = 0; i < p->target_count; i++)
        target_forget(&p->targets[i]);
    if ((e = order_ids(p)) != OK)
        return e;
    order_rows(p);
    if ((e = index_atoms(p)) != OK || (e = index_users(p)) != OK)
        return e;
    settle(p);
    return OK;
}
