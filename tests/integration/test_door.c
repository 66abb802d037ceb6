/* The door: joining with nothing but a sheet; who is let in there, what may be seen and done, and what is said to those
 * who are not (invariants 6 and 9). */
#include "tests/integration/meeting_fixture.h"

#include "agent/door.h"
#include "agent/enrolment.h"
#include "hub/registry_internal.h"

#include <pthread.h>

struct doors {
    struct district d;
    int door;
    struct invitation inv;
    struct buf keep;
    struct ticket ticket; /* the sheet of gp */
    struct invitation got;
    struct buf got_keep;
};

static int begin(void **state)
{
    struct doors *x = calloc(1, sizeof(*x));
    char conf[64], url[64];

    assert_non_null(x);
    x->door = free_port();
    (void)snprintf(conf, sizeof(conf), "door: \"tcp://127.0.0.1:%d\"\n", x->door);
    district_new(&x->d, conf);
    buf_init(&x->keep, INVITATION_MAX);
    buf_init(&x->got_keep, INVITATION_MAX);
    MUST(invitation_read(&x->inv, &x->keep, bytes_of(x->d.invitations[0].data, x->d.invitations[0].len)));
    memcpy(x->ticket.code, x->inv.code, sizeof(x->ticket.code));
    fingerprint_bytes(x->ticket.print, x->inv.root);
    (void)snprintf(url, sizeof(url), "127.0.0.1:%d", x->door);
    MUST(ticket_add_door(&x->ticket, url));
    district_start(&x->d);
    *state = x;
    return 0;
}

static int end(void **state)
{
    struct doors *x = *state;

    buf_fini(&x->keep);
    buf_fini(&x->got_keep);
    district_free(&x->d);
    free(x);
    return 0;
}

static enum err knock(struct doors *x)
{
    err_clear();
    return door_fetch(&x->got, &x->got_keep, &x->ticket, NULL);
}

static struct agent *join_by_sheet(struct doors *x, const char *name)
{
    struct agent *a = NULL;
    char home[128];

    MUST(knock(x));
    (void)snprintf(home, sizeof(home), "%s/%s", x->d.dir, name);
    MUST(agent_create(home, &x->got));
    MUST(agent_open(&a, home));
    return a;
}

/* The hub's own words about gp, beside the running core. */
static void with_gp(const struct doors *x, void (*change)(struct participant *p))
{
    struct store_txn *t;
    struct hub *h;
    struct participant *p;

    MUST(hub_open(&h, x->d.home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    p = registry_find(h->registry, "gp");
    change(p);
    MUST(registry_put(h, t, p));
    MUST(store_commit(t));
    hub_close(h, true);
}

static uint32_t tries_of_gp(const struct doors *x)
{
    struct hub *h;
    uint32_t tries;

    MUST(hub_open(&h, x->d.home, HUB_READ));
    tries = registry_by_id(h->registry, "gp")->tries;
    hub_close(h, false);
    return tries;
}

/* ---- what a sheet is good for ---- */

static void a_sheet_alone_gives_what_the_file_would_have_given_and_the_computer_joins(void **state)
{
    struct doors *x = *state;
    char words[SIX_WORDS_MAX], theirs[SIX_WORDS_MAX];
    const struct participant *p;
    struct sync_result r;
    struct agent *a;
    struct hub *h;

    a = join_by_sheet(x, "gp");
    assert_int_equal(x->got.object_count, x->inv.object_count);
    assert_int_equal(x->got.directory.len, x->inv.directory.len);
    assert_memory_equal(x->got.directory.p, x->inv.directory.p, x->inv.directory.len);
    assert_int_equal(x->got.grant.len, x->inv.grant.len);
    assert_memory_equal(x->got.grant.p, x->inv.grant.p, x->inv.grant.len);
    add_marks(a, 1, 5); /* before it has joined */
    MUST(sync_once(a, &r));
    assert_true(r.joined);
    assert_true(agent_is_enrolled(a));
    assert_int_equal(held_by(&x->d).counted, 5);

    MUST(hub_open(&h, x->d.home, HUB_READ));
    p = registry_by_id(h->registry, "gp");
    assert_string_equal(p->joined_from, "127.0.0.1");
    assert_true(p->has_transcript);
    six_words(theirs, p->transcript, false);
    MUST(enrolment_words(a, words));
    assert_string_equal(words, theirs); /* what the two read to each other */
    hub_close(h, false);
    assert_hub_verifies(&x->d);
    agent_close(a);
}

/* ---- who is not let in ---- */

static void a_wrong_letter_of_the_code_is_not_let_in(void **state)
{
    struct doors *x = *state;

    x->ticket.code[13] = x->ticket.code[13] == 'A' ? 'B' : 'A';
    assert_int_equal(knock(x), ERR_DENIED);
    assert_non_null(strstr(err_text(), "letter by letter"));
    assert_int_equal(x->got_keep.len, 0);
    assert_int_equal(tries_of_gp(x), 0); /* it is nobody's invitation */
}

static void a_wrong_letter_of_the_fingerprint_finds_no_door(void **state)
{
    struct doors *x = *state;

    x->ticket.print[19] ^= 1;
    assert_int_equal(knock(x), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "fingerprint"));
    assert_int_equal(x->got_keep.len, 0);
}

static enum err try_door(const struct doors *x, const struct key *curve)
{
    struct key *door = NULL;
    struct link *l = NULL;
    struct link_options o = {.url = x->ticket.doors[0], .curve = curve, .connect_ms = 10000, .handshake_ms = 10000};
    enum err e;

    MUST(door_key(&door, x->ticket.print));
    o.server_key = key_public(door);
    e = link_open(&l, &o);
    link_close(l);
    key_free(door);
    return e;
}

static void neither_strangers_nor_those_who_have_joined_are_let_in_at_the_door(void **state)
{
    struct doors *x = *state;
    struct sync_result r;
    struct key *stranger;
    struct agent *a;

    MUST(key_generate(&stranger, KEY_CURVE));
    assert_int_equal(try_door(x, stranger), ERR_DENIED);
    a = join_by_sheet(x, "gp");
    MUST(sync_once(a, &r));
    MUST(sync_once(a, &r));                              /* over its own key at the hub's own address */
    assert_int_equal(try_door(x, a->curve), ERR_DENIED); /* and nowhere else */
    agent_close(a);
    key_free(stranger);
}

/* ---- a hub that only poses as this one: the door's key is no secret ---- */

struct impostor {
    void *ctx, *router;
    struct buf welcome;
};

static void *pose(void *ctx)
{
    struct impostor *i = ctx;
    zmq_pollitem_t item = {i->router, 0, ZMQ_POLLIN, 0};
    char id[64], frame[4096];
    int n;

    if (zmq_poll(&item, 1, START_MS) <= 0 || (n = zmq_recv(i->router, id, sizeof(id), 0)) <= 0 ||
        zmq_recv(i->router, frame, sizeof(frame), 0) <= 0)
        return NULL;
    (void)zmq_send(i->router, id, (size_t)n, ZMQ_SNDMORE);
    (void)zmq_send(i->router, i->welcome.data, i->welcome.len, 0);
    (void)zmq_poll(&item, 1, 200); /* until it is written out */
    return i;
}

static void impostor_open(struct impostor *i, const struct doors *x, const struct message *m)
{
    const int yes = 1;
    const int linger = 1000;
    char url[64];
    struct key *door;

    i->ctx = zmq_ctx_new();
    i->router = zmq_socket(i->ctx, ZMQ_ROUTER);
    MUST(door_key(&door, x->ticket.print)); /* whoever has a sheet can make it */
    assert_int_equal(zmq_setsockopt(i->router, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq_setsockopt(i->router, ZMQ_CURVE_SERVER, &yes, sizeof(yes)), 0);
    assert_int_equal(zmq_setsockopt(i->router, ZMQ_CURVE_SECRETKEY, key_secret(door), KEY_BYTES), 0);
    (void)snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", free_port());
    assert_int_equal(zmq_bind(i->router, url), 0);
    buf_init(&i->welcome, MESSAGE_MAX_DOWN);
    MUST(message_encode(&i->welcome, m));
    key_free(door);
}

static enum err knock_at_impostor(struct doors *x, const struct message *m)
{
    struct impostor i;
    pthread_t thread;
    size_t size = sizeof(x->ticket.doors[0]);
    void *posed = NULL;
    enum err e;

    impostor_open(&i, x, m);
    assert_int_equal(zmq_getsockopt(i.router, ZMQ_LAST_ENDPOINT, x->ticket.doors[0], &size), 0);
    assert_int_equal(pthread_create(&thread, NULL, pose, &i), 0);
    e = knock(x);
    assert_int_equal(pthread_join(thread, &posed), 0);
    assert_non_null(posed);
    buf_fini(&i.welcome);
    (void)zmq_close(i.router);
    (void)zmq_ctx_term(i.ctx);
    return e;
}

static void an_impostor_at_the_door_is_noticed_before_anything_is_kept(void **state)
{
    struct doors *x = *state;
    struct message m = {.type = MSG_WELCOME};
    struct msg_welcome *w = &m.as.welcome;
    struct district other;
    struct invitation *foreign = calloc(1, sizeof(*foreign));
    struct buf keep, forged;

    assert_non_null(foreign);
    district_new(&other, "");
    buf_init(&keep, INVITATION_MAX);
    buf_init(&forged, SIGNED_MAX);
    MUST(invitation_read(foreign, &keep, bytes_of(other.invitations[0].data, other.invitations[0].len)));
    w->version = 1;
    w->next_sequence = 1;
    w->chunk = 1024;

    w->directory = foreign->directory; /* another district's, in itself in order */
    w->grant = foreign->grant;
    assert_int_equal(knock_at_impostor(x, &m), ERR_AUTH);
    assert_non_null(strstr(err_text(), "not the one of this fingerprint"));
    assert_int_equal(x->got_keep.len, 0);

    w->directory = x->inv.directory; /* this district's, copied, and a grant of the other */
    assert_int_equal(knock_at_impostor(x, &m), ERR_AUTH);

    buf_put(&forged, x->inv.directory.p, x->inv.directory.len); /* the right root named, a byte changed */
    forged.data[30] ^= 1;
    w->directory = bytes_of(forged.data, forged.len);
    w->grant = x->inv.grant;
    assert_int_equal(knock_at_impostor(x, &m), ERR_AUTH);

    w->directory = bytes_of(NULL, 0);
    w->grant = bytes_of(NULL, 0);
    assert_int_equal(knock_at_impostor(x, &m), ERR_AUTH);
    buf_fini(&keep);
    buf_fini(&forged);
    free(foreign);
    district_free(&other);
}

/* ---- what is said about an invitation that is good no more ---- */

static void expire(struct participant *p)
{
    p->invite_expires_ms = 1;
}

static void a_used_and_an_expired_invitation_say_so(void **state)
{
    struct doors *x = *state;
    struct sync_result r;
    struct agent *a;

    with_gp(x, expire);
    assert_int_equal(knock(x), ERR_DENIED);
    assert_non_null(strstr(err_text(), "expired"));
    a = school_join(&x->d, 0, "late"); /* by its file it learns the same */
    assert_int_equal(sync_once(a, &r), ERR_DENIED);
    assert_int_equal(r.refusal, MERR_INVITATION_EXPIRED);
    agent_close(a);

    x->ticket.code[0] = '\0'; /* the other school's sheet */
    MUST(invitation_read(&x->inv, &x->keep, bytes_of(x->d.invitations[1].data, x->d.invitations[1].len)));
    memcpy(x->ticket.code, x->inv.code, sizeof(x->ticket.code));
    a = join_by_sheet(x, "ms");
    MUST(sync_once(a, &r));
    agent_close(a);
    assert_int_equal(knock(x), ERR_DENIED);
    assert_non_null(strstr(err_text(), "used"));
}

/* A request that is sealed to the hub by somebody who has the transport key of the code and not the code. */
static void send_wrong_request(const struct doors *x, const struct agent *a, struct client *c)
{
    struct enrol_request r = {.made_ms = 1600000000000};
    uint8_t mac[KEY_BYTES] = {1}, seal_to[KEY_BYTES];
    struct message *m = hello_of(a);
    struct buf sealed;

    (void)x;
    memcpy(r.district, a->directory->district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "gp");
    memcpy(r.sign_key, key_public(a->sign), KEY_BYTES);
    MUST(directory_current_seal_key(a->directory, seal_to));
    buf_init(&sealed, ENROL_MAX);
    MUST(enrol_make(&sealed, &r, a->sign, mac, seal_to));
    m->as.hello.enrol = bytes_of(sealed.data, sealed.len);
    client_send(c, m);
    buf_fini(&sealed);
    free(m);
}

static void invite_again(struct doors *x)
{
    struct store_txn *t;
    struct hub *h;

    buf_reset(&x->d.invitations[0]);
    MUST(hub_open(&h, x->d.home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    MUST(registry_invite(h, t, "gp", 0, &x->d.invitations[0], &x->ticket));
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    hub_close(h, true);
}

static void five_wrong_tries_lock_an_invitation_and_the_next_one_takes_its_place(void **state)
{
    struct doors *x = *state;
    struct agent *a = school_join(&x->d, 0, "gp");
    struct sync_result r;
    struct key *curve;
    struct client c;

    MUST(invitation_curve(&curve, a->code, x->ticket.print));
    for (uint32_t i = 1; i <= REGISTRY_TRIES + 1; i++) {
        client_open(&c, &x->d, a, curve, NULL);
        send_wrong_request(x, a, &c);
        client_expect_error(&c, i <= REGISTRY_TRIES ? MERR_ENROL : MERR_INVITATION_LOCKED);
        client_close(&c);
        assert_int_equal(tries_of_gp(x), i < REGISTRY_TRIES ? i : REGISTRY_TRIES);
    }
    assert_int_equal(knock(x), ERR_DENIED);
    assert_non_null(strstr(err_text(), "locked"));
    add_marks(a, 1, 3);
    assert_int_equal(sync_once(a, &r), ERR_DENIED); /* the right code comes too late */
    assert_int_equal(r.refusal, MERR_INVITATION_LOCKED);

    invite_again(x);
    assert_int_equal(sync_once(a, &r), ERR_DENIED); /* the old code is nobody's any more */
    assert_int_equal(r.outcome, SYNC_KEY_REFUSED);
    MUST(knock(x));
    MUST(agent_invited_again(a, &x->got)); /* into the same folder: what was entered is still there */
    MUST(sync_once(a, &r));
    assert_true(r.joined);
    assert_int_equal(held_by(&x->d).counted, 3);
    assert_int_equal(agent_invited_again(a, &x->got), ERR_EXISTS);
    assert_hub_verifies(&x->d);
    key_free(curve);
    agent_close(a);
}

/* ---- what may be done with a code and no more ---- */

static void whoever_has_a_code_may_look_and_send_nothing(void **state)
{
    struct doors *x = *state;
    struct agent *a = school_join(&x->d, 0, "gp");
    struct message *m = hello_of(a);
    struct ledger_totals before = held_by(&x->d), after;
    struct sealed batch;
    struct key *curve;
    struct client c;
    uint64_t sealed;

    add_marks(a, 1, 10);
    MUST(queue_seal(a, &sealed));
    sealed_load(&batch, a, 1);
    MUST(invitation_curve(&curve, a->code, x->ticket.print));
    client_open(&c, &x->d, a, curve, NULL);
    client_send(&c, m); /* an ordinary greeting without a request */
    client_expect_error(&c, MERR_ENROL);
    memset(m->as.hello.district, 0, sizeof(m->as.hello.district));
    client_send(&c, m); /* asking, and naming itself: not the way to ask */
    client_expect_error(&c, MERR_UNKNOWN);
    (void)snprintf(m->as.hello.participant, sizeof(m->as.hello.participant), HELLO_NOBODY);
    client_send(&c, m);
    client_expect(&c, MSG_WELCOME);
    assert_int_equal(c.in.as.welcome.directory.len, x->inv.directory.len);
    assert_int_equal(c.in.as.welcome.grant.len, x->inv.grant.len);
    client_chunk(&c, &batch, 0, 500);
    client_expect_error(&c, MERR_ORDER);
    client_close(&c);
    after = held_by(&x->d);
    assert_memory_equal(&before, &after, sizeof(before));
    sealed_free(&batch);
    key_free(curve);
    free(m);
    agent_close(a);
}

/* The key of one that has joined does not open what is an invitation's. */
static void one_that_has_joined_cannot_ask_as_nobody(void **state)
{
    struct doors *x = *state;
    struct agent *a = school_join(&x->d, 0, "gp");
    struct sync_result r;
    struct message *m;
    struct client c;

    MUST(sync_once(a, &r));
    m = hello_of(a);
    memset(m->as.hello.district, 0, sizeof(m->as.hello.district));
    (void)snprintf(m->as.hello.participant, sizeof(m->as.hello.participant), HELLO_NOBODY);
    client_open(&c, &x->d, a, a->curve, NULL);
    client_send(&c, m);
    client_expect_error(&c, MERR_UNKNOWN);
    client_close(&c);
    free(m);
    agent_close(a);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_sheet_alone_gives_what_the_file_would_have_given_and_the_computer_joins),
        WITH(a_wrong_letter_of_the_code_is_not_let_in),
        WITH(a_wrong_letter_of_the_fingerprint_finds_no_door),
        WITH(neither_strangers_nor_those_who_have_joined_are_let_in_at_the_door),
        WITH(an_impostor_at_the_door_is_noticed_before_anything_is_kept),
        WITH(a_used_and_an_expired_invitation_say_so),
        WITH(five_wrong_tries_lock_an_invitation_and_the_next_one_takes_its_place),
        WITH(whoever_has_a_code_may_look_and_send_nothing),
        WITH(one_that_has_joined_cannot_ask_as_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
