/* test_questions.c: what the office asks and what the schools answer, from the ledger alone (invariants 3, 5, 9). */
#include "hub/words.h"
#include "questions_fixture.h"

static const uint8_t answer_digest[DIGEST_BYTES] = {0x61, 0xa7, 0x31, 0x0f, 0x9c, 0x91, 0x40, 0x7d, 0x76, 0x46, 0x2d,
                                                    0x1b, 0x6c, 0xa4, 0x98, 0xf2, 0x12, 0x3e, 0x7d, 0x0f, 0x64, 0x0a,
                                                    0x02, 0xcd, 0x7c, 0xe7, 0xe3, 0xc4, 0x3a, 0xad, 0xab, 0x1a};

static void accept_all(struct world *w)
{
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(questions_accept(w->hub, t, "grades", "gp", "2020-09", "office:olga"));
    finish_txn(w, t);
}

static void the_form_of_answers_is_the_specifications(void **state)
{
    struct builtin_forms b;
    const struct form *f;

    (void)state;
    MUST(builtin_forms_load(&b));
    f = b.forms[BUILTIN_ANSWER];
    assert_memory_equal(f->digest, answer_digest, sizeof(answer_digest));
    assert_string_equal(f->id, ANSWER_FORM);
    assert_int_equal(f->field_count, ANSWER_FIELDS);
    assert_true(builtin_is(f, BUILTIN_ANSWER));
    assert_ptr_equal(builtin_form_by_id(&b, ANSWER_FORM), f);
    builtin_forms_fini(&b);
}

static void a_question_is_numbered_and_replayed(void **state) /* invariant 5 */
{
    struct world w;
    struct question q;

    (void)state;
    world_open(&w);
    send_one(&w, grade(1, "anna", 5), 1);
    send_one(&w, grade(2, "boris", 6), 2);
    assert_int_equal(ask(&w, "anna", "grade").number, 1);
    assert_int_equal(ask(&w, NULL, NULL).number, 2);
    assert_int_equal(try_ask(&w, "clara", NULL, &q), ERR_NOT_FOUND);
    assert_int_equal(try_ask(&w, "anna", "grad", &q), ERR_INVALID);
    assert_int_equal(look(&w).count, 2);
    assert_int_equal(verify_bad(&w), 0);
    accept_all(&w);
    assert_int_equal(ask(&w, "boris", "grade").number, 3); /* after the acceptance: not settled by it */
    assert_int_equal(look(&w).at[0].state, QUESTION_ACCEPTED);
    assert_int_equal(look(&w).at[1].state, QUESTION_ACCEPTED);
    assert_int_equal(look(&w).at[2].state, QUESTION_OPEN);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void verify_notices_a_changed_question(void **state) /* invariant 5 */
{
    struct world w;
    struct store_txn *t;
    struct question q;

    (void)state;
    world_open(&w);
    send_one(&w, grade(1, "anna", 5), 1);
    q = ask(&w, "anna", "grade");
    q.due++;
    q.has_due = true;
    MUST(store_begin_write(w.hub->store, &t));
    MUST(question_put(t, &q));
    finish_txn(&w, t);
    assert_int_equal(verify_bad(&w), 1);
    world_close(&w);
}

static void a_change_of_what_was_asked_about_is_an_answer(void **state)
{
    struct world w;
    struct lines x;

    (void)state;
    world_open(&w);
    send_one(&w, grade(1, "anna", 5), 1);
    send_one(&w, grade(2, "boris", 6), 2);
    (void)ask(&w, "anna", "grade");
    (void)ask(&w, "boris", "grade");
    (void)ask(&w, NULL, NULL);
    x = look(&w);
    assert_int_equal(x.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(x.at[i].state, QUESTION_OPEN);
    assert_string_equal(x.at[0].key, "anna");
    assert_string_equal(x.at[0].old_value, "5");
    send_one(&w, correction(3, 1, "anna", 5), 3); /* something else of the row */
    assert_int_equal(look(&w).at[0].state, QUESTION_OPEN);
    assert_int_equal(look(&w).at[2].state, QUESTION_CORRECTED); /* the return as a whole is another one */
    send_one(&w, correction(4, 3, "anna", 7), 4);
    x = look(&w);
    assert_int_equal(x.at[0].state, QUESTION_CORRECTED);
    assert_string_equal(x.at[0].old_value, "5");
    assert_string_equal(x.at[0].new_value, "7");
    assert_int_equal(x.at[1].state, QUESTION_OPEN);
    send_one(&w, retraction(5, 2), 5);
    x = look(&w);
    assert_int_equal(x.at[1].state, QUESTION_CORRECTED);
    assert_true(x.at[1].is_withdrawn);
    assert_string_equal(x.at[1].new_value, "");
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void an_answer_counts_once_and_the_later_one_holds(void **state) /* invariant 3 */
{
    struct world w;
    struct question q;
    struct lines x;
    struct value values[ANSWER_FIELDS];

    (void)state;
    world_open(&w);
    send_one(&w, grade(1, "anna", 5), 1);
    q = ask(&w, "anna", "grade");
    send_one(&w, answer(2, 1, q.asked_ms, "looked at the book", values), 2);
    x = look(&w);
    assert_int_equal(x.at[0].state, QUESTION_CHECKED);
    assert_string_equal(x.at[0].remark, "looked at the book");
    send_one(&w, answer(3, 1, q.asked_ms, "twice", values), 3);
    x = look(&w);
    assert_int_equal(x.count, 1);
    assert_string_equal(x.at[0].remark, "twice");
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void an_answer_to_an_unknown_question_is_not_lost(void **state) /* invariant 9 */
{
    struct world w;
    struct question q;
    struct lines x;
    struct value values[ANSWER_FIELDS];

    (void)state;
    world_open(&w);
    send_one(&w, grade(1, "anna", 5), 1);
    q = ask(&w, "anna", "grade");
    send_one(&w, answer(2, 1, q.asked_ms - 1, "of another time", values), 2); /* that number, another question */
    send_one(&w, answer(3, 99, q.asked_ms, "of nobody", values), 3);
    x = look(&w);
    assert_int_equal(x.count, 3);
    assert_int_equal(x.at[0].state, QUESTION_OPEN);
    assert_int_equal(x.at[1].state, QUESTION_UNKNOWN);
    assert_string_equal(x.at[1].remark, "of another time");
    assert_int_equal(x.at[2].number, 99);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static enum err hear(void *ctx, uint64_t serial, struct bytes object)
{
    struct notice *last = ctx;

    (void)serial;
    assert_null(memmem(object.p, object.len, "anna", 4)); /* a file on a stick is not locked */
    notice_fini(last);
    return notice_open(last, object, bytes_of(object.p + object.len - SIGNATURE_BYTES - KEY_BYTES, KEY_BYTES).p);
}

static void the_school_is_told_without_key_and_value(void **state) /* invariant 6 */
{
    struct world w;
    struct notice n;
    struct store_txn *t;

    (void)state;
    world_open(&w);
    memset(&n, 0, sizeof(n));
    send_one(&w, grade(1, "anna", 5), 1);
    (void)ask(&w, "anna", "grade");
    MUST(store_begin_read(w.hub->store, &t));
    MUST(words_each(w.hub, t, &(struct words_wanted){w.of[0]->index, 0, WORDS_AT_ONCE, SIGNED_FIGURES}, hear, &n));
    store_abort(t);
    assert_int_equal(n.kind, NOTICE_QUESTION);
    assert_string_equal(n.text, "Is it?");
    assert_string_equal(n.about.field, "grade");
    assert_true(n.about.has_target);
    assert_int_equal(n.about.target.number, 1);
    accept_all(&w);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(words_each(w.hub, t, &(struct words_wanted){w.of[0]->index, 0, WORDS_AT_ONCE, SIGNED_FIGURES}, hear, &n));
    store_abort(t);
    assert_int_equal(n.kind, NOTICE_ACCEPTED);
    assert_string_equal(n.about.form, "grades");
    notice_fini(&n);
    world_close(&w);
}

static unsigned last_word(struct world *w, size_t school)
{
    struct notice n;
    struct store_txn *t;
    unsigned kind;

    memset(&n, 0, sizeof(n));
    MUST(store_begin_read(w->hub->store, &t));
    MUST(words_each(w->hub, t, &(struct words_wanted){w->of[school]->index, 0, WORDS_AT_ONCE, SIGNED_FIGURES}, hear,
                    &n));
    store_abort(t);
    kind = n.kind;
    notice_fini(&n);
    return kind;
}

/* A unit goes to another school while a question is open: the one that was asked is told, too. */
static void an_acceptance_is_told_to_whoever_was_asked(void **state)
{
    struct grant *before, *after;
    struct world w;

    (void)state;
    world_open(&w);
    send_one(&w, grade(1, "anna", 5), 1);
    (void)ask(&w, "anna", "grade");
    assert_int_equal(last_word(&w, 0), NOTICE_QUESTION);
    before = (struct grant *)(uintptr_t)&w.of[0]->grant;
    after = (struct grant *)(uintptr_t)&w.of[1]->grant;
    strcpy(before->units[0], "elsewhere");
    strcpy(after->units[after->unit_count++], "gp");
    accept_all(&w);
    assert_int_equal(last_word(&w, 0), NOTICE_ACCEPTED);
    assert_int_equal(last_word(&w, 1), NOTICE_ACCEPTED);
    world_close(&w);
}

static void a_row_is_found_under_its_new_key(void **state)
{
    struct world w;
    struct lines x;

    (void)state;
    world_open(&w);
    send_one(&w, grade(1, "anna", 5), 1);
    (void)ask(&w, "anna", "grade");
    (void)ask(&w, "anna", NULL);
    send_one(&w, correction(2, 1, "hanna", 5), 2);
    x = look(&w);
    assert_int_equal(x.at[0].state, QUESTION_OPEN); /* the grade is as it was */
    assert_false(x.at[0].is_withdrawn);
    assert_string_equal(x.at[0].key, "anna");
    assert_int_equal(x.at[1].state, QUESTION_CORRECTED);
    send_one(&w, correction(3, 2, "johanna", 8), 3);
    x = look(&w);
    assert_int_equal(x.at[0].state, QUESTION_CORRECTED);
    assert_string_equal(x.at[0].old_value, "5");
    assert_string_equal(x.at[0].new_value, "8");
    send_one(&w, retraction(4, 3), 4);
    x = look(&w);
    assert_true(x.at[0].is_withdrawn);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_of_answers_is_the_specifications),
        cmocka_unit_test(a_question_is_numbered_and_replayed),
        cmocka_unit_test(verify_notices_a_changed_question),
        cmocka_unit_test(a_change_of_what_was_asked_about_is_an_answer),
        cmocka_unit_test(an_answer_counts_once_and_the_later_one_holds),
        cmocka_unit_test(an_answer_to_an_unknown_question_is_not_lost),
        cmocka_unit_test(the_school_is_told_without_key_and_value),
        cmocka_unit_test(an_acceptance_is_told_to_whoever_was_asked),
        cmocka_unit_test(a_row_is_found_under_its_new_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
