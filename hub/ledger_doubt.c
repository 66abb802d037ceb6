#include "hub/ledger_doubt_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

/* Entry: [participant, deed, word, batches]; a batch is [counter, tag, sequence, codes]: which of its rows are taken
 * out, in runs as a batch's verdicts.  A replay takes the codes: what could not be taken out then is known from them,
 * whatever has been erased since. */

#define ELEMENTS     4u
#define BATCH_FIELDS 4u
#define LISTS_MAX    (3u << 20)

enum deed { DEED_TAKEN_OUT = 1, DEED_KEPT = 2 };

void doubt_outcome_fini(struct doubt_outcome *o)
{
    free(o->changes);
    memset(o, 0, sizeof(*o));
}

static enum err doubt_open(struct doubt **out, struct ledger *l, uint32_t participant, size_t count)
{
    struct doubt *d = calloc(1, sizeof(*d));
    enum err e;

    if (d == NULL)
        return ERR_NOMEM;
    d->ledger = l;
    d->participant = participant;
    d->count = count;
    buf_init(&d->taken, DOUBT_LIST_MAX);
    buf_init(&d->named, DOUBT_LIST_MAX);
    buf_init(&d->slots, DOUBT_LIST_MAX);
    buf_init(&d->met, DOUBT_LIST_MAX);
    buf_init(&d->erased, DOUBT_LIST_MAX);
    buf_init(&d->looked, DOUBT_LIST_MAX);
    if ((d->batches = calloc(count + 1, sizeof(*d->batches))) == NULL)
        e = ERR_NOMEM;
    else
        e = places_new(&d->places);
    if (e != OK) {
        ledger_doubt_free(d);
        return e;
    }
    *out = d;
    return OK;
}

void ledger_doubt_free(struct doubt *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; d->batches != NULL && i < d->count; i++)
        free(d->batches[i].codes);
    free(d->batches);
    places_free(d->places);
    buf_fini(&d->looked);
    buf_fini(&d->erased);
    buf_fini(&d->met);
    buf_fini(&d->slots);
    buf_fini(&d->named);
    buf_fini(&d->taken);
    free(d);
}

enum err ledger_doubt_new(struct doubt **out, struct ledger *l, const struct suspect *batches, size_t count)
{
    struct doubt *d;
    enum err e;

    if (count > DOUBT_BATCHES_MAX)
        return err_set(ERR_LIMIT, _("more than %u parcels at once: decide about some of them first"),
                       DOUBT_BATCHES_MAX);
    if ((e = doubt_open(&d, l, batches[0].participant, count)) != OK)
        return e;
    for (size_t i = 0; i < count; i++) {
        d->batches[i].gen = batches[i].gen;
        d->batches[i].sequence = batches[i].sequence;
    }
    *out = d;
    return OK;
}

static enum err say_limit(enum err e)
{
    return e != ERR_FULL && e != ERR_LIMIT
               ? e
               : err_set(ERR_LIMIT, _("too many submissions are concerned at once: name fewer parcels"));
}

enum err ledger_doubt_look(struct doubt *d, struct store_txn *t)
{
    return say_limit(doubt_find(d, t, false));
}

/* ---- the entry ---- */

static enum err journal(struct doubt *d, struct store_txn *t, enum deed deed, const char *word)
{
    struct buf payload;
    struct buf codes;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, LISTS_MAX);
    buf_init(&codes, LISTS_MAX);
    mp_put_uint(&payload, d->participant);
    mp_put_uint(&payload, (uint64_t)deed);
    mp_put_cstr(&payload, word);
    mp_put_array(&payload, d->count);
    for (size_t i = 0; i < d->count; i++) {
        const struct doubted *b = &d->batches[i];

        buf_reset(&codes);
        if (deed == DEED_TAKEN_OUT)
            reasons_put(&codes, b->codes, b->count);
        mp_put_array(&payload, BATCH_FIELDS);
        mp_put_uint(&payload, b->gen.counter);
        mp_put_bin(&payload, b->gen.tag, TAG_BYTES);
        mp_put_uint(&payload, b->sequence);
        mp_put_bin(&payload, codes.data, codes.len);
    }
    if ((e = buf_status(&codes)) == OK && (e = buf_status(&payload)) == OK)
        e = ledger_decide(d->ledger, t, JOURNAL_DOUBT, bytes_of(payload.data, payload.len), ELEMENTS, &lsn);
    buf_fini(&codes);
    buf_fini(&payload);
    return e;
}

/* The doubt ends, one way or the other. */
static enum err clear(const struct doubt *d, struct store_txn *t)
{
    enum err e = OK;

    for (size_t i = 0; e == OK && i < d->count; i++)
        e = suspect_clear(t, d->participant, &d->batches[i].gen, d->batches[i].sequence);
    return e;
}

static enum err say_not_doubted(enum err e)
{
    return e != ERR_NOT_FOUND
               ? e
               : err_set(e, _("a parcel is not doubtful any more: somebody has decided about it meanwhile"));
}

enum err ledger_doubt_take_out(struct doubt *d, struct store_txn *t, const char *word, struct doubt_outcome *out)
{
    enum err e = say_not_doubted(clear(d, t));

    memset(out, 0, sizeof(*out));
    if (e == OK && (e = doubt_find(d, t, false)) == OK && (e = journal(d, t, DEED_TAKEN_OUT, word)) == OK)
        e = doubt_apply(d, t, word, out);
    if (e != OK)
        doubt_outcome_fini(out);
    return say_limit(e);
}

enum err ledger_doubt_keep(struct doubt *d, struct store_txn *t, const char *word)
{
    enum err e = say_not_doubted(clear(d, t));

    return e == OK ? journal(d, t, DEED_KEPT, word) : e;
}

/* ---- a replay ---- */

static enum err read_batch(struct mp *m, struct doubted *b, struct bytes *codes)
{
    (void)mp_array(m, BATCH_FIELDS, BATCH_FIELDS);
    b->gen.counter = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_bin_exact(m, b->gen.tag, TAG_BYTES);
    b->sequence = mp_uint(m, INT64_MAX);
    *codes = mp_bin(m, LISTS_MAX);
    return m->failed ? ERR_MALFORMED : OK;
}

static enum err read_codes(struct doubt *d, struct store_txn *t, const struct bytes *codes)
{
    enum err e = OK;

    for (size_t i = 0; e == OK && i < d->count; i++)
        d->batches[i].at = i;
    if (e == OK)
        e = doubt_set_batches(d, t);
    for (size_t i = 0; e == OK && i < d->count; i++)
        e = verdicts_get(d->batches[i].codes, d->batches[i].count, codes[d->batches[i].at]);
    return e == ERR_CORRUPT || e == ERR_NOT_FOUND ? ERR_MALFORMED : e;
}

static enum err replay(struct doubt *d, struct store_txn *t, enum deed deed, const char *word, struct mp *m)
{
    struct bytes *codes = calloc(d->count + 1, sizeof(*codes));
    enum err e = codes == NULL ? ERR_NOMEM : OK;

    for (size_t i = 0; e == OK && i < d->count; i++)
        e = read_batch(m, &d->batches[i], &codes[i]);
    if (e == OK && (e = clear(d, t)) == ERR_NOT_FOUND)
        e = err_set(ERR_MALFORMED, "ledger: an entry decides about a batch that nobody doubts");
    if (e == OK && deed == DEED_TAKEN_OUT && (e = read_codes(d, t, codes)) == OK && (e = doubt_find(d, t, true)) == OK)
        e = doubt_apply(d, t, word, NULL);
    free(codes);
    return e;
}

enum err ledger_doubt_replay(struct ledger *l, struct store_txn *t, struct mp *m, size_t elements)
{
    char word[RECEIPT_TEXT_MAX + 1];
    struct doubt *d = NULL;
    uint32_t participant = (uint32_t)mp_uint(m, UINT32_MAX);
    uint64_t deed = mp_uint(m, UINT32_MAX);
    size_t count;
    enum err e;

    mp_text(m, word, 0, RECEIPT_TEXT_MAX);
    count = mp_array(m, 1, DOUBT_BATCHES_MAX);
    if (m->failed || elements < ELEMENTS || (deed != DEED_TAKEN_OUT && deed != DEED_KEPT))
        return err_set(ERR_MALFORMED, "ledger: an entry about doubted batches is damaged");
    if ((e = doubt_open(&d, l, participant, count)) == OK)
        e = replay(d, t, (enum deed)deed, word, m);
    ledger_doubt_free(d);
    return e;
}
