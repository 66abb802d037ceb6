/* test_cover.c: the cover of a return and what ties it to its submissions (SPEC.md 3.2). */
#include "protocol/builtin.h"
#include "protocol/cover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t form_digest[DIGEST_BYTES] = {0x95, 0xb2, 0x72, 0x13, 0x03, 0x3a, 0xd9, 0x36, 0xad, 0xa0, 0x21,
                                                  0xba, 0x0b, 0x0d, 0xc0, 0x80, 0xdb, 0xc9, 0xb4, 0x19, 0x1a, 0x83,
                                                  0x5c, 0x90, 0x80, 0x78, 0x00, 0x34, 0xac, 0x3c, 0x53, 0x2b};

static void the_form_of_covers_is_the_specifications(void **state)
{
    static const char *const names[COVER_FIELDS] = {"form",       "state",       "rows",        "digest",
                                                    "entered_by", "approved_by", "approved_on", "reason"};
    struct builtin_forms b;
    const struct form *f;

    (void)state;
    assert_int_equal(builtin_forms_load(&b), OK);
    f = b.forms[BUILTIN_COVER];
    assert_memory_equal(f->digest, form_digest, sizeof(form_digest));
    assert_string_equal(f->id, COVER_FORM);
    assert_int_equal(f->field_count, COVER_FIELDS);
    assert_int_equal(f->key, COVER_OF);
    for (size_t i = 0; i < COVER_FIELDS; i++)
        assert_string_equal(f->fields[i].name, names[i]);
    for (enum cover_state s = 0; s < COVER_STATES; s++)
        assert_string_equal(f->fields[COVER_STATE].choices->items[s].code, cover_state_name(s));
    assert_true(builtin_is(f, BUILTIN_COVER));
    assert_false(builtin_is(f, BUILTIN_ANSWER));
    assert_true(builtin_is_any(f));
    assert_true(builtin_has_id(COVER_FORM));
    assert_ptr_equal(builtin_form_by_digest(&b, form_digest), f);
    builtin_forms_fini(&b);
}

static void assert_digest(uint8_t (*digests)[RECORD_DIGEST_BYTES], size_t count, const char *expected)
{
    char text[RETURN_DIGEST_TEXT];
    uint8_t d[DIGEST_BYTES];

    return_digest(d, digests, count);
    return_digest_format(text, d);
    assert_string_equal(text, expected);
}

static void the_digest_is_the_specifications_in_whatever_order_the_rows_come(void **state)
{
    static const uint8_t orders[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    uint8_t digests[3][RECORD_DIGEST_BYTES];

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 3; k++)
            memset(digests[k], orders[i][k], RECORD_DIGEST_BYTES);
        assert_digest(digests, 3, "81f2 8790 2fcf a446 38c0 7fb0 5ad6 ebe2 38f2 17f7 4150 2b34 a009 d54e b3da b308");
    }
    assert_digest(digests, 0, "e307 68cb 3e98 f455 83df 3f95 05bc 3d44 cf6a 943b 9af1 d25d 9baf da86 b39a 5fd6");
    assert_digest(NULL, 0, "e307 68cb 3e98 f455 83df 3f95 05bc 3d44 cf6a 943b 9af1 d25d 9baf da86 b39a 5fd6");
}

static struct cover some_cover(void)
{
    struct cover c = {.of = bytes_of("staff", 5),
                      .state = COVER_PARTIAL,
                      .rows = 14,
                      .entered_by = bytes_of("Anna", 4),
                      .approved_by = bytes_of("Boris", 5),
                      .reason = bytes_of("counted again", 13),
                      .has_approved_on = true,
                      .approved_on = 18518};

    for (size_t i = 0; i < DIGEST_BYTES; i++)
        c.digest[i] = (uint8_t)(i * 9 + 7);
    return c;
}

static void a_cover_is_read_as_it_was_written(void **state)
{
    struct cover c = some_cover(), got;
    struct value values[COVER_FIELDS];
    char hex[COVER_HEX], name[4];

    (void)state;
    cover_write(&c, hex, values);
    assert_true(cover_read(&got, values, COVER_FIELDS));
    assert_int_equal(got.state, COVER_PARTIAL);
    assert_int_equal(got.rows, 14);
    assert_memory_equal(got.digest, c.digest, DIGEST_BYTES);
    assert_int_equal(got.approved_on, 18518);
    assert_true(got.has_approved_on);
    cover_text(name, sizeof(name), got.approved_by);
    assert_string_equal(name, "Bor");
    cover_text(name, sizeof(name), bytes_of("aж", 3));
    assert_string_equal(name, "aж");
    cover_text(name, sizeof(name), bytes_of("abж", 4)); /* no half letter */
    assert_string_equal(name, "ab");
    c.approved_by = c.reason = c.entered_by = bytes_of("", 0);
    c.has_approved_on = false;
    cover_write(&c, hex, values);
    assert_true(cover_read(&got, values, COVER_FIELDS));
    assert_int_equal(got.approved_by.len, 0);
    assert_false(got.has_approved_on);
}

static void what_is_not_a_whole_cover_is_none(void **state)
{
    struct cover c = some_cover(), got;
    struct value values[COVER_FIELDS];
    char hex[COVER_HEX];

    (void)state;
    cover_write(&c, hex, values);
    assert_false(cover_read(&got, values, COVER_FIELDS - 1));
    for (size_t i = COVER_OF; i <= COVER_DIGEST; i++) {
        cover_write(&c, hex, values);
        values[i].state = VALUE_MISSING;
        assert_false(cover_read(&got, values, COVER_FIELDS));
    }
    cover_write(&c, hex, values);
    values[COVER_STATE].as.i = COVER_STATES;
    assert_false(cover_read(&got, values, COVER_FIELDS));
    cover_write(&c, hex, values);
    values[COVER_ROWS].as.i = -1;
    assert_false(cover_read(&got, values, COVER_FIELDS));
    cover_write(&c, hex, values);
    values[COVER_DIGEST].as.text.len--;
    assert_false(cover_read(&got, values, COVER_FIELDS));
    for (const char *bad = "gG/:`@ "; *bad != '\0'; bad++) {
        cover_write(&c, hex, values);
        hex[17] = *bad;
        assert_false(cover_read(&got, values, COVER_FIELDS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_of_covers_is_the_specifications),
        cmocka_unit_test(the_digest_is_the_specifications_in_whatever_order_the_rows_come),
        cmocka_unit_test(a_cover_is_read_as_it_was_written),
        cmocka_unit_test(what_is_not_a_whole_cover_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
