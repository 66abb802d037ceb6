/* meeting_fixture.h: a real hub (its two programs, in a fresh folder, on a free port of 127.0.0.1) and real homes of
 * schools, for the tests of meetings; and a client of its own that says what no agent of ours would. */
#ifndef SVODKA_TESTS_MEETING_FIXTURE_H
#define SVODKA_TESTS_MEETING_FIXTURE_H

#include "agent/sync.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"
#include "hub/hub.h"
#include "hub/lease.h"
#include "hub/ledger.h"
#include "hub/programme.h"
#include "hub/registry.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define START_MS     30000
#ifndef SCHOOLS
#define SCHOOLS    2
#define SCHOOL_IDS "gp", "ms"
#endif
#define MARKS_FIELDS 3

static const char fixture_programme[] =
    "programme: quality\n"
    "version: \"1\"\n"
    "title: Quality\n"
    "indicators:\n"
    "  - {id: pupils, name: Pupils, form: marks, kind: count}\n"
    "  - {id: grade_sum, name: Grades, form: marks, kind: sum, value: \"${grade}\"}\n";
static const char fixture_form[] = "form: marks\nversion: \"1\"\ntitle: Marks\nmode: rows\nkey: pupil\nrole: school\n"
                                   "period: month\n"
                                   "survey:\n"
                                   "  - {type: text, name: pupil, label: Pupil, required: true}\n"
                                   "  - {type: integer, name: grade, label: Grade, required: true,"
                                   " constraint: \". >= 0 and . <= 20\"}\n"
                                   "  - {type: text, name: note, label: Note}\n";

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum err must_e_ = (call);                                                                                     \
        if (must_e_ != OK)                                                                                             \
            fail_msg("%s: %s: %s", #call, err_name(must_e_), err_text());                                              \
    } while (0)

/* ---- the district ---- */

struct district {
    char dir[64], home[80];
    int port;
    pid_t core, gateway;
    struct buf invitations[SCHOOLS];
};
static const char *const school_ids[SCHOOLS] = {SCHOOL_IDS};

static inline int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static inline void load_programme(struct hub *h, struct store_txn *t)
{
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)fixture_programme, sizeof(fixture_programme) - 1},
        {(char *)(uintptr_t) "forms/marks.yaml", (void *)(uintptr_t)fixture_form, sizeof(fixture_form) - 1},
    };
    struct pack pack = {files, COUNT(files)};
    struct programme *p = NULL;
    struct calendar *calendar;
    struct report *r;

    MUST(report_new(&r, 0));
    MUST(calendar_new(&calendar));
    if (programme_load(&p, &pack, calendar, r) != OK) {
        report_print(r, stderr);
        fail_msg("the programme was refused");
    }
    MUST(hub_add_programme(h, t, &pack, p));
    programme_free(p);
    calendar_free(calendar);
    report_free(r);
}

static inline void add_conf(const struct district *d, const char *lines)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/hub.yaml", d->home);
    f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs(lines, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static inline void fill_hub(struct district *d)
{
    struct store_txn *t;
    struct hub *h;

    MUST(hub_open(&h, d->home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    load_programme(h, t);
    MUST(hub_reload(h, t));
    for (size_t i = 0; i < SCHOOLS; i++) {
        struct school_add a = {.id = school_ids[i], .name = school_ids[i]};

        buf_init(&d->invitations[i], INVITATION_MAX);
        MUST(registry_add(h, t, &a, &d->invitations[i]));
        MUST(hub_reload(h, t));
    }
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    hub_close(h, false);
}

/* `conf`: more lines for hub.yaml. */
static inline void district_new(struct district *d, const char *conf)
{
    char listen[64];
    const char *const urls[] = {listen};
    struct hub_init init = {.name = "District", .listen = urls, .listen_count = 1};
    const char *tmp = getenv("TMPDIR");

    memset(d, 0, sizeof(*d));
    MUST(keys_start());
    log_init("test", LOG_ERROR);
    (void)snprintf(d->dir, sizeof(d->dir), "%.40s/meeting-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(d->dir));
    (void)snprintf(d->home, sizeof(d->home), "%s/hub", d->dir);
    d->port = free_port();
    (void)snprintf(listen, sizeof(listen), "tcp://127.0.0.1:%d", d->port);
    MUST(hub_create(d->home, &init));
    add_conf(d, conf);
    fill_hub(d);
}

/* ---- its programs ---- */

static inline pid_t start_program(const struct district *d, char *const *argv, int keep_fd)
{
    char log[128];
    pid_t pid;

    (void)snprintf(log, sizeof(log), "%s/hub.log", d->dir);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        /* Nothing stays behind when a test dies. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || fd < 0 || dup2(fd, STDERR_FILENO) < 0 ||
            dup2(fd, STDOUT_FILENO) < 0 || (keep_fd >= 0 && fcntl(keep_fd, F_SETFD, 0) != 0))
            _exit(126);
        (void)execv(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static inline void wait_for_core(const struct district *d)
{
    int64_t until = clock_mono_ms() + START_MS;
    int fd;

    while (local_connect(d->home, "operator.sock", &fd) != OK) {
        assert_true(clock_mono_ms() < until);
        clock_sleep_ms(10);
    }
    close(fd);
}

static inline void start_core(struct district *d)
{
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub";
    char word[] = "core";
    char option[] = "--home";
    char *argv[] = {program, word, option, d->home, NULL};

    d->core = start_program(d, argv, -1);
    wait_for_core(d);
}

static inline void start_gateway(struct district *d)
{
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub-gateway";
    char option[] = "--home";
    char ready[] = "--ready-fd";
    char number[16];
    char *argv[] = {program, option, d->home, ready, number, NULL};
    int pipes[2];
    char byte = 0;

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    (void)snprintf(number, sizeof(number), "%d", pipes[1]);
    d->gateway = start_program(d, argv, pipes[1]);
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(byte, 'g');
    close(pipes[0]);
}

static inline void end_program(pid_t *pid, int with)
{
    int status = 0;

    if (*pid == 0)
        return;
    assert_int_equal(kill(*pid, with), 0);
    assert_int_equal(waitpid(*pid, &status, 0), *pid);
    *pid = 0;
    if (with == SIGKILL)
        return;
    assert_true(WIFEXITED(status)); /* a sanitizer's complaint is an exit code, too */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void district_start(struct district *d)
{
    start_core(d);
    start_gateway(d);
}

static inline void district_stop(struct district *d)
{
    end_program(&d->gateway, SIGTERM);
    end_program(&d->core, SIGTERM);
}

static inline void district_free(struct district *d)
{
    district_stop(d);
    for (size_t i = 0; i < SCHOOLS; i++)
        buf_fini(&d->invitations[i]);
    folder_remove(d->dir);
}

/* True when the hub's log has this text in it. */
static inline bool log_has(const struct district *d, const char *text)
{
    char path[128];
    char line[4096];
    bool found = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/hub.log", d->dir);
    f = fopen(path, "r");
    assert_non_null(f);
    while (!found && fgets(line, sizeof(line), f) != NULL)
        found = strstr(line, text) != NULL;
    (void)fclose(f);
    return found;
}

/* ---- what the hub holds (read beside the running core) ---- */

static inline enum err count_one(void *ctx, const struct submission *s)
{
    (void)s;
    (*(uint64_t *)ctx)++;
    return OK;
}

static inline struct ledger_totals held_by(const struct district *d)
{
    struct ledger_totals totals;
    uint64_t current = 0;
    struct store_txn *t;
    struct hub *h;

    MUST(hub_open(&h, d->home, HUB_READ));
    MUST(store_begin_read(h->store, &t));
    MUST(ledger_totals(t, &totals));
    MUST(ledger_each_current(h->ledger, t, "marks", NULL, NULL, count_one, &current));
    assert_int_equal(current, totals.counted);
    store_abort(t);
    hub_close(h, false);
    return totals;
}

/* Invariant 5, by recomputing all. */
static inline void assert_hub_verifies(const struct district *d)
{
    uint64_t bad = 1;
    struct hub *h;

    MUST(hub_open(&h, d->home, HUB_READ));
    MUST(ledger_verify(h, stderr, &bad));
    assert_int_equal(bad, 0);
    hub_close(h, false);
}

/* ---- schools ---- */

static inline struct agent *school_join(const struct district *d, size_t i, const char *name)
{
    struct invitation *inv = calloc(1, sizeof(*inv));
    struct agent *a = NULL;
    struct buf keep;
    char home[128];

    assert_non_null(inv);
    (void)snprintf(home, sizeof(home), "%s/%s", d->dir, name);
    buf_init(&keep, INVITATION_MAX);
    MUST(invitation_read(inv, &keep, bytes_of(d->invitations[i].data, d->invitations[i].len)));
    MUST(agent_create(home, inv));
    buf_wipe(&keep);
    free(inv);
    MUST(agent_open(&a, home));
    a->conf.chunk = 1024;
    return a;
}

static inline struct agent *school_open(const struct district *d, const char *name)
{
    struct agent *a = NULL;
    char home[128];

    (void)snprintf(home, sizeof(home), "%s/%s", d->dir, name);
    MUST(agent_open(&a, home));
    a->conf.chunk = 1024;
    return a;
}

static inline void copy_home(const struct district *d, const char *from, const char *to)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "rm -rf '%s/%s' && cp -a '%s/%s' '%s/%s'", d->dir, to, d->dir, from,
                   d->dir, to);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own folder */
}

/* Rows of pupils FIRST to FIRST + COUNT - 1, one submission each; what does not pack makes batches longer. */
static inline void add_marks(struct agent *a, unsigned first, unsigned count)
{
    const struct form *f = agent_form(a, "marks");
    struct queue_writer *w;
    struct buf bytes;

    assert_non_null(f);
    MUST(queue_writer_open(&w, a));
    buf_init(&bytes, RECORD_MAX);
    for (unsigned i = first; i < first + count; i++) {
        struct value values[MARKS_FIELDS];
        struct record r = {.filled_on = 18518};
        char pupil[16];
        char note[48];
        uint8_t noise[20];
        uint64_t number;

        memset(values, 0, sizeof(values));
        memcpy(r.form, f->digest, sizeof(r.form));
        (void)snprintf(r.unit, sizeof(r.unit), "%s", a->grant->participant);
        (void)snprintf(r.period, sizeof(r.period), "2020-09");
        queue_stamp(a, &r);
        (void)snprintf(pupil, sizeof(pupil), "p%u", i);
        random_bytes(noise, sizeof(noise));
        for (size_t k = 0; k < sizeof(noise); k++)
            (void)snprintf(note + 2 * k, 3, "%02x", noise[k]);
        values[0].as.text = bytes_of(pupil, strlen(pupil));
        values[1].as.i = i % 21;
        values[2].as.text = bytes_of(note, strlen(note));
        r.values = values;
        r.value_count = MARKS_FIELDS;
        buf_reset(&bytes);
        MUST(record_encode(&bytes, &r, f));
        MUST(queue_writer_add(w, bytes_of(bytes.data, bytes.len), &number));
    }
    MUST(queue_writer_commit(w));
    queue_writer_close(w);
    buf_fini(&bytes);
}

static inline void assert_school_verifies(const struct agent *a)
{
    uint64_t bad = 1;

    MUST(queue_verify(a, stderr, &bad));
    assert_int_equal(bad, 0);
}

/* ---- a client that says whatever it is told ---- */

struct client {
    void *ctx, *socket;
    struct message in; /* the last answer */
    struct buf frame;  /* its bytes */
};

static inline void client_open(struct client *c, const struct district *d, const struct agent *a,
                               const struct key *curve, const char *routing_id)
{
    const int zero = 0;
    char url[64];

    memset(c, 0, sizeof(*c));
    c->ctx = zmq_ctx_new();
    assert_non_null(c->ctx);
    c->socket = zmq_socket(c->ctx, ZMQ_DEALER);
    assert_non_null(c->socket);
    buf_init(&c->frame, MESSAGE_MAX_DOWN);
    assert_int_equal(zmq_setsockopt(c->socket, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    if (routing_id != NULL)
        assert_int_equal(zmq_setsockopt(c->socket, ZMQ_ROUTING_ID, routing_id, strlen(routing_id)), 0);
    assert_int_equal(zmq_setsockopt(c->socket, ZMQ_CURVE_SERVERKEY, a->directory->endpoints[0].curve, KEY_BYTES), 0);
    assert_int_equal(zmq_setsockopt(c->socket, ZMQ_CURVE_PUBLICKEY, key_public(curve), KEY_BYTES), 0);
    assert_int_equal(zmq_setsockopt(c->socket, ZMQ_CURVE_SECRETKEY, key_secret(curve), KEY_BYTES), 0);
    (void)snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", d->port);
    assert_int_equal(zmq_connect(c->socket, url), 0);
}

static inline void client_close(struct client *c)
{
    buf_fini(&c->frame);
    (void)zmq_close(c->socket);
    (void)zmq_ctx_term(c->ctx);
}

static inline void client_send_bytes(struct client *c, const void *bytes, size_t len, bool more)
{
    assert_true(zmq_send(c->socket, bytes, len, more ? ZMQ_SNDMORE : 0) >= 0);
}

static inline void client_send(struct client *c, const struct message *m)
{
    struct buf b;

    buf_init(&b, MESSAGE_MAX_DOWN);
    MUST(message_encode(&b, m));
    client_send_bytes(c, b.data, b.len, false);
    buf_fini(&b);
}

/* By this name tests/tsan.supp knows it. */
static inline void zmq_frame_copy(struct buf *to, zmq_msg_t *from)
{
    buf_reset(to);
    buf_put(to, zmq_msg_data(from), zmq_msg_size(from));
}

/* False: nothing within `ms`. */
static inline bool client_receive(struct client *c, int ms)
{
    zmq_pollitem_t item = {c->socket, 0, ZMQ_POLLIN, 0};
    zmq_msg_t m;

    if (zmq_poll(&item, 1, ms) <= 0)
        return false;
    (void)zmq_msg_init(&m);
    assert_true(zmq_msg_recv(&m, c->socket, 0) >= 0);
    zmq_frame_copy(&c->frame, &m);
    (void)zmq_msg_close(&m);
    MUST(message_decode(&c->in, bytes_of(c->frame.data, c->frame.len)));
    return true;
}

/* The next answer of that type; others before it are passed over. */
static inline void client_expect(struct client *c, enum message_type type)
{
    int64_t until = clock_mono_ms() + START_MS;

    while (clock_mono_ms() < until) {
        if (!client_receive(c, 1000))
            continue;
        if (c->in.type == type)
            return;
        if (c->in.type == MSG_ERROR)
            fail_msg("ERROR %s: %s", message_error_name(c->in.as.error.code), c->in.as.error.text);
    }
    fail_msg("no %s came", message_type_name(type));
}

static inline void client_expect_error(struct client *c, enum message_error code)
{
    int64_t until = clock_mono_ms() + START_MS;

    while (clock_mono_ms() < until)
        if (client_receive(c, 1000) && c->in.type == MSG_ERROR) {
            if (c->in.as.error.code != code)
                fail_msg("ERROR %s: %s", message_error_name(c->in.as.error.code), c->in.as.error.text);
            return;
        }
    fail_msg("no ERROR %s came", message_error_name(code));
}

/* A HELLO as that school would say it, of its current generation. */
static inline struct message *hello_of(const struct agent *a)
{
    struct message *m = calloc(1, sizeof(*m));
    struct msg_hello *h;
    struct queue_chain chain;
    struct batch_state b;

    assert_non_null(m);
    MUST(queue_chain(a, &a->gen, &chain));
    m->type = MSG_HELLO;
    h = &m->as.hello;
    h->version_min = h->version_max = 1;
    memcpy(h->district, a->directory->district, sizeof(h->district));
    (void)snprintf(h->participant, sizeof(h->participant), "%s", a->grant->participant);
    h->gen = a->gen;
    (void)snprintf(h->software, sizeof(h->software), "test");
    h->directory_version = a->directory->version;
    h->grant_version = a->grant->version;
    h->first_held = chain.first_held;
    h->last_sealed = chain.last_sealed;
    h->receipted = chain.receipted;
    memcpy(h->head, chain.head, DIGEST_BYTES);
    for (enum err e = queue_batch(a, &a->gen, 1, &b); e == OK && h->offer_count < HELLO_MAX_OFFERS;
         e = queue_batch(a, &a->gen, b.sequence + 1, &b)) {
        struct offer *o = &h->offers[h->offer_count++];

        o->sequence = b.sequence;
        o->length = b.length;
        memcpy(o->digest, b.digest, DIGEST_BYTES);
    }
    return m;
}

/* HELLO and WELCOME GO. */
static inline void client_greet(struct client *c, const struct agent *a)
{
    struct message *m = hello_of(a);

    client_send(c, m);
    free(m);
    client_expect(c, MSG_WELCOME);
    assert_int_equal(c->in.as.welcome.go, WELCOME_GO);
}

/* A sealed batch in memory. */
struct sealed {
    struct batch_state state;
    struct buf bytes;
    uint8_t digest[DIGEST_BYTES];
};

static inline void sealed_load(struct sealed *s, const struct agent *a, uint64_t sequence)
{
    MUST(queue_batch(a, &a->gen, sequence, &s->state));
    assert_int_equal(s->state.sequence, sequence);
    buf_init(&s->bytes, BATCH_MAX_SEALED);
    MUST(queue_batch_bytes(a, &s->state, 0, s->state.length, &s->bytes));
    memcpy(s->digest, s->state.digest, DIGEST_BYTES);
}

static inline void sealed_free(struct sealed *s)
{
    buf_fini(&s->bytes);
}

static inline void client_chunk(struct client *c, const struct sealed *s, uint32_t offset, uint32_t len)
{
    struct message m = {.type = MSG_CHUNK};

    m.as.chunk.sequence = s->state.sequence;
    memcpy(m.as.chunk.digest, s->digest, DIGEST_BYTES);
    m.as.chunk.total = (uint32_t)s->bytes.len;
    m.as.chunk.offset = offset;
    m.as.chunk.data = bytes_of(s->bytes.data + offset, len);
    client_send(c, &m);
}

/* Everything, in chunks, ACKs passed over by the next expectation. */
static inline void client_send_all(struct client *c, const struct sealed *s, uint32_t chunk)
{
    for (uint32_t at = 0; at < s->bytes.len; at += chunk)
        client_chunk(c, s, at, chunk < s->bytes.len - at ? chunk : (uint32_t)s->bytes.len - at);
}

static inline void client_wait_ack(struct client *c, uint32_t offset)
{
    do
        client_expect(c, MSG_ACK);
    while (c->in.as.ack.offset < offset);
    assert_int_equal(c->in.as.ack.offset, offset);
}

#endif
