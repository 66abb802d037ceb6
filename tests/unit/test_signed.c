/* Signed objects: nothing that the hub did not say is believed (invariant 6). */
#include "protocol/signed.h"

#include "tests/unit/protocol_fixture.h"

static const uint8_t payload_bytes[] = {0x92, 0x01, 0x02};
static const struct bytes sample = {payload_bytes, sizeof(payload_bytes)};

static void make(struct buf *out, const struct key *k)
{
    buf_init(out, SIGNED_MAX * 2);
    assert_int_equal(signed_make(out, SIGNED_GRANT, sample, k), OK);
}

static void a_signed_object_opens_with_its_payload(void **state)
{
    struct fixture *f = *state;
    struct bytes payload;
    struct buf b;

    make(&b, f->hub);
    assert_int_equal(b.len, sizeof(payload_bytes) + SIGNED_OVERHEAD);
    assert_memory_equal(b.data, "SVDO\x01\x03\x00\x00\x00\x03\x92\x01\x02", 13);
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_GRANT, key_public(f->hub)), OK);
    assert_int_equal(payload.len, sizeof(payload_bytes));
    assert_memory_equal(payload.p, payload_bytes, sizeof(payload_bytes));
    assert_memory_equal(signed_signer(buf_view(&b)), key_public(f->hub), KEY_BYTES);
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_GRANT, NULL), OK);
    buf_fini(&b);
}

static bool opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct bytes payload;

    return signed_open(&payload, object, SIGNED_GRANT, key_public(f->hub)) == OK ||
           signed_open(&payload, object, SIGNED_GRANT, NULL) == OK;
}

static void a_damaged_object_never_opens(void **state)
{
    struct fixture *f = *state;
    struct buf b;

    make(&b, f->hub);
    refuse_damage(buf_view(&b), opens, f);
    buf_put_u8(&b, 0);
    assert_false(opens(f, buf_view(&b)));
    buf_fini(&b);
}

static void an_object_of_another_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bytes payload;
    struct buf b;

    make(&b, f->school);
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_GRANT, key_public(f->hub)), ERR_AUTH);
    buf_fini(&b);
}

static void an_object_of_another_type_is_refused_also_when_its_type_is_rewritten(void **state)
{
    struct fixture *f = *state;
    struct bytes payload;
    struct buf b;

    make(&b, f->hub);
    for (unsigned t = SIGNED_CERTIFICATE; t <= SIGNED_FIGURES; t++) {
        if (t == SIGNED_GRANT)
            continue;
        b.data[5] = SIGNED_GRANT;
        assert_int_equal(signed_open(&payload, buf_view(&b), (enum signed_type)t, key_public(f->hub)), ERR_AUTH);
        b.data[5] = (uint8_t)t; /* the domain is another one */
        assert_int_equal(signed_open(&payload, buf_view(&b), (enum signed_type)t, key_public(f->hub)), ERR_AUTH);
    }
    buf_fini(&b);
}

static void what_is_wrong_is_told_apart(void **state)
{
    struct fixture *f = *state;
    struct bytes payload;
    struct buf b;

    make(&b, f->hub);
    b.data[0] = 'X';
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_GRANT, NULL), ERR_MALFORMED);
    b.data[0] = 'S';
    b.data[4] = 2;
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_GRANT, NULL), ERR_VERSION);
    b.data[4] = 1;
    b.data[9] = 4;
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_GRANT, NULL), ERR_MALFORMED);
    b.data[9] = 3;
    b.data[b.len - 1] ^= 1;
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_GRANT, NULL), ERR_AUTH);
    assert_non_null(strstr(err_text(), "grant"));
    buf_fini(&b);
}

static void the_largest_object_is_taken_and_one_byte_more_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bytes big, payload;
    struct buf b;

    big.len = SIGNED_MAX - SIGNED_OVERHEAD;
    big.p = calloc(1, big.len + 1);
    buf_init(&b, SIGNED_MAX * 2);
    assert_int_equal(signed_make(&b, SIGNED_RECEIPT, big, f->hub), OK);
    assert_int_equal(b.len, SIGNED_MAX);
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_RECEIPT, NULL), OK);
    buf_put_u8(&b, 0);
    assert_int_equal(signed_open(&payload, buf_view(&b), SIGNED_RECEIPT, NULL), ERR_LIMIT);
    big.len++;
    assert_int_equal(signed_make(&b, SIGNED_RECEIPT, big, f->hub), ERR_LIMIT);
    assert_int_equal(b.len, SIGNED_MAX + 1);
    free((void *)(uintptr_t)big.p);
    buf_fini(&b);
}

static void a_failed_making_leaves_the_buffer_as_before(void **state)
{
    struct fixture *f = *state;
    struct buf small;

    for (size_t room = 0; room < SIGNED_OVERHEAD + sizeof(payload_bytes); room++) {
        buf_init(&small, room + 2);
        buf_put_str(&small, "ab");
        assert_int_not_equal(signed_make(&small, SIGNED_GRANT, sample, f->hub), OK);
        assert_int_equal(small.len, 2);
        buf_fini(&small);
    }
}

static void a_key_that_does_not_sign_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    assert_int_equal(signed_make(&b, SIGNED_GRANT, sample, f->seal), ERR_INTERNAL);
    assert_int_equal(signed_make(&b, (enum signed_type)99, sample, f->hub), ERR_INTERNAL);
    assert_int_equal(b.len, 0);
    assert_null(signed_signer(buf_view(&b)));
    buf_fini(&b);
}

/* SPEC.md section 5.10. */
static void the_certificate_of_the_specification_comes_out_byte_for_byte(void **state)
{
    static const char want[] =
        "5356444f01010000004794c410d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1c4208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a2"
        "5df60f5b8fc9b394cf0000017446f69800cf0000017b9ea7c4008a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b4"
        "0f6f5cd3728629114ae69c4c097e3129ca9fcc2af2cfb2d5e23039307a49e269223afcaeba380d3c0fc5b6c64bdb166016a3944a854aa"
        "dc8b39c0b142c88d75ec6b50e";
    struct key *root = key_of(KEY_SIGN, 1), *hub = key_of(KEY_SIGN, 2);
    uint8_t district[DISTRICT_BYTES];
    struct buf b, hex;
    char print[40];

    (void)state;
    memset(district, 0xD1, sizeof(district));
    buf_init(&b, SIGNED_MAX);
    buf_init(&hex, SIGNED_MAX);
    assert_int_equal(certificate_make(&b, root, district, key_public(hub), 1598918400000, 1630454400000), OK);
    for (size_t i = 0; i < b.len; i++)
        buf_printf(&hex, "%02x", b.data[i]);
    assert_string_equal(buf_cstr(&hex), want);
    fingerprint(print, key_public(root));
    assert_string_equal(print, "MS8V-DKMF-D2QZ-SHVM-M43W-A8EV-X08B-7JG5");
    key_free(root);
    key_free(hub);
    buf_fini(&b);
    buf_fini(&hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_object_opens_with_its_payload),
        cmocka_unit_test(a_damaged_object_never_opens),
        cmocka_unit_test(an_object_of_another_key_is_refused),
        cmocka_unit_test(an_object_of_another_type_is_refused_also_when_its_type_is_rewritten),
        cmocka_unit_test(what_is_wrong_is_told_apart),
        cmocka_unit_test(the_largest_object_is_taken_and_one_byte_more_is_refused),
        cmocka_unit_test(a_failed_making_leaves_the_buffer_as_before),
        cmocka_unit_test(a_key_that_does_not_sign_is_refused),
        cmocka_unit_test(the_certificate_of_the_specification_comes_out_byte_for_byte),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
