/* bench_plain_drain.c: senders, each a process with a store of its own, and one receiver. */
#include "tests/bench/bench_plain.h"

#include "common/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>
#include <zstd.h>

#define BATCH_PLAIN  (4u << 20)  /* as ours */
#define STREAM_CHUNK (64u << 10) /* as ours */
#define GROUP_MS     20          /* the receiver's group commit, as ours */

static void zmq(int rc, const char *what)
{
    if (rc < 0)
        plain_die("%s: %s", what, zmq_strerror(zmq_errno()));
}

/* ---- the keys of all, made before the clock starts ---- */

struct sender_keys {
    unsigned char sign[crypto_sign_SECRETKEYBYTES], sign_public[crypto_sign_PUBLICKEYBYTES];
    char curve[41], curve_public[41];
};
struct drain {
    int senders;
    const char *dir;
    struct sender_keys sender[PLAIN_SENDERS_MAX];
    unsigned char seal[crypto_box_SECRETKEYBYTES], seal_public[crypto_box_PUBLICKEYBYTES];
    unsigned char hub_sign[crypto_sign_SECRETKEYBYTES], hub_sign_public[crypto_sign_PUBLICKEYBYTES];
    char curve[41], curve_public[41];
    char endpoint[256];
};

static void make_keys(struct drain *d)
{
    crypto_box_keypair(d->seal_public, d->seal);
    crypto_sign_keypair(d->hub_sign_public, d->hub_sign);
    zmq(zmq_curve_keypair(d->curve_public, d->curve), "zmq_curve_keypair");
    for (int i = 0; i < d->senders; i++) {
        crypto_sign_keypair(d->sender[i].sign_public, d->sender[i].sign);
        zmq(zmq_curve_keypair(d->sender[i].curve_public, d->sender[i].curve), "zmq_curve_keypair");
    }
}

/* A batch: sender u32 | rows u32 | first number u64 | plain u32 | ephemeral 32 | stream header 24 | sealed |
 * signature 64 */
#define HEAD_BYTES (4u + 4u + 8u + 4u + 32u + crypto_secretstream_xchacha20poly1305_HEADERBYTES)

static void stream_key(unsigned char out[32], const unsigned char *secret, const unsigned char *public,
                       const unsigned char *head)
{
    unsigned char shared[crypto_scalarmult_BYTES];

    plain_sodium(crypto_scalarmult(shared, secret, public), "X25519");
    plain_sodium(crypto_generichash(out, 32, head, HEAD_BYTES - crypto_secretstream_xchacha20poly1305_HEADERBYTES,
                                    shared, sizeof(shared)),
                 "BLAKE2b");
}

static void sign_batch(struct bytes_out *b, const unsigned char *secret)
{
    crypto_sign_state s;

    out_room(b, crypto_sign_BYTES);
    plain_sodium(crypto_sign_init(&s), "signing");
    plain_sodium(crypto_sign_update(&s, b->data, b->len), "signing");
    plain_sodium(crypto_sign_final_create(&s, b->data + b->len, NULL, secret), "signing");
    b->len += crypto_sign_BYTES;
}

static void seal_batch(const struct drain *d, int self, const struct bytes_out *packed, uint32_t rows, uint64_t first,
                       size_t plain_len, struct bytes_out *out)
{
    crypto_secretstream_xchacha20poly1305_state stream;
    unsigned char secret[32];
    unsigned char key[32];
    unsigned char *head;

    out->len = 0;
    head = out_room(out, HEAD_BYTES + packed->len + (packed->len / STREAM_CHUNK + 1) * 32);
    out->len = HEAD_BYTES;
    be_put(head, (uint64_t)self, 4);
    be_put(head + 4, rows, 4);
    be_put(head + 8, first, 8);
    be_put(head + 16, plain_len, 4);
    crypto_box_keypair(head + 20, secret);
    stream_key(key, secret, d->seal_public, head);
    plain_sodium(crypto_secretstream_xchacha20poly1305_init_push(&stream, head + 52, key), "secretstream");
    for (size_t at = 0; at < packed->len; at += STREAM_CHUNK) {
        size_t len = packed->len - at < STREAM_CHUNK ? packed->len - at : STREAM_CHUNK;
        unsigned char tag = at + len == packed->len ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
        unsigned long long sealed_len;

        plain_sodium(crypto_secretstream_xchacha20poly1305_push(&stream, out->data + out->len, &sealed_len,
                                                                packed->data + at, len, NULL, 0, tag),
                     "secretstream");
        out->len += sealed_len;
    }
    sign_batch(out, d->sender[self].sign);
}

/* ---- a sender ---- */

struct sending {
    const struct drain *d;
    int self;
    void *socket;
    struct bytes_out plain, packed, batch;
    ZSTD_CCtx *zstd;
    uint32_t rows;
    uint64_t first;
    int open; /* batches without receipt */
};

static void send_batch(struct sending *s)
{
    size_t bound = ZSTD_compressBound(s->plain.len);
    size_t len;

    if (s->rows == 0)
        return;
    s->packed.len = 0;
    len = ZSTD_compressCCtx(s->zstd, out_room(&s->packed, bound), bound, s->plain.data, s->plain.len, 3);
    if (ZSTD_isError(len))
        plain_die("zstd: %s", ZSTD_getErrorName(len));
    s->packed.len = len;
    seal_batch(s->d, s->self, &s->packed, s->rows, s->first, s->plain.len, &s->batch);
    zmq(zmq_send(s->socket, s->batch.data, s->batch.len, 0), "zmq_send");
    s->open++;
    s->first += s->rows;
    s->rows = 0;
    s->plain.len = 0;
}

static void take_page(struct sending *s, const struct plain_store *store, const MDB_val *key, const MDB_val *value)
{
    const unsigned char *sealed = value->mv_data;
    unsigned char *at = out_room(&s->plain, value->mv_size);
    unsigned long long len;

    plain_sodium(crypto_aead_xchacha20poly1305_ietf_decrypt(at, &len, NULL, sealed + PLAIN_NONCE,
                                                            value->mv_size - PLAIN_NONCE, key->mv_data, key->mv_size,
                                                            sealed, store->key),
                 "decryption");
    for (unsigned long long row = 0; row + 2 <= len; row += 2 + be_get(at + row, 2))
        s->rows++;
    s->plain.len += len;
    if (s->plain.len + PLAIN_PAGE_BYTES > BATCH_PLAIN)
        send_batch(s);
}

static void *open_client(void *context, const struct drain *d, int self)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int linger = 0;

    if (socket == NULL)
        plain_die("zmq_socket: %s", zmq_strerror(zmq_errno()));
    zmq(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)), "ZMQ_LINGER");
    zmq(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, d->curve_public, 41), "ZMQ_CURVE_SERVERKEY");
    zmq(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, d->sender[self].curve_public, 41), "ZMQ_CURVE_PUBLICKEY");
    zmq(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, d->sender[self].curve, 41), "ZMQ_CURVE_SECRETKEY");
    zmq(zmq_connect(socket, d->endpoint), d->endpoint);
    return socket;
}

static void take_receipt(struct sending *s)
{
    unsigned char receipt[256];
    int len = zmq_recv(s->socket, receipt, sizeof(receipt), 0);

    zmq(len, "zmq_recv");
    if (len != 8 + (int)crypto_sign_BYTES ||
        crypto_sign_verify_detached(receipt + 8, receipt, 8, s->d->hub_sign_public) != 0)
        plain_die("a bad receipt");
    s->open--;
}

static void sender(const struct drain *d, int self)
{
    struct sending s = {.d = d, .self = self, .first = 1};
    struct plain_store store = {0};
    void *context = zmq_ctx_new();
    char dir[4096];
    MDB_cursor *c = NULL;
    MDB_val key;
    MDB_val value;

    (void)snprintf(dir, sizeof(dir), "%s/%d", d->dir, self + 1);
    plain_store_open(&store, dir);
    s.socket = open_client(context, d, self);
    if ((s.zstd = ZSTD_createCCtx()) == NULL)
        plain_die("no memory");
    plain_mdb(mdb_txn_begin(store.env, NULL, MDB_RDONLY, &store.txn), "mdb_txn_begin");
    plain_mdb(mdb_cursor_open(store.txn, store.table, &c), "mdb_cursor_open");
    while (mdb_cursor_get(c, &key, &value, MDB_NEXT) == 0)
        take_page(&s, &store, &key, &value);
    send_batch(&s);
    while (s.open > 0)
        take_receipt(&s);
    mdb_cursor_close(c);
    mdb_txn_abort(store.txn);
    mdb_env_close(store.env);
    zmq(zmq_close(s.socket), "zmq_close");
    zmq(zmq_ctx_term(context), "zmq_ctx_term");
    ZSTD_freeCCtx(s.zstd);
    free(s.plain.data);
    free(s.packed.data);
    free(s.batch.data);
}

/* ---- the receiver ---- */

struct owed {
    unsigned char id[32];
    size_t id_len;
    unsigned char receipt[8 + crypto_sign_BYTES];
};
struct receiving {
    const struct drain *d;
    void *socket;
    struct plain_store store;
    struct bytes_out packed, plain;
    struct owed owed[PLAIN_SENDERS_MAX];
    int owed_count;
    uint64_t rows, bytes;
};

static void open_stream(struct receiving *r, const unsigned char *head, const unsigned char *end)
{
    crypto_secretstream_xchacha20poly1305_state stream;
    const unsigned char *at = head + HEAD_BYTES;
    unsigned char key[32];
    unsigned char tag = 0;

    stream_key(key, r->d->seal, head + 20, head);
    plain_sodium(crypto_secretstream_xchacha20poly1305_init_pull(&stream, head + 52, key), "secretstream");
    r->packed.len = 0;
    while (at < end) {
        size_t whole = STREAM_CHUNK + crypto_secretstream_xchacha20poly1305_ABYTES;
        size_t len = (size_t)(end - at) < whole ? (size_t)(end - at) : whole;
        unsigned long long got;

        plain_sodium(crypto_secretstream_xchacha20poly1305_pull(&stream, out_room(&r->packed, len), &got, &tag, at, len,
                                                                NULL, 0),
                     "opening");
        r->packed.len += got;
        at += len;
    }
    if (tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL)
        plain_die("a batch was cut short");
}

static void put_rows(struct receiving *r, uint32_t from, uint64_t number)
{
    unsigned char name[12];

    be_put(name, from, 4);
    if (r->store.txn == NULL)
        plain_mdb(mdb_txn_begin(r->store.env, NULL, 0, &r->store.txn), "mdb_txn_begin");
    for (size_t at = 0; at + 2 <= r->plain.len;) {
        size_t len = be_get(r->plain.data + at, 2);
        MDB_val key = {sizeof(name), name};
        MDB_val value = {len, r->plain.data + at + 2};

        if (len > r->plain.len - at - 2)
            plain_die("a row is too long");
        be_put(name + 4, number++, 8);
        plain_mdb(mdb_put(r->store.txn, r->store.table, &key, &value, 0), "mdb_put");
        at += 2 + len;
        r->rows++;
    }
}

static void take_batch(struct receiving *r, const unsigned char *batch, size_t len)
{
    const unsigned char *end = batch + len - crypto_sign_BYTES;
    crypto_sign_state s;
    uint64_t from;
    size_t plain_len;
    size_t got;

    if (len < HEAD_BYTES + crypto_sign_BYTES || (from = be_get(batch, 4)) >= (uint64_t)r->d->senders)
        plain_die("not a batch");
    plain_sodium(crypto_sign_init(&s), "verifying");
    plain_sodium(crypto_sign_update(&s, batch, (size_t)(end - batch)), "verifying");
    plain_sodium(crypto_sign_final_verify(&s, end, r->d->sender[from].sign_public), "verifying");
    open_stream(r, batch, end);
    plain_len = be_get(batch + 16, 4);
    r->plain.len = 0;
    got = ZSTD_decompress(out_room(&r->plain, plain_len), plain_len, r->packed.data, r->packed.len);
    if (got != plain_len)
        plain_die("a batch does not unpack");
    r->plain.len = plain_len;
    put_rows(r, (uint32_t)from, be_get(batch + 8, 8));
    r->bytes += len;
}

static void commit_group(struct receiving *r)
{
    plain_mdb(mdb_txn_commit(r->store.txn), "mdb_txn_commit");
    r->store.txn = NULL;
    for (int i = 0; i < r->owed_count; i++) {
        struct owed *o = &r->owed[i];

        crypto_sign_detached(o->receipt + 8, NULL, o->receipt, 8, r->d->hub_sign);
        zmq(zmq_send(r->socket, o->id, o->id_len, ZMQ_SNDMORE), "zmq_send");
        zmq(zmq_send(r->socket, o->receipt, sizeof(o->receipt), 0), "zmq_send");
    }
    r->owed_count = 0;
}

static void receive_one(struct receiving *r)
{
    struct owed *o = &r->owed[r->owed_count++];
    zmq_msg_t frame;
    int len = zmq_recv(r->socket, o->id, sizeof(o->id), 0);

    zmq(len, "zmq_recv");
    o->id_len = (size_t)len;
    zmq(zmq_msg_init(&frame), "zmq_msg_init");
    zmq(zmq_msg_recv(&frame, r->socket, 0), "zmq_msg_recv");
    take_batch(r, zmq_msg_data(&frame), zmq_msg_size(&frame));
    memcpy(o->receipt, zmq_msg_data(&frame), 8);
    zmq(zmq_msg_close(&frame), "zmq_msg_close");
}

/* Until every row is in, or a sender died. */
static void receive_all(struct receiving *r, uint64_t rows)
{
    zmq_pollitem_t item = {.socket = r->socket, .events = ZMQ_POLLIN};
    int64_t group_ms = 0;
    int idle = 0;

    while (r->rows < rows || r->owed_count > 0) {
        int ready = zmq_poll(&item, 1, r->owed_count > 0 ? 0 : 100);

        zmq(ready, "zmq_poll");
        idle = ready > 0 ? 0 : idle + 1;
        if (idle > 300)
            plain_die("nothing came for 30 s");
        if (ready > 0) {
            if (r->owed_count == 0)
                group_ms = clock_mono_ms();
            receive_one(r);
        }
        if (r->owed_count == PLAIN_SENDERS_MAX ||
            (r->owed_count > 0 && (ready == 0 || r->rows >= rows || clock_mono_ms() - group_ms >= GROUP_MS)))
            commit_group(r);
    }
}

static void *open_server(void *context, struct drain *d)
{
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    int yes = 1;
    int linger = 5000;
    size_t len = sizeof(d->endpoint);

    if (socket == NULL)
        plain_die("zmq_socket: %s", zmq_strerror(zmq_errno()));
    zmq(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)), "ZMQ_LINGER");
    zmq(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof(yes)), "ZMQ_CURVE_SERVER");
    zmq(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, d->curve, 41), "ZMQ_CURVE_SECRETKEY");
    zmq(zmq_bind(socket, d->endpoint), d->endpoint);
    zmq(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, d->endpoint, &len), "ZMQ_LAST_ENDPOINT");
    return socket;
}

static uint64_t rows_of(const struct drain *d)
{
    uint64_t rows = 0;
    char path[4096];

    for (int i = 0; i < d->senders; i++) {
        unsigned long long n = 0;
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%d.rows", d->dir, i + 1);
        f = fopen(path, "re");
        if (f == NULL || fscanf(f, "rows=%llu", &n) != 1) /* NOLINT(cert-err34-c): our own file */
            plain_die("%s: what `import` printed for %s/%d is expected there", path, d->dir, i + 1);
        (void)fclose(f);
        rows += n;
    }
    return rows;
}

static void wait_for_senders(int senders)
{
    for (int i = 0; i < senders; i++) {
        int status;

        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            plain_die("a sender failed");
    }
}

/* The server's context is made after the fork: libzmq's threads would not be in the children. */
int plain_drain(const char *dir, int senders)
{
    static struct drain d;
    struct receiving r = {.d = &d};
    int gate[2];
    char store[4096];
    void *context;
    uint64_t rows;
    int64_t began;
    double cpu;

    d.senders = senders;
    d.dir = dir;
    make_keys(&d);
    rows = rows_of(&d);
    if (pipe(gate) != 0)
        plain_die("pipe: %s", strerror(errno));
    for (int i = 0; i < senders; i++) {
        pid_t pid = fork();

        if (pid < 0)
            plain_die("fork: %s", strerror(errno));
        if (pid == 0) { /* waits for the address, which is the start signal */
            (void)close(gate[1]);
            if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
                read(gate[0], d.endpoint, sizeof(d.endpoint)) != (ssize_t)sizeof(d.endpoint))
                _exit(1);
            sender(&d, i);
            _exit(0);
        }
    }
    context = zmq_ctx_new();
    (void)snprintf(d.endpoint, sizeof(d.endpoint), "tcp://127.0.0.1:*");
    r.socket = open_server(context, &d);
    (void)snprintf(store, sizeof(store), "%s/hub", dir);
    plain_store_open(&r.store, store);
    cpu = plain_cpu_seconds(RUSAGE_SELF);
    began = clock_mono_ns();
    for (int i = 0; i < senders; i++)
        if (write(gate[1], d.endpoint, sizeof(d.endpoint)) != (ssize_t)sizeof(d.endpoint))
            plain_die("pipe: %s", strerror(errno));
    receive_all(&r, rows);
    wait_for_senders(senders);
    (void)printf("rows=%llu\nwall_s=%.6f\n", (unsigned long long)r.rows, (double)(clock_mono_ns() - began) / 1e9);
    zmq(zmq_close(r.socket), "zmq_close");
    zmq(zmq_ctx_term(context), "zmq_ctx_term");
    mdb_env_close(r.store.env);
    (void)printf("cpu_s=%.6f\nbytes=%llu\n", plain_cpu_seconds(RUSAGE_SELF) - cpu + plain_cpu_seconds(RUSAGE_CHILDREN),
                 (unsigned long long)r.bytes);
    free(r.packed.data);
    free(r.plain.data);
    return 0;
}
