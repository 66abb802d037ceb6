/* test_explain.c: the submissions behind a number are those that the stored cells are made of, and where they are not,
 * it is said (invariants 5 and 9). */
#include "tests/unit/ledger_fixture.h"

#include "hub/cells.h"
#include "hub/explain.h"

static const char variables[] = "variables:\n"
                                "  - {id: seats, form: card, value: \"${seats}\"}\n"
                                "  - {id: pupils, kind: keys, form: grades, key: \"${pupil}\"}\n"
                                "  - {id: good, kind: keys, form: grades, key: \"${pupil}\","
                                " where: \"${grade} >= 10\"}\n"
                                "  - {id: points, form: grades, value: \"${grade}\", by: level}\n";
static const char indicators[] =
    "programme: quality\nversion: \"2\"\ntitle: Q\nindicators:\n"
    "  - {id: S, name: Seats, kind: sum, value: \"${seats}\", period: month}\n"
    "  - {id: R, name: Points a seat, kind: ratio, numerator: \"2 * ${points}\", denominator: \"${seats}\", period: "
    "month}\n"
    "  - {id: K, name: Good ones, kind: share, numerator: \"${good}\", denominator: \"${pupils}\", period: month}\n"
    "  - {id: P, name: Points, kind: sum, value: \"${points}\", breakdown: true, period: month}\n"
    "  - {id: U, name: Many seats, kind: units, condition: \"${S} > 20\", period: month}\n";

/* gp: 30 seats; pupils a 12 and b 7.  ms: 10 seats. */
static void open_with_data(struct world *w)
{
    struct sub subs[] = {grade(1, "a", 12), grade(2, "b", 7), grade(3, "", 30)};
    struct sub other = grade(1, "", 10);
    uint8_t head[DIGEST_BYTES];
    struct store_txn *t;

    world_open(w);
    MUST(store_begin_write(w->hub->store, &t));
    load_programme_with(w, t, indicators, variables);
    finish_txn(w, t);
    MUST(hub_reload(w->hub, NULL));
    renew_intake(w);
    join_schools(w);
    subs[2].form = "card";
    take_array(w, subs, COUNT(subs), 1, head, NULL);
    other.school = 1;
    other.form = "card";
    other.unit = "ms";
    take_array(w, &other, 1, 1, head, NULL);
}

static void look_for(struct explain *x, struct world *w, const char *id, const char *unit, const char *part)
{
    static const struct table_column columns[] = {{"a", "a", TABLE_LEFT, false}, {"b", "b", TABLE_LEFT, false},
                                                  {"c", "c", TABLE_LEFT, false}, {"d", "d", TABLE_LEFT, false},
                                                  {"e", "e", TABLE_LEFT, false}, {"f", "f", TABLE_LEFT, false},
                                                  {"g", "g", TABLE_LEFT, false}};

    *x = (struct explain){.hub = w->hub, .unit = unit, .part = part, .breakdown = part, .format = TABLE_CSV};
    x->programme = w->hub->programmes[0];
    x->index = (uint32_t)programme_find_indicator(x->programme, id, "");
    x->indicator = x->programme->indicators[x->index];
    MUST(calendar_find(w->hub->calendar, "month", "2020-09", &x->period));
    MUST(store_begin_read(w->hub->store, &x->t));
    MUST(evaluation_new(&x->e, w->hub, x->t, NULL));
    MUST(evaluation_value(x->e, x->programme, x->index, unit, &x->period, part, &x->result));
    MUST(table_new(&x->table, columns, explain_is_of_submissions(x->indicator) ? 7 : 5));
}

static void close_look(struct explain *x)
{
    table_free(x->table);
    evaluation_free(x->e);
    store_abort(x->t);
}

/* The rows without heading, ids and times: unit, numerator, denominator, codes of submissions; all of inputs. */
static void listed_rows(const struct explain *x, char *out, size_t size)
{
    char *text = NULL;
    size_t len = 0;
    size_t at = 0;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    MUST(table_print(x->table, TABLE_CSV, to));
    (void)fclose(to);
    out[0] = '\0';
    for (char *line = strchr(text, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        char unit[32], above[32] = "", below[32] = "", codes[32] = "";
        const char *commas[7];
        size_t n = 0;

        for (char *p = line; *p != '\n' && n < 7; p++)
            if (*p == ',')
                commas[n++] = p + 1;
        if (n == 6) {
            (void)snprintf(unit, sizeof(unit), "%.*s", (int)(commas[1] - commas[0] - 1), commas[0]);
            (void)snprintf(above, sizeof(above), "%.*s", (int)(commas[4] - commas[3] - 1), commas[3]);
            (void)snprintf(below, sizeof(below), "%.*s", (int)(commas[5] - commas[4] - 1), commas[4]);
            (void)snprintf(codes, sizeof(codes), "%.*s", (int)strcspn(commas[5], "\n"), commas[5]);
            at += (size_t)snprintf(out + at, size - at, "%s %s/%s %s\n", unit, above, below, codes);
        } else
            at += (size_t)snprintf(out + at, size - at, "%.*s\n", (int)strcspn(line, "\n"), line);
    }
    free(text);
}

static void expect_rows(struct world *w, const char *id, const char *unit, const char *part, uint64_t behind,
                        uint64_t others, const char *expected)
{
    struct explain x;
    char rows[2048];

    look_for(&x, w, id, unit, part);
    if (explain_is_of_submissions(x.indicator))
        MUST(explain_submissions(&x));
    else
        MUST(explain_inputs(&x));
    listed_rows(&x, rows, sizeof(rows));
    assert_string_equal(rows, expected);
    assert_int_equal(x.behind, behind);
    assert_int_equal(x.others, others);
    close_look(&x);
}

static void every_submission_behind_a_sum_is_listed_with_what_it_adds(void **state)
{
    struct world w;

    (void)state;
    open_with_data(&w);
    expect_rows(&w, "S", NULL, "", 2, 0, "gp 30/ \nms 10/ \n");
    expect_rows(&w, "S", "ms", "", 1, 0, "ms 10/ \n");
    /* 2 * 12 and 2 * 7 above the line, 30 and 10 below it */
    expect_rows(&w, "R", "gp", "", 3, 0, "gp 24/0 \ngp 14/0 \ngp 0/30 \n");
    /* a is among the good ones and among all, b among all */
    expect_rows(&w, "K", NULL, "", 2, 0, "gp / 2\ngp / 1\n");
    expect_rows(&w, "P", NULL, "level=high", 1, 1, "gp 12/ \n");
    world_close(&w);
}

static void two_level_kinds_list_each_unit_and_what_its_condition_read(void **state)
{
    struct world w;

    (void)state;
    open_with_data(&w);
    /* gp2 said nothing */
    expect_rows(&w, "U", NULL, "", 0, 0,
                "gp,U,2020-09,100.000000,\ngp,S,2020-09,30.000000,\n"
                "gp2,U,2020-09,,no data\ngp2,S,2020-09,,no data\n"
                "ms,U,2020-09,0.000000,\nms,S,2020-09,10.000000,\n");
    world_close(&w);
}

/* Adds to one cell of a variable what no submission has given. */
static void forge(struct world *w, const char *variable, const char *unit, int64_t sum, uint64_t n)
{
    const struct programme *p = w->hub->programmes[0];
    const struct variable *v = p->variables[programme_find_variable(p, variable)];
    uint8_t key[CELL_KEY_MAX], bytes[CELL_BYTES];
    const struct cell c = {sum, n};
    struct store_txn *t;
    size_t len = cell_key(key, v->digest, unit, "2020-09", bytes_of("", 0));

    assert_true(len > 0);
    cell_put(bytes, &c);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(store_put(t, H_CELLS, bytes_of(key, len), bytes_of(bytes, sizeof(bytes))));
    MUST(store_commit(t));
}

static enum err explain_seats(struct world *w)
{
    struct explain x;
    enum err e;

    look_for(&x, w, "S", NULL, "");
    e = explain_submissions(&x);
    close_look(&x);
    return e;
}

static void a_cell_that_its_submissions_do_not_add_up_to_is_damage(void **state)
{
    struct world w;

    (void)state;
    open_with_data(&w);
    assert_int_equal(explain_seats(&w), OK);
    forge(&w, "seats", "gp", 31, 1); /* 30 were submitted */
    assert_int_equal(explain_seats(&w), ERR_CORRUPT);
    forge(&w, "seats", "gp", 30, 1);
    assert_int_equal(explain_seats(&w), OK);
    forge(&w, "seats", "gp", 30, 2); /* one submission more than there are */
    assert_int_equal(explain_seats(&w), ERR_CORRUPT);
    forge(&w, "seats", "gp", 30, 1);
    forge(&w, "seats", "gp2", 5, 1); /* nobody said anything about gp2 */
    assert_int_equal(explain_seats(&w), ERR_CORRUPT);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_submission_behind_a_sum_is_listed_with_what_it_adds),
                                       cmocka_unit_test(two_level_kinds_list_each_unit_and_what_its_condition_read),
                                       cmocka_unit_test(a_cell_that_its_submissions_do_not_add_up_to_is_damage)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
