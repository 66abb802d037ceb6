/* Expressions: what they give (types and coercions), what is refused and at which column, and their limits
 * (design section 3: 5 recomputable, 8 bounded, 9 explained). */
#include "common/expr.h"
#include "common/expr_json.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- a form to ask about ---- */

static const struct choice register_items[] = {
    {"kdn", "КДН", "Commission"}, {"pdn", "ПДН", NULL}, {"vshu", NULL, "School"}, {"none", NULL, NULL}};
static const struct choice_list registers = {"registers", register_items, 4};
static const struct choice level_items[] = {{"1", "низкий", NULL}, {"2", "средний", NULL}, {"3", "высокий", NULL}};
static const struct choice_list levels = {"levels", level_items, 3};

enum { A, D, T, DAY, B, LEVEL, REGS, EMPTY, UNKNOWN, NO, NO_REGS, NO_DAY, KIDS, NO_KIDS, FIELDS };

static const struct field {
    const char *name;
    struct expr_symbol symbol;
} fields[] = {
    {"a", {VALUE_INTEGER, 0, -1, A, NULL}},
    {"d", {VALUE_DECIMAL, 2, -1, D, NULL}},
    {"t", {VALUE_TEXT, 0, -1, T, NULL}},
    {"day", {VALUE_DATE, 0, -1, DAY, NULL}},
    {"b", {VALUE_BOOLEAN, 0, -1, B, NULL}},
    {"level", {VALUE_SELECT_ONE, 0, -1, LEVEL, &levels}},
    {"regs", {VALUE_SELECT_MULTIPLE, 0, -1, REGS, &registers}},
    {"empty", {VALUE_INTEGER, 0, -1, EMPTY, NULL}},
    {"unknown", {VALUE_INTEGER, 0, -1, UNKNOWN, NULL}},
    {"no", {VALUE_BOOLEAN, 0, -1, NO, NULL}},
    {"no_regs", {VALUE_SELECT_MULTIPLE, 0, -1, NO_REGS, &registers}},
    {"no_day", {VALUE_DATE, 0, -1, NO_DAY, NULL}},
    {"kids", {VALUE_REPEAT, 0, -1, KIDS, NULL}},
    {"name", {VALUE_TEXT, 0, KIDS, 0, NULL}},
    {"mark", {VALUE_INTEGER, 0, KIDS, 1, NULL}},
    {"weight", {VALUE_DECIMAL, 1, KIDS, 2, NULL}},
    {"tags", {VALUE_SELECT_MULTIPLE, 0, KIDS, 3, &registers}},
    {"ok", {VALUE_BOOLEAN, 0, KIDS, 4, NULL}},
    {"no_kids", {VALUE_REPEAT, 0, -1, NO_KIDS, NULL}},
    {"nobody", {VALUE_INTEGER, 0, NO_KIDS, 0, NULL}},
};

#define TEXT(s)                                                                                                        \
    {                                                                                                                  \
        .as.text = {(const uint8_t *)(s), sizeof(s) - 1 }                                                              \
    }

static const struct value cells[] = {
    TEXT("Аня"),   {.as.i = 5},
    {.as.i = 10},  {.as.set = 1},
    {.as.i = 1},   TEXT("Боря"),
    {.as.i = 3},   {.state = VALUE_MISSING},
    {.as.set = 6}, {.as.i = 0},
    TEXT(""),      {.state = VALUE_NOT_KNOWN},
    {.as.i = 25},  {.state = VALUE_MISSING},
    {.as.i = 1},
};
#define COLUMNS 5u

static const struct value values[FIELDS] = {
    [A] = {.as.i = 3},
    [D] = {.as.i = 350},
    [T] = TEXT("Школа № 7"),
    [DAY] = {.as.i = 18506}, /* 2020-09-01 */
    [B] = {.as.i = 1},
    [LEVEL] = {.as.i = 1},
    [REGS] = {.as.set = 5},
    [EMPTY] = {.state = VALUE_MISSING},
    [UNKNOWN] = {.state = VALUE_NOT_KNOWN, .as.i = 77},
    [NO] = {.as.i = 0},
    [NO_REGS] = {.state = VALUE_NOT_ASKED, .as.set = 7},
    [NO_DAY] = {.state = VALUE_MISSING},
    [KIDS] = {.as.rows = {cells, 3, COLUMNS}},
    [NO_KIDS] = {.state = VALUE_MISSING},
};

static bool find(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    (void)ctx;
    for (size_t i = 0; i < COUNT(fields); i++) {
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0) {
            *out = fields[i].symbol;
            return true;
        }
    }
    return false;
}

static const char *name_at(const void *ctx, uint32_t i)
{
    (void)ctx;
    return i < COUNT(fields) ? fields[i].name : NULL;
}

static const struct expr_schema top_level = {
    .find = find, .inside_repeat = -1, .allow_today = true, .name_at = name_at};
static const struct expr_env env = {.values = values, .count = FIELDS, .today = 18520}; /* 2020-09-15 */

/* "TYPE VALUE", or "refused COLUMN", or the name of the error. */
static const char *ask_in(const struct expr_schema *schema, const struct expr_env *in, const char *text)
{
    static char out[1024];
    struct expr_arena *arena;
    struct expr_error error;
    struct expr_result r;
    struct expr *e;
    struct bytes s;
    enum err err;

    if (expr_compile(&e, text, strlen(text), schema, &error) != OK) {
        (void)snprintf(out, sizeof(out), "refused %u: %s", error.column, error.text);
        return out;
    }
    assert_int_equal(expr_arena_new(&arena, 0), OK);
    if ((err = expr_eval(e, arena, in, &r)) == OK) {
        s = expr_to_string(arena, &r);
        (void)snprintf(out, sizeof(out), "%s %.*s",
                       r.kind == EXPR_NUMBER   ? "number"
                       : r.kind == EXPR_STRING ? "string"
                                               : "boolean",
                       (int)s.len, s.len > 0 ? (const char *)s.p : "");
    } else {
        (void)snprintf(out, sizeof(out), "%s", err_name(err));
    }
    expr_arena_free(arena);
    expr_free(e);
    return out;
}

struct expected {
    const char *text;
    const char *gives;
};

static void check_in(const struct expr_schema *schema, const struct expr_env *in, const struct expected *table,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = ask_in(schema, in, table[i].text);

        if (strcmp(got, table[i].gives) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s", table[i].text, got, table[i].gives);
    }
}

#define CHECK(table) check_in(&top_level, &env, (table), COUNT(table))

/* ---- what expressions give ---- */

/* A third has no decimal that ends: as a scaled integer with two places it would be 0.33, and three of them 0.99. */
static void computed_numbers_enter_with_all_their_digits(void **state)
{
    static const double numbers[FIELDS] = {[A] = 77, [D] = 1.0 / 3};
    static const struct expected table[] = {
        {"${d} * 3", "number 1"},
        {"${d} = 1 div 3", "boolean true"},
        {"${a}", "number 3"},             /* not a decimal: the answer */
        {"sum(${weight})", "number 3.5"}, /* a column: 1.0 + 2.5 */
    };
    static const struct expected without[] = {
        {"${d}", "string "}, {"${d} = ''", "boolean true"}, {"${d} + 1", "number NaN"}};
    struct value missing[FIELDS];
    struct expr_env computed = env;

    (void)state;
    computed.numbers = numbers;
    check_in(&top_level, &computed, table, COUNT(table));
    memcpy(missing, values, sizeof(missing));
    missing[D].state = VALUE_MISSING;
    computed.values = missing;
    check_in(&top_level, &computed, without, COUNT(without));
}

static void arithmetic_is_that_of_doubles(void **state)
{
    static const struct expected table[] = {
        {"1 + 2 * 3", "number 7"},
        {"(1 + 2) * 3", "number 9"},
        {"7 div 2", "number 3.5"},
        {"7 mod 3", "number 1"},
        {"-7 mod 3", "number -1"},
        {"5 mod -3", "number 2"},
        {"10 - 2 - 3", "number 5"},
        {"2 - -3", "number 5"},
        {"- - - 3", "number -3"},
        {"-(1 + 2)", "number -3"},
        {"--${a}", "number 3"},
        {"-${a}", "number -3"},
        {".5 + 1.", "number 1.5"},
        {"0.1 + 0.2", "number 0.30000000000000004"},
        {"1 div 3", "number 0.3333333333333333"},
        {"1 div 0", "number Infinity"},
        {"-1 div 0", "number -Infinity"},
        {"0 div 0", "number NaN"},
        {"0 * -1", "number 0"},
        {"1000000 * 1000000 * 1000000 * 1000", "number 1000000000000000000000"},
        {"0.0000001", "number 0.0000001"},
        {"-0.00012", "number -0.00012"},
        {"123456789012345678", "number 123456789012345680"},
        {"${a} * ${d}", "number 10.5"},
        {"${d}", "number 3.5"},
        {"'3' + '4'", "number 7"},
        {"' 3 ' + 1", "number 4"},
        {"'3,5' + 1", "number 4.5"},
        {"'abc' + 1", "number NaN"},
        {"'+3' + 1", "number NaN"},
        {"'1e3' + 1", "number NaN"},
        {"'-' + 1", "number NaN"},
        {"'1.2.3' + 1", "number NaN"},
        {"'' + 1", "number NaN"},
        {"${empty} + 1", "number NaN"},
        {"true() + true()", "number 2"},
        {"${b} + 1", "number 2"},
        {"1+1", "number 2"},
        {"5div 2", "number 2.5"},
    };

    (void)state;
    CHECK(table);
}

static void an_empty_answer_is_the_empty_text_and_not_zero(void **state)
{
    static const struct expected table[] = {
        {"${empty}", "string "},
        {"${empty} = ''", "boolean true"},
        {"${empty} != ''", "boolean false"},
        {"${empty} = 0", "boolean false"},
        {"${empty} != 0", "boolean true"},
        {"${empty} < 1", "boolean false"},
        {"${empty} >= 0", "boolean false"},
        {"'' = ''", "boolean true"},
        {"${unknown} = ''", "boolean true"},
        {"${no_regs} = ''", "boolean true"},
        {"${no_day} = ''", "boolean true"},
        {"${a} = ''", "boolean false"},
        {"${a} != ''", "boolean true"},
        {"${day} = ''", "boolean false"},
        {"${no} = ''", "boolean false"},
        {"${no} != ''", "boolean true"},
        {"not(${empty})", "boolean true"},
        {"string-length(${empty})", "number 0"},
        {"coalesce(${empty}, 5)", "number 5"},
        {"coalesce(${a}, 5)", "number 3"},
        {"coalesce(0 div 0, 'x')", "string x"},
        {"coalesce('', ${empty}, ${unknown}, 7)", "number 7"},
        {"coalesce('', '')", "string "},
        {"coalesce(0, 7)", "number 0"},
        {"if(${empty}, 1, 2)", "number 2"},
        {"number('')", "number NaN"},
        {"boolean(0 div 0)", "boolean false"},
        {"count-selected(${no_regs})", "number 0"},
    };

    (void)state;
    CHECK(table);
}

static void comparisons_follow_the_types(void **state)
{
    static const struct expected table[] = {
        {"1 < 2", "boolean true"},
        {"2 <= 2", "boolean true"},
        {"2 > 2", "boolean false"},
        {"2 >= 3", "boolean false"},
        {"'10' > '9'", "boolean true"},
        {"'b' > 'a'", "boolean false"},
        {"1 = '1.0'", "boolean true"},
        {"'1' = '1.0'", "boolean false"},
        {"'a' = 'a'", "boolean true"},
        {"${a} = '3'", "boolean true"},
        {"${d} = '3.50'", "boolean true"},
        {"'x' = 0 div 0", "boolean false"},
        {"'x' != 0 div 0", "boolean true"},
        {"true() = 'abc'", "boolean true"},
        {"true() = 5", "boolean true"},
        {"false() = ''", "boolean true"},
        {"${b} = true()", "boolean true"},
        {"${b} = 'true'", "boolean true"},
        {"'false' = ${no}", "boolean true"},
        {"${no} = 'true'", "boolean false"},
        {"${b} = 1", "boolean true"},
        {"${no} = 0", "boolean true"},
        {"${b} = ${no}", "boolean false"},
        {"string(${b})", "string true"},
        {"string(${no})", "string false"},
        {"${b} and 1", "boolean true"},
        {"0.1 + 0.2 = 0.3", "boolean true"},
        {"0.1 + 0.2 <= 0.3", "boolean true"},
        {"0.1 + 0.2 > 0.3", "boolean false"},
        {"0.3 < 0.1 + 0.2", "boolean false"},
        {"100000.1 + 0.2 = 100000.3", "boolean true"},
        {"9007199254740991 = 9007199254740990", "boolean false"},
        {"0.0000001 = 0", "boolean false"},
        {"1 div 0 = 5.5", "boolean false"},
        {"1 div 0 = 1 div 0", "boolean true"},
        {"1 < 2 = true()", "boolean true"},
        {"'Я' = \"Я\"", "boolean true"},
        {"\"it's\" = \"it's\"", "boolean true"},
    };

    (void)state;
    CHECK(table);
}

/* A field beside a number is one instruction of its own; with `+ 0` it is not, and must say the same. */
static void a_field_beside_a_number_compares_as_any_two_numbers(void **state)
{
    static const char *const operators[] = {"<", "<=", ">", ">="};
    static const char *const names[] = {"a", "d", "empty", "unknown"};
    static const char *const numbers[] = {"3", "2.5", "3.5", "3.4999999999999996", "-3", "(3)", "0", "1000000"};
    unsigned hold = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(operators) * COUNT(names) * COUNT(numbers); i++) {
        const char *operator= operators[i % COUNT(operators)];
        const char *name = names[i / COUNT(operators) % COUNT(names)];
        const char *number = numbers[i / COUNT(operators) / COUNT(names)];
        char source[64];
        char wanted[64];

        (void)snprintf(source, sizeof(source), "(${%s} + 0) %s %s", name, operator, number);
        (void)snprintf(wanted, sizeof(wanted), "%s", ask_in(&top_level, &env, source));
        (void)snprintf(source, sizeof(source), "${%s} %s %s", name, operator, number);
        if (strcmp(ask_in(&top_level, &env, source), wanted) != 0)
            fail_msg("%s is not %s", source, wanted);
        hold += strcmp(wanted, "boolean true") == 0;
    }
    /* a = 3, d = 3.50.  For each number one of < and > holds, or both <= and >=, and the other two follow: two of the
     * four hold always.  2 fields x 8 numbers x 2; nothing holds for a field without a value. */
    assert_int_equal(hold, 32);
}

static void a_field_between_two_numbers_is_what_both_comparisons_say(void **state)
{
    static const struct expected table[] = {
        {"${a} >= 3 and ${a} <= 3", "boolean true"},
        {"${a} >= 1 and ${a} <= 4", "boolean true"},
        {"${a} >= 4 and ${a} <= 9", "boolean false"},
        {"${a} >= 1 and ${a} <= 2", "boolean false"},
        {"${a} >= -(5) and ${a} <= -(2)", "boolean false"},
        {"${a} >= -5 and ${a} <= -(-(4))", "boolean true"},
        {"${a} >= 1 and ${a} <= -3", "boolean false"},
        {"${a} >= 1 and ${d} <= 3", "boolean false"}, /* two fields */
        {"${a} >= 1 and ${d} <= 4", "boolean true"},
        {"${d} >= 3.5 and ${d} <= 3.5", "boolean true"},
        {"${empty} >= 0 and ${empty} <= 9", "boolean false"},
        {"${unknown} >= 0 and ${unknown} <= 99", "boolean false"},
        {"not(${empty} >= 0 and ${empty} <= 9)", "boolean true"},
        /* not alone: more on the left, on the right, or another word between them */
        {"${b} and ${a} >= 1 and ${a} <= 4", "boolean true"},
        {"${no} and ${a} >= 1 and ${a} <= 4", "boolean false"},
        {"${no} or ${a} >= 4 and ${a} <= 9", "boolean false"},
        {"${a} >= 1 and ${a} <= 4 and ${no}", "boolean false"},
        {"${a} >= 1 and (${a} <= 2 or ${b})", "boolean true"},
        {"${a} >= 4 or ${a} <= 4", "boolean true"},
        {"if(${a} >= 1 and ${a} <= 4, 10, 20) + if(${a} >= 4 and ${a} <= 9, 1, 2)", "number 12"},
    };

    (void)state;
    CHECK(table);
}

static void logic_evaluates_only_what_it_must(void **state)
{
    static const struct expected table[] = {
        {"true() or regex('a', ${t})", "boolean true"},
        {"true() and false()", "boolean false"},
        {"false() or 'x'", "boolean true"},
        {"'x' and ''", "boolean false"},
        {"1 and 2 and 3", "boolean true"},
        {"0 or 0 or 3", "boolean true"},
        {"false() and true() or true()", "boolean true"},
        {"true() or true() and false()", "boolean true"},
        {"not(1 = 2)", "boolean true"},
        {"not('')", "boolean true"},
        {"boolean('false')", "boolean true"},
        {"boolean(${day})", "boolean true"},
        {"boolean(${t})", "boolean true"},
        {"if(1 > 2, 'a', 'b')", "string b"},
        {"if(1 < 2, 'a', regex('a', concat('(', '')))", "string a"},
        {"if(true(), if(false(), 1, 2), 3)", "number 2"},
        {"boolean-from-string('TRUE')", "boolean true"},
        {"boolean-from-string(1)", "boolean true"},
        {"boolean-from-string('yes')", "boolean false"},
        {"boolean-from-string(${no})", "boolean false"},
        {"checklist(1, 2, ${b}, 0, 1)", "boolean true"},
        {"checklist(3, -1, ${b}, 0, 1)", "boolean false"},
        {"checklist(-1, 1, ${b}, 0, 1)", "boolean false"},
        {"checklist(2, 2, ${ok})", "boolean true"},
        {"weighted-checklist(1, 3, ${b}, 2, 1, 1)", "boolean true"},
        {"weighted-checklist(4, -1, ${b}, 2, 1, 1)", "boolean false"},
        {"weighted-checklist(5, 5, ${ok}, ${mark})", "boolean true"},
        {"weighted-checklist(0, 0, 1, '')", "boolean true"},
    };

    (void)state;
    CHECK(table);
}

static void choices_are_their_codes(void **state)
{
    static const struct expected table[] = {
        {"${level}", "string 2"},
        {"${level} = '2'", "boolean true"},
        {"${level} = '3'", "boolean false"},
        {"'2' = ${level}", "boolean true"},
        {"${level} != '2'", "boolean false"},
        {"${level} = 2", "boolean true"},
        {"${level} > 1", "boolean true"},
        {"${regs}", "string kdn vshu"},
        {"${regs} = 'kdn vshu'", "boolean true"},
        {"selected(${regs}, 'vshu')", "boolean true"},
        {"selected(${regs}, ' pdn ')", "boolean false"},
        {"selected(${level}, '2')", "boolean true"},
        {"selected(${level}, '1')", "boolean false"},
        {"selected(${level}, 2)", "boolean true"},
        {"selected(${no_regs}, 'kdn')", "boolean false"},
        {"selected(${no_regs}, '')", "boolean true"},
        {"selected('a bc', 'b')", "boolean false"},
        {"selected('a  bc', 'bc')", "boolean true"},
        {"selected(${regs}, substr('kdnx', 0, 3))", "boolean true"},
        {"selected('a', '')", "boolean false"},
        {"not(selected(${regs}, 'none'))", "boolean true"},
        {"count-selected(${regs})", "number 2"},
        {"count-selected(' a  b c ')", "number 3"},
        {"selected-at(${regs}, 0)", "string kdn"},
        {"selected-at(${regs}, 1)", "string vshu"},
        {"selected-at(${regs}, 2)", "string "},
        {"selected-at(${regs}, -1)", "string "},
        {"selected-at(${regs}, '')", "string "},
        {"jr:choice-name(${level}, '${level}')", "string средний"},
        {"jr:choice-name('vshu', ${regs})", "string School"},
        {"jr:choice-name('none', ' ${ regs } ')", "string none"},
        {"jr:choice-name('?', '${regs}')", "string "},
        {"jr:choice-name(${empty}, '${regs}')", "string "},
        {"jr:choice-name(selected-at(${regs}, 0), '${regs}')", "string КДН"},
    };

    (void)state;
    CHECK(table);
}

static void texts_count_in_characters(void **state)
{
    static const struct expected table[] = {
        {"string-length(${t})", "number 9"},
        {"substr(${t}, 0, 5)", "string Школа"},
        {"substr(${t}, 6)", "string № 7"},
        {"substr(${t}, -1)", "string 7"},
        {"substr(${t}, 1, -4)", "string кола"},
        {"substr(${t}, 5, 2)", "string "},
        {"substr(${t}, 50)", "string "},
        {"substr(${t}, 'x', 1)", "string Ш"},
        {"substr('', 0)", "string "},
        {"contains(${t}, 'ола')", "boolean true"},
        {"contains(${t}, 'Ола')", "boolean false"},
        {"contains(${t}, '')", "boolean true"},
        {"contains('', 'a')", "boolean false"},
        {"starts-with(${t}, 'Шк')", "boolean true"},
        {"starts-with('a', 'ab')", "boolean false"},
        {"starts-with('', '')", "boolean true"},
        {"ends-with(${t}, '7')", "boolean true"},
        {"ends-with('a', 'ba')", "boolean false"},
        {"ends-with('a', 'b')", "boolean false"},
        {"ends-with('a', '')", "boolean true"},
        {"substring-before('2020/21', '/')", "string 2020"},
        {"substring-before('2020', '/')", "string "},
        {"substring-before('2020', '')", "string "},
        {"substring-after('2020/21', '/')", "string 21"},
        {"substring-after('2020', '/')", "string "},
        {"substring-after('2020', '')", "string 2020"},
        {"normalize-space('  a \t b  ')", "string a b"},
        {"normalize-space('')", "string "},
        {"translate('bar', 'abc', 'AB')", "string BAr"},
        {"translate('--a-', '-', '')", "string a"},
        {"translate('ёж', 'ё', 'е')", "string еж"},
        {"translate('', 'a', 'b')", "string "},
        {"translate('шкаф', 'ш', ${empty})", "string каф"},
        {"concat('a', 1, true(), ${empty}, 'b')", "string a1trueb"},
        {"concat(${name})", "string АняБоря"},
        {"join(', ', ${name})", "string Аня, Боря, "},
        {"join('-', 'a', 1.5, ${mark}, 'z')", "string a-1.5-5-3--z"},
        {"join('+', ${tags})", "string kdn+pdn vshu+"},
        {"join(', ', ${nobody})", "string "},
        {"join(', ', 'x')", "string x"},
        {"string(5)", "string 5"},
        {"string(1 = 1)", "string true"},
        {"regex('12345', '[0-9]{5}')", "boolean true"},
        {"regex('123456', '[0-9]{5}')", "boolean false"},
        {"regex(${t}, 'Школа № \\d+')", "boolean true"},
        {"regex('ab', 'a|ab')", "boolean true"},
        {"regex('', '')", "boolean true"},
        {"regex('x', '')", "boolean false"},
        {"regex('ab', concat('a', 'b'))", "boolean true"},
        {"regex('a', concat('(', ''))", "invalid"},
        {"string-length(normalize-space(concat(' ', ${t}, ' ')))", "number 9"},
    };

    (void)state;
    CHECK(table);
}

static void numbers_round_as_people_read_them(void **state)
{
    static const struct expected table[] = {
        {"round(2.5)", "number 3"},
        {"round(-2.5)", "number -2"},
        {"round(-2.51)", "number -3"},
        {"round(0.49999999999999994)", "number 0"},
        {"round(1.005, 2)", "number 1.01"},
        {"round(-1.005, 2)", "number -1"},
        {"round(-1.0051, 2)", "number -1.01"},
        {"round(1234.5, -2)", "number 1200"},
        {"round(-33.33, -1)", "number -30"},
        {"round(50, -2)", "number 100"},
        {"round(49, -2)", "number 0"},
        {"round(4, -2)", "number 0"},
        {"round(0.05, 1)", "number 0.1"},
        {"round(99.999, 2)", "number 100"},
        {"round(1.5, 10)", "number 1.5"},
        {"round(0, 2)", "number 0"},
        {"round(1.5, 31)", "number NaN"},
        {"round(1.5, '')", "number NaN"},
        {"round('')", "number NaN"},
        {"round(1 div 0, 2)", "number Infinity"},
        {"int(3.7)", "number 3"},
        {"int(-3.7)", "number -3"},
        {"int('x')", "number NaN"},
        {"floor(-2.5)", "number -3"},
        {"ceiling(2.1)", "number 3"},
        {"abs(-4)", "number 4"},
        {"sqrt(9)", "number 3"},
        {"sqrt(-1)", "number NaN"},
        {"pow(2, 10)", "number 1024"},
        {"exp(0)", "number 1"},
        {"log(exp(2))", "number 2"},
        {"log10(1000)", "number 3"},
        {"exp10(2)", "number 100"},
        {"round(sin(pi() div 2) + cos(0) + tan(0) + asin(0) + acos(1) + atan(0) + atan2(0, 1), 6)", "number 2"},
        {"number('12.50')", "number 12.5"},
        {"number(true())", "number 1"},
        {"number('12345678901234567890123')", "number 12345678901234568000000"},
        {"number('0.12345678901234567890123')", "number 0.12345678901234568"},
        {"min(3, 1, 2)", "number 1"},
        {"max(3, '', 7)", "number 7"},
        {"max(-3, -7)", "number -3"},
        {"min('', ${empty})", "number NaN"},
    };

    (void)state;
    CHECK(table);
}

static void columns_of_a_repeat_are_sets(void **state)
{
    static const struct expected table[] = {
        {"sum(${mark})", "number 8"},
        {"sum(${weight})", "number 3.5"},
        {"min(${mark})", "number 3"},
        {"max(${mark}, 10)", "number 10"},
        {"count(${mark})", "number 3"},
        {"count(${kids})", "number 3"},
        {"count(${no_kids})", "number 0"},
        {"count-non-empty(${mark})", "number 2"},
        {"count-non-empty(${name})", "number 2"},
        {"count-non-empty(${tags})", "number 2"},
        {"sum(${nobody})", "number 0"},
        {"max(${nobody})", "number NaN"},
        {"count(${a})", "number 1"},
        {"sum(${a})", "number 3"},
        {"count-non-empty(${empty})", "number 0"},
        {"indexed-repeat(${mark}, ${kids}, 2)", "number 3"},
        {"indexed-repeat(${name}, ${kids}, ${a} - 2)", "string Аня"},
        {"indexed-repeat(${mark}, ${kids}, 3)", "string "},
        {"indexed-repeat(${mark}, ${kids}, 4)", "string "},
        {"indexed-repeat(${mark}, ${kids}, 0)", "string "},
        {"indexed-repeat(${mark}, ${kids}, '')", "string "},
        {"sum(${mark}) div count-non-empty(${mark})", "number 4"},
    };

    (void)state;
    CHECK(table);
}

static void dates_are_days_that_print_as_dates(void **state)
{
    static const struct expected table[] = {
        {"${day}", "string 2020-09-01"},
        {"string(${day})", "string 2020-09-01"},
        {"${day} + 1", "number 18507"},
        {"date(${day} + 1)", "string 2020-09-02"},
        {"${day} >= '2020-09-01'", "boolean true"},
        {"${day} = '2020-09-01'", "boolean true"},
        {"${day} < '2020-09-01T12:00:00'", "boolean true"},
        {"${day} = 'soon'", "boolean false"},
        {"${day} = date('2020-09-01')", "boolean true"},
        {"${day} = 18506", "boolean true"},
        {"${day} <= today()", "boolean true"},
        {"today()", "string 2020-09-15"},
        {"today() - ${day}", "number 14"},
        {"now()", "string 2020-09-15T00:00:00.000Z"},
        {"number('1970-01-02')", "number 1"},
        {"date('2020-02-29')", "string 2020-02-29"},
        {"date('2020-02-29T23:59:59')", "string 2020-02-29"},
        {"date('')", "string "},
        {"date(concat('2020-02-', '30'))", "string "},
        {"date(concat('so', 'on'))", "string "},
        {"date(true())", "string "},
        {"date(1 div 0)", "string "},
        {"date(99999999)", "string "},
        {"date(-0.5)", "string 1969-12-31"},
        {"date('18506')", "string 2020-09-01"},
        {"date-time('2020-09-01T10:20:30.400+03:00')", "string 2020-09-01T07:20:30.400Z"},
        {"date-time('2020-09-01T10:20')", "string 2020-09-01T10:20:00.000Z"},
        {"date-time('x' + 1)", "string "},
        {"date-time(18506.5)", "string 2020-09-01T12:00:00.000Z"},
        {"decimal-date-time('1970-01-02T12:00:00Z')", "number 1.5"},
        {"decimal-date-time('1970-01-02T12:00:00-0600')", "number 1.75"},
        {"decimal-date-time('1970-01-02T12:00:00+24')", "number NaN"},
        {"decimal-date-time('1970-01-02T25:00:00')", "number NaN"},
        {"decimal-date-time('1970-01-02T12:00:99')", "number NaN"},
        {"decimal-date-time('1970-01-02T12:00:00+06-30')", "number NaN"},
        {"decimal-date-time('1970-01-02T12:00:00+06:99')", "number NaN"},
        {"decimal-date-time('')", "number NaN"},
        {"decimal-date-time(${day})", "number 18506"},
        {"decimal-time('06:00:00.000+03:00')", "number 0.25"},
        {"decimal-time('2020-09-01T18:00')", "number 0.75"},
        {"decimal-time('25:00')", "number NaN"},
        {"decimal-time(1.25)", "number 0.25"},
        {"decimal-time(true())", "number NaN"},
        {"format-date(${day}, '%d.%m.%Y')", "string 01.09.2020"},
        {"format-date(${day}, '%e %b %y, %a, %n %%')", "string 1 Sep 20, Tue, 9 %"},
        {"format-date('1969-12-28', '%a')", "string Sun"},
        {"format-date-time('2020-09-01T10:05:09.007', '%H:%M:%S.%3 %h')", "string 10:05:09.007 10"},
        {"format-date(${no_day}, '%d')", "string "},
        {"format-date(${day}, '')", "string "},
        {"format-date(${day}, concat('%', 'Q'))", "invalid"},
        {"${no_day} > '2020-01-01'", "boolean false"},
    };

    (void)state;
    CHECK(table);
}

/* ---- inside a row; the field itself ---- */

static void inside_a_row_a_column_is_that_rows_value(void **state)
{
    static const struct expected table[] = {
        {"${mark}", "number 3"},
        {"${mark} > 4", "boolean false"},
        {"sum(${mark})", "number 3"},
        {"${name}", "string Боря"},
        {"${tags}", "string pdn vshu"},
        {"selected(${tags}, 'pdn')", "boolean true"},
        {"${weight} = ''", "boolean true"},
        {"${a} + ${mark}", "number 6"},
        {"position(..)", "number 2"},
        {"position()", "number 2"},
        {"indexed-repeat(${mark}, ${kids}, position(..) - 1)", "number 5"},
        {"indexed-repeat(${mark}, ${kids}, ${mark} - 2)", "number 5"},
        {"count(${kids})", "number 3"},
        {"position(1)", "refused 10: expected position(..), the number of the row"},
    };
    struct expr_schema schema = top_level;
    struct expr_env row = env;

    (void)state;
    schema.inside_repeat = KIDS;
    row.row = &cells[COLUMNS];
    row.row_number = 2;
    check_in(&schema, &row, table, COUNT(table));
    row.row = NULL;
    assert_string_equal(ask_in(&schema, &row, "${mark}"), "string ");
}

static void a_dot_is_the_field_itself(void **state)
{
    static const struct expected table[] = {
        {". >= 1 and . <= 5", "boolean true"},
        {".", "number 3"},
        {"once(7)", "number 3"},
        {"string-length()", "number 1"},
        {"normalize-space()", "string 3"},
        {".5 + .", "number 3.5"},
    };
    struct expr_schema schema = top_level;

    (void)state;
    schema.self = &fields[A].symbol;
    check_in(&schema, &env, table, COUNT(table));
    schema.self = &fields[EMPTY].symbol;
    assert_string_equal(ask_in(&schema, &env, "once(7)"), "number 7");
    schema.self = &fields[LEVEL].symbol;
    assert_string_equal(ask_in(&schema, &env, ". = '2'"), "boolean true");
    assert_string_equal(ask_in(&schema, &env, ". = '4'"), "refused 5: \"4\" is not a choice of \".\"");
    schema.self = &fields[KIDS].symbol;
    assert_string_equal(ask_in(&schema, &env, "count(.)"), "number 3");
    assert_string_equal(ask_in(&schema, &env, "once(1)"), "refused 1: once() cannot be used on a repeat");
}

/* ---- what is refused, and where (invariant 9) ---- */

struct refusal {
    const char *text;
    uint32_t column;
    const char *says; /* a part of the sentence */
};

static void check_refusals(const struct expr_schema *schema, const struct refusal *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct expr_error error;
        struct expr *e = NULL;
        enum err err = expr_compile(&e, table[i].text, strlen(table[i].text), schema, &error);

        expr_free(e);
        if (err != ERR_INVALID || error.column != table[i].column || strstr(error.text, table[i].says) == NULL)
            fail_msg("%s\n  gives    %s, %u: %s\n  expected %u: %s", table[i].text, err_name(err), error.column,
                     error.text, table[i].column, table[i].says);
        if (strstr(err_text(), error.text) == NULL)
            fail_msg("%s: err_text() is \"%s\"", table[i].text, err_text());
    }
}

static void mistakes_of_syntax_are_refused_at_their_column(void **state)
{
    static const struct refusal table[] = {
        {"", 1, "empty"},
        {"  ", 1, "empty"},
        {"1 +", 4, "ends where a value was expected"},
        {"(1 + 2", 7, "ends where \")\" was expected"},
        {"1 + 2)", 6, "closes nothing"},
        {"1 2", 3, "expected an operator or the end, found \"2\""},
        {"(1 2)", 4, "expected an operator or \")\", found \"2\""},
        {"1 + * 2", 5, "\"*\" stands where a value was expected"},
        {"if(1, , 2)", 7, "\",\" stands where"},
        {"'abc", 1, "never closed"},
        {"'я' + \"абв", 7, "never closed"},
        {"${a", 1, "written as ${name}"},
        {"${}", 1, "written as ${name}"},
        {"${a b}", 1, "written as ${name}"},
        {"1 + $a", 5, "written as ${name}"},
        {"a > 5", 1, "\"a\" stands alone"},
        {"today + 1", 1, "\"today\" is a function"},
        {"${a} == 3", 6, "write \"=\""},
        {"${a} <> 3", 6, "write \"!=\""},
        {"${a} && 3", 6, "write \"and\""},
        {"${a} || 3", 6, "write \"or\""},
        {"!${a}", 1, "write not(...)"},
        {"${a} / 3", 6, "write \"div\""},
        {"${a} % 3", 6, "write \"mod\""},
        {"${a} ^ 3", 6, "write pow("},
        {"${kids}[1]", 8, "indexed-repeat()"},
        {"${a} ≥ 3", 6, "write \">=\""},
        {"3 − 2", 3, "not a minus sign"},
        {"«да»", 1, "straight quotes"},
        {"3 # 4", 3, "means nothing"},
        {"школа", 1, "means nothing"},
        {"1 + ..", 5, "only in position(..)"},
        {"1e5", 2, "found \"e5\""},
        {"1.2.3", 4, "found \".3\""},
        {"true() 'x'", 8, "found \"x\""},
        {"concat('a' 'b')", 12, "expected an operator or \")\""},
        {"sum(${mark}", 12, "\")\" was expected"},
        {"if(1, 'a, 2)", 7, "never closed"},
        {"true(", 6, "ends where"},
        {"f@", 1, "stands alone"},
    };

    (void)state;
    check_refusals(&top_level, table, COUNT(table));
}

static void what_can_never_work_is_refused(void **state)
{
    static const struct refusal table[] = {
        {"${levle} = '2'", 1, "no field \"levle\": did you mean \"level\"?"},
        {"'ы' = ${zzzzzzzzzz}", 7, "no field \"zzzzzzzzzz\""},
        {"${level} = '4'", 12, "\"4\" is not a choice of \"level\""},
        {"${level} != 7", 13, "\"7\" is not a choice"},
        {"'kdn' = ${level}", 1, "not a choice"},
        {"${regs} = 'kdn pnd'", 11, "\"pnd\" is not a choice of \"regs\": did you mean"},
        {"selected(${regs}, 'kdm')", 19, "did you mean \"kdn\"?"},
        {"selected(${level}, 'x')", 20, "not a choice"},
        {"1 + summ(${mark})", 5, "no function \"summ\": did you mean \"sum\"?"},
        {"frobnicate_it(1)", 1, "no function \"frobnicate_it\""},
        {"if(1, 2)", 1, "if() takes 3 arguments, found 2"},
        {"not()", 1, "takes 1 argument, found 0"},
        {"round(1, 2, 3)", 1, "takes 1 to 2 arguments, found 3"},
        {"concat()", 1, "at least 1 argument"},
        {"coalesce(1)", 1, "at least 2 arguments"},
        {"true(1)", 1, "takes 0 arguments, found 1"},
        {"weighted-checklist(1, 2, 3)", 1, "pairs"},
        {"regex(${t}, '[0-9')", 18, "terminating ]"},
        {"regex('ы', 'я(')", 15, "parenthesis"},
        {"date('2020-13-01')", 6, "is not a date"},
        {"date-time('soon')", 11, "is not a date"},
        {"format-date(${day}, '%d %Q')", 25, "unknown escape"},
        {"format-date(${day}, '%')", 22, "unknown escape"},
        {". > 5", 1, "a field's own answer"},
        {"string-length()", 1, "a field's own answer"},
        {"once(1)", 1, "a field's own answer"},
        {"position(..)", 1, "in none"},
        {"${mark} > 3", 1, "one value for each row"},
        {"3 < ${mark}", 5, "one value for each row"},
        {"-${mark}", 2, "one value for each row"},
        {"true() and ${ok}", 12, "one value for each row"},
        {"abs(${mark})", 5, "one value for each row"},
        {"if(${ok}, 1, 2)", 4, "one value for each row"},
        {"coalesce(1, ${mark})", 13, "one value for each row"},
        {"join(${name}, 'x')", 6, "one value for each row"},
        {"${kids}", 1, "one value for each row"},
        {"sum(${kids})", 5, "is a repeat"},
        {"sum(1)", 5, "takes a field"},
        {"count(1 + 1)", 7, "takes a field"},
        {"indexed-repeat(${a}, ${kids}, 1)", 16, "a field of a repeat"},
        {"indexed-repeat(${mark}, ${no_kids}, 1)", 25, "the repeat in which \"mark\" stands"},
        {"indexed-repeat(${mark}, ${a}, 1)", 25, "the repeat in which"},
        {"jr:choice-name('1', 'level')", 21, "whose choices are meant"},
        {"jr:choice-name('1', '${lvl}')", 21, "no field \"lvl\""},
        {"jr:choice-name('1', ${a})", 21, "a field with choices"},
        {"random()", 1, "recomputed"},
        {"uuid(5)", 1, "recomputed"},
        {"pulldata('a', 'b', 'c', 'd')", 1, "no tables"},
    };

    (void)state;
    check_refusals(&top_level, table, COUNT(table));
}

static void today_is_refused_where_the_result_must_not_depend_on_it(void **state)
{
    static const struct refusal table[] = {
        {"${day} < today()", 10, "not allowed here"},
        {"now() > 5", 1, "not allowed here"},
    };
    struct expr_schema schema = top_level;

    (void)state;
    schema.allow_today = false;
    check_refusals(&schema, table, COUNT(table));
}

static void a_schema_without_names_makes_no_suggestions(void **state)
{
    struct expr_schema schema = top_level;

    (void)state;
    schema.name_at = NULL;
    assert_string_equal(ask_in(&schema, &env, "${aa}"), "refused 1: there is no field \"aa\"");
    schema.find = NULL;
    assert_string_equal(ask_in(&schema, &env, "${a}"), "refused 1: there is no field \"a\"");
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    struct expr_error error;
    struct expr *e = NULL;

    (void)state;
    assert_int_equal(expr_compile(&e, "'я\xff'", 5, &top_level, &error), ERR_INVALID);
    assert_int_equal(error.column, 3);
    assert_int_equal(expr_compile(&e, "1 + \0", 5, &top_level, NULL), ERR_INVALID);
    assert_null(e);
}

/* ---- limits (invariant 8) ---- */

/* `count` times `piece`, between `before` and `after`. */
static char *repeated(const char *before, const char *piece, size_t count, const char *after)
{
    size_t size = strlen(before) + count * strlen(piece) + strlen(after) + 1;
    char *s = malloc(size);
    size_t at;

    assert_non_null(s);
    at = (size_t)snprintf(s, size, "%s", before);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(s + at, size - at, "%s", piece);
    (void)snprintf(s + at, size - at, "%s", after);
    return s;
}

static enum err compile_only(const char *text)
{
    struct expr_error error;
    struct expr *e = NULL;
    enum err err = expr_compile(&e, text, strlen(text), &top_level, &error);

    expr_free(e);
    return err;
}

static void a_long_sentence_is_cut_between_characters(void **state)
{
    char *text = repeated("${", "longer_and_longer_", 3, "} = 1");
    char *code = repeated("'", "я", 80, "' = ${regs}");
    struct expr_error error;
    struct expr *e = NULL;

    (void)state;
    assert_int_equal(expr_compile(&e, code, strlen(code), &top_level, &error), ERR_INVALID);
    assert_int_equal(error.column, 1);
    assert_true(strlen(error.text) < sizeof(error.text));
    assert_int_equal(expr_compile(&e, text, strlen(text), &top_level, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "no field"));
    free(text);
    free(code);
}

static void too_deep_too_long_and_too_wide_are_limits(void **state)
{
    char *deep = repeated("", "(", 64, "1");
    char *calls = repeated("", "abs(", 200, "1");
    char *wide = repeated("concat(1", ",1", 300, ")");
    char *chain = repeated("1", "+1", 4000, "");
    char *longer = repeated("1", "+1", 5000, "");
    char *pattern = repeated("regex('a', '", "a", 1100, "')");

    (void)state;
    assert_int_equal(compile_only(deep), ERR_LIMIT);
    assert_int_equal(compile_only(calls), ERR_LIMIT);
    assert_int_equal(compile_only(wide), ERR_LIMIT);
    assert_int_equal(compile_only(longer), ERR_LIMIT);
    assert_int_equal(compile_only(pattern), ERR_LIMIT);
    assert_string_equal(ask_in(&top_level, &env, chain), "number 4001");
    free(deep);
    free(calls);
    free(wide);
    free(chain);
    free(longer);
    free(pattern);
}

static void depth_of_sixty_three_is_enough_rope(void **state)
{
    char *open = repeated("", "(", 63, "7");
    char *text = repeated(open, ")", 63, "");

    (void)state;
    assert_string_equal(ask_in(&top_level, &env, text), "number 7");
    free(open);
    free(text);
}

static enum err eval_over(const char *text, const struct expr_env *in, size_t arena_bytes)
{
    struct expr_arena *arena;
    struct expr_error error;
    struct expr_result r;
    struct expr *e;
    enum err err;

    assert_int_equal(expr_compile(&e, text, strlen(text), &top_level, &error), OK);
    assert_int_equal(expr_arena_new(&arena, arena_bytes), OK);
    err = expr_eval(e, arena, in, &r);
    expr_arena_free(arena);
    expr_free(e);
    return err;
}

static void steps_over_large_repeats_are_limited(void **state)
{
    const uint32_t rows = 30000;
    struct value *many = calloc((size_t)rows * COLUMNS, sizeof(*many));
    struct value changed[FIELDS];
    struct expr_env large = env;

    (void)state;
    assert_non_null(many);
    memcpy(changed, values, sizeof(changed));
    changed[KIDS].as.rows = (struct value_rows){many, rows, COLUMNS};
    large.values = changed;
    assert_int_equal(eval_over("sum(${mark}) + max(${mark}) + min(${weight})", &large, 0), OK);
    assert_int_equal(eval_over("sum(${mark}) + max(${mark}) + min(${mark}) + sum(${weight})", &large, 0), ERR_LIMIT);
    assert_int_equal(eval_over("join(',', ${mark}, ${mark}, ${mark}, ${mark})", &large, 4 << 20), ERR_LIMIT);
    assert_int_equal(eval_over("weighted-checklist(0, 1, ${ok}, ${mark}, ${ok}, ${mark})", &large, 0), ERR_LIMIT);
    /* An environment with fewer columns or fields than the schema promised reads as empty. */
    changed[KIDS].as.rows.columns = 1;
    assert_int_equal(eval_over("sum(${ok})", &large, 0), OK);
    large.count = 0;
    assert_int_equal(eval_over("sum(${ok}) + ${a}", &large, 0), OK);
    free(many);
}

static void texts_stay_inside_the_arena(void **state)
{
    static const char *const texts[] = {"concat('0123456789', '0123456789')",
                                        "'0123456789012345678901'",
                                        "join('-', ${name}, ${name})",
                                        "normalize-space('0123456789abcdefgh')",
                                        "translate('0123456789abcdefgh', 'a', 'b')",
                                        "format-date(${day}, '%Y-%m-%d %Y-%m-%d')",
                                        "concat(1234567890, 1234567890)",
                                        "string(now())",
                                        "now()",
                                        "concat(${regs}, ' ', ${regs})",
                                        "concat(${tags}, ${tags}, ${tags})",
                                        "selected(1234567890123456, 1234567890123456)",
                                        "contains(1234567890123456, 1234567890123456)",
                                        "starts-with(1234567890123456, 1234567890123456)",
                                        "ends-with(1234567890123456, 1234567890123456)",
                                        "substring-before(1234567890123456, 1234567890123456)",
                                        "substring-after(1234567890123456, 1234567890123456)",
                                        "substr(12345678901234567, 0)",
                                        "string-length(12345678901234567)",
                                        "string(12345678901234567)",
                                        "count-selected(12345678901234567)",
                                        "selected-at(12345678901234567, 0)",
                                        "regex(12345678901234567, '.')",
                                        "regex('a', 12345678901234567)",
                                        "boolean-from-string(12345678901234567)",
                                        "join(12345678901234567, 1)",
                                        "jr:choice-name(12345678901234567, ${regs})",
                                        "format-date(${day}, 12345678901234567)",
                                        "normalize-space(12345678901234567)",
                                        "translate(12345678901234567, 1, 2)"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        enum err e = eval_over(texts[i], &env, 16);

        if (e != ERR_LIMIT)
            fail_msg("%s: %s", texts[i], err_name(e));
    }
    assert_int_equal(eval_over("concat('0123456789', 123456)", &env, 16), OK);
    assert_int_equal(eval_over("sum(${tags}) + count-non-empty(${tags})", &env, 16), OK);
}

static void a_regular_expression_that_explodes_is_stopped(void **state)
{
    static const char hostile[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    struct value changed[FIELDS];
    struct expr_env in = env;

    (void)state;
    memcpy(changed, values, sizeof(changed));
    changed[T].as.text = (struct bytes){(const uint8_t *)hostile, sizeof(hostile) - 1};
    in.values = changed;
    assert_int_equal(eval_over("regex(${t}, '(a+)+[bc]')", &in, 0), ERR_INVALID);
    assert_int_equal(eval_over("regex(${t}, concat('(a+)+', '[bc]'))", &in, 0), ERR_INVALID);
    assert_int_equal(eval_over("regex(${t}, 'a+!')", &in, 0), OK);
}

static void a_failed_shorthand_says_no_and_nothing(void **state)
{
    struct expr_arena *arena;
    struct expr_error error;
    struct expr *e;
    bool holds = true;
    double x = 1;

    (void)state;
    assert_int_equal(expr_arena_new(&arena, 16), OK);
    assert_int_equal(expr_compile(&e, "concat('0123456789', '0123456789')", 34, &top_level, &error), OK);
    assert_int_equal(expr_test(e, arena, &env, &holds), ERR_LIMIT);
    assert_false(holds);
    assert_int_equal(expr_number(e, arena, &env, &x), ERR_LIMIT);
    assert_true(isnan(x));
    expr_free(e);
    expr_arena_free(arena);
}

/* ---- the rest of the interface ---- */

static double number_of(const char *text)
{
    struct expr_arena *arena;
    struct expr_error error;
    struct expr *e;
    double x;

    assert_int_equal(expr_arena_new(&arena, 0), OK);
    assert_int_equal(expr_compile(&e, text, strlen(text), &top_level, &error), OK);
    assert_int_equal(expr_number(e, arena, &env, &x), OK);
    expr_free(e);
    expr_arena_free(arena);
    return x;
}

static void what_leaves_as_a_number_is_a_value_or_missing(void **state)
{
    (void)state;
    assert_true(number_of("${d} * 2") == 7);
    assert_true(number_of("${day}") == 18506);
    assert_true(number_of("${level}") == 2);
    assert_true(number_of("${b}") == 1);
    assert_true(isnan(number_of("${empty}")));
    assert_true(isnan(number_of("1 div 0")));
    assert_true(isnan(number_of("${t}")));
}

static void results_convert_by_xpath(void **state)
{
    const struct expr_result number = {.kind = EXPR_NUMBER, .number = 2.5};
    const struct expr_result day = {.kind = EXPR_STRING, .string = {(const uint8_t *)"1970-01-11", 10}};
    const struct expr_result nothing = {.kind = EXPR_STRING};
    const struct expr_result no = {.kind = EXPR_BOOLEAN};
    struct expr_arena *arena;
    struct bytes s;

    (void)state;
    assert_int_equal(expr_arena_new(&arena, 1), OK);
    s = expr_to_string(arena, &number);
    assert_memory_equal(s.p, "2.5", 3);
    s = expr_to_string(arena, &no);
    assert_memory_equal(s.p, "false", 5);
    assert_int_equal(expr_to_string(arena, &nothing).len, 0);
    assert_true(expr_to_number(&number) == 2.5 && expr_to_boolean(&number));
    assert_true(expr_to_number(&day) == 10 && expr_to_boolean(&day));
    assert_true(isnan(expr_to_number(&nothing)) && !expr_to_boolean(&nothing));
    assert_true(expr_to_number(&no) == 0 && !expr_to_boolean(&no));
    expr_arena_free(arena);
    expr_arena_free(NULL);
    expr_free(NULL);
}

static void an_expression_knows_the_fields_it_reads(void **state)
{
    const char text[] = "if(${a} > 1, sum(${mark}), selected(${regs}, 'kdn'))";
    struct expr_error error;
    struct expr *e;

    (void)state;
    assert_int_equal(expr_compile(&e, text, strlen(text), &top_level, &error), OK);
    assert_true(expr_uses(e, A));
    assert_true(expr_uses(e, REGS));
    assert_true(expr_uses(e, KIDS));
    assert_false(expr_uses(e, D));
    assert_false(expr_uses(e, DAY));
    expr_free(e);
}

/* Shortest digits, written and read again without the C library's idea of a decimal point. */
static void numbers_survive_being_written_and_read(void **state)
{
    uint64_t seed = 20200901;
    struct expr_arena *arena;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    assert_int_equal(expr_arena_new(&arena, 0), OK);
    for (int i = 0; i < 20000; i++) {
        struct expr_result r = {.kind = EXPR_NUMBER};
        struct expr_result back = {.kind = EXPR_STRING};
        int64_t scaled;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        scaled = (int64_t)(seed >> 14);
        r.number = (double)scaled / (double[]){1, 10, 100, 1000, 1e6, 1e9, 1e-9, 1e20}[seed >> 10 & 7u];
        back.string = expr_to_string(arena, &r);
        if (expr_to_number(&back) != r.number)
            fail_msg("%.17g is written %.*s", r.number, (int)back.string.len, (const char *)back.string.p);
    }
    expr_arena_free(arena);
}

struct worker {
    pthread_t thread;
    const struct expr *e;
    int64_t own;
    unsigned wrong;
};

static void *evaluate_often(void *arg)
{
    struct worker *w = arg;
    struct value changed[FIELDS];
    struct expr_env in = env;
    struct expr_arena *arena;

    memcpy(changed, values, sizeof(changed));
    changed[A].as.i = w->own;
    in.values = changed;
    if (expr_arena_new(&arena, 0) != OK) {
        w->wrong = 1;
        return NULL;
    }
    for (int i = 0; i < 3000; i++) {
        char expected[64];
        struct expr_result r;
        int n = snprintf(expected, sizeof(expected), "%lld:kdn vshu:true", (long long)w->own);

        if (expr_eval(w->e, arena, &in, &r) != OK || r.string.len != (size_t)n ||
            memcmp(r.string.p, expected, (size_t)n) != 0)
            w->wrong++;
    }
    expr_arena_free(arena);
    return NULL;
}

static void threads_share_an_expression_each_with_its_arena(void **state)
{
    const char text[] = "concat(${a}, ':', ${regs}, ':', regex(${t}, 'Школа.*'))";
    struct worker workers[4];
    struct expr_error error;
    struct expr *e;

    (void)state;
    assert_int_equal(expr_compile(&e, text, strlen(text), &top_level, &error), OK);
    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i] = (struct worker){.e = e, .own = (int64_t)i * 1000};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, evaluate_often, &workers[i]), 0);
    }
    for (size_t i = 0; i < COUNT(workers); i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
    expr_free(e);
}

/* ---- the command ---- */

/* What expr_print() wrote, or "ERROR: text". */
static const char *printed(const char *expression, const char *json)
{
    static char out[2048];
    char *written = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&written, &len);
    enum err e;

    assert_non_null(f);
    e = expr_print(expression, json, f);
    (void)fclose(f);
    if (e == OK)
        (void)snprintf(out, sizeof(out), "%s", written);
    else
        (void)snprintf(out, sizeof(out), "%s: %s", err_name(e), err_text());
    free(written);
    return out;
}

static void the_command_prints_type_and_value(void **state)
{
    static const char json[] =
        "{\"a\": 4, \"x\": -2.75, \"name\": \"Аня\", \"yes\": true, \"no\": false, \"nil\": null,"
        " \"marks\": [5, 3.5, null], \"names\": [\"a\", null, \"b\"], \"flags\": [true, false],"
        " \"none\": [], \"lines\": \"a\\nb\\tc\\u0001\", \"big\": 123456789012}";
    static const struct expected table[] = {
        {"1 + 3", "number 4\n"},
        {"${a} * ${x}", "number -11\n"},
        {"concat('abc', '')", "string abc\n"},
        {"${name}", "string Аня\n"},
        {"${yes}", "boolean true\n"},
        {"${no} = 'false'", "boolean true\n"},
        {"${nil}", "string \n"},
        {"${nil} + 1", "number NaN\n"},
        {"sum(${marks})", "number 8.5\n"},
        {"count(${marks})", "number 3\n"},
        {"join('-', ${names})", "string a--b\n"},
        {"checklist(1, 1, ${flags})", "boolean true\n"},
        {"count(${none})", "number 0\n"},
        {"${lines}", "string a\\nb\\tc\\x01\n"},
        {"${big}", "number 123456789012\n"},
        {"${nmae}", "invalid: column 1: there is no field \"nmae\": did you mean \"name\"?"},
        {"1 +", "invalid: column 4: the expression ends where a value was expected"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        assert_string_equal(printed(table[i].text, json), table[i].gives);
    assert_string_equal(printed("2 * 3", NULL), "number 6\n");
    assert_string_equal(printed("2 * 3", "{}"), "number 6\n");
}

/* Functions that speak of a form around them work on the bench, too. */
static void the_command_stands_in_for_the_form(void **state)
{
    static const char json[] = "{\"s\": {\"value\": \"b\", \"choices\": {\"a\": \"Первый\", \"b\": \"Второй\"}},"
                               " \".\": 7, \"t\": \"b\"}";

    (void)state;
    assert_string_equal(printed("once(3)", NULL), "number 3\n");
    assert_string_equal(printed("once(3)", json), "number 7\n");
    assert_string_equal(printed(". + 1", json), "number 8\n");
    assert_string_equal(printed("position(..)", NULL), "number 1\n");
    assert_string_equal(printed("jr:choice-name(${s}, '${s}')", json), "string Второй\n");
    assert_string_equal(printed("jr:choice-name('a', '${s}')", json), "string Первый\n");
    assert_string_equal(printed("jr:choice-name(${t}, '${t}')", json), "string b\n");
    assert_string_equal(printed("${s} = 'b' and selected(${s}, 'b')", json), "boolean true\n");
    assert_string_equal(printed("${s} = 'c'", json), "invalid: column 8: \"c\" is not a choice of \"s\"");
}

static void the_command_refuses_values_it_cannot_take(void **state)
{
    static const struct {
        const char *json;
        const char *says;
    } table[] = {
        {"[1]", "malformed: values: expected an object"},
        {"{\"a\": 1, \"a\": 2}", "malformed: values: line 1"},
        {"{\"a\": ", "malformed: values: line 1"},
        {"{\"a\": {}}", "invalid: values: \"a\": expected {\"value\": \"CODE\""},
        {"{\"a\": {\"value\": \"z\", \"choices\": {\"x\": \"X\"}}}",
         "invalid: values: \"a\": there is no such choice: z"},
        {"{\"a\": {\"value\": \"x\", \"choices\": {\"x\": 1}}}", "invalid: values: \"a\": the label"},
        {"{\"a\": [[1]]}", "invalid: values: \"a\": expected a number"},
        {"{\"a\": [1, \"x\"]}", "invalid: values: \"a\": the elements of an array"},
        {"{\"a\": 1e300}", "invalid: values: \"a\""},
        {"{\"a\": 0.12345678901}", "invalid: values: \"a\""},
        {"{\"a\": [0.12345678901]}", "invalid: values: \"a\""},
    };
    char *many = repeated("{\"a\": [1", ",1", 100000, "]}");
    char *longer = repeated("{\"a\": \"", "0123456789", 110000, "\"}");

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *got = printed("1", table[i].json);

        if (strncmp(got, table[i].says, strlen(table[i].says)) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s", table[i].json, got, table[i].says);
    }
    assert_int_equal(strncmp(printed("1", many), "over a limit", 12), 0);
    assert_int_equal(strncmp(printed("1", longer), "over a limit", 12), 0);
    free(many);
    free(longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computed_numbers_enter_with_all_their_digits),
        cmocka_unit_test(arithmetic_is_that_of_doubles),
        cmocka_unit_test(an_empty_answer_is_the_empty_text_and_not_zero),
        cmocka_unit_test(comparisons_follow_the_types),
        cmocka_unit_test(a_field_beside_a_number_compares_as_any_two_numbers),
        cmocka_unit_test(a_field_between_two_numbers_is_what_both_comparisons_say),
        cmocka_unit_test(logic_evaluates_only_what_it_must),
        cmocka_unit_test(choices_are_their_codes),
        cmocka_unit_test(texts_count_in_characters),
        cmocka_unit_test(numbers_round_as_people_read_them),
        cmocka_unit_test(columns_of_a_repeat_are_sets),
        cmocka_unit_test(dates_are_days_that_print_as_dates),
        cmocka_unit_test(inside_a_row_a_column_is_that_rows_value),
        cmocka_unit_test(a_dot_is_the_field_itself),
        cmocka_unit_test(mistakes_of_syntax_are_refused_at_their_column),
        cmocka_unit_test(what_can_never_work_is_refused),
        cmocka_unit_test(today_is_refused_where_the_result_must_not_depend_on_it),
        cmocka_unit_test(a_schema_without_names_makes_no_suggestions),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(a_long_sentence_is_cut_between_characters),
        cmocka_unit_test(too_deep_too_long_and_too_wide_are_limits),
        cmocka_unit_test(depth_of_sixty_three_is_enough_rope),
        cmocka_unit_test(steps_over_large_repeats_are_limited),
        cmocka_unit_test(texts_stay_inside_the_arena),
        cmocka_unit_test(a_regular_expression_that_explodes_is_stopped),
        cmocka_unit_test(a_failed_shorthand_says_no_and_nothing),
        cmocka_unit_test(what_leaves_as_a_number_is_a_value_or_missing),
        cmocka_unit_test(results_convert_by_xpath),
        cmocka_unit_test(an_expression_knows_the_fields_it_reads),
        cmocka_unit_test(numbers_survive_being_written_and_read),
        cmocka_unit_test(threads_share_an_expression_each_with_its_arena),
        cmocka_unit_test(the_command_prints_type_and_value),
        cmocka_unit_test(the_command_stands_in_for_the_form),
        cmocka_unit_test(the_command_refuses_values_it_cannot_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
