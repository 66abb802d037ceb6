/* What later publications must take for known and keep uncertain: the sums that were shown, each quantity with the
 * value that it had.
 *
 * [version, [[key=value, unit, value, of survey] ...], [[name, [[min, max, [[atom, coef] ...]] ...]] ...],
 * [[name, unit, of survey, width, [[atom, coef] ...]] ...]], canonical MessagePack; min and max nil where open; min =
 * max: exact.  The last list is what was hidden: it must stay uncertain whatever else is published. */
#include "hub/publish_internal.h"

#include "common/cli.h"
#include "protocol/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_VERSION 1u
#define KEY_MAX        512u
#define UNIT_MAX       128u
#define NAME_BYTES     ((size_t)2 * PROTECT_ID_MAX)

/* ---- what is shown ---- */

static bool is_read(const struct line *l)
{
    return l->is_listed && l->is_reportable && (l->result.state == RESULT_OK || l->has_sums) &&
           l->hidden == HIDDEN_NOT && !l->is_gone;
}

static void mark_inputs(const struct publication *p, uint32_t n, bool *marked)
{
    const struct line *l = &p->g.lines[n];

    if (marked[n])
        return;
    marked[n] = true;
    for (uint32_t k = 0; k < l->input_count; k++)
        mark_inputs(p, p->g.inputs[l->first_input + k], marked);
}

/* What stands there, and what it was computed from. */
static void mark_shown(const struct publication *p, bool *marked)
{
    for (uint32_t n = 0; n < p->g.line_count; n++)
        if (is_read(&p->g.lines[n]))
            mark_inputs(p, n, marked);
}

static bool shows_class(const struct line *l)
{
    return l->range_count > 0 && !l->class_is_gone;
}

/* ---- writing ---- */

struct writing {
    const struct publication *p;
    uint32_t *number; /* of each quantity, in the memory; NONE: not in it */
    struct buf atoms, lines, targets;
    uint32_t atom_count, line_count, target_count;
};

static void put_term(struct writing *w, struct buf *to, uint32_t a, int64_t coef)
{
    const struct graph *g = &w->p->g;

    if (w->number[a] == NONE) {
        w->number[a] = w->atom_count++;
        mp_put_array(&w->atoms, 4);
        mp_put_cstr(&w->atoms, g->keys.items[a]);
        mp_put_cstr(&w->atoms, g->units.items[g->atoms[a].unit]);
        mp_put_int(&w->atoms, g->atoms[a].value);
        mp_put_bool(&w->atoms, g->atoms[a].of_survey);
    }
    mp_put_array(to, 2);
    mp_put_uint(to, w->number[a]);
    mp_put_int(to, coef);
}

static void put_terms(struct writing *w, const struct sum *s)
{
    mp_put_array(&w->lines, s->count);
    for (uint32_t k = s->first; k < s->first + s->count; k++)
        put_term(w, &w->lines, w->p->g.terms[k].atom, w->p->g.terms[k].coef);
}

static void put_bound(struct buf *b, int64_t bound)
{
    if (bound == PROTECT_NO_BOUND || bound == -PROTECT_NO_BOUND)
        mp_put_nil(b);
    else
        mp_put_int(b, bound);
}

static void put_range(struct writing *w, const struct range *r)
{
    mp_put_array(&w->lines, 3);
    put_bound(&w->lines, r->min);
    put_bound(&w->lines, r->max);
    put_terms(w, &r->sum);
}

static void put_line(struct writing *w, const struct line *l, bool is_class)
{
    const struct sum *const sums[] = {&l->numerator, &l->denominator};
    size_t count = is_class ? l->range_count : l->has_denominator ? 2u : 1u;

    w->line_count++;
    mp_put_array(&w->lines, 2);
    mp_put_cstr(&w->lines, w->p->g.names.items[l->name]);
    mp_put_array(&w->lines, count);
    for (size_t k = 0; k < count; k++)
        put_range(w, is_class ? &l->ranges[k] : &(struct range){*sums[k], 0, 0});
}

static enum err put_target(void *ctx, const struct wanted *t)
{
    struct writing *w = ctx;
    char name[NAME_BYTES + 1];
    struct reduced r;
    enum err e = graph_reduce(&w->p->g, &t->x, 1, &t->y, -1, &r);

    if (e != OK)
        return e;
    (void)snprintf(name, sizeof(name), "%s (%s)", w->p->g.names.items[t->line->name], t->what);
    w->target_count++;
    mp_put_array(&w->targets, 5);
    mp_put_cstr(&w->targets, name);
    mp_put_cstr(&w->targets, w->p->g.units.items[t->line->unit]);
    mp_put_bool(&w->targets, t->line->i->privacy == PRIVACY_SURVEY);
    mp_put_int(&w->targets, (t->width + r.divided - 1) / r.divided);
    mp_put_array(&w->targets, r.count);
    for (size_t k = 0; k < r.count; k++)
        put_term(w, &w->targets, r.terms[k].atom, r.terms[k].coef);
    free(r.terms);
    return OK;
}

static enum err put_all(struct writing *w, const bool *marked, struct buf *out)
{
    const struct graph *g = &w->p->g;
    enum err e = targets_each(w->p, put_target, w);

    if (e != OK)
        return e;
    for (uint32_t n = 0; n < g->line_count; n++) {
        if (marked[n] && g->lines[n].has_sums)
            put_line(w, &g->lines[n], false);
        else if (!marked[n] && shows_class(&g->lines[n]))
            put_line(w, &g->lines[n], true);
    }
    if ((e = buf_status(&w->atoms)) != OK || (e = buf_status(&w->lines)) != OK || (e = buf_status(&w->targets)) != OK)
        return e;
    mp_put_array(out, 4);
    mp_put_uint(out, MEMORY_VERSION);
    mp_put_array(out, w->atom_count);
    buf_put(out, w->atoms.data, w->atoms.len);
    mp_put_array(out, w->line_count);
    buf_put(out, w->lines.data, w->lines.len);
    mp_put_array(out, w->target_count);
    buf_put(out, w->targets.data, w->targets.len);
    return buf_status(out);
}

enum err publication_memory(const struct publication *p, struct buf *out)
{
    struct writing w = {.p = p};
    bool *marked = calloc((size_t)p->g.line_count + 1, sizeof(*marked));
    enum err e = ERR_NOMEM;

    w.number = calloc((size_t)p->g.keys.count + 1, sizeof(*w.number));
    buf_init(&w.atoms, out->max);
    buf_init(&w.lines, out->max);
    buf_init(&w.targets, out->max);
    if (marked != NULL && w.number != NULL) {
        memset(w.number, 0xFF, (size_t)p->g.keys.count * sizeof(*w.number));
        mark_shown(p, marked);
        e = put_all(&w, marked, out);
    }
    buf_fini(&w.atoms);
    buf_fini(&w.lines);
    buf_fini(&w.targets);
    free(w.number);
    free(marked);
    return e;
}

/* ---- reading ---- */

struct reading {
    struct publication *p;
    struct mp m;
    uint32_t *atoms; /* of the memory, into the graph */
    size_t atom_count;
};

static enum err damaged(void)
{
    return err_set(ERR_CORRUPT, _("what is kept of an earlier publication is damaged; run svodka-hub verify"));
}

static enum err read_atom(struct reading *r, uint32_t *out)
{
    char key[KEY_MAX + 1], unit[UNIT_MAX + 1];
    uint32_t unit_id;
    int64_t value;
    bool of_survey;
    enum err e;

    (void)mp_array(&r->m, 4, 4);
    mp_text(&r->m, key, 1, KEY_MAX);
    mp_text(&r->m, unit, 0, UNIT_MAX);
    value = mp_int(&r->m);
    of_survey = mp_bool(&r->m);
    if (r->m.failed || value < 0 || value > PROTECT_VALUE_MAX || strrchr(key, '=') == NULL)
        return damaged();
    *strrchr(key, '=') = '\0';
    if ((e = texts_put(&r->p->g.units, unit, &unit_id)) != OK ||
        (e = graph_atom(&r->p->g, key, value, unit_id, out)) != OK)
        return e;
    r->p->g.atoms[*out].of_survey |= of_survey;
    return OK;
}

static int64_t read_bound(struct mp *m, int64_t without)
{
    return mp_nil(m) ? without : mp_int(m);
}

static enum err read_terms(struct reading *r, struct sum *to)
{
    size_t count = mp_array(&r->m, 0, SIZE_MAX);
    enum err e = OK;

    for (size_t k = 0; k < count && e == OK; k++) {
        uint64_t atom;
        int64_t coef;

        (void)mp_array(&r->m, 2, 2);
        atom = mp_uint(&r->m, UINT32_MAX);
        coef = mp_int(&r->m);
        e = r->m.failed || atom >= r->atom_count ? damaged() : graph_term(&r->p->g, to, r->atoms[atom], coef);
    }
    return e == OK && r->m.failed ? damaged() : e;
}

static enum err read_range(struct reading *r)
{
    struct graph *g = &r->p->g;
    struct range range = {{0, 0}, 0, 0};
    enum err e;

    (void)mp_array(&r->m, 3, 3);
    range.min = read_bound(&r->m, -PROTECT_NO_BOUND);
    range.max = read_bound(&r->m, PROTECT_NO_BOUND);
    if ((e = read_terms(r, &range.sum)) == OK &&
        (e = grow_array((void **)&g->ranges, &g->range_cap, g->range_count, INPUTS_MAX, sizeof(*g->ranges))) == OK)
        g->ranges[g->range_count++] = range;
    return e;
}

static enum err read_target(struct reading *r, const char *publication)
{
    struct graph *g = &r->p->g;
    struct kept_target k = {.bears = false};
    char name[NAME_BYTES + 1], unit[UNIT_MAX + 1], whole[PROTECT_ID_MAX + 1];
    enum err e;

    (void)mp_array(&r->m, 5, 5);
    mp_text(&r->m, name, 1, NAME_BYTES);
    mp_text(&r->m, unit, 0, UNIT_MAX);
    k.of_survey = mp_bool(&r->m);
    k.width = mp_int(&r->m);
    if (r->m.failed || k.width < 0 || k.width > PROTECT_NEED_MAX)
        return damaged();
    (void)snprintf(whole, sizeof(whole), "%.24s: %.220s", publication, name);
    if ((e = texts_put(&g->known_names, whole, &k.name)) != OK || (e = texts_put(&g->units, unit, &k.unit)) != OK ||
        (e = read_terms(r, &k.sum)) != OK)
        return e;
    if ((e = grow_array((void **)&g->kept, &g->kept_cap, g->kept_count, LINES_MAX, sizeof(*g->kept))) == OK)
        g->kept[g->kept_count++] = k;
    return e;
}

static enum err read_line(struct reading *r, const char *publication)
{
    struct graph *g = &r->p->g;
    struct known k = {.first_range = g->range_count};
    char name[NAME_BYTES + 1], whole[PROTECT_ID_MAX + 1];
    size_t count;
    enum err e;

    (void)mp_array(&r->m, 2, 2);
    mp_text(&r->m, name, 1, NAME_BYTES);
    count = mp_array(&r->m, 0, SIZE_MAX);
    if (r->m.failed)
        return damaged();
    (void)snprintf(whole, sizeof(whole), "%.24s: %.220s", publication, name);
    if ((e = texts_put(&g->known_names, whole, &k.name)) != OK)
        return e;
    for (size_t i = 0; i < count && e == OK; i++)
        e = read_range(r);
    k.range_count = g->range_count - k.first_range;
    if (e != OK)
        return e;
    if ((e = grow_array((void **)&g->known, &g->known_cap, g->known_count, LINES_MAX, sizeof(*g->known))) == OK)
        g->known[g->known_count++] = k;
    return e;
}

enum err memory_read(struct publication *p, const struct publication_memory *m)
{
    struct reading r = {.p = p, .m = mp_of(m->bytes)};
    size_t lines, targets;
    enum err e = OK;

    (void)mp_array(&r.m, 4, 4);
    if (mp_uint(&r.m, MEMORY_VERSION) != MEMORY_VERSION)
        return damaged();
    r.atom_count = mp_array(&r.m, 0, ATOMS_MAX);
    if ((r.atoms = calloc(r.atom_count + 1, sizeof(*r.atoms))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < r.atom_count && e == OK; i++)
        e = read_atom(&r, &r.atoms[i]);
    lines = mp_array(&r.m, 0, LINES_MAX);
    for (size_t i = 0; i < lines && e == OK; i++)
        e = read_line(&r, m->name);
    targets = e == OK ? mp_array(&r.m, 0, LINES_MAX) : 0;
    for (size_t i = 0; i < targets && e == OK; i++)
        e = read_target(&r, m->name);
    if (e == OK && !mp_done(&r.m))
        e = damaged();
    free(r.atoms);
    return e;
}

/* ---- what bears on this publication ---- */

static bool touches(const struct graph *g, const struct known *k, const bool *marked)
{
    for (uint32_t r = k->first_range; r < k->first_range + k->range_count; r++)
        for (uint32_t t = g->ranges[r].sum.first; t < g->ranges[r].sum.first + g->ranges[r].sum.count; t++)
            if (marked[g->terms[t].atom])
                return true;
    return false;
}

static void mark_sum(const struct graph *g, const struct sum *s, bool *marked)
{
    for (uint32_t t = s->first; t < s->first + s->count; t++)
        marked[g->terms[t].atom] = true;
}

static void mark_known(const struct graph *g, const struct known *k, bool *marked)
{
    for (uint32_t r = k->first_range; r < k->first_range + k->range_count; r++)
        mark_sum(g, &g->ranges[r].sum, marked);
}

enum err memory_mark(struct publication *p, uint32_t *count)
{
    struct graph *g = &p->g;
    bool *marked = calloc((size_t)g->keys.count + 1, sizeof(*marked));
    bool changed = true;

    if (marked == NULL)
        return ERR_NOMEM;
    for (uint32_t n = 0; n < g->line_count; n++) {
        mark_sum(g, &g->lines[n].numerator, marked);
        mark_sum(g, &g->lines[n].denominator, marked);
    }
    *count = 0;
    while (changed) {
        changed = false;
        for (uint32_t n = 0; n < g->known_count; n++) {
            if (g->known[n].bears || !touches(g, &g->known[n], marked))
                continue;
            g->known[n].bears = changed = true;
            mark_known(g, &g->known[n], marked);
            (*count)++;
        }
    }
    for (uint32_t n = 0; n < g->kept_count; n++)
        for (uint32_t t = g->kept[n].sum.first; t < g->kept[n].sum.first + g->kept[n].sum.count; t++)
            g->kept[n].bears = g->kept[n].bears || marked[g->terms[t].atom];
    free(marked);
    return OK;
}
