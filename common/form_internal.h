/* form_internal.h: what the form_*.c files share.  Nobody else includes it. */
#ifndef SVODKA_COMMON_FORM_INTERNAL_H
#define SVODKA_COMMON_FORM_INTERNAL_H

#include "common/form.h"

/* ---- form_pool.c: memory that is freed, or reused, as a whole ---- */

struct pool_block;
struct pool {
    struct pool_block *first, *current;
};
/* Zeroed, aligned for anything; NULL: no memory.  Never moves what it gave. */
void *pool_alloc(struct pool *p, size_t size);
void *pool_array(struct pool *p, size_t count, size_t size);   /* NULL also when count * size overflows */
char *pool_text(struct pool *p, const void *text, size_t len); /* NUL-terminated copy */
void pool_reset(struct pool *p);                               /* all loans end, the memory stays */
void pool_free(struct pool *p);

/* ---- form_index.c: texts to numbers ---- */

#define INDEX_NONE      (-1)
#define INDEX_AMBIGUOUS (-2)

struct index_slot {
    const char *text; /* a loan; NULL: free */
    uint32_t len;
    uint32_t hash;
    int32_t value;
};
struct text_index {
    struct index_slot *slots;
    uint32_t mask;
};
/* Room for `capacity` texts. */
MUST_CHECK enum err index_init(struct text_index *ix, struct pool *p, size_t capacity);
/* The value that the text has from now on: when it had another one, that one stays. */
int32_t index_add(struct text_index *ix, const char *text, size_t len, int32_t value);
/* The same text for two values stands for neither. */
void index_add_or_blur(struct text_index *ix, const char *text, size_t len, int32_t value);
int32_t index_find(const struct text_index *ix, const char *text, size_t len);

struct form_choice_index {
    struct text_index codes;
    struct text_index words; /* folded labels in both languages, and folded codes */
};
MUST_CHECK enum err choice_index_new(struct form_choice_index **out, struct pool *p, const struct choice_list *list);

/* ---- what a loaded form is inside ---- */

/* A relevance rule, with those of the groups around it.  Equal rules are kept, and evaluated, once. */
struct form_condition {
    const struct expr *expr;
    const char *text;
    size_t len;
    int32_t repeat; /* the top-level index of the repeat in whose rows it stands; -1: none */
    uint32_t dep_first, dep_count;
};

/* A field or a column, in the order of the YAML; the columns of a repeat follow it. */
struct form_node {
    const struct form_field *field;
    int32_t repeat;    /* column: top-level index of its repeat; else -1 */
    uint32_t index;    /* among the top-level fields, or among the repeat's columns */
    int32_t condition; /* index in conditions; -1: always asked */
    const char *constraint_text, *calculation_text;
};

struct form_impl {
    struct form form; /* first: every struct form * of ours is one of these */
    struct pool pool;
    struct yaml_doc *doc; /* texts are loans from it */
    struct form_node *nodes;
    uint32_t node_count;
    uint32_t *order; /* nodes, each after all it depends on */
    uint32_t *top;   /* node of each top-level field */
    struct form_condition *conditions;
    uint32_t condition_count;
    struct text_index names; /* every field and column, to its node */
    struct expr **exprs;     /* all that were compiled, to be freed */
    uint32_t expr_count, expr_cap;
};

static inline const struct form_impl *form_impl_of(const struct form *f)
{
    return (const struct form_impl *)(const void *)f;
}

/* ---- form_load.c to form_compile.c: a form on its way ---- */

struct group_draft {
    int32_t parent; /* -1: none */
    const struct yaml_node *relevant;
    const char *ru, *en;
    bool is_checked, is_bad; /* its rule was compiled by itself once; it does not compile */
};

struct field_draft {
    struct form_field *field; /* final place, once it is known */
    struct form_field f;
    int32_t repeat; /* draft index of its repeat; -1: none */
    int32_t group;  /* -1: none */
    const struct yaml_node *at;
    const struct yaml_node *required, *relevant, *constraint, *warning, *compare_warning, *calculation, *default_value;
};

struct note_draft {
    struct form_note note;
    int32_t group;
    const struct yaml_node *at, *relevant;
};

struct loader {
    struct form_impl *impl;
    const struct yaml_doc *doc;
    struct report *r;
    bool bad;
    enum err e; /* no memory */
    struct field_draft *fields;
    uint32_t field_count, field_cap;
    struct group_draft *groups;
    uint32_t group_count, group_cap;
    struct note_draft *notes;
    uint32_t note_count, note_cap;
    uint32_t top_count;
    struct choice_list *lists;
    const struct form_choice_index **list_indexes;
    uint32_t list_count;
    struct text_index list_names;
    uint32_t *deps; /* nodes that rules read */
    uint32_t dep_count, dep_cap;
    uint32_t condition_cap;
};

#define COMPLAIN(l, at, field, ...)                                                                                    \
    do {                                                                                                               \
        (l)->bad = true;                                                                                               \
        yaml_complain((l)->doc, (at), (field), (l)->r, __VA_ARGS__);                                                   \
    } while (0)

/* Makes room for one more item in a growing array of the pool; NULL: no memory. */
void *pool_more(struct pool *p, void *items, uint32_t count, uint32_t *cap, size_t size);

/* Both languages, each from the other when only one is given, else `fallback`. */
void form_label(const char **ru, const char **en, const struct yaml_label *from, const char *fallback);
/* The value of the key, or the mapping itself: where to point at. */
const struct yaml_node *form_value_node(const struct yaml_node *mapping, const char *key);

/* form_survey.c: appends the items' drafts.  `group`, `repeat`: drafts they stand in, or -1.  Stops one past
 * FORM_MAX_FIELDS. */
void form_read_survey(struct loader *l, const struct yaml_node *survey, int32_t group, int32_t repeat);

/* form_compare.c: the list "compare", after the fields have their places. */
void form_read_compares(struct loader *l, const struct yaml_node *list);
bool form_find_compare(const struct form *f, const char *name, size_t len, struct expr_symbol *out);

/* form_compile.c: compiles all expressions into the nodes' fields and orders the nodes; mistakes set l->bad. */
void form_compile(struct loader *l);

/* ---- form_value.c ---- */

/* Room in `keep` that never moves, aligned for anything; NULL with err_set(ERR_LIMIT or ERR_NOMEM): there is none. */
void *keep_alloc(struct buf *keep, size_t size);
/* Copies text from outside: UTF-8 to NFC, no control characters, at most FORM_MAX_TEXT bytes.  "" is MISSING. */
MUST_CHECK enum err value_keep_text(struct value *out, const char *text, size_t len, struct buf *keep);
/* NULL when the bytes may be a value as they are; else what is wrong with them. */
const char *value_text_mistake(const uint8_t *text, size_t len);
int32_t field_choice(const struct form_field *f, const char *code, size_t len); /* by its code; -1: none */
/* Leaves the sentence that names the choices; returns ERR_INVALID. */
MUST_CHECK enum err refuse_choice(const struct form_field *f, const char *text, size_t len);

/* ---- form_complete.c: what form_check() and form_complete() share ---- */

struct form_checker {
    struct expr_arena *arena;
    struct pool made;    /* what form_complete() filled in: until the next one */
    uint8_t *conditions; /* enum known_condition of each rule outside repeats; as many as any form so far had */
    uint32_t condition_cap;
    struct buf text;                  /* one formatted value, or one calculated text in NFC */
    const struct form *compared_form; /* whose warnings are compared with `compared` */
    const struct value *compared;
};
enum known_condition { CONDITION_NEW, CONDITION_FALSE, CONDITION_TRUE };

/* Forgets what was known of another submission. */
MUST_CHECK enum err checker_begin(struct form_checker *c, const struct form_impl *m);
/* Whether the node is asked.  Rules outside repeats are evaluated once per submission: whoever changes values works in
 * m->order, so that all a rule reads is settled before it is first asked. */
MUST_CHECK enum err checker_is_relevant(struct form_checker *c, const struct form_impl *m, const struct form_node *n,
                                        const struct expr_env *env, bool *out);
/* What the node's calculation gives.  A text lives until the checker's next call. */
MUST_CHECK enum err checker_calculate(struct form_checker *c, const struct form_node *n, const struct expr_env *env,
                                      struct value *out);
/* Is all known that the warning of `f` is compared with?  (form_compare.c) */
bool checker_can_warn(const struct form_checker *c, const struct form *f, const struct expr *warning);
/* NULL when the value fits its type and limits (not the form's rules); else what is wrong.  Rows: their shape only. */
const char *value_mistake(const struct form_field *f, const struct value *v);

/* ---- form_json.c ---- */

MUST_CHECK enum err rows_from_json(struct value *out, const struct form_field *f, const char *text, size_t len,
                                   struct buf *keep);
void rows_to_json(struct buf *out, const struct form_field *f, const struct value *v);

#endif
