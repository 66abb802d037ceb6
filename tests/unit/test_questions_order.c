/* How questions stand does not depend on the order in which batches come, nor on how often (invariants 3, 5). */
#include "questions_fixture.h"

#define ROWS   3u
#define EVENTS 12u
#define ASKED  4u

struct plan {
    struct sub subs[EVENTS];
    struct value values[EVENTS][ANSWER_FIELDS];
    char remarks[EVENTS][8];
};

struct pupil {
    char key[24];
    uint64_t current; /* 0: withdrawn */
};

static struct sub change(uint64_t *x, struct pupil *p, uint64_t number)
{
    int64_t value = 5 + (int64_t)(draw_from(x) % 3);
    struct sub s;

    if (p->current == 0) {
        s = grade(number, p->key, value);
    } else if (draw_from(x) % 4 == 0) {
        s = retraction(number, p->current);
        p->current = 0;
        return s;
    } else {
        if (draw_from(x) % 5 == 0)
            (void)snprintf(p->key, sizeof(p->key), "new-%llu", (unsigned long long)number);
        s = correction(number, p->current, p->key, value);
    }
    p->current = number;
    return s;
}

/* What a school may send after it was asked: changes of three rows, and answers. */
static void make_plan(struct plan *p, uint64_t *x, int64_t asked_ms)
{
    struct pupil pupils[ROWS] = {{"anna", 1}, {"boris", 2}, {"clara", 3}};

    for (size_t i = 0; i < EVENTS; i++) {
        uint64_t number = ROWS + 1 + i;

        if (draw_from(x) % 3 == 0) {
            (void)snprintf(p->remarks[i], sizeof(p->remarks[i]), "r%zu", i);
            p->subs[i] = answer(number, 1 + draw_from(x) % (ASKED + 1), asked_ms, p->remarks[i], p->values[i]);
        } else {
            p->subs[i] = change(x, &pupils[draw_from(x) % ROWS], number);
        }
    }
}

/* One line for each, in the list's order. */
static void describe(struct world *w, struct buf *out)
{
    struct lines x = look(w);

    for (size_t i = 0; i < x.count; i++)
        buf_printf(out, "%llu %s %s %s>%s%s %s\n", (unsigned long long)x.at[i].number,
                   question_state_name(x.at[i].state), x.at[i].key, x.at[i].old_value, x.at[i].new_value,
                   x.at[i].is_withdrawn ? "withdrawn" : "", x.at[i].remark);
}

/* The batches come in a drawn order, each of them twice; `x` NULL: in their own, once. */
static void arrive(struct world *w, struct sealed *s, uint64_t *x)
{
    size_t order[2 * EVENTS];
    size_t count = x == NULL ? EVENTS : 2 * EVENTS;

    for (size_t i = 0; i < count; i++)
        order[i] = i % EVENTS;
    for (size_t i = count; x != NULL && i > 1; i--) {
        size_t at = draw_from(x) % i;
        size_t kept = order[i - 1];

        order[i - 1] = order[at];
        order[at] = kept;
    }
    for (size_t i = 0; i < count; i++)
        assert_int_not_equal(take(w, &s[order[i]], NULL), LEDGER_FORK);
}

static void play(uint64_t seed, uint64_t *x, struct buf *out)
{
    static const char *const keys[ROWS] = {"anna", "boris", "clara"};
    struct sealed first[ROWS], s[EVENTS];
    uint64_t planned = seed;
    struct plan *p = calloc(1, sizeof(*p));
    struct question q = {.number = 0};
    struct world w;

    assert_non_null(p);
    world_open(&w);
    for (size_t i = 0; i < ROWS; i++) {
        struct sub sub = grade(i + 1, keys[i], 5);

        seal_array(&w, &sub, 1, i + 1, i == 0 ? NULL : first[i - 1].digest, &first[i]);
        assert_int_equal(take(&w, &first[i], NULL), LEDGER_STORED);
    }
    (void)ask(&w, "anna", "grade");
    (void)ask(&w, "boris", "grade");
    (void)ask(&w, "clara", NULL);
    q = ask(&w, NULL, NULL);
    assert_int_equal(q.number, ASKED);
    make_plan(p, &planned, q.asked_ms);
    for (size_t i = 0; i < EVENTS; i++)
        seal_array(&w, &p->subs[i], 1, ROWS + 1 + i, i == 0 ? first[ROWS - 1].digest : s[i - 1].digest, &s[i]);
    arrive(&w, s, x);
    assert_int_equal(verify_bad(&w), 0);
    describe(&w, out);
    for (size_t i = 0; i < ROWS; i++)
        buf_fini(&first[i].bytes);
    for (size_t i = 0; i < EVENTS; i++)
        buf_fini(&s[i].bytes);
    world_close(&w);
    free(p);
}

static void in_whatever_order_answers_come_and_however_often_a_question_stands_the_same(void **state)
{
    const char *given = getenv("SVODKA_TEST_SEED");
    uint64_t seed = (given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_mono_ns()) | 1;
    uint64_t x = seed * 3 | 1;
    struct buf expected, got;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    buf_init(&expected, 65536);
    buf_init(&got, 65536);
    for (unsigned round = 0; round < 2; round++) {
        uint64_t of_round = seed + 2 * round;

        buf_reset(&expected);
        play(of_round, NULL, &expected);
        for (unsigned turn = 0; turn < 2; turn++) {
            buf_reset(&got);
            play(of_round, &x, &got);
            assert_string_equal(buf_cstr(&got), buf_cstr(&expected));
        }
    }
    buf_fini(&expected);
    buf_fini(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_whatever_order_answers_come_and_however_often_a_question_stands_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
