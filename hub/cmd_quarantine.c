#include "hub/commands.h"

#include "common/form_json.h"
#include "hub/decode.h"
#include "hub/quarantine.h"
#include "hub/withdrawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_MAX 1024u

const char *command_reason(enum quarantine_reason r)
{
    switch (r) {
    case QUARANTINE_UNKNOWN_FORM: return _("the form's version is not known to this hub");
    case QUARANTINE_MALFORMED: return _("it is damaged or of another format");
    case QUARANTINE_INVALID: return _("it breaks a rule of the form");
    case QUARANTINE_UNIT: return _("the sender has no right to speak about this unit");
    case QUARANTINE_ROLE: return _("this form is another role's to fill in");
    case QUARANTINE_PERIOD: return _("the period is unknown, or not one of this form's");
    case QUARANTINE_UNREADABLE: return _("the batch could not be opened");
    case QUARANTINE_TARGET: return _("it corrects or retracts something that cannot be corrected or retracted");
    case QUARANTINE_HELD: return _("the sender is on hold or revoked");
    case QUARANTINE_ERASED: return _("what it is about has been erased; it is not counted again");
    case QUARANTINE_CONFLICT: return _("another submission came under the same number before");
    }
    return _("a reason of a later version");
}

static const char *name_of(const struct hub *h, uint32_t participant)
{
    const struct participant *p = registry_by_index(h->registry, participant);

    return p == NULL ? "?" : p->id;
}

static const char *reason_of(const struct quarantined *q, enum table_format f)
{
    return f == TABLE_TEXT ? command_reason(q->why.reason) : quarantine_reason_name(q->why.reason);
}

static const char *state_of(const struct quarantined *q, enum table_format f)
{
    const char *word = q->rejected != 0  ? N_("rejected")
                       : q->is_corrected ? N_("corrected by the school")
                                         : N_("waits");

    if (f == TABLE_TEXT)
        return _(word);
    return q->rejected != 0 ? "rejected" : q->is_corrected ? "corrected" : "waits";
}

/* ---- quarantine list ---- */

struct listing {
    struct hub *hub;
    struct store_txn *t;
    struct table *table;
    enum table_format format;
};

static enum err put_row(const struct listing *l, const struct quarantined *q)
{
    char id[RECORD_ID_TEXT], received[64], text[DETAIL_MAX];
    const char *cells[] = {id,
                           name_of(l->hub, q->participant),
                           received,
                           reason_of(q, l->format),
                           q->rejected != 0 ? q->word : text,
                           state_of(q, l->format)};
    int64_t ms;
    enum err e = ledger_time(l->t, q->lsn, &ms);

    if (e != OK)
        return e;
    record_id_format(id, name_of(l->hub, q->participant), &q->ref);
    command_time(received, sizeof(received), ms, l->format);
    refusal_say(text, sizeof(text), &q->why, NULL);
    return table_row(l->table, cells);
}

static enum err list_in(struct listing *l, const struct quarantine_filter *f)
{
    struct quarantine_list found;
    enum err e = quarantine_find(l->hub, l->t, f, &found);

    if (e != OK)
        return e;
    for (size_t i = 0; e == OK && i < found.count; i++)
        e = put_row(l, &found.items[i]);
    quarantine_list_fini(&found);
    return e;
}

static enum err list(struct hub *h, const struct quarantine_filter *filter, enum table_format f)
{
    const struct table_column columns[] = {
        {"id", _("Submission"), TABLE_LEFT, false},     {"participant", _("Sender"), TABLE_LEFT, false},
        {"received", _("Received"), TABLE_LEFT, false}, {"reason", _("Why"), TABLE_LEFT, false},
        {"text", _("In detail"), TABLE_LEFT, false},    {"state", _("State"), TABLE_LEFT, false}};
    struct listing l = {.hub = h, .format = f};
    enum err e = table_new(&l.table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e != OK)
        return e;
    if ((e = store_begin_read(h->store, &l.t)) == OK)
        e = list_in(&l, filter);
    store_abort(l.t);
    return command_print(l.table, f, e);
}

int cmd_quarantine_list(int argc, char **argv)
{
    struct quarantine_filter filter = {.waits = true};
    const char *home = NULL, *format = NULL, *all = NULL;
    const struct cli_command *c = command_named("quarantine list");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"all", 0, NULL, N_("also what was rejected, or corrected by the school"), &all},
        {"form", 0, N_("F"), N_("of this form alone"), &filter.form},
        {"school", 0, N_("ID"), N_("of this sender alone"), &filter.participant},
        FORMAT_OPTION(&format),
        LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    filter.waits = all == NULL;
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = list(h, &filter, f);
    return command_close(h, e, false);
}

/* ---- quarantine show ---- */

static enum err put(struct table *t, const char *name, const char *title, enum table_format f, const char *value)
{
    const char *cells[] = {f == TABLE_TEXT ? title : name, value};

    return table_row(t, cells);
}

static enum err put_detail(const struct quarantined *q, const struct form *form, struct table *table,
                           enum table_format f)
{
    char text[DETAIL_MAX];

    refusal_say(text, sizeof(text), &q->why, form);
    return put(table, "text", _("In detail"), f, text);
}

static enum err put_values(const struct record *r, const struct form *form, struct table *table, enum table_format f)
{
    struct buf values;
    enum err e;

    buf_init(&values, 8u << 20);
    form_values_to_json(form, r->values, &values);
    e = put(table, "values", _("Answers"), f, buf_cstr(&values));
    buf_wipe(&values);
    return e;
}

/* The form is not offered any more: what was filled in before is accepted all the same. */
static enum err put_withdrawn(struct store_txn *t, const struct form *form, struct table *table, enum table_format f)
{
    char when[64];
    int64_t ms;
    enum err e = withdrawn_since(t, form->id, &ms);

    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    command_time(when, sizeof(when), ms, f);
    return put(table, "form_withdrawn", _("The form was withdrawn"), f, when);
}

/* The answers themselves, as far as the record can be read. */
static enum err put_record(struct hub *h, struct store_txn *t, const struct quarantined *q, struct table *table,
                           enum table_format f)
{
    struct decoder *d = NULL;
    const struct form *form = NULL;
    struct bytes bytes;
    struct record r;
    enum err e = ledger_quarantined_record(h->ledger, t, q, &bytes);

    if (e == ERR_NOT_FOUND)
        return put_detail(q, NULL, table, f);
    if (e == ERR_ERASED)
        return put(table, "record", _("Record"), f, err_text());
    if (e != OK || (e = decoder_new(&d, h)) != OK)
        return e;
    if (decoder_read(d, bytes, &r, &form) != OK) {
        if ((e = put_detail(q, NULL, table, f)) == OK)
            e = put(table, "record", _("Record"), f, err_text());
    } else if ((e = put_detail(q, form, table, f)) == OK && (e = put(table, "form", _("Form"), f, form->id)) == OK &&
               (e = put(table, "form_version", _("Form's version"), f, form->version)) == OK &&
               (e = put_withdrawn(t, form, table, f)) == OK && (e = put(table, "unit", _("Unit"), f, r.unit)) == OK &&
               (e = put(table, "period", _("Period"), f, r.period)) == OK && r.kind != RECORD_RETRACTION)
        e = put_values(&r, form, table, f);
    decoder_free(d);
    return e;
}

/* Rejected: why; corrected: by which one. */
static enum err put_word(const struct hub *h, const struct quarantined *q, struct table *table, enum table_format f)
{
    char by[RECORD_ID_TEXT];
    enum err e = put(table, "state", _("State"), f, state_of(q, f));

    if (e == OK && q->rejected != 0)
        e = put(table, "word", _("Rejected because"), f, q->word);
    if (e == OK && q->is_corrected) {
        record_id_format(by, name_of(h, q->participant), &q->by);
        e = put(table, "corrected_by", _("Corrected or withdrawn by"), f, by);
    }
    return e;
}

static enum err put_all(struct hub *h, struct store_txn *t, const struct quarantined *q, struct table *table,
                        enum table_format f)
{
    char id[RECORD_ID_TEXT], received[64];
    int64_t ms;
    enum err e = ledger_time(t, q->lsn, &ms);

    if (e != OK)
        return e;
    record_id_format(id, name_of(h, q->participant), &q->ref);
    command_time(received, sizeof(received), ms, f);
    if ((e = put(table, "id", _("Submission"), f, id)) != OK ||
        (e = put(table, "received", _("Received"), f, received)) != OK || (e = put_word(h, q, table, f)) != OK ||
        (e = put(table, "reason", _("Why"), f, reason_of(q, f))) != OK)
        return e;
    return put_record(h, t, q, table, f);
}

static enum err show(struct hub *h, const char *wanted, enum table_format f)
{
    const struct table_column columns[] = {{"item", _("What"), TABLE_LEFT, false},
                                           {"value", _("Value"), TABLE_LEFT, false}};
    struct quarantined q;
    struct store_txn *t = NULL;
    struct table *table = NULL;
    char who[80], id[RECORD_ID_TEXT];
    enum err e = table_new(&table, columns, 2);

    if (e != OK)
        return e;
    if ((e = store_begin_write(h->store, &t)) == OK) {
        if ((e = quarantine_named(h, t, wanted, &q)) == OK && (e = put_all(h, t, &q, table, f)) == OK) {
            command_user(who, sizeof(who));
            record_id_format(id, name_of(h, q.participant), &q.ref);
            e = hub_audit_do(h, t, who, AUDIT_VIEW_QUARANTINE, id, "%s", "");
        }
        e = command_finish(h, t, e);
    }
    if (e == OK)
        command_mark_internal();
    return command_print(table, f, e);
}

int cmd_quarantine_show(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    const struct cli_command *c = command_named("quarantine show");
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format), LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = show(h, argv[0], f);
    return command_close(h, e, false);
}
