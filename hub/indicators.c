#include "hub/indicators.h"

#include "common/cli.h"
#include "hub/indicators_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- compiling ---- */

#define MAX_RENAMES 16u /* of one field, over all versions */

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

static const char *name_at(const void *ctx, uint32_t i)
{
    const struct form_versions *v = ctx;
    struct expr_schema schema = form_schema(v->at);

    return schema.name_at(schema.ctx, i);
}

static enum err compile_clause(struct expr **out, const char *key, const char *source, const struct form_versions *v,
                               code_complaint complain, void *ctx)
{
    struct expr_schema schema = form_schema(v->at);
    struct expr_error error;
    enum err e;

    *out = NULL;
    if (source == NULL)
        return OK;
    schema.find = find_by_any_name;
    schema.name_at = schema.name_at != NULL ? name_at : NULL;
    schema.ctx = v;
    schema.allow_today = false; /* a number must not depend on the day it is asked for */
    e = expr_compile(out, source, strlen(source), &schema, &error);
    if ((e == ERR_INVALID || e == ERR_LIMIT || e == ERR_MALFORMED) && complain != NULL)
        complain(ctx, key, &error);
    return e == ERR_NOMEM || e == OK ? e : ERR_INVALID;
}

static bool can_break_down(enum value_type t)
{
    switch (t) {
    case VALUE_SELECT_ONE:
    case VALUE_BOOLEAN:
    case VALUE_INTEGER: return true;
    case VALUE_DECIMAL:
    case VALUE_TEXT:
    case VALUE_DATE:
    case VALUE_SELECT_MULTIPLE:
    case VALUE_REPEAT: return false;
    }
    return false;
}

static enum err find_breakdown(struct indicator_code *out, const struct indicator *i, const struct form_versions *v,
                               code_complaint complain, void *ctx)
{
    const struct form *f = v->at;
    const char *name = i->breakdown;
    struct expr_error error = {1, ""};

    out->breakdown = -1;
    if (i->breakdown == NULL)
        return OK;
    for (unsigned n = 0; n < MAX_RENAMES && name != NULL && out->breakdown < 0; n++) {
        out->breakdown = form_find_field(f, name, strlen(name));
        name = older_name(v, name, strlen(name));
    }
    if (out->breakdown >= 0 && can_break_down(f->fields[out->breakdown].type))
        return OK;
    (void)snprintf(error.text, sizeof(error.text), _("a field of form %s is expected: select_one, boolean or integer"),
                   f->id);
    if (complain != NULL)
        complain(ctx, "breakdown", &error);
    return ERR_INVALID;
}

enum err indicator_compile(struct indicator_code *out, const struct indicator *i, const struct form_versions *v,
                           code_complaint complain, void *ctx)
{
    enum err worst = OK;
    enum err e;

    memset(out, 0, sizeof(*out));
    /* All clauses, so that all mistakes are told at once. */
    if ((e = compile_clause(&out->where, "where", i->where, v, complain, ctx)) != OK)
        worst = e;
    if ((e = compile_clause(&out->condition, "condition", i->condition, v, complain, ctx)) != OK)
        worst = e;
    if ((e = compile_clause(&out->value, "value", i->value, v, complain, ctx)) != OK)
        worst = e;
    if ((e = find_breakdown(out, i, v, complain, ctx)) != OK)
        worst = e;
    if (worst != OK)
        indicator_code_fini(out);
    return worst;
}

void indicator_code_fini(struct indicator_code *c)
{
    expr_free(c->where);
    expr_free(c->condition);
    expr_free(c->value);
    memset(c, 0, sizeof(*c));
}

/* ---- evaluating ---- */

struct eval_item {
    const struct indicator *indicator;
    struct indicator_code code;
};
struct eval_form {
    const struct form *form; /* of the hub, this very version */
    struct eval_item *items;
    size_t count;
};
struct indicator_eval {
    struct eval_form *forms;
    size_t form_count;
    size_t last; /* batches hold long runs of one form */
    struct expr_arena *arena;
    struct buf breakdown;
};

static enum err add_items(struct eval_form *ef, const struct hub *h, const struct programme *p)
{
    const struct form_versions versions = {ef->form, h->forms, h->form_count};

    for (size_t n = 0; n < p->indicator_count; n++) {
        const struct indicator *i = p->indicators[n];
        struct indicator_code code;
        void *grown;
        enum err e;

        if (strcmp(i->form, ef->form->id) != 0)
            continue;
        e = indicator_compile(&code, i, &versions, NULL, NULL);
        if (e == ERR_INVALID) /* an older version without the field: no data for this indicator */
            continue;
        if (e != OK)
            return e;
        grown = realloc(ef->items, (ef->count + 1) * sizeof(*ef->items));
        if (grown == NULL) {
            indicator_code_fini(&code);
            return ERR_NOMEM;
        }
        ef->items = grown;
        ef->items[ef->count].indicator = i;
        ef->items[ef->count++].code = code;
    }
    return OK;
}

enum err indicator_eval_new(struct indicator_eval **out, const struct hub *h)
{
    struct indicator_eval *ev = calloc(1, sizeof(*ev));
    enum err e;

    if (ev == NULL)
        return ERR_NOMEM;
    buf_init(&ev->breakdown, 256);
    ev->forms = calloc(h->form_count + 1, sizeof(*ev->forms));
    e = ev->forms == NULL ? ERR_NOMEM : expr_arena_new(&ev->arena, 0);
    for (size_t f = 0; f < h->form_count && e == OK; f++) {
        ev->forms[ev->form_count++].form = h->forms[f];
        for (size_t p = 0; p < h->programme_count && e == OK; p++)
            e = add_items(&ev->forms[f], h, h->programmes[p]);
    }
    if (e != OK) {
        indicator_eval_free(ev);
        return e;
    }
    *out = ev;
    return OK;
}

void indicator_eval_free(struct indicator_eval *ev)
{
    if (ev == NULL)
        return;
    for (size_t f = 0; ev->forms != NULL && f < ev->form_count; f++) {
        for (size_t i = 0; i < ev->forms[f].count; i++)
            indicator_code_fini(&ev->forms[f].items[i].code);
        free(ev->forms[f].items);
    }
    free(ev->forms);
    expr_arena_free(ev->arena);
    buf_fini(&ev->breakdown);
    free(ev);
}

static const struct eval_form *find_eval(struct indicator_eval *ev, const struct form *f)
{
    if (ev->last < ev->form_count && ev->forms[ev->last].form == f)
        return &ev->forms[ev->last];
    for (size_t i = 0; i < ev->form_count; i++)
        if (ev->forms[i].form == f || memcmp(ev->forms[i].form->digest, f->digest, FORM_DIGEST_BYTES) == 0) {
            ev->last = i;
            return &ev->forms[i];
        }
    return NULL;
}

/* "name=code", by its name today; false: it has no value, and the submission stands only in the total. */
static bool put_breakdown(struct indicator_eval *ev, const struct indicator *i, const struct form_field *field,
                          const struct value *v)
{
    if (v->state != VALUE_PRESENT)
        return false;
    buf_reset(&ev->breakdown);
    buf_put_str(&ev->breakdown, i->breakdown);
    buf_put_u8(&ev->breakdown, '=');
    value_format(&ev->breakdown, field, v);
    return !ev->breakdown.failed;
}

enum err indicator_eval_record(struct indicator_eval *ev, const struct form *f, const struct value *values,
                               uint32_t count, int32_t filled_on, indicator_each each, void *ctx)
{
    struct expr_env env = {.values = values, .count = count, .today = filled_on};
    const struct eval_form *ef = find_eval(ev, f);
    enum err e = OK;

    for (size_t n = 0; ef != NULL && n < ef->count && e == OK; n++) {
        const struct eval_item *item = &ef->items[n];
        struct contribution c;
        bool inside = true;

        if (item->code.where != NULL && (expr_test(item->code.where, ev->arena, &env, &inside) != OK || !inside))
            continue;
        if (!item->indicator->kind->contribute(item->indicator, &item->code, ev->arena, &env, &c))
            continue;
        e = each(ctx, item->indicator, "", &c);
        if (e == OK && item->code.breakdown >= 0 && (uint32_t)item->code.breakdown < count &&
            put_breakdown(ev, item->indicator, &ef->form->fields[item->code.breakdown], &values[item->code.breakdown]))
            e = each(ctx, item->indicator, buf_cstr(&ev->breakdown), &c);
    }
    return e;
}

/* ---- looking at one ---- */

const char *indicator_id(const struct indicator *i)
{
    return i->id;
}

const char *indicator_name(const struct indicator *i, bool russian)
{
    return russian ? i->name_ru : i->name_en;
}

const char *indicator_kind(const struct indicator *i)
{
    return i->kind->name;
}

const char *indicator_unit_of_measure(const struct indicator *i, bool russian)
{
    const char *unit = russian ? i->unit_ru : i->unit_en;

    if (unit != NULL)
        return unit;
    return strcmp(i->kind->name, "share") == 0 ? "%" : "";
}

const char *indicator_definition(const struct indicator *i, bool russian)
{
    return russian ? i->definition_ru : i->definition_en;
}

const char *indicator_form(const struct indicator *i)
{
    return i->form;
}

unsigned indicator_places(const struct indicator *i)
{
    return i->shown;
}

const uint8_t *indicator_digest(const struct indicator *i)
{
    return i->digest;
}

/* Nearest integer to a / b, halves up (towards +infinity); b > 0. */
static i128 divide_half_up(i128 a, i128 b)
{
    i128 twice = 2 * a + b;
    i128 q = twice / (2 * b);

    if (twice % (2 * b) != 0 && twice < 0)
        q--;
    return q;
}

static void put_i128(struct buf *out, i128 v)
{
    char digits[48];
    size_t n = sizeof(digits);
    unsigned __int128 u = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;

    do
        digits[--n] = (char)('0' + (int)(u % 10));
    while ((u /= 10) != 0);
    if (v < 0)
        digits[--n] = '-';
    buf_put(out, digits + n, sizeof(digits) - n);
}

/* Exact: v / 10^places. */
static void put_scaled(struct buf *out, i128 v, unsigned places)
{
    i128 scale = i128_power10(places);

    if (v < 0) {
        buf_put_u8(out, '-');
        v = -v;
    }
    put_i128(out, v / scale);
    if (places == 0)
        return;
    buf_put_u8(out, '.');
    for (i128 unit = scale / 10, rest = v % scale; unit > 0; rest %= unit, unit /= 10)
        buf_put_u8(out, (uint8_t)('0' + (int)(rest / unit)));
}

bool indicator_value_places(const struct indicator *i, const struct cell *c, unsigned places, struct buf *out)
{
    i128 numerator;
    i128 denominator;
    i128 scale = i128_power10(places);
    i128 scaled;

    if (!i->kind->fraction(i, c, &numerator, &denominator) || denominator <= 0 ||
        __builtin_mul_overflow(numerator, scale * 2, &scaled))
        return false;
    put_scaled(out, divide_half_up(numerator * scale, denominator), places);
    return !out->failed;
}

void indicator_numerator(const struct indicator *i, const struct cell *c, struct buf *out)
{
    put_scaled(out, c->numerator, i->kind->needs_value ? i->places : 0);
}

void indicator_denominator(const struct indicator *i, const struct cell *c, struct buf *out)
{
    if (i->kind->has_denominator)
        put_i128(out, c->denominator);
}

bool indicator_value(const struct indicator *i, const struct cell *c, struct buf *out)
{
    return indicator_value_places(i, c, 6, out);
}
