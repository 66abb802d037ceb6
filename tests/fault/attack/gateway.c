/* Whoever has taken over the hub's network process: its memory, its disk, and its socket to the core.  He sees who
 * talks and when, and can be silent; he can neither read, nor forge, nor count anything. */
#include "tests/fault/attack/attack.h"

#include "hub/ipc.h"

#include <dirent.h>
#include <poll.h>

/* In the place of the gateway: the core takes the newest one. */
static struct ipc_link *intrude(void)
{
    struct ipc_link *l = NULL;
    int fd;

    MUST(local_connect(field.d.home, "core.sock", &fd));
    MUST(ipc_link_new(&l, fd));
    return l;
}

/* The next packet of this type; false: the core has closed the link, or says nothing. */
static bool next_packet(struct ipc_link *l, struct ipc_packet *p, enum ipc_type type)
{
    int64_t until = clock_mono_ms() + WAIT_MS;

    while (clock_mono_ms() < until) {
        struct pollfd f = {.fd = ipc_link_fd(l), .events = POLLIN};
        enum err e = ipc_link_receive(l, p);

        if (e == OK && p->type == type)
            return true;
        if (e != OK && e != ERR_NOT_FOUND)
            return false;
        if (e == ERR_NOT_FOUND)
            (void)poll(&f, 1, 100);
    }
    return false;
}

static void send_frame(struct ipc_link *l, enum ipc_type type, const uint8_t curve[KEY_BYTES], struct bytes bytes)
{
    struct ipc_packet p = {.type = type};

    p.as.frame.connection = 77;
    memcpy(p.as.frame.curve, curve, KEY_BYTES);
    (void)snprintf(p.as.frame.peer, sizeof(p.as.frame.peer), "127.0.0.1");
    p.as.frame.bytes = bytes;
    MUST(ipc_link_send(l, &p));
}

/* The core's answer to the false gateway. */
static void expect_answer(struct ipc_link *l, struct message *m)
{
    static struct ipc_packet p;
    static struct buf frame;

    assert_true(next_packet(l, &p, IPC_REPLY));
    assert_int_equal(p.as.reply.parts, 1);
    buf_init(&frame, MESSAGE_MAX_DOWN);
    buf_reset(&frame);
    buf_put(&frame, p.as.reply.frame.p, p.as.reply.frame.len);
    MUST(message_decode(m, bytes_of(frame.data, frame.len)));
}

static void batch_expecting(const uint8_t curve[KEY_BYTES], struct bytes batch, enum message_error code)
{
    static struct message m;
    struct ipc_link *l = intrude();

    send_frame(l, IPC_BATCH, curve, batch);
    expect_answer(l, &m);
    assert_int_equal(m.type, MSG_ERROR);
    assert_int_equal(m.as.error.code, code);
    ipc_link_free(l);
}

static void a_batch_of_the_victim_with_one_bit_changed(void)
{
    struct sealed s;

    sealed_load(&s, field.victim, 1);
    s.bytes.data[s.bytes.len / 2] ^= 1;
    batch_expecting(key_public(field.victim->curve), bytes_of(s.bytes.data, s.bytes.len), MERR_SIGNATURE);
    sealed_free(&s);
}

static void a_batch_of_evil_in_the_victims_name(void)
{
    struct forgery f;
    struct sealed s;

    forge_init(&f);
    forge_seal(&f, &s);
    batch_expecting(key_public(field.victim->curve), bytes_of(s.bytes.data, s.bytes.len), MERR_UNKNOWN);
    sealed_free(&s);
    forge_fini(&f);
}

/* A batch that the core has already, over and over: the same receipt, and nothing twice. */
static void a_batch_of_the_victim_again(void)
{
    static struct message m;
    struct ipc_link *l = intrude();
    struct sealed s;

    sealed_load(&s, field.victim, 1);
    for (int i = 0; i < 5; i++) {
        send_frame(l, IPC_BATCH, key_public(field.victim->curve), bytes_of(s.bytes.data, s.bytes.len));
        expect_answer(l, &m);
        assert_int_equal(m.type, MSG_RECEIPT);
    }
    sealed_free(&s);
    ipc_link_free(l);
}

static void a_key_that_no_school_has(void)
{
    uint8_t curve[KEY_BYTES];
    struct sealed s;

    random_bytes(curve, sizeof(curve));
    sealed_load(&s, field.victim, 1);
    batch_expecting(curve, bytes_of(s.bytes.data, s.bytes.len), MERR_UNKNOWN);
    sealed_free(&s);
}

static void a_batch_of_noise(void)
{
    uint8_t noise[3000];

    random_bytes(noise, sizeof(noise));
    batch_expecting(key_public(field.victim->curve), bytes_of(noise, sizeof(noise)), MERR_MALFORMED);
}

static void spooled_expecting(const char *name, const void *bytes, size_t len, const uint8_t digest_of[DIGEST_BYTES],
                              enum message_error code)
{
    static struct message m;
    struct ipc_packet p = {.type = IPC_SPOOLED};
    struct ipc_link *l;
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/spool/%s", field.d.home, name);
    (void)unlink(path);
    if (bytes != NULL) {
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, len, f), len);
        assert_int_equal(fclose(f), 0);
    } else {
        assert_int_equal(symlink("../keys/sign.key", path), 0);
    }
    p.as.spooled.connection = 77;
    memcpy(p.as.spooled.curve, key_public(field.victim->curve), KEY_BYTES);
    memcpy(p.as.spooled.digest, digest_of, DIGEST_BYTES);
    p.as.spooled.length = (uint32_t)len;
    l = intrude();
    MUST(ipc_link_send(l, &p));
    expect_answer(l, &m);
    assert_int_equal(m.type, MSG_ERROR);
    assert_int_equal(m.as.error.code, code);
    ipc_link_free(l);
    (void)unlink(path);
}

static void hex_of(char out[65], const uint8_t bytes[DIGEST_BYTES])
{
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void a_spooled_batch_with_one_bit_changed(void)
{
    struct sealed s;
    char name[65];

    sealed_load(&s, field.victim, 1);
    s.bytes.data[s.bytes.len - 70] ^= 1;
    hex_of(name, s.digest);
    spooled_expecting(name, s.bytes.data, s.bytes.len, s.digest, MERR_SIGNATURE);
    sealed_free(&s);
}

static void a_spool_file_that_is_a_link_to_a_key(void)
{
    uint8_t digest_of[DIGEST_BYTES];
    char name[65];

    random_bytes(digest_of, sizeof(digest_of));
    hex_of(name, digest_of);
    spooled_expecting(name, NULL, 200, digest_of, MERR_BUSY);
}

static void a_spool_file_that_is_not_there(void)
{
    static struct message m;
    struct ipc_packet p = {.type = IPC_SPOOLED};
    struct ipc_link *l = intrude();

    memcpy(p.as.spooled.curve, key_public(field.victim->curve), KEY_BYTES);
    random_bytes(p.as.spooled.digest, DIGEST_BYTES);
    p.as.spooled.length = 5000;
    MUST(ipc_link_send(l, &p));
    expect_answer(l, &m);
    assert_int_equal(m.type, MSG_ERROR);
    assert_int_equal(m.as.error.code, MERR_BUSY);
    ipc_link_free(l);
}

static void raw_packet(const void *bytes, size_t len)
{
    int fd;
    uint8_t in[64];
    int64_t until = clock_mono_ms() + WAIT_MS;

    MUST(local_connect(field.d.home, "core.sock", &fd));
    assert_true(send(fd, bytes, len, MSG_NOSIGNAL) >= 0);
    for (;;) { /* the core's own packets first, then the end */
        ssize_t n = recv(fd, in, sizeof(in), MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno == ECONNRESET))
            break;
        assert_true(clock_mono_ms() < until);
        if (n < 0)
            clock_sleep_ms(5);
    }
    close(fd);
}

static void a_packet_of_noise(void)
{
    uint8_t noise[2000];

    random_bytes(noise, sizeof(noise));
    noise[0] = 0xc1;
    raw_packet(noise, sizeof(noise));
}

static void a_packet_that_promises_gibibytes(void)
{
    raw_packet("\xdd\xff\xff\xff\xff", 5);
}

/* What only the core may say: an allowlist of one's own. */
static void an_allowlist_of_ones_own(void)
{
    struct ipc_packet p = {.type = IPC_ALLOW};
    struct ipc_link *l = intrude();
    struct ipc_packet *in = malloc(sizeof(*in));

    assert_non_null(in);
    p.as.allow.serial = 99;
    (void)snprintf(p.as.allow.participant, sizeof(p.as.allow.participant), "xx");
    MUST(ipc_link_send(l, &p));
    assert_false(next_packet(l, in, IPC_REPLY));
    free(in);
    ipc_link_free(l);
}

/* Nothing in the gateway's files opens a batch or signs: its one secret is the transport's. */
static void its_key_opens_no_batch(void)
{
    struct batch_header h;
    struct section_keys keys;
    struct batch_plain *plain = NULL;
    struct key *curve, *as_seal;
    struct sealed s;
    char path[256];
    enum err e;

    (void)snprintf(path, sizeof(path), "%s/keys/curve.key", field.d.home);
    MUST(key_read(&curve, path, KEY_CURVE));
    MUST(key_from_seed(&as_seal, KEY_SEAL, key_secret(curve)));
    sealed_load(&s, field.victim, 1);
    MUST(batch_parse(&h, bytes_of(s.bytes.data, s.bytes.len)));
    e = batch_section_keys(&keys, &h, bytes_of(s.bytes.data, s.bytes.len), as_seal);
    if (e == OK)
        e = batch_open(&plain, &h, bytes_of(s.bytes.data, s.bytes.len), &keys, ~0u);
    assert_int_not_equal(e, OK);
    assert_null(plain);
    batch_header_fini(&h);
    sealed_free(&s);
    key_free(curve);
    key_free(as_seal);
}

/* It can take the socket, and the true one takes it back: schools see "busy", and come again. */
static void the_socket_taken_again_and_again(void)
{
    for (int i = 0; i < 10; i++) {
        struct ipc_link *l = intrude();

        clock_sleep_ms(5);
        ipc_link_free(l);
    }
}

const struct attack gateway_attacks[] = {
    {"gateway: a batch of a school with one bit changed", "a batch of ms refused",
     a_batch_of_the_victim_with_one_bit_changed},
    {"gateway: a batch of one school in another's name", "a batch of ms refused", a_batch_of_evil_in_the_victims_name},
    {"gateway: a batch of a school again and again", NULL, a_batch_of_the_victim_again}, /* the stored receipt */
    {"gateway: a key that no school has", NULL, a_key_that_no_school_has},               /* an ordinary answer */
    {"gateway: a batch of noise", "a batch of ms refused", a_batch_of_noise},
    {"gateway: a spooled batch with one bit changed", "a batch of ms refused", a_spooled_batch_with_one_bit_changed},
    {"gateway: a spool file that is a link to a key", "intake: ", a_spool_file_that_is_a_link_to_a_key},
    {"gateway: a spool file that is not there", "the agent will send it again", a_spool_file_that_is_not_there},
    {"gateway: a packet of noise", "the gateway is away", a_packet_of_noise},
    {"gateway: a packet that promises gibibytes", "the gateway is away", a_packet_that_promises_gibibytes},
    {"gateway: an allowlist of one's own", "only the core may say", an_allowlist_of_ones_own},
    {"gateway: its key opens no batch", NULL, its_key_opens_no_batch},
    {"gateway: the socket taken again and again", "a new one came", the_socket_taken_again_and_again},
    {NULL, NULL, NULL}};
