/* Batches whose parts can each be a lie, signed by a school in good standing. */
#include "tests/fault/attack/attack.h"

#include "protocol/block.h"
#include "protocol/keys_internal.h"

#include <zstd.h>

#define PERIOD "2020-09"

void forge_init(struct forgery *f)
{
    struct value values[MARKS_FIELDS];
    struct record r = forge_record(values, "p1", 5);

    memset(f, 0, sizeof(*f));
    buf_init(&f->plain, BATCH_MAX_PLAIN * 2);
    buf_init(&f->packed, BATCH_MAX_PLAIN * 2);
    f->h.version = 1;
    f->h.suite = SUITE_1;
    memcpy(f->h.district, field.forger->directory->district, sizeof(f->h.district));
    (void)snprintf(f->h.participant, sizeof(f->h.participant), "%s", field.forger->grant->participant);
    f->h.gen = attack_generation();
    f->h.sequence = 1;
    f->sign = field.forger->sign;
    MUST(directory_current_seal_key(field.forger->directory, f->seal_to));
    f->h.closed_ms = clock_wall_ms();
    f->h.range_count = 1;
    f->h.ranges = &f->range;
    f->h.section_count = 1;
    (void)snprintf(f->h.sections[0].retention, sizeof(f->h.sections[0].retention), "default");
    forge_records(f, &r, 1, 1);
}

void forge_fini(struct forgery *f)
{
    buf_fini(&f->plain);
    buf_fini(&f->packed);
}

struct record forge_record(struct value values[MARKS_FIELDS], const char *pupil, int64_t grade)
{
    const struct form *form = agent_form(field.forger, "marks");
    struct record r = {.filled_on = 18518, .period = PERIOD};

    assert_non_null(form);
    memset(values, 0, MARKS_FIELDS * sizeof(*values));
    (void)snprintf(r.unit, sizeof(r.unit), "%s", field.forger->grant->participant);
    memcpy(r.form, form->digest, sizeof(r.form));
    random_bytes(r.tag, sizeof(r.tag));
    values[0].as.text = bytes_of(pupil, strlen(pupil));
    values[1].as.i = grade;
    values[2].as.text = bytes_of("", 0);
    r.values = values;
    r.value_count = MARKS_FIELDS;
    return r;
}

void forge_raw_records(struct forgery *f, const struct bytes *records, size_t count, uint64_t first)
{
    struct block_maker *m;

    MUST(block_maker_new(&m));
    for (size_t i = 0; i < count; i++)
        MUST(block_maker_add(m, first + i, records[i]));
    buf_reset(&f->plain);
    MUST(block_maker_encode(m, (uint32_t)count, &f->plain));
    block_maker_free(m);
    f->range = (struct number_range){first, count};
    f->h.sections[0].records = (uint32_t)count;
}

void forge_records(struct forgery *f, const struct record *records, size_t count, uint64_t first)
{
    const struct form *form = agent_form(field.forger, "marks");
    struct bytes *list = calloc(count, sizeof(*list));
    struct buf *bufs = calloc(count, sizeof(*bufs));

    assert_true(list != NULL && bufs != NULL);
    for (size_t i = 0; i < count; i++) {
        buf_init(&bufs[i], RECORD_MAX);
        MUST(record_encode(&bufs[i], &records[i], form));
        list[i] = bytes_of(bufs[i].data, bufs[i].len);
    }
    forge_raw_records(f, list, count, first);
    for (size_t i = 0; i < count; i++)
        buf_fini(&bufs[i]);
    free(bufs);
    free(list);
}

static void pack(struct forgery *f)
{
    size_t room = ZSTD_compressBound(f->plain.len);
    uint8_t *at;
    size_t len;

    if (f->packed.len > 0)
        return;
    at = buf_grow(&f->packed, room);
    assert_non_null(at);
    len = ZSTD_compress(at, room, f->plain.data, f->plain.len, 3);
    assert_false(ZSTD_isError(len));
    f->packed.len = len;
}

void forge_seal(struct forgery *f, struct sealed *out)
{
    static const uint8_t low[KEY_BYTES] = {1};
    struct batch_section *s = &f->h.sections[0];
    struct key *ephemeral;
    uint8_t shared[KEY_BYTES], key[KEY_BYTES], signature[SIGNATURE_BYTES];

    pack(f);
    if (!f->lies_about_packed)
        s->packed_len = (uint32_t)f->packed.len;
    if (!f->lies_about_plain)
        s->plain_len = (uint32_t)f->plain.len;
    s->sealed_len = (uint32_t)section_sealed_len(f->packed.len);
    MUST(key_generate(&ephemeral, KEY_SEAL));
    memcpy(f->h.sign_key, key_public(f->sign), KEY_BYTES);
    memcpy(f->h.seal_key, f->seal_to, KEY_BYTES);
    memcpy(f->h.ephemeral, f->low_order ? low : key_public(ephemeral), KEY_BYTES);
    memset(out, 0, sizeof(*out));
    buf_init(&out->bytes, 2u << 20);
    MUST(batch_header_put(&out->bytes, &f->h));
    MUST(key_shared(shared, ephemeral, f->seal_to));
    section_key(key, shared, 0, bytes_of(out->bytes.data, out->bytes.len));
    MUST(section_seal(&out->bytes, key, NULL, bytes_of(f->packed.data, f->packed.len)));
    MUST(key_sign(f->sign, BATCH_DOMAIN, bytes_of(out->bytes.data, out->bytes.len), bytes_of("", 0), signature));
    buf_put(&out->bytes, signature, sizeof(signature));
    MUST(buf_status(&out->bytes));
    batch_digest(out->digest, bytes_of(out->bytes.data, out->bytes.len));
    out->state.gen = f->h.gen;
    out->state.sequence = f->h.sequence;
    out->state.length = (uint32_t)out->bytes.len;
    memcpy(out->state.digest, out->digest, DIGEST_BYTES);
    key_free(ephemeral);
}

/* ---- sending ---- */

static void hello_for(struct client *c, const struct sealed *s)
{
    struct message *m = hello_of(field.forger);
    struct msg_hello *h = &m->as.hello;

    h->gen = s->state.gen;
    h->first_held = h->last_sealed = s->state.sequence;
    h->receipted = h->archived = 0;
    memcpy(h->head, s->digest, DIGEST_BYTES);
    h->offer_count = 1;
    h->offers[0].sequence = s->state.sequence;
    h->offers[0].length = (uint32_t)(s->bytes.len > BATCH_MAX_SEALED ? BATCH_MAX_SEALED : s->bytes.len);
    memcpy(h->offers[0].digest, s->digest, DIGEST_BYTES);
    client_send(c, m);
    free(m);
}

static void take_receipt(struct answer *out, struct bytes object)
{
    struct receipt r;

    MUST(receipt_open(&r, object, field.forger->directory->hub_sign));
    out->state = r.state;
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        out->verdicts[i] = (uint32_t)r.verdicts[i];
    if (r.refusal_count > 0)
        out->reason = (unsigned)r.refusals[0].why.reason;
    receipt_fini(&r);
}

void send_forgery(const struct sealed *s, struct answer *out)
{
    int64_t until = clock_mono_ms() + START_MS;
    struct client c;

    memset(out, 0, sizeof(*out));
    client_open(&c, &field.d, field.forger, field.forger->curve, NULL);
    hello_for(&c, s);
    client_expect(&c, MSG_WELCOME);
    assert_int_equal(c.in.as.welcome.go, WELCOME_GO);
    for (uint32_t at = 0; at < s->bytes.len; at += 4096) {
        client_chunk(&c, s, at, 4096 < s->bytes.len - at ? 4096 : (uint32_t)s->bytes.len - at);
        if (at % 8192 == 4096 && client_receive(&c, 200) && c.in.type == MSG_ERROR)
            break;
    }
    while (c.in.type != MSG_ERROR && c.in.type != MSG_RECEIPT && clock_mono_ms() < until)
        (void)client_receive(&c, 1000);
    if (c.in.type == MSG_ERROR) {
        out->is_error = true;
        out->code = c.in.as.error.code;
        (void)snprintf(out->text, sizeof(out->text), "%s", c.in.as.error.text);
    } else if (c.in.type == MSG_RECEIPT)
        take_receipt(out, c.in.as.signed_object);
    else
        fail_msg("the hub does not answer");
    client_close(&c);
}

void expect_put_aside(struct forgery *f, unsigned reason)
{
    struct sealed s;
    struct answer a;

    forge_seal(f, &s);
    send_forgery(&s, &a);
    if (a.is_error)
        fail_msg("ERROR %s: %s", message_error_name(a.code), a.text);
    assert_int_equal(a.state, RECEIPT_STORED);
    assert_int_equal(a.verdicts[VERDICT_COUNTED], 0);
    assert_int_equal(a.verdicts[VERDICT_SUPERSEDED], 0);
    assert_true(a.verdicts[VERDICT_QUARANTINED] > 0);
    assert_int_equal(a.reason, reason);
    sealed_free(&s);
}

void expect_refused(struct forgery *f, enum message_error code)
{
    struct sealed s;
    struct answer a;

    forge_seal(f, &s);
    send_forgery(&s, &a);
    if (!a.is_error || a.code != code)
        fail_msg("expected ERROR %s, came %s", message_error_name(code),
                 a.is_error ? message_error_name(a.code) : "a receipt");
    sealed_free(&s);
}
