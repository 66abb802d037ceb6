#include "hub/units.h"

#include "hub/registry.h"
#include "hub/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct units {
    char (*ids)[ID_MAX + 1];
    size_t count, cap;
};

/* ---- the set ---- */

static enum err add(struct units *u, const char *id)
{
    if (u->count == u->cap) {
        size_t cap = u->cap == 0 ? 64 : u->cap * 2;
        char(*grown)[ID_MAX + 1] = reallocarray(u->ids, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        u->ids = grown;
        u->cap = cap;
    }
    (void)snprintf(u->ids[u->count++], sizeof(u->ids[0]), "%s", id);
    return OK;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Sorted, each once. */
static void settle(struct units *u)
{
    size_t kept = 0;

    if (u->count > 0)
        qsort(u->ids, u->count, sizeof(u->ids[0]), by_id);
    for (size_t i = 0; i < u->count; i++)
        if (kept == 0 || strcmp(u->ids[kept - 1], u->ids[i]) != 0)
            memmove(u->ids[kept++], u->ids[i], sizeof(u->ids[0]));
    u->count = kept;
}

void units_free(struct units *u)
{
    if (u == NULL)
        return;
    free(u->ids);
    free(u);
}

size_t units_count(const struct units *u)
{
    return u->count;
}

const char *units_at(const struct units *u, size_t i)
{
    return u->ids[i];
}

bool units_has(const struct units *u, const char *id)
{
    return u->count > 0 && strlen(id) <= ID_MAX && bsearch(id, u->ids, u->count, sizeof(u->ids[0]), by_id) != NULL;
}

enum err units_new(struct units **out)
{
    return (*out = calloc(1, sizeof(**out))) == NULL ? ERR_NOMEM : OK;
}

/* At its place: most are there already. */
enum err units_put(struct units *u, const char *id)
{
    size_t low = 0, high = u->count;
    char(*place)[ID_MAX + 1];
    enum err e;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(u->ids[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < u->count && strcmp(u->ids[low], id) == 0)
        return OK;
    if ((e = add(u, "")) != OK)
        return e;
    place = u->ids + low;
    memmove(place + 1, place, (u->count - 1 - low) * sizeof(*place));
    (void)snprintf(*place, sizeof(*place), "%s", id);
    return OK;
}

/* ---- where they are named ---- */

static enum err add_granted(struct units *u, const struct grant *g)
{
    enum err e = OK;

    for (uint32_t i = 0; i < g->unit_count && e == OK && !grant_is_of_all_units(g); i++)
        e = add(u, g->units[i]);
    return e;
}

/* Keys of H_SLOTS begin with form id 0 unit 0: one look for each form and unit, whatever stands below it. */
static enum err add_reported(struct units *u, struct store_txn *t)
{
    struct store_cursor *c = NULL;
    uint8_t after[FORM_NAME_MAX + 1 + ID_MAX + 1];
    struct slot_list_entry at;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, H_SLOTS, &c);

    if (e != OK)
        return e;
    e = store_seek(c, bytes_of("", 0), &key, &value);
    while (e == OK && (e = slot_list_read(&at, key)) == OK && (e = add(u, at.unit)) == OK) {
        size_t len = strlen(at.form_id) + 1 + strlen(at.unit);

        memcpy(after, key.p, len);
        after[len] = 1; /* in the place of the 0: behind all that is about this unit */
        e = store_seek(c, bytes_of(after, len + 1), &key, &value);
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err fill_named(struct units *u, const struct hub *h, struct store_txn *t)
{
    enum err e = OK;

    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++)
        e = add_granted(u, &registry_at(h->registry, i)->grant);
    return e == OK ? add_reported(u, t) : e;
}

static enum err finish(struct units **out, struct units *u, enum err e)
{
    if (e != OK) {
        units_free(u);
        return e;
    }
    settle(u);
    *out = u;
    return OK;
}

enum err units_named(struct units **out, const struct hub *h, struct store_txn *t)
{
    struct units *u = calloc(1, sizeof(*u));

    return u == NULL ? ERR_NOMEM : finish(out, u, fill_named(u, h, t));
}

static enum err fill_known(struct units *u, struct hub *h, struct store_txn *t)
{
    struct roster *r = NULL;
    enum err e = fill_named(u, h, t);

    if (e == OK)
        e = roster_load(&r, h, t);
    for (size_t i = 0; e == OK && i < roster_count(r); i++)
        e = add(u, roster_unit_at(r, i));
    roster_free(r);
    return e;
}

enum err units_known(struct units **out, struct hub *h, struct store_txn *t)
{
    struct units *u = calloc(1, sizeof(*u));

    return u == NULL ? ERR_NOMEM : finish(out, u, fill_known(u, h, t));
}

/* ---- of whom a form is expected ---- */

static bool is_active(const struct roster *r, const char *unit, const struct period *p)
{
    return p == NULL || roster_is_active(r, unit, p->first, p->last);
}

static enum err add_active(struct units *u, const struct roster *r, const struct period *p)
{
    enum err e = OK;

    for (size_t i = 0; e == OK && i < roster_count(r); i++)
        if (is_active(r, roster_unit_at(r, i), p))
            e = add(u, roster_unit_at(r, i));
    return e;
}

/* A participant that is there speaks for its units, unless the roster knows better. */
static enum err add_granted_active(struct units *u, const struct roster *r, const struct grant *g,
                                   const struct period *p)
{
    enum err e = OK;

    for (uint32_t i = 0; i < g->unit_count && e == OK; i++)
        if (!roster_is_entered(r) || !roster_has(r, g->units[i]) || is_active(r, g->units[i], p))
            e = add(u, g->units[i]);
    return e;
}

static enum err fill_expected(struct units *u, const struct hub *h, const struct roster *r, const struct form *f,
                              const struct period *p)
{
    enum err e = OK;

    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++) {
        const struct participant *who = registry_at(h->registry, i);

        if (who->state == PARTICIPANT_CLOSED || !grant_allows(&who->grant, f->role, NULL))
            continue;
        if (f->is_about_district)
            e = grant_allows(&who->grant, NULL, UNIT_DISTRICT) ? add(u, UNIT_DISTRICT) : OK;
        else if (grant_is_of_all_units(&who->grant))
            e = add_active(u, r, p);
        else
            e = add_granted_active(u, r, &who->grant, p);
    }
    return e;
}

enum err units_expected(struct units **out, const struct hub *h, const struct roster *r, const struct form *f,
                        const struct period *p)
{
    struct units *u = calloc(1, sizeof(*u));

    return u == NULL ? ERR_NOMEM : finish(out, u, fill_expected(u, h, r, f, p));
}
