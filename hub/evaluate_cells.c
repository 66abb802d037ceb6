/* All cells of the variables, read once into sorted tables. */
#include "hub/evaluate_internal.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX (256u << 20) /* bytes of all parts */

struct loading {
    struct evaluation *e;
    struct cell_table *t;
    /* The cell before: cells come in runs of one unit and period. */
    char unit[FORM_NAME_MAX + 1];
    char period[PERIOD_ID_MAX + 1];
    uint64_t key;
    bool is_known; /* the period is one of the calendar */
};

static enum err find_key(struct loading *l, const char *unit, const char *period)
{
    uint32_t u, p;
    enum err err;

    if (strcmp(l->unit, unit) == 0 && strcmp(l->period, period) == 0)
        return OK;
    if (strlen(unit) >= sizeof(l->unit) || strlen(period) >= sizeof(l->period))
        return err_set(ERR_CORRUPT, "a cell's key is too long");
    memcpy(l->unit, unit, strlen(unit) + 1);
    memcpy(l->period, period, strlen(period) + 1);
    if ((err = names_put(l->e, &l->e->units, unit, &u)) != OK || (err = time_named(l->e, period, &p)) != OK)
        return err;
    l->is_known = p != NONE;
    l->key = (uint64_t)u << 32 | p;
    return OK;
}

static enum err grow_rows(struct cell_table *t)
{
    uint32_t cap = t->row_cap == 0 ? 64 : t->row_cap * 2;
    struct cell_row *grown = cap > (UINT32_C(1) << 30) ? NULL : reallocarray(t->rows, cap, sizeof(*grown));

    if (grown == NULL)
        return ERR_NOMEM;
    t->rows = grown;
    t->row_cap = cap;
    return OK;
}

static enum err add_group(struct cell_table *t, uint64_t key)
{
    if (t->group_count == t->group_cap) {
        uint32_t cap = t->group_cap == 0 ? 32 : t->group_cap * 2;
        struct cell_group *grown = reallocarray(t->groups, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        t->groups = grown;
        t->group_cap = cap;
    }
    t->groups[t->group_count++] = (struct cell_group){.key = key, .first = t->row_count};
    return OK;
}

static enum err take_cell(void *ctx, const char *unit, const char *period, struct bytes part, const struct cell *c)
{
    struct loading *l = ctx;
    struct cell_table *t = l->t;
    struct buf *text = &l->e->parts_text;
    enum err err = find_key(l, unit, period);

    if (err != OK || !l->is_known) /* a period that no pack has any more: nothing can ask for it */
        return err;
    if ((t->group_count == 0 || t->groups[t->group_count - 1].key != l->key) && (err = add_group(t, l->key)) != OK)
        return err;
    if (part_is_presence(part)) {
        t->groups[t->group_count - 1].present |= UINT32_C(1) << part.p[0];
        return OK;
    }
    if (t->row_count == t->row_cap && (err = grow_rows(t)) != OK)
        return err;
    t->rows[t->row_count++] = (struct cell_row){*c, (uint32_t)text->len, (uint32_t)part.len};
    t->groups[t->group_count - 1].count++;
    if (part.len > 0)
        buf_put(text, part.p, part.len);
    return buf_status(text);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct cell_group *)a)->key;
    uint64_t y = ((const struct cell_group *)b)->key;

    return x < y ? -1 : x > y;
}

static enum err list_periods(struct evaluation *e, struct cell_table *t)
{
    if ((t->periods = calloc((size_t)t->group_count + 1, sizeof(*t->periods))) == NULL)
        return ERR_NOMEM;
    for (uint32_t g = 0; g < t->group_count; g++) {
        uint32_t period = (uint32_t)t->groups[g].key;
        uint32_t at = 0;

        while (at < t->period_count &&
               (time_at(e, t->periods[at])->first < time_at(e, period)->first ||
                (time_at(e, t->periods[at])->first == time_at(e, period)->first && t->periods[at] < period)))
            at++;
        if (at < t->period_count && t->periods[at] == period)
            continue;
        memmove(t->periods + at + 1, t->periods + at, (t->period_count - at) * sizeof(*t->periods));
        t->periods[at] = period;
        t->period_count++;
    }
    return OK;
}

static enum err load_table(struct evaluation *e, struct cell_table *t)
{
    struct loading l = {.e = e, .t = t};
    enum err err = e->w.source.each_cell(e->w.source.ctx, t->digest, take_cell, &l);

    if (err != OK)
        return err;
    if (t->group_count > 0)
        qsort(t->groups, t->group_count, sizeof(*t->groups), by_key);
    for (uint32_t g = 1; g < t->group_count; g++)
        if (t->groups[g].key == t->groups[g - 1].key)
            return err_set(ERR_INTERNAL, "cells do not come in the order of their keys");
    return list_periods(e, t);
}

/* ---- relations: each known from both of its ends ---- */

static int by_end(const void *a, const void *b)
{
    const struct relation_end *x = a;
    const struct relation_end *y = b;

    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    if (x->period != y->period)
        return x->period < y->period ? -1 : 1;
    return x->digest < y->digest ? -1 : x->digest > y->digest;
}

static enum err list_ends(struct evaluation *e, struct cell_table *t)
{
    if ((t->ends = calloc((size_t)t->row_count * 2 + 1, sizeof(*t->ends))) == NULL)
        return ERR_NOMEM;
    for (uint32_t g = 0; g < t->group_count; g++) {
        for (uint32_t r = t->groups[g].first; r < t->groups[g].first + t->groups[g].count; r++) {
            struct bytes part = cells_text(e, &t->rows[r]);
            uint32_t unit = (uint32_t)(t->groups[g].key >> 32);
            struct relation_end end = {.unit = unit, .other = NONE, .period = (uint32_t)t->groups[g].key};
            char partner[FORM_NAME_MAX + 1];

            if (part.len < PART_KEY_BYTES || part.len - PART_KEY_BYTES >= sizeof(partner))
                return err_set(ERR_CORRUPT, "a cell of a relation is damaged");
            memcpy(partner, part.p + PART_KEY_BYTES, part.len - PART_KEY_BYTES);
            partner[part.len - PART_KEY_BYTES] = '\0';
            end.digest = be64_get(part.p);
            end.other = names_find(&e->units, partner);
            t->ends[t->end_count++] = end;
            if (end.other != NONE && end.other != unit)
                t->ends[t->end_count++] = (struct relation_end){end.digest, end.other, unit, end.period};
        }
    }
    if (t->end_count > 0)
        qsort(t->ends, t->end_count, sizeof(*t->ends), by_end);
    return OK;
}

/* ---- all tables ---- */

/* Equal variables of several programmes share their cells. */
static uint32_t table_of(struct evaluation *e, const struct variable *v)
{
    struct cell_table *t;

    for (uint32_t i = 0; i < e->table_count; i++)
        if (memcmp(e->tables[i].digest, v->digest, VARIABLE_DIGEST_BYTES) == 0)
            return i;
    t = &e->tables[e->table_count];
    memcpy(t->digest, v->digest, VARIABLE_DIGEST_BYTES);
    t->kind = v->kind;
    return e->table_count++;
}

static enum err make_tables(struct evaluation *e)
{
    size_t variables = 0;

    for (size_t p = 0; p < e->w.programme_count; p++)
        variables += e->w.programmes[p]->variable_count;
    if ((e->tables = calloc(variables + 1, sizeof(*e->tables))) == NULL)
        return ERR_NOMEM;
    for (size_t p = 0; p < e->w.programme_count; p++) {
        const struct programme *prog = e->w.programmes[p];
        uint32_t *table = arena_alloc(e, (prog->variable_count + 1) * sizeof(*table));

        if (table == NULL)
            return ERR_NOMEM;
        for (size_t v = 0; v < prog->variable_count; v++)
            table[v] = table_of(e, prog->variables[v]);
        e->views[p].table = table;
    }
    return OK;
}

enum err cells_load(struct evaluation *e)
{
    enum err err;

    buf_init(&e->parts_text, PARTS_MAX);
    if ((err = make_tables(e)) != OK)
        return err;
    for (uint32_t i = 0; i < e->table_count && err == OK; i++)
        err = load_table(e, &e->tables[i]);
    /* Only now all units are known. */
    for (uint32_t i = 0; i < e->table_count && err == OK; i++)
        if (e->tables[i].kind == VARIABLE_RELATIONS)
            err = list_ends(e, &e->tables[i]);
    return err;
}

void cells_free(struct evaluation *e)
{
    for (uint32_t i = 0; e->tables != NULL && i < e->table_count; i++) {
        free(e->tables[i].rows);
        free(e->tables[i].groups);
        free(e->tables[i].ends);
        free(e->tables[i].periods);
    }
    free(e->tables);
    buf_fini(&e->parts_text);
}

const struct cell_group *cells_group(const struct cell_table *t, uint32_t unit, uint32_t period)
{
    uint64_t key = (uint64_t)unit << 32 | period;
    uint32_t from = 0;
    uint32_t to = t->group_count;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (t->groups[middle].key < key)
            from = middle + 1;
        else
            to = middle;
    }
    return from < t->group_count && t->groups[from].key == key ? &t->groups[from] : NULL;
}

const struct cell_row *cells_part(const struct evaluation *e, const struct cell_table *t, const struct cell_group *g,
                                  const char *part)
{
    size_t len = strlen(part);

    if (len == 0) /* the whole sorts first */
        return g->count > 0 && t->rows[g->first].part_len == 0 ? &t->rows[g->first] : NULL;
    for (uint32_t from = g->first, to = g->first + g->count; from < to;) {
        uint32_t middle = from + (to - from) / 2;
        struct bytes found = cells_text(e, &t->rows[middle]);
        int order = memcmp(found.p, part, found.len < len ? found.len : len);

        if (order == 0 && found.len == len)
            return &t->rows[middle];
        if (order < 0 || (order == 0 && found.len < len))
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}
