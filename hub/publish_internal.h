/* publish_internal.h: shared by the publish_*.c files alone.
 *
 *   publish.c         from beginning to end, and what the caller reads
 *   publish_graph.c   quantities, sums of them, lines: the district as the protection engine sees it
 *   publish_gather.c  the lines of the publication and all that they are computed from
 *   publish_linear.c  what stands above and below the line of a sum, in quantities
 *   publish_rules.c   what is hidden from the start
 *   publish_class.c   what stands instead of a hidden number
 *   publish_guard.c   what is hidden in addition, and the proof
 *   publish_memory.c  what later publications must take for known */
#ifndef SVODKA_HUB_PUBLISH_INTERNAL_H
#define SVODKA_HUB_PUBLISH_INTERNAL_H

#include "hub/protect.h"
#include "hub/publish.h"

#define NONE       UINT32_MAX
#define ATOMS_MAX  200000u
#define LINES_MAX  100000u
#define TERMS_MAX  4000000u
#define INPUTS_MAX 1000000u

/* ---- texts by number ---- */

struct texts {
    char **items;
    uint32_t count, cap;
    uint32_t *slots; /* open addressing; NONE: empty */
    uint32_t slot_count;
};
MUST_CHECK enum err texts_put(struct texts *t, const char *text, uint32_t *out);
uint32_t texts_find(const struct texts *t, const char *text); /* NONE */
void texts_free(struct texts *t);

/* ---- quantities ---- */

/* One quantity with the value that it had; a corrected one is another. */
struct atom {
    int64_t value;
    uint32_t unit;  /* into graph.units; of the municipality: that of "" */
    bool of_survey; /* the school itself does not know it */
};
/* A sum of quantities: graph.terms[first .. first + count). */
struct sum {
    uint32_t first, count;
};

/* ---- lines ---- */

enum line_what { LINE_INDICATOR, LINE_VARIABLE };
enum hidden_by {
    HIDDEN_NOT,
    HIDDEN_NUMBERS, /* its own are too small */
    HIDDEN_LEVEL,   /* never below the district */
    HIDDEN_UNITS,   /* too few units behind it, or one that outweighs the others */
    HIDDEN_OPAQUE,  /* it cannot be put into quantities: shown never */
    HIDDEN_INPUT    /* because something that it is computed from is */
};

struct range {
    struct sum sum;
    int64_t min, max;
};

struct line {
    enum line_what what;
    const struct indicator *i; /* the version that holds; LINE_VARIABLE: the one that reads it */
    uint32_t index;            /* the indicator's first version, or the variable */
    uint32_t name;             /* into graph.names: unique, and how it is called to people */
    uint32_t unit;             /* into graph.units */
    struct period period;
    struct result result;
    bool is_own_line;   /* of `svodka-hub indicators`, whoever is shown it; not only computed from */
    bool is_listed;     /* a line of the publication */
    bool is_needed;     /* computed from by another */
    bool is_reportable; /* its unit's line may stand in this publication at all */
    bool has_sums;
    bool has_denominator;
    struct sum numerator, denominator;
    unsigned places; /* both are scaled by 10^places */
    uint32_t first_input, input_count;
    enum hidden_by hidden;
    bool is_target;
    bool is_gone; /* hidden in addition, to protect others */
    /* Shown in its place. */
    const char *class_code;
    struct range ranges[2];
    uint32_t range_count;
    bool class_is_gone;
    /* Of listed ones. */
    const char *breakdown;
    const struct target *target;
    enum target_status status;
    uint32_t item, class_item; /* of the protection problem at hand; NONE */
};

/* A line of an earlier publication. */
struct known {
    uint32_t name;
    uint32_t first_range, range_count; /* min == max: exact */
    bool bears;
};

/* What an earlier publication kept uncertain, and what must stay so whatever else is published. */
struct kept_target {
    uint32_t name;
    uint32_t unit; /* into graph.units */
    struct sum sum;
    int64_t width;
    bool of_survey, bears;
};

struct graph {
    struct texts keys; /* quantities by key and value; same numbers as `atoms` */
    struct atom *atoms;
    uint32_t atom_cap;
    struct protect_term *terms;
    uint32_t term_count, term_cap;
    struct texts units;
    struct texts names; /* of lines; same numbers as `lines` */
    struct line *lines;
    uint32_t line_count, line_cap;
    uint32_t *inputs;
    uint32_t input_count, input_cap;
    struct texts words; /* breakdowns */
    struct texts known_names;
    struct known *known;
    uint32_t known_count, known_cap;
    struct range *ranges; /* of `known` */
    uint32_t range_count, range_cap;
    struct kept_target *kept;
    uint32_t kept_count, kept_cap;
};
void graph_free(struct graph *g);
MUST_CHECK enum err graph_atom(struct graph *g, const char *key, int64_t value, uint32_t unit, uint32_t *out);
MUST_CHECK enum err graph_term(struct graph *g, struct sum *to, uint32_t atom, int64_t coef);
MUST_CHECK enum err graph_input(struct graph *g, uint32_t line);
/* `x` times `a` plus `y` times `b` (NULL: nothing), as the engine takes it: terms of one quantity become one, what
 * cancels out goes, and all are divided by what divides them.  free() *terms.  ERR_LIMIT: too large for the engine,
 * without a sentence. */
struct reduced {
    struct protect_term *terms;
    size_t count;
    int64_t value;
    int64_t divided; /* by how much */
};
MUST_CHECK enum err graph_reduce(const struct graph *g, const struct sum *x, int64_t a, const struct sum *y, int64_t b,
                                 struct reduced *out);
/* ERR_LIMIT as above. */
MUST_CHECK enum err graph_value(const struct graph *g, const struct sum *s, i128 *out);
MUST_CHECK enum err grow_array(void **items, uint32_t *cap, uint32_t count, uint32_t max, size_t size);

/* ---- the publication ---- */

struct publication {
    struct evaluation *e; /* while it is made */
    struct publication_order order;
    struct graph g;
    uint32_t *listed; /* lines in order */
    uint32_t listed_count, listed_cap;
    uint32_t *readable; /* of them, those that stand there */
    uint32_t readable_count;
    uint32_t school; /* whose own lines are added; into graph.units; NONE */
    uint32_t municipality;
    struct publication_summary summary;
};

#define LINE_NAME_MAX 1024u
/* So that the engine takes it, with what is added to it: one that is too long ends in a digest of the whole. */
void line_name_shorten(char name[LINE_NAME_MAX]);
MUST_CHECK enum err gather_lines(struct publication *p);
/* Of a line with `result`: its sums; ERR_NOT_FOUND: it cannot be put into quantities. */
MUST_CHECK enum err linear_sums(struct publication *p, struct line *l, const char *unit, const char *part);
/* The quantities behind one input, times `coef`, added to `to`. */
MUST_CHECK enum err linear_input(struct publication *p, const struct input *in, bool counts, int64_t coef,
                                 bool of_survey, struct sum *to);

MUST_CHECK enum err rules_apply(struct publication *p);
bool line_is_municipal(const struct publication *p, const struct line *l);
bool line_is_share(const struct line *l);
int64_t power10(unsigned places);
MUST_CHECK enum err classes_prepare(struct publication *p);

/* A target's sum as it stands in the problem, x - y (of `others`: denominator less numerator). */
struct wanted {
    const struct line *line;
    struct sum x, y; /* y.count 0: nothing */
    int64_t width;   /* of x - y as they stand */
    const char *what;
};
/* Calls `each` for all of them. */
MUST_CHECK enum err targets_each(const struct publication *p, enum err (*each)(void *ctx, const struct wanted *w),
                                 void *ctx);
MUST_CHECK enum err guard(struct publication *p);

MUST_CHECK enum err memory_read(struct publication *p, const struct publication_memory *m);
/* Which lines of earlier publications have to do with this one. */
MUST_CHECK enum err memory_mark(struct publication *p, uint32_t *count);

#endif
