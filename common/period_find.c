/* Finds the period that a person means: by id, by the label of a pack, by the label of a predefined series; and says
 * what is near when there is none. */
#include "common/period_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What calendar_find_in() met on its way. */
struct search {
    const char *const *series;  /* the wanted ones */
    size_t series_count;        /* 0: any */
    struct period found, other; /* `other`: a period, but of another series than asked for */
    bool has_found, has_other, is_ambiguous;
};

static bool is_wanted(const struct search *s, const char *series)
{
    bool is_there = s->series_count == 0;

    for (size_t i = 0; i < s->series_count && !is_there; i++)
        is_there = strcmp(s->series[i], series) == 0;
    return is_there;
}

static void meet(struct search *s, const struct period *p)
{
    if (!is_wanted(s, p->series)) {
        s->other = *p;
        s->has_other = true;
    } else if (!s->has_found) {
        s->found = *p;
        s->has_found = true;
    } else if (strcmp(s->found.id, p->id) != 0) {
        s->other = *p;
        s->is_ambiguous = true;
    }
}

static bool label_is(struct buf *scratch, const char *label, const struct buf *folded)
{
    buf_reset(scratch);
    return utf8_put_folded(scratch, label, strlen(label)) == OK && scratch->len == folded->len &&
           memcmp(scratch->data, folded->data, folded->len) == 0;
}

/* Periods of packs by their labels, or by an id in the wrong case. */
static void search_own_labels(const struct calendar *c, const char *text, struct search *s)
{
    struct buf folded, scratch;

    buf_init(&folded, 4096);
    buf_init(&scratch, 4096);
    if (strlen(text) < sizeof(c->own->p.label_ru) && utf8_put_folded(&folded, text, strlen(text)) == OK &&
        folded.len > 0) {
        for (size_t i = 0; i < c->own_count; i++) {
            const struct period *p = &c->own[i].p;

            if (strcasecmp(p->id, text) == 0 || label_is(&scratch, p->label_ru, &folded) ||
                label_is(&scratch, p->label_en, &folded))
                meet(s, p);
        }
    }
    buf_fini(&folded);
    buf_fini(&scratch);
}

/* The calendar year that a text speaks of, or the present school year as far as the clock can be believed. */
static int year_in(const char *text)
{
    int present = school_year_of(clock_today());

    for (; *text != '\0'; text++) {
        int year = 0;
        size_t n = 0;

        for (; n < 4 && text[n] >= '0' && text[n] <= '9'; n++)
            year = year * 10 + (text[n] - '0');
        if (n == 4 && year >= YEAR_FIRST && year <= YEAR_LAST)
            return year;
    }
    if (present < YEAR_FIRST)
        return YEAR_FIRST;
    return present > YEAR_LAST ? YEAR_LAST : present;
}

#define NEAR_SLOTS 48u /* all predefined periods of two years */

/* All that a person may call the period. */
static void put_names(const char **names, size_t *count, const struct period *p)
{
    names[(*count)++] = p->id;
    names[(*count)++] = p->label_ru;
    names[(*count)++] = p->label_en;
}

/* The id or label nearest to what was typed, copied to `out`; false when nothing is near. */
static bool nearest(const struct calendar *c, const struct search *s, const char *text, char *out, size_t size)
{
    struct period *near = malloc(NEAR_SLOTS * sizeof(*near));
    const char **names = malloc(3 * (NEAR_SLOTS + c->own_count) * sizeof(*names));
    const char *best = NULL;
    size_t count = 0;
    size_t slots = 0;
    int year = year_in(text);

    if (near == NULL || names == NULL)
        goto done;
    for (unsigned g = 0; g < GRAIN_COUNT; g++) {
        if (!is_wanted(s, grain_name((enum grain)g)))
            continue;
        for (int y = year; y >= year - 1 && y >= YEAR_FIRST; y--) {
            for (int part = 1; part <= grain_parts((enum grain)g); part++, slots++) {
                slot_period(&(struct slot){(enum grain)g, y, part}, &near[slots]);
                put_names(names, &count, &near[slots]);
            }
        }
    }
    for (size_t i = 0; i < c->own_count; i++) {
        if (is_wanted(s, c->own[i].p.series))
            put_names(names, &count, &c->own[i].p);
    }
    best = cli_nearest(text, names, count);
    if (best != NULL)
        (void)snprintf(out, size, "%s", best);
done:
    free(near);
    free(names);
    return best != NULL;
}

enum err calendar_no_series(const struct calendar *c, const char *series)
{
    const char *near = cli_nearest(series, c->names, GRAIN_COUNT + c->series_count);

    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no series of periods called \"%s\"; did you mean \"%s\"?"), series,
                       near);
    return err_set(ERR_NOT_FOUND, _("there is no series of periods called \"%s\""), series);
}

/* Any period of the series, to show how they are written: the present one if there is one. */
static bool example_of(const struct calendar *c, const char *series, struct period *out)
{
    int32_t today = clock_today();

    if (calendar_on(c, series, today, out) == OK)
        return true;
    for (size_t i = 0; i < c->own_count; i++) {
        if (strcmp(c->own[i].p.series, series) == 0) {
            *out = c->own[i].p;
            return true;
        }
    }
    /* A gap, such as the summer holidays: the last period before it. */
    return calendar_on(c, series, date_from_civil(school_year_of(today), 10, 1), out) == OK;
}

void calendar_join(char out[CALENDAR_JOINED_MAX], const char *const *series, size_t count)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && at < CALENDAR_JOINED_MAX; i++)
        at += (size_t)snprintf(out + at, CALENDAR_JOINED_MAX - at, "%s%s", i > 0 ? ", " : "", series[i]);
}

/* It is a period, but of another series: one of the right ones that stands for the same time is shown. */
static bool same_time(const struct calendar *c, const struct search *s, struct period *out)
{
    for (size_t i = 0; i < s->series_count && s->has_other; i++)
        if (calendar_on(c, s->series[i], s->other.first, out) == OK)
            return true;
    return false;
}

static bool any_example(const struct calendar *c, const struct search *s, struct period *out)
{
    for (size_t i = 0; i < s->series_count; i++)
        if (example_of(c, s->series[i], out))
            return true;
    return false;
}

static enum err not_found(const struct calendar *c, const char *text, const struct search *s)
{
    char series[CALENDAR_JOINED_MAX];
    char near[sizeof(s->found.label_ru)];
    struct period p;

    calendar_join(series, s->series, s->series_count);
    if (s->is_ambiguous)
        return err_set(ERR_NOT_FOUND, _("\"%s\" may be the period %s or %s; write one of these"), text, s->found.id,
                       s->other.id);
    if (same_time(c, s, &p))
        return err_set(ERR_NOT_FOUND,
                       _("\"%s\" is a period of the series %s; a period of the series %s is expected, such as %s"),
                       text, s->other.series, series, p.id);
    if (nearest(c, s, text, near, sizeof(near)))
        return s->series_count < 2
                   ? err_set(ERR_NOT_FOUND, _("there is no period \"%s\"; did you mean \"%s\"?"), text, near)
                   : err_set(ERR_NOT_FOUND, _("there is no period \"%s\" in the series %s; did you mean \"%s\"?"), text,
                             series, near);
    if (any_example(c, s, &p))
        return err_set(ERR_NOT_FOUND, _("there is no period \"%s\" in the series %s; write it like %s"), text, series,
                       p.id);
    return err_set(ERR_NOT_FOUND, _("there is no period \"%s\""), text);
}

enum err calendar_find_in(const struct calendar *c, const char *const *series, size_t count, const char *text,
                          struct period *out)
{
    struct search s = {.series = series, .series_count = count};
    const struct own *own = calendar_own(c, text);
    struct period p;
    struct slot slot;
    size_t known = 0;

    for (size_t i = 0; i < count; i++)
        known += calendar_has_series(c, series[i]);
    if (count > 0 && known == 0)
        return calendar_no_series(c, series[0]);
    if (own != NULL)
        meet(&s, &own->p);
    else if (slot_from_id(&slot, text)) {
        calendar_slot_period(c, &slot, &p);
        meet(&s, &p);
    }
    if (!s.has_found)
        search_own_labels(c, text, &s);
    if (!s.has_found && slot_from_label(&slot, text)) {
        calendar_slot_period(c, &slot, &p);
        meet(&s, &p);
    }
    if (!s.has_found || s.is_ambiguous)
        return not_found(c, text, &s);
    *out = s.found;
    return OK;
}

enum err calendar_find(const struct calendar *c, const char *series, const char *text, struct period *out)
{
    return calendar_find_in(c, &series, series != NULL ? 1 : 0, text, out);
}

/* ---- a year before ---- */

#define DAYS_NEAR  45 /* how far "a year before" may lie off, for dated states that move a little */
#define STEPS_BACK 60 /* and how many periods back it is looked for */

static int32_t middle_of(const struct period *p)
{
    return p->first + (p->last - p->first) / 2;
}

/* Of a series with gaps or moving dates: the period whose middle is nearest to the day. */
static enum err near_day(const struct calendar *c, const struct period *from, int32_t day, struct period *out)
{
    int32_t best = DAYS_NEAR + 1;
    struct period at = *from, before;

    for (int i = 0; i < STEPS_BACK && calendar_step(c, &at, -1, &before) == OK; i++) {
        int32_t off = abs(middle_of(&before) - day);

        at = before;
        if (off < best) {
            best = off;
            *out = at;
        }
        if (at.last < day - DAYS_NEAR)
            break;
    }
    return best <= DAYS_NEAR ? OK : ERR_NOT_FOUND;
}

enum err calendar_year_before(const struct calendar *c, const struct period *from, struct period *out)
{
    int32_t day = date_year_before(middle_of(from));
    enum err e = calendar_on(c, from->series, day, out);

    if (e == ERR_NOT_FOUND)
        return near_day(c, from, day, out);
    return e == OK && strcmp(out->id, from->id) == 0 ? ERR_NOT_FOUND : e;
}
