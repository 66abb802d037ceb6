#include "common/expr_json.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/expr.h"
#include "common/expr_internal.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Each member of the object is a field: `values[i]` is its answer; an array is a repeat of one column. */
struct given {
    json_t *object; /* names and texts are loans from it */
    const char **names;
    struct expr_symbol *symbols;
    struct value *values;
    struct value *cells; /* of all arrays */
    size_t cells_used;
    struct choice_list *lists; /* of the answers that bring their choices */
    struct choice *choices;    /* of all lists */
    size_t lists_used, choices_used;
    uint32_t count;
    uint32_t self; /* which of them `.` is */
};

static void given_fini(struct given *g)
{
    free(g->choices);
    free(g->lists);
    free(g->cells);
    free(g->values);
    free(g->symbols);
    free(g->names);
    json_decref(g->object);
}

static bool given_find(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    const struct given *g = ctx;

    for (uint32_t i = 0; i < g->count; i++) {
        if (strlen(g->names[i]) == len && memcmp(g->names[i], name, len) == 0) {
            *out = g->symbols[i];
            return true;
        }
    }
    return false;
}

static const char *given_name_at(const void *ctx, uint32_t i)
{
    const struct given *g = ctx;

    return i < g->count ? g->names[i] : NULL;
}

static enum err load(struct given *g, const char *text)
{
    json_error_t where;

    if (strlen(text) > EXPR_JSON_MAX_BYTES)
        return err_set(ERR_LIMIT, _("the values are longer than %u bytes"), EXPR_JSON_MAX_BYTES);
    g->object = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (g->object == NULL)
        return err_set(ERR_MALFORMED, _("values: line %d, column %d: %s"), where.line, where.column, where.text);
    if (!json_is_object(g->object))
        return err_set(ERR_MALFORMED, _("values: expected an object such as {\"age\": 12}"));
    return OK;
}

/* ---- one value ---- */

/* Nine places always: a column has one number of them, and trailing zeros change nothing. */
static enum err set_decimal(struct value *v, const char *name, double x)
{
    char text[EXPR_NUMBER_TEXT_MAX];
    size_t len = expr_format_number(text, x);

    if (decimal_parse(&v->as.i, text, len, VALUE_MAX_PLACES) != OK)
        return err_prefix(ERR_INVALID, _("values: \"%s\""), name);
    v->state = VALUE_PRESENT;
    return OK;
}

/* The narrowest type that holds all of them: what is given as different things is text. */
static enum value_type join_types(enum value_type a, enum value_type b)
{
    bool numbers = (a == VALUE_INTEGER || a == VALUE_DECIMAL) && (b == VALUE_INTEGER || b == VALUE_DECIMAL);

    if (a == b)
        return a;
    return numbers ? VALUE_DECIMAL : VALUE_TEXT;
}

static enum err type_of(const json_t *j, const char *name, enum value_type *out)
{
    switch (json_typeof(j)) {
    case JSON_INTEGER: *out = VALUE_INTEGER; return OK;
    case JSON_REAL: *out = VALUE_DECIMAL; return OK;
    case JSON_STRING: *out = VALUE_TEXT; return OK;
    case JSON_TRUE:
    case JSON_FALSE: *out = VALUE_BOOLEAN; return OK;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return err_set(ERR_INVALID,
                   _("values: \"%s\": expected a number, a text, true, false or null, or an array of these"), name);
}

static enum err set_value(struct value *v, const json_t *j, enum value_type type, const char *name)
{
    enum value_type own = VALUE_TEXT;
    enum err e;

    *v = (struct value){.state = VALUE_MISSING};
    if (json_is_null(j))
        return OK;
    if ((e = type_of(j, name, &own)) != OK)
        return e;
    if (type == VALUE_DECIMAL)
        return set_decimal(v, name, json_number_value(j));
    if (own != type)
        return err_set(ERR_INVALID,
                       _("values: \"%s\": the elements of an array are all numbers, all texts or all booleans"), name);
    v->state = VALUE_PRESENT;
    if (type == VALUE_TEXT)
        v->as.text = (struct bytes){(const uint8_t *)json_string_value(j), json_string_length(j)};
    else
        v->as.i = type == VALUE_INTEGER ? json_integer_value(j) : json_is_true(j) ? 1 : 0;
    return OK;
}

/* ---- one member ---- */

static enum err add_scalar(struct given *g, const char *name, const json_t *j)
{
    struct expr_symbol *s = &g->symbols[g->count];
    enum err e;

    *s = (struct expr_symbol){.type = VALUE_TEXT, .repeat = -1, .index = g->count};
    if (!json_is_null(j) && (e = type_of(j, name, &s->type)) != OK)
        return e;
    s->places = s->type == VALUE_DECIMAL ? VALUE_MAX_PLACES : 0;
    return set_value(&g->values[g->count], j, s->type, name);
}

static enum err add_array(struct given *g, const char *name, const json_t *j)
{
    struct expr_symbol *s = &g->symbols[g->count];
    struct value *cells = g->cells + g->cells_used;
    size_t rows = json_array_size(j);
    enum value_type own = VALUE_TEXT;
    bool typed = false;
    enum err e;

    *s = (struct expr_symbol){.type = VALUE_TEXT, .repeat = (int32_t)g->count};
    for (size_t i = 0; i < rows; i++) {
        if (json_is_null(json_array_get(j, i)))
            continue;
        if ((e = type_of(json_array_get(j, i), name, &own)) != OK)
            return e;
        s->type = typed ? join_types(s->type, own) : own;
        typed = true;
    }
    s->places = s->type == VALUE_DECIMAL ? VALUE_MAX_PLACES : 0;
    for (size_t i = 0; i < rows; i++)
        if ((e = set_value(&cells[i], json_array_get(j, i), s->type, name)) != OK)
            return e;
    g->cells_used += rows;
    g->values[g->count] = (struct value){.state = VALUE_PRESENT, .as.rows = {cells, (uint32_t)rows, 1}};
    return OK;
}

/* {"value": CODE, "choices": {CODE: LABEL, ...}} */
static enum err add_choice(struct given *g, const char *name, const json_t *j)
{
    const json_t *value = json_object_get(j, "value");
    json_t *choices = json_object_get(j, "choices");
    struct choice_list *list = &g->lists[g->lists_used++];
    struct choice *items = g->choices + g->choices_used;
    struct value *v = &g->values[g->count];
    const char *code;
    json_t *label;
    uint32_t n = 0;

    if (!json_is_object(choices) || !(json_is_string(value) || json_is_null(value)) || json_object_size(j) != 2)
        return err_set(ERR_INVALID,
                       _("values: \"%s\": expected {\"value\": \"CODE\", \"choices\": {\"CODE\": \"LABEL\"}}"), name);
    json_object_foreach(choices, code, label)
    {
        if (!json_is_string(label))
            return err_set(ERR_INVALID, _("values: \"%s\": the label of a choice is a text"), name);
        items[n++] = (struct choice){code, json_string_value(label), NULL};
    }
    g->choices_used += n;
    *list = (struct choice_list){name, items, n};
    g->symbols[g->count] =
        (struct expr_symbol){.type = VALUE_SELECT_ONE, .repeat = -1, .index = g->count, .choices = list};
    *v = (struct value){.state = VALUE_MISSING};
    if (json_is_null(value))
        return OK;
    v->as.i = choice_find(list, json_string_value(value), json_string_length(value));
    if (v->as.i < 0)
        return err_set(ERR_INVALID, _("values: \"%s\": there is no such choice: %s"), name, json_string_value(value));
    v->state = VALUE_PRESENT;
    return OK;
}

static enum err add_member(struct given *g, const char *name, const json_t *j)
{
    if (json_is_array(j))
        return add_array(g, name, j);
    return json_is_object(j) ? add_choice(g, name, j) : add_scalar(g, name, j);
}

/* The field's own answer: the member "."; without it an empty text. */
static enum err add_self(struct given *g)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (strcmp(g->names[i], ".") == 0) {
            g->self = i;
            return OK;
        }
    g->self = g->count;
    g->names[g->count] = ".";
    g->symbols[g->count] = (struct expr_symbol){.type = VALUE_TEXT, .repeat = -1, .index = g->count};
    g->values[g->count++] = (struct value){.state = VALUE_MISSING};
    return OK;
}

static enum err given_read(struct given *g, const char *text)
{
    const char *name;
    json_t *j;
    size_t cells = 0;
    size_t choices = 0;
    size_t lists = 0;
    enum err e;

    if ((e = load(g, text)) != OK)
        return e;
    json_object_foreach(g->object, name, j)
    {
        cells += json_array_size(j); /* 0 for what is no array */
        choices += json_object_size(json_object_get(j, "choices"));
        lists += json_is_object(j) ? 1 : 0;
    }
    if (cells + choices + json_object_size(g->object) > EXPR_JSON_MAX_VALUES)
        return err_set(ERR_LIMIT, _("there are more than %u values"), EXPR_JSON_MAX_VALUES);
    g->lists = calloc(lists + 1, sizeof(*g->lists));
    g->choices = calloc(choices + 1, sizeof(*g->choices));
    g->names = calloc(json_object_size(g->object) + 1, sizeof(*g->names)); /* one more: add_self() */
    g->symbols = calloc(json_object_size(g->object) + 1, sizeof(*g->symbols));
    g->values = calloc(json_object_size(g->object) + 1, sizeof(*g->values));
    g->cells = calloc(cells + 1, sizeof(*g->cells));
    if (g->lists == NULL || g->choices == NULL || g->names == NULL || g->symbols == NULL || g->values == NULL ||
        g->cells == NULL)
        return err_set(ERR_NOMEM, _("no memory for the values"));
    json_object_foreach(g->object, name, j)
    {
        g->names[g->count] = name;
        if ((e = add_member(g, name, j)) != OK)
            return e;
        g->count++;
    }
    return add_self(g);
}

/* ---- the result ---- */

static void print_text(struct bytes s, FILE *out)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\n')
            (void)fputs("\\n", out);
        else if (s.p[i] == '\t')
            (void)fputs("\\t", out);
        else if (s.p[i] < 0x20 || s.p[i] == 0x7F)
            (void)fprintf(out, "\\x%02x", s.p[i]);
        else
            (void)fputc(s.p[i], out);
    }
}

static void print_result(struct expr_arena *arena, const struct expr_result *r, FILE *out)
{
    switch (r->kind) {
    case EXPR_NUMBER: (void)fputs("number ", out); break;
    case EXPR_STRING: (void)fputs("string ", out); break;
    case EXPR_BOOLEAN: (void)fputs("boolean ", out); break;
    }
    print_text(expr_to_string(arena, r), out);
    (void)fputc('\n', out);
}

enum err expr_print(const char *expression, const char *json_values, FILE *out)
{
    struct given given = {0};
    struct expr_schema schema = {.find = given_find,
                                 .ctx = &given,
                                 .inside_repeat = -1,
                                 .allow_today = true,
                                 .is_bare = true,
                                 .name_at = given_name_at};
    struct expr_arena *arena = NULL;
    struct expr *expr = NULL;
    struct expr_error error;
    struct expr_result result;
    struct expr_env env;
    enum err e;

    if ((e = given_read(&given, json_values != NULL ? json_values : "{}")) != OK)
        goto free_given;
    if (given.symbols[given.self].repeat < 0)
        schema.self = &given.symbols[given.self];
    if ((e = expr_compile(&expr, expression, strlen(expression), &schema, &error)) != OK)
        goto free_given;
    if ((e = expr_arena_new(&arena, EXPR_JSON_MAX_BYTES)) != OK)
        goto free_expr;
    env = (struct expr_env){.values = given.values, .count = given.count, .row_number = 1, .today = clock_today()};
    if ((e = expr_eval(expr, arena, &env, &result)) == OK)
        print_result(arena, &result, out);
    expr_arena_free(arena);
free_expr:
    expr_free(expr);
free_given:
    given_fini(&given);
    return e;
}
