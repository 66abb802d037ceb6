#include "common/clock.h"
#include "common/folder.h"
#include "hub/gateway_spool.h"
#include "protocol/keys.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define MUCH (UINT64_C(64) << 20)
#define DAY  (INT64_C(86400) * 1000)
#define NOW  INT64_C(1600000000000)

/* In front of the C library's: a disk that takes what it is given in small bites. */
static size_t bite = SIZE_MAX;

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return syscall(SYS_pwrite64, fd, bytes, len < bite ? len : bite, at);
}

struct place {
    char dir[64];
    struct spool *s;
};

static int begin(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    const char *tmp = getenv("TMPDIR");

    assert_non_null(p);
    (void)snprintf(p->dir, sizeof(p->dir), "%.40s/spool-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(p->dir));
    assert_int_equal(keys_start(), OK);
    assert_int_equal(spool_open(&p->s, p->dir, MUCH, 14), OK);
    *state = p;
    return 0;
}

static int end(void **state)
{
    struct place *p = *state;

    spool_close(p->s);
    folder_remove(p->dir);
    clock_test_real();
    free(p);
    return 0;
}

static void reopen(struct place *p)
{
    spool_close(p->s);
    p->s = NULL;
    assert_int_equal(spool_open(&p->s, p->dir, MUCH, 14), OK);
}

static struct spool_key key(const char *participant, uint8_t digests[DIGEST_BYTES], uint8_t n, uint32_t total)
{
    struct spool_key k = {participant, digests, total};

    memset(digests, n, DIGEST_BYTES);
    return k;
}

static enum err append(struct place *p, const struct spool_key *k, size_t len, uint8_t fill)
{
    uint8_t *bytes = malloc(len);
    uint32_t have;
    enum err e;

    assert_non_null(bytes);
    memset(bytes, fill, len);
    e = spool_append(p->s, k, bytes_of(bytes, len), &have);
    free(bytes);
    return e;
}

static unsigned files_in(const struct place *p)
{
    char path[96];
    unsigned count = 0;
    DIR *d;

    (void)snprintf(path, sizeof(path), "%s/spool", p->dir);
    d = opendir(path);
    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count - 2;
}

static void path_of(const struct place *p, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/spool/%s", p->dir, name);
}

static void write_file(const struct place *p, const char *name, const void *bytes, size_t len)
{
    char path[256];
    FILE *f;

    path_of(p, name, path);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* ---- tests ---- */

static void bytes_are_kept_from_the_beginning_and_read_back_when_all_are_there(void **state)
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 1, 3000);
    struct buf out;

    buf_init(&out, BATCH_MAX_SEALED);
    assert_int_equal(spool_have(p->s, &k), 0);
    assert_int_equal(append(p, &k, 1000, 'a'), OK);
    assert_int_equal(append(p, &k, 1500, 'b'), OK);
    assert_int_equal(spool_have(p->s, &k), 2500);
    assert_int_equal(spool_bytes(p->s), 2500);
    assert_int_equal(spool_read(p->s, &k, &out), ERR_NOT_FOUND);
    assert_int_equal(spool_hand_over(p->s, &k), ERR_NOT_FOUND);
    assert_int_equal(append(p, &k, 500, 'c'), OK);
    assert_int_equal(spool_read(p->s, &k, &out), OK);
    assert_int_equal(out.len, 3000);
    assert_int_equal(out.data[999], 'a');
    assert_int_equal(out.data[1000], 'b');
    assert_int_equal(out.data[2999], 'c');
    buf_fini(&out);
}

static void a_write_that_was_cut_short_is_gone_on_with(void **state) /* invariant 4 */
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 1, 100);
    struct buf whole;

    buf_init(&whole, 1000);
    bite = 7;
    assert_int_equal(append(p, &k, 60, 'a'), OK);
    assert_int_equal(append(p, &k, 40, 'b'), OK);
    bite = SIZE_MAX;
    assert_int_equal(spool_have(p->s, &k), 100);
    assert_int_equal(spool_read(p->s, &k, &whole), OK);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(whole.data[i], i < 60 ? 'a' : 'b');
    buf_fini(&whole);
}

static void files_are_for_nobody_elses_eyes(void **state)
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 1, 3000);
    char path[256];
    char name[128] = "";
    struct stat st;

    assert_int_equal(append(p, &k, 10, 'a'), OK);
    for (int i = 0; i < 32; i++)
        (void)strcat(name, "01");        /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): 64 bytes into 128 */
    (void)strcat(name, ".3000.gp.part"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy) */
    path_of(p, name, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    path_of(p, "", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void more_than_was_announced_is_refused_and_nothing_stays(void **state)
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 1, 100);

    assert_int_equal(append(p, &k, 90, 'a'), OK);
    assert_int_equal(append(p, &k, 11, 'b'), ERR_LIMIT);
    assert_int_equal(spool_have(p->s, &k), 0);
    assert_int_equal(files_in(p), 0);
    assert_int_equal(spool_bytes(p->s), 0);
}

/* The same digest from two participants: nobody touches another's beginning. */
static void each_participant_has_beginnings_of_its_own(void **state)
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key gp = key("gp", d, 1, 100);
    struct spool_key ms = key("ms", d, 1, 100);

    assert_int_equal(append(p, &gp, 50, 'a'), OK);
    assert_int_equal(spool_have(p->s, &ms), 0);
    assert_int_equal(append(p, &ms, 20, 'b'), OK);
    spool_drop(p->s, &ms);
    assert_int_equal(spool_have(p->s, &gp), 50);
    assert_int_equal(spool_have(p->s, &ms), 0);
}

/* Invariant 8. */
static void of_a_participant_four_beginnings_are_kept(void **state)
{
    struct place *p = *state;
    uint8_t d[6][DIGEST_BYTES];
    struct spool_key other = key("ms", d[5], 9, 100);

    assert_int_equal(append(p, &other, 10, 'x'), OK);
    for (uint8_t i = 0; i < 5; i++) {
        struct spool_key k = key("gp", d[i], i, 100);

        clock_test_set(NOW + i);
        assert_int_equal(append(p, &k, 10, 'a'), OK);
    }
    for (uint8_t i = 0; i < 5; i++) {
        struct spool_key k = key("gp", d[i], i, 100);

        assert_int_equal(spool_have(p->s, &k), i == 0 ? 0 : 10); /* the longest untouched went */
    }
    assert_int_equal(spool_have(p->s, &other), 10);
}

static void the_longest_untouched_makes_room(void **state)
{
    struct place *p = *state;
    uint8_t d[3][DIGEST_BYTES];
    struct spool_key a = key("a", d[0], 1, 1000);
    struct spool_key b = key("b", d[1], 2, 1000);
    struct spool_key c = key("c", d[2], 3, 1000);

    spool_set_limits(p->s, 1500, 14);
    clock_test_set(NOW);
    assert_int_equal(append(p, &a, 700, 'a'), OK);
    clock_test_set(NOW + 1);
    assert_int_equal(append(p, &b, 700, 'b'), OK);
    clock_test_set(NOW + 2);
    assert_int_equal(append(p, &a, 50, 'a'), OK); /* now b is the oldest */
    clock_test_set(NOW + 3);
    assert_int_equal(append(p, &c, 600, 'c'), OK);
    assert_int_equal(spool_have(p->s, &a), 750);
    assert_int_equal(spool_have(p->s, &b), 0);
    assert_int_equal(spool_have(p->s, &c), 600);
    assert_int_equal(spool_bytes(p->s), 1350);
    spool_set_limits(p->s, 500, 14); /* nothing is left to drop but the one being written */
    assert_int_equal(append(p, &c, 300, 'c'), ERR_FULL);
    assert_int_equal(spool_bytes(p->s), 0);
    assert_int_equal(files_in(p), 0);
}

/* Before the disk is full, whatever is on it besides. */
static void nothing_is_begun_when_less_is_free_than_is_kept(void **state)
{
    struct place *p = *state;

    assert_false(spool_is_closed(p->s)); /* nothing was said */
    spool_set_reserve(p->s, 1);
    assert_false(spool_is_closed(p->s));
    spool_set_reserve(p->s, UINT64_MAX); /* no disk has so much */
    assert_true(spool_is_closed(p->s));
    spool_set_reserve(p->s, 0);
    assert_false(spool_is_closed(p->s));
}

static void beginnings_are_found_again_after_a_restart(void **state)
{
    struct place *p = *state;
    uint8_t d[2][DIGEST_BYTES];
    struct spool_key k = key("school-07_a", d[0], 0xab, 524288);
    struct spool_key wrong = key("school-07_a", d[1], 0xab, 524287);

    assert_int_equal(append(p, &k, 1234, 'a'), OK);
    reopen(p);
    assert_int_equal(spool_have(p->s, &k), 1234);
    assert_int_equal(spool_have(p->s, &wrong), 0);
    assert_int_equal(spool_bytes(p->s), 1234);
    assert_int_equal(append(p, &k, 1, 'b'), OK);
    assert_int_equal(spool_have(p->s, &k), 1235);
}

static void what_is_too_old_is_forgotten(void **state)
{
    struct place *p = *state;
    uint8_t d[2][DIGEST_BYTES];
    struct spool_key old = key("gp", d[0], 1, 100);
    struct spool_key young = key("gp", d[1], 2, 100);

    clock_test_set(NOW);
    assert_int_equal(append(p, &old, 10, 'a'), OK);
    clock_test_set(NOW + 10 * DAY);
    assert_int_equal(append(p, &young, 10, 'a'), OK);
    clock_test_set(NOW + 14 * DAY + 1);
    spool_tidy(p->s);
    assert_int_equal(spool_have(p->s, &old), 0);
    assert_int_equal(spool_have(p->s, &young), 10);
    assert_int_equal(files_in(p), 1);
}

static void a_batch_that_was_handed_over_stays_until_the_core_takes_it(void **state)
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 0x5a, 100);
    char name[128] = "";
    char path[256];

    for (int i = 0; i < 32; i++)
        (void)strcat(name, "5a"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): 64 bytes into 128 */
    path_of(p, name, path);
    assert_int_equal(append(p, &k, 100, 'a'), OK);
    assert_int_equal(spool_hand_over(p->s, &k), OK);
    assert_int_equal(spool_hand_over(p->s, &k), OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(spool_have(p->s, &k), 100);
    assert_int_equal(append(p, &k, 1, 'b'), ERR_LIMIT);
    assert_int_equal(append(p, &k, 100, 'a'), OK);
    assert_int_equal(spool_hand_over(p->s, &k), OK);
    spool_tidy(p->s);
    assert_int_equal(spool_bytes(p->s), 100);
    assert_int_equal(unlink(path), 0); /* the core */
    spool_tidy(p->s);
    assert_int_equal(spool_bytes(p->s), 0);
    assert_int_equal(spool_have(p->s, &k), 0);
}

static void noise_in_the_folder_is_left_alone_or_thrown_away(void **state)
{
    static const char hex[] = "0101010101010101010101010101010101010101010101010101010101010101";
    struct place *p = *state;
    char name[160];
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 1, 100);

    write_file(p, "readme", "x", 1);
    write_file(p, hex, "no batch", 8); /* a whole one that is none */
    (void)snprintf(name, sizeof(name), "%s.100.gp.part.tmp", hex);
    write_file(p, name, "x", 1);
    (void)snprintf(name, sizeof(name), "%s.99999999.gp.part", hex);
    write_file(p, name, "x", 1);
    (void)snprintf(name, sizeof(name), "%s.3.gp.part", hex); /* longer than it says */
    write_file(p, name, "xxxx", 4);
    (void)snprintf(name, sizeof(name), "%s.100.g/p.part", hex);
    reopen(p);
    assert_int_equal(spool_bytes(p->s), 0);
    assert_int_equal(spool_have(p->s, &k), 0);
    assert_int_equal(append(p, &k, 10, 'a'), OK);
    assert_int_equal(files_in(p), 4); /* readme, the two strange names, and ours */
}

static void a_file_that_changed_behind_our_back_is_not_built_upon(void **state)
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 1, 100);
    char command[128];

    assert_int_equal(append(p, &k, 50, 'a'), OK);
    (void)snprintf(command, sizeof(command), "truncate -s 20 %s/spool/*.part", p->dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own folder */
    assert_int_equal(spool_have(p->s, &k), 0);
    assert_int_equal(files_in(p), 0);
}

static void a_folder_that_vanished_costs_the_beginning_only(void **state)
{
    struct place *p = *state;
    uint8_t d[DIGEST_BYTES];
    struct spool_key k = key("gp", d, 1, 100);
    char path[256];

    assert_int_equal(append(p, &k, 50, 'a'), OK);
    path_of(p, "", path);
    folder_remove(path);
    assert_int_equal(append(p, &k, 10, 'a'), ERR_IO);
    assert_int_equal(spool_have(p->s, &k), 0);
    reopen(p);
    assert_int_equal(append(p, &k, 10, 'a'), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_are_kept_from_the_beginning_and_read_back_when_all_are_there, begin, end),
        cmocka_unit_test_setup_teardown(a_write_that_was_cut_short_is_gone_on_with, begin, end),
        cmocka_unit_test_setup_teardown(files_are_for_nobody_elses_eyes, begin, end),
        cmocka_unit_test_setup_teardown(more_than_was_announced_is_refused_and_nothing_stays, begin, end),
        cmocka_unit_test_setup_teardown(each_participant_has_beginnings_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(of_a_participant_four_beginnings_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(the_longest_untouched_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_begun_when_less_is_free_than_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(beginnings_are_found_again_after_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(what_is_too_old_is_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(a_batch_that_was_handed_over_stays_until_the_core_takes_it, begin, end),
        cmocka_unit_test_setup_teardown(noise_in_the_folder_is_left_alone_or_thrown_away, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_changed_behind_our_back_is_not_built_upon, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_vanished_costs_the_beginning_only, begin, end),
    };

    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
