#include "hub/cmd_indicators_past.h"

#include "hub/commands.h"
#include "hub/comments.h"
#include "hub/snapshot.h"

#include <stdio.h>
#include <string.h>

/* ---- --as-of ---- */

enum err past_source(struct checkpoint_view *view, struct store_txn *t, const char *date, struct cell_source *out)
{
    char text[11];
    int32_t day;
    enum err e;

    if (date_parse_local(&day, date, strlen(date)) != OK)
        return err_set(ERR_USAGE, _("--as-of: a date is expected, such as 2020-10-01 (found: %.40s)"), date);
    if ((e = checkpoint_source(view, t, day, out)) != OK)
        return e;
    date_format(text, view->mark.day);
    (void)fprintf(stderr, _("As it was at the checkpoint of %s.\n"), text);
    return OK;
}

/* ---- --snapshot ---- */

/* As it was computed then. */
static struct result result_of(const struct snapshot_line *l)
{
    return (struct result){.state = l->is_ok ? RESULT_OK : RESULT_NO_DATA,
                           .value = l->value,
                           .has_fraction = l->has_fraction,
                           .has_denominator = l->has_denominator,
                           .numerator = l->numerator,
                           .denominator = l->denominator,
                           .fraction_places = l->places};
}

struct listing {
    const struct hub *hub;
    const struct indicator_query *q;
    struct table *table;
    enum table_format format;
    struct store_txn *t;
    struct comment comment;
};

/* Of today: what is written beside a frozen value may be mended. */
static enum err take_comment(struct listing *out, const struct snapshot_line *l)
{
    const struct comment_place at = {.programme = l->programme,
                                     .indicator = l->indicator,
                                     .period = out->q->period,
                                     .unit = l->unit,
                                     .breakdown = l->breakdown};
    enum err e = comment_get(out->t, &at, &out->comment);

    if (e == ERR_NOT_FOUND) {
        out->comment.text[0] = '\0';
        e = OK;
    }
    return e;
}

static bool is_wanted(const struct indicator_query *q, const struct snapshot_line *l)
{
    int level = l->is_municipality ? LEVEL_MUNICIPALITY : LEVEL_UNIT;

    return (q->programme == NULL || strcmp(q->programme, l->programme) == 0) &&
           (q->indicator == NULL || strcmp(q->indicator, l->indicator) == 0) &&
           (q->unit == NULL || strcmp(q->unit, l->unit) == 0) && (q->level < 0 || q->level == level);
}

static enum err put_program_line(struct listing *out, const struct snapshot_line *l)
{
    const struct result r = result_of(l);
    struct buf value, numerator, denominator;
    char n[24], reported[24], expected[24];
    const char *cells[] = {l->programme,
                           l->indicator,
                           l->is_municipality ? "municipality" : "unit",
                           l->unit,
                           out->q->period,
                           l->breakdown,
                           NULL,
                           NULL,
                           NULL,
                           n,
                           l->is_ok ? "ok" : "no-data",
                           l->target,
                           l->target_status,
                           cli_pick(l->unit_ru, l->unit_en),
                           reported,
                           expected,
                           l->version,
                           out->comment.text};
    enum err e = take_comment(out, l);

    if (e != OK)
        return e;
    buf_init(&value, 256);
    buf_init(&numerator, 256);
    buf_init(&denominator, 256);
    result_put_value(&value, &r, 6);
    result_put_numerator(&numerator, &r);
    result_put_denominator(&denominator, &r);
    cells[6] = buf_cstr(&value);
    cells[7] = buf_cstr(&numerator);
    cells[8] = buf_cstr(&denominator);
    (void)snprintf(n, sizeof(n), "%llu", (unsigned long long)l->n);
    (void)snprintf(reported, sizeof(reported), "%llu", (unsigned long long)l->reported);
    (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)l->expected);
    e = value.failed || numerator.failed || denominator.failed ? ERR_NOMEM : table_row(out->table, cells);
    buf_fini(&value);
    buf_fini(&numerator);
    buf_fini(&denominator);
    return e;
}

/* As it is called today, if the programme still has it. */
static const char *name_of(const struct hub *h, const struct snapshot_line *l)
{
    for (size_t i = 0; i < h->programme_count; i++) {
        int32_t at = strcmp(h->programmes[i]->id, l->programme) == 0
                         ? programme_find_indicator(h->programmes[i], l->indicator, l->part)
                         : -1;

        if (at >= 0)
            return cli_pick(h->programmes[i]->indicators[at]->name_ru, h->programmes[i]->indicators[at]->name_en);
    }
    return "";
}

static enum err put_row(struct listing *out, const struct snapshot_line *l)
{
    const struct result r = result_of(l);
    char n[32];
    struct buf value;
    const char *measure = cli_pick(l->unit_ru, l->unit_en);
    const char *cells[] = {
        l->indicator, name_of(out->hub, l), l->is_municipality ? _("municipality") : l->unit, l->breakdown, NULL, n,
        l->target,    out->comment.text};
    enum err e = take_comment(out, l);

    if (e != OK)
        return e;
    buf_init(&value, 4096);
    if (l->is_ok) {
        result_put_value(&value, &r, l->shown);
        cli_localise(&value);
        buf_printf(&value, "%s%s", measure[0] != '\0' ? " " : "", measure);
    } else
        buf_put_str(&value, l->why_not[0] != '\0' ? _(l->why_not) : _("no data"));
    cli_format_count(n, sizeof(n), l->n);
    cells[4] = buf_cstr(&value);
    e = table_row(out->table, cells);
    buf_fini(&value);
    return e;
}

static enum err put_line(void *ctx, const struct snapshot_line *l)
{
    struct listing *out = ctx;

    if (!is_wanted(out->q, l))
        return OK;
    return out->format == TABLE_TEXT ? put_row(out, l) : put_program_line(out, l);
}

static void say_head(const struct snapshot_head *head)
{
    char when[64];

    command_time(when, sizeof(when), head->wall_ms, TABLE_TEXT);
    (void)fprintf(stderr, _("As it was frozen when the period %s was closed: %s.\n"), head->period, when);
}

enum err past_show_snapshot(struct hub *h, const struct indicator_query *q, const char *group,
                            const struct table_column *program_columns, size_t count, enum table_format f)
{
    const struct table_column columns[] = {
        {"indicator", _("Indicator"), TABLE_LEFT, false}, {"name", _("Name"), TABLE_LEFT, false},
        {"unit", _("Unit"), TABLE_LEFT, false},           {"breakdown", _("Of them"), TABLE_LEFT, false},
        {"value", _("Value"), TABLE_RIGHT, false},        {"n", _("Submissions"), TABLE_RIGHT, false},
        {"target", _("Target"), TABLE_RIGHT, false},      {"comment", _("Comment"), TABLE_LEFT, false}};
    struct listing out = {.hub = h, .q = q, .format = f};
    struct snapshot_head head;
    struct store_txn *t = NULL;
    enum err e;

    if (q->period == NULL)
        return err_set(ERR_USAGE, _("--snapshot needs --period: which closed period is meant?"));
    if ((e = store_begin_read(h->store, &t)) == OK)
        e = f == TABLE_TEXT
                ? table_new(&out.table, columns, sizeof(columns) / sizeof(columns[0]) - (comments_are_there(t) ? 0 : 1))
                : table_new(&out.table, program_columns, count);
    out.t = t;
    if (e == OK && (e = snapshot_each(h, t, q->period, group, &head, put_line, &out)) == OK)
        say_head(&head);
    store_abort(t);
    if (e == OK)
        command_mark_internal();
    return command_print(out.table, f, e);
}
