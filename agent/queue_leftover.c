#include "agent/queue_internal.h"
#include "agent/standing.h"
#include "agent/terms.h"

#include "common/cli.h"

#include <string.h>

/* Leftovers: records of closed generations that lie in no batch of this home.  Another computer of the school sent them
 * and the hub gave them back, or they were found at the hub after a restore.  No receipt here says that they are
 * archived, and invariant 2 holds for them, too.  What says it is a receipt of something later: the hub's journal is
 * archived from its beginning on, so once a batch is archived that was sealed when the hub was already known to hold
 * the leftovers, they are archived with it.  The 30 days and store.keep_days count from that receipt; a form's term
 * counts from the school year in which a submission was filled in, for the day it was received on is not known here.
 *
 * T_META "left/" | counter u32 | tag 8 -> counter u32 | sequence u64 | archived ms u64
 *   counter, sequence  the last batch that had been sealed when they were first seen here
 *   archived           hub time of the first receipt that covers them; 0: none yet */
#define MARK_PREFIX "left/"
#define MARK_KEY    (sizeof(MARK_PREFIX) - 1 + GEN_BYTES)
#define MARK_BYTES  20u
#define DAY_MS      INT64_C(86400000)

struct mark {
    uint32_t counter;
    uint64_t sequence;
    int64_t archived_ms;
};

/* ---- marks ---- */

static struct bytes mark_key(uint8_t raw[MARK_KEY], const struct generation *g)
{
    memcpy(raw, MARK_PREFIX, sizeof(MARK_PREFIX) - 1);
    gen_put(raw + sizeof(MARK_PREFIX) - 1, g);
    return bytes_of(raw, MARK_KEY);
}

static enum err mark_get(struct store_txn *t, const struct generation *g, struct mark *out)
{
    uint8_t raw[MARK_KEY];
    struct bytes value;
    enum err e = store_get(t, T_META, mark_key(raw, g), &value);

    if (e != OK)
        return e;
    if (value.len != MARK_BYTES)
        return err_set(ERR_CORRUPT, _("the queue's state is damaged"));
    out->counter = be32_get(value.p);
    out->sequence = be64_get(value.p + 4);
    out->archived_ms = (int64_t)be64_get(value.p + 12);
    return OK;
}

static enum err mark_put(struct store_txn *t, const struct generation *g, const struct mark *m)
{
    uint8_t raw[MARK_KEY];
    uint8_t value[MARK_BYTES];

    be32_put(value, m->counter);
    be64_put(value + 4, m->sequence);
    be64_put(value + 12, (uint64_t)m->archived_ms);
    return store_put(t, T_META, mark_key(raw, g), bytes_of(value, sizeof(value)));
}

static enum err mark_forget(struct store_txn *t, const struct generation *g)
{
    uint8_t raw[MARK_KEY];
    enum err e = store_delete(t, T_META, mark_key(raw, g));

    return e == ERR_NOT_FOUND ? OK : e;
}

enum err leftover_begin_again(struct store_txn *t, const struct generation *g)
{
    struct gen_row row;
    enum err e;

    if (g != NULL)
        return mark_forget(t, g);
    for (e = gen_row_next(t, NULL, &row); e == OK; e = gen_row_next(t, &row.gen, &row))
        if ((e = mark_forget(t, &row.gen)) != OK)
            break;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* The first word that anything sealed after the mark is archived; 0: none. */
static enum err first_archived(struct store_txn *t, const struct mark *m, int64_t *out)
{
    struct store_cursor *c = NULL;
    struct batch_state b;
    uint8_t from[4];
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_BATCHES, &c);

    *out = 0;
    if (e != OK)
        return e;
    be32_put(from, m->counter);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        if ((e = batch_row_read(&b, key, value, NULL)) != OK)
            break;
        if (b.life == BATCH_ARCHIVED && (b.gen.counter > m->counter || b.sequence > m->sequence) &&
            (*out == 0 || b.receipt_ms < *out))
            *out = b.receipt_ms;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* *m: of the generation, made when it has none, with the receipt that is there by now. */
static enum err bring_mark(struct agent *a, struct store_txn *t, const struct generation *g, struct mark *m,
                           bool *is_changed)
{
    struct gen_row current;
    enum err e = mark_get(t, g, m);

    if (e == OK) {
        if (m->archived_ms != 0 || (e = first_archived(t, m, &m->archived_ms)) != OK || m->archived_ms == 0)
            return e;
    } else {
        if (e != ERR_NOT_FOUND || (e = gen_row_get(t, &a->gen, &current)) != OK)
            return e;
        *m = (struct mark){a->gen.counter, current.sequence, 0};
    }
    *is_changed = true;
    return mark_put(t, g, m);
}

/* ---- pages ---- */

struct sweep {
    struct agent *a;
    struct store_txn *t;
    const struct gen_row *row;
    int64_t now, archived_ms;
    struct batch_state batch; /* the first one that ends at the page or beyond */
    bool has_batch;
    struct page page;
    uint64_t last; /* number in the page */
    bool is_over;  /* its time */
    uint64_t *records;
};

/* The page's last number, and whether its time is over. */
static enum err judge(struct sweep *s)
{
    int32_t today = (int32_t)(s->now / DAY_MS);
    int32_t archived = (int32_t)(s->archived_ms / DAY_MS);
    struct page_walk w = page_walk_of(&s->page);
    struct bytes bytes;

    s->last = s->page.first;
    s->is_over = s->now - s->archived_ms >= s->a->conf.keep_days * DAY_MS;
    while (page_next(&w, &s->last, &bytes)) {
        const struct form *f;
        struct record r;
        enum err e = record_decode_head(&r, bytes);

        if (e != OK)
            return err_prefix(ERR_CORRUPT, _("submission %llu"), (unsigned long long)s->last);
        f = agent_form_by_digest(s->a, r.form);
        s->is_over |= f != NULL && terms_form_is_over(f, r.filled_on < archived ? r.filled_on : archived, today);
    }
    return w.rd.failed || w.left > 0 ? err_set(ERR_CORRUPT, _("the page of the queue from number %llu on is damaged"),
                                               (unsigned long long)s->page.first)
                                     : OK;
}

/* What lies in a batch goes with it (queue_receipt.c). */
static enum err is_in_batch(struct sweep *s, bool *is_in)
{
    enum err e = OK;

    while (e == OK && s->has_batch && s->batch.last_number < s->page.first)
        if ((e = batch_row_at(s->t, &s->row->gen, s->batch.sequence + 1, &s->batch, NULL)) == ERR_NOT_FOUND) {
            s->has_batch = false;
            e = OK;
        }
    *is_in = s->has_batch && s->batch.first_number <= s->last;
    return e;
}

/* The key of a segment goes with its last page. */
static enum err drop_segment(struct sweep *s)
{
    struct store_cursor *c = NULL;
    uint64_t segment = s->page.first >> SEGMENT_SHIFT;
    uint8_t from[PAGE_KEY];
    struct bytes key;
    struct bytes value;
    bool is_empty;
    enum err e = store_cursor_open(s->t, T_PAGES, &c);

    if (e != OK)
        return e;
    page_key(from, &s->row->gen, segment << SEGMENT_SHIFT);
    e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value);
    is_empty =
        e == ERR_NOT_FOUND ||
        (e == OK && (memcmp(key.p, from, GEN_BYTES) != 0 || be64_get(key.p + GEN_BYTES) >> SEGMENT_SHIFT != segment));
    store_cursor_close(c);
    if ((e != OK && e != ERR_NOT_FOUND) || !is_empty)
        return e;
    gen_put(from, &s->row->gen);
    be32_put(from + GEN_BYTES, (uint32_t)segment);
    e = store_delete(s->t, T_SEGMENTS, bytes_of(from, GEN_BYTES + 4));
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err destroy(struct sweep *s, const uint8_t key[PAGE_KEY])
{
    enum err e;

    if ((e = page_destroy(s->a, s->t, key)) != OK || (e = drop_segment(s)) != OK ||
        (e = standing_forget(s->a, s->t, &s->row->gen, s->page.first, s->last)) != OK)
        return e;
    *s->records += s->page.count;
    return OK;
}

static enum err sweep_pages(struct sweep *s, uint64_t max)
{
    uint8_t key[PAGE_KEY];
    bool is_in = false;
    enum err e = batch_row_at(s->t, &s->row->gen, 0, &s->batch, NULL);

    s->has_batch = e == OK;
    if (e == ERR_NOT_FOUND)
        e = OK;
    page_key(key, &s->row->gen, 0);
    while (e == OK && *s->records < max && (e = page_find(s->a, s->t, key, false, &s->page)) == OK &&
           s->page.first <= s->row->sealed) {
        if ((e = judge(s)) == OK && (e = is_in_batch(s, &is_in)) == OK && s->is_over && !is_in &&
            s->last <= s->row->sealed)
            e = destroy(s, key);
        page_key(key, &s->row->gen, s->last + 1);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err has_pages(struct store_txn *t, const struct generation *g, bool *out)
{
    struct store_cursor *c = NULL;
    uint8_t from[GEN_BYTES];
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_PAGES, &c);

    *out = false;
    if (e != OK)
        return e;
    gen_put(from, g);
    if ((e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value)) == OK)
        *out = memcmp(key.p, from, sizeof(from)) == 0;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err expire_generation(struct agent *a, struct store_txn *t, const struct gen_row *row, int64_t now,
                                  uint64_t max, uint64_t *records, bool *is_changed)
{
    struct sweep s = {.a = a, .t = t, .row = row, .now = now, .records = records};
    struct mark m = {0, 0, 0};
    bool has = false;
    enum err e = has_pages(t, &row->gen, &has);

    if (e != OK || !has)
        return e;
    if ((e = bring_mark(a, t, &row->gen, &m, is_changed)) != OK || m.archived_ms == 0 ||
        now - m.archived_ms < TERMS_DAYS_MIN * DAY_MS)
        return e;
    s.archived_ms = m.archived_ms;
    buf_init_secret(&s.page.plain, RECORD_MAX + 4096);
    e = sweep_pages(&s, max);
    buf_wipe(&s.page.plain);
    return e;
}

enum err leftover_expire(struct agent *a, struct store_txn *t, int64_t now, uint64_t max, uint64_t *records,
                         bool *is_changed)
{
    struct gen_row row;
    enum err e;

    *records = 0;
    *is_changed = false;
    if (now == 0)
        return OK;
    for (e = gen_row_next(t, NULL, &row); e == OK && *records < max; e = gen_row_next(t, &row.gen, &row))
        if (generation_compare(&row.gen, &a->gen) != 0 &&
            (e = expire_generation(a, t, &row, now, max, records, is_changed)) != OK)
            break;
    return e == ERR_NOT_FOUND ? OK : e;
}
