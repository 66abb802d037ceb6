/* test_returns_cover.c: what the schools say of their returns as a whole, as the office sees it: in whatever order
 * covers and rows come, and from those alone who may send the form (invariants 3, 5, 6). */
#include "hub/returns.h"

#include "ledger_fixture.h"

#define EVENTS 14u
#define ROWS   4u

/* ---- the school's end ---- */

struct said {
    struct value values[COVER_FIELDS];
    char hex[COVER_HEX];
};

/* A cover over these submissions, as the school makes it. */
static struct sub cover_of(const struct world *w, uint64_t number, const char *form, enum cover_state state,
                           const struct sub *rows, size_t count, struct said *said)
{
    uint8_t digests[ROWS][RECORD_DIGEST_BYTES];
    struct cover c = {.of = bytes_of(form, strlen(form)),
                      .state = state,
                      .rows = count,
                      .approved_by = bytes_of("Boris", 5),
                      .has_approved_on = true,
                      .approved_on = SOME_DAY};
    struct sub s = grade(number, "", 0);
    struct buf record;

    assert_true(count <= ROWS);
    buf_init(&record, RECORD_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_reset(&record);
        sub_encode(w, &rows[i], &record);
        record_digest(digests[i], bytes_of(record.data, record.len));
    }
    buf_fini(&record);
    return_digest(c.digest, digests, count);
    cover_write(&c, said->hex, said->values);
    s.form = COVER_FORM;
    s.values = said->values;
    return s;
}

static void send_one(struct world *w, struct sub s, uint64_t sequence)
{
    static uint8_t previous[2][DIGEST_BYTES];

    take_array(w, &s, 1, sequence, previous[s.school], NULL);
}

static struct return_facts facts_of(struct world *w, const char *form)
{
    struct return_facts f;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(returns_facts(w->hub, t, form, "gp", "2020-09", &f));
    store_abort(t);
    return f;
}

/* "STATE MATCH HERE/SAID" */
static void assert_cover(struct world *w, const char *form, const char *expected)
{
    struct return_facts f = facts_of(w, form);
    char text[80] = "none";

    if (f.cover.is_here)
        (void)snprintf(text, sizeof(text), "%s %s %llu/%llu", cover_state_name(f.cover.state),
                       return_cover_match(&f.cover), (unsigned long long)f.cover.rows_here,
                       (unsigned long long)f.cover.rows);
    assert_string_equal(text, expected);
}

/* ---- */

static void a_cover_waits_for_its_rows_and_knows_them_again(void **state)
{
    struct sub rows[] = {grade(1, "anna", 5), grade(2, "boris", 6)}, other = grade(4, "anna", 9);
    struct said said;
    struct world w;

    (void)state;
    world_open(&w);
    assert_cover(&w, "grades", "none");
    send_one(&w, cover_of(&w, 3, "grades", COVER_COMPLETE, rows, 2, &said), 1);
    assert_cover(&w, "grades", "complete fewer 0/2");
    assert_false(facts_of(&w, "grades").is_here); /* the word is no row */
    send_one(&w, rows[1], 2);
    assert_cover(&w, "grades", "complete fewer 1/2");
    send_one(&w, rows[0], 3);
    assert_cover(&w, "grades", "complete same 2/2");
    assert_string_equal(facts_of(&w, "grades").cover.approved_by, "Boris");
    assert_int_equal(facts_of(&w, "grades").cover.approved_on, SOME_DAY);
    send_one(&w, other, 4); /* in place of anna's */
    assert_cover(&w, "grades", "complete differs 2/2");
    assert_cover(&w, "card", "none");
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void nothing_to_report_is_a_return_until_there_is_a_row(void **state)
{
    struct said said[3];
    struct return_facts f;
    struct world w;
    struct sub again;
    struct store_txn *t;

    (void)state;
    world_open(&w);
    send_one(&w, cover_of(&w, 1, "grades", COVER_NOTHING, NULL, 0, &said[0]), 1);
    f = facts_of(&w, "grades");
    assert_true(f.is_here);
    assert_int_equal(f.submissions, 0);
    assert_int_equal(f.filled_on, SOME_DAY);
    assert_int_equal(f.first_ms, SOME_MS);
    assert_cover(&w, "grades", "nothing same 0/0");
    MUST(store_begin_write(w.hub->store, &t));
    MUST(returns_decide(w.hub, t, WORD_ACCEPTED, "grades", "gp", "2020-09", "olga", "", NULL));
    finish_txn(&w, t);
    again = cover_of(&w, 2, "grades", COVER_NOTHING, NULL, 0, &said[1]); /* approved two days later */
    again.kind = RECORD_CORRECTION;
    again.target = (struct record_ref){again.gen, 1};
    again.filled_on = SOME_DAY + 2;
    clock_test_set(SOME_MS + INT64_C(2) * 86400000);
    send_one(&w, again, 2);
    assert_int_equal(facts_of(&w, "grades").filled_on, SOME_DAY); /* it was said in time */
    assert_int_equal(facts_of(&w, "grades").first_ms, SOME_MS);
    assert_int_equal(facts_of(&w, "grades").last_ms, SOME_MS + INT64_C(2) * 86400000);
    assert_true(memcmp(facts_of(&w, "grades").mark, f.mark, RETURN_MARK_BYTES) != 0); /* the acceptance was of before */
    send_one(&w, grade(3, "anna", 5), 3);
    f = facts_of(&w, "grades");
    assert_int_equal(f.submissions, 1);
    assert_cover(&w, "grades", "nothing differs 1/0");
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* How intake takes it: 0 counted, else the reason. */
static unsigned reason_of(struct world *w, const struct sub *s)
{
    struct sealed sealed;
    struct prepared *p;
    unsigned reason;

    seal_array(w, s, 1, 1, NULL, &sealed);
    p = prepare(w, &sealed);
    assert_int_equal(p->count, 1);
    reason = p->records[0].reason;
    prepared_free(p);
    buf_fini(&sealed.bytes);
    return reason;
}

static void who_may_not_send_a_form_may_not_say_how_its_return_stands(void **state)
{
    struct sub row = grade(1, "anna", 5), s;
    struct said said;
    struct world w;

    (void)state;
    world_open(&w);
    s = cover_of(&w, 2, "grades", COVER_COMPLETE, &row, 1, &said);
    assert_int_equal(reason_of(&w, &s), 0);
    s.period = "no-such";
    assert_int_equal(reason_of(&w, &s), QUARANTINE_PERIOD);
    s.period = "2020-09";
    s.unit = "ms";
    assert_int_equal(reason_of(&w, &s), QUARANTINE_UNIT);
    s = cover_of(&w, 2, "ledgerbook", COVER_COMPLETE, &row, 1, &said); /* the office's */
    assert_int_equal(reason_of(&w, &s), QUARANTINE_ROLE);
    s = cover_of(&w, 2, "grade", COVER_COMPLETE, &row, 1, &said);
    assert_int_equal(reason_of(&w, &s), QUARANTINE_UNKNOWN_FORM);
    s = cover_of(&w, 2, "grades", COVER_NOTHING, &row, 1, &said); /* a row of nothing */
    assert_int_equal(reason_of(&w, &s), QUARANTINE_INVALID);
    s = cover_of(&w, 2, "grades", COVER_COMPLETE, NULL, 0, &said);
    assert_int_equal(reason_of(&w, &s), QUARANTINE_INVALID);
    world_close(&w);
}

/* ---- in any order ---- */

struct plan {
    struct sub subs[EVENTS];
    struct said said[EVENTS];
};

/* Rows of a few pupils come, go and change, and now and then the school says how the return stands. */
static void make_plan(const struct world *w, struct plan *p, uint64_t *x)
{
    static const char *const keys[ROWS] = {"anna", "boris", "clara", "dina"};
    uint64_t current[ROWS] = {0};

    for (size_t i = 0; i < EVENTS; i++) {
        uint64_t number = i + 1;
        size_t at = draw_from(x) % ROWS, count = 0;
        struct sub rows[ROWS];

        for (size_t k = 0; k < ROWS; k++)
            if (current[k] != 0)
                rows[count++] = p->subs[current[k] - 1];
        if (draw_from(x) % 3 == 0) {
            p->subs[i] =
                cover_of(w, number, "grades", count == 0 ? COVER_NOTHING : COVER_COMPLETE, rows, count, &p->said[i]);
            continue;
        }
        if (current[at] != 0 && draw_from(x) % 3 == 0) {
            p->subs[i] = retraction(number, current[at]);
            current[at] = 0;
            continue;
        }
        p->subs[i] = current[at] != 0 && draw_from(x) % 2 == 0
                         ? correction(number, current[at], keys[at], (int64_t)(draw_from(x) % 20))
                         : grade(number, keys[at], (int64_t)(draw_from(x) % 20));
        current[at] = number;
    }
}

/* The batches come in a drawn order (`x` NULL: in their own); what stands at the end. */
static void play(uint64_t seed, uint64_t *x, struct buf *out)
{
    struct plan *p = calloc(1, sizeof(*p));
    struct sealed s[EVENTS];
    size_t order[EVENTS];
    struct return_facts f;
    struct world w;

    assert_non_null(p);
    world_open(&w);
    make_plan(&w, p, &seed);
    for (size_t i = 0; i < EVENTS; i++) {
        order[i] = i;
        seal_array(&w, &p->subs[i], 1, i + 1, i == 0 ? NULL : s[i - 1].digest, &s[i]);
    }
    for (size_t i = EVENTS; x != NULL && i > 1; i--) {
        size_t at = draw_from(x) % i, kept = order[i - 1];

        order[i - 1] = order[at];
        order[at] = kept;
    }
    for (size_t i = 0; i < EVENTS; i++)
        assert_int_equal(take(&w, &s[order[i]], NULL), LEDGER_STORED);
    assert_int_equal(verify_bad(&w), 0);
    f = facts_of(&w, "grades");
    buf_printf(out, "%d %llu %s %s %llu/%llu\n", f.is_here, (unsigned long long)f.submissions,
               f.cover.is_here ? cover_state_name(f.cover.state) : "none", return_cover_match(&f.cover),
               (unsigned long long)f.cover.rows_here, (unsigned long long)f.cover.rows);
    for (size_t i = 0; i < EVENTS; i++)
        buf_fini(&s[i].bytes);
    world_close(&w);
    free(p);
}

static void in_whatever_order_covers_and_rows_come_the_return_stands_the_same(void **state)
{
    const char *given = getenv("SVODKA_TEST_SEED");
    uint64_t seed = (given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_mono_ns()) | 1;
    uint64_t x = seed * 3 | 1;
    struct buf expected, got;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    buf_init(&expected, 4096);
    buf_init(&got, 4096);
    for (unsigned round = 0; round < 4; round++) {
        buf_reset(&expected);
        play(seed + UINT64_C(2) * round, NULL, &expected);
        for (unsigned turn = 0; turn < 2; turn++) {
            buf_reset(&got);
            play(seed + UINT64_C(2) * round, &x, &got);
            assert_string_equal(buf_cstr(&got), buf_cstr(&expected));
        }
    }
    buf_fini(&expected);
    buf_fini(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cover_waits_for_its_rows_and_knows_them_again),
        cmocka_unit_test(nothing_to_report_is_a_return_until_there_is_a_row),
        cmocka_unit_test(who_may_not_send_a_form_may_not_say_how_its_return_stands),
        cmocka_unit_test(in_whatever_order_covers_and_rows_come_the_return_stands_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
