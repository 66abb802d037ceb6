/* The gateway's meetings: connections, keys, messages, the core's answers and the allowlist's changes in any order, as
 * a script of bytes tells.  Whatever happens: no more meetings than slots, nobody is heard whose key is not allowed
 * now, and what is handed to the core is a whole batch, signed by the participant that the connection's key belongs to
 * (invariants 6 and 8). */
#include "common/folder.h"
#include "common/log.h"
#include "hub/gateway_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHOOLS     2u
#define KEYS        4u /* of the schools, an invitation, and one that nobody knows */
#define BATCHES     3u /* of each school */
#define VARIANTS    4u /* of each: as it was made, and with one bit changed in header, section or signature */
#define CONNECTIONS 6u
#define SLOTS       3u
#define STEPS_MAX   400u
#define SPOOL_LIMIT (64u << 10)

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        if ((call) != OK)                                                                                              \
            abort();                                                                                                   \
    } while (0)

static const char *const ids[KEYS] = {"a", "b", "c", "x"};

static struct world {
    struct key *sign[SCHOOLS], *curve[KEYS], *seal;
    struct buf batches[SCHOOLS][BATCHES], changed[SCHOOLS][BATCHES][VARIANTS];
    uint8_t digests[SCHOOLS][BATCHES][DIGEST_BYTES], changed_digests[SCHOOLS][BATCHES][VARIANTS][DIGEST_BYTES];
    char home[64];
    bool is_ready;
} world;

static struct gateway *gate;
static bool allowed[KEYS];
static uint32_t offsets[CONNECTIONS]; /* where an honest sender of the connection stands */

/* ---- what the gateway says goes nowhere, but is looked at ---- */

static unsigned key_index(const uint8_t curve[KEY_BYTES])
{
    for (unsigned i = 0; i < KEYS; i++)
        if (memcmp(key_public(world.curve[i]), curve, KEY_BYTES) == 0)
            return i;
    abort();
}

bool gateway_send_frame(struct gateway *g, struct route to, struct bytes frame)
{
    (void)g;
    if (to.number >= CONNECTIONS || frame.len > MESSAGE_MAX_DOWN)
        abort();
    return true;
}

bool gateway_send(struct gateway *g, struct route to, const struct message *m)
{
    struct buf b;

    buf_init(&b, MESSAGE_MAX_DOWN);
    MUST(message_encode(&b, m));
    if (m->type == MSG_ACK && m->as.ack.offset > BATCH_MAX_SEALED)
        abort();
    (void)gateway_send_frame(g, to, bytes_of(b.data, b.len));
    buf_fini(&b);
    return true;
}

static void check_batch(unsigned key, const uint8_t digest_of[DIGEST_BYTES], struct bytes bytes)
{
    if (key >= SCHOOLS)
        abort(); /* neither an invitation nor a stranger brings batches here: they have no signing key */
    for (unsigned i = 0; i < BATCHES; i++)
        if (memcmp(world.digests[key][i], digest_of, DIGEST_BYTES) == 0) {
            if (bytes.p != NULL &&
                (bytes.len != world.batches[key][i].len || memcmp(bytes.p, world.batches[key][i].data, bytes.len) != 0))
                abort();
            return;
        }
    abort();
}

bool gateway_tell_core(struct gateway *g, const struct ipc_packet *p)
{
    struct buf b;
    uint8_t real[DIGEST_BYTES];

    (void)g;
    buf_init(&b, IPC_MAX_PACKET);
    MUST(ipc_encode(&b, p));
    buf_fini(&b);
    if (p->type == IPC_MEETING || p->type == IPC_BATCH) {
        unsigned key = key_index(p->as.frame.curve);

        if (!allowed[key])
            abort();
        if (p->type == IPC_BATCH) {
            digest(real, p->as.frame.bytes);
            check_batch(key, real, p->as.frame.bytes);
        }
    } else if (p->type == IPC_SPOOLED) {
        unsigned key = key_index(p->as.spooled.curve);

        if (!allowed[key])
            abort();
        check_batch(key, p->as.spooled.digest, bytes_of(NULL, 0));
    }
    return true;
}

void gateway_read_core(struct gateway *g)
{
    (void)g;
    abort(); /* before somebody who knocks is judged; here nobody knocks */
}

/* ---- the world, once ---- */

static struct generation gen_of(unsigned school)
{
    struct generation g = {.counter = 1 + school, .tag = {1, 2, 3, (uint8_t)school}};

    return g;
}

/* What a forger would send: the digest is that of the changed bytes. */
static void make_variants(unsigned school, unsigned i)
{
    const struct buf *b = &world.batches[school][i];
    const size_t places[VARIANTS] = {0, b->len - SIGNATURE_BYTES - 2, b->len - 1, 60};

    for (unsigned v = 0; v < VARIANTS; v++) {
        struct buf *to = &world.changed[school][i][v];

        buf_init(to, BATCH_MAX_SEALED);
        buf_put(to, b->data, b->len);
        MUST(buf_status(to));
        if (v > 0)
            to->data[places[v]] ^= 1;
        batch_digest(world.changed_digests[school][i][v], bytes_of(to->data, to->len));
    }
}

static void make_batch(unsigned school, unsigned i)
{
    static uint8_t noise[6000];
    uint8_t seed[32] = {7, (uint8_t)school, (uint8_t)i};
    uint8_t header[24];
    struct batch_maker *maker;
    struct key *ephemeral;
    struct batch_seal s = {
        .participant = ids[school], .gen = gen_of(school), .sequence = i + 1, .sign = world.sign[school]};
    struct buf record;
    uint32_t taken;

    memset(s.district, 9, sizeof(s.district));
    memset(header, 5, sizeof(header));
    for (size_t k = 0; k < sizeof(noise); k++)
        noise[k] = (uint8_t)(k * 2654435761u >> 13);
    memcpy(s.seal_to, key_public(world.seal), KEY_BYTES);
    if (i > 0)
        memcpy(s.previous, world.digests[school][i - 1], DIGEST_BYTES);
    MUST(key_from_seed(&ephemeral, KEY_SEAL, seed));
    s.ephemeral = ephemeral;
    s.stream_headers = header;
    MUST(batch_maker_new(&maker, NULL));
    buf_init(&record, RECORD_MAX);
    mp_put_array(&record, RECORD_HEAD + 1);
    mp_put_uint(&record, RECORD_FORMAT);
    mp_put_bin(&record, noise, FORM_DIGEST_BYTES);
    for (unsigned k = 2; k < RECORD_HEAD; k++)
        mp_put_nil(&record);
    mp_put_bin(&record, noise, i == 0 ? 20 : i * 2500);
    MUST(batch_maker_add(maker, i + 1, "default", bytes_of(record.data, record.len)));
    buf_init(&world.batches[school][i], BATCH_MAX_SEALED);
    MUST(batch_maker_seal(maker, &s, &world.batches[school][i], &taken));
    batch_digest(world.digests[school][i], bytes_of(world.batches[school][i].data, world.batches[school][i].len));
    buf_fini(&record);
    batch_maker_free(maker);
    key_free(ephemeral);
    make_variants(school, i);
}

static void clean_up(void)
{
    folder_remove(world.home);
}

static void make_world(void)
{
    MUST(keys_start());
    log_init("fuzz", LOG_ERROR);
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t seed[32] = {1, (uint8_t)i};

        MUST(key_from_seed(&world.curve[i], KEY_CURVE, seed));
        seed[0] = 2;
        if (i < SCHOOLS)
            MUST(key_from_seed(&world.sign[i], KEY_SIGN, seed));
    }
    MUST(key_from_seed(&world.seal, KEY_SEAL, (const uint8_t[32]){3}));
    for (unsigned s = 0; s < SCHOOLS; s++)
        for (unsigned i = 0; i < BATCHES; i++)
            make_batch(s, i);
    (void)snprintf(world.home, sizeof(world.home), "/dev/shm/fuzz-gateway-%d", (int)getpid());
    folder_remove(world.home);
    MUST(folder_make("/dev/shm", strrchr(world.home, '/') + 1));
    (void)atexit(clean_up);
    world.is_ready = true;
}

static void set_allowed(struct gateway *g)
{
    allow_fini(&g->allowed);
    memset(&g->allowed, 0, sizeof(g->allowed));
    for (unsigned i = 0; i < KEYS - 1; i++) {
        struct ipc_allow a = {.serial = 1, .is_invitation = i >= SCHOOLS};

        if (!allowed[i])
            continue;
        memcpy(a.curve, key_public(world.curve[i]), KEY_BYTES);
        if (i < SCHOOLS)
            memcpy(a.sign, key_public(world.sign[i]), KEY_BYTES);
        (void)snprintf(a.participant, sizeof(a.participant), "%s", ids[i]);
        MUST(allow_add(&g->allowed, &a));
    }
    allow_sort(&g->allowed);
}

static struct gateway *gateway_new(void)
{
    struct gateway *g = calloc(1, sizeof(*g));
    char spool[96];

    if (g == NULL)
        abort();
    (void)snprintf(spool, sizeof(spool), "%s/spool", world.home);
    folder_remove(spool);
    g->home = world.home;
    g->has_core = g->has_limits = g->is_listening = true;
    memset(g->limits.district, 9, sizeof(g->limits.district));
    g->limits.slots = SLOTS;
    g->limits.turn_ms = 1000;
    g->limits.credit = 4096;
    g->limits.chunk = 2048;
    admission_init(&g->admission);
    buf_init(&g->out, MESSAGE_MAX_DOWN);
    frame_init(&g->routing);
    frame_init(&g->payload);
    MUST(spool_open(&g->spool, world.home, SPOOL_LIMIT, 1));
    for (unsigned i = 0; i < KEYS; i++)
        allowed[i] = i < KEYS - 1;
    memset(offsets, 0, sizeof(offsets));
    set_allowed(g);
    return g;
}

static void gateway_free(struct gateway *g)
{
    g->has_core = false;
    while (g->meeting_count > 0)
        meeting_end(g, g->meetings[0]);
    free(g->meetings);
    admission_fini(&g->admission);
    spool_close(g->spool);
    allow_fini(&g->allowed);
    buf_fini(&g->out);
    frame_fini(&g->routing);
    frame_fini(&g->payload);
    free(g);
}

/* ---- the script ---- */

static void arrives(unsigned connection, unsigned key, bool is_multipart, struct bytes frame)
{
    struct incoming in = {.from = {0, connection}, .is_multipart = is_multipart, .frame = frame};

    memcpy(in.curve, key_public(world.curve[key]), KEY_BYTES);
    (void)snprintf(in.peer, sizeof(in.peer), "peer");
    meeting_frame(gate, &in);
}

static void says(unsigned connection, unsigned key, const struct message *m)
{
    struct buf b;

    buf_init(&b, MESSAGE_MAX_DOWN);
    if (message_encode(&b, m) == OK)
        arrives(connection, key, false, bytes_of(b.data, b.len));
    buf_fini(&b);
}

static void hello(unsigned connection, unsigned key, struct rd *r)
{
    static struct message m;
    struct msg_hello *h = &m.as.hello;
    uint8_t how = rd_u8(r);
    unsigned school = (how & 1u) != 0 ? key % SCHOOLS : 1u - key % SCHOOLS;

    memset(&m, 0, sizeof(m));
    m.type = MSG_HELLO;
    h->version_min = h->version_max = (how & 2u) != 0 && (how & 0x80u) != 0 ? 7 : 1;
    memset(h->district, (how & 4u) != 0 && (how & 0x40u) != 0 ? 8 : 9, sizeof(h->district));
    (void)snprintf(h->participant, sizeof(h->participant), "%s", (how & 8u) != 0 ? ids[rd_u8(r) % KEYS] : ids[key]);
    h->gen = gen_of(school);
    h->first_held = 1;
    h->last_sealed = BATCHES;
    memcpy(h->head, world.digests[school][BATCHES - 1], DIGEST_BYTES);
    h->offer_count = rd_u8(r) % (BATCHES + 1);
    for (uint32_t i = 0; i < h->offer_count; i++) {
        h->offers[i].sequence = i + 1;
        h->offers[i].length = (uint32_t)world.batches[school][i].len;
        memcpy(h->offers[i].digest, world.digests[school][i], DIGEST_BYTES);
    }
    says(connection, key, &m);
}

/* A piece of a real batch; what the flags ask for is changed in it. */
static void chunk(unsigned connection, unsigned key, struct rd *r)
{
    uint8_t copy[2600];
    struct message m = {.type = MSG_CHUNK};
    struct msg_chunk *c = &m.as.chunk;
    uint8_t how = rd_u8(r);
    unsigned school = (how & 0x80u) != 0 ? rd_u8(r) % SCHOOLS : key % SCHOOLS;
    unsigned i = (how >> 5) % BATCHES;
    unsigned variant = rd_u8(r);
    const struct buf *b = &world.changed[school][i][variant % VARIANTS];
    uint32_t len = 1 + rd_u16(r) % 2600u;
    uint32_t offset = (how & 1u) != 0 ? rd_u16(r) % (uint32_t)b->len : offsets[connection] % (uint32_t)b->len;

    if (len > b->len - offset)
        len = (uint32_t)b->len - offset;
    memcpy(copy, b->data + offset, len);
    c->sequence = i + 1;
    memcpy(c->digest, world.changed_digests[school][i][variant % VARIANTS], DIGEST_BYTES);
    c->total = (uint32_t)b->len;
    c->offset = offset;
    c->data = bytes_of(copy, len);
    offsets[connection] = offset + len;
    if ((how & 2u) != 0)
        copy[rd_u16(r) % len] ^= 1;
    if ((how & 4u) != 0)
        c->digest[0] ^= rd_u8(r);
    if ((how & 8u) != 0)
        c->total = offset + len + rd_u8(r);
    if ((how & 16u) != 0)
        c->sequence += rd_u8(r);
    says(connection, key, &m);
}

/* The core answers the connection's meeting, if it has one. */
static void core_says(unsigned connection, struct rd *r)
{
    static struct message m;
    struct meeting *to = NULL;
    uint8_t how = rd_u8(r);
    struct buf b;

    for (size_t i = 0; i < gate->meeting_count; i++)
        if (gate->meetings[i]->route.number == connection)
            to = gate->meetings[i];
    if (to == NULL)
        return;
    memset(&m, 0, sizeof(m));
    buf_init(&b, MESSAGE_MAX_DOWN);
    switch (how & 3u) {
    case 0:
        m.type = MSG_WELCOME;
        m.as.welcome.version = 1;
        m.as.welcome.go = (enum welcome_go)(how >> 2 & 3u) % 3;
        m.as.welcome.next_sequence = 1 + (how >> 4);
        m.as.welcome.held_last = (how >> 4) + rd_u8(r) % 3;
        m.as.welcome.credit = gate->limits.credit;
        m.as.welcome.chunk = gate->limits.chunk;
        if (m.as.welcome.held_last > m.as.welcome.next_sequence) {
            m.as.welcome.gap_count = 1;
            m.as.welcome.gaps[0] = (struct number_range){m.as.welcome.next_sequence, 1};
        }
        break;
    case 1:
        m.type = MSG_ERROR;
        m.as.error.code = (enum message_error)(1 + (how >> 2) % 14);
        break;
    case 2: m.type = MSG_OBJECT; break;
    default: m.type = MSG_BYE; break;
    }
    if (message_encode(&b, &m) == OK)
        meeting_reply(gate, to->connection, bytes_of(b.data, b.len));
    buf_fini(&b);
}

static void check_all(void)
{
    if (gate->meeting_count > SLOTS || spool_bytes(gate->spool) > SPOOL_LIMIT)
        abort();
    for (size_t i = 0; i < gate->meeting_count; i++) {
        const struct meeting *m = gate->meetings[i];

        if (m->place != i || m->unacked > gate->limits.credit)
            abort();
        for (size_t k = 0; k < i; k++)
            if (strcmp(gate->meetings[k]->participant, m->participant) == 0)
                abort();
    }
}

static void step(struct rd *r)
{
    uint8_t op = rd_u8(r);
    unsigned connection = rd_u8(r);
    unsigned key = connection >> 4;

    connection = (connection & 15u) % CONNECTIONS;
    key = key % KEYS;
    if (key == KEYS - 1 && !allowed[key])
        key = 0; /* whom ZAP never let in sends nothing; the others may have been taken off the list since */
    switch (op % 12) {
    case 0: hello(connection, key, r); break;
    case 1:
    case 2:
    case 3: chunk(connection, key, r); break;
    case 4: {
        size_t len = rd_u8(r);
        const uint8_t *raw = rd_bytes(r, len);

        if (raw != NULL)
            arrives(connection, key, (op & 0x80u) != 0, bytes_of(raw, len));
        break;
    }
    case 5: says(connection, key, &(struct message){.type = MSG_BYE}); break;
    case 6: says(connection, key, &(struct message){.type = MSG_GET}); break;
    case 7: {
        struct message m = {.type = MSG_RECONCILE};

        m.as.reconcile.gen = gen_of(key % SCHOOLS);
        m.as.reconcile.from = 1;
        says(connection, key, &m);
        break;
    }
    case 8: core_says(connection, r); break;
    case 9:
        allowed[key] = key < KEYS - 1 && !allowed[key];
        set_allowed(gate);
        break;
    case 10:
        gate->has_core = !gate->has_core;
        if (!gate->has_core)
            meeting_end_all(gate);
        break;
    default:
        meeting_send_acks(gate);
        meeting_sweep(gate);
        spool_tidy(gate->spool);
        break;
    }
    check_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_of(data, size);

    if (!world.is_ready)
        make_world();
    gate = gateway_new();
    for (unsigned i = 0; i < STEPS_MAX && rd_left(&r) > 0 && !r.failed; i++)
        step(&r);
    gateway_free(gate);
    return 0;
}
