/* A school in good standing signs batches that lie: in their header, in the lengths of what is sealed, in the columns,
 * in the records.  What its own hand signed is kept as evidence and put aside; the rest is refused whole. */
#include "tests/fault/attack/attack.h"

#include <zstd.h>

#define PUT_ASIDE "put aside"
#define REFUSED   "a batch of ev refused"

/* ---- the header ---- */

static void changed_header(void (*change)(struct forgery *f), enum message_error code)
{
    struct forgery f;

    forge_init(&f);
    change(&f);
    expect_refused(&f, code);
    forge_fini(&f);
}

static void of_another_district(struct forgery *f)
{
    f->h.district[0] ^= 1;
}

static void a_batch_for_another_district(void)
{
    changed_header(of_another_district, MERR_SIGNATURE);
}

static void in_victims_name(struct forgery *f)
{
    (void)snprintf(f->h.participant, sizeof(f->h.participant), "ms");
}

static void a_batch_in_anothers_name(void)
{
    changed_header(in_victims_name, MERR_SIGNATURE);
}

static void by_a_stranger(struct forgery *f)
{
    static struct key *k;

    if (k == NULL)
        MUST(key_generate(&k, KEY_SIGN));
    f->sign = k;
}

static void a_batch_signed_by_an_unknown_key(void)
{
    changed_header(by_a_stranger, MERR_SIGNATURE);
}

static void by_the_victim(struct forgery *f)
{
    f->sign = field.victim->sign; /* the header then names that key */
}

static void a_batch_signed_by_anothers_key(void)
{
    changed_header(by_the_victim, MERR_SIGNATURE);
}

static void of_version_2(struct forgery *f)
{
    f->h.version = 2;
}

static void a_batch_of_an_unknown_version(void)
{
    changed_header(of_version_2, MERR_VERSION);
}

static void of_suite_9(struct forgery *f)
{
    f->h.suite = 9;
}

static void a_batch_of_an_unknown_suite(void)
{
    changed_header(of_suite_9, MERR_VERSION);
}

static void to_an_unknown_key(struct forgery *f)
{
    random_bytes(f->seal_to, sizeof(f->seal_to));
}

static void a_batch_sealed_to_a_key_of_nobody(void)
{
    struct forgery f;
    struct sealed s;
    struct answer a;

    forge_init(&f);
    to_an_unknown_key(&f);
    forge_seal(&f, &s);
    send_forgery(&s, &a);
    assert_true(a.is_error || a.state == RECEIPT_REFUSED);
    sealed_free(&s);
    forge_fini(&f);
}

/* Everyone could compute the shared secret of such a key. */
static void a_batch_with_a_key_of_low_order(void)
{
    struct forgery f;
    struct sealed s;
    struct answer a;

    forge_init(&f);
    f.low_order = true;
    forge_seal(&f, &s);
    send_forgery(&s, &a);
    assert_true(a.is_error || a.verdicts[VERDICT_COUNTED] == 0);
    sealed_free(&s);
    forge_fini(&f);
}

/* Ed25519 signatures can be changed into others that careless readers take: S plus the group's order. */
static void a_signature_made_over(void)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                      0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    struct forgery f;
    struct sealed s;
    struct answer a;
    unsigned carry = 0;
    uint8_t *half;

    forge_init(&f);
    forge_seal(&f, &s);
    half = s.bytes.data + s.bytes.len - 32;
    for (size_t i = 0; i < sizeof(order); i++) {
        carry += (unsigned)half[i] + order[i];
        half[i] = (uint8_t)carry;
        carry >>= 8;
    }
    batch_digest(s.digest, bytes_of(s.bytes.data, s.bytes.len));
    send_forgery(&s, &a);
    assert_true(a.is_error);
    assert_int_equal(a.code, MERR_SIGNATURE);
    sealed_free(&s);
    forge_fini(&f);
}

/* Another school's sealed section under a header and a signature of one's own: encrypted first and signed then, but
 * both parties stand in the key. */
static void anothers_sealed_section_as_ones_own(void)
{
    struct forgery f;
    struct sealed theirs, s;
    struct batch_header h;
    struct answer a;
    size_t clear;
    uint8_t signature[SIGNATURE_BYTES];

    sealed_load(&theirs, field.victim, 1);
    MUST(batch_parse(&h, bytes_of(theirs.bytes.data, theirs.bytes.len)));
    forge_init(&f);
    f.h.sections[0] = h.sections[0];
    f.range = h.ranges[0];
    memcpy(f.h.ephemeral, h.ephemeral, KEY_BYTES);
    memcpy(f.h.sign_key, key_public(field.evil->sign), KEY_BYTES);
    memcpy(f.h.seal_key, h.seal_key, KEY_BYTES);
    memset(&s, 0, sizeof(s));
    buf_init(&s.bytes, BATCH_MAX_SEALED);
    MUST(batch_header_put(&s.bytes, &f.h));
    clear = batch_clear_len(bytes_of(theirs.bytes.data, theirs.bytes.len));
    buf_put(&s.bytes, theirs.bytes.data + clear, theirs.bytes.len - clear - SIGNATURE_BYTES);
    MUST(key_sign(field.evil->sign, BATCH_DOMAIN, bytes_of(s.bytes.data, s.bytes.len), bytes_of("", 0), signature));
    buf_put(&s.bytes, signature, sizeof(signature));
    batch_digest(s.digest, bytes_of(s.bytes.data, s.bytes.len));
    s.state.gen = f.h.gen;
    s.state.sequence = 1;
    send_forgery(&s, &a);
    assert_false(a.is_error);
    assert_int_equal(a.verdicts[VERDICT_COUNTED], 0);
    assert_int_equal(a.reason, QUARANTINE_UNREADABLE);
    batch_header_fini(&h);
    sealed_free(&theirs);
    sealed_free(&s);
    forge_fini(&f);
}

/* ---- places in the sequence ---- */

/* It is counted at once if it is good; here it is not.  The gap is named, and costs nothing. */
static void a_sequence_from_the_far_future(void)
{
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 99);

    forge_init(&f);
    f.h.sequence = INT64_MAX - 1;
    memset(f.h.previous, 7, DIGEST_BYTES);
    forge_records(&f, &r, 1, 1);
    expect_put_aside(&f, QUARANTINE_INVALID);
    forge_fini(&f);
}

static void numbers_from_the_far_end(void)
{
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 99);

    forge_init(&f);
    forge_records(&f, &r, 1, (uint64_t)INT64_MAX - 3);
    expect_put_aside(&f, QUARANTINE_INVALID);
    forge_fini(&f);
}

/* The first tells what is true; the second, of the same sequence, is another story. */
static void two_stories_under_one_sequence(void)
{
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 99);
    struct sealed s;
    struct answer a;
    struct message *m = hello_of(field.evil);
    struct client c;

    forge_init(&f);
    forge_records(&f, &r, 1, 1);
    expect_put_aside(&f, QUARANTINE_INVALID);
    r = forge_record(v, "p2", 98);
    forge_records(&f, &r, 1, 1);
    buf_reset(&f.packed);
    forge_seal(&f, &s);
    m->as.hello.gen = s.state.gen;
    m->as.hello.first_held = m->as.hello.last_sealed = 1;
    m->as.hello.receipted = m->as.hello.archived = 0;
    memcpy(m->as.hello.head, s.digest, DIGEST_BYTES);
    m->as.hello.offer_count = 0;
    client_open(&c, &field.d, field.evil, field.evil->curve, NULL);
    client_send(&c, m);
    client_expect(&c, MSG_WELCOME);
    assert_int_equal(c.in.as.welcome.go, WELCOME_RECONCILE);
    client_close(&c);
    (void)a;
    free(m);
    sealed_free(&s);
    forge_fini(&f);
}

/* ---- lengths ---- */

static void changed_section(void (*change)(struct forgery *f))
{
    struct forgery f;

    forge_init(&f);
    change(&f);
    expect_put_aside(&f, QUARANTINE_UNREADABLE);
    forge_fini(&f);
}

/* A mebibyte of one byte packs into next to nothing; the header says that it is small. */
static void bomb_that_says_it_is_small(struct forgery *f)
{
    static uint8_t zeros[4u << 20];

    buf_reset(&f->plain);
    buf_put(&f->plain, zeros, sizeof(zeros));
    f->h.sections[0].plain_len = 100;
    f->lies_about_plain = true;
}

static void a_bomb_that_says_it_is_small(void)
{
    changed_section(bomb_that_says_it_is_small);
}

static void bomb_within_the_limit(struct forgery *f)
{
    static uint8_t zeros[4u << 20];

    buf_reset(&f->plain);
    buf_put(&f->plain, zeros, sizeof(zeros));
}

static void a_bomb_as_large_as_allowed(void)
{
    changed_section(bomb_within_the_limit);
}

/* A frame of a gibibyte of zeros in some kilobytes: zstd's head says what it likes. */
static void bomb_of_a_gibibyte(struct forgery *f)
{
    static const uint8_t block[] = {0x02 | 0x00, 0x00, 0x10, 0x00}; /* RLE, 128 KiB of one byte */
    static const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0x00, 0x00, 0x40};

    buf_reset(&f->packed);
    buf_put(&f->packed, head, sizeof(head));
    for (int i = 0; i < 8192; i++)
        buf_put(&f->packed, block, sizeof(block));
    f->packed.data[f->packed.len - 4] |= 1;
}

static void a_bomb_of_a_gibibyte(void)
{
    changed_section(bomb_of_a_gibibyte);
}

static void window_of_a_gibibyte(struct forgery *f)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    uint8_t out[4096];
    ZSTD_outBuffer o = {out, sizeof(out), 0};
    ZSTD_inBuffer in = {f->plain.data, f->plain.len, 0};

    assert_non_null(z);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, 27)));
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0)));
    assert_false(ZSTD_isError(ZSTD_compressStream2(z, &o, &in, ZSTD_e_continue)));
    assert_int_equal(ZSTD_compressStream2(z, &o, &in, ZSTD_e_end), 0);
    buf_put(&f->packed, out, o.pos);
    ZSTD_freeCCtx(z);
}

static void a_frame_that_wants_a_window_of_a_gibibyte(void)
{
    changed_section(window_of_a_gibibyte);
}

static void noise_instead_of_a_frame(struct forgery *f)
{
    uint8_t noise[500];

    random_bytes(noise, sizeof(noise));
    buf_put(&f->packed, noise, sizeof(noise));
}

static void noise_sealed_and_signed(void)
{
    changed_section(noise_instead_of_a_frame);
}

static void two_frames(struct forgery *f)
{
    uint8_t out[4096];
    size_t len = ZSTD_compress(out, sizeof(out), f->plain.data, f->plain.len, 3);

    assert_false(ZSTD_isError(len));
    buf_put(&f->packed, out, len);
    buf_put(&f->packed, out, len);
}

static void a_second_frame_behind_the_first(void)
{
    changed_section(two_frames);
}

static void more_plain_than_there_is(struct forgery *f)
{
    f->h.sections[0].plain_len = 1000000;
    f->lies_about_plain = true;
}

static void a_header_that_promises_more_plain_bytes(void)
{
    changed_section(more_plain_than_there_is);
}

static void fewer_packed(struct forgery *f)
{
    f->h.sections[0].packed_len = 5;
    f->lies_about_packed = true;
}

/* The lengths do not add up to the batch: that needs no secret to be seen. */
static void a_header_that_promises_fewer_packed_bytes(void)
{
    changed_header(fewer_packed, MERR_MALFORMED);
}

static void many_records(struct forgery *f)
{
    f->h.sections[0].records = 65536;
    f->range.count = 65536;
}

static void a_header_that_promises_sixty_five_thousand_records(void)
{
    changed_section(many_records);
}

static void too_many_records(struct forgery *f)
{
    f->h.sections[0].records = 4000000;
    f->range.count = 4000000;
}

static void a_header_that_promises_four_million_records(void)
{
    changed_header(too_many_records, MERR_LIMIT);
}

/* ---- columns ---- */

static void plain_of(struct forgery *f, const void *bytes, size_t len)
{
    buf_reset(&f->plain);
    buf_put(&f->plain, bytes, len);
}

static void many_columns(struct forgery *f)
{
    plain_of(f, "\xff\xff\xff\xff\x0f\x01\x00\x02", 8);
}

static void a_block_of_four_thousand_million_columns(void)
{
    changed_section(many_columns);
}

static void many_rows(struct forgery *f)
{
    plain_of(f, "\x01\xff\xff\xff\x7f\x00\x02\x01", 8);
}

static void a_block_of_millions_of_rows(void)
{
    changed_section(many_rows);
}

static void endless_varint(struct forgery *f)
{
    plain_of(f, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 13);
}

static void a_number_that_does_not_end(void)
{
    changed_section(endless_varint);
}

static void long_strings(struct forgery *f)
{
    /* one column, one row; numbers: all equal 1; kinds: str; strings each its own: length 2^40 */
    plain_of(f, "\x01\x01\x00\x02\x80\x02\x01\x00\x80\x80\x80\x80\x80\x40", 14);
}

static void a_text_of_a_tebibyte_in_fourteen_bytes(void)
{
    changed_section(long_strings);
}

static void cut(struct forgery *f)
{
    f->plain.len--;
}

static void a_block_that_is_cut_off(void)
{
    changed_section(cut);
}

static void tail(struct forgery *f)
{
    buf_put(&f->plain, "\0", 1);
}

static void bytes_behind_the_last_block(void)
{
    changed_section(tail);
}

/* ---- records ---- */

static void changed_record(void (*change)(struct record *r, struct value *values), unsigned reason)
{
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 5);

    change(&r, v);
    forge_init(&f);
    forge_records(&f, &r, 1, 1);
    expect_put_aside(&f, reason);
    forge_fini(&f);
}

static void about_victim(struct record *r, struct value *values)
{
    (void)values;
    (void)snprintf(r->unit, sizeof(r->unit), "ms");
}

static void a_report_about_anothers_school(void)
{
    changed_record(about_victim, QUARANTINE_UNIT);
}

static void about_district(struct record *r, struct value *values)
{
    (void)values;
    (void)snprintf(r->unit, sizeof(r->unit), "district");
}

static void a_report_about_the_municipality(void)
{
    changed_record(about_district, QUARANTINE_UNIT);
}

static void of_unknown_form(struct record *r, struct value *values)
{
    (void)values;
    random_bytes(r->form, sizeof(r->form));
}

/* record_encode() would not write it: the digest is changed in the bytes. */
static void a_form_that_was_never_published(void)
{
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 5);
    struct buf b;
    struct bytes bytes;

    buf_init(&b, RECORD_MAX);
    MUST(record_encode(&b, &r, agent_form(field.evil, "marks")));
    of_unknown_form(&r, v);
    memcpy(b.data + 6, r.form, 8); /* behind the array's head, the format, and the head of bin 32 */
    bytes = bytes_of(b.data, b.len);
    forge_init(&f);
    forge_raw_records(&f, &bytes, 1, 1);
    expect_put_aside(&f, QUARANTINE_UNKNOWN_FORM);
    forge_fini(&f);
    buf_fini(&b);
}

static void of_unknown_period(struct record *r, struct value *values)
{
    (void)values;
    (void)snprintf(r->period, sizeof(r->period), "9999-13");
}

static void a_period_that_there_never_was(void)
{
    changed_record(of_unknown_period, QUARANTINE_PERIOD);
}

static void of_too_much(struct record *r, struct value *values)
{
    (void)r;
    values[1].as.i = INT64_MAX;
}

/* Added up it would wrap a careless sum. */
static void the_greatest_number_of_all(void)
{
    changed_record(of_too_much, QUARANTINE_INVALID);
}

static void of_too_little(struct record *r, struct value *values)
{
    (void)r;
    values[1].as.i = INT64_MIN;
}

static void the_least_number_of_all(void)
{
    changed_record(of_too_little, QUARANTINE_INVALID);
}

static void without_key(struct record *r, struct value *values)
{
    (void)r;
    values[0].as.text = bytes_of("", 0);
    values[0].state = VALUE_MISSING;
}

static void a_row_without_its_key(void)
{
    changed_record(without_key, QUARANTINE_INVALID);
}

static void of_a_target(struct record *r, const struct record_ref *ref, enum record_kind kind)
{
    r->kind = kind;
    r->target = *ref;
    r->reason = bytes_of("because", 7);
    if (kind == RECORD_RETRACTION) {
        r->values = NULL;
        r->value_count = 0;
    }
}

static void with_a_target(const struct record_ref *ref, enum record_kind kind, unsigned reason)
{
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 5);

    of_a_target(&r, ref, kind);
    forge_init(&f);
    forge_records(&f, &r, 1, 5);
    if (reason != 0)
        expect_put_aside(&f, reason);
    forge_fini(&f);
}

static struct record_ref of_the_victim(void)
{
    return (struct record_ref){field.victim->gen, 1};
}

/* The target is looked for among the sender's own: to name another's takes nothing away from it (the caller counts). */
static void a_withdrawal_of_anothers_answers(void)
{
    struct record_ref ref = of_the_victim();
    struct forgery f;
    struct value v[MARKS_FIELDS];
    struct record r = forge_record(v, "p1", 5);
    struct sealed s;
    struct answer a;

    of_a_target(&r, &ref, RECORD_RETRACTION);
    forge_init(&f);
    forge_records(&f, &r, 1, 5);
    forge_seal(&f, &s);
    send_forgery(&s, &a);
    assert_false(a.is_error);
    sealed_free(&s);
    forge_fini(&f);
}

static void a_correction_of_what_is_still_to_come(void)
{
    struct record_ref ref = {{UINT32_MAX, {0xff}}, 17};

    with_a_target(&ref, RECORD_CORRECTION, QUARANTINE_TARGET);
}

/* Canonical MessagePack, but no record. */
static void raw(const char *bytes, size_t len, unsigned reason)
{
    struct forgery f;
    struct bytes b = bytes_of(bytes, len);

    forge_init(&f);
    forge_raw_records(&f, &b, 1, 1);
    expect_put_aside(&f, reason);
    forge_fini(&f);
}

static void a_record_of_one_element(void)
{
    raw("\x91\x01", 2, QUARANTINE_MALFORMED);
}

static void a_record_of_an_unknown_format(void)
{
    raw("\x91\x09", 2, QUARANTINE_MALFORMED);
}

static void a_record_of_nothing_but_nil(void)
{
    raw("\x9f\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0", 16, QUARANTINE_MALFORMED);
}

/* A bad one holds up nobody: what stands beside it in the same batch would count (here all are bad in different ways).
 */
static void three_hundred_different_wrongs_in_one_batch(void)
{
    enum { MANY = 300 };
    static struct value v[MANY][MARKS_FIELDS];
    static struct record r[MANY];
    struct forgery f;
    struct sealed s;
    struct answer a;

    for (unsigned i = 0; i < MANY; i++) {
        r[i] = forge_record(v[i], "p1", i % 3 == 0 ? 99 : 5);
        if (i % 3 == 1)
            (void)snprintf(r[i].unit, sizeof(r[i].unit), "ms");
        if (i % 3 == 2)
            (void)snprintf(r[i].period, sizeof(r[i].period), "1000-01");
    }
    forge_init(&f);
    forge_records(&f, r, MANY, 1);
    forge_seal(&f, &s);
    send_forgery(&s, &a);
    assert_false(a.is_error);
    assert_int_equal(a.verdicts[VERDICT_QUARANTINED], MANY);
    sealed_free(&s);
    forge_fini(&f);
}

const struct attack batch_attacks[] = {
    {"school: a batch for another district", "another participant's, or has another place",
     a_batch_for_another_district},
    {"school: a batch in another's name", "another participant's, or has another place", a_batch_in_anothers_name},
    {"school: a batch signed by an unknown key", "ignature", a_batch_signed_by_an_unknown_key},
    {"school: a batch signed by another's key", "ignature", a_batch_signed_by_anothers_key},
    {"school: a batch of an unknown version", "version", a_batch_of_an_unknown_version},
    {"school: a batch of an unknown suite", "version", a_batch_of_an_unknown_suite},
    {"school: a batch sealed to a key of nobody", "is sealed to a key that is lost", a_batch_sealed_to_a_key_of_nobody},
    {"school: a batch with a key of low order", "ev", a_batch_with_a_key_of_low_order},
    {"school: a signature made over", "ignature", a_signature_made_over},
    {"school: another's sealed section as one's own", PUT_ASIDE, anothers_sealed_section_as_ones_own},
    {"school: a sequence from the far future", PUT_ASIDE, a_sequence_from_the_far_future},
    {"school: numbers from the far end", PUT_ASIDE, numbers_from_the_far_end},
    {"school: two stories under one sequence", "ev holds another history than the hub", two_stories_under_one_sequence},
    {"school: a bomb that says it is small", PUT_ASIDE, a_bomb_that_says_it_is_small},
    {"school: a bomb as large as allowed", PUT_ASIDE, a_bomb_as_large_as_allowed},
    {"school: a bomb of a gibibyte", PUT_ASIDE, a_bomb_of_a_gibibyte},
    {"school: a frame that wants a window of a gibibyte", PUT_ASIDE, a_frame_that_wants_a_window_of_a_gibibyte},
    {"school: noise sealed and signed", PUT_ASIDE, noise_sealed_and_signed},
    {"school: a second frame behind the first", PUT_ASIDE, a_second_frame_behind_the_first},
    {"school: a header that promises more plain bytes", PUT_ASIDE, a_header_that_promises_more_plain_bytes},
    {"school: a header that promises fewer packed bytes", "malformed", a_header_that_promises_fewer_packed_bytes},
    {"school: a header that promises 65,536 records", PUT_ASIDE, a_header_that_promises_sixty_five_thousand_records},
    {"school: a header that promises four million records", "limit", a_header_that_promises_four_million_records},
    {"school: a block of four thousand million columns", PUT_ASIDE, a_block_of_four_thousand_million_columns},
    {"school: a block of millions of rows", PUT_ASIDE, a_block_of_millions_of_rows},
    {"school: a number that does not end", PUT_ASIDE, a_number_that_does_not_end},
    {"school: a text of a tebibyte in fourteen bytes", PUT_ASIDE, a_text_of_a_tebibyte_in_fourteen_bytes},
    {"school: a block that is cut off", PUT_ASIDE, a_block_that_is_cut_off},
    {"school: bytes behind the last block", PUT_ASIDE, bytes_behind_the_last_block},
    {"school: a report about another's school", PUT_ASIDE, a_report_about_anothers_school},
    {"school: a report about the municipality", PUT_ASIDE, a_report_about_the_municipality},
    {"school: a form that was never published", PUT_ASIDE, a_form_that_was_never_published},
    {"school: a period that there never was", PUT_ASIDE, a_period_that_there_never_was},
    {"school: the greatest number of all", PUT_ASIDE, the_greatest_number_of_all},
    {"school: the least number of all", PUT_ASIDE, the_least_number_of_all},
    {"school: a row without its key", PUT_ASIDE, a_row_without_its_key},
    {"school: a withdrawal of another's answers", NULL, a_withdrawal_of_anothers_answers}, /* of nothing: harmless */
    {"school: a correction of what is still to come", PUT_ASIDE, a_correction_of_what_is_still_to_come},
    {"school: a record of one element", PUT_ASIDE, a_record_of_one_element},
    {"school: a record of an unknown format", PUT_ASIDE, a_record_of_an_unknown_format},
    {"school: a record of nothing but nil", PUT_ASIDE, a_record_of_nothing_but_nil},
    {"school: three hundred different wrongs in one batch", PUT_ASIDE, three_hundred_different_wrongs_in_one_batch},
    {NULL, NULL, NULL}};
