/* Words: what the hub tells later.  Nothing but the hub's own word changes what a school believes of its submissions
 * (invariant 6), and none is lost or taken twice (invariant 9). */
#include "protocol/notice.h"

#include "tests/unit/protocol_fixture.h"

static void fill_notice(struct notice *n, uint32_t entries)
{
    memset(n, 0, sizeof(*n));
    memset(n->head.district, 0xD1, sizeof(n->head.district));
    strcpy(n->head.participant, "gp");
    n->head.serial = 7;
    n->head.previous = 5;
    n->hub_ms = 1600000000000;
    n->kind = NOTICE_RELEASED;
    strcpy(n->text, "Проверено по телефону");
    n->entry_count = entries;
    n->entries = calloc(entries + 1u, sizeof(*n->entries));
    for (uint32_t i = 0; i < entries; i++) {
        struct notice_entry *at = &n->entries[i];

        at->ref.gen.counter = 1;
        memset(at->ref.gen.tag, 0x5f, TAG_BYTES);
        at->ref.number = i + 1;
        at->standing = i % 2 == 0 ? STANDING_COUNTED : STANDING_QUARANTINED;
        if (at->standing == STANDING_COUNTED)
            continue;
        at->why.reason = QUARANTINE_INVALID;
        at->why.rule = 4;
        strcpy(at->why.field, "grade");
        strcpy(at->why.expected, ". <= 20");
        strcpy(at->why.text, "grade: the answer breaks the form's rule: . <= 20");
    }
}

static void make(struct buf *b, const struct fixture *f, uint32_t entries)
{
    struct notice n;

    fill_notice(&n, entries);
    buf_init(b, SIGNED_MAX);
    assert_int_equal(notice_make(b, &n, f->hub), OK);
    notice_fini(&n);
}

static void a_notice_opens_as_it_was_made(void **state)
{
    struct fixture *f = *state;
    struct notice n;
    struct buf b;

    make(&b, f, 2);
    assert_int_equal(notice_open(&n, buf_view(&b), key_public(f->hub)), OK);
    assert_string_equal(n.head.participant, "gp");
    assert_int_equal(n.head.serial, 7);
    assert_int_equal(n.head.previous, 5);
    assert_int_equal(n.hub_ms, 1600000000000);
    assert_int_equal(n.kind, NOTICE_RELEASED);
    assert_string_equal(n.text, "Проверено по телефону");
    assert_int_equal(n.entry_count, 2);
    assert_int_equal(n.entries[0].standing, STANDING_COUNTED);
    assert_int_equal(n.entries[0].why.reason, 0);
    assert_int_equal(n.entries[1].ref.number, 2);
    assert_int_equal(n.entries[1].ref.gen.tag[7], 0x5f);
    assert_int_equal(n.entries[1].standing, STANDING_QUARANTINED);
    assert_int_equal(n.entries[1].why.reason, QUARANTINE_INVALID);
    assert_int_equal(n.entries[1].why.rule, 4);
    assert_string_equal(n.entries[1].why.field, "grade");
    assert_string_equal(n.entries[1].why.expected, ". <= 20");
    notice_fini(&n);
    notice_fini(&n); /* twice does nothing */
    buf_fini(&b);
}

/* A field that came later: there, or not there. */
static void a_notice_names_the_act_that_erased(void **state)
{
    struct fixture *f = *state;
    struct notice n;
    struct notice again;
    struct buf b;

    fill_notice(&n, 3);
    n.kind = NOTICE_ERASED;
    n.entries[1].standing = STANDING_ERASED;
    n.entries[1].act = INT64_MAX;
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(notice_make(&b, &n, f->hub), OK);
    assert_int_equal(notice_open(&again, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(again.entry_count, 3);
    assert_int_equal(again.entries[0].act, 0);
    assert_true(again.entries[1].act == INT64_MAX);
    assert_int_equal(again.entries[2].act, 0);
    notice_fini(&again);
    n.entries[1].act = UINT64_MAX; /* no number that an act can have */
    buf_reset(&b);
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_INVALID);
    notice_fini(&n);
    buf_fini(&b);
}

static void any_words_head_is_read_without_its_rest(void **state)
{
    struct fixture *f = *state;
    enum signed_type type;
    struct word_head h;
    struct buf b, payload;

    make(&b, f, 1);
    assert_int_equal(word_open_head(&h, &type, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(type, SIGNED_NOTICE);
    assert_int_equal(h.serial, 7);
    assert_int_equal(h.previous, 5);
    buf_init(&payload, 100);
    mp_put_array(&payload, 5);
    word_head_put(&payload, &h);
    mp_put_cstr(&payload, "a page of the history");
    buf_reset(&b);
    assert_int_equal(signed_make(&b, SIGNED_HISTORY, buf_view(&payload), f->hub), OK);
    assert_int_equal(word_open_head(&h, &type, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(type, SIGNED_HISTORY);
    assert_int_equal(word_open_head(&h, &type, buf_view(&b), key_public(f->root)), ERR_AUTH);
    assert_int_equal(word_open_head(&h, &type, buf_view(&f->grant_object), key_public(f->hub)), ERR_VERSION);
    assert_int_equal(word_open_head(&h, &type, bytes_of(b.data, 20), key_public(f->hub)), ERR_MALFORMED);
    buf_fini(&payload);
    buf_fini(&b);
}

static bool notice_opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct notice n;
    bool opened = notice_open(&n, object, key_public(f->hub)) == OK;

    if (!opened)
        assert_null(n.entries);
    notice_fini(&n);
    return opened;
}

static bool head_opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct word_head h;
    enum signed_type type;

    return word_open_head(&h, &type, object, key_public(f->hub)) == OK;
}

static void a_damaged_word_never_opens(void **state)
{
    struct fixture *f = *state;
    struct buf b;

    make(&b, f, 1);
    refuse_damage(buf_view(&b), notice_opens, f);
    refuse_damage(buf_view(&b), head_opens, f);
    buf_fini(&b);
}

static void a_word_of_another_key_is_not_believed(void **state)
{
    struct fixture *f = *state;
    struct notice n;
    struct buf b;

    make(&b, f, 0);
    assert_int_equal(notice_open(&n, buf_view(&b), key_public(f->school)), ERR_AUTH);
    buf_fini(&b);
}

/* The question of SPEC.md section 5.11. */
static void fill_question(struct notice *n)
{
    struct notice_return *r = &n->about;

    fill_notice(n, 0);
    n->kind = NOTICE_QUESTION;
    n->has_about = true;
    strcpy(r->form, "visit");
    strcpy(r->unit, "gp");
    strcpy(r->period, "2020-09");
    strcpy(r->field, "count");
    r->question = 12;
    r->has_due = true;
    r->due = 18555; /* 2020-10-20 */
    r->scope = SCOPE_SUBMISSION;
    r->has_target = true;
    r->target.gen.counter = 1;
    memset(r->target.gen.tag, 0x5f, TAG_BYTES);
    r->target.number = 300;
}

static void make_question(struct buf *b, const struct fixture *f)
{
    struct notice n;

    fill_question(&n);
    buf_init(b, SIGNED_MAX);
    assert_int_equal(notice_make(b, &n, f->hub), OK);
    notice_fini(&n);
}

static void a_question_opens_as_it_was_made(void **state)
{
    struct fixture *f = *state;
    struct notice n;
    struct buf b;

    make_question(&b, f);
    assert_int_equal(notice_open(&n, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(n.kind, NOTICE_QUESTION);
    assert_true(n.has_about);
    assert_string_equal(n.about.form, "visit");
    assert_string_equal(n.about.unit, "gp");
    assert_string_equal(n.about.period, "2020-09");
    assert_string_equal(n.about.field, "count");
    assert_int_equal(n.about.question, 12);
    assert_true(n.about.has_due);
    assert_int_equal(n.about.due, 18555);
    assert_int_equal(n.about.scope, SCOPE_SUBMISSION);
    assert_true(n.about.has_target);
    assert_int_equal(n.about.target.number, 300);
    assert_int_equal(n.about.target.gen.tag[7], 0x5f);
    notice_fini(&n);
    refuse_damage(buf_view(&b), notice_opens, f);
    buf_fini(&b);
    make(&b, f, 0); /* a notice of before */
    assert_int_equal(notice_open(&n, buf_view(&b), key_public(f->hub)), OK);
    assert_false(n.has_about);
    notice_fini(&n);
    buf_fini(&b);
}

/* The vector of SPEC.md section 5.11: what a question is about. */
static void the_bytes_of_a_question_are_as_the_specification_says(void **state)
{
    static const uint8_t about[] = {0x98, 0xa5, 'v',  'i',  's',  'i',  't',  0xa2, 'g',  'p',  0xa7,
                                    '2',  '0',  '2',  '0',  '-',  '0',  '9',  0x0c, 0xa5, 'c',  'o',
                                    'u',  'n',  't',  0xcd, 0x48, 0x7b, 0x02, 0x93, 0x01, 0xc4, 0x08,
                                    0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0xcd, 0x01, 0x2c};
    struct notice n;
    struct buf b;

    (void)state;
    fill_question(&n);
    buf_init(&b, SIGNED_MAX);
    notice_put_body(&b, &n);
    assert_false(b.failed);
    assert_true(b.len > sizeof(about));
    assert_memory_equal(b.data + b.len - sizeof(about), about, sizeof(about));
    buf_fini(&b);
    notice_fini(&n);
}

/* A question that nobody could read would stop all words behind it. */
static void a_question_without_a_form_is_not_made(void **state)
{
    struct fixture *f = *state;
    struct notice n;
    struct buf b;

    fill_question(&n);
    n.about.form[0] = '\0';
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_INVALID);
    buf_fini(&b);
    notice_fini(&n);
}

static void what_a_later_hub_adds_to_a_notice_is_skipped(void **state)
{
    struct fixture *f = *state;
    struct buf made, b;

    make_question(&made, f);
    buf_init(&b, SIGNED_MAX);
    for (int extra = 1; extra <= 23; extra++) {
        resign(&b, buf_view(&made), SIGNED_NOTICE, f->hub, extra);
        assert_true(notice_opens(f, buf_view(&b)));
    }
    resign(&b, buf_view(&made), SIGNED_NOTICE, f->hub, 24);
    assert_false(notice_opens(f, buf_view(&b)));
    resign(&b, buf_view(&made), SIGNED_NOTICE, f->hub, -1); /* of before */
    assert_true(notice_opens(f, buf_view(&b)));
    resign(&b, buf_view(&made), SIGNED_NOTICE, f->hub, -2);
    assert_false(notice_opens(f, buf_view(&b)));
    buf_fini(&made);
    buf_fini(&b);
}

/* A kind and a standing nobody knows yet do not stop the words behind them. */
static void kinds_and_standings_of_later_years_are_borne(void **state)
{
    struct fixture *f = *state;
    struct notice n, again;
    struct buf b;

    fill_notice(&n, 1);
    n.kind = 200;
    n.entries[0].standing = 99;
    n.entries[0].why.rule = 250;
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(notice_make(&b, &n, f->hub), OK);
    assert_int_equal(notice_open(&again, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(again.kind, 200);
    assert_string_equal(standing_name(again.entries[0].standing), "other");
    notice_fini(&again);
    notice_fini(&n);
    buf_fini(&b);
}

/* 1,024 entries with every text as long as it may be are within the limit of a signed object. */
static void the_largest_notice_fits(void **state)
{
    struct fixture *f = *state;
    struct notice n, again;
    struct buf b;

    fill_notice(&n, NOTICE_MAX_ENTRIES);
    memset(n.text, 't', NOTICE_TEXT_MAX);
    for (uint32_t i = 0; i < n.entry_count; i++) {
        n.entries[i].why.reason = QUARANTINE_INVALID;
        memset(n.entries[i].why.text, 't', RECEIPT_TEXT_MAX);
        memset(n.entries[i].why.field, 'f', REFUSAL_FIELD_MAX);
        memset(n.entries[i].why.expected, 'e', REFUSAL_EXPECTED_MAX);
    }
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(notice_make(&b, &n, f->hub), OK);
    assert_int_equal(notice_open(&again, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(again.entry_count, NOTICE_MAX_ENTRIES);
    notice_fini(&again);
    n.entry_count++;
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_LIMIT);
    notice_fini(&n);
    buf_fini(&b);
}

static void a_notice_that_nobody_could_read_is_not_made(void **state)
{
    struct fixture *f = *state;
    struct notice n;
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    fill_notice(&n, 1);
    n.head.previous = n.head.serial;
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_INVALID);
    n.head.previous = 0;
    n.head.serial = 0;
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_INVALID);
    n.head.serial = 1;
    n.kind = 0;
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_INVALID);
    n.kind = NOTICE_HELD;
    n.entries[0].ref.number = 0;
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_INVALID);
    n.entries[0].ref.number = 1;
    n.text[0] = (char)0xFF;
    assert_int_equal(notice_make(&b, &n, f->hub), ERR_INVALID);
    n.text[0] = '\0';
    assert_int_equal(b.len, 0);
    assert_int_equal(notice_make(&b, &n, f->hub), OK);
    notice_fini(&n);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_notice_opens_as_it_was_made, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(a_notice_names_the_act_that_erased, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(any_words_head_is_read_without_its_rest, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(a_damaged_word_never_opens, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(a_word_of_another_key_is_not_believed, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(a_question_opens_as_it_was_made, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(the_bytes_of_a_question_are_as_the_specification_says, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(a_question_without_a_form_is_not_made, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(what_a_later_hub_adds_to_a_notice_is_skipped, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(kinds_and_standings_of_later_years_are_borne, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(the_largest_notice_fits, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(a_notice_that_nobody_could_read_is_not_made, fixture_open, fixture_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
