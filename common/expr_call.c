#include "common/expr_internal.h"

#include "common/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_ARGUMENTS 3u /* checks look at no more */

struct call {
    const struct expr_function *f;
    uint32_t which; /* in the table */
    size_t at;
    struct expr_operand args[KEPT_ARGUMENTS]; /* the first ones */
    uint32_t count;
};

/* ---- choices ---- */

static bool unknown_choice(struct expr_compiler *c, size_t at, const struct expr_operand *field, struct bytes code)
{
    const struct choice_list *l = field->symbol.choices;
    const char **codes = calloc((size_t)l->count + 1, sizeof(*codes));
    const char *near;
    int shown = (int)(code.len < 64 ? code.len : 64);

    for (uint32_t i = 0; codes != NULL && i < l->count; i++)
        codes[i] = l->items[i].code;
    near = expr_nearest(code, codes, l->count);
    free(codes);
    if (near == NULL)
        return expr_fail(c, at, _("\"%.*s\" is not a choice of \"%.*s\""), shown, (const char *)code.p,
                         (int)field->text.len, (const char *)field->text.p);
    return expr_fail(c, at, _("\"%.*s\" is not a choice of \"%.*s\": did you mean \"%s\"?"), shown,
                     (const char *)code.p, (int)field->text.len, (const char *)field->text.p, near);
}

static bool number_is_choice(const struct choice_list *l, double x)
{
    for (uint32_t i = 0; i < l->count; i++) {
        struct bytes code = expr_bytes_of(l->items[i].code);

        if (expr_text_number(code.p, code.len) == x)
            return true;
    }
    return false;
}

static bool is_select(const struct expr_operand *o)
{
    return (o->form == OPERAND_FIELD || o->form == OPERAND_NODES) && o->symbol.choices != NULL &&
           (o->symbol.type == VALUE_SELECT_ONE || o->symbol.type == VALUE_SELECT_MULTIPLE);
}

bool expr_check_choice(struct expr_compiler *c, const struct expr_operand *field, const struct expr_operand *literal,
                       int32_t *index)
{
    const uint8_t *p = literal->text.p;
    size_t left = literal->text.len;

    *index = -1;
    if (!is_select(field))
        return true;
    if (literal->form == OPERAND_NUMBER && !number_is_choice(field->symbol.choices, literal->number)) {
        char text[EXPR_NUMBER_TEXT_MAX];
        size_t len = expr_format_number(text, literal->number);

        return unknown_choice(c, literal->at, field, bytes_of(text, len));
    }
    if (literal->form != OPERAND_STRING || left == 0)
        return true;
    if (field->symbol.type == VALUE_SELECT_ONE) {
        *index = choice_find(field->symbol.choices, (const char *)p, left);
        return *index >= 0 || unknown_choice(c, literal->at, field, literal->text);
    }
    while (left > 0) { /* select_multiple: codes with blanks between */
        const uint8_t *blank = memchr(p, ' ', left);
        size_t len = blank != NULL ? (size_t)(blank - p) : left;

        if (choice_find(field->symbol.choices, (const char *)p, len) < 0)
            return unknown_choice(c, literal->at, field, (struct bytes){p, len});
        left -= blank != NULL ? len + 1 : len;
        p += blank != NULL ? len + 1 : len;
    }
    return true;
}

/* selected(${f}, 'code') tests one bit. */
static bool finish_selected(struct expr_compiler *c, const struct call *call)
{
    const struct expr_operand *field = &call->args[0];
    struct bytes code = expr_trim(call->args[1].text);
    int32_t index;
    uint32_t ref;

    if (!is_select(field) || call->args[1].form != OPERAND_STRING || code.len == 0)
        return expr_emit(c, OP_CALL, 2, call->which, -1);
    index = choice_find(field->symbol.choices, (const char *)code.p, code.len);
    if (index < 0)
        return unknown_choice(c, call->args[1].at, field, code);
    if (index > UINT16_MAX || (field->symbol.type == VALUE_SELECT_MULTIPLE && index >= (int)VALUE_MAX_CHOICES_MULTIPLE))
        return expr_emit(c, OP_CALL, 2, call->which, -1);
    expr_cut(c, field->start);
    c->stack -= 2;
    return expr_add_ref(c, &field->symbol, &ref) &&
           expr_emit(c, field->symbol.type == VALUE_SELECT_ONE ? OP_IS_CHOICE : OP_HAS_CHOICE, (uint32_t)index, ref, 1);
}

/* The second argument names a field, in quotes or not: jr:choice-name(${f}, '${f}').  It is not evaluated. */
static bool finish_choice_name(struct expr_compiler *c, const struct call *call)
{
    struct expr_operand field = call->args[1];
    uint32_t ref;

    if (field.form == OPERAND_STRING) {
        struct bytes s = expr_trim(field.text);

        if (s.len < 4 || memcmp(s.p, "${", 2) != 0 || s.p[s.len - 1] != '}')
            return expr_fail(c, field.at, _("expected the field whose choices are meant, such as '${name}'"));
        field.text = expr_trim((struct bytes){s.p + 2, s.len - 3});
        field.form = OPERAND_FIELD;
        if (!expr_find_field(c, field.at, (const char *)field.text.p, field.text.len, &field.symbol))
            return false;
    }
    if (!is_select(&field) && !(c->schema->is_bare && field.form == OPERAND_FIELD && field.symbol.type == VALUE_TEXT))
        return expr_fail(c, field.at, _("expected a field with choices, such as '${name}'"));
    expr_cut(c, call->args[1].start);
    c->stack--;
    if (!is_select(&field))
        return true;
    return expr_add_ref(c, &field.symbol, &ref) && expr_emit(c, OP_CHOICE_NAME, 1, ref, 0);
}

/* ---- literals that could never work ---- */

static bool finish_regex(struct expr_compiler *c, const struct call *call)
{
    const struct expr_operand *pattern = &call->args[1];
    struct buf *pool = &c->e->regexes;
    uint32_t which = (uint32_t)(pool->len / sizeof(struct expr_regex *));
    struct expr_regex *x = NULL;
    char why[128];
    size_t at;
    enum err e;

    if (pattern->form != OPERAND_STRING)
        return expr_emit(c, OP_CALL, 2, call->which, -1);
    if (pattern->text.len > EXPR_MAX_PATTERN)
        return expr_fail_limit(c, pattern->at, _("the regular expression is longer than %u bytes"), EXPR_MAX_PATTERN);
    e = expr_regex_new(&x, pattern->text, why, sizeof(why), &at);
    if (e == ERR_INVALID) /* + 1: the quote */
        return expr_fail(c, pattern->at + 1 + (at < pattern->text.len ? at : pattern->text.len),
                         _("the regular expression is wrong here: %s"), why);
    if (e == OK)
        buf_put(pool, &x, sizeof(struct expr_regex *));
    if (e != OK || pool->failed) {
        expr_regex_free(x);
        c->result = c->result != OK ? c->result : ERR_NOMEM;
        return false;
    }
    expr_cut(c, pattern->start);
    c->stack--;
    return expr_emit(c, OP_REGEX, 1, which, 0);
}

static bool finish_date(struct expr_compiler *c, const struct call *call)
{
    const struct expr_operand *o = &call->args[0];
    struct bytes s = expr_trim(o->text);
    double days;
    bool has_time;

    if (o->form == OPERAND_STRING && s.len > 0 && !expr_parse_moment(s.p, s.len, &days, &has_time) &&
        isnan(expr_text_decimal(s.p, s.len)))
        return expr_fail(c, o->at, _("\"%.*s\" is not a date: expected one such as '2020-09-01'"),
                         (int)(s.len < 64 ? s.len : 64), (const char *)s.p);
    return expr_emit(c, OP_CALL, 1, call->which, 0);
}

static bool finish_format(struct expr_compiler *c, const struct call *call)
{
    const struct expr_operand *o = &call->args[1];
    size_t bad;

    if (o->form == OPERAND_STRING && (bad = expr_format_first_bad(o->text.p, o->text.len)) < o->text.len)
        return expr_fail(c, o->at + 1 + bad,
                         _("unknown escape in a date format: known are %%Y %%y %%m %%n %%b %%d %%e %%a %%H %%h %%M %%S "
                           "%%3 %%%%"));
    return expr_emit(c, OP_CALL, 2, call->which, -1);
}

/* ---- calls with rules of their own for what is evaluated ---- */

static bool parse_argument(struct expr_compiler *c, struct expr_operand *out, enum expr_token_kind then)
{
    return expr_parse_operand(c, out) && expr_need_scalar(c, out) &&
           expr_expect(c, then, then == TOKEN_COMMA ? "," : ")");
}

static bool parse_if(struct expr_compiler *c)
{
    struct expr_operand o;
    uint32_t unless, jump;

    if (!parse_argument(c, &o, TOKEN_COMMA))
        return false;
    unless = expr_here(c);
    if (!expr_emit(c, OP_UNLESS, 0, 0, -1) || !parse_argument(c, &o, TOKEN_COMMA))
        return false;
    jump = expr_here(c);
    if (!expr_emit(c, OP_JUMP, 0, 0, -1))
        return false;
    expr_patch(c, unless);
    if (!parse_argument(c, &o, TOKEN_CLOSE))
        return false;
    expr_patch(c, jump);
    return true;
}

/* The value on top is kept when it is not blank; else the rest is evaluated. */
static bool parse_fallback(struct expr_compiler *c, enum expr_token_kind then, bool *more)
{
    struct expr_operand o;
    uint32_t jump = expr_here(c);

    if (!expr_emit(c, OP_COALESCE, 0, 0, -1) || !expr_parse_operand(c, &o) || !expr_need_scalar(c, &o))
        return false;
    expr_patch(c, jump);
    *more = then == TOKEN_COMMA && c->lex.token.kind == TOKEN_COMMA;
    return expr_expect(c, *more ? TOKEN_COMMA : TOKEN_CLOSE, ")");
}

static bool parse_coalesce(struct expr_compiler *c)
{
    struct expr_operand o;
    bool more = true;

    if (!parse_argument(c, &o, TOKEN_COMMA))
        return false;
    while (more)
        if (!parse_fallback(c, TOKEN_COMMA, &more))
            return false;
    return true;
}

static bool emit_self(struct expr_compiler *c, const struct call *call)
{
    uint32_t ref;

    if (c->schema->self == NULL)
        return expr_fail(c, call->at, _("%s() means a field's own answer here, and there is none"), call->f->name);
    if (c->schema->self->type == VALUE_REPEAT)
        return expr_fail(c, call->at, _("%s() cannot be used on a repeat"), call->f->name);
    return expr_add_ref(c, c->schema->self, &ref) && expr_emit(c, OP_FIELD, 0, ref, 1);
}

static bool parse_once(struct expr_compiler *c, const struct call *call)
{
    bool more;

    return emit_self(c, call) && parse_fallback(c, TOKEN_CLOSE, &more);
}

/* position(..), or position() */
static bool parse_position(struct expr_compiler *c, const struct call *call)
{
    if (c->schema->inside_repeat < 0 && !c->schema->is_bare)
        return expr_fail(c, call->at, _("position() counts the rows of a repeat, and this expression is in none"));
    if (c->lex.token.kind == TOKEN_PARENT)
        expr_lex(&c->lex);
    else if (c->lex.token.kind != TOKEN_CLOSE)
        return expr_fail(c, c->lex.token.at, _("expected position(..), the number of the row"));
    return expr_expect(c, TOKEN_CLOSE, ")") && expr_emit(c, OP_POSITION, 0, 0, 1);
}

static bool parse_indexed_repeat(struct expr_compiler *c, const struct call *call)
{
    struct expr_operand column, repeat, number;
    bool parsed;

    c->whole_column = true;
    parsed = expr_parse_operand(c, &column) && expr_expect(c, TOKEN_COMMA, ",") && expr_parse_operand(c, &repeat) &&
             expr_expect(c, TOKEN_COMMA, ",");
    c->whole_column = false;
    if (!parsed)
        return false;
    if (column.form != OPERAND_NODES || column.symbol.type == VALUE_REPEAT)
        return expr_fail(c, column.at, _("expected a field of a repeat, such as ${name}"));
    if (repeat.form != OPERAND_NODES || repeat.symbol.type != VALUE_REPEAT ||
        (int64_t)repeat.symbol.index != column.symbol.repeat)
        return expr_fail(c, repeat.at, _("expected the repeat in which \"%.*s\" stands"), (int)column.text.len,
                         (const char *)column.text.p);
    return parse_argument(c, &number, TOKEN_CLOSE) && expr_emit(c, OP_CALL, 3, call->which, -2);
}

/* ---- calls ---- */

static bool wrong_count(struct expr_compiler *c, const struct call *call)
{
    const struct expr_function *f = call->f;

    if (f->min == f->max)
        return expr_fail(c, call->at,
                         ngettext("%s() takes %u argument, found %u", "%s() takes %u arguments, found %u", f->min),
                         f->name, f->min, call->count);
    if (f->max == EXPR_ANY_ARITY)
        return expr_fail(
            c, call->at,
            ngettext("%s() takes at least %u argument, found %u", "%s() takes at least %u arguments, found %u", f->min),
            f->name, f->min, call->count);
    return expr_fail(c, call->at, _("%s() takes %u to %u arguments, found %u"), f->name, f->min, f->max, call->count);
}

/* Counts arguments without understanding them, so that a wrong number is said before anything else.  False: the call
 * is never closed, or breaks off; then parsing finds out where. */
static bool count_arguments(struct expr_lexer l, uint32_t *count)
{
    uint32_t depth = 0;

    *count = l.token.kind == TOKEN_CLOSE ? 0 : 1;
    for (; l.token.kind != TOKEN_END && l.token.kind != TOKEN_BAD; expr_lex(&l)) {
        if (l.token.kind == TOKEN_CLOSE && depth-- == 0)
            return true;
        depth += l.token.kind == TOKEN_OPEN ? 1 : 0;
        *count += l.token.kind == TOKEN_COMMA && depth == 0 ? 1 : 0;
    }
    return false;
}

static bool parse_arguments(struct expr_compiler *c, struct call *call)
{
    for (uint32_t i = 0; i < call->count; i++) {
        struct expr_operand o;

        if (!expr_parse_operand(c, &o) || (i < call->f->nodes_from && !expr_need_scalar(c, &o)))
            return false;
        if (call->f->needs_field && o.form != OPERAND_FIELD && o.form != OPERAND_NODES)
            return expr_fail(c, o.at, _("%s() takes a field, such as ${name}, not a computed value"), call->f->name);
        if (o.form == OPERAND_NODES && o.symbol.type == VALUE_REPEAT && call->f->special != SPECIAL_COUNT)
            return expr_fail(c, o.at, _("\"%.*s\" is a repeat: name one of its fields"), (int)o.text.len,
                             (const char *)o.text.p);
        if (i < KEPT_ARGUMENTS)
            call->args[i] = o;
        if (!expr_expect(c, i + 1 < call->count ? TOKEN_COMMA : TOKEN_CLOSE, i + 1 < call->count ? "," : ")"))
            return false;
    }
    return call->count > 0 || expr_expect(c, TOKEN_CLOSE, ")");
}

static bool finish_today(struct expr_compiler *c, const struct call *call, enum expr_op op)
{
    if (!c->schema->allow_today)
        return expr_fail(c, call->at,
                         _("%s() is not allowed here: the result must not depend on the day it is computed"),
                         call->f->name);
    return expr_emit(c, op, 0, 0, 1);
}

/* All arguments are on the stack; the call becomes an instruction, or fewer. */
static bool finish(struct expr_compiler *c, const struct call *call)
{
    switch (call->f->special) {
    case SPECIAL_TRUE: return expr_emit(c, OP_TRUE, 0, 0, 1);
    case SPECIAL_FALSE: return expr_emit(c, OP_FALSE, 0, 0, 1);
    case SPECIAL_TODAY: return finish_today(c, call, OP_TODAY);
    case SPECIAL_NOW: return finish_today(c, call, OP_NOW);
    case SPECIAL_NOT: return expr_emit(c, OP_NOT, 0, 0, 0);
    case SPECIAL_BOOLEAN: return expr_emit(c, OP_BOOLEAN, 0, 0, 0);
    case SPECIAL_SELECTED: return finish_selected(c, call);
    case SPECIAL_CHOICE_NAME: return finish_choice_name(c, call);
    case SPECIAL_REGEX: return finish_regex(c, call);
    case SPECIAL_DATE: return finish_date(c, call);
    case SPECIAL_FORMAT: return finish_format(c, call);
    case SPECIAL_SELF: return (call->count > 0 || emit_self(c, call)) && expr_emit(c, OP_CALL, 1, call->which, 0);
    case SPECIAL_PAIRS:
        if (call->count % 2 != 0)
            return expr_fail(c, call->at, _("%s() takes pairs of a condition and its weight after the two bounds"),
                             call->f->name);
        break;
    case SPECIAL_NONE:
    case SPECIAL_COUNT:
    case SPECIAL_IF:
    case SPECIAL_COALESCE:
    case SPECIAL_ONCE:
    case SPECIAL_POSITION:
    case SPECIAL_INDEXED_REPEAT:
    case SPECIAL_UNSUPPORTED: break;
    }
    return expr_emit(c, OP_CALL, call->count, call->which, 1 - (int)call->count);
}

static bool parse_known(struct expr_compiler *c, struct call *call)
{
    switch (call->f->special) {
    case SPECIAL_IF: return parse_if(c);
    case SPECIAL_COALESCE: return parse_coalesce(c);
    case SPECIAL_ONCE: return parse_once(c, call);
    case SPECIAL_POSITION: return parse_position(c, call);
    case SPECIAL_INDEXED_REPEAT: return parse_indexed_repeat(c, call);
    case SPECIAL_NONE:
    case SPECIAL_COUNT:
    case SPECIAL_TRUE:
    case SPECIAL_FALSE:
    case SPECIAL_TODAY:
    case SPECIAL_NOW:
    case SPECIAL_NOT:
    case SPECIAL_BOOLEAN:
    case SPECIAL_SELECTED:
    case SPECIAL_CHOICE_NAME:
    case SPECIAL_REGEX:
    case SPECIAL_DATE:
    case SPECIAL_FORMAT:
    case SPECIAL_SELF:
    case SPECIAL_PAIRS:
    case SPECIAL_UNSUPPORTED: break;
    }
    return parse_arguments(c, call) && finish(c, call);
}

static bool unknown_function(struct expr_compiler *c, const struct expr_token *name)
{
    const char *names[128];
    const char *near;
    const struct expr_function *f;
    uint32_t count = 0;
    int shown = (int)(name->text.len < 64 ? name->text.len : 64);

    for (uint32_t i = 0; (f = expr_function_at(i)) != NULL && count < sizeof(names) / sizeof(names[0]); i++)
        if (f->special != SPECIAL_UNSUPPORTED)
            names[count++] = f->name;
    near = expr_nearest(name->text, names, count);
    if (near == NULL)
        return expr_fail(c, name->at, _("there is no function \"%.*s\""), shown, (const char *)name->text.p);
    return expr_fail(c, name->at, _("there is no function \"%.*s\": did you mean \"%s\"?"), shown,
                     (const char *)name->text.p, near);
}

bool expr_parse_call(struct expr_compiler *c, const struct expr_token *name, struct expr_operand *out)
{
    int32_t which = expr_function_find((const char *)name->text.p, name->text.len);
    bool whole_column = c->whole_column;
    struct call call = {.at = name->at};
    bool parsed;

    if (which < 0)
        return unknown_function(c, name);
    call.which = (uint32_t)which;
    call.f = expr_function_at(call.which);
    if (call.f->special == SPECIAL_UNSUPPORTED)
        return expr_fail(c, name->at, "%s", _(call.f->why));
    expr_lex(&c->lex);
    if (count_arguments(c->lex, &call.count) &&
        (call.count < call.f->min || (call.count > call.f->max && call.f->max != EXPR_ANY_ARITY)))
        return wrong_count(c, &call);
    out->form = OPERAND_VALUE;
    c->whole_column = false;
    parsed = parse_known(c, &call);
    c->whole_column = whole_column;
    return parsed;
}
