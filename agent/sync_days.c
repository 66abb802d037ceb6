#include "agent/sync_days.h"

#include "common/cli.h"
#include "common/value.h"

#include <stdio.h>
#include <string.h>

#define DAYS     7u
#define PART_MAX 64u
#define BLANKS   " \t"

/* The next part of a list with commas, without blanks around it.  False: no more; *is_good false: empty or too long. */
static bool next_part(const char **at, char out[PART_MAX], bool *is_good)
{
    const char *from = *at;
    size_t len;

    if (from == NULL)
        return false;
    len = strcspn(from, ",");
    *at = from[len] == ',' ? from + len + 1 : NULL;
    while (len > 0 && strchr(BLANKS, *from) != NULL) {
        from++;
        len--;
    }
    while (len > 0 && strchr(BLANKS, from[len - 1]) != NULL)
        len--;
    *is_good = len > 0 && len < PART_MAX;
    if (*is_good) {
        memcpy(out, from, len);
        out[len] = '\0';
    }
    return true;
}

/* ---- days of the week ---- */

static bool day_named(const char *name, size_t len, unsigned *day)
{
    static const char *const names[][DAYS] = {{"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
                                              {"пн", "вт", "ср", "чт", "пт", "сб", "вс"}};

    for (size_t k = 0; k < 2; k++)
        for (*day = 0; *day < DAYS; (*day)++)
            if (strlen(names[k][*day]) == len && memcmp(names[k][*day], name, len) == 0)
                return true;
    return false;
}

static bool read_days(const char *part, uint8_t *on)
{
    const char *dash = strchr(part, '-');
    size_t len = dash == NULL ? strlen(part) : (size_t)(dash - part);
    unsigned from, to;

    if (!day_named(part, len, &from))
        return false;
    to = from;
    if (dash != NULL && !day_named(dash + 1, strlen(dash + 1), &to))
        return false;
    for (unsigned day = from;; day = (day + 1) % DAYS) {
        *on |= (uint8_t)(1u << day);
        if (day == to)
            return true;
    }
}

enum err sync_days_read(struct sync_days *d, const char *text)
{
    const char *at = text;
    char part[PART_MAX];
    uint8_t on = 0;
    bool is_good = true;

    while (next_part(&at, part, &is_good))
        if (!is_good || !read_days(part, &on))
            return err_set(ERR_INVALID,
                           _("agent.yaml: sync.days: '%s': days of the week are expected, such as mon-fri or "
                             "mon, wed-sat"),
                           text);
    d->off = (uint8_t)(~on & 0x7f);
    return OK;
}

/* ---- holidays ---- */

static bool read_day(const char *text, size_t len, struct sync_holiday *h, int32_t *out)
{
    int32_t days;
    int year, month, day;
    char leap[16];

    h->is_yearly = len == 5;
    if (!h->is_yearly)
        return len == 10 && date_parse(out, text, len) == OK;
    (void)snprintf(leap, sizeof(leap), "2020-%.5s", text);
    if (date_parse(&days, leap, strlen(leap)) != OK)
        return false;
    date_to_civil(days, &year, &month, &day);
    *out = month * 100 + day;
    return true;
}

static bool read_holiday(const char *part, struct sync_holiday *h)
{
    const char *dots = strstr(part, "..");
    size_t len = dots == NULL ? strlen(part) : (size_t)(dots - part);
    bool is_yearly;

    if (!read_day(part, len, h, &h->from))
        return false;
    h->to = h->from;
    is_yearly = h->is_yearly;
    if (dots != NULL && (!read_day(dots + 2, strlen(dots + 2), h, &h->to) || h->is_yearly != is_yearly))
        return false;
    return h->is_yearly || h->from <= h->to; /* of each year also over its end */
}

enum err sync_holidays_read(struct sync_days *d, const char *text)
{
    const char *at = text;
    char part[PART_MAX];
    bool is_good = true;

    d->count = 0;
    while (next_part(&at, part, &is_good)) {
        if (d->count == SYNC_HOLIDAYS_MAX)
            return err_set(ERR_LIMIT, _("agent.yaml: sync.holidays: more than %u entries"), SYNC_HOLIDAYS_MAX);
        if (!is_good || !read_holiday(part, &d->holidays[d->count]))
            return err_set(ERR_INVALID,
                           _("agent.yaml: sync.holidays: '%s': days are expected, such as 12-28..01-08 (every year) or "
                             "2021-05-03..2021-05-10, with commas between them"),
                           text);
        d->count++;
    }
    return OK;
}

bool sync_days_has(const struct sync_days *d, int32_t day)
{
    int year, month, of_month;

    if ((d->off >> (unsigned)(((day + 3) % 7 + 7) % 7) & 1u) != 0) /* 1970 began on a Thursday */
        return false;
    date_to_civil(day, &year, &month, &of_month);
    for (uint32_t i = 0; i < d->count; i++) {
        const struct sync_holiday *h = &d->holidays[i];
        int32_t at = h->is_yearly ? month * 100 + of_month : day;

        if (h->from <= h->to ? at >= h->from && at <= h->to : at >= h->from || at <= h->to)
            return false;
    }
    return true;
}
