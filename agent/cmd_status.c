#include "agent/cmd_common.h"

#include "agent/draft.h"
#include "agent/self_copy.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- a listing of names and values ---- */

/* Programs get a stable name before each title; people do not need it. */
struct sheet {
    struct table *t;
    bool has_names;
};

static enum err sheet_new(struct sheet *s, const struct table_column columns[3], enum table_format format)
{
    s->has_names = format != TABLE_TEXT;
    return s->has_names ? table_new(&s->t, columns, 3) : table_new(&s->t, columns + 1, 2);
}

static enum err put_text(struct sheet *s, const char *item, const char *title, const char *value)
{
    const char *const cells[] = {item, title, value};

    return table_row(s->t, s->has_names ? cells : cells + 1);
}

static enum err put_count(struct sheet *s, const char *item, const char *title, uint64_t n)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    return put_text(s, item, title, text);
}

static enum err put_time(struct sheet *s, const char *item, const char *title, int64_t wall_ms)
{
    char text[64] = "";

    if (wall_ms != 0)
        cli_format_time(text, sizeof(text), wall_ms);
    return put_text(s, item, title, text);
}

static const char *word_of_status(enum grant_status s)
{
    switch (s) {
    case GRANT_ACTIVE: return _("active");
    case GRANT_HELD: return _("on hold");
    case GRANT_REVOKED: return _("revoked");
    case GRANT_CLOSED: return _("closed");
    }
    return "";
}

/* ---- status ---- */

static enum err put_who(struct sheet *s, const struct agent *a)
{
    const char *enrolled = agent_is_enrolled(a) ? _("yes") : _("not yet: the first meeting does it");
    const char *expired = a->directory->expires_ms < clock_wall_ms()
                              ? _("the district's directory is past its date: sync when there is a line")
                              : "";
    enum err e = put_text(s, "participant", _("participant"), a->grant->participant);

    if (e == OK)
        e = put_text(s, "name", _("name"), a->grant->name);
    if (e == OK)
        e = put_text(s, "district", _("district"), a->directory->name);
    if (e == OK)
        e = put_text(s, "enrolled", _("known to the district"), enrolled);
    if (e == OK)
        e = put_text(s, "access", _("access"), word_of_status(a->grant->status));
    if (e == OK && expired[0] != '\0')
        e = put_text(s, "warning", _("note"), expired);
    return e;
}

static enum err put_queue(struct sheet *s, const struct agent *a)
{
    struct queue_status st;
    uint64_t drafts = 0;
    char bytes[64];
    enum err e = queue_status(a, &st);

    if (e != OK || (e = draft_count(a, &drafts)) != OK)
        return e;
    cli_format_bytes(bytes, sizeof(bytes), st.waiting_bytes);
    if ((e = put_count(s, "drafts", _("drafts"), drafts)) != OK ||
        (e = put_count(s, "waiting", _("submissions that wait"), st.waiting)) != OK ||
        (e = put_count(s, "sealed", _("packed to be sent"), st.sealed)) != OK ||
        (e = put_text(s, "sealed_size", _("their size on the line"), bytes)) != OK ||
        (e = put_count(s, "stored", _("received by the district"), st.stored)) != OK ||
        (e = put_count(s, "archived", _("in the district's archive"), st.archived)) != OK ||
        (e = put_count(s, "refused", _("kept apart by the district"), st.refused)) != OK)
        return e;
    return put_time(s, "last_receipt", _("last word from the district"), st.last_receipt_ms);
}

/* "If this computer died now". */
static enum err put_risk(struct sheet *s, const struct agent *a)
{
    struct self_copy_risk risk;
    char since[64] = "";
    char copy[64];
    char lost[256];
    char text[512];
    enum err e = self_copy_risk(a, &risk);

    if (e != OK)
        return e;
    if (risk.since_ms != 0)
        cli_format_time(since, sizeof(since), risk.since_ms);
    if (risk.entries == 0)
        (void)snprintf(lost, sizeof(lost), "%s", _("nothing that was submitted"));
    else if (since[0] == '\0')
        (void)snprintf(lost, sizeof(lost), ngettext("%llu entry", "%llu entries", (unsigned long)risk.entries),
                       (unsigned long long)risk.entries);
    else
        (void)snprintf(lost, sizeof(lost),
                       ngettext("%llu entry since %s", "%llu entries since %s", (unsigned long)risk.entries),
                       (unsigned long long)risk.entries, since);
    if (risk.copy_ms != 0) {
        cli_format_time(copy, sizeof(copy), risk.copy_ms);
        (void)snprintf(text, sizeof(text), _("%s (the last copy is of %s)"), lost, copy);
    } else if (risk.has_code) {
        (void)snprintf(text, sizeof(text), _("%s (no copy was made yet; svodka-agent backup FILE makes one)"), lost);
    } else {
        (void)snprintf(text, sizeof(text), _("%s (no copy can be made yet: first svodka-agent backup --new-code)"),
                       lost);
    }
    if (s->has_names && (e = put_count(s, "at_risk_entries", _("entries that would be lost"), risk.entries)) != OK)
        return e;
    return put_text(s, "at_risk", _("if this computer died now, you would lose"), text);
}

struct events {
    struct sheet sheet;
    enum err e;
};

static void put_event(void *ctx, int64_t wall_ms, const char *text)
{
    struct events *x = ctx;
    char when[64];

    cli_format_time(when, sizeof(when), wall_ms);
    if (x->e == OK)
        x->e = put_text(&x->sheet, "event", when, text);
}

static enum err show_status(struct agent *a, enum table_format format, bool forget)
{
    const struct table_column columns[] = {{"item", _("item"), TABLE_LEFT, false},
                                           {"title", _("what"), TABLE_LEFT, false},
                                           {"value", _("value"), TABLE_LEFT, false}};
    struct events events = {.e = OK};
    enum err e = sheet_new(&events.sheet, columns, format);

    if (e == OK && (e = put_who(&events.sheet, a)) == OK && (e = put_queue(&events.sheet, a)) == OK &&
        (e = put_risk(&events.sheet, a)) == OK && (e = agent_each_event(a, forget, put_event, &events)) == OK &&
        (e = events.e) == OK)
        e = table_print(events.sheet.t, format, stdout);
    table_free(events.sheet.t);
    return e;
}

int cmd_status(int argc, char **argv)
{
    static const struct cli_command self = {
        "status", "[--read]",
        N_("Shows what waits, what was sent, what the district received and archived, and what it says."), cmd_status};
    const char *home = NULL;
    const char *format_name = NULL;
    const char *read = NULL;
    const struct cli_option options[] = {{"read", 0, NULL, N_("the messages were read: do not show them again"), &read},
                                         OPTION_FORMAT(&format_name),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    enum table_format format;
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK)
        e = show_status(a, format, read != NULL);
    agent_close(a);
    return cli_fail(e);
}

/* ---- receipt ---- */

static const char *word_of_receipt(enum receipt_state s)
{
    switch (s) {
    case RECEIPT_STORED: return _("received");
    case RECEIPT_ARCHIVED: return _("in the archive");
    case RECEIPT_REFUSED: return _("refused");
    }
    return "";
}

/* What became of this very submission.  Refusals are named one by one, up to a limit that few batches reach. */
static const char *verdict_of(const struct receipt *r, uint64_t number, const char **why)
{
    *why = "";
    for (uint32_t i = 0; i < r->refusal_count; i++)
        if (r->refusals[i].number == number) {
            *why = r->refusals[i].text;
            return _("kept apart");
        }
    if (r->verdicts[VERDICT_QUARANTINED] > r->refusal_count)
        return _("not told one by one");
    return r->state == RECEIPT_REFUSED ? _("refused") : _("accepted");
}

static enum err show_receipt(const struct agent *a, const struct record_ref *ref, const struct receipt *r,
                             enum table_format format)
{
    const struct table_column columns[] = {{"item", _("item"), TABLE_LEFT, false},
                                           {"title", _("what"), TABLE_LEFT, false},
                                           {"value", _("value"), TABLE_LEFT, false}};
    struct sheet sheet = {.t = NULL};
    struct sheet *s = &sheet;
    const char *why = "";
    char id[RECORD_ID_TEXT];
    enum err e = sheet_new(s, columns, format);

    record_id_format(id, a->grant->participant, ref);
    if (e == OK && (e = put_text(s, "id", _("submission"), id)) == OK &&
        (e = put_text(s, "state", _("state"), word_of_receipt(r->state))) == OK &&
        (e = put_text(s, "verdict", _("verdict"), verdict_of(r, ref->number, &why))) == OK &&
        (e = put_text(s, "why", _("why"), why)) == OK &&
        (e = put_count(s, "batch", _("sent in parcel number"), r->sequence)) == OK &&
        (e = put_count(s, "ledger", _("place in the district's journal"), r->ledger_number)) == OK &&
        (e = put_time(s, "time", _("district's time"), r->hub_ms)) == OK)
        e = table_print(s->t, format, stdout);
    table_free(s->t);
    return e;
}

int cmd_receipt(int argc, char **argv)
{
    static const struct cli_command self = {"receipt", "ID", N_("Shows the district's signed word about a submission."),
                                            cmd_receipt};
    const char *home = NULL;
    const char *format_name = NULL;
    const struct cli_option options[] = {OPTION_FORMAT(&format_name), OPTION_HOME(&home), OPTION_END};
    enum table_format format;
    struct record_ref ref;
    struct receipt r;
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK &&
        (e = queue_resolve(a, argv[0], &ref)) == OK) {
        e = queue_receipt_of(a, &ref, &r);
        if (e == ERR_NOT_FOUND)
            e = err_set(e, _("there is no receipt for %s yet: it was not sent, or the answer is still on its way"),
                        argv[0]);
        if (e == OK) {
            e = show_receipt(a, &ref, &r, format);
            receipt_fini(&r);
        }
    }
    agent_close(a);
    return cli_fail(e);
}

/* ---- verify ---- */

static enum err count_submissions(const struct agent *a, unsigned long long *count)
{
    struct queue_reader *r = NULL;
    struct queue_item item;
    enum err e = queue_reader_open(&r, a, NULL);

    while (e == OK && (e = queue_reader_next(r, &item)) == OK)
        (*count)++;
    queue_reader_close(r);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err verify(const struct agent *a)
{
    struct queue_status st;
    unsigned long long count = 0;
    uint64_t bad = 0;
    enum err e = queue_verify(a, stdout, &bad);

    if (e != OK || (e = queue_status(a, &st)) != OK || (bad == 0 && (e = count_submissions(a, &count)) != OK))
        return e;
    if (bad > 0)
        return err_set(ERR_CORRUPT,
                       ngettext("%llu thing is not as it should be; do not delete anything, tell the district",
                                "%llu things are not as they should be; do not delete anything, tell the district",
                                (unsigned long)bad),
                       (unsigned long long)bad);
    (void)printf(_("all is well: %llu submissions up to number %llu\n"), count, (unsigned long long)st.last_number);
    return OK;
}

int cmd_verify(int argc, char **argv)
{
    static const struct cli_command self = {
        "verify", "",
        N_("Checks that every submission opens, that what was sent is kept unchanged, and that every receipt is the "
           "district's."),
        cmd_verify};
    const char *home = NULL;
    const struct cli_option options[] = {OPTION_HOME(&home), OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_open(&a, home)) == OK)
        e = verify(a);
    agent_close(a);
    return cli_fail(e);
}
