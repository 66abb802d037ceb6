#include "protocol/receipt.h"

#include "protocol/fields.h"

#include <stdlib.h>
#include <string.h>

#define RECEIPT_FIELDS 12u
#define REFUSAL_FIELDS 3u

void receipt_fini(struct receipt *r)
{
    free(r->refusals);
    memset(r, 0, sizeof(*r));
}

static void put_receipt(struct buf *b, const struct receipt *r)
{
    mp_put_array(b, RECEIPT_FIELDS);
    mp_put_bin(b, r->district, sizeof(r->district));
    mp_put_cstr(b, r->participant);
    fields_put_generation(b, &r->gen);
    mp_put_uint(b, r->sequence);
    mp_put_bin(b, r->batch, DIGEST_BYTES);
    mp_put_uint(b, r->state);
    mp_put_int(b, r->hub_ms);
    mp_put_uint(b, r->ledger_number);
    mp_put_uint(b, r->directory_version);
    mp_put_array(b, VERDICT_COUNT);
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        mp_put_uint(b, r->verdicts[i]);
    mp_put_array(b, r->refusal_count);
    for (uint32_t i = 0; i < r->refusal_count; i++) {
        mp_put_array(b, REFUSAL_FIELDS + REFUSAL_DETAIL_FIELDS);
        mp_put_uint(b, r->refusals[i].number);
        mp_put_uint(b, (uint64_t)r->refusals[i].why.reason);
        mp_put_cstr(b, r->refusals[i].why.text);
        refusal_put_detail(b, &r->refusals[i].why);
    }
}

static enum err read_refusals(struct mp *m, struct receipt *out)
{
    size_t count = mp_array(m, 0, RECEIPT_MAX_REFUSALS);

    if (count == 0)
        return OK;
    out->refusals = calloc(count, sizeof(*out->refusals));
    if (out->refusals == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && !m->failed; i++) {
        struct receipt_refusal *r = &out->refusals[i];
        size_t unknown = fields_begin(m, REFUSAL_FIELDS);

        r->number = fields_u64(m, 1, UINT64_MAX);
        r->why.reason = (enum quarantine_reason)fields_u32(m, 1, UINT8_MAX);
        mp_text(m, r->why.text, 0, RECEIPT_TEXT_MAX);
        if (unknown >= REFUSAL_DETAIL_FIELDS) { /* older receipts have a text alone */
            refusal_read_detail(m, &r->why);
            unknown -= REFUSAL_DETAIL_FIELDS;
        }
        fields_end(m, unknown);
    }
    out->refusal_count = (uint32_t)count;
    return OK;
}

static enum err read_receipt(struct receipt *out, struct bytes payload)
{
    struct mp m = mp_of(payload);
    size_t unknown = fields_begin(&m, RECEIPT_FIELDS);
    size_t unknown_verdicts;
    enum err e;

    mp_bin_exact(&m, out->district, sizeof(out->district));
    fields_id(&m, out->participant);
    fields_generation(&m, &out->gen);
    out->sequence = fields_u64(&m, 1, UINT64_MAX);
    mp_bin_exact(&m, out->batch, DIGEST_BYTES);
    out->state = (enum receipt_state)fields_u32(&m, RECEIPT_STORED, RECEIPT_REFUSED);
    out->hub_ms = fields_time(&m);
    out->ledger_number = fields_u64(&m, 0, UINT64_MAX);
    out->directory_version = fields_u64(&m, 0, UINT64_MAX);
    unknown_verdicts = fields_begin(&m, VERDICT_COUNT);
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        out->verdicts[i] = fields_u64(&m, 0, BATCH_MAX_RECORDS);
    fields_end(&m, unknown_verdicts);
    if ((e = read_refusals(&m, out)) != OK)
        return e;
    fields_end(&m, unknown);
    return fields_done(&m, "receipt");
}

/* A receipt that the agent could not read would leave its batch waiting for ever: read it back before signing. */
static enum err read_back(struct bytes payload)
{
    struct receipt again;
    enum err e;

    memset(&again, 0, sizeof(again));
    e = read_receipt(&again, payload);
    receipt_fini(&again);
    return e == ERR_MALFORMED ? err_prefix(ERR_INVALID, "a receipt that nobody could read") : e;
}

enum err receipt_make(struct buf *out, const struct receipt *r, const struct key *hub_sign)
{
    struct bytes payload;
    struct buf b;
    enum err e;

    if (r->refusal_count > RECEIPT_MAX_REFUSALS)
        return err_set(ERR_LIMIT, "receipt of %s: at most %u refusals are named", r->participant, RECEIPT_MAX_REFUSALS);
    buf_init(&b, SIGNED_MAX);
    put_receipt(&b, r);
    payload = bytes_of(b.data, b.len);
    if ((e = buf_status(&b)) == OK && (e = read_back(payload)) == OK)
        e = signed_make(out, SIGNED_RECEIPT, payload, hub_sign);
    buf_fini(&b);
    return e;
}

enum err receipt_open(struct receipt *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES])
{
    struct bytes payload;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_RECEIPT, hub_sign)) != OK)
        return e;
    if ((e = read_receipt(out, payload)) != OK)
        receipt_fini(out);
    return e;
}

const char *verdict_name(enum verdict v)
{
    switch (v) {
    case VERDICT_COUNTED: return "counted";
    case VERDICT_SUPERSEDED: return "superseded";
    case VERDICT_DUPLICATE: return "duplicate";
    case VERDICT_QUARANTINED: return "quarantined";
    }
    return "other";
}
