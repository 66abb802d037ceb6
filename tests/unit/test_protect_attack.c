/* Random districts against an attacker that was written for this test alone (invariant 7: nobody recognisable).
 *
 * The attacker sees what a reader sees: the lines that are shown, with their numbers, and the rules that everybody
 * knows.  It has its own elimination (modulo another prime, dense) and its own linear programs (over the quantities
 * themselves, not over deviations), and never calls protect_*.
 *
 * SVODKA_ATTACK_SEED and SVODKA_ATTACK_DISTRICTS choose other districts. */
#include "hub/protect.h"

#include <Clp_C_Interface.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ATOMS_MAX   700u
#define ROWS_MAX    3000u
#define TERMS_MAX   40u
#define ITEMS_MAX   1200u
#define TARGETS_MAX 700u

/* ---- the district as the test knows it ---- */

struct line {
    size_t count;
    struct protect_term terms[TERMS_MAX];
};

struct fact { /* a row that someone may know */
    struct line line;
    int item;    /* -1: everybody knows it */
    bool is_top; /* line <= 0 instead of line = its value */
};

struct goal {
    struct line line;
    int64_t width;
};

struct entry {
    char id[48];
    uint32_t cost;
    enum protect_state state;
    int inputs[2]; /* -1: none */
    uint32_t number;
    bool is_later; /* not in the first publication */
};

struct district {
    uint32_t atoms;
    int64_t value[ATOMS_MAX];
    uint32_t facts;
    struct fact fact[ROWS_MAX];
    uint32_t items;
    struct entry item[ITEMS_MAX];
    uint32_t goals;
    struct goal goal[TARGETS_MAX];
};

static uint64_t random_state;

static uint32_t below(uint32_t n) /* splitmix64 */
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static int64_t value_of(const struct district *d, const struct line *l)
{
    int64_t v = 0;

    for (size_t k = 0; k < l->count; k++)
        v += l->terms[k].coef * d->value[l->terms[k].atom];
    return v;
}

static void add(struct line *l, uint32_t atom, int64_t coef)
{
    assert_true(l->count < TERMS_MAX);
    l->terms[l->count++] = (struct protect_term){atom, coef};
}

static void add_line(struct line *l, const struct line *other, int64_t coef)
{
    for (size_t k = 0; k < other->count; k++)
        add(l, other->terms[k].atom, coef * other->terms[k].coef);
}

static uint32_t add_atom(struct district *d, int64_t value)
{
    assert_true(d->atoms < ATOMS_MAX);
    d->value[d->atoms] = value;
    return d->atoms++;
}

static void add_fact(struct district *d, int item, const struct line *l, bool is_top)
{
    assert_true(d->facts < ROWS_MAX);
    d->fact[d->facts++] = (struct fact){*l, item, is_top};
}

static int add_item(struct district *d, const char *id, int64_t cost, enum protect_state state)
{
    struct entry *e;

    assert_true(d->items < ITEMS_MAX);
    e = &d->item[d->items];
    memset(e, 0, sizeof(*e));
    (void)snprintf(e->id, sizeof(e->id), "%s", id);
    e->cost = (uint32_t)cost;
    e->state = state;
    e->inputs[0] = e->inputs[1] = -1;
    return (int)d->items++;
}

static void add_goal(struct district *d, const struct line *l, int64_t width)
{
    assert_true(d->goals < TARGETS_MAX);
    d->goal[d->goals++] = (struct goal){*l, width};
}

/* part <= whole */
static void add_subset(struct district *d, uint32_t part, uint32_t whole)
{
    struct line l = {0};

    add(&l, part, 1);
    add(&l, whole, -1);
    add_fact(d, -1, &l, true);
}

/* ---- growing one ---- */

#define UNITS_MAX   12
#define PERIODS_MAX 4
#define PARTS       2

struct grown {
    int units;
    int periods;
    bool has_parts;
    bool has_subset;
    int64_t width;
    /* all, above the line, a subset of those above; by part of the breakdown */
    uint32_t all[UNITS_MAX][PERIODS_MAX][PARTS];
    uint32_t above[UNITS_MAX][PERIODS_MAX][PARTS];
    uint32_t subset[UNITS_MAX][PERIODS_MAX];
    int share[UNITS_MAX + 1][PERIODS_MAX]; /* the last unit is the district */
};

static void grow_atoms(struct district *d, struct grown *g)
{
    for (int u = 0; u < g->units; u++) {
        int64_t size = below(4) == 0 ? 40 + below(100) : 5 + below(50);
        uint32_t percent = 5 + below(90);

        for (int t = 0; t < g->periods; t++) {
            int64_t above = 0;

            for (int k = 0; k < (g->has_parts ? PARTS : 1); k++) {
                int64_t all = size / PARTS + below(4);
                int64_t some = all * percent / 100 + below(3);

                some = some > all ? all : some;
                above += some;
                g->all[u][t][k] = add_atom(d, all);
                g->above[u][t][k] = add_atom(d, some);
                add_subset(d, g->above[u][t][k], g->all[u][t][k]);
            }
            if (g->has_subset) {
                struct line l = {0};

                g->subset[u][t] = add_atom(d, above * below(4) / 3);
                add(&l, g->subset[u][t], 1);
                for (int k = 0; k < (g->has_parts ? PARTS : 1); k++)
                    add(&l, g->above[u][t][k], -1);
                add_fact(d, -1, &l, true);
            }
        }
    }
}

/* Units [from, to), parts [first, last). */
static void sum_up(const struct grown *g, const uint32_t atoms[UNITS_MAX][PERIODS_MAX][PARTS], int t, int from, int to,
                   int first, int last, struct line *out)
{
    out->count = 0;
    for (int u = from; u < to; u++)
        for (int k = first; k < (last < (g->has_parts ? PARTS : 1) ? last : (g->has_parts ? PARTS : 1)); k++)
            add(out, atoms[u][t][k], 1);
}

static bool is_small(int64_t n, int64_t threshold)
{
    return n > 0 && n < threshold;
}

/* A share: numerator and denominator.  Small ones of single units are hidden from the start. */
static int add_share(struct district *d, const struct grown *g, const char *id, const struct line *part,
                     const struct line *whole, bool is_one_unit)
{
    int64_t n = value_of(d, whole);
    int64_t k = value_of(d, part);
    bool is_hidden = is_one_unit && (n < 10 || is_small(k, 5) || is_small(n - k, 5));
    int item = add_item(d, id, n + 1, is_hidden ? PROTECT_HIDDEN : PROTECT_MAY_HIDE);
    struct line rest = *whole;

    add_fact(d, item, part, false);
    add_fact(d, item, whole, false);
    if (!is_hidden || n == 0)
        return item;
    add_line(&rest, part, -1);
    /* No share of n pupils has more than n + 1 values, even when n is shown elsewhere. */
    add_goal(d, part, n < g->width ? n : g->width);
    add_goal(d, &rest, n < g->width ? n : g->width);
    return item;
}

static void add_period(struct district *d, struct grown *g, int t)
{
    struct line part;
    struct line whole;
    char id[48];

    for (int u = 0; u <= g->units; u++) {
        int from = u < g->units ? u : 0;
        int to = u < g->units ? u + 1 : g->units;

        sum_up(g, g->above, t, from, to, 0, PARTS, &part);
        sum_up(g, g->all, t, from, to, 0, PARTS, &whole);
        (void)snprintf(id, sizeof(id), "t%d u%02d share", t, u);
        g->share[u][t] = add_share(d, g, id, &part, &whole, u < g->units);
        for (int k = 0; g->has_parts && k < PARTS; k++) {
            struct line one;
            struct line of;

            sum_up(g, g->above, t, from, to, k, k + 1, &one);
            sum_up(g, g->all, t, from, to, k, k + 1, &of);
            (void)snprintf(id, sizeof(id), "t%d u%02d share of part %d", t, u, k);
            (void)add_share(d, g, id, &one, &of, u < g->units);
        }
        if (g->has_subset) {
            struct line sub = {0};

            for (int v = from; v < to; v++)
                add(&sub, g->subset[v][t], 1);
            (void)snprintf(id, sizeof(id), "t%d u%02d of them", t, u);
            (void)add_share(d, g, id, &sub, &part, u < g->units);
        }
    }
}

/* What was reached since the beginning, for the district; and the change of each unit, from two shares. */
static void add_across(struct district *d, struct grown *g)
{
    char id[48];

    for (int t = 1; t < g->periods; t++) {
        struct line upto = {0};
        int item;

        for (int s = 0; s <= t; s++) {
            struct line l;

            sum_up(g, g->above, s, 0, 1, 0, PARTS, &l);
            add_line(&upto, &l, 1);
        }
        (void)snprintf(id, sizeof(id), "u00 up to t%d", t);
        item = add_item(d, id, value_of(d, &upto) + 1, PROTECT_MAY_HIDE);
        add_fact(d, item, &upto, false);
        d->item[item].is_later = true;
        for (int u = 0; u <= g->units; u++) {
            (void)snprintf(id, sizeof(id), "t%d u%02d change", t, u);
            item = add_item(d, id, 20, PROTECT_MAY_HIDE);
            d->item[item].inputs[0] = g->share[u][t];
            d->item[item].inputs[1] = g->share[u][t - 1];
            d->item[item].is_later = true;
        }
    }
}

static void grow(struct district *d, struct grown *g)
{
    memset(d, 0, sizeof(*d));
    memset(g, 0, sizeof(*g));
    g->units = 3 + (int)below(UNITS_MAX - 2);
    g->periods = 2 + (int)below(PERIODS_MAX - 1);
    g->has_parts = below(2) == 0;
    g->has_subset = below(2) == 0;
    g->width = 2 + below(3);
    grow_atoms(d, g);
    for (int t = 0; t < g->periods; t++) {
        uint32_t first = d->items;

        add_period(d, g, t);
        for (uint32_t i = first; i < d->items; i++)
            d->item[i].is_later = t > 0;
    }
    add_across(d, g);
}

/* ---- handing it over ---- */

/* The n-th of count, from the other end when it is backwards. */
static uint32_t nth(uint32_t n, uint32_t count, bool is_backwards)
{
    return is_backwards ? count - 1 - n : n;
}

static void build(struct protect **out, struct district *d, bool is_backwards)
{
    struct protect *p;

    assert_int_equal(protect_new(&p, NULL), OK);
    for (uint32_t a = 0; a < d->atoms; a++) {
        uint32_t number;

        assert_int_equal(protect_atom(p, d->value[a], PROTECT_NO_BOUND, &number), OK);
        assert_int_equal(number, a);
    }
    for (uint32_t n = 0; n < d->items; n++) {
        struct entry *e = &d->item[nth(n, d->items, is_backwards)];

        assert_int_equal(protect_item(p, e->id, e->cost, e->state, &e->number), OK);
    }
    for (uint32_t i = 0; i < d->items; i++)
        for (int k = 0; k < 2; k++)
            if (d->item[i].inputs[k] >= 0)
                assert_int_equal(protect_depends(p, d->item[i].number, d->item[d->item[i].inputs[k]].number), OK);
    for (uint32_t r = 0; r < d->facts; r++) {
        const struct fact *f = &d->fact[nth(r, d->facts, is_backwards)];

        if (f->item >= 0)
            assert_int_equal(protect_reveal(p, d->item[f->item].number, f->line.terms, f->line.count), OK);
        else
            assert_int_equal(protect_structural(p, f->line.terms, f->line.count, -PROTECT_NO_BOUND, 0), OK);
    }
    for (uint32_t n = 0; n < d->goals; n++) {
        uint32_t k = nth(n, d->goals, is_backwards);
        struct protect_need need = {0, 0, d->goal[k].width};
        uint32_t number;
        char id[24];

        (void)snprintf(id, sizeof(id), "goal %03u", k);
        assert_int_equal(protect_target(p, id, d->goal[k].line.terms, d->goal[k].line.count, &need, &number), OK);
    }
    *out = p;
}

/* ---- the attacker: struct district with its values taken away, but for those of shown lines ---- */

#define PRIME UINT64_C(2305843009213693921) /* 2^61 - 31 */

struct attack {
    uint32_t cols;
    uint32_t equations;
    uint32_t rows;
    const struct line *line[ROWS_MAX];
    double lo[ROWS_MAX];
    double hi[ROWS_MAX];
    uint64_t *dense; /* equations x cols, reduced */
    uint32_t *pivot; /* of each row kept */
    uint32_t rank;
    Clp_Simplex *model;
};

static uint64_t mulmod(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b % PRIME);
}

static uint64_t powmod(uint64_t a, uint64_t n)
{
    uint64_t r = 1;

    for (; n > 0; n >>= 1) {
        if (n & 1)
            r = mulmod(r, a);
        a = mulmod(a, a);
    }
    return r;
}

/* Clears row[] at all pivots; returns the first column left, cols if none. */
static uint32_t clear_row(const struct attack *x, uint64_t *row)
{
    for (uint32_t r = 0; r < x->rank; r++) {
        uint64_t f = row[x->pivot[r]];

        if (f == 0)
            continue;
        for (uint32_t c = 0; c < x->cols; c++)
            if (x->dense[(size_t)r * x->cols + c] != 0)
                row[c] = (row[c] + PRIME - mulmod(f, x->dense[(size_t)r * x->cols + c])) % PRIME;
    }
    for (uint32_t c = 0; c < x->cols; c++)
        if (row[c] != 0)
            return c;
    return x->cols;
}

static void spread(const struct attack *x, const struct line *l, uint64_t *row)
{
    memset(row, 0, x->cols * sizeof(*row));
    for (size_t k = 0; k < l->count; k++) {
        uint64_t c = l->terms[k].coef < 0 ? PRIME - (uint64_t)-l->terms[k].coef : (uint64_t)l->terms[k].coef;

        row[l->terms[k].atom] = (row[l->terms[k].atom] + c) % PRIME;
    }
}

static void eliminate(struct attack *x)
{
    for (uint32_t r = 0; r < x->equations; r++) {
        uint64_t *row = x->dense + (size_t)x->rank * x->cols;
        uint32_t at;
        uint64_t inverse;

        spread(x, x->line[r], row);
        if ((at = clear_row(x, row)) == x->cols)
            continue;
        inverse = powmod(row[at], PRIME - 2);
        for (uint32_t c = 0; c < x->cols; c++)
            row[c] = mulmod(row[c], inverse);
        x->pivot[x->rank++] = at;
    }
}

static void load_program(struct attack *x)
{
    int *starts = calloc(x->rows + 1, sizeof(*starts));
    int *index = calloc((size_t)x->rows * TERMS_MAX + 1, sizeof(*index));
    double *coef = calloc((size_t)x->rows * TERMS_MAX + 1, sizeof(*coef));
    double *upper = calloc(x->cols, sizeof(*upper));
    double *zero = calloc(x->cols, sizeof(*zero));
    int at = 0;

    assert_true(starts != NULL && index != NULL && coef != NULL && upper != NULL && zero != NULL);
    for (uint32_t r = 0; r < x->rows; r++) {
        starts[r] = at;
        for (size_t k = 0; k < x->line[r]->count; k++) {
            index[at] = (int)x->line[r]->terms[k].atom;
            coef[at++] = (double)x->line[r]->terms[k].coef;
        }
    }
    starts[x->rows] = at;
    for (uint32_t c = 0; c < x->cols; c++)
        upper[c] = 1e6;
    x->model = Clp_newModel();
    Clp_setLogLevel(x->model, 0);
    Clp_resize(x->model, 0, (int)x->cols);
    Clp_chgColumnLower(x->model, zero);
    Clp_chgColumnUpper(x->model, upper);
    Clp_addRows(x->model, (int)x->rows, x->lo, x->hi, starts, index, coef);
    free(starts);
    free(index);
    free(coef);
    free(upper);
    free(zero);
}

/* Which items are shown: the values of all others are not looked at. */
static void attack_begin(struct attack *x, const struct district *d, const bool *is_shown)
{
    memset(x, 0, sizeof(*x));
    x->cols = d->atoms;
    for (int pass = 0; pass < 2; pass++) /* equations first */
        for (uint32_t r = 0; r < d->facts; r++) {
            const struct fact *f = &d->fact[r];

            if ((f->item >= 0 && !is_shown[f->item]) || (pass == 0) == f->is_top)
                continue;
            x->line[x->rows] = &f->line;
            x->hi[x->rows] = f->is_top ? 0.0 : (double)value_of(d, &f->line);
            x->lo[x->rows] = f->is_top ? -HUGE_VAL : x->hi[x->rows];
            x->rows++;
            x->equations += pass == 0;
        }
    x->dense = calloc((size_t)(x->cols + 1) * x->cols, sizeof(*x->dense)); /* no rank exceeds the columns */
    x->pivot = calloc(x->cols + 1, sizeof(*x->pivot));
    assert_true(x->dense != NULL && x->pivot != NULL);
    eliminate(x);
}

static void attack_end(struct attack *x)
{
    if (x->model != NULL)
        Clp_deleteModel(x->model);
    free(x->dense);
    free(x->pivot);
}

static int64_t extreme(struct attack *x, const struct line *l, int sense)
{
    double *objective = calloc(x->cols, sizeof(*objective));
    double v;

    assert_non_null(objective);
    for (size_t k = 0; k < l->count; k++)
        objective[l->terms[k].atom] += (double)l->terms[k].coef;
    Clp_chgObjCoefficients(x->model, objective);
    Clp_setOptimizationDirection(x->model, sense);
    (void)Clp_primal(x->model, 0);
    assert_int_equal(Clp_status(x->model), 0);
    v = Clp_objectiveValue(x->model);
    free(objective);
    return (int64_t)(sense > 0 ? ceil(v - 1e-6) : floor(v + 1e-6));
}

static bool is_in_span(const struct attack *x, const struct line *l)
{
    uint64_t *row = calloc(x->cols, sizeof(*row));
    bool in_span;

    assert_non_null(row);
    spread(x, l, row);
    in_span = clear_row(x, row) == x->cols;
    free(row);
    return in_span;
}

/* What the attacker learned: values exactly, and intervals that are narrower than they should be. */
struct loot {
    uint32_t exact;
    uint32_t narrow;
};

static void squeeze(struct attack *x, const struct goal *g, struct loot *loot)
{
    int64_t lo = extreme(x, &g->line, 1);
    int64_t hi = extreme(x, &g->line, -1);

    loot->exact += lo == hi;
    loot->narrow += lo != hi && hi - lo < g->width;
}

/* With `one_is_enough` there are no linear programs where equations alone gave something away, and it stops at the
 * first success of theirs. */
static struct loot attack_all(const struct district *d, const bool *is_shown, bool one_is_enough)
{
    static bool is_known[TARGETS_MAX];
    struct attack x;
    struct loot loot = {0, 0};

    attack_begin(&x, d, is_shown);
    for (uint32_t k = 0; k < d->goals; k++) {
        is_known[k] = is_in_span(&x, &d->goal[k].line);
        loot.exact += is_known[k];
    }
    if (!one_is_enough || loot.exact == 0)
        load_program(&x);
    for (uint32_t k = 0; x.model != NULL && k < d->goals && !(one_is_enough && loot.exact + loot.narrow > 0); k++)
        if (!is_known[k])
            squeeze(&x, &d->goal[k], &loot);
    attack_end(&x);
    return loot;
}

static void list_shown(const struct protect *p, const struct district *d, bool *is_shown)
{
    for (uint32_t i = 0; i < d->items; i++)
        is_shown[i] = !protect_is_hidden(p, d->item[i].number);
}

/* ---- the districts ---- */

static struct district district;
static struct grown grown;
static bool shown[ITEMS_MAX];

static unsigned long setting(const char *name, unsigned long without)
{
    const char *v = getenv(name);

    return v != NULL && v[0] != '\0' ? strtoul(v, NULL, 10) : without;
}

static struct protect_summary publish(struct district *d)
{
    struct protect *p;
    struct protect_summary sum;
    enum err e;

    build(&p, d, false);
    e = protect_solve(p, &sum);
    if (e != OK)
        print_message("%s\n", err_text());
    assert_int_equal(e, OK);
    assert_int_equal(sum.unsafe, 0);
    list_shown(p, d, shown);
    protect_free(p);
    return sum;
}

/* The first period is published on its own; what it showed is known for ever. */
static void publish_first_period(struct district *d)
{
    static enum protect_state states[ITEMS_MAX];

    for (uint32_t i = 0; i < d->items; i++) {
        states[i] = d->item[i].state;
        if (d->item[i].is_later)
            d->item[i].state = PROTECT_HIDDEN;
    }
    (void)publish(d);
    for (uint32_t i = 0; i < d->items; i++)
        d->item[i].state = d->item[i].is_later ? states[i] : shown[i] ? PROTECT_SHOWN : PROTECT_HIDDEN;
}

static void test_no_random_district_gives_a_protected_value_away(void **state)
{
    unsigned long seed = setting("SVODKA_ATTACK_SEED", 20210312);
    unsigned long districts = setting("SVODKA_ATTACK_DISTRICTS", 300);
    uint32_t goals = 0;
    uint32_t extra = 0;
    uint32_t primary = 0;
    uint32_t items = 0;

    (void)state;
    for (unsigned long n = 0; n < districts; n++) {
        struct protect_summary sum;
        struct loot loot;

        random_state = seed + n;
        grow(&district, &grown);
        publish_first_period(&district);
        sum = publish(&district);
        loot = attack_all(&district, shown, false);
        if (loot.exact + loot.narrow > 0)
            print_message("seed %lu: %u of %u recovered exactly, %u too narrow\n", seed + n, loot.exact, district.goals,
                          loot.narrow);
        assert_int_equal(loot.exact, 0);
        assert_int_equal(loot.narrow, 0);
        goals += district.goals;
        items += sum.items;
        primary += sum.primary;
        extra += sum.extra;
    }
    print_message("seed %lu: %lu districts, %u lines, %u hidden from the start, %u in addition, none of %u values "
                  "recovered\n",
                  seed, districts, items, primary, extra, goals);
}

static void test_the_choice_does_not_depend_on_the_order_in_which_a_district_is_described(void **state)
{
    static bool backwards[ITEMS_MAX];
    unsigned long seed = setting("SVODKA_ATTACK_SEED", 20210312);

    (void)state;
    for (unsigned long n = 0; n < 20; n++) {
        struct protect *p;

        random_state = seed + n;
        grow(&district, &grown);
        (void)publish(&district);
        build(&p, &district, true);
        assert_int_equal(protect_solve(p, NULL), OK);
        list_shown(p, &district, backwards);
        protect_free(p);
        assert_memory_equal(shown, backwards, district.items * sizeof(*shown));
    }
}

/* The attacker is not blind: primary suppression alone does not stop it. */
static void test_primary_suppression_alone_gives_most_districts_away(void **state)
{
    unsigned long seed = setting("SVODKA_ATTACK_SEED", 20210312);
    unsigned long districts = setting("SVODKA_ATTACK_DISTRICTS", 300);
    uint32_t given_away = 0;
    uint32_t with_goals = 0;
    uint32_t exact = 0;
    uint32_t goals = 0;

    (void)state;
    for (unsigned long n = 0; n < districts; n++) {
        struct protect *p;
        struct loot loot;

        random_state = seed + n;
        grow(&district, &grown);
        build(&p, &district, false);
        assert_int_equal(protect_is_hidden(p, 0), district.item[0].state == PROTECT_HIDDEN);
        for (uint32_t i = 0; i < district.items; i++) {
            const struct entry *e = &district.item[i];

            shown[i] = e->state != PROTECT_HIDDEN;
            for (int k = 0; k < 2; k++)
                shown[i] = shown[i] && (e->inputs[k] < 0 || shown[e->inputs[k]]);
        }
        protect_free(p);
        loot = attack_all(&district, shown, true);
        exact += loot.exact;
        goals += district.goals;
        with_goals += district.goals > 0;
        given_away += loot.exact > 0;
    }
    print_message("seed %lu: primary suppression alone gives away %u of %u values exactly, in %u of %u districts\n",
                  seed, exact, goals, given_away, with_goals);
    assert_true(given_away * 10 > with_goals * 7);
}

/* ---- beside the best that there is ---- */

/* Units and parts in one period, all costs as in the districts; at most 12 lines may be hidden. */
static bool grow_small(struct district *d, struct grown *g)
{
    uint32_t open = 0;

    memset(d, 0, sizeof(*d));
    memset(g, 0, sizeof(*g));
    g->units = 3 + (int)below(4);
    g->periods = 1;
    g->has_parts = below(2) == 0;
    g->has_subset = !g->has_parts && below(2) == 0;
    g->width = 2 + below(3);
    grow_atoms(d, g);
    add_period(d, g, 0);
    for (uint32_t i = 0; i < d->items; i++)
        open += d->item[i].state == PROTECT_MAY_HIDE;
    return open <= 12 && d->goals > 0;
}

struct choice {
    uint32_t set;
    uint64_t cost;
    uint32_t lines;
};

static int by_cost(const void *a, const void *b)
{
    const struct choice *x = a;
    const struct choice *y = b;

    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return x->set < y->set ? -1 : x->set > y->set;
}

/* The cheapest set of lines to hide that stops the attacker, by trying all in order of cost. */
static struct choice best_choice(const struct district *d)
{
    static struct choice choices[1u << 12];
    static bool tried[ITEMS_MAX];
    int open[12];
    uint32_t count = 0;

    for (uint32_t i = 0; i < d->items; i++)
        if (d->item[i].state == PROTECT_MAY_HIDE)
            open[count++] = (int)i;
    for (uint32_t s = 0; s < 1u << count; s++) {
        choices[s] = (struct choice){s, 0, 0};
        for (uint32_t k = 0; k < count; k++)
            if (s & 1u << k) {
                choices[s].cost += d->item[open[k]].cost;
                choices[s].lines++;
            }
    }
    qsort(choices, (size_t)1 << count, sizeof(*choices), by_cost);
    for (uint32_t n = 0; n < 1u << count; n++) {
        struct loot loot;

        for (uint32_t i = 0; i < d->items; i++)
            tried[i] = d->item[i].state == PROTECT_MAY_HIDE;
        for (uint32_t k = 0; k < count; k++)
            if (choices[n].set & 1u << k)
                tried[open[k]] = false;
        loot = attack_all(d, tried, true);
        if (loot.exact + loot.narrow == 0)
            return choices[n];
    }
    fail_msg("even hiding everything does not help");
    return choices[0];
}

static void test_small_tables_are_protected_nearly_as_cheaply_as_possible(void **state)
{
    unsigned long seed = setting("SVODKA_ATTACK_SEED", 20210312);
    uint32_t tables = 0;
    uint32_t lines = 0;
    uint32_t best_lines = 0;
    uint32_t best_tables = 0;
    uint64_t cost = 0;
    uint64_t best_cost = 0;

    (void)state;
    for (unsigned long n = 0; tables < 60; n++) {
        struct protect_summary sum;
        struct choice best;
        uint64_t own = 0;
        struct loot loot;

        random_state = seed + 1000000 + n;
        if (!grow_small(&district, &grown))
            continue;
        tables++;
        sum = publish(&district);
        for (uint32_t i = 0; i < district.items; i++)
            if (!shown[i] && district.item[i].state == PROTECT_MAY_HIDE)
                own += district.item[i].cost;
        loot = attack_all(&district, shown, false);
        assert_int_equal(loot.exact + loot.narrow, 0);
        best = best_choice(&district);
        assert_true(own >= best.cost);
        lines += sum.extra;
        best_lines += best.lines;
        cost += own;
        best_cost += best.cost;
        best_tables += own == best.cost;
    }
    print_message("seed %lu: %u tables; hidden in addition %u lines (cost %llu), the cheapest possible %u (cost %llu); "
                  "as cheap as possible in %u\n",
                  seed, tables, lines, (unsigned long long)cost, best_lines, (unsigned long long)best_cost,
                  best_tables);
    assert_true(cost * 10 <= best_cost * 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_random_district_gives_a_protected_value_away),
        cmocka_unit_test(test_the_choice_does_not_depend_on_the_order_in_which_a_district_is_described),
        cmocka_unit_test(test_primary_suppression_alone_gives_most_districts_away),
        cmocka_unit_test(test_small_tables_are_protected_nearly_as_cheaply_as_possible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
