#include "common/expr_internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANTISSA_MAX    (UINT64_C(1) << 53) /* whole numbers below it are exact in a double */
#define EXACT_POWER_MAX 22                  /* so are powers of ten up to this */
#define DIGITS_MAX      17

#define MANTISSA_DIGITS_MAX UINT64_C(1000000000000000000) /* one more digit still fits */

static const double powers_of_ten[EXACT_POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

struct bytes expr_trim(struct bytes s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

struct bytes expr_bytes_of(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* mantissa x 10^exponent, rounded once.  No decimal point goes through strtod(): the locale may want a comma there. */
static double scale(uint64_t mantissa, int exponent)
{
    char text[48];

    if (mantissa < MANTISSA_MAX && exponent >= 0 && exponent <= EXACT_POWER_MAX)
        return (double)mantissa * powers_of_ten[exponent];
    if (mantissa < MANTISSA_MAX && exponent < 0 && exponent >= -EXACT_POWER_MAX)
        return (double)mantissa / powers_of_ten[-exponent];
    (void)snprintf(text, sizeof(text), "%llue%d", (unsigned long long)mantissa, exponent);
    return strtod(text, NULL);
}

/* XPath's Number, with a comma as good as a point (as ODK Collect reads it); no exponent, no plus sign.
 * Digits beyond the 19th of the mantissa are below half of the last place of a double and are dropped. */
double expr_text_decimal(const uint8_t *p, size_t len)
{
    size_t i = len > 0 && p[0] == '-' ? 1 : 0;
    bool is_negative = i == 1;
    bool after_point = false;
    uint64_t mantissa = 0;
    size_t digits = 0;
    int exponent = 0;
    double x;

    for (; i < len; i++) {
        if (is_digit(p[i])) {
            digits++;
            if (mantissa < MANTISSA_DIGITS_MAX) {
                mantissa = mantissa * 10 + (uint64_t)(p[i] - '0');
                exponent -= after_point ? 1 : 0;
            } else {
                exponent += after_point ? 0 : 1;
            }
        } else if ((p[i] == '.' || p[i] == ',') && !after_point) {
            after_point = true;
        } else {
            return NAN;
        }
    }
    if (digits == 0)
        return NAN;
    x = scale(mantissa, exponent);
    return is_negative ? -x : x;
}

static bool read_two(const uint8_t *p, int max, int *out)
{
    if (!is_digit(p[0]) || !is_digit(p[1]))
        return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return *out <= max;
}

/* Z, +hh, +hhmm or +hh:mm; nothing at all is allowed too. */
static bool read_zone(const uint8_t *p, size_t len, double *days)
{
    int hours = 0, minutes = 0;

    *days = 0;
    if (len == 0 || (len == 1 && p[0] == 'Z'))
        return true;
    if ((p[0] != '+' && p[0] != '-') || (len != 3 && len != 5 && len != 6) || !read_two(p + 1, 14, &hours))
        return false;
    if (len == 6 && p[3] != ':')
        return false;
    if (len > 3 && !read_two(p + len - 2, 59, &minutes))
        return false;
    *days = (hours * 60 + minutes) / 1440.0;
    if (p[0] == '-')
        *days = -*days;
    return true;
}

/* hh:mm, hh:mm:ss or hh:mm:ss.fff; returns how many bytes, 0: no time. */
static size_t read_clock(const uint8_t *p, size_t len, double *days)
{
    int hours, minutes, seconds = 0;
    double fraction = 0, unit = 1;
    size_t n = 5;

    if (len < 5 || !read_two(p, 23, &hours) || p[2] != ':' || !read_two(p + 3, 59, &minutes))
        return 0;
    if (len >= 8 && p[5] == ':') {
        if (!read_two(p + 6, 59, &seconds))
            return 0;
        n = 8;
        if (len > 9 && p[8] == '.' && is_digit(p[9]))
            for (n = 9; n < len && is_digit(p[n]); n++)
                fraction += (p[n] - '0') * (unit /= 10);
    }
    *days = (hours * 3600 + minutes * 60 + seconds + fraction) / 86400.0;
    return n;
}

bool expr_parse_clock(const uint8_t *p, size_t len, double *days)
{
    double zone;
    size_t n = read_clock(p, len, days);

    return n > 0 && read_zone(p + n, len - n, &zone);
}

/* A time with a zone becomes UTC; one without is taken as it stands. */
bool expr_parse_moment(const uint8_t *p, size_t len, double *days, bool *has_time)
{
    int32_t day;
    double clock, zone;
    size_t n;

    /* The shape first: date_parse() composes a sentence when it refuses, and most texts are no dates. */
    if (len < 10 || !is_digit(p[0]) || p[4] != '-' || p[7] != '-' || (len > 10 && p[10] != 'T'))
        return false;
    if (date_parse(&day, (const char *)p, 10) != OK)
        return false;
    *days = day;
    *has_time = len > 10;
    if (len == 10)
        return true;
    n = read_clock(p + 11, len - 11, &clock);
    if (n == 0 || !read_zone(p + 11 + n, len - 11 - n, &zone))
        return false;
    *days += clock - zone;
    return true;
}

double expr_text_number(const uint8_t *p, size_t len)
{
    struct bytes s = expr_trim((struct bytes){p, len});
    double days;
    bool has_time;

    if (expr_parse_moment(s.p, s.len, &days, &has_time))
        return days;
    return expr_text_decimal(s.p, s.len);
}

size_t expr_digits(double x, char digits[18], int *exponent)
{
    char text[40];
    size_t n = 0;
    const char *at;

    for (int precision = 15; precision <= DIGITS_MAX; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision - 1, fabs(x));
        if (strtod(text, NULL) == fabs(x)) /* same locale both ways, whatever its decimal point is */
            break;
    }
    for (at = text; *at != 'e' && *at != '\0'; at++)
        if (is_digit((uint8_t)*at) && n < DIGITS_MAX)
            digits[n++] = *at;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    *exponent = (*at == 'e' ? (int)strtol(at + 1, NULL, 10) : 0) + 1;
    return n;
}

static size_t copy_word(char *out, const char *word)
{
    size_t n = 0;

    for (; word[n] != '\0'; n++)
        out[n] = word[n];
    return n;
}

size_t expr_format_number(char out[EXPR_NUMBER_TEXT_MAX], double x)
{
    char digits[18];
    int exponent;
    size_t count;
    size_t n = 0;

    if (isnan(x))
        return copy_word(out, "NaN");
    if (isinf(x))
        return copy_word(out, x < 0 ? "-Infinity" : "Infinity");
    if (x == 0)
        return copy_word(out, "0");
    if (fabs(x) < 1e15 && x == trunc(x))
        return (size_t)snprintf(out, EXPR_NUMBER_TEXT_MAX, "%lld", (long long)x);
    count = expr_digits(x, digits, &exponent);
    if (x < 0)
        out[n++] = '-';
    if (exponent <= 0) {
        n += copy_word(out + n, "0.");
        for (int zeros = exponent; zeros < 0; zeros++)
            out[n++] = '0';
    }
    for (size_t i = 0; i < count; i++) {
        if (exponent > 0 && i == (size_t)exponent)
            out[n++] = '.';
        out[n++] = digits[i];
    }
    for (int i = (int)count; i < exponent; i++)
        out[n++] = '0';
    return n;
}

/* Half goes up, towards positive infinity (XPath 1.0): -2.5 becomes -2. */
static double round_whole(double x)
{
    double below = floor(x);

    return x - below >= 0.5 ? below + 1 : below;
}

/* Rounds what a person reads, not the binary fraction behind it: 1.005 to two places is 1.01, as in ODK and Excel. */
double expr_round(double x, double places)
{
    char digits[18];
    int exponent, keep;
    uint64_t mantissa = 0;
    bool up;
    size_t count;
    double rounded;

    if (isnan(x) || isinf(x))
        return x;
    if (isnan(places) || places > 30 || places < -30)
        return NAN;
    if (x == 0 || trunc(places) == 0)
        return round_whole(x);
    count = expr_digits(x, digits, &exponent);
    keep = exponent + (int)places; /* of the digits, this many stay */
    if (keep >= (int)count)
        return x;
    if (keep < 0)
        return 0;
    for (int i = 0; i < keep; i++)
        mantissa = mantissa * 10 + (uint64_t)(digits[i] - '0');
    up = digits[keep] >= '5';
    if (x < 0 && digits[keep] == '5' && (size_t)keep + 1 == count)
        up = false;
    rounded = scale(mantissa + (up ? 1 : 0), exponent - keep);
    return x < 0 ? -rounded : rounded;
}

size_t expr_format_moment(char out[EXPR_MOMENT_TEXT_MAX], const struct expr_val *v)
{
    double day = floor(v->as.number);
    char date[11];
    int ms;

    date_format(date, (int32_t)day);
    if (v->kind == VAL_DATE)
        return copy_word(out, date);
    ms = (int)((v->as.number - day) * 86400000.0 + 0.5);
    if (ms > 86399999)
        ms = 86399999;
    return (size_t)snprintf(out, EXPR_MOMENT_TEXT_MAX, "%sT%02d:%02d:%02d.%03dZ", date, ms / 3600000, ms / 60000 % 60,
                            ms / 1000 % 60, ms % 1000);
}

double expr_val_number(const struct expr_val *v)
{
    switch (v->kind) {
    case VAL_NUMBER:
    case VAL_DATE:
    case VAL_MOMENT: return v->as.number;
    case VAL_BOOLEAN:
    case VAL_TRUTH: return v->as.boolean ? 1 : 0;
    case VAL_STRING: return expr_text_number(v->as.text.p, v->as.text.len);
    case VAL_NODES: break;
    }
    return NAN;
}

bool expr_val_boolean(const struct expr_val *v)
{
    switch (v->kind) {
    case VAL_NUMBER: return v->as.number != 0 && !isnan(v->as.number);
    case VAL_DATE:
    case VAL_MOMENT: return true;
    case VAL_BOOLEAN:
    case VAL_TRUTH: return v->as.boolean;
    case VAL_STRING: return v->as.text.len > 0;
    case VAL_NODES: break;
    }
    return false;
}

bool expr_val_is_blank(const struct expr_val *v)
{
    return (v->kind == VAL_STRING && v->as.text.len == 0) || (v->kind == VAL_NUMBER && isnan(v->as.number));
}

/* ODK Collect takes numbers closer than 1e-12 for equal, so that 0.1 + 0.2 = 0.3; we add the same for large sums.
 * Whole numbers are exact. */
bool expr_same_number(double a, double b)
{
    double apart;

    if (a == b)
        return true;
    apart = fabs(a - b);
    if (!(apart < 1e-12) && !(apart <= 8 * DBL_EPSILON * fmax(fabs(a), fabs(b))))
        return false;
    return isfinite(apart) && (a != trunc(a) || b != trunc(b));
}

static bool is_boolean(const struct expr_val *v)
{
    return v->kind == VAL_BOOLEAN || v->kind == VAL_TRUTH;
}

static bool is_day(const struct expr_val *v)
{
    return v->kind == VAL_DATE || v->kind == VAL_MOMENT;
}

static bool equals_word(const struct expr_val *truth, const struct expr_val *text)
{
    struct bytes word = expr_bytes_of(truth->as.boolean ? "true" : "false");

    return word.len == text->as.text.len && memcmp(word.p, text->as.text.p, word.len) == 0;
}

bool expr_val_equal(const struct expr_val *a, const struct expr_val *b)
{
    if (a->kind == VAL_TRUTH && b->kind == VAL_STRING)
        return equals_word(a, b);
    if (b->kind == VAL_TRUTH && a->kind == VAL_STRING)
        return equals_word(b, a);
    if (is_boolean(a) || is_boolean(b))
        return expr_val_boolean(a) == expr_val_boolean(b);
    if (a->kind == VAL_NUMBER || b->kind == VAL_NUMBER || is_day(a) || is_day(b))
        return expr_same_number(expr_val_number(a), expr_val_number(b));
    return a->as.text.len == b->as.text.len &&
           (a->as.text.len == 0 || memcmp(a->as.text.p, b->as.text.p, a->as.text.len) == 0);
}
