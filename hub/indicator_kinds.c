#include "hub/indicators_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define VALUE_LIMIT 9.0e15 /* a scaled value beyond it is not exact in a double: no answer */

i128 i128_power10(unsigned places)
{
    i128 p = 1;

    while (places-- > 0)
        p *= 10;
    return p;
}

static bool contribute_count(const struct indicator *i, const struct indicator_code *code, struct expr_arena *arena,
                             const struct expr_env *env, struct contribution *out)
{
    (void)i;
    (void)code;
    (void)arena;
    (void)env;
    out->numerator = 1;
    out->denominator = 1;
    out->n = 1;
    return true;
}

/* Half up as the decimal digits show it: 0.285 lies a hair below in binary and is still 0.29 with two places, as in
 * any recomputation with decimals.  The slack is a few units in the last place of the double, and never much. */
static double round_half_up(double x)
{
    double down = floor(x);
    double slack = fmin(4 * DBL_EPSILON * fabs(x), 0.001);

    return x - down - 0.5 >= -slack ? down + 1 : down;
}

/* Rounded once, to the indicator's places: what enters a cell is exact from here on. */
static bool contribute_value(const struct indicator *i, const struct indicator_code *code, struct expr_arena *arena,
                             const struct expr_env *env, struct contribution *out)
{
    double x;

    if (expr_number(code->value, arena, env, &x) != OK || isnan(x))
        return false;
    x = round_half_up(x * pow(10, i->places));
    if (!(fabs(x) < VALUE_LIMIT))
        return false;
    out->numerator = (i128)x;
    out->denominator = 1;
    out->n = 1;
    return true;
}

static bool contribute_share(const struct indicator *i, const struct indicator_code *code, struct expr_arena *arena,
                             const struct expr_env *env, struct contribution *out)
{
    bool holds;

    (void)i;
    if (expr_test(code->condition, arena, env, &holds) != OK)
        return false;
    out->numerator = holds ? 1 : 0;
    out->denominator = 1;
    out->n = 1;
    return true;
}

static bool fraction_count(const struct indicator *i, const struct cell *c, i128 *numerator, i128 *denominator)
{
    (void)i;
    *numerator = c->numerator;
    *denominator = 1;
    return c->n > 0;
}

static bool fraction_sum(const struct indicator *i, const struct cell *c, i128 *numerator, i128 *denominator)
{
    *numerator = c->numerator;
    *denominator = i128_power10(i->places);
    return c->n > 0;
}

static bool fraction_mean(const struct indicator *i, const struct cell *c, i128 *numerator, i128 *denominator)
{
    *numerator = c->numerator;
    *denominator = c->denominator * i128_power10(i->places);
    return c->denominator > 0;
}

static bool fraction_share(const struct indicator *i, const struct cell *c, i128 *numerator, i128 *denominator)
{
    (void)i;
    *numerator = c->numerator * 100;
    *denominator = c->denominator;
    return c->denominator > 0;
}

static const struct indicator_kind kinds[] = {{"count", false, false, false, contribute_count, fraction_count},
                                              {"sum", false, true, false, contribute_value, fraction_sum},
                                              {"mean", false, true, true, contribute_value, fraction_mean},
                                              {"share", true, false, true, contribute_share, fraction_share}};
const char *const indicator_kind_names[] = {"count", "sum", "mean", "share", NULL};

const struct indicator_kind *indicator_kind_at(size_t i)
{
    return i < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[i] : NULL;
}
