/* test_programme_formula.c: what a name in an indicator's expression means, where it may stand, and that indicators
 * which use each other are found (invariant 9). */
#include "programme_fixture.h"

#define H       "  - {id: H, name: H, kind: share, form: f, condition: \"${a} > 1\"}\n"
#define F(text) "  - {id: F, name: F, kind: formula, period: month, value: \"" text "\"}\n"

static const struct reference *only(const struct programme *p)
{
    const struct indicator *i = indicator_of(p, "F", "");

    assert_int_equal(i->value.count, 1);
    return &i->value.references[0];
}

static void words_before_a_name_say_of_what_time_and_place(void **state)
{
    static const struct {
        const char *yaml;
        struct reference is;
    } cases[] = {
        {HEAD F("${a}"), {.what = REFERENCE_VARIABLE}},
        {HEAD F("${municipality.a}"), {.what = REFERENCE_VARIABLE, .municipality = true}},
        {HEAD F("${previous.a}"), {.what = REFERENCE_VARIABLE, .shift = SHIFT_PREVIOUS}},
        {HEAD F("${last_year.a}"), {.what = REFERENCE_VARIABLE, .shift = SHIFT_LAST_YEAR}},
        {HEAD F("${last_known.n.a}"), {.what = REFERENCE_VARIABLE, .shift = SHIFT_LAST_KNOWN, .stat = STAT_N}},
        {HEAD F("${municipality.base.q75.v}"),
         {.what = REFERENCE_VARIABLE, .municipality = true, .shift = SHIFT_BASE, .stat = STAT_Q75}},
        {HEAD F("${n.v}"), {.what = REFERENCE_VARIABLE, .stat = STAT_N}},
        {HEAD F("${min.v}"), {.what = REFERENCE_VARIABLE, .stat = STAT_MIN}},
        {HEAD F("${max.v}"), {.what = REFERENCE_VARIABLE, .stat = STAT_MAX}},
        {HEAD F("${mean.v}"), {.what = REFERENCE_VARIABLE, .stat = STAT_MEAN}},
        {HEAD F("${median.v}"), {.what = REFERENCE_VARIABLE, .stat = STAT_MEDIAN}},
        {HEAD F("${q25.v}"), {.what = REFERENCE_VARIABLE, .stat = STAT_Q25}},
        {HEAD F("${range.v}"), {.what = REFERENCE_VARIABLE, .stat = STAT_RANGE}},
        {HEAD F("${rose.pr}"), {.what = REFERENCE_VARIABLE, .stat = STAT_ROSE}},
        {HEAD F("${fell.pr}"), {.what = REFERENCE_VARIABLE, .stat = STAT_FELL}},
        {HEAD F("${H}") H, {.what = REFERENCE_INDICATOR}},
        {HEAD F("${num.H}") H, {.what = REFERENCE_INDICATOR, .stat = STAT_NUMERATOR}},
        {HEAD F("${previous.den.H}") H,
         {.what = REFERENCE_INDICATOR, .shift = SHIFT_PREVIOUS, .stat = STAT_DENOMINATOR}},
        {HEAD F("${n.H} + ${n.H} * 2") H, {.what = REFERENCE_INDICATOR, .stat = STAT_N}},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(cases); n++) {
        struct programme *p = load_good(cases[n].yaml, variables_yaml);
        const struct reference *r = only(p);

        assert_int_equal(r->what, cases[n].is.what);
        assert_int_equal(r->municipality, cases[n].is.municipality);
        assert_int_equal(r->shift, cases[n].is.shift);
        assert_int_equal(r->stat, cases[n].is.stat);
        if (r->what == REFERENCE_INDICATOR)
            assert_int_equal(r->index, programme_find_indicator(p, "H", ""));
        done(p);
    }
}

/* What a formula reads is what its numbers are put in by: 7 div 0.5 + 1 = 15. */
static void a_formula_computes_with_its_references_in_order(void **state)
{
    static const char yaml[] = HEAD F("${a} div ${param.half} + ${n.b}");
    struct programme *p = load_good(yaml, variables_yaml);
    const struct formula *f = &indicator_of(p, "F", "")->value;
    const struct value present[3] = {{.state = VALUE_PRESENT}};
    const struct value missing[3] = {{.state = VALUE_MISSING}};
    const double numbers[3] = {7, f->references[1].number, 1};
    struct expr_env env = {.values = present, .count = 3, .numbers = numbers};
    struct expr_arena *arena;
    double x;

    (void)state;
    assert_int_equal(f->count, 3);
    assert_string_equal(f->source, "${a} div ${param.half} + ${n.b}");
    assert_string_equal(f->at->text, f->source);
    assert_int_equal(expr_arena_new(&arena, 0), OK);
    assert_int_equal(expr_number(f->code, arena, &env, &x), OK);
    assert_true(x > 14.999 && x < 15.001);
    env.values = missing;
    assert_int_equal(expr_number(f->code, arena, &env, &x), OK);
    assert_true(x != x);
    expr_arena_free(arena);
    done(p);
}

static void parts_are_named_by_their_codes(void **state)
{
    static const char yaml[] = HEAD F("${H.rus} + ${H.9.rus} + ${H}") H
        "  - {id: H, part: \"subject=rus\", form: f, condition: \"${a} > 2\"}\n"
        "  - {id: H, part: \"grade=9;subject=rus\", form: f, condition: \"${a} > 3\"}\n";
    struct programme *p = load_good(yaml, NULL);
    const struct formula *f = &indicator_of(p, "F", "")->value;

    (void)state;
    assert_int_equal(f->references[0].index, programme_find_indicator(p, "H", "subject=rus"));
    assert_int_equal(f->references[1].index, programme_find_indicator(p, "H", "grade=9;subject=rus"));
    assert_int_equal(f->references[2].index, programme_find_indicator(p, "H", ""));
    done(p);
}

static void names_that_mean_nothing_are_refused_at_their_column(void **state)
{
    static const struct mistake cases[] = {
        {HEAD F("${a} + ${nosuch}"), "programme.yaml:7:67: F: value: there is no variable or indicator \"nosuch\""},
        {HEAD F("${medianv} + ${by}"), "programme.yaml:7:60: F: value: there is no variable or indicator \"medianv\""},
        {HEAD F("${a} + ${by11}"), "programme.yaml:7:67: F: value: there is no variable or indicator \"by11\": did you "
                                   "mean \"by1\"?"},
        {HEAD F("${param.lov}"), "programme.yaml:7:60: F: value: there is no parameter \"lov\": did you mean \"low\"?"},
        {HEAD F("${param.nosuch}"), "programme.yaml:7:60: F: value: there is no parameter \"nosuch\""},
        {HEAD F("${previous.param.low}"), "programme.yaml:7:60: F: value: before a name stands"},
        {HEAD F("${previous.municipality.a}"), "programme.yaml:7:60: F: value: before a name stands"},
        {HEAD F("${previous.last_year.a}"), "programme.yaml:7:60: F: value: before a name stands"},
        {HEAD F("${n.min.v}"), "programme.yaml:7:60: F: value: before a name stands"},
        {HEAD F("${median.a}"), "programme.yaml:7:60: F: value: the kind of variable \"a\" has no \"median.\""},
        {HEAD F("${n.t}"), "programme.yaml:7:60: F: value: the kind of variable \"t\" has no \"n.\""},
        {HEAD F("${rose.net}"), "programme.yaml:7:60: F: value: the kind of variable \"net\" has no \"rose.\""},
        {HEAD F("${num.a}"), "programme.yaml:7:60: F: value: the kind of variable \"a\" has no \"num.\""},
        {HEAD F("${mean.H}") H, "programme.yaml:7:60: F: value: \"H\" is an indicator, and \"mean.\" is of variables"},
        {HEAD F("${den.C}") "  - {id: C, name: C, kind: count, form: f}\n",
         "programme.yaml:7:60: F: value: the kind of indicator \"C\" has no \"den.\""},
        {HEAD F("${num.G}") "  - {id: G, name: G, kind: formula, value: \"1\"}\n",
         "programme.yaml:7:60: F: value: the kind of indicator \"G\" has no \"num.\""},
        {HEAD F("${F} + 1"), "programme.yaml:7:60: F: value: an indicator never uses itself"},
        {HEAD F("1 + ${previous.F}"), "programme.yaml:7:64: F: value: an indicator never uses itself"},
        {HEAD F("${P}") "  - {id: P, part: \"s=x\", name: P, kind: count, form: f}\n",
         "programme.yaml:7:60: F: value: \"P\" has only parts"},
        {HEAD F("${H.x}") H "  - {id: H, part: \"s=x\", kind: formula, value: \"1\"}\n"
                            "  - {id: H, part: \"t=x\", kind: formula, value: \"2\"}\n",
         "programme.yaml:7:60: F: value: \"H.x\" may be one of two parts"},
        {HEAD "  - {id: F, name: F, kind: formula, value: \"${base.a}\"}\n",
         "programme.yaml:7:45: F: value: no base period is given"},
        {HEAD F("${a} > today()"), "programme.yaml:7:67: F: value:"},
        {HEAD F("${a} +"), "programme.yaml:7:66: F: value: the expression ends"},
        {HEAD F("jr:choice-name(${a}, '${a}')"), "programme.yaml:7:"},
        {HEAD F(""), "programme.yaml:7:59: value: a text is expected"},
        {HEAD "  - {id: a, name: A, kind: formula, value: \"1\"}\n",
         "programme.yaml:7:10: id: \"a\" is a variable already: variables and indicators share one set of names"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

static void a_value_that_its_level_never_has_is_refused(void **state)
{
#define MU "  - {id: MU, name: MU, kind: sum, value: \"${a}\", level: municipality}\n"
#define UN "  - {id: UN, name: UN, kind: sum, value: \"${a}\", level: unit}\n"
    static const struct mistake cases[] = {
        {HEAD MU F("${MU} + 1"), "programme.yaml:8:60: F: value: \"MU\" is computed for the district alone: write "
                                 "${municipality.MU}"},
        {HEAD MU "  - {id: X, name: X, kind: units, condition: \"1 < ${MU}\"}\n",
         "programme.yaml:8:51: X: condition: \"MU\" is"},
        {HEAD MU "  - {id: X, name: X, kind: formula, level: municipality, value: \"${a}\", units: \"${MU} > 1\"}\n",
         "programme.yaml:8:81: X: units: \"MU\" is computed for the district alone"},
        {HEAD UN F("${municipality.UN}"), "programme.yaml:8:60: F: value: \"UN\" is computed for units alone"},
        {HEAD UN "  - {id: X, name: X, kind: formula, level: municipality, value: \"${UN}\"}\n",
         "programme.yaml:8:66: X: value: \"UN\" is computed for units alone"},
        {HEAD "  - {id: X, name: X, kind: sum, value: \"${a}\", rollup: weighted}\n",
         "programme.yaml:7:56: rollup: rollup: weighted needs the key weight"},
        {HEAD "  - {id: X, name: X, kind: sum, value: \"${a}\", weight: \"${a}\"}\n",
         "programme.yaml:7:56: weight: a weight is of rollup: weighted alone"},
        {HEAD "  - {id: X, name: X, kind: sum, value: \"${a}\", level: unit, rollup: mean}\n",
         "programme.yaml:7:69: rollup: with level: unit there is no value of the district"},
    };
    struct programme *p;

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
    /* A value of the district that is the mean of the units' reads the units'. */
    p = load_good(HEAD UN "  - {id: X, name: X, kind: formula, level: municipality, rollup: mean, value: \"${UN}\"}\n",
                  variables_yaml);
    done(p);
    p = load_good(HEAD MU F("${municipality.MU} + ${municipality.a}"), variables_yaml);
    done(p);
}

static void indicators_that_use_each_other_are_told_step_by_step(void **state)
{
#define X(id, text) "  - {id: " id ", name: X, kind: formula, value: \"" text "\", period: month}\n"
    static const struct mistake cases[] = {
        {HEAD X("A", "1 + ${B}") X("B", "${A}"), "programme.yaml:7:49: A: A -> B -> A: indicators use each other in a "
                                                 "circle"},
        {HEAD X("A", "${B}") X("B", "${a} + ${n.C}") X("C", "${B} + 1"), "programme.yaml:8:52: B: B -> C -> B:"},
        /* The base period may be the present one. */
        {HEAD X("A", "${base.B}") X("B", "${A}"), "programme.yaml:7:45: A: A -> B -> A:"},
        {HEAD X("A", "${municipality.B}") X("B", "${A}"), "programme.yaml:7:45: A: A -> B -> A:"},
        {HEAD X("A", "${D}") "  - {id: D, name: D, kind: change, of: A, against: previous}\n",
         "programme.yaml:7:45: A: A -> D -> A:"},
        {HEAD X("A", "${I}") "  - {id: I, name: I, kind: index, components: [{of: A, weight: 1}]}\n",
         "A: A -> I -> A:"},
        {HEAD X("A", "${U}") "  - {id: U, name: U, kind: units, condition: \"${a} > 1\", among: \"${A} > 1\"}\n",
         "A: A -> U -> A:"},
        {HEAD X("A", "${U}") "  - {id: U, name: U, kind: units, condition: \"${a} > 1\", units: \"${A} > 1\"}\n",
         "A: A -> U -> A:"},
        {HEAD X("A", "${G}") "  - {id: G, name: G, kind: change, of: H, against: previous, units: \"${A} > 1\"}\n" H,
         "A: A -> G -> A:"},
        {HEAD X("A", "${Y}") "  - {id: Y, name: Y, kind: history, condition: \"${A} > 1\", last: 3}\n",
         "A: A -> Y -> A:"},
        {HEAD X("A",
                "${K}") "  - {id: K, name: K, kind: class, classes: [{code: x, name: x, condition: \"${A} > 1\"}]}\n",
         "A: A -> K -> A:"},
        {HEAD X("A", "${P} + ${a}") "  - {id: P, name: P, kind: progress, plan: by1, of: [Q]}\n"
                                    "  - {id: Q, name: Q, kind: formula, value: \"${A}\", direction: up}\n",
         "A: A -> P -> Q -> A:"},
        /* A later definition counts as well. */
        {HEAD "  - {id: L, name: L, kind: count, form: f, valid_to: 2020-12-31}\n"
              "  - {id: L, kind: formula, value: \"${A}\", valid_from: 2021-01-01}\n" X("A", "${L}"),
         "programme.yaml:8:36: L: L -> A -> L:"},
    };

    (void)state;
    expect_mistakes(cases, COUNT(cases), variables_yaml);
}

static void what_was_so_before_makes_no_circle(void **state)
{
    static const char *const good[] = {
        HEAD X("A", "${previous.B} + 1") X("B", "${A}"),
        HEAD X("A", "${last_year.B}") X("B", "${last_known.A}"),
        /* A target is looked at when the value is there. */
        HEAD "  - {id: A, name: A, kind: sum, value: \"${a}\", period: month, targets: [{period: 2020-09, "
             "reference: \"${last_year.A}\"}]}\n",
        HEAD X(
            "A",
            "${a}") "  - {id: B, name: B, kind: formula, period: month, value: \"${A}\", targets: [{period: 2020-09, "
                    "reference: \"${municipality.A}\"}]}\n",
    };

    (void)state;
    for (size_t n = 0; n < COUNT(good); n++)
        done(load_good(good[n], variables_yaml));
}

/* A chain of two thousand does not take the stack, and its end is found. */
static void a_long_chain_is_followed_to_its_end(void **state)
{
    struct buf yaml;
    struct programme *p;

    (void)state;
    buf_init(&yaml, 1 << 20);
    buf_put_str(&yaml, HEAD);
    for (unsigned n = 0; n < 2000; n++)
        buf_printf(&yaml, "  - {id: I%u, name: I, kind: formula, value: \"${I%u}\"}\n", n, (n + 1) % 2000);
    assert_int_equal(load_texts(buf_cstr(&yaml), NULL, &p), ERR_INVALID);
    expect_line("programme.yaml:7:46: I0: I0 -> I1 -> I2 -> I3 -> I4 -> I5 -> I6 -> I7 -> I8 -> ... -> I0: indicators");
    assert_int_equal(report_errors(loaded_report), 1);
    done(p);
    buf_fini(&yaml);
}

static void a_formula_reads_at_most_sixty_four_values(void **state)
{
    struct buf yaml, variables;
    struct programme *p;

    (void)state;
    buf_init(&variables, 1 << 20);
    buf_put_str(&variables, "variables:\n");
    for (unsigned n = 0; n < 65; n++)
        buf_printf(&variables, "  - {id: v%u, form: f, where: \"${a} = %u\"}\n", n, n);
    for (unsigned count = 64; count <= 65; count++) {
        buf_init(&yaml, 1 << 20);
        buf_put_str(&yaml, HEAD "  - {id: F, name: F, kind: sum, value: \"${v0}");
        for (unsigned n = 1; n < count; n++)
            buf_printf(&yaml, " + ${v%u}", n);
        buf_put_str(&yaml, "\"}\n");
        assert_int_equal(load_texts(buf_cstr(&yaml), buf_cstr(&variables), &p), count == 64 ? OK : ERR_INVALID);
        if (count == 65)
            expect_line("F: value: an expression reads at most 64 different values");
        else
            assert_int_equal(p->indicators[0]->numerator.count, 64);
        done(p);
        buf_fini(&yaml);
    }
    buf_fini(&variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_before_a_name_say_of_what_time_and_place),
        cmocka_unit_test(a_formula_computes_with_its_references_in_order),
        cmocka_unit_test(parts_are_named_by_their_codes),
        cmocka_unit_test(names_that_mean_nothing_are_refused_at_their_column),
        cmocka_unit_test(a_value_that_its_level_never_has_is_refused),
        cmocka_unit_test(indicators_that_use_each_other_are_told_step_by_step),
        cmocka_unit_test(what_was_so_before_makes_no_circle),
        cmocka_unit_test(a_long_chain_is_followed_to_its_end),
        cmocka_unit_test(a_formula_reads_at_most_sixty_four_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
