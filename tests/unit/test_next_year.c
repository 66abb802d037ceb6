/* test_next_year.c: the next version of a pack: nothing is typed twice, nothing that a person must decide is passed
 * over in silence. */
#include "hub/next_year.h"

#include "common/cli.h"
#include "common/folder.h"
#include "hub/next_year_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char programme_yaml[] = "# Version 1 of it.\n"
                                     "programme: plan\n"
                                     "title: {ru: \"План «2020»\", en: Plan}\n"
                                     "version: \"1\" # raised each year\n"
                                     "shared: ../..\n"
                                     "forms: [card]\n"
                                     "indicators:\n"
                                     "  - id: A\n"
                                     "    targets:\n"
                                     "      - {period: \"2020\", at: 10}\n"
                                     "      - {period: \"2021\", at: 20}\n"
                                     "  - id: B\n"
                                     "    part: grade=5\n"
                                     "    targets: [{period: 2020/21, at: 10}]\n"
                                     "  - id: C\n"
                                     "    targets: [{period: 2021/22, at: 10}]\n"
                                     "  - {id: D}\n"
                                     "  - {id: E, valid_to: 2020-01-01, targets: [{period: \"2020\", at: 1}]}\n"
                                     "  - {id: E, valid_from: 2020-01-02, targets: [{period: \"2020\", at: 1}]}\n";
static const char periods_yaml[] = "periods:\n"
                                   "  - series: grade_period\n"
                                   "    label: {ru: \"Период\", en: Period}\n"
                                   "    periods:\n"
                                   "      - {id: 2019/20-P1, from: 2019-09-01, to: 2019-12-31}\n"
                                   "      - {id: 2019/20-P2, from: 2020-01-01, to: 2020-02-29}\n"
                                   "      - {id: 2020/21-P1, from: 2020-09-01, to: 2020-12-31, "
                                   "label: {ru: \"1 период \\\"осень\\\" 2020/21\", en: Period 1 2020/21}}\n"
                                   "      - id: 2020/21-P2\n"
                                   "        from: 2021-01-01\n"
                                   "        to: 2021-02-28\n"
                                   "  - series: stage\n"
                                   "    periods:\n"
                                   "      - {id: s-1, from: 2019-09-01, to: 2020-06-30}\n"
                                   "  - series: soc\n"
                                   "    periods:\n"
                                   "      - {id: soc-2020-10-01, on: 2020-10-01, label: \"на 1 октября 2020 г.\"}\n"
                                   "      - {id: soc-2021-05-01, on: 2021-05-01, label: \"на 1 мая 2021 г.\"}\n";
static const char shared_yaml[] = "periods:\n- series: wide\n  periods:\n  - {id: w2020, from: 2020-09-01, to: "
                                  "2021-08-31}"; /* no line end */
static const char calendar_yaml[] = "calendar:\n"
                                    "  - {form: card, due: {days: 1, after: end}}\n"
                                    "  - {form: card, periods: [2020/21], due: 2021-05-05}\n"
                                    "  - {form: card, to: 2021-08-31, due: {days: 2, after: end}}\n";
static const char roadmap_yaml[] = "measures:\n"
                                   "  - {code: M-1, title: One, due: 2021-03-01, yearly: true}\n"
                                   "  - {code: M-2, title: Two, due: 2021-03-01}\n"
                                   "  - {code: M-3, title: Three, due: 2021-03-01, yearly: true, until: 2021-12-31}\n"
                                   "  - {code: M-4, title: Four, due: 2022-12-01}\n";
static const char card_yaml[] = "form: card\nversion: \"1\"\n";

#define FILE_OF(name, text)                                                                                            \
    {                                                                                                                  \
        (char *)(uintptr_t)(name), (void *)(uintptr_t)(text), sizeof(text) - 1                                         \
    }
static struct pack_file files[] = {
    FILE_OF("programme.yaml", programme_yaml), FILE_OF("periods.yaml", periods_yaml),
    FILE_OF("calendar.yaml", calendar_yaml),   FILE_OF("roadmap.yaml", roadmap_yaml),
    FILE_OF("forms/card.yaml", card_yaml),     FILE_OF("shared/periods.yaml", shared_yaml),
};

struct said {
    char text[3][2048];
};

static void say(void *ctx, enum next_year_what what, const char *text)
{
    struct said *s = ctx;
    size_t at = strlen(s->text[what]);

    (void)snprintf(s->text[what] + at, sizeof(s->text[what]) - at, "%s\n", text);
}

static enum err make(const struct pack *in, int year, struct pack *out, struct said *s)
{
    struct calendar *c = NULL;
    enum err e = calendar_new(&c);

    memset(s, 0, sizeof(*s));
    if (e == OK)
        e = next_year_make(out, in, year, c, say, s);
    calendar_free(c);
    return e;
}

static const char *text_of(const struct pack *p, const char *name)
{
    static char text[8192];
    const struct pack_file *f = pack_find(p, name);

    assert_non_null(f);
    (void)snprintf(text, sizeof(text), "%.*s", (int)f->len, (const char *)f->bytes);
    return text;
}

static void the_next_year_is_made_and_the_rest_is_named(void **state)
{
    struct pack in = {files, COUNT(files)};
    struct pack out;
    struct said s;

    (void)state;
    assert_int_equal(make(&in, 2021, &out, &s), OK);
    assert_string_equal(s.text[NEXT_MADE], "version 2\n"
                                           "series grade_period: period 2021/22-P1\n"
                                           "series grade_period: period 2021/22-P2\n"
                                           "series soc: period soc-2021-10-01\n"
                                           "series soc: period soc-2022-05-01\n"
                                           "series wide: period w2021\n");
    /* 2021/22 ends on 31 August 2022: A, by calendar year, has no target for 2022. */
    assert_string_equal(s.text[NEXT_DECIDE], "A: the target for 2022\n"
                                             "B grade=5: the target for 2021/22\n"
                                             "E: the target for 2022\n");
    assert_string_equal(s.text[NEXT_LEFT], "series stage: its periods are not those of a year\n"
                                           "calendar.yaml:3: the rule for card names its periods\n"
                                           "calendar.yaml:4: the rule for card ends on 2021-08-31\n"
                                           "roadmap.yaml:3: the measure M-2 was due on 2021-03-01\n"
                                           "roadmap.yaml:4: the yearly measure M-3 ends on 2021-12-31\n");
    assert_non_null(strstr(text_of(&out, "programme.yaml"), "version: \"2\" # raised each year\nshared: ../..\n"));
    assert_non_null(strstr(text_of(&out, "programme.yaml"), "«2020»")); /* a title is no period */
    assert_int_equal(strncmp(text_of(&out, "periods.yaml"), periods_yaml, sizeof(periods_yaml) - 1), 0);
    assert_string_equal(text_of(&out, "periods.yaml") + sizeof(periods_yaml) - 1,
                        "  - series: grade_period\n"
                        "    periods:\n"
                        "      - {id: \"2021/22-P1\", from: 2021-09-01, to: 2021-12-31, label: {ru: \"1 период "
                        "\\\"осень\\\" 2021/22\", en: \"Period 1 2021/22\"}}\n"
                        "      - {id: \"2021/22-P2\", from: 2022-01-01, to: 2022-02-28}\n"
                        "  - series: soc\n"
                        "    periods:\n"
                        "      - {id: \"soc-2021-10-01\", on: 2021-10-01, label: {ru: \"на 1 октября 2021 г.\", en: "
                        "\"на 1 октября 2021 г.\"}}\n"
                        "      - {id: \"soc-2022-05-01\", on: 2022-05-01, label: {ru: \"на 1 мая 2022 г.\", en: "
                        "\"на 1 мая 2022 г.\"}}\n");
    assert_string_equal(text_of(&out, "shared/periods.yaml") + sizeof(shared_yaml) - 1,
                        "\n- series: wide\n  periods:\n    - {id: \"w2021\", from: 2021-09-01, to: 2022-08-31}\n");
    assert_string_equal(text_of(&out, "calendar.yaml"), calendar_yaml);
    pack_free(&out);
}

static void once_more_makes_nothing_but_a_version(void **state)
{
    struct pack in = {files, COUNT(files)};
    struct pack once, twice, later;
    struct said s;

    (void)state;
    assert_int_equal(make(&in, 2021, &once, &s), OK);
    assert_int_equal(make(&once, 2021, &twice, &s), OK);
    assert_string_equal(s.text[NEXT_MADE], "version 3\n");
    /* Two years at once: the one that was left out, too. */
    assert_int_equal(make(&in, 2022, &later, &s), OK);
    assert_non_null(strstr(s.text[NEXT_MADE], "period 2021/22-P1\n"));
    assert_non_null(strstr(s.text[NEXT_MADE], "period 2022/23-P2\n"));
    assert_null(strstr(s.text[NEXT_MADE], "2023/24"));
    assert_non_null(strstr(s.text[NEXT_DECIDE], "C: the target for 2022/23\n"));
    pack_free(&once);
    pack_free(&twice);
    pack_free(&later);
}

static void years_in_texts_are_raised_and_other_numbers_are_not(void **state)
{
    static const char *const pairs[][2] = {{"2020/21", "2021/22"},
                                           {"2020/21-Q1", "2021/22-Q1"},
                                           {"1 четверть 2020/21", "1 четверть 2021/22"},
                                           {"soc-2020-10-01", "soc-2021-10-01"},
                                           {"1999/00", "2000/01"},
                                           {"2020/22", "2021/22"},
                                           {"2019-2020", "2020-2021"},
                                           {"12020", ""},
                                           {"20201", ""},
                                           {"приказ 243", ""},
                                           {"1812", ""},
                                           {"", ""}};

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct buf b;

        buf_init(&b, 256);
        assert_int_equal(shift_text(&b, pairs[i][0]), pairs[i][1][0] != '\0');
        assert_string_equal(buf_cstr(&b), pairs[i][1][0] != '\0' ? pairs[i][1] : pairs[i][0]);
        buf_fini(&b);
    }
}

static void the_end_of_february_stays_that(void **state)
{
    static const int days[][6] = {{2020, 2, 29, 2021, 2, 28},
                                  {2023, 2, 28, 2024, 2, 29},
                                  {2024, 2, 28, 2025, 2, 28},
                                  {2020, 3, 1, 2021, 3, 1},
                                  {2020, 12, 31, 2021, 12, 31}};

    (void)state;
    for (size_t i = 0; i < COUNT(days); i++)
        assert_int_equal(shift_day(date_from_civil(days[i][0], days[i][1], days[i][2])),
                         date_from_civil(days[i][3], days[i][4], days[i][5]));
}

static void in_summer_and_autumn_it_is_this_september_that_is_prepared(void **state)
{
    static const int days[][4] = {{2021, 6, 3, 2021},   {2021, 8, 31, 2021}, {2021, 9, 1, 2021},
                                  {2021, 11, 30, 2021}, {2021, 12, 1, 2022}, {2022, 2, 1, 2022}};

    (void)state;
    for (size_t i = 0; i < COUNT(days); i++)
        assert_int_equal(next_year_of(date_from_civil(days[i][0], days[i][1], days[i][2])), days[i][3]);
}

static void a_file_that_cannot_be_continued_is_named(void **state)
{
    static const char flow[] = "periods: [{series: a, periods: [{id: x2020, on: 2020-01-01}]}]\n";
    static const char folded[] = "programme: plan\nversion: >\n  1\ntitle: T\nindicators: []\n";
    struct pack_file bad[] = {FILE_OF("programme.yaml", programme_yaml), FILE_OF("periods.yaml", flow)};
    struct pack_file worse[] = {FILE_OF("programme.yaml", folded)};
    struct pack in = {bad, COUNT(bad)};
    struct pack out;
    struct said s;

    (void)state;
    assert_int_equal(make(&in, 2021, &out, &s), ERR_INVALID);
    assert_non_null(strstr(err_text(), "periods.yaml:1"));
    in = (struct pack){worse, COUNT(worse)};
    assert_int_equal(make(&in, 2021, &out, &s), ERR_INVALID);
    assert_non_null(strstr(err_text(), "version"));
}

static void a_written_pack_stands_by_itself(void **state)
{
    struct pack in = {files, COUNT(files)};
    char dir[64] = "/tmp/svodka-next-XXXXXX";
    char path[128];
    void *bytes;
    size_t len;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/pack", dir);
    assert_int_equal(next_year_write(&in, path), OK);
    assert_int_equal(next_year_write(&in, path), ERR_EXISTS);
    (void)snprintf(path, sizeof(path), "%s/pack/programme.yaml", dir);
    assert_int_equal(cli_read_file(path, 1u << 20, &bytes, &len), OK);
    assert_non_null(strstr(bytes, "\nshared: shared\nforms: [card]\n"));
    free(bytes);
    (void)snprintf(path, sizeof(path), "%s/pack/shared/forms/card.yaml", dir);
    assert_int_equal(access(path, R_OK), 0);
    (void)snprintf(path, sizeof(path), "%s/pack/shared/periods.yaml", dir);
    assert_int_equal(access(path, R_OK), 0);
    (void)snprintf(path, sizeof(path), "%s/pack/forms", dir);
    assert_int_equal(access(path, R_OK), -1);
    folder_remove(dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_year_is_made_and_the_rest_is_named),
        cmocka_unit_test(once_more_makes_nothing_but_a_version),
        cmocka_unit_test(years_in_texts_are_raised_and_other_numbers_are_not),
        cmocka_unit_test(the_end_of_february_stays_that),
        cmocka_unit_test(in_summer_and_autumn_it_is_this_september_that_is_prepared),
        cmocka_unit_test(a_file_that_cannot_be_continued_is_named),
        cmocka_unit_test(a_written_pack_stands_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
