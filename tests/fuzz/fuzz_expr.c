/* Compiles what it is given against a fixed schema and evaluates it: inside and outside a row, with and without
 * answers.  The first byte chooses the schema's options.  Whatever comes must end within the limits, give the same
 * result twice, and name a column inside the text when it is refused. */
#include "common/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct choice items[] = {{"1", "один", NULL}, {"2", NULL, "two"}, {"abc", NULL, NULL}};
static const struct choice_list choices = {"choices", items, 3};

enum { A, D, T, DAY, B, S, M, E, KIDS, FIELDS };

static const struct {
    const char *name;
    struct expr_symbol symbol;
} fields[] = {
    {"a", {VALUE_INTEGER, 0, -1, A, NULL}},
    {"d", {VALUE_DECIMAL, 2, -1, D, NULL}},
    {"t", {VALUE_TEXT, 0, -1, T, NULL}},
    {"day", {VALUE_DATE, 0, -1, DAY, NULL}},
    {"b", {VALUE_BOOLEAN, 0, -1, B, NULL}},
    {"s", {VALUE_SELECT_ONE, 0, -1, S, &choices}},
    {"m", {VALUE_SELECT_MULTIPLE, 0, -1, M, &choices}},
    {"e", {VALUE_INTEGER, 0, -1, E, NULL}},
    {"kids", {VALUE_REPEAT, 0, -1, KIDS, NULL}},
    {"k", {VALUE_TEXT, 0, KIDS, 0, NULL}},
    {"n", {VALUE_INTEGER, 0, KIDS, 1, NULL}},
    {"tags", {VALUE_SELECT_MULTIPLE, 0, KIDS, 2, &choices}},
};
#define NAMES (sizeof(fields) / sizeof(fields[0]))

static const struct value cells[] = {
    {.as.text = {(const uint8_t *)"Аня", 6}},
    {.as.i = 5},
    {.as.set = 5},
    {.state = VALUE_MISSING},
    {.as.i = -7},
    {.state = VALUE_NOT_ASKED},
};

static const struct value answered[FIELDS] = {
    [A] = {.as.i = 3},
    [D] = {.as.i = -350},
    [T] = {.as.text = {(const uint8_t *)"школа aaaaaaaaaaaaaaaaaaaaaaaaaaa 7", 39}},
    [DAY] = {.as.i = 18506},
    [B] = {.as.i = 1},
    [S] = {.as.i = 1},
    [M] = {.as.set = 7},
    [E] = {.state = VALUE_MISSING},
    [KIDS] = {.as.rows = {cells, 2, 3}},
};

static bool find(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    (void)ctx;
    for (size_t i = 0; i < NAMES; i++) {
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0) {
            *out = fields[i].symbol;
            return true;
        }
    }
    return false;
}

static const char *name_at(const void *ctx, uint32_t i)
{
    (void)ctx;
    return i < NAMES ? fields[i].name : NULL;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Evaluated twice: the same text both times, or refused both times. */
static void evaluate(const struct expr *e, struct expr_arena *a, const struct expr_env *env)
{
    struct expr_result first, second;
    struct bytes text;
    bool holds;
    double x;
    char *kept;
    size_t len;

    if (expr_eval(e, a, env, &first) != OK) {
        must(expr_eval(e, a, env, &second) != OK);
        must(expr_test(e, a, env, &holds) == OK || !holds); /* it needs no room for the result */
        return;
    }
    text = expr_to_string(a, &first);
    len = text.len;
    must((kept = malloc(len + 1)) != NULL);
    if (len > 0)
        memcpy(kept, text.p, len);
    holds = expr_to_boolean(&first);
    must(expr_eval(e, a, env, &second) == OK && second.kind == first.kind);
    text = expr_to_string(a, &second);
    must(text.len == len && (len == 0 || memcmp(text.p, kept, len) == 0));
    free(kept);
    must(expr_number(e, a, env, &x) == OK);
    must(expr_test(e, a, env, &holds) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct expr_arena *arena;
    struct expr_schema schema = {.find = find, .name_at = name_at, .inside_repeat = -1};
    struct expr_env env = {.values = answered, .count = FIELDS, .today = 18520};
    struct expr_error error;
    struct expr *e;
    uint8_t options = size > 0 ? data[0] : 0;

    if (arena == NULL && expr_arena_new(&arena, 4096) != OK)
        abort();
    if (size > 0) {
        data++;
        size--;
    }
    schema.allow_today = (options & 1u) != 0;
    schema.self = (options & 2u) != 0 ? &fields[options >> 4 & 7u].symbol : NULL;
    if ((options & 4u) != 0) {
        schema.inside_repeat = KIDS;
        env.row = (options & 8u) != 0 ? cells : cells + 3;
        env.row_number = 1;
    }
    if (expr_compile(&e, (const char *)data, size, &schema, &error) != OK) {
        must(error.text[0] != '\0' && error.column >= 1 && error.column <= size + 1);
        return 0;
    }
    evaluate(e, arena, &env);
    env.count = 0;
    env.row = NULL;
    evaluate(e, arena, &env);
    (void)expr_uses(e, KIDS);
    expr_free(e);
    return 0;
}
