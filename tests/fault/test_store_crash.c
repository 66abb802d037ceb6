/* test_store_crash.c: power loss, and kill -9 in the middle of a write.
 * Holds invariants 1 (durable) and 4 (all or nothing) of design section 3.
 * SVODKA_TEST_SEED repeats a run; SVODKA_CRASH_STATES sets how many power losses are tried. */
#include "tests/fault/store_model.h"

#include <fcntl.h>
#include <sys/stat.h>

#define STEPS 70u

/* ---- Power loss ---- */

/* The models after each commit, and the moment of the recording at which it was acknowledged. */
struct history {
    struct model after[STEPS + 1];
    size_t moment[STEPS + 1];
};

static struct history *record_history(void)
{
    struct history *h = calloc(1, sizeof(*h));
    struct store *s = open_home();
    uint32_t stamp = 0;

    assert_non_null(h);
    fail_io_record(data_path);
    for (unsigned i = 1; i <= STEPS; i++) {
        h->after[i] = h->after[i - 1];
        assert_int_equal(change(s, &h->after[i], &stamp), OK);
        expect_holds(s, &h->after[i]);
        h->moment[i] = fail_io_moment();
    }
    fail_io_record_end();
    store_close(s);
    return h;
}

static void write_disk(const char *path, const struct fail_io_disk *d)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, d->bytes, d->len), d->len);
    assert_int_equal(close(fd), 0);
}

/* True when `dir` holds all that was acknowledged by `moment` and nothing half: the state after the last acknowledged
 * commit, or the one under way, whole. */
static bool is_sound(const char *dir, const struct history *h, size_t moment)
{
    struct store_options must = options;
    struct store *s = NULL;
    struct model found;
    unsigned acked = 0;
    bool is_whole;

    while (acked < STEPS && h->moment[acked + 1] <= moment)
        acked++;
    must.must_exist = true;
    if (store_open(&s, dir, &must) != OK)
        return false;
    is_whole = read_all(s, &found);
    store_close(s);
    return is_whole && (memcmp(&found, &h->after[acked], sizeof(found)) == 0 ||
                        (acked < STEPS && memcmp(&found, &h->after[acked + 1], sizeof(found)) == 0));
}

/* In a child, since LMDB may abort on what it finds: a byte for each state, 1 = sound. */
static void try_states(const struct history *h, unsigned first, unsigned states, bool ignore_syncs, int results)
{
    char dir[PATH_LEN + 16];
    char path[PATH_LEN + 32];
    size_t moments = fail_io_moment();

    restore_signals();
    if (ignore_syncs && freopen("/dev/null", "w", stderr) == NULL)
        _exit(1);
    (void)snprintf(dir, sizeof(dir), "%s/after", root);
    (void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
    for (unsigned i = first; i < states; i++) {
        struct fail_io_disk d;
        uint8_t sound;
        size_t moment;

        state_of_random = (seed + i) * 6364136223846793005u | 1; /* each state can be made again alone */
        for (int warm = 0; warm < 8; warm++)
            (void)random_u32();
        moment = random_u32() % (moments + 1);
        d = fail_io_power_loss(moment, random_u32, ignore_syncs);
        write_disk(path, &d);
        free(d.bytes);
        sound = is_sound(dir, h, moment);
        if (!sound && !ignore_syncs)
            print_error("unsound: state %u, moment %zu: %s\n", i, moment, err_text());
        if (write(results, &sound, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

/* Returns how many of `states` power losses left something unsound. */
static unsigned lose_power(const struct history *h, unsigned states, bool ignore_syncs)
{
    char dir[PATH_LEN + 16];
    unsigned unsound = 0;
    unsigned done = 0;

    (void)snprintf(dir, sizeof(dir), "%s/after", root);
    assert_int_equal(mkdir(dir, 0700), 0);
    while (done < states) {
        int ends[2];
        uint8_t sound;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            try_states(h, done, states, ignore_syncs, ends[1]);
        (void)close(ends[1]);
        for (; read(ends[0], &sound, 1) == 1; done++)
            unsound += !sound;
        (void)close(ends[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (done < states) { /* it died of this one */
            unsound++;
            done++;
        }
    }
    folder_remove(dir);
    return unsound;
}

static void power_loss_keeps_acknowledged_commits_and_nothing_half(void **state)
{
    const char *wanted = getenv("SVODKA_CRASH_STATES");
    unsigned states = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 800;
    struct history *h;

    (void)state;
    print_message("seed %llu, %u power losses\n", (unsigned long long)seed, states);
    h = record_history();
    assert_int_equal(lose_power(h, states, false), 0);
    free(h);
}

/* Were every sync a lie, the same replays must find losses: otherwise they prove nothing. */
static void the_replay_notices_a_disk_that_does_not_sync(void **state)
{
    struct history *h = record_history();

    (void)state;
    assert_true(lose_power(h, 60, true) > 20);
    free(h);
}

/* ---- kill -9 ---- */

/* Runs `work` in a child that is killed at its n-th call to the disk; false when it got through all calls. */
static bool is_killed_at(uint64_t nth, void (*work)(int acks), int acks)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        restore_signals();
        fail_at(FAIL_IO_ALL, FAIL_IO_KILL, 0, nth, 1);
        work(acks);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void create_and_leave(int acks)
{
    struct store *s;

    (void)acks;
    if (store_open(&s, home, &options) != OK)
        _exit(1);
    store_close(s);
}

static void a_creation_killed_anywhere_leaves_all_or_nothing(void **state)
{
    const struct model empty = {0};
    struct store *s;
    uint64_t nth = 1;

    (void)state;
    fail_io_watch(NULL); /* the lock file and the folders too */
    for (;; nth++) {
        bool killed = is_killed_at(nth, create_and_leave, -1);

        if (access(data_path, F_OK) == 0) { /* what has its name is whole */
            struct store_options must = options;

            must.must_exist = true;
            assert_int_equal(store_open(&s, home, &must), OK);
            store_close(s);
        }
        s = open_home();
        expect_holds(s, &empty);
        store_close(s);
        folder_remove(home);
        if (!killed)
            break;
    }
    assert_true(nth > 6);
}

static void three_commits(int acks)
{
    struct store *s;
    struct model m = {0};
    uint32_t stamp = 0;

    if (store_open(&s, home, &options) != OK || !read_all(s, &m))
        _exit(1);
    for (uint8_t i = 0; i < 3; i++)
        if (change(s, &m, &stamp) != OK || write(acks, &i, 1) != 1)
            _exit(2);
    store_close(s);
}

static void a_writer_killed_at_any_write_keeps_its_acknowledged_commits(void **state)
{
    struct model expected[4] = {0};
    uint32_t stamp = 0;
    uint64_t random_before = state_of_random;
    struct store *s = open_home();
    bool killed = true;

    (void)state;
    for (int i = 1; i < 4; i++) { /* what the child will do, since it draws the same numbers */
        expected[i] = expected[i - 1];
        assert_int_equal(change(s, &expected[i], &stamp), OK);
    }
    store_close(s);
    for (uint64_t nth = 1; killed; nth++) {
        uint8_t acks[8];
        struct model found;
        int pipe_ends[2];
        ssize_t acked;

        folder_remove(home);
        store_close(open_home());
        assert_int_equal(pipe(pipe_ends), 0);
        state_of_random = random_before;
        killed = is_killed_at(nth, three_commits, pipe_ends[1]);
        (void)close(pipe_ends[1]);
        acked = read(pipe_ends[0], acks, sizeof(acks));
        (void)close(pipe_ends[0]);
        assert_in_range(acked, 0, 3);
        s = open_home();
        assert_true(read_all(s, &found));
        if (memcmp(&found, &expected[acked], sizeof(found)) != 0)
            assert_memory_equal(&found, &expected[acked + 1 < 4 ? acked + 1 : 3], sizeof(found));
        store_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(power_loss_keeps_acknowledged_commits_and_nothing_half),
        FAULT_TEST(the_replay_notices_a_disk_that_does_not_sync),
        FAULT_TEST(a_creation_killed_anywhere_leaves_all_or_nothing),
        FAULT_TEST(a_writer_killed_at_any_write_keeps_its_acknowledged_commits),
    };

    start_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
