#include "protocol/reconcile.h"

#include "protocol/fields.h"

#include <stdlib.h>
#include <string.h>

#define RECONCILE_FIELDS 12u

void reconcile_fini(struct reconcile *r)
{
    free(r->items);
    memset(r, 0, sizeof(*r));
}

/* Runs of neighbouring numbers as FIRST, COUNT: a page of 4,096 digests costs 64 KiB on a slow line, not 100. */
static uint32_t runs_of(struct number_range *out, const struct reconcile *r)
{
    uint32_t runs = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        if (i > 0 && r->items[i].number == r->items[i - 1].number + 1) {
            out[runs - 1].count++;
            continue;
        }
        out[runs].first = r->items[i].number;
        out[runs++].count = 1;
    }
    return runs;
}

static void put_reconcile(struct buf *b, const struct reconcile *r, struct number_range *runs)
{
    struct buf digests;

    mp_put_array(b, RECONCILE_FIELDS);
    mp_put_bin(b, r->district, sizeof(r->district));
    mp_put_cstr(b, r->participant);
    fields_put_generation(b, &r->gen);
    mp_put_uint(b, r->first);
    mp_put_uint(b, r->last);
    mp_put_uint(b, r->held_last_number);
    mp_put_uint(b, r->held_last_sequence);
    mp_put_uint(b, r->next_counter);
    mp_put_bool(b, r->is_closed);
    fields_put_ranges(b, runs, runs_of(runs, r));
    buf_init(&digests, (size_t)RECONCILE_MAX * RECORD_DIGEST_BYTES);
    for (uint32_t i = 0; i < r->count; i++)
        buf_put(&digests, r->items[i].digest, RECORD_DIGEST_BYTES);
    if (digests.failed)
        b->failed = true;
    mp_put_bin(b, digests.data, digests.len);
    buf_fini(&digests);
}

/* Spreads the runs over the digests.  The sum of the counts must be the number of digests, and every number must lie
 * where the page says. */
static bool spread(struct reconcile *out, const struct number_range *runs, uint32_t run_count, struct bytes digests)
{
    size_t total = digests.len / RECORD_DIGEST_BYTES;
    size_t at = 0;

    for (uint32_t i = 0; i < run_count; i++) {
        uint64_t last = runs[i].first + (runs[i].count - 1);

        if (runs[i].count > total - at || runs[i].first < out->first || last > out->last ||
            last > out->held_last_number)
            return false;
        for (uint64_t k = 0; k < runs[i].count; k++, at++) {
            out->items[at].number = runs[i].first + k;
            memcpy(out->items[at].digest, digests.p + at * RECORD_DIGEST_BYTES, RECORD_DIGEST_BYTES);
        }
    }
    out->count = (uint32_t)at;
    return at == total;
}

static enum err read_items(struct mp *m, struct reconcile *out)
{
    struct number_range *runs = calloc(RECONCILE_MAX, sizeof(*runs));
    struct bytes digests;
    uint32_t run_count;
    enum err e = OK;

    if (runs == NULL)
        return ERR_NOMEM;
    run_count = fields_ranges(m, runs, RECONCILE_MAX);
    digests = mp_bin(m, (size_t)RECONCILE_MAX * RECORD_DIGEST_BYTES);
    if (m->failed || digests.len % RECORD_DIGEST_BYTES != 0) {
        m->failed = true;
        goto free_runs;
    }
    if (digests.len > 0 && (out->items = calloc(digests.len / RECORD_DIGEST_BYTES, sizeof(*out->items))) == NULL) {
        e = ERR_NOMEM;
        goto free_runs;
    }
    if (!spread(out, runs, run_count, digests))
        m->failed = true;
free_runs:
    free(runs);
    return e;
}

static enum err read_reconcile(struct reconcile *out, struct bytes payload)
{
    struct mp m = mp_of(payload);
    size_t unknown = fields_begin(&m, RECONCILE_FIELDS);
    enum err e;

    mp_bin_exact(&m, out->district, sizeof(out->district));
    fields_id(&m, out->participant);
    fields_generation(&m, &out->gen);
    out->first = fields_u64(&m, 1, UINT64_MAX);
    out->last = fields_u64(&m, 1, UINT64_MAX);
    out->held_last_number = fields_u64(&m, 0, UINT64_MAX);
    out->held_last_sequence = fields_u64(&m, 0, UINT64_MAX);
    out->next_counter = fields_u32(&m, 1, UINT32_MAX);
    out->is_closed = mp_bool(&m);
    if (!m.failed && (out->last < out->first || out->next_counter <= out->gen.counter))
        m.failed = true;
    if ((e = read_items(&m, out)) != OK)
        return e;
    fields_end(&m, unknown);
    return fields_done(&m, "reconcile answer");
}

static enum err read_back(struct bytes payload, uint32_t count)
{
    struct reconcile again;
    enum err e;

    memset(&again, 0, sizeof(again));
    e = read_reconcile(&again, payload);
    if (e == OK && again.count != count)
        e = err_set(ERR_INVALID, "reconcile answer: its numbers are not ascending");
    reconcile_fini(&again);
    return e == ERR_MALFORMED ? err_prefix(ERR_INVALID, "a reconcile answer that nobody could read") : e;
}

enum err reconcile_make(struct buf *out, const struct reconcile *r, const struct key *hub_sign)
{
    struct number_range *runs;
    struct bytes payload;
    struct buf b;
    enum err e;

    if (r->count > RECONCILE_MAX)
        return err_set(ERR_LIMIT, "reconcile answer: %u records, at most %u fit a page", r->count, RECONCILE_MAX);
    runs = calloc(RECONCILE_MAX, sizeof(*runs));
    if (runs == NULL)
        return ERR_NOMEM;
    buf_init(&b, SIGNED_MAX);
    put_reconcile(&b, r, runs);
    free(runs);
    payload = bytes_of(b.data, b.len);
    if ((e = buf_status(&b)) == OK && (e = read_back(payload, r->count)) == OK)
        e = signed_make(out, SIGNED_RECONCILE, payload, hub_sign);
    buf_fini(&b);
    return e;
}

enum err reconcile_open(struct reconcile *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES])
{
    struct bytes payload;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_RECONCILE, hub_sign)) != OK)
        return e;
    if ((e = read_reconcile(out, payload)) != OK)
        reconcile_fini(out);
    return e;
}

void record_digest(uint8_t out[RECORD_DIGEST_BYTES], struct bytes record)
{
    uint8_t whole[DIGEST_BYTES];

    digest(whole, record);
    memcpy(out, whole, RECORD_DIGEST_BYTES);
}
