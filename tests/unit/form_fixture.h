/* form_fixture.h: a form from text, a row typed into it, and what is said about both.  For the tests of the form
 * model. */
#ifndef SVODKA_TESTS_FORM_FIXTURE_H
#define SVODKA_TESTS_FORM_FIXTURE_H

#include "common/form.h"
#include "common/form_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEEP_BYTES   ((size_t)1 << 20)
#define MAX_VALUES   64u
#define SOME_DAY     18506 /* 2020-09-01 */

/* What stands over the survey in most tests. */
#define HEAD        "form: demo\nversion: \"1\"\ntitle: Demo\nmode: record\nperiod: month\n"
#define HEAD_LINES  5u
#define SURVEY      HEAD "survey:\n"
#define SURVEY_LINE (HEAD_LINES + 2u) /* line of the first item after SURVEY */

struct filled {
    struct form *form;
    struct report *r;
    struct form_checker *c;
    struct value values[MAX_VALUES];
    struct buf keep;
    enum err e;
};

static inline void load_bytes(struct filled *x, const void *bytes, size_t len)
{
    memset(x, 0, sizeof(*x));
    buf_init(&x->keep, KEEP_BYTES);
    assert_int_equal(report_new(&x->r, 0), OK);
    assert_int_equal(form_checker_new(&x->c), OK);
    x->e = form_load(&x->form, "demo.yaml", bytes, len, x->r);
    assert_true((x->e == OK) == (x->form != NULL));
}

static inline void load(struct filled *x, const char *yaml)
{
    load_bytes(x, yaml, strlen(yaml));
}

static inline void finish(struct filled *x)
{
    form_free(x->form);
    report_free(x->r);
    form_checker_free(x->c);
    buf_fini(&x->keep);
}

/* Loads what must be right. */
static inline void load_right(struct filled *x, const char *yaml)
{
    load(x, yaml);
    if (x->e != OK) {
        report_print(x->r, stderr);
        fail_msg("the form was refused");
    }
    assert_true(x->form->field_count <= MAX_VALUES);
    for (uint32_t i = 0; i < x->form->field_count; i++)
        x->values[i].state = VALUE_MISSING;
}

static inline void forget_findings(struct filled *x)
{
    report_free(x->r);
    assert_int_equal(report_new(&x->r, 0), OK);
}

static inline struct value *value_of(struct filled *x, const char *name)
{
    int32_t i = form_find_field(x->form, name, strlen(name));

    if (i < 0)
        fail_msg("no field %s", name);
    return &x->values[i];
}

/* Answers as JSON, then what follows from them. */
static inline enum err fill(struct filled *x, const char *json)
{
    forget_findings(x);
    buf_reset(&x->keep);
    if (form_values_from_json(x->form, json, strlen(json), x->values, &x->keep, x->r) != OK) {
        report_print(x->r, stderr);
        fail_msg("the answers were refused");
    }
    return form_complete(x->form, x->c, x->values, SOME_DAY, false);
}

static inline enum err check(struct filled *x)
{
    struct finding where = {.file = "rows.csv", .line = 7};

    forget_findings(x);
    return form_check(x->form, x->c, x->values, x->form->field_count, SOME_DAY, &where, x->r);
}

/* Some finding is about this field (NULL: none), says this, and stands on this line and column (0: anywhere). */
static inline void assert_said(const struct filled *x, uint32_t line, uint32_t column, const char *field,
                               const char *part)
{
    for (size_t i = 0; i < report_kept(x->r); i++) {
        const struct finding *f = report_at(x->r, i);

        if (strstr(f->text, part) != NULL && (line == 0 || f->line == line) && (column == 0 || f->column == column) &&
            (field == NULL || (f->field != NULL && strcmp(f->field, field) == 0)))
            return;
    }
    report_print(x->r, stderr);
    fail_msg("not said: %u:%u %s: %s", line, column, field != NULL ? field : "-", part);
}

/* The form is refused, with this among the reasons. */
static inline void assert_refused(const char *yaml, uint32_t line, uint32_t column, const char *field, const char *part)
{
    struct filled x;

    load(&x, yaml);
    if (x.e == OK)
        fail_msg("accepted, but expected: %s", part);
    assert_int_equal(x.e, ERR_INVALID);
    assert_said(&x, line, column, field, part);
    finish(&x);
}

#endif
