#include "protocol/batch.h"

#include "tests/unit/batch_fixture.h"
#include "tests/unit/pupils.h"

#include <stdio.h>

/* ---- limits of making ---- */

static void adding_refuses_what_cannot_be(void **state)
{
    static const uint8_t junk[] = {0x91, 1};
    char name[80];

    (void)state;
    draws = 1;
    batch_maker_reset(maker);
    add_random(5, "default");
    assert_int_equal(batch_maker_add(maker, 5, "default", view(&record)), ERR_INVALID);
    assert_int_equal(batch_maker_add(maker, UINT64_MAX, "default", view(&record)), ERR_INVALID);
    assert_int_equal(batch_maker_add(maker, 6, "", view(&record)), ERR_INVALID);
    assert_int_equal(batch_maker_add(maker, 6, "дом", view(&record)), ERR_INVALID);
    memset(name, 'x', sizeof(name));
    name[RETENTION_MAX + 1] = '\0';
    assert_int_equal(batch_maker_add(maker, 6, name, view(&record)), ERR_INVALID);
    assert_int_equal(batch_maker_add(maker, 6, "default", (struct bytes){junk, sizeof(junk)}), ERR_MALFORMED);
    put_noise(10);
    record.len--;
    assert_int_equal(batch_maker_add(maker, 6, "default", view(&record)), ERR_MALFORMED);
    assert_int_equal(batch_maker_add(maker, 6, "default", (struct bytes){record.data, RECORD_MAX + 1}), ERR_LIMIT);
    assert_int_equal(batch_maker_void(maker, 5, 1), ERR_INVALID);
    assert_int_equal(batch_maker_void(maker, 6, 0), ERR_INVALID);
    assert_int_equal(batch_maker_void(maker, 6, UINT64_MAX), ERR_INVALID);
    assert_int_equal(batch_maker_count(maker), 1);
    seal_all();
    assert_int_equal(try_receive(view(&out)), OK);
    batch_maker_reset(maker);
    {
        struct batch_seal s = sealing();
        uint32_t taken;

        assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), ERR_INTERNAL);
    }
}

static void the_number_of_records_is_limited(void **state)
{
    struct batch_limits l = {.max_records = 3};
    struct batch_maker *m;

    (void)state;
    draws = 1;
    put_noise(10);
    assert_int_equal(batch_maker_new(&m, &l), OK);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(batch_maker_add(m, i, "default", view(&record)), OK);
    assert_int_equal(batch_maker_add(m, 4, "default", view(&record)), ERR_FULL);
    batch_maker_reset(m);
    assert_int_equal(batch_maker_add(m, 4, "default", view(&record)), OK);
    batch_maker_free(m);
}

static void sections_blocks_and_ranges_are_limited(void **state)
{
    char name[8];

    (void)state;
    batch_maker_reset(maker);
    put_noise(1);
    for (unsigned i = 0; i <= BATCH_MAX_SECTIONS; i++) {
        (void)snprintf(name, sizeof(name), "c%u", i);
        assert_int_equal(batch_maker_add(maker, i + 1, name, view(&record)), i < BATCH_MAX_SECTIONS ? OK : ERR_FULL);
    }
    seal_all();
    assert_int_equal(try_receive(view(&out)), OK);
    batch_maker_reset(maker);
    for (unsigned i = 0; i <= 128; i++) {
        record.data[6] = (uint8_t)i; /* inside the form's digest */
        assert_int_equal(batch_maker_add(maker, i + 1, "x", view(&record)), i < 128 ? OK : ERR_FULL);
    }
    seal_all();
    assert_int_equal(try_receive(view(&out)), OK);
    batch_maker_reset(maker);
    for (unsigned i = 0; i < BATCH_MAX_RANGES; i++)
        assert_int_equal(i % 2 == 0 ? batch_maker_add(maker, 3 * i + 1, "x", view(&record))
                                    : batch_maker_void(maker, 3 * i + 1, 1),
                         OK);
    assert_int_equal(batch_maker_add(maker, 100000, "x", view(&record)), ERR_FULL);
    assert_int_equal(batch_maker_void(maker, 100000, 1), ERR_FULL);
    seal_all();
    assert_int_equal(try_receive(view(&out)), OK);
}

/* Ranges at the far end of the numbers make a header too long for all of them. */
static void a_header_never_outgrows_its_length_field(void **state)
{
    struct batch_seal s = sealing();
    uint32_t taken;
    uint64_t first = UINT64_C(1) << 62;

    (void)state;
    batch_maker_reset(maker);
    put_noise(1);
    for (unsigned i = 0; i < BATCH_MAX_RANGES; i++)
        assert_int_equal(i % 2 == 0 ? batch_maker_add(maker, first + 300000 * i, "x", view(&record))
                                    : batch_maker_void(maker, first + 300000 * i, 70000),
                         OK);
    buf_reset(&out);
    assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), OK);
    assert_int_equal(try_receive(view(&out)), OK);
}

static void voids_travel_with_the_records_around_them(void **state)
{
    struct batch_header h;

    (void)state;
    draws = 9;
    batch_maker_reset(maker);
    assert_int_equal(batch_maker_void(maker, 1, 2), OK);
    assert_int_equal(batch_maker_void(maker, 3, 1), OK);
    add_random(4, "default");
    assert_int_equal(batch_maker_void(maker, 7, 3), OK);
    seal_all();
    assert_int_equal(batch_parse(&h, view(&out)), OK);
    assert_int_equal(h.range_count, 1);
    assert_int_equal(h.void_count, 2);
    assert_true(h.ranges[1].first == 1 && h.ranges[1].count == 3);
    assert_true(h.ranges[2].first == 7 && h.ranges[2].count == 3);
    batch_header_fini(&h);
    assert_int_equal(try_receive(view(&out)), OK);
    batch_maker_reset(maker);
    assert_int_equal(batch_maker_void(maker, 10, 16), OK); /* voids alone */
    seal_all();
    assert_int_equal(try_receive(view(&out)), OK);
}

/* Records that do not pack are cut off at the limit; the caller goes on behind them, and nothing is lost. */
static void a_batch_never_exceeds_its_size(void **state)
{
    struct batch_seal s = sealing();
    uint32_t added = 0;
    uint32_t batches = 0;
    uint64_t next = 1;

    (void)state;
    batch_maker_free(maker);
    assert_int_equal(batch_maker_new(&maker, NULL), OK);
    while (next <= 900) {
        uint32_t taken = 0;
        enum err e = OK;

        batch_maker_reset(maker);
        for (uint64_t i = next; i <= 900; i++) {
            put_noise(3000);
            if ((e = batch_maker_add(maker, i, "default", view(&record))) == ERR_FULL)
                break;
            assert_int_equal(e, OK);
        }
        assert_int_equal(batch_maker_void(maker, 1000, 1), OK);
        added = batch_maker_count(maker);
        buf_reset(&out);
        assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), OK);
        assert_true(taken >= 1 && taken <= added);
        assert_true(out.len <= BATCH_MAX_SEALED);
        assert_int_equal(try_receive(view(&out)), OK);
        if (next + taken <= 900)
            assert_true(out.len > BATCH_MAX_SEALED / 100 * 95); /* well filled, too */
        if (batches > 0)
            assert_int_equal(taken, added); /* it has learnt how well these pack */
        next += taken;
        batches++;
    }
    assert_int_equal(batches, 6);
}

static void small_limits_hold_too(void **state)
{
    struct batch_limits l = {.max_sealed = 4000, .max_plain = 10000};
    struct batch_seal s = sealing();
    struct batch_maker *m;
    uint32_t taken = 0;

    (void)state;
    assert_int_equal(batch_maker_new(&m, &l), OK);
    for (unsigned i = 1; i <= 5; i++) {
        put_noise(1500);
        assert_int_equal(batch_maker_add(m, i, "default", view(&record)), OK);
    }
    buf_reset(&out);
    assert_int_equal(batch_maker_seal(m, &s, &out, &taken), OK);
    assert_int_equal(taken, 2);
    assert_true(out.len <= 4000);
    for (unsigned i = 6; i <= 10; i++) {
        enum err e = batch_maker_add(m, i, "default", view(&record));

        assert_true(e == OK || (e == ERR_FULL && i > 6));
    }
    batch_maker_reset(m);
    put_noise(5000);
    assert_int_equal(batch_maker_add(m, 1, "default", view(&record)), OK);
    assert_int_equal(batch_maker_seal(m, &s, &out, &taken), ERR_LIMIT);
    batch_maker_free(m);
}

static void the_largest_record_fits_into_a_batch(void **state)
{
    (void)state;
    batch_maker_reset(maker);
    put_noise(RECORD_MAX - 54);
    assert_true(record.len == RECORD_MAX);
    assert_int_equal(batch_maker_add(maker, 1, "default", view(&record)), OK);
    seal_all();
    assert_int_equal(try_receive(view(&out)), OK);
}

/* A clock far outside the calendar is told to nobody, but it does not stop anything either. */
static void a_clock_out_of_its_mind_does_not_spoil_a_batch(void **state)
{
    struct batch_seal s = sealing();
    uint32_t taken;

    (void)state;
    make_small();
    s.closed_ms = INT64_MAX;
    buf_reset(&out);
    assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), OK);
    assert_int_equal(try_receive(view(&out)), OK);
}

static void no_room_for_a_batch_is_told(void **state)
{
    struct batch_seal s = sealing();
    struct buf small;
    uint32_t taken;

    (void)state;
    make_small();
    for (size_t max = 5; max < out.len; max += 100) {
        buf_init(&small, max);
        assert_int_equal(batch_maker_seal(maker, &s, &small, &taken), ERR_LIMIT);
        assert_int_equal(small.len, 0);
        buf_fini(&small);
    }
}

/* ---- a class register of 65,536 pupils ---- */

static void pupil_head(struct record *r)
{
    memset(r->form, 0x5a, sizeof(r->form));
    strcpy(r->unit, "school-07");
    strcpy(r->period, "2020/21-Q1");
    r->filled_on = 18500;
    r->has_time = true;
    r->made_ms = 1600000000000;
    r->entered_by = (struct bytes){(const uint8_t *)"deputy", 6};
    r->source = SOURCE_IMPORT;
    memset(r->tag, 0x3c, sizeof(r->tag));
}

/* Measured: 6.8 bytes; the entropy of the 33 fields is 6.5. */
static void a_full_batch_of_pupils_takes_less_than_nine_bytes_each(void **state)
{
    static struct form_field fields[PUPIL_FIELDS];
    struct value values[PUPIL_FIELDS];
    struct record r = {.values = values, .value_count = PUPIL_FIELDS};
    struct form pupils;
    uint8_t before[DIGEST_BYTES];
    uint8_t after[DIGEST_BYTES];
    struct batch_header h;
    struct section_keys keys;
    struct batch_plain *p;
    struct buf all;

    (void)state;
    memset(values, 0, sizeof(values));
    pupil_form(&pupils, fields);
    pupil_head(&r);
    buf_init(&all, BATCH_MAX_UNPACKED);
    batch_maker_free(maker); /* one that has not learnt from noise */
    assert_int_equal(batch_maker_new(&maker, NULL), OK);
    draws = 1;
    for (uint32_t i = 0; i < BATCH_MAX_RECORDS; i++) {
        pupil_draw(values, &draws);
        r.ordinal = i;
        r.made_ms += i % 150 == 0;
        buf_reset(&record);
        assert_int_equal(record_encode(&record, &r, &pupils), OK);
        assert_int_equal(batch_maker_add(maker, i + 1, "default", view(&record)), OK);
        buf_put(&all, record.data, record.len);
    }
    assert_int_equal(batch_maker_add(maker, BATCH_MAX_RECORDS + 1, "default", view(&record)), ERR_FULL);
    seal_all();
    print_message("%.3f bytes a pupil\n", (double)out.len / BATCH_MAX_RECORDS);
    assert_true(out.len < 9 * BATCH_MAX_RECORDS);
    assert_int_equal(batch_parse(&h, view(&out)), OK);
    assert_int_equal(batch_section_keys(&keys, &h, view(&out), seal), OK);
    assert_int_equal(batch_open(&p, &h, view(&out), &keys, ~0u), OK);
    assert_int_equal(batch_plain_count(p), BATCH_MAX_RECORDS);
    digest(before, view(&all));
    digest(after, (struct bytes){batch_plain_record(p, 0, NULL, NULL).p, all.len}); /* they stand one after another */
    assert_memory_equal(before, after, DIGEST_BYTES);
    batch_plain_free(p);
    batch_header_fini(&h);
    buf_fini(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_refuses_what_cannot_be),
        cmocka_unit_test(the_number_of_records_is_limited),
        cmocka_unit_test(sections_blocks_and_ranges_are_limited),
        cmocka_unit_test(a_header_never_outgrows_its_length_field),
        cmocka_unit_test(voids_travel_with_the_records_around_them),
        cmocka_unit_test(a_batch_never_exceeds_its_size),
        cmocka_unit_test(small_limits_hold_too),
        cmocka_unit_test(the_largest_record_fits_into_a_batch),
        cmocka_unit_test(a_clock_out_of_its_mind_does_not_spoil_a_batch),
        cmocka_unit_test(no_room_for_a_batch_is_told),
        cmocka_unit_test(a_full_batch_of_pupils_takes_less_than_nine_bytes_each),
    };

    return cmocka_run_group_tests(tests, batch_start, batch_stop);
}
