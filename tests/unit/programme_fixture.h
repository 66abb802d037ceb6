/* programme_fixture.h: a pack from texts, and what is said about it.  For the tests of the loader. */
#ifndef SVODKA_TESTS_PROGRAMME_FIXTURE_H
#define SVODKA_TESTS_PROGRAMME_FIXTURE_H

#include "hub/programme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Five lines and `indicators:`; what follows begins in line 7. */
#define HEAD                                                                                                           \
    "programme: p\nversion: \"1\"\ntitle: P\nparameters: {low: 5, half: 0.5, third: 0.3}\n"                            \
    "base_period: {month: 2020-09}\nindicators:\n"

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
                                "  scale:\n"
                                "    - {code: \"0\", label: \"?\"}\n"
                                "    - {code: \"1\", label: \"1\"}\n"
                                "    - {code: \"2\", label: \"2\"}\n"
                                "    - {code: \"3\", label: \"3\"}\n"
                                "    - {code: \"4\", label: \"4\"}\n"
                                "survey:\n"
                                "  - {type: text, name: who, label: Who, required: true}\n"
                                "  - {type: integer, name: a, label: A}\n"
                                "  - {type: integer, name: b, label: B}\n"
                                "  - {type: decimal, name: d, places: 2, label: D}\n"
                                "  - {type: date, name: day, label: Day}\n"
                                "  - {type: select_one sex, name: sex, label: Sex}\n"
                                "  - {type: select_one scale, name: q1, label: Q1}\n"
                                "  - {type: select_one scale, name: q2, label: Q2}\n"
                                "  - type: repeat\n"
                                "    name: rows\n"
                                "    label: Rows\n"
                                "    survey:\n"
                                "      - {type: integer, name: grade, label: Grade}\n"
                                "      - {type: integer, name: pupils, label: Pupils}\n";

/* a, b, half_year: sums; v: values; t: keys; p: pairs; net: relations; by1, by2: sums by sex. */
static const char variables_yaml[] =
    "variables:\n"
    "  - {id: a, form: f, value: \"${a}\"}\n"
    "  - {id: b, form: f, value: \"${b}\", absent: 0}\n"
    "  - {id: v, kind: values, form: f, value: \"${d}\", places: 2}\n"
    "  - {id: t, kind: keys, form: f, key: \"${who}\"}\n"
    "  - {id: pr, kind: pairs, form: f, key: \"${who}\", order: \"${a}\", value: \"${b}\"}\n"
    "  - {id: net, kind: relations, form: f, key: \"${who}\", partner: \"${who}\"}\n"
    "  - {id: by1, form: f, value: \"${a}\", by: sex}\n"
    "  - {id: by2, form: f, value: \"${b}\", by: [sex]}\n"
    "  - {id: by3, form: f, by: [sex, q1]}\n";

static struct report *loaded_report;
static char *printed;

static inline struct pack_file file_of(const char *name, const char *text)
{
    return (struct pack_file){(char *)(uintptr_t)name, (void *)(uintptr_t)text, strlen(text)};
}

static inline void print_report(void)
{
    size_t len = 0;
    FILE *to = open_memstream(&printed, &len);

    assert_non_null(to);
    report_print(loaded_report, to);
    (void)fclose(to);
}

static inline enum err load(struct pack_file *files, size_t count, struct programme **out)
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
    assert_true((e == OK) == (*out != NULL));
    return e;
}

static inline void done(struct programme *p)
{
    programme_free(p);
    report_free(loaded_report);
    free(printed);
    loaded_report = NULL;
    printed = NULL;
}

static inline void expect_line(const char *line)
{
    if (strstr(printed, line) == NULL)
        fail_msg("\"%s\" is not in:\n%s", line, printed);
}

/* With the form, and the variables when `variables` is given. */
static inline enum err load_texts(const char *yaml, const char *variables, struct programme **out)
{
    struct pack_file files[] = {file_of("programme.yaml", yaml), file_of("forms/f.yaml", form_yaml),
                                file_of("variables.yaml", variables != NULL ? variables : "")};

    return load(files, variables != NULL ? 3 : 2, out);
}

static inline struct programme *load_good(const char *yaml, const char *variables)
{
    struct programme *p;

    if (load_texts(yaml, variables, &p) != OK)
        fail_msg("a good pack is refused:\n%s\n%s", printed, yaml);
    assert_string_equal(printed, "");
    return p;
}

/* One thing is wrong, and one line of the report says so. */
static inline void expect_mistake(const char *yaml, const char *variables, const char *line)
{
    struct programme *p;

    if (load_texts(yaml, variables, &p) != ERR_INVALID)
        fail_msg("\"%s\" was expected, and all is well with\n%s", line, yaml);
    expect_line(line);
    if (report_errors(loaded_report) != 1)
        fail_msg("one mistake was expected (%s):\n%s\n%s", line, printed, yaml);
    done(p);
}

struct mistake {
    const char *yaml, *line;
};

/* All of them, so that one run shows everything that is not as expected. */
static inline void expect_mistakes(const struct mistake *cases, size_t count, const char *variables)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        struct programme *p;
        enum err e = load_texts(cases[i].yaml, variables, &p);

        if (e != ERR_INVALID || strstr(printed, cases[i].line) == NULL || report_errors(loaded_report) != 1) {
            print_error("expected: %s\nfound:    %s\n", cases[i].line, e == OK ? "nothing" : printed);
            wrong++;
        }
        done(p);
    }
    assert_int_equal(wrong, 0);
}

static inline const struct indicator *indicator_of(const struct programme *p, const char *id, const char *part)
{
    int32_t at = programme_find_indicator(p, id, part);

    assert_true(at >= 0);
    return p->indicators[at];
}

#endif
