/* Holds protocol/vectors.json against the code in both directions: what is written there comes out, and what comes in
 * is what is written there. */
#include "tests/unit/vectors.h"

#include "protocol/batch.h"
#include "protocol/batch_internal.h"
#include "protocol/block.h"
#include "protocol/six_words.h"
#include "protocol/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <zstd.h>

#include <cmocka.h>

static json_t *all;
static struct buf scratch; /* bytes out of hex live here until the test ends */
static struct form form;
static struct form_field fields[16], columns[16];
static struct choice_list choices[16];

static int start(void **state)
{
    json_error_t error;

    (void)state;
    all = json_load_file(SVODKA_SOURCE_DIR "/protocol/vectors.json", JSON_REJECT_DUPLICATES, &error);
    buf_init(&scratch, 1u << 20);
    if (all == NULL || buf_grow(&scratch, 1u << 19) == NULL)
        return -1;
    scratch.len = 0;
    return keys_start() == OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    json_decref(all);
    buf_fini(&scratch);
    return 0;
}

static struct bytes from_hex(const json_t *j)
{
    const char *hex = json_string_value(j);
    size_t len;
    uint8_t *at;

    assert_non_null(hex);
    len = strlen(hex) / 2;
    assert_true(scratch.len + len < 1u << 19); /* loans must not move */
    at = buf_grow(&scratch, len);
    assert_int_equal(sodium_hex2bin(at, len, hex, 2 * len, NULL, &len, NULL), 0);
    return (struct bytes){at, len};
}

static struct bytes hex_at(const json_t *j, const char *name)
{
    return from_hex(json_object_get(j, name));
}

static const char *text_at(const json_t *j, const char *name)
{
    return json_string_value(json_object_get(j, name));
}

static json_int_t int_at(const json_t *j, const char *name)
{
    return json_integer_value(json_object_get(j, name));
}

static void assert_same(struct bytes want, const void *p, size_t len)
{
    assert_int_equal(len, want.len);
    assert_memory_equal(p, want.p, len);
}

static struct key *key_at(const json_t *j, const char *name, enum key_kind kind)
{
    struct key *k = NULL;

    assert_int_equal(key_from_seed(&k, kind, hex_at(j, name).p), OK);
    return k;
}

/* ---- primitives ---- */

static void elements_are_accepted_or_refused(void **state)
{
    static const char *const lists[] = {"refused", "accepted"};

    (void)state;
    for (int wanted = 0; wanted < 2; wanted++) {
        json_t *list = json_object_get(json_object_get(all, "elements"), lists[wanted]);
        json_t *hex;
        size_t i;

        json_array_foreach(list, i, hex)
        {
            struct mp m = mp_of(from_hex(hex));

            (void)mp_any(&m);
            assert_int_equal(mp_done(&m), wanted);
        }
        assert_true(i > 20);
    }
}

static void digests_are_these(void **state)
{
    const json_t *j = json_object_get(all, "digests");
    struct bytes in = hex_at(j, "in");
    uint8_t d[DIGEST_BYTES];

    (void)state;
    digest(d, in);
    assert_same(hex_at(j, "digest"), d, sizeof(d));
    digest_domain(d, text_at(j, "domain"), in);
    assert_same(hex_at(j, "digest_domain"), d, sizeof(d));
    derive(d, hex_at(j, "key").p, text_at(j, "domain"), in);
    assert_same(hex_at(j, "derive"), d, sizeof(d));
}

static void keys_and_fingerprints_are_these(void **state)
{
    static const enum key_kind kinds[] = {KEY_SIGN, KEY_SEAL, KEY_CURVE};
    json_t *j;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(all, "keys"), i, j)
    {
        struct key *k = key_at(j, "seed", kinds[i]);
        char print[40];

        assert_same(hex_at(j, "public"), key_public(k), KEY_BYTES);
        fingerprint(print, key_public(k));
        assert_string_equal(print, text_at(j, "fingerprint"));
        key_free(k);
    }
    assert_int_equal(i, 3);
    json_array_foreach(json_object_get(all, "codes"), i, j)
    {
        char code[15];

        assert_int_equal(code_normalise(code, text_at(j, "typed")), OK);
        assert_string_equal(code, text_at(j, "code"));
    }
}

static void a_sheet_gives_these_keys_and_words(void **state)
{
    const json_t *j = json_object_get(all, "sheet");
    const json_t *words = json_object_get(j, "words");
    uint8_t print[FINGERPRINT_BYTES], stretched[KEY_BYTES], mac[KEY_BYTES], transcript[DIGEST_BYTES];
    char text[SIX_WORDS_MAX];
    struct enrol_request r = {.made_ms = 0};
    struct ticket t;
    struct key *k;
    struct buf line;

    (void)state;
    assert_int_equal(ticket_read(&t, text_at(j, "line")), OK);
    assert_string_equal(t.code, text_at(j, "code"));
    fingerprint_bytes(print, hex_at(j, "root").p);
    assert_true(fingerprint_equal(print, t.print));
    buf_init(&line, TICKET_MAX + 1);
    assert_int_equal(ticket_write(&line, &t), OK);
    assert_string_equal(buf_cstr(&line), text_at(j, "line"));
    buf_fini(&line);
    assert_int_equal(code_stretch(stretched, t.code, t.print), OK);
    assert_same(hex_at(j, "stretched"), stretched, sizeof(stretched));
    assert_int_equal(invitation_curve(&k, t.code, t.print), OK);
    assert_same(hex_at(j, "curve_public"), key_public(k), KEY_BYTES);
    assert_same(hex_at(j, "curve_secret"), key_secret(k), KEY_BYTES);
    key_free(k);
    assert_int_equal(door_key(&k, t.print), OK);
    assert_same(hex_at(j, "door_public"), key_public(k), KEY_BYTES);
    key_free(k);
    invitation_mac_key(mac, t.code, hex_at(j, "district").p);
    assert_same(hex_at(j, "mac_key"), mac, sizeof(mac));
    memcpy(r.digest, hex_at(j, "request_digest").p, sizeof(r.digest));
    enrol_transcript(transcript, hex_at(j, "root").p, &r);
    assert_same(hex_at(words, "digest"), transcript, sizeof(transcript));
    six_words(text, transcript, true);
    assert_string_equal(text, text_at(words, "ru"));
    six_words(text, transcript, false);
    assert_string_equal(text, text_at(words, "en"));
}

static void a_signature_is_this(void **state)
{
    const json_t *j = json_object_get(all, "signature");
    struct key *k = key_at(j, "seed", KEY_SIGN);
    struct bytes message = hex_at(j, "message");
    struct bytes want = hex_at(j, "signature");
    uint8_t sig[SIGNATURE_BYTES];

    (void)state;
    assert_int_equal(key_sign(k, text_at(j, "domain"), message, (struct bytes){NULL, 0}, sig), OK);
    assert_same(want, sig, sizeof(sig));
    assert_int_equal(key_verify(key_public(k), text_at(j, "domain"), message, (struct bytes){NULL, 0}, want.p), OK);
    key_free(k);
}

static void sealed_and_locked_bytes_open(void **state)
{
    const json_t *j = json_object_get(all, "sealed");
    struct key *k = key_at(j, "seed", KEY_SEAL);
    struct bytes ad = hex_at(j, "ad");
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(open_small(&out, k, text_at(j, "domain"), ad, hex_at(j, "seal_small")), OK);
    assert_same(hex_at(j, "plain"), out.data, out.len);
    buf_reset(&out);
    assert_int_equal(unlock_bytes(&out, hex_at(j, "seed").p, ad, hex_at(j, "lock_bytes_under_seed")), OK);
    assert_same(hex_at(j, "plain"), out.data, out.len);
    buf_fini(&out);
    key_free(k);
}

/* ---- records ---- */

static enum value_type type_of(const char *name)
{
    static const char *const names[] = {"integer",    "decimal",         "text",  "date", "boolean",
                                        "select_one", "select_multiple", "repeat"};
    unsigned t = 0;

    while (strcmp(names[t], name) != 0)
        t++;
    return (enum value_type)t;
}

static uint32_t read_fields(const json_t *list, struct form_field *into)
{
    json_t *j;
    size_t i;

    json_array_foreach(list, i, j)
    {
        into[i] = (struct form_field){.name = text_at(j, "name"), .type = type_of(text_at(j, "type"))};
        if (json_object_get(j, "choices") != NULL) {
            choices[i].count = (uint32_t)int_at(j, "choices");
            into[i].choices = &choices[i];
        }
        if (into[i].type == VALUE_REPEAT) {
            into[i].columns = columns;
            into[i].column_count = read_fields(json_object_get(j, "columns"), columns);
        }
    }
    return (uint32_t)i;
}

static void read_form(void)
{
    const json_t *j = json_object_get(all, "form");

    form = (struct form){.id = "vectors", .fields = fields, .key = -1};
    form.field_count = read_fields(json_object_get(j, "fields"), fields);
    memcpy(form.digest, hex_at(j, "digest").p, sizeof(form.digest));
}

static struct bytes text_of(const json_t *j)
{
    return (struct bytes){(const uint8_t *)json_string_value(j), json_string_length(j)};
}

static struct value value_of(const json_t *j, const struct form_field *f, struct value **cells)
{
    struct value v = {0};
    json_t *item;
    json_t *cell;
    size_t i;
    size_t c;

    if (json_is_null(j))
        v.state = VALUE_MISSING;
    else if (json_is_object(j))
        v.state = (enum value_state)int_at(j, "state");
    else if (f->type == VALUE_TEXT)
        v.as.text = text_of(j);
    else if (f->type == VALUE_BOOLEAN)
        v.as.i = json_is_true(j);
    else if (f->type == VALUE_SELECT_MULTIPLE)
        json_array_foreach(j, i, item) v.as.set |= UINT64_C(1) << json_integer_value(item);
    else if (f->type == VALUE_REPEAT) {
        v.as.rows = (struct value_rows){*cells, (uint32_t)json_array_size(j), f->column_count};
        json_array_foreach(j, i, item) json_array_foreach(item, c, cell) * (*cells)++ =
            value_of(cell, &f->columns[c], NULL);
    } else
        v.as.i = json_integer_value(j);
    return v;
}

struct record_memory {
    struct value values[16], cells[16];
    struct record_remark remarks[16];
};

static void read_head(struct record *r, const json_t *j)
{
    const json_t *target = json_object_get(j, "target");

    memset(r, 0, sizeof(*r));
    memcpy(r->form, hex_at(j, "form").p, sizeof(r->form));
    strcpy(r->unit, text_at(j, "unit"));
    strcpy(r->period, text_at(j, "period"));
    r->filled_on = (int32_t)int_at(j, "filled_on");
    r->has_time = !json_is_null(json_object_get(j, "made_ms"));
    r->made_ms = int_at(j, "made_ms");
    r->has_offset = !json_is_null(json_object_get(j, "offset_ms"));
    r->offset_ms = int_at(j, "offset_ms");
    r->entered_by = text_of(json_object_get(j, "entered_by"));
    r->source = (enum record_source)int_at(j, "source");
    r->kind = (enum record_kind)int_at(j, "kind");
    r->reason = text_of(json_object_get(j, "reason"));
    memcpy(r->tag, hex_at(j, "tag").p, TAG_BYTES);
    r->ordinal = (uint32_t)int_at(j, "ordinal");
    if (json_is_null(target))
        return;
    r->target.gen.counter = (uint32_t)int_at(target, "counter");
    memcpy(r->target.gen.tag, hex_at(target, "tag").p, TAG_BYTES);
    r->target.number = (uint64_t)int_at(target, "number");
}

static void read_record(struct record *r, const json_t *j, struct record_memory *m)
{
    struct value *cells = m->cells;
    json_t *item;
    size_t i;

    read_head(r, j);
    json_array_foreach(json_object_get(j, "remarks"), i, item) m->remarks[i] =
        (struct record_remark){(uint32_t)json_integer_value(json_array_get(item, 0)), text_of(json_array_get(item, 1))};
    r->remarks = m->remarks;
    r->remark_count = (uint32_t)i;
    json_array_foreach(json_object_get(j, "values"), i, item) m->values[i] = value_of(item, &form.fields[i], &cells);
    r->values = m->values;
    r->value_count = (uint32_t)i;
}

static void records_are_these_in_both_directions(void **state)
{
    struct record_space *space;
    json_t *j;
    size_t i;

    (void)state;
    read_form();
    assert_int_equal(record_space_new(&space), OK);
    json_array_foreach(json_object_get(all, "records"), i, j)
    {
        struct bytes want = hex_at(j, "bytes");
        struct record_memory memory;
        struct record r;
        struct buf out;
        json_t *again;

        buf_init(&out, RECORD_MAX);
        read_record(&r, j, &memory);
        assert_int_equal(record_encode(&out, &r, &form), OK);
        assert_same(want, out.data, out.len);
        buf_fini(&out);
        assert_int_equal(record_decode(&r, space, want, &form), OK);
        again = vector_record(&r, &form);
        json_object_set(again, "name", json_object_get(j, "name"));
        json_object_set(again, "bytes", json_object_get(j, "bytes"));
        assert_true(json_equal(again, j));
        json_decref(again);
    }
    assert_int_equal(i, 5);
    record_space_free(space);
}

/* ---- blocks ---- */

static void blocks_are_these_in_both_directions(void **state)
{
    json_t *j;
    json_t *item;
    size_t i;
    size_t n;

    (void)state;
    json_array_foreach(json_object_get(all, "blocks"), i, j)
    {
        json_t *numbers = json_object_get(j, "numbers");
        struct bytes want = hex_at(j, "bytes");
        struct rd in = rd_of(want.p, want.len);
        struct block_maker *m;
        struct buf out, bytes, ends, nums;
        struct block_rows rows = {&bytes, &ends, &nums};
        uint32_t count = 0;
        size_t at = 0;

        buf_init(&out, 1u << 20);
        buf_init(&bytes, 1u << 20);
        buf_init(&ends, 1u << 20);
        buf_init(&nums, 1u << 20);
        assert_int_equal(block_maker_new(&m), OK);
        assert_int_equal(block_decode(&in, &rows, 100, 100000, &count), OK);
        assert_int_equal(rd_left(&in), 0);
        json_array_foreach(json_object_get(j, "records"), n, item)
        {
            struct bytes record = from_hex(item);
            uint64_t number = (uint64_t)json_integer_value(json_array_get(numbers, n));

            assert_int_equal(block_maker_add(m, number, record), OK);
            assert_memory_equal(bytes.data + at, record.p, record.len);
            assert_memory_equal(nums.data + 8 * n, &number, 8);
            at += record.len;
        }
        assert_int_equal(count, n);
        assert_int_equal(at, bytes.len);
        assert_int_equal(block_maker_encode(m, count, &out), OK);
        assert_same(want, out.data, out.len);
        block_maker_free(m);
        buf_fini(&out);
        buf_fini(&bytes);
        buf_fini(&ends);
        buf_fini(&nums);
    }
    assert_int_equal(i, 3);
}

/* ---- the batch ---- */

static void make_batch(struct buf *out, const json_t *j, const struct batch_seal *s)
{
    const json_t *records = json_object_get(j, "records");
    const json_t *voids = json_object_get(j, "voids");
    struct batch_maker *m;
    uint32_t taken = 0;
    size_t r = 0;
    size_t v = 0;

    assert_int_equal(batch_maker_new(&m, NULL), OK);
    while (r < json_array_size(records) || v < json_array_size(voids)) { /* in the order of their numbers */
        const json_t *record = json_array_get(records, r);
        const json_t *gone = json_array_get(voids, v);
        uint64_t first = (uint64_t)json_integer_value(json_array_get(gone, 0));

        if (gone == NULL || (record != NULL && (uint64_t)int_at(record, "number") < first)) {
            assert_int_equal(batch_maker_add(m, (uint64_t)int_at(record, "number"), text_at(record, "retention"),
                                             hex_at(record, "bytes")),
                             OK);
            r++;
        } else {
            assert_int_equal(batch_maker_void(m, first, (uint64_t)json_integer_value(json_array_get(gone, 1))), OK);
            v++;
        }
    }
    assert_int_equal(batch_maker_seal(m, s, out, &taken), OK);
    assert_int_equal(taken, r);
    batch_maker_free(m);
}

static void fill_seal(struct batch_seal *s, const json_t *j)
{
    memset(s, 0, sizeof(*s));
    memcpy(s->district, hex_at(j, "district").p, sizeof(s->district));
    s->participant = text_at(j, "participant");
    s->gen.counter = (uint32_t)int_at(j, "counter");
    memcpy(s->gen.tag, hex_at(j, "tag").p, TAG_BYTES);
    s->sequence = (uint64_t)int_at(j, "sequence");
    memcpy(s->previous, hex_at(j, "previous").p, DIGEST_BYTES);
    s->closed_ms = int_at(j, "closed_ms");
    s->stream_headers = hex_at(j, "stream_headers").p;
}

static void the_batch_comes_out_as_written(void **state)
{
    const json_t *j = json_object_get(all, "batch");
    struct key *sign = key_at(j, "sign_seed", KEY_SIGN);
    struct key *seal = key_at(j, "seal_seed", KEY_SEAL);
    struct key *ephemeral = key_at(j, "ephemeral_seed", KEY_SEAL);
    struct batch_seal s;
    struct buf out;

    (void)state;
    fill_seal(&s, j);
    memcpy(s.seal_to, key_public(seal), KEY_BYTES);
    s.sign = sign;
    s.ephemeral = ephemeral;
    buf_init(&out, BATCH_MAX_SEALED);
    make_batch(&out, j, &s);
    if (strcmp(text_at(all, "zstd"), ZSTD_versionString()) == 0)
        assert_same(hex_at(j, "bytes"), out.data, out.len);
    else
        print_message("zstd %s here, %s in the vectors: packed bytes may differ\n", ZSTD_versionString(),
                      text_at(all, "zstd"));
    buf_fini(&out);
    key_free(sign);
    key_free(seal);
    key_free(ephemeral);
}

static void the_written_batch_opens(void **state)
{
    const json_t *j = json_object_get(all, "batch");
    struct key *sign = key_at(j, "sign_seed", KEY_SIGN);
    struct key *seal = key_at(j, "seal_seed", KEY_SEAL);
    struct bytes batch = hex_at(j, "bytes");
    uint8_t d[DIGEST_BYTES];
    struct section_keys keys;
    struct batch_header h;
    struct batch_plain *p;
    json_t *item;
    size_t i;

    (void)state;
    assert_int_equal(batch_parse(&h, batch), OK);
    assert_int_equal(batch_verify(&h, batch, key_public(sign)), OK);
    assert_int_equal(batch_section_keys(&keys, &h, batch, seal), OK);
    assert_same(hex_at(j, "clear"), batch.p, batch_clear_len(batch));
    batch_digest(d, batch);
    assert_same(hex_at(j, "digest"), d, sizeof(d));
    json_array_foreach(json_object_get(j, "section_keys"), i, item) assert_same(from_hex(item), keys.key[i], KEY_BYTES);
    assert_int_equal(i, h.section_count);
    assert_int_equal(batch_open(&p, &h, batch, &keys, ~0u), OK);
    json_array_foreach(json_object_get(j, "records"), i, item)
    {
        uint64_t number;
        uint32_t section;
        struct bytes record = batch_plain_record(p, (uint32_t)i, &number, &section);

        assert_same(hex_at(item, "bytes"), record.p, record.len);
        assert_int_equal(number, int_at(item, "number"));
        assert_string_equal(h.sections[section].retention, text_at(item, "retention"));
    }
    assert_int_equal(batch_plain_count(p), i);
    assert_int_equal(h.void_count, 2);
    batch_plain_free(p);
    batch_header_fini(&h);
    key_free(sign);
    key_free(seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_accepted_or_refused),
        cmocka_unit_test(digests_are_these),
        cmocka_unit_test(keys_and_fingerprints_are_these),
        cmocka_unit_test(a_sheet_gives_these_keys_and_words),
        cmocka_unit_test(a_signature_is_this),
        cmocka_unit_test(sealed_and_locked_bytes_open),
        cmocka_unit_test(records_are_these_in_both_directions),
        cmocka_unit_test(blocks_are_these_in_both_directions),
        cmocka_unit_test(the_batch_comes_out_as_written),
        cmocka_unit_test(the_written_batch_opens),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
