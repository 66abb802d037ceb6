/* store_fixture.h: a store in a fresh folder, for tests of the store.  SVODKA_TEST_SEED repeats a run. */
#ifndef SVODKA_TESTS_UNIT_STORE_FIXTURE_H
#define SVODKA_TESTS_UNIT_STORE_FIXTURE_H

#include "common/folder.h"
#include "common/log.h"
#include "common/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_LEN 512

static const char *const table_names[] = {"first", "second", NULL};
static const struct store_options options = {.tables = table_names};

static uint64_t seed;
static uint64_t state_of_random;
static char root[PATH_LEN];
static char home[PATH_LEN + 8];

static inline uint32_t random_u32(void)
{
    state_of_random ^= state_of_random << 13; /* xorshift64 */
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return (uint32_t)(state_of_random >> 16);
}

static inline int make_folder(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    (void)snprintf(root, sizeof(root), "%s/svodka-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(root));
    (void)snprintf(home, sizeof(home), "%s/store", root);
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    folder_remove(root);
    return 0;
}

/* In a child: cmocka's own handlers would run the other tests there. */
static inline void restore_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)signal(signals[i], SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* not left behind when a test fails */
}

static inline struct store *open_with(const struct store_options *o)
{
    struct store *s = NULL;

    if (store_open(&s, home, o) != OK)
        fail_msg("the store does not open: %s", err_text());
    return s;
}

static inline struct store *open_home(void)
{
    return open_with(&options);
}

static inline struct store_txn *write_to(struct store *s)
{
    struct store_txn *t = NULL;

    assert_int_equal(store_begin_write(s, &t), OK);
    return t;
}

static inline struct store_txn *read_from(struct store *s)
{
    struct store_txn *t = NULL;

    assert_int_equal(store_begin_read(s, &t), OK);
    return t;
}

static inline struct bytes text(const char *s)
{
    return bytes_of(s, strlen(s));
}

static inline void put_text(struct store *s, const char *key, const char *value)
{
    struct store_txn *t = write_to(s);

    assert_int_equal(store_put(t, 0, text(key), text(value)), OK);
    assert_int_equal(store_commit(t), OK);
}

static inline void expect_text(struct store *s, const char *key, const char *value)
{
    struct store_txn *t = read_from(s);
    struct bytes found = {NULL, 0};

    assert_int_equal(store_get(t, 0, text(key), &found), value == NULL ? ERR_NOT_FOUND : OK);
    if (value != NULL) {
        assert_int_equal(found.len, strlen(value));
        assert_memory_equal(found.p, value, found.len);
    }
    store_abort(t);
}

static inline void path_in_home(char out[PATH_LEN + 32], const char *name)
{
    (void)snprintf(out, PATH_LEN + 32, "%s/%s", home, name);
}

static inline enum err put_number(struct store *s, uint32_t number, bool use_reserve)
{
    static const uint8_t value[1000];
    struct store_txn *t = write_to(s);
    uint8_t key[4];
    enum err e;

    be32_put(key, number);
    if (use_reserve)
        store_use_reserve(t);
    if ((e = store_put(t, 0, bytes_of(key, 4), bytes_of(value, sizeof(value)))) == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

static inline enum err delete_number(struct store *s, uint32_t number)
{
    struct store_txn *t = write_to(s);
    uint8_t key[4];
    enum err e;

    be32_put(key, number);
    if ((e = store_delete(t, 0, bytes_of(key, 4))) == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

static inline uint64_t count_all(struct store *s)
{
    struct store_txn *t = read_from(s);
    uint64_t count = store_count(t, 0);

    store_abort(t);
    return count;
}

/* Starts a child that has opened the store and holds a transaction; it waits to be killed. */
static inline pid_t hold_in_child(enum err (*begin)(struct store *, struct store_txn **))
{
    int ends[2];
    char ready;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *s;
        struct store_txn *t;

        restore_signals();
        if (store_open(&s, home, &options) != OK || begin(s, &t) != OK || write(ends[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &ready, 1), 1);
    (void)close(ends[0]);
    return child;
}

static inline void kill_child(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

static inline void start_tests(void)
{
    const char *given = getenv("SVODKA_TEST_SEED");

    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u;
    state_of_random = seed | 1;
    log_init("test", LOG_ERROR);
}

#endif
