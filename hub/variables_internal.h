/* variables_internal.h: shared by the variables*.c files alone.
 *
 *   variables_code.c  a clause's expressions and fields compiled against one version of its form
 *   variables_part.c  rounding, keyed digests, the bytes of a part
 *   variables.c       all variables of the hub, evaluated for one submission */
#ifndef SVODKA_HUB_VARIABLES_INTERNAL_H
#define SVODKA_HUB_VARIABLES_INTERNAL_H

#include "hub/variables.h"

/* A field of `by`. */
struct variable_by {
    const struct form_field *field; /* of the version compiled against */
    uint32_t index;                 /* among the submission's values, or among the columns of a row */
    bool in_row;
};

struct variable_code {
    int32_t rows; /* index of the repeat whose rows are looked at; -1: the submission once */
    struct expr *where, *key, *value, *within, *order, *partner; /* NULL: not given */
    struct variable_by by[VARIABLE_MAX_BY];
    uint32_t by_count;
};

/* Cuts off what stands before the first `and` of a condition, as far as `and` is what holds it together; all of it when
 * it is not. */
struct bytes condition_first(struct bytes *left);
/* Such a part, alone. */
MUST_CHECK enum err variable_compile_condition(struct expr **out, struct bytes source,
                                               const struct form_versions *versions, int32_t rows);

/* Half up, as the decimal digits show it, to a scaled whole number.  False: no number, or none that is exact. */
bool variable_round(double x, double scale, i128 *out);

/* A part in the making. */
struct part {
    uint8_t bytes[VARIABLE_PART_MAX];
    size_t len;
    bool failed; /* it did not fit */
};
void part_put(struct part *p, const void *bytes, size_t len);
/* Big-endian with the sign bit turned, so that bytes sort as numbers do. */
void part_put_i32(struct part *p, int32_t x);
void part_put_i64(struct part *p, int64_t x);
/* Appends "name=code"; the caller puts what stands between.  ERR_LIMIT: the answer is too long. */
MUST_CHECK enum err part_put_code(struct part *p, const char *name, const struct form_field *field,
                                  const struct value *v);

/* What keyed digests are made with: one per thread. */
struct code_digests {
    uint8_t key[KEY_BYTES];
    struct buf context;
};
void code_digests_init(struct code_digests *d, const struct key *storage);
void code_digests_fini(struct code_digests *d);
enum code_digest_of { CODE_KEY = 'k', CODE_WITHIN = 'w', CODE_RELATION = 'r' };
/* Over what it is of, one unit or two (`other` NULL: one), and the text. */
MUST_CHECK enum err code_digest(struct code_digests *d, enum code_digest_of of, const char *unit, const char *other,
                                struct bytes text, uint8_t out[PART_KEY_BYTES]);

#endif
