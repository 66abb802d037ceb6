/* period.h: periods are labels in series of dated intervals.
 *
 * Predefined series and the ids of their periods (what records carry and people may type), school years 1990/91 to
 * 2099/00 and calendar years 1990 to 2099:
 *   school_year       2020/21       1 Sep - 31 Aug          calendar_year     2020
 *   school_quarter    2020/21-Q1    see below               calendar_quarter  2020-Q1
 *   school_half_year  2020/21-H1    see below               month             2020-09
 * No law fixes school quarters and half-years; until a pack gives its own dates, these are our proposal:
 *   Q1 1 Sep - 31 Oct, Q2 1 Nov - 31 Dec, Q3 1 Jan - 31 Mar, Q4 1 Apr - 31 May; H1 1 Sep - 31 Dec, H2 1 Jan - 31 May.
 * A pack adds series of its own: trimester, stage, round, state on a date, event: each period with id, dates, labels.
 * A series may have gaps (summer belongs to no quarter).
 *
 * A calendar is read by many threads at once, but not while calendar_read() runs. */
#ifndef SVODKA_COMMON_PERIOD_H
#define SVODKA_COMMON_PERIOD_H

#include "common/yaml.h"

#define PERIOD_ID_MAX 32u /* bytes, without NUL; [A-Za-z0-9_./-] */

struct period {
    char id[PERIOD_ID_MAX + 1];
    const char *series;  /* loan from the calendar */
    int32_t first, last; /* days, both included */
    char label_ru[96];   /* «1 четверть 2020/21» */
    char label_en[96];
};

#define CALENDAR_MAX_PERIODS 2000u /* that packs give */
#define CALENDAR_MAX_SERIES  100u

struct calendar;

/* Predefined series only. */
MUST_CHECK enum err calendar_new(struct calendar **out);
void calendar_free(struct calendar *c);
/* Adds a pack's `periods:` sequence: items {series, label?, periods: [{id, from, to, label?}]}; `on: DATE` stands for
 * from and to of one day.  A predefined school series may be given with its own dates, period by period.
 * Mistakes: overlaps inside a series, from > to, an id of two series, dates of an id that an earlier pack gave
 * otherwise (the same dates again are welcome), dates outside 1990 to 2100, school quarters outside their year.
 * False when there was any: then the calendar is as before. */
bool calendar_read(struct calendar *c, const struct yaml_doc *d, const struct yaml_node *periods, struct report *r);

/* By id; also accepts the label a person may type («1 четверть 2020/21», "1 quarter 2020", «сентябрь 2020 г.»), in any
 * case.  ERR_NOT_FOUND: err_text() says what is near in `series` (NULL: any series). */
MUST_CHECK enum err calendar_find(const struct calendar *c, const char *series, const char *text, struct period *out);
/* The same in any of `count` series (0: in all there are).  Those that the calendar does not know are passed over,
 * unless it knows none. */
MUST_CHECK enum err calendar_find_in(const struct calendar *c, const char *const *series, size_t count,
                                     const char *text, struct period *out);
/* "a, b, c" for messages; what does not fit is cut. */
#define CALENDAR_JOINED_MAX 640u
void calendar_join(char out[CALENDAR_JOINED_MAX], const char *const *series, size_t count);
/* The period of the series that holds that day; ERR_NOT_FOUND: no such series, or a gap. */
MUST_CHECK enum err calendar_on(const struct calendar *c, const char *series, int32_t day, struct period *out);
/* The first period of the series that begins on that day or later; ERR_NOT_FOUND: no such series, or none. */
MUST_CHECK enum err calendar_next(const struct calendar *c, const char *series, int32_t day, struct period *out);
/* The period of the same series `steps` later (negative: earlier).  ERR_NOT_FOUND: past the ends. */
MUST_CHECK enum err calendar_step(const struct calendar *c, const struct period *from, int32_t steps,
                                  struct period *out);
/* The period of the same series a year before: the one that holds the same day a year earlier as this one's middle, or
 * in a series with gaps or moving dates the one whose middle is nearest to it, within 45 days.  ERR_NOT_FOUND. */
MUST_CHECK enum err calendar_year_before(const struct calendar *c, const struct period *from, struct period *out);
/* The latest period of the series that has begun by that day (`ended`: whose last day has come by then).
 * ERR_NOT_FOUND: none, or no such series; without a sentence in err_text(), because it is no mistake. */
MUST_CHECK enum err calendar_latest(const struct calendar *c, const char *series, int32_t day, bool ended,
                                    struct period *out);
bool calendar_has_series(const struct calendar *c, const char *series);
/* Names of all series, predefined first; a loan until the next calendar_read(). */
const char *const *calendar_series(const struct calendar *c, size_t *count);
/* The series' own heading in both languages, never NULL; false: no such series. */
bool calendar_series_label(const struct calendar *c, const char *series, const char **ru, const char **en);
/* The school year that holds the day: 2020 for 2020/21. */
int school_year_of(int32_t day);

#endif
