#include "hub/ledger_internal.h"

#include <string.h>

#define ENTRY_ELEMENTS 12u /* of the payload */
#define VERDICTS_MAX   (1u << 20)

/* ---- verdicts: most batches have none to name, a bad one has runs ---- */

struct runs {
    uint32_t row, last; /* where the run at hand began; where the one before ended */
    uint8_t reason;
};

/* The run at hand ends before `row`. */
static void end_run(struct buf *out, struct runs *r, uint32_t row, uint8_t next)
{
    if (r->reason != 0) {
        buf_put_varint(out, r->row - r->last);
        buf_put_varint(out, row - r->row);
        buf_put_u8(out, r->reason);
        r->last = row;
    }
    r->row = row;
    r->reason = next;
}

void reasons_put(struct buf *out, const uint8_t *reasons, uint32_t count)
{
    struct runs r = {0, 0, 0};

    for (uint32_t row = 0; row < count; row++)
        if (reasons[row] != r.reason)
            end_run(out, &r, row, reasons[row]);
    end_run(out, &r, count, 0);
}

void verdicts_put(struct buf *out, const struct prepared *p)
{
    struct runs r = {0, 0, 0};

    for (uint32_t row = 0; row < p->count; row++)
        if (p->records[row].reason != r.reason)
            end_run(out, &r, row, p->records[row].reason);
    end_run(out, &r, p->count, 0);
}

enum err verdicts_get(uint8_t *reasons, uint32_t count, struct bytes in)
{
    struct rd r = rd_of(in.p, in.len);
    uint64_t at = 0;

    if (count > 0)
        memset(reasons, 0, count);
    while (!r.failed && rd_left(&r) > 0) {
        uint64_t skip = rd_varint(&r);
        uint64_t run = rd_varint(&r);
        uint8_t reason = rd_u8(&r);

        if (r.failed || reason == 0 || skip > count - at || run == 0 || run > count - at - skip)
            return err_set(ERR_CORRUPT, "ledger: the verdicts of a batch's entry are damaged");
        memset(reasons + at + skip, reason, run);
        at += skip + run;
    }
    return r.failed ? err_set(ERR_CORRUPT, "ledger: the verdicts of a batch's entry are damaged") : OK;
}

/* ---- the entry ---- */

void batch_entry_put(struct buf *out, const struct batch_entry *e, size_t *elements)
{
    mp_put_bin(out, e->digest, DIGEST_BYTES);
    mp_put_uint(out, e->length);
    mp_put_uint(out, e->participant);
    mp_put_uint(out, e->gen.counter);
    mp_put_bin(out, e->gen.tag, TAG_BYTES);
    mp_put_uint(out, e->sequence);
    mp_put_bin(out, e->sign_key, KEY_BYTES);
    mp_put_uint(out, (uint64_t)e->state);
    mp_put_uint(out, e->grant_version);
    mp_put_uint(out, e->directory_version);
    mp_put_int(out, e->school_year);
    mp_put_bin(out, e->verdicts.p, e->verdicts.len);
    *elements = ENTRY_ELEMENTS;
}

enum err batch_entry_get(struct batch_entry *out, uint64_t lsn, struct bytes entry)
{
    enum journal_type type;
    uint8_t previous[DIGEST_BYTES];
    size_t elements;
    struct mp m;
    int64_t year;
    enum err e = journal_read(entry, &m, &type, &out->wall_ms, previous, &elements);

    if (e != OK)
        return e;
    if (type != JOURNAL_BATCH)
        return err_set(ERR_CORRUPT, "ledger: entry %llu is not a batch", (unsigned long long)lsn);
    out->lsn = lsn;
    mp_bin_exact(&m, out->digest, DIGEST_BYTES);
    out->length = (uint32_t)mp_uint(&m, BATCH_MAX_SEALED);
    out->participant = (uint32_t)mp_uint(&m, UINT32_MAX);
    out->gen.counter = (uint32_t)mp_uint(&m, UINT32_MAX);
    mp_bin_exact(&m, out->gen.tag, TAG_BYTES);
    out->sequence = mp_uint(&m, UINT64_MAX);
    mp_bin_exact(&m, out->sign_key, KEY_BYTES);
    out->state = (enum participant_state)mp_uint(&m, PARTICIPANT_CLOSED);
    out->grant_version = mp_uint(&m, UINT64_MAX);
    out->directory_version = mp_uint(&m, UINT64_MAX);
    year = mp_int(&m);
    out->school_year = (int32_t)year;
    out->verdicts = mp_bin(&m, VERDICTS_MAX);
    if (!mp_done(&m) || elements != ENTRY_ELEMENTS || year < INT32_MIN || year > INT32_MAX)
        return err_set(ERR_CORRUPT, "ledger: entry %llu of the journal is damaged", (unsigned long long)lsn);
    return OK;
}

enum err batch_signer(struct store_txn *t, uint64_t lsn, uint8_t sign[KEY_BYTES])
{
    enum journal_type type;
    uint8_t previous[DIGEST_BYTES];
    struct batch_entry entry;
    struct bytes bytes;
    int64_t wall_ms;
    size_t elements;
    struct mp m;
    enum err e = journal_get(t, lsn, &bytes);

    if (e == ERR_NOT_FOUND)
        return err_set(ERR_CORRUPT, "ledger: entry %llu of the journal is missing", (unsigned long long)lsn);
    if (e != OK || (e = journal_read(bytes, &m, &type, &wall_ms, previous, &elements)) != OK)
        return e;
    if (type != JOURNAL_BATCH)
        return ERR_NOT_FOUND;
    if ((e = batch_entry_get(&entry, lsn, bytes)) == OK)
        memcpy(sign, entry.sign_key, KEY_BYTES);
    return e;
}
