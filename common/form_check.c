#include "common/form_internal.h"

#include "common/cli.h"
#include "common/form_rule.h"

#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 160u /* "repeat[1000].column" with both names at their longest */

/* One submission before the rules. */
struct judge {
    const struct form_impl *m;
    struct form_checker *c;
    const struct value *values;
    struct expr_env env;
    struct report *r;
    const struct finding *where;
    bool bad;
    enum err e; /* no memory */
};

/* ---- types and limits ---- */

static const char *rows_mistake(const struct form_field *f, const struct value_rows *rows)
{
    if (rows->columns != f->column_count)
        return _("the rows do not have the columns of the form");
    if (rows->rows == 0)
        return _("a list without rows is written as no answer");
    return rows->rows > FORM_MAX_ROWS ? _("too many rows: expected at most 1,000") : NULL;
}

const char *value_mistake(const struct form_field *f, const struct value *v)
{
    if (v->state != VALUE_PRESENT)
        return (unsigned)v->state > VALUE_MISSING ? _("unknown state of an answer") : NULL;
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
        return v->as.i < f->min || v->as.i > f->max ? _("the number is too large: at most 15 digits were expected")
                                                    : NULL;
    case VALUE_TEXT:
        if (v->as.text.len == 0)
            return _("an empty text is written as no answer");
        return value_text_mistake(v->as.text.p, v->as.text.len);
    case VALUE_DATE:
        return v->as.i < DATE_MIN || v->as.i > DATE_MAX ? _("expected a date of the years 1 to 9999") : NULL;
    case VALUE_BOOLEAN: return v->as.i != 0 && v->as.i != 1 ? _("expected yes or no") : NULL;
    case VALUE_SELECT_ONE:
        return v->as.i < 0 || v->as.i >= f->choices->count ? _("the list of choices has no such choice") : NULL;
    case VALUE_SELECT_MULTIPLE:
        if (v->as.set == 0)
            return _("no choice at all is written as no answer");
        if (f->choices->count < VALUE_MAX_CHOICES_MULTIPLE && v->as.set >> f->choices->count != 0)
            return _("the list of choices has no such choice");
        return NULL;
    case VALUE_REPEAT: return rows_mistake(f, &v->as.rows);
    }
    return NULL;
}

/* Which rule value_mistake() speaks of. */
static enum form_rule type_rule(const struct form_field *f, const struct value *v)
{
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL: return RULE_TOO_LARGE;
    case VALUE_TEXT: return v->as.text.len == 0 ? RULE_EMPTY : RULE_TEXT;
    case VALUE_DATE: return RULE_DATE;
    case VALUE_BOOLEAN: return RULE_BOOLEAN;
    case VALUE_SELECT_ONE: return RULE_CHOICE;
    case VALUE_SELECT_MULTIPLE: return v->as.set == 0 ? RULE_EMPTY : RULE_CHOICE;
    case VALUE_REPEAT: return RULE_ROWS;
    }
    return RULE_NONE;
}

/* ---- telling ---- */

/* A rule that is broken: its code, what it expects (never an answer), and both in words. */
struct broken {
    enum form_rule rule;
    const char *expected; /* or NULL */
    const char *text;
    bool is_warning;
};

/* `v` NULL: the value is not shown (it may not be formatted when it breaks its type). */
static void tell(struct judge *j, const struct form_node *n, const struct value *v, const struct broken *b)
{
    struct finding f = {0};
    char path[PATH_MAX_BYTES];

    if (j->where != NULL)
        f = *j->where;
    f.field = n->field->name;
    f.value = NULL;
    f.text = NULL;
    f.is_warning = b->is_warning;
    f.rule = b->rule;
    f.expected = b->expected;
    if (n->repeat >= 0) {
        (void)snprintf(path, sizeof(path), "%s[%u].%s", j->m->form.fields[n->repeat].name, j->env.row_number,
                       n->field->name);
        f.field = path;
    }
    if (v != NULL && v->state != VALUE_MISSING && v->state != VALUE_NOT_ASKED) {
        buf_reset(&j->c->text);
        value_format(&j->c->text, n->field, v);
        f.value = buf_cstr(&j->c->text);
    }
    if (!b->is_warning)
        j->bad = true;
    report_add(j->r, &f, "%s", b->text);
}

static void tell_rule(struct judge *j, const struct form_node *n, const struct value *v, enum form_rule rule,
                      const char *text)
{
    tell(j, n, v, &(struct broken){.rule = rule, .text = text});
}

/* The form's own words in the language of the user, else ours. */
static const char *message(const char *ru, const char *en, const char *ours)
{
    const char *own = cli_pick(ru, en);

    return own != NULL ? own : ours;
}

/* A rule could not be evaluated: too many steps, a regular expression without end. */
static void tell_failure(struct judge *j, const struct form_node *n, const char *key, enum err e)
{
    char text[512];

    if (e == ERR_NOMEM) {
        j->e = e;
        return;
    }
    (void)snprintf(text, sizeof(text), _("\"%s\" of the form could not be evaluated: %s"), key, err_text());
    tell(j, n, NULL, &(struct broken){RULE_EVALUATION, key, text, false});
}

/* ---- the rules ---- */

static bool is_required(struct judge *j, const struct form_node *n)
{
    bool required = n->field->is_required;
    enum err e;

    if (n->field->required_if != NULL &&
        (e = expr_test(n->field->required_if, j->c->arena, &j->env, &required)) != OK) {
        tell_failure(j, n, "required", e);
        return false;
    }
    return required;
}

static void judge_constraint(struct judge *j, const struct form_node *n, const struct value *v)
{
    const struct form_field *f = n->field;
    char ours[512];
    bool holds;
    enum err e = expr_test(f->constraint, j->c->arena, &j->env, &holds);

    if (e != OK) {
        tell_failure(j, n, "constraint", e);
    } else if (!holds) {
        (void)snprintf(ours, sizeof(ours), _("the answer breaks the form's rule: %.400s"), n->constraint_text);
        tell(j, n, v,
             &(struct broken){RULE_CONSTRAINT, n->constraint_text,
                              message(f->constraint_message_ru, f->constraint_message_en, ours), false});
    }
}

static void judge_warning(struct judge *j, const struct form_node *n, const struct value *v, const struct expr *warning,
                          const char *key, const char *own)
{
    bool fires;
    enum err e = expr_test(warning, j->c->arena, &j->env, &fires);

    if (e != OK)
        tell_failure(j, n, key, e);
    else if (fires)
        tell(j, n, v,
             &(struct broken){RULE_NONE, NULL,
                              own != NULL ? own : _("an unusual answer: check it, and leave a remark if it is right"),
                              true});
}

static void judge_warnings(struct judge *j, const struct form_node *n, const struct value *v)
{
    const struct form_field *f = n->field;

    if (f->warning != NULL)
        judge_warning(j, n, v, f->warning, "warning", cli_pick(f->warning_message_ru, f->warning_message_en));
    if (f->compare_warning != NULL && checker_can_warn(j->c, &j->m->form, f->compare_warning))
        judge_warning(j, n, v, f->compare_warning, "compare_warning",
                      cli_pick(f->compare_message_ru, f->compare_message_en));
}

static bool is_equal(const struct form_field *f, const struct value *a, const struct value *b)
{
    if (a->state != b->state || a->state != VALUE_PRESENT)
        return a->state == b->state;
    if (f->type == VALUE_TEXT)
        return a->as.text.len == b->as.text.len && memcmp(a->as.text.p, b->as.text.p, a->as.text.len) == 0;
    if (f->type == VALUE_SELECT_MULTIPLE)
        return a->as.set == b->as.set;
    return a->as.i == b->as.i;
}

static void judge_calculation(struct judge *j, const struct form_node *n, const struct value *v)
{
    struct value made;
    struct buf formatted;
    enum err e = checker_calculate(j->c, n, &j->env, &made);
    char text[640];

    if (e != OK) {
        tell_failure(j, n, "calculation", e);
        return;
    }
    if (is_equal(n->field, v, &made))
        return;
    buf_init_secret(&formatted, 1024);
    value_format(&formatted, n->field, &made);
    if (made.state == VALUE_PRESENT)
        (void)snprintf(text, sizeof(text), _("the form calculates another value: expected %.200s, from %.300s"),
                       buf_cstr(&formatted), n->calculation_text);
    else
        (void)snprintf(text, sizeof(text), _("the form calculates no value here: expected nothing, from %.300s"),
                       n->calculation_text);
    tell(j, n, v, &(struct broken){RULE_CALCULATION, n->calculation_text, text, false});
    buf_wipe(&formatted);
}

/* The answer to a question that is asked. */
static void judge_answer(struct judge *j, const struct form_node *n, const struct value *v)
{
    const struct form_field *f = n->field;

    switch (v->state) {
    case VALUE_PRESENT:
        if (f->constraint != NULL)
            judge_constraint(j, n, v);
        if (j->r != NULL)
            judge_warnings(j, n, v);
        break;
    case VALUE_NOT_ASKED:
        tell_rule(j, n, NULL, RULE_ASKED, _("the question applies here: expected an answer, found \"not asked\""));
        break;
    case VALUE_NOT_KNOWN:
        if (!f->allows_unknown)
            tell_rule(j, n, v, RULE_NO_UNKNOWN, _("the form does not allow \"not known\" here"));
        break;
    case VALUE_NOT_APPLICABLE:
        if (!f->allows_inapplicable)
            tell_rule(j, n, v, RULE_NO_INAPPLICABLE, _("the form does not allow \"not applicable\" here"));
        break;
    case VALUE_MISSING:
        if (is_required(j, n))
            tell_rule(j, n, NULL, RULE_REQUIRED,
                      message(f->required_message_ru, f->required_message_en, _("an answer is required")));
        break;
    }
}

/* False: the question is not asked. */
static bool judge_value(struct judge *j, const struct form_node *n, const struct value *v)
{
    bool is_relevant;
    enum err e = checker_is_relevant(j->c, j->m, n, &j->env, &is_relevant);

    if (e != OK) {
        tell_failure(j, n, "relevant", e);
        return false;
    }
    if (!is_relevant) {
        if (v->state == VALUE_MISSING)
            tell_rule(j, n, NULL, RULE_IRRELEVANT,
                      _("the question does not apply here: expected \"not asked\", found no answer"));
        else if (v->state != VALUE_NOT_ASKED)
            tell_rule(j, n, v, RULE_IRRELEVANT, _("the question does not apply here: expected no answer"));
        return false;
    }
    if (n->field->is_calculated)
        judge_calculation(j, n, v);
    judge_answer(j, n, v);
    return true;
}

/* The hub only asks whether all is well: the first mistake ends it. */
static bool is_settled(const struct judge *j)
{
    return j->e != OK || (j->bad && j->r == NULL);
}

static void judge_rows(struct judge *j, uint32_t repeat)
{
    const struct value_rows *rows = &j->values[repeat].as.rows;
    const struct form_node *columns = &j->m->nodes[j->m->top[repeat] + 1];

    for (uint32_t row = 0; row < rows->rows && !is_settled(j); row++) {
        j->env.row = &rows->cells[(size_t)row * rows->columns];
        j->env.row_number = row + 1;
        for (uint32_t i = 0; i < rows->columns && !is_settled(j); i++)
            (void)judge_value(j, &columns[i], &j->env.row[i]);
    }
    j->env.row = NULL;
    j->env.row_number = 0;
}

/* ---- the two passes ---- */

static void fit_rows(struct judge *j, uint32_t repeat)
{
    const struct value_rows *rows = &j->values[repeat].as.rows;
    const struct form_node *columns = &j->m->nodes[j->m->top[repeat] + 1];
    const char *mistake;

    for (uint32_t row = 0; row < rows->rows && !is_settled(j); row++) {
        j->env.row_number = row + 1;
        for (uint32_t i = 0; i < rows->columns; i++) {
            const struct value *v = &rows->cells[(size_t)row * rows->columns + i];

            mistake = value_mistake(columns[i].field, v);
            if (mistake != NULL)
                tell_rule(j, &columns[i], NULL, type_rule(columns[i].field, v), mistake);
        }
    }
    j->env.row_number = 0;
}

static void fit_values(struct judge *j)
{
    const struct form *f = &j->m->form;
    const char *mistake;

    for (uint32_t i = 0; i < f->field_count && !is_settled(j); i++) {
        if ((mistake = value_mistake(&f->fields[i], &j->values[i])) != NULL)
            tell_rule(j, &j->m->nodes[j->m->top[i]], NULL, type_rule(&f->fields[i], &j->values[i]), mistake);
        else if (f->fields[i].type == VALUE_REPEAT && j->values[i].state == VALUE_PRESENT)
            fit_rows(j, i);
    }
}

static void judge_all(struct judge *j)
{
    const struct form *f = &j->m->form;

    for (uint32_t i = 0; i < f->field_count && !is_settled(j); i++) {
        bool is_asked = judge_value(j, &j->m->nodes[j->m->top[i]], &j->values[i]);

        if (is_asked && f->fields[i].type == VALUE_REPEAT && j->values[i].state == VALUE_PRESENT)
            judge_rows(j, i);
    }
}

enum err form_check(const struct form *f, struct form_checker *c, const struct value *values, uint32_t count,
                    int32_t filled_on, const struct finding *where, struct report *r)
{
    struct judge j = {.m = form_impl_of(f), .c = c, .values = values, .r = r, .where = where};
    enum err e;

    if (count != f->field_count) {
        struct finding at = where != NULL ? *where : (struct finding){0};

        at.rule = RULE_COUNT;
        report_add(r, &at, _("%u values were found, but the form \"%s\" has %u fields"), count, f->id, f->field_count);
        return ERR_INVALID;
    }
    j.env = (struct expr_env){.values = values, .count = count, .today = filled_on};
    if (c->compared_form == f && c->compared != NULL) {
        j.env.beyond = c->compared;
        j.env.beyond_count = f->compare_count;
    }
    if ((e = checker_begin(c, j.m)) != OK)
        return e;
    fit_values(&j);
    if (!j.bad) /* expressions are only shown values that fit their types */
        judge_all(&j);
    if (j.e != OK)
        return j.e;
    return j.bad ? ERR_INVALID : OK;
}
