/* test_store_records.c: records, cursors, transactions and limits of a store: design section 3, invariants 2 (nothing
 * lost when full), 4 (all or nothing) and 8 (bounded). */
#include "tests/unit/store_fixture.h"

#include <pthread.h>

/* ---- Records ---- */

static void keys_and_values_have_limits(void **state)
{
    static const uint8_t long_key[STORE_KEY_MAX + 1];
    struct store *s = open_home();
    struct store_txn *t = write_to(s);
    struct store_cursor *c = NULL;
    struct bytes key, value;

    (void)state;
    assert_int_equal(store_put(t, 0, bytes_of("", 0), text("x")), ERR_INVALID);
    assert_int_equal(store_put(t, 0, bytes_of(long_key, STORE_KEY_MAX + 1), text("x")), ERR_LIMIT);
    assert_int_equal(store_get(t, 0, bytes_of(long_key, STORE_KEY_MAX + 1), &value), ERR_LIMIT);
    assert_int_equal(store_delete(t, 0, bytes_of(long_key, STORE_KEY_MAX + 1)), ERR_LIMIT);
    assert_int_equal(store_put(t, 0, text("x"), bytes_of(long_key, (size_t)UINT32_MAX + 1)), ERR_LIMIT);
    assert_int_equal(store_put(t, 0, bytes_of(long_key, STORE_KEY_MAX), bytes_of(NULL, 0)), OK);
    assert_int_equal(store_get(t, 0, bytes_of(long_key, STORE_KEY_MAX), &value), OK);
    assert_int_equal(value.len, 0);
    assert_int_equal(store_cursor_open(t, 0, &c), OK);
    assert_int_equal(store_seek(c, bytes_of(long_key, STORE_KEY_MAX + 1), &key, &value), ERR_LIMIT);
    store_cursor_close(c);
    assert_int_equal(store_commit(t), OK); /* refusals do not spoil the transaction */
    store_close(s);
}

static void appended_keys_must_rise(void **state)
{
    struct store *s = open_home();
    struct store_txn *t = write_to(s);

    (void)state;
    assert_int_equal(store_append(t, 0, text("b"), text("1")), OK);
    assert_int_equal(store_append(t, 0, text("a"), text("2")), ERR_INVALID);
    assert_int_equal(store_append(t, 0, text("b"), text("3")), ERR_INVALID);
    assert_int_equal(store_append(t, 0, text("c"), text("4")), OK);
    assert_int_equal(store_commit(t), OK);
    expect_text(s, "a", NULL);
    expect_text(s, "b", "1");
    expect_text(s, "c", "4");
    store_close(s);
}

static void a_reader_sees_the_moment_it_began(void **state)
{
    struct store *s = open_home();
    struct store_txn *reader;
    struct store_usage usage;
    struct bytes value;

    (void)state;
    put_text(s, "a", "1");
    reader = read_from(s);
    put_text(s, "a", "2");
    put_text(s, "a", "3");
    assert_int_equal(store_get(reader, 0, text("a"), &value), OK);
    assert_int_equal(value.p[0], '1');
    assert_int_equal(store_usage(s, &usage), OK);
    assert_int_equal(usage.readers, 1);
    assert_int_equal(usage.reader_lag, 2);
    assert_int_equal(usage.map_bytes, (uint64_t)4 << 30);
    assert_true(usage.used_bytes > 0 && usage.used_bytes < 1 << 20 && usage.disk_free_bytes > 0);
    assert_int_equal(store_commit(reader), OK);
    expect_text(s, "a", "3");
    assert_int_equal(store_usage(s, &usage), OK);
    assert_int_equal(usage.readers, 0);
    assert_int_equal(usage.reader_lag, 0);
    store_close(s);
}

static void a_second_writer_in_one_thread_is_refused_instead_of_waiting_for_ever(void **state)
{
    struct store *s = open_home();
    struct store_txn *t = write_to(s);
    struct store_txn *second = NULL;

    (void)state;
    assert_int_equal(store_begin_write(s, &second), ERR_INTERNAL);
    assert_null(second);
    assert_int_equal(store_put(t, 0, text("a"), text("1")), OK);
    assert_int_equal(store_commit(t), OK);
    store_abort(write_to(s));
    put_text(s, "b", "2");
    store_close(s);
}

#define THREADS    4
#define INCREMENTS 50

static void *count_up(void *arg)
{
    struct store *s = arg;

    for (int i = 0; i < INCREMENTS; i++) {
        struct store_txn *t;
        struct bytes value;
        uint8_t number[4] = {0};

        if (store_begin_write(s, &t) != OK)
            return s;
        if (store_get(t, 0, text("n"), &value) == OK)
            memcpy(number, value.p, 4);
        be32_put(number, be32_get(number) + 1);
        if (store_put(t, 0, text("n"), bytes_of(number, 4)) != OK || store_commit(t) != OK)
            return s;
        if (store_begin_read(s, &t) != OK || store_get(t, 0, text("n"), &value) != OK)
            return s;
        store_abort(t);
    }
    return NULL;
}

static void writers_in_many_threads_take_turns(void **state)
{
    struct store *s = open_home();
    pthread_t threads[THREADS];
    struct store_txn *t;
    struct bytes value;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, s), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = s;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    t = read_from(s);
    assert_int_equal(store_get(t, 0, text("n"), &value), OK);
    assert_int_equal(be32_get(value.p), THREADS * INCREMENTS);
    store_abort(t);
    store_close(s);
}

static void cursors_may_outlive_their_transaction_but_not_be_used(void **state)
{
    struct store *s = open_home();
    struct store_txn *t = write_to(s);
    struct store_cursor *c[3];
    struct bytes key, value;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_cursor_open(t, 0, &c[i]), OK);
    store_cursor_close(c[1]);
    assert_int_equal(store_put(t, 0, text("a"), text("1")), OK);
    assert_int_equal(store_commit(t), OK);
    assert_int_equal(store_next(c[0], &key, &value), ERR_INTERNAL);
    store_cursor_close(c[0]);
    store_cursor_close(c[2]);
    t = read_from(s);
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_cursor_open(t, 0, &c[i]), OK);
    store_cursor_close(c[2]);
    store_cursor_close(c[0]);
    store_abort(t);
    assert_int_equal(store_seek_before(c[1], text("b"), &key, &value), ERR_INTERNAL);
    store_cursor_close(c[1]);
    store_cursor_close(NULL);
    store_close(s);
}

/* ---- The random model ---- */

#define MODEL_MAX 400u

struct entry {
    uint8_t key[8];
    size_t key_len;
    uint32_t stamp; /* the value is made of it */
};
struct model {
    struct entry entries[MODEL_MAX];
    size_t count;
};

static int compare(const struct entry *e, struct bytes key)
{
    int c = memcmp(e->key, key.p, e->key_len < key.len ? e->key_len : key.len);

    return c != 0 ? c : (e->key_len > key.len) - (e->key_len < key.len);
}

/* Index of the first entry that is not below `key`. */
static size_t lower_bound(const struct model *m, struct bytes key)
{
    size_t i = 0;

    while (i < m->count && compare(&m->entries[i], key) < 0)
        i++;
    return i;
}

static bool holds(const struct model *m, size_t i, struct bytes key)
{
    return i < m->count && compare(&m->entries[i], key) == 0;
}

static void model_put(struct model *m, struct bytes key, uint32_t stamp)
{
    size_t i = lower_bound(m, key);

    if (!holds(m, i, key)) {
        memmove(&m->entries[i + 1], &m->entries[i], (m->count - i) * sizeof(m->entries[0]));
        m->count++;
        memcpy(m->entries[i].key, key.p, key.len);
        m->entries[i].key_len = key.len;
    }
    m->entries[i].stamp = stamp;
}

static void model_delete(struct model *m, size_t i)
{
    m->count--;
    memmove(&m->entries[i], &m->entries[i + 1], (m->count - i) * sizeof(m->entries[0]));
}

static struct bytes random_key(uint8_t out[8])
{
    size_t len = 1 + random_u32() % 3;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(random_u32() % 7 * 42); /* few different ones; 0x00 and 0xFC among them */
    return bytes_of(out, len);
}

static struct bytes value_of(uint8_t out[6000], uint32_t stamp)
{
    size_t len = stamp % 37 == 0 ? 5500 : stamp * 2654435761u >> 23;

    memset(out, (int)(stamp & 0xFF), len);
    return bytes_of(out, len);
}

static void expect_entry(const struct model *m, size_t i, enum err e, struct bytes key, struct bytes value)
{
    static uint8_t expected[6000];
    struct bytes whole;

    if (i >= m->count) {
        assert_int_equal(e, ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(e, OK);
    assert_int_equal(compare(&m->entries[i], key), 0);
    whole = value_of(expected, m->entries[i].stamp);
    assert_int_equal(value.len, whole.len);
    assert_memory_equal(value.p, whole.p, whole.len);
}

/* A cursor walks at random; `at` is where the model stands: -1 before the first, count after the last. */
static void walk(struct store_txn *t, unsigned table, const struct model *m)
{
    struct store_cursor *c;
    struct bytes key = {NULL, 0};
    struct bytes value = {NULL, 0};
    ptrdiff_t count = (ptrdiff_t)m->count;
    ptrdiff_t at = 0;
    bool is_fresh = true;

    assert_int_equal(store_cursor_open(t, table, &c), OK);
    for (int step = 0; step < 60; step++) {
        uint8_t raw[8];
        struct bytes wanted = random_key(raw);
        enum err e = OK;

        switch (random_u32() % 8) {
        case 0:
            e = store_seek(c, wanted, &key, &value);
            at = (ptrdiff_t)lower_bound(m, wanted);
            break;
        case 1:
            e = store_seek_before(c, wanted, &key, &value);
            at = (ptrdiff_t)lower_bound(m, wanted) - 1;
            break;
        case 2:
            e = store_last(c, &key, &value);
            at = count - 1;
            break;
        case 3:
            wanted.len = random_u32() % 8 == 0 ? 0 : 1;
            e = wanted.len == 0 ? store_seek_before(c, wanted, &key, &value)
                                : store_seek(c, bytes_of("", 0), &key, &value);
            at = wanted.len == 0 ? -1 : 0;
            break;
        case 4:
        case 5:
            e = store_next(c, &key, &value);
            at = is_fresh ? 0 : at < count ? at + 1 : count;
            break;
        default:
            e = store_prev(c, &key, &value);
            at = is_fresh ? count - 1 : at >= 0 ? at - 1 : -1;
            break;
        }
        is_fresh = false;
        expect_entry(m, at < 0 ? m->count : (size_t)at, e, key, value);
    }
    store_cursor_close(c);
}

static void change_at_random(struct store_txn *t, unsigned table, struct model *m, uint32_t *stamp)
{
    static uint8_t raw_value[6000];
    uint8_t raw[8];
    struct bytes key = random_key(raw);
    size_t i = lower_bound(m, key);
    struct bytes value;
    enum err e;

    switch (random_u32() % 8) {
    case 0:
    case 1:
    case 2:
        e = store_delete(t, table, key);
        assert_int_equal(e, holds(m, i, key) ? OK : ERR_NOT_FOUND);
        if (e == OK)
            model_delete(m, i);
        break;
    case 3:
        e = store_append(t, table, key, value_of(raw_value, ++*stamp));
        assert_int_equal(e, i == m->count ? OK : ERR_INVALID);
        if (e == OK)
            model_put(m, key, *stamp);
        break;
    case 4:
        e = store_get(t, table, key, &value);
        expect_entry(m, holds(m, i, key) ? i : m->count, e, key, value);
        break;
    default:
        if (random_u32() % 500 == 0) {
            assert_int_equal(store_clear(t, table), OK);
            m->count = 0;
        }
        assert_int_equal(store_put(t, table, key, value_of(raw_value, ++*stamp)), OK);
        model_put(m, key, *stamp);
        break;
    }
}

static void random_work_agrees_with_a_sorted_array(void **state)
{
    struct model(*now)[2] = calloc(2, sizeof(*now)); /* [0]: committed, [1]: in the transaction; two tables */
    struct store *s = open_home();
    uint32_t stamp = 0;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    assert_non_null(now);
    for (int round = 0; round < 300; round++) {
        struct store_txn *t = write_to(s);

        for (unsigned ops = random_u32() % 60; ops > 0; ops--) {
            unsigned table = random_u32() % 2;

            change_at_random(t, table, &now[1][table], &stamp);
        }
        for (unsigned table = 0; table < 2; table++)
            walk(t, table, &now[1][table]);
        if (random_u32() % 4 == 0) {
            store_abort(t);
            memcpy(now[1], now[0], sizeof(now[0]));
        } else {
            assert_int_equal(store_commit(t), OK);
            memcpy(now[0], now[1], sizeof(now[0]));
        }
        if (round % 40 == 39) {
            store_close(s);
            s = open_home();
        }
        t = read_from(s);
        for (unsigned table = 0; table < 2; table++) {
            assert_int_equal(store_count(t, table), now[0][table].count);
            walk(t, table, &now[0][table]);
        }
        store_abort(t);
    }
    store_close(s);
    free(now);
}

/* ---- Full ---- */

static void a_full_map_keeps_earlier_records_and_can_always_be_emptied(void **state)
{
    const struct store_options small = {.tables = table_names, .map_size = 1 << 20};
    struct store *s = open_with(&small);
    uint32_t stored = 0;
    enum err e;

    (void)state;
    while ((e = put_number(s, stored, false)) == OK)
        stored++;
    assert_int_equal(e, ERR_FULL);
    assert_non_null(strstr(err_text(), "1 MiB"));
    assert_true(stored > 500);
    assert_int_equal(count_all(s), stored);
    assert_int_equal(put_number(s, stored, false), ERR_FULL);
    assert_int_equal(put_number(s, stored, true), OK); /* a receipt still finds its place */
    for (uint32_t i = 0; i <= stored; i++)
        assert_int_equal(delete_number(s, i), OK);
    assert_int_equal(count_all(s), 0);
    for (uint32_t i = 0; i < stored / 2; i++)
        assert_int_equal(put_number(s, i, false), OK);
    store_close(s);
    s = open_with(&small);
    assert_int_equal(count_all(s), stored / 2);
    store_close(s);
}

static void one_transaction_too_large_for_the_map_leaves_all_as_it_was(void **state)
{
    static const uint8_t value[100000];
    const struct store_options small = {.tables = table_names, .map_size = 1 << 20};
    struct store *s = open_with(&small);
    struct store_txn *t;
    struct store_cursor *c;
    struct bytes found;
    uint32_t i = 0;
    enum err e;

    (void)state;
    assert_int_equal(put_number(s, 1000, false), OK);
    for (int round = 0; round < 3; round++) {
        t = write_to(s);
        do {
            uint8_t key[4];

            be32_put(key, i++);
            e = store_put(t, 0, bytes_of(key, 4), bytes_of(value, sizeof(value)));
        } while (e == OK);
        assert_int_equal(e, ERR_FULL);
        assert_int_equal(store_get(t, 0, text("x"), &found), ERR_FULL); /* it can only be aborted */
        assert_int_equal(store_delete(t, 0, text("x")), ERR_FULL);
        assert_int_equal(store_clear(t, 0), ERR_FULL);
        assert_int_equal(store_cursor_open(t, 0, &c), ERR_FULL);
        assert_int_equal(store_count(t, 0), 0);
        assert_int_equal(store_commit(t), ERR_FULL);
        assert_int_equal(count_all(s), 1);
    }
    assert_int_equal(put_number(s, 1001, false), OK);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(keys_and_values_have_limits),
        STORE_TEST(appended_keys_must_rise),
        STORE_TEST(a_reader_sees_the_moment_it_began),
        STORE_TEST(a_second_writer_in_one_thread_is_refused_instead_of_waiting_for_ever),
        STORE_TEST(writers_in_many_threads_take_turns),
        STORE_TEST(cursors_may_outlive_their_transaction_but_not_be_used),
        STORE_TEST(random_work_agrees_with_a_sorted_array),
        STORE_TEST(a_full_map_keeps_earlier_records_and_can_always_be_emptied),
        STORE_TEST(one_transaction_too_large_for_the_map_leaves_all_as_it_was),
    };

    start_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
