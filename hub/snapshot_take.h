/* snapshot_take.h: the lines of a period, as they are evaluated now, for its snapshot; and what changed since. */
#ifndef SVODKA_HUB_SNAPSHOT_TAKE_H
#define SVODKA_HUB_SNAPSHOT_TAKE_H

#include "hub/evaluate.h"
#include "hub/snapshot.h"

/* Every line of the period (id); with a group of forms (NULL: all) those of indicators that read one of its forms, by
 * themselves or through others.  ERR_NOT_FOUND: no calendar knows the group. */
MUST_CHECK enum err snapshot_take(struct hub *h, struct store_txn *t, const char *period, const char *group,
                                  struct snapshot_writer *out);
/* One line, as it goes into a snapshot; its texts are loans of `l` and `target`, which holds what the target says. */
void snapshot_line_of(struct snapshot_line *out, const struct indicator_line *l, struct buf *target);

/* Does the indicator (index of its first version) read one of these forms (ids)?  All of its versions are looked at. */
MUST_CHECK enum err indicator_reads_forms(const struct programme *p, uint32_t indicator, const char *const *forms,
                                          size_t count, bool *reads);

#endif
