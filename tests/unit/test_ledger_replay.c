/* A replay that keeps slots and cells in memory ends with the rows of the living ledger, byte for byte: whether memory
 * is enough or not, and after transactions that were given up (invariant 5). */
#include "ledger_fixture.h"

#include "hub/ledger_scratch.h"

#define BATCHES 4u

struct shadow {
    struct world w; /* the living ledger has taken all batches */
    struct sealed batches[BATCHES];
    uint64_t entries_before; /* of the journal, before the first batch */
    struct scratch scratch;
    struct hub hub;
    struct ledger *ledger;
    struct replay *replay;
    bool in_memory;
};

static void seal_and_take(struct shadow *s, size_t at, const struct sub *subs, size_t count)
{
    seal_array(&s->w, subs, count, at + 1, at == 0 ? NULL : s->batches[at - 1].digest, &s->batches[at]);
    assert_int_equal(take(&s->w, &s->batches[at], NULL), LEDGER_STORED);
}

static uint64_t entries(struct store *store)
{
    struct journal_head head;
    struct store_txn *t;

    MUST(store_begin_read(store, &t));
    MUST(journal_head(t, &head));
    store_abort(t);
    return head.lsn;
}

/* Slots that are filled, replaced in another batch and in the same one, emptied by a correction and by a retraction,
 * and filled again; in two units. */
static void shadow_open(struct shadow *s, uint32_t slots_max)
{
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 19), grade(4, "gleb", 20)};
    struct sub two[] = {correction(5, 2, "boris", 9), retraction(6, 4), grade(7, "dina", 15), grade(8, "dina", 16)};
    struct sub three[] = {grade(9, "anna", 3), grade(10, "gleb", 11), grade(11, "vera", 18)};
    struct sub four[] = {retraction(12, 7), retraction(13, 9), grade(14, "yegor", 1)};

    memset(s, 0, sizeof(*s));
    three[2].unit = "gp2";
    world_open(&s->w);
    s->entries_before = entries(s->w.hub->store);
    seal_and_take(s, 0, one, COUNT(one));
    seal_and_take(s, 1, two, COUNT(two));
    seal_and_take(s, 2, three, COUNT(three));
    seal_and_take(s, 3, four, COUNT(four));
    MUST(scratch_open(&s->scratch, s->w.hub, "verify.tmp", "busy"));
    s->hub = *s->w.hub;
    s->hub.store = s->scratch.store;
    MUST(ledger_open(&s->ledger, &s->hub));
    MUST(replay_new(&s->replay, slots_max));
    s->ledger->replay = s->replay;
}

static void shadow_close(struct shadow *s)
{
    for (size_t i = 0; i < BATCHES; i++)
        buf_fini(&s->batches[i].bytes);
    ledger_close(s->ledger);
    replay_free(s->replay);
    scratch_close(&s->scratch);
    world_close(&s->w);
}

/* The batches get the numbers that they have in the living journal. */
static struct store_txn *begin(struct shadow *s)
{
    struct store_txn *t;
    uint64_t lsn;

    MUST(store_begin_write(s->hub.store, &t));
    if (store_count(t, H_JOURNAL) == 0)
        for (uint64_t i = 0; i < s->entries_before; i++)
            MUST(journal_append(s->ledger, t, JOURNAL_INIT, 0, bytes_of("", 0), 0, &lsn));
    return t;
}

static void apply(struct shadow *s, struct store_txn *t, size_t batch)
{
    struct apply_facts facts = {SOME_MS, 1, 2020};
    struct prepared *p = prepare(&s->w, &s->batches[batch]);
    enum ledger_outcome outcome;
    struct buf receipt;

    buf_init(&receipt, SIGNED_MAX);
    MUST(ledger_apply_with(s->ledger, t, p, &facts, &receipt, &outcome));
    assert_int_equal(outcome, LEDGER_STORED);
    buf_fini(&receipt);
    prepared_free(p);
}

/* No opened batch stays at hand: what leaves its slot later must be looked up at the end. */
static void commit(struct shadow *s, struct store_txn *t)
{
    MUST(replay_commit(s->replay, s->ledger, t));
    MUST(store_commit(t));
    ledger_committed(s->ledger);
    held_forget(s->ledger, 0);
}

static void give_up(struct shadow *s, struct store_txn *t)
{
    store_abort(t);
    ledger_aborted(s->ledger);
    replay_abort(s->replay, s->ledger);
}

static void finish(struct shadow *s)
{
    struct store_txn *t = begin(s);

    MUST(replay_finish(s->replay, s->ledger, t, &s->in_memory));
    MUST(store_commit(t));
}

/* Every row of the living table, and no other. */
static void assert_same(struct shadow *s, unsigned table,
                        enum err (*next)(void *ctx, struct bytes *key, struct bytes *value))
{
    struct store_cursor *living;
    struct store_cursor *mine;
    struct store_txn *living_t;
    struct store_txn *mine_t;
    struct bytes key, value, own_key, own_value;
    size_t rows = 0;
    enum err e;

    MUST(store_begin_read(s->w.hub->store, &living_t));
    MUST(store_begin_read(s->hub.store, &mine_t));
    MUST(store_cursor_open(living_t, table, &living));
    MUST(store_cursor_open(mine_t, table, &mine));
    while ((e = store_next(living, &key, &value)) == OK) {
        MUST(next != NULL ? next(s->replay, &own_key, &own_value) : store_next(mine, &own_key, &own_value));
        assert_int_equal(own_key.len, key.len);
        assert_memory_equal(own_key.p, key.p, key.len);
        assert_int_equal(own_value.len, value.len);
        if (value.len > 0)
            assert_memory_equal(own_value.p, value.p, value.len);
        rows++;
    }
    assert_int_equal(e, ERR_NOT_FOUND);
    assert_int_equal(next != NULL ? next(s->replay, &own_key, &own_value) : store_next(mine, &own_key, &own_value),
                     ERR_NOT_FOUND);
    assert_true(rows > 0);
    store_cursor_close(mine);
    store_cursor_close(living);
    store_abort(mine_t);
    store_abort(living_t);
}

static void assert_all_same(struct shadow *s)
{
    assert_same(s, H_CURRENT, s->in_memory ? replay_next_current : NULL);
    assert_same(s, H_SLOTS, s->in_memory ? replay_next_slot : NULL);
    assert_same(s, H_CELLS, NULL);
}

static void in_memory_it_ends_with_the_living_rows(void **state)
{
    struct shadow s;

    (void)state;
    shadow_open(&s, 0);
    for (size_t i = 0; i < BATCHES; i++) {
        struct store_txn *t = begin(&s);

        apply(&s, t, i);
        commit(&s, t);
    }
    finish(&s);
    assert_true(s.in_memory);
    assert_all_same(&s);
    shadow_close(&s);
}

static void several_batches_of_one_transaction_are_the_same(void **state)
{
    struct shadow s;
    struct store_txn *t;

    (void)state;
    shadow_open(&s, 0);
    t = begin(&s);
    for (size_t i = 0; i < BATCHES; i++)
        apply(&s, t, i);
    commit(&s, t);
    finish(&s);
    assert_all_same(&s);
    shadow_close(&s);
}

/* Room for one slot: after every batch all of them go to the store, and the next batch finds them there. */
static void memory_that_is_not_enough_changes_nothing(void **state)
{
    struct shadow s;

    (void)state;
    shadow_open(&s, 1);
    for (size_t i = 0; i < BATCHES; i++) {
        struct store_txn *t = begin(&s);

        apply(&s, t, i);
        commit(&s, t);
    }
    finish(&s);
    assert_false(s.in_memory);
    assert_all_same(&s);
    shadow_close(&s);
}

static void a_transaction_that_is_given_up_leaves_nothing(void **state)
{
    struct shadow s;
    struct store_txn *t;

    (void)state;
    shadow_open(&s, 0);
    t = begin(&s);
    apply(&s, t, 0);
    give_up(&s, t);
    t = begin(&s);
    apply(&s, t, 0);
    commit(&s, t);
    t = begin(&s); /* replaces, empties and adds slots */
    apply(&s, t, 1);
    apply(&s, t, 2);
    apply(&s, t, 3);
    give_up(&s, t);
    for (size_t i = 1; i < BATCHES; i++) {
        t = begin(&s);
        apply(&s, t, i);
        commit(&s, t);
    }
    finish(&s);
    assert_all_same(&s);
    shadow_close(&s);
}

/* What was doubted and taken out leaves no row behind, whether memory or the store held it. */
static void a_place_that_is_dropped_is_as_if_nothing_had_ever_stood_there(void **state)
{
    static const uint32_t room[] = {0, 1};

    (void)state;
    for (size_t i = 0; i < COUNT(room); i++) {
        uint8_t slots[3][SLOT_BYTES] = {{1}, {2}, {3}};
        struct slot_current held, c = {.participant = 1, .ref = {generation_of(1, 7), 1}, .lsn = 1};
        struct shadow s;
        struct store_txn *t;
        struct place at = {0};

        shadow_open(&s, room[i]);
        at.form = hub_form_by_id(s.w.hub, "grades");
        (void)snprintf(at.unit, sizeof(at.unit), "gp");
        (void)snprintf(at.period, sizeof(at.period), "2020-09");
        t = begin(&s);
        for (size_t k = 0; k < COUNT(slots); k++)
            MUST(replay_set_current(s.replay, slots[k], &c, &at));
        commit(&s, t);
        t = begin(&s);
        MUST(replay_drop_current(s.replay, slots[0], &at));
        MUST(replay_drop_current(s.replay, slots[1], &at));
        assert_int_equal(replay_current(s.replay, t, slots[0], &held), ERR_NOT_FOUND);
        commit(&s, t);
        t = begin(&s);
        assert_int_equal(replay_current(s.replay, t, slots[0], &held), ERR_NOT_FOUND);
        MUST(replay_set_current(s.replay, slots[1], &c, &at)); /* something else comes */
        commit(&s, t);
        finish(&s);
        MUST(store_begin_read(s.hub.store, &t));
        if (s.in_memory) {
            struct bytes key, value;
            unsigned rows = 0;

            while (replay_next_current(s.replay, &key, &value) == OK)
                rows++;
            assert_int_equal(rows, 2);
        } else {
            assert_int_equal(store_count(t, H_CURRENT), 2);
            assert_int_equal(store_count(t, H_SLOTS), 2);
        }
        store_abort(t);
        assert_int_equal(s.in_memory, room[i] == 0);
        shadow_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory_it_ends_with_the_living_rows),
        cmocka_unit_test(several_batches_of_one_transaction_are_the_same),
        cmocka_unit_test(memory_that_is_not_enough_changes_nothing),
        cmocka_unit_test(a_transaction_that_is_given_up_leaves_nothing),
        cmocka_unit_test(a_place_that_is_dropped_is_as_if_nothing_had_ever_stood_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
