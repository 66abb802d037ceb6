#include "hub/commands.h"

#include "common/clock.h"
#include "hub/lease.h"
#include "hub/ledger.h"
#include "hub/returns.h"
#include "hub/roster.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

/* One line: what, about whom, how much.  `name` is for programs, `title` for people. */
struct status {
    struct hub *hub;
    struct store_txn *t;
    struct table *table;
    enum table_format format;
    enum err e; /* sticky */
};

static void put(struct status *s, const char *name, const char *title, const char *subject, const char *value)
{
    const char *cells[] = {s->format == TABLE_TEXT ? title : name, subject, value};

    if (s->e == OK)
        s->e = table_row(s->table, cells);
}

static void put_number(struct status *s, const char *name, const char *title, const char *subject, uint64_t n)
{
    char text[40];

    if (s->format == TABLE_TEXT)
        cli_format_count(text, sizeof(text), n);
    else
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    put(s, name, title, subject, text);
}

static void put_time(struct status *s, const char *name, const char *title, const char *subject, int64_t ms)
{
    char text[64];

    command_time(text, sizeof(text), ms, s->format);
    put(s, name, title, subject, text);
}

static void put_bytes(struct status *s, const char *name, const char *title, uint64_t bytes)
{
    char text[40];

    if (s->format == TABLE_TEXT)
        cli_format_bytes(text, sizeof(text), bytes);
    else
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
    put(s, name, title, "", text);
}

/* ---- who it is ---- */

static void put_identity(struct status *s)
{
    const struct hub *h = s->hub;
    char text[2 * sizeof(h->district) + 8];

    put(s, "name", _("District"), "", h->conf.name);
    for (size_t i = 0; i < sizeof(h->district); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", h->district[i]);
    put(s, "district", _("District's number"), "", text);
    fingerprint(text, h->root);
    put(s, "fingerprint", _("Fingerprint of the root key"), "", text);
    put(s, "home", _("Folder"), "", h->dir);
    for (size_t i = 0; i < h->conf.listen_count; i++)
        put(s, "listen", _("Listens at"), "", h->conf.listen[i]);
    for (size_t i = 0; i < h->conf.announce_count; i++)
        put(s, "announce", _("Schools connect to"), "", h->conf.announce[i]);
    put_number(s, "directory_version", _("Directory, version"), "", h->directory->version);
    put_time(s, "directory_expires", _("Directory good until"), "", h->directory->expires_ms);
}

/* ---- the running core ---- */

static void put_core_answer(struct status *s, json_t *answer)
{
    static const char *const counts[] = {"connections",     "meetings",           "batches",
                                         "refused_batches", "refused_handshakes", "pending"};
    const char *const titles[] = {_("Connections"),     _("Meetings now"),       _("Batches since its start"),
                                  _("Batches refused"), _("Handshakes refused"), _("Batches under way")};
    const char *gateway = json_string_value(json_object_get(answer, "gateway"));
    bool is_connected = gateway != NULL && strcmp(gateway, "connected") == 0;
    char text[64];

    (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(json_object_get(answer, "pid")));
    put(s, "core_pid", _("Process"), "", text);
    put_number(s, "core_uptime_s", _("Seconds since its start"), "",
               (uint64_t)json_integer_value(json_object_get(answer, "uptime_s")));
    put(s, "gateway", _("Gateway"), "",
        s->format != TABLE_TEXT ? (is_connected ? "connected" : "away")
        : is_connected          ? _("connected")
                                : _("away: schools cannot reach the hub"));
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        put_number(s, counts[i], titles[i], "", (uint64_t)json_integer_value(json_object_get(answer, counts[i])));
}

static void put_core(struct status *s)
{
    bool runs = lease_has_core(s->hub->lease);
    json_t *answer = NULL;
    json_error_t error;
    struct buf text;

    put(s, "core", _("Core"), "",
        s->format != TABLE_TEXT ? (runs ? "running" : "stopped")
        : runs                  ? _("running")
                                : _("stopped"));
    if (!runs)
        return;
    buf_init(&text, LEASE_MAX_PACKET);
    if (lease_ask(s->hub->lease, "status", &text) == OK)
        answer = json_loadb((const char *)text.data, text.len, 0, &error);
    if (answer != NULL)
        put_core_answer(s, answer);
    json_decref(answer);
    buf_fini(&text);
}

/* ---- what it holds ---- */

static void put_ledger(struct status *s)
{
    struct ledger_totals n;
    struct store_usage usage;

    put_number(s, "programmes", _("Programmes"), "", s->hub->programme_count);
    put_number(s, "form_versions", _("Forms, all versions"), "", s->hub->form_count);
    if (s->e != OK || (s->e = ledger_totals(s->t, &n)) != OK || (s->e = store_usage(s->hub->store, &usage)) != OK)
        return;
    put_number(s, "ledger_entries", _("Journal entries"), "", n.entries);
    put_number(s, "batches_stored", _("Batches"), "", n.batches);
    put_number(s, "submissions", _("Submissions received"), "", n.records);
    put_number(s, "counted", _("Submissions that count"), "", n.counted);
    put_number(s, "quarantined", _("In quarantine"), "", n.quarantined);
    put_number(s, "cells", _("Cells of indicators"), "", n.cells);
    put_bytes(s, "store_bytes", _("Store in use"), usage.used_bytes);
    put_bytes(s, "store_limit_bytes", _("Store at most"), usage.map_bytes);
    put_bytes(s, "disk_free_bytes", _("Free on the disk"), usage.disk_free_bytes);
}

/* ---- which units there are ---- */

static void put_roster(struct status *s)
{
    struct roster *r = NULL;
    struct report *report = NULL;
    int32_t today = clock_today();
    uint64_t active = 0;

    if (s->e != OK || (s->e = roster_load(&r, s->hub, s->t)) != OK)
        return;
    for (size_t i = 0; i < roster_count(r); i++)
        active += roster_is_active(r, roster_unit_at(r, i), today, today);
    put(s, "roster", _("Roster"), "",
        s->format != TABLE_TEXT ? (roster_is_entered(r) ? "entered" : "none")
        : roster_is_entered(r)  ? _("entered")
                                : _("none: the units are those that grants and submissions name"));
    put_number(s, "units", _("Units"), "", roster_count(r));
    put_number(s, "active_units", _("Units active today"), "", active);
    if (s->e == OK && (s->e = report_new(&report, 0)) == OK)
        roster_check(r, report);
    for (size_t i = 0; s->e == OK && i < report_kept(report); i++)
        put(s, "roster_warning", _("Roster, to be put right"), report_at(report, i)->field, report_at(report, i)->text);
    report_free(report);
    roster_free(r);
}

/* ---- schools ---- */

static void put_schools(struct status *s)
{
    static const enum participant_state states[] = {PARTICIPANT_INVITED, PARTICIPANT_ACTIVE, PARTICIPANT_HELD,
                                                    PARTICIPANT_REVOKED, PARTICIPANT_CLOSED};
    const struct registry *r = s->hub->registry;
    int64_t now = clock_wall_ms();

    for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
        uint64_t count = 0;

        for (size_t i = 0; i < registry_count(r); i++)
            count += registry_at(r, i)->state == states[k];
        put_number(s, "schools", _("Schools"), command_state(states[k], s->format), count);
    }
    for (size_t i = 0; i < registry_count(r); i++) {
        const struct participant *p = registry_at(r, i);
        int64_t silent = now - p->last_seen_ms;

        if (p->state != PARTICIPANT_ACTIVE && p->state != PARTICIPANT_HELD)
            continue;
        put_time(s, "last_seen", _("Last seen"), p->id, p->last_seen_ms);
        if (silent >= DAY_MS || s->format != TABLE_TEXT)
            put_number(s, "silent_days", _("Silent for days"), p->id, silent < 0 ? 0 : (uint64_t)(silent / DAY_MS));
    }
}

/* ---- gaps ---- */

/* Up to this batch nothing waits at the school: it has receipts, or has sealed again what they held (SPEC.md 7.6). */
static uint64_t done_with(const struct status *s, uint32_t index, const struct generation *gen)
{
    struct greeting_note n;

    return greeting_get(s->t, index, &n) == OK && generation_compare(&n.gen, gen) == 0 ? n.receipted : 0;
}

static void put_gaps_of(struct status *s, const char *participant, uint32_t index, const struct generation *gen)
{
    struct ledger_chain *chain = calloc(1, sizeof(*chain));
    char subject[RECORD_ID_TEXT];
    char text[64];

    if (chain == NULL)
        s->e = ERR_NOMEM;
    else
        s->e = ledger_chain(s->t, index, gen, chain);
    (void)snprintf(subject, sizeof(subject), "%s/%u.%02x%02x%02x%02x", participant, gen->counter, gen->tag[0],
                   gen->tag[1], gen->tag[2], gen->tag[3]);
    for (uint32_t i = 0; s->e == OK && i < chain->gap_count; i++) {
        const struct number_range *gap = &chain->gaps[i];

        if (gap->first + gap->count - 1 <= done_with(s, index, gen))
            continue;
        (void)snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)gap->first,
                       (unsigned long long)(gap->first + gap->count - 1));
        put(s, "missing_batches", _("Batches not here yet"), subject, text);
    }
    if (s->e == OK && chain->is_closed)
        put(s, "closed_generation", _("Closed: two histories met"), subject, "");
    free(chain);
}

/* Keys of H_BATCHES: participant index u32 | counter u32 | tag 8 | sequence u64 (hub.h). */
static void put_gaps(struct status *s)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t from[4 + 4 + TAG_BYTES + 8];
    enum err e = s->e == OK ? store_cursor_open(s->t, H_BATCHES, &c) : s->e;

    if (e != OK) {
        s->e = e;
        return;
    }
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK && key.len == sizeof(from);
         e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value)) {
        const struct participant *p = registry_by_index(s->hub->registry, be32_get(key.p));
        struct generation gen = {.counter = be32_get(key.p + 4)};

        memcpy(gen.tag, key.p + 8, TAG_BYTES);
        memcpy(from, key.p, 8 + TAG_BYTES);
        memset(from + 8 + TAG_BYTES, 0xff, 8); /* the greatest sequence: the next key is of another generation */
        put_gaps_of(s, p == NULL ? "?" : p->id, be32_get(key.p), &gen);
        if (s->e != OK)
            break;
    }
    if (s->e == OK && e != OK && e != ERR_NOT_FOUND)
        s->e = e;
    store_cursor_close(c);
}

static enum err show(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {{"item", _("What"), TABLE_LEFT, false},
                                           {"subject", _("Of what"), TABLE_LEFT, false},
                                           {"value", _("Value"), TABLE_LEFT, false}};
    struct status s = {.hub = h, .format = f};

    if ((s.e = table_new(&s.table, columns, 3)) != OK)
        return s.e;
    if ((s.e = store_begin_read(h->store, &s.t)) == OK) {
        put_identity(&s);
        put_core(&s);
        put_ledger(&s);
        put_roster(&s);
        put_schools(&s);
        put_gaps(&s);
    }
    store_abort(s.t);
    return command_print(s.table, f, s.e);
}

int cmd_status(int argc, char **argv)
{
    return command_show("status", argc, argv, HUB_READ, show);
}
