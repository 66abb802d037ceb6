/* cmd_indicators_fill.h: `indicators --fill`: a region's own workbook with the district's numbers in its cells. */
#ifndef SVODKA_HUB_CMD_INDICATORS_FILL_H
#define SVODKA_HUB_CMD_INDICATORS_FILL_H

#include "hub/hub.h"

struct indicators_fill {
    const char *template, *map; /* files */
    const char *programme;      /* id; NULL: any */
    const struct period *period;
};
/* Fills the template, has the audit note it, and writes `path`, which must not be there.  Mistakes of the map are
 * printed on stderr, each with its line: then ERR_INVALID, and nothing is written. */
MUST_CHECK enum err indicators_fill(struct hub *h, const struct indicators_fill *f, const char *path);

#endif
