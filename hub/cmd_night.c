/* svodka-hub night: who came, who did not and since when, what was turned away, when the hub was not running. */
#include "hub/cmd_night.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/value.h"
#include "hub/lease.h"
#include "hub/quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_DAYS 3
#define SILENT_MOST 3650

static const char *standing_word(enum night_standing w, enum table_format f)
{
    const char *const names[] = {"came", "file", "refused", "silent", "not-expected"};
    const char *const words[] = {_("came"), _("by file"), _("turned away"), _("did not come"), ""};

    return f == TABLE_TEXT ? words[w] : names[w];
}

static void put_part(struct buf *out, const char *text)
{
    buf_printf(out, "%s%s", out->len > 0 ? "; " : "", text);
}

static void put_note(struct buf *out, const struct night *n, const struct night_school *s)
{
    int64_t days = night_days_silent(n, s);
    char text[512];

    if (days >= 0) {
        night_put_silence(text, sizeof(text), s, days);
        put_part(out, text);
    }
    if (s->row.refused > 0)
        put_part(out, night_refusal_word(s->row.refusal));
    if (s->row.bad_batches > 0) {
        (void)snprintf(text, sizeof(text), _("parcels turned away: %llu (%s)"), (unsigned long long)s->row.bad_batches,
                       night_refusal_word(s->row.bad_batch));
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

static enum err put_school(struct night *n, const struct night_school *s)
{
    char first[64], last[64], submissions[32], bytes[32], aside[32], refused[32], bad[32], silent[32] = "";
    enum table_format f = n->format;
    int64_t days = night_days_silent(n, s);
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
        const char *const cells[] = {s->p->id,       s->p->grant.name, standing_word(night_standing_of(n, s), f),
                                     first,          submissions,      bytes,
                                     buf_cstr(&note)};

        e = table_row(n->table, cells);
    } else {
        const char *const cells[] = {s->p->id,
                                     s->p->grant.name,
                                     standing_word(night_standing_of(n, s), f),
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
    static const enum night_standing order[] = {SILENT, TURNED_AWAY, CAME_BY_FILE, CAME};
    enum err e = OK;

    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
        for (size_t i = 0; e == OK && i < n->count; i++)
            if (night_standing_of(n, &n->schools[i]) == order[k])
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
    struct night_totals sum;
    char count[32], size[32];

    night_totals(n, &sum);
    cli_format_count(count, sizeof(count), sum.submissions);
    cli_format_bytes(size, sizeof(size), sum.bytes);
    (void)printf(_("\nCame: %llu of %llu. Submissions: %s (%s).\n"), (unsigned long long)sum.came,
                 (unsigned long long)sum.expected, count, size);
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

static enum err look_at_disk(struct night *n)
{
    uint64_t free_bytes;
    char left[32];
    bool is_little;
    enum err e = night_room(n, &is_little, &free_bytes);

    if (e != OK || !is_little)
        return e;
    n->needs_attention = true;
    cli_format_bytes(left, sizeof(left), free_bytes);
    if (n->format == TABLE_TEXT)
        (void)printf(_("Little room is left: %s (docs/hub-yaml.md: store.map_size; or the disk).\n"), left);
    return OK;
}

static void judge(struct night *n)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct night_school *s = &n->schools[i];

        if (s->row.refused > 0 || s->row.bad_batches > 0 || night_days_silent(n, s) >= n->silent_days)
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
    if ((e = night_gather(n)) == OK && (e = put_schools(n)) == OK)
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

void night_ask_core(const struct hub *h)
{
    struct buf answer;

    buf_init(&answer, LEASE_MAX_PACKET);
    if (lease_has_core(h->lease) && lease_ask(h->lease, "status", &answer) != OK)
        log_warning("night: %s", err_text());
    buf_fini(&answer);
}

int cmd_night(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *silent = NULL, *check = NULL, *alert = NULL;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"alert", 0, NULL, N_("run night.alert of hub.yaml when there is something that was not told lately"), &alert},
        {"check", 0, NULL, N_("exit with 1 when something of that night needs somebody's attention"), &check},
        {"silent", 0, N_("DAYS"), N_("with --check and --alert: a school that has not come for so long (default: 3)"),
         &silent},
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
    if (alert != NULL)
        return night_alert(&n, home);
    if ((e = command_open(&n.hub, home, HUB_READ)) == OK) {
        night_ask_core(n.hub);
        if ((e = store_begin_read(n.hub->store, &n.t)) == OK)
            e = show(&n);
        store_abort(n.t);
    }
    free(n.schools);
    code = command_close(n.hub, e, false);
    return code == 0 && check != NULL && n.needs_attention ? 1 : code;
}
