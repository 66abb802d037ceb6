/* Programs that are killed in the middle, homes that are restored and cloned, receipts that never arrive: nothing is
 * lost, nothing counts twice (invariants 2, 3, 4). */
#include "tests/integration/meeting_fixture.h"

#include <pthread.h>

#define PUPILS 900

static int begin(void **state)
{
    struct district *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    district_new(d, "gateway.chunk: 4K\ngateway.credit: 16K\n");
    district_start(d);
    *state = d;
    return 0;
}

static int end(void **state)
{
    district_free(*state);
    free(*state);
    return 0;
}

static struct agent *joined(const struct district *d, size_t i)
{
    struct agent *a = school_join(d, i, school_ids[i]);
    struct sync_result r;

    MUST(sync_once(a, &r));
    return a;
}

/* Meets until it went well. */
static void sync_until_done(struct agent *a)
{
    int64_t until = clock_mono_ms() + START_MS;
    struct sync_result r;

    while (sync_once(a, &r) != OK) {
        if (clock_mono_ms() > until)
            fail_msg("no meeting went well: %s", err_text());
        clock_sleep_ms(20);
    }
}

/* ---- resuming ---- */

/* The gateway dies with half of a batch in its spool; the next one goes on from there. */
static void a_batch_goes_on_where_a_killed_gateway_left_it(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct sealed b;
    struct client c;
    struct sync_result r;
    uint64_t sealed;

    add_marks(a, 1, PUPILS);
    MUST(queue_seal(a, &sealed));
    sealed_load(&b, a, 1);
    assert_true(b.bytes.len > 16384);
    client_open(&c, d, a, a->curve, NULL);
    client_greet(&c, a);
    for (uint32_t at = 0; at < 12288; at += 4096)
        client_chunk(&c, &b, at, 4096);
    client_wait_ack(&c, 12288);
    end_program(&d->gateway, SIGKILL);
    client_close(&c);
    start_gateway(d);
    MUST(sync_once(a, &r));
    assert_int_equal(r.resumed, 1);
    assert_int_equal(r.resumed_sequence, 1);
    assert_int_equal(r.resumed_offset, 12288);
    assert_int_equal(r.bytes, b.bytes.len - 12288);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], PUPILS);
    assert_int_equal(held_by(d).counted, PUPILS);
    assert_hub_verifies(d);
    sealed_free(&b);
    agent_close(a);
}

static void a_beginning_that_was_damaged_is_sent_again_and_nobody_is_accused(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct sealed b;
    struct client c;
    struct sync_result r;
    uint64_t sealed;
    char command[256];

    add_marks(a, 1, PUPILS);
    MUST(queue_seal(a, &sealed));
    sealed_load(&b, a, 1);
    client_open(&c, d, a, a->curve, NULL);
    client_greet(&c, a);
    client_chunk(&c, &b, 0, 4096);
    client_wait_ack(&c, 4096);
    client_close(&c);
    (void)snprintf(command, sizeof(command),
                   "for f in %s/spool/*.part; do printf x | dd of=$f bs=1 seek=3000 conv=notrunc 2>/dev/null; done",
                   d->home);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own folder */
    assert_int_equal(sync_once(a, &r), ERR_BUSY);
    assert_int_equal(r.outcome, SYNC_LATER);
    assert_int_equal(r.resumed, 1);
    sync_until_done(a);
    assert_int_equal(held_by(d).counted, PUPILS);
    sealed_free(&b);
    agent_close(a);
}

/* ---- killed at any moment ---- */

struct killer {
    pid_t pid;
    int64_t after_us;
    pthread_t thread;
};

static void *kill_later(void *arg)
{
    struct killer *k = arg;
    struct timespec ts = {0, k->after_us * 1000};

    (void)nanosleep(&ts, NULL); /* the moment of the crash, not a wait for something */
    (void)kill(k->pid, SIGKILL);
    return NULL;
}

static uint64_t seed_of_run(void)
{
    const char *given = getenv("SVODKA_TEST_SEED");
    uint64_t seed = 0;

    if (given != NULL)
        return strtoull(given, NULL, 10);
    random_bytes(&seed, sizeof(seed));
    return seed >> 1;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void kill_during_sync(struct district *d, struct agent *a, pid_t *victim, int64_t after_us)
{
    struct killer k = {.pid = *victim, .after_us = after_us};
    struct sync_result r;

    assert_int_equal(pthread_create(&k.thread, NULL, kill_later, &k), 0);
    if (sync_once(a, &r) != OK)
        assert_true(r.outcome == SYNC_UNREACHABLE || r.outcome == SYNC_LATER || r.outcome == SYNC_NO_HUB);
    (void)pthread_join(k.thread, NULL);
    assert_int_equal(waitpid(*victim, NULL, 0), *victim);
    *victim = 0;
    (void)d;
}

static void a_core_or_gateway_killed_at_any_moment_loses_and_doubles_nothing(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    uint64_t random = seed_of_run();
    unsigned sent = 0;

    print_message("seed %llu (SVODKA_TEST_SEED)\n", (unsigned long long)random);
    a->conf.batch_records = 150;
    for (int round = 0; round < 8; round++) {
        add_marks(a, sent + 1, 400);
        sent += 400;
        if (round % 2 == 0) {
            kill_during_sync(d, a, &d->core, (int64_t)(next_random(&random) % 60000));
            start_core(d);
        } else {
            kill_during_sync(d, a, &d->gateway, (int64_t)(next_random(&random) % 60000));
            start_gateway(d);
        }
    }
    sync_until_done(a);
    assert_int_equal(held_by(d).records, sent);
    assert_int_equal(held_by(d).counted, sent);
    assert_hub_verifies(d);
    assert_school_verifies(a);
    agent_close(a);
}

/* While the core is away everybody is told when to come back, and the gateway finds the new core by itself. */
static void a_hub_without_its_core_asks_to_come_back(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct sync_result r;

    end_program(&d->core, SIGTERM);
    add_marks(a, 1, 10);
    assert_int_equal(sync_once(a, &r), ERR_BUSY);
    assert_int_equal(r.outcome, SYNC_LATER);
    assert_int_equal(r.refusal, MERR_BUSY);
    assert_in_range(r.later_seconds, 30, 60); /* each a moment of its own after it */
    start_core(d);
    sync_until_done(a);
    assert_int_equal(held_by(d).counted, 10);
    agent_close(a);
}

/* ---- two histories ---- */

static void a_queue_restored_from_an_old_copy_is_reconciled(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct sync_result r;

    add_marks(a, 1, 100);
    sync_until_done(a);
    agent_close(a);
    copy_home(d, "gp", "copy");
    a = school_open(d, "gp");
    add_marks(a, 101, 50);
    sync_until_done(a);
    assert_int_equal(held_by(d).counted, 150);
    agent_close(a);
    copy_home(d, "copy", "gp"); /* the disk was put back; 30 new rows are entered in the old state */
    a = school_open(d, "gp");
    add_marks(a, 201, 30);
    MUST(sync_once(a, &r));
    assert_int_equal(r.reconciled, 1);
    assert_int_equal(r.renumbered, 30);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 30);
    assert_int_equal(held_by(d).counted, 180);
    assert_int_equal(held_by(d).records, 180);
    add_marks(a, 301, 5);
    MUST(sync_once(a, &r));
    assert_int_equal(r.reconciled, 0);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 5);
    assert_hub_verifies(d);
    assert_school_verifies(a);
    agent_close(a);
}

/* The gateway may not have noticed yet that the connection before is gone. */
static void meet_when_there_is_room(struct agent *a, struct sync_result *r)
{
    int64_t until = clock_mono_ms() + START_MS;

    while (sync_once(a, r) != OK) {
        assert_int_equal(r->outcome, SYNC_LATER);
        assert_true(clock_mono_ms() < until);
    }
}

/* Its computer died after it had said HELLO, which lay on the line; it began again and sent more. */
static void a_hello_that_comes_late_closes_nothing(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct sync_result r;
    struct message *late;
    struct client c;

    add_marks(a, 1, 10);
    sync_until_done(a);
    late = hello_of(a);
    add_marks(a, 101, 5);
    sync_until_done(a);
    client_open(&c, d, a, a->curve, NULL);
    client_send(&c, late);
    client_expect(&c, MSG_WELCOME);
    assert_int_equal(c.in.as.welcome.go, WELCOME_RECONCILE);
    client_close(&c);
    free(late);
    add_marks(a, 201, 3);
    meet_when_there_is_room(a, &r);
    assert_int_equal(r.reconciled, 0);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 3);
    assert_int_equal(a->gen.counter, 1);
    assert_int_equal(held_by(d).counted, 18);
    assert_hub_verifies(d);
    agent_close(a);
}

/* Who says that and is there is asked, and its numbering takes nothing new from then on. */
static void a_numbering_is_closed_when_its_pages_are_asked_for(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct message *late;
    struct message ask = {.type = MSG_RECONCILE, .as.reconcile = {.from = 1}};
    struct reconcile page;
    struct sync_result r;
    struct client c;

    late = hello_of(a);
    ask.as.reconcile.gen = a->gen;
    add_marks(a, 1, 10);
    sync_until_done(a);
    client_open(&c, d, a, a->curve, NULL);
    for (int closed = 0; closed < 2; closed++) { /* whoever was told GO may ask as well, and closes nothing */
        struct message *m = closed == 0 ? hello_of(a) : late;

        client_send(&c, m);
        client_expect(&c, MSG_WELCOME);
        assert_int_equal(c.in.as.welcome.go, closed == 0 ? WELCOME_GO : WELCOME_RECONCILE);
        do /* receipts go with GO */
            client_send(&c, &ask);
        while (client_receive(&c, START_MS) && c.in.type != MSG_RECONCILE_REPLY);
        MUST(reconcile_open(&page, c.in.as.signed_object, a->directory->hub_sign));
        assert_int_equal(page.is_closed, closed);
        reconcile_fini(&page);
        free(m);
    }
    client_close(&c);
    add_marks(a, 201, 3);
    meet_when_there_is_room(a, &r);
    assert_int_equal(r.reconciled, 1);
    assert_int_equal(r.renumbered, 3);
    assert_int_equal(held_by(d).counted, 13);
    assert_hub_verifies(d);
    agent_close(a);
}

static void two_computers_with_the_same_home_are_each_counted_once(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct agent *b;
    struct sync_result r;

    add_marks(a, 1, 20); /* not sent: both copies carry them */
    agent_close(a);
    copy_home(d, "gp", "clone");
    a = school_open(d, "gp");
    b = school_open(d, "clone");
    MUST(sync_once(a, &r));
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 20);
    add_marks(b, 101, 5);
    MUST(sync_once(b, &r));
    assert_int_equal(r.reconciled, 1);
    assert_int_equal(r.already_there, 20);
    assert_int_equal(r.renumbered, 5);
    add_marks(a, 201, 3);
    MUST(sync_once(a, &r)); /* its generation was closed for the other's sake */
    assert_int_equal(r.reconciled, 1);
    assert_int_equal(r.renumbered, 3);
    for (unsigned i = 0; i < 3; i++) {
        add_marks(i % 2 == 0 ? a : b, 300 + i, 1);
        MUST(sync_once(a, &r));
        MUST(sync_once(b, &r));
        assert_int_equal(r.left, 0);
    }
    assert_int_equal(held_by(d).counted, 31);
    assert_int_equal(held_by(d).records, 31);
    assert_hub_verifies(d);
    assert_school_verifies(a);
    assert_school_verifies(b);
    agent_close(a);
    agent_close(b);
}

/* A hub that comes back without what it once confirmed gets it again. */
static void a_hub_restored_from_an_old_copy_gets_again_what_it_lost(void **state)
{
    struct district *d = *state;
    struct agent *a = joined(d, 0);
    struct sync_result r;

    add_marks(a, 1, 40);
    MUST(sync_once(a, &r));
    district_stop(d);
    copy_home(d, "hub", "hub.old");
    district_start(d);
    add_marks(a, 41, 30);
    MUST(sync_once(a, &r));
    assert_int_equal(held_by(d).counted, 70);
    district_stop(d);
    copy_home(d, "hub.old", "hub");
    district_start(d);
    assert_int_equal(held_by(d).counted, 40);
    MUST(sync_once(a, &r));
    assert_int_equal(r.batches, 1);
    assert_int_equal(r.records, 30);
    assert_int_equal(held_by(d).counted, 70);
    assert_hub_verifies(d);
    agent_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_goes_on_where_a_killed_gateway_left_it, begin, end),
        cmocka_unit_test_setup_teardown(a_beginning_that_was_damaged_is_sent_again_and_nobody_is_accused, begin, end),
        cmocka_unit_test_setup_teardown(a_core_or_gateway_killed_at_any_moment_loses_and_doubles_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_hub_without_its_core_asks_to_come_back, begin, end),
        cmocka_unit_test_setup_teardown(a_queue_restored_from_an_old_copy_is_reconciled, begin, end),
        cmocka_unit_test_setup_teardown(a_hello_that_comes_late_closes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_numbering_is_closed_when_its_pages_are_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(two_computers_with_the_same_home_are_each_counted_once, begin, end),
        cmocka_unit_test_setup_teardown(a_hub_restored_from_an_old_copy_gets_again_what_it_lost, begin, end),
    };

    return cmocka_run_group_tests_name("meeting_crash", tests, NULL, NULL);
}
