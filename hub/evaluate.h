/* evaluate.h: indicators computed on reading, from the cells.
 *
 * An evaluation is one consistent look: it reads roster and cells in one transaction and remembers what it computed.
 * It is used by one thread.  Its cost does not depend on the number of submissions. */
#ifndef SVODKA_HUB_EVALUATE_H
#define SVODKA_HUB_EVALUATE_H

#include "hub/programme.h"
#include "hub/roster.h"
#include "hub/variables.h"

struct evaluation;

/* Where cells come from: the living ones, or those of a day (a checkpoint, a snapshot).  Calls `each` for all cells of
 * one variable in key order: unit, period, part. */
struct cell_source {
    enum err (*each_cell)(void *ctx, const uint8_t digest[VARIABLE_DIGEST_BYTES],
                          enum err (*each)(void *to, const char *unit, const char *period, struct bytes part,
                                           const struct cell *c),
                          void *to);
    void *ctx;
};
/* `t` must stay open while the evaluation is used.  `source` NULL: the living cells of `t`. */
MUST_CHECK enum err evaluation_new(struct evaluation **out, struct hub *h, struct store_txn *t,
                                   const struct cell_source *source);
/* The same as if these units and all that is about them were not there; `without` must outlive the evaluation. */
struct units;
MUST_CHECK enum err evaluation_new_without(struct evaluation **out, struct hub *h, struct store_txn *t,
                                           const struct cell_source *source, const struct units *without);
void evaluation_free(struct evaluation *e);

enum result_state { RESULT_OK, RESULT_NO_DATA };
enum target_status { TARGET_NONE, TARGET_BELOW, TARGET_WITHIN, TARGET_ABOVE, TARGET_NOT_DUE, TARGET_NO_DATA };

#define RESULT_SCALE 1000000 /* six places */
struct result {
    enum result_state state;
    i128 value;                  /* times RESULT_SCALE, rounded once, half up */
    double number;               /* the same before rounding: what other formulas read */
    bool has_fraction;           /* of kinds made of sums, units, class, execution, progress */
    bool has_denominator;        /* else it is a count or a sum, and `denominator` is 0 */
    i128 numerator, denominator; /* scaled by 10^fraction_places */
    unsigned fraction_places;
    uint64_t n;                            /* submissions (rows, keys) behind it */
    uint64_t reported, expected, excluded; /* units with a value, in the roster, left out (not eligible) */
    const char *why_not;                   /* RESULT_NO_DATA: a word for people, translated when shown; else NULL */
    struct period used;                    /* of `last_known.` and `base.`: the period that was taken; id "" else */
    bool is_reweighted;                    /* index with a missing component */
    uint32_t class_index;                  /* class: from 1; 0 else */
};

/* `unit` NULL: the municipality.  `part` NULL or "": the whole.  The indicator is the first of its id and part: the
 * version valid in the period is taken.  ERR_NOT_FOUND: not computed at that level or in that series. */
MUST_CHECK enum err evaluation_value(struct evaluation *e, const struct programme *p, uint32_t indicator,
                                     const char *unit, const struct period *period, const char *part,
                                     struct result *out);

/* One line of `svodka-hub indicators`. */
enum indicator_level { LEVEL_UNIT, LEVEL_MUNICIPALITY };
struct indicator_line {
    const struct programme *programme;
    const struct indicator *indicator; /* the version that is valid in the period */
    uint32_t index;                    /* the first of its id and part */
    enum indicator_level level;
    const char *unit; /* "" for the municipality */
    const struct period *period;
    const char *breakdown; /* "", its part, a part of its variables, "class=CODE" */
    struct result result;
    const struct target *target; /* NULL: none for that period */
    enum target_status status;
};
struct indicator_query {
    const char *programme, *period, *unit, *indicator; /* NULL: all; period by id */
    int level;                                         /* -1: all; else enum indicator_level */
    bool with_hidden;
};
/* In order: programme, indicator as defined, period, level (units first, sorted; then the municipality), breakdown.
 * Periods: those of the indicator's series that meet the time the cells are about, and the one asked for.  A unit of
 * the roster without data is listed as such in each of them. */
MUST_CHECK enum err evaluation_lines(struct evaluation *e, const struct indicator_query *q,
                                     enum err (*each)(void *ctx, const struct indicator_line *l), void *ctx);

/* What a value rests upon, one step down: for explain, publication and the audit.  Variables with their coefficient in
 * numerator and denominator (of linear kinds), and other indicators' values. */
struct input {
    bool is_variable;
    uint32_t index;                       /* into programme->variables or indicators */
    const char *unit;                     /* NULL: the municipality's value */
    struct period period;                 /* id "": there is none, as before the first one */
    const char *part;                     /* of an indicator, or of a variable's `by`; "" */
    enum reference_stat stat;             /* which of its numbers is read */
    int64_t in_numerator, in_denominator; /* variables */
    struct cell cell;     /* variables: what stands there, united over `time`; .sum is the number that `stat` names,
                             scaled by the variable's places where it is a sum */
    bool has_cell;        /* there is something; with `absent: 0` a zero counts too */
    struct result result; /* indicators */
};
/* Of the municipality: the units first, sorted, then UNIT_DISTRICT.  Kinds that look at the units one by one (units,
 * class, gap, roll-ups) have the units' own values as inputs, which have inputs of their own. */
MUST_CHECK enum err evaluation_inputs(struct evaluation *e, const struct programme *p, uint32_t indicator,
                                      const char *unit, const struct period *period, const char *part,
                                      enum err (*each)(void *ctx, const struct input *i), void *ctx);

/* The forms and the periods of the form's series that `period` means to a variable; some may come twice. */
MUST_CHECK enum err evaluation_sources(struct evaluation *e, const struct programme *p, uint32_t variable,
                                       const struct period *period,
                                       enum err (*each)(void *ctx, const char *form_id, const struct period *period),
                                       void *ctx);
/* The cells of a variable in a period of its form, as they are stored, whoever counts; `unit` NULL: of all units.
 * `part` and `c` are loans until `each` returns. */
MUST_CHECK enum err evaluation_cells(
    struct evaluation *e, const struct programme *p, uint32_t variable, const char *unit, const struct period *period,
    enum err (*each)(void *ctx, const char *unit, struct bytes part, const struct cell *c), void *ctx);

/* The stored quantities behind what a variable (kinds sum, values) comes to at a unit (NULL: at the municipality): each
 * unit, period of its form and part.  `part` "": the whole; of a variable with `by` that is its parts, one by one.
 * `counts`: what the unit adds to the municipality, which knows the roster.  Kind values: one by one, each with its
 * number.  All are loans until `each` returns. */
MUST_CHECK enum err evaluation_amount_cells(struct evaluation *e, const struct programme *p, uint32_t variable,
                                            const char *unit, bool counts, const struct period *period,
                                            const char *part,
                                            enum err (*each)(void *ctx, const char *unit, const struct period *of,
                                                             struct bytes part, const struct cell *c),
                                            void *ctx);

/* ---- a result as text: decimal point, nothing grouped ---- */

/* Rounded half up to so many places, at most 6; of RESULT_OK alone. */
void result_put_value(struct buf *out, const struct result *r, unsigned places);
/* The same as a scaled number; false: there is no value, or it does not fit. */
bool result_scaled(const struct result *r, unsigned places, int64_t *out);
/* Exact, without needless zeros; nothing where there is none. */
void result_put_numerator(struct buf *out, const struct result *r);
void result_put_denominator(struct buf *out, const struct result *r);
/* The unit does not take part in the district's value: `units:`, or `among:` with an expression. */
bool result_is_not_eligible(const struct result *r);
/* As written: 30-50, >50, 100, yes; `reference` targets: nothing. */
void target_put(struct buf *out, const struct target *t);
extern const char *const target_status_names[]; /* by enum target_status: "", "below", ... */

/* NULL: no roster (an evaluation that was made without a hub). */
const struct roster *evaluation_roster(const struct evaluation *e);

#endif
