#include "agent/outlook.h"

#include "common/cli.h"

#include <stdio.h>

#define MINUTE_MS   INT64_C(60000)
#define MISSED_MIN  ((int)(SCHEDULE_MISSED_MS / MINUTE_MS))
#define MOMENT_TEXT 128u
#define DAWN_MINUTE 360
#define NOON_MINUTE 720

struct outlook outlook_of(const struct schedule_state *s, const struct agent_conf *c, uint64_t own, bool is_running,
                          int64_t now_ms)
{
    struct outlook o = {OUTLOOK_NIGHT, schedule_night(c, own, now_ms)};

    if (s->not_before_ms == SCHEDULE_NEVER)
        return (struct outlook){OUTLOOK_NEVER, 0};
    if (!is_running)
        return (struct outlook){OUTLOOK_BY_HAND, 0};
    if (s->not_before_ms > now_ms && s->noted_ms <= now_ms)
        return (struct outlook){s->last == SYNC_REFUSED ? OUTLOOK_REFUSED : OUTLOOK_LATER, s->not_before_ms};
    if (s->failures > 0)
        return (struct outlook){OUTLOOK_RETRY, s->next_ms > now_ms ? s->next_ms : 0};
    if (s->urgent != 0 || s->success_ms == 0 || s->not_before_ms != 0 || schedule_is_missed(s, c, own, now_ms))
        return (struct outlook){OUTLOOK_SOON, s->next_ms > now_ms ? s->next_ms : 0};
    if (o.next_ms == SCHEDULE_NEVER)
        return (struct outlook){OUTLOOK_NO_NIGHT, 0};
    return o;
}

const char *outlook_name(enum outlook_kind kind)
{
    switch (kind) {
    case OUTLOOK_NIGHT: return "night";
    case OUTLOOK_SOON: return "soon";
    case OUTLOOK_RETRY: return "retry";
    case OUTLOOK_LATER: return "later";
    case OUTLOOK_REFUSED: return "refused";
    case OUTLOOK_NEVER: return "never";
    case OUTLOOK_NO_NIGHT: return "no-night";
    case OUTLOOK_BY_HAND: return "by-hand";
    }
    return "";
}

/* "02:40 tonight", "02:40 on 2020-12-07": by the school's clocks. */
static void say_moment(char out[MOMENT_TEXT], const struct agent_conf *c, int64_t at_ms, int64_t now_ms)
{
    struct zone_time at = zone_at(c->zone, at_ms);
    struct zone_time now = zone_at(c->zone, now_ms);
    bool is_afternoon = now.minute >= NOON_MINUTE;
    char hour[32];
    char day[64];

    (void)snprintf(hour, sizeof(hour), "%02d:%02d", at.minute / 60, at.minute % 60);
    cli_format_date(day, sizeof(day), at.day);
    if (at.minute < DAWN_MINUTE && at.day == now.day + (is_afternoon ? 1 : 0))
        (void)snprintf(out, MOMENT_TEXT, _("tonight at %s"), hour);
    else if (at.day == now.day)
        (void)snprintf(out, MOMENT_TEXT, _("today at %s"), hour);
    else
        (void)snprintf(out, MOMENT_TEXT, _("on %s at %s"), day, hour);
}

static void say_night(char out[OUTLOOK_TEXT], const char *moment)
{
    (void)snprintf(out, OUTLOOK_TEXT,
                   ngettext("%s, if this computer is on then; else within %d minute after it is switched on",
                            "%s, if this computer is on then; else within %d minutes after it is switched on",
                            (unsigned long)MISSED_MIN),
                   moment, MISSED_MIN);
}

static void say_retry(char out[OUTLOOK_TEXT], const struct outlook *o, const struct schedule_state *s,
                      const char *moment)
{
    if (o->next_ms == 0)
        (void)snprintf(out, OUTLOOK_TEXT, "%s", _("the district could not be reached; it is being tried again"));
    else
        (void)snprintf(out, OUTLOOK_TEXT,
                       ngettext("the district could not be reached (%u try); again %s, and so on until it works",
                                "the district could not be reached (%u tries); again %s, and so on until it works",
                                s->failures),
                       s->failures, moment);
}

void outlook_say(char out[OUTLOOK_TEXT], const struct outlook *o, const struct schedule_state *s,
                 const struct agent_conf *c, int64_t now_ms)
{
    char moment[MOMENT_TEXT] = "";

    if (o->next_ms != 0)
        say_moment(moment, c, o->next_ms, now_ms);
    switch (o->kind) {
    case OUTLOOK_NIGHT: say_night(out, moment); return;
    case OUTLOOK_SOON:
        (void)snprintf(out, OUTLOOK_TEXT, ngettext("within %d minute", "within %d minutes", (unsigned long)MISSED_MIN),
                       MISSED_MIN);
        return;
    case OUTLOOK_RETRY: say_retry(out, o, s, moment); return;
    case OUTLOOK_LATER:
        (void)snprintf(out, OUTLOOK_TEXT, _("the district asked us to come back %s; it happens by itself"), moment);
        return;
    case OUTLOOK_REFUSED:
        (void)snprintf(out, OUTLOOK_TEXT,
                       _("the district takes nothing from this computer at present (svodka-agent sync says why); it is "
                         "asked again %s"),
                       moment);
        return;
    case OUTLOOK_NEVER:
        (void)snprintf(out, OUTLOOK_TEXT, "%s",
                       _("nothing is sent: the invitation was not accepted; ask the district office for a new one"));
        return;
    case OUTLOOK_NO_NIGHT:
        (void)snprintf(
            out, OUTLOOK_TEXT, "%s",
            _("nothing is sent by itself: by sync.days and sync.holidays in agent.yaml there is no night for "
              "it; by hand: svodka-agent sync"));
        return;
    case OUTLOOK_BY_HAND:
        (void)snprintf(out, OUTLOOK_TEXT, "%s",
                       _("nothing is sent by itself: svodka-agent run is not at work on this computer. Have it started "
                         "with the computer (docs/night.md), or send by hand: svodka-agent sync"));
        return;
    }
}
