/* What is said of a rule in a spreadsheet is never stricter than the rule (common/expr_formula.h). */
#include "common/expr_formula.h"
#include "tests/unit/form_fixture.h"

/* Top level: n in A3, m in B3, part in C3, text t in D3, day d in E3; a calculated field and a choice have no cell. */
static const char survey[] = SURVEY "  - {type: integer, name: n, constraint: \"%s\"}\n"
                                    "  - {type: integer, name: m}\n"
                                    "  - {type: decimal, name: part}\n"
                                    "  - {type: text, name: t}\n"
                                    "  - {type: date, name: d}\n"
                                    "  - {type: boolean, name: yes}\n"
                                    "  - {type: calculate, name: sum, value: integer, calculation: \"${m} + 1\"}\n";

static enum expr_cell cell_of(void *ctx, int32_t repeat, uint32_t index, char out[EXPR_CELL_TEXT_MAX])
{
    (void)ctx;
    if (repeat >= 0 || index > 4)
        return EXPR_CELL_NONE;
    (void)snprintf(out, EXPR_CELL_TEXT_MAX, "%c3", 'A' + (int)index);
    return index == 0 ? EXPR_CELL_SURE : EXPR_CELL_MAYBE;
}

/* `formula` NULL: nothing can be said. */
static void says(const char *rule, const char *formula)
{
    char yaml[4096];
    struct filled x;
    struct buf out;
    enum err e;

    (void)snprintf(yaml, sizeof(yaml), survey, rule);
    load(&x, yaml);
    if (x.e != OK)
        report_print(x.r, stderr);
    assert_int_equal(x.e, OK);
    buf_init(&out, 4096);
    buf_put_str(&out, "=");
    e = expr_formula(&out, x.form->fields[0].constraint, cell_of, NULL);
    if (formula == NULL) {
        assert_int_equal(e, ERR_NOT_FOUND);
        assert_string_equal(buf_cstr(&out), "=");
    } else {
        assert_int_equal(e, OK);
        assert_string_equal(buf_cstr(&out) + 1, formula);
    }
    buf_fini(&out);
    finish(&x);
}

static void comparisons_of_the_answer_are_said(void **state)
{
    (void)state;
    says(". >= 1", "A3>=1");
    says(". >= 1 and . <= 40", "AND(A3>=1,A3<=40)");
    says(". = 1 or . = 3", "OR(A3=1,A3=3)");
    says("not(. > 5)", "NOT(A3>5)");
    says("5 >= .", "5>=A3");
    says(". * 2 - 1 < -3", "((A3*2)-1)<-3");
    says("true()", "TRUE");
}

/* An empty neighbour is zero in a spreadsheet, and no number here: a comparison with it is false. */
static void an_empty_neighbour_does_not_refuse(void **state)
{
    (void)state;
    says("not(. > ${m})", "NOT(IF(ISNUMBER(B3),A3>B3,FALSE))");
    says(". <= ${m}", "IF(ISNUMBER(B3),A3<=B3,FALSE)");
    says(". != ${m}", "IF(ISNUMBER(B3),A3<>B3,TRUE)");
    says("not(. > ${m} + ${part})", "NOT(IF(AND(ISNUMBER(B3),ISNUMBER(C3)),A3>(B3+C3),FALSE))");
    says("not(. > ${m} * ${m})", "NOT(IF(ISNUMBER(B3),A3>(B3*B3),FALSE))");
    says("${d} > 5", "IF(ISNUMBER(E3),E3>5,FALSE)");
    says("string-length(${t}) <= 4", "LEN(D3)<=4");
}

static void what_cannot_be_said_is_left_out_of_a_conjunction(void **state)
{
    (void)state;
    says(". >= 1 and regex(${t}, 'a+')", "A3>=1");
    says("regex(${t}, 'a+') and . >= 1", "A3>=1");
    says(". >= 1 and . <= 11 and not(. > if(${yes}, 4, 9))", "AND(A3>=1,A3<=11)");
    says(". >= 1 and . <= coalesce(${m}, 9)", "A3>=1");
    says(". >= 1 and ${sum} > 2 and . < 9", "AND(A3>=1,A3<9)");
}

static void what_cannot_be_said_is_neither_denied_nor_an_alternative(void **state)
{
    (void)state;
    says("regex(${t}, 'a+')", NULL);
    says("not(. >= 1 and regex(${t}, 'a+'))", NULL);
    says(". >= 1 or regex(${t}, 'a+')", NULL);
    says("not(. > ${sum})", NULL);
    says(". div ${m} > 1", NULL); /* by zero: an error there, infinity here */
    says("${yes}", NULL);
    says(". > 1 and (. < 3 or not(. > 2 and ${yes}))", "A3>1");
    says("if(. > 1, . > 2, . > 3)", NULL);
}

static void a_range_is_told_from_other_rules(void **state)
{
    static const struct {
        const char *rule;
        bool is_range;
        double least, most;
    } rules[] = {
        {". >= 1 and . <= 40", true, 1, 40}, {". >= 2", true, 2, 99},   {". <= 7", true, -99, 7},
        {". > 2", false, -99, 99},           {". = 7", false, -99, 99}, {". >= 1 and . <= ${m}", false, -99, 99}};

    (void)state;
    for (size_t i = 0; i < COUNT(rules); i++) {
        double least = -99, most = 99;
        char yaml[4096];
        struct filled x;

        (void)snprintf(yaml, sizeof(yaml), survey, rules[i].rule);
        load(&x, yaml);
        assert_int_equal(x.e, OK);
        assert_int_equal(expr_range(x.form->fields[0].constraint, &least, &most), rules[i].is_range);
        assert_true(least == rules[i].least && most == rules[i].most);
        finish(&x);
    }
}

/* Deeper than anybody looks: nothing is said, and nothing breaks. */
static void a_long_rule_is_said_in_part_or_not_at_all(void **state)
{
    struct buf rule, out;
    char yaml[16384];
    struct filled x;

    (void)state;
    buf_init(&rule, 8192);
    buf_init(&out, 8192);
    for (int i = 0; i < 200; i++)
        buf_printf(&rule, "%s. != %d", i > 0 ? " and " : "", i);
    (void)snprintf(yaml, sizeof(yaml), survey, buf_cstr(&rule));
    load(&x, yaml);
    assert_int_equal(x.e, OK);
    assert_int_equal(expr_formula(&out, x.form->fields[0].constraint, cell_of, NULL), OK);
    assert_true(out.len < 512);
    finish(&x);
    buf_fini(&rule);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_of_the_answer_are_said),
        cmocka_unit_test(an_empty_neighbour_does_not_refuse),
        cmocka_unit_test(what_cannot_be_said_is_left_out_of_a_conjunction),
        cmocka_unit_test(what_cannot_be_said_is_neither_denied_nor_an_alternative),
        cmocka_unit_test(a_range_is_told_from_other_rules),
        cmocka_unit_test(a_long_rule_is_said_in_part_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
