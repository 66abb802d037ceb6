#include "hub/commands.h"

#include "common/handout.h"
#include "hub/closing.h"
#include "hub/cmd_indicators_fill.h"
#include "hub/cmd_indicators_past.h"
#include "hub/cmd_indicators_print.h"
#include "hub/evaluate.h"
#include "hub/indicator_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was asked ---- */

static const char *const level_names[] = {[LEVEL_UNIT] = "unit", [LEVEL_MUNICIPALITY] = "municipality"};

static enum err no_such(const char *what, const char *typed, const char *near)
{
    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\"; did you mean \"%s\"?"), what, typed, near);
    return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\""), what, typed);
}

static enum err find_programme(const struct hub *h, const char *id)
{
    const char **names = calloc(h->programme_count + 1, sizeof(*names));
    enum err e = names == NULL ? ERR_NOMEM : ERR_NOT_FOUND;

    for (size_t i = 0; names != NULL && i < h->programme_count; i++) {
        names[i] = h->programmes[i]->id;
        if (strcmp(names[i], id) == 0)
            e = OK;
    }
    if (e == ERR_NOT_FOUND)
        e = no_such(_("programme"), id, cli_nearest(id, names, h->programme_count));
    free(names);
    return e;
}

static enum err find_indicator(const struct hub *h, const char *programme, const char *id)
{
    const char *near = NULL;

    for (size_t p = 0; p < h->programme_count; p++) {
        const struct programme *prog = h->programmes[p];

        if (programme != NULL && strcmp(programme, prog->id) != 0)
            continue;
        for (size_t i = 0; i < prog->indicator_count; i++) {
            const char *name = prog->indicators[i]->id;

            if (strcmp(name, id) == 0)
                return OK;
            if (near == NULL)
                near = cli_nearest(id, &name, 1);
        }
    }
    return no_such(_("indicator"), id, near);
}

static enum err read_level(const char *text, int *level)
{
    *level = -1;
    if (text == NULL)
        return OK;
    for (int i = LEVEL_UNIT; i <= LEVEL_MUNICIPALITY; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *level = i;
            return OK;
        }
    return err_set(ERR_USAGE, _("--level: unit or municipality is expected (found: %s)"), text);
}

/* Names that do not exist are a mistake, not an empty list. */
static enum err check_query(struct hub *h, struct indicator_query *q, struct period *period)
{
    enum err e = OK;

    if (q->programme != NULL)
        e = find_programme(h, q->programme);
    if (e == OK && q->indicator != NULL)
        e = find_indicator(h, q->programme, q->indicator);
    if (e == OK && q->unit != NULL)
        e = command_unit(h, q->unit);
    if (e == OK && q->period != NULL && (e = command_period(h, q->period, period)) == OK)
        q->period = period->id;
    return e;
}

/* ---- for programs: the columns are a contract (docs/indicators.md) ---- */

#define PROGRAM_COLUMNS (INDICATOR_COLUMN_COUNT + 1u)
#define COLUMNS         11u /* for people; the comment is the last one and is left out where there is none at all */

struct listing {
    struct table *table;
    enum table_format format;
    struct evaluation *e;
    uint64_t lines;
    struct buf value, numerator, denominator, target;
    struct comment comment;
    char last[FORM_NAME_MAX + PART_MAX + PERIOD_ID_MAX + 8]; /* indicator and period of the line before */
    char last_id[FORM_NAME_MAX + 1];
    /* which periods are closed */
    struct store_txn *t;
    uint64_t until;                    /* the newest entry that counts */
    char looked_up[PERIOD_ID_MAX + 1]; /* the period last looked up: lines come sorted by it */
    bool is_closed;
    struct buf open; /* ids of periods with values that may still change, each once: char[PERIOD_ID_MAX + 1] */
};

static const struct table_column program_columns[PROGRAM_COLUMNS] = {INDICATOR_COLUMNS,
                                                                     {"comment", "comment", TABLE_LEFT, false}};

static void reset(struct listing *out)
{
    buf_reset(&out->value);
    buf_reset(&out->numerator);
    buf_reset(&out->denominator);
    buf_reset(&out->target);
}

static enum err put_cells(struct listing *out, const char *const *cells)
{
    out->lines++;
    return out->value.failed || out->numerator.failed || out->denominator.failed || out->target.failed
               ? ERR_NOMEM
               : table_row(out->table, cells);
}

/* A period is closed for an indicator when it is closed with all forms: then its values may be published. */
static enum err look_up(struct listing *out, const struct period *p)
{
    uint64_t lsn = 0;
    enum err e;

    if (strcmp(out->looked_up, p->id) == 0)
        return OK;
    if ((e = closing_is_closed(out->t, p->id, "", &out->is_closed, &lsn)) != OK)
        return e;
    out->is_closed = out->is_closed && lsn <= out->until;
    (void)snprintf(out->looked_up, sizeof(out->looked_up), "%s", p->id);
    return OK;
}

static const char *state_word(const struct listing *out, const struct result *r)
{
    if (r->state != RESULT_OK)
        return "no-data";
    return out->is_closed ? "ok" : "provisional";
}

static enum err put_line(void *ctx, const struct indicator_line *l)
{
    struct listing *out = ctx;
    const struct indicator *i = l->indicator;
    const struct result *r = &l->result;
    char n[24], reported[24], expected[24];
    const char *cells[] = {l->programme->id,
                           i->id,
                           level_names[l->level],
                           l->unit,
                           l->period->id,
                           l->breakdown,
                           NULL,
                           NULL,
                           NULL,
                           n,
                           NULL,
                           NULL,
                           target_status_names[l->status],
                           cli_pick(i->unit_ru, i->unit_en),
                           reported,
                           expected,
                           l->programme->version,
                           out->comment.text};
    enum err e = look_up(out, l->period);

    if (e != OK || (e = comment_of_line(out->t, l, &out->comment)) != OK)
        return e;
    cells[10] = state_word(out, r);
    reset(out);
    result_put_value(&out->value, r, 6);
    result_put_numerator(&out->numerator, r);
    result_put_denominator(&out->denominator, r);
    if (l->target != NULL)
        target_put(&out->target, l->target);
    (void)snprintf(n, sizeof(n), "%llu", (unsigned long long)r->n);
    (void)snprintf(reported, sizeof(reported), "%llu", (unsigned long long)r->reported);
    (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)r->expected);
    cells[6] = buf_cstr(&out->value);
    cells[7] = buf_cstr(&out->numerator);
    cells[8] = buf_cstr(&out->denominator);
    cells[11] = buf_cstr(&out->target);
    return put_cells(out, cells);
}

/* ---- for people: what repeats is left out ---- */

static void put_value(struct listing *out, const struct indicator_line *l)
{
    if (l->result.state != RESULT_OK) {
        buf_put_str(&out->value, _(l->result.why_not));
        return;
    }
    command_value(&out->value, l->indicator, &l->result);
    command_fraction(&out->numerator, l->indicator, &l->result);
}

static enum err note_open(struct listing *out, const struct indicator_line *l)
{
    char id[PERIOD_ID_MAX + 1] = "";

    if (out->is_closed || l->result.state != RESULT_OK)
        return OK;
    for (size_t at = 0; at < out->open.len; at += sizeof(id))
        if (strcmp((const char *)out->open.data + at, l->period->id) == 0)
            return OK;
    (void)snprintf(id, sizeof(id), "%s", l->period->id);
    buf_put(&out->open, id, sizeof(id));
    return buf_status(&out->open);
}

/* Under the table: numbers that are not final. */
static void say_open(const struct listing *out)
{
    const size_t size = PERIOD_ID_MAX + 1;

    for (size_t at = 0; at < out->open.len; at += size)
        (void)printf("%s%s", at == 0 ? _("Not closed yet, so that its values may still change: ") : ", ",
                     (const char *)out->open.data + at);
    if (out->open.len > 0)
        (void)puts(".");
}

/* Indicator, name and period stand once above the lines they hold for. */
static enum err put_row(void *ctx, const struct indicator_line *l)
{
    struct listing *out = ctx;
    const struct indicator *i = l->indicator;
    char group[sizeof(out->last)];
    bool same_id = strcmp(out->last_id, i->id) == 0;
    bool same;
    char n[32];
    const char *cells[] = {i->id,
                           cli_pick(i->name_ru, i->name_en),
                           cli_pick(l->period->label_ru, l->period->label_en),
                           _("municipality"),
                           l->breakdown,
                           NULL,
                           NULL,
                           n,
                           NULL,
                           command_target_word(l->status),
                           out->comment.text};
    enum err e = look_up(out, l->period);

    if (e != OK || (e = note_open(out, l)) != OK || (e = comment_of_line(out->t, l, &out->comment)) != OK)
        return e;
    (void)snprintf(group, sizeof(group), "%s[%s]%s", i->id, i->part, l->period->id);
    same = strcmp(group, out->last) == 0;
    if (same_id)
        cells[0] = cells[1] = "";
    if (same)
        cells[2] = "";
    if (l->level == LEVEL_UNIT)
        cells[3] = roster_name(evaluation_roster(out->e), l->unit);
    reset(out);
    put_value(out, l);
    command_target(&out->target, l->target);
    cli_format_count(n, sizeof(n), l->result.n);
    cells[5] = buf_cstr(&out->value);
    cells[6] = buf_cstr(&out->numerator);
    cells[8] = buf_cstr(&out->target);
    e = put_cells(out, cells);
    memcpy(out->last, group, sizeof(group));
    (void)snprintf(out->last_id, sizeof(out->last_id), "%s", i->id);
    return e;
}

struct paper_options {
    const char *xlsx, *html, *template, *map;
};

static const char *said(const char *text)
{
    return text != NULL ? text : "";
}

/* Who looked.  A full disk does not blind the office. */
static void audit(struct hub *h, const struct indicator_query *q)
{
    if (command_note(h, AUDIT_VIEW_INDICATORS, said(q->programme), "indicator=%s\nperiod=%s\nunit=%s",
                     said(q->indicator), said(q->period), said(q->unit)) != OK)
        (void)fprintf(stderr, _("The audit could not note this: %s\n"), err_text());
}

static void listing_init(struct listing *out, enum table_format f)
{
    *out = (struct listing){.format = f};
    buf_init(&out->value, 1024);
    buf_init(&out->numerator, 1024);
    buf_init(&out->denominator, 1024);
    buf_init(&out->target, 1024);
    buf_init(&out->open, 1u << 20);
}

static void listing_fini(struct listing *out)
{
    buf_fini(&out->value);
    buf_fini(&out->numerator);
    buf_fini(&out->denominator);
    buf_fini(&out->target);
    buf_fini(&out->open);
    evaluation_free(out->e);
}

static enum err show(struct hub *h, const struct indicator_query *q, const char *as_of, enum table_format f)
{
    const struct table_column columns[COLUMNS] = {
        {"indicator", _("Indicator"), TABLE_LEFT, false}, {"name", _("Name"), TABLE_LEFT, false},
        {"period", _("Period"), TABLE_LEFT, false},       {"unit", _("Unit"), TABLE_LEFT, false},
        {"breakdown", _("Of them"), TABLE_LEFT, false},   {"value", _("Value"), TABLE_RIGHT, false},
        {"fraction", _("Out of"), TABLE_RIGHT, false},    {"n", _("Submissions"), TABLE_RIGHT, false},
        {"target", _("Target"), TABLE_RIGHT, false},      {"status", _("Reached"), TABLE_LEFT, false},
        {"comment", _("Comment"), TABLE_LEFT, false}};
    struct listing out;
    struct checkpoint_view view = {0};
    struct cell_source source;
    struct store_txn *t = NULL;
    enum err e;

    listing_init(&out, f);
    if ((e = store_begin_read(h->store, &t)) == OK)
        e = f == TABLE_TEXT ? table_new(&out.table, columns, comments_are_there(t) ? COLUMNS : COLUMNS - 1)
                            : table_new(&out.table, program_columns, PROGRAM_COLUMNS);
    if (e == OK && as_of != NULL)
        e = past_source(&view, t, as_of, &source);
    out.t = t;
    out.until = as_of != NULL ? view.mark.lsn : UINT64_MAX;
    if (e == OK && (e = evaluation_new(&out.e, h, t, as_of != NULL ? &source : NULL)) == OK)
        e = evaluation_lines(out.e, q, f == TABLE_TEXT ? put_row : put_line, &out);
    store_abort(t);
    if (e == OK) {
        audit(h, q);
        command_mark_internal();
    }
    e = command_print(out.table, f, e);
    if (e == OK)
        say_open(&out);
    if (e == OK && out.lines == 0 && f == TABLE_TEXT) /* for people: a program reads an empty list */
        (void)fprintf(stderr, "svodka-hub: %s\n",
                      _("no indicator is computed for what was asked: is the programme loaded, does it compute "
                        "anything for this period? (svodka-hub programme list; indicators without --period)"));
    listing_fini(&out);
    return e;
}

/* Nothing is written without the audit's knowing. */
static enum err write_paper(struct hub *h, const struct indicator_query *q, const struct period *p, const char *as_of,
                            const struct paper_options *o)
{
    struct indicators_paper paper = {.unit = q->unit, .as_of = as_of};
    struct summary *s = NULL;
    enum err e = indicators_gather(&s, h, q, p, as_of);

    paper.summary = s;
    if (e == OK)
        e = command_note(h, AUDIT_VIEW_INDICATORS, said(q->programme), "indicator=%s\nperiod=%s\nunit=%s\nfile=%s%s",
                         said(q->indicator), q->period, said(q->unit), o->xlsx != NULL ? "xlsx " : "",
                         o->html != NULL ? "html" : "");
    if (e == OK) {
        command_mark_internal();
        if (o->xlsx != NULL)
            e = indicators_print(&paper, o->xlsx);
        if (e == OK && o->html != NULL)
            e = indicators_print(&paper, o->html);
    }
    summary_free(s);
    return e;
}

static enum err check_paper(const struct paper_options *o, const struct indicator_query *q, const char *as_of,
                            const char *snapshot, enum table_format f)
{
    if (o->xlsx == NULL && o->html == NULL && o->template == NULL && o->map == NULL)
        return OK;
    if ((o->template != NULL) != (o->map != NULL) || (o->template != NULL && (o->xlsx == NULL || o->html != NULL)))
        return err_set(ERR_USAGE, _("--fill TEMPLATE.xlsx, --map MAP.yaml and --xlsx FILE.xlsx go together"));
    if (o->template != NULL && (q->unit != NULL || q->indicator != NULL || q->level >= 0 || as_of != NULL))
        return err_set(
            ERR_USAGE,
            _("with --fill the map says which indicators and units: only --programme and --period go with it"));
    if (q->period == NULL)
        return err_set(ERR_USAGE, "%s", _("say the period, too: --period P"));
    if (snapshot != NULL)
        return err_set(ERR_USAGE, _("--snapshot goes with --format alone, not with --xlsx and --html"));
    if (f != TABLE_TEXT)
        return err_set(ERR_USAGE, _("--format is for what is printed, not for --xlsx and --html"));
    return handout_names(o->xlsx, o->html);
}

int cmd_indicators(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *level = NULL, *as_of = NULL, *snapshot = NULL, *group = NULL;
    struct indicator_query q = {.level = -1};
    struct paper_options paper = {.xlsx = NULL};
    const struct cli_command *c = command_named("indicators");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        FORMAT_OPTION(&format),
        {"programme", 0, N_("P"), N_("of this programme only"), &q.programme},
        {"period", 0, N_("P"), N_("of this period only: its id or its label"), &q.period},
        {"level", 0, N_("LEVEL"), N_("unit or municipality (default: both)"), &level},
        {"unit", 0, N_("U"), N_("of this unit only"), &q.unit},
        {"indicator", 0, N_("I"), N_("this indicator only"), &q.indicator},
        {"as-of", 0, N_("DATE"), N_("as it was at the checkpoint of that day, or the last before"), &as_of},
        {"snapshot", 0, NULL, N_("as it was frozen when the period was closed"), &snapshot},
        {"group", 0, N_("G"), N_("with --snapshot: of this group of forms"), &group},
        {"xlsx", 0, N_("FILE"), N_("write a workbook instead"), &paper.xlsx},
        {"html", 0, N_("FILE"), N_("write a page to be printed instead"), &paper.html},
        {"fill", 0, N_("FILE"), N_("fill this workbook in, of the region or your own; needs --map and --xlsx"),
         &paper.template},
        {"map", 0, N_("FILE"), N_("with --fill: which cell gets what (docs/summary.md)"), &paper.map},
        LAST_OPTION};
    struct period period;
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK || (e = read_level(level, &q.level)) != OK)
        return cli_fail(e);
    if (as_of != NULL && snapshot != NULL)
        return cli_fail(err_set(ERR_USAGE, _("--as-of and --snapshot do not go together")));
    if ((e = check_paper(&paper, &q, as_of, snapshot, f)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) != OK || (e = check_query(h, &q, &period)) != OK)
        return command_close(h, e, false);
    if (paper.template != NULL)
        e = indicators_fill(h, &(struct indicators_fill){paper.template, paper.map, q.programme, &period}, paper.xlsx);
    else if (paper.xlsx != NULL || paper.html != NULL)
        e = write_paper(h, &q, &period, as_of, &paper);
    else if (snapshot == NULL)
        e = show(h, &q, as_of, f);
    else if ((e = past_show_snapshot(h, &q, group, program_columns, PROGRAM_COLUMNS, f)) == OK)
        audit(h, &q);
    return command_close(h, e, false);
}
