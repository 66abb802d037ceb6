#include "protocol/record.h"

#include "common/clock.h"
#include "tests/unit/record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct form form;
static struct record_space *space;
static struct buf out;
static struct buf again;

static int start(void **state)
{
    (void)state;
    form = fixture_form();
    buf_init(&out, 200000);
    buf_init(&again, 200000);
    return record_space_new(&space) == OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    record_space_free(space);
    buf_fini(&out);
    buf_fini(&again);
    return 0;
}

static struct bytes encoded(void)
{
    return (struct bytes){out.data, out.len};
}

static struct bytes text(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* A correction with a remark and all values missing: everything in the head is in use. */
static struct record sample(struct fixture_space *s)
{
    static const struct record_remark remark = {2, {(const uint8_t *)"why", 3}};
    struct record r = {.unit = "u", .period = "2020", .filled_on = 1, .has_time = true, .made_ms = 5};

    memcpy(r.form, form.digest, sizeof(r.form));
    r.has_offset = true;
    r.entered_by = text("me");
    r.kind = RECORD_CORRECTION;
    r.target = (struct record_ref){{1, {2}}, 3};
    r.reason = text("wrong");
    for (uint32_t i = 0; i < FIXTURE_FIELDS; i++)
        s->values[i].state = VALUE_MISSING;
    r.values = s->values;
    r.value_count = FIXTURE_FIELDS;
    r.remarks = &remark;
    r.remark_count = 1;
    return r;
}

static bool texts_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static void assert_values_equal(const struct value *a, const struct value *b, const struct form_field *f)
{
    assert_int_equal(a->state, b->state);
    if (a->state != VALUE_PRESENT)
        return;
    if (f->type == VALUE_TEXT) {
        assert_true(texts_equal(a->as.text, b->as.text));
    } else if (f->type == VALUE_REPEAT) {
        assert_int_equal(a->as.rows.rows, b->as.rows.rows);
        assert_int_equal(a->as.rows.columns, b->as.rows.columns);
        for (uint32_t i = 0; i < a->as.rows.rows * a->as.rows.columns; i++)
            assert_values_equal(&a->as.rows.cells[i], &b->as.rows.cells[i], &f->columns[i % f->column_count]);
    } else {
        assert_true(a->as.set == b->as.set);
    }
}

static void assert_heads_equal(const struct record *a, const struct record *b)
{
    assert_memory_equal(a->form, b->form, FORM_DIGEST_BYTES);
    assert_string_equal(a->unit, b->unit);
    assert_string_equal(a->period, b->period);
    assert_int_equal(a->filled_on, b->filled_on);
    assert_int_equal(a->has_time, b->has_time);
    assert_true(a->made_ms == b->made_ms);
    assert_int_equal(a->has_offset, b->has_offset);
    assert_true(a->offset_ms == b->offset_ms);
    assert_true(texts_equal(a->entered_by, b->entered_by));
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(record_ref_compare(&a->target, &b->target), 0);
    assert_true(texts_equal(a->reason, b->reason));
    assert_memory_equal(a->tag, b->tag, TAG_BYTES);
    assert_int_equal(a->ordinal, b->ordinal);
    assert_int_equal(a->value_count, b->value_count);
}

static void random_records_come_back_as_they_went(void **state)
{
    uint64_t seed = (uint64_t)clock_mono_ns();

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned round = 0; round < 3000; round++) {
        struct fixture_space s;
        struct record r = fixture_record(&form, &s, &seed);
        struct record head;
        struct record back;

        buf_reset(&out);
        assert_int_equal(record_encode(&out, &r, &form), OK);
        assert_int_equal(record_decode_head(&head, encoded()), OK);
        assert_int_equal(record_decode(&back, space, encoded(), &form), OK);
        assert_heads_equal(&r, &head);
        assert_heads_equal(&r, &back);
        assert_int_equal(r.remark_count, back.remark_count);
        for (uint32_t i = 0; i < r.remark_count; i++) {
            assert_int_equal(r.remarks[i].field, back.remarks[i].field);
            assert_true(texts_equal(r.remarks[i].text, back.remarks[i].text));
        }
        for (uint32_t i = 0; i < r.value_count; i++)
            assert_values_equal(&r.values[i], &back.values[i], &form.fields[i]);
    }
}

/* Digests are over the bytes: whatever is accepted must be the only way to write it. */
static void what_is_accepted_is_written_the_same_again(void **state)
{
    uint64_t seed = (uint64_t)clock_mono_ns();
    unsigned accepted = 0;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned round = 0; round < 20000; round++) {
        struct fixture_space s;
        struct record r = fixture_record(&form, &s, &seed);
        struct record back;

        buf_reset(&out);
        buf_reset(&again);
        assert_int_equal(record_encode(&out, &r, &form), OK);
        for (uint32_t changes = 1 + fixture_draw(&seed, 2); changes > 0; changes--)
            out.data[fixture_draw(&seed, (uint32_t)out.len)] = (uint8_t)fixture_draw(&seed, 256);
        if (fixture_draw(&seed, 10) == 0)
            out.len = fixture_draw(&seed, (uint32_t)out.len);
        if (record_decode(&back, space, encoded(), &form) != OK)
            continue;
        accepted++;
        assert_int_equal(record_encode(&again, &back, &form), OK);
        assert_int_equal(again.len, out.len);
        assert_memory_equal(again.data, out.data, out.len);
    }
    assert_true(accepted > 100);
}

static void a_record_that_breaks_a_rule_is_not_written(void **state)
{
    struct fixture_space s;
    struct record good = sample(&s);
    struct record_remark remarks[2] = {{3, text("x")}, {3, text("y")}};
    char long_text[501];

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    buf_reset(&out);
    assert_int_equal(record_encode(&out, &good, &form), OK);
    buf_reset(&out);
#define REFUSED(change)                                                                                                \
    do {                                                                                                               \
        struct record r = good;                                                                                        \
        change;                                                                                                        \
        assert_int_equal(record_encode(&out, &r, &form), ERR_INVALID);                                                 \
        assert_int_equal(out.len, 0);                                                                                  \
    } while (0)
    REFUSED(r.form[0] ^= 1);
    REFUSED(strcpy(r.unit, ""));
    REFUSED(strcpy(r.unit, "a b"));
    REFUSED(strcpy(r.period, ""));
    REFUSED(strcpy(r.period, "1 четв"));
    REFUSED(r.has_time = false);
    REFUSED(r.made_ms = INT64_MAX);
    REFUSED(r.offset_ms = INT64_MIN);
    REFUSED(r.entered_by = ((struct bytes){(const uint8_t *)long_text, 65}));
    REFUSED(r.reason = text(""));
    REFUSED(r.reason = ((struct bytes){(const uint8_t *)long_text, 501}));
    REFUSED(r.kind = RECORD_NEW);
    REFUSED(r.kind = RECORD_RETRACTION);
    REFUSED(r.target.number = 0);
    REFUSED(r.target.number = UINT64_MAX);
    REFUSED(r.target.gen.counter = 0);
    REFUSED(r.value_count = FIXTURE_FIELDS - 1);
    REFUSED(r.remark_count = FIXTURE_FIELDS + 1);
    REFUSED((r.remarks = remarks, r.remark_count = 2));
    remarks[1].field = FIXTURE_FIELDS;
    REFUSED((r.remarks = remarks, r.remark_count = 2));
    remarks[1] = (struct record_remark){4, text("")};
    REFUSED((r.remarks = remarks, r.remark_count = 2));
}

/* ---- hostile heads: the sample's elements one by one, with one of them exchanged ---- */

static void put_sample_element(struct buf *b, unsigned at)
{
    static const uint8_t tag[8] = {2};

    switch (at) {
    case 0: mp_put_uint(b, 1); break;
    case 1: mp_put_bin(b, form.digest, 32); break;
    case 2: mp_put_cstr(b, "u"); break;
    case 3: mp_put_cstr(b, "2020"); break;
    case 4: mp_put_int(b, 1); break;
    case 5:
    case 6: mp_put_int(b, 5); break;
    case 7: mp_put_cstr(b, "me"); break;
    case 8: mp_put_uint(b, 0); break;
    case 9: mp_put_uint(b, RECORD_CORRECTION); break;
    case 10:
        mp_put_array(b, 3);
        mp_put_uint(b, 1);
        mp_put_bin(b, tag, 8);
        mp_put_uint(b, 3);
        break;
    case 11: mp_put_cstr(b, "wrong"); break;
    case 12: mp_put_bin(b, tag, 8); break;
    case 13: mp_put_uint(b, 9); break;
    case 14: mp_put_nil(b); break;
    default: mp_put_nil(b); break;
    }
}

static enum err decode_with(unsigned at, struct bytes element, unsigned values)
{
    struct record r;

    buf_reset(&out);
    mp_put_array(&out, RECORD_HEAD + values);
    for (unsigned i = 0; i < RECORD_HEAD + values; i++) {
        if (i == at)
            mp_put_raw(&out, element);
        else
            put_sample_element(&out, i);
    }
    return record_decode(&r, space, encoded(), &form);
}

static void every_element_of_the_head_is_checked(void **state)
{
    static const struct {
        unsigned at;
        const char *bytes;
        size_t len;
    } bad[] = {
        {0, "\xc0", 1},
        {1, "\xc4\x01x", 3},
        {1, "\xc0", 1},
        {2, "\xa0", 1},
        {2, "\xa1!", 2},
        {2, "\x01", 1},
        {3, "\xa0", 1},
        {3, "\xa1 ", 2},
        {4, "\xc0", 1},
        {4, "\xce\x80\x00\x00\x00", 5},
        {5, "\xc0", 1}, /* an offset without a time */
        {5, "\xa0", 1},
        {5, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
        {6, "\xc3", 1},
        {7, "\xc0", 1},
        {8, "\x04", 1},
        {9, "\x03", 1},
        {9, "\x00", 1}, /* a new one with a target */
        {9, "\x02", 1}, /* a retraction with values */
        {10, "\xc0", 1},
        {10,
         "\x93\x00\xc4\x08"
         "12345678\x01",
         13},
        {10,
         "\x93\x01\xc4\x08"
         "12345678\x00",
         13},
        {10,
         "\x93\x01\xc4\x07"
         "1234567\x01",
         12},
        {10,
         "\x94\x01\xc4\x08"
         "12345678\x01\x01",
         14},
        {11, "\xa0", 1},
        {11, "\xa1\xff", 2},
        {12,
         "\xc4\x07"
         "1234567",
         9},
        {13, "\xff", 1},
        {13, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9},
        {14, "\x90", 1},
        {14, "\x91\x92\x09\xa1x", 5},
        {14, "\x91\x92\x01\xa0", 4},
        {14, "\x92\x92\x02\xa1x\x92\x02\xa1x", 9},
        {14, "\x91\x91\x02", 3},
    };

    (void)state;
    assert_int_equal(decode_with(14, (struct bytes){(const uint8_t *)"\xc0", 1}, FIXTURE_FIELDS), OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes element = {(const uint8_t *)bad[i].bytes, bad[i].len};
        enum err e = decode_with(bad[i].at, element, FIXTURE_FIELDS);

        if (e != ERR_MALFORMED)
            print_message("case %zu: %s\n", i, err_name(e));
        assert_int_equal(e, ERR_MALFORMED);
    }
    assert_int_equal(decode_with(0, (struct bytes){(const uint8_t *)"\x02", 1}, FIXTURE_FIELDS), ERR_VERSION);
    assert_int_equal(decode_with(99, text(""), FIXTURE_FIELDS + 1), ERR_MALFORMED);
    assert_int_equal(decode_with(99, text(""), FIXTURE_FIELDS - 1), ERR_MALFORMED);
}

static void every_value_is_checked_against_its_type(void **state)
{
    static const struct {
        unsigned field;
        const char *bytes;
        size_t len;
        enum err want;
    } cases[] = {
        {0, "\xc3", 1, ERR_MALFORMED},
        {0, "\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9, ERR_MALFORMED},
        {0, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, OK},
        {1, "\xa1x", 2, ERR_MALFORMED},
        {2, "\x01", 1, ERR_MALFORMED},
        {2, "\xc4\x01x", 3, ERR_MALFORMED},
        {3, "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff", 9, ERR_MALFORMED},
        {3, "\xd2\x80\x00\x00\x00", 5, OK},
        {4, "\x01", 1, ERR_MALFORMED},
        {5, "\x02", 1, OK},
        {5, "\x03", 1, ERR_MALFORMED},
        {5, "\xff", 1, ERR_MALFORMED},
        {6, "\x07", 1, OK},
        {6, "\x08", 1, ERR_MALFORMED},
        {7, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, OK},
        {8, "\x01", 1, ERR_MALFORMED},
        {8, "\xa0", 1, ERR_MALFORMED},
        {8, "\x90", 1, OK},
        {8, "\x91\x92\xc0\xd4\x01\x03", 6, OK},
        {8, "\x91\x91\xc0", 3, ERR_MALFORMED},
        {8, "\x91\x92\xc0\xa0", 4, ERR_MALFORMED},
        {8, "\x91\x92\xc0\x90", 4, ERR_MALFORMED},
        {8, "\x91\xc0", 2, ERR_MALFORMED},
        {8, "\xd4\x01\x01", 3, OK},
        {8, "\xd4\x01\x00", 3, ERR_MALFORMED},
        {8, "\xd4\x01\x04", 3, ERR_MALFORMED},
        {8, "\xca\x00\x00\x00\x00", 5, ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes element = {(const uint8_t *)cases[i].bytes, cases[i].len};
        enum err e = decode_with(RECORD_HEAD + cases[i].field, element, FIXTURE_FIELDS);

        if (e != cases[i].want)
            print_message("case %zu: %s\n", i, err_name(e));
        assert_int_equal(e, cases[i].want);
    }
}

static void a_record_is_whole_or_refused(void **state)
{
    struct fixture_space s;
    struct record r = sample(&s);
    struct form other = form;

    (void)state;
    buf_reset(&out);
    assert_int_equal(record_encode(&out, &r, &form), OK);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(record_decode(&r, space, (struct bytes){out.data, len}, &form), ERR_MALFORMED);
    buf_put_u8(&out, 0xc0);
    assert_int_equal(record_decode(&r, space, encoded(), &form), ERR_MALFORMED);
    out.len--;
    other.digest[0] ^= 1;
    assert_int_equal(record_decode(&r, space, encoded(), &other), ERR_INVALID);
}

/* Invariant 8: 64 KiB and not a byte more, in both directions. */
static void a_record_of_64_kib_is_the_largest(void **state)
{
    static char letters[4000];
    static struct value values[17];
    static struct form_field fields[17];
    struct form large = {.id = "large", .fields = fields, .field_count = 17};
    struct record r = {.unit = "u", .period = "p", .values = values, .value_count = 17};
    struct record back;

    (void)state;
    memset(letters, 'x', sizeof(letters));
    for (unsigned i = 0; i < 17; i++) {
        fields[i].name = "text";
        fields[i].type = VALUE_TEXT;
        values[i].as.text = (struct bytes){(const uint8_t *)letters, i < 16 ? 4000 : 0};
    }
    buf_reset(&out);
    assert_int_equal(record_encode(&out, &r, &large), OK);
    values[16].as.text.len = RECORD_MAX - out.len - 2;
    buf_reset(&out);
    assert_int_equal(record_encode(&out, &r, &large), OK);
    assert_int_equal(out.len, RECORD_MAX);
    assert_int_equal(record_decode(&back, space, encoded(), &large), OK);
    assert_int_equal(back.values[16].as.text.len, values[16].as.text.len);
    values[16].as.text.len++;
    buf_reset(&out);
    assert_int_equal(record_encode(&out, &r, &large), ERR_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(record_decode_head(&back, (struct bytes){(const uint8_t *)letters, RECORD_MAX + 1}), ERR_LIMIT);
    again.max = 100;
    buf_reset(&again);
    assert_int_equal(record_encode(&again, &r, &large), ERR_LIMIT);
    again.max = 200000;
}

static void a_repeat_of_a_thousand_rows_is_read(void **state)
{
    static struct value cells[2002];
    struct fixture_space s;
    struct record r = sample(&s);
    struct record back;

    (void)state;
    for (unsigned i = 0; i < 2002; i++)
        cells[i].state = VALUE_MISSING;
    s.values[8] = (struct value){.as.rows = {cells, 1000, 2}};
    buf_reset(&out);
    assert_int_equal(record_encode(&out, &r, &form), OK);
    assert_int_equal(record_decode(&back, space, encoded(), &form), OK);
    assert_int_equal(back.values[8].as.rows.rows, 1000);
    s.values[8].as.rows.rows = 1001;
    buf_reset(&out);
    assert_int_equal(record_encode(&out, &r, &form), OK);
    assert_int_equal(record_decode(&back, space, encoded(), &form), ERR_MALFORMED);
}

/* ---- ids ---- */

/* Invariant 3 depends on one order of ids everywhere. */
static void later_is_counter_then_tag_then_number(void **state)
{
    static const struct record_ref ascending[] = {
        {{1, {1}}, 5}, {{1, {1}}, 256}, {{1, {2}}, 1}, {{2, {0}}, 1}, {{256, {0}}, 1}, {{256, {0}}, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++) {
            uint8_t a[RECORD_REF_BYTES];
            uint8_t b[RECORD_REF_BYTES];
            int order = record_ref_compare(&ascending[i], &ascending[k]);
            int bytes;
            struct record_ref back;

            record_ref_put(a, &ascending[i]);
            record_ref_put(b, &ascending[k]);
            bytes = memcmp(a, b, sizeof(a));
            assert_true((order < 0) == (i < k) && (order > 0) == (i > k));
            assert_true((bytes < 0) == (i < k) && (bytes > 0) == (i > k));
            back = record_ref_get(a);
            assert_int_equal(record_ref_compare(&back, &ascending[i]), 0);
        }
}

static void an_id_reads_back_from_its_text(void **state)
{
    struct record_ref r = {{4294967295u, {0x5f, 0x3a, 0x9c, 0x0e, 1, 2, 3, 4}}, INT64_MAX};
    char line[RECORD_ID_TEXT];
    struct record_id_text t;

    (void)state;
    record_id_format(line, "12345678901234567890123456789012", &r);
    assert_int_equal(record_id_parse(&t, line), OK);
    assert_string_equal(t.participant, "12345678901234567890123456789012");
    assert_int_equal(t.counter, 4294967295u);
    assert_true(t.has_tag && t.number == INT64_MAX);
    assert_memory_equal(t.tag4, r.gen.tag, 4);
    r = (struct record_ref){{1, {0x5f, 0x3a, 0x9c, 0x0e}}, 17};
    record_id_format(line, "gp", &r);
    assert_string_equal(line, "gp/1.5f3a9c0e/17");
    assert_int_equal(record_id_parse(&t, "gp/1/17"), OK);
    assert_true(strcmp(t.participant, "gp") == 0 && t.counter == 1 && !t.has_tag && t.number == 17);
    assert_int_equal(record_id_parse(&t, "3.5F3A9C0E/17"), OK);
    assert_true(t.participant[0] == '\0' && t.counter == 3 && t.has_tag && t.tag4[0] == 0x5f);
    assert_int_equal(record_id_parse(&t, "17"), OK);
    assert_true(t.counter == 0 && t.number == 17);
}

static void texts_that_are_no_ids_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "017",
                                      "x",
                                      "1/",
                                      "/1",
                                      "1/0",
                                      "0/1",
                                      "gp/1/2/3",
                                      "g p/1/2",
                                      "1.5f/2",
                                      "1.5f3a9c0/2",
                                      "1.5f3a9c0g/2",
                                      "4294967296/1",
                                      "9223372036854775808",
                                      "17 ",
                                      "-1",
                                      "123456789012345678901234567890123/1/1",
                                      "gp//1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct record_id_text t;

        assert_int_equal(record_id_parse(&t, bad[i]), ERR_MALFORMED);
    }
    assert_true(id_is_valid("A-z_09"));
    assert_false(id_is_valid("школа"));
    assert_false(id_is_valid("123456789012345678901234567890123"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_records_come_back_as_they_went),
        cmocka_unit_test(what_is_accepted_is_written_the_same_again),
        cmocka_unit_test(a_record_that_breaks_a_rule_is_not_written),
        cmocka_unit_test(every_element_of_the_head_is_checked),
        cmocka_unit_test(every_value_is_checked_against_its_type),
        cmocka_unit_test(a_record_is_whole_or_refused),
        cmocka_unit_test(a_record_of_64_kib_is_the_largest),
        cmocka_unit_test(a_repeat_of_a_thousand_rows_is_read),
        cmocka_unit_test(later_is_counter_then_tag_then_number),
        cmocka_unit_test(an_id_reads_back_from_its_text),
        cmocka_unit_test(texts_that_are_no_ids_are_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
