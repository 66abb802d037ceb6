/* test_gateway.c: who is heard and who must come back: the part of the gateway that decides, without a network.
 * Holds invariants 6 (only enrolled participants are heard) and 8 (bounded).  With sockets: tests/integration. */
#include "hub/gateway_internal.h"

#include "common/clock.h"
#include "common/log.h"
#include "protocol/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <zmq.h>

#define SLOTS   100u
#define TURN_MS 600000

/* A gateway that has heard from its core and has no socket: what it sends goes nowhere. */
static struct gateway *new_gateway(void)
{
    struct gateway *g = calloc(1, sizeof(*g));

    assert_non_null(g);
    g->has_core = g->has_limits = true;
    g->limits.slots = SLOTS;
    g->limits.turn_ms = TURN_MS;
    admission_init(&g->admission);
    buf_init(&g->out, MESSAGE_MAX_DOWN);
    return g;
}

static void free_gateway(struct gateway *g)
{
    meeting_end_all(g);
    allow_fini(&g->allowed);
    buf_fini(&g->out);
    free(g->meetings);
    admission_fini(&g->admission);
    free(g);
}

static void name_of(char out[ID_MAX + 1], unsigned n)
{
    (void)snprintf(out, ID_MAX + 1, "school-%u", n);
}

static void key_of(uint8_t out[KEY_BYTES], unsigned n)
{
    uint8_t number[4];

    be32_put(number, n);
    digest(out, bytes_of(number, sizeof(number)));
}

static void allow(struct gateway *g, unsigned n)
{
    struct ipc_allow a = {.serial = 1};

    key_of(a.curve, n);
    name_of(a.participant, n);
    assert_int_equal(allow_add(&g->allowed, &a), OK);
    allow_sort(&g->allowed);
}

/* School `n` says HELLO over a connection as school `claimed`. */
static void greet_from(struct gateway *g, struct route from, unsigned n, unsigned claimed)
{
    struct message hello = {.type = MSG_HELLO};
    struct incoming in = {.from = from, .peer = "192.0.2.1"};
    struct buf frame;

    hello.as.hello.version_min = MESSAGE_VERSION_MIN;
    hello.as.hello.version_max = MESSAGE_VERSION_MAX;
    hello.as.hello.gen.counter = 1;
    name_of(hello.as.hello.participant, claimed);
    key_of(in.curve, n);
    buf_init(&frame, MESSAGE_MAX_UP);
    assert_int_equal(message_encode(&frame, &hello), OK);
    in.frame = bytes_of(frame.data, frame.len);
    meeting_frame(g, &in);
    buf_fini(&frame);
}

static void greet_as(struct gateway *g, uint32_t routing, unsigned n, unsigned claimed)
{
    greet_from(g, (struct route){0, routing}, n, claimed);
}

static void greet(struct gateway *g, uint32_t routing, unsigned n)
{
    greet_as(g, routing, n, n);
}

/* ---- the allowlist, asked anew for every message ---- */

static void a_key_is_found_among_many_and_no_other(void **state)
{
    struct gateway *g = new_gateway();
    uint8_t key[KEY_BYTES];
    char name[ID_MAX + 1];

    (void)state;
    for (unsigned n = 0; n < 1000; n++)
        allow(g, n);
    for (unsigned n = 0; n < 1000; n++) {
        key_of(key, n);
        name_of(name, n);
        assert_non_null(allow_find(&g->allowed, key));
        assert_string_equal(allow_find(&g->allowed, key)->participant, name);
        key[n % KEY_BYTES] ^= 1;
        assert_null(allow_find(&g->allowed, key));
    }
    free_gateway(g);
}

static void a_user_id_is_a_key_in_hex_and_nothing_else(void **state)
{
    static const char good[] = "00ff102030405060708090a0b0c0d0e0f0112233445566778899aabbccddeeff";
    uint8_t key[KEY_BYTES];
    char bad[sizeof(good) + 1];

    (void)state;
    assert_true(zap_key_of_user(key, good));
    assert_int_equal(key[0], 0);
    assert_int_equal(key[1], 0xff);
    assert_int_equal(key[KEY_BYTES - 1], 0xff);
    assert_false(zap_key_of_user(key, ""));
    assert_false(zap_key_of_user(key, good + 1));
    (void)snprintf(bad, sizeof(bad), "%s0", good);
    assert_false(zap_key_of_user(key, bad));
    (void)snprintf(bad, sizeof(bad), "%s", good);
    bad[7] = 'G';
    assert_false(zap_key_of_user(key, bad));
}

static void a_key_taken_off_the_list_is_heard_no_more_on_its_old_connection(void **state)
{
    struct gateway *g = new_gateway();

    (void)state;
    allow(g, 1);
    allow(g, 2);
    greet(g, 11, 1);
    greet(g, 12, 2);
    assert_int_equal(g->meeting_count, 2);
    g->allowed.count = 0; /* the core sends a new list */
    allow(g, 2);
    greet(g, 11, 1);
    assert_int_equal(g->revoked, 1);
    assert_int_equal(g->meeting_count, 1);
    assert_string_equal(g->meetings[0]->participant, "school-2");
    assert_false(g->stopping);
    free_gateway(g);
}

/* What libzmq asks about a connection of school `n`. */
static void knock(void *zap, unsigned n)
{
    static const char *const head[] = {"", "1.0", "1", ZAP_SCHOOLS, "192.0.2.1", "id", "CURVE"};
    uint8_t key[KEY_BYTES];

    key_of(key, n);
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        assert_true(zmq_send(zap, head[i], strlen(head[i]), ZMQ_SNDMORE) >= 0);
    assert_int_equal(zmq_send(zap, key, sizeof(key), 0), KEY_BYTES);
}

static void assert_answer(void *zap, const char *expected)
{
    char frames[7][80] = {""};
    size_t more_size = sizeof(int);
    int more = 1;
    unsigned count = 0;

    for (; more != 0 && count < 7; count++) {
        assert_true(zmq_recv(zap, frames[count], sizeof(frames[count]) - 1, 0) >= 0);
        assert_int_equal(zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &more_size), 0);
    }
    assert_int_equal(count, 7);
    assert_string_equal(frames[3], expected);
}

static void say_allowed(struct ipc_link *core, uint64_t serial, unsigned n)
{
    struct ipc_packet p = {.type = IPC_ALLOW};

    p.as.allow.serial = serial;
    key_of(p.as.allow.curve, n);
    name_of(p.as.allow.participant, n);
    assert_int_equal(ipc_link_send(core, &p), OK);
    p = (struct ipc_packet){.type = IPC_ALLOW_END, .as.serial = serial};
    assert_int_equal(ipc_link_send(core, &p), OK);
}

/* An operator's command has ended, the core's list is on its way, and the school it is about is quicker. */
static void who_knocks_is_judged_by_what_the_core_had_said_before(void **state)
{
    struct gateway *g = new_gateway();
    struct ipc_link *core;
    void *school;
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(ipc_link_new(&g->core, fds[0]), OK);
    assert_int_equal(ipc_link_new(&core, fds[1]), OK);
    assert_non_null(g->ctx = zmq_ctx_new());
    assert_int_equal(zap_open(g), OK);
    assert_non_null(school = zmq_socket(g->ctx, ZMQ_DEALER));
    assert_int_equal(zmq_connect(school, "inproc://zeromq.zap.01"), 0);
    g->is_listening = true;
    say_allowed(core, 1, 1);
    knock(school, 1);
    zap_serve(g);
    assert_answer(school, "200");
    say_allowed(core, 2, 2); /* the first one is not on it any more */
    knock(school, 1);
    knock(school, 2);
    zap_serve(g);
    assert_answer(school, "400");
    assert_answer(school, "200");
    ipc_link_free(core); /* an end of the core is no reason to fall */
    knock(school, 2);
    zap_serve(g);
    assert_answer(school, "200");
    assert_null(g->core);
    assert_int_equal(zmq_close(school), 0);
    assert_int_equal(zmq_close(g->zap), 0);
    assert_int_equal(zmq_ctx_term(g->ctx), 0);
    free_gateway(g);
}

static uint16_t next_handshake(void *monitor)
{
    uint16_t event;

    do {
        zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};

        assert_int_equal(zmq_poll(&item, 1, 10000), 1);
        event = frame_event(monitor);
    } while ((event & (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)) == 0);
    return event;
}

/* By itself libzmq lets everybody in when nobody answers at the door (invariant 6). */
static void without_its_doorkeeper_the_gateway_lets_nobody_in(void **state)
{
    struct gateway *g = new_gateway();
    struct ipc_listener *l = &g->limits.listeners[0];
    const int no = -1;
    char endpoint[256];
    size_t size = sizeof(endpoint);
    struct key *own = NULL;
    void *school;

    (void)state;
    assert_int_equal(keys_start(), OK);
    assert_non_null(g->ctx = zmq_ctx_new());
    assert_int_equal(key_generate(&own, KEY_CURVE), OK);
    assert_int_equal(key_generate(&g->keys[0].key, KEY_CURVE), OK);
    g->key_count = g->limits.listener_count = 1;
    (void)snprintf(g->keys[0].name, sizeof(g->keys[0].name), "curve.key");
    (void)snprintf(l->key, sizeof(l->key), "curve.key");
    (void)snprintf(l->url, sizeof(l->url), "tcp://127.0.0.1:*");
    memcpy(l->curve, key_public(g->keys[0].key), KEY_BYTES);
    l->kind = LISTENER_SCHOOLS;
    assert_int_equal(sockets_open(g), OK);
    while (frame_event(g->sockets[0].monitor) != 0)
        ;                                                              /* the self-test's */
    assert_int_equal(zmq_unbind(g->zap, "inproc://zeromq.zap.01"), 0); /* at once, as closing is not */
    assert_int_equal(zmq_getsockopt(g->sockets[0].router, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    assert_non_null(school = zmq_socket(g->ctx, ZMQ_DEALER));
    assert_int_equal(zmq_setsockopt(school, ZMQ_CURVE_SERVERKEY, l->curve, KEY_BYTES), 0);
    assert_int_equal(zmq_setsockopt(school, ZMQ_CURVE_PUBLICKEY, key_public(own), KEY_BYTES), 0);
    assert_int_equal(zmq_setsockopt(school, ZMQ_CURVE_SECRETKEY, key_secret(own), KEY_BYTES), 0);
    assert_int_equal(zmq_setsockopt(school, ZMQ_RECONNECT_IVL, &no, sizeof(no)), 0);
    assert_int_equal(zmq_connect(school, endpoint), 0);
    assert_int_equal(next_handshake(g->sockets[0].monitor), ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    assert_int_equal(zmq_close(school) + zmq_close(g->zap), 0);
    sockets_close(g);
    assert_int_equal(zmq_ctx_term(g->ctx), 0);
    key_free(own);
    free_gateway(g);
}

/* libzmq cannot drop one peer; ending the process, which is started again, drops them all. */
/* Each ROUTER numbers its connections by itself. */
static void the_same_number_at_two_sockets_is_two_connections(void **state)
{
    struct gateway *g = new_gateway();
    char name[ID_MAX + 1];

    (void)state;
    allow(g, 1);
    allow(g, 2);
    greet_from(g, (struct route){0, 11}, 1, 1);
    greet_from(g, (struct route){1, 11}, 2, 2);
    assert_int_equal(g->meeting_count, 2);
    assert_true(g->meetings[0]->connection != g->meetings[1]->connection);
    for (unsigned n = 1; n <= 2; n++) {
        name_of(name, n);
        assert_string_equal(g->meetings[n - 1]->participant, name);
        assert_int_equal(g->meetings[n - 1]->route.socket, n - 1);
    }
    greet_from(g, (struct route){1, 11}, 1, 1); /* another key under the number of the second */
    assert_int_equal(g->meeting_count, 1);
    assert_int_equal(g->meetings[0]->route.socket, 1);
    free_gateway(g);
}

static void keys_off_the_list_that_go_on_talking_end_the_process(void **state)
{
    struct gateway *g = new_gateway();

    (void)state;
    for (unsigned i = 1; i < REVOKED_PATIENCE; i++)
        greet(g, 11, 1);
    assert_false(g->stopping);
    greet(g, 11, 1);
    assert_true(g->stopping);
    assert_int_equal(g->failed, ERR_DENIED);
    assert_int_equal(g->meeting_count, 0);
    free_gateway(g);
}

static void nobody_speaks_for_another(void **state)
{
    struct gateway *g = new_gateway();

    (void)state;
    allow(g, 1);
    allow(g, 2);
    greet_as(g, 11, 1, 2);
    assert_int_equal(g->meeting_count, 0);
    greet(g, 11, 1);
    assert_int_equal(g->meeting_count, 1);
    greet(g, 11, 2); /* the number of a connection says nothing: the key does */
    assert_int_equal(g->meeting_count, 1);
    assert_string_equal(g->meetings[0]->participant, "school-2");
    free_gateway(g);
}

/* ---- admission ---- */

/* Whom to let in and when is admission.h; here: it is asked, it hears when meetings end, and its word counts. */
static void who_finds_no_slot_is_promised_one_and_goes_first_when_it_is_free(void **state)
{
    struct gateway *g = new_gateway();

    (void)state;
    g->limits.slots = 2;
    for (unsigned n = 0; n < 5; n++)
        allow(g, n);
    for (unsigned n = 0; n < 4; n++)
        greet(g, n, n);
    assert_int_equal(g->meeting_count, 2);
    assert_int_equal(g->admission.count, 2);
    meeting_end(g, g->meetings[0]);
    assert_true(g->admission.average_us < 5000000); /* a short one was seen */
    for (size_t i = 0; i < 2; i++)
        g->admission.promises[i].at_ms = 0;
    greet(g, 4, 4);
    assert_int_equal(g->meeting_count, 1);
    greet(g, 5, 3);
    assert_int_equal(g->meeting_count, 2);
    assert_string_equal(g->meetings[1]->participant, "school-3");
    g->has_core = false;
    meeting_end_all(g); /* those that were in a meeting are promised one after it */
    assert_int_equal(g->admission.count, 4);
    free_gateway(g);
}

/* Whose moment has come while all slots are taken for long: the longest meeting beyond its turn makes room, no other,
 * and goes on when a moment of its own has come (fairness; invariant 8). */
static void a_promise_is_kept_by_who_has_been_here_beyond_its_turn(void **state)
{
    struct gateway *g = new_gateway();
    const int64_t began = 1000000;

    (void)state;
    g->limits.slots = 2;
    for (unsigned n = 0; n < 5; n++)
        allow(g, n);
    clock_test_set_mono(began);
    greet(g, 0, 0);
    clock_test_set_mono(began + 1000);
    greet(g, 1, 1);
    greet(g, 2, 2); /* is promised a moment ... */
    clock_test_set_mono(began + TURN_MS);
    greet(g, 2, 2); /* ... and both have their turn still */
    assert_int_equal(g->meeting_count, 2);
    clock_test_set_mono(began + TURN_MS + 900000);
    greet(g, 3, 3); /* nothing was promised to this one yet */
    assert_int_equal(g->meeting_count, 2);
    for (size_t i = 0; i < g->admission.count; i++)
        g->admission.promises[i].at_ms = 0;
    greet(g, 3, 3);
    assert_int_equal(g->meeting_count, 2);
    assert_string_equal(g->meetings[0]->participant, "school-1"); /* school-0 was here longer */
    assert_string_equal(g->meetings[1]->participant, "school-3");
    greet(g, 0, 0); /* it was told when to come back */
    assert_int_equal(g->meeting_count, 2);
    for (size_t i = 0; i < g->admission.count; i++)
        g->admission.promises[i].at_ms = 0;
    greet(g, 0, 0);
    assert_string_equal(g->meetings[0]->participant, "school-3");
    assert_string_equal(g->meetings[1]->participant, "school-0");
    for (size_t i = 0; i < g->admission.count; i++)
        g->admission.promises[i].at_ms = 0;
    greet(g, 1, 1); /* both have just come */
    assert_string_equal(g->meetings[0]->participant, "school-3");
    free_gateway(g);
    clock_test_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_among_many_and_no_other),
        cmocka_unit_test(a_user_id_is_a_key_in_hex_and_nothing_else),
        cmocka_unit_test(a_key_taken_off_the_list_is_heard_no_more_on_its_old_connection),
        cmocka_unit_test(who_knocks_is_judged_by_what_the_core_had_said_before),
        cmocka_unit_test(without_its_doorkeeper_the_gateway_lets_nobody_in),
        cmocka_unit_test(the_same_number_at_two_sockets_is_two_connections),
        cmocka_unit_test(keys_off_the_list_that_go_on_talking_end_the_process),
        cmocka_unit_test(nobody_speaks_for_another),
        cmocka_unit_test(who_finds_no_slot_is_promised_one_and_goes_first_when_it_is_free),
        cmocka_unit_test(a_promise_is_kept_by_who_has_been_here_beyond_its_turn),
    };

    if (keys_start() != OK)
        return 1;
    log_init("test", LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
