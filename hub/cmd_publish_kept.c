/* publish --list, --show: what left the office, as it left. */
#include "hub/cmd_publish.h"

#include "hub/commands.h"
#include "hub/evaluate.h"
#include "protocol/figures_show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 4096u

/* ---- the list ---- */

struct listing {
    struct table *table;
    enum table_format format;
};

static enum err put_publication(void *ctx, const struct publication_row *r)
{
    const struct listing *l = ctx;
    char id[24], when[64], lines[24], shown[24], hidden[24];
    const char *cells[] = {
        id, when, r->head.programme, r->head.period, r->head.audience, r->head.school, lines, shown, hidden, r->by};

    (void)snprintf(id, sizeof(id), "%" PRIu64, r->id);
    command_time(when, sizeof(when), r->wall_ms, l->format);
    (void)snprintf(lines, sizeof(lines), "%u", r->summary.lines);
    (void)snprintf(shown, sizeof(shown), "%u", r->summary.shown);
    (void)snprintf(hidden, sizeof(hidden), "%u", r->summary.primary + r->summary.inputs + r->summary.extra);
    return table_row(l->table, cells);
}

enum err publish_list(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {
        {"id", _("Number"), TABLE_RIGHT, true},           {"time", _("Published"), TABLE_LEFT, false},
        {"programme", _("Programme"), TABLE_LEFT, false}, {"period", _("Period"), TABLE_LEFT, false},
        {"audience", _("For"), TABLE_LEFT, false},        {"school", _("School"), TABLE_LEFT, false},
        {"lines", _("Lines"), TABLE_RIGHT, true},         {"shown", _("Shown"), TABLE_RIGHT, true},
        {"hidden", _("Hidden"), TABLE_RIGHT, true},       {"by", _("By"), TABLE_LEFT, false}};
    struct listing l = {.format = f};
    struct store_txn *t = NULL;
    enum err e = table_new(&l.table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = publications_each(h, t, put_publication, &l);
    store_abort(t);
    return command_print(l.table, f, e);
}

/* ---- for people ---- */

struct printing {
    const struct programme *programme; /* NULL: the hub has it no more */
    int32_t last_day;                  /* of the period */
    struct table *table;
};

static const char *status_word(const char *status)
{
    if (strcmp(status, "below") == 0)
        return _("below the target");
    if (strcmp(status, "within") == 0)
        return _("within the target");
    if (strcmp(status, "above") == 0)
        return _("above the target");
    return "";
}

/* "35.714286" to as many places as the programme shows. */
static void put_number(struct buf *out, const char *text, unsigned places)
{
    struct result r;

    if (publication_value(text, &r))
        result_put_value(out, &r, places);
    cli_localise(out);
}

static enum err put_row(void *ctx, const char *const cells[PUBLICATION_COLUMNS])
{
    struct printing *p = ctx;
    const struct indicator *i =
        publication_indicator(p->programme, cells[PUBLICATION_INDICATOR], cells[PUBLICATION_BREAKDOWN], p->last_day);
    struct buf value;
    const char *row[] = {cells[PUBLICATION_INDICATOR],
                         i == NULL ? "" : cli_pick(i->name_ru, i->name_en),
                         cells[PUBLICATION_UNIT][0] == '\0' ? _("municipality") : cells[PUBLICATION_UNIT],
                         cells[PUBLICATION_BREAKDOWN],
                         NULL,
                         cells[PUBLICATION_TARGET],
                         status_word(cells[PUBLICATION_STATUS])};
    enum err e;

    buf_init(&value, CELL_MAX);
    if (strcmp(cells[PUBLICATION_STATE], "ok") == 0) {
        put_number(&value, cells[PUBLICATION_VALUE], i == NULL ? 1 : i->shown);
        buf_printf(&value, "%s%s", cells[PUBLICATION_MEASURE][0] != '\0' ? " " : "", cells[PUBLICATION_MEASURE]);
    } else
        buf_put_str(&value, strcmp(cells[PUBLICATION_STATE], "no-data") == 0
                                ? _("no data")
                                : figures_hidden_word(cells[PUBLICATION_CLASS]));
    row[4] = buf_cstr(&value);
    e = table_row(p->table, row);
    buf_fini(&value);
    return e;
}

static enum err print_table(const struct hub *h, const struct publication_row *row, struct bytes rows)
{
    const struct table_column columns[] = {
        {"indicator", _("Indicator"), TABLE_LEFT, false}, {"name", _("Name"), TABLE_LEFT, false},
        {"unit", _("Unit"), TABLE_LEFT, false},           {"breakdown", _("Of them"), TABLE_LEFT, false},
        {"value", _("Value"), TABLE_RIGHT, false},        {"target", _("Target"), TABLE_RIGHT, false},
        {"status", _("Status"), TABLE_LEFT, false}};
    struct printing p = {.last_day = INT32_MAX};
    struct period period;
    enum err e = table_new(&p.table, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < h->programme_count; i++)
        if (strcmp(h->programmes[i]->id, row->head.programme) == 0)
            p.programme = h->programmes[i];
    if (calendar_find(h->calendar, NULL, row->head.period, &period) == OK)
        p.last_day = period.last;
    if (e == OK)
        e = publication_rows_each(rows, put_row, &p);
    return command_print(p.table, TABLE_TEXT, e);
}

void publish_say_summary(FILE *to, const struct publication_row *row)
{
    const struct publication_summary *s = &row->summary;

    (void)fprintf(to,
                  _("Lines: %u; with a value: %u, without data: %u, hidden: %u (by a rule: %u, with what they are "
                    "computed from: %u, to protect others: %u).\n"),
                  s->lines, s->shown, s->no_data, s->primary + s->inputs + s->extra, s->primary, s->inputs, s->extra);
    (void)fprintf(to,
                  _("Numbers that must not be found out: %u; checked against all that was published, for "
                    "everybody and for each of %u schools that knows its own: all safe.\n"),
                  s->targets, s->readers);
}

enum err publish_print(const struct hub *h, const struct publication_row *row, const struct publication_tables *tables,
                       enum table_format f)
{
    const struct buf *b = f == TABLE_CSV ? &tables->csv : &tables->json;
    enum err e;

    if (f != TABLE_TEXT)
        return fwrite(b->data, 1, b->len, stdout) == b->len && fflush(stdout) == 0
                   ? OK
                   : err_errno(ERR_IO, errno, "%s", "stdout");
    if ((e = print_table(h, row, bytes_of(tables->rows.data, tables->rows.len))) == OK)
        publish_say_summary(stdout, row);
    return e;
}

/* ---- files ---- */

static void make_path(char *out, size_t size, const char *dir, const struct publication_head *head, const char *ending)
{
    int at = snprintf(out, size, "%s/", dir);
    size_t from = at < 0 || (size_t)at >= size ? size - 1 : (size_t)at;

    (void)snprintf(out + from, size - from, "%s-%s-%s%s%s%s", head->programme, head->period, head->audience,
                   head->school[0] != '\0' ? "-" : "", head->school, ending);
    for (char *p = out + from; *p != '\0'; p++)
        if (*p == '/')
            *p = '-';
}

enum err publish_write(const char *dir, const struct publication_row *row, const struct publication_tables *tables)
{
    const struct {
        const char *ending;
        struct bytes bytes;
    } files[] = {{".csv", bytes_of(tables->csv.data, tables->csv.len)},
                 {".json", bytes_of(tables->json.data, tables->json.len)},
                 {".signed", row->object}};
    char path[4096];
    enum err e = OK;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && e == OK; i++) {
        make_path(path, sizeof(path), dir, &row->head, files[i].ending);
        e = cli_write_file(path, files[i].bytes.p, files[i].bytes.len, 0644, true);
        if (e == OK)
            (void)fprintf(stderr, _("written: %s\n"), path);
    }
    return e;
}

/* ---- one of them ---- */

enum err publish_show(struct hub *h, const char *id, const char *out_dir, enum table_format f)
{
    struct publication_tables tables;
    struct publication_row row;
    struct store_txn *t = NULL;
    int64_t number = 0;
    enum err e = command_number(&number, "show", id, 1, INT64_MAX);

    publication_tables_init(&tables);
    if (e == OK)
        e = command_note(h, AUDIT_PUBLISH_OUT, "", "number=%lld", (long long)number);
    if (e == OK && (e = store_begin_read(h->store, &t)) == OK &&
        (e = publication_get(h, t, (uint64_t)number, &row)) == OK && (e = publication_read(t, &row, &tables)) == OK)
        e = out_dir == NULL ? publish_print(h, &row, &tables, f) : publish_write(out_dir, &row, &tables);
    store_abort(t);
    publication_tables_fini(&tables);
    return e;
}
