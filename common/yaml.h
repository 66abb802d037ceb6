/* yaml.h: YAML as a tree with marks, and one table-driven checker that names every mistake in one pass.
 * libyaml stops here.  No aliases or anchors, no tags, no duplicate keys, one document, unknown keys are errors,
 * no tabs before the first other character of a line, no line that begins with '%'.  Columns count code points from 1.
 */
#ifndef SVODKA_COMMON_YAML_H
#define SVODKA_COMMON_YAML_H

#include "common/report.h"
#include "common/value.h"

#define YAML_MAX_BYTES (4u << 20)
#define YAML_MAX_DEPTH 32u
#define YAML_MAX_NODES 200000u

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_pair;
struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column; /* from 1 */
    const char *text;      /* scalar: NUL-terminated UTF-8 NFC */
    size_t len;
    bool is_quoted;                       /* or a block scalar: "yes" in quotes is text, not a boolean */
    bool is_refused;                      /* stands where an alias stood; complained about already */
    const struct yaml_node *const *items; /* sequence */
    const struct yaml_pair *pairs;        /* mapping */
    uint32_t count;
};
struct yaml_pair {
    const struct yaml_node *key; /* always a scalar */
    const struct yaml_node *value;
};

struct yaml_doc;

/* Copies what it needs.  Mistakes go to `r`.
 * ERR_MALFORMED: not UTF-8, a tab in the indentation, a directive, or a syntax mistake (libyaml stops at the first of
 * those); ERR_LIMIT: larger, deeper or more nodes than the limits.  Then *out is untouched and err_text() holds the
 * sentence. What does not hide the rest (a key given twice, an alias, an anchor, a tag, a second document) is reported,
 * the document comes out *flawed*, and yaml_read() of any mapping in it is false, so that all mistakes show in one
 * pass. An empty file is an empty scalar, which yaml_read() takes for an empty mapping. */
MUST_CHECK enum err yaml_parse(struct yaml_doc **out, const char *file, const void *bytes, size_t len,
                               struct report *r);
void yaml_doc_free(struct yaml_doc *d);
/* Another name for the linker: libyaml exports a yaml_free() of its own, and would call ours instead. */
#define yaml_free yaml_doc_free
const struct yaml_node *yaml_root(const struct yaml_doc *d);
const char *yaml_file(const struct yaml_doc *d);
/* A caller that never calls yaml_read() must ask. */
bool yaml_is_flawed(const struct yaml_doc *d);
/* Nothing was written: an empty plain scalar, ~ or null. */
bool yaml_is_nothing(const struct yaml_node *n);

/* A mistake at a node, in the report's words; a scalar's text is shown as what was found.  Silent for a refused
 * node. */
void yaml_complain(const struct yaml_doc *d, const struct yaml_node *at, const char *field, struct report *r,
                   const char *fmt, ...) PRINTF_LIKE(5, 6);

/* One key of a mapping in a table-driven check.  A table ends with {NULL}. */
enum yaml_want {
    YAML_WANT_TEXT,     /* const char * */
    YAML_WANT_NAME,     /* const char *: [A-Za-z_][A-Za-z0-9_.-]*, at most 64 bytes */
    YAML_WANT_INTEGER,  /* int64_t, between min and max; not in quotes */
    YAML_WANT_SIZE,     /* int64_t bytes: 500, 64K, 1M, 2G, 1T */
    YAML_WANT_DURATION, /* int64_t milliseconds: 500ms, 30s, 5m, 2h, 3d */
    YAML_WANT_BOOLEAN,  /* bool: true false yes no; not in quotes */
    YAML_WANT_DATE,     /* int32_t days */
    YAML_WANT_ENUM,     /* int: index in `names` (NULL-terminated) */
    YAML_WANT_NODE,     /* const struct yaml_node *: any; checked by the caller */
    YAML_WANT_SEQUENCE, /* const struct yaml_node * */
    YAML_WANT_MAPPING,  /* const struct yaml_node * */
    YAML_WANT_LABEL     /* struct yaml_label: a text, or a mapping of ru/en to texts */
};
struct yaml_label {
    const char *ru, *en; /* a plain text fills both; NULL: absent */
    const struct yaml_node *at;
};
struct yaml_key {
    const char *name;
    enum yaml_want want;
    bool required;
    size_t offset;    /* of the member in the caller's struct; left as it was when the key is absent */
    int64_t min, max; /* INTEGER, SIZE, DURATION: both 0 = no bounds; INT64_MAX: from min up */
    const char *const *names;
};
/* Reads a mapping into `into` by the table; every mistake (wrong kind, unknown key with a suggestion, missing key,
 * out of range) goes to `r`.  Returns false when there was any.  Texts are loans from the document. */
bool yaml_read(const struct yaml_doc *d, const struct yaml_node *mapping, const struct yaml_key *table, void *into,
               struct report *r);
/* A scalar as YAML_WANT_NAME wants it. */
bool yaml_is_name(const struct yaml_node *n);
/* NULL: no such key, or not a mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

#endif
