#include "hub/core_internal.h"

#include "common/clock.h"
#include "common/log.h"
#include "hub/archive.h"
#include "hub/returns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_EVERY_MS    60000
#define BUSY_SECONDS     60
#define RECEIPTS_AT_ONCE 1024u /* unasked, in one meeting */

static void send_message(struct core *c, uint64_t connection, const struct message *m)
{
    if (c->gateway != NULL && ipc_link_reply(c->gateway, connection, m) != OK)
        log_warning("core: an answer could not be handed to the gateway: %s", err_text());
}

void core_error(struct core *c, uint64_t connection, enum message_error code, uint32_t seconds, const char *text)
{
    struct message m = {.type = MSG_ERROR};

    m.as.error.code = code;
    m.as.error.seconds = seconds;
    (void)snprintf(m.as.error.text, sizeof(m.as.error.text), "%s", text);
    send_message(c, connection, &m);
}

/* ---- the allowlist: each participant's key, and each invitation's (a used one must be told that it is) ---- */

static enum err send_allow(struct core *c, const struct participant *p, bool is_invitation)
{
    struct ipc_packet packet = {.type = IPC_ALLOW};
    struct ipc_allow *a = &packet.as.allow;

    a->serial = c->allow_serial;
    a->is_invitation = is_invitation;
    memcpy(a->curve, is_invitation ? p->invite_curve : p->grant.curve_key, KEY_BYTES);
    /* Batches come over an invitation's connection, too, once the participant is enrolled. */
    if (p->enrolled_ms != 0)
        memcpy(a->sign, p->grant.sign_key, KEY_BYTES);
    (void)snprintf(a->participant, sizeof(a->participant), "%s", p->id);
    return ipc_link_send(c->gateway, &packet);
}

enum err core_send_allowlist(struct core *c)
{
    struct ipc_packet end = {.type = IPC_ALLOW_END};
    enum err e = OK;

    if (c->gateway == NULL)
        return OK;
    c->allow_serial++;
    for (size_t i = 0; i < registry_count(c->hub->registry) && e == OK; i++) {
        const struct participant *p = registry_at(c->hub->registry, i);

        /* A closed one may still deliver what it has; a revoked one must be told that it is. */
        if (p->enrolled_ms != 0)
            e = send_allow(c, p, false);
        if (e == OK && p->state != PARTICIPANT_CLOSED)
            e = send_allow(c, p, true);
    }
    end.as.serial = c->allow_serial;
    return e == OK ? ipc_link_send(c->gateway, &end) : e;
}

/* ---- HELLO ---- */

struct greeting {
    struct core *c;
    uint64_t connection;
    const struct msg_hello *hello;
    const struct participant *from;
    bool is_invitation;
    unsigned receipts; /* sent without being asked */
};

static enum err enrol_in(struct greeting *g, struct store_txn *t, enum message_error *refusal)
{
    struct buf grant;
    enum err e;

    buf_init(&grant, SIGNED_MAX);
    e = registry_enrol(g->c->hub, t, g->from->id, g->hello->enrol, &grant, refusal);
    buf_fini(&grant);
    return e;
}

/* Our own disk's or memory's fault, and none of the request's. */
static bool is_ours(enum err e)
{
    return e == ERR_NOMEM || e == ERR_IO || e == ERR_FULL || e == ERR_BUSY || e == ERR_INTERNAL;
}

/* Enrols within one transaction.  The registry changes in memory: no worker may be reading it. */
static enum err enrol(struct greeting *g)
{
    struct core *c = g->c;
    struct store_txn *t = NULL;
    enum message_error refusal = MERR_INTERNAL;
    bool was_used = g->from->invite_used;
    char why[300] = "the store takes nothing now";
    enum err e;

    workers_drain(c->workers);
    if ((e = store_begin_write(c->hub->store, &t)) == OK) {
        if ((e = enrol_in(g, t, &refusal)) != OK) {
            (void)snprintf(why, sizeof(why), "%s", err_text());
            store_abort(t);
        } else if ((e = store_commit(t)) != OK) {
            (void)snprintf(why, sizeof(why), "%s", err_text());
        }
    }
    if (e == OK) {
        ledger_committed(c->hub->ledger);
        if (was_used) /* our answer was lost */
            return OK;
        log_notice("core: %s has joined", g->from->id);
        return core_send_allowlist(c);
    }
    ledger_aborted(c->hub->ledger);
    log_warning("core: the enrolment of %s was refused: %s", g->from->id, why);
    if (!is_ours(e)) {
        core_error(c, g->connection, refusal, 0, why);
        return e; /* a request that does not pass its checks changes nothing: many of them cost nothing */
    }
    core_error(c, g->connection, MERR_BUSY, BUSY_SECONDS, why); /* the same request is as good the next time */
    return core_reload(c) == OK ? e : ERR_INTERNAL;             /* what registry_enrol() changed in memory */
}

/* True: answered with an error. */
static bool refuse(struct greeting *g)
{
    const struct msg_hello *h = g->hello;
    enum message_error code = 0;
    const char *text = "";

    if (memcmp(h->district, g->c->hub->district, sizeof(h->district)) != 0) {
        code = MERR_UNKNOWN;
        text = "this hub is another district's";
    } else if (g->from == NULL || strcmp(h->participant, g->from->id) != 0) {
        code = MERR_UNKNOWN;
        text = "this key does not belong to this participant";
    } else if (g->from->state == PARTICIPANT_REVOKED) {
        code = MERR_REVOKED;
        text = "this participant is revoked";
    } else if (g->from->state == PARTICIPANT_HELD) {
        code = MERR_HELD;
        text = "this participant is on hold";
    } else if (g->is_invitation && g->hello->enrol.len == 0) {
        code = g->from->invite_used ? MERR_INVITATION_USED : MERR_ENROL;
        text = g->from->invite_used ? "this invitation has been used" : "a request to join is expected";
    }
    if (code == 0)
        return false;
    log_notice("core: %s turned away: %s", h->participant, text);
    core_error(g->c, g->connection, code, 0, text);
    return true;
}

/* Two histories?  The cases of SPEC.md 7.2 in their order: *differs, and *all_done for a closed generation of which the
 * agent has nothing left. */
static enum err held_differs(struct greeting *g, struct store_txn *t, uint64_t sequence,
                             const uint8_t expected[DIGEST_BYTES], bool *is_held, bool *differs)
{
    uint8_t held[DIGEST_BYTES];
    enum err e = ledger_batch(t, g->from->index, &g->hello->gen, sequence, held, NULL);

    *is_held = e == OK;
    *differs = e == OK && memcmp(held, expected, DIGEST_BYTES) != 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err check_known(struct greeting *g, struct store_txn *t, const struct ledger_chain *chain, bool *differs)
{
    const struct msg_hello *h = g->hello;
    bool is_held;
    enum err e = OK;

    *differs = chain->held_last > h->last_sealed;
    if (!*differs && h->last_sealed > 0)
        e = held_differs(g, t, h->last_sealed, h->head, &is_held, differs);
    for (uint32_t i = 0; i < h->offer_count && !*differs && e == OK; i++)
        e = held_differs(g, t, h->offers[i].sequence, h->offers[i].digest, &is_held, differs);
    return e;
}

static enum err check_history(struct greeting *g, struct store_txn *t, const struct ledger_chain *chain, bool *differs,
                              bool *all_done)
{
    const struct msg_hello *h = g->hello;
    bool is_held = true;
    uint32_t counter = 0;
    enum err e = OK;

    *differs = *all_done = false;
    if (chain->is_closed) {
        if (h->last_sealed > 0)
            e = held_differs(g, t, h->last_sealed, h->head, &is_held, differs);
        *all_done = e == OK && !*differs && is_held && h->waiting_records == 0;
        *differs = !*all_done;
        return e;
    }
    if (chain->held_last > 0)
        return check_known(g, t, chain, differs);
    if ((e = ledger_max_counter(t, g->from->index, &counter)) == OK)
        *differs = counter >= h->gen.counter;
    return e;
}

/* Durable before the agent hears of it: from here on no copy of this generation can have anything new counted, so what
 * the hub lacks may get new numbers without any chance of being counted under both (invariant 3). */
enum err core_close_generation(struct core *c, const struct participant *from, const struct generation *gen)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_write(c->hub->store, &t);

    if (e != OK)
        return e;
    if ((e = ledger_close_generation(c->hub->ledger, t, from->index, gen)) == OK) {
        hub_audit(c->hub, t, from->id, "two histories met; generation %u is closed", gen->counter);
        e = store_commit(t);
    } else {
        store_abort(t);
    }
    if (e == OK)
        ledger_committed(c->hub->ledger);
    else
        ledger_aborted(c->hub->ledger);
    return e;
}

static void fill_fields(struct greeting *g, struct msg_welcome *w, const struct ledger_chain *chain)
{
    const struct hub *hub = g->c->hub;

    w->version = g->hello->version_max < MESSAGE_VERSION_MAX ? g->hello->version_max : MESSAGE_VERSION_MAX;
    w->hub_ms = clock_wall_ms();
    w->next_sequence = chain->next_sequence;
    w->held_last = chain->held_last;
    w->gap_count = chain->gap_count < WELCOME_MAX_GAPS ? chain->gap_count : WELCOME_MAX_GAPS;
    memcpy(w->gaps, chain->gaps, w->gap_count * sizeof(w->gaps[0]));
    w->credit = (uint32_t)hub->conf.credit;
    w->chunk = (uint32_t)hub->conf.chunk;
    if (hub->directory->version > g->hello->directory_version)
        w->directory = bytes_of(hub->directory_object.data, hub->directory_object.len);
    if (g->from->grant.version > g->hello->grant_version)
        w->grant = bytes_of(g->from->grant_object.data, g->from->grant_object.len);
}

static enum err fill_welcome(struct greeting *g, struct msg_welcome *w)
{
    struct store_txn *t = NULL;
    struct ledger_chain chain;
    bool differs = false;
    bool all_done = false;
    enum err e = store_begin_read(g->c->hub->store, &t);

    if (e != OK)
        return e;
    if ((e = ledger_chain(t, g->from->index, &g->hello->gen, &chain)) == OK)
        e = check_history(g, t, &chain, &differs, &all_done);
    store_abort(t);
    if (e != OK)
        return e;
    if (differs && !chain.is_closed) {
        log_notice("core: %s holds another history than the hub; its queue is reconciled", g->from->id);
        if ((e = core_close_generation(g->c, g->from, &g->hello->gen)) != OK)
            return e;
    }
    if (all_done) {
        chain.next_sequence = chain.held_last + 1;
        chain.gap_count = 0;
    }
    w->go = differs ? WELCOME_RECONCILE : WELCOME_GO;
    fill_fields(g, w, &chain);
    return OK;
}

static enum err send_receipt(void *ctx, uint64_t sequence, struct bytes receipt)
{
    struct greeting *g = ctx;
    struct message m = {.type = MSG_RECEIPT};

    (void)sequence;
    m.as.signed_object = receipt;
    send_message(g->c, g->connection, &m);
    g->receipts++;
    return OK;
}

/* Of batches that the agent has no receipt for: it was lost on its way.  Then of those that have become archived. */
static void send_receipts(struct greeting *g)
{
    const struct hub *hub = g->c->hub;
    struct store_txn *t = NULL;
    enum err e;

    if (store_begin_read(hub->store, &t) != OK)
        return;
    e = ledger_each_receipt(t, g->from->index, &g->hello->gen, g->hello->receipted, RECEIPTS_AT_ONCE, send_receipt, g);
    if (e == OK && g->receipts < RECEIPTS_AT_ONCE)
        e = archive_each_receipt(hub, t, g->from->index, &g->hello->gen, g->hello->archived,
                                 RECEIPTS_AT_ONCE - g->receipts, send_receipt, g);
    if (e != OK)
        log_warning("core: receipts of %s: %s", g->from->id, err_text());
    store_abort(t);
}

/* What waits there: should the meeting end early, the office sees that it is on its way. */
static enum err note_greeting(const struct greeting *g, struct store_txn *t, int64_t now)
{
    struct greeting_note n = {now, g->hello->gen, g->hello->last_sealed, g->hello->waiting_bytes,
                              g->hello->waiting_records};

    return greeting_put(t, g->from->index, &n);
}

static void note_seen(struct greeting *g)
{
    struct store_txn *t = NULL;
    int64_t now = clock_wall_ms();

    if (now - g->from->last_seen_ms < SEEN_EVERY_MS)
        return;
    workers_drain(g->c->workers);
    if (store_begin_write(g->c->hub->store, &t) != OK)
        return;
    if (registry_seen(g->c->hub, t, g->from->id, now) != OK || note_greeting(g, t, now) != OK)
        store_abort(t);
    else if (store_commit(t) != OK)
        log_warning("core: the time of the meeting with %s could not be kept", g->from->id);
}

static enum err hello(struct core *c, const struct ipc_frame *f, const struct msg_hello *h)
{
    struct greeting g = {.c = c, .connection = f->connection, .hello = h};
    struct message m = {.type = MSG_WELCOME};
    enum err e;

    g.from = registry_by_curve(c->hub->registry, f->curve, &g.is_invitation);
    if (refuse(&g))
        return OK;
    if (g.is_invitation) {
        if ((e = enrol(&g)) != OK)
            return OK; /* answered */
        g.from = registry_by_id(c->hub->registry, h->participant);
    }
    if ((e = fill_welcome(&g, &m.as.welcome)) != OK) {
        log_error("core: the ledger cannot be read: %s", err_text());
        core_error(c, f->connection, MERR_BUSY, BUSY_SECONDS, "the hub cannot read its ledger");
        return OK;
    }
    send_message(c, f->connection, &m);
    if (m.as.welcome.go == WELCOME_GO)
        send_receipts(&g);
    note_seen(&g);
    return OK;
}

/* ---- RECONCILE ---- */

static enum err answer_reconcile(struct core *c, uint64_t connection, const struct participant *from,
                                 const struct msg_reconcile *q)
{
    struct store_txn *t = NULL;
    struct reconcile r;
    struct buf object;
    struct message m = {.type = MSG_RECONCILE_REPLY};
    enum err e = store_begin_read(c->hub->store, &t);

    if (e != OK)
        return e;
    buf_init(&object, SIGNED_MAX);
    e = ledger_reconcile(c->hub->ledger, t, from->index, &q->gen, q->from, &r);
    store_abort(t);
    if (e == OK) {
        if ((e = reconcile_make(&object, &r, c->hub->sign)) == OK) {
            m.as.signed_object = bytes_of(object.data, object.len);
            send_message(c, connection, &m);
        }
        reconcile_fini(&r);
    }
    buf_fini(&object);
    return e;
}

static enum err reconcile(struct core *c, const struct ipc_frame *f, const struct msg_reconcile *q)
{
    bool is_invitation;
    const struct participant *from = registry_by_curve(c->hub->registry, f->curve, &is_invitation);
    enum err e;

    if (from == NULL || from->enrolled_ms == 0) {
        core_error(c, f->connection, MERR_UNKNOWN, 0, "this key is not enrolled");
        return OK;
    }
    if ((e = core_commit_done(c)) == OK)
        e = answer_reconcile(c, f->connection, from, q);
    if (e != OK) {
        log_error("core: no answer about what is held of %s: %s", from->id, err_text());
        core_error(c, f->connection, MERR_BUSY, BUSY_SECONDS, "the hub cannot read its ledger");
    }
    return OK;
}

/* ---- GET ---- */

static bool is_listed(const struct directory *d, const uint8_t digest_in[DIGEST_BYTES])
{
    for (uint32_t i = 0; i < d->object_count; i++)
        if (memcmp(d->objects[i].digest, digest_in, DIGEST_BYTES) == 0)
            return true;
    return false;
}

static enum err get(struct core *c, const struct ipc_frame *f, const struct msg_get *q)
{
    struct message m = {.type = MSG_OBJECT};
    struct msg_object *o = &m.as.object;
    struct store_txn *t = NULL;
    enum object_kind kind;
    struct bytes bytes;
    enum err e = store_begin_read(c->hub->store, &t);

    if (e != OK)
        return e;
    memcpy(o->digest, q->digest, DIGEST_BYTES);
    if (is_listed(c->hub->directory, q->digest) && hub_object(t, q->digest, &kind, &bytes) == OK &&
        q->offset < bytes.len) {
        size_t left = bytes.len - q->offset;

        o->total = (uint32_t)bytes.len;
        o->offset = q->offset;
        o->data = bytes_of(bytes.p + q->offset, left < CHUNK_MAX ? left : CHUNK_MAX);
    }
    send_message(c, f->connection, &m);
    store_abort(t);
    return OK;
}

enum err core_meeting(struct core *c, const struct ipc_frame *f)
{
    struct message *m = malloc(sizeof(*m));
    enum err e;

    if (m == NULL)
        return ERR_NOMEM;
    e = message_decode(m, f->bytes);
    if (e == ERR_VERSION && m->type == MSG_HELLO)
        core_error(c, f->connection, MERR_VERSION, 0, "no common version of the protocol");
    else if (e == ERR_VERSION)
        e = OK; /* a newer agent's message: ignored */
    else if (e != OK)
        core_error(c, f->connection, MERR_MALFORMED, 0, err_text());
    else if (m->type == MSG_HELLO)
        e = hello(c, f, &m->as.hello);
    else if (m->type == MSG_RECONCILE)
        e = reconcile(c, f, &m->as.reconcile);
    else if (m->type == MSG_GET)
        e = get(c, f, &m->as.get);
    else if (m->type == MSG_BYE)
        send_message(c, f->connection, m); /* behind everything that was sent before it */
    else
        core_error(c, f->connection, MERR_ORDER, 0, "this message is not expected now");
    free(m);
    return e == ERR_NOMEM ? e : OK;
}
