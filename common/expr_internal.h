/* expr_internal.h: what the parts of the expression engine share; nobody else includes it.
 *
 *   expr_lex.c    text to tokens
 *   expr_parse.c  tokens to the program: operators, names, literals; recursive descent, one pass
 *   expr_call.c   the same for function calls, and what is checked about their arguments
 *   expr_func.c   the table of functions: name, arity, which arguments may be node-sets, what runs
 *   expr_text.c   functions over texts and lists of choices
 *   expr_date.c   functions over dates
 *   expr_value.c  coercions: number, string, boolean, equality
 *   expr_regex.c  PCRE2
 *   expr_formula.c  the program as a formula of a spreadsheet
 *   expr_eval.c   the stack machine, and the public half of expr.h that evaluates
 *
 * The program is in reverse Polish order.  There is no tree between parser and program: whatever a check asks about an
 * operand (is it a literal, which field, where does it stand) is in the struct expr_operand the parser hands up. */
#ifndef SVODKA_COMMON_EXPR_INTERNAL_H
#define SVODKA_COMMON_EXPR_INTERNAL_H

#include "common/expr.h"

#define EXPR_STACK_MAX       256u
#define EXPR_MAX_PATTERN     1024u
#define EXPR_NUMBER_TEXT_MAX 400u  /* the longest double without an exponent: 0.000...5e-324 with 17 digits */
#define EXPR_REGEX_STEPS     1000u /* what one match costs of EXPR_MAX_STEPS */

/* ---- values ---- */

enum expr_val_kind {
    VAL_NUMBER,
    VAL_STRING,
    VAL_BOOLEAN, /* computed: follows XPath 1.0 */
    VAL_TRUTH,   /* the answer of a boolean field: beside a string it is the word true or false, as ODK stores it */
    VAL_DATE,    /* whole days since 1970-01-01 in `number` */
    VAL_MOMENT,  /* date with time: days with a fraction in `number` */
    VAL_NODES    /* a column (or the repeat itself); only as an argument of functions that take node-sets */
};

struct expr_ref {
    enum value_type type;
    bool in_row;    /* a column of the repeat in whose row the expression stands */
    int32_t repeat; /* -1: top level */
    uint32_t index;
    double divisor; /* DECIMAL: 10^places */
    const struct choice_list *choices;
};

struct expr_val {
    enum expr_val_kind kind;
    union {
        double number;
        bool boolean;
        struct bytes text;
        const struct expr_ref *nodes;
    } as;
};

/* ---- program ---- */

enum expr_op {
    OP_NUMBER, /* arg: which number */
    OP_STRING, /* arg: which text */
    OP_TRUE,
    OP_FALSE,
    OP_FIELD, /* arg: which ref */
    OP_NODES, /* arg: which ref */
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_NOT,
    OP_BOOLEAN,    /* the top becomes a boolean */
    OP_AND,        /* top false: leave false, jump to arg; else drop it */
    OP_OR,         /* top true: leave true, jump to arg; else drop it */
    OP_UNLESS,     /* drop the top; if it was false, jump to arg */
    OP_JUMP,       /* to arg */
    OP_COALESCE,   /* top neither '' nor NaN: jump to arg; else drop it */
    OP_FIELD_LESS, /* a field of numbers and a number; arg: which ref; extra: which number */
    OP_FIELD_LESS_EQUAL,
    OP_FIELD_GREATER,
    OP_FIELD_GREATER_EQUAL,
    OP_FIELD_BETWEEN, /* neither less than that number nor greater than the next one */
    OP_IS_CHOICE,     /* arg: ref of a select_one; extra: index of the choice */
    OP_HAS_CHOICE,    /* arg: ref of a select_multiple; extra: index of the choice */
    /* The rarer ones: `extra` says how many values they take. */
    OP_TODAY,
    OP_NOW,
    OP_POSITION,
    OP_NEGATE,
    OP_CHOICE_NAME, /* arg: ref; the code on top becomes its label */
    OP_REGEX,       /* arg: which compiled pattern */
    OP_CALL         /* arg: which function */
};

struct expr_ins {
    uint16_t op;
    uint16_t extra;
    uint32_t arg;
};

struct expr_regex;

struct expr {
    char *source; /* texts point into it */
    struct buf code, numbers, texts, refs, regexes;
};

/* ---- lexer ---- */

enum expr_token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_FIELD, /* ${name} */
    TOKEN_NAME,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_EQUAL,
    TOKEN_UNEQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_SELF,   /* . */
    TOKEN_PARENT, /* .. */
    TOKEN_BAD
};

struct expr_token {
    enum expr_token_kind kind;
    size_t at;         /* byte offset in the source */
    struct bytes text; /* without quotes or ${} */
    double number;
    const char *why; /* TOKEN_BAD: the whole sentence */
};

struct expr_lexer {
    const char *source;
    size_t len;
    size_t next;
    struct expr_token token; /* the current one */
};

/* Moves to the next token.  After TOKEN_END or TOKEN_BAD it stays there. */
void expr_lex(struct expr_lexer *l);
/* Length of the name at the start of the bytes: [A-Za-z_][A-Za-z0-9_.-]*; 0: none. */
size_t expr_name_length(const char *s, size_t len);

/* ---- compiler ---- */

enum expr_operand_form { OPERAND_VALUE, OPERAND_NUMBER, OPERAND_STRING, OPERAND_FIELD, OPERAND_NODES };

struct expr_operand {
    enum expr_operand_form form;
    size_t at;                 /* byte offset in the source */
    uint32_t start;            /* its first instruction */
    double number;             /* OPERAND_NUMBER */
    struct bytes text;         /* OPERAND_STRING: the literal; FIELD and NODES: the name */
    struct expr_symbol symbol; /* FIELD, NODES */
};

struct expr_compiler {
    struct expr_lexer lex;
    const struct expr_schema *schema;
    struct expr *e;
    struct expr_error *error;
    enum err result;
    uint32_t depth;
    uint32_t stack;
    bool whole_column; /* the next ${column} is a node-set even inside its own repeat: indexed-repeat() */
};

/* All of these return false after a mistake; the first mistake is kept. */
bool expr_fail(struct expr_compiler *c, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool expr_fail_limit(struct expr_compiler *c, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool expr_expect(struct expr_compiler *c, enum expr_token_kind kind, const char *what);
/* `stack_change` is what the instruction adds to the stack. */
bool expr_emit(struct expr_compiler *c, enum expr_op op, uint32_t extra, uint32_t arg, int stack_change);
uint32_t expr_here(const struct expr_compiler *c); /* number of instructions so far */
void expr_patch(struct expr_compiler *c, uint32_t jump);
void expr_cut(struct expr_compiler *c, uint32_t start); /* forgets instructions from `start` on; not their stack */
bool expr_add_ref(struct expr_compiler *c, const struct expr_symbol *s, uint32_t *out);
bool expr_add_text(struct expr_compiler *c, struct bytes text, uint32_t *out);
bool expr_find_field(struct expr_compiler *c, size_t at, const char *name, size_t len, struct expr_symbol *out);
/* A whole expression, or one argument. */
bool expr_parse_operand(struct expr_compiler *c, struct expr_operand *out);
/* Refuses a column where one value is needed. */
bool expr_need_scalar(struct expr_compiler *c, const struct expr_operand *o);
/* `name` was read, the current token is its `(`. */
bool expr_parse_call(struct expr_compiler *c, const struct expr_token *name, struct expr_operand *out);
/* `${f} = literal`: refuses what no choice of `f` can be.  `*index` is the one choice, or -1. */
bool expr_check_choice(struct expr_compiler *c, const struct expr_operand *field, const struct expr_operand *literal,
                       int32_t *index);
/* The name that was probably meant, or NULL. */
const char *expr_nearest(struct bytes typed, const char *const *names, size_t count);

/* ---- evaluation ---- */

struct expr_run {
    const struct expr_env *env;
    struct expr_arena *arena;
    uint32_t steps; /* left */
};

/* Takes `n` steps; ERR_LIMIT when there are fewer. */
MUST_CHECK enum err expr_spend(struct expr_run *r, size_t n);
/* Room at the end of what is used; NULL when the arena is exhausted. */
uint8_t *expr_room(struct expr_run *r, size_t len);
MUST_CHECK enum err expr_arena_full(void);
size_t expr_mark(const struct expr_run *r);
void expr_release(struct expr_run *r, size_t mark);
/* The text of a scalar: a loan, or the newest thing in the arena.  `out->p` is never NULL. */
MUST_CHECK enum err expr_text(struct expr_run *r, const struct expr_val *v, struct bytes *out);
/* The single value of a ref, or the cell of a row (0-based) of its column. */
MUST_CHECK enum err expr_load(struct expr_run *r, const struct expr_ref *ref, const struct value *v,
                              struct expr_val *out);
uint32_t expr_rows(const struct expr_run *r, const struct expr_ref *ref);
const struct value *expr_cell(const struct expr_run *r, const struct expr_ref *ref, uint32_t row); /* NULL: empty */
MUST_CHECK enum err expr_match(struct expr_run *r, const struct expr_regex *regex, struct bytes text, bool *out);

/* Coercions that need no arena. */
double expr_val_number(const struct expr_val *v);
bool expr_val_boolean(const struct expr_val *v);
bool expr_val_is_blank(const struct expr_val *v); /* '' or NaN */
bool expr_val_equal(const struct expr_val *a, const struct expr_val *b);
bool expr_same_number(double a, double b); /* equal up to the noise of binary fractions */
double expr_text_number(const uint8_t *p, size_t len);
/* Decimal digits only ("12", "-3.5", ".5", also with a comma); NaN when it is anything else. */
double expr_text_decimal(const uint8_t *p, size_t len);
/* Shortest digits that read back as |x|, finite and not 0: 0.d1d2d3... x 10^*exponent; returns how many. */
size_t expr_digits(double x, char digits[18], int *exponent);
size_t expr_format_number(char out[EXPR_NUMBER_TEXT_MAX], double x);
double expr_round(double x, double places);
/* ISO 8601 date, optionally with T and a time; days since 1970-01-01.  False: it is none. */
bool expr_parse_moment(const uint8_t *p, size_t len, double *days, bool *has_time);
/* hh:mm, with seconds, fraction and zone optional; the fraction of a day.  The zone is checked and ignored. */
bool expr_parse_clock(const uint8_t *p, size_t len, double *days);
#define EXPR_MOMENT_TEXT_MAX 32u
size_t expr_format_moment(char out[EXPR_MOMENT_TEXT_MAX], const struct expr_val *v);
struct bytes expr_trim(struct bytes s);
struct bytes expr_bytes_of(const char *s);

/* ---- functions ---- */

enum expr_special {
    SPECIAL_NONE,
    SPECIAL_IF,
    SPECIAL_COALESCE,
    SPECIAL_ONCE,
    SPECIAL_TRUE,
    SPECIAL_FALSE,
    SPECIAL_TODAY,
    SPECIAL_NOW,
    SPECIAL_NOT,
    SPECIAL_BOOLEAN,
    SPECIAL_POSITION,
    SPECIAL_SELECTED,
    SPECIAL_CHOICE_NAME,
    SPECIAL_REGEX,
    SPECIAL_DATE,           /* a literal must be a date */
    SPECIAL_FORMAT,         /* a literal format must be known */
    SPECIAL_SELF,           /* without arguments it means `.` */
    SPECIAL_INDEXED_REPEAT, /* (column, repeat, number) */
    SPECIAL_COUNT,          /* takes a repeat, too */
    SPECIAL_PAIRS,          /* an even number of arguments */
    SPECIAL_UNSUPPORTED     /* of ODK's list, but not here: `why` says so */
};

#define EXPR_ANY_ARITY 255u
#define EXPR_NO_NODES  255u

struct expr_function {
    const char *name;
    uint8_t min, max;   /* arguments; max EXPR_ANY_ARITY: no upper bound */
    uint8_t nodes_from; /* arguments from this one on (0-based) may be columns */
    bool needs_field;   /* its argument must be a field or a column, not a computed value */
    enum expr_special special;
    /* The result goes to args[0], which exists even without arguments. */
    enum err (*run)(struct expr_run *r, struct expr_val *args, uint32_t count);
    const char *why; /* SPECIAL_UNSUPPORTED */
};

const struct expr_function *expr_function_at(uint32_t i); /* NULL after the last */
int32_t expr_function_find(const char *name, size_t len); /* -1: none */

/* Results of functions: put into args[0]; always OK. */
enum err expr_give_number(struct expr_val *args, double x);
enum err expr_give_boolean(struct expr_val *args, bool b);
enum err expr_give_text(struct expr_val *args, struct bytes s);

/* Walks over arguments, one scalar after the other, columns row by row. */
struct expr_walk {
    struct expr_run *r;
    const struct expr_val *args;
    uint32_t count;
    uint32_t arg;
    uint32_t row;
};
/* *more is false after the last.  A text it had to make is the newest thing in the arena. */
MUST_CHECK enum err expr_walk_next(struct expr_walk *w, struct expr_val *out, bool *more);

/* expr_text.c */
enum err expr_fn_string(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_contains(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_starts_with(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_ends_with(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_substring_before(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_substring_after(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_substr(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_string_length(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_normalize_space(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_translate(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_concat(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_join(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_boolean_from_string(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_regex(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_selected(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_count_selected(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_selected_at(struct expr_run *r, struct expr_val *args, uint32_t count);

/* expr_date.c */
enum err expr_fn_date(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_date_time(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_decimal_date_time(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_decimal_time(struct expr_run *r, struct expr_val *args, uint32_t count);
enum err expr_fn_format_date(struct expr_run *r, struct expr_val *args, uint32_t count);
/* Offset of the first escape a format does not know; `len` when all is well. */
size_t expr_format_first_bad(const uint8_t *format, size_t len);

/* ---- regular expressions ---- */

struct expr_matcher; /* one per arena */

/* ERR_INVALID: `why` says what is wrong with the pattern (PCRE2's words), *at is the byte in it. */
MUST_CHECK enum err expr_regex_new(struct expr_regex **out, struct bytes pattern, char *why, size_t why_size,
                                   size_t *at);
void expr_regex_free(struct expr_regex *x);
MUST_CHECK enum err expr_matcher_new(struct expr_matcher **out);
void expr_matcher_free(struct expr_matcher *m);
/* Does the whole text match?  ERR_INVALID: over the match limit. */
MUST_CHECK enum err expr_regex_test(const struct expr_regex *x, struct expr_matcher *m, struct bytes text, bool *out);

#endif
