/* expr_formula.h: what a spreadsheet can say of an expression, so that it refuses a wrong answer while it is typed.
 *
 * A formula is never stricter than its expression: every answer that the expression accepts, the formula accepts, too.
 * What a spreadsheet cannot say (regular expressions, choices, calculated fields, conditions inside a number) is left
 * out: of `. >= 1 and regex(...)` stays `. >= 1`. */
#ifndef SVODKA_COMMON_EXPR_FORMULA_H
#define SVODKA_COMMON_EXPR_FORMULA_H

#include "common/expr.h"

enum expr_cell {
    EXPR_CELL_NONE,  /* the field has no cell */
    EXPR_CELL_MAYBE, /* it may be empty, or hold a word instead of a number */
    EXPR_CELL_SURE   /* where the formula is asked, it holds a value of its type */
};
#define EXPR_CELL_TEXT_MAX 96u
/* The cell of a field (`repeat` -1: top level), as a formula writes it. */
typedef enum expr_cell (*expr_cell_of)(void *ctx, int32_t repeat, uint32_t index, char out[EXPR_CELL_TEXT_MAX]);

/* Appends the formula, without "=".  ERR_NOT_FOUND: nothing of the expression can be said; `out` is then as it was. */
MUST_CHECK enum err expr_formula(struct buf *out, const struct expr *e, expr_cell_of cell, void *ctx);

/* True when the expression is just `field >= least and field <= most`, or one half of it, about one field of numbers
 * (the other bound is then as it came in). */
bool expr_range(const struct expr *e, double *least, double *most);

#endif
