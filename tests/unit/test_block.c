#include "protocol/block.h"

#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY (64u << 20)

static uint64_t seed;
static struct block_maker *maker;
static struct buf record, packed, bytes, ends, numbers;
static const struct block_rows rows = {&bytes, &ends, &numbers};

static int start(void **state)
{
    (void)state;
    buf_init(&record, MANY);
    buf_init(&packed, MANY);
    buf_init(&bytes, MANY);
    buf_init(&ends, MANY);
    buf_init(&numbers, MANY);
    return block_maker_new(&maker) == OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    block_maker_free(maker);
    block_maker_free(NULL);
    buf_fini(&record);
    buf_fini(&packed);
    buf_fini(&bytes);
    buf_fini(&ends);
    buf_fini(&numbers);
    return 0;
}

static uint32_t draw(uint32_t below)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32) % below;
}

static uint64_t draw_wide(void)
{
    return (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
}

static struct bytes view(const struct buf *b)
{
    return (struct bytes){b->data, b->len};
}

static enum err decode(struct bytes in, uint32_t max_records, size_t max_plain, uint32_t *count)
{
    struct rd r = rd_of(in.p, in.len);
    enum err e;

    buf_reset(&bytes);
    buf_reset(&ends);
    buf_reset(&numbers);
    e = block_decode(&r, &rows, max_records, max_plain, count);
    return e == OK && rd_left(&r) > 0 ? ERR_INTERNAL : e;
}

/* ---- random matrices ---- */

/* How a column of a random matrix is filled. */
struct habit {
    unsigned kind;
    int64_t base;
    uint64_t span;
};

static void put_element(const struct habit *h, uint32_t row)
{
    static const char words[] = "школа школа школа школа школа школа";
    unsigned kind = h->kind == 20 ? draw(14) : h->kind;

    switch (kind) {
    case 0: mp_put_int(&record, h->base); break;
    case 1: mp_put_int(&record, (int64_t)((uint64_t)h->base + draw_wide() % h->span)); break;
    case 2: mp_put_int(&record, (int64_t)((uint64_t)h->base + row * h->span)); break;
    case 3: mp_put_int(&record, (int64_t)((uint64_t)h->base + row * h->span + draw(3))); break;
    case 4: mp_put_bool(&record, draw(5) == 0); break;
    case 5: mp_put_str(&record, words, 2 * draw(6)); break;
    case 6: mp_put_str(&record, words, 2 * (size_t)(h->span % 6)); break;
    case 7: mp_put_bin(&record, &h->span, draw(9)); break;
    case 8: mp_put_uint(&record, draw_wide() | UINT64_C(1) << 63); break;
    case 9: mp_put_uint(&record, UINT64_MAX); break;
    case 10: mp_put_nil(&record); break;
    case 11: mp_put_state(&record, 1 + draw(3)); break;
    case 12:
        mp_put_array(&record, 2);
        mp_put_uint(&record, draw(1000));
        mp_put_nil(&record);
        break;
    case 13: mp_put_int(&record, (int64_t)(draw_wide() >> draw(64))); break;
    default: mp_put_int(&record, draw(20) > 0 ? draw(100) : (int64_t)draw_wide()); break;
    }
}

static void fill_habits(struct habit *habits, uint32_t columns)
{
    for (uint32_t c = 0; c < columns; c++) {
        habits[c].kind = draw(22);
        habits[c].base = draw(2) == 0 ? draw(100) : (int64_t)draw_wide();
        habits[c].span = draw(3) == 0 ? 1 + (draw_wide() >> draw(64)) / 2 : 1 + draw(draw(2) == 0 ? 20 : 300);
    }
}

static void random_matrices_come_back_byte_for_byte(void **state)
{
    struct habit habits[12];

    (void)state;
    seed = (uint64_t)clock_mono_ns();
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned round = 0; round < 1500; round++) {
        uint32_t columns = 1 + draw(12);
        uint32_t count = round % 50 == 0 ? 1000 : 1 + draw(40);
        uint32_t take = 1 + draw(count);
        struct buf want;
        uint64_t number = 0;
        size_t want_len = 0;
        size_t measured = 0;
        uint32_t got = 0;

        buf_init(&want, MANY);
        fill_habits(habits, columns);
        block_maker_reset(maker);
        for (uint32_t r = 0; r < count; r++) {
            buf_reset(&record);
            mp_put_array(&record, columns);
            for (uint32_t c = 0; c < columns; c++)
                put_element(&habits[c], r);
            number += 1 + (draw(10) == 0 ? draw(1000) : 0);
            assert_int_equal(block_maker_add(maker, number, view(&record)), OK);
            assert_int_equal(block_maker_count_to(maker, number), r + 1);
            buf_put(&want, record.data, record.len);
            if (r + 1 == take)
                want_len = want.len;
        }
        assert_int_equal(block_maker_count(maker), count);
        buf_reset(&packed);
        assert_int_equal(block_maker_encode(maker, take, &packed), OK);
        assert_int_equal(block_maker_measure(maker, take, &measured), OK);
        assert_int_equal(measured, packed.len);
        assert_int_equal(decode(view(&packed), BLOCK_MAX_ROWS, MANY / 2, &got), OK);
        assert_int_equal(got, take);
        assert_int_equal(bytes.len, want_len);
        assert_memory_equal(bytes.data, want.data, want_len);
        assert_int_equal(ends.len, take * 4);
        assert_int_equal(numbers.len, take * 8);
        buf_fini(&want);
    }
}

static void damaged_blocks_never_give_what_is_not_canonical(void **state)
{
    struct habit habits[12];
    unsigned survived = 0;

    (void)state;
    seed = (uint64_t)clock_mono_ns();
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned round = 0; round < 8000; round++) {
        uint32_t columns = 1 + draw(6);
        uint32_t count = 1 + draw(12);
        uint32_t got = 0;
        struct mp m;

        fill_habits(habits, columns);
        block_maker_reset(maker);
        for (uint32_t r = 0; r < count; r++) {
            buf_reset(&record);
            mp_put_array(&record, columns);
            for (uint32_t c = 0; c < columns; c++)
                put_element(&habits[c], r);
            assert_int_equal(block_maker_add(maker, r + 1, view(&record)), OK);
        }
        buf_reset(&packed);
        assert_int_equal(block_maker_encode(maker, count, &packed), OK);
        for (uint32_t changes = 1 + draw(2); changes > 0; changes--)
            packed.data[draw((uint32_t)packed.len)] = (uint8_t)draw(256);
        if (decode(view(&packed), 100, 100000, &got) != OK)
            continue;
        survived++;
        m = mp_of(view(&bytes));
        mp_skip(&m, got);
        assert_true(mp_done(&m));
    }
    assert_true(survived > 100);
}

/* ---- shapes with a known size ---- */

static size_t size_of_ints(const int64_t *values, uint32_t count)
{
    uint32_t got = 0;

    block_maker_reset(maker);
    for (uint32_t i = 0; i < count; i++) {
        buf_reset(&record);
        mp_put_array(&record, 1);
        mp_put_int(&record, values[i]);
        assert_int_equal(block_maker_add(maker, i + 1, view(&record)), OK);
    }
    buf_reset(&packed);
    assert_int_equal(block_maker_encode(maker, count, &packed), OK);
    assert_int_equal(decode(view(&packed), count, MANY / 2, &got), OK);
    assert_int_equal(got, count);
    return packed.len - 6; /* columns, records, their numbers (steps, first, step), the kinds of the only column */
}

static void integer_streams_take_the_shortest_form(void **state)
{
    int64_t v[100];

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        v[i] = 5;
    assert_int_equal(size_of_ints(v, 100), 1 + 1);
    for (unsigned i = 0; i < 100; i++)
        v[i] = -1000000 + 7 * (int64_t)i;
    assert_int_equal(size_of_ints(v, 100), 1 + 3 + 1);
    for (unsigned i = 0; i < 100; i++)
        v[i] = i * 37 % 2; /* one bit each */
    assert_int_equal(size_of_ints(v, 100), 1 + 2 + 13);
    for (unsigned i = 0; i < 100; i++)
        v[i] = i * i % 7 % 5; /* three to a byte */
    assert_int_equal(size_of_ints(v, 100), 1 + 2 + 34);
    for (unsigned i = 0; i < 100; i++)
        v[i] = (int64_t)i * 1000 + (i % 3); /* steps of two kinds */
    assert_true(size_of_ints(v, 100) <= 40);
    for (unsigned i = 0; i < 100; i++)
        v[i] = i % 10 == 0 ? INT64_MAX - i : i * i % 60; /* a few large ones */
    assert_true(size_of_ints(v, 100) <= 210);
    v[0] = INT64_MIN;
    v[1] = INT64_MAX;
    (void)size_of_ints(v, 2);
    (void)size_of_ints(v, 3);
    v[1] = INT64_MIN + 1;
    (void)size_of_ints(v, 3);
}

static void every_base_of_packed_digits_reads_back(void **state)
{
    int64_t v[300];

    (void)state;
    for (unsigned span = 1; span <= 300; span++) {
        for (unsigned i = 0; i < 300; i++)
            v[i] = 1000 - (int64_t)(i * 7919 % (span + 1));
        v[0] = 1000;
        v[1] = 1000 - (int64_t)span;
        (void)size_of_ints(v, 300);
    }
}

/* ---- adding ---- */

static void what_does_not_belong_into_a_block_is_not_taken(void **state)
{
    static const uint8_t two[] = {0x92, 1, 2};
    static const uint8_t three[] = {0x93, 1, 2, 3};
    static const uint8_t cut[] = {0x92, 1};
    static const uint8_t more[] = {0x91, 1, 2};
    static const uint8_t deep[] = {0x92, 0x91, 0x91, 0x91, 0x90, 1};
    static const uint8_t number[] = {5};
    static uint8_t wide[1200] = {0xdc, 0x04, 0x4d}; /* 1,101 elements */
    static uint8_t large[BLOCK_MAX_ROW + 10];
    size_t len;

    (void)state;
    block_maker_reset(maker);
#define ADD(n, what) block_maker_add(maker, n, (struct bytes){what, sizeof(what)})
    assert_int_equal(ADD(0, two), ERR_INVALID);
    assert_int_equal(ADD(BLOCK_MAX_NUMBER + 1, two), ERR_INVALID);
    assert_int_equal(ADD(7, cut), ERR_MALFORMED);
    assert_int_equal(ADD(7, more), ERR_MALFORMED);
    assert_int_equal(ADD(7, deep), ERR_MALFORMED);
    assert_int_equal(ADD(7, number), ERR_MALFORMED);
    assert_int_equal(ADD(7, wide), ERR_MALFORMED);
    large[0] = 0x91;
    large[1] = 0xc6;
    be32_put(large + 2, sizeof(large) - 6);
    assert_int_equal(ADD(7, large), ERR_LIMIT);
    assert_int_equal(block_maker_encode(maker, 1, &packed), ERR_INTERNAL);
    assert_int_equal(ADD(7, two), OK);
    len = block_maker_plain_len(maker);
    assert_int_equal(ADD(7, two), ERR_INVALID);
    assert_int_equal(ADD(8, three), ERR_INVALID);
    assert_int_equal(block_maker_plain_len(maker), len);
    assert_int_equal(block_maker_count(maker), 1);
    assert_int_equal(ADD(8, two), OK);
    assert_int_equal(block_maker_count_to(maker, 6), 0);
    assert_int_equal(block_maker_count_to(maker, 7), 1);
    assert_int_equal(block_maker_encode(maker, 3, &packed), ERR_INTERNAL);
    assert_int_equal(block_maker_encode_part(maker, 0, 0, &packed), ERR_INTERNAL);
}

static void a_block_has_room_for_65536_records(void **state)
{
    static const uint8_t same[] = {0x93, 1, 0xc0, 0xa2, 'o', 'k'};
    uint32_t got = 0;

    (void)state;
    block_maker_reset(maker);
    for (uint32_t i = 0; i < BLOCK_MAX_ROWS; i++)
        assert_int_equal(ADD(i + 1, same), OK);
    assert_int_equal(ADD(BLOCK_MAX_ROWS + 1, same), ERR_FULL);
    buf_reset(&packed);
    assert_int_equal(block_maker_encode(maker, BLOCK_MAX_ROWS, &packed), OK);
    assert_true(packed.len < 30);
    assert_int_equal(decode(view(&packed), BLOCK_MAX_ROWS, MANY / 2, &got), OK);
    assert_int_equal(got, BLOCK_MAX_ROWS);
    assert_int_equal(decode(view(&packed), BLOCK_MAX_ROWS - 1, MANY / 2, &got), ERR_LIMIT);
    assert_int_equal(decode(view(&packed), BLOCK_MAX_ROWS, BLOCK_MAX_ROWS * 6 - 1, &got), ERR_LIMIT);
    assert_int_equal(decode(view(&packed), BLOCK_MAX_ROWS, BLOCK_MAX_ROWS * 6, &got), OK);
}

/* ---- reading ---- */

#define BLOCK(...) ((struct bytes){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})

static void hand_made_blocks_are_read(void **state)
{
    uint32_t got = 0;

    (void)state;
    /* one column, two rows, numbers 1 and 2, kinds: int; packed from 3 with span 1: digits 0, 1 */
    assert_int_equal(decode(BLOCK(1, 2, 3, 2, 2, 0x40, 1, 6, 1, 2), 9, 99, &got), OK);
    assert_int_equal(bytes.len, 4);
    assert_memory_equal(bytes.data, "\x91\x03\x91\x04", 4);
    /* nil and true, digits 0 and 1 */
    assert_int_equal(decode(BLOCK(1, 2, 3, 2, 2, 0x05, 2), 9, 99, &got), OK);
    assert_memory_equal(bytes.data, "\x91\xc0\x91\xc3", 4);
    /* "a" and "bc" */
    assert_int_equal(decode(BLOCK(1, 2, 3, 2, 2, 0x80, 0x02, 1, 1, 2, 1, 2, 'a', 'b', 'c'), 9, 99, &got), OK);
    assert_memory_equal(bytes.data, "\x91\xa1\x61\x91\xa2\x62\x63", 7);
    /* a large integer */
    assert_int_equal(decode(BLOCK(1, 1, 0, 2, 0x80, 0x01, 0x80, 0, 0, 0, 0, 0, 0, 1), 9, 99, &got), OK);
    assert_memory_equal(bytes.data, "\x91\xcf\x80\0\0\0\0\0\0\1", 10);
}

static void blocks_that_break_a_rule_are_refused(void **state)
{
    uint32_t got = 0;

    (void)state;
#define BAD(...) assert_int_equal(decode(BLOCK(__VA_ARGS__), 9, 99, &got), ERR_MALFORMED)
    BAD(0, 1, 0, 2, 0x01);
    BAD(1, 0, 0, 2, 0x01);
    BAD(0x80, 0x00, 1, 0, 2, 0x01);                         /* an over-long varint */
    BAD(1, 1, 0, 0, 0x01);                                  /* number 0 */
    BAD(1, 1, 0, 1, 0x01);                                  /* number -1 */
    BAD(1, 2, 0, 2, 0x01);                                  /* the same number twice */
    BAD(1, 2, 3, 4, 1, 0x01);                               /* numbers that fall */
    BAD(1, 1, 6, 2, 0x01);                                  /* no such mode */
    BAD(1, 1, 3, 2, 2, 0x01);                               /* steps need two */
    BAD(1, 1, 0, 2, 0x00);                                  /* no kind at all */
    BAD(1, 1, 0, 2, 0x80, 0x10);                            /* kind 11 */
    BAD(1, 1, 0, 2);                                        /* no column */
    BAD(1, 2, 3, 2, 2, 0x05, 6);                            /* left-over digits */
    BAD(1, 2, 3, 2, 2, 0x07, 6);                            /* a kind that does not occur */
    BAD(1, 2, 3, 2, 2, 0x05, 0);                            /* likewise */
    BAD(1, 2, 3, 2, 2, 0x40, 1, 6, 1);                      /* cut */
    BAD(1, 2, 3, 2, 2, 0x40, 1, 6, 0, 0);                   /* a span of zero */
    BAD(1, 2, 3, 2, 2, 0x40, 1, 6, 1, 4);                   /* bits left over */
    BAD(1, 2, 3, 2, 2, 0x40, 1, 6, 16, 0, 17);              /* beyond the span */
    BAD(1, 1, 0, 2, 0x80, 0x01, 0x7f, 0, 0, 0, 0, 0, 0, 1); /* a large integer that is not */
    BAD(1, 1, 0, 2, 0x80, 0x01, 0x80, 0, 0, 0, 0);
    BAD(1, 1, 0, 2, 0x80, 0x02, 0, 2, 'a');       /* text cut */
    BAD(1, 1, 0, 2, 0x80, 0x02, 2, 1, 'a');       /* no such mode */
    BAD(1, 1, 0, 2, 0x80, 0x02, 0, 1, 0xff);      /* not UTF-8 */
    BAD(1, 2, 3, 2, 2, 0x80, 0x02, 1, 0, 1, 'a'); /* a length of -1 */
    BAD(1, 2, 3, 2, 2, 0x80, 0x02, 1, 0, 4, 'a', 'b', 'c');
    BAD(1, 1, 0, 2, 0x80, 0x08, 0, 1, 0xc0); /* an array that is none */
    BAD(1, 1, 0, 2, 0x80, 0x08, 0, 2, 0x90, 0x90);
    BAD(1, 1, 0, 2, 0x80, 0x08, 0, 5, 0x91, 0x91, 0x91, 0x91, 0xc0);
    assert_int_equal(decode(BLOCK(0xcd, 0x08, 1, 0, 2), 9, 9999, &got), ERR_LIMIT); /* 1,101 columns */
    assert_int_equal(decode(BLOCK(10, 10, 3, 2, 2), 9, 9999, &got), ERR_LIMIT);
}

/* Pitfall 3.2: constant columns are cheap to write, so their product is bounded before any work is done. */
static void a_small_block_cannot_unfold_without_bound(void **state)
{
    uint32_t got = 0;
    struct buf b;

    (void)state;
    buf_init(&b, MANY);
    buf_put_varint(&b, 1100);
    buf_put_varint(&b, 65536);
    buf_put(&b, "\x03\x02\x02", 3);
    for (unsigned i = 0; i < 1100; i++)
        buf_put_u8(&b, 0x01);
    assert_int_equal(decode(view(&b), 65536, 32u << 20, &got), ERR_LIMIT);
    buf_reset(&b);
    buf_put(&b, "\x02\x80\x80\x04\x03\x02\x02", 7); /* 2 columns of 65,536 texts of 60,000 bytes */
    for (unsigned i = 0; i < 2; i++) {
        buf_put(&b, "\x80\x02\x00", 3);
        buf_put_varint(&b, 60000);
        memset(buf_grow(&b, 60000), 'x', 60000);
    }
    assert_int_equal(decode(view(&b), 65536, 32u << 20, &got), ERR_LIMIT);
    buf_fini(&b);
}

static void a_row_of_64_kib_is_the_largest(void **state)
{
    uint32_t got = 0;

    (void)state;
    for (size_t len = BLOCK_MAX_ROW - 4; len <= BLOCK_MAX_ROW - 3; len++) { /* array head, and three of the text */
        struct buf b;

        buf_init(&b, MANY);
        buf_put(&b, "\x01\x01\x00\x02\x80\x02\x00", 7);
        buf_put_varint(&b, len);
        memset(buf_grow(&b, len), 'x', len);
        assert_int_equal(decode(view(&b), 1, 1u << 20, &got), len == BLOCK_MAX_ROW - 4 ? OK : ERR_LIMIT);
        buf_fini(&b);
    }
}

static void a_block_cut_anywhere_is_refused(void **state)
{
    struct habit habits[12];
    uint32_t got = 0;

    (void)state;
    seed = 1;
    block_maker_reset(maker);
    for (uint32_t c = 0; c < 12; c++)
        habits[c] = (struct habit){c + 1, 3, 5};
    for (uint32_t r = 0; r < 20; r++) {
        buf_reset(&record);
        mp_put_array(&record, 12);
        for (uint32_t c = 0; c < 12; c++)
            put_element(&habits[c], r);
        assert_int_equal(block_maker_add(maker, r + 1, view(&record)), OK);
    }
    buf_reset(&packed);
    assert_int_equal(block_maker_encode(maker, 20, &packed), OK);
    for (size_t len = 0; len < packed.len; len++)
        assert_int_equal(decode((struct bytes){packed.data, len}, 100, 100000, &got), ERR_MALFORMED);
}

static void no_room_is_told_and_not_crossed(void **state)
{
    static const uint8_t two[] = {0x92, 1, 2};
    struct buf small;

    (void)state;
    block_maker_reset(maker);
    assert_int_equal(ADD(1, two), OK);
    buf_init(&small, 3);
    assert_int_equal(block_maker_encode(maker, 1, &small), ERR_LIMIT);
    buf_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_matrices_come_back_byte_for_byte),
        cmocka_unit_test(damaged_blocks_never_give_what_is_not_canonical),
        cmocka_unit_test(integer_streams_take_the_shortest_form),
        cmocka_unit_test(every_base_of_packed_digits_reads_back),
        cmocka_unit_test(what_does_not_belong_into_a_block_is_not_taken),
        cmocka_unit_test(a_block_has_room_for_65536_records),
        cmocka_unit_test(hand_made_blocks_are_read),
        cmocka_unit_test(blocks_that_break_a_rule_are_refused),
        cmocka_unit_test(a_small_block_cannot_unfold_without_bound),
        cmocka_unit_test(a_row_of_64_kib_is_the_largest),
        cmocka_unit_test(a_block_cut_anywhere_is_refused),
        cmocka_unit_test(no_room_is_told_and_not_crossed),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
