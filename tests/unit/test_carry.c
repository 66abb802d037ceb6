/* What schools send in files, at the hub: invariants 2 (nothing lost), 3 (counted once), 4 (all or nothing), 6 (closed
 * to others), 9 (explained).  Any mixture with the line: test_ledger.c, "any order". */
#include "carry_fixture.h"

#include "hub/words.h"

#define BATCHES 5u

struct stick {
    struct world w;
    struct sealed batches[BATCHES];
    const struct sealed *in[BATCHES];
    struct carry schools;
};

static int open_stick(void **state)
{
    struct stick *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    world_open(&s->w);
    for (size_t i = 0; i < BATCHES; i++) {
        char pupil[8];
        struct sub x;

        (void)snprintf(pupil, sizeof(pupil), "p%zu", i);
        x = grade(i + 1, pupil, (int64_t)i + 5);
        seal_array(&s->w, &x, 1, i + 1, i == 0 ? NULL : s->batches[i - 1].digest, &s->batches[i]);
        s->in[i] = &s->batches[i];
    }
    *state = s;
    return 0;
}

static int close_stick(void **state)
{
    struct stick *s = *state;

    carry_fini(&s->schools);
    for (size_t i = 0; i < BATCHES; i++)
        buf_fini(&s->batches[i].bytes);
    world_close(&s->w);
    free(s);
    return 0;
}

static void each_counts_once(struct stick *s, uint64_t pupils)
{
    assert_int_equal(rows_of(&s->w, H_CURRENT), pupils);
    assert_int_equal(verify_bad(&s->w), 0);
}

static void a_file_is_counted_once_however_often_it_comes(void **state)
{
    struct stick *s = *state;

    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    for (int i = 0; i < 3; i++) {
        struct carry_file f = read_carried(&s->w, "a.svodka", &s->schools);

        assert_true(f.is_whole);
        assert_int_equal(f.problem_count, 0);
        assert_int_equal(f.batches, i == 0 ? BATCHES : 0);
        assert_int_equal(f.again, i == 0 ? 0 : BATCHES);
        assert_int_equal(f.verdicts[VERDICT_COUNTED], i == 0 ? BATCHES : 0);
    }
    each_counts_once(s, BATCHES);
}

/* Cut anywhere: what is whole counts, the rest comes with the next file. */
static void half_a_file_is_taken_as_far_as_it_is_whole_and_told(void **state)
{
    struct stick *s = *state;
    char path[256];
    void *bytes;
    size_t len;
    uint64_t taken = 0;

    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    carried_path(&s->w, "a.svodka", path);
    MUST(cli_read_file(path, 1 << 20, &bytes, &len));
    for (size_t cut = 12; cut < len; cut += 97) {
        struct carry_file f;

        MUST(cli_write_file(path, bytes, cut, 0600, true));
        f = read_carried(&s->w, "a.svodka", &s->schools);
        assert_false(f.is_whole);
        assert_true(f.problem_count >= 1);
        assert_int_equal(f.again, taken);
        taken += f.batches;
        assert_int_equal(rows_of(&s->w, H_CURRENT), taken);
    }
    assert_int_equal(taken, BATCHES); /* only the list was missing at last */
    MUST(cli_write_file(path, bytes, len, 0600, true));
    assert_int_equal(read_carried(&s->w, "a.svodka", &s->schools).problem_count, 0);
    free(bytes);
    each_counts_once(s, BATCHES);
}

/* A changed byte in one part costs that part alone. */
static void a_damaged_part_does_not_hold_up_the_others(void **state)
{
    struct stick *s = *state;
    struct carry_file f;
    char path[256];
    uint8_t *bytes;
    size_t len;

    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    carried_path(&s->w, "a.svodka", path);
    MUST(cli_read_file(path, 1 << 20, (void **)&bytes, &len));
    bytes[12 + 5 + s->batches[0].bytes.len + 32 + 5 + 200] ^= 1; /* in the second part */
    MUST(cli_write_file(path, bytes, len, 0600, true));
    free(bytes);
    f = read_carried(&s->w, "a.svodka", &s->schools);
    assert_false(f.is_whole);
    assert_int_equal(f.problem_count, 1);
    assert_int_equal(f.batches, BATCHES - 1);
    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    f = read_carried(&s->w, "a.svodka", &s->schools);
    assert_int_equal(f.batches, 1);
    each_counts_once(s, BATCHES);
}

static void a_file_for_another_district_changes_nothing(void **state)
{
    struct stick *s = *state;
    struct carry_file f;
    uint64_t before = rows_of(&s->w, H_JOURNAL);

    s->w.hub->district[0] ^= 1;
    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    f = read_carried(&s->w, "a.svodka", &s->schools);
    s->w.hub->district[0] ^= 1;
    assert_int_equal(f.batches, 0);
    assert_true(f.problem_count > 0);
    assert_int_equal(rows_of(&s->w, H_JOURNAL), before);
    assert_int_equal(rows_of(&s->w, H_CURRENT), 0);
}

/* Invariant 6: somebody else's batches in a school's file, and a list that is not the school's. */
static void what_others_put_into_a_file_is_put_aside(void **state)
{
    struct stick *s = *state;
    struct sealed other;
    struct sub x = grade(1, "q", 3);
    struct carry_file f;
    const struct sealed *in[2];

    x.school = 1;
    x.unit = "ms";
    seal_array(&s->w, &x, 1, 1, NULL, &other);
    in[0] = &s->batches[0];
    in[1] = &other;
    write_carried(&s->w, in, 2, "a.svodka");
    f = read_carried(&s->w, "a.svodka", &s->schools);
    assert_string_equal(f.id, "gp");
    assert_int_equal(f.batches, 1);
    assert_int_equal(f.refused, 1);
    assert_int_equal(f.problem_count, 1);
    /* Signed by another: the batches stand by themselves, the list is not believed. */
    {
        struct key *swap = s->w.sign[0];

        s->w.sign[0] = s->w.sign[1];
        write_carried(&s->w, s->in, BATCHES, "a.svodka");
        s->w.sign[0] = swap;
    }
    f = read_carried(&s->w, "a.svodka", &s->schools);
    assert_int_equal(f.batches, BATCHES - 1);
    assert_int_equal(f.problem_count, 1);
    buf_fini(&other.bytes);
    each_counts_once(s, BATCHES);
}

/* What an answer holds, counted. */
struct answer {
    uint32_t directory, grant, objects, receipts, refused, pages, holdings, page_records, words;
    uint64_t last_word;
    bool is_closed;
};

static void note_written(void *ctx, const char *path)
{
    (void)snprintf(ctx, 256, "%s", path);
}

static void count_part(const struct stick *s, const struct bundle_part *p, struct answer *a)
{
    struct receipt receipt;
    struct reconcile page;
    struct word_head word;
    enum signed_type type;

    a->directory += p->kind == BUNDLE_DIRECTORY;
    a->grant += p->kind == BUNDLE_GRANT;
    a->objects += p->kind == BUNDLE_OBJECT;
    a->holdings += p->kind == BUNDLE_HOLDINGS;
    if (p->kind == BUNDLE_RECEIPT) {
        MUST(receipt_open(&receipt, p->bytes, key_public(s->w.hub->sign)));
        a->receipts += receipt.state != RECEIPT_REFUSED;
        a->refused += receipt.state == RECEIPT_REFUSED;
        receipt_fini(&receipt);
    }
    if (p->kind == BUNDLE_WORD) {
        MUST(word_open_head(&word, &type, p->bytes, key_public(s->w.hub->sign)));
        a->words++;
        a->last_word = word.serial;
    }
    if (p->kind == BUNDLE_RECONCILE) {
        MUST(reconcile_open(&page, p->bytes, key_public(s->w.hub->sign)));
        assert_int_equal(page.first, 1);
        a->pages++;
        a->page_records += page.count;
        a->is_closed = page.is_closed;
        reconcile_fini(&page);
    }
}

static struct answer answer_of(struct stick *s)
{
    struct answer a = {.directory = 0};
    struct bundle_about about;
    struct bundle_reader *r;
    struct bundle_part p;
    enum bundle_state state = BUNDLE_PART;
    char path[256] = "";

    assert_int_equal(s->schools.count, 1);
    MUST(carry_answer(s->w.hub, s->schools.schools[0], s->w.dir, note_written, path));
    MUST(bundle_open(&r, path, false, BUNDLE_DEFAULT_MAX));
    assert_int_equal(bundle_direction(r), BUNDLE_DOWN);
    while (state == BUNDLE_PART) {
        MUST(bundle_read(r, &p, &state));
        if (state == BUNDLE_PART)
            count_part(s, &p, &a);
    }
    assert_int_equal(state, BUNDLE_END);
    MUST(bundle_check(r, key_public(s->w.hub->sign), &about));
    assert_string_equal(about.participant, "gp");
    bundle_close(r);
    carry_fini(&s->schools);
    return a;
}

static void the_answer_holds_everything_that_travels_down(void **state)
{
    struct stick *s = *state;
    struct answer a;

    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    (void)read_carried(&s->w, "a.svodka", &s->schools);
    a = answer_of(s);
    assert_int_equal(a.directory, 1);
    assert_int_equal(a.grant, 1);
    assert_true(a.objects >= 4);
    assert_int_equal(a.receipts, BATCHES);
    assert_int_equal(a.refused + a.pages, 0);
    assert_int_equal(a.holdings, 1);
    /* The receipts were lost: the same file again gives them again. */
    (void)read_carried(&s->w, "a.svodka", &s->schools);
    assert_int_equal(answer_of(s).receipts, BATCHES);
}

/* It holds more words than this hub ever said: a copy of the hub was put back. */
static void a_hub_that_went_back_answers_with_its_words_above_those_held(void **state)
{
    struct stick *s = *state;
    struct notice_entry entry = {.ref = {generation_of(1, 7), 1}, .standing = STANDING_REJECTED};
    struct store_txn *t;
    struct answer a;

    MUST(store_begin_write(s->w.hub->store, &t));
    for (int i = 0; i < 3; i++)
        MUST(words_notice(s->w.hub, t, s->w.of[0]->index, NOTICE_REJECTED, "", &entry, 1));
    MUST(store_commit(t));
    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    for (uint64_t held = 0; held < 3; held++) { /* as its greeting says */
        (void)read_carried(&s->w, "a.svodka", &s->schools);
        s->schools.schools[0]->takes_words = true;
        s->schools.schools[0]->words_held = held;
        a = answer_of(s);
        assert_int_equal(a.words, 3 - held);
        assert_int_equal(a.last_word, 3);
    }
    (void)read_carried(&s->w, "a.svodka", &s->schools);
    s->schools.schools[0]->takes_words = true;
    s->schools.schools[0]->words_held = 50;
    a = answer_of(s);
    assert_int_equal(a.words, 3);
    assert_int_equal(a.last_word, 53);
    (void)read_carried(&s->w, "a.svodka", &s->schools); /* one that does not say so is told none */
    s->schools.schools[0]->words_held = 90;
    assert_int_equal(answer_of(s).words, 0);
    (void)read_carried(&s->w, "a.svodka", &s->schools); /* nor did that raise them */
    s->schools.schools[0]->takes_words = true;
    s->schools.schools[0]->words_held = 50;
    assert_int_equal(answer_of(s).last_word, 53);
    assert_int_equal(verify_bad(&s->w), 0);
}

/* SPEC.md 6.6, point 5, from a file: closed, refused in writing, and pages that settle it. */
static void another_history_in_a_file_is_refused_with_the_pages_that_settle_it(void **state)
{
    struct stick *s = *state;
    struct sub x = grade(3, "other", 9);
    const struct sealed *in[1];
    struct sealed fork;
    struct carry_file f;
    struct answer a;

    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    (void)read_carried(&s->w, "a.svodka", &s->schools);
    carry_fini(&s->schools);
    seal_array(&s->w, &x, 1, 3, s->batches[1].digest, &fork); /* as if restored after the second batch */
    in[0] = &fork;
    write_carried(&s->w, in, 1, "fork.svodka");
    for (int again = 0; again < 2; again++) {
        f = read_carried(&s->w, "fork.svodka", &s->schools);
        assert_int_equal(f.batches, 0);
        assert_int_equal(f.refused, 1);
        assert_int_equal(f.problem_count, 0); /* nothing is wrong with the file */
        a = answer_of(s);
        assert_int_equal(a.refused, 1);
        assert_int_equal(a.pages, 1);
        assert_true(a.is_closed);
        assert_int_equal(a.page_records, BATCHES);
        assert_int_equal(a.holdings, 0);
    }
    /* What the hub holds already is still known; a stick from before changes nothing. */
    f = read_carried(&s->w, "a.svodka", &s->schools);
    assert_int_equal(f.again, BATCHES);
    buf_fini(&fork.bytes);
    each_counts_once(s, BATCHES);
}

/* Invariants 3 and 5: a hub that went back hears a later history first, and then the one that it has lost: the numbers
 * stand, so that a correction goes on hitting what it names, whichever computer of the school tells which. */
static void what_the_hub_has_lost_is_taken_as_it_was(void **state)
{
    struct stick *s = *state;
    struct sub x[] = {correction(1, 1, "p0", 17), grade(2, "p9", 3)};
    const struct sealed *in[1];
    struct sealed later;

    for (size_t i = 0; i < 2; i++)
        x[i].gen = generation_of(3, 99);
    seal_array(&s->w, x, 2, 1, NULL, &later);
    in[0] = &later;
    write_carried(&s->w, in, 1, "later.svodka");
    write_carried(&s->w, s->in, BATCHES, "lost.svodka");
    assert_int_equal(read_carried(&s->w, "later.svodka", &s->schools).batches, 1);
    assert_int_equal(read_carried(&s->w, "lost.svodka", &s->schools).batches, BATCHES);
    buf_fini(&later.bytes);
    assert_int_equal(cell_of(&s->w, "grade_mean", "gp", "2020-09", "").sum, (17 + 3 + 6 + 7 + 8 + 9) * 100);
    each_counts_once(s, BATCHES + 1);
}

/* The school's computer is another one, which its registry knows. */
static void replace_computer(struct world *w)
{
    key_free(w->sign[0]);
    MUST(key_generate(&w->sign[0], KEY_SIGN));
    memcpy(((struct participant *)(uintptr_t)w->of[0])->grant.sign_key, key_public(w->sign[0]), KEY_BYTES);
}

/* SPEC.md 7.2, point 3. */
static void a_computer_that_began_anew_is_led_into_a_later_generation(void **state)
{
    struct stick *s = *state;
    struct sub x = grade(1, "other", 9);
    const struct sealed *in[1];
    struct sealed fresh;
    struct answer a;

    write_carried(&s->w, s->in, BATCHES, "a.svodka");
    (void)read_carried(&s->w, "a.svodka", &s->schools);
    carry_fini(&s->schools);
    replace_computer(&s->w);
    x.gen = generation_of(1, 99);
    seal_array(&s->w, &x, 1, 1, NULL, &fresh);
    in[0] = &fresh;
    write_carried(&s->w, in, 1, "fresh.svodka");
    assert_int_equal(read_carried(&s->w, "fresh.svodka", &s->schools).refused, 1);
    a = answer_of(s);
    assert_int_equal(a.refused, 1);
    assert_int_equal(a.pages, 1);
    assert_int_equal(a.page_records, 0);
    assert_true(a.is_closed);
    buf_fini(&fresh.bytes);
    each_counts_once(s, BATCHES);
}

/* Two sticks out of order: the later one counts at once, the gap is named until it is filled. */
static void the_second_stick_may_come_first(void **state)
{
    struct stick *s = *state;
    struct answer a;

    write_carried(&s->w, s->in + 2, BATCHES - 2, "second.svodka");
    write_carried(&s->w, s->in, 2, "first.svodka");
    assert_int_equal(read_carried(&s->w, "second.svodka", &s->schools).batches, BATCHES - 2);
    a = answer_of(s);
    assert_int_equal(a.receipts, BATCHES - 2);
    assert_int_equal(a.holdings, 1);
    assert_int_equal(read_carried(&s->w, "first.svodka", &s->schools).batches, 2);
    assert_int_equal(answer_of(s).receipts, BATCHES);
    each_counts_once(s, BATCHES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_stick, close_stick)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_counted_once_however_often_it_comes),
        TEST(half_a_file_is_taken_as_far_as_it_is_whole_and_told),
        TEST(a_damaged_part_does_not_hold_up_the_others),
        TEST(a_file_for_another_district_changes_nothing),
        TEST(what_others_put_into_a_file_is_put_aside),
        TEST(the_answer_holds_everything_that_travels_down),
        TEST(a_hub_that_went_back_answers_with_its_words_above_those_held),
        TEST(another_history_in_a_file_is_refused_with_the_pages_that_settle_it),
        TEST(what_the_hub_has_lost_is_taken_as_it_was),
        TEST(a_computer_that_began_anew_is_led_into_a_later_generation),
        TEST(the_second_stick_may_come_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
