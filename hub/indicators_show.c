#include "hub/indicators_read.h"

#include <string.h>

bool indicator_is_shown(const struct indicator *i)
{
    return !i->is_hidden && i->numerator.source != NULL && i->numerator.count > 0;
}

const char *indicator_name(const struct indicator *i, bool russian)
{
    return russian ? i->name_ru : i->name_en;
}

const char *indicator_unit_of_measure(const struct indicator *i, bool russian)
{
    return russian ? i->unit_ru : i->unit_en;
}

const char *indicator_definition(const struct indicator *i, bool russian)
{
    return russian ? i->definition_ru : i->definition_en;
}

const char *indicator_form(const struct programme *p, const struct indicator *i)
{
    return p->variables[i->numerator.terms[0].variable]->clauses[0].form;
}

static i128 power10(unsigned places)
{
    i128 p = 1;

    while (places-- > 0)
        p *= 10;
    return p;
}

static bool add_linear(const struct programme *p, const struct linear *l, const uint8_t *digest_in, i128 sum, int64_t n,
                       i128 *to)
{
    bool is_used = false;

    for (uint32_t k = 0; k < l->count; k++) {
        const struct linear_term *term = &l->terms[k];
        const struct variable *v = p->variables[term->variable];

        if (memcmp(v->digest, digest_in, VARIABLE_DIGEST_BYTES) != 0)
            continue;
        *to += term->coefficient *
               (term->stat == STAT_N ? (i128)n * AMOUNT_SCALE : sum * (AMOUNT_SCALE / power10(v->places)));
        is_used = true;
    }
    return is_used;
}

bool indicator_add(const struct programme *p, const struct indicator *i, const uint8_t digest[VARIABLE_DIGEST_BYTES],
                   i128 sum, int64_t n, struct amounts *to)
{
    bool is_used = add_linear(p, &i->numerator, digest, sum, n, &to->numerator);

    if (memcmp(p->variables[i->numerator.terms[0].variable]->digest, digest, VARIABLE_DIGEST_BYTES) == 0)
        to->n += (uint64_t)n;
    return add_linear(p, &i->denominator, digest, sum, n, &to->denominator) || is_used;
}

/* Nearest integer to a / b, halves up (towards +infinity); b > 0. */
static i128 divide_half_up(i128 a, i128 b)
{
    i128 twice = 2 * a + b;
    i128 q = twice / (2 * b);

    if (twice % (2 * b) != 0 && twice < 0)
        q--;
    return q;
}

static void put_i128(struct buf *out, i128 v)
{
    char digits[48];
    size_t n = sizeof(digits);
    unsigned __int128 u = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;

    do
        digits[--n] = (char)('0' + (int)(u % 10));
    while ((u /= 10) != 0);
    if (v < 0)
        digits[--n] = '-';
    buf_put(out, digits + n, sizeof(digits) - n);
}

/* Exact: v / 10^places. */
static void put_scaled(struct buf *out, i128 v, unsigned places)
{
    i128 scale = power10(places);

    if (v < 0) {
        buf_put_u8(out, '-');
        v = -v;
    }
    put_i128(out, v / scale);
    if (places == 0)
        return;
    buf_put_u8(out, '.');
    for (i128 unit = scale / 10, rest = v % scale; unit > 0; rest %= unit, unit /= 10)
        buf_put_u8(out, (uint8_t)('0' + (int)(rest / unit)));
}

bool indicator_value_places(const struct indicator *i, const struct amounts *a, unsigned places, struct buf *out)
{
    i128 denominator = i->denominator.source != NULL ? a->denominator : AMOUNT_SCALE;
    i128 numerator = a->numerator * (i128)(i->times * 1000) - (i128)(i->minus * i->times * 1000) * denominator;

    if (a->n == 0 || denominator <= 0)
        return false;
    put_scaled(out, divide_half_up(numerator * power10(places), denominator * 1000), places);
    return !out->failed;
}

bool indicator_value(const struct indicator *i, const struct amounts *a, struct buf *out)
{
    return indicator_value_places(i, a, 6, out);
}

static void put_amount(struct buf *out, i128 amount, unsigned places)
{
    put_scaled(out, amount / (AMOUNT_SCALE / power10(places)), places);
}

void indicator_numerator(const struct indicator *i, const struct amounts *a, struct buf *out)
{
    put_amount(out, a->numerator, i->places);
}

void indicator_denominator(const struct indicator *i, const struct amounts *a, struct buf *out)
{
    if (i->denominator.source != NULL)
        put_amount(out, a->denominator, 0);
}
