#include "agent/queue_internal.h"

#include "common/cli.h"
#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS         (INT64_C(86400) * 1000)
#define EXPIRE_RECORDS 30000u /* in one transaction, and the batch that goes beyond */

/* What the school reads about records that the hub keeps apart. */
static const char *reason_text(enum quarantine_reason r)
{
    switch (r) {
    case QUARANTINE_UNKNOWN_FORM: return _("the district does not know this version of the form");
    case QUARANTINE_MALFORMED: return _("the district could not read it");
    case QUARANTINE_INVALID: return _("it breaks a rule of the form");
    case QUARANTINE_UNIT: return _("your school may not report about this unit");
    case QUARANTINE_ROLE: return _("this form is filled in by others");
    case QUARANTINE_PERIOD: return _("the form is not collected for this period");
    case QUARANTINE_UNREADABLE: return _("the district could not decrypt it");
    case QUARANTINE_TARGET: return _("it corrects or withdraws something that cannot be changed");
    case QUARANTINE_HELD: return _("your school's submissions are on hold at the district");
    case QUARANTINE_CONFLICT: return _("the district holds another submission under the same number");
    }
    return _("the district did not accept it");
}

static enum err tell_refusals(struct agent *a, struct store_txn *t, const struct receipt *r)
{
    enum err e = OK;

    for (uint32_t i = 0; i < r->refusal_count && i < 20 && e == OK; i++) {
        struct record_ref ref = {r->gen, r->refusals[i].number};
        char id[RECORD_ID_TEXT];
        char text[1024];

        record_id_format(id, r->participant, &ref);
        (void)snprintf(text, sizeof(text), _("Submission %s was kept apart by the district: %s (%s)."), id,
                       reason_text(r->refusals[i].reason), r->refusals[i].text);
        e = agent_tell_in(a, t, text);
    }
    return e;
}

static enum err add_refused(const struct agent *a, struct store_txn *t, uint64_t more)
{
    struct buf v;
    uint8_t raw[8];
    uint64_t before = 0;

    if (more == 0)
        return OK;
    buf_init(&v, 8);
    if (agent_meta_get(a, t, "refused", &v) == OK && v.len == 8)
        before = be64_get(v.data);
    buf_fini(&v);
    be64_put(raw, before + more);
    return agent_meta_put(a, t, "refused", bytes_of(raw, sizeof(raw)));
}

/* The greatest hub time of any receipt, also of those whose batches are gone. */
static enum err get_hub_time(const struct agent *a, struct store_txn *t, int64_t *out)
{
    struct buf v;
    enum err e;

    *out = 0;
    buf_init(&v, 8);
    if ((e = agent_meta_get(a, t, "hub-time", &v)) == OK && v.len == 8)
        *out = (int64_t)be64_get(v.data);
    buf_fini(&v);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Only what is newer than all before says anything about the clock: a receipt may come again, or late on a stick. */
static enum err put_offset(const struct agent *a, struct store_txn *t, int64_t hub_ms)
{
    uint8_t raw[8];
    int64_t latest;
    enum err e = get_hub_time(a, t, &latest);

    if (e != OK || hub_ms <= latest)
        return e;
    be64_put(raw, (uint64_t)hub_ms);
    if ((e = agent_meta_put(a, t, "hub-time", bytes_of(raw, sizeof(raw)))) != OK)
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

static enum err apply(struct agent *a, struct store_txn *t, const struct receipt *r, struct bytes object)
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
    /* Archived once, archived for good, and the 30 days count from the first word of it: nothing that comes late or
     * again changes that. */
    if (b.life == BATCH_ARCHIVED)
        return put_offset(a, t, r->hub_ms);
    if (is_first || life_of(r->state) > b.life)
        b.life = life_of(r->state);
    b.receipt_ms = r->hub_ms;
    if ((e = batch_row_put(t, &b, object)) != OK || (e = put_offset(a, t, r->hub_ms)) != OK || !is_first)
        return e;
    if ((e = add_refused(a, t, r->verdicts[VERDICT_QUARANTINED])) != OK)
        return e;
    return tell_refusals(a, t, r);
}

enum err queue_take_receipt(struct agent *a, struct bytes object)
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
        if ((e = apply(a, t, &r, object)) == OK)
            e = store_commit(t);
        else
            store_abort(t);
    }
    receipt_fini(&r);
    return e;
}

enum err queue_receipt_of(const struct agent *a, const struct record_ref *ref, struct receipt *out)
{
    struct store_txn *t = NULL;
    struct batch_state b;
    struct bytes object;
    struct buf past;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    for (e = batch_row_at(t, &ref->gen, 0, &b, &object); e == OK && b.last_number < ref->number;)
        e = batch_row_at(t, &ref->gen, b.sequence + 1, &b, &object);
    if (e == OK && (b.first_number > ref->number || object.len == 0))
        e = ERR_NOT_FOUND;
    buf_init(&past, SIGNED_MAX);
    if (e == ERR_NOT_FOUND && (e = past_receipt(t, ref, &past)) == OK)
        object = bytes_of(past.data, past.len);
    if (e == OK)
        e = receipt_open(out, object, a->directory->hub_sign);
    buf_fini(&past);
    store_abort(t);
    return e;
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
        if ((e = store_get(t, T_PAGES, bytes_of(first, sizeof(first)), &value)) != OK ||
            (e = past_keep_page(a, t, bytes_of(first, sizeof(first)), value)) != OK ||
            (e = store_delete(t, T_PAGES, bytes_of(first, sizeof(first)))) != OK)
            return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
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
    enum err e = get_hub_time(a, t, latest);

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
        if (b.life != BATCH_ARCHIVED || now - b.receipt_ms < a->conf.keep_days * DAY_MS)
            return OK;
        if ((e = past_keep_receipt(t, &b, receipt)) != OK || (e = batch_delete(t, &b)) != OK ||
            (e = delete_records(a, t, g, b.last_number, row->end)) != OK)
            return e;
        records += b.records;
        (*batches)++;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Only the hub's signed time counts: a wrong clock of this PC destroys nothing. */
static enum err expire_some(struct agent *a, uint64_t *batches)
{
    struct store_txn *t = NULL;
    struct gen_row row;
    int64_t now = 0;
    enum err e = store_begin_write(a->store, &t);

    *batches = 0;
    if (e != OK)
        return e;
    store_use_reserve(t);
    e = hub_time(a, t, &now);
    if (e == OK)
        for (e = gen_row_next(t, NULL, &row); e == OK && *batches == 0; e = gen_row_next(t, &row.gen, &row))
            if ((e = expire_generation(a, t, &row, now, batches)) != OK)
                break;
    if (e != OK && e != ERR_NOT_FOUND) {
        store_abort(t);
        return e;
    }
    if (*batches > 0)
        return store_commit(t);
    store_abort(t);
    return OK;
}

enum err queue_expire(struct agent *a, uint64_t *batches)
{
    uint64_t some = 0;
    enum err e;

    *batches = 0;
    do {
        if ((e = expire_some(a, &some)) == OK)
            *batches += some;
    } while (e == OK && some > 0);
    return e;
}
