/* A stranger: the wire, full knowledge of ZMTP and CURVE, and no key that the hub knows. */
#include "tests/fault/attack/attack.h"

#include <poll.h>
#include <pthread.h>
#include <sodium.h>

#define GREETING_BYTES 64u
#define HELLO_BYTES    200u
#define FLOOD          200u
#define KNOWN_LINE     "was refused: its key is not known"
#define GREETING_LINE  "was refused in its greeting"

/* ---- bare connections ---- */

int raw_connect(int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* The other side may have closed already: that is its right. */
void raw_send(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

bool raw_is_closed(int fd, int ms)
{
    int64_t until = clock_mono_ms() + ms;
    uint8_t bytes[512];

    while (clock_mono_ms() < until) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (poll(&p, 1, 100) <= 0)
            continue;
        n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return true;
    }
    return false;
}

static void send_and_expect_the_end(const void *bytes, size_t len)
{
    int fd = raw_connect(field.d.port);

    raw_send(fd, bytes, len);
    (void)shutdown(fd, SHUT_WR);
    assert_true(raw_is_closed(fd, WAIT_MS));
    close(fd);
}

static void greeting(uint8_t out[GREETING_BYTES], uint8_t major, const char *mechanism, bool as_server)
{
    memset(out, 0, GREETING_BYTES);
    out[0] = 0xff;
    out[8] = 1;
    out[9] = 0x7f;
    out[10] = major;
    memcpy(out + 12, mechanism, strlen(mechanism));
    out[32] = as_server ? 1 : 0;
}

/* A connection that has greeted properly. */
static int greeted(void)
{
    uint8_t g[GREETING_BYTES];
    int fd = raw_connect(field.d.port);

    greeting(g, 3, "CURVE", false);
    raw_send(fd, g, sizeof(g));
    return fd;
}

/* A command frame: its name, and `len` bytes. */
static void send_command(int fd, const char *name, const void *body, size_t len)
{
    uint8_t head[12];
    size_t name_len = strlen(name);
    size_t size = 1 + name_len + len;
    size_t n = 0;

    if (size < 256) {
        head[n++] = 0x04;
        head[n++] = (uint8_t)size;
    } else {
        head[n++] = 0x06;
        be64_put(head + n, size);
        n += 8;
    }
    head[n++] = (uint8_t)name_len;
    raw_send(fd, head, n);
    raw_send(fd, name, name_len);
    raw_send(fd, body, len);
}

static void expect_closed(int fd)
{
    assert_true(raw_is_closed(fd, WAIT_MS));
    close(fd);
}

/* ---- before the greeting is over ---- */

static void random_bytes_instead_of_a_greeting(void)
{
    uint8_t junk[65536];

    random_bytes(junk, sizeof(junk));
    junk[0] = 0x17;
    send_and_expect_the_end(junk, sizeof(junk));
}

static void a_web_browser_asks_for_a_page(void)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: hub\r\n\r\n";

    send_and_expect_the_end(get, sizeof(get) - 1);
}

static void a_tls_client_hello(void)
{
    static const uint8_t hello[] = {0x16, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0};

    send_and_expect_the_end(hello, sizeof(hello));
}

static void half_a_greeting_and_then_nothing(void)
{
    uint8_t g[GREETING_BYTES];

    greeting(g, 3, "CURVE", false);
    send_and_expect_the_end(g, 20);
}

static void two_hundred_connections_that_never_speak(void)
{
    int fds[FLOOD];

    for (size_t i = 0; i < FLOOD; i++)
        fds[i] = raw_connect(field.d.port);
    for (size_t i = 0; i < FLOOD; i++)
        close(fds[i]);
}

static void a_greeting_byte_by_byte(void)
{
    uint8_t g[GREETING_BYTES];
    int fd = raw_connect(field.d.port);

    greeting(g, 3, "CURVE", false);
    for (size_t i = 0; i < sizeof(g); i++) {
        raw_send(fd, g + i, 1);
        clock_sleep_ms(2);
    }
    close(fd);
}

static void a_storm_of_resets(void)
{
    const struct linger now = {1, 0};

    for (size_t i = 0; i < FLOOD; i++) {
        int fd = raw_connect(field.d.port);

        raw_send(fd, "\xff\0\0\0\0\0\0\0\1\x7f\3", 11);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
        close(fd);
    }
}

static void the_mechanism_without_keys(void)
{
    uint8_t g[GREETING_BYTES];

    greeting(g, 3, "NULL", false);
    send_and_expect_the_end(g, sizeof(g));
}

static void the_mechanism_with_a_password(void)
{
    uint8_t g[GREETING_BYTES];

    greeting(g, 3, "PLAIN", false);
    send_and_expect_the_end(g, sizeof(g));
}

static void a_protocol_of_before_there_was_encryption(void)
{
    static const uint8_t v2[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 5, 0, 0};

    send_and_expect_the_end(v2, sizeof(v2));
}

static void the_oldest_protocol_of_all(void)
{
    static const uint8_t v1[] = {0x01, 0x00, 0x05, 0x00, 'h', 'e', 'l', 'o'};

    send_and_expect_the_end(v1, sizeof(v1));
}

static void somebody_who_says_to_be_the_server(void)
{
    uint8_t g[GREETING_BYTES];

    greeting(g, 3, "CURVE", true);
    send_and_expect_the_end(g, sizeof(g));
}

/* ---- in the handshake ---- */

static void a_frame_of_a_gibibyte_is_announced(void)
{
    uint8_t head[9] = {0x06};
    int fd = greeted();

    be64_put(head + 1, UINT64_C(1) << 30);
    raw_send(fd, head, sizeof(head));
    expect_closed(fd);
}

static void a_frame_of_more_bytes_than_there_are_numbers(void)
{
    uint8_t head[9] = {0x06, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    int fd = greeted();

    raw_send(fd, head, sizeof(head));
    expect_closed(fd);
}

static void a_message_before_the_handshake(void)
{
    static const uint8_t frame[] = {0x00, 5, 'h', 'e', 'l', 'l', 'o'};
    int fd = greeted();

    raw_send(fd, frame, sizeof(frame));
    expect_closed(fd);
}

static void a_hello_that_is_too_short(void)
{
    uint8_t body[20] = {1, 0};
    int fd = greeted();

    send_command(fd, "HELLO", body, sizeof(body));
    expect_closed(fd);
}

static void a_hello_that_is_too_long(void)
{
    uint8_t body[4000] = {1, 0};
    int fd = greeted();

    send_command(fd, "HELLO", body, sizeof(body));
    expect_closed(fd);
}

static void a_hello_of_another_version(void)
{
    uint8_t body[HELLO_BYTES - 6] = {2, 0};
    int fd = greeted();

    random_bytes(body + 74, sizeof(body) - 74);
    send_command(fd, "HELLO", body, sizeof(body));
    expect_closed(fd);
}

static void a_hello_whose_box_is_noise(void)
{
    uint8_t body[HELLO_BYTES - 6] = {1, 0};
    int fd = greeted();

    random_bytes(body + 74, sizeof(body) - 74);
    send_command(fd, "HELLO", body, sizeof(body));
    expect_closed(fd);
}

/* With the point zero the shared secret is known to everyone. */
static void a_hello_with_a_point_of_low_order(void)
{
    uint8_t body[HELLO_BYTES - 6] = {1, 0};
    uint8_t nonce[24] = "CurveZMQHELLO---";
    uint8_t zeros[64] = {0};
    uint8_t key[32] = {0};
    int fd = greeted();

    (void)crypto_core_hsalsa20(key, zeros, zeros, NULL); /* what a box with the shared secret zero uses */
    memset(body + 74, 0, 32);
    memset(body + 106, 0, 8);
    MUST(crypto_secretbox_easy(body + 114, zeros, sizeof(zeros), nonce, key) == 0 ? OK : ERR_INTERNAL);
    send_command(fd, "HELLO", body, sizeof(body));
    expect_closed(fd);
}

static void an_initiate_without_a_hello(void)
{
    uint8_t body[300];
    int fd = greeted();

    random_bytes(body, sizeof(body));
    send_command(fd, "INITIATE", body, sizeof(body));
    expect_closed(fd);
}

static void a_ready_of_the_unencrypted_protocol(void)
{
    static const uint8_t body[] = "\x0bSocket-Type\0\0\0\x06"
                                  "DEALER";
    int fd = greeted();

    send_command(fd, "READY", body, sizeof(body) - 1);
    expect_closed(fd);
}

static void an_error_instead_of_a_hello(void)
{
    static const uint8_t body[] = "\x03"
                                  "400";
    int fd = greeted();

    send_command(fd, "ERROR", body, sizeof(body) - 1);
    expect_closed(fd);
}

/* ---- a whole handshake with a key that nobody knows ---- */

static void silent_client(const struct key *k)
{
    struct message *m = hello_of(field.evil);
    struct client c;

    client_open(&c, &field.d, field.evil, k, NULL);
    client_send(&c, m);
    assert_false(client_receive(&c, 300));
    client_close(&c);
    free(m);
}

static void a_key_that_nobody_knows(void)
{
    struct key *k;

    MUST(key_generate(&k, KEY_CURVE));
    silent_client(k);
    key_free(k);
}

static void the_key_of_a_wrong_code(void)
{
    uint8_t print[FINGERPRINT_BYTES];
    struct key *k;

    fingerprint_bytes(print, field.evil->directory->root);
    MUST(invitation_curve(&k, "0000-0000-0000", print));
    silent_client(k);
    key_free(k);
}

static void a_flood_of_keys_that_nobody_knows(void)
{
    enum { CLIENTS = 40 };
    struct client c[CLIENTS];
    struct key *k[CLIENTS];
    struct message *m = hello_of(field.evil);

    for (size_t i = 0; i < CLIENTS; i++) {
        MUST(key_generate(&k[i], KEY_CURVE));
        client_open(&c[i], &field.d, field.evil, k[i], NULL);
        client_send(&c[i], m);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_false(client_receive(&c[i], i == 0 ? 300 : 0));
        client_close(&c[i]);
        key_free(k[i]);
    }
    free(m);
}

/* ---- replay: everything that a school once said, byte for byte ---- */

struct tap {
    int listen, port;
    struct buf said; /* by the client */
    pthread_t thread;
};

static void *tap_run(void *arg)
{
    struct tap *t = arg;
    int client = accept(t->listen, NULL, NULL);
    int hub = raw_connect(field.d.port);
    uint8_t bytes[8192];

    while (client >= 0) {
        struct pollfd p[2] = {{client, POLLIN, 0}, {hub, POLLIN, 0}};
        ssize_t n;

        if (poll(p, 2, WAIT_MS) <= 0)
            break;
        if (p[0].revents != 0) {
            if ((n = recv(client, bytes, sizeof(bytes), 0)) <= 0)
                break;
            buf_put(&t->said, bytes, (size_t)n);
            raw_send(hub, bytes, (size_t)n);
        }
        if (p[1].revents != 0) {
            if ((n = recv(hub, bytes, sizeof(bytes), 0)) <= 0)
                break;
            raw_send(client, bytes, (size_t)n);
        }
    }
    close(client);
    close(hub);
    return NULL;
}

/* Records a meeting of the school `ms` that goes well. */
static void record_a_meeting(struct tap *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct district through = field.d;
    struct client c;
    socklen_t len = sizeof(a);

    buf_init(&t->said, 1u << 20);
    t->listen = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(t->listen >= 0);
    assert_int_equal(bind(t->listen, (const struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(t->listen, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(listen(t->listen, 4), 0);
    assert_int_equal(pthread_create(&t->thread, NULL, tap_run, t), 0);
    through.port = ntohs(a.sin_port);
    client_open(&c, &through, field.victim, field.victim->curve, NULL);
    client_greet(&c, field.victim);
    client_send(&c, &(struct message){.type = MSG_BYE});
    client_expect(&c, MSG_BYE);
    client_close(&c);
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    close(t->listen);
    assert_true(t->said.len > GREETING_BYTES + HELLO_BYTES);
}

static void replay_from(size_t at)
{
    struct tap t;
    int fd;

    record_a_meeting(&t);
    fd = raw_connect(field.d.port);
    raw_send(fd, t.said.data + at, t.said.len - at);
    (void)shutdown(fd, SHUT_WR);
    expect_closed(fd);
    buf_fini(&t.said);
}

static void a_whole_recorded_connection_again(void)
{
    replay_from(0);
}

static void a_recorded_connection_without_its_greeting(void)
{
    replay_from(GREETING_BYTES);
}

static void a_recorded_connection_cut_in_the_middle(void)
{
    replay_from(GREETING_BYTES + HELLO_BYTES + 2);
}

const struct attack stranger_attacks[] = {
    {"stranger: random bytes instead of a greeting", NULL, random_bytes_instead_of_a_greeting}, /* only cut off */
    {"stranger: a web browser asks for a page", NULL, a_web_browser_asks_for_a_page},
    {"stranger: a TLS client hello", NULL, a_tls_client_hello},
    {"stranger: half a greeting and then nothing", GREETING_LINE, half_a_greeting_and_then_nothing},
    {"stranger: two hundred connections that never speak", GREETING_LINE, two_hundred_connections_that_never_speak},
    {"stranger: a greeting byte by byte", GREETING_LINE, a_greeting_byte_by_byte},
    {"stranger: a storm of resets", GREETING_LINE, a_storm_of_resets},
    {"stranger: the mechanism without keys", GREETING_LINE, the_mechanism_without_keys},
    {"stranger: the mechanism with a password", GREETING_LINE, the_mechanism_with_a_password},
    {"stranger: a protocol of before there was encryption", NULL, a_protocol_of_before_there_was_encryption},
    {"stranger: the oldest protocol of all", NULL, the_oldest_protocol_of_all},
    {"stranger: somebody who says to be the server", GREETING_LINE, somebody_who_says_to_be_the_server},
    {"stranger: a frame of a gibibyte is announced", NULL, a_frame_of_a_gibibyte_is_announced},
    {"stranger: a frame of more bytes than there are numbers", NULL, a_frame_of_more_bytes_than_there_are_numbers},
    {"stranger: a message before the handshake", GREETING_LINE, a_message_before_the_handshake},
    {"stranger: a hello that is too short", GREETING_LINE, a_hello_that_is_too_short},
    {"stranger: a hello that is too long", GREETING_LINE, a_hello_that_is_too_long},
    {"stranger: a hello of another version", GREETING_LINE, a_hello_of_another_version},
    {"stranger: a hello whose box is noise", GREETING_LINE, a_hello_whose_box_is_noise},
    {"stranger: a hello with a point of low order", GREETING_LINE, a_hello_with_a_point_of_low_order},
    {"stranger: an initiate without a hello", GREETING_LINE, an_initiate_without_a_hello},
    {"stranger: a ready of the unencrypted protocol", GREETING_LINE, a_ready_of_the_unencrypted_protocol},
    {"stranger: an error instead of a hello", GREETING_LINE, an_error_instead_of_a_hello},
    {"stranger: a key that nobody knows", KNOWN_LINE, a_key_that_nobody_knows},
    {"stranger: the key of a wrong code", KNOWN_LINE, the_key_of_a_wrong_code},
    {"stranger: a flood of keys that nobody knows", KNOWN_LINE, a_flood_of_keys_that_nobody_knows},
    {"stranger: a whole recorded connection again", GREETING_LINE, a_whole_recorded_connection_again},
    {"stranger: a recorded connection without its greeting", NULL, a_recorded_connection_without_its_greeting},
    {"stranger: a recorded connection cut in the middle", NULL, a_recorded_connection_cut_in_the_middle},
    {NULL, NULL, NULL}};
