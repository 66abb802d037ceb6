#include "common/period.h"

#include "common/cli.h"
#include "common/period_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int parts;
    bool is_school;
    const char *ru, *en;
} grains[GRAIN_COUNT] = {
    [GRAIN_SCHOOL_YEAR] = {"school_year", 1, true, "учебный год", "school year"},
    [GRAIN_SCHOOL_QUARTER] = {"school_quarter", 4, true, "четверть", "school quarter"},
    [GRAIN_SCHOOL_HALF_YEAR] = {"school_half_year", 2, true, "учебное полугодие", "school half-year"},
    [GRAIN_CALENDAR_YEAR] = {"calendar_year", 1, false, "календарный год", "calendar year"},
    [GRAIN_CALENDAR_QUARTER] = {"calendar_quarter", 4, false, "квартал", "calendar quarter"},
    [GRAIN_MONTH] = {"month", 12, false, "месяц", "month"},
};

static const char *const months_ru[12] = {"январь", "февраль", "март",     "апрель",  "май",    "июнь",
                                          "июль",   "август",  "сентябрь", "октябрь", "ноябрь", "декабрь"};
static const char *const months_en[12] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};

/* First and last day of the parts of a school year, as months; after December in the second calendar year. */
static const int quarter_months[4][2] = {{9, 10}, {11, 12}, {1, 3}, {4, 5}};
static const int half_months[2][2] = {{9, 12}, {1, 5}};

const char *grain_name(enum grain g)
{
    return grains[g].name;
}

int grain_parts(enum grain g)
{
    return grains[g].parts;
}

/* From the first day of one month to the last of another in the same calendar year. */
static void set_months(struct period *p, int year, int first, int last)
{
    p->first = date_from_civil(year, first, 1);
    p->last = (last == 12 ? date_from_civil(year + 1, 1, 1) : date_from_civil(year, last + 1, 1)) - 1;
}

#define PUT(field, ...) ((void)snprintf((field), sizeof(field), __VA_ARGS__))

void slot_period(const struct slot *s, struct period *p)
{
    int y = s->year;
    int part = s->part;
    int next = (y + 1) % 100;
    const int *span;

    p->series = grains[s->grain].name;
    switch (s->grain) {
    case GRAIN_SCHOOL_YEAR:
        PUT(p->id, "%d/%02d", y, next);
        PUT(p->label_ru, "%d/%02d учебный год", y, next);
        PUT(p->label_en, "School year %d/%02d", y, next);
        p->first = date_from_civil(y, 9, 1);
        p->last = date_from_civil(y + 1, 8, 31);
        break;
    case GRAIN_SCHOOL_QUARTER:
        PUT(p->id, "%d/%02d-Q%d", y, next, part);
        PUT(p->label_ru, "%d четверть %d/%02d", part, y, next);
        PUT(p->label_en, "School quarter %d, %d/%02d", part, y, next);
        span = quarter_months[part - 1];
        set_months(p, span[0] < 9 ? y + 1 : y, span[0], span[1]);
        break;
    case GRAIN_SCHOOL_HALF_YEAR:
        PUT(p->id, "%d/%02d-H%d", y, next, part);
        PUT(p->label_ru, "%d полугодие %d/%02d", part, y, next);
        PUT(p->label_en, "School half-year %d, %d/%02d", part, y, next);
        span = half_months[part - 1];
        set_months(p, span[0] < 9 ? y + 1 : y, span[0], span[1]);
        break;
    case GRAIN_CALENDAR_YEAR:
        PUT(p->id, "%d", y);
        PUT(p->label_ru, "%d год", y);
        PUT(p->label_en, "Calendar year %d", y);
        set_months(p, y, 1, 12);
        break;
    case GRAIN_CALENDAR_QUARTER:
        PUT(p->id, "%d-Q%d", y, part);
        PUT(p->label_ru, "%d квартал %d г.", part, y);
        PUT(p->label_en, "Calendar quarter %d, %d", part, y);
        set_months(p, y, part * 3 - 2, part * 3);
        break;
    case GRAIN_MONTH:
        PUT(p->id, "%d-%02d", y, part);
        PUT(p->label_ru, "%s %d г.", months_ru[part - 1], y);
        PUT(p->label_en, "%s %d", months_en[part - 1], y);
        set_months(p, y, part, part);
        break;
    }
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* What the shape of an id says: 2020, 2020/21, 2020-09, 2020-Q1, 2020/21-Q1, 2020/21-H1. */
static struct slot guess_slot(const char *id, size_t len)
{
    struct slot s = {GRAIN_CALENDAR_YEAR, 0, 1};

    for (size_t i = 0; i < 4 && i < len; i++)
        s.year = s.year * 10 + digit(id[i]);
    if (len == 7 && id[4] == '/')
        s.grain = GRAIN_SCHOOL_YEAR;
    else if (len == 7 && id[5] == 'Q')
        s = (struct slot){GRAIN_CALENDAR_QUARTER, s.year, digit(id[6])};
    else if (len == 7)
        s = (struct slot){GRAIN_MONTH, s.year, 10 * digit(id[5]) + digit(id[6])};
    else if (len == 10)
        s = (struct slot){id[8] == 'Q' ? GRAIN_SCHOOL_QUARTER : GRAIN_SCHOOL_HALF_YEAR, s.year, digit(id[9])};
    return s;
}

/* Guesses, writes the id of the guess and compares, so that reading can never disagree with writing. */
bool slot_from_id(struct slot *out, const char *id)
{
    struct slot s = guess_slot(id, strnlen(id, PERIOD_ID_MAX));
    struct period p;

    if (s.year < YEAR_FIRST || s.year > YEAR_LAST || s.part < 1 || s.part > grains[s.grain].parts)
        return false;
    slot_period(&s, &p);
    if (strcmp(p.id, id) != 0)
        return false;
    *out = s;
    return true;
}

int school_year_of(int32_t day)
{
    int year, month, d;

    date_to_civil(day, &year, &month, &d);
    return month >= 9 ? year : year - 1;
}

bool slot_step(struct slot *s, int32_t steps)
{
    int parts = grains[s->grain].parts;
    int64_t serial = (int64_t)s->year * parts + (s->part - 1) + steps;

    if (serial < (int64_t)YEAR_FIRST * parts || serial >= (int64_t)(YEAR_LAST + 1) * parts)
        return false;
    s->year = (int)(serial / parts);
    s->part = (int)(serial % parts) + 1;
    return true;
}

enum err calendar_new(struct calendar **out)
{
    struct calendar *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return ERR_NOMEM;
    for (unsigned g = 0; g < GRAIN_COUNT; g++)
        c->names[g] = grains[g].name;
    *out = c;
    return OK;
}

void calendar_drop_series(struct calendar *c, size_t keep)
{
    while (c->series_count > keep) {
        size_t i = --c->series_count;

        free(c->own_names[i]);
        free(c->label_ru[i]);
        free(c->label_en[i]);
        c->own_names[i] = c->label_ru[i] = c->label_en[i] = NULL;
    }
}

void calendar_free(struct calendar *c)
{
    if (c == NULL)
        return;
    calendar_drop_series(c, 0);
    free(c->own);
    free(c);
}

int calendar_series_index(const struct calendar *c, const char *series)
{
    for (size_t i = 0; i < GRAIN_COUNT + c->series_count; i++)
        if (strcmp(c->names[i], series) == 0)
            return (int)i;
    return -1;
}

bool calendar_has_series(const struct calendar *c, const char *series)
{
    return calendar_series_index(c, series) >= 0;
}

const char *const *calendar_series(const struct calendar *c, size_t *count)
{
    *count = GRAIN_COUNT + c->series_count;
    return c->names;
}

bool calendar_series_label(const struct calendar *c, const char *series, const char **ru, const char **en)
{
    int i = calendar_series_index(c, series);

    if (i < 0)
        return false;
    *ru = i < (int)GRAIN_COUNT ? grains[i].ru : c->label_ru[i - (int)GRAIN_COUNT];
    *en = i < (int)GRAIN_COUNT ? grains[i].en : c->label_en[i - (int)GRAIN_COUNT];
    return true;
}

static int id_order(const void *id, const void *own)
{
    return strcmp(id, ((const struct own *)own)->p.id);
}

const struct own *calendar_own(const struct calendar *c, const char *id)
{
    return c->own_count == 0 ? NULL : bsearch(id, c->own, c->own_count, sizeof(*c->own), id_order);
}

void calendar_slot_period(const struct calendar *c, const struct slot *s, struct period *out)
{
    const struct own *own;

    slot_period(s, out);
    own = calendar_own(c, out->id);
    if (own != NULL)
        *out = own->p;
}

/* The slots of three years around the day: a pack may move the ends of a school year. */
static bool slot_on(const struct calendar *c, enum grain g, int32_t day, struct period *out)
{
    int year, month, d;
    struct slot s = {g, 0, 1};

    date_to_civil(day, &year, &month, &d);
    for (int y = year - 2; y <= year + 1; y++) {
        for (s.year = y, s.part = 1; s.part <= grains[g].parts && y >= YEAR_FIRST && y <= YEAR_LAST; s.part++) {
            calendar_slot_period(c, &s, out);
            if (out->first <= day && day <= out->last)
                return true;
        }
    }
    return false;
}

enum err calendar_on(const struct calendar *c, const char *series, int32_t day, struct period *out)
{
    int i = calendar_series_index(c, series);
    struct period p;
    char text[11];

    if (i < 0)
        return calendar_no_series(c, series);
    if (i < (int)GRAIN_COUNT && slot_on(c, (enum grain)i, day, &p)) {
        *out = p;
        return OK;
    }
    for (size_t k = 0; i >= (int)GRAIN_COUNT && k < c->own_count; k++) {
        const struct period *own = &c->own[k].p;

        if (own->series == c->names[i] && own->first <= day && day <= own->last) {
            *out = *own;
            return OK;
        }
    }
    date_format(text, day);
    return err_set(ERR_NOT_FOUND, _("%s belongs to no period of the series %s"), text, series);
}

static void take_earlier(struct period *best, bool *has, const struct period *p, int32_t day)
{
    if (p->first < day || (*has && best->first <= p->first))
        return;
    *best = *p;
    *has = true;
}

/* A predefined series has a period in every year, moved by a few months at most. */
static void next_slot(const struct calendar *c, enum grain g, int32_t day, struct period *best, bool *has)
{
    struct slot s = {g, 0, 1};
    struct period p;
    int year, month, d;

    date_to_civil(day, &year, &month, &d);
    if (year < YEAR_FIRST)
        year = YEAR_FIRST;
    for (int y = year - 1; y <= year + 1; y++) {
        for (s.year = y, s.part = 1; s.part <= grains[g].parts && y >= YEAR_FIRST && y <= YEAR_LAST; s.part++) {
            calendar_slot_period(c, &s, &p);
            take_earlier(best, has, &p, day);
        }
    }
}

enum err calendar_next(const struct calendar *c, const char *series, int32_t day, struct period *out)
{
    int i = calendar_series_index(c, series);
    struct period best;
    bool has = false;
    char text[11];

    if (i < 0)
        return calendar_no_series(c, series);
    if (i < (int)GRAIN_COUNT)
        next_slot(c, (enum grain)i, day, &best, &has);
    for (size_t k = 0; i >= (int)GRAIN_COUNT && k < c->own_count; k++)
        if (c->own[k].p.series == c->names[i])
            take_earlier(&best, &has, &c->own[k].p, day);
    if (has) {
        *out = best;
        return OK;
    }
    date_format(text, day);
    return err_set(ERR_NOT_FOUND, _("the series %s has no period that begins on %s or later"), series, text);
}

static bool is_latest_yet(const struct period *p, int32_t day, bool ended, const struct period *best, bool has_best)
{
    return (ended ? p->last : p->first) <= day && (!has_best || p->first > best->first);
}

/* As slot_on(): the latest cannot lie more than two years back. */
static bool latest_slot(const struct calendar *c, enum grain g, int32_t day, bool ended, struct period *out)
{
    bool has_best = false;
    int year, month, d;
    struct slot s = {g, 0, 1};
    struct period p;

    date_to_civil(day, &year, &month, &d);
    for (int y = year - 2; y <= year + 1; y++) {
        for (s.year = y, s.part = 1; s.part <= grains[g].parts && y >= YEAR_FIRST && y <= YEAR_LAST; s.part++) {
            calendar_slot_period(c, &s, &p);
            if (is_latest_yet(&p, day, ended, out, has_best)) {
                *out = p;
                has_best = true;
            }
        }
    }
    return has_best;
}

enum err calendar_latest(const struct calendar *c, const char *series, int32_t day, bool ended, struct period *out)
{
    int i = calendar_series_index(c, series);
    bool has_best = false;
    struct period best;

    if (i < 0)
        return ERR_NOT_FOUND;
    if (i < (int)GRAIN_COUNT)
        has_best = latest_slot(c, (enum grain)i, day, ended, &best);
    for (size_t k = 0; i >= (int)GRAIN_COUNT && k < c->own_count; k++) {
        const struct period *own = &c->own[k].p;

        if (own->series == c->names[i] && is_latest_yet(own, day, ended, &best, has_best)) {
            best = *own;
            has_best = true;
        }
    }
    if (has_best)
        *out = best;
    return has_best ? OK : ERR_NOT_FOUND;
}

/* The neighbour of an own period in time, NULL past the ends. */
static const struct period *own_neighbour(const struct calendar *c, const struct period *from, bool is_later)
{
    const struct period *best = NULL;

    for (size_t i = 0; i < c->own_count; i++) {
        const struct period *p = &c->own[i].p;

        if (strcmp(p->series, from->series) != 0 || p->first == from->first || (p->first > from->first) != is_later)
            continue;
        if (best == NULL || (p->first < best->first) == is_later)
            best = p;
    }
    return best;
}

enum err calendar_step(const struct calendar *c, const struct period *from, int32_t steps, struct period *out)
{
    const struct period *p = from;
    struct slot s;

    if (slot_from_id(&s, from->id)) {
        if (!slot_step(&s, steps))
            return err_set(ERR_NOT_FOUND, _("there is no period so far from %s in the series %s"), from->id,
                           from->series);
        calendar_slot_period(c, &s, out);
        return OK;
    }
    for (int64_t left = steps < 0 ? -(int64_t)steps : steps; left > 0 && p != NULL; left--)
        p = own_neighbour(c, p, steps > 0);
    if (p == NULL)
        return err_set(ERR_NOT_FOUND, _("there is no period so far from %s in the series %s"), from->id, from->series);
    *out = *p;
    return OK;
}
