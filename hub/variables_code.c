#include "hub/variables_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RENAMES 16u /* of one field, over all versions */

struct compiler {
    const struct form_versions *versions;
    int32_t rows;
    uint32_t clause;
    variable_complaint complain;
    void *ctx;
};

/* ---- names, today's and earlier ones ---- */

static const char *was_of(const struct form_field *fields, uint32_t count, const char *name, size_t len)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *was = fields[i].was;

        if (was != NULL && strncmp(fields[i].name, name, len) == 0 && fields[i].name[len] == '\0')
            return was;
        if (fields[i].type == VALUE_REPEAT &&
            (was = was_of(fields[i].columns, fields[i].column_count, name, len)) != NULL)
            return was;
    }
    return NULL;
}

/* What some version says the field was called before it; NULL: nothing. */
static const char *older_name(const struct form_versions *v, const char *name, size_t len)
{
    const char *was = NULL;

    for (size_t i = 0; i < v->count && was == NULL; i++)
        if (strcmp(v->all[i]->id, v->at->id) == 0)
            was = was_of(v->all[i]->fields, v->all[i]->field_count, name, len);
    return was;
}

/* By its name today, or by one that it had before: a rename does not break a series. */
static bool find_by_any_name(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    const struct form_versions *v = ctx;
    struct expr_schema schema = form_schema(v->at);

    for (unsigned i = 0; i < MAX_RENAMES && name != NULL; i++) {
        if (schema.find(schema.ctx, name, len, out))
            return true;
        name = older_name(v, name, len);
        len = name == NULL ? 0 : strlen(name);
    }
    return false;
}

/* In expressions `unit` is the unit that the submission is about, unless the form asks for something of that name. */
static bool find_in_expression(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    const struct form_versions *v = ctx;

    if (find_by_any_name(ctx, name, len, out))
        return true;
    *out = (struct expr_symbol){.type = VALUE_TEXT, .repeat = -1, .index = v->at->field_count};
    return len == 4 && memcmp(name, "unit", 4) == 0;
}

static const char *name_at(const void *ctx, uint32_t i)
{
    const struct form_versions *v = ctx;
    struct expr_schema schema = form_schema(v->at);

    return schema.name_at(schema.ctx, i);
}

/* ---- one key ---- */

static enum err complain(const struct compiler *c, const char *key, const char *text)
{
    struct expr_error error = {1, ""};

    (void)snprintf(error.text, sizeof(error.text), "%s", text);
    if (c->complain != NULL)
        c->complain(c->ctx, c->clause, key, &error);
    return ERR_INVALID;
}

static struct expr_schema schema_of(const struct form_versions *versions, int32_t rows)
{
    struct expr_schema schema = form_schema(versions->at);

    schema.find = find_in_expression;
    schema.name_at = schema.name_at != NULL ? name_at : NULL;
    schema.ctx = versions;
    schema.inside_repeat = rows;
    schema.allow_today = false; /* a number must not depend on the day it is asked for */
    return schema;
}

static enum err compile_source(const struct compiler *c, struct expr **out, const char *key, const char *source)
{
    struct expr_schema schema = schema_of(c->versions, c->rows);
    struct expr_error error;
    enum err e;

    *out = NULL;
    if (source == NULL)
        return OK;
    e = expr_compile(out, source, strlen(source), &schema, &error);
    if (e == OK || e == ERR_NOMEM)
        return e;
    if (c->complain != NULL)
        c->complain(c->ctx, c->clause, key, &error);
    return ERR_INVALID;
}

static enum err find_rows(struct compiler *c, const char *name)
{
    struct expr_symbol s;
    char text[256];

    c->rows = -1;
    if (name == NULL)
        return OK;
    if (find_by_any_name(c->versions, name, strlen(name), &s) && s.type == VALUE_REPEAT) {
        c->rows = (int32_t)s.index;
        return OK;
    }
    (void)snprintf(text, sizeof(text), _("a repeat of form %s is expected"), c->versions->at->id);
    return complain(c, "rows", text);
}

static bool can_break_down(enum value_type t)
{
    switch (t) {
    case VALUE_SELECT_ONE:
    case VALUE_BOOLEAN:
    case VALUE_INTEGER:
    case VALUE_TEXT: return true;
    case VALUE_DECIMAL:
    case VALUE_DATE:
    case VALUE_SELECT_MULTIPLE:
    case VALUE_REPEAT: return false;
    }
    return false;
}

static enum err find_by(const struct compiler *c, struct variable_by *out, const char *name)
{
    const struct form *f = c->versions->at;
    struct expr_symbol s;
    char text[256];

    if (find_by_any_name(c->versions, name, strlen(name), &s) && can_break_down(s.type) &&
        (s.repeat < 0 || s.repeat == c->rows)) {
        out->in_row = s.repeat >= 0;
        out->index = s.index;
        out->field = out->in_row ? &f->fields[s.repeat].columns[s.index] : &f->fields[s.index];
        return OK;
    }
    (void)snprintf(text, sizeof(text), _("%.64s: a field of form %s is expected: select_one, boolean, integer or text"),
                   name, f->id);
    return complain(c, "by", text);
}

/* ---- parts of a condition ---- */

static bool is_name_start(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t name_length(struct bytes s)
{
    size_t n = 0;

    while (n < s.len && (is_name_start(s.p[n]) || (s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.' || s.p[n] == '-'))
        n++;
    return n;
}

/* Up to and with the quote or brace that ends it. */
static size_t quoted_length(struct bytes s, uint8_t end)
{
    const uint8_t *at = memchr(s.p + 1, end, s.len - 1);

    return at == NULL ? s.len : (size_t)(at - s.p) + 1;
}

struct bytes condition_first(struct bytes *left)
{
    struct bytes whole = *left;
    struct bytes first = *left;
    unsigned depth = 0;
    bool is_cut = false;

    for (size_t i = 0; i < whole.len;) {
        struct bytes rest = bytes_of(whole.p + i, whole.len - i);
        size_t len = 1;

        if (rest.p[0] == '\'' || rest.p[0] == '"')
            len = quoted_length(rest, rest.p[0]);
        else if (rest.p[0] == '$')
            len = quoted_length(rest, '}');
        else if (is_name_start(rest.p[0]))
            len = name_length(rest);
        else if (rest.p[0] == '(')
            depth++;
        else if (rest.p[0] == ')')
            depth--;
        if (depth == 0 && len == 2 && memcmp(rest.p, "or", 2) == 0) {
            left->len = 0;
            return whole;
        }
        if (depth == 0 && len == 3 && memcmp(rest.p, "and", 3) == 0 && !is_cut) {
            first.len = i;
            *left = bytes_of(rest.p + 3, rest.len - 3);
            is_cut = true;
        }
        i += len;
    }
    if (!is_cut)
        left->len = 0;
    while (first.len > 0 && (first.p[first.len - 1] == ' ' || first.p[first.len - 1] == '\n'))
        first.len--;
    while (first.len > 0 && (first.p[0] == ' ' || first.p[0] == '\n'))
        first = bytes_of(first.p + 1, first.len - 1);
    return first;
}

enum err variable_compile_condition(struct expr **out, struct bytes source, const struct form_versions *versions,
                                    int32_t rows)
{
    struct expr_schema schema = schema_of(versions, rows);
    struct expr_error error;
    enum err e = expr_compile(out, (const char *)source.p, source.len, &schema, &error);

    if (e == OK || e == ERR_NOMEM)
        return e;
    return err_set(ERR_INTERNAL, "a part of a condition does not stand alone: %s", error.text);
}

/* ---- together ---- */

void variable_code_free(struct variable_code *c)
{
    if (c == NULL)
        return;
    expr_free(c->where);
    expr_free(c->key);
    expr_free(c->value);
    expr_free(c->within);
    expr_free(c->order);
    expr_free(c->partner);
    free(c);
}

static enum err worse(enum err a, enum err b)
{
    return a == ERR_NOMEM || b == OK ? a : b;
}

/* All keys, so that all mistakes are told at once. */
static enum err compile_all(struct compiler *c, struct variable_code *code, const struct variable *v)
{
    const struct variable_clause *clause = &v->clauses[c->clause];
    enum err e = find_rows(c, clause->rows);

    if (e != OK)
        return e; /* without its rows, every column would be said to be misplaced */
    code->rows = c->rows;
    e = worse(e, compile_source(c, &code->where, "where", clause->where));
    e = worse(e, compile_source(c, &code->key, "key", clause->key));
    e = worse(e, compile_source(c, &code->value, "value", v->value));
    e = worse(e, compile_source(c, &code->within, "within", v->within));
    e = worse(e, compile_source(c, &code->order, "order", v->order));
    e = worse(e, compile_source(c, &code->partner, "partner", v->partner));
    for (uint32_t i = 0; i < v->by_count; i++)
        e = worse(e, find_by(c, &code->by[i], v->by[i]));
    code->by_count = v->by_count;
    return e;
}

enum err variable_compile(struct variable_code **out, const struct variable *v, uint32_t clause,
                          const struct form_versions *versions, variable_complaint complain_to, void *ctx)
{
    struct compiler c = {versions, -1, clause, complain_to, ctx};
    struct variable_code *code = calloc(1, sizeof(*code));
    enum err e;

    if (code == NULL)
        return ERR_NOMEM;
    if ((e = compile_all(&c, code, v)) != OK) {
        variable_code_free(code);
        return e;
    }
    *out = code;
    return OK;
}
