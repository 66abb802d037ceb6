/* test_root_key.c: the root key can be locked, opened by who knows the passphrase and by nobody else, and backups are
 * encrypted to a key that only it opens (invariants 6 and 9). */
#include "hub/recovery.h"
#include "hub/root_key.h"

#include "common/folder.h"
#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct passphrase words = {"correct horse battery staple", 28};
static const uint8_t district[16] = "a district here";
static char dir[64];
static char file[128];

static int make_dir(void **state)
{
    (void)state;
    if (keys_start() != OK)
        return -1;
    (void)snprintf(dir, sizeof(dir), "/tmp/svodka-root-XXXXXX");
    if (mkdtemp(dir) == NULL || folder_make(dir, "keys") != OK)
        return -1;
    (void)snprintf(file, sizeof(file), "%s/keys/root.key.locked", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    folder_remove(dir);
    return 0;
}

static bool said(const char *part)
{
    if (strstr(err_text(), part) != NULL)
        return true;
    print_message("\"%s\" is not in: %s\n", part, err_text());
    return false;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void read_text(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t len;

    assert_non_null(f);
    len = fread(out, 1, size - 1, f);
    out[len] = '\0';
    assert_int_equal(fclose(f), 0);
}

static void a_locked_key_opens_with_its_passphrase_alone(void **state)
{
    static const struct passphrase almost = {"correct horse battery stapl", 27};
    struct key *root = NULL;
    struct key *back = NULL;
    struct stat st;

    (void)state;
    assert_int_equal(key_generate(&root, KEY_SIGN), OK);
    assert_int_equal(root_key_lock(root, file, &words), OK);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(root_key_unlock(&back, file, &words), OK);
    assert_memory_equal(key_secret(back), key_secret(root), 64);
    key_free(back);
    back = NULL;
    assert_int_equal(root_key_unlock(&back, file, &almost), ERR_AUTH);
    assert_true(said("passphrase is wrong"));
    assert_null(back);
    assert_int_equal(root_key_lock(root, file, &words), ERR_EXISTS); /* never overwritten */
    key_free(root);
}

/* The bytes of the secret are nowhere in the file. */
static void the_locked_file_does_not_hold_the_secret(void **state)
{
    struct key *root = NULL;
    char text[ROOT_LOCKED_MAX + 1];
    char hex[17];

    (void)state;
    assert_int_equal(key_generate(&root, KEY_SIGN), OK);
    assert_int_equal(root_key_lock(root, file, &words), OK);
    read_text(file, text, sizeof(text));
    for (size_t i = 0; i + 8 <= 64; i++) {
        for (size_t k = 0; k < 8; k++)
            (void)snprintf(hex + 2 * k, 3, "%02x", key_secret(root)[i + k]);
        assert_null(strstr(text, hex));
    }
    key_free(root);
}

static void every_byte_that_is_changed_is_noticed(void **state)
{
    struct key *root = NULL;
    struct key *back = NULL;
    struct root_locked l;
    char text[ROOT_LOCKED_MAX + 1];
    size_t len;

    (void)state;
    assert_int_equal(key_generate(&root, KEY_SIGN), OK);
    assert_int_equal(root_key_lock(root, file, &words), OK);
    key_free(root);
    read_text(file, text, sizeof(text));
    len = strlen(text);
    assert_int_equal(root_locked_parse(&l, text, len), OK);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(root_locked_parse(&l, text, cut), ERR_MALFORMED);
    text[len - 2] = text[len - 2] == '0' ? '1' : '0'; /* of the locked bytes */
    write_text(file, text);
    assert_int_equal(root_key_unlock(&back, file, &words), ERR_AUTH);
    assert_null(back);
}

static void parameters_beyond_the_cap_are_refused_before_any_work(void **state)
{
    static const char *const bad[] = {"argon2id13 ops 17 mem 268435456", "argon2id13 ops 3 mem 1073741825",
                                      "argon2id13 ops 3 mem 999999999999", "argon2id13 ops 3 mem 1"};
    struct root_locked l;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char text[512];
        int n = snprintf(text, sizeof(text), "svodka locked key 1\n%s\n%032d\n%0208d\n", bad[i], 0, 0);

        assert_int_equal(root_locked_parse(&l, text, (size_t)n), ERR_LIMIT);
    }
    {
        static const char zero[] = "svodka locked key 1\nargon2id13 ops 0 mem 268435456\n";

        assert_int_equal(root_locked_parse(&l, zero, strlen(zero)), ERR_MALFORMED);
    }
}

/* 64 MiB are used where 256 are not to be had, and the file says so: it opens on any computer. */
static void a_small_computer_locks_with_less_and_says_so_in_the_file(void **state)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)state;
    skip(); /* its own memory is more than the limit */
#else
    struct rlimit before;
    struct rlimit small = {UINT64_C(160) << 20, 0};
    struct key *root = NULL;
    struct key *back = NULL;
    struct root_locked l;
    char text[ROOT_LOCKED_MAX + 1];

    (void)state;
    assert_int_equal(key_generate(&root, KEY_SIGN), OK);
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_DATA, &small), 0);
    assert_int_equal(root_key_lock(root, file, &words), OK);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    read_text(file, text, sizeof(text));
    assert_int_equal(root_locked_parse(&l, text, strlen(text)), OK);
    assert_int_equal(l.mem, UINT64_C(64) << 20);
    assert_int_equal(root_key_unlock(&back, file, &words), OK);
    key_free(back);
    key_free(root);
#endif
}

static void a_passphrase_file_is_read_without_its_line_end_and_not_when_short(void **state)
{
    struct passphrase p;
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/pass", dir);
    write_text(path, "correct horse battery staple\r\n");
    assert_int_equal(passphrase_get(&p, path, true), OK);
    assert_string_equal(p.text, words.text);
    passphrase_wipe(&p);
    write_text(path, "short\n");
    assert_int_equal(passphrase_get(&p, path, true), ERR_INVALID);
    assert_true(said("at least 8"));
    assert_int_equal(p.len, 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(passphrase_get(&p, path, true), ERR_NOT_FOUND);
}

static void another_districts_root_is_not_taken(void **state)
{
    struct key *root = NULL;
    struct key *other = NULL;
    struct key *back = NULL;
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/keys/root.key", dir);
    assert_int_equal(key_generate(&root, KEY_SIGN), OK);
    assert_int_equal(key_generate(&other, KEY_SIGN), OK);
    assert_int_equal(key_write(root, path, "root"), OK);
    assert_int_equal(root_key_open(&back, path, NULL, key_public(other)), ERR_INVALID);
    assert_true(said("another district"));
    assert_null(back);
    assert_int_equal(root_key_open(&back, path, NULL, key_public(root)), OK);
    key_free(back);
    key_free(other);
    key_free(root);
}

/* ---- recovery ---- */

/* The bytes of SPEC.md 5.10. */
static void the_recovery_key_of_the_vector_comes_out(void **state)
{
    static const uint8_t expected[] = {0xc8, 0x2a, 0xb3, 0xd0, 0x86, 0xc0, 0x28, 0x29, 0x06, 0x68, 0x9a,
                                       0xec, 0xbc, 0xda, 0xca, 0x5d, 0xf6, 0xca, 0xd0, 0x42, 0x4e, 0xf5,
                                       0xbe, 0x91, 0x65, 0x39, 0xcc, 0xbe, 0x1d, 0x6a, 0x71, 0x02};
    uint8_t seed[KEY_BYTES];
    uint8_t where[16];
    struct key *root = NULL;
    struct key *k = NULL;

    (void)state;
    memset(seed, 1, sizeof(seed));
    memset(where, 0xd1, sizeof(where));
    assert_int_equal(key_from_seed(&root, KEY_SIGN, seed), OK);
    assert_int_equal(recovery_key_from_root(&k, root, where), OK);
    assert_memory_equal(key_public(k), expected, KEY_BYTES);
    key_free(k);
    key_free(root);
}

static void the_recovery_key_follows_from_root_and_district(void **state)
{
    static const uint8_t elsewhere[16] = "another district";
    uint8_t seed[KEY_BYTES] = {7};
    uint8_t public_half[KEY_BYTES];
    struct key *root = NULL;
    struct key *a = NULL;
    struct key *b = NULL;

    (void)state;
    assert_int_equal(key_from_seed(&root, KEY_SIGN, seed), OK);
    assert_int_equal(recovery_write(dir, root, district), OK);
    assert_int_equal(recovery_public(public_half, dir, key_public(root), district), OK);
    assert_int_equal(recovery_key_from_root(&a, root, district), OK);
    assert_memory_equal(key_public(a), public_half, KEY_BYTES);
    assert_int_equal(recovery_key_from_root(&b, root, elsewhere), OK);
    assert_true(memcmp(key_public(a), key_public(b), KEY_BYTES) != 0);
    assert_int_equal(recovery_public(public_half, dir, key_public(root), elsewhere), ERR_AUTH);
    key_free(a);
    key_free(b);
    key_free(root);
}

/* Whoever can write into the folder cannot have backups encrypted to a key of his own. */
static void a_recovery_key_that_the_root_did_not_sign_is_refused(void **state)
{
    uint8_t public_half[KEY_BYTES];
    char path[128];
    char text[600];
    struct key *root = NULL;
    struct key *other = NULL;
    size_t len;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/keys/recovery.pub", dir);
    assert_int_equal(key_generate(&root, KEY_SIGN), OK);
    assert_int_equal(key_generate(&other, KEY_SIGN), OK);
    assert_int_equal(recovery_public(public_half, dir, key_public(root), district), ERR_NOT_FOUND);
    assert_int_equal(recovery_write(dir, other, district), OK);
    assert_int_equal(recovery_public(public_half, dir, key_public(root), district), ERR_AUTH);
    assert_true(said("recovery.pub"));
    assert_int_equal(recovery_write(dir, root, district), OK);
    read_text(path, text, sizeof(text));
    len = strlen(text);
    assert_int_equal(recovery_parse(public_half, text, len, key_public(root), district), OK);
    for (size_t i = 0; i < len; i++) {
        char was = text[i];

        text[i] = was == '0' ? '1' : '0';
        assert_true(recovery_parse(public_half, text, len, key_public(root), district) != OK);
        text[i] = was;
        assert_int_equal(recovery_parse(public_half, text, i, key_public(root), district), ERR_MALFORMED);
    }
    key_free(other);
    key_free(root);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_locked_key_opens_with_its_passphrase_alone, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_locked_file_does_not_hold_the_secret, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(every_byte_that_is_changed_is_noticed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(parameters_beyond_the_cap_are_refused_before_any_work, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_small_computer_locks_with_less_and_says_so_in_the_file, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_passphrase_file_is_read_without_its_line_end_and_not_when_short, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(another_districts_root_is_not_taken, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_recovery_key_of_the_vector_comes_out, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_recovery_key_follows_from_root_and_district, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_recovery_key_that_the_root_did_not_sign_is_refused, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
