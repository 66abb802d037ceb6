/* Reads the `periods:` of a pack into a calendar: all of them, or none. */
#include "common/period_internal.h"

#include "common/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_GIVEN INT32_MIN

/* The calendar as it will be if nothing is wrong. */
struct draft {
    struct calendar *c;
    const struct yaml_doc *d;
    struct report *r;
    struct own *own;
    size_t count;
    bool is_good;
};

static void wrong(struct draft *dr, const struct yaml_node *at, const char *field, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void wrong(struct draft *dr, const struct yaml_node *at, const char *field, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    yaml_complain(dr->d, at, field, dr->r, "%s", text);
    dr->is_good = false;
}

static bool is_period_id(const char *id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
    size_t len = strlen(id);

    return len > 0 && len <= PERIOD_ID_MAX && strspn(id, allowed) == len;
}

/* One item of `periods:` inside a series. */
struct item {
    const char *id;
    int32_t from, to, on;
    struct yaml_label label;
};

static const struct yaml_key item_keys[] = {
    {.name = "id", .want = YAML_WANT_TEXT, .required = true, .offset = offsetof(struct item, id)},
    {.name = "from", .want = YAML_WANT_DATE, .offset = offsetof(struct item, from)},
    {.name = "to", .want = YAML_WANT_DATE, .offset = offsetof(struct item, to)},
    {.name = "on", .want = YAML_WANT_DATE, .offset = offsetof(struct item, on)},
    {.name = "label", .want = YAML_WANT_LABEL, .offset = offsetof(struct item, label)},
    {.name = NULL}};

/* from and to, or on; inside the years that a calendar knows. */
static bool dates_are_good(struct draft *dr, const struct yaml_node *n, struct item *it)
{
    bool has_on = it->on != NOT_GIVEN;

    if (has_on ? it->from != NOT_GIVEN || it->to != NOT_GIVEN : it->from == NOT_GIVEN || it->to == NOT_GIVEN) {
        wrong(dr, n, it->id, _("expected the keys from and to, or the key on alone"));
        return false;
    }
    if (has_on)
        it->from = it->to = it->on;
    if (it->from > it->to) {
        wrong(dr, yaml_get(n, "to"), it->id, _("the last day is before the first; expected from <= to"));
        return false;
    }
    if (it->from < date_from_civil(YEAR_FIRST, 1, 1) || it->to > date_from_civil(YEAR_LAST + 1, 12, 31)) {
        wrong(dr, n, it->id, _("expected dates from %d to %d"), YEAR_FIRST, YEAR_LAST + 1);
        return false;
    }
    return true;
}

static bool put_label(struct draft *dr, const struct item *it, struct period *p)
{
    const char *ru = it->label.ru != NULL ? it->label.ru : it->label.en;
    const char *en = it->label.en != NULL ? it->label.en : it->label.ru;

    if (ru == NULL)
        return true;
    if (strlen(ru) >= sizeof(p->label_ru) || strlen(en) >= sizeof(p->label_en)) {
        wrong(dr, it->label.at, it->id, _("the label is too long: at most %zu bytes"), sizeof(p->label_ru) - 1);
        return false;
    }
    memcpy(p->label_ru, ru, strlen(ru) + 1);
    memcpy(p->label_en, en, strlen(en) + 1);
    return true;
}

static bool same_dates(const struct period *a, const struct period *b)
{
    return a->first == b->first && a->last == b->last;
}

/* Where the dates of a predefined period may lie. */
static void bounds_of(const struct slot *s, struct period *bounds)
{
    struct slot around = {GRAIN_SCHOOL_YEAR, s->year, 1};

    switch (s->grain) {
    case GRAIN_SCHOOL_YEAR:
        slot_period(s, bounds);
        bounds->first = date_from_civil(s->year, 1, 1);
        bounds->last = date_from_civil(s->year + 1, 12, 31);
        break;
    case GRAIN_SCHOOL_QUARTER:
    case GRAIN_SCHOOL_HALF_YEAR: slot_period(&around, bounds); break;
    case GRAIN_CALENDAR_YEAR:
    case GRAIN_CALENDAR_QUARTER:
    case GRAIN_MONTH: slot_period(s, bounds); break;
    }
}

/* A predefined id belongs to its series, and its dates to its year; months and calendar quarters do not move. */
static bool fits_predefined(struct draft *dr, const struct yaml_node *n, int series, struct period *p)
{
    char first[11], last[11];
    struct period bounds;
    struct slot s;

    if (!slot_from_id(&s, p->id)) {
        if (series >= (int)GRAIN_COUNT)
            return true;
        s = (struct slot){(enum grain)series, 2020, 1};
        slot_period(&s, &bounds);
        wrong(dr, yaml_get(n, "id"), "id", _("expected an id of the series %s, such as %s"), bounds.series, bounds.id);
        return false;
    }
    if ((int)s.grain != series) {
        wrong(dr, yaml_get(n, "id"), "id", _("this id belongs to the predefined series %s; choose another"),
              grain_name(s.grain));
        return false;
    }
    bounds_of(&s, &bounds);
    if (p->first < bounds.first || p->last > bounds.last ||
        (s.grain >= GRAIN_CALENDAR_YEAR && !same_dates(p, &bounds))) {
        date_format(first, bounds.first);
        date_format(last, bounds.last);
        if (s.grain >= GRAIN_CALENDAR_YEAR)
            wrong(dr, n, p->id, _("the dates of this period are fixed: %s to %s"), first, last);
        else
            wrong(dr, n, p->id, _("expected dates inside %s to %s"), first, last);
        return false;
    }
    return true;
}

/* An id stands once; from an earlier pack, once more with the same dates. */
static bool is_new(struct draft *dr, const struct yaml_node *n, const struct period *p)
{
    for (size_t i = 0; i < dr->count; i++) {
        const struct own *have = &dr->own[i];

        if (strcmp(have->p.id, p->id) != 0)
            continue;
        if (have->at != NULL)
            wrong(dr, yaml_get(n, "id"), "id", _("this id is given twice; it stands in line %u already"),
                  have->at->line);
        else if (have->p.series != p->series)
            wrong(dr, yaml_get(n, "id"), "id", _("this id belongs to the series %s of another programme"),
                  have->p.series);
        else if (!same_dates(&have->p, p))
            wrong(dr, n, p->id, _("another programme gives this period other dates; expected the same"));
        return false;
    }
    return true;
}

static void read_item(struct draft *dr, int series, const struct yaml_node *n)
{
    struct item it = {.from = NOT_GIVEN, .to = NOT_GIVEN, .on = NOT_GIVEN};
    struct period p;
    struct slot s;

    if (!yaml_read(dr->d, n, item_keys, &it, dr->r)) {
        dr->is_good = false;
        return;
    }
    if (!is_period_id(it.id)) {
        wrong(dr, yaml_get(n, "id"), "id", _("expected an id: at most %u Latin letters, digits and _ . / -"),
              PERIOD_ID_MAX);
        return;
    }
    if (!dates_are_good(dr, n, &it))
        return;
    memset(&p, 0, sizeof(p));
    if (slot_from_id(&s, it.id))
        slot_period(&s, &p);
    else
        for (size_t i = 0; i <= strlen(it.id); i++)
            p.id[i] = p.label_ru[i] = p.label_en[i] = it.id[i];
    p.series = dr->c->names[series];
    p.first = it.from;
    p.last = it.to;
    if (!fits_predefined(dr, n, series, &p) || !put_label(dr, &it, &p) || !is_new(dr, n, &p))
        return;
    if (dr->count == CALENDAR_MAX_PERIODS)
        wrong(dr, n, p.id, _("too many periods: at most %u"), CALENDAR_MAX_PERIODS);
    else
        dr->own[dr->count++] = (struct own){p, n};
}

struct series_item {
    const char *name;
    struct yaml_label label;
    const struct yaml_node *periods;
};

static const struct yaml_key series_keys[] = {
    {.name = "series", .want = YAML_WANT_NAME, .required = true, .offset = offsetof(struct series_item, name)},
    {.name = "label", .want = YAML_WANT_LABEL, .offset = offsetof(struct series_item, label)},
    {.name = "periods", .want = YAML_WANT_SEQUENCE, .required = true, .offset = offsetof(struct series_item, periods)},
    {.name = NULL}};

/* Index of the new series, or -1. */
static int add_series(struct draft *dr, const struct yaml_node *n, const struct series_item *it)
{
    struct calendar *c = dr->c;
    size_t i = c->series_count;
    const char *ru = it->label.ru != NULL ? it->label.ru : it->label.en;
    const char *en = it->label.en != NULL ? it->label.en : it->label.ru;

    if (i == CALENDAR_MAX_SERIES) {
        wrong(dr, n, it->name, _("too many series of periods: at most %u"), CALENDAR_MAX_SERIES);
        return -1;
    }
    c->series_count++;
    c->own_names[i] = strdup(it->name);
    c->label_ru[i] = strdup(ru != NULL ? ru : it->name);
    c->label_en[i] = strdup(en != NULL ? en : it->name);
    c->names[GRAIN_COUNT + i] = c->own_names[i];
    if (c->own_names[i] == NULL || c->label_ru[i] == NULL || c->label_en[i] == NULL) {
        calendar_drop_series(c, i);
        wrong(dr, n, it->name, _("not enough memory"));
        return -1;
    }
    return (int)(GRAIN_COUNT + i);
}

static void read_series(struct draft *dr, const struct yaml_node *n)
{
    struct series_item it = {.name = NULL};
    int series;

    if (!yaml_read(dr->d, n, series_keys, &it, dr->r)) {
        dr->is_good = false;
        if (it.name == NULL || it.periods == NULL)
            return;
    }
    series = calendar_series_index(dr->c, it.name);
    if (series >= 0 && series < (int)GRAIN_COUNT && it.label.at != NULL)
        wrong(dr, it.label.at, "label", _("a predefined series has its own label; leave it out"));
    if (series < 0 && (series = add_series(dr, n, &it)) < 0)
        return;
    for (uint32_t i = 0; i < it.periods->count; i++)
        read_item(dr, series, it.periods->items[i]);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct own *)a)->p.id, ((const struct own *)b)->p.id);
}

static int by_series_and_first(const void *a, const void *b)
{
    const struct period *x = &(*(const struct own *const *)a)->p;
    const struct period *y = &(*(const struct own *const *)b)->p;
    int order = strcmp(x->series, y->series);

    return order != 0 ? order : (x->first > y->first) - (x->first < y->first);
}

static void check_pair(struct draft *dr, const struct period *a, const struct period *b, const struct yaml_node *at)
{
    char first[11], last[11];

    if (a->last < b->first)
        return;
    date_format(first, a->first);
    date_format(last, a->last);
    wrong(dr, at, b->id, _("overlaps the period %s (%s to %s) of the same series"), a->id, first, last);
}

/* A predefined period that moved, against its neighbours, moved or not. */
static void check_neighbours(struct draft *dr, const struct own *o)
{
    struct period before, after;
    struct slot s;

    if (o->at == NULL || !slot_from_id(&s, o->p.id))
        return;
    if (slot_step(&s, -1)) {
        calendar_slot_period(dr->c, &s, &before);
        check_pair(dr, &before, &o->p, o->at);
        (void)slot_step(&s, 1);
    }
    if (!slot_step(&s, 1))
        return;
    calendar_slot_period(dr->c, &s, &after);
    for (size_t i = 0; i < dr->count; i++) /* one that moved too has checked, or will check, this pair itself */
        if (dr->own[i].at != NULL && strcmp(dr->own[i].p.id, after.id) == 0)
            return;
    if (o->p.last >= after.first)
        check_pair(dr, &after, &o->p, o->at);
}

static void check_overlaps(struct draft *dr)
{
    const struct own **sorted = malloc((dr->count + 1) * sizeof(struct own *));

    if (sorted == NULL) {
        wrong(dr, NULL, NULL, _("not enough memory"));
        return;
    }
    for (size_t i = 0; i < dr->count; i++) {
        sorted[i] = &dr->own[i];
        check_neighbours(dr, sorted[i]);
    }
    qsort(sorted, dr->count, sizeof(struct own *), by_series_and_first);
    for (size_t i = 1; i < dr->count; i++) {
        const struct own *a = sorted[i - 1];
        const struct own *b = sorted[i];

        if (a->p.series == b->p.series && calendar_series_index(dr->c, a->p.series) >= (int)GRAIN_COUNT)
            check_pair(dr, &a->p, &b->p, b->at != NULL ? b->at : a->at);
    }
    free(sorted);
}

/* Puts the draft in place, checks it there, and takes it back when something is wrong. */
static void settle(struct draft *dr)
{
    struct calendar *c = dr->c;
    struct own *old = c->own;
    size_t old_count = c->own_count;

    qsort(dr->own, dr->count, sizeof(*dr->own), by_id);
    c->own = dr->own;
    c->own_count = dr->count;
    check_overlaps(dr);
    if (!dr->is_good) {
        c->own = old;
        c->own_count = old_count;
        old = dr->own;
    }
    free(old);
    for (size_t i = 0; i < c->own_count; i++)
        c->own[i].at = NULL;
}

/* How many periods there can be at most, the earlier ones included. */
static size_t room_for(const struct calendar *c, const struct yaml_node *periods)
{
    size_t room = c->own_count + 1;

    for (uint32_t i = 0; i < periods->count; i++) {
        const struct yaml_node *items = yaml_get(periods->items[i], "periods");

        room += items != NULL ? items->count : 0;
    }
    return room < CALENDAR_MAX_PERIODS ? room : CALENDAR_MAX_PERIODS;
}

bool calendar_read(struct calendar *c, const struct yaml_doc *d, const struct yaml_node *periods, struct report *r)
{
    struct draft dr = {.c = c, .d = d, .r = r, .is_good = !yaml_is_flawed(d)};
    size_t old_series = c->series_count;

    if (periods->kind != YAML_SEQUENCE) {
        wrong(&dr, periods, "periods", _("expected a list of series"));
        return false;
    }
    if ((dr.own = malloc(room_for(c, periods) * sizeof(*dr.own))) == NULL) {
        wrong(&dr, periods, "periods", _("not enough memory"));
        return false;
    }
    if (c->own_count > 0)
        memcpy(dr.own, c->own, c->own_count * sizeof(*dr.own));
    dr.count = c->own_count;
    for (uint32_t i = 0; i < periods->count; i++)
        read_series(&dr, periods->items[i]);
    settle(&dr);
    if (!dr.is_good)
        calendar_drop_series(c, old_series);
    return dr.is_good;
}
