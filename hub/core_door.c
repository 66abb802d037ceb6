#include "hub/core_meeting_internal.h"

#include "common/clock.h"
#include "common/log.h"
#include "hub/registry_status.h"

#include <stdio.h>
#include <string.h>

/* ---- who joins ---- */

static enum err enrol_in(struct greeting *g, struct store_txn *t, struct enrolment *x)
{
    struct buf grant;
    enum err e;

    buf_init(&grant, SIGNED_MAX);
    x->grant = &grant;
    e = registry_enrol(g->c->hub, t, x);
    x->grant = NULL;
    buf_fini(&grant);
    return e;
}

/* It knows the invitation's transport key and not its code: counted, in a transaction of its own. */
static void note_wrong_try(struct greeting *g)
{
    struct core *c = g->c;
    struct store_txn *t = NULL;
    enum err e = store_begin_write(c->hub->store, &t);

    if (e == OK)
        e = registry_wrong_try(c->hub, t, g->from->id);
    if ((e = ledger_end(c->hub->ledger, t, e)) == OK)
        return;
    log_error("core: a wrong try under the invitation of %s could not be counted: %s", g->from->id, err_text());
    if (core_reload(c) != OK)
        log_error("core: %s", err_text());
}

/* Our own disk's or memory's fault, and none of the request's. */
static bool is_ours(enum err e)
{
    return e == ERR_NOMEM || e == ERR_IO || e == ERR_FULL || e == ERR_BUSY || e == ERR_INTERNAL;
}

/* Enrols within one transaction.  The registry changes in memory: no worker may be reading it. */
enum err core_enrol(struct greeting *g)
{
    struct core *c = g->c;
    struct store_txn *t = NULL;
    struct enrolment x = {.participant = g->from->id,
                          .sealed = g->hello->enrol,
                          .from = g->peer[0] == '\0' ? "?" : g->peer,
                          .refusal = MERR_INTERNAL};
    char why[300] = "the store takes nothing now";
    enum err e;

    workers_drain(c->workers);
    if ((e = store_begin_write(c->hub->store, &t)) == OK) {
        if ((e = enrol_in(g, t, &x)) != OK) {
            (void)snprintf(why, sizeof(why), "%s", err_text());
            store_abort(t);
        } else if ((e = store_commit(t)) != OK) {
            (void)snprintf(why, sizeof(why), "%s", err_text());
        }
    }
    if (e == OK) {
        ledger_committed(c->hub->ledger);
        if (x.was_known) /* our answer was lost */
            return OK;
        log_notice("core: %s has joined", g->from->id);
        return core_send_allowlist(c);
    }
    ledger_aborted(c->hub->ledger);
    log_warning("core: the enrolment of %s was refused: %s", g->from->id, why);
    if (!is_ours(e)) {
        core_turn_away(g, x.refusal, why);
        if (x.is_wrong_code)
            note_wrong_try(g);
        return e; /* a request that does not pass its checks changes nothing: many of them cost nothing */
    }
    core_error(c, g->connection, MERR_BUSY, BUSY_SECONDS, why); /* the same request is as good the next time */
    return core_reload(c) == OK ? e : ERR_INTERNAL;             /* what registry_enrol() changed in memory */
}

/* ---- the door: who knows an invitation's code may see who the hub is, and what it is invited to ---- */

static bool refuse_asking(struct greeting *g)
{
    enum message_error code = 0;

    if (g->from->state == PARTICIPANT_CLOSED || (g->from->state == PARTICIPANT_REVOKED && g->from->invite_used))
        code = MERR_REVOKED;
    else if (g->from->invite_used)
        code = MERR_INVITATION_USED;
    else if (registry_is_locked(g->from))
        code = MERR_INVITATION_LOCKED;
    else if (clock_wall_ms() > g->from->invite_expires_ms)
        code = MERR_INVITATION_EXPIRED;
    if (code == 0)
        return false;
    log_notice("core: %s asks with its invitation's code and is turned away: %s", g->from->id,
               message_error_name(code));
    core_turn_away(g, code, message_error_name(code));
    return true;
}

static enum err asking_grant(const struct greeting *g, struct buf *out)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(g->c->hub->store, &t);

    if (e == OK)
        e = registry_invitation_grant(g->c->hub, t, g->from, out);
    store_abort(t);
    return e;
}

void core_answer_asking(struct greeting *g)
{
    struct message m = {.type = MSG_WELCOME};
    struct msg_welcome *w = &m.as.welcome;
    const struct hub *hub = g->c->hub;
    struct buf grant;

    if (refuse_asking(g))
        return;
    buf_init(&grant, SIGNED_MAX);
    if (asking_grant(g, &grant) != OK) {
        log_error("core: no grant for the invitation of %s: %s", g->from->id, err_text());
        core_error(g->c, g->connection, MERR_BUSY, BUSY_SECONDS, "the hub cannot read its ledger");
        buf_fini(&grant);
        return;
    }
    w->version = MESSAGE_VERSION_MAX;
    w->go = WELCOME_GO;
    w->hub_ms = clock_wall_ms();
    w->next_sequence = 1;
    w->credit = (uint32_t)hub->conf.credit; /* of no use before it has joined: the gateway takes no CHUNK */
    w->chunk = (uint32_t)hub->conf.chunk;
    w->directory = bytes_of(hub->directory_object.data, hub->directory_object.len);
    w->grant = bytes_of(grant.data, grant.len);
    log_info("core: %s has come with its invitation's code", g->from->id);
    core_send(g->c, g->connection, &m);
    buf_fini(&grant);
}
