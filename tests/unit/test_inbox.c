/* What people and mail programs save into the hub's inbox: invariants 2 (nothing lost), 3 (counted once), 8 (bounded),
 * 9 (explained).  The clock stands still between two steps; nothing sleeps. */
#include "carry_fixture.h"

#include "hub/inbox_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define BATCHES 3u

struct mailbox {
    struct world w;
    struct inbox *in;
    int64_t now_ms;
    struct sealed batches[BATCHES];
    uint8_t *file; /* a good one, of three batches */
    size_t len;
};

static void make_good_file(struct mailbox *m)
{
    const struct sealed *in[BATCHES];
    char path[256];

    for (size_t i = 0; i < BATCHES; i++) {
        struct sub x;

        x = grade(i + 1, i == 0 ? "p0" : i == 1 ? "p1" : "p2", (int64_t)i + 5);
        seal_array(&m->w, &x, 1, i + 1, i == 0 ? NULL : m->batches[i - 1].digest, &m->batches[i]);
        in[i] = &m->batches[i];
    }
    write_carried(&m->w, in, BATCHES, "good.svodka");
    carried_path(&m->w, "good.svodka", path);
    MUST(cli_read_file(path, 1 << 20, (void **)&m->file, &m->len));
}

static int open_mailbox(void **state)
{
    struct mailbox *m = calloc(1, sizeof(*m));

    assert_non_null(m);
    world_open(&m->w);
    mark_enrolled(&m->w);
    make_good_file(m);
    m->now_ms = 1000000;
    clock_test_set_mono(m->now_ms);
    m->w.hub->conf.inbox = "inbox"; /* in the hub's home */
    MUST(inbox_open(&m->in, m->w.hub, &quiet_host));
    assert_true(inbox_fd(m->in) >= 0);
    *state = m;
    return 0;
}

static int close_mailbox(void **state)
{
    struct mailbox *m = *state;

    inbox_close(m->in);
    for (size_t i = 0; i < BATCHES; i++)
        buf_fini(&m->batches[i].bytes);
    free(m->file);
    m->w.hub->conf.inbox = NULL;
    world_close(&m->w);
    free(m);
    return 0;
}

/* The core's turns during so many milliseconds: what the kernel tells, and every step when its time has come. */
static void pass(struct mailbox *m, int64_t ms)
{
    int64_t until = m->now_ms + ms;

    for (unsigned turns = 0; turns < 10000; turns++) {
        inbox_notice(m->in);
        while (inbox_next_ms(m->in) <= m->now_ms && turns++ < 10000)
            inbox_step(m->in);
        if (inbox_next_ms(m->in) > until) {
            m->now_ms = until;
            clock_test_set_mono(m->now_ms);
            return;
        }
        m->now_ms = inbox_next_ms(m->in);
        clock_test_set_mono(m->now_ms);
    }
    fail_msg("the inbox is busy without end");
}

static const char *inside(const struct mailbox *m, const char *name)
{
    static char paths[4][FOLDER_PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    MUST(folder_path(path, m->in->dir, name));
    return path;
}

static bool is_there(const struct mailbox *m, const char *name)
{
    struct stat st;

    return lstat(inside(m, name), &st) == 0;
}

/* A writer that has the file open. */
static int begin_file(const struct mailbox *m, const char *name)
{
    int fd = open(inside(m, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    return fd;
}

static void write_more(int fd, const void *bytes, size_t len)
{
    assert_int_equal(write(fd, bytes, len), len);
}

static void save(const struct mailbox *m, const char *name, const void *bytes, size_t len)
{
    int fd = begin_file(m, name);

    write_more(fd, bytes, len);
    assert_int_equal(close(fd), 0);
}

static size_t files_in(const struct mailbox *m, const char *folder)
{
    DIR *d = opendir(inside(m, folder));
    struct dirent *f;
    size_t count = 0;

    assert_non_null(d);
    while ((f = readdir(d)) != NULL)
        count += f->d_name[0] != '.';
    closedir(d);
    return count;
}

static void said_of(const struct mailbox *m, const char *note, const char *words)
{
    void *text;
    size_t len;

    MUST(cli_read_file(inside(m, note), 1 << 16, &text, &len));
    if (memmem(text, len, words, strlen(words)) == NULL)
        fail_msg("%s does not say \"%s\": %.*s", note, words, (int)len, (char *)text);
    free(text);
}

static void each_counts_once(struct mailbox *m, uint64_t pupils)
{
    assert_int_equal(rows_of(&m->w, H_CURRENT), pupils);
    assert_int_equal(verify_bad(&m->w), 0);
}

/* ---- half files ---- */

static void a_file_that_comes_slowly_is_not_called_broken(void **state)
{
    struct mailbox *m = *state;
    size_t third = m->len / 3;
    int fd = begin_file(m, "slow.svodka");

    pass(m, 3000); /* empty */
    for (unsigned i = 0; i < 3; i++) {
        write_more(fd, m->file + i * third, i < 2 ? third : m->len - 2 * third);
        for (unsigned k = 0; i < 2 && k < 5; k++) { /* the line stands still, for up to 50 s */
            pass(m, 10000);
            assert_true(is_there(m, "slow.svodka"));
            assert_int_equal(files_in(m, "bad"), 0);
            assert_int_equal(files_in(m, "answers"), 0); /* nor is anybody told of a half */
        }
    }
    close(fd);
    pass(m, 10);
    assert_true(is_there(m, "done/slow.svodka"));
    assert_int_equal(files_in(m, "bad"), 0);
    assert_int_equal(files_in(m, "answers"), 1);
    each_counts_once(m, BATCHES);
}

static void a_file_that_is_written_in_several_goes_is_taken_whole(void **state)
{
    struct mailbox *m = *state;
    size_t third = m->len / 3;

    for (unsigned i = 0; i < 3; i++) { /* closed each time, as some mail programs do */
        save(m, "goes.svodka", m->file + i * third, i < 2 ? third : m->len - 2 * third);
        pass(m, 1000);
    }
    pass(m, 5000);
    assert_true(is_there(m, "done/goes.svodka"));
    assert_int_equal(files_in(m, "bad"), 0);
    each_counts_once(m, BATCHES);
}

static void half_a_file_is_called_broken_after_a_while(void **state)
{
    struct mailbox *m = *state;
    int fd;

    save(m, "half.svodka", m->file, m->len / 2);
    fd = begin_file(m, "stuck.svodka"); /* its writer hangs */
    write_more(fd, m->file, m->len / 2);
    pass(m, 4000);
    assert_int_equal(files_in(m, "bad"), 0);
    pass(m, 2000);
    assert_true(is_there(m, "bad/half.svodka"));
    said_of(m, "bad/half.svodka.txt", "cut off");
    assert_true(is_there(m, "stuck.svodka"));
    pass(m, 60000);
    assert_true(is_there(m, "bad/stuck.svodka"));
    close(fd);
    save(m, "again.svodka", m->file, m->len);
    pass(m, 1000);
    assert_true(is_there(m, "done/again.svodka"));
    each_counts_once(m, BATCHES);
}

static void another_programs_half_file_is_left_alone(void **state)
{
    static const char *const names[] = {"a.svodka.part", "b.crdownload", ".c.svodka", "~d.tmp", "e.svodka~"};
    struct mailbox *m = *state;

    for (size_t i = 0; i < COUNT(names); i++)
        save(m, names[i], m->file, m->len);
    pass(m, 200000);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_true(is_there(m, names[i]));
    assert_int_equal(rename(inside(m, names[0]), inside(m, "a.svodka")), 0);
    pass(m, 100);
    assert_true(is_there(m, "done/a.svodka"));
    each_counts_once(m, BATCHES);
}

/* ---- names ---- */

static void a_file_may_have_any_name(void **state)
{
    static const char *const names[] = {"отчёт школы (1).svodka",
                                        "svodka-gp-20201122-3.svodka.dat",
                                        "REPORT.SVD",
                                        "без расширения",
                                        " ",
                                        "50%s%n of all.svodka",
                                        "-rf"};
    struct mailbox *m = *state;
    char longest[256] = "";
    char name[64];

    for (size_t i = 0; i < COUNT(names); i++)
        save(m, names[i], m->file, m->len);
    for (size_t i = 0; i < 127; i++)
        strcat(longest, "ы");
    save(m, longest, m->file, m->len);
    save(m, "line\nbreak\x1b[31m", m->file, m->len);
    save(m, "\xc0\xc1 no text", m->file, m->len);
    pass(m, 1000);
    assert_int_equal(files_in(m, "done"), COUNT(names) + 3);
    for (size_t i = 0; i < COUNT(names); i++) {
        (void)snprintf(name, sizeof(name), "done/%s", names[i]);
        assert_true(is_there(m, name));
    }
    assert_true(is_there(m, "done/line_break_[31m"));
    save(m, "REPORT.SVD", m->file, m->len);
    pass(m, 1000);
    assert_true(is_there(m, "done/2-REPORT.SVD")); /* nothing is overwritten */
    each_counts_once(m, BATCHES);
}

static void a_long_name_is_cut_between_two_letters(void **state)
{
    static const char *const letters[] = {"ы", "№", "😀", "a"};
    char name[INBOX_NAME];
    char clean[INBOX_NAME];

    (void)state;
    for (size_t i = 0; i < COUNT(letters); i++)
        for (size_t before = 0; before < 8; before++) {
            size_t n = before;

            memset(name, 'x', before);
            for (; n + 4 < sizeof(name); n += strlen(letters[i]))
                memcpy(name + n, letters[i], strlen(letters[i]));
            name[n] = '\0';
            inbox_clean_name(clean, name);
            assert_true(strlen(clean) > 196 && strlen(clean) <= 200);
            assert_memory_equal(clean, name, strlen(clean));
            assert_int_equal((strlen(clean) - before) % strlen(letters[i]), 0);
        }
    inbox_clean_name(clean, "../../etc/passwd");
    assert_string_equal(clean, "_._.._etc_passwd");
}

/* ---- what is no file of a school ---- */

static void a_packed_attachment_is_told_to_be_unpacked(void **state)
{
    static const char zip[] = "PK\003\004\024\0\0\0\010\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\010\0\0\0a.svodka....";
    static const char workbook[] = "PK\003\004\024\0\0\0\010\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\023\0\0\0"
                                   "[Content_Types].xml....";
    struct mailbox *m = *state;

    save(m, "svodka-gp-20201122-3.svodka.zip", zip, sizeof(zip));
    save(m, "a.rar", "Rar!\032\007\001", 7);
    save(m, "a.7z", "7z\274\257\047\034\0\4", 8);
    save(m, "a.gz", "\037\213\010\0\0\0\0\0", 8);
    save(m, "a.xlsx", workbook, sizeof(workbook));
    pass(m, 7000);
    said_of(m, "bad/svodka-gp-20201122-3.svodka.zip.txt", "unpack it");
    said_of(m, "bad/a.rar.txt", "unpack it");
    said_of(m, "bad/a.7z.txt", "unpack it");
    said_of(m, "bad/a.gz.txt", "unpack it");
    said_of(m, "bad/a.xlsx.txt", "this is not a file of Svodka");
    each_counts_once(m, 0);
}

static void a_huge_file_is_put_aside_without_being_read(void **state)
{
    struct mailbox *m = *state;
    struct stat st;

    save(m, "huge.svodka", m->file, m->len);
    assert_int_equal(truncate(inside(m, "huge.svodka"), (off_t)10 << 30), 0);
    save(m, "b.svodka", m->file, m->len);
    pass(m, 3000);
    said_of(m, "bad/huge.svodka.txt", "bundle.max_size");
    assert_int_equal(stat(inside(m, "bad/huge.svodka"), &st), 0);
    assert_true(st.st_size == (off_t)10 << 30 && st.st_blocks < 2048); /* not copied either */
    assert_true(is_there(m, "done/b.svodka"));
    each_counts_once(m, BATCHES);
}

/* Nothing of these is opened, followed or waited for. */
static void links_pipes_sockets_and_folders_hold_nothing_up(void **state)
{
    struct mailbox *m = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char good[256];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    carried_path(&m->w, "good.svodka", good);
    assert_int_equal(symlink(good, inside(m, "link.svodka")), 0);
    assert_int_equal(symlink("/dev/zero", inside(m, "zero.svodka")), 0);
    assert_int_equal(symlink("nowhere", inside(m, "dangling.svodka")), 0);
    assert_int_equal(symlink("/", inside(m, "root.svodka")), 0);
    assert_int_equal(mkfifo(inside(m, "pipe.svodka"), 0600), 0);
    assert_int_equal(mkdir(inside(m, "folder.svodka"), 0700), 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", inside(m, "s.svodka"));
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    save(m, "z.svodka", m->file, m->len); /* behind all of them */
    pass(m, 3000);
    assert_true(is_there(m, "done/z.svodka"));
    said_of(m, "bad/link.svodka.txt", "link to another file");
    said_of(m, "bad/zero.svodka.txt", "link to another file");
    said_of(m, "bad/dangling.svodka.txt", "link to another file");
    said_of(m, "bad/root.svodka.txt", "link to another file");
    said_of(m, "bad/pipe.svodka.txt", "a device or a pipe");
    said_of(m, "bad/s.svodka.txt", "a device or a pipe");
    assert_true(is_there(m, "folder.svodka"));
    assert_int_equal(access(good, R_OK), 0); /* what the link names was not moved */
    close(fd);
    each_counts_once(m, BATCHES);
}

/* Root reads everything, but for the time without these two rights. */
static void drop_rights(bool may_read_all)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    uint32_t bits = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;

    assert_int_equal(syscall(SYS_capget, &head, data), 0);
    data[0].effective = may_read_all ? data[0].effective | (data[0].permitted & bits) : data[0].effective & ~bits;
    assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

static void a_file_without_rights_is_told_and_can_be_put_there_again(void **state)
{
    struct mailbox *m = *state;

    save(m, "secret.svodka", m->file, m->len);
    assert_int_equal(chmod(inside(m, "secret.svodka"), 0), 0);
    drop_rights(false);
    pass(m, 1000); /* perhaps its writer gives the rights in a moment */
    assert_int_equal(files_in(m, "bad"), 0);
    pass(m, 6000);
    drop_rights(true);
    said_of(m, "bad/secret.svodka.txt", "may not read the file");
    assert_int_equal(chmod(inside(m, "bad/secret.svodka"), 0644), 0);
    assert_int_equal(rename(inside(m, "bad/secret.svodka"), inside(m, "secret.svodka")), 0);
    pass(m, 1000);
    assert_true(is_there(m, "done/secret.svodka"));
    each_counts_once(m, BATCHES);
}

static void files_that_cannot_be_moved_away_do_not_keep_out_the_others(void **state)
{
    struct mailbox *m = *state;
    char name[32];

    assert_int_equal(rmdir(inside(m, "bad")), 0);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "a%03u.svodka", i);
        save(m, name, "junk", 4);
    }
    pass(m, 10000);
    save(m, "z.svodka", m->file, m->len);
    pass(m, 3000);
    assert_true(is_there(m, "done/z.svodka"));
    assert_true(is_there(m, "a000.svodka"));
    each_counts_once(m, BATCHES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_mailbox, close_mailbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_comes_slowly_is_not_called_broken),
        TEST(a_file_that_is_written_in_several_goes_is_taken_whole),
        TEST(half_a_file_is_called_broken_after_a_while),
        TEST(another_programs_half_file_is_left_alone),
        TEST(a_file_may_have_any_name),
        cmocka_unit_test(a_long_name_is_cut_between_two_letters),
        TEST(a_packed_attachment_is_told_to_be_unpacked),
        TEST(a_huge_file_is_put_aside_without_being_read),
        TEST(links_pipes_sockets_and_folders_hold_nothing_up),
        TEST(a_file_without_rights_is_told_and_can_be_put_there_again),
        TEST(files_that_cannot_be_moved_away_do_not_keep_out_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
