/* Sessions of anonymous answers at a school (invariants 1, 2, 3): nothing here tells the order of answers, nothing is
 * lost, the same sheet twice is noticed, and what is withdrawn is exactly the session. */
#include "tests/unit/agent_fixture.h"

#include "agent/import.h"
#include "agent/session_internal.h"
#include "common/form_json.h"

#define FORM_ID "satisfaction-parents"
#define PERIOD  "2020/21-H1"
#define BLOCKS  4u
#define TEST(f) cmocka_unit_test_setup_teardown(f, school_open, school_close)

/* ---- answers that can be told apart, to see what nobody should ---- */

static struct capture *open_answers(struct school *s)
{
    struct capture_options o = {.form = agent_form(s->a, FORM_ID), .period = PERIOD};
    struct capture *c = NULL;

    assert_int_equal(capture_open(&c, s->a, &o), OK);
    return c;
}

/* The n-th of 75 answers that differ. */
static void fill_answer(struct capture *c, unsigned n, struct value *values)
{
    const struct form *f = capture_form(c);
    char json[128];
    struct buf keep;

    buf_init(&keep, 1 << 20);
    (void)snprintf(json, sizeof(json), "{\"level\": \"basic\", \"quality\": %u, \"conditions\": %u, \"overall\": %u}",
                   1 + n % 5, 1 + n / 5 % 5, 3 + n / 25 % 3);
    assert_int_equal(form_values_from_json(f, json, strlen(json), values, &keep, NULL), OK);
    assert_int_equal(capture_judge(c, values, false, NULL, NULL), OK);
    buf_fini(&keep);
}

static enum err put_answer(struct school *s, struct capture *c, struct session *to, unsigned n, const char *sheet)
{
    uint8_t mark[SESSION_MARK_BYTES];
    struct session_pool p;
    struct value values[16];
    struct bytes record;
    enum err e;

    session_pool_init(&p);
    fill_answer(c, n, values);
    assert_int_equal(capture_encode(c, values, NULL, &record), OK);
    assert_int_equal(session_pool_add(&p, record), OK);
    if (sheet != NULL)
        session_mark_number(s->a, to, sheet, mark);
    e = session_put(s->a, to, &p, sheet != NULL ? mark : NULL, false);
    session_pool_fini(&p);
    return e;
}

static struct session open_session(struct school *s, const char *name)
{
    static const struct session_by by = {"deputy head", NULL};
    struct session x = {.day = 18500, .word = {.form = FORM_ID, .expected = 40}};

    (void)snprintf(x.word.name, sizeof(x.word.name), "%s", name);
    (void)snprintf(x.unit, sizeof(x.unit), "gp");
    (void)snprintf(x.period, sizeof(x.period), PERIOD);
    assert_int_equal(session_open(s->a, &x, &by), OK);
    return x;
}

/* What the queue holds of the questionnaire, in the order of numbers. */
struct seen {
    unsigned order[256];
    struct record_ref refs[256];
    uint8_t digests[256][RECORD_DIGEST_BYTES];
    size_t count;
    struct record_ref targets[256];
    size_t target_count;
};
static struct seen look(struct school *s)
{
    struct seen x = {.count = 0};
    struct record_space *space = NULL;
    struct queue_reader *reader = NULL;
    const struct form *f = agent_form(s->a, FORM_ID);
    struct queue_item item;
    struct record r;

    assert_int_equal(record_space_new(&space), OK);
    assert_int_equal(queue_reader_open(&reader, s->a, NULL), OK);
    while (queue_reader_next(reader, &item) == OK) {
        assert_int_equal(record_decode_head(&r, item.record), OK);
        if (memcmp(r.form, f->digest, FORM_DIGEST_BYTES) != 0)
            continue;
        assert_int_equal(record_decode(&r, space, item.record, f), OK);
        if (r.kind == RECORD_RETRACTION) {
            x.targets[x.target_count++] = r.target;
            continue;
        }
        assert_int_equal(r.kind, RECORD_NEW);
        assert_false(r.has_time);
        assert_int_equal(r.entered_by.len, 0);
        record_digest(x.digests[x.count], item.record);
        x.refs[x.count] = item.ref;
        x.order[x.count++] = (unsigned)(r.values[1].as.i + 5 * r.values[2].as.i + 25 * (r.values[3].as.i - 2));
    }
    queue_reader_close(reader);
    record_space_free(space);
    return x;
}

static uint64_t rows(struct school *s, char kind)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct bytes key, value;
    uint64_t n = 0;

    assert_int_equal(store_begin_read(s->a->store, &t), OK);
    assert_int_equal(store_cursor_open(t, T_SESSIONS, &c), OK);
    for (enum err e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
        n += key.p[0] == (uint8_t)kind;
    store_cursor_close(c);
    store_abort(t);
    return n;
}

static void assert_whole(struct school *s)
{
    uint64_t bad = 1;

    assert_int_equal(queue_verify(s->a, stderr, &bad), OK);
    assert_int_equal(bad, 0);
}

/* ---- waiting, leaving ---- */

static void answers_wait_until_sixteen_are_together(void **state)
{
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct capture *c = open_answers(s);

    for (unsigned n = 0; n < SESSION_BLOCK - 1; n++)
        assert_int_equal(put_answer(s, c, &x, n, NULL), OK);
    assert_int_equal(look(s).count, 0);
    assert_int_equal(x.kept, SESSION_BLOCK - 1);
    reopen(s); /* what was accepted is there after a restart */
    capture_close(c);
    c = open_answers(s);
    assert_int_equal(put_answer(s, c, &x, SESSION_BLOCK - 1, NULL), OK);
    assert_int_equal(look(s).count, SESSION_BLOCK);
    assert_int_equal(x.kept, 0);
    assert_int_equal(x.word.entered, SESSION_BLOCK);
    assert_int_equal(rows(s, 'b'), 0);
    assert_whole(s);
    capture_close(c);
}

/* Neither as they came in nor the other way round: of the sixty pairs of neighbours about half ascend; fewer than
 * eight, or more than fifty-two, in one of 10^24 runs. */
static void they_leave_in_another_order_than_they_came_in(void **state)
{
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct capture *c = open_answers(s);
    struct seen seen;
    unsigned ascending = 0;

    for (unsigned n = 0; n < BLOCKS * SESSION_BLOCK; n++)
        assert_int_equal(put_answer(s, c, &x, n, NULL), OK);
    seen = look(s);
    assert_int_equal(seen.count, BLOCKS * SESSION_BLOCK);
    for (unsigned n = 0; n < seen.count; n++) {
        ascending += n % SESSION_BLOCK > 0 && seen.order[n] > seen.order[n - 1];
        assert_int_equal(seen.order[n] / SESSION_BLOCK, n / SESSION_BLOCK); /* each with its own block, none lost */
    }
    assert_true(ascending >= 8 && ascending <= 52);
    /* The list of which are its own is in the order of their digests. */
    assert_int_equal(rows(s, 'a'), BLOCKS * SESSION_BLOCK);
    capture_close(c);
}

static void a_closed_session_has_sent_all_and_takes_no_more(void **state)
{
    static const struct session_by by = {NULL, NULL};
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct capture *c = open_answers(s);

    for (unsigned n = 0; n < 21; n++)
        assert_int_equal(put_answer(s, c, &x, n, n == 0 ? "17" : "18"), n < 2 ? OK : ERR_EXISTS);
    assert_int_equal(x.word.entered, 2);
    assert_int_equal(rows(s, 'm'), 2);
    for (unsigned n = 2; n < 21; n++)
        assert_int_equal(put_answer(s, c, &x, n, NULL), OK);
    assert_int_equal(session_close(s->a, &x, &by), OK);
    assert_int_equal(look(s).count, 21);
    assert_int_equal(x.word.state, SESSION_CLOSED);
    assert_int_equal(rows(s, 'b'), 0);
    assert_int_equal(rows(s, 'm'), 0); /* which sheets there were is forgotten */
    assert_int_equal(put_answer(s, c, &x, 22, NULL), ERR_DENIED);
    assert_int_equal(session_close(s->a, &x, &by), ERR_DENIED);
    assert_string_equal(err_text(), "the session \"7A\" is closed: open another one");
    assert_whole(s);
    capture_close(c);
}

static void a_name_is_given_once(void **state)
{
    static const struct session_by by = {NULL, NULL};
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct session same = x, other = x;
    struct session_list l;
    struct session_filter any = {NULL, NULL, NULL, NULL, true};

    assert_int_equal(session_open(s->a, &same, &by), ERR_EXISTS);
    (void)snprintf(other.word.name, sizeof(other.word.name), "7\nB");
    assert_int_equal(session_open(s->a, &other, &by), ERR_USAGE);
    assert_string_equal(err_text(), "a name has no line ends or tabs");
    memset(other.word.name, 'x', 61);
    other.word.name[61] = '\0';
    assert_int_equal(session_open(s->a, &other, &by), ERR_INVALID); /* 60 letters are the form's limit */
    assert_int_equal(session_list(s->a, &any, &l), OK);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.items[0].word.name, "7A");
    assert_int_equal(l.items[0].day, 18500);
    session_list_fini(&l);
}

/* ---- sheets ---- */

static enum err import(struct school *s, const char *text, struct session *x, bool again, uint64_t *queued)
{
    struct import_options o = {.session = x, .again = again};
    struct import_result result;
    struct csv_options csv = {.delimiter = ','};
    struct csv_source *source = NULL;
    struct capture *c = open_answers(s);
    struct report *r = NULL;
    char path[256];
    enum err e;

    write_text(s, "sheet.csv", text, path);
    assert_int_equal(csv_source_open(&source, path, &csv), OK);
    assert_int_equal(report_new(&r, 0), OK);
    e = import_run(s->a, c, csv_source_rows(source), &o, r, &result);
    *queued = result.queued;
    report_free(r);
    csv_source_close(source);
    capture_close(c);
    assert_int_equal(unlink(path), 0);
    return e;
}

static void the_same_sheet_twice_is_noticed_whatever_the_order_of_its_rows(void **state)
{
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct session y = open_session(s, "7B");
    uint64_t queued;

    assert_int_equal(
        import(s, "level,quality,conditions,overall\nbasic,1,2,3\nbasic,2,2,4\nbasic,1,2,3\n", &x, false, &queued), OK);
    assert_int_equal(queued, 3);
    assert_int_equal(
        import(s, "level,quality,conditions,overall\nbasic,2,2,4\nbasic,1,2,3\nbasic,1,2,3\n", &x, false, &queued),
        ERR_EXISTS);
    assert_int_equal(x.word.entered, 3);
    /* One row less is another sheet; so is the same one in another session, and what is said to be. */
    assert_int_equal(import(s, "level,quality,conditions,overall\nbasic,2,2,4\nbasic,1,2,3\n", &x, false, &queued), OK);
    assert_int_equal(
        import(s, "level,quality,conditions,overall\nbasic,2,2,4\nbasic,1,2,3\nbasic,1,2,3\n", &y, false, &queued), OK);
    assert_int_equal(
        import(s, "level,quality,conditions,overall\nbasic,2,2,4\nbasic,1,2,3\nbasic,1,2,3\n", &y, true, &queued), OK);
    assert_int_equal(x.word.entered, 5);
    assert_int_equal(y.word.entered, 6);
    /* All or none. */
    assert_int_equal(import(s, "level,quality,conditions,overall\nbasic,2,2,4\nbasic,9,2,3\n", &y, false, &queued),
                     ERR_INVALID);
    assert_int_equal(y.word.entered, 6);
    assert_int_equal(look(s).count, 0);
}

/* ---- withdrawn ---- */

static bool has_target(const struct seen *x, const struct record_ref *ref)
{
    for (size_t i = 0; i < x->target_count; i++)
        if (record_ref_compare(&x->targets[i], ref) == 0)
            return true;
    return false;
}

static void exactly_the_session_is_withdrawn(void **state)
{
    static const struct session_by by = {NULL, NULL};
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct session y = open_session(s, "7B");
    struct session_withdrawn done;
    struct capture *c = open_answers(s);
    struct seen seen;

    for (unsigned n = 0; n < 20; n++) {
        assert_int_equal(put_answer(s, c, &x, n, NULL), OK);      /* 0 to 15 leave */
        assert_int_equal(put_answer(s, c, &y, 50 + n, NULL), OK); /* 50 to 65 leave */
    }
    assert_int_equal(session_withdraw(s->a, &x, "wrong class", &by, &done), OK);
    assert_int_equal(done.retracted, 16);
    assert_int_equal(done.dropped, 4);
    assert_int_equal(done.missing, 0);
    seen = look(s);
    assert_int_equal(seen.count, 32);
    assert_int_equal(seen.target_count, 16);
    for (size_t i = 0; i < seen.count; i++)
        assert_int_equal(has_target(&seen, &seen.refs[i]), seen.order[i] < 16);
    assert_int_equal(rows(s, 'b'), 1); /* of the other one */
    assert_int_equal(rows(s, 'a'), 16);
    assert_int_equal(session_withdraw(s->a, &x, "again", &by, &done), ERR_DENIED);
    assert_int_equal(put_answer(s, c, &x, 99, NULL), ERR_DENIED);
    assert_whole(s);
    capture_close(c);
}

/* ---- two histories ---- */

/* The hub's word about the school's generation: it holds these records under these numbers. */
static void meet(struct school *s, const struct reconcile_item *items, uint32_t count, uint64_t last)
{
    struct reconcile r = {.first = 1,
                          .last = last,
                          .held_last_number = last,
                          .held_last_sequence = 1,
                          .next_counter = 9,
                          .is_closed = true};
    struct reconcile_item own[64];
    struct reconcile_plan *p = NULL;
    struct buf object;
    uint64_t dropped, renumbered;
    bool is_complete = false;

    assert_true(count <= 64);
    memcpy(own, items, count * sizeof(*items));
    memcpy(r.district, s->directory.district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "gp");
    r.gen = s->a->gen;
    r.items = own;
    r.count = count;
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(reconcile_make(&object, &r, s->hub), OK);
    assert_int_equal(reconcile_begin(&p, s->a, &s->a->gen), OK);
    assert_int_equal(reconcile_feed(p, view(&object), &is_complete), OK);
    assert_true(is_complete);
    assert_int_equal(reconcile_finish(p, &dropped, &renumbered), OK);
    reconcile_free(p);
    buf_fini(&object);
}

/* A copy of the home was made while three answers waited; the original sent them, and the copy meets the hub. */
static void what_the_original_has_sent_does_not_leave_a_copy_again(void **state)
{
    static const struct session_by by = {NULL, NULL};
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct session_withdrawn done;
    struct session_pool waits;
    struct reconcile_item items[2] = {{0}};
    struct capture *c = open_answers(s);
    struct store_txn *t = NULL;
    struct bytes record;
    struct seen seen;
    size_t at = 0;

    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(put_answer(s, c, &x, n, NULL), OK);
    session_pool_init(&waits);
    assert_int_equal(store_begin_read(s->a->store, &t), OK);
    assert_int_equal(session_block_get(s->a, t, x.id, &waits), OK);
    store_abort(t);
    for (uint64_t n = 0; n < 2; n++) { /* two of the three, under numbers of the original's choice */
        assert_true(session_pool_next(&waits, &at, &record));
        items[n].number = 7 + n;
        record_digest(items[n].digest, record);
    }
    session_pool_fini(&waits);
    meet(s, items, 2, 8);
    assert_int_equal(session_read_again(s->a, &x), OK);
    assert_int_equal(x.kept, 1);
    assert_int_equal(x.word.entered, 3);
    /* Withdrawn here, those that the original sent are taken back, too, by the numbers that the hub has them under. */
    assert_int_equal(session_withdraw(s->a, &x, "wrong class", &by, &done), OK);
    assert_int_equal(done.retracted, 2);
    assert_int_equal(done.dropped, 1);
    seen = look(s);
    assert_int_equal(seen.count, 0);
    assert_int_equal(seen.target_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(seen.targets[i].gen.counter, 1);
        assert_int_equal(seen.targets[i].number, 7 + i);
    }
    capture_close(c);
}

/* Answers that get new numbers stay those of their session; so do those that the hub holds under another number. */
static void answers_with_new_numbers_are_withdrawn_all_the_same(void **state)
{
    static const struct session_by by = {NULL, NULL};
    struct school *s = *state;
    struct session x = open_session(s, "7A");
    struct session_withdrawn done;
    struct reconcile_item items[2] = {{0}};
    struct capture *c = open_answers(s);
    struct seen seen;

    for (unsigned n = 0; n < SESSION_BLOCK; n++)
        assert_int_equal(put_answer(s, c, &x, n, NULL), OK);
    seen = look(s);
    items[0].number = seen.refs[0].number; /* the hub holds the first as it is, the second under another number */
    memcpy(items[0].digest, seen.digests[0], RECORD_DIGEST_BYTES);
    items[1].number = 40;
    memcpy(items[1].digest, seen.digests[1], RECORD_DIGEST_BYTES);
    meet(s, items, 2, 40);
    assert_int_equal(s->a->gen.counter, 9);
    assert_int_equal(session_withdraw(s->a, &x, "wrong class", &by, &done), OK);
    assert_int_equal(done.retracted, SESSION_BLOCK);
    assert_int_equal(done.missing, 0);
    seen = look(s);
    assert_int_equal(seen.target_count, SESSION_BLOCK);
    assert_int_equal(seen.count, SESSION_BLOCK - 1);
    for (size_t i = 0; i < seen.count; i++)
        assert_true(has_target(&seen, &seen.refs[i]));
    assert_true(has_target(&seen, &(struct record_ref){.gen = seen.refs[0].gen, .number = 40}));
    assert_whole(s);
    capture_close(c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(answers_wait_until_sixteen_are_together),
        TEST(they_leave_in_another_order_than_they_came_in),
        TEST(a_closed_session_has_sent_all_and_takes_no_more),
        TEST(a_name_is_given_once),
        TEST(the_same_sheet_twice_is_noticed_whatever_the_order_of_its_rows),
        TEST(exactly_the_session_is_withdrawn),
        TEST(what_the_original_has_sent_does_not_leave_a_copy_again),
        TEST(answers_with_new_numbers_are_withdrawn_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
