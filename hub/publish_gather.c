/* The lines of the publication and all that they are computed from. */
#include "hub/publish_internal.h"

#include "common/cli.h"
#include "protocol/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_KEPT 180u
#define UNIT_ALL  "municipality" /* untranslated: names decide ties, and an answer depends on no language */

bool line_is_municipal(const struct publication *p, const struct line *l)
{
    return l->unit == p->municipality;
}

/* ---- lines by name ---- */

/* Names go to the engine, which takes 250 bytes: a longer one ends in a digest of the whole. */
void line_name_shorten(char name[LINE_NAME_MAX])
{
    uint8_t d[DIGEST_BYTES];
    size_t at = NAME_KEPT;

    if (strlen(name) <= PROTECT_ID_MAX - 30)
        return;
    digest(d, bytes_of(name, strlen(name)));
    while (at > 0 && ((uint8_t)name[at] & 0xC0u) == 0x80u)
        at--;
    (void)snprintf(name + at, LINE_NAME_MAX - at, "... %02x%02x%02x%02x%02x%02x%02x%02x", d[0], d[1], d[2], d[3], d[4],
                   d[5], d[6], d[7]);
}

static enum err add_line(struct publication *p, char name[LINE_NAME_MAX], const char *unit, const struct line *like,
                         uint32_t *out)
{
    struct graph *g = &p->g;
    uint32_t before = g->names.count;
    struct line *l;
    enum err e;

    line_name_shorten(name);
    if ((e = texts_put(&g->names, name, out)) != OK || *out < before)
        return e;
    if ((e = grow_array((void **)&g->lines, &g->line_cap, before, LINES_MAX, sizeof(*g->lines))) != OK)
        return e;
    l = &g->lines[g->line_count++];
    *l = *like;
    l->name = *out;
    l->item = l->class_item = NONE;
    l->class_code = l->breakdown = "";
    return texts_put(&g->units, unit == NULL ? "" : unit, &l->unit);
}

static void name_indicator(char out[LINE_NAME_MAX], const struct indicator *i, const char *unit,
                           const struct period *period, const char *part)
{
    (void)snprintf(out, LINE_NAME_MAX, "%s%s%s%s%s, %s, %s", i->id, i->part[0] != '\0' || part[0] != '\0' ? " " : "",
                   i->part, i->part[0] != '\0' && part[0] != '\0' ? ";" : "", part, unit == NULL ? UNIT_ALL : unit,
                   period->id);
}

/* ---- what a line is computed from ---- */

struct inputs {
    struct input *items;
    uint32_t count, cap;
};

static enum err keep_input(void *ctx, const struct input *in)
{
    struct inputs *g = ctx;
    enum err e = grow_array((void **)&g->items, &g->cap, g->count, INPUTS_MAX, sizeof(*g->items));

    if (e == OK)
        g->items[g->count++] = *in;
    return e;
}

/* Of a merged school the value is that of several: another one than its own line's. */
static bool is_same_result(const struct result *a, const struct result *b)
{
    return a->state == b->state && a->value == b->value && a->numerator == b->numerator &&
           a->denominator == b->denominator;
}

static enum err input_indicator(struct publication *p, uint32_t of, const struct input *in)
{
    const struct programme *prog = p->order.programme;
    struct line like = {.what = LINE_INDICATOR, .index = in->index, .period = in->period};
    char name[LINE_NAME_MAX];
    uint32_t line;
    enum err e;

    if (in->period.id[0] == '\0')
        return OK; /* nothing came before */
    like.i = programme_version(prog, in->index, in->period.last);
    e = like.i == NULL ? ERR_NOT_FOUND
                       : evaluation_value(p->e, prog, in->index, in->unit, &in->period, "", &like.result);
    if (e == ERR_NOT_FOUND || (e == OK && !is_same_result(&like.result, &in->result))) {
        if (in->result.state == RESULT_OK)
            p->g.lines[of].hidden = HIDDEN_OPAQUE;
        return OK;
    }
    if (e != OK)
        return e;
    name_indicator(name, like.i, in->unit, &in->period, "");
    if ((e = add_line(p, name, in->unit, &like, &line)) != OK)
        return e;
    p->g.lines[line].is_needed = true;
    return graph_input(&p->g, line);
}

static bool is_statistic(enum reference_stat s)
{
    return s >= STAT_MIN && s <= STAT_RANGE;
}

/* Least, greatest, middle: whoever sees one is taken to know the sum and the number, and no less. */
static enum err variable_sums(struct publication *p, struct line *l, const struct input *in)
{
    struct input second = *in;
    struct input first = *in;
    bool counts = in->unit == NULL;
    enum err e;

    if (is_statistic(in->stat)) {
        first.stat = STAT_VALUE;
        second.stat = STAT_N;
    }
    l->places = in->stat == STAT_VALUE ? p->order.programme->variables[in->index]->places : 0;
    e = linear_input(p, &first, counts, 1, l->i->privacy == PRIVACY_SURVEY, &l->numerator);
    if (e == OK && is_statistic(in->stat)) {
        l->has_denominator = true;
        e = linear_input(p, &second, counts, 1, l->i->privacy == PRIVACY_SURVEY, &l->denominator);
    }
    l->has_sums = e == OK && in->has_cell;
    return e;
}

static enum err input_variable(struct publication *p, uint32_t of, const struct input *in)
{
    const struct indicator *reader = p->g.lines[of].i;
    struct line like = {.what = LINE_VARIABLE, .i = reader, .index = in->index, .period = in->period};
    uint32_t before = p->g.line_count;
    char name[LINE_NAME_MAX];
    uint32_t line;
    enum err e;

    (void)snprintf(name, sizeof(name), "%s (%u.%u%s%s), %s, %s", p->order.programme->variables[in->index]->id,
                   (unsigned)reader->privacy, (unsigned)in->stat, in->part[0] != '\0' ? " " : "", in->part,
                   in->unit == NULL ? UNIT_ALL : in->unit, in->period.id);
    if ((e = add_line(p, name, in->unit, &like, &line)) != OK)
        return e;
    p->g.lines[line].is_needed = true;
    if (line == before) {
        struct line l = p->g.lines[line];
        i128 sum;

        e = variable_sums(p, &l, in);
        if (e == ERR_NOT_FOUND || (e == OK && in->stat == STAT_VALUE &&
                                   (graph_value(&p->g, &l.numerator, &sum) != OK || sum != in->cell.sum))) {
            l.hidden = HIDDEN_OPAQUE;
            e = OK;
        }
        p->g.lines[line] = l;
    }
    return e == OK ? graph_input(&p->g, line) : e;
}

/* What is done of a plan, and by when, are facts about measures and not about people: codes and days are no
 * quantities. */
static bool is_of_a_plan(const struct indicator *i, const struct input *in)
{
    return in->is_variable && (i->kind == KIND_EXECUTION || i->kind == KIND_PROGRESS);
}

static enum err derived_inputs(struct publication *p, uint32_t n, const char *unit, const char *part)
{
    struct line l = p->g.lines[n];
    struct inputs in = {NULL, 0, 0};
    enum err e = evaluation_inputs(p->e, p->order.programme, l.index, unit, &l.period, part, keep_input, &in);

    p->g.lines[n].first_input = p->g.input_count;
    for (uint32_t k = 0; k < in.count && e == OK; k++) {
        if (is_of_a_plan(l.i, &in.items[k]))
            continue;
        e = in.items[k].is_variable ? input_variable(p, n, &in.items[k]) : input_indicator(p, n, &in.items[k]);
    }
    p->g.lines[n].input_count = p->g.input_count - p->g.lines[n].first_input;
    free(in.items);
    return e;
}

static bool is_linear(const struct indicator *i, bool is_municipal)
{
    switch (i->kind) {
    case KIND_COUNT:
    case KIND_SUM:
    case KIND_MEAN:
    case KIND_SHARE:
    case KIND_RATIO:
    case KIND_SURVEY: return !is_municipal || i->rollup == ROLLUP_POOLED;
    case KIND_UNITS:
    case KIND_CHANGE:
    case KIND_FORMULA:
    case KIND_INDEX:
    case KIND_CLASS:
    case KIND_GAP:
    case KIND_HISTORY:
    case KIND_EXECUTION:
    case KIND_PROGRESS: return false;
    }
    return false;
}

/* The part of its variables: the line's, without the indicator's own. */
static const char *part_of(const struct line *l)
{
    size_t own = strlen(l->i->part);

    if (own == 0 || strncmp(l->breakdown, l->i->part, own) != 0)
        return l->breakdown;
    return l->breakdown[own] == ';' ? l->breakdown + own + 1 : l->breakdown + own;
}

static enum err fill(struct publication *p, uint32_t n)
{
    struct line l = p->g.lines[n];
    bool is_municipal = line_is_municipal(p, &l);
    const char *unit = is_municipal ? NULL : p->g.units.items[l.unit];
    const char *part = part_of(&l);
    enum err e;

    if (l.what == LINE_VARIABLE)
        return OK;
    if (!is_linear(l.i, is_municipal))
        return l.result.state == RESULT_OK ? derived_inputs(p, n, unit, part) : OK;
    e = linear_sums(p, &l, unit, part);
    if (e == ERR_NOT_FOUND) {
        l.hidden = HIDDEN_OPAQUE;
        l.has_sums = false;
        e = OK;
    }
    p->g.lines[n] = l;
    return e;
}

/* ---- the lines of the publication ---- */

/* Yes or no of one school, its class: that would be a list of schools. */
static bool lists_schools(const struct indicator *i)
{
    return i->kind == KIND_UNITS || i->kind == KIND_CLASS || (i->kind == KIND_HISTORY && !i->as_trend);
}

/* Of other schools a school is shown nothing; its own lines are added afterwards, and are nobody else's. */
static bool is_reportable(const struct publication *p, const struct indicator_line *l)
{
    return l->level == LEVEL_MUNICIPALITY || (p->order.audience != AUDIENCE_SCHOOL && !lists_schools(l->indicator));
}

static enum err list(struct publication *p, uint32_t line)
{
    enum err e = grow_array((void **)&p->listed, &p->listed_cap, p->listed_count, LINES_MAX, sizeof(*p->listed));

    if (e == OK)
        p->listed[p->listed_count++] = line;
    return e;
}

/* Lines for other audiences stand there as well: what is too small in them must not follow from this publication, or
 * theirs could never be made. */
static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct publication *p = ctx;
    const char *unit = l->level == LEVEL_MUNICIPALITY ? NULL : l->unit;
    struct line like = {.what = LINE_INDICATOR,
                        .i = l->indicator,
                        .index = l->index,
                        .period = *l->period,
                        .result = l->result,
                        .is_own_line = true,
                        .is_listed = (l->indicator->audience & p->order.audience) != 0,
                        .is_reportable = is_reportable(p, l),
                        .target = l->target,
                        .status = l->status};
    char name[LINE_NAME_MAX];
    uint32_t line, word;
    size_t own = strlen(l->indicator->part);
    const char *part = l->breakdown;
    enum err e;

    if (own > 0 && strncmp(part, l->indicator->part, own) == 0)
        part += own + (part[own] == ';');
    name_indicator(name, l->indicator, unit, l->period, part);
    if ((e = add_line(p, name, unit, &like, &line)) != OK || (e = texts_put(&p->g.words, l->breakdown, &word)) != OK)
        return e;
    p->g.lines[line].breakdown = p->g.words.items[word];
    return like.is_listed ? list(p, line) : OK;
}

enum err gather_lines(struct publication *p)
{
    const struct indicator_query q = {.programme = p->order.programme->id, .period = p->order.period->id, .level = -1};
    enum err e = texts_put(&p->g.units, "", &p->municipality);

    p->school = NONE;
    if (e == OK)
        e = evaluation_lines(p->e, &q, take_line, p);
    for (uint32_t n = 0; n < p->g.line_count && e == OK; n++)
        e = fill(p, n);
    return e;
}
