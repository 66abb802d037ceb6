/* programme_internal.h: what the parts of the loader share; nobody else includes it.
 *
 *   programme_load.c        the files of a pack in order, the top keys of programme.yaml; making and freeing
 *   programme_forms.c       forms, maps, periods: what is read by others and only has to fit together
 *   programme_complain.c    mistakes with their place; numbers, texts and memory
 *   programme_variables.c   variables.yaml: one table, and what each kind has and needs
 *   programme_take.c        variables into the programme, compiled against its forms
 *   programme_names.c       what a name in an expression means
 *   programme_formula.c     expressions over references, and sums that are proved to be sums
 *   programme_indicators.c  the keys that all indicators have; inheritance of an id's later definitions
 *   programme_kinds.c       the keys of each kind, and which function makes it
 *   programme_linear.c      kinds that are sums or quotients of sums: count, sum, mean, share, ratio
 *   programme_survey.c      survey: the expressions over its items
 *   programme_derived.c     kinds over other indicators: units, change, formula, gap, history, execution, progress
 *   programme_lists.c       kinds with a list: index, class
 *   programme_targets.c     targets, base
 *   programme_cycles.c      indicators that use each other
 *   programme_define.c      definitions as people read them, and digests
 *   programme_roadmap.c     roadmap.yaml
 *
 * Everything is read whatever was wrong before, so that all mistakes show in one pass.  Mistakes go to the report; what
 * is not the author's (memory) is kept in loader.e, and nothing is made after it. */
#ifndef SVODKA_HUB_PROGRAMME_INTERNAL_H
#define SVODKA_HUB_PROGRAMME_INTERNAL_H

#include "hub/programme.h"
#include "hub/variables.h"

#define PROGRAMME_FILE        "programme.yaml"
#define VARIABLES_FILE        "variables.yaml"
#define PERIODS_FILE          "periods.yaml"
#define CALENDAR_FILE         "calendar.yaml"
#define ROADMAP_FILE          "roadmap.yaml"
#define SHARED_VARIABLES_FILE "shared/variables.yaml"
#define SHARED_PERIODS_FILE   "shared/periods.yaml"

#define INDICATORS_MAX 2000u
#define VARIABLES_MAX  2000u
#define PARAMETERS_MAX 200u
#define ROADMAP_MAX    2000u
#define TARGETS_MAX    100u /* of one indicator */
#define LIST_MAX       100u /* components, classes, items of one indicator */
#define PLACES_MAX     6
#define HISTORY_MAX    50 /* periods */
#define YEARS_MAX      50
#define DRAFT_TEXT_MAX (64u << 10)

/* One YAML file.  doc NULL: there is none, or it does not parse. */
struct source {
    const struct pack_file *file;
    const struct yaml_doc *doc;
};

struct parameter {
    const char *name;
    double number;
};

/* A variable and where it stands, for messages. */
struct variable_draft {
    struct variable *v; /* owned until `index` is not -1 */
    const struct source *source;
    const struct yaml_node *at;
    const struct yaml_node *clauses[VARIABLE_MAX_CLAUSES]; /* the mapping in which each clause's keys stand */
    int32_t index;     /* into programme->variables; -1: of the district, and nobody has used it so far */
    bool is_declared;  /* in a variables.yaml; else made for an indicator */
    bool is_condition; /* its value stands under `condition`, and counts 1 when it holds */
    bool is_generated; /* its expressions stand nowhere: they are over `items` */
};

/* ---- indicators ---- */

/* The keys of kinds; see programme_kinds.c. */
struct kind_keys {
    const struct yaml_node *at; /* the mapping in which they stand: of the id's first definition, perhaps */
    const char *form, *rows, *done, *excluded, *plan;
    const struct yaml_node *where, *value, *condition, *breakdown, *numerator, *denominator, *times, *items, *scale,
        *positive, *reversed, *as, *among, *of, *components, *classes, *group;
    int against, missing; /* -1: not given */
    int64_t places, last, at_least, at_most, observed;
    bool together;
};

struct indicator_keys {
    const char *id, *part, *source;
    struct yaml_label name, unit;
    int kind, level, rollup, direction, align, privacy, lowest; /* -1: not given */
    const struct yaml_node *period, *weight, *units, *minimum, *targets, *base, *audience;
    int64_t shown;
    int32_t valid_from, valid_to;
    bool hidden, proposal;
    struct kind_keys k;
};

/* Parallel to programme->indicators. */
struct draft {
    struct indicator *i;
    const struct yaml_node *at;
    struct indicator_keys keys;
    uint32_t index, first; /* its own place; that of the first with its id and part */
    uint32_t nth;          /* from 1: which definition of its id and part */
    const char *called;    /* as it is written in an expression */
    bool is_bad;           /* its keys are wrong: nothing is made of it, others may still name it */
};

/* `from` reads `to` (first definitions) in the same period, or in one that may be the same. */
struct edge {
    uint32_t from, to;
    const struct yaml_node *at;
    uint32_t column; /* 0: where the node begins */
};

/* ---- names ---- */

/* What `${...}` may end in: "ID", "ID.rus" of a part; variables' ids. */
struct name {
    const char *text;
    bool is_variable;
    bool is_ambiguous; /* two parts are written so */
    uint32_t index;    /* into loader.variables, or loader.drafts: the first of its id and part */
};

struct loader {
    struct programme *prog;
    const struct pack *pack;
    const struct calendar *calendar; /* NULL: its periods have mistakes, so nothing is said about periods */
    struct report *r;
    enum err e;

    struct source programme, variables_file, shared_file, roadmap_file;
    const struct pack_file **origin; /* of each form of the programme */
    bool has_broken_form;            /* one that did not load: what it is called is not known */

    struct parameter *parameters;
    size_t parameter_count;
    struct variable_draft *variables;
    size_t variable_count, variable_cap;
    bool has_broken_variables; /* a variable without a name, or a file that does not parse: names may be missing */
    struct draft *drafts;
    size_t draft_count;
    bool has_broken_indicators;
    struct name *names; /* sorted */
    size_t name_count;
    const char **suggestions;
    struct edge *edges;
    size_t edge_count, edge_cap;
    struct expr_arena *arena;
    struct told *told; /* programme_complain.c */
    size_t told_count, told_cap;
};

/* ---- programme_complain.c ---- */

/* A mistake at a node; once for each node and sentence, because later definitions inherit nodes. */
void loader_complain(struct loader *l, const struct source *s, const struct yaml_node *at, const char *field,
                     const char *fmt, ...) PRINTF_LIKE(5, 6);
/* One inside an expression: `id` of what it belongs to, `key` under which it stands. */
void loader_complain_expr(struct loader *l, const struct source *s, const struct yaml_node *at, const char *id,
                          const char *key, const struct expr_error *error);
/* Where a scalar's text begins in its line, in code points; 0: it does not stand there as it is (escapes, folded). */
uint32_t loader_text_column(const struct pack_file *f, const struct yaml_node *n);
/* Zeroed; NULL and loader.e after a failure. */
void *loader_alloc(struct loader *l, size_t count, size_t size);
/* Room for one more; false and loader.e after a failure. */
bool loader_grow(struct loader *l, void **items, size_t count, size_t *cap, size_t size);
/* A text that lives as long as the programme. */
const char *loader_text(struct loader *l, const char *text);
/* A scalar's text, or a complaint and NULL; also NULL without a node. */
const char *loader_scalar(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key);
/* A number with at most 15 decimal places, without quotes. */
bool loader_number(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key, double *out);
/* "id" as programmes, variables and indicators are called: no '.', no word that has a meaning in `${...}`. */
bool loader_is_id(const char *id);
bool loader_check_id(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key);
/* The words of a list, or the one word of a scalar; complains of anything else.  Returns how many (at most `max`); 0
 * after a complaint. */
uint32_t loader_words(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key,
                      const struct yaml_node **out, uint32_t max);

/* ---- programme_forms.c ---- */

void load_files(struct loader *l);
void load_check_series(struct loader *l);
void load_check_compares(struct loader *l);
const struct form *loader_form(const struct loader *l, const char *id);
/* The form, or a complaint at `at`. */
const struct form *loader_need_form(struct loader *l, const struct source *s, const struct yaml_node *at,
                                    const char *id);
bool loader_parse(struct loader *l, const char *name, struct source *out);

/* ---- programme_variables.c, programme_take.c ---- */

void load_variables(struct loader *l, const char *file, struct source *s, bool is_shared);
/* One more in the list.  Takes *v; NULL and loader.e after a failure. */
struct variable_draft *loader_new_variable(struct loader *l, struct variable *v, const struct source *s,
                                           const struct yaml_node *at);
/* Into the programme, checked against its forms; -1: it does not work, and that was told. */
int32_t loader_take_variable(struct loader *l, struct variable_draft *d);
/* These take *v (also on failure); `at` holds its keys.  -1: it does not work, and that was told. */
int32_t loader_add_variable(struct loader *l, struct variable *v, const struct yaml_node *at, bool is_condition);
int32_t loader_add_generated(struct loader *l, struct variable *v, const struct yaml_node *at);
/* Does it compile?  False: told. */
bool loader_check_variable(struct loader *l, struct variable *v, const struct yaml_node *at);
void variable_free(struct variable *v);
/* NULL: no such name. */
struct variable_draft *loader_variable(struct loader *l, const char *id);

/* ---- programme_names.c ---- */

void load_names(struct loader *l);
const struct name *loader_name(const struct loader *l, const char *text, size_t len);
/* "did you mean"; NULL: nothing is near. */
const char *loader_nearest(const struct loader *l, const char *text, size_t len);

/* What is asked when a name is looked up. */
enum formula_on { ON_LEVELS, ON_UNITS }; /* wherever the indicator has a value, or on units whatever its level */
struct lookup {
    struct loader *l;
    const struct draft *d;
    enum formula_on on;
    bool is_linear;
    bool is_target; /* looked at when the value is there: it may read the value itself */
    const struct yaml_node *at;
    struct reference references[REFERENCES_MAX];
    uint32_t count;
    bool is_broken;  /* a name stands for something whose own mistake was told */
    char wrong[256]; /* why the name does not stand for anything; empty: it does */
};
/* Finds or adds the reference; -1: `wrong` says why not. */
int32_t lookup_reference(struct lookup *k, const char *name, size_t len);
/* An indicator's id where no expression stands: `of`.  -1: told. */
int32_t loader_need_indicator(struct loader *l, const struct draft *d, const struct yaml_node *n, const char *key);
void loader_add_edge(struct loader *l, const struct draft *from, uint32_t to, const struct yaml_node *at,
                     uint32_t column);
/* Where a key of it stands, or the whole when it was taken from the first definition. */
const struct yaml_node *draft_key(const struct draft *d, const char *key);
/* Where the indicator computes. */
bool draft_is_on_units(const struct draft *d);
bool draft_is_on_district(const struct draft *d);

/* ---- programme_formula.c ---- */

/* False: told.  A NULL node is no formula. */
bool formula_read(struct loader *l, const struct draft *d, const struct yaml_node *n, const char *key,
                  enum formula_on on, struct formula *out);
bool linear_read(struct loader *l, const struct draft *d, const struct yaml_node *n, const char *key,
                 struct linear *out);
/* A sum of one variable, made by the loader. */
bool linear_one(struct loader *l, uint32_t variable, enum reference_stat stat, struct linear *out);
void formula_free(struct formula *f);
void linear_free(struct linear *f);

/* ---- indicators ---- */

void load_indicators(struct loader *l, const struct yaml_node *list);
void indicator_free(struct indicator *i);
/* programme_kinds.c: the kind's keys fit it, and what the kind says about the level is set. */
bool kind_check(struct loader *l, struct draft *d);
void kind_make(struct loader *l, struct draft *d);
bool kind_is_key(const char *key);
extern const struct yaml_key kind_table[]; /* into struct indicator_keys */
extern const size_t kind_table_count;

/* Each makes one kind of what its keys say. */
void make_of_form(struct loader *l, struct draft *d);
void make_linear(struct loader *l, struct draft *d);
void make_survey(struct loader *l, struct draft *d);
void make_units(struct loader *l, struct draft *d);
void make_change(struct loader *l, struct draft *d);
void make_formula(struct loader *l, struct draft *d);
void make_gap(struct loader *l, struct draft *d);
void make_history(struct loader *l, struct draft *d);
void make_execution(struct loader *l, struct draft *d);
void make_progress(struct loader *l, struct draft *d);
void make_index(struct loader *l, struct draft *d);
void make_class(struct loader *l, struct draft *d);
/* The variable that a kind with a form makes: id, form, rows, where, places are set. */
struct variable *make_variable(struct loader *l, const struct draft *d, const char *suffix);
/* `as:` by a table; `otherwise` when it is not given.  -1: told. */
int make_as(struct loader *l, const struct draft *d, const char *const *names, int otherwise);

void load_targets(struct loader *l, struct draft *d);
void load_base(struct loader *l, struct draft *d);
void load_cycles(struct loader *l);
void load_definition(struct loader *l, struct draft *d);
void load_variable_definition(struct loader *l, struct variable *v);
void load_roadmap(struct loader *l);

#endif
