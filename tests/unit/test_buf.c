/* test_buf.c: a buffer never holds more than its limit, fails once and for good, and a reader never leaves its bytes.
 */
#include "common/buf.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

/* An allocation no machine has fails, with a sanitizer as without. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

#define MOST ((size_t)1 << 20)

/* ---- writing ---- */

static void every_field_is_put_big_endian(void **state)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'a', 'b', 'c'};
    struct buf b;

    (void)state;
    buf_init(&b, MOST);
    buf_put_u8(&b, 1);
    buf_put_u16(&b, 0x0203);
    buf_put_u32(&b, 0x04050607);
    buf_put_u64(&b, UINT64_C(0x08090A0B0C0D0E0F));
    buf_put_str(&b, "abc");
    buf_put_str(&b, "");
    buf_put(&b, NULL, 0);
    assert_int_equal(buf_status(&b), OK);
    assert_int_equal(b.len, sizeof(expected));
    assert_memory_equal(b.data, expected, sizeof(expected));
    buf_fini(&b);
}

static void a_buffer_takes_its_limit_and_not_a_byte_more(void **state)
{
    static const size_t limits[] = {0, 1, 63, 64, 65, 127, 128, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct buf b;

        buf_init(&b, limits[i]);
        for (size_t n = 0; n < limits[i]; n++)
            buf_put_u8(&b, (uint8_t)n);
        assert_int_equal(buf_status(&b), OK);
        assert_int_equal(b.len, limits[i]);
        assert_int_equal(strlen(buf_cstr(&b)), 0); /* the first byte is 0; the NUL behind the last has room */
        assert_int_equal(buf_status(&b), OK);
        buf_put_u8(&b, 1);
        assert_int_equal(buf_status(&b), ERR_LIMIT);
        assert_int_equal(b.len, limits[i]);
        buf_fini(&b);
    }
}

static void a_put_over_the_limit_stores_no_part_of_it(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    buf_put(&b, "12345678", 8);
    buf_put_u32(&b, 0);
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    assert_int_equal(b.len, 8);
    buf_put_u8(&b, '9'); /* would fit, but one check at the end must be enough */
    assert_null(buf_grow(&b, 0));
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(b.len, 8);
    assert_memory_equal(b.data, "12345678", 8);
    buf_fini(&b);
}

static void lengths_near_the_largest_number_do_not_wrap(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    buf_put_u8(&b, 1);
    assert_null(buf_grow(&b, SIZE_MAX));
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_reset(&b);
    buf_put_u8(&b, 1);
    assert_null(buf_grow(&b, SIZE_MAX - 1));
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_fini(&b);
}

static void no_memory_is_not_taken_for_the_limit(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    buf_put_str(&b, "kept");
    assert_null(buf_grow(&b, SIZE_MAX / 2 + 1));
    assert_true(b.failed);
    assert_false(b.over_max);
    assert_int_equal(buf_status(&b), ERR_NOMEM);
    assert_int_equal(b.len, 4);
    buf_reset(&b);
    assert_null(buf_grow(&b, SIZE_MAX - 1));
    assert_int_equal(buf_status(&b), ERR_NOMEM);
    buf_reset(&b);
    assert_null(buf_grow(&b, SIZE_MAX)); /* no room for the NUL of buf_cstr() */
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_reset(&b);
    buf_put_str(&b, "usable again");
    assert_string_equal(buf_cstr(&b), "usable again");
    buf_fini(&b);
}

static void reset_keeps_the_memory_and_fini_the_limit(void **state)
{
    struct buf b;
    size_t cap;

    (void)state;
    buf_init(&b, 200);
    assert_string_equal(buf_cstr(&b), "");
    assert_non_null(buf_grow(&b, 200));
    cap = b.cap;
    buf_put_u8(&b, 1);
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, cap);
    assert_int_equal(buf_status(&b), OK);
    buf_put_str(&b, "secret");
    buf_wipe(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
    buf_wipe(&b);
    assert_null(buf_grow(&b, 201));
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_fini(&b);
    assert_int_equal(buf_status(&b), OK);
    assert_non_null(buf_grow(&b, 200));
    buf_fini(&b);
}

/* How often eight bytes stand anywhere in this process's writable memory. */
static unsigned found_in_memory(const uint8_t pattern[8])
{
    static uint8_t part[1 << 16];
    unsigned long from, to;
    unsigned found = 0;
    char line[512], mode[8];
    FILE *maps = fopen("/proc/self/maps", "re");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[1] != 'w' || to - from > (1ul << 30))
            continue;
        for (unsigned long at = from; at < to; at += sizeof(part) - 8) {
            ssize_t n = pread(mem, part, to - at < sizeof(part) ? to - at : sizeof(part), (off_t)at);

            for (ssize_t i = 0; i + 8 <= n; i++) {
                bool equal = true;

                for (unsigned k = 0; k < 8; k++)
                    equal = equal && part[i + k] == (uint8_t)(pattern[k] ^ 0x55);
                found += equal && (at + (unsigned long)i < (unsigned long)part ||
                                   at + (unsigned long)i >= (unsigned long)part + sizeof(part))
                             ? 1
                             : 0;
            }
        }
    }
    (void)fclose(maps);
    (void)close(mem);
    return found;
}

/* 8 KiB of a pattern that stands nowhere else, because it is kept masked until it is put: so much that reading the maps
 * does not take all of its old place. */
static void put_pattern(struct buf *b, const uint8_t masked[8])
{
    for (unsigned i = 0; i < 8192; i++)
        buf_put_u8(b, masked[i % 8] ^ 0x55);
}

static void a_secret_buffer_leaves_nothing_behind_when_it_grows_or_ends(void **state)
{
    static const uint8_t first[8] = {0x11, 0x92, 0x33, 0xF4, 0x75, 0xD6, 0x07, 0xE8};
    static const uint8_t second[8] = {0x21, 0xA2, 0x43, 0xB4, 0x85, 0xC6, 0x17, 0xF8};
    static char much[50000];
    void *wall[2];
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20); /* what an ordinary one does: without this the test could not fail */
    put_pattern(&b, first);
    wall[0] = malloc(16384); /* so that it must move */
    buf_put(&b, much, sizeof(much));
    buf_fini(&b);
    assert_true(found_in_memory(first) > 0);

    buf_init_secret(&b, 1 << 20);
    put_pattern(&b, second);
    wall[1] = malloc(16384);
    assert_true(found_in_memory(second) > 0);
    buf_put(&b, much, sizeof(much));
    assert_int_equal(b.data[0], second[0] ^ 0x55);
    buf_fini(&b);
    assert_int_equal(found_in_memory(second), 0);
    put_pattern(&b, second); /* as secret as before, and what was emptied is no less so */
    buf_reset(&b);
    buf_put_u8(&b, 1);
    buf_fini(&b);
    assert_int_equal(found_in_memory(second), 0);
    free(wall[0]);
    free(wall[1]);
}

static void reserved_room_is_not_counted_and_moves_nothing(void **state)
{
    const uint8_t *before;
    struct buf b;

    (void)state;
    buf_init_secret(&b, MOST);
    buf_put_str(&b, "head");
    assert_true(buf_reserve(&b, 1000));
    assert_int_equal(b.len, 4);
    before = b.data;
    assert_non_null(buf_grow(&b, 1000));
    assert_ptr_equal(b.data, before);
    assert_false(buf_reserve(&b, MOST));
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    buf_fini(&b);
}

static void a_grown_place_can_be_written_to_its_end(void **state)
{
    struct buf b;
    uint8_t *at;

    (void)state;
    buf_init(&b, MOST);
    buf_put_str(&b, "head");
    at = buf_grow(&b, 1000);
    assert_non_null(at);
    memset(at, 'x', 1000);
    assert_int_equal(b.len, 1004);
    assert_memory_equal(b.data, "headx", 5);
    assert_int_equal(strlen(buf_cstr(&b)), 1004);
    assert_int_equal(b.len, 1004);
    buf_fini(&b);
}

static void printf_counts_no_nul_and_keeps_to_the_limit(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 70);
    buf_printf(&b, "%s-%d", "a", 12);
    assert_int_equal(b.len, 4);
    buf_printf(&b, "%066d", 5); /* the first allocation does not hold it */
    assert_int_equal(buf_status(&b), OK);
    assert_int_equal(b.len, 70);
    assert_memory_equal(buf_cstr(&b), "a-120000", 8);
    assert_int_equal(buf_cstr(&b)[69], '5');
    buf_printf(&b, "%s", "");
    assert_int_equal(buf_status(&b), OK);
    buf_printf(&b, "%c", 'z');
    assert_int_equal(buf_status(&b), ERR_LIMIT);
    assert_int_equal(b.len, 70);
    buf_fini(&b);
}

static void a_format_that_cannot_be_printed_spoils_the_buffer(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    buf_put_str(&b, "kept");
    buf_printf(&b, "%lc", (wint_t)0x20AC); /* the C locale has no such character */
    assert_true(b.failed);
    assert_int_equal(b.len, 4);
    buf_fini(&b);
}

/* ---- reading ---- */

static void every_field_is_read_back_and_nothing_is_left(void **state)
{
    static const uint8_t raw[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'a', 'b', 'c'};
    struct rd r = rd_of(raw, sizeof(raw));

    (void)state;
    assert_int_equal(rd_left(&r), sizeof(raw));
    assert_int_equal(rd_u8(&r), 1);
    assert_int_equal(rd_u16(&r), 0x0203);
    assert_int_equal(rd_u32(&r), 0x04050607);
    assert_true(rd_u64(&r) == UINT64_C(0x08090A0B0C0D0E0F));
    assert_int_equal(rd_left(&r), 3);
    assert_memory_equal(rd_bytes(&r, 3), "abc", 3);
    assert_int_equal(rd_left(&r), 0);
    assert_non_null(rd_bytes(&r, 0));
    assert_false(r.failed);
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.failed);
}

/* Each kind of field, one byte short: zero, failed, and everything after it as well. */
static void a_field_one_byte_short_fails_the_reader_for_good(void **state)
{
    static const uint8_t raw[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    struct rd r = rd_of(raw, 1);

    (void)state;
    assert_int_equal(rd_u16(&r), 0);
    assert_true(r.failed);
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(rd_u8(&r), 0); /* one byte lies there, but what would it mean? */
    assert_null(rd_bytes(&r, 0));
    assert_true(rd_varint(&r) == 0);
    assert_true(rd_zigzag(&r) == 0);
    r = rd_of(raw, 3);
    assert_int_equal(rd_u32(&r), 0);
    assert_true(r.failed);
    r = rd_of(raw, 7);
    assert_true(rd_u64(&r) == 0);
    assert_true(r.failed);
    r = rd_of(raw, 7);
    assert_null(rd_bytes(&r, 8));
    assert_true(r.failed);
    r = rd_of(raw, 7);
    assert_null(rd_bytes(&r, SIZE_MAX));
    assert_true(r.failed);
    r = rd_of(raw, 0);
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.failed);
}

/* ---- varint ---- */

static void check_varint(uint64_t v, size_t size)
{
    struct buf b;
    struct rd r;

    buf_init(&b, 10);
    buf_put_varint(&b, v);
    assert_int_equal(buf_status(&b), OK);
    if (size > 0)
        assert_int_equal(b.len, size);
    r = rd_of(b.data, b.len);
    assert_true(rd_varint(&r) == v);
    assert_false(r.failed);
    assert_int_equal(rd_left(&r), 0);
    for (size_t cut = 0; cut < b.len; cut++) {
        r = rd_of(b.data, cut);
        assert_true(rd_varint(&r) == 0);
        assert_true(r.failed);
    }
    buf_fini(&b);
}

static void a_varint_takes_seven_bits_a_byte(void **state)
{
    (void)state;
    check_varint(0, 1);
    check_varint(1, 1);
    for (unsigned bits = 7; bits < 64; bits += 7) {
        check_varint((UINT64_C(1) << bits) - 1, bits / 7);
        check_varint(UINT64_C(1) << bits, bits / 7 + 1);
    }
    check_varint(UINT64_C(1) << 63, 10);
    check_varint(UINT64_MAX, 10);
}

static void check_refused(const uint8_t *raw, size_t len)
{
    struct rd r = rd_of(raw, len);

    assert_true(rd_varint(&r) == 0);
    assert_true(r.failed);
    r = rd_of(raw, len);
    assert_true(rd_zigzag(&r) == 0);
    assert_true(r.failed);
}

static void an_over_long_varint_is_refused(void **state)
{
    uint8_t raw[11];

    (void)state;
    for (size_t size = 2; size <= 10; size++) { /* a number with a zero byte at its upper end */
        memset(raw, 0x80, sizeof(raw));
        raw[0] = 0x81;
        raw[size - 1] = 0;
        check_refused(raw, size);
    }
}

static void a_varint_past_64_bits_is_refused(void **state)
{
    uint8_t raw[11];

    (void)state;
    memset(raw, 0xFF, sizeof(raw));
    raw[9] = 0x02; /* bit 64 */
    check_refused(raw, 10);
    raw[9] = 0x7F;
    check_refused(raw, 10);
    raw[9] = 0x81; /* an eleventh byte */
    raw[10] = 0;
    check_refused(raw, 11);
    raw[10] = 1;
    check_refused(raw, 11);
    raw[9] = 0x01;
    assert_true(rd_varint(&(struct rd){raw, raw + 10, false}) == UINT64_MAX);
}

static void zigzag_keeps_small_numbers_short_and_all_numbers_whole(void **state)
{
    static const struct {
        int64_t v;
        size_t size;
    } rows[] = {{0, 1},          {-1, 1},         {1, 1},         {-64, 1},  {63, 1},   {64, 2},       {-65, 2},
                {INT64_MAX, 10}, {INT64_MIN, 10}, {INT32_MAX, 5}, {8191, 2}, {8192, 3}, {INT32_MIN, 5}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b;
        struct rd r;

        buf_init(&b, 10);
        buf_put_zigzag(&b, rows[i].v);
        assert_int_equal(b.len, rows[i].size);
        r = rd_of(b.data, b.len);
        assert_true(rd_zigzag(&r) == rows[i].v);
        assert_false(r.failed);
        buf_fini(&b);
    }
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13; /* xorshift64 */
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Whatever the bytes: what is read without failure is written back as the same bytes. */
static void any_varint_that_is_read_has_one_spelling(void **state)
{
    const char *given = getenv("SVODKA_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    uint64_t x = seed | 1;

    (void)state;
    print_message("SVODKA_TEST_SEED=%" PRIu64 "\n", seed);
    for (int i = 0; i < 20000; i++) {
        uint8_t raw[12];
        size_t len = (size_t)(next_random(&x) % sizeof(raw));
        struct rd r = rd_of(raw, len);
        struct buf b;
        uint64_t v;

        for (size_t n = 0; n < len; n++)
            raw[n] = (uint8_t)(next_random(&x) >> 32) | (next_random(&x) % 4 > 0 ? 0x80 : 0);
        v = rd_varint(&r);
        check_varint(next_random(&x) >> (next_random(&x) % 64), 0);
        if (r.failed)
            continue;
        buf_init(&b, 10);
        buf_put_varint(&b, v);
        assert_int_equal(b.len, len - rd_left(&r));
        assert_memory_equal(b.data, raw, b.len);
        buf_fini(&b);
    }
}

/* ---- fixed fields and loans ---- */

static void big_endian_fields_keep_every_bit(void **state)
{
    uint8_t raw[8];

    (void)state;
    be32_put(raw, 0x80000001);
    assert_memory_equal(raw, "\x80\0\0\x01", 4);
    assert_int_equal(be32_get(raw), 0x80000001);
    be64_put(raw, UINT64_C(0x8000000000000001));
    assert_memory_equal(raw, "\x80\0\0\0\0\0\0\x01", 8);
    assert_true(be64_get(raw) == UINT64_C(0x8000000000000001));
    be64_put(raw, UINT64_MAX);
    assert_true(be64_get(raw) == UINT64_MAX);
}

static void a_loan_points_at_the_bytes_themselves(void **state)
{
    static const char text[] = "text";
    struct bytes b = bytes_of(text, 4);

    (void)state;
    assert_ptr_equal(b.p, text);
    assert_int_equal(b.len, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_put_big_endian),
        cmocka_unit_test(a_buffer_takes_its_limit_and_not_a_byte_more),
        cmocka_unit_test(a_put_over_the_limit_stores_no_part_of_it),
        cmocka_unit_test(lengths_near_the_largest_number_do_not_wrap),
        cmocka_unit_test(no_memory_is_not_taken_for_the_limit),
        cmocka_unit_test(reset_keeps_the_memory_and_fini_the_limit),
        cmocka_unit_test(a_secret_buffer_leaves_nothing_behind_when_it_grows_or_ends),
        cmocka_unit_test(reserved_room_is_not_counted_and_moves_nothing),
        cmocka_unit_test(a_grown_place_can_be_written_to_its_end),
        cmocka_unit_test(printf_counts_no_nul_and_keeps_to_the_limit),
        cmocka_unit_test(a_format_that_cannot_be_printed_spoils_the_buffer),
        cmocka_unit_test(every_field_is_read_back_and_nothing_is_left),
        cmocka_unit_test(a_field_one_byte_short_fails_the_reader_for_good),
        cmocka_unit_test(a_varint_takes_seven_bits_a_byte),
        cmocka_unit_test(an_over_long_varint_is_refused),
        cmocka_unit_test(a_varint_past_64_bits_is_refused),
        cmocka_unit_test(zigzag_keeps_small_numbers_short_and_all_numbers_whole),
        cmocka_unit_test(any_varint_that_is_read_has_one_spelling),
        cmocka_unit_test(big_endian_fields_keep_every_bit),
        cmocka_unit_test(a_loan_points_at_the_bytes_themselves),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
