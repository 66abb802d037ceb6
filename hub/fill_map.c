#include "hub/fill_map.h"

#include "common/cli.h"
#include "common/yaml.h"
#include "hub/units.h"

#include <stdlib.h>
#include <string.h>

#define NEAR_MAX 2000u

static const char *const what_names[] = {
    "value", "numerator", "denominator", "n",      "reported", "expected", "target",       "status", "comment",
    "label", "measure",   "programme",   "period", "date",     "district", "completeness", NULL};

struct map_raw {
    const char *sheet, *programme;
    const struct yaml_node *cells;
};
static const struct yaml_key MAP_KEYS[] = {
    {"sheet", YAML_WANT_TEXT, false, offsetof(struct map_raw, sheet), 0, 0, NULL},
    {"programme", YAML_WANT_NAME, false, offsetof(struct map_raw, programme), 0, 0, NULL},
    {"cells", YAML_WANT_SEQUENCE, true, offsetof(struct map_raw, cells), 0, 0, NULL},
    {NULL, YAML_WANT_NODE, false, 0, 0, 0, NULL},
};

struct cell_raw {
    const char *sheet, *cell, *programme, *indicator, *breakdown, *unit, *period;
    int what;
};
static const struct yaml_key CELL_KEYS[] = {
    {"sheet", YAML_WANT_TEXT, false, offsetof(struct cell_raw, sheet), 0, 0, NULL},
    {"cell", YAML_WANT_TEXT, true, offsetof(struct cell_raw, cell), 0, 0, NULL},
    {"what", YAML_WANT_ENUM, false, offsetof(struct cell_raw, what), 0, 0, what_names},
    {"programme", YAML_WANT_NAME, false, offsetof(struct cell_raw, programme), 0, 0, NULL},
    {"indicator", YAML_WANT_NAME, false, offsetof(struct cell_raw, indicator), 0, 0, NULL},
    {"breakdown", YAML_WANT_TEXT, false, offsetof(struct cell_raw, breakdown), 0, 0, NULL},
    {"unit", YAML_WANT_TEXT, false, offsetof(struct cell_raw, unit), 0, 0, NULL},
    {"period", YAML_WANT_TEXT, false, offsetof(struct cell_raw, period), 0, 0, NULL},
    {NULL, YAML_WANT_NODE, false, 0, 0, 0, NULL},
};

struct reader {
    struct fill_map *m;
    struct hub *h;
    const struct xlsx_book *book;
    const struct period *period;
    const char *programme;
    struct units *units;
    const struct yaml_doc *doc;
    struct report *r;
    bool is_bad;
};

#define COMPLAIN(rd, at, field, ...)                                                                                   \
    do {                                                                                                               \
        (rd)->is_bad = true;                                                                                           \
        yaml_complain((rd)->doc, at, field, (rd)->r, __VA_ARGS__);                                                     \
    } while (0)

/* The value of a key where it stands, else the whole. */
static const struct yaml_node *at_key(const struct yaml_node *mapping, const char *key)
{
    const struct yaml_node *n = yaml_get(mapping, key);

    return n != NULL ? n : mapping;
}

static void complain_near(struct reader *rd, const struct yaml_node *at, const char *what, const char *typed,
                          const char *const *names, size_t count)
{
    const char *near = cli_nearest(typed, names, count);

    if (near != NULL)
        COMPLAIN(rd, at, NULL, _("there is no %s \"%s\"; did you mean \"%s\"?"), what, typed, near);
    else
        COMPLAIN(rd, at, NULL, _("there is no %s \"%s\""), what, typed);
}

/* ---- what a cell names ---- */

static bool find_sheet(struct reader *rd, const struct yaml_node *at, const char *name, uint32_t *out)
{
    const char *names[NEAR_MAX];
    uint32_t count = xlsx_book_sheets(rd->book);
    int32_t found = name == NULL ? 0 : xlsx_book_find_sheet(rd->book, name);

    if (found >= 0) {
        *out = (uint32_t)found;
        return true;
    }
    for (uint32_t i = 0; i < count && i < NEAR_MAX; i++)
        names[i] = xlsx_book_sheet_name(rd->book, i);
    complain_near(rd, at, _("sheet"), name, names, count < NEAR_MAX ? count : NEAR_MAX);
    return false;
}

static bool find_programme(struct reader *rd, const struct yaml_node *at, const char *id, const struct programme **out)
{
    const char *names[NEAR_MAX];
    size_t count = 0;

    for (size_t i = 0; i < rd->h->programme_count; i++) {
        if (strcmp(rd->h->programmes[i]->id, id) == 0) {
            *out = rd->h->programmes[i];
            return true;
        }
        if (count < NEAR_MAX)
            names[count++] = rd->h->programmes[i]->id;
    }
    complain_near(rd, at, _("programme"), id, names, count);
    return false;
}

static bool has_indicator(const struct programme *p, const char *id)
{
    for (size_t i = 0; i < p->indicator_count; i++)
        if (strcmp(p->indicators[i]->id, id) == 0)
            return true;
    return false;
}

/* Of the programme that was named, or of the only one that has it. */
static bool find_indicator(struct reader *rd, const struct yaml_node *at, struct fill_cell *c)
{
    const char *names[NEAR_MAX];
    const struct programme *only = c->programme;
    size_t count = 0, found = 0;

    for (size_t i = 0; i < rd->h->programme_count; i++) {
        const struct programme *p = rd->h->programmes[i];

        if (only != NULL && p != only)
            continue;
        for (size_t k = 0; k < p->indicator_count && count < NEAR_MAX; k++)
            names[count++] = p->indicators[k]->id;
        if (!has_indicator(p, c->indicator))
            continue;
        c->programme = p;
        found++;
    }
    if (found == 1)
        return true;
    if (found > 1)
        COMPLAIN(rd, at, NULL, _("indicator \"%s\" stands in more than one programme; say `programme:`"), c->indicator);
    else
        complain_near(rd, at, _("indicator"), c->indicator, names, count);
    return false;
}

static bool find_unit(struct reader *rd, const struct yaml_node *at, const char *id)
{
    const char *names[NEAR_MAX];
    size_t count = units_count(rd->units);

    if (units_has(rd->units, id) || strcmp(id, UNIT_DISTRICT) == 0)
        return true;
    for (size_t i = 0; i < count && i < NEAR_MAX; i++)
        names[i] = units_at(rd->units, i);
    complain_near(rd, at, _("unit"), id, names, count < NEAR_MAX ? count : NEAR_MAX);
    return false;
}

static bool find_period(struct reader *rd, const struct yaml_node *at, const char *text, struct period *out)
{
    *out = *rd->period;
    if (text == NULL || calendar_find(rd->h->calendar, NULL, text, out) == OK)
        return true;
    COMPLAIN(rd, at, NULL, "%s", err_text());
    return false;
}

/* ---- one cell ---- */

static void read_line(struct reader *rd, const struct yaml_node *n, const struct cell_raw *raw, struct fill_cell *c)
{
    bool is_of_line = c->what < FILL_OF_LINES;

    if (is_of_line && raw->indicator == NULL) {
        COMPLAIN(rd, n, NULL, _("`indicator:` is missing: %s is said of an indicator"), what_names[c->what]);
        return;
    }
    if (!is_of_line && (raw->indicator != NULL || raw->unit != NULL || raw->breakdown != NULL))
        COMPLAIN(rd, n, NULL, _("%s is said of the whole: it has no indicator, unit or breakdown"),
                 what_names[c->what]);
    if (c->what == FILL_PROGRAMME && c->programme == NULL && rd->h->programme_count == 1)
        c->programme = rd->h->programmes[0];
    if (c->what == FILL_PROGRAMME && c->programme == NULL)
        COMPLAIN(rd, n, NULL, "%s", _("there are several programmes; say `programme:`"));
    if (raw->unit != NULL)
        (void)find_unit(rd, at_key(n, "unit"), raw->unit);
    if (is_of_line)
        (void)find_indicator(rd, at_key(n, "indicator"), c);
}

static bool is_taken(const struct fill_map *m, const struct fill_cell *c)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->cells[i].sheet == c->sheet && m->cells[i].row == c->row && m->cells[i].column == c->column)
            return true;
    return false;
}

static void read_cell(struct reader *rd, const struct yaml_node *n, const struct map_raw *map)
{
    struct cell_raw raw = {.sheet = map->sheet, .programme = map->programme};
    struct fill_cell c = {.line = n->line, .line_column = n->column};

    if (!yaml_read(rd->doc, n, CELL_KEYS, &raw, rd->r)) {
        rd->is_bad = true;
        return;
    }
    c.what = (enum fill_what)raw.what;
    c.indicator = raw.indicator;
    c.breakdown = raw.breakdown != NULL ? raw.breakdown : "";
    c.unit = raw.unit;
    if (!xlsx_cell_parse(raw.cell, &c.row, &c.column)) {
        COMPLAIN(rd, at_key(n, "cell"), "cell", "%s", _("a cell was expected, such as C7"));
        return;
    }
    if (raw.programme == NULL)
        raw.programme = rd->programme;
    if (!find_sheet(rd, at_key(n, "sheet"), raw.sheet, &c.sheet) ||
        !find_period(rd, at_key(n, "period"), raw.period, &c.period) ||
        (raw.programme != NULL && !find_programme(rd, at_key(n, "programme"), raw.programme, &c.programme)))
        return;
    read_line(rd, n, &raw, &c);
    if (is_taken(rd->m, &c))
        COMPLAIN(rd, at_key(n, "cell"), "cell", "%s", _("this cell is filled in by a line above"));
    else
        rd->m->cells[rd->m->count++] = c;
}

/* ---- the whole ---- */

static int by_place(const void *a, const void *b)
{
    const struct fill_cell *x = a, *y = b;

    if (x->sheet != y->sheet)
        return x->sheet < y->sheet ? -1 : 1;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column ? 1 : 0;
}

static enum err read_cells(struct reader *rd)
{
    struct map_raw raw = {.sheet = NULL};

    if (!yaml_read(rd->doc, yaml_root(rd->doc), MAP_KEYS, &raw, rd->r))
        return ERR_INVALID;
    if (raw.cells->count > XLSX_FILL_MAX_CELLS)
        return err_set(ERR_LIMIT, _("the map has more than %u lines"), XLSX_FILL_MAX_CELLS);
    if ((rd->m->cells = calloc((size_t)raw.cells->count + 1, sizeof(*rd->m->cells))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < raw.cells->count; i++)
        read_cell(rd, raw.cells->items[i], &raw);
    if (rd->m->count > 0)
        qsort(rd->m->cells, rd->m->count, sizeof(*rd->m->cells), by_place);
    if (!rd->is_bad && rd->m->count == 0)
        COMPLAIN(rd, raw.cells, "cells", "%s", _("the map names no cell"));
    return rd->is_bad ? ERR_INVALID : OK;
}

enum err fill_map_read(struct fill_map *out, struct hub *h, const struct xlsx_book *book, const char *file,
                       struct bytes text, const struct period *period, const char *programme, struct report *r)
{
    struct reader rd = {.m = out, .h = h, .book = book, .period = period, .programme = programme, .r = r};
    struct store_txn *t = NULL;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = yaml_parse(&out->doc, file, text.p, text.len, r)) != OK)
        return e;
    rd.doc = out->doc;
    if ((e = store_begin_read(h->store, &t)) == OK)
        e = units_known(&rd.units, h, t);
    store_abort(t);
    if (e == OK)
        e = read_cells(&rd);
    units_free(rd.units);
    return e;
}

void fill_map_fini(struct fill_map *m)
{
    free(m->cells);
    yaml_free(m->doc);
    memset(m, 0, sizeof(*m));
}
