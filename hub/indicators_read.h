/* indicators_read.h: indicators that are a sum of variables, or one such sum over another, in the variables' own
 * period: what the commands `indicators` and `explain` show. */
#ifndef SVODKA_HUB_INDICATORS_READ_H
#define SVODKA_HUB_INDICATORS_READ_H

#include "hub/cells.h"

/* Above and below the line, times AMOUNT_SCALE. */
#define AMOUNT_SCALE 1000000
struct amounts {
    i128 numerator, denominator;
    uint64_t n; /* of the numerator's first variable */
};

bool indicator_is_shown(const struct indicator *i); /* of those kinds, and not hidden */
const char *indicator_name(const struct indicator *i, bool russian);
const char *indicator_unit_of_measure(const struct indicator *i, bool russian);
const char *indicator_definition(const struct indicator *i, bool russian);
const char *indicator_form(const struct programme *p, const struct indicator *i);
/* Adds what one cell, or one submission, adds by way of the variable with that digest; false: nothing. */
bool indicator_add(const struct programme *p, const struct indicator *i, const uint8_t digest[VARIABLE_DIGEST_BYTES],
                   i128 sum, int64_t n, struct amounts *to);
/* Exact division, six places (or as many as said, at most 6), half up; false: no data. */
bool indicator_value(const struct indicator *i, const struct amounts *a, struct buf *out);
bool indicator_value_places(const struct indicator *i, const struct amounts *a, unsigned places, struct buf *out);
/* Exact decimals; without a denominator nothing is appended for it. */
void indicator_numerator(const struct indicator *i, const struct amounts *a, struct buf *out);
void indicator_denominator(const struct indicator *i, const struct amounts *a, struct buf *out);

/* One line of `svodka-hub indicators`. */
enum indicator_level { LEVEL_UNIT, LEVEL_MUNICIPALITY };
struct indicator_line {
    const struct programme *programme;
    const struct indicator *indicator;
    enum indicator_level level;
    const char *unit; /* "" for the municipality */
    const char *period;
    const char *breakdown;
    struct amounts cell;
    uint64_t reported, expected; /* units with data, units in the roster */
};
struct indicator_query {
    const char *programme, *period, *unit, *indicator; /* NULL: all */
    int level;                                         /* -1: all; else enum indicator_level */
};
/* In order: programme, indicator as defined, period, level (units first, sorted; then the municipality), breakdown. */
MUST_CHECK enum err indicators_read(struct hub *h, struct store_txn *t, const struct indicator_query *q,
                                    enum err (*each)(void *ctx, const struct indicator_line *l), void *ctx);

#endif
