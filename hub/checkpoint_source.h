/* checkpoint_source.h: the cells of an earlier day, for an evaluation. */
#ifndef SVODKA_HUB_CHECKPOINT_SOURCE_H
#define SVODKA_HUB_CHECKPOINT_SOURCE_H

#include "hub/checkpoint.h"
#include "hub/evaluate.h"

struct checkpoint_view {
    struct store_txn *t;
    struct checkpoint_mark mark;
};
/* The last checkpoint of that day or earlier; view->mark says which.  `t` and `view` must stay while the source is
 * used. ERR_NOT_FOUND: there is none. */
MUST_CHECK enum err checkpoint_source(struct checkpoint_view *view, struct store_txn *t, int32_t day,
                                      struct cell_source *out);

#endif
