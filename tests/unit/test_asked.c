/* The school's end of questions (questions.h): how a question stands follows from what was entered since and from what
 * the office accepted, in whatever order the words come, and however often (invariants 3, 9). */
#include "agent/questions.h"

#include "agent_fixture.h"

#define QUESTIONS 4u
#define WORDS     (2 * QUESTIONS)
#define ROUNDS    40u

/* ---- what was entered ---- */

static uint64_t enter(struct school *s, const char *key, int64_t grade, enum record_kind kind, uint64_t target)
{
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    struct capture_deed deed = {.kind = kind, .reason = kind == RECORD_NEW ? NULL : "counted again"};
    struct value values[8];
    struct record_ref ref;
    struct capture *c = NULL;

    assert_in_range(o.form->field_count, 3, 8);
    memset(values, 0, sizeof(values));
    for (uint32_t i = 0; i < o.form->field_count; i++)
        values[i].state = VALUE_MISSING;
    values[0] = (struct value){.state = VALUE_PRESENT, .as.text = bytes_of(key, strlen(key))};
    values[1] = (struct value){.state = VALUE_PRESENT, .as.i = grade};
    if (kind != RECORD_NEW)
        deed.target = (struct record_ref){s->a->gen, target};
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(capture_one(c, kind == RECORD_RETRACTION ? NULL : values, &deed, &ref), OK);
    capture_close(c);
    return ref.number;
}

static void answer(struct school *s, uint64_t question, int64_t asked_ms, const char *remark)
{
    struct capture_options o = {.form = s->a->builtin.forms[BUILTIN_ANSWER], .unit = "gp", .period = "P1"};
    struct answer said = {question, asked_ms, bytes_of(remark, strlen(remark))};
    struct value values[ANSWER_FIELDS];
    struct record_ref ref;
    struct capture *c = NULL;

    answer_write(&said, values);
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(capture_one(c, values, NULL, &ref), OK);
    capture_close(c);
}

/* ---- what the office says ---- */

static struct notice question(const struct school *s, uint64_t number, int64_t asked_ms, uint64_t target)
{
    struct notice n = {.hub_ms = asked_ms, .kind = NOTICE_QUESTION, .has_about = true};

    (void)snprintf(n.text, sizeof(n.text), "Is it?");
    (void)snprintf(n.about.form, sizeof(n.about.form), "grades-por");
    (void)snprintf(n.about.unit, sizeof(n.about.unit), "gp");
    (void)snprintf(n.about.period, sizeof(n.about.period), "P1");
    (void)snprintf(n.about.field, sizeof(n.about.field), "grade");
    n.about.question = number;
    n.about.scope = SCOPE_SUBMISSION;
    n.about.has_target = true;
    n.about.target = (struct record_ref){s->a->gen, target};
    return n;
}

static struct notice acceptance(const struct school *s, int64_t ms, uint64_t newest)
{
    struct notice n = question(s, 0, ms, newest);

    n.kind = NOTICE_ACCEPTED;
    n.text[0] = n.about.field[0] = '\0';
    n.about.scope = SCOPE_RETURN;
    return n;
}

static void hear(struct school *s, const struct notice *n)
{
    struct store_txn *t;

    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(questions_take(s->a, t, n), OK);
    assert_int_equal(store_commit(t), OK);
}

/* One line each: number, when, state, key, was, is, remark. */
static const char *listed(const struct school *s, struct buf *out)
{
    struct asked_list l;

    buf_reset(out);
    assert_int_equal(questions_list(s->a, &l), OK);
    for (size_t i = 0; i < l.count; i++) {
        const struct asked *q = &l.items[i];

        buf_printf(out, "%llu @%lld %s %s %s>%s%s %s\n", (unsigned long long)q->about.question,
                   (long long)(q->asked_ms - TEST_NOW_MS), asked_state_name(q->state), q->key, q->old_value,
                   q->new_value, q->is_withdrawn ? "withdrawn" : "", q->remark);
    }
    asked_list_fini(&l);
    return buf_cstr(out);
}

/* ---- how they stand ---- */

static void a_change_of_the_field_is_an_answer_and_a_change_back_is_none(void **state)
{
    struct school *s = *state;
    struct notice q;
    struct buf out;
    uint64_t first = enter(s, "anna", 5, RECORD_NEW, 0);
    uint64_t last;

    buf_init(&out, 4096);
    (void)enter(s, "boris", 6, RECORD_NEW, 0);
    q = question(s, 1, TEST_NOW_MS, first);
    hear(s, &q);
    assert_string_equal(listed(s, &out), "1 @0 open anna 5>5 \n");
    last = enter(s, "anna", 5, RECORD_CORRECTION, first); /* something else of the row */
    assert_string_equal(listed(s, &out), "1 @0 open anna 5>5 \n");
    last = enter(s, "anna", 7, RECORD_CORRECTION, last);
    assert_string_equal(listed(s, &out), "1 @0 corrected anna 5>7 \n");
    last = enter(s, "anna", 5, RECORD_CORRECTION, last); /* it was right after all: that is still to be said */
    assert_string_equal(listed(s, &out), "1 @0 open anna 5>5 \n");
    answer(s, 1, TEST_NOW_MS, "it is five");
    assert_string_equal(listed(s, &out), "1 @0 checked anna 5>5 it is five\n");
    last = enter(s, "hanna", 8, RECORD_CORRECTION, last); /* the key was wrong, too */
    assert_string_equal(listed(s, &out), "1 @0 corrected hanna 5>8 it is five\n");
    (void)enter(s, "", 0, RECORD_RETRACTION, last);
    assert_string_equal(listed(s, &out), "1 @0 corrected hanna 5>withdrawn it is five\n");
    reopen(s);
    assert_string_equal(listed(s, &out), "1 @0 corrected hanna 5>withdrawn it is five\n");
    buf_fini(&out);
}

static void an_answer_to_another_question_of_that_number_is_none(void **state)
{
    struct school *s = *state;
    struct notice q;
    struct buf out;

    buf_init(&out, 4096);
    q = question(s, 1, TEST_NOW_MS + 5, enter(s, "anna", 5, RECORD_NEW, 0));
    answer(s, 1, TEST_NOW_MS, "of before the hub went back");
    hear(s, &q);
    assert_string_equal(listed(s, &out), "1 @5 open anna 5>5 \n");
    buf_fini(&out);
}

/* ---- order ---- */

static uint64_t draw(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Of each number two questions, the later one after the hub went back; acceptances before, between and after them. */
static void make_words(const struct school *s, uint64_t *x, struct notice words[WORDS + 3])
{
    for (uint64_t i = 0; i < WORDS; i++)
        words[i] = question(s, 1 + i / 2, TEST_NOW_MS + (int64_t)(draw(x) % 50), 1 + i % 3);
    for (uint64_t i = 0; i < 3; i++)
        words[WORDS + i] = acceptance(s, TEST_NOW_MS + (int64_t)(draw(x) % 50), 3);
    for (uint64_t i = 0; i < WORDS; i += 2) /* of one number and time there is one question */
        if (words[i].hub_ms == words[i + 1].hub_ms)
            words[i + 1].hub_ms++;
}

static void shuffle(uint64_t *x, const struct notice *said[], size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t at = draw(x) % i;
        const struct notice *kept = said[i - 1];

        said[i - 1] = said[at];
        said[at] = kept;
    }
}

/* All that is held of before is forgotten first. */
static void hear_all(struct school *s, const struct notice *const said[], size_t count)
{
    struct store_txn *t;

    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(store_clear(t, T_QUESTIONS), OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(questions_take(s->a, t, said[i]), OK);
    assert_int_equal(store_commit(t), OK);
}

/* Which question of a number stands, and what is settled, by the rules of SPEC.md section 5.11 alone. */
static void assert_as_specified(const struct school *s, const struct notice words[WORDS + 3])
{
    struct asked_list l;
    int64_t accepted = INT64_MIN;

    for (size_t i = WORDS; i < WORDS + 3; i++)
        accepted = words[i].hub_ms > accepted ? words[i].hub_ms : accepted;
    assert_int_equal(questions_list(s->a, &l), OK);
    assert_int_equal(l.count, QUESTIONS);
    for (size_t i = 0; i < QUESTIONS; i++) {
        int64_t a = words[2 * i].hub_ms, b = words[2 * i + 1].hub_ms;

        assert_int_equal(l.items[i].about.question, i + 1);
        assert_int_equal(l.items[i].asked_ms, a > b ? a : b);
        assert_int_equal(l.items[i].state == ASKED_ACCEPTED, l.items[i].asked_ms <= accepted);
    }
    asked_list_fini(&l);
}

static void in_whatever_order_words_come_and_however_often_the_list_is_one(void **state) /* invariants 3, 9 */
{
    struct school *s = *state;
    const char *given = getenv("SVODKA_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_mono_ns();
    uint64_t x = seed | 1;
    struct notice words[WORDS + 3];
    const struct notice *said[2 * (WORDS + 3)];
    struct buf first, again;

    print_message("seed %llu\n", (unsigned long long)seed);
    buf_init(&first, 4096);
    buf_init(&again, 4096);
    (void)enter(s, "anna", 5, RECORD_NEW, 0);
    (void)enter(s, "boris", 6, RECORD_NEW, 0);
    (void)enter(s, "clara", 7, RECORD_NEW, 0);
    (void)enter(s, "boris", 9, RECORD_CORRECTION, 2);
    for (unsigned round = 0; round < ROUNDS; round++) {
        make_words(s, &x, words);
        for (size_t i = 0; i < 2 * (WORDS + 3); i++) /* each of them twice */
            said[i] = &words[i % (WORDS + 3)];
        for (unsigned turn = 0; turn < 3; turn++) {
            shuffle(&x, said, 2 * (WORDS + 3));
            hear_all(s, said, 2 * (WORDS + 3));
            assert_as_specified(s, words);
            (void)listed(s, turn == 0 ? &first : &again);
            if (turn > 0)
                assert_string_equal(buf_cstr(&again), buf_cstr(&first));
        }
    }
    buf_fini(&first);
    buf_fini(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_change_of_the_field_is_an_answer_and_a_change_back_is_none, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(an_answer_to_another_question_of_that_number_is_none, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(in_whatever_order_words_come_and_however_often_the_list_is_one, school_open,
                                        school_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
