/* What is hidden from the start (docs/publication.md, "Hidden from the start"). */
#include "hub/publish_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one unit's numbers ---- */

struct numbers {
    i128 above, below; /* scaled by 10^places */
    uint64_t sheets;   /* of surveys: what `n` counts */
    unsigned places;
    bool has_denominator, is_share;
};

bool line_is_share(const struct line *l)
{
    return l->what == LINE_INDICATOR && l->has_denominator &&
           (l->i->kind == KIND_SHARE || (l->i->kind == KIND_SURVEY && l->i->times == 100.0 && l->i->minus == 0));
}

static const struct privacy_rules *rules_of(const struct publication *p)
{
    return &p->order.programme->privacy;
}

static bool is_few(i128 n, uint32_t most, i128 one)
{
    return n > 0 && n <= (i128)most * one;
}

/* 0: no least denominator. */
static uint32_t least_denominator(const struct privacy_rules *r, enum privacy_class c)
{
    switch (c) {
    case PRIVACY_FAMILY:
    case PRIVACY_RESTRICTED: return r->family_denominator;
    case PRIVACY_RESULTS: return r->results_denominator;
    case PRIVACY_STAFF: return r->staff_denominator;
    case PRIVACY_SURVEY:
    case PRIVACY_OPEN: return 0;
    }
    return r->family_denominator;
}

static bool is_sensitive(enum privacy_class c)
{
    return c == PRIVACY_FAMILY || c == PRIVACY_RESTRICTED;
}

/* Rule 2; rule 4 for surveys. */
static bool too_small(const struct publication *p, enum privacy_class c, const struct numbers *n)
{
    const struct privacy_rules *r = rules_of(p);
    i128 one = power10(n->places);

    if (c == PRIVACY_OPEN)
        return false;
    if (c == PRIVACY_SURVEY)
        return n->sheets < r->survey_show;
    if (n->has_denominator && n->below < (i128)least_denominator(r, c) * one)
        return true;
    if (!is_sensitive(c))
        return false;
    return is_few(n->above, r->small_count, one) || (n->is_share && is_few(n->below - n->above, r->small_count, one));
}

static enum err numbers_of(const struct publication *p, const struct line *l, struct numbers *out)
{
    *out = (struct numbers){.sheets = l->result.n,
                            .places = l->places,
                            .has_denominator = l->has_denominator,
                            .is_share = line_is_share(l)};
    if (graph_value(&p->g, &l->numerator, &out->above) != OK || graph_value(&p->g, &l->denominator, &out->below) != OK)
        return ERR_LIMIT;
    return OK;
}

/* ---- one unit among several ---- */

struct share_of {
    i128 above, below;
    uint32_t units;    /* that give anything */
    uint32_t greatest; /* into graph.units: the one that gives most */
};

static void give(const struct graph *g, const struct sum *s, i128 *by_unit)
{
    for (uint32_t k = s->first; k < s->first + s->count; k++)
        by_unit[g->atoms[g->terms[k].atom].unit] += (i128)g->terms[k].coef * g->atoms[g->terms[k].atom].value;
}

static bool outweighs(i128 one, i128 all, double dominance)
{
    return all > 0 && (double)one > dominance * (double)all;
}

/* The unit that a district's value is, nearly; NONE: none. */
static enum err find_dominant(const struct publication *p, const struct line *l, struct numbers *of, uint32_t *unit,
                              uint32_t *units)
{
    const struct graph *g = &p->g;
    i128 *above = calloc((size_t)g->units.count * 2 + 1, sizeof(*above));
    i128 *below = above + g->units.count;
    struct numbers all;
    double limit = rules_of(p)->dominance;
    enum err e = above == NULL ? ERR_NOMEM : numbers_of(p, l, &all);

    *unit = NONE;
    *units = 0;
    if (e == OK) {
        give(g, &l->numerator, above);
        give(g, &l->denominator, below);
    }
    for (uint32_t u = 0; u < g->units.count && e == OK; u++) {
        *units += above[u] != 0 || below[u] != 0;
        if (*unit == NONE && (outweighs(above[u], all.above, limit) || outweighs(below[u], all.below, limit))) {
            *unit = u;
            *of = all;
            of->above = above[u];
            of->below = below[u];
        }
    }
    free(above);
    return e;
}

/* How many answered a unit's sheets: of its own line, when there is one; else a district that rests on it is hidden. */
static uint64_t sheets_of(const struct publication *p, const struct line *l, uint32_t unit)
{
    for (uint32_t n = 0; n < p->g.line_count; n++) {
        const struct line *own = &p->g.lines[n];

        if (own->what == LINE_INDICATOR && own->unit == unit && own->index == l->index &&
            strcmp(own->period.id, l->period.id) == 0 && strcmp(own->breakdown, l->breakdown) == 0)
            return own->result.n;
    }
    return 0;
}

static bool is_the_office(const struct publication *p, uint32_t unit)
{
    return strcmp(p->g.units.items[unit], UNIT_DISTRICT) == 0 || unit == p->municipality;
}

/* With one unit behind it, or one that outweighs the others, a district's value is a unit's value. */
static enum err judge_dominance(const struct publication *p, struct line *l)
{
    struct numbers of;
    uint32_t unit, units;
    enum err e = find_dominant(p, l, &of, &unit, &units);

    if (e != OK || unit == NONE)
        return e;
    if (l->i->privacy == PRIVACY_SURVEY)
        of.sheets = sheets_of(p, l, unit);
    if (too_small(p, l->i->privacy, &of) || (l->i->municipality_only && !is_the_office(p, unit)) ||
        (l->i->privacy == PRIVACY_RESTRICTED && !is_the_office(p, unit)))
        l->hidden = HIDDEN_UNITS;
    return OK;
}

/* ---- the district's lines ---- */

static enum err judge_district(const struct publication *p, struct line *l)
{
    const struct privacy_rules *r = rules_of(p);
    struct numbers n;
    enum err e = numbers_of(p, l, &n);

    if (e != OK)
        return e;
    if (l->i->privacy == PRIVACY_SURVEY && l->what == LINE_INDICATOR &&
        (l->result.reported < r->survey_units || l->result.n < r->survey_show))
        l->hidden = HIDDEN_UNITS;
    /* Rule 8: from 5 on; below that, of a count, "fewer than 5". */
    if (l->i->privacy == PRIVACY_RESTRICTED &&
        (l->has_denominator ? too_small(p, l->i->privacy, &n) : n.above < (i128)RESTRICTED_FEW * power10(l->places))) {
        l->hidden = HIDDEN_NUMBERS;
        l->is_target = true;
    }
    return l->hidden == HIDDEN_NOT ? judge_dominance(p, l) : OK;
}

/* Rule 7; a class counts units as well. */
static void judge_two_levels(const struct publication *p, struct line *l)
{
    i128 units =
        l->i->kind == KIND_UNITS && l->result.has_denominator ? l->result.denominator : (i128)l->result.reported;

    if (l->i->privacy != PRIVACY_OPEN && units < (i128)rules_of(p)->two_level_units)
        l->hidden = HIDDEN_UNITS;
}

/* ---- a unit's lines ---- */

/* No value because nobody took part: of exams that may be said, of families not. */
static bool is_harmless_nothing(const struct line *l, const struct numbers *n)
{
    return l->result.state != RESULT_OK && n->has_denominator && n->below == 0 &&
           (l->i->privacy == PRIVACY_RESULTS || l->i->privacy == PRIVACY_STAFF);
}

/* What the office alone sees at all has no level below which it is not published. */
static bool is_of_district_alone(const struct indicator *i)
{
    return i->privacy == PRIVACY_RESTRICTED || (i->municipality_only && i->audience != AUDIENCE_OFFICE);
}

static enum err judge_unit(const struct publication *p, struct line *l)
{
    struct numbers n;
    enum err e = numbers_of(p, l, &n);

    if (e != OK)
        return e;
    if (is_the_office(p, l->unit)) { /* reported about the district: no unit's */
        if (too_small(p, l->i->privacy, &n))
            l->hidden = HIDDEN_NUMBERS;
    } else if (is_of_district_alone(l->i))
        l->hidden = HIDDEN_LEVEL;
    else if (!is_harmless_nothing(l, &n) && too_small(p, l->i->privacy, &n))
        l->hidden = HIDDEN_NUMBERS;
    /* Of nothing there is nothing to learn, once it is known to be nothing. */
    l->is_target = l->hidden != HIDDEN_NOT && l->is_own_line && !(n.has_denominator && n.below == 0);
    return OK;
}

/* Small enough for the engine.  ERR_LIMIT. */
static enum err check_sums(const struct publication *p, const struct line *l)
{
    const struct sum *const sums[] = {&l->numerator, &l->denominator};
    struct reduced r;
    enum err e = OK;

    for (unsigned k = 0; k < 2 && e == OK; k++)
        if ((e = graph_reduce(&p->g, sums[k], 1, NULL, 0, &r)) == OK)
            free(r.terms);
    if (e == OK && line_is_share(l) && (e = graph_reduce(&p->g, &l->denominator, 1, &l->numerator, -1, &r)) == OK)
        free(r.terms);
    return e;
}

static enum err judge(const struct publication *p, struct line *l)
{
    bool is_municipal = line_is_municipal(p, l);
    enum err e;

    if (l->hidden == HIDDEN_OPAQUE)
        return OK;
    if (l->has_sums && (e = check_sums(p, l)) != OK)
        return e;
    if (l->has_sums)
        return is_municipal ? judge_district(p, l) : judge_unit(p, l);
    if (l->result.state != RESULT_OK)
        return OK;
    if (is_municipal && (l->i->kind == KIND_UNITS || l->i->kind == KIND_CLASS))
        judge_two_levels(p, l);
    /* What a district's line is computed from may be known through it; the unit's own line still never stands there. */
    if (!is_municipal && (l->i->municipality_only || l->i->privacy == PRIVACY_RESTRICTED))
        l->is_reportable = false;
    return OK;
}

/* ---- units without lines of their own ---- */

static enum err keep_unit_sum(struct publication *p, const struct sum *from, uint32_t unit, struct sum *to)
{
    enum err e = OK;

    for (uint32_t k = from->first; k < from->first + from->count && e == OK; k++) {
        const struct protect_term t = p->g.terms[k];

        if (p->g.atoms[t.atom].unit == unit)
            e = graph_term(&p->g, to, t.atom, t.coef);
    }
    return e;
}

static enum err add_unit_of(struct publication *p, const struct line *of, uint32_t unit)
{
    struct line l = *of;
    struct numbers n;
    char name[LINE_NAME_MAX];
    uint32_t at;
    enum err e;

    l.numerator = l.denominator = (struct sum){0, 0};
    l.is_listed = l.is_needed = l.is_reportable = false;
    l.hidden = HIDDEN_LEVEL;
    l.unit = unit;
    if ((e = keep_unit_sum(p, &of->numerator, unit, &l.numerator)) != OK ||
        (e = keep_unit_sum(p, &of->denominator, unit, &l.denominator)) != OK || (e = numbers_of(p, &l, &n)) != OK)
        return e;
    n.sheets = n.has_denominator && n.below > 0 ? (uint64_t)(n.below / power10(n.places)) : 0;
    l.is_target = (l.i->municipality_only || l.i->privacy == PRIVACY_RESTRICTED || too_small(p, l.i->privacy, &n)) &&
                  !(n.has_denominator && n.below == 0);
    if (!l.is_target)
        return OK;
    (void)snprintf(name, sizeof(name), "%s, %s", p->g.names.items[of->name], p->g.units.items[unit]);
    line_name_shorten(name);
    if ((e = texts_put(&p->g.names, name, &at)) != OK || at < p->g.line_count)
        return e;
    if ((e = grow_array((void **)&p->g.lines, &p->g.line_cap, p->g.line_count, LINES_MAX, sizeof(l))) == OK) {
        l.name = at;
        p->g.lines[p->g.line_count++] = l;
    }
    return e;
}

/* What is computed for the district alone has units behind it all the same: the difference of two such lines may be one
 * of them. */
static enum err add_units_of(struct publication *p, uint32_t n)
{
    bool *seen = calloc((size_t)p->g.units.count + 1, sizeof(*seen));
    enum err e = seen == NULL ? ERR_NOMEM : OK;

    for (uint32_t k = 0; k < p->g.lines[n].numerator.count && e == OK; k++) {
        struct line of = p->g.lines[n];
        uint32_t unit = p->g.atoms[p->g.terms[of.numerator.first + k].atom].unit;

        if (seen[unit] || is_the_office(p, unit))
            continue;
        seen[unit] = true;
        e = add_unit_of(p, &of, unit);
    }
    free(seen);
    return e;
}

static enum err add_units(struct publication *p)
{
    uint32_t count = p->g.line_count;
    enum err e = OK;

    for (uint32_t n = 0; n < count && e == OK; n++) {
        const struct line *l = &p->g.lines[n];

        if (l->has_sums && line_is_municipal(p, l) && l->hidden != HIDDEN_OPAQUE && l->i->privacy != PRIVACY_OPEN &&
            (!l->is_own_line || l->i->levels == LEVELS_MUNICIPALITY))
            e = add_units_of(p, n);
    }
    return e;
}

/* ---- what they are computed from ---- */

/* Rules 5 and 6: inputs were listed after what reads them, and may read further ones, in circles never. */
static void pass_on(struct publication *p)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t n = p->g.line_count; n-- > 0;) {
            struct line *l = &p->g.lines[n];

            for (uint32_t k = 0; l->hidden == HIDDEN_NOT && k < l->input_count; k++)
                if (p->g.lines[p->g.inputs[l->first_input + k]].hidden != HIDDEN_NOT) {
                    l->hidden = HIDDEN_INPUT;
                    changed = true;
                }
        }
    }
}

enum err rules_apply(struct publication *p)
{
    enum err e = OK;

    for (uint32_t n = 0; n < p->g.line_count && e == OK; n++) {
        struct line l = p->g.lines[n];

        e = judge(p, &l);
        if (e == ERR_LIMIT) {
            l.hidden = HIDDEN_OPAQUE;
            e = OK;
        }
        p->g.lines[n] = l;
    }
    if (e == OK)
        e = add_units(p);
    pass_on(p);
    return e;
}
