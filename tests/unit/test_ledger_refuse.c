/* test_ledger_refuse.c: a batch that no key opens is remembered, answered always alike, counted never, and holds up
 * nothing (invariants 3, 4, 5; SPEC.md 6.6, 8.1). */
#include "ledger_fixture.h"

#include "hub/key_ring.h"

static void lose_key(struct world *w)
{
    w->hub->seal_count = 0;
}

static void find_key(struct world *w)
{
    w->hub->seal_count = 1;
}

/* Applies it; the receipt, opened. */
static enum ledger_outcome take_and_read(struct world *w, const struct sealed *s, struct receipt *r)
{
    struct prepared *p = prepare(w, s);
    enum ledger_outcome outcome;
    struct store_txn *t;
    struct buf object;

    buf_init(&object, SIGNED_MAX);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(ledger_apply(w->hub->ledger, t, p, &object, &outcome));
    finish_txn(w, t);
    MUST(receipt_open(r, bytes_of(object.data, object.len), key_public(w->hub->sign)));
    prepared_free(p);
    buf_fini(&object);
    return outcome;
}

static void a_batch_sealed_to_a_lost_key_is_refused_for_good(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "p-1", 5), grade(2, "p-2", 9), grade(3, "p-3", 12)};
    struct sealed s1, s2, s3, other;
    struct receipt r;
    struct ledger_chain chain;
    struct store_txn *t;
    uint64_t number;

    (void)state;
    world_open(&w);
    seal_array(&w, &subs[0], 1, 1, NULL, &s1);
    seal_array(&w, &subs[1], 1, 2, s1.digest, &s2);
    seal_array(&w, &subs[1], 1, 2, s1.digest, &other);
    seal_array(&w, &subs[1], 2, 3, s2.digest, &s3); /* the same record again, under its number, and a new one */
    assert_int_equal(take(&w, &s1, NULL), LEDGER_STORED);
    lose_key(&w);
    assert_int_equal(take_and_read(&w, &s2, &r), LEDGER_REFUSED);
    assert_int_equal(r.state, RECEIPT_REFUSED);
    assert_memory_equal(r.batch, s2.digest, DIGEST_BYTES);
    assert_int_equal(r.refusal_count, 1);
    assert_int_equal(r.refusals[0].number, 2);
    assert_int_equal(r.refusals[0].why.reason, QUARANTINE_UNREADABLE);
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        assert_int_equal(r.verdicts[i], 0);
    number = r.ledger_number;
    receipt_fini(&r);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
    /* The key is found again: the word stands. */
    find_key(&w);
    assert_int_equal(take_and_read(&w, &s2, &r), LEDGER_AGAIN);
    assert_int_equal(r.state, RECEIPT_REFUSED);
    assert_int_equal(r.ledger_number, number);
    receipt_fini(&r);
    assert_int_equal(take(&w, &other, NULL), LEDGER_FORK); /* a sequence is never used twice */
    /* Its records come again in the next batch. */
    assert_int_equal(take_and_read(&w, &s3, &r), LEDGER_STORED);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 2);
    receipt_fini(&r);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_chain(t, w.of[0]->index, &subs[0].gen, &chain));
    store_abort(t);
    assert_int_equal(chain.gap_count, 0);
    assert_int_equal(chain.next_sequence, 4);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s1.bytes);
    buf_fini(&s2.bytes);
    buf_fini(&s3.bytes);
    buf_fini(&other.bytes);
    world_close(&w);
}

static void what_stands_before_a_refused_batch_must_join_it(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "p-1", 5), grade(2, "p-2", 9)};
    struct sealed s1, s2, other;

    (void)state;
    world_open(&w);
    seal_array(&w, &subs[0], 1, 1, NULL, &s1);
    seal_array(&w, &subs[0], 1, 1, NULL, &other);
    seal_array(&w, &subs[1], 1, 2, s1.digest, &s2);
    lose_key(&w);
    assert_int_equal(take(&w, &s2, NULL), LEDGER_REFUSED); /* beyond a gap */
    find_key(&w);
    assert_int_equal(take(&w, &other, NULL), LEDGER_FORK);
    assert_int_equal(take(&w, &s1, NULL), LEDGER_STORED);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s1.bytes);
    buf_fini(&s2.bytes);
    buf_fini(&other.bytes);
    world_close(&w);
}

/* Somebody who can write into the store cannot make a batch refused, or a refusal undone, unseen. */
static void verify_names_a_refusal_that_was_taken_away(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "p-1", 5)};
    struct sealed s1;
    struct store_txn *t;
    uint8_t raw[PLACE_KEY_BYTES];

    (void)state;
    world_open(&w);
    seal_array(&w, &subs[0], 1, 1, NULL, &s1);
    lose_key(&w);
    assert_int_equal(take(&w, &s1, NULL), LEDGER_REFUSED);
    find_key(&w);
    assert_int_equal(verify_bad(&w), 0);
    MUST(store_begin_write(w.hub->store, &t));
    place_key_put(raw, w.of[0]->index, &subs[0].gen, 1);
    MUST(store_delete(t, H_BATCHES, bytes_of(raw, sizeof(raw))));
    MUST(store_commit(t));
    assert_int_equal(verify_bad(&w), 1);
    buf_fini(&s1.bytes);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_sealed_to_a_lost_key_is_refused_for_good),
        cmocka_unit_test(what_stands_before_a_refused_batch_must_join_it),
        cmocka_unit_test(verify_names_a_refusal_that_was_taken_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
