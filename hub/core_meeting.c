#include "hub/core_meeting_internal.h"

#include "common/log.h"
#include "hub/returns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void core_send(struct core *c, uint64_t connection, const struct message *m)
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
    core_send(c, connection, &m);
}

/* ---- RECONCILE ---- */

void core_tell(struct core *c, uint64_t connection, uint32_t participant, const struct generation *gen)
{
    for (size_t i = 0; i < CORE_TOLD_MAX; i++)
        if (c->told[i].connection == connection)
            c->told[i].connection = 0;
    if (gen != NULL)
        c->told[c->told_next++ % CORE_TOLD_MAX] = (struct core_told){connection, participant, *gen};
}

static bool was_told(const struct core *c, uint64_t connection, uint32_t participant, const struct generation *gen)
{
    for (size_t i = 0; i < CORE_TOLD_MAX; i++)
        if (c->told[i].connection == connection)
            return c->told[i].participant == participant && generation_compare(&c->told[i].gen, gen) == 0;
    return false;
}

/* Before its first page. */
static enum err close_if_told(struct core *c, uint64_t connection, const struct participant *from,
                              const struct generation *gen)
{
    enum err e;

    if (!was_told(c, connection, from->index, gen))
        return OK;
    log_notice("core: the two histories of %s are reconciled", from->id);
    if ((e = core_close_generation(c, from, gen)) == OK)
        core_tell(c, connection, from->index, NULL);
    return e;
}

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
            core_send(c, connection, &m);
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
    if ((e = core_commit_done(c)) == OK && (e = close_if_told(c, f->connection, from, &q->gen)) == OK)
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
    core_send(c, f->connection, &m);
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
        e = core_hello(c, f, &m->as.hello);
    else if (m->type == MSG_RECONCILE)
        e = reconcile(c, f, &m->as.reconcile);
    else if (m->type == MSG_GET)
        e = get(c, f, &m->as.get);
    else if (m->type == MSG_BYE)
        core_send(c, f->connection, m); /* behind everything that was sent before it */
    else
        core_error(c, f->connection, MERR_ORDER, 0, "this message is not expected now");
    free(m);
    return e == ERR_NOMEM ? e : OK;
}
