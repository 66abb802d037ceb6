#include "protocol/batch.h"

#include "common/clock.h"
#include "protocol/block.h"
#include "protocol/keys_internal.h"
#include "tests/unit/batch_fixture.h"

#include <sodium.h>
#include <zstd.h>

/* ---- there and back ---- */

static void records_come_back_with_number_and_section(void **state)
{
    static const char *const classes[] = {"default", "long", "answers_1.0-x"};
    struct buf kept[60];
    struct batch_header h;
    struct section_keys keys;
    struct batch_plain *p;
    uint64_t number = 0;

    (void)state;
    draws = (uint64_t)clock_mono_ns();
    print_message("seed %llu\n", (unsigned long long)draws);
    batch_maker_reset(maker);
    for (unsigned i = 0; i < 60; i++) {
        number += i % 20 == 19 ? 2 : 1;
        add_random(number, classes[i * i % 3]);
        buf_init(&kept[i], RECORD_MAX);
        buf_put(&kept[i], record.data, record.len);
    }
    assert_int_equal(batch_maker_last_number(maker), number);
    seal_all();
    assert_int_equal(batch_parse(&h, view(&out)), OK);
    assert_int_equal(h.range_count, 4);
    assert_int_equal(h.section_count, 2); /* squares are 0 or 1 modulo 3 */
    assert_string_equal(h.participant, "school-07");
    assert_int_equal(h.sequence, 1);
    assert_int_equal(batch_verify(&h, view(&out), key_public(sign)), OK);
    assert_int_equal(batch_section_keys(&keys, &h, view(&out), seal), OK);
    assert_int_equal(batch_open(&p, &h, view(&out), &keys, ~0u), OK);
    assert_int_equal(batch_plain_count(p), 60);
    assert_true(batch_plain_bytes(p) > 60 * 60);
    number = 0;
    for (uint32_t i = 0; i < 60; i++) {
        uint64_t got;
        uint32_t section;
        struct bytes bytes = batch_plain_record(p, i, &got, &section);

        number += i % 20 == 19 ? 2 : 1;
        assert_true(got == number);
        assert_string_equal(h.sections[section].retention, classes[i * i % 3]);
        assert_int_equal(bytes.len, kept[i].len);
        assert_memory_equal(bytes.p, kept[i].data, bytes.len);
        buf_fini(&kept[i]);
    }
    batch_plain_free(p);
    batch_header_fini(&h);
}

static void single_sections_open_by_themselves(void **state)
{
    struct batch_header h;
    struct section_keys keys;
    struct batch_plain *p;
    uint64_t number;
    uint32_t section;

    (void)state;
    make_small();
    assert_int_equal(batch_parse(&h, view(&out)), OK);
    assert_int_equal(batch_section_keys(&keys, &h, view(&out), seal), OK);
    memset(keys.key[0], 0, KEY_BYTES); /* erased: only the other one is left */
    assert_int_equal(batch_open(&p, &h, view(&out), &keys, ~0u), ERR_AUTH);
    assert_non_null(strstr(err_text(), "section 0 (default)"));
    assert_int_equal(batch_open(&p, &h, view(&out), &keys, 1u << 1), OK);
    assert_int_equal(batch_plain_count(p), 1);
    (void)batch_plain_record(p, 0, &number, &section);
    assert_int_equal(number, 2);
    assert_int_equal(section, 1);
    batch_plain_free(p);
    assert_int_equal(batch_open(&p, &h, view(&out), &keys, 0), OK);
    assert_int_equal(batch_plain_count(p), 0);
    batch_plain_free(p);
    batch_header_fini(&h);
}

static void the_digest_is_over_all_bytes(void **state)
{
    uint8_t a[DIGEST_BYTES];
    uint8_t b[DIGEST_BYTES];

    (void)state;
    make_small();
    batch_digest(a, view(&out));
    out.data[out.len - 1] ^= 1;
    batch_digest(b, view(&out));
    assert_memory_not_equal(a, b, DIGEST_BYTES);
}

/* ---- invariant 6: forged, altered, replayed and foreign batches are refused ---- */

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    make_small();
    assert_int_equal(try_receive(view(&out)), OK);
    for (size_t i = 0; i < out.len * 8; i++) {
        out.data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(try_receive(view(&out)), OK);
        out.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

/* Even its own author cannot change a header or a sealed byte afterwards: the keys depend on all of it. */
static void every_flipped_bit_is_refused_under_a_new_signature(void **state)
{
    (void)state;
    make_small();
    for (size_t i = 0; i < (out.len - SIGNATURE_BYTES) * 8; i++) {
        out.data[i / 8] ^= (uint8_t)(1u << i % 8);
        sign_again(sign);
        assert_int_not_equal(try_receive(view(&out)), OK);
        out.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    sign_again(sign);
    assert_int_equal(try_receive(view(&out)), OK);
}

static void every_truncation_and_every_extension_is_refused(void **state)
{
    size_t whole;

    (void)state;
    make_small();
    whole = out.len;
    for (size_t len = 0; len < whole; len++) {
        uint8_t *exact = malloc(len + 1); /* so that a byte too far is seen */

        assert_non_null(exact);
        memcpy(exact, out.data, len);
        assert_int_equal(try_receive((struct bytes){exact, len}), ERR_MALFORMED);
        free(exact);
    }
    assert_int_equal(try_receive((struct bytes){NULL, 0}), ERR_MALFORMED);
    for (unsigned more = 1; more < 70; more++) {
        buf_put_u8(&out, 0);
        sign_again(sign);
        assert_int_equal(try_receive(view(&out)), ERR_MALFORMED);
    }
}

/* Where the 32 bytes of a key stand in the header. */
static uint8_t *find(const uint8_t *bytes, size_t len)
{
    uint8_t *at = memmem(out.data, out.len, bytes, len);

    assert_non_null(at);
    return at;
}

static void a_batch_signed_again_by_another_is_refused(void **state)
{
    struct batch_plain *p = NULL;

    (void)state;
    make_small();
    sign_again(other_sign);
    assert_int_equal(try_receive(view(&out)), ERR_AUTH);
    memcpy(find(key_public(sign), KEY_BYTES), key_public(other_sign), KEY_BYTES);
    sign_again(other_sign);
    assert_int_equal(try_receive(view(&out)), ERR_AUTH);
    /* An enrolled school that claims another's batch for its own: the signature holds, but nothing opens. */
    assert_int_equal(receive(view(&out), other_sign, seal, &p), ERR_AUTH);
    assert_non_null(strstr(err_text(), "does not open"));
}

static void a_batch_for_another_hub_or_district_is_refused(void **state)
{
    struct batch_plain *p = NULL;
    uint8_t district[16];

    (void)state;
    make_small();
    assert_int_equal(receive(view(&out), sign, other_seal, &p), ERR_AUTH);
    assert_int_equal(receive(view(&out), sign, sign, &p), ERR_AUTH);
    memset(district, 0xd1, sizeof(district));
    find(district, sizeof(district))[0] = 0xd2;
    sign_again(sign);
    assert_int_equal(try_receive(view(&out)), ERR_AUTH);
    make_small();
    memcpy(find(key_public(seal), KEY_BYTES), key_public(other_seal), KEY_BYTES);
    sign_again(sign);
    assert_int_equal(receive(view(&out), sign, other_seal, &p), ERR_AUTH);
}

static void sections_and_chunks_do_not_change_places(void **state)
{
    struct batch_header h;
    uint8_t *a;

    (void)state;
    batch_maker_reset(maker);
    put_noise(5000);
    assert_int_equal(batch_maker_add(maker, 1, "a", view(&record)), OK);
    put_noise(5000);
    assert_int_equal(batch_maker_add(maker, 2, "b", view(&record)), OK);
    seal_all();
    assert_int_equal(batch_parse(&h, view(&out)), OK);
    assert_int_equal(h.sections[0].sealed_len, h.sections[1].sealed_len);
    a = out.data + batch_clear_len(view(&out));
    for (uint32_t i = 0; i < h.sections[0].sealed_len; i++) {
        uint8_t byte = a[i];

        a[i] = a[i + h.sections[0].sealed_len];
        a[i + h.sections[0].sealed_len] = byte;
    }
    batch_header_fini(&h);
    sign_again(sign);
    assert_int_equal(try_receive(view(&out)), ERR_AUTH);

    batch_maker_reset(maker);
    for (unsigned i = 1; i <= 4; i++) {
        put_noise(50000);
        assert_int_equal(batch_maker_add(maker, i, "a", view(&record)), OK);
    }
    seal_all();
    assert_int_equal(try_receive(view(&out)), OK);
    a = out.data + batch_clear_len(view(&out)) + STREAM_HEADER_BYTES;
    for (uint32_t i = 0; i < BATCH_CHUNK + STREAM_CHUNK_EXTRA; i++) {
        uint8_t byte = a[i];

        a[i] = a[i + BATCH_CHUNK + STREAM_CHUNK_EXTRA];
        a[i + BATCH_CHUNK + STREAM_CHUNK_EXTRA] = byte;
    }
    sign_again(sign);
    assert_int_equal(try_receive(view(&out)), ERR_AUTH);
}

static void unusable_keys_are_refused(void **state)
{
    struct batch_seal s = sealing();
    struct batch_header h;
    struct section_keys keys;
    uint32_t taken;
    size_t before;

    (void)state;
    make_small();
    assert_int_equal(batch_parse(&h, view(&out)), OK);
    memset(&keys, 0, sizeof(keys));
    before = out.len;
    memset(h.ephemeral, 0, KEY_BYTES); /* a point of low order */
    assert_int_equal(batch_section_keys(&keys, &h, view(&out), seal), ERR_AUTH);
    batch_header_fini(&h);
    memset(s.seal_to, 0, KEY_BYTES);
    assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), ERR_AUTH);
    assert_int_equal(out.len, before);
    s = sealing();
    s.sequence = 2; /* and no digest of the first */
    assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), ERR_INTERNAL);
    s = sealing();
    s.sign = seal;
    assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), ERR_INTERNAL);
    s = sealing();
    s.participant = "no id";
    assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), ERR_INTERNAL);
    assert_int_equal(out.len, before);
}

/* ---- the stream of a section, against libsodium itself ---- */

#define STREAM_PLAIN (2 * BATCH_CHUNK + 5000)

/* Pushes three chunks by hand, with these tags and the chunks' indexes plus `shift` as associated data. */
static enum err unseal_handmade(const uint8_t tags[3], uint32_t shift)
{
    static uint8_t plain[STREAM_PLAIN];
    static uint8_t opened[STREAM_PLAIN];
    static uint8_t sealed[STREAM_HEADER_BYTES + STREAM_PLAIN + 3 * STREAM_CHUNK_EXTRA];
    crypto_secretstream_xchacha20poly1305_state stream;
    uint8_t key[KEY_BYTES] = {9};
    uint8_t *at = sealed + STREAM_HEADER_BYTES;
    enum err e;

    random_bytes(plain, sizeof(plain));
    assert_int_equal(crypto_secretstream_xchacha20poly1305_init_push(&stream, sealed, key), 0);
    for (uint32_t i = 0; i < 3; i++) {
        size_t len = i < 2 ? BATCH_CHUNK : 5000;
        uint8_t place[4];

        be32_put(place, i + shift);
        assert_int_equal(crypto_secretstream_xchacha20poly1305_push(&stream, at, NULL, plain + i * BATCH_CHUNK, len,
                                                                    place, sizeof(place), tags[i]),
                         0);
        at += len + STREAM_CHUNK_EXTRA;
    }
    e = section_unseal(opened, key, (struct bytes){sealed, sizeof(sealed)});
    if (e == OK)
        assert_memory_equal(opened, plain, sizeof(plain));
    return e;
}

/* Pitfall 4.5: the end is marked, and every chunk knows its place. */
static void the_stream_of_a_section_is_the_one_specified(void **state)
{
    static const uint8_t final = crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    static const uint8_t push = crypto_secretstream_xchacha20poly1305_TAG_PUSH;

    (void)state;
    assert_int_equal(unseal_handmade((const uint8_t[]){0, 0, final}, 0), OK);
    assert_int_equal(unseal_handmade((const uint8_t[]){0, 0, final}, 1), ERR_AUTH);
    assert_int_equal(unseal_handmade((const uint8_t[]){0, 0, 0}, 0), ERR_AUTH);
    assert_int_equal(unseal_handmade((const uint8_t[]){0, final, final}, 0), ERR_AUTH);
    assert_int_equal(unseal_handmade((const uint8_t[]){push, 0, final}, 0), ERR_AUTH);
}

static void what_is_sealed_here_opens_by_the_specification(void **state)
{
    static uint8_t plain[STREAM_PLAIN];
    static uint8_t opened[BATCH_CHUNK];
    crypto_secretstream_xchacha20poly1305_state stream;
    uint8_t key[KEY_BYTES] = {7};
    const uint8_t *at;

    (void)state;
    random_bytes(plain, sizeof(plain));
    buf_reset(&out);
    assert_int_equal(section_seal(&out, key, NULL, (struct bytes){plain, sizeof(plain)}), OK);
    assert_int_equal(out.len, section_sealed_len(sizeof(plain)));
    assert_int_equal(crypto_secretstream_xchacha20poly1305_init_pull(&stream, out.data, key), 0);
    at = out.data + STREAM_HEADER_BYTES;
    for (uint32_t i = 0; i < 3; i++) {
        size_t len = i < 2 ? BATCH_CHUNK : 5000;
        uint8_t place[4];
        uint8_t tag;

        be32_put(place, i);
        assert_int_equal(crypto_secretstream_xchacha20poly1305_pull(&stream, opened, NULL, &tag, at,
                                                                    len + STREAM_CHUNK_EXTRA, place, sizeof(place)),
                         0);
        assert_memory_equal(opened, plain + i * BATCH_CHUNK, len);
        assert_int_equal(tag, i < 2 ? 0 : crypto_secretstream_xchacha20poly1305_TAG_FINAL);
        at += len + STREAM_CHUNK_EXTRA;
    }
}

/* ---- what a hostile, enrolled sender can put together ---- */

struct craft {
    struct number_range ranges[3];
    struct batch_header h;
    struct buf packed; /* of section 0 */
};

static void craft_begin(struct craft *c)
{
    memset(c, 0, sizeof(*c));
    c->h.version = BATCH_VERSION;
    c->h.suite = SUITE_1;
    strcpy(c->h.participant, "school-07");
    c->h.gen.counter = 1;
    c->h.sequence = 1;
    memcpy(c->h.sign_key, key_public(sign), KEY_BYTES);
    memcpy(c->h.seal_key, key_public(seal), KEY_BYTES);
    c->ranges[0] = (struct number_range){1, 2};
    c->h.ranges = c->ranges;
    c->h.range_count = 1;
    c->h.section_count = 1;
    strcpy(c->h.sections[0].retention, "default");
    c->h.sections[0].records = 2;
    buf_init(&c->packed, 128u << 20);
}

static void craft_frame(struct craft *c, const void *plain, size_t len)
{
    uint8_t *at = buf_grow(&c->packed, ZSTD_compressBound(len));
    size_t n = ZSTD_compress(at, ZSTD_compressBound(len), plain, len, 3);

    assert_false(ZSTD_isError(n));
    c->packed.len -= ZSTD_compressBound(len) - n;
    c->h.sections[0].plain_len += (uint32_t)len;
}

/* Header as it is in `h`, the section sealed as it should be, signed. */
static enum err craft_end(struct craft *c)
{
    uint8_t shared[KEY_BYTES];
    uint8_t key[KEY_BYTES];
    struct key *ephemeral;
    enum err e;

    assert_int_equal(key_generate(&ephemeral, KEY_SEAL), OK);
    memcpy(c->h.ephemeral, key_public(ephemeral), KEY_BYTES);
    assert_int_equal(key_shared(shared, ephemeral, key_public(seal)), OK);
    if (c->h.sections[0].packed_len == 0)
        c->h.sections[0].packed_len = (uint32_t)c->packed.len;
    buf_reset(&out);
    assert_int_equal(batch_header_put(&out, &c->h), OK);
    section_key(key, shared, 0, view(&out));
    assert_int_equal(section_seal(&out, key, NULL, view(&c->packed)), OK);
    memset(buf_grow(&out, SIGNATURE_BYTES), 0, SIGNATURE_BYTES);
    sign_again(sign);
    e = try_receive(view(&out));
    key_free(ephemeral);
    buf_fini(&c->packed);
    return e;
}

/* One column of nil, two rows, numbers 1 and 2. */
static const uint8_t two_rows[] = {1, 2, 3, 2, 2, 0x01};
static const uint8_t row_one[] = {1, 1, 0, 2, 0x01};
static const uint8_t row_two[] = {1, 1, 0, 4, 0x01};

static void a_crafted_batch_without_a_fault_is_read(void **state)
{
    struct craft c;
    uint8_t both[sizeof(row_one) * 2];

    (void)state;
    craft_begin(&c);
    craft_frame(&c, two_rows, sizeof(two_rows));
    assert_int_equal(craft_end(&c), OK);
    memcpy(both, row_two, sizeof(row_two)); /* two blocks, not in the order of their numbers */
    memcpy(both + sizeof(row_two), row_one, sizeof(row_one));
    craft_begin(&c);
    craft_frame(&c, both, sizeof(both));
    assert_int_equal(craft_end(&c), OK);
}

static void sections_that_are_not_what_the_header_says_are_refused(void **state)
{
    struct craft c;
    uint8_t trailing[sizeof(two_rows) + 1] = {0};
    uint8_t twice[sizeof(row_one) * 2];

    (void)state;
    memcpy(trailing, two_rows, sizeof(two_rows));
    memcpy(twice, row_one, sizeof(row_one));
    memcpy(twice + sizeof(row_one), row_one, sizeof(row_one));
#define CRAFT(plain, change)                                                                                           \
    do {                                                                                                               \
        craft_begin(&c);                                                                                               \
        craft_frame(&c, plain, sizeof(plain));                                                                         \
        change;                                                                                                        \
        assert_int_equal(craft_end(&c), ERR_MALFORMED);                                                                \
    } while (0)
    CRAFT(trailing, (void)0);
    CRAFT(twice, (void)0);
    CRAFT(two_rows, c.h.sections[0].plain_len++);
    CRAFT(two_rows, c.h.sections[0].plain_len--);
    CRAFT(two_rows, c.ranges[0].first = 2);
    CRAFT(row_one, (void)0);
    CRAFT(two_rows, (c.h.sections[0].records = 3, c.ranges[0].count = 3));
    CRAFT(two_rows, c.packed.data[c.packed.len - 1] ^= 0x40);
    CRAFT(two_rows, buf_put_u8(&c.packed, 0));                 /* bytes behind the frame */
    CRAFT(row_one, craft_frame(&c, row_two, sizeof(row_two))); /* two frames */
    CRAFT(two_rows, c.packed.data[0] ^= 1);                    /* no frame */
    craft_begin(&c);
    craft_frame(&c, two_rows, sizeof(two_rows));
    c.h.sections[0].records = 1;
    c.ranges[0].count = 1;
    assert_int_equal(craft_end(&c), ERR_LIMIT); /* a block of more records than were announced */
}

/* Pitfall 4.12: a frame says its size, and the size is the header's. */
static void a_frame_of_zeros_does_not_unfold(void **state)
{
    struct craft c;
    uint8_t *zeros = calloc(1, 64u << 20);

    (void)state;
    assert_non_null(zeros);
    craft_begin(&c);
    craft_frame(&c, zeros, 64u << 20);
    c.h.sections[0].plain_len = 100;
    assert_int_equal(craft_end(&c), ERR_MALFORMED);
    craft_begin(&c);
    craft_frame(&c, zeros, BATCH_MAX_PLAIN + 1);
    assert_int_equal(craft_end(&c), ERR_MALFORMED);
    free(zeros);
}

static void headers_that_contradict_themselves_are_refused(void **state)
{
    struct craft c;

    (void)state;
#define HEAD(change)                                                                                                   \
    do {                                                                                                               \
        craft_begin(&c);                                                                                               \
        craft_frame(&c, two_rows, sizeof(two_rows));                                                                   \
        change;                                                                                                        \
        assert_int_equal(craft_end(&c), ERR_MALFORMED);                                                                \
    } while (0)
    HEAD(c.h.sequence = 0);
    HEAD(c.h.sequence = 2);
    HEAD(c.h.previous[3] = 1);
    HEAD(c.h.gen.counter = 0);
    HEAD(strcpy(c.h.participant, "a b"));
    HEAD(c.h.participant[0] = '\0');
    HEAD(c.h.closed_ms = INT64_MAX);
    HEAD(c.ranges[0].count = 3);
    HEAD(c.ranges[0].count = 1);
    HEAD(c.ranges[0].count = 0);
    HEAD(c.ranges[0].first = 0);
    HEAD(c.ranges[0].first = INT64_MAX);
    HEAD(c.h.range_count = 0);
    HEAD((c.h.void_count = 1, c.ranges[1] = (struct number_range){2, 1}));
    HEAD((c.h.void_count = 2, c.ranges[1] = (struct number_range){9, 1}, c.ranges[2] = (struct number_range){9, 1}));
    HEAD((c.h.void_count = 1, c.ranges[1] = (struct number_range){5, INT64_MAX}));
    HEAD(c.h.sections[0].records = 0);
    HEAD(c.h.sections[0].packed_len = (uint32_t)c.packed.len + 1);
    HEAD(c.h.sections[0].packed_len = (uint32_t)c.packed.len - 1);
    HEAD(c.h.sections[0].packed_len = BATCH_MAX_SEALED + 1);
    HEAD(c.h.sections[0].plain_len = BATCH_MAX_PLAIN + 1);
    HEAD(c.h.sections[0].retention[0] = '\0');
    HEAD(strcpy(c.h.sections[0].retention, "a b"));
    HEAD((c.h.section_count = 2, c.h.sections[1] = c.h.sections[0]));
    HEAD(c.h.section_count = 0);
}

static void limits_of_a_header_are_kept(void **state)
{
    struct craft c;
    uint8_t *large = calloc(1, BATCH_MAX_SEALED + 1);

    (void)state;
    assert_non_null(large);
    craft_begin(&c);
    craft_frame(&c, two_rows, sizeof(two_rows));
    c.h.sections[0].plain_len = BATCH_MAX_PLAIN;
    c.h.sections[1] = c.h.sections[0];
    strcpy(c.h.sections[1].retention, "b");
    c.h.section_count = 2;
    c.h.sections[1].packed_len = 1;
    assert_int_equal(craft_end(&c), ERR_LIMIT);
    craft_begin(&c);
    craft_frame(&c, two_rows, sizeof(two_rows));
    c.ranges[0].count = BATCH_MAX_RECORDS + 1;
    assert_int_equal(craft_end(&c), ERR_LIMIT);
    memcpy(large, BATCH_MAGIC, 4);
    assert_int_equal(try_receive((struct bytes){large, BATCH_MAX_SEALED + 1}), ERR_LIMIT);
    free(large);
}

static void other_versions_are_told_from_garbage(void **state)
{
    (void)state;
    make_small();
    out.data[4] = 2;
    assert_int_equal(try_receive(view(&out)), ERR_VERSION);
    out.data[4] = 1;
    out.data[5] = 2;
    assert_int_equal(try_receive(view(&out)), ERR_VERSION);
    out.data[0] = 'X';
    assert_int_equal(try_receive(view(&out)), ERR_MALFORMED);
}

/* SPEC 2.3: fields added at the end by a later version of the same major format are passed over. */
static void unknown_fields_at_the_end_of_the_header_are_ignored(void **state)
{
    struct batch_header h;
    size_t clear;

    (void)state;
    make_small();
    clear = batch_clear_len(view(&out));
    assert_int_equal(out.data[8], 0x9d); /* 13 fields */
    out.data[8] = 0x9e;
    assert_non_null(buf_grow(&out, 1));
    memmove(out.data + clear + 1, out.data + clear, out.len - 1 - clear);
    out.data[clear] = 0xc0;
    out.data[7]++;
    sign_again(sign);
    assert_int_equal(batch_parse(&h, view(&out)), OK);
    assert_int_equal(h.section_count, 2);
    batch_header_fini(&h);
    out.data[clear] = 0xc1;
    assert_int_equal(batch_parse(&h, view(&out)), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_with_number_and_section),
        cmocka_unit_test(single_sections_open_by_themselves),
        cmocka_unit_test(the_digest_is_over_all_bytes),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused_under_a_new_signature),
        cmocka_unit_test(every_truncation_and_every_extension_is_refused),
        cmocka_unit_test(a_batch_signed_again_by_another_is_refused),
        cmocka_unit_test(a_batch_for_another_hub_or_district_is_refused),
        cmocka_unit_test(sections_and_chunks_do_not_change_places),
        cmocka_unit_test(unusable_keys_are_refused),
        cmocka_unit_test(the_stream_of_a_section_is_the_one_specified),
        cmocka_unit_test(what_is_sealed_here_opens_by_the_specification),
        cmocka_unit_test(a_crafted_batch_without_a_fault_is_read),
        cmocka_unit_test(sections_that_are_not_what_the_header_says_are_refused),
        cmocka_unit_test(a_frame_of_zeros_does_not_unfold),
        cmocka_unit_test(headers_that_contradict_themselves_are_refused),
        cmocka_unit_test(limits_of_a_header_are_kept),
        cmocka_unit_test(other_versions_are_told_from_garbage),
        cmocka_unit_test(unknown_fields_at_the_end_of_the_header_are_ignored),
    };

    return cmocka_run_group_tests(tests, batch_start, batch_stop);
}
