#include "hub/commands.h"

#include "common/clock.h"
#include "hub/returns.h"
#include "hub/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For people the day by the local clock, for programs the moment. */
static void put_received(char *out, size_t size, int64_t ms, enum table_format f)
{
    if (f != TABLE_TEXT || ms == 0)
        command_time(out, size, ms, f);
    else
        cli_format_day(out, size, ms);
}

/* Tenths of a percent, half up; "" when there is nothing to divide by. */
#define PERCENT_TEXT 48u
static void put_percent(char out[PERCENT_TEXT], uint64_t part, uint64_t whole, enum table_format f)
{
    uint64_t tenths = whole == 0 ? 0 : (2000 * part + whole) / (2 * whole);

    out[0] = '\0';
    if (whole > 0)
        (void)snprintf(out, PERCENT_TEXT, "%llu%c%llu", (unsigned long long)(tenths / 10),
                       f == TABLE_TEXT && cli_is_russian() ? ',' : '.', (unsigned long long)(tenths % 10));
}

/* ---- one line a return ---- */

static const struct table_column program_columns[] = {
    {"form", "form", TABLE_LEFT, false},
    {"period", "period", TABLE_LEFT, false},
    {"unit", "unit", TABLE_LEFT, false},
    {"state", "state", TABLE_LEFT, false},
    {"filled_on", "filled_on", TABLE_LEFT, false},
    {"received", "received", TABLE_LEFT, false},
    {"changed", "changed", TABLE_LEFT, false},
    {"opens", "opens", TABLE_LEFT, false},
    {"due", "due", TABLE_LEFT, false},
    {"late_until", "late_until", TABLE_LEFT, false},
    {"on_time", "on_time", TABLE_LEFT, false},
    {"extended", "extended", TABLE_LEFT, false},
    {"after_close", "after_close", TABLE_LEFT, false},
    {"submissions", "submissions", TABLE_RIGHT, true},
    {"by", "by", TABLE_LEFT, false},
    {"text", "text", TABLE_LEFT, false},
    {"cover", "cover", TABLE_LEFT, false},
    {"cover_match", "cover_match", TABLE_LEFT, false},
    {"approved_by", "approved_by", TABLE_LEFT, false},
    {"approved_on", "approved_on", TABLE_LEFT, false},
    {"sessions_open", "sessions_open", TABLE_RIGHT, true},
    {"sessions_closed", "sessions_closed", TABLE_RIGHT, true},
    {"sheets_expected", "sheets_expected", TABLE_RIGHT, true},
    {"on_behalf", "on_behalf", TABLE_LEFT, false},
    {"called_on", "called_on", TABLE_LEFT, false},
    {"called_count", "called_count", TABLE_RIGHT, true},
};

/* A form in a period, added up. */
struct sum {
    const char *form;
    struct period period;
    struct returns_counts counts;
};

struct listing {
    struct table *rows;
    enum table_format format;
    struct sum *sums;
    size_t count, cap;
    struct returns_counts all;
    struct session_sums sessions; /* of anonymous answers */
};

static const char *yes_no(bool yes, bool is_known)
{
    if (!is_known)
        return "";
    return yes ? "yes" : "no";
}

static enum err put_program_row(struct table *t, const struct return_row *r, const struct session_sum *sessions)
{
    char filled[11] = "", opens[11], due[11], late[11], received[64], changed[64], submissions[24];
    const struct return_cover *cover = &r->facts.cover;
    char approved[11] = "";
    char open[24] = "", closed[24] = "", expected[24] = "", called[11] = "", called_count[24] = "";
    bool is_here = r->facts.is_here;
    const char *cells[] = {r->form->id,
                           r->period->id,
                           r->unit,
                           return_state_name(r->state),
                           filled,
                           received,
                           changed,
                           opens,
                           due,
                           late,
                           yes_no(r->is_on_time, is_here),
                           yes_no(r->is_extended, true),
                           yes_no(r->is_after_close, is_here),
                           submissions,
                           r->by,
                           r->text,
                           cover->is_here ? cover_state_name(cover->state) : "",
                           return_cover_match(cover),
                           cover->approved_by,
                           approved,
                           open,
                           closed,
                           expected,
                           return_behalf_name(&r->facts.behalf, r->facts.submissions),
                           called,
                           called_count};

    if (r->is_called) {
        date_format(called, r->called_on);
        (void)snprintf(called_count, sizeof(called_count), "%llu", (unsigned long long)r->called_count);
    }
    if (cover->has_approved_on)
        date_format(approved, cover->approved_on);

    if (is_here)
        date_format(filled, r->facts.filled_on);
    put_received(received, sizeof(received), r->facts.first_ms, TABLE_CSV);
    put_received(changed, sizeof(changed), r->facts.last_ms, TABLE_CSV);
    date_format(opens, r->days.opens);
    date_format(due, r->days.due);
    date_format(late, r->days.late_until);
    (void)snprintf(submissions, sizeof(submissions), "%llu", (unsigned long long)r->facts.submissions);
    if (sessions != NULL) {
        (void)snprintf(open, sizeof(open), "%u", sessions->open);
        (void)snprintf(closed, sizeof(closed), "%u", sessions->closed);
    }
    if (sessions != NULL && sessions->unsaid == 0)
        (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)sessions->expected);
    return table_row(t, cells);
}

/* "23 of 25 sheets, 1 session open": as far as the school said. */
static void put_sessions(struct buf *out, const struct return_row *r, const struct session_sum *s)
{
    const char *comma = out->len > 0 ? "; " : "";

    if (s == NULL)
        return;
    if (s->unsaid == 0)
        buf_printf(out, _("%s%llu of %llu sheets"), comma, (unsigned long long)r->facts.submissions,
                   (unsigned long long)s->expected);
    if (s->open > 0)
        buf_printf(out, ngettext("%s%u session open", "%s%u sessions open", s->open), s->unsaid == 0 ? ", " : comma,
                   s->open);
}

/* What a person should know besides the state. */
static void put_remark(struct buf *out, const struct return_row *r, const struct session_sum *sessions)
{
    const char *behalf = return_behalf_name(&r->facts.behalf, r->facts.submissions);
    char called[40];

    return_cover_say(out, &r->facts.cover);
    if (behalf[0] != '\0') {
        buf_put_str(out, out->len > 0 ? "; " : "");
        return_behalf_say(out, &r->facts.behalf, r->facts.submissions);
    }
    if (r->is_called) {
        cli_format_date(called, sizeof(called), r->called_on);
        buf_printf(out, _("by telephone on %s: entries %llu"), called, (unsigned long long)r->called_count);
    }
    if (r->is_extended)
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", _("extended"));
    if (r->is_after_close)
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", _("after closing"));
    if (r->by[0] != '\0')
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", r->by);
    if (r->text[0] != '\0')
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", r->text);
    put_sessions(out, r, sessions);
}

static enum err put_text_row(struct table *t, const struct return_row *r, const struct session_sum *sessions)
{
    char filled[11] = "", due[11], received[64];
    struct buf remark;
    const char *cells[] = {r->unit, r->form->id, r->period->id, return_state_word(r->state),
                           filled,  received,    due,           NULL};
    enum err e;

    if (r->facts.is_here)
        date_format(filled, r->facts.filled_on);
    put_received(received, sizeof(received), r->facts.first_ms, TABLE_TEXT);
    date_format(due, r->days.due);
    buf_init(&remark, 8192);
    put_remark(&remark, r, sessions);
    cells[7] = buf_cstr(&remark);
    e = table_row(t, cells);
    buf_fini(&remark);
    return e;
}

static struct sum *sum_of(struct listing *l, const struct return_row *r)
{
    struct sum *last;

    if (l->count > 0) {
        last = &l->sums[l->count - 1];
        if (strcmp(last->form, r->form->id) == 0 && strcmp(last->period.id, r->period->id) == 0)
            return last;
    }
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
        struct sum *grown = realloc(l->sums, cap * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        l->sums = grown;
        l->cap = cap;
    }
    last = &l->sums[l->count++];
    memset(last, 0, sizeof(*last));
    last->form = r->form->id;
    last->period = *r->period;
    return last;
}

static enum err put_return(void *ctx, const struct return_row *r)
{
    struct listing *l = ctx;
    const struct session_sum *sessions = session_sums_find(&l->sessions, r->form->id, r->unit, r->period->id);
    struct sum *s = sum_of(l, r);

    if (s == NULL)
        return ERR_NOMEM;
    returns_count(&s->counts, r);
    returns_count(&l->all, r);
    return l->format == TABLE_TEXT ? put_text_row(l->rows, r, sessions) : put_program_row(l->rows, r, sessions);
}

static enum err new_rows(struct table **out, enum table_format f)
{
    static const char *const names[] = {"unit", "form", "period", "state", "filled_on", "received", "due", "remark"};
    static struct table_column text_columns[8]; /* must outlive the table */
    const char *const titles[] = {_("Unit"),      _("Form"),     _("Period"), _("State"),
                                  _("Filled in"), _("Received"), _("Due"),    _("Remark")};

    if (f != TABLE_TEXT)
        return table_new(out, program_columns, sizeof(program_columns) / sizeof(program_columns[0]));
    for (size_t i = 0; i < 8; i++)
        text_columns[i] = (struct table_column){names[i], titles[i], TABLE_LEFT, false};
    return table_new(out, text_columns, 8);
}

/* ---- one line a form and period ---- */

static enum err put_sum(struct table *t, const struct sum *s, enum table_format f)
{
    const struct returns_counts *c = &s->counts;
    const uint64_t numbers[] = {c->due,
                                c->received,
                                c->on_time,
                                c->by_state[RETURN_ACCEPTED],
                                c->by_state[RETURN_QUESTIONED],
                                c->late,
                                c->missing,
                                c->by_state[RETURN_WAITING],
                                c->by_state[RETURN_NOT_DUE],
                                c->by_state[RETURN_WAIVED]};
    char texts[10][24], received[PERCENT_TEXT], on_time[PERCENT_TEXT];
    const char *cells[14] = {s->form, s->period.id};

    put_percent(received, c->received, c->due, f);
    put_percent(on_time, c->on_time, c->due, f);
    for (size_t i = 0; i < 10; i++)
        (void)snprintf(texts[i], sizeof(texts[i]), "%llu", (unsigned long long)numbers[i]);
    cells[2] = texts[0];
    cells[3] = texts[1];
    cells[4] = received;
    cells[5] = texts[2];
    cells[6] = on_time;
    for (size_t i = 3; i < 10; i++)
        cells[4 + i] = texts[i];
    return table_row(t, cells);
}

static enum err print_sums(const struct listing *l)
{
    const struct table_column columns[] = {{"form", _("Form"), TABLE_LEFT, false},
                                           {"period", _("Period"), TABLE_LEFT, false},
                                           {"due", _("Due"), TABLE_RIGHT, true},
                                           {"received", _("Received"), TABLE_RIGHT, true},
                                           {"received_percent", "%", TABLE_RIGHT, true},
                                           {"on_time", _("On time"), TABLE_RIGHT, true},
                                           {"on_time_percent", "%", TABLE_RIGHT, true},
                                           {"accepted", _("Accepted"), TABLE_RIGHT, true},
                                           {"questioned", _("Asked back"), TABLE_RIGHT, true},
                                           {"late", _("Late"), TABLE_RIGHT, true},
                                           {"missing", _("Missing"), TABLE_RIGHT, true},
                                           {"waiting", _("Waiting"), TABLE_RIGHT, true},
                                           {"not_due", _("Not due"), TABLE_RIGHT, true},
                                           {"waived", _("Waived"), TABLE_RIGHT, true}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < l->count && e == OK; i++)
        e = put_sum(t, &l->sums[i], l->format);
    return command_print(t, l->format, e);
}

static void say_all(const struct returns_counts *c)
{
    char received[PERCENT_TEXT], on_time[PERCENT_TEXT];

    put_percent(received, c->received, c->due, TABLE_TEXT);
    put_percent(on_time, c->on_time, c->due, TABLE_TEXT);
    if (c->due == 0)
        (void)printf("\n%s\n", _("Nothing is due."));
    else
        (void)printf(
            _("\nThe district: %llu of %llu returns are here (%s %%), %llu filled in on time (%s %%), %llu are "
              "missing.\n"),
            (unsigned long long)c->received, (unsigned long long)c->due, received, (unsigned long long)c->on_time,
            on_time, (unsigned long long)c->missing);
}

/* ---- the command ---- */

static enum err check_query(struct hub *h, struct returns_query *q, struct period *period)
{
    const struct form *form;
    enum err e = OK;

    if (q->form != NULL)
        e = command_form(h, q->form, &form);
    if (e == OK && q->unit != NULL && strcmp(q->unit, UNIT_DISTRICT) != 0)
        e = command_unit(h, q->unit);
    if (e == OK && q->period != NULL && (e = command_period(h, q->period, period)) == OK)
        q->period = period->id;
    return e;
}

static enum err print_listing(const struct listing *l, bool summary)
{
    enum err e = OK;

    if (!summary)
        e = table_print(l->rows, l->format, stdout);
    if (e == OK && l->format == TABLE_TEXT && !summary && l->count > 0)
        (void)printf("\n");
    if (e == OK && (summary || (l->format == TABLE_TEXT && l->count > 0)))
        e = print_sums(l);
    if (e == OK && l->format == TABLE_TEXT)
        say_all(&l->all);
    return e;
}

static enum err show(struct hub *h, const struct returns_query *q, bool summary, enum table_format f)
{
    struct listing l = {.format = f};
    struct store_txn *t = NULL;
    enum err e = new_rows(&l.rows, f);

    if (e == OK && (e = store_begin_read(h->store, &t)) == OK &&
        (e = session_sums_read(h, t, q->unit, q->period, &l.sessions)) == OK)
        e = returns_each(h, t, q, put_return, &l);
    store_abort(t);
    if (e == OK)
        e = print_listing(&l, summary);
    table_free(l.rows);
    session_sums_fini(&l.sessions);
    free(l.sums);
    return e;
}

int cmd_completeness(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *summary = NULL;
    struct returns_query q = {.today = clock_today()};
    const struct cli_command *c = command_named("completeness");
    const struct cli_option options[] = {HOME_OPTION(&home),
                                         {"period", 'p', N_("P"), N_("period: its id or its label"), &q.period},
                                         {"form", 'f', N_("F"), N_("form, by id"), &q.form},
                                         {"unit", 'u', N_("U"), N_("unit"), &q.unit},
                                         {"summary", 0, NULL, N_("only the numbers of each form and period"), &summary},
                                         FORMAT_OPTION(&format),
                                         LAST_OPTION};
    struct period period;
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK && (e = check_query(h, &q, &period)) == OK)
        e = show(h, &q, summary != NULL, f);
    return command_close(h, e, false);
}
