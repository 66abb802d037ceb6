#include "hub/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t some_bytes[] = "some bytes of a frame";

static struct ipc_packet limits_packet(void)
{
    struct ipc_packet p = {.type = IPC_LIMITS};

    memset(p.as.limits.district, 0xd1, sizeof(p.as.limits.district));
    p.as.limits.slots = 100;
    p.as.limits.credit = CREDIT_MAX;
    p.as.limits.chunk = CHUNK_MAX;
    p.as.limits.turn_ms = 600000;
    p.as.limits.spool_max = UINT64_C(1) << 40;
    p.as.limits.spool_days = 14;
    p.as.limits.disk_reserve = 128 << 20;
    p.as.limits.log_refused = 100;
    p.as.limits.listener_count = 2;
    memcpy(p.as.limits.listeners[0].url, "tcp://*:4000", 13);
    memcpy(p.as.limits.listeners[0].key, "curve.key", 10);
    memset(p.as.limits.listeners[0].curve, 0xc1, KEY_BYTES);
    memset(p.as.limits.listeners[1].url, 'u', ENDPOINT_MAX);
    memset(p.as.limits.listeners[1].key, 'k', IPC_KEY_NAME);
    memset(p.as.limits.listeners[1].curve, 0xc2, KEY_BYTES);
    return p;
}

static struct ipc_packet allow_packet(void)
{
    struct ipc_packet p = {.type = IPC_ALLOW, .as.allow = {.serial = 7, .is_invitation = true, .participant = "gp"}};

    memset(p.as.allow.curve, 1, KEY_BYTES);
    memset(p.as.allow.sign, 2, KEY_BYTES);
    return p;
}

static struct ipc_packet frame_packet(enum ipc_type type)
{
    struct ipc_packet p = {.type = type, .as.frame = {.connection = UINT64_MAX, .peer = "10.0.0.1"}};

    memset(p.as.frame.curve, 3, KEY_BYTES);
    p.as.frame.bytes = bytes_of(some_bytes, sizeof(some_bytes));
    return p;
}

static struct ipc_packet spooled_packet(void)
{
    struct ipc_packet p = {.type = IPC_SPOOLED, .as.spooled = {.connection = 5, .length = BATCH_MAX_SEALED}};

    memset(p.as.spooled.digest, 9, DIGEST_BYTES);
    return p;
}

/* One of each. */
static size_t all_packets(struct ipc_packet out[10])
{
    struct ipc_packet reply = {.type = IPC_REPLY, .as.reply = {.connection = 1, .part = 2, .parts = 3}};
    struct ipc_packet status = {.type = IPC_STATUS, .as.status = {1, 2, 3, 4, 5}};

    reply.as.reply.frame = bytes_of(some_bytes, sizeof(some_bytes));
    out[0] = limits_packet();
    out[1] = allow_packet();
    out[2] = (struct ipc_packet){.type = IPC_ALLOW_END, .as.serial = 8};
    out[3] = reply;
    out[4] = frame_packet(IPC_MEETING);
    out[5] = frame_packet(IPC_BATCH);
    out[6] = spooled_packet();
    out[7] = (struct ipc_packet){.type = IPC_CLOSED, .as.connection = 6};
    out[8] = status;
    out[9] = (struct ipc_packet){.type = IPC_KEY, .as.key = {.name = "curve.key"}};
    memset(out[9].as.key.secret, 0x5e, KEY_BYTES);
    return 10;
}

static void assert_packets_equal(const struct ipc_packet *a, const struct ipc_packet *b)
{
    struct buf x;
    struct buf y;

    buf_init(&x, IPC_MAX_PACKET);
    buf_init(&y, IPC_MAX_PACKET);
    assert_int_equal(ipc_encode(&x, a), OK);
    assert_int_equal(ipc_encode(&y, b), OK);
    assert_int_equal(a->type, b->type);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_fini(&x);
    buf_fini(&y);
}

/* ---- packets ---- */

static void every_packet_comes_back_as_it_went(void **state)
{
    struct ipc_packet all[10];
    size_t count = all_packets(all);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct ipc_packet back;
        struct buf b;

        buf_init(&b, IPC_MAX_PACKET);
        assert_int_equal(ipc_encode(&b, &all[i]), OK);
        assert_int_equal(ipc_decode(&back, bytes_of(b.data, b.len)), OK);
        assert_packets_equal(&all[i], &back);
        buf_fini(&b);
    }
}

static void a_packet_that_is_cut_or_too_long_is_refused(void **state)
{
    struct ipc_packet all[10];
    size_t count = all_packets(all);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct ipc_packet back;
        struct buf b;

        buf_init(&b, IPC_MAX_PACKET);
        assert_int_equal(ipc_encode(&b, &all[i]), OK);
        for (size_t len = 0; len < b.len; len++)
            assert_int_equal(ipc_decode(&back, bytes_of(b.data, len)), ERR_MALFORMED);
        buf_put_u8(&b, 0);
        assert_int_equal(ipc_decode(&back, bytes_of(b.data, b.len)), ERR_MALFORMED);
        buf_fini(&b);
    }
}

static void unknown_types_and_values_beyond_their_bounds_are_refused(void **state)
{
    static const uint8_t unknown[] = {0x92, 0x09, 0x00};
    struct ipc_packet bad[] = {limits_packet(), spooled_packet(), {.type = IPC_REPLY},
                               limits_packet(), limits_packet(),  limits_packet()};
    struct ipc_packet back;

    (void)state;
    assert_int_equal(ipc_decode(&back, bytes_of(unknown, sizeof(unknown))), ERR_MALFORMED);
    bad[0].as.limits.credit = CREDIT_MAX + 1;
    bad[1].as.spooled.length = BATCH_MAX_SEALED + 1;
    bad[2].as.reply.part = 3; /* of three */
    bad[2].as.reply.parts = 3;
    memcpy(bad[3].as.limits.listeners[1].key, "../../key", 10); /* a key outside of keys/ */
    memcpy(bad[4].as.limits.listeners[1].key, "..", 3);
    bad[5].as.limits.listeners[1].kind = (enum listener_kind)(LISTENER_DOOR + 1);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct buf b;

        buf_init(&b, IPC_MAX_PACKET);
        assert_int_equal(ipc_encode(&b, &bad[i]), OK);
        assert_int_equal(ipc_decode(&back, bytes_of(b.data, b.len)), ERR_MALFORMED);
        buf_fini(&b);
    }
}

/* ---- links ---- */

struct pair {
    struct ipc_link *a, *b;
};

static void pair_open(struct pair *p)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(ipc_link_new(&p->a, fds[0]), OK);
    assert_int_equal(ipc_link_new(&p->b, fds[1]), OK);
    assert_int_equal(ipc_link_fd(p->a), fds[0]);
}

static void pair_close(struct pair *p)
{
    ipc_link_free(p->a);
    ipc_link_free(p->b);
}

static void packets_go_both_ways_in_order(void **state)
{
    struct ipc_packet all[10];
    size_t count = all_packets(all);
    struct ipc_packet in;
    struct pair p;

    (void)state;
    pair_open(&p);
    assert_int_equal(ipc_link_receive(p.b, &in), ERR_NOT_FOUND);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ipc_link_send(p.a, &all[i]), OK);
    assert_int_equal(ipc_link_send(p.b, &all[0]), OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ipc_link_receive(p.b, &in), OK);
        assert_packets_equal(&in, &all[i]);
    }
    assert_int_equal(ipc_link_receive(p.a, &in), OK);
    assert_int_equal(in.type, IPC_LIMITS);
    pair_close(&p);
}

/* Invariant 8: what a peer does not take is kept up to a bound, and arrives in order when it takes again. */
static void a_peer_that_takes_nothing_fills_the_queue_to_its_bound_and_no_further(void **state)
{
    struct ipc_packet out = frame_packet(IPC_MEETING);
    uint8_t *large = calloc(1, 100000);
    struct ipc_packet in;
    struct pair p;
    uint64_t sent = 0;
    enum err e = OK;

    (void)state;
    assert_non_null(large);
    pair_open(&p);
    out.as.frame.bytes = bytes_of(large, 100000);
    while (e == OK) {
        out.as.frame.connection = sent;
        if ((e = ipc_link_send(p.a, &out)) == OK)
            sent++;
        assert_true(sent < 1000);
    }
    assert_int_equal(e, ERR_FULL);
    assert_true(ipc_link_wants_write(p.a));
    assert_true(sent * 100000 >= IPC_MAX_QUEUED - 100100);
    for (uint64_t got = 0; got < sent; got++) {
        assert_int_equal(ipc_link_flush(p.a), OK);
        assert_int_equal(ipc_link_receive(p.b, &in), OK);
        assert_int_equal(in.as.frame.connection, got);
    }
    assert_int_equal(ipc_link_flush(p.a), OK);
    assert_false(ipc_link_wants_write(p.a));
    assert_int_equal(ipc_link_send(p.a, &out), OK);
    pair_close(&p);
    free(large);
}

static void a_peer_that_left_is_noticed_on_both_ways(void **state)
{
    struct ipc_packet out = frame_packet(IPC_MEETING);
    struct ipc_packet in;
    struct pair p;

    (void)state;
    pair_open(&p);
    ipc_link_free(p.b);
    p.b = NULL;
    assert_int_equal(ipc_link_receive(p.a, &in), ERR_NET);
    assert_int_equal(ipc_link_send(p.a, &out), ERR_NET);
    pair_close(&p);
}

static void a_packet_longer_than_the_bound_is_refused(void **state)
{
    uint8_t *large = calloc(1, IPC_MAX_PACKET + 10);
    int fds[2];
    struct ipc_link *l;
    struct ipc_packet in;
    int room = 1 << 20;

    (void)state;
    assert_non_null(large);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
    assert_int_equal(ipc_link_new(&l, fds[0]), OK);
    assert_int_equal(send(fds[1], large, IPC_MAX_PACKET + 10, 0), IPC_MAX_PACKET + 10);
    assert_int_equal(ipc_link_receive(l, &in), ERR_MALFORMED);
    assert_int_equal(send(fds[1], "noise", 5, 0), 5);
    assert_int_equal(ipc_link_receive(l, &in), ERR_MALFORMED);
    ipc_link_free(l);
    close(fds[1]);
    free(large);
}

/* A directory of the largest size reaches an agent in one frame, in parts between the processes. */
static void a_large_reply_travels_in_parts_and_is_whole_again(void **state)
{
    struct message *m = calloc(1, sizeof(*m));
    uint8_t *large = malloc(SIGNED_MAX);
    struct ipc_packet in;
    struct buf expected;
    struct buf whole;
    struct pair p;
    uint32_t parts = 1;

    (void)state;
    assert_non_null(m);
    assert_non_null(large);
    for (size_t i = 0; i < SIGNED_MAX; i++)
        large[i] = (uint8_t)(i * 7 + i / 1000);
    m->type = MSG_WELCOME;
    m->as.welcome.version = 1;
    m->as.welcome.go = WELCOME_LATER;
    m->as.welcome.later_seconds = 5;
    m->as.welcome.directory = bytes_of(large, SIGNED_MAX);
    buf_init(&expected, MESSAGE_MAX_DOWN);
    buf_init(&whole, MESSAGE_MAX_DOWN);
    assert_int_equal(message_encode(&expected, m), OK);
    pair_open(&p);
    assert_int_equal(ipc_link_reply(p.a, 42, m), OK);
    for (uint32_t i = 0; i < parts; i++) {
        assert_int_equal(ipc_link_flush(p.a), OK);
        assert_int_equal(ipc_link_receive(p.b, &in), OK);
        assert_int_equal(in.type, IPC_REPLY);
        assert_int_equal(in.as.reply.connection, 42);
        assert_int_equal(in.as.reply.part, i);
        parts = in.as.reply.parts;
        buf_put(&whole, in.as.reply.frame.p, in.as.reply.frame.len);
    }
    assert_int_equal(parts, (expected.len + IPC_PART - 1) / IPC_PART);
    assert_int_equal(whole.len, expected.len);
    assert_memory_equal(whole.data, expected.data, expected.len);
    pair_close(&p);
    buf_fini(&expected);
    buf_fini(&whole);
    free(large);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_comes_back_as_it_went),
        cmocka_unit_test(a_packet_that_is_cut_or_too_long_is_refused),
        cmocka_unit_test(unknown_types_and_values_beyond_their_bounds_are_refused),
        cmocka_unit_test(packets_go_both_ways_in_order),
        cmocka_unit_test(a_peer_that_takes_nothing_fills_the_queue_to_its_bound_and_no_further),
        cmocka_unit_test(a_peer_that_left_is_noticed_on_both_ways),
        cmocka_unit_test(a_packet_longer_than_the_bound_is_refused),
        cmocka_unit_test(a_large_reply_travels_in_parts_and_is_whole_again),
    };

    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
