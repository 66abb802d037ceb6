/* test_import_map.c: maps from headings and words to fields and choices; invariant 9: every mistake with its place. */
#include "agent/import_map.h"
#include "common/cli.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int load_form(void **state)
{
    struct form *f = NULL;
    void *text = NULL;
    size_t len = 0;

    assert_int_equal(
        cli_read_file(SVODKA_SOURCE_DIR "/tests/data/packs/uci/forms/family.yaml", FORM_MAX_BYTES, &text, &len), OK);
    assert_int_equal(form_load(&f, "family.yaml", text, len, NULL), OK);
    free(text);
    *state = f;
    return 0;
}

static int free_form(void **state)
{
    form_free(*state);
    return 0;
}

static enum err load(const struct form *f, const char *text, struct import_map **out, char said[4096])
{
    struct report *r = NULL;
    FILE *to;
    enum err e;

    assert_int_equal(report_new(&r, 0), OK);
    e = import_map_load(out, f, "map.yaml", text, strlen(text), r);
    said[0] = '\0';
    to = fmemopen(said, 4096, "w");
    assert_non_null(to);
    report_print(r, to);
    (void)fclose(to);
    report_free(r);
    return e;
}

static void a_map_gives_headings_fields_and_words_choices(void **state)
{
    static const char text[] = "map: office\nform: family\ntitle: Классный журнал\n"
                               "columns: {\"Код  ученика\": pupil, Пол: sex, \"Полных лет\": age}\n"
                               "const: {internet: \"да\"}\n"
                               "values: {sex: {М: M, ж: \"женский\"}}\n"
                               "ignore: [Класс]\ntotals: [Итого по школе]\n";
    const struct form *f = *state;
    uint32_t sex = (uint32_t)form_find_field(f, "sex", 3);
    struct import_map *m = NULL;
    char said[4096];
    const char *folded = NULL;
    size_t i = 0;

    assert_int_equal(load(f, text, &m, said), OK);
    assert_string_equal(said, "");
    assert_int_equal(import_map_heading(m, "код ученика"), form_find_field(f, "pupil", 5));
    assert_int_equal(import_map_heading(m, "пол"), sex);
    assert_int_equal(import_map_heading(m, "класс"), IMPORT_MAP_IGNORED);
    assert_int_equal(import_map_heading(m, "отчество"), IMPORT_MAP_UNKNOWN);
    assert_true(import_map_has_words(m, sex));
    assert_string_equal(import_map_word(m, sex, "м"), "M");
    assert_string_equal(import_map_word(m, sex, "ж"), "женский");
    assert_null(import_map_word(m, sex, "?"));
    assert_false(import_map_has_words(m, sex + 1));
    assert_string_equal(import_map_const(m, (uint32_t)form_find_field(f, "internet", 8)), "да");
    assert_null(import_map_const(m, sex));
    assert_string_equal(import_map_total(m, 0), "итого по школе");
    assert_null(import_map_total(m, 1));
    assert_string_equal(import_map_expected(m, &i, &folded), "Код  ученика");
    assert_string_equal(folded, "код ученика");
    assert_string_equal(import_map_expected(m, &i, &folded), "Пол");
    assert_string_equal(import_map_expected(m, &i, &folded), "Полных лет");
    assert_null(import_map_expected(m, &i, &folded));
    import_map_free(m);
}

static void no_map_is_an_empty_map(void **state)
{
    const char *folded = NULL;
    size_t i = 0;

    (void)state;
    assert_int_equal(import_map_heading(NULL, "x"), IMPORT_MAP_UNKNOWN);
    assert_null(import_map_expected(NULL, &i, &folded));
    assert_null(import_map_const(NULL, 0));
    assert_null(import_map_word(NULL, 0, "x"));
    assert_false(import_map_has_words(NULL, 0));
    assert_null(import_map_total(NULL, 0));
    import_map_free(NULL);
}

static void every_mistake_is_told_at_once_with_its_place(void **state) /* invariant 9 */
{
    static const char text[] = "form: family\n"
                               "columns:\n"
                               "  A: pupill\n"
                               "  B: sex\n"
                               "  C: sex\n"
                               "  D: higher_parents\n"
                               "  b : age\n"
                               "  E: [1]\n"
                               "const:\n"
                               "  sex: F\n"
                               "  age: many\n"
                               "values:\n"
                               "  reason: {дом: hom}\n"
                               "  guardian: mother\n"
                               "  zzzzzzzz: {a: b}\n"
                               "ignore: [B]\n";
    struct import_map *m = NULL;
    char said[4096];

    assert_int_equal(load(*state, text, &m, said), ERR_INVALID);
    assert_null(m);
    assert_string_equal(
        said,
        "map.yaml:3:6: pupill: the form \"family\" has no such field; did you mean \"pupil\"? (found: pupill)\n"
        "map.yaml:5:6: sex: two columns are given to this field (found: sex)\n"
        "map.yaml:6:6: higher_parents: nobody fills this field in: the form does it itself (found: higher_parents)\n"
        "map.yaml:7:3: the same text stands here twice (case and blanks do not count) (found: b)\n"
        "map.yaml:8:6: the name of a field was expected\n"
        "map.yaml:10:3: sex: this field has a column already (found: sex)\n"
        "map.yaml:11:8: age: expected a whole number (found: many)\n"
        "map.yaml:13:17: reason: no such choice in the list \"reason\"; did you mean \"home\"? (found: hom)\n"
        "map.yaml:14:13: guardian: a mapping from the words in the cells to what they stand for was expected (found: "
        "mother)\n"
        "map.yaml:15:3: zzzzzzzz: the form \"family\" has no such field (found: zzzzzzzz)\n"
        "map.yaml:16:9: b: this heading is both taken and ignored\n");
}

static void a_map_may_name_the_column_of_units(void **state)
{
    struct import_map *m = NULL;
    char said[4096];

    assert_null(import_map_unit(NULL));
    assert_int_equal(load(*state, "form: family\nunit: Код школы\nunit_prefix: s-\n", &m, said), OK);
    assert_string_equal(import_map_unit(m), "Код школы");
    assert_string_equal(import_map_unit_prefix(m), "s-");
    import_map_free(m);
    m = NULL;
    assert_int_equal(load(*state, "form: family\nunit: [a]\n", &m, said), ERR_INVALID);
    assert_non_null(strstr(said, "map.yaml:2:7: unit: expected a text"));
    assert_int_equal(load(*state, "form: family\nunit: a\nunit_prefix: ш\n", &m, said), ERR_INVALID);
    assert_string_equal(said,
                        "map.yaml:3:14: unit_prefix: the beginning of ids was expected: fewer than 32 letters A-Z "
                        "a-z, digits, '-' and '_' (found: ш)\n");
    /* 32 characters leave none for the cell. */
    assert_int_equal(load(*state, "form: family\nunit_prefix: abcdefghijklmnopqrstuvwxyz012345\n", &m, said),
                     ERR_INVALID);
}

static void words_for_no_answer_and_numbers_in_brackets_have_a_field(void **state)
{
    const struct form *f = *state;
    uint32_t sex = (uint32_t)form_find_field(f, "sex", 3);
    struct import_map *m = NULL;
    char said[4096];

    assert_int_equal(
        load(f, "form: family\nempty: [Н/Д, \"-\"]\nof_which: {age: failures}\nheading_rows: 2\n", &m, said), OK);
    assert_true(import_map_is_empty(m, "н/д"));
    assert_true(import_map_is_empty(m, "-"));
    assert_false(import_map_is_empty(m, "нет"));
    assert_false(import_map_is_empty(NULL, "-"));
    assert_true(import_map_has_words(m, sex));
    assert_int_equal(import_map_of_which(m, (uint32_t)form_find_field(f, "age", 3)), form_find_field(f, "failures", 8));
    assert_int_equal(import_map_of_which(m, sex), -1);
    assert_int_equal(import_map_heading_rows(m), 2);
    assert_int_equal(import_map_heading_rows(NULL), 1);
    import_map_free(m);
    m = NULL;
    assert_int_equal(load(f, "form: family\n", &m, said), OK);
    assert_int_equal(import_map_heading_rows(m), 1);
    import_map_free(m);
}

static void numbers_in_brackets_go_to_one_other_field_for_numbers(void **state)
{
    struct import_map *m = NULL;
    char said[4096];

    assert_int_equal(load(*state, "form: family\nof_which: {sex: age}\nheading_rows: 6\n", &m, said), ERR_INVALID);
    assert_non_null(strstr(said, "heading_rows: "));
    assert_int_equal(load(*state, "form: family\nof_which: {sex: age}\n", &m, said), ERR_INVALID);
    assert_string_equal(said, "map.yaml:2:17: age: two different fields for numbers were expected (found: age)\n");
    assert_int_equal(load(*state, "form: family\nof_which: {age: age}\n", &m, said), ERR_INVALID);
    assert_int_equal(load(*state, "form: family\ncolumns: {x: failures}\nof_which: {age: failures}\n", &m, said),
                     ERR_INVALID);
    assert_string_equal(said, "map.yaml:3:17: failures: this field has a column already (found: failures)\n");
    assert_int_equal(load(*state, "form: family\nconst: {failures: \"0\"}\nof_which: {age: failures}\n", &m, said),
                     ERR_INVALID);
    assert_int_equal(load(*state, "form: family\nof_which: {age: failures, freetime: failures}\n", &m, said),
                     ERR_INVALID);
    assert_string_equal(said, "map.yaml:2:37: failures: this field has a column already (found: failures)\n");
    assert_null(m);
}

static void a_map_for_another_form_is_refused(void **state)
{
    struct import_map *m = NULL;
    char said[4096];

    assert_int_equal(load(*state, "form: grades\ncolumns: {x: y}\n", &m, said), ERR_INVALID);
    assert_string_equal(said, "map.yaml:1:7: form: the map is for another form than \"family\" (found: grades)\n");
    assert_int_equal(load(*state, "columns: {}\n", &m, said), ERR_INVALID);
    assert_non_null(strstr(said, "form"));
}

static void an_unknown_key_is_refused_with_a_suggestion(void **state)
{
    struct import_map *m = NULL;
    char said[4096];

    assert_int_equal(load(*state, "form: family\ncolums: {}\n", &m, said), ERR_INVALID);
    assert_non_null(strstr(said, "map.yaml:2:1"));
    assert_non_null(strstr(said, "columns"));
}

static void what_is_no_yaml_or_too_large_is_refused(void **state)
{
    struct import_map *m = NULL;
    struct report *r = NULL;
    char said[4096];
    char *large;

    assert_int_equal(load(*state, "form: [family\n", &m, said), ERR_MALFORMED);
    assert_int_equal(load(*state, "form: family\nform: family\n", &m, said), ERR_INVALID);
    large = calloc(1, IMPORT_MAP_MAX_BYTES + 1);
    assert_non_null(large);
    assert_int_equal(report_new(&r, 0), OK);
    assert_int_equal(import_map_load(&m, *state, "big.yaml", large, IMPORT_MAP_MAX_BYTES + 1, r), ERR_LIMIT);
    assert_string_equal(err_text(), "big.yaml: a map has at most 262144 bytes");
    report_free(r);
    free(large);
}

/* Every map of a data set's pack loads for the form it names. */
static void expect_maps(const char *pack, size_t count)
{
    char pattern[512];
    glob_t maps;

    (void)snprintf(pattern, sizeof(pattern), "%s/tests/data/packs/%s/maps/*.yaml", SVODKA_SOURCE_DIR, pack);
    assert_int_equal(glob(pattern, 0, NULL, &maps), 0);
    assert_int_equal(maps.gl_pathc, count);
    for (size_t i = 0; i < maps.gl_pathc; i++) {
        struct import_map *m = NULL;
        struct form *f = NULL;
        char path[512];
        char said[4096];
        void *map = NULL;
        void *form = NULL;
        size_t len = 0;
        const char *name;
        size_t name_len;

        assert_int_equal(cli_read_file(maps.gl_pathv[i], IMPORT_MAP_MAX_BYTES, &map, &len), OK);
        name = strstr(map, "\nform: ") + 7;
        name_len = strcspn(name, "\n");
        (void)snprintf(path, sizeof(path), "%s/tests/data/packs/%s/forms/%.*s.yaml", SVODKA_SOURCE_DIR, pack,
                       (int)name_len, name);
        assert_int_equal(cli_read_file(path, FORM_MAX_BYTES, &form, &len), OK);
        assert_int_equal(form_load(&f, path, form, len, NULL), OK);
        assert_int_equal(load(f, map, &m, said), OK);
        assert_string_equal(said, "");
        import_map_free(m);
        form_free(f);
        free(map);
        free(form);
    }
    globfree(&maps);
}

static void the_maps_of_the_packs_fit_their_forms(void **state)
{
    (void)state;
    expect_maps("uci", 7);
    expect_maps("moscow", 1);
    expect_maps("mali", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_gives_headings_fields_and_words_choices),
        cmocka_unit_test(no_map_is_an_empty_map),
        cmocka_unit_test(every_mistake_is_told_at_once_with_its_place),
        cmocka_unit_test(a_map_may_name_the_column_of_units),
        cmocka_unit_test(words_for_no_answer_and_numbers_in_brackets_have_a_field),
        cmocka_unit_test(numbers_in_brackets_go_to_one_other_field_for_numbers),
        cmocka_unit_test(a_map_for_another_form_is_refused),
        cmocka_unit_test(an_unknown_key_is_refused_with_a_suggestion),
        cmocka_unit_test(what_is_no_yaml_or_too_large_is_refused),
        cmocka_unit_test(the_maps_of_the_packs_fit_their_forms),
    };

    return cmocka_run_group_tests(tests, load_form, free_form);
}
