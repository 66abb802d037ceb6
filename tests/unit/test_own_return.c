/* test_own_return.c: a return as it stands at the school: what is in it, how it was marked, what has changed since, and
 * what may be said of it (invariant 3: each submission once). */
#include "agent/own_return.h"

#include "agent/capture.h"
#include "agent_fixture.h"
#include "protocol/builtin.h"

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

static struct own_return *look(struct school *s)
{
    struct own_return *r = NULL;

    assert_int_equal(own_return_read(&r, s->a, agent_form(s->a, "grades-por"), "gp", "P1"), OK);
    return r;
}

static enum err mark(struct school *s, enum cover_state state, const char *approved_by, const char *reason,
                     bool *is_new)
{
    struct return_marking m = {.state = state, .approved_by = approved_by, .reason = reason};
    struct own_return *r = look(s);
    enum err e = own_return_mark(s->a, r, &m, is_new);

    own_return_free(r);
    return e;
}

static void marked(struct school *s, enum cover_state state, const char *approved_by, const char *reason)
{
    bool is_new = false;

    assert_int_equal(mark(s, state, approved_by, reason, &is_new), OK);
    assert_true(is_new);
}

/* "KEY=CHANGE ..." of all lines, then the counts. */
static void assert_lines(struct school *s, const char *expected)
{
    static const char *const changes[] = {"", "added", "corrected", "withdrawn"};
    struct own_return *r = look(s);
    struct buf out;

    buf_init(&out, 4096);
    for (size_t i = 0; i < r->count; i++)
        buf_printf(&out, "%s=%s ", r->lines[i].key, changes[r->lines[i].change]);
    buf_printf(&out, "%d+%d~%d-%d%s", (int)r->rows, (int)r->added, (int)r->corrected, (int)r->withdrawn,
               r->is_changed ? " changed" : "");
    assert_string_equal(buf_cstr(&out), expected);
    buf_fini(&out);
    own_return_free(r);
}

static void a_return_is_what_is_current_and_its_digest_covers_just_that(void **state)
{
    struct school *s = *state;
    uint8_t digests[2][RECORD_DIGEST_BYTES], expected[DIGEST_BYTES];
    struct own_return *r;
    struct buf record;
    uint64_t kept[2];

    (void)enter(s, "p-2", 5, RECORD_NEW, 0);
    kept[0] = enter(s, "p-2", 6, RECORD_NEW, 0); /* the row again: it replaces the first */
    (void)enter(s, "p-3", 7, RECORD_NEW, 0);
    (void)enter(s, "p-10", 9, RECORD_NEW, 0);
    kept[1] = enter(s, "p-10", 8, RECORD_CORRECTION, 4);
    (void)enter(s, "p-3", 7, RECORD_RETRACTION, 3);
    r = look(s);
    assert_int_equal(r->rows, 2);
    assert_int_equal(r->count, 2);
    assert_string_equal(r->lines[0].key, "p-2"); /* before p-10 */
    buf_init(&record, RECORD_MAX);
    for (size_t i = 0; i < 2; i++) {
        struct record_ref ref = {s->a->gen, kept[i]};

        assert_int_equal(r->lines[i].ref.number, kept[i]);
        buf_reset(&record);
        assert_int_equal(queue_get(s->a, &ref, &record), OK);
        record_digest(digests[i], view(&record));
    }
    return_digest(expected, digests, 2);
    assert_memory_equal(r->digest, expected, DIGEST_BYTES);
    assert_false(r->has_cover);
    assert_int_equal(r->lines[0].change, CHANGE_NONE);
    buf_fini(&record);
    own_return_free(r);
}

static void only_what_is_true_can_be_said_of_a_return(void **state)
{
    struct school *s = *state;
    bool is_new = true;

    assert_int_equal(mark(s, COVER_COMPLETE, NULL, NULL, &is_new), ERR_INVALID);
    assert_false(is_new);
    assert_int_equal(mark(s, COVER_PARTIAL, NULL, NULL, &is_new), ERR_INVALID);
    marked(s, COVER_NOTHING, NULL, NULL);
    (void)enter(s, "p-1", 5, RECORD_NEW, 0);
    assert_int_equal(mark(s, COVER_NOTHING, NULL, "why not", &is_new), ERR_INVALID);
    assert_int_equal(mark(s, COVER_COMPLETE, NULL, NULL, &is_new), ERR_INVALID); /* other than it was: why? */
    assert_int_equal(mark(s, COVER_COMPLETE, NULL, "", &is_new), ERR_INVALID);
    marked(s, COVER_COMPLETE, NULL, "found one");
    assert_int_equal(waiting(s), 3);
    assert_lines(s, "p-1= 1+0~0-0");
}

static void the_same_is_not_said_twice_and_an_approval_holds_as_long_as_nothing_changes(void **state)
{
    struct school *s = *state;
    struct own_return *r;
    bool is_new = true;

    (void)enter(s, "p-1", 5, RECORD_NEW, 0);
    marked(s, COVER_COMPLETE, "Boris", NULL);
    assert_int_equal(mark(s, COVER_COMPLETE, NULL, NULL, &is_new), OK);
    assert_false(is_new);
    assert_int_equal(mark(s, COVER_COMPLETE, "Boris", NULL, &is_new), OK);
    assert_false(is_new);
    assert_int_equal(waiting(s), 2);
    marked(s, COVER_PARTIAL, NULL, NULL);
    r = look(s);
    assert_int_equal(r->cover.state, COVER_PARTIAL);
    assert_string_equal(r->cover.approved_by, "Boris"); /* the content is the same */
    assert_true(r->cover.has_approved_on);
    assert_int_equal(r->cover.approved_on, TEST_NOW_MS / 86400000);
    own_return_free(r);
    (void)enter(s, "p-2", 5, RECORD_NEW, 0);
    marked(s, COVER_PARTIAL, NULL, "one more");
    r = look(s);
    assert_string_equal(r->cover.approved_by, ""); /* nobody has approved this */
    assert_false(r->cover.has_approved_on);
    assert_string_equal(r->cover.reason, "one more");
    own_return_free(r);
}

static void what_has_changed_since_the_mark_is_told_row_by_row(void **state)
{
    struct school *s = *state;
    uint64_t at;

    for (unsigned i = 1; i <= 5; i++) {
        char key[8];

        (void)snprintf(key, sizeof(key), "p-%u", i);
        (void)enter(s, key, 5, RECORD_NEW, 0);
    }
    (void)enter(s, "p-5", 5, RECORD_RETRACTION, 5);
    marked(s, COVER_COMPLETE, NULL, NULL);
    assert_lines(s, "p-1= p-2= p-3= p-4= 4+0~0-0");
    (void)enter(s, "p-1", 6, RECORD_CORRECTION, 1);
    (void)enter(s, "p-22", 6, RECORD_CORRECTION, 2); /* under another key: neither added nor withdrawn */
    (void)enter(s, "p-3", 5, RECORD_RETRACTION, 3);
    (void)enter(s, "p-4", 7, RECORD_NEW, 0); /* the row anew */
    (void)enter(s, "p-5", 7, RECORD_NEW, 0); /* withdrawn before the mark */
    at = enter(s, "p-6", 7, RECORD_NEW, 0);
    (void)enter(s, "p-6", 7, RECORD_RETRACTION, at); /* come and gone */
    assert_lines(s, "p-1=corrected p-4=corrected p-5=added p-22=corrected p-3=withdrawn 4+1~3-1 changed");
    marked(s, COVER_COMPLETE, NULL, "checked");
    assert_lines(s, "p-1= p-4= p-5= p-22= 4+0~0-0");
    reopen(s);
    assert_lines(s, "p-1= p-4= p-5= p-22= 4+0~0-0");
}

static void a_withdrawn_mark_is_none(void **state)
{
    struct school *s = *state;
    struct capture_options o = {.form = s->a->builtin.forms[BUILTIN_COVER], .unit = "gp", .period = "P1"};
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = "too early"};
    struct capture *c = NULL;
    struct own_return *r;

    (void)enter(s, "p-1", 5, RECORD_NEW, 0);
    marked(s, COVER_COMPLETE, NULL, NULL);
    r = look(s);
    deed.target = r->cover.ref;
    own_return_free(r);
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(capture_one(c, NULL, &deed, &(struct record_ref){.number = 0}), OK);
    capture_close(c);
    r = look(s);
    assert_false(r->has_cover);
    assert_false(r->is_changed);
    own_return_free(r);
}

/* "Nothing" keeps the day on which it was said first, however often it is approved afterwards. */
static void nothing_said_again_corrects_what_was_said_before(void **state)
{
    struct school *s = *state;
    struct buf out;

    buf_init(&out, 4096);
    marked(s, COVER_NOTHING, NULL, NULL);
    marked(s, COVER_NOTHING, "Boris", NULL);
    assert_string_equal(all_submissions(s, &out), "new return-cover gp P1 grades-por 1\n"
                                                  "correction return-cover gp P1 grades-por 2\n");
    buf_fini(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)
    const struct CMUnitTest tests[] = {
        TEST(a_return_is_what_is_current_and_its_digest_covers_just_that),
        TEST(only_what_is_true_can_be_said_of_a_return),
        TEST(the_same_is_not_said_twice_and_an_approval_holds_as_long_as_nothing_changes),
        TEST(what_has_changed_since_the_mark_is_told_row_by_row),
        TEST(a_withdrawn_mark_is_none),
        TEST(nothing_said_again_corrects_what_was_said_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
