/* test_store.c: opening, and what is refused: design section 3, invariants 1 (durable), 4 (all or nothing) and 9.
 * What a bad disk does is in tests/fault/test_store_crash.c and test_store_errors.c. */
#include "tests/unit/store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>

/* ---- Opening ---- */

static void what_was_committed_is_there_after_reopening(void **state)
{
    struct store *s = open_home();
    struct store_txn *t;

    (void)state;
    put_text(s, "a", "1");
    t = write_to(s);
    assert_int_equal(store_put(t, 0, text("b"), text("2")), OK);
    store_abort(t);
    store_close(s);
    s = open_home();
    expect_text(s, "a", "1");
    expect_text(s, "b", NULL);
    store_close(s);
    store_close(NULL);
    store_abort(NULL);
}

static void a_store_that_must_exist_is_not_created(void **state)
{
    struct store_options must = options;
    struct store *s = NULL;

    (void)state;
    must.must_exist = true;
    assert_int_equal(store_open(&s, home, &must), ERR_NOT_FOUND);
    assert_int_not_equal(access(home, F_OK), 0);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(store_open(&s, home, &must), ERR_NOT_FOUND);
    assert_null(s);
    store_close(open_home());
    assert_int_equal(store_open(&s, home, &must), OK);
    store_close(s);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct store *s = NULL;
    char path[PATH_LEN + 32];
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/no/such/place", root);
    assert_int_not_equal(store_open(&s, path, &options), OK);
    assert_non_null(strstr(err_text(), path));
    fd = open(home, O_WRONLY | O_CREAT, 0600); /* a file where the folder should be */
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(store_open(&s, home, &options), ERR_NOT_FOUND);
    assert_null(s);
}

static void the_folder_and_its_files_are_closed_to_others(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    mode_t before = umask(0);
    struct stat st;

    (void)state;
    store_close(open_home());
    (void)umask(before);
    assert_int_equal(stat(home, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_LEN + 32];

        path_in_home(path, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_int_not_equal(access("new", F_OK), 0);
}

static void wrong_modes_are_refused(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    struct store *s = NULL;

    (void)state;
    store_close(open_home());
    assert_int_equal(chmod(home, 0750), 0);
    assert_int_equal(store_open(&s, home, &options), ERR_DENIED);
    assert_non_null(strstr(err_text(), "700"));
    assert_int_equal(chmod(home, 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_LEN + 32];

        path_in_home(path, names[i]);
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(store_open(&s, home, &options), ERR_DENIED);
        assert_non_null(strstr(err_text(), names[i]));
        assert_int_equal(chmod(path, 0600), 0);
    }
    assert_null(s);
    store_close(open_home());
}

static void a_link_in_place_of_the_data_is_refused(void **state)
{
    struct store *s = NULL;
    char path[PATH_LEN + 32];
    char elsewhere[PATH_LEN + 32];

    (void)state;
    store_close(open_home());
    path_in_home(path, "data.mdb");
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", root);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_int_equal(store_open(&s, home, &options), ERR_DENIED);
    assert_null(s);
}

static void a_second_open_in_one_process_is_refused_by_any_path(void **state)
{
    struct store *first = open_home();
    struct store *second = NULL;
    char other_path[PATH_LEN + 32];

    (void)state;
    (void)snprintf(other_path, sizeof(other_path), "%s/link", root);
    assert_int_equal(symlink(home, other_path), 0);
    assert_int_equal(store_open(&second, home, &options), ERR_BUSY);
    assert_int_equal(store_open(&second, other_path, &options), ERR_BUSY);
    (void)snprintf(other_path, sizeof(other_path), "%s/../store/.", home);
    assert_int_equal(store_open(&second, other_path, &options), ERR_BUSY);
    assert_null(second);
    put_text(first, "still", "works");
    store_close(first);
    assert_int_equal(store_open(&second, other_path, &options), OK);
    expect_text(second, "still", "works");
    store_close(second);
}

static void two_different_stores_may_be_open(void **state)
{
    struct store *first = open_home();
    struct store *second = NULL;
    char other[PATH_LEN + 32];

    (void)state;
    (void)snprintf(other, sizeof(other), "%s/other", root);
    assert_int_equal(store_open(&second, other, &options), OK);
    put_text(first, "a", "1");
    put_text(second, "a", "2");
    expect_text(first, "a", "1");
    expect_text(second, "a", "2");
    store_close(first);
    put_text(second, "b", "3");
    store_close(second);
}

static void a_forked_child_cannot_use_the_store(void **state)
{
    struct store *s = open_home();
    struct store_txn *t = write_to(s);
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(store_put(t, 0, text("a"), text("1")), OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_txn *mine;
        struct store_usage usage;

        restore_signals();
        if (store_begin_write(s, &mine) != ERR_INTERNAL || store_begin_read(s, &mine) != ERR_INTERNAL ||
            store_commit(t) != ERR_INTERNAL || store_usage(s, &usage) != ERR_INTERNAL)
            _exit(1);
        store_maintain(s);
        store_abort(t);
        store_close(s);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(store_commit(t), OK);
    expect_text(s, "a", "1");
    store_close(s);
}

static void a_started_program_does_not_inherit_the_data(void **state)
{
    struct store *s = open_home();
    DIR *fds = opendir("/proc/self/fd");
    unsigned seen = 0;

    (void)state;
    assert_non_null(fds);
    for (const struct dirent *e = readdir(fds); e != NULL; e = readdir(fds)) {
        char path[PATH_LEN];
        ssize_t n = readlinkat(dirfd(fds), e->d_name, path, sizeof(path) - 1);

        if (n < 4 || memcmp(path + n - 4, ".mdb", 4) != 0)
            continue;
        seen++;
        assert_int_equal(fcntl((int)strtol(e->d_name, NULL, 10), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
    assert_true(seen >= 2);
    (void)closedir(fds);
    store_close(s);
}

static void a_later_program_adds_its_tables_to_an_older_store(void **state)
{
    static const char *const more[] = {"second", "third", "first", NULL};
    const struct store_options later = {.tables = more};
    struct store *s = open_home();
    struct store_txn *t;
    struct bytes value;

    (void)state;
    put_text(s, "a", "1");
    store_close(s);
    s = open_with(&later);
    t = write_to(s);
    assert_int_equal(store_get(t, 2, text("a"), &value), OK);
    assert_int_equal(store_count(t, 1), 0);
    assert_int_equal(store_put(t, 1, text("b"), text("2")), OK);
    assert_int_equal(store_commit(t), OK);
    store_close(s);
    s = open_home();
    expect_text(s, "a", "1");
    store_close(s);
}

static void too_many_tables_or_too_large_a_map_are_refused(void **state)
{
    const char *names[STORE_MAX_TABLES + 2] = {NULL};
    struct store_options many = {.tables = names};
    struct store *s = NULL;

    (void)state;
    for (unsigned i = 0; i <= STORE_MAX_TABLES; i++)
        names[i] = "table";
    assert_int_equal(store_open(&s, home, &many), ERR_INTERNAL);
    names[1] = NULL;
    many.map_size = UINT64_MAX / 2;
    assert_int_equal(store_open(&s, home, &many), ERR_LIMIT);
    assert_int_not_equal(access(home, F_OK), 0);
    assert_null(s);
}

static void a_forked_child_may_open_its_own(void **state)
{
    struct store *s = open_home();
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct store *mine;

        restore_signals();
        if (store_open(&mine, home, &options) != OK)
            _exit(1);
        put_text(mine, "a", "child");
        store_close(mine);
        store_close(s);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_text(s, "a", "child");
    store_close(s);
}

/* ---- Damage ---- */

static void overwrite(const char *name, const void *bytes, size_t len, off_t truncate_to)
{
    char path[PATH_LEN + 32];
    int fd;

    path_in_home(path, name);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, 0), len);
    if (truncate_to >= 0)
        assert_int_equal(ftruncate(fd, truncate_to), 0);
    assert_int_equal(close(fd), 0);
}

static off_t size_of_data(void)
{
    char path[PATH_LEN + 32];
    struct stat st;

    path_in_home(path, "data.mdb");
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void a_damaged_file_is_refused_and_left_alone(void **state)
{
    static const uint8_t garbage[16384] = {1, 2, 3};
    static const off_t lengths[] = {0, 100, 8191, 16384};
    struct store *s = NULL;

    (void)state;
    store_close(open_home());
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        overwrite("data.mdb", garbage, sizeof(garbage), lengths[i]);
        assert_int_equal(store_open(&s, home, &options), ERR_CORRUPT);
        assert_int_equal(size_of_data(), lengths[i]);
    }
    assert_null(s);
}

static void a_file_that_was_cut_is_refused_and_does_not_kill_the_process(void **state)
{
    static const uint8_t value[3000];
    struct store *s = open_home();
    struct store_txn *t = write_to(s);
    off_t whole;

    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t key[4];

        be32_put(key, i);
        assert_int_equal(store_put(t, 1, bytes_of(key, 4), bytes_of(value, sizeof(value))), OK);
    }
    assert_int_equal(store_commit(t), OK);
    store_close(s);
    s = NULL;
    whole = size_of_data();
    for (off_t cut = whole - 4096; cut > 8192; cut -= whole / 7) {
        overwrite("data.mdb", "", 0, cut);
        assert_int_equal(store_open(&s, home, &options), ERR_CORRUPT);
        assert_non_null(strstr(err_text(), "cut short"));
        assert_int_equal(size_of_data(), cut);
    }
    assert_null(s);
}

/* Pages taken and freed in one transaction are never written: the file ends before its last page, and is sound. */
static void a_file_that_ends_early_but_is_whole_is_accepted(void **state)
{
    static const uint8_t large[200000];
    struct store *s = open_home();
    struct store_txn *t;

    (void)state;
    for (int i = 0; i < 5; i++)
        put_text(s, "a", "0"); /* pages to reuse: only then LMDB takes back what was just allocated */
    t = write_to(s);
    assert_int_equal(store_put(t, 0, text("a"), text("1")), OK);
    assert_int_equal(store_put(t, 0, text("large"), bytes_of(large, sizeof(large))), OK);
    assert_int_equal(store_delete(t, 0, text("large")), OK);
    assert_int_equal(store_commit(t), OK);
    store_close(s);
    assert_true(size_of_data() < (off_t)sizeof(large));
    s = open_home();
    expect_text(s, "a", "1");
    put_text(s, "b", "2");
    store_close(s);
}

/* Writes a database of another program, or of a later one of ours. */
static void make_foreign(const char *table, uint32_t format)
{
    uint8_t number[4];
    char name[] = "format";
    MDB_val key = {6, name};
    MDB_val value = {4, number};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    be32_put(number, format);
    (void)mkdir(home, 0700);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, home, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_foreign_database_and_a_later_format_are_refused(void **state)
{
    struct store *s = NULL;

    (void)state;
    make_foreign("something", 1);
    assert_int_equal(store_open(&s, home, &options), ERR_CORRUPT);
    make_foreign(".store", 2);
    assert_int_equal(store_open(&s, home, &options), ERR_VERSION);
    assert_null(s);
    make_foreign(".store", 1);
    assert_int_equal(store_open(&s, home, &options), ERR_CORRUPT); /* nobody gave the name "something" */
}

/* By LMDB alone: what a flipped bit in a table's name makes of a store. */
static void misname(const char *table, const char *name)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, home, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
    assert_int_equal(mdb_dbi_open(txn, name, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_table_whose_name_was_damaged_is_not_made_anew(void **state)
{
    struct store *s = open_home();

    (void)state;
    put_text(s, "a", "1");
    store_close(s);
    misname("first", "girst");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_open(&s, home, &options), ERR_CORRUPT);
        assert_non_null(strstr(err_text(), "damaged"));
    }
}

static void leftovers_of_a_creation_that_was_cut_off_are_swept_away(void **state)
{
    char path[PATH_LEN + 32];

    (void)state;
    assert_int_equal(mkdir(home, 0700), 0);
    path_in_home(path, "new");
    assert_int_equal(mkdir(path, 0700), 0);
    overwrite("new/data.mdb", "half", 4, -1);
    overwrite("new/lock.mdb", "half", 4, -1);
    store_close(open_home());
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_was_committed_is_there_after_reopening),
        STORE_TEST(a_store_that_must_exist_is_not_created),
        STORE_TEST(a_folder_that_cannot_be_made_is_named),
        STORE_TEST(the_folder_and_its_files_are_closed_to_others),
        STORE_TEST(wrong_modes_are_refused),
        STORE_TEST(a_link_in_place_of_the_data_is_refused),
        STORE_TEST(a_second_open_in_one_process_is_refused_by_any_path),
        STORE_TEST(two_different_stores_may_be_open),
        STORE_TEST(a_forked_child_cannot_use_the_store),
        STORE_TEST(a_started_program_does_not_inherit_the_data),
        STORE_TEST(a_later_program_adds_its_tables_to_an_older_store),
        STORE_TEST(too_many_tables_or_too_large_a_map_are_refused),
        STORE_TEST(a_forked_child_may_open_its_own),
        STORE_TEST(a_damaged_file_is_refused_and_left_alone),
        STORE_TEST(a_file_that_was_cut_is_refused_and_does_not_kill_the_process),
        STORE_TEST(a_file_that_ends_early_but_is_whole_is_accepted),
        STORE_TEST(a_foreign_database_and_a_later_format_are_refused),
        STORE_TEST(a_table_whose_name_was_damaged_is_not_made_anew),
        STORE_TEST(leftovers_of_a_creation_that_was_cut_off_are_swept_away),
    };

    start_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
