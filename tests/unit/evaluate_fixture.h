/* evaluate_fixture.h: an evaluation without a hub: a worked example of docs/indicators.md (its very text), cells set by
 * hand, and a roster of a few schools. */
#ifndef SVODKA_TESTS_EVALUATE_FIXTURE_H
#define SVODKA_TESTS_EVALUATE_FIXTURE_H

#include "hub/evaluate_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum err must_ = (call);                                                                                       \
        if (must_ != OK)                                                                                               \
            fail_msg("%s: %s: %s", #call, err_name(must_), err_text());                                                \
    } while (0)

#define CELLS_MAX 4000u
#define UNITS_MAX 40u
#define FORMS_DIR SVODKA_SOURCE_DIR "/tests/data/packs/examples/forms/"
#define EXAMPLES  SVODKA_SOURCE_DIR "/docs/indicators.md"

static const char *const example_forms[] = {"passport", "social",    "marks",       "vpr",     "exam",
                                            "staff",    "training",  "diagnostics", "network", "documents",
                                            "done",     "reference", "plan",        "climate", "events"};

struct fake_cell {
    uint8_t digest[VARIABLE_DIGEST_BYTES];
    char unit[32], period[PERIOD_ID_MAX + 1];
    uint8_t part[PART_MAX];
    size_t part_len;
    struct cell c;
};
struct fake_unit {
    const char *id;
    int32_t since, until;
    const char *successor; /* merged into, on the day after `until` */
};
struct world {
    struct calendar *calendar;
    struct programme *p;
    struct fake_cell *cells;
    size_t cell_count;
    struct fake_unit units[UNITS_MAX];
    const char *ids[UNITS_MAX];
    size_t unit_count;
    bool has_roster;
    struct evaluation *e;
    struct pack_file files[COUNT(example_forms) + 4];
    size_t file_count;
};

/* ---- texts ---- */

static inline char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1u << 20);

    if (f == NULL || text == NULL)
        fail_msg("%s cannot be read", path);
    assert_true(fread(text, 1, (1u << 20) - 1, f) > 0);
    (void)fclose(f);
    return text;
}

static inline void add_file(struct world *w, const char *name, char *text)
{
    w->files[w->file_count++] = (struct pack_file){strdup(name), text, strlen(text)};
}

static inline void add_forms(struct world *w)
{
    for (size_t i = 0; i < COUNT(example_forms); i++) {
        char path[512], name[64];

        (void)snprintf(path, sizeof(path), FORMS_DIR "%s.yaml", example_forms[i]);
        (void)snprintf(name, sizeof(name), "forms/%s.yaml", example_forms[i]);
        add_file(w, name, read_text(path));
    }
}

/* The YAML below "### CODE": what stands under `variables:` and `measures:` goes to files of their own. */
static inline char *example_text(const char *code)
{
    char *all = read_text(EXAMPLES);
    char heading[64];
    char *from, *to, *text;

    (void)snprintf(heading, sizeof(heading), "\n### %s ", code);
    from = strstr(all, heading);
    from = from == NULL ? NULL : strstr(from, "```yaml\n");
    to = from == NULL ? NULL : strstr(from + 8, "```\n");
    if (to == NULL) {
        fail_msg("docs/indicators.md has no example %s", code);
        return NULL;
    }
    *to = '\0';
    text = strdup(from + 8);
    free(all);
    return text;
}

static inline void split_example(struct world *w, const char *text)
{
    char *programme = calloc(1, strlen(text) + 256);
    char *variables = calloc(1, strlen(text) + 256);
    char *roadmap = calloc(1, strlen(text) + 256);
    char *to = programme;

    (void)strcat(programme, "programme: p\nversion: \"1\"\ntitle: P\n");
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n") + 1;

        if (strncmp(line, "variables:", 10) == 0)
            to = variables;
        else if (strncmp(line, "measures:", 9) == 0)
            to = roadmap;
        else if (line[0] != ' ')
            to = programme;
        (void)strncat(to, line, len);
        line += len;
    }
    add_file(w, "programme.yaml", programme);
    if (variables[0] != '\0')
        add_file(w, "variables.yaml", variables);
    else
        free(variables);
    if (roadmap[0] != '\0')
        add_file(w, "roadmap.yaml", roadmap);
    else
        free(roadmap);
}

/* ---- the world ---- */

static inline struct world *open_text(const char *text)
{
    struct world *w = calloc(1, sizeof(*w));
    struct report *r;
    struct pack pack;

    assert_non_null(w);
    w->cells = calloc(CELLS_MAX, sizeof(*w->cells));
    assert_non_null(w->cells);
    add_forms(w);
    split_example(w, text);
    pack = (struct pack){w->files, w->file_count};
    MUST(report_new(&r, 0));
    MUST(calendar_new(&w->calendar));
    if (programme_load(&w->p, &pack, w->calendar, r) != OK) {
        report_print(r, stderr);
        fail_msg("the example does not load:\n%s", text);
    }
    report_free(r);
    return w;
}

static inline struct world *open_example(const char *code)
{
    char *text = example_text(code);
    struct world *w = open_text(text);

    free(text);
    return w;
}

static inline void done(struct world *w)
{
    evaluation_free(w->e);
    programme_free(w->p);
    calendar_free(w->calendar);
    for (size_t i = 0; i < w->file_count; i++) {
        free(w->files[i].name);
        free(w->files[i].bytes);
    }
    free(w->cells);
    free(w);
}

/* ---- the roster ---- */

static inline int32_t day(const char *iso)
{
    int32_t d;

    MUST(date_parse(&d, iso, strlen(iso)));
    return d;
}

/* Sorted by id; NULL: always. */
static inline void school(struct world *w, const char *id, const char *since, const char *until, const char *successor)
{
    assert_true(w->unit_count < UNITS_MAX);
    w->has_roster = true;
    w->ids[w->unit_count] = id;
    w->units[w->unit_count++] =
        (struct fake_unit){id, since == NULL ? DATE_MIN : day(since), until == NULL ? DATE_MAX : day(until), successor};
}

/* Three schools that are always there. */
static inline void three_schools(struct world *w)
{
    school(w, "A", NULL, NULL, NULL);
    school(w, "B", NULL, NULL, NULL);
    school(w, "C", NULL, NULL, NULL);
}

static inline const struct fake_unit *unit_named(const struct world *w, const char *id)
{
    for (size_t i = 0; i < w->unit_count; i++)
        if (strcmp(w->units[i].id, id) == 0)
            return &w->units[i];
    return NULL;
}

static inline bool fake_is_active(const void *ctx, const char *unit, int32_t first, int32_t last)
{
    const struct fake_unit *u = unit_named(ctx, unit);

    return u != NULL && u->since <= last && u->until >= first;
}

static inline enum err fake_each_predecessor(const void *ctx, const char *unit, int32_t by_day,
                                             enum err (*each)(void *to, const char *predecessor), void *to)
{
    const struct world *w = ctx;
    enum err e = OK;

    for (size_t i = 0; i < w->unit_count && e == OK; i++)
        if (w->units[i].successor != NULL && strcmp(w->units[i].successor, unit) == 0 && w->units[i].until < by_day) {
            if ((e = each(to, w->units[i].id)) == OK)
                e = fake_each_predecessor(ctx, w->units[i].id, by_day, each, to);
        }
    return e;
}

/* ---- cells ---- */

static inline uint32_t variable_of(const struct world *w, const char *id)
{
    int32_t at = programme_find_variable(w->p, id);

    if (at < 0)
        fail_msg("there is no variable %s", id);
    return (uint32_t)at;
}

static inline void put_bytes_cell(struct world *w, const char *variable, const char *unit, const char *period,
                                  const void *part, size_t part_len, int64_t sum, uint64_t n)
{
    struct fake_cell *c = &w->cells[w->cell_count++];

    assert_true(w->cell_count <= CELLS_MAX && part_len <= sizeof(c->part));
    memcpy(c->digest, w->p->variables[variable_of(w, variable)]->digest, VARIABLE_DIGEST_BYTES);
    (void)snprintf(c->unit, sizeof(c->unit), "%s", unit);
    (void)snprintf(c->period, sizeof(c->period), "%s", period);
    memcpy(c->part, part, part_len);
    c->part_len = part_len;
    c->c = (struct cell){sum, n};
}

/* Of kind sum: what `n` submissions (rows) gave together, scaled by the variable's places. */
static inline void cell(struct world *w, const char *variable, const char *unit, const char *period, int64_t sum,
                        uint64_t n)
{
    put_bytes_cell(w, variable, unit, period, "", 0, sum, n);
}

static inline void part(struct world *w, const char *variable, const char *unit, const char *period, const char *part,
                        int64_t sum, uint64_t n)
{
    put_bytes_cell(w, variable, unit, period, part, strlen(part), sum, n);
}

/* A code as the store has it: a digest of unit and code. */
static inline uint64_t code_digest(const char *unit, const char *code)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    for (const char *p = unit; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001B3);
    h *= UINT64_C(0x9E3779B97F4A7C15);
    for (const char *p = code; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001B3);
    return h;
}

/* There is a submission of the clause's form, whatever it holds. */
static inline void sent(struct world *w, const char *variable, const char *unit, const char *period, uint8_t clause)
{
    put_bytes_cell(w, variable, unit, period, &clause, 1, 0, 1);
}

static inline void key(struct world *w, const char *variable, const char *unit, const char *period, const char *code,
                       uint8_t clause)
{
    uint8_t p[PART_KEY_BYTES + 1];

    be64_put(p, code_digest(unit, code));
    p[PART_KEY_BYTES] = clause;
    put_bytes_cell(w, variable, unit, period, p, sizeof(p), 1, 1);
    sent(w, variable, unit, period, clause);
}

static inline void level(struct world *w, const char *variable, const char *unit, const char *period, const char *code,
                         const char *within, int32_t round, int64_t value)
{
    uint8_t p[2 * PART_KEY_BYTES + 4];

    be64_put(p, code_digest(unit, code));
    be64_put(p + PART_KEY_BYTES, code_digest(unit, within));
    be32_put(p + 2 * (size_t)PART_KEY_BYTES, (uint32_t)round ^ (UINT32_C(1) << 31));
    put_bytes_cell(w, variable, unit, period, p, sizeof(p), value, 1);
}

/* As `unit` reports it; `code` names the relation from either side. */
static inline void relation(struct world *w, const char *variable, const char *unit, const char *period,
                            const char *code, const char *partner)
{
    uint8_t p[PART_KEY_BYTES + 32];

    be64_put(p, code_digest("", code));
    memcpy(p + PART_KEY_BYTES, partner, strlen(partner));
    put_bytes_cell(w, variable, unit, period, p, PART_KEY_BYTES + strlen(partner), 1, 1);
}

static inline void value(struct world *w, const char *variable, const char *unit, const char *period, int64_t scaled,
                         uint64_t n)
{
    uint8_t p[8];

    be64_put(p, (uint64_t)scaled ^ (UINT64_C(1) << 63));
    put_bytes_cell(w, variable, unit, period, p, sizeof(p), scaled * (int64_t)n, n);
}

static inline int by_cell_key(const void *a, const void *b)
{
    const struct fake_cell *x = a;
    const struct fake_cell *y = b;
    int order = memcmp(x->digest, y->digest, sizeof(x->digest));
    size_t len = x->part_len < y->part_len ? x->part_len : y->part_len;

    if (order == 0)
        order = strcmp(x->unit, y->unit);
    if (order == 0)
        order = strcmp(x->period, y->period);
    if (order == 0)
        order = memcmp(x->part, y->part, len);
    return order != 0 ? order : (x->part_len > y->part_len) - (x->part_len < y->part_len);
}

static inline enum err fake_cells(void *ctx, const uint8_t digest[VARIABLE_DIGEST_BYTES],
                                  enum err (*each)(void *to, const char *unit, const char *period, struct bytes part,
                                                   const struct cell *c),
                                  void *to)
{
    struct world *w = ctx;
    enum err e = OK;

    for (size_t i = 0; i < w->cell_count && e == OK; i++) {
        const struct fake_cell *c = &w->cells[i];

        if (memcmp(c->digest, digest, sizeof(c->digest)) == 0)
            e = each(to, c->unit, c->period, bytes_of(c->part, c->part_len), &c->c);
    }
    return e;
}

/* ---- looking ---- */

static inline struct evaluation *evaluation_of(struct world *w)
{
    struct evaluation_world ew = {
        .programmes = &w->p,
        .programme_count = 1,
        .calendar = w->calendar,
        .units = {w, w->ids, w->unit_count, w->has_roster, fake_is_active, fake_each_predecessor},
        .source = {fake_cells, w}};

    if (w->e == NULL) {
        qsort(w->cells, w->cell_count, sizeof(*w->cells), by_cell_key);
        MUST(evaluation_make(&w->e, &ew));
    }
    return w->e;
}

static inline enum err look(struct world *w, const char *id, const char *unit, const char *period, const char *of_part,
                            struct result *out)
{
    int32_t at = programme_find_indicator(w->p, id, "");
    struct period p;

    if (at < 0)
        fail_msg("there is no indicator %s", id);
    MUST(calendar_find(w->calendar, NULL, period, &p));
    return evaluation_value(evaluation_of(w), w->p, (uint32_t)at, unit, &p, of_part, out);
}

/* "35.714286 = 20/56", "3.463948", "5.000000 = 5", or "-: why". */
static inline void describe(const struct result *r, struct buf *out)
{
    buf_init(out, 512);
    if (r->state != RESULT_OK) {
        buf_printf(out, "-: %s", r->why_not);
        return;
    }
    result_put_value(out, r, 6);
    if (r->has_fraction)
        buf_put_str(out, " = ");
    result_put_numerator(out, r);
    if (r->has_denominator)
        buf_put_u8(out, '/');
    result_put_denominator(out, r);
}

static inline void expect_part(struct world *w, const char *id, const char *unit, const char *period,
                               const char *of_part, const char *expected)
{
    struct result r;
    struct buf text;

    MUST(look(w, id, unit, period, of_part, &r));
    describe(&r, &text);
    if (strcmp(buf_cstr(&text), expected) != 0)
        fail_msg("%s of %s in %s %s: %s is expected, and here is %s", id, unit == NULL ? "all" : unit, period, of_part,
                 expected, buf_cstr(&text));
    buf_fini(&text);
}

/* `unit` NULL: the municipality. */
static inline void expect(struct world *w, const char *id, const char *unit, const char *period, const char *expected)
{
    expect_part(w, id, unit, period, "", expected);
}

static inline void expect_units(struct world *w, const char *id, const char *period, uint64_t reported,
                                uint64_t expected, uint64_t excluded)
{
    struct result r;

    MUST(look(w, id, NULL, period, "", &r));
    if (r.reported != reported || r.expected != expected || r.excluded != excluded)
        fail_msg("%s in %s: reported %u, expected %u, excluded %u", id, period, (unsigned)r.reported,
                 (unsigned)r.expected, (unsigned)r.excluded);
}

#endif
