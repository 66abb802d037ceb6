/* Slots: which submissions stand in one another's place. */
#include "hub/slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct slot_key slot_key;
static const struct choice choices[] = {{"a", NULL, NULL}, {"b", NULL, NULL}};
static const struct choice turned[] = {{"b", NULL, NULL}, {"a", NULL, NULL}};
static const struct choice_list list = {"l", choices, 2};
static const struct choice_list turned_list = {"l", turned, 2};

static int start(void **state)
{
    struct key *storage;

    (void)state;
    if (keys_start() != OK || key_generate(&storage, KEY_SECRET) != OK)
        return -1;
    slot_key_derive(&slot_key, storage);
    key_free(storage);
    return 0;
}

struct filled {
    struct form form;
    struct form_field field;
    struct record record;
    struct value value;
};

static void fill(struct filled *x, enum form_mode mode, enum value_type key_type)
{
    memset(x, 0, sizeof(*x));
    memcpy(x->form.id, "grades", 7);
    x->form.mode = mode;
    x->form.key = mode == FORM_ROWS ? 0 : -1;
    x->form.fields = &x->field;
    x->form.field_count = 1;
    x->field.type = key_type;
    x->field.choices = key_type == VALUE_SELECT_ONE ? &list : NULL;
    memcpy(x->record.unit, "gp", 3);
    memcpy(x->record.period, "2020-09", 8);
    x->record.values = &x->value;
    x->record.value_count = 1;
}

struct slot {
    uint8_t bytes[SLOT_BYTES];
};

/* `mark`: what tells its bytes from those of any other. */
static struct slot slot_at(const struct filled *x, uint32_t participant, uint8_t mark)
{
    struct slot s;

    slot_of(s.bytes, &slot_key, &x->form, participant, bytes_of(&mark, 1), &x->record);
    return s;
}

static bool same(struct slot a, struct slot b)
{
    return memcmp(a.bytes, b.bytes, SLOT_BYTES) == 0;
}

static void a_record_has_one_slot_for_form_unit_and_period(void **state)
{
    struct filled x;
    struct slot first;

    (void)state;
    fill(&x, FORM_RECORD, VALUE_INTEGER);
    first = slot_at(&x, 1, 1);
    x.value.as.i = 9;
    assert_true(same(first, slot_at(&x, 2, 7)));
    memcpy(x.record.unit, "ms", 3);
    assert_false(same(first, slot_at(&x, 1, 1)));
    memcpy(x.record.unit, "gp", 3);
    memcpy(x.record.period, "2020-10", 8);
    assert_false(same(first, slot_at(&x, 1, 1)));
    memcpy(x.record.period, "2020-09", 8);
    memcpy(x.form.id, "gradez", 7);
    assert_false(same(first, slot_at(&x, 1, 1)));
}

/* "ab" + "c" is not "a" + "bc". */
static void parts_do_not_run_into_one_another(void **state)
{
    struct filled x;
    struct slot first;

    (void)state;
    fill(&x, FORM_RECORD, VALUE_INTEGER);
    memcpy(x.form.id, "ab", 3);
    memcpy(x.record.unit, "c", 2);
    first = slot_at(&x, 1, 1);
    memcpy(x.form.id, "a", 2);
    memcpy(x.record.unit, "bc", 3);
    assert_false(same(first, slot_at(&x, 1, 1)));
}

static void rows_are_told_apart_by_their_key(void **state)
{
    static const enum value_type types[] = {VALUE_INTEGER, VALUE_SELECT_ONE};
    struct filled x;
    struct slot first;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fill(&x, FORM_ROWS, types[i]);
        first = slot_at(&x, 1, 1);
        assert_true(same(first, slot_at(&x, 1, 5)));
        x.value.as.i = 1;
        assert_false(same(first, slot_at(&x, 1, 1)));
        x.value.state = VALUE_MISSING;
        assert_false(same(first, slot_at(&x, 1, 1)));
    }
    fill(&x, FORM_ROWS, VALUE_TEXT);
    x.value.as.text = (struct bytes){(const uint8_t *)"anna", 4};
    first = slot_at(&x, 1, 1);
    x.value.as.text.len = 3;
    assert_false(same(first, slot_at(&x, 1, 1)));
    x.value.as.text = (struct bytes){(const uint8_t *)"\0\0\0\0\0\0\0\1", 8};
    first = slot_at(&x, 1, 1);
    x.field.type = VALUE_INTEGER;
    x.value.as.i = 1;
    assert_false(same(first, slot_at(&x, 1, 1)));
}

static void a_choice_stays_the_same_key_when_the_list_is_turned_round(void **state)
{
    struct filled x;
    struct slot first;

    (void)state;
    fill(&x, FORM_ROWS, VALUE_SELECT_ONE);
    x.value.as.i = 0;
    first = slot_at(&x, 1, 1);
    x.field.choices = &turned_list;
    assert_false(same(first, slot_at(&x, 1, 1)));
    x.value.as.i = 1;
    assert_true(same(first, slot_at(&x, 1, 1)));
}

/* Whatever its number is: there may be two copies of it under two (invariant 3). */
static void every_anonymous_answer_has_a_slot_of_its_own(void **state)
{
    struct filled x;

    (void)state;
    fill(&x, FORM_ANSWERS, VALUE_INTEGER);
    assert_true(same(slot_at(&x, 1, 1), slot_at(&x, 1, 1)));
    assert_false(same(slot_at(&x, 1, 1), slot_at(&x, 1, 2)));
    assert_false(same(slot_at(&x, 1, 1), slot_at(&x, 2, 1)));
}

static void the_longest_key_fits(void **state)
{
    static uint8_t text[FORM_MAX_TEXT];
    struct filled x;
    struct slot first;

    (void)state;
    fill(&x, FORM_ROWS, VALUE_TEXT);
    memset(x.form.id, 'f', FORM_NAME_MAX);
    memset(x.record.unit, 'u', ID_MAX);
    memset(x.record.period, 'p', 32);
    memset(text, 'k', sizeof(text));
    x.value.as.text = (struct bytes){text, sizeof(text)};
    first = slot_at(&x, 1, 1);
    text[sizeof(text) - 1] = 'l';
    assert_false(same(first, slot_at(&x, 1, 1)));
}

static void another_storage_key_gives_other_slots(void **state)
{
    struct slot_key other = slot_key;
    struct filled x;
    struct slot s;

    (void)state;
    fill(&x, FORM_RECORD, VALUE_INTEGER);
    other.bytes[0] ^= 1;
    slot_of(s.bytes, &other, &x.form, 1, bytes_of("\1", 1), &x.record);
    assert_false(same(s, slot_at(&x, 1, 1)));
    slot_key_fini(&other);
}

static void entries_are_read_as_they_were_written(void **state)
{
    struct slot_current c = {7, {{3, {1, 2, 3, 4, 5, 6, 7, 8}}, 99}, 12, 34, true, false};
    struct slot_current back;
    struct slot_list_entry entry;
    uint8_t raw[SLOT_CURRENT_BYTES];
    uint8_t key[SLOT_LIST_KEY_MAX];
    uint8_t slot[SLOT_BYTES] = {9};
    size_t len;

    (void)state;
    slot_current_put(raw, &c);
    assert_int_equal(slot_current_get(&back, (struct bytes){raw, sizeof(raw)}), OK);
    assert_int_equal(slot_compare(c.participant, &c.ref, back.participant, &back.ref), 0);
    assert_int_equal(back.lsn, 12);
    assert_int_equal(back.row, 34);
    assert_true(back.is_dead);
    assert_false(back.is_frozen);
    raw[36] = 4;
    assert_int_equal(slot_current_get(&back, (struct bytes){raw, sizeof(raw)}), ERR_CORRUPT);
    assert_int_equal(slot_current_get(&back, (struct bytes){raw, 36}), ERR_CORRUPT);

    len = slot_list_key(key, "grades", "gp", "2020-09", slot);
    assert_int_equal(slot_list_read(&entry, (struct bytes){key, len}), OK);
    assert_string_equal(entry.form_id, "grades");
    assert_string_equal(entry.unit, "gp");
    assert_string_equal(entry.period, "2020-09");
    assert_memory_equal(entry.slot, slot, SLOT_BYTES);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(slot_list_read(&entry, (struct bytes){key, cut}), ERR_CORRUPT);
}

static void later_is_greater_participant_generation_and_number(void **state)
{
    struct record_ref a = {{1, {1}}, 5};
    struct record_ref b = {{2, {0}}, 1};
    struct record_ref c = {{2, {1}}, 1};

    (void)state;
    assert_true(slot_compare(1, &a, 1, &b) < 0);
    assert_true(slot_compare(1, &c, 1, &b) > 0);
    assert_true(slot_compare(2, &a, 1, &c) > 0);
    assert_true(slot_compare(1, &a, 2, &a) < 0);
    /* who enters for others is less than anybody, whenever it was added, and whatever it says later */
    assert_true(slot_compare(PARTICIPANT_STANDS_IN | 3, &c, 1, &a) < 0);
    assert_true(slot_compare(1, &a, PARTICIPANT_STANDS_IN | 1, &c) > 0);
    assert_true(slot_compare(PARTICIPANT_STANDS_IN | 1, &c, PARTICIPANT_STANDS_IN | 2, &a) < 0);
    assert_int_equal(slot_compare(1, &a, 1, &a), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_one_slot_for_form_unit_and_period),
        cmocka_unit_test(parts_do_not_run_into_one_another),
        cmocka_unit_test(rows_are_told_apart_by_their_key),
        cmocka_unit_test(a_choice_stays_the_same_key_when_the_list_is_turned_round),
        cmocka_unit_test(every_anonymous_answer_has_a_slot_of_its_own),
        cmocka_unit_test(the_longest_key_fits),
        cmocka_unit_test(another_storage_key_gives_other_slots),
        cmocka_unit_test(entries_are_read_as_they_were_written),
        cmocka_unit_test(later_is_greater_participant_generation_and_number),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
