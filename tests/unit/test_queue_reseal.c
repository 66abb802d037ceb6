/* test_queue_reseal.c: the hub lost a sealing key, or signs by another one: nothing of the school's queue is lost, no
 * number changes, no sequence comes twice (invariants 2 and 3; SPEC.md 7.6, 8.1). */
#include "agent/queue_internal.h"
#include "agent/queue_proof.h"
#include "agent_fixture.h"

static void put_rows(struct school *s, unsigned first, unsigned count)
{
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    struct capture *c = NULL;
    struct queue_writer *w = NULL;

    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(queue_writer_open(&w, s->a), OK);
    for (unsigned n = first; n < first + count; n++) {
        struct value values[8];
        uint64_t number;
        char key[24];

        (void)snprintf(key, sizeof(key), "p-%u", n);
        for (uint32_t i = 0; i < capture_form(c)->field_count; i++)
            values[i].state = VALUE_MISSING;
        values[0] = (struct value){.state = VALUE_PRESENT, .as.text = bytes_of(key, strlen(key))};
        values[1] = (struct value){.state = VALUE_PRESENT, .as.i = n % 21};
        values[2] = (struct value){.state = VALUE_PRESENT, .as.i = n % 94};
        assert_int_equal(capture_judge(c, values, false, NULL, NULL), OK);
        assert_int_equal(capture_put(c, w, values, NULL, &number), OK);
    }
    assert_int_equal(queue_writer_commit(w), OK);
    queue_writer_close(w);
    capture_close(c);
}

static void seal_rows(struct school *s, unsigned first, unsigned count)
{
    uint64_t sealed = 0;

    put_rows(s, first, count);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
}

static struct batch_state batch_at(struct school *s, uint64_t sequence)
{
    struct batch_state b;

    assert_int_equal(queue_batch(s->a, &s->a->gen, sequence, &b), OK);
    assert_int_equal(b.sequence, sequence);
    return b;
}

static void receive(struct school *s, uint64_t sequence, enum receipt_state state)
{
    struct batch_state b = batch_at(s, sequence);
    struct receipt_refusal why = {.number = b.first_number, .why = {.reason = QUARANTINE_UNREADABLE, .text = "lost"}};
    struct receipt r = {.gen = b.gen, .sequence = sequence, .state = state, .hub_ms = TEST_NOW_MS, .ledger_number = 1};
    struct buf object;

    memcpy(r.district, s->directory.district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "gp");
    memcpy(r.batch, b.digest, sizeof(r.batch));
    if (state == RECEIPT_REFUSED) {
        r.refusal_count = 1;
        r.refusals = &why;
    }
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, &r, s->hub), OK);
    assert_int_equal(queue_take_receipt(s->a, view(&object)), OK);
    buf_fini(&object);
}

static void new_directory(struct school *s)
{
    s->directory.version++;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), OK);
}

/* A second key of the year; the first one is as `state` says. */
static void add_key(struct school *s, enum seal_key_state state)
{
    struct key *fresh = NULL;
    struct directory *d = &s->directory;

    assert_int_equal(key_generate(&fresh, KEY_SEAL), OK);
    d->seal_keys[0].state = state;
    memcpy(d->seal_keys[1].key, key_public(fresh), KEY_BYTES);
    d->seal_keys[1].school_year = 2020;
    d->seal_keys[1].state = SEAL_CURRENT;
    d->seal_key_count = 2;
    key_free(fresh);
    new_directory(s);
}

static void assert_verifies(struct school *s)
{
    uint64_t bad = 99;

    assert_int_equal(queue_verify(s->a, stderr, &bad), OK);
    assert_int_equal(bad, 0);
}

static uint64_t given_up(struct school *s)
{
    uint64_t records = 99;

    assert_int_equal(queue_reseal(s->a, &records), OK);
    return records;
}

static uint64_t seal_again(struct school *s)
{
    uint64_t sealed = 0;

    assert_int_equal(queue_seal(s->a, &sealed), OK);
    return sealed;
}

static void what_is_not_archived_is_sealed_again_under_its_numbers(void **state)
{
    struct school *s = *state;
    struct queue_chain before;
    struct queue_chain after;
    struct batch_state b;
    struct buf was;
    struct buf is;

    enrol(s);
    buf_init(&was, 1 << 20);
    buf_init(&is, 1 << 20);
    seal_rows(s, 1, 10);
    seal_rows(s, 11, 10);
    seal_rows(s, 21, 10);
    receive(s, 1, RECEIPT_ARCHIVED);
    receive(s, 2, RECEIPT_STORED);
    put_rows(s, 31, 5);
    (void)all_submissions(s, &was);
    assert_int_equal(queue_chain(s->a, &s->a->gen, &before), OK);
    assert_int_equal(given_up(s), 0); /* nothing is lost yet */
    add_key(s, SEAL_LOST);
    assert_int_equal(given_up(s), 20);
    assert_verifies(s);
    assert_int_equal(given_up(s), 0);
    assert_int_equal(seal_again(s), 1);
    assert_verifies(s);
    reopen(s);
    assert_verifies(s);
    assert_int_equal(given_up(s), 0);
    b = batch_at(s, 4); /* the next sequence: none is used twice */
    assert_int_equal(b.first_number, 11);
    assert_int_equal(b.last_number, 35);
    assert_memory_equal(b.seal_key, s->directory.seal_keys[1].key, KEY_BYTES);
    assert_int_equal(batch_at(s, 1).life, BATCH_ARCHIVED);
    assert_string_equal(all_submissions(s, &is), buf_cstr(&was));
    assert_int_equal(queue_chain(s->a, &s->a->gen, &after), OK);
    assert_int_equal(after.last_sealed, 4);
    assert_int_equal(after.receipted, 3);
    assert_int_equal(after.waiting_records, 25);
    buf_fini(&was);
    buf_fini(&is);
}

static void a_key_that_is_only_old_is_no_reason(void **state)
{
    struct school *s = *state;

    enrol(s);
    seal_rows(s, 1, 10);
    add_key(s, SEAL_OLD);
    assert_int_equal(given_up(s), 0);
    assert_int_equal(batch_at(s, 1).life, BATCH_SEALED);
}

/* The hub says "unreadable" before its directory names another key: what there is waits, and then goes. */
static void a_refused_batch_waits_for_another_key(void **state)
{
    struct school *s = *state;

    enrol(s);
    seal_rows(s, 1, 10);
    receive(s, 1, RECEIPT_REFUSED);
    assert_int_equal(given_up(s), 0);
    assert_int_equal(batch_at(s, 1).life, BATCH_REFUSED);
    assert_verifies(s);
    add_key(s, SEAL_OLD);
    assert_int_equal(given_up(s), 10);
    assert_int_equal(seal_again(s), 1);
    assert_int_equal(batch_at(s, 2).records, 10);
    assert_verifies(s);
}

/* A refusal that comes after a receipt of the same batch takes nothing back. */
static void what_the_hub_holds_is_not_refused_afterwards(void **state)
{
    struct school *s = *state;

    enrol(s);
    seal_rows(s, 1, 10);
    receive(s, 1, RECEIPT_STORED);
    receive(s, 1, RECEIPT_REFUSED);
    assert_int_equal(batch_at(s, 1).life, BATCH_STORED);
}

/* Retired keys are not listed any more: what was sealed to one and never arrived goes again, what arrived stays. */
static void what_was_sealed_to_a_key_that_is_gone_goes_again_unless_received(void **state)
{
    struct school *s = *state;

    enrol(s);
    seal_rows(s, 1, 10);
    receive(s, 1, RECEIPT_STORED);
    add_key(s, SEAL_OLD);
    s->directory.seal_keys[0] = s->directory.seal_keys[1];
    s->directory.seal_key_count = 1;
    new_directory(s);
    assert_int_equal(given_up(s), 0);
    assert_int_equal(batch_at(s, 1).life, BATCH_STORED);
}

static void lost_twice_is_given_up_twice(void **state)
{
    struct school *s = *state;

    enrol(s);
    seal_rows(s, 1, 10);
    add_key(s, SEAL_LOST);
    assert_int_equal(given_up(s), 10);
    assert_int_equal(seal_again(s), 1);
    s->directory.seal_keys[0] = s->directory.seal_keys[1];
    add_key(s, SEAL_LOST);
    assert_int_equal(given_up(s), 10);
    assert_int_equal(seal_again(s), 1);
    assert_int_equal(batch_at(s, 3).first_number, 1);
    assert_verifies(s);
}

/* ---- the hub's signing key ---- */

static void what_the_old_signing_key_signed_stays_verifiable(void **state)
{
    struct school *s = *state;
    struct key *old = s->hub;
    struct record_ref ref;
    struct queue_proof proof;

    enrol(s);
    seal_rows(s, 1, 10);
    receive(s, 1, RECEIPT_STORED);
    s->hub = NULL;
    assert_int_equal(key_generate(&s->hub, KEY_SIGN), OK);
    memcpy(s->directory.hub_sign, key_public(s->hub), KEY_BYTES);
    new_directory(s); /* and the power fails before the grant comes */
    reopen(s);
    assert_verifies(s);
    ref = (struct record_ref){batch_at(s, 1).gen, 5};
    assert_int_equal(queue_proof_of(s->a, &ref, &proof), OK);
    queue_proof_fini(&proof);
    s->grant.version++;
    sign_district(s);
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), OK);
    reopen(s);
    assert_int_equal(agent_is_enrolled(s->a), true);
    seal_rows(s, 11, 10);
    receive(s, 2, RECEIPT_STORED); /* by the new one */
    assert_verifies(s);
    key_free(old);
}

/* Whoever has the old key cannot speak for the hub any more. */
static void nothing_new_is_believed_by_the_old_signing_key(void **state)
{
    struct school *s = *state;
    struct key *old = s->hub;
    struct batch_state b;
    struct receipt r = {.state = RECEIPT_ARCHIVED, .hub_ms = TEST_NOW_MS};
    struct buf object;

    enrol(s);
    seal_rows(s, 1, 10);
    s->hub = NULL;
    assert_int_equal(key_generate(&s->hub, KEY_SIGN), OK);
    memcpy(s->directory.hub_sign, key_public(s->hub), KEY_BYTES);
    new_directory(s);
    b = batch_at(s, 1);
    r.gen = b.gen;
    r.sequence = 1;
    memcpy(r.district, s->directory.district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "gp");
    memcpy(r.batch, b.digest, sizeof(r.batch));
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, &r, old), OK);
    assert_int_equal(queue_take_receipt(s->a, view(&object)), ERR_AUTH);
    assert_int_equal(batch_at(s, 1).life, BATCH_SEALED);
    buf_fini(&object);
    key_free(old);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_archived_is_sealed_again_under_its_numbers, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(a_key_that_is_only_old_is_no_reason, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_refused_batch_waits_for_another_key, school_open, school_close),
        cmocka_unit_test_setup_teardown(what_the_hub_holds_is_not_refused_afterwards, school_open, school_close),
        cmocka_unit_test_setup_teardown(what_was_sealed_to_a_key_that_is_gone_goes_again_unless_received, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(lost_twice_is_given_up_twice, school_open, school_close),
        cmocka_unit_test_setup_teardown(what_the_old_signing_key_signed_stays_verifiable, school_open, school_close),
        cmocka_unit_test_setup_teardown(nothing_new_is_believed_by_the_old_signing_key, school_open, school_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
