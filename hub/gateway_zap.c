#include "hub/gateway_internal.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ZAP_ADDRESS  "inproc://zeromq.zap.01"
#define TEST_ADDRESS "inproc://self-test-%s"
#define TEST_MS      10000
#define USER_CHARS   ((size_t)2 * KEY_BYTES)
#define FIELDS       12 /* at most; a request has 7 */

/* ---- the allowlist ---- */

enum err allow_add(struct allow_list *l, const struct ipc_allow *a)
{
    if (l->count == IPC_MAX_ALLOWED)
        return err_set(ERR_LIMIT, "an allowlist of more than %u keys", IPC_MAX_ALLOWED);
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        struct ipc_allow *grown = realloc(l->items, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = *a;
    return OK;
}

static int by_curve(const void *a, const void *b)
{
    const struct ipc_allow *x = a;
    const struct ipc_allow *y = b;

    return memcmp(x->curve, y->curve, KEY_BYTES);
}

void allow_sort(struct allow_list *l)
{
    if (l->count > 0)
        qsort(l->items, l->count, sizeof(*l->items), by_curve);
}

void allow_fini(struct allow_list *l)
{
    free(l->items);
    memset(l, 0, sizeof(*l));
}

const struct ipc_allow *allow_find(const struct allow_list *l, const uint8_t curve[KEY_BYTES])
{
    size_t low = 0;
    size_t high = l->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = memcmp(l->items[mid].curve, curve, KEY_BYTES);

        if (order == 0)
            return &l->items[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* ---- ZAP (RFC 27) ---- */

enum err zap_open(struct gateway *g)
{
    const int linger = 0;

    g->zap = zmq_socket(g->ctx, ZMQ_ROUTER);
    if (g->zap == NULL || zmq_setsockopt(g->zap, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_bind(g->zap, ZAP_ADDRESS) != 0)
        return err_set(ERR_INTERNAL, "%s: %s", ZAP_ADDRESS, zmq_strerror(errno));
    return OK;
}

static void user_of_key(char out[USER_CHARS + 1], const uint8_t curve[KEY_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < KEY_BYTES; i++) {
        out[2 * i] = digits[curve[i] >> 4];
        out[2 * i + 1] = digits[curve[i] & 15];
    }
    out[USER_CHARS] = '\0';
}

bool zap_key_of_user(uint8_t curve[KEY_BYTES], const char *user_id)
{
    if (strlen(user_id) != USER_CHARS)
        return false;
    for (size_t i = 0; i < USER_CHARS; i++) {
        char c = user_id[i];
        int half = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (half < 0)
            return false;
        curve[i / 2] = (uint8_t)((i % 2 == 0 ? 0u : (unsigned)curve[i / 2] << 4) | (unsigned)half);
    }
    return true;
}

/* A request: routing id, empty, version, request id, domain, address, routing id, mechanism, credentials. */
struct request {
    struct frame frames[FIELDS];
    size_t count;
};

static bool request_receive(void *zap, struct request *r)
{
    bool more = true;

    for (r->count = 0; more && r->count < FIELDS; r->count++) {
        if (frame_receive(&r->frames[r->count], zap) != OK)
            return false;
        more = r->frames[r->count].has_more;
    }
    return true;
}

static bool frame_is(const struct frame *f, const char *text)
{
    return f->bytes.len == strlen(text) && memcmp(f->bytes.data, text, f->bytes.len) == 0;
}

/* At the door only invitations' keys; the key of that socket is nobody's secret. */
static bool request_is_allowed(const struct gateway *g, const struct request *r, char user[USER_CHARS + 1])
{
    const struct ipc_allow *who;

    user[0] = '\0';
    if (r->count != 9 || !frame_is(&r->frames[2], "1.0") || !frame_is(&r->frames[7], "CURVE") ||
        r->frames[8].bytes.len != KEY_BYTES || (who = allow_find(&g->allowed, r->frames[8].bytes.data)) == NULL)
        return false;
    if (!frame_is(&r->frames[4], ZAP_SCHOOLS) && !(frame_is(&r->frames[4], ZAP_DOOR) && who->is_invitation))
        return false;
    user_of_key(user, r->frames[8].bytes.data);
    return true;
}

static void put(void *zap, const void *bytes, size_t len, bool more)
{
    if (zmq_send(zap, bytes, len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0)
        log_error("gateway: an answer about a connection could not be given: %s", zmq_strerror(errno));
}

static void answer(struct gateway *g, struct request *r)
{
    char user[USER_CHARS + 1];
    bool is_allowed = request_is_allowed(g, r, user);

    if (r->count < 6)
        return;
    if (!is_allowed) {
        g->status.refused_handshakes++;
        if (g->is_listening) /* else it is the self-test */
            gateway_refused(g, "a connection from %.*s was refused: its key is not known", (int)r->frames[5].bytes.len,
                            (const char *)r->frames[5].bytes.data);
    }
    put(g->zap, r->frames[0].bytes.data, r->frames[0].bytes.len, true);
    put(g->zap, "", 0, true);
    put(g->zap, "1.0", 3, true);
    put(g->zap, r->frames[3].bytes.data, r->frames[3].bytes.len, true);
    put(g->zap, is_allowed ? "200" : "400", 3, true);
    put(g->zap, "", 0, true);
    put(g->zap, user, strlen(user), true);
    put(g->zap, "", 0, false);
}

void zap_serve(struct gateway *g)
{
    struct request r;

    for (size_t i = 0; i < FIELDS; i++)
        frame_init(&r.frames[i]);
    while (request_receive(g->zap, &r)) {
        if (g->is_listening) /* what the core said before somebody knocked is heeded first */
            gateway_read_core(g);
        answer(g, &r);
    }
    for (size_t i = 0; i < FIELDS; i++)
        frame_fini(&r.frames[i]);
}

/* ---- the self-test: without it a handler that is not there would mean that everybody is let in ---- */

static enum err watch_refusal(struct gateway *g, void *monitor)
{
    int64_t until = clock_mono_ms() + TEST_MS;

    while (clock_mono_ms() < until) {
        zmq_pollitem_t items[] = {{g->zap, 0, ZMQ_POLLIN, 0}, {monitor, 0, ZMQ_POLLIN, 0}};
        uint16_t event;

        if (zmq_poll(items, 2, 100) < 0 && errno != EINTR)
            return err_set(ERR_INTERNAL, "zmq_poll: %s", zmq_strerror(errno));
        zap_serve(g);
        while ((event = frame_event(monitor)) != 0) {
            if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
                return OK;
            if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
                return err_set(ERR_INTERNAL, "the self-test's unknown key was let in: the gateway does not serve");
        }
    }
    return err_set(ERR_NET, "the gateway's self-test got no answer from its own address");
}

static bool prepare_test(const uint8_t server[KEY_BYTES], void *s, const struct key *k, const char *address)
{
    const int linger = 0;
    const int no = -1;
    const int yes = 1;

    return zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof(linger)) == 0 &&
           zmq_setsockopt(s, ZMQ_IPV6, &yes, sizeof(yes)) == 0 &&
           zmq_setsockopt(s, ZMQ_RECONNECT_IVL, &no, sizeof(no)) == 0 &&
           zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server, KEY_BYTES) == 0 &&
           zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, key_public(k), KEY_BYTES) == 0 &&
           zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, key_secret(k), KEY_BYTES) == 0 &&
           zmq_socket_monitor(s, address, ZMQ_EVENT_ALL) == 0;
}

enum err zap_self_test(struct gateway *g, const char *endpoint, const uint8_t server[KEY_BYTES])
{
    uint64_t refused = g->status.refused_handshakes;
    char address[sizeof(TEST_ADDRESS) + 256]; /* its own for each test: libzmq gives one up when it comes to it */
    struct key *k = NULL;
    void *s = zmq_socket(g->ctx, ZMQ_DEALER);
    void *monitor = zmq_socket(g->ctx, ZMQ_PAIR);
    enum err e = key_generate(&k, KEY_CURVE);

    (void)snprintf(address, sizeof(address), TEST_ADDRESS, endpoint);
    if (e == OK && (s == NULL || monitor == NULL || !prepare_test(server, s, k, address) ||
                    zmq_connect(monitor, address) != 0 || zmq_connect(s, endpoint) != 0))
        e = err_set(ERR_INTERNAL, "the self-test cannot begin: %s", zmq_strerror(errno));
    if (e == OK)
        e = watch_refusal(g, monitor);
    if (s != NULL) {
        (void)zmq_socket_monitor(s, NULL, 0);
        (void)zmq_close(s);
    }
    if (monitor != NULL)
        (void)zmq_close(monitor);
    key_free(k);
    g->status.refused_handshakes = refused; /* our own */
    return e;
}
