#include "common/expr_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAX (1u << 20) /* bytes of one table of a program; EXPR_MAX_TEXT keeps it far below */

/* ---- mistakes ---- */

static uint32_t column_of(const struct expr_compiler *c, size_t at)
{
    return (uint32_t)utf8_count(c->lex.source, at) + 1;
}

static bool fail(struct expr_compiler *c, enum err e, size_t at, const char *fmt, va_list ap) PRINTF_LIKE(4, 0);

static bool fail(struct expr_compiler *c, enum err e, size_t at, const char *fmt, va_list ap)
{
    size_t end;

    if (c->result != OK)
        return false;
    c->result = e;
    c->error->column = column_of(c, at);
    (void)vsnprintf(c->error->text, sizeof(c->error->text), fmt, ap);
    end = strlen(c->error->text);
    if (end == sizeof(c->error->text) - 1) /* cut: not in the middle of a character */
        c->error->text[utf8_first_bad(c->error->text, end)] = '\0';
    return false;
}

bool expr_fail(struct expr_compiler *c, size_t at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fail(c, ERR_INVALID, at, fmt, ap);
    va_end(ap);
    return false;
}

bool expr_fail_limit(struct expr_compiler *c, size_t at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fail(c, ERR_LIMIT, at, fmt, ap);
    va_end(ap);
    return false;
}

const char *expr_nearest(struct bytes typed, const char *const *names, size_t count)
{
    char word[65];

    if (typed.len >= sizeof(word) || names == NULL)
        return NULL;
    memcpy(word, typed.p, typed.len);
    word[typed.len] = '\0';
    return cli_nearest(word, names, count);
}

/* ---- the program ---- */

static bool put(struct expr_compiler *c, struct buf *b, const void *bytes, size_t len)
{
    buf_put(b, bytes, len);
    if (!b->failed)
        return true;
    if (c->result == OK)
        c->result = buf_status(b);
    return false;
}

uint32_t expr_here(const struct expr_compiler *c)
{
    return (uint32_t)(c->e->code.len / sizeof(struct expr_ins));
}

void expr_patch(struct expr_compiler *c, uint32_t jump)
{
    ((struct expr_ins *)c->e->code.data)[jump].arg = expr_here(c);
}

void expr_cut(struct expr_compiler *c, uint32_t start)
{
    c->e->code.len = start * sizeof(struct expr_ins);
}

bool expr_emit(struct expr_compiler *c, enum expr_op op, uint32_t extra, uint32_t arg, int stack_change)
{
    struct expr_ins ins = {(uint16_t)op, (uint16_t)extra, arg};

    c->stack = (uint32_t)((int)c->stack + stack_change);
    if (c->stack > EXPR_STACK_MAX)
        return expr_fail_limit(c, c->lex.token.at, _("too many arguments: at most %u values may be open at once"),
                               EXPR_STACK_MAX);
    return put(c, &c->e->code, &ins, sizeof(ins));
}

bool expr_add_text(struct expr_compiler *c, struct bytes text, uint32_t *out)
{
    *out = (uint32_t)(c->e->texts.len / sizeof(text));
    return put(c, &c->e->texts, &text, sizeof(text));
}

bool expr_add_ref(struct expr_compiler *c, const struct expr_symbol *s, uint32_t *out)
{
    const struct expr_ref *have = (const struct expr_ref *)c->e->refs.data;
    uint32_t count = (uint32_t)(c->e->refs.len / sizeof(*have));
    struct expr_ref ref = {.type = s->type,
                           .in_row = s->repeat >= 0 && s->repeat == c->schema->inside_repeat,
                           .repeat = s->repeat,
                           .index = s->index,
                           .divisor = 1,
                           .choices = s->choices};

    for (unsigned i = 0; s->type == VALUE_DECIMAL && i < s->places; i++)
        ref.divisor *= 10;
    for (*out = 0; *out < count; ++*out)
        if (have[*out].repeat == ref.repeat && have[*out].index == ref.index && have[*out].type == ref.type)
            return true;
    return put(c, &c->e->refs, &ref, sizeof(ref));
}

static bool emit_number(struct expr_compiler *c, double x)
{
    uint32_t at = (uint32_t)(c->e->numbers.len / sizeof(x));

    return put(c, &c->e->numbers, &x, sizeof(x)) && expr_emit(c, OP_NUMBER, 0, at, 1);
}

/* ---- names ---- */

static bool unknown_field(struct expr_compiler *c, size_t at, const char *name, size_t len)
{
    const struct expr_schema *schema = c->schema;
    const char **names = NULL;
    const char *near;
    uint32_t count = 0;
    int shown = (int)(len < 64 ? len : 64);

    if (schema->name_at != NULL) {
        while (count < UINT16_MAX && schema->name_at(schema->ctx, count) != NULL)
            count++;
        names = calloc((size_t)count + 1, sizeof(*names));
    }
    for (uint32_t i = 0; names != NULL && i < count; i++)
        names[i] = schema->name_at(schema->ctx, i);
    near = expr_nearest((struct bytes){(const uint8_t *)name, len}, names, count);
    free(names);
    if (near == NULL)
        return expr_fail(c, at, _("there is no field \"%.*s\""), shown, name);
    return expr_fail(c, at, _("there is no field \"%.*s\": did you mean \"%s\"?"), shown, name, near);
}

bool expr_find_field(struct expr_compiler *c, size_t at, const char *name, size_t len, struct expr_symbol *out)
{
    struct expr_symbol s = {0};

    if (c->schema->find == NULL || !c->schema->find(c->schema->ctx, name, len, &s))
        return unknown_field(c, at, name, len);
    *out = s;
    return true;
}

/* A field, or `.`: one value, or a column of many. */
static bool emit_symbol(struct expr_compiler *c, struct expr_operand *o)
{
    const struct expr_symbol *s = &o->symbol;
    bool outside = s->repeat >= 0 && (s->repeat != c->schema->inside_repeat || c->whole_column);
    uint32_t ref;

    o->form = outside || s->type == VALUE_REPEAT ? OPERAND_NODES : OPERAND_FIELD;
    return expr_add_ref(c, s, &ref) && expr_emit(c, o->form == OPERAND_NODES ? OP_NODES : OP_FIELD, 0, ref, 1);
}

bool expr_need_scalar(struct expr_compiler *c, const struct expr_operand *o)
{
    if (o->form != OPERAND_NODES)
        return true;
    return expr_fail(c, o->at,
                     _("\"%.*s\" has one value for each row of its repeat: put it into sum(), count(), min(), max(), "
                       "join() or indexed-repeat()"),
                     (int)o->text.len, (const char *)o->text.p);
}

/* ---- operands ---- */

static bool parse_level(struct expr_compiler *c, unsigned level, struct expr_operand *out);

static bool parse_group(struct expr_compiler *c, struct expr_operand *out)
{
    size_t at = c->lex.token.at;

    expr_lex(&c->lex);
    if (!expr_parse_operand(c, out) || !expr_expect(c, TOKEN_CLOSE, ")"))
        return false;
    out->at = at;
    return true;
}

static bool parse_self(struct expr_compiler *c, struct expr_operand *out)
{
    if (c->schema->self == NULL)
        return expr_fail(c, c->lex.token.at,
                         _("\".\" means a field's own answer, and there is none here: write ${name}"));
    out->symbol = *c->schema->self;
    out->text = c->lex.token.text;
    expr_lex(&c->lex);
    return emit_symbol(c, out);
}

static bool parse_field(struct expr_compiler *c, struct expr_operand *out)
{
    out->text = c->lex.token.text;
    if (!expr_find_field(c, c->lex.token.at, (const char *)out->text.p, out->text.len, &out->symbol))
        return false;
    expr_lex(&c->lex);
    return emit_symbol(c, out);
}

/* A name alone is a field that lost its ${}, or a function without its parentheses. */
static bool parse_name(struct expr_compiler *c, struct expr_operand *out)
{
    struct expr_token name = c->lex.token;
    int shown = (int)(name.text.len < 64 ? name.text.len : 64);

    expr_lex(&c->lex);
    if (c->lex.token.kind == TOKEN_OPEN)
        return expr_parse_call(c, &name, out);
    if (expr_function_find((const char *)name.text.p, name.text.len) >= 0)
        return expr_fail(c, name.at, _("\"%.*s\" is a function: write %.*s(...)"), shown, (const char *)name.text.p,
                         shown, (const char *)name.text.p);
    return expr_fail(c, name.at, _("\"%.*s\" stands alone: a field is written as ${%.*s}, a text as '%.*s'"), shown,
                     (const char *)name.text.p, shown, (const char *)name.text.p, shown, (const char *)name.text.p);
}

static bool parse_primary(struct expr_compiler *c, struct expr_operand *out)
{
    uint32_t text;

    *out = (struct expr_operand){.form = OPERAND_VALUE, .at = c->lex.token.at, .start = expr_here(c)};
    switch (c->lex.token.kind) {
    case TOKEN_NUMBER:
        out->form = OPERAND_NUMBER;
        out->number = c->lex.token.number;
        expr_lex(&c->lex);
        return emit_number(c, out->number);
    case TOKEN_STRING:
        out->form = OPERAND_STRING;
        out->text = c->lex.token.text;
        expr_lex(&c->lex);
        return expr_add_text(c, out->text, &text) && expr_emit(c, OP_STRING, 0, text, 1);
    case TOKEN_FIELD: return parse_field(c, out);
    case TOKEN_SELF: return parse_self(c, out);
    case TOKEN_NAME: return parse_name(c, out);
    case TOKEN_OPEN: return parse_group(c, out);
    case TOKEN_PARENT: return expr_fail(c, out->at, _("\"..\" is understood only in position(..)"));
    case TOKEN_BAD: return expr_fail(c, out->at, "%s", c->lex.token.why);
    case TOKEN_END: return expr_fail(c, out->at, _("the expression ends where a value was expected"));
    case TOKEN_CLOSE:
    case TOKEN_COMMA:
    case TOKEN_PLUS:
    case TOKEN_MINUS:
    case TOKEN_STAR:
    case TOKEN_EQUAL:
    case TOKEN_UNEQUAL:
    case TOKEN_LESS:
    case TOKEN_LESS_EQUAL:
    case TOKEN_GREATER:
    case TOKEN_GREATER_EQUAL: break;
    }
    return expr_fail(c, out->at, _("\"%.*s\" stands where a value was expected"), (int)c->lex.token.text.len,
                     (const char *)c->lex.token.text.p);
}

static bool parse_unary(struct expr_compiler *c, struct expr_operand *out)
{
    size_t at = c->lex.token.at;
    size_t signs = 0;

    for (; c->lex.token.kind == TOKEN_MINUS; signs++)
        expr_lex(&c->lex);
    if (!parse_primary(c, out))
        return false;
    if (signs == 0)
        return true;
    if (!expr_need_scalar(c, out))
        return false;
    out->at = at;
    if (out->form == OPERAND_NUMBER) {
        out->number = signs % 2 == 1 ? -out->number : out->number;
        expr_cut(c, out->start);
        c->stack--;
        return emit_number(c, out->number);
    }
    out->form = OPERAND_VALUE;
    return expr_emit(c, OP_NEGATE, 1, 0, 0) && (signs % 2 == 1 || expr_emit(c, OP_NEGATE, 1, 0, 0));
}

/* ---- operators ---- */

struct binary {
    enum expr_token_kind kind;
    const char *name; /* TOKEN_NAME */
    unsigned level;   /* higher binds closer */
    enum expr_op op;
};

static const struct binary binaries[] = {
    {TOKEN_NAME, "or", 1, OP_OR},         {TOKEN_NAME, "and", 2, OP_AND},
    {TOKEN_EQUAL, NULL, 3, OP_EQUAL},     {TOKEN_UNEQUAL, NULL, 3, OP_UNEQUAL},
    {TOKEN_LESS, NULL, 4, OP_LESS},       {TOKEN_LESS_EQUAL, NULL, 4, OP_LESS_EQUAL},
    {TOKEN_GREATER, NULL, 4, OP_GREATER}, {TOKEN_GREATER_EQUAL, NULL, 4, OP_GREATER_EQUAL},
    {TOKEN_PLUS, NULL, 5, OP_ADD},        {TOKEN_MINUS, NULL, 5, OP_SUBTRACT},
    {TOKEN_STAR, NULL, 6, OP_MULTIPLY},   {TOKEN_NAME, "div", 6, OP_DIVIDE},
    {TOKEN_NAME, "mod", 6, OP_MODULO},
};

static const struct binary *binary_here(const struct expr_compiler *c)
{
    const struct expr_token *t = &c->lex.token;

    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
        const char *name = binaries[i].name;

        if (binaries[i].kind != t->kind)
            continue;
        if (name == NULL || (strlen(name) == t->text.len && memcmp(name, t->text.p, t->text.len) == 0))
            return &binaries[i];
    }
    return NULL;
}

/* `${f} = 'code'` compares two small integers instead of texts. */
static bool emit_equality(struct expr_compiler *c, enum expr_op op, const struct expr_operand *left,
                          const struct expr_operand *right)
{
    const struct expr_operand *field = left->form == OPERAND_FIELD ? left : right;
    const struct expr_operand *literal = field == left ? right : left;
    int32_t index = -1;
    uint32_t ref;

    if (field->form == OPERAND_FIELD && !expr_check_choice(c, field, literal, &index))
        return false;
    if (index < 0 || index > UINT16_MAX || field->symbol.type != VALUE_SELECT_ONE)
        return expr_emit(c, op, 0, 0, -1);
    expr_cut(c, left->start);
    c->stack -= 2;
    return expr_add_ref(c, &field->symbol, &ref) && expr_emit(c, OP_IS_CHOICE, (uint32_t)index, ref, 1) &&
           (op == OP_EQUAL || expr_emit(c, OP_NOT, 0, 0, 0));
}

/* `${f} >= 1`: the most frequent condition there is becomes one instruction. */
static bool emit_order(struct expr_compiler *c, enum expr_op op, const struct expr_operand *left,
                       const struct expr_operand *right)
{
    uint32_t number = (uint32_t)(c->e->numbers.len / sizeof(double)) - 1; /* a literal on the right came last */
    uint32_t ref;

    if (left->form != OPERAND_FIELD || right->form != OPERAND_NUMBER || number > UINT16_MAX ||
        (left->symbol.type != VALUE_INTEGER && left->symbol.type != VALUE_DECIMAL))
        return expr_emit(c, op, 0, 0, -1);
    expr_cut(c, left->start);
    c->stack -= 2;
    op = op - OP_LESS + OP_FIELD_LESS;
    return expr_add_ref(c, &left->symbol, &ref) && expr_emit(c, op, number, ref, 1);
}

/* One instruction since `start`, and it gives a boolean. */
static bool is_test_alone(const struct expr_compiler *c, uint32_t start)
{
    const struct expr_ins *ins = (const struct expr_ins *)c->e->code.data + start;

    return expr_here(c) == start + 1 && ins->op >= OP_FIELD_LESS && ins->op <= OP_HAS_CHOICE;
}

/* `${f} >= 1 and ${f} <= 4`, by now three instructions of which the first stands at `start`: becomes one. */
static bool join_between(struct expr_compiler *c, uint32_t start)
{
    struct expr_ins *ins = (struct expr_ins *)(void *)c->e->code.data + start;

    if (expr_here(c) != start + 3 || ins[0].op != OP_FIELD_GREATER_EQUAL || ins[1].op != OP_AND ||
        ins[2].op != OP_FIELD_LESS_EQUAL || ins[2].arg != ins[0].arg || ins[2].extra != ins[0].extra + 1)
        return false;
    ins[0].op = OP_FIELD_BETWEEN;
    expr_cut(c, start + 1);
    return true;
}

static bool parse_right(struct expr_compiler *c, const struct binary *b, const struct expr_operand *left)
{
    struct expr_operand right;
    uint32_t jump = expr_here(c);

    if (b->op != OP_AND && b->op != OP_OR) {
        if (!parse_level(c, b->level + 1, &right) || !expr_need_scalar(c, &right))
            return false;
        if (b->level == 3)
            return emit_equality(c, b->op, left, &right);
        return b->level == 4 ? emit_order(c, b->op, left, &right) : expr_emit(c, b->op, 0, 0, -1);
    }
    if (!expr_emit(c, b->op, 0, 0, -1) || !parse_level(c, b->level + 1, &right) || !expr_need_scalar(c, &right) ||
        (!is_test_alone(c, jump + 1) && !expr_emit(c, OP_BOOLEAN, 0, 0, 0)))
        return false;
    if (!join_between(c, left->start))
        expr_patch(c, jump);
    return true;
}

static bool parse_level(struct expr_compiler *c, unsigned level, struct expr_operand *out)
{
    const struct binary *b;

    if (!parse_unary(c, out))
        return false;
    while ((b = binary_here(c)) != NULL && b->level >= level) {
        if (!expr_need_scalar(c, out))
            return false;
        expr_lex(&c->lex);
        if (!parse_right(c, b, out))
            return false;
        out->form = OPERAND_VALUE;
    }
    return true;
}

bool expr_parse_operand(struct expr_compiler *c, struct expr_operand *out)
{
    bool parsed;

    if (c->depth == EXPR_MAX_DEPTH)
        return expr_fail_limit(c, c->lex.token.at, _("the expression is nested more than %u levels deep"),
                               EXPR_MAX_DEPTH);
    c->depth++;
    parsed = parse_level(c, 0, out);
    c->depth--;
    return parsed;
}

/* The token wanted, or the sentence that fits what stands there instead. */
bool expr_expect(struct expr_compiler *c, enum expr_token_kind kind, const char *what)
{
    const struct expr_token *t = &c->lex.token;
    int shown = (int)(t->text.len < 64 ? t->text.len : 64);

    if (t->kind == kind) {
        expr_lex(&c->lex);
        return true;
    }
    if (t->kind == TOKEN_BAD)
        return expr_fail(c, t->at, "%s", t->why);
    if (t->kind == TOKEN_END)
        return expr_fail(c, t->at, _("the expression ends where \"%s\" was expected"), what);
    if (kind != TOKEN_END)
        return expr_fail(c, t->at, _("expected an operator or \"%s\", found \"%.*s\""), what, shown,
                         (const char *)t->text.p);
    if (t->kind == TOKEN_CLOSE)
        return expr_fail(c, t->at, _("this \")\" closes nothing"));
    return expr_fail(c, t->at, _("expected an operator or the end, found \"%.*s\""), shown, (const char *)t->text.p);
}

/* ---- public ---- */

void expr_free(struct expr *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->regexes.len / sizeof(struct expr_regex *); i++)
        expr_regex_free(((struct expr_regex **)e->regexes.data)[i]);
    buf_fini(&e->code);
    buf_fini(&e->numbers);
    buf_fini(&e->texts);
    buf_fini(&e->refs);
    buf_fini(&e->regexes);
    free(e->source);
    free(e);
}

static struct expr *new_expr(const char *text, size_t len)
{
    struct expr *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    buf_init(&e->code, POOL_MAX);
    buf_init(&e->numbers, POOL_MAX);
    buf_init(&e->texts, POOL_MAX);
    buf_init(&e->refs, POOL_MAX);
    buf_init(&e->regexes, POOL_MAX);
    if ((e->source = malloc(len + 1)) == NULL) {
        free(e);
        return NULL;
    }
    if (len > 0)
        memcpy(e->source, text, len);
    e->source[len] = '\0';
    return e;
}

static void compile(struct expr_compiler *c, size_t len)
{
    struct expr_operand whole = {.form = OPERAND_VALUE};
    size_t bad = utf8_first_bad(c->e->source, len);

    c->lex = (struct expr_lexer){.source = c->e->source, .len = len};
    if (bad < len) {
        (void)expr_fail(c, bad, _("the text is not UTF-8 here"));
        return;
    }
    expr_lex(&c->lex);
    if (c->lex.token.kind == TOKEN_END)
        (void)expr_fail(c, 0, _("the expression is empty"));
    else if (expr_parse_operand(c, &whole) && expr_expect(c, TOKEN_END, ""))
        (void)expr_need_scalar(c, &whole);
}

enum err expr_compile(struct expr **out, const char *text, size_t len, const struct expr_schema *schema,
                      struct expr_error *error)
{
    struct expr_error ignored;
    /* cppcheck-suppress uninitvar ; its address is taken, not its value */
    struct expr_compiler c = {.schema = schema, .error = error != NULL ? error : &ignored};

    *c.error = (struct expr_error){.column = 1};
    if (len > EXPR_MAX_TEXT) {
        (void)snprintf(c.error->text, sizeof(c.error->text), _("the expression is longer than %u bytes"),
                       EXPR_MAX_TEXT);
        return err_set(ERR_LIMIT, "%s", c.error->text);
    }
    if ((c.e = new_expr(text, len)) == NULL)
        return err_set(ERR_NOMEM, _("no memory for an expression"));
    compile(&c, len);
    if (c.result == OK) {
        *out = c.e;
        return OK;
    }
    expr_free(c.e);
    if (c.error->text[0] == '\0') /* no mistake of the author's */
        return err_set(c.result, _("no memory for an expression"));
    return err_set(c.result, _("column %u: %s"), c.error->column, c.error->text);
}

bool expr_uses(const struct expr *e, uint32_t index)
{
    const struct expr_ref *refs = (const struct expr_ref *)e->refs.data;

    for (size_t i = 0; i < e->refs.len / sizeof(*refs); i++)
        if (refs[i].repeat < 0 ? refs[i].index == index : (uint32_t)refs[i].repeat == index)
            return true;
    return false;
}
