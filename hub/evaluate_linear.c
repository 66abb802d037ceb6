/* Sums over sums, exact in 128 bits, divided and rounded once. */
#include "hub/evaluate_internal.h"

#include "common/cli.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TERMS_MAX    64u
#define DOUBLE_EXACT 9.0e15 /* below it a double holds every whole number */
#define DOUBLE_LARGE 1.0e24 /* beyond it no value: not even its whole part means anything */

/* ---- rounding ---- */

i128 i128_power10(unsigned places)
{
    i128 p = 1;

    while (places-- > 0)
        p *= 10;
    return p;
}

/* Nearest integer to a / b, halves up (towards +infinity); b > 0. */
i128 divide_half_up(i128 a, i128 b)
{
    i128 q = a / b;
    i128 r = a % b;

    if (r < 0) {
        q--;
        r += b;
    }
    return r >= b - r ? q + 1 : q;
}

/* Half up as the decimal digits show it: 0.285 lies a hair below in binary and is still 0.29 with two places, as in
 * any recomputation with decimals.  The slack is a few units in the last place of the double, and never much. */
double round_half_up(double x)
{
    double down = floor(x);
    double slack = fmin(4 * DBL_EPSILON * fabs(x), 0.001);

    return x - down - 0.5 >= -slack ? down + 1 : down;
}

void outcome_fail(struct outcome *out, const char *why)
{
    out->why = why;
    out->value = 0;
    out->number = NAN;
    out->has_fraction = false;
    out->has_denominator = false;
    out->numerator = out->denominator = 0;
    out->class_index = 0;
}

void outcome_set_double(struct outcome *out, double x)
{
    double whole = floor(x);

    if (isnan(x) || !(fabs(x) < DOUBLE_LARGE)) {
        outcome_fail(out, isnan(x) ? why_no_data : why_too_large);
        return;
    }
    out->why = NULL;
    out->number = x;
    if (fabs(x) * RESULT_SCALE < DOUBLE_EXACT)
        out->value = (i128)round_half_up(x * RESULT_SCALE);
    else
        out->value = (i128)whole * RESULT_SCALE + (i128)round_half_up((x - whole) * RESULT_SCALE);
}

/* ---- the fraction ---- */

/* times and minus as fractions; false: they are no decimals, and the value is computed in doubles. */
static bool as_fraction(double x, i128 *above, i128 *below)
{
    double scaled = x * RESULT_SCALE;

    *above = (i128)(fabs(x) < DOUBLE_EXACT ? x : 0);
    *below = 1;
    if (x == floor(x) && fabs(x) < DOUBLE_EXACT)
        return true;
    if (scaled == floor(scaled) && fabs(scaled) < DOUBLE_EXACT) {
        *above = (i128)scaled;
        *below = RESULT_SCALE;
        return true;
    }
    for (int k = 3; k < 1000 && fabs(x) < 100; k++) /* survey as index: 100 over the steps of the scale */
        if (x == 100.0 / k) {
            *above = 100;
            *below = k;
            return true;
        }
    return false;
}

/* (numerator / denominator - minus) * times, as one fraction; false: too large for 128 bits. */
static bool exact(const struct indicator *i, i128 numerator, i128 denominator, i128 *above, i128 *below)
{
    i128 times_above, times_below, minus_above, minus_below, taken;

    if (!as_fraction(i->times, &times_above, &times_below) || !as_fraction(i->minus, &minus_above, &minus_below))
        return false;
    if (minus_above != 0) {
        if (__builtin_mul_overflow(numerator, minus_below, &numerator) ||
            __builtin_mul_overflow(denominator, minus_above, &taken) ||
            __builtin_sub_overflow(numerator, taken, &numerator) ||
            __builtin_mul_overflow(denominator, minus_below, &denominator))
            return false;
    }
    return !__builtin_mul_overflow(numerator, times_above, above) &&
           !__builtin_mul_overflow(denominator, times_below, below);
}

static bool divide_exactly(const struct indicator *i, struct outcome *out)
{
    i128 above, below, scaled;

    if (!exact(i, out->numerator, out->denominator, &above, &below) ||
        __builtin_mul_overflow(above, (i128)RESULT_SCALE, &scaled) || below > ((i128)1 << 125))
        return false;
    out->value = divide_half_up(scaled, below);
    out->number = (double)above / (double)below;
    return true;
}

static void divide(const struct indicator *i, struct outcome *out)
{
    if (out->denominator == 0) {
        outcome_fail(out, why_zero);
        return;
    }
    if (out->denominator < 0) {
        out->numerator = -out->numerator;
        out->denominator = -out->denominator;
    }
    if (!divide_exactly(i, out))
        outcome_set_double(out, ((double)out->numerator / (double)out->denominator - i->minus) * i->times);
}

/* ---- the terms ---- */

struct terms {
    const struct linear_term *at[TERMS_MAX]; /* of the numerator, then of the denominator, then of the answers */
    uint32_t count, numerators, denominators;
    unsigned places; /* all are brought to */
};

static unsigned term_places(const struct programme *p, const struct linear_term *t)
{
    return t->stat == STAT_VALUE && p->variables[t->variable]->kind <= VARIABLE_VALUES
               ? p->variables[t->variable]->places
               : 0;
}

static enum err list_terms(const struct evaluation *e, const struct look *l, struct terms *out)
{
    const struct programme *p = e->views[l->view].p;
    const struct linear *parts[] = {&l->i->numerator, &l->i->denominator, &l->i->answers};

    out->count = out->numerators = out->denominators = 0;
    out->places = 0;
    for (unsigned k = 0; k < 3; k++) {
        for (uint32_t i = 0; i < parts[k]->count; i++) {
            if (out->count == TERMS_MAX)
                return err_set(ERR_LIMIT, _("indicator %s reads more than %u variables"), l->i->id, TERMS_MAX);
            out->at[out->count++] = &parts[k]->terms[i];
            if (k < 2 && term_places(p, &parts[k]->terms[i]) > out->places)
                out->places = term_places(p, &parts[k]->terms[i]);
        }
        if (k == 0)
            out->numerators = out->count;
        else if (k == 1)
            out->denominators = out->count;
    }
    return OK;
}

static i128 amount_stat(const struct amount *a, enum reference_stat stat)
{
    switch (stat) {
    case STAT_N: return (i128)a->n;
    case STAT_ROSE: return a->rose;
    case STAT_FELL: return a->fell;
    case STAT_VALUE:
    case STAT_MIN:
    case STAT_MAX:
    case STAT_MEAN:
    case STAT_MEDIAN:
    case STAT_Q25:
    case STAT_Q75:
    case STAT_RANGE:
    case STAT_NUMERATOR:
    case STAT_DENOMINATOR: return a->sum;
    }
    return a->sum;
}

/* What is known of the terms, summed over the units so far. */
struct sums {
    i128 numerator, denominator;
    int64_t n[TERMS_MAX]; /* submissions: far below 2^63 */
    bool has[TERMS_MAX];
    bool has_overflown;
};

static void add_term(const struct evaluation *e, const struct look *l, const struct terms *t, uint32_t k,
                     const struct amount *a, struct sums *s)
{
    const struct linear_term *term = t->at[k];
    i128 x = amount_stat(a, term->stat);
    i128 scale;

    s->has[k] |= a->has;
    s->n[k] += k < t->denominators ? (int64_t)a->n : (int64_t)(x * term->coefficient);
    if (k >= t->denominators)
        return;
    scale = i128_power10(t->places - term_places(e->views[l->view].p, term)) * term->coefficient;
    s->has_overflown |= __builtin_mul_overflow(x, scale, &x);
    if (k < t->numerators)
        s->has_overflown |= __builtin_add_overflow(s->numerator, x, &s->numerator);
    else
        s->has_overflown |= __builtin_add_overflow(s->denominator, x, &s->denominator);
}

/* ---- a place of several units: whole units only ---- */

/* A unit that gave one of the variables but not the other would bend the quotient: it counts when it has all that
 * any school has.  What is reported about the district itself is added as it is; relations are counted over the whole
 * place, each once. */
struct pooling {
    const struct look *l;
    const struct terms *t;
    const struct list *units;
    struct amount *amounts; /* [unit][term] */
    bool wanted[TERMS_MAX];
};

static bool is_united(const struct evaluation *e, const struct look *l, const struct linear_term *t)
{
    return e->views[l->view].p->variables[t->variable]->kind == VARIABLE_RELATIONS;
}

static enum err read_units(struct evaluation *e, struct pooling *p)
{
    bool counts = p->l->at.unit == NONE || p->l->at.counts;
    enum err err = OK;

    for (uint32_t u = 0; u < p->units->count && err == OK; u++) {
        struct scope at = {p->units->at[u], 0, DAY_NONE, counts};

        for (uint32_t k = 0; k < p->t->count && err == OK; k++) {
            struct amount *a = &p->amounts[(size_t)u * p->t->count + k];

            if (is_united(e, p->l, p->t->at[k]))
                continue;
            err = variable_amount(e, p->l->view, p->t->at[k]->variable, at, p->l->period, p->l->part, a);
            if (k < p->t->denominators && p->units->at[u] != e->district)
                p->wanted[k] |= a->has;
        }
    }
    return err;
}

static bool is_whole(const struct pooling *p, uint32_t u)
{
    bool any = false;

    for (uint32_t k = 0; k < p->t->denominators; k++) {
        bool has = p->amounts[(size_t)u * p->t->count + k].has;

        if (p->wanted[k] && !has)
            return false;
        any |= has;
    }
    return any;
}

static enum err count_unit(struct evaluation *e, const struct pooling *p, uint32_t u, struct outcome *out)
{
    bool is_active = true, is_outside = false;
    enum err err;

    if (p->units->at[u] == e->district)
        return OK;
    if ((err = unit_is_active(e, p->units->at[u], p->l->period, &is_active)) != OK)
        return err;
    for (uint32_t k = 0; k < p->t->denominators; k++)
        is_outside |= p->amounts[(size_t)u * p->t->count + k].has_outsiders;
    if (is_active && is_whole(p, u))
        out->reported++;
    else
        out->excluded += is_outside;
    return OK;
}

static enum err pool_units(struct evaluation *e, struct pooling *p, struct sums *s, struct outcome *out)
{
    enum err err = read_units(e, p);

    for (uint32_t u = 0; u < p->units->count && err == OK; u++) {
        if (p->units->at[u] == e->district || is_whole(p, u))
            for (uint32_t k = 0; k < p->t->count; k++)
                if (!is_united(e, p->l, p->t->at[k]))
                    add_term(e, p->l, p->t, k, &p->amounts[(size_t)u * p->t->count + k], s);
        if (p->l->at.unit == NONE)
            err = count_unit(e, p, u, out);
    }
    return err;
}

static enum err sum_place(struct evaluation *e, const struct look *l, const struct terms *t, struct sums *s,
                          struct outcome *out)
{
    struct pooling p = {.l = l, .t = t};
    enum err err = scope_candidates(e, l->at, &p.units);

    if (err != OK)
        return err;
    if ((p.amounts = calloc((size_t)p.units->count * t->count + 1, sizeof(*p.amounts))) == NULL)
        return ERR_NOMEM;
    err = pool_units(e, &p, s, out);
    free(p.amounts);
    return err;
}

/* ---- one place ---- */

static enum err sum_terms(struct evaluation *e, const struct look *l, const struct terms *t, struct sums *s,
                          struct outcome *out)
{
    bool is_single = l->at.unit != NONE && l->at.merge_day == DAY_NONE;
    enum err err = is_single ? OK : sum_place(e, l, t, s, out);

    for (uint32_t k = 0; k < t->count && err == OK; k++) {
        struct amount a;

        if (!is_single && !is_united(e, l, t->at[k]))
            continue;
        err = variable_amount(e, l->view, t->at[k]->variable, l->at, l->period, l->part, &a);
        if (err == OK)
            add_term(e, l, t, k, &a, s);
    }
    return err;
}

/* Submissions behind it: those that the loader names, else the most behind a term below (else above) the line. */
static uint64_t behind(const struct terms *t, const struct sums *s)
{
    uint32_t from = t->denominators > t->numerators ? t->numerators : 0;
    uint32_t to = t->denominators > t->numerators ? t->denominators : t->numerators;
    int64_t most = 0;

    if (t->count > t->denominators) {
        for (uint32_t k = t->denominators; k < t->count; k++)
            most += s->n[k];
        return most > 0 ? (uint64_t)most : 0;
    }
    for (uint32_t k = from; k < to; k++)
        most = s->n[k] > most ? s->n[k] : most;
    return (uint64_t)most;
}

bool indicator_is_linear(const struct indicator *i)
{
    switch (i->kind) {
    case KIND_COUNT:
    case KIND_SUM:
    case KIND_MEAN:
    case KIND_SHARE:
    case KIND_RATIO:
    case KIND_SURVEY: return true;
    case KIND_UNITS:
    case KIND_CHANGE:
    case KIND_FORMULA:
    case KIND_INDEX:
    case KIND_CLASS:
    case KIND_GAP:
    case KIND_HISTORY:
    case KIND_EXECUTION:
    case KIND_PROGRESS: return false;
    }
    return false;
}

enum err linear_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    struct sums s = {0};
    struct terms t;
    bool has = true;
    enum err err = list_terms(e, l, &t);

    if (err != OK || (err = sum_terms(e, l, &t, &s, out)) != OK)
        return err;
    for (uint32_t k = 0; k < t.denominators; k++) {
        has &= s.has[k];
        out->has_data |= s.has[k];
    }
    out->n = behind(&t, &s);
    if (!has || t.denominators == 0 || s.has_overflown) {
        outcome_fail(out, s.has_overflown ? why_too_large : why_no_data);
        return OK;
    }
    out->why = NULL;
    out->has_fraction = true;
    out->has_denominator = t.denominators > t.numerators;
    out->fraction_places = (uint8_t)t.places;
    out->numerator = s.numerator;
    out->denominator = out->has_denominator ? s.denominator : i128_power10(t.places);
    divide(l->i, out);
    if (out->why == NULL && !out->has_denominator)
        out->denominator = 0;
    return OK;
}
