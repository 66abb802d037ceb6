/* cells.h: the sums behind the variables.  What submissions add is gathered in memory first (a batch touches the same
 * few cells again and again) and then goes into the store with one read and one write per touched cell.
 *
 * A cell is the sum of what was added to it and how many they were; one in which both are zero is not kept: what
 * remains is a pure function of the submissions that count (invariant 5), however they came and went. */
#ifndef SVODKA_HUB_CELLS_H
#define SVODKA_HUB_CELLS_H

#include "hub/place.h"
#include "hub/variables.h"

/* Key in H_CELLS: variable digest 16 | unit 0 | period 0 | part (bytes, variables.h). */
#define CELL_KEY_MAX STORE_KEY_MAX
/* Returns its length; 0: unit, period or part is too long.  Without a part it is what all parts' keys begin with. */
size_t cell_key(uint8_t out[CELL_KEY_MAX], const uint8_t digest[VARIABLE_DIGEST_BYTES], const char *unit,
                const char *period, struct bytes part);
/* Parts of such a key, as loans. */
struct cell_at {
    const uint8_t *digest;
    const char *unit, *period;
    struct bytes part;
};
MUST_CHECK enum err cell_key_read(struct cell_at *out, struct bytes key); /* ERR_CORRUPT */

struct cell_sums;
MUST_CHECK enum err cell_sums_new(struct cell_sums **out);
void cell_sums_free(struct cell_sums *s);
void cell_sums_reset(struct cell_sums *s);
/* The places that the sums speak about: the caller finds a place there first. */
struct places *cell_sums_places(struct cell_sums *s);
uint32_t cell_sums_count(const struct cell_sums *s);

/* Adds (sign 1) or takes away (sign -1) what one submission contributes.  When a variable cannot be evaluated for it
 * (a part that is too long, an expression beyond its limits) it contributes nothing at all, to none of them, each time
 * it is asked. */
MUST_CHECK enum err cell_sums_record(struct cell_sums *s, struct variable_eval *eval, uint32_t place,
                                     const struct record *r, int sign);
MUST_CHECK enum err cell_sums_add(struct cell_sums *s, uint32_t place, const struct variable *v, struct bytes part,
                                  const struct contribution *c, int sign);
MUST_CHECK enum err cell_sums_merge(struct cell_sums *into, const struct cell_sums *from);
/* Calls `each` for every cell gathered that is not nothing, with its key in H_CELLS; a key may come twice (versions of
 * a form). */
MUST_CHECK enum err cell_sums_each(const struct cell_sums *s,
                                   enum err (*each)(void *ctx, struct bytes key, const struct contribution *c),
                                   void *ctx);
/* Adds to one cell in the store.  ERR_CORRUPT: it would hold fewer than no submissions. */
MUST_CHECK enum err cell_add(struct store_txn *t, struct bytes key, const struct contribution *c);
/* Adds everything gathered to the cells in the store.  ERR_CORRUPT: a cell would hold fewer than no submissions. */
MUST_CHECK enum err cell_sums_store(const struct cell_sums *s, struct store_txn *t);

#endif
