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

static enum err compile_source(const struct compiler *c, struct expr **out, const char *key, const char *source)
{
    struct expr_schema schema = form_schema(c->versions->at);
    struct expr_error error;
    enum err e;

    *out = NULL;
    if (source == NULL)
        return OK;
    schema.find = find_in_expression;
    schema.name_at = schema.name_at != NULL ? name_at : NULL;
    schema.ctx = c->versions;
    schema.inside_repeat = c->rows;
    schema.allow_today = false; /* a number must not depend on the day it is asked for */
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
