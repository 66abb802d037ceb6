/* cmd_indicators_past.h: `indicators --snapshot` and `--as-of`: values as they were. */
#ifndef SVODKA_HUB_CMD_INDICATORS_PAST_H
#define SVODKA_HUB_CMD_INDICATORS_PAST_H

#include "common/table.h"
#include "hub/checkpoint_source.h"

/* --as-of DATE: the cells of that day's checkpoint, or the last one before; says on stderr which. */
MUST_CHECK enum err past_source(struct checkpoint_view *view, struct store_txn *t, const char *date,
                                struct cell_source *out);
/* --snapshot: prints the frozen lines of q->period (group NULL: of all forms) that the query is about, with the columns
 * of `indicators`. */
MUST_CHECK enum err past_show_snapshot(struct hub *h, const struct indicator_query *q, const char *group,
                                       const struct table_column *program_columns, size_t count, enum table_format f);

#endif
