#include "protocol/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[200];
static char path[260];

static int start(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    (void)snprintf(dir, sizeof(dir), "%s/svodka-keys-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    return keys_start() == OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static struct bytes text(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

static const struct bytes none = {NULL, 0};

static void hex(uint8_t *out, const char *digits)
{
    for (; *digits != '\0'; digits += 2) {
        unsigned byte;

        assert_int_equal(sscanf(digits, "%2x", &byte), 1);
        *out++ = (uint8_t)byte;
    }
}

/* A root test may read anything; another process of the same user may not: the kernel gives /proc/PID to root. */
static void memory_is_closed_to_other_processes_of_the_same_user(void **state)
{
    struct stat st;
    int status = 0;
    pid_t child;

    (void)state;
    if (geteuid() != 0) {
        assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
        return;
    }
    if ((child = fork()) == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0 || keys_start() != OK)
            _exit(2);
        _exit(stat("/proc/self/mem", &st) == 0 && st.st_uid == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

/* In a child, because the limit does not come back. */
static void a_key_that_cannot_be_locked_is_told_once(void **state)
{
    char said[4096];
    int status = 0, pipes[2];
    ssize_t n;
    pid_t child;

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* the sanitizer's mlock() does nothing and says it did */
#endif
    assert_true(keys_are_locked());
    assert_int_equal(pipe(pipes), 0);
    if ((child = fork()) == 0) {
        const struct rlimit none_at_all = {0, 0};
        struct key *a = NULL, *b = NULL;

        (void)dup2(pipes[1], 2);
        if (setrlimit(RLIMIT_MEMLOCK, &none_at_all) != 0 ||
            (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)))
            _exit(2);
        _exit(key_generate(&a, KEY_SIGN) == OK && key_generate(&b, KEY_SEAL) == OK && !keys_are_locked() ? 0 : 1);
    }
    (void)close(pipes[1]);
    for (size_t len = 0; (n = read(pipes[0], said + len, sizeof(said) - 1 - len)) > 0; said[len] = '\0')
        len += (size_t)n;
    (void)close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    assert_non_null(strstr(said, "RLIMIT_MEMLOCK"));
    assert_null(strstr(strstr(said, "RLIMIT_MEMLOCK") + 1, "RLIMIT_MEMLOCK"));
}

static void a_credential_stands_in_for_a_file_and_only_when_asked_to(void **state)
{
    char credential[300];
    struct key *in_file, *given, *k = NULL;

    (void)state;
    (void)snprintf(credential, sizeof(credential), "%s/svodka-key", dir);
    assert_int_equal(key_generate(&in_file, KEY_SEAL), OK);
    assert_int_equal(key_generate(&given, KEY_SEAL), OK);
    assert_int_equal(key_write(given, credential, "credential"), OK);
    assert_int_equal(chmod(credential, 0440), 0); /* as a service manager's access list shows */
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);

    assert_null(key_credentials());
    assert_int_equal(key_read(&k, path, KEY_SEAL), ERR_NOT_FOUND);
    key_use_credentials(true);
    assert_string_equal(key_credentials(), dir);
    assert_int_equal(key_read(&k, path, KEY_SEAL), OK);
    assert_memory_equal(key_public(k), key_public(given), KEY_BYTES);
    key_free(k);
    assert_int_equal(chmod(credential, 0444), 0); /* everybody: never */
    assert_int_equal(key_read(&k, path, KEY_SEAL), ERR_DENIED);

    assert_int_equal(key_write(in_file, path, "file"), OK); /* changed since: the file is newer */
    assert_int_equal(key_read(&k, path, KEY_SEAL), OK);
    assert_memory_equal(key_public(k), key_public(in_file), KEY_BYTES);
    key_free(k);
    assert_int_equal(chmod(path, 0440), 0); /* the file's own rule stays, and nothing is taken instead of it */
    assert_int_equal(chmod(credential, 0400), 0);
    assert_int_equal(key_read(&k, path, KEY_SEAL), ERR_DENIED);

    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_null(key_credentials());
    key_use_credentials(false);
    key_free(in_file);
    key_free(given);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(credential), 0);
}

static void core_dumps_are_off_after_the_start(void **state)
{
    struct rlimit limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
}

/* RFC 7693's function at 32 bytes; the value for no input is the well-known one. */
static void a_digest_is_blake2b_of_32_bytes(void **state)
{
    uint8_t want[DIGEST_BYTES];
    uint8_t got[DIGEST_BYTES];

    (void)state;
    hex(want, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    digest(got, none);
    assert_memory_equal(got, want, DIGEST_BYTES);
    digest(want, text("ab"));
    digest(got, text("ab"));
    assert_true(digest_equal(want, got));
    got[31] ^= 1;
    assert_false(digest_equal(want, got));
}

static void domains_and_keys_separate_digests(void **state)
{
    uint8_t key[KEY_BYTES] = {1};
    uint8_t a[DIGEST_BYTES];
    uint8_t b[DIGEST_BYTES];

    (void)state;
    digest_domain(a, "d", text("x"));
    digest(b, (struct bytes){(const uint8_t *)"d\0x", 3});
    assert_memory_equal(a, b, DIGEST_BYTES); /* the domain goes in with its NUL */
    digest_domain(b, "dx", none);
    assert_memory_not_equal(a, b, DIGEST_BYTES);
    derive(b, key, "d", text("x"));
    assert_memory_not_equal(a, b, DIGEST_BYTES);
    key[0] = 2;
    derive(a, key, "d", text("x"));
    assert_memory_not_equal(a, b, DIGEST_BYTES);
}

static void a_seed_gives_the_same_key_and_random_ones_differ(void **state)
{
    static const enum key_kind kinds[] = {KEY_SIGN, KEY_SEAL, KEY_CURVE, KEY_SECRET};
    uint8_t seed[32] = {7};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct key *a;
        struct key *b;
        struct key *c;

        assert_int_equal(key_from_seed(&a, kinds[i], seed), OK);
        assert_int_equal(key_from_seed(&b, kinds[i], seed), OK);
        assert_int_equal(key_generate(&c, kinds[i]), OK);
        assert_int_equal(key_kind(a), kinds[i]);
        assert_memory_equal(key_secret(a), key_secret(b), KEY_BYTES);
        assert_memory_not_equal(key_secret(a), key_secret(c), KEY_BYTES);
        assert_true((key_public(a) == NULL) == (kinds[i] == KEY_SECRET));
        key_free(a);
        key_free(b);
        key_free(c);
    }
    key_free(NULL);
}

/* ---- files ---- */

static void every_kind_of_key_reads_back_from_its_file(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_SIGN; kind <= KEY_SECRET; kind++) {
        struct key *k;
        struct key *back;
        struct stat st;

        assert_int_equal(key_generate(&k, kind), OK);
        assert_int_equal(key_write(k, path, "a key for a test"), OK);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(key_read(&back, path, kind), OK);
        assert_memory_equal(key_secret(k), key_secret(back), kind == KEY_SIGN ? 64 : 32);
        if (kind != KEY_SECRET)
            assert_memory_equal(key_public(k), key_public(back), KEY_BYTES);
        key_free(back);
        back = NULL;
        assert_int_equal(key_read(&back, path, kind == KEY_SIGN ? KEY_SEAL : KEY_SIGN), ERR_INVALID);
        assert_null(back);
        assert_int_equal(key_write(k, path, "another"), ERR_EXISTS);
        assert_int_equal(unlink(path), 0);
        key_free(k);
    }
}

static void a_key_file_that_others_may_read_is_refused(void **state)
{
    struct key *k;

    (void)state;
    assert_int_equal(key_generate(&k, KEY_SEAL), OK);
    assert_int_equal(key_write(k, path, "x"), OK);
    assert_int_equal(chmod(path, 0640), 0);
    key_free(k);
    assert_int_equal(key_read(&k, path, KEY_SEAL), ERR_DENIED);
    assert_non_null(strstr(err_text(), "chmod 600"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(key_read(&k, path, KEY_SEAL), ERR_NOT_FOUND);
    assert_int_equal(key_read(&k, dir, KEY_SEAL), ERR_MALFORMED);
}

static size_t read_file(char *out, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    assert_int_equal(fclose(f), 0);
    return n;
}

static void write_file(const char *bytes, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void a_damaged_key_file_is_refused(void **state)
{
    char good[1100];
    struct key *k;
    size_t len;

    (void)state;
    assert_int_equal(key_generate(&k, KEY_SIGN), OK);
    assert_int_equal(key_write(k, path, "x"), OK);
    key_free(k);
    len = read_file(good, sizeof(good));
    for (size_t i = 0; i < len; i++) {
        char bad[1100];

        memcpy(bad, good, len);
        bad[i] = bad[i] == '0' ? '1' : '0';
        if (strstr(good, "name: ") + 6 == good + i) /* the name is free */
            continue;
        write_file(bad, len);
        k = NULL;
        assert_int_equal(key_read(&k, path, KEY_SIGN), ERR_MALFORMED);
        assert_null(k);
        write_file(good, i);
        assert_int_equal(key_read(&k, path, KEY_SIGN), ERR_MALFORMED);
    }
    memset(good + len, '\n', sizeof(good) - len);
    write_file(good, sizeof(good));
    assert_int_equal(key_read(&k, path, KEY_SIGN), ERR_MALFORMED);
    assert_int_equal(unlink(path), 0);
}

static void a_name_of_two_lines_is_a_mistake_of_ours(void **state)
{
    struct key *k;

    (void)state;
    assert_int_equal(key_generate(&k, KEY_SECRET), OK);
    assert_int_equal(key_write(k, path, "two\nlines"), ERR_INTERNAL);
    assert_int_equal(key_write(k, "/nowhere/at/all", "x"), ERR_NOT_FOUND);
    key_free(k);
}

/* ---- signatures ---- */

static void a_signature_holds_for_its_key_domain_and_bytes_only(void **state)
{
    uint8_t sig[SIGNATURE_BYTES];
    struct key *k;
    struct key *other;

    (void)state;
    assert_int_equal(key_generate(&k, KEY_SIGN), OK);
    assert_int_equal(key_generate(&other, KEY_SIGN), OK);
    assert_int_equal(key_sign(k, "d", text("ab"), text("c"), sig), OK);
    assert_int_equal(key_verify(key_public(k), "d", text("ab"), text("c"), sig), OK);
    assert_int_equal(key_verify(key_public(k), "d", text("abc"), none, sig), OK);
    assert_int_equal(key_verify(key_public(k), "e", text("ab"), text("c"), sig), ERR_AUTH);
    assert_int_equal(key_verify(key_public(k), "d", text("ab"), text("d"), sig), ERR_AUTH);
    assert_int_equal(key_verify(key_public(other), "d", text("ab"), text("c"), sig), ERR_AUTH);
    for (size_t i = 0; i < sizeof(sig); i++) {
        sig[i] ^= 4;
        assert_int_equal(key_verify(key_public(k), "d", text("ab"), text("c"), sig), ERR_AUTH);
        sig[i] ^= 4;
    }
    key_free(k);
    assert_int_equal(key_generate(&k, KEY_SEAL), OK);
    assert_int_equal(key_sign(k, "d", none, none, sig), ERR_INTERNAL);
    key_free(k);
    key_free(other);
}

/* ---- closing ---- */

static void locked_bytes_open_with_their_key_and_context_only(void **state)
{
    uint8_t key[KEY_BYTES] = {3};
    struct buf locked;
    struct buf plain;

    (void)state;
    buf_init(&locked, 1000);
    buf_init(&plain, 1000);
    for (size_t len = 0; len <= 5; len += 5) {
        struct bytes in;

        buf_reset(&locked);
        buf_reset(&plain);
        assert_int_equal(lock_bytes(&locked, key, text("ad"), (struct bytes){(const uint8_t *)"hello", len}), OK);
        in = (struct bytes){locked.data, locked.len};
        assert_int_equal(in.len, LOCK_OVERHEAD + len);
        assert_int_equal(unlock_bytes(&plain, key, text("ad"), in), OK);
        assert_int_equal(plain.len, len);
        assert_int_equal(unlock_bytes(&plain, key, text("xx"), in), ERR_AUTH);
        key[0] ^= 1;
        assert_int_equal(unlock_bytes(&plain, key, text("ad"), in), ERR_AUTH);
        key[0] ^= 1;
        for (size_t i = 0; i < in.len; i++) {
            locked.data[i] ^= 0x10;
            assert_int_equal(unlock_bytes(&plain, key, text("ad"), in), ERR_AUTH);
            locked.data[i] ^= 0x10;
            assert_int_equal(unlock_bytes(&plain, key, text("ad"), (struct bytes){in.p, i}), ERR_AUTH);
        }
        assert_int_equal(plain.len, len); /* failures leave nothing behind */
    }
    locked.max = locked.len;
    assert_int_equal(lock_bytes(&locked, key, none, text("no room")), ERR_LIMIT);
    buf_fini(&locked);
    buf_fini(&plain);
}

static void what_is_locked_twice_never_looks_the_same(void **state) /* a nonce serves once */
{
    static const uint8_t key[KEY_BYTES] = {1, 2, 3};
    struct buf locked[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&locked[i], 1000);
        assert_int_equal(lock_bytes(&locked[i], key, text("ad"), text("hello")), OK);
    }
    assert_int_equal(locked[0].len, locked[1].len);
    assert_memory_not_equal(locked[0].data, locked[1].data, LOCK_OVERHEAD - 16);
    assert_memory_not_equal(locked[0].data + LOCK_OVERHEAD - 16, locked[1].data + LOCK_OVERHEAD - 16, 16 + 5);
    for (size_t i = 0; i < 2; i++)
        buf_fini(&locked[i]);
}

static void a_sealed_thing_opens_for_its_recipient_only(void **state)
{
    struct key *seal;
    struct key *other;
    struct key *sign;
    struct buf sealed;
    struct buf plain;
    struct bytes in;
    uint8_t zeros[KEY_BYTES] = {0};

    (void)state;
    buf_init(&sealed, 1000);
    buf_init(&plain, 1000);
    assert_int_equal(key_generate(&seal, KEY_SEAL), OK);
    assert_int_equal(key_generate(&other, KEY_SEAL), OK);
    assert_int_equal(key_generate(&sign, KEY_SIGN), OK);
    assert_int_equal(seal_small(&sealed, key_public(seal), "d", text("ad"), text("hello")), OK);
    in = (struct bytes){sealed.data, sealed.len};
    assert_int_equal(open_small(&plain, seal, "d", text("ad"), in), OK);
    assert_memory_equal(plain.data, "hello", 5);
    assert_int_equal(open_small(&plain, other, "d", text("ad"), in), ERR_AUTH);
    assert_int_equal(open_small(&plain, seal, "e", text("ad"), in), ERR_AUTH);
    assert_int_equal(open_small(&plain, seal, "d", text("AD"), in), ERR_AUTH);
    assert_int_equal(open_small(&plain, sign, "d", text("ad"), in), ERR_INTERNAL);
    for (size_t i = 0; i < in.len; i++) {
        sealed.data[i] ^= 0x01;
        assert_int_equal(open_small(&plain, seal, "d", text("ad"), in), ERR_AUTH);
        sealed.data[i] ^= 0x01;
        assert_int_equal(open_small(&plain, seal, "d", text("ad"), (struct bytes){in.p, i}), ERR_AUTH);
    }
    assert_int_equal(plain.len, 5);
    /* Pitfall 4.7: a point of low order must not become a key. */
    assert_int_equal(seal_small(&sealed, zeros, "d", none, none), ERR_AUTH);
    assert_int_equal(sealed.len, in.len);
    key_free(seal);
    key_free(other);
    key_free(sign);
    buf_fini(&sealed);
    buf_fini(&plain);
}

/* ---- for people ---- */

static void fingerprints_are_eight_groups_of_four(void **state)
{
    uint8_t pk[KEY_BYTES] = {0};
    char a[40];
    char b[40];

    (void)state;
    fingerprint(a, pk);
    assert_int_equal(strlen(a), 39);
    for (size_t i = 0; i < 39; i++)
        assert_true(i % 5 == 4 ? a[i] == '-' : strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", a[i]) != NULL);
    pk[31] = 1;
    fingerprint(b, pk);
    assert_string_not_equal(a, b);
}

static void codes_survive_being_typed(void **state)
{
    char code[15];
    char out[15];

    (void)state;
    code_random(code);
    assert_int_equal(strlen(code), 14);
    assert_int_equal(code_normalise(out, code), OK);
    assert_string_equal(out, code);
    assert_int_equal(code_normalise(out, " abcd efgh-jkmn\n"), OK);
    assert_string_equal(out, "ABCD-EFGH-JKMN");
    assert_int_equal(code_normalise(out, "oOiIlL000000"), OK);
    assert_string_equal(out, "0011-1100-0000");
    assert_int_equal(code_normalise(out, "АВСЕНКМОРТХУ"), OK);
    assert_string_equal(out, "ABCE-HKM0-PTXY");
    assert_int_equal(code_normalise(out, "авсенкмортху"), OK);
    assert_string_equal(out, "ABCE-HKM0-PTXY");
}

static void codes_that_are_none_are_refused_with_the_letter_that_is_wrong(void **state)
{
    static const struct {
        const char *typed, *hint;
    } bad[] = {{"", "12 letters and digits are expected, 0"},
               {"ABCD-EFGH-JKM", "12 letters and digits are expected, 11"},
               {"ABCD-EFGH-JKMNP", "more than 12"},
               {"ABCD-EFGH-JKMU", "letter 12, 'U'"},
               {"ABCD-E!GH-JKM", "letter 6, '!'"},
               {"Я", "letter 1, 'Я'"},
               {"ABCDEFGHJKM\xd0", "letter 12"},
               {"ABCDEFGHJKM№", "letter 12, '№'"}};
    char out[15] = "as before";

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err_clear();
        assert_int_equal(code_normalise(out, bad[i].typed), ERR_MALFORMED);
        assert_non_null(strstr(err_text(), bad[i].hint));
    }
    assert_string_equal(out, "as before");
}

static void a_fingerprint_can_be_typed_as_people_type(void **state)
{
    uint8_t pk[KEY_BYTES] = {7}, print[FINGERPRINT_BYTES], again[FINGERPRINT_BYTES];
    char text[FINGERPRINT_CHARS + 1], lower[FINGERPRINT_CHARS + 1];
    size_t at = 0;

    (void)state;
    fingerprint(text, pk);
    fingerprint_bytes(print, pk);
    assert_int_equal(fingerprint_read(again, text), OK);
    assert_memory_equal(print, again, sizeof(print));
    for (const char *c = text; *c != '\0'; c++) /* lower case, no hyphens */
        if (*c != '-')
            lower[at++] = *c >= 'A' ? (char)(*c - 'A' + 'a') : *c;
    lower[at] = '\0';
    memset(again, 0, sizeof(again));
    assert_int_equal(fingerprint_read(again, lower), OK);
    assert_memory_equal(print, again, sizeof(print));
    lower[at - 1] = '\0';
    assert_int_equal(fingerprint_read(again, lower), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "32 letters and digits are expected, 31"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_dumps_are_off_after_the_start),
        cmocka_unit_test(memory_is_closed_to_other_processes_of_the_same_user),
        cmocka_unit_test(a_key_that_cannot_be_locked_is_told_once),
        cmocka_unit_test(a_credential_stands_in_for_a_file_and_only_when_asked_to),
        cmocka_unit_test(a_digest_is_blake2b_of_32_bytes),
        cmocka_unit_test(domains_and_keys_separate_digests),
        cmocka_unit_test(a_seed_gives_the_same_key_and_random_ones_differ),
        cmocka_unit_test(every_kind_of_key_reads_back_from_its_file),
        cmocka_unit_test(a_key_file_that_others_may_read_is_refused),
        cmocka_unit_test(a_damaged_key_file_is_refused),
        cmocka_unit_test(a_name_of_two_lines_is_a_mistake_of_ours),
        cmocka_unit_test(a_signature_holds_for_its_key_domain_and_bytes_only),
        cmocka_unit_test(locked_bytes_open_with_their_key_and_context_only),
        cmocka_unit_test(what_is_locked_twice_never_looks_the_same),
        cmocka_unit_test(a_sealed_thing_opens_for_its_recipient_only),
        cmocka_unit_test(fingerprints_are_eight_groups_of_four),
        cmocka_unit_test(codes_survive_being_typed),
        cmocka_unit_test(codes_that_are_none_are_refused_with_the_letter_that_is_wrong),
        cmocka_unit_test(a_fingerprint_can_be_typed_as_people_type),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
