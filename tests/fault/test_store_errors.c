/* test_store_errors.c: the store on a bad disk: write errors, a full disk, a network file system.
 * Holds invariants 1 (durable), 2 (nothing lost when full) and 4 (all or nothing) of design section 3. */
#include "tests/fault/store_model.h"

#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- Errors of the disk ---- */

/* Some commits, one that fails by the armed error with `expected`, and more commits. */
static void expect_commit_fails(enum err expected, unsigned kinds, enum fail_io_how how, int error)
{
    static uint32_t stamp;
    struct model m;
    struct store *s = open_home();

    assert_true(read_all(s, &m)); /* of the case before */
    for (int i = 0; i < 10; i++)
        assert_int_equal(change(s, &m, &stamp), OK);
    fail_at(kinds, how, error, 1, 1);
    assert_int_equal(change(s, &m, &stamp), expected);
    fail_io_disarm();
    expect_holds(s, &m);
    for (int i = 0; i < 10; i++)
        assert_int_equal(change(s, &m, &stamp), OK);
    expect_holds(s, &m);
    store_close(s);
    s = open_home();
    expect_holds(s, &m);
    store_close(s);
}

static void a_failed_data_write_means_the_transaction_did_not_happen(void **state)
{
    (void)state;
    expect_commit_fails(ERR_IO, FAIL_IO_WRITE, FAIL_IO_ERROR, EIO);
    expect_commit_fails(ERR_IO, FAIL_IO_WRITE, FAIL_IO_SHORT, 0);
}

static void a_failed_sync_means_the_transaction_did_not_happen(void **state)
{
    (void)state;
    expect_commit_fails(ERR_IO, FAIL_IO_SYNC, FAIL_IO_ERROR, EIO);
}

static void after_a_failed_meta_write_the_store_reopens_itself(void **state)
{
    (void)state;
    expect_commit_fails(ERR_IO, FAIL_IO_SYNC_WRITE, FAIL_IO_ERROR, EIO);
    expect_commit_fails(ERR_IO, FAIL_IO_SYNC_WRITE, FAIL_IO_SHORT, 0);
}

static void a_full_disk_is_named_as_such(void **state)
{
    (void)state;
    expect_commit_fails(ERR_FULL, FAIL_IO_WRITE, FAIL_IO_ERROR, ENOSPC);
    assert_non_null(strstr(err_text(), "full"));
    expect_commit_fails(ERR_FULL, FAIL_IO_WRITE, FAIL_IO_ERROR, EDQUOT);
}

static enum err put_stamp(struct store_txn *t, unsigned k, uint32_t stamp)
{
    static uint8_t value[10000];
    char key[16];

    return store_put(t, 0, key_of(key, k), value_of(value, stamp));
}

/* LMDB reports a write that was cut short as EIO, whatever cut it. */
static void a_write_cut_short_means_full_or_broken_as_the_disk_says(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    struct store_txn *t;
    uint32_t stamp = 0;

    (void)state;
    assert_int_equal(change(s, &m, &stamp), OK);
    for (int is_full = 0; is_full < 2; is_full++) {
        assert_int_equal(store_begin_write(s, &t), OK);
        assert_int_equal(put_stamp(t, 1, 1000), OK);
        fail_io_set_free_bytes(is_full ? 0 : 1 << 30);
        fail_at(FAIL_IO_WRITE, FAIL_IO_SHORT, 0, 1, 1);
        assert_int_equal(store_commit(t), is_full ? ERR_FULL : ERR_IO);
        fail_io_disarm();
        fail_io_set_free_bytes(-1);
        expect_holds(s, &m);
    }
    assert_int_equal(change(s, &m, &stamp), OK);
    store_close(s);
}

static void on_a_nearly_full_disk_only_deletes_and_the_reserve_go_on(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    struct store_txn *t;
    char key[16];

    (void)state;
    assert_int_equal(store_begin_write(s, &t), OK);
    assert_int_equal(put_stamp(t, 1, 1), OK);
    assert_int_equal(put_stamp(t, 2, 2), OK);
    assert_int_equal(store_commit(t), OK);
    fail_io_set_free_bytes(1000);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(store_begin_write(s, &t), OK);
        assert_int_equal(put_stamp(t, 3, 3), ERR_FULL);
        assert_int_equal(put_stamp(t, 3, 3), ERR_FULL);
        assert_int_equal(store_delete(t, 0, key_of(key, 1)), ERR_FULL); /* all or nothing */
        assert_int_equal(store_commit(t), ERR_FULL);
    }
    assert_int_equal(store_begin_write(s, &t), OK);
    assert_int_equal(store_delete(t, 0, key_of(key, 1)), OK);
    store_use_reserve(t);
    assert_int_equal(put_stamp(t, 4, 4), OK);
    assert_int_equal(store_commit(t), OK);
    m.stamp[0][2] = 2;
    m.stamp[0][4] = 4;
    expect_holds(s, &m);
    fail_io_set_free_bytes(-1);
    assert_int_equal(store_begin_write(s, &t), OK);
    assert_int_equal(put_stamp(t, 3, 3), OK);
    assert_int_equal(store_commit(t), OK);
    store_close(s);
}

static void interrupted_writes_are_tried_again(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    uint32_t stamp = 0;

    (void)state;
    fail_at(FAIL_IO_WRITE, FAIL_IO_ERROR, EINTR, 1, 3);
    assert_int_equal(change(s, &m, &stamp), OK);
    fail_at(FAIL_IO_SYNC_WRITE, FAIL_IO_ERROR, EINTR, 1, 3);
    assert_int_equal(change(s, &m, &stamp), OK);
    fail_io_disarm();
    expect_holds(s, &m);
    store_close(s);
}

static void two_failed_commits_in_a_row_reopen_the_store(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    struct store_txn *reader;
    struct store_txn *writer;
    uint32_t stamp = 0;

    (void)state;
    assert_int_equal(change(s, &m, &stamp), OK);
    assert_int_equal(store_begin_read(s, &reader), OK);
    fail_at(FAIL_IO_SYNC, FAIL_IO_ERROR, EIO, 1, 2);
    assert_int_equal(change(s, &m, &stamp), ERR_IO);
    assert_int_equal(change(s, &m, &stamp), ERR_IO);
    assert_int_equal(store_begin_write(s, &writer), ERR_BUSY); /* not under a reader */
    store_abort(reader);
    assert_int_equal(change(s, &m, &stamp), OK);
    expect_holds(s, &m);
    store_close(s);
}

static void a_panic_waits_for_the_readers_of_this_process(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    struct store_txn *reader;
    struct store_txn *second;
    struct bytes value;
    char key[16];
    uint32_t stamp = 0;

    (void)state;
    while (m.stamp[0][7] == 0)
        assert_int_equal(change(s, &m, &stamp), OK);
    assert_int_equal(store_begin_read(s, &reader), OK);
    fail_at(FAIL_IO_SYNC_WRITE, FAIL_IO_ERROR, EIO, 1, 1);
    assert_int_equal(change(s, &m, &stamp), ERR_IO);
    assert_int_equal(store_begin_read(s, &second), ERR_BUSY);
    assert_int_equal(store_get(reader, 0, key_of(key, 7), &value), OK); /* the reader reads on */
    assert_int_equal(be32_get(value.p), m.stamp[0][7]);
    store_abort(reader);
    expect_holds(s, &m);
    assert_int_equal(change(s, &m, &stamp), OK);
    store_close(s);
}

static void a_reopening_that_fails_is_tried_again_at_the_next_begin(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    struct store_usage usage;
    uint32_t stamp = 0;

    (void)state;
    assert_int_equal(change(s, &m, &stamp), OK);
    fail_at(FAIL_IO_SYNC_WRITE, FAIL_IO_ERROR, EIO, 1, 1);
    assert_int_equal(change(s, &m, &stamp), ERR_IO);
    assert_int_equal(chmod(home, 0755), 0);
    assert_int_equal(change(s, &m, &stamp), ERR_DENIED);
    assert_int_equal(change(s, &m, &stamp), ERR_DENIED);
    assert_int_equal(store_usage(s, &usage), ERR_DENIED);
    store_maintain(s);
    assert_int_equal(chmod(home, 0700), 0);
    expect_holds(s, &m);
    assert_int_equal(change(s, &m, &stamp), OK);
    store_close(s);
}

static void a_folder_exchanged_under_an_open_store_is_not_taken_for_it(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    char aside[PATH_LEN + 16];
    uint32_t stamp = 0;

    (void)state;
    assert_int_equal(change(s, &m, &stamp), OK);
    fail_at(FAIL_IO_SYNC_WRITE, FAIL_IO_ERROR, EIO, 1, 1);
    assert_int_equal(change(s, &m, &stamp), ERR_IO);
    (void)snprintf(aside, sizeof(aside), "%s/aside", root);
    assert_int_equal(rename(home, aside), 0);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(change(s, &m, &stamp), ERR_IO);
    assert_int_equal(rmdir(home), 0);
    assert_int_equal(change(s, &m, &stamp), ERR_NOT_FOUND);
    assert_int_equal(rename(aside, home), 0);
    expect_holds(s, &m);
    store_close(s);
}

static void random_errors_of_the_disk_never_lose_or_halve_a_commit(void **state)
{
    struct model m = {0};
    struct store *s = open_home();
    unsigned failed = 0;
    uint32_t stamp = 0;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < 400; i++) {
        static const int errors[] = {EIO, ENOSPC, EINTR};
        unsigned kind = 1u << random_u32() % 3;
        enum err e;

        if (random_u32() % 2 == 0)
            fail_at(kind, random_u32() % 2 == 0 ? FAIL_IO_ERROR : FAIL_IO_SHORT, errors[random_u32() % 3],
                    1 + random_u32() % 4, 1 + random_u32() % 2);
        e = change(s, &m, &stamp);
        fail_io_disarm();
        if (e != OK) {
            assert_true(e == ERR_IO || e == ERR_FULL);
            failed++;
        }
        if (i % 8 == 0)
            expect_holds(s, &m);
        if (i % 50 == 0) {
            store_close(s);
            s = open_home();
            expect_holds(s, &m);
        }
    }
    assert_true(failed > 40);
    expect_holds(s, &m);
    store_close(s);
}

static void a_creation_that_fails_anywhere_leaves_nothing_behind(void **state)
{
    struct store *s = NULL;
    enum err e = ERR_IO;
    uint64_t nth = 1;

    (void)state;
    fail_io_watch(NULL);
    for (; e != OK; nth++) {
        fail_at(FAIL_IO_ALL, FAIL_IO_ERROR, ENOSPC, nth, 1000);
        e = store_open(&s, home, &options);
        fail_io_disarm();
        assert_true(e == OK || (e == ERR_FULL && s == NULL));
        assert_true(nth < 100);
        if (e != OK && access(data_path, F_OK) != 0)
            assert_int_not_equal(access(home, F_OK), 0);
    }
    assert_true(nth > 6);
    store_close(s);
}

/* ---- File systems ---- */

static void network_file_systems_are_refused_unless_forced(void **state)
{
    static const uint32_t magics[] = {NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC};
    struct store_options forced = options;
    struct store *s = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        fail_io_set_fs_type(magics[i]);
        assert_int_equal(store_open(&s, home, &options), ERR_INVALID);
        assert_null(s);
        assert_int_not_equal(access(home, F_OK), 0);
    }
    forced.allow_network_fs = true;
    assert_int_equal(store_open(&s, home, &forced), OK);
    store_close(s);
}

/* In a child that owns a file system of eight mebibytes.  Exit 77: this system does not let us make one. */
static void fill_a_small_disk(void)
{
    static uint8_t value[1000];
    struct store *s;
    struct store_txn *t;
    enum err e = OK;
    uint8_t key[4];
    uint32_t stored = 0;

    restore_signals();
    if (mkdir(home, 0700) != 0)
        _exit(1);
    if ((geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("none", home, "tmpfs", 0, "size=8m") != 0 ||
        chmod(home, 0700) != 0)
        _exit(77);
    if (store_open(&s, home, &options) != OK)
        _exit(2);
    while (e == OK) {
        be32_put(key, stored);
        if (store_begin_write(s, &t) != OK)
            _exit(3);
        if ((e = store_put(t, 0, bytes_of(key, 4), bytes_of(value, sizeof(value)))) == OK)
            e = store_commit(t);
        else
            store_abort(t);
        if (e == OK)
            stored++;
    }
    if (e != ERR_FULL || stored < 2000)
        _exit(4);
    /* everything stored is there, and deleting makes room again */
    if (store_begin_read(s, &t) != OK || store_count(t, 0) != stored)
        _exit(5);
    store_abort(t);
    for (uint32_t i = 0; i < 1500; i++) {
        be32_put(key, i);
        if (store_begin_write(s, &t) != OK || store_delete(t, 0, bytes_of(key, 4)) != OK || store_commit(t) != OK)
            _exit(6);
    }
    be32_put(key, stored);
    if (store_begin_write(s, &t) != OK || store_put(t, 0, bytes_of(key, 4), bytes_of(value, sizeof(value))) != OK ||
        store_commit(t) != OK)
        _exit(7);
    store_close(s);
    _exit(0);
}

static void a_disk_that_is_really_full_keeps_what_it_has_and_can_be_emptied(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        fill_a_small_disk();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("SKIPPED: no right to mount a small file system here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_failed_data_write_means_the_transaction_did_not_happen),
        FAULT_TEST(a_failed_sync_means_the_transaction_did_not_happen),
        FAULT_TEST(after_a_failed_meta_write_the_store_reopens_itself),
        FAULT_TEST(a_full_disk_is_named_as_such),
        FAULT_TEST(a_write_cut_short_means_full_or_broken_as_the_disk_says),
        FAULT_TEST(on_a_nearly_full_disk_only_deletes_and_the_reserve_go_on),
        FAULT_TEST(interrupted_writes_are_tried_again),
        FAULT_TEST(two_failed_commits_in_a_row_reopen_the_store),
        FAULT_TEST(a_panic_waits_for_the_readers_of_this_process),
        FAULT_TEST(a_reopening_that_fails_is_tried_again_at_the_next_begin),
        FAULT_TEST(a_folder_exchanged_under_an_open_store_is_not_taken_for_it),
        FAULT_TEST(random_errors_of_the_disk_never_lose_or_halve_a_commit),
        FAULT_TEST(a_creation_that_fails_anywhere_leaves_nothing_behind),
        FAULT_TEST(network_file_systems_are_refused_unless_forced),
        FAULT_TEST(a_disk_that_is_really_full_keeps_what_it_has_and_can_be_emptied),
    };

    start_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
