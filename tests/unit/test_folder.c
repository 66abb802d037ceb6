/* test_folder.c: a home appears whole under its name or not at all, and what is removed is only what lies inside. */
#include "common/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* In front of the C library's: file systems through FUSE do not know the flag. */
static bool knows_no_flags;

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (knows_no_flags && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

/* ... and which folder was synchronised last. */
static ino_t synced;

int fsync(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    synced = st.st_ino;
    return (int)syscall(SYS_fsync, fd);
}

static char root[256];

static int make_root(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    (void)snprintf(root, sizeof(root), "%s/svodka-folder-XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    folder_remove(root);
    return access(root, F_OK) != 0 ? 0 : -1;
}

/* Four names can be in use at once. */
static const char *in_root(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
}

static bool is_private_folder(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700;
}

static void a_path_is_cut_nowhere(void **state)
{
    static char name[FOLDER_PATH_MAX];
    char out[FOLDER_PATH_MAX];

    (void)state;
    assert_int_equal(folder_path(out, "home", "queue"), OK);
    assert_string_equal(out, "home/queue");
    memset(name, 'x', FOLDER_PATH_MAX - 3);
    assert_int_equal(folder_path(out, "d", name), OK); /* "d/", the name, the NUL */
    assert_int_equal(strlen(out), FOLDER_PATH_MAX - 1);
    assert_int_equal(folder_path(out, "de", name), ERR_LIMIT);
    assert_int_equal(folder_make("de", name), ERR_LIMIT);
    assert_int_equal(folder_begin(out, name), ERR_IO); /* the system refuses so long a name */
}

static void a_home_appears_only_when_it_is_finished(void **state)
{
    char fresh[FOLDER_PATH_MAX];
    const char *home = in_root("home");

    (void)state;
    assert_int_equal(folder_begin(fresh, home), OK);
    assert_true(is_private_folder(fresh));
    assert_int_equal(access(home, F_OK), -1);
    assert_int_equal(folder_make(fresh, "run"), OK);
    assert_int_equal(folder_finish(fresh, home), OK);
    assert_int_equal(access(fresh, F_OK), -1);
    assert_true(is_private_folder(home));
    assert_true(is_private_folder(in_root("home/run")));
}

/* Else a power loss could take it, and all that is in it. */
static void a_folder_that_was_made_keeps_its_name(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(stat(root, &st), 0);
    for (int round = 0; round < 2; round++) { /* one that is there may have been made by a program that was killed */
        synced = 0;
        assert_int_equal(folder_ensure(in_root("keys"), 0700), OK);
        assert_int_equal(synced, st.st_ino);
    }
    assert_true(is_private_folder(in_root("keys")));
    synced = 0;
    assert_int_equal(folder_make(root, "other"), OK);
    assert_int_equal(synced, st.st_ino);
    make_file(in_root("file"));
    assert_int_equal(folder_ensure(in_root("file/keys"), 0700), ERR_IO);
}

static void an_empty_folder_may_become_a_home(void **state)
{
    char fresh[FOLDER_PATH_MAX];
    const char *home = in_root("home");

    (void)state;
    assert_int_equal(folder_make(root, "home"), OK);
    assert_int_equal(folder_begin(fresh, in_root("home//")), OK);
    assert_memory_equal(fresh, home, strlen(home));
    assert_memory_equal(fresh + strlen(home), ".new-", 5); /* beside it, not inside */
    make_file(in_root("home/late"));                       /* another program was quicker */
    assert_int_equal(folder_finish(fresh, home), ERR_IO);
    assert_true(is_private_folder(fresh));
    assert_int_equal(unlink(in_root("home/late")), 0);
    assert_int_equal(folder_finish(fresh, home), OK);
}

static void a_folder_in_use_is_left_alone(void **state)
{
    char fresh[FOLDER_PATH_MAX];

    (void)state;
    assert_int_equal(folder_make(root, "used"), OK);
    make_file(in_root("used/.hidden"));
    assert_int_equal(folder_begin(fresh, in_root("used")), ERR_EXISTS);
    assert_non_null(strstr(err_text(), "not empty"));
    assert_int_equal(access(in_root("used/.hidden"), F_OK), 0);
    make_file(in_root("file"));
    assert_int_equal(folder_begin(fresh, in_root("file")), ERR_IO);
    assert_int_equal(folder_begin(fresh, in_root("absent/home")), ERR_IO);
    assert_int_equal(folder_make(root, "used"), ERR_IO);
    assert_non_null(strstr(err_text(), strerror(EEXIST)));
}

static void a_home_may_have_a_name_without_folders(void **state)
{
    char fresh[FOLDER_PATH_MAX];
    int back = open(".", O_RDONLY | O_DIRECTORY);

    (void)state;
    assert_true(back >= 0);
    assert_int_equal(chdir(root), 0);
    assert_int_equal(folder_begin(fresh, "home"), OK);
    assert_int_equal(folder_finish(fresh, "home"), OK);
    assert_int_equal(fchdir(back), 0);
    (void)close(back);
    assert_true(is_private_folder(in_root("home")));
}

static void the_folder_of_a_path_is_synchronised_and_a_missing_one_is_named(void **state)
{
    int back = open(".", O_RDONLY | O_DIRECTORY);

    (void)state;
    assert_true(back >= 0);
    assert_int_equal(folder_sync_of(in_root("whatever")), OK);
    assert_int_equal(folder_sync_of("/whatever"), OK);
    assert_int_equal(chdir(root), 0);
    assert_int_equal(folder_sync_of("whatever"), OK);
    assert_int_equal(fchdir(back), 0);
    (void)close(back);
    assert_int_equal(folder_sync_of(in_root("absent/whatever")), ERR_IO);
    assert_non_null(strstr(err_text(), "absent"));
}

static void removing_does_not_follow_links_out_of_the_folder(void **state)
{
    (void)state;
    assert_int_equal(folder_make(root, "outside"), OK);
    make_file(in_root("outside/keep"));
    assert_int_equal(folder_make(root, "inside"), OK);
    assert_int_equal(folder_make(in_root("inside"), "deep"), OK);
    make_file(in_root("inside/deep/file"));
    assert_int_equal(symlink(in_root("outside"), in_root("inside/link")), 0);
    folder_remove(in_root("inside"));
    assert_int_equal(access(in_root("inside"), F_OK), -1);
    assert_int_equal(access(in_root("outside/keep"), F_OK), 0);
    folder_remove(in_root("inside")); /* nothing is there: nothing happens */
}

/* Both kinds of file systems, the one that promises it and the one that does not. */
static void a_file_gets_its_name_and_replaces_another_only_when_it_may(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        knows_no_flags = i != 0;
        make_file(in_root("a"));
        assert_int_equal(folder_rename(in_root("a"), in_root("b"), false), 0);
        make_file(in_root("a"));
        errno = 0;
        assert_int_equal(folder_rename(in_root("a"), in_root("b"), false), -1);
        assert_int_equal(errno, EEXIST);
        assert_int_equal(symlink("nowhere", in_root("link")), 0);
        assert_int_equal(folder_rename(in_root("a"), in_root("link"), false), -1);
        assert_int_equal(errno, EEXIST);
        assert_int_equal(access(in_root("a"), F_OK), 0);
        assert_int_equal(folder_rename(in_root("a"), in_root("b"), true), 0);
        assert_int_equal(access(in_root("a"), F_OK), -1);
        assert_int_equal(folder_rename(in_root("a"), in_root("c"), false), -1);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(unlink(in_root("b")) + unlink(in_root("link")), 0);
    }
    knows_no_flags = false;
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_cut_nowhere),
        IN_ROOT(a_home_appears_only_when_it_is_finished),
        IN_ROOT(a_folder_that_was_made_keeps_its_name),
        IN_ROOT(an_empty_folder_may_become_a_home),
        IN_ROOT(a_folder_in_use_is_left_alone),
        IN_ROOT(a_home_may_have_a_name_without_folders),
        IN_ROOT(removing_does_not_follow_links_out_of_the_folder),
        IN_ROOT(a_file_gets_its_name_and_replaces_another_only_when_it_may),
        IN_ROOT(the_folder_of_a_path_is_synchronised_and_a_missing_one_is_named),
    };

    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
