/* A school in good standing says what no agent of ours would: the messages of a meeting. */
#include "tests/fault/attack/attack.h"

static void open_evil(struct client *c)
{
    client_open(c, &field.d, field.evil, field.evil->curve, NULL);
}

static void open_greeted(struct client *c)
{
    open_evil(c);
    client_greet(c, field.evil);
}

static void hello_changed(void (*change)(struct msg_hello *h), enum message_error code)
{
    struct message *m = hello_of(field.evil);
    struct client c;

    change(&m->as.hello);
    open_evil(&c);
    client_send(&c, m);
    client_expect_error(&c, code);
    client_close(&c);
    free(m);
}

static void as_victim(struct msg_hello *h)
{
    (void)snprintf(h->participant, sizeof(h->participant), "ms");
}

static void a_hello_in_anothers_name(void)
{
    hello_changed(as_victim, MERR_UNKNOWN);
}

static void of_elsewhere(struct msg_hello *h)
{
    h->district[3] ^= 1;
}

static void a_hello_of_another_district(void)
{
    hello_changed(of_elsewhere, MERR_UNKNOWN);
}

static void anothers_routing_id(void)
{
    struct message *m = hello_of(field.evil);
    struct client c;

    client_open(&c, &field.d, field.evil, field.evil->curve, "\x01gp-1");
    client_send(&c, m);
    assert_false(client_receive(&c, 300));
    client_close(&c);
    free(m);
}

/* The other's meeting is named by its connection: to guess its number helps nobody. */
static void a_routing_id_like_those_the_hub_makes(void)
{
    struct message *m = hello_of(field.evil);
    struct client c;

    client_open(&c, &field.d, field.evil, field.evil->curve, "gw\x01\x02\x03");
    client_send(&c, m);
    (void)client_receive(&c, 300);
    client_close(&c);
    free(m);
}

static void everything_out_of_order(void)
{
    static const enum message_type types[] = {MSG_ACK, MSG_GET, MSG_RECONCILE};
    struct client c;

    open_evil(&c);
    for (size_t i = 0; i < COUNT(types); i++) {
        struct message m = {.type = types[i]};

        m.as.reconcile.gen = field.evil->gen;
        m.as.reconcile.from = 1;
        if (types[i] == MSG_GET)
            memset(&m.as.get, 0, sizeof(m.as.get));
        if (types[i] == MSG_ACK)
            m.as.ack = (struct msg_ack){.sequence = 1};
        client_send(&c, &m);
        client_expect_error(&c, MERR_ORDER);
    }
    client_close(&c);
}

static void what_only_a_hub_may_say(void)
{
    struct message m = {.type = MSG_BYE};
    struct message w = {.type = MSG_WELCOME};
    struct client c;

    w.as.welcome.version = 1;
    w.as.welcome.go = WELCOME_GO;
    w.as.welcome.next_sequence = 1;
    w.as.welcome.chunk = 1;
    w.as.welcome.credit = 1;
    open_greeted(&c);
    client_send(&c, &w);
    client_expect_error(&c, MERR_ORDER);
    client_send(&c, &m);
    client_close(&c);
}

static void a_frame_of_two_hundred_kilobytes(void)
{
    char *large = calloc(1, 200000);
    struct client c;

    assert_non_null(large);
    open_greeted(&c);
    client_send_bytes(&c, large, 200000, false);
    assert_false(client_receive(&c, 300));
    client_close(&c);
    free(large);
}

static void a_message_of_twenty_thousand_frames(void)
{
    struct client c;

    open_greeted(&c);
    for (int i = 0; i < 20000; i++)
        client_send_bytes(&c, "x", 1, true);
    client_send_bytes(&c, "x", 1, false);
    client_expect_error(&c, MERR_MALFORMED);
    client_close(&c);
}

static void noise(void)
{
    uint8_t bytes[1000];
    struct client c;

    open_greeted(&c);
    random_bytes(bytes, sizeof(bytes));
    bytes[0] = 0xc1;
    client_send_bytes(&c, bytes, sizeof(bytes), false);
    client_expect_error(&c, MERR_MALFORMED);
    client_close(&c);
}

/* Five bytes for which a careless reader reserves gibibytes. */
static void an_array_of_four_thousand_million_elements(void)
{
    struct client c;

    open_greeted(&c);
    client_send_bytes(&c, "\xdd\xff\xff\xff\xff", 5, false);
    client_expect_error(&c, MERR_MALFORMED);
    client_close(&c);
}

static void thousands_of_arrays_inside_each_other(void)
{
    uint8_t bytes[5000];
    struct client c;

    memset(bytes, 0x91, sizeof(bytes));
    open_greeted(&c);
    client_send_bytes(&c, bytes, sizeof(bytes), false);
    client_expect_error(&c, MERR_MALFORMED);
    client_close(&c);
}

static void messages_of_types_that_nobody_knows(void)
{
    static const uint8_t unknown[] = {0x91, 99};
    struct client c;

    open_greeted(&c);
    for (int i = 0; i < 17; i++)
        client_send_bytes(&c, unknown, sizeof(unknown), false);
    client_expect_error(&c, MERR_LIMIT);
    client_close(&c);
}

static void two_hundred_requests_at_once(void)
{
    struct message get = {.type = MSG_GET};
    struct client c;
    int answers = 0;

    open_greeted(&c);
    for (int i = 0; i < 200; i++)
        client_send(&c, &get);
    while (answers < 200 && client_receive(&c, 2000) && c.in.type == MSG_OBJECT) {
        assert_int_equal(c.in.as.object.total, 0); /* there is no such object for anybody */
        answers++;
    }
    if (answers < 200)
        assert_int_equal(c.in.as.error.code, MERR_LIMIT);
    client_close(&c);
}

/* What is not in the directory is not handed out, though the hub's store has it: here the digest of a batch. */
static void a_request_for_what_is_not_listed(void)
{
    struct message get = {.type = MSG_GET};
    struct batch_state b;
    struct client c;

    MUST(queue_batch(field.victim, &field.victim->gen, 1, &b));
    memcpy(get.as.get.digest, b.digest, DIGEST_BYTES);
    open_greeted(&c);
    client_send(&c, &get);
    client_expect(&c, MSG_OBJECT);
    assert_int_equal(c.in.as.object.total, 0);
    client_close(&c);
}

static void chunks_beyond_the_credit(void)
{
    struct forgery f;
    struct sealed s;
    struct client c;
    struct message *m = hello_of(field.evil);
    uint8_t *noise_bytes = malloc(300000);

    assert_non_null(noise_bytes);
    random_bytes(noise_bytes, 300000);
    forge_init(&f);
    buf_reset(&f.plain);
    buf_put(&f.plain, noise_bytes, 300000);
    forge_seal(&f, &s);
    m->as.hello.gen = s.state.gen;
    m->as.hello.offer_count = 0;
    m->as.hello.last_sealed = m->as.hello.first_held = m->as.hello.receipted = 0;
    memset(m->as.hello.head, 0, DIGEST_BYTES);
    open_evil(&c);
    client_send(&c, m);
    client_expect(&c, MSG_WELCOME);
    for (uint32_t at = 0; at + 4096 <= s.bytes.len; at += 4096)
        client_chunk(&c, &s, at, 4096); /* 16 KiB may be under way; all of it at once is more than that */
    client_close(&c);
    sealed_free(&s);
    forge_fini(&f);
    free(noise_bytes);
    free(m);
}

static void a_chunk_larger_than_allowed(void)
{
    struct forgery f;
    struct sealed s;
    struct client c;

    forge_init(&f);
    forge_seal(&f, &s);
    assert_non_null(buf_grow(&s.bytes, 9000));
    open_greeted(&c);
    client_chunk(&c, &s, 0, 8000);
    client_expect_error(&c, MERR_LIMIT);
    client_close(&c);
    sealed_free(&s);
    forge_fini(&f);
}

static void a_hole_between_chunks(void)
{
    struct sealed s;
    struct client c;

    sealed_load(&s, field.evil, 1);
    open_greeted(&c);
    client_chunk(&c, &s, 200, 100);
    client_expect_error(&c, MERR_ORDER);
    client_close(&c);
    sealed_free(&s);
}

/* A thousand queues that nobody ever filled: nothing of them is kept. */
static void a_thousand_histories_in_one_meeting(void)
{
    struct message *m = hello_of(field.evil);
    struct client c;

    open_evil(&c);
    for (int i = 0; i < 1000; i++) {
        m->as.hello.gen = attack_generation();
        m->as.hello.first_held = m->as.hello.last_sealed = m->as.hello.receipted = 0;
        m->as.hello.offer_count = 0;
        memset(m->as.hello.head, 0, DIGEST_BYTES);
        client_send(&c, m);
        client_expect(&c, MSG_WELCOME);
        assert_int_equal(c.in.as.welcome.held_last, 0);
    }
    client_close(&c);
    free(m);
}

/* One meeting for each participant, however many connections it opens. */
static void more_connections_than_there_are_slots(void)
{
    enum { MANY = 30 };
    struct client c[MANY];

    for (size_t i = 0; i < MANY; i++)
        open_greeted(&c[i]);
    client_send(&c[0], &(struct message){.type = MSG_GET});
    client_expect_error(&c[0], MERR_ORDER);
    for (size_t i = 0; i < MANY; i++)
        client_close(&c[i]);
}

static void a_peer_that_never_reads(void)
{
    const struct directory_object *o = &field.evil->directory->objects[0];
    struct message get = {.type = MSG_GET};
    struct client c;

    open_greeted(&c);
    memcpy(get.as.get.digest, o->digest, DIGEST_BYTES);
    for (int i = 0; i < 3000; i++)
        client_send(&c, &get);
    client_close(&c);
}

static void a_slow_peer_in_the_middle_of_a_batch(void)
{
    struct sealed s;
    struct client c;

    sealed_load(&s, field.evil, 1);
    open_greeted(&c);
    for (uint32_t at = 0; at < 60; at++) {
        client_chunk(&c, &s, at, 1);
        clock_sleep_ms(1);
    }
    client_close(&c);
    sealed_free(&s);
}

static void a_flood_of_reconciling(void)
{
    struct message m = {.type = MSG_RECONCILE};
    struct client c;
    int answers = 0;

    open_greeted(&c);
    m.as.reconcile.gen = field.evil->gen;
    m.as.reconcile.from = 1;
    for (int i = 0; i < 300; i++)
        client_send(&c, &m);
    while (answers < 300 && client_receive(&c, 2000) && c.in.type == MSG_RECONCILE_REPLY)
        answers++;
    assert_true(answers > 0);
    client_close(&c);
}

/* What the hub holds of another is nobody's to ask: the answer is about the asker. */
static void reconciling_anothers_history(void)
{
    struct message m = {.type = MSG_RECONCILE};
    struct reconcile r;
    struct client c;

    open_greeted(&c);
    m.as.reconcile.gen = field.victim->gen;
    m.as.reconcile.from = 1;
    client_send(&c, &m);
    client_expect(&c, MSG_RECONCILE_REPLY);
    MUST(reconcile_open(&r, c.in.as.signed_object, field.evil->directory->hub_sign));
    assert_string_equal(r.participant, "ev");
    assert_int_equal(r.count, 0);
    reconcile_fini(&r);
    client_close(&c);
}

/* ---- invitations ---- */

/* The invitation of a school that has joined, once more, with other keys. */
static void a_used_invitation_once_more(void)
{
    struct agent *a = school_join(&field.d, 2, "ev-again");
    struct sync_result r;
    struct client c;

    open_greeted(&c); /* a meeting of the computer that joined is not ended by it: so this one says good-bye */
    client_send(&c, &(struct message){.type = MSG_BYE});
    client_expect(&c, MSG_BYE);
    client_close(&c);
    assert_int_equal(sync_once(a, &r), ERR_DENIED);
    assert_int_equal(r.refusal, MERR_INVITATION_USED);
    agent_close(a);
}

static struct key *invitation_key(const struct agent *a)
{
    uint8_t print[FINGERPRINT_BYTES];
    struct key *k;

    fingerprint_bytes(print, a->directory->root);
    MUST(invitation_curve(&k, a->code, print));
    return k;
}

static void an_invitation_in_anothers_name(void)
{
    struct agent *a = school_join(&field.d, 4, "nw-false");
    struct message *m = hello_of(a);
    struct key *k;
    struct client c;

    k = invitation_key(a);
    (void)snprintf(m->as.hello.participant, sizeof(m->as.hello.participant), "ms");
    client_open(&c, &field.d, a, k, NULL);
    client_send(&c, m);
    client_expect_error(&c, MERR_UNKNOWN);
    client_close(&c);
    key_free(k);
    free(m);
    agent_close(a);
}

static void enrol_with(const uint8_t mac[KEY_BYTES], const char *participant, const uint8_t *seal_to)
{
    struct agent *a = school_join(&field.d, 4, participant);
    struct enrol_request q = {.participant = "nw"};
    struct message *m = hello_of(a);
    struct buf sealed;
    struct key *k;
    struct client c;

    memcpy(q.district, a->directory->district, sizeof(q.district));
    memcpy(q.sign_key, key_public(a->sign), KEY_BYTES);
    memcpy(q.curve_key, key_public(a->curve), KEY_BYTES);
    random_bytes(q.nonce, sizeof(q.nonce));
    buf_init(&sealed, ENROL_MAX);
    MUST(enrol_make(&sealed, &q, a->sign, mac, seal_to));
    k = invitation_key(a);
    m->as.hello.enrol = bytes_of(sealed.data, sealed.len);
    client_open(&c, &field.d, a, k, NULL);
    client_send(&c, m);
    client_expect_error(&c, MERR_ENROL);
    client_close(&c);
    key_free(k);
    buf_fini(&sealed);
    free(m);
    agent_close(a);
}

static void a_request_made_with_another_code(void)
{
    uint8_t mac[KEY_BYTES], seal_to[KEY_BYTES];

    random_bytes(mac, sizeof(mac));
    MUST(directory_current_seal_key(field.evil->directory, seal_to));
    enrol_with(mac, "nw-mac", seal_to);
}

static void a_request_sealed_to_another_hub(void)
{
    uint8_t mac[KEY_BYTES];
    struct key *other;

    random_bytes(mac, sizeof(mac));
    MUST(key_generate(&other, KEY_SEAL));
    enrol_with(mac, "nw-seal", key_public(other));
    key_free(other);
}

static void a_request_of_noise(void)
{
    struct agent *a = school_join(&field.d, 4, "nw-noise");
    struct message *m = hello_of(a);
    uint8_t bytes[ENROL_MAX];
    struct key *k;
    struct client c;

    random_bytes(bytes, sizeof(bytes));
    k = invitation_key(a);
    m->as.hello.enrol = bytes_of(bytes, sizeof(bytes));
    client_open(&c, &field.d, a, k, NULL);
    client_send(&c, m);
    client_expect_error(&c, MERR_ENROL);
    client_close(&c);
    key_free(k);
    free(m);
    agent_close(a);
}

#define LINE_UNKNOWN "this key does not belong to this participant"

const struct attack meeting_attacks[] = {
    {"school: a hello in another's name", "unknown: " LINE_UNKNOWN, a_hello_in_anothers_name},
    {"school: a hello of another district", "this hub is another district's", a_hello_of_another_district},
    {"school: another's routing id", "chose its own routing id", anothers_routing_id},
    {"school: a routing id like those the hub makes", "chose its own routing id",
     a_routing_id_like_those_the_hub_makes},
    {"school: everything out of order", "HELLO comes first", everything_out_of_order},
    {"school: what only a hub may say", "this message is the hub's to send", what_only_a_hub_may_say},
    {"school: a frame of two hundred kilobytes", NULL, a_frame_of_two_hundred_kilobytes}, /* libzmq cuts it off */
    {"school: a message of twenty thousand frames", "a message of more than one frame",
     a_message_of_twenty_thousand_frames},
    {"school: noise", "malformed", noise},
    {"school: an array of four thousand million elements", "malformed", an_array_of_four_thousand_million_elements},
    {"school: thousands of arrays inside each other", "malformed", thousands_of_arrays_inside_each_other},
    {"school: messages of types that nobody knows", "too many messages of unknown types",
     messages_of_types_that_nobody_knows},
    {"school: two hundred requests at once", NULL, two_hundred_requests_at_once},         /* answered, or LIMIT */
    {"school: a request for what is not listed", NULL, a_request_for_what_is_not_listed}, /* an ordinary answer */
    {"school: chunks beyond the credit", NULL,
     chunks_beyond_the_credit}, /* acknowledged as fast as they come, or LIMIT */
    {"school: a chunk larger than allowed", "limit: ", a_chunk_larger_than_allowed},
    {"school: a hole between chunks", "order: ", a_hole_between_chunks},
    {"school: a thousand histories in one meeting", NULL, a_thousand_histories_in_one_meeting}, /* nothing is kept */
    {"school: more connections than there are slots", "HELLO comes first", more_connections_than_there_are_slots},
    {"school: a peer that never reads", NULL, a_peer_that_never_reads}, /* it hurts itself alone */
    {"school: a slow peer in the middle of a batch", NULL, a_slow_peer_in_the_middle_of_a_batch},
    {"school: a flood of reconciling", NULL, a_flood_of_reconciling},
    {"school: reconciling another's history", NULL, reconciling_anothers_history},
    {"school: a used invitation once more", "the enrolment of ev was refused", a_used_invitation_once_more},
    {"school: an invitation in another's name", LINE_UNKNOWN, an_invitation_in_anothers_name},
    {"school: a request made with another code", "the enrolment of nw was refused", a_request_made_with_another_code},
    {"school: a request sealed to another hub", "the enrolment of nw was refused", a_request_sealed_to_another_hub},
    {"school: a request of noise", "the enrolment of nw was refused", a_request_of_noise},
    {NULL, NULL, NULL}};
