/* Protection of a publication (invariant 7: nobody recognisable), on tables small enough to do by hand. */
#include "hub/protect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct protect *problem;
static struct protect_summary sum;

static int begin(void **state)
{
    (void)state;
    err_clear();
    return protect_new(&problem, NULL) == OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    protect_free(problem);
    problem = NULL;
    return 0;
}

/* ---- building by short names ---- */

static uint32_t atom(int64_t value)
{
    uint32_t a;

    assert_int_equal(protect_atom(problem, value, PROTECT_NO_BOUND, &a), OK);
    return a;
}

static uint32_t item(const char *id, uint32_t cost, enum protect_state state)
{
    uint32_t i;

    assert_int_equal(protect_item(problem, id, cost, state, &i), OK);
    return i;
}

/* The sum of `count` atoms. */
static void reveal_sum(uint32_t of, const uint32_t *atoms, size_t count)
{
    struct protect_term t[16];

    assert_true(count <= 16);
    for (size_t k = 0; k < count; k++)
        t[k] = (struct protect_term){atoms[k], 1};
    assert_int_equal(protect_reveal(problem, of, t, count), OK);
}

static uint32_t shown_atom(const char *id, uint32_t cost, enum protect_state state, uint32_t a)
{
    uint32_t i = item(id, cost, state);

    reveal_sum(i, &a, 1);
    return i;
}

static uint32_t target(const char *id, const struct protect_term *terms, size_t count, int64_t width)
{
    struct protect_need need = {0, 0, width};
    uint32_t t;

    assert_int_equal(protect_target(problem, id, terms, count, &need, &t), OK);
    return t;
}

static uint32_t target_atom(const char *id, uint32_t a, int64_t width)
{
    struct protect_term t = {a, 1};

    return target(id, &t, 1, width);
}

/* part <= whole, known to everybody. */
static void at_most(uint32_t part, uint32_t whole)
{
    const struct protect_term t[] = {{part, 1}, {whole, -1}};

    assert_int_equal(protect_structural(problem, t, 2, -PROTECT_NO_BOUND, 0), OK);
}

static void solved(void)
{
    enum err e = protect_solve(problem, &sum);

    if (e != OK)
        print_message("%s\n", err_text());
    assert_int_equal(e, OK);
    assert_int_equal(sum.unsafe, 0);
}

static void audited(void)
{
    enum err e = protect_audit(problem, &sum);

    if (e != OK)
        print_message("%s\n", err_text());
    assert_int_equal(e, OK);
}

/* ---- tables ---- */

/* Three rows, two columns, with totals; the item of row r, column c is cells[r][c], the totals' index is the last.
 *      left right  all
 *   a     7    12   19
 *   b     2     9   11      the 2 must not be known
 *   c    20    30   50
 *  all   29    51   80 */
struct two_way {
    uint32_t atoms[3][2];
    uint32_t cells[4][3];
};

static const int64_t two_way_values[3][2] = {{7, 12}, {2, 9}, {20, 30}};

static void add_two_way(struct two_way *w)
{
    char id[64];

    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 2; c++)
            w->atoms[r][c] = atom(two_way_values[r][c]);
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 3; c++) {
            uint32_t parts[6];
            size_t count = 0;
            int64_t value = 0;

            for (int i = r < 3 ? r : 0; i < (r < 3 ? r + 1 : 3); i++)
                for (int j = c < 2 ? c : 0; j < (c < 2 ? c + 1 : 2); j++) {
                    parts[count++] = w->atoms[i][j];
                    value += two_way_values[i][j];
                }
            (void)snprintf(id, sizeof(id), "row %d column %d", r, c);
            w->cells[r][c] = item(id, (uint32_t)value, r == 1 && c == 0 ? PROTECT_HIDDEN : PROTECT_MAY_HIDE);
            reveal_sum(w->cells[r][c], parts, count);
        }
}

static void test_one_hidden_cell_of_a_table_with_totals_is_recovered(void **state)
{
    struct two_way w;
    uint32_t t;

    (void)state;
    add_two_way(&w);
    t = target_atom("b left", w.atoms[1][0], 3);
    audited();
    assert_int_equal(sum.unsafe, 1);
    assert_int_equal(sum.determined, 1);
    assert_int_equal(sum.recomputed, 1);
    assert_int_equal(protect_bounds(problem, t).min, 2);
    assert_int_equal(protect_bounds(problem, t).max, 2);
    assert_false(protect_bounds(problem, t).is_safe);
}

/* A rectangle of four cells around b left must go, or totals: b left 2, b right 9 (cost 9), a left 7, a right 12:
 * 9 + 7 + 12 = 28 for the rectangle a x b.  With c: 9 + 20 + 30 = 59.  Row total of b (11) and column total left (29)
 * leave b left = total - 9, unknown, but the grand total 80 and the others give column left 80 - 51 = 29, so that the
 * totals cost 11 + 29 + 80 = 120 or 11 + ... more.  b right with the column totals 29 and 51 = 89.  The cheapest: 28.
 */
static void test_the_complementary_cells_are_the_smallest(void **state)
{
    struct two_way w;
    uint32_t t;

    (void)state;
    add_two_way(&w);
    t = target_atom("b left", w.atoms[1][0], 3);
    solved();
    assert_int_equal(sum.extra, 3);
    assert_true(protect_is_hidden(problem, w.cells[1][0]));
    assert_true(protect_is_hidden(problem, w.cells[0][0]));
    assert_true(protect_is_hidden(problem, w.cells[0][1]));
    assert_true(protect_is_hidden(problem, w.cells[1][1]));
    assert_false(protect_is_hidden(problem, w.cells[3][2]));
    /* b left + a left = 29 - 20 = 9, b left + b right = 11: it may be 0 to 9. */
    assert_int_equal(protect_bounds(problem, t).min, 0);
    assert_int_equal(protect_bounds(problem, t).max, 9);
}

/* One column: 2 hidden of 2, 3, 40 and the total 45.  Width 3: the 3 suffices (2 + 3 = 5: 0..5).  Width 6 does not fit
 * into 5: the 40 (2 + 40 = 42: 0..42). */
static void test_a_cell_that_is_too_small_to_hide_behind_is_not_chosen(void **state)
{
    uint32_t parts[3] = {atom(2), atom(3), atom(40)};
    uint32_t three;
    uint32_t forty;
    uint32_t t;

    (void)state;
    (void)shown_atom("two", 2, PROTECT_HIDDEN, parts[0]);
    three = shown_atom("three", 3, PROTECT_MAY_HIDE, parts[1]);
    forty = shown_atom("forty", 40, PROTECT_MAY_HIDE, parts[2]);
    reveal_sum(item("total", 100, PROTECT_MAY_HIDE), parts, 3);
    t = target_atom("the two", parts[0], 6);
    solved();
    assert_int_equal(sum.extra, 1);
    assert_false(protect_is_hidden(problem, three));
    assert_true(protect_is_hidden(problem, forty));
    assert_int_equal(protect_bounds(problem, t).min, 0);
    assert_int_equal(protect_bounds(problem, t).max, 42);
}

static void test_lower_upper_and_sliding_need_are_kept_apart(void **state)
{
    uint32_t parts[2] = {atom(8), atom(3)};
    struct protect_term t = {parts[0], 1};
    struct protect_need fits = {8, 3, 11};
    struct protect_need too_high = {0, 4, 0};
    uint32_t first;
    uint32_t second;

    (void)state;
    (void)shown_atom("eight", 8, PROTECT_HIDDEN, parts[0]);
    (void)shown_atom("three", 3, PROTECT_HIDDEN, parts[1]);
    reveal_sum(item("total", 11, PROTECT_MAY_HIDE), parts, 2);
    /* 8 + 3 = 11: the 8 may be 0 to 11, that is 8 below, 3 above, 11 wide. */
    assert_int_equal(protect_target(problem, "fits", &t, 1, &fits, &first), OK);
    assert_int_equal(protect_target(problem, "too high", &t, 1, &too_high, &second), OK);
    audited();
    assert_int_equal(sum.unsafe, 1);
    assert_true(protect_bounds(problem, first).is_safe);
    assert_false(protect_bounds(problem, second).is_safe);
    solved(); /* hides the total */
    assert_int_equal(sum.extra, 1);
}

/* ---- differences ---- */

/* School b had 9 pupils of 40 in the first period (published with a = 31) and 3 in the second: b is hidden there.  The
 * sum of both schools and the change of the sum are shown: change = 35 - 40, so the sum of the second period follows
 * from the change even where it is not shown itself. */
static void test_a_difference_between_periods_gives_nothing_away(void **state)
{
    uint32_t first[2] = {atom(31), atom(9)};
    uint32_t second[2] = {atom(32), atom(3)};
    const struct protect_term change[] = {{second[0], 1}, {second[1], 1}, {first[0], -1}, {first[1], -1}};
    uint32_t change_item;
    uint32_t sum_item;
    uint32_t a_item;

    (void)state;
    (void)shown_atom("a, first", 31, PROTECT_SHOWN, first[0]);
    (void)shown_atom("b, first", 9, PROTECT_SHOWN, first[1]);
    a_item = shown_atom("a, second", 90, PROTECT_MAY_HIDE, second[0]);
    (void)shown_atom("b, second", 3, PROTECT_HIDDEN, second[1]);
    sum_item = item("all, second", 35, PROTECT_MAY_HIDE);
    reveal_sum(sum_item, second, 2);
    change_item = item("change", 5, PROTECT_MAY_HIDE);
    assert_int_equal(protect_reveal(problem, change_item, change, 4), OK);
    (void)target_atom("b", second[1], 3);
    audited();
    assert_int_equal(sum.determined, 1);
    solved();
    /* Sum and change together cost 40, the other school 90. */
    assert_int_equal(sum.extra, 2);
    assert_true(protect_is_hidden(problem, sum_item));
    assert_true(protect_is_hidden(problem, change_item));
    assert_false(protect_is_hidden(problem, a_item));
}

/* Counts since the year's beginning: 1 quarter 10, 1-2 quarters 12, 1-3 quarters 25.  That two came in the second
 * quarter is sensitive: with two sums known on either side it follows. */
static void test_a_cumulative_series_gives_no_single_period_away(void **state)
{
    uint32_t q[3] = {atom(10), atom(2), atom(13)};
    uint32_t upto1 = shown_atom("1", 10, PROTECT_SHOWN, q[0]);
    uint32_t upto2 = item("1-2", 12, PROTECT_MAY_HIDE);
    uint32_t upto3 = item("1-3", 25, PROTECT_MAY_HIDE);
    uint32_t t;

    (void)state;
    (void)upto1;
    reveal_sum(upto2, q, 2);
    reveal_sum(upto3, q, 3);
    t = target_atom("second quarter", q[1], 3);
    audited();
    assert_int_equal(sum.determined, 1);
    solved();
    assert_true(protect_is_hidden(problem, upto2));
    assert_false(protect_is_hidden(problem, upto3));
    /* 25 - 10 = 15 are spread over two quarters. */
    assert_int_equal(protect_bounds(problem, t).min, 0);
    assert_int_equal(protect_bounds(problem, t).max, 15);
}

/* ---- of them ---- */

/* 12 pupils, of them 5 on a register, of them 4 since last year, of them 4 again: no sum determines the 4, but
 * 4 <= the subset <= 4 does. */
static void test_nested_subsets_squeeze_a_value_between_them(void **state)
{
    uint32_t all = atom(12);
    uint32_t on = atom(4);
    uint32_t since = atom(4);
    uint32_t again = atom(4);
    uint32_t outer;
    uint32_t inner;
    uint32_t t;

    (void)state;
    at_most(on, all);
    at_most(since, on);
    at_most(again, since);
    (void)shown_atom("all", 12, PROTECT_MAY_HIDE, all);
    outer = shown_atom("on a register", 40, PROTECT_MAY_HIDE, on);
    (void)shown_atom("since last year", 4, PROTECT_HIDDEN, since);
    inner = shown_atom("again", 4, PROTECT_MAY_HIDE, again);
    t = target_atom("since", since, 3);
    audited();
    assert_int_equal(sum.determined, 1); /* the simple conclusions see it */
    assert_int_equal(sum.unsafe, 1);
    solved();
    assert_true(protect_is_hidden(problem, inner));
    assert_false(protect_is_hidden(problem, outer));
    assert_int_equal(protect_bounds(problem, t).min, 0);
    assert_int_equal(protect_bounds(problem, t).max, 4);
}

/* All 6 of 6: the numerator is hidden, the number of pupils is shown elsewhere.  With nothing else known it may be
 * 0..6; the count of the others (0) is a line of its own and gives it away. */
static void test_a_full_share_is_not_given_away_by_its_empty_complement(void **state)
{
    uint32_t yes = atom(6);
    uint32_t no = atom(0);
    uint32_t both[2] = {yes, no};
    const struct protect_term t_no = {no, 1};
    uint32_t no_item;
    uint32_t t;
    uint32_t zero;

    (void)state;
    (void)shown_atom("share", 1, PROTECT_HIDDEN, yes);
    no_item = shown_atom("others", 1, PROTECT_MAY_HIDE, no);
    reveal_sum(item("pupils", 50, PROTECT_SHOWN), both, 2);
    t = target_atom("yes", yes, 3);
    zero = target("no", &t_no, 1, 3);
    audited();
    assert_int_equal(sum.determined, 2);
    solved();
    assert_true(protect_is_hidden(problem, no_item));
    assert_int_equal(protect_bounds(problem, t).min, 0);
    assert_int_equal(protect_bounds(problem, t).max, 6);
    assert_int_equal(protect_bounds(problem, zero).min, 0);
    assert_int_equal(protect_bounds(problem, zero).max, 6);
}

/* Below zero there is nothing: a target at 0 that asks for 2 below and 2 above gets the 2 above. */
static void test_what_is_impossible_anyway_is_not_asked_for(void **state)
{
    uint32_t parts[2] = {atom(0), atom(5)};
    struct protect_term t = {parts[0], 1};
    struct protect_need need = {2, 2, 4};
    uint32_t out;

    (void)state;
    (void)shown_atom("zero", 1, PROTECT_HIDDEN, parts[0]);
    (void)shown_atom("five", 5, PROTECT_HIDDEN, parts[1]);
    reveal_sum(item("total", 5, PROTECT_MAY_HIDE), parts, 2);
    assert_int_equal(protect_target(problem, "zero", &t, 1, &need, &out), OK);
    solved();
    assert_int_equal(sum.extra, 0);
    assert_int_equal(protect_bounds(problem, out).min, 0);
    assert_int_equal(protect_bounds(problem, out).max, 5);
}

/* Three empty schools and a total of zero: nothing sums to zero but zeros, although no equation gives any of them. */
static void test_a_total_of_zero_gives_every_zero_away(void **state)
{
    uint32_t parts[3] = {atom(0), atom(0), atom(0)};
    uint32_t total = item("total", 1, PROTECT_MAY_HIDE);

    (void)state;
    for (int k = 0; k < 3; k++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "%d", k);
        (void)shown_atom(id, 1, PROTECT_HIDDEN, parts[k]);
        (void)target_atom(id, parts[k], 2);
    }
    reveal_sum(total, parts, 3);
    audited();
    assert_int_equal(sum.unsafe, 3);
    solved();
    assert_true(protect_is_hidden(problem, total));
}

/* ---- audiences and earlier publications ---- */

/* The region was told a + b + c, parents were told b + c; together they give a. */
static void test_two_publications_read_by_one_reader_are_judged_together(void **state)
{
    uint32_t parts[3] = {atom(3), atom(20), atom(30)};
    uint32_t region = item("region: all", 1000, PROTECT_SHOWN);
    uint32_t public_item = item("public: b and c", 50, PROTECT_MAY_HIDE);

    (void)state;
    reveal_sum(region, parts, 3);
    reveal_sum(public_item, parts + 1, 2);
    (void)target_atom("a", parts[0], 3);
    audited();
    assert_int_equal(sum.determined, 1);
    solved();
    assert_true(protect_is_hidden(problem, public_item));
    assert_false(protect_is_hidden(problem, region));
}

static void test_what_earlier_publications_already_give_away_is_named(void **state)
{
    uint32_t parts[3] = {atom(3), atom(20), atom(30)};
    uint32_t later;
    uint32_t t;
    uint32_t safe;
    uint32_t other = atom(2);

    (void)state;
    reveal_sum(item("march: all", 1000, PROTECT_SHOWN), parts, 3);
    reveal_sum(item("april: b and c", 50, PROTECT_SHOWN), parts + 1, 2);
    (void)shown_atom("march: unrelated", 50, PROTECT_SHOWN, atom(77));
    later = shown_atom("may: b", 50, PROTECT_MAY_HIDE, parts[1]);
    t = target_atom("school a, register", parts[0], 3);
    safe = target_atom("school d, register", other, 3);
    assert_int_equal(protect_solve(problem, &sum), ERR_DENIED);
    assert_non_null(strstr(err_text(), "school a, register"));
    assert_non_null(strstr(err_text(), "march: all"));
    assert_non_null(strstr(err_text(), "april: b and c"));
    assert_null(strstr(err_text(), "unrelated"));
    assert_true(protect_is_lost(problem, t));
    assert_false(protect_is_lost(problem, safe));
    assert_true(protect_is_hidden(problem, later)); /* fail closed (invariant 7) */
}

static void test_what_everybody_knows_cannot_be_a_target(void **state)
{
    uint32_t a = atom(3);
    struct protect_term t = {a, 1};

    (void)state;
    assert_int_equal(protect_structural(problem, &t, 1, 3, 3), OK);
    (void)target_atom("three", a, 1);
    assert_int_equal(protect_solve(problem, &sum), ERR_DENIED);
    assert_non_null(strstr(err_text(), "three"));
}

/* ---- derived items ---- */

static void test_an_index_goes_with_its_hidden_component(void **state)
{
    uint32_t a = atom(3);
    uint32_t b = atom(50);
    uint32_t hidden = shown_atom("registers", 3, PROTECT_HIDDEN, a);
    uint32_t shown = shown_atom("education", 50, PROTECT_MAY_HIDE, b);
    uint32_t index = item("index", 7, PROTECT_MAY_HIDE);
    uint32_t rank = item("place by index", 7, PROTECT_MAY_HIDE);

    (void)state;
    assert_int_equal(protect_depends(problem, index, hidden), OK);
    assert_int_equal(protect_depends(problem, index, shown), OK);
    assert_int_equal(protect_depends(problem, rank, index), OK);
    (void)target_atom("registers", a, 3);
    solved();
    assert_true(protect_is_hidden(problem, index));
    assert_true(protect_is_hidden(problem, rank));
    assert_false(protect_is_hidden(problem, shown));
    assert_int_equal(sum.primary, 3);
    assert_int_equal(sum.extra, 0);
}

static void test_an_index_published_earlier_gives_its_components_away(void **state)
{
    uint32_t a = atom(3);
    uint32_t hidden = shown_atom("registers", 3, PROTECT_HIDDEN, a);
    uint32_t index = item("index of march", 7, PROTECT_SHOWN);

    (void)state;
    assert_int_equal(protect_depends(problem, index, hidden), OK);
    (void)target_atom("registers", a, 3);
    assert_int_equal(protect_solve(problem, &sum), ERR_DENIED);
    assert_non_null(strstr(err_text(), "registers"));
}

/* Hiding the cheap component would cost its two users as well: 5 + 40 + 40 against 60 for the other school. */
static void test_the_cost_of_an_item_includes_what_depends_on_it(void **state)
{
    uint32_t parts[3] = {atom(4), atom(30), atom(31)};
    uint32_t cheap;
    uint32_t dear;
    uint32_t users[2];

    (void)state;
    (void)shown_atom("small", 4, PROTECT_HIDDEN, parts[0]);
    cheap = shown_atom("cheap", 5, PROTECT_MAY_HIDE, parts[1]);
    dear = shown_atom("dear", 60, PROTECT_MAY_HIDE, parts[2]);
    reveal_sum(item("total", 900, PROTECT_MAY_HIDE), parts, 3);
    users[0] = item("user one", 40, PROTECT_MAY_HIDE);
    users[1] = item("user two", 40, PROTECT_MAY_HIDE);
    assert_int_equal(protect_depends(problem, users[0], cheap), OK);
    assert_int_equal(protect_depends(problem, users[1], cheap), OK);
    (void)target_atom("small", parts[0], 3);
    solved();
    assert_true(protect_is_hidden(problem, dear));
    assert_false(protect_is_hidden(problem, cheap));
    assert_false(protect_is_hidden(problem, users[0]));
}

/* "fewer than 5" of a hidden 3 with a total of 40 and a hidden neighbour of 37: 0..4 remains, enough for 3, not for 6.
 */
static void test_a_class_gives_its_bounds_away_and_no_more(void **state)
{
    uint32_t parts[2] = {atom(3), atom(37)};
    struct protect_term t = {parts[0], 1};
    uint32_t few = item("fewer than 5", 1, PROTECT_MAY_HIDE);
    uint32_t narrow;
    uint32_t wide;

    (void)state;
    assert_int_equal(protect_reveal_range(problem, few, &t, 1, -PROTECT_NO_BOUND, 4), OK);
    reveal_sum(item("total", 40, PROTECT_SHOWN), parts, 2);
    narrow = target_atom("width 3", parts[0], 3);
    audited();
    assert_int_equal(sum.unsafe, 0);
    assert_int_equal(protect_bounds(problem, narrow).min, 0);
    assert_int_equal(protect_bounds(problem, narrow).max, 4);
    wide = target_atom("width 6", parts[0], 6);
    audited();
    assert_int_equal(sum.unsafe, 1);
    assert_false(protect_bounds(problem, wide).is_safe);
    solved();
    assert_true(protect_is_hidden(problem, few));
    assert_int_equal(protect_bounds(problem, wide).max, 40);
}

/* One school makes 96 of 100: who knows the total knows the school nearly.  A target asks for a tenth of it (10), below
 * or above; the total alone leaves the school 0..100. */
static void test_one_dominating_unit_is_protected_by_an_interval(void **state)
{
    uint32_t parts[3] = {atom(96), atom(3), atom(1)};
    uint32_t others[2] = {parts[1], parts[2]};
    uint32_t rest = item("the others", 4, PROTECT_MAY_HIDE);
    uint32_t total = item("total", 100, PROTECT_MAY_HIDE);
    uint32_t t;

    (void)state;
    (void)shown_atom("big", 96, PROTECT_HIDDEN, parts[0]);
    reveal_sum(rest, others, 2);
    reveal_sum(total, parts, 3);
    t = target_atom("big", parts[0], 10);
    audited();
    assert_int_equal(sum.determined, 1);
    solved();
    assert_true(protect_is_hidden(problem, rest));
    assert_false(protect_is_hidden(problem, total));
    assert_int_equal(protect_bounds(problem, t).min, 0);
    assert_int_equal(protect_bounds(problem, t).max, 100);
}

/* Schools a (3) and b (4) are hidden, the total is shown: 7 remain for both, uncertain to anybody but b, who knows its
 * own
 * 4.  Their sum as a target of its own takes the next smallest school (20) along: 27 remain for three. */
static void test_a_hidden_school_learns_nothing_about_another_when_their_sum_is_a_target(void **state)
{
    uint32_t parts[4] = {atom(3), atom(4), atom(20), atom(30)};
    const struct protect_term both[] = {{parts[0], 1}, {parts[1], 1}};
    uint32_t third;
    uint32_t pair;

    (void)state;
    (void)shown_atom("a", 3, PROTECT_HIDDEN, parts[0]);
    (void)shown_atom("b", 4, PROTECT_HIDDEN, parts[1]);
    third = shown_atom("c", 20, PROTECT_MAY_HIDE, parts[2]);
    (void)shown_atom("d", 30, PROTECT_MAY_HIDE, parts[3]);
    reveal_sum(item("total", 500, PROTECT_MAY_HIDE), parts, 4);
    (void)target_atom("a", parts[0], 3);
    (void)target_atom("b", parts[1], 3);
    solved();
    assert_int_equal(sum.extra, 0);
    pair = target("a and b", both, 2, 3);
    solved();
    assert_int_equal(sum.extra, 1);
    assert_true(protect_is_hidden(problem, third));
    assert_int_equal(protect_bounds(problem, pair).min, 0);
    assert_int_equal(protect_bounds(problem, pair).max, 27);
}

/* 6 a + 10 b + 15 c = 31 with a = b = c = 1.  In whole numbers >= 0 there is no other solution: c = 0 leaves 31, which
 * is odd, c = 2 leaves 1, and c = 1 leaves 16 = 6 + 10 alone.  The linear bounds of a are 0 to 31/6, so 0..5. */
static void test_bounds_without_whole_numbers_in_them_do_not_pass(void **state)
{
    uint32_t a = atom(1);
    uint32_t b = atom(1);
    uint32_t c = atom(1);
    const struct protect_term t[] = {{a, 6}, {b, 10}, {c, 15}};
    uint32_t odd = item("weighted", 1, PROTECT_MAY_HIDE);
    uint32_t out;

    (void)state;
    assert_int_equal(protect_reveal(problem, odd, t, 3), OK);
    out = target_atom("a", a, 3);
    audited();
    assert_int_equal(sum.unsafe, 1);
    assert_int_equal(sum.determined, 0);
    assert_int_equal(protect_bounds(problem, out).min, 0);
    assert_int_equal(protect_bounds(problem, out).max, 5);
    assert_false(protect_bounds(problem, out).is_safe);
    solved();
    assert_true(protect_is_hidden(problem, odd));
}

/* ---- order, limits, mistakes ---- */

/* The two-way table with its items given backwards. */
static void build_in_order(bool is_backwards, char *answer)
{
    static const char *const ids[] = {"a", "b", "c", "d", "e", "sum"};
    static const int64_t values[] = {4, 9, 9, 9, 30};
    uint32_t atoms[5];
    uint32_t items[6];

    for (int k = 0; k < 5; k++)
        atoms[k] = atom(values[k]);
    for (int n = 0; n < 6; n++) {
        int k = is_backwards ? 5 - n : n;

        items[k] = item(ids[k], k == 5 ? 500 : 9, k == 0 ? PROTECT_HIDDEN : PROTECT_MAY_HIDE);
        reveal_sum(items[k], k == 5 ? atoms : &atoms[k], k == 5 ? 5 : 1);
    }
    (void)target_atom("a", atoms[0], 4);
    solved();
    for (int k = 0; k < 6; k++)
        answer[k] = protect_is_hidden(problem, items[k]) ? 'h' : '.';
    answer[6] = '\0';
}

static void test_the_answer_does_not_depend_on_the_order_of_items(void **state)
{
    char forwards[8];
    char backwards[8];

    build_in_order(false, forwards);
    assert_int_equal(end(state), 0);
    assert_int_equal(begin(state), 0);
    build_in_order(true, backwards);
    assert_string_equal(forwards, backwards);
    assert_int_equal(strchr(forwards + 1, 'h') - strrchr(forwards, 'h'), 0); /* exactly one in addition */
}

static void test_a_second_call_gives_the_same_answer(void **state)
{
    struct two_way w;
    struct protect_summary first;

    (void)state;
    add_two_way(&w);
    (void)target_atom("b left", w.atoms[1][0], 3);
    solved();
    first = sum;
    assert_int_equal(protect_hide(problem, w.cells[2][2], true), OK);
    solved();
    first.linear_programs = sum.linear_programs; /* what is possible with nothing shown is asked once only */
    assert_memory_equal(&first, &sum, sizeof(sum));
}

static void test_a_limit_hides_everything(void **state)
{
    struct protect_limits limits = protect_limits_default;
    struct two_way w;

    assert_int_equal(end(state), 0);
    limits.lp_iterations = 0;
    assert_int_equal(protect_new(&problem, &limits), OK);
    add_two_way(&w);
    (void)target_atom("b left", w.atoms[1][0], 3);
    assert_int_equal(protect_solve(problem, &sum), ERR_LIMIT); /* invariants 7 and 8 */
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 3; c++)
            assert_true(protect_is_hidden(problem, w.cells[r][c]));
    assert_int_equal(protect_audit(problem, &sum), ERR_LIMIT);
}

static void test_sizes_are_limited_while_building(void **state)
{
    struct protect_limits limits = protect_limits_default;
    uint32_t a;

    assert_int_equal(end(state), 0);
    limits.atoms = 2;
    assert_int_equal(protect_new(&problem, &limits), OK);
    (void)atom(1);
    (void)atom(2);
    assert_int_equal(protect_atom(problem, 3, PROTECT_NO_BOUND, &a), ERR_LIMIT);
    assert_int_equal(protect_solve(problem, &sum), ERR_INVALID); /* an incomplete problem is never solved */
}

static void test_an_elimination_that_takes_too_long_is_refused(void **state)
{
    struct protect_limits limits = protect_limits_default;
    uint32_t parts[3];
    struct protect_term t[2];

    assert_int_equal(end(state), 0);
    limits.steps = 1;
    assert_int_equal(protect_new(&problem, &limits), OK);
    for (int k = 0; k < 3; k++)
        parts[k] = atom(5);
    reveal_sum(item("all", 1, PROTECT_MAY_HIDE), parts, 3);
    reveal_sum(item("two", 1, PROTECT_MAY_HIDE), parts, 2);
    t[0] = (struct protect_term){parts[0], 1};
    t[1] = (struct protect_term){parts[2], -1};
    (void)target("difference", t, 2, 2);
    assert_int_equal(protect_audit(problem, &sum), ERR_LIMIT);
}

static void test_a_rule_that_the_truth_breaks_is_refused(void **state)
{
    uint32_t part = atom(7);
    uint32_t whole = atom(5);
    const struct protect_term t[] = {{part, 1}, {whole, -1}};

    (void)state;
    assert_int_equal(protect_structural(problem, t, 2, -PROTECT_NO_BOUND, 0), ERR_INVALID);
    assert_int_equal(protect_solve(problem, &sum), ERR_INVALID);
}

static void test_an_id_that_stands_twice_is_refused(void **state)
{
    (void)state;
    (void)item("line", 1, PROTECT_MAY_HIDE);
    (void)item("line", 1, PROTECT_MAY_HIDE);
    assert_int_equal(protect_solve(problem, &sum), ERR_EXISTS);
    assert_non_null(strstr(err_text(), "line"));
}

static void test_what_is_settled_cannot_be_changed_by_hand(void **state)
{
    uint32_t old = item("old", 1, PROTECT_SHOWN);
    uint32_t primary = item("primary", 1, PROTECT_HIDDEN);
    uint32_t open = item("open", 1, PROTECT_MAY_HIDE);

    (void)state;
    assert_int_equal(protect_hide(problem, old, true), ERR_INVALID);
    assert_int_equal(protect_hide(problem, primary, false), ERR_INVALID);
    assert_int_equal(protect_hide(problem, open, true), OK);
    assert_true(protect_is_hidden(problem, open));
}

static void test_an_empty_problem_is_safe(void **state)
{
    (void)state;
    solved();
    assert_int_equal(sum.items, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_hidden_cell_of_a_table_with_totals_is_recovered),
        TEST(test_the_complementary_cells_are_the_smallest),
        TEST(test_a_cell_that_is_too_small_to_hide_behind_is_not_chosen),
        TEST(test_lower_upper_and_sliding_need_are_kept_apart),
        TEST(test_a_difference_between_periods_gives_nothing_away),
        TEST(test_a_cumulative_series_gives_no_single_period_away),
        TEST(test_nested_subsets_squeeze_a_value_between_them),
        TEST(test_a_full_share_is_not_given_away_by_its_empty_complement),
        TEST(test_what_is_impossible_anyway_is_not_asked_for),
        TEST(test_a_total_of_zero_gives_every_zero_away),
        TEST(test_two_publications_read_by_one_reader_are_judged_together),
        TEST(test_what_earlier_publications_already_give_away_is_named),
        TEST(test_what_everybody_knows_cannot_be_a_target),
        TEST(test_an_index_goes_with_its_hidden_component),
        TEST(test_an_index_published_earlier_gives_its_components_away),
        TEST(test_the_cost_of_an_item_includes_what_depends_on_it),
        TEST(test_a_class_gives_its_bounds_away_and_no_more),
        TEST(test_one_dominating_unit_is_protected_by_an_interval),
        TEST(test_a_hidden_school_learns_nothing_about_another_when_their_sum_is_a_target),
        TEST(test_bounds_without_whole_numbers_in_them_do_not_pass),
        TEST(test_the_answer_does_not_depend_on_the_order_of_items),
        TEST(test_a_second_call_gives_the_same_answer),
        TEST(test_a_limit_hides_everything),
        TEST(test_sizes_are_limited_while_building),
        TEST(test_an_elimination_that_takes_too_long_is_refused),
        TEST(test_a_rule_that_the_truth_breaks_is_refused),
        TEST(test_an_id_that_stands_twice_is_refused),
        TEST(test_what_is_settled_cannot_be_changed_by_hand),
        TEST(test_an_empty_problem_is_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
