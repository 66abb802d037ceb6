/* test_closing.c: a closed period is frozen whole: signed, read back to the last bit, kept in the journal, and noticed
 * when anybody changes it (invariants 4, 5 and 7). */
#include "hub/closing.h"
#include "hub/snapshot.h"

#include "ledger_fixture.h"

static const struct snapshot_line plain = {.programme = "plan",
                                           .version = "3",
                                           .indicator = "PLN-1",
                                           .part = "",
                                           .definition = {1, 2, 3, 255},
                                           .is_municipality = true,
                                           .unit = "",
                                           .breakdown = "grade=5;subject=рус",
                                           .is_ok = true,
                                           .value = 33333333, /* a third of 100, times a million */
                                           .has_fraction = true,
                                           .has_denominator = true,
                                           .numerator = 1,
                                           .denominator = 3,
                                           .places = 0,
                                           .n = 3,
                                           .reported = 2,
                                           .expected = 5,
                                           .excluded = 1,
                                           .target = "30-50",
                                           .target_status = "within",
                                           .unit_ru = "%",
                                           .unit_en = "%",
                                           .shown = 1,
                                           .why_not = "",
                                           .used = "2019/20",
                                           .is_reweighted = true,
                                           .class_index = 7};

static void assert_same(const struct snapshot_line *a, const struct snapshot_line *b)
{
    assert_string_equal(a->programme, b->programme);
    assert_string_equal(a->version, b->version);
    assert_string_equal(a->indicator, b->indicator);
    assert_string_equal(a->part, b->part);
    assert_memory_equal(a->definition, b->definition, SNAPSHOT_DIGEST_BYTES);
    assert_int_equal(a->is_municipality, b->is_municipality);
    assert_string_equal(a->unit, b->unit);
    assert_string_equal(a->breakdown, b->breakdown);
    assert_int_equal(a->is_ok, b->is_ok);
    assert_true(a->value == b->value);
    assert_int_equal(a->has_fraction, b->has_fraction);
    assert_int_equal(a->has_denominator, b->has_denominator);
    assert_true(a->numerator == b->numerator);
    assert_true(a->denominator == b->denominator);
    assert_int_equal(a->places, b->places);
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->reported, b->reported);
    assert_int_equal(a->expected, b->expected);
    assert_int_equal(a->excluded, b->excluded);
    assert_string_equal(a->target, b->target);
    assert_string_equal(a->target_status, b->target_status);
    assert_string_equal(a->unit_ru, b->unit_ru);
    assert_string_equal(a->unit_en, b->unit_en);
    assert_int_equal(a->shown, b->shown);
    assert_string_equal(a->why_not, b->why_not);
    assert_string_equal(a->used, b->used);
    assert_int_equal(a->is_reweighted, b->is_reweighted);
    assert_int_equal(a->class_index, b->class_index);
}

/* Three lines: the one above, a unit without data, one whose numbers need 128 bits. */
static void make_lines(struct snapshot_line out[3])
{
    out[0] = plain;
    out[1] = plain;
    out[1].is_municipality = false;
    out[1].unit = "gp";
    out[1].breakdown = "";
    out[1].is_ok = out[1].has_fraction = out[1].has_denominator = out[1].is_reweighted = false;
    out[1].value = out[1].numerator = out[1].denominator = 0;
    out[1].why_not = "no submissions";
    out[2] = plain;
    out[2].numerator = (snapshot_int)INT64_MAX * 1000 + 7;
    out[2].denominator = -(snapshot_int)INT64_MAX * INT64_MAX;
    out[2].value = INT64_MIN;
    out[2].places = 6;
}

static void fill(struct snapshot_writer *w)
{
    struct snapshot_line lines[3];

    make_lines(lines);
    snapshot_writer_init(w);
    for (size_t i = 0; i < 3; i++)
        MUST(snapshot_add(w, &lines[i]));
}

struct compare {
    struct snapshot_line lines[3];
    unsigned count;
};

static enum err compare_line(void *ctx, const struct snapshot_line *l)
{
    struct compare *c = ctx;

    assert_true(c->count < 3);
    assert_same(l, &c->lines[c->count++]);
    return OK;
}

static enum err read_back(struct world *w, const char *period, const char *group, struct snapshot_head *head)
{
    struct compare c = {.count = 0};
    struct store_txn *t;
    enum err e;

    make_lines(c.lines);
    MUST(store_begin_read(w->hub->store, &t));
    e = snapshot_each(w->hub, t, period, group, head, compare_line, &c);
    store_abort(t);
    if (e == OK)
        assert_int_equal(c.count, 3);
    return e;
}

static enum err close_period(struct world *w, const char *period, const char *group, bool force)
{
    struct closing_order o = {period, group,        "office:olga", force ? "the school burnt down" : NULL,
                              force,  force ? 2 : 0};
    struct snapshot_writer lines;
    struct store_txn *t;
    enum err e;

    fill(&lines);
    MUST(store_begin_write(w->hub->store, &t));
    e = closing_close(w->hub, t, &o, &lines);
    if (e == OK)
        finish_txn(w, t);
    else {
        store_abort(t);
        ledger_aborted(w->hub->ledger);
    }
    snapshot_writer_fini(&lines);
    return e;
}

static enum err reopen(struct world *w, const char *period, const char *group)
{
    struct closing_order o = {period, group, "office:olga", "a mistake in the summary", false, 0};
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w->hub->store, &t));
    e = closing_reopen(w->hub, t, &o);
    if (e == OK)
        finish_txn(w, t);
    else {
        store_abort(t);
        ledger_aborted(w->hub->ledger);
    }
    return e;
}

static bool is_closed(struct world *w, const char *period, const char *group)
{
    struct store_txn *t;
    uint64_t lsn;
    bool closed;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(closing_is_closed(t, period, group, &closed, &lsn));
    store_abort(t);
    assert_int_equal(closed, lsn != 0);
    return closed;
}

static void a_snapshot_comes_back_to_the_last_bit(void **state)
{
    struct snapshot_head head;
    struct world w;

    (void)state;
    world_open(&w);
    assert_int_equal(close_period(&w, "2020/21", NULL, false), OK);
    assert_int_equal(read_back(&w, "2020/21", NULL, &head), OK);
    assert_string_equal(head.period, "2020/21");
    assert_string_equal(head.group, "");
    assert_int_equal(head.lines, 3);
    assert_int_equal(head.wall_ms, SOME_MS);
    assert_false(head.is_forced);
    assert_int_equal(read_back(&w, "2019/20", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void equal_lines_make_equal_bytes(void **state)
{
    struct snapshot_head a = {.period = "2020"};
    struct snapshot_head b = {.period = "2020"};
    struct snapshot_writer first, second;
    struct buf list, object;
    struct world w;

    (void)state;
    world_open(&w);
    fill(&first);
    fill(&second);
    buf_init(&list, SNAPSHOT_MAX);
    buf_init(&object, SIGNED_MAX);
    MUST(snapshot_seal(&first, &a, w.hub, &list, &object));
    MUST(snapshot_seal(&second, &b, w.hub, &list, &object));
    assert_memory_equal(a.digest, b.digest, DIGEST_BYTES);
    assert_memory_equal(list.data, list.data + a.length, a.length);
    buf_fini(&list);
    buf_fini(&object);
    snapshot_writer_fini(&first);
    snapshot_writer_fini(&second);
    world_close(&w);
}

static void a_period_is_closed_once_until_it_is_opened_again(void **state)
{
    struct snapshot_head head;
    struct world w;

    (void)state;
    world_open(&w);
    assert_int_equal(reopen(&w, "2020", NULL), ERR_NOT_FOUND);
    assert_int_equal(close_period(&w, "2020", NULL, true), OK);
    assert_true(is_closed(&w, "2020", "results"));
    assert_int_equal(close_period(&w, "2020", NULL, false), ERR_EXISTS);
    assert_int_equal(close_period(&w, "2020", "results", false), ERR_EXISTS); /* with all others */
    assert_int_equal(reopen(&w, "2020", NULL), OK);
    assert_false(is_closed(&w, "2020", "results"));
    assert_int_equal(read_back(&w, "2020", NULL, &head), OK); /* what was frozen stays */
    assert_true(head.is_forced);
    assert_int_equal(head.missing, 2);
    assert_int_equal(reopen(&w, "2020", NULL), ERR_NOT_FOUND);
    clock_test_set(SOME_MS + 1000);
    assert_int_equal(close_period(&w, "2020", NULL, false), OK);
    assert_int_equal(read_back(&w, "2020", NULL, &head), OK);
    assert_int_equal(head.wall_ms, SOME_MS + 1000);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void groups_are_closed_by_themselves(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    assert_int_equal(close_period(&w, "2020", "results", false), OK);
    assert_true(is_closed(&w, "2020", "results"));
    assert_false(is_closed(&w, "2020", "staff"));
    assert_int_equal(read_back(&w, "2020", "results", NULL), OK);
    assert_int_equal(read_back(&w, "2020", NULL, NULL), OK); /* the only one there is */
    assert_int_equal(read_back(&w, "2020", "staff", NULL), ERR_NOT_FOUND);
    assert_int_equal(close_period(&w, "2020", "staff", false), OK);
    assert_int_equal(read_back(&w, "2020", NULL, NULL), ERR_NOT_FOUND); /* which of the two? */
    assert_int_equal(close_period(&w, "2020", NULL, false), OK);        /* the rest, and with it all of it */
    assert_int_equal(read_back(&w, "2020", NULL, NULL), OK);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void texts_that_are_too_long_are_refused_and_nothing_is_closed(void **state)
{
    char text[CLOSING_REASON_MAX + 2];
    struct closing_order o = {"2020", NULL, "olga", text, true, 0};
    struct snapshot_writer lines;
    struct store_txn *t;
    struct world w;

    (void)state;
    world_open(&w);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    fill(&lines);
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(closing_close(w.hub, t, &o, &lines), ERR_LIMIT);
    store_abort(t);
    snapshot_writer_fini(&lines);
    assert_false(is_closed(&w, "2020", ""));
    world_close(&w);
}

/* Key and value of the first row of a table, changed by one bit at `at`. */
static void flip(struct world *w, unsigned table, size_t at)
{
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key, value;
    uint8_t raw[STORE_KEY_MAX];
    uint8_t *changed;
    size_t key_len, len;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(store_cursor_open(t, table, &c));
    MUST(store_last(c, &key, &value));
    key_len = key.len;
    len = value.len;
    memcpy(raw, key.p, key_len);
    changed = malloc(len);
    assert_non_null(changed);
    memcpy(changed, value.p, len);
    store_cursor_close(c);
    changed[at % len] ^= 1;
    MUST(store_put(t, table, bytes_of(raw, key_len), bytes_of(changed, len)));
    MUST(store_commit(t));
    free(changed);
}

static void a_changed_snapshot_is_refused_and_verify_names_it(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    assert_int_equal(close_period(&w, "2020", NULL, false), OK);
    flip(&w, H_BLOBS, 30); /* the lines */
    assert_int_equal(read_back(&w, "2020", NULL, NULL), ERR_CORRUPT);
    assert_int_equal(verify_bad(&w), 1);
    flip(&w, H_BLOBS, 30);
    assert_int_equal(verify_bad(&w), 0);
    flip(&w, H_PERIODS, 150); /* the head in the row */
    assert_int_equal(read_back(&w, "2020", NULL, NULL), ERR_AUTH);
    assert_int_equal(verify_bad(&w), 1);
    world_close(&w);
}

/* Bytes that no writer of ours makes. */
static void a_list_that_is_not_canonical_is_refused(void **state)
{
    struct snapshot_head head = {.period = "2020"};
    struct snapshot_writer lines;
    struct buf list, object;
    struct world w;
    struct compare c = {.count = 0};

    (void)state;
    world_open(&w);
    fill(&lines);
    make_lines(c.lines);
    buf_init(&list, SNAPSHOT_MAX);
    buf_init(&object, SIGNED_MAX);
    MUST(snapshot_seal(&lines, &head, w.hub, &list, &object));
    for (size_t cut = 1; cut < head.length; cut += 7) { /* too short: even when the digest is of it */
        struct snapshot_head shorter = head;

        shorter.length = head.length - cut;
        digest(shorter.digest, bytes_of(list.data, (size_t)shorter.length));
        c.count = 0;
        assert_int_equal(snapshot_read(&shorter, bytes_of(list.data, (size_t)shorter.length), compare_line, &c),
                         ERR_CORRUPT);
    }
    head.lines++; /* another number of lines than was signed */
    c.count = 0;
    assert_int_equal(snapshot_read(&head, bytes_of(list.data, (size_t)head.length), compare_line, &c), ERR_CORRUPT);
    buf_fini(&list);
    buf_fini(&object);
    snapshot_writer_fini(&lines);
    world_close(&w);
}

/* A number that fits 64 bits, written with 128: every number has one form, or equal lines would not make equal bytes.
 */
static void a_number_that_is_wider_than_needed_is_refused(void **state)
{
    static const uint8_t wide[] = {0xc4, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0}; /* 2^63 */
    struct snapshot_line line = plain;
    struct snapshot_head head = {.period = "2020"};
    struct snapshot_writer lines;
    struct buf list, object;
    struct compare c = {.count = 0};
    struct world w;
    uint8_t *at;

    (void)state;
    world_open(&w);
    line.numerator = (snapshot_int)INT64_MAX + 1;
    snapshot_writer_init(&lines);
    MUST(snapshot_add(&lines, &line));
    buf_init(&list, SNAPSHOT_MAX);
    buf_init(&object, SIGNED_MAX);
    MUST(snapshot_seal(&lines, &head, w.hub, &list, &object));
    c.lines[0] = line;
    MUST(snapshot_read(&head, bytes_of(list.data, list.len), compare_line, &c));
    at = memmem(list.data, list.len, wide, sizeof(wide));
    assert_non_null(at);
    at[10] = 0; /* now it is 5 */
    at[17] = 5;
    digest(head.digest, bytes_of(list.data, list.len));
    c.count = 0;
    assert_int_equal(snapshot_read(&head, bytes_of(list.data, list.len), compare_line, &c), ERR_CORRUPT);
    buf_fini(&list);
    buf_fini(&object);
    snapshot_writer_fini(&lines);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_comes_back_to_the_last_bit),
        cmocka_unit_test(equal_lines_make_equal_bytes),
        cmocka_unit_test(a_period_is_closed_once_until_it_is_opened_again),
        cmocka_unit_test(groups_are_closed_by_themselves),
        cmocka_unit_test(texts_that_are_too_long_are_refused_and_nothing_is_closed),
        cmocka_unit_test(a_changed_snapshot_is_refused_and_verify_names_it),
        cmocka_unit_test(a_list_that_is_not_canonical_is_refused),
        cmocka_unit_test(a_number_that_is_wider_than_needed_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
