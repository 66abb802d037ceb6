/* svodka-hub doctor: what could keep the next night from going well, and what to do about it. */
#include "hub/commands.h"

#include "common/checkup.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/value.h"
#include "hub/archive.h"
#include "hub/lease.h"
#include "hub/ledger.h"
#include "hub/quarantine.h"
#include "hub/room.h"
#include "hub/root_key.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS         INT64_C(86400000)
#define CLOCK_MS       300000
#define SILENT_DAYS    3
#define BACKUP_DAYS    7
#define DIRECTORY_DAYS 30

struct doctor {
    struct hub *h;
    struct store_txn *t;
    struct checkup *c;
};

static void put(const struct doctor *d, const char *name, enum checkup_state s, const char *title, const char *found,
                const char *advice)
{
    checkup_add(d->c, name, s, title, found, advice);
}

/* ---- the computer ---- */

static enum err look_at_clock(const struct doctor *d)
{
    struct ledger_totals n;
    int64_t newest = 0;
    char now[64];
    enum err e = ledger_totals(d->t, &n);

    if (e == OK && n.entries > 0)
        e = ledger_time(d->t, n.entries, &newest);
    cli_format_minute(now, sizeof(now), clock_wall_ms());
    if (e != OK)
        return e;
    if (clock_today() < date_from_civil(2020, 1, 1))
        put(d, "clock", CHECKUP_WRONG, _("clock"), now, _("set date, time and time zone: receipts are dated by it"));
    else if (newest > clock_wall_ms() + CLOCK_MS)
        put(d, "clock", CHECKUP_WRONG, _("clock"), now,
            _("what was received last is dated later than now: one of the two is wrong. Set the clock (chrony or "
              "ntp)"));
    else
        put(d, "clock", CHECKUP_OK, _("clock"), now, "");
    return OK;
}

static enum err look_at_room(const struct doctor *d)
{
    struct room r;
    char left[32];
    enum err e = room_look(d->h, &r);

    if (e != OK)
        return e;
    cli_format_bytes(left, sizeof(left), r.store_left);
    put(d, "store", r.store_is_little ? CHECKUP_ATTENTION : CHECKUP_OK, _("what the store may still grow by"), left,
        r.store_is_little ? _("raise store.map_size in hub.yaml and start the hub again") : "");
    cli_format_bytes(left, sizeof(left), r.disk_left);
    put(d, "disk", r.disk_is_little ? CHECKUP_WRONG : CHECKUP_OK, _("free on the disk"), left,
        r.is_closed ? _("nothing that schools send is taken any more: make room, or move the hub's folder to a larger "
                        "disk; delete nothing in it")
        : r.disk_is_little ? _("make room, or move the hub's folder to a larger disk; delete nothing in it")
                           : "");
    return OK;
}

/* ---- the processes ---- */

static void look_at_core(const struct doctor *d)
{
    bool runs = lease_has_core(d->h->lease);
    const char *gateway;
    json_t *answer = NULL;
    json_error_t error;
    struct buf text;

    put(d, "core", runs ? CHECKUP_OK : CHECKUP_WRONG, _("the hub is running"), runs ? _("yes") : _("no"),
        runs ? "" : _("start it: systemctl start svodka-hub-core svodka-hub-gateway, or svodka-hub serve"));
    if (!runs)
        return;
    buf_init(&text, LEASE_MAX_PACKET);
    if (lease_ask(d->h->lease, "status", &text) == OK)
        answer = json_loadb((const char *)text.data, text.len, 0, &error);
    gateway = json_string_value(json_object_get(answer, "gateway"));
    if (gateway != NULL && strcmp(gateway, "connected") == 0)
        put(d, "gateway", CHECKUP_OK, _("the gateway, to which the schools connect"), _("connected"), "");
    else
        put(d, "gateway", CHECKUP_WRONG, _("the gateway, to which the schools connect"), _("away"),
            _("schools cannot reach the hub: look into its log (journalctl -u svodka-hub-gateway); is the port "
              "taken?"));
    json_decref(answer);
    buf_fini(&text);
}

/* An address by which nobody elsewhere finds this computer. */
static bool is_of_here(const char *url)
{
    return strstr(url, "//127.") != NULL || strstr(url, "//localhost") != NULL || strstr(url, "//[::1]") != NULL ||
           strstr(url, "//*") != NULL || strstr(url, "//0.0.0.0") != NULL;
}

static void look_at_addresses(const struct doctor *d)
{
    for (size_t i = 0; i < d->h->conf.announce_count; i++) {
        bool is_here = is_of_here(d->h->conf.announce[i]);

        put(d, "address", is_here ? CHECKUP_ATTENTION : CHECKUP_OK, _("schools connect to"), d->h->conf.announce[i],
            is_here ? _("no school finds this computer by it: write the name or address by which they do into "
                        "announce (hub.yaml)")
                    : "");
    }
}

/* ---- keys and copies ---- */

static void look_at_keys(const struct doctor *d)
{
    int64_t left = (d->h->directory->expires_ms - clock_wall_ms()) / DAY_MS;
    char until[64], path[FOLDER_PATH_MAX];
    bool is_soon = left < DIRECTORY_DAYS;

    cli_format_day(until, sizeof(until), d->h->directory->expires_ms);
    put(d, "directory", is_soon ? CHECKUP_ATTENTION : CHECKUP_OK, _("the directory is good until"), until,
        is_soon ? _("any change makes a new one; svodka-hub key list says what is due") : "");
    if (root_key_path(path, sizeof(path), d->h->dir) == OK && strcmp(strrchr(path, '.'), ".key") == 0)
        put(d, "root_key", CHECKUP_ATTENTION, _("the root key"), _("lies here without a passphrase"),
            _("print it (svodka-hub key export), put it into the safe and take it away from here (docs/keys.md)"));
}

static enum err newest_backup(void *ctx, const struct archive_row *b)
{
    int64_t *newest = ctx;

    if (b->made_ms > *newest && b->destroyed_ms == 0)
        *newest = b->made_ms;
    return OK;
}

static enum err look_at_backups(const struct doctor *d)
{
    int64_t newest = 0;
    char when[64];
    bool is_old;
    enum err e = archive_each(d->t, newest_backup, &newest);

    if (e != OK)
        return e;
    is_old = newest == 0 || clock_wall_ms() - newest > BACKUP_DAYS * DAY_MS;
    cli_format_day(when, sizeof(when), newest);
    put(d, "backup", is_old ? CHECKUP_ATTENTION : CHECKUP_OK, _("the last backup"), newest == 0 ? _("none") : when,
        is_old ? _("svodka-hub backup FILE, onto another disk; then schools may let go of what it holds") : "");
    return OK;
}

/* ---- what waits ---- */

static void look_at_schools(const struct doctor *d)
{
    const struct registry *r = d->h->registry;
    unsigned long silent = 0;
    char found[64];

    for (size_t i = 0; i < registry_count(r); i++) {
        const struct participant *p = registry_at(r, i);

        silent += p->state == PARTICIPANT_ACTIVE && clock_wall_ms() - p->last_seen_ms > SILENT_DAYS * DAY_MS;
    }
    (void)snprintf(found, sizeof(found), "%lu", silent);
    put(d, "silent", silent > 0 ? CHECKUP_ATTENTION : CHECKUP_OK, _("schools not seen for three days"), found,
        silent > 0 ? _("svodka-hub night names them") : "");
}

static enum err look_at_quarantine(const struct doctor *d)
{
    const struct quarantine_filter f = {.waits = true};
    struct quarantine_list l;
    char found[64];
    enum err e = quarantine_find(d->h, d->t, &f, &l);

    if (e != OK)
        return e;
    (void)snprintf(found, sizeof(found), "%zu", l.count);
    put(d, "quarantine", l.count > 0 ? CHECKUP_ATTENTION : CHECKUP_OK, _("waits in quarantine"), found,
        l.count > 0 ? _("svodka-hub quarantine list says why") : "");
    quarantine_list_fini(&l);
    return OK;
}

/* ---- the command ---- */

static enum err examine(const struct doctor *d)
{
    enum err e;

    put(d, "program", CHECKUP_OK, _("this program"), SVODKA_VERSION, "");
    put(d, "home", CHECKUP_OK, _("folder, keys and their rights"), d->h->dir, ""); /* or it would not have opened */
    look_at_core(d);
    look_at_addresses(d);
    look_at_keys(d);
    look_at_schools(d);
    if ((e = look_at_clock(d)) == OK && (e = look_at_room(d)) == OK && (e = look_at_backups(d)) == OK)
        e = look_at_quarantine(d);
    return e;
}

int cmd_doctor(int argc, char **argv)
{
    const char *home = NULL, *format_name = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format_name), LAST_OPTION};
    enum checkup_state worst = CHECKUP_OK;
    struct doctor d = {.h = NULL};
    enum table_format format;
    int code;
    enum err e;

    if (cli_parse(command_named("doctor"), options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&format, format_name)) != OK)
        return cli_fail(e);
    if ((e = command_open(&d.h, home, HUB_READ)) == OK && (e = checkup_new(&d.c, format)) == OK &&
        (e = store_begin_read(d.h->store, &d.t)) == OK && (e = examine(&d)) == OK)
        e = checkup_end(d.c, &worst);
    store_abort(d.t);
    checkup_free(d.c);
    code = command_close(d.h, e, false);
    return code == 0 && worst == CHECKUP_WRONG ? 1 : code;
}
