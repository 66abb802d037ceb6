/* expr.h: XLSForm expressions: one engine for constraint, warning, relevant, calculation and indicators.
 *
 * Text is compiled once against a schema (which names exist, their types and choices) into a small program, and
 * evaluated many times in a fixed arena.  Semantics: docs/expressions.md (ODK XForms functions and coercions: numbers
 * are IEEE doubles, an empty answer is the empty string and not zero, NaN that leaves is missing).
 * A compiled expression is immutable and may be evaluated by several threads at once, each with its own expr_arena. */
#ifndef SVODKA_COMMON_EXPR_H
#define SVODKA_COMMON_EXPR_H

#include "common/value.h"

#define EXPR_MAX_TEXT  8192u /* bytes of source */
#define EXPR_MAX_DEPTH 64u
#define EXPR_MAX_STEPS 100000u /* per evaluation, repeats included */

struct expr;
struct expr_arena;

/* What a name stands for. */
struct expr_symbol {
    enum value_type type;
    uint8_t places;                    /* DECIMAL */
    int32_t repeat;                    /* -1: top level; else index of the repeat whose column it is */
    uint32_t index;                    /* into values, or the column inside the repeat */
    const struct choice_list *choices; /* selects; else NULL.  Must outlive the expr */
};

struct expr_schema {
    /* False: no such name.  `name` is not NUL-terminated. */
    bool (*find)(const void *ctx, const char *name, size_t len, struct expr_symbol *out);
    const void *ctx;
    int32_t inside_repeat;          /* the repeat in whose row the expression stands, or -1 */
    const struct expr_symbol *self; /* what `.` stands for, or NULL: `.` is refused */
    bool allow_today;               /* today(), now(): false in indicators */
    bool is_bare; /* no form stands behind it (svodka-hub expr): the code of a text is its own label, and the row is
                     the first */
    /* For "did you mean": the i-th name, NULL after the last.  May itself be NULL: then no suggestion. */
    const char *(*name_at)(const void *ctx, uint32_t i);
};

struct expr_error {
    uint32_t column; /* from 1, in code points of the source */
    char text[256];  /* what is wrong and what was expected, in the user's language */
};

/* What to read from. */
struct expr_env {
    const struct value *values; /* top level, indexed by expr_symbol.index */
    uint32_t count;
    const struct value *row; /* the current row of inside_repeat, or NULL */
    uint32_t row_number;     /* from 1: position(..) */
    int32_t today;           /* the record's own day */
    /* The values of the top-level symbols from index `count` on: what is no answer, but is known of the record (the
     * unit it is about), or is compared with it. */
    const struct value *beyond;
    uint32_t beyond_count;
    /* NULL: none.  Else as many as `values`: a top-level DECIMAL symbol whose value is present is numbers[index], with
     * all its digits, instead of the scaled integer; its state is that of the value as ever.  For what is computed and
     * not answered: indicators. */
    const double *numbers;
};

/* A date leaves as a string, YYYY-MM-DD; expr_to_number() of it is its day again. */
enum expr_kind { EXPR_NUMBER, EXPR_STRING, EXPR_BOOLEAN };

struct expr_result {
    enum expr_kind kind;
    double number;
    bool boolean;
    struct bytes string; /* in the arena: valid until the arena's next use */
};

/* ERR_INVALID: *error says where and why.  ERR_LIMIT: too long or too deep.  On failure *out is untouched. */
MUST_CHECK enum err expr_compile(struct expr **out, const char *text, size_t len, const struct expr_schema *schema,
                                 struct expr_error *error);
void expr_free(struct expr *e);

/* True when it reads any field of this index at top level (or any column of that repeat). */
bool expr_uses(const struct expr *e, uint32_t index);

/* `bytes` bound all strings of one evaluation (0: 64 KiB). */
MUST_CHECK enum err expr_arena_new(struct expr_arena **out, size_t bytes);
void expr_arena_free(struct expr_arena *a);

/* ERR_LIMIT: steps or arena exhausted.  ERR_INVALID: e.g. a regular expression over its match limit. */
MUST_CHECK enum err expr_eval(const struct expr *e, struct expr_arena *a, const struct expr_env *env,
                              struct expr_result *out);

/* The three coercions of a result (XPath 1.0: boolean(), number(), string()). */
bool expr_to_boolean(const struct expr_result *r);
double expr_to_number(const struct expr_result *r);
struct bytes expr_to_string(struct expr_arena *a, const struct expr_result *r);

/* Shorthands for the hot path.  An infinity leaves expr_number() as NaN: neither is a value.  On failure *out is
 * false / NaN. */
MUST_CHECK enum err expr_test(const struct expr *e, struct expr_arena *a, const struct expr_env *env, bool *out);
MUST_CHECK enum err expr_number(const struct expr *e, struct expr_arena *a, const struct expr_env *env, double *out);

#endif
