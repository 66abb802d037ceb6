/* variables.h: what submissions add to the stored cells: the hot path of intake.
 *
 * Each variable of each loaded programme is compiled against each version of its form; variables of equal definition
 * (equal digest) are one.  All kinds are additive, so that a cell changes by exactly what a submission adds or takes
 * away, in whatever order (invariants 3 and 5):
 *   sum        part "" and, with `by`, one part for each combination of codes: "grade=5;subject=rus"
 *   values     part: 8 bytes, the scaled value as a big-endian integer with its sign bit turned (so that parts sort)
 *   keys       part: 8 bytes of keyed digest over unit and key | clause index u8
 *   pairs      part: 8 bytes of keyed digest over unit and key | 8 bytes over unit and `within` | order i32 big-endian,
 *              sign bit turned; the sum holds the value
 *   keys, and whatever says `absent: 0`, as well: part of one byte, the clause's index: one for each submission of the
 *              form, whatever it holds, so that nothing found in what was sent is told from nothing sent
 *   relations  part: 8 bytes of keyed digest over the key and both ends in order (not of the unit: both sides name the
 *              same relation) | the partner's id as text ("" for an outsider)
 * The digest's key is derived from the hub's storage key: a code can neither be read in the store nor guessed. */
#ifndef SVODKA_HUB_VARIABLES_H
#define SVODKA_HUB_VARIABLES_H

#include "hub/programme.h"
#include "protocol/record.h"

#define PART_KEY_BYTES 8u
/* A part that says: there is a submission. */
static inline bool part_is_presence(struct bytes part)
{
    return part.len == 1 && part.p[0] < VARIABLE_MAX_CLAUSES;
}
#define VARIABLE_PART_MAX 429u /* bytes: what a key of the store leaves beside digest, unit and period (cells.h) */

/* What one submission adds to one cell.  Sums are scaled by the variable's places. */
struct contribution {
    i128 sum;
    int64_t n; /* how many were added */
};
/* A cell holds the same two, summed. */
struct cell {
    i128 sum;
    uint64_t n;
};
#define CELL_BYTES 24u
void cell_put(uint8_t out[CELL_BYTES], const struct cell *c);
MUST_CHECK enum err cell_get(struct cell *c, struct bytes in); /* ERR_CORRUPT */

struct variable_eval;
/* One per thread; over all programmes and form versions of the hub, and `h->storage` for the digests.  `only` (NULL:
 * all) restricts it to variables for which it returns true: for building new ones beside the old. */
MUST_CHECK enum err variable_eval_new(struct variable_eval **out, const struct hub *h,
                                      bool (*only)(const void *ctx, const struct variable *v), const void *ctx);
void variable_eval_free(struct variable_eval *e);
/* Calls `each` for every cell that one submission touches; a cell may come several times (rows of a repeat).  `part` is
 * a loan until it returns.  ERR_LIMIT, ERR_INVALID: an expression could not be evaluated. */
typedef enum err (*variable_each)(void *ctx, const struct variable *v, struct bytes part, const struct contribution *c);
MUST_CHECK enum err variable_eval_record(struct variable_eval *e, const struct form *f, const char *unit,
                                         const struct value *values, uint32_t count, int32_t filled_on,
                                         variable_each each, void *ctx);
/* Does any variable read this form? */
bool variable_eval_reads(const struct variable_eval *e, const struct form *f);

/* ---- for the loader ---- */

/* The version to compile against, and all versions of the form, whose `was:` tell what a field was called before.
 * `all` may hold other forms, and may be NULL. */
struct form_versions {
    const struct form *at;
    struct form *const *all;
    size_t count;
};
/* Mistakes go to `complain` with the name of the key ("where", "value", "key", "by", "rows" ...; NULL: silently
 * ERR_INVALID) and the index of the clause. */
typedef void (*variable_complaint)(void *ctx, uint32_t clause, const char *key, const struct expr_error *error);
struct variable_code; /* one clause compiled against one version */
MUST_CHECK enum err variable_compile(struct variable_code **out, const struct variable *v, uint32_t clause,
                                     const struct form_versions *versions, variable_complaint complain, void *ctx);
void variable_code_free(struct variable_code *c);

#endif
