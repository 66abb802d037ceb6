/* form_complete.c: what follows from a person's answers: relevance and calculations. */
#include "common/form_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORMATTED_MAX (64u << 10)

enum err form_checker_new(struct form_checker **out)
{
    struct form_checker *c = calloc(1, sizeof(*c));
    enum err e;

    if (c == NULL)
        return ERR_NOMEM;
    if ((e = expr_arena_new(&c->arena, 0)) != OK) {
        free(c);
        return e;
    }
    buf_init_secret(&c->text, FORMATTED_MAX);
    *out = c;
    return OK;
}

void form_checker_free(struct form_checker *c)
{
    if (c == NULL)
        return;
    buf_wipe(&c->text);
    free(c->conditions);
    pool_free(&c->made);
    expr_arena_free(c->arena);
    free(c);
}

enum err checker_begin(struct form_checker *c, const struct form_impl *m)
{
    if (c->condition_cap < m->condition_count) {
        uint8_t *more = realloc(c->conditions, m->condition_count);

        if (more == NULL)
            return ERR_NOMEM;
        c->conditions = more;
        c->condition_cap = m->condition_count;
    }
    if (m->condition_count > 0)
        memset(c->conditions, CONDITION_NEW, m->condition_count);
    return OK;
}

enum err checker_is_relevant(struct form_checker *c, const struct form_impl *m, const struct form_node *n,
                             const struct expr_env *env, bool *out)
{
    const struct form_condition *condition;
    uint8_t *known;
    enum err e;

    *out = true;
    if (n->condition < 0)
        return OK;
    condition = &m->conditions[n->condition];
    known = &c->conditions[n->condition];
    if (condition->repeat >= 0)
        return expr_test(condition->expr, c->arena, env, out);
    if (*known == CONDITION_NEW) {
        if ((e = expr_test(condition->expr, c->arena, env, out)) != OK)
            return e;
        *known = *out ? CONDITION_TRUE : CONDITION_FALSE;
    }
    *out = *known == CONDITION_TRUE;
    return OK;
}

/* ---- calculations ---- */

/* Half up, once.  What is a half on paper (1.005, 2.675) is a little less as a double: a few units in the last place
 * are forgiven, as long as that is far below the places kept. */
static bool round_scaled(double number, unsigned places, int64_t *out)
{
    double scaled = number;

    for (unsigned i = 0; i < places; i++)
        scaled *= 10;
    if (fabs(scaled) < 0x1p40)
        scaled += fabs(scaled) * 0x1p-50;
    if (fabs(scaled) < 0x1p52)
        scaled = floor(scaled + 0.5);
    if (!(fabs(scaled) <= (double)FORM_NUMBER_MAX))
        return false;
    *out = (int64_t)scaled;
    return true;
}

static enum err calculate_number(struct form_checker *c, const struct form_field *f, const struct expr_env *env,
                                 struct value *out)
{
    double number;
    enum err e = expr_number(f->calculation, c->arena, env, &number);

    if (e == OK && !isnan(number) && round_scaled(number, f->places, &out->as.i))
        out->state = VALUE_PRESENT;
    return e;
}

static enum err calculate_text(struct form_checker *c, struct bytes text, struct value *out)
{
    const char *mistake;
    enum err e;

    if (!utf8_is_nfc(text.p, text.len)) { /* two texts in NFC need not make one */
        buf_reset(&c->text);
        if ((e = utf8_put_nfc(&c->text, text.p, text.len)) != OK || (e = buf_status(&c->text)) != OK)
            return e;
        text = (struct bytes){c->text.data, c->text.len};
    }
    if ((mistake = value_text_mistake(text.p, text.len)) != NULL)
        return err_set(ERR_INVALID, "%s", mistake);
    *out = (struct value){.state = VALUE_PRESENT, .as.text = text};
    return OK;
}

enum err checker_calculate(struct form_checker *c, const struct form_node *n, const struct expr_env *env,
                           struct value *out)
{
    const struct form_field *f = n->field;
    struct expr_result result;
    struct bytes text;
    enum err e;

    *out = (struct value){.state = VALUE_MISSING};
    if (f->type == VALUE_INTEGER || f->type == VALUE_DECIMAL)
        return calculate_number(c, f, env, out);
    if ((e = expr_eval(f->calculation, c->arena, env, &result)) != OK)
        return e;
    if (result.kind == EXPR_NUMBER && !isfinite(result.number))
        return OK;
    if (f->type == VALUE_BOOLEAN && result.kind != EXPR_STRING) {
        *out = (struct value){.state = VALUE_PRESENT, .as.i = expr_to_boolean(&result) ? 1 : 0};
        return OK;
    }
    if (f->type == VALUE_DATE && result.kind == EXPR_NUMBER) {
        if (result.number >= DATE_MIN && result.number < DATE_MAX + 1.0)
            *out = (struct value){.state = VALUE_PRESENT, .as.i = (int64_t)floor(result.number)};
        return OK;
    }
    text = expr_to_string(c->arena, &result);
    if (text.len == 0)
        return OK;
    if (f->type == VALUE_TEXT)
        return calculate_text(c, text, out);
    if (f->type == VALUE_DATE && text.len > 10 && text.p[10] == 'T') /* now(): its day */
        text.len = 10;
    return value_parse(out, f, (const char *)text.p, text.len, &c->text);
}

/* ---- form_complete ---- */

struct completion {
    const struct form_impl *m;
    struct form_checker *c;
    struct value *values;
    struct value **rows; /* the cells of each repeat, ours to change */
    struct expr_env env;
    bool drop_irrelevant;
};

/* The rows become the checker's own, because cells will change. */
static enum err own_rows(struct completion *k, uint32_t repeat)
{
    struct value *v = &k->values[repeat];
    size_t count = (size_t)v->as.rows.rows * v->as.rows.columns;
    struct value *cells = pool_array(&k->c->made, count, sizeof(*cells));

    if (cells == NULL)
        return ERR_NOMEM;
    memcpy(cells, v->as.rows.cells, count * sizeof(*cells));
    k->rows[repeat] = cells;
    v->as.rows.cells = cells;
    return OK;
}

static enum err refuse_value(const struct form_field *f, const char *mistake)
{
    return err_set(ERR_INVALID, "%s: %s", f->name, mistake);
}

/* Expressions are only shown values that fit their types. */
static enum err take_values(struct completion *k)
{
    const struct form *f = &k->m->form;
    const char *mistake;
    enum err e;

    for (uint32_t i = 0; i < f->field_count; i++) {
        struct value *v = &k->values[i];

        if (f->fields[i].type == VALUE_REPEAT && v->state == VALUE_PRESENT && v->as.rows.rows == 0)
            v->state = VALUE_MISSING; /* an empty list is no answer */
        if ((mistake = value_mistake(&f->fields[i], v)) != NULL)
            return refuse_value(&f->fields[i], mistake);
        if (f->fields[i].type != VALUE_REPEAT || v->state != VALUE_PRESENT)
            continue;
        for (size_t cell = 0; cell < (size_t)v->as.rows.rows * v->as.rows.columns; cell++) {
            const struct form_field *column = &f->fields[i].columns[cell % v->as.rows.columns];

            if ((mistake = value_mistake(column, &v->as.rows.cells[cell])) != NULL)
                return refuse_value(column, mistake);
        }
        if ((e = own_rows(k, i)) != OK)
            return e;
    }
    return OK;
}

static enum err complete_value(struct completion *k, const struct form_node *n, struct value *v)
{
    bool is_relevant;
    struct value made;
    enum err e = checker_is_relevant(k->c, k->m, n, &k->env, &is_relevant);

    if (e != OK)
        return err_prefix(e, "%s", n->field->name);
    if (!is_relevant) {
        if (k->drop_irrelevant || n->field->is_calculated || v->state == VALUE_MISSING)
            *v = (struct value){.state = VALUE_NOT_ASKED};
        return OK;
    }
    if (v->state == VALUE_NOT_ASKED)
        *v = (struct value){.state = VALUE_MISSING};
    if (!n->field->is_calculated)
        return OK;
    if ((e = checker_calculate(k->c, n, &k->env, &made)) != OK)
        return err_prefix(e, "%s", n->field->name);
    if (made.state == VALUE_PRESENT && n->field->type == VALUE_TEXT) {
        made.as.text.p = (uint8_t *)pool_text(&k->c->made, made.as.text.p, made.as.text.len);
        if (made.as.text.p == NULL)
            return ERR_NOMEM;
    }
    *v = made;
    return OK;
}

static enum err complete_column(struct completion *k, const struct form_node *n)
{
    struct value *repeat = &k->values[n->repeat];
    enum err e = OK;

    if (repeat->state != VALUE_PRESENT)
        return OK;
    for (uint32_t row = 0; row < repeat->as.rows.rows && e == OK; row++) {
        struct value *cells = &k->rows[n->repeat][(size_t)row * repeat->as.rows.columns];

        k->env.row = cells;
        k->env.row_number = row + 1;
        e = complete_value(k, n, &cells[n->index]);
    }
    k->env.row = NULL;
    k->env.row_number = 0;
    return e;
}

enum err form_complete(const struct form *f, struct form_checker *c, struct value *values, int32_t filled_on,
                       bool drop_irrelevant)
{
    const struct form_impl *m = form_impl_of(f);
    struct completion k = {.m = m, .c = c, .values = values, .drop_irrelevant = drop_irrelevant};
    enum err e;

    k.env = (struct expr_env){.values = values, .count = f->field_count, .today = filled_on};
    pool_reset(&c->made);
    if ((k.rows = pool_array(&c->made, f->field_count, sizeof(struct value *))) == NULL)
        return ERR_NOMEM;
    if ((e = checker_begin(c, m)) != OK || (e = take_values(&k)) != OK)
        return e;
    for (uint32_t i = 0; i < m->node_count && e == OK; i++) {
        const struct form_node *n = &m->nodes[m->order[i]];

        e = n->repeat >= 0 ? complete_column(&k, n) : complete_value(&k, n, &values[n->index]);
    }
    return e;
}
