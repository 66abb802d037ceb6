#include "hub/core.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/service.h"
#include "hub/audit.h"
#include "hub/core_internal.h"
#include "hub/key_ring.h"
#include "hub/lease.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAINTAIN_MS 60000
#define TELL_MS     2000 /* between two lines for `systemctl status` */
#define PASSWD_MAX  4096 /* bytes of one line of the system's list of users */

/* What an epoll event is about; operators are 16 and more. */
enum source {
    SOURCE_SIGNAL,
    SOURCE_GATEWAY_LISTEN,
    SOURCE_OPERATOR_LISTEN,
    SOURCE_GATEWAY,
    SOURCE_WORKERS,
    SOURCE_INBOX
};

static enum err watch(struct core *c, int fd, enum source s)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)s};

    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
        return err_errno(ERR_IO, errno, "epoll");
    return OK;
}

static enum err open_signals(struct core *c)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return err_set(ERR_IO, "signals cannot be blocked");
    c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return c->signals < 0 ? err_errno(ERR_IO, errno, "signalfd") : OK;
}

/* ---- the gateway ---- */

static void add_listener(struct ipc_limits *l, const char *url, const char *key, const uint8_t curve[KEY_BYTES])
{
    struct ipc_listener *at = &l->listeners[l->listener_count++];

    (void)snprintf(at->url, sizeof(at->url), "%s", url);
    (void)snprintf(at->key, sizeof(at->key), "%s", key);
    memcpy(at->curve, curve, KEY_BYTES);
    at->kind = LISTENER_SCHOOLS;
}

/* Its key is made of the root key's fingerprint, which stands on every sheet: no secret of the hub is needed. */
static void add_door(struct ipc_limits *l, const struct hub *h)
{
    struct ipc_listener *door = &l->listeners[l->listener_count++];
    char print[FINGERPRINT_CHARS + 1];
    size_t at = 0;

    (void)snprintf(door->url, sizeof(door->url), "%s", h->conf.door);
    fingerprint(print, h->root);
    for (const char *c = print; *c != '\0'; c++)
        if (*c != '-')
            door->key[at++] = *c;
    door->key[at] = '\0';
    door->kind = LISTENER_DOOR;
}

static void fill_limits(const struct core *c, struct ipc_limits *l)
{
    const struct hub_conf *conf = &c->hub->conf;
    const struct curve_change *change = &c->hub->ring->curve;
    const struct ring_key *next = ring_next(c->hub->ring);

    memcpy(l->district, c->hub->district, sizeof(l->district));
    l->slots = (uint32_t)conf->slots;
    l->credit = (uint32_t)conf->credit;
    l->chunk = (uint32_t)conf->chunk;
    l->turn_ms = (uint32_t)conf->turn_ms;
    l->spool_max = (uint64_t)conf->spool_max;
    l->spool_days = (uint32_t)conf->spool_days;
    l->disk_reserve = (uint64_t)conf->disk_reserve;
    l->log_refused = (uint32_t)conf->log_refused;
    for (size_t i = 0; i < conf->listen_count; i++)
        add_listener(l, conf->listen[i], "curve.key", c->hub->curve);
    if (change->stage != CURVE_STILL && next != NULL)
        add_listener(l, change->listen, "curve-next.key", next->public_half);
    else if (change->stage != CURVE_STILL)
        add_listener(l, change->listen, "curve.key", c->hub->curve);
    if (conf->door != NULL)
        add_door(l, c->hub);
}

/* The secret half of each listener's key, once each. */
static enum err send_keys(struct core *c, const struct ipc_limits *l)
{
    char path[FOLDER_PATH_MAX], name[sizeof("keys/") + IPC_KEY_NAME];
    struct ipc_packet p = {.type = IPC_KEY};
    struct key *k = NULL;
    enum err e = OK;

    for (uint32_t i = 0; i < l->listener_count && e == OK; i++) {
        if (l->listeners[i].kind != LISTENER_SCHOOLS ||
            (i > 0 && strcmp(l->listeners[i].key, l->listeners[i - 1].key) == 0))
            continue;
        (void)snprintf(name, sizeof(name), "keys/%s", l->listeners[i].key);
        if ((e = folder_path(path, c->hub->dir, name)) != OK || (e = key_read(&k, path, KEY_CURVE)) != OK)
            break;
        memcpy(p.as.key.name, l->listeners[i].key, sizeof(p.as.key.name));
        memcpy(p.as.key.secret, key_secret(k), KEY_BYTES);
        key_free(k);
        k = NULL;
        e = ipc_link_send(c->gateway, &p);
        wipe(&p.as.key, sizeof(p.as.key));
    }
    return e;
}

enum err core_send_limits(struct core *c)
{
    struct ipc_packet p = {.type = IPC_LIMITS};
    enum err e;

    if (c->gateway == NULL)
        return OK;
    fill_limits(c, &p.as.limits);
    e = ipc_link_send(c->gateway, &p);
    return e == OK ? send_keys(c, &p.as.limits) : e;
}

static void lose_gateway(struct core *c, const char *why)
{
    if (c->gateway == NULL)
        return;
    log_notice("core: the gateway is away (%s); agents come again by themselves", why);
    ipc_link_free(c->gateway);
    c->gateway = NULL;
    c->gateway_is_paused = false;
    memset(&c->gateway_status, 0, sizeof(c->gateway_status));
}

static void accept_gateway(struct core *c)
{
    int fd = accept4(c->gateway_listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ipc_link *link = NULL;

    if (fd < 0)
        return;
    if (!lease_peer_is(fd, c->gateway_user)) {
        log_warning("core: a process of another user wanted to be the gateway; refused");
        close(fd);
        return;
    }
    if (ipc_link_new(&link, fd) != OK)
        return;
    lose_gateway(c, "a new one came");
    c->gateway = link;
    if (watch(c, fd, SOURCE_GATEWAY) != OK || core_send_limits(c) != OK || core_send_allowlist(c) != OK)
        lose_gateway(c, err_text());
    else
        log_info("core: the gateway is here");
}

static enum err take_packet(struct core *c, const struct ipc_packet *p)
{
    switch (p->type) {
    case IPC_MEETING: return core_meeting(c, &p->as.frame);
    case IPC_BATCH: return core_batch(c, &p->as.frame);
    case IPC_SPOOLED: return core_spooled(c, &p->as.spooled);
    case IPC_STATUS: c->gateway_status = p->as.status; return OK;
    case IPC_CLOSED: return OK;
    case IPC_LIMITS:
    case IPC_ALLOW:
    case IPC_ALLOW_END:
    case IPC_KEY:
    case IPC_REPLY: break;
    }
    return err_set(ERR_MALFORMED, "the gateway sent what only the core may say");
}

/* Reads while there is something and work is not piling up. */
static void read_gateway(struct core *c)
{
    struct ipc_packet *p = malloc(sizeof(*p));
    enum err e = p == NULL ? ERR_NOMEM : OK;

    while (e == OK && c->gateway != NULL && workers_pending(c->workers) < CORE_MAX_JOBS) {
        e = ipc_link_receive(c->gateway, p);
        if (e == OK)
            e = take_packet(c, p);
    }
    free(p);
    if (e != OK && e != ERR_NOT_FOUND)
        lose_gateway(c, err_text());
}

/* Which events of the gateway's link matter now. */
static void update_gateway(struct core *c)
{
    struct epoll_event ev = {.data.u64 = SOURCE_GATEWAY};

    if (c->gateway == NULL)
        return;
    c->gateway_is_paused = workers_pending(c->workers) >= CORE_MAX_JOBS;
    ev.events =
        (c->gateway_is_paused ? 0u : (uint32_t)EPOLLIN) | (ipc_link_wants_write(c->gateway) ? (uint32_t)EPOLLOUT : 0u);
    if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, ipc_link_fd(c->gateway), &ev) != 0)
        lose_gateway(c, strerror(errno));
}

/* ---- reloading ---- */

enum err core_reload_definitions(struct core *c)
{
    struct workers *fresh = NULL;
    enum err e;

    workers_drain(c->workers);
    if ((e = hub_reload(c->hub, NULL)) != OK || (e = workers_start(&fresh, c->hub)) != OK)
        return e;
    workers_stop(c->workers);
    c->workers = fresh;
    if ((e = watch(c, workers_fd(fresh), SOURCE_WORKERS)) != OK)
        return e;
    /* A gateway that starts afresh because of these limits is gone before the list comes; the next one asks anew. */
    if (core_send_limits(c) != OK || core_send_allowlist(c) != OK)
        lose_gateway(c, err_text());
    return OK;
}

enum err core_reload(struct core *c)
{
    enum err e;

    do {
        workers_drain(c->workers);
        if ((e = core_commit_done(c)) != OK)
            return e;
    } while (workers_pending(c->workers) > 0); /* prepared again under new definitions: once more */
    return core_reload_definitions(c);
}

/* ---- the loop ---- */

static void handle(struct core *c, uint64_t source, uint32_t events)
{
    uint64_t count;

    if (source >= 16) {
        core_operator_readable(c, (size_t)(source - 16));
        return;
    }
    switch ((enum source)source) {
    case SOURCE_SIGNAL: c->stopping = true; break;
    case SOURCE_GATEWAY_LISTEN: accept_gateway(c); break;
    case SOURCE_OPERATOR_LISTEN: core_operator_accept(c); break;
    case SOURCE_GATEWAY:
        if ((events & EPOLLOUT) != 0 && c->gateway != NULL && ipc_link_flush(c->gateway) != OK)
            lose_gateway(c, err_text());
        read_gateway(c);
        break;
    case SOURCE_WORKERS:
        if (read(workers_fd(c->workers), &count, sizeof(count)) < 0 && errno != EAGAIN)
            log_error("core: eventfd: %s", strerror(errno));
        if (core_commit_done(c) != OK)
            log_error("core: %s", err_text());
        read_gateway(c); /* what waited while there was work enough */
        break;
    case SOURCE_INBOX: inbox_notice(c->inbox); break;
    }
}

/* What the core itself wrote into the audit, or a command that was killed, is signed within a minute: in the evening
 * all of the day is. */
static void sign_audit(struct core *c)
{
    struct store_txn *t = NULL;
    bool is_signed = true;
    enum err e = store_begin_read(c->hub->store, &t);

    if (e == OK)
        e = audit_is_signed(t, &is_signed);
    store_abort(t);
    if (e == OK && !is_signed && (e = store_begin_write(c->hub->store, &t)) == OK) {
        if ((e = audit_sign(c->hub, t)) == OK)
            e = store_commit(t);
        else
            store_abort(t);
    }
    if (e != OK)
        log_warning("core: the audit is not signed: %s; tried again in a minute", err_text());
}

/* A worker that hangs lets the loop go round for ever and nothing come of it: that is no sign of life either. */
static void tell_manager(struct core *c)
{
    if (!workers_are_stuck(c->workers, service_watchdog_ms()))
        service_alive();
    if (clock_mono_ms() - c->told_ms < TELL_MS)
        return;
    c->told_ms = clock_mono_ms();
    service_status(_("schools: %zu, programmes: %zu; the gateway is %s; parcels taken: %llu, turned away: %llu"),
                   registry_count(c->hub->registry), c->hub->programme_count,
                   c->gateway != NULL ? _("here") : _("away"), (unsigned long long)c->batches,
                   (unsigned long long)c->refused);
}

static enum err loop(struct core *c)
{
    struct epoll_event events[16];
    enum err e;

    while (!c->stopping) {
        int wait = c->checkpoint != NULL ? 0 : service_wait_ms(core_inbox_wait(c, MAINTAIN_MS));
        int n = epoll_wait(c->epoll, events, 16, wait);

        if (n < 0 && errno != EINTR)
            return err_errno(ERR_IO, errno, "epoll");
        for (int i = 0; i < n && !c->stopping; i++)
            handle(c, events[i].data.u64, events[i].events);
        update_gateway(c);
        if (clock_mono_ms() - c->last_maintain_ms > MAINTAIN_MS) {
            store_maintain(c->hub->store);
            sign_audit(c);
            c->last_maintain_ms = clock_mono_ms();
            core_keys(c);
        }
        core_checkpoint(c);
        core_nights(c);
        core_inbox(c);
        tell_manager(c);
    }
    service_stopping();
    checkpoint_free(c->checkpoint); /* it does not count; the next one goes over it */
    c->checkpoint = NULL;
    /* What the workers finish now is committed; the rest was never promised. */
    workers_drain(c->workers);
    e = core_commit_done(c);
    core_nights_fini(c);
    sign_audit(c);
    return e;
}

/* "svodka-gateway", or a number. */
static enum err find_gateway_user(struct core *c)
{
    const char *name = c->hub->conf.gateway_user;
    struct passwd entry, *who = NULL;
    char texts[PASSWD_MAX];
    int64_t number;
    char *end = NULL;

    c->gateway_user = (uid_t)-1;
    if (name == NULL)
        return OK;
    if (getpwnam_r(name, &entry, texts, sizeof texts, &who) == 0 && who != NULL) {
        c->gateway_user = who->pw_uid;
        return OK;
    }
    number = strtoll(name, &end, 10);
    if (name[0] == '\0' || *end != '\0' || number < 1 || number >= UINT32_MAX)
        return err_set(ERR_INVALID, _("hub.yaml: gateway.user: this system has no user \"%.100s\""), name);
    c->gateway_user = (uid_t)number;
    return OK;
}

static enum err open_core(struct core *c, const char *home)
{
    enum err e;

    if ((e = open_signals(c)) != OK || (e = hub_open(&c->hub, home, HUB_CORE)) != OK ||
        (e = find_gateway_user(c)) != OK)
        return e;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll < 0)
        return err_errno(ERR_IO, errno, "epoll");
    if ((e = workers_start(&c->workers, c->hub)) != OK ||
        (e = link_listen(home, c->hub->conf.gateway_folder, &c->gateway_listen)) != OK ||
        (e = lease_listen(home, &c->operator_listen)) != OK || (e = watch(c, c->signals, SOURCE_SIGNAL)) != OK ||
        (e = watch(c, c->gateway_listen, SOURCE_GATEWAY_LISTEN)) != OK ||
        (e = watch(c, c->operator_listen, SOURCE_OPERATOR_LISTEN)) != OK ||
        (e = watch(c, workers_fd(c->workers), SOURCE_WORKERS)) != OK || (e = core_inbox_open(c)) != OK)
        return e;
    return c->inbox != NULL && inbox_fd(c->inbox) >= 0 ? watch(c, inbox_fd(c->inbox), SOURCE_INBOX) : OK;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

enum err core_run(const char *home, int ready_fd)
{
    struct core c = {.signals = -1, .gateway_listen = -1, .operator_listen = -1, .epoll = -1};
    enum err e;

    for (size_t i = 0; i < CORE_MAX_OPERATORS; i++)
        c.operators[i] = -1;
    c.started_ms = c.last_maintain_ms = clock_mono_ms();
    if ((e = open_core(&c, home)) == OK) {
        log_notice("core: %zu participants, %zu programmes; ready", registry_count(c.hub->registry),
                   c.hub->programme_count);
        if (ready_fd >= 0 && write(ready_fd, "c", 1) != 1)
            log_debug("core: nobody waits for the start");
        service_ready();
        core_keys(&c); /* the year may have begun while it stood still */
        e = loop(&c);
    }
    inbox_close(c.inbox);
    workers_stop(c.workers);
    ipc_link_free(c.gateway);
    for (size_t i = 0; i < CORE_MAX_OPERATORS; i++)
        close_fd(c.operators[i]);
    close_fd(c.gateway_listen);
    close_fd(c.operator_listen);
    close_fd(c.epoll);
    close_fd(c.signals);
    hub_close(c.hub, false);
    return e;
}
