#include "agent/queue_internal.h"
#include "agent/terms.h"

#include "agent/queue_proof.h"
#include "agent/standing.h"
#include "common/cli.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS         (INT64_C(86400) * 1000)
#define EXPIRE_RECORDS 30000u /* in one transaction, and the batch that goes beyond */

/* What the hub keeps apart, to the table of standings and to the person. */
static struct standing_row row_of(const struct receipt *r, const struct receipt_refusal *at)
{
    return (struct standing_row){STANDING_QUARANTINED, r->hub_ms, at->why, 0};
}

static enum err put_refusals(struct agent *a, struct store_txn *t, const struct receipt *r)
{
    enum err e = OK;

    for (uint32_t i = 0; i < r->refusal_count && e == OK; i++) {
        struct record_ref ref = {r->gen, r->refusals[i].number};
        struct standing_row row = row_of(r, &r->refusals[i]);

        e = standing_put(a, t, &ref, &row);
        if (e == OK && i < STANDING_TOLD)
            e = standing_tell(a, t, &ref, &row);
    }
    if (e == OK && r->refusal_count > STANDING_TOLD)
        e = standing_tell_more(a, t, r->refusal_count - STANDING_TOLD);
    return e;
}

static enum err get_number(const struct agent *a, struct store_txn *t, const char *key, bool *is_there, int64_t *out)
{
    struct buf v;
    enum err e;

    buf_init(&v, 8);
    *is_there = (e = agent_meta_get(a, t, key, &v)) == OK && v.len == 8;
    *out = *is_there ? (int64_t)be64_get(v.data) : 0;
    buf_fini(&v);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err queue_clock(const struct agent *a, struct store_txn *t, struct queue_clock *out)
{
    bool is_there;
    enum err e = get_number(a, t, "hub-time", &is_there, &out->hub_ms);

    return e == OK ? get_number(a, t, "offset", &out->has_offset, &out->offset_ms) : e;
}

/* Only what is newer than all before says anything about the clock: a receipt may come again.  One that was days on its
 * way in a file says what time the hub had, and nothing about ours. */
static enum err put_offset(const struct agent *a, struct store_txn *t, int64_t hub_ms, bool is_late)
{
    uint8_t raw[8];
    struct queue_clock c;
    enum err e = queue_clock(a, t, &c);

    if (e != OK || hub_ms <= c.hub_ms)
        return e;
    be64_put(raw, (uint64_t)hub_ms);
    if ((e = agent_meta_put(a, t, "hub-time", bytes_of(raw, sizeof(raw)))) != OK || is_late)
        return e;
    be64_put(raw, (uint64_t)(hub_ms - clock_wall_ms()));
    return agent_meta_put(a, t, "offset", bytes_of(raw, sizeof(raw)));
}

static enum batch_life life_of(enum receipt_state s)
{
    switch (s) {
    case RECEIPT_STORED: return BATCH_STORED;
    case RECEIPT_ARCHIVED: return BATCH_ARCHIVED;
    case RECEIPT_REFUSED: return BATCH_REFUSED;
    }
    return BATCH_STORED;
}

/* Two histories: not one submission is wrong, and the pages of the hub settle it. */
static bool is_about_history(const struct receipt *r)
{
    return r->state == RECEIPT_REFUSED && r->refusal_count == 1 && r->refusals[0].why.reason == QUARANTINE_CONFLICT;
}

static enum err apply(struct agent *a, struct store_txn *t, const struct receipt *r, struct bytes object, bool is_late)
{
    struct batch_state b;
    bool is_first;
    enum err e = batch_row_at(t, &r->gen, r->sequence, &b, NULL);

    if (e == OK && b.sequence != r->sequence)
        e = ERR_NOT_FOUND;
    if (e != OK)
        return e;
    if (!digest_equal(b.digest, r->batch))
        return err_set(ERR_AUTH, _("the receipt for batch %llu is about other bytes"), (unsigned long long)r->sequence);
    is_first = b.life == BATCH_SEALED;
    /* Archived once, archived for good, and the 30 days count from the first word of it.  An older receipt, from an old
     * file, takes nothing back either, and neither does a refusal: the hub remembers what it holds. */
    if (!is_first && (b.life == BATCH_ARCHIVED || r->state == RECEIPT_REFUSED || life_of(r->state) < b.life ||
                      r->hub_ms < b.receipt_ms))
        return put_offset(a, t, r->hub_ms, is_late);
    b.life = life_of(r->state);
    b.receipt_ms = r->hub_ms;
    if ((e = batch_row_put(t, &b, object)) != OK || (e = put_offset(a, t, r->hub_ms, is_late)) != OK ||
        (e = queue_keep_certificate(a, t, signed_signer(object))) != OK || !is_first || is_about_history(r))
        return e;
    return put_refusals(a, t, r);
}

static enum err take_receipt(struct agent *a, struct bytes object, bool is_late)
{
    struct store_txn *t = NULL;
    struct receipt r;
    enum err e = receipt_open(&r, object, a->directory->hub_sign);

    if (e != OK)
        return e;
    if (strcmp(r.participant, a->grant->participant) != 0 ||
        memcmp(r.district, a->directory->district, sizeof(r.district)) != 0)
        e = err_set(ERR_AUTH, _("the receipt is another participant's"));
    else
        e = store_begin_write(a->store, &t);
    if (e == OK) {
        store_use_reserve(t); /* without receipts nothing may ever be destroyed */
        if ((e = apply(a, t, &r, object, is_late)) == OK)
            e = store_commit(t);
        else
            store_abort(t);
    }
    receipt_fini(&r);
    return e;
}

enum err queue_take_receipt(struct agent *a, struct bytes object)
{
    return take_receipt(a, object, false);
}

enum err queue_take_late_receipt(struct agent *a, struct bytes object)
{
    return take_receipt(a, object, true);
}

/* ---- the end of a batch's life ---- */

/* Pages whose every number is at or below `last`, and segments that lie wholly below it.  `end`: the generation's. */
static enum err delete_records(const struct agent *a, struct store_txn *t, const struct generation *g, uint64_t last,
                               uint64_t end)
{
    uint8_t from[PAGE_KEY];
    uint8_t segment[GEN_BYTES + 4];
    uint64_t previous = 0;
    enum err e;

    for (;;) {
        struct store_cursor *c = NULL;
        struct bytes key;
        struct bytes value;
        uint8_t first[PAGE_KEY];
        uint64_t next = end + 1;

        if ((e = store_cursor_open(t, T_PAGES, &c)) != OK)
            return e;
        page_key(from, g, 0);
        if ((e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value)) == OK &&
            memcmp(key.p, from, GEN_BYTES) == 0) {
            memcpy(first, key.p, PAGE_KEY);
            /* The next page's first number bounds this page's last one. */
            if (store_next(c, &key, &value) == OK && memcmp(key.p, from, GEN_BYTES) == 0)
                next = be64_get(key.p + GEN_BYTES);
        } else if (e == OK) {
            e = ERR_NOT_FOUND;
        }
        store_cursor_close(c);
        if (e != OK || next - 1 > last)
            return e == ERR_NOT_FOUND ? OK : e;
        if ((e = page_destroy(a, t, first)) != OK)
            return e;
        previous = be64_get(first + GEN_BYTES);
        if (previous >> SEGMENT_SHIFT == next >> SEGMENT_SHIFT)
            continue;
        gen_put(segment, g);
        be32_put(segment + GEN_BYTES, (uint32_t)(previous >> SEGMENT_SHIFT));
        if ((e = store_delete(t, T_SEGMENTS, bytes_of(segment, sizeof(segment)))) != OK && e != ERR_NOT_FOUND)
            return e;
    }
}

static enum err hub_time(const struct agent *a, struct store_txn *t, int64_t *latest)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    struct batch_state b;
    struct queue_clock last = {.hub_ms = 0};
    enum err e = queue_clock(a, t, &last);

    *latest = last.hub_ms;
    if (e != OK || (e = store_cursor_open(t, T_BATCHES, &c)) != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
        if ((e = batch_row_read(&b, key, value, NULL)) != OK)
            break;
        else if (b.receipt_ms > *latest)
            *latest = b.receipt_ms;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err expire_generation(struct agent *a, struct store_txn *t, const struct gen_row *row, int64_t now,
                                  uint64_t *batches)
{
    const struct generation *g = &row->gen;
    struct batch_state b;
    struct bytes receipt;
    uint64_t records = 0;
    enum err e = OK;

    while (records < EXPIRE_RECORDS && (e = batch_row_at(t, g, 0, &b, &receipt)) == OK) {
        bool are_over = false;

        if (b.life != BATCH_ARCHIVED || now - b.receipt_ms < TERMS_DAYS_MIN * DAY_MS)
            return OK;
        if (now - b.receipt_ms < a->conf.keep_days * DAY_MS && (e = terms_are_over(a, t, &b, now, &are_over)) != OK)
            return e;
        if (now - b.receipt_ms < a->conf.keep_days * DAY_MS && !are_over)
            return OK;
        if ((e = past_keep_receipt(t, &b, receipt)) != OK || (e = batch_delete(t, &b)) != OK ||
            (e = delete_records(a, t, g, b.last_number, row->end)) != OK ||
            (e = standing_forget(a, t, g, b.first_number, b.last_number)) != OK)
            return e;
        records += b.records;
        (*batches)++;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Only the hub's signed time counts: a wrong clock of this PC destroys nothing. */
static enum err expire_some(struct agent *a, uint64_t *batches, bool *is_more)
{
    struct store_txn *t = NULL;
    struct gen_row row;
    uint64_t drafts = 0;
    uint64_t leftovers = 0;
    bool is_changed = false;
    int64_t now = 0;
    enum err e = store_begin_write(a->store, &t);

    *batches = 0;
    if (e != OK)
        return e;
    store_use_reserve(t);
    e = hub_time(a, t, &now);
    if (e == OK) /* before the batches that prove it archived */
        e = leftover_expire(a, t, now, EXPIRE_RECORDS, &leftovers, &is_changed);
    if (e == OK && leftovers == 0)
        for (e = gen_row_next(t, NULL, &row); e == OK && *batches == 0; e = gen_row_next(t, &row.gen, &row))
            if ((e = expire_generation(a, t, &row, now, batches)) != OK)
                break;
    if (e == ERR_NOT_FOUND)
        e = terms_drop_drafts(a, t, now, &drafts);
    if (e != OK) {
        store_abort(t);
        return e;
    }
    *is_more = *batches > 0 || leftovers > 0;
    if (*is_more || is_changed || drafts > 0)
        return store_commit(t);
    store_abort(t);
    return OK;
}

enum err queue_expire(struct agent *a, uint64_t *batches)
{
    uint64_t some = 0;
    bool is_more = false;
    enum err e;

    *batches = 0;
    do {
        if ((e = expire_some(a, &some, &is_more)) == OK)
            *batches += some;
    } while (e == OK && is_more);
    return e;
}
