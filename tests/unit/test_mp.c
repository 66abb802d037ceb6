#include "protocol/mp.h"

#include "common/clock.h"
#include "common/value.h"

#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(...) ((struct bytes){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})

static bool accepts(struct bytes in)
{
    struct mp m = mp_of(in);

    (void)mp_any(&m);
    return mp_done(&m);
}

static void refuse(struct bytes in)
{
    assert_false(accepts(in));
}

/* ---- writing and reading back ---- */

static const uint64_t edges[] = {0,
                                 1,
                                 31,
                                 32,
                                 33,
                                 127,
                                 128,
                                 129,
                                 255,
                                 256,
                                 32767,
                                 32768,
                                 32769,
                                 65535,
                                 65536,
                                 INT32_MAX,
                                 UINT64_C(1) << 31,
                                 (UINT64_C(1) << 31) + 1,
                                 UINT32_MAX,
                                 UINT64_C(1) << 32,
                                 INT64_MAX,
                                 UINT64_C(1) << 63,
                                 UINT64_MAX};

static void integers_read_back_in_their_shortest_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        struct buf b;
        struct mp m;
        int64_t negative = (int64_t)(0 - edges[i]);

        buf_init(&b, 64);
        mp_put_uint(&b, edges[i]);
        m = mp_of((struct bytes){b.data, b.len});
        assert_int_equal(mp_peek(&m), MP_UINT);
        assert_true(mp_uint(&m, UINT64_MAX) == edges[i] && mp_done(&m));
        buf_reset(&b);
        mp_put_int(&b, negative);
        m = mp_of((struct bytes){b.data, b.len});
        assert_int_equal(mp_peek(&m), negative < 0 ? MP_NEGATIVE : MP_UINT);
        assert_true(mp_int(&m) == negative && mp_done(&m));
        assert_true(accepts((struct bytes){b.data, b.len}));
        buf_fini(&b);
    }
}

static void texts_and_bytes_of_every_length_form_read_back(void **state)
{
    static const size_t lens[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
    static uint8_t text[65536];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct buf b;
        struct mp m;
        struct bytes got;

        buf_init(&b, 200000);
        mp_put_str(&b, (const char *)text, lens[i]);
        mp_put_bin(&b, text, lens[i]);
        m = mp_of((struct bytes){b.data, b.len});
        got = mp_str(&m, lens[i]);
        assert_int_equal(got.len, lens[i]);
        assert_memory_equal(got.p, text, lens[i]);
        got = mp_bin(&m, lens[i]);
        assert_int_equal(got.len, lens[i]);
        assert_true(mp_done(&m));
        if (lens[i] > 0) {
            m = mp_of((struct bytes){b.data, b.len});
            (void)mp_str(&m, lens[i] - 1);
            assert_true(m.failed);
        }
        buf_fini(&b);
    }
}

static void the_other_types_read_back(void **state)
{
    struct buf b;
    struct mp m;
    char text[8];
    uint8_t two[2];

    (void)state;
    buf_init(&b, 1000);
    mp_put_array(&b, 9);
    mp_put_nil(&b);
    mp_put_bool(&b, true);
    mp_put_bool(&b, false);
    mp_put_state(&b, VALUE_NOT_ASKED);
    mp_put_state(&b, VALUE_NOT_APPLICABLE);
    mp_put_cstr(&b, "да");
    mp_put_bin(&b, "ab", 2);
    mp_put_raw(&b, BYTES(0x92, 1, 2));
    mp_put_array(&b, 16);
    for (unsigned i = 0; i < 16; i++)
        mp_put_uint(&b, i);
    m = mp_of((struct bytes){b.data, b.len});
    assert_int_equal(mp_peek(&m), MP_ARRAY);
    assert_int_equal(mp_array(&m, 9, 9), 9);
    assert_true(mp_nil(&m));
    assert_false(mp_nil(&m)); /* looks only */
    assert_true(mp_bool(&m));
    assert_false(mp_bool(&m));
    assert_int_equal(mp_peek(&m), MP_STATE);
    assert_int_equal(mp_state(&m), VALUE_NOT_ASKED);
    assert_int_equal(mp_state(&m), VALUE_NOT_APPLICABLE);
    mp_text(&m, text, 1, 7);
    assert_string_equal(text, "да");
    mp_bin_exact(&m, two, 2);
    assert_memory_equal(two, "ab", 2);
    assert_int_equal(mp_any(&m).len, 3);
    mp_skip(&m, 1);
    assert_true(mp_done(&m));
    assert_int_equal(mp_peek(&m), MP_BAD);
    assert_true(accepts((struct bytes){b.data, b.len}));
    buf_fini(&b);
}

static void a_full_buffer_is_noticed_once_at_the_end(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    mp_put_array(&b, 3);
    mp_put_cstr(&b, "longer than ten bytes");
    mp_put_uint(&b, 1);
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_fini(&b);
}

static void next_describes_each_element(void **state)
{
    struct mp m = mp_of(BYTES(0xa2, 'o', 'k', 0xd0, 0x80, 0x92, 1, 0xc0, 0xd4, 1, 2, 0xc4, 1, 9, 0xc3));
    struct mp_element e = mp_next(&m);

    (void)state;
    assert_int_equal(e.type, MP_STR);
    assert_memory_equal(e.body.p, "ok", 2);
    assert_int_equal(e.whole.len, 3);
    e = mp_next(&m);
    assert_int_equal(e.type, MP_NEGATIVE);
    assert_int_equal((int64_t)e.n, -128);
    e = mp_next(&m);
    assert_int_equal(e.type, MP_ARRAY);
    assert_int_equal(e.n, 2);
    assert_int_equal(e.whole.len, 3);
    e = mp_next(&m);
    assert_int_equal(e.type, MP_STATE);
    assert_int_equal(e.n, 2);
    e = mp_next(&m);
    assert_int_equal(e.type, MP_BIN);
    assert_int_equal(e.body.len, 1);
    assert_int_equal(mp_next(&m).type, MP_TRUE);
    assert_true(mp_done(&m));
    assert_int_equal(mp_next(&m).type, MP_BAD);
    assert_true(m.failed);
}

/* ---- what is refused ---- */

static void over_long_numbers_and_lengths_are_refused(void **state)
{
    (void)state;
    refuse(BYTES(0xcc, 0x7f));
    refuse(BYTES(0xcd, 0x00, 0xff));
    refuse(BYTES(0xce, 0x00, 0x00, 0xff, 0xff));
    refuse(BYTES(0xcf, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff));
    refuse(BYTES(0xd0, 0xe0));
    refuse(BYTES(0xd0, 0x01)); /* not negative */
    refuse(BYTES(0xd1, 0xff, 0x80));
    refuse(BYTES(0xd1, 0x01, 0x00));
    refuse(BYTES(0xd2, 0xff, 0xff, 0x80, 0x00));
    refuse(BYTES(0xd3, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0));
    refuse(BYTES(0xd3, 0, 0, 0, 1, 0, 0, 0, 0));
    refuse(BYTES(0xd9, 0x01, 'x'));
    refuse(BYTES(0xda, 0x00, 0x01, 'x'));
    refuse(BYTES(0xdb, 0x00, 0x00, 0x00, 0x01, 'x'));
    refuse(BYTES(0xc5, 0x00, 0x01, 'x'));
    refuse(BYTES(0xc6, 0x00, 0x00, 0x00, 0x01, 'x'));
    refuse(BYTES(0xdc, 0x00, 0x01, 0xc0));
    refuse(BYTES(0xdd, 0x00, 0x00, 0x00, 0x01, 0xc0));
}

static void types_outside_the_subset_are_refused(void **state)
{
    (void)state;
    refuse(BYTES(0xc1));
    refuse(BYTES(0x80));
    refuse(BYTES(0x81, 1, 1));
    refuse(BYTES(0xde, 0, 0));
    refuse(BYTES(0xdf, 0, 0, 0, 0));
    refuse(BYTES(0xca, 0x7f, 0xc0, 0, 0)); /* NaN */
    refuse(BYTES(0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0));
    refuse(BYTES(0xd4, 0x01, 0x00));
    refuse(BYTES(0xd4, 0x01, 0x04));
    refuse(BYTES(0xd4, 0x02, 0x01));
    refuse(BYTES(0xd5, 0x01, 0x01, 0x01));
    refuse(BYTES(0xd6, 0xff, 0, 0, 0, 0)); /* a timestamp */
    refuse(BYTES(0xc7, 0x01, 0x01, 0x01)); /* a state, over-long */
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    refuse(BYTES(0xa1, 0xff));
    refuse(BYTES(0xa2, 0xc0, 0x80));             /* over-long */
    refuse(BYTES(0xa3, 0xed, 0xa0, 0x80));       /* surrogate */
    refuse(BYTES(0xa4, 0xf4, 0x90, 0x80, 0x80)); /* beyond U+10FFFF */
    refuse(BYTES(0xa1, 0xd0));
    refuse(BYTES(0x91, 0xa1, 0xff));
    assert_true(accepts(BYTES(0xa1, 0x00)));
}

/* Pitfalls 3.1 to 3.5: a count costs nothing before its elements are there. */
static void bombs_are_refused_at_once(void **state)
{
    size_t len = 1u << 20;
    uint8_t *maps = malloc(len);
    uint8_t *nested = malloc(len);

    (void)state;
    assert_non_null(maps);
    assert_non_null(nested);
    refuse(BYTES(0xdf, 0x10, 0x00, 0x00, 0x00));
    refuse(BYTES(0xdd, 0xff, 0x00, 0x00, 0x00));
    refuse(BYTES(0xdc, 0xff, 0xff));
    refuse(BYTES(0xdb, 0xff, 0xff, 0xff, 0xff));
    refuse(BYTES(0xc6, 0xff, 0xff, 0xff, 0xff));
    memset(maps, 0x80, len);
    maps[0] = 0xdd;
    be32_put(maps + 1, (uint32_t)len - 5);
    refuse((struct bytes){maps, len});
    memset(nested, 0x91, len);
    refuse((struct bytes){nested, len});
    free(maps);
    free(nested);
}

static void nesting_ends_at_four_arrays(void **state)
{
    (void)state;
    assert_true(accepts(BYTES(0x91, 0x91, 0x91, 0x91, 0xc0)));
    assert_true(accepts(BYTES(0x91, 0x91, 0x91, 0x90)));
    refuse(BYTES(0x91, 0x91, 0x91, 0x91, 0x90));
    refuse(BYTES(0x91, 0x91, 0x91, 0x91, 0x91, 0xc0));
}

static void truncated_and_trailing_bytes_are_refused(void **state)
{
    static const uint8_t whole[] = {0x99, 0xcd, 1, 2, 0xd3, 0x80, 0,    0,    0, 0, 0,    0, 0, 0xa2, 'o',
                                    'k',  0xc4, 1, 7, 0xd4, 0x01, 0x02, 0xc0, 5, 6, 0xce, 1, 0, 0,    0};
    struct mp m;

    (void)state;
    assert_true(accepts((struct bytes){whole, sizeof(whole)}));
    for (size_t len = 0; len < sizeof(whole); len++)
        refuse((struct bytes){whole, len});
    refuse(BYTES(0xc0, 0xc0));
    refuse((struct bytes){NULL, 0});
    m = mp_of((struct bytes){NULL, 3});
    assert_true(m.failed);
}

static void readers_refuse_other_types_and_values_beyond_their_bounds(void **state)
{
    struct mp m;
    uint8_t two[2] = {1, 1};
    char text[4] = "zzz";

    (void)state;
#define FAILS(in, call)                                                                                                \
    do {                                                                                                               \
        m = mp_of(in);                                                                                                 \
        (void)(call);                                                                                                  \
        assert_true(m.failed);                                                                                         \
        assert_false(mp_done(&m));                                                                                     \
    } while (0)
    FAILS(BYTES(5), mp_uint(&m, 4));
    FAILS(BYTES(0xff), mp_uint(&m, 4));
    FAILS(BYTES(0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0), mp_int(&m));
    FAILS(BYTES(0xa0), mp_int(&m));
    FAILS(BYTES(0xc0), mp_bool(&m));
    FAILS(BYTES(0xc4, 0), mp_str(&m, 9));
    FAILS(BYTES(0xa0), mp_bin(&m, 9));
    FAILS(BYTES(0xc0), mp_state(&m));
    FAILS(BYTES(0x92, 1, 2), mp_array(&m, 0, 1));
    FAILS(BYTES(0x92, 1, 2), mp_array(&m, 3, 9));
    FAILS(BYTES(0x92, 1), mp_array(&m, 0, 9)); /* more elements than bytes */
    m = mp_of(BYTES(0xc4, 1, 7));
    mp_bin_exact(&m, two, 2);
    assert_true(m.failed && two[0] == 0);
    m = mp_of(BYTES(0xa3, 'a', 0, 'b'));
    mp_text(&m, text, 0, 3);
    assert_true(m.failed);
    assert_string_equal(text, "");
    m = mp_of(BYTES(0xa0));
    mp_text(&m, text, 1, 3);
    assert_true(m.failed);
    assert_int_equal(mp_peek(&m), MP_BAD);
    assert_false(mp_nil(&m));
    mp_skip(&m, 1000);
    assert_int_equal(mp_array(&m, 0, 1), 0);
}

/* ---- against msgpack-c ---- */

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static void put_random(struct buf *b, unsigned depth)
{
    switch (draw(depth < 5 ? 9 : 8)) {
    case 0: mp_put_nil(b); break;
    case 1: mp_put_bool(b, draw(2) == 0); break;
    case 2: mp_put_uint(b, edges[draw(sizeof(edges) / sizeof(edges[0]))]); break;
    case 3: mp_put_int(b, (int64_t)(0 - edges[draw(sizeof(edges) / sizeof(edges[0]))])); break;
    case 4: mp_put_str(b, "школа и ещё немного текста", 2 * draw(10)); break;
    case 5: mp_put_bin(b, edges, draw(300) % sizeof(edges)); break;
    case 6: mp_put_state(b, draw(5)); break;
    case 7: buf_put_u8(b, (uint8_t)draw(256)); break;
    case 8: {
        uint32_t n = draw(20);

        mp_put_array(b, n);
        while (n-- > 0)
            put_random(b, depth + 1);
        break;
    }
    }
}

/* True when the object consists of what the subset has, apart from lengths of heads. */
static bool is_in_subset(const msgpack_object *o, unsigned depth)
{
    struct mp m;

    switch (o->type) {
    case MSGPACK_OBJECT_NIL:
    case MSGPACK_OBJECT_BOOLEAN:
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
    case MSGPACK_OBJECT_BIN: return true;
    case MSGPACK_OBJECT_STR: { /* whatever the text, as one short string of its own */
        struct buf b;
        bool is_good;

        buf_init(&b, 1000000);
        mp_put_str(&b, o->via.str.ptr, o->via.str.size);
        m = mp_of((struct bytes){b.data, b.len});
        (void)mp_str(&m, SIZE_MAX);
        is_good = mp_done(&m);
        buf_fini(&b);
        return is_good;
    }
    case MSGPACK_OBJECT_EXT:
        return o->via.ext.type == 1 && o->via.ext.size == 1 && o->via.ext.ptr[0] >= 1 && o->via.ext.ptr[0] <= 3;
    case MSGPACK_OBJECT_ARRAY:
        if (depth >= MP_MAX_DEPTH)
            return false;
        for (uint32_t i = 0; i < o->via.array.size; i++)
            if (!is_in_subset(&o->via.array.ptr[i], depth + 1))
                return false;
        return true;
    case MSGPACK_OBJECT_MAP:
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return false;
    }
    return false;
}

/* msgpack-c's opinion: it reads all of it, finds only what we allow, and writes the same bytes again. */
static bool oracle_accepts(const uint8_t *p, size_t len)
{
    msgpack_unpacked result;
    msgpack_sbuffer again;
    msgpack_packer pk;
    size_t off = 0;
    bool is_good = false;

    msgpack_unpacked_init(&result);
    if (msgpack_unpack_next(&result, (const char *)p, len, &off) == MSGPACK_UNPACK_SUCCESS && off == len &&
        is_in_subset(&result.data, 0)) {
        msgpack_sbuffer_init(&again);
        msgpack_packer_init(&pk, &again, msgpack_sbuffer_write);
        assert_int_equal(msgpack_pack_object(&pk, result.data), 0);
        is_good = again.size == len && memcmp(again.data, p, len) == 0;
        msgpack_sbuffer_destroy(&again);
    }
    msgpack_unpacked_destroy(&result);
    return is_good;
}

static void cursor_and_msgpack_c_agree_on_random_input(void **state)
{
    unsigned accepted = 0;

    (void)state;
    seed = (uint64_t)clock_mono_ns();
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned round = 0; round < 60000; round++) {
        struct buf b;
        uint32_t changes = draw(3);

        buf_init(&b, 100000);
        put_random(&b, round % 7 == 0 ? 3 : 0);
        for (; changes > 0 && b.len > 0; changes--)
            b.data[draw((uint32_t)b.len)] = (uint8_t)draw(256);
        if (b.len > 1 && draw(8) == 0)
            b.len -= 1;
        /* What would make msgpack-c reserve gigabytes is left out; the cursor's word on it is tested above. */
        if (memchr(b.data, 0xdd, b.len) == NULL && memchr(b.data, 0xdf, b.len) == NULL) {
            bool is_ours = accepts((struct bytes){b.data, b.len});

            accepted += is_ours;
            assert_int_equal(is_ours, oracle_accepts(b.data, b.len));
        }
        buf_fini(&b);
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_read_back_in_their_shortest_form),
        cmocka_unit_test(texts_and_bytes_of_every_length_form_read_back),
        cmocka_unit_test(the_other_types_read_back),
        cmocka_unit_test(a_full_buffer_is_noticed_once_at_the_end),
        cmocka_unit_test(next_describes_each_element),
        cmocka_unit_test(over_long_numbers_and_lengths_are_refused),
        cmocka_unit_test(types_outside_the_subset_are_refused),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(bombs_are_refused_at_once),
        cmocka_unit_test(nesting_ends_at_four_arrays),
        cmocka_unit_test(truncated_and_trailing_bytes_are_refused),
        cmocka_unit_test(readers_refuse_other_types_and_values_beyond_their_bounds),
        cmocka_unit_test(cursor_and_msgpack_c_agree_on_random_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
