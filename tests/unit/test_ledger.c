/* The ledger: invariants 3 (counted once), 4 (all or nothing), 5 (recomputable, whatever the order of arrival). */
#include "carry_fixture.h"

static void numbers_are_counted_once_and_cells_follow(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 20)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    take_array(&w, subs, 3, 1, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 3);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 3);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "level=high").n, 2);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 4000);
    assert_int_equal(cell_of(&w, "passed", "gp", "2020-09", "").sum, 2);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* Invariant 3: the same batch again gives the same receipt and changes nothing. */
static void the_same_batch_again_gets_the_stored_receipt(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "anna", 12), grade(2, "boris", 99)};
    struct sealed s;
    struct prepared *p;
    struct store_txn *t;
    struct buf first;
    struct buf again;
    enum ledger_outcome outcome;
    uint8_t found[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    buf_init(&first, SIGNED_MAX);
    buf_init(&again, SIGNED_MAX);
    seal_array(&w, subs, 2, 1, NULL, &s);
    p = prepare(&w, &s);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(ledger_apply(w.hub->ledger, t, p, &first, &outcome));
    assert_int_equal(outcome, LEDGER_STORED);
    finish_txn(&w, t);
    clock_test_set(SOME_MS + 5000);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(ledger_apply(w.hub->ledger, t, p, &again, &outcome));
    assert_int_equal(outcome, LEDGER_AGAIN);
    finish_txn(&w, t);
    assert_int_equal(first.len, again.len);
    assert_memory_equal(first.data, again.data, first.len);
    buf_reset(&again);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_batch(t, w.of[0]->index, &subs[0].gen, 1, found, &again));
    assert_memory_equal(found, s.digest, DIGEST_BYTES);
    assert_memory_equal(first.data, again.data, first.len);
    assert_int_equal(ledger_batch(t, w.of[0]->index, &subs[0].gen, 2, found, NULL), ERR_NOT_FOUND);
    store_abort(t);
    assert_int_equal(rows_of(&w, H_BATCHES), 1);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 1);
    assert_int_equal(verify_bad(&w), 0);
    prepared_free(p);
    buf_fini(&s.bytes);
    buf_fini(&first);
    buf_fini(&again);
    world_close(&w);
}

/* Invariant 4: without the commit nothing has happened, and the next batch gets the same place in the journal. */
static void nothing_remains_of_an_aborted_batch(void **state)
{
    static const unsigned tables[] = {H_META, H_JOURNAL, H_BLOBS, H_BATCHES, H_RANGES,
                                      H_DEAD, H_CURRENT, H_SLOTS, H_CELLS,   H_QUARANTINE};
    struct world w;
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 5)};
    struct sub two[] = {correction(3, 1, "anna", 14), retraction(4, 2), grade(5, "vera", 77)};
    struct sub three[] = {grade(3, "gleb", 1)};
    struct sealed s;
    struct sealed other;
    struct prepared *p;
    struct store_txn *t;
    struct buf before;
    struct buf after;
    struct buf receipt;
    enum ledger_outcome outcome;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    buf_init(&before, 1 << 24);
    buf_init(&after, 1 << 24);
    buf_init(&receipt, SIGNED_MAX);
    take_array(&w, one, 2, 1, head, NULL);
    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(&w, tables[i], &before);
    seal_array(&w, two, 3, 2, head, &s);
    seal_array(&w, three, 1, 2, head, &other);
    p = prepare(&w, &s);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(ledger_apply(w.hub->ledger, t, p, &receipt, &outcome));
    assert_int_equal(outcome, LEDGER_STORED);
    store_abort(t);
    ledger_aborted(w.hub->ledger);
    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(&w, tables[i], &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_int_equal(take(&w, &other, NULL), LEDGER_STORED);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 3);
    assert_int_equal(verify_bad(&w), 0);
    prepared_free(p);
    buf_fini(&s.bytes);
    buf_fini(&other.bytes);
    buf_fini(&before);
    buf_fini(&after);
    buf_fini(&receipt);
    world_close(&w);
}

/* Invariant 4: an aborted batch that had been opened again is not taken for the one that gets its place. */
static void an_aborted_batch_is_forgotten_in_memory_too(void **state)
{
    struct world w;
    struct sub first[] = {grade(1, "anna", 12)};
    struct sub second[] = {grade(2, "anna", 13)};
    struct sub other[] = {grade(1, "boris", 3)};
    struct sub last[] = {grade(2, "boris", 20)};
    struct sealed s[4];
    struct prepared *p[2];
    enum ledger_outcome outcome;
    struct store_txn *t;
    struct buf receipt;

    (void)state;
    world_open(&w);
    buf_init(&receipt, SIGNED_MAX);
    seal_array(&w, first, 1, 1, NULL, &s[0]);
    seal_array(&w, second, 1, 2, s[0].digest, &s[1]);
    seal_array(&w, other, 1, 1, NULL, &s[2]);
    seal_array(&w, last, 1, 2, s[2].digest, &s[3]);
    MUST(store_begin_write(w.hub->store, &t));
    for (size_t i = 0; i < 2; i++) {
        p[i] = prepare(&w, &s[i]);
        MUST(ledger_apply(w.hub->ledger, t, p[i], &receipt, &outcome)); /* the second opens the first */
        prepared_free(p[i]);
    }
    store_abort(t);
    ledger_aborted(w.hub->ledger);
    assert_int_equal(take(&w, &s[2], NULL), LEDGER_STORED);
    assert_int_equal(take(&w, &s[3], NULL), LEDGER_STORED);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 2000);
    assert_int_equal(verify_bad(&w), 0);
    for (size_t i = 0; i < 4; i++)
        buf_fini(&s[i].bytes);
    buf_fini(&receipt);
    world_close(&w);
}

static void a_later_one_replaces_and_an_earlier_one_does_not(void **state)
{
    struct world w;
    struct sub late[] = {grade(10, "anna", 15)};
    struct sub early[] = {grade(3, "anna", 2), grade(4, "boris", 9)};
    uint64_t v[VERDICT_COUNT];
    struct sealed a;
    struct sealed b;

    (void)state;
    world_open(&w);
    seal_array(&w, early, 2, 1, NULL, &a);
    seal_array(&w, late, 1, 2, a.digest, &b);
    assert_int_equal(take(&w, &b, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(take(&w, &a, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(v[VERDICT_SUPERSEDED], 1);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 2400);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&a.bytes);
    buf_fini(&b.bytes);
    world_close(&w);
}

/* Nothing older revives, and the dead one stays dead when it arrives after its retraction. */
static void a_retraction_empties_the_slot_for_good(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 12), grade(2, "anna", 13), grade(5, "vera", 3)};
    struct sub two[] = {retraction(6, 2), retraction(7, 5), correction(8, 7, "gleb", 20)};
    struct sub three[] = {grade(9, "anna", 19)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    take_array(&w, one, 3, 1, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 2);
    take_array(&w, two, 3, 2, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 3); /* a retraction counts as a submission that did its work */
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 1);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 2000);
    assert_int_equal(rows_of(&w, H_SLOTS), 1);
    assert_int_equal(rows_of(&w, H_CURRENT), 3);
    assert_int_equal(verify_bad(&w), 0);
    take_array(&w, three, 1, 3, head, v);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 2);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_dead_number_is_remembered_before_it_arrives(void **state)
{
    struct world w;
    struct sub early[] = {grade(1, "anna", 12), grade(2, "boris", 11)};
    struct sub late[] = {retraction(3, 1), correction(4, 2, "dina", 6)};
    struct sealed a;
    struct sealed b;
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    seal_array(&w, early, 2, 1, NULL, &a);
    seal_array(&w, late, 2, 2, a.digest, &b);
    assert_int_equal(take(&w, &b, v), LEDGER_STORED);
    assert_int_equal(take(&w, &a, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_SUPERSEDED], 2);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 1);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 600);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&a.bytes);
    buf_fini(&b.bytes);
    world_close(&w);
}

/* The later one was corrected away in its own batch, which comes first: the slot stays empty (invariant 3). */
static void an_older_one_that_comes_late_revives_nothing(void **state)
{
    struct world w;
    struct sub early[] = {grade(1, "anna", 12)};
    struct sub late[] = {grade(2, "anna", 13), retraction(3, 2)};
    struct sealed a;
    struct sealed b;
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    seal_array(&w, early, 1, 1, NULL, &a);
    seal_array(&w, late, 2, 2, a.digest, &b);
    assert_int_equal(take(&w, &b, v), LEDGER_STORED);
    assert_int_equal(take(&w, &a, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_SUPERSEDED], 1);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 0);
    assert_int_equal(rows_of(&w, H_SLOTS), 0);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&a.bytes);
    buf_fini(&b.bytes);
    world_close(&w);
}

/* Which of several that name one target is remembered does not depend on the order of arrival (invariant 5). */
static void the_greatest_that_names_a_target_is_remembered(void **state)
{
    struct sub subs[] = {grade(1, "anna", 12), retraction(2, 1), correction(3, 1, "anna", 5)};
    static const size_t orders[2][3] = {{0, 1, 2}, {2, 1, 0}};

    (void)state;
    for (size_t o = 0; o < 2; o++) {
        struct record_ref target = {subs[0].gen, 1};
        uint8_t raw[PLACE_KEY_BYTES];
        struct sealed s[3];
        struct world w;
        struct store_txn *t;
        struct bytes by;

        world_open(&w);
        for (size_t i = 0; i < 3; i++)
            seal_array(&w, &subs[i], 1, i + 1, i == 0 ? NULL : s[i - 1].digest, &s[i]);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(take(&w, &s[orders[o][i]], NULL), LEDGER_STORED);
        MUST(store_begin_read(w.hub->store, &t));
        MUST(store_get(t, H_DEAD, place_key(raw, w.of[0]->index, &target.gen, 1), &by));
        assert_int_equal(by.len, RECORD_REF_BYTES);
        assert_int_equal(record_ref_get(by.p).number, 3);
        store_abort(t);
        assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 500);
        assert_int_equal(verify_bad(&w), 0);
        for (size_t i = 0; i < 3; i++)
            buf_fini(&s[i].bytes);
        world_close(&w);
    }
}

/* Invariant 3: after a restored backup the same pupil's row comes under a new generation's number. */
static void duplicates_in_a_new_generation_are_not_counted_twice(void **state)
{
    struct world w;
    struct sub first[] = {grade(1, "anna", 12), grade(2, "boris", 10)};
    struct sub again[] = {grade(1, "anna", 12), grade(2, "boris", 11)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];
    uint32_t counter;
    struct store_txn *t;

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < 2; i++)
        again[i].gen = generation_of(2, 9);
    take_array(&w, first, 2, 1, head, v);
    take_array(&w, again, 2, 1, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 2);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 2);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 2300);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_max_counter(t, w.of[0]->index, &counter));
    assert_int_equal(counter, 2);
    MUST(ledger_max_counter(t, w.of[1]->index, &counter));
    assert_int_equal(counter, 0);
    store_abort(t);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void the_same_number_again_is_a_duplicate_or_a_conflict(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 10), grade(3, "gleb", 88)};
    struct sub two[] = {grade(1, "anna", 12), grade(2, "boris", 4), grade(3, "gleb", 9), grade(4, "vera", 7)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];
    struct sub kill[] = {retraction(5, 2)};

    (void)state;
    world_open(&w);
    take_array(&w, one, 3, 1, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 1);
    take_array(&w, two, 4, 2, head, v);
    assert_int_equal(v[VERDICT_DUPLICATE], 1);
    assert_int_equal(v[VERDICT_QUARANTINED], 2);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 2900);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 2); /* 3 for its first copy, 2 for the other content */
    assert_int_equal(verify_bad(&w), 0);
    take_array(&w, kill, 1, 3, head, v); /* the accepted copy of 2 can still be retracted */
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 1900);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_target_that_cannot_be_is_quarantined(void **state)
{
    struct world w;
    struct sub subs[] = {correction(1, 1, "anna", 12), retraction(2, 9), grade(3, "vera", 5), retraction(4, 3)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    take_array(&w, subs, 4, 1, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 2);
    assert_int_equal(v[VERDICT_SUPERSEDED], 1);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(rows_of(&w, H_CELLS), 0);
    assert_int_equal(rows_of(&w, H_DEAD), 1);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A retraction that names what is in quarantine makes it dead and changes no cell. */
static void a_quarantined_target_is_simply_dead(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 77)};
    struct sub two[] = {retraction(3, 2)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, v);
    take_array(&w, two, 1, 2, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 1);
    assert_int_equal(rows_of(&w, H_DEAD), 1);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void gaps_are_named_until_they_are_filled(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "a", 1), grade(2, "b", 2), grade(3, "c", 3), grade(4, "d", 4), grade(5, "e", 5)};
    struct sealed s[5];
    struct ledger_chain c;
    struct store_txn *t;

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < 5; i++)
        seal_array(&w, &subs[i], 1, i + 1, i == 0 ? NULL : s[i - 1].digest, &s[i]);
    assert_int_equal(take(&w, &s[0], NULL), LEDGER_STORED);
    assert_int_equal(take(&w, &s[4], NULL), LEDGER_STORED);
    assert_int_equal(take(&w, &s[2], NULL), LEDGER_STORED);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 3);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_chain(t, w.of[0]->index, &subs[0].gen, &c));
    store_abort(t);
    assert_int_equal(c.next_sequence, 2);
    assert_int_equal(c.held_last, 5);
    assert_int_equal(c.gap_count, 2);
    assert_int_equal(c.gaps[0].first, 2);
    assert_int_equal(c.gaps[1].first, 4);
    assert_int_equal(c.gaps[1].count, 1);
    assert_int_equal(take(&w, &s[3], NULL), LEDGER_STORED);
    assert_int_equal(take(&w, &s[1], NULL), LEDGER_STORED);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_chain(t, w.of[0]->index, &subs[0].gen, &c));
    store_abort(t);
    assert_int_equal(c.next_sequence, 6);
    assert_int_equal(c.gap_count, 0);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 5);
    assert_int_equal(verify_bad(&w), 0);
    for (size_t i = 0; i < 5; i++)
        buf_fini(&s[i].bytes);
    world_close(&w);
}

/* Two copies of one school: same sequence, or a chain that does not join on either side.  Nothing changes. */
static void a_fork_is_found_on_every_side(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "a", 1), grade(2, "b", 2), grade(3, "c", 3), grade(4, "d", 4)};
    struct sealed s1;
    struct sealed s2;
    struct sealed s3;
    struct sealed other4;
    struct sealed other1;
    struct sealed other2;
    struct sealed other3;
    uint64_t entries;

    (void)state;
    world_open(&w);
    seal_array(&w, &subs[0], 1, 1, NULL, &s1);
    seal_array(&w, &subs[1], 1, 2, s1.digest, &s2);
    seal_array(&w, &subs[2], 1, 3, s2.digest, &s3);
    seal_array(&w, &subs[2], 1, 1, NULL, &other1);
    seal_array(&w, &subs[1], 1, 2, other1.digest, &other2);
    seal_array(&w, &subs[1], 1, 2, s1.digest, &other3);
    seal_array(&w, &subs[3], 1, 4, other2.digest, &other4);
    assert_int_equal(take(&w, &s1, NULL), LEDGER_STORED);
    assert_int_equal(take(&w, &s3, NULL), LEDGER_STORED);
    entries = rows_of(&w, H_JOURNAL);
    assert_int_equal(take(&w, &other1, NULL), LEDGER_FORK); /* same sequence */
    assert_int_equal(take(&w, &other2, NULL), LEDGER_FORK); /* does not join what stands before */
    assert_int_equal(take(&w, &other3, NULL), LEDGER_FORK); /* what stands after does not join it */
    assert_int_equal(take(&w, &other4, NULL), LEDGER_FORK); /* nor does the newest, with nothing behind it */
    assert_int_equal(rows_of(&w, H_JOURNAL), entries);
    assert_int_equal(take(&w, &s2, NULL), LEDGER_STORED);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s1.bytes);
    buf_fini(&s2.bytes);
    buf_fini(&s3.bytes);
    buf_fini(&other1.bytes);
    buf_fini(&other2.bytes);
    buf_fini(&other3.bytes);
    buf_fini(&other4.bytes);
    world_close(&w);
}

static void a_closed_generation_takes_nothing_new(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "a", 1), grade(2, "b", 2), grade(7, "c", 3)};
    struct reconcile r;
    struct sealed s1;
    struct sealed s2;
    struct store_txn *t;

    (void)state;
    world_open(&w);
    seal_array(&w, subs, 2, 1, NULL, &s1);
    seal_array(&w, &subs[2], 1, 2, s1.digest, &s2);
    assert_int_equal(take(&w, &s1, NULL), LEDGER_STORED);
    for (int i = 0; i < 2; i++) {
        MUST(store_begin_write(w.hub->store, &t));
        MUST(ledger_close_generation(w.hub->ledger, t, w.of[0]->index, &subs[0].gen));
        finish_txn(&w, t);
    }
    assert_int_equal(take(&w, &s2, NULL), LEDGER_FORK);
    assert_int_equal(take(&w, &s1, NULL), LEDGER_AGAIN);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_reconcile(w.hub->ledger, t, w.of[0]->index, &subs[0].gen, 1, &r));
    store_abort(t);
    assert_true(r.is_closed);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.held_last_number, 2);
    assert_int_equal(r.next_counter, 2);
    reconcile_fini(&r);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s1.bytes);
    buf_fini(&s2.bytes);
    world_close(&w);
}

static void a_reconcile_answer_names_what_is_held(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "a", 1), grade(2, "b", 2), grade(3, "c", 99), grade(7, "d", 3), grade(8, "e", 4)};
    struct reconcile r;
    struct buf record;
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES];
    uint8_t expected[RECORD_DIGEST_BYTES];
    struct generation other = generation_of(5, 5);

    (void)state;
    world_open(&w);
    take_array(&w, subs, 5, 1, head, NULL);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_reconcile(w.hub->ledger, t, w.of[0]->index, &subs[0].gen, 2, &r));
    assert_int_equal(r.first, 2);
    assert_int_equal(r.last, 8);
    assert_int_equal(r.held_last_number, 8);
    assert_int_equal(r.held_last_sequence, 1);
    assert_int_equal(r.next_counter, 2);
    assert_false(r.is_closed);
    assert_int_equal(r.count, 4); /* 3 is held too, in quarantine */
    buf_init(&record, RECORD_MAX);
    for (size_t i = 0; i < 4; i++) {
        buf_reset(&record);
        sub_encode(&w, &subs[i + 1], &record);
        record_digest(expected, bytes_of(record.data, record.len));
        assert_int_equal(r.items[i].number, subs[i + 1].number);
        assert_memory_equal(r.items[i].digest, expected, sizeof(expected));
    }
    buf_fini(&record);
    reconcile_fini(&r);
    MUST(ledger_reconcile(w.hub->ledger, t, w.of[0]->index, &other, 1, &r));
    assert_int_equal(r.count, 0);
    assert_int_equal(r.held_last_number, 0);
    assert_int_equal(r.next_counter, 6);
    reconcile_fini(&r);
    assert_int_equal(ledger_reconcile(w.hub->ledger, t, 77, &other, 1, &r), ERR_NOT_FOUND);
    store_abort(t);
    world_close(&w);
}

/* ---- reading ---- */

struct seen {
    size_t count;
    uint64_t numbers[16];
    size_t stop_after;
};

static enum err see(void *ctx, const struct submission *s)
{
    struct seen *seen = ctx;

    assert_true(seen->count < COUNT(seen->numbers));
    assert_true(s->record.len > 0);
    seen->numbers[seen->count++] = s->ref.number;
    return seen->count == seen->stop_after ? ERR_CANCELLED : OK;
}

static void current_submissions_are_read_by_form_unit_and_period(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "a", 1), grade(2, "b", 2), grade(3, "a", 3), grade(4, "c", 4),
                         grade(5, "d", 5), grade(6, "", 6),  grade(7, "", 7),  grade(8, "", 8)};
    struct seen all = {0};
    struct seen month = {0};
    struct seen unit = {0};
    struct seen polls = {0};
    struct seen stopped = {.stop_after = 2};
    struct ledger_totals totals;
    struct submission found;
    struct record_ref ref = {generation_of(1, 7), 4};
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    subs[3].unit = "gp2";
    subs[4].period = "2020-10";
    subs[5].form = "card";
    subs[6].form = subs[7].form = "poll";
    take_array(&w, subs, COUNT(subs), 1, head, NULL);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_each_current(w.hub->ledger, t, NULL, NULL, NULL, see, &all));
    assert_int_equal(all.count, 7);
    MUST(ledger_each_current(w.hub->ledger, t, "grades", NULL, "2020-09", see, &month));
    assert_int_equal(month.count, 3);
    MUST(ledger_each_current(w.hub->ledger, t, "grades", "gp", "2020-09", see, &unit));
    assert_int_equal(unit.count, 2);
    assert_int_equal(unit.numbers[0], 2);
    assert_int_equal(unit.numbers[1], 3);
    MUST(ledger_each_current(w.hub->ledger, t, "poll", "gp", NULL, see, &polls));
    assert_int_equal(polls.count, 2);
    assert_int_equal(ledger_each_current(w.hub->ledger, t, NULL, NULL, NULL, see, &stopped), ERR_CANCELLED);
    MUST(ledger_each_current(w.hub->ledger, t, "grade", NULL, NULL, see, &polls));
    assert_int_equal(polls.count, 2); /* a prefix of a form's name is another form */
    MUST(ledger_find(w.hub->ledger, t, w.of[0]->index, &ref, &found));
    assert_int_equal(found.row, 3);
    ref.number = 9;
    assert_int_equal(ledger_find(w.hub->ledger, t, w.of[0]->index, &ref, &found), ERR_NOT_FOUND);
    MUST(ledger_totals(t, &totals));
    assert_int_equal(totals.batches, 1);
    assert_int_equal(totals.records, 8);
    assert_int_equal(totals.counted, 7);
    assert_int_equal(totals.quarantined, 0);
    store_abort(t);
    world_close(&w);
}

static void rebuilt_cells_are_the_same_cells(void **state)
{
    static const char changed[] = "programme: quality\nversion: \"2\"\ntitle: Quality\nindicators:\n"
                                  "  - {id: twice, name: Twice, form: grades, kind: sum, value: \"${grade} * 2\"}\n";
    struct world w;
    struct sub subs[] = {grade(1, "a", 1), grade(2, "b", 2), grade(3, "a", 3), retraction(4, 2), grade(5, "c", 9)};
    struct buf before;
    struct buf after;
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    take_array(&w, subs, 3, 1, head, NULL);
    take_array(&w, subs + 3, 2, 2, head, NULL);
    dump_table(&w, H_CELLS, &before);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(ledger_rebuild_cells(w.hub->ledger, t));
    finish_txn(&w, t);
    dump_table(&w, H_CELLS, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    /* Another definition: the old cells go, and what was prepared for the old ones is not taken. */
    MUST(store_begin_write(w.hub->store, &t));
    load_programme(&w, t, changed);
    MUST(hub_reload(w.hub, t));
    MUST(ledger_rebuild_cells(w.hub->ledger, t));
    finish_txn(&w, t);
    join_schools(&w);
    assert_int_equal(rows_of(&w, H_CELLS), 1);
    assert_int_equal(cell_of(&w, "twice", "gp", "2020-09", "").sum, 24);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

static void what_was_prepared_before_a_change_is_prepared_again(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "a", 1)};
    struct sealed s;
    struct prepared *p;
    struct store_txn *t;
    struct buf receipt;
    enum ledger_outcome outcome;

    (void)state;
    world_open(&w);
    buf_init(&receipt, SIGNED_MAX);
    seal_array(&w, subs, 1, 1, NULL, &s);
    p = prepare(&w, &s);
    MUST(hub_reload(w.hub, NULL));
    join_schools(&w);
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(ledger_apply(w.hub->ledger, t, p, &receipt, &outcome), ERR_BUSY);
    store_abort(t);
    ledger_aborted(w.hub->ledger);
    prepared_free(p);
    renew_intake(&w);
    assert_int_equal(take(&w, &s, NULL), LEDGER_STORED);
    buf_fini(&s.bytes);
    buf_fini(&receipt);
    world_close(&w);
}

/* ---- invariant 5: any order, any split ---- */

#define MANY      120u
#define PUPILS    12u
#define SPLITS    20
#define MAX_BATCH 64u

struct plan {
    struct sub subs[MANY];
    size_t count;
};

static void make_plan(struct plan *p)
{
    static const char *const periods[] = {"2020-09", "2020-10"};
    uint64_t next[3] = {1, 1, 1};

    for (p->count = 0; p->count < MANY; p->count++) {
        struct sub *s = &p->subs[p->count];
        unsigned g = (unsigned)draw(3); /* two generations of gp, one of ms */
        char pupil[8];

        (void)snprintf(pupil, sizeof(pupil), "p%u", (unsigned)draw(PUPILS));
        *s = grade(next[g], pupil, (int64_t)draw(23)); /* 21 and 22 break the form's rule */
        next[g] += 1 + draw(2);
        s->school = g == 2;
        s->gen = generation_of(g == 1 ? 2 : 1, (uint8_t)(g + 1));
        s->unit = g == 2 ? "ms" : "gp";
        s->period = periods[draw(2)];
        if (draw(8) == 0)
            s->form = "card";
        else if (draw(8) == 0)
            s->form = "poll";
        if (s->form[0] != 'p' && draw(4) == 0) {
            s->kind = draw(2) == 0 ? RECORD_CORRECTION : RECORD_RETRACTION;
            s->target = (struct record_ref){s->gen, 1 + draw(s->number + 2)};
            if (g == 1 && draw(3) == 0)
                s->target = (struct record_ref){generation_of(1, 1), 1 + draw(60)};
        }
    }
}

static bool same_stream(const struct sub *a, const struct sub *b)
{
    return a->school == b->school && generation_compare(&a->gen, &b->gen) == 0;
}

/* Cuts each generation's run of numbers into batches of random size; some repeat the tail of the batch before. */
static size_t cut(const struct world *w, const struct plan *p, struct sealed *out)
{
    size_t n = 0;

    for (size_t first = 0; first < p->count; first++) {
        const struct sub *run[MANY];
        size_t len = 0;
        bool is_seen = false;
        uint64_t sequence = 1;

        for (size_t i = 0; i < first && !is_seen; i++)
            is_seen = same_stream(&p->subs[i], &p->subs[first]);
        for (size_t i = first; i < p->count && !is_seen; i++)
            if (same_stream(&p->subs[i], &p->subs[first]))
                run[len++] = &p->subs[i];
        for (size_t at = 0; at < len;) {
            size_t size = 1 + draw(len / 3);
            size_t back = sequence > 1 ? draw(at < 4 ? at + 1 : 4) : 0;

            size = size > len - at ? len - at : size;
            seal(w, run + at - back, size + back, sequence, sequence == 1 ? NULL : out[n - 1].digest, &out[n]);
            n++;
            sequence++;
            at += size;
            assert_true(n < MAX_BATCH);
        }
    }
    return n;
}

/* ---- a model without any cleverness ---- */

static bool is_valid(const struct sub *s)
{
    if (s->kind != RECORD_NEW && record_ref_compare(&s->target, &(struct record_ref){s->gen, s->number}) >= 0)
        return false;
    return s->kind == RECORD_RETRACTION || s->form[0] != 'g' || s->value <= 20;
}

static bool is_dead(const struct plan *p, const struct sub *s)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct sub *by = &p->subs[i];

        if (by->kind != RECORD_NEW && is_valid(by) && by->school == s->school &&
            record_ref_compare(&by->target, &(struct record_ref){s->gen, s->number}) == 0)
            return true;
    }
    return false;
}

static bool same_slot(const struct sub *a, const struct sub *b)
{
    return strcmp(a->form, b->form) == 0 && a->form[0] != 'p' && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->period, b->period) == 0 && (a->form[0] == 'c' || strcmp(a->key, b->key) == 0);
}

static bool counts(const struct plan *p, const struct sub *s)
{
    struct record_ref own = {s->gen, s->number};

    if (s->kind == RECORD_RETRACTION || !is_valid(s) || is_dead(p, s))
        return false;
    for (size_t i = 0; i < p->count; i++) {
        const struct sub *o = &p->subs[i];
        struct record_ref ref = {o->gen, o->number};

        if (o != s && o->kind != RECORD_RETRACTION && is_valid(o) && same_slot(o, s) &&
            record_ref_compare(&ref, &own) > 0)
            return false;
    }
    return true;
}

static void check_model(const struct world *w, const struct plan *p, const char *form, const char *indicator,
                        const char *unit, const char *period, int scale)
{
    struct cell c = cell_of(w, indicator, unit, period, "");
    int64_t sum = 0;
    uint64_t n = 0;

    for (size_t i = 0; i < p->count; i++) {
        const struct sub *s = &p->subs[i];

        if (strcmp(s->form, form) != 0 || strcmp(s->unit, unit) != 0 || strcmp(s->period, period) != 0 || !counts(p, s))
            continue;
        sum += s->value * scale;
        n++;
    }
    assert_int_equal(c.n, n);
    assert_true(c.sum == sum);
}

/* Every kind of variable over the same submissions.  A text in `by` gives each pupil a cell. */
static const char kinds_yaml[] = "programme: kinds\nversion: \"1\"\ntitle: Kinds\nindicators:\n"
                                 "  - {id: all, name: All, kind: formula, level: unit, period: month,"
                                 " value: \"${by} + ${median.values} + ${keys} + ${pairs} + ${relations}\"}\n";
static const char kinds_variables[] =
    "variables:\n"
    "  - {id: by, form: grades, value: \"${grade} div 8\", places: 2, by: [pupil, level]}\n"
    "  - {id: values, kind: values, form: grades, value: \"${grade} - 10\"}\n"
    "  - id: keys\n"
    "    kind: keys\n"
    "    all:\n"
    "      - {form: grades, key: \"${pupil}\"}\n"
    "      - any:\n"
    "          - {form: grades, key: \"${pupil}\", where: \"${grade} >= 10\"}\n"
    "          - {form: card, key: \"concat('p', ${seats})\"}\n"
    "  - {id: pairs, kind: pairs, form: grades, key: \"${pupil}\", within: \"${level}\","
    " order: \"${grade} mod 3 - 1\", value: \"${grade}\"}\n"
    "  - {id: relations, kind: relations, form: grades, key: \"${pupil}\","
    " partner: \"if(${grade} > 12, 'ms', if(${grade} > 6, 'gp', 'a firm'))\"}\n";

/* Keyed digests are those of the storage key: all hubs of the test have the same one. */
static void share_storage(struct world *w, struct key **storage)
{
    struct key *own = w->hub->storage;

    w->hub->storage = *storage;
    *storage = own;
    ledger_close(w->hub->ledger);
    MUST(ledger_open(&w->hub->ledger, w->hub));
    renew_intake(w);
}

static void open_with_kinds(struct world *w)
{
    struct store_txn *t;

    world_open(w);
    MUST(store_begin_write(w->hub->store, &t));
    load_programme_with(w, t, kinds_yaml, kinds_variables);
    finish_txn(w, t);
    MUST(hub_reload(w->hub, NULL));
    join_schools(w);
    renew_intake(w);
}

/* How many cells a variable has in a unit and period, and the sum of their n. */
static void count_cells(const struct world *w, const char *variable, const char *unit, const char *period,
                        uint64_t *cells, uint64_t *n)
{
    uint8_t prefix[CELL_KEY_MAX];
    size_t len = cell_key(prefix, variable_of(w, variable)->digest, unit, period, bytes_of("", 0));
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key;
    struct bytes value;
    struct cell cell;

    *cells = *n = 0;
    MUST(store_begin_read(w->hub->store, &t));
    MUST(store_cursor_open(t, H_CELLS, &c));
    for (enum err e = store_seek(c, bytes_of(prefix, len), &key, &value);
         e == OK && key.len >= len && memcmp(key.p, prefix, len) == 0; e = store_next(c, &key, &value)) {
        if (part_is_presence(bytes_of(key.p + len, key.len - len)))
            continue;
        MUST(cell_get(&cell, value));
        ++*cells;
        *n += cell.n;
    }
    store_cursor_close(c);
    store_abort(t);
}

/* Grades 0 to 20 and pupils, counted from the model: one value cell for each grade that occurs, one key cell of the
 * first clause for each pupil and of the second for those with 10 or more (a slot holds one grade of a pupil, so a
 * pupil is counted once by each), one pair and one relation for each. */
static void check_kinds(const struct world *w, const struct plan *p, const char *unit, const char *period)
{
    uint64_t grades[23] = {0};
    uint64_t expected[3] = {0, 0, 0}; /* submissions, different grades, with 10 or more */
    uint64_t seats = 0;               /* cards with another key than a pupil's: one a unit and period at most */
    uint64_t cells;
    uint64_t n;

    for (size_t i = 0; i < p->count; i++) {
        const struct sub *s = &p->subs[i];

        if (strcmp(s->unit, unit) != 0 || strcmp(s->period, period) != 0 || !counts(p, s))
            continue;
        seats += s->form[0] == 'c';
        if (s->form[0] != 'g')
            continue;
        expected[0]++;
        expected[1] += grades[s->value]++ == 0;
        expected[2] += s->value >= 10;
    }
    count_cells(w, "values", unit, period, &cells, &n);
    assert_int_equal(cells, expected[1]);
    assert_int_equal(n, expected[0]);
    for (int g = 0; g < 23; g++) {
        uint8_t part[8];

        be64_put(part, (uint64_t)(g - 10) ^ (UINT64_C(1) << 63));
        assert_int_equal(cell_of_part(w, "values", unit, period, bytes_of(part, 8)).n, grades[g]);
    }
    assert_int_equal(cell_of_part(w, "keys", unit, period, bytes_of("", 1)).n, expected[0]); /* clause 0: all grades */
    count_cells(w, "keys", unit, period, &cells, &n);
    assert_int_equal(n, expected[0] + expected[2] + seats);
    assert_int_equal(cells, n);
    count_cells(w, "pairs", unit, period, &cells, &n);
    assert_int_equal(cells, expected[0]);
    count_cells(w, "relations", unit, period, &cells, &n);
    assert_int_equal(cells, expected[0]);
    count_cells(w, "by", unit, period, &cells, &n);
    assert_int_equal(cells, expected[0] + (expected[0] > 0));
    assert_int_equal(n, 2 * expected[0]);
}

static void dump_state(struct world *w, struct buf *out)
{
    buf_reset(out);
    dump_table(w, H_CELLS, out);
    dump_table(w, H_DEAD, out);
}

/* Slot digests differ from hub to hub: the current ones are compared by what they are. */
static enum err put_ref(void *ctx, const struct submission *s)
{
    struct buf *out = ctx;
    uint8_t raw[RECORD_REF_BYTES];

    record_ref_put(raw, &s->ref);
    buf_put_u32(out, s->participant);
    buf_put(out, raw, sizeof(raw));
    return OK;
}

static int compare_refs(const void *a, const void *b)
{
    return memcmp(a, b, 4 + RECORD_REF_BYTES);
}

static void dump_current(struct world *w, struct buf *out)
{
    struct store_txn *t;

    buf_reset(out);
    MUST(store_begin_read(w->hub->store, &t));
    MUST(ledger_each_current(w->hub->ledger, t, NULL, NULL, NULL, put_ref, out));
    store_abort(t);
    if (out->len > 0)
        qsort(out->data, out->len / (4 + RECORD_REF_BYTES), 4 + RECORD_REF_BYTES, compare_refs);
}

#define FILE_NAME 40

/* Files by their order of writing: at most one for each batch. */
static void file_name(char out[FILE_NAME], size_t number)
{
    (void)snprintf(out, FILE_NAME, "mixed-%zu.svodka", number);
}

/* Some older file once more, whole or cut anywhere: it adds nothing. */
static void read_an_old_file(struct world *w, size_t files, struct carry *schools)
{
    char name[FILE_NAME];
    char path[256];
    void *bytes;
    size_t len;

    file_name(name, (size_t)draw(files));
    if (draw(2) == 0) {
        carried_path(w, name, path);
        MUST(cli_read_file(path, 1 << 24, &bytes, &len));
        (void)snprintf(name, sizeof(name), "cut.svodka");
        carried_path(w, name, path);
        len = 40 + (size_t)draw(len - 40); /* its head stays: without it nothing would be read at all */
        MUST(cli_write_file(path, bytes, len, 0600, true));
        free(bytes);
    }
    assert_int_equal(read_carried(w, name, schools).batches, 0);
}

/* Some batches over the line, some in files of up to five, with old ones beside the new ones.  Every
 * file comes twice, and some again after later ones, whole or cut. */
static void take_mixed(struct world *w, struct sealed *batches, size_t n)
{
    struct carry schools = {.count = 0};
    size_t first = 0;
    size_t files = 0;

    /* A school begins its second generation when the hub knows the first. */
    while (batches[first].school != 0 || batches[first].counter != 1)
        first++;
    assert_int_equal(take(w, &batches[first], NULL), LEDGER_STORED);
    for (size_t i = 0; i < n;) {
        const struct sealed *in[8];
        char name[FILE_NAME];
        size_t count = 0;
        size_t size = 1 + (size_t)draw(5);

        if (draw(3) == 0) {
            assert_int_equal(take(w, &batches[i], NULL), i == first ? LEDGER_AGAIN : LEDGER_STORED);
            i++;
            continue;
        }
        for (size_t k = i; k < n && count < size && batches[k].school == batches[i].school; k++)
            in[count++] = &batches[k];
        i += count;
        if (batches[draw(i)].school == in[0]->school)
            in[count] = &batches[draw(i)];
        else
            in[count] = in[0];
        if (in[count]->school == in[0]->school)
            count++;
        file_name(name, files++);
        write_carried(w, in, count, name);
        for (int again = 0; again < 2; again++) {
            struct carry_file f = read_carried(w, name, &schools);

            assert_int_equal(f.problem_count, 0);
            assert_int_equal(f.refused, 0);
            assert_int_equal(f.batches + f.again, count);
            assert_true(again == 0 || f.batches == 0);
        }
        read_an_old_file(w, files, &schools);
    }
    carry_fini(&schools);
}

static void run_order(const struct plan *p, struct key **storage, bool by_files, struct buf *cells, struct buf *current)
{
    static const char *const units[] = {"gp", "ms"};
    static const char *const periods[] = {"2020-09", "2020-10"};
    struct sealed batches[MAX_BATCH];
    struct world w;
    size_t n;

    open_with_kinds(&w);
    share_storage(&w, storage);
    n = cut(&w, p, batches);
    shuffle_batches(batches, n);
    if (by_files)
        take_mixed(&w, batches, n);
    for (size_t i = 0; i < n && !by_files; i++) {
        assert_int_equal(take(&w, &batches[i], NULL), LEDGER_STORED);
        assert_int_equal(take(&w, &batches[draw(i + 1)], NULL), LEDGER_AGAIN);
    }
    for (size_t u = 0; u < 2; u++)
        for (size_t m = 0; m < 2; m++) {
            check_model(&w, p, "grades", "grade_mean", units[u], periods[m], 100);
            check_model(&w, p, "card", "places", units[u], periods[m], 1);
            check_model(&w, p, "poll", "mood", units[u], periods[m], 1);
            check_kinds(&w, p, units[u], periods[m]);
        }
    dump_state(&w, cells);
    dump_current(&w, current);
    assert_int_equal(verify_bad(&w), 0);
    share_storage(&w, storage);
    for (size_t i = 0; i < n; i++)
        buf_fini(&batches[i].bytes);
    world_close(&w);
}

/* Invariants 3 and 5: every batch comes again after some other, too; half of the runs by line and files, mixed.
 * SVODKA_TEST_SEED repeats a run. */
static void any_order_and_split_give_the_same_cells_and_current_submissions(void **state)
{
    static struct plan p;
    struct buf cells;
    struct buf current;
    struct buf cells_then;
    struct buf current_then;
    struct key *storage;

    (void)state;
    MUST(keys_start());
    MUST(key_generate(&storage, KEY_SECRET));
    draw_begin();
    buf_init(&cells, 1 << 20);
    buf_init(&current, 1 << 20);
    buf_init(&cells_then, 1 << 20);
    buf_init(&current_then, 1 << 20);
    make_plan(&p);
    run_order(&p, &storage, false, &cells, &current);
    for (int i = 1; i < SPLITS; i++) {
        run_order(&p, &storage, i % 2 != 0, &cells_then, &current_then);
        assert_int_equal(cells.len, cells_then.len);
        assert_memory_equal(cells.data, cells_then.data, cells.len);
        assert_int_equal(current.len, current_then.len);
        assert_memory_equal(current.data, current_then.data, current.len);
    }
    key_free(storage);
    buf_fini(&cells);
    buf_fini(&current);
    buf_fini(&cells_then);
    buf_fini(&current_then);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_counted_once_and_cells_follow),
        cmocka_unit_test(the_same_batch_again_gets_the_stored_receipt),
        cmocka_unit_test(nothing_remains_of_an_aborted_batch),
        cmocka_unit_test(an_aborted_batch_is_forgotten_in_memory_too),
        cmocka_unit_test(a_later_one_replaces_and_an_earlier_one_does_not),
        cmocka_unit_test(a_retraction_empties_the_slot_for_good),
        cmocka_unit_test(a_dead_number_is_remembered_before_it_arrives),
        cmocka_unit_test(an_older_one_that_comes_late_revives_nothing),
        cmocka_unit_test(the_greatest_that_names_a_target_is_remembered),
        cmocka_unit_test(duplicates_in_a_new_generation_are_not_counted_twice),
        cmocka_unit_test(the_same_number_again_is_a_duplicate_or_a_conflict),
        cmocka_unit_test(a_target_that_cannot_be_is_quarantined),
        cmocka_unit_test(a_quarantined_target_is_simply_dead),
        cmocka_unit_test(gaps_are_named_until_they_are_filled),
        cmocka_unit_test(a_fork_is_found_on_every_side),
        cmocka_unit_test(a_closed_generation_takes_nothing_new),
        cmocka_unit_test(a_reconcile_answer_names_what_is_held),
        cmocka_unit_test(current_submissions_are_read_by_form_unit_and_period),
        cmocka_unit_test(rebuilt_cells_are_the_same_cells),
        cmocka_unit_test(what_was_prepared_before_a_change_is_prepared_again),
        cmocka_unit_test(any_order_and_split_give_the_same_cells_and_current_submissions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
