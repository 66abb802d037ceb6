#include "agent/queue_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const struct agent *a;
    FILE *to;
    uint64_t bad;
};

static void complain(struct check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void complain(struct check *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(c->to, fmt, ap);
    va_end(ap);
    (void)fputc('\n', c->to);
    c->bad++;
}

/* What was in no batch goes by itself, between batches that stay (queue_leftover.c). */
static enum err is_gap(const struct check *c, const struct record_ref *before, uint64_t number, bool *out)
{
    struct record_ref ref = {before->gen, before->number + 1};
    enum err e = OK;

    while (ref.number < number && (e = queue_find_past(c->a, &ref)) == OK)
        ref.number++;
    *out = ref.number < number;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Every page opens, every record decodes, numbers rise without a gap inside the part that is not sealed yet. */
static enum err check_records(struct check *c)
{
    struct queue_reader *r = NULL;
    struct queue_item item;
    struct record_ref before = {0};
    struct record head;
    bool has_before = false;
    enum err e = queue_reader_open(&r, c->a, NULL);

    if (e != OK)
        return e;
    while ((e = queue_reader_next(r, &item)) == OK) {
        bool is_missing = false;

        if (has_before && generation_compare(&before.gen, &item.ref.gen) == 0 && item.state != RECORD_STORED &&
            (e = is_gap(c, &before, item.ref.number, &is_missing)) != OK)
            break;
        if (is_missing)
            complain(c, "submission %llu follows %llu: some are missing", (unsigned long long)item.ref.number,
                     (unsigned long long)before.number);
        if (record_decode_head(&head, item.record) != OK)
            complain(c, "submission %llu: %s", (unsigned long long)item.ref.number, err_text());
        before = item.ref;
        has_before = true;
    }
    queue_reader_close(r);
    if (e == ERR_CORRUPT) {
        complain(c, "%s", err_text());
        return OK;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static bool covers(const struct batch_header *h, const struct batch_state *b)
{
    uint64_t records = 0;

    for (uint32_t i = 0; i < h->range_count; i++)
        records += h->ranges[i].count;
    return h->range_count > 0 && records == b->records && h->ranges[0].first == b->first_number &&
           h->ranges[h->range_count - 1].first + h->ranges[h->range_count - 1].count - 1 == b->last_number;
}

/* One batch as it would leave: bytes, digest, signature, header against our list; *previous is its forerunner. */
static enum err check_batch(struct check *c, const struct batch_state *b, const uint8_t previous[DIGEST_BYTES],
                            bool has_previous)
{
    struct batch_header *h = calloc(1, sizeof(*h));
    struct buf bytes;
    uint8_t d[DIGEST_BYTES];
    unsigned long long seq = b->sequence;
    enum err e;

    if (h == NULL)
        return ERR_NOMEM;
    buf_init(&bytes, BATCH_MAX_SEALED);
    if ((e = queue_batch_bytes(c->a, b, 0, b->length, &bytes)) != OK) {
        complain(c, "%s", err_text());
        goto done;
    }
    batch_digest(d, bytes_of(bytes.data, bytes.len));
    if (!digest_equal(d, b->digest))
        complain(c, "batch %llu: its bytes changed", seq);
    if (batch_parse(h, bytes_of(bytes.data, bytes.len)) != OK)
        complain(c, "batch %llu: %s", seq, err_text());
    else if (batch_verify(h, bytes_of(bytes.data, bytes.len), key_public(c->a->sign)) != OK)
        complain(c, "batch %llu: its signature is not ours", seq);
    else if (!covers(h, b) || h->sequence != b->sequence)
        complain(c, "batch %llu: it does not hold the submissions it should", seq);
    else if (has_previous && !digest_equal(h->previous, previous))
        complain(c, "batch %llu: it does not follow the one before", seq);
done:
    batch_header_fini(h);
    free(h);
    buf_fini(&bytes);
    return e == ERR_NOMEM ? e : OK;
}

static void check_receipt(struct check *c, const struct batch_state *b, struct bytes object)
{
    struct receipt r;

    if (b->life == BATCH_SEALED)
        return;
    if (receipt_open(&r, object, agent_hub_signer(c->a, object)) != OK) {
        complain(c, "batch %llu: its receipt is not the hub's", (unsigned long long)b->sequence);
        return;
    }
    if (r.sequence != b->sequence || !digest_equal(r.batch, b->digest))
        complain(c, "batch %llu: its receipt is about another batch", (unsigned long long)b->sequence);
    receipt_fini(&r);
}

/* The next sequence that should be there: batches whose records were sealed again are not (queue_reseal.c). */
static uint64_t after_given_up(struct store_txn *t, const struct generation *g, uint64_t expected)
{
    uint64_t last;

    while (expected != 0 && (last = queue_given_up(t, g, expected)) >= expected)
        expected = last + 1;
    return expected;
}

static enum err check_generation(struct check *c, struct store_txn *t, const struct gen_row *row)
{
    uint8_t previous[DIGEST_BYTES] = {0};
    struct batch_state b;
    struct bytes receipt;
    uint64_t expected = 0;
    uint64_t number = 0;
    bool is_current = generation_compare(&row->gen, &c->a->gen) == 0;
    enum err e;

    for (e = batch_row_at(t, &row->gen, 0, &b, &receipt); e == OK;
         e = batch_row_at(t, &row->gen, b.sequence + 1, &b, &receipt)) {
        uint64_t after = after_given_up(t, &row->gen, expected);
        bool is_next = after == expected && b.sequence == expected; /* else its forerunner is not here any more */

        expected = after;
        /* Of an older generation a reconciliation may have taken batches out of the middle. */
        if (expected != 0 && ((is_current && b.sequence != expected) || b.first_number <= number))
            complain(c, "batch %llu stands where %llu should", (unsigned long long)b.sequence,
                     (unsigned long long)expected);
        if ((e = check_batch(c, &b, previous, is_next || b.sequence == 1)) != OK)
            return e;
        check_receipt(c, &b, receipt);
        memcpy(previous, b.digest, DIGEST_BYTES);
        expected = b.sequence + 1;
        number = b.last_number;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    expected = after_given_up(t, &row->gen, expected);
    if (row->sealed > row->end || (expected != 0 && row->sequence + 1 != expected))
        complain(c, "generation %u: its end does not fit its batches", row->gen.counter);
    return OK;
}

enum err queue_verify(const struct agent *a, FILE *to, uint64_t *bad)
{
    struct check c = {a, to, 0};
    struct store_txn *t = NULL;
    struct gen_row row;
    enum err e = check_records(&c);

    if (e != OK || (e = store_begin_read(a->store, &t)) != OK)
        return e;
    for (e = gen_row_next(t, NULL, &row); e == OK; e = gen_row_next(t, &row.gen, &row))
        if ((e = check_generation(&c, t, &row)) != OK)
            break;
    store_abort(t);
    *bad = c.bad;
    return e == ERR_NOT_FOUND ? OK : e;
}
