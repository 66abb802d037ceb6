/* Two copies of one queue (a restored backup, a cloned disk) may each send what both hold, under numbers of generations
 * of their own (SPEC.md section 7.2).  It is counted once (invariant 3), whatever comes first (invariant 5), and what
 * is taken back under one of its numbers is taken back. */
#include "hub/ledger_erase.h"
#include "hub/quarantine.h"
#include "hub/suspects.h"
#include "ledger_fixture.h"

#define GP      1u
#define YEAR_MS (INT64_C(366) * 86400000)

/* The same answer: `made_as` of the first copy. */
static struct sub answer(uint8_t clone, uint64_t number, uint64_t made_as, int64_t mark)
{
    struct sub s = grade(number, "", mark);

    s.form = "poll";
    s.gen = generation_of(2, clone);
    s.made_as = (struct record_ref){generation_of(1, 7), made_as};
    return s;
}

static struct sub taken_back(uint8_t clone, uint64_t number, uint64_t target)
{
    struct sub s = answer(clone, number, 0, 0);

    s.kind = RECORD_RETRACTION;
    s.made_as.number = 0;
    s.target = (struct record_ref){s.gen, target};
    return s;
}

static struct cell mood(const struct world *w)
{
    return cell_of(w, "mood", "gp", "2020-09", "");
}

static void an_answer_that_two_copies_of_a_queue_hold_is_counted_once(void **state)
{
    struct world w;
    struct sub one[] = {answer(9, 1, 1, 5), answer(9, 2, 2, 3)};
    struct sub two[] = {answer(3, 1, 2, 3), answer(3, 2, 3, 3), answer(3, 3, 1, 5)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 2);
    take_array(&w, two, 3, 1, head, v);
    assert_int_equal(v[VERDICT_DUPLICATE], 2);
    assert_int_equal(v[VERDICT_COUNTED], 1); /* as many points as another one, but somebody else's */
    assert_int_equal(mood(&w).n, 3);
    assert_int_equal(mood(&w).sum, 11);
    assert_int_equal(rows_of(&w, H_SLOTS), 3);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A faulty program may number one answer twice. */
static void the_same_answer_twice_in_one_batch_is_counted_once(void **state)
{
    struct world w;
    struct sub subs[] = {answer(9, 1, 1, 5), answer(9, 2, 1, 5), answer(9, 3, 1, 5)};
    struct sub back[] = {taken_back(9, 4, 2)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    take_array(&w, subs, 3, 1, head, v);
    assert_int_equal(v[VERDICT_DUPLICATE], 2);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(mood(&w).n, 1);
    assert_int_equal(verify_bad(&w), 0);
    take_array(&w, back, 1, 2, head, v);
    assert_int_equal(mood(&w).n, 0);
    assert_int_equal(rows_of(&w, H_SLOTS), 0);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* The same in a batch that knows of the retraction already: any of the three may be the one that it names. */
static void a_retraction_that_came_first_takes_back_every_copy_in_a_batch(void **state)
{
    for (uint64_t named = 1; named <= 3; named++) {
        struct world w;
        struct sub subs[] = {answer(9, 1, 1, 5), answer(9, 2, 1, 5), answer(9, 3, 1, 5), answer(9, 4, 2, 4)};
        struct sub back[] = {taken_back(9, 5, named)};
        struct sealed first, second;

        (void)state;
        world_open(&w);
        seal_array(&w, subs, 4, 1, NULL, &first);
        seal_array(&w, back, 1, 2, first.digest, &second);
        assert_int_equal(take(&w, &second, NULL), LEDGER_STORED);
        assert_int_equal(take(&w, &first, NULL), LEDGER_STORED);
        assert_int_equal(mood(&w).n, 1);
        assert_int_equal(mood(&w).sum, 4);
        assert_int_equal(verify_bad(&w), 0);
        buf_fini(&first.bytes);
        buf_fini(&second.bytes);
        world_close(&w);
    }
}

/* ---- quarantine, doubt, erasure ---- */

static void mark_doubtful(struct world *w, uint8_t clone)
{
    const struct suspect_from from = {generation_of(2, clone), 1};
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(signers_decide(w->hub, t, "gp", GP, DEED_REVOKED, bytes_of("", 0), "stolen", &from, 1));
    finish_txn(w, t);
}

static void take_out_all(struct world *w)
{
    struct suspect_list l = {.count = 0};
    struct doubt_outcome out = {.taken = 0};
    struct doubt *d = NULL;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(suspects_named(w->hub, t, GP, "all", &l));
    MUST(ledger_doubt_new(&d, w->hub->ledger, l.items, l.count));
    MUST(ledger_doubt_look(d, t));
    store_abort(t);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(ledger_end(w->hub->ledger, t, suspects_take_out(w->hub, t, "office:test", d, &l, "stolen", &out)));
    ledger_doubt_free(d);
    doubt_outcome_fini(&out);
    suspect_list_fini(&l);
}

static uint64_t release_all(struct world *w)
{
    struct quarantine_filter f = {.waits = false};
    struct quarantine_list l;
    struct store_txn *t;
    uint64_t counted = 0;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(quarantine_find(w->hub, t, &f, &l));
    store_abort(t);
    for (size_t from = 0, n = 0; from < l.count; from += n) {
        struct quarantine_outcome out = {.counted = 0};

        n = quarantine_run(&l, from);
        MUST(store_begin_write(w->hub->store, &t));
        MUST(quarantine_release(w->hub, t, "office:test", &l.items[from], n, &out));
        finish_txn(w, t);
        counted += out.counted;
    }
    quarantine_list_fini(&l);
    return counted;
}

/* Whichever of the two stands in the slot: the other one takes its place, and gives it back. */
static void a_copy_counts_on_when_the_other_is_taken_out(void **state)
{
    static const uint8_t doubted[] = {3, 9}; /* the smaller generation, the greater one */

    (void)state;
    for (size_t i = 0; i < COUNT(doubted); i++) {
        struct world w;
        struct sub one[] = {answer(9, 1, 1, 5), answer(9, 2, 2, 3)};
        struct sub two[] = {answer(3, 1, 1, 5), answer(3, 2, 3, 4)};
        uint8_t head[DIGEST_BYTES];

        world_open(&w);
        take_array(&w, one, 2, 1, head, NULL);
        take_array(&w, two, 2, 1, head, NULL);
        assert_int_equal(mood(&w).sum, 12);
        mark_doubtful(&w, doubted[i]);
        take_out_all(&w);
        assert_int_equal(mood(&w).n, 2);
        assert_int_equal(mood(&w).sum, doubted[i] == 3 ? 8 : 9);
        assert_int_equal(verify_bad(&w), 0);
        (void)release_all(&w);
        assert_int_equal(mood(&w).n, 3);
        assert_int_equal(mood(&w).sum, 12);
        assert_int_equal(verify_bad(&w), 0);
        world_close(&w);
    }
}

/* ... and so it is with who took it back. */
static void an_answer_comes_back_when_all_that_took_it_back_is_taken_out(void **state)
{
    struct world w;
    struct sub one[] = {answer(9, 1, 1, 5)};
    struct sub two[] = {answer(3, 1, 1, 5), taken_back(3, 2, 1)};
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 1, 1, head, NULL);
    take_array(&w, two, 2, 1, head, NULL);
    assert_int_equal(mood(&w).n, 0);
    mark_doubtful(&w, 3);
    take_out_all(&w);
    assert_int_equal(mood(&w).n, 1);
    assert_int_equal(verify_bad(&w), 0);
    (void)release_all(&w);
    assert_int_equal(mood(&w).n, 0);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void what_was_taken_back_stays_so_when_another_copy_is_taken_out(void **state)
{
    struct world w;
    struct sub one[] = {answer(9, 1, 1, 5)};
    struct sub two[] = {answer(3, 1, 1, 5), taken_back(3, 2, 1)};
    struct sub three[] = {answer(5, 1, 1, 5)};
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 1, 1, head, NULL);
    take_array(&w, two, 2, 1, head, NULL);
    take_array(&w, three, 1, 1, head, NULL);
    mark_doubtful(&w, 5);
    take_out_all(&w);
    assert_int_equal(mood(&w).n, 0);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* How many submissions. */
static uint64_t erase(struct world *w, const struct erase_order *o)
{
    static struct act act;
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(ledger_erase(w->hub, t, o, false, &act));
    finish_txn(w, t);
    MUST(ledger_erase_keys(w->hub));
    MUST(hub_reload(w->hub, NULL));
    join_schools(w);
    renew_intake(w);
    return act.submissions;
}

static void both_copies_are_erased_and_a_third_is_kept_apart(void **state)
{
    struct world w;
    struct sub one[] = {answer(9, 1, 1, 5), answer(9, 2, 2, 3)};
    struct sub two[] = {answer(3, 1, 1, 5)};
    struct sub late[] = {answer(4, 1, 1, 5), answer(4, 2, 2, 3)};
    struct sub back[] = {taken_back(3, 2, 1)};
    struct erase_order o = {.scope = ACT_SUBMISSION,
                            .participant = GP,
                            .ref = {generation_of(2, 3), 1},
                            .by = "Ivanova I. I.",
                            .order = "order 7"};
    uint8_t head[DIGEST_BYTES];
    uint8_t second[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    take_array(&w, two, 1, 1, second, NULL);
    assert_int_equal(erase(&w, &o), 2);
    assert_int_equal(mood(&w).sum, 8); /* that it was counted stays */
    assert_int_equal(verify_bad(&w), 0);
    take_array(&w, late, 2, 1, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 1);
    assert_int_equal(v[VERDICT_DUPLICATE], 1);
    take_array(&w, back, 1, 2, second, v); /* it names the copy that did not stand in the slot */
    assert_int_equal(v[VERDICT_QUARANTINED], 1);
    assert_int_equal(mood(&w).n, 2);
    assert_int_equal(mood(&w).sum, 8);
    assert_int_equal(verify_bad(&w), 0);
    assert_int_equal(release_all(&w), 0);
    assert_int_equal(mood(&w).sum, 8);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A class of records goes by the school year in which they came: one copy may be erased and the other not.  If the
 * erased one counted, it stays counted whatever is said of the other. */
static void a_copy_of_another_year_does_not_change_what_was_erased(void **state)
{
    static const uint8_t first[] = {9, 3}; /* the greater generation: it stands in the slot; the smaller one */

    (void)state;
    for (size_t i = 0; i < COUNT(first); i++) {
        uint8_t other = first[i] == 9 ? 3 : 9;
        struct sub one[] = {answer(first[i], 1, 1, 5)};
        struct sub two[] = {answer(other, 1, 1, 5)};
        struct sub back[] = {taken_back(other, 2, 1)};
        struct erase_order o = {
            .scope = ACT_CLASS, .retention = "polls", .year = 2020, .by = "Ivanova I. I.", .order = "order 7"};
        uint8_t head[DIGEST_BYTES];
        struct world w;

        world_open(&w);
        take_array(&w, one, 1, 1, head, NULL);
        clock_test_set(SOME_MS + YEAR_MS);
        take_array(&w, two, 1, 1, head, NULL);
        clock_test_set(SOME_MS + 2 * YEAR_MS);
        assert_int_equal(erase(&w, &o), 1);
        assert_int_equal(mood(&w).sum, 5);
        take_array(&w, back, 1, 2, head, NULL);
        assert_int_equal(mood(&w).n, first[i] == 9 ? 1 : 0);
        assert_int_equal(rows_of(&w, H_SLOTS), first[i] == 9 ? 1 : 0);
        assert_int_equal(verify_bad(&w), 0);
        world_close(&w);
    }
}

/* ---- any order ---- */

#define CLONES  3u
#define ANSWERS 12u /* that there are at all */
#define EACH    12u /* of a clone, at most */
#define BATCHES 9u
#define ROUNDS  12u

struct plan {
    struct sub subs[CLONES][EACH];
    size_t count[CLONES];
    bool is_given[ANSWERS], is_taken_back[ANSWERS];
};

/* What each clone holds: some of the answers, some of them again, and some of what it holds taken back. */
static void make_plan(struct plan *p)
{
    memset(p, 0, sizeof(*p));
    for (size_t c = 0; c < CLONES; c++) {
        uint8_t tag = (uint8_t)(3 * c + 1);

        p->count[c] = EACH - draw(4);
        for (size_t i = 0; i < p->count[c]; i++) {
            size_t earlier = i == 0 ? 0 : draw(i);
            size_t which = draw(ANSWERS);

            if (i > 0 && draw(5) == 0 && p->subs[c][earlier].kind == RECORD_NEW) {
                p->subs[c][i] = taken_back(tag, i + 1, earlier + 1);
                p->is_taken_back[p->subs[c][earlier].made_as.number - 1] = true;
                continue;
            }
            p->subs[c][i] = answer(tag, i + 1, which + 1, (int64_t)which);
            p->is_given[which] = true;
        }
    }
}

static size_t seal_plan(struct world *w, const struct plan *p, struct sealed *out)
{
    size_t n = 0;

    for (size_t c = 0; c < CLONES; c++) {
        const uint8_t *previous = NULL;
        uint64_t sequence = 1;

        for (size_t from = 0, many; from < p->count[c]; from += many, n++) {
            size_t left = p->count[c] - from;

            many = sequence == BATCHES / CLONES ? left : 1 + draw(left);
            seal_array(w, p->subs[c] + from, many, sequence++, previous, &out[n]);
            previous = out[n].digest;
        }
    }
    return n;
}

static void in_any_order_each_answer_counts_once_or_not_at_all(void **state)
{
    (void)state;
    MUST(keys_start()); /* chance comes from there */
    draw_begin();
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct sealed batches[BATCHES];
        struct world w;
        struct plan p;
        int64_t n = 0, sum = 0;
        size_t count;

        make_plan(&p);
        for (size_t i = 0; i < ANSWERS; i++)
            if (p.is_given[i] && !p.is_taken_back[i]) {
                n++;
                sum += (int64_t)i;
            }
        world_open(&w);
        count = seal_plan(&w, &p, batches);
        shuffle_batches(batches, count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(take(&w, &batches[i], NULL), LEDGER_STORED);
            buf_fini(&batches[i].bytes);
        }
        assert_int_equal(mood(&w).n, n);
        assert_int_equal(mood(&w).sum, sum);
        assert_int_equal(rows_of(&w, H_SLOTS), n);
        assert_int_equal(verify_bad(&w), 0);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_two_copies_of_a_queue_hold_is_counted_once),
        cmocka_unit_test(the_same_answer_twice_in_one_batch_is_counted_once),
        cmocka_unit_test(a_retraction_that_came_first_takes_back_every_copy_in_a_batch),
        cmocka_unit_test(a_copy_counts_on_when_the_other_is_taken_out),
        cmocka_unit_test(an_answer_comes_back_when_all_that_took_it_back_is_taken_out),
        cmocka_unit_test(what_was_taken_back_stays_so_when_another_copy_is_taken_out),
        cmocka_unit_test(both_copies_are_erased_and_a_third_is_kept_apart),
        cmocka_unit_test(a_copy_of_another_year_does_not_change_what_was_erased),
        cmocka_unit_test(in_any_order_each_answer_counts_once_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
