#include "hub/cmd_indicators_fill.h"

#include "common/clock.h"
#include "common/yaml.h"
#include "hub/cmd_indicators_print.h"
#include "hub/commands.h"
#include "hub/fill_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX  (96u << 20)
#define TEXT_MAX (64u << 10)

struct filling {
    struct hub *hub;
    const struct indicators_fill *f;
    struct xlsx_book *book;
    struct fill_map map;
    struct xlsx_fill_cell *cells; /* as many as the map has; their texts are ours */
    struct report *r;
    struct store_txn *t;
    size_t at; /* cell at hand */
    bool is_found;
    struct buf text;
};

static void complain(struct filling *x, const char *fmt, const char *a, const char *b)
{
    const struct fill_cell *c = &x->map.cells[x->at];
    const struct finding where = {.file = x->f->map, .line = c->line, .column = c->line_column, .field = c->indicator};

    report_add(x->r, &where, "%s: %s %s", fmt, a, b);
}

/* ---- what a cell gets ---- */

/* What is in x->text becomes the cell's. */
static enum err set_text(struct filling *x)
{
    char *text = strdup(buf_cstr(&x->text));
    enum err e = buf_status(&x->text);

    buf_reset(&x->text);
    if (text == NULL || e != OK) {
        free(text);
        return e != OK ? e : ERR_NOMEM;
    }
    free((char *)(uintptr_t)x->cells[x->at].text);
    x->cells[x->at].text = text;
    return OK;
}

static enum err set_words(struct filling *x, const char *words)
{
    buf_put_str(&x->text, words);
    return set_text(x);
}

static enum err set_count(struct filling *x, uint64_t n)
{
    struct xlsx_fill_cell *c = &x->cells[x->at];

    c->is_number = true;
    c->scaled = n > INT64_MAX ? INT64_MAX : (int64_t)n;
    return OK;
}

/* What is in x->text is a number as programs write it; without needless zeros.  What is none stays a text. */
static enum err set_number(struct filling *x, bool is_percent)
{
    struct xlsx_fill_cell *c = &x->cells[x->at];
    int64_t scaled;

    if (decimal_parse(&scaled, buf_cstr(&x->text), x->text.len, XLSX_FILL_MAX_PLACES) != OK) {
        err_clear();
        cli_localise(&x->text);
        return set_text(x);
    }
    c->places = XLSX_FILL_MAX_PLACES;
    for (; c->places > 0 && scaled % 10 == 0; c->places--)
        scaled /= 10;
    c->is_number = true;
    c->is_percent = is_percent;
    c->scaled = scaled;
    buf_reset(&x->text);
    return OK;
}

static bool is_percent(const struct indicator *i)
{
    return i->times == 100;
}

static enum err set_value(struct filling *x, const struct indicator_line *l)
{
    const struct indicator *i = l->indicator;

    if (i->is_yes_no || (i->kind == KIND_CLASS && l->result.class_index > 0)) {
        command_value(&x->text, i, &l->result);
        return set_text(x);
    }
    result_put_value(&x->text, &l->result, 6);
    return set_number(x, is_percent(i));
}

static enum err set_target(struct filling *x, const struct indicator_line *l)
{
    const struct target *t = l->target;

    if (t == NULL || t->yes || !t->has_from || !t->has_to || t->from != t->to || t->more_than) {
        command_target(&x->text, t);
        return set_text(x);
    }
    target_put(&x->text, t);
    return set_number(x, is_percent(l->indicator));
}

static enum err set_status(struct filling *x, const struct indicator_line *l)
{
    const struct summary_line line = {.indicator = l->indicator, .result = l->result, .status = l->status};

    summary_put_status(&x->text, &line);
    return set_text(x);
}

static enum err set_comment(struct filling *x, const struct indicator_line *l)
{
    struct comment c;
    enum err e = comment_of_line(x->t, l, &c);

    return e == OK ? set_words(x, c.text) : e;
}

static enum err set_of_line(struct filling *x, const struct indicator_line *l)
{
    const struct result *r = &l->result;
    enum fill_what what = x->map.cells[x->at].what;

    if (r->state != RESULT_OK && (what == FILL_VALUE || what == FILL_NUMERATOR || what == FILL_DENOMINATOR))
        return set_words(x, _("no data"));
    switch (what) {
    case FILL_VALUE: return set_value(x, l);
    case FILL_NUMERATOR: result_put_numerator(&x->text, r); return set_number(x, false);
    case FILL_DENOMINATOR: result_put_denominator(&x->text, r); return set_number(x, false);
    case FILL_N: return set_count(x, r->n);
    case FILL_REPORTED: return set_count(x, r->reported);
    case FILL_EXPECTED: return set_count(x, r->expected);
    case FILL_TARGET: return set_target(x, l);
    case FILL_STATUS: return set_status(x, l);
    case FILL_COMMENT: return set_comment(x, l);
    case FILL_LABEL: return set_words(x, cli_pick(l->indicator->name_ru, l->indicator->name_en));
    case FILL_MEASURE: return set_words(x, cli_pick(l->indicator->unit_ru, l->indicator->unit_en));
    case FILL_PROGRAMME:
    case FILL_PERIOD:
    case FILL_DATE:
    case FILL_DISTRICT:
    case FILL_COMPLETENESS: break;
    }
    return OK;
}

static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct filling *x = ctx;

    if (strcmp(l->breakdown, x->map.cells[x->at].breakdown) != 0)
        return OK;
    x->is_found = true;
    return set_of_line(x, l);
}

/* A part that nobody has reported has no line; anything else without one is asked for in vain. */
static enum err find_line(struct filling *x, struct evaluation *e)
{
    const struct fill_cell *c = &x->map.cells[x->at];
    const struct indicator_query q = {.programme = c->programme->id,
                                      .period = c->period.id,
                                      .unit = c->unit,
                                      .indicator = c->indicator,
                                      .level = c->unit != NULL ? LEVEL_UNIT : LEVEL_MUNICIPALITY,
                                      .with_hidden = true};
    enum err err;

    x->is_found = false;
    if ((err = evaluation_lines(e, &q, take_line, x)) != OK || x->is_found)
        return err;
    if (c->breakdown[0] != '\0')
        return set_words(x, _("no data"));
    complain(x, _("the indicator has no line there"), c->unit != NULL ? c->unit : _("municipality"), c->period.id);
    return OK;
}

static enum err find_lines(struct filling *x)
{
    struct evaluation *evaluation = NULL;
    enum err e = store_begin_read(x->hub->store, &x->t);

    if (e == OK)
        e = evaluation_new(&evaluation, x->hub, x->t, NULL);
    for (x->at = 0; x->at < x->map.count && e == OK; x->at++)
        if (x->map.cells[x->at].what < FILL_OF_LINES)
            e = find_line(x, evaluation);
    evaluation_free(evaluation);
    store_abort(x->t);
    return e;
}

/* ---- what is said of the whole ---- */

static enum err set_completeness(struct filling *x)
{
    const struct fill_cell *c = &x->map.cells[x->at];
    const struct indicator_query q = {
        .programme = c->programme != NULL ? c->programme->id : NULL, .period = c->period.id, .level = -1};
    struct summary *s = NULL;
    enum err e = indicators_gather(&s, x->hub, &q, &c->period, NULL);

    if (e != OK)
        return e;
    summary_put_far(&x->text, s);
    summary_free(s);
    return set_text(x);
}

static enum err set_of_whole(struct filling *x)
{
    const struct fill_cell *c = &x->map.cells[x->at];
    char day[16];

    switch (c->what) {
    case FILL_PROGRAMME: return set_words(x, cli_pick(c->programme->title_ru, c->programme->title_en));
    case FILL_PERIOD: return set_words(x, cli_pick(c->period.label_ru, c->period.label_en));
    case FILL_DATE: cli_format_day(day, sizeof(day), clock_wall_ms()); return set_words(x, day);
    case FILL_DISTRICT: return set_words(x, x->hub->conf.name);
    case FILL_COMPLETENESS: return set_completeness(x);
    case FILL_VALUE:
    case FILL_NUMERATOR:
    case FILL_DENOMINATOR:
    case FILL_N:
    case FILL_REPORTED:
    case FILL_EXPECTED:
    case FILL_TARGET:
    case FILL_STATUS:
    case FILL_COMMENT:
    case FILL_LABEL:
    case FILL_MEASURE: break;
    }
    return OK;
}

static enum err find_all(struct filling *x)
{
    enum err e = OK;

    if ((x->cells = calloc(x->map.count + 1, sizeof(*x->cells))) == NULL)
        return ERR_NOMEM;
    for (x->at = 0; x->at < x->map.count && e == OK; x->at++) {
        const struct fill_cell *c = &x->map.cells[x->at];

        x->cells[x->at] = (struct xlsx_fill_cell){.sheet = c->sheet, .row = c->row, .column = c->column};
        e = set_words(x, "");
    }
    if (e == OK)
        e = find_lines(x);
    for (x->at = 0; x->at < x->map.count && e == OK; x->at++)
        if (x->map.cells[x->at].what >= FILL_OF_LINES)
            e = set_of_whole(x);
    return e;
}

/* ---- files ---- */

static enum err open_template(struct filling *x)
{
    void *bytes = NULL;
    size_t len = 0;
    enum err e = cli_read_file(x->f->template, XLSX_READ_MAX_BYTES, &bytes, &len);

    if (e == OK && (e = xlsx_book_open(&x->book, bytes, len)) != OK)
        e = err_prefix(e, "%s", x->f->template);
    return e;
}

static enum err read_map(struct filling *x)
{
    void *bytes = NULL;
    size_t len = 0;
    enum err e = cli_read_file(x->f->map, YAML_MAX_BYTES, &bytes, &len);

    if (e == OK)
        e = fill_map_read(&x->map, x->hub, x->book, x->f->map, bytes_of(bytes, len), x->f->period, x->f->programme,
                          x->r);
    free(bytes);
    return e;
}

/* Findings are printed; the error then says that nothing came of it. */
static enum err judge(struct filling *x, enum err e)
{
    size_t mistakes = report_errors(x->r);

    if (mistakes == 0 || (e != OK && e != ERR_INVALID && e != ERR_MALFORMED && e != ERR_LIMIT))
        return e;
    report_print(x->r, stderr);
    return err_set(ERR_INVALID, _("%s: the map has mistakes (%zu); nothing was written"), x->f->map, mistakes);
}

static enum err write_out(struct filling *x, const char *path)
{
    struct buf out;
    size_t bad = 0;
    enum err e;

    buf_init_secret(&out, OUT_MAX);
    e = xlsx_fill(x->book, x->cells, x->map.count, &out, &bad);
    if (e == ERR_INVALID) {
        const struct fill_cell *c = &x->map.cells[bad];
        char name[REPORT_CELL_MAX];

        report_cell_name(name, c->column, c->row);
        e = err_prefix(e, _("%s:%u: sheet \"%s\", cell %s"), x->f->map, c->line,
                       xlsx_book_sheet_name(x->book, c->sheet), name);
    } else if (e != OK) {
        e = err_prefix(e, "%s", x->f->template);
    }
    if (e == OK)
        e = command_note(x->hub, AUDIT_VIEW_INDICATORS, x->f->programme != NULL ? x->f->programme : "",
                         "period=%s\nfile=xlsx", x->f->period->id);
    if (e == OK && (e = cli_write_file(path, out.data, out.len, 0600, false)) == OK) {
        command_mark_internal();
        (void)fprintf(stderr, _("%s: written, %zu cells filled in; it is not encrypted and for the office alone\n"),
                      path, x->map.count);
    }
    buf_wipe(&out);
    return e;
}

enum err indicators_fill(struct hub *h, const struct indicators_fill *f, const char *path)
{
    struct filling x = {.hub = h, .f = f};
    enum err e = report_new(&x.r, 0);

    if (e != OK)
        return e;
    buf_init(&x.text, TEXT_MAX);
    if ((e = open_template(&x)) == OK) {
        if ((e = read_map(&x)) == OK)
            e = find_all(&x);
        if ((e = judge(&x, e)) == OK)
            e = write_out(&x, path);
    }
    for (size_t i = 0; x.cells != NULL && i < x.map.count; i++)
        free((char *)(uintptr_t)x.cells[i].text);
    free(x.cells);
    fill_map_fini(&x.map);
    xlsx_book_close(x.book);
    report_free(x.r);
    buf_fini(&x.text);
    return e;
}
