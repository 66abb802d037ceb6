/* The core behind its socket: greetings, batches, questions about two histories, requests, in any order and with any
 * content that a gateway (an honest one or not) can hand it, as a script of bytes tells.  Schools sign true batches
 * with true and false content, resend, fork, skip, correct and withdraw; others change a bit.  Whatever happens:
 * answers are well formed and signed by the hub, and afterwards the whole ledger recomputes to what is stored
 * (invariants 3, 4, 5).
 */
#include "common/cli.h"
#include "common/log.h"
#include "hub/core_internal.h"
#include "hub/home_internal.h"
#include "hub/ledger_scratch.h"
#include "hub/storage_keys.h"
#include "tests/unit/ledger_fixture.h"

#include <sys/socket.h>

#define STEPS_MAX   60u
#define BATCHES_MAX 40u
#define ROWS_MAX    4u

static struct world w;
static struct core core;
static struct ipc_link *to_gateway, *gateway; /* the two ends: the core's, and ours */
static struct key *curves[2];
static struct sealed batches[BATCHES_MAX];
static size_t batch_count;
static struct message *in_hand;
static struct batch_maker *maker;

/* ---- the scratch store of the verification: one, emptied, instead of a new one for each input ---- */

enum err scratch_open(struct scratch *s, const struct hub *h, const char *name, const char *busy)
{
    static struct store *kept;
    struct store_options options = {.tables = hub_tables, .map_size = 1u << 30, .is_scratch = true};
    struct store_txn *t;

    (void)busy;
    MUST(folder_path(s->path, h->dir, name));
    if (kept == NULL) {
        MUST(folder_make(h->dir, name));
        MUST(store_open(&kept, s->path, &options));
    }
    MUST(store_begin_write(kept, &t));
    for (unsigned table = 0; table < HUB_TABLES; table++)
        if (store_count(t, table) > 0)
            MUST(store_clear(t, table));
    MUST(store_commit(t));
    s->store = kept;
    return OK;
}

void scratch_close(struct scratch *s)
{
    s->store = NULL;
}

/* ---- what the core says ---- */

static void check_receipt(struct bytes object)
{
    struct receipt r;

    if (receipt_open(&r, object, key_public(w.hub->sign)) != OK)
        abort();
    receipt_fini(&r);
}

static void check_page(struct bytes object)
{
    struct reconcile r;

    if (reconcile_open(&r, object, key_public(w.hub->sign)) != OK)
        abort();
    reconcile_fini(&r);
}

/* False: nothing is on its way any more, in neither end's hands nor in the socket. */
static bool receive(struct ipc_packet *p)
{
    do {
        if (ipc_link_wants_write(core.gateway) && ipc_link_flush(core.gateway) != OK)
            abort();
        if (ipc_link_receive(gateway, p) == OK)
            return true;
    } while (ipc_link_wants_write(core.gateway));
    return false;
}

static void check_answers(void)
{
    static struct ipc_packet p;
    struct buf frame;

    buf_init(&frame, MESSAGE_MAX_DOWN);
    while (receive(&p)) {
        if (p.type != IPC_REPLY)
            continue; /* the allowlist */
        if (p.as.reply.part == 0)
            buf_reset(&frame);
        buf_put(&frame, p.as.reply.frame.p, p.as.reply.frame.len);
        if (p.as.reply.part + 1 < p.as.reply.parts)
            continue;
        if (message_decode(in_hand, bytes_of(frame.data, frame.len)) != OK)
            abort();
        if (in_hand->type == MSG_RECEIPT)
            check_receipt(in_hand->as.signed_object);
        if (in_hand->type == MSG_RECONCILE_REPLY)
            check_page(in_hand->as.signed_object);
    }
    buf_fini(&frame);
}

/* ---- the world ---- */

static void clean_up(void)
{
    folder_remove(w.dir);
}

static const uint8_t curve_seeds[2][32] = {{4, 0}, {4, 1}};

/* What a school has that has joined, in the registry as it was just read. */
static void enrol_schools(void)
{
    join_schools(&w);
    for (size_t i = 0; i < 2; i++) {
        struct participant *p = (struct participant *)(uintptr_t)w.of[i];

        memcpy(p->grant.curve_key, key_public(curves[i]), KEY_BYTES);
        p->enrolled_ms = SOME_MS;
    }
}

/* ---- the store as it is before anything was said: opened once, put back after every input ---- */

struct row {
    struct bytes key, value;
};

static struct table {
    struct row *rows;
    size_t count;
} pristine[HUB_TABLES];

static struct bytes copy_of(struct bytes from)
{
    uint8_t *p = malloc(from.len + 1);

    if (p == NULL)
        abort();
    if (from.len > 0)
        memcpy(p, from.p, from.len);
    return bytes_of(p, from.len);
}

static bool same(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static void remember_table(struct store_txn *t, unsigned table)
{
    struct table *to = &pristine[table];
    struct store_cursor *c;
    struct bytes key, value;

    if ((to->rows = calloc(store_count(t, table) + 1, sizeof(*to->rows))) == NULL)
        abort();
    MUST(store_cursor_open(t, table, &c));
    while (store_next(c, &key, &value) == OK)
        to->rows[to->count++] = (struct row){copy_of(key), copy_of(value)};
    store_cursor_close(c);
}

static bool is_as_it_was(struct store_txn *t, unsigned table)
{
    const struct table *was = &pristine[table];
    struct store_cursor *c;
    struct bytes key, value;
    bool is_same = store_count(t, table) == was->count;

    if (!is_same || was->count == 0)
        return is_same;
    MUST(store_cursor_open(t, table, &c));
    for (size_t i = 0; is_same && i < was->count; i++)
        is_same = store_next(c, &key, &value) == OK && same(key, was->rows[i].key) && same(value, was->rows[i].value);
    store_cursor_close(c);
    return is_same;
}

static void put_back(void)
{
    struct store_txn *t;

    MUST(store_begin_write(w.hub->store, &t));
    for (unsigned table = 0; table < HUB_TABLES; table++) {
        if (is_as_it_was(t, table))
            continue;
        MUST(store_clear(t, table));
        for (size_t i = 0; i < pristine[table].count; i++)
            MUST(store_append(t, table, pristine[table].rows[i].key, pristine[table].rows[i].value));
    }
    MUST(store_commit(t));
    ledger_forget(w.hub->ledger);
    storage_keys_forget(w.hub->storage_keys);
}

static void make_world(void)
{
    struct store_txn *t;
    int fds[2];

    if (setenv("TMPDIR", "/dev/shm", 1) != 0)
        abort();
    world_open(&w);
    (void)atexit(clean_up);
    log_init("fuzz", LOG_ERROR - 1);
    w.hub->conf.workers = 1;
    for (size_t i = 0; i < 2; i++)
        MUST(key_from_seed(&curves[i], KEY_CURVE, curve_seeds[i]));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    MUST(ipc_link_new(&to_gateway, fds[0]));
    MUST(ipc_link_new(&gateway, fds[1]));
    MUST(batch_maker_new(&maker, NULL));
    MUST(store_begin_read(w.hub->store, &t));
    for (unsigned table = 0; table < HUB_TABLES; table++)
        remember_table(t, table);
    store_abort(t);
    if ((in_hand = malloc(sizeof(*in_hand))) == NULL)
        abort();
}

static void open_all(void)
{
    struct store_txn *t;

    if (w.hub == NULL)
        make_world();
    registry_free(w.hub->registry);
    w.hub->registry = NULL;
    MUST(store_begin_read(w.hub->store, &t));
    MUST(registry_load_in(&w.hub->registry, w.hub, t));
    store_abort(t);
    enrol_schools();
    memset(&core, 0, sizeof(core));
    core.hub = w.hub;
    MUST(workers_start(&core.workers, w.hub));
    core.gateway = to_gateway;
    batch_count = 0;
}

static void settle(void)
{
    workers_drain(core.workers);
    MUST(core_commit_done(&core));
    check_answers();
}

static void close_all(void)
{
    uint64_t bad = 0;

    settle();
    core_nights_fini(&core); /* as at the end of the core's loop: what was noted of the night is written */
    if (ledger_verify(w.hub, stderr, &bad) != OK || bad != 0)
        abort();
    workers_stop(core.workers);
    for (size_t i = 0; i < batch_count; i++)
        buf_fini(&batches[i].bytes);
    put_back();
}

/* ---- the script ---- */

static struct ipc_frame frame_of(unsigned school, struct bytes bytes)
{
    struct ipc_frame f = {.connection = 1 + school, .bytes = bytes};

    memcpy(f.curve, key_public(curves[school]), KEY_BYTES);
    (void)snprintf(f.peer, sizeof(f.peer), "peer");
    return f;
}

static void says(unsigned school, const struct message *m)
{
    struct ipc_frame f;
    struct buf b;

    buf_init(&b, MESSAGE_MAX_UP);
    if (message_encode(&b, m) == OK) {
        f = frame_of(school, bytes_of(b.data, b.len));
        if (core_meeting(&core, &f) == ERR_INTERNAL)
            abort();
    }
    buf_fini(&b);
}

static struct generation some_generation(uint8_t which)
{
    return generation_of(1 + which % 3u, (uint8_t)(7 + (which >> 2) % 2u));
}

static void hello(unsigned school, struct rd *r)
{
    struct message *m = calloc(1, sizeof(*m));
    struct msg_hello *h;
    uint8_t how = rd_u8(r);

    if (m == NULL)
        abort();
    m->type = MSG_HELLO;
    h = &m->as.hello;
    h->version_min = h->version_max = 1;
    memcpy(h->district, w.hub->district, sizeof(h->district));
    (void)snprintf(h->participant, sizeof(h->participant), "%s", w.of[(how & 0x80u) != 0 ? 1 - school : school]->id);
    h->gen = some_generation(rd_u8(r));
    h->last_sealed = rd_u8(r) % 5u;
    h->first_held = h->last_sealed > 0 ? 1 : 0;
    h->receipted = h->last_sealed > 0 ? rd_u8(r) % (h->last_sealed + 1) : 0;
    h->archived = h->receipted > 0 && (how & 1u) != 0 ? h->receipted - 1 : 0;
    h->waiting_records = how & 2u;
    if (h->last_sealed > 0 && batch_count > 0)
        memcpy(h->head, batches[rd_u8(r) % batch_count].digest, DIGEST_BYTES);
    else if (h->last_sealed > 0)
        h->head[0] = 1;
    if ((how & 4u) != 0 && h->last_sealed > 0 && batch_count > 0) {
        const struct sealed *s = &batches[rd_u8(r) % batch_count];

        h->offer_count = 1;
        h->offers[0].sequence = h->last_sealed;
        h->offers[0].length = (uint32_t)s->bytes.len;
        memcpy(h->offers[0].digest, s->digest, DIGEST_BYTES);
    }
    says(school, m);
    free(m);
}

static struct sub some_sub(unsigned school, const struct generation *gen, uint64_t number, struct rd *r)
{
    static const char *const pupils[] = {"p1", "p2", "p3"};
    uint8_t how = rd_u8(r);
    struct sub s = grade(number, pupils[how % 3u], (how & 0x40u) != 0 ? 99 : how % 21);

    s.school = (int)school;
    s.gen = *gen;
    s.unit = (how & 0x80u) != 0 ? "ms" : "gp";
    if ((how & 0x20u) != 0)
        s.period = (how & 0x10u) != 0 ? "2020-10" : "1000-01";
    switch (rd_u8(r) % 6u) {
    case 1: s.form = "card"; break;
    case 2: s.form = "poll"; break;
    case 3:
    case 4:
        s.kind = rd_u8(r) % 2u == 0 ? RECORD_CORRECTION : RECORD_RETRACTION;
        s.target = (struct record_ref){some_generation(rd_u8(r)), 1 + rd_u8(r) % 12u};
        break;
    default: break;
    }
    return s;
}

static void send_batch(unsigned over, const struct sealed *s, struct rd *r)
{
    uint8_t how = rd_u8(r);
    struct ipc_frame f;
    struct buf copy;

    buf_init(&copy, BATCH_MAX_SEALED);
    buf_put(&copy, s->bytes.data, s->bytes.len);
    MUST(buf_status(&copy));
    if ((how & 7u) == 7u)
        copy.data[rd_u16(r) % copy.len] ^= (uint8_t)(1u << (how >> 5));
    f = frame_of(over, bytes_of(copy.data, (how & 0x18u) == 0x18u ? rd_u16(r) % copy.len : copy.len));
    if (core_batch(&core, &f) == ERR_INTERNAL)
        abort();
    buf_fini(&copy);
}

static void new_batch(unsigned school, struct rd *r)
{
    struct sub subs[ROWS_MAX];
    const struct sub *at[ROWS_MAX];
    uint8_t previous[DIGEST_BYTES] = {1};
    struct generation gen = some_generation(rd_u8(r));
    uint64_t sequence = 1 + rd_u8(r) % 4u;
    uint64_t number = 1 + rd_u8(r) % 10u;
    size_t count = 1 + rd_u8(r) % ROWS_MAX;
    uint8_t which = rd_u8(r);

    if (batch_count == BATCHES_MAX)
        return;
    for (size_t i = 0; i < count; i++) {
        subs[i] = some_sub(school, &gen, number + i, r);
        at[i] = &subs[i];
    }
    if (batch_count > 0)
        memcpy(previous, batches[batch_count - 1 - which % batch_count].digest, DIGEST_BYTES);
    batch_maker_reset(maker);
    seal_by(maker, &w, at, count, sequence, sequence == 1 ? NULL : previous, &batches[batch_count]);
    send_batch((which & 0x80u) != 0 ? 1 - school : school, &batches[batch_count], r);
    batch_count++;
}

static void step(struct rd *r)
{
    uint8_t op = rd_u8(r);
    unsigned school = (op >> 4) % 2u;
    struct message m = {0};
    struct ipc_frame f;
    size_t len;
    const uint8_t *raw;

    switch (op % 9u) {
    case 0: hello(school, r); break;
    case 1:
    case 2:
    case 3: new_batch(school, r); break;
    case 4:
        if (batch_count > 0)
            send_batch(school, &batches[rd_u8(r) % batch_count], r);
        break;
    case 5:
        m.type = MSG_RECONCILE;
        m.as.reconcile.gen = some_generation(rd_u8(r));
        m.as.reconcile.from = 1 + rd_u8(r);
        says(school, &m);
        break;
    case 6:
        m.type = MSG_GET;
        if (w.hub->directory->object_count > 0)
            memcpy(m.as.get.digest, w.hub->directory->objects[rd_u8(r) % w.hub->directory->object_count].digest,
                   DIGEST_BYTES);
        m.as.get.digest[0] ^= (op & 0x80u) != 0 ? 1 : 0;
        m.as.get.offset = rd_u16(r);
        says(school, &m);
        break;
    case 7:
        len = rd_u8(r);
        if ((raw = rd_bytes(r, len)) != NULL) {
            f = frame_of(school, bytes_of(raw, len));
            if (((op & 0x80u) != 0 ? core_batch(&core, &f) : core_meeting(&core, &f)) == ERR_INTERNAL)
                abort();
        }
        break;
    default: settle(); break;
    }
    check_answers();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_of(data, size);

    open_all();
    for (unsigned i = 0; i < STEPS_MAX && rd_left(&r) > 0 && !r.failed; i++)
        step(&r);
    close_all();
    return 0;
}
