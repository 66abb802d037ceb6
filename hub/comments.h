/* comments.h: what the office wrote beside a line of the indicators: one text for a programme's indicator, breakdown,
 * period and unit (or the municipality).
 *
 * A comment changes no number, so it is no entry of the journal and verify knows nothing of it: it stands in a table of
 * its own, which every backup carries whole, and what is removed there is gone.  The audit is told who and about what,
 * never the text.  Like questions, comments lie in the store in clear: no names of children belong there. */
#ifndef SVODKA_HUB_COMMENTS_H
#define SVODKA_HUB_COMMENTS_H

#include "hub/evaluate.h"
#include "protocol/record.h"

#define COMMENT_TEXT_MAX      1000u /* bytes */
#define COMMENT_BY_MAX        80u
#define COMMENT_BREAKDOWN_MAX (2 * PART_MAX + 1)

/* Which line.  No part may be longer than its maximum: FORM_NAME_MAX, COMMENT_BREAKDOWN_MAX, PERIOD_ID_MAX, ID_MAX. */
struct comment_place {
    const char *programme, *indicator; /* ids */
    const char *period;                /* id */
    const char *unit;                  /* "" for the municipality */
    const char *breakdown;             /* as `indicators` names it; "" */
};
struct comment {
    int64_t wall_ms;             /* when it was written */
    char by[COMMENT_BY_MAX + 1]; /* who: as in the audit */
    char text[COMMENT_TEXT_MAX + 1];
};

/* Writes it, over the one that is there.  ERR_INVALID: the text is empty, not UTF-8, or holds control characters other
 * than line breaks; ERR_LIMIT: it, or a part of the place, is too long. */
MUST_CHECK enum err comment_put(struct store_txn *t, const struct comment_place *at, const char *by, const char *text,
                                int64_t wall_ms);
/* ERR_NOT_FOUND. */
MUST_CHECK enum err comment_get(struct store_txn *t, const struct comment_place *at, struct comment *out);
/* Of a line of the indicators; without one the text is "". */
MUST_CHECK enum err comment_of_line(struct store_txn *t, const struct indicator_line *l, struct comment *out);
bool comments_are_there(struct store_txn *t);
MUST_CHECK enum err comment_remove(struct store_txn *t, const struct comment_place *at);
/* All of them (`programme` NULL), or a programme's, by programme, indicator, period, unit, breakdown; loans until
 * `each` returns.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err comments_each(struct store_txn *t, const char *programme,
                                  enum err (*each)(void *ctx, const struct comment_place *at, const struct comment *c),
                                  void *ctx);

#endif
