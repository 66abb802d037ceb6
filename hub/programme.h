/* programme.h: a loaded programme pack: its variables, indicators, targets.  The YAML is described in
 * docs/indicators.md.  A loaded programme is immutable and may be read by threads; what it holds lives as long as it.
 *
 * Variables are what is stored (variables.h), indicators what is made of them on reading (evaluate.h). */
#ifndef SVODKA_HUB_PROGRAMME_H
#define SVODKA_HUB_PROGRAMME_H

#include "common/expr.h"
#include "common/form.h"
#include "common/period.h"
#include "common/report.h"
#include "hub/hub.h"

#define VARIABLE_DIGEST_BYTES 16u
#define VARIABLE_MAX_CLAUSES  8u
#define VARIABLE_MAX_BY       3u
#define INDICATOR_MAX_SERIES  4u
#define PART_MAX              128u /* bytes of "name=code;name=code" */
#define VARIABLE_ID_MAX       (FORM_NAME_MAX + PART_MAX + 16u)
#define REFERENCES_MAX        64u        /* of one formula */
#define UNIT_DISTRICT         "district" /* the municipality itself, as a unit that is reported about */

typedef __int128 i128;

/* ---- the files of a pack ---- */

/* As bytes.  programme.yaml, variables.yaml, periods.yaml, calendar.yaml, roadmap.yaml, forms/X.yaml, maps/X.yaml; what
 * comes from the shared folder is named shared/variables.yaml, shared/periods.yaml, forms/X.yaml. */
struct pack_file {
    char *name;
    void *bytes;
    size_t len;
};
struct pack {
    struct pack_file *files;
    size_t count;
};
MUST_CHECK enum err pack_read_dir(struct pack *out, const char *dir, struct report *r);
void pack_free(struct pack *p);
const struct pack_file *pack_find(const struct pack *p, const char *name); /* NULL: none */
/* What programme.yaml calls the programme; false: nothing that could be read. */
bool pack_programme_id(const struct pack *p, char out[FORM_NAME_MAX + 1]);

/* ---- variables ---- */

enum variable_kind { VARIABLE_SUM, VARIABLE_VALUES, VARIABLE_KEYS, VARIABLE_PAIRS, VARIABLE_RELATIONS };

enum variable_time {
    TIME_DEFAULT, /* same where the series fit, else state */
    TIME_SAME,
    TIME_STATE,
    TIME_ENDED,
    TIME_LAST,
    TIME_WITHIN,
    TIME_FLOW,
    TIME_CUMULATIVE,
    TIME_ROLLING
};

/* One look at the submissions of one form.  Sources are as written; variables.c compiles them against each version. */
struct variable_clause {
    const char *form;
    const char *rows;       /* name of a repeat, or NULL */
    const char *where;      /* NULL: all */
    const char *key;        /* keys, pairs, relations */
    unsigned group;         /* keys: clauses of one group are alternatives; a key needs one of each group */
    bool municipality_only; /* keys: asked for the district's number alone */
    enum variable_time time;
    unsigned years; /* TIME_ROLLING */
};

struct variable {
    /* As in the YAML.  Of a variable that the loader makes for an indicator (kinds with `form`): "ID", "ID[PART]", with
     * "/given" or "/sheets" for the second and third of a survey, with "#2" for the second definition of the same id
     * and part.  No name may look so, but for the first, which is the indicator's own. */
    char id[VARIABLE_ID_MAX + 1];
    enum variable_kind kind;
    struct variable_clause clauses[VARIABLE_MAX_CLAUSES]; /* one, but for keys */
    uint32_t clause_count;
    uint32_t group_count;
    const char *value; /* NULL: each counts as 1 */
    const char *within, *order, *partner;
    const char *by[VARIABLE_MAX_BY];
    uint32_t by_count;
    unsigned places;
    bool both_ends, absent_is_zero;
    enum variable_time time;
    unsigned years;
    char *definition; /* all keys but `id`, as KEY="VALUE" with " doubled: what the digest is over */
    uint8_t digest[VARIABLE_DIGEST_BYTES]; /* of kind and clauses, not of id or programme: equal variables of several
                                              programmes share their cells */
};

/* ---- references: what an indicator's expression reads ---- */

enum reference_what { REFERENCE_VARIABLE, REFERENCE_INDICATOR, REFERENCE_PARAMETER };
enum reference_shift { SHIFT_NONE, SHIFT_PREVIOUS, SHIFT_LAST_YEAR, SHIFT_LAST_KNOWN, SHIFT_BASE };
enum reference_stat {
    STAT_VALUE,
    STAT_N,
    STAT_MIN,
    STAT_MAX,
    STAT_MEAN,
    STAT_MEDIAN,
    STAT_Q25,
    STAT_Q75,
    STAT_RANGE,
    STAT_ROSE,
    STAT_FELL,
    STAT_NUMERATOR,
    STAT_DENOMINATOR
};
struct reference {
    enum reference_what what;
    bool municipality;
    enum reference_shift shift;
    enum reference_stat stat;
    uint32_t index; /* into programme->variables; into programme->indicators: the first version of that id and part */
    double number;  /* REFERENCE_PARAMETER */
};

/* An expression over references: the symbol with index i is references[i], a decimal whose number is read from
 * expr_env.numbers[i]. */
struct formula {
    const char *source;
    const struct yaml_node *at; /* where it stands, for messages of the loader; NULL afterwards is never set: the YAML
                                   lives as long as the programme */
    struct expr *code;
    struct reference *references;
    uint32_t count;
};

/* A sum of variables: constant-free, whole coefficients of at most LINEAR_FACTOR_MAX. */
#define LINEAR_FACTOR_MAX 1000000
struct linear_term {
    uint32_t variable;        /* into programme->variables */
    enum reference_stat stat; /* VALUE, N, ROSE, FELL */
    int64_t coefficient;
};
struct linear {
    const char *source; /* NULL: not given */
    struct linear_term *terms;
    uint32_t count;
};

/* ---- indicators ---- */

enum indicator_kind {
    KIND_COUNT,
    KIND_SUM,
    KIND_MEAN,
    KIND_SHARE,
    KIND_RATIO,
    KIND_SURVEY, /* becomes a ratio of two variables made by the loader; the kind stays for people */
    KIND_UNITS,
    KIND_CHANGE,
    KIND_FORMULA,
    KIND_INDEX,
    KIND_CLASS,
    KIND_GAP,
    KIND_HISTORY,
    KIND_EXECUTION,
    KIND_PROGRESS
};
extern const char *const indicator_kind_names[]; /* as in the YAML, NULL-terminated, in the order of the enum */

enum indicator_levels { LEVELS_BOTH, LEVELS_UNIT, LEVELS_MUNICIPALITY };
enum indicator_rollup { ROLLUP_POOLED, ROLLUP_MEAN, ROLLUP_WEIGHTED, ROLLUP_MIN, ROLLUP_MAX, ROLLUP_RANGE };
enum indicator_direction { DIRECTION_NONE, DIRECTION_UP, DIRECTION_DOWN };
enum units_among { AMONG_REPORTED, AMONG_ROSTER, AMONG_WHERE };
enum change_as { CHANGE_DIFFERENCE, CHANGE_PERCENT, CHANGE_SIGN };

/* audience: bits */
enum { AUDIENCE_OFFICE = 1, AUDIENCE_SCHOOL = 2, AUDIENCE_REGION = 4, AUDIENCE_PUBLIC = 8 };
enum privacy_class { PRIVACY_RESULTS, PRIVACY_FAMILY, PRIVACY_STAFF, PRIVACY_SURVEY, PRIVACY_RESTRICTED, PRIVACY_OPEN };

struct target {
    const char *period; /* id */
    bool has_from, has_to;
    double from, to; /* a point: from = to */
    bool more_than;  /* from is excluded */
    bool yes;
    struct formula reference; /* .source NULL: none; then from is its value.  May read its own indicator: it is looked
                                 at when the value is there */
    unsigned revision;
    const char *order; /* NULL: none */
};

struct index_component {
    uint32_t indicator; /* into programme->indicators */
    double weight;
    bool turn, rescale;
    double from, to;
};
struct class_rule {
    const char *code;
    const char *name_ru, *name_en;
    struct formula condition; /* .source NULL: always */
};

struct indicator {
    char id[FORM_NAME_MAX + 1];
    char part[PART_MAX + 1]; /* "" or "subject=rus": the line's breakdown */
    bool is_hidden, is_proposal;
    bool municipality_only; /* `lowest: municipality` */
    bool align_begun;
    bool has_base_value;
    bool base_compare; /* `compare: true`: shown beside the value */
    const char *name_ru, *name_en;
    const char *unit_ru, *unit_en; /* of measure; never NULL */
    const char *series[INDICATOR_MAX_SERIES];
    uint32_t series_count;
    enum indicator_kind kind;
    unsigned places, shown;
    enum indicator_levels levels;
    enum indicator_rollup rollup;
    struct formula weight, units; /* .source NULL: not given */
    enum indicator_direction direction;
    int32_t valid_from, valid_to; /* days; DATE_MIN, DATE_MAX: always */
    uint32_t minimum_n, minimum_units;
    unsigned audience;
    enum privacy_class privacy;
    const char *source;

    /* sum, share, ratio, and what count, mean, share with `form` and survey become.  Without a denominator: the
     * numerator is the value. */
    struct linear numerator, denominator;
    /* What `minimum: {n: ...}` and the result's n are taken from.  .source NULL (all but survey with `together`): the n
     * of the numerator's first variable. */
    struct linear answers;
    double times; /* 100 for shares, also of units, execution and progress; 1 else */
    double minus; /* survey as index: subtracted before `times`, 0 else */
    /* units: condition, among; history: condition */
    struct formula condition, among;
    enum units_among among_kind;
    bool as_count;
    bool has_breakdown; /* of sums: a line for each part of their variables' `by` */
    bool is_yes_no;     /* formula: people are shown 1 as yes and anything else as no */
    /* change, gap, history as trend */
    int32_t of; /* into programme->indicators; -1: none */
    enum reference_shift against;
    enum change_as change_as;
    struct formula group; /* gap */
    bool as_range, as_trend;
    unsigned last, at_least, at_most, observed; /* history; at_least 0: all that were observed; at_most 0: no bound */
    struct formula value;                       /* formula */
    struct index_component *components;
    uint32_t component_count;
    bool reweight;
    struct class_rule *classes;
    uint32_t class_count;
    uint32_t done_variable, excluded_variable; /* execution; UINT32_MAX: none.  progress: done_variable is the plan */
    bool all_units;
    uint32_t *plan_indicators; /* progress: `of` */
    uint32_t plan_count;

    struct target *targets;
    uint32_t target_count;
    double base_value;
    const char *base_period, *base_source; /* NULL: not given */

    char *definition_ru, *definition_en;   /* clauses as an operator reads them */
    uint8_t digest[VARIABLE_DIGEST_BYTES]; /* of programme, id, part and the whole definition */
};

/* A dated measure of the plan (roadmap.yaml). */
struct roadmap_item {
    const char *code;
    const char *title_ru, *title_en;
    int32_t from, due; /* days */
    bool is_yearly;    /* again on the same day of each year, while `until` lasts */
    int32_t until;     /* DATE_MAX: for ever */
    bool of_office;    /* done by the office: reported about the district */
    bool is_proposal;  /* the date is ours, not the source's */
};

struct privacy_rules { /* thresholds of publication; docs/publication.md */
    uint32_t family_denominator, results_denominator, staff_denominator; /* 10, 5, 5 */
    uint32_t small_count;                                                /* 4: 1..4 and their complements are hidden */
    uint32_t survey_compute, survey_show, survey_units;                  /* 5, 10, 3 */
    uint32_t two_level_units;                                            /* 5 */
    double dominance;                                                    /* 0.85: one unit's part of a district value */
};

struct base_period {
    const char *series, *period;
};

struct programme {
    char id[FORM_NAME_MAX + 1];
    char version[33];
    const char *title_ru, *title_en;
    struct variable **variables;
    size_t variable_count;
    struct indicator **indicators; /* in the order of the file */
    size_t indicator_count;
    struct roadmap_item *roadmap;
    size_t roadmap_count;
    struct base_period *base_periods;
    size_t base_period_count;
    bool merger_pools;
    struct privacy_rules privacy;
    struct form **forms; /* its own copies */
    size_t form_count;
    char **maps; /* names of map files */
    size_t map_count;
    struct yaml_doc **docs; /* the texts lie there */
    size_t doc_count;
    const struct yaml_doc *calendar_doc; /* calendar.yaml, one of `docs`, for due.h; NULL: the pack has none */
    char **texts;                        /* and those that the loader made */
    size_t text_count;
};

/* Everything wrong goes to `r` with file, line, column.  `calendar` gets the pack's series. */
MUST_CHECK enum err programme_load(struct programme **out, const struct pack *p, struct calendar *calendar,
                                   struct report *r);
void programme_free(struct programme *p);
/* Its periods.yaml (and shared/periods.yaml) alone, if there are any.  ERR_INVALID; mistakes go to `r` (NULL: the first
 * is in err_text()). */
MUST_CHECK enum err programme_periods(const struct pack *p, struct calendar *calendar, struct report *r);

/* The version of that id and part which is valid for a period that ends on that day; NULL: none.  `first` is the first
 * of them (struct reference.index). */
const struct indicator *programme_version(const struct programme *p, uint32_t first, int32_t last_day);
/* Index of the first indicator (variable) with that id; -1: none. */
int32_t programme_find_indicator(const struct programme *p, const char *id, const char *part);
int32_t programme_find_variable(const struct programme *p, const char *id);

#endif
