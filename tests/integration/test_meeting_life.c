/* test_meeting_life.c: what becomes of a school's computers over the years, with the real hub and real homes: revoked
 * in the middle of a meeting, put on hold, closed, dead and replaced, stolen, cloned (invariants 2, 3, 5, 6). */
#include "tests/integration/meeting_fixture.h"

#include "agent/word.h"
#include "hub/registry_status.h"

struct life {
    struct district d;
    struct agent *gp, *ms; /* both have joined */
};

static int begin_with(void **state, const char *conf)
{
    struct life *l = calloc(1, sizeof(*l));
    struct sync_result r;

    assert_non_null(l);
    district_new(&l->d, conf);
    district_start(&l->d);
    l->gp = school_join(&l->d, 0, "gp");
    l->ms = school_join(&l->d, 1, "ms");
    MUST(sync_once(l->gp, &r));
    MUST(sync_once(l->ms, &r));
    *state = l;
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, "gateway.chunk: 4K\ngateway.credit: 16K\n");
}

static int begin_small(void **state)
{
    return begin_with(state, "held.max: 1M\n");
}

static int end(void **state)
{
    struct life *l = *state;

    agent_close(l->gp);
    agent_close(l->ms);
    district_free(&l->d);
    free(l);
    return 0;
}

/* ---- the operator, beside the running hub ---- */

struct decision {
    struct hub *h;
    struct store_txn *t;
    struct status_word word;
};

static void decision_begin(struct decision *d, const struct life *l)
{
    *d = (struct decision){.word = {"gp", "office:test", "a reason"}};
    MUST(hub_open(&d->h, l->d.home, HUB_WRITE));
    MUST(store_begin_write(d->h->store, &d->t));
    MUST(hub_reload(d->h, d->t));
}

static void decision_end(struct decision *d)
{
    MUST(store_commit(d->t));
    ledger_committed(d->h->ledger);
    hub_close(d->h, true);
}

static void revoke_gp(const struct life *l)
{
    const struct revoke_from nothing = {0, 0};
    struct decision d;
    uint64_t suspects;

    decision_begin(&d, l);
    MUST(registry_revoke(d.h, d.t, &d.word, &nothing, &suspects));
    decision_end(&d);
}

static void say_gp(const struct life *l,
                   enum err (*word)(struct hub *h, struct store_txn *t, const struct status_word *w))
{
    struct decision d;

    decision_begin(&d, l);
    MUST(word(d.h, d.t, &d.word));
    decision_end(&d);
}

/* A new computer's home: joined, not yet met. */
static struct agent *rekey_gp(struct life *l, bool is_lost, const char *home)
{
    const struct rekey r = {.is_lost = is_lost};
    struct decision d;

    decision_begin(&d, l);
    buf_reset(&l->d.invitations[0]);
    MUST(registry_rekey(d.h, d.t, &d.word, &r, &l->d.invitations[0]));
    decision_end(&d);
    return school_join(&l->d, 0, home);
}

/* ---- looking ---- */

static void count_all(const struct agent *a, uint64_t *count, uint64_t *received)
{
    struct queue_reader *r = NULL;
    struct queue_item item;

    *count = *received = 0;
    MUST(queue_reader_open(&r, a, NULL));
    while (queue_reader_next(r, &item) == OK) {
        ++*count;
        *received += item.state == RECORD_STORED || item.state == RECORD_ARCHIVED;
    }
    queue_reader_close(r);
}

static void assert_received(const struct agent *a, uint64_t expected)
{
    uint64_t count, received;

    count_all(a, &count, &received);
    assert_int_equal(count, expected);
    assert_int_equal(received, expected);
}

static void must_sync(struct agent *a)
{
    struct sync_result r;

    MUST(sync_once(a, &r));
    assert_int_equal(r.outcome, SYNC_COMPLETE);
    assert_int_equal(r.left, 0);
}

static void assert_told(struct agent *a, enum message_error refusal)
{
    struct sync_result r;

    assert_int_equal(sync_once(a, &r), ERR_DENIED);
    assert_int_equal(r.outcome, SYNC_REFUSED);
    assert_int_equal(r.refusal, refusal);
}

/* ---- revoked, held, closed ---- */

static void a_revocation_ends_the_meeting_that_is_open_and_nothing_of_it_counts(void **state)
{
    struct life *l = *state;
    struct ledger_totals before, after;
    struct sealed batch;
    struct client c;
    uint64_t sealed;

    add_marks(l->gp, 1, 600);
    add_marks(l->ms, 1, 100);
    MUST(queue_seal(l->gp, &sealed));
    sealed_load(&batch, l->gp, 1);
    client_open(&c, &l->d, l->gp, l->gp->curve, NULL);
    client_greet(&c, l->gp);
    client_chunk(&c, &batch, 0, 4096);
    client_wait_ack(&c, 4096);
    before = held_by(&l->d);
    revoke_gp(l);
    client_chunk(&c, &batch, 4096, 4096);
    client_expect_error(&c, MERR_REVOKED);
    client_chunk(&c, &batch, 8192, 4096);
    client_expect_error(&c, MERR_ORDER); /* the meeting is over; only a HELLO would be heard */
    client_close(&c);
    after = held_by(&l->d);
    assert_int_equal(after.batches, before.batches);
    assert_int_equal(after.counted, before.counted);
    must_sync(l->ms); /* nobody else notices */
    assert_int_equal(held_by(&l->d).counted, 100);
    sealed_free(&batch);
    /* What it had sealed is kept apart, and it is told by a signed word. */
    assert_told(l->gp, MERR_REVOKED);
    assert_int_equal(l->gp->grant->status, GRANT_REVOKED);
    after = held_by(&l->d);
    assert_int_equal(after.counted, 100);
    assert_int_equal(after.quarantined, 600);
    /* What is entered from now on waits here: the district would only put it aside. */
    add_marks(l->gp, 1000, 5);
    assert_told(l->gp, MERR_REVOKED);
    assert_int_equal(held_by(&l->d).quarantined, 600);
    assert_school_verifies(l->gp);
    assert_hub_verifies(&l->d);
}

static void a_hold_is_told_and_after_the_release_what_waited_counts(void **state)
{
    struct life *l = *state;
    uint64_t sealed;

    add_marks(l->gp, 1, 50);
    MUST(queue_seal(l->gp, &sealed));
    say_gp(l, registry_hold);
    assert_told(l->gp, MERR_HELD);
    assert_int_equal(held_by(&l->d).quarantined, 50);
    add_marks(l->gp, 100, 20);
    assert_told(l->gp, MERR_HELD);
    say_gp(l, registry_release);
    must_sync(l->gp);
    assert_int_equal(held_by(&l->d).counted, 20);
    assert_int_equal(held_by(&l->d).quarantined, 50);
    assert_school_verifies(l->gp);
    assert_hub_verifies(&l->d);
}

static void a_closed_school_gives_what_it_has_and_then_nothing(void **state)
{
    struct life *l = *state;
    struct sync_result r;

    add_marks(l->gp, 1, 50);
    say_gp(l, registry_close);
    must_sync(l->gp);
    assert_int_equal(held_by(&l->d).counted, 50);
    assert_int_equal(l->gp->grant->status, GRANT_CLOSED);
    must_sync(l->gp); /* nothing waits: that was all */
    add_marks(l->gp, 100, 5);
    MUST(sync_once(l->gp, &r));
    assert_int_equal(r.verdicts[VERDICT_QUARANTINED], 5);
    assert_int_equal(held_by(&l->d).counted, 50);
    assert_int_equal(held_by(&l->d).quarantined, 5);
    assert_hub_verifies(&l->d);
}

/* A thief may send as long as he likes. */
static void what_is_kept_of_a_revoked_computer_has_a_limit(void **state)
{
    struct life *l = *state;
    struct sync_result r;
    struct ledger_totals held;
    uint64_t sealed;

    add_marks(l->gp, 1, 70000);
    MUST(queue_seal(l->gp, &sealed));
    assert_true(sealed >= 3);
    revoke_gp(l);
    l->gp->conf.chunk = CHUNK_MAX;
    assert_int_equal(sync_once(l->gp, &r), ERR_DENIED);
    assert_int_equal(r.refusal, MERR_REVOKED);
    held = held_by(&l->d);
    assert_in_range(held.quarantined, 1000, 69999);
    assert_int_equal(held.counted, 0);
    assert_told(l->gp, MERR_REVOKED);
    assert_int_equal(held_by(&l->d).quarantined, held.quarantined);
    assert_true(log_has(&l->d, "held.max"));
    assert_hub_verifies(&l->d);
}

/* ---- a new computer ---- */

struct found {
    struct record_ref ref;
    char pupil[32];
};

static enum err note_first(void *ctx, const struct queue_submission *s)
{
    struct found *f = ctx;

    f->ref = s->ref;
    assert_non_null(s->record->values);
    (void)snprintf(f->pupil, sizeof(f->pupil), "%.*s", (int)s->record->values[0].as.text.len,
                   (const char *)s->record->values[0].as.text.p);
    return ERR_CANCELLED;
}

/* The oldest submission that is held here, with another grade. */
static void correct_oldest(struct agent *a)
{
    const struct form *f = agent_form(a, "marks");
    const struct queue_filter any = {NULL, NULL, NULL};
    struct value values[MARKS_FIELDS];
    struct record r = {.filled_on = 18518, .kind = RECORD_CORRECTION, .reason = bytes_of("mistake", 7)};
    struct queue_writer *w;
    struct found found;
    struct buf bytes;
    uint64_t number;

    assert_int_equal(queue_each(a, &any, note_first, &found), ERR_CANCELLED);
    memset(values, 0, sizeof(values));
    memcpy(r.form, f->digest, sizeof(r.form));
    (void)snprintf(r.unit, sizeof(r.unit), "%s", a->grant->participant);
    (void)snprintf(r.period, sizeof(r.period), "2020-09");
    queue_stamp(a, &r);
    r.target = found.ref;
    values[0].as.text = bytes_of(found.pupil, strlen(found.pupil));
    values[1].as.i = 20;
    values[2].as.text = bytes_of("corrected", 9);
    r.values = values;
    r.value_count = MARKS_FIELDS;
    buf_init(&bytes, RECORD_MAX);
    MUST(record_encode(&bytes, &r, f));
    MUST(queue_writer_open(&w, a));
    MUST(queue_writer_add(w, bytes_of(bytes.data, bytes.len), &number));
    MUST(queue_writer_commit(w));
    queue_writer_close(w);
    buf_fini(&bytes);
}

static void a_dead_computers_successor_gets_the_history_back_and_corrects_it(void **state)
{
    struct life *l = *state;
    struct sync_result r;
    struct agent *fresh;
    uint64_t sealed;

    add_marks(l->gp, 1, 300);
    must_sync(l->gp);
    add_marks(l->gp, 301, 100);
    must_sync(l->gp);
    fresh = rekey_gp(l, false, "gp-new");
    add_marks(fresh, 401, 50); /* work goes on before the first meeting */
    MUST(sync_once(fresh, &r));
    assert_int_equal(r.outcome, SYNC_COMPLETE);
    assert_true(r.joined);
    assert_int_equal(r.reconciled, 0); /* its numbering began above the old one's: nothing has to be settled */
    assert_int_equal(held_by(&l->d).counted, 450);
    assert_received(fresh, 450);
    correct_oldest(fresh);
    must_sync(fresh);
    assert_int_equal(held_by(&l->d).counted, 450);
    assert_int_equal(held_by(&l->d).quarantined, 0);
    assert_received(fresh, 451);
    assert_school_verifies(fresh);
    assert_hub_verifies(&l->d);
    MUST(queue_seal(fresh, &sealed)); /* what came back is not sent again */
    assert_int_equal(sealed, 0);
    agent_close(fresh);
}

/* It was only in repair: what it had still counts, it is told, and the new one gets that back, too. */
static void the_old_computer_comes_back_from_repair(void **state)
{
    struct life *l = *state;
    struct agent *fresh;

    add_marks(l->gp, 1, 100);
    must_sync(l->gp);
    add_marks(l->gp, 101, 30); /* never sent */
    fresh = rekey_gp(l, false, "gp-new");
    must_sync(fresh);
    add_marks(fresh, 131, 20);
    must_sync(fresh);
    assert_told(l->gp, MERR_REVOKED);
    assert_int_equal(l->gp->grant->status, GRANT_REVOKED);
    assert_int_equal(held_by(&l->d).counted, 150);
    assert_told(l->gp, MERR_REVOKED); /* nothing waits there: that was all */
    must_sync(fresh);
    assert_received(fresh, 150);
    assert_school_verifies(fresh);
    assert_school_verifies(l->gp);
    assert_hub_verifies(&l->d);
    agent_close(fresh);
}

static void a_stolen_computer_is_heard_no_more_and_learns_nothing(void **state)
{
    struct life *l = *state;
    struct agent *fresh;
    struct client c;
    struct message *m;

    add_marks(l->gp, 1, 100);
    must_sync(l->gp);
    add_marks(l->gp, 101, 30);
    fresh = rekey_gp(l, true, "gp-new");
    must_sync(fresh);
    add_marks(fresh, 131, 20);
    must_sync(fresh);
    assert_told(l->gp, MERR_REVOKED);
    assert_int_equal(held_by(&l->d).counted, 120);
    assert_received(fresh, 120);
    /* No word of the district goes over its key. */
    client_open(&c, &l->d, l->gp, l->gp->curve, NULL);
    m = hello_of(l->gp);
    m->as.hello.takes_words = true;
    client_send(&c, m);
    client_expect(&c, MSG_WELCOME);
    while (client_receive(&c, 500))
        assert_int_not_equal(c.in.type, MSG_WORD);
    /* And it ends no meeting of the school's. */
    client_close(&c);
    free(m);
    must_sync(fresh);
    assert_school_verifies(fresh);
    assert_hub_verifies(&l->d);
    agent_close(fresh);
}

/* ---- two computers with the same data ---- */

static void two_clones_work_for_a_week_and_each_row_counts_once(void **state)
{
    struct life *l = *state;
    struct agent *clone;
    unsigned next = 1;

    add_marks(l->gp, next, 20);
    next += 20;
    copy_home(&l->d, "gp", "gp-clone");
    clone = school_open(&l->d, "gp-clone");
    for (unsigned day = 0; day < 7; day++) {
        add_marks(l->gp, next, 10);
        next += 10;
        add_marks(clone, next, 10);
        next += 10;
        if (day % 2 == 0) {
            must_sync(l->gp);
            must_sync(clone);
        } else {
            must_sync(clone);
            must_sync(l->gp);
        }
        assert_int_equal(held_by(&l->d).counted, next - 1);
    }
    assert_int_equal(held_by(&l->d).quarantined, 0);
    assert_school_verifies(l->gp);
    assert_school_verifies(clone);
    assert_hub_verifies(&l->d);
    agent_close(clone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_revocation_ends_the_meeting_that_is_open_and_nothing_of_it_counts, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_hold_is_told_and_after_the_release_what_waited_counts, begin, end),
        cmocka_unit_test_setup_teardown(a_closed_school_gives_what_it_has_and_then_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_is_kept_of_a_revoked_computer_has_a_limit, begin_small, end),
        cmocka_unit_test_setup_teardown(a_dead_computers_successor_gets_the_history_back_and_corrects_it, begin, end),
        cmocka_unit_test_setup_teardown(the_old_computer_comes_back_from_repair, begin, end),
        cmocka_unit_test_setup_teardown(a_stolen_computer_is_heard_no_more_and_learns_nothing, begin, end),
        cmocka_unit_test_setup_teardown(two_clones_work_for_a_week_and_each_row_counts_once, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
