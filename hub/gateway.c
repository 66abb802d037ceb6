#include "hub/gateway.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"
#include "common/service.h"
#include "hub/gateway_internal.h"
#include "hub/lease.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#define IO_THREADS     2
#define DRAIN          64 /* messages of agents before the loop looks at everything else again */
#define NOFILE_WANTED  65536
#define NOFILE_SPARE   500
#define SLOTS_LEAST    100 /* before the core has said how many */
#define MEMORY_MAX     (UINT64_C(512) << 20)
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   5000
#define STATUS_MS      2000
#define SWEEP_MS       1000
#define TIDY_MS        60000

/* ---- sending ---- */

bool gateway_send_frame(struct gateway *g, struct route to, struct bytes frame)
{
    void *router = g->sockets[to.socket].router;
    uint8_t id[ROUTING_BYTES] = {0};
    int n;

    be32_put(id + 1, to.number);
    n = zmq_send(router, id, sizeof(id), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    return n == (int)sizeof(id) && zmq_send(router, frame.p, frame.len, ZMQ_DONTWAIT) >= 0;
}

bool gateway_send(struct gateway *g, struct route to, const struct message *m)
{
    buf_reset(&g->out);
    if (message_encode(&g->out, m) != OK) {
        log_error("gateway: a %s could not be written: %s", message_type_name(m->type), err_text());
        return false;
    }
    return gateway_send_frame(g, to, bytes_of(g->out.data, g->out.len));
}

/* ---- the core ---- */

static void lose_core(struct gateway *g, const char *why)
{
    if (g->core == NULL)
        return;
    if (g->has_core)
        log_notice("gateway: the core is away (%s); agents are told to come back in %u s", why, AWAY_SECONDS);
    ipc_link_free(g->core);
    g->core = NULL;
    g->has_core = false;
    buf_reset(&g->assembly);
    g->next_try_ms = clock_mono_ms() + g->pause_ms;
    meeting_end_all(g);
}

bool gateway_tell_core(struct gateway *g, const struct ipc_packet *p)
{
    if (g->core == NULL)
        return false;
    if (ipc_link_send(g->core, p) == OK)
        return true;
    lose_core(g, err_text());
    return false;
}

static void try_core(struct gateway *g)
{
    int fd;
    enum err e;

    if (g->core != NULL || clock_mono_ms() < g->next_try_ms)
        return;
    e = link_connect(g->home, g->exchange, &fd);
    if (e == OK)
        e = ipc_link_new(&g->core, fd);
    if (e == OK)
        return;
    if (e != ERR_NOT_FOUND)
        log_warning("gateway: %s", err_text());
    g->pause_ms = g->pause_ms * 2 < PAUSE_MAX_MS ? g->pause_ms * 2 : PAUSE_MAX_MS;
    g->next_try_ms = clock_mono_ms() + g->pause_ms;
}

static bool same_listener(const struct ipc_listener *a, const struct ipc_listener *b)
{
    return a->kind == b->kind && strcmp(a->url, b->url) == 0 && strcmp(a->key, b->key) == 0 &&
           memcmp(a->curve, b->curve, KEY_BYTES) == 0;
}

static bool same_listeners(const struct ipc_limits *a, const struct ipc_limits *b)
{
    bool same = a->listener_count == b->listener_count && memcmp(a->district, b->district, sizeof(a->district)) == 0;

    for (uint32_t i = 0; same && i < a->listener_count; i++)
        same = same_listener(&a->listeners[i], &b->listeners[i]);
    return same;
}

/* More than slots may be connected; without descriptors left accept() would spin. */
static enum err check_descriptors(uint32_t slots)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return err_errno(ERR_IO, errno, "RLIMIT_NOFILE");
    if (r.rlim_cur < NOFILE_WANTED) {
        r.rlim_cur = r.rlim_max < NOFILE_WANTED ? r.rlim_max : NOFILE_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
    if (r.rlim_cur < slots + NOFILE_SPARE)
        return err_set(ERR_LIMIT,
                       _("the gateway may open only %llu files; at least %u are needed for %u meetings at once "
                         "(LimitNOFILE= of its service, or a smaller gateway.slots in hub.yaml)"),
                       (unsigned long long)r.rlim_cur, slots + NOFILE_SPARE, slots);
    return OK;
}

static enum err take_limits(struct gateway *g, const struct ipc_limits *l)
{
    enum err e = OK;

    if (l->slots == 0 || l->chunk == 0 || l->credit < l->chunk)
        return err_set(ERR_INVALID, _("hub.yaml: gateway.credit must be at least gateway.chunk"));
    if (g->has_limits && !same_listeners(&g->limits, l)) {
        g->failed =
            err_set(ERR_VERSION, "the hub listens elsewhere now, or with another key: the gateway starts again");
        g->stopping = true;
        return OK;
    }
    if ((g->failed = check_descriptors(l->slots)) != OK) {
        g->stopping = true;
        return OK;
    }
    g->limits = *l;
    g->has_limits = true;
    if (g->spool == NULL)
        e = spool_open(&g->spool, g->exchange != NULL ? g->exchange : g->home, l->spool_max, l->spool_days);
    if (e == OK) {
        spool_set_limits(g->spool, l->spool_max, l->spool_days);
        spool_set_reserve(g->spool, l->disk_reserve);
    }
    return e;
}

/* A key of a name that came before replaces it. */
static enum err take_key(struct gateway *g, struct ipc_key *k)
{
    struct key *fresh = NULL;
    unsigned i = 0;
    enum err e = key_from_secret(&fresh, KEY_CURVE, k->secret);

    wipe(k->secret, sizeof(k->secret));
    if (e != OK)
        return e;
    while (i < g->key_count && strcmp(g->keys[i].name, k->name) != 0)
        i++;
    if (i == IPC_LISTENERS) {
        key_free(fresh);
        return err_set(ERR_MALFORMED, "the core sends more keys than there are addresses");
    }
    if (i == g->key_count) {
        memcpy(g->keys[i].name, k->name, sizeof(g->keys[i].name));
        g->key_count++;
    } else {
        key_free(g->keys[i].key);
    }
    g->keys[i].key = fresh;
    return OK;
}

static enum err take_allow(struct gateway *g, const struct ipc_allow *a)
{
    if (g->coming.count > 0 && g->coming.items[0].serial != a->serial)
        g->coming.count = 0;
    return allow_add(&g->coming, a);
}

/* The list is whole: from here on it alone says who is heard (invariant 6). */
static void take_allow_end(struct gateway *g, uint64_t serial)
{
    if (g->coming.count > 0 && g->coming.items[0].serial != serial)
        g->coming.count = 0;
    allow_sort(&g->coming);
    allow_fini(&g->allowed);
    g->allowed = g->coming;
    memset(&g->coming, 0, sizeof(g->coming));
    g->pause_ms = PAUSE_FIRST_MS;
    if (!g->has_core)
        log_info("gateway: the core is here; %zu keys are known", g->allowed.count);
    g->has_core = g->has_limits;
}

static enum err take_reply(struct gateway *g, const struct ipc_reply *r)
{
    if (r->part == 0) {
        buf_reset(&g->assembly);
        g->assembly_connection = r->connection;
        g->assembly_part = 0;
    }
    if (r->connection != g->assembly_connection || r->part != g->assembly_part)
        return err_set(ERR_MALFORMED, "the core's answer came in the wrong order");
    buf_put(&g->assembly, r->frame.p, r->frame.len);
    if (buf_status(&g->assembly) != OK)
        return err_set(ERR_MALFORMED, "the core's answer is too long");
    if (++g->assembly_part < r->parts)
        return OK;
    meeting_reply(g, r->connection, bytes_of(g->assembly.data, g->assembly.len));
    if (g->assembly.cap > IPC_PART)
        buf_fini(&g->assembly); /* a directory may be large, and is rare */
    buf_reset(&g->assembly);
    return OK;
}

static enum err take_packet(struct gateway *g, struct ipc_packet *p)
{
    switch (p->type) {
    case IPC_LIMITS: return take_limits(g, &p->as.limits);
    case IPC_ALLOW: return take_allow(g, &p->as.allow);
    case IPC_KEY: return take_key(g, &p->as.key);
    case IPC_ALLOW_END: take_allow_end(g, p->as.serial); return OK;
    case IPC_REPLY: return take_reply(g, &p->as.reply);
    case IPC_MEETING:
    case IPC_BATCH:
    case IPC_SPOOLED:
    case IPC_CLOSED:
    case IPC_STATUS: break;
    }
    return err_set(ERR_MALFORMED, "the core sent what only the gateway may say");
}

void gateway_read_core(struct gateway *g)
{
    struct ipc_packet p;
    enum err e = OK;

    while (g->core != NULL && !g->stopping && e == OK) {
        if ((e = ipc_link_receive(g->core, &p)) == OK)
            e = take_packet(g, &p);
    }
    if (e != OK && e != ERR_NOT_FOUND)
        lose_core(g, err_text());
}

/* ---- agents ---- */

/* A message that was read in part would make the next one be misread: the process starts afresh. */
static bool give_up(struct gateway *g, enum err e)
{
    g->failed = e;
    g->stopping = true;
    return false;
}

/* Reads away what stands after the one payload frame. */
static void skip_frames(struct gateway *g, void *router)
{
    struct frame f;
    enum err e;

    frame_init(&f);
    while ((e = frame_receive(&f, router)) == OK && f.has_more)
        continue;
    if (e != OK)
        (void)give_up(g, e);
    frame_fini(&f);
}

static void take_message(struct gateway *g, unsigned socket)
{
    const struct buf *routing = &g->routing.bytes;
    struct incoming in = {.is_multipart = g->payload.has_more,
                          .frame = bytes_of(g->payload.bytes.data, g->payload.bytes.len)};

    if (in.is_multipart)
        skip_frames(g, g->sockets[socket].router);
    g->status.messages++;
    /* From the payload: after a poll the routing frame carries no metadata in this version of the library. */
    if (!g->payload.has_user || !zap_key_of_user(in.curve, g->payload.user)) { /* never "anonymous" */
        g->failed = err_set(ERR_INTERNAL, "a message came over a connection that nobody let in");
        g->stopping = true;
        return;
    }
    if (routing->len != ROUTING_BYTES || routing->data[0] != 0) {
        g->ignored++; /* a claim to be another's connection */
        gateway_refused(g, "%s chose its own routing id: not heard", g->payload.peer);
        return;
    }
    in.from = (struct route){socket, be32_get(routing->data + 1)};
    (void)snprintf(in.peer, sizeof(in.peer), "%s", g->payload.peer);
    meeting_frame(g, &in);
}

/* False: nothing is there now. */
static bool receive_one(struct gateway *g, unsigned socket)
{
    void *router = g->sockets[socket].router;
    enum err e = frame_receive(&g->routing, router);

    if (e != OK)
        return e == ERR_NOT_FOUND ? false : give_up(g, e);
    if (g->routing.has_more && (e = frame_receive(&g->payload, router)) != OK)
        return give_up(g, e);
    if (g->routing.has_more)
        take_message(g, socket);
    return true;
}

/* While the core does not take what is for it, agents wait in their own TCP: nothing piles up here. */
static bool can_read(const struct gateway *g)
{
    return !g->stopping && (g->core == NULL || !ipc_link_wants_write(g->core));
}

/* The sockets take turns at being first, so that a busy one does not starve the others. */
static void read_agents(struct gateway *g)
{
    unsigned left = DRAIN;

    if (g->socket_count == 0)
        return;
    for (unsigned i = 0; i < g->socket_count; i++) {
        unsigned socket = (g->first + i) % g->socket_count;
        unsigned share = left / (g->socket_count - i);

        for (; share > 0 && can_read(g) && receive_one(g, socket); share--)
            left--;
    }
    g->first = (g->first + 1) % g->socket_count;
    meeting_send_acks(g);
}

static void read_monitor(struct gateway *g, void *monitor)
{
    uint16_t event;

    while ((event = frame_event(monitor)) != 0) {
        if (event == ZMQ_EVENT_ACCEPTED)
            g->status.connections++;
        else if (event == ZMQ_EVENT_DISCONNECTED && g->status.connections > 0)
            g->status.connections--;
        else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL || event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
            g->status.refused_handshakes++;
            gateway_refused(g, "a connection was refused in its greeting: %s",
                            event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ? "it breaks the protocol"
                                                                         : "it was not completed");
        } else if (event == ZMQ_EVENT_ACCEPT_FAILED)
            log_warning("gateway: a connection could not be taken: out of descriptors?");
    }
}

/* ---- the loop ---- */

static void send_status(struct gateway *g)
{
    struct ipc_packet p = {.type = IPC_STATUS};

    g->status.meetings = g->meeting_count;
    g->status.spool_bytes = g->spool == NULL ? 0 : spool_bytes(g->spool);
    p.as.status = g->status;
    (void)gateway_tell_core(g, &p);
}

static void run_timers(struct gateway *g)
{
    int64_t now = clock_mono_ms();

    try_core(g);
    if (now - g->swept_ms >= SWEEP_MS) {
        g->swept_ms = now;
        meeting_sweep(g);
    }
    if (now - g->status_ms >= STATUS_MS && g->has_core) {
        g->status_ms = now;
        send_status(g);
    }
    if (now - g->tidied_ms >= TIDY_MS && g->spool != NULL) {
        g->tidied_ms = now;
        spool_tidy(g->spool);
        (void)malloc_trim(0);
    }
}

static int add_sockets(const struct gateway *g, zmq_pollitem_t *items, bool reads_agents)
{
    int count = 0;

    items[count++] = (zmq_pollitem_t){g->zap, 0, ZMQ_POLLIN, 0};
    for (unsigned i = 0; i < g->socket_count; i++)
        items[count++] = (zmq_pollitem_t){g->sockets[i].monitor, 0, ZMQ_POLLIN, 0};
    for (unsigned i = 0; reads_agents && i < g->socket_count; i++)
        items[count++] = (zmq_pollitem_t){g->sockets[i].router, 0, ZMQ_POLLIN, 0};
    return count;
}

static enum err poll_once(struct gateway *g)
{
    zmq_pollitem_t items[3 + 2 * IPC_LISTENERS] = {{NULL, g->signals, ZMQ_POLLIN, 0}};
    int count = 1;
    int core_at = 0;

    if (g->core != NULL) {
        core_at = count;
        items[count++] = (zmq_pollitem_t){NULL, ipc_link_fd(g->core),
                                          (short)(ZMQ_POLLIN | (ipc_link_wants_write(g->core) ? ZMQ_POLLOUT : 0)), 0};
    }
    if (g->is_listening)
        count += add_sockets(g, &items[count], can_read(g));
    if (zmq_poll(items, count, service_wait_ms(g->core == NULL ? PAUSE_FIRST_MS : 500)) < 0 && errno != EINTR)
        return err_set(ERR_NET, "zmq_poll: %s", zmq_strerror(errno));
    if ((items[0].revents & ZMQ_POLLIN) != 0)
        g->stopping = true;
    if (core_at > 0 && (items[core_at].revents & ZMQ_POLLOUT) != 0 && ipc_link_flush(g->core) != OK)
        lose_core(g, err_text());
    if (core_at > 0 && (items[core_at].revents & ~ZMQ_POLLOUT) != 0)
        gateway_read_core(g);
    if (g->is_listening) {
        zap_serve(g);
        for (unsigned i = 0; i < g->socket_count; i++)
            read_monitor(g, g->sockets[i].monitor);
        read_agents(g);
    }
    return OK;
}

static enum err listen_all(struct gateway *g)
{
    enum err e = sockets_open(g);

    if (e != OK)
        return e;
    g->is_listening = true;
    if (g->ready_fd >= 0 && write(g->ready_fd, "g", 1) != 1)
        log_debug("gateway: nobody waits for the start");
    service_ready();
    return OK;
}

static void tell_manager(struct gateway *g)
{
    service_alive();
    if (clock_mono_ms() - g->told_ms < STATUS_MS)
        return;
    g->told_ms = clock_mono_ms();
    if (!g->is_listening)
        service_status("%s", _("waits for the core, then schools can come"));
    else if (!g->has_core)
        service_status("%s", _("the core is away; schools are told to come again soon"));
    else
        service_status(_("schools can come; meetings right now: %zu of %u"), g->meeting_count, g->limits.slots);
}

static enum err loop(struct gateway *g)
{
    enum err e = OK;

    while (!g->stopping && e == OK) {
        run_timers(g);
        if ((e = poll_once(g)) == OK && g->has_core && !g->is_listening && !g->stopping)
            e = listen_all(g);
        tell_manager(g);
    }
    service_stopping();
    return e == OK ? g->failed : e;
}

/* ---- start and end ---- */

/* An agent that never ends a message cannot be stopped by any option of the library: this fence, and the service's
 * MemoryMax=, end the process instead; it is started again and nobody loses anything. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const struct rlimit r = {MEMORY_MAX, MEMORY_MAX};

    (void)setrlimit(RLIMIT_DATA, &r);
#endif
    (void)mallopt(M_ARENA_MAX, IO_THREADS);
    (void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

static enum err open_signals(struct gateway *g)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_errno(ERR_IO, errno, "signals");
    g->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return g->signals < 0 ? err_errno(ERR_IO, errno, "signalfd") : OK;
}

static enum err open_parts(struct gateway *g)
{
    enum err e;

    limit_memory();
    if ((e = check_descriptors(SLOTS_LEAST)) != OK || (e = open_signals(g)) != OK)
        return e;
    if ((g->ctx = zmq_ctx_new()) == NULL || zmq_ctx_set(g->ctx, ZMQ_IO_THREADS, IO_THREADS) != 0)
        return err_set(ERR_NET, "zmq_ctx_new: %s", zmq_strerror(errno));
    return OK;
}

static void close_parts(struct gateway *g)
{
    meeting_end_all(g);
    ipc_link_free(g->core);
    sockets_close(g);
    if (g->zap != NULL)
        (void)zmq_close(g->zap);
    if (g->ctx != NULL)
        (void)zmq_ctx_term(g->ctx);
    spool_close(g->spool);
    allow_fini(&g->allowed);
    allow_fini(&g->coming);
    buf_fini(&g->assembly);
    buf_fini(&g->out);
    frame_fini(&g->routing);
    frame_fini(&g->payload);
    free(g->meetings);
    admission_fini(&g->admission);
    for (unsigned i = 0; i < g->key_count; i++)
        key_free(g->keys[i].key);
    if (g->signals >= 0)
        close(g->signals);
}

enum err gateway_run(const char *home, const char *exchange, int ready_fd)
{
    struct gateway *g = calloc(1, sizeof(*g));
    enum err e;

    if (g == NULL)
        return ERR_NOMEM;
    g->home = home;
    g->exchange = exchange;
    g->signals = -1;
    g->ready_fd = ready_fd;
    g->pause_ms = PAUSE_FIRST_MS;
    admission_init(&g->admission);
    buf_init(&g->assembly, MESSAGE_MAX_DOWN);
    buf_init(&g->out, MESSAGE_MAX_DOWN);
    frame_init(&g->routing);
    frame_init(&g->payload);
    g->swept_ms = g->status_ms = g->tidied_ms = clock_mono_ms();
    e = open_parts(g);
    if (e == OK)
        e = loop(g);
    close_parts(g);
    free(g);
    return e;
}
