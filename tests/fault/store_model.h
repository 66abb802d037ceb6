/* store_model.h: random transactions on a store, and what it must hold after each. */
#ifndef SVODKA_TESTS_FAULT_STORE_MODEL_H
#define SVODKA_TESTS_FAULT_STORE_MODEL_H

#include "tests/fault/fail_io.h"
#include "tests/unit/store_fixture.h"

#define KEYS   48u
#define TABLES 2u

/* What the store should hold: per key the stamp its value is made of; 0: no such key. */
struct model {
    uint32_t stamp[TABLES][KEYS];
};

static char data_path[PATH_LEN + 32];

static inline int make_watched_folder(void **state)
{
    (void)make_folder(state);
    path_in_home(data_path, "data.mdb");
    fail_io_watch("/data.mdb");
    return 0;
}

static inline int remove_watched_folder(void **state)
{
    fail_io_disarm();
    fail_io_record_forget();
    fail_io_watch(NULL);
    fail_io_set_free_bytes(-1);
    fail_io_set_fs_type(0);
    return remove_folder(state);
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, make_watched_folder, remove_watched_folder)

static inline void fail_at(unsigned kinds, enum fail_io_how how, int error, uint64_t nth, uint64_t count)
{
    const struct fail_io_plan plan = {.kinds = kinds, .how = how, .error = error, .nth = nth, .count = count};

    fail_io_arm(&plan);
}

static inline struct bytes key_of(char out[16], unsigned k)
{
    int n = snprintf(out, 16, "key-%03u", k);

    return bytes_of(out, (size_t)n);
}

/* KEYS or more when it is none of ours. */
static inline unsigned number_of(struct bytes key)
{
    unsigned k = 0;

    if (key.len != 7 || memcmp(key.p, "key-", 4) != 0)
        return KEYS;
    for (size_t i = 4; i < 7; i++)
        k = k * 10 + (unsigned)(key.p[i] - '0');
    return k;
}

static inline size_t value_len(uint32_t stamp)
{
    uint32_t h = stamp * 2654435761u;

    return 4 + (h >> 28 == 0 ? 5000 + (h & 4095) : h >> 20 & 1023); /* one in sixteen needs pages of its own */
}

static inline struct bytes value_of(uint8_t out[10000], uint32_t stamp)
{
    size_t len = value_len(stamp);

    be32_put(out, stamp);
    for (size_t i = 4; i < len; i++)
        out[i] = (uint8_t)(stamp + i * 31);
    return bytes_of(out, len);
}

/* One random transaction; on OK `m` has it too.  The first error ends it. */
static inline enum err change(struct store *s, struct model *m, uint32_t *stamp)
{
    static uint8_t value[10000];
    struct model after = *m;
    struct store_txn *t;
    char key[16];
    enum err e = store_begin_write(s, &t);

    if (e != OK)
        return e;
    for (unsigned ops = 1 + random_u32() % 12; ops > 0 && e == OK; ops--) {
        unsigned table = random_u32() % TABLES;
        unsigned k = random_u32() % KEYS;

        if (ops > 1 && random_u32() % 64 == 0) { /* the last always writes something */
            e = store_clear(t, table);
            memset(after.stamp[table], 0, sizeof(after.stamp[table]));
        } else if (ops > 1 && random_u32() % 3 == 0) {
            e = store_delete(t, table, key_of(key, k));
            if (e == ERR_NOT_FOUND && after.stamp[table][k] == 0)
                e = OK;
            after.stamp[table][k] = 0;
        } else {
            after.stamp[table][k] = ++*stamp;
            e = store_put(t, table, key_of(key, k), value_of(value, *stamp));
        }
    }
    if (e != OK) {
        store_abort(t);
        return e;
    }
    if ((e = store_commit(t)) == OK)
        *m = after;
    return e;
}

/* Reads all there is into `m`; false when a record is not whole. */
static inline bool read_all(struct store *s, struct model *m)
{
    static uint8_t expected[10000];
    struct store_txn *t;
    bool good = true;

    memset(m, 0, sizeof(*m));
    if (store_begin_read(s, &t) != OK)
        return false;
    for (unsigned table = 0; table < TABLES; table++) {
        struct store_cursor *c;
        struct bytes key;
        struct bytes value;
        uint64_t count = 0;

        if (store_cursor_open(t, table, &c) != OK)
            return false;
        for (enum err e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
            unsigned k = number_of(key);
            uint32_t stamp = value.len >= 4 ? be32_get(value.p) : 0;
            struct bytes whole = value_of(expected, stamp);

            count++;
            if (k >= KEYS || stamp == 0 || value.len != whole.len || memcmp(value.p, whole.p, whole.len) != 0)
                good = false;
            else
                m->stamp[table][k] = stamp;
        }
        store_cursor_close(c);
        good = good && count == store_count(t, table);
    }
    store_abort(t);
    return good;
}

static inline void expect_holds(struct store *s, const struct model *m)
{
    struct model found;

    assert_true(read_all(s, &found));
    assert_memory_equal(&found, m, sizeof(found));
}

#endif
