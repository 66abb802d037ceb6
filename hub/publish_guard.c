/* What is hidden in addition, and the proof.
 *
 * Everybody is a reader who knows nothing but what was published; each school is one who knows its own numbers as well.
 * What is hidden because of one reader stays hidden for the next: hiding more never tells more, so that in the end
 * nothing can be computed by any of them. */
#include "hub/publish_internal.h"

#include "common/cli.h"
#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COST_MAX 1000000
#define WIDTH    3 /* what a count of 1 to 4 must leave open: docs/publication.md */

/* A problem of one reader. */
struct problem {
    struct publication *p;
    struct protect *engine;
    uint32_t reader;   /* into graph.units; NONE: everybody */
    struct texts seen; /* sums that are targets already */
};

/* ---- rows ---- */

static enum err reveal(const struct problem *w, uint32_t item, const struct sum *s)
{
    struct reduced r;
    enum err e = graph_reduce(&w->p->g, s, 1, NULL, 0, &r);

    if (e != OK)
        return e;
    if (r.count > 0)
        e = protect_reveal(w->engine, item, r.terms, r.count);
    free(r.terms);
    return e;
}

static int64_t bound_of(int64_t bound, int64_t divided, bool is_upper)
{
    int64_t q = bound / divided;

    if (bound == PROTECT_NO_BOUND || bound == -PROTECT_NO_BOUND || bound % divided == 0)
        return bound == PROTECT_NO_BOUND || bound == -PROTECT_NO_BOUND ? bound : q;
    if (is_upper)
        return bound < 0 ? q - 1 : q;
    return bound > 0 ? q + 1 : q;
}

static enum err reveal_range(const struct problem *w, uint32_t item, const struct range *of)
{
    struct reduced r;
    enum err e = graph_reduce(&w->p->g, &of->sum, 1, NULL, 0, &r);

    if (e != OK)
        return e;
    if (r.count > 0)
        e = of->min == of->max
                ? protect_reveal(w->engine, item, r.terms, r.count)
                : protect_reveal_range(w->engine, item, r.terms, r.count, bound_of(of->min, r.divided, false),
                                       bound_of(of->max, r.divided, true));
    free(r.terms);
    return e;
}

/* ---- items ---- */

static const char *name_of(const struct problem *w, const struct line *l)
{
    return w->p->g.names.items[l->name];
}

static uint32_t cost_of(const struct line *l)
{
    i128 most = (i128)l->result.n;

    if (!l->is_listed || !l->is_reportable)
        return 1;
    if (l->result.has_fraction) {
        i128 people = l->result.has_denominator ? l->result.denominator : l->result.numerator;

        people /= power10(l->result.fraction_places);
        most = people > most ? people : most;
    }
    return most >= COST_MAX ? COST_MAX : most < 1 ? 2 : (uint32_t)most + 1;
}

/* Somebody besides the school itself may see it, or what is computed from it. */
static bool is_item(const struct line *l)
{
    if (l->result.state != RESULT_OK && !l->has_sums)
        return false;
    return l->is_needed || (l->is_listed && l->is_reportable);
}

static enum err add_item(struct problem *w, struct line *l)
{
    enum protect_state s = l->hidden != HIDDEN_NOT || l->is_gone ? PROTECT_HIDDEN : PROTECT_MAY_HIDE;
    enum err e = protect_item(w->engine, name_of(w, l), cost_of(l), s, &l->item);

    if (e != OK || !l->has_sums || l->hidden == HIDDEN_OPAQUE)
        return e;
    if ((e = reveal(w, l->item, &l->numerator)) == OK && l->has_denominator)
        e = reveal(w, l->item, &l->denominator);
    return e;
}

static enum err add_class(struct problem *w, struct line *l)
{
    char id[PROTECT_ID_MAX + 1];
    enum err e;

    (void)snprintf(id, sizeof(id), "%s (class)", name_of(w, l));
    e = protect_item(w->engine, id, 2, l->class_is_gone ? PROTECT_HIDDEN : PROTECT_MAY_HIDE, &l->class_item);
    for (uint32_t k = 0; k < l->range_count && e == OK; k++)
        e = reveal_range(w, l->class_item, &l->ranges[k]);
    return e;
}

static enum err add_items(struct problem *w)
{
    struct graph *g = &w->p->g;
    enum err e = OK;

    for (uint32_t n = 0; n < g->line_count && e == OK; n++) {
        struct line *l = &g->lines[n];

        l->item = l->class_item = NONE;
        if (!is_item(l))
            continue;
        if ((e = add_item(w, l)) == OK && l->range_count > 0)
            e = add_class(w, l);
    }
    for (uint32_t n = 0; n < g->line_count && e == OK; n++)
        for (uint32_t k = 0; g->lines[n].item != NONE && k < g->lines[n].input_count && e == OK; k++) {
            uint32_t input = g->lines[g->inputs[g->lines[n].first_input + k]].item;

            if (input != NONE && input != g->lines[n].item)
                e = protect_depends(w->engine, g->lines[n].item, input);
        }
    return e;
}

static enum err add_known(struct problem *w)
{
    const struct graph *g = &w->p->g;
    enum err e = OK;

    for (uint32_t n = 0; n < g->known_count && e == OK; n++) {
        const struct known *k = &g->known[n];
        uint32_t item;

        if (!k->bears)
            continue;
        e = protect_item(w->engine, g->known_names.items[k->name], 1, PROTECT_SHOWN, &item);
        for (uint32_t r = 0; r < k->range_count && e == OK; r++)
            e = reveal_range(w, item, &g->ranges[k->first_range + r]);
    }
    return e;
}

/* What the school itself reported, and its own lines of surveys, whose sheets it never saw. */
static enum err add_reader(struct problem *w)
{
    const struct graph *g = &w->p->g;
    char id[PROTECT_ID_MAX + 1];
    uint32_t item;
    enum err e;

    if (w->reader == NONE)
        return OK;
    (void)snprintf(id, sizeof(id), "%.200s (own numbers)", g->units.items[w->reader]);
    e = protect_item(w->engine, id, 1, PROTECT_SHOWN, &item);
    for (uint32_t a = 0; a < g->keys.count && e == OK; a++)
        if (g->atoms[a].unit == w->reader && !g->atoms[a].of_survey)
            e = protect_reveal(w->engine, item, &(struct protect_term){a, 1}, 1);
    for (uint32_t n = 0; n < g->line_count && e == OK; n++) {
        const struct line *l = &g->lines[n];

        if (l->unit != w->reader || l->i->privacy != PRIVACY_SURVEY || !l->is_listed || !l->has_sums ||
            l->hidden != HIDDEN_NOT)
            continue;
        if ((e = reveal(w, item, &l->numerator)) == OK && l->has_denominator)
            e = reveal(w, item, &l->denominator);
    }
    return e;
}

/* ---- what everybody knows ---- */

/* What is a part of something is no greater. */
static enum err add_subset(struct problem *w, const struct line *l)
{
    struct reduced r;
    enum err e = graph_reduce(&w->p->g, &l->numerator, 1, &l->denominator, -1, &r);

    if (e != OK)
        return e == ERR_LIMIT ? OK : e;
    if (r.count > 0 && r.value <= 0)
        e = protect_structural(w->engine, r.terms, r.count, -PROTECT_NO_BOUND, 0);
    free(r.terms);
    return e;
}

/* Where the last word of a quantity's key begins, "...|sum=5", when it is that one; else NULL. */
static const char *stat_at(const struct graph *g, uint32_t atom, const char *word)
{
    const char *at = strrchr(g->keys.items[atom], '|');

    return at != NULL && strncmp(at + 1, word, strlen(word)) == 0 ? at : NULL;
}

static enum err find_own(const struct graph *g, struct texts *names, uint32_t *atoms)
{
    enum err e = OK;

    for (uint32_t a = 0; a < g->keys.count && e == OK; a++) {
        const char *at = stat_at(g, a, "sum=");
        char name[512];
        uint32_t number;

        if (at == NULL)
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)(at - g->keys.items[a]), g->keys.items[a]);
        if ((e = texts_put(names, name, &number)) == OK)
            atoms[number] = a;
    }
    return e;
}

/* Of a school's teachers no more count in the district than there are. */
static enum err add_counted(struct problem *w)
{
    const struct graph *g = &w->p->g;
    uint32_t *atoms = calloc((size_t)g->keys.count + 1, sizeof(*atoms));
    struct texts names = {0};
    enum err e = atoms == NULL ? ERR_NOMEM : find_own(g, &names, atoms);

    for (uint32_t a = 0; a < g->keys.count && e == OK; a++) {
        const char *at = stat_at(g, a, "counted=");
        char name[512];
        uint32_t own;

        if (at == NULL)
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)(at - g->keys.items[a]), g->keys.items[a]);
        own = texts_find(&names, name);
        if (own != NONE && g->atoms[atoms[own]].value >= g->atoms[a].value)
            e = protect_structural(w->engine, (struct protect_term[]){{a, 1}, {atoms[own], -1}}, 2, -PROTECT_NO_BOUND,
                                   0);
    }
    texts_free(&names);
    free(atoms);
    return e;
}

static enum err add_structure(struct problem *w)
{
    const struct graph *g = &w->p->g;
    enum err e = add_counted(w);

    for (uint32_t n = 0; n < g->line_count && e == OK; n++)
        if (g->lines[n].has_sums && line_is_share(&g->lines[n]))
            e = add_subset(w, &g->lines[n]);
    return e;
}

/* ---- targets ---- */

/* Of two people nobody can be asked to doubt between more than 0, 1 and 2. */
static int64_t width_of(const struct publication *p, const struct line *l)
{
    int64_t one = power10(l->places);
    i128 below;

    if (!line_is_share(l) || graph_value(&p->g, &l->denominator, &below) != OK || below >= (i128)WIDTH * one)
        return WIDTH * one;
    return below < one ? one : (int64_t)below;
}

enum err targets_each(const struct publication *p, enum err (*each)(void *ctx, const struct wanted *w), void *ctx)
{
    enum err e = OK;

    for (uint32_t n = 0; n < p->g.line_count && e == OK; n++) {
        const struct line *l = &p->g.lines[n];
        struct wanted w = {.line = l, .x = l->numerator, .what = "numerator"};

        if (!l->is_target || !l->has_sums)
            continue;
        w.width = width_of(p, l);
        e = each(ctx, &w);
        w.x = l->denominator;
        w.y = l->numerator;
        w.what = "others";
        if (e == OK && line_is_share(l))
            e = each(ctx, &w);
    }
    return e;
}

/* Several lines, and several publications, may keep the same sum: once is enough. */
static enum err is_new(struct problem *w, const struct reduced *r, bool *out)
{
    uint32_t before = w->seen.count;
    struct buf text;
    uint32_t at;
    enum err e;

    buf_init(&text, 1u << 24);
    for (size_t k = 0; k < r->count; k++)
        buf_printf(&text, "%u*%lld ", r->terms[k].atom, (long long)r->terms[k].coef);
    if ((e = buf_status(&text)) == OK)
        e = texts_put(&w->seen, buf_cstr(&text), &at);
    buf_fini(&text);
    *out = w->seen.count > before;
    return e;
}

static enum err put_target(struct problem *w, const char *id, const struct reduced *r, int64_t width)
{
    struct protect_need need = {0, 0, (width + r->divided - 1) / r->divided};
    uint32_t target;
    bool is_fresh = false;
    enum err e = r->count == 0 ? OK : is_new(w, r, &is_fresh);

    return e != OK || !is_fresh ? e : protect_target(w->engine, id, r->terms, r->count, &need, &target);
}

/* What a school reported itself it knows; the sheets of its surveys it never saw. */
static bool is_known_to_reader(const struct problem *w, uint32_t unit, bool of_survey)
{
    return unit == w->reader && !of_survey;
}

static enum err add_wanted(void *ctx, const struct wanted *t)
{
    struct problem *w = ctx;
    char id[PROTECT_ID_MAX + 1];
    struct reduced r;
    enum err e;

    if (is_known_to_reader(w, t->line->unit, t->line->i->privacy == PRIVACY_SURVEY))
        return OK;
    if ((e = graph_reduce(&w->p->g, &t->x, 1, &t->y, -1, &r)) != OK)
        return e;
    (void)snprintf(id, sizeof(id), "%s (%s)", name_of(w, t->line), t->what);
    e = put_target(w, id, &r, t->width);
    free(r.terms);
    return e;
}

static enum err add_kept(struct problem *w, const struct kept_target *t)
{
    struct reduced r;
    enum err e;

    if (!t->bears || is_known_to_reader(w, t->unit, t->of_survey))
        return OK;
    if ((e = graph_reduce(&w->p->g, &t->sum, 1, NULL, 0, &r)) != OK)
        return e;
    e = put_target(w, w->p->g.known_names.items[t->name], &r, t->width);
    free(r.terms);
    return e;
}

static enum err add_targets(struct problem *w)
{
    enum err e = targets_each(w->p, add_wanted, w);

    for (uint32_t n = 0; n < w->p->g.kept_count && e == OK; n++)
        e = add_kept(w, &w->p->g.kept[n]);
    texts_free(&w->seen);
    return e;
}

/* ---- one reader ---- */

static enum err build(struct problem *w)
{
    const struct graph *g = &w->p->g;
    enum err e = protect_new(&w->engine, NULL);

    for (uint32_t a = 0; a < g->keys.count && e == OK; a++) {
        uint32_t atom;

        e = protect_atom(w->engine, g->atoms[a].value, PROTECT_NO_BOUND, &atom);
    }
    if (e == OK && (e = add_items(w)) == OK && (e = add_known(w)) == OK && (e = add_reader(w)) == OK &&
        (e = add_structure(w)) == OK)
        e = add_targets(w);
    return e;
}

static void take_choice(struct problem *w)
{
    struct graph *g = &w->p->g;

    for (uint32_t n = 0; n < g->line_count; n++) {
        struct line *l = &g->lines[n];

        if (l->item != NONE && l->hidden == HIDDEN_NOT && protect_is_hidden(w->engine, l->item))
            l->is_gone = true;
        if (l->class_item != NONE && protect_is_hidden(w->engine, l->class_item))
            l->class_is_gone = true;
    }
}

/* Most schools learn nothing from their own numbers: a proof is enough then. */
static enum err ask(struct problem *w)
{
    struct protect_summary s;
    uint32_t unproved;
    enum err e = protect_prove(w->engine, &unproved);

    if (e == OK && unproved > 0 && (e = protect_solve(w->engine, &s)) == OK)
        take_choice(w);
    if (e == ERR_DENIED && w->reader != NONE)
        e = err_prefix(e, _("%s, which knows its own numbers"), w->p->g.units.items[w->reader]);
    return e;
}

static enum err try_reader(struct publication *p, uint32_t reader)
{
    struct problem w = {.p = p, .reader = reader};
    enum err e = build(&w);

    if (e == OK)
        e = ask(&w);
    protect_free(w.engine);
    return e;
}

static bool give_up_classes(struct publication *p)
{
    bool any = false;

    for (uint32_t n = 0; n < p->g.line_count; n++)
        if (p->g.lines[n].class_item != NONE && !p->g.lines[n].class_is_gone) {
            p->g.lines[n].class_is_gone = true;
            any = true;
        }
    return any;
}

/* Ranges are what the engine's search for whole numbers fails at: where it finds no proof, there are no classes. */
static enum err satisfy(struct publication *p, uint32_t reader)
{
    enum err e = try_reader(p, reader);

    return e == ERR_LIMIT && give_up_classes(p) ? try_reader(p, reader) : e;
}

/* The whole audit of what came out, with nothing that was found on the way. */
static enum err audit(struct publication *p, struct protect_summary *s)
{
    struct problem w = {.p = p, .reader = NONE};
    enum err e = build(&w);

    if (e == OK)
        e = protect_audit(w.engine, s);
    protect_free(w.engine);
    if (e == OK && s->unsafe > 0)
        e = err_set(ERR_LIMIT, _("the audit refuses what was chosen; nothing is published"));
    return e;
}

/* ---- all readers ---- */

static bool is_school(const struct publication *p, uint32_t unit)
{
    return unit != p->municipality && strcmp(p->g.units.items[unit], UNIT_DISTRICT) != 0;
}

static int by_name(const void *a, const void *b, void *ctx)
{
    const struct publication *p = ctx;

    return strcmp(p->g.units.items[*(const uint32_t *)a], p->g.units.items[*(const uint32_t *)b]);
}

static enum err list_readers(const struct publication *p, uint32_t **out, uint32_t *count)
{
    bool *has = calloc((size_t)p->g.units.count + 1, sizeof(*has));

    *out = calloc((size_t)p->g.units.count + 1, sizeof(**out));
    *count = 0;
    for (uint32_t a = 0; has != NULL && a < p->g.keys.count; a++)
        has[p->g.atoms[a].unit] = true;
    for (uint32_t u = 0; has != NULL && *out != NULL && u < p->g.units.count; u++)
        if (has[u] && is_school(p, u))
            (*out)[(*count)++] = u;
    if (has != NULL && *out != NULL && *count > 1)
        qsort_r(*out, *count, sizeof(**out), by_name, (void *)(uintptr_t)p);
    free(has);
    return *out == NULL || has == NULL ? ERR_NOMEM : OK;
}

enum err guard(struct publication *p)
{
    struct protect_summary s = {0};
    uint32_t *readers = NULL;
    uint32_t count = 0;
    enum err e = satisfy(p, NONE);

    if (e == OK)
        e = list_readers(p, &readers, &count);
    for (uint32_t i = 0; i < count && e == OK; i++) {
        cli_progress(_("Checking what each school could compute"), i, count);
        e = satisfy(p, readers[i]);
    }
    cli_progress_end();
    free(readers);
    if (e == OK)
        e = audit(p, &s);
    p->summary.targets = s.targets;
    p->summary.readers = count;
    return e;
}
