#include "agent/link.h"

#include "agent/proxy.h"
#include "agent/resolve.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/late.h"
#include "common/log.h"
#include "common/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define STEP_MS         200 /* between two looks at `cancelled` */
#define HEARTBEAT_MS    30000
#define DEAD_MS         120000
#define MONITOR_ADDRESS "inproc://link-monitor"

/* Only a meeting needs libzmq (late.h). */
static struct {
    __typeof__(&zmq_close) zmq_close;
    __typeof__(&zmq_connect) zmq_connect;
    __typeof__(&zmq_ctx_new) zmq_ctx_new;
    __typeof__(&zmq_ctx_term) zmq_ctx_term;
    __typeof__(&zmq_msg_close) zmq_msg_close;
    __typeof__(&zmq_msg_data) zmq_msg_data;
    __typeof__(&zmq_msg_init) zmq_msg_init;
    __typeof__(&zmq_msg_recv) zmq_msg_recv;
    __typeof__(&zmq_msg_size) zmq_msg_size;
    __typeof__(&zmq_poll) zmq_poll;
    __typeof__(&zmq_send) zmq_send;
    __typeof__(&zmq_setsockopt) zmq_setsockopt;
    __typeof__(&zmq_socket) zmq_socket;
    __typeof__(&zmq_socket_monitor) zmq_socket_monitor;
    __typeof__(&zmq_strerror) zmq_strerror;
} from_zmq;

static const struct late_function functions[] = {
    LATE(from_zmq, zmq_close),    LATE(from_zmq, zmq_connect),        LATE(from_zmq, zmq_ctx_new),
    LATE(from_zmq, zmq_ctx_term), LATE(from_zmq, zmq_msg_close),      LATE(from_zmq, zmq_msg_data),
    LATE(from_zmq, zmq_msg_init), LATE(from_zmq, zmq_msg_recv),       LATE(from_zmq, zmq_msg_size),
    LATE(from_zmq, zmq_poll),     LATE(from_zmq, zmq_send),           LATE(from_zmq, zmq_setsockopt),
    LATE(from_zmq, zmq_socket),   LATE(from_zmq, zmq_socket_monitor), LATE(from_zmq, zmq_strerror),
};

static enum err open_zmq(void)
{
    static struct late_library library = {.file = SVODKA_SONAME_ZMQ,
                                          .package = "libzmq5",
                                          .functions = functions,
                                          .count = sizeof(functions) / sizeof(functions[0])};

    return late_open(&library);
}

struct link {
    void *ctx, *socket, *monitor;
    struct buf frame; /* the last one received */
    bool is_lost;
    const volatile sig_atomic_t *cancelled;
    struct proxy *proxy; /* NULL: none */
    struct buf out;
    char place[RESOLVE_HOST_MAX + 8];
};

static enum err zmq_failed(void)
{
    return err_set(ERR_INTERNAL, "libzmq: %s", from_zmq.zmq_strerror(errno));
}

static bool is_cancelled(const struct link *l)
{
    return l->cancelled != NULL && *l->cancelled != 0;
}

static bool set_int(void *s, int option, int64_t value)
{
    int v = value > INT32_MAX ? INT32_MAX : (int)value;

    return from_zmq.zmq_setsockopt(s, option, &v, sizeof(v)) == 0;
}

static enum err open_socket(struct link *l, const struct link_options *o)
{
    const int64_t largest = MESSAGE_MAX_DOWN;

    l->socket = from_zmq.zmq_socket(l->ctx, ZMQ_DEALER);
    l->monitor = from_zmq.zmq_socket(l->ctx, ZMQ_PAIR);
    if (l->socket == NULL || l->monitor == NULL)
        return zmq_failed();
    /* No reconnection by the library, no routing id: the hub knows us by our key. */
    if (!set_int(l->socket, ZMQ_LINGER, 0) || !set_int(l->monitor, ZMQ_LINGER, 0) || !set_int(l->socket, ZMQ_IPV6, 1) ||
        !set_int(l->socket, ZMQ_RECONNECT_IVL, -1) || !set_int(l->socket, ZMQ_CONNECT_TIMEOUT, o->connect_ms) ||
        !set_int(l->socket, ZMQ_HANDSHAKE_IVL, o->handshake_ms) ||
        !set_int(l->socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) || !set_int(l->socket, ZMQ_HEARTBEAT_TIMEOUT, DEAD_MS) ||
        !set_int(l->socket, ZMQ_HEARTBEAT_TTL, DEAD_MS) || !set_int(l->socket, ZMQ_TCP_MAXRT, RESOLVE_UNACKED_MS) ||
        from_zmq.zmq_setsockopt(l->socket, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) != 0 ||
        from_zmq.zmq_setsockopt(l->socket, ZMQ_CURVE_SERVERKEY, o->server_key, KEY_BYTES) != 0 ||
        from_zmq.zmq_setsockopt(l->socket, ZMQ_CURVE_PUBLICKEY, key_public(o->curve), KEY_BYTES) != 0 ||
        from_zmq.zmq_setsockopt(l->socket, ZMQ_CURVE_SECRETKEY, key_secret(o->curve), KEY_BYTES) != 0 ||
        from_zmq.zmq_socket_monitor(l->socket, MONITOR_ADDRESS, ZMQ_EVENT_ALL) != 0 ||
        from_zmq.zmq_connect(l->monitor, MONITOR_ADDRESS) != 0)
        return zmq_failed();
    return OK;
}

static void close_socket(struct link *l)
{
    if (l->socket != NULL) {
        (void)from_zmq.zmq_socket_monitor(l->socket, NULL, 0);
        (void)from_zmq.zmq_close(l->socket);
    }
    if (l->monitor != NULL)
        (void)from_zmq.zmq_close(l->monitor);
    l->socket = l->monitor = NULL;
}

/* What libzmq hands over is copied once and not touched again where it lies (see tests/tsan.supp). */
static void zmq_frame_copy(struct buf *to, zmq_msg_t *from)
{
    buf_reset(to);
    buf_put(to, from_zmq.zmq_msg_data(from), from_zmq.zmq_msg_size(from));
}

/* ---- events ---- */

struct event {
    uint16_t what;
    uint32_t value;
};

/* ERR_NOT_FOUND: none is there now. */
static enum err receive_frame(void *socket, struct buf *to)
{
    zmq_msg_t m;
    enum err e = OK;

    (void)from_zmq.zmq_msg_init(&m);
    if (from_zmq.zmq_msg_recv(&m, socket, ZMQ_DONTWAIT) >= 0) {
        zmq_frame_copy(to, &m);
        e = buf_status(to);
    } else {
        e = errno == EAGAIN || errno == EINTR ? ERR_NOT_FOUND : zmq_failed();
    }
    (void)from_zmq.zmq_msg_close(&m);
    return e;
}

/* False: none is there now. */
static bool next_event(struct link *l, struct event *ev)
{
    struct buf first;
    struct buf second;
    bool is_there;

    buf_init(&first, 64);
    buf_init(&second, 512);
    is_there = receive_frame(l->monitor, &first) == OK && first.len >= 6 && receive_frame(l->monitor, &second) == OK;
    if (is_there) {
        memcpy(&ev->what, first.data, sizeof(ev->what));
        memcpy(&ev->value, first.data + 2, sizeof(ev->value));
    }
    buf_fini(&first);
    buf_fini(&second);
    return is_there;
}

static enum err not_a_hub(const struct link *l)
{
    return err_set(ERR_MALFORMED,
                   _("something else than a hub answers at %s; is the address right, does the network ask for a "
                     "password first? Nothing was sent, everything waits for the next time."),
                   l->place);
}

/* What the event says about an attempt: OK is "go on waiting" until *is_in. */
static enum err judge(const struct link *l, const struct event *ev, bool *is_connected, bool *is_in)
{
    switch (ev->what) {
    case ZMQ_EVENT_CONNECTED: *is_connected = true; return OK;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: *is_in = true; return OK;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return err_set(
            ERR_DENIED,
            _("the hub does not know this computer's key (%s); ask the district office for a new invitation"),
            l->place);
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return not_a_hub(l);
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        if (ev->value == EAGAIN || ev->value == ETIMEDOUT)
            return err_set(ERR_MALFORMED,
                           _("something else than a hub answers at %s: it takes the connection and is "
                             "silent"),
                           l->place);
        return err_set(ERR_MALFORMED,
                       _("something else than a hub answers at %s, or another hub than this school's: it broke off the "
                         "greeting. Nothing was sent; ask the district office for the right address."),
                       l->place);
    case ZMQ_EVENT_DISCONNECTED: return not_a_hub(l);
    case ZMQ_EVENT_CLOSED:
    case ZMQ_EVENT_CONNECT_RETRIED:
        return err_set(ERR_NET,
                       _("%s cannot be reached: nothing answers there. Is there a line, is the hub switched on? "
                         "What waits is kept and goes the next time."),
                       l->place);
    default: return OK; /* of a later library, or of no interest */
    }
}

static enum err wait_until_in(struct link *l, const struct link_options *o)
{
    int64_t until = clock_mono_ms() + o->connect_ms;
    bool is_connected = false;
    bool is_in = false;
    enum err e = OK;

    while (e == OK && !is_in) {
        zmq_pollitem_t item = {l->monitor, 0, ZMQ_POLLIN, 0};
        int64_t left = until - clock_mono_ms();
        bool was_connected = is_connected;
        struct event ev;

        service_alive();
        if (is_cancelled(l))
            return err_set(ERR_CANCELLED, _("stopped"));
        if (left <= 0)
            return is_connected
                       ? err_set(ERR_MALFORMED,
                                 _("something else than a hub answers at %s: it takes the connection and is silent"),
                                 l->place)
                       : err_set(ERR_NET, _("%s cannot be reached: no answer within %lld s"), l->place,
                                 (long long)(o->connect_ms + 999) / 1000);
        if (from_zmq.zmq_poll(&item, 1, left < STEP_MS ? left : STEP_MS) < 0 && errno != EINTR)
            return zmq_failed();
        while (e == OK && !is_in && next_event(l, &ev))
            e = judge(l, &ev, &is_connected, &is_in);
        if (is_connected && !was_connected)
            until = clock_mono_ms() + o->handshake_ms;
    }
    return e;
}

/* ---- opening ---- */

static enum err try_address(struct link *l, const struct link_options *o, const char *url)
{
    enum err e = open_socket(l, o);

    if (e == OK && from_zmq.zmq_connect(l->socket, url) != 0)
        e = err_set(ERR_NET, _("%s cannot be reached: %s"), l->place, from_zmq.zmq_strerror(errno));
    if (e == OK)
        e = wait_until_in(l, o);
    if (e != OK)
        close_socket(l);
    return e;
}

static enum err try_proxy(struct link *l, const struct link_options *o)
{
    char local[PROXY_URL_MAX];
    enum err e;

    (void)snprintf(l->place, sizeof(l->place), "%.*s", (int)sizeof(l->place) - 1, o->url + strlen("tcp://"));
    if ((e = proxy_open(&l->proxy, local, o->proxy, o->url, o->connect_ms, o->cancelled)) == OK)
        e = try_address(l, o, local);
    return e;
}

static enum err try_all(struct link *l, const struct link_options *o)
{
    struct resolved *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    e = resolve_url(r, o->url, o->connect_ms, o->cancelled);
    memcpy(l->place, r->place, sizeof(l->place));
    for (unsigned i = 0; i < r->count && (i == 0 || e == ERR_NET || e == ERR_MALFORMED); i++)
        if ((e = try_address(l, o, r->urls[i])) != OK)
            log_info("sync: %s: %s", r->urls[i], err_text());
    free(r);
    return e;
}

enum err link_open(struct link **out, const struct link_options *o)
{
    struct link *l = calloc(1, sizeof(*l));
    enum err e;

    if (l == NULL)
        return ERR_NOMEM;
    l->cancelled = o->cancelled;
    buf_init(&l->out, MESSAGE_MAX_UP);
    buf_init(&l->frame, MESSAGE_MAX_DOWN);
    if ((e = open_zmq()) == OK && (l->ctx = from_zmq.zmq_ctx_new()) == NULL)
        e = zmq_failed();
    if (e == OK)
        e = o->proxy != NULL && o->proxy[0] != '\0' ? try_proxy(l, o) : try_all(l, o);
    if (e != OK) {
        link_close(l);
        return e;
    }
    *out = l;
    return OK;
}

void link_close(struct link *l)
{
    if (l == NULL)
        return;
    buf_fini(&l->frame);
    close_socket(l);
    proxy_close(l->proxy);
    if (l->ctx != NULL)
        while (from_zmq.zmq_ctx_term(l->ctx) != 0 && errno == EINTR)
            continue;
    buf_fini(&l->out);
    free(l);
}

/* ---- use ---- */

/* The line is gone as soon as its event says so: what the library still holds would never arrive. */
static void look_at_events(struct link *l)
{
    struct event ev;

    while (next_event(l, &ev))
        if (ev.what == ZMQ_EVENT_DISCONNECTED || ev.what == ZMQ_EVENT_CLOSED)
            l->is_lost = true;
}

static enum err lost(const struct link *l)
{
    return err_set(ERR_NET, _("the connection to %s was lost"), l->place);
}

enum err link_send(struct link *l, const struct message *m)
{
    enum err e;

    buf_reset(&l->out);
    if ((e = message_encode(&l->out, m)) != OK)
        return e;
    look_at_events(l);
    if (l->is_lost)
        return lost(l);
    while (from_zmq.zmq_send(l->socket, l->out.data, l->out.len, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        /* Credit is far below what the library takes: nobody reads at the other end. */
        return errno == EAGAIN ? lost(l) : zmq_failed();
    }
    return OK;
}

enum err link_receive(struct link *l, int64_t wait_ms, struct bytes *frame)
{
    int64_t until = clock_mono_ms() + wait_ms;

    for (;;) {
        zmq_pollitem_t items[] = {{l->socket, 0, ZMQ_POLLIN, 0}, {l->monitor, 0, ZMQ_POLLIN, 0}};
        int64_t left = until - clock_mono_ms();
        enum err e = receive_frame(l->socket, &l->frame);

        /* First what came, then the news that nothing more will. */
        if (e != ERR_NOT_FOUND) {
            *frame = bytes_of(l->frame.data, l->frame.len);
            return e;
        }
        service_alive();
        if (is_cancelled(l))
            return err_set(ERR_CANCELLED, _("stopped"));
        if (l->is_lost)
            return lost(l);
        if (left <= 0)
            return ERR_NOT_FOUND;
        if (from_zmq.zmq_poll(items, 2, left < STEP_MS ? left : STEP_MS) < 0 && errno != EINTR)
            return zmq_failed();
        look_at_events(l);
    }
}
