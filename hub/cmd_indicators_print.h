/* cmd_indicators_print.h: `indicators --xlsx` and `--html`: what a meeting has before it. */
#ifndef SVODKA_HUB_CMD_INDICATORS_PRINT_H
#define SVODKA_HUB_CMD_INDICATORS_PRINT_H

#include "hub/summary.h"

struct indicators_paper {
    const struct summary *summary;
    const char *unit;  /* id: a sheet of this one alone; NULL: the district, and all of them side by side */
    const char *as_of; /* of an earlier day; NULL: now */
};
/* The lines of q->period as they are now, or (`as_of` a date) as they were.  summary_free(). */
MUST_CHECK enum err indicators_gather(struct summary **out, struct hub *h, const struct indicator_query *q,
                                      const struct period *p, const char *as_of);
/* Writes the workbook or the page (common/handout.h) and says so on stderr.  ERR_NOT_FOUND: there is no line. */
MUST_CHECK enum err indicators_print(const struct indicators_paper *p, const char *path);

#endif
