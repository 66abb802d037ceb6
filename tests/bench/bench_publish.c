/* bench_publish: how long `publish` computes, without the store: 60 units, 80 indicators (shares of families and of
 * results, every fourth with a breakdown), for the region, with every school as a reader.
 *
 *   bench_publish [UNITS INDICATORS RUNS SEED] */
#include "common/clock.h"
#include "hub/evaluate_internal.h"
#include "hub/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MAX 200u
#define SHARING   8u /* indicators over one denominator */
#define YEAR      "2020/21"

static const char form[] =
    "form: f\nversion: \"1\"\ntitle: F\nmode: rows\nkey: who\nrole: school\nperiod: school_year\n"
    "choices:\n  subject:\n    - {code: rus, label: rus}\n    - {code: math, label: math}\n"
    "survey:\n"
    "  - {type: text, name: who, label: Who, required: true}\n"
    "  - {type: integer, name: a, label: A}\n"
    "  - {type: select_one subject, name: subject, label: S}\n";

static uint64_t random_state;

static uint32_t below(uint32_t n) /* splitmix64 */
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static void must(enum err e, const char *what)
{
    if (e == OK)
        return;
    (void)fprintf(stderr, "bench_publish: %s: %s: %s\n", what, err_name(e), err_text());
    exit(1);
}

/* ---- the programme ---- */

static void put_texts(struct buf *variables, struct buf *programme, uint32_t indicators)
{
    buf_put_str(variables, "variables:\n");
    buf_put_str(programme, "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n");
    for (uint32_t i = 0; i < indicators; i++) {
        if (i % SHARING == 0)
            buf_printf(variables, "  - {id: all%u, form: f, value: \"${a} + %u\", by: subject}\n", i / SHARING, i);
        buf_printf(variables, "  - {id: some%u, form: f, value: \"${a} * %u\", by: subject}\n", i, i + 2);
        buf_printf(programme,
                   "  - {id: i%u, name: N, kind: share, numerator: \"${some%u}\", denominator: \"${all%u}\", privacy: "
                   "%s, audience: [office, region]%s}\n",
                   i, i, i / SHARING, i % 2 == 0 ? "family" : "results", i % 4 == 0 ? ", breakdown: true" : "");
    }
}

static struct programme *load(struct calendar *c, uint32_t indicators)
{
    struct buf variables, programme;
    struct programme *p = NULL;
    struct report *r;
    struct pack_file files[3];
    const struct pack pack = {files, 3};

    buf_init(&variables, 1u << 20);
    buf_init(&programme, 1u << 20);
    put_texts(&variables, &programme, indicators);
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

/* ---- the district: many small schools, a few large ones ---- */

struct district {
    const struct programme *p;
    uint32_t units;
    char names[UNITS_MAX][8];
    const char *ids[UNITS_MAX];
    int64_t (*value)[UNITS_MAX][2]; /* by variable, unit, part */
};

static void invent(struct district *d, uint64_t seed)
{
    int64_t(*all)[2] = NULL;

    random_state = seed;
    for (size_t v = 0; v < d->p->variable_count; v++) {
        bool is_whole = strncmp(d->p->variables[v]->id, "all", 3) == 0;
        uint32_t percent = 8 + below(84);

        all = is_whole ? d->value[v] : all;
        for (uint32_t u = 0; u < d->units; u++) {
            int64_t size = below(4) == 0 ? 200 + below(500) : 11 + below(80);

            for (uint32_t k = 0; k < 2; k++) {
                int64_t part = is_whole ? size / 2 + k : all[u][k] * (int64_t)percent / 100 + below(5) - 2;

                part = part < 0 ? 0 : part;
                d->value[v][u][k] = !is_whole && part > all[u][k] ? all[u][k] : part;
            }
        }
    }
}

typedef enum err (*take_cell)(void *to, const char *unit, const char *period, struct bytes part, const struct cell *c);

static enum err each_cell(void *ctx, const uint8_t digest[VARIABLE_DIGEST_BYTES], take_cell each, void *to)
{
    const struct district *d = ctx;
    enum err e = OK;

    for (size_t v = 0; v < d->p->variable_count; v++) {
        if (memcmp(d->p->variables[v]->digest, digest, VARIABLE_DIGEST_BYTES) != 0)
            continue;
        for (uint32_t u = 0; u < d->units && e == OK; u++) {
            const int64_t *n = d->value[v][u];

            if ((e = each(to, d->ids[u], YEAR, bytes_of("", 0), &(struct cell){n[0] + n[1], 2})) == OK &&
                (e = each(to, d->ids[u], YEAR, bytes_of("subject=math", 12), &(struct cell){n[0], 1})) == OK)
                e = each(to, d->ids[u], YEAR, bytes_of("subject=rus", 11), &(struct cell){n[1], 1});
        }
        break;
    }
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

static uint32_t argument(char **argv, int argc, int at, uint32_t without, uint32_t max)
{
    unsigned long v = argc > at ? strtoul(argv[at], NULL, 10) : without;

    return v == 0 || v > max ? without : (uint32_t)v;
}

int main(int argc, char **argv)
{
    static struct district d;
    uint32_t indicators = argument(argv, argc, 2, 80, 400);
    uint32_t runs = argument(argv, argc, 3, 1, 99);
    struct evaluation_world w = {.units = {&d, d.ids, 0, true, always, nobody}, .source = {each_cell, &d}};
    struct publication_summary s = {0};
    struct publication_order o = {.audience = AUDIENCE_REGION};
    struct calendar *c;
    struct programme *p;
    struct period period;
    uint64_t best = UINT64_MAX;

    d.units = argument(argv, argc, 1, 60, UNITS_MAX);
    must(calendar_new(&c), "calendar");
    d.p = p = load(c, indicators);
    d.value = calloc(p->variable_count, sizeof(*d.value));
    if (d.value == NULL)
        must(ERR_NOMEM, "district");
    for (uint32_t u = 0; u < d.units; u++) {
        (void)snprintf(d.names[u], sizeof(d.names[u]), "s%03u", u % 1000);
        d.ids[u] = d.names[u];
    }
    invent(&d, argument(argv, argc, 4, 1, UINT32_MAX));
    w.programmes = &p;
    w.programme_count = 1;
    w.calendar = c;
    w.units.count = d.units;
    must(calendar_find(c, NULL, YEAR, &period), "period");
    o.programme = p;
    o.period = &period;
    for (uint32_t r = 0; r < runs; r++) {
        struct publication *made;
        struct evaluation *e;

        must(evaluation_make(&e, &w), "evaluation");
        must(publication_make(&made, e, &o, NULL, 0), "publication");
        s = *publication_summary(made);
        best = s.milliseconds < best ? s.milliseconds : best;
        publication_free(made);
        evaluation_free(e);
    }
    (void)printf("%u units, %u indicators: %u lines, %u hidden by a rule, %u in addition, %u targets, %u readers\n",
                 d.units, indicators, s.lines, s.primary, s.extra, s.targets, s.readers);
    (void)printf("publish_s=%.3f\n", (double)best / 1000);
    free(d.value);
    programme_free(p);
    calendar_free(c);
    return 0;
}
