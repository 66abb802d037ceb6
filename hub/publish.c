#include "hub/publish_internal.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

const char *const published_state_names[] = {"ok", "no-data", "suppressed"};

/* ---- what became of each line ---- */

static bool is_own(const struct publication *p, const struct line *l)
{
    return p->school != NONE && l->unit == p->school;
}

/* The school's own numbers are complete, but for surveys: their sheets were promised to nobody. */
static bool is_shown(const struct publication *p, const struct line *l)
{
    if (l->result.state != RESULT_OK)
        return false;
    if (is_own(p, l) && l->i->privacy != PRIVACY_SURVEY)
        return true;
    return l->hidden == HIDDEN_NOT && !l->is_gone;
}

/* No value, and nothing is hidden by that. */
static bool has_no_data(const struct publication *p, const struct line *l)
{
    if (l->result.state == RESULT_OK)
        return false;
    return !l->has_sums || (l->hidden == HIDDEN_NOT && !l->is_gone) ||
           (is_own(p, l) && l->i->privacy != PRIVACY_SURVEY);
}

static enum published_state state_of(const struct publication *p, const struct line *l)
{
    return is_shown(p, l) ? PUBLISHED_OK : has_no_data(p, l) ? PUBLISHED_NO_DATA : PUBLISHED_SUPPRESSED;
}

static bool is_sensitive(const struct indicator *i)
{
    return i->privacy == PRIVACY_FAMILY || i->privacy == PRIVACY_RESTRICTED || i->privacy == PRIVACY_SURVEY;
}

/* A part stands there for schools that have any of it: a hidden one would say that there are some. */
static bool says_too_much(const struct publication *p, const struct line *l)
{
    return state_of(p, l) != PUBLISHED_OK && !line_is_municipal(p, l) && is_sensitive(l->i) &&
           l->breakdown[0] != '\0' && strcmp(l->breakdown, l->i->part) != 0;
}

static void keep_readable(struct publication *p)
{
    p->readable_count = 0;
    for (uint32_t i = 0; i < p->listed_count; i++) {
        const struct line *l = &p->g.lines[p->listed[i]];

        if ((l->is_reportable || is_own(p, l)) && !says_too_much(p, l))
            p->readable[p->readable_count++] = p->listed[i];
    }
}

static void count_lines(struct publication *p)
{
    p->summary.lines = p->summary.shown = p->summary.no_data = 0;
    p->summary.primary = p->summary.inputs = p->summary.extra = 0;
    for (uint32_t i = 0; i < p->readable_count; i++) {
        const struct line *l = &p->g.lines[p->readable[i]];
        enum published_state s = state_of(p, l);

        p->summary.lines++;
        if (s == PUBLISHED_OK)
            p->summary.shown++;
        else if (s == PUBLISHED_NO_DATA)
            p->summary.no_data++;
        else if (l->hidden == HIDDEN_NOT)
            p->summary.extra++;
        else if (l->hidden == HIDDEN_INPUT)
            p->summary.inputs++;
        else
            p->summary.primary++;
    }
}

void publication_choose_school(struct publication *p, const char *school)
{
    p->school = school == NULL ? NONE : texts_find(&p->g.units, school);
    keep_readable(p);
    count_lines(p);
}

enum err publication_each_school(const struct publication *p, enum err (*each)(void *ctx, const char *school),
                                 void *ctx)
{
    bool *seen = calloc((size_t)p->g.units.count + 1, sizeof(*seen));
    enum err e = seen == NULL ? ERR_NOMEM : OK;

    for (uint32_t i = 0; i < p->listed_count && e == OK; i++) {
        uint32_t unit = p->g.lines[p->listed[i]].unit;

        if (unit == p->municipality || seen[unit])
            continue;
        seen[unit] = true;
        e = each(ctx, p->g.units.items[unit]);
    }
    free(seen);
    return e;
}

/* ---- from beginning to end ---- */

static enum err make(struct publication *p, const struct publication_memory *earlier, size_t count)
{
    enum err e = gather_lines(p);

    for (size_t i = 0; i < count && e == OK; i++)
        e = memory_read(p, &earlier[i]);
    if (e == OK && (e = rules_apply(p)) == OK && (e = classes_prepare(p)) == OK &&
        (e = memory_mark(p, &p->summary.earlier)) == OK && (e = guard(p)) == OK) {
        p->readable = calloc((size_t)p->listed_count + 1, sizeof(*p->readable));
        if (p->readable == NULL)
            return ERR_NOMEM;
        publication_choose_school(p, NULL);
    }
    return e;
}

enum err publication_make(struct publication **out, struct evaluation *e, const struct publication_order *o,
                          const struct publication_memory *earlier, size_t count)
{
    struct publication *p = calloc(1, sizeof(*p));
    int64_t began = clock_mono_ms();
    enum err err;

    if (p == NULL)
        return ERR_NOMEM;
    p->e = e;
    p->order = *o;
    if ((err = make(p, earlier, count)) != OK) {
        publication_free(p);
        return err;
    }
    p->e = NULL;
    p->summary.milliseconds = (uint64_t)(clock_mono_ms() - began);
    *out = p;
    return OK;
}

void publication_free(struct publication *p)
{
    if (p == NULL)
        return;
    graph_free(&p->g);
    free(p->listed);
    free(p->readable);
    free(p);
}

const struct publication_summary *publication_summary(const struct publication *p)
{
    return &p->summary;
}

size_t publication_count(const struct publication *p)
{
    return p->readable_count;
}

struct published_line publication_at(const struct publication *p, size_t i)
{
    const struct line *l = &p->g.lines[p->readable[i]];
    enum published_state s = state_of(p, l);
    bool has_class = s == PUBLISHED_SUPPRESSED && l->range_count > 0 && !l->class_is_gone;

    return (struct published_line){.indicator = l->i,
                                   .unit = p->g.units.items[l->unit],
                                   .breakdown = l->breakdown,
                                   .state = s,
                                   .class_code = has_class ? l->class_code : "",
                                   .result = &l->result,
                                   .target = l->target,
                                   .status = s == PUBLISHED_OK ? l->status : TARGET_NONE,
                                   .is_own = is_own(p, l)};
}
