#include "hub/indicators_internal.h"

#include "hub/units.h"

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

/* indicator digest 16 | unit 0 | period 0 | breakdown */
static bool split_key(struct bytes key, const char **unit, const char **period, char breakdown[STORE_KEY_MAX + 1])
{
    const char *p = (const char *)key.p + INDICATOR_DIGEST_BYTES;
    const char *end = (const char *)key.p + key.len;
    const char *zero = memchr(p, 0, (size_t)(end - p));

    *unit = p;
    if (zero == NULL || (zero = memchr(*period = zero + 1, 0, (size_t)(end - zero - 1))) == NULL)
        return false;
    memcpy(breakdown, zero + 1, (size_t)(end - zero - 1));
    breakdown[end - zero - 1] = '\0';
    return true;
}

static enum err read_cells(struct store_txn *t, const struct indicator_query *q, const struct indicator_line *of,
                           struct lines *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    char breakdown[STORE_KEY_MAX + 1];
    const uint8_t *digest_of = of->indicator->digest;
    enum err e = store_cursor_open(t, H_CELLS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of(digest_of, INDICATOR_DIGEST_BYTES), &key, &value);
         e == OK && memcmp(key.p, digest_of, INDICATOR_DIGEST_BYTES) == 0; e = store_next(c, &key, &value)) {
        struct indicator_line line = *of;
        const char *unit;
        const char *period;

        if (!split_key(key, &unit, &period, breakdown)) {
            e = err_set(ERR_CORRUPT, "a cell of indicator %s is damaged", of->indicator->id);
            break;
        }
        if (q->period != NULL && strcmp(q->period, period) != 0)
            continue;
        if ((e = cell_get(&line.cell, value)) != OK || (e = add_line(out, &line, unit, period, breakdown)) != OK)
            break;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
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

static int by_period_then_breakdown(const void *a, const void *b)
{
    const struct indicator_line *x = &((const struct item *)a)->line;
    const struct indicator_line *y = &((const struct item *)b)->line;
    int order = strcmp(x->period, y->period);

    return order != 0 ? order : strcmp(x->breakdown, y->breakdown);
}

struct reading {
    struct lines units, all, empty;
    struct hub *hub;
    const struct indicator_query *query;
    struct roster *roster;
    const struct form *form; /* of the indicator at hand; NULL: no such form is loaded */
    /* Of whom that form is expected in the period asked about last: lines come sorted by period. */
    struct units *expected;
    const struct form *expected_form;
    char expected_in[PERIOD_ID_MAX + 1];
};

/* Sets r->expected for the indicator's form and this period. */
static enum err expect_in(struct reading *r, const char *period)
{
    struct period p;
    bool is_known;

    if (r->expected != NULL && r->expected_form == r->form && strcmp(r->expected_in, period) == 0)
        return OK;
    units_free(r->expected);
    r->expected = NULL;
    r->expected_form = r->form;
    (void)snprintf(r->expected_in, sizeof(r->expected_in), "%s", period);
    is_known = form_period(r->form, r->hub->calendar, period, &p) == OK;
    return units_expected(&r->expected, r->hub, r->roster, r->form, is_known ? &p : NULL);
}

/* Orders `units` by period and breakdown on the way. */
static enum err pool(struct reading *r)
{
    struct lines *units = &r->units;
    enum err e = OK;

    if (units->count > 0)
        qsort(units->items, units->count, sizeof(*units->items), by_period_then_breakdown);
    for (size_t i = 0; i < units->count && e == OK;) {
        struct indicator_line sum = units->items[i].line;
        size_t j = i + 1;

        for (; j < units->count && by_period_then_breakdown(&units->items[i], &units->items[j]) == 0; j++) {
            const struct cell *c = &units->items[j].line.cell;

            sum.cell.numerator += c->numerator;
            sum.cell.denominator += c->denominator;
            sum.cell.n += c->n;
        }
        sum.level = LEVEL_MUNICIPALITY;
        sum.reported = j - i;
        if (r->form != NULL && (e = expect_in(r, sum.period)) != OK)
            return e;
        sum.expected = r->form != NULL ? units_count(r->expected) : 0;
        e = add_line(&r->all, &sum, "", sum.period, sum.breakdown);
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

static bool is_there(const struct lines *sorted, const struct indicator_line *l)
{
    struct item wanted = {.line = *l};

    return sorted->count > 0 && bsearch(&wanted, sorted->items, sorted->count, sizeof(wanted), by_period) != NULL;
}

/* Lines without data for one period: of whom the form is expected, and of the municipality when nobody sent. */
static enum err add_empty(struct reading *r, const struct indicator_line *of, const char *period)
{
    struct indicator_line line = *of;
    enum err e = expect_in(r, period);

    line.reported = 0;
    line.period = period;
    line.breakdown = "";
    for (size_t n = 0; e == OK && n < units_count(r->expected); n++) {
        line.unit = units_at(r->expected, n);
        if (!is_there(&r->all, &line))
            e = add_line(&r->empty, &line, line.unit, period, "");
    }
    line.unit = "";
    line.level = LEVEL_MUNICIPALITY;
    line.expected = e == OK ? units_count(r->expected) : 0;
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

static enum err read_lines(struct reading *r, struct store_txn *t, const struct indicator_line *of)
{
    enum err e;

    lines_reset(&r->units);
    lines_reset(&r->all);
    lines_reset(&r->empty);
    if ((e = read_cells(t, r->query, of, &r->units)) != OK)
        return e;
    fix_texts(&r->units);
    for (size_t n = 0; n < r->units.count && e == OK; n++) {
        const struct indicator_line *l = &r->units.items[n].line;

        e = add_line(&r->all, l, l->unit, l->period, l->breakdown);
    }
    if (e == OK)
        e = pool(r);
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
    enum err e;

    r->form = hub_form_by_id(r->hub, i->form);
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
    enum err e = roster_load(&r.roster, h, t);

    if (e != OK)
        return e;
    lines_init(&r.units);
    lines_init(&r.all);
    lines_init(&r.empty);
    for (size_t p = 0; p < h->programme_count && e == OK; p++) {
        const struct programme *prog = h->programmes[p];

        if (q->programme != NULL && strcmp(q->programme, prog->id) != 0)
            continue;
        for (size_t i = 0; i < prog->indicator_count && e == OK; i++)
            if (q->indicator == NULL || strcmp(q->indicator, prog->indicators[i]->id) == 0)
                e = read_one(&r, t, prog, prog->indicators[i], each, ctx);
    }
    lines_fini(&r.units);
    lines_fini(&r.all);
    lines_fini(&r.empty);
    units_free(r.expected);
    roster_free(r.roster);
    return e;
}
