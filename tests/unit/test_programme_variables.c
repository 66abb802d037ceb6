/* test_programme_variables.c: variables.yaml, the pack's own and the district's (invariant 9). */
#include "programme_fixture.h"

#define INDICATOR "  - {id: X, name: X, kind: formula, value: \"1\"}\n"
#define V         "variables:\n"

static const struct variable *variable_of(const struct programme *p, const char *id)
{
    int32_t at = programme_find_variable(p, id);

    assert_true(at >= 0);
    return p->variables[at];
}

/* All of them, so that one run shows everything that is not as expected. */
static void expect_wrong_variables(const struct mistake *cases, size_t count)
{
    size_t wrong = 0;

    for (size_t n = 0; n < count; n++) {
        struct programme *p;
        enum err e = load_texts(HEAD INDICATOR, cases[n].yaml, &p);

        if (e != ERR_INVALID || strstr(printed, cases[n].line) == NULL || report_errors(loaded_report) != 1) {
            print_error("expected: %s\nfound:    %s\n", cases[n].line, e == OK ? "nothing" : printed);
            wrong++;
        }
        done(p);
    }
    assert_int_equal(wrong, 0);
}

static void every_key_of_a_variable_is_kept(void **state)
{
    static const char variables[] =
        V "  - {id: s, form: f, rows: rows, where: \"${grade} > 4\", value: \"${pupils} div 3\", places: 2, by: "
          "[grade, sex],\n"
          "     time: rolling 3, absent: 0}\n"
          "  - {id: v, kind: values, form: f, value: \"${d}\", places: 2, time: ended}\n"
          "  - {id: p, kind: pairs, form: f, key: \"${who}\", within: \"${sex}\", order: \"${a}\", value: \"${b}\", "
          "time: last}\n"
          "  - {id: r, kind: relations, form: f, key: \"${who}\", partner: \"${sex}\", both_ends: true, time: "
          "cumulative}\n"
          "  - {id: k, kind: keys, form: f, where: \"${a} > 1\", key: \"${who}\", time: flow}\n"
          "  - id: all\n    kind: keys\n    time: state\n    all:\n"
          "      - {form: f, key: \"${who}\", rows: rows, where: \"${grade} > 1\", time: same}\n"
          "      - any: [{form: f, key: \"${who}\"}, {form: f, key: \"${sex}\", time: within}]\n"
          "        level: municipality\n";
    struct programme *p = load_good(HEAD INDICATOR, variables);
    const struct variable *v = variable_of(p, "s");

    (void)state;
    assert_int_equal(v->kind, VARIABLE_SUM);
    assert_int_equal(v->clause_count, 1);
    assert_string_equal(v->clauses[0].form, "f");
    assert_string_equal(v->clauses[0].rows, "rows");
    assert_string_equal(v->clauses[0].where, "${grade} > 4");
    assert_string_equal(v->value, "${pupils} div 3");
    assert_int_equal(v->places, 2);
    assert_int_equal(v->by_count, 2);
    assert_string_equal(v->by[1], "sex");
    assert_int_equal(v->time, TIME_ROLLING);
    assert_int_equal(v->years, 3);
    assert_int_equal(v->clauses[0].time, TIME_ROLLING);
    assert_true(v->absent_is_zero);
    assert_string_equal(v->definition, "sum form=\"f\" rows=\"rows\" where=\"${grade} > 4\" time=\"rolling 3\" "
                                       "value=\"${pupils} div 3\" places=\"2\" by=\"grade\" by=\"sex\" absent=\"0\"");
    v = variable_of(p, "v");
    assert_int_equal(v->kind, VARIABLE_VALUES);
    assert_int_equal(v->time, TIME_ENDED);
    assert_false(v->absent_is_zero);
    v = variable_of(p, "p");
    assert_int_equal(v->kind, VARIABLE_PAIRS);
    assert_string_equal(v->clauses[0].key, "${who}");
    assert_string_equal(v->within, "${sex}");
    assert_string_equal(v->order, "${a}");
    v = variable_of(p, "r");
    assert_int_equal(v->kind, VARIABLE_RELATIONS);
    assert_string_equal(v->partner, "${sex}");
    assert_true(v->both_ends);
    v = variable_of(p, "k");
    assert_int_equal(v->group_count, 1);
    assert_int_equal(v->clauses[0].time, TIME_FLOW);
    v = variable_of(p, "all");
    assert_int_equal(v->clause_count, 3);
    assert_int_equal(v->group_count, 2);
    assert_int_equal(v->clauses[0].group, 0);
    assert_int_equal(v->clauses[1].group, 1);
    assert_int_equal(v->clauses[2].group, 1);
    assert_int_equal(v->clauses[0].time, TIME_SAME);
    assert_int_equal(v->clauses[1].time, TIME_STATE); /* the variable's */
    assert_int_equal(v->clauses[2].time, TIME_WITHIN);
    assert_false(v->clauses[0].municipality_only);
    assert_true(v->clauses[1].municipality_only && v->clauses[2].municipality_only);
    assert_string_equal(v->definition,
                        "keys group 1: form=\"f\" rows=\"rows\" where=\"${grade} > 1\" key=\"${who}\" time=\"same\""
                        " group 2: form=\"f\" key=\"${who}\" time=\"state\" level=\"municipality\""
                        " or 2: form=\"f\" key=\"${sex}\" time=\"within\" level=\"municipality\"");
    done(p);
}

static void mistakes_of_a_variable_are_told_at_their_place(void **state)
{
    static const struct mistake cases[] = {
        {V "  - {id: x}\n", "variables.yaml:2:5: form: a variable of kind 'sum' needs this key"},
        {V "  - {form: f}\n", "variables.yaml:2:5: id: this key is required"},
        {V "  - {id: x.y, form: f}\n", "variables.yaml:2:10: id: an id is expected"},
        {V "  - {id: n, form: f}\n", "variables.yaml:2:10: id: \"n\" has a meaning of its own"},
        {V "  - {id: x, form: f}\n  - {id: x, form: f}\n",
         "variables.yaml:3:10: id: a variable 'x' was defined before"},
        {V "  - {id: x, form: g}\n", "variables.yaml:2:19: form: the pack has no form 'g'"},
        {V "  - {id: x, kind: mean, form: f}\n", "variables.yaml:2:19: kind: expected one of: sum, values, keys"},
        {V "  - {id: x, form: f, key: \"${who}\"}\n",
         "variables.yaml:2:22: key: a variable of kind 'sum' has no such key"},
        {V "  - {id: x, form: f, kind: keys, key: \"${who}\", value: \"1\"}\n",
         "variables.yaml:2:49: value: a variable of kind"},
        {V "  - {id: x, form: f, kind: values}\n",
         "variables.yaml:2:5: value: a variable of kind 'values' needs this key"},
        {V "  - {id: x, form: f, kind: values, value: \"${a}\", absent: 0}\n",
         "variables.yaml:2:51: absent: a variable of"},
        {V "  - {id: x, form: f, kind: pairs, key: \"${who}\"}\n",
         "variables.yaml:2:5: order: a variable of kind 'pairs' needs"},
        {V "  - {id: x, form: f, kind: relations, key: \"${who}\"}\n",
         "variables.yaml:2:5: partner: a variable of kind"},
        {V "  - {id: x, form: f, kind: keys}\n", "variables.yaml:2:5: key: a variable of kind 'keys' needs this key"},
        {V "  - {id: x, form: f, by: [a, b, sex, q1]}\n", "variables.yaml:2:26: by: 4 are too many: at most 3"},
        {V "  - {id: x, form: f, by: []}\n", "variables.yaml:2:26: by: a text or a list"},
        {V "  - {id: x, form: f, by: d}\n", "variables.yaml:2:26: x: by: d: a field of form f is expected"},
        {V "  - {id: x, form: f, by: grade}\n", "variables.yaml:2:26: x: by: grade: a field of form f is expected"},
        {V "  - {id: x, form: f, places: 7}\n", "variables.yaml:2:30: places: expected a value from 0 to 6"},
        {V "  - {id: x, form: f, absent: 1}\n", "variables.yaml:2:30: absent: expected 0"},
        {V "  - {id: x, form: f, time: later}\n",
         "variables.yaml:2:28: time: expected same, state, ended, last, within"},
        {V "  - {id: x, form: f, time: rolling 0}\n", "variables.yaml:2:28: time: expected same"},
        {V "  - {id: x, form: f, time: rolling 51}\n", "variables.yaml:2:28: time: expected same"},
        {V "  - {id: x, form: f, time: rolling 3 years}\n", "variables.yaml:2:28: time: expected same"},
        {V "  - {id: x, form: f, where: \"${nosuch} > 1\"}\n",
         "variables.yaml:2:30: x: where: there is no field \"nosuch\""},
        {V "  - {id: x, form: f, value: \"${a} + 'x\"}\n", "variables.yaml:2:37: x: value:"},
        {V "  - {id: x, form: f, value: \"today() + ${a}\"}\n", "variables.yaml:2:30: x: value: today()"},
        {V "  - {id: x, form: f, rows: a}\n", "variables.yaml:2:28: x: rows: a repeat of form f is expected"},
        {V "  - {id: x, form: f, where: [1]}\n", "variables.yaml:2:29: where: a text is expected"},
        {V "  - {id: x, form: f, kind: pairs, key: \"${who}\", order: \"${zz}\"}\n",
         "variables.yaml:2:58: x: order: there"},
        {V "  - {id: x, form: f, kind: pairs, key: \"${who}\", order: \"1\", within: \"${zz}\"}\n",
         "variables.yaml:2:71: x: within:"},
        {V "  - {id: x, form: f, kind: relations, key: \"${who}\", partner: \"${zz}\"}\n",
         "variables.yaml:2:64: x: partner:"},
        {V "  - nonsense\n", "variables.yaml:2:5: variables: a variable is a mapping"},
        {"variables: 5\n", "variables.yaml:1:12: variables: expected a list"},
        {"variables: []\nother: 1\n", "variables.yaml:2:1: other: unknown key"},
    };

    (void)state;
    expect_wrong_variables(cases, COUNT(cases));
}

static void mistakes_of_clauses_are_told_in_their_clause(void **state)
{
#define ALL(text) V "  - id: x\n    kind: keys\n    all:\n" text
    static const struct mistake cases[] = {
        {ALL("      []\n"), "variables.yaml:5:7: all: at least one clause is expected"},
        {ALL("      - {form: f}\n"), "variables.yaml:5:9: key: this key is required"},
        {ALL("      - {form: f, key: \"${who}\"}\n      - {form: g, key: \"${who}\"}\n"),
         "variables.yaml:6:16: form: the pack has no form 'g'"},
        {ALL("      - {form: f, key: \"${who}\"}\n      - {form: f, key: \"${who}\", where: \"${zz} = 1\"}\n"),
         "variables.yaml:6:42: x: where: there is no field \"zz\""},
        {ALL("      - {form: f, key: \"${who}\"}\n      - any: [{form: f, key: \"${zz}\"}]\n"),
         "variables.yaml:6:31: x: key:"},
        {ALL("      - {form: f, key: \"${who}\"}\n      - any: []\n"), "variables.yaml:6:14: any: at least one clause"},
        {ALL("      - {form: f, key: \"${who}\", level: unit}\n"),
         "variables.yaml:5:41: level: expected one of: municipality"},
        {ALL("      - {form: f, key: \"${who}\", level: municipality}\n"),
         "variables.yaml:5:7: all: at least one clause that is asked for a unit"},
        {ALL("      - {form: f, key: \"${who}\"}\n      - any: [{form: f, key: \"${who}\", level: municipality}]\n"),
         "variables.yaml:6:47: level: the level of alternatives stands beside any"},
        {ALL("      - {form: f, key: \"${who}\", time: never}\n"), "variables.yaml:5:40: time: expected same"},
        {ALL("      - {form: f, key: \"${who}\"}\n    where: \"1\"\n"), "variables.yaml:6:12: where: beside all"},
        {ALL("      - {form: f, key: \"1\"}\n      - {form: f, key: \"2\"}\n      - {form: f, key: \"3\"}\n"
             "      - {form: f, key: \"4\"}\n      - {form: f, key: \"5\"}\n      - {form: f, key: \"6\"}\n"
             "      - {form: f, key: \"7\"}\n      - any: [{form: f, key: \"8\"}, {form: f, key: \"9\"}]\n"),
         "variables.yaml:12:36: all: at most 8 clauses are expected"},
    };

    (void)state;
    expect_wrong_variables(cases, COUNT(cases));
}

/* A variable that is wrong is told once, whoever reads it. */
static void a_wrong_variable_is_not_told_to_be_missing(void **state)
{
    struct programme *p;

    (void)state;
    assert_int_equal(load_texts(HEAD "  - {id: X, name: X, kind: sum, value: \"${x}\"}\n"
                                     "  - {id: Y, name: Y, kind: formula, value: \"${n.x} + ${nosuch}\"}\n",
                                V "  - {id: x, form: f, value: \"${zz}\"}\n", &p),
                     ERR_INVALID);
    expect_line("variables.yaml:2:30: x: value:");
    expect_line("programme.yaml:8:54: Y: value: there is no variable or indicator \"nosuch\"");
    assert_int_equal(report_errors(loaded_report), 2);
    done(p);
    /* One whose name cannot be read may be the missing one. */
    assert_int_equal(
        load_texts(HEAD "  - {id: Y, name: Y, kind: formula, value: \"${nosuch}\"}\n", V "  - {id: 5, form: f}\n", &p),
        ERR_INVALID);
    assert_int_equal(report_errors(loaded_report), 1);
    done(p);
}

/* ---- of the district ---- */

static void of_the_district_s_variables_a_pack_has_those_it_uses(void **state)
{
    static const char shared[] = V "  - {id: used, form: f, value: \"${a}\"}\n"
                                   "  - {id: unused, form: f, value: \"${nosuch}\"}\n"
                                   "  - {id: other, form: form_of_another_pack}\n"
                                   "  - {id: by_code, form: f, by: sex}\n";
    struct pack_file files[] = {
        file_of("programme.yaml",
                HEAD "  - {id: X, name: X, kind: sum, value: \"${used}\"}\n"
                     "  - {id: P, name: P, kind: progress, plan: by_code, of: [Z]}\n"
                     "  - {id: Z, name: Z, kind: formula, value: \"${own} + ${used}\", direction: up}\n"),
        file_of("forms/f.yaml", form_yaml), file_of("variables.yaml", V "  - {id: own, form: f}\n"),
        file_of("shared/variables.yaml", shared)};
    struct programme *p;

    (void)state;
    assert_int_equal(load(files, 4, &p), OK);
    assert_int_equal(p->variable_count, 3);
    assert_string_equal(p->variables[0]->id, "own");
    assert_string_equal(p->variables[1]->id, "used");
    assert_string_equal(p->variables[2]->id, "by_code");
    done(p);
}

static void a_mistake_in_the_district_s_file_is_told_there(void **state)
{
    static const struct mistake cases[] = {
        {V "  - {id: own, form: f}\n  - {id: used, form: f}\n",
         "shared/variables.yaml:2:10: id: a variable 'own' was defined"},
        {V "  - {id: used, form: f, valeu: \"1\"}\n",
         "shared/variables.yaml:2:25: valeu: unknown key; did you mean \"value\"?"},
        {V "  - {id: used, form: f, value: \"${nosuch}\"}\n",
         "shared/variables.yaml:2:33: used: value: there is no field"},
        {V "  - {id: used, form: other}\n", "shared/variables.yaml:2:22: form: the pack has no form 'other'"},
        {"variables: [\n", "shared/variables.yaml:"},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(cases); n++) {
        struct pack_file files[] = {
            file_of("programme.yaml", HEAD "  - {id: X, name: X, kind: sum, value: \"${used}\"}\n"),
            file_of("forms/f.yaml", form_yaml), file_of("variables.yaml", V "  - {id: own, form: f}\n"),
            file_of("shared/variables.yaml", cases[n].yaml)};
        struct programme *p;

        assert_int_equal(load(files, 4, &p), ERR_INVALID);
        expect_line(cases[n].line);
        if (report_errors(loaded_report) != 1)
            fail_msg("one mistake was expected:\n%s", printed);
        done(p);
    }
}

/* So that no text of one key can look like another key. */
static void quotes_are_doubled_in_a_definition(void **state)
{
    struct programme *p =
        load_good(HEAD INDICATOR, V "  - {id: x, form: f, where: '${who} = \" value=\"', value: \"${a}\"}\n");

    (void)state;
    assert_string_equal(p->variables[0]->definition,
                        "sum form=\"f\" where=\"${who} = \"\" value=\"\"\" value=\"${a}\"");
    done(p);
}

/* Which cells are a variable's is decided by all that it says but its name. */
static void equal_variables_have_equal_digests(void **state)
{
    static const char *const texts[] = {
        "id: x, form: f, value: \"${a}\"",
        "id: y, kind: sum, form: f, value: \"${a}\"",
        "id: x, form: f, value: \"${b}\"",
        "id: x, form: f, value: \"${a}\", places: 1",
        "id: x, form: f, value: \"${a}\", where: \"${a} > 1\"",
        "id: x, form: f, value: \"${a}\", by: sex",
        "id: x, form: f, value: \"${a}\", time: last",
        "id: x, form: f, value: \"${a}\", absent: 0",
        "id: x, kind: values, form: f, value: \"${a}\"",
        "id: x, form: f, value: \"${a}\", rows: rows",
        /* A text that looks like another key. */
        "id: x, form: f, where: \"${who} = ' value='\"",
        "id: x, form: f, where: '${who} = \" value=\"'",
    };
    uint8_t digests[COUNT(texts)][VARIABLE_DIGEST_BYTES];

    (void)state;
    for (size_t n = 0; n < COUNT(texts); n++) {
        char variables[256];
        struct programme *p;

        (void)snprintf(variables, sizeof(variables), V "  - {%s}\n", texts[n]);
        p = load_good(HEAD INDICATOR, variables);
        memcpy(digests[n], p->variables[0]->digest, VARIABLE_DIGEST_BYTES);
        done(p);
    }
    assert_memory_equal(digests[0], digests[1], VARIABLE_DIGEST_BYTES);
    for (size_t n = 2; n < COUNT(texts); n++)
        for (size_t m = 0; m < n; m++)
            if (m != 1)
                assert_memory_not_equal(digests[n], digests[m], VARIABLE_DIGEST_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_a_variable_is_kept),
        cmocka_unit_test(mistakes_of_a_variable_are_told_at_their_place),
        cmocka_unit_test(mistakes_of_clauses_are_told_in_their_clause),
        cmocka_unit_test(a_wrong_variable_is_not_told_to_be_missing),
        cmocka_unit_test(of_the_district_s_variables_a_pack_has_those_it_uses),
        cmocka_unit_test(a_mistake_in_the_district_s_file_is_told_there),
        cmocka_unit_test(quotes_are_doubled_in_a_definition),
        cmocka_unit_test(equal_variables_have_equal_digests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
