/* test_evaluate_packs.c: every indicator of the shipped packs can have a value: when four schools and the office answer
 * everything for five school years, each has one somewhere, and nothing of it is an error (invariant 8). */
#include "tests/unit/evaluate_fixture.h"

#define FIRST_DAY "2017-09-01"
#define LAST_DAY  "2022-08-31"
#define TEACHERS  5

static const char *const packs[] = {"klin", "abinsky", "veshkaima", "zhigalovo", "korolyov"};
static const char *const schools[] = {"s1", "s2", "s3", "s4"};

static struct programme *load_shipped(const char *name, struct calendar *calendar)
{
    struct programme *p = NULL;
    struct report *r;
    struct pack pack = {NULL, 0};
    char dir[256];

    (void)snprintf(dir, sizeof(dir), "%s/configs/programmes/%s", SVODKA_SOURCE_DIR, name);
    MUST(report_new(&r, 500));
    MUST(pack_read_dir(&pack, dir, r));
    MUST(programme_load(&p, &pack, calendar, r));
    pack_free(&pack);
    report_free(r);
    return p;
}

/* ---- cells for one variable ---- */

struct filling {
    const struct programme *p;
    const struct calendar *calendar;
    const struct variable *v;
    uint32_t index;
    const char *unit;
    unsigned seed;
    enum err (*each)(void *to, const char *unit, const char *period, struct bytes part, const struct cell *c);
    void *to;
};

static int64_t some(struct filling *f, unsigned most)
{
    f->seed = f->seed * 1103515245u + 12345u;
    return (int64_t)(f->seed >> 16) % most + 1;
}

static enum err put(struct filling *f, const struct period *p, const void *part, size_t len, int64_t sum, uint64_t n)
{
    const struct cell c = {sum, n};

    return f->each(f->to, f->unit, p->id, bytes_of(part, len), &c);
}

/* What was done, by the roadmap's codes; a plan, by the indicators' ids. */
static enum err put_parts(struct filling *f, const struct period *p)
{
    char part[PART_MAX + 1];
    enum err e = OK;

    for (uint32_t i = 0; i < f->p->indicator_count && e == OK; i++) {
        const struct indicator *x = f->p->indicators[i];

        if (x->kind == KIND_EXECUTION && x->done_variable == f->index) {
            for (size_t k = 0; k < f->p->roadmap_count && e == OK; k++) {
                (void)snprintf(part, sizeof(part), "%s=%s", f->v->by[0], f->p->roadmap[k].code);
                e = put(f, p, part, strlen(part), f->p->roadmap[k].due, 1);
            }
            break;
        }
        if (x->kind == KIND_PROGRESS && x->done_variable == f->index) {
            for (uint32_t k = 0; k < x->plan_count && e == OK; k++) {
                (void)snprintf(part, sizeof(part), "%s=%s", f->v->by[0], f->p->indicators[x->plan_indicators[k]]->id);
                e = put(f, p, part, strlen(part), 50, 1);
            }
            break;
        }
    }
    return e;
}

/* That there is a submission of the clauses' forms at all. */
static enum err put_presence(struct filling *f, const struct period *p)
{
    enum err e = OK;

    for (uint32_t c = 0; c < f->v->clause_count && e == OK; c++) {
        const uint8_t part = (uint8_t)c;

        e = put(f, p, &part, 1, 0, 1);
    }
    return e;
}

static enum err put_codes(struct filling *f, const struct period *p)
{
    uint8_t part[2 * PART_KEY_BYTES + 4] = {0};
    enum err e = f->v->kind == VARIABLE_KEYS ? put_presence(f, p) : OK;

    for (unsigned i = 0; i < TEACHERS && e == OK; i++) {
        be64_put(part, ((uint64_t)i + 1) << 8 | (uint8_t)f->unit[1]);
        if (f->v->kind == VARIABLE_KEYS) {
            for (uint32_t c = 0; c < f->v->clause_count && e == OK; c++) {
                part[PART_KEY_BYTES] = (uint8_t)c;
                e = put(f, p, part, PART_KEY_BYTES + 1, 1, 1);
            }
        } else
            for (uint32_t round = 1; round <= 2 && e == OK; round++) {
                be32_put(part + 2 * (size_t)PART_KEY_BYTES, round ^ (UINT32_C(1) << 31));
                e = put(f, p, part, sizeof(part), some(f, 100), 1);
            }
    }
    return e;
}

static enum err put_period(struct filling *f, const struct period *p)
{
    uint8_t part[PART_KEY_BYTES + 8] = {0};
    uint64_t n = 25;
    enum err e;

    switch (f->v->kind) {
    case VARIABLE_SUM:
        if (strncmp(f->v->id, "is_", 3) == 0) /* a status: of half of the schools */
            return put(f, p, "", 0, f->unit[1] <= '2', 1);
        e = put(f, p, "", 0, some(f, 40) * (int64_t)i128_power10(f->v->places), n);
        return e == OK ? put_parts(f, p) : e;
    case VARIABLE_VALUES: be64_put(part, (uint64_t)some(f, 40) ^ (UINT64_C(1) << 63)); return put(f, p, part, 8, 40, n);
    case VARIABLE_KEYS:
    case VARIABLE_PAIRS: return put_codes(f, p);
    case VARIABLE_RELATIONS:
        be64_put(part, (uint8_t)f->unit[1]);
        part[PART_KEY_BYTES] = 's';
        part[PART_KEY_BYTES + 1] = f->unit[1] == '1' ? '2' : '1';
        return put(f, p, part, PART_KEY_BYTES + 2, 1, 1);
    }
    return ERR_INTERNAL;
}

static enum err put_series(struct filling *f, const char *series)
{
    struct period p;
    enum err e = OK;

    for (int32_t last = day(LAST_DAY); e == OK; last = p.first - 1) {
        if (calendar_latest(f->calendar, series, last, false, &p) != OK || p.last < day(FIRST_DAY))
            break;
        e = put_period(f, &p);
    }
    return e;
}

static enum err put_unit(struct filling *f)
{
    const struct form *last = NULL;
    enum err e = OK;

    for (uint32_t c = 0; c < f->v->clause_count && e == OK; c++) {
        const struct form *form = reads_form(f->p, f->v->clauses[c].form);

        assert_non_null(form);
        if (form->is_about_district != (strcmp(f->unit, UNIT_DISTRICT) == 0) ||
            (last != NULL && strcmp(last->series, form->series) == 0))
            continue;
        last = form;
        for (uint32_t s = 0; s < form->series_count && e == OK; s++)
            e = put_series(f, form->all_series[s]);
    }
    return e;
}

struct source {
    const struct programme *p;
    const struct calendar *calendar;
};

static enum err each_cell(void *ctx, const uint8_t digest[VARIABLE_DIGEST_BYTES],
                          enum err (*each)(void *to, const char *unit, const char *period, struct bytes part,
                                           const struct cell *c),
                          void *to)
{
    const struct source *s = ctx;
    uint32_t v = 0;
    enum err e = OK;

    while (memcmp(s->p->variables[v]->digest, digest, VARIABLE_DIGEST_BYTES) != 0)
        v++;
    for (size_t u = 0; u <= COUNT(schools) && e == OK; u++) {
        struct filling f = {.p = s->p,
                            .calendar = s->calendar,
                            .v = s->p->variables[v],
                            .index = v,
                            .unit = u < COUNT(schools) ? schools[u] : UNIT_DISTRICT,
                            .seed = v * 31u + (unsigned)u * 7u + digest[0],
                            .each = each,
                            .to = to};

        e = put_unit(&f);
    }
    return e;
}

static bool always(const void *ctx, const char *unit, int32_t first, int32_t last)
{
    (void)ctx;
    (void)first;
    (void)last;
    return strcmp(unit, UNIT_DISTRICT) != 0;
}

/* ---- looking ---- */

struct tally {
    const struct programme *p;
    bool *has_value;
    const char **why;
    unsigned long lines;
};

static enum err count(void *ctx, const struct indicator_line *l)
{
    struct tally *t = ctx;

    t->lines++;
    if (l->result.state == RESULT_OK)
        t->has_value[l->index] = true;
    else
        t->why[l->index] = l->result.why_not;
    assert_true(l->result.state == RESULT_NO_DATA || (isfinite(l->result.number) && l->result.why_not == NULL));
    assert_true(l->result.reported <= l->result.expected + l->result.excluded);
    return OK;
}

static unsigned look_at(const char *name)
{
    struct calendar *calendar;
    struct source s;
    struct evaluation_world w = {
        .programme_count = 1, .units = {NULL, schools, COUNT(schools), true, always, NULL}, .source = {each_cell, &s}};
    const struct indicator_query q = {.level = -1};
    struct evaluation *e;
    struct programme *p;
    struct tally t = {0};
    unsigned without = 0;

    MUST(calendar_new(&calendar));
    p = load_shipped(name, calendar);
    s = (struct source){p, calendar};
    w.programmes = &p;
    w.calendar = calendar;
    t.p = p;
    t.has_value = calloc(p->indicator_count, sizeof(bool));
    t.why = calloc(p->indicator_count, sizeof(char *));
    assert_true(t.has_value != NULL && t.why != NULL);
    MUST(evaluation_make(&e, &w));
    MUST(evaluation_lines(e, &q, count, &t));
    for (uint32_t i = 0; i < p->indicator_count; i++)
        if (e->views[0].is_first[i] && !p->indicators[i]->is_hidden && !t.has_value[i]) {
            print_message("%s %s [%s], %s: %s\n", name, p->indicators[i]->id, p->indicators[i]->part,
                          indicator_kind_names[p->indicators[i]->kind], t.why[i] == NULL ? "no line" : t.why[i]);
            without++;
        }
    print_message("%s: %lu lines\n", name, t.lines);
    evaluation_free(e);
    free(t.has_value);
    free(t.why);
    programme_free(p);
    calendar_free(calendar);
    return without;
}

static void every_indicator_of_the_shipped_packs_has_a_value_when_everything_was_answered(void **state)
{
    unsigned without = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(packs); i++)
        without += look_at(packs[i]);
    assert_int_equal(without, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_indicator_of_the_shipped_packs_has_a_value_when_everything_was_answered)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
