/* Receipts and reconcile answers: the words on which a school lets go of its copy (invariant 2) and on which numbers
 * are given anew (invariant 3). */
#include "protocol/receipt.h"

#include "tests/unit/protocol_fixture.h"

static void fill_receipt(struct receipt *r, uint32_t refusals)
{
    memset(r, 0, sizeof(*r));
    memset(r->district, 0xD1, sizeof(r->district));
    strcpy(r->participant, "gp");
    r->gen.counter = 1;
    memset(r->gen.tag, 0x5f, TAG_BYTES);
    r->sequence = 17;
    memset(r->batch, 0xBA, DIGEST_BYTES);
    r->state = RECEIPT_STORED;
    r->hub_ms = 1600000000000;
    r->ledger_number = 99;
    r->directory_version = 7;
    r->verdicts[VERDICT_COUNTED] = 60000;
    r->verdicts[VERDICT_QUARANTINED] = refusals;
    r->refusal_count = refusals;
    r->refusals = calloc(refusals + 1u, sizeof(*r->refusals));
    for (uint32_t i = 0; i < refusals; i++) {
        r->refusals[i].number = i + 1;
        r->refusals[i].why.reason = QUARANTINE_UNIT;
        strcpy(r->refusals[i].why.text, "unit: other is not yours");
    }
}

static void make(struct buf *b, const struct fixture *f, uint32_t refusals)
{
    struct receipt r;

    fill_receipt(&r, refusals);
    buf_init(b, SIGNED_MAX);
    assert_int_equal(receipt_make(b, &r, f->hub), OK);
    receipt_fini(&r);
}

static void a_receipt_opens_as_it_was_made(void **state)
{
    struct fixture *f = *state;
    struct receipt r;
    struct buf b;

    make(&b, f, 2);
    assert_int_equal(receipt_open(&r, buf_view(&b), key_public(f->hub)), OK);
    assert_string_equal(r.participant, "gp");
    assert_int_equal(r.gen.counter, 1);
    assert_int_equal(r.gen.tag[7], 0x5f);
    assert_int_equal(r.sequence, 17);
    assert_int_equal(r.batch[31], 0xBA);
    assert_int_equal(r.state, RECEIPT_STORED);
    assert_int_equal(r.hub_ms, 1600000000000);
    assert_int_equal(r.ledger_number, 99);
    assert_int_equal(r.directory_version, 7);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 60000);
    assert_int_equal(r.verdicts[VERDICT_QUARANTINED], 2);
    assert_int_equal(r.refusal_count, 2);
    assert_int_equal(r.refusals[1].number, 2);
    assert_int_equal(r.refusals[1].why.reason, QUARANTINE_UNIT);
    assert_string_equal(r.refusals[1].why.text, "unit: other is not yours");
    receipt_fini(&r);
    receipt_fini(&r); /* twice does nothing */
    buf_fini(&b);
}

static bool receipt_opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct receipt r;
    bool opened = receipt_open(&r, object, key_public(f->hub)) == OK;

    if (!opened)
        assert_null(r.refusals);
    receipt_fini(&r);
    return opened;
}

static void a_damaged_receipt_never_opens(void **state)
{
    struct fixture *f = *state;
    struct buf b;

    make(&b, f, 1);
    refuse_damage(buf_view(&b), receipt_opens, f);
    buf_fini(&b);
}

static void a_receipt_of_another_key_is_not_believed(void **state)
{
    struct fixture *f = *state;
    struct receipt r;
    struct buf b;

    make(&b, f, 0);
    assert_int_equal(receipt_open(&r, buf_view(&b), key_public(f->root)), ERR_AUTH);
    buf_fini(&b);
}

static void what_a_later_hub_adds_to_a_receipt_is_skipped(void **state)
{
    struct fixture *f = *state;
    struct buf made, b;

    make(&made, f, 1);
    buf_init(&b, SIGNED_MAX);
    for (int extra = 1; extra <= 20; extra++) {
        resign(&b, buf_view(&made), SIGNED_RECEIPT, f->hub, extra);
        assert_true(receipt_opens(f, buf_view(&b)));
    }
    resign(&b, buf_view(&made), SIGNED_RECEIPT, f->hub, 21);
    assert_false(receipt_opens(f, buf_view(&b)));
    resign(&b, buf_view(&made), SIGNED_RECEIPT, f->hub, -1);
    assert_false(receipt_opens(f, buf_view(&b)));
    buf_fini(&made);
    buf_fini(&b);
}

/* A fifth verdict and a reason nobody knows yet: the receipt still frees the batch. */
static void verdicts_and_reasons_of_later_years_do_not_spoil_a_receipt(void **state)
{
    struct fixture *f = *state;
    struct receipt r;
    struct buf payload, b;

    fill_receipt(&r, 0);
    buf_init(&payload, SIGNED_MAX);
    buf_init(&b, SIGNED_MAX);
    mp_put_array(&payload, 12);
    mp_put_bin(&payload, r.district, 16);
    mp_put_cstr(&payload, "gp");
    mp_put_uint(&payload, 1);
    mp_put_bin(&payload, r.gen.tag, TAG_BYTES);
    mp_put_uint(&payload, 17);
    mp_put_bin(&payload, r.batch, DIGEST_BYTES);
    for (unsigned i = 0; i < 4; i++)
        mp_put_uint(&payload, 2);
    mp_put_array(&payload, 5);
    for (unsigned i = 0; i < 5; i++)
        mp_put_uint(&payload, i);
    mp_put_array(&payload, 1);
    mp_put_array(&payload, 4);
    mp_put_uint(&payload, 5);
    mp_put_uint(&payload, 200);
    mp_put_cstr(&payload, "new rule");
    mp_put_nil(&payload);
    receipt_fini(&r);
    assert_int_equal(signed_make(&b, SIGNED_RECEIPT, buf_view(&payload), f->hub), OK);
    assert_int_equal(receipt_open(&r, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(r.state, RECEIPT_ARCHIVED);
    assert_int_equal(r.verdicts[3], 3);
    assert_int_equal((int)r.refusals[0].why.reason, 200);
    assert_string_equal(quarantine_reason_name(r.refusals[0].why.reason), "other");
    receipt_fini(&r);
    buf_fini(&payload);
    buf_fini(&b);
}

static void a_receipt_names_1024_refusals_and_not_one_more(void **state)
{
    struct fixture *f = *state;
    struct receipt r, again;
    struct buf b;

    fill_receipt(&r, RECEIPT_MAX_REFUSALS);
    for (uint32_t i = 0; i < r.refusal_count; i++)
        memset(r.refusals[i].why.text, 't', RECEIPT_TEXT_MAX);
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(receipt_make(&b, &r, f->hub), OK);
    assert_int_equal(receipt_open(&again, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(again.refusal_count, RECEIPT_MAX_REFUSALS);
    assert_int_equal(strlen(again.refusals[1023].why.text), RECEIPT_TEXT_MAX);
    receipt_fini(&again);
    buf_reset(&b);
    r.refusal_count++;
    assert_int_equal(receipt_make(&b, &r, f->hub), ERR_LIMIT);
    r.refusal_count = 1;
    r.refusals[0].number = 0;
    assert_int_equal(receipt_make(&b, &r, f->hub), ERR_INVALID);
    r.refusals[0].number = 1;
    r.sequence = 0;
    assert_int_equal(receipt_make(&b, &r, f->hub), ERR_INVALID);
    r.sequence = 1;
    r.verdicts[0] = BATCH_MAX_RECORDS + 1;
    assert_int_equal(receipt_make(&b, &r, f->hub), ERR_INVALID);
    r.verdicts[0] = BATCH_MAX_RECORDS;
    r.state = (enum receipt_state)4;
    assert_int_equal(receipt_make(&b, &r, f->hub), ERR_INVALID);
    assert_int_equal(b.len, 0);
    receipt_fini(&r);
    buf_fini(&b);
}

static void names_are_one_word_each(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(VERDICT_COUNTED), "counted");
    assert_string_equal(verdict_name(VERDICT_SUPERSEDED), "superseded");
    assert_string_equal(verdict_name(VERDICT_DUPLICATE), "duplicate");
    assert_string_equal(verdict_name(VERDICT_QUARANTINED), "quarantined");
    assert_string_equal(verdict_name((enum verdict)9), "other");
    for (unsigned i = QUARANTINE_UNKNOWN_FORM; i <= QUARANTINE_CONFLICT; i++) {
        assert_string_not_equal(quarantine_reason_name((enum quarantine_reason)i), "other");
        for (unsigned k = QUARANTINE_UNKNOWN_FORM; k < i; k++)
            assert_string_not_equal(quarantine_reason_name((enum quarantine_reason)i),
                                    quarantine_reason_name((enum quarantine_reason)k));
    }
}

/* ---- reconcile ---- */

static void fill_reconcile(struct reconcile *r, uint32_t count)
{
    memset(r, 0, sizeof(*r));
    memset(r->district, 0xD1, sizeof(r->district));
    strcpy(r->participant, "gp");
    r->gen.counter = 1;
    r->first = 80;
    r->last = 80 + 3 * (uint64_t)RECONCILE_MAX;
    r->held_last_number = r->last;
    r->held_last_sequence = 8;
    r->next_counter = 2;
    r->is_closed = true;
    r->count = count;
    r->items = calloc(count + 1u, sizeof(*r->items));
    for (uint32_t i = 0; i < count; i++) {
        r->items[i].number = 80 + i + i / 7; /* runs of seven with holes between */
        r->items[i].digest[0] = (uint8_t)i;
        r->items[i].digest[15] = 0xEE;
    }
}

static void expect_reconcile(const struct fixture *f, const struct reconcile *r)
{
    struct reconcile again;
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    assert_int_equal(reconcile_make(&b, r, f->hub), OK);
    assert_int_equal(reconcile_open(&again, buf_view(&b), key_public(f->hub)), OK);
    assert_string_equal(again.participant, r->participant);
    assert_int_equal(again.first, r->first);
    assert_int_equal(again.last, r->last);
    assert_int_equal(again.held_last_number, r->held_last_number);
    assert_int_equal(again.held_last_sequence, r->held_last_sequence);
    assert_int_equal(again.next_counter, r->next_counter);
    assert_int_equal(again.is_closed, r->is_closed);
    assert_int_equal(again.count, r->count);
    for (uint32_t i = 0; i < r->count; i++) {
        assert_int_equal(again.items[i].number, r->items[i].number);
        assert_memory_equal(again.items[i].digest, r->items[i].digest, RECORD_DIGEST_BYTES);
    }
    reconcile_fini(&again);
    buf_fini(&b);
}

static void a_reconcile_answer_opens_as_it_was_made_up_to_a_full_page(void **state)
{
    static const uint32_t counts[] = {0, 1, 6, 7, 8, 100, RECONCILE_MAX - 1, RECONCILE_MAX};
    struct reconcile r;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        fill_reconcile(&r, counts[i]);
        expect_reconcile(*state, &r);
        reconcile_fini(&r);
    }
    fill_reconcile(&r, RECONCILE_MAX); /* every number a run of its own */
    for (uint32_t i = 0; i < r.count; i++)
        r.items[i].number = 80 + 2 * (uint64_t)i;
    expect_reconcile(*state, &r);
    r.first = r.items[0].number = UINT64_MAX;
    r.last = r.held_last_number = UINT64_MAX;
    r.count = 1;
    expect_reconcile(*state, &r);
    reconcile_fini(&r);
}

static bool reconcile_opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct reconcile r;
    bool opened = reconcile_open(&r, object, key_public(f->hub)) == OK;

    reconcile_fini(&r);
    return opened;
}

static void a_damaged_reconcile_answer_never_opens(void **state)
{
    struct fixture *f = *state;
    struct reconcile r;
    struct buf made, b;

    fill_reconcile(&r, 9);
    buf_init(&made, SIGNED_MAX);
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(reconcile_make(&made, &r, f->hub), OK);
    refuse_damage(buf_view(&made), reconcile_opens, f);
    resign(&b, buf_view(&made), SIGNED_RECONCILE, f->hub, 20);
    assert_true(reconcile_opens(f, buf_view(&b)));
    resign(&b, buf_view(&made), SIGNED_RECONCILE, f->hub, 21);
    assert_false(reconcile_opens(f, buf_view(&b)));
    resign(&b, buf_view(&made), SIGNED_RECONCILE, f->hub, -1);
    assert_false(reconcile_opens(f, buf_view(&b)));
    reconcile_fini(&r);
    buf_fini(&made);
    buf_fini(&b);
}

static void expect_refused(const struct fixture *f, const struct reconcile *r, enum err want)
{
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    assert_int_equal(reconcile_make(&b, r, f->hub), want);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void a_reconcile_answer_that_contradicts_itself_is_never_signed(void **state)
{
    struct fixture *f = *state;
    struct reconcile r;

    fill_reconcile(&r, 3);
    r.items[1].number = r.items[0].number;
    expect_refused(f, &r, ERR_INVALID);
    r.items[1].number = r.items[2].number + 1;
    expect_refused(f, &r, ERR_INVALID);
    r.items[1].number = 81;
    r.items[2].number = r.last + 1;
    expect_refused(f, &r, ERR_INVALID);
    r.items[2].number = 82;
    r.items[0].number = 79;
    expect_refused(f, &r, ERR_INVALID);
    r.items[0].number = 80;
    r.held_last_number = 81;
    expect_refused(f, &r, ERR_INVALID);
    r.held_last_number = 82;
    r.next_counter = 1;
    expect_refused(f, &r, ERR_INVALID);
    r.next_counter = 2;
    r.last = 79;
    expect_refused(f, &r, ERR_INVALID);
    r.count = RECONCILE_MAX + 1;
    expect_refused(f, &r, ERR_LIMIT);
    r.count = 3;
    reconcile_fini(&r);
}

/* Runs that promise more records than there are digests, or fewer. */
static void runs_and_digests_must_agree(void **state)
{
    static const uint64_t promised[] = {1, 3, UINT64_MAX};
    static const uint8_t digests[2 * RECORD_DIGEST_BYTES + 1];
    struct fixture *f = *state;
    struct buf payload, b;

    buf_init(&payload, SIGNED_MAX);
    buf_init(&b, SIGNED_MAX);
    for (unsigned i = 0; i < 5; i++) {
        buf_reset(&payload);
        buf_reset(&b);
        mp_put_array(&payload, 12);
        mp_put_bin(&payload, digests, 16);
        mp_put_cstr(&payload, "gp");
        mp_put_uint(&payload, 1);
        mp_put_bin(&payload, digests, TAG_BYTES);
        mp_put_uint(&payload, 1);
        mp_put_uint(&payload, UINT64_MAX);
        mp_put_uint(&payload, UINT64_MAX);
        mp_put_uint(&payload, 1);
        mp_put_uint(&payload, 2);
        mp_put_bool(&payload, false);
        mp_put_array(&payload, i == 4 ? 3 : 2);
        mp_put_uint(&payload, 1);
        mp_put_uint(&payload, i < 3 ? promised[i] : 2);
        if (i == 4)
            mp_put_uint(&payload, 9);
        mp_put_bin(&payload, digests, i == 3 ? sizeof(digests) : sizeof(digests) - 1);
        assert_int_equal(signed_make(&b, SIGNED_RECONCILE, buf_view(&payload), f->hub), OK);
        assert_false(reconcile_opens(f, buf_view(&b)));
    }
    buf_fini(&payload);
    buf_fini(&b);
}

static void a_record_digest_is_the_first_half_of_blake2b(void **state)
{
    struct bytes record = {(const uint8_t *)"\x91\x01", 2};
    uint8_t half[RECORD_DIGEST_BYTES], whole[DIGEST_BYTES];

    (void)state;
    digest(whole, record);
    record_digest(half, record);
    assert_memory_equal(half, whole, RECORD_DIGEST_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_opens_as_it_was_made),
        cmocka_unit_test(a_damaged_receipt_never_opens),
        cmocka_unit_test(a_receipt_of_another_key_is_not_believed),
        cmocka_unit_test(what_a_later_hub_adds_to_a_receipt_is_skipped),
        cmocka_unit_test(verdicts_and_reasons_of_later_years_do_not_spoil_a_receipt),
        cmocka_unit_test(a_receipt_names_1024_refusals_and_not_one_more),
        cmocka_unit_test(names_are_one_word_each),
        cmocka_unit_test(a_reconcile_answer_opens_as_it_was_made_up_to_a_full_page),
        cmocka_unit_test(a_damaged_reconcile_answer_never_opens),
        cmocka_unit_test(a_reconcile_answer_that_contradicts_itself_is_never_signed),
        cmocka_unit_test(runs_and_digests_must_agree),
        cmocka_unit_test(a_record_digest_is_the_first_half_of_blake2b),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
