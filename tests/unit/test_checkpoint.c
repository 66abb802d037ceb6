/* test_checkpoint.c: what the cells were on earlier days: one moment for all of them, whatever happens meanwhile; a
 * checkpoint counts whole or not at all (invariants 1, 4 and 5). */
#include "hub/checkpoint.h"

#include "ledger_fixture.h"

#define DAY 18518 /* 13 September 2020 */

/* ---- cells of the test's own, written past the ledger ---- */

static void put_cell(struct world *w, const char *key, const char *value)
{
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    if (value == NULL)
        MUST(store_delete(t, H_CELLS, bytes_of(key, strlen(key))));
    else
        MUST(store_put(t, H_CELLS, bytes_of(key, strlen(key)), bytes_of(value, strlen(value))));
    MUST(store_commit(t));
}

static void make(struct world *w, int32_t day)
{
    struct checkpoint *c = NULL;
    bool done = false;

    MUST(checkpoint_begin(&c, w->hub, day));
    while (!done)
        MUST(checkpoint_step(c, &done));
    assert_int_equal(checkpoint_result(c)->day, day);
    checkpoint_free(c);
}

struct seen {
    char text[512];
};

static enum err see(void *ctx, struct bytes key, struct bytes cell)
{
    struct seen *s = ctx;
    size_t at = strlen(s->text);

    (void)snprintf(s->text + at, sizeof(s->text) - at, "%.*s=%.*s ", (int)key.len, (const char *)key.p, (int)cell.len,
                   (const char *)cell.p);
    return OK;
}

/* "key=value key=value " as of that day; "none" when there is no checkpoint. */
static void assert_as_of(struct world *w, int32_t day, const char *prefix, const char *expected)
{
    struct seen s = {""};
    struct checkpoint_mark mark;
    struct store_txn *t;
    enum err e;

    MUST(store_begin_read(w->hub->store, &t));
    e = checkpoint_at(t, day, &mark);
    if (e == ERR_NOT_FOUND)
        (void)snprintf(s.text, sizeof(s.text), "none");
    else {
        MUST(e);
        MUST(checkpoint_each(t, &mark, bytes_of(prefix, strlen(prefix)), see, &s));
    }
    store_abort(t);
    assert_string_equal(s.text, expected);
}

static void count_bad(void *ctx, int32_t day)
{
    unsigned *bad = ctx;

    (void)day;
    (*bad)++;
}

static unsigned bad_checkpoints(struct world *w)
{
    struct store_txn *t;
    unsigned bad = 0;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(checkpoint_check(t, count_bad, &bad));
    store_abort(t);
    return bad;
}

static uint64_t history_rows(const struct world *w)
{
    return rows_of(w, H_HISTORY);
}

static void a_day_shows_what_stood_at_its_checkpoint(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    put_cell(&w, "a", "1");
    put_cell(&w, "b", "2");
    assert_as_of(&w, DAY, "", "none");
    make(&w, DAY);
    put_cell(&w, "a", "3");
    put_cell(&w, "c", "4");
    make(&w, DAY + 2);
    put_cell(&w, "b", NULL);
    make(&w, DAY + 3);
    put_cell(&w, "b", "5");
    make(&w, DAY + 9);
    assert_as_of(&w, DAY - 1, "", "none");
    assert_as_of(&w, DAY, "", "a=1 b=2 ");
    assert_as_of(&w, DAY + 1, "", "a=1 b=2 "); /* the last one before */
    assert_as_of(&w, DAY + 2, "", "a=3 b=2 c=4 ");
    assert_as_of(&w, DAY + 3, "", "a=3 c=4 ");
    assert_as_of(&w, DAY + 8, "", "a=3 c=4 ");
    assert_as_of(&w, DAY + 9, "", "a=3 b=5 c=4 ");
    assert_as_of(&w, DAY + 999, "b", "b=5 ");
    /* Only what changed: a twice, b three times, c once. */
    assert_int_equal(history_rows(&w), 6);
    assert_int_equal(bad_checkpoints(&w), 0);
    world_close(&w);
}

static void cells_whose_keys_continue_each_other_are_kept_apart(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    put_cell(&w, "u/grade=1", "1");
    put_cell(&w, "u/grade=10", "10");
    put_cell(&w, "u/", "all");
    make(&w, DAY);
    put_cell(&w, "u/grade=1", "2");
    make(&w, DAY + 1);
    put_cell(&w, "u/", NULL);
    put_cell(&w, "u/grade=10", NULL);
    make(&w, DAY + 2);
    assert_as_of(&w, DAY, "u/", "u/=all u/grade=1=1 u/grade=10=10 ");
    assert_as_of(&w, DAY + 1, "u/", "u/=all u/grade=1=2 u/grade=10=10 ");
    assert_as_of(&w, DAY + 2, "u/", "u/grade=1=2 ");
    assert_int_equal(bad_checkpoints(&w), 0);
    world_close(&w);
}

/* More than one step writes. */
static void put_many(struct world *w, unsigned count, const char *value)
{
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    for (unsigned i = 0; i < count; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "k%06u", i);
        MUST(store_put(t, H_CELLS, bytes_of(key, strlen(key)), bytes_of(value, strlen(value))));
    }
    MUST(store_commit(t));
}

static void a_checkpoint_is_one_moment_whatever_changes_meanwhile(void **state)
{
    struct world w;
    struct checkpoint *c = NULL;
    bool done;

    (void)state;
    world_open(&w);
    put_many(&w, 9000, "old");
    MUST(checkpoint_begin(&c, w.hub, DAY));
    MUST(checkpoint_step(c, &done));
    assert_false(done);
    assert_as_of(&w, DAY, "k", "none"); /* it does not count yet */
    put_many(&w, 9000, "new");
    put_cell(&w, "k005555", NULL);
    while (!done)
        MUST(checkpoint_step(c, &done));
    assert_int_equal(checkpoint_result(c)->cells, 9000);
    checkpoint_free(c);
    assert_as_of(&w, DAY, "k00000",
                 "k000000=old k000001=old k000002=old k000003=old k000004=old k000005=old "
                 "k000006=old k000007=old k000008=old k000009=old ");
    assert_as_of(&w, DAY, "k00899",
                 "k008990=old k008991=old k008992=old k008993=old k008994=old k008995=old "
                 "k008996=old k008997=old k008998=old k008999=old ");
    assert_as_of(&w, DAY, "k005555", "k005555=old ");
    make(&w, DAY + 1);
    assert_as_of(&w, DAY + 1, "k00555",
                 "k005550=new k005551=new k005552=new k005553=new k005554=new k005556=new "
                 "k005557=new k005558=new k005559=new ");
    assert_int_equal(bad_checkpoints(&w), 0);
    world_close(&w);
}

static void one_that_was_killed_does_not_count_and_the_next_goes_over_it(void **state)
{
    struct world w;
    struct checkpoint *c = NULL;
    bool done;

    (void)state;
    world_open(&w);
    put_many(&w, 9000, "one");
    make(&w, DAY);
    put_many(&w, 9000, "two");
    MUST(checkpoint_begin(&c, w.hub, DAY + 1));
    MUST(checkpoint_step(c, &done));
    assert_false(done);
    checkpoint_free(c); /* kill -9: what the step committed is there, and no mark */
    assert_int_equal(history_rows(&w), 9000 + 4000);
    assert_as_of(&w, DAY + 1, "k000000", "k000000=one ");
    assert_int_equal(bad_checkpoints(&w), 0);
    put_cell(&w, "k000000", "one"); /* back to what it was: the entry of the killed one must not stand */
    put_cell(&w, "k000001", "three");
    put_cell(&w, "k000002", NULL);
    make(&w, DAY + 1);
    assert_as_of(&w, DAY + 1, "k00000",
                 "k000000=one k000001=three k000003=two k000004=two k000005=two k000006=two "
                 "k000007=two k000008=two k000009=two ");
    assert_as_of(&w, DAY, "k000001", "k000001=one ");
    assert_int_equal(history_rows(&w), 2 * 9000);
    assert_int_equal(bad_checkpoints(&w), 0);
    world_close(&w);
}

static void one_that_was_killed_days_ago_is_covered_by_the_next(void **state)
{
    struct world w;
    struct checkpoint *c = NULL;
    bool done;

    (void)state;
    world_open(&w);
    put_many(&w, 5000, "one");
    MUST(checkpoint_begin(&c, w.hub, DAY));
    MUST(checkpoint_step(c, &done));
    checkpoint_free(c);
    put_many(&w, 5000, "two");
    MUST(checkpoint_begin(&c, w.hub, DAY + 400)); /* a clock that was wrong, and a kill */
    MUST(checkpoint_step(c, &done));
    assert_false(done);
    checkpoint_free(c);
    make(&w, DAY + 3);
    assert_as_of(&w, DAY + 2, "k000000", "none");
    assert_as_of(&w, DAY + 3, "k00000",
                 "k000000=two k000001=two k000002=two k000003=two k000004=two k000005=two "
                 "k000006=two k000007=two k000008=two k000009=two ");
    assert_as_of(&w, DAY + 400, "k000000", "k000000=two "); /* nothing of the wrong clock's is left */
    put_cell(&w, "k000000", "three");
    make(&w, DAY + 401);
    assert_as_of(&w, DAY + 400, "k000000", "k000000=two ");
    assert_int_equal(bad_checkpoints(&w), 0);
    world_close(&w);
}

static void each_day_has_one_and_days_only_rise(void **state)
{
    struct world w;
    struct checkpoint *c = NULL;

    (void)state;
    world_open(&w);
    put_cell(&w, "a", "1");
    make(&w, DAY);
    assert_int_equal(checkpoint_begin(&c, w.hub, DAY), ERR_EXISTS);
    assert_int_equal(checkpoint_begin(&c, w.hub, DAY - 1), ERR_INVALID);
    assert_int_equal(checkpoint_begin(&c, w.hub, -5), ERR_INVALID);
    assert_null(c);
    world_close(&w);
}

static void checkpoints_of_a_wrong_clock_can_be_forgotten(void **state)
{
    struct sub row = grade(1, "anna", 5);
    uint8_t previous[DIGEST_BYTES];
    struct checkpoint *c = NULL;
    struct store_txn *t;
    struct world w;
    unsigned count;

    (void)state;
    world_open(&w);
    take_array(&w, &row, 1, 1, previous, NULL);
    make(&w, DAY);
    make(&w, DAY + 30000);
    assert_int_equal(checkpoint_begin(&c, w.hub, DAY + 1), ERR_INVALID);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(checkpoint_forget_later(w.hub, t, DAY + 1, &count));
    finish_txn(&w, t);
    assert_int_equal(count, 1);
    make(&w, DAY + 1);
    assert_int_equal(rows_of(&w, H_CHECKPOINTS), 2);
    assert_int_equal(bad_checkpoints(&w), 0);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void of_two_at_once_the_later_goes_on(void **state)
{
    struct world w;
    struct checkpoint *first = NULL;
    struct checkpoint *second = NULL;
    bool done = false;

    (void)state;
    world_open(&w);
    put_many(&w, 9000, "old");
    MUST(checkpoint_begin(&first, w.hub, DAY));
    MUST(checkpoint_step(first, &done));
    put_many(&w, 9000, "new");
    MUST(checkpoint_begin(&second, w.hub, DAY));
    assert_int_equal(checkpoint_step(first, &done), ERR_BUSY);
    assert_false(done);
    checkpoint_free(first);
    while (!done)
        MUST(checkpoint_step(second, &done));
    checkpoint_free(second);
    assert_as_of(&w, DAY, "k000000", "k000000=new ");
    assert_int_equal(bad_checkpoints(&w), 0);
    world_close(&w);
}

/* Row `n` of the history. */
static void change_history(struct world *w, unsigned n, bool remove)
{
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key, value;
    uint8_t raw[STORE_KEY_MAX];
    size_t len;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(store_cursor_open(t, H_HISTORY, &c));
    MUST(store_seek(c, bytes_of("", 0), &key, &value));
    while (n-- > 0)
        MUST(store_next(c, &key, &value));
    len = key.len;
    memcpy(raw, key.p, len);
    store_cursor_close(c);
    if (remove)
        MUST(store_delete(t, H_HISTORY, bytes_of(raw, len)));
    else
        MUST(store_put(t, H_HISTORY, bytes_of(raw, len), bytes_of("X", 1)));
    MUST(store_commit(t));
}

static void verify_notices_a_changed_history_and_a_changed_mark(void **state)
{
    struct sub rows[] = {grade(1, "anna", 5), grade(2, "boris", 16)};
    uint8_t previous[DIGEST_BYTES];
    struct checkpoint_mark mark;
    struct store_txn *t;
    struct world w;
    uint8_t key[4];

    (void)state;
    world_open(&w);
    take_array(&w, rows, 1, 1, previous, NULL);
    make(&w, DAY);
    take_array(&w, rows + 1, 1, 2, previous, NULL);
    make(&w, DAY + 1);
    assert_int_equal(verify_bad(&w), 0);
    change_history(&w, 0, false);
    assert_int_equal(bad_checkpoints(&w), 1);
    assert_int_equal(verify_bad(&w), 1);
    change_history(&w, 1, true); /* of the other day */
    assert_int_equal(bad_checkpoints(&w), 2);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(checkpoint_at(t, DAY, &mark));
    be32_put(key, DAY);
    MUST(store_delete(t, H_CHECKPOINTS, bytes_of(key, sizeof(key))));
    MUST(store_commit(t));
    assert_true(verify_bad(&w) > 1); /* the journal says that there was one */
    world_close(&w);
}

static void a_mark_says_what_it_saw(void **state)
{
    struct sub row = grade(1, "anna", 5);
    uint8_t previous[DIGEST_BYTES];
    struct checkpoint_mark mark;
    struct store_txn *t;
    struct world w;
    uint64_t last;

    (void)state;
    world_open(&w);
    take_array(&w, &row, 1, 1, previous, NULL);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_last(t, &last));
    store_abort(t);
    make(&w, DAY);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(checkpoint_at(t, DAY + 5, &mark));
    store_abort(t);
    assert_int_equal(mark.day, DAY);
    assert_int_equal(mark.head_lsn, last);
    assert_int_equal(mark.lsn, last + 1);
    assert_int_equal(mark.cells, rows_of(&w, H_CELLS));
    assert_int_equal(mark.changed, mark.cells);
    assert_int_equal(mark.wall_ms, SOME_MS);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_shows_what_stood_at_its_checkpoint),
        cmocka_unit_test(cells_whose_keys_continue_each_other_are_kept_apart),
        cmocka_unit_test(a_checkpoint_is_one_moment_whatever_changes_meanwhile),
        cmocka_unit_test(one_that_was_killed_does_not_count_and_the_next_goes_over_it),
        cmocka_unit_test(one_that_was_killed_days_ago_is_covered_by_the_next),
        cmocka_unit_test(each_day_has_one_and_days_only_rise),
        cmocka_unit_test(checkpoints_of_a_wrong_clock_can_be_forgotten),
        cmocka_unit_test(of_two_at_once_the_later_goes_on),
        cmocka_unit_test(verify_notices_a_changed_history_and_a_changed_mark),
        cmocka_unit_test(a_mark_says_what_it_saw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
