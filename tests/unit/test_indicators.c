/* test_indicators.c: the four kinds give exactly what a person computes by hand; what has no data says so; a school
 * that sent nothing is seen (invariants 5 and 9). */
#include "tests/unit/ledger_fixture.h"

#include "hub/indicators_internal.h"

/* ---- one form, some indicators, no store ---- */

static const char form_yaml[] = "form: f\nversion: \"2\"\ntitle: F\nmode: rows\nkey: who\nrole: school\nperiod: month\n"
                                "choices:\n  sex:\n    - {code: F, label: F}\n    - {code: M, label: M}\n"
                                "survey:\n"
                                "  - {type: text, name: who, label: Who, required: true}\n"
                                "  - {type: integer, name: a, label: A}\n"
                                "  - {type: decimal, name: d, places: 3, label: D}\n"
                                "  - {type: select_one sex, name: sex, label: Sex}\n"
                                "  - {type: boolean, name: yes, label: Yes}\n";
/* Before the field `d` was there. */
static const char older_yaml[] =
    "form: f\nversion: \"1\"\ntitle: F\nmode: rows\nkey: who\nrole: school\nperiod: month\n"
    "survey:\n"
    "  - {type: text, name: who, label: Who, required: true}\n"
    "  - {type: integer, name: a, label: A}\n";
static const char indicators_yaml[] =
    "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n"
    "  - {id: n, name: N, form: f, kind: count, breakdown: sex}\n"
    "  - {id: girls, name: G, form: f, kind: count, where: \"${sex} = 'F'\"}\n"
    "  - {id: sum, name: S, form: f, kind: sum, value: \"${a}\", breakdown: a}\n"
    "  - {id: mean, name: M, form: f, kind: mean, value: \"${d}\", places: 2}\n"
    "  - {id: share, name: H, form: f, kind: share, where: \"${a} != ''\", condition: \"${a} >= 10\", breakdown: yes}\n"
    "  - {id: half, name: H, form: f, kind: sum, value: \"${a} div 2\"}\n"
    "  - {id: huge, name: H, form: f, kind: sum, value: \"${a} * 1000000000000000\"}\n";

struct bench {
    struct hub hub;
    struct form *forms[2];
    struct programme *programme;
    struct indicator_eval *eval;
    struct cell cells[7][4]; /* of the programme's indicators: total, then parts in order of first appearance */
    char parts[7][4][40];
};

static void bench_open(struct bench *b)
{
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)indicators_yaml, sizeof(indicators_yaml) - 1},
        {(char *)(uintptr_t) "forms/f.yaml", (void *)(uintptr_t)form_yaml, sizeof(form_yaml) - 1}};
    struct pack pack = {files, 2};
    struct calendar *c;
    struct report *r;

    memset(b, 0, sizeof(*b));
    MUST(report_new(&r, 0));
    MUST(calendar_new(&c));
    if (programme_load(&b->programme, &pack, c, r) != OK) {
        report_print(r, stderr);
        fail();
    }
    calendar_free(c);
    report_free(r);
    MUST(form_load(&b->forms[0], "f", form_yaml, sizeof(form_yaml) - 1, NULL));
    MUST(form_load(&b->forms[1], "f", older_yaml, sizeof(older_yaml) - 1, NULL));
    b->hub.forms = b->forms;
    b->hub.form_count = 2;
    b->hub.programmes = &b->programme;
    b->hub.programme_count = 1;
    MUST(indicator_eval_new(&b->eval, &b->hub));
}

static void bench_close(struct bench *b)
{
    indicator_eval_free(b->eval);
    form_free(b->forms[0]);
    form_free(b->forms[1]);
    programme_free(b->programme);
}

static enum err add_up(void *ctx, const struct indicator *i, const char *breakdown, const struct contribution *c)
{
    struct bench *b = ctx;
    size_t at = 0;
    size_t part = 0;

    while (b->programme->indicators[at] != i)
        at++;
    while (part < 4 && strcmp(b->parts[at][part], breakdown) != 0 && (part == 0 || b->parts[at][part][0] != '\0'))
        part++;
    assert_true(part < 4);
    (void)snprintf(b->parts[at][part], sizeof(b->parts[at][part]), "%s", breakdown);
    b->cells[at][part].numerator += c->numerator;
    b->cells[at][part].denominator += c->denominator;
    b->cells[at][part].n += (uint64_t)c->n;
    return OK;
}

#define NONE INT64_MIN

/* One pupil's row; NONE: left empty. */
static void row(struct bench *b, int64_t a, int64_t d_thousandths, int sex, int yes)
{
    struct value v[5] = {{.as.text = bytes_of("x", 1)},
                         {.state = a == NONE ? VALUE_MISSING : VALUE_PRESENT, .as.i = a},
                         {.state = d_thousandths == NONE ? VALUE_NOT_ASKED : VALUE_PRESENT, .as.i = d_thousandths},
                         {.state = sex < 0 ? VALUE_NOT_KNOWN : VALUE_PRESENT, .as.i = sex},
                         {.state = yes < 0 ? VALUE_NOT_APPLICABLE : VALUE_PRESENT, .as.i = yes}};

    MUST(indicator_eval_record(b->eval, b->forms[0], v, 5, SOME_DAY, add_up, b));
}

static size_t index_of(const struct bench *b, const char *id)
{
    for (size_t i = 0; i < b->programme->indicator_count; i++)
        if (strcmp(indicator_id(b->programme->indicators[i]), id) == 0)
            return i;
    fail_msg("no indicator %s", id);
    return 0;
}

static const struct cell *cell_named(const struct bench *b, const char *id, const char *part)
{
    static const struct cell nothing;
    size_t at = index_of(b, id);

    for (size_t k = 0; k < 4; k++)
        if (strcmp(b->parts[at][k], part) == 0 && (k == 0 || part[0] != '\0'))
            return &b->cells[at][k];
    return &nothing;
}

/* Value, numerator and denominator as text; "-" is no data. */
static void expect(const struct bench *b, const char *id, const char *part, const char *value, const char *numerator,
                   const char *denominator)
{
    const struct indicator *i = b->programme->indicators[index_of(b, id)];
    const struct cell *c = cell_named(b, id, part);
    struct buf out;

    buf_init(&out, 256);
    if (indicator_value(i, c, &out))
        assert_string_equal(buf_cstr(&out), value);
    else
        assert_string_equal("-", value);
    buf_reset(&out);
    indicator_numerator(i, c, &out);
    assert_string_equal(buf_cstr(&out), numerator);
    buf_reset(&out);
    indicator_denominator(i, c, &out);
    assert_string_equal(buf_cstr(&out), denominator);
    buf_fini(&out);
}

static void the_kinds_give_what_is_computed_by_hand(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    row(&b, 12, 4250, 0, 1);                       /* 12; 4.250; F; yes */
    row(&b, 9, 3755, 0, 0);                        /*  9; 3.755; F; no */
    row(&b, 10, NONE, 1, 1);                       /* 10; -;     M; yes */
    row(&b, NONE, 5000, -1, -1);                   /* -;  5.000; not known; not applicable */
    expect(&b, "n", "", "4.000000", "4", "");      /* every row */
    expect(&b, "n", "sex=F", "2.000000", "2", ""); /* the row without a sex stands in the total alone */
    expect(&b, "n", "sex=M", "1.000000", "1", "");
    expect(&b, "girls", "", "2.000000", "2", "");
    expect(&b, "sum", "", "31.000000", "31", ""); /* 12 + 9 + 10; the empty one is not zero, it is nothing */
    assert_int_equal(cell_named(&b, "sum", "")->n, 3);
    expect(&b, "sum", "a=12", "12.000000", "12", "");
    /* Each value enters with two places, half up: 4.25 + 3.76 + 5.00 = 13.01; / 3 = 4.336666... */
    expect(&b, "mean", "", "4.336667", "13.01", "3");
    /* Of 12, 9 and 10 two are 10 or more: 2 / 3 = 66.666...% */
    expect(&b, "share", "", "66.666667", "2", "3");
    expect(&b, "share", "yes=true", "100.000000", "2", "2");
    expect(&b, "share", "yes=false", "0.000000", "0", "1"); /* zero is a number, not the absence of one */
    /* 12/2 + 9/2 + 10/2 = 6 + 5 + 5: 4.5 becomes 5 before it enters the sum */
    expect(&b, "half", "", "16.000000", "16", "");
    bench_close(&b);
}

static void without_data_there_is_no_number(void **state)
{
    struct bench b;
    const struct indicator *i;
    struct buf out;

    (void)state;
    bench_open(&b);
    expect(&b, "n", "", "-", "0", "");
    expect(&b, "sum", "", "-", "0", "");
    expect(&b, "mean", "", "-", "0.00", "0");
    expect(&b, "share", "", "-", "0", "0");
    row(&b, NONE, NONE, -1, -1); /* a row without any of the values */
    expect(&b, "n", "", "1.000000", "1", "");
    expect(&b, "sum", "", "-", "0", "");
    expect(&b, "share", "", "-", "0", "0");
    i = b.programme->indicators[index_of(&b, "share")];
    buf_init(&out, 64);
    assert_false(indicator_value_places(i, cell_named(&b, "share", ""), 1, &out));
    assert_int_equal(out.len, 0);
    assert_string_equal(indicator_unit_of_measure(i, true), "%");
    buf_fini(&out);
    bench_close(&b);
}

static void shown(const struct indicator *i, int64_t numerator, int64_t denominator, unsigned places, const char *text)
{
    struct cell c = {numerator, denominator, (uint64_t)denominator};
    struct buf out;

    buf_init(&out, 256);
    assert_true(indicator_value_places(i, &c, places, &out));
    assert_string_equal(buf_cstr(&out), text);
    buf_fini(&out);
}

static void halves_go_up(void **state)
{
    struct bench b;
    const struct indicator *mean, *share;

    (void)state;
    bench_open(&b);
    mean = b.programme->indicators[index_of(&b, "mean")]; /* sums are hundredths */
    share = b.programme->indicators[index_of(&b, "share")];
    shown(share, 1, 8, 0, "13"); /* 12.5 % */
    shown(share, 1, 8, 1, "12.5");
    shown(share, 1, 3, 6, "33.333333");
    shown(share, 2, 3, 6, "66.666667");
    shown(share, 1, 1, 0, "100");
    shown(mean, 25, 10, 2, "0.03");   /* 0.25 / 10 = 0.025 */
    shown(mean, -25, 10, 2, "-0.02"); /* half up goes towards the greater number */
    shown(mean, -26, 10, 2, "-0.03");
    shown(mean, -1, 1000, 2, "0.00"); /* never "-0.00" */
    shown(mean, -5, 1, 0, "0");
    shown(mean, 100, 3, 6, "0.333333");
    bench_close(&b);
}

/* 0.285 and 1.005 lie below their halves in binary, 1.115 above: people see decimals. */
static void a_value_is_rounded_as_its_decimals_show(void **state)
{
    static const struct {
        int64_t thousandths, hundredths;
    } cases[] = {{285, 29}, {1005, 101}, {1115, 112}, {1114, 111}, {-285, -28}, {-286, -29}, {2675, 268}, {0, 0}};

    (void)state;
    for (size_t k = 0; k < COUNT(cases); k++) {
        struct bench b;

        bench_open(&b);
        row(&b, 1, cases[k].thousandths, 0, 0);
        if (cell_named(&b, "mean", "")->numerator != cases[k].hundredths)
            fail_msg("%lld thousandths", (long long)cases[k].thousandths);
        bench_close(&b);
    }
}

static void a_value_that_is_not_exact_any_more_is_left_out(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    row(&b, 8, 0, 0, 0); /* 8e15 is exact in a double */
    row(&b, 9, 0, 0, 0); /* 9e15 is the limit */
    expect(&b, "huge", "", "8000000000000000.000000", "8000000000000000", "");
    bench_close(&b);
}

static void an_older_version_counts_where_its_fields_are_enough(void **state)
{
    struct value v[2] = {{.as.text = bytes_of("x", 1)}, {.as.i = 15}};
    struct bench b;

    (void)state;
    bench_open(&b);
    MUST(indicator_eval_record(b.eval, b.forms[1], v, 2, SOME_DAY, add_up, &b));
    expect(&b, "sum", "", "15.000000", "15", "");
    expect(&b, "mean", "", "-", "0.00", "0"); /* had no field d */
    expect(&b, "girls", "", "-", "0", "");    /* nor sex: nobody knows */
    bench_close(&b);
}

/* Version 3 calls `a` what was `score` in version 1 and `points` in version 2: one series all the same. */
static void a_renamed_field_goes_on_counting(void **state)
{
    static const char head[] = "mode: record\nrole: school\nperiod: month\ntitle: R\n";
    static const char *const fields[] = {"{type: integer, name: score}", "{type: integer, name: points, was: score}",
                                         "{type: integer, name: a, was: points}"};
    static const char yaml[] = "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n"
                               "  - {id: s, name: S, form: r, kind: sum, value: \"${a}\", breakdown: a}\n";
    struct form *forms[3];
    struct value v[1] = {{.as.i = 7}};
    struct programme *p = NULL;
    struct pack_file files[2];
    struct pack pack = {files, 2};
    struct calendar *c;
    struct report *r;
    char text[3][512];
    struct bench b = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "form: r\nversion: \"%zu\"\n%ssurvey:\n  - %s\n", i + 1, head,
                       fields[i]);
        MUST(form_load(&forms[i], "r", text[i], strlen(text[i]), NULL));
    }
    files[0] = (struct pack_file){(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)yaml, sizeof(yaml) - 1};
    files[1] = (struct pack_file){(char *)(uintptr_t) "forms/r.yaml", text[2], strlen(text[2])};
    MUST(report_new(&r, 0));
    MUST(calendar_new(&c));
    MUST(programme_load(&p, &pack, c, r));
    b.hub = (struct hub){.forms = forms, .form_count = 3, .programmes = &p, .programme_count = 1};
    b.programme = p;
    MUST(indicator_eval_new(&b.eval, &b.hub));
    for (size_t i = 0; i < 3; i++)
        MUST(indicator_eval_record(b.eval, forms[i], v, 1, SOME_DAY, add_up, &b));
    expect(&b, "s", "", "21.000000", "21", "");
    expect(&b, "s", "a=7", "21.000000", "21", ""); /* by its name today */
    indicator_eval_free(b.eval);
    programme_free(p);
    calendar_free(c);
    report_free(r);
    for (size_t i = 0; i < 3; i++)
        form_free(forms[i]);
}

static void a_form_that_no_indicator_reads_adds_nothing(void **state)
{
    static const char yaml[] = "form: other\nversion: \"1\"\ntitle: O\nmode: record\nrole: school\nperiod: month\n"
                               "survey:\n  - {type: integer, name: a, label: A}\n";
    struct value v[1] = {{.as.i = 15}};
    struct form *f;
    struct bench b;

    (void)state;
    bench_open(&b);
    MUST(form_load(&f, "o", yaml, sizeof(yaml) - 1, NULL));
    MUST(indicator_eval_record(b.eval, f, v, 1, SOME_DAY, add_up, &b));
    expect(&b, "n", "", "-", "0", "");
    form_free(f);
    bench_close(&b);
}

static void cells_keep_128_bits(void **state)
{
    i128 big = (i128)INT64_MAX * 1000 + 7;
    struct cell in = {big, -big, UINT64_MAX}, out;
    uint8_t raw[CELL_BYTES];

    (void)state;
    cell_put(raw, &in);
    assert_int_equal(cell_get(&out, bytes_of(raw, sizeof(raw))), OK);
    assert_true(out.numerator == big && out.denominator == -big && out.n == UINT64_MAX);
    assert_int_equal(cell_get(&out, bytes_of(raw, sizeof(raw) - 1)), ERR_CORRUPT);
}

/* ---- reading them out of the store ---- */

struct seen {
    char text[40][160];
    size_t count;
};

static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct seen *s = ctx;
    struct buf value;

    buf_init(&value, 256);
    if (!indicator_value_places(l->indicator, &l->cell, 1, &value))
        buf_put_str(&value, "no data");
    assert_true(s->count < COUNT(s->text));
    (void)snprintf(s->text[s->count++], sizeof(s->text[0]), "%s %s [%s] %s [%s] %s %llu/%llu",
                   indicator_id(l->indicator), l->level == LEVEL_UNIT ? "unit" : "all", l->unit, l->period,
                   l->breakdown, buf_cstr(&value), (unsigned long long)l->reported, (unsigned long long)l->expected);
    buf_fini(&value);
    return OK;
}

static void read_lines(struct world *w, const struct indicator_query *q, struct seen *s)
{
    struct store_txn *t;

    memset(s, 0, sizeof(*s));
    MUST(store_begin_read(w->hub->store, &t));
    MUST(indicators_read(w->hub, t, q, take_line, s));
    store_abort(t);
}

static void expect_lines(const struct seen *s, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < s->count && i < count; i++)
        assert_string_equal(s->text[i], lines[i]);
    assert_int_equal(s->count, count);
}

static void units_come_sorted_then_the_municipality_pooled(void **state)
{
    static const char *const grades[] = {
        "passed unit [gp] 2020-09 [] 50.0 1/1",
        "passed unit [gp2] 2020-09 [] no data 0/1", /* sent nothing, and is seen */
        "passed unit [ms] 2020-09 [] 100.0 1/1",
        "passed all [] 2020-09 [] 75.0 2/3", /* 3 of 4: pooled, not the mean of 50 and 100 */
    };
    struct indicator_query q = {.indicator = "passed", .level = -1};
    struct sub gp[] = {grade(1, "anna", 12), grade(2, "boris", 8)};
    struct sub ms[] = {grade(1, "vera", 20), grade(2, "gleb", 10)};
    uint8_t head[DIGEST_BYTES], other[DIGEST_BYTES];
    struct world w;
    struct seen s;

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < 2; i++) {
        ms[i].school = 1;
        ms[i].unit = "ms";
    }
    take_array(&w, gp, 2, 1, head, NULL);
    take_array(&w, ms, 2, 1, other, NULL);
    read_lines(&w, &q, &s);
    expect_lines(&s, grades, COUNT(grades));

    q.level = LEVEL_MUNICIPALITY;
    read_lines(&w, &q, &s);
    expect_lines(&s, grades + 3, 1);
    q.level = -1;
    q.unit = "ms";
    read_lines(&w, &q, &s);
    expect_lines(&s, grades + 2, 1);
    q.unit = NULL;
    q.period = "2020-10"; /* asked for, and nobody sent anything */
    read_lines(&w, &q, &s);
    assert_int_equal(s.count, 4);
    assert_string_equal(s.text[3], "passed all [] 2020-10 [] no data 0/3");
    q.period = NULL;
    q.programme = "another";
    read_lines(&w, &q, &s);
    assert_int_equal(s.count, 0);
    world_close(&w);
}

static void a_breakdown_stands_after_its_total(void **state)
{
    static const char *const lines[] = {
        "pupils unit [gp] 2020-09 [] 3.0 1/1",          "pupils unit [gp] 2020-09 [level=high] 1.0 1/1",
        "pupils unit [gp] 2020-09 [level=low] 2.0 1/1", "pupils unit [gp2] 2020-09 [] no data 0/1",
        "pupils unit [ms] 2020-09 [] no data 0/1",      "pupils all [] 2020-09 [] 3.0 1/3",
        "pupils all [] 2020-09 [level=high] 1.0 1/3",   "pupils all [] 2020-09 [level=low] 2.0 1/3",
    };
    struct indicator_query q = {.indicator = "pupils", .level = -1};
    struct sub gp[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 9)};
    uint8_t head[DIGEST_BYTES];
    struct world w;
    struct seen s;

    (void)state;
    world_open(&w);
    take_array(&w, gp, 3, 1, head, NULL);
    read_lines(&w, &q, &s);
    expect_lines(&s, lines, COUNT(lines));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kinds_give_what_is_computed_by_hand),
        cmocka_unit_test(without_data_there_is_no_number),
        cmocka_unit_test(halves_go_up),
        cmocka_unit_test(a_value_is_rounded_as_its_decimals_show),
        cmocka_unit_test(a_value_that_is_not_exact_any_more_is_left_out),
        cmocka_unit_test(an_older_version_counts_where_its_fields_are_enough),
        cmocka_unit_test(a_renamed_field_goes_on_counting),
        cmocka_unit_test(a_form_that_no_indicator_reads_adds_nothing),
        cmocka_unit_test(cells_keep_128_bits),
        cmocka_unit_test(units_come_sorted_then_the_municipality_pooled),
        cmocka_unit_test(a_breakdown_stands_after_its_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
