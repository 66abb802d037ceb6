#include "common/xlsx_number.h"

#include "common/value.h"

#include <string.h>

#define SIGNIFICANT 15
#define LONGEST     64u     /* bytes of a number in a workbook: Excel writes at most 24 */
#define MOST_DIGITS 30      /* before and after the point */
#define LAST_DAY    2958465 /* 9999-12-31, from 1900 */
#define FALSE_DAY   60      /* 29 February 1900, which Excel has and the calendar has not */
#define DAY_SECONDS 86400

/* 0.D1D2D3... * 10^exponent, at most SIGNIFICANT digits; no digits: zero. */
struct number {
    bool is_negative;
    uint8_t digits[SIGNIFICANT];
    int count;
    int exponent;
};

/* ---- formats ---- */

struct xlsx_format xlsx_format_builtin(uint32_t id)
{
    struct xlsx_format f = {.shown = XLSX_SHOWN_NUMBER};

    if (id == 9 || id == 10)
        f.shown = XLSX_SHOWN_PERCENT;
    else if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) || id == 57 ||
             id == 58)
        f.shown = XLSX_SHOWN_DATE;
    else if (id == 22)
        f.shown = XLSX_SHOWN_MOMENT;
    else if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47) || id == 55 || id == 56)
        f.shown = XLSX_SHOWN_TIME;
    return f;
}

/* What of a code is no text for people: without "quoted", \x, _x, *x and [Red], [$-419]; [h] and [mm] stay as h. */
static size_t bare_code(const char *code, char *out, size_t size)
{
    size_t len = 0;

    for (const char *p = code; *p != '\0' && *p != ';' && len + 1 < size; p++) {
        if (*p == '"') {
            if ((p = strchr(p + 1, '"')) == NULL)
                break;
        } else if (*p == '\\' || *p == '_' || *p == '*') {
            if (*++p == '\0')
                break;
        } else if (*p == '[') {
            if (strchr("hHmMsS", p[1]) != NULL && p[1] != '\0')
                out[len++] = 'h';
            if ((p = strchr(p, ']')) == NULL)
                break;
        } else {
            out[len++] = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        }
    }
    out[len] = '\0';
    return len;
}

struct xlsx_format xlsx_format_of(const char *code)
{
    struct xlsx_format f = {.shown = XLSX_SHOWN_NUMBER};
    char bare[256];
    size_t len = bare_code(code, bare, sizeof(bare));
    bool has_day, has_time;

    if (strcmp(bare, "general") == 0 || strcmp(bare, "@") == 0)
        return f;
    if (len > 1 && len < 30 && strspn(bare, "0") == len) {
        f.shown = XLSX_SHOWN_ZEROS;
        f.zeros = (uint8_t)len;
        return f;
    }
    if (strchr(bare, '%') != NULL) {
        f.shown = XLSX_SHOWN_PERCENT;
        return f;
    }
    if (strpbrk(bare, "0#?") != NULL && strpbrk(bare, "ydh") == NULL)
        return f; /* 0.00E+00 and such; ss.000 has its h or s */
    has_time = strpbrk(bare, "hs") != NULL;
    has_day = strpbrk(bare, "yd") != NULL || (!has_time && strchr(bare, 'm') != NULL);
    if (has_day)
        f.shown = has_time ? XLSX_SHOWN_MOMENT : XLSX_SHOWN_DATE;
    else if (has_time)
        f.shown = XLSX_SHOWN_TIME;
    return f;
}

/* ---- digits ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Half away from zero, in decimal. */
static void round_off(struct number *n, bool up)
{
    int i = n->count;

    while (up && i > 0) {
        if (++n->digits[i - 1] < 10)
            break;
        n->digits[--i] = 0;
    }
    if (up && i == 0) { /* 999...9: all became zeros */
        n->digits[0] = 1;
        n->count = 1;
        n->exponent++;
    }
    while (n->count > 0 && n->digits[n->count - 1] == 0)
        n->count--;
}

static enum err read_exponent(struct number *n, const char *p, const char *end)
{
    bool is_negative = false;
    int e = 0;

    if (p < end && (*p == '-' || *p == '+'))
        is_negative = *p++ == '-';
    if (p == end)
        return ERR_MALFORMED;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return ERR_MALFORMED;
        e = e < 10000 ? e * 10 + (*p - '0') : e;
    }
    n->exponent += is_negative ? -e : e;
    return OK;
}

static enum err read_number(struct number *n, const char *p, size_t len)
{
    const char *end = p + len;
    bool seen = false, in_fraction = false, up = false;
    int read = 0; /* digits from the first that is not zero */

    memset(n, 0, sizeof(*n));
    if (len == 0 || len > LONGEST)
        return ERR_MALFORMED;
    if (*p == '-' || *p == '+')
        n->is_negative = *p++ == '-';
    for (; p < end && (is_digit(*p) || (*p == '.' && !in_fraction)); p++) {
        if (*p == '.') {
            in_fraction = true;
            continue;
        }
        seen = true;
        if (read == 0 && *p == '0') {
            n->exponent -= in_fraction;
            continue;
        }
        n->exponent += !in_fraction;
        if (read < SIGNIFICANT)
            n->digits[n->count++] = (uint8_t)(*p - '0');
        else if (read == SIGNIFICANT)
            up = *p >= '5';
        read++;
    }
    if (!seen)
        return ERR_MALFORMED;
    if (p < end && ((*p != 'e' && *p != 'E') || read_exponent(n, p + 1, end) != OK))
        return ERR_MALFORMED;
    round_off(n, up);
    if (n->count == 0)
        n->is_negative = false;
    return n->count > 0 && (n->exponent > MOST_DIGITS || n->exponent < -MOST_DIGITS) ? ERR_LIMIT : OK;
}

static void put_plain(struct buf *out, const struct number *n, int least)
{
    int whole = n->count > 0 && n->exponent > 0 ? n->exponent : 0;

    if (n->is_negative)
        buf_put_u8(out, '-');
    for (int i = whole; i < least; i++)
        buf_put_u8(out, '0');
    if (whole == 0 && least == 0)
        buf_put_u8(out, '0');
    for (int i = 0; i < whole; i++)
        buf_put_u8(out, (uint8_t)('0' + (i < n->count ? n->digits[i] : 0)));
    if (n->count <= whole)
        return;
    buf_put_u8(out, '.');
    for (int i = n->exponent; i < 0; i++)
        buf_put_u8(out, '0');
    for (int i = whole; i < n->count; i++)
        buf_put_u8(out, (uint8_t)('0' + n->digits[i]));
}

/* ---- days ---- */

/* Seconds since day 0, rounded: a double holds a time of day to some microseconds.  -1: beyond the calendar. */
static int64_t seconds_of(const struct number *n)
{
    int64_t days = 0;
    uint64_t part = 0; /* of a day, in 10^-10 */

    if (n->is_negative || n->exponent > 7)
        return -1;
    for (int i = 0; i < n->exponent; i++)
        days = days * 10 + (i < n->count ? n->digits[i] : 0);
    for (int k = 0; k < 10; k++) {
        int i = k + n->exponent;

        part = part * 10 + (i >= 0 && i < n->count ? n->digits[i] : 0);
    }
    if (days > LAST_DAY)
        return -1;
    return days * DAY_SECONDS + (int64_t)((part * DAY_SECONDS + UINT64_C(5000000000)) / UINT64_C(10000000000));
}

static enum err put_day(struct buf *out, int64_t serial, bool is_1904)
{
    char date[11];
    int32_t days;

    if (is_1904)
        days = date_from_civil(1904, 1, 1) + (int32_t)serial;
    else if (serial == 0 || serial == FALSE_DAY)
        return ERR_INVALID;
    else
        days = date_from_civil(1899, 12, serial > FALSE_DAY ? 30 : 31) + (int32_t)serial;
    if (days > DATE_MAX)
        return ERR_INVALID;
    date_format(date, days);
    buf_put_str(out, date);
    return OK;
}

static void put_clock(struct buf *out, int64_t seconds)
{
    buf_printf(out, "%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));
    if (seconds % 60 != 0)
        buf_printf(out, ":%02d", (int)(seconds % 60));
}

static enum err put_time(struct buf *out, const struct number *n, enum xlsx_shown shown, bool is_1904)
{
    int64_t seconds = seconds_of(n);
    enum err e = OK;

    if (seconds < 0)
        return ERR_INVALID;
    if (shown == XLSX_SHOWN_TIME) {
        if (seconds >= (int64_t)10000 * 3600)
            return ERR_INVALID;
        put_clock(out, seconds);
        return OK;
    }
    if ((e = put_day(out, seconds / DAY_SECONDS, is_1904)) != OK || shown == XLSX_SHOWN_DATE ||
        seconds % DAY_SECONDS == 0)
        return e;
    buf_put_u8(out, ' ');
    put_clock(out, seconds % DAY_SECONDS);
    return OK;
}

enum err xlsx_number_put(struct buf *out, const char *text, size_t len, struct xlsx_format format, bool is_1904)
{
    struct number n;
    enum err e = read_number(&n, text, len);

    if (e != OK)
        return e;
    switch (format.shown) {
    case XLSX_SHOWN_NUMBER: put_plain(out, &n, 0); return OK;
    case XLSX_SHOWN_ZEROS: put_plain(out, &n, n.count <= n.exponent || n.count == 0 ? format.zeros : 0); return OK;
    case XLSX_SHOWN_PERCENT:
        n.exponent += 2;
        put_plain(out, &n, 0);
        buf_put_u8(out, '%');
        return OK;
    case XLSX_SHOWN_DATE:
    case XLSX_SHOWN_MOMENT:
    case XLSX_SHOWN_TIME: break;
    }
    return put_time(out, &n, format.shown, is_1904);
}
