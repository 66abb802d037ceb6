/* What no agent of ours would say, over a connection that was let in: each is refused, and nothing changes (invariants
 * 3, 4, 6 and 8). */
#include "tests/integration/meeting_fixture.h"

struct hostile {
    struct district d;
    struct agent *gp, *ms; /* both have joined; each has one sealed batch that was never sent */
    struct sealed batch, other;
    struct ledger_totals before;
};

static int begin(void **state)
{
    struct hostile *h = calloc(1, sizeof(*h));
    struct sync_result r;
    uint64_t sealed;

    assert_non_null(h);
    district_new(&h->d, "gateway.chunk: 4K\ngateway.credit: 16K\n");
    district_start(&h->d);
    h->gp = school_join(&h->d, 0, "gp");
    h->ms = school_join(&h->d, 1, "ms");
    MUST(sync_once(h->gp, &r));
    MUST(sync_once(h->ms, &r));
    add_marks(h->gp, 1, 600);
    add_marks(h->ms, 1, 600);
    MUST(queue_seal(h->gp, &sealed));
    MUST(queue_seal(h->ms, &sealed));
    sealed_load(&h->batch, h->gp, 1);
    sealed_load(&h->other, h->ms, 1);
    assert_in_range(h->batch.bytes.len, 12000, 60000);
    h->before = held_by(&h->d);
    *state = h;
    return 0;
}

static int end(void **state)
{
    struct hostile *h = *state;

    sealed_free(&h->batch);
    sealed_free(&h->other);
    agent_close(h->gp);
    agent_close(h->ms);
    district_free(&h->d);
    free(h);
    return 0;
}

static void assert_nothing_changed(const struct hostile *h)
{
    struct ledger_totals now = held_by(&h->d);

    assert_memory_equal(&now, &h->before, sizeof(now));
}

/* A client of gp that has been greeted. */
static void open_greeted(struct client *c, const struct hostile *h)
{
    client_open(c, &h->d, h->gp, h->gp->curve, NULL);
    client_greet(c, h->gp);
}

/* ---- the order of things ---- */

static void whatever_comes_before_hello_is_out_of_order(void **state)
{
    const struct hostile *h = *state;
    struct message get = {.type = MSG_GET};
    struct message reconcile = {.type = MSG_RECONCILE, .as.reconcile = {.gen = h->gp->gen, .from = 1}};
    struct client c;

    client_open(&c, &h->d, h->gp, h->gp->curve, NULL);
    client_chunk(&c, &h->batch, 0, 1000);
    client_expect_error(&c, MERR_ORDER);
    client_send(&c, &get);
    client_expect_error(&c, MERR_ORDER);
    client_send(&c, &reconcile);
    client_expect_error(&c, MERR_ORDER);
    client_send(&c, &(struct message){.type = MSG_ACK, .as.ack = {.sequence = 1}});
    client_expect_error(&c, MERR_ORDER);
    client_greet(&c, h->gp); /* and may still begin properly */
    client_close(&c);
    assert_nothing_changed(h);
}

static void a_hole_between_chunks_is_out_of_order(void **state)
{
    const struct hostile *h = *state;
    struct client c;

    open_greeted(&c, h);
    client_chunk(&c, &h->batch, 0, 1000);
    client_chunk(&c, &h->batch, 2000, 1000);
    client_expect_error(&c, MERR_ORDER);
    client_close(&c);
    open_greeted(&c, h);
    client_chunk(&c, &h->batch, 5000, 1000);
    client_expect_error(&c, MERR_ORDER);
    client_close(&c);
    assert_nothing_changed(h);
}

/* One ERROR for what was under way, then silence until HELLO. */
static void chunks_behind_a_hole_do_not_bring_more_errors(void **state)
{
    const struct hostile *h = *state;
    struct client c;

    open_greeted(&c, h);
    client_chunk(&c, &h->batch, 1000, 500);
    for (uint32_t at = 2000; at < 6000; at += 500)
        client_chunk(&c, &h->batch, at, 500);
    client_expect_error(&c, MERR_ORDER);
    client_greet(&c, h->gp); /* no other ERROR comes before WELCOME */
    client_close(&c);
    assert_nothing_changed(h);
}

static void another_digest_or_length_in_the_middle_is_out_of_order(void **state)
{
    const struct hostile *h = *state;
    struct sealed changed = h->batch;
    struct client c;

    open_greeted(&c, h);
    client_chunk(&c, &h->batch, 0, 1000);
    changed.digest[0] ^= 1;
    client_chunk(&c, &changed, 1000, 1000);
    client_expect_error(&c, MERR_ORDER);
    client_close(&c);
    assert_nothing_changed(h);
}

static void a_second_hello_before_welcome_is_out_of_order(void **state)
{
    const struct hostile *h = *state;
    struct message *m = hello_of(h->gp);
    struct client c;

    client_open(&c, &h->d, h->gp, h->gp->curve, NULL);
    client_send(&c, m);
    client_send(&c, m);
    client_expect_error(&c, MERR_ORDER);
    client_expect(&c, MSG_WELCOME);
    client_close(&c);
    free(m);
}

static void a_second_connection_ends_the_meeting_of_the_first(void **state)
{
    const struct hostile *h = *state;
    struct client first;
    struct client second;

    open_greeted(&first, h);
    open_greeted(&second, h);
    client_chunk(&first, &h->batch, 0, 1000);
    client_expect_error(&first, MERR_ORDER);
    client_chunk(&second, &h->batch, 0, 1000);
    client_wait_ack(&second, 1000);
    client_close(&first);
    client_close(&second);
    assert_nothing_changed(h);
}

/* ---- who says it ---- */

static void a_hello_for_somebody_else_is_refused(void **state)
{
    const struct hostile *h = *state;
    struct message *m = hello_of(h->gp);
    struct client c;

    client_open(&c, &h->d, h->gp, h->gp->curve, NULL);
    (void)snprintf(m->as.hello.participant, sizeof(m->as.hello.participant), "ms");
    client_send(&c, m);
    client_expect_error(&c, MERR_UNKNOWN);
    (void)snprintf(m->as.hello.participant, sizeof(m->as.hello.participant), "gp");
    m->as.hello.district[0] ^= 1;
    client_send(&c, m);
    client_expect_error(&c, MERR_UNKNOWN);
    client_close(&c);
    free(m);
}

/* A routing id is a claim to be another's connection: such a client is not heard at all. */
static void a_client_that_chooses_its_routing_id_gets_no_answer(void **state)
{
    const struct hostile *h = *state;
    struct message *m = hello_of(h->gp);
    struct client c;
    struct client good;

    client_open(&c, &h->d, h->gp, h->gp->curve, "gp-01");
    client_send(&c, m);
    open_greeted(&good, h); /* by now the other's HELLO would have been answered */
    assert_false(client_receive(&c, 100));
    client_close(&c);
    client_close(&good);
    free(m);
}

static void a_key_that_nobody_knows_gets_no_answer(void **state)
{
    const struct hostile *h = *state;
    struct message *m = hello_of(h->gp);
    struct client c;
    struct client good;
    struct key *k;

    MUST(key_generate(&k, KEY_CURVE));
    client_open(&c, &h->d, h->gp, k, NULL);
    client_send(&c, m);
    open_greeted(&good, h);
    assert_false(client_receive(&c, 100));
    client_close(&c);
    client_close(&good);
    key_free(k);
    free(m);
}

static void another_schools_batch_is_refused(void **state)
{
    const struct hostile *h = *state;
    struct client c;

    open_greeted(&c, h);
    client_chunk(&c, &h->other, 0, 1000);
    client_expect_error(&c, MERR_SIGNATURE);
    client_close(&c);
    assert_nothing_changed(h);
}

/* ---- what is in it ---- */

/* Sends a changed copy whole and expects this answer. */
static void refused_whole(const struct hostile *h, const struct sealed *changed, enum message_error why)
{
    struct client c;

    open_greeted(&c, h);
    client_send_all(&c, changed, 4096);
    client_expect_error(&c, why);
    client_close(&c);
    assert_nothing_changed(h);
}

static void sealed_copy(struct sealed *to, const struct sealed *from, size_t len)
{
    *to = *from;
    buf_init(&to->bytes, BATCH_MAX_SEALED);
    buf_put(&to->bytes, from->bytes.data, len);
}

static void a_truncated_batch_is_refused(void **state)
{
    const struct hostile *h = *state;
    struct sealed changed;

    sealed_copy(&changed, &h->batch, h->batch.bytes.len - 100);
    refused_whole(h, &changed, MERR_SIGNATURE); /* not the digest that was announced */
    batch_digest(changed.digest, bytes_of(changed.bytes.data, changed.bytes.len));
    refused_whole(h, &changed, MERR_MALFORMED);
    sealed_free(&changed);
}

static void a_flipped_bit_is_noticed_wherever_it_is(void **state)
{
    const struct hostile *h = *state;
    size_t len = h->batch.bytes.len;
    const size_t places[] = {len - 1, len - 64, len - 65, len / 2, 2000};

    for (size_t i = 0; i < COUNT(places); i++) {
        struct sealed changed;

        sealed_copy(&changed, &h->batch, len);
        changed.bytes.data[places[i]] ^= 0x10;
        refused_whole(h, &changed, MERR_SIGNATURE);
        batch_digest(changed.digest, bytes_of(changed.bytes.data, len));
        refused_whole(h, &changed, MERR_SIGNATURE);
        sealed_free(&changed);
    }
}

static void a_batch_under_another_sequence_is_refused(void **state)
{
    const struct hostile *h = *state;
    struct sealed changed = h->batch;
    struct client c;

    changed.state.sequence = 7;
    open_greeted(&c, h);
    client_chunk(&c, &changed, 0, 1000);
    client_expect_error(&c, MERR_SIGNATURE);
    client_close(&c);
    assert_nothing_changed(h);
}

static void what_is_no_batch_is_refused_at_its_first_chunk(void **state)
{
    const struct hostile *h = *state;
    struct sealed changed;
    struct client c;

    sealed_copy(&changed, &h->batch, h->batch.bytes.len);
    memset(changed.bytes.data, 'x', 4096);
    open_greeted(&c, h);
    client_chunk(&c, &changed, 0, 1000);
    client_expect_error(&c, MERR_MALFORMED);
    client_close(&c);
    sealed_free(&changed);
    assert_nothing_changed(h);
}

/* ---- how much of it ---- */

static void more_than_a_chunk_or_a_batch_is_refused(void **state)
{
    const struct hostile *h = *state;
    struct message m = {.type = MSG_CHUNK};
    struct buf b;
    struct client c;

    open_greeted(&c, h);
    client_chunk(&c, &h->batch, 0, 5000); /* the hub wants 4 KiB */
    client_expect_error(&c, MERR_LIMIT);
    client_close(&c);
    /* A total of more than 512 KiB: message_encode() would not write it, so it is patched in. */
    m.as.chunk.sequence = 1;
    m.as.chunk.total = 0x70000;
    m.as.chunk.data = bytes_of(h->batch.bytes.data, 100);
    buf_init(&b, MESSAGE_MAX_UP);
    MUST(message_encode(&b, &m));
    for (size_t i = 0; i + 4 < b.len; i++)
        if (memcmp(b.data + i, "\xce\x00\x07\x00\x00", 5) == 0)
            b.data[i + 2] = 0x7f;
    open_greeted(&c, h);
    client_send_bytes(&c, b.data, b.len, false);
    client_expect_error(&c, MERR_MALFORMED);
    client_close(&c);
    buf_fini(&b);
    assert_nothing_changed(h);
}

static void a_frame_of_more_than_128_kib_ends_the_connection_and_nobody_elses(void **state)
{
    const struct hostile *h = *state;
    char *large = calloc(1, 200000);
    struct client c;
    struct client good;

    assert_non_null(large);
    open_greeted(&c, h);
    client_open(&good, &h->d, h->ms, h->ms->curve, NULL);
    client_greet(&good, h->ms);
    client_send_bytes(&c, large, 200000, false);
    client_send(&good, &(struct message){.type = MSG_BYE});
    client_expect(&good, MSG_BYE);
    assert_false(client_receive(&c, 100));
    client_close(&c);
    client_close(&good);
    free(large);
}

static void a_message_of_many_frames_is_refused(void **state)
{
    const struct hostile *h = *state;
    struct message *m = hello_of(h->gp);
    struct client c;
    struct buf b;

    buf_init(&b, MESSAGE_MAX_UP);
    MUST(message_encode(&b, m));
    client_open(&c, &h->d, h->gp, h->gp->curve, NULL);
    for (int i = 0; i < 3000; i++)
        client_send_bytes(&c, b.data, b.len, true);
    client_send_bytes(&c, b.data, b.len, false);
    client_expect_error(&c, MERR_MALFORMED);
    client_greet(&c, h->gp);
    client_close(&c);
    buf_fini(&b);
    free(m);
    assert_nothing_changed(h);
}

static void noise_is_refused_and_unknown_types_are_borne_a_while(void **state)
{
    static const uint8_t unknown[] = {0x91, 99};
    const struct hostile *h = *state;
    struct client c;

    open_greeted(&c, h);
    client_send_bytes(&c, "\xff\xff\xff", 3, false);
    client_expect_error(&c, MERR_MALFORMED);
    client_greet(&c, h->gp);
    client_send_bytes(&c, "", 0, false);
    client_expect_error(&c, MERR_MALFORMED);
    client_greet(&c, h->gp);
    for (int i = 0; i < 17; i++)
        client_send_bytes(&c, unknown, sizeof(unknown), false);
    client_expect_error(&c, MERR_LIMIT);
    client_close(&c);
    assert_nothing_changed(h);
}

static void more_gets_than_are_answered_are_refused(void **state)
{
    const struct hostile *h = *state;
    struct message get = {.type = MSG_GET};
    struct client c;
    unsigned answers = 0;

    open_greeted(&c, h);
    for (int i = 0; i < 200; i++)
        client_send(&c, &get);
    /* Either the core was quick enough for all of them, or the limit is said. */
    for (; answers < 200; answers++) {
        assert_true(client_receive(&c, START_MS));
        if (c.in.type != MSG_OBJECT)
            break;
        assert_int_equal(c.in.as.object.total, 0);
    }
    if (answers < 200) {
        assert_int_equal(c.in.type, MSG_ERROR);
        assert_int_equal(c.in.as.error.code, MERR_LIMIT);
    }
    client_close(&c);
}

/* ---- resent, overlapping, and lost on the way back ---- */

/* Invariant 3.  The last of these tests but one: now the batch is stored. */
static void a_resent_batch_brings_the_same_receipt_and_is_counted_once(void **state)
{
    struct hostile *h = *state;
    struct client c;
    struct buf first;

    buf_init(&first, SIGNED_MAX);
    open_greeted(&c, h);
    client_chunk(&c, &h->batch, 0, 4096);
    client_chunk(&c, &h->batch, 1000, 4096); /* overlaps: only what is new is taken */
    for (uint32_t at = 5096; at < h->batch.bytes.len; at += 3000) {
        client_wait_ack(&c, at);
        client_chunk(&c, &h->batch, at, 3000 < h->batch.bytes.len - at ? 3000 : (uint32_t)h->batch.bytes.len - at);
    }
    client_expect(&c, MSG_RECEIPT);
    buf_put(&first, c.in.as.signed_object.p, c.in.as.signed_object.len);
    client_close(&c);
    for (int i = 0; i < 3; i++) {
        struct message *m = hello_of(h->gp);

        client_open(&c, &h->d, h->gp, h->gp->curve, NULL);
        client_send(&c, m);
        client_expect(&c, MSG_WELCOME);
        assert_int_equal(c.in.as.welcome.next_sequence, 2);
        client_expect(&c, MSG_RECEIPT); /* unasked: HELLO says that there is none */
        assert_int_equal(c.in.as.signed_object.len, first.len);
        assert_memory_equal(c.in.as.signed_object.p, first.data, first.len);
        client_send_all(&c, &h->batch, 4096);
        client_expect(&c, MSG_RECEIPT);
        assert_memory_equal(c.in.as.signed_object.p, first.data, first.len);
        client_close(&c);
        free(m);
    }
    buf_fini(&first);
    assert_int_equal(held_by(&h->d).records, h->before.records + 600);
    assert_hub_verifies(&h->d);
}

static void a_lost_receipt_comes_at_the_next_meeting_without_sending_anything(void **state)
{
    struct hostile *h = *state;
    struct sync_result r;

    MUST(sync_once(h->gp, &r));
    assert_int_equal(r.batches, 0);
    assert_int_equal(r.receipts, 1);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 600);
    assert_int_equal(r.left, 0);
    MUST(sync_once(h->ms, &r));
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 600);
    assert_int_equal(held_by(&h->d).counted, h->before.counted + 1200);
    assert_hub_verifies(&h->d);
    assert_school_verifies(h->gp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_before_hello_is_out_of_order),
        cmocka_unit_test(a_hole_between_chunks_is_out_of_order),
        cmocka_unit_test(chunks_behind_a_hole_do_not_bring_more_errors),
        cmocka_unit_test(another_digest_or_length_in_the_middle_is_out_of_order),
        cmocka_unit_test(a_second_hello_before_welcome_is_out_of_order),
        cmocka_unit_test(a_second_connection_ends_the_meeting_of_the_first),
        cmocka_unit_test(a_hello_for_somebody_else_is_refused),
        cmocka_unit_test(a_client_that_chooses_its_routing_id_gets_no_answer),
        cmocka_unit_test(a_key_that_nobody_knows_gets_no_answer),
        cmocka_unit_test(another_schools_batch_is_refused),
        cmocka_unit_test(a_truncated_batch_is_refused),
        cmocka_unit_test(a_flipped_bit_is_noticed_wherever_it_is),
        cmocka_unit_test(a_batch_under_another_sequence_is_refused),
        cmocka_unit_test(what_is_no_batch_is_refused_at_its_first_chunk),
        cmocka_unit_test(more_than_a_chunk_or_a_batch_is_refused),
        cmocka_unit_test(a_frame_of_more_than_128_kib_ends_the_connection_and_nobody_elses),
        cmocka_unit_test(a_message_of_many_frames_is_refused),
        cmocka_unit_test(noise_is_refused_and_unknown_types_are_borne_a_while),
        cmocka_unit_test(more_gets_than_are_answered_are_refused),
        cmocka_unit_test(a_resent_batch_brings_the_same_receipt_and_is_counted_once),
        cmocka_unit_test(a_lost_receipt_comes_at_the_next_meeting_without_sending_anything),
    };

    return cmocka_run_group_tests_name("meeting_hostile", tests, begin, end);
}
