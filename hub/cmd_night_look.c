/* What is known of a night: who came, who did not, when the hub was not running (cmd_night.h). */
#include "hub/cmd_night.h"

#include "common/clock.h"
#include "hub/ledger.h"
#include "hub/ledger_arrivals.h"
#include "hub/room.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_MS  INT64_C(86400000)
#define DOWN_MS 600000 /* a restart is no news */

/* ---- what is known ---- */

static struct night_school *school_of(const struct night *n, uint32_t participant)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->schools[i].p->index == participant)
            return &n->schools[i];
    return NULL;
}

static enum err take_row(void *ctx, const struct night_row *r)
{
    struct night *n = ctx;
    struct night_school *s = school_of(n, r->participant);

    if (s != NULL)
        s->row = *r;
    return OK;
}

static enum err take_arrival(void *ctx, const struct ledger_arrival *a)
{
    struct night_school *s = school_of(ctx, a->participant);

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

enum err night_gather(struct night *n)
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

enum night_standing night_standing_of(const struct night *n, const struct night_school *s)
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

const char *night_refusal_word(enum message_error why)
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
    case MERR_ROOM: return _("the hub had no room on its disk; it comes again");
    case MERR_LIMIT: return _("a limit was exceeded");
    case MERR_MALFORMED:
    case MERR_ORDER:
    case MERR_INTERNAL: break;
    }
    return _("a mistake of the program: look into the hub's log");
}

int64_t night_days_silent(const struct night *n, const struct night_school *s)
{
    enum night_standing w = night_standing_of(n, s);

    if ((w != SILENT && w != TURNED_AWAY) || s->p->last_seen_ms == 0 || s->p->last_seen_ms >= n->to_ms)
        return -1;
    return (n->to_ms - s->p->last_seen_ms) / DAY_MS;
}

void night_put_silence(char *out, size_t size, const struct night_school *s, int64_t days)
{
    char when[64];

    cli_format_day(when, sizeof(when), s->p->last_seen_ms);
    (void)snprintf(out, size,
                   ngettext("seen last on %s, %lld day ago", "seen last on %s, %lld days ago", (unsigned long)days),
                   when, (long long)days);
}

void night_totals(const struct night *n, struct night_totals *out)
{
    *out = (struct night_totals){.came = 0};
    for (size_t i = 0; i < n->count; i++) {
        enum night_standing w = night_standing_of(n, &n->schools[i]);

        out->came += w == CAME || w == CAME_BY_FILE;
        out->expected += w != NOT_EXPECTED && n->schools[i].p->state != PARTICIPANT_INVITED;
        out->submissions += n->schools[i].submissions;
        out->bytes += n->schools[i].bytes;
    }
}

enum err night_room(const struct night *n, bool *is_little, uint64_t *bytes)
{
    struct room r;
    enum err e = room_look(n->hub, &r);

    if (e != OK)
        return e;
    *bytes = r.store_left < r.disk_left ? r.store_left : r.disk_left;
    *is_little = r.store_is_little || r.disk_is_little;
    return OK;
}
