/* period_internal.h: what period.c (series, ids, days), period_find.c (looking up), period_label.c (what people type)
 * and period_read.c (what packs give) share. */
#ifndef SVODKA_COMMON_PERIOD_INTERNAL_H
#define SVODKA_COMMON_PERIOD_INTERNAL_H

#include "common/period.h"

#define YEAR_FIRST 1990
#define YEAR_LAST  2099

enum grain {
    GRAIN_SCHOOL_YEAR,
    GRAIN_SCHOOL_QUARTER,
    GRAIN_SCHOOL_HALF_YEAR,
    GRAIN_CALENDAR_YEAR,
    GRAIN_CALENDAR_QUARTER,
    GRAIN_MONTH
};
#define GRAIN_COUNT 6u

/* One period of a predefined series. */
struct slot {
    enum grain grain;
    int year; /* a school year by its first: 2020 for 2020/21 */
    int part; /* from 1; 1 for the years */
};

const char *grain_name(enum grain g);
int grain_parts(enum grain g); /* periods of a year */
/* Id, default dates and labels. */
void slot_period(const struct slot *s, struct period *out);
/* Exactly an id. */
bool slot_from_id(struct slot *out, const char *id);
/* A label as people write it, in Russian or English, any case. */
bool slot_from_label(struct slot *out, const char *text);
/* The slot `steps` later; false past the ends. */
bool slot_step(struct slot *s, int32_t steps);

/* A period that a pack gave: of a series of its own, or a predefined one with other dates. */
struct own {
    struct period p;
    const struct yaml_node *at; /* while its pack is read; NULL afterwards */
};

struct calendar {
    const char *names[GRAIN_COUNT + CALENDAR_MAX_SERIES]; /* the first GRAIN_COUNT are the predefined ones */
    char *own_names[CALENDAR_MAX_SERIES];                 /* the other pointers again, owned */
    char *label_ru[CALENDAR_MAX_SERIES];
    char *label_en[CALENDAR_MAX_SERIES];
    size_t series_count; /* of own_names */
    struct own *own;     /* sorted by id */
    size_t own_count;
};

/* The period of a slot, with the dates and labels that a pack gave it. */
void calendar_slot_period(const struct calendar *c, const struct slot *s, struct period *out);
/* The period that a pack gave this id, or NULL. */
const struct own *calendar_own(const struct calendar *c, const char *id);
/* ERR_NOT_FOUND with a suggestion. */
MUST_CHECK enum err calendar_no_series(const struct calendar *c, const char *series);
/* Index in names, or -1. */
int calendar_series_index(const struct calendar *c, const char *series);
/* Forgets the packs' series from `keep` on. */
void calendar_drop_series(struct calendar *c, size_t keep);

#endif
