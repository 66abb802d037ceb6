/* test_stick_errors.c: a stick that is full, broken or pulled out at any moment of `bundle write`, and of the copy of
 * the computer beside it.  Holds invariants 2 (nothing lost), 4 (all or nothing) and 9 (explained) of design section 3:
 * whatever happens, nothing half has a name that anybody would take, what was there before is as it was, somebody is
 * told why, and the next stick holds everything. */
#include "tests/fault/fail_io.h"
#include "tests/unit/agent_fixture.h"

#include "agent/self_copy.h"
#include "agent/stick.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MOMENTS_MAX 2000u

/* ---- a medium that does not give back what was written to it ---- */

static bool is_broken; /* a byte in the middle turns over before it is read back */

static void spoil(int fd)
{
    struct stat st;
    uint8_t byte = 0;

    if (fstat(fd, &st) != 0 || pread(fd, &byte, 1, st.st_size / 2) != 1)
        abort();
    byte ^= 1;
    if (pwrite(fd, &byte, 1, st.st_size / 2) != 1)
        abort();
}

/* In front of the C library's: bundle_write.c drops the pages with it before it reads back.  (backup_read.c, too, of
 * files that it only reads: those are spoilt below.) */
int posix_fadvise(int fd, off_t from, off_t len, int advice)
{
    (void)from;
    (void)len;
    if (is_broken && advice == POSIX_FADV_DONTNEED && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR)
        spoil(fd);
    return 0;
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    size_t len = strlen(to);
    int fd;
    int done;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "rename");
    done = real(from, to);
    if (done == 0 && is_broken && len > 4 && strcmp(to + len - 4, ".new") == 0) {
        if ((fd = open(to, O_RDWR | O_CLOEXEC)) < 0)
            abort();
        spoil(fd);
        close(fd);
    }
    return done;
}

/* ---- a school and its stick ---- */

static char stick[256];

static int open_school(void **state)
{
    struct school *s;

    if (school_open(state) != 0)
        return -1;
    s = *state;
    enrol(s);
    school_path(stick, s, "stick");
    assert_int_equal(mkdir(stick, 0700), 0);
    submit_rows(s, 40);
    is_broken = false;
    return 0;
}

static int close_school(void **state)
{
    fail_io_disarm();
    fail_io_watch(NULL);
    return school_close(state);
}

static size_t files_on_stick(const char *ending)
{
    DIR *d = opendir(stick);
    struct dirent *f;
    size_t count = 0;

    assert_non_null(d);
    while ((f = readdir(d)) != NULL) {
        size_t len = strlen(f->d_name);

        count += f->d_name[0] != '.' && len >= strlen(ending) && strcmp(f->d_name + len - strlen(ending), ending) == 0;
    }
    closedir(d);
    return count;
}

static void ignore_written(void *ctx, const char *path)
{
    (void)path;
    ++*(unsigned *)ctx;
}

static enum err write_stick(struct school *s, unsigned *written)
{
    struct stick_sent sent;
    enum err e;

    *written = 0;
    e = stick_write(s->a, stick, ignore_written, written, &sent);
    if (e == OK)
        assert_int_equal(sent.records, 40);
    return e;
}

static void arm(unsigned kinds, enum fail_io_how how, int error, uint64_t nth)
{
    const struct fail_io_plan plan = {.kinds = kinds, .how = how, .error = error, .nth = nth, .count = UINT64_MAX / 2};

    err_set(ERR_INTERNAL, "nothing was said");
    fail_io_arm(&plan);
}

/* From the n-th write or sync on the medium says nothing but `error`, for each n, until it all goes well. */
static void fails_at_any_moment(struct school *s, int error, enum err expected, const char *words)
{
    uint64_t n;

    fail_io_watch(".part");
    for (n = 1; n < MOMENTS_MAX; n++) {
        unsigned written;
        enum err e;

        arm(FAIL_IO_ALL, FAIL_IO_ERROR, error, n);
        e = write_stick(s, &written);
        fail_io_disarm();
        if (e == OK)
            break;
        assert_int_equal(e, expected);
        if (strstr(err_text(), words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err_text(), words);
        assert_int_equal(written, 0);
        assert_int_equal(files_on_stick(""), 0);
    }
    assert_true(n > 10 && n < MOMENTS_MAX);
    assert_int_equal(files_on_stick(BUNDLE_SUFFIX), 1);
    folder_remove(stick);
    assert_int_equal(mkdir(stick, 0700), 0);
}

static void a_stick_that_is_pulled_out_leaves_nothing_half(void **state)
{
    fails_at_any_moment(*state, EIO, ERR_IO, "pulled out or is broken");
    fails_at_any_moment(*state, ENODEV, ERR_IO, "pulled out or is broken");
}

static void a_stick_that_becomes_full_leaves_nothing_half(void **state)
{
    fails_at_any_moment(*state, ENOSPC, ERR_FULL, "no room left");
    fails_at_any_moment(*state, EFBIG, ERR_FULL, "bundle.max_size");
}

static void a_stick_that_becomes_write_protected_leaves_nothing_half(void **state)
{
    fails_at_any_moment(*state, EROFS, ERR_DENIED, "write-protected");
}

/* A write that is cut short is gone on with, or the medium is called broken; never is the file called good. */
static void short_writes_make_a_whole_file_or_none(void **state)
{
    struct school *s = *state;
    unsigned whole = 0;
    unsigned written;

    fail_io_watch(".part");
    for (uint64_t n = 1; n < 12; n++) {
        const struct fail_io_plan plan = {.kinds = FAIL_IO_WRITE, .how = FAIL_IO_SHORT, .nth = n};
        enum err e;

        fail_io_arm(&plan);
        e = write_stick(s, &written);
        fail_io_disarm();
        assert_int_equal(written, e == OK ? 1 : 0);
        whole += written;
        assert_int_equal(files_on_stick(""), whole);
    }
    assert_true(whole > 5);
    arm(FAIL_IO_WRITE, FAIL_IO_SHORT, 0, 1); /* in the end not a byte more */
    assert_int_equal(write_stick(s, &written), ERR_IO);
    fail_io_disarm();
    assert_int_equal(files_on_stick(""), whole);
}

/* Killed, or without power: the half file stays until the next one is written there; those of others are left alone. */
static void a_half_file_of_a_killed_run_goes_with_the_next_one(void **state)
{
    /* Of schools whose ids begin otherwise, and as this one's; and what only looks like ours. */
    static const char *const others[] = {"svodka-ms-20201122-1.svodka.part", "svodka-gp-2-20201122-1.svodka.part",
                                         "svodka-gp-20201122-20201122-1.svodka.part", "svodka-gp-letter.svodka.part",
                                         "svodka-gp-20201122-.svodka.part"};
    struct school *s = *state;
    char path[300];
    unsigned written;
    int status;
    pid_t child;

    assert_string_equal(s->a->grant->participant, "gp");
    for (size_t i = 0; i < (sizeof(others) / sizeof(others[0])); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", stick, others[i]);
        assert_int_equal(cli_write_file(path, "another school's", 16, 0600, false), OK);
    }
    agent_close(s->a); /* the child opens it, and dies with it */
    s->a = NULL;
    assert_true((child = fork()) >= 0);
    if (child == 0) {
        const struct fail_io_plan plan = {.kinds = FAIL_IO_SYNC, .how = FAIL_IO_KILL, .nth = 2};
        struct stick_sent sent;
        struct agent *a = NULL;

        if (agent_open(&a, s->home) == OK) {
            fail_io_watch(".part");
            fail_io_arm(&plan);
            (void)!stick_write(a, stick, ignore_written, &written, &sent);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(files_on_stick(".part"), (sizeof(others) / sizeof(others[0])) + 1);
    assert_int_equal(agent_open(&s->a, s->home), OK);
    assert_int_equal(write_stick(s, &written), OK);
    assert_int_equal(files_on_stick(".part"), (sizeof(others) / sizeof(others[0])));
    assert_int_equal(files_on_stick(BUNDLE_SUFFIX), 1);
}

static void a_stick_that_does_not_give_back_what_was_written_is_called_broken(void **state)
{
    struct school *s = *state;
    unsigned written;

    is_broken = true;
    assert_int_equal(write_stick(s, &written), ERR_CORRUPT);
    is_broken = false;
    assert_non_null(strstr(err_text(), "does not give back"));
    assert_int_equal(written, 0);
    assert_int_equal(files_on_stick(""), 0);
}

/* ---- the copy beside it ---- */

static void copy_opens(struct school *s, const char *path, const char *code, uint64_t waiting_then)
{
    struct agent *b = NULL;
    struct queue_status st;
    int64_t made_ms;
    char home[256];

    school_path(home, s, "restored");
    assert_int_equal(self_copy_restore(path, home, code, &made_ms), OK);
    assert_int_equal(agent_open(&b, home), OK);
    assert_int_equal(queue_status(b, &st), OK);
    assert_int_equal(st.waiting, waiting_then);
    agent_close(b);
    folder_remove(home);
}

static void an_older_copy_stays_until_the_new_one_is_read_back(void **state)
{
    static const int errors[] = {EIO, ENOSPC, EROFS};
    struct school *s = *state;
    struct self_copy_made made;
    struct self_copy_risk risk;
    char code[COPY_CODE_CHARS + 1];
    char path[300];
    uint64_t n = 1;

    (void)snprintf(path, sizeof(path), "%s/svodka-gp-00000000.copy", stick);
    assert_int_equal(self_copy_new_code(s->a, code), OK);
    assert_int_equal(self_copy_write(s->a, path, &made), OK);
    submit_rows(s, 5);
    fail_io_watch(".part");
    for (enum err e = ERR_IO; e != OK && n < MOMENTS_MAX; n++) {
        arm(FAIL_IO_ALL, FAIL_IO_ERROR, errors[n % 3], n);
        e = self_copy_write(s->a, path, &made);
        fail_io_disarm();
        if (e == OK)
            break;
        assert_true(e == ERR_IO || e == ERR_FULL);
        assert_non_null(strstr(err_text(), "cannot be written"));
        assert_int_equal(files_on_stick(""), 1);
        assert_int_equal(self_copy_risk(s->a, &risk), OK);
        assert_int_equal(risk.entries, 5); /* what was not copied is not called copied */
        if (n == 1)
            copy_opens(s, path, code, 40);
    }
    assert_true(n > 3 && n < MOMENTS_MAX);
    copy_opens(s, path, code, 45);
    submit_rows(s, 2);
    is_broken = true;
    assert_int_not_equal(self_copy_write(s->a, path, &made), OK);
    is_broken = false;
    assert_non_null(strstr(err_text(), "does not read back"));
    assert_int_equal(files_on_stick(""), 1);
    copy_opens(s, path, code, 45);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_school, close_school)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stick_that_is_pulled_out_leaves_nothing_half),
        TEST(a_stick_that_becomes_full_leaves_nothing_half),
        TEST(a_stick_that_becomes_write_protected_leaves_nothing_half),
        TEST(short_writes_make_a_whole_file_or_none),
        TEST(a_half_file_of_a_killed_run_goes_with_the_next_one),
        TEST(a_stick_that_does_not_give_back_what_was_written_is_called_broken),
        TEST(an_older_copy_stays_until_the_new_one_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
