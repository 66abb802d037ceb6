/* bench_evaluate.c: how long the whole table of indicators takes, in-process, over synthetic cells: 400 indicators of
 * every kind that is common, 13 schools, 10 school years.  bench_evaluate [ROUNDS] */
#include "hub/evaluate_internal.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

#define VARIABLES  120u
#define INDICATORS 400u
#define SCHOOLS    13u
#define YEARS      10u
#define TEACHERS   20u

static const char form[] =
    "form: f\nversion: \"1\"\ntitle: F\nmode: rows\nkey: who\nrole: school\nperiod: school_year\n"
    "choices:\n  subject:\n    - {code: rus, label: rus}\n    - {code: math, label: math}\n"
    "survey:\n"
    "  - {type: text, name: who, label: Who, required: true}\n"
    "  - {type: integer, name: a, label: A}\n"
    "  - {type: select_one subject, name: subject, label: S}\n";

static void must(enum err e, const char *what)
{
    if (e == OK)
        return;
    (void)fprintf(stderr, "%s: %s: %s\n", what, err_name(e), err_text());
    exit(1);
}

/* Nine sums and one of keys in each ten. */
static void put_variables(struct buf *out)
{
    buf_put_str(out, "variables:\n");
    for (unsigned i = 0; i < VARIABLES; i++) {
        if (i % 10 == 9)
            buf_printf(out, "  - {id: v%u, kind: keys, form: f, key: \"${who}\", where: \"${a} > %u\"}\n", i, i);
        else
            buf_printf(out, "  - {id: v%u, form: f, value: \"${a} + %u\"%s}\n", i, i,
                       i % 10 == 8 ? ", by: subject" : "");
    }
}

static void put_indicator(struct buf *out, unsigned i)
{
    unsigned a = i * 7 % VARIABLES, b = (i * 7 + 1) % VARIABLES;
    unsigned share = i - i % 8;

    buf_printf(out, "  - {id: i%u, name: N, ", i);
    switch (i % 8) {
    case 0:
    case 1: buf_printf(out, "kind: share, numerator: \"${v%u}\", denominator: \"${v%u}\"}\n", a, b); return;
    case 2: buf_printf(out, "kind: sum, value: \"${v%u}\"%s}\n", a, a % 10 == 8 ? ", breakdown: true" : ""); return;
    case 3: buf_printf(out, "kind: units, condition: \"${i%u} >= ${municipality.i%u}\"}\n", share, share); return;
    case 4: buf_printf(out, "kind: change, of: i%u, against: previous}\n", share); return;
    case 5:
        buf_printf(out, "kind: formula, value: \"${i%u} - ${previous.i%u} + ${v%u}\", rollup: mean}\n", share,
                   share + 1, a);
        return;
    case 6:
        buf_printf(out, "kind: index, components: [{of: i%u, weight: 0.5}, {of: i%u, weight: 0.5, turn: true}]}\n",
                   share, share + 1);
        return;
    default: buf_printf(out, "kind: history, condition: \"${i%u} >= 50\", last: 3}\n", share); return;
    }
}

static struct programme *load(struct calendar *c)
{
    struct buf variables, programme;
    struct programme *p = NULL;
    struct report *r;
    struct pack_file files[3];
    const struct pack pack = {files, 3};

    buf_init(&variables, 1u << 20);
    buf_init(&programme, 1u << 20);
    put_variables(&variables);
    buf_put_str(&programme, "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n");
    for (unsigned i = 0; i < INDICATORS; i++)
        put_indicator(&programme, i);
    files[0] = (struct pack_file){strdup("programme.yaml"), programme.data, programme.len};
    files[1] = (struct pack_file){strdup("variables.yaml"), variables.data, variables.len};
    files[2] = (struct pack_file){strdup("forms/f.yaml"), strdup(form), strlen(form)};
    must(report_new(&r, 0), "report");
    if (programme_load(&p, &pack, c, r) != OK) {
        report_print(r, stderr);
        exit(1);
    }
    report_free(r);
    buf_fini(&variables);
    buf_fini(&programme);
    for (size_t i = 0; i < 3; i++)
        free(files[i].name);
    free(files[2].bytes);
    return p;
}

/* ---- cells made up from the variable's number ---- */

struct made {
    const struct programme *p;
    char schools[SCHOOLS][8], years[YEARS][16];
    const char *ids[SCHOOLS];
};

typedef enum err (*take_cell)(void *to, const char *unit, const char *period, struct bytes part, const struct cell *c);

static enum err make_group(const struct variable *v, unsigned seed, const char *unit, const char *period,
                           take_cell each, void *to)
{
    const struct cell whole = {(i128)(100 + seed * 31 % 97), 20};
    enum err e = OK;

    if (v->kind == VARIABLE_KEYS) {
        const uint8_t present = 0; /* the form of its one clause was sent */

        e = each(to, unit, period, bytes_of(&present, 1), &(struct cell){0, 1});
        for (unsigned i = 0; i < TEACHERS && e == OK; i++) {
            uint8_t part[PART_KEY_BYTES + 1] = {0};

            be64_put(part, ((uint64_t)i << 40) + seed);
            e = each(to, unit, period, bytes_of(part, sizeof(part)), &(struct cell){1, 1});
        }
        return e;
    }
    e = each(to, unit, period, bytes_of("", 0), &whole);
    if (e == OK && v->by_count > 0 && (e = each(to, unit, period, bytes_of("subject=math", 12), &whole)) == OK)
        e = each(to, unit, period, bytes_of("subject=rus", 11), &whole);
    return e;
}

static enum err make_cells(void *ctx, const uint8_t digest[VARIABLE_DIGEST_BYTES], take_cell each, void *to)
{
    struct made *m = ctx;
    const struct variable *v = NULL;
    unsigned number = 0;
    enum err e = OK;

    for (; number < m->p->variable_count && v == NULL; number++)
        if (memcmp(m->p->variables[number]->digest, digest, VARIABLE_DIGEST_BYTES) == 0)
            v = m->p->variables[number];
    for (unsigned s = 0; s < SCHOOLS && e == OK && v != NULL; s++)
        for (unsigned y = 0; y < YEARS && e == OK; y++)
            e = make_group(v, number * 1000 + s * 13 + y, m->schools[s], m->years[y], each, to);
    return e;
}

static bool always(const void *ctx, const char *unit, int32_t first, int32_t last)
{
    (void)ctx;
    (void)unit;
    (void)first;
    (void)last;
    return true;
}

static enum err nobody(const void *ctx, const char *unit, int32_t by_day,
                       enum err (*each)(void *to, const char *predecessor), void *to)
{
    (void)ctx;
    (void)unit;
    (void)by_day;
    (void)each;
    (void)to;
    return OK;
}

struct counted {
    unsigned long lines, values;
};

static enum err count(void *ctx, const struct indicator_line *l)
{
    struct counted *c = ctx;

    c->lines++;
    c->values += l->result.state == RESULT_OK;
    return OK;
}

static struct counted once(const struct evaluation_world *w)
{
    const struct indicator_query q = {.level = -1};
    struct counted c = {0, 0};
    struct evaluation *e;

    must(evaluation_make(&e, w), "evaluation_make");
    must(evaluation_lines(e, &q, count, &c), "evaluation_lines");
    evaluation_free(e);
    return c;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 20;
    struct made m = {0};
    struct evaluation_world w = {.units = {&m, m.ids, SCHOOLS, true, always, nobody}, .source = {make_cells, &m}};
    struct calendar *c;
    struct programme *p;
    struct counted counted = {0, 0};
    int64_t begun, best = INT64_MAX;

    must(calendar_new(&c), "calendar");
    p = load(c);
    m.p = p;
    for (unsigned s = 0; s < SCHOOLS; s++) {
        (void)snprintf(m.schools[s], sizeof(m.schools[s]), "s%02u", s % 100);
        m.ids[s] = m.schools[s];
    }
    for (unsigned y = 0; y < YEARS; y++)
        (void)snprintf(m.years[y], sizeof(m.years[y]), "20%02u/%02u", (10 + y) % 100, (11 + y) % 100);
    w.programmes = &p;
    w.programme_count = 1;
    w.calendar = c;
    for (long i = 0; i < rounds; i++) {
        begun = clock_mono_ns();
        counted = once(&w);
        begun = clock_mono_ns() - begun;
        best = begun < best ? begun : best;
    }
    (void)printf("%u indicators, %u schools, %u years: %lu lines, %lu values, best of %ld: %.1f ms\n", INDICATORS,
                 SCHOOLS, YEARS, counted.lines, counted.values, rounds, (double)best / 1e6);
    programme_free(p);
    calendar_free(c);
    return 0;
}
