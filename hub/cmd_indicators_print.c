#include "hub/cmd_indicators_print.h"

#include "common/clock.h"
#include "common/handout.h"
#include "hub/breakdown.h"
#include "hub/cmd_indicators_past.h"
#include "hub/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_COLUMNS 9u
#define GRID_HEADS   2u
#define GRID_MAX     4000000u /* cells of indicators x units */
#define TEXT_MAX     (1u << 20)

struct printing {
    const struct indicators_paper *p;
    const struct summary *s;
    struct handout *out;
    const struct programme *programme; /* at hand */
    bool is_only;                      /* the lines are of no other */
    struct buf text;
};

static enum handout_look look_of(const struct summary_line *l)
{
    switch (summary_reached(l)) {
    case SUMMARY_REACHED: return HANDOUT_GOOD;
    case SUMMARY_NOT_REACHED: return HANDOUT_BAD;
    case SUMMARY_UNKNOWN: return HANDOUT_UNSURE;
    case SUMMARY_NOT_JUDGED: break;
    }
    return HANDOUT_CELL;
}

static void put_text(struct printing *p, enum handout_look look)
{
    handout_text(p->out, look, buf_cstr(&p->text));
    buf_reset(&p->text);
}

static const char *name_of(const struct indicator *i)
{
    return cli_pick(i->name_ru, i->name_en);
}

/* The name once, then what is a part of it. */
static void put_name(struct printing *p, const struct summary_line *l, const struct summary_line *before)
{
    bool is_same = before != NULL && before->programme == l->programme && before->indicator == l->indicator;
    const char *parts = breakdown_to_say(l->programme, l->indicator, l->breakdown);

    if (!is_same)
        buf_put_str(&p->text, name_of(l->indicator));
    if (parts[0] != '\0') {
        buf_put_str(&p->text, is_same ? "— " : " — ");
        breakdown_put(&p->text, l->programme, l->indicator, parts);
    }
    put_text(p, HANDOUT_CELL);
}

static void put_value(struct printing *p, const struct summary_line *l, enum handout_look look)
{
    int64_t scaled;

    if (summary_number(l, &scaled)) {
        handout_number(p->out, look, scaled, l->indicator->shown);
        return;
    }
    summary_put_value(&p->text, l);
    put_text(p, look);
}

/* ---- tops and notes ---- */

static void put_top(struct printing *p, const char *sheet, const char *of)
{
    const struct summary *s = p->s;
    const char *title = cli_pick(p->programme->title_ru, p->programme->title_en);
    char when[64];

    command_time(when, sizeof(when), clock_wall_ms(), TABLE_TEXT);
    if (!p->is_only)
        buf_printf(&p->text, "%s, ", p->programme->id);
    buf_put_str(&p->text, sheet);
    handout_sheet(p->out, buf_cstr(&p->text), title);
    buf_reset(&p->text);
    buf_printf(&p->text, "%s, %s, %s", of, cli_pick(s->period.label_ru, s->period.label_en), when);
    handout_line(p->out, buf_cstr(&p->text));
    buf_reset(&p->text);
    if (p->p->as_of != NULL) {
        buf_printf(&p->text,
                   _("As it was at the checkpoint of %s, or the last one before; notes and comments are of today."),
                   p->p->as_of);
        handout_line(p->out, buf_cstr(&p->text));
        buf_reset(&p->text);
    }
    summary_put_far(&p->text, s);
    handout_line(p->out, buf_cstr(&p->text));
    buf_reset(&p->text);
}

static enum err put_note(void *ctx, const char *note)
{
    handout_line(ctx, note);
    return OK;
}

/* ---- one place: indicators, one below the other ---- */

static void put_row(struct printing *p, const struct summary_line *l, const struct summary_line *before)
{
    bool is_part = before != NULL && before->indicator == l->indicator;

    handout_row(p->out);
    put_name(p, l, before);
    handout_text(p->out, HANDOUT_CELL, is_part ? "" : l->indicator->id);
    put_value(p, l, HANDOUT_CELL);
    handout_text(p->out, HANDOUT_CELL, cli_pick(l->indicator->unit_ru, l->indicator->unit_en));
    summary_put_fraction(&p->text, l);
    put_text(p, HANDOUT_CELL);
    if (l->unit == SUMMARY_MUNICIPALITY) {
        buf_printf(&p->text, _("%llu of %llu"), (unsigned long long)l->result.reported,
                   (unsigned long long)l->result.expected);
        put_text(p, l->result.reported < l->result.expected ? HANDOUT_UNSURE : HANDOUT_CELL);
    }
    command_target(&p->text, l->target);
    put_text(p, HANDOUT_CELL);
    summary_put_status(&p->text, l);
    put_text(p, look_of(l));
    handout_text(p->out, HANDOUT_CELL, l->comment);
}

static void begin_list(struct printing *p, bool has_units)
{
    const struct handout_column all[LIST_COLUMNS] = {{.title = _("Indicator"), .width = 46},
                                                     {.title = _("Code"), .width = 11},
                                                     {.title = _("Value"), .width = 12, .is_number = true},
                                                     {.title = _("Unit of measure"), .width = 11},
                                                     {.title = _("Out of"), .width = 14},
                                                     {.title = _("Schools with data"), .width = 11},
                                                     {.title = _("Target"), .width = 11},
                                                     {.title = _("Reached"), .width = 20},
                                                     {.title = _("Comment"), .width = 40}};
    struct handout_column columns[LIST_COLUMNS];
    size_t count = 0;

    for (size_t i = 0; i < LIST_COLUMNS; i++)
        if (i != 5 || has_units)
            columns[count++] = all[i];
    handout_table(p->out, columns, count);
}

static enum err put_list(struct printing *p)
{
    const struct summary_line *before = NULL;
    bool of_unit = p->p->unit != NULL;

    for (size_t i = 0; i < p->s->line_count; i++) {
        const struct summary_line *l = &p->s->lines[i];

        if (l->programme != p->programme || (l->unit != SUMMARY_MUNICIPALITY) != of_unit)
            continue;
        if (before == NULL) {
            put_top(p, of_unit ? summary_unit_name(&p->s->units[l->unit]) : _("District"),
                    of_unit ? summary_unit_name(&p->s->units[l->unit]) : p->s->hub->conf.name);
            begin_list(p, !of_unit);
        }
        put_row(p, l, before);
        before = l;
    }
    return before == NULL ? OK : summary_notes(p->s, put_note, p->out);
}

/* ---- all units side by side: indicators x units ---- */

struct grid {
    const struct summary_line **rows; /* of each, the first line that there is */
    size_t row_count;
    uint32_t *units; /* of the columns */
    size_t unit_count;
    const struct summary_line **cells;    /* rows x units; NULL: not computed there */
    const struct summary_line **district; /* of each row; NULL: none */
};

static bool is_same_row(const struct summary_line *a, const struct summary_line *b)
{
    return a->indicator == b->indicator && strcmp(a->breakdown, b->breakdown) == 0;
}

static int by_row(const void *a, const void *b)
{
    const struct summary_line *x = *(const struct summary_line *const *)a;
    const struct summary_line *y = *(const struct summary_line *const *)b;

    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return strcmp(x->breakdown, y->breakdown);
}

/* The row of a line, by halving: they are sorted. */
static size_t row_of(const struct grid *g, const struct summary_line *l)
{
    const struct summary_line **found = bsearch(&l, g->rows, g->row_count, sizeof(const void *), by_row);

    return found == NULL ? g->row_count : (size_t)(found - g->rows);
}

/* Rows: what any unit has. */
static enum err find_rows(struct grid *g, const struct printing *p)
{
    size_t all = 0;

    if ((g->rows = calloc(p->s->line_count + 1, sizeof(const void *))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < p->s->line_count; i++)
        if (p->s->lines[i].programme == p->programme && p->s->lines[i].unit != SUMMARY_MUNICIPALITY)
            g->rows[all++] = &p->s->lines[i];
    if (all > 0)
        qsort(g->rows, all, sizeof(const void *), by_row);
    for (size_t i = 0; i < all; i++)
        if (g->row_count == 0 || !is_same_row(g->rows[g->row_count - 1], g->rows[i]))
            g->rows[g->row_count++] = g->rows[i];
    return OK;
}

static enum err fill_grid(struct grid *g, const struct printing *p)
{
    const struct summary *s = p->s;
    uint32_t *column = calloc(s->unit_count + 1, sizeof(*column));
    enum err e = OK;

    g->units = calloc(s->unit_count + 1, sizeof(*g->units));
    g->district = calloc(g->row_count + 1, sizeof(const void *));
    if (column == NULL || g->units == NULL || g->district == NULL)
        e = ERR_NOMEM;
    for (size_t i = 0; e == OK && i < s->unit_count; i++)
        if (s->units[i].has_line) {
            column[i] = (uint32_t)g->unit_count;
            g->units[g->unit_count++] = (uint32_t)i;
        }
    if (e == OK && g->unit_count > 0 && g->row_count > GRID_MAX / g->unit_count)
        e = err_set(ERR_LIMIT,
                    _("the table would have more than %u cells: ask for less, by --programme or --indicator"),
                    GRID_MAX);
    if (e == OK && (g->cells = calloc(g->row_count * g->unit_count + 1, sizeof(const void *))) == NULL)
        e = ERR_NOMEM;
    for (size_t i = 0; e == OK && i < s->line_count; i++) {
        const struct summary_line *l = &s->lines[i];
        size_t row = l->programme == p->programme ? row_of(g, l) : g->row_count;

        if (row == g->row_count)
            continue;
        if (l->unit == SUMMARY_MUNICIPALITY)
            g->district[row] = l;
        else
            g->cells[row * g->unit_count + column[l->unit]] = l;
    }
    free(column);
    return e;
}

static void put_grid_row(struct printing *p, const struct grid *g, size_t row, size_t first, size_t end)
{
    const struct summary_line *l = g->rows[row];
    const struct summary_line *district = g->district[row];
    const char *measure = cli_pick(l->indicator->unit_ru, l->indicator->unit_en);

    handout_row(p->out);
    put_name(p, l, row > 0 ? g->rows[row - 1] : NULL);
    command_target(&p->text, l->target);
    if (p->text.len > 0)
        buf_printf(&p->text, " %s", measure);
    put_text(p, HANDOUT_CELL);
    for (size_t i = first; i < end && i < g->unit_count; i++) {
        const struct summary_line *cell = g->cells[row * g->unit_count + i];

        if (cell == NULL)
            handout_text(p->out, HANDOUT_CELL, "");
        else
            put_value(p, cell, look_of(cell));
    }
    if (end <= g->unit_count)
        return;
    if (district == NULL)
        handout_text(p->out, HANDOUT_TOTAL, "");
    else
        put_value(p, district, HANDOUT_TOTAL);
}

/* Units first to end, and the district as the one after the last. */
static enum err put_grid_table(struct printing *p, const struct grid *g, size_t first, size_t end)
{
    struct handout_column *columns = calloc(GRID_HEADS + end - first, sizeof(*columns));

    if (columns == NULL)
        return ERR_NOMEM;
    columns[0] = (struct handout_column){.title = _("Indicator"), .width = 46};
    columns[1] = (struct handout_column){.title = _("Target"), .width = 11};
    for (size_t i = first; i < end; i++)
        columns[GRID_HEADS + i - first] = (struct handout_column){
            .title = i < g->unit_count ? summary_unit_name(&p->s->units[g->units[i]]) : _("District"),
            .is_number = true};
    handout_table(p->out, columns, GRID_HEADS + end - first);
    for (size_t row = 0; row < g->row_count; row++)
        put_grid_row(p, g, row, first, end);
    free(columns);
    return OK;
}

/* What the colours say, in words: who is not named there has reached the target. */
static void put_grid_notes(struct printing *p, const struct grid *g)
{
    for (size_t row = 0; row < g->row_count; row++) {
        unsigned long long reached = 0, missed = 0;
        struct buf names;

        buf_init(&names, TEXT_MAX);
        for (size_t k = 0; k < g->unit_count; k++) {
            const struct summary_line *cell = g->cells[row * g->unit_count + k];
            enum summary_reached r = cell == NULL ? SUMMARY_NOT_JUDGED : summary_reached(cell);

            reached += r == SUMMARY_REACHED ? 1 : 0;
            if (r == SUMMARY_NOT_REACHED)
                buf_printf(&names, "%s%s", missed++ > 0 ? ", " : "", summary_unit_name(&p->s->units[g->units[k]]));
        }
        if (reached + missed > 0) {
            buf_printf(&p->text, _("%s: the target is reached by %llu of %llu schools that have a value"),
                       g->rows[row]->indicator->id, reached, reached + missed);
            if (missed > 0)
                buf_printf(&p->text, _("; not by %s"), buf_cstr(&names));
            buf_put_str(&p->text, ".");
            handout_line(p->out, buf_cstr(&p->text));
            buf_reset(&p->text);
        }
        buf_fini(&names);
    }
}

/* Comments that stand at single units have no cell of their own there. */
static void put_comments(struct printing *p)
{
    for (size_t i = 0; i < p->s->line_count; i++) {
        const struct summary_line *l = &p->s->lines[i];

        if (l->programme != p->programme || l->unit == SUMMARY_MUNICIPALITY || l->comment[0] == '\0')
            continue;
        buf_printf(&p->text, "%s, %s", l->indicator->id, summary_unit_name(&p->s->units[l->unit]));
        if (l->breakdown[0] != '\0')
            buf_put_str(&p->text, ", ");
        breakdown_put(&p->text, l->programme, l->indicator, l->breakdown);
        buf_printf(&p->text, ": %s", l->comment);
        handout_line(p->out, buf_cstr(&p->text));
        buf_reset(&p->text);
    }
}

static enum err put_whole_grid(struct printing *p, const struct grid *g)
{
    size_t at_once = handout_columns_at_once(p->out) - GRID_HEADS;
    size_t all = g->unit_count + 1;
    enum err e = OK;

    put_top(p, _("By school"), p->s->hub->conf.name);
    for (size_t first = 0; first < all && e == OK; first += at_once)
        e = put_grid_table(p, g, first, all - first > at_once ? first + at_once : all);
    if (e != OK)
        return e;
    put_grid_notes(p, g);
    put_comments(p);
    return summary_notes(p->s, put_note, p->out);
}

static enum err put_grid(struct printing *p)
{
    struct grid g = {.rows = NULL};
    enum err e = find_rows(&g, p);

    if (e == OK && g.row_count > 0 && (e = fill_grid(&g, p)) == OK)
        e = put_whole_grid(p, &g);
    free(g.rows);
    free(g.units);
    free(g.cells);
    free(g.district);
    return e;
}

/* ---- the whole ---- */

enum err indicators_gather(struct summary **out, struct hub *h, const struct indicator_query *q, const struct period *p,
                           const char *as_of)
{
    struct checkpoint_view view = {0};
    struct cell_source source;
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e == OK && as_of != NULL)
        e = past_source(&view, t, as_of, &source);
    if (e == OK)
        e = summary_new(out, h, t, q, p, as_of != NULL ? &source : NULL, clock_today());
    store_abort(t);
    return e;
}

static enum err put_programmes(struct printing *p)
{
    const struct summary *s = p->s;
    enum err e = OK;

    p->is_only = s->lines[0].programme == s->lines[s->line_count - 1].programme;
    for (size_t i = 0; i < s->line_count && e == OK; i++) {
        if (s->lines[i].programme == p->programme)
            continue;
        p->programme = s->lines[i].programme;
        if ((e = put_list(p)) == OK && p->p->unit == NULL)
            e = put_grid(p);
    }
    return e;
}

enum err indicators_print(const struct indicators_paper *paper, const char *path)
{
    const struct summary *s = paper->summary;
    struct printing p = {.p = paper, .s = s};
    const char *period = cli_pick(s->period.label_ru, s->period.label_en);
    enum err e;

    if (s->line_count == 0)
        return err_set(
            ERR_NOT_FOUND,
            _("%s is not written: nothing that was asked for has a line in %s; svodka-hub indicators without "
              "--period shows what there is"),
            path, period);
    buf_init(&p.text, TEXT_MAX);
    buf_printf(&p.text, _("Indicators, %s"), period);
    e = handout_new(&p.out, path, buf_cstr(&p.text), command_internal(), clock_today());
    buf_reset(&p.text);
    if (e == OK && (e = put_programmes(&p)) == OK && (e = buf_status(&p.text)) == OK && (e = handout_save(p.out)) == OK)
        (void)fprintf(stderr, _("%s: written; it is not encrypted and for the office alone\n"), path);
    handout_free(p.out);
    buf_fini(&p.text);
    return e;
}
