#include "agent/cmd_sheet.h"

#include "agent/aside.h"
#include "agent/draft.h"
#include "agent/enrolment.h"
#include "agent/excused.h"
#include "agent/outlook.h"
#include "agent/questions.h"
#include "agent/run.h"
#include "agent/self_copy.h"
#include "agent/session.h"
#include "agent/standing.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

#define EXCUSED_SHOWN_DAYS 60
struct status_excused {
    struct sheet *sheet;
    const struct agent *a;
};

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

/* By what the office knows this computer, for the telephone. */
static enum err put_keys(struct sheet *s, const struct agent *a)
{
    char print[FINGERPRINT_CHARS + 1];
    char words[SIX_WORDS_MAX];
    enum err e;

    fingerprint(print, key_public(a->sign));
    if ((e = sheet_text(s, "key", _("fingerprint of this computer's key"), print)) != OK)
        return e;
    e = enrolment_words(a, words);
    if (e == ERR_NOT_FOUND)
        return OK;
    return e == OK ? sheet_text(s, "words", _("six words for the telephone"), words) : e;
}

static enum err put_who(struct sheet *s, const struct agent *a)
{
    const char *enrolled = agent_is_enrolled(a) ? _("yes") : _("not yet: the first meeting does it");
    const char *expired = a->directory->expires_ms < clock_wall_ms()
                              ? _("the district's directory is past its date: sync when there is a line")
                              : "";
    enum err e = sheet_text(s, "participant", _("participant"), a->grant->participant);

    if (e == OK)
        e = sheet_text(s, "name", _("name"), a->grant->name);
    if (e == OK)
        e = sheet_text(s, "district", _("district"), a->directory->name);
    if (e == OK)
        e = sheet_text(s, "enrolled", _("known to the district"), enrolled);
    if (e == OK)
        e = put_keys(s, a);
    if (e == OK)
        e = sheet_text(s, "access", _("access"), word_of_status(a->grant->status));
    if (e == OK && expired[0] != '\0')
        e = sheet_text(s, "warning", _("note"), expired);
    return e;
}

/* What the district destroyed by its acts; it is no loss, and nothing is to be done about it. */
static enum err put_erased(struct sheet *s, const struct agent *a)
{
    struct standing_act acts[STANDING_ACTS_MAX];
    uint64_t all = 0;
    size_t count = 0;
    enum err e = standing_acts(a, acts, &count);

    for (size_t i = 0; i < count; i++)
        all += acts[i].submissions;
    if (e != OK || (e = sheet_count(s, "erased", _("destroyed at the district (no loss)"), all)) != OK)
        return e;
    for (size_t i = 0; i < count && e == OK; i++) {
        char number[32], day[16], text[200];

        if (acts[i].act == 0)
            continue;
        cli_format_count(number, sizeof(number), acts[i].submissions);
        cli_format_day(day, sizeof(day), acts[i].hub_ms);
        (void)snprintf(text, sizeof(text), _("under act No. %llu on %s: %s"), (unsigned long long)acts[i].act, day,
                       number);
        e = sheet_text(s, "erased_act", _("  of these"), text);
    }
    return e;
}

/* What was given back of the school's earlier work and cannot be opened here (aside.h); most homes have none. */
static enum err put_aside(struct sheet *s, const struct agent *a)
{
    uint64_t waiting = 0, given_up = 0;
    enum err e = aside_count(a, &waiting, &given_up);

    if (e == OK && waiting > 0)
        e = sheet_count(s, "aside", _("parcels of earlier work that wait for their key (keys/seal.key)"), waiting);
    if (e == OK && given_up > 0)
        e = sheet_count(s, "left_out", _("parcels of earlier work that are left out here"), given_up);
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
    if ((e = sheet_count(s, "drafts", _("drafts"), drafts)) != OK ||
        (e = sheet_count(s, "waiting", _("submissions that wait"), st.waiting)) != OK ||
        (e = sheet_count(s, "sealed", _("packed to be sent"), st.sealed)) != OK ||
        (e = sheet_text(s, "sealed_size", _("their size on the line"), bytes)) != OK ||
        (e = sheet_count(s, "stored", _("received by the district"), st.stored)) != OK ||
        (e = sheet_count(s, "archived", _("in the district's archive"), st.archived)) != OK ||
        (e = sheet_count(s, "refused", _("kept apart by the district"), st.refused)) != OK ||
        (e = sheet_count(s, "rejected", _("rejected by the district"), st.rejected)) != OK ||
        (e = put_erased(s, a)) != OK || (e = put_aside(s, a)) != OK)
        return e;
    if (st.waiting + st.sealed > 0 &&
        (e = sheet_text(s, "no_line", _("no line?"), _("svodka-agent waits shows what to say on the telephone"))) != OK)
        return e;
    return sheet_time(s, "last_receipt", _("last word from the district"), st.last_receipt_ms);
}

/* When the district heard of us last, and when next. */
static enum err put_next(struct sheet *s, const struct agent *a)
{
    int64_t now = clock_wall_ms();
    char text[OUTLOOK_TEXT], at[64] = "";
    struct schedule_state st;
    struct outlook o;
    enum err e = schedule_load(a, &st);

    if (e != OK)
        return e;
    o = outlook_of(&st, &a->conf, schedule_own(a), run_is_at_work(a), now);
    outlook_say(text, &o, &st, &a->conf, now);
    if ((e = sheet_time(s, "last_meeting", _("last meeting with the district"), st.success_ms)) == OK)
        e = sheet_text(s, "next", _("next sending"), text);
    if (e != OK || !s->has_names)
        return e;
    if (o.next_ms != 0)
        cli_format_utc(at, sizeof(at), o.next_ms);
    e = sheet_text(s, "next_kind", _("next sending: kind"), outlook_name(o.kind));
    return e == OK ? sheet_text(s, "next_at", _("next sending: time"), at) : e;
}

/* What waits for an answer, each with its day. */
static enum err put_questions(struct sheet *s, const struct agent *a)
{
    char name[ASKED_NAME], title[64], text[ASKED_NAME + 64], due[11];
    struct asked_list l;
    uint64_t open = 0;
    enum err e = questions_list(a, &l);

    if (e != OK)
        return e;
    for (size_t i = 0; i < l.count; i++)
        open += l.items[i].state == ASKED_OPEN;
    e = sheet_count(s, "questions", _("questions of the district without an answer"), open);
    for (size_t i = 0; e == OK && i < l.count; i++) {
        const struct asked *q = &l.items[i];

        if (q->state != ASKED_OPEN)
            continue;
        asked_name(a, &q->about, name);
        date_format(due, q->about.due);
        (void)snprintf(title, sizeof(title), _("question %llu"), (unsigned long long)q->about.question);
        if (q->about.has_due)
            (void)snprintf(text, sizeof(text), _("%s: answer until %s"), name, due);
        else
            (void)snprintf(text, sizeof(text), "%s", name);
        e = sheet_text(s, "question", title, text);
    }
    asked_list_fini(&l);
    return e;
}

/* What is due on another day than the calendar says, or not at all: as long as that is of use. */
static enum err put_excused(void *ctx, const struct excused *x)
{
    struct status_excused *s = ctx;
    char name[ASKED_NAME], text[NOTICE_TEXT_MAX + 128];
    struct period p;

    if (x->kind == EXCUSED_EXTENDED ? x->about.due < clock_today()
                                    : calendar_find(s->a->calendar, NULL, x->about.period, &p) == OK &&
                                          p.last + EXCUSED_SHOWN_DAYS < clock_today())
        return OK;
    asked_name(s->a, &x->about, name);
    excused_say(x, text, sizeof(text));
    return sheet_text(s->sheet, "excused", name, text);
}

/* Stacks that wait to be closed; most homes have none. */
static enum err put_sessions(struct sheet *s, const struct agent *a)
{
    static const struct session_filter open = {.open_only = true};
    char title[SESSION_NAME_MAX + 64], text[256];
    struct session_list l;
    enum err e = session_list(a, &open, &l);

    for (size_t i = 0; e == OK && i < l.count; i++) {
        const struct session *x = &l.items[i];
        struct period p;
        bool is_over =
            a->calendar != NULL && calendar_find(a->calendar, NULL, x->period, &p) == OK && p.last < clock_today();

        (void)snprintf(title, sizeof(title), _("session %s is open"), x->word.name);
        if (x->word.expected > 0)
            (void)snprintf(text, sizeof(text), _("%u of %u answers are in"), x->word.entered, x->word.expected);
        else
            (void)snprintf(text, sizeof(text), ngettext("%u answer is in", "%u answers are in", x->word.entered),
                           x->word.entered);
        if (is_over)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
                           _("; its period is over: close it, or the last of them never leave"));
        e = sheet_text(s, "session", title, text);
    }
    session_list_fini(&l);
    return e;
}

/* "If this computer died now". */
static enum err put_risk(struct sheet *s, const struct agent *a)
{
    struct self_copy_risk risk;
    char text[SHEET_RISK_TEXT];
    enum err e = sheet_risk(a, text, &risk);

    if (e == OK && s->has_names)
        e = sheet_count(s, "at_risk_entries", _("entries that would be lost"), risk.entries);
    return e == OK ? sheet_text(s, "at_risk", _("if this computer died now, you would lose"), text) : e;
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
        x->e = sheet_text(&x->sheet, "event", when, text);
}

static enum err show_status(struct agent *a, enum table_format format, bool forget)
{
    const struct table_column columns[] = {{"item", _("item"), TABLE_LEFT, false},
                                           {"title", _("what"), TABLE_LEFT, false},
                                           {"value", _("value"), TABLE_LEFT, false}};
    struct events events = {.e = OK};
    struct status_excused excused = {&events.sheet, a};
    enum err e = sheet_new(&events.sheet, columns, format);

    if (e == OK && (e = put_who(&events.sheet, a)) == OK && (e = put_queue(&events.sheet, a)) == OK &&
        (e = put_next(&events.sheet, a)) == OK && (e = put_questions(&events.sheet, a)) == OK &&
        (e = excused_each(a, put_excused, &excused)) == OK && (e = put_sessions(&events.sheet, a)) == OK &&
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
