#include "hub/commands.h"

#include "common/csv.h"
#include "common/form_json.h"
#include "hub/decode.h"
#include "hub/erased.h"
#include "hub/ledger.h"
#include "hub/withdrawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_BYTES (256u << 10)
#define LINE_MAX    (8u << 20) /* of one submission as text; a record is at most 64 KiB */

/* Columns of the submission itself; the form's fields follow. */
static const char *const heads[] = {"id",           "unit",       "period", "filled_on", "received",
                                    "form_version", "entered_by", "kind",   "source"};
#define HEADS (sizeof(heads) / sizeof(heads[0]))

struct export
{
    struct hub *hub;
    struct store_txn *t;
    struct decoder *decoder;
    const char *form;
    const char *unit; /* NULL: all */
    struct period period;
    enum table_format format;
    const char **fields; /* of all versions, the current one first */
    size_t field_count;
    struct buf out, cell;
    uint64_t done, total, erased, act;
};

/* ---- columns ---- */

static enum err add_fields(struct export *x, const struct form *f)
{
    const char **grown = reallocarray(x->fields, x->field_count + f->field_count + 1, sizeof(*grown));

    if (grown == NULL)
        return ERR_NOMEM;
    x->fields = grown;
    for (uint32_t i = 0; i < f->field_count; i++) {
        size_t k = 0;

        while (k < x->field_count && strcmp(x->fields[k], f->fields[i].name) != 0)
            k++;
        if (k == x->field_count)
            x->fields[x->field_count++] = f->fields[i].name;
    }
    return OK;
}

static enum err find_fields(struct export *x, const struct form *current)
{
    enum err e = add_fields(x, current);

    for (size_t i = 0; i < x->hub->form_count && e == OK; i++)
        if (strcmp(x->hub->forms[i]->id, current->id) == 0)
            e = add_fields(x, x->hub->forms[i]);
    return e;
}

/* ---- rows ---- */

static enum err flush(struct export *x)
{
    enum err e = buf_status(&x->out);

    if (e != OK)
        return e;
    if (fwrite(x->out.data, 1, x->out.len, stdout) != x->out.len)
        return err_set(ERR_IO, _("the export cannot be written out"));
    buf_reset(&x->out);
    return OK;
}

static const char *kind_name(enum record_kind k)
{
    switch (k) {
    case RECORD_NEW: return "new";
    case RECORD_CORRECTION: return "correction";
    case RECORD_RETRACTION: return "retraction";
    }
    return "";
}

struct head {
    char id[RECORD_ID_TEXT], filled_on[11], received[64], entered_by[RECORD_ENTERED_BY_MAX + 1];
    const char *cells[HEADS];
};

static enum err fill_head(const struct export *x, struct head *h, const struct submission *s, const struct form *f,
                          const struct record *r)
{
    const struct participant *p = registry_by_index(x->hub->registry, s->participant);
    int64_t ms;
    enum err e = ledger_time(x->t, s->lsn, &ms);

    if (e != OK)
        return e;
    record_id_format(h->id, p == NULL ? "?" : p->id, &s->ref);
    date_format(h->filled_on, r->filled_on);
    command_time(h->received, sizeof(h->received), ms, TABLE_CSV);
    (void)snprintf(h->entered_by, sizeof(h->entered_by), "%.*s", (int)r->entered_by.len, (const char *)r->entered_by.p);
    h->cells[0] = h->id;
    h->cells[1] = r->unit;
    h->cells[2] = r->period;
    h->cells[3] = h->filled_on;
    h->cells[4] = h->received;
    h->cells[5] = f->version;
    h->cells[6] = h->entered_by;
    h->cells[7] = kind_name(r->kind);
    h->cells[8] = source_name(r->source);
    return OK;
}

static bool is_number(enum value_type t)
{
    return t == VALUE_INTEGER || t == VALUE_DECIMAL;
}

static void put_csv(struct export *x, const struct head *h, const struct form *f, const struct record *r)
{
    for (size_t i = 0; i < HEADS; i++) {
        if (i > 0)
            buf_put_u8(&x->out, ',');
        csv_put_cell(&x->out, ',', h->cells[i], strlen(h->cells[i]), true);
    }
    for (size_t i = 0; i < x->field_count; i++) {
        int32_t at = form_find_field(f, x->fields[i], strlen(x->fields[i]));

        buf_put_u8(&x->out, ',');
        buf_reset(&x->cell);
        if (at >= 0 && (uint32_t)at < r->value_count)
            value_format(&x->cell, &f->fields[at], &r->values[at]);
        csv_put_cell(&x->out, ',', buf_cstr(&x->cell), x->cell.len,
                     !(at >= 0 && is_number(f->fields[at].type) && r->values[at].state == VALUE_PRESENT));
    }
    buf_put_u8(&x->out, '\n');
}

/* What stands in a head needs no escape but in entered_by. */
static void put_json_text(struct buf *out, const char *text)
{
    buf_put_u8(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            buf_put_u8(out, '\\');
        if ((unsigned char)*c < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)*c);
        else
            buf_put_u8(out, (uint8_t)*c);
    }
    buf_put_u8(out, '"');
}

static void put_json(struct export *x, const struct head *h, const struct form *f, const struct record *r)
{
    buf_put_str(&x->out, x->done > 0 ? ",\n  {" : "\n  {");
    for (size_t i = 0; i < HEADS; i++) {
        put_json_text(&x->out, heads[i]);
        buf_put_str(&x->out, ": ");
        put_json_text(&x->out, h->cells[i]);
        buf_put_str(&x->out, ", ");
    }
    buf_put_str(&x->out, "\"values\": ");
    form_values_to_json(f, r->values, &x->out);
    buf_put_u8(&x->out, '}');
}

static enum err put_submission(void *ctx, const struct submission *s)
{
    struct export *x = ctx;
    const struct form *f;
    struct record r;
    struct head h;
    enum err e = decoder_read(x->decoder, s->record, &r, &f);

    if (e != OK || (e = fill_head(x, &h, s, f, &r)) != OK)
        return e;
    if (x->format == TABLE_JSON)
        put_json(x, &h, f, &r);
    else
        put_csv(x, &h, f, &r);
    x->done++;
    cli_progress(_("Writing submissions"), x->done, x->total);
    return x->out.len >= FLUSH_BYTES ? flush(x) : buf_status(&x->out);
}

static void put_headings(struct export *x)
{
    if (x->format == TABLE_JSON) {
        buf_put_str(&x->out, "[");
        return;
    }
    for (size_t i = 0; i < HEADS + x->field_count; i++) {
        const char *name = i < HEADS ? heads[i] : x->fields[i - HEADS];

        buf_printf(&x->out, "%s%s", i > 0 ? "," : "", name);
    }
    buf_put_u8(&x->out, '\n');
}

/* ---- the command ---- */

static enum err count_one(void *ctx, const struct submission *s)
{
    (void)s;
    (*(uint64_t *)ctx)++;
    return OK;
}

/* What was erased cannot be written out: it is told. */
static enum err count_erased(void *ctx, const struct submission *s)
{
    struct export *x = ctx;

    if (s->erased == NULL)
        return OK;
    x->erased++;
    x->act = s->erased->act;
    return OK;
}

static enum err say_erased(struct export *x)
{
    enum err e = ledger_each_standing(x->hub->ledger, x->t, x->form, x->unit, x->period.id, count_erased, x);

    if (e == OK && x->erased > 0)
        (void)fprintf(stderr,
                      ngettext("%llu submission more was erased under act %llu: it counts, but cannot be written out\n",
                               "%llu submissions more were erased, the last of them under act %llu: they count, but "
                               "cannot be written out\n",
                               x->erased),
                      (unsigned long long)x->erased, (unsigned long long)x->act);
    return e;
}

/* Written down before the first byte leaves, or nothing leaves. */
static enum err audit(struct export *x)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(x->hub->store, &t);

    if (e != OK)
        return e;
    e = ledger_each_current(x->hub->ledger, t, x->form, x->unit, x->period.id, count_one, &x->total);
    store_abort(t);
    if (e != OK)
        return e;
    return command_note(x->hub, AUDIT_EXPORT_SUBMISSIONS, x->form, "period=%s\nunit=%s\ncount=%llu", x->period.id,
                        x->unit != NULL ? x->unit : "", (unsigned long long)x->total);
}

/* What was filled in before counts on; nothing new is asked for. */
static void say_withdrawn(const struct export *x)
{
    char when[64];
    int64_t ms;

    if (withdrawn_since(x->t, x->form, &ms) != OK)
        return;
    command_time(when, sizeof(when), ms, TABLE_TEXT);
    (void)fprintf(stderr, _("The form %s was withdrawn on %s; what was filled in before is still accepted.\n"), x->form,
                  when);
}

static enum err write_all(struct export *x)
{
    enum err e = decoder_new(&x->decoder, x->hub);

    if (e != OK || (e = store_begin_read(x->hub->store, &x->t)) != OK)
        return e;
    say_withdrawn(x);
    put_headings(x);
    e = ledger_each_current(x->hub->ledger, x->t, x->form, x->unit, x->period.id, put_submission, x);
    if (e == OK && x->format == TABLE_JSON)
        buf_put_str(&x->out, x->done > 0 ? "\n]\n" : "]\n");
    if (e == OK)
        e = flush(x);
    if (e == OK && fflush(stdout) != 0)
        e = err_set(ERR_IO, _("the export cannot be written out"));
    if (e == OK)
        e = say_erased(x);
    store_abort(x->t);
    cli_progress_end();
    return e;
}

static enum err export_submissions(struct export *x, const char *period)
{
    const struct form *f;
    enum err e;

    if ((e = command_form(x->hub, x->form, &f)) != OK ||
        (e = form_period(f, x->hub->calendar, period, &x->period)) != OK ||
        (x->unit != NULL && (e = command_unit(x->hub, x->unit)) != OK) || (e = find_fields(x, f)) != OK)
        return e;
    buf_init_secret(&x->out, FLUSH_BYTES + 8 * LINE_MAX);
    buf_init_secret(&x->cell, LINE_MAX);
    if ((e = audit(x)) == OK) {
        command_mark_internal();
        e = write_all(x);
    }
    decoder_free(x->decoder);
    buf_wipe(&x->out);
    buf_wipe(&x->cell);
    return e;
}

static enum err read_format(const char *text, enum table_format *f)
{
    *f = TABLE_CSV;
    if (text == NULL || strcmp(text, "csv") == 0)
        return OK;
    *f = TABLE_JSON;
    return strcmp(text, "json") == 0 ? OK
                                     : err_set(ERR_USAGE, _("--format: csv or json is expected (found: %s)"), text);
}

int cmd_export_submissions(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *period = NULL, *raw = NULL;
    struct export x = {0};
    const struct cli_command *c = command_named("export submissions");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"format", 0, N_("FORMAT"), N_("csv (default) or json"), &format},
        {"form", 0, N_("F"), N_("the form"), &x.form},
        {"period", 0, N_("P"), N_("the period: its id or its label"), &period},
        {"unit", 0, N_("U"), N_("the unit (default: all)"), &x.unit},
        {"unsafe-raw", 0, NULL, N_("yes, personal data leave the hub's protection, and the audit says so"), &raw},
        LAST_OPTION};
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if (x.form == NULL || period == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--form and --period are both needed")));
    if ((e = read_format(format, &x.format)) != OK)
        return cli_fail(e);
    if (raw == NULL)
        return cli_fail(
            err_set(ERR_DENIED, _("this writes out the answers of single persons; if that is what you need, and "
                                  "may do, add --unsafe-raw: the audit will name you")));
    if ((e = command_open(&x.hub, home, HUB_WRITE)) == OK)
        e = export_submissions(&x, period);
    free(x.fields);
    return command_close(x.hub, e, false);
}
