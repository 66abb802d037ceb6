/* The school's end of the hub's words (word.h): believed only from the hub, taken in order, once, and told in plain
 * words. */
#include "agent/word.h"

#include "agent/standing.h"
#include "agent_fixture.h"
#include "common/form_rule.h"

struct said {
    uint64_t serial, previous, number;
    unsigned standing;
    int64_t hub_ms;
    const char *text;
    uint64_t act;
};

/* A word about one submission, made as the hub makes it; `sign` NULL: by the hub's key. */
static void make_word(struct school *s, const struct said *x, const char *participant, const struct key *sign,
                      struct buf *out)
{
    struct notice_entry entry = {.ref = {s->a->gen, x->number}, .standing = x->standing, .act = x->act};
    struct notice n = {.hub_ms = x->hub_ms, .kind = NOTICE_RELEASED, .entry_count = 1, .entries = &entry};

    if (x->standing == STANDING_QUARANTINED) {
        entry.why.reason = QUARANTINE_INVALID;
        entry.why.rule = RULE_CONSTRAINT;
        (void)snprintf(entry.why.field, sizeof(entry.why.field), "grade");
        (void)snprintf(entry.why.expected, sizeof(entry.why.expected), ". <= 20");
    }
    memcpy(n.head.district, s->directory.district, sizeof(n.head.district));
    (void)snprintf(n.head.participant, sizeof(n.head.participant), "%s", participant);
    n.head.serial = x->serial;
    n.head.previous = x->previous;
    (void)snprintf(n.text, sizeof(n.text), "%s", x->text);
    buf_init(out, SIGNED_MAX);
    assert_int_equal(notice_make(out, &n, sign != NULL ? sign : s->hub), OK);
}

static enum err take(struct school *s, struct said x)
{
    struct buf word;
    enum err e;

    make_word(s, &x, "gp", NULL, &word);
    e = agent_take_word(s->a, view(&word));
    buf_fini(&word);
    return e;
}

static uint64_t held(struct school *s)
{
    uint64_t serial;

    assert_int_equal(agent_words_held(s->a, NULL, &serial), OK);
    return serial;
}

static unsigned standing_of(struct school *s, uint64_t number)
{
    struct record_ref ref = {s->a->gen, number};
    struct standing_row row;
    enum err e = standing_get(s->a, NULL, &ref, &row);

    if (e == ERR_NOT_FOUND)
        return 1000;
    assert_int_equal(e, OK);
    return row.standing;
}

static void collect(void *ctx, int64_t wall_ms, const char *text)
{
    (void)wall_ms;
    buf_printf(ctx, "%s\n", text);
}

static const char *told(struct school *s, struct buf *out)
{
    buf_reset(out);
    assert_int_equal(agent_each_event(s->a, true, collect, out), OK);
    return buf_cstr(out);
}

static void words_are_taken_in_order_and_once(void **state) /* invariant 9 */
{
    struct school *s = *state;
    struct buf text;

    buf_init(&text, 16384);
    assert_int_equal(take(s, (struct said){1, 0, 4, STANDING_REJECTED, TEST_NOW_MS, "twice the same class", 0}), OK);
    assert_int_equal(held(s), 1);
    assert_int_equal(standing_of(s, 4), STANDING_REJECTED);
    assert_non_null(strstr(told(s, &text), "the district will not count it: twice the same class."));
    assert_int_equal(take(s, (struct said){1, 0, 4, STANDING_COUNTED, TEST_NOW_MS + 9, "", 0}), OK); /* again */
    assert_int_equal(standing_of(s, 4), STANDING_REJECTED);
    assert_string_equal(told(s, &text), "");
    assert_int_equal(take(s, (struct said){5, 3, 4, STANDING_COUNTED, TEST_NOW_MS, "", 0}), ERR_NOT_FOUND); /* a hole */
    assert_int_equal(held(s), 1);
    assert_int_equal(standing_of(s, 4), STANDING_REJECTED);
    assert_int_equal(take(s, (struct said){3, 1, 5, STANDING_QUARANTINED, TEST_NOW_MS, "", 0}), OK); /* 2 never was */
    assert_int_equal(take(s, (struct said){5, 3, 4, STANDING_COUNTED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(held(s), 5);
    assert_int_equal(standing_of(s, 4), STANDING_COUNTED);
    assert_int_equal(standing_of(s, 5), STANDING_QUARANTINED);
    assert_non_null(strstr(told(s, &text), "grade: the answer breaks the form's rule: . <= 20."));
    reopen(s);
    assert_int_equal(held(s), 5);
    assert_int_equal(standing_of(s, 4), STANDING_COUNTED);
    buf_fini(&text);
}

/* A hub that was restored continues far above. */
static void a_word_far_above_is_taken_when_it_names_what_is_held(void **state)
{
    struct school *s = *state;

    assert_int_equal(take(s, (struct said){7, 0, 1, STANDING_COUNTED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(take(s, (struct said){(UINT64_C(1) << 32) + 1, 5, 1, STANDING_REJECTED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(held(s), (UINT64_C(1) << 32) + 1);
    assert_int_equal(standing_of(s, 1), STANDING_REJECTED);
}

static void only_the_hubs_words_to_this_school_are_believed(void **state) /* invariant 6 */
{
    struct school *s = *state;
    struct said x = {1, 0, 4, STANDING_REJECTED, TEST_NOW_MS, "no", 0};
    struct key *other;
    struct buf word;

    assert_int_equal(key_generate(&other, KEY_SIGN), OK);
    make_word(s, &x, "gp", other, &word);
    assert_int_equal(agent_take_word(s->a, view(&word)), ERR_AUTH);
    buf_fini(&word);
    make_word(s, &x, "ms", NULL, &word);
    assert_int_equal(agent_take_word(s->a, view(&word)), ERR_AUTH);
    buf_fini(&word);
    memset(s->directory.district, 0xD2, sizeof(s->directory.district));
    make_word(s, &x, "gp", NULL, &word);
    assert_int_equal(agent_take_word(s->a, view(&word)), ERR_AUTH);
    buf_fini(&word);
    assert_int_equal(agent_take_word(s->a, view(&s->grant_object)), ERR_VERSION);
    assert_int_equal(agent_take_word(s->a, bytes_of("SVDO", 4)), ERR_MALFORMED);
    assert_int_equal(held(s), 0);
    assert_int_equal(standing_of(s, 4), 1000);
    key_free(other);
}

static void a_huge_word_is_refused_and_the_largest_taken(void **state) /* invariant 8 */
{
    struct school *s = *state;
    struct notice n = {.hub_ms = TEST_NOW_MS, .kind = NOTICE_HELD, .entry_count = NOTICE_MAX_ENTRIES};
    struct buf word, text;
    uint8_t *huge = calloc(1, SIGNED_MAX + 1u);

    assert_non_null(huge);
    memcpy(huge, "SVDO\1\12", 6);
    assert_int_equal(agent_take_word(s->a, bytes_of(huge, SIGNED_MAX + 1u)), ERR_LIMIT);
    free(huge);
    n.entries = calloc(NOTICE_MAX_ENTRIES, sizeof(*n.entries));
    assert_non_null(n.entries);
    for (uint32_t i = 0; i < NOTICE_MAX_ENTRIES; i++) {
        n.entries[i].ref = (struct record_ref){s->a->gen, i + 1};
        n.entries[i].standing = STANDING_QUARANTINED;
        n.entries[i].why.reason = QUARANTINE_HELD;
    }
    memcpy(n.head.district, s->directory.district, sizeof(n.head.district));
    (void)snprintf(n.head.participant, sizeof(n.head.participant), "gp");
    n.head.serial = 1;
    buf_init(&word, SIGNED_MAX);
    buf_init(&text, 65536);
    assert_int_equal(notice_make(&word, &n, s->hub), OK);
    assert_int_equal(agent_take_word(s->a, view(&word)), OK);
    assert_int_equal(standing_of(s, NOTICE_MAX_ENTRIES), STANDING_QUARANTINED);
    assert_non_null(strstr(told(s, &text), "1004 submissions more"));
    notice_fini(&n);
    buf_fini(&text);
    buf_fini(&word);
}

/* An old receipt that comes after the word about the same submission changes nothing. */
static void what_the_hub_said_last_holds_whatever_comes_last(void **state)
{
    struct school *s = *state;
    struct record_ref ref = {s->a->gen, 4};
    struct standing_row old = {
        .standing = STANDING_QUARANTINED, .hub_ms = TEST_NOW_MS - 1, .why = {.reason = QUARANTINE_HELD}};
    struct store_txn *t;

    assert_int_equal(take(s, (struct said){1, 0, 4, STANDING_COUNTED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(standing_put(s->a, t, &ref, &old), OK);
    assert_int_equal(store_commit(t), OK);
    assert_int_equal(standing_of(s, 4), STANDING_COUNTED);
    old.hub_ms = TEST_NOW_MS + 1; /* the hub went back, and took the batch again */
    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(standing_put(s->a, t, &ref, &old), OK);
    assert_int_equal(store_commit(t), OK);
    assert_int_equal(standing_of(s, 4), STANDING_QUARANTINED);
}

/* The school's own copy goes by its term; that the district destroyed it as well is said for ever. */
static void what_was_destroyed_there_stays_said_when_it_is_gone_here(void **state)
{
    struct school *s = *state;
    struct record_ref ref = {s->a->gen, 4};
    struct standing_act acts[STANDING_ACTS_MAX];
    struct standing_row row;
    char why[STANDING_TEXT];
    size_t count = 99;
    struct store_txn *t;

    assert_int_equal(take(s, (struct said){1, 0, 3, STANDING_QUARANTINED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(take(s, (struct said){2, 1, 4, STANDING_ERASED, TEST_NOW_MS, "", 17}), OK);
    assert_int_equal(take(s, (struct said){3, 2, 5, STANDING_QUARANTINED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(take(s, (struct said){4, 3, 6, STANDING_ERASED, TEST_NOW_MS, "", 17}), OK);
    assert_int_equal(take(s, (struct said){5, 4, 7, STANDING_REJECTED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(take(s, (struct said){6, 5, 8, STANDING_ERASED, TEST_NOW_MS, "", 0}), OK);
    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(standing_forget(s->a, t, &s->a->gen, 1, 6), OK);
    assert_int_equal(store_commit(t), OK);
    assert_int_equal(standing_get(s->a, NULL, &ref, &row), OK);
    assert_int_equal(row.standing, STANDING_ERASED);
    assert_int_equal(row.act, 17);
    standing_why(why, &row, NULL);
    assert_non_null(strstr(why, "17"));
    for (ref.number = 3; ref.number <= 5; ref.number += 2)
        assert_int_equal(standing_get(s->a, NULL, &ref, &row), ERR_NOT_FOUND);
    assert_int_equal(standing_of(s, 7), STANDING_REJECTED);
    assert_int_equal(standing_acts(s->a, acts, &count), OK);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(acts[i].submissions, acts[i].act == 17 ? 2 : 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_are_taken_in_order_and_once, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_word_far_above_is_taken_when_it_names_what_is_held, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(only_the_hubs_words_to_this_school_are_believed, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_huge_word_is_refused_and_the_largest_taken, school_open, school_close),
        cmocka_unit_test_setup_teardown(what_the_hub_said_last_holds_whatever_comes_last, school_open, school_close),
        cmocka_unit_test_setup_teardown(what_was_destroyed_there_stays_said_when_it_is_gone_here, school_open,
                                        school_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
