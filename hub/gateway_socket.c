#include "hub/gateway_internal.h"

#include "common/cli.h"
#include "common/folder.h"
#include "common/log.h"
#include "protocol/ticket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define HANDSHAKE_MS    60000
#define HEARTBEAT_MS    30000
#define DEAD_MS         120000
#define BACKLOG         1024
#define RECEIVE_HWM     16   /* frames of one agent that wait here; credit bounds their bytes */
#define SEND_HWM        2200 /* the unasked receipts and words of a meeting and what follows them */
#define MONITOR_ADDRESS "inproc://router-monitor-%u"
/* ZMQ_ZAP_ENFORCE_DOMAIN: works in the packaged library although its header counts it among the drafts. */
#define ENFORCE_DOMAIN 93

static enum err zmq_failed(const char *what)
{
    return err_set(ERR_NET, "%s: %s", what, zmq_strerror(errno));
}

static enum err set_int(void *s, int option, int value)
{
    return zmq_setsockopt(s, option, &value, sizeof(value)) == 0 ? OK : zmq_failed("a socket's option");
}

static enum err set_options(const struct gateway_socket *s)
{
    static const struct {
        int option, value;
    } table[] = {{ZMQ_LINGER, 0},
                 {ZMQ_IPV6, 1},
                 {ZMQ_BACKLOG, BACKLOG},
                 {ZMQ_ROUTER_MANDATORY, 1},
                 {ZMQ_RCVHWM, RECEIVE_HWM},
                 {ZMQ_SNDHWM, SEND_HWM},
                 {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
                 {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
                 {ZMQ_HEARTBEAT_TIMEOUT, DEAD_MS},
                 {ZMQ_HEARTBEAT_TTL, DEAD_MS},
                 {ZMQ_CURVE_SERVER, 1},
                 {ENFORCE_DOMAIN, 1}};
    const int64_t largest = MESSAGE_MAX_UP;
    const char *domain = s->kind == LISTENER_DOOR ? ZAP_DOOR : ZAP_SCHOOLS;
    enum err e = OK;

    if (zmq_setsockopt(s->router, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) != 0 ||
        zmq_setsockopt(s->router, ZMQ_CURVE_SECRETKEY, key_secret(s->key), KEY_BYTES) != 0 ||
        zmq_setsockopt(s->router, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) != 0)
        return zmq_failed("a socket's option");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && e == OK; i++)
        e = set_int(s->router, table[i].option, table[i].value);
    return e;
}

static enum err open_monitor(struct gateway *g, struct gateway_socket *s)
{
    char address[64];

    (void)snprintf(address, sizeof(address), MONITOR_ADDRESS, (unsigned)(s - g->sockets));
    s->monitor = zmq_socket(g->ctx, ZMQ_PAIR);
    /* No limit on this side: a full pipe would make libzmq's own thread wait for us. */
    if (s->monitor == NULL || set_int(s->monitor, ZMQ_LINGER, 0) != OK || set_int(s->monitor, ZMQ_RCVHWM, 0) != OK ||
        zmq_socket_monitor(s->router, address, ZMQ_EVENT_ALL) != 0 || zmq_connect(s->monitor, address) != 0)
        return zmq_failed("the monitor");
    return OK;
}

/* The key becomes the socket's. */
static enum err take_key(struct gateway *g, struct gateway_socket *s, const struct ipc_listener *l)
{
    uint8_t print[FINGERPRINT_BYTES];
    enum err e;

    if (l->kind == LISTENER_DOOR)
        return (e = fingerprint_read(print, l->key)) == OK ? door_key(&s->key, print) : e;
    for (unsigned i = 0; i < g->key_count; i++)
        if (strcmp(g->keys[i].name, l->key) == 0) {
            s->key = g->keys[i].key;
            g->keys[i].key = NULL;
        }
    if (s->key == NULL)
        return err_set(ERR_NOT_FOUND, "the core has not sent the key %s", l->key);
    if (memcmp(key_public(s->key), l->curve, KEY_BYTES) != 0)
        return err_set(ERR_INVALID, _("%s: this is not the key that the schools were told; the gateway does not serve"),
                       l->key);
    return OK;
}

/* The ROUTER of this listener's key; opened when there is none yet. */
static enum err socket_for(struct gateway *g, const struct ipc_listener *l, struct gateway_socket **out)
{
    struct gateway_socket *s;
    enum err e;

    for (unsigned i = 0; i < g->socket_count; i++)
        if (strcmp(g->sockets[i].name, l->key) == 0) {
            *out = &g->sockets[i];
            return OK;
        }
    *out = s = &g->sockets[g->socket_count++];
    memcpy(s->name, l->key, sizeof(s->name));
    s->kind = l->kind;
    if ((e = take_key(g, s, l)) != OK)
        return e;
    if ((s->router = zmq_socket(g->ctx, ZMQ_ROUTER)) == NULL)
        return zmq_failed("a socket");
    if ((e = set_options(s)) != OK)
        return e;
    return open_monitor(g, s);
}

static enum err bind_listener(struct gateway *g, const struct ipc_listener *l)
{
    struct gateway_socket *s = NULL;
    enum err e = socket_for(g, l, &s);

    if (e != OK)
        return e;
    if (zmq_bind(s->router, l->url) != 0)
        return err_set(errno == EADDRINUSE ? ERR_BUSY : ERR_NET,
                       _("%s: %s (an address of this computer or * is expected, and a port that nobody else uses)"),
                       l->url, zmq_strerror(errno));
    log_notice(l->kind == LISTENER_DOOR ? "gateway: lets in at %s who has an invitation's code"
                                        : "gateway: listens at %s",
               l->url);
    return OK;
}

static enum err test(struct gateway *g, const struct gateway_socket *s)
{
    char endpoint[256];
    size_t size = sizeof(endpoint);

    if (zmq_getsockopt(s->router, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        return zmq_failed("the address");
    return zap_self_test(g, endpoint, key_public(s->key));
}

/* The ZAP handler is bound before any TCP address is; see zap_open(). */
enum err sockets_open(struct gateway *g)
{
    enum err e = zap_open(g);

    for (uint32_t i = 0; i < g->limits.listener_count && e == OK; i++)
        e = bind_listener(g, &g->limits.listeners[i]);
    for (unsigned i = 0; i < g->socket_count && e == OK; i++)
        e = test(g, &g->sockets[i]);
    return e;
}

void sockets_close(struct gateway *g)
{
    for (unsigned i = 0; i < g->socket_count; i++) {
        struct gateway_socket *s = &g->sockets[i];

        if (s->router != NULL)
            (void)zmq_socket_monitor(s->router, NULL, 0);
        if (s->monitor != NULL)
            (void)zmq_close(s->monitor);
        if (s->router != NULL)
            (void)zmq_close(s->router);
        key_free(s->key);
    }
    g->socket_count = 0;
}
