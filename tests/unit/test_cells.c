/* Cells: sums gathered in memory, then in the store; they come and go without a trace (invariant 5). */
#include "ledger_fixture.h"

static struct contribution one(int64_t numerator)
{
    struct contribution c = {numerator, 1, 1};

    return c;
}

static uint32_t place_of(struct cell_sums *s, const struct world *w, const char *unit, const char *period)
{
    uint32_t index;
    bool is_new;

    MUST(places_index(cell_sums_places(s), hub_form_by_id(w->hub, "grades"), unit, period, &index, &is_new));
    return index;
}

static void flush(const struct world *w, struct cell_sums *s)
{
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(cell_sums_store(s, t));
    MUST(store_commit(t));
    cell_sums_reset(s);
}

static void a_cell_is_read_as_it_was_written(void **state)
{
    struct cell c = {-((i128)1 << 100), (i128)7 << 64, 42};
    struct cell back;
    uint8_t raw[CELL_BYTES];

    (void)state;
    cell_put(raw, &c);
    assert_int_equal(cell_get(&back, bytes_of(raw, sizeof(raw))), OK);
    assert_true(back.numerator == c.numerator && back.denominator == c.denominator && back.n == 42);
    assert_int_equal(cell_get(&back, bytes_of(raw, 39)), ERR_CORRUPT);
}

static void keys_hold_what_fits_and_nothing_else(void **state)
{
    uint8_t digest16[INDICATOR_DIGEST_BYTES] = {1};
    uint8_t key[CELL_KEY_MAX];
    char text[CELL_BREAKDOWN_MAX + 2];

    (void)state;
    assert_int_equal(cell_key(key, digest16, "gp", "2020-09", NULL), 16 + 3 + 8);
    assert_int_equal(cell_key(key, digest16, "gp", "2020-09", "a=b"), 16 + 3 + 8 + 3);
    memset(text, 'x', sizeof(text));
    text[CELL_BREAKDOWN_MAX + 1] = '\0';
    assert_int_equal(cell_key(key, digest16, "gp", "2020-09", text), 0);
    text[CELL_BREAKDOWN_MAX] = '\0';
    assert_true(cell_key(key, digest16, "gp", "2020-09", text) <= STORE_KEY_MAX);
}

/* The same sums whatever the order, and an empty table when all is taken away again. */
static void sums_come_and_go_without_a_trace(void **state)
{
    struct world w;
    struct cell_sums *s;
    struct cell_sums *more;
    const struct indicator *i;

    (void)state;
    world_open(&w);
    i = indicator_of(&w, "pupils");
    MUST(cell_sums_new(&s));
    MUST(cell_sums_new(&more));
    for (int n = 0; n < 300; n++) {
        char unit[16];
        char breakdown[16];
        struct contribution c = one(n);

        (void)snprintf(unit, sizeof(unit), "u%d", n % 40);
        (void)snprintf(breakdown, sizeof(breakdown), "b=%d", n % 7);
        MUST(cell_sums_add(s, place_of(s, &w, unit, "2020-09"), i, breakdown, &c, 1));
        MUST(cell_sums_add(more, place_of(more, &w, unit, "2020-09"), i, breakdown, &c, -1));
    }
    assert_int_equal(cell_sums_count(s), 280);
    flush(&w, s);
    assert_int_equal(rows_of(&w, H_CELLS), 280);
    assert_int_equal(cell_of(&w, "pupils", "u3", "2020-09", "b=3").n, 2);
    assert_true(cell_of(&w, "pupils", "u3", "2020-09", "b=3").numerator == 3 + 283);
    MUST(cell_sums_merge(s, more));
    flush(&w, s);
    assert_int_equal(rows_of(&w, H_CELLS), 0);
    cell_sums_free(s);
    cell_sums_free(more);
    world_close(&w);
}

static void what_cannot_be_is_an_error(void **state)
{
    struct world w;
    struct cell_sums *s;
    struct store_txn *t;
    struct contribution c = one(1);
    struct contribution huge = {(i128)((~(unsigned __int128)0) >> 1), 0, 0};
    char text[CELL_BREAKDOWN_MAX + 2];
    uint32_t at;

    (void)state;
    world_open(&w);
    MUST(cell_sums_new(&s));
    at = place_of(s, &w, "gp", "2020-09");
    memset(text, 'x', sizeof(text));
    text[CELL_BREAKDOWN_MAX + 1] = '\0';
    assert_int_equal(cell_sums_add(s, at, indicator_of(&w, "pupils"), text, &c, 1), ERR_LIMIT);
    MUST(cell_sums_add(s, at, indicator_of(&w, "mood"), "", &huge, 1));
    assert_int_equal(cell_sums_add(s, at, indicator_of(&w, "mood"), "", &c, 1), ERR_LIMIT);
    cell_sums_reset(s);
    at = place_of(s, &w, "gp", "2020-09");
    MUST(cell_sums_add(s, at, indicator_of(&w, "pupils"), "", &c, -1));
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(cell_sums_store(s, t), ERR_CORRUPT); /* fewer than none */
    store_abort(t);
    cell_sums_free(s);
    world_close(&w);
}

static void places_are_kept_once(void **state)
{
    struct places *p;
    struct form forms[2];
    uint32_t first;
    uint32_t index;
    bool is_new;

    (void)state;
    MUST(keys_start());
    MUST(places_new(&p));
    MUST(places_index(p, &forms[0], "gp", "2020-09", &first, &is_new));
    assert_true(is_new);
    for (int n = 0; n < 500; n++) {
        char unit[16];

        (void)snprintf(unit, sizeof(unit), "u%d", n);
        MUST(places_index(p, &forms[n % 2], unit, "2020-09", &index, &is_new));
        assert_true(is_new);
    }
    MUST(places_index(p, &forms[0], "gp", "2020-09", &index, &is_new));
    assert_false(is_new);
    assert_int_equal(index, first);
    MUST(places_index(p, &forms[1], "gp", "2020-09", &index, &is_new));
    assert_true(is_new);
    MUST(places_index(p, &forms[0], "gp", "2020-10", &index, &is_new));
    assert_true(is_new);
    assert_int_equal(places_count(p), 503);
    assert_string_equal(places_at(p, index)->period, "2020-10");
    places_reset(p);
    assert_int_equal(places_count(p), 0);
    places_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_read_as_it_was_written),
        cmocka_unit_test(keys_hold_what_fits_and_nothing_else),
        cmocka_unit_test(sums_come_and_go_without_a_trace),
        cmocka_unit_test(what_cannot_be_is_an_error),
        cmocka_unit_test(places_are_kept_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
