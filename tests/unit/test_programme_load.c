/* test_programme_load.c: a pack as a whole: its files, its top keys, what it shares with the district (invariant 9).
 * Everything that is wrong is told in one pass. */
#include "common/folder.h"
#include "programme_fixture.h"

#include <unistd.h>

#define X "  - {id: X, name: X, kind: count, form: f}\n"

static void the_top_keys_are_kept(void **state)
{
    static const char yaml[] =
        "programme: p-1\nversion: \"2.0\"\ntitle: {ru: \"П\", en: P}\nmerger: none\n"
        "parameters: {low: 5, neg: -0.25}\n"
        "base_period: {school_year: 2017/18, month: 2020-09}\n"
        "privacy: {family_denominator: 12, results_denominator: 6, staff_denominator: 7, small_count: 0,\n"
        "  survey_compute: 3, survey_show: 8, survey_units: 2, two_level_units: 4, dominance: 0.9}\n"
        "indicators:\n" X;
    struct programme *p = load_good(yaml, NULL);

    (void)state;
    assert_string_equal(p->id, "p-1");
    assert_string_equal(p->version, "2.0");
    assert_string_equal(p->title_ru, "П");
    assert_string_equal(p->title_en, "P");
    assert_false(p->merger_pools);
    assert_int_equal(p->base_period_count, 2);
    assert_string_equal(p->base_periods[0].series, "school_year");
    assert_string_equal(p->base_periods[0].period, "2017/18");
    assert_int_equal(p->privacy.family_denominator, 12);
    assert_int_equal(p->privacy.results_denominator, 6);
    assert_int_equal(p->privacy.staff_denominator, 7);
    assert_int_equal(p->privacy.small_count, 0);
    assert_int_equal(p->privacy.survey_compute, 3);
    assert_int_equal(p->privacy.survey_show, 8);
    assert_int_equal(p->privacy.survey_units, 2);
    assert_int_equal(p->privacy.two_level_units, 4);
    assert_true(p->privacy.dominance > 0.89 && p->privacy.dominance < 0.91);
    assert_int_equal(p->form_count, 1);
    assert_null(p->calendar_doc);
    done(p);
    p = load_good("programme: p\nversion: \"1\"\ntitle: P\nindicators: []\n", NULL);
    assert_true(p->merger_pools);
    assert_int_equal(p->privacy.family_denominator, 10);
    assert_int_equal(p->privacy.small_count, 4);
    assert_true(p->privacy.dominance > 0.84 && p->privacy.dominance < 0.86);
    assert_int_equal(p->indicator_count, 0);
    done(p);
    programme_free(NULL);
}

static void mistakes_of_the_top_keys_are_told_at_their_place(void **state)
{
#define TOP "programme: p\nversion: \"1\"\ntitle: P\n"
    static const struct mistake cases[] = {
        {TOP "indicators: nothing\n", "programme.yaml:4:13: indicators: expected a list"},
        {TOP "indicators: []\nextra: 1\n", "programme.yaml:5:1: extra: unknown key"},
        {"version: \"1\"\ntitle: P\nindicators: []\n", "programme.yaml:1:1: programme: this key is required"},
        {"programme: 1p\nversion: \"1\"\ntitle: P\nindicators: []\n",
         "programme.yaml:1:12: programme: an id is expected"},
        {"programme: a.b\nversion: \"1\"\ntitle: P\nindicators: []\n",
         "programme.yaml:1:12: programme: an id is expected"},
        {"programme: p\nversion: \"123456789012345678901234567890123\"\ntitle: P\nindicators: []\n",
         "programme.yaml:2:10: version: a version of 1 to 32 bytes"},
        {"programme: p\nversion: \"1\"\nindicators: []\n", "programme.yaml:1:1: title: this key is required"},
        {TOP "merger: sum\nindicators: []\n", "programme.yaml:4:9: merger: expected one of: pooled, none"},
        {TOP "parameters: {low: five}\nindicators: []\n", "programme.yaml:4:19: low: a number is expected"},
        {TOP "parameters: {low: \"5\"}\nindicators: []\n", "programme.yaml:4:19: low: a number is expected"},
        {TOP "parameters: {low.er: 5}\nindicators: []\n", "programme.yaml:4:14: parameters: an id is expected"},
        {TOP "parameters: [5]\nindicators: []\n", "programme.yaml:4:13: parameters: expected a mapping"},
        {TOP "base_period: {nosuch: 2020}\nindicators: []\n", "programme.yaml:4:15: base_period: no such series"},
        {TOP "base_period: {school_year: 2020/22}\nindicators: []\n", "programme.yaml:4:28: school_year:"},
        {TOP "base_period: {month: сентябрь 2020 г.}\nindicators: []\n",
         "programme.yaml:4:22: month: the id of a period is expected: 2020-09"},
        {TOP "privacy: {family: 5}\nindicators: []\n", "programme.yaml:4:11: family: unknown key"},
        {TOP "privacy: {survey_show: 0}\nindicators: []\n",
         "programme.yaml:4:24: survey_show: expected a value from 1"},
        {TOP "privacy: {dominance: 1.5}\nindicators: []\n",
         "programme.yaml:4:22: dominance: a number above 0 and up to 1"},
        {TOP "forms: [f]\nindicators: []\n",
         "programme.yaml:4:8: forms: forms are listed here only to be taken from a shared"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), NULL);
}

static void a_file_that_is_no_yaml_does_not_hide_the_others_mistakes(void **state)
{
    static const char broken_form[] = "form: f\nversion: \"1\"\ntitle: F\nmode: nonsense\nrole: school\nperiod: month\n"
                                      "survey:\n  - {type: integer, name: a, label: A}\n";
    struct pack_file files[] = {file_of("programme.yaml", "programme: [p\n"),
                                file_of("forms/f.yaml", broken_form),
                                file_of("periods.yaml", "periods:\n  - {series: s, periods: 5}\n"),
                                file_of("shared/periods.yaml", "periods: 7\n"),
                                file_of("maps/empty.yaml", ""),
                                file_of("maps/bad.yaml", "a: {\n"),
                                file_of("calendar.yaml", "calendar: [\n"),
                                file_of("roadmap.yaml", "measures: 1\n"),
                                file_of("variables.yaml", "variables: 2\n"),
                                file_of("shared/variables.yaml", "variables: 3\n")};
    struct programme *p;

    (void)state;
    assert_int_equal(load(files, COUNT(files), &p), ERR_INVALID);
    expect_line("programme.yaml:");
    expect_line("forms/f.yaml:4:7: mode:");
    expect_line("periods.yaml:2:");
    expect_line("shared/periods.yaml:1:10:");
    expect_line("maps/empty.yaml:1:1: the file is empty");
    expect_line("maps/bad.yaml:");
    expect_line("calendar.yaml:");
    expect_line("roadmap.yaml:1:11:");
    expect_line("variables.yaml:1:12:");
    expect_line("shared/variables.yaml:1:12:");
    assert_int_equal(report_errors(loaded_report), 10);
    done(p);
}

static void forms_and_periods_must_fit_together(void **state)
{
    static const char other_series[] = "form: f\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\n"
                                       "period: [month, stage]\nsurvey:\n  - {type: integer, name: a, label: A}\n";
    static const char periods[] = "periods:\n  - series: stage\n    periods:\n"
                                  "      - {id: one, from: 2020-09-01, to: 2020-10-31}\n";
    struct pack_file alone[] = {file_of("programme.yaml", HEAD X), file_of("forms/f.yaml", other_series)};
    struct pack_file own[] = {alone[0], alone[1], file_of("periods.yaml", periods)};
    struct pack_file shared[] = {alone[0], alone[1], file_of("shared/periods.yaml", periods)};
    struct pack_file twice[] = {alone[0], file_of("forms/a.yaml", form_yaml), file_of("forms/b.yaml", form_yaml)};
    struct pack_file no_form[] = {
        file_of("programme.yaml", "programme: p\nversion: \"1\"\ntitle: P\nindicators: []\n")};
    struct pack_file no_programme[] = {file_of("forms/f.yaml", form_yaml)};
    struct pack_file broken[] = {alone[0],
                                 file_of("forms/f.yaml", "form: f\nversion: \"1\"\ntitle: F\nmode: row\nkey: a\n"
                                                         "role: school\nperiod: month\nsurvey:\n"
                                                         "  - {type: integer, name: a, label: A}\n")};
    struct programme *p;

    (void)state;
    assert_int_equal(load(alone, 2, &p), ERR_INVALID);
    expect_line("forms/f.yaml:6:17: period: no such series");
    done(p);
    assert_int_equal(load(own, 3, &p), OK);
    assert_int_equal(p->indicators[0]->series_count, 2); /* the form's */
    assert_string_equal(p->indicators[0]->series[1], "stage");
    done(p);
    assert_int_equal(load(shared, 3, &p), OK);
    done(p);
    assert_int_equal(load(twice, 3, &p), ERR_INVALID);
    expect_line("forms/b.yaml:1:7: form: this form stands in another file");
    done(p);
    assert_int_equal(load(no_form, 1, &p), ERR_INVALID);
    expect_line("forms/: the pack has no form");
    done(p);
    assert_int_equal(load(no_programme, 1, &p), ERR_INVALID);
    expect_line("programme.yaml: the pack has no such file");
    done(p);
    /* A form that is there with a mistake in it, a "mode" here, is not said to be missing. */
    assert_int_equal(load(broken, 2, &p), ERR_INVALID);
    expect_line("forms/f.yaml:4:7: mode: ");
    assert_int_equal(report_errors(loaded_report), 1);
    done(p);
}

static void maps_and_calendar_come_with_the_programme(void **state)
{
    struct pack_file files[] = {file_of("programme.yaml", HEAD X), file_of("forms/f.yaml", form_yaml),
                                file_of("maps/m.yaml", "columns: {}\n"),
                                file_of("calendar.yaml", "calendar:\n  - {form: f}\n")};
    struct programme *p;

    (void)state;
    assert_int_equal(load(files, 4, &p), OK);
    assert_int_equal(p->map_count, 1);
    assert_string_equal(p->maps[0], "maps/m.yaml");
    assert_non_null(p->calendar_doc);
    assert_string_equal(yaml_file(p->calendar_doc), "calendar.yaml");
    done(p);
}

/* ---- limits ---- */

static void more_than_the_limits_is_refused(void **state)
{
    static const struct {
        const char *file, *before, *item, *after, *line;
        unsigned limit;
    } cases[] = {
        {"programme.yaml", HEAD, "  - {id: I#, name: I, kind: count, form: f}\n", "",
         "programme.yaml:7:3: indicators: 2001 "
         "are too many",
         2000},
        {"variables.yaml", "variables:\n", "  - {id: v#, form: f}\n", "",
         "variables.yaml:2:3: variables: 2001 are too many", 2000},
        {"roadmap.yaml", "measures:\n", "  - {code: c#, title: C, due: 2021-01-01}\n", "",
         "roadmap.yaml:2:3: measures: 2001 are too many", 2000},
        {"programme.yaml", "programme: p\nversion: \"1\"\ntitle: P\nparameters:\n", "  p#: 1\n", "indicators: []\n",
         "programme.yaml:5:3: parameters: 201 are too many", 200},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(cases); n++)
        for (unsigned over = 0; over < 2; over++) {
            struct pack_file files[] = {file_of("programme.yaml", HEAD "  []\n"), file_of("forms/f.yaml", form_yaml),
                                        file_of(cases[n].file, "")};
            struct programme *p;
            struct buf text;
            unsigned at = strcmp(cases[n].file, "programme.yaml") == 0 ? 0 : 2;

            buf_init(&text, 1 << 20);
            buf_put_str(&text, cases[n].before);
            for (unsigned i = 0; i < cases[n].limit + over; i++) {
                const char *number = strchr(cases[n].item, '#');

                buf_printf(&text, "%.*s%u%s", (int)(number - cases[n].item), cases[n].item, i, number + 1);
            }
            buf_put_str(&text, cases[n].after);
            files[at] = file_of(cases[n].file, buf_cstr(&text));
            assert_int_equal(load(files, at == 0 ? 2 : 3, &p), over == 0 ? OK : ERR_INVALID);
            if (over == 1)
                expect_line(cases[n].line);
            done(p);
            buf_fini(&text);
        }
}

/* ---- folders ---- */

static char root[64];
static char dir[128];

static int make_folders(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/svodka-pack-XXXXXX");
    if (mkdtemp(root) == NULL)
        return -1;
    (void)snprintf(dir, sizeof(dir), "%s/packs/p", root);
    return folder_make(root, "packs") == OK && folder_make(root, "packs/p") == OK && folder_make(root, "forms") == OK
               ? 0
               : -1;
}

static int remove_folders(void **state)
{
    (void)state;
    folder_remove(root);
    return 0;
}

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

#define SHARED "programme: p\nversion: \"1\"\ntitle: P\nshared: ../..\n"

static enum err load_dir(struct pack *pack, struct programme **p)
{
    struct calendar *c;
    enum err e;

    *p = NULL;
    assert_int_equal(report_new(&loaded_report, 0), OK);
    assert_int_equal(calendar_new(&c), OK);
    if ((e = pack_read_dir(pack, dir, loaded_report)) == OK)
        e = programme_load(p, pack, c, loaded_report);
    calendar_free(c);
    print_report();
    return e;
}

static void a_folder_is_read_whole_and_in_order(void **state)
{
    static const char *const names[] = {"programme.yaml", "periods.yaml", "variables.yaml", "calendar.yaml",
                                        "roadmap.yaml",   "forms/a.yaml", "forms/b.yaml",   "maps/m.yaml"};
    struct pack pack;
    char id[FORM_NAME_MAX + 1];

    (void)state;
    assert_int_equal(report_new(&loaded_report, 0), OK);
    assert_int_equal(folder_make(dir, "forms"), OK);
    assert_int_equal(folder_make(dir, "maps"), OK);
    put("packs/p/programme.yaml", HEAD X);
    put("packs/p/periods.yaml", "periods: []\n");
    put("packs/p/variables.yaml", "variables: []\n");
    put("packs/p/calendar.yaml", "calendar: []\n");
    put("packs/p/roadmap.yaml", "measures: []\n");
    put("packs/p/forms/b.yaml", form_yaml);
    put("packs/p/forms/a.yaml", form_yaml);
    put("packs/p/forms/c.yml", form_yaml);
    put("packs/p/forms/.hidden.yaml", "x");
    put("packs/p/forms/b.yaml~", "x");
    put("packs/p/maps/m.yaml", "a: 1\n");
    assert_int_equal(pack_read_dir(&pack, dir, loaded_report), OK);
    print_report();
    assert_int_equal(pack.count, COUNT(names));
    for (size_t n = 0; n < COUNT(names); n++)
        assert_string_equal(pack.files[n].name, names[n]);
    assert_true(pack_programme_id(&pack, id));
    assert_string_equal(id, "p");
    assert_ptr_equal(pack_find(&pack, "roadmap.yaml"), &pack.files[4]);
    assert_null(pack_find(&pack, "nosuch"));
    /* What is not read is not passed over in silence. */
    expect_line("forms/c.yml: warning:");
    assert_int_equal(report_warnings(loaded_report), 1);
    pack_free(&pack);
    done(NULL);
}

static void what_is_listed_comes_from_the_shared_folder(void **state)
{
    struct pack pack;
    struct programme *p;

    (void)state;
    put("packs/p/programme.yaml",
        SHARED "forms: [f]\nindicators:\n  - {id: A, name: A, kind: sum, value: \"${shared_sum}\"}\n");
    put("forms/f.yaml", form_yaml);
    put("forms/g.yaml", "never read\n");
    put("variables.yaml", "variables:\n  - {id: shared_sum, form: f, value: \"${a}\"}\n");
    put("periods.yaml", "periods: []\n");
    assert_int_equal(load_dir(&pack, &p), OK);
    assert_int_equal(pack.count, 4);
    assert_string_equal(pack.files[1].name, "shared/variables.yaml");
    assert_string_equal(pack.files[2].name, "shared/periods.yaml");
    assert_string_equal(pack.files[3].name, "forms/f.yaml");
    assert_string_equal(p->variables[0]->id, "shared_sum");
    pack_free(&pack);
    done(p);
}

static void what_the_shared_folder_lacks_is_told_where_it_is_listed(void **state)
{
    struct pack pack;
    struct programme *p;

    (void)state;
    assert_int_equal(folder_make(dir, "forms"), OK);
    put("packs/p/programme.yaml", SHARED "forms: [f, nosuch, f, ../x, own, other]\nindicators: []\n");
    put("packs/p/forms/own.yaml",
        "form: own\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\nperiod: month\nsurvey:\n"
        "  - {type: integer, name: a, label: A}\n");
    put("forms/own.yaml", "form: own\nversion: \"2\"\ntitle: F\nmode: record\nrole: school\nperiod: month\nsurvey:\n"
                          "  - {type: integer, name: a, label: A}\n");
    put("forms/f.yaml", form_yaml);
    put("forms/other.yaml",
        "form: another\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\nperiod: month\nsurvey:\n"
        "  - {type: integer, name: a, label: A}\n");
    assert_int_equal(load_dir(&pack, &p), ERR_INVALID);
    expect_line("programme.yaml:5:12: forms: there is no forms/nosuch.yaml in the shared folder ../..");
    expect_line("programme.yaml:5:20: forms: this stands here twice");
    expect_line("programme.yaml:5:23: forms: the id of a form is expected");
    expect_line("programme.yaml:5:29: forms: the pack has a forms/own.yaml of its own");
    expect_line("programme.yaml:5:34: forms: forms/other.yaml holds a form with another id");
    pack_free(&pack);
    done(p);
}

static void a_shared_folder_that_is_not_there_is_told(void **state)
{
    struct pack pack;
    struct programme *p;

    (void)state;
    put("packs/p/programme.yaml", "programme: p\nshared: ../../nosuch\nindicators: []\n");
    assert_int_equal(load_dir(&pack, &p), ERR_NOT_FOUND);
    expect_line("programme.yaml:2:9: shared: there is no folder");
    assert_int_equal(pack.count, 0);
    done(p);
}

static void a_folder_that_is_no_pack_is_named(void **state)
{
    struct pack pack;
    struct programme *p;
    char id[FORM_NAME_MAX + 1];

    (void)state;
    assert_int_equal(load_dir(&pack, &p), ERR_NOT_FOUND);
    expect_line("a programme pack is expected");
    assert_int_equal(pack.count, 0);
    assert_false(pack_programme_id(&pack, id));
    done(NULL);
    put("packs/p/programme.yaml", HEAD X);
    assert_int_equal(folder_make(dir, "periods.yaml"), OK);
    assert_int_not_equal(load_dir(&pack, &p), OK);
    expect_line("periods.yaml");
    done(NULL);
}

static void a_pack_that_is_loaded_twice_is_the_same(void **state)
{
    struct programme *p[2];

    (void)state;
    for (size_t n = 0; n < 2; n++) {
        p[n] = load_good(HEAD X "  - {id: Q, name: Q, kind: survey, form: f, items: [q1, q2], positive: [4]}\n",
                         variables_yaml);
        if (n == 0)
            done(NULL);
    }
    assert_int_equal(p[0]->variable_count, p[1]->variable_count);
    for (size_t n = 0; n < p[0]->variable_count; n++)
        assert_memory_equal(p[0]->variables[n]->digest, p[1]->variables[n]->digest, VARIABLE_DIGEST_BYTES);
    for (size_t n = 0; n < p[0]->indicator_count; n++)
        assert_memory_equal(p[0]->indicators[n]->digest, p[1]->indicators[n]->digest, VARIABLE_DIGEST_BYTES);
    programme_free(p[0]);
    done(p[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_top_keys_are_kept),
        cmocka_unit_test(mistakes_of_the_top_keys_are_told_at_their_place),
        cmocka_unit_test(a_file_that_is_no_yaml_does_not_hide_the_others_mistakes),
        cmocka_unit_test(forms_and_periods_must_fit_together),
        cmocka_unit_test(maps_and_calendar_come_with_the_programme),
        cmocka_unit_test(more_than_the_limits_is_refused),
        cmocka_unit_test_setup_teardown(a_folder_is_read_whole_and_in_order, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(what_is_listed_comes_from_the_shared_folder, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(what_the_shared_folder_lacks_is_told_where_it_is_listed, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(a_shared_folder_that_is_not_there_is_told, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(a_folder_that_is_no_pack_is_named, make_folders, remove_folders),
        cmocka_unit_test(a_pack_that_is_loaded_twice_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
