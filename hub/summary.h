/* summary.h: the indicators of one period as a meeting looks at them: the lines, who has not sent what they rest upon,
 * what is kept apart and asked back about, and what the office wrote beside the lines (comments.h).
 *
 * The office's own view: small numbers are not hidden (invariant 7).  A summary is a copy of its own; the hub's
 * definitions must stay as they are while it is used. */
#ifndef SVODKA_HUB_SUMMARY_H
#define SVODKA_HUB_SUMMARY_H

#include "hub/comments.h"
#include "hub/evaluate.h"
#include "hub/returns.h"

#define SUMMARY_MAX_LINES   200000u
#define SUMMARY_MAX_SOURCES 500u /* forms in periods that the lines rest upon */
#define SUMMARY_MAX_UNITS   5000u

struct summary_line {
    const struct programme *programme;
    const struct indicator *indicator; /* the version that is valid in the period */
    uint32_t index;                    /* the first of its id and part */
    uint32_t unit;                     /* into units; SUMMARY_MUNICIPALITY */
    char *breakdown, *comment;         /* "" */
    struct result result;
    const struct target *target; /* NULL: none */
    enum target_status status;
};
#define SUMMARY_MUNICIPALITY UINT32_MAX

struct summary_unit {
    char id[ID_MAX + 1];
    const char *known_name; /* as long as the summary; NULL: nobody has named it */
    bool has_line;          /* a line is about it */
    bool has_value;         /* ... and has a value */
    bool is_due;            /* something that the lines rest upon is asked of it */
    bool is_behind;         /* ... and not all of that is here */
};
/* For people: its id where nobody has named it. */
static inline const char *summary_unit_name(const struct summary_unit *u)
{
    return u->known_name != NULL ? u->known_name : u->id;
}
/* A return that the lines rest upon and that is not simply here. */
struct summary_return {
    uint32_t source, unit;
    enum return_state state;
    char *text; /* the question, or the reason of a waiver; "" */
};
struct summary_source {
    const struct form *form;
    struct period period;
};
struct summary_apart {
    uint32_t source, unit;
    uint64_t count;
};

struct summary {
    struct hub *hub;
    struct period period;
    struct summary_line *lines; /* as evaluation_lines() gives them */
    size_t line_count, line_cap;
    struct summary_unit *units; /* by name; those about which a line is, and others that should have sent something */
    size_t unit_count, unit_cap;
    size_t unit_last; /* the one that was looked for last */
    struct summary_source *sources;
    size_t source_count, source_cap;
    struct summary_return *returns;
    size_t return_count, return_cap;
    struct summary_apart *apart;
    size_t apart_count, apart_cap;
    struct roster *roster;
    bool is_closed;     /* with all forms */
    bool has_calendar;  /* some calendar asks for what the lines rest upon */
    uint64_t due, here; /* with a calendar: units of which something is due, and of which all of that is here; without:
                           as many as the line with most has, and of those with a value */
};

/* `q->period` is p's id.  `source` as of evaluation_new().  ERR_LIMIT: beyond the limits above. */
MUST_CHECK enum err summary_new(struct summary **out, struct hub *h, struct store_txn *t,
                                const struct indicator_query *q, const struct period *p,
                                const struct cell_source *source, int32_t today);
void summary_free(struct summary *s); /* NULL does nothing */

/* "Preliminary: 10 of 12 schools ..." */
void summary_put_far(struct buf *out, const struct summary *s);
/* Calls `each` for every sentence that belongs below the tables: who has not sent what, who is asked back about what,
 * what is kept apart, who is on hold. */
MUST_CHECK enum err summary_notes(const struct summary *s, enum err (*each)(void *ctx, const char *note), void *ctx);

/* ---- a line in words ---- */

/* A range is a floor with an expected ceiling: above is reached, too; with `direction: down` below is. */
enum summary_reached { SUMMARY_NOT_JUDGED, SUMMARY_REACHED, SUMMARY_NOT_REACHED, SUMMARY_UNKNOWN };
enum summary_reached summary_reached(const struct summary_line *l);
enum summary_reached target_reached(const struct indicator *i, enum target_status s);
/* "reached", "not reached (below the target)", "no data"; "" where there is no target. */
void summary_put_status(struct buf *out, const struct summary_line *l);
/* As a number with `shown` places; false: it is none, or too large, and summary_put_value() has it in words. */
bool summary_number(const struct summary_line *l, int64_t *scaled);
void summary_put_value(struct buf *out, const struct summary_line *l);
/* "34 / 100"; "" where there is no denominator. */
void summary_put_fraction(struct buf *out, const struct summary_line *l);

#endif
