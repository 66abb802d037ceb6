#include "hub/act.h"

#include <string.h>

#define ACT_ELEMENTS  20u
#define LATER_FIELDS  4u /* that came later */
#define COPY_ELEMENTS 4u
#define TOUCHED_BYTES 16u

/* ---- the signed act ---- */

static void put_copies(struct buf *b, const struct act *a)
{
    mp_put_uint(b, a->first_lsn);
    mp_put_uint(b, a->copy_days);
    mp_put_uint(b, a->copies_in_all);
    mp_put_array(b, a->copy_count);
    for (uint32_t i = 0; i < a->copy_count; i++) {
        mp_put_array(b, COPY_ELEMENTS);
        mp_put_uint(b, a->copies[i].number);
        mp_put_int(b, a->copies[i].made_ms);
        mp_put_uint(b, a->copies[i].lsn);
        mp_put_cstr(b, a->copies[i].name);
    }
}

static void put_act(struct buf *b, const struct act *a, const struct hub *h)
{
    mp_put_array(b, ACT_ELEMENTS + (a->has_copies ? LATER_FIELDS : 0));
    mp_put_bin(b, h->district, sizeof(h->district));
    mp_put_uint(b, a->number);
    mp_put_int(b, a->wall_ms);
    mp_put_cstr(b, a->by);
    mp_put_uint(b, (uint64_t)a->scope);
    mp_put_cstr(b, a->retention);
    mp_put_int(b, a->year);
    mp_put_cstr(b, a->form);
    mp_put_cstr(b, a->unit);
    mp_put_cstr(b, a->period);
    mp_put_cstr(b, a->order);
    mp_put_uint(b, a->years);
    mp_put_uint(b, a->is_uncounted ? 1 : 0);
    mp_put_uint(b, a->submissions);
    mp_put_uint(b, a->current);
    mp_put_uint(b, a->batches);
    mp_put_array(b, a->form_count);
    for (uint32_t i = 0; i < a->form_count; i++) {
        mp_put_array(b, 2);
        mp_put_cstr(b, a->forms[i].id);
        mp_put_uint(b, a->forms[i].submissions);
    }
    mp_put_bin(b, a->extract, DIGEST_BYTES);
    mp_put_bin(b, a->vouch, DIGEST_BYTES);
    mp_put_bin(b, a->beside, DIGEST_BYTES);
    if (a->has_copies)
        put_copies(b, a);
}

enum err act_make(struct buf *out, const struct act *a, const struct hub *h)
{
    struct buf payload;
    enum err e;

    buf_init(&payload, SIGNED_MAX);
    put_act(&payload, a, h);
    if ((e = buf_status(&payload)) == OK)
        e = signed_make(out, SIGNED_ACT, bytes_of(payload.data, payload.len), h->sign);
    buf_fini(&payload);
    return e;
}

static void take_forms(struct mp *m, struct act *a)
{
    a->form_count = (uint32_t)mp_array(m, 0, ACT_FORMS_MAX);
    for (uint32_t i = 0; i < a->form_count && !m->failed; i++) {
        (void)mp_array(m, 2, 2);
        mp_text(m, a->forms[i].id, 0, FORM_NAME_MAX);
        a->forms[i].submissions = mp_uint(m, UINT64_MAX);
    }
}

static void take_copies(struct mp *m, struct act *a)
{
    a->has_copies = true;
    a->first_lsn = mp_uint(m, UINT64_MAX);
    a->copy_days = (uint32_t)mp_uint(m, UINT16_MAX);
    a->copies_in_all = mp_uint(m, UINT64_MAX);
    a->copy_count = (uint32_t)mp_array(m, 0, ACT_COPIES_MAX);
    for (uint32_t i = 0; i < a->copy_count && !m->failed; i++) {
        (void)mp_array(m, COPY_ELEMENTS, COPY_ELEMENTS);
        a->copies[i].number = mp_uint(m, UINT64_MAX);
        a->copies[i].made_ms = mp_int(m);
        a->copies[i].lsn = mp_uint(m, UINT64_MAX);
        mp_text(m, a->copies[i].name, 0, ACT_NAME_MAX);
    }
}

static bool is_good(const struct act *a)
{
    if (a->number == 0 || a->scope < ACT_CLASS || a->scope > ACT_RETURN)
        return false;
    return a->scope == ACT_CLASS ? a->retention[0] != '\0' : a->form[0] != '\0';
}

enum err act_open(struct act *out, struct bytes object, const struct hub *h)
{
    uint8_t district[DISTRICT_BYTES];
    struct bytes payload;
    size_t elements;
    int64_t year;
    struct mp m;
    enum err e = signed_open(&payload, object, SIGNED_ACT, hub_signer(h, object));

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    m = mp_of(payload);
    elements = mp_array(&m, ACT_ELEMENTS, 64);
    mp_bin_exact(&m, district, sizeof(district));
    out->number = mp_uint(&m, UINT64_MAX);
    out->wall_ms = mp_int(&m);
    mp_text(&m, out->by, 0, RETURN_BY_MAX);
    out->scope = (enum act_scope)mp_uint(&m, ACT_RETURN);
    mp_text(&m, out->retention, 0, RETENTION_MAX);
    year = mp_int(&m);
    mp_text(&m, out->form, 0, FORM_NAME_MAX);
    mp_text(&m, out->unit, 0, ID_MAX);
    mp_text(&m, out->period, 0, PERIOD_ID_MAX);
    mp_text(&m, out->order, 1, ACT_ORDER_MAX);
    out->years = (uint32_t)mp_uint(&m, FORM_MAX_YEARS);
    out->is_uncounted = mp_uint(&m, 1) == 1;
    out->submissions = mp_uint(&m, UINT64_MAX);
    out->current = mp_uint(&m, UINT64_MAX);
    out->batches = mp_uint(&m, UINT64_MAX);
    take_forms(&m, out);
    mp_bin_exact(&m, out->extract, DIGEST_BYTES);
    mp_bin_exact(&m, out->vouch, DIGEST_BYTES);
    mp_bin_exact(&m, out->beside, DIGEST_BYTES);
    out->copy_days = ACT_COPY_DAYS;
    if (elements >= ACT_ELEMENTS + LATER_FIELDS)
        take_copies(&m, out);
    if (m.failed || year < INT32_MIN || year > INT32_MAX || !is_good(out))
        return err_set(ERR_MALFORMED, "an act of erasure is damaged");
    out->year = (int32_t)year;
    if (memcmp(district, h->district, sizeof(district)) != 0)
        return err_set(ERR_AUTH, "the act is of another district");
    return OK;
}

/* ---- kept ---- */

uint64_t act_count(struct store_txn *t)
{
    return store_count(t, H_ACTS);
}

enum err act_get(struct hub *h, struct store_txn *t, uint64_t number, struct act *out, struct bytes *object)
{
    struct bytes value;
    struct bytes bytes;
    size_t elements;
    uint8_t key[8];
    uint64_t lsn;
    struct mp m;
    enum err e;

    be64_put(key, number);
    if ((e = store_get(t, H_ACTS, bytes_of(key, sizeof(key)), &value)) != OK)
        return e;
    if (value.len != 8)
        return err_set(ERR_CORRUPT, "ledger: an entry of the acts is damaged");
    lsn = be64_get(value.p);
    if ((e = ledger_payload(t, lsn, &m, &elements)) != OK)
        return e;
    bytes = mp_bin(&m, SIGNED_MAX);
    if (m.failed || elements < 1)
        return err_set(ERR_CORRUPT, "ledger: entry %llu of the journal is damaged", (unsigned long long)lsn);
    if ((e = act_open(out, bytes, h)) != OK)
        return err_prefix(ERR_CORRUPT, "act %llu", (unsigned long long)number);
    out->lsn = lsn;
    if (object != NULL)
        *object = bytes;
    return OK;
}

/* ---- what lies beside: touched u32 | each lsn u64, section u32, erased u32 | cells u32 | each length u16, key, cell
 * ----
 */

static enum err damaged(void)
{
    return err_set(ERR_MALFORMED, "what lies beside an act of erasure is damaged");
}

static enum err walk_beside(struct bytes in, enum err (*touched)(void *ctx, const struct act_touched *s),
                            enum err (*cell)(void *ctx, struct bytes key, const struct cell *c), void *ctx)
{
    struct rd r = rd_of(in.p, in.len);
    uint32_t count = rd_u32(&r);
    enum err e;

    if (count > rd_left(&r) / TOUCHED_BYTES)
        return damaged();
    for (uint32_t i = 0; i < count; i++) {
        struct act_touched s;

        s.lsn = rd_u64(&r);
        s.section = rd_u32(&r);
        s.erased = rd_u32(&r);
        if (s.section >= BATCH_MAX_SECTIONS)
            return damaged();
        if (touched != NULL && (e = touched(ctx, &s)) != OK)
            return e;
    }
    count = rd_u32(&r);
    for (uint32_t i = 0; i < count && !r.failed; i++) {
        uint16_t len = rd_u16(&r);
        struct bytes key = bytes_of(rd_bytes(&r, len), len);
        const uint8_t *raw = rd_bytes(&r, CELL_BYTES);
        struct cell_at at;
        struct cell c;

        if (raw == NULL || len > CELL_KEY_MAX || cell_key_read(&at, key) != OK ||
            cell_get(&c, bytes_of(raw, CELL_BYTES)) != OK)
            return damaged();
        if (cell != NULL && (e = cell(ctx, key, &c)) != OK)
            return e;
    }
    return r.failed || rd_left(&r) > 0 ? damaged() : OK;
}

enum err act_beside_each(struct bytes in, enum err (*touched)(void *ctx, const struct act_touched *s),
                         enum err (*cell)(void *ctx, struct bytes key, const struct cell *c), void *ctx)
{
    enum err e = walk_beside(in, NULL, NULL, NULL);

    return e == OK ? walk_beside(in, touched, cell, ctx) : e;
}

enum err act_beside(struct store_txn *t, const struct act *a, struct buf *out)
{
    uint8_t found[DIGEST_BYTES];
    enum err e = ledger_beside(t, a->lsn, out);

    if (e != OK)
        return e;
    digest(found, bytes_of(out->data, out->len));
    return digest_equal(found, a->beside)
               ? OK
               : err_set(ERR_CORRUPT, "what lies beside act %llu is not what it was signed over",
                         (unsigned long long)a->number);
}
