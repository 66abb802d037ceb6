/* test_programme.c: everything that is wrong with a pack is told in one pass, with file, line, column and what was
 * expected (invariant 9); a new version may not change what answers mean. */
#include "common/folder.h"
#include "hub/form_change.h"
#include "hub/programme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char form_yaml[] = "form: f\n"
                                "version: \"1\"\n"
                                "title: F\n"
                                "mode: rows\n"
                                "key: who\n"
                                "role: school\n"
                                "period: month\n"
                                "choices:\n"
                                "  sex:\n"
                                "    - {code: F, label: {ru: женский, en: female}}\n"
                                "    - {code: M, label: {ru: мужской, en: male}}\n"
                                "survey:\n"
                                "  - {type: text, name: who, label: Who, required: true}\n"
                                "  - {type: integer, name: a, label: A}\n"
                                "  - {type: decimal, name: d, places: 2, label: D}\n"
                                "  - {type: select_one sex, name: sex, label: Sex}\n";

#define HEAD "programme: p\nversion: \"1\"\ntitle: P\n"

/* ---- loading from memory ---- */

static struct report *loaded_report;
static char *printed;

static struct pack_file file_of(const char *name, const char *text)
{
    return (struct pack_file){(char *)(uintptr_t)name, (void *)(uintptr_t)text, strlen(text)};
}

static void print_report(void)
{
    size_t len = 0;
    FILE *to = open_memstream(&printed, &len);

    assert_non_null(to);
    report_print(loaded_report, to);
    (void)fclose(to);
}

static enum err load(struct pack_file *files, size_t count, struct programme **out)
{
    struct pack pack = {files, count};
    struct calendar *c;
    enum err e;

    *out = NULL;
    assert_int_equal(report_new(&loaded_report, 0), OK);
    assert_int_equal(calendar_new(&c), OK);
    e = programme_load(out, &pack, c, loaded_report);
    calendar_free(c);
    print_report();
    return e;
}

static void done(struct programme *p)
{
    programme_free(p);
    report_free(loaded_report);
    free(printed);
    loaded_report = NULL;
    printed = NULL;
}

static void expect_line(const char *line)
{
    if (strstr(printed, line) == NULL)
        fail_msg("\"%s\" is not in:\n%s", line, printed);
}

/* programme.yaml alone is wrong, and one line of the report says so. */
static void expect_mistake(const char *yaml, const char *line)
{
    struct pack_file files[] = {file_of("programme.yaml", yaml), file_of("forms/f.yaml", form_yaml)};
    struct programme *p;

    assert_int_equal(load(files, 2, &p), ERR_INVALID);
    assert_null(p);
    expect_line(line);
    if (report_errors(loaded_report) != 1)
        fail_msg("one mistake was expected:\n%s", printed);
    done(p);
}

static void a_good_pack_loads_with_all_that_is_in_it(void **state)
{
    static const char yaml[] = HEAD "indicators:\n"
                                    "  - id: N-1\n"
                                    "    name: {ru: \"Число\", en: Number}\n"
                                    "    form: f\n"
                                    "    kind: mean\n"
                                    "    where: ${sex} = 'F'\n"
                                    "    value: ${d}\n"
                                    "    breakdown: sex\n"
                                    "    places: 2\n"
                                    "    shown: 3\n"
                                    "    unit: {ru: \"балл\", en: points}\n";
    struct pack_file files[] = {file_of("programme.yaml", yaml), file_of("forms/f.yaml", form_yaml),
                                file_of("maps/m.yaml", "columns: {}\n")};
    struct programme *p;
    const struct indicator *i;

    (void)state;
    assert_int_equal(load(files, 3, &p), OK);
    assert_string_equal(printed, "");
    assert_string_equal(p->id, "p");
    assert_string_equal(p->version, "1");
    assert_int_equal(p->form_count, 1);
    assert_int_equal(p->map_count, 1);
    assert_int_equal(p->indicator_count, 1);
    i = p->indicators[0];
    assert_string_equal(i->id, "N-1");
    assert_string_equal(i->name_ru, "Число");
    assert_string_equal(i->name_en, "Number");
    assert_int_equal(i->kind, KIND_MEAN);
    assert_string_equal(i->unit_ru, "балл");
    assert_string_equal(p->variables[i->numerator.terms[0].variable]->clauses[0].form, "f");
    assert_int_equal(i->shown, 3);
    assert_string_equal(i->definition_en,
                        "kind mean; form: f; where: ${sex} = 'F'; value: ${d}; breakdown: sex; places: 2");
    assert_non_null(strstr(i->definition_ru, "среди: ${sex} = 'F'"));
    done(p);
    programme_free(NULL);
}

static void each_mistake_in_programme_yaml_is_named_by_its_place(void **state)
{
    static const struct {
        const char *yaml, *line;
    } cases[] = {
        {HEAD "indicators: nothing\n", "programme.yaml:4:13: indicators:"},
        {HEAD "indicators: []\nextra: 1\n", "programme.yaml:5:1: extra:"},
        {"version: \"1\"\ntitle: P\nindicators: []\n", "programme.yaml:1:1: programme:"},
        {"programme: 1p\nversion: \"1\"\ntitle: P\nindicators: []\n", "programme.yaml:1:12: programme:"},
        {"programme: p\nversion: \"123456789012345678901234567890123\"\ntitle: P\nindicators: []\n",
         "programme.yaml:2:10: version:"},
        {HEAD "indicators:\n  - nonsense\n", "programme.yaml:5:5: indicators:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: median}\n", "programme.yaml:5:37: kind:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: g, kind: count}\n", "programme.yaml:5:28: form:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: share}\n", "programme.yaml:5:5: condition:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: sum}\n", "programme.yaml:5:5: value:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count, value: \"1\"}\n", "programme.yaml:5:44: value:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count, condition: \"1\"}\n",
         "programme.yaml:5:44: condition:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count, places: 7}\n", "programme.yaml:5:52: places:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count, where: [1]}\n", "programme.yaml:5:51: where:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count}\n  - {id: A, name: B, form: f, kind: count}\n",
         "programme.yaml:6:10: id: 'A' stands in line 5 already"},
        /* Expressions: the column inside them, also after a quote and after Cyrillic. */
        {HEAD "indicators:\n  - id: A\n    name: A\n    form: f\n    kind: sum\n    value: ${a} + ${nosuch}\n",
         "programme.yaml:9:19: A: value:"},
        {HEAD "indicators:\n  - id: A\n    name: A\n    form: f\n    kind: share\n    condition: \"'ё' = ${b}\"\n",
         "programme.yaml:9:23: A: condition:"},
        {HEAD "indicators:\n  - id: A\n    name: A\n    form: f\n    kind: count\n    where: \"${a} =\\u0020\"\n",
         "of the expression"},
        {HEAD "indicators:\n  - id: A\n    name: A\n    form: f\n    kind: count\n    where: ${a} > today()\n",
         "programme.yaml:9:19: A: where:"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count, breakdown: d}\n",
         "programme.yaml:5:55: A: breakdown: d: a field of form f is expected"},
        {HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count, breakdown: nosuch}\n",
         "programme.yaml:5:55: A: breakdown:"},
        {HEAD "indicators:\n  - {id: A, id: B, name: A, form: f, kind: count}\n", "programme.yaml:5:13:"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_mistake(cases[i].yaml, cases[i].line);
}

static void a_file_that_is_no_yaml_does_not_hide_the_others_mistakes(void **state)
{
    static const char broken_form[] = "form: f\nversion: \"1\"\ntitle: F\nmode: nonsense\nrole: school\nperiod: month\n"
                                      "survey:\n  - {type: integer, name: a, label: A}\n";
    struct pack_file files[] = {file_of("programme.yaml", "programme: [p\n"), file_of("forms/f.yaml", broken_form),
                                file_of("periods.yaml", "periods:\n  - {series: s, periods: 5}\n"),
                                file_of("maps/empty.yaml", ""), file_of("maps/bad.yaml", "a: {\n")};
    struct programme *p;

    (void)state;
    assert_int_equal(load(files, COUNT(files), &p), ERR_INVALID);
    assert_null(p);
    expect_line("programme.yaml:");
    expect_line("forms/f.yaml:4:7: mode:");
    expect_line("periods.yaml:2:");
    expect_line("maps/empty.yaml:1:1:");
    expect_line("maps/bad.yaml:");
    done(p);
}

static void forms_and_periods_must_fit_together(void **state)
{
    static const char other_series[] = "form: f\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\n"
                                       "period: stage\nsurvey:\n  - {type: integer, name: a, label: A}\n";
    static const char periods[] = "periods:\n  - series: stage\n    periods:\n"
                                  "      - {id: one, from: 2020-09-01, to: 2020-10-31}\n";
    struct pack_file alone[] = {file_of("programme.yaml", HEAD "indicators: []\n"),
                                file_of("forms/f.yaml", other_series)};
    struct pack_file both[] = {alone[0], alone[1], file_of("periods.yaml", periods)};
    struct pack_file several[] = {alone[0], file_of("periods.yaml", periods),
                                  file_of("forms/f.yaml",
                                          "form: f\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\n"
                                          "period: [month, round, stage,\n  event]\n"
                                          "survey:\n  - {type: integer, name: a, label: A}\n")};
    struct pack_file twice[] = {alone[0], file_of("forms/a.yaml", form_yaml), file_of("forms/b.yaml", form_yaml)};
    struct pack_file no_form[] = {alone[0]};
    struct pack_file broken[] = {
        file_of("programme.yaml", HEAD "indicators:\n  - {id: A, name: A, form: f, kind: count}\n"),
        file_of("forms/f.yaml", "form: f\nversion: \"1\"\ntitle: F\nmode: row\nkey: a\nrole: school\nperiod: month\n"
                                "survey:\n  - {type: integer, name: a, label: A}\n")};
    struct pack_file no_programme[] = {file_of("forms/f.yaml", form_yaml)};
    struct programme *p;

    (void)state;
    assert_int_equal(load(alone, 2, &p), ERR_INVALID);
    expect_line("forms/f.yaml:6:9: period: no such series");
    done(p);
    assert_int_equal(load(both, 3, &p), OK);
    done(p);
    /* Each unknown series with its own place; month and stage are known. */
    assert_int_equal(load(several, 3, &p), ERR_INVALID);
    expect_line("forms/f.yaml:6:17: period: no such series");
    expect_line("forms/f.yaml:7:3: period: no such series");
    assert_int_equal(report_errors(loaded_report), 2);
    done(p);
    assert_int_equal(load(twice, 3, &p), ERR_INVALID);
    expect_line("forms/b.yaml:1:7: form:");
    done(p);
    assert_int_equal(load(no_form, 1, &p), ERR_INVALID);
    expect_line("forms/");
    done(p);
    /* A form that is there with a mistake in it, a "mode" here, is not said to be missing, nor its key to be wrong. */
    assert_int_equal(load(broken, 2, &p), ERR_INVALID);
    expect_line("forms/f.yaml:4:7: mode: ");
    assert_int_equal(report_errors(loaded_report), 1);
    done(p);
    assert_int_equal(load(no_programme, 1, &p), ERR_INVALID);
    expect_line("programme.yaml: the pack has no such file");
    done(p);
}

static void the_definition_alone_decides_which_cells_are_an_indicators(void **state)
{
    static const char one[] = HEAD "indicators:\n  - {id: A, name: A, form: f, kind: sum, value: \"${a}\"}\n";
    static const char renamed[] = HEAD "indicators:\n  - {id: A, name: Other, form: f, kind: sum, value: \"${a}\","
                                       " unit: pupils, shown: 0}\n";
    static const char other[] = HEAD "indicators:\n  - {id: A, name: A, form: f, kind: sum, value: \"${a} + 1\"}\n";
    static const char places[] =
        HEAD "indicators:\n  - {id: A, name: A, form: f, kind: sum, value: \"${a}\", places: 1}\n";
    static const char *const texts[] = {one, renamed, other, places};
    uint8_t digests[4][VARIABLE_DIGEST_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct pack_file files[] = {file_of("programme.yaml", texts[i]), file_of("forms/f.yaml", form_yaml)};
        struct programme *p;

        assert_int_equal(load(files, 2, &p), OK);
        memcpy(digests[i], p->variables[0]->digest, VARIABLE_DIGEST_BYTES);
        done(p);
    }
    assert_memory_equal(digests[0], digests[1], VARIABLE_DIGEST_BYTES);
    assert_memory_not_equal(digests[0], digests[2], VARIABLE_DIGEST_BYTES);
    assert_memory_not_equal(digests[0], digests[3], VARIABLE_DIGEST_BYTES);
}

/* ---- folders ---- */

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/svodka-pack-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    folder_remove(dir);
    return 0;
}

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void a_folder_is_read_whole_and_in_order(void **state)
{
    struct pack pack;

    (void)state;
    assert_int_equal(report_new(&loaded_report, 0), OK);
    assert_int_equal(folder_make(dir, "forms"), OK);
    assert_int_equal(folder_make(dir, "maps"), OK);
    put("programme.yaml", HEAD "indicators: []\n");
    put("periods.yaml", "periods: []\n");
    put("forms/b.yaml", form_yaml);
    put("forms/a.yaml", form_yaml);
    put("forms/c.yml", form_yaml);
    put("forms/.hidden.yaml", "x");
    put("forms/b.yaml~", "x");
    put("maps/m.yaml", "a: 1\n");
    assert_int_equal(pack_read_dir(&pack, dir, loaded_report), OK);
    print_report();
    assert_int_equal(pack.count, 5);
    assert_string_equal(pack.files[0].name, "programme.yaml");
    assert_string_equal(pack.files[1].name, "periods.yaml");
    assert_string_equal(pack.files[2].name, "forms/a.yaml");
    assert_string_equal(pack.files[3].name, "forms/b.yaml");
    assert_string_equal(pack.files[4].name, "maps/m.yaml");
    /* What is not read is not passed over in silence. */
    expect_line("forms/c.yml: warning:");
    assert_int_equal(report_warnings(loaded_report), 1);
    pack_free(&pack);
    done(NULL);
}

static void a_folder_that_is_no_pack_is_named(void **state)
{
    struct pack pack;
    char id[FORM_NAME_MAX + 1];

    (void)state;
    assert_int_equal(report_new(&loaded_report, 0), OK);
    assert_int_equal(pack_read_dir(&pack, dir, loaded_report), ERR_NOT_FOUND);
    print_report();
    expect_line("a programme pack is expected");
    assert_int_equal(pack.count, 0);
    assert_false(pack_programme_id(&pack, id));
    done(NULL);
    assert_int_equal(report_new(&loaded_report, 0), OK);
    put("programme.yaml", HEAD "indicators: []\n");
    assert_int_equal(folder_make(dir, "periods.yaml"), OK);
    assert_int_equal(pack_read_dir(&pack, dir, loaded_report), ERR_IO);
    print_report();
    expect_line("periods.yaml");
    done(NULL);
}

/* The pack of the demonstration, as it is shipped. */
static void the_shipped_pack_is_right(void **state)
{
    struct calendar *c;
    struct programme *p = NULL;
    struct period period;
    struct pack pack;

    (void)state;
    assert_int_equal(report_new(&loaded_report, 0), OK);
    assert_int_equal(calendar_new(&c), OK);
    assert_int_equal(pack_read_dir(&pack, SVODKA_SOURCE_DIR "/tests/data/packs/uci", loaded_report), OK);
    if (programme_load(&p, &pack, c, loaded_report) != OK)
        report_print(loaded_report, stderr);
    assert_non_null(p);
    assert_int_equal(report_warnings(loaded_report), 0);
    assert_int_equal(p->form_count, 3);
    assert_int_equal(p->indicator_count, 12);
    assert_int_equal(calendar_find(c, "grade_period", "2005/06-P3", &period), OK);
    pack_free(&pack);
    calendar_free(c);
    done(p);
}

/* ---- new versions of a form ---- */

static struct form *form_of(const char *yaml)
{
    struct form *f = NULL;

    if (form_load(&f, "forms/f.yaml", yaml, strlen(yaml), NULL) != OK)
        fail_msg("%s", err_text());
    return f;
}

/* form_yaml with `from` replaced by `to`, twice at most. */
static struct form *changed(const char *from, const char *to, const char *from2, const char *to2)
{
    static char text[4096];
    const char *const pairs[2][2] = {{from, to}, {from2, to2}};

    (void)snprintf(text, sizeof(text), "%s", form_yaml);
    for (size_t i = 0; i < 2 && pairs[i][0] != NULL; i++) {
        char rest[4096];
        char *at = strstr(text, pairs[i][0]);

        assert_non_null(at);
        (void)snprintf(rest, sizeof(rest), "%s", at + strlen(pairs[i][0]));
        (void)snprintf(at, sizeof(text) - (size_t)(at - text), "%s%s", pairs[i][1], rest);
    }
    return form_of(text);
}

static enum err compare(struct form *fresh)
{
    struct form *old = form_of(form_yaml);
    const struct form *known[] = {old};
    enum err e;

    assert_int_equal(report_new(&loaded_report, 0), OK);
    e = form_change_check(fresh, known, 1, "forms/f.yaml", loaded_report);
    print_report();
    form_free(old);
    form_free(fresh);
    return e;
}

#define V2 "version: \"1\"", "version: \"2\""

static void the_same_form_again_and_a_reworded_one_are_welcome(void **state)
{
    (void)state;
    assert_int_equal(compare(form_of(form_yaml)), OK);
    done(NULL);
    assert_int_equal(compare(changed(V2, "label: A}", "label: Another word, constraint: \". > 0\"}")), OK);
    assert_string_equal(printed, "");
    done(NULL);
    /* One language vouches for the other. */
    assert_int_equal(compare(changed(V2, "en: female", "en: girl")), OK);
    assert_string_equal(printed, "");
    done(NULL);
    /* A new code, a new field. */
    assert_int_equal(compare(changed(V2, "survey:\n",
                                     "    - {code: X, label: {ru: иной, en: other}}\nsurvey:\n"
                                     "  - {type: date, name: born, label: Born}\n")),
                     OK);
    assert_string_equal(printed, "");
    done(NULL);
}

static void a_form_stays_about_what_it_is_about(void **state)
{
    (void)state;
    assert_int_equal(compare(changed(V2, "role: school\n", "role: school\nabout: district\n")), ERR_INVALID);
    expect_line("forms/f.yaml:7:8: about: version 1 is about another kind of unit");
    done(NULL);
    assert_int_equal(compare(changed(V2, "role: school\n", "role: school\nabout: unit\n")), OK);
    done(NULL);
}

static void a_version_is_one_text_for_ever(void **state)
{
    (void)state;
    assert_int_equal(compare(changed("label: A}", "label: Another}", NULL, NULL)), ERR_INVALID);
    expect_line("forms/f.yaml:2:10: version: version 1 of form f is loaded already with other content");
    done(NULL);
}

static void a_field_keeps_its_type_and_places(void **state)
{
    (void)state;
    assert_int_equal(compare(changed(V2, "{type: integer, name: a", "{type: text, name: a")), ERR_INVALID);
    expect_line("forms/f.yaml:14:12: a: the type is text now and was integer in version 1");
    done(NULL);
    assert_int_equal(compare(changed(V2, "places: 2", "places: 3")), ERR_INVALID);
    expect_line("forms/f.yaml:15:38: d: 3 decimal places now, 2 in version 1");
    done(NULL);
    /* Under another name that says where it comes from, too. */
    assert_int_equal(compare(changed(V2, "{type: integer, name: a", "{type: text, name: b, was: a")), ERR_INVALID);
    expect_line("b: the type is text now");
    done(NULL);
    assert_int_equal(compare(changed(V2, "{type: integer, name: a", "{type: integer, name: b, was: a")), OK);
    assert_string_equal(printed, "");
    done(NULL);
    /* Without that word it is a field that went and another one that came. */
    assert_int_equal(compare(changed(V2, "{type: integer, name: a", "{type: integer, name: b")), OK);
    expect_line("a: warning: this field of version 1 is gone");
    done(NULL);
}

static void a_choice_keeps_its_meaning(void **state)
{
    (void)state;
    assert_int_equal(
        compare(changed(V2,
                        "{code: F, label: {ru: женский, en: female}}\n    - {code: M, label: {ru: мужской, "
                        "en: male}}",
                        "{code: M, label: {ru: женский, en: female}}\n    - {code: F, label: {ru: мужской, "
                        "en: male}}")),
        ERR_INVALID);
    expect_line("forms/f.yaml:10:7: sex: choice 'M' takes the label of choice 'F' in version 1");
    expect_line("forms/f.yaml:11:7: sex: choice 'F' takes the label of choice 'M' in version 1");
    done(NULL);
    assert_int_equal(compare(changed(V2, "ru: женский, en: female", "ru: дети, en: children")), ERR_INVALID);
    expect_line("choice 'F' was \"female\" in version 1 and is \"children\" now");
    done(NULL);
    /* A slip of the pen is put right in both languages: a warning. */
    assert_int_equal(compare(changed(V2, "ru: мужской, en: male", "ru: мужской пол, en: males")), OK);
    expect_line("sex: warning: choice 'M' is reworded");
    done(NULL);
}

static void a_form_keeps_its_mode_and_key(void **state)
{
    (void)state;
    assert_int_equal(compare(changed(V2, "mode: rows\nkey: who\n", "mode: record\n")), ERR_INVALID);
    expect_line("forms/f.yaml:4:7: mode:");
    done(NULL);
    assert_int_equal(compare(changed(V2, "key: who\n", "key: a\n")), ERR_INVALID);
    expect_line("forms/f.yaml:5:6: key:");
    done(NULL);
}

static void columns_of_a_repeat_are_compared_too(void **state)
{
    static const char head[] = "form: r\ntitle: R\nmode: record\nrole: school\nperiod: month\nsurvey:\n"
                               "  - type: repeat\n    name: items\n    label: I\n    survey:\n";
    char first[1024], second[1024];
    const struct form *known[1];
    struct form *old, *fresh;

    (void)state;
    (void)snprintf(first, sizeof(first), "version: \"1\"\n%s      - {type: integer, name: n, label: N}\n", head);
    (void)snprintf(second, sizeof(second), "version: \"2\"\n%s      - {type: date, name: n, label: N}\n", head);
    known[0] = old = form_of(first);
    fresh = form_of(second);
    assert_int_equal(report_new(&loaded_report, 0), OK);
    assert_int_equal(form_change_check(fresh, known, 1, "forms/r.yaml", loaded_report), ERR_INVALID);
    print_report();
    expect_line("forms/r.yaml:12:16: n: the type is date now");
    form_free(old);
    form_free(fresh);
    done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_pack_loads_with_all_that_is_in_it),
        cmocka_unit_test(each_mistake_in_programme_yaml_is_named_by_its_place),
        cmocka_unit_test(a_file_that_is_no_yaml_does_not_hide_the_others_mistakes),
        cmocka_unit_test(forms_and_periods_must_fit_together),
        cmocka_unit_test(the_definition_alone_decides_which_cells_are_an_indicators),
        cmocka_unit_test_setup_teardown(a_folder_is_read_whole_and_in_order, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_folder_that_is_no_pack_is_named, make_dir, remove_dir),
        cmocka_unit_test(the_shipped_pack_is_right),
        cmocka_unit_test(the_same_form_again_and_a_reworded_one_are_welcome),
        cmocka_unit_test(a_form_stays_about_what_it_is_about),
        cmocka_unit_test(a_version_is_one_text_for_ever),
        cmocka_unit_test(a_field_keeps_its_type_and_places),
        cmocka_unit_test(a_choice_keeps_its_meaning),
        cmocka_unit_test(a_form_keeps_its_mode_and_key),
        cmocka_unit_test(columns_of_a_repeat_are_compared_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
