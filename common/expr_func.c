/* Functions over numbers and columns, and the table of all functions. */
#include "common/expr_internal.h"

#include "common/cli.h"

#include <math.h>
#include <string.h>

struct tally {
    uint32_t filled;  /* neither '' nor NaN as text */
    uint32_t numbers; /* that convert to one */
    uint32_t trues;
    double sum, min, max;
};

static enum err tally_up(struct expr_run *r, const struct expr_val *args, uint32_t count, struct tally *out)
{
    struct expr_walk w = {.r = r, .args = args, .count = count};
    size_t mark = expr_mark(r);
    struct tally t = {.min = INFINITY, .max = -INFINITY};

    for (;;) {
        struct expr_val v;
        bool more;
        double x;
        enum err e;

        if ((e = expr_walk_next(&w, &v, &more)) != OK)
            return e;
        if (!more)
            break;
        t.filled += v.kind != VAL_STRING || v.as.text.len > 0 ? 1 : 0;
        t.trues += expr_val_boolean(&v) ? 1 : 0;
        x = expr_val_number(&v);
        expr_release(r, mark); /* a thousand lists of choices would not fit side by side */
        if (isnan(x))
            continue;
        t.numbers++;
        t.sum += x;
        t.min = x < t.min ? x : t.min;
        t.max = x > t.max ? x : t.max;
    }
    *out = t;
    return OK;
}

/* Empty answers are skipped, as ODK Collect does; Enketo would make the whole result NaN. */
static enum err fn_sum(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct tally t;
    enum err e = tally_up(r, args, count, &t);

    return e != OK ? e : expr_give_number(args, t.sum);
}

static enum err fn_min(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct tally t;
    enum err e = tally_up(r, args, count, &t);

    return e != OK ? e : expr_give_number(args, t.numbers > 0 ? t.min : NAN);
}

static enum err fn_max(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct tally t;
    enum err e = tally_up(r, args, count, &t);

    return e != OK ? e : expr_give_number(args, t.numbers > 0 ? t.max : NAN);
}

static enum err fn_count(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    (void)count;
    return expr_give_number(args, args[0].kind == VAL_NODES ? expr_rows(r, args[0].as.nodes) : 1);
}

static enum err fn_count_non_empty(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct tally t;
    enum err e = tally_up(r, args, count, &t);

    return e != OK ? e : expr_give_number(args, t.filled);
}

/* -1 on either side: no bound there. */
static bool within(double x, const struct expr_val *low, const struct expr_val *high)
{
    double min = expr_val_number(low);
    double max = expr_val_number(high);

    return (min == -1 || x >= min) && (max == -1 || x <= max);
}

static enum err fn_checklist(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct tally t;
    enum err e = tally_up(r, args + 2, count - 2, &t);

    return e != OK ? e : expr_give_boolean(args, within(t.trues, &args[0], &args[1]));
}

/* The weight of what is true in one pair (answer, weight); two columns are paired row by row. */
static enum err weigh(struct expr_run *r, const struct expr_val *pair, double *sum)
{
    struct expr_walk answers = {.r = r, .args = pair, .count = 1};
    struct expr_walk weights = {.r = r, .args = pair + 1, .count = 1};
    size_t mark = expr_mark(r);

    for (;;) {
        struct expr_val answer, weight;
        bool more, more_weights;
        bool is_true;
        double x;
        enum err e;

        if ((e = expr_walk_next(&answers, &answer, &more)) != OK)
            return e;
        is_true = more && expr_val_boolean(&answer);
        expr_release(r, mark);
        if ((e = expr_walk_next(&weights, &weight, &more_weights)) != OK)
            return e;
        if (!more || !more_weights)
            return OK;
        x = expr_val_number(&weight);
        expr_release(r, mark);
        if (is_true && !isnan(x))
            *sum += x;
    }
}

static enum err fn_weighted_checklist(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    double sum = 0;

    for (uint32_t i = 2; i + 1 < count; i += 2) {
        enum err e = weigh(r, args + i, &sum);

        if (e != OK)
            return e;
    }
    return expr_give_boolean(args, within(sum, &args[0], &args[1]));
}

/* ---- numbers ---- */

static enum err fn_number(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    (void)r;
    (void)count;
    return expr_give_number(args, expr_val_number(&args[0]));
}

static enum err fn_int(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    (void)r;
    (void)count;
    return expr_give_number(args, trunc(expr_val_number(&args[0])));
}

static enum err fn_round(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    (void)r;
    return expr_give_number(args, expr_round(expr_val_number(&args[0]), count > 1 ? expr_val_number(&args[1]) : 0));
}

static enum err fn_pow(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    (void)r;
    (void)count;
    return expr_give_number(args, pow(expr_val_number(&args[0]), expr_val_number(&args[1])));
}

static enum err fn_atan2(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    (void)r;
    (void)count;
    return expr_give_number(args, atan2(expr_val_number(&args[0]), expr_val_number(&args[1])));
}

static enum err fn_pi(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    (void)r;
    (void)count;
    return expr_give_number(args, M_PI);
}

static double exp10_of(double x)
{
    return pow(10, x);
}

#define FN_OF_NUMBER(name, of)                                                                                         \
    static enum err name(struct expr_run *r, struct expr_val *args, uint32_t count)                                    \
    {                                                                                                                  \
        (void)r;                                                                                                       \
        (void)count;                                                                                                   \
        return expr_give_number(args, of(expr_val_number(&args[0])));                                                  \
    }

FN_OF_NUMBER(fn_abs, fabs)
FN_OF_NUMBER(fn_floor, floor)
FN_OF_NUMBER(fn_ceiling, ceil)
FN_OF_NUMBER(fn_sqrt, sqrt)
FN_OF_NUMBER(fn_log, log)
FN_OF_NUMBER(fn_log10, log10)
FN_OF_NUMBER(fn_exp, exp)
FN_OF_NUMBER(fn_exp10, exp10_of)
FN_OF_NUMBER(fn_sin, sin)
FN_OF_NUMBER(fn_cos, cos)
FN_OF_NUMBER(fn_tan, tan)
FN_OF_NUMBER(fn_asin, asin)
FN_OF_NUMBER(fn_acos, acos)
FN_OF_NUMBER(fn_atan, atan)

/* (column, repeat, number from 1) */
static enum err fn_indexed_repeat(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    double row = trunc(expr_val_number(&args[2]));

    (void)count;
    if (!(row >= 1) || row > expr_rows(r, args[0].as.nodes))
        return expr_give_text(args, (struct bytes){NULL, 0});
    return expr_load(r, args[0].as.nodes, expr_cell(r, args[0].as.nodes, (uint32_t)row - 1), &args[0]);
}

/* ---- the table ---- */

#define ANY             EXPR_ANY_ARITY
#define NO              EXPR_NO_NODES
#define SCALARS(n)      n, n, NO, false, SPECIAL_NONE
#define NOT_HERE(words) 0, ANY, 0, false, SPECIAL_UNSUPPORTED, NULL, words

static const struct expr_function table[] = {
    {"abs", SCALARS(1), fn_abs, NULL},
    {"acos", SCALARS(1), fn_acos, NULL},
    {"asin", SCALARS(1), fn_asin, NULL},
    {"atan", SCALARS(1), fn_atan, NULL},
    {"atan2", SCALARS(2), fn_atan2, NULL},
    {"boolean", 1, 1, NO, false, SPECIAL_BOOLEAN, NULL, NULL},
    {"boolean-from-string", SCALARS(1), expr_fn_boolean_from_string, NULL},
    {"checklist", 2, ANY, 2, false, SPECIAL_NONE, fn_checklist, NULL},
    {"coalesce", 2, ANY, NO, false, SPECIAL_COALESCE, NULL, NULL},
    {"concat", 1, ANY, 0, false, SPECIAL_NONE, expr_fn_concat, NULL},
    {"contains", SCALARS(2), expr_fn_contains, NULL},
    {"ceiling", SCALARS(1), fn_ceiling, NULL},
    {"cos", SCALARS(1), fn_cos, NULL},
    {"count", 1, 1, 0, true, SPECIAL_COUNT, fn_count, NULL},
    {"count-non-empty", 1, 1, 0, true, SPECIAL_NONE, fn_count_non_empty, NULL},
    {"count-selected", SCALARS(1), expr_fn_count_selected, NULL},
    {"date", 1, 1, NO, false, SPECIAL_DATE, expr_fn_date, NULL},
    {"date-time", 1, 1, NO, false, SPECIAL_DATE, expr_fn_date_time, NULL},
    {"decimal-date-time", SCALARS(1), expr_fn_decimal_date_time, NULL},
    {"decimal-time", SCALARS(1), expr_fn_decimal_time, NULL},
    {"ends-with", SCALARS(2), expr_fn_ends_with, NULL},
    {"exp", SCALARS(1), fn_exp, NULL},
    {"exp10", SCALARS(1), fn_exp10, NULL},
    {"false", 0, 0, NO, false, SPECIAL_FALSE, NULL, NULL},
    {"floor", SCALARS(1), fn_floor, NULL},
    {"format-date", 2, 2, NO, false, SPECIAL_FORMAT, expr_fn_format_date, NULL},
    {"format-date-time", 2, 2, NO, false, SPECIAL_FORMAT, expr_fn_format_date, NULL},
    {"if", 3, 3, NO, false, SPECIAL_IF, NULL, NULL},
    {"indexed-repeat", 3, 3, NO, false, SPECIAL_INDEXED_REPEAT, fn_indexed_repeat, NULL},
    {"int", SCALARS(1), fn_int, NULL},
    {"join", 2, ANY, 1, false, SPECIAL_NONE, expr_fn_join, NULL},
    {"jr:choice-name", 2, 2, NO, false, SPECIAL_CHOICE_NAME, NULL, NULL},
    {"log", SCALARS(1), fn_log, NULL},
    {"log10", SCALARS(1), fn_log10, NULL},
    {"max", 1, ANY, 0, false, SPECIAL_NONE, fn_max, NULL},
    {"min", 1, ANY, 0, false, SPECIAL_NONE, fn_min, NULL},
    {"normalize-space", 0, 1, NO, false, SPECIAL_SELF, expr_fn_normalize_space, NULL},
    {"not", 1, 1, NO, false, SPECIAL_NOT, NULL, NULL},
    {"now", 0, 0, NO, false, SPECIAL_NOW, NULL, NULL},
    {"number", SCALARS(1), fn_number, NULL},
    {"once", 1, 1, NO, false, SPECIAL_ONCE, NULL, NULL},
    {"pi", SCALARS(0), fn_pi, NULL},
    {"position", 0, 1, NO, false, SPECIAL_POSITION, NULL, NULL},
    {"pow", SCALARS(2), fn_pow, NULL},
    {"regex", 2, 2, NO, false, SPECIAL_REGEX, expr_fn_regex, NULL},
    {"round", 1, 2, NO, false, SPECIAL_NONE, fn_round, NULL},
    {"selected", 2, 2, NO, false, SPECIAL_SELECTED, expr_fn_selected, NULL},
    {"selected-at", SCALARS(2), expr_fn_selected_at, NULL},
    {"sin", SCALARS(1), fn_sin, NULL},
    {"sqrt", SCALARS(1), fn_sqrt, NULL},
    {"starts-with", SCALARS(2), expr_fn_starts_with, NULL},
    {"string", SCALARS(1), expr_fn_string, NULL},
    {"string-length", 0, 1, NO, false, SPECIAL_SELF, expr_fn_string_length, NULL},
    {"substr", 2, 3, NO, false, SPECIAL_NONE, expr_fn_substr, NULL},
    {"substring-after", SCALARS(2), expr_fn_substring_after, NULL},
    {"substring-before", SCALARS(2), expr_fn_substring_before, NULL},
    {"sum", 1, 1, 0, true, SPECIAL_NONE, fn_sum, NULL},
    {"tan", SCALARS(1), fn_tan, NULL},
    {"today", 0, 0, NO, false, SPECIAL_TODAY, NULL, NULL},
    {"translate", SCALARS(3), expr_fn_translate, NULL},
    {"true", 0, 0, NO, false, SPECIAL_TRUE, NULL, NULL},
    {"weighted-checklist", 2, ANY, 2, false, SPECIAL_PAIRS, fn_weighted_checklist, NULL},
    {"random", NOT_HERE(N_("random() is not supported: every result must come out the same when it is recomputed"))},
    {"randomize",
     NOT_HERE(N_("randomize() is not supported: every result must come out the same when it is recomputed"))},
    {"uuid", NOT_HERE(N_("uuid() is not supported: every result must come out the same when it is recomputed"))},
    {"substring", NOT_HERE(N_("substring() is not an XLSForm function: use substr(text, start, end), counted from 0"))},
    {"pulldata", NOT_HERE(N_("pulldata() is not supported: forms carry no tables of other data"))},
    {"instance", NOT_HERE(N_("instance() is not supported: forms carry no tables of other data"))},
    {"is-selected", NOT_HERE(N_("is-selected() is not supported: use selected()"))},
};

const struct expr_function *expr_function_at(uint32_t i)
{
    return i < sizeof(table) / sizeof(table[0]) ? &table[i] : NULL;
}

int32_t expr_function_find(const char *name, size_t len)
{
    for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return (int32_t)i;
    return -1;
}
