/* ledger_build.h: what a new version of a programme does to the cells (docs/indicators.md, "What a new version may
 * change").  Cells of variables that are new are built beside the old ones, from the current submissions, without
 * holding the writer; then, in one write transaction, they are stored, and those of variables that no programme has any
 * more go.  Until that commit nothing has happened.
 *
 * New is a variable whose definition no loaded programme has; and one that reads a form of which a version comes that
 * renames fields: older versions may now have what they lacked. */
#ifndef SVODKA_HUB_LEDGER_BUILD_H
#define SVODKA_HUB_LEDGER_BUILD_H

#include "hub/ledger.h"
#include "hub/programme.h"

struct cell_build;

/* `fresh` is to come in place of the hub's programme of the same id, or beside the others.  Hub and programme stay as
 * they are until cell_build_free(). */
MUST_CHECK enum err cell_build_new(struct cell_build **out, struct hub *h, const struct programme *fresh);
void cell_build_free(struct cell_build *b);
/* Is any variable new? */
bool cell_build_is_needed(const struct cell_build *b);
/* Is it one of them? */
bool cell_build_has(const struct cell_build *b, const struct variable *v);
/* How many definitions are new, and from how many submissions their cells are computed. */
MUST_CHECK enum err cell_build_size(struct cell_build *b, struct store_txn *t, uint64_t *definitions,
                                    uint64_t *submissions);
/* Computes the new cells from what `t` (read or write) shows; again: from the beginning.  What does not fit into memory
 * lies in HOME/build.tmp until cell_build_free().  Progress through cli_progress().  ERR_BUSY: another process builds.
 */
MUST_CHECK enum err cell_build_run(struct cell_build *b, struct store_txn *t);
/* Has nothing been added to the journal since cell_build_run()? */
MUST_CHECK enum err cell_build_is_current(const struct cell_build *b, struct store_txn *t, bool *is_current);
/* Puts them into H_CELLS, inside `t`; before the hub is reloaded. */
MUST_CHECK enum err cell_build_store(const struct cell_build *b, struct store_txn *t);

/* So many cells are gathered in memory; for tests. */
void cell_build_set_memory(struct cell_build *b, uint32_t cells);

#endif
