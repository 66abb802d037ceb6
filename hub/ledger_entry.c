#include "hub/ledger_internal.h"

#include <string.h>

#define STORAGE_DOMAIN "svodka storage v1"
#define ENTRY_ELEMENTS 14u /* of the payload */
#define WRAPPED_BYTES  (KEY_BYTES + LOCK_OVERHEAD)
#define VERDICTS_MAX   (1u << 20)

/* ---- verdicts: most batches have none to name, a bad one has runs ---- */

void verdicts_put(struct buf *out, const struct prepared *p)
{
    for (uint32_t row = 0, last = 0; row < p->count;) {
        uint8_t reason = p->records[row].reason;
        uint32_t end = row + 1;

        while (end < p->count && p->records[end].reason == reason)
            end++;
        if (reason != 0) {
            buf_put_varint(out, row - last);
            buf_put_varint(out, end - row);
            buf_put_u8(out, reason);
            last = end;
        }
        row = end;
    }
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
    mp_put_uint(out, e->section_count);
    mp_put_array(out, e->section_count);
    for (uint32_t k = 0; k < e->section_count; k++)
        mp_put_bin(out, e->wrapped[k].p, e->wrapped[k].len);
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
    out->section_count = (uint32_t)mp_uint(&m, BATCH_MAX_SECTIONS);
    (void)mp_array(&m, out->section_count, out->section_count);
    for (uint32_t k = 0; k < out->section_count; k++)
        out->wrapped[k] = mp_bin(&m, WRAPPED_BYTES);
    out->verdicts = mp_bin(&m, VERDICTS_MAX);
    if (!mp_done(&m) || elements != ENTRY_ELEMENTS || year < INT32_MIN || year > INT32_MAX)
        return err_set(ERR_CORRUPT, "ledger: entry %llu of the journal is damaged", (unsigned long long)lsn);
    return OK;
}

/* ---- section keys ---- */

/* One key for each retention class and school year: destroying it erases what lies under it. */
static void storage_key(uint8_t out[KEY_BYTES], const struct key *storage, const char *retention, int32_t school_year)
{
    uint8_t context[RETENTION_MAX + 1 + 4];
    size_t len = strnlen(retention, RETENTION_MAX);

    memcpy(context, retention, len);
    context[len] = 0;
    be32_put(context + len + 1, (uint32_t)school_year);
    derive(out, key_secret(storage), STORAGE_DOMAIN, bytes_of(context, len + 5));
}

/* Binds the key to its place: this batch, this section. */
static void section_ad(uint8_t out[DIGEST_BYTES + 4], const struct batch_entry *e, uint32_t section)
{
    memcpy(out, e->digest, DIGEST_BYTES);
    be32_put(out + DIGEST_BYTES, section);
}

enum err section_key_wrap(struct buf *out, const struct key *storage, const struct batch_entry *e,
                          const char *retention, uint32_t section, const uint8_t key[KEY_BYTES])
{
    uint8_t ad[DIGEST_BYTES + 4];
    uint8_t under[KEY_BYTES];
    enum err result;

    storage_key(under, storage, retention, e->school_year);
    section_ad(ad, e, section);
    result = lock_bytes(out, under, bytes_of(ad, sizeof(ad)), bytes_of(key, KEY_BYTES));
    wipe(under, sizeof(under));
    return result;
}

static enum err unwrap_one(uint8_t out[KEY_BYTES], const struct key *storage, const struct batch_entry *e,
                           const char *retention, uint32_t section)
{
    uint8_t ad[DIGEST_BYTES + 4];
    uint8_t under[KEY_BYTES];
    struct buf plain;
    enum err result;

    buf_init_secret(&plain, KEY_BYTES);
    storage_key(under, storage, retention, e->school_year);
    section_ad(ad, e, section);
    result = unlock_bytes(&plain, under, bytes_of(ad, sizeof(ad)), e->wrapped[section]);
    if (result == OK && plain.len != KEY_BYTES)
        result = ERR_CORRUPT;
    if (result == OK)
        memcpy(out, plain.data, KEY_BYTES);
    buf_wipe(&plain);
    wipe(under, sizeof(under));
    return result;
}

enum err section_keys_unwrap(struct section_keys *out, const struct key *storage, const struct batch_entry *e,
                             const struct batch_header *h)
{
    enum err result = OK;

    if (e->section_count != h->section_count)
        return err_set(ERR_CORRUPT, "ledger: entry %llu has keys for %u sections, the batch has %u",
                       (unsigned long long)e->lsn, e->section_count, h->section_count);
    memset(out, 0, sizeof(*out));
    for (uint32_t k = 0; k < e->section_count && result == OK; k++)
        result = unwrap_one(out->key[k], storage, e, h->sections[k].retention, k);
    if (result == ERR_NOMEM || result == OK)
        return result;
    wipe(out, sizeof(*out));
    return err_set(ERR_CORRUPT, "ledger: entry %llu: a section's key does not unlock", (unsigned long long)e->lsn);
}
