/* Results as text. */
#include "hub/evaluate_internal.h"

#include <string.h>

const char *const target_status_names[] = {
    [TARGET_NONE] = "",       [TARGET_BELOW] = "below",     [TARGET_WITHIN] = "within",
    [TARGET_ABOVE] = "above", [TARGET_NOT_DUE] = "not-due", [TARGET_NO_DATA] = "no-data"};

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
    i128 scale = i128_power10(places);

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

static void put_short(struct buf *out, i128 v, unsigned places)
{
    while (places > 0 && v % 10 == 0) {
        v /= 10;
        places--;
    }
    put_scaled(out, v, places);
}

static i128 rounded(const struct result *r, unsigned places)
{
    return divide_half_up(r->value, i128_power10(6 - places));
}

void result_put_value(struct buf *out, const struct result *r, unsigned places)
{
    unsigned shown = places > 6 ? 6 : places;

    if (r->state == RESULT_OK)
        put_scaled(out, rounded(r, shown), shown);
}

bool result_scaled(const struct result *r, unsigned places, int64_t *out)
{
    i128 scaled = r->state == RESULT_OK ? rounded(r, places > 6 ? 6 : places) : 0;

    if (r->state != RESULT_OK || scaled > INT64_MAX || scaled < INT64_MIN)
        return false;
    *out = (int64_t)scaled;
    return true;
}

void result_put_numerator(struct buf *out, const struct result *r)
{
    if (r->state == RESULT_OK && r->has_fraction)
        put_short(out, r->numerator, r->fraction_places);
}

void result_put_denominator(struct buf *out, const struct result *r)
{
    if (r->state == RESULT_OK && r->has_denominator)
        put_short(out, r->denominator, r->fraction_places);
}

bool result_is_not_eligible(const struct result *r)
{
    return r->why_not == why_not_eligible;
}

static void put_number(struct buf *out, double x)
{
    struct outcome o = {0};

    outcome_set_double(&o, x);
    put_short(out, o.value, 6);
}

void target_put(struct buf *out, const struct target *t)
{
    if (t->yes) {
        buf_put_str(out, "yes");
        return;
    }
    if (t->more_than)
        buf_put_u8(out, '>');
    if (t->has_from)
        put_number(out, t->from);
    if (t->has_to && t->has_from && t->to == t->from)
        return;
    if (t->has_to) {
        buf_put_u8(out, '-');
        put_number(out, t->to);
    }
}
