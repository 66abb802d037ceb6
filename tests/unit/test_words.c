/* The hub's series of words to each participant (words.h): rising, without holes, told again when the hub went back. */
#include "hub/words.h"

#include "ledger_fixture.h"

struct heard {
    uint64_t serials[16], previous[16];
    uint64_t numbers[16]; /* of the first entry */
    unsigned count, entries;
};

static enum err hear(void *ctx, uint64_t serial, struct bytes object)
{
    struct heard *x = ctx;
    struct notice n;

    (void)serial;
    MUST(notice_open(&n, object, bytes_of(object.p + object.len - SIGNATURE_BYTES - KEY_BYTES, KEY_BYTES).p));
    assert_true(x->count < COUNT(x->serials));
    assert_int_equal(n.head.serial, serial);
    x->serials[x->count] = n.head.serial;
    x->previous[x->count] = n.head.previous;
    x->numbers[x->count++] = n.entry_count > 0 ? n.entries[0].ref.number : 0;
    x->entries += n.entry_count;
    notice_fini(&n);
    return OK;
}

static struct heard listen(struct world *w, uint32_t participant, uint64_t above, unsigned most)
{
    struct heard x = {.count = 0};
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(words_each(w->hub, t, &(struct words_wanted){participant, above, most, SIGNED_FIGURES}, hear, &x));
    store_abort(t);
    return x;
}

static void tell(struct world *w, uint32_t participant, uint64_t number, size_t count)
{
    struct notice_entry *entries = calloc(count, sizeof(*entries));
    struct store_txn *t;

    assert_non_null(entries);
    for (size_t i = 0; i < count; i++) {
        entries[i].ref = (struct record_ref){generation_of(1, 7), number + i};
        entries[i].standing = STANDING_REJECTED;
    }
    MUST(store_begin_write(w->hub->store, &t));
    MUST(words_notice(w->hub, t, participant, NOTICE_REJECTED, "", entries, count));
    MUST(store_commit(t));
    free(entries);
}

static void words_rise_and_name_the_one_before(void **state)
{
    struct world w;
    struct heard x;

    (void)state;
    world_open(&w);
    for (uint64_t n = 1; n <= 3; n++) {
        tell(&w, 1, n * 10, 1);
        tell(&w, 2, n * 100, 1); /* another participant's series */
    }
    x = listen(&w, 1, 0, WORDS_AT_ONCE);
    assert_int_equal(x.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(x.serials[i], i + 1);
        assert_int_equal(x.previous[i], i);
        assert_int_equal(x.numbers[i], (i + 1) * 10);
    }
    x = listen(&w, 1, 2, WORDS_AT_ONCE);
    assert_int_equal(x.count, 1);
    assert_int_equal(x.previous[0], 2);
    x = listen(&w, 2, 0, 2);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.numbers[1], 200);
    assert_int_equal(listen(&w, 1, 3, WORDS_AT_ONCE).count, 0);
    assert_int_equal(listen(&w, 1, UINT64_MAX, WORDS_AT_ONCE).count, 0);
    assert_int_equal(verify_bad(&w), 0); /* words follow from decisions: not compared */
    world_close(&w);
}

static void a_notice_about_many_becomes_several_words(void **state)
{
    struct world w;
    struct heard x;

    (void)state;
    world_open(&w);
    tell(&w, 1, 1, 2 * NOTICE_MAX_ENTRIES + 1);
    x = listen(&w, 1, 0, WORDS_AT_ONCE);
    assert_int_equal(x.count, 3);
    assert_int_equal(x.entries, 2 * NOTICE_MAX_ENTRIES + 1);
    assert_int_equal(x.numbers[2], 2 * NOTICE_MAX_ENTRIES + 1);
    world_close(&w);
}

static void a_hub_that_went_back_tells_everything_again_above_what_is_held(void **state)
{
    struct world w;
    struct heard x;

    (void)state;
    world_open(&w);
    tell(&w, 1, 10, 1);
    tell(&w, 1, 20, 1);
    tell(&w, 2, 30, 1);
    MUST(words_raise(w.hub, 1, 50));
    MUST(words_raise(w.hub, 1, 50)); /* greeted twice */
    MUST(words_raise(w.hub, 2, 1));  /* holds no more than was said */
    x = listen(&w, 1, 50, WORDS_AT_ONCE);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.serials[0], 51);
    assert_int_equal(x.previous[0], 0);
    assert_int_equal(x.numbers[0], 10);
    assert_int_equal(x.previous[1], 51);
    assert_int_equal(x.numbers[1], 20);
    assert_int_equal(listen(&w, 2, 0, WORDS_AT_ONCE).serials[0], 1);
    world_close(&w);
}

static void words_after_a_restore_have_serials_that_nobody_holds(void **state)
{
    struct world w;
    struct store_txn *t;
    struct heard x;

    (void)state;
    world_open(&w);
    tell(&w, 1, 10, 1);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(words_restart(t));
    MUST(store_commit(t));
    tell(&w, 1, 20, 1);
    x = listen(&w, 1, 1, WORDS_AT_ONCE);
    assert_int_equal(x.count, 1);
    assert_true(x.serials[0] > UINT64_C(1) << 32);
    assert_int_equal(x.previous[0], 1); /* taken by who holds 1, and by who heard more of the lost hub */
    MUST(store_begin_write(w.hub->store, &t));
    MUST(words_restart(t));
    MUST(store_commit(t));
    tell(&w, 1, 30, 1);
    assert_true(listen(&w, 1, x.serials[0], 1).serials[0] > UINT64_C(2) << 32);
    world_close(&w);
}

/* Those behind it come through; what an agent of before does not know would stop them. */
static void in_the_place_of_a_word_that_is_not_known_a_notice_stands(void **state)
{
    const struct words_wanted wanted = {1, 0, WORDS_AT_ONCE, SIGNED_HISTORY};
    struct heard x = {.count = 0};
    struct store_txn *t;
    struct world w;
    uint64_t serial;

    (void)state;
    world_open(&w);
    tell(&w, 1, 10, 1);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(words_add(w.hub, t, 1, WORD_FIGURES, bytes_of("whatever", 8), &serial));
    MUST(store_commit(t));
    tell(&w, 1, 30, 1);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(words_each(w.hub, t, &wanted, hear, &x));
    store_abort(t);
    assert_int_equal(x.count, 3);
    assert_int_equal(x.numbers[1], 0); /* it names no submission */
    assert_int_equal(x.previous[2], 2);
    assert_int_equal(x.numbers[2], 30);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_rise_and_name_the_one_before),
        cmocka_unit_test(a_notice_about_many_becomes_several_words),
        cmocka_unit_test(a_hub_that_went_back_tells_everything_again_above_what_is_held),
        cmocka_unit_test(words_after_a_restore_have_serials_that_nobody_holds),
        cmocka_unit_test(in_the_place_of_a_word_that_is_not_known_a_notice_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
