#include "hub/ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- packets ---- */

static void put_limits(struct buf *b, const struct ipc_limits *l)
{
    mp_put_array(b, 11);
    mp_put_uint(b, IPC_LIMITS);
    mp_put_bin(b, l->district, sizeof(l->district));
    mp_put_uint(b, l->slots);
    mp_put_uint(b, l->credit);
    mp_put_uint(b, l->chunk);
    mp_put_uint(b, l->turn_ms);
    mp_put_uint(b, l->spool_max);
    mp_put_uint(b, l->spool_days);
    mp_put_uint(b, l->disk_reserve);
    mp_put_uint(b, l->log_refused);
    mp_put_array(b, l->listener_count);
    for (uint32_t i = 0; i < l->listener_count; i++) {
        mp_put_array(b, 4);
        mp_put_cstr(b, l->listeners[i].url);
        mp_put_cstr(b, l->listeners[i].key);
        mp_put_bin(b, l->listeners[i].curve, KEY_BYTES);
        mp_put_uint(b, (uint64_t)l->listeners[i].kind);
    }
}

static void put_key(struct buf *b, const struct ipc_key *k)
{
    mp_put_array(b, 3);
    mp_put_uint(b, IPC_KEY);
    mp_put_cstr(b, k->name);
    mp_put_bin(b, k->secret, KEY_BYTES);
}

static void put_allow(struct buf *b, const struct ipc_allow *a)
{
    mp_put_array(b, 7);
    mp_put_uint(b, IPC_ALLOW);
    mp_put_uint(b, a->serial);
    mp_put_bin(b, a->curve, KEY_BYTES);
    mp_put_bin(b, a->sign, KEY_BYTES);
    mp_put_bool(b, a->is_invitation);
    mp_put_uint(b, (uint64_t)a->standing);
    mp_put_cstr(b, a->participant);
}

static void put_status(struct buf *b, const struct ipc_status *s)
{
    mp_put_array(b, 6);
    mp_put_uint(b, IPC_STATUS);
    mp_put_uint(b, s->connections);
    mp_put_uint(b, s->meetings);
    mp_put_uint(b, s->spool_bytes);
    mp_put_uint(b, s->refused_handshakes);
    mp_put_uint(b, s->messages);
}

static void put_frame(struct buf *b, enum ipc_type type, const struct ipc_frame *f)
{
    mp_put_array(b, 5);
    mp_put_uint(b, (uint64_t)type);
    mp_put_uint(b, f->connection);
    mp_put_bin(b, f->curve, KEY_BYTES);
    mp_put_cstr(b, f->peer);
    mp_put_bin(b, f->bytes.p, f->bytes.len);
}

static void put_number(struct buf *b, enum ipc_type type, uint64_t number)
{
    mp_put_array(b, 2);
    mp_put_uint(b, (uint64_t)type);
    mp_put_uint(b, number);
}

enum err ipc_encode(struct buf *b, const struct ipc_packet *p)
{
    switch (p->type) {
    case IPC_LIMITS: put_limits(b, &p->as.limits); break;
    case IPC_ALLOW: put_allow(b, &p->as.allow); break;
    case IPC_KEY: put_key(b, &p->as.key); break;
    case IPC_ALLOW_END: put_number(b, p->type, p->as.serial); break;
    case IPC_REPLY:
        mp_put_array(b, 5);
        mp_put_uint(b, IPC_REPLY);
        mp_put_uint(b, p->as.reply.connection);
        mp_put_uint(b, p->as.reply.part);
        mp_put_uint(b, p->as.reply.parts);
        mp_put_bin(b, p->as.reply.frame.p, p->as.reply.frame.len);
        break;
    case IPC_MEETING:
    case IPC_BATCH: put_frame(b, p->type, &p->as.frame); break;
    case IPC_SPOOLED:
        mp_put_array(b, 5);
        mp_put_uint(b, IPC_SPOOLED);
        mp_put_uint(b, p->as.spooled.connection);
        mp_put_bin(b, p->as.spooled.curve, KEY_BYTES);
        mp_put_bin(b, p->as.spooled.digest, DIGEST_BYTES);
        mp_put_uint(b, p->as.spooled.length);
        break;
    case IPC_CLOSED: put_number(b, p->type, p->as.connection); break;
    case IPC_STATUS: put_status(b, &p->as.status); break;
    }
    return buf_status(b);
}

static void get_listener(struct mp *m, struct ipc_listener *l)
{
    (void)mp_array(m, 4, 4);
    mp_text(m, l->url, 1, ENDPOINT_MAX);
    mp_text(m, l->key, 1, IPC_KEY_NAME);
    mp_bin_exact(m, l->curve, KEY_BYTES);
    l->kind = (enum listener_kind)mp_uint(m, LISTENER_DOOR);
    if (strchr(l->key, '/') != NULL || l->key[0] == '.') /* a name in keys/, and nothing above it */
        m->failed = true;
}

static void get_limits(struct mp *m, struct ipc_limits *l)
{
    mp_bin_exact(m, l->district, sizeof(l->district));
    l->slots = (uint32_t)mp_uint(m, UINT32_MAX);
    l->credit = (uint32_t)mp_uint(m, CREDIT_MAX);
    l->chunk = (uint32_t)mp_uint(m, CHUNK_MAX);
    l->turn_ms = (uint32_t)mp_uint(m, UINT32_MAX);
    l->spool_max = mp_uint(m, UINT64_MAX);
    l->spool_days = (uint32_t)mp_uint(m, UINT32_MAX);
    l->disk_reserve = mp_uint(m, UINT64_MAX);
    l->log_refused = (uint32_t)mp_uint(m, UINT32_MAX);
    l->listener_count = (uint32_t)mp_array(m, 1, IPC_LISTENERS);
    for (uint32_t i = 0; i < l->listener_count && !m->failed; i++)
        get_listener(m, &l->listeners[i]);
}

static void get_key(struct mp *m, struct ipc_key *k)
{
    mp_text(m, k->name, 1, IPC_KEY_NAME);
    mp_bin_exact(m, k->secret, KEY_BYTES);
}

static void get_allow(struct mp *m, struct ipc_allow *a)
{
    a->serial = mp_uint(m, UINT64_MAX);
    mp_bin_exact(m, a->curve, KEY_BYTES);
    mp_bin_exact(m, a->sign, KEY_BYTES);
    a->is_invitation = mp_bool(m);
    a->standing = (enum ipc_standing)mp_uint(m, IPC_STANDING_REVOKED);
    mp_text(m, a->participant, 1, ID_MAX);
}

static void get_reply(struct mp *m, struct ipc_reply *r)
{
    r->connection = mp_uint(m, UINT64_MAX);
    r->part = (uint32_t)mp_uint(m, 64);
    r->parts = (uint32_t)mp_uint(m, 64);
    r->frame = mp_bin(m, IPC_PART);
    if (r->part >= r->parts)
        m->failed = true;
}

static void get_frame(struct mp *m, struct ipc_frame *f)
{
    f->connection = mp_uint(m, UINT64_MAX);
    mp_bin_exact(m, f->curve, KEY_BYTES);
    mp_text(m, f->peer, 0, IPC_PEER_MAX);
    f->bytes = mp_bin(m, MESSAGE_MAX_UP);
}

static void get_spooled(struct mp *m, struct ipc_spooled *s)
{
    s->connection = mp_uint(m, UINT64_MAX);
    mp_bin_exact(m, s->curve, KEY_BYTES);
    mp_bin_exact(m, s->digest, DIGEST_BYTES);
    s->length = (uint32_t)mp_uint(m, BATCH_MAX_SEALED);
}

static void get_status(struct mp *m, struct ipc_status *s)
{
    s->connections = mp_uint(m, UINT64_MAX);
    s->meetings = mp_uint(m, UINT64_MAX);
    s->spool_bytes = mp_uint(m, UINT64_MAX);
    s->refused_handshakes = mp_uint(m, UINT64_MAX);
    s->messages = mp_uint(m, UINT64_MAX);
}

/* How many elements a packet has, its type included; 0: there is no such type. */
static size_t elements_of(uint64_t type)
{
    switch (type) {
    case IPC_LIMITS: return 11;
    case IPC_ALLOW: return 7;
    case IPC_STATUS: return 6;
    case IPC_REPLY:
    case IPC_MEETING:
    case IPC_BATCH:
    case IPC_SPOOLED: return 5;
    case IPC_KEY: return 3;
    case IPC_ALLOW_END:
    case IPC_CLOSED: return 2;
    default: return 0; /* a number from outside, not our enum */
    }
}

static void get_fields(struct mp *m, struct ipc_packet *p)
{
    switch (p->type) {
    case IPC_LIMITS: get_limits(m, &p->as.limits); break;
    case IPC_ALLOW: get_allow(m, &p->as.allow); break;
    case IPC_KEY: get_key(m, &p->as.key); break;
    case IPC_ALLOW_END: p->as.serial = mp_uint(m, UINT64_MAX); break;
    case IPC_REPLY: get_reply(m, &p->as.reply); break;
    case IPC_MEETING:
    case IPC_BATCH: get_frame(m, &p->as.frame); break;
    case IPC_SPOOLED: get_spooled(m, &p->as.spooled); break;
    case IPC_CLOSED: p->as.connection = mp_uint(m, UINT64_MAX); break;
    case IPC_STATUS: get_status(m, &p->as.status); break;
    }
}

enum err ipc_decode(struct ipc_packet *p, struct bytes in)
{
    struct mp m = mp_of(in);
    size_t elements = mp_array(&m, 2, 11);
    uint64_t type = mp_uint(&m, IPC_STATUS);

    memset(p, 0, sizeof(*p));
    if (m.failed || elements_of(type) == 0)
        return err_set(ERR_MALFORMED, "a packet between gateway and core of an unknown type");
    p->type = (enum ipc_type)type;
    get_fields(&m, p);
    if (!mp_done(&m) || elements != elements_of(type))
        return err_set(ERR_MALFORMED, "a packet between gateway and core is malformed");
    return OK;
}

/* ---- the link ---- */

struct waiting {
    struct waiting *next;
    size_t len;
    uint8_t bytes[];
};

struct ipc_link {
    int fd;
    struct waiting *first, **last;
    size_t queued;
    struct buf out, in;
};

enum err ipc_link_new(struct ipc_link **out, int fd)
{
    struct ipc_link *l = calloc(1, sizeof(*l));
    int room = 1 << 20;

    if (l == NULL) {
        close(fd);
        return ERR_NOMEM;
    }
    l->fd = fd;
    l->last = &l->first;
    buf_init_secret(&l->out, IPC_MAX_PACKET);
    buf_init_secret(&l->in, IPC_MAX_PACKET);
    /* Several packets may be under way; the kernel caps this at its own limit. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    *out = l;
    return OK;
}

/* It may have held a key. */
static void free_waiting(struct waiting *w)
{
    wipe(w->bytes, w->len);
    free(w);
}

void ipc_link_free(struct ipc_link *l)
{
    if (l == NULL)
        return;
    while (l->first != NULL) {
        struct waiting *w = l->first;

        l->first = w->next;
        free_waiting(w);
    }
    close(l->fd);
    buf_fini(&l->out);
    buf_fini(&l->in);
    free(l);
}

int ipc_link_fd(const struct ipc_link *l)
{
    return l->fd;
}

/* OK, ERR_BUSY (the peer's buffer is full), ERR_NET. */
static enum err send_now(struct ipc_link *l, const uint8_t *bytes, size_t len)
{
    ssize_t n;

    do
        n = send(l->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)len)
        return OK;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
        return ERR_BUSY;
    return err_errno(ERR_NET, errno, "gateway and core lost each other");
}

static enum err enqueue(struct ipc_link *l, const struct buf *b)
{
    struct waiting *w;

    if (l->queued + b->len > IPC_MAX_QUEUED)
        return err_set(ERR_FULL, "the peer takes no packets");
    if ((w = malloc(sizeof(*w) + b->len)) == NULL)
        return ERR_NOMEM;
    w->next = NULL;
    w->len = b->len;
    memcpy(w->bytes, b->data, b->len);
    *l->last = w;
    l->last = &w->next;
    l->queued += b->len;
    return OK;
}

enum err ipc_link_send(struct ipc_link *l, const struct ipc_packet *p)
{
    enum err e;

    buf_reset(&l->out);
    if ((e = ipc_encode(&l->out, p)) != OK)
        return e;
    e = l->first == NULL ? send_now(l, l->out.data, l->out.len) : ERR_BUSY;
    if (e == ERR_BUSY)
        e = enqueue(l, &l->out);
    if (p->type == IPC_KEY)
        wipe(l->out.data, l->out.len);
    return e;
}

enum err ipc_link_reply(struct ipc_link *l, uint64_t connection, const struct message *m)
{
    struct ipc_packet p = {.type = IPC_REPLY};
    struct buf frame;
    enum err e;

    buf_init(&frame, MESSAGE_MAX_DOWN);
    e = message_encode(&frame, m);
    p.as.reply.connection = connection;
    p.as.reply.parts = (uint32_t)((frame.len + IPC_PART - 1) / IPC_PART);
    for (; e == OK && p.as.reply.part < p.as.reply.parts; p.as.reply.part++) {
        size_t at = (size_t)p.as.reply.part * IPC_PART;

        p.as.reply.frame = bytes_of(frame.data + at, frame.len - at < IPC_PART ? frame.len - at : IPC_PART);
        e = ipc_link_send(l, &p);
    }
    buf_fini(&frame);
    return e;
}

bool ipc_link_wants_write(const struct ipc_link *l)
{
    return l->first != NULL;
}

enum err ipc_link_flush(struct ipc_link *l)
{
    while (l->first != NULL) {
        struct waiting *w = l->first;
        enum err e = send_now(l, w->bytes, w->len);

        if (e != OK)
            return e == ERR_BUSY ? OK : e;
        l->first = w->next;
        if (l->first == NULL)
            l->last = &l->first;
        l->queued -= w->len;
        free_waiting(w);
    }
    return OK;
}

enum err ipc_link_receive(struct ipc_link *l, struct ipc_packet *p)
{
    uint8_t *at;
    ssize_t n;
    enum err e;

    buf_reset(&l->in);
    if ((at = buf_grow(&l->in, IPC_MAX_PACKET - 1)) == NULL)
        return ERR_NOMEM;
    do
        n = recv(l->fd, at, IPC_MAX_PACKET - 1, MSG_DONTWAIT | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_NOT_FOUND : err_errno(ERR_NET, errno, "core.sock");
    if (n == 0)
        return err_set(ERR_NET, "the other process closed core.sock");
    if ((size_t)n > IPC_MAX_PACKET - 1)
        return err_set(ERR_MALFORMED, "a packet on core.sock is too long");
    e = ipc_decode(p, bytes_of(at, (size_t)n));
    if (p->type == IPC_KEY)
        wipe(at, (size_t)n); /* nothing in it is a loan */
    return e;
}
