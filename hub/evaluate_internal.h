/* evaluate_internal.h: what the parts of the reader share; nobody else includes it, but the tests.
 *
 *   evaluate.c            one value: levels, eligibility, minimum, memo
 *   evaluate_memo.c       memory, interned names, what was computed already
 *   evaluate_cells.c      all cells of the programmes' variables, once, in sorted tables
 *   evaluate_time.c       periods: neighbours, alignment of series, time roles
 *   evaluate_scope.c      who belongs to a place: roster, mergers, filters
 *   evaluate_variable.c   the amount of a variable at a place
 *   evaluate_gather.c     the same for kinds that count codes: keys, pairs, relations, values
 *   evaluate_linear.c     sums over sums, exact
 *   evaluate_formula.c    references and expressions, in doubles
 *   evaluate_kinds.c      kinds made of other indicators at one place
 *   evaluate_units.c      kinds that look at the units one by one, and roll-ups
 *   evaluate_plan.c       execution, progress, targets
 *   evaluate_lines.c      the listing
 *   evaluate_inputs.c     one step down
 *   evaluate_reads.c      which indicators are about the district alone
 *   evaluate_sources.c    the submissions' forms and periods behind it, and the cells as they are
 *   evaluate_text.c       results as text
 *   evaluate_hub.c        a hub's programmes, roster and cells
 *
 * Units, periods and parts are small numbers here; what they are called is looked up when something leaves. */
#ifndef SVODKA_HUB_EVALUATE_INTERNAL_H
#define SVODKA_HUB_EVALUATE_INTERNAL_H

#include "hub/evaluate.h"
#include "hub/reads.h"
#include "hub/variables.h"

#include <stdio.h>

#define NONE         UINT32_MAX
#define DAY_NONE     INT32_MIN
#define DEPTH_MAX    64u /* of indicators that read indicators; the loader refuses cycles */
#define LOOK_BACK    10u /* periods, for `last_known.` */
#define MEASURES_MAX 2000u

/* What the reader asks of the roster. */
struct unit_facts {
    const void *ctx;
    const char *const *ids; /* sorted; of every unit that the roster ever had; without a roster: of whom something is
                               expected */
    size_t count;
    bool has_roster;
    bool (*is_active)(const void *ctx, const char *unit, int32_t first, int32_t last);
    /* All that were merged into the unit by that day, directly or by way of others. */
    enum err (*each_predecessor)(const void *ctx, const char *unit, int32_t by_day,
                                 enum err (*each)(void *to, const char *predecessor), void *to);
};

struct evaluation_world {
    struct programme *const *programmes;
    size_t programme_count;
    const struct calendar *calendar;
    struct unit_facts units;
    struct cell_source source;
};
/* Everything must outlive the evaluation. */
MUST_CHECK enum err evaluation_make(struct evaluation **out, const struct evaluation_world *w);

/* ---- memory, names, memo ---- */

struct arena_block;
struct names {
    const char **items;
    uint32_t count, cap;
    uint32_t *slots; /* open addressing; NONE: empty */
    uint32_t slot_count;
};
struct memo_key {
    uint32_t what; /* enum memo_what */
    uint32_t index, unit, period, part, filter;
    int32_t merge_day;
    uint32_t more;
};
enum memo_what { MEMO_OUTCOME, MEMO_AMOUNT, MEMO_PERIODS, MEMO_LATEST, MEMO_ELIGIBLE, MEMO_CANDIDATES, MEMO_ANSWERED };
struct memo_slot {
    uint64_t hash;
    void *node; /* NULL: empty */
};
struct memo {
    struct memo_slot *slots;
    size_t slot_count, count;
};
struct list { /* of units or periods */
    uint32_t count;
    uint32_t at[];
};

/* ---- cells ---- */

struct cell_row {
    struct cell c;
    uint32_t part, part_len; /* in evaluation.parts_text */
};
struct cell_group {
    uint64_t key; /* unit << 32 | period */
    uint32_t first, count;
    uint32_t present; /* bits of clauses of whose form there is a submission */
};
/* One end of a relation; of a variable of kind relations. */
struct relation_end {
    uint64_t digest;
    uint32_t unit, other; /* NONE: an outsider */
    uint32_t period;
};
struct cell_table {
    uint8_t digest[VARIABLE_DIGEST_BYTES];
    enum variable_kind kind;
    struct cell_row *rows;
    uint32_t row_count, row_cap;
    struct cell_group *groups; /* sorted by key */
    uint32_t group_count, group_cap;
    struct relation_end *ends; /* sorted by unit, period, digest */
    uint32_t end_count;
    uint32_t *periods; /* that occur, by first day */
    uint32_t period_count;
};

/* ---- the evaluation ---- */

struct programme_view {
    const struct programme *p;
    uint32_t *table; /* of each variable */
    uint32_t first;  /* number of its first indicator, over all programmes */
    uint32_t first_variable;
    bool *is_of_district; /* of each indicator: all it reads is reported about the district itself */
    bool *is_first;       /* of each indicator: the first of its id and part */
};
struct period_view {
    struct period p;
    uint32_t previous, year_before; /* NONE: there is none */
    bool knows_previous, knows_year_before;
    uint8_t *active; /* of each unit: 0 not asked yet, 1 yes, 2 no */
    uint32_t active_count;
    bool *party; /* of each unit, without a roster: unit_is_party() */
    uint32_t party_count;
};

struct evaluation {
    struct evaluation_world w;
    struct arena_block *arena;
    struct memo memo;
    struct names units, period_ids, parts;
    uint32_t district;
    struct period_view **periods;
    uint32_t period_cap;
    struct programme_view *views;
    struct cell_table *tables;
    uint32_t table_count;
    struct buf parts_text;
    struct list **filters; /* [0] is NULL: all */
    uint32_t filter_count;
    struct expr_arena *expr;
    struct buf scratch; /* of evaluate_gather.c */
    unsigned depth;
    void *hub; /* of evaluate_hub.c: its roster and texts; freed by what it set */
    void (*hub_free)(void *hub);
    const struct roster *roster;
};

void *arena_alloc(struct evaluation *e, size_t size); /* zeroed, as long as the evaluation; NULL: no memory */
void arena_free(struct evaluation *e);
MUST_CHECK enum err names_put(struct evaluation *e, struct names *n, const char *text, uint32_t *out);
uint32_t names_find(const struct names *n, const char *text); /* NONE */
void names_free(struct names *n);
void *memo_get(const struct memo *m, const struct memo_key *key); /* NULL: not there */
/* Room for what is remembered under a key that is not there yet. */
MUST_CHECK enum err memo_put(struct evaluation *e, const struct memo_key *key, size_t size, void **out);
void memo_free(struct memo *m);

/* ---- places ---- */

/* A unit, or the municipality; `filter` restricts the municipality to some units. */
struct scope {
    uint32_t unit;     /* NONE: the municipality */
    uint32_t filter;   /* into evaluation.filters; 0: all */
    int32_t merge_day; /* an earlier value: together with those merged into it by that day; DAY_NONE: not */
    bool counts;       /* what a unit adds to the municipality, not what it has itself */
};
static inline struct scope scope_unit(uint32_t unit)
{
    return (struct scope){unit, 0, DAY_NONE, false};
}
static inline struct scope scope_municipality(uint32_t filter)
{
    return (struct scope){NONE, filter, DAY_NONE, false};
}
/* All units that may belong to it; the district last where it does. */
MUST_CHECK enum err scope_candidates(struct evaluation *e, struct scope at, const struct list **out);
/* Is it in the roster in that period?  Without a roster, and of the district: always. */
MUST_CHECK enum err unit_is_active(struct evaluation *e, uint32_t unit, uint32_t period, bool *out);
/* Is it expected in that period?  Without a roster: when a participant that is not closed speaks for it, or when it has
 * cells of that time. */
MUST_CHECK enum err unit_is_party(struct evaluation *e, uint32_t unit, uint32_t period, bool *out);
/* Same place in an earlier period; *missing: no value across a merger. */
MUST_CHECK enum err scope_earlier(struct evaluation *e, const struct programme *p, struct scope at, uint32_t asked,
                                  uint32_t earlier, struct scope *out, bool *missing);
MUST_CHECK enum err filter_put(struct evaluation *e, const uint32_t *units, uint32_t count, uint32_t *out);

/* ---- time ---- */

MUST_CHECK enum err time_intern(struct evaluation *e, const struct period *p, uint32_t *out);
/* By id; NONE: the calendar has no such period. */
MUST_CHECK enum err time_named(struct evaluation *e, const char *id, uint32_t *out);
static inline const struct period *time_at(const struct evaluation *e, uint32_t period)
{
    return &e->periods[period]->p;
}
MUST_CHECK enum err time_previous(struct evaluation *e, uint32_t period, uint32_t *out);
MUST_CHECK enum err time_year_before(struct evaluation *e, uint32_t period, uint32_t *out);
/* Latest of the series that has begun (ended) by the day; NONE. */
MUST_CHECK enum err time_latest(struct evaluation *e, const char *series, int32_t day, bool ended, uint32_t *out);
/* The period of one of the series that stands for another period. */
MUST_CHECK enum err time_align(struct evaluation *e, const char *const *series, uint32_t count, uint32_t period,
                               bool begun, uint32_t *out);
/* What the time role of a clause means for a period; `last`: candidates, latest first. */
MUST_CHECK enum err time_resolve(struct evaluation *e, uint32_t view, uint32_t variable, uint32_t clause,
                                 uint32_t period, const struct list **out);
/* Of each unit the latest period in which it has something. */
static inline bool time_is_last(enum variable_time t)
{
    return t == TIME_LAST || t == TIME_WITHIN;
}
enum variable_time time_role(const struct variable *v, uint32_t clause);

/* ---- cells ---- */

MUST_CHECK enum err cells_load(struct evaluation *e);
void cells_free(struct evaluation *e);
const struct cell_group *cells_group(const struct cell_table *t, uint32_t unit, uint32_t period); /* NULL: none */
const struct cell_row *cells_part(const struct evaluation *e, const struct cell_table *t, const struct cell_group *g,
                                  const char *part);
static inline struct bytes cells_text(const struct evaluation *e, const struct cell_row *r)
{
    return bytes_of(e->parts_text.data + r->part, r->part_len);
}

/* ---- variables ---- */

struct amount {
    i128 sum; /* scaled by the variable's places; keys, pairs, relations: how many */
    i128 rose, fell;
    uint64_t n;
    bool has;
    bool has_outsiders; /* cells of units that are not in the roster then */
    uint32_t present;   /* bits of clauses of whose form there is a submission (variables.h) */
};
MUST_CHECK enum err variable_amount(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at,
                                    uint32_t period, uint32_t part, struct amount *out);
/* Calls `each` for all cells behind it, or (`part` not NULL) for those of one part.  `seen` (NULL: nobody asks) gets
 * has_outsiders and present. */
typedef enum err (*cells_each)(void *ctx, uint32_t unit, uint32_t period, const struct cell_row *row);
MUST_CHECK enum err variable_walk(struct evaluation *e, uint32_t view, uint32_t variable, uint32_t clause,
                                  struct scope at, uint32_t period, const char *part, struct amount *seen,
                                  cells_each each, void *ctx);
MUST_CHECK enum err gather_keys(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at,
                                uint32_t period, struct amount *out);
MUST_CHECK enum err gather_pairs(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at,
                                 uint32_t period, struct amount *out);
MUST_CHECK enum err gather_relations(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at,
                                     uint32_t period, struct amount *out);
MUST_CHECK enum err gather_values(struct evaluation *e, uint32_t view, uint32_t variable, struct scope at,
                                  uint32_t period, enum reference_stat stat, double *out, bool *has);

/* ---- indicators ---- */

struct outcome {
    i128 value, numerator, denominator;
    double number;
    uint64_t n;
    uint32_t reported, expected, excluded;
    uint32_t used; /* period; NONE */
    uint32_t class_index;
    const char *why; /* NULL: there is a value */
    uint8_t fraction_places;
    bool has_fraction, has_denominator;
    bool is_reweighted;
    bool has_data; /* there were data, though perhaps too few for a value */
};
/* An indicator looked at. */
struct look {
    uint32_t view;  /* programme */
    uint32_t first; /* the first of its id and part */
    const struct indicator *i;
    struct scope at;
    uint32_t period;
    uint32_t part; /* 0: "" */
};

/* Words for people, in English until they are shown; compared by address. */
extern const char *const why_no_data,
    *const why_too_few, *const why_zero, *const why_not_eligible, *const why_level,
                                                                      *const why_earlier,
                                                                          *const why_component,
                                                                              *const why_not_in_roster,
                                                                                  *const why_too_large,
                                                                                      *const why_too_few_units,
                                                                                          *const why_no_class,
                                                                                              *const why_not_defined;

MUST_CHECK enum err outcome_of(struct evaluation *e, uint32_t view, uint32_t first, struct scope at, uint32_t period,
                               uint32_t part, struct outcome *out);
/* Without minimum, level and eligibility: the kind's own rule at a place. */
MUST_CHECK enum err kind_at(struct evaluation *e, const struct look *l, struct outcome *out);

void outcome_set_double(struct outcome *out, double x);
void outcome_fail(struct outcome *out, const char *why);
double round_half_up(double x);
i128 divide_half_up(i128 a, i128 b); /* b > 0 */
i128 i128_power10(unsigned places);

MUST_CHECK enum err linear_at(struct evaluation *e, const struct look *l, struct outcome *out);
bool indicator_is_linear(const struct indicator *i);

/* What one reference gave. */
struct reading {
    double number; /* NaN: nothing */
    uint64_t n;
    uint32_t used; /* the period, where it was looked for: last_known, base; else NONE */
    bool has;
    uint32_t period; /* in which it was read at last; NONE: there was none */
    struct scope at;
};
MUST_CHECK enum err reference_read(struct evaluation *e, const struct look *l, const struct reference *r,
                                   struct reading *out);
/* An indicator's value in an earlier period. */
MUST_CHECK enum err shifted_read(struct evaluation *e, const struct look *l, const struct reference *r,
                                 enum reference_shift shift, struct reading *out);
struct formula_reading {
    uint64_t n; /* the largest of what it read */
    uint32_t used;
    uint32_t missing; /* references without a value */
    uint32_t own;     /* references with a value of this unit and this very period */
    bool earlier_is_missing;
};
MUST_CHECK enum err formula_number(struct evaluation *e, const struct look *l, const struct formula *f, double *out,
                                   struct formula_reading *read);
MUST_CHECK enum err formula_test(struct evaluation *e, const struct look *l, const struct formula *f, bool *out,
                                 struct formula_reading *read);
const char *formula_why(const struct formula_reading *read);

MUST_CHECK enum err formula_at(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err change_at(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err index_at(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err class_at(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err history_at(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err gap_at(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err units_at_unit(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err units_municipal(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err class_municipal(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err rollup_municipal(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err execution_at(struct evaluation *e, const struct look *l, struct outcome *out);
MUST_CHECK enum err progress_at(struct evaluation *e, const struct look *l, struct outcome *out);

/* Units in the roster in that period, of the place's filter; eligible: for whom `units:` holds as well. */
MUST_CHECK enum err eligible_units(struct evaluation *e, const struct look *l, const struct list **active,
                                   const struct list **eligible);

MUST_CHECK enum err target_of(struct evaluation *e, const struct look *l, const struct outcome *value,
                              const struct target **target, enum target_status *status);

MUST_CHECK enum err reads_mark_district(struct evaluation *e, struct programme_view *v);

MUST_CHECK enum err inputs_of(struct evaluation *e, const struct look *l,
                              enum err (*each)(void *ctx, const struct input *i), void *ctx);

bool indicator_has_series(const struct indicator *i, const char *series);
void result_of(const struct evaluation *e, const struct outcome *o, struct result *out);
uint32_t view_of(const struct evaluation *e, const struct programme *p); /* NONE */

#endif
