/* next_year.h: the next version of a programme pack, for the next school year, without typing anything twice.
 *
 * Rules go on by themselves: calendar, yearly measures of the roadmap, predefined series, the roster.  What carries
 * dates of its own is shifted by a year: the periods of the pack's series whose ids name a year.  What nobody can know
 * is named: targets that are to be decided, dates that were meant for one year (stages, single measures). */
#ifndef SVODKA_HUB_NEXT_YEAR_H
#define SVODKA_HUB_NEXT_YEAR_H

#include "hub/programme.h"

enum next_year_what {
    NEXT_MADE,   /* done */
    NEXT_DECIDE, /* a person must decide */
    NEXT_LEFT    /* left as it is, because its dates are those of one year */
};
typedef void (*next_year_say)(void *ctx, enum next_year_what what, const char *text);

/* The school year to prepare for on that day: the first that begins on it or later, or has begun within the last 90
 * days: in August as in October it is the one of this September. */
int next_year_of(int32_t today);

/* *out: a copy with the files that changed; pack_free().  `calendar` holds the periods of all other programmes, and
 * gets those of the new version.  ERR_INVALID: a file is not written in a way that can be continued; err_text() says
 * which and how. */
MUST_CHECK enum err next_year_make(struct pack *out, const struct pack *in, int year, struct calendar *calendar,
                                   next_year_say say, void *ctx);
/* Writes the pack into a folder that must not exist or be empty, whole or not at all: one that stands by itself, with
 * what is shared inside.  ERR_EXISTS. */
MUST_CHECK enum err next_year_write(const struct pack *p, const char *dir);

#endif
