/* svodka-agent doctor: what on this computer could keep its work from arriving, and what to do about it. */
#include "agent/cmd_common.h"

#include "agent/link.h"
#include "agent/queue.h"
#include "agent/run.h"
#include "agent/schedule.h"
#include "agent/self_copy.h"
#include "agent/sync.h"
#include "common/checkup.h"
#include "common/clock.h"
#include "common/value.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS       INT64_C(86400000)
#define CLOCK_MS     300000 /* nobody notices less */
#define SILENT_DAYS  3
#define COPY_DAYS    30
#define MAP_PERCENT  80
#define RESERVE_MANY 4
#define PROBE_MS     10000

struct doctor {
    struct agent *a;
    struct checkup *c;
    bool is_offline; /* nothing is tried on the line */
};

static void put(const struct doctor *d, const char *name, enum checkup_state s, const char *title, const char *found,
                const char *advice)
{
    checkup_add(d->c, name, s, title, found, advice);
}

/* ---- the computer ---- */

/* How far it is off is known from the hub's last signed receipt. */
static void look_at_clock(const struct doctor *d)
{
    int64_t off = d->a->offset_ms < 0 ? -d->a->offset_ms : d->a->offset_ms;
    int32_t year_2020 = date_from_civil(2020, 1, 1);
    char now[64], found[160];

    cli_format_minute(now, sizeof(now), clock_wall_ms());
    if (clock_today() < year_2020)
        put(d, "clock", CHECKUP_WRONG, _("clock"), now,
            _("set date and time; if they are wrong after each start, the battery on the mainboard is empty"));
    else if (d->a->has_offset && off > CLOCK_MS) {
        (void)snprintf(found, sizeof(found), _("%s: %lld minutes away from the district's"), now,
                       (long long)(off / 60000));
        put(d, "clock", CHECKUP_ATTENTION, _("clock"), found,
            _("set date, time and time zone; what was entered keeps its day"));
    } else
        put(d, "clock", CHECKUP_OK, _("clock"), now, "");
}

static enum err look_at_disk(const struct doctor *d)
{
    struct store_usage u;
    char left[32], used[32];
    uint64_t reserve = (uint64_t)d->a->conf.disk_reserve;
    enum checkup_state s = CHECKUP_OK;
    enum err e = store_usage(d->a->store, &u);

    if (e != OK)
        return e;
    if (u.disk_free_bytes < reserve * RESERVE_MANY)
        s = u.disk_free_bytes < reserve ? CHECKUP_WRONG : CHECKUP_ATTENTION;
    cli_format_bytes(left, sizeof(left), u.disk_free_bytes);
    put(d, "disk", s, _("free on the disk"), left,
        s == CHECKUP_OK ? "" : _("make room: delete what is not needed; do not touch the folder of Svodka"));
    s = u.used_bytes > u.map_bytes / 100 * MAP_PERCENT ? CHECKUP_ATTENTION : CHECKUP_OK;
    cli_format_bytes(used, sizeof(used), u.used_bytes);
    put(d, "store", s, _("the queue on the disk"), used,
        s == CHECKUP_OK ? "" : _("it is nearly as large as it may be: raise store.map_size in agent.yaml"));
    return OK;
}

/* ---- the district's word ---- */

static void look_at_access(const struct doctor *d)
{
    const struct grant *g = d->a->grant;
    const char *told = _("ask the education office");

    if (!agent_is_enrolled(d->a))
        put(d, "access", CHECKUP_ATTENTION, _("access to the district"), _("not joined yet"),
            _("the first meeting does it: svodka-agent sync; without a line: join --offline"));
    else if (g->status == GRANT_HELD)
        put(d, "access", CHECKUP_ATTENTION, _("access to the district"), _("on hold"), told);
    else if (g->status == GRANT_REVOKED)
        put(d, "access", CHECKUP_WRONG, _("access to the district"), _("revoked"), told);
    else if (g->status == GRANT_CLOSED)
        put(d, "access", CHECKUP_ATTENTION, _("access to the district"), _("closed"), told);
    else
        put(d, "access", CHECKUP_OK, _("access to the district"), g->name, "");
}

static void look_at_directory(const struct doctor *d)
{
    char until[64];
    bool is_over = d->a->directory->expires_ms < clock_wall_ms();

    cli_format_day(until, sizeof(until), d->a->directory->expires_ms);
    put(d, "directory", is_over ? CHECKUP_ATTENTION : CHECKUP_OK, _("the district's directory is good until"), until,
        is_over ? _("nothing stops because of it; the next meeting brings a new one") : "");
}

/* ---- who sends, and when it was last done ---- */

static enum err look_at_run(const struct doctor *d)
{
    struct schedule_state s;
    int64_t days;
    char when[64], found[160];
    enum err e;

    if (run_is_at_work(d->a))
        put(d, "run", CHECKUP_OK, _("sends by itself at night"), _("yes"), "");
    else
        put(d, "run", CHECKUP_ATTENTION, _("sends by itself at night"), _("no"),
            _("start svodka-agent run with the computer (a service, docs/night.md); or send by hand: svodka-agent "
              "sync"));
    if ((e = schedule_load(d->a, &s)) != OK)
        return e;
    days = s.success_ms == 0 ? 0 : (clock_wall_ms() - s.success_ms) / DAY_MS;
    cli_format_minute(when, sizeof(when), s.success_ms);
    (void)snprintf(found, sizeof(found), "%s", s.success_ms == 0 ? _("never") : when);
    put(d, "last_meeting", s.success_ms == 0 || days > SILENT_DAYS ? CHECKUP_ATTENTION : CHECKUP_OK,
        _("last meeting with the district"), found,
        s.success_ms == 0 || days > SILENT_DAYS ? _("svodka-agent sync says what stands in the way; a stick helps, too")
                                                : "");
    return OK;
}

static enum err look_at_copy(const struct doctor *d)
{
    struct self_copy_risk risk;
    char when[64], found[160];
    bool is_old;
    enum err e = self_copy_risk(d->a, &risk);

    if (e != OK)
        return e;
    is_old = risk.copy_ms == 0 || clock_wall_ms() - risk.copy_ms > COPY_DAYS * DAY_MS;
    cli_format_day(when, sizeof(when), risk.copy_ms);
    (void)snprintf(found, sizeof(found), "%s", risk.copy_ms == 0 ? _("none") : when);
    put(d, "copy", is_old ? CHECKUP_ATTENTION : CHECKUP_OK, _("copy of this computer"), found,
        is_old ? _("put in a stick: svodka-agent backup FILE") : "");
    return OK;
}

/* ---- the line ---- */

static void probe(const struct doctor *d, const struct directory_endpoint *at, unsigned *good)
{
    const struct link_options o = {.url = at->url,
                                   .proxy = d->a->conf.proxy,
                                   .server_key = at->curve,
                                   .curve = d->a->curve,
                                   .connect_ms = PROBE_MS,
                                   .handshake_ms = PROBE_MS};
    char title[ENDPOINT_MAX + 64], found[160];
    struct link *l = NULL;
    int64_t began = clock_mono_ms();
    enum err e = link_open(&l, &o);

    (void)snprintf(title, sizeof(title), _("the hub at %s"), at->url);
    if (e == OK || (e == ERR_DENIED && !agent_is_enrolled(d->a))) { /* it answers; the invitation opens it */
        (void)snprintf(found, sizeof(found), _("answers after %lld ms"), (long long)(clock_mono_ms() - began));
        put(d, "hub", CHECKUP_OK, title, found, "");
        (*good)++;
    } else
        put(d, "hub", CHECKUP_ATTENTION, title, err_text(), "");
    link_close(l);
}

static void look_at_line(const struct doctor *d)
{
    struct directory_endpoint list[SYNC_ADDRESSES_MAX];
    unsigned good = 0;
    uint32_t count;

    if (d->is_offline)
        return;
    count = sync_addresses(d->a, list);
    for (uint32_t i = 0; i < count; i++)
        probe(d, &list[i], &good);
    if (good == 0)
        put(d, "line", CHECKUP_WRONG, _("a way to the district"), _("none"),
            _("is there internet here? Does a firewall let the port through? Until then: svodka-agent bundle write "
              "FILE"));
    else
        put(d, "line", CHECKUP_OK, _("a way to the district"), _("yes"), "");
}

/* ---- the command ---- */

static enum err examine(const struct doctor *d)
{
    enum err e;

    put(d, "program", CHECKUP_OK, _("this program"), SVODKA_VERSION, "");
    put(d, "home", CHECKUP_OK, _("folder, keys and their rights"), d->a->dir, ""); /* or it would not have opened */
    look_at_clock(d);
    look_at_access(d);
    look_at_directory(d);
    if ((e = look_at_disk(d)) == OK && (e = look_at_run(d)) == OK && (e = look_at_copy(d)) == OK)
        look_at_line(d);
    return e;
}

int cmd_doctor(int argc, char **argv)
{
    static const struct cli_command self = {
        "doctor", "[--offline]",
        N_("Looks for what could keep your work from arriving: clock, disk, access, copies, the line to the hub."),
        cmd_doctor};
    const char *home = NULL, *format_name = NULL, *offline = NULL;
    const struct cli_option options[] = {{"offline", 0, NULL, N_("do not try the line"), &offline},
                                         OPTION_FORMAT(&format_name),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    enum checkup_state worst = CHECKUP_OK;
    struct doctor d = {.a = NULL};
    enum table_format format;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    d.is_offline = offline != NULL;
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&d.a, home)) == OK &&
        (e = checkup_new(&d.c, format)) == OK && (e = examine(&d)) == OK)
        e = checkup_end(d.c, &worst);
    checkup_free(d.c);
    agent_close(d.a);
    return e == OK && worst == CHECKUP_WRONG ? 1 : cli_fail(e);
}
