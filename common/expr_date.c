#include "common/expr_internal.h"

#include "common/cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_MIN (-719162) /* 0001-01-01 */
#define DAY_MAX 2932896   /* 9999-12-31 */

static const char short_months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char short_days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static const char escapes[] = "YymnbdeHhMS3a%";

/* What is no date is an empty answer, as everywhere: '' and not an error. */
static void set_empty(struct expr_val *v)
{
    *v = (struct expr_val){.kind = VAL_STRING};
}

/* Days with their fraction; false: not a date. */
static bool to_moment(const struct expr_val *v, double *days)
{
    bool has_time;

    if (v->kind == VAL_STRING) {
        struct bytes s = expr_trim(v->as.text);

        if (!expr_parse_moment(s.p, s.len, days, &has_time))
            *days = expr_text_decimal(s.p, s.len); /* a calculated field keeps its day as a number */
    } else if (v->kind == VAL_BOOLEAN || v->kind == VAL_TRUTH) {
        return false;
    } else {
        *days = expr_val_number(v);
    }
    return !isnan(*days) && *days >= DAY_MIN && *days < DAY_MAX + 1;
}

enum err expr_fn_date(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    double days;

    (void)r;
    (void)count;
    if (!to_moment(&args[0], &days))
        set_empty(&args[0]);
    else
        args[0] = (struct expr_val){.kind = VAL_DATE, .as.number = floor(days)};
    return OK;
}

enum err expr_fn_date_time(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    double days;

    (void)r;
    (void)count;
    if (!to_moment(&args[0], &days))
        set_empty(&args[0]);
    else
        args[0] = (struct expr_val){.kind = VAL_MOMENT, .as.number = days};
    return OK;
}

enum err expr_fn_decimal_date_time(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    double days;

    (void)r;
    (void)count;
    if (!to_moment(&args[0], &days))
        days = NAN;
    args[0] = (struct expr_val){.kind = VAL_NUMBER, .as.number = days};
    return OK;
}

/* The time as written: a zone does not move it. */
enum err expr_fn_decimal_time(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    double days = NAN;

    (void)r;
    (void)count;
    if (args[0].kind == VAL_STRING) {
        struct bytes s = expr_trim(args[0].as.text);
        const uint8_t *t = s.len > 0 ? memchr(s.p, 'T', s.len) : NULL;

        if (t != NULL) {
            s.len -= (size_t)(t + 1 - s.p);
            s.p = t + 1;
        }
        if (!expr_parse_clock(s.p, s.len, &days))
            days = NAN;
    } else if (to_moment(&args[0], &days)) {
        days -= floor(days);
    } else {
        days = NAN;
    }
    args[0] = (struct expr_val){.kind = VAL_NUMBER, .as.number = days};
    return OK;
}

struct parts {
    int year, month, day, weekday; /* Monday is 0 */
    int ms;                        /* of the day */
};

static struct parts split(double days)
{
    struct parts p;
    int32_t day = (int32_t)floor(days);

    date_to_civil(day, &p.year, &p.month, &p.day);
    p.weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    p.ms = (int)((days - floor(days)) * 86400000.0 + 0.5);
    if (p.ms > 86399999)
        p.ms = 86399999;
    return p;
}

/* One escape, at most 4 bytes and a NUL. */
static int put_escape(char out[16], char escape, const struct parts *p)
{
    switch (escape) {
    case 'Y': return snprintf(out, 16, "%04d", p->year);
    case 'y': return snprintf(out, 16, "%02d", p->year % 100);
    case 'm': return snprintf(out, 16, "%02d", p->month);
    case 'n': return snprintf(out, 16, "%d", p->month);
    case 'b': return snprintf(out, 16, "%s", short_months[p->month - 1]);
    case 'd': return snprintf(out, 16, "%02d", p->day);
    case 'e': return snprintf(out, 16, "%d", p->day);
    case 'H': return snprintf(out, 16, "%02d", p->ms / 3600000);
    case 'h': return snprintf(out, 16, "%d", p->ms / 3600000);
    case 'M': return snprintf(out, 16, "%02d", p->ms / 60000 % 60);
    case 'S': return snprintf(out, 16, "%02d", p->ms / 1000 % 60);
    case '3': return snprintf(out, 16, "%03d", p->ms % 1000);
    case 'a': return snprintf(out, 16, "%s", short_days[p->weekday]);
    case '%': return snprintf(out, 16, "%%");
    }
    return 0;
}

size_t expr_format_first_bad(const uint8_t *format, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (format[i] != '%')
            continue;
        if (i + 1 == len || memchr(escapes, format[i + 1], sizeof(escapes) - 1) == NULL)
            return i;
        i++;
    }
    return len;
}

static enum err put_format(struct expr_run *r, struct bytes format, double days, struct bytes *out)
{
    struct parts parts = split(days);
    struct bytes made = {NULL, 0};
    char piece[16];

    for (size_t i = 0; i < format.len; i++) {
        int n = 1;
        uint8_t *room;

        piece[0] = (char)format.p[i];
        if (format.p[i] == '%')
            n = put_escape(piece, (char)format.p[++i], &parts);
        if ((room = expr_room(r, (size_t)n)) == NULL)
            return expr_arena_full();
        memcpy(room, piece, (size_t)n);
        if (made.p == NULL)
            made.p = room;
        made.len += (size_t)n;
    }
    *out = made;
    return OK;
}

enum err expr_fn_format_date(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes format, made;
    double days;
    enum err e;

    (void)count;
    if ((e = expr_text(r, &args[1], &format)) != OK)
        return e;
    if (expr_format_first_bad(format.p, format.len) < format.len)
        return err_set(ERR_INVALID, _("the date format \"%.*s\" has an unknown escape after \"%%\""),
                       (int)(format.len < 60 ? format.len : 60), (const char *)format.p);
    if (!to_moment(&args[0], &days)) {
        set_empty(&args[0]);
        return OK;
    }
    if ((e = put_format(r, format, days, &made)) != OK)
        return e;
    args[0] = (struct expr_val){.kind = VAL_STRING, .as.text = made};
    return OK;
}
