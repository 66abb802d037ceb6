/* Quantities, sums of them, lines: the district as the protection engine sees it. */
#include "hub/publish_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- arrays ---- */

enum err grow_array(void **items, uint32_t *cap, uint32_t count, uint32_t max, size_t size)
{
    uint32_t want = *cap < 64 ? 64 : *cap * 2;
    void *grown;

    if (count < *cap)
        return OK;
    if (count >= max)
        return err_set(ERR_LIMIT,
                       _("the publication is too large to be protected (limit %u); publish fewer "
                         "periods or indicators at once"),
                       max);
    if ((grown = reallocarray(*items, want, size)) == NULL)
        return ERR_NOMEM;
    *items = grown;
    *cap = want;
    return OK;
}

/* ---- texts ---- */

static uint64_t hash_of(const char *text)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    for (const char *p = text; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001B3);
    return h ^ h >> 29;
}

static uint32_t slot_of(const struct texts *t, const char *text)
{
    uint32_t at = (uint32_t)hash_of(text) & (t->slot_count - 1);

    while (t->slots[at] != NONE && strcmp(t->items[t->slots[at]], text) != 0)
        at = (at + 1) & (t->slot_count - 1);
    return at;
}

uint32_t texts_find(const struct texts *t, const char *text)
{
    return t->slot_count == 0 ? NONE : t->slots[slot_of(t, text)];
}

static enum err widen(struct texts *t)
{
    uint32_t want = t->slot_count == 0 ? 256 : t->slot_count * 2;
    uint32_t *slots = reallocarray(NULL, want, sizeof(*slots));

    if (slots == NULL)
        return ERR_NOMEM;
    free(t->slots);
    t->slots = slots;
    t->slot_count = want;
    memset(slots, 0xFF, (size_t)want * sizeof(*slots));
    for (uint32_t i = 0; i < t->count; i++)
        slots[slot_of(t, t->items[i])] = i;
    return OK;
}

enum err texts_put(struct texts *t, const char *text, uint32_t *out)
{
    enum err e = OK;
    uint32_t at;

    if (t->count >= t->slot_count / 2 && (e = widen(t)) != OK)
        return e;
    at = slot_of(t, text);
    if (t->slots[at] == NONE) {
        if ((e = grow_array((void **)&t->items, &t->cap, t->count, INPUTS_MAX, sizeof(*t->items))) != OK)
            return e;
        if ((t->items[t->count] = strdup(text)) == NULL)
            return ERR_NOMEM;
        t->slots[at] = t->count++;
    }
    *out = t->slots[at];
    return OK;
}

void texts_free(struct texts *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
    free(t->slots);
    memset(t, 0, sizeof(*t));
}

/* ---- the graph ---- */

enum err graph_atom(struct graph *g, const char *key, int64_t value, uint32_t unit, uint32_t *out)
{
    char whole[512];
    uint32_t before = g->keys.count;
    int len = snprintf(whole, sizeof(whole), "%s=%lld", key, (long long)value);
    enum err e;

    if (len < 0 || (size_t)len >= sizeof(whole))
        return err_set(ERR_INTERNAL, "a quantity's name is too long");
    if ((e = texts_put(&g->keys, whole, out)) != OK || *out < before)
        return e;
    if ((e = grow_array((void **)&g->atoms, &g->atom_cap, before, ATOMS_MAX, sizeof(*g->atoms))) == OK)
        g->atoms[before] = (struct atom){value, unit, false};
    return e;
}

enum err graph_term(struct graph *g, struct sum *to, uint32_t atom, int64_t coef)
{
    enum err e;

    if (to->count == 0)
        to->first = g->term_count;
    if (to->first + to->count != g->term_count)
        return err_set(ERR_INTERNAL, "a sum of the publication is in pieces");
    if ((e = grow_array((void **)&g->terms, &g->term_cap, g->term_count, TERMS_MAX, sizeof(*g->terms))) != OK)
        return e;
    g->terms[g->term_count++] = (struct protect_term){atom, coef};
    to->count++;
    return OK;
}

enum err graph_input(struct graph *g, uint32_t line)
{
    enum err e = grow_array((void **)&g->inputs, &g->input_cap, g->input_count, INPUTS_MAX, sizeof(*g->inputs));

    if (e == OK)
        g->inputs[g->input_count++] = line;
    return e;
}

enum err graph_value(const struct graph *g, const struct sum *s, i128 *out)
{
    *out = 0;
    for (uint32_t k = s->first; k < s->first + s->count; k++)
        if (__builtin_add_overflow(*out, (i128)g->terms[k].coef * g->atoms[g->terms[k].atom].value, out))
            return ERR_LIMIT;
    return OK;
}

/* ---- as the engine takes them ---- */

static int by_atom(const void *a, const void *b)
{
    const struct protect_term *x = a;
    const struct protect_term *y = b;

    return x->atom < y->atom ? -1 : x->atom > y->atom;
}

static int64_t divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static enum err put_scaled(const struct graph *g, const struct sum *s, int64_t by, struct reduced *out)
{
    for (uint32_t k = s->first; k < s->first + s->count; k++) {
        int64_t coef;

        if (__builtin_mul_overflow(g->terms[k].coef, by, &coef))
            return ERR_LIMIT;
        out->terms[out->count++] = (struct protect_term){g->terms[k].atom, coef};
    }
    return OK;
}

static enum err merge(struct reduced *r)
{
    size_t kept = 0;

    if (r->count > 1)
        qsort(r->terms, r->count, sizeof(*r->terms), by_atom);
    for (size_t k = 0; k < r->count;) {
        struct protect_term sum = r->terms[k++];

        for (; k < r->count && r->terms[k].atom == sum.atom; k++)
            if (__builtin_add_overflow(sum.coef, r->terms[k].coef, &sum.coef))
                return ERR_LIMIT;
        if (sum.coef != 0)
            r->terms[kept++] = sum;
    }
    r->count = kept;
    return OK;
}

static enum err divide(const struct graph *g, struct reduced *r)
{
    i128 value = 0;

    r->divided = 0;
    for (size_t k = 0; k < r->count; k++)
        r->divided = divisor(r->divided, r->terms[k].coef);
    if (r->divided == 0)
        r->divided = 1;
    for (size_t k = 0; k < r->count; k++) {
        r->terms[k].coef /= r->divided;
        if (r->terms[k].coef > PROTECT_COEF_MAX || r->terms[k].coef < -PROTECT_COEF_MAX)
            return ERR_LIMIT;
        value += (i128)r->terms[k].coef * g->atoms[r->terms[k].atom].value;
        if (value > PROTECT_VALUE_MAX || value < -PROTECT_VALUE_MAX)
            return ERR_LIMIT;
    }
    r->value = (int64_t)value;
    return OK;
}

enum err graph_reduce(const struct graph *g, const struct sum *x, int64_t a, const struct sum *y, int64_t b,
                      struct reduced *out)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    out->terms = calloc((size_t)x->count + (y == NULL ? 0 : y->count) + 1, sizeof(*out->terms));
    if (out->terms == NULL)
        return ERR_NOMEM;
    if ((e = put_scaled(g, x, a, out)) == OK && (y == NULL || (e = put_scaled(g, y, b, out)) == OK) &&
        (e = merge(out)) == OK)
        e = divide(g, out);
    if (e != OK) {
        free(out->terms);
        out->terms = NULL;
    }
    return e;
}

void graph_free(struct graph *g)
{
    texts_free(&g->keys);
    texts_free(&g->units);
    texts_free(&g->names);
    texts_free(&g->words);
    texts_free(&g->known_names);
    free(g->atoms);
    free(g->terms);
    free(g->lines);
    free(g->inputs);
    free(g->known);
    free(g->ranges);
    free(g->kept);
    memset(g, 0, sizeof(*g));
}
