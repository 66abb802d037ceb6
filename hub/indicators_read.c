#include "hub/indicators_read.h"

#include "hub/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lines of one indicator: units as they lie in the cells, and their pooled sum for the municipality (computed on
 * reading, so that it can never disagree with its parts). */
struct item {
    struct indicator_line line;
    size_t unit, period, breakdown; /* offsets in lines.text: it moves while it grows */
};
struct lines {
    struct item *items;
    size_t count, cap;
    struct buf text;
};

static size_t keep_text(struct lines *l, const char *text)
{
    size_t at = l->text.len;

    buf_put(&l->text, text, strlen(text) + 1);
    return at;
}

/* The texts must not be of `l` itself. */
static enum err add_line(struct lines *l, const struct indicator_line *line, const char *unit, const char *period,
                         const char *breakdown)
{
    struct item *item;

    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        struct item *grown = reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    item = &l->items[l->count++];
    item->line = *line;
    item->unit = keep_text(l, unit);
    item->period = keep_text(l, period);
    item->breakdown = keep_text(l, breakdown);
    return buf_status(&l->text);
}

/* Offsets become pointers, until the next line is added. */
static void fix_texts(struct lines *l)
{
    const char *text = (const char *)l->text.data;

    for (size_t i = 0; i < l->count; i++) {
        struct item *item = &l->items[i];

        item->line.unit = text + item->unit;
        item->line.period = text + item->period;
        item->line.breakdown = text + item->breakdown;
    }
}

static void lines_reset(struct lines *l)
{
    l->count = 0;
    buf_reset(&l->text);
}

/* What one variable's cells add, a line each. */
static enum err read_variable(struct store_txn *t, const struct indicator_query *q, const struct indicator_line *of,
                              const struct variable *v, struct lines *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    char part[STORE_KEY_MAX + 1];
    enum err e = store_cursor_open(t, H_CELLS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of(v->digest, VARIABLE_DIGEST_BYTES), &key, &value);
         e == OK && memcmp(key.p, v->digest, VARIABLE_DIGEST_BYTES) == 0; e = store_next(c, &key, &value)) {
        struct indicator_line line = *of;
        struct cell_at at;
        struct cell cell;

        if ((e = cell_key_read(&at, key)) != OK || (e = cell_get(&cell, value)) != OK)
            break;
        if ((q->period != NULL && strcmp(q->period, at.period) != 0) ||
            (at.part.len > 0 && (v->kind != VARIABLE_SUM || !of->indicator->has_breakdown)))
            continue;
        (void)snprintf(part, sizeof(part), "%.*s", (int)at.part.len, (const char *)at.part.p);
        (void)indicator_add(of->programme, of->indicator, v->digest, cell.sum, (int64_t)cell.n, &line.cell);
        if ((e = add_line(out, &line, at.unit, at.period, part)) != OK)
            break;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Of each variable once, whatever its terms. */
static enum err read_linear(struct store_txn *t, const struct indicator_query *q, const struct indicator_line *of,
                            const struct linear *l, const struct linear *before, struct lines *out)
{
    enum err e = OK;

    for (uint32_t k = 0; k < l->count && e == OK; k++) {
        bool is_seen = false;

        for (uint32_t m = 0; m < k && !is_seen; m++)
            is_seen = l->terms[m].variable == l->terms[k].variable;
        for (uint32_t m = 0; before != NULL && m < before->count && !is_seen; m++)
            is_seen = before->terms[m].variable == l->terms[k].variable;
        if (!is_seen)
            e = read_variable(t, q, of, of->programme->variables[l->terms[k].variable], out);
    }
    return e;
}

static int by_period(const void *a, const void *b)
{
    const struct indicator_line *x = &((const struct item *)a)->line;
    const struct indicator_line *y = &((const struct item *)b)->line;
    int order = strcmp(x->period, y->period);

    if (order == 0)
        order = (int)x->level - (int)y->level;
    if (order == 0)
        order = strcmp(x->unit, y->unit);
    return order != 0 ? order : strcmp(x->breakdown, y->breakdown);
}

static void sort_lines(struct lines *l)
{
    fix_texts(l);
    if (l->count > 0)
        qsort(l->items, l->count, sizeof(*l->items), by_period);
}

static void add_amounts(struct amounts *to, const struct amounts *a)
{
    to->numerator += a->numerator;
    to->denominator += a->denominator;
    to->n += a->n;
}

/* Several variables of one place become one line. */
static void merge_lines(struct lines *l)
{
    size_t kept = 0;

    sort_lines(l);
    for (size_t i = 0; i < l->count; i++)
        if (kept > 0 && by_period(&l->items[kept - 1], &l->items[i]) == 0)
            add_amounts(&l->items[kept - 1].line.cell, &l->items[i].line.cell);
        else
            l->items[kept++] = l->items[i];
    l->count = kept;
}

static int by_period_then_breakdown(const void *a, const void *b)
{
    const struct indicator_line *x = &((const struct item *)a)->line;
    const struct indicator_line *y = &((const struct item *)b)->line;
    int order = strcmp(x->period, y->period);

    return order != 0 ? order : strcmp(x->breakdown, y->breakdown);
}

/* Orders `units` by period and breakdown on the way. */
static enum err pool(struct lines *units, struct lines *out, uint64_t expected)
{
    enum err e = OK;

    if (units->count > 0)
        qsort(units->items, units->count, sizeof(*units->items), by_period_then_breakdown);
    for (size_t i = 0; i < units->count && e == OK;) {
        struct indicator_line sum = units->items[i].line;
        size_t j = i + 1;

        for (; j < units->count && by_period_then_breakdown(&units->items[i], &units->items[j]) == 0; j++) {
            add_amounts(&sum.cell, &units->items[j].line.cell);
        }
        sum.level = LEVEL_MUNICIPALITY;
        sum.reported = j - i;
        sum.expected = expected;
        e = add_line(out, &sum, "", sum.period, sum.breakdown);
        i = j;
    }
    return e;
}

static bool is_wanted(const struct indicator_query *q, const struct indicator_line *l)
{
    if (q->level >= 0 && (int)l->level != q->level)
        return false;
    return q->unit == NULL || strcmp(q->unit, l->unit) == 0;
}

struct reading {
    struct lines units, all, empty;
    const struct form *form; /* of the indicator at hand */
    struct units *expected;  /* of whom it is expected; NULL: no such form is loaded */
    struct hub *hub;
    const struct indicator_query *query;
};

static bool is_there(const struct lines *sorted, const struct indicator_line *l)
{
    struct item wanted = {.line = *l};

    return sorted->count > 0 && bsearch(&wanted, sorted->items, sorted->count, sizeof(wanted), by_period) != NULL;
}

/* Lines without data for one period: of whom the form is expected, and of the municipality when nobody sent. */
static enum err add_empty(struct reading *r, const struct indicator_line *of, const char *period)
{
    struct indicator_line line = *of;
    enum err e = OK;

    line.reported = 0;
    line.period = period;
    line.breakdown = "";
    for (size_t n = 0; n < units_count(r->expected) && e == OK; n++) {
        line.unit = units_at(r->expected, n);
        if (!is_there(&r->all, &line))
            e = add_line(&r->empty, &line, line.unit, period, "");
    }
    line.unit = "";
    line.level = LEVEL_MUNICIPALITY;
    line.expected = units_count(r->expected);
    if (e == OK && !is_there(&r->all, &line))
        e = add_line(&r->empty, &line, "", period, "");
    return e;
}

/* A school that sent nothing must be seen as such in every period in which another did, and in the one asked for. */
static enum err fill_gaps(struct reading *r, const struct indicator_line *of)
{
    struct period asked;
    enum err e = OK;

    for (size_t n = 0; n < r->all.count && e == OK; n++)
        if (n == 0 || strcmp(r->all.items[n].line.period, r->all.items[n - 1].line.period) != 0)
            e = add_empty(r, of, r->all.items[n].line.period);
    if (r->all.count == 0 && r->query->period != NULL &&
        form_period(r->form, r->hub->calendar, r->query->period, &asked) == OK)
        e = add_empty(r, of, asked.id);
    fix_texts(&r->empty);
    for (size_t n = 0; n < r->empty.count && e == OK; n++) {
        const struct indicator_line *l = &r->empty.items[n].line;

        e = add_line(&r->all, l, l->unit, l->period, l->breakdown);
    }
    return e;
}

/* Most indicators are of the same form as the one before. */
static enum err expect_form(struct reading *r, struct store_txn *t, const struct form *f)
{
    struct roster *roster = NULL;
    enum err e;

    if (f == r->form)
        return OK;
    units_free(r->expected);
    r->expected = NULL;
    r->form = f;
    if (f == NULL)
        return OK;
    if ((e = roster_load(&roster, r->hub, t)) == OK)
        e = units_expected(&r->expected, r->hub, roster, f, NULL);
    roster_free(roster);
    return e;
}

static enum err read_lines(struct reading *r, struct store_txn *t, const struct indicator_line *of)
{
    enum err e;

    lines_reset(&r->units);
    lines_reset(&r->all);
    lines_reset(&r->empty);
    if ((e = read_linear(t, r->query, of, &of->indicator->numerator, NULL, &r->units)) != OK ||
        (e = read_linear(t, r->query, of, &of->indicator->denominator, &of->indicator->numerator, &r->units)) != OK)
        return e;
    merge_lines(&r->units);
    for (size_t n = 0; n < r->units.count && e == OK; n++) {
        const struct indicator_line *l = &r->units.items[n].line;

        e = add_line(&r->all, l, l->unit, l->period, l->breakdown);
    }
    if (e == OK)
        e = pool(&r->units, &r->all, r->expected == NULL ? 0 : units_count(r->expected));
    if (e != OK)
        return e;
    sort_lines(&r->all);
    if (r->form != NULL && (e = fill_gaps(r, of)) != OK)
        return e;
    sort_lines(&r->all);
    return OK;
}

static enum err read_one(struct reading *r, struct store_txn *t, const struct programme *p, const struct indicator *i,
                         enum err (*each)(void *ctx, const struct indicator_line *l), void *ctx)
{
    struct indicator_line of = {.programme = p, .indicator = i, .level = LEVEL_UNIT, .reported = 1, .expected = 1};
    enum err e = expect_form(r, t, hub_form_by_id(r->hub, indicator_form(p, i)));

    if (e == OK)
        e = read_lines(r, t, &of);
    for (size_t n = 0; n < r->all.count && e == OK; n++)
        if (is_wanted(r->query, &r->all.items[n].line))
            e = each(ctx, &r->all.items[n].line);
    return e;
}

#define TEXT_LIMIT (256u << 20)

static void lines_init(struct lines *l)
{
    memset(l, 0, sizeof(*l));
    buf_init(&l->text, TEXT_LIMIT);
}

static void lines_fini(struct lines *l)
{
    free(l->items);
    buf_fini(&l->text);
}

enum err indicators_read(struct hub *h, struct store_txn *t, const struct indicator_query *q,
                         enum err (*each)(void *ctx, const struct indicator_line *l), void *ctx)
{
    struct reading r = {.hub = h, .query = q};
    enum err e = OK;

    lines_init(&r.units);
    lines_init(&r.all);
    lines_init(&r.empty);
    for (size_t p = 0; p < h->programme_count && e == OK; p++) {
        const struct programme *prog = h->programmes[p];

        if (q->programme != NULL && strcmp(q->programme, prog->id) != 0)
            continue;
        for (size_t i = 0; i < prog->indicator_count && e == OK; i++)
            if (indicator_is_shown(prog->indicators[i]) &&
                (q->indicator == NULL || strcmp(q->indicator, prog->indicators[i]->id) == 0))
                e = read_one(&r, t, prog, prog->indicators[i], each, ctx);
    }
    lines_fini(&r.units);
    lines_fini(&r.all);
    lines_fini(&r.empty);
    units_free(r.expected);
    return e;
}
