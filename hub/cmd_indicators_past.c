#include "hub/cmd_indicators_past.h"

#include "hub/commands.h"
#include "hub/snapshot.h"

#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 48u

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

/* ---- numbers of a snapshot ---- */

/* v / 10^places, with all places or without needless zeros. */
static void put_decimal(char out[DIGITS_MAX], snapshot_int v, unsigned places, bool is_short)
{
    char digits[DIGITS_MAX];
    size_t n = sizeof(digits);
    unsigned __int128 u = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;

    while (is_short && places > 0 && u % 10 == 0) {
        u /= 10;
        places--;
    }
    digits[--n] = '\0';
    for (unsigned at = 0; at <= places || u > 0; at++) {
        if (at > 0 && at == places)
            digits[--n] = '.';
        digits[--n] = (char)('0' + (int)(u % 10));
        u /= 10;
    }
    if (v < 0)
        digits[--n] = '-';
    memcpy(out, digits + n, sizeof(digits) - n);
}

/* Millionths to so many places, half up. */
static void put_rounded(char out[DIGITS_MAX], snapshot_int millionths, unsigned places)
{
    snapshot_int scale = 1;
    snapshot_int rounded;

    for (unsigned i = places; i < 6; i++)
        scale *= 10;
    rounded = millionths >= 0 ? (2 * millionths + scale) / (2 * scale) : -((-2 * millionths + scale - 1) / (2 * scale));
    put_decimal(out, rounded, places < 6 ? places : 6, false);
}

/* ---- --snapshot ---- */

struct listing {
    const struct hub *hub;
    const struct indicator_query *q;
    struct table *table;
    enum table_format format;
};

static bool is_wanted(const struct indicator_query *q, const struct snapshot_line *l)
{
    int level = l->is_municipality ? LEVEL_MUNICIPALITY : LEVEL_UNIT;

    return (q->programme == NULL || strcmp(q->programme, l->programme) == 0) &&
           (q->indicator == NULL || strcmp(q->indicator, l->indicator) == 0) &&
           (q->unit == NULL || strcmp(q->unit, l->unit) == 0) && (q->level < 0 || q->level == level);
}

static enum err put_program_line(struct listing *out, const struct snapshot_line *l)
{
    char value[DIGITS_MAX] = "", numerator[DIGITS_MAX] = "", denominator[DIGITS_MAX] = "";
    char n[24], reported[24], expected[24];
    const char *cells[] = {l->programme,
                           l->indicator,
                           l->is_municipality ? "municipality" : "unit",
                           l->unit,
                           out->q->period,
                           l->breakdown,
                           value,
                           numerator,
                           denominator,
                           n,
                           l->is_ok ? "ok" : "no-data",
                           l->target,
                           l->target_status,
                           cli_pick(l->unit_ru, l->unit_en),
                           reported,
                           expected,
                           l->version};

    if (l->is_ok)
        put_decimal(value, l->value, 6, false);
    if (l->has_fraction)
        put_decimal(numerator, l->numerator, l->places, true);
    if (l->has_denominator)
        put_decimal(denominator, l->denominator, l->places, true);
    (void)snprintf(n, sizeof(n), "%llu", (unsigned long long)l->n);
    (void)snprintf(reported, sizeof(reported), "%llu", (unsigned long long)l->reported);
    (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)l->expected);
    return table_row(out->table, cells);
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
    char number[DIGITS_MAX], n[32];
    struct buf value;
    const char *measure = cli_pick(l->unit_ru, l->unit_en);
    const char *cells[] = {
        l->indicator, name_of(out->hub, l), l->is_municipality ? _("municipality") : l->unit, l->breakdown, NULL, n,
        l->target};
    enum err e;

    buf_init(&value, 4096);
    if (l->is_ok) {
        put_rounded(number, l->value, l->shown);
        buf_put_str(&value, number);
        command_localise(&value);
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
        {"target", _("Target"), TABLE_RIGHT, false}};
    struct listing out = {.hub = h, .q = q, .format = f};
    struct snapshot_head head;
    struct store_txn *t = NULL;
    enum err e;

    if (q->period == NULL)
        return err_set(ERR_USAGE, _("--snapshot needs --period: which closed period is meant?"));
    e = f == TABLE_TEXT ? table_new(&out.table, columns, sizeof(columns) / sizeof(columns[0]))
                        : table_new(&out.table, program_columns, count);
    if (e == OK && (e = store_begin_read(h->store, &t)) == OK &&
        (e = snapshot_each(h, t, q->period, group, &head, put_line, &out)) == OK)
        say_head(&head);
    store_abort(t);
    if (e == OK)
        command_mark_internal();
    return command_print(out.table, f, e);
}
