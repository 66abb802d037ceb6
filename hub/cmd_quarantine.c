#include "hub/commands.h"

#include "common/form_json.h"
#include "hub/decode.h"
#include "hub/ledger_quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *reason_text(enum quarantine_reason r)
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
    case QUARANTINE_CONFLICT: return _("another submission came under the same number before");
    }
    return _("a reason of a later version");
}

/* ---- quarantine list ---- */

struct listing {
    const struct hub *hub;
    struct store_txn *t;
    struct table *table;
    enum table_format format;
};

static const char *name_of(const struct hub *h, uint32_t participant)
{
    const struct participant *p = registry_by_index(h->registry, participant);

    return p == NULL ? "?" : p->id;
}

static enum err put_row(void *ctx, const struct quarantined *q)
{
    struct listing *l = ctx;
    char id[RECORD_ID_TEXT], received[64], text[RECEIPT_TEXT_MAX + 1];
    const char *cells[] = {id, name_of(l->hub, q->participant), received, NULL, text};
    int64_t ms;
    enum err e = ledger_time(l->t, q->lsn, &ms);

    if (e != OK)
        return e;
    record_id_format(id, name_of(l->hub, q->participant), &q->ref);
    command_time(received, sizeof(received), ms, l->format);
    cells[3] = l->format == TABLE_TEXT ? reason_text(q->reason) : quarantine_reason_name(q->reason);
    (void)snprintf(text, sizeof(text), "%.*s", (int)q->text.len, (const char *)q->text.p);
    return table_row(l->table, cells);
}

static enum err list(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {{"id", _("Submission"), TABLE_LEFT, false},
                                           {"participant", _("Sender"), TABLE_LEFT, false},
                                           {"received", _("Received"), TABLE_LEFT, false},
                                           {"reason", _("Why"), TABLE_LEFT, false},
                                           {"text", _("In detail"), TABLE_LEFT, false}};
    struct listing l = {.hub = h, .format = f};
    enum err e = table_new(&l.table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e != OK)
        return e;
    if ((e = store_begin_read(h->store, &l.t)) == OK)
        e = ledger_each_quarantined(l.t, put_row, &l);
    store_abort(l.t);
    return command_print(l.table, f, e);
}

int cmd_quarantine_list(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    const struct cli_command *c = command_named("quarantine list");
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format), LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = list(h, f);
    return command_close(h, e, false);
}

/* ---- quarantine show ---- */

struct search {
    const struct hub *hub;
    struct record_id_text wanted;
    struct quarantined found;
    char text[RECEIPT_TEXT_MAX + 1];
    unsigned count;
};

static enum err match(void *ctx, const struct quarantined *q)
{
    struct search *s = ctx;
    const struct record_id_text *w = &s->wanted;

    if (w->number != q->ref.number || (w->counter != 0 && w->counter != q->ref.gen.counter) ||
        (w->participant[0] != '\0' && strcmp(w->participant, name_of(s->hub, q->participant)) != 0) ||
        (w->has_tag && memcmp(w->tag4, q->ref.gen.tag, sizeof(w->tag4)) != 0))
        return OK;
    s->found = *q;
    (void)snprintf(s->text, sizeof(s->text), "%.*s", (int)q->text.len, (const char *)q->text.p);
    s->count++;
    return OK;
}

static enum err find(struct search *s, struct store_txn *t, const char *id)
{
    enum err e = record_id_parse(&s->wanted, id);

    if (e != OK || (e = ledger_each_quarantined(t, match, s)) != OK)
        return e;
    if (s->count == 0)
        return err_set(ERR_NOT_FOUND, _("%s is not in quarantine"), id);
    if (s->count > 1)
        return err_set(ERR_INVALID,
                       _("%s stands for %u submissions; write the whole id, as `quarantine list` shows it"), id,
                       s->count);
    return OK;
}

static enum err put(struct table *t, const char *name, const char *title, enum table_format f, const char *value)
{
    const char *cells[] = {f == TABLE_TEXT ? title : name, value};

    return table_row(t, cells);
}

/* The answers themselves, as far as the record can be read. */
static enum err put_record(struct hub *h, struct store_txn *t, const struct quarantined *q, struct table *table,
                           enum table_format f)
{
    struct decoder *d = NULL;
    const struct form *form;
    struct bytes bytes;
    struct record r;
    struct buf values;
    enum err e = ledger_quarantined_record(h->ledger, t, q, &bytes);

    if (e == ERR_NOT_FOUND)
        return OK;
    if (e != OK || (e = decoder_new(&d, h)) != OK)
        return e;
    buf_init_secret(&values, 8u << 20);
    if (decoder_read(d, bytes, &r, &form) == OK) {
        form_values_to_json(form, r.values, &values);
        if ((e = put(table, "form", _("Form"), f, form->id)) == OK &&
            (e = put(table, "form_version", _("Form's version"), f, form->version)) == OK &&
            (e = put(table, "unit", _("Unit"), f, r.unit)) == OK &&
            (e = put(table, "period", _("Period"), f, r.period)) == OK && r.kind != RECORD_RETRACTION)
            e = put(table, "values", _("Answers"), f, buf_cstr(&values));
    } else {
        e = put(table, "record", _("Record"), f, err_text());
    }
    buf_wipe(&values);
    decoder_free(d);
    return e;
}

static enum err put_all(struct hub *h, struct store_txn *t, const struct search *s, struct table *table,
                        enum table_format f)
{
    const struct quarantined *q = &s->found;
    char id[RECORD_ID_TEXT], received[64];
    int64_t ms;
    enum err e = ledger_time(t, q->lsn, &ms);

    if (e != OK)
        return e;
    record_id_format(id, name_of(h, q->participant), &q->ref);
    command_time(received, sizeof(received), ms, f);
    if ((e = put(table, "id", _("Submission"), f, id)) != OK ||
        (e = put(table, "received", _("Received"), f, received)) != OK ||
        (e = put(table, "reason", _("Why"), f,
                 f == TABLE_TEXT ? reason_text(q->reason) : quarantine_reason_name(q->reason))) != OK ||
        (e = put(table, "text", _("In detail"), f, s->text)) != OK)
        return e;
    return put_record(h, t, q, table, f);
}

static enum err show(struct hub *h, const char *wanted, enum table_format f)
{
    const struct table_column columns[] = {{"item", _("What"), TABLE_LEFT, false},
                                           {"value", _("Value"), TABLE_LEFT, false}};
    struct search s = {.hub = h};
    struct store_txn *t = NULL;
    struct table *table = NULL;
    char who[80], id[RECORD_ID_TEXT];
    enum err e = table_new(&table, columns, 2);

    if (e != OK)
        return e;
    if ((e = store_begin_write(h->store, &t)) == OK) {
        if ((e = find(&s, t, wanted)) == OK && (e = put_all(h, t, &s, table, f)) == OK) {
            command_user(who, sizeof(who));
            record_id_format(id, name_of(h, s.found.participant), &s.found.ref);
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
