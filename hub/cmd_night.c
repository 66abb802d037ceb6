/* svodka-hub night: who came, who did not and since when, what was turned away, when the hub was not running. */
#include "hub/commands.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/value.h"
#include "hub/lease.h"
#include "hub/ledger_arrivals.h"
#include "hub/nights.h"
#include "hub/quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS       INT64_C(86400000)
#define SILENT_DAYS  3
#define SILENT_MOST  3650
#define DOWN_MS      600000 /* a restart is no news */
#define DISK_PERCENT 5

struct school {
    const struct participant *p;
    struct night_row row;
    uint64_t batches, submissions, bytes, quarantined;
};
struct night {
    struct hub *hub;
    struct store_txn *t;
    enum table_format format;
    struct table *table;
    int32_t day;
    int64_t from_ms, to_ms; /* to: this very moment, if the night is not over */
    int64_t silent_days;
    struct school *schools; /* by index in the registry */
    size_t count;
    struct night_run down[NIGHT_RUNS_MAX + 1];
    size_t down_count;
    bool is_known; /* something was noted of that night */
    bool needs_attention;
};

/* ---- what is known ---- */

static struct school *school_of(const struct night *n, uint32_t participant)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->schools[i].p->index == participant)
            return &n->schools[i];
    return NULL;
}

static enum err take_row(void *ctx, const struct night_row *r)
{
    struct night *n = ctx;
    struct school *s = school_of(n, r->participant);

    if (s != NULL)
        s->row = *r;
    return OK;
}

static enum err take_arrival(void *ctx, const struct ledger_arrival *a)
{
    struct school *s = school_of(ctx, a->participant);

    if (s == NULL)
        return OK;
    s->batches++;
    s->submissions += a->submissions;
    s->bytes += a->bytes;
    s->quarantined += a->quarantined;
    return OK;
}

static void add_down(struct night *n, int64_t from_ms, int64_t to_ms)
{
    if (to_ms - from_ms >= DOWN_MS)
        n->down[n->down_count++] = (struct night_run){from_ms, to_ms};
}

/* What is between the stretches in which it ran. */
static enum err take_runs(struct night *n)
{
    struct night_run runs[NIGHT_RUNS_MAX];
    int64_t until = n->from_ms;
    size_t count;
    enum err e = night_runs(n->t, n->day, runs, &count);

    n->is_known = e == OK;
    if (e == ERR_NOT_FOUND && n->day < night_of(clock_wall_ms()) - (int32_t)n->hub->conf.night_days)
        return OK; /* too long ago */
    if ((e == OK || e == ERR_NOT_FOUND) && (e = ledger_time(n->t, 1, &until)) == OK && until < n->from_ms)
        until = n->from_ms; /* else the hub was made that night, and was not down before */
    for (size_t i = 0; e == OK && i < count; i++) {
        add_down(n, until, runs[i].from_ms);
        until = runs[i].to_ms > until ? runs[i].to_ms : until;
    }
    if (e == OK)
        add_down(n, until, n->to_ms);
    return e;
}

static enum err gather(struct night *n)
{
    const struct registry *r = n->hub->registry;
    enum err e;

    if ((n->schools = calloc(registry_count(r) + 1, sizeof(*n->schools))) == NULL)
        return ERR_NOMEM;
    n->count = registry_count(r);
    for (size_t i = 0; i < n->count; i++)
        n->schools[i].p = registry_at(r, i);
    if ((e = night_each(n->t, n->day, take_row, n)) == OK && (e = take_runs(n)) == OK)
        e = ledger_each_arrival(n->hub, n->t, n->from_ms, n->to_ms, take_arrival, n);
    return e;
}

/* ---- one school ---- */

enum standing_of_night { CAME, CAME_BY_FILE, TURNED_AWAY, SILENT, NOT_EXPECTED };

static enum standing_of_night standing_of(const struct night *n, const struct school *s)
{
    bool is_expected = (s->p->state == PARTICIPANT_ACTIVE || s->p->state == PARTICIPANT_HELD) &&
                       s->p->enrolled_ms < n->to_ms; /* of an earlier night: it had joined by then */

    if (s->row.first_ms != 0)
        return CAME;
    if (s->batches > 0)
        return CAME_BY_FILE;
    if (s->row.refused > 0)
        return TURNED_AWAY;
    return is_expected ? SILENT : NOT_EXPECTED;
}

static const char *standing_word(enum standing_of_night w, enum table_format f)
{
    const char *const names[] = {"came", "file", "refused", "silent", "not-expected"};
    const char *const words[] = {_("came"), _("by file"), _("turned away"), _("did not come"), ""};

    return f == TABLE_TEXT ? words[w] : names[w];
}

/* Why the hub said no, for the operator. */
static const char *refusal_word(enum message_error why)
{
    switch (why) {
    case MERR_VERSION: return _("its program is too old or too new for this hub");
    case MERR_UNKNOWN: return _("it gave another name than its key has, or looks for another district");
    case MERR_REVOKED: return _("its computer is revoked");
    case MERR_HELD: return _("it is on hold, and as much as is kept of it is here");
    case MERR_INVITATION_USED: return _("its invitation was used before; give it another one (school invite)");
    case MERR_INVITATION_EXPIRED: return _("its invitation has expired; give it another one (school invite)");
    case MERR_INVITATION_LOCKED: return _("its invitation is locked after wrong tries; give it another one");
    case MERR_ENROL: return _("its request to join was wrong");
    case MERR_SIGNATURE: return _("the signature does not fit");
    case MERR_SEQUENCE: return _("its history is another one than the hub's; this settles by itself");
    case MERR_BUSY: return _("the hub was busy; it comes again");
    case MERR_LIMIT: return _("a limit was exceeded");
    case MERR_MALFORMED:
    case MERR_ORDER:
    case MERR_INTERNAL: break;
    }
    return _("a mistake of the program: look into the hub's log");
}

/* Whole days since it was seen last, at the end of the night; -1: it came, or this is an old night. */
static int64_t days_silent(const struct night *n, const struct school *s)
{
    enum standing_of_night w = standing_of(n, s);

    if ((w != SILENT && w != TURNED_AWAY) || s->p->last_seen_ms == 0 || s->p->last_seen_ms >= n->to_ms)
        return -1;
    return (n->to_ms - s->p->last_seen_ms) / DAY_MS;
}

static void put_part(struct buf *out, const char *text)
{
    buf_printf(out, "%s%s", out->len > 0 ? "; " : "", text);
}

static void put_note(struct buf *out, const struct night *n, const struct school *s)
{
    int64_t days = days_silent(n, s);
    char text[512], when[64];

    if (days >= 0) {
        cli_format_day(when, sizeof(when), s->p->last_seen_ms);
        (void)snprintf(text, sizeof(text),
                       ngettext("seen last on %s, %lld day ago", "seen last on %s, %lld days ago", (unsigned long)days),
                       when, (long long)days);
        put_part(out, text);
    }
    if (s->row.refused > 0)
        put_part(out, refusal_word(s->row.refusal));
    if (s->row.bad_batches > 0) {
        (void)snprintf(text, sizeof(text), _("parcels turned away: %llu (%s)"), (unsigned long long)s->row.bad_batches,
                       refusal_word(s->row.bad_batch));
        put_part(out, text);
    }
    if (s->quarantined > 0) {
        (void)snprintf(text, sizeof(text), _("put aside: %llu (svodka-hub quarantine list)"),
                       (unsigned long long)s->quarantined);
        put_part(out, text);
    }
}

static void put_minute(char *out, size_t size, int64_t ms, enum table_format f)
{
    out[0] = '\0';
    if (f != TABLE_TEXT)
        command_time(out, size, ms, f);
    else if (ms != 0)
        cli_format_minute(out, size, ms);
}

static void put_number(char *out, size_t size, uint64_t v, enum table_format f)
{
    if (f == TABLE_TEXT && v == 0)
        out[0] = '\0';
    else if (f == TABLE_TEXT)
        cli_format_count(out, size, v);
    else
        (void)snprintf(out, size, "%llu", (unsigned long long)v);
}

static enum err put_school(struct night *n, const struct school *s)
{
    char first[64], last[64], submissions[32], bytes[32], aside[32], refused[32], bad[32], silent[32] = "";
    enum table_format f = n->format;
    int64_t days = days_silent(n, s);
    struct buf note;
    enum err e;

    put_minute(first, sizeof(first), s->row.first_ms, f);
    put_minute(last, sizeof(last), s->row.last_ms, f);
    put_number(submissions, sizeof(submissions), s->submissions, f);
    put_number(bytes, sizeof(bytes), s->bytes, f);
    if (f == TABLE_TEXT && s->bytes > 0)
        cli_format_bytes(bytes, sizeof(bytes), s->bytes);
    put_number(aside, sizeof(aside), s->quarantined, f);
    put_number(refused, sizeof(refused), s->row.refused, f);
    put_number(bad, sizeof(bad), s->row.bad_batches, f);
    if (days >= 0)
        (void)snprintf(silent, sizeof(silent), "%lld", (long long)days);
    buf_init(&note, 8192);
    put_note(&note, n, s);
    if (f == TABLE_TEXT) {
        const char *const cells[] = {s->p->id,       s->p->grant.name, standing_word(standing_of(n, s), f),
                                     first,          submissions,      bytes,
                                     buf_cstr(&note)};

        e = table_row(n->table, cells);
    } else {
        const char *const cells[] = {s->p->id,
                                     s->p->grant.name,
                                     standing_word(standing_of(n, s), f),
                                     first,
                                     last,
                                     submissions,
                                     bytes,
                                     aside,
                                     refused,
                                     s->row.refusal != 0 ? message_error_name(s->row.refusal) : "",
                                     bad,
                                     silent,
                                     buf_cstr(&note)};

        e = table_row(n->table, cells);
    }
    buf_fini(&note);
    return e;
}

/* ---- the night ---- */

static enum err new_table(struct table **out, enum table_format f)
{
    static const char *const names[] = {"participant",     "name",        "state",       "first",   "last",
                                        "submissions",     "bytes",       "quarantined", "refused", "refusal",
                                        "refused_batches", "silent_days", "note"};
    static struct table_column columns[13]; /* must outlive the table */
    const char *const titles[] = {_("ID"),          _("School"), _("The night"),   _("At"),
                                  _("Submissions"), _("Size"),   _("What to know")};

    if (f == TABLE_TEXT) {
        for (size_t i = 0; i < 7; i++)
            columns[i] =
                (struct table_column){titles[i], titles[i], i == 4 || i == 5 ? TABLE_RIGHT : TABLE_LEFT, false};
        return table_new(out, columns, 7);
    }
    for (size_t i = 0; i < 13; i++)
        columns[i] = (struct table_column){names[i], names[i], TABLE_LEFT, (i >= 5 && i <= 8) || i == 10 || i == 11};
    return table_new(out, columns, 13);
}

/* Who did not come first, then who was turned away, then the others. */
static enum err put_schools(struct night *n)
{
    static const enum standing_of_night order[] = {SILENT, TURNED_AWAY, CAME_BY_FILE, CAME};
    enum err e = OK;

    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
        for (size_t i = 0; e == OK && i < n->count; i++)
            if (standing_of(n, &n->schools[i]) == order[k])
                e = put_school(n, &n->schools[i]);
    return e;
}

static enum err put_down(struct night *n)
{
    enum err e = OK;

    for (size_t i = 0; e == OK && i < n->down_count && n->format != TABLE_TEXT; i++) {
        char from[64], to[64];
        const char *const cells[] = {"", n->hub->conf.name, "hub-down", from, to, "", "", "", "", "", "", "", ""};

        command_time(from, sizeof(from), n->down[i].from_ms, n->format);
        command_time(to, sizeof(to), n->down[i].to_ms, n->format);
        e = table_row(n->table, cells);
    }
    return e;
}

/* ---- in words, below ---- */

static void say_totals(const struct night *n)
{
    uint64_t came = 0, expected = 0, submissions = 0, bytes = 0;
    char count[32], size[32];

    for (size_t i = 0; i < n->count; i++) {
        enum standing_of_night w = standing_of(n, &n->schools[i]);

        came += w == CAME || w == CAME_BY_FILE;
        expected += w != NOT_EXPECTED && n->schools[i].p->state != PARTICIPANT_INVITED;
        submissions += n->schools[i].submissions;
        bytes += n->schools[i].bytes;
    }
    cli_format_count(count, sizeof(count), submissions);
    cli_format_bytes(size, sizeof(size), bytes);
    (void)printf(_("\nCame: %llu of %llu. Submissions: %s (%s).\n"), (unsigned long long)came,
                 (unsigned long long)expected, count, size);
}

static void say_down(const struct night *n)
{
    if (!n->is_known)
        (void)printf("%s\n", _("The hub was not running that night, or it is too long ago."));
    for (size_t i = 0; n->is_known && i < n->down_count; i++) {
        char from[64], to[64];

        cli_format_minute(from, sizeof(from), n->down[i].from_ms);
        cli_format_minute(to, sizeof(to), n->down[i].to_ms);
        (void)printf(_("The hub was not running from %s to %s: whoever knocked then comes again by itself.\n"), from,
                     to);
    }
}

static enum err say_waiting(struct night *n)
{
    const struct quarantine_filter f = {.waits = true};
    struct quarantine_list l;
    uint64_t suspects = store_count(n->t, H_SUSPECTS);
    enum err e = quarantine_find(n->hub, n->t, &f, &l);

    if (e != OK)
        return e;
    if (l.count > 0)
        (void)printf(_("Waits in quarantine: %zu (svodka-hub quarantine list).\n"), l.count);
    if (suspects > 0)
        (void)printf(_("Doubtful parcels wait for your word: %llu (svodka-hub school suspects).\n"),
                     (unsigned long long)suspects);
    quarantine_list_fini(&l);
    return OK;
}

/* Little is left of the disk, or of what the store may grow to. */
static enum err look_at_disk(struct night *n)
{
    struct store_usage u;
    char left[32];
    enum err e = store_usage(n->hub->store, &u);
    uint64_t free_bytes;

    if (e != OK)
        return e;
    free_bytes = u.map_bytes > u.used_bytes ? u.map_bytes - u.used_bytes : 0;
    if (u.disk_free_bytes < free_bytes)
        free_bytes = u.disk_free_bytes;
    if (free_bytes >= (u.used_bytes + free_bytes) / 100 * DISK_PERCENT)
        return OK;
    n->needs_attention = true;
    cli_format_bytes(left, sizeof(left), free_bytes);
    if (n->format == TABLE_TEXT)
        (void)printf(_("Little room is left: %s (docs/hub-yaml.md: store.map_size; or the disk).\n"), left);
    return OK;
}

static void judge(struct night *n)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct school *s = &n->schools[i];

        if (s->row.refused > 0 || s->row.bad_batches > 0 || days_silent(n, s) >= n->silent_days)
            n->needs_attention = true;
    }
    if (!n->is_known || n->down_count > 0)
        n->needs_attention = true;
}

static void say_head(const struct night *n)
{
    char day[64];

    if (n->format != TABLE_TEXT)
        return;
    cli_format_date(day, sizeof(day), n->day);
    (void)printf(_("The night to %s\n\n"), day);
}

static enum err show(struct night *n)
{
    enum err e = new_table(&n->table, n->format);

    if (e != OK)
        return e;
    if ((e = gather(n)) == OK && (e = put_schools(n)) == OK)
        e = put_down(n);
    if (e == OK)
        say_head(n);
    e = command_print(n->table, n->format, e);
    if (e == OK && n->format == TABLE_TEXT) {
        say_totals(n);
        say_down(n);
        e = say_waiting(n);
    }
    if (e == OK)
        e = look_at_disk(n);
    judge(n);
    return e;
}

/* ---- the command ---- */

static enum err read_day(struct night *n, const char *text)
{
    int64_t now = clock_wall_ms();

    n->day = clock_today();
    if (text != NULL && date_parse_local(&n->day, text, strlen(text)) != OK)
        return err_set(ERR_USAGE, _("a date is expected, for example 2021-06-30 (found: %s)"), text);
    night_span(n->day, &n->from_ms, &n->to_ms);
    if (n->from_ms > now)
        return err_set(ERR_USAGE, _("the night to %s has not come yet"), text);
    if (n->to_ms > now)
        n->to_ms = now;
    return OK;
}

/* What the core holds in memory, first; without an answer the last minute may be missing. */
static void ask_core(const struct hub *h)
{
    struct buf answer;

    buf_init(&answer, LEASE_MAX_PACKET);
    if (lease_has_core(h->lease) && lease_ask(h->lease, "status", &answer) != OK)
        log_warning("night: %s", err_text());
    buf_fini(&answer);
}

int cmd_night(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *silent = NULL, *check = NULL;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"check", 0, NULL, N_("exit with 1 when something of that night needs somebody's attention"), &check},
        {"silent", 0, N_("DAYS"), N_("with --check: a school that has not come for so long (default: 3)"), &silent},
        FORMAT_OPTION(&format),
        LAST_OPTION};
    struct night n = {.silent_days = SILENT_DAYS};
    int count = cli_parse(command_named("night"), options, argc, argv, 0, 1);
    int code;
    enum err e;

    if (count < 0)
        return cli_exit_code();
    if ((e = command_format(&n.format, format)) != OK ||
        (e = command_number(&n.silent_days, "silent", silent, 1, SILENT_MOST)) != OK ||
        (e = read_day(&n, count > 0 ? argv[0] : NULL)) != OK)
        return cli_fail(e);
    if ((e = command_open(&n.hub, home, HUB_READ)) == OK) {
        ask_core(n.hub);
        if ((e = store_begin_read(n.hub->store, &n.t)) == OK)
            e = show(&n);
        store_abort(n.t);
    }
    free(n.schools);
    code = command_close(n.hub, e, false);
    return code == 0 && check != NULL && n.needs_attention ? 1 : code;
}
