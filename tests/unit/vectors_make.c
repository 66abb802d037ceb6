/* vectors_make.c: writes protocol/vectors.json to stdout: fixed keys and nonces, and what comes out of them, for
 * whoever writes an agent in another language.  test_vectors.c holds them against this code in both directions.  Run it
 * only when a format changes: the bytes of old versions must stay readable. */
#include "protocol/batch.h"
#include "protocol/batch_internal.h"
#include "protocol/block.h"
#include "protocol/keys_internal.h"
#include "protocol/six_words.h"
#include "protocol/ticket.h"
#include "tests/unit/record_fixture.h"
#include "tests/unit/vectors.h"

#include <stdio.h>
#include <zstd.h>

#define RECORDS 5u

static struct form form;

static void check(enum err e, const char *what)
{
    if (e == OK)
        return;
    (void)fprintf(stderr, "%s: %s: %s\n", what, err_name(e), err_text());
    exit(1);
}

static struct bytes text(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

static void fill(uint8_t *out, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(first + i);
}

static struct key *key_of(enum key_kind kind, uint8_t first)
{
    uint8_t seed[32];
    struct key *k = NULL;

    fill(seed, sizeof(seed), first);
    check(key_from_seed(&k, kind, seed), "key");
    return k;
}

/* ---- section 2: elements ---- */

static json_t *elements(void)
{
    static const char *const accepted[] = {"00",
                                           "7f",
                                           "cc80",
                                           "ccff",
                                           "cd0100",
                                           "cdffff",
                                           "ce00010000",
                                           "ceffffffff",
                                           "cf0000000100000000",
                                           "cfffffffffffffffff",
                                           "ff",
                                           "e0",
                                           "d0df",
                                           "d080",
                                           "d1ff7f",
                                           "d18000",
                                           "d2ffff7fff",
                                           "d280000000",
                                           "d3ffffffff7fffffff",
                                           "d38000000000000000",
                                           "c0",
                                           "c2",
                                           "c3",
                                           "a0",
                                           "a4d0b4d0b0",
                                           "c400",
                                           "c4020001",
                                           "d40101",
                                           "d40102",
                                           "d40103",
                                           "90",
                                           "92c0c3",
                                           "91919190",
                                           "dc001000000000000000000000000000000000"};
    static const char *const refused[] = {"",
                                          "c1",
                                          "cc7f",
                                          "cd00ff",
                                          "ce0000ffff",
                                          "cf00000000ffffffff",
                                          "d0e0",
                                          "d001",
                                          "d1ff80",
                                          "d2ffff8000",
                                          "d3ffffffff80000000",
                                          "d90161",
                                          "c5000161",
                                          "dc000100",
                                          "ca00000000",
                                          "cb0000000000000000",
                                          "80",
                                          "8100c0",
                                          "d40100",
                                          "d40104",
                                          "d40201",
                                          "d5010101",
                                          "c7010101",
                                          "a1ff",
                                          "a2c080",
                                          "a3eda080",
                                          "a2d0",
                                          "9191919190",
                                          "92c0",
                                          "dfffffffff",
                                          "ddff000000",
                                          "c0c0"};
    json_t *a = json_array();
    json_t *r = json_array();

    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
        json_array_append_new(a, json_string(accepted[i]));
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        json_array_append_new(r, json_string(refused[i]));
    return json_pack("{s:o,s:o}", "accepted", a, "refused", r);
}

/* ---- section 1: primitives ---- */

static json_t *digests(void)
{
    uint8_t key[KEY_BYTES];
    uint8_t plain[DIGEST_BYTES];
    uint8_t domain[DIGEST_BYTES];
    uint8_t derived[KEY_BYTES];

    fill(key, sizeof(key), 0x40);
    digest(plain, text("svodka"));
    digest_domain(domain, "svodka test", text("svodka"));
    derive(derived, key, "svodka test", text("svodka"));
    return json_pack("{s:o,s:o,s:s,s:o,s:o,s:o}", "in", vector_hex("svodka", 6), "digest",
                     vector_hex(plain, sizeof(plain)), "domain", "svodka test", "digest_domain",
                     vector_hex(domain, sizeof(domain)), "key", vector_hex(key, sizeof(key)), "derive",
                     vector_hex(derived, sizeof(derived)));
}

static json_t *keys(void)
{
    static const struct {
        enum key_kind kind;
        const char *name;
    } kinds[] = {{KEY_SIGN, "sign"}, {KEY_SEAL, "seal"}, {KEY_CURVE, "curve"}};
    json_t *a = json_array();

    for (size_t i = 0; i < 3; i++) {
        struct key *k = key_of(kinds[i].kind, (uint8_t)(0x10 * i));
        uint8_t seed[32];
        char print[40];

        fill(seed, sizeof(seed), (uint8_t)(0x10 * i));
        fingerprint(print, key_public(k));
        json_array_append_new(a, json_pack("{s:s,s:o,s:o,s:s}", "kind", kinds[i].name, "seed",
                                           vector_hex(seed, sizeof(seed)), "public",
                                           vector_hex(key_public(k), KEY_BYTES), "fingerprint", print));
        key_free(k);
    }
    return a;
}

static json_t *codes(void)
{
    static const char *const typed[] = {"ABCD-EFGH-JKMN", "abcd efgh jkmn", "oilOIL012345", "АВСЕНКМОРТХУ"};
    json_t *a = json_array();

    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        char code[15];

        check(code_normalise(code, typed[i]), "code");
        json_array_append_new(a, json_pack("{s:s,s:s}", "typed", typed[i], "code", code));
    }
    return a;
}

/* ---- sections 5.6 and 5.7: what a sheet gives, and what is read out over the telephone ---- */

static json_t *words_of(const uint8_t d[DIGEST_BYTES])
{
    char ru[SIX_WORDS_MAX];
    char en[SIX_WORDS_MAX];

    six_words(ru, d, true);
    six_words(en, d, false);
    return json_pack("{s:o,s:s,s:s}", "digest", vector_hex(d, DIGEST_BYTES), "ru", ru, "en", en);
}

static json_t *sheet(void)
{
    struct ticket t = {.code = "ABCD-EFGH-JKMN",
                       .expires_ms = 1600128000000,
                       .participant = "gp",
                       .name = "Гимназия № 1",
                       .hub = "Отдел & Ко",
                       .phone = "8 (34 369) 2-12-85"};
    uint8_t root[KEY_BYTES], district[DISTRICT_BYTES], mac[KEY_BYTES], stretched[KEY_BYTES], transcript[DIGEST_BYTES];
    struct enrol_request r = {.made_ms = 0};
    struct key *curve, *door;
    struct buf line;
    json_t *j;

    fill(root, sizeof(root), 0x60);
    fill(district, sizeof(district), 0x70);
    fill(r.digest, sizeof(r.digest), 0x80);
    fingerprint_bytes(t.print, root);
    check(ticket_add_door(&t, "hub.example:4781"), "door");
    buf_init(&line, TICKET_MAX + 1);
    check(ticket_write(&line, &t), "ticket");
    check(code_stretch(stretched, t.code, t.print), "stretch");
    check(invitation_curve(&curve, t.code, t.print), "curve");
    check(door_key(&door, t.print), "door");
    invitation_mac_key(mac, t.code, district);
    enrol_transcript(transcript, root, &r);
    j = json_pack("{s:o,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "root", vector_hex(root, sizeof(root)), "district",
                  vector_hex(district, sizeof(district)), "code", t.code, "line", buf_cstr(&line), "stretched",
                  vector_hex(stretched, sizeof(stretched)), "curve_secret", vector_hex(key_secret(curve), KEY_BYTES),
                  "curve_public", vector_hex(key_public(curve), KEY_BYTES), "door_public",
                  vector_hex(key_public(door), KEY_BYTES), "mac_key", vector_hex(mac, sizeof(mac)), "request_digest",
                  vector_hex(r.digest, sizeof(r.digest)), "words", words_of(transcript));
    key_free(curve);
    key_free(door);
    buf_fini(&line);
    return j;
}

static json_t *signature(void)
{
    struct key *k = key_of(KEY_SIGN, 0x20);
    uint8_t sig[SIGNATURE_BYTES];
    uint8_t seed[32];

    fill(seed, sizeof(seed), 0x20);
    check(key_sign(k, "svodka test", text("svod"), text("ka"), sig), "sign");
    key_free(k);
    return json_pack("{s:o,s:s,s:o,s:o}", "seed", vector_hex(seed, sizeof(seed)), "domain", "svodka test", "message",
                     vector_hex("svodka", 6), "signature", vector_hex(sig, sizeof(sig)));
}

static json_t *sealed(void)
{
    struct key *k = key_of(KEY_SEAL, 0x30);
    uint8_t seed[32];
    struct buf small;
    struct buf locked;
    json_t *j;

    fill(seed, sizeof(seed), 0x30);
    buf_init(&small, 1000);
    buf_init(&locked, 1000);
    check(seal_small(&small, key_public(k), "svodka test", text("ad"), text("svodka")), "seal");
    check(lock_bytes(&locked, seed, text("ad"), text("svodka")), "lock");
    j = json_pack("{s:o,s:s,s:o,s:o,s:o,s:o}", "seed", vector_hex(seed, sizeof(seed)), "domain", "svodka test", "ad",
                  vector_hex("ad", 2), "plain", vector_hex("svodka", 6), "seal_small",
                  vector_hex(small.data, small.len), "lock_bytes_under_seed", vector_hex(locked.data, locked.len));
    buf_fini(&small);
    buf_fini(&locked);
    key_free(k);
    return j;
}

/* ---- section 3: records ---- */

static const char *type_name(enum value_type t)
{
    static const char *const names[] = {"integer",    "decimal",         "text",  "date", "boolean",
                                        "select_one", "select_multiple", "repeat"};

    return names[t];
}

static json_t *fields_of(const struct form_field *fields, uint32_t count)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < count; i++) {
        json_t *f = json_pack("{s:s,s:s}", "name", fields[i].name, "type", type_name(fields[i].type));

        if (fields[i].choices != NULL)
            json_object_set_new(f, "choices", json_integer(fields[i].choices->count));
        if (fields[i].columns != NULL)
            json_object_set_new(f, "columns", fields_of(fields[i].columns, fields[i].column_count));
        json_array_append_new(a, f);
    }
    return a;
}

static struct value number(int64_t i)
{
    return (struct value){.as.i = i};
}

static struct value state(enum value_state s)
{
    return (struct value){.state = s};
}

static void fill_values(struct fixture_space *s)
{
    struct value cells[] = {{.as.text = text("кружок")}, number(150), state(VALUE_MISSING), state(VALUE_NOT_KNOWN)};
    struct value values[FIXTURE_FIELDS] = {number(-1000000),
                                           number(350),
                                           {.as.text = text("Сведения уточнены")},
                                           number(18506),
                                           number(1),
                                           number(2),
                                           {.as.set = 5},
                                           {.as.set = UINT64_C(1) << 63 | 1},
                                           {.as.rows = {s->cells, 2, 2}}};

    memcpy(s->cells, cells, sizeof(cells));
    memcpy(s->values, values, sizeof(values));
}

static void fill_record(struct record *r, unsigned which, struct fixture_space *s)
{
    memset(r, 0, sizeof(*r));
    memcpy(r->form, form.digest, sizeof(r->form));
    memcpy(r->unit, "school-07", 10);
    memcpy(r->period, "2020/21-Q1", 11);
    r->filled_on = 18506;
    r->reason = r->entered_by = text("");
    fill(r->tag, sizeof(r->tag), 0xa0);
    r->ordinal = which;
    r->values = s->values;
    r->value_count = FIXTURE_FIELDS;
    fill_values(s);
    if (which != 3) { /* an anonymous answer */
        r->has_time = true;
        r->made_ms = 1599000000000 + which;
        r->entered_by = text("deputy");
    }
    if (which == 1) { /* a correction with everything in use */
        r->has_offset = true;
        r->offset_ms = -90000;
        r->source = SOURCE_PHONE;
        r->kind = RECORD_CORRECTION;
        r->target.gen.counter = 1;
        fill(r->target.gen.tag, TAG_BYTES, 0xb0);
        r->target.number = 1;
        r->reason = text("опечатка");
        s->remarks[0] = (struct record_remark){0, text("проверено")};
        s->remarks[1] = (struct record_remark){8, text("по журналу")};
        r->remarks = s->remarks;
        r->remark_count = 2;
    } else if (which == 2) {
        r->kind = RECORD_RETRACTION;
        r->target.gen.counter = 1;
        r->target.number = 2;
        r->reason = text("ошибочно");
        r->value_count = 0;
    } else if (which == 3) {
        fill(r->tag, sizeof(r->tag), 0xc0);
        for (unsigned i = 0; i < FIXTURE_FIELDS; i++)
            s->values[i] = state((enum value_state)(1 + i % 4));
    } else if (which == 4) {
        s->values[0] = number(7);
        s->values[4] = number(0);
        s->values[8].as.rows.rows = 0;
    }
}

static json_t *records(struct buf bytes[RECORDS])
{
    static const char *const names[RECORDS] = {"a new submission", "a correction with remarks", "a retraction",
                                               "an anonymous answer in which every value has a state",
                                               "another new submission"};
    json_t *a = json_array();

    for (unsigned i = 0; i < RECORDS; i++) {
        struct fixture_space s;
        struct record r;
        json_t *j;

        memset(&s, 0, sizeof(s));
        fill_record(&r, i, &s);
        buf_init(&bytes[i], RECORD_MAX);
        check(record_encode(&bytes[i], &r, &form), names[i]);
        j = vector_record(&r, &form);
        json_object_set_new(j, "name", json_string(names[i]));
        json_object_set_new(j, "bytes", vector_hex(bytes[i].data, bytes[i].len));
        json_array_append_new(a, j);
    }
    return a;
}

/* ---- section 4.3: blocks ---- */

static void put_row(struct buf *b, unsigned which, unsigned row)
{
    static const uint64_t large[] = {UINT64_C(1) << 63, UINT64_MAX};

    switch (which) {
    case 0: /* a text that stays, and integers in several modes */
        mp_put_array(b, 7);
        mp_put_cstr(b, "школа");
        mp_put_int(b, 5);
        mp_put_int(b, row * row % 3);
        mp_put_int(b, (int64_t)(row * row * 1000) - 2000);
        mp_put_int(b, -7 * (int64_t)row);
        mp_put_int(b, 1600000000000 + (int64_t)row * 1000 + row % 2);
        mp_put_int(b, row == 3 ? INT64_MIN : row);
        break;
    case 1: /* every kind of element, alone and mixed */
        mp_put_array(b, 7);
        mp_put_nil(b);
        mp_put_bool(b, row % 2 == 0);
        mp_put_cstr(b, row % 3 == 0 ? "да" : "нет");
        mp_put_bin(b, "\x01\x02\x03", 1 + row % 3);
        mp_put_uint(b, large[row % 2]);
        mp_put_array(b, 1 + row % 2);
        for (unsigned i = 0; i < 1 + row % 2; i++)
            mp_put_cstr(b, "x");
        if (row % 4 == 0)
            mp_put_nil(b);
        else if (row % 4 < 3)
            mp_put_state(b, row % 4);
        else
            mp_put_int(b, row);
        break;
    default: /* wide numbers: planes, and varints both ways */
        mp_put_array(b, 3);
        mp_put_int(b, (int64_t)(row * 2654435761u % 100000));
        mp_put_int(b, row % 5 == 4 ? 1000000000000 : row);
        mp_put_int(b, row < 10 ? row * 300 % 7 : 5000000000 + row * row % 7);
    }
}

static json_t *blocks(void)
{
    json_t *a = json_array();

    for (unsigned which = 0; which < 3; which++) {
        struct block_maker *m;
        json_t *rows = json_array();
        json_t *numbers = json_array();
        struct buf b;

        check(block_maker_new(&m), "block");
        buf_init(&b, 100000);
        for (unsigned row = 0; row < 20; row++) {
            uint64_t n = 10 + row + (row > 9 ? 5 : 0);

            buf_reset(&b);
            put_row(&b, which, row);
            check(block_maker_add(m, n, (struct bytes){b.data, b.len}), "add");
            json_array_append_new(rows, vector_hex(b.data, b.len));
            json_array_append_new(numbers, json_integer((json_int_t)n));
        }
        buf_reset(&b);
        check(block_maker_encode(m, 20, &b), "encode");
        json_array_append_new(
            a, json_pack("{s:o,s:o,s:o}", "numbers", numbers, "records", rows, "bytes", vector_hex(b.data, b.len)));
        block_maker_free(m);
        buf_fini(&b);
    }
    return a;
}

/* ---- section 4: a batch ---- */

static json_t *batch_inputs(const struct batch_seal *s, const uint8_t *streams, struct buf bytes[RECORDS])
{
    json_t *list = json_array();
    uint8_t seeds[3][32];

    for (unsigned i = 0; i < 3; i++)
        fill(seeds[i], 32, (uint8_t)(0x50 + 0x10 * i));
    for (unsigned i = 0; i < RECORDS; i++)
        json_array_append_new(list, json_pack("{s:i,s:s,s:o}", "number", (int)(i + 3 + (i > 2)), "retention",
                                              i == 3 ? "answers" : "default", "bytes",
                                              vector_hex(bytes[i].data, bytes[i].len)));
    return json_pack("{s:o,s:s,s:i,s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:[[i,i],[i,i]]}", "district",
                     vector_hex(s->district, sizeof(s->district)), "participant", s->participant, "counter",
                     (int)s->gen.counter, "tag", vector_hex(s->gen.tag, TAG_BYTES), "sequence", (json_int_t)s->sequence,
                     "previous", vector_hex(s->previous, DIGEST_BYTES), "sign_seed", vector_hex(seeds[0], 32),
                     "seal_seed", vector_hex(seeds[1], 32), "ephemeral_seed", vector_hex(seeds[2], 32),
                     "stream_headers", vector_hex(streams, 2 * STREAM_HEADER_BYTES), "closed_ms",
                     (json_int_t)s->closed_ms, "records", list, "voids", 6, 1, 9, 4);
}

static json_t *batch_outputs(const struct buf *out, const struct key *seal)
{
    struct bytes batch = {out->data, out->len};
    json_t *list = json_array();
    struct section_keys k;
    struct batch_header h;
    uint8_t d[DIGEST_BYTES];
    json_t *j;

    check(batch_parse(&h, batch), "parse");
    check(batch_section_keys(&k, &h, batch, seal), "section keys");
    for (uint32_t i = 0; i < h.section_count; i++)
        json_array_append_new(list, vector_hex(k.key[i], KEY_BYTES));
    batch_digest(d, batch);
    j = json_pack("{s:o,s:o,s:o,s:o}", "clear", vector_hex(out->data, batch_clear_len(batch)), "section_keys", list,
                  "bytes", vector_hex(out->data, out->len), "digest", vector_hex(d, sizeof(d)));
    batch_header_fini(&h);
    return j;
}

static json_t *batch(struct buf bytes[RECORDS])
{
    struct key *sign = key_of(KEY_SIGN, 0x50);
    struct key *seal = key_of(KEY_SEAL, 0x60);
    struct key *ephemeral = key_of(KEY_SEAL, 0x70);
    uint8_t streams[2 * STREAM_HEADER_BYTES];
    struct batch_seal s = {.participant = "school-07", .gen = {2, {0}}, .sequence = 4, .closed_ms = 1599000001000};
    struct batch_maker *m;
    struct buf out;
    uint32_t taken;
    json_t *j;

    fill(streams, sizeof(streams), 0x80);
    fill(s.district, sizeof(s.district), 1);
    fill(s.gen.tag, TAG_BYTES, 0xe0);
    fill(s.previous, DIGEST_BYTES, 0x11);
    memcpy(s.seal_to, key_public(seal), KEY_BYTES);
    s.sign = sign;
    s.ephemeral = ephemeral;
    s.stream_headers = streams;
    check(batch_maker_new(&m, NULL), "batch");
    for (unsigned i = 0; i < RECORDS; i++) { /* numbers 3 4 5, 7 8; voids 6, 9 to 12 */
        if (i == 3)
            check(batch_maker_void(m, 6, 1), "void");
        check(batch_maker_add(m, i + 3 + (i > 2), i == 3 ? "answers" : "default",
                              (struct bytes){bytes[i].data, bytes[i].len}),
              "add");
    }
    check(batch_maker_void(m, 9, 4), "void");
    buf_init(&out, BATCH_MAX_SEALED);
    check(batch_maker_seal(m, &s, &out, &taken), "seal");
    j = batch_inputs(&s, streams, bytes);
    json_object_update_new(j, batch_outputs(&out, seal));
    buf_fini(&out);
    batch_maker_free(m);
    key_free(sign);
    key_free(seal);
    key_free(ephemeral);
    return j;
}

int main(void)
{
    struct buf bytes[RECORDS];
    json_t *all = json_object();

    check(keys_start(), "start");
    form = fixture_form();
    json_object_set_new(all, "format", json_string("svodka test vectors 1"));
    json_object_set_new(
        all, "about",
        json_string("bytes are in hex; what each part means: protocol/SPEC.md.  Packed bytes of a batch "
                    "depend on the version of zstd: another one may give others that open as well."));
    json_object_set_new(all, "zstd", json_string(ZSTD_versionString()));
    json_object_set_new(all, "elements", elements());
    json_object_set_new(all, "digests", digests());
    json_object_set_new(all, "keys", keys());
    json_object_set_new(all, "codes", codes());
    json_object_set_new(all, "sheet", sheet());
    json_object_set_new(all, "signature", signature());
    json_object_set_new(all, "sealed", sealed());
    json_object_set_new(all, "form",
                        json_pack("{s:o,s:o}", "digest", vector_hex(form.digest, sizeof(form.digest)), "fields",
                                  fields_of(form.fields, form.field_count)));
    json_object_set_new(all, "records", records(bytes));
    json_object_set_new(all, "blocks", blocks());
    json_object_set_new(all, "batch", batch(bytes));
    if (json_dumpf(all, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER) != 0 || putchar('\n') == EOF)
        return 1;
    json_decref(all);
    for (unsigned i = 0; i < RECORDS; i++)
        buf_fini(&bytes[i]);
    return 0;
}
