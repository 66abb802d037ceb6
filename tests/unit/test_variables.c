/* test_variables.c: what one submission adds, kind by kind, by hand; parts sort as numbers do; codes of two units never
 * meet, relations seen from both ends do (invariant 5: whatever is added can be taken away again). */
#include "hub/variables_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SOME_DAY     18506

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum err must_e_ = (call);                                                                                     \
        if (must_e_ != OK)                                                                                             \
            fail_msg("%s: %s: %s", #call, err_name(must_e_), err_text());                                              \
    } while (0)

/* Two versions of one form: the second has more, and calls `mark` what was `points`. */
static const char marks_yaml[] =
    "form: marks\nversion: \"2\"\ntitle: Marks\nmode: record\nrole: school\nperiod: month\n"
    "choices:\n"
    "  subjects:\n    - {code: rus, label: Rus}\n    - {code: mat, label: Mat}\n"
    "survey:\n"
    "  - {type: integer, name: grade, label: Grade}\n"
    "  - {type: text, name: area, label: Area}\n"
    "  - {type: boolean, name: own, label: Own}\n"
    "  - type: repeat\n    name: rows\n    label: Rows\n    survey:\n"
    "      - {type: select_one subjects, name: subject, label: Subject}\n"
    "      - {type: decimal, places: 3, name: mark, was: points, label: Mark}\n"
    "      - {type: integer, name: round, label: Round}\n"
    "      - {type: text, name: who, label: Who}\n"
    "      - {type: text, name: partner, label: Partner}\n";
static const char older_yaml[] =
    "form: marks\nversion: \"1\"\ntitle: Marks\nmode: record\nrole: school\nperiod: month\n"
    "survey:\n"
    "  - {type: integer, name: grade, label: Grade}\n"
    "  - type: repeat\n    name: rows\n    label: Rows\n    survey:\n"
    "      - {type: decimal, places: 3, name: points, label: Points}\n";
enum { GRADE, AREA, OWN, ROWS, FIELDS };
enum { SUBJECT, MARK, ROUND, WHO, PARTNER, COLUMNS };
#define MAX_ROWS 8u

/* ---- variables by hand ---- */

static struct variable named(const char *id, enum variable_kind kind, const char *rows, const char *where)
{
    struct variable v = {.kind = kind, .clause_count = 1, .group_count = 1};

    (void)snprintf(v.id, sizeof(v.id), "%s", id);
    (void)snprintf((char *)v.digest, sizeof(v.digest), "%s", id);
    v.clauses[0].form = "marks";
    v.clauses[0].rows = rows;
    v.clauses[0].where = where;
    return v;
}

/* ---- one hub with them, and what they gave ---- */

struct given {
    char id[24];
    uint8_t part[VARIABLE_PART_MAX];
    size_t len;
    i128 sum;
    int64_t n;
};

struct bench {
    struct hub hub;
    struct programme programmes[2];
    struct programme *list[2];
    struct variable *variables[2][8];
    struct form *forms[2];
    struct key *storage;
    struct variable_eval *eval;
    struct value values[FIELDS];
    struct value cells[MAX_ROWS * COLUMNS];
    struct given given[64];
    size_t count;
};

static void bench_open(struct bench *b, struct variable *const *variables, size_t count)
{
    memset(b, 0, sizeof(*b));
    MUST(keys_start());
    MUST(form_load(&b->forms[0], "marks", older_yaml, sizeof(older_yaml) - 1, NULL));
    MUST(form_load(&b->forms[1], "marks", marks_yaml, sizeof(marks_yaml) - 1, NULL));
    MUST(key_generate(&b->storage, KEY_SECRET));
    for (size_t i = 0; i < count; i++)
        b->variables[0][i] = variables[i];
    b->programmes[0] = (struct programme){.id = "p", .variables = b->variables[0], .variable_count = count};
    b->programmes[1] = (struct programme){.id = "q", .variables = b->variables[1]};
    b->list[0] = &b->programmes[0];
    b->list[1] = &b->programmes[1];
    b->hub = (struct hub){
        .forms = b->forms, .form_count = 2, .programmes = b->list, .programme_count = 2, .storage = b->storage};
    MUST(variable_eval_new(&b->eval, &b->hub, NULL, NULL));
    for (size_t i = 0; i < FIELDS; i++)
        b->values[i].state = VALUE_MISSING;
    for (size_t i = 0; i < COUNT(b->cells); i++)
        b->cells[i].state = VALUE_MISSING;
}

static void bench_close(struct bench *b)
{
    variable_eval_free(b->eval);
    form_free(b->forms[0]);
    form_free(b->forms[1]);
    key_free(b->storage);
}

static struct value integer(int64_t i)
{
    struct value v = {.as.i = i};

    return v;
}

static struct value text(const char *s)
{
    struct value v = {.as.text = bytes_of(s, strlen(s))};

    return v;
}

static void set_rows(struct bench *b, uint32_t rows)
{
    b->values[ROWS] = (struct value){.as.rows = {b->cells, rows, COLUMNS}};
}

static void set_cell(struct bench *b, uint32_t row, uint32_t column, struct value v)
{
    b->cells[row * COLUMNS + column] = v;
}

static enum err take(void *ctx, const struct variable *v, struct bytes part, const struct contribution *c)
{
    struct bench *b = ctx;
    struct given *g = &b->given[b->count++];

    assert_true(b->count <= COUNT(b->given));
    assert_true(part.len <= sizeof(g->part));
    (void)snprintf(g->id, sizeof(g->id), "%.23s", v->id);
    memcpy(g->part, part.p, part.len);
    g->len = part.len;
    g->sum = c->sum;
    g->n = c->n;
    return OK;
}

static void submit(struct bench *b, const char *unit)
{
    b->count = 0;
    MUST(variable_eval_record(b->eval, b->forms[1], unit, b->values, FIELDS, SOME_DAY, take, b));
}

/* Of that variable and part together; n 0: nothing. */
static struct contribution total(const struct bench *b, const char *id, const char *part)
{
    struct contribution sum = {0, 0};

    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->given[i].id, id) == 0 && b->given[i].len == strlen(part) &&
            memcmp(b->given[i].part, part, b->given[i].len) == 0) {
            sum.sum += b->given[i].sum;
            sum.n += b->given[i].n;
        }
    return sum;
}

static void expect(const struct bench *b, const char *id, const char *part, int64_t sum, int64_t n)
{
    struct contribution c = total(b, id, part);

    if (c.sum != sum || c.n != n)
        fail_msg("%s [%s]: %lld of %lld, expected %lld of %lld", id, part, (long long)c.sum, (long long)c.n,
                 (long long)sum, (long long)n);
}

/* The only one that the variable gave. */
static const struct given *only(const struct bench *b, const char *id)
{
    const struct given *found = NULL;

    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->given[i].id, id) == 0) {
            assert_null(found);
            found = &b->given[i];
        }
    assert_non_null(found);
    return found;
}

/* ---- sums ---- */

static void a_row(struct bench *b, uint32_t row, int64_t subject, int64_t thousandths)
{
    if (subject >= 0)
        set_cell(b, row, SUBJECT, integer(subject));
    set_cell(b, row, MARK, integer(thousandths));
}

static void rows_of_a_repeat_add_up_by_combinations_of_answers(void **state)
{
    struct variable marks = named("marks", VARIABLE_SUM, "rows", NULL);
    struct variable good = named("good", VARIABLE_SUM, "rows", "${mark} >= 4 and ${grade} = 9");
    struct variable sheets = named("sheets", VARIABLE_SUM, NULL, "count(${rows}) > 2");
    struct variable *all[] = {&marks, &good, &sheets};
    struct bench b;

    (void)state;
    marks.value = "${mark}";
    marks.places = 2;
    marks.by[0] = "grade";
    marks.by[1] = "subject";
    marks.by_count = 2;
    bench_open(&b, all, COUNT(all));
    b.values[GRADE] = integer(9);
    a_row(&b, 0, 0, 4285);  /* rus 4.285 -> 4.29 */
    a_row(&b, 1, 1, 3500);  /* mat 3.500 -> 3.50 */
    a_row(&b, 2, 0, 5000);  /* rus 5.000 -> 5.00 */
    a_row(&b, 3, -1, 2000); /* no subject: only in the total */
    set_rows(&b, 4);
    submit(&b, "gp");
    expect(&b, "marks", "", 429 + 350 + 500 + 200, 4);
    expect(&b, "marks", "grade=9;subject=rus", 429 + 500, 2);
    expect(&b, "marks", "grade=9;subject=mat", 350, 1);
    expect(&b, "good", "", 2, 2);   /* 4.285 and 5.000; the submission's own field is read beside the row's */
    expect(&b, "sheets", "", 1, 1); /* looks at the submission once */
    b.values[GRADE].state = VALUE_MISSING;
    submit(&b, "gp");
    expect(&b, "marks", "", 429 + 350 + 500 + 200, 4);
    expect(&b, "marks", "grade=9;subject=rus", 0, 0);
    expect(&b, "good", "", 0, 0);
    bench_close(&b);
}

static void what_gives_no_number_adds_nothing(void **state)
{
    struct variable marks = named("marks", VARIABLE_SUM, "rows", NULL);
    struct variable huge = named("huge", VARIABLE_SUM, NULL, NULL);
    struct variable *all[] = {&marks, &huge};
    struct bench b;

    (void)state;
    marks.value = "${mark}";
    huge.value = "${grade} * 1000000000000000";
    bench_open(&b, all, COUNT(all));
    b.values[GRADE] = integer(9); /* 9e15 is not exact any more */
    set_rows(&b, 1);
    submit(&b, "gp");
    assert_int_equal(b.count, 0);
    b.values[GRADE] = integer(8);
    b.values[ROWS].state = VALUE_NOT_ASKED; /* a repeat that was not asked has no rows, whatever lies in it */
    submit(&b, "gp");
    expect(&b, "marks", "", 0, 0);
    expect(&b, "huge", "", 8000000000000000, 1);
    bench_close(&b);
}

/* Half up, as the decimals show it: 0.285 lies a hair below its half in binary. */
static void a_value_is_rounded_once_as_its_decimals_show(void **state)
{
    static const struct {
        int64_t thousandths, hundredths;
    } cases[] = {{285, 29}, {1005, 101}, {1115, 112}, {1114, 111}, {-285, -28}, {-286, -29}, {2675, 268}, {0, 0}};
    struct variable marks = named("marks", VARIABLE_SUM, "rows", NULL);
    struct variable *all[] = {&marks};
    struct bench b;

    (void)state;
    marks.value = "${mark}";
    marks.places = 2;
    bench_open(&b, all, COUNT(all));
    set_rows(&b, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        a_row(&b, 0, 0, cases[i].thousandths);
        submit(&b, "gp");
        expect(&b, "marks", "", cases[i].hundredths, 1);
    }
    bench_close(&b);
}

/* Without a value each counts as one, and one with two places is 100 hundredths. */
static void counts_are_scaled_as_values_are(void **state)
{
    struct variable v = named("v", VARIABLE_SUM, NULL, NULL);
    struct variable *all[] = {&v};
    struct bench b;

    (void)state;
    v.places = 2;
    bench_open(&b, all, COUNT(all));
    submit(&b, "gp");
    expect(&b, "v", "", 100, 1);
    bench_close(&b);
}

/* `and` holds a condition together only where it is no part of a text, a call, a bracket or an `or`. */
static void a_condition_is_cut_where_it_can_be(void **state)
{
    static const struct {
        const char *whole, *first, *left;
    } cases[] = {
        {"${a} = 1 and ${b} = 2 and ${c} = 3", "${a} = 1", " ${b} = 2 and ${c} = 3"},
        {"${a} = 1", "${a} = 1", ""},
        {"${a} = 1 or ${b} = 2", "${a} = 1 or ${b} = 2", ""},
        {"${a} = 1 and ${b} = 2 or ${c} = 3", "${a} = 1 and ${b} = 2 or ${c} = 3", ""},
        {"(${a} = 1 or ${b} = 2) and not(${c} = 3 and ${d})", "(${a} = 1 or ${b} = 2)", " not(${c} = 3 and ${d})"},
        {"${a} = 'x and y' and ${b}", "${a} = 'x and y'", " ${b}"},
        {"${a} = \"it's\" and ${b}", "${a} = \"it's\"", " ${b}"},
        {"${and} = 1", "${and} = 1", ""},
        {"selected(${a}, 'or') and(${b} = 1)", "selected(${a}, 'or')", "(${b} = 1)"},
        {"1\nand\n2", "1", "\n2"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes left = bytes_of(cases[i].whole, strlen(cases[i].whole));
        struct bytes first = condition_first(&left);

        if (first.len != strlen(cases[i].first) || memcmp(first.p, cases[i].first, first.len) != 0 ||
            left.len != strlen(cases[i].left) || memcmp(left.p, cases[i].left, left.len) != 0)
            fail_msg("%s: [%.*s] and [%.*s]", cases[i].whole, (int)first.len, (const char *)first.p, (int)left.len,
                     (const char *)left.p);
    }
}

/* Variables that begin alike share what they begin with, and each still counts what it says. */
static void conditions_that_begin_alike_count_apart(void **state)
{
    static const char *const wheres[] = {
        "${subject} = 'rus'",
        "${subject} = 'rus' and ${mark} >= 4",
        "${subject} = 'rus' and ${mark} >= 4 and ${round} = 1",
        "${subject} = 'rus' and ${mark} >= 4 and ${round} = 2",
        "${subject} = 'rus' and (${mark} >= 4 or ${round} = 2)",
        "${subject} = 'rus' and ${mark} >= 4 or ${round} = 2",
        "1 and 1 and 1 and 1 and 1 and 1 and 1 and ${mark} >= 4 and ${round} = 2", /* deeper than the tree */
    };
    /* Rows: (rus, 5, 1), (rus, 3, 2), (mat, 5, 2). */
    static const int64_t expected[] = {2, 1, 1, 0, 2, 3, 1};
    struct variable v[COUNT(wheres)];
    struct variable *all[COUNT(wheres)];
    struct bench b;

    (void)state;
    for (size_t i = 0; i < COUNT(wheres); i++) {
        char id[8];

        (void)snprintf(id, sizeof(id), "v%zu", i);
        v[i] = named(id, VARIABLE_SUM, "rows", wheres[i]);
        all[i] = &v[i];
    }
    bench_open(&b, all, COUNT(all));
    a_row(&b, 0, 0, 5000);
    a_row(&b, 1, 0, 3000);
    a_row(&b, 2, 1, 5000);
    set_cell(&b, 0, ROUND, integer(1));
    set_cell(&b, 1, ROUND, integer(2));
    set_cell(&b, 2, ROUND, integer(2));
    set_rows(&b, 3);
    submit(&b, "gp");
    for (size_t i = 0; i < COUNT(wheres); i++)
        expect(&b, v[i].id, "", expected[i], expected[i]);
    bench_close(&b);
}

/* "a;own=true" typed into a text is not the combination of two answers. */
static void no_two_combinations_of_answers_have_one_name(void **state)
{
    struct variable v = named("v", VARIABLE_SUM, NULL, NULL);
    struct variable *all[] = {&v};
    struct bench b;

    (void)state;
    v.by[0] = "area";
    v.by[1] = "own";
    v.by_count = 2;
    bench_open(&b, all, COUNT(all));
    b.values[AREA] = text("a;own=true;b%");
    b.values[OWN] = integer(0);
    submit(&b, "gp");
    expect(&b, "v", "area=a%3Bown=true%3Bb%25;own=false", 1, 1);
    bench_close(&b);
}

/* ---- exact histograms ---- */

static void histogram_parts_sort_as_the_numbers_do(void **state)
{
    static const int64_t thousandths[] = {-1000000, -2500, -10, 0, 10, 2500, 1000000};
    struct variable v = named("v", VARIABLE_VALUES, "rows", NULL);
    struct variable *all[] = {&v};
    struct bench b;

    (void)state;
    v.value = "${mark}";
    v.places = 2;
    bench_open(&b, all, COUNT(all));
    for (uint32_t i = 0; i < COUNT(thousandths); i++)
        a_row(&b, i, 0, thousandths[i]);
    set_rows(&b, COUNT(thousandths));
    submit(&b, "gp");
    assert_int_equal(b.count, COUNT(thousandths));
    for (size_t i = 0; i < b.count; i++) {
        assert_int_equal(b.given[i].len, 8);
        assert_true(b.given[i].sum == thousandths[i] / 10); /* hundredths */
        assert_int_equal(b.given[i].n, 1);
        if (i > 0)
            assert_true(memcmp(b.given[i - 1].part, b.given[i].part, 8) < 0);
    }
    /* 0 hundredths is 2^63 with the sign bit turned: 80 00 ...; -1 hundredth is 7F FF ... FF */
    assert_memory_equal(b.given[3].part, "\x80\0\0\0\0\0\0\0", 8);
    assert_memory_equal(b.given[2].part, "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    bench_close(&b);
}

/* ---- codes that are counted once ---- */

static void a_key_of_two_units_is_two_people_and_nobody_reads_it(void **state)
{
    struct variable staff = named("staff", VARIABLE_KEYS, "rows", "${subject} = 'rus'");
    struct variable *all[] = {&staff};
    struct given first;
    struct bench b;
    struct bench other;

    (void)state;
    staff.clauses[0].key = "${who}";
    staff.clauses[1] = staff.clauses[0];
    staff.clauses[1].where = "${subject} = 'mat'";
    staff.clauses[1].group = 1;
    staff.clause_count = 2;
    staff.group_count = 2;
    bench_open(&b, all, COUNT(all));
    a_row(&b, 0, 0, 0);
    a_row(&b, 1, 1, 0);
    a_row(&b, 2, 0, 0); /* without a code: nobody */
    set_cell(&b, 0, WHO, text("T01"));
    set_cell(&b, 1, WHO, text("T01"));
    set_rows(&b, 3);
    submit(&b, "gp");
    assert_int_equal(b.count, 4);
    assert_int_equal(b.given[0].len, PART_KEY_BYTES + 1);
    /* Last, for each clause: there is a submission. */
    assert_true(b.given[2].len == 1 && b.given[2].part[0] == 0 && b.given[3].len == 1 && b.given[3].part[0] == 1);
    /* One person, found by both clauses. */
    assert_memory_equal(b.given[0].part, b.given[1].part, PART_KEY_BYTES);
    assert_int_equal(b.given[0].part[PART_KEY_BYTES], 0);
    assert_int_equal(b.given[1].part[PART_KEY_BYTES], 1);
    first = b.given[0];
    submit(&b, "ms");
    assert_memory_not_equal(b.given[0].part, first.part, PART_KEY_BYTES);
    /* Another hub has another storage key: the same code is another digest. */
    bench_open(&other, all, COUNT(all));
    a_row(&other, 0, 0, 0);
    set_cell(&other, 0, WHO, text("T01"));
    set_rows(&other, 1);
    submit(&other, "gp");
    assert_memory_not_equal(other.given[0].part, first.part, PART_KEY_BYTES);
    bench_close(&other);
    bench_close(&b);
}

/* "a" of unit "b" and "ab": what stands between them is part of the digest. */
static void unit_and_code_do_not_run_into_each_other(void **state)
{
    struct variable v = named("v", VARIABLE_KEYS, NULL, NULL);
    struct variable *all[] = {&v};
    struct given first;
    struct bench b;

    (void)state;
    v.clauses[0].key = "${area}";
    bench_open(&b, all, COUNT(all));
    b.values[AREA] = text("ab");
    submit(&b, "u");
    first = b.given[0];
    b.values[AREA] = text("b");
    submit(&b, "ua");
    assert_memory_not_equal(b.given[0].part, first.part, PART_KEY_BYTES);
    bench_close(&b);
}

static void pairs_hold_key_area_round_and_value(void **state)
{
    struct variable v = named("v", VARIABLE_PAIRS, "rows", NULL);
    struct variable *all[] = {&v};
    struct bench b;

    (void)state;
    v.clauses[0].key = "${who}";
    v.within = "${area}";
    v.order = "${round}";
    v.value = "${mark}";
    v.places = 1;
    bench_open(&b, all, COUNT(all));
    b.values[AREA] = text("speech");
    for (uint32_t i = 0; i < 6; i++) {
        a_row(&b, i, 0, 1000 * (int64_t)(i + 1));
        set_cell(&b, i, WHO, text("c7"));
    }
    set_cell(&b, 0, ROUND, integer(-1));
    set_cell(&b, 1, ROUND, integer(0));
    set_cell(&b, 2, ROUND, integer(2));
    set_cell(&b, 3, ROUND, integer(5000000000)); /* no round of 32 bits: left out */
    set_cell(&b, 4, ROUND, integer(1));
    set_cell(&b, 4, WHO, (struct value){.state = VALUE_NOT_KNOWN}); /* nobody: left out; row 5 has no round */
    set_rows(&b, 6);
    submit(&b, "gp");
    assert_int_equal(b.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(b.given[i].len, 8 + 8 + 4);
        assert_memory_equal(b.given[i].part, b.given[0].part, 16);
        assert_true(b.given[i].sum == (i128)(i + 1) * 10); /* 1.0, 2.0, 3.0 in tenths */
        assert_int_equal(b.given[i].n, 1);
    }
    assert_memory_equal(b.given[0].part + 16, "\x7F\xFF\xFF\xFF", 4); /* -1 stands before */
    assert_memory_equal(b.given[1].part + 16, "\x80\0\0\0", 4);       /* 0, before */
    assert_memory_equal(b.given[2].part + 16, "\x80\0\0\x02", 4);     /* 2 */
    bench_close(&b);
}

/* gp names ms and ms names gp: one relation, each with the other at its end.  So does whoever is outside. */
static void a_relation_is_the_same_from_both_ends(void **state)
{
    struct variable v = named("v", VARIABLE_RELATIONS, "rows", NULL);
    struct variable *all[] = {&v};
    struct given mine;
    struct given theirs;
    struct bench b;

    (void)state;
    v.clauses[0].key = "${who}";
    v.partner = "${partner}";
    bench_open(&b, all, COUNT(all));
    set_cell(&b, 0, WHO, text("agreement-12"));
    set_cell(&b, 0, PARTNER, text("ms"));
    set_rows(&b, 1);
    submit(&b, "gp");
    mine = *only(&b, "v");
    set_cell(&b, 0, PARTNER, text("gp"));
    submit(&b, "ms");
    theirs = *only(&b, "v");
    assert_memory_equal(mine.part, theirs.part, PART_KEY_BYTES);
    assert_int_equal(mine.len, PART_KEY_BYTES + 2);
    assert_memory_equal(mine.part + PART_KEY_BYTES, "ms", 2);
    assert_memory_equal(theirs.part + PART_KEY_BYTES, "gp", 2);
    set_cell(&b, 0, WHO, text("agreement-13"));
    submit(&b, "ms");
    assert_memory_not_equal(only(&b, "v")->part, mine.part, PART_KEY_BYTES);
    /* Neither a firm nor an empty answer is a unit. */
    set_cell(&b, 0, PARTNER, text("The firm \"Lena\", which has much too long a name"));
    submit(&b, "ms");
    mine = *only(&b, "v");
    set_cell(&b, 0, PARTNER, (struct value){.state = VALUE_MISSING});
    submit(&b, "ms");
    assert_int_equal(mine.len, PART_KEY_BYTES);
    assert_memory_equal(mine.part, only(&b, "v")->part, PART_KEY_BYTES);
    bench_close(&b);
}

/* ---- versions, equal definitions, restrictions ---- */

static void an_older_version_counts_where_its_fields_are_enough(void **state)
{
    struct variable marks = named("marks", VARIABLE_SUM, "rows", NULL);
    struct variable rus = named("rus", VARIABLE_SUM, "rows", "${subject} = 'rus'");
    struct variable *all[] = {&marks, &rus};
    struct value cells[] = {integer(2000), integer(3000)};
    struct value values[] = {integer(9), {.as.rows = {cells, 2, 1}}};
    struct bench b;

    (void)state;
    marks.value = "${mark}";
    bench_open(&b, all, COUNT(all));
    b.count = 0;
    MUST(variable_eval_record(b.eval, b.forms[0], "gp", values, 2, SOME_DAY, take, &b));
    expect(&b, "marks", "", 5, 2); /* 2 + 3, under the name they had then */
    expect(&b, "rus", "", 0, 0);   /* nobody knows: it had no subject */
    bench_close(&b);
}

static bool is_named_b(const void *ctx, const struct variable *v)
{
    return strcmp(v->id, ctx) == 0;
}

static void equal_variables_of_two_programmes_are_evaluated_once(void **state)
{
    struct variable a = named("a", VARIABLE_SUM, NULL, NULL);
    struct variable same = a;
    struct variable other = named("b", VARIABLE_SUM, NULL, NULL);
    struct variable *all[] = {&a};
    struct form *foreign;
    struct bench b;

    (void)state;
    bench_open(&b, all, COUNT(all));
    variable_eval_free(b.eval);
    (void)snprintf(same.id, sizeof(same.id), "same");
    b.variables[1][0] = &same;
    b.variables[1][1] = &other;
    b.programmes[1].variable_count = 2;
    MUST(variable_eval_new(&b.eval, &b.hub, NULL, NULL));
    submit(&b, "gp");
    assert_int_equal(b.count, 2);
    expect(&b, "a", "", 1, 1);
    expect(&b, "b", "", 1, 1);
    variable_eval_free(b.eval);
    MUST(variable_eval_new(&b.eval, &b.hub, is_named_b, "b"));
    submit(&b, "gp");
    assert_int_equal(b.count, 1);
    expect(&b, "b", "", 1, 1);
    assert_true(variable_eval_reads(b.eval, b.forms[0]));
    MUST(form_load(&foreign, "f",
                   "form: f\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\nperiod: month\n"
                   "survey:\n  - {type: integer, name: a}\n",
                   strlen("form: f\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\nperiod: month\n"
                          "survey:\n  - {type: integer, name: a}\n"),
                   NULL));
    assert_false(variable_eval_reads(b.eval, foreign));
    form_free(foreign);
    bench_close(&b);
}

/* ---- hostile ---- */

static void an_answer_too_long_for_a_part_is_refused(void **state)
{
    struct variable v = named("v", VARIABLE_SUM, NULL, NULL);
    struct variable *all[] = {&v};
    char long_text[66];
    struct bench b;

    (void)state;
    v.by[0] = "area";
    v.by_count = 1;
    bench_open(&b, all, COUNT(all));
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[65] = '\0';
    b.values[AREA] = text(long_text);
    assert_int_equal(variable_eval_record(b.eval, b.forms[1], "gp", b.values, FIELDS, SOME_DAY, take, &b), ERR_LIMIT);
    long_text[64] = '\0';
    b.values[AREA] = text(long_text);
    submit(&b, "gp"); /* 64 bytes are the most */
    assert_int_equal(b.count, 2);
    bench_close(&b);
}

/* Three texts of 64 bytes, each byte escaped, do not fit into a key. */
static void a_part_longer_than_a_key_is_refused(void **state)
{
    static const char yaml[] =
        "form: marks\nversion: \"3\"\ntitle: M\nmode: record\nrole: school\nperiod: month\nsurvey:\n"
        "  - {type: text, name: a}\n  - {type: text, name: b}\n  - {type: text, name: c}\n";
    struct variable v = named("v", VARIABLE_SUM, NULL, NULL);
    struct variable *all[] = {&v};
    struct value values[3];
    char semicolons[65];
    struct form *f;
    struct bench b;

    (void)state;
    v.by[0] = "a";
    v.by[1] = "b";
    v.by[2] = "c";
    v.by_count = 3;
    bench_open(&b, all, COUNT(all));
    MUST(form_load(&f, "f", yaml, sizeof(yaml) - 1, NULL));
    form_free(b.forms[0]);
    b.forms[0] = f;
    variable_eval_free(b.eval);
    MUST(variable_eval_new(&b.eval, &b.hub, NULL, NULL));
    memset(semicolons, ';', 64);
    semicolons[64] = '\0';
    for (size_t i = 0; i < 3; i++)
        values[i] = text(semicolons);
    assert_int_equal(variable_eval_record(b.eval, f, "gp", values, 3, SOME_DAY, take, &b), ERR_LIMIT);
    values[2] = text("x"); /* "a=" 192 ";b=" 192 ";c=x" is 393 */
    b.count = 0;
    MUST(variable_eval_record(b.eval, f, "gp", values, 3, SOME_DAY, take, &b));
    assert_int_equal(b.count, 2);
    assert_int_equal(b.given[1].len, 2 + 192 + 3 + 192 + 4);
    bench_close(&b);
}

/* ---- what the loader hears ---- */

struct complaints {
    char keys[8][16];
    uint32_t clauses[8];
    size_t count;
};

static void note(void *ctx, uint32_t clause, const char *key, const struct expr_error *error)
{
    struct complaints *c = ctx;

    assert_true(c->count < COUNT(c->keys));
    assert_true(error->text[0] != '\0');
    (void)snprintf(c->keys[c->count], sizeof(c->keys[0]), "%s", key);
    c->clauses[c->count++] = clause;
}

static void all_mistakes_of_a_clause_are_told_at_once(void **state)
{
    struct variable v = named("v", VARIABLE_KEYS, "rows", NULL);
    struct complaints c = {.count = 0};
    struct variable_code *code = NULL;
    struct form_versions versions;
    struct form *f;

    (void)state;
    MUST(form_load(&f, "marks", marks_yaml, sizeof(marks_yaml) - 1, NULL));
    versions = (struct form_versions){f, NULL, 0};
    v.clause_count = 2;
    v.clauses[1] = v.clauses[0];
    v.clauses[1].where = "${nothing} = 1";
    v.clauses[1].key = "${who";
    v.within = "today()"; /* a number must not depend on the day it is asked for */
    v.by[0] = "mark";     /* a decimal is no breakdown */
    v.by_count = 1;
    assert_int_equal(variable_compile(&code, &v, 1, &versions, note, &c), ERR_INVALID);
    assert_int_equal(c.count, 4);
    assert_string_equal(c.keys[0], "where");
    assert_string_equal(c.keys[1], "key");
    assert_string_equal(c.keys[2], "within");
    assert_string_equal(c.keys[3], "by");
    assert_int_equal(c.clauses[0], 1);
    c.count = 0;
    v.clauses[1].rows = "grade"; /* an integer has no rows */
    assert_int_equal(variable_compile(&code, &v, 1, &versions, note, &c), ERR_INVALID);
    assert_int_equal(c.count, 1);
    assert_string_equal(c.keys[0], "rows");
    /* A column outside its rows has no one value. */
    v = named("v", VARIABLE_SUM, NULL, "${mark} > 3");
    assert_int_equal(variable_compile(&code, &v, 0, &versions, NULL, NULL), ERR_INVALID);
    form_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_repeat_add_up_by_combinations_of_answers),
        cmocka_unit_test(what_gives_no_number_adds_nothing),
        cmocka_unit_test(a_value_is_rounded_once_as_its_decimals_show),
        cmocka_unit_test(counts_are_scaled_as_values_are),
        cmocka_unit_test(a_condition_is_cut_where_it_can_be),
        cmocka_unit_test(conditions_that_begin_alike_count_apart),
        cmocka_unit_test(no_two_combinations_of_answers_have_one_name),
        cmocka_unit_test(histogram_parts_sort_as_the_numbers_do),
        cmocka_unit_test(a_key_of_two_units_is_two_people_and_nobody_reads_it),
        cmocka_unit_test(unit_and_code_do_not_run_into_each_other),
        cmocka_unit_test(pairs_hold_key_area_round_and_value),
        cmocka_unit_test(a_relation_is_the_same_from_both_ends),
        cmocka_unit_test(an_older_version_counts_where_its_fields_are_enough),
        cmocka_unit_test(equal_variables_of_two_programmes_are_evaluated_once),
        cmocka_unit_test(an_answer_too_long_for_a_part_is_refused),
        cmocka_unit_test(a_part_longer_than_a_key_is_refused),
        cmocka_unit_test(all_mistakes_of_a_clause_are_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
