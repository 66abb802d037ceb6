/* test_store_processes.c: several processes at one store, and what their sudden end leaves: design section 3,
 * invariant 1 (durable). */
#include "tests/unit/store_fixture.h"

#include <sys/mman.h>

/* ---- Other processes ---- */

/* In a child: commits of two records each, one in each table, every one told through the pipe. */
static void write_until_killed(int acks)
{
    struct store *s;

    restore_signals();
    if (store_open(&s, home, &options) != OK)
        _exit(1);
    for (uint32_t n = 0;; n++) {
        struct store_txn *t;
        uint8_t key[4];

        be32_put(key, n);
        if (store_begin_write(s, &t) != OK || store_put(t, 0, bytes_of(key, 4), text("one")) != OK ||
            store_put(t, 1, bytes_of(key, 4), text("other")) != OK || store_commit(t) != OK || write(acks, key, 4) != 4)
            _exit(2);
    }
}

static void kill_9_of_a_writer_keeps_every_acknowledged_commit(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 25; round++) {
        unsigned wanted = random_u32() % 40;
        uint8_t key[4];
        uint32_t acked = 0;
        struct store *s;
        struct store_txn *t;
        int ends[2];
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(ends[1]);
        (void)close(ends[1]);
        while (acked < wanted && read(ends[0], key, 4) == 4)
            acked++;
        for (volatile unsigned spin = random_u32() % 200000; spin > 0; spin--) {
        } /* somewhere in the next commit */
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(ends[0], key, 4) == 4)
            acked++;
        (void)close(ends[0]);

        s = open_home();
        t = write_to(s); /* at once: the dead writer's lock is nobody's */
        assert_in_range(store_count(t, 0), acked, acked + 1);
        assert_int_equal(store_count(t, 1), store_count(t, 0));
        assert_int_equal(store_clear(t, 0), OK);
        assert_int_equal(store_clear(t, 1), OK);
        assert_int_equal(store_commit(t), OK);
        store_close(s);
    }
}

static void a_killed_reader_is_cleared(void **state)
{
    struct store *s = open_home();
    struct store_usage usage;
    pid_t child;

    (void)state;
    put_text(s, "a", "1");
    store_close(s);
    child = hold_in_child(store_begin_read);
    s = open_home();
    put_text(s, "a", "2");
    store_maintain(s); /* it is alive */
    assert_int_equal(store_usage(s, &usage), OK);
    assert_int_equal(usage.readers, 1);
    assert_int_equal(usage.reader_lag, 1);
    kill_child(child);
    assert_int_equal(store_usage(s, &usage), OK);
    assert_int_equal(usage.readers, 1);
    store_maintain(s);
    assert_int_equal(store_usage(s, &usage), OK);
    assert_int_equal(usage.readers, 0);
    store_close(s);
}

static void a_killed_reader_is_cleared_at_open_too(void **state)
{
    struct store_usage usage;
    struct store *s;
    pid_t child;
    pid_t other;

    (void)state;
    store_close(open_home());
    child = hold_in_child(store_begin_read);
    other = hold_in_child(store_begin_read); /* keeps the lock file from being set up anew */
    kill_child(child);
    s = open_home();
    assert_int_equal(store_usage(s, &usage), OK);
    assert_int_equal(usage.readers, 1);
    kill_child(other);
    store_close(s);
}

static void a_killed_writer_leaves_no_lock(void **state)
{
    struct store *s;
    pid_t child;

    (void)state;
    store_close(open_home());
    child = hold_in_child(store_begin_write);
    s = open_home(); /* to look needs no turn at writing */
    expect_text(s, "a", NULL);
    kill_child(child);
    put_text(s, "a", "1");
    expect_text(s, "a", "1");
    store_close(s);
}

/* A reader pins every page that is given up, so even deletes run out of room: the store makes more for them alone. */
static void deletes_find_room_even_while_a_reader_pins_all_pages(void **state)
{
    const struct store_options small = {.tables = table_names, .map_size = 1 << 20};
    struct store *s = open_with(&small);
    uint32_t stored = 0;
    unsigned refused = 0;
    pid_t child;

    (void)state;
    while (put_number(s, stored, false) == OK)
        stored++;
    child = hold_in_child(store_begin_read);
    for (uint32_t i = 0; i < stored; i++) {
        enum err e = delete_number(s, i);

        if (e == ERR_FULL) { /* the next begin opens the store again, with more room */
            refused++;
            e = delete_number(s, i);
        }
        assert_int_equal(e, OK);
    }
    assert_true(refused > 0 && refused < stored / 4);
    kill_child(child);
    store_maintain(s);
    assert_int_equal(count_all(s), 0);
    assert_int_equal(delete_number(s, 0), ERR_NOT_FOUND);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(put_number(s, i, true), OK);
    assert_int_equal(put_number(s, 11, false), OK);
    store_close(s);
}

static void fill_in_child(int go)
{
    static const uint8_t value[8000000];
    const struct store_options large = {.tables = table_names, .map_size = 64 << 20};
    struct store_txn *t;
    struct store *s;
    char byte;

    restore_signals();
    if (read(go, &byte, 1) != 1 || store_open(&s, home, &large) != OK || store_begin_write(s, &t) != OK ||
        store_put(t, 0, text("large"), bytes_of(value, sizeof(value))) != OK || store_commit(t) != OK)
        _exit(1);
    _exit(0);
}

/* Two processes with different caps: what one let the file grow to, the other takes over. */
static void a_process_follows_when_another_let_the_file_grow(void **state)
{
    const struct store_options small = {.tables = table_names, .map_size = 1 << 20};
    struct store *s;
    struct store_txn *t;
    struct bytes value;
    int status;
    int ends[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        fill_in_child(ends[0]);
    s = open_with(&small);
    put_text(s, "a", "1");
    assert_int_equal(write(ends[1], "g", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    t = read_from(s);
    assert_int_equal(store_get(t, 0, text("large"), &value), OK);
    assert_int_equal(value.len, 8000000);
    store_abort(t);
    expect_text(s, "a", "1");
    store_close(s);
}

/* In a child: a store whose file loses its end while it is open, as on a disk that dies. */
static void read_what_is_gone(int said)
{
    static const uint8_t value[100000];
    char data[PATH_LEN + 32];
    struct store_txn *t;
    struct store *s;
    struct bytes got;

    restore_signals();
    (void)snprintf(data, sizeof(data), "%s/data.mdb", home);
    if (dup2(said, STDERR_FILENO) < 0 || store_open(&s, home, &options) != OK || store_begin_write(s, &t) != OK ||
        store_put(t, 0, text("large"), bytes_of(value, sizeof(value))) != OK || store_commit(t) != OK ||
        truncate(data, 8192) != 0 || store_begin_read(s, &t) != OK || store_get(t, 0, text("large"), &got) != OK)
        _exit(3);
    _exit(got.p[got.len - 1] == 0 ? 0 : 4);
}

static void a_file_that_cannot_be_read_to_the_end_is_said_to_be_damaged(void **state)
{
    char said[512] = "";
    int status;
    int ends[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        read_what_is_gone(ends[1]);
    (void)close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
    (void)close(ends[0]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(said, "/store is damaged and could not be read to the end; "));
}

/* In a child: a fault that has nothing to do with the store takes its usual way. */
static void fault_elsewhere(void)
{
    int *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct store *s;

    restore_signals();
    if (nowhere == MAP_FAILED || store_open(&s, home, &options) != OK)
        _exit(3);
    _exit(*(volatile int *)nowhere);
}

static void a_fault_elsewhere_is_not_laid_at_the_stores_door(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        fault_elsewhere();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(kill_9_of_a_writer_keeps_every_acknowledged_commit),
        STORE_TEST(a_killed_reader_is_cleared),
        STORE_TEST(a_killed_reader_is_cleared_at_open_too),
        STORE_TEST(a_killed_writer_leaves_no_lock),
        STORE_TEST(deletes_find_room_even_while_a_reader_pins_all_pages),
        STORE_TEST(a_process_follows_when_another_let_the_file_grow),
        STORE_TEST(a_file_that_cannot_be_read_to_the_end_is_said_to_be_damaged),
        STORE_TEST(a_fault_elsewhere_is_not_laid_at_the_stores_door),
    };

    start_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
