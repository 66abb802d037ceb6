#include "agent/import_internal.h"

#include "agent/import_columns.h"
#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define ROW_FINDINGS   FORM_MAX_FIELDS
#define PROGRESS_EVERY 4096u

struct importer {
    struct agent *a;
    struct capture *capture;
    const struct form *form;
    struct import_source *source;
    const struct import_options *o;
    struct report *r;
    struct import_result *out;
    struct headings *headings;
    struct import_columns *columns;
    struct totals *totals;
    struct key_set *keys;         /* forms with keys: row_key() of each row */
    struct buf key;               /* of the row at hand */
    struct import_units *units;   /* with a column of units */
    bool unit_is_bad;             /* of the row at hand */
    struct refused_rows *refused; /* with refused_path */
    struct queue_writer *writer;  /* opened for the first good row */
    struct import_preview *preview;
    struct report *row_report; /* what the rules say about one row; used again while it stays empty */
    struct value *values;
    uint32_t first_line;      /* of the first row */
    bool bad;                 /* a mistake that concerns more than a row */
    struct session_pool pool; /* with a session: what goes into it */
};

/* ---- one row ---- */

/* Index of the top-level field that a finding is about; "repeat[2].column" is about the repeat. */
static int32_t field_of(const struct form *f, const char *name)
{
    return name == NULL ? -1 : form_find_field(f, name, strcspn(name, "["));
}

/* Rules judged beside a cell that could not be read may complain about its absence only: those wait for it. */
static bool is_worth_telling(const struct importer *im, int32_t field, bool row_is_bad)
{
    const struct form_field *f;

    if (field < 0 || !row_is_bad)
        return true;
    f = &im->form->fields[field];
    return !import_columns_failed(im->columns, (uint32_t)field) && f->relevant == NULL && f->required_if == NULL &&
           !f->is_calculated;
}

/* "list[2].column": the list has a sheet of its own. */
static void place_in_list(const struct importer *im, struct finding *f)
{
    size_t len = strcspn(f->field, "[");

    f->column = 0;
    if (f->field[len] == '[')
        im->source->place(im->source->ctx, f->field, len, (uint32_t)strtoul(f->field + len + 1, NULL, 10), f);
}

/* Moves what the rules said to the report, each with the column of its field.  *bad when a mistake was among it. */
static enum err tell_rules(struct importer *im, bool row_is_bad, bool *bad)
{
    size_t kept = report_kept(im->row_report);

    if (kept == 0)
        return OK;
    for (size_t i = 0; i < kept; i++) {
        struct finding f = *report_at(im->row_report, i);
        int32_t field = field_of(im->form, f.field);

        if (!is_worth_telling(im, field, row_is_bad))
            continue;
        f.column = field >= 0 ? import_columns_number(im->columns, (uint32_t)field) : 0;
        if (im->source->place != NULL && field >= 0 && im->form->fields[field].type == VALUE_REPEAT)
            place_in_list(im, &f);
        *bad = *bad || !f.is_warning;
        report_add(im->r, &f, "%s", f.text);
    }
    report_free(im->row_report);
    im->row_report = NULL;
    return report_new(&im->row_report, ROW_FINDINGS);
}

static void tell_key(struct importer *im, const struct csv_row *row, uint32_t earlier)
{
    uint32_t column = import_columns_number(im->columns, (uint32_t)im->form->key);
    char value[CELL_TEXT_MAX] = "";
    struct finding f = {.file = im->source->name,
                        .line = row->line,
                        .column = column,
                        .field = im->form->fields[im->form->key].name,
                        .value = value};

    if (column > 0)
        cell_text(value, row->cells[column - 1]);
    report_add(im->r, &f, _("line %u has the same key: each key may stand in one row only"), earlier);
}

/* The key must be the first of its unit in this table. */
static enum err check_key(struct importer *im, const struct csv_row *row, bool *bad)
{
    struct bytes key;
    uint32_t earlier;
    enum err e;

    if (im->keys == NULL || im->unit_is_bad)
        return OK;
    key = row_key(im->form, im->values, capture_unit(im->capture), &im->key);
    if (key.len == 0) /* missing: the rules say so */
        return buf_status(&im->key);
    if ((e = key_set_add(im->keys, key, row->line, &earlier)) == OK && earlier != 0) {
        *bad = true;
        tell_key(im, row, earlier);
    }
    return e;
}

/* Reads and judges a row; *bad: it cannot be taken. */
static enum err judge_row(struct importer *im, const struct csv_row *row, bool *bad)
{
    struct finding where = {.file = im->source->name, .line = row->line};
    bool row_is_bad;
    enum err e = import_columns_read(im->columns, row, im->values, im->r);

    row_is_bad = e != OK;
    *bad = row_is_bad;
    if (e == ERR_MALFORMED)
        return OK;
    if (e != OK && e != ERR_INVALID)
        return e;
    if ((e = check_key(im, row, bad)) != OK)
        return e;
    e = capture_judge(im->capture, im->values, false, &where, im->row_report);
    if (e != OK && e != ERR_INVALID)
        return e;
    *bad = *bad || (e != OK && !row_is_bad);
    return tell_rules(im, row_is_bad, bad);
}

static enum err stage_answer(struct importer *im)
{
    uint8_t likeness[RECORD_DIGEST_BYTES];
    struct bytes record;
    enum err e = capture_likeness(im->capture, im->values, likeness);

    if (e != OK || (e = session_pool_liken(&im->pool, likeness)) != OK ||
        (e = capture_encode(im->capture, im->values, NULL, &record)) != OK ||
        (e = session_pool_add(&im->pool, record)) != OK)
        return e;
    im->out->queued++;
    return import_preview_row(im->preview, im->values);
}

/* What stands is read when nothing can be added to it any more. */
static enum err open_writer(struct importer *im)
{
    enum err e = queue_writer_open(&im->writer, im->a);

    return e == OK ? import_preview_begin(im->preview) : e;
}

static enum err stage(struct importer *im)
{
    struct import_result *out = im->out;
    uint64_t number = 0;
    enum err e;

    if (im->o->session != NULL)
        return stage_answer(im);
    e = im->writer != NULL ? OK : open_writer(im);
    if (e != OK || (e = capture_put(im->capture, im->writer, im->values, NULL, &number)) != OK ||
        (e = import_preview_row(im->preview, im->values)) != OK)
        return e;
    out->last = (struct record_ref){im->a->gen, number};
    if (out->queued++ == 0)
        out->first = out->last;
    return OK;
}

/* A sum among the rows would be counted as one more pupil. */
static bool is_total(struct importer *im, const struct csv_row *row, bool *bad)
{
    char value[CELL_TEXT_MAX];
    struct finding f = {.file = im->source->name, .line = row->line, .value = value};
    uint32_t cell;

    switch (totals_judge(im->totals, row, &cell)) {
    case TOTALS_NO: return false;
    case TOTALS_SKIP: im->out->totals++; return true;
    case TOTALS_SUSPECT: break;
    }
    f.column = cell + 1;
    cell_text(value, row->cells[cell]);
    report_add(im->r, &f, "%s",
               _("this looks like a row of totals: remove it, or name its first word under \"totals\" in a map"));
    *bad = true;
    return true;
}

/* Which unit the row is about; *bad: it has its one row already. */
static enum err take_unit(struct importer *im, const struct csv_row *row, bool *bad)
{
    uint32_t earlier = 0;
    enum err e;

    im->unit_is_bad = false;
    if (im->units == NULL)
        return OK;
    e = import_units_turn(im->units, row, im->source->name, im->r, &earlier);
    if (e == ERR_INVALID || e == ERR_MALFORMED) { /* what else is wrong with the row is told, too */
        im->unit_is_bad = true;
        return OK;
    }
    if (e != OK || im->form->mode != FORM_RECORD || earlier == 0)
        return e;
    import_units_tell_twice(im->units, row, im->source->name, im->r, earlier);
    *bad = true;
    return OK;
}

/* A form that is filled in once has one row. */
static bool is_one_too_many(struct importer *im, const struct csv_row *row)
{
    struct finding f = {.file = im->source->name, .line = row->line};

    if (im->out->rows == 1)
        return false;
    if (im->form->mode == FORM_RECORD && im->units == NULL)
        report_add(im->r, &f,
                   _("the form \"%s\" is filled in once for a unit and a period, and line %u has it already"),
                   im->form->id, im->first_line);
    else if (im->source->has_one_row)
        report_add(
            im->r, &f,
            _("the sheets of the lists do not say which row they belong to, so this sheet may have one row only, and "
              "line %u is that"),
            im->first_line);
    else
        return false;
    return true;
}

static enum err refuse(struct importer *im, const struct csv_row *row)
{
    im->out->refused++;
    if (im->refused != NULL)
        return refused_rows_add(im->refused, row);
    queue_writer_close(im->writer); /* it would only keep others waiting: all or none means none by now */
    im->writer = NULL;
    return OK;
}

static enum err take_row(struct importer *im, const struct csv_row *row)
{
    bool bad = false;
    enum err e = OK;

    if (is_total(im, row, &bad) && !bad)
        return OK;
    if (im->out->rows++ == 0)
        im->first_line = row->line;
    if (!bad && (e = take_unit(im, row, &bad)) != OK)
        return e;
    if (!bad && !(bad = is_one_too_many(im, row)) && (e = judge_row(im, row, &bad)) != OK)
        return e;
    if (bad || im->unit_is_bad)
        return refuse(im, row);
    /* With a mistake before, all or none means none: the rest is only looked through. */
    if (im->out->refused > 0 && im->refused == NULL)
        return OK;
    e = stage(im);
    if (e == ERR_LIMIT || e == ERR_INVALID) {
        struct finding f = {.file = im->source->name, .line = row->line};
        char text[1024];

        (void)snprintf(text, sizeof(text), "%s", err_text());
        report_add(im->r, &f, "%s", text);
        e = refuse(im, row);
    }
    return e;
}

/* ---- the table ---- */

/* What the source says about itself ends the work: after an unclosed quote nothing can be read. */
static enum err tell_source(struct importer *im, enum err e)
{
    struct finding f = {.file = im->source->name};
    char text[1024];

    if (e != ERR_MALFORMED && e != ERR_LIMIT)
        return e;
    (void)snprintf(text, sizeof(text), "%s", err_text());
    report_add(im->r, &f, "%s", text);
    im->bad = true;
    return OK;
}

static enum err tell_file(struct importer *im, const char *text)
{
    struct finding f = {.file = im->source->name};

    report_add(im->r, &f, "%s", text);
    im->bad = true;
    return OK;
}

static enum err take_headings(struct importer *im)
{
    struct csv_row row;
    enum err e = headings_find(im->headings, im->refused, &row);

    if (e == ERR_NOT_FOUND)
        return tell_file(im, _("the file is empty: a row of headings was expected"));
    if (e != OK)
        return tell_source(im, e);
    e = import_columns_bind(&im->columns, im->form, im->o->map, im->o->unit_heading, &row, im->source->name, im->r);
    if (e == OK && im->o->unit_heading != NULL)
        e = import_units_new(&im->units, im->capture, im->o->unit_heading, im->o->unit_prefix,
                             import_columns_unit(im->columns));
    im->bad = e == ERR_INVALID;
    return im->bad ? OK : e;
}

static enum err take_rows(struct importer *im)
{
    const char *doing = _("Importing:");
    struct csv_row row;
    uint64_t seen = 0;
    enum err e;

    while ((e = headings_next(im->headings, &row)) == OK) {
        if (seen == 0 && import_columns_is_labels(im->columns, &row)) {
            if (im->refused != NULL)
                refused_rows_heading(im->refused, &row);
        } else if ((e = take_row(im, &row)) != OK) {
            break;
        }
        if (++seen % PROGRESS_EVERY == 0 && im->source->offset != NULL)
            cli_progress(doing, im->source->offset(im->source->ctx), im->source->size);
    }
    cli_progress_end();
    if (e != ERR_NOT_FOUND)
        return tell_source(im, e);
    if (im->source->notes != NULL && (e = im->source->notes(im->source->ctx, im->r)) != OK) {
        im->bad = true;
        return e == ERR_INVALID ? OK : e;
    }
    return im->out->rows == 0 ? tell_file(im, _("the file has headings, but no rows below them")) : OK;
}

/* The refused rows are safe on the disk before the others are queued: none is in neither place. */
static enum err finish(struct importer *im)
{
    enum err e;

    if (im->bad || im->out->queued == 0 || (im->out->refused > 0 && im->refused == NULL)) {
        im->out->queued = 0;
        im->out->first.number = im->out->last.number = 0;
        return ERR_INVALID;
    }
    if (im->refused != NULL && !im->o->preview_only && (e = refused_rows_finish(im->refused)) != OK)
        return e;
    if ((e = import_preview_end(im->preview, im->units)) != OK)
        return e;
    import_preview_digest(im->preview, im->out->table);
    if (im->o->expected != NULL && memcmp(im->o->expected, im->out->table, sizeof(im->out->table)) != 0)
        return err_set(ERR_BUSY, _("%s was changed while you were looking at the preview; nothing was queued"),
                       im->source->name);
    if (im->o->say_preview != NULL)
        im->o->say_preview(im->o->say_ctx, im->preview);
    if (im->o->preview_only)
        return OK;
    if (im->o->session != NULL) {
        uint8_t mark[SESSION_MARK_BYTES];

        session_mark_rows(im->a, im->o->session, &im->pool, mark);
        return session_put(im->a, im->o->session, &im->pool, mark, im->o->again);
    }
    if (im->o->replace && (e = replace_rest(im->capture, im->writer, import_preview_current(im->preview), im->units,
                                            &im->out->retracted)) != OK)
        return e;
    return queue_writer_commit(im->writer);
}

static enum err run(struct importer *im)
{
    enum err e;

    if ((im->values = calloc(im->form->field_count + 1, sizeof(*im->values))) == NULL)
        return ERR_NOMEM;
    if ((e = report_new(&im->row_report, ROW_FINDINGS)) != OK || (e = totals_new(&im->totals, im->o->map)) != OK ||
        (e = headings_new(&im->headings, im->source, im->form, im->o)) != OK ||
        (im->form->key >= 0 && (e = key_set_new(&im->keys)) != OK) ||
        (e = import_preview_new(&im->preview, im->a, im->capture, im->o->unit_heading != NULL)) != OK)
        return e;
    if (im->o->refused_path != NULL &&
        (e = refused_rows_new(&im->refused, im->o->refused_path, im->o->delimiter)) != OK)
        return e;
    if ((e = take_headings(im)) != OK)
        return e;
    if (!im->bad && (e = take_rows(im)) != OK)
        return e;
    return finish(im);
}

/* Of a field, or of a column of a list: "trips[2].day". */
static const char *label_of(const void *ctx, const char *name)
{
    const struct form *f = ctx;
    const char *column = strstr(name, "].");
    int32_t at = field_of(f, name);
    const struct form_field *found = at >= 0 ? &f->fields[at] : NULL;

    if (found != NULL && column != NULL) {
        const struct form_field *list = found;

        found = NULL;
        for (uint32_t i = 0; i < list->column_count; i++)
            if (strcmp(list->columns[i].name, column + 2) == 0)
                found = &list->columns[i];
    }
    return found != NULL ? cli_pick(found->label_ru, found->label_en) : NULL;
}

enum err import_run(struct agent *a, struct capture *c, struct import_source *s, const struct import_options *o,
                    struct report *r, struct import_result *out)
{
    struct importer im = {.a = a, .capture = c, .form = capture_form(c), .source = s, .o = o, .r = r, .out = out};
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init_secret(&im.key, ROW_KEY_MAX);
    session_pool_init(&im.pool);
    if (o->replace && im.form->key < 0)
        return err_set(ERR_USAGE, _("--replace is for forms with keyed rows; \"%s\" has no key"), im.form->id);
    if (o->replace && o->refused_path != NULL)
        return err_set(ERR_USAGE, _("--replace needs the whole list, so it does not go with --accept-valid"));
    report_set_sheet(r, s->sheet);
    report_set_labels(r, label_of, im.form);
    e = run(&im);
    report_set_labels(r, NULL, NULL);
    report_set_sheet(r, NULL);
    if (im.values != NULL)
        wipe(im.values, im.form->field_count * sizeof(*im.values));
    free(im.values);
    queue_writer_close(im.writer);
    import_preview_free(im.preview);
    refused_rows_close(im.refused, e == OK && !o->preview_only);
    key_set_free(im.keys);
    import_units_free(im.units);
    buf_wipe(&im.key);
    session_pool_fini(&im.pool);
    totals_free(im.totals);
    headings_free(im.headings);
    import_columns_free(im.columns);
    report_free(im.row_report);
    return e;
}
