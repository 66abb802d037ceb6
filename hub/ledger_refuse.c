#include "hub/ledger_refuse.h"

#include <stdlib.h>
#include <string.h>

#define WORD     "refused"
#define ELEMENTS 9u
#define WORD_MAX 64u
#define TEXT     "the batch is sealed to a key that the hub does not have any more"

/* [word, participant index, counter, tag, sequence, digest, previous, first number, directory version] */
struct refused {
    uint32_t participant;
    struct generation gen;
    uint64_t sequence, first_number, directory_version;
    uint8_t digest[DIGEST_BYTES], previous[DIGEST_BYTES];
};

static void put_payload(struct buf *b, const struct refused *r)
{
    mp_put_cstr(b, WORD);
    mp_put_uint(b, r->participant);
    mp_put_uint(b, r->gen.counter);
    mp_put_bin(b, r->gen.tag, TAG_BYTES);
    mp_put_uint(b, r->sequence);
    mp_put_bin(b, r->digest, DIGEST_BYTES);
    mp_put_bin(b, r->previous, DIGEST_BYTES);
    mp_put_uint(b, r->first_number);
    mp_put_uint(b, r->directory_version);
}

/* False: the entry is about a key.  A damaged one leaves m->failed. */
static bool get_payload(struct mp *m, size_t elements, struct refused *r)
{
    char word[WORD_MAX + 1];

    memset(r, 0, sizeof(*r));
    mp_text(m, word, 1, WORD_MAX);
    if (m->failed || strcmp(word, WORD) != 0)
        return false;
    r->participant = (uint32_t)mp_uint(m, UINT32_MAX);
    r->gen.counter = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_bin_exact(m, r->gen.tag, TAG_BYTES);
    r->sequence = mp_uint(m, INT64_MAX);
    mp_bin_exact(m, r->digest, DIGEST_BYTES);
    mp_bin_exact(m, r->previous, DIGEST_BYTES);
    r->first_number = mp_uint(m, INT64_MAX);
    r->directory_version = mp_uint(m, UINT64_MAX);
    if (elements < ELEMENTS || r->sequence == 0 || r->gen.counter == 0)
        m->failed = true;
    return true;
}

static enum err make_receipt(const struct ledger *l, const struct refused *r, uint64_t lsn, int64_t wall_ms,
                             struct buf *out)
{
    const struct participant *who = registry_by_index(l->hub->registry, r->participant);
    struct receipt_refusal refusal = {r->first_number, QUARANTINE_UNREADABLE, TEXT};
    struct receipt receipt = {.gen = r->gen,
                              .sequence = r->sequence,
                              .state = RECEIPT_REFUSED,
                              .hub_ms = wall_ms,
                              .ledger_number = lsn,
                              .directory_version = r->directory_version,
                              .refusal_count = 1,
                              .refusals = &refusal};

    if (who == NULL)
        return err_set(ERR_CORRUPT, "participant number %u is not registered", r->participant);
    memcpy(receipt.district, l->hub->district, sizeof(receipt.district));
    memcpy(receipt.participant, who->id, sizeof(receipt.participant));
    memcpy(receipt.batch, r->digest, DIGEST_BYTES);
    return receipt_make(out, &receipt, l->hub->sign);
}

/* The row that makes it a batch that is held: value as in ledger_apply.c. */
static enum err put_row(struct store_txn *t, const struct refused *r, uint64_t lsn, struct bytes receipt)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct buf value;
    enum err e;

    buf_init(&value, SIGNED_MAX + 8u + DIGEST_BYTES);
    buf_put_u64(&value, lsn);
    buf_put(&value, r->digest, DIGEST_BYTES);
    buf_put(&value, receipt.p, receipt.len);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_BATCHES, place_key(raw, r->participant, &r->gen, r->sequence),
                      bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

static enum err refuse(struct ledger *l, struct store_txn *t, const struct refused *r, int64_t wall_ms,
                       struct buf *receipt)
{
    size_t at = receipt->len;
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, 1024);
    put_payload(&payload, r);
    if ((e = buf_status(&payload)) == OK &&
        (e = journal_append(l, t, JOURNAL_KEY, wall_ms, bytes_of(payload.data, payload.len), ELEMENTS, &lsn)) == OK &&
        (e = make_receipt(l, r, lsn, wall_ms, receipt)) == OK && (e = buf_status(receipt)) == OK)
        e = put_row(t, r, lsn, bytes_of(receipt->data + at, receipt->len - at));
    buf_fini(&payload);
    return e;
}

/* Records first: a batch of voids alone has no other number. */
static uint64_t first_number(const struct batch_header *h)
{
    return h->range_count + h->void_count > 0 ? h->ranges[0].first : 1;
}

enum err ledger_refuse(struct ledger *l, struct store_txn *t, const struct prepared *p, const struct apply_facts *facts,
                       struct buf *receipt)
{
    struct refused r = {.participant = p->participant,
                        .gen = p->header.gen,
                        .sequence = p->header.sequence,
                        .first_number = first_number(&p->header),
                        .directory_version = facts->directory_version};

    memcpy(r.digest, p->digest, DIGEST_BYTES);
    memcpy(r.previous, p->header.previous, DIGEST_BYTES);
    return refuse(l, t, &r, facts->wall_ms, receipt);
}

enum err ledger_refuse_replay(struct ledger *l, struct store_txn *t, int64_t wall_ms, struct mp *m, size_t elements)
{
    struct refused r;
    struct buf receipt;
    uint64_t lsn;
    enum err e;

    if (!get_payload(m, elements, &r))
        return m->failed ? ERR_MALFORMED : journal_append(l, t, JOURNAL_INIT, 0, bytes_of("", 0), 0, &lsn);
    if (m->failed)
        return ERR_MALFORMED;
    buf_init(&receipt, SIGNED_MAX);
    e = refuse(l, t, &r, wall_ms, &receipt);
    buf_fini(&receipt);
    return e;
}

enum err refused_previous(struct store_txn *t, uint64_t lsn, uint8_t previous[DIGEST_BYTES])
{
    enum journal_type type;
    struct refused r;
    struct bytes entry;
    uint8_t chain[DIGEST_BYTES];
    size_t elements;
    int64_t wall_ms;
    struct mp m;
    enum err e = journal_get(t, lsn, &entry);

    if (e != OK || (e = journal_read(entry, &m, &type, &wall_ms, chain, &elements)) != OK)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    if (type != JOURNAL_KEY || !get_payload(&m, elements, &r))
        return ERR_NOT_FOUND;
    if (m.failed)
        return err_set(ERR_CORRUPT, "ledger: entry %llu is damaged", (unsigned long long)lsn);
    memcpy(previous, r.previous, DIGEST_BYTES);
    return OK;
}
