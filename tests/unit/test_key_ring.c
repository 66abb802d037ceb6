/* test_key_ring.c: which keys a hub has and had: kept whole or not at all, and no signing key counts that the root did
 * not certify (invariant 6). */
#include "hub/key_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct key_ring *new_ring(void)
{
    struct key_ring *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    assert_int_equal(keys_start(), OK);
    return r;
}

static struct ring_key *add_seal(struct key_ring *r, int32_t year, uint8_t mark)
{
    uint8_t key[KEY_BYTES];
    struct ring_key *k = NULL;

    memset(key, mark, sizeof(key));
    assert_int_equal(ring_add(r, RING_SEAL, RING_OLD, key, 1000 + mark, &k), OK);
    k->ordinal = ring_next_ordinal(r, year);
    k->year = year;
    ring_settle_seal(r);
    return k;
}

static void the_newest_sealing_key_that_is_left_is_the_current_one(void **state)
{
    struct key_ring *r = new_ring();
    struct ring_key *first = add_seal(r, 2026, 1);
    struct ring_key *second = add_seal(r, 2026, 2);
    struct ring_key *older = add_seal(r, 2025, 3);

    (void)state;
    assert_int_equal(first->ordinal, 1);
    assert_int_equal(second->ordinal, 2);
    assert_ptr_equal(ring_current(r, RING_SEAL), second);
    second->state = RING_LOST;
    ring_settle_seal(r);
    assert_ptr_equal(ring_current(r, RING_SEAL), first);
    first->state = RING_ERASED;
    ring_settle_seal(r);
    assert_ptr_equal(ring_current(r, RING_SEAL), older);
    assert_int_equal(second->state, RING_LOST);
    free(r);
}

static void files_and_names_of_sealing_keys_go_both_ways(void **state)
{
    static const char *const bad_files[] = {"seal-2026",      "seal-26.key",         "seal-2026-1.key",
                                            "seal-2026-.key", "seal-2026-99999.key", "seal-2026.key~",
                                            "sign.key",       "seal-x026.key"};
    static const char *const bad_names[] = {"", "26", "2026-1", "2026-", "2026x", "-2026"};
    struct key_ring *r = new_ring();
    struct ring_key *second;
    struct ring_key *found = NULL;
    char file[RING_FILE_MAX];
    int32_t year;
    uint32_t ordinal;

    (void)state;
    (void)add_seal(r, 2026, 1);
    second = add_seal(r, 2026, 2);
    ring_file(file, second);
    assert_string_equal(file, "seal-2026-2.key");
    assert_true(ring_seal_file(file, &year, &ordinal));
    assert_int_equal(year, 2026);
    assert_int_equal(ordinal, 2);
    assert_true(ring_seal_file("seal-2027.key", &year, &ordinal));
    assert_int_equal(ordinal, 1);
    for (size_t i = 0; i < COUNT(bad_files); i++)
        if (ring_seal_file(bad_files[i], &year, &ordinal))
            fail_msg("%s passed", bad_files[i]);
    assert_int_equal(ring_named(r, "2026-2", &found), OK);
    assert_ptr_equal(found, second);
    assert_int_equal(ring_named(r, "2026-3", &found), ERR_NOT_FOUND);
    for (size_t i = 0; i < COUNT(bad_names); i++)
        assert_int_equal(ring_named(r, bad_names[i], &found), ERR_USAGE);
    free(r);
}

static void a_ring_comes_back_as_it_was_and_a_cut_one_not_at_all(void **state)
{
    static const struct key_ring empty;
    struct key_ring *r = new_ring();
    struct key_ring *back = new_ring();
    uint8_t curve[KEY_BYTES] = {9};
    struct buf bytes;

    (void)state;
    (void)add_seal(r, 2025, 1);
    (void)add_seal(r, 2026, 2);
    assert_int_equal(ring_add(r, RING_CURVE, RING_CURRENT, curve, 5, NULL), OK);
    curve[1] = 1;
    assert_int_equal(ring_add(r, RING_CURVE, RING_NEXT, curve, 6, NULL), OK);
    assert_int_equal(ring_next(r)->since_ms, 6);
    r->curve.stage = CURVE_BOTH;
    r->curve.version = 12;
    (void)snprintf(r->curve.listen, sizeof(r->curve.listen), "tcp://*:1");
    (void)snprintf(r->curve.announce, sizeof(r->curve.announce), "tcp://hub:1");
    buf_init(&bytes, 1 << 16);
    assert_int_equal(ring_encode(&bytes, r), OK);
    assert_int_equal(ring_decode(back, bytes_of(bytes.data, bytes.len)), OK);
    assert_memory_equal(back, r, sizeof(*r));
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(ring_decode(back, bytes_of(bytes.data, len)), ERR_MALFORMED);
        assert_memory_equal(back, &empty, sizeof(empty));
    }
    buf_fini(&bytes);
    free(back);
    free(r);
}

static void a_ring_is_full_after_256_keys(void **state)
{
    struct key_ring *r = new_ring();
    uint8_t key[KEY_BYTES] = {0};

    (void)state;
    for (unsigned i = 0; i < RING_MAX; i++)
        assert_int_equal(ring_add(r, RING_SIGN, RING_CURRENT, key, (int64_t)i + 1, NULL), OK);
    assert_int_equal(ring_add(r, RING_SIGN, RING_CURRENT, key, 999, NULL), ERR_LIMIT);
    assert_int_equal(ring_current(r, RING_SIGN)->since_ms, RING_MAX);
    assert_int_equal(r->keys[0].until_ms, 2);
    free(r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_sealing_key_that_is_left_is_the_current_one),
        cmocka_unit_test(files_and_names_of_sealing_keys_go_both_ways),
        cmocka_unit_test(a_ring_comes_back_as_it_was_and_a_cut_one_not_at_all),
        cmocka_unit_test(a_ring_is_full_after_256_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
