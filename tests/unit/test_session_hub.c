/* A session of anonymous answers, withdrawn as a whole, as the hub sees it: none of its answers counts, in whatever
 * order parcels arrive, and the others stay (invariants 3, 5). */
#include "tests/unit/ledger_fixture.h"

#include "common/form_rule.h"
#include "protocol/session_form.h"

#define OF_SESSION 40u
#define OTHERS     20u
#define ORDERS     12

static struct sub answer(uint64_t number)
{
    struct sub s = grade(number, "", (int64_t)(number % 7));

    s.form = "poll";
    return s;
}

static struct sub taken_back(uint64_t number, uint64_t target)
{
    struct sub s = answer(number);

    s.kind = RECORD_RETRACTION;
    s.target = (struct record_ref){s.gen, target};
    return s;
}

/* 1 to 40 are of the session, 41 to 60 are not, 61 to 100 take the session back: ten a parcel. */
static size_t make_parcels(const struct world *w, struct sealed *out)
{
    struct sub subs[10];
    size_t n = 0;

    for (uint64_t first = 1; first <= 2 * OF_SESSION + OTHERS; first += COUNT(subs), n++) {
        for (uint64_t i = 0; i < COUNT(subs); i++) {
            uint64_t number = first + i;

            subs[i] = number > OF_SESSION + OTHERS ? taken_back(number, number - OF_SESSION - OTHERS) : answer(number);
        }
        seal_array(w, subs, COUNT(subs), n + 1, n == 0 ? NULL : out[n - 1].digest, &out[n]);
    }
    return n;
}

static void a_withdrawn_session_counts_nowhere_in_any_order(void **state)
{
    int64_t sum = 0;

    (void)state;
    for (uint64_t number = OF_SESSION + 1; number <= OF_SESSION + OTHERS; number++)
        sum += (int64_t)(number % 7);
    for (int order = 0; order < ORDERS; order++) {
        struct sealed parcels[16];
        struct world w;
        size_t n;

        *draw_seed() = (uint64_t)order + 1;
        world_open(&w);
        n = make_parcels(&w, parcels);
        for (size_t i = n; i > 1 && order > 0; i--) { /* the first time as they were made */
            size_t k = (size_t)draw(i);
            struct sealed swap = parcels[i - 1];

            parcels[i - 1] = parcels[k];
            parcels[k] = swap;
        }
        for (size_t i = 0; i < n; i++)
            assert_int_equal(take(&w, &parcels[i], NULL), LEDGER_STORED);
        assert_int_equal(cell_of(&w, "mood", "gp", "2020-09", "").n, OTHERS);
        assert_int_equal(cell_of(&w, "mood", "gp", "2020-09", "").sum, sum);
        assert_int_equal(rows_of(&w, H_DEAD), OF_SESSION);
        assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
        if (order < 3)
            assert_int_equal(verify_bad(&w), 0);
        for (size_t i = 0; i < n; i++)
            buf_fini(&parcels[i].bytes);
        world_close(&w);
    }
}

static void a_single_answer_is_never_corrected(void **state)
{
    struct world w;
    struct sub subs[] = {answer(1), answer(2)};
    struct refusal why;
    struct prepared *p;
    struct sealed s;

    (void)state;
    world_open(&w);
    subs[1].kind = RECORD_CORRECTION;
    subs[1].target = (struct record_ref){subs[1].gen, 1};
    seal_array(&w, subs, 2, 1, NULL, &s);
    p = prepare(&w, &s);
    assert_int_equal(p->records[0].reason, 0);
    assert_int_equal(p->records[1].reason, QUARANTINE_TARGET);
    prepared_why(p, &p->records[1], &why);
    assert_int_equal(why.rule, RULE_FINAL);
    prepared_free(p);
    assert_int_equal(take(&w, &s, NULL), LEDGER_STORED);
    assert_int_equal(cell_of(&w, "mood", "gp", "2020-09", "").n, 1);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

/* Nothing can be taken back before it was given. */
static void an_answer_is_taken_back_by_what_comes_after_it_alone(void **state)
{
    struct world w;
    struct sub subs[] = {taken_back(1, 2), answer(2)};
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT] = {0};

    (void)state;
    world_open(&w);
    take_array(&w, subs, 2, 1, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 1);
    assert_int_equal(cell_of(&w, "mood", "gp", "2020-09", "").n, 1);
    world_close(&w);
}

/* ---- the word about a session ---- */

static void the_form_of_sessions_is_the_specifications(void **state) /* SPEC.md section 3.2 */
{
    static const char in_spec[] = "d070e2f685c9375b0e3e4e16967528d0a28daa5da9569b7ff1ebe619f7648478";
    struct builtin_forms b;
    const struct form *f;
    char hex[2 * FORM_DIGEST_BYTES + 1];

    (void)state;
    MUST(builtin_forms_load(&b));
    f = b.forms[BUILTIN_SESSION];
    for (size_t i = 0; i < FORM_DIGEST_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", f->digest[i]);
    assert_string_equal(hex, in_spec);
    assert_int_equal(f->source.len, 1435);
    assert_string_equal(f->id, SESSION_FORM);
    assert_int_equal(f->field_count, SESSION_FIELDS);
    assert_string_equal(f->fields[SESSION_ENTERED].name, "entered");
    assert_string_equal(f->fields[SESSION_STATE].choices->items[SESSION_WITHDRAWN].code, "withdrawn");
    builtin_forms_fini(&b);
}

static void write_word(const struct session_word *word, char *key, struct sub *s, struct value *values)
{
    session_word_write(word, key, values);
    *s = grade(1, "", 0);
    s->form = SESSION_FORM;
    s->values = values;
}

static void the_word_about_a_session_is_counted_as_any_other(void **state)
{
    struct world w;
    struct session_word word = {.form = "poll", .name = "7А", .expected = 25, .state = SESSION_CLOSED, .entered = 24};
    struct session_word got;
    struct value values[SESSION_FIELDS] = {{.state = VALUE_MISSING}};
    char key[SESSION_KEY_MAX + 1];
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT] = {0};
    struct sub s[1];

    (void)state;
    world_open(&w);
    write_word(&word, key, s, values);
    assert_string_equal(key, "poll/7А");
    assert_true(session_word_read(&got, values, SESSION_FIELDS));
    assert_string_equal(got.name, "7А");
    assert_string_equal(got.group, "");
    assert_int_equal(got.expected, 25);
    assert_int_equal(got.entered, 24);
    assert_int_equal(got.state, SESSION_CLOSED);
    take_array(&w, s, 1, 1, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    /* What does not hold together is kept apart. */
    values[SESSION_KEY].as.text = bytes_of("poll/7B", 7);
    s[0].number = 2;
    take_array(&w, s, 1, 2, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 1);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void what_is_no_word_about_a_session_is_not_read(void **state)
{
    struct session_word word = {.form = "poll", .name = "7А", .state = SESSION_OPEN};
    struct session_word got;
    struct value values[SESSION_FIELDS];
    char key[SESSION_KEY_MAX + 1];
    char longer[SESSION_NAME_MAX + 2];

    (void)state;
    session_word_write(&word, key, values);
    assert_true(session_word_read(&got, values, SESSION_FIELDS));
    assert_false(session_word_read(&got, values, SESSION_FIELDS - 1));
    values[SESSION_STATE].as.i = 3;
    assert_false(session_word_read(&got, values, SESSION_FIELDS));
    session_word_write(&word, key, values);
    values[SESSION_ENTERED].as.i = SESSION_EXPECT_MAX + 1;
    assert_false(session_word_read(&got, values, SESSION_FIELDS));
    session_word_write(&word, key, values);
    memset(longer, 'x', sizeof(longer));
    values[SESSION_NAME].as.text = bytes_of(longer, SESSION_NAME_MAX + 1);
    assert_false(session_word_read(&got, values, SESSION_FIELDS));
    values[SESSION_NAME].as.text = bytes_of("a\0b", 3);
    assert_false(session_word_read(&got, values, SESSION_FIELDS));
    values[SESSION_NAME].state = VALUE_MISSING;
    assert_false(session_word_read(&got, values, SESSION_FIELDS));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withdrawn_session_counts_nowhere_in_any_order),
        cmocka_unit_test(a_single_answer_is_never_corrected),
        cmocka_unit_test(an_answer_is_taken_back_by_what_comes_after_it_alone),
        cmocka_unit_test(the_form_of_sessions_is_the_specifications),
        cmocka_unit_test(the_word_about_a_session_is_counted_as_any_other),
        cmocka_unit_test(what_is_no_word_about_a_session_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
