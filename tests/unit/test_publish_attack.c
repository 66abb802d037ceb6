/* Random districts are published, to several audiences in two years, and attacked by somebody who reads nothing but the
 * published tables (invariant 7: nobody recognisable).
 *
 * The attacker knows the definitions, that nothing is below zero and that a part is no greater than its whole; as a
 * school it also knows what it reported.  It has its own elimination (modulo another prime) and its own linear
 * programs, and shares nothing with hub/protect.h or hub/publish.h.
 *
 * SVODKA_ATTACK_SEED and SVODKA_ATTACK_DISTRICTS choose other districts. */
#include "hub/publish_store.h"
#include "publish_fixture.h"

#include <Clp_C_Interface.h>
#include <float.h>

#define DISTRICTS 100u
#define UNITS     7u
#define YEARS     2u
#define ATOMS     (VARIABLES * UNITS * YEARS)
#define ROWS      1000u
#define PRIME     UINT64_C(2305843009213693921) /* 2^61 - 31 */

static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G"};
static const char *const years[] = {"2019/20", "2020/21"};

enum { PUPILS, REGISTERS, ONE_PARENT, TAKERS_RUS, TAKERS_MATH, FAILED_RUS, FAILED_MATH, VARIABLES };

/* What the attacker knows of a line: which numbers stand above and below. */
static const struct definition {
    const char *id, *breakdown;
    int above[2], below[2]; /* -1: none */
    bool is_filtered;       /* schools with low results alone */
} definitions[] = {{"x", "", {REGISTERS, -1}, {PUPILS, -1}, false},
                   {"y", "", {ONE_PARENT, -1}, {PUPILS, -1}, false},
                   {"z", "", {REGISTERS, ONE_PARENT}, {PUPILS, -1}, false},
                   {"m", "", {REGISTERS, -1}, {-1, -1}, false},
                   {"l", "", {REGISTERS, -1}, {PUPILS, -1}, true},
                   {"e", "", {FAILED_RUS, FAILED_MATH}, {TAKERS_RUS, TAKERS_MATH}, false},
                   {"e", "subject=rus", {FAILED_RUS, -1}, {TAKERS_RUS, -1}, false},
                   {"e", "subject=math", {FAILED_MATH, -1}, {TAKERS_MATH, -1}, false}};

static const char yaml[] =
    "variables:\n"
    "  - {id: pupils, form: social, value: \"${pupils}\"}\n"
    "  - {id: registers, form: social, value: \"${registers}\"}\n"
    "  - {id: one_parent, form: social, value: \"${one_parent}\"}\n"
    "  - {id: takers, form: exam, rows: rows, value: \"${participants}\", by: subject}\n"
    "  - {id: failed, form: exam, rows: rows, value: \"${below}\", by: subject}\n"
    "  - {id: low, form: passport, value: \"if(${low_results}, 1, 0)\"}\n"
    "indicators:\n"
    "  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: \"${pupils}\", privacy: family, %s}\n"
    "  - {id: y, name: Y, kind: share, numerator: \"${one_parent}\", denominator: \"${pupils}\", privacy: family, %s}\n"
    "  - {id: z, name: Z, kind: share, numerator: \"${registers} + ${one_parent}\", denominator: \"${pupils}\", "
    "privacy: "
    "family, %s}\n"
    "  - {id: m, name: M, kind: sum, value: \"${registers}\", privacy: family, level: municipality, %s}\n"
    "  - {id: l, name: L, kind: share, numerator: \"${registers}\", denominator: \"${pupils}\", privacy: family, "
    "level: "
    "municipality, units: \"${low} = 1\", %s}\n"
    "  - {id: e, name: E, kind: share, numerator: \"${failed}\", denominator: \"${takers}\", breakdown: true, %s}\n"
    "  - {id: c, name: C, kind: change, of: x, against: previous, privacy: family, %s}\n"
    "  - {id: i, name: I, kind: index, privacy: family, components: [{of: x, weight: 0.5, turn: true}, {of: y, weight: "
    "0.5}], %s}\n";

static const char *const audience_words[] = {"audience: [office, region]", "audience: [office, region, public]",
                                             "audience: [office, school, region, public]", "audience: [office, public]",
                                             "audience: [office, school]"};

/* ---- the district ---- */

static uint64_t random_state;

static uint32_t below(uint32_t n) /* splitmix64 */
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

struct truth {
    uint32_t units;
    int64_t value[VARIABLES][UNITS][YEARS];
    bool is_low[UNITS];
    bool is_published[COUNT(definitions)][YEARS]; /* to anybody */
};

static uint32_t atom(int variable, uint32_t unit, uint32_t year)
{
    return ((uint32_t)variable * UNITS + unit) * YEARS + year;
}

static int64_t part_of(int64_t whole, uint32_t percent)
{
    int64_t v = whole * (int64_t)percent / 100 + below(3);

    return v > whole ? whole : v;
}

static void invent(struct truth *d)
{
    memset(d, 0, sizeof(*d));
    d->units = 3 + below(UNITS - 2);
    for (uint32_t u = 0; u < d->units; u++) {
        d->is_low[u] = below(2) == 0;
        for (uint32_t t = 0; t < YEARS; t++) {
            int64_t(*v)[UNITS][YEARS] = d->value;

            v[PUPILS][u][t] = below(3) == 0 ? 5 + below(20) : 30 + below(200);
            v[REGISTERS][u][t] = part_of(v[PUPILS][u][t], below(12));
            v[ONE_PARENT][u][t] = part_of(v[PUPILS][u][t], 5 + below(60));
            v[TAKERS_RUS][u][t] = 2 + below(25);
            v[TAKERS_MATH][u][t] = 1 + below(20);
            v[FAILED_RUS][u][t] = part_of(v[TAKERS_RUS][u][t], below(40));
            v[FAILED_MATH][u][t] = part_of(v[TAKERS_MATH][u][t], below(60));
        }
    }
}

static struct world *world_of(const struct truth *d)
{
    char text[8192];
    const char *a[8];
    struct world *w;

    for (size_t i = 0; i < COUNT(a); i++)
        a[i] = audience_words[below(COUNT(audience_words))];
    (void)snprintf(text, sizeof(text), yaml, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    w = open_text(text);
    for (uint32_t u = 0; u < d->units; u++) {
        school(w, names[u], NULL, NULL, NULL);
        for (uint32_t t = 0; t < YEARS; t++) {
            const int64_t(*v)[UNITS][YEARS] = d->value;

            cell(w, "pupils", names[u], years[t], v[PUPILS][u][t], 1);
            cell(w, "registers", names[u], years[t], v[REGISTERS][u][t], 1);
            cell(w, "one_parent", names[u], years[t], v[ONE_PARENT][u][t], 1);
            cell(w, "low", names[u], years[t], d->is_low[u], 1);
            cell(w, "takers", names[u], years[t], v[TAKERS_RUS][u][t] + v[TAKERS_MATH][u][t], 2);
            part(w, "takers", names[u], years[t], "subject=rus", v[TAKERS_RUS][u][t], 1);
            part(w, "takers", names[u], years[t], "subject=math", v[TAKERS_MATH][u][t], 1);
            cell(w, "failed", names[u], years[t], v[FAILED_RUS][u][t] + v[FAILED_MATH][u][t], 2);
            part(w, "failed", names[u], years[t], "subject=rus", v[FAILED_RUS][u][t], 1);
            part(w, "failed", names[u], years[t], "subject=math", v[FAILED_MATH][u][t], 1);
        }
    }
    return w;
}

/* ---- what the attacker has ---- */

struct row {
    double coef[ATOMS];
    double low, high;
    bool is_exact;
};

struct attacker {
    uint32_t units;
    bool is_low[UNITS];
    struct row rows[ROWS];
    uint32_t count;
    /* Of x: shown, in each year, of each school and (at `UNITS`) of the district; and its change. */
    bool knows_x[UNITS + 1][YEARS], knows_change[UNITS + 1][YEARS];
};

static struct row *fresh(struct attacker *a, double low, double high)
{
    struct row *r = &a->rows[a->count++];

    assert_true(a->count < ROWS);
    memset(r, 0, sizeof(*r));
    r->low = low;
    r->high = high;
    r->is_exact = low >= high && low <= high;
    return r;
}

static void add_numbers(const struct attacker *a, struct row *r, const int numbers[2], uint32_t unit, uint32_t year,
                        bool is_filtered, double coef)
{
    for (uint32_t u = 0; u < a->units; u++)
        for (unsigned k = 0; k < 2; k++)
            if (numbers[k] >= 0 && (unit == UNITS || u == unit) && (!is_filtered || a->is_low[u]))
                r->coef[atom(numbers[k], u, year)] += coef;
}

static void know_exactly(struct attacker *a, const int numbers[2], uint32_t unit, uint32_t year, bool is_filtered,
                         const char *text)
{
    double v = strtod(text, NULL);

    if (text[0] != '\0')
        add_numbers(a, fresh(a, v, v), numbers, unit, year, is_filtered, 1);
}

/* (50 (d - r) + 50 o) / d below or from 33 and 67: 50 d - 50 r + 50 o - T d. */
static void know_class(struct attacker *a, uint32_t unit, uint32_t year, double threshold, bool is_below)
{
    struct row *r = fresh(a, is_below ? -DBL_MAX : 0, is_below ? -1 : DBL_MAX);
    const int pupils[] = {PUPILS, -1};
    const int registers[] = {REGISTERS, -1};
    const int one_parent[] = {ONE_PARENT, -1};

    add_numbers(a, r, pupils, unit, year, false, 50 - threshold);
    add_numbers(a, r, registers, unit, year, false, -50);
    add_numbers(a, r, one_parent, unit, year, false, 50);
}

static void read_class(struct attacker *a, uint32_t unit, uint32_t year, const char *word)
{
    if (strcmp(word, "low") == 0)
        know_class(a, unit, year, 33, true);
    if (strcmp(word, "middle") == 0 || strcmp(word, "high") == 0)
        know_class(a, unit, year, 33, false);
    if (strcmp(word, "middle") == 0)
        know_class(a, unit, year, 67, true);
    if (strcmp(word, "high") == 0)
        know_class(a, unit, year, 67, false);
}

/* One line of the CSV: programme,indicator,level,unit,period,breakdown,value,numerator,denominator,n,state,... class */
static void read_line(struct attacker *a, struct truth *d, char *line)
{
    char *cells[PUBLICATION_COLUMNS];
    uint32_t unit = UNITS, year;

    for (size_t i = 0; i < PUBLICATION_COLUMNS; i++)
        cells[i] = strsep(&line, ",");
    assert_non_null(cells[PUBLICATION_COLUMNS - 1]);
    assert_null(line);
    for (uint32_t u = 0; u < a->units; u++)
        if (strcmp(cells[3], names[u]) == 0)
            unit = u;
    year = strcmp(cells[4], years[1]) == 0;
    assert_string_equal(cells[9], "");
    if (strcmp(cells[10], "ok") != 0)
        assert_true(cells[6][0] == '\0' && cells[7][0] == '\0' && cells[8][0] == '\0' && cells[12][0] == '\0');
    for (size_t k = 0; k < COUNT(definitions); k++) {
        if (strcmp(cells[1], definitions[k].id) != 0 || strcmp(cells[5], definitions[k].breakdown) != 0)
            continue;
        d->is_published[k][year] = true;
        know_exactly(a, definitions[k].above, unit, year, definitions[k].is_filtered, cells[7]);
        know_exactly(a, definitions[k].below, unit, year, definitions[k].is_filtered, cells[8]);
    }
    if (strcmp(cells[1], "x") == 0)
        a->knows_x[unit][year] |= cells[6][0] != '\0';
    if (strcmp(cells[1], "c") == 0)
        a->knows_change[unit][year] |= cells[6][0] != '\0';
    if (strcmp(cells[1], "i") == 0)
        read_class(a, unit, year, cells[17]);
}

static void read_csv(struct attacker *a, struct truth *d, const char *csv)
{
    char *copy = strdup(csv);
    char *rest = copy;
    char *line = strsep(&rest, "\n"); /* the heading */

    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0')
        read_line(a, d, line);
    free(copy);
}

static void know_the_forms(struct attacker *a)
{
    static const int pairs[][2] = {
        {REGISTERS, PUPILS}, {ONE_PARENT, PUPILS}, {FAILED_RUS, TAKERS_RUS}, {FAILED_MATH, TAKERS_MATH}};

    for (size_t k = 0; k < COUNT(pairs); k++)
        for (uint32_t u = 0; u < a->units; u++)
            for (uint32_t t = 0; t < YEARS; t++) {
                struct row *r = fresh(a, -DBL_MAX, 0);

                r->coef[atom(pairs[k][0], u, t)] = 1;
                r->coef[atom(pairs[k][1], u, t)] = -1;
            }
}

static void know_own(struct attacker *a, const struct truth *d, uint32_t unit)
{
    for (int v = 0; v < VARIABLES; v++)
        for (uint32_t t = 0; t < YEARS; t++) {
            double x = (double)d->value[v][unit][t];

            fresh(a, x, x)->coef[atom(v, unit, t)] = 1;
        }
}

/* ---- elimination ---- */

static uint64_t times(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b % PRIME);
}

static uint64_t inverse(uint64_t a)
{
    uint64_t r = 1;

    for (uint64_t e = PRIME - 2; e > 0; e >>= 1, a = times(a, a))
        if (e & 1)
            r = times(r, a);
    return r;
}

struct basis {
    uint64_t row[ATOMS][ATOMS];
    bool has[ATOMS]; /* a row whose first column it is */
};

static uint64_t residue(double x)
{
    int64_t n = (int64_t)x;

    return n >= 0 ? (uint64_t)n % PRIME : PRIME - (uint64_t)-n % PRIME;
}

/* The first column that is left; ATOMS: it lies in the span. */
static uint32_t reduce(const struct basis *b, uint64_t v[ATOMS])
{
    for (uint32_t k = 0; k < ATOMS; k++) {
        uint64_t by = v[k];

        if (by == 0)
            continue;
        if (!b->has[k])
            return k;
        for (uint32_t j = k; j < ATOMS; j++)
            v[j] = (v[j] + PRIME - times(by, b->row[k][j])) % PRIME;
    }
    return ATOMS;
}

static void span(struct basis *b, const struct attacker *a)
{
    memset(b, 0, sizeof(*b));
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t v[ATOMS];
        uint32_t at;
        uint64_t by;

        if (!a->rows[i].is_exact)
            continue;
        for (uint32_t k = 0; k < ATOMS; k++)
            v[k] = residue(a->rows[i].coef[k]);
        if ((at = reduce(b, v)) == ATOMS)
            continue;
        by = inverse(v[at]);
        for (uint32_t k = 0; k < ATOMS; k++)
            b->row[at][k] = times(v[k], by);
        b->has[at] = true;
    }
}

/* ---- bounds ---- */

static Clp_Simplex *model_of(const struct attacker *a)
{
    Clp_Simplex *m = Clp_newModel();

    Clp_setLogLevel(m, 0);
    Clp_resize(m, 0, (int)ATOMS);
    for (uint32_t i = 0; i < a->count; i++) {
        int columns[ATOMS], starts[2] = {0, 0};
        double values[ATOMS];

        for (uint32_t k = 0; k < ATOMS; k++)
            if (a->rows[i].coef[k] < 0 || a->rows[i].coef[k] > 0) {
                columns[starts[1]] = (int)k;
                values[starts[1]++] = a->rows[i].coef[k];
            }
        Clp_addRows(m, 1, &a->rows[i].low, &a->rows[i].high, starts, columns, values);
    }
    return m;
}

/* direction 1: least, -1: greatest. */
static double extreme(Clp_Simplex *m, const double target[ATOMS], double direction)
{
    Clp_chgObjCoefficients(m, target);
    Clp_setOptimizationDirection(m, direction);
    (void)Clp_primal(m, 0);
    if (Clp_isProvenDualInfeasible(m))
        return direction * -DBL_MAX;
    assert_true(Clp_isProvenOptimal(m));
    return Clp_getObjValue(m);
}

/* The interval that a reader finds, in whole numbers; 0: the value itself. */
static double doubt(Clp_Simplex *m, const struct basis *b, const double target[ATOMS])
{
    uint64_t v[ATOMS];
    double least, most;

    for (uint32_t k = 0; k < ATOMS; k++)
        v[k] = residue(target[k]);
    if (reduce(b, v) == ATOMS)
        return 0;
    least = extreme(m, target, 1);
    most = extreme(m, target, -1);
    return least < -1e15 || most > 1e15 ? 1e15 : floor(most + 1e-6) - ceil(least - 1e-6);
}

/* ---- secrets ---- */

struct secret {
    double target[ATOMS];
    uint32_t unit;
    double least; /* doubt that is due */
};

static bool is_few(int64_t n)
{
    return n >= 1 && n <= 4;
}

/* By docs/publication.md, and not by the code: x, y, z of families; e of results, with its parts. */
static bool is_secret(const char *id, int64_t above, int64_t all)
{
    if (strcmp(id, "e") == 0)
        return all < 5;
    return all < 10 || is_few(above) || is_few(all - above);
}

static int64_t sum_of(const struct truth *d, const int numbers[2], uint32_t unit, uint32_t year)
{
    return (numbers[0] >= 0 ? d->value[numbers[0]][unit][year] : 0) +
           (numbers[1] >= 0 ? d->value[numbers[1]][unit][year] : 0);
}

static uint32_t list_secrets(const struct attacker *a, const struct truth *d, struct secret *out)
{
    uint32_t n = 0;

    for (size_t k = 0; k < COUNT(definitions); k++)
        for (uint32_t u = 0; u < d->units; u++)
            for (uint32_t t = 0; t < YEARS; t++) {
                const struct definition *f = &definitions[k];
                int64_t above = sum_of(d, f->above, u, t);
                int64_t all = sum_of(d, f->below, u, t);
                struct row r;

                if (!d->is_published[k][t] || f->below[0] < 0 || all == 0 || f->is_filtered ||
                    !is_secret(f->id, above, all))
                    continue;
                memset(&r, 0, sizeof(r));
                add_numbers(a, &r, f->above, u, t, false, 1);
                memcpy(out[n].target, r.coef, sizeof(r.coef));
                out[n].unit = u;
                out[n++].least = all < 3 ? (double)all : 3;
                add_numbers(a, &r, f->below, u, t, false, -1);
                memcpy(out[n].target, r.coef, sizeof(r.coef));
                out[n].unit = u;
                out[n++].least = all < 3 ? (double)all : 3;
            }
    return n;
}

struct score {
    uint32_t secrets, readers, recovered, narrow;
};

#define SECRETS_MAX (2 * COUNT(definitions) * UNITS * YEARS)

static void attack(const struct attacker *a, const struct truth *d, uint32_t reader, struct score *s)
{
    static struct secret secrets[SECRETS_MAX];
    static struct basis b;
    static struct attacker own;
    uint32_t count = list_secrets(a, d, secrets);
    Clp_Simplex *m;

    own = *a;
    if (reader != UNITS)
        know_own(&own, d, reader);
    span(&b, &own);
    m = model_of(&own);
    for (uint32_t i = 0; i < count; i++) {
        double left;

        if (secrets[i].unit == reader)
            continue;
        left = doubt(m, &b, secrets[i].target);
        s->secrets++;
        s->recovered += left < 1;
        s->narrow += left < secrets[i].least;
    }
    s->readers++;
    Clp_deleteModel(m);
    /* A change beside one of its two values is the other value. */
    for (uint32_t u = 0; u < d->units; u++)
        for (uint32_t t = 0; t < YEARS; t++)
            s->recovered += a->knows_change[u][1] && a->knows_x[u][1 - t] && !a->knows_x[u][t] &&
                            is_secret("x", d->value[REGISTERS][u][t], d->value[PUPILS][u][t]);
}

/* ---- publishing ---- */

static void publish_to(struct world *w, struct press *past, struct attacker *a, struct truth *d, uint32_t year,
                       unsigned audience)
{
    struct publication_tables tables;
    struct publication *p = publish(w, past, years[year], audience);
    struct period period;

    MUST(calendar_find(w->calendar, NULL, years[year], &period));
    publication_tables_init(&tables);
    MUST(publication_tables_make(&tables, p, w->p, &period));
    read_csv(a, d, buf_cstr(&tables.csv));
    publication_tables_fini(&tables);
    publication_free(p);
}

static uint64_t number_from(const char *variable, uint64_t without)
{
    const char *text = getenv(variable);

    return text == NULL ? without : strtoull(text, NULL, 10);
}

static void nothing_hidden_is_found_out_from_what_was_published(void **state)
{
    static struct attacker a;
    uint64_t seed = number_from("SVODKA_ATTACK_SEED", 20201001);
    uint32_t districts = (uint32_t)number_from("SVODKA_ATTACK_DISTRICTS", DISTRICTS);
    struct score s = {0};
    uint32_t lines = 0;

    (void)state;
    random_state = seed;
    for (uint32_t n = 0; n < districts; n++) {
        static const unsigned audiences[] = {AUDIENCE_SCHOOL, AUDIENCE_REGION, AUDIENCE_PUBLIC};
        struct press past = {.count = 0};
        struct truth d;
        struct world *w;

        invent(&d);
        w = world_of(&d);
        memset(&a, 0, sizeof(a));
        a.units = d.units;
        memcpy(a.is_low, d.is_low, sizeof(a.is_low));
        for (uint32_t k = 0; k < YEARS * COUNT(audiences); k++)
            if (below(4) > 0)
                publish_to(w, &past, &a, &d, k / COUNT(audiences), audiences[(k + n) % COUNT(audiences)]);
        lines += a.count;
        know_the_forms(&a);
        attack(&a, &d, UNITS, &s);
        for (uint32_t u = 0; u < d.units; u++)
            attack(&a, &d, u, &s);
        if (s.recovered > 0 || s.narrow > 0)
            fail_msg("seed %llu, district %u: %u found out, %u nearly", (unsigned long long)seed, n, s.recovered,
                     s.narrow);
        press_free(&past);
        done(w);
    }
    print_message("seed %llu: %u districts, %u numbers published, %u readers, %u secrets asked for: %u found out\n",
                  (unsigned long long)seed, districts, lines, s.readers, s.secrets, s.recovered);
    assert_true(s.secrets > 50 * districts && lines > 30 * districts);
}

/* ---- how much is hidden ---- */

static const char small_yaml[] =
    "variables:\n"
    "  - {id: pupils, form: social, value: \"${pupils}\"}\n"
    "  - {id: registers, form: social, value: \"${registers}\"}\n"
    "indicators:\n"
    "  - {id: x, name: X, kind: share, numerator: \"${registers}\", denominator: \"${pupils}\", privacy: family, "
    "audience: [office, region]}\n";

/* Of x in the first year alone; `hidden`: bits by school, the district last. */
static bool is_safe_for(const struct truth *d, uint32_t hidden, uint32_t reader)
{
    static const int registers[] = {REGISTERS, -1};
    static const int pupils[] = {PUPILS, -1};
    static struct attacker a;
    static struct truth known;
    struct score s = {0};

    memset(&a, 0, sizeof(a));
    known = *d;
    memset(known.is_published, 0, sizeof(known.is_published));
    known.is_published[0][0] = true;
    a.units = d->units;
    for (uint32_t u = 0; u <= d->units; u++) {
        uint32_t unit = u == d->units ? UNITS : u;
        double above = 0, all = 0;

        if (hidden >> u & 1)
            continue;
        for (uint32_t k = 0; k < d->units; k++)
            if (unit == UNITS || k == unit) {
                above += (double)d->value[REGISTERS][k][0];
                all += (double)d->value[PUPILS][k][0];
            }
        add_numbers(&a, fresh(&a, above, above), registers, unit, 0, false, 1);
        add_numbers(&a, fresh(&a, all, all), pupils, unit, 0, false, 1);
    }
    know_the_forms(&a);
    attack(&a, &known, reader, &s);
    return s.narrow == 0;
}

static bool is_safe(const struct truth *d, uint32_t hidden)
{
    bool safe = is_safe_for(d, hidden, UNITS);

    for (uint32_t u = 0; u < d->units && safe; u++)
        safe = is_safe_for(d, hidden, u);
    return safe;
}

/* The rules' own, and then as few more as any choice needs. */
static uint32_t least_hidden(const struct truth *d, uint32_t primary)
{
    uint32_t least = UINT32_MAX;

    for (uint32_t set = 0; set < UINT32_C(2) << d->units; set++)
        if ((set & primary) == primary && (uint32_t)__builtin_popcount(set & ~primary) < least && is_safe(d, set))
            least = (uint32_t)__builtin_popcount(set & ~primary);
    return least;
}

static void little_more_is_hidden_than_any_choice_must_hide(void **state)
{
    uint32_t hidden = 0, needed = 0, exact = 0, districts = 0;

    (void)state;
    random_state = 7;
    while (districts < 20) {
        struct truth d;
        struct world *w;
        struct publication *p;
        uint32_t primary = 0, extra = 0, least;

        invent(&d);
        if (d.units > 5)
            continue;
        w = open_text(small_yaml);
        for (uint32_t u = 0; u < d.units; u++) {
            school(w, names[u], NULL, NULL, NULL);
            cell(w, "pupils", names[u], years[0], d.value[PUPILS][u][0], 1);
            cell(w, "registers", names[u], years[0], d.value[REGISTERS][u][0], 1);
            if (is_secret("x", d.value[REGISTERS][u][0], d.value[PUPILS][u][0]))
                primary |= UINT32_C(1) << u;
        }
        p = publish(w, NULL, years[0], AUDIENCE_REGION);
        for (uint32_t u = 0; u <= d.units; u++) /* a dominated district is hidden by a rule, too: it counts as needed */
            if (said(p, "x", u == d.units ? "" : names[u], "")[0] == 'x' && !(primary >> u & 1))
                extra++;
        if (publication_summary(p)->primary > (uint32_t)__builtin_popcount(primary))
            primary |= UINT32_C(1) << d.units, extra--;
        least = least_hidden(&d, primary);
        assert_true(least <= extra);
        hidden += extra;
        needed += least;
        exact += least == extra;
        districts++;
        publication_free(p);
        done(w);
    }
    print_message("20 small districts: %u lines hidden in addition, at least %u are needed; as few as possible in %u\n",
                  hidden, needed, exact);
    assert_true(hidden <= needed + needed / 3 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_hidden_is_found_out_from_what_was_published),
        cmocka_unit_test(little_more_is_hidden_than_any_choice_must_hide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
