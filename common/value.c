#include "common/value.h"

#include "common/cli.h"

#include <string.h>

#define MAX_DIGITS 18u /* always fits an int64_t */

int32_t choice_find(const struct choice_list *l, const char *code, size_t len)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const char *have = l->items[i].code;

        if (strnlen(have, len + 1) == len && memcmp(have, code, len) == 0)
            return (int32_t)i;
    }
    return -1;
}

/* Both conversions count in eras of 400 years that begin on 1 March, so that the leap day is the last of its year. */
int32_t date_from_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return (int32_t)(era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468);
}

void date_to_civil(int32_t days, int *year, int *month, int *day)
{
    int64_t z = (int64_t)days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

int32_t date_year_before(int32_t day)
{
    int year, month, d;

    date_to_civil(day, &year, &month, &d);
    if (month == 2 && d == 29)
        d = 28;
    return date_from_civil(year - 1, month, d);
}

/* Reads at least `min` and at most `max` digits; false when there are fewer or more. */
static bool read_digits(const char **at, const char *end, unsigned min, unsigned max, int *out)
{
    unsigned n = 0;
    int v = 0;

    while (*at < end && **at >= '0' && **at <= '9') {
        if (++n > max)
            return false;
        v = v * 10 + (*(*at)++ - '0');
    }
    *out = v;
    return n >= min;
}

static bool read_char(const char **at, const char *end, char c)
{
    if (*at == end || **at != c)
        return false;
    (*at)++;
    return true;
}

/* A 30 February is caught by coming back as another day. */
static enum err date_checked(int32_t *days, const char *text, size_t len, int year, int month, int day)
{
    int back[3] = {0, 0, 0};
    int32_t found = 0;

    if (year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31) {
        found = date_from_civil(year, month, day);
        date_to_civil(found, &back[0], &back[1], &back[2]);
    }
    if (back[0] != year || back[1] != month || back[2] != day || year < 1)
        return err_set(ERR_INVALID, _("there is no such day as %.*s"), (int)len, text);
    *days = found;
    return OK;
}

static bool split_iso(const char *text, size_t len, int *year, int *month, int *day)
{
    const char *at = text;
    const char *end = text + len;

    return read_digits(&at, end, 4, 4, year) && read_char(&at, end, '-') && read_digits(&at, end, 2, 2, month) &&
           read_char(&at, end, '-') && read_digits(&at, end, 2, 2, day) && at == end;
}

static bool split_dotted(const char *text, size_t len, int *year, int *month, int *day)
{
    const char *at = text;
    const char *end = text + len;

    return read_digits(&at, end, 1, 2, day) && read_char(&at, end, '.') && read_digits(&at, end, 1, 2, month) &&
           read_char(&at, end, '.') && read_digits(&at, end, 4, 4, year) && at == end;
}

enum err date_parse(int32_t *days, const char *text, size_t len)
{
    int year, month, day;

    if (!split_iso(text, len, &year, &month, &day))
        return err_set(ERR_MALFORMED, _("expected a date such as 2020-09-01"));
    return date_checked(days, text, len, year, month, day);
}

enum err date_parse_local(int32_t *days, const char *text, size_t len)
{
    int year, month, day;

    if (!split_iso(text, len, &year, &month, &day) && !split_dotted(text, len, &year, &month, &day))
        return err_set(ERR_MALFORMED, _("expected a date such as 01.09.2020 or 2020-09-01"));
    return date_checked(days, text, len, year, month, day);
}

/* Writes `v` as `n` digits. */
static void put_digits(char *at, unsigned n, int v)
{
    while (n-- > 0) {
        at[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

void date_format(char out[11], int32_t days)
{
    int year, month, day;

    memcpy(out, "0000-00-00", 11);
    if (days < DATE_MIN || days > DATE_MAX)
        return;
    date_to_civil(days, &year, &month, &day);
    put_digits(out, 4, year);
    put_digits(out + 5, 2, month);
    put_digits(out + 8, 2, day);
}

/* Counts the digits at *at and moves past them. */
static size_t skip_digits(const char **at, const char *end)
{
    const char *from = *at;

    while (*at < end && **at >= '0' && **at <= '9')
        (*at)++;
    return (size_t)(*at - from);
}

enum err decimal_parse(int64_t *scaled, const char *text, size_t len, unsigned places)
{
    const char *at = text;
    const char *end = text + len;
    bool is_negative = len > 0 && *text == '-';
    const char *whole, *fraction;
    size_t whole_len, fraction_len = 0;
    int64_t v = 0;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    whole = at;
    whole_len = skip_digits(&at, end);
    fraction = at;
    if (whole_len > 0 && at < end && (*at == '.' || *at == ',')) {
        fraction = ++at;
        fraction_len = skip_digits(&at, end);
        if (fraction_len == 0)
            whole_len = 0;
    }
    if (whole_len == 0 || at != end)
        return err_set(ERR_MALFORMED, places == 0 ? _("expected a whole number") : _("expected a number such as 12.5"));
    while (fraction_len > places && fraction[fraction_len - 1] == '0') /* 3.500 is 3.50: nothing is lost */
        fraction_len--;
    if (fraction_len > places && places == 0)
        return err_set(ERR_INVALID, _("expected a whole number"));
    if (fraction_len > places)
        return err_set(
            ERR_INVALID,
            ngettext("expected at most %u digit after the point", "expected at most %u digits after the point", places),
            places);
    while (whole_len > 0 && *whole == '0') {
        whole++;
        whole_len--;
    }
    if (places > MAX_DIGITS || whole_len > MAX_DIGITS - places)
        return err_set(ERR_LIMIT, _("the number is too large: at most 18 digits are kept"));
    for (size_t i = 0; i < whole_len; i++)
        v = v * 10 + (whole[i] - '0');
    for (size_t i = 0; i < places; i++)
        v = v * 10 + (i < fraction_len ? fraction[i] - '0' : 0);
    *scaled = is_negative ? -v : v;
    return OK;
}

void decimal_format(struct buf *out, int64_t scaled, unsigned places)
{
    uint64_t v = scaled < 0 ? 0 - (uint64_t)scaled : (uint64_t)scaled;
    char digits[64];
    size_t at = sizeof(digits);

    if (places > MAX_DIGITS)
        places = MAX_DIGITS;
    for (unsigned n = 0; v > 0 || n <= places; n++) {
        if (n == places && places > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    }
    if (scaled < 0)
        digits[--at] = '-';
    buf_put(out, digits + at, sizeof(digits) - at);
}
