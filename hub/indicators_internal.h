/* indicators_internal.h: shared by indicators*.c, indicator_kinds.c and programme.c alone. */
#ifndef SVODKA_HUB_INDICATORS_INTERNAL_H
#define SVODKA_HUB_INDICATORS_INTERNAL_H

#include "hub/indicators.h"

/* Expressions of an indicator compiled against one version of its form. */
struct indicator_code {
    struct expr *where;     /* NULL: every submission */
    struct expr *condition; /* share */
    struct expr *value;     /* sum, mean */
    int32_t breakdown;      /* index of the field, or -1 */
};

struct indicator {
    char id[FORM_NAME_MAX + 1];
    const struct indicator_kind *kind;
    const char *name_ru, *name_en;
    const char *unit_ru, *unit_en;                     /* of measure */
    const char *form;                                  /* form id */
    const char *where, *condition, *value, *breakdown; /* sources; NULL: none */
    unsigned places;                                   /* of what enters the sums */
    unsigned shown;                                    /* on a terminal */
    char *definition_ru, *definition_en;
    uint8_t digest[INDICATOR_DIGEST_BYTES];
};

/* One row of the table in indicator_kinds.c: adding a kind is adding a row. */
struct indicator_kind {
    const char *name;
    bool needs_condition, needs_value, has_denominator;
    /* What one submission (already inside `where`) adds; false: nothing. */
    bool (*contribute)(const struct indicator *i, const struct indicator_code *code, struct expr_arena *arena,
                       const struct expr_env *env, struct contribution *out);
    /* The value as a fraction, in the unit of measure; false: no data. */
    bool (*fraction)(const struct indicator *i, const struct cell *c, i128 *numerator, i128 *denominator);
};
extern const char *const indicator_kind_names[];
const struct indicator_kind *indicator_kind_at(size_t i);

/* The version to compile against, and all versions of the form, whose `was:` tell what a field was called before.
 * `all` may hold other forms, and may be NULL. */
struct form_versions {
    const struct form *at;
    struct form *const *all;
    size_t count;
};
/* Mistakes go to `complain` (NULL: silently ERR_INVALID). */
typedef void (*code_complaint)(void *ctx, const char *key, const struct expr_error *error);
MUST_CHECK enum err indicator_compile(struct indicator_code *out, const struct indicator *i,
                                      const struct form_versions *v, code_complaint complain, void *ctx);
void indicator_code_fini(struct indicator_code *c);

i128 i128_power10(unsigned places);

#endif
