/* Somebody with the keys of a participant that was revoked: a stolen computer.  What it still sends is kept apart for
 * the operator's word, up to held.max; nothing of it counts, and it learns nothing new. */
#include "tests/fault/attack/attack.h"

static void operator_says(const char *words)
{
    char command[512];

    (void)snprintf(command, sizeof(command), "%s %s --home %s >>%s/hub.log 2>&1", SVODKA_BINARY_DIR "/hub/svodka-hub",
                   words, field.d.home, field.d.dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own words */
}

static void open_revoked(struct client *c)
{
    client_open(c, &field.d, field.revoked, field.revoked->curve, NULL);
}

/* The first of these attacks: a meeting is open, half of a batch is there, and the operator speaks. */
static void in_the_middle_of_a_batch(void)
{
    struct sealed s;
    struct client c;
    uint64_t sealed;

    add_marks(field.revoked, 100, 300);
    MUST(queue_seal(field.revoked, &sealed));
    sealed_load(&s, field.revoked, 2);
    open_revoked(&c);
    client_greet(&c, field.revoked);
    client_chunk(&c, &s, 0, 1000);
    client_wait_ack(&c, 1000);
    operator_says("school revoke rv --reason stolen");
    for (uint32_t at = 1000; at < s.bytes.len; at += 1000)
        client_chunk(&c, &s, at, 1000 < s.bytes.len - at ? 1000 : (uint32_t)s.bytes.len - at);
    client_expect_error(&c, MERR_REVOKED);
    client_close(&c);
    sealed_free(&s);
}

static void with_forger(void (*attack)(void))
{
    field.forger = field.revoked;
    attack();
    field.forger = field.evil;
}

static void good_batch(void)
{
    struct forgery f;

    forge_init(&f);
    expect_put_aside(&f, QUARANTINE_HELD);
    forge_fini(&f);
}

static void a_batch_without_a_fault(void)
{
    with_forger(good_batch);
}

static void change_of_what_counts(enum record_kind kind)
{
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 20);

    r.kind = kind;
    r.target = (struct record_ref){field.revoked->gen, 1};
    r.reason = bytes_of("because", 7);
    if (kind == RECORD_RETRACTION) {
        r.values = NULL;
        r.value_count = 0;
    }
    forge_init(&f);
    forge_records(&f, &r, 1, 7);
    expect_put_aside(&f, QUARANTINE_HELD);
    forge_fini(&f);
}

static void withdrawal(void)
{
    change_of_what_counts(RECORD_RETRACTION);
}

/* What it sent in better times stays counted: the caller counts. */
static void a_withdrawal_of_what_counts(void)
{
    with_forger(withdrawal);
}

static void correction(void)
{
    change_of_what_counts(RECORD_CORRECTION);
}

static void a_correction_of_what_counts(void)
{
    with_forger(correction);
}

static void as_the_victim(void)
{
    struct forgery f;

    forge_init(&f);
    (void)snprintf(f.h.participant, sizeof(f.h.participant), "ms");
    expect_refused(&f, MERR_SIGNATURE);
    forge_fini(&f);
}

static void a_batch_in_anothers_name(void)
{
    with_forger(as_the_victim);
}

static void large(void)
{
    static uint8_t noise[400000];
    struct answer a = {.is_error = false};

    for (int i = 0; i < 5 && !a.is_error; i++) {
        struct forgery f;
        struct sealed s;

        random_bytes(noise, sizeof(noise));
        forge_init(&f);
        buf_reset(&f.plain);
        buf_put(&f.plain, noise, sizeof(noise));
        forge_seal(&f, &s);
        send_forgery(&s, &a);
        sealed_free(&s);
        forge_fini(&f);
    }
    assert_true(a.is_error);
    assert_int_equal(a.code, MERR_REVOKED);
}

/* The hub's disk is not the thief's: a megabyte is kept, and no more. */
static void more_than_is_kept(void)
{
    with_forger(large);
}

static void a_hello_in_anothers_name(void)
{
    struct message *m = hello_of(field.revoked);
    struct client c;

    (void)snprintf(m->as.hello.participant, sizeof(m->as.hello.participant), "ms");
    open_revoked(&c);
    client_send(&c, m);
    client_expect_error(&c, MERR_UNKNOWN);
    client_close(&c);
    free(m);
}

/* No word that was decided later goes to a computer that is not believed. */
static void it_asks_for_what_was_decided_since(void)
{
    struct message *m = hello_of(field.revoked);
    struct client c;

    m->as.hello.takes_words = true;
    m->as.hello.words_held = 0;
    open_revoked(&c);
    client_send(&c, m);
    while (client_receive(&c, 500))
        assert_int_not_equal(c.in.type, MSG_WORD);
    client_close(&c);
    free(m);
}

static void its_invitation_once_more(void)
{
    struct agent *a = school_join(&field.d, 3, "rv-again");
    struct sync_result r;
    struct client c;

    open_revoked(&c); /* a meeting of the computer that joined is not ended by it: so this one says good-bye */
    client_greet(&c, field.revoked);
    client_send(&c, &(struct message){.type = MSG_BYE});
    client_expect(&c, MSG_BYE);
    client_close(&c);
    assert_int_equal(sync_once(a, &r), ERR_DENIED);
    assert_int_equal(r.refusal, MERR_REVOKED);
    agent_close(a);
}

static void it_goes_on_talking(void)
{
    struct client c[20];

    for (size_t i = 0; i < COUNT(c); i++) {
        struct message *m = hello_of(field.revoked);

        open_revoked(&c[i]);
        client_send(&c[i], m);
        (void)client_receive(&c[i], 200);
        free(m);
    }
    for (size_t i = 0; i < COUNT(c); i++)
        client_close(&c[i]);
}

#define PUT_ASIDE "put aside"

const struct attack revoked_attacks[] = {
    {"revoked: in the middle of a batch", "this computer was revoked", in_the_middle_of_a_batch}, /* first */
    {"revoked: a batch without a fault", PUT_ASIDE, a_batch_without_a_fault},
    {"revoked: a withdrawal of what counts", PUT_ASIDE, a_withdrawal_of_what_counts},
    {"revoked: a correction of what counts", PUT_ASIDE, a_correction_of_what_counts},
    {"revoked: a batch in another's name", "another participant's", a_batch_in_anothers_name},
    {"revoked: a hello in another's name", "this key does not belong to this participant", a_hello_in_anothers_name},
    {"revoked: it asks for what was decided since", NULL, it_asks_for_what_was_decided_since}, /* nothing comes */
    {"revoked: its invitation once more", "revoked", its_invitation_once_more},
    {"revoked: more than is kept", "as much as is kept", more_than_is_kept},
    {"revoked: it goes on talking", NULL, it_goes_on_talking}, /* within the limits of all */
    {NULL, NULL, NULL}};
