#include "common/expr_internal.h"

#include "common/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ARENA_BYTES (64u << 10)

struct expr_arena {
    uint8_t *bytes;
    size_t size;
    size_t used;
    struct expr_matcher *matcher;      /* made by the first regex() */
    char number[EXPR_NUMBER_TEXT_MAX]; /* of expr_to_string(), which may be called when the arena is full */
    struct expr_val stack[EXPR_STACK_MAX];
};

enum err expr_arena_new(struct expr_arena **out, size_t bytes)
{
    struct expr_arena *a;

    if ((a = calloc(1, sizeof(*a))) == NULL)
        return err_set(ERR_NOMEM, _("no memory to evaluate expressions"));
    a->size = bytes > 0 ? bytes : DEFAULT_ARENA_BYTES;
    if ((a->bytes = malloc(a->size)) == NULL) {
        free(a);
        return err_set(ERR_NOMEM, _("no memory to evaluate expressions"));
    }
    *out = a;
    return OK;
}

void expr_arena_free(struct expr_arena *a)
{
    if (a == NULL)
        return;
    expr_matcher_free(a->matcher);
    if (a->bytes != NULL)
        explicit_bzero(a->bytes, a->size); /* answers were computed with here */
    free(a->bytes);
    free(a);
}

/* ---- what functions use ---- */

enum err expr_arena_full(void)
{
    return err_set(ERR_LIMIT, _("the texts of this expression are longer than the limit for one evaluation"));
}

enum err expr_spend(struct expr_run *r, size_t n)
{
    if (n > r->steps)
        return err_set(ERR_LIMIT, _("the expression takes more than %u steps"), EXPR_MAX_STEPS);
    r->steps -= (uint32_t)n;
    return OK;
}

uint8_t *expr_room(struct expr_run *r, size_t len)
{
    uint8_t *room = r->arena->bytes + r->arena->used;

    if (len > r->arena->size - r->arena->used)
        return NULL;
    r->arena->used += len;
    return room;
}

size_t expr_mark(const struct expr_run *r)
{
    return r->arena->used;
}

void expr_release(struct expr_run *r, size_t mark)
{
    r->arena->used = mark;
}

static enum err keep(struct expr_run *r, const char *text, size_t len, struct bytes *out)
{
    uint8_t *room = expr_room(r, len);

    if (room == NULL)
        return expr_arena_full();
    if (len > 0)
        memcpy(room, text, len);
    *out = (struct bytes){room, len};
    return OK;
}

enum err expr_text(struct expr_run *r, const struct expr_val *v, struct bytes *out)
{
    char text[EXPR_NUMBER_TEXT_MAX];

    switch (v->kind) {
    case VAL_NUMBER: return keep(r, text, expr_format_number(text, v->as.number), out);
    case VAL_DATE:
    case VAL_MOMENT: return keep(r, text, expr_format_moment(text, v), out);
    case VAL_BOOLEAN:
    case VAL_TRUTH: *out = expr_bytes_of(v->as.boolean ? "true" : "false"); return OK;
    case VAL_STRING:
        *out = v->as.text.p != NULL ? v->as.text : expr_bytes_of(""); /* functions may add offsets to it */
        return OK;
    case VAL_NODES: break;
    }
    return err_set(ERR_INTERNAL, "a column where a text was needed");
}

enum err expr_match(struct expr_run *r, const struct expr_regex *regex, struct bytes text, bool *out)
{
    enum err e;

    if ((e = expr_spend(r, EXPR_REGEX_STEPS)) != OK)
        return e;
    if (r->arena->matcher == NULL && (e = expr_matcher_new(&r->arena->matcher)) != OK)
        return e;
    return expr_regex_test(regex, r->arena->matcher, text, out);
}

enum err expr_give_number(struct expr_val *args, double x)
{
    args[0] = (struct expr_val){.kind = VAL_NUMBER, .as.number = x};
    return OK;
}

enum err expr_give_boolean(struct expr_val *args, bool b)
{
    args[0] = (struct expr_val){.kind = VAL_BOOLEAN, .as.boolean = b};
    return OK;
}

enum err expr_give_text(struct expr_val *args, struct bytes s)
{
    args[0] = (struct expr_val){.kind = VAL_STRING, .as.text = s};
    return OK;
}

/* ---- fields ---- */

/* The codes of the set bits, in the order of the list, with blanks between. */
static enum err load_set(struct expr_run *r, const struct choice_list *choices, uint64_t set, struct bytes *out)
{
    struct bytes made = {expr_room(r, 0), 0};

    for (uint32_t i = 0; choices != NULL && i < choices->count && i < VALUE_MAX_CHOICES_MULTIPLE; i++) {
        size_t len, blank = made.len > 0 ? 1 : 0;
        uint8_t *room;

        if ((set >> i & 1u) == 0)
            continue;
        len = strlen(choices->items[i].code);
        if ((room = expr_room(r, blank + len)) == NULL)
            return expr_arena_full();
        if (blank > 0)
            *room++ = ' ';
        memcpy(room, choices->items[i].code, len);
        made.len += blank + len;
    }
    *out = made;
    return OK;
}

static struct bytes code_of(const struct choice_list *choices, int64_t i)
{
    if (choices == NULL || i < 0 || i >= choices->count)
        return (struct bytes){NULL, 0};
    return expr_bytes_of(choices->items[i].code);
}

/* What lies at top level was found inside `count`, and so are its numbers. */
static double decimal_of(const struct expr_run *r, const struct expr_ref *ref, const struct value *v)
{
    if (r->env->numbers != NULL && ref->repeat < 0)
        return r->env->numbers[ref->index];
    return (double)v->as.i / ref->divisor;
}

enum err expr_load(struct expr_run *r, const struct expr_ref *ref, const struct value *v, struct expr_val *out)
{
    *out = (struct expr_val){.kind = VAL_STRING};
    if (v == NULL || v->state != VALUE_PRESENT)
        return OK;
    switch (ref->type) {
    case VALUE_INTEGER: *out = (struct expr_val){.kind = VAL_NUMBER, .as.number = (double)v->as.i}; break;
    case VALUE_DECIMAL: *out = (struct expr_val){.kind = VAL_NUMBER, .as.number = decimal_of(r, ref, v)}; break;
    case VALUE_TEXT: out->as.text = v->as.text; break;
    case VALUE_DATE: *out = (struct expr_val){.kind = VAL_DATE, .as.number = (double)v->as.i}; break;
    case VALUE_BOOLEAN: *out = (struct expr_val){.kind = VAL_TRUTH, .as.boolean = v->as.i != 0}; break;
    case VALUE_SELECT_ONE: out->as.text = code_of(ref->choices, v->as.i); break;
    case VALUE_SELECT_MULTIPLE: return load_set(r, ref->choices, v->as.set, &out->as.text);
    case VALUE_REPEAT: break;
    }
    return OK;
}

static const struct value *repeat_of(const struct expr_run *r, const struct expr_ref *ref)
{
    uint32_t at = ref->type == VALUE_REPEAT ? ref->index : (uint32_t)ref->repeat;

    if (at >= r->env->count || r->env->values[at].state != VALUE_PRESENT)
        return NULL;
    return &r->env->values[at];
}

uint32_t expr_rows(const struct expr_run *r, const struct expr_ref *ref)
{
    const struct value *v = repeat_of(r, ref);

    return v != NULL ? v->as.rows.rows : 0;
}

const struct value *expr_cell(const struct expr_run *r, const struct expr_ref *ref, uint32_t row)
{
    const struct value *v = repeat_of(r, ref);

    if (v == NULL || ref->type == VALUE_REPEAT || row >= v->as.rows.rows || ref->index >= v->as.rows.columns)
        return NULL;
    return &v->as.rows.cells[(size_t)row * v->as.rows.columns + ref->index];
}

enum err expr_walk_next(struct expr_walk *w, struct expr_val *out, bool *more)
{
    *more = false;
    while (w->arg < w->count) {
        const struct expr_val *a = &w->args[w->arg];
        enum err e;

        if (a->kind != VAL_NODES) {
            *out = *a;
            w->arg++;
            *more = true;
            return OK;
        }
        if (w->row < expr_rows(w->r, a->as.nodes)) {
            if ((e = expr_spend(w->r, 1)) != OK)
                return e;
            *more = true;
            return expr_load(w->r, a->as.nodes, expr_cell(w->r, a->as.nodes, w->row++), out);
        }
        w->arg++;
        w->row = 0;
    }
    return OK;
}

/* Where a scalar ref's value lies; NULL: the environment has none. */
static const struct value *place_of(const struct expr_env *env, const struct expr_ref *ref)
{
    if (ref->in_row)
        return env->row != NULL ? &env->row[ref->index] : NULL;
    if (ref->index < env->count)
        return &env->values[ref->index];
    return ref->index - env->count < env->beyond_count ? &env->beyond[ref->index - env->count] : NULL;
}

static bool has_choice(const struct expr_env *env, const struct expr_ref *ref, unsigned index)
{
    const struct value *v = place_of(env, ref);

    if (v == NULL || v->state != VALUE_PRESENT)
        return false;
    return ref->type == VALUE_SELECT_ONE ? v->as.i == (int64_t)index : (v->as.set >> index & 1u) != 0;
}

/* Russian first whatever the user's language is: the hub must recompute what the school computed. */
static enum err choice_name(struct expr_run *r, const struct expr_ref *ref, struct expr_val *top)
{
    const struct choice *c;
    struct bytes code = {NULL, 0};
    const char *label = "";
    int32_t i;
    enum err e;

    if ((e = expr_text(r, top, &code)) != OK)
        return e;
    code = expr_trim(code);
    i = code.len > 0 ? choice_find(ref->choices, (const char *)code.p, code.len) : -1;
    if (i >= 0) {
        c = &ref->choices->items[i];
        label = c->label_ru != NULL ? c->label_ru : c->label_en != NULL ? c->label_en : c->code;
    }
    return expr_give_text(top, expr_bytes_of(label));
}

/* ---- the machine ---- */

static double number_of(const struct expr_val *v)
{
    return v->kind == VAL_NUMBER ? v->as.number : expr_val_number(v);
}

static bool boolean_of(const struct expr_val *v)
{
    return v->kind == VAL_BOOLEAN ? v->as.boolean : expr_val_boolean(v);
}

/* -1, 0 or 1; 2 when one of the two is no number.  Consistent with `=`: what counts as equal is neither less nor
 * greater. */
static inline int order_of(double a, double b)
{
    /* Below 2^48 the noise that expr_same_number() forgives is less than a half: most comparisons need no more. */
    if (!(fabs(a - b) >= 0.5 && fabs(a) < 0x1p48 && fabs(b) < 0x1p48) && expr_same_number(a, b))
        return 0;
    return a < b ? -1 : a > b ? 1 : 2;
}

static inline bool order_holds(unsigned op, double a, double b)
{
    int order = order_of(a, b);

    switch (op) {
    case OP_LESS: return order == -1;
    case OP_LESS_EQUAL: return order <= 0;
    case OP_GREATER: return order == 1;
    default: return order == 0 || order == 1;
    }
}

/* A field without a value is neither less nor greater than anything. */
static inline bool field_order_holds(const struct expr_run *r, const struct expr *e, const struct expr_ins *ins)
{
    const struct expr_ref *ref = (const struct expr_ref *)e->refs.data + ins->arg;
    /* cppcheck-suppress invalidPointerCast ; the pool was allocated as bytes and holds only doubles */
    const double *numbers = (const double *)e->numbers.data;
    const struct value *v = place_of(r->env, ref);
    double x;

    if (v == NULL || v->state != VALUE_PRESENT)
        return false;
    x = ref->type == VALUE_INTEGER ? (double)v->as.i : decimal_of(r, ref, v);
    if (ins->op == OP_FIELD_BETWEEN)
        return order_holds(OP_GREATER_EQUAL, x, numbers[ins->extra]) &&
               order_holds(OP_LESS_EQUAL, x, numbers[ins->extra + 1u]);
    return order_holds(ins->op - OP_FIELD_LESS + OP_LESS, x, numbers[ins->extra]);
}

/* Two operands become one result, in place of the first.  Division by zero is an infinity or NaN, as in XPath. */
static void operate(unsigned op, struct expr_val *v)
{
    switch (op) {
    case OP_ADD: (void)expr_give_number(v, number_of(&v[0]) + number_of(&v[1])); break;
    case OP_SUBTRACT: (void)expr_give_number(v, number_of(&v[0]) - number_of(&v[1])); break;
    case OP_MULTIPLY: (void)expr_give_number(v, number_of(&v[0]) * number_of(&v[1])); break;
    case OP_DIVIDE: (void)expr_give_number(v, number_of(&v[0]) / number_of(&v[1])); break;
    case OP_MODULO: (void)expr_give_number(v, fmod(number_of(&v[0]), number_of(&v[1]))); break;
    case OP_EQUAL: (void)expr_give_boolean(v, expr_val_equal(&v[0], &v[1])); break;
    case OP_UNEQUAL: (void)expr_give_boolean(v, !expr_val_equal(&v[0], &v[1])); break;
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_GREATER:
    case OP_GREATER_EQUAL: (void)expr_give_boolean(v, order_holds(op, number_of(&v[0]), number_of(&v[1]))); break;
    }
}

/* What is rare enough to pay for a call. */
static enum err rare(struct expr_run *r, const struct expr *e, const struct expr_ins *ins, struct expr_val *top)
{
    const struct expr_ref *refs = (const struct expr_ref *)e->refs.data;
    struct bytes text = {NULL, 0};
    bool matches = false;
    enum err err;

    switch (ins->op) {
    case OP_TODAY: *top = (struct expr_val){.kind = VAL_DATE, .as.number = r->env->today}; return OK;
    case OP_NOW: *top = (struct expr_val){.kind = VAL_MOMENT, .as.number = r->env->today}; return OK;
    case OP_POSITION: return expr_give_number(top, r->env->row_number);
    case OP_NEGATE: return expr_give_number(top, -number_of(top));
    case OP_CHOICE_NAME: return choice_name(r, &refs[ins->arg], top);
    case OP_REGEX:
        if ((err = expr_text(r, top, &text)) != OK ||
            (err = expr_match(r, ((struct expr_regex *const *)e->regexes.data)[ins->arg], text, &matches)) != OK)
            return err;
        return expr_give_boolean(top, matches);
    case OP_CALL: return expr_function_at(ins->arg)->run(r, top, ins->extra);
    }
    return err_set(ERR_INTERNAL, "unknown instruction %u", ins->op);
}

/* `sp` is the first free place.  Depth and jumps were checked when the program was made. */
static enum err run(struct expr_run *r, const struct expr *e, struct expr_val *out)
{
    const struct expr_ins *code = (const struct expr_ins *)e->code.data;
    const struct expr_ins *end = code + e->code.len / sizeof(*code);
    const struct expr_ref *refs = (const struct expr_ref *)e->refs.data;
    struct expr_val *sp = r->arena->stack;
    enum err err;

    for (const struct expr_ins *ins = code; ins < end; ins++) {
        enum expr_op op = (enum expr_op)ins->op;

        if (r->steps-- == 0)
            return expr_spend(r, SIZE_MAX);
        switch (op) {
        /* cppcheck-suppress invalidPointerCast ; the pool was allocated as bytes and holds only doubles */
        case OP_NUMBER: (void)expr_give_number(sp++, ((const double *)e->numbers.data)[ins->arg]); break;
        case OP_STRING: (void)expr_give_text(sp++, ((const struct bytes *)e->texts.data)[ins->arg]); break;
        case OP_TRUE:
        case OP_FALSE: (void)expr_give_boolean(sp++, op == OP_TRUE); break;
        case OP_FIELD:
            if ((err = expr_load(r, &refs[ins->arg], place_of(r->env, &refs[ins->arg]), sp++)) != OK)
                return err;
            break;
        case OP_NODES: *sp++ = (struct expr_val){.kind = VAL_NODES, .as.nodes = &refs[ins->arg]}; break;
        case OP_ADD:
        case OP_SUBTRACT:
        case OP_MULTIPLY:
        case OP_DIVIDE:
        case OP_MODULO:
        case OP_EQUAL:
        case OP_UNEQUAL:
        case OP_LESS:
        case OP_LESS_EQUAL:
        case OP_GREATER:
        case OP_GREATER_EQUAL: operate(ins->op, --sp - 1); break;
        case OP_NOT: (void)expr_give_boolean(sp - 1, !boolean_of(sp - 1)); break;
        case OP_BOOLEAN: (void)expr_give_boolean(sp - 1, boolean_of(sp - 1)); break;
        case OP_AND:
        case OP_OR:
            if (boolean_of(--sp) == (op == OP_OR)) {
                (void)expr_give_boolean(sp++, op == OP_OR);
                ins = code + ins->arg - 1;
            }
            break;
        case OP_UNLESS: ins = boolean_of(--sp) ? ins : code + ins->arg - 1; break;
        case OP_JUMP: ins = code + ins->arg - 1; break;
        case OP_COALESCE:
            if (expr_val_is_blank(sp - 1))
                sp--;
            else
                ins = code + ins->arg - 1;
            break;
        case OP_FIELD_LESS:
        case OP_FIELD_LESS_EQUAL:
        case OP_FIELD_GREATER:
        case OP_FIELD_GREATER_EQUAL:
        case OP_FIELD_BETWEEN: (void)expr_give_boolean(sp++, field_order_holds(r, e, ins)); break;
        case OP_IS_CHOICE:
        case OP_HAS_CHOICE: (void)expr_give_boolean(sp++, has_choice(r->env, &refs[ins->arg], ins->extra)); break;
        case OP_TODAY:
        case OP_NOW:
        case OP_POSITION:
        case OP_NEGATE:
        case OP_CHOICE_NAME:
        case OP_REGEX:
        case OP_CALL:
            sp = sp - ins->extra + 1; /* the first operand's place takes the result */
            if ((err = rare(r, e, ins, sp - 1)) != OK)
                return err;
            break;
        }
    }
    *out = sp[-1];
    return OK;
}

static enum err evaluate(const struct expr *e, struct expr_run *r, struct expr_val *out)
{
    r->arena->used = 0;
    return run(r, e, out);
}

static bool lies_in(const struct expr_arena *a, struct bytes s)
{
    uintptr_t at = (uintptr_t)s.p;

    return at >= (uintptr_t)a->bytes && at < (uintptr_t)a->bytes + a->size;
}

enum err expr_eval(const struct expr *e, struct expr_arena *a, const struct expr_env *env, struct expr_result *out)
{
    struct expr_run r = {.env = env, .arena = a, .steps = EXPR_MAX_STEPS};
    struct expr_result result = {.kind = EXPR_STRING};
    struct expr_val v = {.kind = VAL_STRING};
    enum err err;

    if ((err = evaluate(e, &r, &v)) != OK)
        return err;
    switch (v.kind) {
    case VAL_NUMBER:
        result.kind = EXPR_NUMBER;
        result.number = v.as.number;
        break;
    case VAL_BOOLEAN:
    case VAL_TRUTH:
        result.kind = EXPR_BOOLEAN;
        result.boolean = v.as.boolean;
        break;
    case VAL_STRING: /* may be a loan from the values or from the expression */
        result.string = v.as.text;
        if (!lies_in(a, v.as.text))
            err = keep(&r, (const char *)v.as.text.p, v.as.text.len, &result.string);
        break;
    case VAL_DATE:
    case VAL_MOMENT: err = expr_text(&r, &v, &result.string); break;
    case VAL_NODES: err = err_set(ERR_INTERNAL, "an expression gave a column"); break;
    }
    if (err == OK)
        *out = result;
    return err;
}

enum err expr_test(const struct expr *e, struct expr_arena *a, const struct expr_env *env, bool *out)
{
    struct expr_run r = {.env = env, .arena = a, .steps = EXPR_MAX_STEPS};
    struct expr_val v = {.kind = VAL_STRING};
    enum err err;

    *out = false;
    if ((err = evaluate(e, &r, &v)) == OK)
        *out = boolean_of(&v);
    return err;
}

enum err expr_number(const struct expr *e, struct expr_arena *a, const struct expr_env *env, double *out)
{
    struct expr_run r = {.env = env, .arena = a, .steps = EXPR_MAX_STEPS};
    struct expr_val v = {.kind = VAL_STRING};
    enum err err;

    *out = NAN;
    if ((err = evaluate(e, &r, &v)) != OK)
        return err;
    *out = number_of(&v);
    if (isinf(*out))
        *out = NAN;
    return OK;
}

/* ---- results ---- */

static struct expr_val val_of(const struct expr_result *r)
{
    switch (r->kind) {
    case EXPR_NUMBER: return (struct expr_val){.kind = VAL_NUMBER, .as.number = r->number};
    case EXPR_BOOLEAN: return (struct expr_val){.kind = VAL_BOOLEAN, .as.boolean = r->boolean};
    case EXPR_STRING: break;
    }
    return (struct expr_val){.kind = VAL_STRING, .as.text = r->string};
}

bool expr_to_boolean(const struct expr_result *r)
{
    struct expr_val v = val_of(r);

    return boolean_of(&v);
}

double expr_to_number(const struct expr_result *r)
{
    struct expr_val v = val_of(r);

    return number_of(&v);
}

struct bytes expr_to_string(struct expr_arena *a, const struct expr_result *r)
{
    switch (r->kind) {
    case EXPR_NUMBER: return (struct bytes){(uint8_t *)a->number, expr_format_number(a->number, r->number)};
    case EXPR_BOOLEAN: return expr_bytes_of(r->boolean ? "true" : "false");
    case EXPR_STRING: break;
    }
    return r->string;
}
