/* What a summary holds is read here; summary_text.c says it in words. */
#include "hub/summary.h"

#include "common/cli.h"
#include "hub/closing.h"
#include "hub/quarantine.h"
#include "hub/reads.h"
#include "hub/roster.h"

#include <stdlib.h>
#include <string.h>

struct gathering {
    struct summary *s;
    struct store_txn *t;
    struct evaluation *e;
    uint32_t source; /* at hand */
    /* of the variable at hand: something lies in the period; else the latest before it */
    bool is_within;
    struct summary_source before;
};

#define DAYS_BEFORE 366 /* a state that is older says nothing of who is late now */

/* Room for one more of `size` bytes; NULL with *e set: none. */
static void *one_more(void *items, size_t count, size_t *cap, size_t size, size_t most, enum err *e)
{
    size_t wanted = *cap == 0 ? 64 : 2 * *cap;
    void *grown;

    if (count < *cap)
        return items;
    if (count >= most) {
        *e = err_set(ERR_LIMIT, _("there are more than %zu lines of one kind: ask for less at a time"), most);
        return NULL;
    }
    if ((grown = reallocarray(items, wanted, size)) == NULL) {
        *e = ERR_NOMEM;
        return NULL;
    }
    *cap = wanted;
    return grown;
}

/* ---- units ---- */

static enum err unit_of(struct summary *s, const char *id, uint32_t *out)
{
    enum err e = OK;
    struct summary_unit *grown;
    const char *name;

    for (size_t i = 0; i < s->unit_count; i++) { /* what comes sorted by unit is found at once */
        size_t at = (s->unit_last + i) % s->unit_count;

        if (strcmp(s->units[at].id, id) == 0) {
            s->unit_last = at;
            *out = (uint32_t)at;
            return OK;
        }
    }
    if ((grown = one_more(s->units, s->unit_count, &s->unit_cap, sizeof(*grown), SUMMARY_MAX_UNITS, &e)) == NULL)
        return e;
    s->units = grown;
    grown = &s->units[s->unit_count];
    memset(grown, 0, sizeof(*grown));
    (void)snprintf(grown->id, sizeof(grown->id), "%s", id);
    name = strcmp(id, UNIT_DISTRICT) == 0 ? _("the district itself") : roster_name(s->roster, id);
    grown->known_name = name == id ? NULL : name; /* `id` is somebody else's, and soon gone */
    s->unit_last = s->unit_count;
    *out = (uint32_t)s->unit_count++;
    return OK;
}

struct order {
    struct summary_unit unit;
    uint32_t was;
};

static int by_name(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    int order = strverscmp(summary_unit_name(&x->unit), summary_unit_name(&y->unit)); /* № 2 before № 10 */

    return order != 0 ? order : strcmp(x->unit.id, y->unit.id);
}

/* By name, for people; everything that points at a unit follows. */
static enum err sort_units(struct summary *s)
{
    struct order *order = calloc(s->unit_count + 1, sizeof(*order));
    uint32_t *now = calloc(s->unit_count + 1, sizeof(*now));
    enum err e = order == NULL || now == NULL ? ERR_NOMEM : OK;

    for (size_t i = 0; e == OK && i < s->unit_count; i++)
        order[i] = (struct order){s->units[i], (uint32_t)i};
    if (e == OK && s->unit_count > 0)
        qsort(order, s->unit_count, sizeof(*order), by_name);
    for (size_t i = 0; e == OK && i < s->unit_count; i++) {
        s->units[i] = order[i].unit;
        now[order[i].was] = (uint32_t)i;
    }
    for (size_t i = 0; e == OK && i < s->line_count; i++)
        if (s->lines[i].unit != SUMMARY_MUNICIPALITY)
            s->lines[i].unit = now[s->lines[i].unit];
    for (size_t i = 0; e == OK && i < s->return_count; i++)
        s->returns[i].unit = now[s->returns[i].unit];
    for (size_t i = 0; e == OK && i < s->apart_count; i++)
        s->apart[i].unit = now[s->apart[i].unit];
    free(order);
    free(now);
    return e;
}

/* ---- lines ---- */

static void count_line(struct summary *s, const struct indicator_line *l, const struct summary_line *line)
{
    if (line->unit != SUMMARY_MUNICIPALITY) {
        s->units[line->unit].has_line = true;
        s->units[line->unit].has_value = s->units[line->unit].has_value || l->result.state == RESULT_OK;
    } else if (l->result.expected > s->due || (l->result.expected == s->due && l->result.reported > s->here)) {
        s->due = l->result.expected;
        s->here = l->result.reported;
    }
}

static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct gathering *g = ctx;
    struct summary *s = g->s;
    struct summary_line line = {.programme = l->programme,
                                .indicator = l->indicator,
                                .index = l->index,
                                .unit = SUMMARY_MUNICIPALITY,
                                .result = l->result,
                                .target = l->target,
                                .status = l->status};
    enum err e = OK;
    struct comment comment;
    struct summary_line *grown = one_more(s->lines, s->line_count, &s->line_cap, sizeof(*grown), SUMMARY_MAX_LINES, &e);

    if (grown == NULL)
        return e;
    s->lines = grown;
    if (l->level == LEVEL_UNIT && (e = unit_of(s, l->unit, &line.unit)) != OK)
        return e;
    if ((e = comment_of_line(g->t, l, &comment)) != OK)
        return e;
    line.comment = strdup(comment.text);
    line.breakdown = strdup(l->breakdown);
    if (line.comment == NULL || line.breakdown == NULL) {
        free(line.comment);
        free(line.breakdown);
        return ERR_NOMEM;
    }
    count_line(s, l, &line);
    s->lines[s->line_count++] = line;
    return OK;
}

/* ---- what they rest upon ---- */

static enum err add_source(struct summary *s, const struct summary_source *source)
{
    struct summary_source *grown;
    enum err e = OK;

    for (size_t i = 0; i < s->source_count; i++)
        if (strcmp(s->sources[i].period.id, source->period.id) == 0 && s->sources[i].form == source->form)
            return OK;
    grown = one_more(s->sources, s->source_count, &s->source_cap, sizeof(*grown), SUMMARY_MAX_SOURCES, &e);
    if (grown == NULL)
        return e;
    s->sources = grown;
    s->sources[s->source_count++] = *source;
    return OK;
}

/* Of a variable over ten years what lies in the period; of a state the one that holds in it. */
static enum err take_source(void *ctx, const char *form_id, const struct period *period)
{
    struct gathering *g = ctx;
    const struct summary_source found = {hub_form_by_id(g->s->hub, form_id), *period};

    if (found.form == NULL)
        return OK;
    if (period->last >= g->s->period.first) {
        g->is_within = true;
        return add_source(g->s, &found);
    }
    if (period->last + DAYS_BEFORE >= g->s->period.first &&
        (g->before.form == NULL || period->last > g->before.period.last))
        g->before = found;
    return OK;
}

static enum err take_variable(struct gathering *g, const struct programme *p, uint32_t variable)
{
    enum err e;

    g->is_within = false;
    g->before.form = NULL;
    e = evaluation_sources(g->e, p, variable, &g->s->period, take_source, g);
    return e == OK && !g->is_within && g->before.form != NULL ? add_source(g->s, &g->before) : e;
}

/* What an indicator reads, all the way down. */
static enum err take_reads(struct gathering *g, struct reads *reads, const struct summary_line *l)
{
    enum err e = OK;

    if (reads->p == NULL || reads->p != l->programme) {
        reads_fini(reads);
        if ((e = reads_init(reads, l->programme)) != OK)
            return e;
    }
    reads_find(reads, l->index);
    for (uint32_t v = 0; e == OK && v < l->programme->variable_count; v++)
        if (reads->variables[v])
            e = take_variable(g, l->programme, v);
    return e;
}

static enum err take_sources(struct gathering *g)
{
    const struct summary *s = g->s;
    struct reads reads = {.p = NULL};
    enum err e = OK;

    for (size_t i = 0; e == OK && i < s->line_count; i++) {
        const struct summary_line *l = &s->lines[i];

        if (i == 0 || l->programme != l[-1].programme || l->index != l[-1].index)
            e = take_reads(g, &reads, l);
    }
    reads_fini(&reads);
    return e;
}

static bool is_worth_a_note(enum return_state state)
{
    return state != RETURN_NOT_DUE && state != RETURN_RECEIVED && state != RETURN_ACCEPTED;
}

static enum err take_return(void *ctx, const struct return_row *r)
{
    struct gathering *g = ctx;
    struct summary *s = g->s;
    struct summary_return *grown;
    uint32_t unit = 0;
    bool is_here = r->facts.submissions > 0;
    enum err e = unit_of(s, r->unit, &unit);

    if (e != OK)
        return e;
    s->has_calendar = true;
    if (r->state != RETURN_NOT_DUE && r->state != RETURN_WAIVED && strcmp(r->unit, UNIT_DISTRICT) != 0) {
        s->units[unit].is_due = true;
        s->units[unit].is_behind = s->units[unit].is_behind || !is_here;
    }
    if (!is_worth_a_note(r->state) || (r->state == RETURN_LATE && is_here))
        return OK;
    grown = one_more(s->returns, s->return_count, &s->return_cap, sizeof(*grown), SUMMARY_MAX_LINES, &e);
    if (grown == NULL)
        return e;
    s->returns = grown;
    grown = &s->returns[s->return_count];
    *grown = (struct summary_return){g->source, unit, r->state, strdup(r->text)};
    if (grown->text == NULL)
        return ERR_NOMEM;
    s->return_count++;
    return OK;
}

static enum err take_apart(void *ctx, const char *id)
{
    struct gathering *g = ctx;
    struct summary *s = g->s;
    struct summary_apart *grown;
    uint32_t unit = 0;
    enum err e = unit_of(s, id, &unit);

    if (e != OK)
        return e;
    for (size_t i = 0; i < s->apart_count; i++)
        if (s->apart[i].source == g->source && s->apart[i].unit == unit) {
            s->apart[i].count++;
            return OK;
        }
    grown = one_more(s->apart, s->apart_count, &s->apart_cap, sizeof(*grown), SUMMARY_MAX_LINES, &e);
    if (grown == NULL)
        return e;
    s->apart = grown;
    s->apart[s->apart_count++] = (struct summary_apart){g->source, unit, 1};
    return OK;
}

static enum err take_standing(struct gathering *g, const char *unit, int32_t today)
{
    struct summary *s = g->s;
    enum err e = OK;

    for (; g->source < s->source_count && e == OK; g->source++) {
        const struct summary_source *of = &s->sources[g->source];
        const struct returns_query q = {
            .form = of->form->id, .period = of->period.id, .unit = unit, .today = today, .with_closed = true};

        if ((e = returns_each(s->hub, g->t, &q, take_return, g)) == OK)
            e = quarantine_each_waiting(s->hub, g->t, of->form->id, of->period.id, take_apart, g);
    }
    return e;
}

static void count_units(struct summary *s)
{
    if (!s->has_calendar)
        return;
    s->due = s->here = 0;
    for (size_t i = 0; i < s->unit_count; i++) {
        s->due += s->units[i].is_due ? 1 : 0;
        s->here += s->units[i].is_due && !s->units[i].is_behind ? 1 : 0;
    }
}

enum err summary_new(struct summary **out, struct hub *h, struct store_txn *t, const struct indicator_query *q,
                     const struct period *p, const struct cell_source *source, int32_t today)
{
    struct summary *s = calloc(1, sizeof(*s));
    struct gathering g = {.s = s, .t = t};
    uint64_t lsn = 0;
    enum err e;

    if (s == NULL)
        return ERR_NOMEM;
    s->hub = h;
    s->period = *p;
    if ((e = roster_load(&s->roster, h, t)) == OK && (e = evaluation_new(&g.e, h, t, source)) == OK &&
        (e = evaluation_lines(g.e, q, take_line, &g)) == OK && (e = take_sources(&g)) == OK &&
        (e = take_standing(&g, q->unit, today)) == OK && (e = sort_units(s)) == OK)
        e = closing_is_closed(t, p->id, "", &s->is_closed, &lsn);
    evaluation_free(g.e);
    if (e != OK) {
        summary_free(s);
        return e;
    }
    count_units(s);
    *out = s;
    return OK;
}

void summary_free(struct summary *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->line_count; i++) {
        free(s->lines[i].breakdown);
        free(s->lines[i].comment);
    }
    for (size_t i = 0; i < s->return_count; i++)
        free(s->returns[i].text);
    free(s->lines);
    free(s->units);
    free(s->sources);
    free(s->returns);
    free(s->apart);
    roster_free(s->roster);
    free(s);
}
