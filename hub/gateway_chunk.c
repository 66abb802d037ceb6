#include "hub/gateway_internal.h"

#include "common/log.h"

#include <stdlib.h>
#include <string.h>

#define DISK_SECONDS  60u
#define AGAIN_SECONDS 1u
#define ROOM_SECONDS  900u /* somebody has to make room first */

static struct spool_key key_of(const struct meeting *m)
{
    struct spool_key k = {m->participant, m->digest, m->total};

    return k;
}

static void refuse(struct gateway *g, struct meeting *m, enum message_error code, uint32_t seconds, const char *text)
{
    meeting_error(g, m->route, m, code, seconds, text);
}

/* ---- ACK: at half of the credit, at a batch's end, and when nothing more is there to read ---- */

static void send_ack(struct gateway *g, struct meeting *m)
{
    struct message out = {.type = MSG_ACK};

    out.as.ack.sequence = m->sequence;
    out.as.ack.offset = m->offset;
    out.as.ack.credit = g->limits.credit;
    if (!gateway_send(g, m->route, &out))
        return; /* owed still */
    m->unacked = 0;
    m->owes_ack = false;
}

static void owe_ack(struct gateway *g, struct meeting *m)
{
    m->owes_ack = true;
    g->acks_due = true;
    if (m->unacked >= g->limits.credit / 2)
        send_ack(g, m);
}

void meeting_send_acks(struct gateway *g)
{
    if (!g->acks_due)
        return;
    g->acks_due = false;
    for (size_t i = 0; i < g->meeting_count; i++)
        if (g->meetings[i]->owes_ack) {
            send_ack(g, g->meetings[i]);
            g->acks_due = g->acks_due || g->meetings[i]->owes_ack;
        }
}

/* ---- whose batch is it? ---- */

static bool header_is_of(const struct gateway *g, const struct meeting *m, const struct batch_header *h)
{
    return memcmp(h->district, g->limits.district, sizeof(h->district)) == 0 &&
           strcmp(h->participant, m->participant) == 0 && generation_compare(&h->gen, &m->gen) == 0 &&
           h->sequence == m->sequence;
}

static enum message_error why_not_parsed(enum err e)
{
    if (e == ERR_VERSION)
        return MERR_VERSION;
    return e == ERR_LIMIT ? MERR_LIMIT : MERR_MALFORMED;
}

/* What the first chunk says already.  0: nothing wrong. */
static enum message_error check_beginning(const struct gateway *g, const struct meeting *m, struct bytes beginning)
{
    struct batch_header h;
    enum err e = batch_peek(&h, beginning);

    if (e == ERR_NOT_FOUND)
        return 0; /* too short: seen when it is whole */
    if (e != OK)
        return why_not_parsed(e);
    if (header_is_of(g, m, &h))
        return 0;
    (void)err_set(ERR_AUTH, "the batch is another participant's, or has another place in its chain");
    return MERR_SIGNATURE;
}

/* Keeps junk out; the core repeats all of it. */
static enum message_error check_whole(const struct gateway *g, const struct meeting *m, struct bytes batch)
{
    const struct ipc_allow *who = allow_find(&g->allowed, m->curve);
    enum message_error why = 0;
    uint8_t real[DIGEST_BYTES];
    struct batch_header h;
    enum err e;

    batch_digest(real, batch);
    if (!digest_equal(real, m->digest)) {
        (void)err_set(ERR_AUTH, "the bytes of the batch do not have the digest that was announced");
        return MERR_SIGNATURE;
    }
    if ((e = batch_parse(&h, batch)) != OK)
        return why_not_parsed(e);
    if (!header_is_of(g, m, &h)) {
        (void)err_set(ERR_AUTH, "the batch is another participant's, or has another place in its chain");
        why = MERR_SIGNATURE;
    } else if (who == NULL || batch_verify(&h, batch, who->sign) != OK) {
        why = MERR_SIGNATURE;
    }
    batch_header_fini(&h);
    return why;
}

/* ---- handing on ---- */

static void tell_batch(struct gateway *g, struct meeting *m, struct bytes batch)
{
    struct ipc_packet p = {.type = IPC_BATCH};

    p.as.frame.connection = m->connection;
    memcpy(p.as.frame.curve, m->curve, KEY_BYTES);
    p.as.frame.bytes = batch;
    m->is_handed_on = true;
    m->offset = m->total;
    send_ack(g, m);
    (void)gateway_tell_core(g, &p);
}

static void tell_spooled(struct gateway *g, struct meeting *m)
{
    struct spool_key k = key_of(m);
    struct ipc_packet p = {.type = IPC_SPOOLED};

    if (spool_hand_over(g->spool, &k) != OK) {
        refuse(g, m, MERR_BUSY, AGAIN_SECONDS, err_text());
        return;
    }
    p.as.spooled.connection = m->connection;
    memcpy(p.as.spooled.curve, m->curve, KEY_BYTES);
    memcpy(p.as.spooled.digest, m->digest, DIGEST_BYTES);
    p.as.spooled.length = m->total;
    m->is_handed_on = true;
    send_ack(g, m);
    (void)gateway_tell_core(g, &p);
}

static void take_whole(struct gateway *g, struct meeting *m)
{
    struct spool_key k = key_of(m);
    enum message_error why;
    struct buf bytes;
    enum err e;

    buf_init(&bytes, BATCH_MAX_SEALED);
    e = spool_read(g->spool, &k, &bytes);
    why = e == OK ? check_whole(g, m, bytes_of(bytes.data, bytes.len)) : MERR_BUSY;
    buf_fini(&bytes);
    if (why == 0) {
        tell_spooled(g, m);
        return;
    }
    spool_drop(g->spool, &k);
    /* A beginning that lay here may have suffered: asked for again from the start before anyone is accused. */
    if (m->was_resumed || e != OK)
        refuse(g, m, MERR_BUSY, AGAIN_SECONDS, "the beginning kept here was damaged; send the batch again");
    else
        refuse(g, m, why, 0, err_text());
}

/* ---- CHUNK ---- */

/* Before a batch is begun, so that nobody sends half of one in vain. */
static bool has_room(struct gateway *g)
{
    bool was_closed = g->is_closed;

    g->is_closed = spool_is_closed(g->spool);
    if (g->is_closed && !was_closed)
        log_error("gateway: the disk with the spool is nearly full: no batch is begun until there is room "
                  "(store.disk_reserve in hub.yaml)");
    else if (was_closed && !g->is_closed)
        log_notice("gateway: there is room for the spool again");
    return !g->is_closed;
}

/* The first chunk of a batch in this meeting. */
static bool begin_batch(struct gateway *g, struct meeting *m, const struct msg_chunk *c)
{
    struct spool_key k;

    if (!has_room(g)) {
        refuse(g, m, MERR_ROOM, ROOM_SECONDS, "the hub's disk is nearly full; it will be taken later");
        return false;
    }
    m->sequence = c->sequence;
    memcpy(m->digest, c->digest, DIGEST_BYTES);
    m->total = c->total;
    m->is_handed_on = m->was_resumed = false;
    k = key_of(m);
    if (c->offset == 0) {
        enum message_error why = check_beginning(g, m, c->data);

        if (why != 0) {
            m->sequence = 0;
            refuse(g, m, why, 0, err_text());
            return false;
        }
        spool_drop(g->spool, &k); /* the agent begins anew: what lies here may be what it could not use */
        m->offset = 0;
        return true;
    }
    m->offset = spool_have(g->spool, &k);
    m->was_resumed = m->offset > 0;
    if (m->was_resumed)
        log_info("gateway: %s resumes batch %llu at %u of %u bytes", m->participant, (unsigned long long)m->sequence,
                 c->offset, m->total);
    return true;
}

static void add_bytes(struct gateway *g, struct meeting *m, struct bytes data)
{
    struct spool_key k = key_of(m);
    enum err e;

    if (m->offset == 0 && data.len == m->total) { /* all in one: no need of the disk */
        enum message_error why = check_whole(g, m, data);

        if (why != 0)
            refuse(g, m, why, 0, err_text());
        else
            tell_batch(g, m, data);
        return;
    }
    e = spool_append(g->spool, &k, data, &m->offset);
    if (e != OK)
        refuse(g, m, e == ERR_LIMIT ? MERR_LIMIT : MERR_BUSY, e == ERR_LIMIT ? 0 : DISK_SECONDS, err_text());
    else if (m->offset == m->total)
        take_whole(g, m);
    else
        owe_ack(g, m);
}

/* Bytes that are here already: dropped, and the ACK repeated. */
static void repeat_ack(struct gateway *g, struct meeting *m)
{
    if (m->offset == m->total && !m->is_handed_on)
        take_whole(g, m); /* whole since an earlier meeting, whose core died before it answered */
    else
        owe_ack(g, m);
}

void chunk_take(struct gateway *g, struct meeting *m, const struct msg_chunk *c)
{
    uint32_t skip;

    /* Bytes that have no ACK yet, these included, never exceed the credit that was granted (invariant 8). */
    if (c->data.len > g->limits.chunk || m->unacked + c->data.len > g->limits.credit) {
        refuse(g, m, MERR_LIMIT, 0, "more than the chunk or the credit that was granted");
        return;
    }
    m->unacked += (uint32_t)c->data.len;
    if (c->sequence < m->sequence) {
        owe_ack(g, m);
        return;
    }
    if (c->sequence > m->sequence && !begin_batch(g, m, c))
        return;
    if (c->total != m->total || !digest_equal(c->digest, m->digest)) {
        refuse(g, m, MERR_ORDER, 0, "another length or digest for the same batch");
        return;
    }
    if (c->offset > m->offset) {
        refuse(g, m, MERR_ORDER, 0, "bytes of the batch are left out");
        return;
    }
    skip = m->offset - c->offset;
    if (skip >= c->data.len)
        repeat_ack(g, m);
    else
        add_bytes(g, m, bytes_of(c->data.p + skip, c->data.len - skip));
}

/* ---- WELCOME ---- */

static bool is_wanted(const struct msg_welcome *w, uint64_t sequence)
{
    if (sequence > w->held_last)
        return sequence >= w->next_sequence;
    for (uint32_t i = 0; i < w->gap_count; i++)
        if (sequence >= w->gaps[i].first && sequence - w->gaps[i].first < w->gaps[i].count)
            return true;
    return false;
}

void chunk_resume(struct gateway *g, struct meeting *m, struct msg_welcome *w)
{
    w->credit = g->limits.credit;
    w->chunk = g->limits.chunk;
    for (uint32_t i = 0; i < m->offer_count; i++) {
        const struct offer *o = &m->offers[i];
        struct spool_key k = {m->participant, o->digest, o->length};
        uint32_t have = is_wanted(w, o->sequence) ? spool_have(g->spool, &k) : 0;

        if (have == 0)
            continue;
        w->resume_sequence = o->sequence;
        /* Of a batch that is whole the last byte is asked for again: there must be a chunk that sends it on. */
        w->resume_offset = have < o->length ? have : o->length - 1;
        memcpy(w->resume_digest, o->digest, DIGEST_BYTES);
        return;
    }
}
