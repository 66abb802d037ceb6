/* Whoever has the hub's transport key, and stands where the hub stood: schools greet him.  Only what the hub's signing
 * key said changes anything at a school; he can waste its time. */
#include "tests/fault/attack/attack.h"

#include <pthread.h>

#define BELIEVED "cannot be believed"
#define ROUTING  16u

struct false_hub {
    void *ctx, *socket;
    pthread_t thread;
    uint8_t routing[ROUTING];
    size_t routing_len;
    struct message in;
    struct buf frame;
    void (*say)(struct false_hub *h); /* to each message that comes */
    volatile bool stopping;
    struct key *false_sign, *false_root;
};

static void answer_bytes(struct false_hub *h, const void *bytes, size_t len)
{
    assert_true(zmq_send(h->socket, h->routing, h->routing_len, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(h->socket, bytes, len, 0) >= 0);
}

static void answer(struct false_hub *h, const struct message *m)
{
    struct buf b;

    buf_init(&b, MESSAGE_MAX_DOWN);
    MUST(message_encode(&b, m));
    answer_bytes(h, b.data, b.len);
    buf_fini(&b);
}

static void answer_error(struct false_hub *h, enum message_error code)
{
    struct message m = {.type = MSG_ERROR};

    m.as.error.code = code;
    (void)snprintf(m.as.error.text, sizeof(m.as.error.text), "so says a liar");
    answer(h, &m);
}

static bool receive(struct false_hub *h)
{
    zmq_pollitem_t item = {h->socket, 0, ZMQ_POLLIN, 0};
    zmq_msg_t id, body;
    bool is_good;

    if (zmq_poll(&item, 1, 50) <= 0)
        return false;
    (void)zmq_msg_init(&id);
    (void)zmq_msg_init(&body);
    is_good =
        zmq_msg_recv(&id, h->socket, 0) >= 0 && zmq_msg_recv(&body, h->socket, 0) >= 0 && zmq_msg_size(&id) <= ROUTING;
    if (is_good) {
        h->routing_len = zmq_msg_size(&id);
        memcpy(h->routing, zmq_msg_data(&id), h->routing_len);
        zmq_frame_copy(&h->frame, &body);
        is_good = message_decode(&h->in, bytes_of(h->frame.data, h->frame.len)) == OK;
    }
    (void)zmq_msg_close(&id);
    (void)zmq_msg_close(&body);
    return is_good;
}

static void *run(void *arg)
{
    struct false_hub *h = arg;

    while (!h->stopping)
        if (receive(h))
            h->say(h);
    return NULL;
}

static void listen_at_the_hubs_port(struct false_hub *h)
{
    const int one = 1, zero = 0;
    struct key *curve;
    char text[256];

    (void)snprintf(text, sizeof(text), "%s/keys/curve.key", field.d.home);
    MUST(key_read(&curve, text, KEY_CURVE));
    h->ctx = zmq_ctx_new();
    h->socket = zmq_socket(h->ctx, ZMQ_ROUTER);
    assert_non_null(h->socket);
    assert_int_equal(zmq_setsockopt(h->socket, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_setsockopt(h->socket, ZMQ_CURVE_SERVER, &one, sizeof(one)), 0);
    assert_int_equal(zmq_setsockopt(h->socket, ZMQ_CURVE_SECRETKEY, key_secret(curve), KEY_BYTES), 0);
    (void)snprintf(text, sizeof(text), "tcp://127.0.0.1:%d", field.d.port);
    assert_int_equal(zmq_bind(h->socket, text), 0);
    key_free(curve);
}

/* The school's own log goes into a file for as long as this takes. */
static int to_file(int *saved)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/school.log", field.d.dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)fflush(stderr);
    *saved = dup(STDERR_FILENO);
    assert_true(*saved >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    log_init("agent", LOG_NOTICE);
    return fd;
}

static void back(int fd, int saved, const char *line)
{
    char text[16384];
    ssize_t n;

    log_init("test", LOG_ERROR);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    n = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fd);
    if (strstr(text, line) == NULL)
        fail_msg("the school's log does not say \"%s\":\n%s", line, text);
}

/* The school has something to send, meets the false hub, keeps everything; then the true one gets it. */
static void meet(void (*say)(struct false_hub *h), const char *line)
{
    struct false_hub h = {.say = say};
    struct queue_status before, after;
    struct sync_result r;
    uint64_t version = field.victim->directory->version;
    enum grant_status status = field.victim->grant->status;
    struct generation gen = field.victim->gen;
    int fd, saved;

    add_marks(field.victim, ++field.victim_marks, 1);
    MUST(queue_status(field.victim, &before));
    end_program(&field.d.gateway, SIGTERM);
    MUST(key_generate(&h.false_sign, KEY_SIGN));
    MUST(key_generate(&h.false_root, KEY_SIGN));
    buf_init(&h.frame, MESSAGE_MAX_DOWN);
    listen_at_the_hubs_port(&h);
    assert_int_equal(pthread_create(&h.thread, NULL, run, &h), 0);
    fd = to_file(&saved);
    assert_int_not_equal(sync_once(field.victim, &r), OK);
    back(fd, saved, line);
    h.stopping = true;
    assert_int_equal(pthread_join(h.thread, NULL), 0);
    (void)zmq_close(h.socket);
    (void)zmq_ctx_term(h.ctx);
    key_free(h.false_sign);
    key_free(h.false_root);
    buf_fini(&h.frame);
    MUST(queue_status(field.victim, &after));
    assert_int_equal(after.stored, before.stored);
    assert_int_equal(after.archived, before.archived);
    assert_int_equal(field.victim->directory->version, version);
    assert_int_equal(field.victim->grant->status, status);
    assert_int_equal(generation_compare(&field.victim->gen, &gen), 0);
    start_gateway(&field.d);
    MUST(sync_once(field.victim, &r));
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 1);
}

/* ---- what he says ---- */

static void welcome(struct false_hub *h, enum welcome_go go, const struct buf *directory, const struct buf *grant)
{
    static struct message m;
    struct msg_welcome *w = &m.as.welcome;

    memset(&m, 0, sizeof(m));
    m.type = MSG_WELCOME;
    w->version = 1;
    w->go = go;
    w->later_seconds = go == WELCOME_LATER ? LATER_MAX_SECONDS : 0;
    w->next_sequence = h->in.as.hello.receipted + 1;
    w->held_last = h->in.as.hello.receipted;
    w->credit = CREDIT_MAX;
    w->chunk = CHUNK_MAX;
    if (directory != NULL)
        w->directory = bytes_of(directory->data, directory->len);
    if (grant != NULL)
        w->grant = bytes_of(grant->data, grant->len);
    answer(h, &m);
}

static void say_directory(struct false_hub *h)
{
    struct directory *d;
    struct buf certificate, object;

    if (h->in.type != MSG_HELLO) {
        answer_error(h, MERR_BUSY);
        return;
    }
    d = malloc(sizeof(*d));
    assert_non_null(d);
    *d = *field.victim->directory;
    d->version += 10;
    memcpy(d->root, key_public(h->false_root), KEY_BYTES);
    buf_init(&certificate, SIGNED_MAX);
    buf_init(&object, SIGNED_MAX);
    MUST(certificate_make(&certificate, h->false_root, d->district, key_public(h->false_sign), 0, 1));
    MUST(directory_make(&object, d, bytes_of(certificate.data, certificate.len), h->false_sign));
    welcome(h, WELCOME_GO, &object, NULL);
    buf_fini(&certificate);
    buf_fini(&object);
    free(d);
}

static void a_directory_of_his_own(void)
{
    meet(say_directory, "the hub's directory " BELIEVED);
}

static void say_grant(struct false_hub *h)
{
    struct grant *g;
    struct buf object;

    if (h->in.type != MSG_HELLO) {
        answer_error(h, MERR_BUSY);
        return;
    }
    g = malloc(sizeof(*g));
    assert_non_null(g);
    *g = *field.victim->grant;
    g->version += 10;
    g->status = GRANT_REVOKED;
    buf_init(&object, SIGNED_MAX);
    MUST(grant_make(&object, g, h->false_sign));
    welcome(h, WELCOME_GO, NULL, &object);
    buf_fini(&object);
    free(g);
}

static void a_grant_of_his_own(void)
{
    meet(say_grant, "the hub's grant " BELIEVED);
}

/* A receipt for exactly what came, with another's signature. */
static void forged_receipt(struct false_hub *h, enum receipt_state state)
{
    struct message m = {.type = MSG_RECEIPT};
    struct receipt r = {.gen = field.victim->gen, .state = state, .hub_ms = clock_wall_ms(), .ledger_number = 9};
    struct buf object;

    if (h->in.type == MSG_HELLO) {
        welcome(h, WELCOME_GO, NULL, NULL);
        return;
    }
    if (h->in.type != MSG_CHUNK) {
        answer(h, &(struct message){.type = MSG_BYE});
        return;
    }
    memcpy(r.district, field.victim->directory->district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "ms");
    r.sequence = h->in.as.chunk.sequence;
    memcpy(r.batch, h->in.as.chunk.digest, DIGEST_BYTES);
    r.directory_version = 1;
    r.verdicts[VERDICT_COUNTED] = state == RECEIPT_REFUSED ? 0 : 1;
    buf_init(&object, SIGNED_MAX);
    MUST(receipt_make(&object, &r, h->false_sign));
    m.as.signed_object = bytes_of(object.data, object.len);
    answer(h, &m);
    buf_fini(&object);
    answer_error(h, MERR_BUSY);
}

static void say_stored(struct false_hub *h)
{
    forged_receipt(h, RECEIPT_STORED);
}

static void a_receipt_of_his_own(void)
{
    meet(say_stored, "a receipt " BELIEVED);
}

static void say_archived(struct false_hub *h)
{
    forged_receipt(h, RECEIPT_ARCHIVED);
}

static void the_word_archived_of_his_own(void)
{
    meet(say_archived, "a receipt " BELIEVED);
}

/* He may have the true receipts of another school; they are of another. */
static void say_anothers_receipt(struct false_hub *h)
{
    struct message m = {.type = MSG_RECEIPT};
    struct receipt r;
    struct buf object;
    struct store_txn *t;
    struct hub *hub;
    uint8_t digest_of[DIGEST_BYTES];
    const struct participant *p;

    if (h->in.type == MSG_HELLO) {
        welcome(h, WELCOME_GO, NULL, NULL);
        return;
    }
    buf_init(&object, SIGNED_MAX);
    MUST(hub_open(&hub, field.d.home, HUB_READ));
    MUST(store_begin_read(hub->store, &t));
    p = registry_by_id(hub->registry, "gp");
    assert_non_null(p);
    MUST(ledger_batch(t, p->index, &field.honest->gen, 1, digest_of, &object));
    store_abort(t);
    hub_close(hub, false);
    MUST(receipt_open(&r, bytes_of(object.data, object.len), field.victim->directory->hub_sign));
    receipt_fini(&r);
    m.as.signed_object = bytes_of(object.data, object.len);
    answer(h, &m);
    buf_fini(&object);
    answer_error(h, MERR_BUSY);
}

static void anothers_true_receipt(void)
{
    meet(say_anothers_receipt, "a receipt " BELIEVED);
}

/* "I hold nothing of yours, begin anew": only a signed word may change a number. */
static void say_reconcile(struct false_hub *h)
{
    struct message m = {.type = MSG_RECONCILE_REPLY};
    struct reconcile r = {.gen = field.victim->gen, .first = 1, .last = 1000, .next_counter = 1000, .is_closed = true};
    struct buf object;

    if (h->in.type == MSG_HELLO) {
        welcome(h, WELCOME_RECONCILE, NULL, NULL);
        return;
    }
    memcpy(r.district, field.victim->directory->district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "ms");
    buf_init(&object, SIGNED_MAX);
    MUST(reconcile_make(&object, &r, h->false_sign));
    m.as.signed_object = bytes_of(object.data, object.len);
    for (int i = 0; i < 4; i++)
        answer(h, &m);
    buf_fini(&object);
}

static void a_list_of_what_he_holds(void)
{
    meet(say_reconcile, "the hub's list of what it holds " BELIEVED);
}

static void say_noise(struct false_hub *h)
{
    uint8_t noise[400];

    random_bytes(noise, sizeof(noise));
    noise[0] = 0xc1;
    for (int i = 0; i < 4; i++)
        answer_bytes(h, noise, sizeof(noise));
}

static void noise(void)
{
    meet(say_noise, "a message " BELIEVED);
}

static void say_revoked(struct false_hub *h)
{
    answer_error(h, MERR_REVOKED);
}

/* An unsigned word: it is told, and changes nothing. */
static void you_are_revoked(void)
{
    meet(say_revoked, "the hub says: revoked");
}

static void say_sequence(struct false_hub *h)
{
    if (h->in.type == MSG_HELLO)
        welcome(h, WELCOME_GO, NULL, NULL);
    else
        answer_error(h, MERR_SEQUENCE);
}

/* Round and round: the meeting ends by itself. */
static void greet_me_again(void)
{
    meet(say_sequence, "the hub says: sequence");
}

static void say_signature(struct false_hub *h)
{
    if (h->in.type == MSG_HELLO)
        welcome(h, WELCOME_GO, NULL, NULL);
    else
        answer_error(h, MERR_SIGNATURE);
}

/* The school looks at its own disk, finds its batch whole, and keeps it. */
static void your_signature_is_wrong(void)
{
    meet(say_signature, "the hub says: signature");
}

const struct attack false_hub_attacks[] = {
    {"false hub: a directory of his own", NULL, a_directory_of_his_own}, /* each checks the school's log itself */
    {"false hub: a grant of his own", NULL, a_grant_of_his_own},
    {"false hub: a receipt of his own", NULL, a_receipt_of_his_own},
    {"false hub: the word archived of his own", NULL, the_word_archived_of_his_own},
    {"false hub: another's true receipt", NULL, anothers_true_receipt},
    {"false hub: a list of what he holds", NULL, a_list_of_what_he_holds},
    {"false hub: noise", NULL, noise},
    {"false hub: you are revoked", NULL, you_are_revoked},
    {"false hub: greet me again", NULL, greet_me_again},
    {"false hub: your signature is wrong", NULL, your_signature_is_wrong},
    {NULL, NULL, NULL}};
