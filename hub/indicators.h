/* indicators.h: indicators are data in a programme pack (docs/indicators.md).  A programme is loaded, compiled and
 * immutable.  A kind of indicator is one entry of one table in indicator_kinds.c: count, sum, mean, share. */
#ifndef SVODKA_HUB_INDICATORS_H
#define SVODKA_HUB_INDICATORS_H

#include "common/expr.h"
#include "common/form.h"
#include "common/period.h"
#include "common/report.h"
#include "hub/hub.h"

#define INDICATOR_DIGEST_BYTES 16u

typedef __int128 i128;

struct indicator;
struct programme {
    char id[FORM_NAME_MAX + 1];
    char version[33];
    const char *title_ru, *title_en;
    struct indicator **indicators;
    size_t indicator_count;
    struct form **forms; /* its own copies */
    size_t form_count;
    char **maps; /* names of map files */
    size_t map_count;
    struct yaml_doc *doc; /* the texts lie there */
};

/* What one submission adds to one cell.  Sums are scaled by the indicator's places. */
struct contribution {
    i128 numerator, denominator;
    int64_t n; /* submissions with a value */
};
/* A cell holds the same three, summed. */
struct cell {
    i128 numerator, denominator;
    uint64_t n;
};
#define CELL_BYTES 40u
void cell_put(uint8_t out[CELL_BYTES], const struct cell *c);
MUST_CHECK enum err cell_get(struct cell *c, struct bytes in);

/* The files of a pack: programme.yaml, forms (*.yaml), maps (*.yaml), as bytes.  programme_files_read() takes them from
 * a folder; the hub keeps them as objects. */
struct pack_file {
    char *name; /* "programme.yaml", "forms/family.yaml", "maps/x.yaml" */
    void *bytes;
    size_t len;
};
struct pack {
    struct pack_file *files;
    size_t count;
};
MUST_CHECK enum err pack_read_dir(struct pack *out, const char *dir, struct report *r);
void pack_free(struct pack *p);
/* What programme.yaml calls the programme; false: nothing that could be read. */
bool pack_programme_id(const struct pack *p, char out[FORM_NAME_MAX + 1]);
/* Everything wrong goes to `r` with file, line, column.  `calendar` gets the pack's series. */
MUST_CHECK enum err programme_load(struct programme **out, const struct pack *p, struct calendar *calendar,
                                   struct report *r);
void programme_free(struct programme *p);
/* Its periods.yaml alone, if there is one.  ERR_INVALID; mistakes go to `r` (NULL: the first is in err_text()). */
MUST_CHECK enum err programme_periods(const struct pack *p, struct calendar *calendar, struct report *r);

/* ---- evaluating (intake's hot path) ---- */
/* Which indicators read this form; evaluated for one submission.  `each` gets the indicator, the breakdown text
 * ("" or "name=code") and the contribution; called once per touched cell. */
struct indicator_eval;
MUST_CHECK enum err indicator_eval_new(struct indicator_eval **out, const struct hub *h);
void indicator_eval_free(struct indicator_eval *e);
typedef enum err (*indicator_each)(void *ctx, const struct indicator *i, const char *breakdown,
                                   const struct contribution *c);
MUST_CHECK enum err indicator_eval_record(struct indicator_eval *e, const struct form *f, const struct value *values,
                                          uint32_t count, int32_t filled_on, indicator_each each, void *ctx);

/* ---- reading ---- */
const char *indicator_id(const struct indicator *i);
const char *indicator_name(const struct indicator *i, bool russian);
const char *indicator_kind(const struct indicator *i);
const char *indicator_unit_of_measure(const struct indicator *i, bool russian); /* "%", "балл" ... */
const char *indicator_definition(const struct indicator *i, bool russian);      /* for explain: the YAML's clauses */
const char *indicator_form(const struct indicator *i);
unsigned indicator_places(const struct indicator *i);       /* shown on a terminal */
const uint8_t *indicator_digest(const struct indicator *i); /* of programme, id and definition: names its cells */
/* Value of a cell in the indicator's unit, exact division, six places, half up; false: no data (denominator 0). */
bool indicator_value(const struct indicator *i, const struct cell *c, struct buf *out);
/* The same with as many places (at most 6): for terminals and sentences. */
bool indicator_value_places(const struct indicator *i, const struct cell *c, unsigned places, struct buf *out);

/* What stands above and below the line of that fraction, as exact decimals; without a denominator (count, sum) nothing
 * is appended. */
void indicator_numerator(const struct indicator *i, const struct cell *c, struct buf *out);
void indicator_denominator(const struct indicator *i, const struct cell *c, struct buf *out);

/* One line of `svodka-hub indicators`. */
enum indicator_level { LEVEL_UNIT, LEVEL_MUNICIPALITY };
struct indicator_line {
    const struct programme *programme;
    const struct indicator *indicator;
    enum indicator_level level;
    const char *unit; /* "" for the municipality */
    const char *period;
    const char *breakdown;
    struct cell cell;
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
