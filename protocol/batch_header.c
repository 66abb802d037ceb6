#include "protocol/batch_internal.h"

#include "protocol/fields.h"
#include "protocol/keys_internal.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_FIELDS 13u

_Static_assert(BATCH_MAX_HEADER == UINT16_MAX, "the header's length is written in 16 bits");

void batch_header_fini(struct batch_header *h)
{
    free(h->ranges);
    h->ranges = NULL;
    h->range_count = h->void_count = 0;
}

bool retention_is_valid(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

    return len >= 1 && len <= RETENTION_MAX && name[len] == '\0';
}

size_t batch_clear_len(struct bytes batch)
{
    return BATCH_FIXED_BYTES + (size_t)(batch.p[6] << 8 | batch.p[7]);
}

/* ---- writing ---- */

static void put_fields(struct buf *b, const struct batch_header *h)
{
    mp_put_array(b, HEADER_FIELDS);
    mp_put_bin(b, h->district, sizeof(h->district));
    mp_put_cstr(b, h->participant);
    fields_put_generation(b, &h->gen);
    mp_put_uint(b, h->sequence);
    mp_put_bin(b, h->previous, DIGEST_BYTES);
    mp_put_bin(b, h->sign_key, KEY_BYTES);
    mp_put_bin(b, h->seal_key, KEY_BYTES);
    mp_put_bin(b, h->ephemeral, KEY_BYTES);
    mp_put_int(b, h->closed_ms);
    fields_put_ranges(b, h->ranges, h->range_count);
    fields_put_ranges(b, h->ranges + h->range_count, h->void_count);
    mp_put_array(b, h->section_count);
    for (uint32_t i = 0; i < h->section_count; i++) {
        const struct batch_section *s = &h->sections[i];

        mp_put_array(b, 4);
        mp_put_cstr(b, s->retention);
        mp_put_uint(b, s->records);
        mp_put_uint(b, s->plain_len);
        mp_put_uint(b, s->packed_len);
    }
}

enum err batch_header_put(struct buf *out, const struct batch_header *h)
{
    size_t before = out->len;
    size_t len;
    enum err e;

    buf_put_str(out, BATCH_MAGIC);
    buf_put_u8(out, h->version);
    buf_put_u8(out, h->suite);
    buf_put_u16(out, 0);
    put_fields(out, h);
    if ((e = buf_status(out)) != OK) {
        out->len = before;
        return err_set(e, "no room for a batch header");
    }
    len = out->len - before - BATCH_FIXED_BYTES;
    if (len > BATCH_MAX_HEADER) {
        out->len = before;
        return err_set(ERR_FULL, "a batch header of %zu bytes; at most %u are possible", len, BATCH_MAX_HEADER);
    }
    out->data[before + 6] = (uint8_t)(len >> 8);
    out->data[before + 7] = (uint8_t)len;
    return OK;
}

/* ---- reading ---- */

static enum err malformed(const char *what)
{
    return err_set(ERR_MALFORMED, "batch header: %s", what);
}

static enum err take_sections(struct mp *m, struct batch_header *h)
{
    uint64_t records = 0;
    uint64_t plain = 0;

    h->section_count = (uint32_t)mp_array(m, 0, BATCH_MAX_SECTIONS);
    for (uint32_t i = 0; i < h->section_count; i++) {
        struct batch_section *s = &h->sections[i];
        size_t unknown = fields_begin(m, 4);

        mp_text(m, s->retention, 1, RETENTION_MAX);
        s->records = fields_u32(m, 1, BATCH_MAX_RECORDS);
        s->plain_len = fields_u32(m, 1, BATCH_MAX_PLAIN);
        s->packed_len = fields_u32(m, 1, BATCH_MAX_SEALED);
        fields_end(m, unknown);
        if (m->failed || !retention_is_valid(s->retention))
            return malformed("a section's class, count or lengths are not what they should be");
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(s->retention, h->sections[k].retention) == 0)
                return malformed("two sections are of the same retention class");
        s->sealed_len = (uint32_t)section_sealed_len(s->packed_len);
        records += s->records;
        plain += s->plain_len;
    }
    if (plain > BATCH_MAX_PLAIN)
        return err_set(ERR_LIMIT, "batch header: %llu plain bytes; at most %u are allowed", (unsigned long long)plain,
                       BATCH_MAX_PLAIN);
    for (uint32_t i = 0; i < h->range_count; i++) {
        if (h->ranges[i].count > records)
            return malformed("the numbers and the sections give different counts of records");
        records -= h->ranges[i].count;
    }
    return records == 0 ? OK : malformed("the numbers and the sections give different counts of records");
}

/* No number stands twice, and none is beyond 2^63 - 1. */
static bool ranges_are_good(const struct batch_header *h)
{
    const struct number_range *voids = h->ranges + h->range_count;
    uint32_t v = 0;

    for (uint32_t i = 0; i < h->range_count + h->void_count; i++)
        if (h->ranges[i].first > INT64_MAX || h->ranges[i].count - 1 > INT64_MAX - h->ranges[i].first)
            return false;
    for (uint32_t i = 0; i < h->range_count; i++) {
        const struct number_range *r = &h->ranges[i];

        while (v < h->void_count && voids[v].first + (voids[v].count - 1) < r->first)
            v++;
        if (v < h->void_count && voids[v].first <= r->first + (r->count - 1))
            return false;
    }
    return true;
}

static enum err take_ranges(struct mp *m, struct batch_header *h)
{
    uint64_t records = 0;

    h->ranges = malloc(BATCH_MAX_RANGES * sizeof(*h->ranges));
    if (h->ranges == NULL)
        return err_set(ERR_NOMEM, "no memory for a batch header");
    h->range_count = fields_ranges(m, h->ranges, BATCH_MAX_RANGES);
    h->void_count = fields_ranges(m, h->ranges + h->range_count, BATCH_MAX_RANGES - h->range_count);
    if (m->failed || h->range_count + h->void_count == 0 || !ranges_are_good(h))
        return malformed("its numbers are not ascending, disjoint ranges");
    for (uint32_t i = 0; i < h->range_count && records <= BATCH_MAX_RECORDS; i++)
        records += h->ranges[i].count <= BATCH_MAX_RECORDS ? h->ranges[i].count : BATCH_MAX_RECORDS + 1;
    if (records > BATCH_MAX_RECORDS)
        return err_set(ERR_LIMIT, "batch header: more than %u records", BATCH_MAX_RECORDS);
    return OK;
}

static enum err take_fields(struct mp *m, struct batch_header *h)
{
    static const uint8_t zeros[DIGEST_BYTES];
    size_t unknown = fields_begin(m, HEADER_FIELDS);
    enum err e;

    mp_bin_exact(m, h->district, sizeof(h->district));
    fields_id(m, h->participant);
    fields_generation(m, &h->gen);
    h->sequence = fields_u64(m, 1, INT64_MAX);
    mp_bin_exact(m, h->previous, DIGEST_BYTES);
    mp_bin_exact(m, h->sign_key, KEY_BYTES);
    mp_bin_exact(m, h->seal_key, KEY_BYTES);
    mp_bin_exact(m, h->ephemeral, KEY_BYTES);
    h->closed_ms = fields_time(m);
    if (m->failed)
        return malformed("its fields do not follow the format");
    if ((memcmp(h->previous, zeros, DIGEST_BYTES) == 0) != (h->sequence == 1))
        return malformed("the first batch of a generation, and only it, has zeros for the digest of the one before");
    if ((e = take_ranges(m, h)) != OK)
        return e;
    if ((e = take_sections(m, h)) != OK)
        return e;
    fields_end(m, unknown);
    return mp_done(m) ? OK : malformed("its fields do not follow the format");
}

static enum err check_length(const struct batch_header *h, struct bytes batch)
{
    size_t len = batch_clear_len(batch) + SIGNATURE_BYTES;

    for (uint32_t i = 0; i < h->section_count; i++)
        len += h->sections[i].sealed_len;
    if (len != batch.len)
        return err_set(ERR_MALFORMED, "a batch of %zu bytes, by its header it should have %zu", batch.len, len);
    return OK;
}

static enum err parse_clear(struct batch_header *h, struct bytes batch, size_t behind)
{
    struct mp m;

    if (batch.len > BATCH_MAX_SEALED)
        return err_set(ERR_LIMIT, "a batch of %zu bytes; at most %u are allowed", batch.len, BATCH_MAX_SEALED);
    if (batch.len < BATCH_FIXED_BYTES + behind || memcmp(batch.p, BATCH_MAGIC, 4) != 0)
        return err_set(ERR_MALFORMED, "this is not a batch");
    h->version = batch.p[4];
    h->suite = batch.p[5];
    if (h->version != BATCH_VERSION || h->suite != SUITE_1)
        return err_set(ERR_VERSION, "a batch of version %u, suite %u; this program knows version %u, suite %u",
                       h->version, h->suite, BATCH_VERSION, SUITE_1);
    if (batch.len - BATCH_FIXED_BYTES - behind < batch_clear_len(batch) - BATCH_FIXED_BYTES)
        return err_set(ERR_MALFORMED, "a batch that ends within its header");
    m = mp_of((struct bytes){batch.p + BATCH_FIXED_BYTES, batch_clear_len(batch) - BATCH_FIXED_BYTES});
    return take_fields(&m, h);
}

enum err batch_parse(struct batch_header *out, struct bytes batch)
{
    struct batch_header h = {0};
    enum err e = parse_clear(&h, batch, SIGNATURE_BYTES);

    if (e == OK)
        e = check_length(&h, batch);
    if (e == OK)
        *out = h;
    else
        batch_header_fini(&h);
    return e;
}

enum err batch_parse_clear(struct batch_header *out, struct bytes clear)
{
    struct batch_header h = {0};
    enum err e = parse_clear(&h, clear, 0);

    if (e == OK && batch_clear_len(clear) != clear.len)
        e = err_set(ERR_MALFORMED, "bytes are left over after a batch's header");
    if (e == OK)
        *out = h;
    else
        batch_header_fini(&h);
    return e;
}

enum err batch_peek(struct batch_header *out, struct bytes beginning)
{
    struct batch_header h = {0};
    struct mp m;

    if (beginning.len < BATCH_PEEK_BYTES)
        return err_set(ERR_NOT_FOUND, "too little of a batch to tell whose it is");
    if (memcmp(beginning.p, BATCH_MAGIC, 4) != 0)
        return err_set(ERR_MALFORMED, "this is not a batch");
    h.version = beginning.p[4];
    h.suite = beginning.p[5];
    if (h.version != BATCH_VERSION || h.suite != SUITE_1)
        return err_set(ERR_VERSION, "a batch of version %u, suite %u", h.version, h.suite);
    m = mp_of((struct bytes){beginning.p + BATCH_FIXED_BYTES, beginning.len - BATCH_FIXED_BYTES});
    (void)fields_begin(&m, HEADER_FIELDS);
    mp_bin_exact(&m, h.district, sizeof(h.district));
    fields_id(&m, h.participant);
    fields_generation(&m, &h.gen);
    h.sequence = fields_u64(&m, 1, INT64_MAX);
    if (m.failed)
        return malformed("its fields do not follow the format");
    *out = h;
    return OK;
}

enum err batch_verify(const struct batch_header *h, struct bytes batch, const uint8_t sign_key[KEY_BYTES])
{
    struct bytes signed_part = {batch.p, batch.len - SIGNATURE_BYTES};

    if (memcmp(h->sign_key, sign_key, KEY_BYTES) != 0)
        return err_set(ERR_AUTH, "the batch names another signing key than the one registered for %s", h->participant);
    return key_verify(sign_key, BATCH_DOMAIN, signed_part, (struct bytes){NULL, 0}, batch.p + signed_part.len);
}

void batch_digest(uint8_t out[DIGEST_BYTES], struct bytes batch)
{
    digest(out, batch);
}

enum err batch_section_keys(struct section_keys *out, const struct batch_header *h, struct bytes batch,
                            const struct key *seal)
{
    struct bytes clear = {batch.p, batch_clear_len(batch)};
    uint8_t shared[KEY_BYTES];
    enum err e;

    if (key_kind(seal) != KEY_SEAL || memcmp(h->seal_key, key_public(seal), KEY_BYTES) != 0)
        return err_set(ERR_AUTH, "the batch is sealed to another key");
    memset(out, 0, sizeof(*out));
    e = key_shared(shared, seal, h->ephemeral);
    for (uint32_t i = 0; e == OK && i < h->section_count; i++)
        section_key(out->key[i], shared, i, clear);
    wipe(shared, sizeof(shared));
    return e;
}
