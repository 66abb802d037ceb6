/* test_form_value.c: one answer as a person types it, and as it is shown again (invariant 9). */
#include "form_fixture.h"

static const char FORM[] =
    HEAD "choices:\n"
         "  l:\n"
         "    - {code: GP, label: {ru: Первая школа, en: First school}}\n"
         "    - {code: MS, label: {ru: Вторая школа, en: Second school}}\n"
         "    - {code: b, label: {ru: Ёлка, en: same}}\n"
         "    - {code: c, label: {ru: Другое, en: same}}\n"
         "survey:\n"
         "  - {type: integer, name: i}\n"
         "  - {type: decimal, name: d}\n"
         "  - {type: text, name: t}\n"
         "  - {type: date, name: day}\n"
         "  - {type: boolean, name: b}\n"
         "  - {type: select_one l, name: one}\n"
         "  - {type: select_multiple l, name: many}\n"
         "  - {type: repeat, name: r, survey: [{type: integer, name: x}, {type: text, name: y}]}\n";

static int setup(void **state)
{
    struct filled *x = malloc(sizeof(*x));

    load_right(x, FORM);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    finish(*state);
    free(*state);
    return 0;
}

static enum err parse(struct filled *x, const char *field, const char *text, struct value *out)
{
    const struct form_field *f = &x->form->fields[form_find_field(x->form, field, strlen(field))];

    err_clear();
    return value_parse(out, f, text, strlen(text), &x->keep);
}

/* Typed as `text`, it is shown as `shown`. */
static void assert_shown(struct filled *x, const char *field, const char *text, const char *shown)
{
    const struct form_field *f = &x->form->fields[form_find_field(x->form, field, strlen(field))];
    struct value v;
    struct buf out;

    if (parse(x, field, text, &v) != OK)
        fail_msg("\"%s\" was refused: %s", text, err_text());
    buf_init(&out, 4096);
    value_format(&out, f, &v);
    assert_string_equal(buf_cstr(&out), shown);
    buf_fini(&out);
}

static void assert_unreadable(struct filled *x, const char *field, const char *text, const char *part)
{
    struct value v;

    assert_int_equal(parse(x, field, text, &v), ERR_INVALID);
    if (strstr(err_text(), part) == NULL)
        fail_msg("\"%s\": \"%s\" is not in \"%s\"", text, part, err_text());
}

static void numbers_are_read_in_the_notation_of_the_user(void **state)
{
    struct filled *x = *state;

    assert_shown(x, "i", "12", "12");
    assert_shown(x, "i", " -7\t", "-7");
    assert_shown(x, "i", "+5", "5");
    assert_shown(x, "i", "12.0", "12");
    assert_shown(x, "i",
                 "\xC2\xA0"
                 "12\xC2\xA0",
                 "12"); /* a spreadsheet's no-break spaces */
    assert_shown(x, "d", "3,5", "3.50");
    assert_shown(x, "d", "3.50", "3.50");
    assert_shown(x, "d", "-0.05", "-0.05");
    assert_unreadable(x, "i", "12.5", "whole number");
    assert_unreadable(x, "i", "twelve", "whole number");
    assert_unreadable(x, "d", "3.505", "2 digits");
    assert_unreadable(x, "d", "1e5", "number");
    assert_unreadable(x, "i", "9007199254740992", "too large");
    assert_shown(x, "i", "9007199254740991", "9007199254740991");
}

static void an_empty_answer_is_missing_and_not_zero(void **state)
{
    static const char *const names[] = {"i", "d", "t", "day", "b", "one", "many", "r"};
    struct filled *x = *state;
    struct value v;

    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(parse(x, names[i], "", &v), OK);
        assert_int_equal(v.state, VALUE_MISSING);
        assert_int_equal(parse(x, names[i], "  \t", &v), OK);
        assert_int_equal(v.state, VALUE_MISSING);
        assert_shown(x, names[i], "", "");
    }
    assert_int_equal(parse(x, "many", " , ;", &v), OK);
    assert_int_equal(v.state, VALUE_MISSING);
}

static void states_are_words_with_a_question_mark(void **state)
{
    struct filled *x = *state;
    struct value v;

    assert_int_equal(parse(x, "i", "?unknown", &v), OK);
    assert_int_equal(v.state, VALUE_NOT_KNOWN);
    assert_shown(x, "i", "?unknown", "?unknown");
    assert_shown(x, "t", " ?na ", "?na");
    assert_shown(x, "t", "?no", "?no"); /* only those two */
    assert_unreadable(x, "i", "?maybe", "whole number");
    assert_unreadable(x, "i", "-", "whole number");
    assert_shown(x, "t", "н/д", "н/д");
}

static void dates_are_read_in_both_forms(void **state)
{
    struct filled *x = *state;

    assert_shown(x, "day", "2020-09-01", "2020-09-01");
    assert_shown(x, "day", "01.09.2020", "2020-09-01");
    assert_unreadable(x, "day", "30.02.2020", "no such day");
    assert_unreadable(x, "day", "1 September", "expected a date");
}

static void yes_and_no_are_read_in_every_spelling(void **state)
{
    static const char *const yes[] = {"yes", "Yes", "1", "да", "Да", "ДА", "true", "TRUE", "ИСТИНА"};
    static const char *const no[] = {"no", "NO", "0", "нет", "Нет", "НЕТ", "false", "ложь"};
    struct filled *x = *state;

    for (size_t i = 0; i < COUNT(yes); i++)
        assert_shown(x, "b", yes[i], "true");
    for (size_t i = 0; i < COUNT(no); i++)
        assert_shown(x, "b", no[i], "false");
    assert_unreadable(x, "b", "maybe", "yes or no");
    assert_unreadable(x, "b", "2", "yes or no");
}

static void a_choice_is_known_by_code_or_label(void **state)
{
    struct filled *x = *state;

    assert_shown(x, "one", "MS", "MS");
    assert_shown(x, "one", "ms", "MS");
    assert_shown(x, "one", "Вторая школа", "MS");
    assert_shown(x, "one", "вторая  ШКОЛА", "MS");
    assert_shown(x, "one", "first school", "GP");
    assert_shown(x, "one", "ЁЛКА", "b");
    assert_unreadable(x, "one", "same", "several choices");
    assert_unreadable(x, "one", "zzzzzz", "one of GP (First school), MS (Second school), b (same), c (same)");
    assert_unreadable(x, "one", "GPP", "did you mean");
    assert_unreadable(x, "one", "\xFF", "no such choice");
}

static void several_choices_are_separated_in_any_usual_way(void **state)
{
    struct filled *x = *state;

    assert_shown(x, "many", "GP MS", "GP MS");
    assert_shown(x, "many", "MS,GP", "GP MS");
    assert_shown(x, "many", "b; GP;", "GP b");
    assert_shown(x, "many", "Первая школа, Вторая школа", "GP MS");
    assert_shown(x, "many", "Вторая школа", "MS");
    assert_shown(x, "many", "GP GP", "GP");
    assert_unreadable(x, "many", "GP nosuchchoice", "no such choice");
}

static void text_becomes_nfc_and_holds_no_control_characters(void **state)
{
    struct filled *x = *state;
    char text[FORM_MAX_TEXT + 2];

    assert_shown(x, "t", "  привет, мир ", "привет, мир");
    assert_shown(x, "t", "line\nline", "line\nline");
    assert_shown(x, "t", "и\xCC\x86", "й");
    assert_unreadable(x, "t", "a\x01", "control character");
    assert_unreadable(x, "t", "a\xC0\x80", "UTF-8");
    memset(text, 'a', sizeof(text));
    text[FORM_MAX_TEXT] = '\0';
    assert_shown(x, "t", text, text);
    text[FORM_MAX_TEXT] = 'a';
    text[FORM_MAX_TEXT + 1] = '\0';
    assert_unreadable(x, "t", text, "too long");
}

static void a_text_that_grows_too_long_in_nfc_is_refused(void **state)
{
    struct filled *x = *state;
    char text[FORM_MAX_TEXT + 1];

    for (size_t i = 0; i + 4 <= FORM_MAX_TEXT; i += 4)
        memcpy(text + i, "\xF0\x9D\x85\x9E", 4); /* U+1D15E is two characters in NFC */
    text[FORM_MAX_TEXT] = '\0';
    assert_unreadable(x, "t", text, "too long");
}

static void rows_are_written_as_json(void **state)
{
    struct filled *x = *state;

    assert_shown(x, "r", "[{\"x\": 1, \"y\": \"a\"}, {\"x\":2}]", "[{\"x\": 1, \"y\": \"a\"}, {\"x\": 2}]");
    assert_unreadable(x, "r", "[{\"z\": 1}]", "no such field");
    assert_unreadable(x, "r", "{}", "a list of objects");
    assert_unreadable(x, "r", "12", "");
    assert_unreadable(x, "r", "[[[[[[[[[[", "deeper");
}

static void loans_into_keep_do_not_move(void **state)
{
    struct filled *x = *state;
    struct value first, v;
    struct buf keep;
    enum err e = OK;

    buf_init(&keep, 20000);
    assert_int_equal(value_parse(&first, &x->form->fields[2], "first", 5, &keep), OK);
    for (int i = 0; i < 5000 && e == OK; i++)
        e = value_parse(&v, &x->form->fields[2], "another one", 11, &keep);
    assert_int_equal(e, ERR_LIMIT); /* full, and says so */
    assert_non_null(strstr(err_text(), "20000"));
    assert_memory_equal(first.as.text.p, "first", 5);
    buf_reset(&keep);
    assert_int_equal(value_parse(&v, &x->form->fields[2], "again", 5, &keep), OK);
    buf_fini(&keep);
}

static void a_keep_without_a_ceiling_is_given_one(void **state)
{
    struct filled *x = *state;
    struct value v;
    struct buf keep;

    buf_init(&keep, SIZE_MAX / 4);
    assert_int_equal(value_parse(&v, &x->form->fields[2], "text", 4, &keep), OK);
    assert_true(keep.cap <= 2 * (size_t)FORM_KEEP_MAX);
    buf_fini(&keep);
}

static void choices_without_an_index_are_searched_one_by_one(void **state)
{
    static const struct choice items[] = {{"a", NULL, NULL}, {"b", NULL, NULL}};
    static const struct choice_list list = {"l", items, 2};
    const struct form_field f = {.name = "x", .type = VALUE_SELECT_ONE, .choices = &list};
    struct value v;

    (void)state;
    assert_int_equal(value_parse(&v, &f, "b", 1, NULL), OK);
    assert_int_equal(v.as.i, 1);
    assert_int_equal(value_parse(&v, &f, "z", 1, NULL), ERR_INVALID);
}

static void a_long_list_is_found_quickly_and_named_shortly(void **state)
{
    struct filled x;
    struct buf yaml;
    struct value v;

    (void)state;
    buf_init(&yaml, FORM_MAX_BYTES);
    buf_put_str(&yaml, HEAD "choices:\n  l:\n");
    for (int i = 0; i < 5000; i++)
        buf_printf(&yaml, "    - {code: c%d, label: Place %d}\n", i, i);
    buf_put_str(&yaml, "survey:\n  - {type: select_one l, name: one}\n");
    load_right(&x, buf_cstr(&yaml));
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(parse(&x, "one", "c4999", &v), OK);
        assert_int_equal(v.as.i, 4999);
    }
    assert_int_equal(parse(&x, "one", "place 4998", &v), OK);
    assert_int_equal(v.as.i, 4998);
    assert_unreadable(&x, "one", "nowhere", "such as c0 (Place 0), c1 (Place 1), c2 (Place 2), c3 (Place 3), ");
    finish(&x);
    buf_fini(&yaml);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_are_read_in_the_notation_of_the_user),
        TEST(an_empty_answer_is_missing_and_not_zero),
        TEST(states_are_words_with_a_question_mark),
        TEST(dates_are_read_in_both_forms),
        TEST(yes_and_no_are_read_in_every_spelling),
        TEST(a_choice_is_known_by_code_or_label),
        TEST(several_choices_are_separated_in_any_usual_way),
        TEST(text_becomes_nfc_and_holds_no_control_characters),
        TEST(a_text_that_grows_too_long_in_nfc_is_refused),
        TEST(rows_are_written_as_json),
        TEST(loans_into_keep_do_not_move),
        TEST(a_keep_without_a_ceiling_is_given_one),
        cmocka_unit_test(choices_without_an_index_are_searched_one_by_one),
        cmocka_unit_test(a_long_list_is_found_quickly_and_named_shortly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
