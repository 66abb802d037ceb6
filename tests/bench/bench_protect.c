/* bench_protect: how long protecting and auditing a district's publication takes.
 *
 *   bench_protect [UNITS INDICATORS RUNS SEED [audit]]
 *
 * Default: 60 units, 80 indicators, median of 5, seed 1.  Shares with numerator and denominator per unit and for the
 * district; eight indicators look at the same pupils (one denominator); every fourth has a breakdown into two parts.
 * About 15 % of the lines are hidden from the start.  With `audit` only the audit runs, once per run and on what
 * primary suppression alone would publish (for a profiler). */
#include "common/clock.h"
#include "hub/protect.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNITS_MAX 200u
#define RUNS_MAX  99u
#define SHARING   8u
#define THRESHOLD 5

static uint64_t random_state;

static uint32_t below(uint32_t n) /* splitmix64 */
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static void must(enum err e)
{
    if (e == OK)
        return;
    (void)fprintf(stderr, "bench_protect: %s: %s\n", err_name(e), err_text());
    exit(1);
}

struct bench {
    struct protect *p;
    uint32_t units;
    uint32_t whole[UNITS_MAX][2]; /* atoms: pupils, by part */
    int64_t whole_value[UNITS_MAX][2];
    uint32_t part[UNITS_MAX][2]; /* those of them above the line */
    int64_t part_value[UNITS_MAX][2];
};

static void add_whole(struct bench *b)
{
    for (uint32_t u = 0; u < b->units; u++) {
        /* A rural district: many small schools, a few large ones. */
        int64_t size = below(4) == 0 ? 200 + below(500) : 11 + below(80);

        b->whole_value[u][0] = size / 2;
        b->whole_value[u][1] = size - size / 2;
        for (int k = 0; k < 2; k++)
            must(protect_atom(b->p, b->whole_value[u][k], PROTECT_NO_BOUND, &b->whole[u][k]));
    }
}

static void add_part(struct bench *b)
{
    uint32_t percent = 8 + below(84);

    for (uint32_t u = 0; u < b->units; u++)
        for (int k = 0; k < 2; k++) {
            struct protect_term t[2];
            int64_t v = b->whole_value[u][k] * (int64_t)percent / 100 + below(5) - 2;

            v = v < 0 ? 0 : v > b->whole_value[u][k] ? b->whole_value[u][k] : v;
            b->part_value[u][k] = v;
            must(protect_atom(b->p, v, PROTECT_NO_BOUND, &b->part[u][k]));
            t[0] = (struct protect_term){b->part[u][k], 1};
            t[1] = (struct protect_term){b->whole[u][k], -1};
            must(protect_structural(b->p, t, 2, -PROTECT_NO_BOUND, 0));
        }
}

static bool is_small(int64_t n)
{
    return n > 0 && n < THRESHOLD;
}

static void add_targets(struct bench *b, const char *id, uint32_t unit, int from, int to)
{
    const struct protect_need need = {0, 0, 3};
    struct protect_term t[4];
    char name[80];
    size_t n = 0;
    uint32_t target;

    for (int k = from; k < to; k++)
        t[n++] = (struct protect_term){b->part[unit][k], 1};
    (void)snprintf(name, sizeof(name), "%s numerator", id);
    must(protect_target(b->p, name, t, n, &need, &target));
    for (int k = from; k < to; k++) {
        t[n - (size_t)(to - k)].coef = -1;
        t[n + (size_t)(k - from)] = (struct protect_term){b->whole[unit][k], 1};
    }
    (void)snprintf(name, sizeof(name), "%s others", id);
    must(protect_target(b->p, name, t, 2 * n, &need, &target));
}

/* The line of units [first, last) and parts [from, to). */
static void add_line(struct bench *b, const char *id, uint32_t first, uint32_t last, int from, int to)
{
    static struct protect_term numerator[2 * UNITS_MAX];
    static struct protect_term denominator[2 * UNITS_MAX];
    int64_t above = 0;
    int64_t all = 0;
    size_t n = 0;
    uint32_t item;
    bool is_hidden;

    for (uint32_t u = first; u < last; u++)
        for (int k = from; k < to; k++) {
            numerator[n] = (struct protect_term){b->part[u][k], 1};
            denominator[n++] = (struct protect_term){b->whole[u][k], 1};
            above += b->part_value[u][k];
            all += b->whole_value[u][k];
        }
    is_hidden = last == first + 1 && (is_small(above) || is_small(all - above));
    must(protect_item(b->p, id, (uint32_t)all + 1, is_hidden ? PROTECT_HIDDEN : PROTECT_MAY_HIDE, &item));
    must(protect_reveal(b->p, item, numerator, n));
    must(protect_reveal(b->p, item, denominator, n));
    if (is_hidden)
        add_targets(b, id, first, from, to);
}

static void add_indicator(struct bench *b, uint32_t number)
{
    bool has_breakdown = number % 4 == 0;
    char id[64];

    if (number % SHARING == 0)
        add_whole(b);
    add_part(b);
    for (uint32_t u = 0; u < b->units; u++) {
        (void)snprintf(id, sizeof(id), "i%03u u%03u", number, u);
        add_line(b, id, u, u + 1, 0, 2);
        for (int k = 0; has_breakdown && k < 2; k++) {
            (void)snprintf(id, sizeof(id), "i%03u u%03u part %d", number, u, k);
            add_line(b, id, u, u + 1, k, k + 1);
        }
    }
    (void)snprintf(id, sizeof(id), "i%03u district", number);
    add_line(b, id, 0, b->units, 0, 2);
    for (int k = 0; has_breakdown && k < 2; k++) {
        (void)snprintf(id, sizeof(id), "i%03u district part %d", number, k);
        add_line(b, id, 0, b->units, k, k + 1);
    }
}

static void build(struct bench *b, uint32_t units, uint32_t indicators, uint64_t seed)
{
    random_state = seed;
    b->units = units;
    must(protect_new(&b->p, NULL));
    for (uint32_t i = 0; i < indicators; i++)
        add_indicator(b, i);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *v, uint32_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

struct stopwatch {
    int64_t wall_ns;
    clock_t cpu;
};

struct spent {
    double wall_s[RUNS_MAX];
    double cpu_s[RUNS_MAX];
};

static struct stopwatch begin(void)
{
    return (struct stopwatch){clock_mono_ns(), clock()};
}

static void note(struct spent *s, uint32_t run, struct stopwatch w)
{
    s->wall_s[run] = (double)(clock_mono_ns() - w.wall_ns) / 1e9;
    s->cpu_s[run] = (double)(clock() - w.cpu) / CLOCKS_PER_SEC;
}

static uint32_t argument(char **argv, int argc, int at, uint32_t without, uint32_t max)
{
    unsigned long v = argc > at ? strtoul(argv[at], NULL, 10) : without;

    return v == 0 || v > max ? without : (uint32_t)v;
}

int main(int argc, char **argv)
{
    static struct bench b;
    uint32_t units = argument(argv, argc, 1, 60, UNITS_MAX);
    uint32_t indicators = argument(argv, argc, 2, 80, 500);
    uint32_t runs = argument(argv, argc, 3, 5, RUNS_MAX);
    uint32_t seed = argument(argv, argc, 4, 1, UINT32_MAX);
    bool audit_only = argc > 5 && strcmp(argv[5], "audit") == 0;
    static struct spent solve;
    static struct spent audit;
    struct protect_summary alone = {0};
    struct protect_summary sum = {0};

    for (uint32_t r = 0; r < runs; r++) {
        struct stopwatch w;

        build(&b, units, indicators, seed);
        must(protect_audit(b.p, &alone));
        w = begin();
        if (!audit_only)
            must(protect_solve(b.p, &sum));
        note(&solve, r, w);
        w = begin();
        must(protect_audit(b.p, &sum));
        note(&audit, r, w);
        protect_free(b.p);
    }
    (void)printf("%u units, %u indicators, seed %u: %u lines, %u hidden from the start, %u in addition, %u targets\n",
                 units, indicators, seed, sum.items, sum.primary, sum.extra, sum.targets);
    (void)printf("primary suppression alone: %u of %u targets unsafe, %u of them known exactly\n", alone.unsafe,
                 alone.targets, alone.determined);
    (void)printf("audit_s=%.3f\naudit_cpu_s=%.3f\nsolve_s=%.3f\nsolve_cpu_s=%.3f\n", median(audit.wall_s, runs),
                 median(audit.cpu_s, runs), median(solve.wall_s, runs), median(solve.cpu_s, runs));
    (void)printf("audit_linear_programs=%llu\nunsafe=%u\nrecomputed=%u\n", (unsigned long long)sum.linear_programs,
                 sum.unsafe, sum.recomputed);
    return sum.unsafe == 0 || audit_only ? 0 : 1;
}
