/* Cells: sums gathered in memory, then in the store; they come and go without a trace (invariant 5). */
#include "ledger_fixture.h"

static struct contribution one(int64_t sum)
{
    struct contribution c = {sum, 1};

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
    struct cell c = {-((i128)1 << 100), UINT64_MAX};
    struct cell back;
    uint8_t raw[CELL_BYTES];

    (void)state;
    cell_put(raw, &c);
    assert_int_equal(cell_get(&back, bytes_of(raw, sizeof(raw))), OK);
    assert_true(back.sum == c.sum && back.n == c.n);
    assert_int_equal(cell_get(&back, bytes_of(raw, CELL_BYTES - 1)), ERR_CORRUPT);
}

static struct bytes text_part(const char *text)
{
    return bytes_of(text, strlen(text));
}

static void keys_hold_what_fits_and_nothing_else(void **state)
{
    uint8_t digest16[VARIABLE_DIGEST_BYTES] = {1};
    uint8_t key[CELL_KEY_MAX];
    uint8_t part[VARIABLE_PART_MAX + 1] = {0};
    struct cell_at at;
    size_t len;

    (void)state;
    assert_int_equal(cell_key(key, digest16, "gp", "2020-09", text_part("")), 16 + 3 + 8);
    assert_int_equal(cell_key(key, digest16, "gp", "2020-09", text_part("a=b")), 16 + 3 + 8 + 3);
    assert_int_equal(cell_key(key, digest16, "gp", "2020-09", bytes_of(part, sizeof(part))), 0);
    len = cell_key(key, digest16, "gp", "2020-09", bytes_of(part, VARIABLE_PART_MAX)); /* bytes: zeros, too */
    assert_int_equal(len, 16 + 3 + 8 + VARIABLE_PART_MAX);
    MUST(cell_key_read(&at, bytes_of(key, len)));
    assert_memory_equal(at.digest, digest16, sizeof(digest16));
    assert_string_equal(at.unit, "gp");
    assert_string_equal(at.period, "2020-09");
    assert_int_equal(at.part.len, VARIABLE_PART_MAX);
    for (size_t cut = 0; cut < 16 + 3 + 8; cut++)
        assert_int_equal(cell_key_read(&at, bytes_of(key, cut)), ERR_CORRUPT);
    MUST(cell_key_read(&at, bytes_of(key, 16 + 3 + 8)));
    assert_int_equal(at.part.len, 0);
    /* The longest unit and period leave the longest part just room. */
    assert_int_equal(cell_key(key, digest16, "12345678901234567890123456789012", "12345678901234567890123456789012",
                              bytes_of(part, VARIABLE_PART_MAX)),
                     STORE_KEY_MAX);
}

/* The same sums whatever the order, and an empty table when all is taken away again. */
static void sums_come_and_go_without_a_trace(void **state)
{
    struct world w;
    struct cell_sums *s;
    struct cell_sums *more;
    const struct variable *v;

    (void)state;
    world_open(&w);
    v = variable_of(&w, "pupils");
    MUST(cell_sums_new(&s));
    MUST(cell_sums_new(&more));
    for (int n = 0; n < 300; n++) {
        char unit[16];
        char part[16];
        struct contribution c = one(n);

        (void)snprintf(unit, sizeof(unit), "u%d", n % 40);
        (void)snprintf(part, sizeof(part), "b=%d", n % 7);
        MUST(cell_sums_add(s, place_of(s, &w, unit, "2020-09"), v, text_part(part), &c, 1));
        MUST(cell_sums_add(more, place_of(more, &w, unit, "2020-09"), v, text_part(part), &c, -1));
    }
    assert_int_equal(cell_sums_count(s), 280);
    flush(&w, s);
    assert_int_equal(rows_of(&w, H_CELLS), 280);
    assert_int_equal(cell_of(&w, "pupils", "u3", "2020-09", "b=3").n, 2);
    assert_true(cell_of(&w, "pupils", "u3", "2020-09", "b=3").sum == 3 + 283);
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
    struct contribution huge = {(i128)((~(unsigned __int128)0) >> 1), 0};
    uint8_t part[VARIABLE_PART_MAX + 1] = {0};
    uint32_t at;

    (void)state;
    world_open(&w);
    MUST(cell_sums_new(&s));
    at = place_of(s, &w, "gp", "2020-09");
    assert_int_equal(cell_sums_add(s, at, variable_of(&w, "pupils"), bytes_of(part, sizeof(part)), &c, 1), ERR_LIMIT);
    MUST(cell_sums_add(s, at, variable_of(&w, "mood"), text_part(""), &huge, 1));
    assert_int_equal(cell_sums_add(s, at, variable_of(&w, "mood"), text_part(""), &c, 1), ERR_LIMIT);
    cell_sums_reset(s);
    at = place_of(s, &w, "gp", "2020-09");
    MUST(cell_sums_add(s, at, variable_of(&w, "pupils"), text_part(""), &c, -1));
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(cell_sums_store(s, t), ERR_CORRUPT); /* fewer than none */
    store_abort(t);
    cell_sums_free(s);
    world_close(&w);
}

/* `by` a text of 65 bytes: the variable before it in the file could count the submission, but does not either, and what
 * cannot be added cannot be taken away. */
static void a_submission_that_one_variable_cannot_take_adds_nothing_to_any(void **state)
{
    static const char variables[] = "variables:\n"
                                    "  - {id: before, form: grades}\n"
                                    "  - {id: by_pupil, form: grades, by: [pupil]}\n";
    static const char programme[] = "programme: more\nversion: \"1\"\ntitle: More\nindicators:\n"
                                    "  - {id: x, name: X, kind: sum, value: \"${before} + ${by_pupil}\"}\n";
    char pupil[66] = "";
    struct value values[3] = {{.as.text = bytes_of(pupil, 65)}, {.as.i = 12}, {.as.i = 1}};
    struct record r = {.filled_on = SOME_DAY, .unit = "gp", .period = "2020-09", .values = values, .value_count = 3};
    struct variable_eval *eval;
    struct cell_sums *s;
    struct store_txn *t;
    struct world w;

    (void)state;
    world_open(&w);
    MUST(store_begin_write(w.hub->store, &t));
    load_programme_with(&w, t, programme, variables);
    finish_txn(&w, t);
    MUST(hub_reload(w.hub, NULL));
    MUST(variable_eval_new(&eval, w.hub, NULL, NULL));
    MUST(cell_sums_new(&s));
    memset(pupil, 'x', sizeof(pupil));
    MUST(cell_sums_record(s, eval, place_of(s, &w, "gp", "2020-09"), &r, 1));
    flush(&w, s);
    assert_int_equal(rows_of(&w, H_CELLS), 0);
    MUST(cell_sums_record(s, eval, place_of(s, &w, "gp", "2020-09"), &r, -1));
    flush(&w, s);
    assert_int_equal(rows_of(&w, H_CELLS), 0);
    values[0].as.text.len = 64;
    MUST(cell_sums_record(s, eval, place_of(s, &w, "gp", "2020-09"), &r, 1));
    flush(&w, s);
    assert_int_equal(cell_of(&w, "before", "gp", "2020-09", "").n, 1);
    cell_sums_free(s);
    variable_eval_free(eval);
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
        cmocka_unit_test(a_submission_that_one_variable_cannot_take_adds_nothing_to_any),
        cmocka_unit_test(places_are_kept_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
