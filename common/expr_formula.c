#include "common/expr_formula.h"

#include "common/expr_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  512u /* a rule of Excel has at most 255 characters: what is longer is of no use */
#define GUARD_MAX 256u

enum part_kind {
    PART_UNKNOWN, /* cannot be said */
    PART_NUMBER,
    PART_TEXT,
    PART_TEST /* true or false */
};

/* What an instruction leaves on the stack, as text. */
struct part {
    enum part_kind kind;
    bool is_weak; /* TEST: true more often than the expression */
    char text[TEXT_MAX];
    char guard[GUARD_MAX]; /* NUMBER: ",ISNUMBER(B3)..." that must hold for it to be one */
};

/* AND, OR, and the ends of if() and coalesce(), where two ways meet. */
struct join {
    uint32_t at; /* instruction before which they meet */
    uint16_t op;
};

struct maker {
    const struct expr *e;
    expr_cell_of cell;
    void *ctx;
    struct part *parts;
    uint32_t count;
    struct join joins[EXPR_STACK_MAX];
    uint32_t join_count;
    bool lost; /* deeper than we look: nothing is said */
};

static void print(struct part *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct part *p, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(p->text, sizeof(p->text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(p->text))
        p->kind = PART_UNKNOWN;
}

static struct part *push(struct maker *m)
{
    static struct part none;
    struct part *p;

    if (m->count == EXPR_STACK_MAX) {
        m->lost = true;
        return &none;
    }
    p = &m->parts[m->count++];
    p->kind = PART_UNKNOWN;
    p->is_weak = false;
    p->text[0] = p->guard[0] = '\0';
    return p;
}

static struct part *pop(struct maker *m)
{
    static struct part none;

    if (m->count == 0) {
        m->lost = true;
        return &none;
    }
    return &m->parts[--m->count];
}

static const struct expr_ref *ref_at(const struct maker *m, uint32_t i)
{
    return (const struct expr_ref *)(const void *)m->e->refs.data + i;
}

static double number_at(const struct maker *m, uint32_t i)
{
    double x;

    memcpy(&x, m->e->numbers.data + i * sizeof(x), sizeof(x));
    return x;
}

static void put_number(struct part *p, double x)
{
    char text[EXPR_NUMBER_TEXT_MAX];

    text[expr_format_number(text, x)] = '\0';
    p->kind = PART_NUMBER;
    print(p, "%s", text);
}

static void put_field(struct maker *m, struct part *p, const struct expr_ref *r)
{
    char name[EXPR_CELL_TEXT_MAX];
    bool is_number = r->type == VALUE_INTEGER || r->type == VALUE_DECIMAL || r->type == VALUE_DATE;
    enum expr_cell c = m->cell(m->ctx, r->in_row || r->repeat >= 0 ? r->repeat : -1, r->index, name);

    p->kind = PART_UNKNOWN;
    if (c == EXPR_CELL_NONE || (!is_number && r->type != VALUE_TEXT) || (r->repeat >= 0 && !r->in_row))
        return;
    p->kind = is_number ? PART_NUMBER : PART_TEXT;
    print(p, "%s", name);
    if (is_number && c == EXPR_CELL_MAYBE)
        (void)snprintf(p->guard, sizeof(p->guard), ",ISNUMBER(%s)", name);
}

/* Both guards, each once; false: too many. */
static bool join_guards(char out[GUARD_MAX], const struct part *a, const struct part *b)
{
    bool is_same = b->guard[0] == '\0' || strcmp(a->guard, b->guard) == 0;
    int n = snprintf(out, GUARD_MAX, "%s%s", a->guard, is_same ? "" : b->guard);

    return n >= 0 && (size_t)n < GUARD_MAX;
}

static void arithmetic(struct maker *m, const char *sign)
{
    struct part b = *pop(m);
    struct part a = *pop(m);
    struct part *p = push(m);

    if (a.kind != PART_NUMBER || b.kind != PART_NUMBER || !join_guards(p->guard, &a, &b))
        return;
    p->kind = PART_NUMBER;
    print(p, "(%s%s%s)", a.text, sign, b.text);
}

/* A comparison with what is no number is false; `!=` is then true. */
static void compare_parts(struct maker *m, const struct part *a, const char *sign, const struct part *b)
{
    struct part *p = push(m);
    char guard[GUARD_MAX];
    bool is_two;

    if (a->kind != PART_NUMBER || b->kind != PART_NUMBER || !join_guards(guard, a, b))
        return;
    p->kind = PART_TEST;
    is_two = strchr(guard, ',') != strrchr(guard, ',');
    if (guard[0] == '\0')
        print(p, "%s%s%s", a->text, sign, b->text);
    else
        print(p, "IF(%s%s%s,%s%s%s,%s)", is_two ? "AND(" : "", guard + 1, is_two ? ")" : "", a->text, sign, b->text,
              strcmp(sign, "<>") == 0 ? "TRUE" : "FALSE");
}

static void compare(struct maker *m, const char *sign)
{
    struct part b = *pop(m);
    struct part a = *pop(m);

    compare_parts(m, &a, sign, &b);
}

static void compare_field(struct maker *m, const struct expr_ins *ins, const char *sign)
{
    struct part a = {.kind = PART_UNKNOWN};
    struct part b = {.kind = PART_UNKNOWN};

    put_field(m, &a, ref_at(m, ins->arg));
    put_number(&b, number_at(m, ins->extra));
    compare_parts(m, &a, sign, &b);
}

static void join_tests(struct maker *m, uint16_t op)
{
    struct part b = *pop(m);
    struct part a = *pop(m);
    struct part *p = push(m);
    bool has_a = a.kind == PART_TEST;
    bool has_b = b.kind == PART_TEST;

    if (op == OP_AND && has_a != has_b) { /* half of it still has to hold */
        *p = has_a ? a : b;
        p->is_weak = true;
    } else if (has_a && has_b) {
        p->kind = PART_TEST;
        p->is_weak = a.is_weak || b.is_weak;
        print(p, "%s(%s,%s)", op == OP_AND ? "AND" : "OR", a.text, b.text);
    }
}

static void between(struct maker *m, const struct expr_ins *ins)
{
    struct expr_ins most = *ins;

    most.extra++;
    compare_field(m, ins, ">=");
    compare_field(m, &most, "<=");
    join_tests(m, OP_AND);
}

/* What cannot be said must not be denied: then nothing would hold it. */
static void deny(struct maker *m)
{
    struct part a = *pop(m);
    struct part *p = push(m);

    if (a.kind != PART_TEST || a.is_weak)
        return;
    p->kind = PART_TEST;
    print(p, "NOT(%s)", a.text);
}

static void call(struct maker *m, const struct expr_ins *ins)
{
    bool is_length =
        ins->op == OP_CALL && ins->extra == 1 && strcmp(expr_function_at(ins->arg)->name, "string-length") == 0;
    struct part a = {.kind = PART_UNKNOWN};
    struct part *p;

    for (uint32_t i = 0; i < ins->extra; i++)
        a = *pop(m);
    p = push(m);
    if (is_length && a.kind == PART_TEXT) {
        p->kind = PART_NUMBER;
        print(p, "LEN(%s)", a.text);
    } else if (ins->op == OP_NEGATE && a.kind == PART_NUMBER) {
        p->kind = PART_NUMBER;
        (void)snprintf(p->guard, sizeof(p->guard), "%s", a.guard);
        print(p, "(-%s)", a.text);
    }
}

static void meet_later(struct maker *m, const struct expr_ins *ins)
{
    if (m->join_count == EXPR_STACK_MAX)
        m->lost = true;
    else
        m->joins[m->join_count++] = (struct join){ins->arg, ins->op};
}

/* The way not taken is gone from the stack by now: what comes out of if() or coalesce() is not known. */
static void meet(struct maker *m, uint32_t at)
{
    while (m->join_count > 0 && m->joins[m->join_count - 1].at == at) {
        uint16_t op = m->joins[--m->join_count].op;

        if (op == OP_AND || op == OP_OR) {
            join_tests(m, op);
        } else {
            (void)pop(m);
            (void)push(m);
        }
    }
}

static void step(struct maker *m, const struct expr_ins *ins)
{
    switch ((enum expr_op)ins->op) {
    case OP_NUMBER: put_number(push(m), number_at(m, ins->arg)); break;
    case OP_FIELD: put_field(m, push(m), ref_at(m, ins->arg)); break;
    case OP_TRUE:
    case OP_FALSE: {
        struct part *p = push(m);

        p->kind = PART_TEST;
        print(p, "%s", ins->op == OP_TRUE ? "TRUE" : "FALSE");
        break;
    }
    case OP_STRING:
    case OP_NODES:
    case OP_IS_CHOICE:
    case OP_HAS_CHOICE: (void)push(m); break;
    case OP_ADD: arithmetic(m, "+"); break;
    case OP_SUBTRACT: arithmetic(m, "-"); break;
    case OP_MULTIPLY: arithmetic(m, "*"); break;
    case OP_DIVIDE: /* by zero it would be an error there, and is infinity here */
    case OP_MODULO:
        (void)pop(m);
        (void)pop(m);
        (void)push(m);
        break;
    case OP_EQUAL: compare(m, "="); break;
    case OP_UNEQUAL: compare(m, "<>"); break;
    case OP_LESS: compare(m, "<"); break;
    case OP_LESS_EQUAL: compare(m, "<="); break;
    case OP_GREATER: compare(m, ">"); break;
    case OP_GREATER_EQUAL: compare(m, ">="); break;
    case OP_FIELD_LESS: compare_field(m, ins, "<"); break;
    case OP_FIELD_LESS_EQUAL: compare_field(m, ins, "<="); break;
    case OP_FIELD_GREATER: compare_field(m, ins, ">"); break;
    case OP_FIELD_GREATER_EQUAL: compare_field(m, ins, ">="); break;
    case OP_FIELD_BETWEEN: between(m, ins); break;
    case OP_NOT: deny(m); break;
    case OP_BOOLEAN: break; /* of a test it is the test; of anything else it stays unknown to AND and OR */
    case OP_AND:
    case OP_OR: meet_later(m, ins); break;
    case OP_UNLESS: (void)pop(m); break;
    case OP_JUMP:
    case OP_COALESCE:
        (void)pop(m);
        meet_later(m, ins);
        break;
    case OP_TODAY:
    case OP_NOW:
    case OP_POSITION:
    case OP_NEGATE:
    case OP_CHOICE_NAME:
    case OP_REGEX:
    case OP_CALL: call(m, ins); break;
    }
}

enum err expr_formula(struct buf *out, const struct expr *e, expr_cell_of cell, void *ctx)
{
    const struct expr_ins *code = (const struct expr_ins *)(const void *)e->code.data;
    uint32_t count = (uint32_t)(e->code.len / sizeof(*code));
    struct maker *m = calloc(1, sizeof(*m));
    enum err r = ERR_NOT_FOUND;

    if (m == NULL || (m->parts = calloc(EXPR_STACK_MAX, sizeof(*m->parts))) == NULL) {
        free(m);
        return ERR_NOMEM;
    }
    m->e = e;
    m->cell = cell;
    m->ctx = ctx;
    for (uint32_t i = 0; i < count && !m->lost; i++) {
        meet(m, i);
        step(m, &code[i]);
    }
    meet(m, count);
    if (!m->lost && m->count == 1 && m->parts[0].kind == PART_TEST) {
        buf_put_str(out, m->parts[0].text);
        r = buf_status(out);
    }
    free(m->parts);
    free(m);
    return r;
}

bool expr_range(const struct expr *e, double *least, double *most)
{
    const struct expr_ins *ins = (const struct expr_ins *)(const void *)e->code.data;
    const double *numbers = (const double *)(const void *)e->numbers.data;

    if (e->code.len != sizeof(*ins))
        return false;
    switch (ins->op) {
    case OP_FIELD_GREATER_EQUAL: *least = numbers[ins->extra]; return true;
    case OP_FIELD_LESS_EQUAL: *most = numbers[ins->extra]; return true;
    case OP_FIELD_BETWEEN:
        *least = numbers[ins->extra];
        *most = numbers[ins->extra + 1];
        return true;
    default: return false;
    }
}
