/* cells.h: the sums behind the indicators.  What submissions add is gathered in memory first (a batch touches the same
 * few cells again and again) and then goes into the store with one read and one write per touched cell.
 *
 * A cell whose three sums are zero is not kept: what remains is a pure function of the submissions that count
 * (invariant 5), however they came and went. */
#ifndef SVODKA_HUB_CELLS_H
#define SVODKA_HUB_CELLS_H

#include "hub/indicators.h"
#include "hub/place.h"

/* Key in H_CELLS: indicator digest 16 | unit 0 | period 0 | breakdown. */
#define CELL_KEY_MAX       STORE_KEY_MAX
#define CELL_BREAKDOWN_MAX (STORE_KEY_MAX - INDICATOR_DIGEST_BYTES - ID_MAX - 1u - 33u)
/* Returns its length; 0: the breakdown is too long.  `breakdown` NULL: the prefix of all breakdowns. */
size_t cell_key(uint8_t out[CELL_KEY_MAX], const uint8_t digest[INDICATOR_DIGEST_BYTES], const char *unit,
                const char *period, const char *breakdown);

struct cell_sums;
MUST_CHECK enum err cell_sums_new(struct cell_sums **out);
void cell_sums_free(struct cell_sums *s);
void cell_sums_reset(struct cell_sums *s);
/* The places that the sums speak about: the caller finds a place there first. */
struct places *cell_sums_places(struct cell_sums *s);
uint32_t cell_sums_count(const struct cell_sums *s);

/* Adds (sign 1) or takes away (sign -1) what one submission contributes.  When the indicators cannot be evaluated for
 * it it contributes nothing at all, each time it is asked. */
MUST_CHECK enum err cell_sums_record(struct cell_sums *s, struct indicator_eval *eval, uint32_t place,
                                     const struct record *r, int sign);
MUST_CHECK enum err cell_sums_add(struct cell_sums *s, uint32_t place, const struct indicator *i, const char *breakdown,
                                  const struct contribution *c, int sign);
MUST_CHECK enum err cell_sums_merge(struct cell_sums *into, const struct cell_sums *from);
/* Adds everything gathered to the cells in the store.  ERR_CORRUPT: a cell would hold fewer than no submissions. */
MUST_CHECK enum err cell_sums_store(const struct cell_sums *s, struct store_txn *t);

#endif
