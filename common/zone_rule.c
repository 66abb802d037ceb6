#include "common/value.h"
#include "common/zone_internal.h"

#include <ctype.h>

#define DAY_S     86400
#define HOURS_MAX 167 /* of a change: RFC 8536 3.3.1 */

/* ---- reading ---- */

static bool read_number(const char **at, int least, int most, int *out)
{
    int n = 0;
    int digits = 0;

    while (isdigit((unsigned char)**at) != 0 && digits < 4) {
        n = n * 10 + (**at - '0');
        (*at)++;
        digits++;
    }
    *out = n;
    return digits > 0 && n >= least && n <= most;
}

static bool take(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* "MSK", or "<+05>". */
static bool read_name(const char **at)
{
    const char *from = *at;
    bool is_quoted = take(at, '<');

    while (isalpha((unsigned char)**at) != 0 ||
           (is_quoted && (isdigit((unsigned char)**at) != 0 || **at == '+' || **at == '-')))
        (*at)++;
    return *at - from >= 3 && (!is_quoted || take(at, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **at, int hours_max, int32_t *out)
{
    int hours = 0, minutes = 0, seconds = 0;
    bool is_negative = take(at, '-');

    if (!is_negative)
        (void)take(at, '+');
    if (!read_number(at, 0, hours_max, &hours) || (take(at, ':') && !read_number(at, 0, 59, &minutes)) ||
        (take(at, ':') && !read_number(at, 0, 59, &seconds)))
        return false;
    *out = (int32_t)(hours * 3600 + minutes * 60 + seconds);
    if (is_negative)
        *out = -*out;
    return true;
}

static bool read_day(const char **at, struct zone_day *d)
{
    d->second = 2 * 3600;
    if (take(at, 'M')) {
        d->kind = ZONE_DAY_WEEK;
        if (!read_number(at, 1, 12, &d->month) || !take(at, '.') || !read_number(at, 1, 5, &d->week) ||
            !take(at, '.') || !read_number(at, 0, 6, &d->weekday))
            return false;
    } else if (take(at, 'J')) {
        d->kind = ZONE_DAY_JULIAN;
        if (!read_number(at, 1, 365, &d->number))
            return false;
    } else {
        d->kind = ZONE_DAY_NUMBER;
        if (!read_number(at, 0, 365, &d->number))
            return false;
    }
    return !take(at, '/') || read_time(at, HOURS_MAX, &d->second);
}

bool zone_rule_read(struct zone_rule *r, const char *text)
{
    const char *at = text;
    int32_t west = 0;

    *r = (struct zone_rule){.is_there = true};
    if (!read_name(&at) || !read_time(&at, 24, &west))
        return false;
    r->standard = -west;
    if (*at == '\0')
        return true;
    r->has_summer = true;
    r->summer = r->standard + 3600;
    if (!read_name(&at))
        return false;
    if (*at != ',') {
        if (!read_time(&at, 24, &west))
            return false;
        r->summer = -west;
    }
    return take(&at, ',') && read_day(&at, &r->from) && take(&at, ',') && read_day(&at, &r->to) && *at == '\0';
}

/* ---- using ---- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t day_in_year(const struct zone_day *d, int year)
{
    int32_t first = date_from_civil(year, 1, 1);
    int32_t day;

    if (d->kind == ZONE_DAY_NUMBER)
        return first + d->number;
    if (d->kind == ZONE_DAY_JULIAN)
        return first + d->number - 1 + (is_leap(year) && d->number >= 60 ? 1 : 0);
    first = date_from_civil(year, d->month, 1);
    day = first + (d->weekday - (first + 4) % 7 + 7) % 7 + 7 * (d->week - 1); /* 1970 began on a Thursday */
    while (day >= (d->month == 12 ? date_from_civil(year + 1, 1, 1) : date_from_civil(year, d->month + 1, 1)))
        day -= 7;
    return day;
}

int32_t zone_rule_offset(const struct zone_rule *r, int64_t at)
{
    int64_t from, to;
    int year, month, day;

    if (!r->has_summer)
        return r->standard;
    date_to_civil((int32_t)((at + r->standard) / DAY_S), &year, &month, &day);
    from = (int64_t)day_in_year(&r->from, year) * DAY_S + r->from.second - r->standard;
    to = (int64_t)day_in_year(&r->to, year) * DAY_S + r->to.second - r->summer;
    if (from < to)
        return at >= from && at < to ? r->summer : r->standard;
    return at >= to && at < from ? r->standard : r->summer; /* south of the equator the year begins in summer */
}
