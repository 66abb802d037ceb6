/* Messages of a meeting: decoded whole or not at all, bounded (invariant 8), open at their end for later years. */
#include "protocol/message.h"

#include "tests/unit/protocol_fixture.h"

#define TYPES 12u

static const uint8_t some_bytes[CHUNK_MAX + 1];

static void fill_hello(struct msg_hello *h)
{
    h->version_min = h->version_max = 1;
    memset(h->district, 0xD1, sizeof(h->district));
    strcpy(h->participant, "gp");
    h->gen.counter = 1;
    strcpy(h->software, "svodka-agent 0.1.0");
    h->agent_ms = 1600000000000;
    h->directory_version = 7;
    h->grant_version = 3;
    h->first_held = 2;
    h->last_sealed = 20;
    h->receipted = 5;
    h->archived = 4;
    memset(h->head, 0xAA, DIGEST_BYTES);
    h->waiting_bytes = 123456;
    h->waiting_records = 789;
    h->offer_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        h->offers[i].sequence = 6 + i;
        h->offers[i].length = BATCH_MAX_SEALED;
        h->offers[i].digest[0] = (uint8_t)i;
    }
    h->enrol.p = some_bytes;
    h->enrol.len = 300;
    h->takes_words = true;
    h->says_known = true;
    h->words_known = SIGNED_FIGURES;
    h->words_held = 41;
    h->says_elsewhere = true;
    h->waiting_elsewhere = 77;
}

static void fill_welcome(struct msg_welcome *w)
{
    w->version = 1;
    w->go = WELCOME_GO;
    w->later_seconds = 0;
    w->hub_ms = 1600000000001;
    w->next_sequence = 6;
    w->held_last = 20;
    w->gap_count = 2;
    w->gaps[0].first = 6;
    w->gaps[0].count = 1;
    w->gaps[1].first = 8;
    w->gaps[1].count = 12;
    w->resume_sequence = 6;
    w->resume_offset = 4096;
    memset(w->resume_digest, 0xAB, DIGEST_BYTES);
    w->credit = 65536;
    w->chunk = CHUNK_DEFAULT;
    w->directory.p = some_bytes;
    w->directory.len = 500;
    w->grant.p = some_bytes;
    w->grant.len = 400;
    w->last_word = 43;
}

/* One of each. */
static void fill(struct message *m, enum message_type type)
{
    memset(m, 0, sizeof(*m));
    m->type = type;
    switch (type) {
    case MSG_HELLO: fill_hello(&m->as.hello); break;
    case MSG_WELCOME: fill_welcome(&m->as.welcome); break;
    case MSG_CHUNK:
        m->as.chunk.sequence = 6;
        m->as.chunk.total = 1000;
        m->as.chunk.offset = 900;
        m->as.chunk.data = (struct bytes){some_bytes, 100};
        break;
    case MSG_ACK:
        m->as.ack.sequence = 6;
        m->as.ack.offset = 1000;
        m->as.ack.credit = CREDIT_MAX;
        break;
    case MSG_RECEIPT:
    case MSG_RECONCILE_REPLY:
    case MSG_WORD: m->as.signed_object = (struct bytes){some_bytes, SIGNED_OVERHEAD}; break;
    case MSG_RECONCILE:
        m->as.reconcile.gen.counter = 9;
        m->as.reconcile.from = 80;
        break;
    case MSG_GET: m->as.get.offset = 65536; break;
    case MSG_OBJECT:
        m->as.object.total = 200;
        m->as.object.offset = 100;
        m->as.object.data = (struct bytes){some_bytes, 100};
        break;
    case MSG_BYE: break;
    case MSG_ERROR:
        m->as.error.code = MERR_BUSY;
        m->as.error.seconds = 60;
        strcpy(m->as.error.text, "come back later");
        break;
    }
}

static void encode(struct buf *out, const struct message *m)
{
    buf_init(out, MESSAGE_MAX_DOWN + 1);
    assert_int_equal(message_encode(out, m), OK);
}

static void every_message_comes_out_as_it_went_in(void **state)
{
    struct message m, again;
    struct buf first, second;

    (void)state;
    for (unsigned t = 1; t <= TYPES; t++) {
        fill(&m, (enum message_type)t);
        encode(&first, &m);
        assert_int_equal(message_decode(&again, buf_view(&first)), OK);
        assert_int_equal(again.type, t);
        encode(&second, &again);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
        buf_fini(&first);
        buf_fini(&second);
    }
}

static void hello_keeps_every_field(void **state)
{
    struct message m, again;
    struct buf b;

    (void)state;
    fill(&m, MSG_HELLO);
    encode(&b, &m);
    assert_int_equal(message_decode(&again, buf_view(&b)), OK);
    again.as.hello.enrol.p = m.as.hello.enrol.p;
    assert_memory_equal(&m.as.hello, &again.as.hello, sizeof(m.as.hello));
    buf_fini(&b);
}

static void welcome_keeps_every_field(void **state)
{
    struct message m, again;
    struct buf b;

    (void)state;
    fill(&m, MSG_WELCOME);
    encode(&b, &m);
    assert_int_equal(message_decode(&again, buf_view(&b)), OK);
    again.as.welcome.directory.p = again.as.welcome.grant.p = some_bytes;
    assert_memory_equal(&m.as.welcome, &again.as.welcome, sizeof(m.as.welcome));
    buf_fini(&b);
}

/* In a heap block of its own size, so that the sanitizer sees a byte read too far. */
static enum err decode_exact(struct bytes in)
{
    uint8_t *copy = malloc(in.len + 1);
    struct bytes exact = {copy + 1, in.len};
    struct message m;
    enum err e;

    assert_non_null(copy);
    memcpy(copy + 1, in.p, in.len);
    e = message_decode(&m, exact);
    free(copy);
    return e;
}

static void a_truncated_message_is_refused_at_every_length(void **state)
{
    struct message m;
    struct buf b;

    (void)state;
    for (unsigned t = 1; t <= TYPES; t++) {
        fill(&m, (enum message_type)t);
        encode(&b, &m);
        for (size_t len = 0; len < b.len; len++) {
            struct bytes cut = {b.data, len};

            assert_int_equal(decode_exact(cut), ERR_MALFORMED);
        }
        buf_put_u8(&b, 0xc0); /* and nothing may follow */
        assert_int_equal(decode_exact(buf_view(&b)), ERR_MALFORMED);
        buf_fini(&b);
    }
}

static void flipped_bits_never_make_the_reader_stumble(void **state)
{
    struct message m;
    struct buf b;

    (void)state;
    for (unsigned t = 1; t <= TYPES; t++) {
        fill(&m, (enum message_type)t);
        encode(&b, &m);
        for (size_t bit = 0; bit < b.len * 8; bit++) {
            enum err e;

            b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            e = decode_exact(buf_view(&b));
            assert_true(e == OK || e == ERR_MALFORMED || e == ERR_VERSION || e == ERR_LIMIT);
            b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        buf_fini(&b);
    }
}

static void what_a_later_peer_adds_at_the_end_is_skipped(void **state)
{
    struct message m;
    struct buf b, more;

    (void)state;
    for (unsigned t = 1; t <= TYPES; t++) {
        struct mp cursor;
        int known;

        fill(&m, (enum message_type)t);
        encode(&b, &m);
        cursor = mp_of(buf_view(&b));
        known = (int)mp_array(&cursor, 1, 32);
        if (t == MSG_HELLO)
            known -= 3; /* fields 20 to 22 came later: a HELLO without them is as good */
        if (t == MSG_WELCOME)
            known--; /* field 15 likewise */
        for (int extra = -1; extra <= 33 - known; extra++) {
            buf_init(&more, MESSAGE_MAX_DOWN);
            if (known + extra == 0) /* BYE without its type */
                mp_put_array(&more, 0);
            else
                reshape(&more, buf_view(&b), t == MSG_HELLO ? extra - 3 : t == MSG_WELCOME ? extra - 1 : extra);
            assert_int_equal(decode_exact(buf_view(&more)), extra >= 0 && known + extra <= 32 ? OK : ERR_MALFORMED);
            buf_fini(&more);
        }
        buf_fini(&b);
    }
}

static void an_older_agents_hello_takes_no_words(void **state)
{
    struct message m, again;
    struct buf b;

    (void)state;
    fill(&m, MSG_HELLO);
    encode(&b, &m);
    assert_int_equal(message_decode(&again, buf_view(&b)), OK);
    assert_true(again.as.hello.takes_words);
    assert_int_equal(again.as.hello.words_held, 41);
    assert_int_equal(again.as.hello.waiting_elsewhere, 77);
    assert_int_equal(again.as.hello.words_known, SIGNED_FIGURES);
    buf_fini(&b);
    m.as.hello.says_known = false;
    encode(&b, &m);
    assert_int_equal(message_decode(&again, buf_view(&b)), OK);
    assert_int_equal(again.as.hello.waiting_elsewhere, 77);
    assert_int_equal(again.as.hello.words_known, SIGNED_HISTORY); /* what agents of before knew */
    buf_fini(&b);
    m.as.hello.says_elsewhere = false;
    encode(&b, &m);
    assert_int_equal(message_decode(&again, buf_view(&b)), OK);
    assert_int_equal(again.as.hello.words_held, 41);
    assert_false(again.as.hello.says_elsewhere);
    buf_fini(&b);
    m.as.hello.takes_words = false;
    encode(&b, &m);
    assert_int_equal(message_decode(&again, buf_view(&b)), OK);
    assert_false(again.as.hello.takes_words);
    assert_int_equal(again.as.hello.enrol.len, 300);
    buf_fini(&b);
}

static void an_unknown_type_is_told_apart_so_that_it_can_be_ignored(void **state)
{
    struct message m;
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    mp_put_array(&b, 2);
    mp_put_uint(&b, TYPES + 1);
    buf_put_u8(&b, 0xc1); /* not even looked at */
    assert_int_equal(message_decode(&m, buf_view(&b)), ERR_VERSION);
    assert_int_equal((int)m.type, 0);
    b.data[1] = 0;
    assert_int_equal(message_decode(&m, buf_view(&b)), ERR_VERSION);
    b.data[1] = 0xc0;
    assert_int_equal(message_decode(&m, buf_view(&b)), ERR_MALFORMED);
    buf_fini(&b);
}

static void a_hello_of_a_later_version_says_which_versions_it_speaks(void **state)
{
    struct message m;
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    mp_put_array(&b, 5);
    mp_put_uint(&b, MSG_HELLO);
    mp_put_uint(&b, 2);
    mp_put_uint(&b, 9);
    mp_put_nil(&b);
    mp_put_nil(&b);
    assert_int_equal(message_decode(&m, buf_view(&b)), ERR_VERSION);
    assert_int_equal(m.type, MSG_HELLO);
    assert_int_equal(m.as.hello.version_min, 2);
    assert_int_equal(m.as.hello.version_max, 9);
    b.data[2] = 1; /* 1 to 9: then it must be readable as version 1 */
    assert_int_equal(message_decode(&m, buf_view(&b)), ERR_MALFORMED);
    b.data[2] = 10; /* upside down */
    assert_int_equal(message_decode(&m, buf_view(&b)), ERR_MALFORMED);
    buf_fini(&b);
}

static void expect(const struct message *m, enum err want)
{
    struct buf b;

    buf_init(&b, MESSAGE_MAX_DOWN + 1);
    buf_put_str(&b, "x");
    assert_int_equal(message_encode(&b, m), want);
    if (want != OK)
        assert_int_equal(b.len, 1);
    buf_fini(&b);
}

static void hello_holds_its_limits(void **state)
{
    struct message m;
    struct msg_hello *h = &m.as.hello;

    (void)state;
    fill(&m, MSG_HELLO);
    h->offer_count = HELLO_MAX_OFFERS;
    h->last_sealed = UINT64_MAX;
    for (uint32_t i = 0; i < HELLO_MAX_OFFERS; i++) {
        h->offers[i].sequence = 6 + i;
        h->offers[i].length = 1;
    }
    memset(h->software, 's', 64);
    h->enrol.len = ENROL_MAX;
    expect(&m, OK);
    h->enrol.len = ENROL_MAX + 1;
    expect(&m, ERR_INVALID);
    h->enrol.len = 0;
    h->offers[15].length = BATCH_MAX_SEALED + 1;
    expect(&m, ERR_INVALID);
    h->offers[15].length = 0;
    expect(&m, ERR_INVALID);
    h->offers[15].length = 1;
    h->offers[15].sequence = h->offers[14].sequence;
    expect(&m, ERR_INVALID);
    h->offer_count = HELLO_MAX_OFFERS + 1;
    expect(&m, ERR_INVALID);
    h->offer_count = 2;
    h->last_sealed = 6; /* less than what it offers */
    expect(&m, ERR_INVALID);
    h->last_sealed = 7;
    expect(&m, OK);
    h->receipted = 8;
    expect(&m, ERR_INVALID);
    h->receipted = 3; /* less than archived */
    expect(&m, ERR_INVALID);
    h->receipted = 5;
    h->first_held = 8;
    expect(&m, ERR_INVALID);
    h->first_held = 0; /* nothing held any more, the chain goes on */
    expect(&m, OK);
    strcpy(h->participant, "a b");
    expect(&m, ERR_INVALID);
    strcpy(h->participant, "gp");
    h->gen.counter = 0;
    expect(&m, ERR_INVALID);
    h->gen.counter = 1;
    h->agent_ms = INT64_MAX;
    expect(&m, ERR_INVALID);
}

static void welcome_holds_its_limits(void **state)
{
    struct message m;
    struct msg_welcome *w = &m.as.welcome;

    (void)state;
    fill(&m, MSG_WELCOME);
    w->gap_count = WELCOME_MAX_GAPS;
    w->held_last = 6 + 2 * WELCOME_MAX_GAPS;
    for (uint32_t i = 0; i < WELCOME_MAX_GAPS; i++) {
        w->gaps[i].first = 6 + 2 * i;
        w->gaps[i].count = 1;
    }
    expect(&m, OK);
    w->held_last = w->gaps[63].first; /* held and missing at once */
    expect(&m, ERR_INVALID);
    w->held_last++;
    expect(&m, OK);
    w->next_sequence = 7;
    expect(&m, ERR_INVALID);
    w->next_sequence = 6;
    w->gaps[3].count = 3; /* overlaps */
    expect(&m, ERR_INVALID);
    w->gaps[3].count = UINT64_MAX;
    expect(&m, ERR_INVALID);
    w->gaps[3].count = 1;
    w->gap_count++;
    expect(&m, ERR_INVALID);
    w->gap_count = 0;
    w->credit = CREDIT_MAX + 1;
    expect(&m, ERR_INVALID);
    w->credit = CREDIT_MAX;
    w->chunk = CHUNK_MAX + 1;
    expect(&m, ERR_INVALID);
    w->chunk = 0;
    expect(&m, ERR_INVALID);
    w->chunk = w->credit = 0;
    w->next_sequence = 0;
    w->go = WELCOME_LATER;
    w->later_seconds = LATER_MAX_SECONDS;
    expect(&m, OK);
    w->later_seconds++;
    expect(&m, ERR_INVALID);
    w->later_seconds = 1;
    w->go = (enum welcome_go)3;
    expect(&m, ERR_INVALID);
    w->go = WELCOME_RECONCILE;
    expect(&m, OK);
    w->version = 2;
    expect(&m, ERR_INVALID);
}

static void chunks_and_objects_stay_within_their_totals(void **state)
{
    struct message m;
    struct msg_chunk *c = &m.as.chunk;
    struct msg_object *o = &m.as.object;

    (void)state;
    fill(&m, MSG_CHUNK);
    c->total = BATCH_MAX_SEALED;
    c->offset = BATCH_MAX_SEALED - CHUNK_MAX;
    c->data.len = CHUNK_MAX;
    expect(&m, OK);
    c->offset++;
    expect(&m, ERR_INVALID);
    c->offset = 0;
    c->data.len = CHUNK_MAX + 1;
    expect(&m, ERR_INVALID);
    c->data.len = 0;
    expect(&m, ERR_INVALID);
    c->data.len = 1;
    c->total++;
    expect(&m, ERR_INVALID);
    c->total = 0;
    expect(&m, ERR_INVALID);

    fill(&m, MSG_OBJECT);
    o->total = DIRECTORY_OBJECT_MAX;
    o->offset = DIRECTORY_OBJECT_MAX - CHUNK_MAX;
    o->data.len = CHUNK_MAX;
    expect(&m, OK);
    o->data.len++;
    expect(&m, ERR_INVALID);
    o->data.len = 0;
    expect(&m, ERR_INVALID);
    o->total = o->offset = 0; /* "I do not have it" */
    expect(&m, OK);
    o->data.len = 1;
    expect(&m, ERR_INVALID);
    fill(&m, MSG_GET);
    m.as.get.offset = DIRECTORY_OBJECT_MAX;
    expect(&m, ERR_INVALID);
    fill(&m, MSG_RECONCILE);
    m.as.reconcile.from = 0;
    expect(&m, ERR_INVALID);
    fill(&m, MSG_RECEIPT);
    m.as.signed_object.len--;
    expect(&m, ERR_INVALID);
    fill(&m, MSG_ACK);
    m.as.ack.credit++;
    expect(&m, ERR_INVALID);
    memset(&m, 0, sizeof(m));
    expect(&m, ERR_INTERNAL); /* no type at all: a bug of ours, nothing is written */
}

static void frames_are_bounded_by_direction(void **state)
{
    uint8_t *frame = calloc(1, MESSAGE_MAX_DOWN + 1);
    struct bytes in = {frame, MESSAGE_MAX_DOWN + 1};
    struct message m;

    (void)state;
    frame[0] = 0x9f;
    frame[1] = MSG_WELCOME;
    assert_int_equal(message_decode(&m, in), ERR_LIMIT);
    in.len = MESSAGE_MAX_DOWN;
    assert_int_equal(message_decode(&m, in), ERR_MALFORMED);
    frame[1] = MSG_CHUNK;
    in.len = MESSAGE_MAX_UP + 1;
    assert_int_equal(message_decode(&m, in), ERR_LIMIT);
    in.len = MESSAGE_MAX_UP;
    assert_int_equal(message_decode(&m, in), ERR_MALFORMED);
    free(frame);
}

static void an_error_of_a_later_hub_is_an_internal_one_with_its_text(void **state)
{
    struct message m;
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    mp_put_array(&b, 4);
    mp_put_uint(&b, MSG_ERROR);
    mp_put_uint(&b, 77);
    mp_put_uint(&b, 5);
    mp_put_cstr(&b, "something new");
    assert_int_equal(message_decode(&m, buf_view(&b)), OK);
    assert_int_equal(m.as.error.code, MERR_INTERNAL);
    assert_string_equal(m.as.error.text, "something new");
    buf_fini(&b);
}

/* SPEC.md section 5.10. */
static void the_ack_of_the_specification_comes_out_byte_for_byte(void **state)
{
    struct message m = {.type = MSG_ACK, .as.ack = {.sequence = 17, .offset = 65536, .credit = 131072}};
    struct buf b;

    (void)state;
    encode(&b, &m);
    assert_int_equal(b.len, 13);
    assert_memory_equal(b.data, "\x94\x04\x11\xce\x00\x01\x00\x00\xce\x00\x02\x00\x00", 13);
    buf_fini(&b);
}

static void names_are_one_word_each(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= MERR_LAST; i++)
        for (unsigned k = 1; k < i; k++)
            assert_string_not_equal(message_error_name((enum message_error)i),
                                    message_error_name((enum message_error)k));
    for (unsigned i = 1; i <= TYPES; i++)
        for (unsigned k = 1; k < i; k++)
            assert_string_not_equal(message_type_name((enum message_type)i), message_type_name((enum message_type)k));
    assert_string_equal(message_error_name((enum message_error)99), "other");
    assert_string_equal(message_type_name((enum message_type)99), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_out_as_it_went_in),
        cmocka_unit_test(hello_keeps_every_field),
        cmocka_unit_test(welcome_keeps_every_field),
        cmocka_unit_test(a_truncated_message_is_refused_at_every_length),
        cmocka_unit_test(flipped_bits_never_make_the_reader_stumble),
        cmocka_unit_test(what_a_later_peer_adds_at_the_end_is_skipped),
        cmocka_unit_test(an_older_agents_hello_takes_no_words),
        cmocka_unit_test(an_unknown_type_is_told_apart_so_that_it_can_be_ignored),
        cmocka_unit_test(a_hello_of_a_later_version_says_which_versions_it_speaks),
        cmocka_unit_test(hello_holds_its_limits),
        cmocka_unit_test(welcome_holds_its_limits),
        cmocka_unit_test(chunks_and_objects_stay_within_their_totals),
        cmocka_unit_test(frames_are_bounded_by_direction),
        cmocka_unit_test(an_error_of_a_later_hub_is_an_internal_one_with_its_text),
        cmocka_unit_test(the_ack_of_the_specification_comes_out_byte_for_byte),
        cmocka_unit_test(names_are_one_word_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
